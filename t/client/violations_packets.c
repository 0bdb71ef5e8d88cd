
/*
 * Packets: RFC 9000, sections 5, 12, 14 and 17; their keys: RFC 9001, sections
 * 5 and 6; the end of a connection: RFC 9000, section 10.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "violations.h"


#define VIOLATION_SILENCE  100      /* milliseconds */
#define VIOLATION_IDLE     3000

/* max_ack_delay of 2^14 - 1 ms: what lasts for 3 PTO outlasts any pause here */
#define LONG_PTO           .conf = { .params = "0b 02 7fff" }


/* what is changed of a packet that would be right */

static void
shape_reserved(client_t *c, client_packet_t *p)
{
    p->flip = (p->type == QUIC_PACKET_1RTT) ? QUIC_SHORT_RESERVED
                                            : QUIC_LONG_RESERVED;
}


static void
shape_reserved_spoilt(client_t *c, client_packet_t *p)
{
    shape_reserved(c, p);
    p->spoil = 1;
}


static void
shape_fixed_bit(client_t *c, client_packet_t *p)
{
    p->flip = QUIC_FIXED_BIT;
}


static void
shape_spoilt(client_t *c, client_packet_t *p)
{
    p->spoil = 1;
}


static void
shape_dcid(client_t *c, client_packet_t *p)
{
    p->dcid.data[0] ^= 1;
}


static void
shape_scid(client_t *c, client_packet_t *p)
{
    p->scid.data[0] ^= 1;
}


static void
shape_version_2(client_t *c, client_packet_t *p)
{
    p->version = QUIC_VERSION_2;
}


static void
shape_version_unknown(client_t *c, client_packet_t *p)
{
    p->version = 0x1a2a3a4a;
}


static void
shape_1199(client_t *c, client_packet_t *p)
{
    p->size = QUIC_MIN_INITIAL_SIZE - 1;
}


static void
shape_length_long(client_t *c, client_packet_t *p)
{
    p->lie = 1;
}


static void
shape_length_short(client_t *c, client_packet_t *p)
{
    p->lie = -1;
}


static void
shape_unpadded(client_t *c, client_packet_t *p)
{
    p->size = 0;
}


static void
shape_early(client_t *c, client_packet_t *p)
{
    p->keys = &c->tx[QUIC_LEVEL_INITIAL];
}


static void
shape_phase(client_t *c, client_packet_t *p)
{
    p->key_phase ^= 1;
}


static void
shape_spin(client_t *c, client_packet_t *p)
{
    p->spin = 1;
}


static void
shape_pn_1(client_t *c, client_packet_t *p)
{
    p->pn_len = 1;
}


static void
shape_pn_2(client_t *c, client_packet_t *p)
{
    p->pn_len = 2;
}


static void
shape_pn_3(client_t *c, client_packet_t *p)
{
    p->pn_len = 3;
}


static void
shape_pn_ahead(client_t *c, client_packet_t *p)
{
    p->pn = 60000;
    c->space[client_space(client_level[p->type])].next_pn = 60001;
}


static void
shape_token(client_t *c, client_packet_t *p)
{
    static u_char  token[] = "an address token that nobody has ever issued";

    p->token.data = token;
    p->token.len = sizeof(token) - 1;
}


/* the connection ID that the server has issued last */

static void
shape_new_cid(client_t *c, client_packet_t *p)
{
    if (c->ncids) {
        p->dcid = c->cids[c->ncids - 1].cid;
    }
}


/* packets whose number was used: the second one has to go unread */

static ngx_int_t
send_twice(violation_run_t *r)
{
    size_t              len;
    u_char              frames[16];
    client_t           *c;
    client_packet_t     p;

    c = r->client;
    r->pn = c->space[2].next_pn;

    if (client_ping(c) != NGX_OK) {
        return NGX_ERROR;
    }

    client_packet(c, &p, QUIC_PACKET_1RTT);
    p.pn = r->pn;
    len = client_hex(frames, r->row->frames);

    if (client_add(c, &p, frames, len) != NGX_OK) {
        return NGX_ERROR;
    }

    client_flush(c);

    return NGX_OK;
}


