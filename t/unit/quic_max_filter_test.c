
/* The windowed maximum, against a plain search. */

#include "test.h"
#include "quic/quic_max_filter.h"


static void
test_window(void **state)
{
    quic_max_filter_t  f;

    ngx_memzero(&f, sizeof(quic_max_filter_t));
    assert_int_equal(quic_max_filter_get(&f, 10), 0);

    quic_max_filter_add(&f, 0, 7);
    quic_max_filter_add(&f, 0, 5);
    assert_int_equal(quic_max_filter_get(&f, 1), 7);

    quic_max_filter_add(&f, 1, 3);
    assert_int_equal(quic_max_filter_get(&f, 1), 3);
    assert_int_equal(quic_max_filter_get(&f, 2), 7);

    quic_max_filter_add(&f, 2, 4);
    assert_int_equal(quic_max_filter_get(&f, 2), 4);
    assert_int_equal(quic_max_filter_get(&f, 10), 7);
    assert_int_equal(quic_max_filter_get(&f, 1000), 7);

    quic_max_filter_add(&f, 10, 1);
    assert_int_equal(quic_max_filter_get(&f, 10), 4);

    quic_max_filter_add(&f, 1000, 2);
    assert_int_equal(quic_max_filter_get(&f, 10), 2);
}


static void
test_random(void **state)
{
    uint64_t           time, max, values[1000];
    ngx_uint_t         i, n, len;
    quic_max_filter_t  f;

    ngx_memzero(&f, sizeof(quic_max_filter_t));
    ngx_memzero(values, sizeof(values));

    for (time = 0; time < 1000; time += test_rand() % 4) {
        n = test_rand() % 1000;
        values[time] = ngx_max(values[time], n);
        quic_max_filter_add(&f, time, n);

        len = 1 + test_rand() % QUIC_MAX_FILTER_LEN;
        max = 0;

        for (i = 0; i < len && i <= time; i++) {
            max = ngx_max(max, values[time - i]);
        }

        assert_int_equal(quic_max_filter_get(&f, len), max);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
