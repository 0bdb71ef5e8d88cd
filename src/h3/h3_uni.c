
/*
 * h3_uni_types[] says what each type of stream is read by, h3_control_frames[]
 * the same of frames on the control stream.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"
#include "h3/h3_uni.h"
#include "h3/h3_urgency.h"


typedef struct h3_uni_s  h3_uni_t;


typedef struct {
    uint64_t         type;
    h3_critical_e    critical;
    const char      *repeated;

    /* uses all bytes: NGX_OK, or NGX_ERROR: the connection has failed */
    ngx_int_t      (*read)(h3_conn_t *hc, h3_uni_t *u, u_char *data,
                           size_t len);
} h3_uni_type_t;


typedef struct {
    uint64_t         type;
    size_t           max;        /* bytes of payload */
    ngx_int_t      (*handler)(h3_conn_t *hc, u_char *payload, size_t len);
} h3_control_frame_t;


struct h3_uni_s {
    quic_stream_t             *stream;
    ngx_queue_t                queue;    /* in hc->uni */
    const h3_uni_type_t       *type;     /* NULL: not known yet */
    u_char                     buf[QUIC_VARINT_MAX_LEN];
    size_t                     have;     /* bytes of the type in buf */

    /* the control stream */
    h3_frame_reader_t          frame;
    const h3_control_frame_t  *row;      /* of the frame; NULL: it's skipped */
    u_char                    *payload;  /* of a frame that came in pieces */
};


static ngx_int_t h3_uni_read(h3_conn_t *hc, h3_uni_t *u, ngx_str_t *span);
static ngx_int_t h3_uni_read_type(h3_conn_t *hc, h3_uni_t *u,
    ngx_str_t *span);
static ngx_int_t h3_uni_set_type(h3_conn_t *hc, h3_uni_t *u, uint64_t type);
static void h3_uni_end(h3_conn_t *hc, h3_uni_t *u);
static void h3_uni_release(h3_conn_t *hc, h3_uni_t *u);
static void h3_uni_free(h3_conn_t *hc, h3_uni_t *u);

static ngx_int_t h3_uni_read_control(h3_conn_t *hc, h3_uni_t *u,
    u_char *data, size_t len);
static ngx_int_t h3_uni_read_encoder(h3_conn_t *hc, h3_uni_t *u,
    u_char *data, size_t len);
static ngx_int_t h3_uni_read_decoder(h3_conn_t *hc, h3_uni_t *u,
    u_char *data, size_t len);

static ngx_int_t h3_control_begin(h3_conn_t *hc, h3_uni_t *u);
static const h3_control_frame_t *h3_control_row(uint64_t type);
static ngx_int_t h3_control_payload(h3_conn_t *hc, h3_uni_t *u, u_char *data,
    size_t len);
static ngx_int_t h3_control_gather(h3_conn_t *hc, h3_uni_t *u, u_char *data,
    size_t len);
