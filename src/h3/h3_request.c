
/*
 * The life of a request: what befalls its stream, the upper floor's hearing of
 * it, its end.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"
#include "h3/h3_request.h"
#include "h3/h3_urgency.h"


static void h3_request_reject(h3_conn_t *hc, quic_stream_t *s);
static void h3_request_cancelled(h3_request_t *hr);
static void h3_request_gone(h3_request_t *hr);
static void h3_request_destroy(h3_request_t *hr);
static void h3_request_forget(h3_request_t *hr);
static void h3_request_release(h3_request_t *hr);


void
h3_request_opened(h3_conn_t *hc, quic_stream_t *s)
{
    h3_request_t  *hr;

    if (s->id >= hc->goaway) {
        h3_request_reject(hc, s);
        return;
    }

    if (s->id >= hc->next_id) {
        hc->next_id = s->id + 4;
    }

    hr = quic_calloc(hc->mem, sizeof(h3_request_t));

    if (hr == NULL) {
        h3_request_reject(hc, s);
        return;
    }

    hr->hc = hc;
    hr->stream = s;
    hr->mem = hc->mem;
    hr->id = s->id;
    hr->opened = hc->ops->opened(hc->data);
    hr->content_length = -1;
    hr->final = -1;

    s->app = hr;
    ngx_queue_insert_tail(&hc->requests, &hr->queue);

    h3_urgency_opened(hr);
}


/* RFC 9114, 4.1.1: nothing of it has been processed, it may be sent again */

static void
h3_request_reject(h3_conn_t *hc, quic_stream_t *s)
{
    if (h3_qpack_cancel(&hc->qpack, s->id) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "too many rejected streams");
        return;
    }

    quic_stream_release(s, H3_REQUEST_REJECTED);
}


void
h3_request_readable(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = h3_request_enter(hr);
    h3_request_read(hr);
    h3_request_leave(hr, hc);
}


void
h3_request_writable(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = h3_request_enter(hr);

    if (hr->req && !hr->gone && !hr->freed) {
        hc->ops->writable(hr->req);
    }

    h3_request_leave(hr, hc);
}


/*
 * RESET_STREAM.  The response may be wanted nevertheless: a client that wants
 * none sends STOP_SENDING as well (RFC 9114, 4.1.1).
 */

void
h3_request_reset(h3_request_t *hr)
{
    h3_conn_t  *hc;

    if (hr->ended || hr->error) {
        return;
    }

    hc = h3_request_enter(hr);
    h3_request_cancelled(hr);

    if (hr->req == NULL) {
        h3_request_drop(hr, H3_REQUEST_CANCELLED, "reset by the client");

    } else {
        h3_request_fail(hr, H3_REQUEST_CANCELLED, "reset by the client");

        if (hr->headers) {
            hc->ops->readable(hr->req);

        } else {
            h3_request_gone(hr);
        }
    }

    h3_request_leave(hr, hc);
}


void
h3_request_stopped(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = h3_request_enter(hr);
    h3_request_cancelled(hr);

    if (hr->req == NULL) {
        h3_request_drop(hr, H3_REQUEST_CANCELLED, "cancelled by the client");

    } else {
        h3_request_gone(hr);
    }

    h3_request_leave(hr, hc);
}


/* RESET_STREAM and STOP_SENDING are one */

static void
h3_request_cancelled(h3_request_t *hr)
{
    if (!hr->cancelled) {
        hr->cancelled = 1;
        h3_conn_cancelled(hr->hc);
    }
}


void
h3_request_expire(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = h3_request_enter(hr);
    h3_request_drop(hr, H3_REQUEST_CANCELLED, "client timed out");
    h3_request_leave(hr, hc);
}


void
h3_request_unblocked(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = h3_request_enter(hr);
    h3_request_unblock(hr);
    h3_request_read(hr);
    h3_request_leave(hr, hc);
}


ngx_int_t
h3_request_start(h3_request_t *hr)
{
    h3_conn_t  *hc;

    if (hr->req) {
        return NGX_OK;
    }

    hc = hr->hc;

    hr->req = hc->ops->request(hc->data, hr);

    if (hr->req == NULL) {
        return h3_request_drop(hr, H3_REQUEST_REJECTED, "refused");
    }

    hc->nrequests++;

    if (hc->nactive++ == 0) {
        quic_conn_keep_alive(hc->qc, 1);
    }

    return h3_request_halted(hr) ? NGX_ERROR : NGX_OK;
}


