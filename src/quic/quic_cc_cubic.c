
/*
 * The congestion controller of RFC 9438, CUBIC, with HyStart++ (RFC 9406) for
 * the first slow start.
 *
 * Windows are of bytes: C and the growth of one segment are multiplied by the
 * size of a datagram.  The cubic function is computed in double, in bytes and
 * seconds: the cube of any time fits, and no scale has to be chosen.  What
 * comes out is bounded before it becomes an integer again.
 *
 * The elapsed time t must not include what the application didn't use (4.2,
 * 5.8).  So t is taken from a clock that stands still meanwhile: all pauses
 * are added up in "paused", and t_epoch is of that clock, too.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc.h"


#define QUIC_CUBIC_C      0.4            /* segments / second^3: 5.1 */
#define QUIC_CUBIC_BETA   0.7            /* 4.6 */
#define QUIC_CUBIC_ALPHA  (3 * (1 - QUIC_CUBIC_BETA) / (1 + QUIC_CUBIC_BETA))

#define QUIC_CUBIC_SECOND  1e6


static void quic_cc_cubic_init(quic_cc_t *cc, uint64_t now);
static void quic_cc_cubic_acked(quic_cc_t *cc, const quic_cc_ack_t *ack);
static uint64_t quic_cc_cubic_pause(quic_cc_cubic_t *cubic,
    const quic_cc_ack_t *ack);
