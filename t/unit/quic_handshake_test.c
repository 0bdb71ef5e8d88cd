
/* 1-RTT keys over key updates: RFC 9001, section 6. */

#include "pair.h"


#define SECOND  TEST_PAIR_SECOND


static quic_key_phase_t  *phase;


static void
connect_to(const client_conf_t *conf, client_state_e state)
{
    assert_int_equal(test_pair_init(&pair), NGX_OK);
    assert_int_equal(pair_connect(conf, state), NGX_OK);

    phase = &conn->phase;
}


static int
setup(void **state)
{
    connect_to(NULL, CLIENT_ESTABLISHED);

    return 0;
}


/* as if so many packets had been sealed with this key */

static uint64_t *
sealed(void)
{
    return &conn->tx[QUIC_LEVEL_APP]->sealed;
}


static uint64_t
limit(void)
{
    return conn->tx[QUIC_LEVEL_APP]->suite->confidentiality_limit;
}


static uint64_t
pto(void)
{
    return quic_recovery_pto(&conn->recovery, QUIC_SPACE_APP);
}


static void
client_updates(void)
{
    assert_int_equal(client_update_keys(cl), NGX_OK);
}


static void
ping(void)
{
    assert_int_equal(client_ping(cl), NGX_OK);
}


/* the client acknowledges all that it has got, our acknowledgements as well */

static void
acknowledge(void)
{
    cl->space[2].ack_due = 1;
    client_read(cl);
}


/* a packet with given keys and number; whether it was opened */

static ngx_uint_t
opens(quic_keys_t *keys, ngx_uint_t key_phase, uint64_t pn)
{
    uint64_t         n;
    client_packet_t  p;

    n = conn->stats.packets_received;

    client_packet(cl, &p, QUIC_PACKET_1RTT);

    p.keys = keys;
    p.key_phase = key_phase & 1;
    p.pn = pn;

    assert_int_equal(client_add(cl, &p, (u_char *) "\1", 1), NGX_OK);
    client_flush(cl);

    return conn->stats.packets_received > n;
}


/* the keys that the client has now, to be used after the next update */

static void
keep_keys(quic_keys_t *keys)
{
    size_t        secret_len;
    quic_keys_t  *tx;

    tx = &cl->tx[QUIC_LEVEL_APP];
    secret_len = (tx->suite->id == 0x1302) ? 48 : 32;

    ngx_memzero(keys, sizeof(quic_keys_t));

    assert_int_equal(quic_keys_set(keys, tx->suite, QUIC_VERSION_1,
                                   tx->secret, secret_len),
                     NGX_OK);
}


/* we follow at once, with the packet that answers */

static void
client_first(void **state)
{
    ngx_uint_t  i;

    for (i = 1; i <= 5; i++) {
        client_updates();
        ping();

        assert_int_equal(phase->phase, i & 1);
        assert_int_equal(cl->phase_rx, i & 1);
        assert_int_equal(conn->state, QUIC_CONN_OPEN);
    }
}


/* 6.2: the first one of this phase hasn't been acknowledged */

static void
client_twice(void **state)
{
    client_updates();
    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01"), NGX_OK);
    assert_int_equal(phase->phase, 1);
    assert_false(phase->confirmed);

    client_updates();
    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01"), NGX_OK);

    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_KEY_UPDATE_ERROR);
}


/* ... and it hasn't asked for that: there are no keys of before any more */

static void
client_twice_later(void **state)
{
    ngx_uint_t  i;

    client_updates();

    for (i = 0; i < 3; i++) {
        acknowledge();
        assert_int_equal(phase->phase, 1);
        pair.now += SECOND;
    }

    assert_null(phase->prev_rx);
    assert_false(phase->confirmed);

    client_updates();
    acknowledge();

    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_KEY_UPDATE_ERROR);
}


/*
 * 6.1: a client must not before the handshake is confirmed.  It can't be told
 * from one whose HANDSHAKE_DONE has overtaken what we know, and is followed.
 */

static void
client_early(void **state)
{
    connect_to(NULL, CLIENT_HANDSHAKE);

    client_updates();
    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01"), NGX_OK);
    assert_int_equal(phase->phase, 0);

    assert_int_equal(client_connect(cl, CLIENT_ESTABLISHED), NGX_OK);
    ping();
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
    assert_int_equal(phase->phase, 1);
}


