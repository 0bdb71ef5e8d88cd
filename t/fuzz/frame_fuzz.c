
/* The payload of a packet: frames one after the other. */

#include "fuzz.h"
#include "wire/quic_error.h"
#include "wire/quic_frame.h"


/* no frame of the input has more ranges than this, nor gets longer by it */
#define MAX  65536


static void
check_inside(quic_cursor_t *c, u_char *start, u_char *data, uint64_t len)
{
    fuzz_check(data >= start && data <= c->pos);
    fuzz_check(len <= (uint64_t) (c->pos - data));
}


static void
check_ack(quic_frame_t *f)
{
    u_char                *p;
    size_t                 n;
    uint64_t               first, last, error, ecn[3];
    const char            *reason;
    quic_frame_t           again;
    quic_cursor_t          c;
    quic_ack_iter_t        it;
    static u_char          buf[MAX];
    static quic_range_t    ranges[MAX];

    n = 0;
    quic_ack_start(&it, &f->u.ack);

    while (quic_ack_next(&it, &first, &last)) {
        fuzz_check(first <= last && n < MAX);
        fuzz_check(n == 0 ? last == f->u.ack.largest
                          : last + 1 < ranges[MAX - n].start);
        n++;
        ranges[MAX - n].start = first;
        ranges[MAX - n].end = last + 1;
    }

    fuzz_check(n == f->u.ack.range_count + 1);

    ecn[0] = f->u.ack.ect0;
    ecn[1] = f->u.ack.ect1;
    ecn[2] = f->u.ack.ce;

    p = quic_frame_write_ack(buf, buf + MAX, ranges + MAX - n, n,
                             f->u.ack.delay,
                             f->type == QUIC_FT_ACK_ECN ? ecn : NULL);
    fuzz_check(p != NULL);

    quic_cursor_init(&c, buf, p - buf);
    fuzz_check(quic_frame_parse(&c, &again, &error, &reason) == NGX_OK);
    fuzz_check(quic_cursor_left(&c) == 0);
    fuzz_check(again.u.ack.largest == f->u.ack.largest);
    fuzz_check(again.u.ack.range_count == f->u.ack.range_count);
    fuzz_check(again.u.ack.first_range == f->u.ack.first_range);
    fuzz_check(again.u.ack.ce == f->u.ack.ce);
}


/* into a room that is, or isn't, enough */

static void
check_stream(quic_frame_stream_t *s, size_t room)
{
    u_char         *p;
    size_t          len;
    uint64_t        error;
    const char     *reason;
    quic_frame_t    f;
    quic_cursor_t   c;
    static u_char   buf[MAX];

    len = s->length;
    p = quic_frame_write_stream_header(buf, buf + room, s->id, s->offset,
                                       &len, s->fin);
    if (p == NULL) {
        return;
    }

    fuzz_check(len <= s->length && p + len <= buf + room);
    ngx_memcpy(p, s->data, len);

    quic_cursor_init(&c, buf, p + len - buf);

    do {
        fuzz_check(quic_frame_parse(&c, &f, &error, &reason) == NGX_OK);
    } while (f.type == QUIC_FT_PADDING);

    fuzz_check(quic_cursor_left(&c) == 0);
    fuzz_check(f.type == QUIC_FT_STREAM);
    fuzz_check(f.u.stream.id == s->id);
    fuzz_check(f.u.stream.offset == s->offset);
    fuzz_check(f.u.stream.length == len);
    fuzz_check(f.u.stream.fin == (s->fin && len == s->length));
}


static void
check_frame(quic_frame_t *f, quic_cursor_t *c, u_char *start)
{
    fuzz_check(c->pos > start && c->pos <= c->end);
    fuzz_check(quic_frame_flags(f->type) != 0);

    switch (f->type) {

    case QUIC_FT_ACK:
    case QUIC_FT_ACK_ECN:
        check_ack(f);
        break;

    case QUIC_FT_STREAM:
        check_inside(c, start, f->u.stream.data, f->u.stream.length);
        check_stream(&f->u.stream, f->u.stream.length % 64);
        check_stream(&f->u.stream, f->u.stream.length + 8);
        check_stream(&f->u.stream, f->u.stream.length + 20);
        break;

    case QUIC_FT_CRYPTO:
        check_inside(c, start, f->u.crypto.data, f->u.crypto.length);
        break;

    case QUIC_FT_NEW_TOKEN:
        check_inside(c, start, f->u.token.data, f->u.token.len);
        break;

    case QUIC_FT_DATAGRAM:
        check_inside(c, start, f->u.datagram.data, f->u.datagram.len);
        break;

    case QUIC_FT_CONNECTION_CLOSE:
    case QUIC_FT_CONNECTION_CLOSE_APP:
        check_inside(c, start, f->u.close.reason.data, f->u.close.reason.len);
        break;

    case QUIC_FT_NEW_CONNECTION_ID:
        fuzz_check(f->u.new_cid.cid.len >= 1
                   && f->u.new_cid.cid.len <= QUIC_CID_MAX_LEN);
        fuzz_check(f->u.new_cid.retire_prior_to <= f->u.new_cid.seq);
        break;

    default:
        break;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char         *start;
    uint64_t        error;
    const char     *reason;
    quic_frame_t    f;
    quic_cursor_t   c;

    if (size > MAX / 2) {
        return 0;
    }

    quic_cursor_init(&c, fuzz_bytes(data), size);

    while (quic_cursor_left(&c)) {
        start = c.pos;
        reason = NULL;

        if (quic_frame_parse(&c, &f, &error, &reason) != NGX_OK) {
            fuzz_check(reason != NULL);
            fuzz_check(error == QUIC_FRAME_ENCODING_ERROR
                       || error == QUIC_PROTOCOL_VIOLATION);
            break;
        }

        check_frame(&f, &c, start);
    }

    return 0;
}
