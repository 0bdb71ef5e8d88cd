
/* A TLS client for the tests, on SSL_QUIC_METHOD. */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "test_tls_client.h"


struct test_tls_client_s {
    SSL_CTX              *ssl_ctx;
    SSL                  *ssl;
    const quic_tls_ops_t *ops;
    void                 *data;
    SSL_SESSION          *session;      /* of the last ticket */
    ngx_uint_t            tickets;
    int                   alert;
    const char           *reason;
    char                  peer_name[256];
    unsigned              complete:1;
};


static ngx_int_t test_tls_configure(test_tls_client_t *client,
    test_tls_client_conf_t *conf);
static ngx_int_t test_tls_only_suite(SSL *ssl, uint16_t suite);
static ngx_int_t test_tls_set_alpn(SSL *ssl, const char *alpn);
static ngx_int_t test_tls_handshake(test_tls_client_t *client);
static ngx_int_t test_tls_error(test_tls_client_t *client);


static int
test_tls_secret(SSL *ssl, enum ssl_encryption_level_t level, ngx_uint_t write,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    test_tls_client_t  *client;

    client = SSL_get_app_data(ssl);

    return client->ops->secret(client->data, (quic_level_e) level, write,
                              quic_suite_by_id(
                                          SSL_CIPHER_get_protocol_id(cipher)),
                              secret, len)
           == NGX_OK;
}


static int
test_tls_read_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    return test_tls_secret(ssl, level, 0, cipher, secret, len);
}


static int
test_tls_write_secret(SSL *ssl, enum ssl_encryption_level_t level,
    const SSL_CIPHER *cipher, const u_char *secret, size_t len)
{
    return test_tls_secret(ssl, level, 1, cipher, secret, len);
}


static int
test_tls_add_data(SSL *ssl, enum ssl_encryption_level_t level,
    const u_char *data, size_t len)
{
    test_tls_client_t  *client;

    client = SSL_get_app_data(ssl);

    return client->ops->send(client->data, (quic_level_e) level, data, len)
           == NGX_OK;
}


static int
test_tls_flush(SSL *ssl)
{
    return 1;
}


static int
test_tls_alert(SSL *ssl, enum ssl_encryption_level_t level, u_char alert)
{
    test_tls_client_t  *client;

    client = SSL_get_app_data(ssl);
    client->alert = alert;

    return 1;
}


static const SSL_QUIC_METHOD  test_tls_method = {
    test_tls_read_secret,
    test_tls_write_secret,
    test_tls_add_data,
    test_tls_flush,
    test_tls_alert
};


static enum ssl_verify_result_t
test_tls_verify(SSL *ssl, u_char *alert)
{
    return ssl_verify_ok;
}


/* a ticket has come: the session is ours with the return of 1 */

static int
test_tls_new_session(SSL *ssl, SSL_SESSION *session)
{
    test_tls_client_t  *client;

    client = SSL_get_app_data(ssl);

    SSL_SESSION_free(client->session);
    client->session = session;
    client->tickets++;

    return 1;
}


test_tls_client_t *
test_tls_client_create(test_tls_client_conf_t *conf, const quic_tls_ops_t *ops,
    void *data)
{
    test_tls_client_t  *client;

    client = calloc(1, sizeof(test_tls_client_t));
    if (client == NULL) {
        return NULL;
    }

    client->ops = ops;
    client->data = data;
    client->alert = -1;
    client->reason = "";

    if (test_tls_configure(client, conf) != NGX_OK) {
        test_tls_client_free(client);
        return NULL;
    }

    return client;
}


