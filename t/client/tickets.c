
/*
 *     [NAME=server] tickets PORT NAME [COUNT]
 *
 * comes back to the server at 127.0.0.1:PORT with tickets that it has given,
 * and prints what came of it, a word and a number on each line.  t/tickets.t
 * knows what these should be.
 *
 * A request is for /NAME, so that the server's log tells how often it was run.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "client.h"


#define TICKETS_ADDR       0x7f020001       /* 127.2.0.1 */
#define TICKETS_DATAGRAMS  8
#define TICKETS_WAIT       50               /* ms, for what may not come */
#define TICKETS_THIEVES    600              /* for half a minute */
#define TICKETS_OLD        60               /* s: too old by then */


typedef struct {
    const char          *name;
    ngx_uint_t           count;             /* by default */
    void               (*run)(ngx_uint_t n);
} tickets_run_t;


/* what a client keeps of a connection for the next */

typedef struct {
    test_tls_session_t  *session;
    u_char               token[256];
    size_t               token_len;
} tickets_kept_t;


/* the datagrams of a first flight, in order */

typedef struct {
    quic_cid_t           scid;
    ngx_uint_t           n;
    size_t               len[TICKETS_DATAGRAMS];
    u_char               data[TICKETS_DATAGRAMS][1500];
} tickets_flight_t;


typedef struct {
    ngx_uint_t           connections;
    ngx_uint_t           resumed;
    ngx_uint_t           early;             /* 0-RTT was taken */
    ngx_uint_t           answered;
    ngx_uint_t           at_once;           /* ... before our Finished */
} tickets_sum_t;


static int          tickets_port;
static char         tickets_path[64];
static const char  *tickets_name;


static void
tickets_report(const char *word, uint64_t n)
{
    printf("%s %llu\n", word, (unsigned long long) n);
}


/* not time(), which is late by a tick: the server's clock isn't */

static time_t
tickets_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return ts.tv_sec;
}


static void
tickets_fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}


static client_conf_t
tickets_conf(tickets_kept_t *kept, ngx_uint_t early, ngx_uint_t token)
{
    client_conf_t  conf;

    ngx_memzero(&conf, sizeof(client_conf_t));

    conf.port = tickets_port;
    conf.trace = getenv("TRACE") != NULL;
    conf.server_name = tickets_name;
    conf.session = kept->session;
    conf.early = early;

    if (token) {
        conf.token.data = kept->token;
        conf.token.len = kept->token_len;
    }

    return conf;
}


static client_t *
tickets_client(client_conf_t *conf)
{
    client_t  *c;

    c = client_create(conf);
    if (c == NULL) {
        tickets_fail("no client");
    }

    return c;
}


static ngx_uint_t
tickets_are_there(client_t *c)
{
    return c->close.n
           || (test_tls_client_tickets(c->tls) && c->new_token_len);
}


/* what it has brought replaces what there was */

static void
tickets_keep(tickets_kept_t *kept, client_t *c)
{
    if (client_wait(c, tickets_are_there, CLIENT_TIMEOUT) != NGX_OK
        || c->close.n)
    {
        tickets_fail("no ticket, or no token");
    }

    if (kept->session) {
        test_tls_session_free(kept->session);
    }

    kept->session = test_tls_client_session(c->tls);
    kept->token_len = c->new_token_len;
    ngx_memcpy(kept->token, c->new_token, c->new_token_len);
}


static void
tickets_end(client_t *c)
{
    (void) client_send_hex(c, QUIC_PACKET_1RTT, "1c 00 00 00");

    client_free(c);
}


static ngx_uint_t
tickets_is_answered(client_t *c)
{
    return client_is_answered(c) && client_is_200(client_stream(c, c->want));
}


/* a full handshake */

static void
tickets_begin(tickets_kept_t *kept)
{
    client_t       *c;
    client_conf_t   conf;

    ngx_memzero(kept, sizeof(tickets_kept_t));

    conf = tickets_conf(kept, 0, 0);
    c = tickets_client(&conf);

    if (client_connect(c, CLIENT_ESTABLISHED) != NGX_OK) {
        tickets_fail("no connection");
    }

    tickets_keep(kept, c);
    tickets_end(c);
}


static void
tickets_done(tickets_kept_t *kept)
{
    test_tls_session_free(kept->session);
}


