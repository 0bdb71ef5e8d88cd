
/*
 * The TLS context of a server block: certificates, ALPN, and the name that
 * its sessions are bound to.  Made when the configuration is read; connections
 * hold references to it.
 *
 * An SSL_CTX of BoringSSL has one certificate.  We keep one of each type of
 * key beside it, and give a connection the best one that its client can
 * verify.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include "crypto/quic_random.h"
#include "crypto/quic_tls_internal.h"


/* of a message that tells what is wrong with the configuration, in bytes */
#define QUIC_TLS_MAX_ERROR    1024
#define QUIC_TLS_MAX_SIGALGS  3


typedef struct {
    int          type;      /* EVP_PKEY_... */
    int          curve;     /* NID_undef: any */
    uint16_t     sigalgs[QUIC_TLS_MAX_SIGALGS];
} quic_tls_cert_type_t;


static ngx_int_t quic_tls_ctx_init(quic_tls_ctx_t *ctx);
static int quic_tls_select_alpn(SSL *ssl, const u_char **out, u_char *out_len,
    const u_char *in, unsigned int len, void *arg);
static void quic_tls_cert_free(quic_tls_cert_t *cert);
static ngx_int_t quic_tls_ctx_set(quic_tls_ctx_t *ctx, quic_tls_cert_t *cert);
static ngx_str_t quic_tls_shown(ngx_str_t *name);
static ngx_uint_t quic_tls_is_data(ngx_str_t *name);
static BIO *quic_tls_open(ngx_str_t *name, char **err);
static ngx_int_t quic_tls_load_chain(quic_tls_cert_t *cert, ngx_str_t *name,
    char **err);
static ngx_int_t quic_tls_add_chain(quic_tls_cert_t *cert, X509 *x509,
    char **err);
static ngx_int_t quic_tls_load_key(quic_tls_cert_t *cert, ngx_str_t *name,
    ngx_array_t *passwords, char **err);
static int quic_tls_password(char *buf, int size, int rwflag, void *data);
static ngx_int_t quic_tls_key_type(EVP_PKEY *key);
static void ngx_cdecl quic_tls_log_error(ngx_log_t *log, const char *fmt, ...);


/*
 * In order of preference: small and fast first.  Signature algorithms are
 * those of TLS 1.3 (RFC 8446, 4.2.3), where each curve has but one.
 */

static const quic_tls_cert_type_t  quic_tls_cert_types[QUIC_TLS_CERT_TYPES] = {

    { EVP_PKEY_EC, NID_X9_62_prime256v1, { SSL_SIGN_ECDSA_SECP256R1_SHA256 } },
    { EVP_PKEY_ED25519, NID_undef, { SSL_SIGN_ED25519 } },
    { EVP_PKEY_EC, NID_secp384r1, { SSL_SIGN_ECDSA_SECP384R1_SHA384 } },
    { EVP_PKEY_EC, NID_secp521r1, { SSL_SIGN_ECDSA_SECP521R1_SHA512 } },
    { EVP_PKEY_RSA, NID_undef, { SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                 SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                 SSL_SIGN_RSA_PSS_RSAE_SHA512 } }
};


static const u_char  quic_tls_alpn[] = { 'h', '3' };


quic_tls_ctx_t *
quic_tls_ctx_create(ngx_log_t *log)
{
    quic_tls_ctx_t  *ctx;

    ctx = ngx_calloc(sizeof(quic_tls_ctx_t), log);
    if (ctx == NULL) {
        return NULL;
    }

    ctx->refs = 1;

    if (quic_tls_ctx_init(ctx) != NGX_OK) {
        quic_tls_log_error(log, "SSL_CTX_new() failed");
        quic_tls_ctx_free(ctx);
        return NULL;
    }

    quic_random(ctx->name, QUIC_TLS_NAME_LEN);

    return ctx;
}


