
/* Packets of any kind: what is sent. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "client.h"


#define CLIENT_CRYPTO_PIECE  1000
#define CLIENT_ACK_WINDOW    2048   /* numbers below the largest */
#define CLIENT_ACK_RANGES    128


/* of packets that can't be sealed the level is none */

const quic_level_e  client_level[] = {
    QUIC_LEVEL_INITIAL,
    QUIC_LEVEL_EARLY,
    QUIC_LEVEL_HANDSHAKE,
    QUIC_LEVEL_APP
};


ngx_uint_t
client_space(quic_level_e level)
{
    static const ngx_uint_t  spaces[QUIC_LEVELS] = { 0, 2, 1, 2 };

    return spaces[level];
}


void
client_packet(client_t *c, client_packet_t *p, quic_packet_type_e type)
{
    ngx_memzero(p, sizeof(client_packet_t));

    p->type = type;
    p->version = c->version;
    p->dcid = c->dcid;
    p->scid = c->scid;
    p->token = c->token;
    p->pn = CLIENT_NEXT;
    p->pn_len = 4;
    p->keys = &c->tx[client_level[type]];
    p->key_phase = c->phase_tx;

    if (type == QUIC_PACKET_INITIAL) {
        p->size = QUIC_MIN_INITIAL_SIZE;
    }
}


