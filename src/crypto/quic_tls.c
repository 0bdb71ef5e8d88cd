
/*
 * One connection's TLS: RFC 9001, section 4.
 *
 * The library calls the hooks of SSL_QUIC_METHOD from within
 * quic_tls_receive(): keys, CRYPTO bytes to send, an alert.  Between the
 * ClientHello and the first byte of an answer it calls
 * quic_tls_client_hello(): extensions have been parsed by then, and
 * certificate, session and transport parameters are still open.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bytestring.h>
#include <openssl/mem.h>
#include "wire/quic_error.h"
#include "crypto/quic_tls_internal.h"


/* what the library calls an error, and QUIC a code of its own */

typedef struct {
    int          reason;
    uint64_t     code;
} quic_tls_error_t;


static int quic_tls_read_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len);
static int quic_tls_write_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len);
static int quic_tls_secret(SSL *ssl, enum ssl_encryption_level_t level,
    ngx_uint_t write, const SSL_CIPHER *cipher, const u_char *secret,
    size_t len);
static int quic_tls_add_data(SSL *ssl, enum ssl_encryption_level_t level,
    const u_char *data, size_t len);
static int quic_tls_flush(SSL *ssl);
static int quic_tls_alert(SSL *ssl, enum ssl_encryption_level_t level,
    u_char alert);
static void quic_tls_note_list(CBS *list, uint16_t *ids, size_t *n);
static ngx_int_t quic_tls_choose_certificate(quic_tls_t *tls);
static ngx_int_t quic_tls_set_certificate(quic_tls_t *tls,
    quic_tls_cert_t *cert, uint16_t sigalg);
static ngx_int_t quic_tls_bind_session(quic_tls_t *tls);
static ngx_int_t quic_tls_handshake(quic_tls_t *tls);
static ngx_int_t quic_tls_fail(quic_tls_t *tls, uint64_t error,
    const char *reason);
static ngx_int_t quic_tls_library_error(quic_tls_t *tls);
static void quic_tls_describe(quic_tls_t *tls, uint32_t code);
static const char *quic_tls_sigalg_name(quic_tls_t *tls, uint16_t sigalg);


/* the levels of the library are ours, in the same order */

_Static_assert((int) ssl_encryption_initial == QUIC_LEVEL_INITIAL
               && (int) ssl_encryption_early_data == QUIC_LEVEL_EARLY
               && (int) ssl_encryption_handshake == QUIC_LEVEL_HANDSHAKE
               && (int) ssl_encryption_application == QUIC_LEVEL_APP,
               "levels differ");


const SSL_QUIC_METHOD  quic_tls_method = {
    quic_tls_read_secret,
    quic_tls_write_secret,
    quic_tls_add_data,
    quic_tls_flush,
    quic_tls_alert
};


static const quic_tls_error_t  quic_tls_errors[] = {

    /* RFC 9001, 4.1.3: bytes left over when the level changes */
    { SSL_R_EXCESS_HANDSHAKE_DATA, QUIC_PROTOCOL_VIOLATION },

    /* 8.4: a session ID, as TLS over TCP has it for middleboxes */
    { SSL_R_UNEXPECTED_COMPATIBILITY_MODE, QUIC_PROTOCOL_VIOLATION },

    /* RFC 9000, 7.5 */
    { SSL_R_EXCESSIVE_MESSAGE_SIZE, QUIC_CRYPTO_BUFFER_EXCEEDED }
};


quic_tls_t *
quic_tls_create(quic_tls_ctx_t *ctx, const quic_tls_ops_t *ops, void *data)
{
    SSL         *ssl;
    quic_tls_t  *tls;

    tls = OPENSSL_malloc(sizeof(quic_tls_t));
    if (tls == NULL) {
        return NULL;
    }

    ngx_memzero(tls, sizeof(quic_tls_t));

    ssl = SSL_new(ctx->ssl_ctx);

    if (ssl == NULL || !SSL_set_app_data(ssl, tls)) {
        SSL_free(ssl);
        OPENSSL_free(tls);
        ERR_clear_error();
        return NULL;
    }

    SSL_set_accept_state(ssl);

    /* what only a handshake needs is freed after it */
    SSL_set_shed_handshake_config(ssl, 1);

    ctx->refs++;

    tls->refs = 1;
    tls->cert_type = QUIC_TLS_CERT_TYPES;
    tls->ssl = ssl;
    tls->ctx = ctx;
    tls->ops = ops;
    tls->data = data;

    return tls;
}


void
quic_tls_free(quic_tls_t *tls)
{
    if (--tls->refs) {
        return;
    }

    SSL_free(tls->ssl);
    quic_tls_ctx_free(tls->ctx);
    OPENSSL_free(tls);
}


