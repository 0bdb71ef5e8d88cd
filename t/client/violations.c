
/*
 *     violations PORT RETRY_PORT [WORD]
 *
 * runs all rows, or those with WORD in their name, against the server at
 * 127.0.0.1:PORT, and a few against one that wants a Retry token of everybody;
 * and prints one line for each, its fields parted by tabs:
 *
 *     RFC and section
 *     what is sent, and when
 *     what has to come back
 *     what has come back
 *     the client's address, which is the row's own
 *     what the server has to log
 *
 * With TRACE in the environment it says on stderr what frames come in.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"


#define VIOLATION_SILENCE   100     /* milliseconds */
#define VIOLATION_OTHER     0x7f01ffff


static const char *violation_states[] = {
    "first packet", "ClientHello half sent", "handshake", "established"
};

static const char *violation_types[] = {
    "Initial", "0-RTT", "Handshake", "1-RTT"
};

static int          violation_ports[2];
static const char  *violation_word;
static ngx_uint_t   violation_number;
static u_char      *violation_waits;


static ngx_uint_t
violation_levels(violation_run_t *r)
{
    if (r->row->levels) {
        return r->row->levels;
    }

    switch (r->row->state) {

    case CLIENT_NEW:
    case CLIENT_INITIAL:
        return LEVEL_BIT(QUIC_LEVEL_INITIAL);

    case CLIENT_HANDSHAKE:

        /* RFC 9000, 10.2.3: at every level the client may have keys for */

        if (r->row->type == QUIC_PACKET_INITIAL) {
            return ALL_LEVELS;
        }

        if (r->row->type == QUIC_PACKET_HANDSHAKE) {
            return LEVEL_BIT(QUIC_LEVEL_HANDSHAKE)
                   | LEVEL_BIT(QUIC_LEVEL_APP);
        }

        /* fall through */

    default:
        return LEVEL_BIT(QUIC_LEVEL_APP);
    }
}


static u_char *
violation_write_close(u_char *p, u_char *last, ngx_uint_t app, uint64_t error,
    uint64_t frame_type, ngx_uint_t levels)
{
    ngx_uint_t  i;

    p = ngx_slprintf(p, last, "closes: %s", quic_error_name(error, app));
    p = ngx_slprintf(p, last, " (%s 0x%xL", app ? "1d" : "1c", error);

    if (!app) {
        p = ngx_slprintf(p, last, ", frame 0x%xL", frame_type);
    }

    p = ngx_slprintf(p, last, ") in");

    for (i = 0; i < QUIC_LEVELS; i++) {
        if (levels & LEVEL_BIT(i)) {
            p = ngx_slprintf(p, last, " %s", violation_types[i]);
        }
    }

    return p;
}


static void
violation_expected(violation_run_t *r, u_char *p, u_char *last)
{
    const violation_t  *row;

    static const char *outcomes[] = {
        "", "", "accepted, goes on", "dropped, goes on", "silence", ""
    };

    row = r->row;

    switch (row->outcome) {

    case OUTCOME_CLOSE:
    case OUTCOME_CLOSE_APP:
        p = violation_write_close(p, last, row->outcome == OUTCOME_CLOSE_APP,
                                  row->error, row->frame_type,
                                  violation_levels(r));
        break;

    case OUTCOME_TEXT:
        p = ngx_slprintf(p, last, "%s", row->text);
        break;

    default:
        p = ngx_slprintf(p, last, "%s", outcomes[row->outcome]);
        break;
    }

    *p = '\0';
}


static ngx_uint_t
violation_is_acked(client_t *c)
{
    return c->close.n || *violation_waits;
}


/* the connection should live: does it, and was the packet acknowledged? */

static u_char *
violation_life(violation_run_t *r, u_char *p, u_char *last)
{
    client_t         *c;
    ngx_int_t         rc;
    client_space_t   *space;

    c = r->client;
    space = &c->space[client_space(client_level[r->row->type])];

    /* an ACK at this level can't come when its keys are gone */

    if (r->row->outcome == OUTCOME_ACCEPTED
        && r->row->state < CLIENT_ESTABLISHED
        && r->row->type != QUIC_PACKET_1RTT)
    {
        violation_waits = &space->acked[r->pn];
        (void) client_wait(c, violation_is_acked, CLIENT_TIMEOUT);
    }

    rc = client_goes_on(c);

    if (c->close.n) {
        return violation_write_close(p, last, c->close.app, c->close.error,
                                     c->close.frame_type, c->close.levels);
    }

    return ngx_slprintf(p, last, "%s, %s",
                        space->acked[r->pn] ? "accepted" : "dropped",
                        rc == NGX_OK ? "goes on"
                        : rc == NGX_DECLINED ? "request fails" : "silent");
}


/* another client is served: then all that was sent before has been read */

static void
violation_until_read(client_t *c)
{
    client_t       *other;
    client_conf_t   conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.port = c->conf.port;
    conf.addr = VIOLATION_OTHER;

    other = client_create(&conf);

    if (other == NULL || client_goes_on(other) != NGX_OK) {
        exit(1);
    }

    (void) client_send_hex(other, QUIC_PACKET_1RTT, "1c 00 00 00");
    client_free(other);

    client_read(c);
}


/*
 * An answer of the server after it was told of the end: there must be none,
 * not even to what it can read.
 */

