
/*
 * QPACK against nghttp3's other side: fields that a client encodes, with what
 * it inserts before, behind or never, and fields that it decodes.
 */

#include "test.h"
#include "h3/h3_qpack.h"
#include "quic/limits.h"
#include "wire/quic_error.h"


#define MAX  (256 * 1024)


typedef struct {
    const char  *name;
    const char  *value;
} pair_t;


typedef struct {
    quic_mem_t               mem;
    ngx_log_t                log;
    h3_conf_t                conf;
    h3_qpack_t               q;

    nghttp3_qpack_encoder   *encoder;    /* the client's */
    nghttp3_qpack_decoder   *decoder;

    u_char                   section[MAX];
    size_t                   section_len;
    u_char                   inserts[MAX];
    size_t                   inserts_len;

    char                     text[MAX];  /* fields that came out */
} fixture_t;


static pair_t  request[] = {
    { ":method", "GET" },
    { ":scheme", "https" },
    { ":authority", "www.example.com" },
    { ":path", "/index.html?a=b" },
    { "user-agent", "a client that has got a long name" },
    { "accept-language", "de, en;q=0.5" },
    { "x-custom", "value" }
};

#define REQUEST                                                               \
    ":method=GET :scheme=https :authority=www.example.com "                   \
    ":path=/index.html?a=b user-agent=a client that has got a long name "     \
    "accept-language=de, en;q=0.5 x-custom=value "


static fixture_t *
setup(size_t capacity)
{
    fixture_t  *f;

    ngx_pagesize = 4096;

    f = calloc(1, sizeof(fixture_t));
    assert_non_null(f);

    quic_mem_init(&f->mem, &f->log);

    f->conf.max_field_section = 16384;
    f->conf.max_table_capacity = capacity;
    f->conf.max_blocked_streams = 8;

    assert_int_equal(h3_qpack_init(&f->q, &f->mem, &f->conf), NGX_OK);

    assert_int_equal(nghttp3_qpack_encoder_new(&f->encoder, capacity,
                                               nghttp3_mem_default()), 0);
    nghttp3_qpack_encoder_set_max_dtable_capacity(f->encoder, capacity);
    nghttp3_qpack_encoder_set_max_blocked_streams(f->encoder, 8);

    assert_int_equal(nghttp3_qpack_decoder_new(&f->decoder, 4096, 100,
                                               nghttp3_mem_default()), 0);

    return f;
}


static void
teardown(fixture_t *f)
{
    h3_qpack_done(&f->q);

    assert_int_equal(f->q.used, 0);
    assert_int_equal(f->mem.used, 0);

    nghttp3_qpack_encoder_del(f->encoder);
    nghttp3_qpack_decoder_del(f->decoder);
    quic_mem_done(&f->mem);
    free(f);
}


static size_t
take(u_char *dst, nghttp3_buf *b)
{
    size_t  n;

    n = nghttp3_buf_len(b);
    assert_true(n < MAX / 2);

    if (n) {
        memcpy(dst, b->pos, n);
    }

    nghttp3_buf_free(b, nghttp3_mem_default());

    return n;
}


/* the client encodes; inserts pile up until they are sent */

static void
client_encode(fixture_t *f, uint64_t stream, pair_t *pairs, size_t n)
{
    size_t        i;
    nghttp3_nv    nv[64];
    nghttp3_buf   prefix, lines, inserts;

    assert_true(n <= test_array_len(nv));

    for (i = 0; i < n; i++) {
        nv[i].name = (uint8_t *) pairs[i].name;
        nv[i].namelen = strlen(pairs[i].name);
        nv[i].value = (uint8_t *) pairs[i].value;
        nv[i].valuelen = strlen(pairs[i].value);
        nv[i].flags = NGHTTP3_NV_FLAG_NONE;
    }

    nghttp3_buf_init(&prefix);
    nghttp3_buf_init(&lines);
    nghttp3_buf_init(&inserts);

    assert_int_equal(nghttp3_qpack_encoder_encode(f->encoder, &prefix, &lines,
                                                  &inserts, stream, nv, n), 0);

    f->section_len = take(f->section, &prefix);
    f->section_len += take(f->section + f->section_len, &lines);
    f->inserts_len += take(f->inserts + f->inserts_len, &inserts);
}


