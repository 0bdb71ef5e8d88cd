
/*
 * Sends garbage to a QUIC server: random bytes, and what looks the more like
 * QUIC the further down the table of kinds it stands, up to Initial packets
 * that authenticate and hold a real ClientHello, whole or spoilt.
 *
 *     garbage PORT COUNT RATE SEED
 *
 * sends COUNT datagrams to 127.0.0.1, RATE a second, and then says what came
 * of it: "sent N datagrams, N bytes; received N datagrams, N bytes".
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <time.h>
#include "crypto/quic_keys.h"
#include "test_tls_client.h"
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"


#define GARBAGE_SIZE     4096
#define GARBAGE_SOCKETS  128
#define GARBAGE_HELLOS   128
#define GARBAGE_CIDS     64
#define GARBAGE_REPLIES  16


typedef struct {
    size_t             len;
    u_char             data[GARBAGE_SIZE];
} garbage_bytes_t;


typedef struct {
    uint64_t           state;                   /* of the generator */

    garbage_bytes_t    hellos[GARBAGE_HELLOS];  /* ClientHellos */
    garbage_bytes_t   *hello;                   /* that is being made */

    quic_cid_t         cids[GARBAGE_CIDS];      /* of the server's, seen */
    ngx_uint_t         n_cids;
    garbage_bytes_t    replies[GARBAGE_REPLIES];
    ngx_uint_t         n_replies;

    quic_cid_t         dcid;                    /* of a connection in pieces */
    ngx_uint_t         piece;

    uint64_t           sent;
    uint64_t           sent_bytes;
    uint64_t           received;
    uint64_t           received_bytes;
} garbage_t;


typedef struct {
    ngx_uint_t         weight;
    size_t           (*make)(garbage_t *g, u_char *p);  /* bytes written */
} garbage_kind_t;


static const quic_cid_t  garbage_scid = { 8, "\1\2\3\4\5\6\7\10" };

volatile ngx_cycle_t  *ngx_cycle;


/* splitmix64: the same garbage for the same seed */

