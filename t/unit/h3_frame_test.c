
/* HTTP/3 frames in pieces, and SETTINGS. */

#include "test.h"
#include "wire/h3_frame.h"
#include "wire/quic_error.h"


#define MAX  512


typedef struct {
    uint64_t     type;
    ngx_uint_t   flags;
    const char  *name;
} row_t;


static row_t  rows[] = {
    { 0x00, H3_FRAME_ON_REQUEST, "DATA" },
    { 0x01, H3_FRAME_ON_REQUEST, "HEADERS" },
    { 0x02, 0, "HTTP/2 PRIORITY" },
    { 0x03, H3_FRAME_ON_CONTROL, "CANCEL_PUSH" },
    { 0x04, H3_FRAME_ON_CONTROL|H3_FRAME_FIRST_ON_CONTROL, "SETTINGS" },
    { 0x05, 0, "PUSH_PROMISE" },
    { 0x06, 0, "HTTP/2 PING" },
    { 0x07, H3_FRAME_ON_CONTROL, "GOAWAY" },
    { 0x08, 0, "HTTP/2 WINDOW_UPDATE" },
    { 0x09, 0, "HTTP/2 CONTINUATION" },
    { 0x0d, H3_FRAME_ON_CONTROL, "MAX_PUSH_ID" },
    { 0xf0700, H3_FRAME_ON_CONTROL, "PRIORITY_UPDATE_REQUEST" },
    { 0xf0701, H3_FRAME_ON_CONTROL, "PRIORITY_UPDATE_PUSH" },

    { 0x0a, H3_FRAME_ON_CONTROL|H3_FRAME_ON_REQUEST, "unknown" },
    { 0x21, H3_FRAME_ON_CONTROL|H3_FRAME_ON_REQUEST, "unknown" },
    { 0xf0702, H3_FRAME_ON_CONTROL|H3_FRAME_ON_REQUEST, "unknown" },
    { QUIC_VARINT_MAX, H3_FRAME_ON_CONTROL|H3_FRAME_ON_REQUEST, "unknown" }
};


static void
test_table(void **state)
{
    row_t  *r;

    for (r = rows; r < rows + test_array_len(rows); r++) {
        assert_int_equal(h3_frame_flags(r->type), r->flags);
        assert_string_equal(h3_frame_name(r->type), r->name);
    }
}


/* reads frames from pieces of a stream as they come, and notes them */

typedef struct {
    h3_frame_reader_t  reader;
    uint64_t           types[16];
    uint64_t           lengths[16];
    u_char             payload[MAX];
    size_t             payload_len;
    ngx_uint_t         n;
} reading_t;


static void
read_payload(reading_t *r, u_char **pos, u_char *end)
{
    uint64_t  n;

    n = ngx_min(r->reader.left, (uint64_t) (end - *pos));

    if (r->payload_len + n <= MAX) {
        ngx_memcpy(r->payload + r->payload_len, *pos, n);
        r->payload_len += n;
    }

    *pos += n;
    h3_frame_read_payload(&r->reader, n);
}


static void
read_piece(reading_t *r, u_char *data, size_t len)
{
    u_char    *pos, *end;
    ngx_int_t  rc;

    pos = data;
    end = data + len;

    while (pos < end) {

        if (r->reader.in_payload) {
            read_payload(r, &pos, end);
            continue;
        }

        rc = h3_frame_read_header(&r->reader, &pos, end);

        assert_true(pos <= end);

        if (rc == NGX_AGAIN) {
            assert_ptr_equal(pos, end);
            assert_true(h3_frame_reader_partial(&r->reader));
            break;
        }

        assert_int_equal(rc, NGX_OK);
        assert_int_equal(r->reader.left, r->reader.length);

        if (r->n < 16) {
            r->types[r->n] = r->reader.type;
            r->lengths[r->n] = r->reader.length;
            r->n++;
        }

        if (r->reader.left == 0) {
            h3_frame_read_payload(&r->reader, 0);
            assert_false(h3_frame_reader_partial(&r->reader));
        }
    }
}


/* SETTINGS, empty HEADERS, DATA, a reserved type with long varints, DATA */

