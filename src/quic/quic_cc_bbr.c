
/*
 * BBR version 3: draft-ietf-ccwg-bbr, whose names are kept and whose sections
 * are cited.  The path is modelled by its bandwidth and its round-trip time;
 * what may be sent follows from the model, not from single losses.
 *
 * Gains are percents, rates bytes a second; a rate has a bound (quic_rate.c)
 * within which no product here leaves 64 bits.
 *
 * Done otherwise than in the draft:
 *
 *     the gains of a state stand in a table instead of being set on entry;
 *
 *     a loss episode that may turn out to be spurious is that of one round
 *     trip, as with it the saved state is overwritten (5.5.11.1);
 *
 *     after persistent congestion, which QUIC has in place of a retransmission
 *     timeout, the window grows anew and isn't restored (RFC 9002, 7.6);
 *
 *     ProbeRTT isn't entered while round trips show that the queue is empty.
 *     For the draft they have to become ever shorter, which those of a flow
 *     that is alone on its path, and by 5.3.4.2 need not pay for ProbeRTT,
 *     can't: they are as short as they get;
 *
 *     ECN, which the draft leaves open but for its being congestion (3.7): a
 *     CE mark ends a probe for bandwidth as too many losses do, and otherwise
 *     counts as a loss in its round trip.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_cc.h"


#define QUIC_BBR_INFINITY           UINT64_MAX
#define QUIC_BBR_SECOND             1000000ULL

/* section 2; percents, but for what has a unit */

#define QUIC_BBR_PACING_MARGIN      1
#define QUIC_BBR_LOSS_THRESH        2
#define QUIC_BBR_BETA               70
#define QUIC_BBR_HEADROOM           15
#define QUIC_BBR_STARTUP_LOSSES     6            /* ranges: 5.3.1.3 */
#define QUIC_BBR_FULL_BW_ROUNDS     3            /* 5.3.1.2 */
#define QUIC_BBR_FULL_BW_GROWTH     125
#define QUIC_BBR_DRAIN_ROUNDS       3            /* 5.3.2 */
#define QUIC_BBR_MIN_PIPE           4            /* datagrams */
#define QUIC_BBR_MAX_BW_LEN         2            /* cycles */
#define QUIC_BBR_EXTRA_ACKED_LEN    10           /* round trips */
#define QUIC_BBR_RENO_ROUNDS        63           /* 5.3.3.8 */
#define QUIC_BBR_MAX_UP_ROUNDS      30           /* 5.3.3.9 */
#define QUIC_BBR_MIN_RTT_LEN        (10 * QUIC_BBR_SECOND)
#define QUIC_BBR_PROBE_RTT_INTERVAL (5 * QUIC_BBR_SECOND)
#define QUIC_BBR_PROBE_RTT_DURATION 200000       /* microseconds */
#define QUIC_BBR_EMPTY_QUEUE        128          /* a part of the RTT */
#define QUIC_BBR_PROBE_WAIT         (2 * QUIC_BBR_SECOND)
#define QUIC_BBR_MAX_QUANTUM        65536        /* bytes: 5.6.3 */


/* 5.6.1 */

typedef struct {
    uint64_t    pacing_gain;
    uint64_t    cwnd_gain;
    unsigned    probe_bw:1;
    unsigned    probing:1;       /* losses don't narrow the short-term model */
    unsigned    longterm:1;      /* bounded by inflight_longterm, */
    unsigned    headroom:1;      /* with some headroom */
} quic_bbr_phase_t;


static const quic_bbr_phase_t  quic_bbr_phases[] = {
    [QUIC_BBR_STARTUP]   = { 277, 200, 0, 1, 0, 0 },
    [QUIC_BBR_DRAIN]     = {  50, 200, 0, 0, 0, 0 },
    [QUIC_BBR_DOWN]      = {  90, 200, 1, 0, 1, 0 },
    [QUIC_BBR_CRUISE]    = { 100, 200, 1, 0, 1, 1 },
    [QUIC_BBR_REFILL]    = { 100, 200, 1, 1, 1, 0 },
    [QUIC_BBR_UP]        = { 125, 225, 1, 1, 1, 0 },
    [QUIC_BBR_PROBE_RTT] = { 100,  50, 0, 0, 1, 1 }
};


