
/*
 * A TLS client for the tests, on the same hooks of the library as the server's
 * driver: it can say what a server is to meet (which suite, which server name,
 * which signature algorithms, no transport parameters), and it doesn't check
 * whom it talks to.
 *
 * Steps: test_tls_client_create(), test_tls_client_start() for the
 * ClientHello, then test_tls_client_receive() with what the server's driver
 * has sent.
 */

#ifndef _TEST_TLS_CLIENT_H_INCLUDED_
#define _TEST_TLS_CLIENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_tls.h"


typedef struct test_tls_client_s   test_tls_client_t;

/* a session to resume; opaque */
typedef struct test_tls_session_s  test_tls_session_t;


/* zero for all that doesn't matter */

typedef struct {
    const char          *server_name;   /* NULL: none is sent */
    const char          *alpn;          /* one protocol; NULL: "h3" */
    u_char              *params;        /* transport parameters, or none */
    size_t               params_len;
    uint16_t             suite;         /* 0x1301.., 0: the library's choice */
    uint16_t             sigalg;        /* the only one; 0: the library's */
    const char          *group;         /* the only one; NULL: the library's */
    test_tls_session_t  *session;       /* to resume */
    unsigned             early:1;       /* 0-RTT, if the session allows it */
    unsigned             no_params:1;
} test_tls_client_conf_t;


/*
 * ops->client_hello isn't used.  "conf" isn't needed after the call.  NULL
 * when the library refuses what is wanted.
 */
test_tls_client_t *test_tls_client_create(test_tls_client_conf_t *conf,
    const quic_tls_ops_t *ops, void *data);
void test_tls_client_free(test_tls_client_t *client);

/* makes the ClientHello: NGX_AGAIN, or NGX_ERROR */
ngx_int_t test_tls_client_start(test_tls_client_t *client);

/*
 * As quic_tls_receive(): NGX_OK when the handshake is complete, NGX_AGAIN,
 * NGX_ERROR.  The level must be test_tls_client_read_level()'s.
 */
ngx_int_t test_tls_client_receive(test_tls_client_t *client,
    quic_level_e level, const u_char *data, size_t len);
quic_level_e test_tls_client_read_level(test_tls_client_t *client);

/* the alert of an error, -1: there was none; and the library's own words */
int test_tls_client_alert(test_tls_client_t *client);
const char *test_tls_client_reason(test_tls_client_t *client);

/* what the server has sent or agreed to; live as long as "client" */
ngx_str_t test_tls_client_params(test_tls_client_t *client);
ngx_str_t test_tls_client_alpn(test_tls_client_t *client);
const char *test_tls_client_cipher(test_tls_client_t *client);
ngx_uint_t test_tls_client_resumed(test_tls_client_t *client);
ngx_uint_t test_tls_client_early_accepted(test_tls_client_t *client);

/* common name of the server's certificate, "" before there is one */
const char *test_tls_client_peer_name(test_tls_client_t *client);

/* what the server has signed with; of its session, if that was resumed */
const char *test_tls_client_peer_sigalg(test_tls_client_t *client);

/* tickets so far; the last one's session, NULL: none.  To be freed. */
ngx_uint_t test_tls_client_tickets(test_tls_client_t *client);
test_tls_session_t *test_tls_client_session(test_tls_client_t *client);
/* what the server has said of how long it's good, seconds */
uint32_t test_tls_session_lifetime(test_tls_session_t *session);
/* it's offered however old it is */
void test_tls_session_keep(test_tls_session_t *session);
/* the client takes it for so many seconds older than it is */
void test_tls_session_older(test_tls_session_t *session, ngx_uint_t seconds);
/* which key it was sealed with: the first bytes of the ticket */
uint32_t test_tls_session_key(test_tls_session_t *session);
void test_tls_session_free(test_tls_session_t *session);


#endif /* _TEST_TLS_CLIENT_H_INCLUDED_ */
