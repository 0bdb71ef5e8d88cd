
/*
 * The blocks and the state of the bytes in them: the former know nothing but
 * offsets, the latter is "base", "sent" and two sets of ranges.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_send_buf.h"


#define quic_send_buf_block(b, i)                                             \
    (&(b)->block[((b)->first + (i)) & ((b)->size - 1)])


static size_t quic_send_buf_room(quic_send_buf_t *b);
static ngx_int_t quic_send_buf_extend(quic_send_buf_t *b, size_t want);
static ngx_int_t quic_send_buf_grow_ring(quic_send_buf_t *b);
static void quic_send_buf_cut(quic_send_buf_t *b, uint64_t end);
static void quic_send_buf_drop(quic_send_buf_t *b);
static ngx_uint_t quic_send_buf_find(quic_send_buf_t *b, uint64_t offset);
static void quic_send_buf_lose(quic_send_buf_t *b, uint64_t start,
    uint64_t end);


void
quic_send_buf_init(quic_send_buf_t *b, quic_mem_t *mem)
{
    ngx_memzero(b, sizeof(quic_send_buf_t));

    quic_ranges_init(&b->acked, mem, QUIC_MAX_SEND_RANGES);
    quic_ranges_init(&b->lost, mem, QUIC_MAX_SEND_RANGES);

    b->mem = mem;
}


void
quic_send_buf_done(quic_send_buf_t *b)
{
    quic_send_buf_cut(b, 0);
    quic_free(b->mem, b->block, b->size * sizeof(quic_send_block_t));

    quic_ranges_done(&b->acked);
    quic_ranges_done(&b->lost);

    quic_send_buf_init(b, b->mem);
}


/* bytes that the last block has place for */

static size_t
quic_send_buf_room(quic_send_buf_t *b)
{
    quic_send_block_t  *last;

    if (b->nblocks == 0) {
        return 0;
    }

    last = quic_send_buf_block(b, b->nblocks - 1);

    return last->size - (b->end - last->start);
}


/* a new block at "end": twice as large as the last, or as large as wanted */

static ngx_int_t
quic_send_buf_extend(quic_send_buf_t *b, size_t want)
{
    size_t              size;
    quic_send_block_t  *block;

    if (quic_send_buf_grow_ring(b) != NGX_OK) {
        return NGX_ERROR;
    }

    size = QUIC_SEND_BLOCK_MIN;

    if (b->nblocks) {
        size = 2 * quic_send_buf_block(b, b->nblocks - 1)->size;
    }

    want = quic_mem_round(want);
    size = ngx_max(size, want);

    block = quic_send_buf_block(b, b->nblocks);

    block->start = b->end;
    block->size = ngx_min(size, QUIC_SEND_BLOCK);

    block->data = quic_alloc(b->mem, block->size);
    if (block->data == NULL) {
        return NGX_ERROR;
    }

    b->nblocks++;

    return NGX_OK;
}


/* makes room for one more block in the ring */

static ngx_int_t
quic_send_buf_grow_ring(quic_send_buf_t *b)
{
    ngx_uint_t          i, size;
    quic_send_block_t  *ring;

    if (b->nblocks < b->size) {
        return NGX_OK;
    }

    size = ngx_max(2 * b->size, 4);

    ring = quic_alloc(b->mem, size * sizeof(quic_send_block_t));
    if (ring == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < b->nblocks; i++) {
        ring[i] = *quic_send_buf_block(b, i);
    }

    quic_free(b->mem, b->block, b->size * sizeof(quic_send_block_t));

    b->block = ring;
    b->first = 0;
    b->size = size;

    return NGX_OK;
}


/* frees the blocks that start at "end" or behind it */

static void
quic_send_buf_cut(quic_send_buf_t *b, uint64_t end)
{
    quic_send_block_t  *last;

    while (b->nblocks) {
        last = quic_send_buf_block(b, b->nblocks - 1);

        if (last->start < end) {
            break;
        }

        quic_free(b->mem, last->data, last->size);
        b->nblocks--;
    }
}


/* frees the blocks that end at "base" or before it */

static void
quic_send_buf_drop(quic_send_buf_t *b)
{
    uint64_t            end;
    quic_send_block_t  *block;

    while (b->nblocks) {
        end = b->nblocks > 1 ? quic_send_buf_block(b, 1)->start : b->end;

        if (end > b->base) {
            break;
        }

        block = quic_send_buf_block(b, 0);
        quic_free(b->mem, block->data, block->size);

        b->first++;
        b->nblocks--;
    }
}


/* index of the block with "offset", which is kept */

static ngx_uint_t
quic_send_buf_find(quic_send_buf_t *b, uint64_t offset)
{
    ngx_uint_t  low, high, middle;

    low = 0;
    high = b->nblocks;

    while (high - low > 1) {
        middle = (low + high) / 2;

        if (quic_send_buf_block(b, middle)->start <= offset) {
            low = middle;

        } else {
            high = middle;
        }
    }

    return low;
}


ngx_int_t
quic_send_buf_append(quic_send_buf_t *b, const u_char *data, size_t len)
{
    size_t              n;
    uint64_t            end;
    quic_send_block_t  *last;

    end = b->end;

    while (len) {
        n = quic_send_buf_room(b);

        if (n == 0) {
            if (quic_send_buf_extend(b, len) != NGX_OK) {
                quic_send_buf_cut(b, end);
                b->end = end;
                return NGX_ERROR;
            }

            continue;
        }

        n = ngx_min(n, len);
        last = quic_send_buf_block(b, b->nblocks - 1);

        ngx_memcpy(last->data + (b->end - last->start), data, n);

        b->end += n;
        data += n;
        len -= n;
    }

    return NGX_OK;
}


