
/*
 * The bytes of a stream or of CRYPTO frames on their way to the peer: kept
 * until they are acknowledged, sent again by reference (offset, length) when
 * they are lost.
 *
 *     0 .... base ............... sent ............ end
 *     acked  | in flight, acked,  | never sent yet  | to be appended
 *            | or lost            |
 *
 * Invariant: lost and acked lie in [base, sent) and don't overlap; whatever of
 * it is in neither is in flight, that is, the caller still has the record of a
 * packet with these bytes and will say "acked" or "lost" of it.  So every byte
 * is acknowledged or sent again in the end.
 *
 * Where a range can't be noted, for there are too many or no memory, an error
 * is always made to the same side: what was acknowledged counts as lost and is
 * sent once more.  Bytes at "base" need no range, so this makes progress.
 *
 * "fin" behaves as one more byte behind "end".
 *
 * Bytes lie in blocks, a small first one and large ones behind it, so that a
 * small response costs little and a file is read in large pieces.  When all
 * has been acknowledged nothing is kept.
 */

#ifndef _QUIC_SEND_BUF_H_INCLUDED_
#define _QUIC_SEND_BUF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"
#include "quic/quic_ranges.h"


#define QUIC_SEND_BLOCK_MIN  4096
#define QUIC_SEND_BLOCK      65536


typedef struct {
    u_char          *data;
    uint64_t         start;          /* offset of data[0]; the block goes on
                                        to the start of the next, or "end" */
    size_t           size;           /* of the memory */
} quic_send_block_t;


typedef struct {
    uint64_t         base;
    uint64_t         sent;
    uint64_t         end;

    quic_ranges_t    acked;
    quic_ranges_t    lost;

    quic_send_block_t  *block;       /* ring */
    ngx_uint_t       first;
    ngx_uint_t       nblocks;
    ngx_uint_t       size;           /* of the ring, a power of two, or 0 */

    quic_mem_t      *mem;

    unsigned         fin:1;          /* "end" is final */
    unsigned         fin_sent:1;     /* in flight or acknowledged */
    unsigned         fin_acked:1;
} quic_send_buf_t;


void quic_send_buf_init(quic_send_buf_t *b, quic_mem_t *mem);
void quic_send_buf_done(quic_send_buf_t *b);

/* copies bytes to the end.  NGX_OK or NGX_ERROR (memory; nothing appended) */
ngx_int_t quic_send_buf_append(quic_send_buf_t *b, const u_char *data,
    size_t len);

/*
 * A place for more bytes behind "end", to be read into: at least one byte, at
 * most "*len", which is set to its size; "want" is how much there is to come,
 * a hint for the size of a new block.  NULL: no memory.  Then
 * quic_send_buf_commit() says how many have been put there, with no other call
 * in between.
 */
u_char *quic_send_buf_reserve(quic_send_buf_t *b, size_t want, size_t *len);
void quic_send_buf_commit(quic_send_buf_t *b, size_t len);

/* no more bytes will come: "end" is the final size */
void quic_send_buf_finish(quic_send_buf_t *b);

/*
 * What to send next: lost bytes first, then new ones up to the offset "limit"
 * (flow control; lost ones are always below it).  NGX_OK with the whole of a
 * range, which is all lost or all new (then "*offset" is b->sent) and may be
 * of many blocks; its "*len" may be 0 with "*fin", which says that the end of
 * the stream comes right behind the range.  NGX_DONE: nothing (or nothing
 * below limit).
 */
ngx_int_t quic_send_buf_next(quic_send_buf_t *b, uint64_t limit,
    uint64_t *offset, size_t *len, ngx_uint_t *fin);

/* copies sent or unsent bytes into a packet; [offset, offset + len) is kept */
void quic_send_buf_copy(quic_send_buf_t *b, uint64_t offset, u_char *dst,
    size_t len);

/*
 * What happened to a range that quic_send_buf_next() gave, or to a part of it.
 * acked and lost can be called in any order and repeatedly (a packet declared
 * lost may be acknowledged later).  None of them fails: the result is NGX_OK,
 * see above.
 */
ngx_int_t quic_send_buf_sent(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin);
ngx_int_t quic_send_buf_acked(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin);
ngx_int_t quic_send_buf_lost(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin);

/* marks all that is in flight as lost, for a probe that must carry data */
ngx_int_t quic_send_buf_resend(quic_send_buf_t *b);

/* non-zero when quic_send_buf_next() would give something below "limit" */
ngx_uint_t quic_send_buf_pending(quic_send_buf_t *b, uint64_t limit);

/* non-zero when all, with fin, has been acknowledged */
ngx_uint_t quic_send_buf_complete(quic_send_buf_t *b);

/* bytes that are kept: end - base */
static ngx_inline uint64_t
quic_send_buf_held(quic_send_buf_t *b)
{
    return b->end - b->base;
}


#endif /* _QUIC_SEND_BUF_H_INCLUDED_ */
