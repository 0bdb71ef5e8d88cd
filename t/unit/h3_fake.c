
/*
 * Bytes of a datagram and of the stream's buffer are memory of their own,
 * freed as soon as they may not be looked at any more: AddressSanitizer sees
 * who does.
 */

#include "h3_fake.h"
#include "quic/quic_sched.h"


static fake_stream_t *fake_new(quic_conn_t *c, uint64_t id);
static void fake_free(quic_conn_t *c, fake_stream_t *f);
static void fake_deliver(quic_conn_t *c, fake_stream_t *f, const u_char *data,
    size_t len);
static u_char *fake_copy(const u_char *data, size_t len, size_t more);
static void fake_check_log(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);


quic_conn_t *
fake_conn_create(void)
{
    quic_conn_t  *c;

    ngx_pagesize = 4096;

    c = calloc(1, sizeof(quic_conn_t));
    assert_non_null(c);

    c->log.log_level = NGX_LOG_INFO;
    c->log.writer = fake_check_log;

    quic_mem_init(&c->mem, &c->log);
    ngx_queue_init(&c->streams);

    c->max_uni = 3;
    c->room = 65536;
    c->max_span = 4096;
    c->error = FAKE_NONE;

    return c;
}


static void
fake_check_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    assert_int_equal(level, NGX_LOG_INFO);
}


void
fake_conn_end(quic_conn_t *c)
{
    ngx_queue_t  *q;

    if (c->ended) {
        return;
    }

    c->ended = 1;

    if (c->ops) {
        c->ops->closed(c->app);
    }

    while (!ngx_queue_empty(&c->streams)) {
        q = ngx_queue_head(&c->streams);
        fake_free(c, ngx_queue_data(q, fake_stream_t, queue));
    }
}


void
fake_conn_destroy(quic_conn_t *c)
{
    fake_conn_end(c);

    assert_int_equal(c->mem.used, 0);

    quic_mem_done(&c->mem);
    free(c);
}


static fake_stream_t *
fake_new(quic_conn_t *c, uint64_t id)
{
    fake_stream_t  *f;

    f = calloc(1, sizeof(fake_stream_t));
    assert_non_null(f);

    f->s.conn = c;
    f->s.id = id;
    f->s.urgency = QUIC_DEFAULT_URGENCY;
    f->s.final_size = QUIC_NO_SIZE;
    f->reset_error = FAKE_NONE;
    f->end_error = FAKE_NONE;
    f->stop_error = FAKE_NONE;

    ngx_queue_insert_tail(&c->streams, &f->queue);

    return f;
}


static void
fake_free(quic_conn_t *c, fake_stream_t *f)
{
    ngx_queue_remove(&f->queue);

    free(f->in);
    free(f->out);
    free(f);
}


fake_stream_t *
fake_stream(quic_conn_t *c, uint64_t id)
{
    ngx_queue_t    *q;
    fake_stream_t  *f;

    for (q = ngx_queue_head(&c->streams);
         q != ngx_queue_sentinel(&c->streams);
         q = ngx_queue_next(q))
    {
        f = ngx_queue_data(q, fake_stream_t, queue);

        if (f->s.id == id) {
            return f;
        }
    }

    assert_true((id & QUIC_STREAM_SERVER) == 0);

    f = fake_new(c, id);
    c->ops->stream_opened(c->app, &f->s);

    return f;
}


void
fake_send(quic_conn_t *c, uint64_t id, const void *data, size_t len,
    ngx_uint_t fin)
{
    fake_stream_t  *f;

    if (c->error != FAKE_NONE || c->ended) {
        return;
    }

    f = fake_stream(c, id);

    if (f->released || f->in_reset || c->error != FAKE_NONE) {
        return;
    }

    assert_false(f->fin);
    f->fin = fin ? 1 : 0;

    fake_deliver(c, f, data, len);
}


static u_char *
fake_copy(const u_char *data, size_t len, size_t more)
{
    u_char  *p;

    p = malloc(len + more + 1);
    assert_non_null(p);

    if (len) {
        memcpy(p, data, len);
    }

    return p;
}


