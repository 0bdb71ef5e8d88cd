
/* 0-RTT datagrams that come before their ClientHello. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_strays.h"


#define NOW  1000000ULL


static ngx_log_t      test_log;
static quic_mem_t     mem;
static quic_strays_t  strays;


static int
setup(void **state)
{
    quic_mem_init(&mem, &test_log);
    quic_strays_init(&strays, &mem);

    return 0;
}


static int
teardown(void **state)
{
    quic_strays_done(&strays);
    quic_mem_done(&mem);

    return 0;
}


static quic_addr_t
addr(ngx_uint_t host)
{
    quic_addr_t  a;

    ngx_memzero(&a, sizeof(a));
    a.sin.sin_family = AF_INET;
    a.sin.sin_port = htons(443);
    a.sin.sin_addr.s_addr = htonl(0xc0000200 + host);

    return a;
}


static ngx_str_t
cid(const char *text)
{
    ngx_str_t  str;

    str.data = (u_char *) text;
    str.len = ngx_strlen(text);

    return str;
}


/* "n" is what is in it */

static void
keep(u_char n, const char *dcid, ngx_uint_t host, size_t len, uint64_t now)
{
    ngx_str_t        id;
    quic_datagram_t  dgram;

    ngx_memzero(&dgram, sizeof(dgram));

    id = cid(dcid);
    dgram.data = malloc(len);
    dgram.len = len;
    dgram.remote = addr(host);
    dgram.ecn = QUIC_ECN_ECT0;
    ngx_memset(dgram.data, n, len);

    quic_strays_keep(&strays, &dgram, &id, now);

    ngx_memset(dgram.data, 0xff, len);
    free(dgram.data);
}


/* what is in it, 0: there is none */

static ngx_uint_t
take(const char *dcid, ngx_uint_t host, uint64_t now)
{
    ngx_str_t        id;
    quic_addr_t      remote;
    quic_datagram_t  dgram;

    id = cid(dcid);
    remote = addr(host);

    if (quic_strays_take(&strays, &dgram, &id, &remote, now) != NGX_OK) {
        return 0;
    }

    assert_int_equal(dgram.ecn, QUIC_ECN_ECT0);
    assert_int_equal(dgram.data[0], dgram.data[dgram.len - 1]);

    return dgram.data[0];
}


static void
kept(void **state)
{
    assert_int_equal(take("client's", 1, NOW), 0);

    keep(1, "client's", 1, 1200, NOW);
    keep(2, "client's", 1, 100, NOW);
    keep(3, "another", 1, 100, NOW);
    keep(4, "client's", 2, 100, NOW);

    assert_int_equal(take("client'", 1, NOW), 0);
    assert_int_equal(take("client's", 1, NOW), 1);
    assert_int_equal(take("client's", 1, NOW), 2);
    assert_int_equal(take("client's", 1, NOW), 0);
    assert_int_equal(take("another", 1, NOW), 3);
    assert_int_equal(take("client's", 2, NOW), 4);
    assert_int_equal(strays.n, 0);
}


static void
bounds(void **state)
{
    ngx_uint_t  i;

    /* too long */

    keep(1, "long", 1, QUIC_MAX_UNDECRYPTABLE_SIZE + 1, NOW);
    assert_int_equal(take("long", 1, NOW), 0);

    keep(1, "long", 1, QUIC_MAX_UNDECRYPTABLE_SIZE, NOW);
    assert_int_equal(take("long", 1, NOW), 1);

    keep(1, "a connection ID of 21", 1, 100, NOW);
    assert_int_equal(take("a connection ID of 21", 1, NOW), 0);

    /* too old */

    keep(1, "old", 1, 100, NOW);
    keep(2, "old", 1, 100, NOW + 1);
    assert_int_equal(take("old", 1, NOW + 1 + QUIC_STRAY_LIFETIME), 2);
    assert_int_equal(take("old", 1, NOW), 0);

    /* too many: the oldest go */

    for (i = 1; i <= QUIC_MAX_STRAYS + 3; i++) {
        keep(i, "many", 1, 100, NOW);
    }

    assert_int_equal(strays.n, QUIC_MAX_STRAYS);

    for (i = 4; i <= QUIC_MAX_STRAYS + 3; i++) {
        assert_int_equal(take("many", 1, NOW), i);
    }

    assert_int_equal(take("many", 1, NOW), 0);
    assert_int_equal(strays.n, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(kept, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
