
/*
 * The life of a request: made by HTTP/3's callbacks, run by nginx's core, and
 * ended when the core closes its pseudo-connection.  See the header for what
 * runs when.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"
#include "wire/quic_error.h"


static void *ngx_http_quic_request_create(void *data, h3_request_t *hr);
static void ngx_http_quic_request_headers(void *req, ngx_uint_t fin,
    off_t content_length);
static void ngx_http_quic_request_malformed(void *req, const char *reason);
static void ngx_http_quic_request_too_large(void *req);
static void ngx_http_quic_request_readable(void *req);
static void ngx_http_quic_request_writable(void *req);
static void ngx_http_quic_request_gone(void *req);
static void ngx_http_quic_closed(void *data);

static void ngx_http_quic_request_handler(ngx_event_t *ev);
static void ngx_http_quic_request_begin(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_wait(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_wait_handler(ngx_event_t *rev);
static void ngx_http_quic_request_run(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_content(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_request_check_client(
    ngx_http_quic_request_t *qr);
static ngx_uint_t ngx_http_quic_request_misdirected(
    ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_abort(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_refuse(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_finalize(ngx_http_quic_request_t *qr,
    ngx_int_t rc);

static ngx_int_t ngx_http_quic_request_log_handler(ngx_http_request_t *r);
static void ngx_http_quic_session_detach(ngx_http_quic_request_t *qr);
static void ngx_http_quic_request_cleanup(void *data);
static uint64_t ngx_http_quic_request_error(ngx_http_quic_request_t *qr);


const h3_ops_t  ngx_http_quic_h3_ops = {
    .opened = ngx_http_quic_session_opened,
    .request = ngx_http_quic_request_create,
    .field = ngx_http_quic_field,
    .headers = ngx_http_quic_request_headers,
    .malformed = ngx_http_quic_request_malformed,
    .too_large = ngx_http_quic_request_too_large,
    .readable = ngx_http_quic_request_readable,
    .writable = ngx_http_quic_request_writable,
    .gone = ngx_http_quic_request_gone,
    .closed = ngx_http_quic_closed
};


ngx_int_t
ngx_http_quic_request_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_quic_request_log_handler;

    return NGX_OK;
}


ngx_http_quic_request_t *
ngx_http_quic_get_request(ngx_http_request_t *r)
{
    if (r->connection->recv != ngx_http_quic_recv) {
        return NULL;
    }

    /* a subrequest has none */

    return (ngx_http_quic_request_t *) r->main->http_connection;
}


ngx_uint_t
ngx_http_quic_is_request(ngx_http_request_t *r)
{
    return r->connection->recv == ngx_http_quic_recv;
}


h3_request_t *
ngx_http_quic_h3_request(ngx_http_request_t *r)
{
    ngx_http_quic_request_t  *qr;

    qr = ngx_http_quic_get_request(r);

    return qr ? qr->h3 : NULL;
}


ngx_http_quic_session_t *
ngx_http_quic_session(ngx_http_request_t *r)
{
    ngx_http_quic_request_t  *qr;

    qr = ngx_http_quic_get_request(r);

    return qr ? qr->session : NULL;
}


/* ops->request(): NULL refuses it, with H3_REQUEST_REJECTED */

