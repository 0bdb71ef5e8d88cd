
/* Handshakes in memory between the driver and the tests' client. */

#include "test.h"
#include <openssl/ssl.h>
#include "crypto/quic_tls.h"
#include "crypto/quic_tls_internal.h"
#include "wire/quic_error.h"
#include "../lib/test_cert.h"
#include "../lib/test_tls_client.h"


#define MAX_FLIGHT  65536

#define CLIENT_PARAMS  "the client's transport parameters"
#define SERVER_PARAMS  "the server's transport parameters"


typedef struct {
    const quic_suite_t  *suite;
    size_t               len;
    u_char               secret[48];
} secret_t;


/* what one side has let out */

typedef struct {
    u_char               out[QUIC_LEVELS][MAX_FLIGHT];
    size_t               len[QUIC_LEVELS];
    secret_t             secrets[QUIC_LEVELS][2];       /* read, write */
} side_t;


typedef struct {
    side_t               client_side;
    side_t               server_side;
    test_tls_client_t   *client;
    quic_tls_t          *server;

    /* what the server's client_hello() does */
    quic_tls_ctx_t      *use;          /* NULL: the one it has */
    uint32_t             version;
    ngx_int_t            hello_rc;
    ngx_int_t            send_rc;
    ngx_int_t            secret_rc;
    ngx_int_t            early_rc;
    const char          *early_context;

    /* what it has seen */
    ngx_uint_t           hellos;
    ngx_uint_t           earlies;
    uint64_t             ticket;
    char                 name[256];
    char                 params[256];
} pair_t;


static ngx_log_t        test_log;
static ngx_open_file_t  test_log_file;
static u_char           logged[8192];
static quic_tls_ctx_t  *rsa_ctx, *ec_ctx;


static void
log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    assert_int_equal(level, NGX_LOG_EMERG);
    assert_true(ngx_strlen(logged) + len < sizeof(logged));

    ngx_memcpy(logged + ngx_strlen(logged), buf, len);
}


static quic_tls_ctx_t *
make_ctx(test_cert_type_e type, const char *name)
{
    ngx_str_t           cert, key;
    quic_tls_ctx_t     *ctx;
    quic_tls_tickets_t  tickets;

    assert_int_equal(test_cert_make(type, name, NULL, &cert, &key), NGX_OK);

    ctx = quic_tls_ctx_create(&test_log);
    assert_non_null(ctx);

    assert_int_equal(quic_tls_ctx_certificate(ctx, &cert, &key, NULL,
                                              &test_log),
                     NGX_OK);
    free(cert.data);
    free(key.data);

    ngx_memzero(&tickets, sizeof(tickets));

    tickets.secret = (u_char *) "what keys of tickets are made of";
    tickets.longest = 300;
    tickets.early_data = 1;

    assert_int_equal(quic_tls_ctx_tickets(ctx, &tickets, &test_log), NGX_OK);

    return ctx;
}


static int
setup(void **state)
{
    /* nginx's logger wants a file, but our writer takes it all */

    test_log.log_level = NGX_LOG_DEBUG;
    test_log.writer = log_writer;
    test_log.file = &test_log_file;

    ngx_time_init();

    rsa_ctx = make_ctx(TEST_CERT_RSA, "rsa.example");
    ec_ctx = make_ctx(TEST_CERT_P256, "ec.example");

    return 0;
}


static int
teardown(void **state)
{
    quic_tls_ctx_free(rsa_ctx);
    quic_tls_ctx_free(ec_ctx);

    return 0;
}


static ngx_int_t
keep_secret(side_t *side, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    secret_t  *s;

    s = &side->secrets[level][write];

    assert_null(s->suite);
    assert_in_range(len, 32, sizeof(s->secret));

    s->suite = suite;
    s->len = len;
    ngx_memcpy(s->secret, secret, len);

    return NGX_OK;
}


static ngx_int_t
keep_data(side_t *side, quic_level_e level, const u_char *buf, size_t len)
{
    assert_true(side->len[level] + len <= MAX_FLIGHT);

    ngx_memcpy(side->out[level] + side->len[level], buf, len);
    side->len[level] += len;

    return NGX_OK;
}


static ngx_int_t
client_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    pair_t  *pair = data;

    return keep_secret(&pair->client_side, level, write, suite, secret, len);
}


static ngx_int_t
client_send(void *data, quic_level_e level, const u_char *buf, size_t len)
{
    pair_t  *pair = data;

    return keep_data(&pair->client_side, level, buf, len);
}


static ngx_int_t
server_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    pair_t  *pair = data;

    if (pair->secret_rc != NGX_OK) {
        return pair->secret_rc;
    }

    return keep_secret(&pair->server_side, level, write, suite, secret, len);
}


static ngx_int_t
server_send(void *data, quic_level_e level, const u_char *buf, size_t len)
{
    pair_t  *pair = data;

    if (pair->send_rc != NGX_OK) {
        return pair->send_rc;
    }

    /* there are keys for it */

    assert_true(level == QUIC_LEVEL_INITIAL
                || pair->server_side.secrets[level][1].suite);

    return keep_data(&pair->server_side, level, buf, len);
}


static ngx_int_t
server_hello(void *data, ngx_str_t *name)
{
    pair_t     *pair = data;
    ngx_str_t   params;

    pair->hellos++;

    ngx_memcpy(pair->name, name->data, name->len);
    pair->name[name->len] = '\0';

    assert_int_equal(quic_tls_peer_params(pair->server, &params), NGX_OK);
    assert_in_range(params.len, 0, sizeof(pair->params) - 1);
    ngx_memcpy(pair->params, params.data, params.len);
    pair->params[params.len] = '\0';

    /* nothing has been sent yet */

    assert_int_equal(pair->server_side.len[QUIC_LEVEL_INITIAL], 0);

    if (pair->hello_rc != NGX_OK) {
        return pair->hello_rc;
    }

    if (pair->use) {
        assert_int_equal(quic_tls_use(pair->server, pair->use), NGX_OK);
    }

    quic_tls_set_version(pair->server, pair->version);

    if (pair->early_context) {
        assert_int_equal(quic_tls_set_early_context(pair->server,
                                        (u_char *) pair->early_context,
                                        ngx_strlen(pair->early_context)),
                         NGX_OK);
    }

    return quic_tls_set_params(pair->server, (u_char *) SERVER_PARAMS,
                               sizeof(SERVER_PARAMS) - 1);
}


