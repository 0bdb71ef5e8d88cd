
/*
 * The connection: what the transport calls, our three streams, GOAWAY.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "h3/h3_conn.h"
#include "h3/h3_request.h"
#include "h3/h3_uni.h"


/* a SETTINGS frame of ours, with its stream's type in front */

#define H3_MAX_SETTINGS_LEN  96

/* no request has a higher ID: the first GOAWAY's, which refuses none */
#define H3_MAX_REQUEST_ID  (((uint64_t) 1 << 62) - 4)


static void h3_conn_established(void *app);
static void h3_conn_stream_opened(void *app, quic_stream_t *s);
static void h3_conn_stream_readable(void *app, quic_stream_t *s);
static void h3_conn_stream_writable(void *app, quic_stream_t *s);
static void h3_conn_stream_reset(void *app, quic_stream_t *s, uint64_t error);
static void h3_conn_stream_stopped(void *app, quic_stream_t *s,
    uint64_t error);
static void h3_conn_closed(void *app);
static void h3_conn_drained(void *app);

static quic_stream_t *h3_conn_open(h3_conn_t *hc, ngx_uint_t type);
static size_t h3_conn_write_settings(const h3_conf_t *conf, u_char *buf,
    size_t size, uint64_t grease);
static void h3_conn_send_settings(h3_conn_t *hc);
static void h3_conn_give_notice(h3_conn_t *hc);
static void h3_conn_send_goaway(h3_conn_t *hc, uint64_t id);
static void h3_conn_notice_acked(h3_conn_t *hc);
static void h3_conn_free(h3_conn_t *hc);


static const quic_app_ops_t  h3_conn_app_ops = {
    h3_conn_established,
    h3_conn_stream_opened,
    h3_conn_stream_readable,
    h3_conn_stream_writable,
    h3_conn_stream_reset,
    h3_conn_stream_stopped,
    h3_conn_closed,
    h3_conn_drained
};


h3_conn_t *
h3_conn_create(quic_conn_t *qc, quic_mem_t *mem, const h3_conf_t *conf,
    const h3_ops_t *ops, void *data)
{
    h3_conn_t  *hc;

    hc = quic_calloc(mem, sizeof(h3_conn_t));
    if (hc == NULL) {
        return NULL;
    }

    hc->qc = qc;
    hc->mem = mem;
    hc->conf = *conf;
    hc->ops = ops;
    hc->data = data;
    hc->goaway = UINT64_MAX;
    hc->peer_goaway = UINT64_MAX;

    ngx_queue_init(&hc->requests);
    ngx_queue_init(&hc->blocked);
    ngx_queue_init(&hc->uni);
    h3_settings_init(&hc->peer);

    if (h3_qpack_init(&hc->qpack, mem, conf) != NGX_OK) {
        h3_conn_free(hc);
        return NULL;
    }

    quic_conn_set_app(qc, &h3_conn_app_ops, hc);

    return hc;
}


static void
h3_conn_free(h3_conn_t *hc)
{
    h3_qpack_done(&hc->qpack);
    quic_free(hc->mem, hc, sizeof(h3_conn_t));
}


void
h3_conn_enter(h3_conn_t *hc)
{
    hc->busy++;
}


void
h3_conn_leave(h3_conn_t *hc)
{
    hc->busy--;

    if (hc->busy) {
        return;
    }

    if (hc->closed) {
        h3_conn_free(hc);
        return;
    }

    h3_conn_flush_decoder(hc);
}


void
h3_conn_error(h3_conn_t *hc, uint64_t error, const char *reason)
{
    if (h3_conn_over(hc)) {
        return;
    }

    hc->failed = 1;

    quic_conn_close_app(hc->qc, error, reason);
}


