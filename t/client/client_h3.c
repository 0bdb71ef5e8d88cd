
/*
 * HTTP/3 by hand: a request of any fields and frames, and what has come back.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <nghttp3/nghttp3.h>
#include "client.h"
#include "wire/h3_frame.h"


#define CLIENT_PIECE    1000    /* bytes of a stream in a packet */


ngx_int_t
client_send_stream(client_t *c, uint64_t id, const u_char *data, size_t len,
    ngx_uint_t fin)
{
    size_t            n;
    u_char            frames[CLIENT_PIECE + 64], *p;
    client_stream_t  *s;

    s = client_stream(c, id);

    do {
        n = ngx_min(len, CLIENT_PIECE);

        frames[0] = QUIC_FT_STREAM|QUIC_STREAM_LEN|QUIC_STREAM_OFF;
        frames[0] |= (fin && n == len) ? QUIC_STREAM_FIN : 0;

        p = quic_varint_write(frames + 1, id);
        p = quic_varint_write(p, s->sent);
        p = quic_varint_write(p, n);
        p = ngx_cpymem(p, data, n);

        if (client_send(c, QUIC_PACKET_1RTT, frames, p - frames) != NGX_OK) {
            return NGX_ERROR;
        }

        s->sent += n;
        data += n;
        len -= n;

        /* so that the server's socket doesn't overflow */
        client_read(c);

    } while (len);

    return NGX_OK;
}


u_char *
client_write_frame(u_char *p, uint64_t type, const u_char *payload, size_t len)
{
    p = h3_frame_write_header(p, type, len);

    return ngx_cpymem(p, payload, len);
}


static u_char *
client_write_string(u_char *p, u_char first, ngx_uint_t bits, const char *s,
    size_t len)
{
    size_t  mask, n;

    mask = (1 << bits) - 1;

    if (len < mask) {
        *p++ = first | (u_char) len;

    } else {
        *p++ = first | (u_char) mask;

        for (n = len - mask; n >= 0x80; n >>= 7) {
            *p++ = 0x80 | (u_char) (n & 0x7f);
        }

        *p++ = (u_char) n;
    }

    return ngx_cpymem(p, s, len);
}


/* the first character of a name may be a colon, and the text ends a line */

u_char *
client_write_section(u_char *p, const char *fields)
{
    size_t       len;
    const char  *colon, *end;

    *p++ = 0;
    *p++ = 0;

    while (*fields && *fields != '|') {
        end = fields + strcspn(fields, "\n|");
        colon = fields + 1 + strcspn(fields + 1, ":\n|");
        len = colon - fields;

        /* literal name and value: RFC 9204, 4.5.6 */

        p = client_write_string(p, 0x20, 3, fields, len);

        colon += (colon < end) + (colon + 1 < end && colon[1] == ' ');
        p = client_write_string(p, 0, 7, colon, end - colon);

        fields = end + (*end == '\n');
    }

    return p;
}


static u_char *
client_read_section(client_response_t *r, u_char *p, size_t len)
{
    char                          *to, *end;
    uint8_t                        flags;
    nghttp3_vec                    name, value;
    nghttp3_ssize                  n;
    nghttp3_qpack_nv               nv;
    nghttp3_qpack_decoder         *d;
    nghttp3_qpack_stream_context  *sc;

    to = r->fields + ngx_strlen(r->fields);
    end = r->fields + sizeof(r->fields);

    if (nghttp3_qpack_decoder_new(&d, 0, 0, nghttp3_mem_default()) != 0
        || nghttp3_qpack_stream_context_new(&sc, 0, nghttp3_mem_default())
           != 0)
    {
        exit(1);
    }

    for ( ;; ) {
        n = nghttp3_qpack_decoder_read_request(d, sc, &nv, &flags, p, len, 1);

        if (n < 0 || !(flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT)) {
            break;
        }

        p += n;
        len -= n;

        name = nghttp3_rcbuf_get_buf(nv.name);
        value = nghttp3_rcbuf_get_buf(nv.value);

        to += snprintf(to, end - to, "%.*s: %.*s\n", (int) name.len, name.base,
                       (int) value.len, value.base);
        to = ngx_min(to, end - 1);

        if (name.len == 7 && ngx_memcmp(name.base, ":status", 7) == 0) {
            r->status = ngx_atoi(value.base, value.len);
        }

        nghttp3_rcbuf_decref(nv.name);
        nghttp3_rcbuf_decref(nv.value);
    }

    nghttp3_qpack_stream_context_del(sc);
    nghttp3_qpack_decoder_del(d);

    return n < 0 ? NULL : p;
}


void
client_read_response(client_stream_t *s, client_response_t *r)
{
    u_char             *p, *end;
    h3_frame_reader_t   fr;

    ngx_memzero(r, sizeof(client_response_t));
    ngx_memzero(&fr, sizeof(h3_frame_reader_t));

    p = s->head;
    end = s->head + ngx_min(s->received, sizeof(s->head));

    while (p < end && h3_frame_read_header(&fr, &p, end) == NGX_OK
           && fr.left <= (uint64_t) (end - p))
    {
        if (fr.type == H3_FRAME_HEADERS) {
            r->sections++;
            client_read_section(r, p, fr.left);

        } else if (fr.type == H3_FRAME_DATA) {
            r->content += fr.left;
        }

        p += fr.left;
        h3_frame_read_payload(&fr, fr.left);
    }

    r->whole = r->sections && p == end && !h3_frame_reader_partial(&fr);
}
