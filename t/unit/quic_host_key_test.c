
/* Connection IDs, stateless reset tokens, address validation tokens. */

#include "test.h"
#include "crypto/quic_host_key.h"


static quic_host_key_t  hk, other;

static struct sockaddr_in   v4, v4_port, v4_addr;
static struct sockaddr_in6  v6, v6_port, v6_addr;

#define SA(a)  ((struct sockaddr *) &(a))


static int
setup(void **state)
{
    static const u_char  secret[] = "an example of a secret";

    if (quic_host_key_init(&hk, secret, sizeof(secret) - 1) != NGX_OK
        || quic_host_key_init(&other, secret, sizeof(secret) - 2) != NGX_OK)
    {
        return -1;
    }

    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(0xc0000201);
    v4.sin_port = htons(4433);

    v4_port = v4;
    v4_port.sin_port = htons(4434);

    v4_addr = v4;
    v4_addr.sin_addr.s_addr = htonl(0xc0000202);

    v6.sin6_family = AF_INET6;
    v6.sin6_addr.s6_addr[0] = 0x20;
    v6.sin6_addr.s6_addr[15] = 1;
    v6.sin6_port = htons(4433);

    v6_port = v6;
    v6_port.sin6_port = htons(4434);

    v6_addr = v6;
    v6_addr.sin6_addr.s6_addr[15] = 2;

    return 0;
}


static int
teardown(void **state)
{
    quic_host_key_clear(&hk);
    quic_host_key_clear(&other);

    return 0;
}


static void
short_secret(void **state)
{
    u_char           secret[16];
    quic_host_key_t  k;

    ngx_memzero(secret, sizeof(secret));

    assert_int_equal(quic_host_key_init(&k, secret, 0), NGX_ERROR);
    assert_int_equal(quic_host_key_init(&k, secret, 15), NGX_ERROR);
    assert_int_equal(quic_host_key_init(&k, secret, 16), NGX_OK);

    quic_host_key_clear(&k);
}


static void
cid_round_trip(void **state)
{
    uint32_t    owner, opened;
    quic_cid_t  cid;
    ngx_uint_t  i;

    for (i = 0; i < 10000; i++) {
        owner = (uint32_t) test_rand();
        opened = ~owner;

        quic_host_cid_seal(&hk, &cid, owner, (uint32_t) i);
        assert_int_equal(cid.len, QUIC_CID_LEN);

        assert_int_equal(quic_host_cid_open(&hk, cid.data, cid.len, &opened),
                         NGX_OK);
        assert_int_equal(opened, owner);

        assert_int_equal(quic_host_cid_open(&other, cid.data, cid.len,
                                            &opened),
                         NGX_DECLINED);
    }
}


/* the keys come of the secret alone: a worker opens what another has sealed */

static void
cid_same_secret(void **state)
{
    uint32_t         owner;
    quic_cid_t       cid;
    quic_host_key_t  again;

    assert_int_equal(quic_host_key_init(&again,
                                        (u_char *) "an example of a secret",
                                        22),
                     NGX_OK);

    quic_host_cid_seal(&hk, &cid, 1234, 0);
    assert_int_equal(quic_host_cid_open(&again, cid.data, cid.len, &owner),
                     NGX_OK);
    assert_int_equal(owner, 1234);

    quic_host_key_clear(&again);
}


static void
cid_foreign(void **state)
{
    size_t      len;
    u_char     *p;
    uint32_t    owner;
    quic_cid_t  cid;
    ngx_uint_t  bit;

    quic_host_cid_seal(&hk, &cid, 1234, 7);

    for (bit = 0; bit < 128; bit++) {
        cid.data[bit / 8] ^= 1 << bit % 8;
        assert_int_equal(quic_host_cid_open(&hk, cid.data, cid.len, &owner),
                         NGX_DECLINED);
        cid.data[bit / 8] ^= 1 << bit % 8;
    }

    for (len = 0; len <= 255; len++) {
        p = malloc(len + 1);
        ngx_memzero(p, len + 1);
        ngx_memcpy(p, cid.data, ngx_min(len, 16));

        assert_int_equal(quic_host_cid_open(&hk, p, len, &owner),
                         len == 16 ? NGX_OK : NGX_DECLINED);
        free(p);
    }
}


