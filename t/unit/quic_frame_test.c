
/* Frames: the table, every MUST of the parser, round trips, the writers. */

#include "test.h"
#include "wire/quic_error.h"
#include "wire/quic_frame.h"


#define MAX  512


#define PKTS  (QUIC_FRAME_IN_INITIAL|QUIC_FRAME_IN_0RTT                       \
               |QUIC_FRAME_IN_HANDSHAKE|QUIC_FRAME_IN_1RTT)


typedef struct {
    uint64_t     type;
    const char  *name;
    const char  *pkts;       /* columns "Pkts" and "Spec" */
    const char  *spec;
    ngx_uint_t   server;
} row_t;


/* RFC 9000, table 3, with 12.5 for RETIRE_CONNECTION_ID; the extensions */

static row_t  rows[] = {
    { 0x00, "PADDING",              "IH01", "NP", 0 },
    { 0x01, "PING",                 "IH01", "",   0 },
    { 0x02, "ACK",                  "IH_1", "NC", 0 },
    { 0x03, "ACK_ECN",              "IH_1", "NC", 0 },
    { 0x04, "RESET_STREAM",         "__01", "",   0 },
    { 0x05, "STOP_SENDING",         "__01", "",   0 },
    { 0x06, "CRYPTO",               "IH_1", "",   0 },
    { 0x07, "NEW_TOKEN",            "___1", "",   1 },
    { 0x08, "STREAM",               "__01", "",   0 },
    { 0x09, "STREAM",               "__01", "",   0 },
    { 0x0a, "STREAM",               "__01", "",   0 },
    { 0x0b, "STREAM",               "__01", "",   0 },
    { 0x0c, "STREAM",               "__01", "",   0 },
    { 0x0d, "STREAM",               "__01", "",   0 },
    { 0x0e, "STREAM",               "__01", "",   0 },
    { 0x0f, "STREAM",               "__01", "",   0 },
    { 0x10, "MAX_DATA",             "__01", "",   0 },
    { 0x11, "MAX_STREAM_DATA",      "__01", "",   0 },
    { 0x12, "MAX_STREAMS_BIDI",     "__01", "",   0 },
    { 0x13, "MAX_STREAMS_UNI",      "__01", "",   0 },
    { 0x14, "DATA_BLOCKED",         "__01", "",   0 },
    { 0x15, "STREAM_DATA_BLOCKED",  "__01", "",   0 },
    { 0x16, "STREAMS_BLOCKED_BIDI", "__01", "",   0 },
    { 0x17, "STREAMS_BLOCKED_UNI",  "__01", "",   0 },
    { 0x18, "NEW_CONNECTION_ID",    "__01", "P",  0 },
    { 0x19, "RETIRE_CONNECTION_ID", "___1", "",   0 },
    { 0x1a, "PATH_CHALLENGE",       "__01", "P",  0 },
    { 0x1b, "PATH_RESPONSE",        "___1", "P",  0 },
    { 0x1c, "CONNECTION_CLOSE",     "IH01", "NC", 0 },
    { 0x1d, "CONNECTION_CLOSE_APP", "__01", "NC", 0 },
    { 0x1e, "HANDSHAKE_DONE",       "___1", "",   1 },
    { 0x1f, "IMMEDIATE_ACK",        "___1", "",   0 },
    { 0x30, "DATAGRAM",             "__01", "",   0 },
    { 0x31, "DATAGRAM",             "__01", "",   0 },
    { 0xaf, "ACK_FREQUENCY",        "___1", "",   0 }
};


static ngx_uint_t
row_flags(row_t *r)
{
    ngx_uint_t  flags;

    flags = 0;

    flags |= strchr(r->pkts, 'I') ? QUIC_FRAME_IN_INITIAL : 0;
    flags |= strchr(r->pkts, 'H') ? QUIC_FRAME_IN_HANDSHAKE : 0;
    flags |= strchr(r->pkts, '0') ? QUIC_FRAME_IN_0RTT : 0;
    flags |= strchr(r->pkts, '1') ? QUIC_FRAME_IN_1RTT : 0;

    flags |= strchr(r->spec, 'N') ? 0 : QUIC_FRAME_ACK_ELICITING;
    flags |= strchr(r->spec, 'C') ? 0 : QUIC_FRAME_IN_FLIGHT;
    flags |= strchr(r->spec, 'P') ? QUIC_FRAME_PROBING : 0;
    flags |= r->server ? QUIC_FRAME_SERVER_ONLY : 0;

    return flags;
}


static void
test_table(void **state)
{
    row_t     *r;
    uint64_t   type;

    r = rows;

    for (type = 0; type < 0x200; type++) {

        if (r < rows + test_array_len(rows) && r->type == type) {
            assert_int_equal(quic_frame_flags(type), row_flags(r));
            assert_string_equal(quic_frame_name(type), r->name);
            r++;

        } else {
            assert_int_equal(quic_frame_flags(type), 0);
            assert_string_equal(quic_frame_name(type), "unknown");
        }
    }

    assert_ptr_equal(r, rows + test_array_len(rows));

    assert_int_equal(quic_frame_flags(UINT64_MAX), 0);
    assert_string_equal(quic_frame_name(UINT64_MAX), "unknown");
}


