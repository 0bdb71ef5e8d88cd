
/*
 * The streams of a connection: their table, and both sides of each (RFC 9000,
 * sections 2 to 4).
 *
 * A stream is never freed inside a call that may be working on it: when both
 * of its sides and the application are done with it, it joins streams->done,
 * and the next flush reaps it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


/* room that is worth waking the application for, bytes */
#define QUIC_STREAM_WAKE_ROOM  65536


static quic_stream_t *quic_stream_create(quic_conn_t *c, uint64_t id);
static void quic_stream_free(quic_conn_t *c, quic_stream_t *s);
static ngx_int_t quic_streams_open(quic_conn_t *c, ngx_uint_t uni,
    uint64_t number);
static void quic_streams_credit(quic_conn_t *c, ngx_uint_t uni);
static ngx_int_t quic_stream_account(quic_stream_t *s, uint64_t end,
    ngx_uint_t final);
static ngx_uint_t quic_stream_deliver(quic_stream_t *s, quic_frame_stream_t *f);
static void quic_stream_consumed(quic_stream_t *s, uint64_t n);
static void quic_stream_drop(quic_stream_t *s);
static void quic_stream_check_done(quic_stream_t *s);
static ngx_uint_t quic_stream_takes(quic_stream_t *s);
static size_t quic_stream_buffer_limit(quic_stream_t *s);


void
quic_streams_init(quic_conn_t *c)
{
    quic_streams_t  *st;

    st = &c->streams;

    ngx_rbtree_init(&st->tree, &st->sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&st->control);
    ngx_queue_init(&st->blocked);
    ngx_queue_init(&st->done);
    quic_sched_init(&st->sched);

    st->window[0] = c->conf->max_streams_bidi;
    st->window[1] = QUIC_MAX_UNI_STREAMS;
    st->max_peer[0] = st->window[0];
    st->max_peer[1] = st->window[1];
}


void
quic_streams_done(quic_conn_t *c)
{
    quic_stream_t      *s;
    ngx_rbtree_node_t  *root;

    while (c->streams.tree.root != &c->streams.sentinel) {
        root = c->streams.tree.root;
        s = ngx_rbtree_data(root, quic_stream_t, node);
        quic_stream_free(c, s);
    }
}


/*
 * Streams may have been opened before only by us, and we can't before the
 * parameters are there.
 */

void
quic_streams_set_limits(quic_conn_t *c)
{
    c->streams.max_uni = c->peer.initial_max_streams_uni;
}


static quic_stream_t *
quic_stream_create(quic_conn_t *c, uint64_t id)
{
    quic_stream_t  *s;

    s = quic_calloc(c->mem, sizeof(quic_stream_t));
    if (s == NULL) {
        return NULL;
    }

    s->conn = c;
    s->id = id;
    s->node.key = id;
    s->final_size = QUIC_NO_SIZE;
    s->urgency = QUIC_DEFAULT_URGENCY;

    quic_recv_buf_init(&s->in, c->mem, QUIC_MAX_STREAM_GAPS);
    quic_send_buf_init(&s->out, c->mem);
    quic_flow_recv_init(&s->flow_in, c->conf->stream_window);
    quic_flow_send_init(&s->flow_out,
                        (id & QUIC_STREAM_UNI)
                        ? c->peer.initial_max_stream_data_uni
                        : c->peer.initial_max_stream_data_bidi_local);

    if (id & QUIC_STREAM_UNI) {
        if (id & QUIC_STREAM_SERVER) {
            s->recv_state = QUIC_RECV_READ;

        } else {
            s->send_state = QUIC_SEND_ACKED;
        }
    }

    ngx_rbtree_insert(&c->streams.tree, &s->node);

    return s;
}


static void
quic_stream_free(quic_conn_t *c, quic_stream_t *s)
{
    ngx_rbtree_delete(&c->streams.tree, &s->node);

    if (c->streams.last == s) {
        c->streams.last = NULL;
    }

    quic_sched_remove(s);

    if (s->blocked || s->done) {
        ngx_queue_remove(&s->ready);
    }

    if (s->in_control) {
        ngx_queue_remove(&s->control);
    }

    c->streams.buffered -= quic_send_buf_held(&s->out);

    quic_recv_buf_done(&s->in);
    quic_send_buf_done(&s->out);

    quic_free(c->mem, s, sizeof(quic_stream_t));
}


