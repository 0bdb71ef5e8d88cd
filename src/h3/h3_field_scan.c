
/*
 * A section is a row of prefixed integers (RFC 7541, 5.1) with strings between
 * them.  h3_scan_lines[] says what comes behind the first integer of a field
 * line, by the four highest bits of its first byte.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_field_scan.h"


typedef enum {
    H3_SCAN_COUNT = 0,           /* Required Insert Count */
    H3_SCAN_BASE,
    H3_SCAN_LINE,
    H3_SCAN_NAME,                /* a string of the length just read */
    H3_SCAN_VALUE                /* length of the value, then its string */
} h3_scan_state_e;


typedef struct {
    u_char       prefix;         /* bits of the integer in the first byte */
    u_char       next;
} h3_scan_line_t;


/* the decoder takes no longer integers: below 2^56, in nine bytes */

#define H3_SCAN_MAX_SHIFT  56


static ngx_int_t h3_scan_integer(h3_field_scan_t *sc, u_char c);
static ngx_int_t h3_scan_integer_done(h3_field_scan_t *sc);
static ngx_int_t h3_scan_string(h3_field_scan_t *sc, size_t max,
    ngx_uint_t next);
static ngx_uint_t h3_scan_is_length(h3_field_scan_t *sc);
static ngx_uint_t h3_scan_prefix(h3_field_scan_t *sc);


static const h3_scan_line_t  h3_scan_lines[16] = {
    { 3, H3_SCAN_VALUE },        /* 0000: literal, post-base name reference */
    { 4, H3_SCAN_LINE },         /* 0001: indexed, post-base */
    { 3, H3_SCAN_NAME },         /* 001N: literal name and value */
    { 3, H3_SCAN_NAME },
    { 4, H3_SCAN_VALUE },        /* 01NT: literal, name reference */
    { 4, H3_SCAN_VALUE },
    { 4, H3_SCAN_VALUE },
    { 4, H3_SCAN_VALUE },
    { 6, H3_SCAN_LINE },         /* 1T: indexed */
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE },
    { 6, H3_SCAN_LINE }
};


void
h3_field_scan_init(h3_field_scan_t *sc, size_t max_name, size_t max_value)
{
    ngx_memzero(sc, sizeof(h3_field_scan_t));

    sc->max_name = max_name;
    sc->max_value = max_value;
}


ngx_int_t
h3_field_scan(h3_field_scan_t *sc, u_char *p, u_char *end)
{
    size_t  n;

    while (p < end) {

        if (sc->skip) {
            n = ngx_min((uint64_t) (end - p), sc->skip);
            sc->skip -= n;
            p += n;
            continue;
        }

        if (h3_scan_integer(sc, *p++) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
h3_scan_integer(h3_field_scan_t *sc, u_char c)
{
    uint64_t  mask;

    if (sc->shift == 0) {

        if (sc->state == H3_SCAN_LINE) {
            sc->line = c >> 4;
        }

        mask = (1 << h3_scan_prefix(sc)) - 1;
        sc->value = c & mask;

        if (sc->value < mask) {
            return h3_scan_integer_done(sc);
        }

        /* 1 for 0: the next byte isn't the first one */
        sc->shift = 1;

        return NGX_OK;
    }

    if (sc->shift > H3_SCAN_MAX_SHIFT) {

        if (h3_scan_is_length(sc)) {
            return NGX_DECLINED;
        }

        /* an index that can't be: for the decoder to find */
        sc->skip = UINT64_MAX;

        return NGX_OK;
    }

    sc->value += (uint64_t) (c & 0x7f) << (sc->shift - 1);
    sc->shift += 7;

    return (c & 0x80) ? NGX_OK : h3_scan_integer_done(sc);
}


/* non-zero for the integer in front of a string */

static ngx_uint_t
h3_scan_is_length(h3_field_scan_t *sc)
{
    return sc->state == H3_SCAN_VALUE
           || (sc->state == H3_SCAN_LINE
               && h3_scan_lines[sc->line].next == H3_SCAN_NAME);
}


static ngx_uint_t
h3_scan_prefix(h3_field_scan_t *sc)
{
    switch (sc->state) {

    case H3_SCAN_COUNT:
        return 8;

    case H3_SCAN_LINE:
        return h3_scan_lines[sc->line].prefix;

    default: /* the base's sign bit, a value's Huffman bit */
        return 7;
    }
}


static ngx_int_t
h3_scan_integer_done(h3_field_scan_t *sc)
{
    ngx_uint_t  state;

    sc->shift = 0;
    state = sc->state;

    if (state == H3_SCAN_LINE) {
        state = h3_scan_lines[sc->line].next;

        if (state == H3_SCAN_NAME) {
            return h3_scan_string(sc, sc->max_name, H3_SCAN_VALUE);
        }

        sc->state = state;

        return NGX_OK;
    }

    if (state == H3_SCAN_VALUE) {
        return h3_scan_string(sc, sc->max_value, H3_SCAN_LINE);
    }

    sc->state = state + 1;

    return NGX_OK;
}


static ngx_int_t
h3_scan_string(h3_field_scan_t *sc, size_t max, ngx_uint_t next)
{
    if (sc->value > max) {
        return NGX_DECLINED;
    }

    sc->skip = sc->value;
    sc->state = next;

    return NGX_OK;
}
