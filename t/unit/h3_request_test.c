
/*
 * Request streams: in every fragmentation, with every demand of RFC 9114 on
 * the order of frames and on content, with requests freed in every callback,
 * and with connections that end at every byte.
 */

#include "h3_rig.h"
#include "quic/limits.h"


#define POST_FIELDS  ":method=POST :scheme=https :authority=a :path=/ "
#define GET_FIELDS   ":method=GET :scheme=https :authority=a :path=/ "


static size_t  steps[] = { 1, 2, 3, 5, 7, 16, RIG_MAX };


typedef struct {
    const char  *script;
    const char  *events;             /* without FIN being seen apart */
    const char  *body;
} good_row_t;


static good_row_t  good[] = {
    { "G", "request headers(fin -1)", "" },
    { "uG", "request headers(fin -1)", "" },
    { "Gu", "request headers(-1) end", "" },
    { "GT", "request headers(-1) end", "" },
    { "P", "request headers(fin -1)", "" },
    { "Pd0", "request headers(-1) end", "" },
    { "Pd5", "request headers(-1) end", "12345" },
    { "Pd5d0d4", "request headers(-1) end", "123451234" },
    { "Pu0ud5uu0d4ufff", "request headers(-1) end", "123451234" },
    { "Pd5Tu", "request headers(-1) end", "12345" },
    { "PuuTu", "request headers(-1) end", "" },
    { "0", "request headers(fin 0)", "" },
    { "0d0", "request headers(0) end", "" },
    { "0T", "request headers(0) end", "" },
    { "5d5", "request headers(5) end", "12345" },
    { "5d2d3", "request headers(5) end", "12123" },
    { "5d0d1ud4d0uT", "request headers(5) end", "11234" }
};


static void
check_good(good_row_t *row, size_t step, size_t chunk, size_t max_span,
    ngx_uint_t late_fin)
{
    u_char           buf[1024];
    rig_t           *rig;
    size_t           len;
    const char      *fields;
    rig_request_t   *r;

    rig = rig_create(NULL);
    rig->chunk = chunk;
    rig->qc->max_span = max_span;

    len = rig_script(buf, row->script);

    rig_send(rig, 0, buf, len, !late_fin, step);

    if (late_fin) {
        rig_send(rig, 0, NULL, 0, 1, 1);
    }

    rig_check_error(rig, FAKE_NONE);

    r = rig_request(rig, 0);
    assert_non_null(r);

    fields = strchr(row->script, 'G') ? GET_FIELDS : POST_FIELDS;
    assert_int_equal(strncmp(r->fields, fields, strlen(fields)), 0);

    /* when FIN comes apart, no header section is known to be all */

    if (late_fin && strstr(row->events, "fin ")) {
        assert_non_null(strstr(r->events, "request headers("));
        assert_non_null(strstr(r->events, ") end"));

    } else {
        assert_string_equal(r->events, row->events);
    }

    assert_int_equal(r->body_len, strlen(row->body));
    assert_memory_equal(r->body, row->body, r->body_len);
    assert_int_equal(h3_request_received(r->hr), (off_t) len);
    assert_int_equal(h3_conn_active(rig->hc), 1);
    assert_int_equal(rig->qc->keep_alive, 1);

    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;

    assert_int_equal(h3_conn_active(rig->hc), 0);
    assert_int_equal(h3_conn_requests(rig->hc), 1);
    assert_int_equal(rig->qc->keep_alive, 0);
    assert_true(fake_stream(rig->qc, 0)->out_fin);
    assert_int_equal(fake_stream(rig->qc, 0)->reset_error, FAKE_NONE);
    assert_int_equal(fake_stream(rig->qc, 0)->stop_error, FAKE_NONE);

    rig_destroy(rig);
}


static void
test_good(void **state)
{
    size_t  row, step, fin;

    for (row = 0; row < test_array_len(good); row++) {

        for (step = 0; step < test_array_len(steps); step++) {

            for (fin = 0; fin < 2; fin++) {
                check_good(&good[row], steps[step], 4096, 4096, fin);
                check_good(&good[row], steps[step], 1, 4096, fin);
                check_good(&good[row], steps[step], 3, 2, fin);
            }
        }
    }
}


typedef struct {
    const char  *script;
    const char  *events;             /* NULL: the request isn't known */
    const char  *body;               /* a prefix of it is allowed */
    uint64_t     conn_error;
    uint64_t     reset;              /* RESET_STREAM, when it's freed */
} bad_row_t;


/* of malformed content */

#define MALFORMED  FAKE_NONE, H3_MESSAGE_ERROR
#define HEADERS_5  "request headers(5) "
#define LESS       "malformed(less content than content-length) error"
#define MORE       "malformed(more content than content-length) error"
#define TRAILERS   "malformed(pseudo-header field in trailers) error"