u_char *
quic_send_buf_reserve(quic_send_buf_t *b, size_t want, size_t *len)
{
    size_t              room;
    quic_send_block_t  *last;

    room = quic_send_buf_room(b);

    /* a rest of a block isn't worth a system call that fills it */

    if (room == 0 || (room < want && room < QUIC_SEND_BLOCK_MIN)) {

        if (quic_send_buf_extend(b, want) != NGX_OK) {
            return NULL;
        }

        room = quic_send_buf_room(b);
    }

    *len = ngx_min(*len, room);
    last = quic_send_buf_block(b, b->nblocks - 1);

    return last->data + (b->end - last->start);
}


void
quic_send_buf_commit(quic_send_buf_t *b, size_t len)
{
    b->end += len;
}


void
quic_send_buf_finish(quic_send_buf_t *b)
{
    b->fin = 1;
}


ngx_int_t
quic_send_buf_next(quic_send_buf_t *b, uint64_t limit, uint64_t *offset,
    size_t *len, ngx_uint_t *fin)
{
    uint64_t  end;

    if (!quic_send_buf_pending(b, limit)) {
        return NGX_DONE;
    }

    if (b->lost.n) {
        *offset = b->lost.range[0].start;
        end = b->lost.range[0].end;

    } else {
        *offset = b->sent;
        end = ngx_min(b->end, limit);
        end = ngx_max(end, b->sent);
    }

    *len = end - *offset;
    *fin = b->fin && end == b->end;

    return NGX_OK;
}


ngx_uint_t
quic_send_buf_pending(quic_send_buf_t *b, uint64_t limit)
{
    if (b->lost.n) {
        return 1;
    }

    if (b->sent < b->end) {
        return b->sent < limit;
    }

    return b->fin && !b->fin_sent;
}


void
quic_send_buf_copy(quic_send_buf_t *b, uint64_t offset, u_char *dst,
    size_t len)
{
    size_t              n;
    uint64_t            end;
    ngx_uint_t          i;
    quic_send_block_t  *block;

    for (i = quic_send_buf_find(b, offset); len; i++) {
        block = quic_send_buf_block(b, i);
        end = i + 1 < b->nblocks ? quic_send_buf_block(b, i + 1)->start
                                 : b->end;

        n = ngx_min(end - offset, len);
        ngx_memcpy(dst, block->data + (offset - block->start), n);

        dst += n;
        offset += n;
        len -= n;
    }
}


ngx_int_t
quic_send_buf_sent(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin)
{
    uint64_t  end;

    end = offset + len;
    b->sent = ngx_max(b->sent, end);

    if (fin) {
        b->fin_sent = 1;
    }

    /*
     * What can't be taken out of a range of lost bytes, as that would make
     * two of it, stays lost and is sent once more.
     */

    (void) quic_ranges_remove(&b->lost, offset, end);

    return NGX_OK;
}


ngx_int_t
quic_send_buf_acked(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin)
{
    uint64_t  start, end;

    if (fin) {
        b->fin_sent = 1;
        b->fin_acked = 1;
    }

    start = ngx_max(offset, b->base);
    end = offset + len;
    end = ngx_min(end, b->sent);

    if (start >= end) {
        return NGX_OK;
    }

    if (start == b->base) {
        b->base = quic_ranges_absorb(&b->acked, end);
        quic_ranges_trim(&b->lost, b->base);
        quic_send_buf_drop(b);
        return NGX_OK;
    }

    /* this fails only inside of a range that is all lost, and stays so */

    if (quic_ranges_remove(&b->lost, start, end) != NGX_OK) {
        return NGX_OK;
    }

    if (quic_ranges_add(&b->acked, start, end) != NGX_OK) {
        quic_send_buf_lose(b, start, end);
    }

    return NGX_OK;
}


ngx_int_t
quic_send_buf_lost(quic_send_buf_t *b, uint64_t offset, size_t len,
    ngx_uint_t fin)
{
    uint64_t       start, end, stop;
    quic_range_t  *acked;

    if (fin && !b->fin_acked) {
        b->fin_sent = 0;
    }

    start = ngx_max(offset, b->base);
    end = offset + len;
    end = ngx_min(end, b->sent);

    while (start < end) {
        acked = quic_ranges_find(&b->acked, start);

        if (acked && acked->start <= start) {
            start = acked->end;
            continue;
        }

        stop = acked ? ngx_min(acked->start, end) : end;
        quic_send_buf_lose(b, start, stop);
        start = stop;
    }

    return NGX_OK;
}


/*
 * Notes a range as lost, none of which is acknowledged.  Without room for it
 * the nearest lost range is stretched over it: that takes no memory.  What was
 * acknowledged between the two is forgotten, whole ranges of it, so that takes
 * none either.  There is a nearest one: the first few ranges always have room.
 */

static void
quic_send_buf_lose(quic_send_buf_t *b, uint64_t start, uint64_t end)
{
    quic_range_t  *near;

    if (quic_ranges_add(&b->lost, start, end) == NGX_OK) {
        return;
    }

    near = quic_ranges_find(&b->lost, end);

    if (near) {
        end = near->start;

    } else {
        start = b->lost.range[b->lost.n - 1].end;
    }

    (void) quic_ranges_remove(&b->acked, start, end);
    (void) quic_ranges_add(&b->lost, start, end);
}


ngx_int_t
quic_send_buf_resend(quic_send_buf_t *b)
{
    return quic_send_buf_lost(b, b->base, b->sent - b->base, b->fin_sent);
}


ngx_uint_t
quic_send_buf_complete(quic_send_buf_t *b)
{
    return b->fin_acked && b->base == b->end;
}
