
/*
 * One endpoint for each worker.
 *
 * A round: the sockets' events and the connections' timers call the endpoint,
 * which wakes us when there is something to do; the posted event "flush" comes
 * at the end of the event loop's iteration, when all of the batch has been
 * processed, and sends.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_worker.h"
#include "quic/limits.h"
#include "wire/quic_error.h"
#include "wire/quic_packet.h"


/* of an iteration of the event loop; then others get their turn */
#define NGX_HTTP_QUIC_MAX_BATCHES  64

/*
 * ms: a client that has gone away, or that only says it is there, shall not
 * keep a worker from exiting.  The acknowledgement of GOAWAY is waited for
 * once, the end of a handshake for that long, the acknowledgement of the last
 * response as long as it goes on.
 */
#define NGX_HTTP_QUIC_SILENCE      5000
#define NGX_HTTP_QUIC_LISTEN       1000     /* how often that is looked at */

/*
 * ms: how long to go on sharing after a datagram for an elder was seen, and
 * how often to look whether the elders live
 */
#define NGX_HTTP_QUIC_POLITE       5000
#define NGX_HTTP_QUIC_LOOK         1000

/* bytes of an answer that needs no connection */
#define NGX_HTTP_QUIC_MAX_REPLY    1200


static ngx_int_t ngx_http_quic_worker_create(ngx_cycle_t *cycle,
    ngx_http_quic_main_conf_t *qmcf);
static ngx_int_t ngx_http_quic_worker_sockets(ngx_http_quic_worker_t *w,
    ngx_cycle_t *cycle, ngx_http_quic_main_conf_t *qmcf);
static ngx_uint_t ngx_http_quic_worker_serves(ngx_listening_t *ls,
    ngx_http_quic_main_conf_t *qmcf);
static void ngx_http_quic_worker_attach(ngx_http_quic_socket_t *s,
    ngx_listening_t *ls);
static ngx_uint_t ngx_http_quic_worker_has_peers(void);
static void ngx_http_quic_worker_free(ngx_http_quic_worker_t *w);
static ngx_socket_t ngx_http_quic_worker_null_fd(ngx_log_t *log);
static void ngx_http_quic_worker_look(ngx_event_t *ev);
static ngx_uint_t ngx_http_quic_worker_owns(ngx_http_quic_worker_t *w,
    ngx_str_t *dcid);
static ngx_uint_t ngx_http_quic_worker_is_elders(ngx_http_quic_worker_t *w,
    ngx_str_t *dcid);

static ngx_int_t ngx_http_quic_worker_accepted(void *data, quic_conn_t *c,
    void *socket);
static void ngx_http_quic_worker_refuse(ngx_http_quic_worker_t *w);
static ngx_int_t ngx_http_quic_worker_server_name(void *data, quic_conn_t *c,
    ngx_str_t *name);
static void ngx_http_quic_worker_timer(void *data, quic_conn_t *c,
    uint64_t deadline);
static void ngx_http_quic_worker_wakeup(void *data);
static void ngx_http_quic_worker_freed(void *data, quic_conn_t *c);
static const quic_conf_t *ngx_http_quic_worker_conf(void *data, void *socket);
static ngx_uint_t ngx_http_quic_worker_lives(void *data, uint32_t owner);
static ngx_int_t ngx_http_quic_worker_early_data(void *data, uint64_t ticket);

static void ngx_http_quic_worker_flush(ngx_event_t *ev);
static ngx_int_t ngx_http_quic_worker_send(ngx_http_quic_worker_t *w);
static void ngx_http_quic_worker_flushed(ngx_http_quic_worker_t *w);
static void ngx_http_quic_worker_goaway(quic_conn_t *c, void *data);
static void ngx_http_quic_worker_silence(ngx_event_t *ev);
static void ngx_http_quic_worker_close_silent(quic_conn_t *c, void *data);
static void ngx_http_quic_worker_close(quic_conn_t *c, void *data);


