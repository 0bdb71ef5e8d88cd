
/*
 * What the files of the TLS driver share, and the only place where it sees the
 * library's <openssl/ssl.h>.
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
#include "crypto/quic_ticket_keys.h"
#include "crypto/quic_tls.h"
#include "crypto/quic_tls_lib.h"


/* P-256, Ed25519, P-384, P-521, RSA */
#define QUIC_TLS_CERT_TYPES  5

/* certificates from the leaf to the one before the root; 2 to 4 is usual */
#define QUIC_TLS_MAX_CHAIN   16

/*
 * Bytes of the certificates that a client may send.  Three or four of a KB or
 * two are usual; checking them is work that anybody may ask for.
 */
#define QUIC_TLS_MAX_CLIENT_CHAIN  32768

/*
 * Bytes of those that go into a ticket.  The ticket comes back in a
 * ClientHello, and the library takes 16384 bytes of Initial CRYPTO data.
 */
#define QUIC_TLS_MAX_TICKET_CHAIN  8192

/* of those that a client offers, as many are remembered for variables */
#define QUIC_TLS_MAX_OFFERED 32

/* all names of groups, with colons */
#define QUIC_TLS_GROUPS_LEN  256

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
    quic_ticket_keys_t   ticket_keys;

    /* what sessions are bound to */
    u_char               name[QUIC_TLS_NAME_LEN];
    ngx_uint_t           bound;

    /*
     * One of each type, NULL where there is none.  The most preferred is
     * ssl_ctx's own.
     */
    quic_tls_cert_t     *certs[QUIC_TLS_CERT_TYPES];
    quic_tls_cert_t     *cert;

    /* with the library's names */
    char                 groups[QUIC_TLS_GROUPS_LEN];
    ngx_uint_t           suites;     /* QUIC_TLS_AES_128, ...: those allowed */
    unsigned             prefer:1;   /* our order, not the client's */

    /* of client certificates: as in quic_tls_verify_t */
    ngx_uint_t           verify_depth;
    ngx_uint_t           verify_level;

    quic_tls_key_log_pt  key_log;    /* NULL: none */
    void                *key_log_data;
};


typedef struct {
    uint16_t             suites[QUIC_TLS_MAX_OFFERED];
    uint16_t             groups[QUIC_TLS_MAX_OFFERED];
    size_t               nsuites;
    size_t               ngroups;
} quic_tls_offered_t;


struct quic_tls_s {
    SSL                  *ssl;
    quic_tls_ctx_t       *ctx;
    const quic_tls_ops_t *ops;
    void                 *data;
    ngx_uint_t            refs;

    uint64_t              error;     /* QUIC's code, valid if failed */
    const char           *reason;
    u_char                alert;     /* TLS's, valid if alerted */
    uint32_t              version;   /* of QUIC, 0: wasn't said */
    uint64_t              ticket;    /* its number: see ops->early_data() */

    unsigned              hello:1;   /* the ClientHello has been read */
    unsigned              early_offered:1;
    unsigned              early_asks:1;      /* with a ticket of ours */
    unsigned              early_granted:1;   /* by ops->early_data() */
    unsigned              complete:1;
    unsigned              alerted:1;
    unsigned              failed:1;

    long                  verdict;   /* while certificates are verified */

    ngx_uint_t            cert_type; /* QUIC_TLS_CERT_TYPES: the context's */
    uint16_t              sigalg;    /* of it for this client, or 0 */

    quic_tls_offered_t    offered;

    char                  text[QUIC_TLS_REASON_LEN];
};


/* SSL_CTX_set_select_certificate_cb()'s callback: notes what is offered */
enum ssl_select_cert_result_t quic_tls_note_offer(
    const SSL_CLIENT_HELLO *hello);

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

/* what it signs with for a client that knows these; 0: it can verify none */
uint16_t quic_tls_cert_sigalg(quic_tls_cert_t *cert, const uint16_t *sigalgs,
    size_t n);

/* what "ssl_ecdh_curve auto" stands for; a new context has it */
void quic_tls_set_default_groups(quic_tls_ctx_t *ctx);

/* algorithms that a client may sign with */
#define QUIC_TLS_VERIFY_SIGALGS  10
extern const uint16_t  quic_tls_verify_sigalgs[QUIC_TLS_VERIFY_SIGALGS];

/*
 * Verdicts on client certificates are OpenSSL's numbers, which are the library's
 * up to 54, but for these.
 */
#define QUIC_TLS_V_EE_KEY_TOO_SMALL  66
#define QUIC_TLS_V_CA_KEY_TOO_SMALL  67
#define QUIC_TLS_V_CA_MD_TOO_WEAK    68
#define QUIC_TLS_V_INVALID_CALL      69
#define QUIC_TLS_V_STORE_LOOKUP      70
#define QUIC_TLS_V_INVALID_CA        79
#define QUIC_TLS_V_EC_EXPLICIT       94

/*
 * Within the verify callback: the error is that a self-signed certificate has
 * no issuer.
 */
ngx_uint_t quic_tls_chain_is_alone(X509_STORE_CTX *x509);

/*
 * OpenSSL's verdict on what X509_verify_cert(), which hasn't failed itself, has
 * found with the last error "error", an OpenSSL's one or X509_V_OK.
 */
long quic_tls_chain_check(quic_tls_ctx_t *ctx, X509_STORE_CTX *x509,
    long error);

/* groups and suites of tls->ctx; NGX_OK or NGX_ERROR (memory) */
ngx_int_t quic_tls_apply_choices(quic_tls_t *tls);

/* OpenSSL's name, or NULL */
const char *quic_tls_group_name(uint16_t id);

/*
 * A file, or what comes after "data:"; NULL with a reason in *err.
 */
BIO *quic_tls_open(ngx_str_t *name, char **err);

/* a message, and behind it what the library has to say, which is forgotten */
void ngx_cdecl quic_tls_log_error(ngx_uint_t level, ngx_log_t *log,
    const char *fmt, ...);


/* a new context has no tickets; a connection takes over those of another */
void quic_tls_tickets_init(quic_tls_ctx_t *ctx);
void quic_tls_tickets_use(quic_tls_t *tls, quic_tls_ctx_t *ctx);

/* around SSL_do_handshake(): the connection that is in there, then NULL */
void quic_tls_tickets_watch(quic_tls_t *tls);

/* non-zero: ops->early_data() has agreed; it's asked once, at the first call */
ngx_uint_t quic_tls_tickets_early(quic_tls_t *tls);

/* the client's certificates are there; more than fit into one: no tickets */
void quic_tls_tickets_chain(SSL *ssl);


#endif /* _QUIC_TLS_INTERNAL_H_INCLUDED_ */
