
/* The RTT estimator: RFC 9002, section 5. */

#include "test.h"
#include "quic/quic_rtt.h"


static void
test_before_any_sample(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);

    /* 6.2.2: a PTO of about a second */

    assert_int_equal(rtt.latest, 0);
    assert_int_equal(rtt.smoothed, 333000);
    assert_int_equal(rtt.var, 166500);
    assert_int_equal(quic_rtt_pto(&rtt), 999000);
    assert_int_equal(quic_rtt_loss_delay(&rtt), 374625);
}


static void
test_first_sample(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 100000, 20000);

    /* the delay isn't taken off: 5.3 */

    assert_int_equal(rtt.latest, 100000);
    assert_int_equal(rtt.min, 100000);
    assert_int_equal(rtt.smoothed, 100000);
    assert_int_equal(rtt.var, 50000);
    assert_int_equal(quic_rtt_pto(&rtt), 300000);
}


static void
test_next_samples(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 100000, 0);
    quic_rtt_sample(&rtt, 140000, 0);

    assert_int_equal(rtt.latest, 140000);
    assert_int_equal(rtt.min, 100000);
    assert_int_equal(rtt.var, (3 * 50000 + 40000) / 4);
    assert_int_equal(rtt.smoothed, (7 * 100000 + 140000) / 8);

    quic_rtt_sample(&rtt, 65000, 0);

    assert_int_equal(rtt.min, 65000);
    assert_int_equal(rtt.var, (3 * 47500 + 40000) / 4);
    assert_int_equal(rtt.smoothed, (7 * 105000 + 65000) / 8);
}


static void
test_ack_delay(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 100000, 0);
    quic_rtt_sample(&rtt, 125000, 25000);

    /* down to the minimum */

    assert_int_equal(rtt.smoothed, 100000);
    assert_int_equal(rtt.min, 100000);

    /* not below it */

    quic_rtt_sample(&rtt, 124000, 25000);
    assert_int_equal(rtt.smoothed, (7 * 100000 + 124000) / 8);

    /* the minimum is of the sample itself: 5.2 */

    quic_rtt_sample(&rtt, 90000, 20000);
    assert_int_equal(rtt.min, 90000);
    assert_int_equal(rtt.smoothed, (7 * 103000 + 90000) / 8);

    quic_rtt_sample(&rtt, 90000, UINT64_MAX);
    assert_int_equal(rtt.smoothed, (7 * 101375 + 90000) / 8);
}


static void
test_granularity(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 0, 0);

    assert_int_equal(rtt.latest, 1);
    assert_int_equal(quic_rtt_pto(&rtt), 1 + QUIC_GRANULARITY);
    assert_int_equal(quic_rtt_loss_delay(&rtt), QUIC_GRANULARITY);
}


static void
test_loss_delay(void **state)
{
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 80000, 0);
    assert_int_equal(quic_rtt_loss_delay(&rtt), 90000);

    /* of the smoothed and the latest, the greater: 6.1.2 */

    quic_rtt_sample(&rtt, 40000, 0);
    assert_int_equal(quic_rtt_loss_delay(&rtt), 75000 + 75000 / 8);

    quic_rtt_sample(&rtt, 160000, 0);
    assert_int_equal(quic_rtt_loss_delay(&rtt), 180000);
}


static void
test_converges(void **state)
{
    ngx_uint_t  i;
    quic_rtt_t  rtt;

    quic_rtt_init(&rtt);

    for (i = 0; i < 1000; i++) {
        quic_rtt_sample(&rtt, 50000 + test_rand() % 2001, 0);
    }

    assert_in_range(rtt.smoothed, 50000, 52000);
    assert_in_range(rtt.var, 100, 1000);
    assert_in_range(rtt.min, 50000, 50100);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_before_any_sample),
        cmocka_unit_test(test_first_sample),
        cmocka_unit_test(test_next_samples),
        cmocka_unit_test(test_ack_delay),
        cmocka_unit_test(test_granularity),
        cmocka_unit_test(test_loss_delay),
        cmocka_unit_test(test_converges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