static ngx_int_t
server_early(void *data, uint64_t ticket)
{
    pair_t  *pair = data;

    pair->earlies++;
    pair->ticket = ticket;

    return pair->early_rc;
}


static const quic_tls_ops_t  client_ops = {
    client_secret, client_send, NULL, NULL
};


static const quic_tls_ops_t  server_ops = {
    server_secret, server_send, server_hello, server_early
};


static test_tls_client_conf_t
client_conf(void)
{
    test_tls_client_conf_t  conf;

    ngx_memzero(&conf, sizeof(conf));

    conf.params = (u_char *) CLIENT_PARAMS;
    conf.params_len = sizeof(CLIENT_PARAMS) - 1;

    return conf;
}


/* both sides, the ClientHello made, nothing delivered */

static pair_t *
pair_start(quic_tls_ctx_t *ctx, test_tls_client_conf_t *conf)
{
    pair_t  *pair;

    pair = calloc(1, sizeof(pair_t));
    assert_non_null(pair);

    pair->version = QUIC_VERSION_1;

    pair->server = quic_tls_create(ctx, &server_ops, pair);
    assert_non_null(pair->server);

    pair->client = test_tls_client_create(conf, &client_ops, pair);
    assert_non_null(pair->client);

    assert_int_equal(test_tls_client_start(pair->client), NGX_AGAIN);
    assert_true(pair->client_side.len[QUIC_LEVEL_INITIAL] > 0);

    return pair;
}


static void
pair_free(pair_t *pair)
{
    quic_tls_free(pair->server);
    test_tls_client_free(pair->client);
    free(pair);
}


/*
 * The bytes that the client has let out at one level go to the server, in
 * pieces of at most "piece" bytes, each in memory of its own.
 */

static ngx_int_t
deliver(pair_t *pair, quic_level_e level, size_t piece)
{
    size_t     n, pos;
    u_char    *copy;
    side_t    *side;
    ngx_int_t  rc;

    side = &pair->client_side;
    rc = NGX_AGAIN;

    for (pos = 0; pos < side->len[level]; pos += n) {
        n = ngx_min(piece, side->len[level] - pos);

        copy = malloc(n);
        ngx_memcpy(copy, side->out[level] + pos, n);

        rc = quic_tls_receive(pair->server, level, copy, n);

        ngx_memset(copy, 0xff, n);
        free(copy);

        if (rc == NGX_ERROR) {
            break;
        }
    }

    side->len[level] = 0;

    return rc;
}


/* and the other way round, whatever levels there are, if any; lowest first */

static ngx_int_t
deliver_back(pair_t *pair)
{
    side_t        *side;
    ngx_int_t      rc;
    quic_level_e   level;

    side = &pair->server_side;
    rc = NGX_OK;

    for (level = QUIC_LEVEL_INITIAL; level <= QUIC_LEVEL_APP; level++) {

        if (side->len[level] == 0) {
            continue;
        }

        assert_int_equal(test_tls_client_read_level(pair->client), level);

        rc = test_tls_client_receive(pair->client, level, side->out[level],
                                     side->len[level]);
        side->len[level] = 0;

        if (rc == NGX_ERROR) {
            break;
        }
    }

    return rc;
}


/* a handshake that must succeed */

static pair_t *
pair_run(pair_t *pair, size_t piece)
{
    ngx_uint_t    i;
    quic_level_e  level;

    for (i = 0; i < 3; i++) {
        level = quic_tls_read_level(pair->server);

        switch (deliver(pair, level, piece)) {

        case NGX_OK:
            assert_int_equal(deliver_back(pair), NGX_OK);
            return pair;

        case NGX_AGAIN:
            assert_int_not_equal(deliver_back(pair), NGX_ERROR);
            break;

        default:
            fail();
        }
    }

    fail();

    return NULL;
}


static pair_t *
pair_shake(quic_tls_ctx_t *ctx, test_tls_client_conf_t *conf)
{
    return pair_run(pair_start(ctx, conf), MAX_FLIGHT);
}


static void
assert_same_secrets(pair_t *pair, quic_level_e level, uint16_t suite)
{
    secret_t    *ours, *theirs;
    ngx_uint_t   i;

    for (i = 0; i < 2; i++) {
        ours = &pair->server_side.secrets[level][i];
        theirs = &pair->client_side.secrets[level][!i];

        assert_non_null(ours->suite);
        assert_ptr_equal(ours->suite, theirs->suite);
        assert_int_equal(ours->suite->id, suite);
        assert_int_equal(ours->len, suite == 0x1302 ? 48 : 32);
        assert_int_equal(ours->len, theirs->len);
        assert_memory_equal(ours->secret, theirs->secret, ours->len);
    }
}


static void
assert_tls_error(pair_t *pair, uint64_t code)
{
    u_char       byte;
    const char  *reason;

    assert_int_equal(quic_tls_error(pair->server, &reason), code);
    assert_int_not_equal(ngx_strlen(reason), 0);

    /* it stays so, whatever comes */

    byte = 0;
    assert_int_equal(quic_tls_receive(pair->server,
                                      quic_tls_read_level(pair->server), &byte,
                                      1),
                     NGX_ERROR);
    assert_int_equal(quic_tls_error(pair->server, &reason), code);

    assert_int_equal(ERR_peek_error(), 0);
}