/* same owner, same counter, and still another ID each time */

static void
cid_differ(void **state)
{
    quic_cid_t  a, b;
    ngx_uint_t  i;

    quic_host_cid_seal(&hk, &a, 1, 1);

    for (i = 0; i < 100; i++) {
        quic_host_cid_seal(&hk, &b, 1, i < 50 ? 1 : i);
        assert_memory_not_equal(a.data, b.data, QUIC_CID_LEN);
    }
}


static void
reset_token(void **state)
{
    u_char      one[16], two[16];
    quic_cid_t  cid;
    ngx_uint_t  i;

    quic_host_cid_seal(&hk, &cid, 1, 1);

    quic_host_reset_token(&hk, cid.data, cid.len, one);
    quic_host_reset_token(&hk, cid.data, cid.len, two);
    assert_memory_equal(one, two, 16);

    quic_host_reset_token(&other, cid.data, cid.len, two);
    assert_memory_not_equal(one, two, 16);

    for (i = 0; i < 16; i++) {
        cid.data[i] ^= 1;
        quic_host_reset_token(&hk, cid.data, cid.len, two);
        assert_memory_not_equal(one, two, 16);
        cid.data[i] ^= 1;
    }
}


/* the same secret, the same host: the same tokens, and nothing else changes */

static void
reset_token_host(void **state)
{
    u_char           token[4][16];
    uint32_t         owner;
    ngx_uint_t       i;
    quic_cid_t       cid;
    quic_host_key_t  key;

    static const char  *names[] = { NULL, "a", "b", "a" };

    quic_host_cid_seal(&hk, &cid, 1234, 1);

    for (i = 0; i < 4; i++) {
        assert_int_equal(quic_host_key_init(&key,
                                            (u_char *) "0123456789abcdef", 16),
                         NGX_OK);

        if (names[i]) {
            assert_int_equal(quic_host_key_bind(&key, (u_char *) names[i], 1),
                             NGX_OK);
        }

        quic_host_reset_token(&key, cid.data, cid.len, token[i]);

        if (i == 0) {
            quic_host_cid_seal(&key, &cid, 1234, 1);
            quic_host_reset_token(&key, cid.data, cid.len, token[i]);
        }

        assert_int_equal(quic_host_cid_open(&key, cid.data, cid.len, &owner),
                         NGX_OK);
        assert_int_equal(owner, 1234);

        quic_host_key_clear(&key);
    }

    assert_memory_equal(token[1], token[3], 16);
    assert_memory_not_equal(token[1], token[0], 16);
    assert_memory_not_equal(token[1], token[2], 16);
}


static quic_token_t
make_token(quic_token_type_e type)
{
    quic_token_t  token;

    ngx_memzero(&token, sizeof(quic_token_t));

    token.type = type;
    token.version = QUIC_VERSION_2;
    token.time = 1700000000123456ULL;

    if (type == QUIC_TOKEN_RETRY) {
        quic_cid_set(&token.odcid, (u_char *) "\1\2\3\4\5\6\7\10", 8);
        quic_cid_set(&token.rscid, (u_char *) "0123456789abcdef", 16);
    }

    return token;
}


/* the bytes stand alone in memory, so that reading past them is noticed */

static ngx_int_t
open_token(quic_host_key_t *key, quic_token_t *token, struct sockaddr *addr,
    u_char *data, size_t len, ngx_uint_t *is_retry)
{
    ngx_int_t  rc;
    ngx_str_t  str;

    str.len = len;
    str.data = malloc(len ? len : 1);
    ngx_memcpy(str.data, data, len);

    rc = quic_host_token_open(key, token, addr, &str, is_retry);

    free(str.data);

    return rc;
}


