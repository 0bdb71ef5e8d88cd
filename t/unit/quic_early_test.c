
/* 0-RTT packets: when they are opened, kept, dropped. */

#include "test.h"
#include "../lib/test_pair.h"


static test_pair_t          pair;
static test_tls_session_t  *session;
static u_char               token[256];
static size_t               token_len;


static ngx_uint_t
has_ticket(client_t *c)
{
    return c->new_token_len && test_tls_client_tickets(c->tls);
}


/* a first connection, which brings a ticket and a token */

static int
setup(void **state)
{
    quic_tls_tickets_t  tickets;

    if (test_pair_init(&pair) != NGX_OK) {
        return -1;
    }

    ngx_memzero(&tickets, sizeof(tickets));

    tickets.secret = (u_char *) "what keys of tickets are made of";
    tickets.longest = 300;
    tickets.early_data = 1;

    pair.ep.early_id = 17;

    if (quic_tls_ctx_tickets(pair.conf.tls, &tickets, &pair.log) != NGX_OK
        || test_pair_connect(&pair, NULL, CLIENT_ESTABLISHED) != NGX_OK
        || client_wait(pair.client, has_ticket, CLIENT_TIMEOUT) != NGX_OK)
    {
        return -1;
    }

    session = test_tls_client_session(pair.client->tls);
    token_len = pair.client->new_token_len;
    ngx_memcpy(token, pair.client->new_token, token_len);

    test_pair_leave(&pair);

    return 0;
}


static int
teardown(void **state)
{
    test_tls_session_free(session);
    test_pair_done(&pair);

    return 0;
}


/* a client that can send 0-RTT, and has sent nothing yet */

static client_t *
come_back(ngx_uint_t with_token)
{
    client_conf_t  conf;

    ngx_memzero(&conf, sizeof(conf));

    conf.session = session;
    conf.early = 1;
    conf.token.data = token;
    conf.token.len = with_token ? token_len : 0;

    assert_int_equal(test_pair_connect(&pair, &conf, CLIENT_NEW), NGX_OK);

    return pair.client;
}


static void
requests(client_t *c, ngx_uint_t n)
{
    while (n--) {
        assert_int_equal(client_get_in(c, QUIC_PACKET_0RTT, "/"), NGX_OK);
    }
}


/* requests that have come; the client's first one is on stream 40 */

static uint64_t
opened(void)
{
    uint64_t  next;

    next = pair.conn->streams.next_peer[0];

    return next ? next - 10 : 0;
}


static void
taken(void **state)
{
    client_t  *c;

    c = come_back(1);

    assert_int_equal(client_send_hello(c), NGX_OK);
    requests(c, 3);

    assert_int_equal(opened(), 3);
    assert_int_equal(quic_conn_early(pair.conn), 1);

    assert_int_equal(client_connect(c, CLIENT_ESTABLISHED), NGX_OK);
    assert_int_equal(test_tls_client_early_accepted(c->tls), 1);
    assert_int_equal(quic_conn_early(pair.conn), 0);

    /* one that comes late, and one that comes too late */

    assert_non_null(pair.conn->rx[QUIC_LEVEL_EARLY]);
    requests(c, 1);
    assert_int_equal(opened(), 4);

    test_pair_pass(&pair, TEST_PAIR_SECOND);

    assert_null(pair.conn->rx[QUIC_LEVEL_EARLY]);
    requests(c, 1);
    assert_int_equal(opened(), 4);
    assert_int_equal(pair.conn->nearly, 0);
}


/* nobody knows yet whether the client is there */

static void
no_token(void **state)
{
    client_t  *c;

    c = come_back(0);

    assert_int_equal(client_send_hello(c), NGX_OK);
    requests(c, QUIC_MAX_UNDECRYPTABLE + 3);

    assert_non_null(pair.conn->rx[QUIC_LEVEL_EARLY]);
    assert_int_equal(pair.conn->nearly, QUIC_MAX_UNDECRYPTABLE);
    assert_int_equal(opened(), 0);

    assert_int_equal(client_connect(c, CLIENT_ESTABLISHED), NGX_OK);
    assert_int_equal(test_tls_client_early_accepted(c->tls), 1);
    assert_int_equal(pair.conn->nearly, 0);
    assert_int_equal(opened(), QUIC_MAX_UNDECRYPTABLE);
}


static void
assert_refused(client_t *c)
{
    assert_int_equal(client_send_hello(c), NGX_OK);
    requests(c, 3);

    assert_null(pair.conn->rx[QUIC_LEVEL_EARLY]);
    assert_int_equal(pair.conn->nearly, 0);
    assert_int_equal(opened(), 0);
    assert_int_equal(quic_conn_early(pair.conn), 0);

    assert_int_equal(client_connect(c, CLIENT_ESTABLISHED), NGX_OK);
    assert_int_equal(test_tls_client_resumed(c->tls), 1);
    assert_int_equal(test_tls_client_early_accepted(c->tls), 0);
    assert_int_equal(client_ping(c), NGX_OK);
}


static void
refused(void **state)
{
    pair.early_rc = NGX_DECLINED;
    assert_refused(come_back(1));
}


static void
other_limits(void **state)
{
    pair.conf.max_streams_bidi--;
    assert_refused(come_back(1));
}


static void
other_settings(void **state)
{
    pair.conf.early_app_len = 1;
    assert_refused(come_back(1));
}


static void
other_memory(void **state)
{
    pair.ep.early_id++;
    assert_refused(come_back(1));
}


/* between the two halves of the ClientHello */

static void
in_between(void **state)
{
    client_t         *c;
    client_crypto_t  *crypto;

    c = come_back(1);
    crypto = &c->crypto[QUIC_LEVEL_INITIAL];
    c->hold = 1;

    assert_int_equal(client_send_crypto(c, QUIC_LEVEL_INITIAL, 0, 100),
                     NGX_OK);
    requests(c, 2);

    assert_int_equal(pair.conn->nearly, 2);
    assert_int_equal(opened(), 0);

    assert_int_equal(client_send_crypto(c, QUIC_LEVEL_INITIAL, 100,
                                        crypto->len),
                     NGX_OK);

    assert_int_equal(pair.conn->nearly, 0);
    assert_int_equal(opened(), 2);
}


/* before all of it */

static void
before(void **state)
{
    client_t  *c;

    c = come_back(1);

    requests(c, 2);

    assert_null(pair.conn);
    assert_int_equal(pair.ep.strays.n, 2);

    assert_int_equal(client_send_hello(c), NGX_OK);

    assert_int_equal(pair.ep.strays.n, 0);
    assert_int_equal(opened(), 2);
}


static void
before_nothing(void **state)
{
    client_t  *c;

    pair.ep.early_id = 0;

    c = come_back(1);
    requests(c, 2);

    assert_int_equal(pair.ep.strays.n, 0);
    assert_null(pair.ep.strays.stray);
}


#define early_test(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        early_test(taken),
        early_test(no_token),
        early_test(refused),
        early_test(other_limits),
        early_test(other_settings),
        early_test(other_memory),
        early_test(in_between),
        early_test(before),
        early_test(before_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