static void
send_inserts(fixture_t *f)
{
    size_t  i;

    for (i = 0; i < f->inserts_len; i++) {
        assert_int_equal(h3_qpack_read_encoder(&f->q, f->inserts + i, 1),
                         NGX_OK);
    }

    f->inserts_len = 0;
}


/* what our decoder says is taken by the client's encoder; its length */

static size_t
send_answers(fixture_t *f)
{
    u_char  buf[H3_QPACK_MAX_INSTRUCTIONS];
    size_t  n;

    n = h3_qpack_write_decoder(&f->q, buf);

    assert_int_equal(nghttp3_qpack_encoder_read_decoder(f->encoder, buf, n),
                     (nghttp3_ssize) n);

    return n;
}


/*
 * Decodes in pieces of "step" bytes, each in memory of its own.  The result of
 * the last call.
 */

static ngx_int_t
decode(fixture_t *f, h3_section_t *sec, size_t *at, size_t step)
{
    u_char            *piece, *pos;
    size_t             n;
    ngx_int_t          rc;
    h3_qpack_field_t   field;

    do {
        n = ngx_min(step, f->section_len - *at);

        piece = malloc(n + 1);
        memcpy(piece, f->section + *at, n);
        pos = piece;

        do {
            rc = h3_section_read(sec, &f->q, &pos, piece + n,
                                 *at + n == f->section_len, &field);

            if (rc == NGX_OK) {
                sprintf(f->text + strlen(f->text), "%.*s=%.*s ",
                        (int) field.name.len, field.name.data,
                        (int) field.value.len, field.value.data);
                h3_qpack_field_done(&field);
            }

        } while (rc == NGX_OK);

        *at += pos - piece;
        free(piece);

    } while (rc == NGX_AGAIN && *at < f->section_len);

    return rc;
}


static ngx_int_t
decode_all(fixture_t *f, uint64_t stream, size_t step)
{
    size_t        at;
    ngx_int_t     rc;
    h3_section_t  sec;

    at = 0;
    f->text[0] = '\0';

    assert_int_equal(h3_section_open(&sec, &f->q, stream), NGX_OK);
    rc = decode(f, &sec, &at, step);
    h3_section_close(&sec, &f->q);

    return rc;
}


static void
test_static(void **state)
{
    size_t      step;
    fixture_t  *f;

    for (step = 1; step < 200; step++) {
        f = setup(0);

        client_encode(f, 0, request, test_array_len(request));
        assert_int_equal(f->inserts_len, 0);

        assert_int_equal(decode_all(f, 0, step), NGX_DONE);
        assert_string_equal(f->text, REQUEST);
        assert_int_equal(send_answers(f), 0);

        teardown(f);
    }
}


static void
test_dynamic(void **state)
{
    size_t      i, first;
    fixture_t  *f;

    f = setup(4096);
    first = 0;

    for (i = 0; i < 100; i++) {
        client_encode(f, 4 * i, request, test_array_len(request));
        send_inserts(f);

        if (i == 0) {
            first = f->section_len;
        }

        assert_int_equal(decode_all(f, 4 * i, 1 + i), NGX_DONE);
        assert_string_equal(f->text, REQUEST);

        /* Section Acknowledgment */
        assert_true(send_answers(f) > 0);
    }

    assert_true(f->section_len < first + 5);
    assert_true(f->section_len < sizeof(REQUEST) / 2);

    teardown(f);
}


static void
test_blocked(void **state)
{
    size_t        at, step;
    fixture_t    *f;
    h3_section_t  sec;

    for (step = 1; step < 64; step++) {
        f = setup(4096);

        client_encode(f, 4, request, test_array_len(request));
        assert_true(f->inserts_len > 0);

        at = 0;
        assert_int_equal(h3_section_open(&sec, &f->q, 4), NGX_OK);
        assert_int_equal(decode(f, &sec, &at, step), NGX_BUSY);
        assert_string_equal(f->text, "");
        assert_true(at < f->section_len);
        assert_false(h3_section_ready(&sec, &f->q));

        /* it doesn't help to ask again */
        assert_int_equal(decode(f, &sec, &at, step), NGX_BUSY);
        assert_int_equal(send_answers(f), 0);

        send_inserts(f);
        assert_true(h3_section_ready(&sec, &f->q));
        assert_int_equal(decode(f, &sec, &at, step), NGX_DONE);
        assert_string_equal(f->text, REQUEST);
        h3_section_close(&sec, &f->q);

        assert_true(send_answers(f) > 0);
        assert_int_equal(nghttp3_qpack_encoder_get_num_blocked_streams(
                             f->encoder), 0);

        teardown(f);
    }
}