static void quic_cc_bbr_init(quic_cc_t *cc, uint64_t now);
static void quic_cc_bbr_acked(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_cc_bbr_lost(quic_cc_t *cc, const quic_cc_loss_t *loss);
static void quic_cc_bbr_marked(quic_cc_t *cc, const quic_cc_mark_t *mark);
static void quic_cc_bbr_collapse(quic_cc_t *cc, uint64_t now);
static ngx_uint_t quic_cc_bbr_starting(const quic_cc_t *cc);
static void quic_cc_bbr_spurious(quic_cc_t *cc,
    const quic_cc_spurious_t *loss);
static void quic_cc_bbr_sent(quic_cc_t *cc, const quic_cc_sent_t *sent);
static void quic_cc_bbr_packet_lost(quic_cc_t *cc,
    const quic_cc_lost_packet_t *p);

static void quic_bbr_event(quic_cc_bbr_t *bbr, const quic_rate_t *rate,
    uint64_t now);
static void quic_bbr_update_model(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_bbr_update_control(quic_cc_t *cc, const quic_cc_ack_t *ack);

static void quic_bbr_start_round(quic_cc_bbr_t *bbr);
static void quic_bbr_update_round(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_update_max_bw(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_update_latest(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_advance_latest(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_update_congestion(quic_cc_t *cc,
    const quic_rate_sample_t *rs);
static void quic_bbr_adapt_lower_bounds(quic_cc_t *cc);
static void quic_bbr_reset_congestion(quic_cc_bbr_t *bbr);
static void quic_bbr_reset_shortterm(quic_cc_bbr_t *bbr);
static void quic_bbr_update_aggregation(quic_cc_t *cc,
    const quic_cc_ack_t *ack);

static void quic_bbr_reset_full_bw(quic_cc_bbr_t *bbr, uint64_t bw);
static void quic_bbr_check_full_bw(quic_cc_bbr_t *bbr,
    const quic_rate_sample_t *rs);
static void quic_bbr_check_startup(quic_cc_t *cc,
    const quic_rate_sample_t *rs);
static void quic_bbr_startup_too_high(quic_cc_t *cc);
static void quic_bbr_check_drain(quic_cc_t *cc, const quic_cc_ack_t *ack);

static void quic_bbr_start_down(quic_cc_bbr_t *bbr);
static void quic_bbr_start_refill(quic_cc_bbr_t *bbr);
static void quic_bbr_start_up(quic_cc_t *cc, const quic_rate_sample_t *rs);
static void quic_bbr_update_cycle(quic_cc_t *cc, const quic_cc_ack_t *ack);
static ngx_uint_t quic_bbr_time_to_probe(quic_cc_t *cc);
static ngx_uint_t quic_bbr_time_to_cruise(quic_cc_t *cc,
    const quic_cc_ack_t *ack);
static ngx_uint_t quic_bbr_time_to_go_down(quic_cc_t *cc,
    const quic_cc_ack_t *ack);
static ngx_uint_t quic_bbr_adapt_longterm(quic_cc_t *cc,
    const quic_cc_ack_t *ack);
static void quic_bbr_probe_upward(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_bbr_raise_slope(quic_cc_t *cc);
static ngx_uint_t quic_bbr_cwnd_limited(quic_cc_t *cc);

static ngx_uint_t quic_bbr_too_high(const quic_rate_sample_t *rs);
static void quic_bbr_handle_too_high(quic_cc_t *cc,
    const quic_rate_sample_t *rs);
static uint64_t quic_bbr_inflight_at_loss(const quic_rate_sample_t *rs,
    uint64_t size);
static void quic_bbr_note_loss(quic_cc_t *cc);
static void quic_bbr_save_cwnd(quic_cc_t *cc);
static void quic_bbr_restore_cwnd(quic_cc_t *cc);

static void quic_bbr_update_min_rtt(quic_cc_bbr_t *bbr,
    const quic_cc_ack_t *ack);
static void quic_bbr_check_probe_rtt(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_bbr_handle_probe_rtt(quic_cc_t *cc,
    const quic_cc_ack_t *ack);
static void quic_bbr_check_probe_rtt_done(quic_cc_t *cc);

static void quic_bbr_init_pacing(quic_cc_t *cc, uint64_t rtt);
static void quic_bbr_set_pacing(quic_cc_t *cc, uint64_t gain);
static void quic_bbr_set_cwnd(quic_cc_t *cc, const quic_cc_ack_t *ack);
static uint64_t quic_bbr_bdp(quic_cc_t *cc, uint64_t bw, uint64_t gain);
static uint64_t quic_bbr_inflight(quic_cc_t *cc, uint64_t bw);
static uint64_t quic_bbr_quantize(quic_cc_t *cc, uint64_t inflight);
static uint64_t quic_bbr_target_inflight(quic_cc_t *cc);
static uint64_t quic_bbr_with_headroom(quic_cc_t *cc);


const quic_cc_ops_t  quic_cc_bbr = {
    ngx_string("bbr"),
    quic_cc_bbr_init,
    quic_cc_bbr_acked,
    quic_cc_bbr_lost,
    quic_cc_bbr_marked,
    quic_cc_bbr_collapse,
    quic_cc_bbr_starting,
    quic_cc_bbr_spurious,
    quic_cc_bbr_sent,
    quic_cc_bbr_packet_lost
};


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


/* 5.2.1.  What isn't said is 0 */

static void
quic_cc_bbr_init(quic_cc_t *cc, uint64_t now)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    ngx_memzero(bbr, sizeof(quic_cc_bbr_t));

    bbr->min_rtt = QUIC_BBR_INFINITY;
    bbr->min_rtt_stamp = now;
    bbr->probe_rtt_min_delay = QUIC_BBR_INFINITY;
    bbr->probe_rtt_min_stamp = now;
    bbr->extra_acked_start = now;
    bbr->inflight_longterm = QUIC_BBR_INFINITY;
    bbr->probe_up_acked_per_inc = QUIC_BBR_INFINITY;
    bbr->chance = quic_random_u64() | 1;

    quic_bbr_reset_shortterm(bbr);
    quic_bbr_init_pacing(cc, 0);
}


/* 5.2.3 */

static void
quic_cc_bbr_acked(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    quic_bbr_event(bbr, ack->rate, ack->now);

    if (ack->rtt_sample && !bbr->has_seen_rtt) {
        bbr->has_seen_rtt = 1;
        quic_bbr_init_pacing(cc, ack->rtt->smoothed);
    }

    if (bbr->in_recovery && ack->largest_time > cc->recovery_start) {
        bbr->in_recovery = 0;
        quic_bbr_restore_cwnd(cc);
    }

    quic_bbr_update_model(cc, ack);
    quic_bbr_update_control(cc, ack);

    bbr->marked = 0;
}


static void
quic_bbr_event(quic_cc_bbr_t *bbr, const quic_rate_t *rate, uint64_t now)
{
    bbr->now = now;
    bbr->delivered = rate->delivered;
}


static void
quic_bbr_update_model(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t             *bbr;
    const quic_rate_sample_t  *rs;

    bbr = &cc->u.bbr;
    rs = ack->sample;

    quic_bbr_update_latest(bbr, rs);
    quic_bbr_update_congestion(cc, rs);
    quic_bbr_update_aggregation(cc, ack);
    quic_bbr_check_full_bw(bbr, rs);
    quic_bbr_check_startup(cc, rs);
    quic_bbr_check_drain(cc, ack);
    quic_bbr_update_cycle(cc, ack);
    quic_bbr_update_min_rtt(bbr, ack);
    quic_bbr_check_probe_rtt(cc, ack);
    quic_bbr_advance_latest(bbr, rs);

    bbr->bw = ngx_min(bbr->max_bw, bbr->bw_shortterm);
}


static void
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


/* 5.5.1 */

static void
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

static void
quic_bbr_update_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    bbr->bw_latest = ngx_max(bbr->bw_latest, rs->rate);
    bbr->inflight_latest = ngx_max(bbr->inflight_latest, rs->delivered);

    bbr->loss_round_start = (rs->prior_delivered >= bbr->loss_round_delivered);

    if (bbr->loss_round_start) {
        bbr->loss_round_delivered = bbr->delivered;
    }
}


static void
quic_bbr_advance_latest(quic_cc_bbr_t *bbr, const quic_rate_sample_t *rs)
{
    if (bbr->loss_round_start) {
        bbr->bw_latest = rs->rate;
        bbr->inflight_latest = rs->delivered;
    }
}


static void
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


static void
quic_bbr_reset_congestion(quic_cc_bbr_t *bbr)
{
    bbr->is_loss_in_round = 0;
    bbr->bw_latest = 0;
    bbr->inflight_latest = 0;
}


static void
quic_bbr_reset_shortterm(quic_cc_bbr_t *bbr)
{
    bbr->bw_shortterm = QUIC_BBR_INFINITY;
    bbr->inflight_shortterm = QUIC_BBR_INFINITY;
}


/* 5.5.9: what was acknowledged beyond what the bandwidth explains */

static void
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

static void
quic_bbr_reset_full_bw(quic_cc_bbr_t *bbr, uint64_t bw)
{
    bbr->full_bw = bw;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = 0;
}


static void
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


/* 5.3.1.1 and 5.3.1.3 */

static void
quic_bbr_check_startup(quic_cc_t *cc, const quic_rate_sample_t *rs)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->state == QUIC_BBR_STARTUP && !bbr->full_bw_reached
        && (bbr->marked
            || (bbr->loss_round_start && bbr->lossy_round
                && bbr->lost_ranges >= QUIC_BBR_STARTUP_LOSSES
                && quic_bbr_too_high(rs))))
    {
        quic_bbr_startup_too_high(cc);
    }

    if (bbr->loss_round_start) {
        bbr->lost_ranges = 0;
    }

    if (bbr->state == QUIC_BBR_STARTUP && bbr->full_bw_reached) {
        bbr->state = QUIC_BBR_DRAIN;
        bbr->drain_start_round = bbr->round_count;
    }
}


static void
quic_bbr_startup_too_high(quic_cc_t *cc)
{
    uint64_t        bdp;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;
    bdp = quic_bbr_bdp(cc, bbr->max_bw, 100);

    bbr->undo.left = !bbr->marked;
    bbr->undo.state = QUIC_BBR_STARTUP;

    bbr->full_bw_reached = 1;
    bbr->inflight_longterm = ngx_max(bdp, bbr->inflight_latest);
}


/* 5.3.2 */

static void
quic_bbr_check_drain(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->state == QUIC_BBR_DRAIN
        && (ack->in_flight <= quic_bbr_inflight(cc, bbr->bw)
            || bbr->round_count > bbr->drain_start_round
                                  + QUIC_BBR_DRAIN_ROUNDS))
    {
        quic_bbr_start_down(bbr);
    }
}


/* 5.3.3.9, from here on */

static void
quic_bbr_start_down(quic_cc_bbr_t *bbr)
{
    quic_bbr_reset_congestion(bbr);

    bbr->probe_up_acked_per_inc = QUIC_BBR_INFINITY;

    /* 5.3.3.8.3: by chance, so that those who share a path get a share */

    bbr->chance ^= bbr->chance << 13;
    bbr->chance ^= bbr->chance >> 7;
    bbr->chance ^= bbr->chance << 17;

    bbr->rounds_since_probe_up = bbr->chance & 1;
    bbr->bw_probe_wait = QUIC_BBR_PROBE_WAIT
                         + (bbr->chance >> 1) % QUIC_BBR_SECOND;

    bbr->cycle_stamp = bbr->now;
    bbr->ack_phase = QUIC_BBR_ACKS_STOPPING;
    bbr->state = QUIC_BBR_DOWN;

    quic_bbr_start_round(bbr);
}


static void
quic_bbr_start_refill(quic_cc_bbr_t *bbr)
{
    quic_bbr_reset_shortterm(bbr);

    bbr->probe_up_rounds = 0;
    bbr->probe_up_acked = 0;
    bbr->prev_probe_precautionary = 0;
    bbr->ack_phase = QUIC_BBR_ACKS_REFILLING;
    bbr->state = QUIC_BBR_REFILL;

    quic_bbr_start_round(bbr);
}


static void
quic_bbr_start_up(quic_cc_t *cc, const quic_rate_sample_t *rs)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    bbr->is_bw_probe_sample = 1;
    bbr->ack_phase = QUIC_BBR_ACKS_STARTING;
    bbr->state = QUIC_BBR_UP;

    quic_bbr_start_round(bbr);
    quic_bbr_reset_full_bw(bbr, rs->rate);
    quic_bbr_raise_slope(cc);
}


static void
quic_bbr_update_cycle(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (!bbr->full_bw_reached || quic_bbr_adapt_longterm(cc, ack)) {
        return;
    }

    switch (bbr->state) {

    case QUIC_BBR_DOWN:
    case QUIC_BBR_CRUISE:

        if (quic_bbr_time_to_probe(cc)) {
            quic_bbr_start_refill(bbr);

        } else if (quic_bbr_time_to_cruise(cc, ack)) {
            bbr->state = QUIC_BBR_CRUISE;
        }

        break;

    case QUIC_BBR_REFILL:

        if (bbr->round_start) {
            quic_bbr_start_up(cc, ack->sample);
        }

        break;

    case QUIC_BBR_UP:

        if (quic_bbr_time_to_go_down(cc, ack)) {
            bbr->prev_probe_too_high = 0;
            quic_bbr_start_down(bbr);
        }

        break;

    default:
        break;
    }
}


/* 5.3.3.8.3 */

static ngx_uint_t
quic_bbr_time_to_probe(quic_cc_t *cc)
{
    uint64_t        rounds;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;
    rounds = quic_bbr_target_inflight(cc) / cc->mtu;

    return bbr->now > bbr->cycle_stamp + bbr->bw_probe_wait
           || bbr->rounds_since_probe_up
              >= ngx_min(rounds, QUIC_BBR_RENO_ROUNDS);
}


static ngx_uint_t
quic_bbr_time_to_cruise(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    return ack->in_flight <= quic_bbr_with_headroom(cc)
           && ack->in_flight <= quic_bbr_inflight(cc, cc->u.bbr.max_bw);
}


/* what was in flight before the ACK came, as the window holds it down */

static ngx_uint_t
quic_bbr_time_to_go_down(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t        in_flight;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;
    in_flight = ack->in_flight + ack->bytes;

    if (bbr->prev_probe_too_high
        && in_flight + cc->mtu > bbr->inflight_longterm)
    {
        bbr->prev_probe_precautionary = 1;
        return 1;
    }

    /* the bandwidth has no chance to show itself */

    if (quic_bbr_cwnd_limited(cc)) {
        quic_bbr_reset_full_bw(bbr, ack->sample->rate);
        return 0;
    }

    return bbr->full_bw_now;
}


/* non-zero: the state has been changed */

static ngx_uint_t
quic_bbr_adapt_longterm(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t             *bbr;
    const quic_rate_sample_t  *rs;

    bbr = &cc->u.bbr;
    rs = ack->sample;

    if (bbr->ack_phase == QUIC_BBR_ACKS_STARTING && bbr->round_start) {
        bbr->ack_phase = QUIC_BBR_ACKS_FEEDBACK;
    }

    if (bbr->ack_phase == QUIC_BBR_ACKS_STOPPING && bbr->round_start) {
        bbr->is_bw_probe_sample = 0;
        bbr->ack_phase = QUIC_BBR_ACKS_INIT;

        if (quic_bbr_phase(bbr)->probe_bw) {

            if (!rs->app_limited) {
                bbr->cycle_count++;
            }

            if (bbr->prev_probe_precautionary && !bbr->prev_probe_too_high) {
                quic_bbr_start_refill(bbr);
                return 1;
            }
        }
    }

    if (bbr->marked && bbr->is_bw_probe_sample) {
        quic_bbr_handle_too_high(cc, rs);
        return 1;
    }

    if (quic_bbr_too_high(rs) || bbr->inflight_longterm == QUIC_BBR_INFINITY) {
        return 0;
    }

    bbr->inflight_longterm = ngx_max(bbr->inflight_longterm, rs->in_flight);

    if (bbr->state == QUIC_BBR_UP) {
        quic_bbr_probe_upward(cc, ack);
    }

    return 0;
}


static void
quic_bbr_probe_upward(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t        n;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (!quic_bbr_cwnd_limited(cc)) {
        return;
    }

    bbr->probe_up_acked += ack->bytes;

    n = bbr->probe_up_acked / bbr->probe_up_acked_per_inc;

    bbr->probe_up_acked -= n * bbr->probe_up_acked_per_inc;
    bbr->inflight_longterm += n * cc->mtu;

    if (bbr->round_start) {
        quic_bbr_raise_slope(cc);
    }
}


static void
quic_bbr_raise_slope(quic_cc_t *cc)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    bbr->probe_up_acked_per_inc = ngx_max(cc->window >> bbr->probe_up_rounds,
                                          cc->mtu);

    bbr->probe_up_rounds = ngx_min(bbr->probe_up_rounds + 1,
                                   QUIC_BBR_MAX_UP_ROUNDS);
}


/* 2.2: in the last round trip, by what the long-term model allows */

static ngx_uint_t
quic_bbr_cwnd_limited(quic_cc_t *cc)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    return (bbr->cwnd_limited || bbr->was_cwnd_limited)
           && cc->window >= bbr->inflight_longterm;
}


