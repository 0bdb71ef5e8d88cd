
/*
 * Responses, read as a client reads them: frames, and fields through nghttp3's
 * decoder fed by our encoder stream.
 */

#include "h3_rig.h"
#include "quic/limits.h"
#include <nghttp3/nghttp3.h>


#define CONTROL  3
#define ENCODER  7

#define field(n, v, never)  { ngx_string(n), ngx_string(v), never }


typedef struct {
    rig_t                   *rig;
    nghttp3_qpack_decoder   *decoder;
    size_t                   instructions;   /* read of the encoder stream */
    char                     text[4096];     /* "(:status=200 ) abc end" */
} client_t;


static h3_field_t  hints[] = {
    field(":status", "103", 0),
    field("link", "</style.css>; rel=preload", 0)
};

static h3_field_t  fields[] = {
    field(":status", "200", 0),
    field("content-type", "text/strange", 0),
    field("set-cookie", "a=b", 1)
};

#define HINTS   "(:status=103 link=</style.css>; rel=preload )"
#define FIELDS  "(:status=200 content-type=text/strange set-cookie=a=b! )"


/* "table": the client's decoder has one */

static client_t *
client_create(ngx_uint_t table)
{
    rig_t     *rig;
    client_t  *cl;

    cl = calloc(1, sizeof(client_t));
    assert_non_null(cl);

    assert_int_equal(nghttp3_qpack_decoder_new(&cl->decoder, 4096, 16,
                                               nghttp3_mem_default()), 0);
    if (table) {
        cl->rig = rig = rig_create_bare(NULL);
        rig->qc->ops->established(rig->qc->app);
        fake_send(rig->qc, RIG_CONTROL, "\x00\x04\x05\x01\x50\x00\x07\x10", 8,
                  0);
        rig_check_error(rig, FAKE_NONE);

    } else {
        cl->rig = rig_create(NULL);
    }

    cl->instructions = 1;                        /* the stream's type */

    return cl;
}


static void
client_destroy(client_t *cl)
{
    rig_destroy(cl->rig);
    nghttp3_qpack_decoder_del(cl->decoder);
    free(cl);
}


static void
client_read_instructions(client_t *cl)
{
    size_t          n;
    fake_stream_t  *f;

    f = fake_stream(cl->rig->qc, ENCODER);
    n = f->out_len - cl->instructions;

    assert_int_equal(nghttp3_qpack_decoder_read_encoder(cl->decoder,
                         f->out + cl->instructions, n), (nghttp3_ssize) n);
    cl->instructions += n;
}


/* what the decoder answers is sent to our encoder */

static void
client_acknowledge(client_t *cl)
{
    u_char       buf[4096];
    nghttp3_buf  b;

    b.begin = b.pos = b.last = buf;
    b.end = buf + sizeof(buf);

    nghttp3_qpack_decoder_write_decoder(cl->decoder, &b);
    fake_send(cl->rig->qc, RIG_DECODER, b.pos, b.last - b.pos, 0);
    rig_check_error(cl->rig, FAKE_NONE);
}


static void
client_read_fields(client_t *cl, uint64_t id, u_char *p, u_char *end)
{
    char                          *text;
    uint8_t                        flags;
    nghttp3_vec                    name, value;
    nghttp3_ssize                  n;
    nghttp3_qpack_nv               nv;
    nghttp3_qpack_stream_context  *sec;

    assert_int_equal(nghttp3_qpack_stream_context_new(&sec, id,
                                                  nghttp3_mem_default()), 0);
    strcat(cl->text, "(");

    do {
        n = nghttp3_qpack_decoder_read_request(cl->decoder, sec, &nv, &flags,
                                               p, end - p, 1);
        assert_true(n >= 0);
        p += n;

        if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
            name = nghttp3_rcbuf_get_buf(nv.name);
            value = nghttp3_rcbuf_get_buf(nv.value);
            text = cl->text + strlen(cl->text);
            sprintf(text, "%.*s=%.*s%s ", (int) name.len, name.base,
                    (int) value.len, value.base,
                    nv.flags & NGHTTP3_NV_FLAG_NEVER_INDEX ? "!" : "");
            nghttp3_rcbuf_decref(nv.name);
            nghttp3_rcbuf_decref(nv.value);
        }

    } while (!(flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL));

    strcat(cl->text, ")");
    nghttp3_qpack_stream_context_del(sec);
}