static ngx_int_t
quic_tls_ctx_init(quic_tls_ctx_t *ctx)
{
    SSL_CTX  *ssl_ctx;

    ssl_ctx = SSL_CTX_new(TLS_method());
    if (ssl_ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->ssl_ctx = ssl_ctx;

    /* RFC 9001, 4.2 */

    if (!SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_quic_method(ssl_ctx, &quic_tls_method))
    {
        return NGX_ERROR;
    }

    SSL_CTX_set_alpn_select_cb(ssl_ctx, quic_tls_select_alpn, NULL);
    SSL_CTX_set_cert_cb(ssl_ctx, quic_tls_client_hello, NULL);

    return NGX_OK;
}


void
quic_tls_ctx_free(quic_tls_ctx_t *ctx)
{
    ngx_uint_t  i;

    if (ctx == NULL || --ctx->refs) {
        return;
    }

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {
        quic_tls_cert_free(&ctx->certs[i]);
    }

    SSL_CTX_free(ctx->ssl_ctx);
    ngx_free(ctx);
}


void
quic_tls_ctx_name(quic_tls_ctx_t *ctx, const u_char *name, size_t len)
{
    SHA256(name, len, ctx->name);
}


/*
 * RFC 9001, 8.1: without a protocol in common the connection is closed with
 * no_application_protocol, which the library sends when we say so here.
 */

static int
quic_tls_select_alpn(SSL *ssl, const u_char **out, u_char *out_len,
    const u_char *in, unsigned int len, void *arg)
{
    const u_char  *p, *end;

    end = in + len;

    for (p = in; p < end; p += 1 + p[0]) {

        if (p[0] == sizeof(quic_tls_alpn)
            && (size_t) (end - p) > sizeof(quic_tls_alpn)
            && ngx_memcmp(p + 1, quic_tls_alpn, sizeof(quic_tls_alpn)) == 0)
        {
            *out = p + 1;
            *out_len = p[0];
            return SSL_TLSEXT_ERR_OK;
        }
    }

    return SSL_TLSEXT_ERR_ALERT_FATAL;
}


quic_tls_cert_t *
quic_tls_ctx_choose(quic_tls_ctx_t *ctx, const uint16_t *sigalgs, size_t n)
{
    size_t                       j;
    ngx_uint_t                   i, k;
    const quic_tls_cert_type_t  *type;

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {

        if (ctx->certs[i].key == NULL) {
            continue;
        }

        type = &quic_tls_cert_types[i];

        for (j = 0; j < n; j++) {
            for (k = 0; k < QUIC_TLS_MAX_SIGALGS; k++) {
                if (sigalgs[j] == type->sigalgs[k] && sigalgs[j] != 0) {
                    return &ctx->certs[i];
                }
            }
        }
    }

    return NULL;
}


ngx_int_t
quic_tls_ctx_certificate(quic_tls_ctx_t *ctx, ngx_str_t *name, ngx_str_t *key,
    ngx_array_t *passwords, ngx_log_t *log)
{
    char            *err;
    ngx_int_t        type;
    ngx_str_t        cert_shown, key_shown;
    quic_tls_cert_t  cert;

    ERR_clear_error();
    ngx_memzero(&cert, sizeof(quic_tls_cert_t));

    cert_shown = quic_tls_shown(name);
    key_shown = quic_tls_shown(key);

    if (quic_tls_load_chain(&cert, name, &err) != NGX_OK) {
        quic_tls_log_error(log, "cannot load certificate \"%V\": %s",
                           &cert_shown, err);
        goto failed;
    }

    if (quic_tls_load_key(&cert, key, passwords, &err) != NGX_OK) {
        quic_tls_log_error(log, "cannot load certificate key \"%V\": %s",
                           &key_shown, err);
        goto failed;
    }

    type = quic_tls_key_type(cert.key);

    if (type == NGX_ERROR) {
        quic_tls_log_error(log, "cannot use certificate key \"%V\": it is "
                           "none of RSA, Ed25519, P-256, P-384 and P-521",
                           &key_shown);
        goto failed;
    }

    if (quic_tls_ctx_set(ctx, &cert) != NGX_OK) {
        quic_tls_log_error(log, "cannot use certificate \"%V\" with key "
                           "\"%V\"", &cert_shown, &key_shown);
        goto failed;
    }

    quic_tls_cert_free(&ctx->certs[type]);
    ctx->certs[type] = cert;

    /* the first of them is what a connection starts with */

    for (ctx->cert = ctx->certs; ctx->cert->key == NULL; ctx->cert++) {
        /* void */
    }

    if (quic_tls_ctx_set(ctx, ctx->cert) != NGX_OK) {
        quic_tls_log_error(log, "SSL_CTX_set_chain_and_key() failed");
        return NGX_ERROR;
    }

    return NGX_OK;

failed:

    quic_tls_cert_free(&cert);

    return NGX_ERROR;
}


static void
quic_tls_cert_free(quic_tls_cert_t *cert)
{
    size_t  i;

    for (i = 0; i < cert->nchain; i++) {
        CRYPTO_BUFFER_free(cert->chain[i]);
    }

    EVP_PKEY_free(cert->key);
    ngx_memzero(cert, sizeof(quic_tls_cert_t));
}


/* fails when key and certificate don't match */

static ngx_int_t
quic_tls_ctx_set(quic_tls_ctx_t *ctx, quic_tls_cert_t *cert)
{
    if (!SSL_CTX_set_chain_and_key(ctx->ssl_ctx, cert->chain, cert->nchain,
                                   cert->key, NULL))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what a message shows of a name: never a key that stands in it */

static ngx_str_t
quic_tls_shown(ngx_str_t *name)
{
    ngx_str_t  shown;

    shown = *name;

    if (quic_tls_is_data(name)) {
        ngx_str_set(&shown, "data:...");
    }

    return shown;
}


static ngx_uint_t
quic_tls_is_data(ngx_str_t *name)
{
    return ngx_strncmp(name->data, "data:", sizeof("data:") - 1) == 0;
}


/* PEM from a file, or what comes after "data:" */

static BIO *
quic_tls_open(ngx_str_t *name, char **err)
{
    BIO  *bio;

    if (quic_tls_is_data(name)) {
        bio = BIO_new_mem_buf(name->data + sizeof("data:") - 1,
                              name->len - (sizeof("data:") - 1));
        *err = "BIO_new_mem_buf() failed";

    } else {
        bio = BIO_new_file((char *) name->data, "r");
        *err = "BIO_new_file() failed";
    }

    return bio;
}


static ngx_int_t
quic_tls_load_chain(quic_tls_cert_t *cert, ngx_str_t *name, char **err)
{
    BIO       *bio;
    X509      *x509;
    uint32_t   code;
    ngx_int_t  rc;

    bio = quic_tls_open(name, err);
    if (bio == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    *err = "PEM_read_bio_X509_AUX() failed";
    x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);

    while (x509) {
        rc = quic_tls_add_chain(cert, x509, err);
        X509_free(x509);

        if (rc != NGX_OK) {
            break;
        }

        *err = "PEM_read_bio_X509() failed";
        x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }

    BIO_free(bio);

    if (rc != NGX_OK || cert->nchain == 0) {
        return NGX_ERROR;
    }

    /* the end of the file is no error */

    code = ERR_peek_last_error();

    if (ERR_GET_LIB(code) != ERR_LIB_PEM
        || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
    {
        return NGX_ERROR;
    }

    ERR_clear_error();

    return NGX_OK;
}


static ngx_int_t
quic_tls_add_chain(quic_tls_cert_t *cert, X509 *x509, char **err)
{
    int             len;
    u_char         *der;
    CRYPTO_BUFFER  *buf;

    if (cert->nchain == QUIC_TLS_MAX_CHAIN) {
        *err = "the chain has more than 16 certificates";
        return NGX_ERROR;
    }

    *err = "i2d_X509() failed";

    der = NULL;
    len = i2d_X509(x509, &der);
    if (len < 0) {
        return NGX_ERROR;
    }

    buf = CRYPTO_BUFFER_new(der, len, NULL);
    OPENSSL_free(der);

    if (buf == NULL) {
        return NGX_ERROR;
    }

    cert->chain[cert->nchain++] = buf;

    return NGX_OK;
}


/* as in nginx, every password is tried until one fits */

static ngx_int_t
quic_tls_load_key(quic_tls_cert_t *cert, ngx_str_t *name,
    ngx_array_t *passwords, char **err)
{
    BIO         *bio;
    ngx_str_t   *pwd;
    ngx_uint_t   tries;

    if (ngx_strncmp(name->data, "engine:", sizeof("engine:") - 1) == 0
        || ngx_strncmp(name->data, "store:", sizeof("store:") - 1) == 0)
    {
        *err = "keys of an engine or a store can't be used with QUIC";
        return NGX_ERROR;
    }

    tries = 1;
    pwd = NULL;

    if (passwords && passwords->nelts) {
        tries = passwords->nelts;
        pwd = passwords->elts;
    }

    do {
        ERR_clear_error();

        bio = quic_tls_open(name, err);
        if (bio == NULL) {
            return NGX_ERROR;
        }

        *err = "PEM_read_bio_PrivateKey() failed";
        cert->key = PEM_read_bio_PrivateKey(bio, NULL, quic_tls_password, pwd);

        BIO_free(bio);

        if (cert->key) {
            ERR_clear_error();
            return NGX_OK;
        }

        if (pwd) {
            pwd++;
        }

    } while (--tries);

    return NGX_ERROR;
}


static int
quic_tls_password(char *buf, int size, int rwflag, void *data)
{
    ngx_str_t  *pwd = data;

    if (pwd == NULL || rwflag || pwd->len > (size_t) size) {
        return 0;
    }

    ngx_memcpy(buf, pwd->data, pwd->len);

    return pwd->len;
}


/* the key's row in the table, NGX_ERROR if it has none */

static ngx_int_t
quic_tls_key_type(EVP_PKEY *key)
{
    int         curve;
    ngx_uint_t  i;

    curve = NID_undef;

    if (EVP_PKEY_id(key) == EVP_PKEY_EC) {
        curve = EC_GROUP_get_curve_name(
                              EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
    }

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {
        if (quic_tls_cert_types[i].type == EVP_PKEY_id(key)
            && quic_tls_cert_types[i].curve == curve)
        {
            return i;
        }
    }

    return NGX_ERROR;
}


/* a message, and behind it what the library has to say, which is forgotten */

static void ngx_cdecl
quic_tls_log_error(ngx_log_t *log, const char *fmt, ...)
{
    int          flags, line;
    char         text[120];
    u_char      *p, *last, buf[QUIC_TLS_MAX_ERROR];
    va_list      args;
    uint32_t     code;
    const char  *file, *data;

    last = buf + sizeof(buf);

    va_start(args, fmt);
    p = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    if (ERR_peek_error()) {
        p = ngx_slprintf(p, last, " (SSL:");

        for ( ;; ) {
            code = ERR_get_error_line_data(&file, &line, &data, &flags);
            if (code == 0) {
                break;
            }

            ERR_error_string_n(code, text, sizeof(text));

            p = ngx_slprintf(p, last, " %s%s%s", text,
                             (flags & ERR_FLAG_STRING) ? ":" : "",
                             (flags & ERR_FLAG_STRING) ? data : "");
        }

        p = ngx_slprintf(p, last, ")");
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0, "%*s", (size_t) (p - buf), buf);
}
