
/* What becomes of a packet besides its frames. */

#include "pair.h"


#define SECOND  TEST_PAIR_SECOND


static u_char  kept[CLIENT_DATAGRAM];
static size_t  nkept;


/* a packet that an observer keeps for later; its number */

static uint64_t
send_kept(const u_char *frames, size_t len)
{
    client_packet_t  p;

    client_packet(cl, &p, QUIC_PACKET_1RTT);
    assert_int_equal(client_add(cl, &p, frames, len), NGX_OK);

    ngx_memcpy(kept, cl->out, cl->out_len);
    nkept = cl->out_len;

    client_flush(cl);

    return p.pn;
}


/* single bytes of stream 0 with holes between them, from hole to hole */

static size_t
write_gaps(u_char *buf, ngx_uint_t from, ngx_uint_t to)
{
    u_char  *p;

    p = buf;

    for ( /* void */ ; from < to; from++) {
        *p++ = QUIC_FT_STREAM|QUIC_STREAM_OFF|QUIC_STREAM_LEN;
        *p++ = 0;
        p = quic_varint_write(p, 2 * from + 1);
        *p++ = 1;
        *p++ = 'a';
    }

    return p - buf;
}


static void
fill_gaps(void)
{
    u_char      buf[4096];
    ngx_uint_t  n;

    for (n = 0; n < QUIC_MAX_STREAM_GAPS; n += 64) {
        (void) client_send(cl, QUIC_PACKET_1RTT, buf,
                           write_gaps(buf, n, n + 64));
    }

    assert_int_equal(client_ping(cl), NGX_OK);
}


/* RFC 9000, 10.1: what was processed starts the idle timer again, once */

static void
idle_timer(void **state)
{
    uint64_t     deadline;
    static const u_char  ping[] = { QUIC_FT_PING };

    deadline = conn->idle_deadline;
    pair.now += SECOND;

    (void) send_kept(ping, 1);
    assert_true(conn->idle_deadline > deadline);

    deadline = conn->idle_deadline;
    pair.now += SECOND;

    client_send_raw(cl, kept, nkept);
    assert_int_equal(conn->idle_deadline, deadline);

    kept[nkept - 1] ^= 1;
    client_send_raw(cl, kept, nkept);
    assert_int_equal(conn->idle_deadline, deadline);
}


/*
 * RFC 9001, 9.5: that its number is known doesn't spare a packet's
 * authentication, or it would be told by the time
 */

static void
duplicate(void **state)
{
    uint64_t             received;
    static const u_char  ping[] = { QUIC_FT_PING };

    (void) send_kept(ping, 1);
    received = conn->stats.packets_received;

    client_send_raw(cl, kept, nkept);
    assert_int_equal(conn->failed_opens, 0);

    kept[nkept - 1] ^= 1;
    client_send_raw(cl, kept, nkept);
    assert_int_equal(conn->failed_opens, 1);

    assert_int_equal(conn->stats.packets_received, received);
}


/* a packet that is refused is read once, and keeps no connection alive */

static void
refused(void **state)
{
    size_t      len;
    u_char      buf[64];
    uint64_t    pn, deadline, tokens;
    ngx_uint_t  i;

    fill_gaps();

    deadline = conn->idle_deadline;
    pair.now += SECOND;

    len = client_hex(buf, "1a 0102030405060708");
    len += write_gaps(buf + len, QUIC_MAX_STREAM_GAPS,
                      QUIC_MAX_STREAM_GAPS + 1);

    pn = send_kept(buf, len);
    tokens = conn->idle_frames.level;

    for (i = 0; i < 100; i++) {
        client_send_raw(cl, kept, nkept);
        assert_int_equal(conn->idle_deadline, deadline);
    }

    assert_int_equal(conn->state, QUIC_CONN_OPEN);
    assert_int_equal(conn->idle_frames.level, tokens);

    assert_int_equal(client_ping(cl), NGX_OK);
    assert_false(cl->space[2].acked[pn]);
    assert_int_equal(cl->frames[QUIC_FT_PATH_RESPONSE], 1);
    assert_true(conn->idle_deadline > deadline);
}


/* and when there is room, the same bytes are taken from another packet */

static void
refused_and_sent_again(void **state)
{
    size_t    len;
    u_char    buf[64];
    uint64_t  pn;

    fill_gaps();

    len = write_gaps(buf, QUIC_MAX_STREAM_GAPS, QUIC_MAX_STREAM_GAPS + 1);
    (void) send_kept(buf, len);

    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, "0a 00 01 61"),
                     NGX_OK);

    pn = send_kept(buf, len);

    assert_int_equal(client_ping(cl), NGX_OK);
    assert_true(cl->space[2].acked[pn]);
}


/* single bytes of stream 0, each in its frame, from the last to the first */

static void
send_bytes(ngx_uint_t n)
{
    u_char  buf[1024], *p;

    p = buf;

    while (n--) {
        *p++ = QUIC_FT_STREAM|QUIC_STREAM_OFF|QUIC_STREAM_LEN;
        *p++ = 0;
        p = quic_varint_write(p, n);
        *p++ = 1;
        *p++ = 'a';
    }

    assert_int_equal(client_send(cl, QUIC_PACKET_1RTT, buf, p - buf), NGX_OK);
}


/*
 * Who has lost half of a large window fills thousands of holes in one round
 * trip: no such frame is one that moves nothing forward, but its copies are,
 * and what is sent on a stream that nobody reads.
 */

static void
holes(void **state)
{
    uint64_t       *level;
    quic_stream_t  *s;

    level = &conn->idle_frames.level;
    *level = 1000 * SECOND;

    send_bytes(100);
    assert_int_equal(*level, (1000 + 100) * SECOND);

    send_bytes(100);
    assert_int_equal(*level, 1000 * SECOND);

    s = quic_streams_lookup(conn, 0);
    assert_int_equal(s->in.read, 100);
    quic_stream_stop(s, 0);

    /* the last byte of all is the only one that is counted */

    send_bytes(150);
    assert_int_equal(*level, (1000 + 1 - 149) * SECOND);
    assert_int_equal(conn->state, QUIC_CONN_OPEN);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        pair_test(idle_timer),
        pair_test(duplicate),
        pair_test(refused),
        pair_test(refused_and_sent_again),
        pair_test(holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
