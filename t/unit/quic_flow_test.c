
/* Flow control: by name, and two ends against each other. */

#include "test.h"
#include "quic/quic_flow.h"
#include "wire/quic_varint.h"


static void
test_receive(void **state)
{
    quic_flow_recv_t  f;

    quic_flow_recv_init(&f, 100);
    assert_int_equal(f.max, 100);

    assert_int_equal(quic_flow_receive(&f, 0), NGX_OK);
    assert_int_equal(quic_flow_receive(&f, 60), NGX_OK);
    assert_int_equal(quic_flow_receive(&f, 41), NGX_DECLINED);
    assert_int_equal(quic_flow_receive(&f, UINT64_MAX), NGX_DECLINED);
    assert_int_equal(f.received, 60);
    assert_int_equal(quic_flow_receive(&f, 40), NGX_OK);
    assert_int_equal(quic_flow_receive(&f, 1), NGX_DECLINED);

    /* half of the window left is enough */

    assert_false(quic_flow_consume(&f, 50));
    assert_true(quic_flow_consume(&f, 1));
    assert_true(quic_flow_consume(&f, 0));
    assert_int_equal(f.max, 100);

    assert_int_equal(quic_flow_renew(&f), 151);
    assert_int_equal(quic_flow_renew(&f), 151);
    assert_false(quic_flow_consume(&f, 0));
    assert_int_equal(quic_flow_receive(&f, 52), NGX_DECLINED);
    assert_int_equal(quic_flow_receive(&f, 51), NGX_OK);

    /* no more can be consumed than was received */

    quic_flow_consume(&f, 1000);
    assert_int_equal(f.consumed, 151);
    assert_int_equal(quic_flow_renew(&f), 251);
}


static void
test_windows(void **state)
{
    quic_flow_recv_t  f;

    /* the smallest ones don't get stuck */

    quic_flow_recv_init(&f, 0);
    assert_int_equal(quic_flow_receive(&f, 1), NGX_DECLINED);
    assert_false(quic_flow_consume(&f, 0));

    quic_flow_recv_init(&f, 1);
    assert_int_equal(quic_flow_receive(&f, 1), NGX_OK);
    assert_false(quic_flow_consume(&f, 0));
    assert_true(quic_flow_consume(&f, 1));
    assert_int_equal(quic_flow_renew(&f), 2);

    /* a window that grows, and one that shrinks: no limit is taken back */

    f.window = 1000;
    assert_true(quic_flow_consume(&f, 0));
    assert_int_equal(quic_flow_renew(&f), 1001);

    f.window = 10;
    assert_int_equal(quic_flow_renew(&f), 1001);
    assert_int_equal(quic_flow_receive(&f, 1000), NGX_OK);
    assert_true(quic_flow_consume(&f, 1000));
    assert_int_equal(quic_flow_renew(&f), 1011);
}


/* half of it is read and renewed, "later" after the last time */

static uint64_t
grow(quic_flow_recv_t *f, uint64_t most, uint64_t later)
{
    uint64_t  n, grown;

    n = f->max - f->consumed - f->window / 2 + 1;

    assert_int_equal(quic_flow_receive(f, f->max - f->received), NGX_OK);
    assert_true(quic_flow_consume(f, n));

    grown = quic_flow_grow(f, most, 100, f->renewed + later);
    assert_int_equal(quic_flow_renew(f), f->consumed + f->window);

    return grown;
}


static void
test_growth(void **state)
{
    quic_flow_recv_t  f;

    quic_flow_recv_init(&f, 1000);

    /* the first time tells nothing */

    assert_int_equal(grow(&f, 10000, 5000), 0);
    assert_int_equal(f.renewed, 5000);

    /* within two round trips, or not */

    assert_int_equal(grow(&f, 10000, 200), 1000);
    assert_int_equal(grow(&f, 10000, 201), 0);
    assert_int_equal(f.window, 2000);
    assert_int_equal(grow(&f, 10000, 0), 2000);
    assert_int_equal(grow(&f, 10000, 10), 4000);

    /* a repeated frame, or one sent in passing */

    assert_int_equal(quic_flow_grow(&f, 10000, 100, f.renewed + 1), 0);
    assert_int_equal(f.renewed, 5000 + 200 + 201 + 10);

    /* no more than allowed, be it less than there is */

    assert_int_equal(grow(&f, 10000, 10), 2000);
    assert_int_equal(grow(&f, 10000, 10), 0);
    assert_int_equal(grow(&f, 500, 10), 0);
    assert_int_equal(f.window, 10000);
}