/* the ClientHello and a request in 0-RTT */

static void
tickets_send_early(client_t *c)
{
    if (client_send_hello(c) != NGX_OK
        || client_get_in(c, QUIC_PACKET_0RTT, tickets_path) != NGX_OK)
    {
        tickets_fail("0-RTT can't be sent");
    }
}


/* and what the server says to them */

static void
tickets_begin_early(client_t *c)
{
    tickets_send_early(c);
    (void) client_connect(c, CLIENT_HANDSHAKE);
}


/*
 * The rest of the handshake, then the answer, which comes at once if 0-RTT was
 * taken and our address is known.  A request that was refused as 0-RTT is made
 * again.
 */

static void
tickets_go_on(client_t *c, tickets_sum_t *sum, ngx_uint_t early)
{
    sum->connections++;

    if (early && c->conf.token.len
        && test_tls_client_early_accepted(c->tls)
        && client_wait(c, tickets_is_answered, CLIENT_TIMEOUT) == NGX_OK)
    {
        sum->at_once++;
    }

    if (client_connect(c, CLIENT_ESTABLISHED) != NGX_OK) {
        return;
    }

    sum->resumed += test_tls_client_resumed(c->tls);
    sum->early += test_tls_client_early_accepted(c->tls);

    if (!early || !test_tls_client_early_accepted(c->tls)) {
        (void) client_get(c, tickets_path);
    }

    if (client_wait(c, tickets_is_answered, CLIENT_TIMEOUT) == NGX_OK) {
        sum->answered++;
    }
}


static void
tickets_report_sum(tickets_sum_t *sum)
{
    tickets_report("connections", sum->connections);
    tickets_report("resumed", sum->resumed);
    tickets_report("early", sum->early);
    tickets_report("at_once", sum->at_once);
    tickets_report("answered", sum->answered);
}


/* one after the other, each with what the one before has brought */

static void
tickets_chain(ngx_uint_t n, ngx_uint_t early, ngx_uint_t token)
{
    client_t        *c;
    ngx_uint_t       i;
    client_conf_t    conf;
    tickets_sum_t    sum;
    tickets_kept_t   kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    tickets_begin(&kept);

    for (i = 0; i < n; i++) {
        conf = tickets_conf(&kept, early, token);
        c = tickets_client(&conf);

        if (early) {
            tickets_begin_early(c);
        }

        tickets_go_on(c, &sum, early);
        tickets_keep(&kept, c);
        tickets_end(c);
    }

    tickets_done(&kept);
    tickets_report_sum(&sum);
}


static void
tickets_full(ngx_uint_t n)
{
    client_t        *c;
    uint32_t         lifetime, key;
    client_conf_t    conf;
    tickets_sum_t    sum;
    tickets_kept_t   kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    ngx_memzero(&kept, sizeof(tickets_kept_t));
    lifetime = 0;
    key = 0;

    while (n--) {
        conf = tickets_conf(&kept, 0, 0);
        conf.session = NULL;
        c = tickets_client(&conf);

        tickets_go_on(c, &sum, 0);
        tickets_keep(&kept, c);
        tickets_end(c);

        lifetime = test_tls_session_lifetime(kept.session);
        key = test_tls_session_key(kept.session);
    }

    tickets_done(&kept);
    tickets_report("lifetime", lifetime);
    tickets_report("key", key);
    tickets_report_sum(&sum);
}


static void
tickets_resume(ngx_uint_t n)
{
    tickets_chain(n, 0, 0);
}


static void
tickets_early(ngx_uint_t n)
{
    tickets_chain(n, 1, 1);
}


/* nobody knows whether this client is where it says */

static void
tickets_no_token(ngx_uint_t n)
{
    tickets_chain(n, 1, 0);
}


/*
 * A ticket is shown again and again, until it is too old for the server; this
 * client would keep it for ever.  Then it is shown once more, with 0-RTT.
 *
 * The server counts whole seconds between sealing and opening.  We have looked
 * at the clock before and after both, so that "taken" is no more than the most
 * that it took, and "refused" no less than what it refused.
 */

