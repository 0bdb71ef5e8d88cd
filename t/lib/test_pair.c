
/* An endpoint and a client of it, without a network. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "test_cert.h"
#include "test_pair.h"


#define TEST_PAIR_OWNER  1234


static void test_pair_log(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);
static ngx_int_t test_pair_tls(test_pair_t *p);
static ngx_int_t test_pair_start(test_pair_t *p);
static void test_pair_send(void *data, const u_char *buf, size_t len);
static ngx_uint_t test_pair_flush(test_pair_t *p);
static ngx_uint_t test_pair_deliver(test_pair_t *p);
static uint64_t test_pair_deadline(test_pair_t *p);
static void test_pair_timers(test_pair_t *p);


/* what the endpoint asks of the floor above */

static ngx_int_t
test_pair_server_name(void *data, quic_conn_t *c, ngx_str_t *name)
{
    return NGX_OK;
}


static void
test_pair_timer(void *data, quic_conn_t *c, uint64_t deadline)
{
    /* c->deadline says it as well */
}


static void
test_pair_wakeup(void *data)
{
}


static void
test_pair_freed(void *data, quic_conn_t *c)
{
    test_pair_t *p = data;

    if (p->conn == c) {
        p->conn = NULL;
    }
}


static const quic_conf_t *
test_pair_conf(void *data, void *socket)
{
    test_pair_t *p = data;

    return &p->conf;
}


static ngx_uint_t
test_pair_alive(void *data, uint32_t owner)
{
    return owner == TEST_PAIR_OWNER;
}


static ngx_int_t
test_pair_early_data(void *data, uint64_t ticket)
{
    test_pair_t *p = data;

    return p->early_rc;
}


/* the application */

static void
test_pair_established(void *app)
{
}


static void
test_pair_write(quic_stream_t *s, size_t left)
{
    size_t  n, room;
    u_char  bytes[4096];

    ngx_memset(bytes, 'a', sizeof(bytes));

    for ( /* void */ ; left; left -= n) {
        room = quic_stream_room(s);
        n = ngx_min(left, ngx_min(room, sizeof(bytes)));

        if (n == 0) {
            s->app = (void *) (uintptr_t) left;
            s->want_write = 1;
            return;
        }

        if (quic_stream_write(s, bytes, n) != NGX_OK) {
            break;
        }
    }

    quic_stream_finish(s);
    quic_stream_release(s, 0);
}


static void
test_pair_opened(void *app, quic_stream_t *s)
{
}


static void
test_pair_readable(void *app, quic_stream_t *s)
{
    test_pair_t *p = app;

    ngx_str_t   span;
    ngx_uint_t  fin;

    for ( ;; ) {
        quic_stream_peek(s, &span, &fin);

        if (span.len == 0 && !fin) {
            return;
        }

        quic_stream_consume(s, span.len);

        if (fin) {
            break;
        }
    }

    if (s->id & QUIC_STREAM_UNI) {
        quic_stream_release(s, 0);

    } else {
        test_pair_write(s, p->answer);
    }
}


static void
test_pair_writable(void *app, quic_stream_t *s)
{
    test_pair_write(s, (uintptr_t) s->app);
}


static void
test_pair_reset(void *app, quic_stream_t *s, uint64_t error)
{
    quic_stream_release(s, error);
}


static void
test_pair_closed(void *app)
{
}


static const quic_app_ops_t  test_pair_app_ops = {
    test_pair_established,
    test_pair_opened,
    test_pair_readable,
    test_pair_writable,
    test_pair_reset,
    test_pair_reset,
    test_pair_closed,
    NULL
};


static ngx_int_t
test_pair_accepted(void *data, quic_conn_t *c, void *socket)
{
    test_pair_t *p = data;

    p->conn = c;
    quic_conn_set_app(c, &test_pair_app_ops, p);

    return NGX_OK;
}


static const quic_endpoint_ops_t  test_pair_ops = {
    test_pair_accepted,
    test_pair_server_name,
    test_pair_timer,
    test_pair_wakeup,
    test_pair_freed,
    test_pair_conf,
    test_pair_alive,
    test_pair_early_data
};


