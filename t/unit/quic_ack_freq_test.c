
/* How often ACKs are wanted: the sender's side of the draft. */

#include "test.h"
#include "quic/quic_ack_freq.h"


#define MS   1000ULL
#define MTU  1200


static quic_ack_freq_t  f;
static quic_cc_t        cc;
static quic_rtt_t       rtt;
static uint64_t         now;


static void
init(uint64_t min_delay)
{
    quic_ack_freq_init(&f, min_delay, 25 * MS);

    ngx_memzero(&cc, sizeof(quic_cc_t));
    cc.ops = &quic_cc_newreno;
    cc.mtu = MTU;
    cc.window = 400 * MTU;
    cc.ssthresh = 400 * MTU;

    quic_rtt_init(&rtt);
    quic_rtt_sample(&rtt, 200 * MS, 0);

    now = 5000 * MS;
}


static ngx_uint_t
update(void)
{
    now += 200 * MS;

    return quic_ack_freq_update(&f, &cc, &rtt, now);
}


static void
test_window(void **state)
{
    init(MS);

    assert_true(update());
    assert_int_equal(f.frame.threshold, 49);
    assert_int_equal(f.frame.max_ack_delay, 50 * MS);
    assert_int_equal(f.frame.reordering, 3);

    /* once is enough */

    assert_false(update());

    cc.ssthresh = 0;
    cc.window = 300 * MTU;
    assert_false(update());

    cc.window = 200 * MTU;
    assert_true(update());
    assert_int_equal(f.frame.threshold, 24);

    /* not more often than once in a round trip */

    cc.window = 40 * MTU;
    assert_false(quic_ack_freq_update(&f, &cc, &rtt, now + 199 * MS));
    assert_true(quic_ack_freq_update(&f, &cc, &rtt, now + 200 * MS));
    assert_int_equal(f.frame.threshold, 4);

    /* as in RFC 9000 */

    cc.window = 31 * MTU;
    now += 200 * MS;
    assert_true(update());
    assert_int_equal(f.frame.threshold, 1);
    assert_int_equal(f.frame.max_ack_delay, 25 * MS);
    assert_false(update());

    /* of any size */

    cc.window = 60000 * MTU;
    assert_true(update());
    assert_int_equal(f.frame.threshold, 63);
}


static void
test_slow_start(void **state)
{
    init(MS);
    cc.ssthresh = UINT64_MAX;
    assert_false(update());

    cc.ssthresh = cc.window;
    assert_true(update());

    cc.ssthresh = cc.window + 1;
    assert_true(update());
    assert_int_equal(f.frame.threshold, 1);
    assert_int_equal(f.frame.max_ack_delay, 25 * MS);
}


/* each controller says itself when its start is over; BBR has no ssthresh */

static void
test_bbr(void **state)
{
    init(MS);
    quic_cc_init(&cc, &quic_cc_bbr, MTU, now);
    cc.window = 400 * MTU;

    assert_true(cc.ops->starting(&cc));
    assert_false(update());

    cc.u.bbr.full_bw_reached = 1;
    cc.u.bbr.state = QUIC_BBR_DRAIN;
    assert_false(cc.ops->starting(&cc));
    assert_true(update());
    assert_int_equal(f.frame.threshold, 49);
    assert_int_equal(f.frame.max_ack_delay, 50 * MS);
}


static void
test_delay(void **state)
{
    uint64_t  i;

    /* no less than the peer can */

    init(70 * MS);
    assert_true(update());
    assert_int_equal(f.frame.max_ack_delay, 70 * MS);

    /* no more than there is */

    init(MS);

    for (i = 0; i < 200; i++) {
        quic_rtt_sample(&rtt, 100000 * MS, 0);
    }

    assert_true(update());
    assert_int_equal(f.frame.max_ack_delay, 16383 * MS);

    /* a change of that alone */

    init(MS);
    assert_true(update());

    for (i = 0; i < 200; i++) {
        quic_rtt_sample(&rtt, 90 * MS, 0);
    }

    assert_true(update());
    assert_int_equal(f.frame.threshold, 49);
    assert_in_range(f.frame.max_ack_delay, 22 * MS, 23 * MS);
}


static void
test_unknown(void **state)
{
    init(0);
    assert_false(update());
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_slow_start),
        cmocka_unit_test(test_bbr),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