ngx_int_t
h3_request_fail(h3_request_t *hr, uint64_t error, const char *reason)
{
    hr->error = error;

    ngx_log_error(NGX_LOG_INFO, quic_conn_log(hr->hc->qc), 0,
                  "http3 stream %uL: %s (%s)", hr->id, reason,
                  quic_error_name(error, 1));

    return NGX_ERROR;
}


ngx_int_t
h3_request_drop(h3_request_t *hr, uint64_t error, const char *reason)
{
    hr->freed = 1;

    return h3_request_fail(hr, error, reason);
}


ngx_uint_t
h3_request_dead(h3_request_t *hr)
{
    return hr->hc == NULL || hr->gone || h3_conn_over(hr->hc);
}


ngx_uint_t
h3_request_halted(h3_request_t *hr)
{
    return hr->error || hr->ignored || hr->freed || h3_request_dead(hr);
}


h3_conn_t *
h3_request_enter(h3_request_t *hr)
{
    hr->busy++;
    h3_conn_enter(hr->hc);

    return hr->hc;
}


void
h3_request_leave(h3_request_t *hr, h3_conn_t *hc)
{
    if (--hr->busy == 0 && hr->freed) {
        h3_request_destroy(hr);
    }

    h3_conn_leave(hc);
}


static void
h3_request_gone(h3_request_t *hr)
{
    if (hr->gone) {
        return;
    }

    hr->gone = 1;
    hr->hc->ops->gone(hr->req);
}


void
h3_request_free(h3_request_t *hr, uint64_t error)
{
    h3_conn_t  *hc;

    hr->freed = 1;

    if (hr->error == 0) {
        hr->error = hr->finished ? H3_NO_ERROR : error;
    }

    if (hr->busy) {
        return;
    }

    hc = hr->hc;

    if (hc == NULL) {
        h3_request_destroy(hr);
        return;
    }

    h3_conn_enter(hc);
    h3_request_destroy(hr);
    h3_conn_check(hc);
    h3_conn_leave(hc);
}


static void
h3_request_destroy(h3_request_t *hr)
{
    if (hr->hc) {
        h3_request_forget(hr);
    }

    quic_free(hr->mem, hr, sizeof(h3_request_t));
}


/* takes the request out of its connection, and lets go of the stream */

static void
h3_request_forget(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = hr->hc;

    h3_request_unblock(hr);
    h3_section_close(&hr->section, &hc->qpack);
    ngx_queue_remove(&hr->queue);

    if (!hr->cancelled) {
        hc->nserved++;
    }

    if (hr->req && --hc->nactive == 0 && !hc->closed) {
        quic_conn_keep_alive(hc->qc, 0);
    }

    if (!hc->closed) {
        h3_request_release(hr);
    }

    hr->hc = NULL;
    hr->stream = NULL;

    /* RFC 9204, 2.2.2.2: what wasn't read may refer to the dynamic table */

    if (!hr->ended && h3_qpack_cancel(&hc->qpack, hr->id) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "too many cancelled streams");
    }
}


/*
 * A response that breaks off by no wish of the client's ends where it broke
 * off: RESET_STREAM would overtake what was sent before it.
 */

static void
h3_request_release(h3_request_t *hr)
{
    hr->stream->app = NULL;

    if (hr->error == H3_INTERNAL_ERROR) {
        quic_stream_finish_reset(hr->stream, hr->error);
    }

    quic_stream_release(hr->stream, hr->error);
}


void
h3_request_detach(h3_request_t *hr)
{
    h3_conn_t  *hc;

    hc = hr->hc;

    hr->busy++;

    h3_request_forget(hr);

    if (hr->req == NULL) {
        hr->freed = 1;

    } else if (!hr->gone) {
        hr->gone = 1;
        hc->ops->gone(hr->req);
    }

    if (--hr->busy == 0 && hr->freed) {
        h3_request_destroy(hr);
    }
}


uint64_t
h3_request_id(h3_request_t *hr)
{
    return hr->id;
}


quic_conn_t *
h3_request_conn(h3_request_t *hr)
{
    return (hr->hc && !hr->gone) ? hr->hc->qc : NULL;
}


off_t
h3_request_received(h3_request_t *hr)
{
    return hr->received;
}
