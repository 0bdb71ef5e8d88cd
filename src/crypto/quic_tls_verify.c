
/*
 * Client certificates: RFC 8446, 4.4.2 and 4.4.3.
 *
 * As in nginx a handshake never fails by what is wrong with a certificate; the
 * verdict is kept, and the requests of the connection answer with it.  It goes
 * into a ticket too, so that a resumed connection knows it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "crypto/quic_tls_internal.h"


/*
 * Numbers and words of a verdict are seen by users, who know those of OpenSSL
 * 3.  Where ours differ:
 */

typedef struct {
    long                 error;      /* the library's */
    long                 code;       /* OpenSSL's */
    const char          *text;
} quic_tls_verdict_t;


static int quic_tls_verify(X509_STORE_CTX *x509, void *arg);
static void quic_tls_verify_depth(quic_tls_ctx_t *ctx, X509_STORE_CTX *x509);
static int quic_tls_verify_go_on(int ok, X509_STORE_CTX *x509);
static ngx_int_t quic_tls_verify_load_ca(quic_tls_ctx_t *ctx, ngx_str_t *name,
    STACK_OF(X509_NAME) *names, ngx_log_t *log);
static ngx_int_t quic_tls_verify_add_ca(quic_tls_ctx_t *ctx, X509 *x509,
    STACK_OF(X509_NAME) *names);
static ngx_int_t quic_tls_verify_load_crl(quic_tls_ctx_t *ctx, ngx_str_t *name,
    ngx_log_t *log);
static ngx_int_t quic_tls_verify_end(size_t n);


static const quic_tls_verdict_t  quic_tls_verdicts[] = {
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 18, "self-signed certificate" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 19,
      "self-signed certificate in certificate chain" },
    { X509_V_ERR_INVALID_CA, 79, "invalid CA certificate" },
    { X509_V_ERR_INVALID_PURPOSE, 26, "unsuitable certificate purpose" },
    { X509_V_ERR_DIFFERENT_CRL_SCOPE, 44, "different CRL scope" },
    { X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE, 45,
      "unsupported extension feature" },
    { X509_V_ERR_INVALID_CALL, 69,
      "invalid certificate verification context" },
    { X509_V_ERR_STORE_LOOKUP, 70, "issuer certificate lookup error" }
};


/* the library's own list lacks Ed25519 and P-521 */

const uint16_t  quic_tls_verify_sigalgs[QUIC_TLS_VERIFY_SIGALGS] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256,
    SSL_SIGN_ED25519,
    SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA384,
    SSL_SIGN_ECDSA_SECP521R1_SHA512,
    SSL_SIGN_RSA_PSS_RSAE_SHA512,

    /* of certificates only: RFC 8446, 4.2.3 */

    SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PKCS1_SHA512
};


ngx_int_t
quic_tls_ctx_verify(quic_tls_ctx_t *ctx, quic_tls_verify_t *conf,
    ngx_log_t *log)
{
    X509_STORE           *store;
    STACK_OF(X509_NAME)  *names;

    names = sk_X509_NAME_new_null();
    if (names == NULL) {
        return NGX_ERROR;
    }

    if (quic_tls_verify_load_ca(ctx, &conf->client, names, log) != NGX_OK
        || quic_tls_verify_load_ca(ctx, &conf->trusted, NULL, log) != NGX_OK
        || quic_tls_verify_load_crl(ctx, &conf->crl, log) != NGX_OK)
    {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return NGX_ERROR;
    }

    /* takes the names over, and may free them at once */

    SSL_CTX_set_client_CA_list(ctx->ssl_ctx, names);

    /* enough for libraries that count the root, one too many for others */

    store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
    (void) X509_STORE_set_depth(store, conf->depth + 1);
    ctx->depth = conf->depth;

    SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl_ctx, quic_tls_verify, ctx);

    return NGX_OK;
}


/*
 * What it costs is bounded: QUIC_TLS_MAX_CLIENT_CHAIN bytes of certificates
 * come at most, and a signature is checked for each step of "depth".
 */

static int
quic_tls_verify(X509_STORE_CTX *x509, void *arg)
{
    int   rc;
    SSL  *ssl;

    X509_STORE_CTX_set_verify_cb(x509, quic_tls_verify_go_on);

    rc = X509_verify_cert(x509);

    if (rc <= 0 && X509_STORE_CTX_get_error(x509) == X509_V_OK) {
        X509_STORE_CTX_set_error(x509, X509_V_ERR_UNSPECIFIED);
    }

    quic_tls_verify_depth(arg, x509);

    ssl = X509_STORE_CTX_get_ex_data(x509,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());
    quic_tls_tickets_chain(ssl);

    return 1;
}


/*
 * Nobody counts the client's certificate.  OpenSSL, AWS-LC and a newer BoringSSL
 * don't count the root either, that of Debian does: so it's counted here.
 */

