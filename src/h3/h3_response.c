
/*
 * Writing a response: HEADERS, DATA, the end.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"
#include "h3/h3_request.h"
#include "h3/h3_urgency.h"


/* type and length of a DATA frame of up to H3_MAX_DATA bytes */

#define H3_DATA_HEADER  5
#define H3_MAX_DATA     ((size_t) 1 << 30)


static ngx_uint_t h3_response_over(h3_request_t *hr);
static ngx_int_t h3_response_section(h3_request_t *hr, h3_field_t *fields,
    ngx_uint_t n);
static ngx_int_t h3_response_send_section(h3_request_t *hr);
static ngx_int_t h3_response_put(h3_request_t *hr, const u_char *data,
    size_t len);
static ngx_int_t h3_response_fail(h3_request_t *hr, const char *reason);


/* non-zero when nothing can be written any more */

static ngx_uint_t
h3_response_over(h3_request_t *hr)
{
    return hr->finished || h3_request_dead(hr);
}


ngx_int_t
h3_response_headers(h3_request_t *hr, h3_field_t *fields, ngx_uint_t n,
    ngx_uint_t fin)
{
    ngx_int_t   rc;
    h3_conn_t  *hc;

    if (h3_response_over(hr)) {
        return NGX_ERROR;
    }

    if (hr->data_left) {
        return h3_response_fail(hr, "HEADERS inside of a DATA frame");
    }

    hc = hr->hc;

    h3_conn_enter(hc);

    h3_urgency_response(hr, fields, n);

    rc = h3_response_section(hr, fields, n);

    hr->answered = 1;

    if (rc == NGX_OK && fin) {
        h3_response_finish(hr);
    }

    h3_conn_leave(hc);

    return rc;
}


/*
 * Entries are inserted only while the client reads the encoder stream:
 * acknowledgements for what it can't have read would make us go on for ever.
 * Without that stream the table has no capacity yet.
 */

static ngx_int_t
h3_response_section(h3_request_t *hr, h3_field_t *fields, ngx_uint_t n)
{
    ngx_int_t   rc;
    ngx_uint_t  insert;
    h3_conn_t  *hc;

    hc = hr->hc;

    insert = hc->encoder == NULL
             || quic_send_buf_held(&hc->encoder->out)
                < H3_MAX_UNSENT_INSERTIONS;

    if (h3_qpack_encode(&hc->qpack, hr->id, fields, n, insert) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "can't encode fields");
        return NGX_ERROR;
    }

    rc = h3_response_send_section(hr);

    h3_qpack_trim(&hc->qpack);

    return rc;
}


static ngx_int_t
h3_response_send_section(h3_request_t *hr)
{
    u_char       head[H3_FRAME_MAX_HEADER], *p;
    h3_conn_t   *hc;
    h3_qpack_t  *q;
    size_t       prefix, lines, instructions;

    hc = hr->hc;
    q = &hc->qpack;

    prefix = nghttp3_buf_len(&q->prefix);
    lines = nghttp3_buf_len(&q->lines);
    instructions = nghttp3_buf_len(&q->instructions);

    if (instructions
        && quic_stream_write(hc->encoder, q->instructions.pos, instructions)
           != NGX_OK)
    {
        h3_conn_error(hc, H3_INTERNAL_ERROR, "can't send to QPACK's decoder");
        return NGX_ERROR;
    }

    p = h3_frame_write_header(head, H3_FRAME_HEADERS, prefix + lines);

    if (h3_response_put(hr, head, p - head) != NGX_OK
        || h3_response_put(hr, q->prefix.pos, prefix) != NGX_OK
        || h3_response_put(hr, q->lines.pos, lines) != NGX_OK)
    {
        return h3_response_fail(hr, "can't send response fields");
    }

    return NGX_OK;
}


static ngx_int_t
h3_response_put(h3_request_t *hr, const u_char *data, size_t len)
{
    if (len == 0) {
        return NGX_OK;
    }

    hr->sent += len;

    return quic_stream_write(hr->stream, data, len);
}