/* the whole response as text */

static char *
client_read(client_t *cl, uint64_t id)
{
    u_char             *p, *end;
    fake_stream_t      *f;
    h3_frame_reader_t   fr;

    client_read_instructions(cl);

    f = fake_stream(cl->rig->qc, id);
    p = f->out;
    end = p + f->out_len;
    cl->text[0] = '\0';

    h3_frame_reader_init(&fr);

    while (p < end) {
        assert_int_equal(h3_frame_read_header(&fr, &p, end), NGX_OK);
        assert_true(fr.left <= (uint64_t) (end - p));

        if (fr.type == H3_FRAME_HEADERS) {
            client_read_fields(cl, id, p, p + fr.left);

        } else {
            assert_int_equal(fr.type, H3_FRAME_DATA);
            sprintf(cl->text + strlen(cl->text), "[%.*s]",
                    (int) ngx_min(fr.left, 64), p);
        }

        p += fr.left;
        h3_frame_read_payload(&fr, fr.left);
    }

    if (f->out_fin) {
        strcat(cl->text, " end");
    }

    return cl->text;
}


static h3_request_t *
get(client_t *cl, uint64_t id)
{
    rig_get(cl->rig, id);

    return rig_request(cl->rig, id)->hr;
}


static void
release(client_t *cl, uint64_t id, uint64_t error)
{
    rig_request_t  *r;

    r = rig_request(cl->rig, id);

    h3_request_free(r->hr, error);
    r->hr = NULL;
}


static void
test_response(void **state)
{
    client_t      *cl;
    h3_request_t  *hr;

    cl = client_create(0);
    hr = get(cl, 0);

    assert_false(h3_response_pending(hr));

    assert_int_equal(h3_response_headers(hr, hints, 2, 0), NGX_OK);
    assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_OK);
    assert_int_equal(h3_response_data(hr, 5), NGX_OK);
    assert_int_equal(h3_response_write(hr, (u_char *) "ab", 2), NGX_OK);
    assert_int_equal(h3_response_write(hr, (u_char *) "cde", 3), NGX_OK);
    assert_int_equal(h3_response_data(hr, 1), NGX_OK);
    assert_int_equal(h3_response_write(hr, (u_char *) "f", 1), NGX_OK);

    assert_string_equal(client_read(cl, 0), HINTS FIELDS "[abcde][f]");
    assert_int_equal(h3_response_sent(hr),
                     (off_t) fake_stream(cl->rig->qc, 0)->out_len);
    assert_true(h3_response_pending(hr));

    h3_response_finish(hr);
    assert_string_equal(client_read(cl, 0), HINTS FIELDS "[abcde][f] end");

    fake_stream(cl->rig->qc, 0)->s.out.base
        = fake_stream(cl->rig->qc, 0)->s.out.end;
    assert_false(h3_response_pending(hr));

    /* it's over */

    assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_ERROR);
    assert_int_equal(h3_response_data(hr, 1), NGX_ERROR);
    assert_int_equal(h3_response_room(hr), 0);
    h3_response_finish(hr);

    release(cl, 0, H3_INTERNAL_ERROR);
    assert_int_equal(fake_stream(cl->rig->qc, 0)->reset_error, FAKE_NONE);

    client_destroy(cl);
}


static void
test_headers_only(void **state)
{
    client_t  *cl;

    cl = client_create(0);

    assert_int_equal(h3_response_headers(get(cl, 0), fields, 3, 1), NGX_OK);
    assert_string_equal(client_read(cl, 0), FIELDS " end");

    client_destroy(cl);
}


