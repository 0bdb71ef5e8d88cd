
/*
 * Frames on their way out: each function writes what is due of one kind into
 * the packet in work, as far as it has room, and notes it in the packet's
 * record.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"
#include "quic/quic_out.h"


typedef u_char *(*quic_out_pending_pt)(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);


static void quic_out_count(quic_conn_t *c, quic_send_buf_t *out,
    uint64_t offset, size_t len);
static u_char *quic_out_handshake_done(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_out_new_token(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_out_max_data(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_out_max_streams_bidi(quic_conn_t *c,
    quic_out_packet_t *p, quic_sent_frame_t *f);
static u_char *quic_out_max_streams_uni(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_out_ack_frequency(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_out_data_blocked(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static void quic_out_cids(quic_conn_t *c, quic_out_packet_t *p);
static void quic_out_retirements(quic_conn_t *c, quic_out_packet_t *p);
static u_char *quic_out_stream_frame(quic_stream_t *s, ngx_uint_t pend,
    quic_out_packet_t *p, quic_sent_frame_t *f);


/* what may be pending for the connection, in the order of sending */

static const struct {
    ngx_uint_t           pend;
    quic_out_pending_pt  write;
} quic_out_pendings[] = {
    { QUIC_PEND_HANDSHAKE_DONE,   quic_out_handshake_done },
    { QUIC_PEND_MAX_DATA,         quic_out_max_data },
    { QUIC_PEND_MAX_STREAMS_BIDI, quic_out_max_streams_bidi },
    { QUIC_PEND_MAX_STREAMS_UNI,  quic_out_max_streams_uni },
    { QUIC_PEND_DATA_BLOCKED,     quic_out_data_blocked },
    { QUIC_PEND_NEW_TOKEN,        quic_out_new_token },
    { QUIC_PEND_ACK_FREQUENCY,    quic_out_ack_frequency },
};


/* bytes go out, perhaps not for the first time */

static void
quic_out_count(quic_conn_t *c, quic_send_buf_t *out, uint64_t offset,
    size_t len)
{
    if (offset < out->sent) {
        c->stats.bytes_retransmitted += ngx_min(len, out->sent - offset);
    }
}


/* neither is repeated with its packet: RFC 9000, 13.3 */

void
quic_out_path(quic_conn_t *c, quic_path_t *path, quic_out_packet_t *p,
    uint64_t now)
{
    u_char  *end;

    if (path->respond) {
        end = quic_frame_write_path(p->pos, p->end, QUIC_FT_PATH_RESPONSE,
                                    path->response);

        if (quic_out_note(c, p, end, NULL) == NGX_OK) {
            path->respond = 0;
            p->eliciting = 1;
            p->expand = 1;
        }
    }

    if (path->due && p->end - p->pos > QUIC_PATH_DATA_LEN) {
        p->pos = quic_frame_write_path(p->pos, p->end, QUIC_FT_PATH_CHALLENGE,
                                       quic_path_challenge(path, now));
        p->eliciting = 1;
        p->expand = 1;

        c->challenged = 1;
    }
}


/*
 * An ACK rides along whenever there is something to acknowledge.  A probe, of
 * the PTO or of the path, repeats the last one: it may be what a client misses
 * that has filled its window with packets that it doesn't repeat.
 */

void
quic_out_ack(quic_conn_t *c, quic_out_packet_t *p, uint64_t now)
{
    u_char             *end;
    uint64_t            delay, *ecn;
    quic_ack_t         *ack;
    quic_sent_frame_t   f;
    quic_conn_space_t  *space;

    space = &c->space[quic_level_space(p->level)];
    ack = &space->ack;

    if (ack->received.n == 0
        || !(quic_ack_pending(ack) || space->probes || p->expand))
    {
        return;
    }

    delay = (now > ack->largest_time) ? now - ack->largest_time : 0;
    delay >>= 3;                     /* our ack_delay_exponent, the default */

    ecn = (ack->ecn[0] | ack->ecn[1] | ack->ecn[2]) ? ack->ecn : NULL;

    end = quic_frame_write_ack(p->pos, p->end, ack->received.range,
                               ack->received.n, delay, ecn);

    ngx_memzero(&f, sizeof(quic_sent_frame_t));
    f.type = QUIC_FT_ACK;
    f.offset = ack->largest;

    if (quic_out_note(c, p, end, &f) != NGX_OK) {
        return;
    }

    quic_ack_sent(ack);

    if (p->level == QUIC_LEVEL_APP && ack->largest >= c->phase.first_rx) {
        c->phase.confirmed = 1;
    }
}


