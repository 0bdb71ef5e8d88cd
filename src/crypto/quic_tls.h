
/*
 * The TLS driver: RFC 9001, section 4, over BoringSSL's SSL_QUIC_METHOD.
 *
 * A quic_tls_t is one connection's TLS.  It is given CRYPTO bytes in order,
 * gives CRYPTO bytes out through a callback, and keys as they come to be.
 * It knows nothing of packets.  A quic_tls_ctx_t is one server block's: the
 * certificate and what else its ssl_* directives say.
 *
 * Nothing of <openssl/ssl.h> leaves this file's interface, so that another
 * library with the same method (AWS-LC) can stand in its place.
 */

#ifndef _QUIC_TLS_H_INCLUDED_
#define _QUIC_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_keys.h"


typedef struct quic_tls_s      quic_tls_t;
typedef struct quic_tls_ctx_s  quic_tls_ctx_t;
typedef struct quic_tls_cert_s quic_tls_cert_t;


/* the order is TLS's own */

typedef enum {
    QUIC_LEVEL_INITIAL = 0,
    QUIC_LEVEL_EARLY,
    QUIC_LEVEL_HANDSHAKE,
    QUIC_LEVEL_APP
} quic_level_e;

#define QUIC_LEVELS  4


/*
 * Callbacks; "data" is quic_tls_create()'s.  They run inside
 * quic_tls_receive() and must not free the quic_tls_t.
 */

typedef struct {
    /*
     * A traffic secret is there: "write" says for which direction.  NGX_OK or
     * NGX_ERROR, which ends the handshake.
     */
    ngx_int_t  (*secret)(void *data, quic_level_e level, ngx_uint_t write,
                         const quic_suite_t *suite, const u_char *secret,
                         size_t len);

    /* CRYPTO bytes to send at a level; to be copied.  NGX_OK or NGX_ERROR */
    ngx_int_t  (*send)(void *data, quic_level_e level, const u_char *buf,
                       size_t len);

    /*
     * The ClientHello has been read: the server name (empty if there was none)
     * and the client's transport parameters are there, no answer has been
     * made.  Chooses the context with quic_tls_use() and sets our transport
     * parameters with quic_tls_set_params().  NGX_OK; NGX_DECLINED: refuse
     * with the alert unrecognized_name; NGX_ERROR: end the handshake (an error
     * that the caller has already noted).
     */
    ngx_int_t  (*client_hello)(void *data, ngx_str_t *server_name);

    /*
     * The client offers 0-RTT with a ticket that is good, and has proved that
     * this is its own; "ticket" is a number that no other one has.  NGX_OK: it
     * may be taken; NGX_DECLINED: the handshake goes on without.  NULL: none is
     * ever taken.
     */
    ngx_int_t  (*early_data)(void *data, uint64_t ticket);
} quic_tls_ops_t;


/* session tickets of a context */

typedef struct {
    /*
     * What tickets are sealed with: the contents of files (48 or 80 bytes, as
     * nginx wants them), of which the first one seals, or with none of them
     * keys that change with time, made of QUIC_TICKET_SECRET_LEN bytes.
     */
    ngx_str_t           *files;
    ngx_uint_t           nfiles;
    const u_char        *secret;

    /*
     * Seconds, the longest that quic_tls_ctx_lifetime() was told: for as long a
     * key opens what it has sealed.
     */
    time_t               longest;

    ngx_uint_t           early_data;     /* 0-RTT is allowed */
} quic_tls_tickets_t;


/* what the library calls itself, with its version if it has one */
const char *quic_tls_library(void);


/* Contexts: made when the configuration is read, errors to the log given */

/*
 * A server context with ALPN h3.  NULL on an error, logged.
 */
quic_tls_ctx_t *quic_tls_ctx_create(ngx_log_t *log);

/* frees a context when its last connection has gone as well; NULL is fine */
void quic_tls_ctx_free(quic_tls_ctx_t *ctx);

/*
 * Binds the sessions of this context to something more: a ticket is taken only
 * by a context that was bound to the same, in the same order (and by a
 * connection of the same version of QUIC).  One that was bound to nothing takes
 * no other's.
 */
void quic_tls_ctx_bind(quic_tls_ctx_t *ctx, const u_char *data, size_t len);

/* the same, to its certificates, once all of them are there */
void quic_tls_ctx_bind_certificates(quic_tls_ctx_t *ctx);

/*
 * Seconds for which tickets are good, no more than 7 days.  It counts for the
 * connections that begin with this context, the default server's, whichever
 * they use then, and whether this one has tickets or not.
 */
void quic_tls_ctx_lifetime(quic_tls_ctx_t *ctx, time_t lifetime);

/*
 * From here on tickets are sent and taken; "conf" isn't needed afterwards.
 * NGX_OK or NGX_ERROR (memory).
 */
ngx_int_t quic_tls_ctx_tickets(quic_tls_ctx_t *ctx,
    const quic_tls_tickets_t *conf, ngx_log_t *log);

