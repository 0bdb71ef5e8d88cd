
/*
 * Reading a request: frames, fields, content.
 *
 * h3_request_advance() reads on until there is content to be fetched, the end,
 * or nothing more yet; it is driven by the transport (bytes have come) and by
 * the upper floor (it has taken some).  Driven by the upper floor it calls back
 * for nothing but ops->malformed(), as header fields come before there is
 * anything to take.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"
#include "h3/h3_request.h"
#include "h3/h3_urgency.h"


/* RFC 9204, 4.5.1: two integers in front of the field lines */

#define H3_SECTION_MAX_PREFIX  18


typedef struct {
    uint64_t     type;

    /* NGX_OK, or NGX_ERROR: the stream isn't read any more */
    ngx_int_t  (*begin)(h3_request_t *hr);

    /*
     * Uses what it can of the "len" bytes of payload that have come.  NGX_OK;
     * NGX_DONE: content is to be fetched; NGX_AGAIN: blocked; NGX_ERROR.
     */
    ngx_int_t  (*payload)(h3_request_t *hr, u_char *data, size_t len);
} h3_request_frame_t;


static ngx_int_t h3_request_advance(h3_request_t *hr);
static ngx_int_t h3_request_step(h3_request_t *hr);
static ngx_int_t h3_request_frame(h3_request_t *hr, ngx_str_t *span);
static const h3_request_frame_t *h3_request_frame_row(uint64_t type);
static void h3_request_peek(h3_request_t *hr, ngx_str_t *span);
static void h3_request_consume(h3_request_t *hr, size_t n);
static void h3_request_consume_payload(h3_request_t *hr, size_t n);

static ngx_int_t h3_request_begin_data(h3_request_t *hr);
static ngx_int_t h3_request_data(h3_request_t *hr, u_char *data, size_t len);
static ngx_int_t h3_request_begin_headers(h3_request_t *hr);
static ngx_int_t h3_request_headers(h3_request_t *hr, u_char *data,
    size_t len);
static ngx_int_t h3_request_begin_unknown(h3_request_t *hr);
static ngx_int_t h3_request_skip(h3_request_t *hr, u_char *data, size_t len);

static ngx_int_t h3_request_block(h3_request_t *hr);
static ngx_int_t h3_request_field(h3_request_t *hr, h3_qpack_field_t *f);
static ngx_int_t h3_request_section_done(h3_request_t *hr);
static ngx_int_t h3_request_headers_done(h3_request_t *hr);
static ngx_int_t h3_request_end(h3_request_t *hr);

static ngx_int_t h3_request_too_large(h3_request_t *hr);
static ngx_int_t h3_request_malformed(h3_request_t *hr, const char *reason);
static ngx_int_t h3_request_unexpected(h3_request_t *hr, const char *reason);


static const h3_request_frame_t  h3_request_frames[] = {
    { H3_FRAME_DATA, h3_request_begin_data, h3_request_data },
    { H3_FRAME_HEADERS, h3_request_begin_headers, h3_request_headers }
};


static const h3_request_frame_t  h3_request_unknown_frame = {
    0, h3_request_begin_unknown, h3_request_skip
};


void
h3_request_read(h3_request_t *hr)
{
    ngx_int_t  rc;

    if (h3_request_halted(hr)) {
        return;
    }

    rc = h3_request_advance(hr);

    if (rc == NGX_AGAIN || !hr->headers || hr->end_told || hr->freed
        || h3_request_dead(hr))
    {
        return;
    }

    hr->hc->ops->readable(hr->req);
}


/*
 * NGX_OK: content, or the end of it (hr->ended), is next; NGX_AGAIN: nothing
 * yet; NGX_ERROR: there will be nothing more.
 */

static ngx_int_t
h3_request_advance(h3_request_t *hr)
{
    ngx_int_t  rc;

    for ( ;; ) {

        if (h3_request_halted(hr)) {
            return NGX_ERROR;
        }

        if (hr->blocked) {
            return NGX_AGAIN;
        }

        if (hr->ended) {
            return NGX_OK;
        }

        rc = h3_request_step(hr);

        if (rc != NGX_OK) {
            return rc == NGX_DONE ? NGX_OK : rc;
        }
    }
}


