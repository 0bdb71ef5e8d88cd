
/*
 * Loss detection and congestion control of one connection: RFC 9002.
 *
 * Holds the records of sent packets of the three packet number spaces, the RTT
 * estimate of the active path, its MTU, the congestion controller and the
 * pacer; says when something is to be sent again, and how much may be sent now.
 *
 * What a frame was about is the caller's: when a packet is acknowledged or
 * declared lost, ops->acked() or ops->lost() is called for each of its frame
 * records.  A packet that was declared lost may still be acknowledged for
 * about a PTO: acked() is then called as well.  The frames of a packet that
 * isn't in flight (ACK, CONNECTION_CLOSE) are reported as acked, or not at all.
 */

#ifndef _QUIC_RECOVERY_H_INCLUDED_
#define _QUIC_RECOVERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_addr.h"
#include "quic/quic_cc.h"
#include "quic/quic_ecn.h"
#include "quic/quic_pacer.h"
#include "quic/quic_pmtud.h"
#include "quic/quic_rate.h"
#include "quic/quic_rtt.h"
#include "quic/quic_sent.h"
#include "wire/quic_frame.h"


/* packet number spaces: RFC 9000, 12.3 */

typedef enum {
    QUIC_SPACE_INITIAL = 0,
    QUIC_SPACE_HANDSHAKE,
    QUIC_SPACE_APP
} quic_space_e;

#define QUIC_SPACES  3

/* of a peer that says nothing else: RFC 9000, 18.2 */
#define QUIC_DEFAULT_MAX_ACK_DELAY  25000


/* they may neither send packets nor call back into the recovery */

typedef struct {
    void  (*acked)(void *data, quic_space_e space, quic_sent_frame_t *frame);
    void  (*lost)(void *data, quic_space_e space, quic_sent_frame_t *frame);
} quic_recovery_ops_t;


typedef struct {
    quic_sent_t      sent;
    uint64_t         largest_acked;      /* UINT64_MAX: none yet */
    uint64_t         loss_time;          /* 0: no packet waits for it */
    uint64_t         eliciting;          /* ack-eliciting packets in flight */
    uint64_t         last_eliciting;     /* time when the last was sent */
    uint64_t         skip;               /* number to be skipped next */
    quic_ecn_counts_t  ecn;
    uint64_t         oldest;             /* no packet below it is waited for */
    uint64_t         lost_since;         /* 7.6: since then (a send time) all
                                            was lost up to "oldest"; or 0 */
    uint64_t         repeated;           /* a probe has repeated what is below,
                                            since the last ACK */
    unsigned         discarded:1;
} quic_recovery_space_t;


/* what a timeout was */

typedef enum {
    QUIC_TIMEOUT_NONE = 0,
    QUIC_TIMEOUT_LOSS,                   /* packets were declared lost */
    QUIC_TIMEOUT_PTO                     /* probes are to be sent */
} quic_timeout_e;


typedef struct {
    quic_recovery_space_t       space[QUIC_SPACES];
    quic_rtt_t                  rtt;
    quic_cc_t                   cc;
    quic_pacer_t                pacer;
    quic_pmtud_t                pmtud;
    quic_ecn_t                  ecn;
    quic_rate_t                 rate;

    uint64_t                    in_flight;    /* bytes, all spaces */
    ngx_uint_t                  pto_count;
    uint64_t                    max_ack_delay;  /* the peer's; microseconds */
    uint64_t                    first_sample;  /* time of it on this path, or
                                                  0 */
    uint64_t                    path_pn;      /* first number (1-RTT) of the
                                                 path we are on */

    uint64_t                    threshold;    /* packets: 6.1.1 */

    uint64_t                    packets_lost;
    uint64_t                    packets_acked;
    uint64_t                    packets_spurious;  /* lost, but acked later */
    uint64_t                    packets_ce;        /* marked by the network */
    uint64_t                    bytes_lost;
    uint64_t                    bytes_spurious;
    uint64_t                    ptos;

    const quic_recovery_ops_t  *ops;
    void                       *data;

    unsigned                    handshake_confirmed:1;
    unsigned                    peer_validated:1;  /* A.8: our address is known
                                                      to be validated: always
                                                      so for a server */
    unsigned                    amplification_limited:1;  /* no timer then */
    unsigned                    send_one:1;   /* 7.3.2: entering recovery */
    unsigned                    marking:1;    /* packets are sent ECT(0) */
} quic_recovery_t;


