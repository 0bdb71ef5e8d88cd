
/*
 * ACK_FREQUENCY and IMMEDIATE_ACK, both ways:
 * draft-ietf-quic-ack-frequency.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"


/* from this number on ACKs are held back, until a packet can be left out */
#define ACKS_HOLD   300
#define ACKS_AHEAD  5

/* bytes: all that the client's credit allows, nearly */
#define ACKS_CREDIT  900000

/* milliseconds for an ACK that is due: less than the delay that is asked for */
#define ACKS_PATIENCE  10000
#define ACKS_SILENCE   30
#define ACKS_DELAY     "#16000000"

/* min_ack_delay of 1 ms */
#define ACKS_KNOWN  "c0000000ff04de1b 02 #1000"


static ngx_uint_t
acks_received(client_t *c)
{
    return c->frames[QUIC_FT_ACK] + c->frames[QUIC_FT_ACK_ECN];
}


static ngx_uint_t
acks_is_acked(client_t *c)
{
    return c->close.n || c->space[2].acked[c->want];
}


/* a packet whose ACK is due, and then comes nothing that waits */

static void
acks_due(client_t *c, const char *frame)
{
    c->want = c->space[2].next_pn;

    (void) client_send_hex(c, QUIC_PACKET_1RTT, frame);
    (void) client_wait(c, acks_is_acked, ACKS_PATIENCE);
    (void) client_wait(c, client_never, ACKS_SILENCE);
}


/* so many packets one after the other: how many ACKs do they get? */

static ngx_uint_t
acks_for(client_t *c, ngx_uint_t n, const char *last)
{
    ngx_uint_t  before;

    before = acks_received(c);

    while (n--) {
        (void) client_send_hex(c, QUIC_PACKET_1RTT, "01");
        (void) client_wait(c, client_never, 5);
    }

    if (last) {
        acks_due(c, last);

    } else {
        (void) client_wait(c, client_never, ACKS_SILENCE);
    }

    return acks_received(c) - before;
}


/* with row->frames the tenth packet makes an ACK due, and IMMEDIATE_ACK any */

static ngx_int_t
acks_wanted(violation_run_t *r)
{
    client_t    *c;
    ngx_uint_t   n[3];

    c = r->client;

    if (client_send_hex(c, QUIC_PACKET_1RTT, r->row->frames) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the frame counts itself */

    acks_due(c, "1f");

    n[0] = acks_for(c, 9, NULL);
    n[1] = acks_for(c, 0, "01");
    n[2] = acks_for(c, 2, "1f");

    violation_found(r, "ACKs: %ui for 9, %ui for the 10th, "
                    "%ui with IMMEDIATE_ACK", n[0], n[1], n[2]);

    return NGX_OK;
}


/* nothing is acknowledged: what do probes say? */

static ngx_uint_t
acks_probed(client_t *c)
{
    return c->frames[QUIC_FT_IMMEDIATE_ACK] || c->frames[QUIC_FT_PING];
}


static ngx_int_t
acks_probe(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    (void) client_wait(c, acks_probed, CLIENT_TIMEOUT);

    violation_found(r, "probes with %s",
                    c->frames[QUIC_FT_IMMEDIATE_ACK] ? "IMMEDIATE_ACK"
                    : c->frames[QUIC_FT_PING] ? "PING" : "nothing");

    return NGX_OK;
}


/*
 * A large response, of which a packet seems to be lost: that ends slow start,
 * and with such a window a server wants fewer ACKs.  A client that it can't ask
 * reads as much as it may.
 */

static ngx_uint_t
acks_lose(client_t *c)
{
    client_space_t   *space;
    static uint64_t   hold;

    space = &c->space[2];

    if (space->largest == UINT64_MAX || space->largest < ACKS_HOLD) {
        hold = 0;

    } else if (hold == 0) {
        hold = space->largest + 1;
        c->conf.no_ack = 1;

    } else if (c->conf.no_ack && space->largest >= hold + ACKS_AHEAD) {
        /* the server may have skipped one of them */
        space->received[hold] = 0;
        space->received[hold + 1] = 0;
        space->ack_due = 1;
        c->conf.no_ack = 0;
    }

    return c->frames[QUIC_FT_ACK_FREQUENCY]
           || (c->conf.params == NULL
               && client_stream(c, c->want)->received > ACKS_CREDIT);
}


static ngx_int_t
acks_asked(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (client_get(c, "/big") != NGX_OK) {
        return NGX_ERROR;
    }

    (void) client_wait(c, acks_lose, CLIENT_TIMEOUT);

    violation_found(r, "ACK_FREQUENCY: %s",
                    c->frames[QUIC_FT_ACK_FREQUENCY] ? "yes" : "no");

    return NGX_OK;
}


static const violation_t  violation_rows_acks[] = {
    { "draft", "ACK_FREQUENCY, delay below min_ack_delay", ONE_RTT,
      "40af 00 01 #999 01", CLOSES(QUIC_PROTOCOL_VIOLATION, 0xaf) },
    { "draft", "ACK_FREQUENCY, delay of 2^14 ms", ONE_RTT,
      "40af 00 01 #16384000 01", CLOSES(QUIC_PROTOCOL_VIOLATION, 0xaf) },
    { "draft", "ACK_FREQUENCY, the largest delay", ONE_RTT,
      "40af 00 00 #16383999 01", ACCEPTED },
    { "draft", "ACK_FREQUENCY, all other fields as large as they can be",
      ONE_RTT, "40af ff*8 ff*8 #1000 ff*8", ACCEPTED },
    { "draft", "ACK_FREQUENCY for every tenth packet", ONE_RTT,
      "40af 00 09 " ACKS_DELAY " 00",
      FINDS("ACKs: 0 for 9, 1 for the 10th, 1 with IMMEDIATE_ACK"),
      .send = acks_wanted },
    { "draft", "ACK_FREQUENCY that was overtaken", ONE_RTT,
      "40af 05 09 " ACKS_DELAY " 00 40af 04 00 #1000 00",
      FINDS("ACKs: 0 for 9, 1 for the 10th, 1 with IMMEDIATE_ACK"),
      .send = acks_wanted },
    { "draft", "no ACK, knowing IMMEDIATE_ACK", ONE_RTT, NULL,
      FINDS("probes with IMMEDIATE_ACK"),
      .send = acks_probe, .conf = { .no_ack = 1, .params = ACKS_KNOWN } },
    { "draft", "no ACK, not knowing IMMEDIATE_ACK", ONE_RTT, NULL,
      FINDS("probes with PING"),
      .send = acks_probe, .conf = { .no_ack = 1 } },
    { "draft", "request of a large file, knowing ACK_FREQUENCY", ONE_RTT, NULL,
      FINDS("ACK_FREQUENCY: yes"),
      .send = acks_asked, .conf = { .params = ACKS_KNOWN } },
    { "draft", "request of a large file, not knowing ACK_FREQUENCY", ONE_RTT,
      NULL, FINDS("ACK_FREQUENCY: no"), .send = acks_asked }
};


void
violations_acks(void)
{
    VIOLATIONS(violation_rows_acks);
}