static void
check_inside(quic_cursor_t *c, u_char *start, u_char *data, uint64_t len)
{
    assert_true(data >= start && data <= c->pos);
    assert_true(len <= (uint64_t) (c->pos - data));
}


/* the iterator gives what the counts say, downwards, and comes to an end */

static void
check_ack(quic_frame_ack_t *ack)
{
    uint64_t         first, last, n, smallest;
    quic_ack_iter_t  it;

    n = 0;
    smallest = 0;

    quic_ack_start(&it, ack);

    while (quic_ack_next(&it, &first, &last)) {
        assert_true(first <= last);
        assert_true(n == 0 ? last == ack->largest : last + 1 < smallest);

        smallest = first;
        n++;
    }

    assert_int_equal(n, ack->range_count + 1);
    assert_false(quic_ack_next(&it, &first, &last));
}


/* all that holds for any frame that is parsed, by type */

static void
check_frame(quic_frame_t *f, quic_cursor_t *c, u_char *start)
{
    assert_int_not_equal(quic_frame_flags(f->type), 0);

    switch (f->type) {

    case QUIC_FT_PADDING:
        assert_int_equal(f->u.padding, c->pos - start);
        break;

    case QUIC_FT_ACK:
    case QUIC_FT_ACK_ECN:
        check_ack(&f->u.ack);
        break;

    case QUIC_FT_CRYPTO:
        check_inside(c, start, f->u.crypto.data, f->u.crypto.length);
        assert_true(f->u.crypto.offset + f->u.crypto.length
                    <= QUIC_VARINT_MAX);
        break;

    case QUIC_FT_STREAM:
        check_inside(c, start, f->u.stream.data, f->u.stream.length);
        assert_true(f->u.stream.offset + f->u.stream.length
                    <= QUIC_VARINT_MAX);
        break;

    case QUIC_FT_NEW_TOKEN:
        check_inside(c, start, f->u.token.data, f->u.token.len);
        assert_true(f->u.token.len > 0);
        break;

    case QUIC_FT_DATAGRAM:
        check_inside(c, start, f->u.datagram.data, f->u.datagram.len);
        break;

    case QUIC_FT_CONNECTION_CLOSE:
    case QUIC_FT_CONNECTION_CLOSE_APP:
        check_inside(c, start, f->u.close.reason.data, f->u.close.reason.len);
        break;

    case QUIC_FT_NEW_CONNECTION_ID:
        assert_in_range(f->u.new_cid.cid.len, 1, QUIC_CID_MAX_LEN);
        assert_true(f->u.new_cid.retire_prior_to <= f->u.new_cid.seq);
        break;

    default:
        break;
    }
}


static ngx_int_t
parse_next(quic_cursor_t *c, quic_frame_t *f, uint64_t *error)
{
    u_char      *start;
    ngx_int_t    rc;
    const char  *reason;

    start = c->pos;
    reason = NULL;

    rc = quic_frame_parse(c, f, error, &reason);

    assert_true(c->pos <= c->end);

    if (rc == NGX_OK) {
        assert_true(c->pos > start);
        check_frame(f, c, start);

    } else {
        assert_int_equal(rc, NGX_ERROR);
        assert_non_null(reason);
        assert_true(*error == QUIC_FRAME_ENCODING_ERROR
                    || *error == QUIC_PROTOCOL_VIOLATION);
    }

    return rc;
}


/* the only frame in "data" */

static ngx_int_t
parse(u_char *data, size_t len, quic_frame_t *f, uint64_t *error)
{
    ngx_int_t      rc;
    quic_cursor_t  c;

    quic_cursor_init(&c, data, len);

    rc = parse_next(&c, f, error);

    if (rc == NGX_OK) {
        assert_int_equal(quic_cursor_left(&c), 0);
    }

    return rc;
}


/* writes what was parsed, with the functions of the header */

static u_char *
write_stream(quic_frame_t *f, u_char *p, u_char *end)
{
    size_t  len;

    len = f->u.stream.length;
    p = quic_frame_write_stream_header(p, end, f->u.stream.id,
                                       f->u.stream.offset, &len,
                                       f->u.stream.fin);

    return p ? ngx_cpymem(p, f->u.stream.data, len) : NULL;
}


static u_char *
write_crypto(quic_frame_t *f, u_char *p, u_char *end)
{
    size_t  len;

    len = f->u.crypto.length;
    p = quic_frame_write_crypto_header(p, end, f->u.crypto.offset, &len);

    return p ? ngx_cpymem(p, f->u.crypto.data, len) : NULL;
}