static bad_row_t  bad[] = {

    /* 4.1: the sequence of frames */

    { "d1", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "d0", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "ud1", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "Pd5Td1", "request headers(-1) error", "12345",
      H3_FRAME_UNEXPECTED, 0 },
    { "Pd5Td0", "request headers(-1) error", "12345",
      H3_FRAME_UNEXPECTED, 0 },
    { "Pd5TT", "request headers(-1) error", "12345",
      H3_FRAME_UNEXPECTED, 0 },
    { "GTG", "request headers(-1) error", "", H3_FRAME_UNEXPECTED, 0 },

    /* 7.2: frames of the control stream, of a server, of HTTP/2 */

    { "f02G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f03G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f04G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f05G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f06G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f07G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f08G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f09G", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "f0dG", NULL, "", H3_FRAME_UNEXPECTED, 0 },
    { "Pd3f04", "request headers(-1) error", "123", H3_FRAME_UNEXPECTED, 0 },
    { "Pd3f05", "request headers(-1) error", "123", H3_FRAME_UNEXPECTED, 0 },
    { "Pd3f0d", "request headers(-1) error", "123", H3_FRAME_UNEXPECTED, 0 },

    /* 7.1: a frame that isn't complete */

    { "Px", "request headers(-1) error", "1", H3_FRAME_ERROR, 0 },
    { "Pd3h", "request headers(-1) error", "123", H3_FRAME_ERROR, 0 },
    { "h", NULL, "", H3_FRAME_ERROR, 0 },

    /* RFC 9204: no prefix */

    { "f01", NULL, "", QPACK_DECOMPRESSION_FAILED, 0 },

    /* 4.1: the stream ends without a request */

    { "", NULL, "", FAKE_NONE, H3_REQUEST_INCOMPLETE },
    { "u", NULL, "", FAKE_NONE, H3_REQUEST_INCOMPLETE },

    /* 4.1.2: content-length at every kind of end */

    { "5", "request malformed(less content than content-length)", "",
      MALFORMED },
    { "5d0", HEADERS_5 LESS, "", MALFORMED },
    { "5d4", HEADERS_5 LESS, "1234", MALFORMED },
    { "5d4u", HEADERS_5 LESS, "1234", MALFORMED },
    { "5d4u0", HEADERS_5 LESS, "1234", MALFORMED },
    { "5d2d2T", HEADERS_5 LESS, "1212", MALFORMED },
    { "5T", HEADERS_5 LESS, "", MALFORMED },
    { "5u", HEADERS_5 LESS, "", MALFORMED },
    { "5d6", HEADERS_5 MORE, "", MALFORMED },
    { "5d3d3", HEADERS_5 MORE, "123", MALFORMED },
    { "5d5d1", HEADERS_5 MORE, "12345", MALFORMED },
    { "5d5ud1", HEADERS_5 MORE, "12345", MALFORMED },
    { "0d1", "request headers(0) " MORE, "", MALFORMED },

    /* 4.3: trailers */

    { "Pd5b", "request headers(-1) " TRAILERS, "12345", MALFORMED },
    { "5d5b", HEADERS_5 TRAILERS, "12345", MALFORMED }
};


static void
check_bad(bad_row_t *row, size_t step, ngx_uint_t late_fin)
{
    u_char           buf[1024];
    rig_t           *rig;
    rig_request_t   *r;

    rig = rig_create(NULL);

    rig_send(rig, 0, buf, rig_script(buf, row->script), !late_fin, step);

    if (late_fin) {
        rig_send(rig, 0, NULL, 0, 1, 1);
    }

    rig_check_error(rig, row->conn_error);

    r = rig_request(rig, 0);

    if (row->events == NULL) {
        assert_null(r);

    } else {
        assert_non_null(r);

        if (row->conn_error != FAKE_NONE) {

            /* heard of by itself when the connection ends */
            assert_int_equal(strncmp(r->events, row->events, 7), 0);
            assert_null(strstr(r->events, "end"));

        } else if (late_fin && strstr(row->events, "less content")) {
            assert_string_equal(r->events, HEADERS_5 LESS);

        } else {
            assert_string_equal(r->events, row->events);
        }

        assert_true(r->body_len <= strlen(row->body));
        assert_memory_equal(r->body, row->body, r->body_len);
        assert_int_not_equal(r->last, 0);
    }

    if (row->conn_error == FAKE_NONE) {

        if (r) {
            h3_request_free(r->hr, H3_INTERNAL_ERROR);
            r->hr = NULL;
        }

        assert_int_equal(fake_stream(rig->qc, 0)->reset_error, row->reset);

        /* the connection lives */
        rig_get(rig, 4);
        assert_string_equal(rig_request(rig, 4)->events,
                            "request headers(fin -1)");
    }

    rig_destroy(rig);
}


