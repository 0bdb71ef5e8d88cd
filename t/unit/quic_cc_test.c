
/* Congestion control: what is shared, and NewReno (RFC 9002, section 7). */

#include "test.h"
#include "quic/quic_cc.h"


#define MTU      1200
#define INITIAL  12000


static quic_rtt_t  rtt = { 100000, 100000, 10000, 100000 };


static void
init(quic_cc_t *cc)
{
    quic_cc_init(cc, &quic_cc_newreno, MTU, 1000);
}


static void
acked(quic_cc_t *cc, uint64_t bytes, uint64_t sent, ngx_uint_t app_limited)
{
    quic_cc_ack_t  ack;

    ngx_memzero(&ack, sizeof(quic_cc_ack_t));

    ack.bytes = bytes;
    ack.in_flight = cc->window;
    ack.largest_time = sent;
    ack.now = sent + 100000;
    ack.rtt = &rtt;
    ack.app_limited = app_limited;

    cc->ops->acked(cc, &ack);
}


static void
lost(quic_cc_t *cc, uint64_t sent, uint64_t now)
{
    quic_cc_loss_t  loss;

    ngx_memzero(&loss, sizeof(quic_cc_loss_t));

    loss.bytes = MTU;
    loss.largest_time = sent;
    loss.now = now;

    cc->ops->lost(cc, &loss);
}


static void
marked(quic_cc_t *cc, uint64_t sent, uint64_t now)
{
    quic_cc_mark_t  mark;

    mark.packets = 1;
    mark.largest_time = sent;
    mark.now = now;

    cc->ops->marked(cc, &mark);
}


static void
test_windows(void **state)
{
    /* 7.2: ten datagrams, within the larger of 14720 and two datagrams */

    assert_int_equal(quic_cc_initial_window(1200), 12000);
    assert_int_equal(quic_cc_initial_window(1452), 14520);
    assert_int_equal(quic_cc_initial_window(1500), 14720);
    assert_int_equal(quic_cc_initial_window(9000), 18000);

    assert_int_equal(quic_cc_minimum_window(1200), 2400);
    assert_int_equal(quic_cc_maximum_window(1200), 65536 * 1200);
}


static void
test_set_mtu(void **state)
{
    quic_cc_t  cc;

    init(&cc);

    quic_cc_set_mtu(&cc, 1400);
    assert_int_equal(cc.mtu, 1400);
    assert_int_equal(cc.window, 14000);

    acked(&cc, 1400, 2000, 0);
    quic_cc_set_mtu(&cc, 1200);
    assert_int_equal(cc.window, 15400);

    quic_cc_set_mtu(&cc, 9000);
    assert_int_equal(cc.window, 18000);

    cc.window = quic_cc_maximum_window(9000);
    quic_cc_set_mtu(&cc, 1200);
    assert_int_equal(cc.window, quic_cc_maximum_window(1200));
}


static void
test_slow_start(void **state)
{
    quic_cc_t  cc;

    init(&cc);
    assert_int_equal(cc.window, INITIAL);
    assert_int_equal(cc.ssthresh, UINT64_MAX);

    acked(&cc, INITIAL, 2000, 0);
    assert_int_equal(cc.window, 2 * INITIAL);

    /* 7.8 */

    acked(&cc, INITIAL, 3000, 1);
    assert_int_equal(cc.window, 2 * INITIAL);
}


static void
test_recovery(void **state)
{
    quic_cc_t  cc;

    init(&cc);

    lost(&cc, 2000, 50000);
    assert_int_equal(cc.window, INITIAL / 2);
    assert_int_equal(cc.ssthresh, INITIAL / 2);
    assert_true(quic_cc_in_recovery(&cc, 50000));
    assert_false(quic_cc_in_recovery(&cc, 50001));

    /* once a round trip: 7.3.2 */

    lost(&cc, 40000, 60000);
    lost(&cc, 50000, 70000);
    acked(&cc, INITIAL, 50000, 0);
    assert_int_equal(cc.window, INITIAL / 2);

    marked(&cc, 50000, 75000);
    assert_int_equal(cc.window, INITIAL / 2);

    marked(&cc, 50001, 80000);
    assert_int_equal(cc.window, INITIAL / 4);
    assert_int_equal(cc.ssthresh, INITIAL / 4);

    /* the minimum holds */

    lost(&cc, 80001, 90000);
    lost(&cc, 90001, 100000);
    assert_int_equal(cc.window, 2 * MTU);
    assert_int_equal(cc.ssthresh, 2 * MTU);
}