static void
fake_deliver(quic_conn_t *c, fake_stream_t *f, const u_char *data, size_t len)
{
    u_char  *datagram, *all;

    datagram = fake_copy(data, len, 0);

    if (f->in_len == 0) {
        f->direct = datagram;
        f->direct_len = len;

        c->ops->stream_readable(c->app, &f->s);

        len = f->direct_len;
        data = f->direct;
        f->direct = NULL;
        f->direct_len = 0;

        if (len && !f->released) {
            f->in = fake_copy(data, len, 0);
            f->in_len = len;
        }

        free(datagram);
        return;
    }

    all = fake_copy(f->in, f->in_len, len);
    memcpy(all + f->in_len, datagram, len);
    free(f->in);
    free(datagram);
    f->in = all;
    f->in_len += len;

    c->ops->stream_readable(c->app, &f->s);
}


void
fake_reset(quic_conn_t *c, uint64_t id, uint64_t error)
{
    fake_stream_t  *f;

    f = fake_stream(c, id);

    if (f->released || f->at_end || f->in_reset) {
        return;
    }

    f->in_reset = 1;
    free(f->in);
    f->in = NULL;
    f->in_len = 0;

    c->ops->stream_reset(c->app, &f->s, error);
}


void
fake_stop(quic_conn_t *c, uint64_t id, uint64_t error)
{
    fake_stream_t  *f;

    f = fake_stream(c, id);

    if (f->reset_error == FAKE_NONE) {
        f->reset_error = error;
        f->s.out.base = f->s.out.end;

        if (!f->released) {
            c->ops->stream_stopped(c->app, &f->s, error);
        }
    }
}


void
fake_writable(quic_conn_t *c, uint64_t id)
{
    fake_stream_t  *f;

    f = fake_stream(c, id);

    if (f->s.want_write) {
        f->s.want_write = 0;
        c->ops->stream_writable(c->app, &f->s);
    }
}


void
fake_ack(quic_conn_t *c)
{
    ngx_queue_t    *q, *next;
    fake_stream_t  *f;

    for (q = ngx_queue_head(&c->streams);
         q != ngx_queue_sentinel(&c->streams);
         q = next)
    {
        next = ngx_queue_next(q);
        f = ngx_queue_data(q, fake_stream_t, queue);

        f->s.out.base = f->s.out.end;

        if (f->released) {
            fake_free(c, f);
        }
    }

    for (q = ngx_queue_head(&c->streams);
         q != ngx_queue_sentinel(&c->streams) && !c->ended;
         q = ngx_queue_next(q))
    {
        f = ngx_queue_data(q, fake_stream_t, queue);
        fake_writable(c, f->s.id);
    }
}


/* the transport's functions */

quic_stream_t *
quic_stream_open_uni(quic_conn_t *c, void *app)
{
    uint64_t        id;
    fake_stream_t  *f;

    if (c->next_uni == c->max_uni) {
        return NULL;
    }

    id = c->next_uni++ << 2 | QUIC_STREAM_UNI | QUIC_STREAM_SERVER;

    f = fake_new(c, id);
    f->s.app = app;

    return &f->s;
}


void
quic_stream_peek(quic_stream_t *s, ngx_str_t *span, ngx_uint_t *fin)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    if (f->direct_len) {
        span->data = f->direct;
        span->len = f->direct_len;

    } else {
        span->data = f->in;
        span->len = ngx_min(f->in_len, s->conn->max_span);
    }

    *fin = f->fin && !f->at_end && !f->in_reset
           && span->len == ngx_max(f->direct_len, f->in_len);

    f->shown = span->len;
}


