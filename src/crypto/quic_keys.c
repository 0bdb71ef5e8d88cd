
/*
 * Packet protection: RFC 9001, section 5; RFC 9369, section 3.3.
 *
 * Two tables say all that differs: one row per TLS suite, one per version of
 * QUIC.  The rest is key derivation, which runs when keys are set, and the
 * four functions that run for every packet.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/chacha.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>
#include "crypto/quic_keys.h"
#include "crypto/quic_random.h"


#define QUIC_INITIAL_SALT_LEN      20
#define QUIC_INITIAL_SECRET_LEN    32

/* the packet number is taken to be 4 bytes long (RFC 9001, 5.4.2) */
#define QUIC_SAMPLE_OFFSET         4

/* the longest label of ours is "quicv2 key" */
#define QUIC_MAX_LABEL_LEN         16

/* a Retry packet of ours is far smaller; a longer one isn't worth a buffer */
#define QUIC_MAX_RETRY_LEN         1500


/* what a version of QUIC has of its own */

typedef struct {
    uint32_t     version;
    u_char       salt[QUIC_INITIAL_SALT_LEN];
    u_char       retry_key[16];
    u_char       retry_nonce[QUIC_IV_LEN];
    const char  *key;
    const char  *iv;
    const char  *hp;
    const char  *ku;
} quic_version_crypto_t;


static const quic_version_crypto_t *quic_version_crypto(uint32_t version);
static ngx_int_t quic_expand_label(const EVP_MD *md, const u_char *secret,
    size_t secret_len, const char *label, u_char *out, size_t len);
static ngx_int_t quic_keys_initial_side(quic_keys_t *k, uint32_t version,
    const u_char *initial, const char *label);
static ngx_int_t quic_keys_set_aead(quic_keys_t *k,
    const quic_version_crypto_t *vc);
static ngx_int_t quic_keys_set_hp(quic_keys_t *k,
    const quic_version_crypto_t *vc);
static void quic_keys_nonce(quic_keys_t *k, uint64_t pn, u_char *nonce);
static ngx_int_t quic_hp_aes_set(quic_keys_t *k, const u_char *key);
static void quic_hp_aes_mask(quic_keys_t *k, const u_char *sample,
    u_char *mask);
static ngx_int_t quic_hp_chacha_set(quic_keys_t *k, const u_char *key);
static void quic_hp_chacha_mask(quic_keys_t *k, const u_char *sample,
    u_char *mask);


/* indexed by quic_suite_e; limits: RFC 9001, 6.6 */

static const quic_suite_t  quic_suites[] = {

    { 0x1301, "TLS_AES_128_GCM_SHA256",
      EVP_aead_aes_128_gcm, EVP_sha256, 16,
      1ULL << 23, 1ULL << 52,
      quic_hp_aes_set, quic_hp_aes_mask },

    { 0x1302, "TLS_AES_256_GCM_SHA384",
      EVP_aead_aes_256_gcm, EVP_sha384, 32,
      1ULL << 23, 1ULL << 52,
      quic_hp_aes_set, quic_hp_aes_mask },

    { 0x1303, "TLS_CHACHA20_POLY1305_SHA256",
      EVP_aead_chacha20_poly1305, EVP_sha256, 32,
      1ULL << 62 /* more than there are packets */, 1ULL << 36,
      quic_hp_chacha_set, quic_hp_chacha_mask }
};


