
/*
 * Packet headers: RFC 8999; RFC 9000, section 17; RFC 9369, section 3.
 *
 * Only what stands in the clear is parsed here.  The packet number and the
 * low bits of the first byte are under header protection, which the crypto
 * floor takes off.
 */

#ifndef _QUIC_PACKET_H_INCLUDED_
#define _QUIC_PACKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define QUIC_VERSION_NEGOTIATION   0x00000000
#define QUIC_VERSION_1             0x00000001
#define QUIC_VERSION_2             0x6b3343cf

#define QUIC_CID_MAX_LEN           20    /* RFC 9000, 17.2: versions 1 and 2 */
#define QUIC_CID_LEN               16    /* of every CID that we issue */
#define QUIC_RESET_TOKEN_LEN       16
#define QUIC_RETRY_TAG_LEN         16

#define QUIC_MIN_INITIAL_SIZE      1200  /* RFC 9000, 14.1 */

/* a header with the longest connection IDs, no token, 4-byte packet number */
#define QUIC_MAX_LONG_HEADER       (1 + 4 + 1 + 20 + 1 + 20 + 1 + 4 + 4)


/* bits of the first byte */

#define QUIC_LONG_HEADER           0x80
#define QUIC_FIXED_BIT             0x40
#define QUIC_LONG_RESERVED         0x0c
#define QUIC_SHORT_RESERVED        0x18
#define QUIC_SPIN_BIT              0x20
#define QUIC_KEY_PHASE             0x04
#define QUIC_PN_LEN_MASK           0x03


/*
 * The kind of a packet, whatever bits the version has for it.  The first four
 * are in the order of the encryption levels.
 */

typedef enum {
    QUIC_PACKET_INITIAL = 0,
    QUIC_PACKET_0RTT,
    QUIC_PACKET_HANDSHAKE,
    QUIC_PACKET_1RTT,
    QUIC_PACKET_RETRY,
    QUIC_PACKET_VERSION_NEGOTIATION,
    QUIC_PACKET_UNKNOWN_VERSION     /* long header of a version not ours */
} quic_packet_type_e;


typedef struct {
    u_char               len;
    u_char               data[QUIC_CID_MAX_LEN];
} quic_cid_t;


typedef struct {
    quic_packet_type_e   type;
    uint32_t             version;    /* 0 with a short header */
    ngx_str_t            dcid;       /* in place */
    ngx_str_t            scid;       /* in place; empty with a short header */
    ngx_str_t            token;      /* Initial and Retry; in place.  Of a
                                        Version Negotiation packet: its list
                                        of versions, 4 bytes each */

    u_char              *data;       /* first byte of the packet */
    size_t               len;        /* whole packet, header included */
    size_t               pn_offset;  /* of the packet number, from data;
                                        0 when the packet has none */
} quic_packet_t;


/*
 * Parses the header of the packet at "data"; the packet may be followed by
 * others of the same datagram: "len" of the result says where it ends (a short
 * header, Retry, Version Negotiation and unknown version take all that is
 * left).  "cid_len" is the length of a short header's DCID.
 *
 * NGX_OK;
 * NGX_DECLINED: not a QUIC packet that anything can be made of (truncated,
 *               fixed bit 0 with a version that is ours, CID too long, length
 *               beyond the datagram): to be dropped in silence.
 *
 * RFC 9287: the fixed bit is looked at only if "fixed_bit" is non-zero.
 */
ngx_int_t quic_packet_parse(quic_packet_t *pkt, u_char *data, size_t len,
    size_t cid_len, ngx_uint_t fixed_bit);

/*
 * The DCID alone, for finding the connection of a datagram: NGX_OK, or
 * NGX_DECLINED for what is too short.  Looks only at what RFC 8999 promises
 * for all versions.
 */
ngx_int_t quic_packet_dcid(u_char *data, size_t len, size_t cid_len,
    ngx_str_t *dcid);

/* non-zero for a version that this floor knows */
ngx_uint_t quic_version_known(uint32_t version);


/*
 * RFC 9000, A.3: the full number from its "len" (1 to 4) low bytes, when
 * "largest" is the largest processed, or UINT64_MAX when nothing is yet.
 */
uint64_t quic_pn_decode(uint64_t largest, uint64_t truncated, size_t len);

/*
 * RFC 9000, A.2: bytes (1 to 4) that "pn" takes when "largest_acked" is the
 * largest acknowledged, or UINT64_MAX when nothing is yet.
 */
size_t quic_pn_len(uint64_t pn, uint64_t largest_acked);


/*
 * Writing.  A long header is written with a two-byte Length field, whose
 * place comes back in "*length", to be filled by quic_packet_set_length() when
 * the payload is known.  The packet number is written in the clear, pn_len
 * bytes.  Both return the end of what was written.  "token" may be NULL and is
 * used for an Initial packet only; a version that isn't known is written with
 * the type bits of version 1.
 */
u_char *quic_packet_write_long(u_char *p, quic_packet_type_e type,
    uint32_t version, quic_cid_t *dcid, quic_cid_t *scid, ngx_str_t *token,
    uint64_t pn, size_t pn_len, u_char **length);

u_char *quic_packet_write_short(u_char *p, quic_cid_t *dcid,
    ngx_uint_t key_phase, ngx_uint_t spin, uint64_t pn, size_t pn_len);

/* "len": packet number, payload and AEAD tag, in bytes; at most 16383 */
void quic_packet_set_length(u_char *length, size_t len);

/*
 * A Version Negotiation packet into "buf" (RFC 9000, 17.2.1): "dcid" and
 * "scid" are the client's packet's, here they get swapped (they may be up to
 * 255 bytes), then our versions and one reserved one made of "random".
 * Returns its length, or 0 when it doesn't fit in "size".
 */
size_t quic_packet_write_vn(u_char *buf, size_t size, ngx_str_t *dcid,
    ngx_str_t *scid, u_char random);

/*
 * A Retry packet without its integrity tag (RFC 9000, 17.2.5): "dcid" is the
 * SCID of the client's packet, "scid" the one that we choose, "token" isn't
 * empty.  Returns its length, or 0 when it doesn't fit; 16 bytes for the tag
 * are left free behind it.
 */
size_t quic_packet_write_retry(u_char *buf, size_t size, uint32_t version,
    ngx_str_t *dcid, quic_cid_t *scid, ngx_str_t *token);


static ngx_inline ngx_uint_t
quic_cid_equal(quic_cid_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, b->len) == 0;
}


/* "len" is at most QUIC_CID_MAX_LEN: the parser has seen to that */
static ngx_inline void
quic_cid_set(quic_cid_t *cid, u_char *data, size_t len)
{
    cid->len = (u_char) len;
    ngx_memcpy(cid->data, data, len);
}


#endif /* _QUIC_PACKET_H_INCLUDED_ */