static void
test_bad(void **state)
{
    size_t  row, step, fin;

    for (row = 0; row < test_array_len(bad); row++) {

        for (step = 0; step < test_array_len(steps); step++) {

            for (fin = 0; fin < 2; fin++) {
                check_bad(&bad[row], steps[step], fin);
            }
        }
    }
}


typedef struct {
    const char  *fields;
    const char  *events;
} malformed_row_t;


/* one of each kind; all of them are in h3_message_test.c */

static malformed_row_t  malformed[] = {
    { "", "request malformed(no :method)" },
    { ":method: GET\n:scheme: https\n:path: /\n",
      "request malformed(neither :authority nor host)" },
    { ":method: GET\n:scheme: https\n:path: /\nhost: b\n:authority: a\n",
      "request malformed(pseudo-header field after a regular one)" },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: /\nhost: b\n",
      "request malformed(host differs from :authority)" },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: /\nA: b\n",
      "request malformed(invalid character in a field name)" },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: /\nte: gzip\n",
      "request malformed(te other than trailers)" },
    { ":method: CONNECT\n:protocol: websocket\n",
      "request malformed(:protocol without "
      "SETTINGS_ENABLE_CONNECT_PROTOCOL)" }
};


static void
test_malformed(void **state)
{
    size_t            step, len;
    u_char            buf[1024];
    rig_t            *rig;
    rig_request_t    *r;
    fake_stream_t    *f;
    malformed_row_t  *row;

    for (row = malformed;
         row < malformed + test_array_len(malformed);
         row++)
    {
        for (step = 0; step < test_array_len(steps); step++) {
            len = rig_headers(buf, row->fields) - buf;

            /* not answered: reset */

            rig = rig_create(NULL);
            rig_send(rig, 0, buf, len, 1, steps[step]);

            r = rig_request(rig, 0);
            assert_string_equal(r->events, row->events);
            h3_request_free(r->hr, H3_INTERNAL_ERROR);
            r->hr = NULL;

            f = fake_stream(rig->qc, 0);
            assert_int_equal(f->reset_error, H3_MESSAGE_ERROR);
            rig_check_error(rig, FAKE_NONE);
            rig_destroy(rig);

            /* answered: reset when that is there, no more needs be sent */

            rig = rig_create(NULL);
            rig_send(rig, 0, buf, len, 0, steps[step]);

            r = rig_request(rig, 0);
            assert_string_equal(r->events, row->events);
            rig_answer(r->hr);
            h3_request_free(r->hr, H3_NO_ERROR);
            r->hr = NULL;

            f = fake_stream(rig->qc, 0);
            assert_int_equal(f->reset_error, FAKE_NONE);
            assert_false(f->out_fin);
            assert_int_equal(f->end_error, H3_MESSAGE_ERROR);
            assert_int_equal(f->stop_error, H3_MESSAGE_ERROR);
            rig_check_error(rig, FAKE_NONE);
            rig_destroy(rig);
        }
    }
}


static void
test_extended_connect(void **state)
{
    u_char          buf[256];
    rig_t          *rig;
    h3_conf_t       conf = { 4096, 0, 0, 1 };

    rig = rig_create(&conf);

    rig_send(rig, 0, buf, rig_headers(buf, ":method: CONNECT\n"
             ":protocol: websocket\n:scheme: https\n:authority: a\n"
             ":path: /chat\n") - buf, 0, RIG_MAX);

    assert_string_equal(rig_request(rig, 0)->events, "request headers(-1)");

    rig_destroy(rig);
}


/* sections that are too large, by each way to find that out */

static void
test_too_large(void **state)
{
    u_char          *buf, *p;
    char            *fields;
    rig_t           *rig;
    size_t           i, kind;
    ngx_uint_t       k;
    rig_request_t   *r;

    buf = malloc(RIG_MAX);
    fields = malloc(RIG_MAX);

    for (kind = 0; kind < 4; kind++) {
        rig = rig_create(NULL);
        p = buf;

        switch (kind) {

        case 0:
            /* the sum: 1 + 1 + 32 a line, 4096 / 34 = 120.47 */

            strcpy(fields, ":method: GET\n:scheme: https\n:authority: a\n"
                           ":path: /\n");
            for (i = 0; i < 120; i++) {
                strcat(fields, "a: b\n");
            }

            p = rig_headers(p, fields);
            break;

        case 1:
            /* the length of the frame */

            *p++ = H3_FRAME_HEADERS;
            p = quic_varint_write(p, 1000000);
            break;

        case 2:
            /* the length of a value: 4097 */

            p = rig_frame(p, H3_FRAME_HEADERS,
                          "\x00\x00\x51\x7f\x82\x1f", 6);
            break;

        default:
            /* the length of a name: 257 */

            p = rig_frame(p, H3_FRAME_HEADERS, "\x00\x00\x27\xfa\x01", 5);
        }

        rig_send(rig, 0, buf, p - buf, 0, RIG_MAX);
        rig_check_error(rig, FAKE_NONE);

        r = rig_request(rig, 0);
        assert_non_null(r);
        assert_string_equal(r->events, "request too_large");

        /* nothing more is read */

        rig_send(rig, 0, buf, p - buf, 0, RIG_MAX);
        assert_string_equal(r->events, "request too_large");
        assert_int_equal(h3_request_recv(r->hr, buf, 1), NGX_ERROR);

        rig_answer(r->hr);
        h3_request_free(r->hr, H3_NO_ERROR);
        r->hr = NULL;

        for (k = 1; k < 4; k++) {
            rig_get(rig, 4 * k);
            assert_string_equal(rig_request(rig, 4 * k)->events,
                                "request headers(fin -1)");
        }

        rig_destroy(rig);
    }

    free(buf);
    free(fields);
}


