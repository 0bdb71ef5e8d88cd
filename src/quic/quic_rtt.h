
/* The round-trip time of a path: RFC 9002, section 5.  Microseconds. */

#ifndef _QUIC_RTT_H_INCLUDED_
#define _QUIC_RTT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define QUIC_INITIAL_RTT   333000    /* RFC 9002, 6.2.2 */
#define QUIC_GRANULARITY   1000      /* RFC 9002, 6.1.2 */


typedef struct {
    uint64_t     latest;             /* 0: no sample yet */
    uint64_t     smoothed;
    uint64_t     var;
    uint64_t     min;
} quic_rtt_t;


void quic_rtt_init(quic_rtt_t *rtt);

/*
 * A sample; "ack_delay" has been limited to the peer's max_ack_delay by the
 * caller where 5.3 says so.
 */
void quic_rtt_sample(quic_rtt_t *rtt, uint64_t latest, uint64_t ack_delay);

/* smoothed + max(4 var, granularity) */
uint64_t quic_rtt_pto(const quic_rtt_t *rtt);

/* how long after a packet an older one may still come: 6.1.2 */
uint64_t quic_rtt_loss_delay(const quic_rtt_t *rtt);


#endif /* _QUIC_RTT_H_INCLUDED_ */
