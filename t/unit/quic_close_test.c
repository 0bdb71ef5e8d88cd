
/* The end of a connection, as one who doesn't hear of it sees it. */

#include "pair.h"


/* that n packets of the client get */

static ngx_uint_t
answers(ngx_uint_t n)
{
    uint64_t             before;
    static const u_char  ping[] = { QUIC_FT_PING };

    before = cl->datagrams;

    while (n--) {
        assert_int_equal(client_send(cl, QUIC_PACKET_1RTT, ping, 1), NGX_OK);
        test_pair_pass(&pair, 1);
    }

    return cl->datagrams - before;
}


/*
 * RFC 9000, 10.2.1: to who sends much ever fewer, to who sends a packet now and
 * then one to each of them
 */

static void
closing(void **state)
{
    uint64_t    pto;
    ngx_uint_t  i;

    pto = quic_recovery_pto(&conn->recovery, QUIC_SPACE_APP);

    quic_conn_close(conn, QUIC_INTERNAL_ERROR, "a test");
    test_pair_pass(&pair, 1);
    assert_int_equal(answers(1 + 2 + 4 + 8 + 16), 5);
    assert_int_equal(answers(10), 0);

    for (i = 0; i < 2; i++) {
        test_pair_pass(&pair, pto);
        assert_int_equal(answers(5), 1);
    }

    test_pair_pass(&pair, pto);
    assert_int_equal(cl->resets, 0);
    (void) answers(1);
    assert_int_equal(cl->resets, 1);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        pair_test(closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