/* one byte of a client's for 4 KB: threats, QPACK bomb */

static void
test_bomb(void **state)
{
    u_char          *buf, *p;
    rig_t           *rig;
    size_t           i, trailers;
    rig_request_t   *r;

    buf = malloc(RIG_MAX);

    for (trailers = 0; trailers < 2; trailers++) {
        rig = rig_create(NULL);

        /* "set capacity 4096", insert "server: aaa..." of 3900 bytes */

        p = buf;
        *p++ = H3_STREAM_QPACK_ENCODER;
        p = ngx_cpymem(p, "\x3f\xe1\x1f\xff\x1d\x7f\xbd\x1d", 8);
        memset(p, 'a', 3900);
        p += 3900;
        rig_send(rig, RIG_ENCODER, buf, p - buf, 0, RIG_MAX);
        rig_check_error(rig, FAKE_NONE);

        /* insert count 1, base 1; then references to it */

        p = buf;
        *p++ = 0x02;
        *p++ = 0x00;

        for (i = 0; i < 1000; i++) {
            *p++ = 0x80;
        }

        p = rig_frame(buf + 2000, H3_FRAME_HEADERS, buf, p - buf);

        if (trailers) {
            rig_send(rig, 0, buf + RIG_MAX / 2,
                     rig_script(buf + RIG_MAX / 2, "5d5"), 0, RIG_MAX);
            rig_send(rig, 0, buf + 2000, p - buf - 2000, 1, RIG_MAX);

            r = rig_request(rig, 0);
            assert_string_equal(r->events, "request headers(5) error");
            h3_request_free(r->hr, H3_INTERNAL_ERROR);
            assert_int_equal(fake_stream(rig->qc, 0)->reset_error,
                             H3_EXCESSIVE_LOAD);

        } else {
            rig_send(rig, 0, buf + 2000, p - buf - 2000, 1, RIG_MAX);

            r = rig_request(rig, 0);
            assert_string_equal(r->events, "request too_large");
            h3_request_free(r->hr, H3_INTERNAL_ERROR);
        }

        r->hr = NULL;
        rig_check_error(rig, FAKE_NONE);
        rig_destroy(rig);
    }

    free(buf);
}


static void
test_refused(void **state)
{
    rig_t           *rig;
    fake_stream_t   *f;

    rig = rig_create(NULL);
    rig->refuse = 1;

    rig_get(rig, 0);

    f = fake_stream(rig->qc, 0);
    assert_true(f->released);
    assert_int_equal(f->reset_error, H3_REQUEST_REJECTED);
    assert_int_equal(h3_conn_requests(rig->hc), 0);
    assert_int_equal(h3_conn_active(rig->hc), 0);

    rig->refuse = 0;
    rig_get(rig, 4);
    assert_string_equal(rig_request(rig, 4)->events,
                        "request headers(fin -1)");

    rig_destroy(rig);
}


static void
test_declined(void **state)
{
    u_char           buf[256];
    size_t           len;
    rig_t           *rig;
    rig_request_t   *r;

    rig = rig_create(NULL);
    rig->decline = ":scheme";

    len = rig_script(buf, "5d5");
    rig_send(rig, 0, buf, len, 1, 3);

    r = rig_request(rig, 0);
    assert_string_equal(r->events, "request");
    assert_string_equal(r->fields, ":method=POST :scheme=https ");
    assert_int_equal(h3_request_recv(r->hr, buf, 1), NGX_ERROR);

    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;

    rig_check_error(rig, FAKE_NONE);
    rig_destroy(rig);
}


/* what the upper floor doesn't fetch stays where it is */