static ngx_int_t
test_tls_configure(test_tls_client_t *client, test_tls_client_conf_t *conf)
{
    SSL      *ssl;
    SSL_CTX  *ssl_ctx;

    ssl_ctx = SSL_CTX_new(TLS_method());
    if (ssl_ctx == NULL) {
        return NGX_ERROR;
    }

    client->ssl_ctx = ssl_ctx;

    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_CLIENT
                                            |SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl_ctx, test_tls_new_session);
    SSL_CTX_set_custom_verify(ssl_ctx, SSL_VERIFY_PEER, test_tls_verify);

    if (!SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION)
        || !SSL_CTX_set_quic_method(ssl_ctx, &test_tls_method))
    {
        return NGX_ERROR;
    }

    ssl = SSL_new(ssl_ctx);
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    client->ssl = ssl;

    SSL_set_app_data(ssl, client);
    SSL_set_connect_state(ssl);

    /* the old codepoint: for a server it is as if there were none */

    if (conf->no_params) {
        SSL_set_quic_use_legacy_codepoint(ssl, 1);
    }

    /* the library sends the extension only if there is something in it */

    if (!SSL_set_quic_transport_params(ssl,
                                 conf->params ? conf->params : (u_char *) "",
                                 conf->params ? conf->params_len : 1))
    {
        return NGX_ERROR;
    }

    SSL_set_early_data_enabled(ssl, conf->early);

    if ((conf->suite && test_tls_only_suite(ssl, conf->suite) != NGX_OK)
        || (conf->server_name
            && !SSL_set_tlsext_host_name(ssl, conf->server_name))
        || (conf->sigalg
            && !SSL_set_verify_algorithm_prefs(ssl, &conf->sigalg, 1))
        || (conf->group && !SSL_set1_groups_list(ssl, conf->group))
        || (conf->session
            && !SSL_set_session(ssl, (SSL_SESSION *) conf->session))
        || test_tls_set_alpn(ssl, conf->alpn ? conf->alpn : "h3") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


#ifdef OPENSSL_IS_AWSLC

static ngx_int_t
test_tls_only_suite(SSL *ssl, uint16_t suite)
{
    return SSL_set_ciphersuites(ssl, quic_suite_by_id(suite)->name)
           ? NGX_OK : NGX_ERROR;
}

#else

/*
 * BoringSSL doesn't let a client choose.  But with AES in hardware it puts
 * AES-128 first, without it ChaCha20, and there is a policy for networks that
 * allows nothing but AES-256 (with P-384).  Our server takes the first one.
 *
 * Its headers show the switch for tests to C++ alone, so this is its name as
 * C++ has it.
 */

void test_tls_set_aes_hw(SSL *ssl, _Bool on)
    __asm__("_ZN4bssl35SSL_set_aes_hw_override_for_testingEP6ssl_stb");


static ngx_int_t
test_tls_only_suite(SSL *ssl, uint16_t suite)
{
    switch (suite) {

    case 0x1302:
        return SSL_set_compliance_policy(ssl,
                                         ssl_compliance_policy_wpa3_192_202304)
               ? NGX_OK : NGX_ERROR;

    case 0x1301:
    case 0x1303:
        test_tls_set_aes_hw(ssl, suite == 0x1301);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}

#endif


static ngx_int_t
test_tls_set_alpn(SSL *ssl, const char *alpn)
{
    size_t  len;
    u_char  buf[256];

    len = ngx_strlen(alpn);

    if (len == 0 || len > 255) {
        return NGX_ERROR;
    }

    buf[0] = (u_char) len;
    ngx_memcpy(buf + 1, alpn, len);

    /* 0 is success here */

    return SSL_set_alpn_protos(ssl, buf, len + 1) == 0 ? NGX_OK : NGX_ERROR;
}


void
test_tls_client_free(test_tls_client_t *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ssl_ctx);
    SSL_SESSION_free(client->session);
    free(client);
}


ngx_int_t
test_tls_client_start(test_tls_client_t *client)
{
    return test_tls_handshake(client);
}


ngx_int_t
test_tls_client_receive(test_tls_client_t *client, quic_level_e level,
    const u_char *data, size_t len)
{
    ERR_clear_error();

    if (!SSL_provide_quic_data(client->ssl,
                               (enum ssl_encryption_level_t) level, data, len))
    {
        return test_tls_error(client);
    }

    if (!client->complete) {
        return test_tls_handshake(client);
    }

    if (!SSL_process_quic_post_handshake(client->ssl)) {
        return test_tls_error(client);
    }

    return NGX_OK;
}


static ngx_int_t
test_tls_handshake(test_tls_client_t *client)
{
    int  rc;

    /* with 0-RTT it returns as soon as early data can be sent */

    rc = SSL_do_handshake(client->ssl);

    if (rc == 1 && SSL_in_early_data(client->ssl)) {
        return NGX_AGAIN;
    }

    if (rc == 1) {
        client->complete = 1;
        return NGX_OK;
    }

    switch (SSL_get_error(client->ssl, rc)) {

    case SSL_ERROR_WANT_READ:
        return NGX_AGAIN;

    case SSL_ERROR_EARLY_DATA_REJECTED:
        SSL_reset_early_data_reject(client->ssl);
        return test_tls_handshake(client);

    default:
        return test_tls_error(client);
    }
}


static ngx_int_t
test_tls_error(test_tls_client_t *client)
{
    uint32_t  code;

    code = ERR_peek_error();

    if (code) {
        client->reason = ERR_reason_error_string(code);
    }

    ERR_clear_error();

    return NGX_ERROR;
}


quic_level_e
test_tls_client_read_level(test_tls_client_t *client)
{
    return (quic_level_e) SSL_quic_read_level(client->ssl);
}


int
test_tls_client_alert(test_tls_client_t *client)
{
    return client->alert;
}


const char *
test_tls_client_reason(test_tls_client_t *client)
{
    return client->reason ? client->reason : "";
}


ngx_str_t
test_tls_client_params(test_tls_client_t *client)
{
    size_t         len;
    ngx_str_t      params;
    const u_char  *p;

    SSL_get_peer_quic_transport_params(client->ssl, &p, &len);

    params.data = (u_char *) p;
    params.len = len;

    return params;
}


ngx_str_t
test_tls_client_alpn(test_tls_client_t *client)
{
    unsigned       len;
    ngx_str_t      alpn;
    const u_char  *p;

    SSL_get0_alpn_selected(client->ssl, &p, &len);

    alpn.data = (u_char *) p;
    alpn.len = len;

    return alpn;
}


const char *
test_tls_client_cipher(test_tls_client_t *client)
{
    const SSL_CIPHER  *cipher;

    cipher = SSL_get_current_cipher(client->ssl);

    return cipher ? SSL_CIPHER_standard_name(cipher) : "";
}


ngx_uint_t
test_tls_client_resumed(test_tls_client_t *client)
{
    return SSL_session_reused(client->ssl);
}


ngx_uint_t
test_tls_client_early_accepted(test_tls_client_t *client)
{
    return SSL_early_data_accepted(client->ssl);
}


const char *
test_tls_client_peer_name(test_tls_client_t *client)
{
    X509  *cert;

    client->peer_name[0] = '\0';

    cert = SSL_get_peer_certificate(client->ssl);

    if (cert) {
        (void) X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                         NID_commonName, client->peer_name,
                                         sizeof(client->peer_name));
        X509_free(cert);
    }

    return client->peer_name;
}


