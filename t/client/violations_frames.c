
/*
 * Frames: RFC 9000, sections 12.4 and 19, and what they are about: streams
 * (2 to 4), CRYPTO data (7.5), connection IDs (5.1).
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"


/*
 * RFC 9000, table 3, once more and from the RFC: in which packets a frame may
 * stand that a client sends.  The server takes no 0-RTT packets.
 */

typedef struct {
    uint64_t     type;
    const char  *name;
    const char  *packets;               /* of "IH1" */
    const char  *frame;                 /* one that is right, in hex */
    unsigned     cut:1;                 /* it ends where the packet does, so
                                           that only its type can be cut */
} violation_frame_t;


static const violation_frame_t  violation_frames[] = {
    { 0x00, "PADDING",              "IH1", "00*3", 0 },
    { 0x01, "PING",                 "IH1", "01", 0 },
    { 0x02, "ACK",                  "IH1", "02 00 00 00 00", 0 },
    { 0x03, "ACK with ECN",         "IH1", "03 00 00 00 00 00 00 00", 0 },
    { 0x04, "RESET_STREAM",         "1", "04 04 00 00", 0 },
    { 0x05, "STOP_SENDING",         "1", "05 04 00", 0 },
    { 0x06, "CRYPTO",               "IH1", "06 00 00", 0 },
    { 0x07, "NEW_TOKEN",            "", "07 01 aa", 0 },
    { 0x08, "STREAM",               "1", "08 04 2100", 1 },
    { 0x09, "STREAM FIN",           "1", "09 04 2100", 1 },
    { 0x0a, "STREAM LEN",           "1", "0a 04 02 2100", 0 },
    { 0x0b, "STREAM LEN FIN",       "1", "0b 04 02 2100", 0 },
    { 0x0c, "STREAM OFF",           "1", "0c 04 00 2100", 1 },
    { 0x0d, "STREAM OFF FIN",       "1", "0d 04 00 2100", 1 },
    { 0x0e, "STREAM OFF LEN",       "1", "0e 04 00 02 2100", 0 },
    { 0x0f, "STREAM OFF LEN FIN",   "1", "0f 04 00 02 2100", 0 },
    { 0x10, "MAX_DATA",             "1", "10 00", 0 },
    { 0x11, "MAX_STREAM_DATA",      "1", "11 04 00", 0 },
    { 0x12, "MAX_STREAMS bidi",     "1", "12 01", 0 },
    { 0x13, "MAX_STREAMS uni",      "1", "13 01", 0 },
    { 0x14, "DATA_BLOCKED",         "1", "14 00", 0 },
    { 0x15, "STREAM_DATA_BLOCKED",  "1", "15 04 00", 0 },
    { 0x16, "STREAMS_BLOCKED bidi", "1", "16 00", 0 },
    { 0x17, "STREAMS_BLOCKED uni",  "1", "17 00", 0 },
    { 0x18, "NEW_CONNECTION_ID",    "1", "18 01 00 08 11*8 22*16", 0 },
    { 0x19, "RETIRE_CONNECTION_ID", "1", "19 01", 0 },
    { 0x1a, "PATH_CHALLENGE",       "1", "1a 01*8", 0 },
    { 0x1b, "PATH_RESPONSE to nothing", "", "1b 01*8", 0 },
    { 0x1c, "CONNECTION_CLOSE",     "IH1", "1c 00 00 00", 0 },
    { 0x1d, "CONNECTION_CLOSE app", "1", "1d 00 00", 0 },
    { 0x1e, "HANDSHAKE_DONE",       "", "1e", 0 },
    { 0x1f, "IMMEDIATE_ACK",        "1", "1f", 0 },
    { 0xaf, "ACK_FREQUENCY",        "1", "40af 00 01 #25000 01", 0 },
    { 0x30, "DATAGRAM",             "", "30 00", 1 },
    { 0x31, "DATAGRAM LEN",         "", "31 01 00", 0 }
};

#define VIOLATION_FRAMES  (sizeof(violation_frames)                           \
                           / sizeof(violation_frames[0]))


typedef struct {
    client_state_e      state;
    quic_packet_type_e  type;
    char                letter;
} violation_place_t;