static ngx_uint_t
tickets_show(tickets_kept_t *kept, tickets_sum_t *sum, ngx_uint_t early)
{
    client_t       *c;
    ngx_uint_t      resumed;
    client_conf_t   conf;

    conf = tickets_conf(kept, early, 1);
    c = tickets_client(&conf);

    if (early) {
        tickets_begin_early(c);
    }

    tickets_go_on(c, sum, early);
    resumed = test_tls_client_resumed(c->tls);
    tickets_end(c);

    return resumed;
}


static void
tickets_expired(ngx_uint_t n)
{
    time_t          sealed[2], shown, taken;
    tickets_sum_t   sum;
    tickets_kept_t  kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    taken = 0;

    sealed[0] = tickets_now();
    tickets_begin(&kept);
    sealed[1] = tickets_now();

    test_tls_session_keep(kept.session);

    for ( ;; ) {
        shown = tickets_now();

        if (!tickets_show(&kept, &sum, 0)) {
            break;
        }

        taken = shown - sealed[1];

        if (taken > TICKETS_OLD) {
            tickets_fail("it is taken for ever");
        }

        ngx_msleep(TICKETS_WAIT);
    }

    tickets_report("refused", tickets_now() - sealed[0]);
    tickets_report("taken", taken);

    ngx_memzero(&sum, sizeof(tickets_sum_t));

    while (n--) {
        (void) tickets_show(&kept, &sum, 1);
    }

    tickets_done(&kept);
    tickets_report_sum(&sum);
}


/* the ticket of NAME's server is shown to that of OTHER */

static void
tickets_elsewhere(ngx_uint_t n)
{
    client_t        *c;
    client_conf_t    conf;
    tickets_sum_t    sum;
    tickets_kept_t   kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));

    while (n--) {
        tickets_begin(&kept);

        conf = tickets_conf(&kept, 1, 1);
        conf.server_name = getenv("OTHER");
        c = tickets_client(&conf);

        tickets_begin_early(c);

        tickets_go_on(c, &sum, 1);
        tickets_end(c);
        tickets_done(&kept);
    }

    tickets_report_sum(&sum);
}


/* a ticket that has been used already */

static void
tickets_again(ngx_uint_t n)
{
    client_t        *c;
    client_conf_t    conf;
    tickets_sum_t    sum;
    tickets_kept_t   kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    tickets_begin(&kept);

    while (n--) {
        conf = tickets_conf(&kept, 1, 1);
        c = tickets_client(&conf);

        tickets_begin_early(c);

        tickets_go_on(c, &sum, 1);
        tickets_end(c);
    }

    tickets_done(&kept);
    tickets_report_sum(&sum);
}


/* 0-RTT packets before the ClientHello's first, or between its two */

static void
tickets_reordered(ngx_uint_t n)
{
    client_t         *c;
    ngx_uint_t        i;
    client_conf_t     conf;
    tickets_sum_t     sum;
    tickets_kept_t    kept;
    client_crypto_t  *crypto;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    tickets_begin(&kept);

    for (i = 0; i < n; i++) {
        conf = tickets_conf(&kept, 1, 1);
        c = tickets_client(&conf);
        crypto = &c->crypto[QUIC_LEVEL_INITIAL];
        c->hold = 1;

        if (i % 2) {
            (void) client_send_crypto(c, QUIC_LEVEL_INITIAL, 0, 100);
            crypto->sent = 100;
        }

        (void) client_get_in(c, QUIC_PACKET_0RTT, tickets_path);

        (void) client_connect(c, CLIENT_HANDSHAKE);

        tickets_go_on(c, &sum, 1);
        tickets_keep(&kept, c);
        tickets_end(c);
    }

    tickets_done(&kept);
    tickets_report_sum(&sum);
}


/*
 * What is sent first is sent again, byte for byte, by others; "held": by others
 * alone, who are elsewhere.  A worker answers to the first of them: the others
 * have the same connection ID.
 */

static void
tickets_record(void *data, const u_char *buf, size_t len)
{
    tickets_flight_t *flight = data;

    if (flight->n < TICKETS_DATAGRAMS && len <= sizeof(flight->data[0])) {
        ngx_memcpy(flight->data[flight->n], buf, len);
        flight->len[flight->n++] = len;
    }
}


static ngx_uint_t
tickets_has_initial(client_t *c)
{
    return c->packets[QUIC_PACKET_INITIAL] || c->close.n;
}