static void
test_slow_reader(void **state)
{
    u_char           buf[256], body[16];
    rig_t           *rig;
    rig_request_t   *r;

    rig = rig_create(NULL);
    rig->keep = 1;

    rig_send(rig, 0, buf, rig_script(buf, "7d3d4T"), 1, RIG_MAX);

    r = rig_request(rig, 0);
    assert_string_equal(r->events, "request headers(7) readable");

    assert_int_equal(h3_request_recv(r->hr, body, 2), 2);
    assert_memory_equal(body, "12", 2);
    assert_int_equal(h3_request_recv(r->hr, body, 2), 2);
    assert_memory_equal(body, "31", 2);
    assert_int_equal(h3_request_recv(r->hr, body, 16), 3);
    assert_memory_equal(body, "234", 3);
    assert_int_equal(h3_request_recv(r->hr, body, 16), 0);
    assert_int_equal(h3_request_recv(r->hr, body, 16), 0);

    h3_request_free(r->hr, H3_INTERNAL_ERROR);
    r->hr = NULL;
    assert_int_equal(fake_stream(rig->qc, 0)->end_error, H3_INTERNAL_ERROR);

    rig_destroy(rig);
}


/* a reader that knows the length doesn't ask for the end: it's seen with it */

static void
test_exact_reader(void **state)
{
    u_char           buf[256], body[16];
    rig_t           *rig;
    size_t           answers;
    rig_request_t   *r;

    rig = rig_create(NULL);
    rig->keep = 1;
    answers = fake_stream(rig->qc, 11)->out_len;

    rig_send(rig, 0, buf, rig_script(buf, "7d3d4T"), 1, RIG_MAX);

    r = rig_request(rig, 0);
    assert_int_equal(h3_request_recv(r->hr, body, 7), 7);
    assert_memory_equal(body, "1231234", 7);

    /* no Stream Cancellation: RFC 9204, 2.2.2.2 */

    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;
    assert_int_equal(fake_stream(rig->qc, 11)->out_len, answers);

    /* too much of it is seen as well, and then nobody gets any of it */

    rig_send(rig, 4, buf, rig_script(buf, "7d3d4d1"), 1, RIG_MAX);

    r = rig_request(rig, 4);
    assert_int_equal(h3_request_recv(r->hr, body, 7), NGX_ERROR);
    assert_string_equal(r->events, "request headers(7) readable malformed("
                                   "more content than content-length)");

    h3_request_free(r->hr, H3_INTERNAL_ERROR);
    r->hr = NULL;
    assert_int_equal(fake_stream(rig->qc, 4)->reset_error, H3_MESSAGE_ERROR);

    rig_destroy(rig);
}


/* content that isn't wanted: STOP_SENDING, and the response is whole */

static void
test_unread(void **state)
{
    u_char           buf[256];
    rig_t           *rig;
    fake_stream_t   *f;

    rig = rig_create(NULL);
    rig->answer = 1;

    rig_send(rig, 0, buf, rig_script(buf, "9d2"), 0, RIG_MAX);

    f = fake_stream(rig->qc, 0);
    assert_true(f->out_fin);
    assert_int_equal(f->reset_error, FAKE_NONE);
    assert_int_equal(f->stop_error, H3_NO_ERROR);

    rig_destroy(rig);
}


static const char  *callbacks[] = {
    "request", "field", "headers", "malformed", "too_large", "readable", "end",
    "error", "writable", "gone"
};


/* a stream of everything, with requests freed in one of the callbacks */

static void
free_in(const char *callback, ngx_uint_t all, size_t step)
{
    u_char      *buf, *p;
    rig_t       *rig;
    ngx_uint_t   i;

    static const char  *scripts[] = {
        "G", "5d5", "5d4", "Pd5d4T", "5d6", "Gu", "Pb", "u"
    };

    buf = malloc(RIG_MAX);

    rig = rig_create(NULL);
    rig->free_in = all ? NULL : callback;
    rig->free_all_in = all ? callback : NULL;

    for (i = 0; i < test_array_len(scripts); i++) {
        rig_send(rig, 4 * i, buf, rig_script(buf, scripts[i]), 1, step);
    }

    i *= 4;

    p = rig_headers(buf, ":method: GET\nBAD: a\n");
    rig_send(rig, i, buf, p - buf, 0, step);

    *buf = H3_FRAME_HEADERS;
    p = quic_varint_write(buf + 1, 1000000);
    rig_send(rig, i + 4, buf, p - buf, 0, step);

    /* cancelled, reset, both; with room to write */

    rig_get(rig, i + 8);
    if (rig_request(rig, i + 8) && rig_request(rig, i + 8)->hr) {
        h3_response_want_write(rig_request(rig, i + 8)->hr);
    }
    fake_writable(rig->qc, i + 8);
    fake_stop(rig->qc, i + 8, H3_REQUEST_CANCELLED);

    rig_send(rig, i + 12, buf, rig_script(buf, "Px"), 0, step);
    fake_reset(rig->qc, i + 12, H3_REQUEST_CANCELLED);
    fake_stop(rig->qc, i + 12, H3_REQUEST_CANCELLED);

    rig_send(rig, i + 16, buf, rig_script(buf, "G") - 1, 0, step);
    fake_reset(rig->qc, i + 16, H3_REQUEST_CANCELLED);

    rig_check_error(rig, FAKE_NONE);

    /* and some are left for the end */

    rig_send(rig, i + 20, buf, rig_script(buf, "5d2"), 0, step);
    rig_send(rig, i + 24, buf, rig_script(buf, "P") - 3, 0, step);
    rig_get(rig, i + 28);

    rig_destroy(rig);
    free(buf);
}