void
quic_out_crypto(quic_conn_t *c, quic_out_packet_t *p)
{
    size_t              len;
    u_char             *pos;
    ngx_uint_t          fin;
    quic_send_buf_t    *out;
    quic_sent_frame_t   f;

    out = &c->space[quic_level_space(p->level)].crypto_out;

    ngx_memzero(&f, sizeof(quic_sent_frame_t));
    f.type = QUIC_FT_CRYPTO;

    while (quic_send_buf_next(out, UINT64_MAX, &f.offset, &len, &fin)
           == NGX_OK)
    {
        pos = quic_frame_write_crypto_header(p->pos, p->end, f.offset, &len);

        if (pos == NULL) {
            return;
        }

        f.len = (uint32_t) len;

        quic_send_buf_copy(out, f.offset, pos, len);
        quic_out_count(c, out, f.offset, len);

        if (quic_out_note(c, p, pos + len, &f) != NGX_OK
            || quic_send_buf_sent(out, f.offset, len, 0) != NGX_OK)
        {
            return;
        }

        p->eliciting = 1;
    }
}


void
quic_out_pending(quic_conn_t *c, quic_out_packet_t *p)
{
    ngx_uint_t          i;
    u_char             *end;
    quic_sent_frame_t   f;

    for (i = 0;
         c->pending
         && i < sizeof(quic_out_pendings) / sizeof(quic_out_pendings[0]);
         i++)
    {
        if ((c->pending & quic_out_pendings[i].pend) == 0) {
            continue;
        }

        ngx_memzero(&f, sizeof(quic_sent_frame_t));
        end = quic_out_pendings[i].write(c, p, &f);

        if (quic_out_note(c, p, end, &f) != NGX_OK) {
            return;
        }

        c->pending &= ~quic_out_pendings[i].pend;
        p->eliciting = 1;
    }

    if (c->pending & QUIC_PEND_NEW_CID) {
        quic_out_cids(c, p);
    }

    if (c->pending & QUIC_PEND_RETIRE_CID) {
        quic_out_retirements(c, p);
    }
}


static u_char *
quic_out_handshake_done(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_HANDSHAKE_DONE;

    return quic_frame_write_plain(p->pos, p->end, QUIC_FT_HANDSHAKE_DONE);
}


/*
 * RFC 9000, 8.1.3: for the address that is in use now, of which we know that
 * the client receives there.  One that has to be repeated is made anew.
 */

static u_char *
quic_out_new_token(quic_conn_t *c, quic_out_packet_t *p, quic_sent_frame_t *f)
{
    u_char        buf[QUIC_TOKEN_MAX_LEN];
    ngx_str_t     data;
    quic_addr_t   remote;
    quic_token_t  token;

    f->type = QUIC_FT_NEW_TOKEN;

    ngx_memzero(&token, sizeof(quic_token_t));

    token.type = QUIC_TOKEN_NEW;
    token.version = c->version;
    token.time = p->now + c->ep->wall;

    remote = *quic_conn_remote(c);

    data.data = buf;
    data.len = quic_host_token_seal(c->ep->host_key, &token, &remote.sa, buf);

    return data.len ? quic_frame_write_new_token(p->pos, p->end, &data) : NULL;
}


static u_char *
quic_out_max_data(quic_conn_t *c, quic_out_packet_t *p, quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_DATA;

    quic_streams_grow(c, p->now);

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_DATA,
                                  quic_flow_renew(&c->flow_in));
}


static u_char *
quic_out_max_streams_bidi(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_STREAMS_BIDI;

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_STREAMS_BIDI,
                                  c->streams.max_peer[0]);
}