/*
 * n thieves, and more while none has got an answer: as long as the worker knows
 * the one from whom it was stolen, it answers to nobody.  All stay, as the
 * answer to one may take its time.
 */

static ngx_uint_t
tickets_steal(tickets_flight_t *flight, ngx_uint_t n, uint32_t addr)
{
    client_t        *thief[TICKETS_THIEVES];
    ngx_uint_t       i, k, answers;
    client_conf_t    conf;
    tickets_kept_t   none;

    ngx_memzero(&none, sizeof(tickets_kept_t));
    answers = 0;

    for (i = 0; i < TICKETS_THIEVES && (i < n || answers == 0); i++) {
        conf = tickets_conf(&none, 0, 0);
        conf.addr = addr;
        thief[i] = tickets_client(&conf);
        thief[i]->hold = 1;
        thief[i]->scid = flight->scid;

        for (k = 0; k < flight->n; k++) {
            client_send_raw(thief[i], flight->data[k], flight->len[k]);
        }

        (void) client_wait(thief[i], tickets_has_initial, TICKETS_WAIT);

        for (k = 0, answers = 0; k <= i; k++) {
            client_read(thief[k]);
            answers += tickets_has_initial(thief[k]) ? 1 : 0;
        }
    }

    while (i) {
        client_free(thief[--i]);
    }

    return answers;
}


static void
tickets_replay_flight(ngx_uint_t n, ngx_uint_t held)
{
    client_t          *c;
    ngx_uint_t         i, answers;
    client_conf_t      conf;
    tickets_sum_t      sum;
    tickets_kept_t     kept;
    tickets_flight_t   flight;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    ngx_memzero(&flight, sizeof(tickets_flight_t));
    tickets_begin(&kept);

    conf = tickets_conf(&kept, 1, 1);
    conf.send = tickets_record;
    conf.data = &flight;
    c = tickets_client(&conf);
    flight.scid = c->scid;

    tickets_send_early(c);

    if (flight.n < 2) {
        tickets_fail("0-RTT can't be sent");
    }

    c->conf.send = NULL;

    if (!held) {
        for (i = 0; i < flight.n; i++) {
            client_send_raw(c, flight.data[i], flight.len[i]);
        }

        (void) client_connect(c, CLIENT_HANDSHAKE);
        tickets_go_on(c, &sum, 1);
        tickets_end(c);

    } else {
        client_free(c);
    }

    answers = tickets_steal(&flight, n, held ? TICKETS_ADDR : 0);

    tickets_done(&kept);
    tickets_report("answers", answers);
    tickets_report_sum(&sum);
}


static void
tickets_replay(ngx_uint_t n)
{
    tickets_replay_flight(n, 0);
}


static void
tickets_stolen(ngx_uint_t n)
{
    tickets_replay_flight(n, 1);
}


/*
 * CVE-2024-45397: requests that claim to come from another address, from which
 * nothing ever comes back.
 */

static void
tickets_spoofed(ngx_uint_t n)
{
    client_t        *c;
    ngx_uint_t       i, token;
    client_conf_t    conf;
    tickets_kept_t   kept;

    for (i = 0; i < n; i++) {

        /* without a token, and with one of our own address */

        for (token = 0; token < 2; token++) {
            tickets_begin(&kept);

            conf = tickets_conf(&kept, 1, token);
            conf.addr = TICKETS_ADDR;
            c = tickets_client(&conf);

            tickets_send_early(c);

            /* the answer shows that all has been read */

            if (client_wait(c, tickets_has_initial, CLIENT_TIMEOUT) != NGX_OK)
            {
                tickets_fail("no answer");
            }

            client_free(c);
            tickets_done(&kept);
        }
    }

    tickets_report("sent", 2 * n);
}


/* frames that mustn't be in 0-RTT packets: RFC 9000, 12.4 and 12.5 */

