
/*
 * BBR on a model of a path: a bottleneck with a queue, a delay, random loss,
 * ACKs that come in lumps.  The sender is quic_recovery with its pacer; all is
 * in virtual time.  Most cases are those of the draft's appendix.
 */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_ranges.h"
#include "quic/quic_recovery.h"


#define MTU       1200
#define MS        1000ULL
#define SECOND    1000000ULL
#define NEVER     UINT64_MAX
#define APP       QUIC_SPACE_APP
#define MBIT      125000ULL              /* bytes a second */

#define IN_FLIGHT 65536                  /* packets, at most */


/* the path */

static struct {
    uint64_t         rate;               /* bytes a second */
    uint64_t         rtt;                /* without the queue */
    uint64_t         queue;              /* bytes */
    uint64_t         mark;               /* CE beyond so many of them */
    uint64_t         lumps;              /* ACKs come at multiples of it */
    uint64_t         bucket, filled;     /* a policer's: bytes */
    uint64_t         policed;            /* time of "filled" */
    double           loss;
    uint64_t         free;               /* when the bottleneck is */
} path;


/* packets whose acknowledgement is on its way */

typedef struct {
    uint64_t         pn;
    uint64_t         time;
    ngx_uint_t       ce;
} echo_t;

static echo_t         echo[IN_FLIGHT];
static uint64_t       echo_first, echo_last;
static quic_ranges_t  received;
static uint64_t       ect0, ce;

/* the sender */

static ngx_log_t       logger;
static quic_mem_t      mem;
static quic_recovery_t r;
static uint64_t        now;
static uint64_t        app_rate;         /* bytes a second; 0: no bound */
static uint64_t        app_next;         /* when it has a packet */
static uint64_t        delivered;        /* bytes */
static ngx_uint_t      ecn;

#define bbr  r.cc.u.bbr


static void
on_frame(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    fail_msg("there are no frames");
}


static const quic_recovery_ops_t  ops = { on_frame, on_frame };


static void
init_with(const quic_cc_ops_t *cc, uint64_t rate, uint64_t rtt, uint64_t queue)
{
    ngx_memzero(&path, sizeof(path));
    path.rate = rate;
    path.rtt = rtt;
    path.queue = queue;

    now = 1000 * SECOND;
    echo_first = 0;
    echo_last = 0;
    ect0 = 0;
    ce = 0;
    app_rate = 0;
    app_next = 0;
    delivered = 0;
    ecn = 0;

    quic_mem_init(&mem, &logger);
    quic_ranges_init(&received, &mem, QUIC_MAX_ACK_RANGES);
    quic_recovery_init(&r, &mem, cc, MTU, &ops, NULL, now);

    if (cc == &quic_cc_bbr) {
        bbr.chance = test_rand() | 1;
    }

    r.handshake_confirmed = 1;
    r.max_ack_delay = 0;
    r.space[APP].skip = NEVER;
}


static void
init(uint64_t rate, uint64_t rtt, uint64_t queue)
{
    init_with(&quic_cc_bbr, rate, rtt, queue);
}


static void
done(void)
{
    quic_recovery_done(&r);
    quic_ranges_done(&received);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static uint64_t
bdp(void)
{
    return path.rate * path.rtt / SECOND;
}


/* non-zero: the policer, the queue or chance has taken it */

static ngx_uint_t
dropped(void)
{
    uint64_t  waiting;

    if (path.bucket) {
        path.filled += (now - path.policed) * path.rate / SECOND;
        path.filled = ngx_min(path.filled, path.bucket);
        path.policed = now;

        if (path.filled < MTU) {
            return 1;
        }

        path.filled -= MTU;
        return 0;
    }

    path.free = ngx_max(path.free, now);
    waiting = (path.free - now) * path.rate / SECOND;

    if (test_rand() % 1000000 < path.loss * 1000000) {
        return 1;
    }

    return waiting + MTU > path.queue;
}


static void
transmit(void)
{
    uint64_t  pn, waiting;
    echo_t   *e;

    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_OK);
    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_OK);

    if (ecn) {
        (void) quic_recovery_mark(&r);
    }

    quic_recovery_sent(&r, APP, MTU, 1, now);

    if (app_rate) {
        app_next = ngx_max(app_next, now) + MTU * SECOND / app_rate;
    }

    if (dropped()) {
        return;
    }

    assert_true(echo_last - echo_first < IN_FLIGHT);

    e = &echo[echo_last++ % IN_FLIGHT];
    e->pn = pn;
    e->ce = 0;
    e->time = now + path.rtt;

    if (path.bucket == 0) {
        waiting = (path.free - now) * path.rate / SECOND;
        e->ce = (r.marking && path.mark && waiting > path.mark);

        path.free += MTU * SECOND / path.rate;
        e->time = path.free + path.rtt;
    }

    if (path.lumps) {
        e->time = (e->time + path.lumps - 1) / path.lumps * path.lumps;
    }
}