/*
 * A certificate chain and its key from PEM files, or from the string itself
 * if that is "data:...", as nginx has it.  Both strings end with NUL, like all
 * of nginx's configuration.  "passwords" is an array of ngx_str_t or NULL.
 *
 * May be called several times, once for each type of key (RSA, Ed25519, ECDSA
 * on P-256, P-384 or P-521): a client gets the first of P-256, Ed25519, P-384,
 * P-521, RSA that it has a signature algorithm for.  A second certificate of a
 * type replaces the first.
 *
 * NGX_OK, or NGX_ERROR with a reason logged at NGX_LOG_EMERG.
 */
ngx_int_t quic_tls_ctx_certificate(quic_tls_ctx_t *ctx, ngx_str_t *cert,
    ngx_str_t *key, ngx_array_t *passwords, ngx_log_t *log);

/*
 * Non-zero if such a string is the name of a file.  Others are "data:", and
 * what only nginx's OpenSSL can reach, "engine:" and "store:": an error.
 */
ngx_uint_t quic_tls_is_file(ngx_str_t *name);

/*
 * The same for one that isn't a context's; errors are logged at "level".
 */
quic_tls_cert_t *quic_tls_cert_load(ngx_str_t *cert, ngx_str_t *key,
    ngx_array_t *passwords, ngx_uint_t level, ngx_log_t *log);
void quic_tls_cert_free(quic_tls_cert_t *cert);

/*
 * What ssl_ecdh_curve says, with OpenSSL's names; the default is "auto".
 * NGX_OK; NGX_DECLINED: the library lacks some of them, the first of which is
 * "*unknown", and the others are used; NGX_ERROR: it has none.
 */
ngx_int_t quic_tls_ctx_groups(quic_tls_ctx_t *ctx, ngx_str_t *list,
    ngx_str_t *unknown);

/*
 * The suites of TLS 1.3 that may be used, with OpenSSL's names.  NGX_OK;
 * NGX_DECLINED: the library can't choose just so, some of these won't be used;
 * NGX_ERROR: it would have to use others as well, and nothing has changed.
 */
ngx_int_t quic_tls_ctx_suites(quic_tls_ctx_t *ctx, ngx_str_t *list);

/* what choices the library has, for a message */
const char *quic_tls_possible_suites(void);

/* our order of groups counts, not the client's */
void quic_tls_ctx_prefer(quic_tls_ctx_t *ctx);

/*
 * An OCSP response in DER, from a file, goes with the certificates.  NGX_OK or
 * NGX_ERROR, logged.
 */
ngx_int_t quic_tls_ctx_staple(quic_tls_ctx_t *ctx, ngx_str_t *file,
    ngx_log_t *log);

/*
 * Client certificates are asked for.  Files in PEM, or empty; those of
 * "client" are named to clients.  "depth": how many certificates may stand
 * between the client's and the root, as OpenSSL counts.  "level": OpenSSL's
 * security level, which keys and signatures have to meet.
 */
typedef struct {
    ngx_str_t            client;
    ngx_str_t            trusted;
    ngx_str_t            crl;
    ngx_uint_t           depth;
    ngx_uint_t           level;
} quic_tls_verify_t;

/* NGX_OK or NGX_ERROR, logged */
ngx_int_t quic_tls_ctx_verify(quic_tls_ctx_t *ctx, quic_tls_verify_t *conf,
    ngx_log_t *log);

/* "line", without its end, is one of the secrets of a connection */
typedef void (*quic_tls_key_log_pt)(void *data, const char *line);

void quic_tls_ctx_key_log(quic_tls_ctx_t *ctx, quic_tls_key_log_pt handler,
    void *data);


/* Connections */

/*
 * A server's TLS, in the default server's context.  NULL: memory.
 */
quic_tls_t *quic_tls_create(quic_tls_ctx_t *ctx, const quic_tls_ops_t *ops,
    void *data);
void quic_tls_free(quic_tls_t *tls);

/*
 * One more owner, who has to call quic_tls_free(), and may ask for what was
 * agreed on also when the connection is gone.
 */
quic_tls_t *quic_tls_hold(quic_tls_t *tls);

/* within client_hello() only: NGX_OK or NGX_ERROR (memory) */
ngx_int_t quic_tls_use(quic_tls_t *tls, quic_tls_ctx_t *ctx);
ngx_int_t quic_tls_set_params(quic_tls_t *tls, u_char *data, size_t len);

/*
 * Within client_hello(), after quic_tls_use(): this certificate if the client
 * can verify it, and none that is preferred has been given before.  It may be
 * freed after the call.  NGX_OK or NGX_ERROR (memory).
 */
ngx_int_t quic_tls_use_certificate(quic_tls_t *tls, quic_tls_cert_t *cert);

/*
 * Within client_hello(): the negotiated version of QUIC.  A ticket of a
 * connection of another version is not taken then (RFC 9369, 5).
 */
