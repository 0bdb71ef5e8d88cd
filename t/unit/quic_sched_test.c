
/* The order in which streams send: RFC 9218, section 10. */

#include "test.h"
#include "quic/quic_sched.h"


static quic_stream_t  s[4];
static quic_sched_t   sched;


static int
setup(void **state)
{
    ngx_uint_t  i;

    quic_sched_init(&sched);
    ngx_memzero(s, sizeof(s));

    for (i = 0; i < test_array_len(s); i++) {
        s[i].id = 4 * i;
        s[i].urgency = QUIC_DEFAULT_URGENCY;
    }

    return 0;
}


static void
test_empty(void **state)
{
    assert_null(quic_sched_next(&sched));

    quic_sched_add(&sched, &s[0]);
    quic_sched_add(&sched, &s[0]);
    assert_ptr_equal(quic_sched_next(&sched), &s[0]);

    quic_sched_remove(&s[0]);
    quic_sched_remove(&s[0]);
    assert_null(quic_sched_next(&sched));
}


static void
test_one_after_the_other(void **state)
{
    quic_sched_add(&sched, &s[0]);
    quic_sched_add(&sched, &s[1]);

    quic_sched_served(&sched, &s[0]);
    assert_ptr_equal(quic_sched_next(&sched), &s[0]);

    quic_sched_remove(&s[0]);
    assert_ptr_equal(quic_sched_next(&sched), &s[1]);
}


/* one that has waited for its application goes on before those behind it */

static void
test_order_of_ids(void **state)
{
    ngx_uint_t  i, n;

    static ngx_uint_t  orders[][4] = {
        { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 }
    };

    for (n = 0; n < test_array_len(orders); n++) {

        for (i = 0; i < 4; i++) {
            quic_sched_add(&sched, &s[orders[n][i]]);
        }

        for (i = 0; i < 4; i++) {
            assert_ptr_equal(quic_sched_next(&sched), &s[i]);
            quic_sched_remove(&s[i]);
        }
    }
}


static void
test_both_kinds(void **state)
{
    ngx_uint_t  i;

    static ngx_uint_t  order[] = { 0, 2, 0, 3, 0, 2, 0, 3 };

    s[2].incremental = 1;
    s[3].incremental = 1;

    for (i = 0; i < 4; i++) {
        quic_sched_add(&sched, &s[i]);
    }

    for (i = 0; i < test_array_len(order); i++) {
        assert_ptr_equal(quic_sched_next(&sched), &s[order[i]]);
        quic_sched_served(&sched, &s[order[i]]);
    }

    quic_sched_remove(&s[0]);
    quic_sched_remove(&s[1]);

    for (i = 0; i < 4; i++) {
        assert_ptr_equal(quic_sched_next(&sched), &s[2 + i % 2]);
        quic_sched_served(&sched, &s[2 + i % 2]);
    }
}


static void
test_incremental_take_turns(void **state)
{
    ngx_uint_t  i;

    for (i = 0; i < 3; i++) {
        s[i].incremental = 1;
        quic_sched_add(&sched, &s[i]);
    }

    for (i = 0; i < 9; i++) {
        assert_ptr_equal(quic_sched_next(&sched), &s[i % 3]);
        quic_sched_served(&sched, &s[i % 3]);
    }
}


static void
test_urgency(void **state)
{
    s[0].urgency = 7;
    s[1].urgency = 3;
    s[2].urgency = 0;

    quic_sched_add(&sched, &s[0]);
    quic_sched_add(&sched, &s[1]);
    quic_sched_add(&sched, &s[2]);

    assert_ptr_equal(quic_sched_next(&sched), &s[2]);
    quic_sched_remove(&s[2]);
    assert_ptr_equal(quic_sched_next(&sched), &s[1]);
    quic_sched_remove(&s[1]);
    assert_ptr_equal(quic_sched_next(&sched), &s[0]);
}


/* a stream that has been taken out while it was served stays out */

static void
test_served_and_gone(void **state)
{
    s[0].incremental = 1;

    quic_sched_add(&sched, &s[0]);
    quic_sched_remove(&s[0]);
    quic_sched_served(&sched, &s[0]);

    assert_null(quic_sched_next(&sched));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_one_after_the_other, setup),
        cmocka_unit_test_setup(test_order_of_ids, setup),
        cmocka_unit_test_setup(test_both_kinds, setup),
        cmocka_unit_test_setup(test_incremental_take_turns, setup),
        cmocka_unit_test_setup(test_urgency, setup),
        cmocka_unit_test_setup(test_served_and_gone, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