static void
test_pair_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    test_pair_t *p = log->wdata;

    if (p->nlogged + len >= sizeof(p->logged)) {
        p->nlogged = 0;
    }

    len = ngx_min(len, sizeof(p->logged) - 1);
    ngx_memcpy(p->logged + p->nlogged, buf, len);

    p->nlogged += len;
    p->logged[p->nlogged] = '\0';
}


ngx_uint_t
test_pair_logged(test_pair_t *p, const char *text)
{
    char        *pos;
    ngx_uint_t   n;

    n = 0;

    for (pos = (char *) p->logged; (pos = strstr(pos, text)) != NULL; pos++) {
        n++;
    }

    return n;
}


static ngx_int_t
test_pair_tls(test_pair_t *p)
{
    ngx_int_t  rc;
    ngx_str_t  cert, key;

    p->conf.tls = quic_tls_ctx_create(&p->log);

    if (p->conf.tls == NULL
        || test_cert_make(TEST_CERT_P256, "test", NULL, &cert, &key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = quic_tls_ctx_certificate(p->conf.tls, &cert, &key, NULL, &p->log);

    free(cert.data);
    free(key.data);

    return rc;
}


ngx_int_t
test_pair_init(test_pair_t *p)
{
    ngx_memzero(p, sizeof(test_pair_t));
    ngx_time_init();

    p->log.log_level = NGX_LOG_INFO;
    p->log.writer = test_pair_log;
    p->log.wdata = p;
    p->log.file = &p->log_file;

    p->to.sin.sin_family = AF_INET;
    p->to.sin.sin_addr.s_addr = htonl(0x0a000001);
    p->to.sin.sin_port = htons(443);

    p->from = p->to;
    p->from.sin.sin_addr.s_addr = htonl(0x0a000002);
    p->from.sin.sin_port = htons(40000);

    p->conf.idle_timeout = 30 * TEST_PAIR_SECOND;
    p->conf.handshake_timeout = 10 * TEST_PAIR_SECOND;
    p->conf.max_streams_bidi = 128;
    p->conf.stream_window = 65536;
    p->conf.conn_window = 262144;
    p->conf.send_buffer = 65536;
    p->conf.active_cid_limit = 4;
    p->conf.mtu = 1480;
    p->conf.cc = &quic_cc_cubic;

    quic_mem_init(&p->mem, &p->log);

    if (test_pair_tls(p) != NGX_OK
        || quic_host_key_init(&p->host_key, (u_char *) "0123456789abcdef", 16)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return test_pair_start(p);
}


static ngx_int_t
test_pair_start(test_pair_t *p)
{
    p->now = 1000 * TEST_PAIR_SECOND;

    return quic_endpoint_init(&p->ep, &p->mem, &p->host_key, TEST_PAIR_OWNER,
                              &test_pair_ops, p, &p->log, p->now);
}


ngx_int_t
test_pair_restart(test_pair_t *p)
{
    test_pair_leave(p);
    quic_endpoint_done(&p->ep);

    return p->mem.used ? NGX_ERROR : test_pair_start(p);
}


void
test_pair_done(test_pair_t *p)
{
    test_pair_leave(p);

    quic_endpoint_done(&p->ep);
    quic_mem_done(&p->mem);
    quic_host_key_clear(&p->host_key);
    quic_tls_ctx_free(p->conf.tls);
}


ngx_int_t
test_pair_connect(test_pair_t *p, const client_conf_t *conf,
    client_state_e state)
{
    client_conf_t  ours;

    ngx_memzero(&ours, sizeof(client_conf_t));

    if (conf) {
        ours = *conf;
    }

    ours.send = test_pair_send;
    ours.turn = test_pair_turn;
    ours.data = p;

    p->client = client_create(&ours);

    return p->client ? client_connect(p->client, state) : NGX_ERROR;
}


void
test_pair_leave(test_pair_t *p)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&p->ep.conns);
         q != ngx_queue_sentinel(&p->ep.conns);
         q = ngx_queue_next(q))
    {
        quic_close_silent(ngx_queue_data(q, quic_conn_t, all), "left alone");
    }

    if (p->client) {
        (void) test_pair_flush(p);
        client_free(p->client);
        p->client = NULL;
    }

    p->nreplies = 0;
}