static void
test_reserve(void **state)
{
    u_char        *p;
    size_t         len;
    client_t      *cl;
    h3_request_t  *hr;

    cl = client_create(0);
    hr = get(cl, 0);

    assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_OK);
    assert_null(h3_response_reserve(hr, 10, &len));

    assert_int_equal(h3_response_data(hr, 10), NGX_OK);

    /* never more than the frame has left, whatever the buffer offers */

    p = h3_response_reserve(hr, 1000, &len);
    assert_non_null(p);
    assert_int_equal(len, 10);
    memcpy(p, "0123", 4);
    h3_response_commit(hr, 4);

    p = h3_response_reserve(hr, 6, &len);
    assert_int_equal(len, 6);
    memcpy(p, "456789", 6);
    h3_response_commit(hr, 6);

    assert_null(h3_response_reserve(hr, 1, &len));
    h3_response_finish(hr);

    assert_string_equal(client_read(cl, 0), FIELDS "[0123456789] end");
    assert_int_equal(h3_response_sent(hr),
                     (off_t) fake_stream(cl->rig->qc, 0)->out_len);

    client_destroy(cl);
}


/* a frame with less or more than it has announced never looks whole */

static void
test_wrong_length(void **state)
{
    size_t         i, len;
    client_t      *cl;
    h3_request_t  *hr;

    for (i = 0; i < 5; i++) {
        cl = client_create(0);
        hr = get(cl, 0);

        assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_OK);
        assert_int_equal(h3_response_data(hr, 5), NGX_OK);

        switch (i) {

        case 0:
            h3_response_finish(hr);
            break;

        case 1:
            assert_int_equal(h3_response_data(hr, 1), NGX_ERROR);
            break;

        case 2:
            assert_int_equal(h3_response_write(hr, (u_char *) "123456", 6),
                             NGX_ERROR);
            break;

        case 3:
            assert_non_null(h3_response_reserve(hr, 5, &len));
            h3_response_commit(hr, 6);
            break;

        default:
            assert_int_equal(h3_response_headers(hr, fields, 3, 0),
                             NGX_ERROR);
        }

        assert_int_equal(fake_stream(cl->rig->qc, 0)->reset_error,
                         H3_INTERNAL_ERROR);
        assert_false(fake_stream(cl->rig->qc, 0)->out_fin);

        release(cl, 0, H3_NO_ERROR);
        client_destroy(cl);
    }
}


static void
test_unfinished(void **state)
{
    client_t  *cl;

    cl = client_create(0);

    assert_int_equal(h3_response_headers(get(cl, 0), fields, 3, 0), NGX_OK);
    release(cl, 0, H3_REQUEST_CANCELLED);

    assert_int_equal(fake_stream(cl->rig->qc, 0)->reset_error,
                     H3_REQUEST_CANCELLED);

    client_destroy(cl);
}


/* RFC 9114, 4.1: whatever the upper floor does, no such message goes out */

static void
test_no_headers(void **state)
{
    client_t  *cl;

    cl = client_create(0);

    assert_int_equal(h3_response_data(get(cl, 0), 1), NGX_ERROR);
    assert_int_equal(fake_stream(cl->rig->qc, 0)->out_len, 0);
    assert_int_equal(fake_stream(cl->rig->qc, 0)->reset_error,
                     H3_INTERNAL_ERROR);
    release(cl, 0, H3_NO_ERROR);

    client_destroy(cl);
}


static void
test_no_memory(void **state)
{
    client_t      *cl;
    h3_request_t  *hr;

    cl = client_create(0);
    hr = get(cl, 0);
    cl->rig->qc->fail_writes = 1;

    assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_ERROR);
    assert_int_equal(fake_stream(cl->rig->qc, 0)->reset_error,
                     H3_INTERNAL_ERROR);
    rig_check_error(cl->rig, FAKE_NONE);
    release(cl, 0, H3_NO_ERROR);

    cl->rig->qc->fail_writes = 0;
    hr = get(cl, 4);
    assert_int_equal(h3_response_headers(hr, fields, 3, 0), NGX_OK);
    cl->rig->qc->fail_writes = 1;
    assert_int_equal(h3_response_data(hr, 1), NGX_ERROR);
    assert_int_equal(fake_stream(cl->rig->qc, 4)->reset_error,
                     H3_INTERNAL_ERROR);
    release(cl, 4, H3_NO_ERROR);

    client_destroy(cl);
}