static const quic_version_crypto_t  quic_versions_crypto[] = {

    /* RFC 9001, 5.2 and 5.8 */

    { QUIC_VERSION_1,
      { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
        0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
      { 0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
        0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e },
      { 0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63,
        0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb },
      "quic key", "quic iv", "quic hp", "quic ku" },

    /* RFC 9369, 3.3 */

    { QUIC_VERSION_2,
      { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
        0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
      { 0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2,
        0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92 },
      { 0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c,
        0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a },
      "quicv2 key", "quicv2 iv", "quicv2 hp", "quicv2 ku" }
};


const quic_suite_t *
quic_suite_by_id(uint16_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(quic_suites) / sizeof(quic_suites[0]); i++) {
        if (quic_suites[i].id == id) {
            return &quic_suites[i];
        }
    }

    return NULL;
}


static const quic_version_crypto_t *
quic_version_crypto(uint32_t version)
{
    ngx_uint_t  i, n;

    n = sizeof(quic_versions_crypto) / sizeof(quic_versions_crypto[0]);

    for (i = 0; i < n; i++) {
        if (quic_versions_crypto[i].version == version) {
            return &quic_versions_crypto[i];
        }
    }

    return NULL;
}


/*
 * HKDF-Expand-Label of RFC 8446, 7.1, always with an empty context:
 *
 *     uint16 length; opaque label<7..255> = "tls13 " + label;
 *     opaque context<0..255> = "";
 */

static ngx_int_t
quic_expand_label(const EVP_MD *md, const u_char *secret, size_t secret_len,
    const char *label, u_char *out, size_t len)
{
    size_t   label_len;
    u_char  *p, info[2 + 1 + sizeof("tls13 ") - 1 + QUIC_MAX_LABEL_LEN + 1];

    label_len = ngx_strlen(label);

    p = info;
    *p++ = (u_char) (len >> 8);
    *p++ = (u_char) len;
    *p++ = (u_char) (sizeof("tls13 ") - 1 + label_len);
    p = ngx_cpymem(p, "tls13 ", sizeof("tls13 ") - 1);
    p = ngx_cpymem(p, label, label_len);
    *p++ = 0;

    if (!HKDF_expand(out, len, md, secret, secret_len, info, p - info)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
quic_keys_initial(quic_keys_t *client, quic_keys_t *server, uint32_t version,
    u_char *dcid, size_t len)
{
    size_t                        secret_len;
    u_char                        secret[EVP_MAX_MD_SIZE];
    ngx_int_t                     rc;
    const quic_version_crypto_t  *vc;

    vc = quic_version_crypto(version);
    if (vc == NULL) {
        return NGX_ERROR;
    }

    if (!HKDF_extract(secret, &secret_len, EVP_sha256(), dcid, len,
                      vc->salt, QUIC_INITIAL_SALT_LEN))
    {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (client) {
        rc = quic_keys_initial_side(client, version, secret, "client in");
    }

    if (rc == NGX_OK && server) {
        rc = quic_keys_initial_side(server, version, secret, "server in");
    }

    quic_wipe(secret, sizeof(secret));

    return rc;
}


static ngx_int_t
quic_keys_initial_side(quic_keys_t *k, uint32_t version, const u_char *initial,
    const char *label)
{
    u_char     secret[QUIC_INITIAL_SECRET_LEN];
    ngx_int_t  rc;

    rc = quic_expand_label(EVP_sha256(), initial, QUIC_INITIAL_SECRET_LEN,
                           label, secret, QUIC_INITIAL_SECRET_LEN);

    if (rc == NGX_OK) {
        rc = quic_keys_set(k, &quic_suites[QUIC_AES_128_GCM_SHA256], version,
                           secret, QUIC_INITIAL_SECRET_LEN);
    }

    quic_wipe(secret, sizeof(secret));

    return rc;
}


ngx_int_t
quic_keys_set(quic_keys_t *k, const quic_suite_t *suite, uint32_t version,
    const u_char *secret, size_t len)
{
    const quic_version_crypto_t  *vc;

    ngx_memzero(k, sizeof(quic_keys_t));

    vc = quic_version_crypto(version);

    if (vc == NULL || len != EVP_MD_size(suite->md())) {
        return NGX_ERROR;
    }

    k->suite = suite;
    k->version = version;
    ngx_memcpy(k->secret, secret, len);

    if (quic_keys_set_aead(k, vc) != NGX_OK
        || quic_keys_set_hp(k, vc) != NGX_OK)
    {
        quic_keys_clear(k);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
quic_keys_next(quic_keys_t *next, quic_keys_t *k)
{
    size_t                        len;
    const EVP_MD                 *md;
    const quic_version_crypto_t  *vc;

    ngx_memzero(next, sizeof(quic_keys_t));

    vc = quic_version_crypto(k->version);
    md = k->suite->md();
    len = EVP_MD_size(md);

    next->suite = k->suite;
    next->version = k->version;
    next->hp = k->hp;

    if (quic_expand_label(md, k->secret, len, vc->ku, next->secret, len)
            != NGX_OK
        || quic_keys_set_aead(next, vc) != NGX_OK)
    {
        quic_keys_clear(next);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the AEAD's key and IV from k->secret */

static ngx_int_t
quic_keys_set_aead(quic_keys_t *k, const quic_version_crypto_t *vc)
{
    size_t               len;
    u_char               key[32];
    ngx_int_t            rc;
    const EVP_MD        *md;
    const quic_suite_t  *suite;

    rc = NGX_ERROR;
    suite = k->suite;
    md = suite->md();
    len = EVP_MD_size(md);

    if (quic_expand_label(md, k->secret, len, vc->key, key, suite->key_len)
            == NGX_OK
        && quic_expand_label(md, k->secret, len, vc->iv, k->iv, QUIC_IV_LEN)
            == NGX_OK
        && EVP_AEAD_CTX_init(&k->aead, suite->aead(), key, suite->key_len,
                             QUIC_TAG_LEN, NULL))
    {
        rc = NGX_OK;
    }

    quic_wipe(key, sizeof(key));

    return rc;
}


static ngx_int_t
quic_keys_set_hp(quic_keys_t *k, const quic_version_crypto_t *vc)
{
    u_char               key[32];
    ngx_int_t            rc;
    const EVP_MD        *md;
    const quic_suite_t  *suite;

    suite = k->suite;
    md = suite->md();

    rc = quic_expand_label(md, k->secret, EVP_MD_size(md), vc->hp, key,
                           suite->key_len);

    if (rc == NGX_OK) {
        rc = suite->hp_set(k, key);
    }

    quic_wipe(key, sizeof(key));

    return rc;
}


void
quic_keys_clear(quic_keys_t *k)
{
    EVP_AEAD_CTX_cleanup(&k->aead);
    quic_wipe(k, sizeof(quic_keys_t));
}


ngx_int_t
quic_keys_seal(quic_keys_t *k, u_char *packet, size_t header_len,
    size_t pn_len, uint64_t pn, size_t len)
{
    size_t   i, n;
    u_char  *p, nonce[QUIC_IV_LEN], mask[QUIC_SAMPLE_LEN];

    /* RFC 9001, 6.6: the transport updates its keys long before that */

    if (k->sealed >= k->suite->confidentiality_limit) {
        return NGX_ERROR;
    }

    p = packet + header_len;
    quic_keys_nonce(k, pn, nonce);

    if (!EVP_AEAD_CTX_seal(&k->aead, p, &n, len + QUIC_TAG_LEN,
                           nonce, QUIC_IV_LEN, p, len, packet, header_len))
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    k->sealed++;

    /* header protection: RFC 9001, 5.4.1 */

    p -= pn_len;
    k->suite->hp_mask(k, p + QUIC_SAMPLE_OFFSET, mask);

    packet[0] ^= mask[0] & ((packet[0] & QUIC_LONG_HEADER) ? 0x0f : 0x1f);

    for (i = 0; i < pn_len; i++) {
        p[i] ^= mask[i + 1];
    }

    return NGX_OK;
}


ngx_int_t
quic_keys_unprotect(quic_keys_t *k, quic_packet_t *pkt, size_t *pn_len,
    uint64_t *truncated)
{
    size_t    i, n;
    u_char   *p, *data, mask[QUIC_SAMPLE_LEN];
    uint64_t  pn;

    if (pkt->len < pkt->pn_offset + QUIC_SAMPLE_OFFSET + QUIC_SAMPLE_LEN) {
        return NGX_DECLINED;
    }

    data = pkt->data;
    p = data + pkt->pn_offset;

    k->suite->hp_mask(k, p + QUIC_SAMPLE_OFFSET, mask);

    data[0] ^= mask[0] & ((data[0] & QUIC_LONG_HEADER) ? 0x0f : 0x1f);

    n = (data[0] & QUIC_PN_LEN_MASK) + 1;
    pn = 0;

    for (i = 0; i < n; i++) {
        p[i] ^= mask[i + 1];
        pn = pn << 8 | p[i];
    }

    *pn_len = n;
    *truncated = pn;

    return NGX_OK;
}


ngx_int_t
quic_keys_open(quic_keys_t *k, quic_packet_t *pkt, size_t pn_len, uint64_t pn,
    ngx_str_t *payload)
{
    size_t   header_len, len;
    u_char  *p, nonce[QUIC_IV_LEN];

    header_len = pkt->pn_offset + pn_len;

    if (pkt->len < header_len + QUIC_TAG_LEN) {
        return NGX_DECLINED;
    }

    p = pkt->data + header_len;
    len = pkt->len - header_len;

    quic_keys_nonce(k, pn, nonce);

    if (!EVP_AEAD_CTX_open(&k->aead, p, &payload->len, len, nonce, QUIC_IV_LEN,
                           p, len, pkt->data, header_len))
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    payload->data = p;

    return NGX_OK;
}


/* RFC 9001, 5.3: the packet number, left-padded with zeros, XORed to the IV */

static void
quic_keys_nonce(quic_keys_t *k, uint64_t pn, u_char *nonce)
{
    ngx_uint_t  i;

    ngx_memcpy(nonce, k->iv, QUIC_IV_LEN);

    for (i = QUIC_IV_LEN - 1; i > 3; i--) {
        nonce[i] ^= (u_char) pn;
        pn >>= 8;
    }
}


static ngx_int_t
quic_hp_aes_set(quic_keys_t *k, const u_char *key)
{
    if (AES_set_encrypt_key(key, k->suite->key_len * 8, &k->hp.aes) != 0) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* RFC 9001, 5.4.3: AES-ECB of the sample; "mask" has room for a block */

static void
quic_hp_aes_mask(quic_keys_t *k, const u_char *sample, u_char *mask)
{
    AES_encrypt(sample, mask, &k->hp.aes);
}


static ngx_int_t
quic_hp_chacha_set(quic_keys_t *k, const u_char *key)
{
    ngx_memcpy(k->hp.chacha, key, sizeof(k->hp.chacha));

    return NGX_OK;
}


/* RFC 9001, 5.4.4: the sample is a little-endian block counter and a nonce */

static void
quic_hp_chacha_mask(quic_keys_t *k, const u_char *sample, u_char *mask)
{
    uint32_t             counter;
    static const u_char  zeros[5];

    counter = (uint32_t) sample[0] | (uint32_t) sample[1] << 8
              | (uint32_t) sample[2] << 16 | (uint32_t) sample[3] << 24;

    CRYPTO_chacha_20(mask, zeros, sizeof(zeros), k->hp.chacha, sample + 4,
                     counter);
}


ngx_int_t
quic_retry_tag(uint32_t version, ngx_str_t *original_dcid, ngx_str_t *retry,
    u_char *tag)
{
    int                           rc;
    size_t                        n;
    u_char                       *p;
    u_char                        pseudo[1 + QUIC_CID_MAX_LEN
                                         + QUIC_MAX_RETRY_LEN];
    EVP_AEAD_CTX                  aead;
    const quic_version_crypto_t  *vc;

    vc = quic_version_crypto(version);

    if (vc == NULL
        || original_dcid->len > QUIC_CID_MAX_LEN
        || retry->len > QUIC_MAX_RETRY_LEN)
    {
        return NGX_ERROR;
    }

    p = pseudo;
    *p++ = (u_char) original_dcid->len;
    p = ngx_cpymem(p, original_dcid->data, original_dcid->len);
    p = ngx_cpymem(p, retry->data, retry->len);

    if (!EVP_AEAD_CTX_init(&aead, EVP_aead_aes_128_gcm(), vc->retry_key,
                           sizeof(vc->retry_key), QUIC_RETRY_TAG_LEN, NULL))
    {
        return NGX_ERROR;
    }

    rc = EVP_AEAD_CTX_seal(&aead, tag, &n, QUIC_RETRY_TAG_LEN,
                           vc->retry_nonce, QUIC_IV_LEN, NULL, 0,
                           pseudo, p - pseudo);

    EVP_AEAD_CTX_cleanup(&aead);

    return rc ? NGX_OK : NGX_ERROR;
}
