
/*
 * What an endpoint does before there is a connection: Initials that are made
 * by hand, each of a PING and padding, and what comes back.
 */

#include "test.h"
#include "crypto/quic_keys.h"
#include "quic/quic_conn_internal.h"
#include "quic/quic_stateless.h"
#include "../lib/test_cert.h"
#include "../lib/test_tls_client.h"


#define SECOND  1000000ULL
#define OWNER   1234
#define OTHER   1235
#define DEAD    1236


static ngx_log_t        test_log;
static ngx_open_file_t  test_log_file;
static u_char           logged[8192];

static quic_host_key_t  host_key;
static quic_mem_t       mem;
static quic_conf_t      conf;
static quic_endpoint_t  ep;
static uint64_t         now;
static quic_addr_t      here, client, neighbour;

static ngx_int_t        accepted_rc;
static u_char           fixed_bit;   /* QUIC_FIXED_BIT: is cleared */
static u_char           reply_data[QUIC_REPLY_SIZE];
static ngx_str_t        reply;


static void
log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    assert_true(ngx_strlen(logged) + len < sizeof(logged));
    ngx_memcpy(logged + ngx_strlen(logged), buf, len);
}


static void
timer(void *data, quic_conn_t *c, uint64_t deadline)
{
}


static void
wakeup(void *data)
{
}


static void
freed(void *data, quic_conn_t *c)
{
}


static const quic_conf_t *
get_conf(void *data, void *socket)
{
    return &conf;
}


static ngx_int_t
server_name(void *data, quic_conn_t *c, ngx_str_t *name)
{
    return NGX_OK;
}


static void
established(void *app)
{
}


static void
closed(void *app)
{
}


static const quic_app_ops_t  app_ops = {
    .established = established,
    .closed = closed
};


static ngx_int_t
accepted(void *data, quic_conn_t *c, void *socket)
{
    quic_conn_set_app(c, &app_ops, c);

    return accepted_rc;
}


static ngx_uint_t
alive(void *data, uint32_t owner)
{
    return owner != DEAD;
}


static const quic_endpoint_ops_t  ops = {
    accepted, server_name, timer, wakeup, freed, get_conf, alive, NULL
};


static int
group_setup(void **state)
{
    ngx_str_t  cert, key;

    test_log.log_level = NGX_LOG_DEBUG;
    test_log.writer = log_writer;
    test_log.file = &test_log_file;

    ngx_time_init();

    conf.tls = quic_tls_ctx_create(&test_log);
    conf.idle_timeout = 10 * SECOND;
    conf.handshake_timeout = 10 * SECOND;
    conf.mtu = 1480;
    conf.cc = &quic_cc_cubic;
    conf.active_cid_limit = 2;

    here.sin.sin_family = AF_INET;
    here.sin.sin_addr.s_addr = htonl(0x0a000001);
    here.sin.sin_port = htons(443);

    client = here;
    client.sin.sin_addr.s_addr = htonl(0x0a000002);
    client.sin.sin_port = htons(40000);

    neighbour = client;
    neighbour.sin.sin_addr.s_addr = htonl(0x0a000003);

    if (conf.tls == NULL
        || test_cert_make(TEST_CERT_P256, "test", NULL, &cert, &key) != NGX_OK
        || quic_tls_ctx_certificate(conf.tls, &cert, &key, NULL, &test_log)
           != NGX_OK)
    {
        return -1;
    }

    free(cert.data);
    free(key.data);

    return quic_host_key_init(&host_key, (u_char *) "0123456789abcdef", 16);
}


static int
group_teardown(void **state)
{
    quic_tls_ctx_free(conf.tls);
    quic_host_key_clear(&host_key);

    return 0;
}


static int
setup(void **state)
{
    now = 1000 * SECOND;
    conf.retry = QUIC_RETRY_OFF;
    accepted_rc = NGX_OK;
    fixed_bit = 0;
    ngx_memzero(logged, sizeof(logged));

    quic_mem_init(&mem, &test_log);

    if (quic_endpoint_init(&ep, &mem, &host_key, OWNER, &ops, NULL, &test_log,
                           now)
        != NGX_OK)
    {
        return -1;
    }

    ep.wall = 1700000000 * SECOND;

    return 0;
}


static int
teardown(void **state)
{
    quic_endpoint_done(&ep);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);

    return 0;
}


