
/*
 * Which tokens of NEW_TOKEN have been used: RFC 9000, 8.1.4 wants each to be
 * good for one connection, as whoever has moved away from an address could have
 * us send to it as often as the token is accepted.
 *
 * The memory is a worker's own and bounded.  A token can be used once with each
 * worker, and a second time when QUIC_MAX_USED_TOKENS others have been used in
 * the meantime; both cost the victim a handshake's datagrams, not a download.
 */

#ifndef _QUIC_USED_TOKENS_H_INCLUDED_
#define _QUIC_USED_TOKENS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"


typedef struct {
    uint64_t    *hash;               /* sets; NULL: none was used */
    quic_mem_t  *mem;
} quic_used_tokens_t;


void quic_used_tokens_init(quic_used_tokens_t *u, quic_mem_t *mem);
void quic_used_tokens_done(quic_used_tokens_t *u);

/* non-zero when it has been used */
ngx_uint_t quic_used_tokens_find(quic_used_tokens_t *u, ngx_str_t *token);

/* without memory it isn't remembered */
void quic_used_tokens_add(quic_used_tokens_t *u, ngx_str_t *token);


#endif /* _QUIC_USED_TOKENS_H_INCLUDED_ */