/* bytes that would be great lengths if they were taken for such */

#define LENGTHS  "\177\377\377\177\177\377\377\177\177\377\377\177"


/* what was seen in a whole before it was blocked comes in pieces then */

static void
test_blocked_pieces(void **state)
{
    size_t        i, at, step;
    fixture_t    *f;
    h3_section_t  sec;

    static pair_t  lines[] = {
        { ":method", "GET" },
        { "user-agent", "a client that has got a long name" },
        { "authorization", LENGTHS },
        { "authorization", LENGTHS },
        { "authorization", LENGTHS }
    };

    for (step = 1; step < 32; step++) {
        f = setup(4096);

        client_encode(f, 4, request, test_array_len(request));
        client_encode(f, 8, lines, test_array_len(lines));

        at = 0;
        assert_int_equal(h3_section_open(&sec, &f->q, 8), NGX_OK);
        assert_int_equal(decode(f, &sec, &at, f->section_len), NGX_BUSY);

        send_inserts(f);
        assert_int_equal(decode(f, &sec, &at, step), NGX_DONE);
        assert_non_null(strstr(f->text, ":method=GET user-agent=a"));

        for (i = at = 0; f->text[i]; i++) {
            at += (f->text[i] == '\177');
        }

        assert_int_equal(at, 3 * 6);

        h3_section_close(&sec, &f->q);
        teardown(f);
    }
}


static void
test_cancel(void **state)
{
    size_t        at;
    fixture_t    *f;
    h3_section_t  sec;

    f = setup(4096);

    client_encode(f, 4, request, test_array_len(request));

    at = 0;
    assert_int_equal(h3_section_open(&sec, &f->q, 4), NGX_OK);
    assert_int_equal(decode(f, &sec, &at, 1), NGX_BUSY);
    h3_section_close(&sec, &f->q);

    assert_int_equal(nghttp3_qpack_encoder_get_num_blocked_streams(f->encoder),
                     1);
    assert_int_equal(h3_qpack_cancel(&f->q, 4), NGX_OK);
    assert_true(send_answers(f) > 0);
    assert_int_equal(nghttp3_qpack_encoder_get_num_blocked_streams(f->encoder),
                     0);

    teardown(f);

    /* with an empty table there is nothing to cancel */

    f = setup(0);
    assert_int_equal(h3_qpack_cancel(&f->q, 4), NGX_OK);
    assert_int_equal(send_answers(f), 0);
    teardown(f);
}


/* a value that is kept outlives its entry in the table */

static void
test_keep(void **state)
{
    u_char            *pos;
    fixture_t         *f;
    ngx_str_t          kept;
    h3_section_t       sec;
    h3_qpack_field_t   field;

    static u_char  evict_all[] = { 0x20 };   /* Set Dynamic Table Capacity 0 */

    f = setup(4096);
    ngx_str_null(&kept);

    client_encode(f, 0, request, test_array_len(request));
    send_inserts(f);

    pos = f->section;
    assert_int_equal(h3_section_open(&sec, &f->q, 0), NGX_OK);

    while (h3_section_read(&sec, &f->q, &pos, f->section + f->section_len, 0,
                           &field) == NGX_OK)
    {
        if (field.name.len == 10
            && memcmp(field.name.data, ":authority", 10) == 0)
        {
            kept = field.value;
            h3_section_keep(&sec, &field);
        }

        h3_qpack_field_done(&field);
    }

    assert_int_equal(h3_qpack_read_encoder(&f->q, evict_all, 1), NGX_OK);

    assert_int_equal(kept.len, 15);
    assert_memory_equal(kept.data, "www.example.com", 15);

    h3_section_close(&sec, &f->q);
    teardown(f);
}


typedef struct {
    const char  *hex;
    ngx_int_t    rc;
} section_row_t;


/* RFC 9204, 2.2.3, 4.5 and 7.4; prefix "00 00": no dynamic references */