/* the type of the packet that was answered with; -1: none */

static int
receive(u_char *data, size_t len, quic_addr_t *from)
{
    u_char           *copy;
    quic_packet_t     pkt;
    quic_datagram_t   dgram;

    ngx_memzero(&dgram, sizeof(quic_datagram_t));

    copy = test_dup(data, len);

    dgram.data = copy;
    dgram.len = len;
    dgram.remote = *from;
    dgram.local = here;

    reply.data = reply_data;

    quic_endpoint_receive(&ep, &dgram, &reply, now);

    free(copy);

    if (reply.len == 0) {
        return -1;
    }

    assert_int_equal(quic_packet_parse(&pkt, reply.data, reply.len, 8, 1),
                     NGX_OK);
    return pkt.type;
}


/* an Initial of 1200 bytes; "cid" is both, the client's and its choice of ours */

static void
seal_initial(u_char *buf, uint32_t version, quic_cid_t *cid, ngx_str_t *token,
    uint64_t pn, const u_char *payload, size_t len)
{
    u_char       *p, *length;
    quic_keys_t   keys, server;

    ngx_memzero(buf, QUIC_MIN_INITIAL_SIZE);
    ngx_memzero(&keys, sizeof(keys));
    ngx_memzero(&server, sizeof(server));

    assert_int_equal(quic_keys_initial(&keys, &server, version, cid->data,
                                       cid->len),
                     NGX_OK);

    p = quic_packet_write_long(buf, QUIC_PACKET_INITIAL, version, cid, cid,
                               token, pn, 2, &length);
    quic_packet_set_length(length, buf + QUIC_MIN_INITIAL_SIZE - p + 2);

    assert_true(len <= (size_t) (buf + QUIC_MIN_INITIAL_SIZE - QUIC_TAG_LEN
                                 - p));
    ngx_memcpy(p, payload, len);
    buf[0] ^= fixed_bit;

    assert_int_equal(quic_keys_seal(&keys, buf, p - buf, 2, pn,
                                    buf + QUIC_MIN_INITIAL_SIZE - QUIC_TAG_LEN
                                    - p),
                     NGX_OK);

    quic_keys_clear(&keys);
    quic_keys_clear(&server);
}


/* of a client that hasn't been here before */

static void
new_cid(quic_cid_t *cid)
{
    static uint64_t  n;

    n++;

    cid->len = 8;
    ngx_memcpy(cid->data, &n, 8);
}


static void
make_initial(u_char *buf, uint32_t version, ngx_str_t *token)
{
    quic_cid_t           cid;
    static const u_char  ping = QUIC_FT_PING;

    new_cid(&cid);
    seal_initial(buf, version, &cid, token, 0, &ping, 1);
}


static int
initial(ngx_str_t *token, quic_addr_t *from)
{
    u_char  buf[QUIC_MIN_INITIAL_SIZE];

    make_initial(buf, QUIC_VERSION_1, token);

    return receive(buf, sizeof(buf), from);
}


/* as the endpoint makes them; "*token" is to be freed */

static void
make_token(ngx_str_t *token, quic_token_type_e type, uint64_t time)
{
    u_char        buf[QUIC_TOKEN_MAX_LEN];
    quic_token_t  t;

    ngx_memzero(&t, sizeof(quic_token_t));

    t.type = type;
    t.version = QUIC_VERSION_1;
    t.time = time + ep.wall;

    token->len = quic_host_token_seal(&host_key, &t, &client.sa, buf);
    assert_int_not_equal(token->len, 0);

    token->data = test_dup(buf, token->len);
}


/* non-zero when the token has validated the client's address */

static ngx_uint_t
validates(ngx_str_t *token, quic_addr_t *from)
{
    int         type;
    ngx_uint_t  conns;

    conf.retry = QUIC_RETRY_ON;
    conns = ep.nconns;

    type = initial(token, from);

    if (type == -1) {
        assert_int_equal(ep.nconns, conns + 1);
        assert_int_equal(ep.half_open, 0);
        return 1;
    }

    assert_int_equal(type, QUIC_PACKET_RETRY);
    assert_int_equal(ep.nconns, conns);

    return 0;
}


static void
no_token(void **state)
{
    assert_int_equal(initial(NULL, &client), -1);
    assert_int_equal(ep.nconns, 1);
    assert_int_equal(ep.half_open, 1);

    assert_false(validates(NULL, &client));
}


