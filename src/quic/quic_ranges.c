
/*
 * A sorted array.  What comes usually belongs to its end, which is looked at
 * first; the rest is binary search and memmove().
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_ranges.h"


static ngx_uint_t quic_ranges_search(quic_ranges_t *r, uint64_t value);
static ngx_int_t quic_ranges_grow(quic_ranges_t *r);
static void quic_ranges_insert(quic_ranges_t *r, ngx_uint_t i, uint64_t start,
    uint64_t end);
static void quic_ranges_delete(quic_ranges_t *r, ngx_uint_t i, ngx_uint_t n);


void
quic_ranges_init(quic_ranges_t *r, quic_mem_t *mem, ngx_uint_t max)
{
    r->range = r->inline_range;
    r->n = 0;
    r->size = ngx_min(max, QUIC_RANGES_INLINE);
    r->max = max;
    r->mem = mem;
}


void
quic_ranges_done(quic_ranges_t *r)
{
    if (r->range != r->inline_range) {
        quic_free(r->mem, r->range, r->size * sizeof(quic_range_t));
    }

    quic_ranges_init(r, r->mem, r->max);
}


/* index of the first range that ends at "value" or beyond, else n */

static ngx_uint_t
quic_ranges_search(quic_ranges_t *r, uint64_t value)
{
    ngx_uint_t  low, high, middle;

    low = 0;
    high = r->n;

    if (high && r->range[high - 1].end < value) {
        return high;
    }

    if (high > 1 && r->range[high - 2].end < value) {
        return high - 1;
    }

    while (low < high) {
        middle = (low + high) / 2;

        if (r->range[middle].end < value) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


/* makes room for one more range */

static ngx_int_t
quic_ranges_grow(quic_ranges_t *r)
{
    ngx_uint_t     size;
    quic_range_t  *range;

    if (r->n < r->size) {
        return NGX_OK;
    }

    if (r->n >= r->max) {
        return NGX_DECLINED;
    }

    size = ngx_max(r->size * 2, 8);
    size = ngx_min(size, r->max);

    range = quic_alloc(r->mem, size * sizeof(quic_range_t));
    if (range == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(range, r->range, r->n * sizeof(quic_range_t));

    if (r->range != r->inline_range) {
        quic_free(r->mem, r->range, r->size * sizeof(quic_range_t));
    }

    r->range = range;
    r->size = size;

    return NGX_OK;
}


static void
quic_ranges_insert(quic_ranges_t *r, ngx_uint_t i, uint64_t start,
    uint64_t end)
{
    ngx_memmove(&r->range[i + 1], &r->range[i],
                (r->n - i) * sizeof(quic_range_t));

    r->range[i].start = start;
    r->range[i].end = end;
    r->n++;
}


/* an empty set gives its memory back */

static void
quic_ranges_delete(quic_ranges_t *r, ngx_uint_t i, ngx_uint_t n)
{
    r->n -= n;

    if (r->n == 0) {
        quic_ranges_done(r);
        return;
    }

    ngx_memmove(&r->range[i], &r->range[i + n],
                (r->n - i) * sizeof(quic_range_t));
}


ngx_int_t
quic_ranges_reserve(quic_ranges_t *r, uint64_t start, uint64_t end)
{
    ngx_uint_t  i;

    if (start >= end) {
        return NGX_OK;
    }

    i = quic_ranges_search(r, start);

    if (i < r->n && r->range[i].start <= end) {
        return NGX_OK;
    }

    return quic_ranges_grow(r);
}


ngx_int_t
quic_ranges_add(quic_ranges_t *r, uint64_t start, uint64_t end)
{
    ngx_int_t      rc;
    ngx_uint_t     i, last;
    quic_range_t  *range;

    if (start >= end) {
        return NGX_OK;
    }

    i = quic_ranges_search(r, start);

    if (i == r->n || r->range[i].start > end) {
        rc = quic_ranges_grow(r);

        if (rc == NGX_OK) {
            quic_ranges_insert(r, i, start, end);
        }

        return rc;
    }

    /* range[i] touches; it swallows the others that do */

    range = &r->range[i];
    range->start = ngx_min(range->start, start);

    for (last = i; last + 1 < r->n; last++) {
        if (r->range[last + 1].start > end) {
            break;
        }
    }

    range->end = ngx_max(r->range[last].end, end);

    if (last > i) {
        quic_ranges_delete(r, i + 1, last - i);
    }

    return NGX_OK;
}


ngx_int_t
quic_ranges_remove(quic_ranges_t *r, uint64_t start, uint64_t end)
{
    ngx_int_t      rc;
    ngx_uint_t     i, last;
    quic_range_t  *range;

    /* nearly always there is nothing in a set of what was lost */

    if (r->n == 0 || start >= end) {
        return NGX_OK;
    }

    range = quic_ranges_find(r, start);

    if (range == NULL || range->start >= end) {
        return NGX_OK;
    }

    i = range - r->range;

    if (range->start < start) {

        if (range->end > end) {
            rc = quic_ranges_grow(r);

            if (rc == NGX_OK) {
                quic_ranges_insert(r, i, r->range[i].start, start);
                r->range[i + 1].start = end;
            }

            return rc;
        }

        range->end = start;
        i++;
    }

    for (last = i; last < r->n && r->range[last].end <= end; last++) {
        /* void */
    }

    if (last < r->n && r->range[last].start < end) {
        r->range[last].start = end;
    }

    if (last > i) {
        quic_ranges_delete(r, i, last - i);
    }

    return NGX_OK;
}


void
quic_ranges_trim(quic_ranges_t *r, uint64_t end)
{
    /* nothing lies below 0, so no range is split */

    (void) quic_ranges_remove(r, 0, end);
}


uint64_t
quic_ranges_absorb(quic_ranges_t *r, uint64_t end)
{
    ngx_uint_t  i;

    i = quic_ranges_search(r, end);

    if (i < r->n && r->range[i].start <= end) {
        end = r->range[i].end;
    }

    quic_ranges_trim(r, end);

    return end;
}


void
quic_ranges_pop(quic_ranges_t *r)
{
    if (r->n) {
        quic_ranges_delete(r, 0, 1);
    }
}


quic_range_t *
quic_ranges_find(quic_ranges_t *r, uint64_t value)
{
    ngx_uint_t  i;

    i = quic_ranges_search(r, value);

    if (i < r->n && r->range[i].end == value) {
        i++;
    }

    return i < r->n ? &r->range[i] : NULL;
}


ngx_uint_t
quic_ranges_has(quic_ranges_t *r, uint64_t value)
{
    quic_range_t  *range;

    range = quic_ranges_find(r, value);

    return range && range->start <= value;
}
