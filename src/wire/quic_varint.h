
/*
 * Variable-length integers (RFC 9000, section 16) and a checked cursor.
 *
 * Every byte that a peer sent is read through quic_cursor_t.  A read past the
 * end doesn't move the cursor's position beyond "end": it sets "failed", and
 * every later read fails as well, so a parser may read all fields of a
 * structure and check once.  A value read after a failure is 0.
 */

#ifndef _QUIC_VARINT_H_INCLUDED_
#define _QUIC_VARINT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define QUIC_VARINT_MAX      ((1ULL << 62) - 1)
#define QUIC_VARINT_MAX_LEN  8


typedef struct {
    u_char      *pos;
    u_char      *end;
    unsigned     failed:1;
} quic_cursor_t;


/* bytes that "value" takes, 1, 2, 4 or 8; value <= QUIC_VARINT_MAX */
size_t quic_varint_len(uint64_t value);

/* writes the shortest form, returns the end of what was written */
u_char *quic_varint_write(u_char *p, uint64_t value);

/* writes exactly "len" bytes (1, 2, 4 or 8), value must fit */
u_char *quic_varint_write_len(u_char *p, uint64_t value, size_t len);

/*
 * Reads one varint from [p, end).  Returns the number of bytes read, or 0 when
 * it is truncated; for streams of bytes that arrive in pieces.
 */
size_t quic_varint_read(u_char *p, u_char *end, uint64_t *value);


void quic_cursor_init(quic_cursor_t *c, u_char *data, size_t len);

/* bytes left */
size_t quic_cursor_left(quic_cursor_t *c);

uint64_t quic_cursor_varint(quic_cursor_t *c);
uint8_t quic_cursor_u8(quic_cursor_t *c);
uint16_t quic_cursor_u16(quic_cursor_t *c);
uint32_t quic_cursor_u32(quic_cursor_t *c);

/* the next "len" bytes, in place; NULL when there are fewer */
u_char *quic_cursor_bytes(quic_cursor_t *c, uint64_t len);


#endif /* _QUIC_VARINT_H_INCLUDED_ */