static const char  stream[] =
    "04 02 0801"
    "01 00"
    "00 05 0102030405"
    "c00000000000003f c000000000000003 aabbcc"
    "40 00 4002 0607";


static void
check_stream(reading_t *r)
{
    uint64_t    types[] = { 0x04, 0x01, 0x00, 0x3f, 0x00 };
    uint64_t    lengths[] = { 2, 0, 5, 3, 2 };
    ngx_uint_t  i;

    assert_int_equal(r->n, 5);

    for (i = 0; i < 5; i++) {
        assert_int_equal(r->types[i], types[i]);
        assert_int_equal(r->lengths[i], lengths[i]);
    }

    assert_int_equal(r->payload_len, 12);
    assert_memory_equal(r->payload,
                        "\x08\x01\1\2\3\4\5\xaa\xbb\xcc\6\7", 12);
    assert_false(h3_frame_reader_partial(&r->reader));
}


static void
test_pieces(void **state)
{
    u_char     buf[MAX], *piece;
    size_t     len, size, at, n;
    reading_t  r;

    len = test_hex(buf, sizeof(buf), stream);

    for (size = 1; size <= len; size++) {
        ngx_memzero(&r, sizeof(r));

        for (at = 0; at < len; at += n) {
            n = ngx_min(size, len - at);

            piece = test_dup(buf + at, n);
            read_piece(&r, piece, n);
            free(piece);
        }

        check_stream(&r);
    }
}


static void
test_random_pieces(void **state)
{
    u_char      buf[MAX], *piece;
    size_t      len, at, n;
    reading_t   r;
    ngx_uint_t  i;

    len = test_hex(buf, sizeof(buf), stream);

    for (i = 0; i < 3000; i++) {
        ngx_memset(&r, 0xa5, sizeof(r));
        h3_frame_reader_init(&r.reader);
        r.n = 0;
        r.payload_len = 0;

        for (at = 0; at < len; at += n) {
            n = 1 + test_rand() % (len - at);

            piece = test_dup(buf + at, n);
            read_piece(&r, piece, n);
            free(piece);
        }

        check_stream(&r);
    }
}


/* where a stream may end */

static void
test_partial(void **state)
{
    u_char      buf[MAX];
    size_t      len, cut;
    reading_t   r;
    ngx_uint_t  whole;

    len = test_hex(buf, sizeof(buf), stream);

    for (cut = 0; cut <= len; cut++) {
        ngx_memzero(&r, sizeof(r));
        read_piece(&r, buf, cut);

        whole = cut == 0 || cut == 4 || cut == 6 || cut == 13 || cut == 32
                || cut == len;

        assert_int_equal(!h3_frame_reader_partial(&r.reader), whole);
    }
}


static void
test_longest_frame(void **state)
{
    u_char     buf[H3_FRAME_MAX_HEADER], *p;
    reading_t  r;

    p = h3_frame_write_header(buf, QUIC_VARINT_MAX, QUIC_VARINT_MAX);
    assert_int_equal(p - buf, H3_FRAME_MAX_HEADER);

    ngx_memzero(&r, sizeof(r));
    read_piece(&r, buf, sizeof(buf));

    assert_int_equal(r.reader.type, QUIC_VARINT_MAX);
    assert_int_equal(r.reader.left, QUIC_VARINT_MAX);

    h3_frame_read_payload(&r.reader, QUIC_VARINT_MAX - 1);
    assert_true(h3_frame_reader_partial(&r.reader));

    h3_frame_read_payload(&r.reader, 1);
    assert_false(h3_frame_reader_partial(&r.reader));
}


static void
test_write_header(void **state)
{
    u_char     buf[H3_FRAME_MAX_HEADER], *p;
    uint64_t   type, length;
    reading_t  r;
    ngx_uint_t i;

    for (i = 0; i < 1000; i++) {
        type = test_rand() >> (2 + test_rand() % 62);
        length = test_rand() >> (2 + test_rand() % 62);

        p = h3_frame_write_header(buf, type, length);

        ngx_memzero(&r, sizeof(r));
        read_piece(&r, buf, p - buf);

        assert_int_equal(r.n, 1);
        assert_int_equal(r.types[0], type);
        assert_int_equal(r.lengths[0], length);
    }
}


