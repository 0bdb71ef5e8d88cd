
/* What is sent again when it's lost: RFC 9000, 13.3. */

#include "pair.h"


#define LIMIT  1000


static int
setup(void **state)
{
    if (pair_setup(state) != 0) {
        return -1;
    }

    pair.answer = 10 * LIMIT;

    return 0;
}


/* the client hears of a limit, but we don't know that it does */

static void
blocked(ngx_uint_t type, const char *raise)
{
    ngx_uint_t  n;

    cl->conf.no_ack = 1;
    cl->next_request = 0;

    assert_int_equal(client_get(cl, "/"), NGX_OK);
    test_pair_pass(&pair, 5 * TEST_PAIR_SECOND);

    assert_int_equal(client_stream(cl, 0)->received, LIMIT);
    assert_true(cl->frames[type] > 1);

    /* not of one that isn't in the way any more */

    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, raise), NGX_OK);
    n = cl->frames[type];
    cl->conf.no_ack = 0;

    test_pair_pass(&pair, 10 * TEST_PAIR_SECOND);
    assert_int_equal(cl->frames[type], n);
    assert_int_equal(client_stream(cl, 0)->received, 10 * LIMIT);
}


static void
data_blocked(void **state)
{
    conn->flow_out.max = LIMIT;

    blocked(QUIC_FT_DATA_BLOCKED, "10 #1000000");
}


static void
stream_data_blocked(void **state)
{
    conn->peer.initial_max_stream_data_bidi_local = LIMIT;

    blocked(QUIC_FT_STREAM_DATA_BLOCKED, "11 00 #1000000");
}


/* once it's acknowledged there is nothing to repeat */

static void
blocked_and_known(void **state)
{
    conn->flow_out.max = LIMIT;
    cl->next_request = 0;

    assert_int_equal(client_get(cl, "/"), NGX_OK);
    test_pair_pass(&pair, 5 * TEST_PAIR_SECOND);

    assert_int_equal(cl->frames[QUIC_FT_DATA_BLOCKED], 1);
}


#define fate_test(name)                                                       \
    cmocka_unit_test_setup_teardown(name, setup, pair_teardown)

int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        fate_test(data_blocked),
        fate_test(stream_data_blocked),
        fate_test(blocked_and_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
