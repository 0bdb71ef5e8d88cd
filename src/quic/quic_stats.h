
/*
 * What a connection can tell of itself: for variables, logs and whoever watches
 * it.  Counters are of all its life, the rest is of its present path.
 */

#ifndef _QUIC_STATS_H_INCLUDED_
#define _QUIC_STATS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    /* microseconds; "rtt" and "rtt_min" are 0 before the first sample */
    uint64_t     rtt;                    /* the last one */
    uint64_t     rtt_min;
    uint64_t     rtt_smoothed;
    uint64_t     rtt_var;

    /* bytes */
    uint64_t     window;                 /* cwnd */
    uint64_t     ssthresh;               /* UINT64_MAX: none */
    uint64_t     in_flight;

    uint64_t     delivery_rate;          /* bytes a second, over the last
                                            round trip; 0: none is known */

    /* QUIC packets, and bytes of them */
    uint64_t     packets_sent;
    uint64_t     bytes_sent;
    uint64_t     packets_received;       /* that could be opened, but not those
                                            that were duplicates */
    uint64_t     bytes_received;
    uint64_t     packets_lost;           /* declared so */
    uint64_t     bytes_lost;
    uint64_t     packets_spurious;       /* but acknowledged later */
    uint64_t     bytes_spurious;
    uint64_t     packets_ce;             /* marked on their way: ECN */

    uint64_t     bytes_retransmitted;    /* of streams and the handshake */
    uint64_t     ptos;                   /* probe timeouts */
} quic_stats_t;


#endif /* _QUIC_STATS_H_INCLUDED_ */
