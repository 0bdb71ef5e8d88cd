
/*
 * Which tickets have brought 0-RTT: RFC 8446, 8.1.  What a client sends as
 * 0-RTT anybody who has seen it can send again, to any worker; so all workers
 * ask here, and each ticket is good for it once.
 *
 * TLS refuses 0-RTT that comes much later or earlier than its client says
 * (RFC 8446, 8.3); what it might still take is remembered: QUIC_REPLAY_WINDOW.
 * When there is no room for one more ticket its 0-RTT is refused, too; the
 * handshake goes on.
 *
 * The memory may be shared: whoever calls has locked it.
 */

#ifndef _QUIC_REPLAY_H_INCLUDED_
#define _QUIC_REPLAY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    /*
     * Random, and not 0.  What was sealed before this memory was made can't be
     * known to it, and is told by another number: see ep->early_id.
     */
    uint64_t             id;

    uint64_t             latest;     /* seconds: a ticket was used */
    ngx_uint_t           nsets;
    uint64_t             ticket[1];
} quic_replay_t;


/* in memory of "size" bytes; NGX_OK, or NGX_ERROR: that is too small */
ngx_int_t quic_replay_init(quic_replay_t *r, size_t size);

/*
 * "now" is in seconds since 1970, of the clock that TLS looks at for the age of
 * a ticket.  NGX_OK: the ticket wasn't used before, and is now; NGX_DECLINED:
 * it was, or there is no room to remember it, or the clock has been put back.
 */
ngx_int_t quic_replay_use(quic_replay_t *r, uint64_t ticket, uint64_t now);


#endif /* _QUIC_REPLAY_H_INCLUDED_ */
