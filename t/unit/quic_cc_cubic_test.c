
/*
 * CUBIC: RFC 9438, section 4, by name; its table of average windows; and what
 * must hold whatever is acknowledged and lost.
 */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_cc.h"


#define MTU      1200
#define INITIAL  (10 * MTU)
#define MS       1000ULL
#define SECOND   1000000ULL
#define RTT      (100 * MS)

#define assert_near(a, b, tolerance)                                          \
    assert_in_range((uint64_t) (a), (uint64_t) (b) - (tolerance),             \
                    (uint64_t) (b) + (tolerance))


static quic_cc_t   cc;
static quic_rtt_t  rtt;
static uint64_t    now;


static void
init(void)
{
    now = 1000 * SECOND;

    rtt.latest = RTT;
    rtt.smoothed = RTT;
    rtt.var = RTT / 10;
    rtt.min = RTT;

    quic_cc_init(&cc, &quic_cc_cubic, MTU, now);
}


static void
acked(uint64_t bytes, uint64_t sent, ngx_uint_t app_limited)
{
    quic_cc_ack_t  ack;

    ngx_memzero(&ack, sizeof(quic_cc_ack_t));

    ack.bytes = bytes;
    ack.in_flight = cc.window;
    ack.largest_time = sent;
    ack.now = now;
    ack.rtt = &rtt;
    ack.rtt_sample = 1;
    ack.app_limited = app_limited;

    cc.ops->acked(&cc, &ack);
}


static void
lost_bytes(uint64_t bytes, uint64_t sent)
{
    quic_cc_loss_t  loss;

    ngx_memzero(&loss, sizeof(quic_cc_loss_t));

    loss.bytes = bytes;
    loss.largest_time = sent;
    loss.now = now;

    cc.ops->lost(&cc, &loss);
}


static void
lost(uint64_t sent)
{
    lost_bytes(MTU, sent);
}


static void
late(uint64_t bytes, uint64_t lost_time)
{
    quic_cc_spurious_t  loss;

    loss.bytes = bytes;
    loss.lost_time = lost_time;

    cc.ops->spurious(&cc, &loss);
}


/* the connection isn't idle: an ACK of nothing that counts */

static void
busy(void)
{
    cc.u.cubic.updated = now;
}


/* a round trip goes by, all of its packets are acknowledged at once */

static void
round_trip(void)
{
    uint64_t  sent;

    sent = now;
    busy();
    now += RTT;
    acked(cc.window, sent, 0);
}


/* acknowledged one by one, evenly */

static void
smooth_round_trip(void)
{
    uint64_t    start;
    ngx_uint_t  i, n;

    start = now;
    n = cc.window / MTU;

    for (i = 0; i < n; i++) {
        now = start + (i + 1) * RTT / n;
        acked(MTU, now - RTT, 0);
    }
}


/* a loss in a window of 100 datagrams; the stage begins */

static void
avoidance(void)
{
    init();

    acked(90 * MTU, now, 0);
    assert_int_equal(cc.window, 100 * MTU);

    lost(now);
    assert_int_equal(cc.window, 70 * MTU);

    now += RTT;
    busy();
    acked(0, now - 1, 0);
    assert_int_equal(cc.window, 70 * MTU);
}


/* at "t" after the beginning of the stage; acknowledges a whole window */

static uint64_t
window_at(double t)
{
    quic_cc_t  copy;
    uint64_t   window, time;

    copy = cc;
    time = now;

    now = cc.u.cubic.stage.epoch + cc.u.cubic.paused + (uint64_t) (t * 1e6);
    busy();
    acked(cc.window, now, 0);
    window = cc.window;

    cc = copy;
    now = time;

    return window;
}


/* the stage from here on, with another window */

static uint64_t
window_at_from(double t, double window)
{
    cc.window = (uint64_t) window;

    return window_at(t);
}


static void
test_by_name(void **state)
{
    ngx_str_t  name = ngx_string("cubic");

    assert_ptr_equal(quic_cc_by_name(&name), &quic_cc_cubic);
}


