
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
#include <openssl/sha.h>
#include "crypto/quic_random.h"
#include "crypto/quic_tls_internal.h"


/* one more than is taken; a response with one certificate has 0.5 to 2 KB */
#define QUIC_TLS_MAX_STAPLE  16385


static ngx_int_t quic_tls_ctx_init(quic_tls_ctx_t *ctx);
static const char *quic_tls_read_staple(ngx_str_t *file, u_char *buf, int *n);
static void quic_tls_log_key(const SSL *ssl, const char *line);
static int quic_tls_select_alpn(SSL *ssl, const u_char **out, u_char *out_len,
    const u_char *in, unsigned int len, void *arg);


static const u_char  quic_tls_alpn[] = { 'h', '3' };


const char *
quic_tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}


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
        quic_tls_log_error(NGX_LOG_EMERG, log, "SSL_CTX_new() failed");
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
        || !SSL_CTX_set_quic_method(ssl_ctx, &quic_tls_method)
        || !SSL_CTX_set_verify_algorithm_prefs(ssl_ctx,
                                               quic_tls_verify_sigalgs,
                                               QUIC_TLS_VERIFY_SIGALGS))
    {
        return NGX_ERROR;
    }

    SSL_CTX_set_alpn_select_cb(ssl_ctx, quic_tls_select_alpn, NULL);
    SSL_CTX_set_select_certificate_cb(ssl_ctx, quic_tls_note_offer);
    SSL_CTX_set_cert_cb(ssl_ctx, quic_tls_client_hello, NULL);
    SSL_CTX_set_max_cert_list(ssl_ctx, QUIC_TLS_MAX_CLIENT_CHAIN);

    ctx->suites = QUIC_TLS_ALL_SUITES;
    quic_tls_set_default_groups(ctx);
    quic_tls_tickets_init(ctx);

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
        quic_tls_cert_free(ctx->certs[i]);
    }

    quic_ticket_keys_clear(&ctx->ticket_keys);
    SSL_CTX_free(ctx->ssl_ctx);
    ngx_free(ctx);
}


void
quic_tls_ctx_bind(quic_tls_ctx_t *ctx, const u_char *data, size_t len)
{
    SHA256_CTX  sha;

    if (!ctx->bound) {
        ngx_memzero(ctx->name, QUIC_TLS_NAME_LEN);
        ctx->bound = 1;
    }

    /* what came before has one length, so where "data" begins is clear */

    SHA256_Init(&sha);
    SHA256_Update(&sha, ctx->name, QUIC_TLS_NAME_LEN);
    SHA256_Update(&sha, data, len);
    SHA256_Final(ctx->name, &sha);
}


void
quic_tls_ctx_bind_certificates(quic_tls_ctx_t *ctx)
{
    ngx_uint_t      i;
    CRYPTO_BUFFER  *leaf;

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {

        if (ctx->certs[i] == NULL) {
            continue;
        }

        leaf = ctx->certs[i]->chain[0];
        quic_tls_ctx_bind(ctx, CRYPTO_BUFFER_data(leaf),
                          CRYPTO_BUFFER_len(leaf));
    }
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
    ngx_uint_t  i;

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {
        if (ctx->certs[i] && quic_tls_cert_sigalg(ctx->certs[i], sigalgs, n)) {
            return ctx->certs[i];
        }
    }

    return NULL;
}


ngx_int_t
quic_tls_ctx_certificate(quic_tls_ctx_t *ctx, ngx_str_t *name, ngx_str_t *key,
    ngx_array_t *passwords, ngx_log_t *log)
{
    ngx_uint_t        i;
    quic_tls_cert_t  *cert;

    cert = quic_tls_cert_load(name, key, passwords, NGX_LOG_EMERG, log);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    quic_tls_cert_free(ctx->certs[cert->type]);
    ctx->certs[cert->type] = cert;

    /* the first of them is what a connection starts with */

    for (i = 0; ctx->certs[i] == NULL; i++) {
        /* void */
    }

    ctx->cert = ctx->certs[i];

    if (!SSL_CTX_set_chain_and_key(ctx->ssl_ctx, ctx->cert->chain,
                                   ctx->cert->nchain, ctx->cert->key, NULL))
    {
        quic_tls_log_error(NGX_LOG_EMERG, log,
                           "SSL_CTX_set_chain_and_key() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
quic_tls_ctx_prefer(quic_tls_ctx_t *ctx)
{
    ctx->prefer = 1;
}


ngx_int_t
quic_tls_ctx_staple(quic_tls_ctx_t *ctx, ngx_str_t *file, ngx_log_t *log)
{
    int          n;
    u_char       buf[QUIC_TLS_MAX_STAPLE];
    const char  *err;

    n = 0;
    ERR_clear_error();

    err = quic_tls_read_staple(file, buf, &n);

    if (err == NULL && !SSL_CTX_set_ocsp_response(ctx->ssl_ctx, buf, n)) {
        err = "SSL_CTX_set_ocsp_response() failed";
    }

    if (err) {
        quic_tls_log_error(NGX_LOG_EMERG, log,
                           "cannot load OCSP response \"%V\": %s", file, err);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* "*n" bytes into "buf"; returns NULL, or what is wrong */

static const char *
quic_tls_read_staple(ngx_str_t *file, u_char *buf, int *n)
{
    BIO   *bio;
    char  *err;

    bio = quic_tls_open(file, &err);
    if (bio == NULL) {
        return err;
    }

    *n = BIO_read(bio, buf, QUIC_TLS_MAX_STAPLE);

    BIO_free(bio);

    if (*n < 0) {
        return "BIO_read() failed";
    }

    if (*n == 0) {
        return "it is empty";
    }

    return (*n == QUIC_TLS_MAX_STAPLE) ? "it has more than 16384 bytes" : NULL;
}


void
quic_tls_ctx_key_log(quic_tls_ctx_t *ctx, quic_tls_key_log_pt handler,
    void *data)
{
    ctx->key_log = handler;
    ctx->key_log_data = data;

    SSL_CTX_set_keylog_callback(ctx->ssl_ctx, quic_tls_log_key);
}


static void
quic_tls_log_key(const SSL *ssl, const char *line)
{
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    tls->ctx->key_log(tls->ctx->key_log_data, line);
}
