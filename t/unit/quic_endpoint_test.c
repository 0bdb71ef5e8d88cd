
/*
 * What an endpoint does before there is a connection: Initials that are made
 * by hand, each of a PING and padding, and what comes back.
 */

#include "test.h"
#include "crypto/quic_keys.h"
#include "quic/quic_conn_internal.h"
#include "quic/quic_stateless.h"


#define SECOND  1000000ULL
#define OWNER   1234


static ngx_log_t        test_log;
static ngx_open_file_t  test_log_file;
static u_char           logged[8192];

static quic_host_key_t  host_key;
static quic_mem_t       mem;
static quic_conf_t      conf;
static quic_endpoint_t  ep;
static uint64_t         now;
static quic_addr_t      here, client, neighbour;

static u_char           reply_data[QUIC_REPLY_SIZE];
static ngx_str_t        reply;


static void
log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    assert_true(ngx_strlen(logged) + len < sizeof(logged));
    ngx_memcpy(logged + ngx_strlen(logged), buf, len);
}


static ngx_int_t
accepted(void *data, quic_conn_t *c, void *socket)
{
    return NGX_OK;
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


static const quic_endpoint_ops_t  ops = {
    accepted, NULL, timer, wakeup, freed, get_conf
};


static int
group_setup(void **state)
{
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

    return conf.tls ? quic_host_key_init(&host_key,
                                         (u_char *) "0123456789abcdef", 16)
                    : -1;
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


/* an Initial of a client that hasn't been here before, 1200 bytes */

static void
make_initial(u_char *buf, uint32_t version, ngx_str_t *token)
{
    u_char               *p, *length;
    quic_cid_t            dcid, scid;
    quic_keys_t           keys, server;
    static uint64_t       n;

    n++;

    dcid.len = 8;
    ngx_memcpy(dcid.data, &n, 8);
    scid.len = 8;
    ngx_memcpy(scid.data, &n, 8);

    ngx_memzero(buf, QUIC_MIN_INITIAL_SIZE);
    ngx_memzero(&keys, sizeof(keys));
    ngx_memzero(&server, sizeof(server));

    assert_int_equal(quic_keys_initial(&keys, &server, version, dcid.data, 8),
                     NGX_OK);

    p = quic_packet_write_long(buf, QUIC_PACKET_INITIAL, version, &dcid, &scid,
                               token, 0, 2, &length);
    quic_packet_set_length(length, buf + QUIC_MIN_INITIAL_SIZE - p + 2);
    *p = QUIC_FT_PING;

    assert_int_equal(quic_keys_seal(&keys, buf, p - buf, 2, 0,
                                    buf + QUIC_MIN_INITIAL_SIZE - QUIC_TAG_LEN
                                    - p),
                     NGX_OK);

    quic_keys_clear(&keys);
    quic_keys_clear(&server);
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
        endpoint_test(retry_auto),
        endpoint_test(retry_off),
        endpoint_test(used_tokens_bounded),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