static void
test_slow_start(void **state)
{
    init();
    assert_int_equal(cc.window, INITIAL);
    assert_int_equal(cc.ssthresh, UINT64_MAX);

    round_trip();
    assert_int_equal(cc.window, 2 * INITIAL);
    round_trip();
    assert_int_equal(cc.window, 4 * INITIAL);

    acked(INITIAL, now - RTT, 1);
    assert_int_equal(cc.window, 4 * INITIAL);
}


/* 4.10: the RTT grows, CSS, and then a stage without W_max: K is 0 */

static void
test_hystart(void **state)
{
    uint64_t               window;
    ngx_uint_t             i;
    quic_cc_cubic_stage_t  *stage;

    init();
    smooth_round_trip();
    smooth_round_trip();

    rtt.latest = RTT + 13 * MS;
    smooth_round_trip();
    assert_int_equal(cc.u.cubic.hystart.baseline, UINT64_MAX);
    smooth_round_trip();
    assert_int_not_equal(cc.u.cubic.hystart.baseline, UINT64_MAX);

    window = cc.window;
    smooth_round_trip();
    assert_near(cc.window, window + window / 4, 2 * MTU);

    for (i = 0; i < 3; i++) {
        assert_int_equal(cc.ssthresh, UINT64_MAX);
        smooth_round_trip();
    }

    assert_int_not_equal(cc.ssthresh, UINT64_MAX);

    acked(0, now, 0);

    window = cc.ssthresh;
    stage = &cc.u.cubic.stage;
    assert_int_equal(stage->prior, window);
    assert_true(stage->k == 0);
    assert_true(stage->w_max == window);

    /* 4.2: 0.4 * 3^3 datagrams more after 3 s */

    assert_near(window_at(2.9), window + 12960, 1);
}


/* a pause: the RTT of before it isn't compared with */

static void
test_hystart_and_pause(void **state)
{
    ngx_uint_t  limited;

    for (limited = 0; limited < 2; limited++) {
        init();
        smooth_round_trip();
        smooth_round_trip();

        if (limited) {
            acked(MTU, now - RTT, 1);
        }

        now += 60 * SECOND;
        rtt.latest = 3 * RTT;
        smooth_round_trip();
        smooth_round_trip();
        assert_int_equal(cc.u.cubic.hystart.baseline, UINT64_MAX);

        rtt.latest = 4 * RTT;
        smooth_round_trip();
        assert_int_not_equal(cc.u.cubic.hystart.baseline, UINT64_MAX);
    }
}


/* RFC 9406, 4.3: later slow starts know where to end */

static void
test_hystart_only_once(void **state)
{
    avoidance();
    cc.ops->collapse(&cc, now);

    now += SECOND;
    smooth_round_trip();
    smooth_round_trip();
    rtt.latest = 2 * RTT;
    smooth_round_trip();
    smooth_round_trip();
    assert_true(cc.window > 16 * MTU);
}


/* 4.6 */

static void
test_decrease(void **state)
{
    ngx_uint_t  i;

    init();
    lost(now);
    assert_int_equal(cc.window, INITIAL * 7 / 10);
    assert_int_equal(cc.ssthresh, cc.window);
    assert_int_equal(cc.recovery_start, now);
    assert_int_equal(cc.u.cubic.stage.prior, INITIAL);
    assert_true(cc.u.cubic.stage.w_max == INITIAL);

    /* once a round trip: RFC 9002, 7.3.2 */

    now += RTT;
    lost(now - RTT);
    acked(INITIAL, now - RTT, 0);
    assert_int_equal(cc.window, INITIAL * 7 / 10);

    lost(now - RTT + 1);
    assert_near(cc.window, INITIAL * 49 / 100, 1);
    assert_int_equal(cc.ssthresh, cc.window);

    for (i = 0; i < 10; i++) {
        now += RTT;
        lost(now);
    }

    assert_int_equal(cc.window, 2 * MTU);
    assert_int_equal(cc.ssthresh, 2 * MTU);
}


/*
 * 4.2: W_max is 100 datagrams, cwnd_epoch 70, so K is the cube root of 75, and
 * W_cubic(t) = 0.4 (t - 4.217163)^3 + 100.
 */