static void
quic_tls_verify_depth(quic_tls_ctx_t *ctx, X509_STORE_CTX *x509)
{
    if (X509_STORE_CTX_get_error(x509) == X509_V_OK
        && sk_X509_num(X509_STORE_CTX_get0_chain(x509)) > ctx->depth + 2)
    {
        X509_STORE_CTX_set_error(x509,
                                 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    }
}


/* the last error stays, as with nginx's own callback */

static int
quic_tls_verify_go_on(int ok, X509_STORE_CTX *x509)
{
    return 1;
}


/* names: of those that the client is told of, or NULL */

static ngx_int_t
quic_tls_verify_load_ca(quic_tls_ctx_t *ctx, ngx_str_t *name,
    STACK_OF(X509_NAME) *names, ngx_log_t *log)
{
    BIO        *bio;
    char       *err;
    X509       *x509;
    size_t      n;
    ngx_int_t   rc;

    if (name->len == 0) {
        return NGX_OK;
    }

    ERR_clear_error();

    n = 0;
    rc = NGX_OK;

    bio = quic_tls_open(name, &err);

    while (bio && rc == NGX_OK) {
        err = "PEM_read_bio_X509_AUX() failed";
        x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);

        if (x509 == NULL) {
            rc = quic_tls_verify_end(n);
            break;
        }

        n++;
        rc = quic_tls_verify_add_ca(ctx, x509, names);
        X509_free(x509);
    }

    if (bio == NULL || rc != NGX_OK) {
        quic_tls_log_error(NGX_LOG_EMERG, log,
                           "cannot load CA certificates \"%V\": %s",
                           name, err);
        rc = NGX_ERROR;
    }

    BIO_free(bio);

    return rc;
}


static ngx_int_t
quic_tls_verify_add_ca(quic_tls_ctx_t *ctx, X509 *x509,
    STACK_OF(X509_NAME) *names)
{
    X509_NAME  *name;

    if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx->ssl_ctx), x509)) {
        return NGX_ERROR;
    }

    if (names == NULL) {
        return NGX_OK;
    }

    name = X509_NAME_dup(X509_get_subject_name(x509));

    if (name == NULL || !sk_X509_NAME_push(names, name)) {
        X509_NAME_free(name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
quic_tls_verify_load_crl(quic_tls_ctx_t *ctx, ngx_str_t *name, ngx_log_t *log)
{
    BIO         *bio;
    char        *err;
    size_t       n;
    X509_CRL    *crl;
    ngx_int_t    rc;
    X509_STORE  *store;

    if (name->len == 0) {
        return NGX_OK;
    }

    ERR_clear_error();

    n = 0;
    rc = NGX_OK;

    store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
    bio = quic_tls_open(name, &err);

    while (bio && rc == NGX_OK) {
        err = "PEM_read_bio_X509_CRL() failed";
        crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

        if (crl == NULL) {
            rc = quic_tls_verify_end(n);
            break;
        }

        n++;
        rc = X509_STORE_add_crl(store, crl) ? NGX_OK : NGX_ERROR;
        X509_CRL_free(crl);
    }

    if (bio == NULL || rc != NGX_OK) {
        quic_tls_log_error(NGX_LOG_EMERG, log,
                           "cannot load CRL \"%V\": %s", name, err);
        rc = NGX_ERROR;
    }

    BIO_free(bio);

    (void) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK
                                       |X509_V_FLAG_CRL_CHECK_ALL);

    return rc;
}


/* nothing more in the file is its end if there was something before */

static ngx_int_t
quic_tls_verify_end(size_t n)
{
    uint32_t  code;

    code = ERR_peek_last_error();

    if (n == 0
        || ERR_GET_LIB(code) != ERR_LIB_PEM
        || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
    {
        return NGX_ERROR;
    }

    ERR_clear_error();

    return NGX_OK;
}


ngx_int_t
quic_tls_verdict(quic_tls_t *tls, long *code, const char **text)
{
    X509        *x509;
    long         error;
    ngx_uint_t   i, n;

    x509 = SSL_get_peer_certificate(tls->ssl);

    if (x509 == NULL) {
        return NGX_DECLINED;
    }

    X509_free(x509);

    error = SSL_get_verify_result(tls->ssl);

    if (error == X509_V_OK) {
        return NGX_OK;
    }

    *code = error;
    *text = X509_verify_cert_error_string(error);

    n = sizeof(quic_tls_verdicts) / sizeof(quic_tls_verdicts[0]);

    for (i = 0; i < n; i++) {
        if (error == quic_tls_verdicts[i].error) {
            *code = quic_tls_verdicts[i].code;
            *text = quic_tls_verdicts[i].text;
        }
    }

    return NGX_ERROR;
}


/* as OpenSSL's numbers are, which nginx takes for "optional_no_ca" */

ngx_uint_t
quic_tls_verdict_no_ca(long code)
{
    return code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
           || code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
           || code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
           || code == X509_V_ERR_CERT_UNTRUSTED
           || code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}
