
/* The pacer: RFC 9002, section 7.7. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_pacer.h"


#define MTU  1200


static void
test_not_paced(void **state)
{
    quic_pacer_t  p;

    quic_pacer_init(&p, 5000);
    quic_pacer_sent(&p, 1000000, 5000);

    assert_int_equal(quic_pacer_room(&p, 5000), UINT64_MAX);
    assert_int_equal(quic_pacer_deadline(&p, 5000), 5000);
}


static void
test_burst(void **state)
{
    quic_pacer_t  p;

    quic_pacer_init(&p, 0);

    /* an initial window at least */

    quic_pacer_set_rate(&p, 100000, MTU, 0);
    assert_int_equal(p.burst, 10 * MTU);
    assert_int_equal(p.quantum, MTU);
    assert_int_equal(quic_pacer_room(&p, 0), 10 * MTU);

    /* 100 Mbit/s: 4 ms */

    quic_pacer_set_rate(&p, 12500000, MTU, 0);
    assert_int_equal(p.burst, 50000);
    assert_int_equal(p.quantum, 12500);

    /* 160 Mbit/s: a batch */

    quic_pacer_set_rate(&p, 20000000, MTU, 0);
    assert_int_equal(p.burst, QUIC_MAX_BATCH_SIZE);
    assert_int_equal(p.quantum, 20000);

    /* 1 Gbit/s: 3 ms */

    quic_pacer_set_rate(&p, 125000000, MTU, 0);
    assert_int_equal(p.burst, 375000);
    assert_int_equal(p.quantum, 125000);

    /* what is there doesn't grow with the burst, but shrinks with it */

    assert_int_equal(quic_pacer_room(&p, 0), 10 * MTU);
    assert_int_equal(quic_pacer_room(&p, 10000), 375000);
    quic_pacer_set_rate(&p, 100000, MTU, 10000);
    assert_int_equal(quic_pacer_room(&p, 10000), 10 * MTU);
}


static void
test_waits_for_a_quantum(void **state)
{
    quic_pacer_t  p;

    /* 10 bytes a microsecond, 10000 a millisecond */

    quic_pacer_init(&p, 0);
    quic_pacer_set_rate(&p, 10000000, MTU, 0);
    assert_int_equal(quic_pacer_room(&p, 0), 40000);

    /* what is left may go, the last packet goes over it */

    quic_pacer_sent(&p, 39000, 0);
    assert_int_equal(quic_pacer_room(&p, 0), 1000);
    assert_int_equal(quic_pacer_deadline(&p, 0), 0);

    quic_pacer_sent(&p, MTU, 0);
    assert_int_equal(quic_pacer_room(&p, 0), 0);
    assert_int_equal(quic_pacer_deadline(&p, 0), 1020);

    /* not a few bytes at a time, though these are there */

    assert_int_equal(quic_pacer_room(&p, 500), 0);
    assert_int_equal(quic_pacer_deadline(&p, 500), 1020);
    assert_int_equal(quic_pacer_room(&p, 1019), 0);
    assert_int_equal(quic_pacer_room(&p, 1020), 10000);

    /* once there is a quantum, to the last byte of it */

    quic_pacer_sent(&p, 9999, 1020);
    assert_int_equal(quic_pacer_room(&p, 1020), 1);
}


static void
test_late_wake_up(void **state)
{
    quic_pacer_t  p;

    quic_pacer_init(&p, 0);
    quic_pacer_set_rate(&p, 10000000, MTU, 0);
    quic_pacer_sent(&p, 40000, 0);
    assert_int_equal(quic_pacer_room(&p, 0), 0);

    /* nothing is lost by 2 ms, and a pause gives no more than a burst */

    assert_int_equal(quic_pacer_room(&p, 3000), 30000);
    assert_int_equal(quic_pacer_room(&p, 3600000000), 40000);

    /* time that stands still or goes back gives nothing */

    quic_pacer_sent(&p, 40000, 1000);
    assert_int_equal(quic_pacer_room(&p, 0), 0);
}


static void
test_no_rounding(void **state)
{
    uint64_t      now, sent;
    quic_pacer_t  p;

    /* asked each microsecond, of which each gives 0.09 bytes */

    quic_pacer_init(&p, 0);
    quic_pacer_set_rate(&p, 90000, MTU, 0);
    quic_pacer_sent(&p, 10 * MTU, 0);

    for (now = 0, sent = 0; now <= 1000000; now++) {

        if (quic_pacer_room(&p, now)) {
            quic_pacer_sent(&p, 600, now);
            sent += 600;
        }
    }

    assert_in_range(sent, 90000 - MTU, 90000);
}


static void
test_extremes(void **state)
{
    uint64_t      now;
    quic_pacer_t  p;

    quic_pacer_init(&p, 0);
    quic_pacer_set_rate(&p, UINT64_MAX, 65527, 0);
    assert_true(quic_pacer_room(&p, UINT64_MAX / 2) > 1000000000);
    quic_pacer_sent(&p, 3000000000, UINT64_MAX / 2);
    assert_int_equal(quic_pacer_room(&p, UINT64_MAX / 2), 0);

    quic_pacer_init(&p, 0);
    quic_pacer_set_rate(&p, 1, MTU, 0);
    quic_pacer_sent(&p, 10 * MTU, 0);
    now = quic_pacer_deadline(&p, 0);
    assert_int_equal(now, 1200000000);
    assert_int_equal(quic_pacer_room(&p, now - 1), 0);
    assert_int_equal(quic_pacer_room(&p, now), MTU);
}


/*
 * The invariant of the header, over all pairs of times, for a sender that is
 * woken at its deadlines, late by up to 2 ms, and now and then for no reason.
 */

static void
test_random(void **state)
{
    uint64_t      now, rate, excess, worst, start, sent, room, begin;
    ngx_uint_t    run, i, size;
    quic_pacer_t  p;

    for (run = 0; run < 300; run++) {

        now = 1000;
        rate = 10000 + test_rand() % (1 << (14 + test_rand() % 14));
        begin = now;
        sent = 0;
        worst = 0;

        quic_pacer_init(&p, now);
        quic_pacer_set_rate(&p, rate, MTU, now);

        /*
         * "excess": what was sent over the rate since the time at which that
         * is greatest, in millionths of a byte
         */

        for (i = 0, excess = 0, start = now; i < 2000; i++) {

            excess -= ngx_min(excess, (now - start) * rate);
            start = now;

            while ((room = quic_pacer_room(&p, now)) != 0) {
                size = 1 + test_rand() % MTU;
                quic_pacer_sent(&p, size, now);
                sent += size;
                excess += size * 1000000;
                worst = ngx_max(worst, excess);

                assert_true(room <= p.burst);
            }

            assert_true(quic_pacer_deadline(&p, now) > now);

            if (test_rand() % 4) {
                now = quic_pacer_deadline(&p, now);
                assert_true(quic_pacer_room(&p, now) >= p.quantum);
                now += test_rand() % 2000;

            } else {
                now += test_rand() % 300;
            }
        }

        assert_true(worst <= (p.burst + MTU) * 1000000);

        /* and nothing less than the rate, though it was late each time */

        assert_true(sent >= (now - begin) * rate / 1000000
                            - p.burst);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_not_paced),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_waits_for_a_quantum),
        cmocka_unit_test(test_late_wake_up),
        cmocka_unit_test(test_no_rounding),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