static uint64_t
garbage_random(garbage_t *g)
{
    uint64_t  z;

    z = (g->state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;

    return z ^ (z >> 31);
}


/* 0 to n - 1 */

static size_t
garbage_below(garbage_t *g, size_t n)
{
    return garbage_random(g) % n;
}


static void
garbage_fill(garbage_t *g, u_char *p, size_t len)
{
    while (len--) {
        *p++ = (u_char) garbage_random(g);
    }
}


static void
garbage_flip(garbage_t *g, u_char *p, size_t len)
{
    size_t  n;

    for (n = 1 + garbage_below(g, 8); n; n--) {
        p[garbage_below(g, len)] ^= 1 << garbage_below(g, 8);
    }
}


static void
garbage_cid(garbage_t *g, quic_cid_t *cid)
{
    cid->len = (u_char) (8 + garbage_below(g, 13));
    garbage_fill(g, cid->data, cid->len);
}


/* a varint of any length, seldom in its shortest form */

static u_char *
garbage_varint(garbage_t *g, u_char *p)
{
    size_t    len;
    uint64_t  value;

    len = (size_t) 1 << garbage_below(g, 4);
    value = garbage_random(g) >> garbage_below(g, 64);

    return quic_varint_write_len(p, value & ((1ULL << (8 * len - 2)) - 1),
                                 len);
}


/*
 * Seals an Initial packet around a payload; the datagram is padded as a
 * client's has to be, unless it is longer.
 */

static size_t
garbage_seal(garbage_t *g, u_char *p, quic_cid_t *dcid, ngx_str_t *token,
    u_char *payload, size_t len)
{
    size_t       header;
    u_char      *length, *start;
    uint64_t     pn;
    quic_cid_t   scid;
    quic_keys_t  client, server;

    scid = garbage_scid;
    pn = garbage_below(g, 4);

    ngx_memzero(&client, sizeof(quic_keys_t));
    ngx_memzero(&server, sizeof(quic_keys_t));

    if (quic_keys_initial(&client, &server, QUIC_VERSION_1, dcid->data,
                          dcid->len)
        != NGX_OK)
    {
        exit(1);
    }

    start = quic_packet_write_long(p, QUIC_PACKET_INITIAL, QUIC_VERSION_1,
                                   dcid, &scid, token, pn, 1, &length);
    header = start - p;

    ngx_memcpy(start, payload, len);

    if (header + len + QUIC_TAG_LEN < QUIC_MIN_INITIAL_SIZE) {
        ngx_memzero(start + len,
                    QUIC_MIN_INITIAL_SIZE - QUIC_TAG_LEN - header - len);
        len = QUIC_MIN_INITIAL_SIZE - QUIC_TAG_LEN - header;
    }

    quic_packet_set_length(length, 1 + len + QUIC_TAG_LEN);

    if (quic_keys_seal(&client, p, header, 1, pn, len) != NGX_OK) {
        exit(1);
    }

    quic_keys_clear(&client);
    quic_keys_clear(&server);

    return header + len + QUIC_TAG_LEN;
}


static size_t
garbage_crypto(u_char *p, uint64_t offset, u_char *data, size_t len)
{
    u_char  *start;

    start = p;
    *p++ = 0x06;
    p = quic_varint_write(p, offset);
    p = quic_varint_write(p, len);
    ngx_memcpy(p, data, len);

    return p + len - start;
}


static size_t
garbage_initial(garbage_t *g, u_char *p, garbage_bytes_t *hello,
    ngx_str_t *token)
{
    size_t      len;
    u_char      payload[GARBAGE_SIZE];
    quic_cid_t  dcid;

    garbage_cid(g, &dcid);
    len = garbage_crypto(payload, 0, hello->data, hello->len);

    return garbage_seal(g, p, &dcid, token, payload, len);
}


/* the first half of them are as they should be */

static garbage_bytes_t *
garbage_good_hello(garbage_t *g)
{
    return &g->hellos[garbage_below(g, GARBAGE_HELLOS / 2)];
}


/* Kinds */

static size_t
garbage_noise(garbage_t *g, u_char *p)
{
    size_t  len;

    len = garbage_below(g, garbage_below(g, 2) ? 64 : 1500);
    garbage_fill(g, p, len);

    return len;
}


static size_t
garbage_short(garbage_t *g, u_char *p)
{
    size_t  len;

    len = garbage_noise(g, p);
    p[0] = 0x40 | (p[0] & 0x3f);

    return len;
}


static size_t
garbage_long(garbage_t *g, u_char *p)
{
    size_t    len;
    uint32_t  version;

    static const uint32_t  versions[] = {
        QUIC_VERSION_1, QUIC_VERSION_2, QUIC_VERSION_NEGOTIATION, 0xff00001d,
        0x0a0a0a0a
    };

    len = 1200 + garbage_below(g, 253);
    garbage_fill(g, p, len);

    p[0] |= 0xc0;
    version = htonl(versions[garbage_below(g, 5)]);
    ngx_memcpy(p + 1, &version, 4);
    p[5] = (u_char) garbage_below(g, garbage_below(g, 2) ? 21 : 256);

    return garbage_below(g, 4) ? len : garbage_below(g, len);
}


static size_t
garbage_whole(garbage_t *g, u_char *p)
{
    return garbage_initial(g, p, garbage_good_hello(g), NULL);
}


static size_t
garbage_flipped(garbage_t *g, u_char *p)
{
    size_t  len;

    len = garbage_whole(g, p);
    garbage_flip(g, p, garbage_below(g, 2) ? 60 : len);

    return len;
}


static size_t
garbage_cut(garbage_t *g, u_char *p)
{
    return garbage_below(g, garbage_whole(g, p));
}


/* a packet, and noise behind it, which may begin like another packet */

static size_t
garbage_coalesced(garbage_t *g, u_char *p)
{
    size_t  len;

    len = garbage_whole(g, p);

    switch (garbage_below(g, 3)) {
    case 0:
        return len + garbage_noise(g, p + len);
    case 1:
        return len + garbage_short(g, p + len);
    default:
        return len + garbage_flipped(g, p + len);
    }
}


static size_t
garbage_token(garbage_t *g, u_char *p)
{
    u_char     data[256];
    ngx_str_t  token;

    token.data = data;
    token.len = 1 + garbage_below(g, sizeof(data));
    garbage_fill(g, data, token.len);

    return garbage_initial(g, p, garbage_good_hello(g), &token);
}


/* TLS is to find out */

static size_t
garbage_spoilt(garbage_t *g, u_char *p)
{
    garbage_bytes_t  hello;

    hello = *garbage_good_hello(g);
    garbage_flip(g, hello.data, hello.len);

    return garbage_initial(g, p, &hello, NULL);
}


/* a good ClientHello, with transport parameters of any kind */

static size_t
garbage_params(garbage_t *g, u_char *p)
{
    return garbage_initial(g, p, &g->hellos[garbage_below(g, GARBAGE_HELLOS)],
                           NULL);
}


static size_t
garbage_payload(garbage_t *g, u_char *p)
{
    size_t      len;
    u_char      payload[GARBAGE_SIZE];
    quic_cid_t  dcid;

    garbage_cid(g, &dcid);
    len = garbage_below(g, 1100);
    garbage_fill(g, payload, len);

    return garbage_seal(g, p, &dcid, NULL, payload, len);
}


/* types of frames that there are, with values of any size, more and less */

static size_t
garbage_frames(garbage_t *g, u_char *p)
{
    u_char      *pos, *last, payload[GARBAGE_SIZE];
    ngx_uint_t   n;
    quic_cid_t   dcid;

    garbage_cid(g, &dcid);

    pos = payload;
    last = payload + 1000;

    while (pos < last) {
        *pos++ = (u_char) garbage_below(g, garbage_below(g, 3) ? 8 : 0x32);

        for (n = garbage_below(g, 6); n; n--) {
            pos = garbage_varint(g, pos);
        }

        if (garbage_below(g, 8) == 0) {
            break;
        }
    }

    return garbage_seal(g, p, &dcid, NULL, payload, pos - payload);
}


/*
 * A ClientHello in pieces, each in a packet of the same connection: with
 * holes, twice, and with other bytes the second time.
 */

static size_t
garbage_pieces(garbage_t *g, u_char *p)
{
    size_t            len, offset;
    u_char            payload[GARBAGE_SIZE];
    garbage_bytes_t  *hello;

    if (g->piece == 0) {
        garbage_cid(g, &g->dcid);
        g->piece = 1 + garbage_below(g, 10);
    }

    g->piece--;

    hello = garbage_good_hello(g);
    offset = garbage_below(g, 2) ? garbage_below(g, hello->len) : 0;
    len = garbage_below(g, hello->len - offset + 1);

    len = garbage_crypto(payload, garbage_below(g, 20) ? offset
                                        : garbage_random(g) >> 2,
                         hello->data + offset, len);

    return garbage_seal(g, p, &g->dcid, NULL, payload, len);
}


/* packets of all types to connection IDs that are known to the server */

static size_t
garbage_known(garbage_t *g, u_char *p)
{
    size_t       len;
    u_char      *length, payload[GARBAGE_SIZE];
    quic_cid_t  *dcid, scid;

    if (g->n_cids == 0) {
        return garbage_short(g, p);
    }

    dcid = &g->cids[garbage_below(g, ngx_min(g->n_cids, GARBAGE_CIDS))];
    scid = garbage_scid;
    len = 20 + garbage_below(g, 1180);

    garbage_fill(g, payload, len);
    garbage_fill(g, p, 100 + len);

    switch (garbage_below(g, 4)) {

    case 0:
        return garbage_seal(g, p, dcid, NULL, payload, len);

    case 1:
        (void) quic_packet_write_short(p, dcid, garbage_below(g, 2), 0,
                                       garbage_below(g, 256), 1);
        return len + 20;

    default:
        (void) quic_packet_write_long(p, garbage_below(g, 3), QUIC_VERSION_1,
                                      dcid, &scid, NULL,
                                      garbage_below(g, 256), 1, &length);
        quic_packet_set_length(length, len);
        return garbage_below(g, 4) ? (size_t) (length + 2 - p) + len : len;
    }
}


/* what the server itself has sent, as it was or not */

static size_t
garbage_echo(garbage_t *g, u_char *p)
{
    garbage_bytes_t  *reply;

    if (g->n_replies == 0) {
        return garbage_noise(g, p);
    }

    reply = &g->replies[garbage_below(g, ngx_min(g->n_replies,
                                                 GARBAGE_REPLIES))];
    ngx_memcpy(p, reply->data, reply->len);

    if (garbage_below(g, 2)) {
        garbage_flip(g, p, reply->len);
    }

    return reply->len;
}


/* what costs the server a handshake is rare: this is not to be an overload */

static const garbage_kind_t  garbage_kinds[] = {
    { 16, garbage_noise },
    { 16, garbage_short },
    { 16, garbage_long },
    { 1, garbage_whole },
    { 10, garbage_flipped },
    { 10, garbage_cut },
    { 1, garbage_coalesced },
    { 1, garbage_token },
    { 1, garbage_spoilt },
    { 2, garbage_params },
    { 1, garbage_payload },
    { 3, garbage_frames },
    { 2, garbage_pieces },
    { 10, garbage_known },
    { 10, garbage_echo }
};

#define GARBAGE_KINDS   (sizeof(garbage_kinds) / sizeof(garbage_kinds[0]))
#define GARBAGE_WEIGHT  100


static size_t
garbage_make(garbage_t *g, u_char *p)
{
    ngx_uint_t  i, n;

    n = garbage_below(g, GARBAGE_WEIGHT);

    for (i = 0; i < GARBAGE_KINDS - 1; i++) {

        if (n < garbage_kinds[i].weight) {
            break;
        }

        n -= garbage_kinds[i].weight;
    }

    return garbage_kinds[i].make(g, p);
}


/* ClientHellos */

static ngx_int_t
garbage_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    return NGX_OK;
}


