
/* The peer's connection IDs: issued, retired, and heard of once more. */

#include "pair.h"


static int
teardown(void **state)
{
    test_pair_leave(&pair);
    test_pair_pass(&pair, 0);
    assert_int_equal(pair.ep.resets.n, 0);

    return pair_teardown(state);
}


static quic_peer_cid_t *
stored(uint64_t seq)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        if (conn->cids.peers[i].used && conn->cids.peers[i].seq == seq) {
            return &conn->cids.peers[i];
        }
    }

    return NULL;
}


/* as if a path had used it, and isn't there any more */

static void
retire(uint64_t seq)
{
    quic_path_t  path;

    ngx_memzero(&path, sizeof(path));

    assert_int_equal(quic_cids_take(conn, &path), NGX_OK);
    assert_int_equal(conn->cids.peers[path.peer].seq, seq);

    quic_cids_release(conn, &path);
    quic_conn_wake(conn);

    (void) client_ping(cl);
    assert_true(cl->retired & 1ULL << seq);
}


static ngx_uint_t
retires(void)
{
    return cl->frames[QUIC_FT_RETIRE_CONNECTION_ID];
}


/* RFC 9000, 5.1.2: the peer has forgotten it */

static void
late_copy(void **state)
{
    ngx_uint_t  i;

    pair_issue(1, 0);
    assert_non_null(stored(1));

    retire(1);
    assert_null(stored(1));
    assert_int_equal(retires(), 1);

    for (i = 0; i < 3; i++) {
        pair_issue(1, 0);
        assert_int_equal(conn->state, QUIC_CONN_OPEN);
        assert_null(stored(1));
    }

    /* it has been told already (19.15) */
    assert_int_equal(retires(), 1);
}


/* with a full table it would be one too many */

static void
late_copy_of_many(void **state)
{
    pair_issue(1, 0);
    retire(1);

    pair_issue(2, 0);
    pair_issue(3, 0);
    pair_issue(4, 0);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);

    pair_issue(1, 0);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
    assert_non_null(stored(0));
    assert_non_null(stored(2));
    assert_non_null(stored(3));
    assert_non_null(stored(4));

    pair_issue(5, 0);
    assert_int_equal(conn->state, QUIC_CONN_CLOSING);
    assert_int_equal(conn->close.error, QUIC_CONNECTION_ID_LIMIT_ERROR);
}


/* 19.15: what comes after its own retirement is retired, but once */

static void
late_and_retired(void **state)
{
    pair_issue(5, 5);
    assert_non_null(stored(5));
    assert_null(stored(0));
    assert_int_equal(cl->retired, 1);

    pair_issue(3, 0);
    assert_null(stored(3));
    assert_int_equal(cl->retired, 1 | 1 << 3);
    assert_int_equal(retires(), 2);

    pair_issue(3, 0);
    assert_int_equal(retires(), 2);

    /* the first of all is known as well */

    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT,
                                     "18 00 00 08 77*8 77*16"), NGX_OK);
    assert_int_equal(client_ping(cl), NGX_OK);
    assert_int_equal(retires(), 2);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
}


/* what a late copy retires is retired, though */

static void
late_copy_retires(void **state)
{
    pair_issue(1, 0);
    pair_issue(2, 0);
    pair_issue(2, 2);

    assert_null(stored(0));
    assert_null(stored(1));
    assert_non_null(stored(2));
    assert_int_equal(cl->retired, 1 | 1 << 1);
}


/* further behind than is remembered: nobody needs it, and it is let go */

static void
far_behind(void **state)
{
    pair_issue(1, 1);
    pair_issue(100, 1);
    assert_non_null(stored(100));

    pair_issue(100 - 63, 1);
    assert_non_null(stored(100 - 63));

    pair_issue(100 - 64, 1);
    assert_null(stored(100 - 64));
    assert_true(cl->retired & 1ULL << (100 - 64));
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
}


/* 19.15 */

static void
contradictions(void **state)
{
    ngx_uint_t  i;

    static const char  *rows[] = {
        "18 01 00 08 02*8 02*16",       /* number 1 once more, another ID */
        "18 01 00 08 01*8 02*16",       /* another token */
        "18 02 00 08 01*8 02*16",       /* its ID as number 2 */
        "18 00 00 08 02*8 02*16",
    };

    for (i = 0; i < test_array_len(rows); i++) {

        if (i) {
            teardown(NULL);
            assert_int_equal(pair_setup(NULL), 0);
        }

        pair_issue(1, 0);
        assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, rows[i]),
                         NGX_OK);
        assert_int_equal(conn->state, QUIC_CONN_CLOSING);
        assert_int_equal(conn->close.error, QUIC_PROTOCOL_VIOLATION);
    }
}


#define cids_test(name)                                                       \
    cmocka_unit_test_setup_teardown(name, pair_setup, teardown)

int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cids_test(late_copy),
        cids_test(late_copy_of_many),
        cids_test(late_and_retired),
        cids_test(late_copy_retires),
        cids_test(far_behind),
        cids_test(contradictions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