static void
test_window_increase(void **state)
{
    quic_cc_cubic_stage_t  *stage;

    avoidance();

    stage = &cc.u.cubic.stage;
    assert_true(stage->w_max == 100 * MTU);
    assert_true(stage->w_est == 70 * MTU);
    assert_true(stage->prior == 100 * MTU);
    assert_near(stage->k * 1e6, 4217163, 1);
    assert_int_equal(stage->epoch, now - cc.u.cubic.paused);

    /* target is W_cubic(t + RTT): the RTT is 0.1 s */

    assert_near(window_at(0.4), 95346, 1);
    assert_near(window_at(0.9), 104016, 1);
    assert_near(window_at(1.9), 114768, 1);
    assert_near(window_at(4.117163), 120000, 1);  /* the plateau, at K */

    /* and what follows is convex; the bound is below */

    assert_near(window_at_from(5.117163, 110 * MTU), 132000, 0);
    assert_near(window_at_from(5.117163, 100 * MTU), 120480, 1);
    assert_near(window_at_from(9.117163, 110 * MTU), 180000, 1);
    assert_near(window_at_from(14.117163, 500 * MTU), 600000, 1);
}


/* 4.2: target is not below cwnd, and not above 1.5 cwnd */

static void
test_target(void **state)
{
    avoidance();

    assert_int_equal(window_at_from(0, 90 * MTU), 90 * MTU);
    assert_int_equal(window_at_from(2, 200 * MTU), 200 * MTU);
    assert_int_equal(window_at_from(100, 70 * MTU), 105 * MTU);
    assert_int_equal(window_at_from(1000000, 70 * MTU), 105 * MTU);
}


/* (target - cwnd) / cwnd for each that is acknowledged: 4.4, 4.5 */

static void
test_increments(void **state)
{
    uint64_t    window;
    ngx_uint_t  i;

    avoidance();

    /* W_cubic(1.1) is 21461 bytes above it: 306.6 for a datagram */

    window = cc.window;
    now += SECOND;
    busy();
    acked(MTU, now, 0);
    assert_int_equal(cc.window, window + 306);

    /* fractions of a byte are not lost */

    avoidance();
    now += SECOND;
    busy();

    for (i = 0; i < 70 * MTU; i++) {
        acked(1, now, 0);
    }

    assert_near(cc.window, 96898, 1);
}


/* 4.3: W_est, with alpha = 0.529 up to cwnd_prior, then 1 */

static void
test_reno_friendly(void **state)
{
    double      est;
    uint64_t    window;
    ngx_uint_t  i;

    avoidance();

    /* no time goes by, so W_cubic stands still */

    rtt.smoothed = 0;
    est = 70 * MTU;

    for (i = 0; i < 56; i++) {
        window = cc.window;
        busy();
        acked(window, now, 0);

        est += MTU * 0.9 / 1.7;
        assert_near(cc.window, est, 1);
        assert_near(cc.window - window, 635, 1);
    }

    /* 30 datagrams are 56.7 rounds */

    assert_true(cc.window < 100 * MTU);
    acked(cc.window, now, 0);
    assert_true(cc.window > 100 * MTU);

    for (i = 0; i < 10; i++) {
        window = cc.window;
        busy();
        acked(window, now, 0);
        assert_near(cc.window - window, MTU, 1);
    }

    /* it isn't above its estimate: nothing is taken away */

    cc.window = 1000 * MTU;
    acked(cc.window, now, 0);
    assert_int_equal(cc.window, 1000 * MTU);
}


/* 4.3: cwnd_prior, which fast convergence doesn't lower, is what counts */

static void
test_reno_after_fast_convergence(void **state)
{
    uint64_t  window;

    avoidance();
    now += RTT;
    lost(now);
    now += RTT;
    busy();
    acked(0, now - 1, 0);
    assert_true(cc.u.cubic.stage.w_max < 60 * MTU);

    rtt.smoothed = 0;
    window = 0;

    while (cc.window < 70 * MTU) {
        window = cc.window;
        acked(window, now, 0);
        assert_near(cc.window - window, 635, 1);
    }

    window = cc.window;
    acked(window, now, 0);
    assert_near(cc.window - window, MTU, 1);
}


/* 4.3: while W_cubic(t) is the larger one, W_est goes on */