static void
suites(void **state)
{
    pair_t                  *pair;
    ngx_str_t                str;
    ngx_uint_t               i;
    const char              *reason;
    test_tls_client_conf_t   conf;

    /* BoringSSL's policy that gives AES-256 has no P-256 */

    struct {
        uint16_t         id;
        quic_tls_ctx_t  *ctx;
    } rows[] = {
        { 0x1301, rsa_ctx },
        { 0x1302, rsa_ctx },
        { 0x1303, rsa_ctx },
        { 0x1301, ec_ctx },
        { 0x1303, ec_ctx }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        conf = client_conf();
        conf.suite = rows[i].id;
        conf.server_name = "www.example.org";

        pair = pair_start(rows[i].ctx, &conf);

        assert_string_equal(quic_tls_cipher(pair->server), "");
        assert_string_equal(quic_tls_group(pair->server), "");
        assert_int_equal(quic_tls_server_name(pair->server).len, 0);
        assert_int_equal(quic_tls_peer_params(pair->server, &str),
                         NGX_DECLINED);

        pair_run(pair, MAX_FLIGHT);

        assert_same_secrets(pair, QUIC_LEVEL_HANDSHAKE, conf.suite);
        assert_same_secrets(pair, QUIC_LEVEL_APP, conf.suite);
        assert_null(pair->server_side.secrets[QUIC_LEVEL_EARLY][0].suite);

        assert_string_equal(quic_tls_cipher(pair->server),
                            quic_suite_by_id(conf.suite)->name);
        assert_string_not_equal(quic_tls_group(pair->server), "");

        str = quic_tls_server_name(pair->server);
        assert_string_equal(str.data, "www.example.org");
        assert_int_equal(str.len, sizeof("www.example.org") - 1);
        assert_string_equal(pair->name, "www.example.org");
        assert_int_equal(pair->hellos, 1);

        assert_string_equal(pair->params, CLIENT_PARAMS);
        str = test_tls_client_params(pair->client);
        assert_int_equal(str.len, sizeof(SERVER_PARAMS) - 1);
        assert_memory_equal(str.data, SERVER_PARAMS, str.len);

        str = test_tls_client_alpn(pair->client);
        assert_int_equal(str.len, 2);
        assert_memory_equal(str.data, "h3", 2);

        assert_false(quic_tls_resumed(pair->server));
        assert_int_equal(quic_tls_error(pair->server, &reason), 0);
        assert_string_equal(reason, "");

        pair_free(pair);
    }
}


/* the same in pieces of any size */

static void
pieces(void **state)
{
    pair_t                  *pair;
    ngx_uint_t               i;
    test_tls_client_conf_t   conf;

    static const size_t  sizes[] = { 1, 2, 3, 5, 7, 64, 100, 333, 1200 };

    for (i = 0; i < test_array_len(sizes); i++) {
        conf = client_conf();
        pair = pair_run(pair_start(ec_ctx, &conf), sizes[i]);

        assert_string_equal(pair->params, CLIENT_PARAMS);
        assert_int_equal(pair->hellos, 1);
        assert_same_secrets(pair, QUIC_LEVEL_APP, 0x1301);

        pair_free(pair);
    }
}


static void
no_server_name(void **state)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    pair = pair_shake(ec_ctx, &conf);

    assert_string_equal(pair->name, "");
    assert_int_equal(quic_tls_server_name(pair->server).len, 0);
    assert_string_equal(test_tls_client_peer_name(pair->client), "ec.example");

    pair_free(pair);
}


static void
alpn(void **state)
{
    pair_t                  *pair;
    ngx_uint_t               i;
    test_tls_client_conf_t   conf;

    static const char  *wrong[] = { "h2", "h", "h30", "H3", "h3-29",
                                    "http/1.1" };

    for (i = 0; i < test_array_len(wrong); i++) {
        conf = client_conf();
        conf.alpn = wrong[i];

        pair = pair_start(ec_ctx, &conf);

        assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT),
                         NGX_ERROR);
        assert_tls_error(pair, 0x178);
        assert_int_equal(pair->server_side.len[QUIC_LEVEL_INITIAL], 0);

        pair_free(pair);
    }
}


/* "from" is somewhere in the ClientHello, and becomes "to" */

static void
replace(pair_t *pair, const char *from, const char *to, size_t n)
{
    size_t   len;
    u_char  *p;

    p = pair->client_side.out[QUIC_LEVEL_INITIAL];
    len = pair->client_side.len[QUIC_LEVEL_INITIAL];

    for ( /* void */ ; len >= n; p++, len--) {
        if (ngx_memcmp(p, from, n) == 0) {
            ngx_memcpy(p, to, n);
            return;
        }
    }

    fail();
}


/* the extension has become another, unknown one */

static void
no_alpn(void **state)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    pair = pair_start(ec_ctx, &conf);

    replace(pair, "\000\020\000\005\000\003\002h3",
            "\377\020\000\005\000\003\002h3", 9);

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, 0x178);

    pair_free(pair);
}


static void
no_params(void **state)
{
    pair_t                  *pair;
    const char              *reason;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.no_params = 1;

    pair = pair_start(ec_ctx, &conf);

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, 0x16d);
    assert_int_equal(pair->hellos, 0);

    (void) quic_tls_error(pair->server, &reason);
    assert_non_null(strstr(reason, "missing extension"));

    pair_free(pair);
}