/* "known": the client has got an ACK of ours for something of this phase */

static void
known(void **state)
{
    ping();
    acknowledge();
    assert_true(phase->known);

    /* that for something of the phase before doesn't count */

    cl->conf.no_ack = 1;
    ping();
    cl->conf.no_ack = 0;

    client_updates();
    acknowledge();
    assert_int_equal(phase->phase, 1);
    assert_false(phase->known);

    cl->conf.no_ack = 1;
    ping();
    assert_true(phase->confirmed);
    assert_false(phase->known);

    ping();
    assert_false(phase->known);

    cl->conf.no_ack = 0;
    acknowledge();
    assert_true(phase->known);
}


/* 6.1 and 6.5: what has to be there before we update by ourselves */

static void
ours(void **state)
{
    uint64_t  begun;

    client_updates();
    cl->conf.no_ack = 1;
    ping();
    assert_int_equal(phase->phase, 1);

    /* nothing of this phase has been acknowledged */

    phase->known = 1;
    *sealed() = limit() / 2;
    test_pair_pass(&pair, 100000);
    ping();
    assert_int_equal(phase->phase, 1);
    assert_int_equal(phase->settled, 0);

    phase->known = 0;

    /* it has, and after three PTOs it's time */

    cl->conf.no_ack = 0;
    acknowledge();
    ping();
    assert_int_not_equal(phase->settled, 0);
    begun = phase->settled;

    while (phase->phase == 1) {
        assert_in_range(pair.now, begun, begun + SECOND);
        pair.now += 1000;
        ping();
    }

    assert_true(pair.now - begun >= 3 * pto());
    assert_true(phase->confirmed);
    assert_int_equal(*sealed() < limit() / 2, 1);

    /* the client follows, and may go on at once */

    client_updates();
    ping();
    assert_int_equal(cl->phase_rx, 0);
    assert_int_not_equal(phase->first_rx, UINT64_MAX);

    client_updates();
    ping();
    assert_int_equal(phase->phase, 1);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
}


/* below a half of the limit nothing happens at all */

static void
ours_not_yet(void **state)
{
    *sealed() = limit() / 2 - 100;

    ping();
    test_pair_pass(&pair, SECOND);
    ping();

    assert_int_equal(phase->phase, 0);
    assert_int_equal(phase->settled, 0);
}


/* the client's first packets of a phase are lost: we wait, but not forever */

static void
ours_unknown(void **state)
{
    ngx_uint_t  i;

    phase->known = 0;
    phase->first_rx = 1000;          /* no ACK of ours tells of that */
    *sealed() = limit() / 2;

    for (i = 0; i < 10; i++) {
        ping();
        test_pair_pass(&pair, SECOND / 10);
    }

    assert_int_equal(phase->phase, 0);

    *sealed() = limit() / 4 * 3;
    ping();
    test_pair_pass(&pair, SECOND);
    ping();

    assert_int_equal(phase->phase, 1);
}


/* before the handshake is complete there is nobody to follow */

static void
ours_early(void **state)
{
    connect_to(NULL, CLIENT_HANDSHAKE);

    *sealed() = limit() / 4 * 3;
    test_pair_pass(&pair, SECOND);
    assert_int_equal(phase->phase, 0);

    assert_int_equal(client_connect(cl, CLIENT_ESTABLISHED), NGX_OK);
}


/*
 * 6.4 and 6.5: packets of the phase before are opened if they come late, but
 * not if they were sent later; and three PTOs after the update no more.
 */

static void
late(void **state)
{
    uint64_t     pn;
    quic_keys_t  keys;

    pn = cl->space[2].next_pn;
    cl->space[2].next_pn += 4;

    keep_keys(&keys);
    client_updates();
    ping();

    assert_true(opens(&keys, 0, pn));
    assert_false(opens(&keys, 0, cl->space[2].next_pn + 1));
    assert_int_equal(conn->state, QUIC_CONN_OPEN);

    /* ... neither with our bit, nor with the new keys and the old bit */

    assert_false(opens(&keys, 1, pn + 1));
    assert_false(opens(&cl->tx[QUIC_LEVEL_APP], 0, pn + 1));

    pair.now = phase->expires - 1;
    assert_true(opens(&keys, 0, pn + 1));
    assert_non_null(phase->prev_rx);

    pair.now++;
    assert_false(opens(&keys, 0, pn + 2));
    assert_null(phase->prev_rx);

    /* one of this phase that was sent before those that came is good */

    assert_true(opens(&cl->tx[QUIC_LEVEL_APP], 1, pn + 3));

    quic_keys_clear(&keys);
}