static void
test_reno_overtakes(void **state)
{
    ngx_uint_t  i;

    avoidance();
    rtt.smoothed = 10 * MS;

    for (i = 0; i < 1000; i++) {
        busy();
        now += 10 * MS;
        acked(cc.window, now - 10 * MS, 0);
    }

    /* RTT 10 ms: 57 rounds with alpha 0.529, and 943 with 1 */

    assert_near(cc.window, 1043 * MTU, 2 * MTU);
}


/* 4.7 */

static void
test_fast_convergence(void **state)
{
    avoidance();
    assert_int_equal(cc.window, 70 * MTU);

    /* below W_max: 70 * (1 + 0.7) / 2 */

    now += RTT;
    lost(now);
    assert_int_equal(cc.u.cubic.stage.w_max, 71400);
    assert_int_equal(cc.u.cubic.stage.prior, 70 * MTU);
    assert_near(cc.window, 49 * MTU, 1);

    /* not below it: as it is */

    now += RTT;
    cc.window = 71400;
    lost(now);
    assert_int_equal(cc.u.cubic.stage.w_max, 71400);
    assert_near(cc.window, 49980, 1);
}


/*
 * 5.8: t doesn't include what was application-limited: the window stays, and
 * is afterwards where it would have been.
 */

static void
test_app_limited(void **state)
{
    uint64_t    window, expected;
    ngx_uint_t  i;

    avoidance();
    smooth_round_trip();
    window = cc.window;
    expected = window_at(0.2);

    for (i = 0; i < 100; i++) {
        now += 100 * MS;
        acked(MTU, now - RTT, 1);
        assert_int_equal(cc.window, window);
    }

    now += 10 * MS;
    acked(0, now - RTT, 0);
    assert_int_equal(cc.u.cubic.paused, 10010 * MS);

    now += 100 * MS;
    cc.u.cubic.updated = now;
    acked(cc.window, now - RTT, 0);
    assert_int_equal(cc.window, expected);
}


/* nor an idle period that no ACK told of */

static void
test_idle(void **state)
{
    uint64_t  expected;

    avoidance();
    smooth_round_trip();
    expected = window_at(0.2);

    /* a minute later: the first ACK is of what was sent then */

    now += 60 * SECOND;
    acked(0, now, 0);
    now += RTT;
    acked(cc.window, now - RTT, 0);
    assert_int_equal(cc.window, expected);
}


/* while ACKs come in there is no pause, however seldom they are */

static void
test_rare_acks(void **state)
{
    uint64_t    paused;
    ngx_uint_t  i;

    avoidance();
    paused = cc.u.cubic.paused;

    for (i = 0; i < 10; i++) {
        now += RTT;
        acked(cc.window, now - RTT, 0);
    }

    assert_int_equal(cc.u.cubic.paused, paused);
}


/* 4.8 */

static void
test_persistent_congestion(void **state)
{
    ngx_uint_t              i;
    quic_cc_cubic_stage_t  *stage;

    avoidance();

    now += RTT;
    lost(now);
    cc.ops->collapse(&cc, now);
    assert_int_equal(cc.window, 2 * MTU);
    assert_near(cc.ssthresh, 49 * MTU, 1);

    /* slow start, no further than to ssthresh */

    for (i = 0; i < 5; i++) {
        assert_true(cc.window < cc.ssthresh);
        round_trip();
    }

    assert_near(cc.window, 49 * MTU, 1);

    /* K is 0, W_max the window */

    round_trip();
    stage = &cc.u.cubic.stage;
    assert_true(stage->k == 0);
    assert_true(stage->w_max == cc.ssthresh);
    assert_near(window_at(4.9), cc.window * 3 / 2, 0);
    assert_near(window_at_from(4.9, 90 * MTU), 99 * MTU, 2);
}


/* the losses of it may all be of the round trip of an earlier one */

static void
test_persistent_congestion_in_stage(void **state)
{
    uint64_t  start;

    avoidance();
    now += 3 * SECOND;
    cc.ops->collapse(&cc, now);
    assert_int_equal(cc.ssthresh, 70 * MTU);

    while (cc.window < cc.ssthresh) {
        round_trip();
    }

    start = now + RTT;
    round_trip();
    assert_int_equal(cc.u.cubic.stage.epoch + cc.u.cubic.paused, start);
}