typedef struct {
    const char  *hex;
    uint64_t     error;      /* 0: accepted */
    const char  *reason;
} settings_row_t;


#define H2     "setting of HTTP/2"
#define TWICE  "duplicate setting"
#define BOUND  "value of a setting out of its bounds"
#define CUT    "truncated SETTINGS frame"


static settings_row_t  settings_rows[] = {
    { "", 0, NULL },
    { "0100 0600 0700 0800", 0, NULL },
    { "01ffffffffffffffff", 0, NULL },
    { "0801", 0, NULL },
    { "4008 4001", 0, NULL },

    /* RFC 8441, section 3 */
    { "0802", H3_SETTINGS_ERROR, BOUND },
    { "08ffffffffffffffff", H3_SETTINGS_ERROR, BOUND },

    /* 7.2.4.1 */
    { "0001", H3_SETTINGS_ERROR, H2 },
    { "0201", H3_SETTINGS_ERROR, H2 },
    { "0301", H3_SETTINGS_ERROR, H2 },
    { "0401", H3_SETTINGS_ERROR, H2 },
    { "0501", H3_SETTINGS_ERROR, H2 },
    { "c000000000000002 00", H3_SETTINGS_ERROR, H2 },
    { "0101 0101", H3_SETTINGS_ERROR, TWICE },
    { "0600 0801 0601", H3_SETTINGS_ERROR, TWICE },

    /* 7.2.4: what isn't known is ignored */
    { "2101 3301 4040 00 ffffffffffffffff 00", 0, NULL },
    { "0900 0a00", 0, NULL },

    /* 7.1 */
    { "01", H3_FRAME_ERROR, CUT },
    { "0140", H3_FRAME_ERROR, CUT },
    { "0101 06", H3_FRAME_ERROR, CUT },
    { "40", H3_FRAME_ERROR, CUT }
};


static void
test_settings_rows(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len;
    uint64_t        error;
    ngx_int_t       rc;
    const char     *reason;
    h3_settings_t   s;
    settings_row_t *r;

    for (r = settings_rows;
         r < settings_rows + test_array_len(settings_rows);
         r++)
    {
        len = test_hex(buf, sizeof(buf), r->hex);
        data = test_dup(buf, len);

        rc = h3_settings_parse(&s, data, len, &error, &reason);
        free(data);

        if (r->error) {
            assert_int_equal(rc, NGX_ERROR);
            assert_int_equal(error, r->error);
            assert_string_equal(reason, r->reason);

        } else if (rc != NGX_OK) {
            fail_msg("%s: %s", r->hex, reason);
        }
    }
}


static void
test_settings_values(void **state)
{
    u_char         buf[MAX];
    size_t         len;
    uint64_t       error;
    const char    *reason;
    h3_settings_t  s;

    assert_int_equal(h3_settings_parse(&s, buf, 0, &error, &reason), NGX_OK);
    assert_int_equal(s.qpack_max_table_capacity, 0);
    assert_int_equal(s.qpack_blocked_streams, 0);
    assert_int_equal(s.max_field_section_size, UINT64_MAX);
    assert_int_equal(s.enable_connect_protocol, 0);

    len = test_hex(buf, sizeof(buf), "015000 066407 2100 0801");
    assert_int_equal(h3_settings_parse(&s, buf, len, &error, &reason),
                     NGX_OK);
    assert_int_equal(s.qpack_max_table_capacity, 0x1000);
    assert_int_equal(s.max_field_section_size, 0x2407);

    len = test_hex(buf, sizeof(buf), "0705 0100 0801");
    assert_int_equal(h3_settings_parse(&s, buf, len, &error, &reason),
                     NGX_OK);
    assert_int_equal(s.qpack_blocked_streams, 5);
    assert_int_equal(s.enable_connect_protocol, 1);
}


/* writes settings and reads them; the frame is whole */