static void quic_cc_cubic_slow_start(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_cc_cubic_avoidance(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_cc_cubic_begin(quic_cc_t *cc, uint64_t clock);
static double quic_cc_cubic_root(double a);
static double quic_cc_cubic_window(const quic_cc_cubic_stage_t *stage,
    double t);
static void quic_cc_cubic_estimate(quic_cc_t *cc, uint64_t bytes);
static void quic_cc_cubic_approach(quic_cc_t *cc, double target,
    uint64_t bytes);
static void quic_cc_cubic_set_window(quic_cc_t *cc, double window);
static void quic_cc_cubic_lost(quic_cc_t *cc, const quic_cc_loss_t *loss);
static void quic_cc_cubic_marked(quic_cc_t *cc, const quic_cc_mark_t *mark);
static void quic_cc_cubic_reduce(quic_cc_t *cc, uint64_t now);
static void quic_cc_cubic_save(quic_cc_t *cc);
static void quic_cc_cubic_collapse(quic_cc_t *cc, uint64_t now);
static void quic_cc_cubic_spurious(quic_cc_t *cc,
    const quic_cc_spurious_t *loss);
static void quic_cc_cubic_undo(quic_cc_t *cc);


const quic_cc_ops_t  quic_cc_cubic = {
    ngx_string("cubic"),
    quic_cc_cubic_init,
    quic_cc_cubic_acked,
    quic_cc_cubic_lost,
    quic_cc_cubic_marked,
    quic_cc_cubic_collapse,
    quic_cc_slow_start,
    quic_cc_cubic_spurious,
    NULL,
    NULL
};


static void
quic_cc_cubic_init(quic_cc_t *cc, uint64_t now)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    ngx_memzero(cubic, sizeof(quic_cc_cubic_t));

    cubic->updated = now;
    quic_hystart_init(&cubic->hystart, now);
}


static void
quic_cc_cubic_acked(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t          pause;
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    if (ack->app_limited) {
        cubic->limited = 1;
        return;
    }

    pause = quic_cc_cubic_pause(cubic, ack);

    cubic->paused += pause;
    cubic->updated = ack->now;
    cubic->limited = 0;

    if (pause) {
        quic_hystart_restart(&cubic->hystart, ack->now);
    }

    if (quic_cc_in_recovery(cc, ack->largest_time)) {
        return;
    }

    if (quic_cc_slow_start(cc)) {
        quic_cc_cubic_slow_start(cc, ack);

    } else {
        quic_cc_cubic_avoidance(cc, ack);
    }
}


/*
 * How much of the time since the last ACK doesn't count.  An idle connection
 * need not have seen an application-limited ACK: then no ACK at all has come
 * from the last one to the sending of what is acknowledged now.
 */

static uint64_t
quic_cc_cubic_pause(quic_cc_cubic_t *cubic, const quic_cc_ack_t *ack)
{
    if (cubic->limited) {
        return ack->now - cubic->updated;
    }

    return (ack->largest_time > cubic->updated)
           ? ack->largest_time - cubic->updated : 0;
}


/* 4.10.  HyStart++ is for the first one only: RFC 9406, 4.3 */

static void
quic_cc_cubic_slow_start(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t         rtt;
    quic_hystart_t  *h;

    if (cc->ssthresh != UINT64_MAX) {
        quic_cc_cubic_set_window(cc, ngx_min(cc->window + ack->bytes,
                                             cc->ssthresh));
        return;
    }

    h = &cc->u.cubic.hystart;
    rtt = ack->rtt_sample ? ack->rtt->latest : 0;

    quic_cc_cubic_set_window(cc, cc->window
                                 + quic_hystart_growth(h, ack->bytes));

    if (quic_hystart_acked(h, ack->largest_time, rtt, ack->now)) {
        cc->ssthresh = cc->window;
        cc->u.cubic.stage.prior = cc->window;
    }
}


/* 4.2 to 4.5 */

static void
quic_cc_cubic_avoidance(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    double                  t, rtt;
    uint64_t                clock;
    quic_cc_cubic_stage_t  *stage;

    stage = &cc->u.cubic.stage;
    clock = ack->now - cc->u.cubic.paused;

    if (stage->epoch == 0) {
        quic_cc_cubic_begin(cc, clock);
    }

    t = (clock - stage->epoch) / QUIC_CUBIC_SECOND;
    rtt = ack->rtt->smoothed / QUIC_CUBIC_SECOND;

    quic_cc_cubic_estimate(cc, ack->bytes);

    if (quic_cc_cubic_window(stage, t) < stage->w_est) {

        /* 4.3: the Reno-friendly region; an ACK never lowers the window */

        quic_cc_cubic_set_window(cc, ngx_max(stage->w_est, cc->window));
        return;
    }

    quic_cc_cubic_approach(cc, quic_cc_cubic_window(stage, t + rtt),
                           ack->bytes);
}


/*
 * A congestion avoidance stage begins.  Without W_max, after a timeout or when
 * slow start ended without a loss, it is the window, and K is 0: 4.8, 4.10.
 */

static void
quic_cc_cubic_begin(quic_cc_t *cc, uint64_t clock)
{
    quic_cc_cubic_stage_t  *stage;

    stage = &cc->u.cubic.stage;

    stage->epoch = clock;
    stage->c = QUIC_CUBIC_C * cc->mtu;
    stage->w_est = cc->window;
    stage->w_max = ngx_max(stage->w_max, cc->window);
    stage->k = quic_cc_cubic_root((stage->w_max - cc->window) / stage->c);
}


/*
 * The cube root, by Newton's method: from above the steps lead down until they
 * are too small for a double.  One root is taken for a congestion event, which
 * isn't worth a dependency on libm.
 */

static double
quic_cc_cubic_root(double a)
{
    double  x, next;

    if (a <= 0) {
        return 0;
    }

    next = ngx_max(a, 1);

    do {
        x = next;
        next = (2 * x + a / (x * x)) / 3;
    } while (next < x);

    return x;
}


/* W_cubic(t): 4.2 */

static double
quic_cc_cubic_window(const quic_cc_cubic_stage_t *stage, double t)
{
    double  d;

    d = t - stage->k;

    return stage->c * d * d * d + stage->w_max;
}


/* W_est: 4.3; as fast as Reno once it has caught up */

static void
quic_cc_cubic_estimate(quic_cc_t *cc, uint64_t bytes)
{
    double                  alpha;
    quic_cc_cubic_stage_t  *stage;

    stage = &cc->u.cubic.stage;
    alpha = (stage->w_est < stage->prior) ? QUIC_CUBIC_ALPHA : 1;

    stage->w_est += alpha * bytes * cc->mtu / cc->window;
}


/*
 * Concave and convex region alike: (target - cwnd) / cwnd of what is
 * acknowledged, so that the window is there after a round trip.
 */

static void
quic_cc_cubic_approach(quic_cc_t *cc, double target, uint64_t bytes)
{
    double            window, step;
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;
    window = cc->window;

    target = ngx_max(target, window);
    target = ngx_min(target, 1.5 * window);

    step = (target - window) / window * bytes + cubic->credit;

    quic_cc_cubic_set_window(cc, window + step);

    cubic->credit = step - (uint64_t) step;
}


static void
quic_cc_cubic_set_window(quic_cc_t *cc, double window)
{
    uint64_t  max;

    max = quic_cc_maximum_window(cc->mtu);

    cc->window = (window < max) ? (uint64_t) window : max;
}


static void
quic_cc_cubic_lost(quic_cc_t *cc, const quic_cc_loss_t *loss)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    if (quic_cc_in_recovery(cc, loss->largest_time)) {
        cubic->undo.lost += loss->bytes;
        return;
    }

    quic_cc_cubic_save(cc);
    cubic->undo.lost = loss->bytes;

    quic_cc_cubic_reduce(cc, loss->now);
}