/* 5.5.10.2, from here on */

static ngx_uint_t
quic_bbr_too_high(const quic_rate_sample_t *rs)
{
    return rs->lost * 100 > rs->in_flight * QUIC_BBR_LOSS_THRESH;
}


static void
quic_bbr_handle_too_high(quic_cc_t *cc, const quic_rate_sample_t *rs)
{
    uint64_t        target;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    bbr->prev_probe_too_high = 1;
    bbr->is_bw_probe_sample = 0;

    if (!rs->app_limited) {
        target = quic_bbr_target_inflight(cc) * QUIC_BBR_BETA / 100;
        bbr->inflight_longterm = ngx_max(rs->in_flight, target);
    }

    if (bbr->state == QUIC_BBR_UP) {
        bbr->undo.left = !bbr->marked;
        bbr->undo.state = QUIC_BBR_UP;
        quic_bbr_start_down(bbr);
    }
}


/*
 * The volume at which losses crossed the threshold, which may have been in the
 * middle of the packet's burst.
 */

static uint64_t
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


static void
quic_cc_bbr_packet_lost(quic_cc_t *cc, const quic_cc_lost_packet_t *p)
{
    quic_cc_bbr_t       *bbr;
    quic_rate_sample_t   rs;

    bbr = &cc->u.bbr;

    quic_bbr_event(bbr, p->rate, p->now);
    quic_bbr_note_loss(cc);

    bbr->undo.lost += p->bytes;

    if (p->pn != bbr->lost_next) {
        bbr->lost_ranges++;
    }

    bbr->lost_next = p->pn + 1;

    if (!bbr->is_bw_probe_sample || !quic_bbr_too_high(&p->sample)) {
        return;
    }

    rs = p->sample;
    rs.in_flight = quic_bbr_inflight_at_loss(&rs, p->bytes);

    quic_bbr_handle_too_high(cc, &rs);
}