/* a frame's header, or a part of its payload, or the end of the stream */

static ngx_int_t
h3_request_step(h3_request_t *hr)
{
    size_t              n;
    ngx_str_t           span;
    h3_frame_reader_t  *fr;

    fr = &hr->frame;

    h3_request_peek(hr, &span);

    if (fr->in_payload && (span.len || fr->left == 0)) {
        n = ngx_min(span.len, fr->left);
        return h3_request_frame_row(fr->type)->payload(hr, span.data, n);
    }

    if (span.len) {
        return h3_request_frame(hr, &span);
    }

    return hr->received == hr->final ? h3_request_end(hr) : NGX_AGAIN;
}


static ngx_int_t
h3_request_frame(h3_request_t *hr, ngx_str_t *span)
{
    u_char     *pos;
    ngx_int_t   rc;

    pos = span->data;

    rc = h3_frame_read_header(&hr->frame, &pos, span->data + span->len);

    h3_request_consume(hr, pos - span->data);

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    if (!(h3_frame_flags(hr->frame.type) & H3_FRAME_ON_REQUEST)) {
        return h3_request_unexpected(hr, "unexpected frame on a request");
    }

    return h3_request_frame_row(hr->frame.type)->begin(hr);
}


static const h3_request_frame_t *
h3_request_frame_row(uint64_t type)
{
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(h3_request_frames) / sizeof(h3_request_frames[0]);
         i++)
    {
        if (h3_request_frames[i].type == type) {
            return &h3_request_frames[i];
        }
    }

    return &h3_request_unknown_frame;
}


/* the end is seen with the last bytes, and isn't shown again behind them */

static void
h3_request_peek(h3_request_t *hr, ngx_str_t *span)
{
    ngx_uint_t  fin;

    quic_stream_peek(hr->stream, span, &fin);

    if (fin) {
        hr->final = hr->received + span->len;
    }
}


static void
h3_request_consume(h3_request_t *hr, size_t n)
{
    hr->received += n;
    hr->hc->received += n;

    if (n) {
        quic_stream_consume(hr->stream, n);
    }
}


static void
h3_request_consume_payload(h3_request_t *hr, size_t n)
{
    h3_request_consume(hr, n);
    h3_frame_read_payload(&hr->frame, n);
}


/*
 * The account of the content is kept by what the frames announce, so a byte
 * beyond content-length is refused before it can be fetched.
 */

static ngx_int_t
h3_request_begin_data(h3_request_t *hr)
{
    uint64_t  left;

    if (hr->state != H3_REQUEST_CONTENT) {
        return h3_request_unexpected(hr, hr->state == H3_REQUEST_TRAILERS
                                         ? "DATA after the trailers"
                                         : "DATA before HEADERS");
    }

    if (hr->content_length != -1) {
        left = hr->content_length - hr->content;

        if (hr->frame.left > left) {
            return h3_request_malformed(hr,
                                        "more content than content-length");
        }
    }

    hr->content += hr->frame.left;

    return hr->frame.left ? NGX_OK : h3_conn_useless(hr->hc);
}


static ngx_int_t
h3_request_data(h3_request_t *hr, u_char *data, size_t len)
{
    if (len) {
        return NGX_DONE;
    }

    h3_request_consume_payload(hr, 0);

    return NGX_OK;
}


static ngx_int_t
h3_request_begin_unknown(h3_request_t *hr)
{
    return h3_conn_useless(hr->hc);
}


static ngx_int_t
h3_request_skip(h3_request_t *hr, u_char *data, size_t len)
{
    h3_request_consume_payload(hr, len);

    return NGX_OK;
}


/*
 * A field line takes no more bytes encoded than it counts for, name + value +
 * 32: what announces more is too large before a byte of it has come, and what
 * waits for insertions is not more than that.
 */

