
/*
 * The way out: frames into packets (quic_out.h), packets into datagrams,
 * datagrams of one size into a batch, all of it straight in the buffer that is
 * sent.
 *
 * A datagram is planned first, up to one packet of each level behind another,
 * and sealed when its size is known, as padding belongs into the last packet.
 * What a packet carries is noted in its record (quic_sent.h) as it is written.
 *
 * A batch goes by one path.  Those beside the active one are told only what
 * their validation needs, in batches of one datagram.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"
#include "quic/quic_out.h"


/* header protection needs 4 bytes of number and payload: RFC 9001, 5.4.2 */
#define QUIC_SEND_MIN_PAYLOAD  3

/*
 * Bytes that must be waiting to be sent for a probe of the path's MTU: more
 * than goes out before it is answered.
 */
#define QUIC_SEND_WORTH_PROBING  (10 * QUIC_BASE_MTU)


static size_t quic_send_aside(quic_conn_t *c, u_char *buf, quic_path_t **path,
    uint64_t now);
static size_t quic_send_datagrams(quic_conn_t *c, u_char *buf, size_t size,
    size_t *segment, uint64_t now);
static size_t quic_send_size(quic_conn_t *c);
static size_t quic_send_mtu_probe(quic_conn_t *c, u_char *buf, uint64_t now);
static size_t quic_send_max_size(quic_conn_t *c);
static ngx_uint_t quic_send_limited(quic_conn_t *c);
static ngx_uint_t quic_send_allowed(quic_conn_t *c, ngx_uint_t *data,
    uint64_t now);
static void quic_send_begin(quic_out_datagram_t *d, const quic_path_t *path,
    u_char *buf, size_t size);
static size_t quic_send_datagram(quic_conn_t *c, u_char *buf, size_t size,
    ngx_uint_t data, uint64_t now);
static void quic_send_packet(quic_conn_t *c, quic_out_datagram_t *d,
    quic_level_e level, uint64_t now);
static ngx_uint_t quic_send_stuck(quic_conn_t *c, quic_level_e level);
static ngx_uint_t quic_send_wanted(quic_conn_t *c, quic_level_e level,
    ngx_uint_t data, uint64_t now);
static ngx_uint_t quic_send_app_wanted(quic_conn_t *c);
static size_t quic_send_finish(quic_conn_t *c, quic_out_datagram_t *d,
    u_char *buf, uint64_t now);
static size_t quic_send_close(quic_conn_t *c, u_char *buf, size_t size,
    uint64_t now);


static const quic_level_e  quic_send_levels[] = {
    QUIC_LEVEL_INITIAL, QUIC_LEVEL_HANDSHAKE, QUIC_LEVEL_APP
};

#define QUIC_SEND_LEVELS  (sizeof(quic_send_levels) / sizeof(quic_level_e))


ngx_int_t
quic_send_batch(quic_conn_t *c, u_char *buf, size_t size, quic_batch_t *batch,
    uint64_t now)
{
    size_t        len, segment;
    quic_path_t  *path;

    path = c->paths.active;
    len = 0;

    batch->ecn = QUIC_ECN_NOT_ECT;

    if (c->state == QUIC_CONN_OPEN && c->tx[QUIC_LEVEL_APP]) {
        quic_handshake_expire_keys(c, now);
        (void) quic_handshake_renew_keys(c, now);

        len = quic_send_aside(c, buf, &path, now);
    }

    if (len == 0) {
        batch->ecn = quic_recovery_mark(&c->recovery);
        len = quic_send_mtu_probe(c, buf, now);
    }

    segment = len;

    if (len == 0) {
        len = quic_send_datagrams(c, buf, ngx_min(size, QUIC_MAX_BATCH_SIZE),
                                  &segment, now);
    }

    if (len == 0) {
        return NGX_DONE;
    }

    batch->data = buf;
    batch->len = len;
    batch->segment = ngx_min(len, segment);
    batch->conn = c;
    batch->remote = &path->remote;
    batch->local = &path->local;
    batch->socket = path->socket;

    return NGX_OK;
}


/* by the active path; their bytes, all but the last one have "*segment" */