static void
token_once(void **state)
{
    ngx_str_t   token[3];
    ngx_uint_t  i;

    for (i = 0; i < 3; i++) {
        make_token(&token[i], QUIC_TOKEN_NEW, now);
    }

    for (i = 0; i < 3; i++) {
        assert_true(validates(&token[i], &client));
    }

    for (i = 0; i < 3; i++) {
        assert_false(validates(&token[i], &client));
        free(token[i].data);
    }
}


/* a packet that doesn't authenticate uses nothing up */

static void
token_damaged_packet(void **state)
{
    u_char     buf[QUIC_MIN_INITIAL_SIZE];
    ngx_str_t  token;

    make_token(&token, QUIC_TOKEN_NEW, now);
    make_initial(buf, QUIC_VERSION_1, &token);
    buf[sizeof(buf) - 1] ^= 1;

    assert_int_equal(receive(buf, sizeof(buf), &client), -1);
    assert_int_equal(ep.nconns, 0);

    assert_true(validates(&token, &client));
    free(token.data);
}


static void
token_age(void **state)
{
    ngx_str_t   token;
    ngx_uint_t  i;

    struct {
        uint64_t    time;
        ngx_uint_t  good;
    } rows[] = {
        { now, 1 },
        { now - QUIC_NEW_TOKEN_LIFETIME + 1, 1 },
        { now - QUIC_NEW_TOKEN_LIFETIME, 0 },
        { now - 2 * QUIC_NEW_TOKEN_LIFETIME, 0 },
        { now + QUIC_TOKEN_CLOCK_SKEW, 1 },
        { now + QUIC_TOKEN_CLOCK_SKEW + 1, 0 },
        { now + QUIC_NEW_TOKEN_LIFETIME, 0 },
    };

    for (i = 0; i < test_array_len(rows); i++) {
        make_token(&token, QUIC_TOKEN_NEW, rows[i].time);
        assert_int_equal(validates(&token, &client), rows[i].good);
        free(token.data);
    }
}


static void
token_elsewhere(void **state)
{
    ngx_str_t    token;
    quic_addr_t  port;

    port = client;
    port.sin.sin_port = htons(40001);

    make_token(&token, QUIC_TOKEN_NEW, now);

    assert_false(validates(&token, &neighbour));
    assert_true(validates(&token, &port));

    free(token.data);
}


/* RFC 9369, section 5 */

static void
token_version(void **state)
{
    u_char     buf[QUIC_MIN_INITIAL_SIZE];
    ngx_str_t  token;

    conf.retry = QUIC_RETRY_ON;

    make_token(&token, QUIC_TOKEN_NEW, now);
    make_initial(buf, QUIC_VERSION_2, &token);

    assert_int_equal(receive(buf, sizeof(buf), &client), QUIC_PACKET_RETRY);

    free(token.data);
}


/* cut, with each bit changed, with the other's type: as if there were none */

static void
token_damaged(void **state)
{
    ngx_str_t   token;
    ngx_uint_t  bit;

    make_token(&token, QUIC_TOKEN_NEW, now);

    /* the first byte may make a Retry token of it, which is too short then */

    for (bit = 0; bit < token.len * 8; bit++) {
        token.data[bit / 8] ^= 1 << bit % 8;
        assert_false(validates(&token, &client));
        token.data[bit / 8] ^= 1 << bit % 8;
    }

    for (bit = token.len - 1; bit > 0; bit--) {
        token.len--;
        assert_false(validates(&token, &client));
    }

    free(token.data);
}


static void
retry_token_refused(void **state)
{
    ngx_str_t  token;

    /* it is ours and fresh, but was made for another Initial */

    make_token(&token, QUIC_TOKEN_RETRY, now);
    assert_int_equal(initial(&token, &client), QUIC_PACKET_INITIAL);

    token.data[token.len - 1] ^= 1;
    assert_int_equal(initial(&token, &client), QUIC_PACKET_INITIAL);

    token.data[0] = QUIC_TOKEN_NEW;
    assert_int_equal(initial(&token, &client), -1);
    assert_int_equal(ep.half_open, 1);

    free(token.data);
}


static ngx_uint_t
count(const char *line)
{
    char        *p;
    ngx_uint_t   n;

    n = 0;

    for (p = (char *) logged; (p = strstr(p, line)) != NULL; p++) {
        n++;
    }

    return n;
}