static const quic_endpoint_ops_t  ngx_http_quic_worker_ops = {
    ngx_http_quic_worker_accepted,
    ngx_http_quic_worker_server_name,
    ngx_http_quic_worker_timer,
    ngx_http_quic_worker_wakeup,
    ngx_http_quic_worker_freed,
    ngx_http_quic_worker_conf,
    ngx_http_quic_worker_lives,
    ngx_http_quic_worker_early_data
};


/* of this process; NULL in one without quic listeners */

static ngx_http_quic_worker_t  *ngx_http_quic_worker;

static ngx_pid_t   ngx_http_quic_elders[NGX_HTTP_QUIC_MAX_ELDERS];
static ngx_uint_t  ngx_http_quic_nelders;


/* the master calls it for each new configuration, before it makes workers */

void
ngx_http_quic_worker_note_elders(void)
{
    ngx_int_t  i;

    ngx_http_quic_nelders = 0;

    for (i = 0; i < ngx_last_process; i++) {
        if (ngx_processes[i].pid > 0 && !ngx_processes[i].detached) {
            ngx_http_quic_elders[ngx_http_quic_nelders++] =
                                                         ngx_processes[i].pid;
        }
    }
}


ngx_int_t
ngx_http_quic_worker_init(ngx_cycle_t *cycle)
{
    ngx_http_quic_main_conf_t  *qmcf;

    /* not in the cache manager, which is a worker without listeners */

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    qmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_quic_module);

    if (qmcf == NULL || qmcf->bound.nelts == 0) {
        return NGX_OK;
    }

    return ngx_http_quic_worker_create(cycle, qmcf);
}


static ngx_int_t
ngx_http_quic_worker_create(ngx_cycle_t *cycle,
    ngx_http_quic_main_conf_t *qmcf)
{
    ngx_http_quic_worker_t  *w;

    w = ngx_calloc(sizeof(ngx_http_quic_worker_t), cycle->log);
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->log = cycle->log;
    w->flush.handler = ngx_http_quic_worker_flush;
    w->flush.data = w;
    w->flush.log = cycle->log;

    w->silence.handler = ngx_http_quic_worker_silence;
    w->silence.data = w;
    w->silence.log = cycle->log;
    w->silence.cancelable = 1;

    w->look.handler = ngx_http_quic_worker_look;
    w->look.data = w;
    w->look.log = cycle->log;
    w->look.cancelable = 1;

    quic_mem_init(&w->mem, cycle->log);

    w->null_fd = ngx_http_quic_worker_null_fd(cycle->log);
    w->out = ngx_alloc(QUIC_MAX_BATCH_SIZE, cycle->log);
    w->inbox = ngx_http_quic_inbox_create(cycle->log);

    if (w->null_fd == (ngx_socket_t) -1
        || w->out == NULL
        || w->inbox == NULL
        || quic_endpoint_init(&w->endpoint, &w->mem, &qmcf->host_key,
                              (uint32_t) ngx_pid, &ngx_http_quic_worker_ops,
                              w, cycle->log, ngx_http_quic_now())
           != NGX_OK)
    {
        ngx_http_quic_worker_free(w);
        return NGX_ERROR;
    }

    /* hanging handshakes shall not take all of the connections */

    w->endpoint.max_half_open = ngx_min(QUIC_MAX_HALF_OPEN,
                                        ngx_max(cycle->connection_n / 2, 4));

    w->endpoint.wall = (uint64_t) ngx_time() * 1000000 - ngx_http_quic_now();

    w->conf = qmcf;
    w->endpoint.early_id = qmcf->replay ? qmcf->replay->id : 0;

    ngx_http_quic_worker = w;

    w->nelders = ngx_http_quic_nelders;
    w->polite = ngx_current_msec + NGX_HTTP_QUIC_POLITE;

    if (w->nelders) {
        ngx_add_timer(&w->look, NGX_HTTP_QUIC_LOOK);
    }

    return ngx_http_quic_worker_sockets(w, cycle, qmcf);
}


