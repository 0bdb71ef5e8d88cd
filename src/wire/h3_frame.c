
/*
 * HTTP/3 frames: RFC 9114, section 7.
 *
 * h3_frames[] says which types a client may send on which streams,
 * h3_settings[] what is known of each setting.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/h3_frame.h"
#include "wire/quic_error.h"


/*
 * All settings and a reserved one take less, of whatever value; so the length
 * of a SETTINGS frame of ours takes one byte.
 */
#define H3_SETTINGS_MAX_LEN  63


typedef struct {
    uint64_t     type;
    ngx_uint_t   flags;
    const char  *name;
} h3_frame_row_t;

typedef struct {
    uint64_t     id;
    size_t       offset;     /* in h3_settings_t */
    uint64_t     initial;
    uint64_t     max;
} h3_settings_row_t;


static const h3_frame_row_t *h3_frame_row(uint64_t type);
static const h3_settings_row_t *h3_settings_find(uint64_t id);
static ngx_uint_t h3_settings_reserved(uint64_t id);
static const char *h3_settings_set(h3_settings_t *s, uint64_t id,
    uint64_t value, ngx_uint_t *seen);
static uint64_t *h3_settings_field(h3_settings_t *s,
    const h3_settings_row_t *row);


/*
 * PUSH_PROMISE is a server's, and the types without a name were HTTP/2's: on
 * any stream a client's is H3_FRAME_UNEXPECTED (RFC 9114, 7.2.5 and 7.2.8).
 */

static const h3_frame_row_t  h3_frames[] = {
    { H3_FRAME_DATA, H3_FRAME_ON_REQUEST, "DATA" },
    { H3_FRAME_HEADERS, H3_FRAME_ON_REQUEST, "HEADERS" },
    { 0x02, 0, "HTTP/2 PRIORITY" },
    { H3_FRAME_CANCEL_PUSH, H3_FRAME_ON_CONTROL, "CANCEL_PUSH" },
    { H3_FRAME_SETTINGS, H3_FRAME_ON_CONTROL|H3_FRAME_FIRST_ON_CONTROL,
      "SETTINGS" },
    { H3_FRAME_PUSH_PROMISE, 0, "PUSH_PROMISE" },
    { 0x06, 0, "HTTP/2 PING" },
    { H3_FRAME_GOAWAY, H3_FRAME_ON_CONTROL, "GOAWAY" },
    { 0x08, 0, "HTTP/2 WINDOW_UPDATE" },
    { 0x09, 0, "HTTP/2 CONTINUATION" },
    { H3_FRAME_MAX_PUSH_ID, H3_FRAME_ON_CONTROL, "MAX_PUSH_ID" },
    { H3_FRAME_PRIORITY_UPDATE_REQUEST, H3_FRAME_ON_CONTROL,
      "PRIORITY_UPDATE_REQUEST" },
    { H3_FRAME_PRIORITY_UPDATE_PUSH, H3_FRAME_ON_CONTROL,
      "PRIORITY_UPDATE_PUSH" }
};


static const h3_settings_row_t  h3_settings[] = {
    { H3_SETTINGS_QPACK_MAX_TABLE_CAPACITY,
      offsetof(h3_settings_t, qpack_max_table_capacity),
      0, QUIC_VARINT_MAX },
    { H3_SETTINGS_MAX_FIELD_SECTION_SIZE,
      offsetof(h3_settings_t, max_field_section_size),
      UINT64_MAX, QUIC_VARINT_MAX },
    { H3_SETTINGS_QPACK_BLOCKED_STREAMS,
      offsetof(h3_settings_t, qpack_blocked_streams),
      0, QUIC_VARINT_MAX },
    { H3_SETTINGS_ENABLE_CONNECT_PROTOCOL,          /* RFC 8441, section 3 */
      offsetof(h3_settings_t, enable_connect_protocol),
      0, 1 }
};

#define H3_SETTINGS_N  (sizeof(h3_settings) / sizeof(h3_settings[0]))


static const h3_frame_row_t *
h3_frame_row(uint64_t type)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(h3_frames) / sizeof(h3_frames[0]); i++) {

        if (h3_frames[i].type == type) {
            return &h3_frames[i];
        }
    }

    return NULL;
}


ngx_uint_t
h3_frame_flags(uint64_t type)
{
    const h3_frame_row_t  *row;

    row = h3_frame_row(type);

    return row ? row->flags : H3_FRAME_ON_CONTROL|H3_FRAME_ON_REQUEST;
}


const char *
h3_frame_name(uint64_t type)
{
    const h3_frame_row_t  *row;

    row = h3_frame_row(type);

    return row ? row->name : "unknown";
}


void
h3_frame_reader_init(h3_frame_reader_t *fr)
{
    ngx_memzero(fr, sizeof(h3_frame_reader_t));
}