static section_row_t  sections[] = {
    { "00 00 d1", NGX_DONE },                        /* static 17 */
    { "00 00 ff 00", NGX_DONE },                     /* static 63 */
    { "00 00 ff 23", NGX_DONE },                     /* static 98, the last */
    { "00 00 ff 24", NGX_ERROR },                    /* 99 */
    { "00 00 80", NGX_ERROR },                       /* dynamic 0: none */
    { "00 00 10", NGX_ERROR },                       /* post-base 0: none */
    { "", NGX_ERROR },                               /* no prefix */
    { "00", NGX_ERROR },
    { "00 00", NGX_DONE },                           /* no fields */
    { "00 00 51", NGX_ERROR },                       /* name, no value */
    { "00 00 51 02 2f", NGX_ERROR },                 /* value cut short */
    { "00 00 51 02 2f 2f", NGX_DONE },
    { "00 00 51 00", NGX_DONE },                     /* empty value */
    { "00 00 21 61 01 62", NGX_DONE },               /* a: b */
    { "00 00 20 01 62", NGX_DONE },                  /* empty name */
    { "01 00", NGX_ERROR },                          /* count wraps to 0 */
    { "ff 00 00", NGX_ERROR },                       /* > 2 * MaxEntries */
    { "00 80", NGX_ERROR },                          /* negative base */
    { "00 00 51 82 ff ff", NGX_ERROR },              /* Huffman: padding */
    { "00 00 51 84 ff ff ff ff", NGX_ERROR },        /* Huffman: EOS */

    /* 4.1.1: an integer that is no length */

    { "00 00 ff ff ff ff ff ff ff ff ff ff ff 7f", NGX_ERROR },
    { "00 00 5f ff ff ff ff ff ff ff ff ff ff 7f 01 61", NGX_ERROR },
    { "ff ff ff ff ff ff ff ff ff ff ff 7f 00 d1", NGX_ERROR },

    /* strings of any length cost the stream alone */

    { "00 00 27 fa 01", NGX_DECLINED },              /* name of 256 + 1 */
    { "00 00 2f fa 01", NGX_DECLINED },              /* with Huffman */
    { "00 00 51 7f 82 7f", NGX_DECLINED },           /* value of 16384 + 1 */
    { "00 00 51 ff 82 7f", NGX_DECLINED },
    { "00 00 51 7f ff ff ff ff ff ff ff ff 7f", NGX_DECLINED },
    { "00 00 51 7f 80 80 80 80 80 80 80 80 80 80 80 80 00", NGX_DECLINED },
    { "00 00 21 61 7f 82 7f", NGX_DECLINED }         /* literal name */
};


static void
test_sections(void **state)
{
    size_t          step;
    ngx_int_t       rc;
    fixture_t      *f;
    section_row_t  *row;

    for (row = sections; row < sections + test_array_len(sections); row++) {

        for (step = 1; step < 20; step += 6) {
            f = setup(4096);
            f->section_len = test_hex(f->section, MAX, row->hex);

            rc = decode_all(f, 0, step);

            if (rc != row->rc) {
                fail_msg("%s: %d in steps of %d", row->hex, (int) rc,
                         (int) step);
            }

            if (rc == NGX_ERROR) {
                assert_int_equal(f->q.error, QPACK_DECOMPRESSION_FAILED);
            }

            if (rc == NGX_DECLINED) {

                /* the next request isn't harmed */

                client_encode(f, 4, request, test_array_len(request));
                send_inserts(f);
                assert_int_equal(decode_all(f, 4, 7), NGX_DONE);
            }

            teardown(f);
        }
    }
}


/* what comes in front of the field lines, and between them, in any form */

static const char  *long_names[] = {
    "00 00 27 fa 01",
    "7f 00 27 fa 01",                                /* count 127 */
    "fe 00 27 fa 01",
    "ff 80 01 00 27 fa 01",                          /* 255 + 128 */
    "00 7f 00 27 fa 01",                             /* base 127 */
    "00 ff 80 01 27 fa 01",
    "00 00 c1 27 fa 01",                             /* indexed */
    "00 00 bf 00 27 fa 01",
    "00 00 1e 27 fa 01",                             /* post-base */
    "00 00 1f 00 27 fa 01",
    "00 00 51 02 ff ff 27 fa 01",                    /* name reference */
    "00 00 7f 00 82 ff ff 27 fa 01",
    "00 00 06 01 ff 27 fa 01",                       /* post-base name */
    "00 00 0f 00 00 27 fa 01",
    "00 00 23 ff ff ff 01 ff 27 fa 01",              /* literal name */
    "00 00 2b ff ff ff 00 37 fa 01"
};


