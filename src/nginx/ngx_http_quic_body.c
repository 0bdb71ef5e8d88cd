
/*
 * The content of a request, read by the core as from a socket.
 *
 * With content-length it reads that many plain bytes.  Otherwise it has been
 * told that the content is chunked (HTTP/1 knows no other content of unknown
 * length), so that is how it is shown: each piece that HTTP/3 has becomes a
 * chunk.  Either way directives that speak of request bodies, buffered or not,
 * discarded or too large, are the core's business.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


static ssize_t ngx_http_quic_recv_malformed(ngx_http_quic_request_t *qr);
static void ngx_http_quic_recv_over(ngx_http_quic_request_t *qr, ssize_t n);
static ssize_t ngx_http_quic_recv_plain(ngx_http_quic_request_t *qr,
    u_char *buf, size_t size);
static ssize_t ngx_http_quic_recv_chunk(ngx_http_quic_request_t *qr,
    u_char *buf, size_t size);
static ssize_t ngx_http_quic_make_chunk(ngx_http_quic_request_t *qr,
    u_char *buf, size_t size);
static ssize_t ngx_http_quic_rest_of_chunk(ngx_http_quic_request_t *qr,
    u_char *buf, size_t size);


/*
 * Bytes, 0 at the end, NGX_AGAIN with c->read->ready = 0, or NGX_ERROR.  The
 * end of one direction of a tunnel isn't an end for the core.
 */

ssize_t
ngx_http_quic_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t                   n;
    ngx_event_t              *rev;
    ngx_http_request_t       *r;
    ngx_http_quic_request_t  *qr;

    r = c->data;
    qr = ngx_http_quic_get_request(r);
    rev = c->read;

    if (qr->finished || size == 0) {

        /* it's being discarded, and the client has been answered */
        n = 0;

    } else if (qr->main->headers_in.chunked) {
        n = ngx_http_quic_recv_chunk(qr, buf, size);

    } else {
        n = ngx_http_quic_recv_plain(qr, buf, size);
    }

    if (n == NGX_ERROR && qr->malformed) {
        n = ngx_http_quic_recv_malformed(qr);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "http3 recv: %z of %uz", n, size);

    if (n == 0 && qr->tunnel && !qr->gone) {
        ngx_http_quic_websocket_half_close(qr);
        return NGX_AGAIN;
    }

    /* of what isn't discarded the core adds what it gets, not what has come */

    ngx_http_quic_request_count(qr, qr->main->discard_body ? 0
                                                           : ngx_max(n, 0));

    if (n == NGX_AGAIN) {
        rev->ready = 0;

    } else if (n <= 0) {
        ngx_http_quic_recv_over(qr, n);
    }

    return n;
}


/*
 * An error would keep the core from sending anything.  So, what is read for
 * someone comes no more, as the request's own event is about to answer; what
 * is discarded ends here, and the header filter says 400.
 */

static ssize_t
ngx_http_quic_recv_malformed(ngx_http_quic_request_t *qr)
{
    if (qr->main->discard_body || qr->main->request_body == NULL) {
        return 0;
    }

    if (ngx_http_quic_request_reading(qr->main)) {
        ngx_post_event(&qr->event, &ngx_posted_events);
        return NGX_AGAIN;
    }

    return NGX_ERROR;
}


/*
 * When content that is discarded ends before its length, the core takes it for
 * discarded, but leaves its handler in place: the next read event would do
 * that once more, and finalize the request once too often.
 */

static void
ngx_http_quic_recv_over(ngx_http_quic_request_t *qr, ssize_t n)
{
    if (n == NGX_ERROR) {
        qr->connection->read->error = 1;
    }

    /* of a socket it's recv that says so; request bodies have a length */

    if (qr->tunnel) {
        qr->connection->read->eof = 1;
    }

    if (qr->main->discard_body) {
        qr->main->read_event_handler = ngx_http_block_reading;
    }
}


ssize_t
ngx_http_quic_recv_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    u_char   *last;
    size_t    size;
    ssize_t   n, total;

    total = 0;

    for ( /* void */ ; in; in = in->next) {
        last = in->buf->last;

        while (last < in->buf->end && (limit == 0 || total < limit)) {
            size = in->buf->end - last;

            if (limit && (off_t) size > limit - total) {
                size = (size_t) (limit - total);
            }

            n = c->recv(c, last, size);

            if (n <= 0) {
                return total ? total : n;
            }

            last += n;
            total += n;
        }
    }

    return total;
}


static ssize_t
ngx_http_quic_recv_plain(ngx_http_quic_request_t *qr, u_char *buf, size_t size)
{
    ssize_t  n;

    if (qr->content_end) {
        return 0;
    }

    n = h3_request_recv(qr->h3, buf, size);

    if (n == 0) {
        qr->content_end = 1;
    }

    return n;
}


/*
 * Usually a chunk is made in place.  A reader with little room gets it in
 * parts.
 */

static ssize_t
ngx_http_quic_recv_chunk(ngx_http_quic_request_t *qr, u_char *buf, size_t size)
{
    ssize_t  n;

    if (qr->chunk_pos == qr->chunk_last) {

        if (qr->content_end) {
            return 0;
        }

        if (size >= sizeof(qr->chunk)) {
            return ngx_http_quic_make_chunk(qr, buf, size);
        }

        n = ngx_http_quic_make_chunk(qr, qr->chunk, sizeof(qr->chunk));

        if (n < 0) {
            return n;
        }

        qr->chunk_pos = qr->chunk;
        qr->chunk_last = qr->chunk + n;
    }

    return ngx_http_quic_rest_of_chunk(qr, buf, size);
}


/* the head has a fixed length, so that the data go to their place at once */

static ssize_t
ngx_http_quic_make_chunk(ngx_http_quic_request_t *qr, u_char *buf, size_t size)
{
    u_char   *data, *p;
    ssize_t   n;

    data = buf + NGX_HTTP_QUIC_CHUNK_HEAD;

    size = ngx_min(size - NGX_HTTP_QUIC_CHUNK_FRAME, NGX_MAX_INT32_VALUE);

    n = ngx_http_quic_recv_plain(qr, data, size);

    if (n < 0) {
        return n;
    }

    if (n == 0) {
        p = ngx_cpymem(buf, "0" CRLF CRLF, sizeof("0" CRLF CRLF) - 1);
        return p - buf;
    }

    (void) ngx_sprintf(buf, "%08xz" CRLF, n);

    p = data + n;
    *p++ = CR;
    *p++ = LF;

    return p - buf;
}


static ssize_t
ngx_http_quic_rest_of_chunk(ngx_http_quic_request_t *qr, u_char *buf,
    size_t size)
{
    size_t  n;

    n = ngx_min(size, (size_t) (qr->chunk_last - qr->chunk_pos));

    ngx_memcpy(buf, qr->chunk_pos, n);
    qr->chunk_pos += n;

    return n;
}
