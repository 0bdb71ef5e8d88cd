
/*
 * What BBR keeps, in the names of draft-ietf-ccwg-bbr, section 2.  Bytes,
 * microseconds, bytes a second; UINT64_MAX for infinity.
 */

#ifndef _QUIC_CC_BBR_H_INCLUDED_
#define _QUIC_CC_BBR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_max_filter.h"


typedef enum {
    QUIC_BBR_STARTUP = 0,
    QUIC_BBR_DRAIN,
    QUIC_BBR_DOWN,               /* of ProbeBW, as are the next three */
    QUIC_BBR_CRUISE,
    QUIC_BBR_REFILL,
    QUIC_BBR_UP,
    QUIC_BBR_PROBE_RTT
} quic_bbr_state_e;


/* what ACKs tell about a probe for bandwidth: 2.14, ack_phase */

typedef enum {
    QUIC_BBR_ACKS_INIT = 0,      /* nothing */
    QUIC_BBR_ACKS_REFILLING,
    QUIC_BBR_ACKS_STARTING,
    QUIC_BBR_ACKS_FEEDBACK,
    QUIC_BBR_ACKS_STOPPING       /* it's over, but not yet acknowledged */
} quic_bbr_acks_e;


/* 2.15; and what of the losses since then hasn't turned out to be late */

typedef struct {
    quic_bbr_state_e     state;
    uint64_t             bw_shortterm;
    uint64_t             inflight_shortterm;
    uint64_t             inflight_longterm;
    uint64_t             start;          /* time; 0: nothing is to be undone */
    uint64_t             lost;
    unsigned             left:1;         /* "state" was left for the losses */
} quic_bbr_undo_t;


typedef struct {
    quic_bbr_state_e     state;

    /* round trips, as packets tell them: 5.5.1 */
    uint64_t             round_count;
    uint64_t             next_round_delivered;

    /* rates */
    quic_max_filter_t    max_bw_filter;  /* in cycles */
    uint64_t             cycle_count;
    uint64_t             max_bw;
    uint64_t             bw_shortterm;
    uint64_t             bw;             /* the lesser one of both */

    /* volumes */
    uint64_t             min_rtt;
    uint64_t             min_rtt_stamp;
    uint64_t             max_inflight;
    uint64_t             inflight_longterm;
    uint64_t             inflight_shortterm;
    uint64_t             offload_budget;
    uint64_t             prior_cwnd;

    /* aggregation: 5.5.9 */
    quic_max_filter_t    extra_acked_filter;  /* in round trips */
    uint64_t             extra_acked_start;
    uint64_t             extra_acked_delivered;

    /* congestion */
    uint64_t             bw_latest;
    uint64_t             inflight_latest;
    uint64_t             loss_round_delivered;
    uint64_t             lost_next;      /* number after the last one lost */
    ngx_uint_t           lost_ranges;    /* in this round */
    quic_bbr_undo_t      undo;

    /* is the pipe full: 5.3.1 */
    uint64_t             full_bw;
    ngx_uint_t           full_bw_count;
    uint64_t             drain_start_round;

    /* ProbeBW */
    quic_bbr_acks_e      ack_phase;
    uint64_t             cycle_stamp;
    uint64_t             bw_probe_wait;
    uint64_t             rounds_since_probe_up;
    uint64_t             probe_up_acked;
    uint64_t             probe_up_acked_per_inc;
    ngx_uint_t           probe_up_rounds;

    /* ProbeRTT */
    uint64_t             probe_rtt_min_delay;
    uint64_t             probe_rtt_min_stamp;
    uint64_t             probe_rtt_done_stamp;  /* 0: not begun to count */

    uint64_t             chance;         /* xorshift64's state */

    /* of the event that is being handled */
    uint64_t             now;
    uint64_t             delivered;

    unsigned             round_start:1;
    unsigned             loss_round_start:1;
    unsigned             lossy_round:1;     /* so was the one that it ends */
    unsigned             is_loss_in_round:1;
    unsigned             in_recovery:1;
    unsigned             marked:1;          /* ECN-CE, since the last ACK */
    unsigned             has_seen_rtt:1;
    unsigned             full_bw_reached:1;
    unsigned             full_bw_now:1;
    unsigned             idle_restart:1;
    unsigned             is_bw_probe_sample:1;
    unsigned             prev_probe_too_high:1;
    unsigned             prev_probe_precautionary:1;
    unsigned             probe_rtt_expired:1;
    unsigned             probe_rtt_round_done:1;
    unsigned             cwnd_limited:1;    /* in this round */
    unsigned             was_cwnd_limited:1;  /* in the one before */
} quic_cc_bbr_t;


#endif /* _QUIC_CC_BBR_H_INCLUDED_ */
