
/* What BBR knows of the path: draft-ietf-ccwg-bbr, 5.5. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc_bbr_internal.h"


/* section 2; percents, but for what has a unit */

#define QUIC_BBR_LOSS_THRESH        2
#define QUIC_BBR_FULL_BW_ROUNDS     3            /* 5.3.1.2 */
#define QUIC_BBR_FULL_BW_GROWTH     125
#define QUIC_BBR_MAX_BW_LEN         2            /* cycles */
#define QUIC_BBR_MIN_RTT_LEN        (10 * QUIC_BBR_SECOND)
#define QUIC_BBR_PROBE_RTT_INTERVAL (5 * QUIC_BBR_SECOND)
#define QUIC_BBR_EMPTY_QUEUE        128          /* a part of the RTT */


static void quic_bbr_update_round(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_update_max_bw(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_adapt_lower_bounds(quic_cc_t *cc);


/* 5.5.1 */

void
quic_bbr_start_round(quic_cc_bbr_t *bbr)
{
    bbr->next_round_delivered = bbr->delivered;
}


static void
quic_bbr_update_round(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    bbr->round_start = (rs->prior_delivered >= bbr->next_round_delivered);

    if (!bbr->round_start) {
        return;
    }

    quic_bbr_start_round(bbr);

    bbr->round_count++;
    bbr->rounds_since_probe_up++;

    bbr->was_cwnd_limited = bbr->cwnd_limited;
    bbr->cwnd_limited = 0;
}


/* 5.5.5 */

static void
quic_bbr_update_max_bw(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    quic_bbr_update_round(bbr, rs);

    if (rs->rate && (rs->rate >= bbr->max_bw || !rs->app_limited)) {
        quic_max_filter_add(&bbr->max_bw_filter, bbr->cycle_count, rs->rate);

        bbr->max_bw = quic_max_filter_get(&bbr->max_bw_filter,
                                          QUIC_BBR_MAX_BW_LEN);
    }
}


/* 5.5.10.3, from here on */

void
quic_bbr_update_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    bbr->bw_latest = ngx_max(bbr->bw_latest, rs->rate);
    bbr->inflight_latest = ngx_max(bbr->inflight_latest, rs->delivered);

    bbr->loss_round_start = (rs->prior_delivered >= bbr->loss_round_delivered);

    if (bbr->loss_round_start) {
        bbr->loss_round_delivered = bbr->delivered;
    }
}


void
quic_bbr_advance_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    if (bbr->loss_round_start) {
        bbr->bw_latest = rs->rate;
        bbr->inflight_latest = rs->delivered;
    }
}


void
quic_bbr_update_congestion(quic_cc_t *cc, const quic_rate_sample_t *rs)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    quic_bbr_update_max_bw(bbr, rs);

    if (!bbr->loss_round_start) {
        return;
    }

    quic_bbr_adapt_lower_bounds(cc);

    bbr->lossy_round = bbr->is_loss_in_round;
    bbr->is_loss_in_round = 0;
}


/* once a round trip */

static void
quic_bbr_adapt_lower_bounds(quic_cc_t *cc)
{
    uint64_t        bw, inflight;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (quic_bbr_phase(bbr)->probing || !bbr->is_loss_in_round) {
        return;
    }

    bw = bbr->bw_shortterm;
    inflight = bbr->inflight_shortterm;

    if (bw == QUIC_BBR_INFINITY) {
        bw = bbr->max_bw;
    }

    if (inflight == QUIC_BBR_INFINITY) {
        inflight = cc->window;
    }

    bbr->bw_shortterm = ngx_max(bbr->bw_latest, bw * QUIC_BBR_BETA / 100);
    bbr->inflight_shortterm = ngx_max(bbr->inflight_latest,
                                      inflight * QUIC_BBR_BETA / 100);
}


void
quic_bbr_reset_congestion(quic_cc_bbr_t *bbr)
{
    bbr->is_loss_in_round = 0;
    bbr->bw_latest = 0;
    bbr->inflight_latest = 0;
}


