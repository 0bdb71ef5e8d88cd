
/*
 * The way out: frames into packets, packets into datagrams, datagrams of one
 * size into a batch, all of it straight in the buffer that is sent.
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
#include "crypto/quic_random.h"
#include "quic/quic_conn_internal.h"


/* a packet that has less room than this isn't begun */
#define QUIC_SEND_MIN_ROOM  64

#define QUIC_SEND_MAX_SHORT_HEADER  (1 + 20 + 4)

/* bytes: a datagram of one 1-RTT packet */
#define QUIC_SEND_MIN_DATAGRAM                                                \
    (QUIC_SEND_MAX_SHORT_HEADER + QUIC_SEND_MIN_ROOM + QUIC_TAG_LEN)

/* header protection needs 4 bytes of number and payload: RFC 9001, 5.4.2 */
#define QUIC_SEND_MIN_PAYLOAD  3

/*
 * Bytes that must be waiting to be sent for a probe of the path's MTU: more
 * than goes out before it is answered.
 */
#define QUIC_SEND_WORTH_PROBING  (10 * QUIC_BASE_MTU)


typedef struct {
    quic_level_e         level;
    u_char              *start;
    u_char              *length;     /* of a long header: its Length field */
    u_char              *payload;
    u_char              *pos;        /* end of what was written */
    u_char              *end;        /* of the room, the tag's not included */
    uint64_t             pn;
    size_t               pn_len;
    uint64_t             now;
    unsigned             eliciting:1;
    unsigned             padded:1;
    unsigned             expand:1;   /* to 1200 bytes: RFC 9000, 8.2.2 */
} quic_out_packet_t;


typedef struct {
    quic_out_packet_t    packet[QUIC_SPACES];
    ngx_uint_t           n;
    const quic_path_t   *path;
    u_char              *pos;
    u_char              *end;
    unsigned             data:1;     /* the window and the pacer allow it */
} quic_out_datagram_t;


typedef u_char *(*quic_send_pending_pt)(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);


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
static ngx_int_t quic_send_open(quic_conn_t *c, quic_out_datagram_t *d,
    quic_out_packet_t *p, quic_level_e level, uint64_t now);
static void quic_send_defer_ack(quic_conn_t *c, quic_space_e space,
    uint64_t now);
static void quic_send_header(quic_conn_t *c, quic_out_datagram_t *d,
    quic_out_packet_t *p);
static void quic_send_grease(quic_conn_t *c, u_char *first);
static void quic_send_pad(quic_out_datagram_t *d, u_char *buf);
static ngx_int_t quic_send_seal(quic_conn_t *c, quic_out_packet_t *p);
static void quic_send_count(quic_conn_t *c, quic_send_buf_t *out,
    uint64_t offset, size_t len);
static size_t quic_send_finish(quic_conn_t *c, quic_out_datagram_t *d,
    u_char *buf, uint64_t now);
static ngx_int_t quic_send_note(quic_conn_t *c, quic_out_packet_t *p,
    u_char *end, quic_sent_frame_t *frame);
static void quic_send_path(quic_conn_t *c, quic_path_t *path,
    quic_out_packet_t *p, uint64_t now);
static void quic_send_ack(quic_conn_t *c, quic_out_packet_t *p, uint64_t now);
static void quic_send_crypto(quic_conn_t *c, quic_out_packet_t *p);
static void quic_send_pending(quic_conn_t *c, quic_out_packet_t *p);
static void quic_send_cids(quic_conn_t *c, quic_out_packet_t *p);
static void quic_send_retirements(quic_conn_t *c, quic_out_packet_t *p);
static u_char *quic_send_stream_frame(quic_stream_t *s, ngx_uint_t pend,
    quic_out_packet_t *p, quic_sent_frame_t *f);
static void quic_send_stream_control(quic_conn_t *c, quic_out_packet_t *p);
static void quic_send_stream_data(quic_conn_t *c, quic_out_packet_t *p);
static uint64_t quic_send_ping_type(quic_conn_t *c, quic_level_e level);
static void quic_send_ping(quic_conn_t *c, quic_out_packet_t *p);
static size_t quic_send_close(quic_conn_t *c, u_char *buf, size_t size,
    uint64_t now);
static void quic_send_close_frame(quic_conn_t *c, quic_out_packet_t *p);

