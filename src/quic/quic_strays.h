
/*
 * 0-RTT datagrams that have overtaken the ClientHello they belong to: RFC 9000,
 * 5.2.2.  Nobody can tell them from junk, so there are a few places for all of
 * them, and the latest takes that of the oldest.
 */

#ifndef _QUIC_STRAYS_H_INCLUDED_
#define _QUIC_STRAYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_addr.h"
#include "quic/quic_mem.h"


typedef struct quic_stray_s  quic_stray_t;

typedef struct {
    quic_stray_t    *stray;          /* NULL: there was none yet */
    ngx_uint_t       next;           /* the oldest */
    ngx_uint_t       n;              /* how many are there */
    quic_mem_t      *mem;
} quic_strays_t;


void quic_strays_init(quic_strays_t *s, quic_mem_t *mem);
void quic_strays_done(quic_strays_t *s);

/* copies a datagram, unless it is too long or there is no memory */
void quic_strays_keep(quic_strays_t *s, const quic_datagram_t *dgram,
    ngx_str_t *dcid, uint64_t now);

/*
 * One with that connection ID, from that address, as "dgram", good until the
 * next call of any of these; NGX_DONE: there is none any more.
 */
ngx_int_t quic_strays_take(quic_strays_t *s, quic_datagram_t *dgram,
    ngx_str_t *dcid, const quic_addr_t *remote, uint64_t now);


#endif /* _QUIC_STRAYS_H_INCLUDED_ */
