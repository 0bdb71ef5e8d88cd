
/* HyStart++: the rules of RFC 9406, 4.2, one by one. */

#include "test.h"
#include "quic/quic_hystart.h"


#define MS       1000ULL
#define SECOND   1000000ULL
#define NONE     UINT64_MAX


static quic_hystart_t  h;
static uint64_t        now;


static void
init(void)
{
    now = SECOND;
    quic_hystart_init(&h, now);
}


/* an ACK of a packet of the round before: what most ACKs are */

static ngx_uint_t
ack(uint64_t rtt)
{
    return quic_hystart_acked(&h, h.round - 1, rtt, now++);
}


static void
acks(ngx_uint_t n, uint64_t rtt)
{
    while (n--) {
        assert_int_equal(ack(rtt), 0);
    }
}


/* the ACK that ends a round, and is the first of the next one */

static ngx_uint_t
next_round(uint64_t rtt)
{
    ngx_uint_t  rc;

    now += 10 * MS;
    rc = quic_hystart_acked(&h, h.round, rtt, now);
    assert_int_equal(h.round, now);

    return rc;
}


static void
round_of(ngx_uint_t n, uint64_t rtt)
{
    assert_int_equal(next_round(rtt), 0);
    acks(n - 1, rtt);
}


static ngx_uint_t
in_css(void)
{
    assert_int_equal(quic_hystart_growth(&h, 4000),
                     h.baseline == NONE ? 4000 : 1000);

    return h.baseline != NONE;
}


static void
begin_css(void)
{
    init();
    round_of(8, 100 * MS);
    round_of(8, 120 * MS);

    assert_true(in_css());
    assert_int_equal(h.baseline, 120 * MS);
}


static void
test_init(void **state)
{
    init();

    assert_false(in_css());
    assert_int_equal(h.last_min, NONE);
    assert_int_equal(h.min, NONE);
    assert_int_equal(h.samples, 0);
}


/* paced: the limit L is infinite; a quarter in CSS */

static void
test_growth(void **state)
{
    init();
    assert_int_equal(quic_hystart_growth(&h, 0), 0);
    assert_int_equal(quic_hystart_growth(&h, 1000000), 1000000);

    begin_css();
    assert_int_equal(quic_hystart_growth(&h, 0), 0);
    assert_int_equal(quic_hystart_growth(&h, 3), 0);
    assert_int_equal(quic_hystart_growth(&h, 4800), 1200);
}


/* a round ends with the packets that were sent in it, not with time */

static void
test_rounds(void **state)
{
    uint64_t  first, second;

    init();
    first = now;

    now += 60 * SECOND;
    assert_int_equal(quic_hystart_acked(&h, first - 1, 30 * MS, now), 0);
    assert_int_equal(h.round, first);
    assert_int_equal(h.min, 30 * MS);

    /* sent with the ACK that began the round */

    now += MS;
    second = now;
    assert_int_equal(quic_hystart_acked(&h, first, 40 * MS, now), 0);
    assert_int_equal(h.round, second);
    assert_int_equal(h.last_min, 30 * MS);
    assert_int_equal(h.min, 40 * MS);
    assert_int_equal(h.samples, 1);

    now += MS;
    assert_int_equal(quic_hystart_acked(&h, second - 1, 35 * MS, now), 0);
    assert_int_equal(h.round, second);
    assert_int_equal(h.min, 35 * MS);
    assert_int_equal(h.samples, 2);

    /* an ACK without a sample ends it as well */

    now += MS;
    assert_int_equal(quic_hystart_acked(&h, second + 1, 0, now), 0);
    assert_int_equal(h.round, now);
    assert_int_equal(h.last_min, 35 * MS);
    assert_int_equal(h.min, NONE);
    assert_int_equal(h.samples, 0);
}


/* RttThresh = max(4 ms, min(lastRoundMinRTT / 8, 16 ms)) */

static void
test_threshold(void **state)
{
    ngx_uint_t  i;

    static const struct {
        uint64_t  last, thresh;
    } t[] = {
        { 1, 4000 },
        { 1000, 4000 },
        { 32000, 4000 },
        { 32007, 4000 },
        { 32008, 4001 },
        { 80000, 10000 },
        { 128000, 16000 },
        { 128008, 16000 },
        { 10000000, 16000 },
    };

    for (i = 0; i < test_array_len(t); i++) {
        init();
        round_of(8, t[i].last);
        round_of(8, t[i].last + t[i].thresh - 1);
        assert_false(in_css());

        init();
        round_of(8, t[i].last);
        round_of(8, t[i].last + t[i].thresh);
        assert_true(in_css());
        assert_int_equal(h.baseline, t[i].last + t[i].thresh);
    }
}


