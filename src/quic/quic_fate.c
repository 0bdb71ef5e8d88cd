
/*
 * The fate of the frames that we sent: a table of what an acknowledgement or a
 * loss means for each type (RFC 9000, section 13.3).
 *
 * Frames that say a current value (MAX_DATA and the like) are not repeated as
 * they were: what is sent in their place says the value of then.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


typedef struct {
    void         (*acked)(quic_conn_t *c, quic_space_e space,
                          quic_sent_frame_t *f);
    void         (*lost)(quic_conn_t *c, quic_space_e space,
                         quic_sent_frame_t *f);

    /* or, when it's lost, one of these is to be sent anew */
    ngx_uint_t     pend;             /* QUIC_PEND_* */
    ngx_uint_t     pend_stream;      /* QUIC_STREAM_PEND_* */
} quic_fate_t;


static void quic_fate_acked(void *data, quic_space_e space,
    quic_sent_frame_t *frame);
static void quic_fate_lost(void *data, quic_space_e space,
    quic_sent_frame_t *frame);
static void quic_fate_ack_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_crypto_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_crypto_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_stream_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_stream_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_reset_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_reset_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_data_blocked_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_stream_blocked_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_new_cid_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_retire_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_retire_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);
static void quic_fate_ack_frequency_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f);


static const quic_fate_t  quic_fates[QUIC_FT_ACK_FREQUENCY + 1] = {
    [QUIC_FT_ACK]                  = { quic_fate_ack_acked, NULL, 0, 0 },
    [QUIC_FT_CRYPTO]               = { quic_fate_crypto_acked,
                                       quic_fate_crypto_lost, 0, 0 },
    [QUIC_FT_NEW_TOKEN]            = { NULL, NULL, QUIC_PEND_NEW_TOKEN, 0 },
    [QUIC_FT_STREAM]               = { quic_fate_stream_acked,
                                       quic_fate_stream_lost, 0, 0 },
    [QUIC_FT_RESET_STREAM]         = { quic_fate_reset_acked,
                                       quic_fate_reset_lost, 0, 0 },
    [QUIC_FT_STOP_SENDING]         = { NULL, NULL, 0, QUIC_STREAM_PEND_STOP },
    [QUIC_FT_MAX_DATA]             = { NULL, NULL, QUIC_PEND_MAX_DATA, 0 },
    [QUIC_FT_MAX_STREAM_DATA]      = { NULL, NULL, 0,
                                       QUIC_STREAM_PEND_MAX_DATA },
    [QUIC_FT_MAX_STREAMS_BIDI]     = { NULL, NULL,
                                       QUIC_PEND_MAX_STREAMS_BIDI, 0 },
    [QUIC_FT_MAX_STREAMS_UNI]      = { NULL, NULL,
                                       QUIC_PEND_MAX_STREAMS_UNI, 0 },
    [QUIC_FT_DATA_BLOCKED]         = { NULL, quic_fate_data_blocked_lost,
                                       0, 0 },
    [QUIC_FT_STREAM_DATA_BLOCKED]  = { NULL, quic_fate_stream_blocked_lost,
                                       0, 0 },
    [QUIC_FT_NEW_CONNECTION_ID]    = { NULL, quic_fate_new_cid_lost, 0, 0 },
    [QUIC_FT_RETIRE_CONNECTION_ID] = { quic_fate_retire_acked,
                                       quic_fate_retire_lost, 0, 0 },
    [QUIC_FT_HANDSHAKE_DONE]       = { NULL, NULL,
                                       QUIC_PEND_HANDSHAKE_DONE, 0 },
    [QUIC_FT_ACK_FREQUENCY]        = { quic_fate_ack_frequency_acked, NULL,
                                       QUIC_PEND_ACK_FREQUENCY, 0 },
};


const quic_recovery_ops_t  quic_fate_ops = {
    quic_fate_acked,
    quic_fate_lost
};


static void
quic_fate_acked(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    quic_conn_t  *c = data;

    if (quic_fates[frame->type].acked) {
        quic_fates[frame->type].acked(c, space, frame);
    }
}


static void
quic_fate_lost(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    quic_conn_t  *c = data;

    quic_stream_t            *s;
    const quic_fate_t  *fate;

    fate = &quic_fates[frame->type];

    if (fate->lost) {
        fate->lost(c, space, frame);
        return;
    }

    c->pending |= fate->pend;

    if (fate->pend_stream) {
        s = quic_streams_lookup(c, frame->id);

        if (s && s->recv_state == QUIC_RECV_OPEN) {
            quic_stream_pend(s, fate->pend_stream);
        }
    }
}