static u_char *
violation_silence(violation_run_t *r, u_char *p, u_char *last)
{
    uint64_t   datagrams;
    client_t  *c;

    c = r->client;

    violation_until_read(c);
    datagrams = c->datagrams;

    (void) client_send_hex(c, r->row->type, "01");
    (void) client_wait(c, client_never, VIOLATION_SILENCE);

    if (c->datagrams == datagrams) {
        return ngx_slprintf(p, last, "silence");
    }

    return ngx_slprintf(p, last, "%uL datagrams", c->datagrams - datagrams);
}


static void
violation_got(violation_run_t *r, u_char *p, u_char *last)
{
    client_t  *c;

    c = r->client;

    switch (r->row->outcome) {

    case OUTCOME_TEXT:
        p = ngx_slprintf(p, last, "%s", r->text);
        break;

    case OUTCOME_CLOSE:
    case OUTCOME_CLOSE_APP:

        if (client_wait(c, client_is_closed, CLIENT_TIMEOUT) != NGX_OK) {
            p = violation_life(r, p, last);
            break;
        }

        p = violation_write_close(p, last, c->close.app, c->close.error,
                                  c->close.frame_type, c->close.levels);
        break;

    case OUTCOME_DRAINS:
        p = violation_silence(r, p, last);
        break;

    default:
        p = violation_life(r, p, last);
        break;
    }

    *p = '\0';
}


/* what the server has to say in its log, as a part of the line */

static void
violation_log(violation_run_t *r, u_char *p, u_char *last)
{
    const violation_t  *row;

    row = r->row;

    switch (row->outcome) {

    case OUTCOME_CLOSE:
    case OUTCOME_CLOSE_APP:
        p = ngx_slprintf(p, last, "closed by server: %s (0x%xL): ",
                         quic_error_name(row->error,
                                         row->outcome == OUTCOME_CLOSE_APP),
                         row->error);
        break;

    case OUTCOME_TEXT:
        p = ngx_slprintf(p, last, "%s", row->log ? row->log : "");
        break;

    default:
        p = ngx_slprintf(p, last, "closed by client: ");
        break;
    }

    *p = '\0';
}


ngx_int_t
violation_send(violation_run_t *r)
{
    size_t              len;
    u_char              frames[CLIENT_DATAGRAM / 2];
    client_t           *c;
    client_packet_t     p;
    const violation_t  *row;

    c = r->client;
    row = r->row;

    client_packet(c, &p, row->type);
    p.pad_first = 1;

    if (row->shape) {
        row->shape(c, &p);
    }

    len = client_hex(frames, row->frames);

    if (client_add(c, &p, frames, len) != NGX_OK) {
        return NGX_ERROR;
    }

    r->pn = p.pn;
    client_flush(c);

    return NGX_OK;
}


static ngx_int_t
violation_act(violation_run_t *r)
{
    client_t           *c;
    const violation_t  *row;

    c = r->client;
    row = r->row;

    if (client_connect(c, row->state) != NGX_OK || c->close.n) {
        return NGX_ERROR;
    }

    if (row->send) {
        return row->send(r);
    }

    if (row->frames) {

        if (violation_send(r) != NGX_OK) {
            return NGX_ERROR;
        }

        /* kept by the server until the handshake is complete */

        if (row->state == CLIENT_HANDSHAKE && row->type == QUIC_PACKET_1RTT) {
            return client_finish(c);
        }

        return NGX_OK;
    }

    (void) client_connect(c, CLIENT_ESTABLISHED);

    return NGX_OK;
}


void
violation_run(const violation_t *row)
{
    u_char           expected[512], got[512], log[256];
    uint32_t         addr;
    client_conf_t    conf;
    violation_run_t  r;

    addr = 0x7f010000 + ++violation_number;

    if (violation_word && !strstr(row->name, violation_word)) {
        return;
    }

    conf = row->conf;
    conf.port = violation_ports[row->conf.port];
    conf.addr = addr;
    conf.trace = getenv("TRACE") != NULL;

    ngx_memzero(&r, sizeof(violation_run_t));

    r.row = row;
    r.client = client_create(&conf);

    if (r.client == NULL) {
        exit(1);
    }

    violation_expected(&r, expected, expected + sizeof(expected) - 1);
    violation_log(&r, log, log + sizeof(log) - 1);

    if (violation_act(&r) == NGX_OK) {
        violation_got(&r, got, got + sizeof(got) - 1);
        violation_expected(&r, expected, expected + sizeof(expected) - 1);

    } else {
        (void) strcpy((char *) got, "can't be sent");
    }

    printf("%s\t%s: %s in %s\t%s\t%s\t127.1.%d.%d\t%s\n", row->rfc,
           violation_states[row->state], row->name,
           violation_types[row->type], expected, got,
           (int) (addr >> 8 & 0xff), (int) (addr & 0xff), log);
    fflush(stdout);

    (void) client_send_hex(r.client, QUIC_PACKET_1RTT, "1c 00 00 00");

    client_free(r.client);
}


void
violation_found(violation_run_t *r, const char *fmt, ...)
{
    u_char   *p, *last;
    va_list   args;

    p = (u_char *) r->text;
    last = p + sizeof(r->text) - 1;

    va_start(args, fmt);
    p = ngx_vslprintf(p, last, fmt, args);
    va_end(args);

    *p = '\0';
}


void
violation_run_all(const violation_t *rows, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        violation_run(&rows[i]);
    }
}


int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: violations PORT RETRY_PORT [WORD]\n");
        return 2;
    }

    violation_ports[0] = atoi(argv[1]);
    violation_ports[1] = atoi(argv[2]);
    violation_word = argc > 3 ? argv[3] : NULL;

    violations_frames();
    violations_packets();
    violations_hello();
    violations_acks();
    violations_h3();
    violations_messages();

    return 0;
}