static void
test_room(void **state)
{
    client_t      *cl;
    rig_request_t *r;
    h3_request_t  *hr;

    cl = client_create(0);
    hr = get(cl, 0);
    r = rig_request(cl->rig, 0);

    cl->rig->qc->room = 0;
    assert_int_equal(h3_response_room(hr), 0);

    cl->rig->qc->room = 5;
    assert_int_equal(h3_response_room(hr), 0);

    cl->rig->qc->room = 6;
    assert_int_equal(h3_response_room(hr), 1);

    cl->rig->qc->room = 65536;
    assert_int_equal(h3_response_room(hr), 65531);

    fake_writable(cl->rig->qc, 0);
    assert_string_equal(r->events, "request headers(fin -1)");

    h3_response_want_write(hr);
    fake_writable(cl->rig->qc, 0);
    assert_string_equal(r->events, "request headers(fin -1) writable");

    fake_writable(cl->rig->qc, 0);
    assert_string_equal(r->events, "request headers(fin -1) writable");

    client_destroy(cl);
}


/* fields that come again take less and less, cookies stay what they are */

static void
test_table(void **state)
{
    size_t      i, first, last;
    client_t   *cl;

    cl = client_create(1);
    first = last = 0;

    fake_send(cl->rig->qc, RIG_DECODER, "\x03", 1, 0);

    for (i = 0; i < 50; i++) {
        assert_int_equal(h3_response_headers(get(cl, 4 * i), fields, 3, 1),
                         NGX_OK);
        assert_string_equal(client_read(cl, 4 * i), FIELDS " end");
        client_acknowledge(cl);

        last = fake_stream(cl->rig->qc, 4 * i)->out_len;
        first = first ? first : last;
    }

    assert_true(cl->instructions > 10);
    assert_true(last < sizeof(FIELDS) / 2);

    client_destroy(cl);
}


/* a client that doesn't read our instructions gets no more of them */

static void
test_unsent_insertions(void **state)
{
    char            value[64];
    size_t          i, before;
    client_t       *cl;
    fake_stream_t  *f;
    h3_field_t      fl[2] = { field(":status", "200", 0),
                              field("content-type", "", 0) };

    cl = client_create(1);
    fake_send(cl->rig->qc, RIG_DECODER, "\x03", 1, 0);

    f = fake_stream(cl->rig->qc, ENCODER);
    f->s.out.base = f->s.out.end;
    f->s.out.end += H3_MAX_UNSENT_INSERTIONS - 1;

    assert_int_equal(h3_response_headers(get(cl, 0), fields, 3, 1), NGX_OK);
    assert_string_equal(client_read(cl, 0), FIELDS " end");
    assert_true(f->out_len > 10);
    before = f->out_len;

    for (i = 1; i < 20; i++) {
        sprintf(value, "text/number-%d", (int) i);
        fl[1].value.data = (u_char *) value;
        fl[1].value.len = strlen(value);

        assert_int_equal(h3_response_headers(get(cl, 4 * i), fl, 2, 1),
                         NGX_OK);
        assert_non_null(strstr(client_read(cl, 4 * i), value));
        client_acknowledge(cl);
    }

    assert_int_equal(f->out_len, before);

    client_destroy(cl);
}


/* a response may be written from every callback that comes before the end */

static void
test_answer_at_once(void **state)
{
    client_t  *cl;

    cl = client_create(1);
    cl->rig->answer = 1;

    rig_get(cl->rig, 0);
    assert_null(rig_request(cl->rig, 0)->hr);
    assert_string_equal(client_read(cl, 0), "(:status=204 ) end");

    client_destroy(cl);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_headers_only),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_no_headers),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_unsent_insertions),
        cmocka_unit_test(test_answer_at_once)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
