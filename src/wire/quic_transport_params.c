
/*
 * Transport parameters: RFC 9000, section 18.
 *
 * quic_tp_rows[] has a row for each: where its value stands in
 * quic_transport_params_t, the bounds of an integer, and the pair of functions
 * that read and write values of its kind.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_transport_params.h"
#include "wire/quic_varint.h"


/*
 * No value that is written has more bytes: preferred_address is the longest,
 * 4 + 2 + 16 + 2 + 1 + 20 + 16.  So its length always takes one byte.
 */
#define QUIC_TP_MAX_VALUE  63

#define QUIC_MS            1000    /* in microseconds */


typedef struct quic_tp_row_s  quic_tp_row_t;

/* all of the value is read, or the cursor failed; NULL or a reason */
typedef const char *(*quic_tp_parse_pt)(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);

/* the end of what was written, at most QUIC_TP_MAX_VALUE bytes */
typedef u_char *(*quic_tp_write_pt)(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);


typedef struct {
    quic_tp_parse_pt    parse;
    quic_tp_write_pt    write;
} quic_tp_kind_t;


struct quic_tp_row_s {
    uint64_t               id;
    const quic_tp_kind_t  *kind;
    size_t                 offset;    /* of the value */
    size_t                 present;   /* offset of the has_... byte; integers:
                                         0, they have a default instead */
    ngx_uint_t             server;    /* only a server may send it */

    /* of an integer, as on the wire */
    uint64_t               min;
    uint64_t               max;
    uint64_t               initial;
    uint64_t               unit;      /* what 1 is in the structure */

    const char            *bad;       /* the reason when it's out of bounds */
};


static ngx_int_t quic_tp_parse_all(quic_transport_params_t *tp, u_char *data,
    size_t len, ngx_uint_t server, const char **reason);
static const char *quic_tp_parse_one(quic_transport_params_t *tp,
    quic_cursor_t *c, ngx_uint_t server, uint64_t *seen);
static const quic_tp_row_t *quic_tp_find(uint64_t id);
static const char *quic_tp_check(quic_transport_params_t *tp,
    ngx_uint_t server);
static ngx_uint_t quic_tp_chosen_available(quic_transport_params_t *tp);
static u_char *quic_tp_field(quic_transport_params_t *tp, size_t offset);
static ngx_uint_t quic_tp_absent(const quic_tp_row_t *row,
    quic_transport_params_t *tp);
static u_char *quic_tp_write_one(u_char *p, u_char *end, uint64_t id,
    u_char *value, size_t len);
static u_char *quic_tp_write_grease(u_char *p, u_char *end, uint64_t grease);