static void
quic_fate_ack_acked(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    quic_ack_acked(&c->space[space].ack, f->offset);

    if (space == QUIC_SPACE_APP && f->offset >= c->phase.first_rx) {
        c->phase.known = 1;
    }
}


static void
quic_fate_crypto_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    if (quic_send_buf_acked(&c->space[space].crypto_out, f->offset, f->len, 0)
        != NGX_OK)
    {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory");
    }
}


static void
quic_fate_crypto_lost(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    if (quic_send_buf_lost(&c->space[space].crypto_out, f->offset, f->len, 0)
        != NGX_OK)
    {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory");
    }
}


static void
quic_fate_stream_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    uint64_t        held;
    quic_stream_t  *s;

    s = quic_streams_lookup(c, f->id);

    if (s == NULL || s->send_state != QUIC_SEND_OPEN) {
        return;
    }

    quic_bucket_give(&c->idle_frames, 1);

    held = quic_send_buf_held(&s->out);

    if (quic_send_buf_acked(&s->out, f->offset, f->len, f->fin) != NGX_OK) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory");
    }

    held -= quic_send_buf_held(&s->out);

    c->streams.buffered -= held;

    if ((s->id & QUIC_STREAM_UNI) == 0) {
        c->streams.acked += held;
    }

    quic_stream_acked(s);
}


static void
quic_fate_stream_lost(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    quic_stream_t  *s;

    s = quic_streams_lookup(c, f->id);

    if (s == NULL || s->send_state != QUIC_SEND_OPEN) {
        return;
    }

    if (quic_send_buf_lost(&s->out, f->offset, f->len, f->fin) != NGX_OK) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory");
        return;
    }

    quic_stream_schedule(s);
}


static void
quic_fate_reset_acked(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    quic_stream_t  *s;

    s = quic_streams_lookup(c, f->id);

    if (s && s->send_state == QUIC_SEND_RESET) {
        s->send_state = QUIC_SEND_RESET_ACKED;
        quic_stream_acked(s);
    }
}


static void
quic_fate_reset_lost(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    quic_stream_t  *s;

    s = quic_streams_lookup(c, f->id);

    if (s && s->send_state == QUIC_SEND_RESET) {
        quic_stream_pend(s, QUIC_STREAM_PEND_RESET);
    }
}


/* as long as that limit is still what holds us up */

static void
quic_fate_data_blocked_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    if (f->offset == c->flow_out.max && quic_flow_credit(&c->flow_out) == 0) {
        c->pending |= QUIC_PEND_DATA_BLOCKED;
    }
}


static void
quic_fate_stream_blocked_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    quic_stream_t  *s;

    s = quic_streams_lookup(c, f->id);

    if (s && s->send_state == QUIC_SEND_OPEN
        && f->offset == s->flow_out.max
        && quic_flow_credit(&s->flow_out) == 0
        && s->out.sent < s->out.end)
    {
        quic_stream_pend(s, QUIC_STREAM_PEND_BLOCKED);
    }
}


static void
quic_fate_new_cid_lost(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    quic_our_cid_t  *cid;

    cid = quic_cids_by_seq(c, f->id);

    if (cid) {
        cid->pending = 1;
        c->pending |= QUIC_PEND_NEW_CID;
    }
}


static void
quic_fate_retire_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    quic_retiring_cid_t  *cid;

    cid = quic_cids_retiring(c, f->id);

    if (cid) {
        cid->used = 0;
        cid->pending = 0;
    }
}


static void
quic_fate_retire_lost(quic_conn_t *c, quic_space_e space, quic_sent_frame_t *f)
{
    quic_retiring_cid_t  *cid;

    cid = quic_cids_retiring(c, f->id);

    if (cid) {
        cid->pending = 1;
        c->pending |= QUIC_PEND_RETIRE_CID;
    }
}


/* what was asked for last is what the client does now */

static void
quic_fate_ack_frequency_acked(quic_conn_t *c, quic_space_e space,
    quic_sent_frame_t *f)
{
    if (f->id + 1 == c->ack_freq.frame.seq) {
        c->recovery.max_ack_delay = f->offset;
    }
}