static ngx_int_t
garbage_keep_hello(void *data, quic_level_e level, const u_char *buf,
    size_t len)
{
    garbage_t  *g = data;

    if (g->hello->len + len > GARBAGE_SIZE / 2) {
        return NGX_ERROR;
    }

    ngx_memcpy(g->hello->data + g->hello->len, buf, len);
    g->hello->len += len;

    return NGX_OK;
}


static const quic_tls_ops_t  garbage_tls_ops = {
    garbage_secret,
    garbage_keep_hello,
    NULL,
    NULL
};


/*
 * initial_source_connection_id, which is all that a client must send, and
 * credit for the streams that HTTP/3 needs.
 */

static u_char *
garbage_good_params(u_char *p)
{
    static const u_char  credit[] = {
        0x04, 4, 0x80, 0x10, 0x00, 0x00,        /* initial_max_data */
        0x07, 4, 0x80, 0x10, 0x00, 0x00,        /* ..._stream_data_uni */
        0x09, 1, 0x03                           /* ..._streams_uni */
    };

    *p++ = 0x0f;
    *p++ = garbage_scid.len;
    p = ngx_cpymem(p, garbage_scid.data, garbage_scid.len);

    return ngx_cpymem(p, credit, sizeof(credit));
}


static u_char *
garbage_bad_params(garbage_t *g, u_char *p)
{
    size_t      len;
    u_char     *value;
    ngx_uint_t  n;

    if (garbage_below(g, 8)) {
        p = garbage_good_params(p);
    }

    /* the library wants at least one byte */

    for (n = 1 + garbage_below(g, 6); n; n--) {

        *p++ = (u_char) garbage_below(g, 0x21);
        value = p + 1;

        if (garbage_below(g, 3)) {
            len = garbage_varint(g, value) - value;

        } else {
            len = garbage_below(g, 40);
            garbage_fill(g, value, len);
        }

        *p = (u_char) (garbage_below(g, 10) ? len : garbage_below(g, 64));
        p = value + len;
    }

    return p;
}