/* the first frame of an Initial packet that came as an answer */

static void
open_reply(quic_frame_t *f)
{
    size_t          pn_len;
    uint64_t        pn, error;
    ngx_str_t       payload;
    const char     *reason;
    quic_keys_t     keys;
    quic_packet_t   pkt;
    quic_cursor_t   cursor;

    ngx_memzero(&keys, sizeof(keys));

    assert_int_equal(quic_packet_parse(&pkt, reply.data, reply.len, 8, 1),
                     NGX_OK);
    assert_int_equal(quic_keys_initial(NULL, &keys, pkt.version,
                                       pkt.dcid.data, pkt.dcid.len),
                     NGX_OK);
    assert_int_equal(quic_keys_unprotect(&keys, &pkt, &pn_len, &pn), NGX_OK);
    assert_int_equal(quic_keys_open(&keys, &pkt, pn_len, pn, &payload),
                     NGX_OK);
    quic_keys_clear(&keys);

    quic_cursor_init(&cursor, payload.data, payload.len);
    assert_int_equal(quic_frame_parse(&cursor, f, &error, &reason), NGX_OK);
}


/*
 * RFC 9000, 5.2.2: when there is no room for another connection its client is
 * told, as often as others are answered without one
 */

static void
refused(void **state)
{
    ngx_uint_t    i, n;
    quic_frame_t  f;

    accepted_rc = NGX_ERROR;

    assert_int_equal(initial(NULL, &client), QUIC_PACKET_INITIAL);
    assert_int_equal(ep.nconns, 0);
    assert_int_equal(ep.half_open, 0);
    assert_int_equal(count("CONNECTION_REFUSED (0x2)"), 1);

    open_reply(&f);
    assert_int_equal(f.type, QUIC_FT_CONNECTION_CLOSE);
    assert_int_equal(f.u.close.error, QUIC_CONNECTION_REFUSED);

    test_log.log_level = 0;

    for (i = 0, n = 1; i < 2 * QUIC_REPLIES_TO_ADDRESS_BURST; i++) {
        n += (initial(NULL, &client) == QUIC_PACKET_INITIAL);
    }

    test_log.log_level = NGX_LOG_DEBUG;
    assert_int_equal(n, QUIC_REPLIES_TO_ADDRESS_BURST);

    accepted_rc = NGX_OK;
    assert_int_equal(initial(NULL, &client), -1);
    assert_int_equal(ep.nconns, 1);
}


static void
validate(quic_conn_t *c, void *data)
{
    ngx_uint_t *n = data;

    if (*n) {
        (*n)--;
        quic_conn_validated(c);
    }
}


/* so many half-open connections become open */

static void
validate_some(ngx_uint_t n)
{
    ngx_uint_t  i;

    i = n + ep.nconns - ep.half_open;
    quic_endpoint_each(&ep, validate, &i);
}


/* on from a half of the bound to a quarter of it, and each logged once */

static void
retry_auto(void **state)
{
    ngx_uint_t  round;

    conf.retry = QUIC_RETRY_AUTO;
    ep.max_half_open = 40;

    for (round = 0; round < 5; round++) {

        while (ep.half_open < 20) {
            assert_int_equal(initial(NULL, &client), -1);
        }

        assert_int_equal(initial(NULL, &client), QUIC_PACKET_RETRY);

        validate_some(9);
        assert_int_equal(ep.half_open, 11);
        assert_int_equal(initial(NULL, &client), QUIC_PACKET_RETRY);

        validate_some(1);
        assert_int_equal(initial(NULL, &client), -1);
        assert_int_equal(ep.half_open, 11);

        now += 10 * SECOND;
    }

    assert_int_equal(count("quic_retry is on by itself: 20 handshakes"), 1);
    assert_int_equal(count("quic_retry is off again by itself"), 1);

    now += 60 * SECOND;

    while (initial(NULL, &client) == -1) { /* void */ }

    assert_int_equal(count("quic_retry is on by itself: 20 handshakes"), 2);
}


static void
retry_off(void **state)
{
    ep.max_half_open = 40;

    while (ep.half_open < 40) {
        assert_int_equal(initial(NULL, &client), -1);
    }

    assert_int_equal(initial(NULL, &client), QUIC_PACKET_RETRY);
    assert_int_equal(count("quic_retry"), 0);

    validate_some(1);
    assert_int_equal(initial(NULL, &client), -1);
}