static void
token_round_trip(void **state)
{
    size_t        len;
    u_char        buf[QUIC_TOKEN_MAX_LEN];
    ngx_uint_t    i, cid_len, is_retry;
    quic_token_t  token, got;

    struct sockaddr         *addrs[] = { SA(v4), SA(v6) };
    static const ngx_uint_t  types[] = { QUIC_TOKEN_RETRY, QUIC_TOKEN_NEW };

    for (i = 0; i < 4; i++) {
        for (cid_len = 0; cid_len <= QUIC_CID_MAX_LEN; cid_len++) {

            token = make_token(types[i / 2]);

            if (types[i / 2] == QUIC_TOKEN_RETRY) {
                token.odcid.len = (u_char) cid_len;
                test_rand_bytes(token.odcid.data, cid_len);
                ngx_memzero(token.odcid.data + cid_len,
                            QUIC_CID_MAX_LEN - cid_len);
            }

            len = quic_host_token_seal(&hk, &token, addrs[i % 2], buf);
            assert_in_range(len, 1, QUIC_TOKEN_MAX_LEN);
            assert_int_equal(buf[0], types[i / 2]);

            ngx_memset(&got, 0xff, sizeof(got));

            assert_int_equal(open_token(&hk, &got, addrs[i % 2], buf, len,
                                        &is_retry),
                             NGX_OK);
            assert_int_equal(is_retry, types[i / 2] == QUIC_TOKEN_RETRY);

            assert_int_equal(got.type, token.type);
            assert_int_equal(got.version, token.version);
            assert_true(got.time == token.time);
            assert_memory_equal(&got.odcid, &token.odcid, sizeof(quic_cid_t));
            assert_memory_equal(&got.rscid, &token.rscid, sizeof(quic_cid_t));
        }
    }
}


static void
token_addresses(void **state)
{
    size_t        len;
    u_char        buf[QUIC_TOKEN_MAX_LEN];
    ngx_uint_t    i, is_retry;
    quic_token_t  token;

    struct sockaddr  unix_addr;

    struct {
        quic_token_type_e   type;
        struct sockaddr    *made;
        struct sockaddr    *used;
        ngx_int_t           rc;
    } rows[] = {
        { QUIC_TOKEN_RETRY, SA(v4), SA(v4), NGX_OK },
        { QUIC_TOKEN_RETRY, SA(v4), SA(v4_port), NGX_DECLINED },
        { QUIC_TOKEN_RETRY, SA(v4), SA(v4_addr), NGX_DECLINED },
        { QUIC_TOKEN_RETRY, SA(v4), SA(v6), NGX_DECLINED },
        { QUIC_TOKEN_RETRY, SA(v6), SA(v6_port), NGX_DECLINED },
        { QUIC_TOKEN_RETRY, SA(v6), SA(v6_addr), NGX_DECLINED },
        { QUIC_TOKEN_RETRY, SA(v6), &unix_addr, NGX_DECLINED },

        { QUIC_TOKEN_NEW, SA(v4), SA(v4_port), NGX_OK },
        { QUIC_TOKEN_NEW, SA(v4), SA(v4_addr), NGX_DECLINED },
        { QUIC_TOKEN_NEW, SA(v4), SA(v6), NGX_DECLINED },
        { QUIC_TOKEN_NEW, SA(v6), SA(v6_port), NGX_OK },
        { QUIC_TOKEN_NEW, SA(v6), SA(v6_addr), NGX_DECLINED }
    };

    ngx_memzero(&unix_addr, sizeof(unix_addr));
    unix_addr.sa_family = AF_UNIX;

    for (i = 0; i < test_array_len(rows); i++) {
        token = make_token(rows[i].type);

        len = quic_host_token_seal(&hk, &token, rows[i].made, buf);
        assert_int_not_equal(len, 0);

        assert_int_equal(open_token(&hk, &token, rows[i].used, buf, len,
                                    &is_retry),
                         rows[i].rc);
        assert_int_equal(is_retry, rows[i].type == QUIC_TOKEN_RETRY);
    }

    token = make_token(QUIC_TOKEN_NEW);
    assert_int_equal(quic_host_token_seal(&hk, &token, &unix_addr, buf), 0);

    token.type = 3;
    assert_int_equal(quic_host_token_seal(&hk, &token, SA(v4), buf), 0);
}


/* a kind of token isn't taken for the other, whatever its first byte says */

