
/* What BBR makes of its model, rate and window: draft-ietf-ccwg-bbr, 5.6. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc_bbr_internal.h"


/* section 2; percents, but for what has a unit */

#define QUIC_BBR_PACING_MARGIN      1
#define QUIC_BBR_HEADROOM           15
#define QUIC_BBR_EXTRA_ACKED_LEN    10           /* round trips */
#define QUIC_BBR_MAX_QUANTUM        65536        /* bytes: 5.6.3 */


static void quic_bbr_set_cwnd(quic_cc_t *cc, const quic_cc_ack_t *ack);
static uint64_t quic_bbr_quantize(quic_cc_t *cc, uint64_t inflight);


void
quic_bbr_update_control(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    quic_bbr_set_pacing(cc, quic_bbr_phase(bbr)->pacing_gain);

    /* 5.6.3 and 5.5.8: what the pacer lets through in a millisecond */

    bbr->offload_budget = ngx_min(cc->rate / 1000, QUIC_BBR_MAX_QUANTUM);
    bbr->offload_budget = ngx_max(bbr->offload_budget, 2 * cc->mtu);

    quic_bbr_set_cwnd(cc, ack);
}


/*
 * 5.6.2.  Before the first RTT sample it is as if that were a millisecond,
 * which lets the initial window go at once.
 */

void
quic_bbr_init_pacing(quic_cc_t *cc, uint64_t rtt)
{
    uint64_t  gain;

    gain = quic_bbr_phases[QUIC_BBR_STARTUP].pacing_gain;

    cc->rate = quic_cc_initial_window(cc->mtu) * gain / 100
               * QUIC_BBR_SECOND / (rtt ? rtt : 1000);
}


void
quic_bbr_set_pacing(quic_cc_t *cc, uint64_t gain)
{
    uint64_t        rate;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    rate = bbr->bw * gain / 100 * (100 - QUIC_BBR_PACING_MARGIN) / 100;

    /* 0 would mean that there is no rate of ours */

    if (rate && (bbr->full_bw_reached || rate > cc->rate)) {
        cc->rate = rate;
    }
}


/* 5.6.4.6 and 5.6.4.7 */

static void
quic_bbr_set_cwnd(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t                 cwnd, cap;
    ngx_uint_t               rounds;
    quic_cc_bbr_t           *bbr;
    const quic_bbr_phase_t  *phase;

    bbr = &cc->u.bbr;
    phase = quic_bbr_phase(bbr);

    rounds = bbr->full_bw_reached ? QUIC_BBR_EXTRA_ACKED_LEN : 1;

    bbr->max_inflight = quic_bbr_quantize(cc,
                            quic_bbr_bdp(cc, bbr->bw, phase->cwnd_gain)
                            + quic_max_filter_get(&bbr->extra_acked_filter,
                                                  rounds));
    cwnd = cc->window;

    if (bbr->full_bw_reached) {
        cwnd = ngx_min(cwnd + ack->bytes, bbr->max_inflight);

    } else if (cwnd < bbr->max_inflight
               || bbr->delivered < quic_cc_initial_window(cc->mtu))
    {
        cwnd += ack->bytes;
    }

    cap = quic_cc_maximum_window(cc->mtu);

    if (bbr->state == QUIC_BBR_PROBE_RTT) {
        cap = quic_bbr_bdp(cc, bbr->bw, phase->cwnd_gain);
    }

    if (phase->headroom) {
        cap = ngx_min(cap, quic_bbr_with_headroom(cc));

    } else if (phase->longterm) {
        cap = ngx_min(cap, bbr->inflight_longterm);
    }

    cap = ngx_min(cap, bbr->inflight_shortterm);
    cwnd = ngx_min(cwnd, cap);

    cc->window = ngx_max(cwnd, quic_bbr_min_pipe(cc));
}


/* 5.6.4.4 */

void
quic_bbr_save_cwnd(quic_cc_t *cc)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (!bbr->in_recovery && bbr->state != QUIC_BBR_PROBE_RTT) {
        bbr->prior_cwnd = cc->window;

    } else {
        bbr->prior_cwnd = ngx_max(bbr->prior_cwnd, cc->window);
    }
}


void
quic_bbr_restore_cwnd(quic_cc_t *cc)
{
    cc->window = ngx_max(cc->window, cc->u.bbr.prior_cwnd);
}


/* 5.6.4.2, from here on */

uint64_t
quic_bbr_bdp(quic_cc_t *cc, uint64_t bw, uint64_t gain)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->min_rtt == QUIC_BBR_INFINITY) {
        return quic_cc_initial_window(cc->mtu);
    }

    return quic_rate_volume(bw, bbr->min_rtt) * gain / 100;
}


uint64_t
quic_bbr_inflight(quic_cc_t *cc, uint64_t bw)
{
    return quic_bbr_quantize(cc, quic_bbr_bdp(cc, bw, 100));
}


static uint64_t
quic_bbr_quantize(quic_cc_t *cc, uint64_t inflight)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    inflight = ngx_max(inflight, bbr->offload_budget);
    inflight = ngx_max(inflight, quic_bbr_min_pipe(cc));

    return (bbr->state == QUIC_BBR_UP) ? inflight + 2 * cc->mtu : inflight;
}


/* 5.3.3.8.3: the BDP, unless congestion has cut the window */

uint64_t
quic_bbr_target_inflight(quic_cc_t *cc)
{
    return ngx_min(quic_bbr_bdp(cc, cc->u.bbr.bw, 100), cc->window);
}


uint64_t
quic_bbr_with_headroom(quic_cc_t *cc)
{
    uint64_t        headroom;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->inflight_longterm == QUIC_BBR_INFINITY) {
        return QUIC_BBR_INFINITY;
    }

    headroom = bbr->inflight_longterm * QUIC_BBR_HEADROOM / 100;
    headroom = ngx_max(headroom, cc->mtu);

    if (bbr->inflight_longterm < headroom + quic_bbr_min_pipe(cc)) {
        return quic_bbr_min_pipe(cc);
    }

    return bbr->inflight_longterm - headroom;
}
