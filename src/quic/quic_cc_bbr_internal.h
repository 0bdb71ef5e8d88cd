
/*
 * What the parts of BBR know of each other, in the names of the draft's
 * pseudocode; nobody else does.
 */

#ifndef _QUIC_CC_BBR_INTERNAL_H_INCLUDED_
#define _QUIC_CC_BBR_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc.h"


#define QUIC_BBR_INFINITY           UINT64_MAX
#define QUIC_BBR_SECOND             1000000ULL
#define QUIC_BBR_BETA               70
#define QUIC_BBR_MIN_PIPE           4            /* datagrams */


/* what a state does to rate and window; gains in percents */

typedef struct {
    uint64_t    pacing_gain;
    uint64_t    cwnd_gain;
    unsigned    probe_bw:1;
    unsigned    probing:1;       /* losses don't narrow the short-term model */
    unsigned    longterm:1;      /* bounded by inflight_longterm, */
    unsigned    headroom:1;      /* with some headroom */
} quic_bbr_phase_t;


extern const quic_bbr_phase_t  quic_bbr_phases[];


static ngx_inline const quic_bbr_phase_t *
quic_bbr_phase(const quic_cc_bbr_t *bbr)
{
    return &quic_bbr_phases[bbr->state];
}


static ngx_inline uint64_t
quic_bbr_min_pipe(const quic_cc_t *cc)
{
    return QUIC_BBR_MIN_PIPE * cc->mtu;
}


/*
 * The steps that are taken for each ACK that acknowledges something, in the
 * order of 5.2.3, by the part that they stand in.
 */

/* the model */
void quic_bbr_update_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs);
void quic_bbr_update_congestion(quic_cc_t *cc, const quic_rate_sample_t *rs);
void quic_bbr_update_aggregation(quic_cc_t *cc, const quic_cc_ack_t *ack);
void quic_bbr_check_full_bw(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs);

/* the states */
void quic_bbr_check_startup(quic_cc_t *cc, const quic_rate_sample_t *rs);
void quic_bbr_check_drain(quic_cc_t *cc, const quic_cc_ack_t *ack);
void quic_bbr_update_cycle(quic_cc_t *cc, const quic_cc_ack_t *ack);

/* the model */
void quic_bbr_update_min_rtt(quic_cc_bbr_t *bbr, const quic_cc_ack_t *ack);

/* the states */
void quic_bbr_check_probe_rtt(quic_cc_t *cc, const quic_cc_ack_t *ack);

/* the model */
void quic_bbr_advance_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs);

/* rate and window */
void quic_bbr_update_control(quic_cc_t *cc, const quic_cc_ack_t *ack);


/* and what is done at other times */

void quic_bbr_start_round(quic_cc_bbr_t *bbr);
void quic_bbr_reset_congestion(quic_cc_bbr_t *bbr);
void quic_bbr_reset_shortterm(quic_cc_bbr_t *bbr);
void quic_bbr_reset_full_bw(quic_cc_bbr_t *bbr, uint64_t bw);
ngx_uint_t quic_bbr_too_high(const quic_rate_sample_t *rs);
uint64_t quic_bbr_inflight_at_loss(const quic_rate_sample_t *rs,
    uint64_t size);

void quic_bbr_start_refill(quic_cc_bbr_t *bbr);
void quic_bbr_handle_too_high(quic_cc_t *cc, const quic_rate_sample_t *rs);
void quic_bbr_check_probe_rtt_done(quic_cc_t *cc);

void quic_bbr_init_pacing(quic_cc_t *cc, uint64_t rtt);
void quic_bbr_set_pacing(quic_cc_t *cc, uint64_t gain);
void quic_bbr_save_cwnd(quic_cc_t *cc);
void quic_bbr_restore_cwnd(quic_cc_t *cc);

/* bytes */
uint64_t quic_bbr_bdp(quic_cc_t *cc, uint64_t bw, uint64_t gain);
uint64_t quic_bbr_inflight(quic_cc_t *cc, uint64_t bw);
uint64_t quic_bbr_target_inflight(quic_cc_t *cc);
uint64_t quic_bbr_with_headroom(quic_cc_t *cc);


#endif /* _QUIC_CC_BBR_INTERNAL_H_INCLUDED_ */