static void
test_scan(void **state)
{
    u_char            buf[64];
    size_t            i, k, len;
    h3_field_scan_t   sc;

    for (i = 0; i < test_array_len(long_names); i++) {
        len = test_hex(buf, sizeof(buf), long_names[i]);

        h3_field_scan_init(&sc, 256, 1000);
        assert_int_equal(h3_field_scan(&sc, buf, buf + len), NGX_DECLINED);

        h3_field_scan_init(&sc, 257, 1000);
        assert_int_equal(h3_field_scan(&sc, buf, buf + len), NGX_OK);

        h3_field_scan_init(&sc, 256, 1000);

        for (k = 0; k < len - 1; k++) {
            assert_int_equal(h3_field_scan(&sc, buf + k, buf + k + 1),
                             NGX_OK);
        }

        assert_int_equal(h3_field_scan(&sc, buf + k, buf + len),
                         NGX_DECLINED);
    }
}


/* what a length announces isn't allocated before it's known to be allowed */

static void
test_announced(void **state)
{
    size_t         before;
    u_char        *pos;
    fixture_t     *f;
    h3_section_t   sec;
    h3_qpack_field_t  field;

    f = setup(4096);
    f->section_len = test_hex(f->section, MAX, "00 00 51 7f 82 7f");

    assert_int_equal(h3_section_open(&sec, &f->q, 0), NGX_OK);
    before = f->q.used;

    pos = f->section;
    assert_int_equal(h3_section_read(&sec, &f->q, &pos, pos + 6, 0, &field),
                     NGX_DECLINED);
    assert_int_equal(f->q.used, before);

    h3_section_close(&sec, &f->q);
    teardown(f);
}


typedef struct {
    const char  *hex;
    uint64_t     error;              /* 0: none */
} instruction_row_t;


/* RFC 9204, 4.3 */

static instruction_row_t  encoder_instructions[] = {
    { "3f e1 1f", 0 },                               /* capacity 4096 */
    { "3f e2 1f", QPACK_ENCODER_STREAM_ERROR },      /* 4097 */
    { "3f ff ff ff ff ff ff ff ff ff 7f", QPACK_ENCODER_STREAM_ERROR },
    { "3f e1 1f c1 01 61", 0 },                      /* static name 1 */
    { "3f e1 1f ff 24 01 61", QPACK_ENCODER_STREAM_ERROR },
    { "3f e1 1f 80 01 61", QPACK_ENCODER_STREAM_ERROR },
    { "3f e1 1f 00", QPACK_ENCODER_STREAM_ERROR },   /* duplicate of nothing */
    { "3f e1 1f c1 01 61 00 00 00", 0 },
    { "3f e1 1f c1 01 61 01", QPACK_ENCODER_STREAM_ERROR },
    { "c1 01 61", QPACK_ENCODER_STREAM_ERROR },      /* capacity is 0 */
    { "3f 02 c1 05 61 61 61 61 61", QPACK_ENCODER_STREAM_ERROR }, /* > 33 */
    { "3f e1 1f 5f e2 01 61", QPACK_ENCODER_STREAM_ERROR },  /* name of 257 */
    { "3f e1 1f c1 7f 82 ff 03 61", QPACK_ENCODER_STREAM_ERROR }, /* value */
    { "3f e1 1f c1 82 ff ff", QPACK_ENCODER_STREAM_ERROR }   /* Huffman */
};


static instruction_row_t  decoder_instructions[] = {
    { "00", QPACK_DECODER_STREAM_ERROR },            /* increment of 0 */
    { "01", QPACK_DECODER_STREAM_ERROR },            /* more than was sent */
    { "80", QPACK_DECODER_STREAM_ERROR },            /* stream 0: no section */
    { "44", 0 },                                     /* cancel stream 4 */
    { "7f ff ff ff ff ff ff ff ff ff 7f", QPACK_DECODER_STREAM_ERROR }
};