static ngx_int_t
garbage_make_hellos(garbage_t *g)
{
    u_char                  params[512];
    ngx_uint_t              i;
    test_tls_client_t      *client;
    test_tls_client_conf_t  conf;

    for (i = 0; i < GARBAGE_HELLOS; i++) {

        ngx_memzero(&conf, sizeof(test_tls_client_conf_t));

        conf.server_name = (i % 8) ? "localhost" : NULL;
        conf.params = params;
        conf.params_len = (i < GARBAGE_HELLOS / 2 || i % 8 == 4)
                          ? garbage_good_params(params) - params
                          : garbage_bad_params(g, params) - params;

        /* what chance makes too seldom */

        if (i % 16 == 4) {
            conf.alpn = "h2";

        } else if (i >= GARBAGE_HELLOS / 2 && i % 8 == 4) {
            params[2] ^= 1;             /* of initial_source_connection_id */
        }

        client = test_tls_client_create(&conf, &garbage_tls_ops, g);
        if (client == NULL) {
            return NGX_ERROR;
        }

        g->hello = &g->hellos[i];
        g->hello->len = 0;

        if (test_tls_client_start(client) != NGX_AGAIN || g->hello->len == 0) {
            return NGX_ERROR;
        }

        test_tls_client_free(client);
    }

    return NGX_OK;
}