static const violation_place_t  violation_places[] = {
    { FIRST, 'I' },
    { INITIAL, 'I' },
    { INITIAL_LATE, 'I' },
    { HANDSHAKE, 'H' },
    { EARLY_1RTT, '1' },
    { ONE_RTT, '1' }
};

#define VIOLATION_PLACES  (sizeof(violation_places)                           \
                           / sizeof(violation_places[0]))


/* nothing has been sent yet that these could be about */

static ngx_uint_t
violation_too_early(const violation_frame_t *f, const violation_place_t *place)
{
    return (place->state == CLIENT_NEW && (f->type == QUIC_FT_ACK
                                           || f->type == QUIC_FT_ACK_ECN))
           || (place->state == CLIENT_HANDSHAKE
               && f->type == QUIC_FT_RETIRE_CONNECTION_ID);
}


/* a frame as it should be, behind a PING, in every type of packet */

static void
violation_matrix(const violation_frame_t *f, const violation_place_t *place)
{
    char         frames[256];
    violation_t  row;

    (void) snprintf(frames, sizeof(frames), "01 %s", f->frame);

    ngx_memzero(&row, sizeof(violation_t));

    row.rfc = "9000 12.4";
    row.name = f->name;
    row.state = place->state;
    row.type = place->type;
    row.frames = frames;

    if (strchr(f->packets, place->letter) == NULL
        || violation_too_early(f, place))
    {
        row.outcome = OUTCOME_CLOSE;
        row.error = QUIC_PROTOCOL_VIOLATION;
        row.frame_type = f->type;

    } else if (f->type == QUIC_FT_CONNECTION_CLOSE
               || f->type == QUIC_FT_CONNECTION_CLOSE_APP)
    {
        row.rfc = "9000 10.2.2";
        row.outcome = OUTCOME_DRAINS;

    } else {
        row.outcome = OUTCOME_ACCEPTED;
    }

    violation_run(&row);
}


/* ... and without its last byte */

static void
violation_truncated(const violation_frame_t *f, const violation_place_t *place)
{
    char         frames[256], name[64];
    u_char       bytes[64];
    size_t       i, len;
    violation_t  row;

    len = client_hex(bytes, f->frame);
    len = f->cut ? 1 : len - 1;

    if (f->type < QUIC_FT_ACK || len == 0 || f->type >= QUIC_FT_DATAGRAM) {
        return;
    }

    for (i = 0; i < len; i++) {
        (void) snprintf(frames + 2 * i, 3, "%02x", bytes[i]);
    }

    (void) snprintf(name, sizeof(name), "truncated %s", f->name);

    ngx_memzero(&row, sizeof(violation_t));

    row.rfc = "9000 12.4";
    row.name = name;
    row.state = place->state;
    row.type = place->type;
    row.frames = frames;
    row.outcome = OUTCOME_CLOSE;
    row.error = QUIC_FRAME_ENCODING_ERROR;
    row.frame_type = f->type;

    violation_run(&row);
}


/* the datagram is as long as it has to be, the packet isn't */

static void
violation_no_padding(client_t *c, client_packet_t *p)
{
    p->tail = p->size;
    p->size = 0;
}


/* to the connection's limit, a byte of each stream at its own, and beyond */

static ngx_int_t
violation_connection_limit(violation_run_t *r)
{
    size_t       len;
    u_char       frames[1100];
    uint64_t     limit, window, sum, id;
    client_t    *c;
    ngx_uint_t   n;

    c = r->client;
    limit = c->peer.initial_max_data;
    window = c->peer.initial_max_stream_data_bidi_remote;
    len = 0;
    n = 0;

    for (sum = 0, id = 0; sum <= limit; sum += window, id += 4) {

        if (++n > c->peer.initial_max_streams_bidi) {
            return NGX_ERROR;
        }

        frames[len++] = 0x0e;
        len = quic_varint_write(frames + len, id) - frames;
        len = quic_varint_write(frames + len, window - 1) - frames;
        frames[len++] = 1;
        frames[len++] = 'a';
    }

    return client_send(c, QUIC_PACKET_1RTT, frames, len);
}