void quic_tls_set_version(quic_tls_t *tls, uint32_t version);

/*
 * Within client_hello(): what a client that comes back with 0-RTT takes for
 * granted.  A ticket brings 0-RTT only if this is what it was made with; and
 * without there is none.  NGX_OK or NGX_ERROR (memory).
 */
ngx_int_t quic_tls_set_early_context(quic_tls_t *tls, const u_char *data,
    size_t len);

/*
 * The client's transport parameters, in place; NGX_DECLINED before the
 * ClientHello has been read.  A client that sends none doesn't get as far as
 * client_hello(): it is refused with missing_extension (RFC 9001, 8.2).
 */
ngx_int_t quic_tls_peer_params(quic_tls_t *tls, ngx_str_t *data);

/*
 * The level whose CRYPTO bytes quic_tls_receive() takes now.  It only rises,
 * and does so inside quic_tls_receive(): bytes of a level above it have to
 * wait (RFC 9001, 4.1.3), new ones of a level below are a PROTOCOL_VIOLATION.
 */
quic_level_e quic_tls_read_level(quic_tls_t *tls);

/*
 * CRYPTO bytes of a level, in order, as many as have arrived.
 *
 * NGX_OK: the handshake is complete (every call after that answers so);
 * NGX_AGAIN: it goes on;
 * NGX_ERROR: quic_tls_error() says why.
 */
ngx_int_t quic_tls_receive(quic_tls_t *tls, quic_level_e level, u_char *data,
    size_t len);

/*
 * QUIC's code of what went wrong, CRYPTO_ERROR with TLS's alert or another
 * (PROTOCOL_VIOLATION: data at the wrong level, a session ID as for TCP;
 * CRYPTO_BUFFER_EXCEEDED: more bytes than any flight has; INTERNAL_ERROR);
 * "*reason" is static or lives as long as "tls".
 */
uint64_t quic_tls_error(quic_tls_t *tls, const char **reason);

/* what was agreed on; empty before; live as long as "tls" */
const char *quic_tls_cipher(quic_tls_t *tls);
const char *quic_tls_group(quic_tls_t *tls);
ngx_str_t quic_tls_server_name(quic_tls_t *tls);
ngx_uint_t quic_tls_resumed(quic_tls_t *tls);

/*
 * What our certificate's key has signed the handshake with, resp. the client's
 * ("ecdsa_secp256r1_sha256"); empty if it hasn't, as in a resumed one.  Static.
 */
const char *quic_tls_sigalg(quic_tls_t *tls);
const char *quic_tls_client_sigalg(quic_tls_t *tls);

/*
 * What a connection's TLS may be known by: TLS 1.3 has no session IDs, so it's
 * made of the exporter (RFC 8446, 7.5), and no two connections have the same.
 * NGX_OK, or NGX_DECLINED before the handshake is complete.
 */
#define QUIC_TLS_ID_LEN  32

ngx_int_t quic_tls_id(quic_tls_t *tls, u_char id[QUIC_TLS_ID_LEN]);

/*
 * What the client has offered, names with colons between: groups, or suites.
 * NGX_OK or NGX_ERROR (memory); the text is to be given back.
 */
ngx_int_t quic_tls_offered_text(quic_tls_t *tls, ngx_uint_t groups,
    ngx_str_t *text);
void quic_tls_text_free(ngx_str_t *text);

/*
 * The client's certificate.  NGX_DECLINED: there is none; NGX_OK: it is good;
 * NGX_ERROR: number and words of what is wrong with it, as OpenSSL 3 has them.
 */
ngx_int_t quic_tls_verdict(quic_tls_t *tls, long *code, const char **text);

/* non-zero if that is wrong only which nginx's "optional_no_ca" forgives */
ngx_uint_t quic_tls_verdict_no_ca(long code);

typedef enum {
    QUIC_TLS_CLIENT_PEM = 0,
    QUIC_TLS_CLIENT_SUBJECT,             /* RFC 2253 */
    QUIC_TLS_CLIENT_ISSUER,
    QUIC_TLS_CLIENT_SUBJECT_LEGACY,      /* with slashes */
    QUIC_TLS_CLIENT_ISSUER_LEGACY,
    QUIC_TLS_CLIENT_SERIAL,
    QUIC_TLS_CLIENT_FINGERPRINT,         /* SHA-1 */
    QUIC_TLS_CLIENT_START,
    QUIC_TLS_CLIENT_END
} quic_tls_client_text_e;

/* empty without a certificate; NGX_OK or NGX_ERROR; to be given back */
ngx_int_t quic_tls_client_text(quic_tls_t *tls, quic_tls_client_text_e what,
    ngx_str_t *text);

/* when it expires; NGX_DECLINED: there is none; NGX_ERROR: can't be told */
ngx_int_t quic_tls_client_expires(quic_tls_t *tls, time_t *t);


#endif /* _QUIC_TLS_H_INCLUDED_ */