static u_char *
write_ack(quic_frame_t *f, u_char *p, u_char *end)
{
    uint64_t         first, last, ecn[3];
    ngx_uint_t       n;
    quic_range_t     ranges[MAX];
    quic_ack_iter_t  it;

    n = f->u.ack.range_count + 1;
    quic_ack_start(&it, &f->u.ack);

    while (quic_ack_next(&it, &first, &last)) {
        n--;
        ranges[n].start = first;
        ranges[n].end = last + 1;
    }

    ecn[0] = f->u.ack.ect0;
    ecn[1] = f->u.ack.ect1;
    ecn[2] = f->u.ack.ce;

    return quic_frame_write_ack(p, end, ranges, f->u.ack.range_count + 1,
                                f->u.ack.delay,
                                f->type == QUIC_FT_ACK_ECN ? ecn : NULL);
}


static u_char *
write_frame(quic_frame_t *f, u_char *p, u_char *end)
{
    switch (f->type) {

    case QUIC_FT_ACK:
    case QUIC_FT_ACK_ECN:
        return write_ack(f, p, end);

    case QUIC_FT_RESET_STREAM:
        return quic_frame_write_reset_stream(p, end, f->u.reset.id,
                                             f->u.reset.error,
                                             f->u.reset.final_size);
    case QUIC_FT_STOP_SENDING:
        return quic_frame_write_stop_sending(p, end, f->u.reset.id,
                                             f->u.reset.error);
    case QUIC_FT_CRYPTO:
        return write_crypto(f, p, end);

    case QUIC_FT_NEW_TOKEN:
        return quic_frame_write_new_token(p, end, &f->u.token);

    case QUIC_FT_STREAM:
        return write_stream(f, p, end);

    case QUIC_FT_MAX_STREAM_DATA:
    case QUIC_FT_STREAM_DATA_BLOCKED:
        return quic_frame_write_values(p, end, f->type, f->u.stream_max.id,
                                       f->u.stream_max.max);
    case QUIC_FT_NEW_CONNECTION_ID:
        return quic_frame_write_new_cid(p, end, f->u.new_cid.seq,
                                        f->u.new_cid.retire_prior_to,
                                        &f->u.new_cid.cid,
                                        f->u.new_cid.token);
    case QUIC_FT_RETIRE_CONNECTION_ID:
        return quic_frame_write_value(p, end, f->type, f->u.seq);

    case QUIC_FT_PATH_CHALLENGE:
    case QUIC_FT_PATH_RESPONSE:
        return quic_frame_write_path(p, end, f->type, f->u.path);

    case QUIC_FT_CONNECTION_CLOSE:
    case QUIC_FT_CONNECTION_CLOSE_APP:
        return quic_frame_write_close(p, end,
                                      f->type == QUIC_FT_CONNECTION_CLOSE_APP,
                                      f->u.close.error,
                                      f->u.close.frame_type,
                                      &f->u.close.reason);
    case QUIC_FT_ACK_FREQUENCY:
        return quic_frame_write_ack_frequency(p, end, &f->u.ack_frequency);

    case QUIC_FT_PING:
    case QUIC_FT_HANDSHAKE_DONE:
    case QUIC_FT_IMMEDIATE_ACK:
        return quic_frame_write_plain(p, end, f->type);

    default:
        return quic_frame_write_value(p, end, f->type, f->u.max);
    }
}


/*
 * Frames that are written as they are read.  "open": its last field goes on to
 * the end of the packet, so that a shorter frame is a frame as well.
 */

typedef struct {
    const char  *hex;
    uint64_t     type;
    ngx_uint_t   open;
} frame_t;


static frame_t  frames[] = {
    { "01", 0x01, 0 },
    { "02 00 00 00 00", 0x02, 0 },
    { "02 4064 05 02 0a 03 01 00 02", 0x02, 0 },
    { "03 4064 05 00 0a 01 4040 80010000", 0x03, 0 },
    { "03 ffffffffffffffff ffffffffffffffff 01 00 fffffffffffffffc 01"
      "ffffffffffffffff ffffffffffffffff ffffffffffffffff", 0x03, 0 },
    { "04 04 4100 80010000", 0x04, 0 },
    { "05 04 4102", 0x05, 0 },
    { "06 00 03 aabbcc", 0x06, 0 },
    { "06 4100 00", 0x06, 0 },
    { "06 fffffffffffffffe 01 aa", 0x06, 0 },
    { "07 03 aabbcc", 0x07, 0 },
    { "08 04 aabbcc", 0x08, 1 },
    { "09 04 aabbcc", 0x08, 1 },
    { "0c 04 4100 aabbcc", 0x08, 1 },
    { "0d 04 fffffffffffffffc aabbcc", 0x08, 1 },
    { "09 04", 0x08, 0 },
    { "10 ffffffffffffffff", 0x10, 0 },
    { "11 04 80100000", 0x11, 0 },
    { "12 d000000000000000", 0x12, 0 },
    { "13 4064", 0x13, 0 },
    { "14 4064", 0x14, 0 },
    { "15 08 4064", 0x15, 0 },
    { "16 d000000000000000", 0x16, 0 },
    { "17 03", 0x17, 0 },
    { "18 05 05 01 aa 000102030405060708090a0b0c0d0e0f", 0x18, 0 },
    { "18 4064 00 14 000102030405060708090a0b0c0d0e0f10111213"
      "000102030405060708090a0b0c0d0e0f", 0x18, 0 },
    { "19 07", 0x19, 0 },
    { "1a 0001020304050607", 0x1a, 0 },
    { "1b 0001020304050607", 0x1b, 0 },
    { "1c 07 40af 03 626164", 0x1c, 0 },
    { "1c 00 00 00", 0x1c, 0 },
    { "1d 4100 03 627965", 0x1d, 0 },
    { "1e", 0x1e, 0 },
    { "1f", 0x1f, 0 },
    { "40af 00 0a 8000c350 01", 0xaf, 0 }
};