/* 4.9.2: all is as it was */

static void
test_undo(void **state)
{
    quic_cc_t  before;

    avoidance();
    smooth_round_trip();
    before = cc;

    now += RTT;
    lost_bytes(3 * MTU, now - 1);
    assert_true(cc.window < before.window);

    now += 10 * MS;
    late(3 * MTU, now - 10 * MS);

    assert_int_equal(cc.window, before.window);
    assert_int_equal(cc.ssthresh, before.ssthresh);
    assert_int_equal(cc.recovery_start, before.recovery_start);
    assert_memory_equal(&cc.u.cubic.stage, &before.u.cubic.stage,
                        sizeof(quic_cc_cubic_stage_t));

    /* it is no recovery any more: a loss counts */

    lost(now - RTT);
    assert_int_equal(cc.window, (uint64_t) (before.window * 0.7));
}


/* slow start goes on */

static void
test_undo_slow_start(void **state)
{
    init();
    round_trip();

    now += RTT;
    lost(now - 1);
    assert_int_equal(cc.window, 14 * MTU);
    late(MTU, now);

    assert_int_equal(cc.window, 20 * MTU);
    assert_int_equal(cc.ssthresh, UINT64_MAX);
    assert_int_equal(cc.recovery_start, 0);

    round_trip();
    assert_int_equal(cc.window, 40 * MTU);
}


/* others were lost, in the same round trip: those count */

static void
test_no_undo_of_real_losses(void **state)
{
    uint64_t  start;

    avoidance();
    now += RTT;
    start = now;
    lost_bytes(2 * MTU, now - 1);

    now += 10 * MS;
    lost_bytes(MTU, now - 10 * MS);
    assert_near(cc.window, 49 * MTU, 1);

    late(MTU, start);
    late(MTU, start);
    assert_near(cc.window, 49 * MTU, 1);

    /* until the third has come, too */

    late(MTU, now);
    assert_int_equal(cc.window, 70 * MTU);

    late(MTU, now);
    assert_int_equal(cc.window, 70 * MTU);
}


/* the window has grown beyond that already */

static void
test_no_undo_when_larger(void **state)
{
    uint64_t  window, start;

    avoidance();
    now += RTT;
    start = now;
    lost(now - 1);

    while (cc.window < 70 * MTU) {
        smooth_round_trip();
    }

    window = cc.window;
    late(MTU, start);
    assert_int_equal(cc.window, window);
    assert_near(cc.ssthresh, 49 * MTU, 1);
}


/* what was lost in an earlier event says nothing of the last */

static void
test_no_undo_of_earlier(void **state)
{
    uint64_t  first;

    avoidance();
    now += RTT;
    first = now;
    lost(now - 1);
    now += RTT;
    lost(now - 1);
    assert_near(cc.window, 41160, 1);

    late(MTU, first);
    assert_near(cc.window, 41160, 1);

    late(MTU, now);
    assert_near(cc.window, 49 * MTU, 1);

    /* once only */

    late(MTU, first);
    assert_near(cc.window, 49 * MTU, 1);
}


static void
test_no_undo_of_persistent_congestion(void **state)
{
    avoidance();
    now += RTT;
    lost(now - 1);
    cc.ops->collapse(&cc, now);

    late(MTU, now);
    assert_int_equal(cc.window, 2 * MTU);
    assert_near(cc.ssthresh, 49 * MTU, 1);
}


/* a mark is no loss that could turn out to be none, and vouches for others */

static void
test_no_undo_of_mark(void **state)
{
    quic_cc_mark_t  mark;

    avoidance();

    mark.packets = 1;
    mark.largest_time = now - 1;
    mark.now = now;

    now += RTT;
    lost(now - 1);
    assert_near(cc.window, 49 * MTU, 1);

    cc.ops->marked(&cc, &mark);
    assert_near(cc.window, 49 * MTU, 1);

    late(MTU, now);
    assert_near(cc.window, 49 * MTU, 1);

    /* losses in the round trip of a mark */

    now += RTT;
    mark.largest_time = now;
    mark.now = now;
    cc.ops->marked(&cc, &mark);
    assert_near(cc.window, 41160, 1);
    assert_near(cc.ssthresh, 41160, 1);

    lost(now);
    late(MTU, now);
    assert_near(cc.window, 41160, 1);
}