ngx_int_t
h3_conn_useless(h3_conn_t *hc)
{
    hc->useless++;

    if (hc->useless > H3_MAX_USELESS
                      + hc->nrequests * H3_MAX_USELESS_PER_REQUEST)
    {
        h3_conn_error(hc, H3_EXCESSIVE_LOAD,
                      "too many frames or streams without a meaning");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
h3_conn_cancelled(h3_conn_t *hc)
{
    hc->ncancelled++;

    if (hc->ncancelled > H3_MAX_CANCELLED
                         + hc->nserved * H3_MAX_CANCELLED_PER_SERVED)
    {
        h3_conn_error(hc, H3_EXCESSIVE_LOAD, "too many cancelled requests");
    }
}


/*
 * RFC 9114, 6.2: every client must allow three streams, so one that doesn't is
 * at fault.  All are opened at once, while there is room in the first flight.
 */

static void
h3_conn_established(void *app)
{
    h3_conn_t  *hc = app;

    h3_conn_enter(hc);

    hc->control = h3_conn_open(hc, H3_STREAM_CONTROL);
    hc->encoder = h3_conn_open(hc, H3_STREAM_QPACK_ENCODER);
    hc->decoder = h3_conn_open(hc, H3_STREAM_QPACK_DECODER);

    if (hc->control && hc->encoder && hc->decoder) {
        h3_conn_send_settings(hc);
        h3_conn_set_peer(hc);

        if (hc->leaving) {
            h3_conn_give_notice(hc);
        }

    } else {
        h3_conn_error(hc, H3_GENERAL_PROTOCOL_ERROR,
                      "three unidirectional streams are needed");
    }

    h3_conn_leave(hc);
}


static quic_stream_t *
h3_conn_open(h3_conn_t *hc, ngx_uint_t type)
{
    u_char          buf[QUIC_VARINT_MAX_LEN], *p;
    quic_stream_t  *s;

    s = quic_stream_open_uni(hc->qc, NULL);
    if (s == NULL) {
        return NULL;
    }

    p = quic_varint_write(buf, type);

    return quic_stream_write(s, buf, p - buf) == NGX_OK ? s : NULL;
}


size_t
h3_conf_settings(const h3_conf_t *conf, u_char *buf, size_t size)
{
    return h3_conn_write_settings(conf, buf, size, 0);
}


static size_t
h3_conn_write_settings(const h3_conf_t *conf, u_char *buf, size_t size,
    uint64_t grease)
{
    h3_settings_t  s;

    h3_settings_init(&s);

    s.qpack_max_table_capacity = conf->max_table_capacity;
    s.qpack_blocked_streams = conf->max_blocked_streams;
    s.max_field_section_size = conf->max_field_section;
    s.enable_connect_protocol = conf->connect_protocol ? 1 : 0;

    return h3_settings_write(&s, buf, size, grease);
}


static void
h3_conn_send_settings(h3_conn_t *hc)
{
    u_char  buf[H3_MAX_SETTINGS_LEN];
    size_t  len;

    len = h3_conn_write_settings(&hc->conf, buf, sizeof(buf),
                                 quic_random_u64());

    if (quic_stream_write(hc->control, buf, len) != NGX_OK) {
        h3_conn_error(hc, H3_INTERNAL_ERROR, "can't send SETTINGS");
        return;
    }

    /* what the client waits for first of all */
    quic_stream_priority(hc->control, 0, 1);
    quic_stream_priority(hc->encoder, 0, 1);
    quic_stream_priority(hc->decoder, 0, 1);
}


/* both are needed: what the client allows, and the stream to use it */

void
h3_conn_set_peer(h3_conn_t *hc)
{
    if (hc->settings && hc->encoder) {
        h3_qpack_set_peer(&hc->qpack, hc->peer.qpack_max_table_capacity,
                          hc->peer.qpack_blocked_streams);
    }
}


void
h3_conn_flush_decoder(h3_conn_t *hc)
{
    u_char  buf[H3_QPACK_MAX_INSTRUCTIONS];
    size_t  len;

    if (hc->decoder == NULL || h3_conn_over(hc)) {
        return;
    }

    len = h3_qpack_write_decoder(&hc->qpack, buf);

    if (len == 0) {
        return;
    }

    if (quic_stream_write(hc->decoder, buf, len) != NGX_OK) {
        h3_conn_error(hc, H3_INTERNAL_ERROR, "can't send to QPACK's encoder");
        return;
    }

    if (quic_send_buf_held(&hc->decoder->out) > H3_MAX_UNSENT_ANSWERS) {
        h3_conn_error(hc, H3_EXCESSIVE_LOAD,
                      "QPACK decoder stream isn't being read");
    }
}


/*
 * Going on with one request may end in the freeing of any other, which leaves
 * the queue it stands in: so those that are ready are moved to a queue of
 * their own first, and taken from its head.
 */

void
h3_conn_unblock(h3_conn_t *hc)
{
    ngx_queue_t   *q, *next, ready;
    h3_request_t  *hr;

    ngx_queue_init(&ready);

    for (q = ngx_queue_head(&hc->blocked);
         q != ngx_queue_sentinel(&hc->blocked);
         q = next)
    {
        next = ngx_queue_next(q);
        hr = ngx_queue_data(q, h3_request_t, blocked_queue);

        if (h3_section_ready(&hr->section, &hc->qpack)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&ready, q);
        }
    }

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        hr = ngx_queue_data(q, h3_request_t, blocked_queue);

        h3_request_unblocked(hr);
    }
}