static void
test_last_limit(void **state)
{
    quic_flow_recv_t  f;

    quic_flow_recv_init(&f, UINT64_MAX);
    assert_int_equal(f.max, QUIC_VARINT_MAX);
    assert_int_equal(quic_flow_receive(&f, QUIC_VARINT_MAX - 10), NGX_OK);
    assert_int_equal(quic_flow_receive(&f, 11), NGX_DECLINED);

    /* nothing above it can be told, so nothing is to be told */

    assert_false(quic_flow_consume(&f, QUIC_VARINT_MAX - 10));
    assert_int_equal(quic_flow_renew(&f), QUIC_VARINT_MAX);
    assert_int_equal(quic_flow_receive(&f, 10), NGX_OK);
    assert_int_equal(quic_flow_receive(&f, 1), NGX_DECLINED);
    assert_false(quic_flow_consume(&f, 10));
    assert_int_equal(f.consumed, QUIC_VARINT_MAX);
}


static void
test_send(void **state)
{
    quic_flow_send_t  f;

    quic_flow_send_init(&f, 100);
    assert_int_equal(quic_flow_credit(&f), 100);
    assert_false(quic_flow_blocked(&f));

    f.sent += 100;
    assert_int_equal(quic_flow_credit(&f), 0);
    assert_true(quic_flow_blocked(&f));
    assert_false(quic_flow_blocked(&f));

    assert_false(quic_flow_raise(&f, 99));
    assert_false(quic_flow_raise(&f, 100));
    assert_int_equal(f.max, 100);
    assert_false(quic_flow_blocked(&f));

    assert_true(quic_flow_raise(&f, 101));
    assert_int_equal(quic_flow_credit(&f), 1);
    assert_false(quic_flow_blocked(&f));
    f.sent++;
    assert_true(quic_flow_blocked(&f));
    assert_false(quic_flow_blocked(&f));

    assert_true(quic_flow_raise(&f, QUIC_VARINT_MAX));
    assert_int_equal(quic_flow_credit(&f), QUIC_VARINT_MAX - 101);
    f.sent = f.max;
    assert_true(quic_flow_blocked(&f));
    assert_false(quic_flow_blocked(&f));

    /* a limit of 0 is one as well */

    quic_flow_send_init(&f, 0);
    assert_true(quic_flow_blocked(&f));
    assert_false(quic_flow_blocked(&f));
    assert_true(quic_flow_raise(&f, 1));
    assert_false(quic_flow_blocked(&f));
}


/*
 * A sender and a receiver, MAX_DATA late or overtaken on its way: the limit is
 * never exceeded, and all comes through, as the receiver never forgets to tell
 * a new one.
 */

static void
test_both_ends(void **state)
{
    uint64_t          limit[4], n, total, old;
    ngx_uint_t        i, run, steps;
    quic_flow_recv_t  in;
    quic_flow_send_t  out;

    for (run = 0; run < 200; run++) {
        quic_flow_recv_init(&in, 1 + test_rand() % 5000);
        quic_flow_send_init(&out, in.max);

        total = 100 * in.window;

        for (i = 0; i < 4; i++) {
            limit[i] = in.max;
        }

        for (steps = 0; in.consumed < total; steps++) {
            assert_true(steps < 100000);

            n = test_rand() % (quic_flow_credit(&out) + 1);
            n = ngx_min(n, total - out.sent);
            out.sent += n;

            assert_int_equal(quic_flow_receive(&in, n), NGX_OK);
            assert_int_equal(in.received, out.sent);

            n = test_rand() % (in.received - in.consumed + 1);

            if (quic_flow_consume(&in, n)) {
                limit[test_rand() % 4] = quic_flow_renew(&in);
                assert_int_equal(in.max, in.consumed + in.window);
            }

            assert_true(2 * (in.max - in.consumed) >= in.window);

            i = test_rand() % 4;
            old = out.max;
            assert_int_equal(quic_flow_raise(&out, limit[i]), limit[i] > old);
            assert_int_equal(out.max, ngx_max(old, limit[i]));
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_last_limit),
        cmocka_unit_test(test_send),
        cmocka_unit_test(test_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
