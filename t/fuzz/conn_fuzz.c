
/*
 * A whole endpoint, and whatever datagrams come to it, in virtual time.  A
 * client gets as far with its handshake as the first byte of the input says,
 * under circumstances that the second one chooses; all that follows are steps
 * (the table below), each a byte and what it takes: frames in packets of all
 * types, properly sealed, so that they are read; packets that are spoilt,
 * repeated, or nothing but noise; other addresses, other keys, time that
 * passes, and what an application may do meanwhile.
 *
 * After each step everything adds up, and at the end no memory is left.
 */

#include "fuzz.h"
#include "../lib/test_pair.h"


#define FUZZ_MAX_STEPS   64
#define FUZZ_MAX_MEMORY  (32 * 1024 * 1024)


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
} fuzz_input_t;


static test_pair_t  pair;
static client_t    *client;
static uint64_t     chance;

static u_char       last[CLIENT_DATAGRAM];
static size_t       last_len;


int __wrap_RAND_bytes(uint8_t *buf, size_t len);


/* an input does the same each time: SplitMix64 */

int
__wrap_RAND_bytes(uint8_t *buf, size_t len)
{
    uint64_t  z;

    while (len--) {
        z = (chance += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        *buf++ = (uint8_t) (z ^ (z >> 31));
    }

    return 1;
}


/* 0 when there is nothing left */

static u_char
next(fuzz_input_t *in)
{
    return in->pos < in->end ? *in->pos++ : 0;
}


/* so many bytes, or what is left of them */

static ngx_str_t
bytes(fuzz_input_t *in, size_t len)
{
    ngx_str_t  str;

    str.data = fuzz_bytes(in->pos);
    str.len = ngx_min(len, (size_t) (in->end - in->pos));

    in->pos += str.len;

    return str;
}


static void
send_out(void)
{
    ngx_memcpy(last, client->out, client->out_len);
    last_len = client->out_len;

    client_flush(client);
}


/* one more packet in the datagram */

static void
add(fuzz_input_t *in, quic_packet_type_e type, client_packet_t *p)
{
    ngx_str_t  frames;

    frames = bytes(in, next(in));

    if (client->out_len + frames.len + 1300 < CLIENT_DATAGRAM) {
        (void) client_add(client, p, frames.data, frames.len);
    }
}


static void
step_packet(fuzz_input_t *in, quic_packet_type_e type)
{
    client_packet_t  p;

    client_packet(client, &p, type);
    add(in, type, &p);
    send_out();
}


static void
step_1rtt(fuzz_input_t *in)
{
    step_packet(in, QUIC_PACKET_1RTT);
}


static void
step_handshake(fuzz_input_t *in)
{
    step_packet(in, QUIC_PACKET_HANDSHAKE);
}


static void
step_initial(fuzz_input_t *in)
{
    step_packet(in, QUIC_PACKET_INITIAL);
}


/* it stands before the next packet in one datagram */

static void
step_coalesce(fuzz_input_t *in)
{
    client_packet_t     p;
    quic_packet_type_e  type;

    type = (quic_packet_type_e) (next(in) % 4);

    client_packet(client, &p, type);

    if (type == QUIC_PACKET_0RTT) {
        p.keys = &client->tx[QUIC_LEVEL_INITIAL];
    }

    p.size = 0;
    add(in, type, &p);
}


/* a packet that isn't as it should be */

static void
step_odd(fuzz_input_t *in)
{
    u_char              n;
    client_packet_t     p;
    quic_packet_type_e  type;

    type = (quic_packet_type_e) (next(in) % 4);

    client_packet(client, &p, type);

    p.flip = next(in);
    p.spoil = next(in) & 1;
    p.pn_len = 1 + next(in) % 4;
    p.key_phase ^= next(in) & 1;

    n = next(in);
    p.pn += n & 0x40 ? CLIENT_PNS : 0;
    p.dcid.len = ngx_min(p.dcid.len, (size_t) (n & 0x3f));
    p.version = n & 0x80 ? 0x1a2a3a4a : p.version;
    p.tail = next(in) * 8;

    if (client->ncids && (n & 1)) {
        p.dcid = client->cids[n % ngx_min(client->ncids, CLIENT_CIDS)].cid;
    }

    if (next(in) & 1) {
        p.pn = next(in);
    }

    add(in, type, &p);
    send_out();
}


/* a datagram of any bytes, maybe for a connection that there is */

static void
step_noise(fuzz_input_t *in)
{
    size_t     len;
    u_char     buf[2048];
    ngx_str_t  noise;

    noise = bytes(in, next(in));

    ngx_memzero(buf, sizeof(buf));
    ngx_memcpy(buf, noise.data, noise.len);
    len = noise.len + (next(in) % 2) * QUIC_MIN_INITIAL_SIZE;

    if (noise.len > QUIC_CID_LEN + 1 && (buf[0] & 2)) {
        ngx_memcpy(buf + 1, client->dcid.data, client->dcid.len);
    }

    len = ngx_min(len, sizeof(buf));
    client_send_raw(client, buf, len);
}


/* the last datagram once more, with a byte of it changed */

static void
step_again(fuzz_input_t *in)
{
    size_t  len;

    len = last_len;

    if (len == 0) {
        return;
    }

    last[(next(in) * 256 + next(in)) % len] ^= next(in);
    len -= next(in) % len;

    client_send_raw(client, last, len);
}


static void
step_address(fuzz_input_t *in)
{
    u_char  n;

    n = next(in);

    pair.from.sin.sin_addr.s_addr = htonl(0x0a000002 + (n & 3));
    pair.from.sin.sin_port = htons(40000 + (n >> 2 & 3));
    pair.to.sin.sin_addr.s_addr = htonl(0x0a000001 + (n >> 4 & 1));
}


static void
step_connection_id(fuzz_input_t *in)
{
    if (client->ncids) {
        client->dcid = client->cids[next(in) % ngx_min(client->ncids,
                                                       CLIENT_CIDS)].cid;
    }
}


static void
step_time(fuzz_input_t *in)
{
    test_pair_pass(&pair, 1ULL << next(in) % 26);
}


static void
step_turn(fuzz_input_t *in)
{
    (void) test_pair_turn(&pair);
    client_read(client);
}


static void
step_keys(fuzz_input_t *in)
{
    if (quic_keys_ready(&client->tx[QUIC_LEVEL_APP])) {
        (void) client_update_keys(client);
    }
}


static void
step_go_on(fuzz_input_t *in)
{
    (void) client_connect(client, CLIENT_ESTABLISHED);
}


static void
step_request(fuzz_input_t *in)
{
    if (quic_keys_ready(&client->tx[QUIC_LEVEL_APP])) {
        (void) client_get(client, "/");
    }
}


static void
step_numbers(fuzz_input_t *in)
{
    client->space[next(in) % CLIENT_SPACES].next_pn += next(in);
}


/* what floors above, the kernel, and much use do to a connection */

static void
step_server(fuzz_input_t *in)
{
    u_char        n;
    quic_conn_t  *c;

    c = pair.conn;
    n = next(in);

    if (c == NULL) {
        return;
    }

    switch (n % 8) {

    case 0:
        quic_conn_linger(c, 0x100, "enough");
        return;

    case 1:
        quic_conn_close_app(c, 0x100, "enough");
        return;

    case 2:
        quic_conn_keep_alive(c, n >> 3 & 1);
        return;

    case 3:
        if (c->tx[QUIC_LEVEL_APP]) {
            c->tx[QUIC_LEVEL_APP]->sealed
                = c->tx[QUIC_LEVEL_APP]->suite->confidentiality_limit / 4
                  * (n >> 3 & 3);
        }

        return;

    case 4:
        if (pair.batch.conn == c) {
            quic_endpoint_too_large(&pair.batch, pair.now);
        }

        return;

    case 5:
        pair.mem.max = pair.mem.used + (n >> 3) * 64;
        return;

    case 6:
        pair.mem.max = NGX_MAX_SIZE_T_VALUE;
        return;

    case 7:
        (void) quic_stream_open_uni(c, NULL);
        return;
    }
}


static void (*const  steps[])(fuzz_input_t *in) = {
    step_1rtt,
    step_handshake,
    step_initial,
    step_coalesce,
    step_odd,
    step_noise,
    step_again,
    step_address,
    step_connection_id,
    step_time,
    step_turn,
    step_keys,
    step_go_on,
    step_request,
    step_numbers,
    step_server
};


/* what must hold */

static void
check_path(quic_conn_t *c, quic_path_t *p)
{
    fuzz_check(p->validated
               || p->sent <= 3 * p->received);
    fuzz_check(p->peer == QUIC_PATH_NO_CID
               || c->cids.peers[p->peer].used);
    fuzz_check(p == c->paths.active || c->handshake_done);
}


static void
check_in_flight(quic_conn_t *c)
{
    uint64_t             pn, in_flight;
    ngx_uint_t           i;
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    in_flight = 0;

    for (i = 0; i < QUIC_SPACES; i++) {
        sent = &c->recovery.space[i].sent;

        for (pn = sent->first; pn < sent->next; pn++) {
            p = quic_sent_get(sent, pn);

            if (p->state == QUIC_SENT_OUTSTANDING && p->ack_eliciting) {
                in_flight += p->size;
            }
        }
    }

    fuzz_check(in_flight == c->recovery.in_flight);
}


static void
check_streams(quic_conn_t *c)
{
    uint64_t            buffered;
    quic_stream_t      *s;
    ngx_rbtree_node_t  *node;

    buffered = 0;

    for (node = c->streams.tree.root == &c->streams.sentinel ? NULL
                : ngx_rbtree_min(c->streams.tree.root, &c->streams.sentinel);
         node;
         node = ngx_rbtree_next(&c->streams.tree, node))
    {
        s = ngx_rbtree_data(node, quic_stream_t, node);

        buffered += quic_send_buf_held(&s->out);

        fuzz_check(s->flow_in.received <= s->flow_in.max);
        fuzz_check(s->flow_in.consumed <= s->flow_in.received);
        fuzz_check(s->flow_out.sent <= s->flow_out.max);
        fuzz_check(s->in.read <= s->in.ready);
    }

    fuzz_check(buffered == c->streams.buffered);
    fuzz_check(c->flow_in.received <= c->flow_in.max);
    fuzz_check(c->flow_in.consumed <= c->flow_in.received);
    fuzz_check(c->flow_out.sent <= c->flow_out.max);
}


static void
check_conn(quic_conn_t *c, void *data)
{
    ngx_uint_t   i;
    ngx_uint_t  *n = data;

    n[0]++;
    n[1] += c->half_open;

    if (c->state != QUIC_CONN_OPEN) {
        return;
    }

    fuzz_check(c->paths.active->used && c->paths.last->used);
    fuzz_check(c->paths.active->peer != QUIC_PATH_NO_CID);

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        if (c->paths.path[i].used) {
            check_path(c, &c->paths.path[i]);
        }
    }

    fuzz_check(c->nearly <= QUIC_MAX_UNDECRYPTABLE);

    check_in_flight(c);
    check_streams(c);
}