static void
acknowledge(void)
{
    u_char         *end;
    u_char          buf[2048];
    echo_t         *e;
    uint64_t        error, counts[3];
    ngx_int_t       rc;
    const char     *text;
    quic_frame_t    f;
    quic_cursor_t   c;

    while (echo_first < echo_last
           && echo[echo_first % IN_FLIGHT].time <= now)
    {
        e = &echo[echo_first++ % IN_FLIGHT];

        rc = quic_ranges_add(&received, e->pn, e->pn + 1);

        if (rc == NGX_DECLINED) {
            quic_ranges_pop(&received);
            rc = quic_ranges_add(&received, e->pn, e->pn + 1);
        }

        assert_int_equal(rc, NGX_OK);

        delivered += MTU;
        ce += e->ce;
        ect0 += r.marking && !e->ce;
    }

    counts[0] = ect0;
    counts[1] = 0;
    counts[2] = ce;

    end = quic_frame_write_ack(buf, buf + sizeof(buf), received.range,
                               received.n, 0, (ect0 + ce) ? counts : NULL);
    assert_non_null(end);

    quic_cursor_init(&c, buf, end - buf);
    assert_int_equal(quic_frame_parse(&c, &f, &error, &text), NGX_OK);
    assert_int_equal(quic_recovery_ack(&r, APP, &f.u.ack, 0, now, &text),
                     NGX_OK);

    if (r.cc.ops == &quic_cc_bbr) {
        assert_true(r.cc.window >= 4 * MTU);
        assert_true(r.cc.rate > 0);
    }
}


/* when the next packet may go */

static uint64_t
next_packet(void)
{
    if (quic_recovery_room(&r) < MTU) {
        return NEVER;
    }

    if (app_rate && app_next > now) {
        quic_recovery_app_limited(&r);
        return app_next;
    }

    return quic_pacer_room(&r.pacer, now) ? now
                                          : quic_pacer_deadline(&r.pacer, now);
}


static void
step(uint64_t until)
{
    uint64_t      send, ack, timer;
    quic_space_e  space;

    send = next_packet();
    ack = (echo_first < echo_last) ? echo[echo_first % IN_FLIGHT].time : NEVER;
    timer = quic_recovery_deadline(&r);

    now = ngx_max(now, ngx_min(ngx_min(send, ack), ngx_min(timer, until)));

    if (ack <= now) {
        acknowledge();

    } else if (send <= now) {
        transmit();

    } else if (timer <= now
               && quic_recovery_timeout(&r, &space, now) == QUIC_TIMEOUT_PTO)
    {
        transmit();
    }
}


static void
run(uint64_t time)
{
    uint64_t  end;

    end = now + time;

    while (now < end) {
        step(end);
    }
}


/* until it's in a state, or for so long */

static ngx_uint_t
run_to(quic_bbr_state_e state, uint64_t time)
{
    uint64_t  end;

    for (end = now + time; now < end && bbr.state != state; /* void */ ) {
        step(end);
    }

    return bbr.state == state;
}


static ngx_uint_t
run_from(quic_bbr_state_e state, uint64_t time)
{
    uint64_t  end;

    for (end = now + time; now < end && bbr.state == state; /* void */ ) {
        step(end);
    }

    return bbr.state != state;
}


/* percents of what the path can carry */

static double
use(uint64_t time)
{
    uint64_t  before;

    before = delivered;
    run(time);

    return (delivered - before) * 100.0 / (path.rate * time / SECOND);
}


static void
assert_within(double a, double b, double percent)
{
    if (a < b * (1 - percent / 100) || a > b * (1 + percent / 100)) {
        fail_msg("%f isn't within %g %% of %f", a, percent, b);
    }
}