/* as long as the peer hasn't followed us, its keys are those of before */

static void
late_and_ours(void **state)
{
    uint64_t     n;
    quic_keys_t  keys;

    keep_keys(&keys);
    *sealed() = limit() / 2;

    for (n = 0; phase->phase == 0; n++) {
        assert_true(n < 100);
        ping();
        acknowledge();
        test_pair_pass(&pair, SECOND / 10);
    }

    test_pair_pass(&pair, 10 * SECOND);
    assert_non_null(phase->prev_rx);
    assert_true(opens(&keys, 0, cl->space[2].next_pn++));

    client_updates();
    ping();
    test_pair_pass(&pair, 10 * SECOND);
    ping();
    assert_null(phase->prev_rx);

    quic_keys_clear(&keys);
}


/* 6.4: numbers go up, and keys go on with them, whatever comes first */

static void
backwards(void **state)
{
    uint64_t  pn;

    pn = cl->space[2].next_pn++;
    ping();

    client_updates();
    assert_false(opens(&cl->tx[QUIC_LEVEL_APP], 1, pn));

    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_KEY_UPDATE_ERROR);
}


static void
backwards_late(void **state)
{
    uint64_t     pn;
    quic_keys_t  keys;

    pn = cl->space[2].next_pn;
    cl->space[2].next_pn += 4;

    keep_keys(&keys);
    client_updates();
    ping();

    assert_true(opens(&cl->tx[QUIC_LEVEL_APP], 1, pn + 3));
    assert_true(opens(&keys, 0, pn + 1));
    assert_true(opens(&cl->tx[QUIC_LEVEL_APP], 1, pn + 2));
    assert_false(opens(&cl->tx[QUIC_LEVEL_APP], 1, pn));

    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_KEY_UPDATE_ERROR);

    quic_keys_clear(&keys);
}


/* 6.6: nothing more is sealed, not even CONNECTION_CLOSE */

static void
confidentiality(void **state)
{
    *sealed() = limit() - 1;
    ping();
    assert_int_equal(conn->state, QUIC_CONN_OPEN);

    assert_int_not_equal(client_ping(cl), NGX_OK);
    assert_null(pair.conn);
    assert_int_equal(cl->close.n, 0);
    assert_int_equal(test_pair_logged(&pair, "no more packets may be sealed"),
                     1);

    /* whoever goes on talking to it is told that it's gone */

    (void) client_send_hex(cl, QUIC_PACKET_1RTT, "01 00*60");
    (void) test_pair_turn(&pair);
    assert_int_equal(cl->resets, 1);
}


static void
integrity(void **state)
{
    quic_keys_t  *keys;

    keys = conn->rx[QUIC_LEVEL_APP];

    conn->failed_opens = keys->suite->integrity_limit - 1;

    client_updates();
    assert_false(opens(&cl->tx[QUIC_LEVEL_APP], 0, CLIENT_NEXT));
    assert_int_equal(conn->state, QUIC_CONN_OPEN);

    assert_false(opens(&cl->tx[QUIC_LEVEL_APP], 0, CLIENT_NEXT));
    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_AEAD_LIMIT_REACHED);
}


#define handshake_test(name)                                                  \
    cmocka_unit_test_setup_teardown(name, setup, pair_teardown)

#define handshake_test_early(name)                                            \
    cmocka_unit_test_teardown(name, pair_teardown)

int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        handshake_test(client_first),
        handshake_test(client_twice),
        handshake_test(client_twice_later),
        handshake_test_early(client_early),
        handshake_test(known),
        handshake_test(ours),
        handshake_test(ours_not_yet),
        handshake_test(ours_unknown),
        handshake_test_early(ours_early),
        handshake_test(late),
        handshake_test(late_and_ours),
        handshake_test(backwards),
        handshake_test(backwards_late),
        handshake_test(confidentiality),
        handshake_test(integrity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