/*
 * Nothing is missing whose late arrival could take this back, and a reaction
 * to losses isn't taken back any more either: there was congestion.
 */

static void
quic_cc_cubic_marked(quic_cc_t *cc, const quic_cc_mark_t *mark)
{
    cc->u.cubic.undo.window = 0;

    if (!quic_cc_in_recovery(cc, mark->largest_time)) {
        quic_cc_cubic_reduce(cc, mark->now);
    }
}


/*
 * 4.6 and 4.7.  As in RFC 9002 it is the window that is reduced, not what is
 * in flight: the window doesn't grow while it isn't in use.
 */

static void
quic_cc_cubic_reduce(quic_cc_t *cc, uint64_t now)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    cubic->stage.w_max = (cc->window < cubic->stage.w_max)
                         ? cc->window * (1 + QUIC_CUBIC_BETA) / 2
                         : cc->window;

    cubic->stage.prior = cc->window;
    cubic->stage.epoch = 0;

    cc->recovery_start = now;
    cc->window = ngx_max((uint64_t) (cc->window * QUIC_CUBIC_BETA),
                         quic_cc_minimum_window(cc->mtu));
    cc->ssthresh = cc->window;
}


static void
quic_cc_cubic_save(quic_cc_t *cc)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    cubic->undo.stage = cubic->stage;
    cubic->undo.window = cc->window;
    cubic->undo.ssthresh = cc->ssthresh;
    cubic->undo.recovery_start = cc->recovery_start;
}


/* 4.8; ssthresh was set by the losses that it was found with */

static void
quic_cc_cubic_collapse(quic_cc_t *cc, uint64_t now)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    cc->window = quic_cc_minimum_window(cc->mtu);
    cc->recovery_start = 0;

    cubic->stage.w_max = 0;
    cubic->stage.epoch = 0;
    cubic->undo.window = 0;
}


/*
 * 4.9.2: the reaction to a loss is taken back when nothing of what was lost
 * since then is missing any more.  One packet that was late doesn't prove the
 * loss of the others spurious.
 */

static void
quic_cc_cubic_spurious(quic_cc_t *cc, const quic_cc_spurious_t *loss)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    if (cubic->undo.window == 0 || loss->lost_time < cc->recovery_start) {
        return;
    }

    cubic->undo.lost -= ngx_min(loss->bytes, cubic->undo.lost);

    if (cubic->undo.lost) {
        return;
    }

    if (cc->window < cubic->stage.prior) {
        quic_cc_cubic_undo(cc);
    }

    cubic->undo.window = 0;
}


/* recovery as well: another loss in this round trip is no longer covered */

static void
quic_cc_cubic_undo(quic_cc_t *cc)
{
    quic_cc_cubic_t  *cubic;

    cubic = &cc->u.cubic;

    cubic->stage = cubic->undo.stage;
    cc->ssthresh = cubic->undo.ssthresh;
    cc->recovery_start = cubic->undo.recovery_start;

    quic_cc_cubic_set_window(cc, cubic->undo.window);
}