static void
test_round_trip(void **state)
{
    u_char         buf[MAX], out[MAX], *data, *p;
    size_t         len, size;
    frame_t       *e;
    uint64_t       error;
    quic_frame_t   f;

    for (e = frames; e < frames + test_array_len(frames); e++) {
        len = test_hex(buf, sizeof(buf), e->hex);
        data = test_dup(buf, len);

        assert_int_equal(parse(data, len, &f, &error), NGX_OK);
        assert_int_equal(f.type, e->type);

        p = write_frame(&f, out, out + len);

        assert_ptr_equal(p, out + len);
        assert_memory_equal(out, data, len);

        /* STREAM and CRYPTO data, reasons and ranges shrink, the rest isn't
         * written where it doesn't fit */

        for (size = 0; size < len; size++) {
            p = write_frame(&f, out, out + size);
            assert_true(p == NULL || (p >= out && p <= out + size));

            if (f.type > QUIC_FT_STREAM && f.type < QUIC_FT_CONNECTION_CLOSE) {
                assert_null(p);
            }
        }

        free(data);
    }
}


static void
test_truncated(void **state)
{
    u_char         buf[MAX], *data;
    size_t         len, cut;
    frame_t       *e;
    uint64_t       error;
    quic_frame_t   f;

    for (e = frames; e < frames + test_array_len(frames); e++) {
        len = test_hex(buf, sizeof(buf), e->hex);

        for (cut = 0; cut < len; cut++) {
            data = test_dup(buf, cut);

            if (e->open && cut >= len - 3) {
                assert_int_equal(parse(data, cut, &f, &error), NGX_OK);
                assert_int_equal(f.u.stream.length, cut - (len - 3));

            } else {
                assert_int_equal(parse(data, cut, &f, &error), NGX_ERROR);
                assert_int_equal(error, QUIC_FRAME_ENCODING_ERROR);
            }

            free(data);
        }
    }
}


typedef struct {
    const char  *hex;
    uint64_t     error;
    const char  *reason;
} refused_t;


static refused_t  refused[] = {

    /* 12.4 */
    { "", QUIC_FRAME_ENCODING_ERROR, "truncated frame" },
    { "4001", QUIC_PROTOCOL_VIOLATION,
      "frame type is not in its shortest form" },
    { "80000006 00 00", QUIC_PROTOCOL_VIOLATION,
      "frame type is not in its shortest form" },
    { "c000000000000000", QUIC_PROTOCOL_VIOLATION,
      "frame type is not in its shortest form" },
    { "800000af 00 00 00 00", QUIC_PROTOCOL_VIOLATION,
      "frame type is not in its shortest form" },
    { "20", QUIC_FRAME_ENCODING_ERROR, "unknown frame type" },
    { "32", QUIC_FRAME_ENCODING_ERROR, "unknown frame type" },
    { "40ae", QUIC_FRAME_ENCODING_ERROR, "unknown frame type" },
    { "40b0", QUIC_FRAME_ENCODING_ERROR, "unknown frame type" },
    { "ffffffffffffffff", QUIC_FRAME_ENCODING_ERROR, "unknown frame type" },

    /* 19.3.1 */
    { "02 05 00 00 06", QUIC_FRAME_ENCODING_ERROR,
      "ACK of a negative packet number" },
    { "02 05 00 01 02 02 00", QUIC_FRAME_ENCODING_ERROR,
      "ACK of a negative packet number" },
    { "02 05 00 01 02 01 01", QUIC_FRAME_ENCODING_ERROR,
      "ACK of a negative packet number" },
    { "02 0a 00 02 00 00 00 03 04", QUIC_FRAME_ENCODING_ERROR,
      "ACK of a negative packet number" },
    { "02 05 00 01 05 00 00", QUIC_FRAME_ENCODING_ERROR,
      "ACK of a negative packet number" },
    { "02 ffffffffffffffff 00 01 00 ffffffffffffffff ffffffffffffffff",
      QUIC_FRAME_ENCODING_ERROR, "ACK of a negative packet number" },
    { "02 4064 00 ffffffffffffffff 00 00 00", QUIC_FRAME_ENCODING_ERROR,
      "truncated frame" },

    /* 19.6 to 19.8 */
    { "06 ffffffffffffffff 01 aa", QUIC_FRAME_ENCODING_ERROR,
      "CRYPTO data beyond 2^62-1" },
    { "06 00 ffffffffffffffff aa", QUIC_FRAME_ENCODING_ERROR,
      "truncated frame" },
    { "07 00", QUIC_FRAME_ENCODING_ERROR, "empty token in NEW_TOKEN" },
    { "0e 00 ffffffffffffffff 01 aa", QUIC_FRAME_ENCODING_ERROR,
      "STREAM data beyond 2^62-1" },
    { "0c 00 ffffffffffffffff aa", QUIC_FRAME_ENCODING_ERROR,
      "STREAM data beyond 2^62-1" },
    { "0a 00 ffffffffffffffff aa", QUIC_FRAME_ENCODING_ERROR,
      "truncated frame" },

    /* 19.11 and 19.14 */
    { "12 d000000000000001", QUIC_FRAME_ENCODING_ERROR,
      "more than 2^60 streams" },
    { "13 ffffffffffffffff", QUIC_FRAME_ENCODING_ERROR,
      "more than 2^60 streams" },
    { "16 d000000000000001", QUIC_FRAME_ENCODING_ERROR,
      "more than 2^60 streams" },
    { "17 d000000000000001", QUIC_FRAME_ENCODING_ERROR,
      "more than 2^60 streams" },

    /* 19.15 */
    { "18 05 06 01 aa 000102030405060708090a0b0c0d0e0f",
      QUIC_FRAME_ENCODING_ERROR, "NEW_CONNECTION_ID retires itself" },
    { "18 05 05 00 000102030405060708090a0b0c0d0e0f",
      QUIC_FRAME_ENCODING_ERROR,
      "invalid connection ID length in NEW_CONNECTION_ID" },
    { "18 05 05 15 000102030405060708090a0b0c0d0e0f1011121314"
      "000102030405060708090a0b0c0d0e0f", QUIC_FRAME_ENCODING_ERROR,
      "invalid connection ID length in NEW_CONNECTION_ID" },
    { "18 05 05 ff aa", QUIC_FRAME_ENCODING_ERROR,
      "invalid connection ID length in NEW_CONNECTION_ID" },

    /* 19.19 */
    { "1c 00 00 03 aabb", QUIC_FRAME_ENCODING_ERROR, "truncated frame" },
    { "1d 00 ffffffffffffffff", QUIC_FRAME_ENCODING_ERROR,
      "truncated frame" },

    /* RFC 9221 */
    { "31 02 aa", QUIC_FRAME_ENCODING_ERROR, "truncated frame" }
};