static void
test_congestion_avoidance(void **state)
{
    ngx_uint_t  i;
    quic_cc_t   cc;

    init(&cc);
    acked(&cc, INITIAL, 2000, 0);
    lost(&cc, 3000, 50000);
    assert_int_equal(cc.window, INITIAL);

    /* a datagram for each window: 7.3.3 */

    acked(&cc, INITIAL, 60000, 0);
    assert_int_equal(cc.window, INITIAL + MTU);

    acked(&cc, INITIAL + MTU, 60010, 1);
    assert_int_equal(cc.window, INITIAL + MTU);

    /* in proportion, and nothing is lost to rounding */

    acked(&cc, MTU, 60020, 0);
    assert_int_equal(cc.window, INITIAL + MTU + MTU * MTU / (INITIAL + MTU));

    for (i = 0; i < INITIAL; i++) {
        acked(&cc, 1, 60030, 0);
    }

    assert_in_range(cc.window, INITIAL + 2 * MTU - MTU / 10,
                    INITIAL + 2 * MTU);
}


static void
test_persistent_congestion(void **state)
{
    quic_cc_t  cc;

    init(&cc);
    acked(&cc, INITIAL, 2000, 0);
    lost(&cc, 3000, 50000);
    cc.ops->collapse(&cc, 50000);

    assert_int_equal(cc.window, 2 * MTU);
    assert_int_equal(cc.ssthresh, INITIAL);

    /* slow start up to the threshold: 7.3.1 */

    acked(&cc, 2 * MTU, 4000, 0);
    assert_int_equal(cc.window, 4 * MTU);

    acked(&cc, 6 * MTU, 51000, 0);
    assert_int_equal(cc.window, 10 * MTU);

    acked(&cc, MTU, 52000, 0);
    assert_int_equal(cc.window, 10 * MTU + MTU / 10);
}


static void
test_pacing_rate(void **state)
{
    quic_cc_t   cc;
    quic_rtt_t  none;

    init(&cc);

    /* 7.7: N is 2 in slow start, else 1.25 */

    assert_int_equal(quic_cc_pacing_rate(&cc, &rtt), 2 * INITIAL * 10);

    cc.ssthresh = cc.window;
    assert_int_equal(quic_cc_pacing_rate(&cc, &rtt), 150000);

    quic_rtt_init(&none);
    assert_int_equal(quic_cc_pacing_rate(&cc, &none), 45045);

    none.smoothed = 0;
    assert_int_equal(quic_cc_pacing_rate(&cc, &none), 15000000000);

    cc.rate = 777;
    assert_int_equal(quic_cc_pacing_rate(&cc, &rtt), 777);
}


static void
test_by_name(void **state)
{
    ngx_str_t  reno = ngx_string("reno");
    ngx_str_t  shorter = ngx_string("ren");
    ngx_str_t  longer = ngx_string("renoo");
    ngx_str_t  empty = ngx_null_string;

    assert_ptr_equal(quic_cc_by_name(&reno), &quic_cc_newreno);
    assert_null(quic_cc_by_name(&shorter));
    assert_null(quic_cc_by_name(&longer));
    assert_null(quic_cc_by_name(&empty));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_set_mtu),
        cmocka_unit_test(test_slow_start),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_congestion_avoidance),
        cmocka_unit_test(test_persistent_congestion),
        cmocka_unit_test(test_pacing_rate),
        cmocka_unit_test(test_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
