
/*
 * A set of numbers as half-open ranges [start, end), for packet numbers that
 * were received and for bytes of a stream that were received, acknowledged or
 * lost.
 *
 * Invariant: ranges are ascending, not empty, and no two touch.  The array
 * starts inside the struct and grows up to "max" ranges.
 */

#ifndef _QUIC_RANGES_H_INCLUDED_
#define _QUIC_RANGES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"
#include "wire/quic_frame.h"


#define QUIC_RANGES_INLINE  3


typedef struct {
    quic_range_t    *range;          /* inline_range, or from mem */
    ngx_uint_t       n;
    ngx_uint_t       size;           /* ranges that "range" has room for */
    ngx_uint_t       max;
    quic_mem_t      *mem;
    quic_range_t     inline_range[QUIC_RANGES_INLINE];
} quic_ranges_t;


/* "max" ranges at the most; the struct must not be moved afterwards */
void quic_ranges_init(quic_ranges_t *r, quic_mem_t *mem, ngx_uint_t max);
void quic_ranges_done(quic_ranges_t *r);

/*
 * Adds [start, end).  NGX_OK, also when all or a part of it was there;
 * NGX_DECLINED when there would be more than "max" ranges, NGX_ERROR without
 * memory: nothing has changed then.
 */
ngx_int_t quic_ranges_add(quic_ranges_t *r, uint64_t start, uint64_t end);

/* takes [start, end) out; results as of quic_ranges_add() */
ngx_int_t quic_ranges_remove(quic_ranges_t *r, uint64_t start, uint64_t end);

/* forgets all below "end"; can't fail */
void quic_ranges_trim(quic_ranges_t *r, uint64_t end);

/*
 * Forgets all below "end" and the range that touches it: returns where that
 * one ended, or else "end".  So a border moves on to the next hole.
 */
uint64_t quic_ranges_absorb(quic_ranges_t *r, uint64_t end);

/* forgets the lowest range */
void quic_ranges_pop(quic_ranges_t *r);

/*
 * Makes sure that the same quic_ranges_add() will succeed, and changes nothing
 * else: its result is the one that quic_ranges_add() would have.
 */
ngx_int_t quic_ranges_reserve(quic_ranges_t *r, uint64_t start, uint64_t end);

/*
 * The lowest range that ends beyond the number: it holds the number or lies
 * above it.  NULL when there is none.  Valid until the set is changed.
 */
quic_range_t *quic_ranges_find(quic_ranges_t *r, uint64_t value);

/* non-zero when the number is in the set */
ngx_uint_t quic_ranges_has(quic_ranges_t *r, uint64_t value);


#endif /* _QUIC_RANGES_H_INCLUDED_ */
