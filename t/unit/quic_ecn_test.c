
/* ECN of what is sent: RFC 9000, 13.4.2 and A.4. */

#include "test.h"
#include "quic/quic_ecn.h"


static quic_ecn_t         e;
static quic_ecn_counts_t  counts;


static void
init(void)
{
    quic_ecn_reset(&e);
    ngx_memzero(&counts, sizeof(quic_ecn_counts_t));
}


static void
sent(ngx_uint_t n)
{
    while (n--) {
        quic_ecn_sent(&e, &counts);
    }
}


static uint64_t
acked(ngx_uint_t marked, uint64_t ect0, uint64_t ect1, uint64_t ce)
{
    quic_frame_ack_t  ack;

    ngx_memzero(&ack, sizeof(quic_frame_ack_t));

    ack.ect0 = ect0;
    ack.ect1 = ect1;
    ack.ce = ce;

    return quic_ecn_acked(&e, &counts, marked, &ack);
}


static void
test_capable(void **state)
{
    init();
    assert_true(quic_ecn_marks(&e));

    sent(QUIC_ECN_TEST_PACKETS - 1);
    assert_int_equal(e.state, QUIC_ECN_TESTING);

    sent(1);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);
    assert_false(quic_ecn_marks(&e));

    /* an ACK of none of them says nothing */

    assert_int_equal(acked(0, 0, 0, 0), 0);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);

    assert_int_equal(acked(2, 2, 0, 0), 0);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
    assert_true(quic_ecn_marks(&e));

    sent(100);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
}


static void
test_capable_at_once(void **state)
{
    init();
    sent(1);
    assert_int_equal(acked(1, 0, 0, 1), 1);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
}


static void
test_ce(void **state)
{
    init();
    sent(10);

    assert_int_equal(acked(3, 3, 0, 0), 0);
    assert_int_equal(acked(3, 4, 0, 2), 2);
    assert_int_equal(acked(1, 5, 0, 2), 0);

    /* an ACK between was lost: it tells of more than it acknowledges */

    assert_int_equal(acked(1, 6, 0, 4), 2);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
}


static void
test_invalid(void **state)
{
    ngx_uint_t  i;

    static const struct {
        ngx_uint_t  marked;
        uint64_t    ect0, ect1, ce;
    } bad[] = {
        { 1, 4, 0, 1 },                  /* less than was acknowledged */
        { 1, 0, 0, 0 },                  /* no counts */
        { 0, 3, 0, 1 },                  /* a count that falls */
        { 0, 5, 0, 0 },
        { 1, 4, 1, 1 },                  /* ECT(1) was never sent */
        { 1, 10, 0, 1 },                 /* more than were sent */
        { 0, 0, 0, 11 },
        { 0, UINT64_MAX >> 2, 0, UINT64_MAX >> 2 }
    };

    for (i = 0; i < test_array_len(bad); i++) {
        init();
        sent(10);
        assert_int_equal(acked(5, 4, 0, 1), 1);
        assert_int_equal(e.state, QUIC_ECN_CAPABLE);

        assert_int_equal(acked(bad[i].marked, bad[i].ect0, bad[i].ect1,
                               bad[i].ce), 0);
        assert_int_equal(e.state, QUIC_ECN_FAILED);
        assert_false(quic_ecn_marks(&e));

        /* for good */

        assert_int_equal(acked(1, 6, 0, 2), 0);
        assert_int_equal(e.state, QUIC_ECN_FAILED);
    }
}


static void
test_lost(void **state)
{
    ngx_uint_t  i;

    /* all of them */

    init();
    sent(QUIC_ECN_TEST_PACKETS);

    for (i = 0; i < QUIC_ECN_TEST_PACKETS; i++) {
        assert_int_equal(e.state, QUIC_ECN_UNKNOWN);
        quic_ecn_lost(&e);
    }

    assert_int_equal(e.state, QUIC_ECN_FAILED);

    /* all but one */

    init();
    sent(QUIC_ECN_TEST_PACKETS);

    for (i = 1; i < QUIC_ECN_TEST_PACKETS; i++) {
        quic_ecn_lost(&e);
    }

    assert_int_equal(acked(1, 1, 0, 0), 0);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);

    /* that marks are lost later is the fate of packets */

    for (i = 0; i < 100; i++) {
        quic_ecn_lost(&e);
    }

    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
}


static void
test_timeout(void **state)
{
    init();

    /* nothing was marked, so it isn't for the mark */

    quic_ecn_timeout(&e, 1);
    quic_ecn_timeout(&e, 5);
    assert_int_equal(e.state, QUIC_ECN_TESTING);

    sent(3);

    quic_ecn_timeout(&e, 1);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);

    quic_ecn_lost(&e);
    quic_ecn_lost(&e);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);
    quic_ecn_lost(&e);
    assert_int_equal(e.state, QUIC_ECN_FAILED);

    /* a path that has carried marks */

    init();
    sent(3);
    (void) acked(1, 1, 0, 0);

    quic_ecn_timeout(&e, 2);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);
    quic_ecn_timeout(&e, 3);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);

    (void) acked(1, 2, 0, 0);
    assert_int_equal(e.state, QUIC_ECN_CAPABLE);

    quic_ecn_timeout(&e, 3);
    sent(20);
    assert_int_equal(e.state, QUIC_ECN_UNKNOWN);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capable),
        cmocka_unit_test(test_capable_at_once),
        cmocka_unit_test(test_ce),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