static const char *quic_tp_parse_integer(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_integer(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static const char *quic_tp_parse_cid(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_cid(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static const char *quic_tp_parse_token(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_token(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static const char *quic_tp_parse_flag(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_flag(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static const char *quic_tp_parse_preferred(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_preferred(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static const char *quic_tp_parse_versions(const quic_tp_row_t *row,
    quic_transport_params_t *tp, quic_cursor_t *c);
static u_char *quic_tp_write_versions(const quic_tp_row_t *row,
    quic_transport_params_t *tp, u_char *p);
static u_char *quic_tp_write_uint(u_char *p, uint32_t value, size_t len);


static const quic_tp_kind_t  quic_tp_integer =
    { quic_tp_parse_integer, quic_tp_write_integer };
static const quic_tp_kind_t  quic_tp_cid =
    { quic_tp_parse_cid, quic_tp_write_cid };
static const quic_tp_kind_t  quic_tp_token =
    { quic_tp_parse_token, quic_tp_write_token };
static const quic_tp_kind_t  quic_tp_flag =
    { quic_tp_parse_flag, quic_tp_write_flag };
static const quic_tp_kind_t  quic_tp_preferred =
    { quic_tp_parse_preferred, quic_tp_write_preferred };
static const quic_tp_kind_t  quic_tp_versions =
    { quic_tp_parse_versions, quic_tp_write_versions };


#define quic_tp_at(field)  offsetof(quic_transport_params_t, field)

#define quic_tp_int(id, field, min, max, initial, unit)                      \
    { id, &quic_tp_integer, quic_tp_at(field), 0, 0, min, max, initial,      \
      unit, "invalid " #field }

/* a plain limit: any value, 0 when it's absent */
#define quic_tp_limit(id, field)                                             \
    quic_tp_int(id, field, 0, QUIC_VARINT_MAX, 0, 1)

/* a number of streams: RFC 9000, 4.6 */
#define quic_tp_streams(id, field)                                           \
    quic_tp_int(id, field, 0, 1ULL << 60, 0, 1)

#define quic_tp_opaque(id, kind, field, present, server, name)               \
    { id, &kind, quic_tp_at(field), quic_tp_at(present), server, 0, 0, 0, 0, \
      "invalid " name }

#define quic_tp_bit(id, field)                                               \
    quic_tp_opaque(id, quic_tp_flag, field, field, 0, #field)


static const quic_tp_row_t  quic_tp_rows[] = {

    quic_tp_opaque(0x00, quic_tp_cid, original_dcid, has_original_dcid, 1,
                   "original_destination_connection_id"),
    quic_tp_int(0x01, max_idle_timeout, 0, QUIC_VARINT_MAX, 0, QUIC_MS),
    quic_tp_opaque(0x02, quic_tp_token, reset_token, has_reset_token, 1,
                   "stateless_reset_token"),
    quic_tp_int(0x03, max_udp_payload_size, 1200, QUIC_VARINT_MAX, 65527, 1),
    quic_tp_limit(0x04, initial_max_data),
    quic_tp_limit(0x05, initial_max_stream_data_bidi_local),
    quic_tp_limit(0x06, initial_max_stream_data_bidi_remote),
    quic_tp_limit(0x07, initial_max_stream_data_uni),
    quic_tp_streams(0x08, initial_max_streams_bidi),
    quic_tp_streams(0x09, initial_max_streams_uni),
    quic_tp_int(0x0a, ack_delay_exponent, 0, 20, 3, 1),
    quic_tp_int(0x0b, max_ack_delay, 0, (1 << 14) - 1, 25, QUIC_MS),
    quic_tp_bit(0x0c, disable_active_migration),
    quic_tp_opaque(0x0d, quic_tp_preferred, preferred, has_preferred, 1,
                   "preferred_address"),
    quic_tp_int(0x0e, active_connection_id_limit, 2, QUIC_VARINT_MAX, 2, 1),
    quic_tp_opaque(0x0f, quic_tp_cid, initial_scid, has_initial_scid, 0,
                   "initial_source_connection_id"),
    quic_tp_opaque(0x10, quic_tp_cid, retry_scid, has_retry_scid, 1,
                   "retry_source_connection_id"),
    quic_tp_opaque(0x11, quic_tp_versions, versions, has_versions, 0,
                   "version_information"),
    quic_tp_limit(0x20, max_datagram_frame_size),
    quic_tp_bit(0x2ab2, grease_quic_bit),
    quic_tp_limit(0xff04de1b, min_ack_delay)
};

#define QUIC_TP_N  (sizeof(quic_tp_rows) / sizeof(quic_tp_rows[0]))


static u_char *
quic_tp_field(quic_transport_params_t *tp, size_t offset)
{
    return (u_char *) tp + offset;
}


void
quic_transport_params_init(quic_transport_params_t *tp)
{
    uint64_t             *field;
    const quic_tp_row_t  *row;

    ngx_memzero(tp, sizeof(quic_transport_params_t));

    for (row = quic_tp_rows; row < quic_tp_rows + QUIC_TP_N; row++) {

        if (row->kind == &quic_tp_integer) {
            field = (uint64_t *) quic_tp_field(tp, row->offset);
            *field = row->initial * row->unit;
        }
    }
}


ngx_int_t
quic_transport_params_parse(quic_transport_params_t *tp, u_char *data,
    size_t len, const char **reason)
{
    return quic_tp_parse_all(tp, data, len, 0, reason);
}


ngx_int_t
quic_transport_params_parse_server(quic_transport_params_t *tp, u_char *data,
    size_t len, const char **reason)
{
    return quic_tp_parse_all(tp, data, len, 1, reason);
}


static ngx_int_t
quic_tp_parse_all(quic_transport_params_t *tp, u_char *data, size_t len,
    ngx_uint_t server, const char **reason)
{
    uint64_t       seen;
    quic_cursor_t  c;

    quic_transport_params_init(tp);
    quic_cursor_init(&c, data, len);

    seen = 0;

    while (quic_cursor_left(&c)) {
        *reason = quic_tp_parse_one(tp, &c, server, &seen);

        if (*reason) {
            return NGX_ERROR;
        }
    }

    *reason = quic_tp_check(tp, server);

    return *reason ? NGX_ERROR : NGX_OK;
}


/* "seen" has a bit for each row */

static const char *
quic_tp_parse_one(quic_transport_params_t *tp, quic_cursor_t *c,
    ngx_uint_t server, uint64_t *seen)
{
    u_char               *data;
    uint64_t              id, len, bit;
    const char           *reason;
    quic_cursor_t         value;
    const quic_tp_row_t  *row;

    id = quic_cursor_varint(c);
    len = quic_cursor_varint(c);
    data = quic_cursor_bytes(c, len);

    if (data == NULL) {
        return "truncated transport parameters";
    }

    row = quic_tp_find(id);

    if (row == NULL) {
        return NULL;
    }

    if (row->server && !server) {
        return "transport parameter that only a server may send";
    }

    bit = 1ULL << (row - quic_tp_rows);

    if (*seen & bit) {
        return "duplicate transport parameter";
    }

    *seen |= bit;

    quic_cursor_init(&value, data, len);

    reason = row->kind->parse(row, tp, &value);

    if (value.failed || quic_cursor_left(&value)) {
        return row->bad;
    }

    if (row->present) {
        *quic_tp_field(tp, row->present) = 1;
    }

    return reason;
}


static const quic_tp_row_t *
quic_tp_find(uint64_t id)
{
    const quic_tp_row_t  *row;

    for (row = quic_tp_rows; row < quic_tp_rows + QUIC_TP_N; row++) {

        if (row->id == id) {
            return row;
        }
    }

    return NULL;
}


/* what concerns two parameters */

static const char *
quic_tp_check(quic_transport_params_t *tp, ngx_uint_t server)
{
    if (tp->min_ack_delay > tp->max_ack_delay) {
        return "min_ack_delay over max_ack_delay";
    }

    if (tp->has_versions && !server && !quic_tp_chosen_available(tp)) {
        return "chosen version isn't one of the available versions";
    }

    return NULL;
}


static ngx_uint_t
quic_tp_chosen_available(quic_transport_params_t *tp)
{
    ngx_uint_t  i;

    for (i = 0; i < tp->nversions; i++) {

        if (tp->versions[i] == tp->chosen_version) {
            return 1;
        }
    }

    return 0;
}


size_t
quic_transport_params_write(quic_transport_params_t *tp, u_char *buf,
    size_t size, uint64_t grease)
{
    u_char               *p, *end, *last, value[QUIC_TP_MAX_VALUE];
    const quic_tp_row_t  *row;

    p = buf;
    end = buf + size;

    for (row = quic_tp_rows; row < quic_tp_rows + QUIC_TP_N; row++) {

        if (quic_tp_absent(row, tp)) {
            continue;
        }

        last = row->kind->write(row, tp, value);

        p = quic_tp_write_one(p, end, row->id, value, last - value);

        if (p == NULL) {
            return 0;
        }
    }

    if (grease) {
        p = quic_tp_write_grease(p, end, grease);
    }

    return p ? p - buf : 0;
}


static ngx_uint_t
quic_tp_absent(const quic_tp_row_t *row, quic_transport_params_t *tp)
{
    uint64_t  *field;

    if (row->present) {
        return *quic_tp_field(tp, row->present) == 0;
    }

    field = (uint64_t *) quic_tp_field(tp, row->offset);

    return *field == row->initial * row->unit;
}


static u_char *
quic_tp_write_one(u_char *p, u_char *end, uint64_t id, u_char *value,
    size_t len)
{
    if ((size_t) (end - p) < quic_varint_len(id) + 1 + len) {
        return NULL;
    }

    p = quic_varint_write(p, id);
    *p++ = (u_char) len;

    return ngx_cpymem(p, value, len);
}


/* RFC 9000, 18.1: 31 * N + 27, with up to seven bytes of anything */

static u_char *
quic_tp_write_grease(u_char *p, u_char *end, uint64_t grease)
{
    uint64_t  id;

    id = 31 * (grease % (QUIC_VARINT_MAX / 31 - 1)) + 27;

    return quic_tp_write_one(p, end, id, (u_char *) &grease, grease & 0x07);
}


static const char *
quic_tp_parse_integer(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    uint64_t  value, *field;

    value = quic_cursor_varint(c);

    if (value < row->min || value > row->max) {
        return row->bad;
    }

    /* a time of 146,000 years is long enough for any longer one */

    field = (uint64_t *) quic_tp_field(tp, row->offset);
    *field = ngx_min(value, QUIC_VARINT_MAX / row->unit) * row->unit;

    return NULL;
}


static u_char *
quic_tp_write_integer(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    uint64_t  *field;

    field = (uint64_t *) quic_tp_field(tp, row->offset);

    return quic_varint_write(p, *field / row->unit);
}


static const char *
quic_tp_parse_cid(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    size_t  len;

    len = quic_cursor_left(c);

    if (len > QUIC_CID_MAX_LEN) {
        return row->bad;
    }

    quic_cid_set((quic_cid_t *) quic_tp_field(tp, row->offset),
                 quic_cursor_bytes(c, len), len);

    return NULL;
}


static u_char *
quic_tp_write_cid(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    quic_cid_t  *cid;

    cid = (quic_cid_t *) quic_tp_field(tp, row->offset);

    return ngx_cpymem(p, cid->data, cid->len);
}


static const char *
quic_tp_parse_token(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    u_char  *token;

    token = quic_cursor_bytes(c, QUIC_RESET_TOKEN_LEN);

    if (token) {
        ngx_memcpy(quic_tp_field(tp, row->offset), token,
                   QUIC_RESET_TOKEN_LEN);
    }

    return NULL;
}


static u_char *
quic_tp_write_token(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    return ngx_cpymem(p, quic_tp_field(tp, row->offset),
                      QUIC_RESET_TOKEN_LEN);
}


/* its presence says it all */

static const char *
quic_tp_parse_flag(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    return NULL;
}


static u_char *
quic_tp_write_flag(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    return p;
}


static const char *
quic_tp_parse_preferred(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    size_t   len;
    u_char  *ipv4, *ipv6, *cid, *token;

    ipv4 = quic_cursor_bytes(c, sizeof(tp->preferred.ipv4));
    tp->preferred.ipv4_port = quic_cursor_u16(c);
    ipv6 = quic_cursor_bytes(c, sizeof(tp->preferred.ipv6));
    tp->preferred.ipv6_port = quic_cursor_u16(c);
    len = quic_cursor_u8(c);
    cid = quic_cursor_bytes(c, len);
    token = quic_cursor_bytes(c, QUIC_RESET_TOKEN_LEN);

    /* RFC 9000, 18.2: the connection ID must not be empty */

    if (c->failed || len < 1 || len > QUIC_CID_MAX_LEN) {
        return row->bad;
    }

    ngx_memcpy(tp->preferred.ipv4, ipv4, sizeof(tp->preferred.ipv4));
    ngx_memcpy(tp->preferred.ipv6, ipv6, sizeof(tp->preferred.ipv6));
    quic_cid_set(&tp->preferred.cid, cid, len);
    ngx_memcpy(tp->preferred.token, token, QUIC_RESET_TOKEN_LEN);

    return NULL;
}


static u_char *
quic_tp_write_preferred(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    p = ngx_cpymem(p, tp->preferred.ipv4, sizeof(tp->preferred.ipv4));
    p = quic_tp_write_uint(p, tp->preferred.ipv4_port, 2);
    p = ngx_cpymem(p, tp->preferred.ipv6, sizeof(tp->preferred.ipv6));
    p = quic_tp_write_uint(p, tp->preferred.ipv6_port, 2);

    *p++ = tp->preferred.cid.len;
    p = ngx_cpymem(p, tp->preferred.cid.data, tp->preferred.cid.len);

    return ngx_cpymem(p, tp->preferred.token, QUIC_RESET_TOKEN_LEN);
}


/* RFC 9368, section 3; any version 0 is a parsing failure: section 4 */

static const char *
quic_tp_parse_versions(const quic_tp_row_t *row, quic_transport_params_t *tp,
    quic_cursor_t *c)
{
    uint32_t  version;

    tp->chosen_version = quic_cursor_u32(c);

    if (tp->chosen_version == 0) {
        return row->bad;
    }

    while (quic_cursor_left(c)) {

        version = quic_cursor_u32(c);

        if (version == 0) {
            return row->bad;
        }

        if (tp->nversions < QUIC_TP_MAX_VERSIONS) {
            tp->versions[tp->nversions++] = version;

        } else if (version == tp->chosen_version) {

            /* quic_tp_check() will look for it */

            tp->versions[QUIC_TP_MAX_VERSIONS - 1] = version;
        }
    }

    return NULL;
}


static u_char *
quic_tp_write_versions(const quic_tp_row_t *row, quic_transport_params_t *tp,
    u_char *p)
{
    ngx_uint_t  i;

    p = quic_tp_write_uint(p, tp->chosen_version, 4);

    for (i = 0; i < tp->nversions; i++) {
        p = quic_tp_write_uint(p, tp->versions[i], 4);
    }

    return p;
}


static u_char *
quic_tp_write_uint(u_char *p, uint32_t value, size_t len)
{
    while (len--) {
        *p++ = (u_char) (value >> (8 * len));
    }

    return p;
}
