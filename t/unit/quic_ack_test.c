
/* What was received, and when to say so: RFC 9000, section 13.2. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_ack.h"
#include "quic/quic_addr.h"


static ngx_log_t   test_log;
static quic_mem_t  mem;


static void
start(quic_ack_t *a, ngx_uint_t immediate)
{
    quic_mem_init(&mem, &test_log);
    quic_ack_init(a, &mem, immediate);
}


static void
end(quic_ack_t *a)
{
    quic_ack_done(a);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static void
receive(quic_ack_t *a, uint64_t pn, uint64_t now)
{
    assert_int_equal(quic_ack_received(a, pn, 1, QUIC_ECN_NOT_ECT, now),
                     NGX_OK);
}


static void
test_delayed(void **state)
{
    quic_ack_t  a;

    start(&a, 0);

    assert_false(quic_ack_pending(&a));
    assert_false(quic_ack_due(&a, 0));

    receive(&a, 0, 1000);

    assert_true(quic_ack_pending(&a));
    assert_false(quic_ack_due(&a, 1000 + QUIC_MAX_ACK_DELAY - 1));
    assert_true(quic_ack_due(&a, 1000 + QUIC_MAX_ACK_DELAY));

    quic_ack_sent(&a);

    assert_false(quic_ack_pending(&a));
    assert_int_equal(a.deadline, UINT64_MAX);

    end(&a);
}


static void
test_every_second(void **state)
{
    quic_ack_t  a;

    start(&a, 0);

    receive(&a, 0, 10);
    assert_false(quic_ack_due(&a, 10));

    receive(&a, 1, 20);
    assert_true(quic_ack_due(&a, 20));

    end(&a);
}


static void
test_at_once(void **state)
{
    quic_ack_t  a;

    /* the Initial and Handshake spaces */

    start(&a, 1);
    receive(&a, 0, 10);
    assert_true(quic_ack_due(&a, 10));
    end(&a);

    /* a gap, and what fills it */

    start(&a, 0);
    receive(&a, 0, 10);
    quic_ack_sent(&a);

    receive(&a, 2, 20);
    assert_true(quic_ack_due(&a, 20));
    quic_ack_sent(&a);

    receive(&a, 1, 30);
    assert_true(quic_ack_due(&a, 30));
    end(&a);

    /* congestion experienced */

    start(&a, 0);
    assert_int_equal(quic_ack_received(&a, 0, 1, QUIC_ECN_CE, 10), NGX_OK);
    assert_true(quic_ack_due(&a, 10));
    assert_int_equal(a.ecn[2], 1);
    end(&a);
}


static void
test_not_eliciting(void **state)
{
    quic_ack_t  a;

    start(&a, 1);

    assert_int_equal(quic_ack_received(&a, 7, 0, QUIC_ECN_NOT_ECT, 10),
                     NGX_OK);

    assert_false(quic_ack_pending(&a));
    assert_int_equal(a.deadline, UINT64_MAX);
    assert_true(quic_ack_duplicate(&a, 7));

    end(&a);
}


static void
test_ecn_counts(void **state)
{
    quic_ack_t  a;

    start(&a, 0);

    assert_int_equal(quic_ack_received(&a, 0, 1, QUIC_ECN_ECT0, 1), NGX_OK);
    assert_int_equal(quic_ack_received(&a, 1, 1, QUIC_ECN_ECT0, 1), NGX_OK);
    assert_int_equal(quic_ack_received(&a, 2, 1, QUIC_ECN_ECT1, 1), NGX_OK);
    assert_int_equal(quic_ack_received(&a, 3, 1, QUIC_ECN_CE, 1), NGX_OK);
    assert_int_equal(quic_ack_received(&a, 4, 1, QUIC_ECN_NOT_ECT, 1),
                     NGX_OK);

    assert_int_equal(a.ecn[0], 2);
    assert_int_equal(a.ecn[1], 1);
    assert_int_equal(a.ecn[2], 1);

    end(&a);
}


static void
test_largest(void **state)
{
    quic_ack_t  a;

    start(&a, 0);

    receive(&a, 5, 100);
    receive(&a, 3, 200);

    assert_int_equal(a.largest, 5);
    assert_int_equal(a.largest_time, 100);

    end(&a);
}


/* every second number: the oldest are forgotten, and count as duplicates */

static void
test_bounded(void **state)
{
    uint64_t    pn;
    quic_ack_t  a;

    start(&a, 0);

    for (pn = 0; pn < 20 * QUIC_MAX_ACK_RANGES; pn += 2) {
        assert_false(quic_ack_duplicate(&a, pn));
        receive(&a, pn, pn);
        assert_true(quic_ack_duplicate(&a, pn));
        assert_true(a.received.n <= QUIC_MAX_ACK_RANGES);
    }

    assert_true(quic_ack_duplicate(&a, 0));
    assert_true(quic_ack_duplicate(&a, 1));
    assert_false(quic_ack_duplicate(&a, pn - 3));

    /* one that is older than all that fit: accepted, not acknowledged */

    receive(&a, a.floor, pn);

    end(&a);
}


static void
test_acked(void **state)
{
    quic_ack_t  a;

    start(&a, 0);

    receive(&a, 0, 1);
    receive(&a, 1, 1);
    receive(&a, 4, 1);
    receive(&a, 8, 1);
    receive(&a, 9, 1);

    quic_ack_acked(&a, 4);

    assert_int_equal(a.received.n, 1);
    assert_int_equal(a.received.range[0].start, 8);
    assert_true(quic_ack_duplicate(&a, 3));
    assert_false(quic_ack_duplicate(&a, 7));

    /* the newest range stays */

    quic_ack_acked(&a, 9);

    assert_int_equal(a.received.n, 1);
    assert_int_equal(a.received.range[0].end, 10);
    assert_true(quic_ack_duplicate(&a, 7));

    end(&a);
}


/* whatever comes, a number is a duplicate once it was received */

static void
test_random(void **state)
{
    u_char      seen[4096];
    uint64_t    pn, base, i;
    quic_ack_t  a;

    ngx_memzero(seen, sizeof(seen));
    start(&a, 0);

    base = 0;

    for (i = 0; i < 20000; i++) {
        base += (test_rand() % 8 == 0);
        pn = ngx_min(base + test_rand() % 64, sizeof(seen) - 1);

        if (seen[pn]) {
            assert_true(quic_ack_duplicate(&a, pn));
            continue;
        }

        if (quic_ack_duplicate(&a, pn)) {
            assert_true(pn < a.floor);
            continue;
        }

        receive(&a, pn, i);
        seen[pn] = 1;

        if (test_rand() % 16 == 0) {
            quic_ack_sent(&a);
            quic_ack_acked(&a, a.largest - ngx_min(a.largest,
                                                   test_rand() % 40));
        }

        assert_true(a.received.n >= 1);
        assert_true(a.received.n <= QUIC_MAX_ACK_RANGES);
    }

    end(&a);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_delayed),
        cmocka_unit_test(test_every_second),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_not_eliciting),
        cmocka_unit_test(test_ecn_counts),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_acked),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