/* the number that the server has left out shows as a hole */

static ngx_int_t
violation_ack_skipped(violation_run_t *r)
{
    u_char           frames[16], *p;
    uint64_t         pn;
    client_t        *c;
    ngx_uint_t       n;
    client_space_t  *space;

    c = r->client;
    space = &c->space[2];

    for (n = 0; n < 2000; n++) {

        if (client_ping(c) != NGX_OK) {
            return NGX_ERROR;
        }

        for (pn = 0; pn < space->largest; pn++) {

            if (space->received[pn]) {
                continue;
            }

            p = frames;
            *p++ = QUIC_FT_ACK;
            p = quic_varint_write(p, pn);
            *p++ = 0;
            *p++ = 0;
            *p++ = 0;

            return client_send(c, QUIC_PACKET_1RTT, frames, p - frames);
        }
    }

    return NGX_ERROR;
}


/* the same CRYPTO bytes twice, and the second time with others behind them */

static ngx_int_t
violation_crypto_beyond(violation_run_t *r)
{
    u_char            frames[1100], *p;
    client_t         *c;
    client_crypto_t  *crypto;

    c = r->client;
    crypto = &c->crypto[QUIC_LEVEL_INITIAL];

    p = client_write_crypto(frames, crypto->len, (u_char *) "\1\0\0\1", 4);

    return client_send(c, QUIC_PACKET_INITIAL, frames, p - frames);
}


static ngx_int_t
violation_crypto_again(violation_run_t *r)
{
    client_t  *c;

    c = r->client;
    r->pn = c->space[0].next_pn;

    return client_send_crypto(c, QUIC_LEVEL_INITIAL, 0,
                              c->crypto[QUIC_LEVEL_INITIAL].len);
}


/* Finished goes on and on, in order */

static ngx_int_t
violation_crypto_long(violation_run_t *r)
{
    u_char       frames[1100], data[1000], *p;
    client_t    *c;
    uint64_t     offset;

    c = r->client;
    ngx_memcpy(data, "\24\377\377\377", 4);

    for (offset = 0; offset < 1024 * 1024 && !c->close.n; offset += 1000) {

        p = client_write_crypto(frames, offset, data, 1000);
        ngx_memset(data, 0, 4);

        if (client_send(c, QUIC_PACKET_HANDSHAKE, frames, p - frames)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        (void) client_wait(c, client_is_closed, 1);
    }

    return NGX_OK;
}


static const violation_t  violation_rows_crypto[] = {
    { "9000 19.6", "CRYPTO beyond 2^62-1", INITIAL,
      "06 ffffffffffffffff 01 00", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x06) },
    { "9000 19.6", "CRYPTO beyond 2^62-1", HANDSHAKE,
      "06 ffffffffffffffff 01 00", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x06) },
    { "9000 19.6", "CRYPTO beyond 2^62-1", ONE_RTT,
      "06 ffffffffffffffff 01 00", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x06) },
    { "9000 7.5", "CRYPTO 1 MB ahead", INITIAL,
      "06 #1048576 01 00", CLOSES(QUIC_CRYPTO_BUFFER_EXCEEDED, 0x06) },
    { "9000 7.5", "CRYPTO 1 MB ahead", HANDSHAKE,
      "06 #1048576 01 00", CLOSES(QUIC_CRYPTO_BUFFER_EXCEEDED, 0x06) },
    { "9000 7.5", "CRYPTO 1 MB ahead", ONE_RTT,
      "06 #1048576 01 00", CLOSES(QUIC_CRYPTO_BUFFER_EXCEEDED, 0x06) },
    { "9000 7.5", "CRYPTO 4095 bytes ahead", HANDSHAKE,
      "06 #4095 01 00", ACCEPTED },
    { "9000 7.5", "CRYPTO 4095 bytes ahead", ONE_RTT,
      "06 #4095 01 00", ACCEPTED },
    { "9001 4.1.3", "CRYPTO behind the ClientHello", INITIAL_LATE,
      NULL, CLOSES(QUIC_PROTOCOL_VIOLATION, 0x06),
      SEND(violation_crypto_beyond) },
    { "9000 13.3", "ClientHello once more", INITIAL_LATE,
      NULL, ACCEPTED, SEND(violation_crypto_again) },
    { "9001 6", "TLS KeyUpdate", ONE_RTT,
      "06 00 05 18000001 00", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "9001 4.4", "TLS Certificate after the handshake", ONE_RTT,
      "06 00 08 0b000004 00000000", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "8446 4.6.1", "TLS NewSessionTicket", ONE_RTT,
      "06 00 04 04000000", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "8446 4.1.2", "TLS ClientHello after the handshake", ONE_RTT,
      "06 00 04 01000000", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "9001 8.3", "TLS EndOfEarlyData", HANDSHAKE,
      "06 00 04 05000000", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "8446 4.4.2", "TLS Certificate that nobody asked for", HANDSHAKE,
      "06 00 08 0b000004 00000000", CLOSES(QUIC_CRYPTO_ERROR(10), 0x06) },
    { "8446 4.4.4", "TLS Finished with a wrong MAC", HANDSHAKE,
      "06 00 24 14000020 00*32", CLOSES(QUIC_CRYPTO_ERROR(51), 0x06) },
    { "8446 4.4.4", "TLS Finished that is too short", HANDSHAKE,
      "06 00 05 14000001 00", CLOSES(QUIC_CRYPTO_ERROR(51), 0x06) },
    { "9000 7.5", "TLS message of 16 MB", HANDSHAKE, NULL,
      CLOSES(QUIC_CRYPTO_BUFFER_EXCEEDED, 0x06), SEND(violation_crypto_long) }
};


