
/*
 * The size of the datagrams that a path carries: RFC 9000, 14.3 and 14.4, by
 * the method of RFC 8899.  Sizes are bytes of UDP payload.
 *
 * Probes go upwards from "base", which every path of QUIC's carries: the
 * largest size first, as most paths carry it, then halves of what is left in
 * between.  A size that three probes in a row don't get through with is given
 * up.  Nothing but packets tells about a path; what ICMP says isn't asked for.
 *
 * Downwards: when datagrams of the full size get lost in a row for longer than
 * a round trip while a smaller one gets through, the path has become a black
 * hole for them, and all starts over from "base".
 *
 * Invariant:  base <= mtu < limit, where there is a limit.
 */

#ifndef _QUIC_PMTUD_H_INCLUDED_
#define _QUIC_PMTUD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_sent.h"


/* RFC 9000, 14: what a path must carry; no message from outside lowers it */
#define QUIC_BASE_MTU  1200


typedef struct {
    size_t       mtu;            /* datagrams of this size get through */
    size_t       base;
    size_t       limit;          /* this size doesn't; 0: none is known */
    size_t       probe;          /* size of the one in flight, or 0 */
    ngx_uint_t   failed;         /* probes of one size that were lost */
    uint64_t     raise;          /* time to look again whether "limit" still
                                    holds; 0: the search isn't over */

    uint64_t     first;          /* packets below say nothing of this path */
    uint64_t     full;           /* newest one of the full size, resp. */
    uint64_t     small;          /* smaller one that was acknowledged */

    ngx_uint_t   lost;           /* full ones in a row since "full" */
    uint64_t     lost_first;     /* the first of them, */
    uint64_t     lost_time;      /* and when it was sent */
} quic_pmtud_t;


/* "first" is the number of the next packet */
void quic_pmtud_init(quic_pmtud_t *p, size_t base, uint64_t first);

/*
 * The size to be probed now, at most "max"; 0: none, as a probe is in flight
 * or there is nothing to find out.
 */
size_t quic_pmtud_next(quic_pmtud_t *p, size_t max, uint64_t now);

/* a probe went out */
void quic_pmtud_sent(quic_pmtud_t *p, size_t size);

/*
 * What became of a 1-RTT packet, probe or not; with QUIC packets alone in
 * their datagrams, as 1-RTT packets are after the handshake.  p->mtu may have
 * changed afterwards.  Losses are reported in the order of numbers, after the
 * acknowledgements that brought them to light; "rtt" in microseconds.
 */
void quic_pmtud_acked(quic_pmtud_t *p, uint64_t pn,
    const quic_sent_packet_t *packet);
void quic_pmtud_lost(quic_pmtud_t *p, uint64_t pn,
    const quic_sent_packet_t *packet, uint64_t rtt);

/* our own interface doesn't take datagrams of "size" (EMSGSIZE) */
void quic_pmtud_too_large(quic_pmtud_t *p, size_t size);


#endif /* _QUIC_PMTUD_H_INCLUDED_ */
