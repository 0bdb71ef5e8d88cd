
/*
 * A packet on its way out: begun with its header and its record, padded when
 * the datagram's size is known, and sealed.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_conn_internal.h"
#include "quic/quic_out.h"


static void quic_out_defer_ack(quic_conn_t *c, quic_space_e space,
    uint64_t now);
static void quic_out_header(quic_conn_t *c, quic_out_datagram_t *d,
    quic_out_packet_t *p);
static void quic_out_grease(quic_conn_t *c, u_char *first);


/* NGX_OK with a header written, or NGX_DECLINED: no room, or no record */

ngx_int_t
quic_out_open(quic_conn_t *c, quic_out_datagram_t *d, quic_out_packet_t *p,
    quic_level_e level, uint64_t now)
{
    size_t        room, header;
    ngx_int_t     rc;
    quic_space_e  space;

    room = d->end - d->pos;
    header = (level == QUIC_LEVEL_APP) ? QUIC_OUT_MAX_SHORT_HEADER
                                       : QUIC_MAX_LONG_HEADER;

    if (room < header + QUIC_OUT_MIN_ROOM + QUIC_TAG_LEN) {
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
        quic_out_defer_ack(c, space, now);
        return NGX_DECLINED;
    }

    p->level = level;
    p->now = now;
    p->eliciting = 0;
    p->expand = 0;

    quic_out_header(c, d, p);

    return NGX_OK;
}


/* as long as there are too many records, its deadline must not stay past */

static void
quic_out_defer_ack(quic_conn_t *c, quic_space_e space, uint64_t now)
{
    quic_ack_t  *ack;

    ack = &c->space[space].ack;

    if (quic_ack_due(ack, now)) {
        ack->deadline = now + QUIC_MAX_ACK_DELAY;
    }
}


static void
quic_out_header(quic_conn_t *c, quic_out_datagram_t *d, quic_out_packet_t *p)
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
        quic_out_grease(c, p->start);
    }
}


/*
 * RFC 9287, 3.1: the fixed bit is drawn anew for each packet, 63 of them at a
 * time.  The highest one that is set stands behind the last.
 */

static void
quic_out_grease(quic_conn_t *c, u_char *first)
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
 *
 * Padding is in flight (RFC 9002, 2), and so there is a PING in it if nothing
 * else asks for an ACK: nothing would ever say that it has arrived.
 */

void
quic_out_pad(quic_out_datagram_t *d, u_char *buf)
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

        if (!last->eliciting) {
            *last->pos = QUIC_FT_PING;
            last->eliciting = 1;
        }

        last->pos += QUIC_MIN_INITIAL_SIZE - len;
    }

    d->pos = last->pos + QUIC_TAG_LEN;
}


ngx_int_t
quic_out_seal(quic_conn_t *c, quic_out_packet_t *p)
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


/*
 * A frame has been written up to "end" (NULL: it had no room), and is noted if
 * "frame" isn't NULL.  NGX_OK, or NGX_DECLINED: it isn't in the packet.
 */

ngx_int_t
quic_out_note(quic_conn_t *c, quic_out_packet_t *p, u_char *end,
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