/* remembers connection IDs that the server has chosen, and some datagrams */

static void
garbage_receive(garbage_t *g, int fd)
{
    ssize_t           n;
    u_char            buf[65536];
    quic_cid_t       *cid;
    quic_packet_t     pkt;
    garbage_bytes_t  *reply;

    while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {

        g->received++;
        g->received_bytes += n;

        if (n <= GARBAGE_SIZE / 2) {
            reply = &g->replies[g->n_replies++ % GARBAGE_REPLIES];
            reply->len = n;
            ngx_memcpy(reply->data, buf, n);
        }

        if (quic_packet_parse(&pkt, buf, n, garbage_scid.len, 1) == NGX_OK
            && pkt.type == QUIC_PACKET_INITIAL)
        {
            cid = &g->cids[g->n_cids++ % GARBAGE_CIDS];
            quic_cid_set(cid, pkt.scid.data, pkt.scid.len);
        }
    }
}


static int
garbage_socket(int port)
{
    int                 fd;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_DGRAM, 0);

    ngx_memzero(&sin, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((in_port_t) port);

    if (fd == -1 || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        perror("socket");
        exit(1);
    }

    return fd;
}


/*
 * Until so many nanoseconds after the start, which is put off when we are late:
 * to send at once what there was no time for would flood the server's socket.
 */

static void
garbage_wait(struct timespec *start, uint64_t nsec)
{
    int64_t          late;
    struct timespec  ts, now;

    nsec += start->tv_nsec;

    ts.tv_sec = start->tv_sec + nsec / 1000000000;
    ts.tv_nsec = nsec % 1000000000;

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);

    late = (now.tv_sec - ts.tv_sec) * 1000000000LL + now.tv_nsec - ts.tv_nsec;

    start->tv_sec += (start->tv_nsec + late) / 1000000000;
    start->tv_nsec = (start->tv_nsec + late) % 1000000000;
}


static void
garbage_send(garbage_t *g, int *fds, uint64_t count, uint64_t rate)
{
    int              fd;
    size_t           len;
    u_char           buf[3 * GARBAGE_SIZE];
    uint64_t         i;
    struct timespec  start;

    clock_gettime(CLOCK_MONOTONIC, &start);

    for (i = 0; i < count; i++) {

        len = garbage_make(g, buf);
        fd = fds[garbage_below(g, GARBAGE_SOCKETS)];

        if (send(fd, buf, len, 0) == (ssize_t) len) {
            g->sent++;
            g->sent_bytes += len;
        }

        garbage_receive(g, fd);

        if (i % 10 == 9) {
            garbage_wait(&start, (i + 1) * 1000000000 / rate);
        }
    }
}


int
main(int argc, char **argv)
{
    int               fds[GARBAGE_SOCKETS];
    ngx_uint_t        i;

    static garbage_t  g;

    if (argc != 5) {
        fprintf(stderr, "usage: garbage PORT COUNT RATE SEED\n");
        return 2;
    }

    g.state = strtoull(argv[4], NULL, 10);

    if (garbage_make_hellos(&g) != NGX_OK) {
        fprintf(stderr, "no ClientHello\n");
        return 1;
    }

    for (i = 0; i < GARBAGE_SOCKETS; i++) {
        fds[i] = garbage_socket(atoi(argv[1]));
    }

    garbage_send(&g, fds, strtoull(argv[2], NULL, 10),
                 strtoull(argv[3], NULL, 10));

    usleep(200000);

    for (i = 0; i < GARBAGE_SOCKETS; i++) {
        garbage_receive(&g, fds[i]);
    }

    printf("sent %llu datagrams, %llu bytes; received %llu datagrams, "
           "%llu bytes\n",
           (unsigned long long) g.sent, (unsigned long long) g.sent_bytes,
           (unsigned long long) g.received,
           (unsigned long long) g.received_bytes);

    return 0;
}
