
/*
 * What was received in a packet number space, and when to say so: RFC 9000,
 * section 13.2.
 *
 * A packet is noted when it has been opened and its frames were accepted.  An
 * ACK is due at once for what is out of order, for every second ack-eliciting
 * packet, in the Initial and Handshake spaces, and for a packet with a CE
 * mark; else after max_ack_delay.  As it is asked for only after a whole batch
 * of datagrams, one ACK answers all of them.
 *
 * The peer may ask for something else: draft-ietf-quic-ack-frequency.
 */

#ifndef _QUIC_ACK_H_INCLUDED_
#define _QUIC_ACK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_ranges.h"
#include "wire/quic_frame.h"


/* what we promise as max_ack_delay; microseconds, RFC 9000, 18.2 */
#define QUIC_MAX_ACK_DELAY  25000

/* the least that a peer may ask for: nginx's timers are of milliseconds */
#define QUIC_MIN_ACK_DELAY  1000


typedef struct {
    quic_ranges_t    received;
    quic_ranges_t    refused;        /* read, and never to be acknowledged */
    uint64_t         floor;          /* numbers below it aren't looked at:
                                        duplicates, or too late */
    uint64_t         largest;        /* UINT64_MAX: none */
    uint64_t         largest_time;   /* microseconds */
    uint64_t         deadline;       /* of the next ACK; UINT64_MAX: none due */
    uint64_t         ecn[3];         /* packets seen: ECT(0), ECT(1), CE */
    uint64_t         told;           /* largest in an ACK; UINT64_MAX: none */
    ngx_uint_t       eliciting;      /* such packets since the last ACK */

    /* as in ACK_FREQUENCY, or by default */
    uint64_t         threshold;      /* so many may wait, not one more */
    uint64_t         delay;          /* for so long; microseconds */
    uint64_t         reordering;     /* numbers that may be out of order, + 1;
                                        0: any */
    uint64_t         next_seq;       /* older frames mean nothing */

    unsigned         immediate:1;    /* the space knows no delay */
    unsigned         asked:1;        /* for an ACK now */
    unsigned         ce:1;           /* so was the packet before marked */
} quic_ack_t;


/* "immediate" for Initial and Handshake */
void quic_ack_init(quic_ack_t *a, quic_mem_t *mem, ngx_uint_t immediate);
void quic_ack_done(quic_ack_t *a);

/* non-zero for a number that was received before, or may have been */
ngx_uint_t quic_ack_duplicate(quic_ack_t *a, uint64_t pn);

/*
 * Packet "pn" was received; "ecn" is its mark, QUIC_ECN_*.  NGX_OK or NGX_ERROR
 * (memory).
 */
ngx_int_t quic_ack_received(quic_ack_t *a, uint64_t pn,
    ngx_uint_t ack_eliciting, ngx_uint_t ecn, uint64_t now);

/*
 * Packet "pn" was read, but something in it couldn't be kept: no ACK tells of
 * it, and it isn't to be read again (RFC 9000, 12.3).  NGX_OK or NGX_ERROR
 * (memory).
 */
ngx_int_t quic_ack_refused(quic_ack_t *a, uint64_t pn);

/*
 * ACK_FREQUENCY came.  NGX_OK, or NGX_DECLINED: the delay that it asks for is
 * none that we can have (PROTOCOL_VIOLATION).
 */
ngx_int_t quic_ack_frequency(quic_ack_t *a,
    const quic_frame_ack_frequency_t *f);

/* IMMEDIATE_ACK came; before quic_ack_received() of its packet */
void quic_ack_now(quic_ack_t *a);

/* non-zero when something was received that no ACK has told yet */
ngx_uint_t quic_ack_pending(quic_ack_t *a);

/* non-zero when an ACK is to be sent even if nothing else is */
ngx_uint_t quic_ack_due(quic_ack_t *a, uint64_t now);

/* an ACK frame with all ranges went out */
void quic_ack_sent(quic_ack_t *a);

/* the peer has seen our ACK up to "largest": what it told needs no repeating */
void quic_ack_acked(quic_ack_t *a, uint64_t largest);


#endif /* _QUIC_ACK_H_INCLUDED_ */