ngx_int_t
client_add(client_t *c, client_packet_t *p, const u_char *frames, size_t len)
{
    size_t           header, pad;
    u_char          *start, *pos, *length;
    client_space_t  *space;

    if (!quic_keys_ready(p->keys)) {
        return NGX_ERROR;
    }

    space = &c->space[client_space(client_level[p->type])];

    if (p->pn == CLIENT_NEXT) {
        p->pn = space->next_pn++;
    }

    start = c->out + c->out_len;

    if (p->type == QUIC_PACKET_1RTT) {
        length = NULL;
        pos = quic_packet_write_short(start, &p->dcid, p->key_phase, p->spin,
                                      p->pn, p->pn_len);
    } else {
        pos = quic_packet_write_long(start, p->type, p->version, &p->dcid,
                                     &p->scid, &p->token, p->pn, p->pn_len,
                                     &length);
    }

    start[0] ^= p->flip;
    header = pos - start;
    pad = c->out_len + header + len + QUIC_TAG_LEN;
    pad = pad < p->size ? p->size - pad : 0;

    ngx_memset(pos, QUIC_FT_PADDING, pad + len);
    ngx_memcpy(p->pad_first ? pos + pad : pos, frames, len);
    len += pad;

    c->shown |= p->type == QUIC_PACKET_HANDSHAKE
                || (p->type == QUIC_PACKET_INITIAL && p->token.len);

    if (length) {
        quic_packet_set_length(length, p->pn_len + len + QUIC_TAG_LEN
                                       + p->lie);
    }

    if (quic_keys_seal(p->keys, start, header, p->pn_len, p->pn, len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    c->out_len += header + len + QUIC_TAG_LEN;
    c->out[c->out_len - 1] ^= p->spoil;

    while (c->out_len < p->tail) {
        c->out[c->out_len++] = 0;
    }

    return NGX_OK;
}


void
client_flush(client_t *c)
{
    client_send_raw(c, c->out, c->out_len);
    c->out_len = 0;
}


void
client_send_raw(client_t *c, const u_char *data, size_t len)
{
    if (c->conf.send) {
        c->sent_bytes += len;
        c->conf.send(c->conf.data, data, len);

    } else if (send(c->fd, data, len, 0) == (ssize_t) len) {
        c->sent_bytes += len;

    } else if (c->conf.trace) {
        perror("send");
    }
}


ngx_int_t
client_send(client_t *c, quic_packet_type_e type, const u_char *frames,
    size_t len)
{
    client_packet_t  p;

    client_packet(c, &p, type);

    if (client_add(c, &p, frames, len) != NGX_OK) {
        return NGX_ERROR;
    }

    client_flush(c);

    return NGX_OK;
}


ngx_int_t
client_send_hex(client_t *c, quic_packet_type_e type, const char *hex)
{
    u_char  frames[CLIENT_DATAGRAM / 2];

    return client_send(c, type, frames, client_hex(frames, hex));
}


u_char *
client_write_crypto(u_char *p, uint64_t offset, const u_char *data, size_t len)
{
    *p++ = QUIC_FT_CRYPTO;
    p = quic_varint_write(p, offset);
    p = quic_varint_write(p, len);

    return ngx_cpymem(p, data, len);
}


ngx_int_t
client_send_crypto(client_t *c, quic_level_e level, size_t from, size_t to)
{
    size_t              n;
    u_char             *end, frames[CLIENT_CRYPTO_PIECE + 32];
    client_crypto_t    *crypto;
    quic_packet_type_e  type;

    crypto = &c->crypto[level];
    type = (quic_packet_type_e) level;

    while (from < to) {
        n = ngx_min(to - from, CLIENT_CRYPTO_PIECE);
        end = client_write_crypto(frames, from, crypto->out + from, n);

        if (client_send(c, type, frames, end - frames) != NGX_OK) {
            return NGX_ERROR;
        }

        from += n;
    }

    return NGX_OK;
}


/* the ranges of what has come, ascending: how many */

static ngx_uint_t
client_ack_ranges(client_space_t *space, quic_range_t *ranges)
{
    uint64_t    pn, lowest;
    ngx_uint_t  n;

    n = 0;
    lowest = space->largest > CLIENT_ACK_WINDOW
             ? space->largest - CLIENT_ACK_WINDOW : 0;

    for (pn = lowest; pn <= space->largest && pn < CLIENT_PNS; pn++) {

        if (!space->received[pn]) {
            continue;
        }

        if (n && ranges[n - 1].end == pn) {
            ranges[n - 1].end++;

        } else if (n < CLIENT_ACK_RANGES) {
            ranges[n].start = pn;
            ranges[n].end = pn + 1;
            n++;
        }
    }

    return n;
}


/* RFC 9000, 8.2.2: in a datagram of full size */

static void
client_send_response(client_t *c)
{
    u_char           frame[9];
    client_packet_t  p;

    if (!c->challenged || c->conf.no_ack) {
        return;
    }

    c->challenged = 0;
    frame[0] = QUIC_FT_PATH_RESPONSE;
    ngx_memcpy(frame + 1, c->challenge, 8);

    client_packet(c, &p, QUIC_PACKET_1RTT);
    p.size = QUIC_MIN_INITIAL_SIZE;

    if (client_add(c, &p, frame, sizeof(frame)) == NGX_OK) {
        client_flush(c);
    }
}


void
client_answer(client_t *c)
{
    u_char           *end, frames[1000];
    ngx_uint_t        level, n;
    quic_range_t      ranges[CLIENT_ACK_RANGES];
    client_space_t   *space;

    client_send_response(c);

    for (level = 0; level < QUIC_LEVELS; level++) {
        space = &c->space[client_space(level)];

        if (!space->ack_due || level == QUIC_LEVEL_EARLY
            || !quic_keys_ready(&c->tx[level])
            || (c->hold && level == QUIC_LEVEL_HANDSHAKE)
            || (c->hold && level == QUIC_LEVEL_APP)
            || (c->conf.no_ack && level == QUIC_LEVEL_APP))
        {
            continue;
        }

        n = client_ack_ranges(space, ranges);

        if (n == 0) {
            continue;
        }

        end = quic_frame_write_ack(frames, frames + sizeof(frames), ranges, n,
                                   0, NULL);
        space->ack_due = 0;

        (void) client_send(c, (quic_packet_type_e) level, frames,
                           end - frames);
    }
}


ngx_int_t
client_update_keys(client_t *c)
{
    quic_keys_t  keys;

    ngx_memzero(&keys, sizeof(quic_keys_t));

    if (quic_keys_next(&keys, &c->tx[QUIC_LEVEL_APP]) != NGX_OK) {
        return NGX_ERROR;
    }

    quic_keys_clear(&c->tx[QUIC_LEVEL_APP]);
    c->tx[QUIC_LEVEL_APP] = keys;
    c->phase_tx ^= 1;

    return NGX_OK;
}


static ngx_uint_t
client_hex_digit(char ch)
{
    return ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10;
}


size_t
client_hex(u_char *p, const char *text)
{
    char    *end;
    u_char  *start, byte;
    long     n;

    start = p;

    while (*text) {

        if (*text == ' ') {
            text++;
            continue;
        }

        if (*text == '#') {
            p = quic_varint_write(p, strtoull(text + 1, &end, 10));
            text = end;
            continue;
        }

        byte = (u_char) (client_hex_digit(text[0]) << 4
                         | client_hex_digit(text[1]));
        text += 2;
        n = 1;

        if (*text == '*') {
            n = strtol(text + 1, &end, 10);
            text = end;
        }

        while (n--) {
            *p++ = byte;
        }
    }

    return p - start;
}
