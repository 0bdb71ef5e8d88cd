
/*
 * Packet headers: RFC 8999, RFC 9000, section 17.
 *
 * A long header begins alike in all versions of QUIC, up to and including the
 * Source Connection ID (RFC 8999, 5.1).  What follows depends on the type, and
 * quic_packet_bodies[] has a parser for each.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"


/* a version: which two bits of the first byte stand for which type */

typedef struct {
    uint32_t             version;
    u_char               bits[QUIC_PACKET_RETRY + 1];
    quic_packet_type_e   types[4];
} quic_version_t;

typedef ngx_int_t (*quic_packet_body_pt)(quic_packet_t *pkt,
    quic_cursor_t *c);


static const quic_version_t *quic_version_find(uint32_t version);
static u_char quic_version_bits(uint32_t version, quic_packet_type_e type);
static ngx_int_t quic_packet_parse_short(quic_packet_t *pkt, size_t cid_len);
static ngx_int_t quic_packet_parse_long(quic_packet_t *pkt,
    ngx_uint_t fixed_bit);
static ngx_int_t quic_packet_parse_initial(quic_packet_t *pkt,
    quic_cursor_t *c);
static ngx_int_t quic_packet_parse_numbered(quic_packet_t *pkt,
    quic_cursor_t *c);
static ngx_int_t quic_packet_parse_retry(quic_packet_t *pkt,
    quic_cursor_t *c);
static ngx_int_t quic_packet_parse_vn(quic_packet_t *pkt, quic_cursor_t *c);
static ngx_int_t quic_packet_parse_unknown(quic_packet_t *pkt,
    quic_cursor_t *c);
static void quic_packet_read_cid(quic_cursor_t *c, ngx_str_t *cid);
static u_char *quic_packet_write_prefix(u_char *p, u_char first,
    uint32_t version, u_char *dcid, size_t dcid_len, u_char *scid,
    size_t scid_len);
static u_char *quic_packet_write_bytes(u_char *p, u_char *data, size_t len);
static u_char *quic_packet_write_uint(u_char *p, uint64_t value, size_t len);


/* 1-RTT packets have a short header: their place in "bits" isn't used */

static const quic_version_t  quic_versions[] = {

    { QUIC_VERSION_1,                           /* RFC 9000, 17.2 */
      { 0, 1, 2, 0, 3 },
      { QUIC_PACKET_INITIAL, QUIC_PACKET_0RTT, QUIC_PACKET_HANDSHAKE,
        QUIC_PACKET_RETRY } },

    { QUIC_VERSION_2,                           /* RFC 9369, 3.2 */
      { 1, 2, 3, 0, 0 },
      { QUIC_PACKET_RETRY, QUIC_PACKET_INITIAL, QUIC_PACKET_0RTT,
        QUIC_PACKET_HANDSHAKE } }
};


/* what stands behind the connection IDs of a long header, by type */

static const quic_packet_body_pt  quic_packet_bodies[] = {
    quic_packet_parse_initial,                  /* QUIC_PACKET_INITIAL */
    quic_packet_parse_numbered,                 /* QUIC_PACKET_0RTT */
    quic_packet_parse_numbered,                 /* QUIC_PACKET_HANDSHAKE */
    quic_packet_parse_unknown,                  /* QUIC_PACKET_1RTT: never */
    quic_packet_parse_retry,                    /* QUIC_PACKET_RETRY */
    quic_packet_parse_vn,                       /* ..._VERSION_NEGOTIATION */
    quic_packet_parse_unknown                   /* ..._UNKNOWN_VERSION */
};


static const quic_version_t *
quic_version_find(uint32_t version)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(quic_versions) / sizeof(quic_versions[0]); i++) {

        if (quic_versions[i].version == version) {
            return &quic_versions[i];
        }
    }

    return NULL;
}


ngx_uint_t
quic_version_known(uint32_t version)
{
    return quic_version_find(version) != NULL;
}


/* first byte of a long header, without its low four bits */

static u_char
quic_version_bits(uint32_t version, quic_packet_type_e type)
{
    const quic_version_t  *v;

    v = quic_version_find(version);

    if (v == NULL) {
        v = &quic_versions[0];
    }

    return QUIC_LONG_HEADER|QUIC_FIXED_BIT | (u_char) (v->bits[type] << 4);
}