/* the first one in a round trip: 5.5.11.1 */

static void
quic_bbr_note_loss(quic_cc_t *cc)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->is_loss_in_round) {
        return;
    }

    bbr->is_loss_in_round = 1;
    bbr->loss_round_delivered = bbr->delivered;

    quic_bbr_save_cwnd(cc);

    bbr->undo.bw_shortterm = bbr->bw_shortterm;
    bbr->undo.inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo.inflight_longterm = bbr->inflight_longterm;
    bbr->undo.start = bbr->now;
    bbr->undo.lost = 0;
    bbr->undo.left = 0;
}


/* 5.6.4.4: recovery is over when what was sent in it is acknowledged */

static void
quic_cc_bbr_lost(quic_cc_t *cc, const quic_cc_loss_t *loss)
{
    if (quic_cc_in_recovery(cc, loss->largest_time)) {
        return;
    }

    cc->recovery_start = loss->now;
    cc->u.bbr.in_recovery = 1;
}


/* the ACK that brought it is still to come, and what it says of the rate */

static void
quic_cc_bbr_marked(quic_cc_t *cc, const quic_cc_mark_t *mark)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    bbr->now = mark->now;
    quic_bbr_note_loss(cc);

    bbr->marked = 1;
    bbr->undo.start = 0;
}