static void
test_refused(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len;
    uint64_t        error;
    refused_t      *r;
    const char     *reason;
    quic_frame_t    f;
    quic_cursor_t   c;

    for (r = refused; r < refused + test_array_len(refused); r++) {
        len = test_hex(buf, sizeof(buf), r->hex);
        data = test_dup(buf, len);

        quic_cursor_init(&c, data, len);

        if (quic_frame_parse(&c, &f, &error, &reason) != NGX_ERROR) {
            fail_msg("%s: accepted", r->hex);
        }

        assert_int_equal(error, r->error);
        assert_string_equal(reason, r->reason);

        free(data);
    }
}


static void
parse_hex(const char *hex, quic_frame_t *f)
{
    uint64_t       error;
    static u_char  buf[MAX];

    assert_int_equal(parse(buf, test_hex(buf, sizeof(buf), hex), f, &error),
                     NGX_OK);
}


static void
test_fields(void **state)
{
    quic_frame_t  f;

    parse_hex("04 04 4100 80010000", &f);
    assert_int_equal(f.u.reset.id, 4);
    assert_int_equal(f.u.reset.error, 0x100);
    assert_int_equal(f.u.reset.final_size, 0x10000);

    parse_hex("05 04 4102", &f);
    assert_int_equal(f.u.reset.id, 4);
    assert_int_equal(f.u.reset.error, 0x102);
    assert_int_equal(f.u.reset.final_size, 0);

    parse_hex("06 4100 02 aabb", &f);
    assert_int_equal(f.u.crypto.offset, 0x100);
    assert_int_equal(f.u.crypto.length, 2);
    assert_memory_equal(f.u.crypto.data, "\xaa\xbb", 2);

    parse_hex("0f 04 4100 02 aabb", &f);
    assert_int_equal(f.type, QUIC_FT_STREAM);
    assert_int_equal(f.wire_type, 0x0f);
    assert_int_equal(f.u.stream.id, 4);
    assert_int_equal(f.u.stream.offset, 0x100);
    assert_int_equal(f.u.stream.length, 2);
    assert_true(f.u.stream.fin);
    assert_memory_equal(f.u.stream.data, "\xaa\xbb", 2);

    parse_hex("0a 04 02 aabb", &f);
    assert_int_equal(f.u.stream.offset, 0);
    assert_int_equal(f.u.stream.length, 2);
    assert_false(f.u.stream.fin);

    parse_hex("18 05 04 02 aabb 000102030405060708090a0b0c0d0e0f", &f);
    assert_int_equal(f.u.new_cid.seq, 5);
    assert_int_equal(f.u.new_cid.retire_prior_to, 4);
    assert_int_equal(f.u.new_cid.cid.len, 2);
    assert_memory_equal(f.u.new_cid.cid.data, "\xaa\xbb", 2);
    assert_int_equal(f.u.new_cid.token[15], 0x0f);

    parse_hex("19 07", &f);
    assert_int_equal(f.u.seq, 7);

    parse_hex("1a 0102030405060708", &f);
    assert_memory_equal(f.u.path, "\1\2\3\4\5\6\7\10", 8);

    parse_hex("1c 07 08 03 626164", &f);
    assert_int_equal(f.u.close.error, 7);
    assert_int_equal(f.u.close.frame_type, 8);
    assert_int_equal(f.u.close.reason.len, 3);
    assert_memory_equal(f.u.close.reason.data, "bad", 3);

    parse_hex("1d 4100 00", &f);
    assert_int_equal(f.u.close.error, 0x100);
    assert_int_equal(f.u.close.frame_type, 0);

    parse_hex("30 aabb", &f);
    assert_int_equal(f.type, QUIC_FT_DATAGRAM);
    assert_int_equal(f.u.datagram.len, 2);

    parse_hex("31 02 aabb", &f);
    assert_int_equal(f.type, QUIC_FT_DATAGRAM);
    assert_int_equal(f.wire_type, 0x31);
    assert_int_equal(f.u.datagram.len, 2);
    assert_memory_equal(f.u.datagram.data, "\xaa\xbb", 2);

    parse_hex("30", &f);
    assert_int_equal(f.u.datagram.len, 0);

    parse_hex("40af 01 02 03 04", &f);
    assert_int_equal(f.u.ack_frequency.seq, 1);
    assert_int_equal(f.u.ack_frequency.threshold, 2);
    assert_int_equal(f.u.ack_frequency.max_ack_delay, 3);
    assert_int_equal(f.u.ack_frequency.reordering, 4);
}