/* RFC 9287, 3.1: only a client that has been here before may clear it */

static void
fixed_bit_cleared(void **state)
{
    ngx_str_t  token;

    fixed_bit = QUIC_FIXED_BIT;

    assert_int_equal(initial(NULL, &client), -1);
    assert_int_equal(ep.nconns, 0);

    /* up to seven days ago, which is longer than the token is good for */

    make_token(&token, QUIC_TOKEN_NEW, now - 2 * QUIC_NEW_TOKEN_LIFETIME);
    assert_int_equal(initial(&token, &client), -1);
    assert_int_equal(ep.nconns, 1);
    assert_int_equal(ep.half_open, 1);

    free(token.data);
}


/* a client's first flight, in one Initial */

typedef struct {
    u_char  data[1024];
    size_t  len;
} flight_t;


static ngx_int_t
flight_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    return NGX_OK;
}


static ngx_int_t
flight_send(void *data, quic_level_e level, const u_char *buf, size_t len)
{
    size_t     room;
    u_char    *p;
    flight_t  *flight = data;

    room = len;

    p = quic_frame_write_crypto_header(flight->data,
                                       flight->data + sizeof(flight->data), 0,
                                       &room);
    assert_non_null(p);
    assert_int_equal(room, len);

    flight->len = ngx_cpymem(p, buf, len) - flight->data;

    return NGX_OK;
}


static const quic_tls_ops_t  flight_ops = {
    flight_secret, flight_send, NULL, NULL
};


/* "versions": two of them, the chosen one apart */

static void
make_flight(flight_t *flight, quic_cid_t *cid, uint32_t chosen,
    const uint32_t *versions)
{
    u_char                   params[256];
    test_tls_client_t       *tls;
    test_tls_client_conf_t   tls_conf;
    quic_transport_params_t  tp;

    quic_transport_params_init(&tp);

    tp.has_initial_scid = 1;
    tp.initial_scid = *cid;
    tp.has_versions = 1;
    tp.chosen_version = chosen;
    tp.versions[0] = versions[0];
    tp.versions[1] = versions[1];
    tp.nversions = 2;

    ngx_memzero(&tls_conf, sizeof(tls_conf));

    /* a hello with a post-quantum key share takes two Initials */
    tls_conf.group = "X25519";

    tls_conf.params = params;
    tls_conf.params_len = quic_transport_params_write(&tp, params,
                                                      sizeof(params), 0);

    tls = test_tls_client_create(&tls_conf, &flight_ops, flight);
    assert_non_null(tls);
    assert_int_equal(test_tls_client_start(tls), NGX_AGAIN);
    test_tls_client_free(tls);
}


/* the version of the last long header that the server sends */

static uint32_t
sent_version(void)
{
    static u_char  buf[QUIC_MAX_BATCH_SIZE];

    uint32_t       version;
    quic_batch_t   batch;
    quic_packet_t  pkt;

    version = 0;

    while (quic_endpoint_flush(&ep, buf, sizeof(buf), &batch, now) == NGX_OK) {
        assert_int_equal(quic_packet_parse(&pkt, batch.data, batch.segment, 8,
                                           1),
                         NGX_OK);
        version = pkt.version;
    }

    return version;
}


/* RFC 9368, 2.3 and section 4; RFC 9369, 4.1 */