void quic_recovery_init(quic_recovery_t *r, quic_mem_t *mem,
    const quic_cc_ops_t *cc, size_t mtu, const quic_recovery_ops_t *ops,
    void *data, uint64_t now);
void quic_recovery_done(quic_recovery_t *r);

/*
 * What is sent from now on has this mark (QUIC_ECN_*); to be asked before each
 * batch.
 */
ngx_uint_t quic_recovery_mark(quic_recovery_t *r);

/*
 * A packet goes out: quic_sent_open() on space[].sent, frames, and then this
 * in the place of quic_sent_close().  The pacer is charged here.  In flight are
 * the packets that elicit an ACK, and no others: what is padded has to be one
 * of these.
 */
void quic_recovery_sent(quic_recovery_t *r, quic_space_e space, size_t size,
    ngx_uint_t ack_eliciting, uint64_t now);

/* and that 1-RTT packet was a probe of the path's MTU: RFC 9000, 14.4 */
void quic_recovery_mtu_probe(quic_recovery_t *r);

/*
 * The same for a packet by another path than the active one: neither RTT nor
 * congestion control hear of it, and nobody waits for its acknowledgement
 * (RFC 9000, 9.4).  Its frames have no records.
 */
void quic_recovery_sent_aside(quic_recovery_t *r, quic_space_e space,
    uint64_t now);

/*
 * The number of the next packet in a space; now and then one is passed over,
 * by chance, so that a peer that acknowledges what it didn't receive is found
 * out (RFC 9000, 21.4).  NGX_OK or NGX_ERROR (memory)
 */
ngx_int_t quic_recovery_next_pn(quic_recovery_t *r, quic_space_e space,
    uint64_t *pn);

/*
 * An ACK frame came; "delay" is scaled, in microseconds.  All of it is checked
 * before anything is changed.  NGX_OK; NGX_DECLINED: it says nothing new; or
 * NGX_ERROR with "*reason": a packet was acknowledged that we never sent
 * (PROTOCOL_VIOLATION).
 */
ngx_int_t quic_recovery_ack(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now, const char **reason);

/* time at which quic_recovery_timeout() is to be called; UINT64_MAX: never */
uint64_t quic_recovery_deadline(quic_recovery_t *r);

/*
 * A time has come.  QUIC_TIMEOUT_NONE when nothing is to be sent: a call too
 * early, or old records were forgotten.  With QUIC_TIMEOUT_PTO "*space" is
 * where probes belong: the caller sends up to two ack-eliciting packets there,
 * whatever the window says.
 */
quic_timeout_e quic_recovery_timeout(quic_recovery_t *r, quic_space_e *space,
    uint64_t now);

/*
 * For probes that carry data: ops->lost() is called for each frame of the
 * oldest ack-eliciting packets in flight, two at most, or from the second PTO
 * on, of those that follow the ones before; they stay in flight, as nobody
 * knows whether they are lost.  Returns their number.
 */
ngx_uint_t quic_recovery_repeat(quic_recovery_t *r, quic_space_e space);

/* keys of a space were discarded (6.4): its packets are forgotten */
void quic_recovery_discard(quic_recovery_t *r, quic_space_e space);

/* bytes that the congestion window leaves */
uint64_t quic_recovery_room(quic_recovery_t *r);

/*
 * The caller stops sending though neither the window nor the pacer says so: it
 * has no data, or flow control or the amplification limit are in the way.  The
 * window doesn't grow then (7.8).
 */
void quic_recovery_app_limited(quic_recovery_t *r);

/* our interface doesn't take datagrams of "size", which was an MTU once */
void quic_recovery_too_large(quic_recovery_t *r, size_t size, uint64_t now);

/*
 * The connection moves to a new path (RFC 9000, 9.4): RTT, MTU (from "mtu" on),
 * ECN, congestion control and pacing start over, and so does the PTO.  What was
 * sent before is still reported, but neither its bytes nor its RTT count.
 */
void quic_recovery_new_path(quic_recovery_t *r, size_t mtu, uint64_t now);

/*
 * PTO without backoff: srtt + max(4 rttvar, 1 ms), in the APP space with the
 * peer's max_ack_delay
 */
uint64_t quic_recovery_pto(quic_recovery_t *r, quic_space_e space);


#endif /* _QUIC_RECOVERY_H_INCLUDED_ */