ngx_int_t
quic_packet_parse(quic_packet_t *pkt, u_char *data, size_t len,
    size_t cid_len, ngx_uint_t fixed_bit)
{
    if (len == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(pkt, sizeof(quic_packet_t));

    pkt->data = data;
    pkt->len = len;

    if (data[0] & QUIC_LONG_HEADER) {
        return quic_packet_parse_long(pkt, fixed_bit);
    }

    if (fixed_bit && !(data[0] & QUIC_FIXED_BIT)) {
        return NGX_DECLINED;
    }

    return quic_packet_parse_short(pkt, cid_len);
}


static ngx_int_t
quic_packet_parse_short(quic_packet_t *pkt, size_t cid_len)
{
    if (pkt->len - 1 < cid_len) {
        return NGX_DECLINED;
    }

    pkt->type = QUIC_PACKET_1RTT;
    pkt->dcid.data = pkt->data + 1;
    pkt->dcid.len = cid_len;
    pkt->pn_offset = 1 + cid_len;

    return NGX_OK;
}


static ngx_int_t
quic_packet_parse_long(quic_packet_t *pkt, ngx_uint_t fixed_bit)
{
    u_char                 first;
    quic_cursor_t          c;
    const quic_version_t  *version;

    quic_cursor_init(&c, pkt->data, pkt->len);

    first = quic_cursor_u8(&c);
    pkt->version = quic_cursor_u32(&c);

    quic_packet_read_cid(&c, &pkt->dcid);
    quic_packet_read_cid(&c, &pkt->scid);

    if (c.failed) {
        return NGX_DECLINED;
    }

    version = quic_version_find(pkt->version);

    if (version == NULL) {

        /* nothing but RFC 8999 holds here, the fixed bit doesn't */

        pkt->type = pkt->version == QUIC_VERSION_NEGOTIATION
                    ? QUIC_PACKET_VERSION_NEGOTIATION
                    : QUIC_PACKET_UNKNOWN_VERSION;

        return quic_packet_bodies[pkt->type](pkt, &c);
    }

    if ((fixed_bit && !(first & QUIC_FIXED_BIT))
        || pkt->dcid.len > QUIC_CID_MAX_LEN
        || pkt->scid.len > QUIC_CID_MAX_LEN)
    {
        return NGX_DECLINED;
    }

    pkt->type = version->types[(first >> 4) & 0x03];

    return quic_packet_bodies[pkt->type](pkt, &c);
}


static ngx_int_t
quic_packet_parse_initial(quic_packet_t *pkt, quic_cursor_t *c)
{
    pkt->token.len = quic_cursor_varint(c);
    pkt->token.data = quic_cursor_bytes(c, pkt->token.len);

    return quic_packet_parse_numbered(pkt, c);
}


/*
 * The Length field says where the packet ends, so that another may follow it
 * in the datagram (RFC 9000, 12.2).
 */

static ngx_int_t
quic_packet_parse_numbered(quic_packet_t *pkt, quic_cursor_t *c)
{
    uint64_t  length;

    length = quic_cursor_varint(c);

    if (c->failed || length > quic_cursor_left(c)) {
        return NGX_DECLINED;
    }

    pkt->pn_offset = c->pos - pkt->data;
    pkt->len = pkt->pn_offset + length;

    return NGX_OK;
}


static ngx_int_t
quic_packet_parse_retry(quic_packet_t *pkt, quic_cursor_t *c)
{
    /* RFC 9000, 17.2.5.2: an empty token is to be discarded as well */

    if (quic_cursor_left(c) <= QUIC_RETRY_TAG_LEN) {
        return NGX_DECLINED;
    }

    pkt->token.len = quic_cursor_left(c) - QUIC_RETRY_TAG_LEN;
    pkt->token.data = c->pos;

    return NGX_OK;
}


static ngx_int_t
quic_packet_parse_vn(quic_packet_t *pkt, quic_cursor_t *c)
{
    /* RFC 8999, section 6: no version at all, or half of one */

    if (quic_cursor_left(c) == 0 || quic_cursor_left(c) % 4 != 0) {
        return NGX_DECLINED;
    }

    pkt->token.len = quic_cursor_left(c);
    pkt->token.data = c->pos;

    return NGX_OK;
}


static ngx_int_t
quic_packet_parse_unknown(quic_packet_t *pkt, quic_cursor_t *c)
{
    return NGX_OK;
}


ngx_int_t
quic_packet_dcid(u_char *data, size_t len, size_t cid_len, ngx_str_t *dcid)
{
    quic_cursor_t  c;

    quic_cursor_init(&c, data, len);

    if (quic_cursor_u8(&c) & QUIC_LONG_HEADER) {
        (void) quic_cursor_u32(&c);
        quic_packet_read_cid(&c, dcid);

    } else {
        dcid->len = cid_len;
        dcid->data = quic_cursor_bytes(&c, cid_len);
    }

    return c.failed ? NGX_DECLINED : NGX_OK;
}


static void
quic_packet_read_cid(quic_cursor_t *c, ngx_str_t *cid)
{
    cid->len = quic_cursor_u8(c);
    cid->data = quic_cursor_bytes(c, cid->len);
}


/*
 * With UINT64_MAX for "nothing received yet" the number that is expected
 * becomes 0 by itself.  Unlike in the RFC's sample, behind 2^62-1 comes no
 * number that the ACK frame for it couldn't hold.
 */

uint64_t
quic_pn_decode(uint64_t largest, uint64_t truncated, size_t len)
{
    uint64_t  expected, window, pn;

    expected = largest + 1;
    window = 1ULL << (8 * len);

    pn = (expected & ~(window - 1)) | truncated;

    if (pn + window / 2 <= expected && pn + window <= QUIC_VARINT_MAX) {
        return pn + window;
    }

    if ((pn > expected + window / 2 && pn >= window)
        || pn > QUIC_VARINT_MAX)
    {
        return pn - window;
    }

    return pn;
}


/*
 * RFC 9000, 17.1: the range that is sent has to be more than twice as large
 * as the one that is not acknowledged.
 */

size_t
quic_pn_len(uint64_t pn, uint64_t largest_acked)
{
    size_t    len;
    uint64_t  unacked;

    unacked = pn - largest_acked;

    for (len = 1; len < 4; len++) {

        if (unacked < 1ULL << (8 * len - 1)) {
            break;
        }
    }

    return len;
}


u_char *
quic_packet_write_long(u_char *p, quic_packet_type_e type, uint32_t version,
    quic_cid_t *dcid, quic_cid_t *scid, ngx_str_t *token, uint64_t pn,
    size_t pn_len, u_char **length)
{
    u_char  first;

    first = quic_version_bits(version, type) | (u_char) (pn_len - 1);

    p = quic_packet_write_prefix(p, first, version, dcid->data, dcid->len,
                                 scid->data, scid->len);

    if (type == QUIC_PACKET_INITIAL) {
        p = quic_varint_write(p, token ? token->len : 0);

        if (token) {
            p = quic_packet_write_bytes(p, token->data, token->len);
        }
    }

    *length = p;

    return quic_packet_write_uint(p + 2, pn, pn_len);
}


u_char *
quic_packet_write_short(u_char *p, quic_cid_t *dcid, ngx_uint_t key_phase,
    ngx_uint_t spin, uint64_t pn, size_t pn_len)
{
    *p++ = QUIC_FIXED_BIT | (u_char) (pn_len - 1)
           | (key_phase ? QUIC_KEY_PHASE : 0)
           | (spin ? QUIC_SPIN_BIT : 0);

    p = quic_packet_write_bytes(p, dcid->data, dcid->len);

    return quic_packet_write_uint(p, pn, pn_len);
}


void
quic_packet_set_length(u_char *length, size_t len)
{
    (void) quic_varint_write_len(length, len, 2);
}


size_t
quic_packet_write_vn(u_char *buf, size_t size, ngx_str_t *dcid,
    ngx_str_t *scid, u_char random)
{
    u_char      *p, first;
    uint32_t     reserved;
    ngx_uint_t   i, n;

    n = sizeof(quic_versions) / sizeof(quic_versions[0]);

    if (size < 1 + 4 + 1 + scid->len + 1 + dcid->len + 4 * (n + 1)) {
        return 0;
    }

    /* the fixed bit is set for those who tell protocols apart by it */

    first = QUIC_LONG_HEADER|QUIC_FIXED_BIT | (random & 0x3f);

    p = quic_packet_write_prefix(buf, first, QUIC_VERSION_NEGOTIATION,
                                 scid->data, scid->len, dcid->data,
                                 dcid->len);

    for (i = 0; i < n; i++) {
        p = quic_packet_write_uint(p, quic_versions[i].version, 4);
    }

    /*
     * RFC 9000, section 15: 0x?a?a?a?a.  The digits aren't all alike, nor in
     * a row, as in the versions with which clients ask for a negotiation:
     * a list that has the client's own version would be discarded.
     */

    reserved = 0x0a0a0a0a | ((random >> 4) * 0x10101010U ^ 0x90502000);
    p = quic_packet_write_uint(p, reserved, 4);

    return p - buf;
}


size_t
quic_packet_write_retry(u_char *buf, size_t size, uint32_t version,
    ngx_str_t *dcid, quic_cid_t *scid, ngx_str_t *token)
{
    u_char  *p, first;

    if (size < 1 + 4 + 1 + dcid->len + 1 + scid->len + token->len
               + QUIC_RETRY_TAG_LEN)
    {
        return 0;
    }

    /* the four unused bits are arbitrary: as in the example of RFC 9001 */

    first = quic_version_bits(version, QUIC_PACKET_RETRY) | 0x0f;

    p = quic_packet_write_prefix(buf, first, version, dcid->data, dcid->len,
                                 scid->data, scid->len);

    p = quic_packet_write_bytes(p, token->data, token->len);

    return p - buf;
}


/* the part of a long header that is the same in all versions */

static u_char *
quic_packet_write_prefix(u_char *p, u_char first, uint32_t version,
    u_char *dcid, size_t dcid_len, u_char *scid, size_t scid_len)
{
    *p++ = first;
    p = quic_packet_write_uint(p, version, 4);

    *p++ = (u_char) dcid_len;
    p = quic_packet_write_bytes(p, dcid, dcid_len);

    *p++ = (u_char) scid_len;
    return quic_packet_write_bytes(p, scid, scid_len);
}


/* an empty string may have no address, which memcpy() mustn't see */

static u_char *
quic_packet_write_bytes(u_char *p, u_char *data, size_t len)
{
    return len ? ngx_cpymem(p, data, len) : p;
}


/* the low "len" bytes of "value", the highest first */

static u_char *
quic_packet_write_uint(u_char *p, uint64_t value, size_t len)
{
    while (len--) {
        *p++ = (u_char) (value >> (8 * len));
    }

    return p;
}
