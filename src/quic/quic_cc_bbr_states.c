
/* BBR's states, and the ways from one to another: draft-ietf-ccwg-bbr, 5.3. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc_bbr_internal.h"


/* section 2; percents, but for what has a unit */

#define QUIC_BBR_STARTUP_LOSSES     6            /* ranges: 5.3.1.3 */
#define QUIC_BBR_DRAIN_ROUNDS       3            /* 5.3.2 */
#define QUIC_BBR_RENO_ROUNDS        63           /* 5.3.3.8 */
#define QUIC_BBR_MAX_UP_ROUNDS      30           /* 5.3.3.9 */
#define QUIC_BBR_PROBE_RTT_DURATION 200000       /* microseconds */
#define QUIC_BBR_PROBE_WAIT         (2 * QUIC_BBR_SECOND)


/* 5.6.1 */

const quic_bbr_phase_t  quic_bbr_phases[] = {
    [QUIC_BBR_STARTUP]   = { 277, 200, 0, 1, 0, 0 },
    [QUIC_BBR_DRAIN]     = {  50, 200, 0, 0, 0, 0 },
    [QUIC_BBR_DOWN]      = {  90, 200, 1, 0, 1, 0 },
    [QUIC_BBR_CRUISE]    = { 100, 200, 1, 0, 1, 1 },
    [QUIC_BBR_REFILL]    = { 100, 200, 1, 1, 1, 0 },
    [QUIC_BBR_UP]        = { 125, 225, 1, 1, 1, 0 },
    [QUIC_BBR_PROBE_RTT] = { 100,  50, 0, 0, 1, 1 }
};


static void quic_bbr_startup_too_high(quic_cc_t *cc);
static void quic_bbr_start_down(quic_cc_bbr_t *bbr);
static void quic_bbr_start_up(quic_cc_t *cc, const quic_rate_sample_t *rs);
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
static void quic_bbr_handle_probe_rtt(quic_cc_t *cc,
    const quic_cc_ack_t *ack);


/* 5.3.1.1 and 5.3.1.3 */

void
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

void
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


void
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


void
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


/* 5.5.10.2 */

void
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


/* 5.3.4.3, from here on */

void
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

void
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
