
/*
 * The content of a response: nginx's buffers go into the stream's send buffer,
 * as much as there is room for, files by pread() right into it.
 *
 * The write filter calls this with its whole chain, keeps what is returned,
 * and calls again when c->write is ready.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


static ngx_uint_t ngx_http_quic_is_continue(u_char *buf, size_t size);
static off_t ngx_http_quic_chain_size(ngx_chain_t *in, off_t limit,
    ngx_uint_t *last);
static ngx_int_t ngx_http_quic_write(ngx_http_quic_request_t *qr,
    ngx_chain_t *in, size_t size);
static ngx_int_t ngx_http_quic_write_file(ngx_http_quic_request_t *qr,
    ngx_buf_t *b, size_t size);
static ssize_t ngx_http_quic_read_file(ngx_buf_t *b, u_char *dst, size_t size,
    off_t offset);
static ngx_int_t ngx_http_quic_send_end(ngx_http_quic_request_t *qr);
static void ngx_http_quic_wait_for_room(ngx_http_quic_request_t *qr);


/* the rest of "in", or NGX_CHAIN_ERROR */

ngx_chain_t *
ngx_http_quic_send_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    off_t                     size;
    size_t                    room;
    ngx_uint_t                last;
    ngx_http_request_t       *r;
    ngx_http_quic_request_t  *qr;

    r = c->data;
    qr = ngx_http_quic_get_request(r);

    if (c->error || qr->gone) {
        return NGX_CHAIN_ERROR;
    }

    if (qr->finished) {
        /* a response to HEAD, and the like */
        return NULL;
    }

    size = ngx_http_quic_chain_size(in, limit, &last);
    room = h3_response_room(qr->h3);

    if (size > (off_t) room) {
        size = room;
        ngx_http_quic_wait_for_room(qr);
    }

    if (size && ngx_http_quic_write(qr, in, (size_t) size) != NGX_OK) {
        return NGX_CHAIN_ERROR;
    }

    in = ngx_chain_update_sent(in, size);

    if (in == NULL && last && ngx_http_quic_send_end(qr) != NGX_OK) {
        return NGX_CHAIN_ERROR;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "http3 send chain: %O of room %uz, rest %p",
                   size, room, in);

    return in;
}


static ngx_int_t
ngx_http_quic_send_end(ngx_http_quic_request_t *qr)
{
    ngx_int_t  rc;

    rc = ngx_http_quic_send_trailers(qr->main);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        h3_response_finish(qr->h3);
    }

    ngx_http_quic_request_finished(qr);

    return NGX_OK;
}


/* for what writes outside of filters: NGX_AGAIN, NGX_ERROR or bytes written */

ssize_t
ngx_http_quic_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    ngx_buf_t            b;
    ngx_chain_t          cl, *rest;
    ngx_http_request_t  *r;

    r = c->data;

    if (!r->header_sent && ngx_http_quic_is_continue(buf, size)) {
        return ngx_http_quic_send_continue(r) == NGX_OK ? (ssize_t) size
                                                        : NGX_ERROR;
    }

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.memory = 1;
    b.pos = buf;
    b.last = buf + size;

    cl.buf = &b;
    cl.next = NULL;

    rest = ngx_http_quic_send_chain(c, &cl, 0);

    if (rest == NGX_CHAIN_ERROR) {
        return NGX_ERROR;
    }

    return (b.pos == buf && size) ? NGX_AGAIN : b.pos - buf;
}


/*
 * The core answers "Expect: 100-continue" in the words of HTTP/1, when it is
 * about to read the content.
 */

static ngx_uint_t
ngx_http_quic_is_continue(u_char *buf, size_t size)
{
    static u_char  text[] = "HTTP/1.1 100 Continue" CRLF CRLF;

    return size == sizeof(text) - 1 && ngx_memcmp(buf, text, size) == 0;
}


/* bytes in the chain, of at most "limit"; 0 means no limit */

static off_t
ngx_http_quic_chain_size(ngx_chain_t *in, off_t limit, ngx_uint_t *last)
{
    off_t  size;

    size = 0;
    *last = 0;

    for ( /* void */ ; in; in = in->next) {
        size += ngx_buf_size(in->buf);
        *last |= in->buf->last_buf;
    }

    return (limit && size > limit) ? limit : size;
}


/* "size" is what there is room for, or less: one DATA frame */

static ngx_int_t
ngx_http_quic_write(ngx_http_quic_request_t *qr, ngx_chain_t *in, size_t size)
{
    off_t              n, before;
    size_t             left;
    ngx_int_t          rc;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    c = qr->connection;
    before = h3_response_sent(qr->h3);

    if (h3_response_data(qr->h3, size) != NGX_OK) {
        return NGX_ERROR;
    }

    for (left = size; left; in = in->next) {
        b = in->buf;
        n = ngx_min(ngx_buf_size(b), (off_t) left);

        if (n == 0) {
            continue;
        }

        rc = ngx_buf_in_memory(b)
             ? h3_response_write(qr->h3, b->pos, (size_t) n)
             : ngx_http_quic_write_file(qr, b, (size_t) n);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        left -= (size_t) n;
    }

    /* $bytes_sent counts all, $body_bytes_sent leaves out frame headers */

    n = h3_response_sent(qr->h3) - before;

    c->sent += n;
    qr->main->header_size += (size_t) n - size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_write_file(ngx_http_quic_request_t *qr, ngx_buf_t *b,
    size_t size)
{
    off_t     offset;
    size_t    len;
    u_char   *p;
    ssize_t   n;

    offset = b->file_pos;

    while (size) {
        len = size;

        p = h3_response_reserve(qr->h3, size, &len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        n = ngx_http_quic_read_file(b, p, len, offset);
        if (n <= 0) {
            return NGX_ERROR;
        }

        h3_response_commit(qr->h3, n);

        offset += n;
        size -= n;
    }

    return NGX_OK;
}


/*
 * Not ngx_read_file(): it would move file->offset, which may be someone else's
 * when an open file is shared by the cache.
 */

static ssize_t
ngx_http_quic_read_file(ngx_buf_t *b, u_char *dst, size_t size, off_t offset)
{
    ssize_t      n;
    ngx_file_t  *file;

    file = b->file;

    do {
        n = pread(file->fd, dst, size, offset);
    } while (n == -1 && ngx_errno == NGX_EINTR);

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, file->log, ngx_errno,
                      "pread() \"%V\" failed", &file->name);

    } else if (n == 0) {
        ngx_log_error(NGX_LOG_ALERT, file->log, 0,
                      "file \"%V\" was truncated while it was being sent",
                      &file->name);
    }

    return n;
}


static void
ngx_http_quic_wait_for_room(ngx_http_quic_request_t *qr)
{
    qr->connection->write->ready = 0;

    h3_response_want_write(qr->h3);
}
