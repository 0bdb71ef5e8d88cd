
/*
 * Records of sent packets, one quic_sent_t per packet number space.
 *
 * Packets are kept by reference: a record says which frames a packet had, a
 * frame's record which bytes of which stream (or which other thing) it was
 * about.  Both lie in rings that grow, so that neither a packet nor a frame
 * costs an allocation:
 *
 *     packet:  first ... next      record of number pn is packet[pn % size]
 *     frame:   first ... next      a packet's are [frame, frame + nframes)
 *
 * Steps: quic_sent_open(), quic_sent_frame() for each frame worth remembering,
 * then quic_sent_close() with the packet's size, or quic_sent_cancel().  A
 * record is in one of the states below until it is both resolved (acked or
 * lost and no longer of interest) and the oldest: quic_sent_trim().
 */

#ifndef _QUIC_SENT_H_INCLUDED_
#define _QUIC_SENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"
#include "quic/quic_rate.h"
#include "wire/quic_frame.h"


typedef enum {
    QUIC_SENT_OUTSTANDING = 0,
    QUIC_SENT_ACKED,
    QUIC_SENT_LOST,
    QUIC_SENT_SKIPPED            /* a number that was never sent */
} quic_sent_state_e;


typedef struct {
    uint64_t     id;             /* stream ID or sequence number */
    uint64_t     offset;
    uint32_t     len;
    uint8_t      type;           /* QUIC_FT_* */
    uint8_t      fin;
} quic_sent_frame_t;


typedef struct {
    uint64_t     time;           /* microseconds, when it was sent, or
                                    found to be ACKED or LOST */

    union {
        uint64_t frame;          /* number of the first frame record */
        uint64_t run;            /* ACKED: all from this number up to the
                                    packet's own are acked */
    };

    uint16_t     nframes;
    uint16_t     size;           /* bytes, header and tag included */
    uint8_t      state;          /* quic_sent_state_e */
    unsigned     ack_eliciting:1;    /* and in flight */
    unsigned     app_limited:1;
    unsigned     mtu_probe:1;    /* its loss says nothing of congestion */
    unsigned     ecn:1;          /* was marked ECT(0) */
} quic_sent_packet_t;


typedef struct {
    quic_sent_packet_t  *packet;
    uint64_t             first;  /* oldest number with a record */
    uint64_t             next;   /* number of the next packet */
    ngx_uint_t           size;   /* of the ring, a power of two, or 0 */
    quic_rate_packet_t  *rate;   /* a ring of that size, or NULL */

    quic_sent_frame_t   *frame;
    uint64_t             frame_first;
    uint64_t             frame_next;
    ngx_uint_t           frame_size;

    quic_mem_t          *mem;
    unsigned             open:1;
    unsigned             sampled:1;
} quic_sent_t;


void quic_sent_init(quic_sent_t *s, quic_mem_t *mem);
void quic_sent_done(quic_sent_t *s);

/* before the first packet: for each one there is quic_sent_rate(), too */
void quic_sent_sample(quic_sent_t *s);

/*
 * Opens the record of packet s->next.  NGX_OK; NGX_AGAIN: too many packets or
 * frames are unresolved (QUIC_MAX_SENT_*); NGX_ERROR: no memory.
 */
ngx_int_t quic_sent_open(quic_sent_t *s);

/*
 * One more frame record of the open packet, zeroed; valid until the next one.
 * NULL: no memory, or the packet has QUIC_MAX_PACKET_FRAMES.
 */
quic_sent_frame_t *quic_sent_frame(quic_sent_t *s);

/* the open packet was sent; its record stays valid until the next open() */
quic_sent_packet_t *quic_sent_close(quic_sent_t *s, size_t size, uint64_t now);

/* the open packet wasn't sent */
void quic_sent_cancel(quic_sent_t *s);

/* passes over s->next: an ACK of it is a lie; results of quic_sent_open() */
ngx_int_t quic_sent_skip(quic_sent_t *s);

/* the record of a number; NULL when there is none (any more) */
quic_sent_packet_t *quic_sent_get(quic_sent_t *s, uint64_t pn);

/* what belongs to that record, when quic_sent_sample() was called */
static ngx_inline quic_rate_packet_t *
quic_sent_rate(quic_sent_t *s, uint64_t pn)
{
    return &s->rate[pn & (s->size - 1)];
}

/* the i-th frame of a packet that isn't ACKED */
static ngx_inline quic_sent_frame_t *
quic_sent_frame_of(quic_sent_t *s, quic_sent_packet_t *p, ngx_uint_t i)
{
    return &s->frame[(p->frame + i) & (s->frame_size - 1)];
}

/*
 * Gives up the oldest records that are resolved: acked; or lost, or not
 * ack-eliciting, whose "time" is "until" or earlier (their ACK may still come
 * for a while, and what elicits none is never declared lost).  A skipped number
 * is kept for the time of the packet that followed it.  Empty rings are given
 * back when they are large.
 */
void quic_sent_trim(quic_sent_t *s, uint64_t until);

/*
 * The least "until" with which quic_sent_trim() has something to do;
 * UINT64_MAX: packets have to be resolved first, or there are none.
 */
uint64_t quic_sent_trim_time(quic_sent_t *s);

/* a record becomes ACKED; its frames are no longer of interest */
void quic_sent_acked(quic_sent_t *s, uint64_t pn, uint64_t now);

/*
 * The records that an ACK frame covers and that are not ACKED yet, in
 * descending order.  Peers report the same ranges again and again: a run of
 * acked packets is passed in one step.  The record that was given last may be
 * changed.  ack->largest must be below s->next.
 */
typedef struct {
    quic_sent_t         *sent;
    quic_ack_iter_t      ranges;
    uint64_t             first;  /* left of the range: [first, end) */
    uint64_t             end;
} quic_sent_walk_t;

void quic_sent_walk(quic_sent_walk_t *w, quic_sent_t *s,
    quic_frame_ack_t *ack);

/* NULL at the end */
quic_sent_packet_t *quic_sent_walk_next(quic_sent_walk_t *w, uint64_t *pn);


#endif /* _QUIC_SENT_H_INCLUDED_ */
