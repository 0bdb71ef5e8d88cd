
/* A client that moves, and one that does nothing else. */

#include "pair.h"


#define SECOND  TEST_PAIR_SECOND


static quic_addr_t  home, away;


static int
setup(void **state)
{
    if (pair_setup(state) != 0) {
        return -1;
    }

    home = pair.from;
    away = home;
    away.sin.sin_addr.s_addr = htonl(0x0a000003);

    return 0;
}


static ngx_uint_t
is_at(const quic_addr_t *addr)
{
    return quic_addr_equal(&conn->paths.active->remote, addr);
}


/* a packet from there, and what it takes to show the address */

static ngx_uint_t
move(const quic_addr_t *addr)
{
    pair.from = *addr;

    assert_int_equal(client_ping(cl), NGX_OK);
    test_pair_pass(&pair, 0);

    return is_at(addr);
}


/* a path is left, and what belonged to it with it */

static void
moves(void **state)
{
    assert_true(move(&away));
    assert_true(conn->paths.active->validated);
    assert_true(quic_addr_equal(quic_conn_remote(conn), &away));
    assert_int_equal(test_pair_logged(&pair, "migrated"), 1);

    assert_true(move(&home));

    /* it has answered but one of two challenges; the next one comes later */

    test_pair_pass(&pair, 3 * SECOND);
    assert_true(quic_addr_equal(quic_conn_remote(conn), &home));
    assert_int_equal(test_pair_logged(&pair, "migrated"), 2);
}


/*
 * Between two validated addresses, as fast as it can: each change would be a
 * new congestion window.
 */

static void
alternates(void **state)
{
    uint64_t     since;
    ngx_uint_t   i, n, most;

    since = pair.now;
    n = 0;

    for (i = 0; i < 10 * QUIC_MOVES; i++) {
        n += move(is_at(&home) ? &away : &home);
    }

    most = QUIC_MOVES + (pair.now - since) * QUIC_MOVES_RATE / SECOND;

    assert_in_range(n, QUIC_MOVES, most);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);

    /* a little later it's followed again */

    test_pair_pass(&pair, SECOND / QUIC_MOVES_RATE);
    assert_true(move(is_at(&home) ? &away : &home));
}


/* behind a NAT that changes its port nothing is begun anew */

static void
ports(void **state)
{
    ngx_uint_t   i;
    quic_addr_t  addr;

    addr = home;

    for (i = 0; i < 10 * QUIC_MOVES; i++) {
        addr.sin.sin_port++;
        assert_true(move(&addr));
    }

    assert_int_equal(conn->moves.level, QUIC_MOVES * SECOND);
}


/* a train through tunnels isn't held up */

static void
honest(void **state)
{
    ngx_uint_t  i;

    for (i = 0; i < 100; i++) {
        assert_true(move(i % 2 ? &home : &away));
        test_pair_pass(&pair, SECOND / 3);
    }
}


/*
 * Somebody on the way sends copies of what the client sends, from elsewhere:
 * with its next packet we are back, however often that is tried.
 */

static void
spoofed(void **state)
{
    ngx_uint_t  i;

    for (i = 0; i < 10 * QUIC_MOVES; i++) {
        pair.from = away;
        assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01"), NGX_OK);
        assert_int_equal(is_at(&away), i < QUIC_MOVES);

        pair.from = home;
        assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01"), NGX_OK);
        assert_true(is_at(&home));
    }
}


/*
 * RFC 9000, 5.1.2: a path that was tried and given up doesn't hold the last
 * connection ID of a client that may give us two, and moves elsewhere then
 */

static void
probed(void **state)
{
    quic_addr_t  tried;

    pair_teardown(NULL);
    assert_int_equal(test_pair_init(&pair), NGX_OK);
    pair.conf.active_cid_limit = 2;
    assert_int_equal(pair_connect(NULL, CLIENT_ESTABLISHED), NGX_OK);

    pair_issue(1, 0);

    tried = home;
    tried.sin.sin_addr.s_addr = htonl(0x0a000004);

    pair.from = tried;
    cl->dcid = cl->cids[0].cid;
    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "1a 61*8"), NGX_OK);

    /* the rest, ACKs as well, comes from where it is */

    pair.from = home;
    cl->dcid = conn->cids.initial;
    test_pair_pass(&pair, 0);

    assert_int_equal(cl->frames[QUIC_FT_PATH_RESPONSE], 1);
    assert_true(is_at(&home));

    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "19 01"), NGX_OK);
    assert_int_equal(client_ping(cl), NGX_OK);
    assert_int_equal(cl->retired, 1 << 1);
    assert_int_equal(cl->ncids, 2);

    pair_issue(2, 0);

    cl->dcid = cl->cids[1].cid;
    assert_true(move(&away));
    assert_int_equal(cl->used.data[0], 2);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
}


/*
 * A batch waits for its socket while the client moves: that it was too long
 * for one interface says nothing of another.
 */

static void
too_large(void **state)
{
    ngx_uint_t     i;
    quic_addr_t    port;
    quic_batch_t   batch;
    quic_pmtud_t  *pmtud;

    port = home;
    port.sin.sin_port++;

    struct {
        const quic_addr_t  *remote;
        size_t              mtu;
    } rows[] = {
        { &away, 1400 },
        { &home, QUIC_BASE_MTU },
        { &port, QUIC_BASE_MTU },
    };

    ngx_memzero(&batch, sizeof(batch));

    batch.conn = conn;
    batch.local = &pair.to;
    batch.segment = 1400;

    for (i = 0; i < test_array_len(rows); i++) {
        pmtud = &conn->recovery.pmtud;
        pmtud->mtu = 1400;

        batch.remote = rows[i].remote;
        quic_endpoint_too_large(&batch, pair.now);

        assert_int_equal(pmtud->mtu, rows[i].mtu);
    }
}


/*
 * 9.6.2: who has gone to the preferred address isn't followed before it has
 * answered from there, and may hear nothing until then.  It's asked again.
 */

static void
preferred(void **state)
{
    quic_addr_t  to;

    to = pair.to;
    pair.to.sin.sin_addr.s_addr = htonl(0x0a000004);

    cl->conf.no_ack = 1;
    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "01 00*1150"),
                     NGX_OK);

    test_pair_pass(&pair, 5 * SECOND);
    assert_true(quic_addr_equal(quic_conn_local(conn), &to));

    cl->conf.no_ack = 0;
    test_pair_pass(&pair, 5 * SECOND);
    assert_true(quic_addr_equal(quic_conn_local(conn), &pair.to));
}


#define migrate_test(name)                                                    \
    cmocka_unit_test_setup_teardown(name, setup, pair_teardown)

int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        migrate_test(moves),
        migrate_test(alternates),
        migrate_test(ports),
        migrate_test(honest),
        migrate_test(spoofed),
        migrate_test(probed),
        migrate_test(too_large),
        migrate_test(preferred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
