
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


/* numbers and words of a verdict are seen by users, who know OpenSSL's */

typedef struct {
    long                 error;      /* the library's */
    long                 code;       /* OpenSSL's; X509_V_OK: it's no error */
} quic_tls_verify_code_t;


typedef struct {
    long                 code;
    const char          *text;
} quic_tls_verify_text_t;


/* one more into the store: NGX_OK, NGX_DONE (it can't be read), NGX_ERROR */

typedef ngx_int_t (*quic_tls_verify_read_pt)(BIO *bio, X509_STORE *store,
    STACK_OF(X509_NAME) *names);


/* a kind of file */

typedef struct {
    const char              *what;
    char                    *failed;
    quic_tls_verify_read_pt  read;
} quic_tls_verify_file_t;


static int quic_tls_verify(X509_STORE_CTX *x509, void *arg);
static int quic_tls_verify_go_on(int ok, X509_STORE_CTX *x509);
static void quic_tls_verify_note(quic_tls_t *tls, long error);
static ngx_int_t quic_tls_verify_load(quic_tls_ctx_t *ctx, ngx_str_t *name,
    const quic_tls_verify_file_t *file, STACK_OF(X509_NAME) *names,
    ngx_log_t *log);
static ngx_int_t quic_tls_verify_read_ca(BIO *bio, X509_STORE *store,
    STACK_OF(X509_NAME) *names);
static ngx_int_t quic_tls_verify_read_crl(BIO *bio, X509_STORE *store,
    STACK_OF(X509_NAME) *names);
static ngx_int_t quic_tls_verify_end(ngx_uint_t n);


static const quic_tls_verify_file_t  quic_tls_verify_cas = {
    "CA certificates", "PEM_read_bio_X509_AUX() failed",
    quic_tls_verify_read_ca
};

static const quic_tls_verify_file_t  quic_tls_verify_crls = {
    "CRL", "PEM_read_bio_X509_CRL() failed", quic_tls_verify_read_crl
};


/*
 * What differs.  Policies are looked at by OpenSSL only if it's asked to; and
 * names without a subjectAltName are quic_tls_chain_check()'s.
 */

static const quic_tls_verify_code_t  quic_tls_verify_codes[] = {
    { X509_V_ERR_INVALID_CA, QUIC_TLS_V_INVALID_CA },
    { X509_V_ERR_INVALID_CALL, QUIC_TLS_V_INVALID_CALL },
    { X509_V_ERR_STORE_LOOKUP, QUIC_TLS_V_STORE_LOOKUP },
    { X509_V_ERR_INVALID_POLICY_EXTENSION, X509_V_OK },
    { X509_V_ERR_NO_EXPLICIT_POLICY, X509_V_OK },
    { X509_V_ERR_NAME_CONSTRAINTS_WITHOUT_SANS, X509_V_OK },
    { QUIC_TLS_LIB_EC_EXPLICIT, QUIC_TLS_V_EC_EXPLICIT }
};


/* and the words that do; the others are the library's */

static const quic_tls_verify_text_t  quic_tls_verify_texts[] = {
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self-signed certificate" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      "self-signed certificate in certificate chain" },
    { X509_V_ERR_INVALID_PURPOSE, "unsuitable certificate purpose" },
    { X509_V_ERR_DIFFERENT_CRL_SCOPE, "different CRL scope" },
    { X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE,
      "unsupported extension feature" },
    { QUIC_TLS_V_EE_KEY_TOO_SMALL, "EE certificate key too weak" },
    { QUIC_TLS_V_CA_KEY_TOO_SMALL, "CA certificate key too weak" },
    { QUIC_TLS_V_CA_MD_TOO_WEAK, "CA signature digest algorithm too weak" },
    { QUIC_TLS_V_INVALID_CALL, "invalid certificate verification context" },
    { QUIC_TLS_V_STORE_LOOKUP, "issuer certificate lookup error" },
    { QUIC_TLS_V_INVALID_CA, "invalid CA certificate" },
    { QUIC_TLS_V_EC_EXPLICIT,
      "Certificate public key has explicit ECC parameters" }
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

    if (quic_tls_verify_load(ctx, &conf->client, &quic_tls_verify_cas, names,
                             log)
           != NGX_OK
        || quic_tls_verify_load(ctx, &conf->trusted, &quic_tls_verify_cas,
                                NULL, log)
           != NGX_OK
        || quic_tls_verify_load(ctx, &conf->crl, &quic_tls_verify_crls, NULL,
                                log)
           != NGX_OK)
    {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return NGX_ERROR;
    }

    /* takes the names over, and may free them at once */

    SSL_CTX_set_client_CA_list(ctx->ssl_ctx, names);

    ctx->verify_depth = conf->depth;
    ctx->verify_level = conf->level;

    /* a ticket brings the verdict along */

    quic_tls_ctx_bind(ctx, (u_char *) &conf->level, sizeof(conf->level));

    /* enough for libraries that count the root, one too many for others */

    store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
    (void) X509_STORE_set_depth(store, conf->depth + 1);

    if (conf->crl.len) {
        (void) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK
                                           |X509_V_FLAG_CRL_CHECK_ALL);
    }

    SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl_ctx, quic_tls_verify, NULL);

    return NGX_OK;
}


