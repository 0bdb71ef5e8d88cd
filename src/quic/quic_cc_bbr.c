
/*
 * BBR version 3: draft-ietf-ccwg-bbr, whose names are kept and whose sections
 * are cited.  The path is modelled by its bandwidth and its round-trip time;
 * what may be sent follows from the model, not from single losses.
 *
 * Gains are percents, rates bytes a second; a rate has a bound (quic_rate.c)
 * within which no product here leaves 64 bits.
 *
 *     quic_cc_bbr           events, losses, and what is taken back of these
 *     quic_cc_bbr_model     the model of the path: 5.5
 *     quic_cc_bbr_states    the state machine: 5.3
 *     quic_cc_bbr_control   rate and window: 5.6
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
#include "quic/quic_cc_bbr_internal.h"


static void quic_cc_bbr_init(quic_cc_t *cc, uint64_t now);
static void quic_cc_bbr_acked(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_bbr_event(quic_cc_bbr_t *bbr, const quic_rate_t *rate,
    uint64_t now);
static void quic_bbr_update_model(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_cc_bbr_packet_lost(quic_cc_t *cc,
    const quic_cc_lost_packet_t *p);
static void quic_bbr_note_loss(quic_cc_t *cc);
static void quic_cc_bbr_lost(quic_cc_t *cc, const quic_cc_loss_t *loss);
static void quic_cc_bbr_marked(quic_cc_t *cc, const quic_cc_mark_t *mark);
static void quic_cc_bbr_collapse(quic_cc_t *cc, uint64_t now);
static ngx_uint_t quic_cc_bbr_starting(const quic_cc_t *cc);
static void quic_cc_bbr_spurious(quic_cc_t *cc,
    const quic_cc_spurious_t *loss);
static void quic_cc_bbr_sent(quic_cc_t *cc, const quic_cc_sent_t *sent);


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