static void
check(void)
{
    ngx_uint_t  n[2];

    n[0] = 0;
    n[1] = 0;

    quic_endpoint_each(&pair.ep, check_conn, n);

    fuzz_check(n[0] == pair.ep.nconns);
    fuzz_check(n[1] == pair.ep.half_open);
    fuzz_check(pair.mem.used < FUZZ_MAX_MEMORY);
}


/* the client's handshake, and all that is said of the circumstances */

static void
begin(fuzz_input_t *in)
{
    u_char          state, how;
    client_conf_t   conf;

    state = next(in) % (CLIENT_ESTABLISHED + 1);
    how = next(in);

    ngx_memzero(&conf, sizeof(client_conf_t));

    conf.empty_scid = how & 1;
    conf.no_ack = how >> 1 & 1;
    conf.version = how & 4 ? QUIC_VERSION_2 : 0;

    pair.conf.retry = how & 8 ? QUIC_RETRY_ON : QUIC_RETRY_OFF;
    pair.conf.preferred_ipv4 = pair.to;
    pair.conf.preferred_ipv4.sin.sin_addr.s_addr = htonl(0x0a000002);
    pair.conf.preferred_ipv4.sa.sa_family = how & 16 ? AF_INET : 0;
    pair.conf.cc = how & 32 ? &quic_cc_bbr : &quic_cc_cubic;
    pair.answer = how & 64 ? 200000 : 500;

    /* min_ack_delay of 1000 microseconds: it may be asked for fewer ACKs */

    conf.params = how & 128 ? "c0000000ff04de1b 04 800003e8" : NULL;

    (void) test_pair_connect(&pair, &conf, (client_state_e) state);

    client = pair.client;
    fuzz_check(client);
}


static void
setup(void)
{
    static ngx_uint_t  ready;

    chance = 1;

    if (!ready) {
        fuzz_check(test_pair_init(&pair) == NGX_OK);
        ready = 1;
    }
}


static void
finish(void)
{
    /* a Retry may be the answer to what isn't the client's own */

    fuzz_check(!client->failed || pair.conf.retry == QUIC_RETRY_ON);

    pair.mem.max = NGX_MAX_SIZE_T_VALUE;
    fuzz_check(test_pair_restart(&pair) == NGX_OK);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_uint_t    i;
    fuzz_input_t  in;

    in.pos = data;
    in.end = data + size;

    setup();
    begin(&in);
    check();

    for (i = 0; i < FUZZ_MAX_STEPS && in.pos < in.end; i++) {
        steps[next(&in) % (sizeof(steps) / sizeof(steps[0]))](&in);

        check();
    }

    finish();

    return 0;
}