static void
test_padding(void **state)
{
    u_char         buf[16];
    size_t         len;
    uint64_t       error;
    quic_frame_t   f;
    quic_cursor_t  c;

    len = test_hex(buf, sizeof(buf), "000000 01 00 06 00 00 0000");
    quic_cursor_init(&c, buf, len);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    assert_int_equal(f.type, QUIC_FT_PADDING);
    assert_int_equal(f.u.padding, 3);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    assert_int_equal(f.type, QUIC_FT_PING);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    assert_int_equal(f.u.padding, 1);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    assert_int_equal(f.type, QUIC_FT_CRYPTO);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    assert_int_equal(f.u.padding, 2);
    assert_int_equal(quic_cursor_left(&c), 0);
}


static void
test_ack_ranges(void **state)
{
    uint64_t         first, last;
    quic_frame_t     f;
    quic_ack_iter_t  it;

    /* 90-100, 85-86, 80 */

    parse_hex("03 4064 4007 02 0a 02 01 03 00 01 02 03", &f);

    assert_int_equal(f.u.ack.largest, 100);
    assert_int_equal(f.u.ack.delay, 7);
    assert_int_equal(f.u.ack.range_count, 2);
    assert_int_equal(f.u.ack.ect0, 1);
    assert_int_equal(f.u.ack.ect1, 2);
    assert_int_equal(f.u.ack.ce, 3);

    quic_ack_start(&it, &f.u.ack);

    assert_true(quic_ack_next(&it, &first, &last));
    assert_int_equal(first, 90);
    assert_int_equal(last, 100);

    assert_true(quic_ack_next(&it, &first, &last));
    assert_int_equal(first, 85);
    assert_int_equal(last, 86);

    assert_true(quic_ack_next(&it, &first, &last));
    assert_int_equal(first, 80);
    assert_int_equal(last, 80);

    assert_false(quic_ack_next(&it, &first, &last));

    /* down to packet 0, and no counts */

    parse_hex("02 04 00 01 00 01 01", &f);
    assert_int_equal(f.u.ack.ect0 + f.u.ack.ect1 + f.u.ack.ce, 0);

    quic_ack_start(&it, &f.u.ack);

    assert_true(quic_ack_next(&it, &first, &last));
    assert_true(quic_ack_next(&it, &first, &last));
    assert_int_equal(first, 0);
    assert_int_equal(last, 1);
}


/* what was written into exactly "room" bytes is parsed again */

static void
check_stream(uint64_t id, uint64_t offset, size_t length, size_t room,
    ngx_uint_t fin)
{
    u_char         *buf, *p;
    size_t          head, n;
    uint64_t        error;
    quic_frame_t    f;
    quic_cursor_t   c;

    buf = malloc(room + 1);
    n = length;
    head = 1 + quic_varint_len(id) + (offset ? quic_varint_len(offset) : 0);

    p = quic_frame_write_stream_header(buf, buf + room, id, offset, &n, fin);

    if (p == NULL) {
        assert_true(room < head + (length > 0));
        free(buf);
        return;
    }

    assert_int_equal(n, ngx_min(length, room - head));
    assert_true(p + n <= buf + room);

    ngx_memset(p, 0xa5, n);
    quic_cursor_init(&c, buf, p + n - buf);

    assert_int_equal(parse_next(&c, &f, &error), NGX_OK);

    if (f.type == QUIC_FT_PADDING) {
        assert_true(p + n == buf + room && f.u.padding < 8);
        assert_true(head + quic_varint_len(n) + n > room);
        assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
    }

    assert_int_equal(f.type, QUIC_FT_STREAM);
    assert_int_equal(f.u.stream.id, id);
    assert_int_equal(f.u.stream.offset, offset);
    assert_int_equal(f.u.stream.length, n);
    assert_ptr_equal(f.u.stream.data, p);
    assert_int_equal(f.u.stream.fin, fin && n == length);
    assert_int_equal(quic_cursor_left(&c), 0);

    /* with a frame behind it if there is room for one */

    if (p + n < buf + room) {
        buf[p + n - buf] = QUIC_FT_PING;
        quic_cursor_init(&c, buf, p + n - buf + 1);

        assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
        assert_int_equal(f.u.stream.length, n);
        assert_int_equal(parse_next(&c, &f, &error), NGX_OK);
        assert_int_equal(f.type, QUIC_FT_PING);
    }

    free(buf);
}