static void
refused(void **state)
{
    pair_t                  *pair;
    ngx_uint_t               i;
    test_tls_client_conf_t   conf;

    static const struct {
        ngx_int_t            hello;
        ngx_int_t            secret;
        ngx_int_t            send;
        uint64_t             code;
    } rows[] = {
        { NGX_DECLINED, NGX_OK, NGX_OK, 0x170 },
        { NGX_ERROR, NGX_OK, NGX_OK, QUIC_INTERNAL_ERROR },
        { NGX_OK, NGX_ERROR, NGX_OK, QUIC_INTERNAL_ERROR },
        { NGX_OK, NGX_OK, NGX_ERROR, QUIC_INTERNAL_ERROR }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        conf = client_conf();
        pair = pair_start(ec_ctx, &conf);

        pair->hello_rc = rows[i].hello;
        pair->secret_rc = rows[i].secret;
        pair->send_rc = rows[i].send;

        assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT),
                         NGX_ERROR);
        assert_tls_error(pair, rows[i].code);
        assert_int_equal(pair->hellos, 1);

        pair_free(pair);
    }
}


static void
two_contexts(void **state)
{
    pair_t                  *pair;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.server_name = "other.example";

    ctx = make_ctx(TEST_CERT_P256, "other.example");

    pair = pair_start(ec_ctx, &conf);
    pair->use = ctx;
    pair_run(pair, MAX_FLIGHT);

    assert_string_equal(test_tls_client_peer_name(pair->client),
                        "other.example");

    /* a context may be freed before its connections */

    quic_tls_ctx_free(ctx);
    pair_free(pair);

    /* to use what is used already changes nothing */

    pair = pair_start(ec_ctx, &conf);
    pair->use = ec_ctx;
    pair_run(pair, MAX_FLIGHT);
    assert_string_equal(test_tls_client_peer_name(pair->client), "ec.example");
    pair_free(pair);
}


static const struct {
    test_cert_type_e     type;
    const char          *name;
    uint16_t             sigalg;
} certs[] = {
    { TEST_CERT_RSA, "rsa.example", SSL_SIGN_RSA_PSS_RSAE_SHA256 },
    { TEST_CERT_P521, "p521.example", SSL_SIGN_ECDSA_SECP521R1_SHA512 },
    { TEST_CERT_P256, "p256.example", SSL_SIGN_ECDSA_SECP256R1_SHA256 },
    { TEST_CERT_ED25519, "ed25519.example", SSL_SIGN_ED25519 },
    { TEST_CERT_P384, "p384.example", SSL_SIGN_ECDSA_SECP384R1_SHA384 }
};


/*
 * One context with all types of certificates, made in no particular order:
 * each client gets one that it can verify.  Once as the connection's first
 * context, once after a change of context.
 */

static void
certificate_types(void **state)
{
    pair_t                  *pair;
    ngx_str_t                cert, key;
    ngx_uint_t               i;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    ctx = quic_tls_ctx_create(&test_log);
    assert_non_null(ctx);

    for (i = 0; i < test_array_len(certs); i++) {
        assert_int_equal(test_cert_make(certs[i].type, certs[i].name, NULL,
                                        &cert, &key),
                         NGX_OK);
        assert_int_equal(quic_tls_ctx_certificate(ctx, &cert, &key, NULL,
                                                  &test_log),
                         NGX_OK);
        free(cert.data);
        free(key.data);
    }

    for (i = 0; i < 2 * test_array_len(certs); i++) {
        conf = client_conf();
        conf.sigalg = certs[i / 2].sigalg;

        pair = pair_start(i % 2 ? rsa_ctx : ctx, &conf);
        pair->use = i % 2 ? ctx : NULL;
        pair_run(pair, MAX_FLIGHT);

        assert_string_equal(test_tls_client_peer_name(pair->client),
                            certs[i / 2].name);
        assert_string_equal(quic_tls_sigalg(pair->server),
                            test_tls_client_peer_sigalg(pair->client));
        pair_free(pair);
    }

    /* a client of all sorts gets the preferred one */

    conf = client_conf();
    pair = pair_shake(ctx, &conf);
    assert_string_equal(test_tls_client_peer_name(pair->client),
                        "p256.example");
    pair_free(pair);

    /* a new certificate of a type that is there takes its place */

    assert_int_equal(test_cert_make(TEST_CERT_P256, "new.example", NULL, &cert,
                                    &key),
                     NGX_OK);
    assert_int_equal(quic_tls_ctx_certificate(ctx, &cert, &key, NULL,
                                              &test_log),
                     NGX_OK);
    free(cert.data);
    free(key.data);

    pair = pair_shake(ctx, &conf);
    assert_string_equal(test_tls_client_peer_name(pair->client),
                        "new.example");
    pair_free(pair);

    quic_tls_ctx_free(ctx);
}


/* an RSA key signs in several ways; the client knows which one it was */

static void
signatures(void **state)
{
    pair_t                  *pair;
    ngx_uint_t               i;
    test_tls_client_conf_t   conf;

    static const uint16_t    sigalgs[] = {
        0, SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384,
        SSL_SIGN_RSA_PSS_RSAE_SHA512
    };

    for (i = 0; i < test_array_len(sigalgs); i++) {
        conf = client_conf();
        conf.sigalg = sigalgs[i];

        pair = pair_start(rsa_ctx, &conf);
        assert_string_equal(quic_tls_sigalg(pair->server), "");

        pair_run(pair, MAX_FLIGHT);

        assert_string_equal(quic_tls_sigalg(pair->server),
                            test_tls_client_peer_sigalg(pair->client));
        assert_non_null(strstr(quic_tls_sigalg(pair->server), "rsa_pss_rsae"));
        assert_string_equal(quic_tls_client_sigalg(pair->server), "");
        pair_free(pair);
    }
}


static void
no_common_certificate(void **state)
{
    pair_t                  *pair;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.sigalg = SSL_SIGN_RSA_PSS_RSAE_SHA256;

    pair = pair_start(ec_ctx, &conf);
    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_ERROR(40));
    pair_free(pair);

    /* and a context that has none at all */

    ctx = quic_tls_ctx_create(&test_log);
    pair = pair_start(ctx, &conf);
    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_INTERNAL_ERROR);
    pair_free(pair);
    quic_tls_ctx_free(ctx);
}


