
/*
 * The bytes of a stream or of CRYPTO frames on their way to a reader, put in
 * order.
 *
 * Bytes are kept in blocks of a fixed size, each at its place
 * (offset / QUIC_RECV_BLOCK), so a fragment costs its block and nothing else;
 * how far ahead of the reader a sender may write is limited by flow control,
 * into how many pieces by "max_gaps".
 *
 *     0 .... read ........ ready ...(gap)... [  ] ... [ ]
 *     gone   | to be read  |                 fragments
 *
 * Invariant: there is a block for every stored byte.  When nothing is stored
 * there is no block at all, so a stream that waits for data costs nothing.
 */

#ifndef _QUIC_RECV_BUF_H_INCLUDED_
#define _QUIC_RECV_BUF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"
#include "quic/quic_ranges.h"


#define QUIC_RECV_BLOCK  4096


typedef struct {
    uint64_t         read;           /* offset of the next byte to be read */
    uint64_t         ready;          /* end of what can be read in order */
    quic_ranges_t    fragments;      /* received, all beyond "ready" */

    u_char         **block;          /* ring, its first holds "read" */
    ngx_uint_t       first;          /* place of that block in the ring */
    ngx_uint_t       size;           /* of the ring, a power of two, or 0 */

    quic_mem_t      *mem;
} quic_recv_buf_t;


void quic_recv_buf_init(quic_recv_buf_t *b, quic_mem_t *mem,
    ngx_uint_t max_gaps);
void quic_recv_buf_done(quic_recv_buf_t *b);

/*
 * Stores bytes; those below "ready" are ignored, and of a fragment that comes
 * twice the last copy counts (RFC 9000, 2.2: they must be the same).  The
 * parser has seen to it that offset + len is below 2^62.
 *
 * NGX_OK; NGX_DECLINED: too many gaps, or beyond QUIC_MAX_RECV_AHEAD;
 * NGX_ERROR: no memory.  Nothing is stored in the latter cases.
 */
ngx_int_t quic_recv_buf_write(quic_recv_buf_t *b, uint64_t offset,
    u_char *data, size_t len);

/* non-zero when all of these bytes have come before */
ngx_uint_t quic_recv_buf_has(quic_recv_buf_t *b, uint64_t offset, size_t len);

/* the bytes to be read next, in place; 0 length when there are none */
void quic_recv_buf_peek(quic_recv_buf_t *b, ngx_str_t *span);

/*
 * "n" bytes have been read: of what can be read, or, when the buffer is empty,
 * of bytes that the caller has taken from the datagram itself.
 */
void quic_recv_buf_consume(quic_recv_buf_t *b, uint64_t n);

/* forgets everything stored: nobody will read */
void quic_recv_buf_discard(quic_recv_buf_t *b);

/* non-zero when nothing is stored, not even fragments */
static ngx_inline ngx_uint_t
quic_recv_buf_empty(quic_recv_buf_t *b)
{
    return b->read == b->ready && b->fragments.n == 0;
}


#endif /* _QUIC_RECV_BUF_H_INCLUDED_ */