static void
test_write_stream(void **state)
{
    size_t      length, room;
    uint64_t    ids[] = { 0, 0x4000 };
    uint64_t    offsets[] = { 0, 1, 0x40000000 };
    ngx_uint_t  i, k, fin;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < 3; k++) {
            for (fin = 0; fin < 2; fin++) {
                for (length = 0; length < 90; length++) {
                    for (room = 0; room < 100; room++) {
                        check_stream(ids[i], offsets[k], length, room, fin);
                    }
                }
            }
        }
    }

    /* around the next length of the Length field */

    for (length = 16380; length < 16390; length++) {
        for (room = 16380; room < 16400; room++) {
            check_stream(4, 0, length, room, 1);
        }
    }
}


static void
check_crypto(uint64_t offset, size_t length, size_t room)
{
    u_char        *buf, *p;
    size_t         head, n;
    uint64_t       error;
    quic_frame_t   f;

    buf = malloc(room + 1);
    n = length;
    head = 1 + quic_varint_len(offset);

    p = quic_frame_write_crypto_header(buf, buf + room, offset, &n);

    if (p == NULL) {
        assert_true(room < head + 1 + (length > 0));
        free(buf);
        return;
    }

    assert_true(n <= length && p + n <= buf + room);

    /* one more byte would not have fitted */

    assert_true(n == length
                || head + quic_varint_len(n + 1) + n + 1 > room);

    ngx_memset(p, 0xa5, n);

    assert_int_equal(parse(buf, p + n - buf, &f, &error), NGX_OK);
    assert_int_equal(f.u.crypto.offset, offset);
    assert_int_equal(f.u.crypto.length, n);
    assert_ptr_equal(f.u.crypto.data, p);

    free(buf);
}


static void
test_write_crypto(void **state)
{
    size_t  length, room;

    for (length = 0; length < 90; length++) {
        for (room = 0; room < 100; room++) {
            check_crypto(0, length, room);
            check_crypto(0x4000, length, room);
        }
    }

    for (length = 16380; length < 16390; length++) {
        for (room = 16380; room < 16400; room++) {
            check_crypto(0, length, room);
        }
    }
}


/* the ranges that are read are the largest of those that were to be written,
 * and the next would not have fitted */

static void
check_write_ack(quic_range_t *ranges, ngx_uint_t n, uint64_t *ecn,
    size_t room)
{
    u_char          *buf, *p;
    size_t           need;
    uint64_t         first, last, error;
    ngx_uint_t       i;
    quic_frame_t     f;
    quic_ack_iter_t  it;

    buf = malloc(room + 1);

    p = quic_frame_write_ack(buf, buf + room, ranges, n, 77, ecn);

    if (p == NULL) {
        assert_true(room < 1 + 8 + 2 + 8 + 8 + 3 * 8);
        free(buf);
        return;
    }

    assert_true(p <= buf + room);
    assert_int_equal(parse(buf, p - buf, &f, &error), NGX_OK);
    assert_int_equal(f.type, ecn ? QUIC_FT_ACK_ECN : QUIC_FT_ACK);
    assert_int_equal(f.u.ack.delay, 77);

    if (ecn) {
        assert_int_equal(f.u.ack.ect0, ecn[0]);
        assert_int_equal(f.u.ack.ect1, ecn[1]);
        assert_int_equal(f.u.ack.ce, ecn[2]);
    }

    i = n;
    quic_ack_start(&it, &f.u.ack);

    while (quic_ack_next(&it, &first, &last)) {
        assert_true(i > 0);
        i--;
        assert_int_equal(first, ranges[i].start);
        assert_int_equal(last, ranges[i].end - 1);
    }

    if (i > 0) {
        need = quic_varint_len(ranges[i].start - ranges[i - 1].end - 1)
               + quic_varint_len(ranges[i - 1].end - ranges[i - 1].start - 1);

        /* the count's own length may differ by one byte */

        assert_true(p + need + 1 > buf + room);
    }

    free(buf);
}