/* a plateau ends Startup, Drain empties the queue, and then it's ProbeBW */

static void
test_startup(void **state)
{
    init(10 * MBIT, 40 * MS, 4 * 50000);

    assert_int_equal(bbr.state, QUIC_BBR_STARTUP);
    assert_true(run_to(QUIC_BBR_DRAIN, 2 * SECOND));

    assert_true(bbr.full_bw_reached);
    assert_int_equal(bbr.full_bw_count, 3);
    assert_within(bbr.max_bw, 10 * MBIT, 2);
    assert_within(bbr.min_rtt, 40 * MS, 4);
    assert_int_equal(r.packets_lost, 0);
    assert_true(r.in_flight > bdp() * 3 / 2);

    /* the rate of Drain */

    assert_within(r.cc.rate, 5 * MBIT, 3);

    assert_true(run_from(QUIC_BBR_DRAIN, SECOND));
    assert_true(r.in_flight <= bdp() * 105 / 100);

    assert_true(run_to(QUIC_BBR_CRUISE, SECOND));
    assert_true(path.free < now + 10 * MS);

    done();
}


/* all of a cycle, and how much is in flight meanwhile */

static void
test_cycle(void **state)
{
    uint64_t  start;

    init(10 * MBIT, 40 * MS, 4 * 50000);
    assert_true(run_to(QUIC_BBR_CRUISE, 3 * SECOND));

    start = now;
    assert_within(r.cc.rate, 10 * MBIT, 3);
    assert_true(run_to(QUIC_BBR_REFILL, 3 * SECOND));
    assert_true(now - start > 500 * MS);

    assert_true(run_to(QUIC_BBR_UP, SECOND));
    run(60 * MS);
    assert_int_equal(bbr.state, QUIC_BBR_UP);
    assert_within(r.cc.rate, 125 * MBIT / 10, 3);

    assert_true(run_to(QUIC_BBR_DOWN, SECOND));
    assert_true(bbr.full_bw_now);
    assert_true(r.in_flight > bdp() * 110 / 100);
    assert_true(run_to(QUIC_BBR_CRUISE, SECOND));

    /* a full link, and hardly a queue */

    assert_true(use(4 * SECOND) > 95);
    assert_int_equal(r.packets_lost, 0);
    assert_true(run_to(QUIC_BBR_CRUISE, 2 * SECOND));
    assert_true(r.rtt.smoothed < 60 * MS);

    done();
}


/* many losses end Startup even if the application sends less than it may */

static void
test_startup_losses(void **state)
{
    init(100 * MBIT, 40 * MS, 500000);
    app_rate = 10 * MBIT;

    run(SECOND);
    assert_int_equal(bbr.state, QUIC_BBR_STARTUP);
    assert_false(bbr.full_bw_reached);

    path.loss = 0.3;
    assert_true(run_from(QUIC_BBR_STARTUP, SECOND));
    assert_true(bbr.full_bw_reached);
    assert_true(bbr.inflight_longterm != UINT64_MAX);

    done();
}


/* no queue to speak of: what fits is found all the same */

static void
test_shallow_queue(void **state)
{
    init(10 * MBIT, 40 * MS, 10 * MTU);

    run(3 * SECOND);
    assert_true(bbr.full_bw_reached);
    assert_true(bbr.inflight_longterm != UINT64_MAX);
    assert_true(use(10 * SECOND) > 85);

    /* losses of probes, and none else */

    assert_true(r.packets_lost * 100 < r.packets_acked * 5);

    done();
}


static void
test_random_loss(void **state)
{
    init(10 * MBIT, 40 * MS, 50000);
    path.loss = 0.01;

    run(2 * SECOND);
    assert_true(use(20 * SECOND) > 75);

    done();
}


/* without losses there is no end to it as long as nobody sends enough */

static void
test_app_limited(void **state)
{
    uint64_t  bw;

    init(100 * MBIT, 40 * MS, 500000);
    app_rate = 5 * MBIT;

    run(4 * SECOND);
    assert_int_equal(bbr.state, QUIC_BBR_STARTUP);

    /* and then: */

    app_rate = 0;
    run(2 * SECOND);
    assert_true(bbr.full_bw_reached);
    assert_within(bbr.max_bw, 100 * MBIT, 3);

    /* the model isn't forgotten for little data */

    bw = bbr.max_bw;
    app_rate = 5 * MBIT;
    run(4 * SECOND);
    assert_within(bbr.max_bw, bw, 5);

    done();
}