/* a second ClientHello after a HelloRetryRequest, but one client_hello() */

static void
hello_retry(void **state)
{
    pair_t                  *pair;
    ngx_str_t                unknown;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    ngx_str_t  groups = ngx_string("secp384r1");

    ctx = make_ctx(TEST_CERT_P256, "ec.example");
    assert_int_equal(quic_tls_ctx_groups(ctx, &groups, &unknown), NGX_OK);

    conf = client_conf();
    pair = pair_run(pair_start(ctx, &conf), 50);

    assert_string_equal(quic_tls_group(pair->server), "secp384r1");
    assert_int_equal(pair->hellos, 1);
    assert_same_secrets(pair, QUIC_LEVEL_APP, 0x1301);

    pair_free(pair);
    quic_tls_ctx_free(ctx);
}


/*
 * X25519MLKEM768, with a ClientHello that takes more than one packet.  What a
 * library without it does is quic_tls_ctx_test's.
 */

static void
hybrid_group(void **state)
{
    pair_t                  *pair;
    ngx_str_t                unknown;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    ngx_str_t  groups = ngx_string("X25519MLKEM768");

    ctx = make_ctx(TEST_CERT_P256, "ec.example");

    if (quic_tls_ctx_groups(ctx, &groups, &unknown) != NGX_OK) {
        quic_tls_ctx_free(ctx);
        print_message("%s has no X25519MLKEM768\n", quic_tls_library());
        skip();
    }

    conf = client_conf();
    conf.group = "X25519MLKEM768";

    pair = pair_run(pair_start(ctx, &conf), 50);

    assert_string_equal(quic_tls_group(pair->server), "X25519MLKEM768");
    assert_same_secrets(pair, QUIC_LEVEL_APP, 0x1301);
    pair_free(pair);

    /* there is no other one in common */

    conf.group = "X25519";
    pair = pair_start(ctx, &conf);

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_ERROR(SSL_AD_HANDSHAKE_FAILURE));
    pair_free(pair);

    quic_tls_ctx_free(ctx);
}


/* RFC 9001, 4.1.3: data is taken at one level only */

static void
wrong_levels(void **state)
{
    pair_t                  *pair;
    u_char                   data[4];
    ngx_uint_t               i;
    quic_level_e             level;
    test_tls_client_conf_t   conf;

    ngx_memzero(data, sizeof(data));
    conf = client_conf();

    /* before the ClientHello, after it, and after the handshake */

    for (i = 0; i < 3; i++) {
        for (level = QUIC_LEVEL_INITIAL; level <= QUIC_LEVEL_APP; level++) {

            pair = pair_start(ec_ctx, &conf);

            if (i == 1) {
                assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT),
                                 NGX_AGAIN);
            } else if (i == 2) {
                pair_run(pair, MAX_FLIGHT);
            }

            if (level != quic_tls_read_level(pair->server)) {
                assert_int_equal(quic_tls_receive(pair->server, level, data,
                                                  sizeof(data)),
                                 NGX_ERROR);
                assert_tls_error(pair, QUIC_PROTOCOL_VIOLATION);
            }

            pair_free(pair);
        }
    }
}


/* bytes left over when TLS moves on to the next level */

static void
left_over(void **state)
{
    pair_t                  *pair;
    side_t                  *side;
    ngx_uint_t               i;
    quic_level_e             level;
    test_tls_client_conf_t   conf;

    conf = client_conf();

    for (i = 0; i < 2; i++) {
        pair = pair_start(ec_ctx, &conf);
        side = &pair->client_side;
        level = QUIC_LEVEL_INITIAL;

        if (i == 1) {
            assert_int_equal(deliver(pair, level, MAX_FLIGHT), NGX_AGAIN);
            assert_int_equal(deliver_back(pair), NGX_OK);
            level = QUIC_LEVEL_HANDSHAKE;
        }

        side->out[level][side->len[level]++] = 1;

        assert_int_equal(deliver(pair, level, MAX_FLIGHT), NGX_ERROR);
        assert_tls_error(pair, QUIC_PROTOCOL_VIOLATION);

        pair_free(pair);
    }
}


/* a message that says it is 16 MB long, and goes on */

static void
too_much(void **state)
{
    pair_t                  *pair;
    u_char                   data[16385];
    test_tls_client_conf_t   conf;

    conf = client_conf();

    ngx_memzero(data, sizeof(data));
    ngx_memcpy(data, "\001\377\377\377", 4);

    pair = pair_start(ec_ctx, &conf);
    assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_INITIAL, data,
                                      16384),
                     NGX_AGAIN);
    assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_INITIAL, data,
                                      1),
                     NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_BUFFER_EXCEEDED);
    pair_free(pair);

    pair = pair_start(ec_ctx, &conf);
    assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_INITIAL, data,
                                      16385),
                     NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_BUFFER_EXCEEDED);
    pair_free(pair);
}


/* RFC 9001, 8.4: a session ID of 32 bytes in the ClientHello */

static void
session_id(void **state)
{
    size_t                   len;
    u_char                  *p;
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    pair = pair_start(ec_ctx, &conf);

    p = pair->client_side.out[QUIC_LEVEL_INITIAL];
    len = pair->client_side.len[QUIC_LEVEL_INITIAL];

    /* type, length 3, version 2, random 32, session ID */

    assert_int_equal(p[38], 0);
    ngx_memmove(p + 39 + 32, p + 39, len - 39);
    ngx_memset(p + 39, 'x', 32);
    p[38] = 32;

    len = len - 4 + 32;
    p[2] = (u_char) (len >> 8);
    p[3] = (u_char) len;
    pair->client_side.len[QUIC_LEVEL_INITIAL] = len + 4;

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_PROTOCOL_VIOLATION);

    pair_free(pair);
}


