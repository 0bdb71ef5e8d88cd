
/* UDP addresses. */

#include "test.h"
#include "quic/quic_addr.h"


static quic_addr_t
address(int family, const char *text, in_port_t port)
{
    quic_addr_t  a;

    ngx_memzero(&a, sizeof(quic_addr_t));
    a.sa.sa_family = family;

    if (family == AF_INET6) {
        a.sin6.sin6_port = htons(port);
        assert_int_equal(inet_pton(family, text, &a.sin6.sin6_addr), 1);

    } else {
        a.sin.sin_port = htons(port);
        assert_int_equal(inet_pton(family, text, &a.sin.sin_addr), 1);
    }

    return a;
}


static void
test_ipv4(void **state)
{
    quic_addr_t  a, b;

    a = address(AF_INET, "192.0.2.1", 443);
    b = address(AF_INET, "192.0.2.1", 444);

    assert_int_equal(quic_addr_len(&a), sizeof(struct sockaddr_in));
    assert_int_equal(quic_addr_port(&a), 443);
    assert_true(quic_addr_equal(&a, &a));
    assert_false(quic_addr_equal(&a, &b));
    assert_true(quic_addr_same_host(&a, &b));

    b = address(AF_INET, "192.0.2.2", 443);
    assert_false(quic_addr_same_host(&a, &b));
}


static void
test_ipv6(void **state)
{
    quic_addr_t  a, b;

    a = address(AF_INET6, "2001:db8::1", 443);
    b = address(AF_INET6, "2001:db8::1", 444);

    assert_int_equal(quic_addr_len(&a), sizeof(struct sockaddr_in6));
    assert_int_equal(quic_addr_port(&b), 444);
    assert_true(quic_addr_same_host(&a, &b));
    assert_false(quic_addr_equal(&a, &b));

    /* the same link-local address on two links is two hosts */

    a = address(AF_INET6, "fe80::1", 443);
    b = a;
    b.sin6.sin6_scope_id = 2;
    assert_false(quic_addr_same_host(&a, &b));
}


static void
test_families(void **state)
{
    quic_addr_t  a, b;

    a = address(AF_INET, "0.0.0.0", 443);
    b = address(AF_INET6, "::", 443);

    assert_false(quic_addr_equal(&a, &b));
    assert_false(quic_addr_same_host(&a, &b));
}


/* by what a host can't choose freely: its network, of IPv6 */

static void
test_hash(void **state)
{
    quic_addr_t  a, b;

    a = address(AF_INET, "192.0.2.1", 443);
    b = address(AF_INET, "192.0.2.1", 4433);
    assert_true(quic_addr_hash(&a) == quic_addr_hash(&b));

    b = address(AF_INET6, "::ffff:192.0.2.1", 443);
    assert_true(quic_addr_hash(&a) == quic_addr_hash(&b));

    a = address(AF_INET6, "::ffff:192.0.2.2", 443);
    assert_false(quic_addr_hash(&a) == quic_addr_hash(&b));

    a = address(AF_INET6, "2001:db8::1", 443);
    b = address(AF_INET6, "2001:db8::2:3:4:5", 443);
    assert_true(quic_addr_hash(&a) == quic_addr_hash(&b));

    b = address(AF_INET6, "2001:db8:0:1::1", 443);
    assert_false(quic_addr_hash(&a) == quic_addr_hash(&b));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