const char *
test_tls_client_peer_sigalg(test_tls_client_t *client)
{
    return SSL_get_signature_algorithm_name(
                           SSL_get_peer_signature_algorithm(client->ssl), 1);
}


ngx_uint_t
test_tls_client_tickets(test_tls_client_t *client)
{
    return client->tickets;
}


test_tls_session_t *
test_tls_client_session(test_tls_client_t *client)
{
    if (client->session) {
        SSL_SESSION_up_ref(client->session);
    }

    return (test_tls_session_t *) client->session;
}


uint32_t
test_tls_session_lifetime(test_tls_session_t *session)
{
    return SSL_SESSION_get_timeout((SSL_SESSION *) session);
}


void
test_tls_session_keep(test_tls_session_t *session)
{
    (void) SSL_SESSION_set_timeout((SSL_SESSION *) session, UINT32_MAX);
}


void
test_tls_session_older(test_tls_session_t *session, ngx_uint_t seconds)
{
    SSL_SESSION  *s;

    s = (SSL_SESSION *) session;

    (void) SSL_SESSION_set_time(s, SSL_SESSION_get_time(s) - seconds);
}


uint32_t
test_tls_session_key(test_tls_session_t *session)
{
    size_t         len;
    uint32_t       key;
    const uint8_t  *ticket;

    SSL_SESSION_get0_ticket((SSL_SESSION *) session, &ticket, &len);

    key = 0;
    ngx_memcpy(&key, ticket, ngx_min(len, sizeof(uint32_t)));

    return key;
}


void
test_tls_session_free(test_tls_session_t *session)
{
    SSL_SESSION_free((SSL_SESSION *) session);
}
