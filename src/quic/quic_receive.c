
/*
 * From a datagram to frames: the packets of it one after the other, header
 * protection off, opened in place, checked, noted for the ACK.
 *
 * What can't be opened is dropped and costs nothing but the attempt (RFC 9000,
 * 5.2); a peer's mistake counts as one only when the packet has been
 * authenticated.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


static ngx_int_t quic_receive_packet(quic_conn_t *c, quic_packet_t *pkt,
    ngx_uint_t ecn, uint64_t now);
static ngx_int_t quic_receive_open(quic_conn_t *c, quic_packet_t *pkt,
    uint64_t *pn, ngx_str_t *payload);
static ngx_int_t quic_receive_open_1rtt(quic_conn_t *c, quic_packet_t *pkt,
    size_t pn_len, uint64_t pn, ngx_str_t *payload);
static ngx_int_t quic_receive_opened(quic_conn_t *c, quic_packet_t *pkt,
    uint64_t pn, ngx_str_t *payload, ngx_uint_t ecn, uint64_t now);
static ngx_int_t quic_receive_refuse(quic_conn_t *c, quic_space_e space,
    uint64_t pn);
static void quic_receive_rest(quic_conn_t *c, quic_datagram_t *dgram,
    size_t offset, uint64_t now);
static ngx_uint_t quic_receive_is_early(quic_conn_t *c,
    quic_packet_type_e type);
static void quic_receive_keep(quic_conn_t *c, quic_packet_t *pkt,
    ngx_uint_t ecn);


void
quic_receive_datagram(quic_conn_t *c, quic_datagram_t *dgram, uint64_t now)
{
    quic_conn_wake(c);
    c->opened = 0;

    switch (c->state) {

    case QUIC_CONN_OPEN:
        c->dgram = dgram;
        c->from = quic_paths_received(&c->paths, dgram);

        quic_handshake_expire_keys(c, now);
        quic_receive_rest(c, dgram, 0, now);
        return;

    case QUIC_CONN_CLOSING:
        quic_close_received(c, now);
        return;

    default:
        return;
    }
}


void
quic_receive_first(quic_conn_t *c, quic_datagram_t *dgram, quic_packet_t *pkt,
    uint64_t pn, ngx_str_t *payload, uint64_t now)
{
    quic_conn_wake(c);

    c->dgram = dgram;
    c->from = c->paths.active;

    if (quic_receive_opened(c, pkt, pn, payload, dgram->ecn, now) == NGX_OK) {
        quic_receive_rest(c, dgram, pkt->len, now);
    }
}


/*
 * RFC 9000, 12.2: coalesced packets.  Those with another DCID than the first
 * are ignored, and so are Initial packets in a datagram that is too short for
 * them (14.1).
 */

static void
quic_receive_rest(quic_conn_t *c, quic_datagram_t *dgram, size_t offset,
    uint64_t now)
{
    ngx_str_t      dcid;
    quic_packet_t  pkt;

    if (quic_packet_dcid(dgram->data, dgram->len, QUIC_CID_LEN, &dcid)
        != NGX_OK)
    {
        return;
    }

    for ( /* void */ ;
         offset < dgram->len && c->state == QUIC_CONN_OPEN;
         offset += pkt.len)
    {

        if (quic_packet_parse(&pkt, dgram->data + offset, dgram->len - offset,
                              QUIC_CID_LEN, !c->any_fixed_bit)
            != NGX_OK)
        {
            return;
        }

        if (pkt.dcid.len != dcid.len
            || ngx_memcmp(pkt.dcid.data, dcid.data, dcid.len) != 0
            || (pkt.type == QUIC_PACKET_INITIAL
                && dgram->len < QUIC_MIN_INITIAL_SIZE))
        {
            continue;
        }

        if (quic_receive_packet(c, &pkt, dgram->ecn, now) != NGX_OK) {
            return;
        }
    }
}


/* NGX_OK to go on with the datagram, NGX_ERROR when the connection closes */