static size_t
quic_send_datagrams(quic_conn_t *c, u_char *buf, size_t size, size_t *segment,
    uint64_t now)
{
    size_t      len, mtu;
    u_char     *p;
    ngx_uint_t  n, data;

    p = buf;
    mtu = quic_send_size(c);

    *segment = mtu;

    for (n = 0; n < QUIC_MAX_BATCH_SEGMENTS; n++) {

        if (p + mtu > buf + size) {
            break;
        }

        if (c->state == QUIC_CONN_OPEN) {

            if (!quic_send_allowed(c, &data, now)) {
                break;
            }

            len = quic_send_datagram(c, p, ngx_min(mtu, quic_send_size(c)),
                                     data, now);

            if (len == 0 && data) {
                quic_recovery_app_limited(&c->recovery);
            }

        } else if (c->state == QUIC_CONN_CLOSING && c->close.requested) {
            len = quic_send_limited(c) ? 0 : quic_send_close(c, p, mtu, now);
            quic_close_sent(c, now);

        } else {
            break;
        }

        p += len;
        quic_path_sent(c->paths.active, len);

        if (len < mtu) {
            break;
        }
    }

    return p - buf;
}


/*
 * The size of the next datagram at most.  The last probe of a PTO gets through
 * even if the path has become too narrow for the others.
 */

static size_t
quic_send_size(quic_conn_t *c)
{
    quic_pmtud_t  *pmtud;

    pmtud = &c->recovery.pmtud;

    return c->space[QUIC_SPACE_APP].probes == 1 ? pmtud->base : pmtud->mtu;
}


/*
 * RFC 9000, 14.4: a datagram of a size that may not get through, with nothing
 * in it that would be missed.  It goes alone, before those of a size that
 * does, and only when there is enough behind it to profit by the answer.
 */

static size_t
quic_send_mtu_probe(quic_conn_t *c, u_char *buf, uint64_t now)
{
    size_t               size;
    quic_recovery_t     *r;
    quic_out_packet_t   *p;
    quic_out_datagram_t  d;

    r = &c->recovery;

    if (c->state != QUIC_CONN_OPEN
        || !c->handshake_done
        || !c->paths.active->validated
        || c->space[QUIC_SPACE_APP].probes
        || c->streams.buffered < r->in_flight + QUIC_SEND_WORTH_PROBING)
    {
        return 0;
    }

    size = quic_pmtud_next(&r->pmtud, quic_send_max_size(c), now);

    if (size == 0
        || quic_recovery_room(r) < size
        || quic_pacer_room(&r->pacer, now) == 0)
    {
        return 0;
    }

    quic_send_begin(&d, c->paths.active, buf, size);

    p = &d.packet[0];

    if (quic_out_open(c, &d, p, QUIC_LEVEL_APP, now) != NGX_OK) {
        return 0;
    }

    ngx_memzero(p->pos, p->end - p->pos);
    (void) quic_frame_write_plain(p->pos, p->end,
                                  quic_out_ping_type(c, QUIC_LEVEL_APP));
    p->pos = p->end;
    p->eliciting = 1;

    d.n = 1;

    size = quic_send_finish(c, &d, buf, now);

    if (size) {
        quic_recovery_mtu_probe(r);
        quic_path_sent(c->paths.active, size);
    }

    return size;
}


/* what the client takes, and what the operator believes in */

static size_t
quic_send_max_size(quic_conn_t *c)
{
    size_t  size;

    size = c->conf->mtu - quic_addr_overhead(&c->paths.active->remote);

    return ngx_min(size, c->peer.max_udp_payload_size);
}


/*
 * By another path: probing frames alone, as the client isn't there (RFC 9000,
 * 9).  The size of the datagram, and "*path"; or 0.
 */