/* RFC 9001, 4.2: supported_versions has TLS 1.2 alone */

static void
old_version(void **state)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    pair = pair_start(ec_ctx, &conf);

    replace(pair, "\000\053\000\003\002\003\004",
            "\000\053\000\003\002\003\003", 7);

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_ERROR(70));
    assert_int_equal(pair->hellos, 0);

    pair_free(pair);
}


/*
 * A ClientHello with any of its bytes changed: either it doesn't matter yet,
 * or there is an error with a code that may go over the wire.
 */

static void
damaged_hello(void **state)
{
    size_t                   i, len;
    u_char                   hello[4096];
    pair_t                  *pair;
    uint64_t                 code;
    ngx_uint_t               errors;
    const char              *reason;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.server_name = "www.example.org";

    pair = pair_start(ec_ctx, &conf);
    len = pair->client_side.len[QUIC_LEVEL_INITIAL];
    assert_in_range(len, 100, sizeof(hello));
    ngx_memcpy(hello, pair->client_side.out[QUIC_LEVEL_INITIAL], len);
    pair_free(pair);

    errors = 0;

    for (i = 0; i < 2 * len; i++) {
        pair = calloc(1, sizeof(pair_t));
        pair->server = quic_tls_create(ec_ctx, &server_ops, pair);

        ngx_memcpy(pair->client_side.out[QUIC_LEVEL_INITIAL], hello, len);
        pair->client_side.out[QUIC_LEVEL_INITIAL][i / 2]
                                           ^= (i % 2) ? 0xff : test_rand() | 1;
        pair->client_side.len[QUIC_LEVEL_INITIAL] = len;

        if (deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT) == NGX_ERROR) {
            errors++;
            code = quic_tls_error(pair->server, &reason);

            assert_true((code >= 0x100 && code <= 0x1ff)
                        || code == QUIC_PROTOCOL_VIOLATION
                        || code == QUIC_CRYPTO_BUFFER_EXCEEDED);
            assert_int_not_equal(ngx_strlen(reason), 0);
        }

        quic_tls_free(pair->server);
        free(pair);
    }

    assert_in_range(errors, len / 4, 2 * len);
}


/* a Finished that isn't the client's: decrypt_error, and no keys to read */

static void
damaged_finished(void **state)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    pair = pair_start(ec_ctx, &conf);

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_AGAIN);
    assert_int_equal(deliver_back(pair), NGX_OK);

    pair->client_side.out[QUIC_LEVEL_HANDSHAKE][10] ^= 1;

    assert_int_equal(deliver(pair, QUIC_LEVEL_HANDSHAKE, MAX_FLIGHT),
                     NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_ERROR(51));
    assert_null(pair->server_side.secrets[QUIC_LEVEL_APP][0].suite);

    pair_free(pair);
}


/* after the handshake a client has nothing to say to a server's TLS */

static void
post_handshake(void **state)
{
    pair_t                  *pair;
    ngx_uint_t               i;
    test_tls_client_conf_t   conf;

    static const struct {
        const char          *data;
        size_t               len;
    } rows[] = {
        { "\030\000\000\001\000", 5 },      /* KeyUpdate: RFC 9001, 6 */
        { "\001\000\000\000", 4 },          /* a ClientHello */
        { "\024\000\000\000", 4 },          /* a Finished */
        { "\004\000\000\000", 4 },          /* a ticket, from a client */
        { "\377\000\000\000", 4 }
    };

    conf = client_conf();

    for (i = 0; i < test_array_len(rows); i++) {
        pair = pair_shake(ec_ctx, &conf);

        /* the first three bytes aren't a message yet */

        assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_APP, NULL,
                                          0),
                         NGX_OK);
        assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_APP,
                                          (u_char *) rows[i].data, 3),
                         NGX_OK);
        assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_APP,
                                          (u_char *) rows[i].data + 3,
                                          rows[i].len - 3),
                         NGX_ERROR);
        assert_tls_error(pair, QUIC_CRYPTO_ERROR(10));

        pair_free(pair);
    }
}


static void
assert_resumed(quic_tls_ctx_t *first, quic_tls_ctx_t *use, uint32_t version,
    test_tls_session_t *session, ngx_uint_t resumed)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.session = session;

    pair = pair_start(first, &conf);
    pair->use = use;
    pair->version = version;
    pair_run(pair, MAX_FLIGHT);

    assert_int_equal(quic_tls_resumed(pair->server), resumed);
    assert_int_equal(test_tls_client_resumed(pair->client), resumed);
    assert_int_equal(quic_tls_sigalg(pair->server)[0] == '\0', resumed);
    assert_same_secrets(pair, QUIC_LEVEL_APP, 0x1301);
    assert_string_not_equal(quic_tls_group(pair->server), "");

    pair_free(pair);
}


