
/*
 * Answers to datagrams that belong to no connection.  Each writes one datagram
 * to "reply" (room for 1200 bytes at reply->data), or leaves reply->len 0.
 */

#ifndef _QUIC_STATELESS_H_INCLUDED_
#define _QUIC_STATELESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_endpoint.h"


#define QUIC_REPLY_SIZE  1200


/* RFC 9000, 6.1: to a packet of a version that we don't speak */
void quic_stateless_version(quic_packet_t *pkt, ngx_str_t *reply);

/* RFC 9000, 8.1.2: come again with this token */
void quic_stateless_retry(quic_endpoint_t *ep, quic_packet_t *pkt,
    quic_datagram_t *dgram, ngx_str_t *reply, uint64_t now);

/*
 * CONNECTION_CLOSE in an Initial packet, for a client that won't get a
 * connection: RFC 9000, 5.2.2 and 8.1.2.
 */
void quic_stateless_close(quic_packet_t *pkt, uint64_t error,
    const char *reason, ngx_str_t *reply);

/*
 * RFC 9000, 10.3: to a packet whose connection is gone; shorter than what
 * triggers it, so that two endpoints can't keep resetting each other.
 */
void quic_stateless_reset(quic_endpoint_t *ep, ngx_str_t *dcid, size_t len,
    ngx_str_t *reply);


#endif /* _QUIC_STATELESS_H_INCLUDED_ */