void
quic_stream_consume(quic_stream_t *s, size_t n)
{
    u_char         *rest;
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);
    assert_true(n <= f->shown);

    f->shown -= n;

    if (f->direct_len) {
        f->direct += n;
        f->direct_len -= n;

    } else {
        rest = fake_copy(f->in + n, f->in_len - n, 0);
        free(f->in);
        f->in = rest;
        f->in_len -= n;
    }

    if (f->fin && f->direct_len == 0 && f->in_len == 0) {
        f->at_end = 1;
    }
}


size_t
quic_stream_room(quic_stream_t *s)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    return s->conn->room;
}


ngx_int_t
quic_stream_write(quic_stream_t *s, const u_char *data, size_t len)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    if (f->out_fin || f->reset_error != FAKE_NONE || s->conn->fail_writes) {
        return NGX_ERROR;
    }

    f->out = realloc(f->out, f->out_len + len);
    memcpy(f->out + f->out_len, data, len);
    f->out_len += len;
    s->out.end += len;

    return NGX_OK;
}


u_char *
quic_stream_reserve(quic_stream_t *s, size_t want, size_t *len)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    *len = sizeof(f->reserved);

    return f->reserved;
}


void
quic_stream_commit(quic_stream_t *s, size_t len)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_true(len <= sizeof(f->reserved));
    assert_int_equal(quic_stream_write(s, f->reserved, len), NGX_OK);
}


void
quic_stream_finish(quic_stream_t *s)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || f->out_fin || s->conn->ended);

    f->out_fin = 1;
}


void
quic_stream_finish_reset(quic_stream_t *s, uint64_t error)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || f->out_fin || s->conn->ended);

    f->end_error = error;
}


void
quic_stream_reset(quic_stream_t *s, uint64_t error)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    if (f->reset_error == FAKE_NONE) {
        f->reset_error = error;
        s->out.base = s->out.end;
    }
}


void
quic_stream_release(quic_stream_t *s, uint64_t error)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    if (!f->out_fin && f->end_error == FAKE_NONE
        && (s->id & QUIC_STREAM_UNI) == 0)
    {
        quic_stream_reset(s, error);
    }

    if (!f->fin && !f->in_reset) {
        f->stop_error = error;
    }

    f->released = 1;
    s->app = NULL;
    s->want_write = 0;
}


void
quic_stream_priority(quic_stream_t *s, ngx_uint_t urgency,
    ngx_uint_t incremental)
{
    fake_stream_t  *f = (fake_stream_t *) s;

    assert_false(f->released || s->conn->ended);

    s->urgency = (u_char) urgency;
    s->incremental = incremental ? 1 : 0;
}


void
quic_conn_set_app(quic_conn_t *c, const quic_app_ops_t *ops, void *app)
{
    c->ops = ops;
    c->app = app;
}


void
quic_conn_close_app(quic_conn_t *c, uint64_t error, const char *reason)
{
    assert_false(c->ended);

    if (c->error == FAKE_NONE) {
        c->error = error;
        c->reason = reason;
    }
}


void
quic_conn_linger(quic_conn_t *c, uint64_t error, const char *reason)
{
    assert_false(c->ended);

    c->lingering = 1;

    quic_conn_close_app(c, error, reason);
}


ngx_log_t *
quic_conn_log(quic_conn_t *c)
{
    return &c->log;
}


ngx_uint_t
quic_conn_streams(quic_conn_t *c)
{
    ngx_uint_t      n;
    ngx_queue_t    *q;
    fake_stream_t  *f;

    n = 0;

    for (q = ngx_queue_head(&c->streams);
         q != ngx_queue_sentinel(&c->streams);
         q = ngx_queue_next(q))
    {
        f = ngx_queue_data(q, fake_stream_t, queue);
        n += (f->s.id & 3) == 0;
    }

    return n;
}


uint64_t
quic_conn_acked(quic_conn_t *c)
{
    return c->acked;
}


uint64_t
quic_conn_max_requests(quic_conn_t *c)
{
    return FAKE_MAX_REQUESTS;
}


void
quic_conn_keep_alive(quic_conn_t *c, ngx_uint_t on)
{
    assert_false(c->ended);

    c->keep_alive = on;
}
