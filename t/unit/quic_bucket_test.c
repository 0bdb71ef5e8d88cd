
/* The token bucket: by name, and against a count of what a rate allows. */

#include "test.h"
#include "quic/quic_bucket.h"


#define SECOND  1000000


static void
test_burst(void **state)
{
    quic_bucket_t  b;

    quic_bucket_init(&b, 10, 3, 5 * SECOND);

    assert_int_equal(quic_bucket_take(&b, 4, 5 * SECOND), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 0, 5 * SECOND), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 5 * SECOND), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 2, 5 * SECOND), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 5 * SECOND), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 0, 5 * SECOND), NGX_OK);

    /* never more than the burst, however long the wait */

    assert_int_equal(quic_bucket_take(&b, 4, UINT64_MAX / 2), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 3, UINT64_MAX / 2), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, UINT64_MAX / 2), NGX_DECLINED);
}


static void
test_rate(void **state)
{
    uint64_t       now;
    quic_bucket_t  b;

    quic_bucket_init(&b, 10, 1, 0);
    assert_int_equal(quic_bucket_take(&b, 1, 0), NGX_OK);

    /* exactly a tenth of a second, however often it is asked for */

    for (now = 1; now < SECOND / 10; now++) {
        assert_int_equal(quic_bucket_take(&b, 1, now), NGX_DECLINED);
    }

    assert_int_equal(quic_bucket_take(&b, 1, now), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, now), NGX_DECLINED);

    /* a token in 3.33 microseconds */

    quic_bucket_init(&b, 300000, 1, 0);
    assert_int_equal(quic_bucket_take(&b, 1, 0), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 3), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 1, 4), NGX_OK);
}


static void
test_give(void **state)
{
    quic_bucket_t  b;

    quic_bucket_init(&b, 10, 5, 0);

    assert_int_equal(quic_bucket_take(&b, 5, 0), NGX_OK);
    quic_bucket_give(&b, 2);
    assert_int_equal(quic_bucket_take(&b, 3, 0), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 2, 0), NGX_OK);

    quic_bucket_give(&b, 4);
    quic_bucket_give(&b, 4);
    assert_int_equal(quic_bucket_take(&b, 6, 0), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 5, 0), NGX_OK);

    quic_bucket_give(&b, UINT64_MAX);
    assert_int_equal(quic_bucket_take(&b, 6, 0), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 5, 0), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 0), NGX_DECLINED);
}


static void
test_clock_set_back(void **state)
{
    quic_bucket_t  b;

    quic_bucket_init(&b, 1, 2, 100 * SECOND);

    assert_int_equal(quic_bucket_take(&b, 1, 50 * SECOND), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 60 * SECOND), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 99 * SECOND), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, 1, 101 * SECOND), NGX_OK);
}


static void
test_extremes(void **state)
{
    quic_bucket_t  b;

    /* nothing ever */

    quic_bucket_init(&b, 10, 0, 0);
    assert_int_equal(quic_bucket_take(&b, 1, UINT64_MAX), NGX_DECLINED);

    /* a burst and no more */

    quic_bucket_init(&b, 0, 1, 0);
    assert_int_equal(quic_bucket_take(&b, 1, 0), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, UINT64_MAX), NGX_DECLINED);

    /* no overflow makes it less */

    quic_bucket_init(&b, UINT64_MAX, UINT64_MAX, 0);
    assert_int_equal(quic_bucket_take(&b, UINT64_MAX, 0), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, b.burst, 0), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, 0), NGX_DECLINED);
    assert_int_equal(quic_bucket_take(&b, b.burst, UINT64_MAX), NGX_OK);
    assert_int_equal(quic_bucket_take(&b, 1, UINT64_MAX), NGX_DECLINED);
}


/* what was taken is what the rate gave, to the token */

static void
test_random(void **state)
{
    uint64_t       now, rate, burst, taken, start, n;
    ngx_uint_t     run, i;
    quic_bucket_t  b;

    for (run = 0; run < 300; run++) {
        rate = 1 + test_rand() % 100000;
        burst = 10 + test_rand() % 1000;
        start = test_rand() >> 20;
        now = start;
        taken = 0;

        quic_bucket_init(&b, rate, burst, now);

        for (i = 0; i < 2000; i++) {

            /* the bucket is emptied before it could run over */

            while (quic_bucket_take(&b, 1, now) == NGX_OK) {
                taken++;
            }

            assert_int_equal(taken, burst + rate * (now - start) / SECOND);

            now += test_rand() % (5 * SECOND / rate + 2);
        }

        n = test_rand() % 100000 + 1;
        now += burst * SECOND / rate + SECOND;
        assert_int_equal(quic_bucket_take(&b, n, now),
                         n <= burst ? NGX_OK : NGX_DECLINED);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