static void
test_probe_rtt(void **state)
{
    uint64_t  start, cwnd;

    init(10 * MBIT, 40 * MS, 4 * 50000);
    run(SECOND);

    /* somebody else has come, and keeps a queue */

    path.rtt = 42 * MS;

    assert_true(run_to(QUIC_BBR_PROBE_RTT, 7 * SECOND));
    assert_true(now - bbr.probe_rtt_min_stamp < 100 * MS);

    start = now;
    cwnd = bbr.prior_cwnd;
    run(150 * MS);
    assert_int_equal(bbr.state, QUIC_BBR_PROBE_RTT);
    assert_true(r.in_flight <= bdp() / 2 + 2 * MTU);

    assert_true(run_from(QUIC_BBR_PROBE_RTT, SECOND));
    assert_int_equal(bbr.state, QUIC_BBR_CRUISE);
    assert_true(now - start >= 200 * MS);
    assert_true(r.cc.window >= cwnd);
    assert_within(bbr.min_rtt, 40 * MS, 4);

    /* to meet it again and again doesn't make an empty queue of it */

    assert_true(run_to(QUIC_BBR_PROBE_RTT, 6 * SECOND));
    assert_true(run_from(QUIC_BBR_PROBE_RTT, SECOND));
    assert_true(run_to(QUIC_BBR_PROBE_RTT, 6 * SECOND));
    assert_within(bbr.min_rtt, 42 * MS, 4);

    /* the RTT of the path grows: it's found out */

    path.rtt = 80 * MS;
    run(13 * SECOND);
    assert_within(bbr.min_rtt, 80 * MS, 5);

    done();
}


/* who is alone finds the queue empty by itself, and need not slow down */

static void
test_no_probe_rtt(void **state)
{
    init(100 * MBIT, 40 * MS, 500000);
    run(2 * SECOND);

    assert_false(run_to(QUIC_BBR_PROBE_RTT, 30 * SECOND));
    assert_within(bbr.min_rtt, 40 * MS, 1);
    assert_true(use(30 * SECOND) > 98.5);

    done();
}


/* in Startup, too, to which it returns */

static void
test_probe_rtt_in_startup(void **state)
{
    init(100 * MBIT, 40 * MS, 500000);
    app_rate = 5 * MBIT;

    /* the queue of somebody else */

    run(SECOND);
    path.rtt = 50 * MS;

    assert_true(run_to(QUIC_BBR_PROBE_RTT, 7 * SECOND));
    assert_true(run_from(QUIC_BBR_PROBE_RTT, SECOND));
    assert_int_equal(bbr.state, QUIC_BBR_STARTUP);

    done();
}


/* an idle connection has emptied the queue already: 5.4 */

static void
test_idle(void **state)
{
    uint64_t  rate;

    init(10 * MBIT, 40 * MS, 4 * 50000);
    assert_true(run_to(QUIC_BBR_CRUISE, 3 * SECOND));
    rate = bbr.bw;

    app_rate = 1;
    app_next = now + 7 * SECOND;
    run(6900 * MS);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(bbr.state, QUIC_BBR_CRUISE);

    app_rate = 0;
    transmit();
    assert_true(bbr.idle_restart);
    assert_within(r.cc.rate, rate, 2);

    run(100 * MS);
    assert_true(bbr.state != QUIC_BBR_PROBE_RTT);
    assert_false(bbr.idle_restart);
    assert_true(use(SECOND) > 90);

    done();
}


static void
test_more_bandwidth(void **state)
{
    init(10 * MBIT, 40 * MS, 4 * 50000);
    run(4 * SECOND);

    path.rate = 100 * MBIT;
    path.queue = 500000;
    run(10 * SECOND);
    assert_true(use(5 * SECOND) > 90);

    done();
}