static void
resumption(void **state)
{
    pair_t                  *pair;
    quic_tls_ctx_t          *other;
    test_tls_session_t      *session;
    test_tls_client_conf_t   conf;

    other = make_ctx(TEST_CERT_P256, "ec.example");

    conf = client_conf();
    pair = pair_shake(ec_ctx, &conf);

    assert_true(test_tls_client_tickets(pair->client) > 0);
    session = test_tls_client_session(pair->client);
    assert_non_null(session);

    pair_free(pair);

    assert_resumed(ec_ctx, NULL, QUIC_VERSION_1, session, 1);

    /* RFC 9369, 5: a ticket of another version of QUIC */

    assert_resumed(ec_ctx, NULL, QUIC_VERSION_2, session, 0);

    /* a ticket of one server at another, though the key is the same */

    assert_resumed(ec_ctx, other, QUIC_VERSION_1, session, 0);
    assert_resumed(other, NULL, QUIC_VERSION_1, session, 0);

    test_tls_session_free(session);

    /* contexts bound to the same may be one server, before and after a reload */

    quic_tls_ctx_bind(ec_ctx, (u_char *) "one", 3);
    quic_tls_ctx_bind(other, (u_char *) "one", 3);

    pair = pair_shake(ec_ctx, &conf);
    session = test_tls_client_session(pair->client);
    pair_free(pair);

    assert_resumed(ec_ctx, other, QUIC_VERSION_1, session, 1);

    quic_tls_ctx_bind(other, (u_char *) "two", 3);
    assert_resumed(ec_ctx, other, QUIC_VERSION_1, session, 0);

    test_tls_session_free(session);
    quic_tls_ctx_free(other);
}


/* what becomes of 0-RTT, and of that of the tickets which come with it */

static test_tls_session_t *
early(quic_tls_ctx_t *ctx, test_tls_session_t *session, const char *context,
    ngx_int_t rc, ngx_uint_t asked, ngx_uint_t taken)
{
    pair_t                  *pair;
    secret_t                *ours, *theirs;
    test_tls_session_t      *next;
    test_tls_client_conf_t   conf;

    conf = client_conf();
    conf.session = session;
    conf.early = 1;

    pair = pair_start(ctx, &conf);
    pair->early_context = context;
    pair->early_rc = rc;
    pair_run(pair, MAX_FLIGHT);

    assert_int_equal(quic_tls_resumed(pair->server), session ? 1 : 0);
    assert_int_equal(pair->earlies, asked);
    assert_int_equal(test_tls_client_early_accepted(pair->client), taken);

    ours = &pair->server_side.secrets[QUIC_LEVEL_EARLY][0];
    theirs = &pair->client_side.secrets[QUIC_LEVEL_EARLY][1];

    if (taken) {
        assert_int_equal(ours->len, 32);
        assert_ptr_equal(ours->suite, theirs->suite);
        assert_memory_equal(ours->secret, theirs->secret, ours->len);

    } else {
        assert_null(ours->suite);
    }

    next = test_tls_client_session(pair->client);
    assert_non_null(next);

    pair_free(pair);
    test_tls_session_free(session);

    return next;
}


static void
early_data(void **state)
{
    test_tls_session_t  *session;

    /* a client without a ticket has nothing to ask for; then it's taken */

    session = early(ec_ctx, NULL, "one", NGX_OK, 0, 0);
    session = early(ec_ctx, session, "one", NGX_OK, 1, 1);
    session = early(ec_ctx, session, "one", NGX_OK, 1, 1);

    /* what the client remembers isn't so any more */

    session = early(ec_ctx, session, "two", NGX_OK, 1, 0);
    session = early(ec_ctx, session, "two", NGX_OK, 1, 1);

    /* refused: this connection's tickets bring none, those of the next do */

    session = early(ec_ctx, session, "two", NGX_DECLINED, 1, 0);
    session = early(ec_ctx, session, "two", NGX_OK, 0, 0);
    session = early(ec_ctx, session, "two", NGX_OK, 1, 1);

    /* a server that says nothing of what it remembers */

    session = early(ec_ctx, session, NULL, NGX_OK, 1, 0);
    session = early(ec_ctx, session, NULL, NGX_OK, 0, 0);

    test_tls_session_free(session);
}


/* who has only seen a ticket can't use it up: RFC 8446, 4.2.11.2 and 8.3 */

static void
early_unproven(void **state)
{
    u_char                  *hello;
    size_t                   len;
    pair_t                  *pair;
    test_tls_session_t      *session;
    test_tls_client_conf_t   conf;

    session = early(ec_ctx, NULL, "one", NGX_OK, 0, 0);

    conf = client_conf();
    conf.session = session;
    conf.early = 1;

    pair = pair_start(ec_ctx, &conf);
    pair->early_context = "one";

    /* the binder is the last of it */

    hello = pair->client_side.out[QUIC_LEVEL_INITIAL];
    len = pair->client_side.len[QUIC_LEVEL_INITIAL];
    hello[len - 1] ^= 1;

    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_ERROR);
    assert_tls_error(pair, QUIC_CRYPTO_ERROR(51));
    assert_int_equal(pair->earlies, 0);
    pair_free(pair);

    /* an age that can't be: not asked either, and the next ticket is good */

    session = early(ec_ctx, session, "one", NGX_OK, 1, 1);
    test_tls_session_older(session, 70);
    session = early(ec_ctx, session, "one", NGX_OK, 0, 0);
    test_tls_session_older(session, 50);
    session = early(ec_ctx, session, "one", NGX_OK, 1, 1);

    /* a ticket of another server */

    conf.session = session;

    pair = pair_start(rsa_ctx, &conf);
    pair->early_context = "one";
    pair_run(pair, MAX_FLIGHT);
    assert_int_equal(quic_tls_resumed(pair->server), 0);
    assert_int_equal(pair->earlies, 0);
    pair_free(pair);

    test_tls_session_free(session);
}


/* each ticket has a number of its own, and keeps it */

static void
early_numbers(void **state)
{
    pair_t                  *pair;
    uint64_t                 number[3];
    ngx_uint_t               i;
    test_tls_session_t      *session;
    test_tls_client_conf_t   conf;

    for (i = 0; i < 3; i++) {
        conf = client_conf();

        if (i != 1) {
            session = early(ec_ctx, NULL, "one", NGX_OK, 0, 0);
        }

        conf.session = session;
        conf.early = 1;

        pair = pair_start(ec_ctx, &conf);
        pair->early_context = "one";
        pair_run(pair, MAX_FLIGHT);

        assert_int_equal(pair->earlies, 1);
        number[i] = pair->ticket;

        pair_free(pair);

        if (i != 0) {
            test_tls_session_free(session);
        }
    }

    assert_int_equal(number[0], number[1]);
    assert_int_not_equal(number[1], number[2]);
}


