
/* Delivery rate samples. */

#include "test.h"
#include "quic/quic_rate.h"


static quic_rate_t         r;
static quic_rate_packet_t  p[4];
static quic_rate_sample_t  rs;


static void
test_sample(void **state)
{
    ngx_memzero(&r, sizeof(quic_rate_t));

    /* four packets, 10 ms apart, whose ACKs come as far apart after 100 ms */

    quic_rate_sent(&r, &p[0], 0, 1000, 1000000);
    quic_rate_sent(&r, &p[1], 1000, 1000, 1010000);
    quic_rate_sent(&r, &p[2], 2000, 1000, 1020000);
    quic_rate_sent(&r, &p[3], 3000, 1000, 1030000);
    assert_int_equal(p[3].in_flight, 4000);

    quic_rate_delivered(&r, 1000);
    quic_rate_sample(&r, &p[0], 1000000, 100000, 1100000, &rs);
    assert_int_equal(rs.delivered, 1000);
    assert_int_equal(rs.prior_delivered, 0);
    assert_int_equal(rs.rate, 10000);
    assert_int_equal(rs.in_flight, 1000);

    quic_rate_delivered(&r, 2000);
    quic_rate_sample(&r, &p[2], 1020000, 100000, 1120000, &rs);
    assert_int_equal(rs.delivered, 3000);
    assert_int_equal(rs.rate, 25000);

    /* the ACK comes too early to be true: the time of sending counts */

    quic_rate_sent(&r, &p[0], 1000, 1000, 1200000);
    quic_rate_delivered(&r, 2000);
    quic_rate_sample(&r, &p[0], 1200000, 100, 1201000, &rs);
    assert_int_equal(rs.delivered, 2000);
    assert_int_equal(rs.rate, 2000 * 1000 / 180);

    /* faster than the path is long */

    quic_rate_sample(&r, &p[0], 1200000, 200000, 1201000, &rs);
    assert_int_equal(rs.rate, 0);
}


static void
test_lost(void **state)
{
    ngx_memzero(&r, sizeof(quic_rate_t));

    r.lost = 500;
    quic_rate_sent(&r, &p[0], 0, 1000, 1000000);

    r.lost += 1200;
    quic_rate_lost(&r, &p[0], &rs);
    assert_int_equal(rs.lost, 1200);
    assert_int_equal(rs.rate, 0);

    /* what was late isn't lost, nor what was so before */

    r.lost -= 1500;
    quic_rate_lost(&r, &p[0], &rs);
    assert_int_equal(rs.lost, 0);
}


static void
test_limited(void **state)
{
    ngx_memzero(&r, sizeof(quic_rate_t));

    quic_rate_limited(&r, 0);
    assert_int_equal(r.app_limited, 1);

    quic_rate_delivered(&r, 2);
    assert_int_equal(r.app_limited, 0);

    quic_rate_limited(&r, 1000);
    quic_rate_delivered(&r, 1000);
    assert_int_not_equal(r.app_limited, 0);
    quic_rate_delivered(&r, 1);
    assert_int_equal(r.app_limited, 0);
}


/* round trips of 100 ms; a pause isn't one */

static void
test_rounds(void **state)
{
    ngx_memzero(&r, sizeof(quic_rate_t));

    quic_rate_restart(&r, 1000000);
    quic_rate_delivered(&r, 1000);
    quic_rate_round(&r, 100000, 1099999);
    assert_int_equal(r.last_rate, 0);

    quic_rate_delivered(&r, 1000);
    quic_rate_round(&r, 100000, 1100000);
    assert_int_equal(r.last_rate, 20000);

    quic_rate_restart(&r, 9000000);
    quic_rate_delivered(&r, 5000);
    quic_rate_round(&r, 100000, 9100000);
    assert_int_equal(r.last_rate, 50000);

    /* a clock that stands still */

    quic_rate_restart(&r, 9000000);
    quic_rate_round(&r, 0, 9000000);
    assert_int_equal(r.last_rate, 50000);
}


static void
test_volume(void **state)
{
    assert_int_equal(quic_rate_volume(0, UINT64_MAX), 0);
    assert_int_equal(quic_rate_volume(125000, 40000), 5000);
    assert_int_equal(quic_rate_volume(100000000000ULL, 100000), 10000000000ULL);
    assert_int_equal(quic_rate_volume(UINT64_MAX, UINT64_MAX),
                     (UINT64_MAX >> 8) / 1000000);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_volume),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
