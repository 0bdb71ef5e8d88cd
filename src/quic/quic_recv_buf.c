
/*
 * What comes in order moves "ready" and is copied, no more; only what comes
 * ahead of a gap is noted in "fragments".
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_recv_buf.h"


#define QUIC_RECV_RING_MIN  8


/* the place of the block that holds an offset, which the ring must reach */

#define quic_recv_buf_block(b, offset)                                        \
    (&(b)->block[((b)->first + (offset) / QUIC_RECV_BLOCK                     \
                  - (b)->read / QUIC_RECV_BLOCK) & ((b)->size - 1)])


static ngx_int_t quic_recv_buf_reach(quic_recv_buf_t *b, uint64_t end);
static ngx_int_t quic_recv_buf_reserve(quic_recv_buf_t *b, uint64_t start,
    uint64_t end);
static void quic_recv_buf_copy(quic_recv_buf_t *b, uint64_t offset,
    u_char *data, size_t len);
static void quic_recv_buf_sweep(quic_recv_buf_t *b, uint64_t start,
    uint64_t end);


void
quic_recv_buf_init(quic_recv_buf_t *b, quic_mem_t *mem, ngx_uint_t max_gaps)
{
    ngx_memzero(b, sizeof(quic_recv_buf_t));

    quic_ranges_init(&b->fragments, mem, max_gaps);

    b->mem = mem;
}


void
quic_recv_buf_done(quic_recv_buf_t *b)
{
    quic_recv_buf_discard(b);
}


ngx_int_t
quic_recv_buf_write(quic_recv_buf_t *b, uint64_t offset, u_char *data,
    size_t len)
{
    size_t     skip;
    uint64_t   end;
    ngx_int_t  rc;

    end = offset + len;

    if (len == 0 || end <= b->ready) {
        return NGX_OK;
    }

    if (end - b->read > QUIC_MAX_RECV_AHEAD) {
        return NGX_DECLINED;
    }

    if (offset < b->ready) {
        skip = b->ready - offset;
        offset += skip;
        data += skip;
        len -= skip;
    }

    /* first all that can fail */

    if (offset > b->ready) {
        rc = quic_ranges_reserve(&b->fragments, offset, end);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (quic_recv_buf_reserve(b, offset, end) != NGX_OK) {
        return NGX_ERROR;
    }

    quic_recv_buf_copy(b, offset, data, len);

    if (offset > b->ready) {
        return quic_ranges_add(&b->fragments, offset, end);
    }

    b->ready = quic_ranges_absorb(&b->fragments, end);

    return NGX_OK;
}


ngx_uint_t
quic_recv_buf_has(quic_recv_buf_t *b, uint64_t offset, size_t len)
{
    uint64_t       end;
    quic_range_t  *range;

    end = offset + len;

    if (len == 0 || end <= b->ready) {
        return 1;
    }

    range = quic_ranges_find(&b->fragments, offset);

    return range && range->start <= offset && range->end >= end;
}


/* makes the ring reach up to "end" */

static ngx_int_t
quic_recv_buf_reach(quic_recv_buf_t *b, uint64_t end)
{
    u_char      **ring;
    ngx_uint_t    i, n, size;

    n = (end - 1) / QUIC_RECV_BLOCK - b->read / QUIC_RECV_BLOCK + 1;

    if (n <= b->size) {
        return NGX_OK;
    }

    for (size = QUIC_RECV_RING_MIN; size < n; size *= 2) { /* void */ }

    ring = quic_calloc(b->mem, size * sizeof(u_char *));
    if (ring == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < b->size; i++) {
        ring[i] = b->block[(b->first + i) & (b->size - 1)];
    }

    quic_free(b->mem, b->block, b->size * sizeof(u_char *));

    b->block = ring;
    b->first = 0;
    b->size = size;

    return NGX_OK;
}


/* blocks for [start, end) */

static ngx_int_t
quic_recv_buf_reserve(quic_recv_buf_t *b, uint64_t start, uint64_t end)
{
    u_char    **block;
    uint64_t    offset;

    if (quic_recv_buf_reach(b, end) != NGX_OK) {
        return NGX_ERROR;
    }

    offset = start - start % QUIC_RECV_BLOCK;

    for ( /* void */ ; offset < end; offset += QUIC_RECV_BLOCK) {
        block = quic_recv_buf_block(b, offset);

        if (*block == NULL) {
            *block = quic_alloc(b->mem, QUIC_RECV_BLOCK);

            if (*block == NULL) {
                quic_recv_buf_sweep(b, start, offset);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* frees those blocks for [start, end) that hold nothing */

static void
quic_recv_buf_sweep(quic_recv_buf_t *b, uint64_t start, uint64_t end)
{
    u_char        **block;
    uint64_t        offset, next;
    quic_range_t   *range;

    for (offset = start; offset < end; offset = next) {
        next = offset - offset % QUIC_RECV_BLOCK + QUIC_RECV_BLOCK;
        range = quic_ranges_find(&b->fragments, next - QUIC_RECV_BLOCK);

        if (b->read < b->ready && next - QUIC_RECV_BLOCK < b->ready) {
            continue;
        }

        if (range && range->start < next) {
            continue;
        }

        block = quic_recv_buf_block(b, offset);
        quic_free(b->mem, *block, QUIC_RECV_BLOCK);
        *block = NULL;
    }
}


static void
quic_recv_buf_copy(quic_recv_buf_t *b, uint64_t offset, u_char *data,
    size_t len)
{
    size_t   n, at;
    u_char  *block;

    while (len) {
        at = offset % QUIC_RECV_BLOCK;
        n = ngx_min(len, QUIC_RECV_BLOCK - at);

        block = *quic_recv_buf_block(b, offset);
        ngx_memcpy(block + at, data, n);

        offset += n;
        data += n;
        len -= n;
    }
}


void
quic_recv_buf_peek(quic_recv_buf_t *b, ngx_str_t *span)
{
    size_t  at;

    if (b->read == b->ready) {
        ngx_str_null(span);
        return;
    }

    at = b->read % QUIC_RECV_BLOCK;

    span->len = ngx_min(b->ready - b->read, QUIC_RECV_BLOCK - at);
    span->data = *quic_recv_buf_block(b, b->read) + at;
}


void
quic_recv_buf_consume(quic_recv_buf_t *b, uint64_t n)
{
    u_char    **block;
    uint64_t    end, next;

    if (quic_recv_buf_empty(b)) {
        b->read += n;
        b->ready = b->read;
        return;
    }

    end = b->read + ngx_min(n, b->ready - b->read);
    next = b->read - b->read % QUIC_RECV_BLOCK + QUIC_RECV_BLOCK;

    for ( /* void */ ; next <= end; next += QUIC_RECV_BLOCK) {
        block = quic_recv_buf_block(b, b->read);
        quic_free(b->mem, *block, QUIC_RECV_BLOCK);
        *block = NULL;

        b->first++;
        b->read = next;
    }

    b->read = end;

    if (b->read == b->ready) {
        quic_recv_buf_sweep(b, b->read, b->read + 1);
    }
}


void
quic_recv_buf_discard(quic_recv_buf_t *b)
{
    ngx_uint_t  i;

    for (i = 0; i < b->size; i++) {
        quic_free(b->mem, b->block[i], QUIC_RECV_BLOCK);
    }

    quic_free(b->mem, b->block, b->size * sizeof(u_char *));
    quic_ranges_done(&b->fragments);

    b->ready = b->read;
    b->block = NULL;
    b->first = 0;
    b->size = 0;
}
