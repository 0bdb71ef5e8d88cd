
/*
 * Which stream may send next: RFC 9218, section 10.  Streams of the lowest
 * urgency number go first.  Of one urgency they go in the order of their IDs,
 * so that each is done with as soon as can be; incremental ones take turns, a
 * packet each.  Where there are both kinds, the kinds take turns.
 */

#ifndef _QUIC_SCHED_H_INCLUDED_
#define _QUIC_SCHED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_stream.h"


#define QUIC_URGENCIES        8
#define QUIC_DEFAULT_URGENCY  3


/* of one urgency; the queues are of quic_stream_t.ready, by "incremental" */

typedef struct {
    ngx_queue_t  queue[2];
    ngx_uint_t   turn;           /* which is next if both have streams */
} quic_sched_level_t;


typedef struct {
    quic_sched_level_t  level[QUIC_URGENCIES];
} quic_sched_t;


void quic_sched_init(quic_sched_t *sched);

/* "s" has something to send; harmless when it's in already */
void quic_sched_add(quic_sched_t *sched, quic_stream_t *s);
void quic_sched_remove(quic_stream_t *s);

/* the stream whose turn it is; NULL: none */
quic_stream_t *quic_sched_next(quic_sched_t *sched);

/* it has had a packet */
void quic_sched_served(quic_sched_t *sched, quic_stream_t *s);


#endif /* _QUIC_SCHED_H_INCLUDED_ */