/* the second packet of the datagram is for another connection */

static ngx_int_t
send_coalesced_other(violation_run_t *r)
{
    u_char           ping;
    client_t        *c;
    client_packet_t  p;

    c = r->client;
    ping = QUIC_FT_PING;

    client_packet(c, &p, QUIC_PACKET_INITIAL);
    p.size = 600;

    if (client_add(c, &p, &ping, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    client_packet(c, &p, QUIC_PACKET_INITIAL);
    p.dcid.data[0] ^= 1;
    r->pn = p.pn = c->space[0].next_pn++;

    if (client_add(c, &p, &ping, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    client_flush(c);

    return NGX_OK;
}


/* a packet that can't be opened before one that is right */

static ngx_int_t
send_coalesced_spoilt(violation_run_t *r)
{
    u_char           ping;
    client_t        *c;
    client_packet_t  p;

    c = r->client;
    ping = QUIC_FT_PING;

    client_packet(c, &p, QUIC_PACKET_INITIAL);
    p.size = 600;
    p.spoil = 1;

    if (client_add(c, &p, &ping, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    client_packet(c, &p, QUIC_PACKET_INITIAL);
    r->pn = p.pn = c->space[0].next_pn++;

    if (client_add(c, &p, &ping, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    client_flush(c);

    return NGX_OK;
}


/* Keys */

static ngx_int_t
send_key_update(violation_run_t *r)
{
    r->pn = r->client->space[2].next_pn;

    if (client_update_keys(r->client) != NGX_OK) {
        return NGX_ERROR;
    }

    /* 6.2: an answer comes with the next keys, too */

    if (client_ping(r->client) != NGX_OK
        || r->client->phase_rx != r->client->phase_tx)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* three of them, each when the one before was acknowledged */

static ngx_int_t
send_key_updates(violation_run_t *r)
{
    return send_key_update(r) == NGX_OK && send_key_update(r) == NGX_OK
           ? send_key_update(r) : NGX_ERROR;
}


/* PADDING asks for no ACK, so that none can come between the two */

static ngx_int_t
send_key_update_twice(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (client_update_keys(c) != NGX_OK
        || client_send_hex(c, QUIC_PACKET_1RTT, "00") != NGX_OK
        || client_update_keys(c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return client_send_hex(c, QUIC_PACKET_1RTT, "00");
}


/* a packet of the phase before: with a number from before the update or not */

static ngx_int_t
send_old_keys(violation_run_t *r, ngx_uint_t late)
{
    u_char           ping;
    uint64_t         pn;
    client_t        *c;
    ngx_int_t        rc;
    quic_keys_t      old;
    client_packet_t  p;

    c = r->client;
    ping = QUIC_FT_PING;
    pn = c->space[2].next_pn;

    ngx_memzero(&old, sizeof(quic_keys_t));

    if (quic_keys_set(&old, c->tx[QUIC_LEVEL_APP].suite, c->version,
                      c->tx[QUIC_LEVEL_APP].secret,
                      c->tx[QUIC_LEVEL_APP].suite->id == 0x1302 ? 48 : 32)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    c->space[2].next_pn += late;

    if (client_update_keys(c) != NGX_OK || client_ping(c) != NGX_OK) {
        return NGX_ERROR;
    }

    client_packet(c, &p, QUIC_PACKET_1RTT);
    p.keys = &old;
    p.key_phase ^= 1;
    p.pn = late ? pn : c->space[2].next_pn++;
    r->pn = p.pn;

    rc = client_add(c, &p, &ping, 1);
    client_flush(c);
    quic_keys_clear(&old);

    return rc;
}


/* the packets that were sent after this number had the keys of before */

static ngx_int_t
send_new_keys_low(violation_run_t *r)
{
    u_char           ping;
    client_t        *c;
    client_packet_t  p;

    c = r->client;
    ping = QUIC_FT_PING;
    r->pn = c->space[2].next_pn++;

    if (client_ping(c) != NGX_OK || client_update_keys(c) != NGX_OK) {
        return NGX_ERROR;
    }

    client_packet(c, &p, QUIC_PACKET_1RTT);
    p.pn = r->pn;

    if (client_add(c, &p, &ping, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    client_flush(c);

    return NGX_OK;
}


static ngx_int_t
send_old_keys_late(violation_run_t *r)
{
    return send_old_keys(r, 1);
}


static ngx_int_t
send_old_keys_again(violation_run_t *r)
{
    return send_old_keys(r, 0);
}


/* Connection IDs */

/* the first one is retired in a packet to the second, which is used then */

static ngx_int_t
send_retire_first(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (c->ncids == 0) {
        return NGX_ERROR;
    }

    c->dcid = c->cids[c->ncids - 1].cid;
    r->pn = c->space[2].next_pn;

    return client_send_hex(c, QUIC_PACKET_1RTT, "19 00");
}


/* an ID that was retired already is retired in return */

static ngx_int_t
send_retired_cid(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (client_send_hex(c, QUIC_PACKET_1RTT,
                        "18 03 02 08 11*8 22*16 18 01 00 08 12*8 22*16")
        != NGX_OK
        || client_goes_on(c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    violation_found(r, "retired: %xL", c->retired);

    return NGX_OK;
}


/* Paths */

static ngx_int_t
send_challenge(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (client_send_hex(c, QUIC_PACKET_1RTT, r->row->frames) != NGX_OK
        || client_goes_on(c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    violation_found(r, "%ui PATH_RESPONSE %02xd in a datagram of %uz",
                    c->frames[QUIC_FT_PATH_RESPONSE], c->path_response[0],
                    ngx_min(c->frame_size[QUIC_FT_PATH_RESPONSE], 1200));

    return NGX_OK;
}


/* from another port, a full datagram: a NAT has forgotten the client */

static ngx_int_t
send_from_elsewhere(violation_run_t *r)
{
    if (client_rebind(r->client, r->client->conf.addr) != NGX_OK) {
        return NGX_ERROR;
    }

    return violation_send(r);
}


static void
shape_full(client_t *c, client_packet_t *p)
{
    p->size = QUIC_MIN_INITIAL_SIZE;
}


static ngx_int_t
send_challenge_elsewhere(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (send_from_elsewhere(r) != NGX_OK || client_goes_on(c) != NGX_OK) {
        return NGX_ERROR;
    }

    violation_found(r, "%ui PATH_RESPONSE in %uz, %s PATH_CHALLENGE in %uz",
                    c->frames[QUIC_FT_PATH_RESPONSE],
                    ngx_min(c->frame_size[QUIC_FT_PATH_RESPONSE], 1200),
                    c->frames[QUIC_FT_PATH_CHALLENGE] ? "some" : "no",
                    ngx_min(c->frame_size[QUIC_FT_PATH_CHALLENGE], 1200));

    return NGX_OK;
}


/* Streams */

/* RFC 9000, 3.5: STOP_SENDING is answered with its code */

static ngx_int_t
send_stop(violation_run_t *r)
{
    u_char            frame[16], *p;
    client_t         *c;
    client_stream_t  *s;

    c = r->client;

    if (client_get(c, "/big") != NGX_OK) {
        return NGX_ERROR;
    }

    p = frame;
    *p++ = QUIC_FT_STOP_SENDING;
    p = quic_varint_write(p, c->want);
    p = quic_varint_write(p, 0x1234);

    if (client_send(c, QUIC_PACKET_1RTT, frame, p - frame) != NGX_OK
        || client_wait(c, client_is_answered, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s = client_stream(c, c->want);

    violation_found(r, "%s %xL", s->reset ? "RESET_STREAM" : "FIN", s->error);

    return NGX_OK;
}


/* of which nothing needs to be known any more: client_request()'s first */

static ngx_int_t
send_to_ended_stream(violation_run_t *r)
{
    if (client_request(r->client) != NGX_OK
        || client_ping(r->client) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return violation_send(r);
}


/* RFC 9001, 5.7 */

static ngx_int_t
send_early_request(violation_run_t *r)
{
    client_t         *c;
    uint64_t          early;
    client_stream_t  *s;

    c = r->client;

    if (client_get(c, "/") != NGX_OK) {
        return NGX_ERROR;
    }

    (void) client_wait(c, client_never, VIOLATION_SILENCE);

    s = client_stream(c, c->want);
    early = s->received + c->frames[QUIC_FT_HANDSHAKE_DONE];

    if (client_finish(c) != NGX_OK
        || client_wait(c, client_is_answered, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    violation_found(r, "%s before Finished, %s after it",
                    early ? "something" : "nothing",
                    client_is_200(s) ? "200" : "no 200");

    return NGX_OK;
}


/* What the server has sent so far */

static ngx_int_t
find_initial_size(violation_run_t *r)
{
    violation_found(r, "a datagram of %s than 1200 bytes",
                    r->client->least_initial < 1200 ? "less" : "no less");

    return NGX_OK;
}


static ngx_int_t
find_cids(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (client_goes_on(c) != NGX_OK) {
        return NGX_ERROR;
    }

    violation_found(r, "%ui NEW_CONNECTION_ID", c->ncids);

    return NGX_OK;
}


static ngx_int_t
find_used_cid(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (violation_send(r) != NGX_OK || client_goes_on(c) != NGX_OK) {
        return NGX_ERROR;
    }

    violation_found(r, "packets to %02xd*%ui, retired: %xL",
                    c->used.data[0], c->used.len, c->retired);

    return NGX_OK;
}


/* The end */

static ngx_uint_t
is_reset(client_t *c)
{
    return c->resets != 0;
}


/* RFC 9000, 10.1: the smaller timeout of both, and not a word */

static ngx_int_t
send_after_idle(violation_run_t *r)
{
    uint64_t   datagrams;
    client_t  *c;

    c = r->client;

    (void) client_wait(c, client_never, VIOLATION_SILENCE);
    datagrams = c->datagrams;
    (void) client_wait(c, client_never, VIOLATION_IDLE);
    datagrams = c->datagrams - datagrams;

    (void) client_send_hex(c, QUIC_PACKET_1RTT, "01 00*40");

    violation_found(r, "%uL datagrams, then %s", datagrams,
                    client_wait(c, is_reset, CLIENT_TIMEOUT) == NGX_OK
                    ? "a stateless reset" : "nothing");

    return NGX_OK;
}


/*
 * RFC 9000, 10.2.1: answers, but with ever more packets between them, as long as
 * the connection is closing: 3 PTO, with the max_ack_delay that is asked for
 */

static ngx_int_t
send_while_closing(violation_run_t *r)
{
    client_t    *c;
    ngx_uint_t   i;

    c = r->client;

    if (client_send_hex(c, QUIC_PACKET_1RTT, "1e") != NGX_OK
        || client_wait(c, client_is_closed, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < 100; i++) {
        (void) client_send_hex(c, QUIC_PACKET_1RTT, "01");
        (void) client_wait(c, client_never, 1);
    }

    (void) client_wait(c, client_never, VIOLATION_SILENCE);

    violation_found(r, "%s answers to 100 packets",
                    c->close.datagrams < 3 ? "too few"
                    : c->close.datagrams > 10 ? "too many" : "some");

    return NGX_OK;
}


/* Datagrams that belong to no connection */

static ngx_uint_t
has_versions(client_t *c)
{
    return c->vn.len;
}


static ngx_int_t
send_unknown_version(violation_run_t *r)
{
    size_t     len;
    u_char     data[2 * CLIENT_DATAGRAM];
    client_t  *c;

    c = r->client;
    len = client_hex(data, r->row->frames);

    client_send_raw(c, data, len);

    if (client_wait(c, has_versions, CLIENT_TIMEOUT) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) client_wait(c, client_never, VIOLATION_SILENCE);

    violation_found(r, "%uL datagram: Version Negotiation"
                    " to %02xd*%ui from %02xd*%ui, %08xD %08xD",
                    c->datagrams, c->vn_dcid.data[0], c->vn_dcid.len,
                    c->vn_scid.data[0], c->vn_scid.len,
                    ntohl(*(uint32_t *) c->vn.data),
                    ntohl(*(uint32_t *) (c->vn.data + 4)));

    return NGX_OK;
}


static ngx_int_t
send_raw_frames(violation_run_t *r)
{
    size_t       len;
    u_char       data[2 * CLIENT_DATAGRAM];
    client_t    *c;
    ngx_uint_t   n;

    c = r->client;
    len = client_hex(data, r->row->frames);

    client_send_raw(c, data, len);
    (void) client_wait(c, client_never, VIOLATION_SILENCE);

    n = c->datagrams;

    violation_found(r, "%ui datagrams, then it %s", n,
                    client_goes_on(c) == NGX_OK ? "goes on" : "fails");

    return NGX_OK;
}


#define NOTHING  FINDS("0 datagrams, then it goes on")
#define RAW      .send = send_raw_frames
#define UNKNOWN  .send = send_unknown_version


static const violation_t  violation_rows_datagrams[] = {
    { "8999 5.2", "short header for nobody, 1200 bytes", FIRST,
      "40 11*1199", NOTHING, RAW },
    { "9000 10.3", "datagram of no bytes", FIRST, "", NOTHING, RAW },
    { "9000 10.3", "short header, one byte", FIRST, "40", NOTHING, RAW },
    { "9000 10.3", "short header, 20 bytes", FIRST, "40 11*19", NOTHING,
      RAW },
    { "9000 17", "fixed bit 0 in a short header", FIRST, "00 11*1199",
      NOTHING, RAW },
    { "9000 17.2", "long header, one byte", FIRST, "c0", NOTHING, RAW },
    { "9000 17.2", "long header, cut in the version", FIRST, "c0 000000",
      NOTHING, RAW },
    { "9000 17.2", "long header, cut in the DCID", FIRST,
      "c0 00000001 14 11*10", NOTHING, RAW },
    { "9000 17.2", "Initial, DCID of 21 bytes", FIRST,
      "c0 00000001 15 11*21 00 00 4400 00*1170", NOTHING, RAW },
    { "9000 17.2", "Initial, SCID of 21 bytes", FIRST,
      "c0 00000001 08 11*8 15 22*21 00 4400 00*1170", NOTHING, RAW },
    { "9000 7.2", "Initial, DCID of 7 bytes", FIRST,
      "c0 00000001 07 11*7 00 00 4400 00*1180", NOTHING, RAW },
    { "9000 17.2.2", "Initial, token beyond the datagram", FIRST,
      "c0 00000001 08 11*8 00 7fff 00*1180", NOTHING, RAW },
    { "9000 17.2.2", "Initial, Length beyond the datagram", FIRST,
      "c0 00000001 08 11*8 00 00 7fff 00*1180", NOTHING, RAW },
    { "9000 17.2.2", "Initial, Length 0", FIRST,
      "c0 00000001 08 11*8 00 00 00 00*1180", NOTHING, RAW },
    { "9000 17.2", "Initial, fixed bit 0", FIRST,
      "80 00000001 08 11*8 00 00 4400 00*1180", NOTHING, RAW },
    { "9000 5.2.2", "0-RTT for nobody", FIRST,
      "d0 00000001 08 11*8 00 4400 00*1180", NOTHING, RAW },
    { "9000 5.2.2", "Handshake for nobody", FIRST,
      "e0 00000001 08 11*8 00 4400 00*1180", NOTHING, RAW },
    { "9000 17.2.5", "Retry", FIRST,
      "f0 00000001 08 11*8 08 22*8 33*1180", NOTHING, RAW },
    { "9000 6.1", "Version Negotiation", FIRST,
      "c0 00000000 08 11*8 08 22*8 00000001 1a2a3a4a 00*1180", NOTHING, RAW },
    { "9000 5.2.2", "unknown version, 1199 bytes", FIRST,
      "c0 1a2a3a4a 08 11*8 08 22*8 00*1176", NOTHING, RAW },
    { "9000 6.1", "unknown version, 1200 bytes", FIRST,
      "c0 1a2a3a4a 08 11*8 08 22*8 00*1177",
      FINDS("1 datagram: Version Negotiation to 22*8 from 11*8,"
            " 00000001 6b3343cf"), UNKNOWN },
    { "9000 17.2", "unknown version, fixed bit 0", FIRST,
      "80 1a2a3a4a 08 11*8 08 22*8 00*1177",
      FINDS("1 datagram: Version Negotiation to 22*8 from 11*8,"
            " 00000001 6b3343cf"), UNKNOWN },
    { "8999 6", "unknown version, connection IDs of 255 bytes", FIRST,
      "c0 1a2a3a4a ff 11*255 ff 22*255 00*700",
      FINDS("1 datagram: Version Negotiation to 22*20 from 11*20,"
            " 00000001 6b3343cf"), UNKNOWN }
};


static const violation_t  violation_rows_packets[] = {

    /* header bits */

    { "9000 17.2", "reserved bits", FIRST, "01",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0), SHAPE(shape_reserved) },
    { "9000 17.2", "reserved bits", INITIAL, "01",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0), SHAPE(shape_reserved) },
    { "9000 17.2", "reserved bits", HANDSHAKE, "01",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0), SHAPE(shape_reserved),
      .levels = ALL_LEVELS },
    { "9000 17.3.1", "reserved bits", ONE_RTT, "01",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0), SHAPE(shape_reserved) },
    { "9000 17.2", "reserved bits, not authentic", INITIAL, "1e",
      DROPPED, SHAPE(shape_reserved_spoilt) },
    { "9000 17.2", "reserved bits, not authentic", HANDSHAKE, "1e",
      DROPPED, SHAPE(shape_reserved_spoilt) },
    { "9000 17.3.1", "reserved bits, not authentic", ONE_RTT, "1e",
      DROPPED, SHAPE(shape_reserved_spoilt) },
    { "9000 17.2", "fixed bit 0", FIRST, "1e",
      DROPPED, SHAPE(shape_fixed_bit) },
    { "9000 17.2", "fixed bit 0", INITIAL, "1e",
      DROPPED, SHAPE(shape_fixed_bit) },
    { "9287 3", "fixed bit 0", HANDSHAKE, "01",
      ACCEPTED, SHAPE(shape_fixed_bit) },
    { "9287 3", "fixed bit 0", ONE_RTT, "01",
      ACCEPTED, SHAPE(shape_fixed_bit) },
    { "9000 17.4", "spin bit", ONE_RTT, "01", ACCEPTED, SHAPE(shape_spin) },

    /* what isn't authentic */

    { "9001 5.2", "wrong tag", FIRST, "1e", DROPPED, SHAPE(shape_spoilt) },
    { "9001 5.2", "wrong tag", INITIAL, "1e", DROPPED, SHAPE(shape_spoilt) },
    { "9001 5.5", "wrong tag", HANDSHAKE, "1e", DROPPED,
      SHAPE(shape_spoilt) },
    { "9001 5.5", "wrong tag", ONE_RTT, "1e", DROPPED, SHAPE(shape_spoilt) },
    { "9001 5.6", "0-RTT that nobody asked for", CLIENT_INITIAL,
      QUIC_PACKET_0RTT, "1e", DROPPED, SHAPE(shape_early) },
    { "9001 5.6", "0-RTT that nobody asked for", CLIENT_HANDSHAKE,
      QUIC_PACKET_0RTT, "1e", DROPPED, SHAPE(shape_early) },
    { "9001 4.9.3", "0-RTT after the handshake", CLIENT_ESTABLISHED,
      QUIC_PACKET_0RTT, "1e", DROPPED, SHAPE(shape_early) },

    /* keys that are gone */

    { "9001 4.9.1", "HANDSHAKE_DONE", CLIENT_ESTABLISHED,
      QUIC_PACKET_INITIAL, "1e", DROPPED },
    { "9001 4.9.2", "HANDSHAKE_DONE", CLIENT_ESTABLISHED,
      QUIC_PACKET_HANDSHAKE, "1e", DROPPED },

    /* connection IDs, versions, lengths */

    { "9000 5.2.2", "other DCID", INITIAL, "1e", DROPPED, SHAPE(shape_dcid) },
    { "9000 5.2.2", "other DCID", HANDSHAKE, "1e", DROPPED,
      SHAPE(shape_dcid) },
    { "9000 5.2.2", "other DCID", ONE_RTT, "1e", DROPPED, SHAPE(shape_dcid) },
    { "9000 7.2", "other SCID", INITIAL, "1e", DROPPED, SHAPE(shape_scid) },
    { "9000 5.2", "version 2 within version 1", INITIAL, "1e",
      DROPPED, SHAPE(shape_version_2) },
    { "9000 5.2", "version 2 within version 1", HANDSHAKE, "1e",
      DROPPED, SHAPE(shape_version_2) },
    { "9000 5.2", "unknown version", INITIAL, "1e",
      DROPPED, SHAPE(shape_version_unknown) },
    { "9000 5.2", "unknown version", HANDSHAKE, "1e",
      DROPPED, SHAPE(shape_version_unknown) },
    { "9000 14.1", "datagram of 1199 bytes", FIRST, "1e",
      DROPPED, SHAPE(shape_1199) },
    { "9000 14.1", "datagram of 1199 bytes", INITIAL, "1e",
      DROPPED, SHAPE(shape_1199) },
    { "9000 14.1", "unpadded datagram", INITIAL, "1e",
      DROPPED, SHAPE(shape_unpadded) },
    { "9000 17.2", "Length of one byte too many", INITIAL, "1e",
      DROPPED, SHAPE(shape_length_long) },
    { "9000 17.2", "Length of one byte too many", HANDSHAKE, "1e",
      DROPPED, SHAPE(shape_length_long) },
    { "9000 17.2", "Length of one byte too few", INITIAL, "1e",
      DROPPED, SHAPE(shape_length_short) },
    { "9000 17.2", "Length of one byte too few", HANDSHAKE, "1e",
      DROPPED, SHAPE(shape_length_short) },
    { "9000 8.1.3", "token of nobody's", FIRST, "01",
      ACCEPTED, SHAPE(shape_token) },
    { "9000 12.2", "packet for another connection, coalesced", INITIAL, NULL,
      DROPPED, SEND(send_coalesced_other) },
    { "9000 12.2", "packet behind one that isn't authentic", INITIAL, NULL,
      ACCEPTED, SEND(send_coalesced_spoilt) },

    /* packet numbers */

    { "9000 17.1", "packet number of one byte", ONE_RTT, "01 00*3",
      ACCEPTED, SHAPE(shape_pn_1) },
    { "9000 17.1", "packet number of two bytes", ONE_RTT, "01 00*3",
      ACCEPTED, SHAPE(shape_pn_2) },
    { "9000 17.1", "packet number of three bytes", ONE_RTT, "01 00*3",
      ACCEPTED, SHAPE(shape_pn_3) },
    { "9000 17.1", "packet number 60000", ONE_RTT, "01",
      ACCEPTED, SHAPE(shape_pn_ahead) },
    { "9000 12.3", "packet number twice, HANDSHAKE_DONE", ONE_RTT, "1e",
      ACCEPTED, SEND(send_twice) },

    /* key updates */

    { "9001 6.2", "key update", ONE_RTT, NULL, ACCEPTED,
      SEND(send_key_update) },
    { "9001 6.2", "three key updates", ONE_RTT, NULL, ACCEPTED,
      SEND(send_key_updates) },
    { "9001 6.2", "second key update before an ACK", ONE_RTT, NULL,
      CLOSES(QUIC_KEY_UPDATE_ERROR, 0), SEND(send_key_update_twice) },
    { "9001 6.3", "next phase, but the same keys", ONE_RTT, "1e", DROPPED,
      SHAPE(shape_phase) },
    { "9001 6.4", "keys of before, number of after the update", ONE_RTT,
      NULL, DROPPED, SEND(send_old_keys_again) },
    { "9001 6.4", "new keys, number of before the update", ONE_RTT,
      NULL, CLOSES(QUIC_KEY_UPDATE_ERROR, 0), SEND(send_new_keys_low) },
    { "9001 6.5", "keys of before, number of before the update", ONE_RTT,
      NULL, ACCEPTED, SEND(send_old_keys_late), LONG_PTO },

    /* connection IDs of the server's */

    { "9000 5.1.1", "connection ID that was issued", ONE_RTT, "01",
      ACCEPTED, SHAPE(shape_new_cid) },
    { "9000 5.1.2", "RETIRE_CONNECTION_ID of the first", ONE_RTT, NULL,
      ACCEPTED, SEND(send_retire_first) },
    { "9000 19.15", "NEW_CONNECTION_ID that was retired before", ONE_RTT,
      NULL, FINDS("retired: 3"), SEND(send_retired_cid) },

    /* paths */

    { "9000 8.2.2", "PATH_CHALLENGE", ONE_RTT, "1a 61*8",
      FINDS("1 PATH_RESPONSE 61 in a datagram of 1200"),
      SEND(send_challenge) },
    { "9000 8.2.2", "two PATH_CHALLENGE", ONE_RTT, "1a 61*8 1a 62*8",
      FINDS("1 PATH_RESPONSE 62 in a datagram of 1200"),
      SEND(send_challenge) },

    { "9000 9.3", "PING from another port", ONE_RTT, "01", ACCEPTED,
      SHAPE(shape_full), SEND(send_from_elsewhere) },
    { "9000 9.3", "PING from another port, a small datagram", ONE_RTT, "01",
      ACCEPTED, SEND(send_from_elsewhere) },
    { "9000 8.2", "PATH_CHALLENGE from another port", ONE_RTT, "1a 61*8",
      FINDS("1 PATH_RESPONSE in 1200, some PATH_CHALLENGE in 1200"),
      SHAPE(shape_full), SEND(send_challenge_elsewhere) },

    /* what the server does itself */

    { "9000 14.1", "nothing more", CLIENT_HANDSHAKE, QUIC_PACKET_INITIAL,
      NULL, FINDS("a datagram of no less than 1200 bytes"),
      SEND(find_initial_size) },
    { "9000 5.1.1", "nothing more, limit of five connection IDs", ONE_RTT,
      NULL, FINDS("4 NEW_CONNECTION_ID"), SEND(find_cids),
      .conf = { .params = "0e 01 05" } },
    { "9000 5.1.2", "NEW_CONNECTION_ID that retires the first", ONE_RTT,
      "18 01 01 08 11*8 22*16", FINDS("packets to 11*8, retired: 1"),
      SEND(find_used_cid) },
    { "9000 3.5", "STOP_SENDING of a response", ONE_RTT, NULL,
      FINDS("RESET_STREAM 1234"), SEND(send_stop) },
    { "9000 3.2", "frames for a stream that has ended", ONE_RTT,
      "05 28 00 11 28 00 15 28 00 0a 28 01 61 0e 28 #100000 01 61 04 28 00 00",
      ACCEPTED, SEND(send_to_ended_stream) },
    { "9001 5.7", "request before Finished", EARLY_1RTT, NULL,
      FINDS("nothing before Finished, 200 after it"),
      SEND(send_early_request) },

    /* the end */

    { "9000 10.1", "nothing for two seconds, max_idle_timeout of one",
      ONE_RTT, NULL, FINDS("0 datagrams, then a stateless reset"),
      SEND(send_after_idle), .conf = { .params = "01 02 #1000" } },
    { "9000 10.2.1", "100 packets after the server's CONNECTION_CLOSE",
      ONE_RTT, NULL, FINDS("some answers to 100 packets"),
      SEND(send_while_closing), LONG_PTO }
};


void
violations_packets(void)
{
    VIOLATIONS(violation_rows_datagrams);
    VIOLATIONS(violation_rows_packets);
}