quic_stream_t *
quic_streams_lookup(quic_conn_t *c, uint64_t id)
{
    ngx_rbtree_node_t  *node, *sentinel;

    if (c->streams.last && c->streams.last->id == id) {
        return c->streams.last;
    }

    node = c->streams.tree.root;
    sentinel = &c->streams.sentinel;

    while (node != sentinel) {

        if (id == node->key) {
            c->streams.last = ngx_rbtree_data(node, quic_stream_t, node);
            return c->streams.last;
        }

        node = (id < node->key) ? node->left : node->right;
    }

    return NULL;
}


ngx_int_t
quic_streams_find(quic_conn_t *c, uint64_t id, ngx_uint_t sends,
    quic_stream_t **s)
{
    uint64_t    number;
    ngx_uint_t  uni;

    uni = (id & QUIC_STREAM_UNI) ? 1 : 0;
    number = id >> 2;

    if (id & QUIC_STREAM_SERVER) {

        if (sends || !uni || number >= c->streams.next_uni) {
            quic_conn_close(c, QUIC_STREAM_STATE_ERROR,
                            "frame for a stream of the server's");
            return NGX_ERROR;
        }

    } else {

        if (uni && !sends) {
            quic_conn_close(c, QUIC_STREAM_STATE_ERROR,
                            "frame for a stream the server can't send on");
            return NGX_ERROR;
        }

        if (number >= c->streams.next_peer[uni]
            && quic_streams_open(c, uni, number) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    *s = quic_streams_lookup(c, id);

    return *s ? NGX_OK : NGX_DECLINED;
}


/* RFC 9000, 2.1: a stream is opened with all those of its type before it */

static ngx_int_t
quic_streams_open(quic_conn_t *c, ngx_uint_t uni, uint64_t number)
{
    uint64_t         id;
    quic_stream_t   *s;
    quic_streams_t  *st;

    st = &c->streams;

    if (number >= st->max_peer[uni]) {
        quic_conn_close(c, QUIC_STREAM_LIMIT_ERROR, "too many streams");
        return NGX_ERROR;
    }

    while (st->next_peer[uni] <= number) {
        id = st->next_peer[uni] << 2 | (uni ? QUIC_STREAM_UNI : 0);

        s = quic_stream_create(c, id);

        if (s == NULL) {
            quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for a stream");
            return NGX_ERROR;
        }

        st->next_peer[uni]++;

        c->app_ops->stream_opened(c->app, s);

        if (c->state != QUIC_CONN_OPEN || c->close.requested) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


quic_stream_t *
quic_stream_open_uni(quic_conn_t *c, void *app)
{
    uint64_t        id;
    quic_stream_t  *s;

    if (c->streams.next_uni >= c->streams.max_uni) {
        return NULL;
    }

    id = c->streams.next_uni << 2 | QUIC_STREAM_UNI | QUIC_STREAM_SERVER;

    s = quic_stream_create(c, id);

    if (s) {
        s->app = app;
        c->streams.next_uni++;
    }

    return s;
}


void
quic_streams_reap(quic_conn_t *c)
{
    uint64_t        id;
    ngx_uint_t      bidi;
    ngx_queue_t    *q;
    quic_stream_t  *s;

    bidi = 0;

    while (!ngx_queue_empty(&c->streams.done)) {
        q = ngx_queue_head(&c->streams.done);
        s = ngx_queue_data(q, quic_stream_t, ready);
        id = s->id;

        quic_stream_free(c, s);

        if ((id & QUIC_STREAM_SERVER) == 0) {
            quic_streams_credit(c, (id & QUIC_STREAM_UNI) ? 1 : 0);
        }

        bidi |= (id & QUIC_STREAM_UNI) == 0;
    }

    if (bidi && c->state == QUIC_CONN_OPEN && quic_conn_streams(c) == 0
        && c->app_ops->drained)
    {
        c->app_ops->drained(c->app);
    }
}


/*
 * A stream of the client's has ended: it may open another one.  It's told when
 * less than half of what it may have open at a time is left.
 */

static void
quic_streams_credit(quic_conn_t *c, ngx_uint_t uni)
{
    quic_streams_t  *st;

    st = &c->streams;
    st->closed_peer[uni]++;

    if (st->max_peer[uni] - st->next_peer[uni] <= st->window[uni] / 2) {
        st->max_peer[uni] = st->closed_peer[uni] + st->window[uni];
        c->pending |= uni ? QUIC_PEND_MAX_STREAMS_UNI
                          : QUIC_PEND_MAX_STREAMS_BIDI;
    }
}


ngx_uint_t
quic_stream_lacks(quic_stream_t *s, uint64_t offset, size_t len)
{
    return s->recv_state <= QUIC_RECV_SIZE_KNOWN && !s->dropping
           && !quic_recv_buf_has(&s->in, offset, len);
}


/*
 * The receiving side.  NGX_DECLINED: the data is in too many pieces, the packet
 * is not to be acknowledged.
 */

ngx_int_t
quic_stream_receive(quic_stream_t *s, quic_frame_stream_t *f)
{
    uint64_t      ready;
    ngx_int_t     rc;
    ngx_uint_t    told;
    quic_conn_t  *c;

    c = s->conn;

    if (quic_stream_account(s, f->offset + f->length, f->fin) != NGX_OK) {
        return NGX_ERROR;
    }

    if (s->recv_state > QUIC_RECV_SIZE_KNOWN) {
        return NGX_OK;
    }

    if (s->dropping) {
        quic_stream_drop(s);
        return NGX_OK;
    }

    ready = s->in.ready;

    told = quic_stream_deliver(s, f);

    if (s->dropping || s->recv_state > QUIC_RECV_SIZE_KNOWN) {
        return NGX_OK;
    }

    rc = quic_recv_buf_write(&s->in, f->offset, f->data, f->length);

    if (rc == NGX_ERROR) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for stream data");
        return NGX_ERROR;
    }

    if (!told && (s->in.ready > ready || s->in.ready == s->final_size)) {
        c->app_ops->stream_readable(c->app, s);
    }

    return rc;
}


/*
 * When nothing is stored, the application sees the bytes in the datagram
 * itself; what it leaves there is stored by the caller.  Non-zero if it was
 * called.
 */

static ngx_uint_t
quic_stream_deliver(quic_stream_t *s, quic_frame_stream_t *f)
{
    uint64_t      known;
    quic_conn_t  *c;

    c = s->conn;

    if (f->offset > s->in.read
        || s->in.ready != s->in.read
        || s->in.fragments.n)
    {
        return 0;
    }

    known = s->in.read - f->offset;

    if (known < f->length) {
        s->direct.data = f->data + known;
        s->direct.len = f->length - known;

    } else if (s->in.read != s->final_size) {
        return 0;
    }

    c->app_ops->stream_readable(c->app, s);

    ngx_str_null(&s->direct);

    return 1;
}


/*
 * RFC 9000, 4.1 and 4.5: the bytes up to "end" belong to the stream, and that
 * is all of it if "final".  Checked and counted, for the stream and for the
 * connection.
 */

static ngx_int_t
quic_stream_account(quic_stream_t *s, uint64_t end, ngx_uint_t final)
{
    uint64_t      n;
    quic_conn_t  *c;

    c = s->conn;

    if (end > s->final_size
        || (final && s->final_size != QUIC_NO_SIZE && end != s->final_size)
        || (final && end < s->flow_in.received))
    {
        quic_conn_close(c, QUIC_FINAL_SIZE_ERROR,
                        "stream data beyond its final size");
        return NGX_ERROR;
    }

    if (end > s->flow_in.received) {
        n = end - s->flow_in.received;

        if (quic_flow_receive(&s->flow_in, n) != NGX_OK
            || quic_flow_receive(&c->flow_in, n) != NGX_OK)
        {
            quic_conn_close(c, QUIC_FLOW_CONTROL_ERROR,
                            "more stream data than allowed");
            return NGX_ERROR;
        }
    }

    if (final) {
        s->final_size = end;

        if (s->recv_state == QUIC_RECV_OPEN) {
            s->recv_state = QUIC_RECV_SIZE_KNOWN;
        }
    }

    return NGX_OK;
}


ngx_int_t
quic_stream_receive_reset(quic_stream_t *s, uint64_t error,
    uint64_t final_size)
{
    quic_conn_t  *c;

    c = s->conn;

    if (quic_stream_account(s, final_size, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (s->recv_state > QUIC_RECV_SIZE_KNOWN) {
        return NGX_OK;
    }

    s->recv_state = QUIC_RECV_RESET;

    quic_stream_drop(s);

    if (!s->released) {
        c->app_ops->stream_reset(c->app, s, error);
    }

    quic_stream_check_done(s);

    return NGX_OK;
}


void
quic_stream_peek(quic_stream_t *s, ngx_str_t *span, ngx_uint_t *fin)
{
    if (s->recv_state > QUIC_RECV_SIZE_KNOWN || s->dropping) {
        ngx_str_null(span);
        *fin = 0;
        return;
    }

    if (s->direct.len) {
        *span = s->direct;

    } else {
        quic_recv_buf_peek(&s->in, span);
    }

    *fin = (s->in.read + span->len == s->final_size);
}


void
quic_stream_consume(quic_stream_t *s, size_t n)
{
    if (s->recv_state > QUIC_RECV_SIZE_KNOWN || s->dropping) {
        return;
    }

    if (s->direct.len) {
        s->direct.data += n;
        s->direct.len -= n;
    }

    quic_recv_buf_consume(&s->in, n);

    quic_stream_consumed(s, n);

    if (s->in.read == s->final_size) {
        s->recv_state = QUIC_RECV_READ;
        quic_stream_check_done(s);
    }
}


static void
quic_stream_consumed(quic_stream_t *s, uint64_t n)
{
    quic_conn_t  *c;

    c = s->conn;

    if (quic_flow_consume(&s->flow_in, n) && s->recv_state == QUIC_RECV_OPEN
        && !s->dropping)
    {
        quic_stream_pend(s, QUIC_STREAM_PEND_MAX_DATA);
    }

    if (quic_flow_consume(&c->flow_in, n)) {
        c->pending |= QUIC_PEND_MAX_DATA;
        quic_conn_wake(c);
    }
}


void
quic_streams_grow(quic_conn_t *c, uint64_t now)
{
    uint64_t           most;
    quic_endpoint_t   *ep;

    ep = c->ep;

    most = c->flow_in.window + QUIC_MAX_WINDOWS_GROWTH - ep->windows_grown;
    most = ngx_min(most, QUIC_MAX_CONN_WINDOW);

    ep->windows_grown += quic_flow_grow(&c->flow_in, most,
                                        c->recovery.rtt.smoothed, now);
}


/* more than the connection's can't be used, so that one's growth counts */

void
quic_stream_grow(quic_stream_t *s, uint64_t now)
{
    uint64_t      most;
    quic_conn_t  *c;

    c = s->conn;
    most = ngx_min(c->flow_in.window, QUIC_MAX_STREAM_WINDOW);

    (void) quic_flow_grow(&s->flow_in, most, c->recovery.rtt.smoothed, now);
}


/*
 * Whatever has come is thrown away, and gives its credit back to the
 * connection, so that no other stream has to wait for it.
 */

static void
quic_stream_drop(quic_stream_t *s)
{
    s->dropping = 1;

    quic_recv_buf_discard(&s->in);
    quic_stream_consumed(s, s->flow_in.received - s->flow_in.consumed);

    if (s->recv_state == QUIC_RECV_SIZE_KNOWN) {
        s->recv_state = QUIC_RECV_READ;
    }

    quic_stream_check_done(s);
}


void
quic_stream_stop(quic_stream_t *s, uint64_t error)
{
    if (s->recv_state > QUIC_RECV_SIZE_KNOWN || s->dropping) {
        return;
    }

    if (s->recv_state == QUIC_RECV_OPEN) {
        s->stop_error = error;
        quic_stream_pend(s, QUIC_STREAM_PEND_STOP);
    }

    quic_stream_drop(s);
}


/* the sending side */

/* non-zero while bytes may be written */

static ngx_uint_t
quic_stream_takes(quic_stream_t *s)
{
    return s->send_state == QUIC_SEND_OPEN && !s->out.fin
           && !s->ends_in_reset;
}


size_t
quic_stream_room(quic_stream_t *s)
{
    size_t     limit, held;
    uint64_t   all;

    if (!quic_stream_takes(s)) {
        return 0;
    }

    held = quic_send_buf_held(&s->out);
    limit = quic_stream_buffer_limit(s);

    if (held >= s->conn->conf->send_buffer) {

        /* what is above the least is shared by all streams */

        all = s->conn->streams.buffered;
        limit = ngx_min(limit, held + (all < QUIC_MAX_SEND_BUFFER
                                       ? QUIC_MAX_SEND_BUFFER - all : 0));
    }

    return held < limit ? limit - held : 0;
}


/*
 * One window in flight and one to follow it, so that an ACK never finds the
 * buffer empty.  Bytes that were lost hold up those behind them for as long as
 * it takes to send them again, while the window that shrank over them is
 * filled once or twice more: room for that, too.
 */

static size_t
quic_stream_buffer_limit(quic_stream_t *s)
{
    uint64_t    limit, window, most;
    quic_cc_t  *cc;

    cc = &s->conn->recovery.cc;
    window = cc->window;
    most = cc->ops->starting(cc) ? QUIC_MAX_START_BUFFER
                                 : QUIC_MAX_SEND_BUFFER;

    limit = s->out.sent - s->out.base + window;
    limit = ngx_max(limit, 2 * window);
    limit = ngx_min(limit, 4 * window);
    limit = ngx_min(limit, most);

    return ngx_max(limit, s->conn->conf->send_buffer);
}


ngx_int_t
quic_stream_write(quic_stream_t *s, const u_char *data, size_t len)
{
    if (!quic_stream_takes(s)
        || quic_send_buf_append(&s->out, data, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->conn->streams.buffered += len;

    quic_stream_schedule(s);

    return NGX_OK;
}


u_char *
quic_stream_reserve(quic_stream_t *s, size_t want, size_t *len)
{
    if (!quic_stream_takes(s)) {
        return NULL;
    }

    return quic_send_buf_reserve(&s->out, want, len);
}


void
quic_stream_commit(quic_stream_t *s, size_t len)
{
    quic_send_buf_commit(&s->out, len);

    s->conn->streams.buffered += len;

    quic_stream_schedule(s);
}


void
quic_stream_finish(quic_stream_t *s)
{
    if (quic_stream_takes(s)) {
        quic_send_buf_finish(&s->out);
        quic_stream_schedule(s);
    }
}


void
quic_stream_finish_reset(quic_stream_t *s, uint64_t error)
{
    if (!quic_stream_takes(s)) {
        return;
    }

    s->ends_in_reset = 1;
    s->reset_error = error;

    if (quic_send_buf_held(&s->out) == 0) {
        quic_stream_reset(s, error);
    }
}


void
quic_stream_reset(quic_stream_t *s, uint64_t error)
{
    quic_conn_t  *c;

    c = s->conn;

    if (s->send_state != QUIC_SEND_OPEN) {
        return;
    }

    s->send_state = QUIC_SEND_RESET;
    s->reset_error = error;

    c->streams.buffered -= quic_send_buf_held(&s->out);

    quic_send_buf_done(&s->out);
    quic_send_buf_init(&s->out, c->mem);
    quic_stream_schedule(s);

    /* RFC 9000, 3.3: nothing but the reset from now on */

    s->pending &= ~QUIC_STREAM_PEND_BLOCKED;
    quic_stream_pend(s, QUIC_STREAM_PEND_RESET);
}


/* RFC 9000, 3.5: STOP_SENDING is answered with RESET_STREAM, its code copied */

void
quic_stream_receive_stop(quic_stream_t *s, uint64_t error)
{
    if (s->send_state != QUIC_SEND_OPEN) {
        return;
    }

    quic_stream_reset(s, error);

    if (!s->released) {
        s->conn->app_ops->stream_stopped(s->conn->app, s, error);
    }
}


void
quic_stream_raise(quic_stream_t *s, uint64_t max)
{
    if (quic_flow_raise(&s->flow_out, max)) {
        s->pending &= ~QUIC_STREAM_PEND_BLOCKED;
        quic_stream_schedule(s);
    }
}


uint64_t
quic_stream_limit(quic_stream_t *s)
{
    return ngx_min(s->flow_out.max,
                   s->flow_out.sent + quic_flow_credit(&s->conn->flow_out));
}


/* puts the stream where it belongs: the scheduler, the blocked, or nowhere */

void
quic_stream_schedule(quic_stream_t *s)
{
    quic_conn_t  *c;

    c = s->conn;

    if (s->blocked) {
        ngx_queue_remove(&s->ready);
        s->blocked = 0;
    }

    if (s->send_state == QUIC_SEND_OPEN
        && quic_send_buf_pending(&s->out, quic_stream_limit(s)))
    {
        quic_sched_add(&c->streams.sched, s);
        quic_conn_wake(c);
        return;
    }

    quic_sched_remove(s);

    if (s->out.sent == s->out.end) {
        return;
    }

    if (s->flow_out.max == s->flow_out.sent) {
        if (quic_flow_blocked(&s->flow_out)) {
            quic_stream_pend(s, QUIC_STREAM_PEND_BLOCKED);
        }

        return;
    }

    ngx_queue_insert_tail(&c->streams.blocked, &s->ready);
    s->blocked = 1;

    if (quic_flow_blocked(&c->flow_out)) {
        c->pending |= QUIC_PEND_DATA_BLOCKED;
        quic_conn_wake(c);
    }
}


void
quic_streams_unblock(quic_conn_t *c)
{
    ngx_queue_t    *q;
    quic_stream_t  *s;

    while (!ngx_queue_empty(&c->streams.blocked)
           && quic_flow_credit(&c->flow_out))
    {
        q = ngx_queue_head(&c->streams.blocked);
        s = ngx_queue_data(q, quic_stream_t, ready);
        quic_stream_schedule(s);
    }
}


void
quic_stream_acked(quic_stream_t *s)
{
    size_t        room;
    quic_conn_t  *c;

    c = s->conn;

    if (s->send_state == QUIC_SEND_OPEN && quic_send_buf_complete(&s->out)) {
        s->send_state = QUIC_SEND_ACKED;
    }

    if (s->ends_in_reset && quic_send_buf_held(&s->out) == 0) {
        quic_stream_reset(s, s->reset_error);
    }

    if (s->send_state != QUIC_SEND_OPEN) {
        quic_stream_check_done(s);
        return;
    }

    if (s->want_write) {
        room = quic_stream_room(s);

        if (room >= ngx_min(QUIC_STREAM_WAKE_ROOM,
                            quic_stream_buffer_limit(s) / 4))
        {
            s->want_write = 0;
            c->app_ops->stream_writable(c->app, s);
        }
    }
}


void
quic_stream_pend(quic_stream_t *s, ngx_uint_t pending)
{
    s->pending |= pending;

    if (!s->in_control) {
        ngx_queue_insert_tail(&s->conn->streams.control, &s->control);
        s->in_control = 1;
    }

    quic_conn_wake(s->conn);
}


void
quic_stream_priority(quic_stream_t *s, ngx_uint_t urgency,
    ngx_uint_t incremental)
{
    ngx_uint_t  scheduled;

    scheduled = s->scheduled;

    quic_sched_remove(s);

    s->urgency = (u_char) ngx_min(urgency, QUIC_URGENCIES - 1);
    s->incremental = incremental ? 1 : 0;

    if (scheduled) {
        quic_sched_add(&s->conn->streams.sched, s);
    }
}


void
quic_stream_release(quic_stream_t *s, uint64_t error)
{
    s->released = 1;
    s->app = NULL;
    s->want_write = 0;

    quic_stream_stop(s, error);

    if (quic_stream_takes(s)) {
        quic_stream_reset(s, error);
    }

    quic_stream_check_done(s);
}


static void
quic_stream_check_done(quic_stream_t *s)
{
    if (s->done || !s->released
        || s->recv_state < QUIC_RECV_READ
        || (s->send_state != QUIC_SEND_ACKED
            && s->send_state != QUIC_SEND_RESET_ACKED))
    {
        return;
    }

    quic_sched_remove(s);

    if (s->blocked) {
        ngx_queue_remove(&s->ready);
        s->blocked = 0;
    }

    ngx_queue_insert_tail(&s->conn->streams.done, &s->ready);
    s->done = 1;

    quic_conn_wake(s->conn);
}