ngx_int_t
h3_frame_read_header(h3_frame_reader_t *fr, u_char **pos, u_char *end)
{
    size_t   n, type_len, length_len;
    u_char  *last;

    /*
     * "buf" takes any header, so it's complete, or all input is in there.
     * Bytes beyond it are copied for nothing, and left to the caller.
     */

    n = ngx_min(sizeof(fr->buf) - fr->have, (size_t) (end - *pos));

    ngx_memcpy(fr->buf + fr->have, *pos, n);
    last = fr->buf + fr->have + n;

    type_len = quic_varint_read(fr->buf, last, &fr->type);
    length_len = type_len ? quic_varint_read(fr->buf + type_len, last,
                                             &fr->length)
                          : 0;

    if (length_len == 0) {
        fr->have += n;
        *pos += n;
        return NGX_AGAIN;
    }

    *pos += type_len + length_len - fr->have;

    fr->have = 0;
    fr->left = fr->length;
    fr->in_payload = 1;

    return NGX_OK;
}


void
h3_frame_read_payload(h3_frame_reader_t *fr, uint64_t n)
{
    fr->left -= n;

    if (fr->left == 0) {
        fr->in_payload = 0;
    }
}


ngx_uint_t
h3_frame_reader_partial(h3_frame_reader_t *fr)
{
    return fr->in_payload || fr->have;
}


u_char *
h3_frame_write_header(u_char *p, uint64_t type, uint64_t length)
{
    p = quic_varint_write(p, type);

    return quic_varint_write(p, length);
}


static uint64_t *
h3_settings_field(h3_settings_t *s, const h3_settings_row_t *row)
{
    return (uint64_t *) ((u_char *) s + row->offset);
}


void
h3_settings_init(h3_settings_t *s)
{
    const h3_settings_row_t  *row;

    for (row = h3_settings; row < h3_settings + H3_SETTINGS_N; row++) {
        *h3_settings_field(s, row) = row->initial;
    }
}


static const h3_settings_row_t *
h3_settings_find(uint64_t id)
{
    const h3_settings_row_t  *row;

    for (row = h3_settings; row < h3_settings + H3_SETTINGS_N; row++) {

        if (row->id == id) {
            return row;
        }
    }

    return NULL;
}


/* RFC 9114, 11.2.2: HTTP/2's that have no counterpart in HTTP/3 */

static ngx_uint_t
h3_settings_reserved(uint64_t id)
{
    return id == 0x00 || (id >= 0x02 && id <= 0x05);
}


ngx_int_t
h3_settings_parse(h3_settings_t *s, u_char *data, size_t len,
    uint64_t *error, const char **reason)
{
    uint64_t       id, value;
    ngx_uint_t     seen;
    quic_cursor_t  c;

    h3_settings_init(s);
    quic_cursor_init(&c, data, len);

    seen = 0;

    while (quic_cursor_left(&c)) {

        id = quic_cursor_varint(&c);
        value = quic_cursor_varint(&c);

        if (c.failed) {
            *error = H3_FRAME_ERROR;
            *reason = "truncated SETTINGS frame";
            return NGX_ERROR;
        }

        *reason = h3_settings_set(s, id, value, &seen);

        if (*reason) {
            *error = H3_SETTINGS_ERROR;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* "seen" has a bit for each row */

static const char *
h3_settings_set(h3_settings_t *s, uint64_t id, uint64_t value,
    ngx_uint_t *seen)
{
    ngx_uint_t                bit;
    const h3_settings_row_t  *row;

    if (h3_settings_reserved(id)) {
        return "setting of HTTP/2";
    }

    row = h3_settings_find(id);

    if (row == NULL) {
        return NULL;
    }

    bit = 1 << (row - h3_settings);

    if (*seen & bit) {
        return "duplicate setting";
    }

    *seen |= bit;

    if (value > row->max) {
        return "value of a setting out of its bounds";
    }

    *h3_settings_field(s, row) = value;

    return NULL;
}


size_t
h3_settings_write(h3_settings_t *s, u_char *buf, size_t size,
    uint64_t grease)
{
    u_char                   *p, *last, payload[H3_SETTINGS_MAX_LEN];
    uint64_t                  value;
    const h3_settings_row_t  *row;

    p = payload;

    for (row = h3_settings; row < h3_settings + H3_SETTINGS_N; row++) {

        value = *h3_settings_field(s, row);

        if (value != row->initial) {
            p = quic_varint_write(p, row->id);
            p = quic_varint_write(p, value);
        }
    }

    if (grease) {

        /* 7.2.4.1: 0x1f * N + 0x21, and any value */

        p = quic_varint_write(p, 0x1f * (grease % (QUIC_VARINT_MAX / 0x1f - 1))
                                 + 0x21);
        p = quic_varint_write(p, grease & 0x3f);
    }

    last = p;
    p = payload;

    if (size < 2 + (size_t) (last - p)) {
        return 0;
    }

    buf = h3_frame_write_header(buf, H3_FRAME_SETTINGS, last - p);
    ngx_memcpy(buf, p, last - p);

    return 2 + (last - p);
}
