
/*
 * One connection as nginx sees it: its number, its log, its timer, the server
 * block that it is for, and the HTTP/3 on it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_request.h"
#include "nginx/ngx_http_quic_worker.h"
#include "wire/quic_error.h"


/* ms between the end of a request and the last that is heard of it */

#define NGX_HTTP_QUIC_SESSION_GRACE  1000


static void ngx_http_quic_session_init_log(ngx_http_quic_session_t *s);
static void ngx_http_quic_session_debug_log(ngx_http_quic_session_t *s);
static u_char *ngx_http_quic_session_log_error(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_quic_session_timeout(ngx_event_t *ev);
static void ngx_http_quic_session_watch(ngx_event_t *ev);
static ngx_msec_t ngx_http_quic_session_watch_idle(
    ngx_http_quic_session_t *s);
static void ngx_http_quic_session_watch_in(ngx_http_quic_session_t *s,
    ngx_msec_t wait);
static ngx_msec_t ngx_http_quic_session_keepalive(ngx_http_quic_session_t *s);


ngx_http_quic_session_t *
ngx_http_quic_session_create(ngx_http_quic_worker_t *worker, quic_conn_t *c,
    ngx_http_quic_listener_t *listener)
{
    ngx_http_quic_session_t  *s;

    s = quic_calloc(&worker->mem, sizeof(ngx_http_quic_session_t));
    if (s == NULL) {
        return NULL;
    }

    s->conn = c;
    s->worker = worker;
    s->listener = listener;
    s->server = listener->default_server;
    s->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    s->start = ngx_current_msec;
    s->idle = ngx_current_msec;
    s->moved = ngx_current_msec;
    s->deadline = UINT64_MAX;

    ngx_http_quic_session_init_log(s);

    ngx_log_error(NGX_LOG_INFO, &s->log, 0, "client connected over QUIC");

    s->log.action = "processing QUIC connection";

    s->timer.handler = ngx_http_quic_session_timeout;
    s->timer.data = s;
    s->timer.log = &s->log;

    s->watch.handler = ngx_http_quic_session_watch;
    s->watch.data = s;
    s->watch.log = &s->log;
    s->watch.cancelable = 1;

    s->h3 = h3_conn_create(c, &worker->mem, &listener->h3,
                           &ngx_http_quic_h3_ops, s);
    if (s->h3 == NULL) {
        quic_free(&worker->mem, s, sizeof(ngx_http_quic_session_t));
        return NULL;
    }

    quic_conn_set_data(c, s);
    quic_conn_set_log(c, &s->log);

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_accepted, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_handled, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_waiting, 1);
#endif

    ngx_http_quic_session_watch_in(s, ngx_http_quic_session_keepalive(s));

    return s;
}


/* stub_status: as with HTTP/2, a connection without requests waits for some */

void
ngx_http_quic_session_begin_request(ngx_http_quic_session_t *s)
{
    if (s->nrequests++) {
        return;
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_waiting, -1);
#endif
}


void
ngx_http_quic_session_end_request(ngx_http_quic_session_t *s)
{
    s->idle = ngx_current_msec;

    if (--s->nrequests) {
        return;
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_waiting, 1);
#endif
}


/* no request holds it any more */

void
ngx_http_quic_session_free(ngx_http_quic_session_t *s)
{
    if (s->timer.timer_set) {
        ngx_event_del_timer(&s->timer);
    }

    if (s->watch.timer_set) {
        ngx_event_del_timer(&s->watch);
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
    (void) ngx_atomic_fetch_add(ngx_stat_waiting, -1);
#endif

    quic_free(&s->worker->mem, s, sizeof(ngx_http_quic_session_t));
}


static void
ngx_http_quic_session_init_log(ngx_http_quic_session_t *s)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = s->server->loc_conf[ngx_http_core_module.ctx_index];

    s->log = *clcf->error_log;
    s->log.handler = ngx_http_quic_session_log_error;
    s->log.data = s;
    s->log.connection = s->number;

    ngx_http_quic_session_debug_log(s);
}


/* "debug_connection"; nginx asks it of a connection that it has accepted */

static void
ngx_http_quic_session_debug_log(ngx_http_quic_session_t *s)
{
#if (NGX_DEBUG)

    quic_addr_t        remote;
    ngx_connection_t   c;
    ngx_event_conf_t  *ecf;

    ecf = ngx_event_get_conf(ngx_cycle->conf_ctx, ngx_event_core_module);

    if (ecf->debug_connection.nelts == 0) {
        return;
    }

    remote = *quic_conn_remote(s->conn);

    ngx_memzero(&c, sizeof(ngx_connection_t));

    c.sockaddr = &remote.sa;
    c.log = &s->log;

    ngx_debug_accepted_connection(ecf, &c);

#endif
}


void
ngx_http_quic_session_set_server(ngx_http_quic_session_t *s,
    ngx_http_conf_ctx_t *server)
{
    s->server = server;

    ngx_http_quic_session_init_log(s);

    s->log.action = "processing QUIC connection";
}


static u_char *
ngx_http_quic_session_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                   *p, *last, text[NGX_SOCKADDR_STRLEN];
    size_t                    n;
    const quic_addr_t        *remote;
    ngx_http_quic_session_t  *s;

    s = log->data;
    p = buf;
    last = buf + len;

    if (log->action) {
        p = ngx_slprintf(p, last, " while %s", log->action);
    }

    remote = quic_conn_remote(s->conn);

    n = ngx_sock_ntop((struct sockaddr *) &remote->sa, quic_addr_len(remote),
                      text, NGX_SOCKADDR_STRLEN, 0);

    return ngx_slprintf(p, last, ", client: %*s, server: %V", n, text,
                        &s->listener->addr_text);
}