void
quic_bbr_reset_shortterm(quic_cc_bbr_t *bbr)
{
    bbr->bw_shortterm = QUIC_BBR_INFINITY;
    bbr->inflight_shortterm = QUIC_BBR_INFINITY;
}


/* 5.5.9: what was acknowledged beyond what the bandwidth explains */

void
quic_bbr_update_aggregation(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t        expected, extra;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    expected = quic_rate_volume(bbr->bw, bbr->now - bbr->extra_acked_start);

    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_start = bbr->now;
        expected = 0;
    }

    bbr->extra_acked_delivered += ack->bytes;

    extra = ngx_min(bbr->extra_acked_delivered - expected, cc->window);

    quic_max_filter_add(&bbr->extra_acked_filter, bbr->round_count, extra);
}


/* 5.3.1.2 */

void
quic_bbr_reset_full_bw(quic_cc_bbr_t *bbr, uint64_t bw)
{
    bbr->full_bw = bw;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = 0;
}


void
quic_bbr_check_full_bw(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    if (bbr->full_bw_now || !bbr->round_start || rs->app_limited) {
        return;
    }

    if (rs->rate >= bbr->full_bw * QUIC_BBR_FULL_BW_GROWTH / 100) {
        quic_bbr_reset_full_bw(bbr, rs->rate);
        return;
    }

    if (++bbr->full_bw_count >= QUIC_BBR_FULL_BW_ROUNDS) {
        bbr->full_bw_now = 1;
        bbr->full_bw_reached = 1;
    }
}


/* 5.5.10.2, from here on */

ngx_uint_t
quic_bbr_too_high(const quic_rate_sample_t *rs)
{
    return rs->lost * 100 > rs->in_flight * QUIC_BBR_LOSS_THRESH;
}


/*
 * The volume at which losses crossed the threshold, which may have been in the
 * middle of the packet's burst.
 */

uint64_t
quic_bbr_inflight_at_loss(const quic_rate_sample_t *rs, uint64_t size)
{
    uint64_t  inflight_prev, lost_prev, thresh;

    inflight_prev = rs->in_flight - ngx_min(size, rs->in_flight);
    lost_prev = rs->lost - ngx_min(size, rs->lost);
    thresh = inflight_prev * QUIC_BBR_LOSS_THRESH;

    if (thresh <= lost_prev * 100) {
        return inflight_prev;
    }

    return inflight_prev
           + (thresh - lost_prev * 100) / (100 - QUIC_BBR_LOSS_THRESH);
}


/*
 * 5.3.4.3.  An empty queue is told by the shortest round trip that the path has
 * ever shown, not by that of the filter: the latter may be of a queue that is
 * always there, and would be found again and again.
 */

void
quic_bbr_update_min_rtt(quic_cc_bbr_t *bbr, const quic_cc_ack_t *ack)
{
    uint64_t  rtt, least;

    rtt = ack->rtt_sample ? ack->rtt->latest : QUIC_BBR_INFINITY;
    least = ack->rtt->min;

    bbr->probe_rtt_expired = (bbr->now > bbr->probe_rtt_min_stamp
                                         + QUIC_BBR_PROBE_RTT_INTERVAL);

    if (rtt < bbr->probe_rtt_min_delay
        || (ack->rtt_sample && bbr->probe_rtt_expired))
    {
        bbr->probe_rtt_min_delay = rtt;
        bbr->probe_rtt_min_stamp = bbr->now;

    } else if (rtt <= least + least / QUIC_BBR_EMPTY_QUEUE) {
        bbr->probe_rtt_min_stamp = bbr->now;
    }

    if (bbr->probe_rtt_min_delay < bbr->min_rtt
        || bbr->now > bbr->min_rtt_stamp + QUIC_BBR_MIN_RTT_LEN)
    {
        bbr->min_rtt = bbr->probe_rtt_min_delay;
        bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
    }
}
