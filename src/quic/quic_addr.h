
/* A UDP address, IPv4 or IPv6, and a datagram with its two. */

#ifndef _QUIC_ADDR_H_INCLUDED_
#define _QUIC_ADDR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef union {
    struct sockaddr      sa;
    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;
} quic_addr_t;


#define QUIC_ECN_NOT_ECT  0
#define QUIC_ECN_ECT1     1
#define QUIC_ECN_ECT0     2
#define QUIC_ECN_CE       3


typedef struct {
    u_char              *data;       /* is changed: packets are opened in place */
    size_t               len;
    quic_addr_t          remote;
    quic_addr_t          local;
    ngx_uint_t           ecn;        /* QUIC_ECN_* */
    void                *socket;     /* the upper floor's listening socket */
} quic_datagram_t;


socklen_t quic_addr_len(const quic_addr_t *a);
uint16_t quic_addr_port(const quic_addr_t *a);

/*
 * Keyed; of the address without its port: of IPv6 the first 64 bits, of an IPv4
 * address the same in its mapped form.
 */
uint64_t quic_addr_hash(const quic_addr_t *a);

/* address and port, resp. address alone; non-zero when equal */
ngx_uint_t quic_addr_equal(const quic_addr_t *a, const quic_addr_t *b);
ngx_uint_t quic_addr_same_host(const quic_addr_t *a, const quic_addr_t *b);

/* bytes of the IP and UDP headers of a packet to it */
size_t quic_addr_overhead(const quic_addr_t *a);


#endif /* _QUIC_ADDR_H_INCLUDED_ */
