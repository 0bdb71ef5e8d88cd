
/*
 * Connection IDs, stateless reset tokens and address validation tokens of a
 * host.
 *
 * A connection ID is one AES block.  A permutation under a secret key makes of
 * what doesn't repeat (owner and counter; random bits for the day when a
 * process ID comes round again) IDs that don't repeat and look random.  Zeros
 * in 32 bits of the block tell ours from anything else.
 *
 * A token is sealed with XChaCha20-Poly1305: its nonce is long enough to be
 * drawn at random for as many tokens as a host will ever make, while AES-GCM
 * wants a new key after 2^32.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include "crypto/quic_host_key.h"
#include "crypto/quic_random.h"


#define QUIC_HOST_MIN_SECRET  16
#define QUIC_CID_KEY_LEN      16

#define QUIC_TOKEN_KEY_LEN    32
#define QUIC_TOKEN_NONCE_LEN  24
#define QUIC_TOKEN_TAG_LEN    16

/* type, nonce; what is sealed; tag */
#define QUIC_TOKEN_LEN(plain)                                                 \
    (1 + QUIC_TOKEN_NONCE_LEN + (plain) + QUIC_TOKEN_TAG_LEN)

/* sealed: version, time; in a Retry token two connection IDs as well */
#define QUIC_TOKEN_NEW_LEN    (4 + 8)
#define QUIC_TOKEN_RETRY_LEN  (QUIC_TOKEN_NEW_LEN + 2 * (1 + QUIC_CID_MAX_LEN))

/* type, family, address, port */
#define QUIC_TOKEN_BOUND_LEN  (1 + 1 + 16 + 2)


typedef struct {
    quic_token_type_e    type;
    size_t               plain;      /* length of what is sealed */
    ngx_uint_t           port;       /* bound to the port, too */
} quic_token_kind_t;


static ngx_int_t quic_host_derive(const u_char *prk, size_t len,
    const char *label, u_char *key, size_t key_len);
static const quic_token_kind_t *quic_token_kind(ngx_uint_t type);
static size_t quic_token_bound(const quic_token_kind_t *kind,
    struct sockaddr *addr, u_char *buf);
static u_char *quic_token_write_cid(u_char *p, quic_cid_t *cid);
static u_char *quic_token_read_cid(u_char *p, quic_cid_t *cid);


/*
 * A client sends its Retry token back at once, from the same socket.  What
 * NEW_TOKEN gave it comes with a later connection, from another port.
 */

static const quic_token_kind_t  quic_token_kinds[] = {
    { QUIC_TOKEN_RETRY, QUIC_TOKEN_RETRY_LEN, 1 },
    { QUIC_TOKEN_NEW, QUIC_TOKEN_NEW_LEN, 0 }
};