/* the server that the client names may have no 0-RTT */

static void
early_servers(void **state)
{
    pair_t                  *pair;
    quic_tls_ctx_t          *without;
    quic_tls_tickets_t       tickets;
    test_tls_session_t      *session;
    test_tls_client_conf_t   conf;

    without = make_ctx(TEST_CERT_P256, "ec.example");

    ngx_memzero(&tickets, sizeof(tickets));
    tickets.secret = (u_char *) "what keys of tickets are made of";
    tickets.longest = 300;

    assert_int_equal(quic_tls_ctx_tickets(without, &tickets, &test_log),
                     NGX_OK);

    conf = client_conf();
    conf.early = 1;

    pair = pair_start(ec_ctx, &conf);
    pair->use = without;
    pair->early_context = "one";
    pair_run(pair, MAX_FLIGHT);
    session = test_tls_client_session(pair->client);
    pair_free(pair);

    assert_non_null(session);

    conf.session = session;

    pair = pair_start(ec_ctx, &conf);
    pair->use = without;
    pair->early_context = "one";
    pair_run(pair, MAX_FLIGHT);
    assert_int_equal(quic_tls_resumed(pair->server), 1);
    assert_int_equal(pair->earlies, 0);
    assert_int_equal(test_tls_client_early_accepted(pair->client), 0);
    pair_free(pair);

    test_tls_session_free(session);
    quic_tls_ctx_free(without);
}


/* a context that was given no keys */

static void
no_tickets(void **state)
{
    pair_t                  *pair;
    ngx_str_t                cert, key;
    quic_tls_ctx_t          *ctx;
    test_tls_client_conf_t   conf;

    assert_int_equal(test_cert_make(TEST_CERT_P256, "none.example", NULL,
                                    &cert, &key),
                     NGX_OK);

    ctx = quic_tls_ctx_create(&test_log);
    assert_non_null(ctx);
    assert_int_equal(quic_tls_ctx_certificate(ctx, &cert, &key, NULL,
                                              &test_log),
                     NGX_OK);
    free(cert.data);
    free(key.data);

    conf = client_conf();

    pair = pair_shake(ctx, &conf);
    assert_int_equal(test_tls_client_tickets(pair->client), 0);
    pair_free(pair);

    /* chosen by name, from a context that has some, and the other way round */

    pair = pair_start(ec_ctx, &conf);
    pair->use = ctx;
    pair_run(pair, MAX_FLIGHT);
    assert_int_equal(test_tls_client_tickets(pair->client), 0);
    pair_free(pair);

    pair = pair_start(ctx, &conf);
    pair->use = ec_ctx;
    pair_run(pair, MAX_FLIGHT);
    assert_true(test_tls_client_tickets(pair->client) > 0);
    pair_free(pair);

    quic_tls_ctx_free(ctx);
}


/* no memory for the keys: only the ticket is lost by that */

static void
no_ticket_keys(void **state)
{
    pair_t                  *pair;
    quic_tls_ctx_t          *ctx;
    test_tls_session_t      *session;
    test_tls_client_conf_t   conf;

    ctx = make_ctx(TEST_CERT_P256, "ec.example");
    quic_ticket_keys_clear(&ctx->ticket_keys);

    conf = client_conf();

    pair = pair_shake(ctx, &conf);
    session = test_tls_client_session(pair->client);
    assert_non_null(session);
    pair_free(pair);

    assert_resumed(ctx, NULL, QUIC_VERSION_1, session, 0);

    test_tls_session_free(session);
    quic_tls_ctx_free(ctx);
}


/* connections that end in the middle leave nothing behind */

static void
abandoned(void **state)
{
    pair_t                  *pair;
    test_tls_client_conf_t   conf;

    conf = client_conf();

    pair = pair_start(ec_ctx, &conf);
    pair_free(pair);

    pair = pair_start(ec_ctx, &conf);
    assert_int_equal(quic_tls_receive(pair->server, QUIC_LEVEL_INITIAL,
                             pair->client_side.out[QUIC_LEVEL_INITIAL], 100),
                     NGX_AGAIN);
    pair_free(pair);

    pair = pair_start(ec_ctx, &conf);
    assert_int_equal(deliver(pair, QUIC_LEVEL_INITIAL, MAX_FLIGHT), NGX_AGAIN);
    pair_free(pair);

    quic_tls_ctx_free(NULL);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(suites),
        cmocka_unit_test(pieces),
        cmocka_unit_test(no_server_name),
        cmocka_unit_test(alpn),
        cmocka_unit_test(no_alpn),
        cmocka_unit_test(no_params),
        cmocka_unit_test(refused),
        cmocka_unit_test(two_contexts),
        cmocka_unit_test(certificate_types),
        cmocka_unit_test(signatures),
        cmocka_unit_test(no_common_certificate),
        cmocka_unit_test(hello_retry),
        cmocka_unit_test(hybrid_group),
        cmocka_unit_test(wrong_levels),
        cmocka_unit_test(left_over),
        cmocka_unit_test(too_much),
        cmocka_unit_test(session_id),
        cmocka_unit_test(old_version),
        cmocka_unit_test(damaged_hello),
        cmocka_unit_test(damaged_finished),
        cmocka_unit_test(post_handshake),
        cmocka_unit_test(resumption),
        cmocka_unit_test(early_data),
        cmocka_unit_test(early_unproven),
        cmocka_unit_test(early_numbers),
        cmocka_unit_test(early_servers),
        cmocka_unit_test(no_tickets),
        cmocka_unit_test(no_ticket_keys),
        cmocka_unit_test(abandoned)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