/*
 * The listening sockets of this worker are found only now: nginx has cloned
 * them, one for each worker, after our configuration was complete.
 */

static ngx_int_t
ngx_http_quic_worker_sockets(ngx_http_quic_worker_t *w, ngx_cycle_t *cycle,
    ngx_http_quic_main_conf_t *qmcf)
{
    ngx_uint_t               i;
    ngx_listening_t         *ls;
    ngx_http_quic_socket_t  *s;

    w->sockets = ngx_calloc(cycle->listening.nelts
                            * sizeof(ngx_http_quic_socket_t), cycle->log);
    if (w->sockets == NULL) {
        return NGX_ERROR;
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {

        if (!ngx_http_quic_worker_serves(&ls[i], qmcf)) {
            continue;
        }

        s = &w->sockets[w->nsockets++];

        if (ngx_http_quic_socket_open(s, w, &ls[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_quic_worker_attach(s, &ls[i]);
    }

    return NGX_OK;
}


/*
 * With "master_process off" there is one process, but still a socket for each
 * of worker_processes: it serves them all, or their clients would be lost.
 */

static ngx_uint_t
ngx_http_quic_worker_serves(ngx_listening_t *ls,
    ngx_http_quic_main_conf_t *qmcf)
{
    ngx_uint_t               i;
    ngx_http_quic_bound_t  **bound;

    if (ngx_process == NGX_PROCESS_WORKER && ls->worker != ngx_worker) {
        return 0;
    }

    bound = qmcf->bound.elts;

    for (i = 0; i < qmcf->bound.nelts; i++) {
        if (ls->servers == bound[i]) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_quic_worker_attach(ngx_http_quic_socket_t *s, ngx_listening_t *ls)
{
    ngx_uint_t                  i;
    ngx_http_quic_listener_t  **listener;

    listener = s->bound->listeners.elts;

    for (i = 0; i < s->bound->listeners.nelts; i++) {
        if (listener[i]->socket == NULL) {
            listener[i]->socket = s;
            listener[i]->ls = ls;
            listener[i]->quic.stay = ngx_http_quic_worker_has_peers();
        }
    }
}


/*
 * Of the workers' sockets the kernel chooses one by both addresses: a client
 * that moves comes to another worker, which doesn't know it.
 */

static ngx_uint_t
ngx_http_quic_worker_has_peers(void)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    return ngx_process == NGX_PROCESS_WORKER && ccf->worker_processes > 1;
}


void
ngx_http_quic_worker_done(void)
{
    ngx_int_t                rc;
    ngx_http_quic_worker_t  *w;

    w = ngx_http_quic_worker;

    if (w == NULL) {
        return;
    }

    ngx_http_quic_worker = NULL;

    /* a word to the clients, as TCP's are told by the kernel */

    w->exiting = 1;
    quic_endpoint_each(&w->endpoint, ngx_http_quic_worker_close, w);

    do {
        rc = w->batch.len ? NGX_OK
                          : quic_endpoint_flush(&w->endpoint, w->out,
                                                QUIC_MAX_BATCH_SIZE, &w->batch,
                                                ngx_http_quic_now());
        if (rc == NGX_OK) {
            rc = ngx_http_quic_worker_send(w);
        }
    } while (rc == NGX_OK);

    quic_endpoint_done(&w->endpoint);

    ngx_http_quic_worker_free(w);
}


static void
ngx_http_quic_worker_free(ngx_http_quic_worker_t *w)
{
    ngx_uint_t  i;

    if (w->flush.posted) {
        ngx_delete_posted_event(&w->flush);
    }

    if (w->silence.timer_set) {
        ngx_del_timer(&w->silence);
    }

    if (w->look.timer_set) {
        ngx_del_timer(&w->look);
    }

    for (i = 0; i < w->nsockets; i++) {
        ngx_http_quic_socket_close(&w->sockets[i]);
    }

    if (w->null_fd != (ngx_socket_t) -1
        && ngx_close_socket(w->null_fd) == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, w->log, ngx_socket_errno,
                      ngx_close_socket_n " failed");
    }

    if (w->inbox) {
        ngx_http_quic_inbox_free(w->inbox);
    }

    quic_mem_done(&w->mem);

    ngx_free(w->sockets);
    ngx_free(w->out);
    ngx_free(w);
}


/*
 * nginx calls shutdown(), setsockopt() and recv(MSG_PEEK) on a request's
 * connection: all of them shall have no effect, and no data.
 */

static ngx_socket_t
ngx_http_quic_worker_null_fd(ngx_log_t *log)
{
    ngx_socket_t  fd;

    fd = socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (fd == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_socket_errno,
                      ngx_socket_n " failed");
    }

    return fd;
}


ngx_socket_t
ngx_http_quic_null_fd(ngx_http_quic_worker_t *worker)
{
    return worker->null_fd;
}


uint64_t
ngx_http_quic_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


void
ngx_http_quic_worker_receive(ngx_http_quic_worker_t *w, quic_datagram_t *dgram,
    uint64_t now)
{
    u_char                     buf[NGX_HTTP_QUIC_MAX_REPLY];
    ngx_str_t                  reply;
    quic_batch_t               batch;
    ngx_http_quic_listener_t  *listener;

    if ((w->exiting || w->nelders)
        && !ngx_http_quic_worker_takes(w, dgram->data, dgram->len))
    {
        return;
    }

    reply.data = buf;
    reply.len = 0;

    quic_endpoint_receive(&w->endpoint, dgram, &reply, now);

    if (reply.len == 0) {
        return;
    }

    ngx_memzero(&batch, sizeof(quic_batch_t));

    batch.data = reply.data;
    batch.len = reply.len;
    batch.segment = reply.len;
    batch.remote = &dgram->remote;
    batch.local = &dgram->local;
    batch.socket = dgram->socket;

    listener = dgram->socket;

    (void) ngx_http_quic_socket_send(listener->socket, &batch, 0);
}


ngx_uint_t
ngx_http_quic_worker_shares(ngx_http_quic_worker_t *w)
{
    return w->exiting
           || (w->nelders
               && (ngx_msec_int_t) (w->polite - ngx_current_msec) > 0);
}


/*
 * An old worker takes what is for its connections, a new one all but what is
 * for the old ones': their process IDs are in the connection IDs.
 */

ngx_uint_t
ngx_http_quic_worker_takes(ngx_http_quic_worker_t *w, u_char *data, size_t len)
{
    ngx_str_t  dcid;

    if (quic_packet_dcid(data, len, QUIC_CID_LEN, &dcid) != NGX_OK) {
        return 1;
    }

    if (ngx_http_quic_worker_owns(w, &dcid)) {
        return 1;
    }

    if (w->exiting) {
        return 0;
    }

    if (ngx_http_quic_worker_is_elders(w, &dcid)) {
        w->polite = ngx_current_msec + NGX_HTTP_QUIC_POLITE;
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_quic_worker_owns(ngx_http_quic_worker_t *w, ngx_str_t *dcid)
{
    return quic_cid_map_find(&w->endpoint.cids, dcid->data, dcid->len) != NULL;
}


static ngx_uint_t
ngx_http_quic_worker_is_elders(ngx_http_quic_worker_t *w, ngx_str_t *dcid)
{
    uint32_t    owner;
    ngx_uint_t  i;

    if (quic_host_cid_open(w->endpoint.host_key, dcid->data, dcid->len, &owner)
        != NGX_OK)
    {
        return 0;
    }

    for (i = 0; i < w->nelders; i++) {
        if ((uint32_t) ngx_http_quic_elders[i] == owner) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_quic_worker_look(ngx_event_t *ev)
{
    ngx_uint_t               i, n;
    ngx_http_quic_worker_t  *w;

    w = ev->data;
    n = 0;

    for (i = 0; i < w->nelders; i++) {
        if (kill(ngx_http_quic_elders[i], 0) == 0 || ngx_errno != ESRCH) {
            ngx_http_quic_elders[n++] = ngx_http_quic_elders[i];
        }
    }

    w->nelders = n;

    if (n) {
        ngx_add_timer(ev, NGX_HTTP_QUIC_LOOK);
    }
}


/*
 * A QUIC connection takes none of nginx's connections, its requests do.  It is
 * counted by the same measure nevertheless, as it takes memory.
 */

static ngx_int_t
ngx_http_quic_worker_accepted(void *data, quic_conn_t *c, void *socket)
{
    ngx_http_quic_worker_t *w = data;

    if (w->exiting) {
        return NGX_ERROR;
    }

    if (w->nsessions >= ngx_cycle->connection_n) {
        ngx_http_quic_worker_refuse(w);
        return NGX_ERROR;
    }

    if (ngx_http_quic_session_create(w, c, socket) == NULL) {
        return NGX_ERROR;
    }

    w->nsessions++;

    return NGX_OK;
}


static void
ngx_http_quic_worker_refuse(ngx_http_quic_worker_t *w)
{
    if (w->refused == ngx_time()) {
        return;
    }

    w->refused = ngx_time();

    ngx_log_error(NGX_LOG_ALERT, w->log, 0,
                  "%ui worker_connections are not enough for QUIC",
                  ngx_cycle->connection_n);
}


static ngx_int_t
ngx_http_quic_worker_server_name(void *data, quic_conn_t *c, ngx_str_t *name)
{
    return ngx_http_quic_tls_server_name(quic_conn_data(c), name);
}


static void
ngx_http_quic_worker_timer(void *data, quic_conn_t *c, uint64_t deadline)
{
    ngx_http_quic_session_t  *s;

    s = quic_conn_data(c);

    if (s) {
        ngx_http_quic_session_set_timer(s, deadline);
    }
}


static void
ngx_http_quic_worker_wakeup(void *data)
{
    ngx_http_quic_worker_t *w = data;

    ngx_post_event(&w->flush, &ngx_posted_events);
}


static void
ngx_http_quic_worker_freed(void *data, quic_conn_t *c)
{
    ngx_http_quic_worker_t *w = data;

    ngx_http_quic_session_t  *s;

    s = quic_conn_data(c);

    if (s) {
        ngx_http_quic_session_free(s);
        w->nsessions--;
    }
}


static const quic_conf_t *
ngx_http_quic_worker_conf(void *data, void *socket)
{
    ngx_http_quic_listener_t *listener = socket;

    return &listener->quic;
}


/*
 * A worker that crashed, or one of before a restart, isn't there any more; a
 * stranger that has got its process ID since costs the client a timeout.
 */

static ngx_uint_t
ngx_http_quic_worker_lives(void *data, uint32_t owner)
{
    return kill((ngx_pid_t) owner, 0) == 0 || ngx_errno != ESRCH;
}


static ngx_int_t
ngx_http_quic_worker_early_data(void *data, uint64_t ticket)
{
    ngx_http_quic_worker_t *w = data;

    return ngx_http_quic_replay_use(w->conf, ticket);
}


static void
ngx_http_quic_worker_flush(ngx_event_t *ev)
{
    uint64_t                 now;
    ngx_uint_t               n;
    ngx_http_quic_worker_t  *w;

    w = ev->data;

    if (w->batch.len) {
        /* ngx_http_quic_worker_writable() will be called */
        return;
    }

    /*
     * Behind us stand the requests that the datagrams have brought: what they
     * answer shall go into the same packets as the acknowledgements.
     */

    if (!w->last && !ngx_queue_empty(&ngx_posted_events)) {
        w->last = 1;
        ngx_post_event(ev, &ngx_posted_events);
        return;
    }

    w->last = 0;

    now = ngx_http_quic_now();

    for (n = 0; n < NGX_HTTP_QUIC_MAX_BATCHES; n++) {

        if (quic_endpoint_flush(&w->endpoint, w->out, QUIC_MAX_BATCH_SIZE,
                                &w->batch, now)
            != NGX_OK)
        {
            w->batch.len = 0;
            ngx_http_quic_worker_flushed(w);
            return;
        }

        if (ngx_http_quic_worker_send(w) == NGX_AGAIN) {
            return;
        }
    }

    /* acknowledgements may have come in the meantime */

    ngx_post_event(ev, &ngx_posted_next_events);
}


static ngx_int_t
ngx_http_quic_worker_send(ngx_http_quic_worker_t *w)
{
    ngx_int_t                  rc;
    ngx_http_quic_listener_t  *listener;

    listener = w->batch.socket;

    rc = ngx_http_quic_socket_send(listener->socket, &w->batch, listener->gso);

    if (rc == NGX_OK) {
        w->batch.len = 0;
        return NGX_OK;
    }

    /* the connection's own addresses may change while the batch waits */

    w->batch_remote = *w->batch.remote;
    w->batch_local = *w->batch.local;
    w->batch.remote = &w->batch_remote;
    w->batch.local = &w->batch_local;

    return NGX_AGAIN;
}


void
ngx_http_quic_worker_writable(ngx_http_quic_worker_t *w)
{
    if (w->batch.len && ngx_http_quic_worker_send(w) == NGX_AGAIN) {
        return;
    }

    ngx_http_quic_worker_wakeup(w);
}


/* all is said: an old worker without connections gives its sockets back */

static void
ngx_http_quic_worker_flushed(ngx_http_quic_worker_t *w)
{
    ngx_uint_t  i;

    if (!w->exiting || w->nsessions) {
        return;
    }

    for (i = 0; i < w->nsockets; i++) {
        ngx_http_quic_socket_close(&w->sockets[i]);
    }
}


void
ngx_http_quic_worker_shutdown(ngx_http_quic_worker_t *w, ngx_uint_t now)
{
    if (now) {
        quic_endpoint_each(&w->endpoint, ngx_http_quic_worker_close, w);
        return;
    }

    if (w->exiting) {
        return;
    }

    w->exiting = 1;

    quic_endpoint_each(&w->endpoint, ngx_http_quic_worker_goaway, w);

    ngx_add_timer(&w->silence, NGX_HTTP_QUIC_LISTEN);

    /*
     * The core calls us between two iterations of the event loop, and the next
     * one would wait for events first
     */

    if (w->flush.posted) {
        ngx_delete_posted_event(&w->flush);
    }

    ngx_post_event(&w->flush, &ngx_posted_next_events);
}


static void
ngx_http_quic_worker_goaway(quic_conn_t *c, void *data)
{
    ngx_http_quic_session_t  *s;

    s = quic_conn_data(c);
    s->moved = ngx_current_msec;

    if (s->h3) {
        h3_conn_goaway(s->h3);
    }
}


static void
ngx_http_quic_worker_silence(ngx_event_t *ev)
{
    ngx_http_quic_worker_t  *w;

    w = ev->data;

    quic_endpoint_each(&w->endpoint, ngx_http_quic_worker_close_silent, w);

    if (w->nsessions) {
        ngx_add_timer(ev, NGX_HTTP_QUIC_LISTEN);
    }
}


static void
ngx_http_quic_worker_close_silent(quic_conn_t *c, void *data)
{
    ngx_http_quic_session_t  *s;

    s = quic_conn_data(c);

    if (s->h3 == NULL) {
        return;
    }

    h3_conn_goaway_final(s->h3);

    if (h3_conn_active(s->h3)) {
        s->moved = ngx_current_msec;

    } else if (ngx_http_quic_session_still(s) >= NGX_HTTP_QUIC_SILENCE) {
        quic_conn_close_app(c, H3_NO_ERROR, "server is shutting down");
    }
}


static void
ngx_http_quic_worker_close(quic_conn_t *c, void *data)
{
    quic_conn_close_app(c, H3_NO_ERROR, "server is shutting down");
}