static void
test_pair_send(void *data, const u_char *buf, size_t len)
{
    test_pair_receive(data, buf, len);
}


/* in memory of its own, where a read past the end is noticed */

void
test_pair_receive(test_pair_t *p, const u_char *data, size_t len)
{
    ngx_str_t           reply;
    quic_datagram_t     dgram;
    test_pair_reply_t  *r;

    r = &p->replies[p->nreplies % TEST_PAIR_REPLIES];
    reply.data = r->data;

    ngx_memzero(&dgram, sizeof(quic_datagram_t));

    dgram.data = malloc(len ? len : 1);
    dgram.len = len;
    dgram.remote = p->from;
    dgram.local = p->to;

    ngx_memcpy(dgram.data, data, len);

    quic_endpoint_receive(&p->ep, &dgram, &reply, p->now);

    free(dgram.data);

    if (reply.len) {
        r->len = reply.len;
        p->nreplies++;
    }
}


/* replies that need no connection */

static ngx_uint_t
test_pair_deliver(test_pair_t *p)
{
    ngx_uint_t  i, n;

    n = ngx_min(p->nreplies, TEST_PAIR_REPLIES);

    for (i = 0; i < n; i++) {
        client_datagram(p->client, p->replies[i].data, p->replies[i].len);
    }

    p->nreplies = 0;

    return n;
}


static ngx_uint_t
test_pair_flush(test_pair_t *p)
{
    size_t      len;
    u_char     *pos, *end;
    ngx_uint_t  n;

    n = test_pair_deliver(p);

    while (quic_endpoint_flush(&p->ep, p->out, sizeof(p->out), &p->batch,
                               p->now)
           == NGX_OK)
    {
        end = p->batch.data + p->batch.len;

        for (pos = p->batch.data; pos < end; pos += len) {
            len = ngx_min(p->batch.segment, (size_t) (end - pos));

            client_datagram(p->client, pos, len);
            n++;
        }
    }

    return n;
}


static uint64_t
test_pair_deadline(test_pair_t *p)
{
    uint64_t      deadline;
    ngx_queue_t  *q;
    quic_conn_t  *c;

    deadline = UINT64_MAX;

    for (q = ngx_queue_head(&p->ep.conns);
         q != ngx_queue_sentinel(&p->ep.conns);
         q = ngx_queue_next(q))
    {
        c = ngx_queue_data(q, quic_conn_t, all);
        deadline = ngx_min(deadline, c->deadline);
    }

    return deadline;
}


static void
test_pair_timers(test_pair_t *p)
{
    ngx_queue_t  *q;
    quic_conn_t  *c;

    for (q = ngx_queue_head(&p->ep.conns);
         q != ngx_queue_sentinel(&p->ep.conns);
         q = ngx_queue_next(q))
    {
        c = ngx_queue_data(q, quic_conn_t, all);

        if (c->deadline <= p->now) {
            quic_endpoint_timeout(&p->ep, c, p->now);
        }
    }
}


static ngx_uint_t
test_pair_until(test_pair_t *p, uint64_t end)
{
    uint64_t    deadline;
    ngx_uint_t  n;

    for ( ;; ) {
        n = test_pair_flush(p);

        if (n) {
            return n;
        }

        deadline = test_pair_deadline(p);

        if (deadline > end) {
            return 0;
        }

        p->now = ngx_max(p->now + 1, deadline);
        test_pair_timers(p);
    }
}


ngx_uint_t
test_pair_turn(void *data)
{
    test_pair_t *p = data;

    return test_pair_until(p, p->now + TEST_PAIR_SECOND);
}


void
test_pair_pass(test_pair_t *p, uint64_t time)
{
    uint64_t  end;

    end = p->now + time;

    while (test_pair_until(p, end)) {
        client_read(p->client);
    }

    p->now = ngx_max(p->now, end);
}