/*
 * What it costs is bounded: QUIC_TLS_MAX_CLIENT_CHAIN bytes of certificates
 * come at most, and a signature is checked for each step of "depth".
 */

static int
quic_tls_verify(X509_STORE_CTX *x509, void *arg)
{
    int          rc;
    SSL         *ssl;
    quic_tls_t  *tls;

    ssl = X509_STORE_CTX_get_ex_data(x509,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());
    tls = SSL_get_app_data(ssl);
    tls->verdict = X509_V_OK;

    X509_STORE_CTX_set_verify_cb(x509, quic_tls_verify_go_on);

    rc = X509_verify_cert(x509);

    /* not all errors come to the callback */

    quic_tls_verify_note(tls, X509_STORE_CTX_get_error(x509));

    if (rc > 0) {
        tls->verdict = quic_tls_chain_check(tls->ctx, x509, tls->verdict);

    } else if (tls->verdict == X509_V_OK) {
        tls->verdict = X509_V_ERR_UNSPECIFIED;
    }

    X509_STORE_CTX_set_error(x509, tls->verdict);

    quic_tls_tickets_chain(ssl);

    return 1;
}


/* the last error stays, as with nginx's own callback */

static int
quic_tls_verify_go_on(int ok, X509_STORE_CTX *x509)
{
    SSL         *ssl;
    quic_tls_t  *tls;

    ssl = X509_STORE_CTX_get_ex_data(x509,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());

    /* a chain of its own, that of a CRL's issuer, has to be good */

    if (ssl == NULL) {
        return ok;
    }

    if (!ok) {
        tls = SSL_get_app_data(ssl);

        if (!quic_tls_chain_is_alone(x509)) {
            quic_tls_verify_note(tls, X509_STORE_CTX_get_error(x509));
        }

        X509_STORE_CTX_set_error(x509, tls->verdict);
    }

    return 1;
}


static void
quic_tls_verify_note(quic_tls_t *tls, long error)
{
    ngx_uint_t  i, n;

    n = sizeof(quic_tls_verify_codes) / sizeof(quic_tls_verify_codes[0]);

    for (i = 0; i < n; i++) {
        if (error == quic_tls_verify_codes[i].error) {
            error = quic_tls_verify_codes[i].code;
            break;
        }
    }

    if (error != X509_V_OK) {
        tls->verdict = error;
    }
}


/* names: of those that the client is told of, or NULL */

static ngx_int_t
quic_tls_verify_load(quic_tls_ctx_t *ctx, ngx_str_t *name,
    const quic_tls_verify_file_t *file, STACK_OF(X509_NAME) *names,
    ngx_log_t *log)
{
    BIO         *bio;
    char        *err;
    ngx_int_t    rc;
    ngx_uint_t   n;
    X509_STORE  *store;

    if (name->len == 0) {
        return NGX_OK;
    }

    ERR_clear_error();

    rc = NGX_ERROR;
    store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
    bio = quic_tls_open(name, &err);

    if (bio) {
        err = file->failed;
        n = 0;

        do {
            rc = file->read(bio, store, names);
        } while (rc == NGX_OK && ++n);

        if (rc == NGX_DONE) {
            rc = quic_tls_verify_end(n);
        }
    }

    if (rc != NGX_OK) {
        quic_tls_log_error(NGX_LOG_EMERG, log, "cannot load %s \"%V\": %s",
                           file->what, name, err);
    }

    BIO_free(bio);

    return rc;
}


static ngx_int_t
quic_tls_verify_read_ca(BIO *bio, X509_STORE *store,
    STACK_OF(X509_NAME) *names)
{
    int         ok;
    X509       *x509;
    X509_NAME  *name;

    x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    if (x509 == NULL) {
        return NGX_DONE;
    }

    ok = X509_STORE_add_cert(store, x509);

    if (ok && names) {
        name = X509_NAME_dup(X509_get_subject_name(x509));
        ok = name && sk_X509_NAME_push(names, name);

        if (!ok) {
            X509_NAME_free(name);
        }
    }

    X509_free(x509);

    return ok ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
quic_tls_verify_read_crl(BIO *bio, X509_STORE *store,
    STACK_OF(X509_NAME) *names)
{
    int        ok;
    X509_CRL  *crl;

    crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    if (crl == NULL) {
        return NGX_DONE;
    }

    ok = X509_STORE_add_crl(store, crl);
    X509_CRL_free(crl);

    return ok ? NGX_OK : NGX_ERROR;
}


/* nothing more in the file is its end if there was something before */

static ngx_int_t
quic_tls_verify_end(ngx_uint_t n)
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

    n = sizeof(quic_tls_verify_texts) / sizeof(quic_tls_verify_texts[0]);

    for (i = 0; i < n; i++) {
        if (error == quic_tls_verify_texts[i].code) {
            *text = quic_tls_verify_texts[i].text;
        }
    }

    return NGX_ERROR;
}


/* those that nginx takes for "optional_no_ca" */

ngx_uint_t
quic_tls_verdict_no_ca(long code)
{
    return code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
           || code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
           || code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
           || code == X509_V_ERR_CERT_UNTRUSTED
           || code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}