static void
test_less_bandwidth(void **state)
{
    init(100 * MBIT, 40 * MS, 500000);
    run(4 * SECOND);

    path.rate = 10 * MBIT;
    path.queue = 50000;

    /* the short-term model at once, the other one in two cycles */

    run(500 * MS);
    assert_true(bbr.bw < 50 * MBIT);

    run(9 * SECOND);
    assert_within(bbr.max_bw, 10 * MBIT, 40);
    assert_true(use(5 * SECOND) > 90);

    done();
}


static void
test_policer(void **state)
{
    uint64_t  lost, acked;

    init(10 * MBIT, 40 * MS, 0);
    path.bucket = 100000;
    path.policed = now;

    run(10 * SECOND);
    lost = r.packets_lost;
    acked = r.packets_acked;

    assert_true(use(20 * SECOND) > 80);
    assert_true((r.packets_lost - lost) * 100 < (r.packets_acked - acked) * 10);

    done();
}


/* ACKs in lumps: more is in flight than a BDP twice over */

static void
test_aggregation(void **state)
{
    init(100 * MBIT, 10 * MS, 500000);
    path.lumps = 30 * MS;

    run(3 * SECOND);
    assert_true(bbr.full_bw_reached);
    assert_true(quic_max_filter_get(&bbr.extra_acked_filter, 10) > bdp());
    assert_true(r.cc.window > 2 * bdp());
    assert_true(use(4 * SECOND) > 90);

    done();
}


/* a BDP of less than a packet */

static void
test_tiny_bdp(void **state)
{
    init(8000, 10 * MS, 20 * MTU);

    run(60 * SECOND);
    assert_true(r.cc.window >= 4 * MTU);
    assert_true(use(60 * SECOND) > 90);

    done();
}


/* ECN: marks keep the queue short, and no probe goes beyond them */

static void
test_marks(void **state)
{
    init(10 * MBIT, 40 * MS, 100000);
    ecn = 1;
    path.mark = 20000;

    run(SECOND);
    assert_true(bbr.full_bw_reached);

    run(20 * SECOND);
    assert_true(r.packets_ce > 0);
    assert_int_equal(r.packets_lost, 0);
    assert_true(bbr.inflight_longterm != UINT64_MAX);
    assert_true(use(10 * SECOND) > 85);
    assert_true(r.rtt.smoothed < 65 * MS);

    done();
}


/* too many losses while it probes: 5.5.10.2 */

static void
test_probe_too_high(void **state)
{
    uint64_t  longterm;

    init(10 * MBIT, 40 * MS, 50000);
    assert_true(run_to(QUIC_BBR_UP, 7 * SECOND));

    run(50 * MS);
    path.loss = 0.2;
    assert_true(run_from(QUIC_BBR_UP, SECOND));
    path.loss = 0;

    assert_int_equal(bbr.state, QUIC_BBR_DOWN);
    assert_true(bbr.prev_probe_too_high);

    longterm = bbr.inflight_longterm;
    assert_true(longterm <= bdp() * 3 / 2);
    assert_true(longterm >= bdp() * 65 / 100);

    /* the next one stops there, and the one that follows goes on */

    assert_true(run_to(QUIC_BBR_UP, 7 * SECOND));
    assert_true(run_from(QUIC_BBR_UP, SECOND));
    assert_true(bbr.prev_probe_precautionary);
    assert_true(run_to(QUIC_BBR_REFILL, 200 * MS));
    assert_true(run_to(QUIC_BBR_UP, 200 * MS));

    done();
}


/* outside of probes: the short-term model, once in a round trip */

static void
test_loss_in_cruise(void **state)
{
    uint64_t  bw;

    init(10 * MBIT, 40 * MS, 4 * 50000);
    assert_true(run_to(QUIC_BBR_CRUISE, 3 * SECOND));
    bw = bbr.bw;

    path.loss = 0.1;
    run(100 * MS);
    path.loss = 0;
    run(100 * MS);

    assert_int_equal(bbr.state, QUIC_BBR_CRUISE);
    assert_true(bbr.bw_shortterm < bw);
    assert_true(bbr.bw_shortterm >= bw * 70 / 100 * 70 / 100);
    assert_true(bbr.inflight_shortterm != UINT64_MAX);
    assert_int_equal(bbr.bw, bbr.bw_shortterm);
    assert_within(bbr.max_bw, bw, 2);

    assert_true(run_to(QUIC_BBR_REFILL, 4 * SECOND));
    assert_int_equal(bbr.bw_shortterm, UINT64_MAX);

    done();
}