static void
check_instructions(instruction_row_t *row, size_t n,
    ngx_int_t (*read)(h3_qpack_t *q, u_char *data, size_t len))
{
    u_char       buf[64];
    size_t       i, len;
    ngx_int_t    rc;
    fixture_t   *f;
    ngx_uint_t   whole;

    for ( /* void */ ; n; n--, row++) {
        len = test_hex(buf, sizeof(buf), row->hex);

        for (whole = 0; whole < 2; whole++) {
            f = setup(4096);

            if (whole) {
                rc = read(&f->q, buf, len);

            } else {
                rc = NGX_OK;

                for (i = 0; i < len && rc == NGX_OK; i++) {
                    rc = read(&f->q, buf + i, 1);
                }
            }

            if (rc != (row->error ? NGX_ERROR : NGX_OK)
                || f->q.error != row->error)
            {
                fail_msg("%s: %d, %x", row->hex, (int) rc, (int) f->q.error);
            }

            teardown(f);
        }
    }
}


static void
test_instructions(void **state)
{
    check_instructions(encoder_instructions,
                       test_array_len(encoder_instructions),
                       h3_qpack_read_encoder);
    check_instructions(decoder_instructions,
                       test_array_len(decoder_instructions),
                       h3_qpack_read_decoder);
}


/* beyond H3_MAX_QPACK_MEMORY it's the client's fault */

static void
test_memory(void **state)
{
    u_char            *pos;
    size_t             i, n;
    ngx_int_t          rc;
    fixture_t         *f;
    h3_section_t      *sec;
    h3_qpack_field_t   field;

    f = setup(4096);
    n = test_hex(f->section, MAX, "00 00 51 7f 81 7f");   /* 16384 bytes */

    sec = calloc(200, sizeof(h3_section_t));
    rc = NGX_AGAIN;

    for (i = 0; i < 200 && rc == NGX_AGAIN; i++) {
        rc = h3_section_open(&sec[i], &f->q, 4 * i);
        assert_int_equal(rc, NGX_OK);

        pos = f->section;
        rc = h3_section_read(&sec[i], &f->q, &pos, pos + n, 0, &field);
        assert_true(f->q.used <= H3_MAX_QPACK_MEMORY + 16384 + 1024);
    }

    assert_int_equal(rc, NGX_ERROR);
    assert_int_equal(f->q.error, H3_EXCESSIVE_LOAD);
    assert_true(i > 100);

    for (i = 0; i < 200; i++) {
        h3_section_close(&sec[i], &f->q);
    }

    free(sec);
    teardown(f);
}


/* our side: what is encoded here is decoded by the client */

static void
client_decode(fixture_t *f, uint64_t stream, const char *want)
{
    u_char                         buf[4096], *p, *end;
    uint8_t                        flags;
    nghttp3_vec                    name, value;
    nghttp3_ssize                  n;
    nghttp3_qpack_nv               nv;
    nghttp3_qpack_stream_context  *sec;

    p = buf;
    end = ngx_cpymem(p, f->q.prefix.pos, nghttp3_buf_len(&f->q.prefix));
    end = ngx_cpymem(end, f->q.lines.pos, nghttp3_buf_len(&f->q.lines));

    n = nghttp3_buf_len(&f->q.instructions);
    if (n) {
        assert_int_equal(nghttp3_qpack_decoder_read_encoder(f->decoder,
                             f->q.instructions.pos, n), n);
    }

    assert_int_equal(nghttp3_qpack_stream_context_new(&sec, stream,
                                                  nghttp3_mem_default()), 0);
    f->text[0] = '\0';

    do {
        n = nghttp3_qpack_decoder_read_request(f->decoder, sec, &nv, &flags,
                                               p, end - p, 1);
        assert_true(n >= 0);
        p += n;

        if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
            name = nghttp3_rcbuf_get_buf(nv.name);
            value = nghttp3_rcbuf_get_buf(nv.value);
            sprintf(f->text + strlen(f->text), "%.*s=%.*s%s ",
                    (int) name.len, name.base, (int) value.len, value.base,
                    nv.flags & NGHTTP3_NV_FLAG_NEVER_INDEX ? "!" : "");
            nghttp3_rcbuf_decref(nv.name);
            nghttp3_rcbuf_decref(nv.value);
        }

    } while (!(flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL));

    nghttp3_qpack_stream_context_del(sec);

    assert_string_equal(f->text, want);
}


static void
client_answer(fixture_t *f)
{
    u_char       buf[H3_QPACK_MAX_INSTRUCTIONS];
    nghttp3_buf  b;

    b.begin = b.pos = b.last = buf;
    b.end = buf + sizeof(buf);

    nghttp3_qpack_decoder_write_decoder(f->decoder, &b);

    assert_int_equal(h3_qpack_read_decoder(&f->q, b.pos, b.last - b.pos),
                     NGX_OK);
}