static void
test_free_in(void **state)
{
    size_t  i, step, all;

    for (i = 0; i < test_array_len(callbacks); i++) {

        for (step = 0; step < test_array_len(steps); step++) {

            for (all = 0; all < 2; all++) {
                free_in(callbacks[i], all, steps[step]);
            }
        }
    }
}


/* the connection ends, or the client cancels, at every byte of a request */

static void
test_gone(void **state)
{
    u_char           buf[256];
    size_t           i, n, len, how;
    rig_t           *rig;
    rig_request_t   *r;

    len = rig_script(buf, "u9d4d5T");

    for (i = 0; i <= len; i++) {

        for (n = 0; n < 8; n++) {
            rig = rig_create(NULL);
            rig->keep = (n & 1);
            rig->free_in = (n & 2) ? "gone" : NULL;
            how = (n & 4);

            rig_send(rig, 0, buf, i, i == len, 5);

            r = rig_request(rig, 0);

            if (how) {
                fake_stop(rig->qc, 0, H3_REQUEST_CANCELLED);

                if (r) {
                    assert_int_equal(r->gone, 1);

                    /* the stream's credit isn't given back before */
                    assert_int_equal(fake_stream(rig->qc, 0)->released,
                                     (n & 2) != 0);
                } else {
                    assert_true(fake_stream(rig->qc, 0)->released);
                }
            }

            fake_conn_end(rig->qc);

            if (r) {
                assert_int_equal(r->gone, 1);
                assert_non_null(strstr(r->events, " gone"));
            }

            rig_destroy(rig);
        }
    }
}


/* RESET_STREAM at every byte; the response may be wanted nevertheless */

static void
test_reset(void **state)
{
    u_char           buf[256];
    size_t           i, len;
    rig_t           *rig;
    rig_request_t   *r;

    len = rig_script(buf, "u9d4d5T");

    for (i = 0; i < len; i++) {
        rig = rig_create(NULL);

        rig_send(rig, 0, buf, i, 0, 5);
        fake_reset(rig->qc, 0, H3_REQUEST_CANCELLED);

        r = rig_request(rig, 0);

        if (r == NULL) {
            assert_true(fake_stream(rig->qc, 0)->released);
            assert_int_equal(fake_stream(rig->qc, 0)->reset_error,
                             H3_REQUEST_CANCELLED);

        } else if (strstr(r->events, "headers")) {
            assert_string_equal(r->events, "request headers(9) error");
            assert_non_null(h3_request_conn(r->hr));

            rig_answer(r->hr);
            h3_request_free(r->hr, H3_NO_ERROR);
            r->hr = NULL;
            assert_true(fake_stream(rig->qc, 0)->out_fin);
            assert_int_equal(fake_stream(rig->qc, 0)->reset_error, FAKE_NONE);

        } else {
            assert_string_equal(r->events, "request gone");

            /* once */
            fake_stop(rig->qc, 0, H3_REQUEST_CANCELLED);
            assert_string_equal(r->events, "request gone");
        }

        rig_check_error(rig, FAKE_NONE);
        rig_destroy(rig);
    }

    /* nothing comes of it behind an error, and behind the end */

    rig = rig_create(NULL);
    rig_send(rig, 0, buf, rig_script(buf, "5d6"), 0, 5);
    assert_string_equal(rig_request(rig, 0)->events, HEADERS_5 MORE);
    fake_reset(rig->qc, 0, H3_REQUEST_CANCELLED);
    assert_string_equal(rig_request(rig, 0)->events, HEADERS_5 MORE);
    rig_destroy(rig);
}


/* what a request took is given back with it, not with the connection */

static void
test_memory(void **state)
{
    u_char       buf[256];
    size_t       i, len, used;
    rig_t       *rig;

    rig = rig_create(NULL);
    rig->free_in = "gone";
    used = rig->qc->mem.used;

    len = rig_script(buf, "G");

    for (i = 1; i < len; i++) {
        rig_send(rig, 4 * i, buf, i, 0, RIG_MAX);
        fake_reset(rig->qc, 4 * i, H3_REQUEST_CANCELLED);
        fake_stop(rig->qc, 4 * i, H3_REQUEST_CANCELLED);
    }

    rig->free_in = "headers";

    for ( /* void */ ; i < 100; i++) {
        rig_get(rig, 4 * i);
    }

    rig_check_error(rig, FAKE_NONE);

    /* nghttp3's buffer for instructions */
    assert_true(rig->qc->mem.used - used <= 256);

    rig_destroy(rig);
}