static u_char *quic_send_handshake_done(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_send_new_token(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_send_ack_frequency(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_send_max_data(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_send_max_streams_bidi(quic_conn_t *c,
    quic_out_packet_t *p, quic_sent_frame_t *f);
static u_char *quic_send_max_streams_uni(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);
static u_char *quic_send_data_blocked(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f);


/* what may be pending for the connection, in the order of sending */

static const struct {
    ngx_uint_t            pend;
    quic_send_pending_pt  write;
} quic_send_pendings[] = {
    { QUIC_PEND_HANDSHAKE_DONE,   quic_send_handshake_done },
    { QUIC_PEND_MAX_DATA,         quic_send_max_data },
    { QUIC_PEND_MAX_STREAMS_BIDI, quic_send_max_streams_bidi },
    { QUIC_PEND_MAX_STREAMS_UNI,  quic_send_max_streams_uni },
    { QUIC_PEND_DATA_BLOCKED,     quic_send_data_blocked },
    { QUIC_PEND_NEW_TOKEN,        quic_send_new_token },
    { QUIC_PEND_ACK_FREQUENCY,    quic_send_ack_frequency },
};


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

    if (quic_send_open(c, &d, p, QUIC_LEVEL_APP, now) != NGX_OK) {
        return 0;
    }

    ngx_memzero(p->pos, p->end - p->pos);
    (void) quic_frame_write_plain(p->pos, p->end,
                                  quic_send_ping_type(c, QUIC_LEVEL_APP));
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

    aside = quic_migrate_pending(c, QUIC_SEND_MIN_DATAGRAM);

    if (aside == NULL) {
        return 0;
    }

    quic_send_begin(&d, aside, buf, c->recovery.pmtud.base);

    p = &d.packet[0];

    if (quic_send_open(c, &d, p, QUIC_LEVEL_APP, now) != NGX_OK) {
        return 0;
    }

    quic_send_path(c, aside, p, now);

    d.n = 1;
    quic_send_pad(&d, buf);

    if (quic_send_seal(c, p) != NGX_OK) {
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

    least = c->handshake_done ? QUIC_SEND_MIN_DATAGRAM : QUIC_MIN_INITIAL_SIZE;

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

    if (quic_send_open(c, d, p, level, now) != NGX_OK) {
        return;
    }

    /* an ACK may take all the room that the amplification limit leaves */

    if (data && level == QUIC_LEVEL_APP) {
        quic_send_path(c, c->paths.active, p, now);
    }

    quic_send_ack(c, p, now);

    if (data) {
        if (space->probes && quic_send_ping_type(c, level) != QUIC_FT_PING) {
            quic_send_ping(c, p);
        }

        quic_send_crypto(c, p);

        if (level == QUIC_LEVEL_APP) {
            quic_send_pending(c, p);
            quic_send_stream_control(c, p);
            quic_send_stream_data(c, p);

            /* which may have found that there is no credit for it */

            quic_send_pending(c, p);
            quic_send_stream_control(c, p);
        }

        if ((space->probes && !p->eliciting)
            || (c->pending & QUIC_PEND_PING))
        {
            quic_send_ping(c, p);
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


/* NGX_OK with a header written, or NGX_DECLINED: no room, or no record */

static ngx_int_t
quic_send_open(quic_conn_t *c, quic_out_datagram_t *d, quic_out_packet_t *p,
    quic_level_e level, uint64_t now)
{
    size_t        room, header;
    ngx_int_t     rc;
    quic_space_e  space;

    room = d->end - d->pos;
    header = (level == QUIC_LEVEL_APP) ? QUIC_SEND_MAX_SHORT_HEADER
                                       : QUIC_MAX_LONG_HEADER;

    if (room < header + QUIC_SEND_MIN_ROOM + QUIC_TAG_LEN) {
        return NGX_DECLINED;
    }

    space = quic_level_space(level);

    rc = quic_recovery_next_pn(&c->recovery, space, &p->pn);

    if (rc == NGX_OK) {
        rc = quic_sent_open(&c->recovery.space[space].sent);
    }

    if (rc == NGX_ERROR) {
        quic_close_silent(c, "no memory for the record of a packet");
        return NGX_DECLINED;
    }

    if (rc == NGX_AGAIN) {
        quic_send_defer_ack(c, space, now);
        return NGX_DECLINED;
    }

    p->level = level;
    p->now = now;
    p->eliciting = 0;
    p->padded = 0;
    p->expand = 0;

    quic_send_header(c, d, p);

    return NGX_OK;
}


/* as long as there are too many records, its deadline must not stay past */

static void
quic_send_defer_ack(quic_conn_t *c, quic_space_e space, uint64_t now)
{
    quic_ack_t  *ack;

    ack = &c->space[space].ack;

    if (quic_ack_due(ack, now)) {
        ack->deadline = now + QUIC_MAX_ACK_DELAY;
    }
}


static void
quic_send_header(quic_conn_t *c, quic_out_datagram_t *d, quic_out_packet_t *p)
{
    quic_cid_t   *peer;
    quic_space_e  space;

    space = quic_level_space(p->level);
    peer = quic_cids_send(c, d->path);

    p->start = d->pos;
    p->end = d->end - QUIC_TAG_LEN;
    p->pn_len = quic_pn_len(p->pn, c->recovery.space[space].largest_acked);

    if (p->level == QUIC_LEVEL_APP) {
        p->length = NULL;
        p->payload = quic_packet_write_short(p->start, peer, c->phase.phase, 0,
                                             p->pn, p->pn_len);

    } else {
        p->payload = quic_packet_write_long(p->start,
                                            (quic_packet_type_e) p->level,
                                            c->version, peer,
                                            &c->cids.initial, NULL, p->pn,
                                            p->pn_len, &p->length);
    }

    p->pos = p->payload;

    if (c->peer.grease_quic_bit) {
        quic_send_grease(c, p->start);
    }
}


/*
 * RFC 9287, 3.1: the fixed bit is drawn anew for each packet, 63 of them at a
 * time.  The highest one that is set stands behind the last.
 */

static void
quic_send_grease(quic_conn_t *c, u_char *first)
{
    if (c->grease <= 1) {
        c->grease = quic_random_u64() | 1ULL << 63;
    }

    if (c->grease & 1) {
        *first &= ~QUIC_FIXED_BIT;
    }

    c->grease >>= 1;
}


/*
 * RFC 9000, 14.1, 8.2.1 and 8.2.2: a datagram with an ack-eliciting Initial,
 * with PATH_CHALLENGE or PATH_RESPONSE has 1200 bytes, unless the amplification
 * limit is in the way of the latter two.
 */

static void
quic_send_pad(quic_out_datagram_t *d, u_char *buf)
{
    size_t              len;
    quic_out_packet_t  *last;

    last = &d->packet[d->n - 1];
    len = last->pos + QUIC_TAG_LEN - buf;

    if (len < QUIC_MIN_INITIAL_SIZE
        && d->end - buf >= QUIC_MIN_INITIAL_SIZE
        && (last->expand
            || (d->packet[0].level == QUIC_LEVEL_INITIAL
                && d->packet[0].eliciting)))
    {
        ngx_memzero(last->pos, QUIC_MIN_INITIAL_SIZE - len);
        last->pos += QUIC_MIN_INITIAL_SIZE - len;
        last->padded = 1;
    }

    d->pos = last->pos + QUIC_TAG_LEN;
}


static size_t
quic_send_finish(quic_conn_t *c, quic_out_datagram_t *d, u_char *buf,
    uint64_t now)
{
    size_t              size;
    ngx_uint_t          i, in_flight;
    quic_out_packet_t  *p;

    if (d->n == 0) {
        return 0;
    }

    quic_send_pad(d, buf);

    for (i = 0; i < d->n; i++) {
        p = &d->packet[i];
        size = p->pos - p->start + QUIC_TAG_LEN;
        in_flight = p->eliciting || p->padded;

        if (quic_send_seal(c, p) != NGX_OK) {
            return 0;
        }

        quic_recovery_sent(&c->recovery, quic_level_space(p->level), size,
                           p->eliciting, in_flight, now);

        if (p->eliciting && !c->eliciting_sent) {
            c->eliciting_sent = 1;
            quic_timers_active(c, now);
        }
    }

    return d->pos - buf;
}


static ngx_int_t
quic_send_seal(quic_conn_t *c, quic_out_packet_t *p)
{
    size_t        len;
    quic_keys_t  *keys;

    keys = c->tx[p->level];
    len = p->pos - p->payload;

    if (p->length) {
        quic_packet_set_length(p->length, p->pn_len + len + QUIC_TAG_LEN);
    }

    if (keys->sealed >= keys->suite->confidentiality_limit) {
        quic_close_silent(c, "no more packets may be sealed with this key");
        return NGX_ERROR;
    }

    if (quic_keys_seal(keys, p->start, p->payload - p->start, p->pn_len,
                       p->pn, len)
        != NGX_OK)
    {
        quic_close_silent(c, "a packet could not be sealed");
        return NGX_ERROR;
    }

    c->stats.packets_sent++;
    c->stats.bytes_sent += p->pos - p->start + QUIC_TAG_LEN;

    return NGX_OK;
}


/* bytes go out, perhaps not for the first time */

static void
quic_send_count(quic_conn_t *c, quic_send_buf_t *out, uint64_t offset,
    size_t len)
{
    if (offset < out->sent) {
        c->stats.bytes_retransmitted += ngx_min(len, out->sent - offset);
    }
}


/*
 * A frame has been written up to "end" (NULL: it had no room), and is noted if
 * "frame" isn't NULL.  NGX_OK, or NGX_DECLINED: it isn't in the packet.
 */

static ngx_int_t
quic_send_note(quic_conn_t *c, quic_out_packet_t *p, u_char *end,
    quic_sent_frame_t *frame)
{
    quic_space_e        space;
    quic_sent_frame_t  *f;

    if (end == NULL) {
        return NGX_DECLINED;
    }

    if (frame) {
        space = quic_level_space(p->level);
        f = quic_sent_frame(&c->recovery.space[space].sent);

        if (f == NULL) {
            quic_close_silent(c, "no memory for the record of a frame");
            return NGX_DECLINED;
        }

        *f = *frame;
    }

    p->pos = end;

    return NGX_OK;
}


/* neither is repeated with its packet: RFC 9000, 13.3 */

static void
quic_send_path(quic_conn_t *c, quic_path_t *path, quic_out_packet_t *p,
    uint64_t now)
{
    u_char  *end;

    if (path->respond) {
        end = quic_frame_write_path(p->pos, p->end, QUIC_FT_PATH_RESPONSE,
                                    path->response);

        if (quic_send_note(c, p, end, NULL) == NGX_OK) {
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

static void
quic_send_ack(quic_conn_t *c, quic_out_packet_t *p, uint64_t now)
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

    if (quic_send_note(c, p, end, &f) != NGX_OK) {
        return;
    }

    quic_ack_sent(ack);

    if (p->level == QUIC_LEVEL_APP && ack->largest >= c->phase.first_rx) {
        c->phase.confirmed = 1;
    }
}


static void
quic_send_crypto(quic_conn_t *c, quic_out_packet_t *p)
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
        quic_send_count(c, out, f.offset, len);

        if (quic_send_note(c, p, pos + len, &f) != NGX_OK
            || quic_send_buf_sent(out, f.offset, len, 0) != NGX_OK)
        {
            return;
        }

        p->eliciting = 1;
    }
}


static void
quic_send_pending(quic_conn_t *c, quic_out_packet_t *p)
{
    ngx_uint_t          i;
    u_char             *end;
    quic_sent_frame_t   f;

    for (i = 0;
         c->pending
         && i < sizeof(quic_send_pendings) / sizeof(quic_send_pendings[0]);
         i++)
    {
        if ((c->pending & quic_send_pendings[i].pend) == 0) {
            continue;
        }

        ngx_memzero(&f, sizeof(quic_sent_frame_t));
        end = quic_send_pendings[i].write(c, p, &f);

        if (quic_send_note(c, p, end, f.type ? &f : NULL) != NGX_OK) {
            return;
        }

        c->pending &= ~quic_send_pendings[i].pend;
        p->eliciting = 1;
    }

    if (c->pending & QUIC_PEND_NEW_CID) {
        quic_send_cids(c, p);
    }

    if (c->pending & QUIC_PEND_RETIRE_CID) {
        quic_send_retirements(c, p);
    }
}


static u_char *
quic_send_handshake_done(quic_conn_t *c, quic_out_packet_t *p,
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
quic_send_new_token(quic_conn_t *c, quic_out_packet_t *p, quic_sent_frame_t *f)
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
quic_send_max_data(quic_conn_t *c, quic_out_packet_t *p, quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_DATA;

    quic_streams_grow(c, p->now);

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_DATA,
                                  quic_flow_renew(&c->flow_in));
}


static u_char *
quic_send_max_streams_bidi(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_STREAMS_BIDI;

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_STREAMS_BIDI,
                                  c->streams.max_peer[0]);
}


static u_char *
quic_send_max_streams_uni(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    f->type = QUIC_FT_MAX_STREAMS_UNI;

    return quic_frame_write_value(p->pos, p->end, QUIC_FT_MAX_STREAMS_UNI,
                                  c->streams.max_peer[1]);
}


/* the draft, "Computation of Probe Timeout Period": no delay is too long now */

static u_char *
quic_send_ack_frequency(quic_conn_t *c, quic_out_packet_t *p,
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


/* these two are not sent again when they are lost: no record */

static u_char *
quic_send_data_blocked(quic_conn_t *c, quic_out_packet_t *p,
    quic_sent_frame_t *f)
{
    return quic_frame_write_value(p->pos, p->end, QUIC_FT_DATA_BLOCKED,
                                  c->flow_out.max);
}


static void
quic_send_cids(quic_conn_t *c, quic_out_packet_t *p)
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

        if (quic_send_note(c, p, end, &f) != NGX_OK) {
            return;
        }

        c->cids.next_sent = ngx_max(c->cids.next_sent, our->seq + 1);
        our->pending = 0;
        p->eliciting = 1;
    }

    c->pending &= ~QUIC_PEND_NEW_CID;
}


static void
quic_send_retirements(quic_conn_t *c, quic_out_packet_t *p)
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

        if (quic_send_note(c, p, end, &f) != NGX_OK) {
            return;
        }

        r->pending = 0;
        p->eliciting = 1;
    }

    c->pending &= ~QUIC_PEND_RETIRE_CID;
}


/* the frame of one bit of s->pending; "*f" is what its record says */

static u_char *
quic_send_stream_frame(quic_stream_t *s, ngx_uint_t pend,
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

    default: /* QUIC_STREAM_PEND_BLOCKED: not repeated, no record */
        return quic_frame_write_values(p->pos, p->end,
                                       QUIC_FT_STREAM_DATA_BLOCKED, s->id,
                                       s->flow_out.max);
    }
}


static void
quic_send_stream_control(quic_conn_t *c, quic_out_packet_t *p)
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
            end = quic_send_stream_frame(s, pend, p, &f);

            if (quic_send_note(c, p, end, f.type ? &f : NULL) != NGX_OK) {
                return;
            }

            s->pending &= ~pend;
            p->eliciting = 1;
        }

        ngx_queue_remove(&s->control);
        s->in_control = 0;
    }
}