static ngx_int_t h3_control_settings(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_goaway(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_max_push_id(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_cancel_push(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_priority(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_push_priority(h3_conn_t *hc, u_char *payload,
    size_t len);
static ngx_int_t h3_control_id(h3_conn_t *hc, u_char *payload, size_t len,
    uint64_t *id);


static const h3_uni_type_t  h3_uni_types[] = {
    { H3_STREAM_CONTROL, H3_CRITICAL_CONTROL,
      "second control stream", h3_uni_read_control },
    { H3_STREAM_QPACK_ENCODER, H3_CRITICAL_ENCODER,
      "second QPACK encoder stream", h3_uni_read_encoder },
    { H3_STREAM_QPACK_DECODER, H3_CRITICAL_DECODER,
      "second QPACK decoder stream", h3_uni_read_decoder }
};


/* a frame with one ID: that fits in no more */

#define H3_CONTROL_MAX_ID  QUIC_VARINT_MAX_LEN


static const h3_control_frame_t  h3_control_frames[] = {
    { H3_FRAME_SETTINGS, H3_MAX_CONTROL_PAYLOAD, h3_control_settings },
    { H3_FRAME_GOAWAY, H3_CONTROL_MAX_ID, h3_control_goaway },
    { H3_FRAME_MAX_PUSH_ID, H3_CONTROL_MAX_ID, h3_control_max_push_id },
    { H3_FRAME_CANCEL_PUSH, H3_CONTROL_MAX_ID, h3_control_cancel_push },
    { H3_FRAME_PRIORITY_UPDATE_REQUEST, H3_MAX_CONTROL_PAYLOAD,
      h3_control_priority },
    { H3_FRAME_PRIORITY_UPDATE_PUSH, H3_MAX_CONTROL_PAYLOAD,
      h3_control_push_priority }
};


void
h3_uni_opened(h3_conn_t *hc, quic_stream_t *s)
{
    h3_uni_t  *u;

    u = quic_calloc(hc->mem, sizeof(h3_uni_t));

    s->app = u;

    if (u == NULL) {
        h3_conn_error(hc, H3_INTERNAL_ERROR, "no memory for a stream");
        return;
    }

    u->stream = s;
    ngx_queue_insert_tail(&hc->uni, &u->queue);
}


void
h3_uni_readable(h3_conn_t *hc, quic_stream_t *s)
{
    size_t       len;
    h3_uni_t    *u;
    ngx_str_t    span;
    ngx_uint_t   fin;

    u = s->app;

    do {
        quic_stream_peek(s, &span, &fin);

        len = span.len;

        if (len == 0) {
            break;
        }

        if (h3_uni_read(hc, u, &span) != NGX_OK) {
            return;
        }

        quic_stream_consume(s, span.len);

        /* the end isn't shown again behind the last bytes */

    } while (!fin || span.len < len);

    if (fin) {
        h3_uni_end(hc, u);
    }

    if (!h3_conn_over(hc)) {
        h3_conn_unblock(hc);
    }
}


/*
 * Uses what it can of the span, and says in span->len how much that was.
 * NGX_OK, or NGX_ERROR: the stream isn't read any more.
 */

static ngx_int_t
h3_uni_read(h3_conn_t *hc, h3_uni_t *u, ngx_str_t *span)
{
    if (u->type == NULL) {
        return h3_uni_read_type(hc, u, span);
    }

    return u->type->read(hc, u, span->data, span->len);
}


static ngx_int_t
h3_uni_read_type(h3_conn_t *hc, h3_uni_t *u, ngx_str_t *span)
{
    size_t    n, had;
    uint64_t  type;

    had = u->have;

    n = ngx_min(span->len, sizeof(u->buf) - had);
    ngx_memcpy(u->buf + had, span->data, n);
    u->have += n;

    n = quic_varint_read(u->buf, u->buf + u->have, &type);

    if (n == 0) {
        return NGX_OK;
    }

    span->len = n - had;

    return h3_uni_set_type(hc, u, type);
}


static ngx_int_t
h3_uni_set_type(h3_conn_t *hc, h3_uni_t *u, uint64_t type)
{
    ngx_uint_t            i;
    const h3_uni_type_t  *row;

    for (i = 0; i < sizeof(h3_uni_types) / sizeof(h3_uni_types[0]); i++) {
        row = &h3_uni_types[i];

        if (row->type != type) {
            continue;
        }

        if (hc->critical[row->critical]) {
            h3_conn_error(hc, H3_STREAM_CREATION_ERROR, row->repeated);
            return NGX_ERROR;
        }

        hc->critical[row->critical] = 1;
        u->type = row;

        return NGX_OK;
    }

    if (type == H3_STREAM_PUSH) {
        h3_conn_error(hc, H3_STREAM_CREATION_ERROR, "push stream of a client");
        return NGX_ERROR;
    }

    /* unknown or reserved: RFC 9114, 6.2 and 6.2.3 */

    if (h3_conn_useless(hc) == NGX_OK) {
        h3_uni_release(hc, u);
    }

    return NGX_ERROR;
}


static void
h3_uni_end(h3_conn_t *hc, h3_uni_t *u)
{
    if (u->type) {
        h3_conn_error(hc, H3_CLOSED_CRITICAL_STREAM,
                      "client ended a critical stream");
        return;
    }

    /* without a type it may end: RFC 9114, 6.2 */

    if (h3_conn_useless(hc) == NGX_OK) {
        h3_uni_release(hc, u);
    }
}


void
h3_uni_reset(h3_conn_t *hc, quic_stream_t *s)
{
    h3_uni_end(hc, s->app);
}


static void
h3_uni_release(h3_conn_t *hc, h3_uni_t *u)
{
    quic_stream_t  *s;

    s = u->stream;
    s->app = NULL;

    quic_stream_release(s, H3_STREAM_CREATION_ERROR);
    h3_uni_free(hc, u);
}


static void
h3_uni_free(h3_conn_t *hc, h3_uni_t *u)
{
    ngx_queue_remove(&u->queue);

    quic_free(hc->mem, u->payload, H3_MAX_CONTROL_PAYLOAD);
    quic_free(hc->mem, u, sizeof(h3_uni_t));
}


void
h3_uni_free_all(h3_conn_t *hc)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&hc->uni)) {
        q = ngx_queue_head(&hc->uni);
        h3_uni_free(hc, ngx_queue_data(q, h3_uni_t, queue));
    }
}


static ngx_int_t
h3_uni_read_encoder(h3_conn_t *hc, h3_uni_t *u, u_char *data, size_t len)
{
    if (h3_qpack_read_encoder(&hc->qpack, data, len) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "invalid encoder instruction");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
h3_uni_read_decoder(h3_conn_t *hc, h3_uni_t *u, u_char *data, size_t len)
{
    if (h3_qpack_read_decoder(&hc->qpack, data, len) != NGX_OK) {
        h3_conn_error(hc, hc->qpack.error, "invalid decoder instruction");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
h3_uni_read_control(h3_conn_t *hc, h3_uni_t *u, u_char *data, size_t len)
{
    size_t              n;
    u_char             *pos, *end;
    h3_frame_reader_t  *fr;

    fr = &u->frame;
    pos = data;
    end = data + len;

    for ( ;; ) {

        if (!fr->in_payload) {

            if (h3_frame_read_header(fr, &pos, end) != NGX_OK) {
                return NGX_OK;
            }

            if (h3_control_begin(hc, u) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        n = ngx_min((uint64_t) (end - pos), fr->left);

        if (n == 0 && fr->left) {
            return NGX_OK;
        }

        if (u->row && h3_control_payload(hc, u, pos, n) != NGX_OK) {
            return NGX_ERROR;
        }

        h3_frame_read_payload(fr, n);
        pos += n;
    }
}


/* the type and the length of a frame are known */

static ngx_int_t
h3_control_begin(h3_conn_t *hc, h3_uni_t *u)
{
    ngx_uint_t  flags;

    flags = h3_frame_flags(u->frame.type);

    if (!hc->settings && !(flags & H3_FRAME_FIRST_ON_CONTROL)) {
        h3_conn_error(hc, H3_MISSING_SETTINGS,
                      "SETTINGS isn't the first frame");
        return NGX_ERROR;
    }

    if (!(flags & H3_FRAME_ON_CONTROL)
        || (hc->settings && (flags & H3_FRAME_FIRST_ON_CONTROL)))
    {
        h3_conn_error(hc, H3_FRAME_UNEXPECTED,
                      "unexpected frame on the control stream");
        return NGX_ERROR;
    }

    if (hc->settings && h3_conn_useless(hc) != NGX_OK) {
        return NGX_ERROR;
    }

    u->row = h3_control_row(u->frame.type);

    if (u->row && u->frame.left > u->row->max) {
        h3_conn_error(hc, u->row->max == H3_CONTROL_MAX_ID
                          ? H3_FRAME_ERROR : H3_EXCESSIVE_LOAD,
                      "frame on the control stream is too long");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const h3_control_frame_t *
h3_control_row(uint64_t type)
{
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(h3_control_frames) / sizeof(h3_control_frames[0]);
         i++)
    {
        if (h3_control_frames[i].type == type) {
            return &h3_control_frames[i];
        }
    }

    return NULL;
}


/* handles a payload in place when all of it is there */

static ngx_int_t
h3_control_payload(h3_conn_t *hc, h3_uni_t *u, u_char *data, size_t len)
{
    ngx_int_t  rc;

    if (len == u->frame.length) {
        return u->row->handler(hc, data, len);
    }

    if (h3_control_gather(hc, u, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (len < u->frame.left) {
        return NGX_OK;
    }

    rc = u->row->handler(hc, u->payload, u->frame.length);

    quic_free(hc->mem, u->payload, H3_MAX_CONTROL_PAYLOAD);
    u->payload = NULL;

    return rc;
}


static ngx_int_t
h3_control_gather(h3_conn_t *hc, h3_uni_t *u, u_char *data, size_t len)
{
    if (u->payload == NULL) {
        u->payload = quic_alloc(hc->mem, H3_MAX_CONTROL_PAYLOAD);

        if (u->payload == NULL) {
            h3_conn_error(hc, H3_INTERNAL_ERROR, "no memory for a frame");
            return NGX_ERROR;
        }
    }

    ngx_memcpy(u->payload + (u->frame.length - u->frame.left), data, len);

    return NGX_OK;
}


static ngx_int_t
h3_control_settings(h3_conn_t *hc, u_char *payload, size_t len)
{
    uint64_t     error;
    const char  *reason;

    if (h3_settings_parse(&hc->peer, payload, len, &error, &reason)
        != NGX_OK)
    {
        h3_conn_error(hc, error, reason);
        return NGX_ERROR;
    }

    hc->settings = 1;
    h3_conn_set_peer(hc);

    return NGX_OK;
}


/* RFC 9114, 7.1: the ID and nothing else */

static ngx_int_t
h3_control_id(h3_conn_t *hc, u_char *payload, size_t len, uint64_t *id)
{
    size_t  n;

    n = quic_varint_read(payload, payload + len, id);

    if (n == 0 || n != len) {
        h3_conn_error(hc, H3_FRAME_ERROR,
                      "malformed frame on the control stream");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a client's GOAWAY is about pushes, of which there are none */

static ngx_int_t
h3_control_goaway(h3_conn_t *hc, u_char *payload, size_t len)
{
    uint64_t  id;

    if (h3_control_id(hc, payload, len, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (id > hc->peer_goaway) {
        h3_conn_error(hc, H3_ID_ERROR, "GOAWAY with a larger ID");
        return NGX_ERROR;
    }

    hc->peer_goaway = id;

    return NGX_OK;
}


static ngx_int_t
h3_control_max_push_id(h3_conn_t *hc, u_char *payload, size_t len)
{
    uint64_t  id;

    if (h3_control_id(hc, payload, len, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (id + 1 < hc->max_push_id) {
        h3_conn_error(hc, H3_ID_ERROR, "MAX_PUSH_ID with a smaller ID");
        return NGX_ERROR;
    }

    hc->max_push_id = id + 1;

    return NGX_OK;
}


/* RFC 9114, 7.2.3: for a push that was never promised */

static ngx_int_t
h3_control_cancel_push(h3_conn_t *hc, u_char *payload, size_t len)
{
    uint64_t  id;

    if (h3_control_id(hc, payload, len, &id) == NGX_OK) {
        h3_conn_error(hc, H3_ID_ERROR, "CANCEL_PUSH without a push");
    }

    return NGX_ERROR;
}


/* RFC 9218, 7.2: an ID, and a field value that fills the rest */

static ngx_int_t
h3_control_priority(h3_conn_t *hc, u_char *payload, size_t len)
{
    size_t    n;
    uint64_t  id;

    n = quic_varint_read(payload, payload + len, &id);

    if (n == 0) {
        h3_conn_error(hc, H3_FRAME_ERROR, "PRIORITY_UPDATE without an ID");
        return NGX_ERROR;
    }

    return h3_urgency_update(hc, id, payload + n, len - n);
}


static ngx_int_t
h3_control_push_priority(h3_conn_t *hc, u_char *payload, size_t len)
{
    h3_conn_error(hc, H3_ID_ERROR, "PRIORITY_UPDATE without a push");

    return NGX_ERROR;
}