static size_t
check_settings(h3_settings_t *s, uint64_t grease)
{
    u_char              buf[96], *data, *pos;
    size_t              len, size;
    uint64_t            error;
    const char         *reason;
    h3_settings_t       read;
    h3_frame_reader_t   fr;

    len = h3_settings_write(s, buf, sizeof(buf), grease);
    assert_in_range(len, 2, sizeof(buf));

    pos = buf;
    h3_frame_reader_init(&fr);

    assert_int_equal(h3_frame_read_header(&fr, &pos, buf + len), NGX_OK);
    assert_int_equal(fr.type, H3_FRAME_SETTINGS);
    assert_ptr_equal(pos + fr.length, buf + len);

    data = test_dup(pos, fr.length);
    assert_int_equal(h3_settings_parse(&read, data, fr.length, &error,
                                       &reason),
                     NGX_OK);
    assert_memory_equal(s, &read, sizeof(read));
    free(data);

    for (size = 0; size < len; size++) {
        data = malloc(size + 1);
        assert_int_equal(h3_settings_write(s, data, size, grease), 0);
        free(data);
    }

    assert_int_equal(h3_settings_write(s, buf, len, grease), len);

    return len;
}


static void
test_settings_round_trip(void **state)
{
    ngx_uint_t     i;
    h3_settings_t  s;

    h3_settings_init(&s);
    assert_int_equal(check_settings(&s, 0), 2);

    for (i = 0; i < 1000; i++) {
        h3_settings_init(&s);

        s.qpack_max_table_capacity = test_rand() >> (2 + test_rand() % 62);
        s.qpack_blocked_streams = test_rand() >> (2 + test_rand() % 62);
        s.enable_connect_protocol = test_rand() % 2;

        if (test_rand() % 2) {
            s.max_field_section_size = test_rand() >> (2 + test_rand() % 62);
        }

        check_settings(&s, test_rand() >> test_rand() % 64);
    }

    s.qpack_max_table_capacity = QUIC_VARINT_MAX;
    s.qpack_blocked_streams = QUIC_VARINT_MAX;
    s.max_field_section_size = QUIC_VARINT_MAX;
    s.enable_connect_protocol = 1;

    check_settings(&s, UINT64_MAX);
}


/* 7.2.4.1: 0x1f * N + 0x21 */

static void
test_settings_grease(void **state)
{
    u_char         buf[96];
    size_t         len;
    ngx_uint_t     i;
    quic_cursor_t  c;
    h3_settings_t  s;

    h3_settings_init(&s);

    for (i = 0; i < 1000; i++) {
        len = h3_settings_write(&s, buf, sizeof(buf),
                                1 + (test_rand() >> (1 + test_rand() % 63)));

        quic_cursor_init(&c, buf + 2, len - 2);
        assert_int_equal((quic_cursor_varint(&c) - 0x21) % 0x1f, 0);
        quic_cursor_varint(&c);

        assert_int_equal(quic_cursor_left(&c), 0);
        assert_false(c.failed);
    }
}


static void
test_mutations(void **state)
{
    u_char         buf[64], *data;
    size_t         len;
    uint64_t       error;
    reading_t      r;
    ngx_uint_t     i, good;
    const char    *reason;
    h3_settings_t  s;

    good = 0;

    for (i = 0; i < 30000; i++) {
        len = test_rand() % sizeof(buf);
        test_rand_bytes(buf, len);
        data = test_dup(buf, len);

        ngx_memzero(&r, sizeof(r));
        read_piece(&r, data, len);

        if (h3_settings_parse(&s, data, len, &error, &reason) == NGX_OK) {
            assert_in_range(s.enable_connect_protocol, 0, 1);
            good++;

        } else {
            assert_true(error == H3_SETTINGS_ERROR || error == H3_FRAME_ERROR);
            assert_non_null(reason);
        }

        free(data);
    }

    assert_in_range(good, 1000, 29000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_random_pieces),
        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_longest_frame),
        cmocka_unit_test(test_write_header),
        cmocka_unit_test(test_settings_rows),
        cmocka_unit_test(test_settings_values),
        cmocka_unit_test(test_settings_round_trip),
        cmocka_unit_test(test_settings_grease),
        cmocka_unit_test(test_mutations)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