static void
h3_conn_stream_opened(void *app, quic_stream_t *s)
{
    h3_conn_t  *hc = app;

    h3_conn_enter(hc);

    s->app = NULL;

    if (h3_conn_over(hc)) {
        /* void */

    } else if (s->id & QUIC_STREAM_UNI) {
        h3_uni_opened(hc, s);

    } else {
        h3_request_opened(hc, s);
    }

    h3_conn_leave(hc);
}


static void
h3_conn_stream_readable(void *app, quic_stream_t *s)
{
    h3_conn_t  *hc = app;

    if (h3_conn_over(hc) || s->app == NULL) {
        return;
    }

    h3_conn_enter(hc);

    if (s->id & QUIC_STREAM_UNI) {
        h3_uni_readable(hc, s);

    } else {
        h3_request_readable(s->app);
    }

    h3_conn_leave(hc);
}


static void
h3_conn_stream_writable(void *app, quic_stream_t *s)
{
    h3_conn_t  *hc = app;

    if (h3_conn_over(hc)) {
        return;
    }

    h3_conn_enter(hc);

    if (s == hc->control) {
        h3_conn_notice_acked(hc);

    } else if (s->app) {
        h3_request_writable(s->app);
    }

    h3_conn_leave(hc);
}


static void
h3_conn_stream_reset(void *app, quic_stream_t *s, uint64_t error)
{
    h3_conn_t  *hc = app;

    if (h3_conn_over(hc) || s->app == NULL) {
        return;
    }

    h3_conn_enter(hc);

    if (s->id & QUIC_STREAM_UNI) {
        h3_uni_reset(hc, s);

    } else {
        h3_request_reset(s->app);
    }

    h3_conn_leave(hc);
}


static void
h3_conn_stream_stopped(void *app, quic_stream_t *s, uint64_t error)
{
    h3_conn_t  *hc = app;

    if (h3_conn_over(hc)) {
        return;
    }

    h3_conn_enter(hc);

    if (s->id & QUIC_STREAM_UNI) {

        /* ours: RFC 9114, 6.2.1; RFC 9204, 4.2 */

        h3_conn_error(hc, H3_CLOSED_CRITICAL_STREAM,
                      "client stopped a critical stream");

    } else if (s->app) {
        h3_request_stopped(s->app);
    }

    h3_conn_leave(hc);
}


/*
 * Requests that the upper floor knows stay, detached, until it frees them:
 * gone() may free this one or others, so the next is always the first.
 */

static void
h3_conn_closed(void *app)
{
    h3_conn_t    *hc = app;
    ngx_queue_t  *q;

    h3_conn_enter(hc);

    hc->closed = 1;

    while (!ngx_queue_empty(&hc->requests)) {
        q = ngx_queue_head(&hc->requests);
        h3_request_detach(ngx_queue_data(q, h3_request_t, queue));
    }

    h3_uni_free_all(hc);

    hc->ops->closed(hc->data);

    h3_conn_leave(hc);
}