/* a loss episode that has been none is undone: 5.5.11 */

static void
test_spurious(void **state)
{
    quic_rate_t            rate;
    quic_cc_loss_t         loss;
    quic_cc_spurious_t     late;
    quic_cc_lost_packet_t  lost;

    init(10 * MBIT, 40 * MS, 4 * 50000);
    assert_true(run_to(QUIC_BBR_UP, 7 * SECOND));
    run(50 * MS);
    assert_int_equal(bbr.state, QUIC_BBR_UP);

    rate = r.rate;
    lost.pn = 1;
    lost.bytes = 10 * MTU;
    lost.now = now;
    lost.rate = &rate;
    ngx_memzero(&lost.sample, sizeof(quic_rate_sample_t));
    lost.sample.in_flight = r.in_flight;
    lost.sample.lost = r.in_flight / 4;

    loss.bytes = lost.bytes;
    loss.largest_time = now - 40 * MS;
    loss.now = now;

    r.cc.ops->packet_lost(&r.cc, &lost);
    r.cc.ops->lost(&r.cc, &loss);
    assert_int_equal(bbr.state, QUIC_BBR_DOWN);
    assert_true(bbr.inflight_longterm != UINT64_MAX);

    /* one that is late doesn't vouch for the others */

    late.bytes = MTU;
    late.lost_time = now;
    r.cc.ops->spurious(&r.cc, &late);
    assert_int_equal(bbr.state, QUIC_BBR_DOWN);

    late.bytes = 9 * MTU;
    r.cc.ops->spurious(&r.cc, &late);
    assert_int_equal(bbr.state, QUIC_BBR_REFILL);
    assert_true(bbr.inflight_longterm == UINT64_MAX);

    done();
}


static void
test_persistent_congestion(void **state)
{
    init(10 * MBIT, 40 * MS, 4 * 50000);
    assert_true(run_to(QUIC_BBR_CRUISE, 3 * SECOND));

    /* nothing gets through, and then all does */

    path.loss = 1;
    run(2 * SECOND);
    path.loss = 0;

    while (r.cc.window > 10 * MTU) {
        step(NEVER);
    }

    assert_true(use(4 * SECOND) > 70);
    assert_true(use(4 * SECOND) > 90);

    done();
}


/* whatever happens, something is delivered */

static void
test_random(void **state)
{
    ngx_uint_t  i, n;

    for (i = 0; i < 10; i++) {
        init(MBIT << test_rand() % 7, MS << test_rand() % 7, 0);
        path.queue = bdp() / (1 + test_rand() % 8) + 4 * MTU;
        ecn = test_rand() % 2;
        path.mark = path.queue / 2;

        for (n = 0; n < 10; n++) {
            path.loss = (test_rand() % 3 == 0) ? test_rand() % 300 / 1000.0 : 0;
            path.lumps = (test_rand() % 4 == 0) ? test_rand() % 50000 : 0;
            app_rate = (test_rand() % 4 == 0) ? path.rate / 10 : 0;

            if (test_rand() % 4 == 0) {
                path.rate = MBIT << test_rand() % 7;
            }

            run(SECOND);
        }

        path.loss = 0;
        path.lumps = 0;
        app_rate = 0;
        path.queue = 2 * bdp() + 10 * MTU;
        path.mark = path.queue / 2;

        run(8 * SECOND);
        assert_true(use(10 * SECOND) > 85);

        done();
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_startup),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_startup_losses),
        cmocka_unit_test(test_shallow_queue),
        cmocka_unit_test(test_random_loss),
        cmocka_unit_test(test_app_limited),
        cmocka_unit_test(test_probe_rtt),
        cmocka_unit_test(test_no_probe_rtt),
        cmocka_unit_test(test_probe_rtt_in_startup),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_more_bandwidth),
        cmocka_unit_test(test_less_bandwidth),
        cmocka_unit_test(test_policer),
        cmocka_unit_test(test_aggregation),
        cmocka_unit_test(test_tiny_bdp),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_probe_too_high),
        cmocka_unit_test(test_loss_in_cruise),
        cmocka_unit_test(test_spurious),
        cmocka_unit_test(test_persistent_congestion),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