static void
test_write_ack(void **state)
{
    size_t        room;
    uint64_t      at, ecn[3];
    ngx_uint_t    i, k, n;
    quic_range_t  ranges[100];

    for (i = 0; i < 3000; i++) {
        n = 1 + test_rand() % test_array_len(ranges);
        at = test_rand() >> (10 + test_rand() % 54);

        for (k = 0; k < n; k++) {
            at += 1 + (test_rand() % 4 ? test_rand() % 3 : test_rand() % 9999);
            ranges[k].start = at;
            at += 1 + (test_rand() % 4 ? test_rand() % 3 : test_rand() % 9999);
            ranges[k].end = at;
        }

        for (k = 0; k < 3; k++) {
            ecn[k] = test_rand() >> (2 + test_rand() % 62);
        }

        room = test_rand() % 4 ? test_rand() % 300 : 2000;

        check_write_ack(ranges, n, test_rand() % 2 ? ecn : NULL, room);
    }
}


static void
test_write_ack_bytes(void **state)
{
    u_char        buf[32], expected[32], *p;
    size_t        len;
    quic_range_t  ranges[] = { { 80, 81 }, { 85, 87 }, { 90, 101 } };

    p = quic_frame_write_ack(buf, buf + sizeof(buf), ranges, 3, 7, NULL);

    len = test_hex(expected, sizeof(expected), "02 4064 07 02 0a 02 01 03 00");
    assert_int_equal(p - buf, len);
    assert_memory_equal(buf, expected, len);

    /* one byte less, and one range less */

    p = quic_frame_write_ack(buf, buf + len - 1, ranges, 3, 7, NULL);

    len = test_hex(expected, sizeof(expected), "02 4064 07 01 0a 02 01");
    assert_int_equal(p - buf, len);
    assert_memory_equal(buf, expected, len);

    p = quic_frame_write_ack(buf, buf + 6, ranges, 3, 7, NULL);

    len = test_hex(expected, sizeof(expected), "02 4064 07 00 0a");
    assert_int_equal(p - buf, len);
    assert_memory_equal(buf, expected, len);

    assert_null(quic_frame_write_ack(buf, buf + 5, ranges, 3, 7, NULL));
}


static void
test_write_close(void **state)
{
    u_char        buf[MAX], text[100], *p;
    size_t        room;
    uint64_t      error;
    ngx_str_t     reason;
    quic_frame_t  f;

    ngx_memset(text, 'x', sizeof(text));
    reason.data = text;
    reason.len = sizeof(text);

    for (room = 0; room < 120; room++) {
        p = quic_frame_write_close(buf, buf + room, 0, 7, 8, &reason);

        if (room < 4) {
            assert_null(p);
            continue;
        }

        assert_true(p <= buf + room);
        assert_int_equal(parse(buf, p - buf, &f, &error), NGX_OK);
        assert_int_equal(f.u.close.error, 7);
        assert_int_equal(f.u.close.frame_type, 8);
        assert_true(f.u.close.reason.len == 100
                    || f.u.close.reason.len + 6 >= room);
    }

    assert_int_equal(f.u.close.reason.len, 100);

    p = quic_frame_write_close(buf, buf + MAX, 1, 0x100, 8, NULL);
    assert_int_equal(parse(buf, p - buf, &f, &error), NGX_OK);
    assert_int_equal(f.type, QUIC_FT_CONNECTION_CLOSE_APP);
    assert_int_equal(f.u.close.error, 0x100);
    assert_int_equal(f.u.close.frame_type, 0);
    assert_int_equal(f.u.close.reason.len, 0);
}


/* several frames in a row, bytes of them changed, cut; or plain garbage */

static size_t
random_packet(u_char *buf)
{
    size_t      len, n;
    frame_t    *e;
    ngx_uint_t  i;

    len = 0;

    for (i = 0; i < 5; i++) {
        e = &frames[test_rand() % test_array_len(frames)];
        len += test_hex(buf + len, MAX - len, e->hex);
    }

    for (n = test_rand() % 4; n; n--) {
        buf[test_rand() % len] = (u_char) test_rand();
    }

    if (test_rand() % 8 == 0) {
        test_rand_bytes(buf, len);
    }

    return test_rand() % 2 ? len : test_rand() % len;
}


static void
test_mutations(void **state)
{
    u_char         buf[MAX], *data;
    size_t         len;
    uint64_t       error;
    ngx_uint_t     i, good, bad;
    quic_frame_t   f;
    quic_cursor_t  c;

    good = 0;
    bad = 0;

    for (i = 0; i < 50000; i++) {
        len = random_packet(buf);
        data = test_dup(buf, len);

        quic_cursor_init(&c, data, len);

        while (quic_cursor_left(&c)) {

            if (parse_next(&c, &f, &error) != NGX_OK) {
                bad++;
                break;
            }

            good++;
        }

        free(data);
    }

    assert_true(good > 50000);
    assert_true(bad > 5000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_ack_ranges),
        cmocka_unit_test(test_write_stream),
        cmocka_unit_test(test_write_crypto),
        cmocka_unit_test(test_write_ack),
        cmocka_unit_test(test_write_ack_bytes),
        cmocka_unit_test(test_write_close),
        cmocka_unit_test(test_mutations)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