static void
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


static void
quic_bbr_restore_cwnd(quic_cc_t *cc)
{
    cc->window = ngx_max(cc->window, cc->u.bbr.prior_cwnd);
}


static void
quic_cc_bbr_collapse(quic_cc_t *cc, uint64_t now)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    cc->window = quic_cc_minimum_window(cc->mtu);

    bbr->prior_cwnd = 0;
    bbr->undo.start = 0;
}


/* Startup, or ProbeRTT in the midst of it */

static ngx_uint_t
quic_cc_bbr_starting(const quic_cc_t *cc)
{
    return !cc->u.bbr.full_bw_reached;
}


/* 5.5.11.2, when nothing of what was lost in the episode is missing */

static void
quic_cc_bbr_spurious(quic_cc_t *cc, const quic_cc_spurious_t *loss)
{
    quic_cc_bbr_t    *bbr;
    quic_bbr_undo_t  *undo;

    bbr = &cc->u.bbr;
    undo = &bbr->undo;

    if (undo->start == 0 || loss->lost_time < undo->start) {
        return;
    }

    undo->lost -= ngx_min(loss->bytes, undo->lost);

    if (undo->lost) {
        return;
    }

    undo->start = 0;

    quic_bbr_restore_cwnd(cc);
    quic_bbr_reset_full_bw(bbr, 0);

    bbr->is_loss_in_round = 0;
    bbr->bw_shortterm = ngx_max(bbr->bw_shortterm, undo->bw_shortterm);
    bbr->inflight_shortterm = ngx_max(bbr->inflight_shortterm,
                                      undo->inflight_shortterm);
    bbr->inflight_longterm = ngx_max(bbr->inflight_longterm,
                                     undo->inflight_longterm);

    if (!undo->left) {
        return;
    }

    undo->left = 0;

    if (undo->state == QUIC_BBR_STARTUP) {
        bbr->full_bw_reached = 0;
    }

    if (bbr->state == QUIC_BBR_PROBE_RTT) {
        return;
    }

    if (undo->state == QUIC_BBR_STARTUP) {
        bbr->state = QUIC_BBR_STARTUP;

    } else if (bbr->state != QUIC_BBR_UP) {
        quic_bbr_start_refill(bbr);
    }
}


