
/*
 * Frames: RFC 9000, section 19.
 *
 * quic_frames[] has a row for each type: its name, where it may stand and how
 * it is parsed.  A parser reads all fields through the cursor, which remembers
 * a read past the end, and returns NULL or the reason why the frame is
 * malformed; that is always a FRAME_ENCODING_ERROR.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_error.h"
#include "wire/quic_frame.h"


/* RFC 9000, 4.6: more streams have IDs that no varint can hold */
#define QUIC_MAX_STREAM_COUNT  (1ULL << 60)

#define QUIC_DATAGRAM_LEN      0x01


typedef const char *(*quic_frame_parse_pt)(quic_cursor_t *c, quic_frame_t *f);

typedef struct {
    const char           *name;
    ngx_uint_t            flags;
    quic_frame_parse_pt   parse;
} quic_frame_row_t;


static const quic_frame_row_t *quic_frame_row(uint64_t type);

static const char *quic_frame_parse_padding(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_empty(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_ack(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_check_ranges(quic_cursor_t *c,
    quic_frame_ack_t *ack);
static const char *quic_frame_parse_reset_stream(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_stop_sending(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_crypto(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_new_token(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_stream(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_value(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_stream_max(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_streams(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_new_cid(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_path(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_close(quic_cursor_t *c, quic_frame_t *f);
static const char *quic_frame_parse_datagram(quic_cursor_t *c,
    quic_frame_t *f);
static const char *quic_frame_parse_ack_frequency(quic_cursor_t *c,
    quic_frame_t *f);

static size_t quic_frame_fit(size_t length, size_t room);
static void quic_frame_ack_pair(quic_range_t *r, uint64_t *pair);
static ngx_uint_t quic_frame_ack_count(quic_range_t *r, ngx_uint_t n,
    size_t room);
static size_t quic_frame_varints_len(const uint64_t *values, ngx_uint_t n);
static u_char *quic_frame_write_varints(u_char *p, u_char *end,
    const uint64_t *values, ngx_uint_t n);


/*
 * RFC 9000, table 3.  "Ack-eliciting" and "in flight" of it are all frames but
 * the ones with a column N; PADDING is in flight alone (RFC 9002, section 2).
 *
 * RETIRE_CONNECTION_ID has a 0 there, but 12.5 lets a server refuse it in
 * 0-RTT packets, which can't have it: a client has nothing to retire before
 * the server's first 1-RTT packet.  The ACK frequency draft rules out 0-RTT
 * for its frames.
 */

#define P1     QUIC_FRAME_IN_1RTT
#define P01    (QUIC_FRAME_IN_0RTT|P1)
#define PIH1   (QUIC_FRAME_IN_INITIAL|QUIC_FRAME_IN_HANDSHAKE|P1)
#define PIH01  (PIH1|QUIC_FRAME_IN_0RTT)
#define AE     (QUIC_FRAME_ACK_ELICITING|QUIC_FRAME_IN_FLIGHT)
#define PROBE  QUIC_FRAME_PROBING
#define SERVER QUIC_FRAME_SERVER_ONLY

#define STREAM_ROW  { "STREAM", P01|AE, quic_frame_parse_stream }

static const quic_frame_row_t  quic_frames[] = {

    [QUIC_FT_PADDING] =
        { "PADDING", PIH01|PROBE|QUIC_FRAME_IN_FLIGHT,
          quic_frame_parse_padding },
    [QUIC_FT_PING] =
        { "PING", PIH01|AE, quic_frame_parse_empty },
    [QUIC_FT_ACK] =
        { "ACK", PIH1, quic_frame_parse_ack },
    [QUIC_FT_ACK_ECN] =
        { "ACK_ECN", PIH1, quic_frame_parse_ack },
    [QUIC_FT_RESET_STREAM] =
        { "RESET_STREAM", P01|AE, quic_frame_parse_reset_stream },
    [QUIC_FT_STOP_SENDING] =
        { "STOP_SENDING", P01|AE, quic_frame_parse_stop_sending },
    [QUIC_FT_CRYPTO] =
        { "CRYPTO", PIH1|AE, quic_frame_parse_crypto },
    [QUIC_FT_NEW_TOKEN] =
        { "NEW_TOKEN", P1|AE|SERVER, quic_frame_parse_new_token },

    [QUIC_FT_STREAM] = STREAM_ROW,
    [QUIC_FT_STREAM|1] = STREAM_ROW,
    [QUIC_FT_STREAM|2] = STREAM_ROW,
    [QUIC_FT_STREAM|3] = STREAM_ROW,
    [QUIC_FT_STREAM|4] = STREAM_ROW,
    [QUIC_FT_STREAM|5] = STREAM_ROW,
    [QUIC_FT_STREAM|6] = STREAM_ROW,
    [QUIC_FT_STREAM|7] = STREAM_ROW,

    [QUIC_FT_MAX_DATA] =
        { "MAX_DATA", P01|AE, quic_frame_parse_value },
    [QUIC_FT_MAX_STREAM_DATA] =
        { "MAX_STREAM_DATA", P01|AE, quic_frame_parse_stream_max },
    [QUIC_FT_MAX_STREAMS_BIDI] =
        { "MAX_STREAMS_BIDI", P01|AE, quic_frame_parse_streams },
    [QUIC_FT_MAX_STREAMS_UNI] =
        { "MAX_STREAMS_UNI", P01|AE, quic_frame_parse_streams },
    [QUIC_FT_DATA_BLOCKED] =
        { "DATA_BLOCKED", P01|AE, quic_frame_parse_value },
    [QUIC_FT_STREAM_DATA_BLOCKED] =
        { "STREAM_DATA_BLOCKED", P01|AE, quic_frame_parse_stream_max },
    [QUIC_FT_STREAMS_BLOCKED_BIDI] =
        { "STREAMS_BLOCKED_BIDI", P01|AE, quic_frame_parse_streams },
    [QUIC_FT_STREAMS_BLOCKED_UNI] =
        { "STREAMS_BLOCKED_UNI", P01|AE, quic_frame_parse_streams },

    [QUIC_FT_NEW_CONNECTION_ID] =
        { "NEW_CONNECTION_ID", P01|AE|PROBE, quic_frame_parse_new_cid },
    [QUIC_FT_RETIRE_CONNECTION_ID] =
        { "RETIRE_CONNECTION_ID", P1|AE, quic_frame_parse_value },
    [QUIC_FT_PATH_CHALLENGE] =
        { "PATH_CHALLENGE", P01|AE|PROBE, quic_frame_parse_path },
    [QUIC_FT_PATH_RESPONSE] =
        { "PATH_RESPONSE", P1|AE|PROBE, quic_frame_parse_path },
    [QUIC_FT_CONNECTION_CLOSE] =
        { "CONNECTION_CLOSE", PIH01, quic_frame_parse_close },
    [QUIC_FT_CONNECTION_CLOSE_APP] =
        { "CONNECTION_CLOSE_APP", P01, quic_frame_parse_close },
    [QUIC_FT_HANDSHAKE_DONE] =
        { "HANDSHAKE_DONE", P1|AE|SERVER, quic_frame_parse_empty },

    [QUIC_FT_IMMEDIATE_ACK] =
        { "IMMEDIATE_ACK", P1|AE, quic_frame_parse_empty },
    [QUIC_FT_DATAGRAM] =
        { "DATAGRAM", P01|AE, quic_frame_parse_datagram },
    [QUIC_FT_DATAGRAM|QUIC_DATAGRAM_LEN] =
        { "DATAGRAM", P01|AE, quic_frame_parse_datagram },
    [QUIC_FT_ACK_FREQUENCY] =
        { "ACK_FREQUENCY", P1|AE, quic_frame_parse_ack_frequency }
};

#undef P1
#undef P01
#undef PIH1
#undef PIH01
#undef AE
#undef PROBE
#undef SERVER
#undef STREAM_ROW


static const quic_frame_row_t *
quic_frame_row(uint64_t type)
{
    if (type >= sizeof(quic_frames) / sizeof(quic_frames[0])
        || quic_frames[type].name == NULL)
    {
        return NULL;
    }

    return &quic_frames[type];
}


ngx_uint_t
quic_frame_flags(uint64_t type)
{
    const quic_frame_row_t  *row;

    row = quic_frame_row(type);

    return row ? row->flags : 0;
}


const char *
quic_frame_name(uint64_t type)
{
    const quic_frame_row_t  *row;

    row = quic_frame_row(type);

    return row ? row->name : "unknown";
}


ngx_int_t
quic_frame_parse(quic_cursor_t *c, quic_frame_t *f, uint64_t *error,
    const char **reason)
{
    u_char                  *start;
    const quic_frame_row_t  *row;

    start = c->pos;
    f->type = quic_cursor_varint(c);
    f->wire_type = f->type;

    if ((size_t) (c->pos - start) > quic_varint_len(f->type) && !c->failed) {

        /* RFC 9000, 12.4 */

        *error = QUIC_PROTOCOL_VIOLATION;
        *reason = "frame type is not in its shortest form";
        return NGX_ERROR;
    }

    *error = QUIC_FRAME_ENCODING_ERROR;

    row = quic_frame_row(f->type);

    if (row == NULL) {
        *reason = "unknown frame type";
        return NGX_ERROR;
    }

    *reason = row->parse(c, f);

    /* fields behind a truncated one are zeroes, and prove nothing */

    if (c->failed) {
        *reason = "truncated frame";
    }

    return *reason ? NGX_ERROR : NGX_OK;
}


/* all of the PADDING frames in a row as one */

static const char *
quic_frame_parse_padding(quic_cursor_t *c, quic_frame_t *f)
{
    u_char    *start;
    uint64_t   word;

    start = c->pos;

    /* mostly the rest of a datagram */

    while (quic_cursor_left(c) >= sizeof(uint64_t)) {
        ngx_memcpy(&word, c->pos, sizeof(uint64_t));

        if (word) {
            break;
        }

        c->pos += sizeof(uint64_t);
    }

    while (c->pos < c->end && *c->pos == QUIC_FT_PADDING) {
        c->pos++;
    }

    f->u.padding = c->pos - start + 1;

    return NULL;
}


static const char *
quic_frame_parse_empty(quic_cursor_t *c, quic_frame_t *f)
{
    return NULL;
}


static const char *
quic_frame_parse_ack(quic_cursor_t *c, quic_frame_t *f)
{
    const char        *reason;
    quic_frame_ack_t  *ack;

    ack = &f->u.ack;

    ack->largest = quic_cursor_varint(c);
    ack->delay = quic_cursor_varint(c);
    ack->range_count = quic_cursor_varint(c);
    ack->first_range = quic_cursor_varint(c);

    ack->ranges = c->pos;
    reason = quic_frame_check_ranges(c, ack);
    ack->ranges_end = c->pos;

    ack->ect0 = 0;
    ack->ect1 = 0;
    ack->ce = 0;

    if (f->type == QUIC_FT_ACK_ECN) {
        ack->ect0 = quic_cursor_varint(c);
        ack->ect1 = quic_cursor_varint(c);
        ack->ce = quic_cursor_varint(c);
    }

    return reason;
}


/*
 * RFC 9000, 19.3.1: no packet number may come out negative.  A range_count of
 * any size costs no more than the bytes that are there.
 */

static const char *
quic_frame_check_ranges(quic_cursor_t *c, quic_frame_ack_t *ack)
{
    uint64_t  i, gap, length, smallest;

    if (ack->first_range > ack->largest) {
        return "ACK of a negative packet number";
    }

    smallest = ack->largest - ack->first_range;

    for (i = 0; i < ack->range_count && !c->failed; i++) {

        gap = quic_cursor_varint(c);
        length = quic_cursor_varint(c);

        if (gap + length + 2 > smallest) {
            return "ACK of a negative packet number";
        }

        smallest -= gap + length + 2;
    }

    return NULL;
}


static const char *
quic_frame_parse_reset_stream(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.reset.id = quic_cursor_varint(c);
    f->u.reset.error = quic_cursor_varint(c);
    f->u.reset.final_size = quic_cursor_varint(c);

    return NULL;
}


static const char *
quic_frame_parse_stop_sending(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.reset.id = quic_cursor_varint(c);
    f->u.reset.error = quic_cursor_varint(c);
    f->u.reset.final_size = 0;

    return NULL;
}


static const char *
quic_frame_parse_crypto(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.crypto.offset = quic_cursor_varint(c);
    f->u.crypto.length = quic_cursor_varint(c);
    f->u.crypto.data = quic_cursor_bytes(c, f->u.crypto.length);

    if (f->u.crypto.offset + f->u.crypto.length > QUIC_VARINT_MAX) {
        return "CRYPTO data beyond 2^62-1";
    }

    return NULL;
}


static const char *
quic_frame_parse_new_token(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.token.len = quic_cursor_varint(c);
    f->u.token.data = quic_cursor_bytes(c, f->u.token.len);

    return f->u.token.len ? NULL : "empty token in NEW_TOKEN";
}


static const char *
quic_frame_parse_stream(quic_cursor_t *c, quic_frame_t *f)
{
    ngx_uint_t            bits;
    quic_frame_stream_t  *s;

    bits = f->type;
    f->type = QUIC_FT_STREAM;

    s = &f->u.stream;

    s->id = quic_cursor_varint(c);
    s->offset = bits & QUIC_STREAM_OFF ? quic_cursor_varint(c) : 0;
    s->length = bits & QUIC_STREAM_LEN ? quic_cursor_varint(c)
                                       : quic_cursor_left(c);
    s->data = quic_cursor_bytes(c, s->length);
    s->fin = bits & QUIC_STREAM_FIN;

    if (s->offset + s->length > QUIC_VARINT_MAX) {
        return "STREAM data beyond 2^62-1";
    }

    return NULL;
}


/* MAX_DATA, DATA_BLOCKED; RETIRE_CONNECTION_ID, whose "seq" is the same */

static const char *
quic_frame_parse_value(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.max = quic_cursor_varint(c);

    return NULL;
}


static const char *
quic_frame_parse_stream_max(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.stream_max.id = quic_cursor_varint(c);
    f->u.stream_max.max = quic_cursor_varint(c);

    return NULL;
}


static const char *
quic_frame_parse_streams(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.max = quic_cursor_varint(c);

    return f->u.max > QUIC_MAX_STREAM_COUNT ? "more than 2^60 streams" : NULL;
}


static const char *
quic_frame_parse_new_cid(quic_cursor_t *c, quic_frame_t *f)
{
    u_char                *cid, *token;
    size_t                 len;
    quic_frame_new_cid_t  *nc;

    nc = &f->u.new_cid;

    nc->seq = quic_cursor_varint(c);
    nc->retire_prior_to = quic_cursor_varint(c);

    len = quic_cursor_u8(c);

    if (len < 1 || len > QUIC_CID_MAX_LEN) {
        return "invalid connection ID length in NEW_CONNECTION_ID";
    }

    cid = quic_cursor_bytes(c, len);
    token = quic_cursor_bytes(c, QUIC_RESET_TOKEN_LEN);

    if (c->failed) {
        return NULL;
    }

    quic_cid_set(&nc->cid, cid, len);
    ngx_memcpy(nc->token, token, QUIC_RESET_TOKEN_LEN);

    if (nc->retire_prior_to > nc->seq) {
        return "NEW_CONNECTION_ID retires itself";
    }

    return NULL;
}


static const char *
quic_frame_parse_path(quic_cursor_t *c, quic_frame_t *f)
{
    u_char  *data;

    data = quic_cursor_bytes(c, sizeof(f->u.path));

    if (data) {
        ngx_memcpy(f->u.path, data, sizeof(f->u.path));
    }

    return NULL;
}


static const char *
quic_frame_parse_close(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.close.error = quic_cursor_varint(c);
    f->u.close.frame_type = f->type == QUIC_FT_CONNECTION_CLOSE
                            ? quic_cursor_varint(c) : 0;
    f->u.close.reason.len = quic_cursor_varint(c);
    f->u.close.reason.data = quic_cursor_bytes(c, f->u.close.reason.len);

    return NULL;
}


static const char *
quic_frame_parse_datagram(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.datagram.len = f->type & QUIC_DATAGRAM_LEN ? quic_cursor_varint(c)
                                                    : quic_cursor_left(c);
    f->u.datagram.data = quic_cursor_bytes(c, f->u.datagram.len);

    f->type = QUIC_FT_DATAGRAM;

    return NULL;
}


static const char *
quic_frame_parse_ack_frequency(quic_cursor_t *c, quic_frame_t *f)
{
    f->u.ack_frequency.seq = quic_cursor_varint(c);
    f->u.ack_frequency.threshold = quic_cursor_varint(c);
    f->u.ack_frequency.max_ack_delay = quic_cursor_varint(c);
    f->u.ack_frequency.reordering = quic_cursor_varint(c);

    return NULL;
}


void
quic_ack_start(quic_ack_iter_t *it, quic_frame_ack_t *ack)
{
    it->pos = ack->ranges;
    it->end = ack->ranges_end;
    it->smallest = 0;
    it->started = 0;
    it->ack = ack;
}


ngx_uint_t
quic_ack_next(quic_ack_iter_t *it, uint64_t *first, uint64_t *last)
{
    uint64_t  gap, length;

    if (!it->started) {
        it->started = 1;

        *last = it->ack->largest;
        *first = it->ack->largest - it->ack->first_range;
        it->smallest = *first;

        return 1;
    }

    if (it->pos == it->end) {
        return 0;
    }

    /* quic_frame_check_ranges() has been here before */

    it->pos += quic_varint_read(it->pos, it->end, &gap);
    it->pos += quic_varint_read(it->pos, it->end, &length);

    *last = it->smallest - gap - 2;
    *first = *last - length;
    it->smallest = *first;

    return 1;
}


/* bytes of "length" for which, with their own length before them, is room */

static size_t
quic_frame_fit(size_t length, size_t room)
{
    length = ngx_min(length, room);

    while (length && length + quic_varint_len(length) > room) {
        length--;
    }

    return length;
}


u_char *
quic_frame_write_stream_header(u_char *p, u_char *end, uint64_t id,
    uint64_t offset, size_t *length, ngx_uint_t fin)
{
    size_t  head, room, padding;
    u_char  type;

    head = 1 + quic_varint_len(id) + (offset ? quic_varint_len(offset) : 0);

    if ((size_t) (end - p) < head + (*length > 0)) {
        return NULL;
    }

    room = end - p - head;
    type = QUIC_FT_STREAM | (offset ? QUIC_STREAM_OFF : 0);

    if (*length + quic_varint_len(*length) <= room) {
        type |= QUIC_STREAM_LEN | (fin ? QUIC_STREAM_FIN : 0);
        padding = 0;

    } else if (*length <= room) {
        type |= fin ? QUIC_STREAM_FIN : 0;
        padding = room - *length;

    } else {
        *length = room;
        padding = 0;
    }

    ngx_memzero(p, padding);
    p += padding;

    *p++ = type;
    p = quic_varint_write(p, id);

    if (offset) {
        p = quic_varint_write(p, offset);
    }

    return type & QUIC_STREAM_LEN ? quic_varint_write(p, *length) : p;
}


u_char *
quic_frame_write_crypto_header(u_char *p, u_char *end, uint64_t offset,
    size_t *length)
{
    size_t  head, n;

    head = 1 + quic_varint_len(offset);

    if ((size_t) (end - p) < head + 1 + (*length > 0)) {
        return NULL;
    }

    n = quic_frame_fit(*length, end - p - head);

    *length = n;

    *p++ = QUIC_FT_CRYPTO;
    p = quic_varint_write(p, offset);

    return quic_varint_write(p, n);
}


/* a range as an ACK frame says it: the gap to the one above, and its length */

static void
quic_frame_ack_pair(quic_range_t *r, uint64_t *pair)
{
    pair[0] = r[1].start - r[0].end - 1;
    pair[1] = r[0].end - r[0].start - 1;
}


/* of the "n" ranges below "r", how many fit in "room" bytes */

static ngx_uint_t
quic_frame_ack_count(quic_range_t *r, ngx_uint_t n, size_t room)
{
    size_t      len;
    uint64_t    pair[2];
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        quic_frame_ack_pair(--r, pair);
        len = quic_frame_varints_len(pair, 2);

        if (len > room) {
            break;
        }

        room -= len;
    }

    return i;
}


u_char *
quic_frame_write_ack(u_char *p, u_char *end, quic_range_t *ranges,
    ngx_uint_t n, uint64_t delay, uint64_t *ecn)
{
    size_t         len;
    uint64_t       head[5], pair[2];
    ngx_uint_t     i;
    quic_range_t  *r;

    r = &ranges[n - 1];

    head[0] = ecn ? QUIC_FT_ACK_ECN : QUIC_FT_ACK;
    head[1] = r->end - 1;
    head[2] = delay;
    head[3] = n - 1;
    head[4] = r->end - r->start - 1;

    len = quic_frame_varints_len(head, 5)
          + (ecn ? quic_frame_varints_len(ecn, 3) : 0);

    if (len > (size_t) (end - p)) {
        return NULL;
    }

    /* a smaller count takes no more bytes than the one that was measured */

    head[3] = quic_frame_ack_count(r, n - 1, end - p - len);

    p = quic_frame_write_varints(p, end, head, 5);

    for (i = 0; i < head[3]; i++) {
        quic_frame_ack_pair(--r, pair);
        p = quic_frame_write_varints(p, end, pair, 2);
    }

    return ecn ? quic_frame_write_varints(p, end, ecn, 3) : p;
}


u_char *
quic_frame_write_reset_stream(u_char *p, u_char *end, uint64_t id,
    uint64_t error, uint64_t final_size)
{
    uint64_t  v[] = { QUIC_FT_RESET_STREAM, id, error, final_size };

    return quic_frame_write_varints(p, end, v, 4);
}


u_char *
quic_frame_write_stop_sending(u_char *p, u_char *end, uint64_t id,
    uint64_t error)
{
    return quic_frame_write_values(p, end, QUIC_FT_STOP_SENDING, id, error);
}


u_char *
quic_frame_write_new_token(u_char *p, u_char *end, ngx_str_t *token)
{
    p = quic_frame_write_value(p, end, QUIC_FT_NEW_TOKEN, token->len);

    if (p == NULL || (size_t) (end - p) < token->len) {
        return NULL;
    }

    return ngx_cpymem(p, token->data, token->len);
}


u_char *
quic_frame_write_new_cid(u_char *p, u_char *end, uint64_t seq,
    uint64_t retire_prior_to, quic_cid_t *cid, u_char *reset_token)
{
    p = quic_frame_write_values(p, end, QUIC_FT_NEW_CONNECTION_ID, seq,
                                retire_prior_to);

    if (p == NULL
        || (size_t) (end - p) < (size_t) 1 + cid->len + QUIC_RESET_TOKEN_LEN)
    {
        return NULL;
    }

    *p++ = cid->len;
    p = ngx_cpymem(p, cid->data, cid->len);

    return ngx_cpymem(p, reset_token, QUIC_RESET_TOKEN_LEN);
}


u_char *
quic_frame_write_path(u_char *p, u_char *end, uint64_t type, u_char *data)
{
    p = quic_frame_write_plain(p, end, type);

    if (p == NULL || end - p < 8) {
        return NULL;
    }

    return ngx_cpymem(p, data, 8);
}


u_char *
quic_frame_write_ack_frequency(u_char *p, u_char *end,
    quic_frame_ack_frequency_t *af)
{
    uint64_t  v[] = { QUIC_FT_ACK_FREQUENCY, af->seq, af->threshold,
                      af->max_ack_delay, af->reordering };

    return quic_frame_write_varints(p, end, v, 5);
}


u_char *
quic_frame_write_close(u_char *p, u_char *end, ngx_uint_t app,
    uint64_t error, uint64_t frame_type, ngx_str_t *reason)
{
    size_t  n;

    p = app ? quic_frame_write_value(p, end, QUIC_FT_CONNECTION_CLOSE_APP,
                                     error)
            : quic_frame_write_values(p, end, QUIC_FT_CONNECTION_CLOSE, error,
                                      frame_type);

    if (p == NULL || p == end) {
        return NULL;
    }

    n = reason ? quic_frame_fit(reason->len, end - p) : 0;

    p = quic_varint_write(p, n);

    return n ? ngx_cpymem(p, reason->data, n) : p;
}


u_char *
quic_frame_write_plain(u_char *p, u_char *end, uint64_t type)
{
    return quic_frame_write_varints(p, end, &type, 1);
}


u_char *
quic_frame_write_value(u_char *p, u_char *end, uint64_t type, uint64_t value)
{
    uint64_t  v[] = { type, value };

    return quic_frame_write_varints(p, end, v, 2);
}


u_char *
quic_frame_write_values(u_char *p, u_char *end, uint64_t type, uint64_t v1,
    uint64_t v2)
{
    uint64_t  v[] = { type, v1, v2 };

    return quic_frame_write_varints(p, end, v, 3);
}


static size_t
quic_frame_varints_len(const uint64_t *values, ngx_uint_t n)
{
    size_t      len;
    ngx_uint_t  i;

    len = 0;

    for (i = 0; i < n; i++) {
        len += quic_varint_len(values[i]);
    }

    return len;
}


static u_char *
quic_frame_write_varints(u_char *p, u_char *end, const uint64_t *values,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if ((size_t) (end - p) < quic_varint_len(values[i])) {
            return NULL;
        }

        p = quic_varint_write(p, values[i]);
    }

    return p;
}