/* half of a frame may have been written: the stream can't be used further */

static ngx_int_t
h3_response_fail(h3_request_t *hr, const char *reason)
{
    hr->finished = 1;
    hr->error = hr->error ? hr->error : H3_INTERNAL_ERROR;

    ngx_log_error(NGX_LOG_INFO, quic_conn_log(hr->hc->qc), 0,
                  "http3 stream %uL: %s (%s)", hr->id, reason,
                  quic_error_name(H3_INTERNAL_ERROR, 1));

    quic_stream_reset(hr->stream, H3_INTERNAL_ERROR);

    return NGX_ERROR;
}


size_t
h3_response_room(h3_request_t *hr)
{
    size_t  room;

    if (h3_response_over(hr)) {
        return 0;
    }

    room = quic_stream_room(hr->stream);

    if (room <= H3_DATA_HEADER) {
        return 0;
    }

    return ngx_min(room, H3_MAX_DATA) - H3_DATA_HEADER;
}


void
h3_response_want_write(h3_request_t *hr)
{
    if (!h3_response_over(hr)) {
        hr->stream->want_write = 1;
    }
}


ngx_int_t
h3_response_data(h3_request_t *hr, size_t len)
{
    u_char  head[H3_FRAME_MAX_HEADER], *p;

    if (h3_response_over(hr)) {
        return NGX_ERROR;
    }

    if (hr->data_left || !hr->answered) {
        return h3_response_fail(hr, "a DATA frame where none may be");
    }

    p = h3_frame_write_header(head, H3_FRAME_DATA, len);
    hr->data_left = len;

    if (h3_response_put(hr, head, p - head) != NGX_OK) {
        return h3_response_fail(hr, "can't send a DATA frame");
    }

    return NGX_OK;
}


ngx_int_t
h3_response_write(h3_request_t *hr, const u_char *data, size_t len)
{
    if (h3_response_over(hr)) {
        return NGX_ERROR;
    }

    if (len > hr->data_left) {
        return h3_response_fail(hr, "content beyond its DATA frame");
    }

    hr->data_left -= len;

    if (h3_response_put(hr, data, len) != NGX_OK) {
        return h3_response_fail(hr, "can't send content");
    }

    return NGX_OK;
}


u_char *
h3_response_reserve(h3_request_t *hr, size_t want, size_t *len)
{
    u_char  *p;

    if (h3_response_over(hr) || hr->data_left == 0) {
        return NULL;
    }

    want = ngx_min(want, hr->data_left);

    p = quic_stream_reserve(hr->stream, want, len);

    if (p) {
        *len = ngx_min(*len, hr->data_left);
    }

    return p;
}


void
h3_response_commit(h3_request_t *hr, size_t len)
{
    if (h3_response_over(hr)) {
        return;
    }

    if (len > hr->data_left) {
        h3_response_fail(hr, "content beyond its DATA frame");
        return;
    }

    hr->data_left -= len;
    hr->sent += len;

    quic_stream_commit(hr->stream, len);
}


/*
 * RFC 9114, 4.1.2: a malformed request ends in a stream error, before which it
 * may be answered.
 */

void
h3_response_finish(h3_request_t *hr)
{
    if (h3_response_over(hr)) {
        return;
    }

    if (hr->data_left) {
        h3_response_fail(hr, "end inside of a DATA frame");
        return;
    }

    hr->finished = 1;

    if (hr->error == H3_MESSAGE_ERROR) {
        quic_stream_finish_reset(hr->stream, hr->error);
        return;
    }

    quic_stream_finish(hr->stream);
}


ngx_uint_t
h3_response_pending(h3_request_t *hr)
{
    return !h3_request_dead(hr) && quic_send_buf_held(&hr->stream->out) != 0;
}


off_t
h3_response_sent(h3_request_t *hr)
{
    return hr->sent;
}