/* a section with Required Insert Count 1: "server: a", and what it takes */

static u_char  inserts[] = { 0x3f, 0xe1, 0x1f, 0xff, 0x1d, 0x01, 'a' };


static size_t
blocked_request(u_char *buf, const char *rest)
{
    u_char  section[256], *p;

    p = rig_section(section, ":method: POST\n:scheme: https\n:authority: a\n"
                    ":path: /\n");
    section[0] = 0x02;
    *p++ = 0x80;

    p = rig_frame(buf, H3_FRAME_HEADERS, section, p - section);

    return p - buf + rig_script(p, rest);
}


static void
unblock(rig_t *rig)
{
    u_char  type = H3_STREAM_QPACK_ENCODER;

    rig_send(rig, RIG_ENCODER, &type, 1, 0, 1);
    rig_send(rig, RIG_ENCODER, inserts, sizeof(inserts), 0, 1);
}


static void
test_blocked(void **state)
{
    u_char           buf[512];
    size_t           i, len;
    rig_t           *rig;
    rig_request_t   *r;

    len = blocked_request(buf, "d5uT");

    for (i = 0; i <= len; i++) {
        rig = rig_create(NULL);

        rig_send(rig, 0, buf, i, 0, 3);
        assert_null(rig_request(rig, 0));

        unblock(rig);
        rig_send(rig, 0, buf + i, len - i, 1, 3);

        r = rig_request(rig, 0);
        assert_string_equal(r->events, "request headers(-1) end");
        assert_string_equal(r->fields, POST_FIELDS "server=a ");
        assert_int_equal(r->body_len, 5);

        /* the Section Acknowledgment of stream 0 is the last, 2.2.2.1 */

        assert_int_equal(fake_stream(rig->qc, 11)->out[
                             fake_stream(rig->qc, 11)->out_len - 1], 0x80);

        rig_destroy(rig);
    }
}


static void
test_blocked_trailers(void **state)
{
    u_char           buf[512], *p;
    rig_t           *rig;
    rig_request_t   *r;

    rig = rig_create(NULL);

    p = buf + rig_script(buf, "5d5");
    p = rig_frame(p, H3_FRAME_HEADERS, "\x02\x00\x80", 3);
    rig_send(rig, 0, buf, p - buf, 1, RIG_MAX);

    r = rig_request(rig, 0);
    assert_string_equal(r->events, "request headers(5)");
    assert_int_equal(r->last, NGX_AGAIN);
    assert_int_equal(r->body_len, 5);

    unblock(rig);
    assert_string_equal(r->events, "request headers(5) end");

    rig_destroy(rig);
}


/* each ends while it's blocked, in its own way, or in another's callback */

static void
test_blocked_end(void **state)
{
    u_char       buf[512];
    size_t       len, i;
    rig_t       *rig;
    fake_stream_t  *f;

    len = blocked_request(buf, "");

    rig = rig_create(NULL);
    rig_send(rig, 0, buf, len, 1, RIG_MAX);
    rig_send(rig, 4, buf, len, 0, RIG_MAX);
    rig_send(rig, 8, buf, len, 1, RIG_MAX);

    fake_reset(rig->qc, 4, H3_REQUEST_CANCELLED);
    fake_stop(rig->qc, 8, H3_REQUEST_CANCELLED);
    assert_true(fake_stream(rig->qc, 4)->released);
    assert_true(fake_stream(rig->qc, 8)->released);

    /* Stream Cancellation of both */

    f = fake_stream(rig->qc, 11);
    assert_int_equal(f->out_len, 3);
    assert_memory_equal(f->out, "\x03\x44\x48", 3);

    unblock(rig);
    assert_non_null(rig_request(rig, 0));
    assert_int_equal(rig->n, 1);
    rig_destroy(rig);

    for (i = 0; i < test_array_len(callbacks); i++) {
        rig = rig_create(NULL);
        rig->free_all_in = callbacks[i];

        /* two of them are known already, blocked in their trailers */

        len = rig_script(buf, "Pd1");
        len = rig_frame(buf + len, H3_FRAME_HEADERS, "\x02\x00\x80", 3) - buf;
        rig_send(rig, 0, buf, len, 1, RIG_MAX);
        rig_send(rig, 4, buf, len, 1, RIG_MAX);

        len = blocked_request(buf, "d1");
        rig_send(rig, 8, buf, len, 1, RIG_MAX);
        rig_send(rig, 12, buf, len, 1, RIG_MAX);

        unblock(rig);
        rig_check_error(rig, FAKE_NONE);
        rig_destroy(rig);
    }

    /* the connection ends */

    len = blocked_request(buf, "");
    rig = rig_create(NULL);
    rig_send(rig, 0, buf, len, 1, RIG_MAX);
    rig_destroy(rig);
}


/* RFC 9204, 2.1.2 */

