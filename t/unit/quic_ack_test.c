
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


/* what comes in, and whether it makes an ACK due at once, which is sent then */

static void
sequence(quic_ack_t *a, const char *text)
{
    char        *end;
    uint64_t     pn;
    const char  *p;
    static uint64_t  now;

    for (p = text; *p; p = end + (*end == '!')) {
        now++;
        pn = strtoull(p, &end, 10);
        receive(a, pn, now);

        assert_int_equal(quic_ack_due(a, now), *end == '!');

        if (*end == '!') {
            quic_ack_sent(a);
        }
    }
}


static void
frequency(quic_ack_t *a, uint64_t seq, uint64_t threshold, uint64_t delay,
    uint64_t reordering)
{
    quic_frame_ack_frequency_t  f;

    f.seq = seq;
    f.threshold = threshold;
    f.max_ack_delay = delay;
    f.reordering = reordering;

    assert_int_equal(quic_ack_frequency(a, &f), NGX_OK);
}


/* the examples of the draft, "Response to Out-of-Order Packets" */

static void
test_reordering(void **state)
{
    quic_ack_t  a;

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 3);
    sequence(&a, "0 1 3 4 5! 8 9! 10!");
    end(&a);

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 5);
    sequence(&a, "0 1 3 5 6 7! 8 9!");
    end(&a);

    /* what comes so late that it was declared lost, and what is just late */

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 3);
    sequence(&a, "0 2 3 4! 5 1! 7 6 8");
    end(&a);

    /* by default every one, and those that fill a gap */

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 1);
    sequence(&a, "0 2! 3 4 6! 5! 1! 7");
    end(&a);

    /* none at all */

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 0);
    sequence(&a, "0 9 3 50 7 1");
    end(&a);
}


static void
test_threshold(void **state)
{
    quic_ack_t  a;

    start(&a, 0);
    sequence(&a, "0 1! 2 3!");

    frequency(&a, 0, 4, 5000000, 1);
    sequence(&a, "4 5 6 7 8! 9 10 11 12 13!");

    frequency(&a, 1, 0, 5000000, 1);
    sequence(&a, "14! 15!");
    end(&a);
}


static void
test_frequency(void **state)
{
    quic_ack_t                  a;
    quic_frame_ack_frequency_t  f = { 7, 9, 2000, 1 };

    start(&a, 0);
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);

    receive(&a, 0, 10000);
    assert_int_equal(a.deadline, 12000);

    /* one that was overtaken, or comes twice */

    f.max_ack_delay = 3000;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);
    f.seq = 6;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);
    assert_int_equal(a.delay, 2000);
    f.seq = 8;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);
    assert_int_equal(a.delay, 3000);

    /* delays that nobody has, not even in an old frame */

    f.seq = 1;
    f.max_ack_delay = QUIC_MIN_ACK_DELAY - 1;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_DECLINED);
    f.max_ack_delay = 16384000;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_DECLINED);
    f.max_ack_delay = 16384000 - 1;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);
    f.seq = 9;
    assert_int_equal(quic_ack_frequency(&a, &f), NGX_OK);
    assert_int_equal(a.delay, 16384000 - 1);

    end(&a);
}


static void
test_immediate(void **state)
{
    quic_ack_t  a;

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 0);

    sequence(&a, "0 1 2");
    quic_ack_now(&a);
    sequence(&a, "3! 4 5");

    end(&a);
}


/* only the first mark of a row, for one who wants few ACKs */

static void
test_marks(void **state)
{
    uint64_t    pn;
    quic_ack_t  a;

    start(&a, 0);
    frequency(&a, 0, 100, 5000000, 0);

    for (pn = 0; pn < 20; pn++) {
        assert_int_equal(quic_ack_received(&a, pn, 1,
                                           pn / 5 % 2 ? QUIC_ECN_CE
                                                      : QUIC_ECN_ECT0, pn),
                         NGX_OK);

        assert_int_equal(quic_ack_due(&a, pn), pn == 5 || pn == 15);

        if (quic_ack_due(&a, pn)) {
            quic_ack_sent(&a);
        }
    }

    end(&a);
}


/* however few ACKs are wanted, each range is told once */

static void
test_crowded(void **state)
{
    uint64_t    pn, acks;
    quic_ack_t  a;

    start(&a, 0);
    frequency(&a, 0, 1 << 20, 5000000, 0);

    acks = 0;

    for (pn = 0; pn < 1000; pn += 2) {
        receive(&a, pn, pn);

        assert_true(a.told == UINT64_MAX
                    || a.floor == 0 || a.floor <= a.told + 1);

        if (quic_ack_due(&a, pn)) {
            quic_ack_sent(&a);
            acks++;
        }
    }

    assert_in_range(acks, 500 / QUIC_MAX_ACK_RANGES,
                    500 / QUIC_MAX_ACK_RANGES + 1);

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


/* what was refused is a duplicate, is in no ACK, and there isn't too much */

static void
test_refused(void **state)
{
    uint64_t    pn;
    quic_ack_t  a;

    start(&a, 0);

    receive(&a, 0, 0);

    for (pn = 1; pn < 10 * QUIC_MAX_ACK_RANGES; pn += 2) {
        assert_false(quic_ack_duplicate(&a, pn));
        assert_int_equal(quic_ack_refused(&a, pn), NGX_OK);
        assert_true(quic_ack_duplicate(&a, pn));

        assert_true(a.refused.n <= QUIC_MAX_ACK_RANGES);
    }

    for (pn = 1; pn < 10 * QUIC_MAX_ACK_RANGES; pn += 2) {
        assert_true(quic_ack_duplicate(&a, pn));
    }

    assert_int_equal(a.largest, 0);
    assert_int_equal(a.received.n, 1);

    /* one that is late for this, and one for which there is place again */

    assert_int_equal(quic_ack_refused(&a, 2), NGX_OK);
    assert_true(quic_ack_duplicate(&a, 2));

    receive(&a, 10 * QUIC_MAX_ACK_RANGES, 0);
    quic_ack_acked(&a, 10 * QUIC_MAX_ACK_RANGES - 1);
    assert_int_equal(quic_ack_refused(&a, 10 * QUIC_MAX_ACK_RANGES + 2),
                     NGX_OK);
    assert_int_equal(a.refused.n, 1);

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
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_frequency),
        cmocka_unit_test(test_immediate),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_acked),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
