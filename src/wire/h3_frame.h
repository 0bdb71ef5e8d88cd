
/*
 * HTTP/3 frames and stream types: RFC 9114, sections 6.2 and 7.2; RFC 9218,
 * section 7; RFC 9220.
 *
 * A stream is bytes that arrive in pieces: h3_frame_reader_t keeps the state
 * between them.
 */

#ifndef _H3_FRAME_H_INCLUDED_
#define _H3_FRAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_varint.h"


#define H3_FRAME_DATA                     0x00
#define H3_FRAME_HEADERS                  0x01
#define H3_FRAME_CANCEL_PUSH              0x03
#define H3_FRAME_SETTINGS                 0x04
#define H3_FRAME_PUSH_PROMISE             0x05
#define H3_FRAME_GOAWAY                   0x07
#define H3_FRAME_MAX_PUSH_ID              0x0d
#define H3_FRAME_PRIORITY_UPDATE_REQUEST  0xf0700
#define H3_FRAME_PRIORITY_UPDATE_PUSH     0xf0701

#define H3_STREAM_CONTROL                 0x00
#define H3_STREAM_PUSH                    0x01
#define H3_STREAM_QPACK_ENCODER           0x02
#define H3_STREAM_QPACK_DECODER           0x03

#define H3_SETTINGS_QPACK_MAX_TABLE_CAPACITY  0x01
#define H3_SETTINGS_MAX_FIELD_SECTION_SIZE    0x06
#define H3_SETTINGS_QPACK_BLOCKED_STREAMS     0x07
#define H3_SETTINGS_ENABLE_CONNECT_PROTOCOL   0x08

/* type and length */
#define H3_FRAME_MAX_HEADER               (2 * QUIC_VARINT_MAX_LEN)


/* on which streams a client may send a frame type; h3_frame_flags() */

#define H3_FRAME_ON_CONTROL               0x01
#define H3_FRAME_ON_REQUEST               0x02
#define H3_FRAME_FIRST_ON_CONTROL         0x04   /* SETTINGS: first, once */

/* 0 for what a client never sends, HTTP/2's types; both for unknown types */
ngx_uint_t h3_frame_flags(uint64_t type);

/* "DATA", "HEADERS", ...; "unknown" */
const char *h3_frame_name(uint64_t type);


typedef struct {
    uint64_t     type;        /* of the frame that is being read */
    uint64_t     length;      /* of its payload */
    uint64_t     left;        /* bytes of it that are still to come */
    u_char       buf[H3_FRAME_MAX_HEADER];
    u_char       have;        /* bytes in buf */
    unsigned     in_payload:1;
} h3_frame_reader_t;


/* a reader between two frames; all zero is the same */
void h3_frame_reader_init(h3_frame_reader_t *fr);

/*
 * Reads a frame's type and length from [*pos, end), moving *pos.  NGX_OK: the
 * reader stands at the first byte of a payload ("left" may be 0), or
 * NGX_AGAIN: all input is used and the header isn't complete.
 */
ngx_int_t h3_frame_read_header(h3_frame_reader_t *fr, u_char **pos,
    u_char *end);

/*
 * "n" bytes of the payload have been used, n <= left; with the last one the
 * reader is ready for the next header.  To be called with 0 as well for a
 * frame without payload.
 */
void h3_frame_read_payload(h3_frame_reader_t *fr, uint64_t n);

/* non-zero while a stream that ends now would end inside of a frame */
ngx_uint_t h3_frame_reader_partial(h3_frame_reader_t *fr);


/* writes type and length; at most H3_FRAME_MAX_HEADER bytes */
u_char *h3_frame_write_header(u_char *p, uint64_t type, uint64_t length);


typedef struct {
    uint64_t     qpack_max_table_capacity;   /* default 0 */
    uint64_t     qpack_blocked_streams;      /* default 0 */
    uint64_t     max_field_section_size;     /* default UINT64_MAX: no limit */
    uint64_t     enable_connect_protocol;    /* 0 or 1; default 0 */
} h3_settings_t;


void h3_settings_init(h3_settings_t *s);

/*
 * The payload of a SETTINGS frame (7.2.4.1).  NGX_OK, or NGX_ERROR with
 * H3_SETTINGS_ERROR or H3_FRAME_ERROR in "*error" and a static "*reason":
 * an identifier twice, one of HTTP/2's, a value out of its bounds, truncated.
 * Settings that aren't known are skipped, and may come twice.
 */
ngx_int_t h3_settings_parse(h3_settings_t *s, u_char *data, size_t len,
    uint64_t *error, const char **reason);

/*
 * A whole SETTINGS frame; values equal to the defaults are left out, "grease"
 * (random) chooses a reserved setting to send along, 0: none.  Returns its
 * length, 0 if it doesn't fit in "size" (96 is enough).
 */
size_t h3_settings_write(h3_settings_t *s, u_char *buf, size_t size,
    uint64_t grease);


#endif /* _H3_FRAME_H_INCLUDED_ */