static void
quic_send_stream_data(quic_conn_t *c, quic_out_packet_t *p)
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
        quic_send_count(c, &s->out, f.offset, len);

        if (quic_send_note(c, p, pos + len, &f) != NGX_OK
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

static uint64_t
quic_send_ping_type(quic_conn_t *c, quic_level_e level)
{
    return (level == QUIC_LEVEL_APP && c->ack_freq.min_delay)
               ? QUIC_FT_IMMEDIATE_ACK
               : QUIC_FT_PING;
}


static void
quic_send_ping(quic_conn_t *c, quic_out_packet_t *p)
{
    u_char  *end;

    end = quic_frame_write_plain(p->pos, p->end,
                                 quic_send_ping_type(c, p->level));

    if (quic_send_note(c, p, end, NULL) == NGX_OK) {
        c->pending &= ~QUIC_PEND_PING;
        p->eliciting = 1;
    }
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

        if (quic_send_open(c, &d, p, quic_send_levels[i], now) != NGX_OK) {
            continue;
        }

        /* there will be no ACK: the number is used, the record isn't */

        sent = &c->recovery.space[quic_level_space(p->level)].sent;
        quic_sent_cancel(sent);
        (void) quic_sent_skip(sent);

        quic_send_close_frame(c, p);

        if (p->pos > p->payload) {
            p->eliciting = (p->level == QUIC_LEVEL_INITIAL);
            d.pos = p->pos + QUIC_TAG_LEN;
            d.n++;
        }
    }

    if (d.n == 0) {
        return 0;
    }

    quic_send_pad(&d, buf);

    for (i = 0; i < d.n; i++) {
        if (quic_send_seal(c, &d.packet[i]) != NGX_OK) {
            return 0;
        }
    }

    return d.pos - buf;
}


static void
quic_send_close_frame(quic_conn_t *c, quic_out_packet_t *p)
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