static void
versions(void **state)
{
    u_char       buf[QUIC_MIN_INITIAL_SIZE];
    flight_t     flight;
    quic_cid_t   cid;
    ngx_uint_t   i, j;
    quic_conn_t *c;

    enum { V1 = QUIC_VERSION_1, V2 = QUIC_VERSION_2, X = 0x1a2a3a4a };

    static const struct {
        uint32_t    packet;
        uint32_t    chosen;
        uint32_t    available[2];
        uint32_t    version;             /* 0: error */
    } rows[] = {
        { V1, V1, { V1, V2 }, V1 },
        { V1, V1, { V2, V1 }, V2 },
        { V2, V2, { V1, V2 }, V1 },
        { V2, V2, { V2, V1 }, V2 },
        { V1, V1, { X, V1 }, V1 },
        { V2, V2, { X, V2 }, V2 },
        { V1, V2, { V1, V2 }, 0 },
        { V2, V1, { V2, V1 }, 0 },
        { V1, X, { X, V1 }, 0 },
    };

    static const u_char  ping = QUIC_FT_PING;

    for (i = 0; i < test_array_len(rows); i++) {
        new_cid(&cid);
        make_flight(&flight, &cid, rows[i].chosen, rows[i].available);
        seal_initial(buf, rows[i].packet, &cid, NULL, 0, flight.data,
                     flight.len);

        assert_int_equal(receive(buf, sizeof(buf), &client), -1);

        c = ngx_queue_data(ngx_queue_last(&ep.conns), quic_conn_t, all);

        if (rows[i].version == 0) {
            assert_int_equal(c->state, QUIC_CONN_CLOSING);
            assert_int_equal(c->close.error, QUIC_VERSION_NEGOTIATION_ERROR);
            assert_int_equal(sent_version(), rows[i].packet);
            continue;
        }

        assert_int_equal(c->state, QUIC_CONN_OPEN);
        assert_int_equal(sent_version(), rows[i].version);

        /* Initial packets may still come in the version that it began with */

        seal_initial(buf, rows[i].packet, &cid, NULL, 1, &ping, 1);
        assert_int_equal(receive(buf, sizeof(buf), &client), -1);
        assert_int_equal(c->space[QUIC_SPACE_INITIAL].ack.largest, 1);

        seal_initial(buf, rows[i].version, &cid, NULL, 2, &ping, 1);
        assert_int_equal(receive(buf, sizeof(buf), &client), -1);
        assert_int_equal(c->space[QUIC_SPACE_INITIAL].ack.largest, 2);

        /* and in no other */

        for (j = 0; j < 2; j++) {
            seal_initial(buf, j ? V1 : V2, &cid, NULL, 3, &ping, 1);
            assert_int_equal(receive(buf, sizeof(buf), &client), -1);
            assert_int_equal(c->space[QUIC_SPACE_INITIAL].ack.largest,
                             rows[i].packet == (j ? V1 : V2)
                             || rows[i].version == (j ? V1 : V2) ? 3 : 2);

            if (c->space[QUIC_SPACE_INITIAL].ack.largest == 3) {
                break;
            }
        }
    }

    assert_int_equal(ep.nconns, test_array_len(rows));
}


/* a short header for a connection ID of "owner"; the length of the answer */

static size_t
short_packet(uint32_t owner, size_t len, quic_addr_t *from)
{
    int         type;
    u_char      buf[1500], token[QUIC_RESET_TOKEN_LEN];
    quic_cid_t  cid;

    quic_host_cid_seal(&host_key, &cid, owner, 7);

    test_rand_bytes(buf, len);
    buf[0] = QUIC_FIXED_BIT;
    ngx_memcpy(buf + 1, cid.data, QUIC_CID_LEN);

    type = receive(buf, len, from);

    if (type == -1) {
        return 0;
    }

    assert_int_equal(type, QUIC_PACKET_1RTT);

    quic_host_reset_token(&host_key, cid.data, QUIC_CID_LEN, token);
    assert_memory_equal(reply.data + reply.len - QUIC_RESET_TOKEN_LEN, token,
                        QUIC_RESET_TOKEN_LEN);
    return reply.len;
}


/* RFC 9000, 10.3, 10.3.3 and 21.11 */

static void
reset_sent(void **state)
{
    u_char      buf[100];
    size_t      len, size;
    ngx_uint_t  i;

    for (len = 17; len < 1500; len++) {
        now += SECOND;
        size = short_packet(OWNER, len, &client);

        assert_true(size < len);
        assert_in_range(size, len > 21 ? 21 : 0, len > 21 ? 43 : 0);
        assert_true(size == 0 || len > 44 || size == len - 1);
    }

    assert_int_equal(short_packet(DEAD, 100, &client), 43);
    assert_int_equal(short_packet(OTHER, 100, &client), 0);

    /* what isn't ours; a long header */

    for (i = 0; i < 1000; i++) {
        test_rand_bytes(buf, sizeof(buf));
        buf[0] = i % 2 ? 0x40 : 0xe0;
        ngx_memcpy(buf + 1, "\0\0\0\1", 4);
        assert_int_equal(receive(buf, sizeof(buf), &client), -1);
    }
}


/* each address has its own bucket, and all of them one */

