
/*
 * Pacing: RFC 9002, section 7.7.  A bucket of bytes that fills with the rate
 * the congestion controller gives, and lets bursts of a batch through.
 *
 * Invariant: bytes sent in any time t  <=  rate * t + burst + what the last
 * packet went over it.
 */

#ifndef _QUIC_PACER_H_INCLUDED_
#define _QUIC_PACER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    uint64_t     rate;               /* bytes a second; 0: not paced */
    uint64_t     burst;              /* bytes, the most that may go at once */
    uint64_t     quantum;            /* bytes, worth a wake-up */
    int64_t      level;              /* what may go now, in millionths of a
                                        byte; negative when the last packet
                                        went over it */
    uint64_t     time;               /* microseconds, of "level" */
    unsigned     waiting:1;          /* was empty; until there is a quantum */
} quic_pacer_t;


void quic_pacer_init(quic_pacer_t *p, uint64_t now);

/*
 * The rate has changed.  The burst follows it: what the rate gives in the
 * time between two wake-ups (see .c), at least 10 packets of "mtu" bytes.
 */
void quic_pacer_set_rate(quic_pacer_t *p, uint64_t rate, size_t mtu,
    uint64_t now);

/*
 * Bytes that may be sent now, 0: wait until quic_pacer_deadline().  The last
 * packet may be larger than what is left.  UINT64_MAX when not paced.
 */
uint64_t quic_pacer_room(quic_pacer_t *p, uint64_t now);

void quic_pacer_sent(quic_pacer_t *p, size_t bytes, uint64_t now);

/* time at which there is room again for a burst worth waking up for */
uint64_t quic_pacer_deadline(quic_pacer_t *p, uint64_t now);


#endif /* _QUIC_PACER_H_INCLUDED_ */