/*
 * 5.3.4.3, from here on.  An empty queue is measured by the shortest round trip
 * that the path has ever shown, not by that of the filter: that may be one of a
 * queue which is always there, and would then be found again and again.
 */

static void
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


static void
quic_bbr_check_probe_rtt(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->state != QUIC_BBR_PROBE_RTT
        && bbr->probe_rtt_expired
        && !bbr->idle_restart)
    {
        quic_bbr_save_cwnd(cc);
        quic_bbr_start_round(bbr);

        bbr->state = QUIC_BBR_PROBE_RTT;
        bbr->probe_rtt_done_stamp = 0;
        bbr->ack_phase = QUIC_BBR_ACKS_STOPPING;
    }

    if (bbr->state == QUIC_BBR_PROBE_RTT) {
        quic_bbr_handle_probe_rtt(cc, ack);
    }

    if (ack->sample->delivered) {
        bbr->idle_restart = 0;
    }
}


static void
quic_bbr_handle_probe_rtt(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t        cwnd;
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    /* low rates here are our own doing */

    quic_rate_limited(ack->rate, ack->in_flight);

    if (bbr->probe_rtt_done_stamp) {
        bbr->probe_rtt_round_done |= bbr->round_start;

        if (bbr->probe_rtt_round_done) {
            quic_bbr_check_probe_rtt_done(cc);
        }

        return;
    }

    cwnd = quic_bbr_bdp(cc, bbr->bw, quic_bbr_phase(bbr)->cwnd_gain);

    if (ack->in_flight <= ngx_max(cwnd, quic_bbr_min_pipe(cc))) {
        bbr->probe_rtt_done_stamp = bbr->now + QUIC_BBR_PROBE_RTT_DURATION;
        bbr->probe_rtt_round_done = 0;
        quic_bbr_start_round(bbr);
    }
}