static const violation_t  violation_rows_frames[] = {

    /* what no packet may be without, and what no frame is */

    { "9000 12.4", "no frame", INITIAL, "",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0), SHAPE(violation_no_padding) },
    { "9000 12.4", "no frame", HANDSHAKE, "",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0) },
    { "9000 12.4", "no frame", ONE_RTT, "",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0) },
    { "9000 12.4", "frame of unknown type 0x20", INITIAL, "20",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x20) },
    { "9000 12.4", "frame of unknown type 0x20", HANDSHAKE, "20",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x20) },
    { "9000 12.4", "frame of unknown type 0x20", ONE_RTT, "20",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x20) },
    { "9000 12.4", "frame of unknown type 0x3f", ONE_RTT, "3f",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x3f) },
    { "9000 12.4", "frame of unknown type 2^62-1", ONE_RTT, "ff*8",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, QUIC_VARINT_MAX) },
    { "9000 12.4", "PING with a type of two bytes", INITIAL, "4001",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x01) },
    { "9000 12.4", "PING with a type of four bytes", HANDSHAKE, "80000001",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x01) },
    { "9000 12.4", "PADDING with a type of eight bytes", ONE_RTT,
      "c000000000000000", CLOSES(QUIC_PROTOCOL_VIOLATION, 0x00) },
    { "9000 12.4", "half of a frame type", ONE_RTT, "01 40",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x00) },

    /* ACK */

    { "9000 13.1", "ACK of what was never sent", INITIAL, "02 3f 00 00 00",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x02) },
    { "9000 13.1", "ACK of what was never sent", HANDSHAKE, "02 3f 00 00 00",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x02) },
    { "9000 13.1", "ACK of what was never sent", ONE_RTT,
      "02 #1000000 00 00 00", CLOSES(QUIC_PROTOCOL_VIOLATION, 0x02) },
    { "9000 13.1", "ACK of 2^62-1", ONE_RTT, "02 ff*8 00 00 ff*8",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x02) },
    { "9000 21.4", "ACK of a number that was left out", ONE_RTT, NULL,
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x02), SEND(violation_ack_skipped) },
    { "9000 19.3.1", "ACK whose first range goes below 0", INITIAL,
      "02 00 00 00 01", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3.1", "ACK whose first range goes below 0", ONE_RTT,
      "02 01 00 00 02", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3.1", "ACK whose gap goes below 0", ONE_RTT,
      "02 02 00 01 00 01 00", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3.1", "ACK whose second range goes below 0", ONE_RTT,
      "02 03 00 01 00 00 02", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3.1", "ACK with a range of 2^62-1", ONE_RTT,
      "02 02 00 01 00 ff*8 ff*8", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3", "ACK that promises 2^62-1 ranges", ONE_RTT,
      "02 02 00 ff*8 00", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x02) },
    { "9000 19.3", "ACK with the greatest delay", ONE_RTT,
      "02 00 ff*8 00 00", ACCEPTED },
    { "9000 19.3.2", "ACK with ECN counts beyond what was sent", ONE_RTT,
      "03 00 00 00 00 ff*8 ff*8 ff*8", ACCEPTED },

    /* streams that the client has no business with */

    { "9000 19.8", "STREAM on a stream of the server's alone", ONE_RTT,
      "0a 03 01 61", CLOSES(QUIC_STREAM_STATE_ERROR, 0x0a) },
    { "9000 19.8", "STREAM on a stream the server has not opened", ONE_RTT,
      "0a 01 01 61", CLOSES(QUIC_STREAM_STATE_ERROR, 0x0a) },
    { "9000 19.4", "RESET_STREAM of a stream of the server's alone", ONE_RTT,
      "04 03 00 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x04) },
    { "9000 19.4", "RESET_STREAM of a stream the server has not opened",
      ONE_RTT, "04 01 00 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x04) },
    { "9000 19.5", "STOP_SENDING on a stream of the client's alone", ONE_RTT,
      "05 02 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x05) },
    { "9000 19.5", "STOP_SENDING on a uni stream the server has not opened",
      ONE_RTT, "05 0f 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x05) },
    { "9000 19.5", "STOP_SENDING on a bidi stream the server has not opened",
      ONE_RTT, "05 01 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x05) },
    { "9000 19.10", "MAX_STREAM_DATA for a stream of the client's alone",
      ONE_RTT, "11 02 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x11) },
    { "9000 19.10", "MAX_STREAM_DATA, uni stream the server has not opened",
      ONE_RTT, "11 0f 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x11) },
    { "9000 19.10", "MAX_STREAM_DATA, bidi stream the server has not opened",
      ONE_RTT, "11 01 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x11) },
    { "9000 19.13", "STREAM_DATA_BLOCKED on a stream of the server's alone",
      ONE_RTT, "15 03 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x15) },
    { "9000 19.13", "STREAM_DATA_BLOCKED, stream the server has not opened",
      ONE_RTT, "15 01 00", CLOSES(QUIC_STREAM_STATE_ERROR, 0x15) },

    /* more streams than there may be: 128 and 16 */

    { "9000 4.6", "STREAM beyond the limit of bidi streams", ONE_RTT,
      "0a #512 01 61", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x0a) },
    { "9000 4.6", "STREAM beyond the limit of uni streams", ONE_RTT,
      "0a #66 01 61", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x0a) },
    { "9000 4.6", "STREAM with the greatest ID", ONE_RTT,
      "0a fffffffffffffffc 01 61", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x0a) },
    { "9000 4.6", "STREAM on the last bidi stream there may be", ONE_RTT,
      "0a #508 02 2100", ACCEPTED },
    { "9000 4.6", "STREAM on the last uni stream there may be", ONE_RTT,
      "0a #62 01 21", ACCEPTED },
    { "9000 4.6", "RESET_STREAM beyond the limit of streams", ONE_RTT,
      "04 #512 00 00", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x04) },
    { "9000 4.6", "STOP_SENDING beyond the limit of streams", ONE_RTT,
      "05 #512 00", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x05) },
    { "9000 4.6", "MAX_STREAM_DATA beyond the limit of streams", ONE_RTT,
      "11 #512 00", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x11) },
    { "9000 4.6", "STREAM_DATA_BLOCKED beyond the limit of streams", ONE_RTT,
      "15 #512 00", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x15) },
    { "9000 4.6", "STREAM_DATA_BLOCKED beyond the limit of uni streams",
      ONE_RTT, "15 #66 00", CLOSES(QUIC_STREAM_LIMIT_ERROR, 0x15) },

    /* flow control: 64 KB of a stream */

    { "9000 4.1", "STREAM one byte beyond the stream's limit", ONE_RTT,
      "0e 00 #65536 01 61", CLOSES(QUIC_FLOW_CONTROL_ERROR, 0x0e) },
    { "9000 4.1", "STREAM one byte beyond a uni stream's limit", ONE_RTT,
      "0e 02 #65536 01 61", CLOSES(QUIC_FLOW_CONTROL_ERROR, 0x0e) },
    { "9000 4.1", "STREAM up to the stream's limit", ONE_RTT,
      "0e 00 #65535 01 61", ACCEPTED },
    { "9000 4.1", "STREAM without data beyond the stream's limit", ONE_RTT,
      "0e 00 #65537 00", CLOSES(QUIC_FLOW_CONTROL_ERROR, 0x0e) },
    { "9000 4.5", "RESET_STREAM beyond the stream's limit", ONE_RTT,
      "04 00 00 #65537", CLOSES(QUIC_FLOW_CONTROL_ERROR, 0x04) },
    { "9000 4.1", "STREAM beyond the connection's limit", ONE_RTT,
      NULL, CLOSES(QUIC_FLOW_CONTROL_ERROR, 0x0e),
      SEND(violation_connection_limit) },
    { "9000 19.8", "STREAM beyond 2^62-1", ONE_RTT,
      "0e 00 ffffffffffffffff 01 61",
      CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x0e) },
    { "9000 4.1", "MAX_DATA that is lower than the limit", ONE_RTT,
      "10 01", ACCEPTED },
    { "9000 4.1", "MAX_STREAM_DATA that is lower than the limit", ONE_RTT,
      "11 00 01", ACCEPTED },
    { "9000 4.6", "MAX_STREAMS that is lower than the limit", ONE_RTT,
      "12 00 13 00", ACCEPTED },
    { "9000 19.9", "MAX_DATA of 2^62-1", ONE_RTT, "10 ff*8", ACCEPTED },
    { "9000 19.11", "MAX_STREAMS bidi over 2^60", ONE_RTT,
      "12 d000000000000001", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x12) },
    { "9000 19.11", "MAX_STREAMS uni over 2^60", ONE_RTT,
      "13 d000000000000001", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x13) },
    { "9000 19.11", "MAX_STREAMS of 2^60", ONE_RTT,
      "12 d000000000000000 13 d000000000000000", ACCEPTED },
    { "9000 19.14", "STREAMS_BLOCKED bidi over 2^60", ONE_RTT,
      "16 d000000000000001", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x16) },
    { "9000 19.14", "STREAMS_BLOCKED uni over 2^60", ONE_RTT,
      "17 d000000000000001", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x17) },
    { "9000 19.14", "STREAMS_BLOCKED of 2^60", ONE_RTT,
      "16 d000000000000000 17 d000000000000000", ACCEPTED },

    /* final size */

    { "9000 4.5", "STREAM behind the final size", ONE_RTT,
      "0f 00 00 02 2100 0e 00 02 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0e) },
    { "9000 4.5", "STREAM behind the final size, hole before", ONE_RTT,
      "0f 00 08 01 61 0e 00 09 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0e) },
    { "9000 4.5", "FIN below what was sent", ONE_RTT,
      "0e 00 08 01 61 0f 00 04 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0f) },
    { "9000 4.5", "second FIN elsewhere", ONE_RTT,
      "0f 00 08 01 61 0f 00 06 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0f) },
    { "9000 4.5", "second FIN at the same place", ONE_RTT,
      "0f 00 08 01 61 0f 00 08 01 61", ACCEPTED },
    { "9000 4.5", "RESET_STREAM below what was sent", ONE_RTT,
      "0e 00 08 01 61 04 00 00 08", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x04) },
    { "9000 4.5", "RESET_STREAM beyond the FIN", ONE_RTT,
      "0f 00 08 01 61 04 00 00 0a", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x04) },
    { "9000 4.5", "second RESET_STREAM with another size", ONE_RTT,
      "04 00 00 08 04 00 00 09", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x04) },
    { "9000 4.5", "second RESET_STREAM with the same size", ONE_RTT,
      "04 00 00 08 04 00 00 08", ACCEPTED },
    { "9000 4.5", "STREAM beyond the size of a RESET_STREAM", ONE_RTT,
      "04 00 00 08 0e 00 08 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0e) },
    { "9000 4.5", "FIN beyond the size of a RESET_STREAM", ONE_RTT,
      "04 00 00 08 0f 00 08 01 61", CLOSES(QUIC_FINAL_SIZE_ERROR, 0x0f) },
    { "9000 3.2", "STREAM below the size of a RESET_STREAM", ONE_RTT,
      "04 00 00 08 0e 00 00 01 61", ACCEPTED },
    { "9000 3.5", "second STOP_SENDING", ONE_RTT, "05 00 01 05 00 02",
      ACCEPTED },

    /* connection IDs */

    { "9000 19.15", "NEW_CONNECTION_ID of no bytes", ONE_RTT,
      "18 01 00 00 22*16", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID of 21 bytes", ONE_RTT,
      "18 01 00 15 11*21 22*16", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID of 20 bytes", ONE_RTT,
      "18 01 00 14 11*20 22*16", ACCEPTED },
    { "9000 19.15", "NEW_CONNECTION_ID that retires itself", ONE_RTT,
      "18 01 02 08 11*8 22*16", CLOSES(QUIC_FRAME_ENCODING_ERROR, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID, number used twice", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 01 00 08 12*8 22*16",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID, ID used twice", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 02 01 08 11*8 22*16",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID, other token for the same", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 01 00 08 11*8 23*16",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x18) },
    { "9000 19.15", "NEW_CONNECTION_ID twice the same", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 01 00 08 11*8 22*16", ACCEPTED },
    { "9000 5.1.1", "more NEW_CONNECTION_ID than allowed", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 02 00 08 12*8 22*16",
      CLOSES(QUIC_CONNECTION_ID_LIMIT_ERROR, 0x18) },
    { "9000 5.1.1", "NEW_CONNECTION_ID in place of the one before", ONE_RTT,
      "18 01 00 08 11*8 22*16 18 02 01 08 12*8 22*16", ACCEPTED },
    { "9000 19.15", "NEW_CONNECTION_ID with a smaller Retire Prior To",
      ONE_RTT, "18 02 01 08 11*8 22*16 18 03 00 08 12*8 22*16", ACCEPTED },
    { "9000 19.15", "NEW_CONNECTION_ID that was retired before", ONE_RTT,
      "18 03 02 08 11*8 22*16 18 01 00 08 12*8 22*16", ACCEPTED },
    { "9000 19.15", "NEW_CONNECTION_ID of a client without one", ONE_RTT,
      "18 01 00 08 11*8 22*16", CLOSES(QUIC_PROTOCOL_VIOLATION, 0x18),
      .conf = { .empty_scid = 1 } },
    { "9000 19.16", "RETIRE_CONNECTION_ID that was never issued", ONE_RTT,
      "19 3f", CLOSES(QUIC_PROTOCOL_VIOLATION, 0x19) },
    { "9000 19.16", "RETIRE_CONNECTION_ID of the packet's own", ONE_RTT,
      "19 00", CLOSES(QUIC_PROTOCOL_VIOLATION, 0x19) },
    { "9000 19.16", "RETIRE_CONNECTION_ID twice", ONE_RTT,
      "19 01 19 01", ACCEPTED }
};


void
violations_frames(void)
{
    ngx_uint_t                i, n;
    const violation_frame_t  *f;

    for (i = 0; i < VIOLATION_FRAMES; i++) {
        f = &violation_frames[i];

        for (n = 0; n < VIOLATION_PLACES; n++) {
            violation_matrix(f, &violation_places[n]);
        }
    }

    for (i = 0; i < VIOLATION_FRAMES; i++) {
        f = &violation_frames[i];

        violation_truncated(f, &violation_places[VIOLATION_PLACES - 1]);

        if (strchr(f->packets, 'I')) {
            violation_truncated(f, &violation_places[1]);
            violation_truncated(f, &violation_places[3]);
        }
    }

    VIOLATIONS(violation_rows_crypto);
    VIOLATIONS(violation_rows_frames);
}
