
/*
 * A ticket: the key's name, a nonce, what is sealed, the tag.  Nonces of
 * XChaCha20-Poly1305 are long enough to be drawn at random by any number of
 * processes.
 *
 * A secret is never used as it is: nginx's OpenSSL may seal the tickets of TCP
 * with the same file.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>
#include "crypto/quic_random.h"
#include "crypto/quic_ticket_keys.h"


#define QUIC_TICKET_KEY_LEN     32

/* the current key and its neighbours: see quic_ticket_keys_update() */
#define QUIC_TICKET_EPOCHS      3


static ngx_int_t quic_ticket_key_init(quic_ticket_key_t *key,
    const u_char *secret, size_t len, const u_char *info, size_t info_len);
static void quic_ticket_keys_update(quic_ticket_keys_t *keys, uint64_t now);
static quic_ticket_key_t *quic_ticket_find(quic_ticket_keys_t *keys,
    const u_char *name);


ngx_int_t
quic_ticket_keys_init(quic_ticket_keys_t *keys, ngx_str_t *secrets,
    ngx_uint_t n, ngx_log_t *log)
{
    ngx_uint_t  i;

    ngx_memzero(keys, sizeof(quic_ticket_keys_t));

    keys->key = ngx_calloc(n * sizeof(quic_ticket_key_t), log);
    if (keys->key == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        keys->n++;

        if (quic_ticket_key_init(&keys->key[i], secrets[i].data,
                                 secrets[i].len, NULL, 0)
            != NGX_OK)
        {
            quic_ticket_keys_clear(keys);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
quic_ticket_keys_derive(quic_ticket_keys_t *keys, const u_char *secret,
    uint64_t period, ngx_log_t *log)
{
    ngx_memzero(keys, sizeof(quic_ticket_keys_t));

    keys->key = ngx_calloc(QUIC_TICKET_EPOCHS * sizeof(quic_ticket_key_t),
                           log);
    if (keys->key == NULL) {
        return NGX_ERROR;
    }

    keys->period = period;
    ngx_memcpy(keys->secret, secret, QUIC_TICKET_SECRET_LEN);

    return NGX_OK;
}


void
quic_ticket_keys_clear(quic_ticket_keys_t *keys)
{
    ngx_uint_t  i;

    for (i = 0; i < keys->n; i++) {
        EVP_AEAD_CTX_cleanup(&keys->key[i].aead);
    }

    if (keys->key) {
        quic_wipe(keys->key, keys->n * sizeof(quic_ticket_key_t));
        ngx_free(keys->key);
    }

    quic_wipe(keys, sizeof(quic_ticket_keys_t));
}


/* "info" tells keys of one secret apart */

static ngx_int_t
quic_ticket_key_init(quic_ticket_key_t *key, const u_char *secret, size_t len,
    const u_char *info, size_t info_len)
{
    u_char              buf[QUIC_TICKET_NAME_LEN + QUIC_TICKET_KEY_LEN];
    ngx_int_t           rc;

    static const u_char  salt[] = "quic ticket";

    rc = NGX_ERROR;

    if (HKDF(buf, sizeof(buf), EVP_sha256(), secret, len, salt,
             sizeof(salt) - 1, info, info_len)
        && EVP_AEAD_CTX_init(&key->aead, EVP_aead_xchacha20_poly1305(),
                             buf + QUIC_TICKET_NAME_LEN, QUIC_TICKET_KEY_LEN,
                             QUIC_TICKET_TAG_LEN, NULL))
    {
        ngx_memcpy(key->name, buf, QUIC_TICKET_NAME_LEN);
        rc = NGX_OK;
    }

    quic_wipe(buf, sizeof(buf));

    return rc;
}


/*
 * The key of this period, of the one before, and of the next, which a host
 * whose clock is ahead of ours may have used already.  Without memory there
 * are none, nothing is sealed or opened, and it's tried again the next time.
 */

static void
quic_ticket_keys_update(quic_ticket_keys_t *keys, uint64_t now)
{
    uint64_t            epoch, info[2];
    ngx_uint_t          i;

    static const int    offset[QUIC_TICKET_EPOCHS] = { 0, -1, 1 };

    if (keys->period == 0) {
        return;
    }

    epoch = now / keys->period;

    if (epoch == keys->epoch && keys->n) {
        return;
    }

    for (i = 0; i < keys->n; i++) {
        EVP_AEAD_CTX_cleanup(&keys->key[i].aead);
    }

    quic_wipe(keys->key, QUIC_TICKET_EPOCHS * sizeof(quic_ticket_key_t));
    keys->n = 0;

    for (i = 0; i < QUIC_TICKET_EPOCHS; i++) {
        info[0] = keys->period;
        info[1] = epoch + offset[i];

        if (quic_ticket_key_init(&keys->key[i], keys->secret,
                                 QUIC_TICKET_SECRET_LEN, (u_char *) info,
                                 sizeof(info))
            != NGX_OK)
        {
            return;
        }

        keys->n++;
    }

    keys->epoch = epoch;
}


static quic_ticket_key_t *
quic_ticket_find(quic_ticket_keys_t *keys, const u_char *name)
{
    ngx_uint_t  i;

    for (i = 0; i < keys->n; i++) {
        if (ngx_memcmp(keys->key[i].name, name, QUIC_TICKET_NAME_LEN) == 0) {
            return &keys->key[i];
        }
    }

    return NULL;
}


size_t
quic_ticket_seal(quic_ticket_keys_t *keys, uint64_t now, const u_char *in,
    size_t len, u_char *out)
{
    size_t   n;
    u_char  *nonce;

    quic_ticket_keys_update(keys, now);

    if (keys->n == 0) {
        return 0;
    }

    nonce = ngx_cpymem(out, keys->key[0].name, QUIC_TICKET_NAME_LEN);
    quic_random(nonce, QUIC_TICKET_NONCE_LEN);

    if (!EVP_AEAD_CTX_seal(&keys->key[0].aead, nonce + QUIC_TICKET_NONCE_LEN,
                           &n, len + QUIC_TICKET_TAG_LEN,
                           nonce, QUIC_TICKET_NONCE_LEN, in, len,
                           out, QUIC_TICKET_NAME_LEN))
    {
        ERR_clear_error();
        return 0;
    }

    return QUIC_TICKET_NAME_LEN + QUIC_TICKET_NONCE_LEN + n;
}


ngx_int_t
quic_ticket_open(quic_ticket_keys_t *keys, uint64_t now, const u_char *in,
    size_t len, u_char *out, size_t *out_len, uint64_t *id)
{
    const u_char       *nonce, *sealed;
    quic_ticket_key_t  *key;

    quic_ticket_keys_update(keys, now);

    if (len < QUIC_TICKET_OVERHEAD) {
        return NGX_DECLINED;
    }

    key = quic_ticket_find(keys, in);

    if (key == NULL) {
        return NGX_DECLINED;
    }

    nonce = in + QUIC_TICKET_NAME_LEN;
    sealed = nonce + QUIC_TICKET_NONCE_LEN;

    if (!EVP_AEAD_CTX_open(&key->aead, out, out_len, len,
                           nonce, QUIC_TICKET_NONCE_LEN,
                           sealed, in + len - sealed,
                           in, QUIC_TICKET_NAME_LEN))
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    /* we have drawn the nonce, and nobody else can have changed it */

    ngx_memcpy(id, nonce, sizeof(uint64_t));

    return NGX_OK;
}