static u_char *
quic_out_max_streams_uni(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_STREAMS_UNI;

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_STREAMS_UNI,
                                  c->streams.max_peer[1]);
}


/* the draft, "Computation of Probe Timeout Period": no delay is too long now */

static u_char *
quic_out_ack_frequency(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    u_char                      *end;
    quic_frame_ack_frequency_t  *frame;

    frame = &c->ack_freq.frame;

    f->type = QUIC_FT_ACK_FREQUENCY;
    f->id = frame->seq;
    f->offset = frame->max_ack_delay;

    end = quic_frame_write_ack_frequency(p->pos, p->end, frame);

    if (end) {
        frame->seq++;
        c->recovery.max_ack_delay = ngx_max(c->recovery.max_ack_delay,
                                            frame->max_ack_delay);
    }

    return end;
}


static u_char *
quic_out_data_blocked(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_DATA_BLOCKED;
    f->offset = c->flow_out.max;

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_DATA_BLOCKED,
                                  c->flow_out.max);
}


static void
quic_out_cids(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char             *end;
    u_char              token[QUIC_RESET_TOKEN_LEN];
    ngx_uint_t          i;
    quic_cid_t         *cid;
    quic_our_cid_t     *our;
    quic_sent_frame_t   f;

    ngx_memzero(&f, sizeof(quic_sent_frame_t));
    f.type = QUIC_FT_NEW_CONNECTION_ID;

    for (i = 0; i < QUIC_MAX_OUR_CIDS; i++) {
        our = &c->cids.ours[i];

        if (!our->used || !our->pending) {
            continue;
        }

        cid = &our->node.cid;
        f.id = our->seq;

        quic_host_reset_token(c->ep->host_key, cid->data, cid->len, token);

        end = quic_frame_write_new_cid(p->pos, p->end, our->seq, 0, cid,
                                       token);

        if (quic_out_note(c, p, end, &f) != NGX_OK) {
            return;
        }

        c->cids.next_sent = ngx_max(c->cids.next_sent, our->seq + 1);
        our->pending = 0;
        p->eliciting = 1;
    }

    c->pending &= ~QUIC_PEND_NEW_CID;
}


static void
quic_out_retirements(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char               *end;
    ngx_uint_t            i;
    quic_sent_frame_t     f;
    quic_retiring_cid_t  *r;

    ngx_memzero(&f, sizeof(quic_sent_frame_t));
    f.type = QUIC_FT_RETIRE_CONNECTION_ID;

    for (i = 0; i < QUIC_MAX_RETIRING_CIDS; i++) {
        r = &c->cids.retiring[i];

        if (!r->used || !r->pending) {
            continue;
        }

        f.id = r->seq;

        end = quic_frame_write_value(p->pos, p->end,
                                     QUIC_FT_RETIRE_CONNECTION_ID, r->seq);

        if (quic_out_note(c, p, end, &f) != NGX_OK) {
            return;
        }

        r->pending = 0;
        p->eliciting = 1;
    }

    c->pending &= ~QUIC_PEND_RETIRE_CID;
}


/* the frame of one bit of s->pending; "*f" is what its record says */

static u_char *
quic_out_stream_frame(quic_stream_t *s, ngx_uint_t pend,
    quic_out_packet_t *p, quic_sent_frame_t *f)
{
    ngx_memzero(f, sizeof(quic_sent_frame_t));
    f->id = s->id;

    switch (pend) {

    case QUIC_STREAM_PEND_MAX_DATA:
        f->type = QUIC_FT_MAX_STREAM_DATA;
        quic_stream_grow(s, p->now);
        return quic_frame_write_values(p->pos, p->end, f->type, s->id,
                                       quic_flow_renew(&s->flow_in));

    case QUIC_STREAM_PEND_RESET:
        f->type = QUIC_FT_RESET_STREAM;
        return quic_frame_write_reset_stream(p->pos, p->end, s->id,
                                             s->reset_error,
                                             s->flow_out.sent);

    case QUIC_STREAM_PEND_STOP:
        f->type = QUIC_FT_STOP_SENDING;
        return quic_frame_write_stop_sending(p->pos, p->end, s->id,
                                             s->stop_error);

    default: /* QUIC_STREAM_PEND_BLOCKED */
        f->type = QUIC_FT_STREAM_DATA_BLOCKED;
        f->offset = s->flow_out.max;
        return quic_frame_write_values(p->pos, p->end, f->type, s->id,
                                       s->flow_out.max);
    }
}