static void *
ngx_http_quic_request_create(void *data, h3_request_t *hr)
{
    ngx_connection_t         *c;
    ngx_pool_cleanup_t       *cln;
    ngx_http_request_t       *r;
    ngx_http_quic_request_t  *qr;

    ngx_http_quic_session_t  *s = data;

    c = ngx_http_quic_connection_create(s, hr);
    if (c == NULL) {
        return NULL;
    }

    qr = c->data;

    cln = ngx_pool_cleanup_add(c->pool, 0);
    if (cln == NULL) {
        goto failed;
    }

    r = ngx_http_create_request(c);
    if (r == NULL) {
        goto failed;
    }

    if (ngx_list_init(&r->headers_in.headers, r->pool, 20,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        ngx_http_free_request(r, 0);
        goto failed;
    }

    c->data = r;
    c->read->handler = ngx_http_quic_request_wait_handler;

    r->http_version = NGX_HTTP_QUIC_VERSION;
    ngx_str_set(&r->http_protocol, "HTTP/3.0");

    qr->main = r;

    qr->event.data = qr;
    qr->event.handler = ngx_http_quic_request_handler;
    qr->event.log = c->log;

    ngx_http_quic_session_begin_request(s);

    cln->handler = ngx_http_quic_request_cleanup;
    cln->data = qr;

    ngx_post_event(&qr->event, &ngx_posted_events);

    return qr;

failed:

    ngx_http_close_connection(c);

    return NULL;
}


/* callbacks */


static void
ngx_http_quic_request_headers(void *req, ngx_uint_t fin, off_t content_length)
{
    ngx_http_quic_request_t  *qr = req;

    qr->complete = 1;
    qr->no_content = fin;
    qr->content_length = content_length;

    ngx_post_event(&qr->event, &ngx_posted_events);
}


static void
ngx_http_quic_request_malformed(void *req, const char *reason)
{
    ngx_http_quic_request_t  *qr = req;

    ngx_log_error(NGX_LOG_INFO, qr->connection->log, 0,
                  "client sent malformed request: %s", reason);

    qr->malformed = 1;

    ngx_post_event(&qr->event, &ngx_posted_events);
}


static void
ngx_http_quic_request_too_large(void *req)
{
    ngx_http_quic_request_t  *qr = req;

    if (qr->status == 0) {
        ngx_log_error(NGX_LOG_INFO, qr->connection->log, 0,
                      "client sent too large request header");

        qr->status = NGX_HTTP_REQUEST_HEADER_TOO_LARGE;
    }

    ngx_post_event(&qr->event, &ngx_posted_events);
}


static void
ngx_http_quic_request_readable(void *req)
{
    ngx_http_quic_request_t  *qr = req;

    ngx_event_t  *rev;

    rev = qr->connection->read;
    rev->ready = 1;

    if (qr->begun) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


static void
ngx_http_quic_request_writable(void *req)
{
    ngx_http_quic_request_t  *qr = req;

    ngx_event_t  *wev;

    wev = qr->connection->write;
    wev->ready = 1;

    ngx_post_event(wev, &ngx_posted_events);
}


static void
ngx_http_quic_request_gone(void *req)
{
    ngx_http_quic_request_t  *qr = req;

    qr->gone = 1;

    /* variables ask for it, and the log is still to be written */

    qr->tls = quic_tls_hold(quic_conn_tls(qr->session->conn));

    ngx_http_quic_session_detach(qr);

    /* the core is to learn it before it reads or writes */

    if (qr->connection->read->posted) {
        ngx_delete_posted_event(qr->connection->read);
    }

    if (qr->connection->write->posted) {
        ngx_delete_posted_event(qr->connection->write);
    }

    ngx_post_event(&qr->event, &ngx_posted_events);
}


static void
ngx_http_quic_closed(void *data)
{
    ngx_http_quic_session_t  *s = data;

    s->h3 = NULL;
}


/* events */


static void
ngx_http_quic_request_handler(ngx_event_t *ev)
{
    ngx_http_quic_request_t  *qr;

    qr = ev->data;

    if (!qr->begun) {
        ngx_http_quic_request_begin(qr);

    } else if (qr->gone) {
        ngx_http_quic_request_abort(qr);

    } else if (qr->malformed) {
        ngx_http_quic_request_refuse(qr);
    }
}


static void
ngx_http_quic_request_begin(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t  *r;

    r = qr->main;

    if (qr->gone) {
        /* there is nothing to log of a request that was not told */

        r->logged = !qr->complete || ngx_http_quic_request_line(qr) != NGX_OK;
        r->method_name = qr->method;
        r->unparsed_uri = qr->path;

        qr->connection->error = 1;
        ngx_http_quic_request_finalize(qr, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    if (qr->malformed && qr->status == 0) {
        qr->status = NGX_HTTP_BAD_REQUEST;
        qr->refused = 1;
    }

    if (!qr->complete && qr->status == 0) {
        ngx_http_quic_request_wait(qr);
        return;
    }

    ngx_http_quic_request_run(qr);
}


/* the field section comes in pieces, or waits for QPACK's dynamic table */

static void
ngx_http_quic_request_wait(ngx_http_quic_request_t *qr)
{
    ngx_event_t               *rev;
    ngx_http_core_srv_conf_t  *cscf;

    rev = qr->connection->read;

    if (rev->timer_set) {
        return;
    }

    cscf = ngx_http_get_module_srv_conf(qr->main, ngx_http_core_module);

    ngx_add_timer(rev, cscf->client_header_timeout);
}


/* c->read's until the core has set its own */

static void
ngx_http_quic_request_wait_handler(ngx_event_t *rev)
{
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_quic_request_t  *qr;

    c = rev->data;
    r = c->data;
    qr = ngx_http_quic_get_request(r);

    if (rev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        c->timedout = 1;
        ngx_http_quic_request_finalize(qr, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (c->close) {
        ngx_http_quic_request_finalize(qr, NGX_ERROR);
    }
}


static void
ngx_http_quic_request_run(ngx_http_quic_request_t *qr)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = qr->connection;
    r = qr->main;

    qr->begun = 1;

    r->http_state = NGX_HTTP_PROCESS_REQUEST_STATE;

    /* no "keep-alive" for a next request, no 100 where no content follows */

    r->headers_in.connection_type = NGX_HTTP_CONNECTION_CLOSE;
    r->expect_tested = (qr->no_content || qr->protocol.len) ? 1 : 0;

    ngx_http_quic_session_count(qr->session);
    ngx_http_quic_request_count(qr, 0);

    if (ngx_http_quic_process_fields(qr) == NGX_OK
        && ngx_http_quic_request_check_client(qr) == NGX_OK)
    {
        ngx_http_quic_request_content(qr);
        ngx_http_process_request(r);
    }

    ngx_http_run_posted_requests(c);
}


/*
 * What the core is told of the content.  What follows an extended CONNECT is
 * none, it stays in the stream until there is a tunnel.  A method that is about
 * its content has an empty one rather than none: nginx's WebDAV and many an
 * upstream expect a length then (RFC 9110, 8.6).
 */

static void
ngx_http_quic_request_content(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t  *r;

    r = qr->main;

    if (qr->protocol.len) {
        return;
    }

    if (qr->content_length != -1) {
        r->headers_in.content_length_n = qr->content_length;

    } else if (!qr->no_content) {
        r->headers_in.chunked = 1;

    } else if (r->method & (NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH)) {
        r->headers_in.content_length_n = 0;
    }
}


/* the core does this by c->ssl, which isn't there */

static ngx_int_t
ngx_http_quic_request_check_client(ngx_http_quic_request_t *qr)
{
    long                      code;
    ngx_int_t                 rc;
    const char               *text;
    ngx_http_request_t       *r;
    ngx_http_ssl_srv_conf_t  *sscf;

    r = qr->main;
    sscf = ngx_http_get_module_srv_conf(r, ngx_http_ssl_module);

    if (sscf->verify == NGX_HTTP_QUIC_VERIFY_OFF) {
        return NGX_OK;
    }

    if (ngx_http_quic_request_misdirected(qr)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client attempted to request the server name "
                      "different from the one that was negotiated");
        ngx_http_finalize_request(r, NGX_HTTP_MISDIRECTED_REQUEST);
        return NGX_ERROR;
    }

    rc = quic_tls_verdict(quic_conn_tls(qr->session->conn), &code, &text);

    if (rc == NGX_ERROR
        && (sscf->verify != NGX_HTTP_QUIC_VERIFY_OPTIONAL_NO_CA
            || !quic_tls_verdict_no_ca(code)))
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client SSL certificate verify error: (%l:%s)",
                      code, text);
        ngx_http_finalize_request(r, NGX_HTTPS_CERT_ERROR);
        return NGX_ERROR;
    }

    if (sscf->verify == NGX_HTTP_QUIC_VERIFY_ON && rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent no required SSL certificate");
        ngx_http_finalize_request(r, NGX_HTTPS_NO_CERT);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * A connection that was made for one name may not be used to get at another one
 * whose server asks for a certificate, even if that is the same server, or one
 * that asks for the same: the core has it so with TCP, and who restricts clients
 * by $ssl_server_name relies on it.  One that was made for no server's name is
 * good for the default server alone, whose demands its client has met; here the
 * core is less strict.
 */

static ngx_uint_t
ngx_http_quic_request_misdirected(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t  *r;

    r = qr->main;

    if (qr->session->named) {
        return !ngx_http_quic_tls_is_name(qr->session, &r->headers_in.server);
    }

    return r->srv_conf != qr->hc.conf_ctx->srv_conf;
}


/*
 * The client is gone.  The core finds out by c->error and pending_eof, when
 * its handlers are called for the next time; only while it reads the content
 * it would log 400.
 */

static void
ngx_http_quic_request_abort(ngx_http_quic_request_t *qr)
{
    ngx_event_t       *rev, *wev;
    ngx_connection_t  *c;

    c = qr->connection;
    c->error = 1;

    if (ngx_http_quic_request_reading(qr->main)
        && !qr->main->request_body_no_buffering)
    {
        ngx_http_quic_request_finalize(qr, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    rev = c->read;
    rev->pending_eof = 1;
    rev->ready = 1;

    ngx_post_event(rev, &ngx_posted_events);

    wev = c->write;
    wev->delayed = 0;
    wev->ready = 1;

    ngx_post_event(wev, &ngx_posted_events);
}


/*
 * The content turned out to be malformed: RFC 9114, 4.1.2.  To the core that
 * would be an error of its connection, after which it sends nothing; so 400 is
 * for us to say.  An upstream that gets the content unbuffered is left first,
 * in the way the core leaves one for another.
 */

static void
ngx_http_quic_request_refuse(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = qr->main;

    if (!ngx_http_quic_request_reading(r)) {
        return;
    }

    u = r->upstream;

    if (u && u->cleanup) {
        r->count++;
        (*u->cleanup)(r);
    }

    qr->refused = 1;

    ngx_http_quic_request_finalize(qr, NGX_HTTP_BAD_REQUEST);
}


ngx_uint_t
ngx_http_quic_request_reading(ngx_http_request_t *r)
{
    ngx_http_request_body_t  *rb;

    rb = r->request_body;

    return rb && rb->rest > 0 && rb->post_handler && !r->discard_body
           && !r->header_sent;
}


static void
ngx_http_quic_request_finalize(ngx_http_quic_request_t *qr, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = qr->connection;

    qr->begun = 1;

    ngx_http_finalize_request(qr->main, rc);
    ngx_http_run_posted_requests(c);
}


/* what filters have noted of the one must not be applied to the other */

ngx_int_t
ngx_http_quic_request_replace(ngx_http_request_t *r, ngx_int_t status)
{
    ngx_http_clean_header(r);

    ngx_memzero(r->ctx, sizeof(void *) * ngx_http_max_module);

    return status;
}


void
ngx_http_quic_request_finished(ngx_http_quic_request_t *qr)
{
    ngx_event_t  *rev;

    if (qr->finished) {
        return;
    }

    qr->finished = 1;

    /* the core is to close: no keep-alive, no lingering */

    rev = qr->connection->read;
    rev->eof = 1;

    if (qr->main->discard_body) {

        /* the rest of the content is of no interest: recv says it has ended */

        rev->ready = 1;
        ngx_post_event(rev, &ngx_posted_events);

    } else {
        rev->ready = 0;
    }
}


/*
 * As with HTTP/2: the bytes that came on the stream, compressed and framed.
 */

void
ngx_http_quic_request_count(ngx_http_quic_request_t *qr, size_t n)
{
    qr->main->request_length = h3_request_received(qr->h3) - (off_t) n;
}


/* the first one of the phase: what comes after it is to be logged right */

static ngx_int_t
ngx_http_quic_request_log_handler(ngx_http_request_t *r)
{
    ngx_http_quic_request_t  *qr;

    qr = ngx_http_quic_get_request(r);

    if (qr && r == r->main) {
        ngx_http_quic_request_count(qr, 0);
    }

    return NGX_OK;
}


static void
ngx_http_quic_session_detach(ngx_http_quic_request_t *qr)
{
    ngx_http_quic_session_t  *s;

    s = qr->session;

    if (s == NULL) {
        return;
    }

    qr->session = NULL;
    ngx_http_quic_session_end_request(s);
}


/* the core has closed the pseudo-connection */

static void
ngx_http_quic_request_cleanup(void *data)
{
    ngx_http_quic_request_t  *qr = data;

    if (qr->event.posted) {
        ngx_delete_posted_event(&qr->event);
    }

    h3_request_free(qr->h3, ngx_http_quic_request_error(qr));

    ngx_http_quic_session_detach(qr);

    if (qr->tls) {
        quic_tls_free(qr->tls);
    }
}


/*
 * RFC 9114, 4.1.1 and 4.1.2.  The connection's slot has been given back, but
 * no one has taken it yet.
 */

static uint64_t
ngx_http_quic_request_error(ngx_http_quic_request_t *qr)
{
    ngx_connection_t  *c;

    c = qr->connection;

    if (qr->malformed) {
        return H3_MESSAGE_ERROR;
    }

    if (qr->finished) {
        return H3_NO_ERROR;
    }

    /* abandoned by us, or something went wrong */

    return (c->timedout || c->close) ? H3_REQUEST_CANCELLED
                                     : H3_INTERNAL_ERROR;
}