static void
test_no_undo_without_loss(void **state)
{
    init();
    late(MTU, now);
    assert_int_equal(cc.window, INITIAL);
    assert_int_equal(cc.ssthresh, UINT64_MAX);
}


/* datagrams of another size: the stage goes on as it began */

static void
test_set_mtu(void **state)
{
    avoidance();

    quic_cc_set_mtu(&cc, 1452);
    assert_int_equal(cc.window, 70 * MTU);
    assert_near(window_at(4.117163), 120000, 1);
    assert_near(window_at(0.4), 95346, 1);

    /* the next one is of these */

    now += RTT;
    lost(now);
    now += RTT;
    busy();
    acked(0, now - 1, 0);
    assert_near(cc.u.cubic.stage.c * 10, 5808, 0);
}


/* no more than may be in flight at all; times and RTTs without bound */

static void
test_ranges(void **state)
{
    uint64_t    max;
    ngx_uint_t  i;

    static const size_t  sizes[] = { 1200, 1452, 9000, 65527 };

    for (i = 0; i < test_array_len(sizes); i++) {
        init();
        quic_cc_init(&cc, &quic_cc_cubic, sizes[i], now);

        max = quic_cc_maximum_window(sizes[i]);
        assert_int_equal(max, QUIC_MAX_SENT_PACKETS * sizes[i]);

        /* slow start */

        while (cc.window < max) {
            round_trip();
        }

        round_trip();
        acked(UINT32_MAX, now, 0);
        assert_int_equal(cc.window, max);

        /* the curve, after a year */

        lost(now);
        now += RTT;
        round_trip();
        assert_true(cc.window < max);
        now += 365 * 24 * 3600 * SECOND;
        busy();
        acked(cc.window, now - RTT, 0);
        assert_int_equal(cc.window, max);

        /* Reno's */

        cc.u.cubic.stage.epoch = now - cc.u.cubic.paused;
        cc.u.cubic.stage.w_est = 1e18;
        acked(cc.window, now - 1, 0);
        assert_int_equal(cc.window, max);

        /* an RTT of minutes */

        lost(now);
        rtt.smoothed = 600 * SECOND;
        now += 600 * SECOND;
        busy();
        acked(cc.window, now - 1, 0);
        acked(cc.window, now - 1, 0);
        now += SECOND;
        acked(cc.window, now - SECOND, 0);
        assert_int_equal(cc.window, max);
        assert_true(quic_cc_pacing_rate(&cc, &rtt) > 0);
    }
}


/*
 * Section 5.1, Table 1: one packet in N is lost, the RTT is 0.1 s; packets for
 * each round trip.  The RFC computes it without fast convergence.
 */

static double
average_window(uint64_t n, ngx_uint_t events)
{
    double      time;
    uint64_t    i, start, half;
    ngx_uint_t  event;

    init();
    acked(90 * MTU, now, 0);

    start = now;
    half = now;
    time = 0;

    for (event = 0; event < events; event++) {

        if (event == events / 2) {
            half = now;
        }

        for (i = 0; i < n; i++) {
            time += (double) RTT * MTU / cc.window;
            now = start + (uint64_t) time;

            acked(MTU, now - RTT, 0);
        }

        lost(now - RTT);
    }

    return (double) (events - events / 2) * n * RTT / (now - half);
}


static void
test_average_windows(void **state)
{
    double      average;
    ngx_uint_t  i;

    static const struct {
        uint64_t    n;
        ngx_uint_t  events;
        uint64_t    cubic;
    } t[] = {
        { 100, 1000, 12 },
        { 1000, 400, 38 },
        { 10000, 100, 187 },
        { 100000, 30, 1054 },
    };

    for (i = 0; i < test_array_len(t); i++) {
        average = average_window(t[i].n, t[i].events);
        print_message("p = 1/%lu: %.1f, RFC: %lu\n", t[i].n, average,
                      t[i].cubic);
        assert_true(average > t[i].cubic * 0.8);
        assert_true(average < t[i].cubic * 1.25);
    }
}


/* anything in any order */

