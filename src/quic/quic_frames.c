
/*
 * What frames do: a table with one handler for each type the client may send.
 *
 * Which frame is allowed in which packet says the table of the wire floor
 * (RFC 9000, table 3); here it is enforced, once.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


typedef struct {
    quic_level_e     level;
    uint64_t         now;
    ngx_uint_t       cost;       /* of the frame: see quic_frame_cost */
} quic_frame_ctx_t;


typedef ngx_int_t (*quic_frame_handler_pt)(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);


static ngx_int_t quic_frames_charge(quic_conn_t *c, quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_check(quic_conn_t *c, quic_frame_t *f,
    quic_level_e level, ngx_uint_t flags);
static ngx_int_t quic_frames_nothing(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_ack(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_crypto(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_stream(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_reset_stream(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_stop_sending(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_max_data(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_max_stream_data(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_max_streams_uni(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_stream_data_blocked(quic_conn_t *c,
    quic_frame_t *f, quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_new_cid(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_retire_cid(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_path_challenge(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_path_response(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_close(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);

static ngx_int_t quic_frames_immediate_ack(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);
static ngx_int_t quic_frames_ack_frequency(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx);

#define QUIC_FRAME_HANDLERS  (QUIC_FT_ACK_FREQUENCY + 1)

static const quic_frame_handler_pt  quic_frame_handler[QUIC_FRAME_HANDLERS] = {
    [QUIC_FT_PADDING]               = quic_frames_nothing,
    [QUIC_FT_PING]                  = quic_frames_nothing,
    [QUIC_FT_ACK]                   = quic_frames_ack,
    [QUIC_FT_ACK_ECN]               = quic_frames_ack,
    [QUIC_FT_RESET_STREAM]          = quic_frames_reset_stream,
    [QUIC_FT_STOP_SENDING]          = quic_frames_stop_sending,
    [QUIC_FT_CRYPTO]                = quic_frames_crypto,
    [QUIC_FT_STREAM]                = quic_frames_stream,
    [QUIC_FT_MAX_DATA]              = quic_frames_max_data,
    [QUIC_FT_MAX_STREAM_DATA]       = quic_frames_max_stream_data,
    /* a server opens no bidirectional streams */
    [QUIC_FT_MAX_STREAMS_BIDI]      = quic_frames_nothing,
    [QUIC_FT_MAX_STREAMS_UNI]       = quic_frames_max_streams_uni,
    /* limits are renewed in time, whether or not a client complains */
    [QUIC_FT_DATA_BLOCKED]          = quic_frames_nothing,
    [QUIC_FT_STREAM_DATA_BLOCKED]   = quic_frames_stream_data_blocked,
    [QUIC_FT_STREAMS_BLOCKED_BIDI]  = quic_frames_nothing,
    [QUIC_FT_STREAMS_BLOCKED_UNI]   = quic_frames_nothing,
    [QUIC_FT_NEW_CONNECTION_ID]     = quic_frames_new_cid,
    [QUIC_FT_RETIRE_CONNECTION_ID]  = quic_frames_retire_cid,
    [QUIC_FT_PATH_CHALLENGE]        = quic_frames_path_challenge,
    [QUIC_FT_PATH_RESPONSE]         = quic_frames_path_response,
    [QUIC_FT_CONNECTION_CLOSE]      = quic_frames_close,
    [QUIC_FT_CONNECTION_CLOSE_APP]  = quic_frames_close,
    [QUIC_FT_IMMEDIATE_ACK]         = quic_frames_immediate_ack,
    [QUIC_FT_ACK_FREQUENCY]         = quic_frames_ack_frequency,
};


/*
 * What a frame takes from c->idle_frames: those that a client can repeat at
 * will.  An ACK that says something new is free, and so is a STREAM frame with
 * something new, which gives one back.
 */

static const u_char  quic_frame_cost[QUIC_FRAME_HANDLERS] = {
    [QUIC_FT_PING]                  = 1,
    [QUIC_FT_ACK]                   = 1,
    [QUIC_FT_ACK_ECN]               = 1,
    [QUIC_FT_RESET_STREAM]          = 1,
    [QUIC_FT_STOP_SENDING]          = 1,
    [QUIC_FT_CRYPTO]                = 1,
    [QUIC_FT_STREAM]                = 1,
    [QUIC_FT_MAX_DATA]              = 1,
    [QUIC_FT_MAX_STREAM_DATA]       = 1,
    [QUIC_FT_MAX_STREAMS_BIDI]      = 1,
    [QUIC_FT_MAX_STREAMS_UNI]       = 1,
    [QUIC_FT_DATA_BLOCKED]          = 1,
    [QUIC_FT_STREAM_DATA_BLOCKED]   = 1,
    [QUIC_FT_STREAMS_BLOCKED_BIDI]  = 1,
    [QUIC_FT_STREAMS_BLOCKED_UNI]   = 1,
    [QUIC_FT_NEW_CONNECTION_ID]     = 1,
    [QUIC_FT_RETIRE_CONNECTION_ID]  = 2,     /* it gets another one */
    [QUIC_FT_PATH_CHALLENGE]        = 2,     /* and an answer */
    [QUIC_FT_PATH_RESPONSE]         = 1,
    [QUIC_FT_IMMEDIATE_ACK]         = 1,
    [QUIC_FT_ACK_FREQUENCY]         = 1,
};


/* QUIC_FRAME_IN_* of a level */

static const ngx_uint_t  quic_frames_in[QUIC_LEVELS] = {
    QUIC_FRAME_IN_INITIAL,
    QUIC_FRAME_IN_0RTT,
    QUIC_FRAME_IN_HANDSHAKE,
    QUIC_FRAME_IN_1RTT
};


ngx_int_t
quic_frames_handle(quic_conn_t *c, quic_level_e level, ngx_str_t *payload,
    ngx_uint_t *flags, uint64_t now)
{
    uint64_t           error;
    ngx_int_t          rc;
    ngx_uint_t         row;
    const char        *reason;
    quic_frame_t       f;
    quic_cursor_t      cursor;
    quic_frame_ctx_t   ctx;

    *flags = QUIC_FRAME_PROBING;

    if (payload->len == 0) {
        /* RFC 9000, 12.4 */
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION, "packet without frames");
        return NGX_ERROR;
    }

    ctx.level = level;
    ctx.now = now;

    quic_cursor_init(&cursor, payload->data, payload->len);

    while (quic_cursor_left(&cursor)) {

        if (quic_frame_parse(&cursor, &f, &error, &reason) != NGX_OK) {
            c->frame_type = f.wire_type;
            quic_conn_close(c, error, reason);
            return NGX_ERROR;
        }

        c->frame_type = f.wire_type;
        row = quic_frame_flags(f.type);

        if (quic_frames_check(c, &f, level, row) != NGX_OK) {
            return NGX_ERROR;
        }

        *flags |= row & QUIC_FRAME_ACK_ELICITING;
        *flags &= row | ~QUIC_FRAME_PROBING;

        ctx.cost = quic_frame_cost[f.type];

        rc = quic_frame_handler[f.type](c, &f, &ctx);

        if (c->state != QUIC_CONN_OPEN
            || quic_frames_charge(c, &ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    c->frame_type = 0;

    return NGX_OK;
}


static ngx_int_t
quic_frames_charge(quic_conn_t *c, quic_frame_ctx_t *ctx)
{
    if (ctx->cost
        && quic_bucket_take(&c->idle_frames, ctx->cost, ctx->now) != NGX_OK)
    {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "too many frames that move nothing forward");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
quic_frames_check(quic_conn_t *c, quic_frame_t *f, quic_level_e level,
    ngx_uint_t flags)
{
    if (flags == 0) {
        quic_conn_close(c, QUIC_FRAME_ENCODING_ERROR, "unknown frame type");
        return NGX_ERROR;
    }

    if (flags & QUIC_FRAME_SERVER_ONLY) {
        /* RFC 9000, 19.7 and 19.20 */
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "frame that only a server may send");
        return NGX_ERROR;
    }

    if ((flags & quic_frames_in[level]) == 0
        || f->type >= QUIC_FRAME_HANDLERS
        || quic_frame_handler[f->type] == NULL)
    {
        /* RFC 9000, 12.4 */
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "frame is not allowed in this packet type");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
quic_frames_nothing(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    return NGX_OK;
}


static ngx_int_t
quic_frames_ack(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    uint64_t      delay;
    ngx_int_t     rc;
    const char   *reason;
    quic_space_e  space;

    if (c->rx[ctx->level] == NULL) {
        /* the packet's CRYPTO frame has ended the space that this is about */
        return NGX_OK;
    }

    space = quic_level_space(ctx->level);

    /* RFC 9000, 19.3; a shift that would overflow says "very long" */

    delay = f->u.ack.delay;
    delay = (delay < ((uint64_t) 1 << 40)) ? delay << c->peer.ack_delay_exponent
                                           : (uint64_t) 1 << 40;

    rc = quic_recovery_ack(&c->recovery, space, &f->u.ack, delay, ctx->now,
                           &reason);

    if (rc == NGX_ERROR) {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION, reason);
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    ctx->cost = 0;

    if (quic_ack_freq_update(&c->ack_freq, &c->recovery.cc, &c->recovery.rtt,
                             ctx->now))
    {
        c->pending |= QUIC_PEND_ACK_FREQUENCY;
    }

    return NGX_OK;
}


static ngx_int_t
quic_frames_crypto(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    ngx_int_t         rc;
    quic_recv_buf_t  *in;

    in = &c->space[quic_level_space(ctx->level)].crypto_in;

    if (f->u.crypto.offset + f->u.crypto.length
        > in->read + QUIC_MAX_CRYPTO_BUFFER)
    {
        quic_conn_close(c, QUIC_CRYPTO_BUFFER_EXCEEDED,
                        "CRYPTO data too far ahead");
        return NGX_ERROR;
    }

    rc = quic_recv_buf_write(in, f->u.crypto.offset, f->u.crypto.data,
                             f->u.crypto.length);

    if (rc == NGX_DECLINED) {
        quic_conn_close(c, QUIC_CRYPTO_BUFFER_EXCEEDED,
                        "CRYPTO data in too many pieces");
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for CRYPTO data");
        return NGX_ERROR;
    }

    quic_handshake_advance(c, ctx->level);

    return NGX_OK;
}


static ngx_int_t
quic_frames_stream(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    uint64_t        received;
    ngx_int_t       rc;
    ngx_uint_t      fills;
    quic_stream_t  *s;

    rc = quic_streams_find(c, f->u.stream.id, 1, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    /* after a loss it's holes that are filled, thousands in a large window */

    received = c->flow_in.received;
    fills = quic_stream_lacks(s, f->u.stream.offset, f->u.stream.length);

    rc = quic_stream_receive(s, &f->u.stream);

    if (c->flow_in.received > received || (fills && rc == NGX_OK)) {
        quic_bucket_give(&c->idle_frames, 1);
        ctx->cost = 0;
    }

    return rc;
}


static ngx_int_t
quic_frames_reset_stream(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    ngx_int_t       rc;
    quic_stream_t  *s;

    rc = quic_streams_find(c, f->u.reset.id, 1, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    return quic_stream_receive_reset(s, f->u.reset.error,
                                     f->u.reset.final_size);
}


static ngx_int_t
quic_frames_stop_sending(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    ngx_int_t       rc;
    quic_stream_t  *s;

    rc = quic_streams_find(c, f->u.reset.id, 0, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    quic_stream_receive_stop(s, f->u.reset.error);

    return NGX_OK;
}


static ngx_int_t
quic_frames_max_data(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    if (quic_flow_raise(&c->flow_out, f->u.max)) {
        c->pending &= ~QUIC_PEND_DATA_BLOCKED;
        quic_streams_unblock(c);
    }

    return NGX_OK;
}


static ngx_int_t
quic_frames_max_stream_data(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    ngx_int_t       rc;
    quic_stream_t  *s;

    rc = quic_streams_find(c, f->u.stream_max.id, 0, &s);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    quic_stream_raise(s, f->u.stream_max.max);

    return NGX_OK;
}


static ngx_int_t
quic_frames_max_streams_uni(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    c->streams.max_uni = ngx_max(c->streams.max_uni, f->u.max);

    return NGX_OK;
}


static ngx_int_t
quic_frames_stream_data_blocked(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    ngx_int_t       rc;
    quic_stream_t  *s;

    /* the stream must be one that the client sends on: RFC 9000, 19.13 */

    rc = quic_streams_find(c, f->u.stream_max.id, 1, &s);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
quic_frames_new_cid(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    return quic_cids_receive_new(c, &f->u.new_cid);
}


static ngx_int_t
quic_frames_retire_cid(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    return quic_cids_receive_retire(c, f->u.seq);
}


static ngx_int_t
quic_frames_path_challenge(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    return quic_migrate_challenged(c, f->u.path, ctx->now);
}


static ngx_int_t
quic_frames_path_response(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    return quic_migrate_answered(c, f->u.path, ctx->now);
}


static ngx_int_t
quic_frames_close(quic_conn_t *c, quic_frame_t *f, quic_frame_ctx_t *ctx)
{
    quic_close_peer(c, f->type == QUIC_FT_CONNECTION_CLOSE_APP, &f->u.close,
                    ctx->now);
    return NGX_ERROR;
}


static ngx_int_t
quic_frames_immediate_ack(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    quic_ack_now(&c->space[QUIC_SPACE_APP].ack);

    return NGX_OK;
}


static ngx_int_t
quic_frames_ack_frequency(quic_conn_t *c, quic_frame_t *f,
    quic_frame_ctx_t *ctx)
{
    if (quic_ack_frequency(&c->space[QUIC_SPACE_APP].ack, &f->u.ack_frequency)
        != NGX_OK)
    {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "invalid Requested Max Ack Delay");
        return NGX_ERROR;
    }

    return NGX_OK;
}