static ngx_int_t
quic_receive_packet(quic_conn_t *c, quic_packet_t *pkt, ngx_uint_t ecn,
    uint64_t now)
{
    uint64_t    pn;
    ngx_str_t   payload;

    if (pkt->type > QUIC_PACKET_1RTT) {
        return NGX_OK;
    }

    /* RFC 9000, 7.2: a client keeps the connection ID that it began with */

    if (pkt->type == QUIC_PACKET_INITIAL
        && !quic_cid_equal(quic_cids_peers(c, c->paths.active), &pkt->scid))
    {
        return NGX_OK;
    }

    if (quic_receive_is_early(c, pkt->type)) {
        quic_receive_keep(c, pkt, ecn);
        return NGX_OK;
    }

    if (quic_receive_open(c, pkt, &pn, &payload) != NGX_OK) {
        return NGX_OK;
    }

    return quic_receive_opened(c, pkt, pn, &payload, ecn, now);
}


static ngx_int_t
quic_receive_open(quic_conn_t *c, quic_packet_t *pkt, uint64_t *pn,
    ngx_str_t *payload)
{
    size_t         pn_len;
    uint64_t       truncated;
    ngx_int_t      rc;
    quic_ack_t    *ack;
    quic_keys_t   *keys;
    quic_level_e   level;

    level = (quic_level_e) pkt->type;
    keys = quic_version_rx(c, pkt);

    if (keys == NULL
        || quic_keys_unprotect(keys, pkt, &pn_len, &truncated) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ack = &c->space[quic_level_space(level)].ack;

    *pn = quic_pn_decode(ack->largest, truncated, pn_len);

    if (level == QUIC_LEVEL_APP) {
        rc = quic_receive_open_1rtt(c, pkt, pn_len, *pn, payload);

    } else {
        rc = quic_keys_open(keys, pkt, pn_len, *pn, payload);
    }

    if (rc == NGX_OK) {

        /* not before, or the time would tell who guesses it: RFC 9001, 9.5 */

        return quic_ack_duplicate(ack, *pn) ? NGX_DECLINED : NGX_OK;
    }

    /* RFC 9001, 6.6 */

    if (++c->failed_opens > keys->suite->integrity_limit) {
        quic_conn_close(c, QUIC_AEAD_LIMIT_REACHED,
                        "too many packets failed authentication");
    }

    return NGX_DECLINED;
}


/*
 * RFC 9001, 6.3 to 6.5: the key phase bit is one of ours, the next, or, for a
 * number below the first of this phase, the one before.
 */

static ngx_int_t
quic_receive_open_1rtt(quic_conn_t *c, quic_packet_t *pkt, size_t pn_len,
    uint64_t pn, ngx_str_t *payload)
{
    ngx_int_t          rc;
    ngx_uint_t         bit;
    quic_key_phase_t  *phase;

    phase = &c->phase;
    bit = (pkt->data[0] & QUIC_KEY_PHASE) ? 1 : 0;

    if (bit == phase->phase) {
        rc = quic_keys_open(c->rx[QUIC_LEVEL_APP], pkt, pn_len, pn, payload);

        if (rc == NGX_OK && pn < phase->first_rx) {
            return quic_handshake_begin_phase(c, pn);
        }

        return rc;
    }

    if (pn < phase->first_rx) {

        if (phase->prev_rx == NULL
            || quic_keys_open(phase->prev_rx, pkt, pn_len, pn, payload)
               != NGX_OK)
        {
            return NGX_DECLINED;
        }

        phase->least_rx = ngx_max(phase->least_rx, pn + 1);

        return NGX_OK;
    }

    if (quic_keys_open(phase->next_rx, pkt, pn_len, pn, payload) != NGX_OK) {
        return NGX_DECLINED;
    }

    return quic_handshake_update_keys(c, pn);
}


static ngx_int_t
quic_receive_opened(quic_conn_t *c, quic_packet_t *pkt, uint64_t pn,
    ngx_str_t *payload, ngx_uint_t ecn, uint64_t now)
{
    u_char         reserved;
    ngx_int_t      rc;
    ngx_uint_t     flags;
    quic_level_e   level;
    quic_space_e   space;

    level = (quic_level_e) pkt->type;
    space = quic_level_space(level);
    c->opened = 1;

    c->stats.packets_received++;
    c->stats.bytes_received += pkt->len;

    reserved = (level == QUIC_LEVEL_APP) ? QUIC_SHORT_RESERVED
                                         : QUIC_LONG_RESERVED;

    if (pkt->data[0] & reserved) {
        /* RFC 9000, 17.2 and 17.3.1 */
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION, "reserved bits are set");
        return NGX_ERROR;
    }

    if (level == QUIC_LEVEL_HANDSHAKE) {
        /* RFC 9001, 4.9.1; RFC 9000, 8.1: only the client could make it */
        quic_handshake_discard(c, QUIC_LEVEL_INITIAL);
        quic_conn_validated(c);
    }

    c->dcid = pkt->dcid;

    rc = quic_frames_handle(c, level, payload, &flags, now);

    if (rc == NGX_DECLINED) {
        return quic_receive_refuse(c, space, pn);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* RFC 9000, 10.1: received and processed successfully */

    quic_timers_active(c, now);
    c->eliciting_sent = 0;

    /* the packet may have been the last of its level */

    if (c->rx[level]
        && quic_ack_received(&c->space[space].ack, pn,
                             flags & QUIC_FRAME_ACK_ELICITING, ecn, now)
           != NGX_OK)
    {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for an ACK");
        return NGX_ERROR;
    }

    if (level == QUIC_LEVEL_APP) {
        quic_migrate_received(c, pn, flags & QUIC_FRAME_PROBING, now);
    }

    if (c->early) {
        quic_receive_early(c, now);
    }

    return c->state == QUIC_CONN_OPEN ? NGX_OK : NGX_ERROR;
}


/* the client will send what was in it again, in another packet */

static ngx_int_t
quic_receive_refuse(quic_conn_t *c, quic_space_e space, uint64_t pn)
{
    if (quic_ack_refused(&c->space[space].ack, pn) != NGX_OK) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for an ACK");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * RFC 9001, 5.7: 1-RTT packets wait until the handshake is complete, 0-RTT ones
 * until the ClientHello has told whether they are taken.  A client sends
 * Handshake packets only after our answer, when their keys are there.
 *
 * A ticket doesn't say where its client is.  Requests of one that has brought
 * no token wait until a Handshake packet has shown that it's there, or they
 * would be taken for those of the address that it has written on them.
 */

static ngx_uint_t
quic_receive_is_early(quic_conn_t *c, quic_packet_type_e type)
{
    switch (type) {

    case QUIC_PACKET_0RTT:
        return !c->has_params
               || (c->rx[QUIC_LEVEL_EARLY] && !c->paths.active->validated);

    case QUIC_PACKET_1RTT:
        return !c->handshake_done && c->rx[QUIC_LEVEL_APP] == NULL;

    default:
        return 0;
    }
}


static void
quic_receive_keep(quic_conn_t *c, quic_packet_t *pkt, ngx_uint_t ecn)
{
    quic_early_packet_t  *p, **last;

    if (c->nearly == QUIC_MAX_UNDECRYPTABLE
        || pkt->len > QUIC_MAX_UNDECRYPTABLE_SIZE
        || c->from != c->paths.active)
    {
        return;
    }

    p = quic_alloc(c->mem, sizeof(quic_early_packet_t) + pkt->len);
    if (p == NULL) {
        return;
    }

    p->next = NULL;
    p->len = pkt->len;
    p->ecn = ecn;
    p->type = pkt->type;
    ngx_memcpy(p->data, pkt->data, pkt->len);

    for (last = &c->early; *last; last = &(*last)->next) { /* void */ }

    *last = p;
    c->nearly++;
}


void
quic_receive_early(quic_conn_t *c, uint64_t now)
{
    quic_path_t            *from;
    quic_packet_t           pkt;
    quic_early_packet_t    *p, **last;
    const quic_datagram_t  *dgram;

    dgram = c->dgram;
    from = c->from;

    /* no others were kept */

    c->dgram = NULL;
    c->from = c->paths.active;

    for (last = &c->early; *last; /* void */) {
        p = *last;

        if (quic_receive_is_early(c, p->type)) {
            last = &p->next;
            continue;
        }

        *last = p->next;
        c->nearly--;

        if (c->state == QUIC_CONN_OPEN
            && quic_packet_parse(&pkt, p->data, p->len, QUIC_CID_LEN, 0)
               == NGX_OK)
        {
            (void) quic_receive_packet(c, &pkt, p->ecn, now);
        }

        quic_free(c->mem, p, sizeof(quic_early_packet_t) + p->len);

        /* which may have come here again, and have changed the list */

        last = &c->early;
    }

    c->dgram = dgram;
    c->from = from;
}


void
quic_receive_early_free(quic_conn_t *c)
{
    quic_early_packet_t  *p;

    while (c->early) {
        p = c->early;
        c->early = p->next;
        quic_free(c->mem, p, sizeof(quic_early_packet_t) + p->len);
    }
}