#define field(n, v, never)  { ngx_string(n), ngx_string(v), never }

static h3_field_t  response[] = {
    field(":status", "200", 0),
    field("server", "nginx/1.22.1", 0),
    field("content-type", "text/x-strange", 0),
    field("set-cookie", "secret=1", 1),
    field("vary", "accept-language", 0)
};

#define RESPONSE                                                              \
    ":status=200 server=nginx/1.22.1 content-type=text/x-strange "            \
    "set-cookie=secret=1! vary=accept-language "


static void
test_encode(void **state)
{
    size_t      i, first;
    fixture_t  *f;

    f = setup(4096);

    /* before SETTINGS, and without a table, nothing is inserted */

    assert_int_equal(h3_qpack_encode(&f->q, 0, response, 5, 1), NGX_OK);
    assert_int_equal(nghttp3_buf_len(&f->q.instructions), 0);
    client_decode(f, 0, RESPONSE);
    first = nghttp3_buf_len(&f->q.lines);

    h3_qpack_set_peer(&f->q, 4096, 16);

    for (i = 1; i < 100; i++) {
        assert_int_equal(h3_qpack_encode(&f->q, 4 * i, response, 5, 1),
                         NGX_OK);
        client_decode(f, 4 * i, RESPONSE);
        client_answer(f);
        h3_qpack_trim(&f->q);
    }

    assert_int_equal(nghttp3_buf_len(&f->q.instructions), 0);
    assert_true(nghttp3_buf_len(&f->q.lines) < first / 2);

    teardown(f);
}


static void
test_encode_no_insert(void **state)
{
    fixture_t  *f;

    f = setup(4096);
    h3_qpack_set_peer(&f->q, 4096, 16);

    /* the capacity itself may be said */

    assert_int_equal(h3_qpack_encode(&f->q, 0, response, 2, 0), NGX_OK);
    assert_true(nghttp3_buf_len(&f->q.instructions) < 4);
    client_decode(f, 0, ":status=200! server=nginx/1.22.1! ");

    assert_int_equal(h3_qpack_encode(&f->q, 4, response, 2, 0), NGX_OK);
    assert_int_equal(nghttp3_buf_len(&f->q.instructions), 0);
    client_decode(f, 4, ":status=200! server=nginx/1.22.1! ");

    teardown(f);
}


/* the buffers of a large section aren't kept */

static void
test_trim(void **state)
{
    size_t       before;
    u_char      *value;
    fixture_t   *f;
    h3_field_t   large;

    f = setup(4096);
    before = f->q.used;

    value = malloc(100000);
    memset(value, '\\', 100000);

    ngx_str_set(&large.name, "x");
    large.value.data = value;
    large.value.len = 100000;
    large.never_index = 0;

    assert_int_equal(h3_qpack_encode(&f->q, 0, &large, 1, 1), NGX_OK);
    assert_true(f->q.used > 100000);

    h3_qpack_trim(&f->q);
    assert_true(f->q.used < before + 8192);

    free(value);
    teardown(f);
}


/* a client that asks for a larger table than we make gets ours */

static void
test_capacity(void **state)
{
    fixture_t  *f;

    f = setup(4096);
    h3_qpack_set_peer(&f->q, QUIC_VARINT_MAX, QUIC_VARINT_MAX);

    assert_int_equal(h3_qpack_encode(&f->q, 0, response, 5, 1), NGX_OK);
    client_decode(f, 0, RESPONSE);

    teardown(f);
}


static void
test_random(void **state)
{
    size_t      i, n;
    fixture_t  *f;

    for (i = 0; i < 20000; i++) {
        f = setup(i & 1 ? 4096 : 0);

        n = test_rand() % 40;
        test_rand_bytes(f->section, n);
        f->section_len = n;

        if (i & 2) {
            f->section[0] = f->section[1] = 0;
        }

        if (h3_qpack_read_encoder(&f->q, f->section + 2, n) == NGX_OK) {
            decode_all(f, 0, 1 + test_rand() % 8);
        }

        h3_qpack_read_decoder(&f->q, f->section, n);

        teardown(f);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_blocked),
        cmocka_unit_test(test_blocked_pieces),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_instructions),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_encode_no_insert),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