ngx_int_t
quic_host_key_init(quic_host_key_t *hk, const u_char *secret, size_t len)
{
    size_t     n;
    u_char     prk[EVP_MAX_MD_SIZE], cid[QUIC_CID_KEY_LEN],
               token[QUIC_TOKEN_KEY_LEN];
    ngx_int_t  rc;

    ngx_memzero(hk, sizeof(quic_host_key_t));

    if (len < QUIC_HOST_MIN_SECRET
        || !HKDF_extract(prk, &n, EVP_sha256(), secret, len, NULL, 0))
    {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (quic_host_derive(prk, n, "quic host cid", cid, sizeof(cid)) == NGX_OK
        && quic_host_derive(prk, n, "quic host token", token, sizeof(token))
           == NGX_OK
        && quic_host_derive(prk, n, "quic host reset", hk->reset,
                            sizeof(hk->reset))
           == NGX_OK
        && quic_host_derive(prk, n, "quic host tickets", hk->tickets,
                            sizeof(hk->tickets))
           == NGX_OK
        && AES_set_encrypt_key(cid, sizeof(cid) * 8, &hk->cid_seal) == 0
        && AES_set_decrypt_key(cid, sizeof(cid) * 8, &hk->cid_open) == 0
        && EVP_AEAD_CTX_init(&hk->token, EVP_aead_xchacha20_poly1305(), token,
                             sizeof(token), QUIC_TOKEN_TAG_LEN, NULL))
    {
        rc = NGX_OK;
    }

    quic_wipe(prk, sizeof(prk));
    quic_wipe(cid, sizeof(cid));
    quic_wipe(token, sizeof(token));

    if (rc != NGX_OK) {
        quic_host_key_clear(hk);
    }

    return rc;
}


static ngx_int_t
quic_host_derive(const u_char *prk, size_t len, const char *label, u_char *key,
    size_t key_len)
{
    if (!HKDF_expand(key, key_len, EVP_sha256(), prk, len,
                     (const u_char *) label, ngx_strlen(label)))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
quic_host_key_clear(quic_host_key_t *hk)
{
    EVP_AEAD_CTX_cleanup(&hk->token);
    quic_wipe(hk, sizeof(quic_host_key_t));
}


ngx_int_t
quic_host_key_bind(quic_host_key_t *hk, const u_char *name, size_t len)
{
    u_char        md[EVP_MAX_MD_SIZE];
    unsigned int  n;

    if (HMAC(EVP_sha256(), hk->reset, sizeof(hk->reset), name, len, md, &n)
        == NULL)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(hk->reset, md, sizeof(hk->reset));
    quic_wipe(md, sizeof(md));

    return NGX_OK;
}


/* the block: owner, counter, check value 0, random; 4 bytes each */

void
quic_host_cid_seal(quic_host_key_t *hk, quic_cid_t *cid, uint32_t owner,
    uint32_t counter)
{
    uint32_t  block[4];

    block[0] = owner;
    block[1] = counter;
    block[2] = 0;
    quic_random((u_char *) &block[3], sizeof(uint32_t));

    AES_encrypt((u_char *) block, cid->data, &hk->cid_seal);
    cid->len = QUIC_CID_LEN;
}


ngx_int_t
quic_host_cid_open(quic_host_key_t *hk, u_char *cid, size_t len,
    uint32_t *owner)
{
    uint32_t  block[4];

    if (len != QUIC_CID_LEN) {
        return NGX_DECLINED;
    }

    AES_decrypt(cid, (u_char *) block, &hk->cid_open);

    if (block[2] != 0) {
        return NGX_DECLINED;
    }

    *owner = block[0];

    return NGX_OK;
}


void
quic_host_reset_token(quic_host_key_t *hk, u_char *cid, size_t len,
    u_char *token)
{
    u_char        md[EVP_MAX_MD_SIZE];
    unsigned int  n;

    /*
     * Fails for want of memory only.  A token of random bytes is then as good:
     * the peer won't recognise the reset, and goes away when it times out.
     */

    if (HMAC(EVP_sha256(), hk->reset, sizeof(hk->reset), cid, len, md, &n)
        == NULL)
    {
        quic_random(md, QUIC_RESET_TOKEN_LEN);
    }

    ngx_memcpy(token, md, QUIC_RESET_TOKEN_LEN);
}


static const quic_token_kind_t *
quic_token_kind(ngx_uint_t type)
{
    ngx_uint_t  i, n;

    n = sizeof(quic_token_kinds) / sizeof(quic_token_kinds[0]);

    for (i = 0; i < n; i++) {
        if (quic_token_kinds[i].type == type) {
            return &quic_token_kinds[i];
        }
    }

    return NULL;
}


size_t
quic_host_token_seal(quic_host_key_t *hk, quic_token_t *token,
    struct sockaddr *addr, u_char *buf)
{
    size_t                    n, bound_len;
    u_char                   *p, plain[QUIC_TOKEN_RETRY_LEN],
                              bound[QUIC_TOKEN_BOUND_LEN];
    const quic_token_kind_t  *kind;

    kind = quic_token_kind(token->type);
    if (kind == NULL) {
        return 0;
    }

    bound_len = quic_token_bound(kind, addr, bound);
    if (bound_len == 0) {
        return 0;
    }

    p = ngx_cpymem(plain, &token->version, sizeof(token->version));
    p = ngx_cpymem(p, &token->time, sizeof(token->time));

    if (kind->type == QUIC_TOKEN_RETRY) {
        p = quic_token_write_cid(p, &token->odcid);
        (void) quic_token_write_cid(p, &token->rscid);
    }

    buf[0] = (u_char) kind->type;
    quic_random(buf + 1, QUIC_TOKEN_NONCE_LEN);

    if (!EVP_AEAD_CTX_seal(&hk->token, buf + 1 + QUIC_TOKEN_NONCE_LEN, &n,
                           kind->plain + QUIC_TOKEN_TAG_LEN,
                           buf + 1, QUIC_TOKEN_NONCE_LEN,
                           plain, kind->plain, bound, bound_len))
    {
        ERR_clear_error();
        return 0;
    }

    return QUIC_TOKEN_LEN(kind->plain);
}


ngx_int_t
quic_host_token_open(quic_host_key_t *hk, quic_token_t *token,
    struct sockaddr *addr, ngx_str_t *data, ngx_uint_t *is_retry)
{
    size_t                    n, bound_len;
    u_char                   *p, plain[QUIC_TOKEN_RETRY_LEN],
                              bound[QUIC_TOKEN_BOUND_LEN];
    const quic_token_kind_t  *kind;

    *is_retry = 0;

    kind = data->len ? quic_token_kind(data->data[0]) : NULL;

    if (kind == NULL || data->len != QUIC_TOKEN_LEN(kind->plain)) {
        return NGX_DECLINED;
    }

    *is_retry = (kind->type == QUIC_TOKEN_RETRY);

    bound_len = quic_token_bound(kind, addr, bound);
    if (bound_len == 0) {
        return NGX_DECLINED;
    }

    p = data->data + 1;

    if (!EVP_AEAD_CTX_open(&hk->token, plain, &n, sizeof(plain),
                           p, QUIC_TOKEN_NONCE_LEN, p + QUIC_TOKEN_NONCE_LEN,
                           kind->plain + QUIC_TOKEN_TAG_LEN,
                           bound, bound_len))
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    /* from here on it is what we have written ourselves */

    ngx_memzero(token, sizeof(quic_token_t));

    token->type = kind->type;

    p = plain;
    ngx_memcpy(&token->version, p, sizeof(token->version));
    p += sizeof(token->version);
    ngx_memcpy(&token->time, p, sizeof(token->time));
    p += sizeof(token->time);

    if (kind->type == QUIC_TOKEN_RETRY) {
        p = quic_token_read_cid(p, &token->odcid);
        (void) quic_token_read_cid(p, &token->rscid);
    }

    return NGX_OK;
}


/*
 * What a token is bound to: its own type and the client's address.  Returns
 * the length, 0 if the address is of no family of ours.
 */

static size_t
quic_token_bound(const quic_token_kind_t *kind, struct sockaddr *addr,
    u_char *buf)
{
    u_char               *p;
    in_port_t             port;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    p = buf;
    *p++ = (u_char) kind->type;
    *p++ = (u_char) addr->sa_family;

    switch (addr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) addr;
        p = ngx_cpymem(p, &sin->sin_addr, sizeof(sin->sin_addr));
        port = sin->sin_port;
        break;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) addr;
        p = ngx_cpymem(p, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
        port = sin6->sin6_port;
        break;
#endif

    default:
        return 0;
    }

    if (kind->port) {
        p = ngx_cpymem(p, &port, sizeof(port));
    }

    return p - buf;
}


/* a connection ID takes the same room whatever its length is */

static u_char *
quic_token_write_cid(u_char *p, quic_cid_t *cid)
{
    *p++ = cid->len;
    ngx_memzero(p, QUIC_CID_MAX_LEN);
    ngx_memcpy(p, cid->data, cid->len);

    return p + QUIC_CID_MAX_LEN;
}


static u_char *
quic_token_read_cid(u_char *p, quic_cid_t *cid)
{
    quic_cid_set(cid, p + 1, p[0]);

    return p + 1 + QUIC_CID_MAX_LEN;
}
