
/*
 * Flow control: RFC 9000, section 4.  The same for a stream and for the whole
 * connection; offsets and limits in bytes.
 *
 * As receiver:  consumed <= received <= max;  max is renewed to
 * consumed + window when less than half of the window is left.  When that
 * happens again within two round trips, the window is what holds the peer
 * back, and doubles; a reader that is slower than the network never sees that,
 * so what is held for it stays small.
 * As sender:  sent <= max.
 * No limit exceeds 2^62 - 1.
 */

#ifndef _QUIC_FLOW_H_INCLUDED_
#define _QUIC_FLOW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    uint64_t     max;                /* what the peer has been told */
    uint64_t     received;           /* highest offset, or their sum */
    uint64_t     consumed;           /* taken by the reader */
    uint64_t     window;
    uint64_t     renewed;            /* microseconds: the time of the last
                                        renewal, 0: none yet */
} quic_flow_recv_t;


typedef struct {
    uint64_t     max;                /* what the peer has told us */
    uint64_t     sent;               /* highest offset, or their sum */
    uint64_t     blocked;            /* 1 + the limit that we have last said
                                        to be blocked at; 0: none */
} quic_flow_send_t;


void quic_flow_recv_init(quic_flow_recv_t *f, uint64_t window);

/* "n" new bytes: NGX_OK, or NGX_DECLINED when they exceed the limit */
ngx_int_t quic_flow_receive(quic_flow_recv_t *f, uint64_t n);

/* "n" received bytes were read; non-zero when a new limit should be told */
ngx_uint_t quic_flow_consume(quic_flow_recv_t *f, uint64_t n);

/*
 * To be called before a renewal: the window may grow, up to "most".  Returns
 * the bytes by which it has grown.  "rtt" and "now" in microseconds.
 */
uint64_t quic_flow_grow(quic_flow_recv_t *f, uint64_t most, uint64_t rtt,
    uint64_t now);

/* raises the limit as far as the window allows and returns it */
uint64_t quic_flow_renew(quic_flow_recv_t *f);

void quic_flow_send_init(quic_flow_send_t *f, uint64_t max);

/*
 * A MAX_DATA or MAX_STREAM_DATA came; non-zero when it raised the limit.  A
 * lower one was overtaken on its way and means nothing (RFC 9000, 4.1).
 */
ngx_uint_t quic_flow_raise(quic_flow_send_t *f, uint64_t max);

/* bytes that may still be sent */
uint64_t quic_flow_credit(quic_flow_send_t *f);

/*
 * Non-zero, once for each limit, when there is no credit: a BLOCKED frame is
 * due, which says f->max.
 */
ngx_uint_t quic_flow_blocked(quic_flow_send_t *f);


#endif /* _QUIC_FLOW_H_INCLUDED_ */