static ngx_int_t
h3_request_begin_headers(h3_request_t *hr)
{
    h3_conn_t          *hc;
    h3_message_kind_e   kind;

    hc = hr->hc;

    if (hr->state == H3_REQUEST_TRAILERS) {
        return h3_request_unexpected(hr, "HEADERS after the trailers");
    }

    if (hr->state == H3_REQUEST_CONTENT && hr->message.connect) {
        /* RFC 9114, 4.4 */
        return h3_request_unexpected(hr, "HEADERS in a tunnel");
    }

    kind = hr->state == H3_REQUEST_CONTENT
           ? H3_MESSAGE_TRAILERS : H3_MESSAGE_REQUEST;

    h3_message_init(&hr->message, kind, hc->conf.connect_protocol);
    hr->section_size = 0;

    if (hr->frame.left > hc->conf.max_field_section + H3_SECTION_MAX_PREFIX) {
        return h3_request_too_large(hr);
    }

    if (h3_section_open(&hr->section, &hc->qpack, hr->id) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "no memory for a field section");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
h3_request_headers(h3_request_t *hr, u_char *data, size_t len)
{
    u_char            *pos, *end;
    ngx_int_t          rc;
    ngx_uint_t         last;
    h3_conn_t         *hc;
    h3_qpack_field_t   f;

    hc = hr->hc;
    pos = data;
    end = data + len;
    last = (len == hr->frame.left);

    for ( ;; ) {
        rc = h3_section_read(&hr->section, &hc->qpack, &pos, end, last, &f);

        if (rc != NGX_OK) {
            break;
        }

        rc = h3_request_field(hr, &f);
        h3_qpack_field_done(&f);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    h3_request_consume_payload(hr, pos - data);

    switch (rc) {

    case NGX_AGAIN:
        return NGX_OK;

    case NGX_DONE:
        return h3_request_section_done(hr);

    case NGX_BUSY:
        return h3_request_block(hr);

    case NGX_DECLINED:
        return h3_request_too_large(hr);

    default:
        h3_conn_error(hc, hc->qpack.error, "undecodable field section");
        return NGX_ERROR;
    }
}


/*
 * What is still to come of a blocked section stays unread, so it counts
 * against the stream's flow control: RFC 9204, 2.1.2 and 2.2.1.
 */

static ngx_int_t
h3_request_block(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = hr->hc;

    if (hc->nblocked >= hc->conf.max_blocked_streams) {
        h3_conn_error(hc, QPACK_DECOMPRESSION_FAILED,
                      "too many blocked streams");
        return NGX_ERROR;
    }

    hr->blocked = 1;
    hc->nblocked++;
    ngx_queue_insert_tail(&hc->blocked, &hr->blocked_queue);

    return NGX_AGAIN;
}


void
h3_request_unblock(h3_request_t *hr)
{
    if (hr->blocked) {
        hr->blocked = 0;
        hr->hc->nblocked--;
        ngx_queue_remove(&hr->blocked_queue);
    }
}


/* NGX_OK, or NGX_ERROR: the section isn't decoded any further */

static ngx_int_t
h3_request_field(h3_request_t *hr, h3_qpack_field_t *f)
{
    ngx_int_t    rc;
    const char  *malformed;

    hr->section_size += f->name.len + f->value.len + 32;

    if (hr->section_size > hr->hc->conf.max_field_section) {
        return h3_request_too_large(hr);
    }

    malformed = h3_message_field(&hr->message, &f->name, &f->value);

    if (malformed) {
        return h3_request_malformed(hr, malformed);
    }

    if (hr->message.authority.data == f->value.data) {
        h3_section_keep(&hr->section, f);
    }

    if (hr->state == H3_REQUEST_CONTENT) {
        return NGX_OK;
    }

    h3_urgency_request(hr, &f->name, &f->value);

    if (h3_request_start(hr) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = hr->hc->ops->field(hr->req, &f->name, &f->value);

    if (rc != NGX_OK) {
        hr->ignored = 1;
    }

    return h3_request_halted(hr) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
h3_request_section_done(h3_request_t *hr)
{
    h3_conn_t   *hc;
    const char  *malformed;

    hc = hr->hc;
    malformed = h3_message_end(&hr->message);

    h3_section_close(&hr->section, &hc->qpack);

    if (malformed) {
        return h3_request_malformed(hr, malformed);
    }

    if (hr->state == H3_REQUEST_WAIT_HEADERS) {
        hr->state = H3_REQUEST_CONTENT;
        return h3_request_headers_done(hr);
    }

    hr->state = H3_REQUEST_TRAILERS;

    return NGX_OK;
}


static ngx_int_t
h3_request_headers_done(h3_request_t *hr)
{
    ngx_str_t  span;

    hr->content_length = hr->message.content_length;

    h3_request_peek(hr, &span);

    if (hr->received == hr->final) {

        if (h3_request_end(hr) != NGX_OK) {
            return NGX_ERROR;
        }

        hr->end_told = 1;
    }

    hr->headers = 1;
    hr->hc->ops->headers(hr->req, hr->ended, hr->content_length);

    return NGX_OK;
}


/*
 * FIN: in a STREAM frame of its own or with the last bytes, behind HEADERS,
 * DATA, trailers or an unknown frame, all of them come here.
 */

static ngx_int_t
h3_request_end(h3_request_t *hr)
{
    if (h3_frame_reader_partial(&hr->frame)) {
        h3_conn_error(hr->hc, H3_FRAME_ERROR,
                      "request ends inside of a frame");
        return NGX_ERROR;
    }

    if (hr->state == H3_REQUEST_WAIT_HEADERS) {

        if (h3_conn_useless(hr->hc) != NGX_OK) {
            return NGX_ERROR;
        }

        return h3_request_drop(hr, H3_REQUEST_INCOMPLETE, "no HEADERS");
    }

    if (hr->content_length != -1 && hr->content != hr->content_length) {
        return h3_request_malformed(hr, "less content than content-length");
    }

    hr->ended = 1;

    return NGX_OK;
}


static ngx_int_t
h3_request_too_large(h3_request_t *hr)
{
    if (hr->state == H3_REQUEST_CONTENT) {
        return h3_request_fail(hr, H3_EXCESSIVE_LOAD, "trailers too large");
    }

    if (h3_request_start(hr) == NGX_OK) {
        hr->ignored = 1;
        hr->hc->ops->too_large(hr->req);
    }

    return NGX_ERROR;
}


/*
 * RFC 9114, 4.1.2: a stream error, for which a response may be sent.  The upper
 * floor has the words for the log.
 */

static ngx_int_t
h3_request_malformed(h3_request_t *hr, const char *reason)
{
    if (h3_request_start(hr) == NGX_OK) {
        hr->error = H3_MESSAGE_ERROR;
        hr->hc->ops->malformed(hr->req, reason);
    }

    return NGX_ERROR;
}


/* RFC 9114, 4.1: an invalid sequence of frames */

static ngx_int_t
h3_request_unexpected(h3_request_t *hr, const char *reason)
{
    h3_conn_error(hr->hc, H3_FRAME_UNEXPECTED, reason);

    return NGX_ERROR;
}


ssize_t
h3_request_recv(h3_request_t *hr, u_char *buf, size_t size)
{
    size_t       n, total;
    ngx_int_t    rc;
    ngx_str_t    span;
    h3_conn_t   *hc;

    if (h3_request_halted(hr)) {
        return NGX_ERROR;
    }

    if (!hr->headers) {
        return NGX_AGAIN;
    }

    hc = h3_request_enter(hr);

    /* with a full buffer as well: the end may be right behind */

    for (total = 0; ; total += n) {
        rc = h3_request_advance(hr);

        if (rc != NGX_OK || hr->ended || total == size) {
            break;
        }

        h3_request_peek(hr, &span);

        n = ngx_min(span.len, size - total);
        n = ngx_min(n, hr->frame.left);

        ngx_memcpy(buf + total, span.data, n);
        h3_request_consume_payload(hr, n);
    }

    if (total == 0 && hr->ended) {
        hr->end_told = 1;
    }

    h3_request_leave(hr, hc);

    /* what came before an error isn't wanted any more */

    return (rc == NGX_OK || (rc == NGX_AGAIN && total)) ? (ssize_t) total : rc;
}
