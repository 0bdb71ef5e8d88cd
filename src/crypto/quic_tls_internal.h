
/*
 * What the files of the TLS driver share, and the only place where it sees the
 * library's <openssl/ssl.h>.  BoringSSL and AWS-LC have the same names for all
 * that is used here.
 */

#ifndef _QUIC_TLS_INTERNAL_H_INCLUDED_
#define _QUIC_TLS_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "crypto/quic_tls.h"


/* P-256, Ed25519, P-384, P-521, RSA */
#define QUIC_TLS_CERT_TYPES  5

/* certificates from the leaf to the one before the root; 2 to 4 is usual */
#define QUIC_TLS_MAX_CHAIN   16

#define QUIC_TLS_NAME_LEN    32
#define QUIC_TLS_REASON_LEN  128


struct quic_tls_cert_s {
    ngx_uint_t           type;       /* lower: preferred */
    EVP_PKEY            *key;
    X509                *leaf;       /* only while it is being loaded */
    CRYPTO_BUFFER       *chain[QUIC_TLS_MAX_CHAIN];
    size_t               nchain;
};


struct quic_tls_ctx_s {
    SSL_CTX             *ssl_ctx;
    ngx_uint_t           refs;       /* the owner's and one per connection */
    u_char               name[QUIC_TLS_NAME_LEN];

    /*
     * One of each type, NULL where there is none.  The most preferred is
     * ssl_ctx's own.
     */
    quic_tls_cert_t     *certs[QUIC_TLS_CERT_TYPES];
    quic_tls_cert_t     *cert;
};


struct quic_tls_s {
    SSL                  *ssl;
    quic_tls_ctx_t       *ctx;
    const quic_tls_ops_t *ops;
    void                 *data;

    uint64_t              error;     /* QUIC's code, valid if failed */
    const char           *reason;
    u_char                alert;     /* TLS's, valid if alerted */
    uint32_t              version;   /* of QUIC, 0: wasn't said */

    unsigned              hello:1;   /* the ClientHello has been read */
    unsigned              complete:1;
    unsigned              alerted:1;
    unsigned              failed:1;

    char                  text[QUIC_TLS_REASON_LEN];
};


/* SSL_CTX_set_cert_cb()'s callback: after the ClientHello has been read */
int quic_tls_client_hello(SSL *ssl, void *arg);

/* the hooks of a connection */
extern const SSL_QUIC_METHOD  quic_tls_method;

/*
 * The certificate for a client that knows the signature algorithms "sigalgs";
 * NULL when it can verify none of ours.
 */
quic_tls_cert_t *quic_tls_ctx_choose(quic_tls_ctx_t *ctx,
    const uint16_t *sigalgs, size_t n);

/* non-zero if a client that knows these algorithms can verify it */
ngx_uint_t quic_tls_cert_fits(quic_tls_cert_t *cert, const uint16_t *sigalgs,
    size_t n);

/*
 * PEM from a file, or what comes after "data:"; NULL with a reason in *err.
 */
BIO *quic_tls_open(ngx_str_t *name, char **err);

/* a message, and behind it what the library has to say, which is forgotten */
void ngx_cdecl quic_tls_log_error(ngx_uint_t level, ngx_log_t *log,
    const char *fmt, ...);


#endif /* _QUIC_TLS_INTERNAL_H_INCLUDED_ */
