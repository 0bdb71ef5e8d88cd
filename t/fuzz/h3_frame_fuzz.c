
/*
 * A stream of HTTP/3 frames: read at once, and in pieces that its first byte
 * chooses, it has to say the same.  And the input as a SETTINGS payload.
 */

#include "fuzz.h"
#include "wire/h3_frame.h"
#include "wire/quic_error.h"


/* a sum over what was read, the same for the same frames and payloads */

typedef struct {
    h3_frame_reader_t  reader;
    uint64_t           sum;
} reading_t;


static void
add(reading_t *r, uint64_t value)
{
    r->sum = (r->sum ^ value) * 0x100000001b3ULL;
}


static void
read_piece(reading_t *r, u_char *pos, u_char *end)
{
    uint64_t  n;

    while (pos < end) {

        if (!r->reader.in_payload) {

            if (h3_frame_read_header(&r->reader, &pos, end) != NGX_OK) {
                fuzz_check(pos == end);
                return;
            }

            fuzz_check(pos <= end);
            fuzz_check(r->reader.left == r->reader.length);
            add(r, r->reader.type);
            add(r, r->reader.length);
        }

        n = ngx_min(r->reader.left, (uint64_t) (end - pos));

        h3_frame_read_payload(&r->reader, n);

        while (n--) {
            add(r, *pos++);
        }
    }
}


static void
check_frames(u_char *data, size_t len, size_t piece)
{
    size_t     at, n;
    reading_t  once, pieces;

    ngx_memzero(&once, sizeof(once));
    read_piece(&once, data, data + len);

    ngx_memzero(&pieces, sizeof(pieces));

    for (at = 0; at < len; at += n) {
        n = ngx_min(piece, len - at);
        read_piece(&pieces, data + at, data + at + n);
    }

    fuzz_check(once.sum == pieces.sum);
    fuzz_check(!h3_frame_reader_partial(&once.reader)
               == !h3_frame_reader_partial(&pieces.reader));
}


static void
check_settings(u_char *data, size_t len)
{
    u_char              buf[96], *pos;
    size_t              n;
    uint64_t            error;
    const char         *reason;
    h3_settings_t       s, again;
    h3_frame_reader_t   fr;

    reason = NULL;

    if (h3_settings_parse(&s, data, len, &error, &reason) != NGX_OK) {
        fuzz_check(reason != NULL);
        fuzz_check(error == H3_SETTINGS_ERROR || error == H3_FRAME_ERROR);
        return;
    }

    n = h3_settings_write(&s, buf, sizeof(buf), len);
    fuzz_check(n > 0);

    pos = buf;
    h3_frame_reader_init(&fr);

    fuzz_check(h3_frame_read_header(&fr, &pos, buf + n) == NGX_OK);
    fuzz_check(fr.type == H3_FRAME_SETTINGS && pos + fr.length == buf + n);
    fuzz_check(h3_settings_parse(&again, pos, fr.length, &error, &reason)
               == NGX_OK);
    fuzz_check(ngx_memcmp(&s, &again, sizeof(s)) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    check_frames(fuzz_bytes(data) + 1, size - 1, 1 + data[0] % 20);
    check_settings(fuzz_bytes(data), size);

    return 0;
}