static void
tickets_forbidden(ngx_uint_t n)
{
    client_t           *c;
    ngx_uint_t          i, refused;
    client_conf_t       conf;
    tickets_kept_t      kept;
    static const char  *frames[] = {
        "02 00 00 00 00",                   /* ACK */
        "03 00 00 00 00 00 00 00",          /* ACK with ECN counts */
        "06 00 01 00",                      /* CRYPTO */
        "07 01 aa",                         /* NEW_TOKEN */
        "19 00",                            /* RETIRE_CONNECTION_ID */
        "1b 00*8",                          /* PATH_RESPONSE */
        "1e"                                /* HANDSHAKE_DONE */
    };

    refused = 0;

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        tickets_begin(&kept);

        conf = tickets_conf(&kept, 1, 1);
        c = tickets_client(&conf);

        if (client_send_hello(c) != NGX_OK
            || client_send_hex(c, QUIC_PACKET_0RTT, frames[i]) != NGX_OK
            || client_wait(c, client_is_closed, CLIENT_TIMEOUT) != NGX_OK)
        {
            fprintf(stderr, "not closed: %s\n", frames[i]);

        } else if (c->close.error == QUIC_PROTOCOL_VIOLATION) {
            refused++;

        } else {
            fprintf(stderr, "closed with 0x%llx: %s\n",
                    (unsigned long long) c->close.error, frames[i]);
        }

        client_free(c);
        tickets_done(&kept);
    }

    tickets_report("frames", i);
    tickets_report("refused", refused);
}


static ngx_uint_t
tickets_is_acked(client_t *c)
{
    return c->close.n || c->space[2].acked[c->want];
}


/*
 * RFC 9001, 4.9.3: 0-RTT keys go some time after the handshake.  Two PINGs
 * again and again, until the one in 0-RTT isn't acknowledged with the other.
 */

static void
tickets_late(ngx_uint_t n)
{
    client_t        *c;
    uint64_t         pn;
    ngx_uint_t       i;
    client_conf_t    conf;
    tickets_sum_t    sum;
    tickets_kept_t   kept;

    ngx_memzero(&sum, sizeof(tickets_sum_t));
    tickets_begin(&kept);

    conf = tickets_conf(&kept, 1, 1);
    c = tickets_client(&conf);

    tickets_send_early(c);

    (void) client_connect(c, CLIENT_HANDSHAKE);
    tickets_go_on(c, &sum, 1);

    for (i = 0; i < n; i++) {
        pn = c->space[2].next_pn;

        (void) client_send_hex(c, QUIC_PACKET_0RTT, "01");
        c->want = c->space[2].next_pn;
        (void) client_send_hex(c, QUIC_PACKET_1RTT, "01");

        if (client_wait(c, tickets_is_acked, CLIENT_TIMEOUT) != NGX_OK
            || c->close.n)
        {
            tickets_fail("not acknowledged");
        }

        if (!c->space[2].acked[pn]) {
            break;
        }

        (void) client_wait(c, client_is_closed, 2 * TICKETS_WAIT);
    }

    tickets_report("gone", i < n);
    tickets_report_sum(&sum);
    tickets_end(c);
    tickets_done(&kept);
}


static const tickets_run_t  tickets_runs[] = {
    { "full", 100, tickets_full },
    { "resume", 100, tickets_resume },
    { "early", 100, tickets_early },
    { "no_token", 10, tickets_no_token },
    { "again", 4, tickets_again },
    { "elsewhere", 1, tickets_elsewhere },
    { "expired", 4, tickets_expired },
    { "reordered", 8, tickets_reordered },
    { "replay", 16, tickets_replay },
    { "stolen", 16, tickets_stolen },
    { "spoofed", 8, tickets_spoofed },
    { "forbidden", 1, tickets_forbidden },
    { "late", 600, tickets_late }
};


int
main(int argc, char **argv)
{
    ngx_uint_t            i;
    const tickets_run_t  *run;

    if (argc < 3) {
        fprintf(stderr, "usage: %s PORT NAME [COUNT]\n", argv[0]);
        return 2;
    }

    tickets_port = atoi(argv[1]);
    tickets_name = getenv("NAME");

    for (i = 0; i < sizeof(tickets_runs) / sizeof(tickets_runs[0]); i++) {
        run = &tickets_runs[i];

        if (strcmp(run->name, argv[2]) == 0) {
            (void) snprintf(tickets_path, sizeof(tickets_path), "/%s",
                            run->name);

            run->run(argc > 3 ? strtoul(argv[3], NULL, 10) : run->count);
            return 0;
        }
    }

    fprintf(stderr, "no \"%s\"\n", argv[2]);

    return 2;
}