static void
token_kinds(void **state)
{
    size_t        retry_len, new_len;
    u_char        retry[QUIC_TOKEN_MAX_LEN], new[QUIC_TOKEN_MAX_LEN];
    ngx_uint_t    is_retry;
    quic_token_t  token;

    token = make_token(QUIC_TOKEN_RETRY);
    retry_len = quic_host_token_seal(&hk, &token, SA(v4), retry);

    token = make_token(QUIC_TOKEN_NEW);
    new_len = quic_host_token_seal(&hk, &token, SA(v4), new);

    assert_true(new_len < retry_len);

    retry[0] = QUIC_TOKEN_NEW;
    assert_int_equal(open_token(&hk, &token, SA(v4), retry, retry_len,
                                &is_retry),
                     NGX_DECLINED);
    assert_int_equal(is_retry, 0);

    new[0] = QUIC_TOKEN_RETRY;
    assert_int_equal(open_token(&hk, &token, SA(v4), new, new_len, &is_retry),
                     NGX_DECLINED);
    assert_int_equal(is_retry, 0);
}


static void
token_damaged(void **state)
{
    size_t        len, n;
    u_char        buf[256];
    ngx_uint_t    i, bit, is_retry;
    quic_token_t  token, got;

    static const ngx_uint_t  types[] = { QUIC_TOKEN_RETRY, QUIC_TOKEN_NEW };

    for (i = 0; i < 2; i++) {
        ngx_memzero(buf, sizeof(buf));

        token = make_token(types[i]);
        len = quic_host_token_seal(&hk, &token, SA(v4), buf);

        for (bit = 0; bit < len * 8; bit++) {
            buf[bit / 8] ^= 1 << bit % 8;
            assert_int_equal(open_token(&hk, &got, SA(v4), buf, len,
                                        &is_retry),
                             NGX_DECLINED);
            assert_int_equal(is_retry, bit >= 8
                                       && types[i] == QUIC_TOKEN_RETRY);
            buf[bit / 8] ^= 1 << bit % 8;
        }

        for (n = 0; n <= sizeof(buf); n++) {
            assert_int_equal(open_token(&hk, &got, SA(v4), buf, n, &is_retry),
                             n == len ? NGX_OK : NGX_DECLINED);
        }

        assert_int_equal(open_token(&other, &got, SA(v4), buf, len, &is_retry),
                         NGX_DECLINED);
    }
}


static void
token_garbage(void **state)
{
    size_t        len;
    u_char        buf[256];
    ngx_uint_t    i, is_retry;
    quic_token_t  got;

    for (i = 0; i < 100000; i++) {
        len = test_rand() % sizeof(buf);
        test_rand_bytes(buf, len);
        buf[0] &= 3;

        assert_int_equal(open_token(&hk, &got, SA(v4), buf, len, &is_retry),
                         NGX_DECLINED);
    }
}


/* two tokens of the same content have nothing in common */

static void
token_unlinkable(void **state)
{
    size_t        len;
    u_char        a[QUIC_TOKEN_MAX_LEN], b[QUIC_TOKEN_MAX_LEN];
    size_t        i, same;
    quic_token_t  token;

    token = make_token(QUIC_TOKEN_RETRY);

    len = quic_host_token_seal(&hk, &token, SA(v4), a);
    assert_int_equal(quic_host_token_seal(&hk, &token, SA(v4), b), len);

    same = 0;

    for (i = 1; i < len; i++) {
        same += (a[i] == b[i]);
    }

    assert_in_range(same, 0, len / 8);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(short_secret),
        cmocka_unit_test(cid_round_trip),
        cmocka_unit_test(cid_same_secret),
        cmocka_unit_test(cid_foreign),
        cmocka_unit_test(cid_differ),
        cmocka_unit_test(reset_token),
        cmocka_unit_test(reset_token_host),
        cmocka_unit_test(token_round_trip),
        cmocka_unit_test(token_addresses),
        cmocka_unit_test(token_kinds),
        cmocka_unit_test(token_damaged),
        cmocka_unit_test(token_garbage),
        cmocka_unit_test(token_unlinkable)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