static size_t
quic_send_aside(quic_conn_t *c, u_char *buf, quic_path_t **path, uint64_t now)
{
    size_t               len;
    quic_path_t         *aside;
    quic_out_packet_t   *p;
    quic_out_datagram_t  d;

    aside = quic_migrate_pending(c, QUIC_OUT_MIN_DATAGRAM);

    if (aside == NULL) {
        return 0;
    }

    quic_send_begin(&d, aside, buf, c->recovery.pmtud.base);

    p = &d.packet[0];

    if (quic_out_open(c, &d, p, QUIC_LEVEL_APP, now) != NGX_OK) {
        return 0;
    }

    quic_out_path(c, aside, p, now);

    d.n = 1;
    quic_out_pad(&d, buf);

    if (quic_out_seal(c, p) != NGX_OK) {
        return 0;
    }

    len = d.pos - buf;

    quic_recovery_sent_aside(&c->recovery, QUIC_SPACE_APP, now);
    quic_path_sent(aside, len);

    *path = aside;

    return len;
}


/* nothing is sent by halves: an Initial packet needs all of its 1200 bytes */

static ngx_uint_t
quic_send_limited(quic_conn_t *c)
{
    size_t  least;

    least = c->handshake_done ? QUIC_OUT_MIN_DATAGRAM : QUIC_MIN_INITIAL_SIZE;

    return quic_path_room(c->paths.active) < least;
}


/*
 * Non-zero when a datagram may be sent at all.  "*data": the window and the
 * pacer let it carry more than ACKs and probes.
 */

static ngx_uint_t
quic_send_allowed(quic_conn_t *c, ngx_uint_t *data, uint64_t now)
{
    quic_recovery_t  *r;

    r = &c->recovery;

    c->pace_deadline = 0;

    r->amplification_limited = quic_send_limited(c) ? 1 : 0;

    if (r->amplification_limited) {
        quic_recovery_app_limited(r);
        return 0;
    }

    *data = quic_recovery_room(r) >= r->pmtud.mtu;

    if (*data && quic_pacer_room(&r->pacer, now) == 0) {
        c->pace_deadline = quic_pacer_deadline(&r->pacer, now);
        *data = 0;
    }

    return 1;
}


static void
quic_send_begin(quic_out_datagram_t *d, const quic_path_t *path, u_char *buf,
    size_t size)
{
    d->n = 0;
    d->path = path;
    d->pos = buf;
    d->end = buf + ngx_min(size, quic_path_room(path));
    d->data = 0;
}


/* the size of the datagram, 0: nothing to send */

static size_t
quic_send_datagram(quic_conn_t *c, u_char *buf, size_t size, ngx_uint_t data,
    uint64_t now)
{
    ngx_uint_t           i;
    quic_out_datagram_t  d;

    quic_send_begin(&d, c->paths.active, buf, size);

    d.data = data ? 1 : 0;

    for (i = 0; i < QUIC_SEND_LEVELS; i++) {
        quic_send_packet(c, &d, quic_send_levels[i], now);
    }

    return quic_send_finish(c, &d, buf, now);
}


static void
quic_send_packet(quic_conn_t *c, quic_out_datagram_t *d, quic_level_e level,
    uint64_t now)
{
    ngx_uint_t          data;
    quic_out_packet_t  *p;
    quic_conn_space_t  *space;

    if (c->tx[level] == NULL) {
        return;
    }

    space = &c->space[quic_level_space(level)];
    data = d->data || space->probes || quic_send_stuck(c, level);

    if (!quic_send_wanted(c, level, data, now)) {
        return;
    }

    p = &d->packet[d->n];

    if (quic_out_open(c, d, p, level, now) != NGX_OK) {
        return;
    }

    /* an ACK may take all the room that the amplification limit leaves */

    if (data && level == QUIC_LEVEL_APP) {
        quic_out_path(c, c->paths.active, p, now);
    }

    quic_out_ack(c, p, now);

    if (data) {
        if (space->probes && quic_out_ping_type(c, level) != QUIC_FT_PING) {
            quic_out_ping(c, p);
        }

        quic_out_crypto(c, p);

        if (level == QUIC_LEVEL_APP) {
            quic_out_pending(c, p);
            quic_out_stream_control(c, p);
            quic_out_stream_data(c, p);

            /* which may have found that there is no credit for it */

            quic_out_pending(c, p);
            quic_out_stream_control(c, p);
        }

        if ((space->probes && !p->eliciting)
            || (c->pending & QUIC_PEND_PING))
        {
            quic_out_ping(c, p);
        }

        if (space->probes && p->eliciting) {
            space->probes--;
        }
    }

    if (p->pos == p->payload) {
        quic_sent_cancel(&c->recovery.space[quic_level_space(level)].sent);
        return;
    }

    while (p->pos < p->payload + QUIC_SEND_MIN_PAYLOAD) {
        *p->pos++ = QUIC_FT_PADDING;
    }

    d->pos = p->pos + QUIC_TAG_LEN;
    d->n++;
}