static void
replies_limited(void **state)
{
    ngx_uint_t   i, n;
    quic_addr_t  from;

    n = 0;
    while (short_packet(OWNER, 100, &client)) {
        n++;
    }

    assert_int_equal(n, QUIC_REPLIES_TO_ADDRESS_BURST);
    assert_int_equal(short_packet(OWNER, 100, &client), 0);

    from = client;
    from.sin.sin_port = 1;
    assert_int_equal(short_packet(OWNER, 100, &from), 0);
    assert_int_equal(short_packet(OWNER, 100, &neighbour), 43);

    now += SECOND;
    n = 0;
    while (short_packet(OWNER, 100, &client)) {
        n++;
    }

    assert_int_equal(n, QUIC_REPLIES_TO_ADDRESS);

    n = 0;
    for (i = 0; i < 2 * QUIC_MAX_STATELESS_REPLIES; i++) {
        from.sin.sin_addr.s_addr = (in_addr_t) test_rand();
        n += short_packet(OWNER, 100, &from) != 0;
    }

    assert_in_range(n, QUIC_MAX_STATELESS_REPLIES * 9 / 10,
                    QUIC_MAX_STATELESS_REPLIES);
}


/* RFC 9000, 6.1 */

static void
version_negotiation(void **state)
{
    u_char      buf[2000];
    ngx_uint_t  i;

    static const struct {
        const char  *version;
        size_t       len;
        int          type;
    } rows[] = {
        { "\x1a\x2a\x3a\x4a", 1200, QUIC_PACKET_VERSION_NEGOTIATION },
        { "\x1a\x2a\x3a\x4a", 2000, QUIC_PACKET_VERSION_NEGOTIATION },
        { "\x1a\x2a\x3a\x4a", 1199, -1 },
        { "\x1a\x2a\x3a\x4a", 20, -1 },
        { "\0\0\0\0", 1200, -1 },
        { "\0\0\0\0", 2000, -1 },
    };

    for (i = 0; i < test_array_len(rows); i++) {
        test_rand_bytes(buf, sizeof(buf));
        buf[0] |= QUIC_LONG_HEADER;
        ngx_memcpy(buf + 1, rows[i].version, 4);
        buf[5] = 8;
        buf[14] = 0;

        assert_int_equal(receive(buf, rows[i].len, &client), rows[i].type);
        assert_true(reply.len < 100);
    }

    assert_int_equal(ep.nconns, 0);
}


/* RFC 9000, 10.3.1 */

static void
reset_received(void **state)
{
    size_t                len;
    u_char                buf[100];
    ngx_uint_t            i;
    quic_conn_t          *c;
    quic_frame_new_cid_t  f;

    assert_int_equal(initial(NULL, &client), -1);
    c = ngx_queue_data(ngx_queue_last(&ep.conns), quic_conn_t, all);

    ngx_memzero(&f, sizeof(f));
    f.seq = 1;
    f.cid.len = 8;
    test_rand_bytes(f.cid.data, 8);
    ngx_memcpy(f.token, "0123456789abcdef", 16);

    assert_int_equal(quic_cids_receive_new(c, &f), NGX_OK);

    for (i = 0; i < 4; i++) {
        len = i % 2 ? 21 : sizeof(buf);

        test_rand_bytes(buf, len);
        buf[0] = QUIC_FIXED_BIT;
        ngx_memcpy(buf + len - 16, f.token, 16);

        /* to one of our connection IDs, as a packet that can't be opened */

        if (i / 2) {
            ngx_memcpy(buf + 1, c->cids.initial.data, QUIC_CID_LEN);
            ngx_memcpy(buf + len - 16, f.token, 16);
        }

        /* one that was never used, one bit wrong, from elsewhere */

        if (i == 0) {
            assert_int_equal(receive(buf, len, &client), -1);
            assert_int_equal(c->state, QUIC_CONN_OPEN);

            assert_int_equal(quic_cids_take(c, c->paths.active), NGX_OK);
            (void) quic_cids_send(c, c->paths.active);
        }

        buf[len - 1] ^= 1;
        assert_int_equal(receive(buf, len, &client), -1);
        buf[len - 1] ^= 1;

        assert_int_equal(receive(buf, len, &neighbour), -1);
        assert_int_equal(c->state, QUIC_CONN_OPEN);

        assert_int_equal(receive(buf, len, &client), -1);
        assert_int_equal(c->state, QUIC_CONN_DRAINING);
        assert_int_equal(count("stateless reset by client"), i + 1);

        c->state = QUIC_CONN_OPEN;
    }

    /* retired: it isn't good any more */

    ngx_memzero(&f, sizeof(f));
    f.seq = 2;
    f.retire_prior_to = 2;
    f.cid.len = 8;
    ngx_memcpy(f.token, "fedcba9876543210", 16);

    assert_int_equal(quic_cids_receive_new(c, &f), NGX_OK);
    assert_int_equal(receive(buf, len, &client), -1);
    assert_int_equal(c->state, QUIC_CONN_OPEN);
}