/* 5.3.4.4, too */

static void
quic_bbr_check_probe_rtt_done(quic_cc_t *cc)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->probe_rtt_done_stamp == 0
        || bbr->now <= bbr->probe_rtt_done_stamp)
    {
        return;
    }

    bbr->probe_rtt_min_stamp = bbr->now;

    quic_bbr_restore_cwnd(cc);
    quic_bbr_reset_shortterm(bbr);

    if (bbr->full_bw_reached) {
        quic_bbr_start_down(bbr);
        bbr->state = QUIC_BBR_CRUISE;

    } else {
        bbr->state = QUIC_BBR_STARTUP;
    }
}


/* 5.2.2 and 5.4.1 */

static void
quic_cc_bbr_sent(quic_cc_t *cc, const quic_cc_sent_t *sent)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (sent->in_flight + sent->bytes + cc->mtu > cc->window) {
        bbr->cwnd_limited = 1;
    }

    if (sent->in_flight || sent->rate->app_limited == 0) {
        return;
    }

    quic_bbr_event(bbr, sent->rate, sent->now);

    bbr->idle_restart = 1;
    bbr->extra_acked_start = sent->now;

    if (quic_bbr_phase(bbr)->probe_bw) {
        quic_bbr_set_pacing(cc, 100);

    } else if (bbr->state == QUIC_BBR_PROBE_RTT) {
        quic_bbr_check_probe_rtt_done(cc);
    }
}


/*
 * 5.6.2.  Before the first RTT sample it is as if that were a millisecond,
 * which lets the initial window go at once.
 */

static void
quic_bbr_init_pacing(quic_cc_t *cc, uint64_t rtt)
{
    uint64_t  gain;

    gain = quic_bbr_phases[QUIC_BBR_STARTUP].pacing_gain;

    cc->rate = quic_cc_initial_window(cc->mtu) * gain / 100
               * QUIC_BBR_SECOND / (rtt ? rtt : 1000);
}


static void
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


/* 5.6.4.2, from here on */

static uint64_t
quic_bbr_bdp(quic_cc_t *cc, uint64_t bw, uint64_t gain)
{
    quic_cc_bbr_t  *bbr;

    bbr = &cc->u.bbr;

    if (bbr->min_rtt == QUIC_BBR_INFINITY) {
        return quic_cc_initial_window(cc->mtu);
    }

    return quic_rate_volume(bw, bbr->min_rtt) * gain / 100;
}


static uint64_t
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

static uint64_t
quic_bbr_target_inflight(quic_cc_t *cc)
{
    return ngx_min(quic_bbr_bdp(cc, cc->u.bbr.bw, 100), cc->window);
}


static uint64_t
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