quic_tls_t *
quic_tls_hold(quic_tls_t *tls)
{
    tls->refs++;

    return tls;
}


ngx_int_t
quic_tls_use(quic_tls_t *tls, quic_tls_ctx_t *ctx)
{
    SSL_CTX  *ssl_ctx;

    if (ctx == tls->ctx) {
        return NGX_OK;
    }

    ssl_ctx = ctx->ssl_ctx;

    if (SSL_set_SSL_CTX(tls->ssl, ssl_ctx) == NULL) {
        return NGX_ERROR;
    }

    /* SSL_set_SSL_CTX() takes over certificates and callbacks, but not this */

    SSL_set_verify(tls->ssl, SSL_CTX_get_verify_mode(ssl_ctx),
                   SSL_CTX_get_verify_callback(ssl_ctx));
    quic_tls_tickets_use(tls, ctx);

    ctx->refs++;
    quic_tls_ctx_free(tls->ctx);
    tls->ctx = ctx;

    return NGX_OK;
}


ngx_int_t
quic_tls_set_params(quic_tls_t *tls, u_char *data, size_t len)
{
    if (!SSL_set_quic_transport_params(tls->ssl, data, len)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
quic_tls_set_version(quic_tls_t *tls, uint32_t version)
{
    tls->version = version;
}


ngx_int_t
quic_tls_peer_params(quic_tls_t *tls, ngx_str_t *data)
{
    size_t         len;
    const u_char  *p;

    if (!tls->hello) {
        ngx_str_null(data);
        return NGX_DECLINED;
    }

    SSL_get_peer_quic_transport_params(tls->ssl, &p, &len);

    data->data = (u_char *) p;
    data->len = len;

    return NGX_OK;
}


quic_level_e
quic_tls_read_level(quic_tls_t *tls)
{
    return (quic_level_e) SSL_quic_read_level(tls->ssl);
}


ngx_int_t
quic_tls_receive(quic_tls_t *tls, quic_level_e level, u_char *data, size_t len)
{
    if (tls->failed) {
        return NGX_ERROR;
    }

    ERR_clear_error();

    if (level != quic_tls_read_level(tls)) {
        return quic_tls_fail(tls, QUIC_PROTOCOL_VIOLATION,
                             "CRYPTO data at a wrong level");
    }

    if (!SSL_provide_quic_data(tls->ssl, (enum ssl_encryption_level_t) level,
                               data, len))
    {
        return quic_tls_library_error(tls);
    }

    if (!tls->complete) {
        return quic_tls_handshake(tls);
    }

    if (!SSL_process_quic_post_handshake(tls->ssl)) {
        return quic_tls_library_error(tls);
    }

    return NGX_OK;
}


static ngx_int_t
quic_tls_handshake(quic_tls_t *tls)
{
    int  rc;

    quic_tls_tickets_watch(tls);

    /* it returns early, once, where 0-RTT could be read */

    do {
        rc = SSL_do_handshake(tls->ssl);
    } while (rc == 1 && SSL_in_init(tls->ssl));

    quic_tls_tickets_watch(NULL);

    if (rc == 1) {
        tls->complete = 1;
        return NGX_OK;
    }

    if (SSL_get_error(tls->ssl, rc) == SSL_ERROR_WANT_READ) {
        return NGX_AGAIN;
    }

    return quic_tls_library_error(tls);
}


/* comes before quic_tls_client_hello(), while the message is in memory */

enum ssl_select_cert_result_t
quic_tls_note_offer(const SSL_CLIENT_HELLO *hello)
{
    CBS            ext, list;
    size_t         len;
    quic_tls_t    *tls;
    const u_char  *p;

    tls = SSL_get_app_data(hello->ssl);

    CBS_init(&list, hello->cipher_suites, hello->cipher_suites_len);
    quic_tls_note_list(&list, tls->offered.suites, &tls->offered.nsuites);

    if (SSL_early_callback_ctx_extension_get(hello,
                                             TLSEXT_TYPE_supported_groups,
                                             &p, &len))
    {
        CBS_init(&ext, p, len);

        if (CBS_get_u16_length_prefixed(&ext, &list)) {
            quic_tls_note_list(&list, tls->offered.groups,
                               &tls->offered.ngroups);
        }
    }

    tls->early_offered = SSL_early_callback_ctx_extension_get(hello,
                                           TLSEXT_TYPE_early_data, &p, &len)
                         ? 1 : 0;

    return ssl_select_cert_success;
}


static void
quic_tls_note_list(CBS *list, uint16_t *ids, size_t *n)
{
    *n = 0;

    while (*n < QUIC_TLS_MAX_OFFERED && CBS_get_u16(list, &ids[*n])) {
        (*n)++;
    }
}


/*
 * Called once, also if there is a second ClientHello after a
 * HelloRetryRequest.
 */

int
quic_tls_client_hello(SSL *ssl, void *arg)
{
    ngx_str_t    name;
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    tls->hello = 1;
    name = quic_tls_server_name(tls);

    switch (tls->ops->client_hello(tls->data, &name)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        (void) quic_tls_fail(tls, QUIC_CRYPTO_ERROR(SSL_AD_UNRECOGNIZED_NAME),
                             "server name refused");
        return 0;

    default:
        (void) quic_tls_fail(tls, QUIC_INTERNAL_ERROR, "ClientHello refused");
        return 0;
    }

    if (quic_tls_bind_session(tls) != NGX_OK
        || quic_tls_apply_choices(tls) != NGX_OK
        || quic_tls_choose_certificate(tls) != NGX_OK)
    {
        return 0;
    }

    return 1;
}


/*
 * A ticket is good for the context and the version of QUIC of the connection
 * that it was sent on.
 */

static ngx_int_t
quic_tls_bind_session(quic_tls_t *tls)
{
    ngx_uint_t  i;
    u_char      name[QUIC_TLS_NAME_LEN];

    ngx_memcpy(name, tls->ctx->name, QUIC_TLS_NAME_LEN);

    for (i = 0; i < sizeof(uint32_t); i++) {
        name[i] ^= (u_char) (tls->version >> 8 * i);
    }

    if (!SSL_set_session_id_context(tls->ssl, name, QUIC_TLS_NAME_LEN)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
quic_tls_choose_certificate(quic_tls_t *tls)
{
    size_t            n;
    const uint16_t   *sigalgs;
    quic_tls_cert_t  *cert;

    if (tls->cert_type != QUIC_TLS_CERT_TYPES) {
        return NGX_OK;
    }

    n = SSL_get0_peer_verify_algorithms(tls->ssl, &sigalgs);
    cert = quic_tls_ctx_choose(tls->ctx, sigalgs, n);

    /* it may still go on: a resumed one needs no certificate */

    if (cert == NULL) {
        return NGX_OK;
    }

    return quic_tls_set_certificate(tls, cert,
                                    quic_tls_cert_sigalg(cert, sigalgs, n));
}


/*
 * AWS-LC keeps a certificate for each kind of key, also of those that were set
 * before, and chooses among them by the algorithm: so there is but one that it
 * may sign with.
 */

static ngx_int_t
quic_tls_set_certificate(quic_tls_t *tls, quic_tls_cert_t *cert,
    uint16_t sigalg)
{
    /* the context's own is there already */

    if (cert != tls->ctx->cert
        && !SSL_set_chain_and_key(tls->ssl, cert->chain, cert->nchain,
                                  cert->key, NULL))
    {
        return NGX_ERROR;
    }

    if (!SSL_set_signing_algorithm_prefs(tls->ssl, &sigalg, 1)) {
        return NGX_ERROR;
    }

    tls->sigalg = sigalg;

    return NGX_OK;
}


ngx_int_t
quic_tls_use_certificate(quic_tls_t *tls, quic_tls_cert_t *cert)
{
    size_t           n;
    uint16_t         sigalg;
    const uint16_t  *sigalgs;

    n = SSL_get0_peer_verify_algorithms(tls->ssl, &sigalgs);
    sigalg = quic_tls_cert_sigalg(cert, sigalgs, n);

    if (cert->type >= tls->cert_type || sigalg == 0) {
        return NGX_OK;
    }

    if (quic_tls_set_certificate(tls, cert, sigalg) != NGX_OK) {
        return NGX_ERROR;
    }

    tls->cert_type = cert->type;

    return NGX_OK;
}


static int
quic_tls_read_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    return quic_tls_secret(ssl, level, 0, cipher, secret, len);
}


static int
quic_tls_write_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    return quic_tls_secret(ssl, level, 1, cipher, secret, len);
}


static int
quic_tls_secret(SSL *ssl, enum ssl_encryption_level_t level, ngx_uint_t write,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    quic_tls_t          *tls;
    const quic_suite_t  *suite;

    tls = SSL_get_app_data(ssl);
    suite = quic_suite_by_id(SSL_CIPHER_get_protocol_id(cipher));

    if (level == ssl_encryption_early_data && !quic_tls_tickets_early(tls)) {
        (void) quic_tls_fail(tls, QUIC_INTERNAL_ERROR, "0-RTT was refused");
        return 0;
    }

    if (suite == NULL
        || tls->ops->secret(tls->data, (quic_level_e) level, write, suite,
                            secret, len)
           != NGX_OK)
    {
        (void) quic_tls_fail(tls, QUIC_INTERNAL_ERROR, "no keys");
        return 0;
    }

    return 1;
}


static int
quic_tls_add_data(SSL *ssl, enum ssl_encryption_level_t level,
    const u_char *data, size_t len)
{
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    if (tls->ops->send(tls->data, (quic_level_e) level, data, len) != NGX_OK) {
        (void) quic_tls_fail(tls, QUIC_INTERNAL_ERROR, "CRYPTO data not sent");
        return 0;
    }

    return 1;
}


/* the transport sends when quic_tls_receive() has returned */

static int
quic_tls_flush(SSL *ssl)
{
    return 1;
}


static int
quic_tls_alert(SSL *ssl, enum ssl_encryption_level_t level, u_char alert)
{
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    if (!tls->alerted) {
        tls->alerted = 1;
        tls->alert = alert;
    }

    return 1;
}


/* the first error is the one that counts */

static ngx_int_t
quic_tls_fail(quic_tls_t *tls, uint64_t error, const char *reason)
{
    if (!tls->failed) {
        tls->failed = 1;
        tls->error = error;
        tls->reason = reason;
    }

    return NGX_ERROR;
}


/*
 * The library's error becomes QUIC's: by the table, or by its alert.  With
 * neither it is our own trouble, such as a lack of memory.
 */

static ngx_int_t
quic_tls_library_error(quic_tls_t *tls)
{
    uint32_t    code;
    uint64_t    error;
    ngx_uint_t  i, n;

    n = sizeof(quic_tls_errors) / sizeof(quic_tls_errors[0]);
    code = ERR_peek_error();
    error = tls->alerted ? QUIC_CRYPTO_ERROR(tls->alert) : QUIC_INTERNAL_ERROR;

    for (i = 0; i < n; i++) {
        if (ERR_GET_LIB(code) == ERR_LIB_SSL
            && ERR_GET_REASON(code) == quic_tls_errors[i].reason)
        {
            error = quic_tls_errors[i].code;
        }
    }

    quic_tls_describe(tls, code);
    ERR_clear_error();

    return quic_tls_fail(tls, error, tls->text);
}


/* "no application protocol: NO_APPLICATION_PROTOCOL" */

static void
quic_tls_describe(quic_tls_t *tls, uint32_t code)
{
    u_char      *p, *last;
    const char  *reason;

    p = (u_char *) tls->text;
    last = p + sizeof(tls->text) - 1;

    if (tls->alerted) {
        p = ngx_slprintf(p, last, "%s",
                         SSL_alert_desc_string_long(tls->alert));
    }

    reason = code ? ERR_reason_error_string(code) : NULL;

    if (reason) {
        p = ngx_slprintf(p, last, "%s%s", tls->alerted ? ": " : "", reason);
    }

    if (p == (u_char *) tls->text) {
        p = ngx_slprintf(p, last, "handshake failed");
    }

    *p = '\0';
}


uint64_t
quic_tls_error(quic_tls_t *tls, const char **reason)
{
    *reason = tls->failed ? tls->reason : "";

    return tls->failed ? tls->error : QUIC_NO_ERROR;
}


const char *
quic_tls_cipher(quic_tls_t *tls)
{
    const SSL_CIPHER  *cipher;

    cipher = SSL_get_current_cipher(tls->ssl);

    return cipher ? SSL_CIPHER_standard_name(cipher) : "";
}


const char *
quic_tls_group(quic_tls_t *tls)
{
    uint16_t     id;
    const char  *name;

    id = SSL_get_curve_id(tls->ssl);
    name = quic_tls_group_name(id);

    if (name == NULL) {
        name = SSL_get_curve_name(id);
    }

    return name ? name : "";
}


const char *
quic_tls_sigalg(quic_tls_t *tls)
{
    return quic_tls_sigalg_name(tls, tls->sigalg);
}


const char *
quic_tls_client_sigalg(quic_tls_t *tls)
{
    return quic_tls_sigalg_name(tls,
                                SSL_get_peer_signature_algorithm(tls->ssl));
}


/* a session knows what was signed when it began, in another handshake */

static const char *
quic_tls_sigalg_name(quic_tls_t *tls, uint16_t sigalg)
{
    const char  *name;

    if (sigalg == 0 || quic_tls_resumed(tls)) {
        return "";
    }

    name = SSL_get_signature_algorithm_name(sigalg, 1);

    return name ? name : "";
}


ngx_str_t
quic_tls_server_name(quic_tls_t *tls)
{
    ngx_str_t    str;
    const char  *name;

    name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);

    str.data = (u_char *) (name ? name : "");
    str.len = ngx_strlen(str.data);

    return str;
}


ngx_uint_t
quic_tls_resumed(quic_tls_t *tls)
{
    return SSL_session_reused(tls->ssl);
}