/* it takes 8 samples of this round, one of the last, and the least of each */

static void
test_samples(void **state)
{
    init();
    round_of(1, 100 * MS);
    round_of(7, 200 * MS);
    assert_false(in_css());
    acks(20, 0);
    assert_false(in_css());
    acks(1, 200 * MS);
    assert_true(in_css());

    init();
    round_of(8, 100 * MS);
    round_of(7, 200 * MS);
    acks(1, 112499);
    acks(100, 200 * MS);
    assert_false(in_css());

    init();
    round_of(20, 200 * MS);
    acks(1, 100 * MS);
    round_of(8, 112500);
    assert_true(in_css());
}


/* nothing to compare with: the first round, and one after a silent one */

static void
test_no_last_round(void **state)
{
    init();
    acks(20, 100 * MS);
    assert_false(in_css());

    round_of(8, 100 * MS);
    assert_int_equal(next_round(0), 0);
    round_of(20, SECOND);
    assert_false(in_css());

    round_of(20, SECOND + 16 * MS);
    assert_true(in_css());
}


/* a queue that grows by less than the threshold each round isn't noticed */

static void
test_creeping(void **state)
{
    uint64_t    rtt;
    ngx_uint_t  i;

    init();
    rtt = 100 * MS;

    for (i = 0; i < 20; i++) {
        round_of(8, rtt);
        assert_false(in_css());
        rtt += ngx_min(rtt / 8, 16 * MS) - 1;
    }

    round_of(8, rtt + 1);
    assert_true(in_css());
}


/* CSS_ROUNDS, and the partial one counts */

static void
test_css_ends(void **state)
{
    ngx_uint_t  i;

    begin_css();

    for (i = 0; i < QUIC_HYSTART_CSS_ROUNDS - 1; i++) {
        acks(20, 130 * MS);
        assert_int_equal(next_round(130 * MS), 0);
        assert_true(in_css());
    }

    acks(1000, 130 * MS);
    assert_int_equal(next_round(130 * MS), 1);
}


/* the RTT is below that of the beginning: it was an error */

static void
test_css_was_an_error(void **state)
{
    ngx_uint_t  i;

    begin_css();

    /* as many samples as ever are needed */

    round_of(7, 119 * MS);
    assert_true(in_css());
    acks(1, 119 * MS);
    assert_false(in_css());

    /* it may begin again, with all of its rounds */

    round_of(8, 119 * MS);
    assert_false(in_css());
    round_of(8, 140 * MS);
    assert_true(in_css());
    assert_int_equal(h.baseline, 140 * MS);

    for (i = 0; i < QUIC_HYSTART_CSS_ROUNDS - 1; i++) {
        assert_int_equal(next_round(140 * MS), 0);
    }

    assert_int_equal(next_round(140 * MS), 1);
}


static void
test_css_stays(void **state)
{
    begin_css();

    /* not below it */

    round_of(20, 120 * MS);
    assert_true(in_css());
    assert_int_equal(h.baseline, 120 * MS);

    /* nor is it raised */

    round_of(20, 200 * MS);
    assert_int_equal(h.baseline, 120 * MS);
    round_of(20, 119999);
    assert_false(in_css());
}


/* a pause: the RTTs before it say nothing of those after it */

static void
test_restart(void **state)
{
    init();
    round_of(8, 100 * MS);
    now += 10 * SECOND;
    quic_hystart_restart(&h, now);

    round_of(20, 300 * MS);
    assert_false(in_css());
    round_of(20, 300 * MS);
    assert_false(in_css());
    round_of(20, 316 * MS);
    assert_true(in_css());

    /* CSS goes on, and sees whether the queue was its own */

    assert_int_equal(next_round(320 * MS), 0);
    quic_hystart_restart(&h, now);
    assert_true(in_css());
    assert_int_equal(h.css_rounds, 1);
    acks(8, 315 * MS);
    assert_false(in_css());
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_no_last_round),
        cmocka_unit_test(test_creeping),
        cmocka_unit_test(test_css_ends),
        cmocka_unit_test(test_css_was_an_error),
        cmocka_unit_test(test_css_stays),
        cmocka_unit_test(test_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