/*
 * Frames that move nothing forward: so many at a time, and then so many a
 * second.  The client's first flight is none of them.
 */

static void
idle_frames(void **state)
{
    uint64_t      pn;
    u_char        buf[QUIC_MIN_INITIAL_SIZE], pings[512];
    quic_cid_t    cid;
    ngx_uint_t    n;
    quic_conn_t  *c;

    ngx_memset(pings, QUIC_FT_PING, sizeof(pings));

    new_cid(&cid);

    for (pn = 0, n = 0; n + sizeof(pings) <= QUIC_IDLE_FRAMES; pn++) {
        seal_initial(buf, QUIC_VERSION_1, &cid, NULL, pn, pings,
                     sizeof(pings));
        assert_int_equal(receive(buf, sizeof(buf), &client), -1);
        n += sizeof(pings);
    }

    c = ngx_queue_data(ngx_queue_last(&ep.conns), quic_conn_t, all);
    assert_int_equal(c->state, QUIC_CONN_OPEN);

    now += SECOND;

    seal_initial(buf, QUIC_VERSION_1, &cid, NULL, pn++, pings,
                 QUIC_IDLE_FRAMES - n + QUIC_IDLE_FRAMES_RATE);
    assert_int_equal(receive(buf, sizeof(buf), &client), -1);
    assert_int_equal(c->state, QUIC_CONN_OPEN);

    seal_initial(buf, QUIC_VERSION_1, &cid, NULL, pn++, pings, 1);
    assert_int_equal(receive(buf, sizeof(buf), &client), -1);
    assert_int_equal(c->state, QUIC_CONN_CLOSING);
    assert_int_equal(c->close.error, QUIC_PROTOCOL_VIOLATION);
    assert_int_equal(count("too many frames that move nothing forward"), 1);
}


/* so many later ones push it out, and no fewer push out the latest */

static void
used_tokens_bounded(void **state)
{
    uint64_t            n;
    ngx_str_t           token;
    quic_used_tokens_t  used;

    token.data = (u_char *) &n;
    token.len = sizeof(n);

    quic_used_tokens_init(&used, &mem);

    for (n = 0; n < 4 * QUIC_MAX_USED_TOKENS; n++) {
        assert_false(quic_used_tokens_find(&used, &token));
        quic_used_tokens_add(&used, &token);
        assert_true(quic_used_tokens_find(&used, &token));
    }

    for (n -= 1000; n < 4 * QUIC_MAX_USED_TOKENS; n++) {
        assert_true(quic_used_tokens_find(&used, &token));
    }

    for (n = 0; n < 1000; n++) {
        assert_false(quic_used_tokens_find(&used, &token));
    }

    quic_used_tokens_done(&used);

    /* no memory: nothing is remembered, nothing breaks */

    mem.max = mem.used;
    quic_used_tokens_add(&used, &token);
    assert_false(quic_used_tokens_find(&used, &token));
}


#define endpoint_test(name)                                                   \
    cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        endpoint_test(no_token),
        endpoint_test(token_once),
        endpoint_test(token_damaged_packet),
        endpoint_test(token_age),
        endpoint_test(token_elsewhere),
        endpoint_test(token_version),
        endpoint_test(token_damaged),
        endpoint_test(retry_token_refused),
        endpoint_test(refused),
        endpoint_test(retry_auto),
        endpoint_test(retry_off),
        endpoint_test(fixed_bit_cleared),
        endpoint_test(versions),
        endpoint_test(reset_sent),
        endpoint_test(replies_limited),
        endpoint_test(version_negotiation),
        endpoint_test(reset_received),
        endpoint_test(idle_frames),
        endpoint_test(used_tokens_bounded),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