static void
test_blocked_limit(void **state)
{
    u_char       buf[512];
    size_t       len, i;
    rig_t       *rig;
    h3_conf_t    conf = { 4096, 4096, 0, 0 };

    len = blocked_request(buf, "");

    rig = rig_create(NULL);

    for (i = 0; i < 4; i++) {
        rig_send(rig, 4 * i, buf, len, 0, 1);
        rig_check_error(rig, FAKE_NONE);
    }

    fake_reset(rig->qc, 0, H3_REQUEST_CANCELLED);
    rig_send(rig, 16, buf, len, 0, 1);
    rig_check_error(rig, FAKE_NONE);

    rig_send(rig, 20, buf, len, 0, 1);
    rig_check_error(rig, QPACK_DECOMPRESSION_FAILED);
    rig_destroy(rig);

    rig = rig_create(&conf);
    rig_send(rig, 0, buf, len, 0, 1);
    rig_check_error(rig, QPACK_DECOMPRESSION_FAILED);
    rig_destroy(rig);

    /* 2.2.1: waits for an insertion, and refers to none */

    rig = rig_create(NULL);
    rig_send(rig, 0, (u_char *) "\x01\x02\x02\x00", 4, 0, 1);
    rig_check_error(rig, QPACK_DECOMPRESSION_FAILED);
    rig_destroy(rig);
}


/* frames that mean nothing */

static void
test_useless(void **state)
{
    u_char       buf[64];
    size_t       i, kind, len;
    rig_t       *rig;

    static const char  *floods[] = { "u0", "u", "d0" };

    for (kind = 0; kind < test_array_len(floods); kind++) {
        rig = rig_create(NULL);

        rig_send(rig, 0, buf, rig_script(buf, "P"), 0, RIG_MAX);
        len = rig_script(buf, floods[kind]);

        for (i = 0; i < H3_MAX_USELESS + H3_MAX_USELESS_PER_REQUEST; i++) {
            rig_check_error(rig, FAKE_NONE);
            rig_send(rig, 0, buf, len, 0, RIG_MAX);
        }

        rig_check_error(rig, FAKE_NONE);
        rig_send(rig, 0, buf, len, 0, RIG_MAX);
        rig_check_error(rig, H3_EXCESSIVE_LOAD);

        rig_destroy(rig);
    }

    /* streams that have nothing on them */

    rig = rig_create(NULL);

    for (i = 0; i < H3_MAX_USELESS; i++) {
        rig_check_error(rig, FAKE_NONE);
        rig_send(rig, 4 * i, NULL, 0, 1, 1);
        assert_true(fake_stream(rig->qc, 4 * i)->released);
    }

    rig_send(rig, 4 * i, NULL, 0, 1, 1);
    rig_check_error(rig, H3_EXCESSIVE_LOAD);
    rig_destroy(rig);
}


/* no memory, at each allocation: nothing is lost */

static void
test_no_memory(void **state)
{
    u_char       buf[512];
    size_t       len;
    rig_t       *rig;
    ngx_uint_t   i;

    len = blocked_request(buf, "d5T");

    for (i = 0; i < 40; i++) {
        rig = rig_create(NULL);
        rig->answer = (i & 1);
        rig->qc->mem.max = rig->qc->mem.used + 64 * i;

        rig_send(rig, 0, buf, len, 1, 3);

        if (rig->qc->error == FAKE_NONE) {
            unblock(rig);
        }

        rig_destroy(rig);
    }
}


/* whatever a client sends */

static void
test_random(void **state)
{
    char         script[16];
    u_char       buf[1024];
    rig_t       *rig;
    size_t       i, j, len;

    static const char  letters[] = "GP059ddTTbuxhd";

    for (i = 0; i < 20000; i++) {
        rig = rig_create(NULL);
        rig->free_in = callbacks[test_rand() % test_array_len(callbacks)];
        rig->answer = test_rand() % 2;
        rig->keep = test_rand() % 2;

        memset(script, 0, sizeof(script));

        for (j = 0; j < 6; j++) {
            script[strlen(script)] = letters[test_rand()
                                             % (sizeof(letters) - 1)];

            if (script[strlen(script) - 1] == 'd') {
                script[strlen(script)] = '0' + test_rand() % 10;
            }
        }

        len = rig_script(buf, script);

        if (test_rand() % 4 == 0) {
            buf[test_rand() % len] ^= 1 << (test_rand() % 8);
        }

        rig_send(rig, 0, buf, len, test_rand() % 2, 1 + test_rand() % 16);
        rig_send(rig, 4, buf, len, test_rand() % 2, 1 + test_rand() % 16);

        rig_destroy(rig);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_extended_connect),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_declined),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_exact_reader),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_free_in),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_blocked),
        cmocka_unit_test(test_blocked_trailers),
        cmocka_unit_test(test_blocked_end),
        cmocka_unit_test(test_blocked_limit),
        cmocka_unit_test(test_useless),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
