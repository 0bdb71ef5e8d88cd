
/*
 * The pseudo-connection of a request: what nginx's core wants to find in a
 * connection, without a socket of its own.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


/* room for an ngx_http_quic_request_t, and what nginx adds to it */

#define NGX_HTTP_QUIC_POOL_SIZE  1024


static void ngx_http_quic_connection_recount(void *data);
static void ngx_http_quic_connection_init(ngx_connection_t *c);
static void ngx_http_quic_connection_log(ngx_connection_t *c,
    ngx_http_quic_request_t *qr);
static void ngx_http_quic_connection_addrs(ngx_connection_t *c,
    ngx_http_quic_request_t *qr);
static u_char *ngx_http_quic_log_error(ngx_log_t *log, u_char *buf,
    size_t len);


ngx_connection_t *
ngx_http_quic_connection_create(ngx_http_quic_session_t *s, h3_request_t *hr)
{
    ngx_pool_t               *pool;
    ngx_connection_t         *c;
    ngx_pool_cleanup_t       *cln;
    ngx_http_quic_request_t  *qr;

    c = ngx_get_connection(ngx_http_quic_null_fd(s->worker), &s->log);
    if (c == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_HTTP_QUIC_POOL_SIZE, &s->log);
    if (pool == NULL) {
        ngx_free_connection(c);
        return NULL;
    }

    qr = ngx_pcalloc(pool, sizeof(ngx_http_quic_request_t));
    cln = ngx_pool_cleanup_add(pool, 0);

    if (qr == NULL || cln == NULL) {
        ngx_destroy_pool(pool);
        ngx_free_connection(c);
        return NULL;
    }

    qr->connection = c;
    qr->session = s;
    qr->h3 = hr;
    qr->content_length = -1;

    qr->hc.addr_conf = &s->listener->conf;
    qr->hc.conf_ctx = s->server;

    c->data = qr;
    c->pool = pool;
    c->buffer = &qr->buffer;
    c->listening = s->listener->ls;
    c->number = s->number;
    c->start_time = s->start;
    c->requests = h3_conn_requests(s->h3);

    ngx_http_quic_connection_log(c, qr);
    ngx_http_quic_connection_addrs(c, qr);
    ngx_http_quic_connection_init(c);

    cln->handler = ngx_http_quic_connection_recount;

    return c;
}


/*
 * ngx_http_close_connection() has just taken one off the active ones.  It's the
 * session that is one, whatever the number of its requests.
 */

static void
ngx_http_quic_connection_recount(void *data)
{
#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif
}


static void
ngx_http_quic_connection_init(ngx_connection_t *c)
{
    c->recv = ngx_http_quic_recv;
    c->recv_chain = ngx_http_quic_recv_chain;
    c->send = ngx_http_quic_send;
    c->send_chain = ngx_http_quic_send_chain;

    c->type = SOCK_STREAM;
    c->shared = 1;
    c->need_last_buf = 1;
    c->log_error = NGX_ERROR_INFO;
    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;

    /* to the event method both look as if they were added already */

    c->read->active = 1;
    c->read->handler = ngx_http_empty_handler;
    c->read->log = c->log;

    c->write->active = 1;
    c->write->ready = 1;
    c->write->handler = ngx_http_empty_handler;
    c->write->log = c->log;
}


static void
ngx_http_quic_connection_log(ngx_connection_t *c, ngx_http_quic_request_t *qr)
{
    qr->log_ctx.connection = c;

    qr->log = *qr->session->listener->ls->logp;

    if (qr->session->log.log_level & NGX_LOG_DEBUG_CONNECTION) {
        qr->log.log_level = qr->session->log.log_level;
    }

    qr->log.connection = c->number;
    qr->log.handler = ngx_http_quic_log_error;
    qr->log.data = &qr->log_ctx;
    qr->log.action = "reading client request headers";

    c->log = &qr->log;
    c->pool->log = &qr->log;
}


/*
 * Copies: modules may change what the connection points to, and the client
 * may move on while the request runs.
 */

static void
ngx_http_quic_connection_addrs(ngx_connection_t *c,
    ngx_http_quic_request_t *qr)
{
    quic_conn_t  *qc;

    qc = qr->session->conn;

    qr->remote = *quic_conn_remote(qc);
    qr->local = *quic_conn_local(qc);

    c->sockaddr = &qr->remote.sa;
    c->socklen = quic_addr_len(&qr->remote);

    c->local_sockaddr = &qr->local.sa;
    c->local_socklen = quic_addr_len(&qr->local);

    c->addr_text.data = qr->addr_text;
    c->addr_text.len = ngx_sock_ntop(c->sockaddr, c->socklen, qr->addr_text,
                                     sizeof(qr->addr_text), 0);
}


/* as the core's own: "while ACTION, client: ADDRESS, server: ..." */

static u_char *
ngx_http_quic_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_http_request_t  *r;
    ngx_http_log_ctx_t  *ctx;

    ctx = log->data;
    r = ctx->request;
    p = buf;

    if (log->action) {
        p = ngx_snprintf(p, len, " while %s", log->action);
    }

    p = ngx_slprintf(p, buf + len, ", client: %V",
                     &ctx->connection->addr_text);

    if (r) {
        return r->log_handler(r, ctx->current_request, p, buf + len - p);
    }

    return ngx_slprintf(p, buf + len, ", server: %V",
                        &ctx->connection->listening->addr_text);
}