/*
 * What is in flight of 1-RTT packets can be acknowledged only when the
 * handshake is over, and may fill the window.  A level below that has nothing
 * in flight gets neither an ACK nor a PTO then: one packet may go as if it were
 * the PTO's (RFC 9002, 7.5).  And so may a PATH_CHALLENGE: of what was sent by
 * the path before, nothing may be acknowledged either.
 */

static ngx_uint_t
quic_send_stuck(quic_conn_t *c, quic_level_e level)
{
    if (level == QUIC_LEVEL_APP) {
        return c->paths.active->due;
    }

    return c->recovery.space[quic_level_space(level)].eliciting == 0;
}


static ngx_uint_t
quic_send_wanted(quic_conn_t *c, quic_level_e level, ngx_uint_t data,
    uint64_t now)
{
    quic_conn_space_t  *space;

    space = &c->space[quic_level_space(level)];

    if (quic_ack_due(&space->ack, now) || space->probes) {
        return 1;
    }

    if (!data) {
        return 0;
    }

    return quic_send_buf_pending(&space->crypto_out, UINT64_MAX)
           || (level == QUIC_LEVEL_APP && quic_send_app_wanted(c));
}


static ngx_uint_t
quic_send_app_wanted(quic_conn_t *c)
{
    return c->pending
           || quic_path_pending(c->paths.active)
           || !ngx_queue_empty(&c->streams.control)
           || quic_sched_next(&c->streams.sched) != NULL;
}


static size_t
quic_send_finish(quic_conn_t *c, quic_out_datagram_t *d, u_char *buf,
    uint64_t now)
{
    size_t              size;
    ngx_uint_t          i;
    quic_out_packet_t  *p;

    if (d->n == 0) {
        return 0;
    }

    quic_out_pad(d, buf);

    for (i = 0; i < d->n; i++) {
        p = &d->packet[i];
        size = p->pos - p->start + QUIC_TAG_LEN;

        if (quic_out_seal(c, p) != NGX_OK) {
            return 0;
        }

        quic_recovery_sent(&c->recovery, quic_level_space(p->level), size,
                           p->eliciting, now);

        if (p->eliciting && !c->eliciting_sent) {
            c->eliciting_sent = 1;
            quic_timers_active(c, now);
        }
    }

    return d->pos - buf;
}


/*
 * RFC 9000, 10.2.3: CONNECTION_CLOSE at every level that the client may have
 * keys for.
 */

static size_t
quic_send_close(quic_conn_t *c, u_char *buf, size_t size, uint64_t now)
{
    ngx_uint_t           i;
    quic_sent_t         *sent;
    quic_out_packet_t   *p;
    quic_out_datagram_t  d;

    quic_send_begin(&d, c->paths.active, buf, size);

    for (i = 0; i < QUIC_SEND_LEVELS; i++) {

        if (c->tx[quic_send_levels[i]] == NULL) {
            continue;
        }

        p = &d.packet[d.n];

        if (quic_out_open(c, &d, p, quic_send_levels[i], now) != NGX_OK) {
            continue;
        }

        /* there will be no ACK: the number is used, the record isn't */

        sent = &c->recovery.space[quic_level_space(p->level)].sent;
        quic_sent_cancel(sent);
        (void) quic_sent_skip(sent);

        quic_out_close(c, p);

        if (p->pos > p->payload) {
            p->eliciting = 1;    /* is padded as if it were */
            d.pos = p->pos + QUIC_TAG_LEN;
            d.n++;
        }
    }

    if (d.n == 0) {
        return 0;
    }

    quic_out_pad(&d, buf);

    for (i = 0; i < d.n; i++) {
        if (quic_out_seal(c, &d.packet[i]) != NGX_OK) {
            return 0;
        }
    }

    return d.pos - buf;
}
