
#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_addr.h"


socklen_t
quic_addr_len(const quic_addr_t *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                       : sizeof(struct sockaddr_in);
}


uint16_t
quic_addr_port(const quic_addr_t *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->sin6.sin6_port
                                             : a->sin.sin_port);
}


ngx_uint_t
quic_addr_equal(const quic_addr_t *a, const quic_addr_t *b)
{
    return quic_addr_same_host(a, b)
           && quic_addr_port(a) == quic_addr_port(b);
}


ngx_uint_t
quic_addr_same_host(const quic_addr_t *a, const quic_addr_t *b)
{
    if (a->sa.sa_family != b->sa.sa_family) {
        return 0;
    }

    if (a->sa.sa_family == AF_INET6) {
        return ngx_memcmp(&a->sin6.sin6_addr, &b->sin6.sin6_addr, 16) == 0
               && a->sin6.sin6_scope_id == b->sin6.sin6_scope_id;
    }

    return a->sin.sin_addr.s_addr == b->sin.sin_addr.s_addr;
}


size_t
quic_addr_overhead(const quic_addr_t *a)
{
    if (a->sa.sa_family == AF_INET6
        && !IN6_IS_ADDR_V4MAPPED(&a->sin6.sin6_addr))
    {
        return 40 + 8;
    }

    return 20 + 8;
}


uint64_t
quic_addr_hash(const quic_addr_t *a)
{
    if (a->sa.sa_family == AF_INET) {
        return quic_hash((const u_char *) &a->sin.sin_addr, 4);
    }

    /* the IPv4 clients of a socket for both, or all of them would be one */

    if (IN6_IS_ADDR_V4MAPPED(&a->sin6.sin6_addr)) {
        return quic_hash(&a->sin6.sin6_addr.s6_addr[12], 4);
    }

    return quic_hash(a->sin6.sin6_addr.s6_addr, 8);
}
