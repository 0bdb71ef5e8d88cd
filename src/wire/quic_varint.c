
/*
 * Variable-length integers and the checked cursor; see the header.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_varint.h"


static ngx_uint_t quic_varint_log2_len(uint64_t value);
static uint64_t quic_cursor_uint(quic_cursor_t *c, size_t len);


/* the two bits of the first byte: the length is 1 << them */

static ngx_uint_t
quic_varint_log2_len(uint64_t value)
{
    return (value > 0x3f) + (value > 0x3fff) + (value > 0x3fffffff);
}


size_t
quic_varint_len(uint64_t value)
{
    return (size_t) 1 << quic_varint_log2_len(value);
}


u_char *
quic_varint_write(u_char *p, uint64_t value)
{
    return quic_varint_write_len(p, value, quic_varint_len(value));
}


u_char *
quic_varint_write_len(u_char *p, uint64_t value, size_t len)
{
    u_char  *first;

    first = p;

    for (p += len; p > first; value >>= 8) {
        *--p = (u_char) value;
    }

    /* 1, 2, 4, 8 -> 0, 1, 2, 3 */

    *first |= (u_char) (((len > 1) + (len > 2) + (len > 4)) << 6);

    return first + len;
}


size_t
quic_varint_read(u_char *p, u_char *end, uint64_t *value)
{
    size_t    i, len;
    uint64_t  v;

    if (p == end) {
        return 0;
    }

    len = (size_t) 1 << (*p >> 6);

    if ((size_t) (end - p) < len) {
        return 0;
    }

    v = *p & 0x3f;

    for (i = 1; i < len; i++) {
        v = (v << 8) | p[i];
    }

    *value = v;

    return len;
}


void
quic_cursor_init(quic_cursor_t *c, u_char *data, size_t len)
{
    c->pos = data;
    c->end = len ? data + len : data;
    c->failed = 0;
}


size_t
quic_cursor_left(quic_cursor_t *c)
{
    return c->end - c->pos;
}


/*
 * All reads of a fixed size end up here.  A failure uses up what is left, so
 * that a loop over quic_cursor_left() ends.
 */

u_char *
quic_cursor_bytes(quic_cursor_t *c, uint64_t len)
{
    u_char  *p;

    if (c->failed || len > quic_cursor_left(c)) {
        c->pos = c->end;
        c->failed = 1;
        return NULL;
    }

    p = c->pos;
    c->pos += len;

    return p;
}


uint64_t
quic_cursor_varint(quic_cursor_t *c)
{
    size_t    n;
    uint64_t  value;

    /* a cursor that has failed stands at its end, where no varint can be */

    n = quic_varint_read(c->pos, c->end, &value);

    if (n == 0) {
        c->pos = c->end;
        c->failed = 1;
        return 0;
    }

    c->pos += n;

    return value;
}


static uint64_t
quic_cursor_uint(quic_cursor_t *c, size_t len)
{
    u_char    *p, *last;
    uint64_t   value;

    p = quic_cursor_bytes(c, len);

    if (p == NULL) {
        return 0;
    }

    value = 0;

    for (last = p + len; p < last; p++) {
        value = (value << 8) | *p;
    }

    return value;
}


uint8_t
quic_cursor_u8(quic_cursor_t *c)
{
    return (uint8_t) quic_cursor_uint(c, 1);
}


uint16_t
quic_cursor_u16(quic_cursor_t *c)
{
    return (uint16_t) quic_cursor_uint(c, 2);
}


uint32_t
quic_cursor_u32(quic_cursor_t *c)
{
    return (uint32_t) quic_cursor_uint(c, 4);
}
