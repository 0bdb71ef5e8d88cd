
/*
 * Packet protection: RFC 9001, section 5; RFC 9369, section 3.3.
 *
 * quic_keys_t protects or opens the packets of one direction at one level.
 * What is costly (key schedules) is done when the keys are set; sealing and
 * opening take no allocation.
 *
 * Steps: quic_keys_initial() or quic_keys_set() from a traffic secret; then
 * quic_keys_seal() / quic_keys_open() for every packet; quic_keys_clear()
 * wipes secrets.  A key update: quic_keys_next() makes the keys of the next
 * phase from the current ones; header protection stays.
 *
 * A quic_keys_t may be moved by assignment; only one of the two is then to be
 * cleared, and the other to be wiped or overwritten.
 */

#ifndef _QUIC_KEYS_H_INCLUDED_
#define _QUIC_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/aead.h>
#include <openssl/aes.h>
#include "wire/quic_packet.h"


#define QUIC_TAG_LEN         16
#define QUIC_IV_LEN          12
#define QUIC_MAX_SECRET_LEN  48
#define QUIC_SAMPLE_LEN      16


/* the TLS 1.3 suites; RFC 9001, 5.3 and 6.6 */

typedef enum {
    QUIC_AES_128_GCM_SHA256 = 0,
    QUIC_AES_256_GCM_SHA384,
    QUIC_CHACHA20_POLY1305_SHA256
} quic_suite_e;


typedef struct quic_keys_s  quic_keys_t;


typedef struct {
    uint16_t            id;                     /* TLS's number, 0x13xx */
    const char         *name;
    const EVP_AEAD   *(*aead)(void);
    const EVP_MD     *(*md)(void);
    size_t              key_len;
    uint64_t            confidentiality_limit;  /* packets sealed per key */
    uint64_t            integrity_limit;        /* packets that failed */

    /* header protection: the key schedule, and 5 bytes of mask for a sample */
    ngx_int_t         (*hp_set)(quic_keys_t *k, const u_char *key);
    void              (*hp_mask)(quic_keys_t *k, const u_char *sample,
                                 u_char *mask);
} quic_suite_t;


struct quic_keys_s {
    const quic_suite_t  *suite;                 /* NULL: no keys */
    uint32_t             version;
    EVP_AEAD_CTX         aead;
    u_char               iv[QUIC_IV_LEN];

    union {
        AES_KEY          aes;
        u_char           chacha[32];
    } hp;

    u_char               secret[QUIC_MAX_SECRET_LEN];
    uint64_t             sealed;                /* packets, with this key */
};


/* the row of TLS's number, NULL if it isn't one of the three */
const quic_suite_t *quic_suite_by_id(uint16_t id);

/*
 * Both directions' Initial keys from the client's first DCID; either may be
 * NULL, so that a server doesn't derive its own keys before the client's have
 * opened a packet.  NGX_OK or NGX_ERROR (memory, or a version that isn't
 * ours).
 */
ngx_int_t quic_keys_initial(quic_keys_t *client, quic_keys_t *server,
    uint32_t version, u_char *dcid, size_t len);

/*
 * Keys of a traffic secret, which is copied.  "k" must hold no keys.  NGX_OK
 * or NGX_ERROR (memory, a version that isn't ours, a length of the secret that
 * isn't the suite's); then "k" holds none.
 */
ngx_int_t quic_keys_set(quic_keys_t *k, const quic_suite_t *suite,
    uint32_t version, const u_char *secret, size_t len);

/*
 * "next" gets the keys of the phase after "k" (RFC 9001, 6.1); the header
 * protection key is the same.  NGX_OK or NGX_ERROR (memory)
 */
ngx_int_t quic_keys_next(quic_keys_t *next, quic_keys_t *k);

/* wipes; harmless on keys that were never set, if they are all zero */
void quic_keys_clear(quic_keys_t *k);

static ngx_inline ngx_uint_t
quic_keys_ready(quic_keys_t *k)
{
    return k->suite != NULL;
}


/*
 * Seals a packet in place: [packet, packet + header_len) is the header, whose
 * last pn_len bytes are the number "pn" in the clear; behind it "len" bytes of
 * payload, behind which 16 bytes are free for the tag.  Header protection is
 * put on.  There must be at least 4 bytes of packet number and payload.
 *
 * NGX_OK, or NGX_ERROR when the key has sealed as many packets as RFC 9001,
 * 6.6 allows: the caller updates keys long before that.
 */
ngx_int_t quic_keys_seal(quic_keys_t *k, u_char *packet, size_t header_len,
    size_t pn_len, uint64_t pn, size_t len);

/*
 * Takes header protection off the packet: the first byte and the packet number
 * (its length comes back in *pn_len, its bytes in *truncated, not yet decoded)
 * become readable in place.  To be called once for a packet: a second call
 * puts the protection on again.
 *
 * NGX_OK, or NGX_DECLINED when it's too short to sample.
 */
ngx_int_t quic_keys_unprotect(quic_keys_t *k, quic_packet_t *pkt,
    size_t *pn_len, uint64_t *truncated);

/*
 * Opens in place what quic_keys_unprotect() has prepared.  NGX_OK with the
 * payload in "*payload" (points into the packet), or NGX_DECLINED when it
 * doesn't authenticate; the payload is lost then, so there is no second try
 * with other keys.
 */
ngx_int_t quic_keys_open(quic_keys_t *k, quic_packet_t *pkt, size_t pn_len,
    uint64_t pn, ngx_str_t *payload);


/*
 * The Retry integrity tag (RFC 9001, 5.8): "retry" is the packet without it,
 * "tag" gets 16 bytes.  NGX_OK, or NGX_ERROR (memory, or a version that isn't
 * ours, or more than 1500 bytes of packet).
 */
ngx_int_t quic_retry_tag(uint32_t version, ngx_str_t *original_dcid,
    ngx_str_t *retry, u_char *tag);


#endif /* _QUIC_KEYS_H_INCLUDED_ */