static void
check(void)
{
    uint64_t                rate;
    quic_cc_cubic_stage_t  *stage;

    assert_true(cc.window >= quic_cc_minimum_window(cc.mtu));
    assert_true(cc.window <= quic_cc_maximum_window(cc.mtu));
    assert_true(cc.ssthresh >= quic_cc_minimum_window(MTU));

    stage = &cc.u.cubic.stage;
    assert_true(stage->k >= 0 && stage->k < 1e6);
    assert_true(stage->w_max >= 0 && stage->w_max < 1e12);
    assert_true(stage->w_est >= 0 && stage->w_est < 1e15);
    assert_true(cc.u.cubic.credit >= 0 && cc.u.cubic.credit < 1);
    assert_true(cc.u.cubic.paused <= now);

    rate = quic_cc_pacing_rate(&cc, &rtt);
    assert_true(rate > 0);
    assert_true(rate <= 2 * quic_cc_maximum_window(cc.mtu) * SECOND);
}


static uint64_t
below(uint64_t n)
{
    return (test_rand() >> 16) % n;
}


/* of any order of magnitude */

static uint64_t
magnitude(ngx_uint_t bits)
{
    return test_rand() >> (64 - below(bits) - 1);
}


static void
random_step(void)
{
    uint64_t    window, sent;
    ngx_uint_t  limited, recovery;

    window = cc.window;
    sent = magnitude(29);
    sent = now - sent;

    switch (below(32)) {

    case 0:
        lost_bytes(1 + below(2 * cc.window), sent);
        assert_true(cc.window <= window);
        assert_true(cc.window >= window * 7 / 10 - 1);
        break;

    case 1:
        if (below(8) == 0) {
            cc.ops->collapse(&cc, now);
            assert_int_equal(cc.window, quic_cc_minimum_window(cc.mtu));
        }
        break;

    case 2:
        late(1 + below(10 * MTU), sent);
        assert_true(cc.window >= window);
        break;

    case 3:
        if (below(100) == 0) {
            quic_cc_set_mtu(&cc, MTU + below(64000));
        }
        break;

    case 4:
        rtt.smoothed = magnitude(30);
        rtt.latest = magnitude(30) + 1;
        break;

    case 5:
        now += magnitude(40);
        break;

    default:
        limited = (below(8) == 0);
        recovery = quic_cc_in_recovery(&cc, sent);

        acked(below(8) ? 1 + below(10 * MTU) : magnitude(34), sent, limited);

        if (limited || recovery) {
            assert_int_equal(cc.window, window);
        } else {
            assert_true(cc.window >= ngx_min(window,
                                          quic_cc_maximum_window(cc.mtu)));
        }
    }

    now += magnitude(20);
}


static void
test_random(void **state)
{
    ngx_uint_t  i, run;

    for (run = 0; run < 200; run++) {
        init();
        now += magnitude(50);
        quic_cc_init(&cc, &quic_cc_cubic, MTU, now);

        for (i = 0; i < 5000; i++) {
            random_step();
            check();
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_slow_start),
        cmocka_unit_test(test_hystart),
        cmocka_unit_test(test_hystart_and_pause),
        cmocka_unit_test(test_hystart_only_once),
        cmocka_unit_test(test_decrease),
        cmocka_unit_test(test_window_increase),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_increments),
        cmocka_unit_test(test_reno_friendly),
        cmocka_unit_test(test_reno_after_fast_convergence),
        cmocka_unit_test(test_reno_overtakes),
        cmocka_unit_test(test_fast_convergence),
        cmocka_unit_test(test_app_limited),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_rare_acks),
        cmocka_unit_test(test_persistent_congestion),
        cmocka_unit_test(test_persistent_congestion_in_stage),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_undo_slow_start),
        cmocka_unit_test(test_no_undo_of_real_losses),
        cmocka_unit_test(test_no_undo_when_larger),
        cmocka_unit_test(test_no_undo_of_earlier),
        cmocka_unit_test(test_no_undo_of_persistent_congestion),
        cmocka_unit_test(test_no_undo_of_mark),
        cmocka_unit_test(test_no_undo_without_loss),
        cmocka_unit_test(test_set_mtu),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_average_windows),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