/*
 * nginx's timers count milliseconds, and it lets one be late by 300 ms rather
 * than move it.  We move it when the deadline comes nearer; when it goes away,
 * which every acknowledgement makes it do, the timer stays and finds out that
 * it came too early.
 */

void
ngx_http_quic_session_set_timer(ngx_http_quic_session_t *s, uint64_t deadline)
{
    uint64_t     now;
    ngx_msec_t   wait;

    s->deadline = deadline;

    /* an exiting worker waits for living connections alone */
    s->timer.cancelable = !quic_conn_alive(s->conn);

    if (deadline == UINT64_MAX) {
        return;
    }

    now = ngx_http_quic_now();
    wait = (deadline > now) ? (deadline - now + 999) / 1000 : 0;

    if (s->timer.timer_set) {

        if ((ngx_msec_int_t) (s->timer.timer.key - ngx_current_msec - wait)
            <= 0)
        {
            return;
        }

        ngx_event_del_timer(&s->timer);
    }

    ngx_event_add_timer(&s->timer, wait);
}


static void
ngx_http_quic_session_timeout(ngx_event_t *ev)
{
    uint64_t                  now;
    ngx_http_quic_session_t  *s;

    s = ev->data;
    now = ngx_http_quic_now();

    if (now < s->deadline) {
        ngx_http_quic_session_set_timer(s, s->deadline);
        return;
    }

    quic_endpoint_timeout(&s->worker->endpoint, s->conn, now);
}


void
ngx_http_quic_session_count(ngx_http_quic_session_t *s)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (s->h3 == NULL) {
        return;
    }

    clcf = s->server->loc_conf[ngx_http_core_module.ctx_index];

    if (h3_conn_requests(s->h3) >= clcf->keepalive_requests
        || ngx_current_msec - s->start > clcf->keepalive_time
        || clcf->keepalive_timeout == 0)
    {
        h3_conn_goaway(s->h3);
    }
}


/*
 * The transport's idle timeout ends connections of which nothing is heard.  A
 * client that sends PINGs, or other things that ask for nothing, is for the
 * timeouts that a client of nginx's would have met otherwise:
 *
 *     client_header_timeout   for a stream to become a request
 *     keepalive_timeout       from the end of the last request
 *     send_timeout            for what was answered to be taken
 *
 * The event isn't moved with each request: it finds out that it came too early.
 */

static void
ngx_http_quic_session_watch(ngx_event_t *ev)
{
    uint64_t                   wait;
    ngx_http_quic_session_t   *s;
    ngx_http_core_srv_conf_t  *cscf;

    s = ev->data;

    if (s->h3 == NULL) {
        return;
    }

    cscf = s->server->srv_conf[ngx_http_core_module.ctx_index];

    wait = h3_conn_expire(s->h3, ngx_current_msec,
                          cscf->client_header_timeout);

    if (wait == UINT64_MAX) {
        wait = s->nrequests ? ngx_http_quic_session_keepalive(s)
                            : ngx_http_quic_session_watch_idle(s);
    }

    ngx_http_quic_session_watch_in(s, (ngx_msec_t) wait);
}


/* no request is there, nor a stream for one; returns when to look again */

static ngx_msec_t
ngx_http_quic_session_watch_idle(ngx_http_quic_session_t *s)
{
    ngx_msec_t                 idle, keepalive;
    ngx_http_core_loc_conf_t  *clcf;

    idle = ngx_current_msec - s->idle;
    keepalive = ngx_http_quic_session_keepalive(s);

    if (idle < keepalive) {
        return keepalive - idle;
    }

    clcf = s->server->loc_conf[ngx_http_core_module.ctx_index];

    if (!s->expired) {
        s->expired = 1;
        s->moved = ngx_current_msec;
        h3_conn_goaway(s->h3);

    } else if (ngx_http_quic_session_still(s) >= clcf->send_timeout) {
        quic_conn_close_app(s->conn, H3_NO_ERROR,
                            "client doesn't take its responses");
    }

    return clcf->send_timeout;
}


ngx_msec_t
ngx_http_quic_session_still(ngx_http_quic_session_t *s)
{
    uint64_t  progress;

    progress = h3_conn_progress(s->h3);

    if (s->progress != progress) {
        s->progress = progress;
        s->moved = ngx_current_msec;
    }

    return ngx_current_msec - s->moved;
}


/*
 * Silent connections have ended by then.  After "keepalive_timeout 0" there is
 * nothing to be kept alive but a connection without a request.
 */

static ngx_msec_t
ngx_http_quic_session_keepalive(ngx_http_quic_session_t *s)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    clcf = s->server->loc_conf[ngx_http_core_module.ctx_index];
    cscf = s->server->srv_conf[ngx_http_core_module.ctx_index];

    return (clcf->keepalive_timeout ? clcf->keepalive_timeout
                                    : cscf->client_header_timeout)
           + NGX_HTTP_QUIC_SESSION_GRACE;
}


/* no later than in so many milliseconds */

static void
ngx_http_quic_session_watch_in(ngx_http_quic_session_t *s, ngx_msec_t wait)
{
    if (s->watch.timer_set) {

        if ((ngx_msec_int_t) (s->watch.timer.key - ngx_current_msec - wait)
            <= 0)
        {
            return;
        }

        ngx_event_del_timer(&s->watch);
    }

    ngx_event_add_timer(&s->watch, wait);
}


uint64_t
ngx_http_quic_session_opened(void *data)
{
    ngx_http_quic_session_t  *s = data;

    ngx_http_core_srv_conf_t  *cscf;

    cscf = s->server->srv_conf[ngx_http_core_module.ctx_index];

    ngx_http_quic_session_watch_in(s, cscf->client_header_timeout);

    return ngx_current_msec;
}