void
quic_out_stream_control(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char             *end;
    ngx_uint_t          pend;
    ngx_queue_t        *q;
    quic_stream_t      *s;
    quic_sent_frame_t   f;

    while (!ngx_queue_empty(&c->streams.control)) {
        q = ngx_queue_head(&c->streams.control);
        s = ngx_queue_data(q, quic_stream_t, control);

        while (s->pending) {
            pend = s->pending & -s->pending;
            end = quic_out_stream_frame(s, pend, p, &f);

            if (quic_out_note(c, p, end, &f) != NGX_OK) {
                return;
            }

            s->pending &= ~pend;
            p->eliciting = 1;
        }

        ngx_queue_remove(&s->control);
        s->in_control = 0;
    }
}


void
quic_out_stream_data(quic_conn_t *c, quic_out_packet_t *p)
{
    size_t              len, all;
    u_char             *pos;
    uint64_t            end;
    ngx_uint_t          fin;
    quic_stream_t      *s;
    quic_sent_frame_t   f;

    ngx_memzero(&f, sizeof(quic_sent_frame_t));
    f.type = QUIC_FT_STREAM;

    while (p->pos < p->end) {
        s = quic_sched_next(&c->streams.sched);

        if (s == NULL) {
            return;
        }

        if (quic_send_buf_next(&s->out, quic_stream_limit(s), &f.offset, &len,
                               &fin)
            != NGX_OK)
        {
            quic_stream_schedule(s);
            continue;
        }

        all = len;
        pos = quic_frame_write_stream_header(p->pos, p->end, s->id, f.offset,
                                             &len, fin);
        if (pos == NULL) {
            return;
        }

        f.id = s->id;
        f.len = (uint32_t) len;
        f.fin = (fin && len == all);

        quic_send_buf_copy(&s->out, f.offset, pos, len);
        quic_out_count(c, &s->out, f.offset, len);

        if (quic_out_note(c, p, pos + len, &f) != NGX_OK
            || quic_send_buf_sent(&s->out, f.offset, len, f.fin) != NGX_OK)
        {
            return;
        }

        p->eliciting = 1;
        end = f.offset + len;

        if (end > s->flow_out.sent) {
            c->flow_out.sent += end - s->flow_out.sent;
            s->flow_out.sent = end;
        }

        quic_sched_served(&c->streams.sched, s);
        quic_stream_schedule(s);
    }
}


/*
 * What is sent to be acknowledged.  The answer to a PING may take
 * max_ack_delay, where the client knows nothing better.
 */

uint64_t
quic_out_ping_type(quic_conn_t *c, quic_level_e level)
{
    return (level == QUIC_LEVEL_APP && c->ack_freq.min_delay)
               ? QUIC_FT_IMMEDIATE_ACK
               : QUIC_FT_PING;
}


void
quic_out_ping(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char  *end;

    end = quic_frame_write_plain(p->pos, p->end,
                                 quic_out_ping_type(c, p->level));

    if (quic_out_note(c, p, end, NULL) == NGX_OK) {
        c->pending &= ~QUIC_PEND_PING;
        p->eliciting = 1;
    }
}


void
quic_out_close(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char        *end;
    uint64_t       error;
    ngx_str_t      reason;
    ngx_uint_t     app;

    app = c->close.app;
    error = c->close.error;

    reason.data = (u_char *) c->close.reason;
    reason.len = ngx_min(ngx_strlen(c->close.reason), QUIC_MAX_REASON);

    if (app && p->level != QUIC_LEVEL_APP) {
        /* the application's state isn't told in packets others can open */
        app = 0;
        error = QUIC_APPLICATION_ERROR;
        ngx_str_null(&reason);
    }

    end = quic_frame_write_close(p->pos, p->end, app, error,
                                 c->close.frame_type, &reason);
    if (end) {
        p->pos = end;
    }
}