/* the last response has been acknowledged */

static void
h3_conn_drained(void *app)
{
    h3_conn_t  *hc = app;

    h3_conn_enter(hc);
    h3_conn_check(hc);
    h3_conn_leave(hc);
}


/*
 * RFC 9114, 5.2: the first GOAWAY says only that the end is near, as requests
 * may be on their way.  Once it is acknowledged, so long as nothing is lost,
 * they are all here, and the second has the ID of the first request that isn't
 * processed.
 */

void
h3_conn_goaway(h3_conn_t *hc)
{
    if (hc->leaving || h3_conn_over(hc)) {
        return;
    }

    hc->leaving = 1;

    if (hc->control) {
        h3_conn_give_notice(hc);
    }
}


static void
h3_conn_give_notice(h3_conn_t *hc)
{
    h3_conn_send_goaway(hc, H3_MAX_REQUEST_ID);

    /* so that its acknowledgement is heard of */
    hc->control->want_write = 1;
}


static void
h3_conn_notice_acked(h3_conn_t *hc)
{
    if (quic_send_buf_held(&hc->control->out)) {
        hc->control->want_write = 1;
        return;
    }

    h3_conn_goaway_final(hc);
}


void
h3_conn_goaway_final(h3_conn_t *hc)
{
    if (hc->goaway != H3_MAX_REQUEST_ID || h3_conn_over(hc)) {
        return;
    }

    h3_conn_send_goaway(hc, hc->next_id);
    h3_conn_check(hc);
}


static void
h3_conn_send_goaway(h3_conn_t *hc, uint64_t id)
{
    u_char  buf[H3_FRAME_MAX_HEADER + QUIC_VARINT_MAX_LEN], *p;

    p = h3_frame_write_header(buf, H3_FRAME_GOAWAY, quic_varint_len(id));
    p = quic_varint_write(p, id);

    hc->goaway = id;

    if (quic_stream_write(hc->control, buf, p - buf) != NGX_OK) {
        h3_conn_error(hc, H3_INTERNAL_ERROR, "can't send GOAWAY");
    }
}


/*
 * A connection that is left while the end of a response is on its way would
 * tell the client less than it may rely on: RFC 9114, 5.2.  The last GOAWAY has
 * the time for which we linger to get there.
 */

void
h3_conn_check(h3_conn_t *hc)
{
    if (hc->goaway >= H3_MAX_REQUEST_ID || h3_conn_over(hc)) {
        return;
    }

    if (hc->nactive == 0 && quic_conn_streams(hc->qc) == 0) {
        quic_conn_linger(hc->qc, H3_NO_ERROR,
                         "all requests have been answered");
    }
}


uint64_t
h3_conn_expire(h3_conn_t *hc, uint64_t now, uint64_t timeout)
{
    uint64_t       wait;
    ngx_queue_t   *q, *next;
    h3_request_t  *hr;

    wait = UINT64_MAX;

    h3_conn_enter(hc);

    for (q = ngx_queue_head(&hc->requests);
         q != ngx_queue_sentinel(&hc->requests) && !h3_conn_over(hc);
         q = next)
    {
        next = ngx_queue_next(q);
        hr = ngx_queue_data(q, h3_request_t, queue);

        if (hr->req) {
            continue;
        }

        if (now - hr->opened < timeout) {

            /* they stand in the order in which they were opened */
            wait = timeout - (now - hr->opened);
            break;
        }

        h3_request_expire(hr);
    }

    h3_conn_check(hc);
    h3_conn_leave(hc);

    return wait;
}


uint64_t
h3_conn_progress(h3_conn_t *hc)
{
    return hc->received + quic_conn_acked(hc->qc);
}


ngx_uint_t
h3_conn_active(h3_conn_t *hc)
{
    return hc->nactive;
}


ngx_uint_t
h3_conn_requests(h3_conn_t *hc)
{
    return hc->nrequests;
}


uint64_t
h3_conn_peer_max_field_section(h3_conn_t *hc)
{
    return hc->peer.max_field_section_size;
}
