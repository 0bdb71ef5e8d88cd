
/*
 * The client: libngtcp2 with GnuTLS, and an application that opens streams
 * and does what their plans say.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include "quic/limits.h"
#include "quic/quic_stream.h"
#include "wire/quic_frame.h"
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"
#include "sim_ngtcp2.h"
#include "sim_server.h"


#define SIM_CLIENT_WINDOW         1048576
#define SIM_CLIENT_STREAM_WINDOW  262144

#define SIM_CLOSE_ERROR  0x100

#define SIM_KEEP_ALIVE  (300 * SIM_MS)

/* with a window that is full for so long, a client tries another network */
#define SIM_CLIENT_STUCK  (10 * SIM_SEC)
#define SIM_CLIENT_TRIES  10

#define SIM_MAX_TOKEN  256

/* the server has heard a stateless reset by then, or the one after */
#define SIM_CLIENT_RESET  (60 * SIM_SEC)

/* by which the age of a ticket may differ at both ends */
#define SIM_CLIENT_SKEW   (60 * SIM_SEC)


typedef struct {
    ngtcp2_conn            *conn;
    ngtcp2_crypto_conn_ref  ref;
    gnutls_session_t        tls;
    ngx_uint_t              number;
    ngx_uint_t              interface;

    sim_event_t             timer;
    sim_event_t             rebind;
    sim_event_t             migrate;
    sim_event_t             spoof;
    sim_event_t             stuck;
    sim_event_t             poll;        /* has the server ended them all? */
    sim_event_t             start;

    ngx_uint_t              opened[2];   /* streams: bidirectional, other */
    ngx_uint_t              closed[2];
    ngx_uint_t              ended[2];
    ngx_uint_t              theirs;      /* unidirectional, ended */
    uint64_t                received;    /* bytes */
    uint64_t                alone;       /* of them, before all clients were
                                            there */
    uint64_t                sent;
    uint64_t                updated;     /* their sum at the key update */
    ngx_uint_t              behind;      /* streams wait for credit, or to be
                                            stopped */
    ngx_uint_t              round;       /* of writing */

    u_char                  close[SIM_MAX_DATAGRAM];
    size_t                  close_len;   /* 0: not closed */
    ngtcp2_path_storage     close_path;
    ngx_uint_t              late;        /* datagrams after that */
    ngx_uint_t              tries;       /* to get out of being stuck */
    uint32_t                version;     /* the original one, then the one
                                            that was negotiated */
    uint32_t                wanted;      /* the one that it prefers */
    u_char                  token[SIM_MAX_TOKEN];
    size_t                  token_len;   /* 0: none has come */
    ngx_uint_t              retries;
    ngx_uint_t              suite;       /* of TLS */
    uint64_t                started;
    unsigned                greases:1;
    unsigned                early:1;     /* sends 0-RTT */
    unsigned                established:1;
    unsigned                confirmed:1;
    unsigned                finished:1;
    unsigned                silent:1;
    unsigned                reset:1;     /* without state */
    uint64_t                forgot;      /* when it did so; 0: it hasn't */
} sim_client_t;


static sim_client_t                      sim_client[SIM_MAX_CLIENTS];
static ngx_uint_t                        sim_nclients;
static ngx_uint_t                        sim_judged;
static gnutls_certificate_credentials_t  sim_credentials;


static void sim_client_write(sim_client_t *cl);
static void sim_client_close(sim_client_t *cl);
static ngx_int_t sim_client_move(sim_client_t *cl, ngx_uint_t at_once);
static void sim_client_finish(sim_client_t *cl);
static void sim_client_all_there(void);


static void
sim_client_log(void *data, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    sim_ngtcp2_log("client", fmt, args);
    va_end(args);
}


static ngtcp2_conn *
sim_client_conn(ngtcp2_crypto_conn_ref *ref)
{
    return ((sim_client_t *) ref->user_data)->conn;
}


/* callbacks: what has happened */

/*
 * The library has forgotten all streams that were opened in 0-RTT, and the
 * server must never have known them.  Their plans stay.
 */

static void
sim_client_begin_anew(sim_client_t *cl)
{
    ngx_queue_t   *q, *streams;
    sim_stream_t  *s;

    streams = sim_streams(cl->number);

    for (q = ngx_queue_head(streams);
         q != ngx_queue_sentinel(streams);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, sim_stream_t, queue);

        if (s->id & QUIC_STREAM_SERVER) {
            continue;
        }

        if (s->server || s->released || s->closed) {
            sim_fail("stream %lu has come in 0-RTT that was refused", s->id);
        }

        s->way[SIM_UP].sent = 0;
        s->way[SIM_UP].finished = 0;
    }

    cl->opened[0] = 0;
    cl->opened[1] = 0;
}


/*
 * RFC 8446, 8.3: how old the ticket is seems to differ when it was late, or the
 * ClientHello is; then 0-RTT may be refused.
 */

static ngx_uint_t
sim_client_late(sim_client_t *cl)
{
    uint64_t  ticket, hello;

    ticket = sim_ticket_time(cl->number - 1)
             - sim_client[cl->number - 1].started;
    hello = sim.now - cl->started;

    return ticket + hello > SIM_CLIENT_SKEW;
}


static void
sim_client_check_early(sim_client_t *cl)
{
    ngx_uint_t  taken;

    taken = gnutls_session_get_flags(cl->tls) & GNUTLS_SFLAGS_EARLY_DATA;
    sim_trace("client: 0-RTT is %s", taken ? "taken" : "refused");

    if (!taken) {
        (void) ngtcp2_conn_tls_early_data_rejected(cl->conn);
        sim_client_begin_anew(cl);
    }

    if (!taken != (sim.scenario->zero_rtt != SIM_0RTT_TAKEN)
        && !sim_client_late(cl))
    {
        sim_fail("0-RTT is %s", taken ? "taken" : "refused");
    }

    if (!gnutls_session_is_resumed(cl->tls)
        != (sim.scenario->zero_rtt == SIM_0RTT_UNKNOWN))
    {
        sim_fail("a ticket is %s", sim.scenario->zero_rtt == SIM_0RTT_UNKNOWN
                                   ? "taken" : "refused");
    }
}


static int
sim_client_established(ngtcp2_conn *conn, void *data)
{
    sim_client_t  *cl = data;

    cl->established = 1;
    sim.progress = sim.now;

    if (sim_result.established == 0) {
        sim_result.established = sim.now - SIM_START;
    }

    sim_client_all_there();

    if (cl->early) {
        sim_client_check_early(cl);
    }

    if (sim.scenario->zero_rtt) {
        sim_ticket_params(cl->number, conn);
    }

    cl->version = ngtcp2_conn_get_negotiated_version(conn);
    sim_trace("client: established, version %08x", cl->version);

    if (cl->version != cl->wanted) {
        sim_fail("version %08x was negotiated, not %08x", cl->version,
                 cl->wanted);
    }

    return 0;
}


static int
sim_client_confirmed(ngtcp2_conn *conn, void *data)
{
    sim_client_t  *cl = data;

    cl->confirmed = 1;
    sim.progress = sim.now;

    return 0;
}


static void
sim_client_key_update(sim_client_t *cl)
{
    uint64_t  every;

    every = sim.scenario->key_update;

    if (every == 0 || cl->received + cl->sent - cl->updated < every) {
        return;
    }

    /*
     * RFC 9001, 6.1: not before something of this phase has been acknowledged.
     * libngtcp2 refuses that only if the phase was begun here.  Were it the
     * server's and all that answered it got lost, nobody could tell what comes
     * then from what is late: two phases have the same bit.
     */

    if (sim.server == &sim_server_quic && sim_server_updates_keys()) {
        return;
    }

    if (ngtcp2_conn_initiate_key_update(cl->conn, sim_ngtcp2_now()) == 0) {
        cl->updated = cl->received + cl->sent;
        sim_result.key_updates++;
        sim_trace("client: key update");
    }
}


static int
sim_client_stateless_reset(ngtcp2_conn *conn,
    const ngtcp2_pkt_stateless_reset *sr, void *data)
{
    sim_client_t  *cl = data;

    cl->reset = 1;
    sim_trace("client: stateless reset");

    return 0;
}


static int
sim_client_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
    size_t len, void *data)
{
    sim_client_t  *cl = data;

    (void) sim_ngtcp2_new_cid(conn, cid, token, len, data);

    sim_reset_note(cl->number, cid->data, cid->datalen, token);

    return 0;
}


static int
sim_client_retry(ngtcp2_conn *conn, const ngtcp2_pkt_hd *hd, void *data)
{
    sim_client_t  *cl = data;

    cl->retries++;
    sim_trace("client: has to come again");

    return ngtcp2_crypto_recv_retry_cb(conn, hd, data);
}


/* a token that brings an address with it spares the Retry, and no other does */

static void
sim_client_check_retries(sim_client_t *cl)
{
    ngx_uint_t  n;

    n = sim.scenario->retry;

    if (sim.scenario->token == SIM_TOKEN_NEXT && cl->number) {
        n = 0;
    }

    if (sim.scenario->token == SIM_TOKEN_SAME && cl->number == 1) {
        n = 0;
    }

    if (cl->retries != n) {
        sim_fail("client %lu was asked for a token %lu times", cl->number,
                 cl->retries);
    }
}


static int
sim_client_new_token(ngtcp2_conn *conn, const uint8_t *token, size_t len,
    void *data)
{
    sim_client_t  *cl = data;

    if (len > SIM_MAX_TOKEN) {
        sim_fail("a token of %zu bytes", len);
    }

    ngx_memcpy(cl->token, token, len);
    cl->token_len = len;

    return 0;
}


static int
sim_client_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
    const uint8_t *data, size_t len, void *user, void *stream)
{
    sim_client_t *cl = user;

    sim_way_t     *down;
    sim_stream_t  *s;

    s = stream ? stream : sim_stream_find(cl->number, id);

    if (s == NULL) {
        sim_fail("stream %ld: bytes for a stream that isn't open", id);
    }

    down = &s->way[SIM_DOWN];

    if (offset != down->received) {
        sim_fail("stream %lu: offset %lu, not %lu", s->id, offset,
                 down->received);
    }

    cl->received += len;
    sim_stream_got(s, SIM_DOWN, data, len,
                   flags & NGTCP2_STREAM_DATA_FLAG_FIN);

    s->owed += len;
    cl->behind = 1;

    return 0;
}


static int
sim_client_open(ngtcp2_conn *conn, int64_t id, void *user)
{
    sim_client_t *cl = user;

    sim_stream_t  *s;

    s = sim_stream_find(cl->number, id);

    if (s == NULL) {
        sim_fail("stream %ld opens, but wasn't opened", id);
    }

    (void) ngtcp2_conn_set_stream_user_data(conn, id, s);

    return 0;
}


/* the client has nothing to wait for on this stream, whoever closes it */

static void
sim_client_ended(sim_client_t *cl, sim_stream_t *s)
{
    if (s->ended) {
        return;
    }

    s->ended = 1;
    sim.progress = sim.now;

    if (s->id & QUIC_STREAM_SERVER) {
        cl->theirs++;

    } else {
        cl->ended[(s->id & QUIC_STREAM_UNI) ? 1 : 0]++;
    }
}


static int
sim_client_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id,
    uint64_t error, void *user, void *stream)
{
    sim_client_t *cl = user;

    sim_stream_t  *s;

    s = stream ? stream : sim_stream_find(cl->number, id);

    if (s == NULL || s->closed) {
        sim_fail("stream %ld is closed, but wasn't open", id);
    }

    sim_trace("client: stream %ld closed", id);

    sim_stream_check(s, SIM_DOWN);

    s->closed = 1;
    sim_client_ended(cl, s);

    if (id & QUIC_STREAM_SERVER) {
        ngtcp2_conn_extend_max_streams_uni(conn, 1);

    } else {
        cl->closed[(id & QUIC_STREAM_UNI) ? 1 : 0]++;
    }

    return 0;
}


static int
sim_client_reset(ngtcp2_conn *conn, int64_t id, uint64_t final_size,
    uint64_t error, void *user, void *stream)
{
    sim_client_t *cl = user;

    sim_stream_t  *s;

    s = stream ? stream : sim_stream_find(cl->number, id);

    if (s == NULL) {
        sim_fail("stream %ld: reset of a stream that isn't open", id);
    }

    sim_trace("client: stream %ld reset", id);
    sim_stream_got_reset(s, SIM_DOWN, error);

    /* the library doesn't close a stream that begins with its reset */

    if (id & QUIC_STREAM_SERVER) {
        sim_client_ended(cl, s);
    }

    return 0;
}


/*
 * An optimistic ACK (RFC 9000, 21.4): the library doesn't lie, but its frames
 * come past here.  An ACK frame that is the first of a packet gets a larger
 * Largest Acknowledged and as much longer a First ACK Range, where the length
 * of both numbers stays what it was.
 */

static void
sim_client_lie(u_char *frames, size_t size)
{
    u_char         *largest, *range;
    size_t          largest_len, range_len;
    uint64_t        type, pn, length;
    quic_cursor_t   c;

    quic_cursor_init(&c, frames, size);

    type = quic_cursor_varint(&c);

    if (type != QUIC_FT_ACK && type != QUIC_FT_ACK_ECN) {
        return;
    }

    largest = c.pos;
    pn = quic_cursor_varint(&c) + sim.scenario->lie;
    largest_len = c.pos - largest;

    (void) quic_cursor_varint(&c);
    (void) quic_cursor_varint(&c);

    range = c.pos;
    length = quic_cursor_varint(&c) + sim.scenario->lie;
    range_len = c.pos - range;

    if (quic_varint_len(pn) <= largest_len
        && quic_varint_len(length) <= range_len)
    {
        (void) quic_varint_write_len(largest, pn, largest_len);
        (void) quic_varint_write_len(range, length, range_len);
    }
}


static int
sim_client_encrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead,
    const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *plain, size_t len,
    const uint8_t *nonce, size_t nonce_len, const uint8_t *header,
    size_t header_len)
{
    u_char  frames[SIM_MAX_DATAGRAM];

    if (sim.scenario->lie && sim_result.bytes >= sim.scenario->end_after
        && (header[0] & QUIC_LONG_HEADER) == 0)
    {
        ngx_memcpy(frames, plain, len);
        sim_client_lie(frames, len);
        plain = frames;
    }

    return ngtcp2_crypto_encrypt_cb(dest, aead, ctx, plain, len, nonce,
                                    nonce_len, header, header_len);
}


static int
sim_client_preferred(ngtcp2_conn *conn, ngtcp2_path *dest,
    const ngtcp2_preferred_addr *paddr, void *user)
{
    dest->remote.addrlen = sizeof(struct sockaddr_in);
    ngx_memcpy(dest->remote.addr, &paddr->ipv4, sizeof(struct sockaddr_in));

    return 0;
}


static ngtcp2_callbacks  sim_client_callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .handshake_completed = sim_client_established,
    .handshake_confirmed = sim_client_confirmed,
    .encrypt = sim_client_encrypt,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = sim_client_data,
    .stream_open = sim_client_open,
    .stream_close = sim_client_stream_close,
    .recv_stateless_reset = sim_client_stateless_reset,
    .recv_retry = sim_client_retry,
    .recv_new_token = sim_client_new_token,
    .rand = sim_ngtcp2_rand,
    .get_new_connection_id = sim_client_new_cid,
    .update_key = ngtcp2_crypto_update_key_cb,
    .stream_reset = sim_client_reset,
    .select_preferred_addr = sim_client_preferred,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};


static void
sim_client_send(sim_client_t *cl, const ngtcp2_path *path, const u_char *data,
    size_t len, ngx_uint_t ecn)
{
    quic_addr_t         from;
    const quic_addr_t  *to;

    to = (quic_addr_t *) path->remote.addr;

    if (cl->silent
        || (sim.scenario->preferred_fails
            && quic_addr_equal(to, sim_server_preferred())))
    {
        return;
    }

    from = sim_nat_out(cl->number, (quic_addr_t *) path->local.addr);

    sim_link_send(SIM_UP, cl->number, &from, to, data, len, ecn);
}


/* the library copies both addresses */

static void
sim_client_path(sim_client_t *cl, ngtcp2_path_storage *ps,
    ngx_uint_t interface, const quic_addr_t *remote)
{
    quic_addr_t  local;

    local = sim_nat_local(cl->number, interface);

    ngtcp2_path_storage_init(ps, &local.sa, sizeof(struct sockaddr_in),
                             &remote->sa, sizeof(struct sockaddr_in), NULL);
}


/* a new one, or one whose 0-RTT was refused */

static void
sim_client_opened(sim_client_t *cl, int64_t id)
{
    sim_stream_t  *s;

    s = sim_stream_find(cl->number, id);

    if (s == NULL) {
        s = sim_stream_open(cl->number, id);
    }

    (void) ngtcp2_conn_set_stream_user_data(cl->conn, id, s);
}


/* opens streams, as many as the plan and the server allow */

static void
sim_client_open_streams(sim_client_t *cl)
{
    int64_t                id;
    ngx_uint_t             at_a_time;
    const sim_scenario_t  *row;

    row = sim.scenario;
    at_a_time = row->at_a_time ? row->at_a_time : row->streams;

    while (cl->opened[0] < row->streams
           && cl->opened[0] - cl->closed[0] < at_a_time
           && ngtcp2_conn_open_bidi_stream(cl->conn, &id, NULL) == 0)
    {
        cl->opened[0]++;
        sim_client_opened(cl, id);
    }

    while (cl->opened[1] < row->uni_streams
           && ngtcp2_conn_open_uni_stream(cl->conn, &id, NULL) == 0)
    {
        cl->opened[1]++;
        sim_client_opened(cl, id);
    }
}


/* stops reading where the plan says so */

static void
sim_client_stop(sim_client_t *cl, sim_stream_t *s)
{
    int         rc;
    sim_way_t  *down;

    down = &s->way[SIM_DOWN];

    if (s->closed || down->stopped || down->received < down->stop_at
        || down->got_fin || down->got_reset)
    {
        return;
    }

    down->stopped = 1;

    /* the library doesn't close a stream whose end crosses STOP_SENDING */

    sim_client_ended(cl, s);

    rc = ngtcp2_conn_shutdown_stream_read(cl->conn, 0, s->id,
                                          sim_stop_error(s, SIM_DOWN));
    sim_trace("client: stops stream %lu", s->id);

    if (rc != 0) {
        sim_fail("stream %lu can't be stopped: %s", s->id,
                 ngtcp2_strerror(rc));
    }
}


/*
 * What follows from bytes received.  The library forgets credit, stops and
 * resets of streams from before the handshake is confirmed: they wait for that.
 */

static void
sim_client_catch_up(sim_client_t *cl)
{
    ngx_queue_t   *q, *streams;
    sim_stream_t  *s;

    cl->behind = 0;

    streams = sim_streams(cl->number);

    for (q = ngx_queue_head(streams);
         q != ngx_queue_sentinel(streams);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, sim_stream_t, queue);

        if (s->owed == 0) {
            continue;
        }

        (void) ngtcp2_conn_extend_max_stream_offset(cl->conn, s->id, s->owed);
        ngtcp2_conn_extend_max_offset(cl->conn, s->owed);

        s->owed = 0;

        sim_client_stop(cl, s);
    }
}


/* the next one that has something to send and wasn't tried in this round */

static sim_stream_t *
sim_client_next(sim_client_t *cl)
{
    sim_way_t     *up;
    ngx_queue_t   *q, *streams;
    sim_stream_t  *s;

    streams = sim_streams(cl->number);

    for (q = ngx_queue_head(streams);
         q != ngx_queue_sentinel(streams);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, sim_stream_t, queue);
        up = &s->way[SIM_UP];

        if (s->closed || up->absent || up->finished || up->reset
            || up->got_stop || s->tried == cl->round)
        {
            continue;
        }

        if (up->sent < up->reset_at) {
            return s;
        }

        if (!cl->confirmed) {
            continue;
        }

        up->reset = 1;
        (void) ngtcp2_conn_shutdown_stream_write(cl->conn, 0, s->id,
                                                 sim_reset_error(s, SIM_UP));
    }

    return NULL;
}


/* the result of ngtcp2_conn_writev_stream() */

static ngtcp2_ssize
sim_client_put(sim_client_t *cl, sim_stream_t *s, ngtcp2_path *path,
    ngtcp2_pkt_info *pi, u_char *buf, size_t size)
{
    size_t        len;
    uint32_t      flags;
    sim_way_t    *up;
    ngtcp2_vec    vec;
    ngtcp2_ssize  n, taken;

    if (s == NULL) {
        return ngtcp2_conn_writev_stream(cl->conn, path, pi, buf, size, NULL,
                                         0, -1, NULL, 0, sim_ngtcp2_now());
    }

    up = &s->way[SIM_UP];
    len = ngx_min(up->size, up->reset_at) - up->sent;

    flags = NGTCP2_WRITE_STREAM_FLAG_MORE;

    vec.base = (u_char *) sim_content(s->id, SIM_UP, up->sent, &len);
    vec.len = len;

    if (up->sent + len == up->size) {
        flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
    }

    n = ngtcp2_conn_writev_stream(cl->conn, path, pi, buf, size, &taken, flags,
                                  s->id, &vec, 1, sim_ngtcp2_now());

    if (taken >= 0 && (n >= 0 || n == NGTCP2_ERR_WRITE_MORE)) {
        up->sent += taken;
        cl->sent += taken;

        if (up->sent == up->size && taken == (ngtcp2_ssize) len) {
            up->finished = 1;
        }
    }

    if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
        s->tried = cl->round;
    }

    if (n == NGTCP2_ERR_STREAM_SHUT_WR || n == NGTCP2_ERR_STREAM_NOT_FOUND) {
        up->got_stop = 1;
    }

    return n;
}


/*
 * The library has no PTO for PATH_RESPONSE.  Two that are lost stay in flight
 * until something else is acknowledged, and with the least window nothing else
 * is ever sent.  A migration begins with a new one; without a connection ID for
 * that the client is lost.
 */

static void
sim_client_check_window(sim_client_t *cl)
{
    if (!cl->confirmed || ngtcp2_conn_get_cwnd_left(cl->conn)) {
        sim_cancel(&cl->stuck);

    } else if (cl->stuck.place == 0) {
        sim_at(&cl->stuck, sim.now + SIM_CLIENT_STUCK);
    }
}


/*
 * A ClientHello that is sent again while 0-RTT fills the window isn't padded by
 * the library, and no server may read it (RFC 9000, 14.1).  Behind the Initial
 * packet zeros are no packet at all.
 */

static size_t
sim_client_pad(sim_client_t *cl, u_char *buf, size_t len)
{
    quic_packet_t  pkt;

    if (!cl->early || cl->established || len >= QUIC_MIN_INITIAL_SIZE
        || quic_packet_parse(&pkt, buf, len, 0, 1) != NGX_OK
        || pkt.type != QUIC_PACKET_INITIAL)
    {
        return len;
    }

    ngx_memzero(buf + len, QUIC_MIN_INITIAL_SIZE - len);

    return QUIC_MIN_INITIAL_SIZE;
}


static void
sim_client_write(sim_client_t *cl)
{
    size_t                left;
    u_char                buf[SIM_MAX_DATAGRAM];
    ngtcp2_ssize          n;
    sim_stream_t         *s;
    ngtcp2_pkt_info       pi;
    ngtcp2_path_storage   ps;

    if (cl->finished) {
        return;
    }

    ngtcp2_path_storage_zero(&ps);

    if (cl->confirmed) {
        sim_client_key_update(cl);
    }

    if (cl->established || cl->early) {
        sim_client_open_streams(cl);
    }

    if (cl->confirmed && cl->behind) {
        sim_client_catch_up(cl);
    }

    cl->round++;
    left = ngtcp2_conn_get_send_quantum(cl->conn);

    for ( ;; ) {
        s = (cl->established || cl->early) ? sim_client_next(cl) : NULL;
        n = sim_client_put(cl, s, &ps.path, &pi, buf, sizeof(buf));

        if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED
            || n == NGTCP2_ERR_STREAM_SHUT_WR
            || n == NGTCP2_ERR_STREAM_NOT_FOUND
            || n == NGTCP2_ERR_WRITE_MORE)
        {
            continue;
        }

        if (n < 0) {
            sim_fail("client can't write: %s", ngtcp2_strerror(n));
        }

        if (n == 0) {
            break;
        }

        sim_client_send(cl, &ps.path, buf, sim_client_pad(cl, buf, n), pi.ecn);

        if (left <= (size_t) n) {
            break;
        }

        left -= n;
    }

    ngtcp2_conn_update_pkt_tx_time(cl->conn, sim_ngtcp2_now());

    sim_at(&cl->timer, sim_ngtcp2_expiry(cl->conn));

    sim_client_check_window(cl);
}


/* who only waits doesn't tell anybody that its address has changed */

static void
sim_client_keep_alive(sim_client_t *cl)
{
    ngtcp2_conn_set_keep_alive_timeout(cl->conn, SIM_KEEP_ALIVE * 1000);
}


static void
sim_client_stuck(void *data)
{
    sim_client_t  *cl = data;

    sim_trace("client: is stuck");

    if (sim_client_move(cl, 1) == NGX_OK) {
        sim_client_keep_alive(cl);
        return;
    }

    if (++cl->tries == SIM_CLIENT_TRIES) {
        cl->silent = 1;
        sim.progress = sim.now;
        sim_client_finish(cl);
        return;
    }

    sim_at(&cl->stuck, sim.now + SIM_CLIENT_STUCK);
}


/* from now on they share the link */

static void
sim_client_all_there(void)
{
    ngx_uint_t  i;

    for (i = 0; i < sim_nclients; i++) {

        if (!sim_client[i].established) {
            return;
        }

        sim_client[i].alone = sim_client[i].received;
    }
}


/*
 * When the first of them is done: Jain, Chiu, Hawe: A Quantitative Measure of
 * Fairness; 1 is even, 1/n is all for one.
 */

static void
sim_client_fairness(void)
{
    double      x, sum, squares;
    ngx_uint_t  i;

    sum = 0;
    squares = 0;

    for (i = 0; i < sim_nclients; i++) {
        x = sim_client[i].received - sim_client[i].alone;

        sum += x;
        squares += x * x;
    }

    sim_result.fair = sum * sum / (sim_nclients * squares);
    sim_trace("fairness: %.3f", sim_result.fair);
}


static ngx_uint_t
sim_client_all_done(sim_client_t *cl)
{
    return cl->confirmed
           && (cl->token_len || sim.scenario->token == SIM_TOKEN_NONE)
           && (sim_ticket_is_there(cl->number)
               || sim.scenario->zero_rtt == SIM_0RTT_NONE)
           && cl->ended[0] == sim.scenario->streams
           && cl->ended[1] == sim.scenario->uni_streams
           && cl->theirs == sim.scenario->server_streams;
}


/* after every call of the library that could change something */

static void
sim_client_check_end(sim_client_t *cl)
{
    if (cl->finished) {
        return;
    }

    switch (sim.scenario->end) {

    case SIM_ALL_DONE:
    case SIM_ANYHOW:

        if (sim_client_all_done(cl) && cl->poll.place == 0) {

            if (sim.scenario->fair > 0 && !sim_judged) {
                sim_client_fairness();
                sim_judged = 1;
            }

            sim_at(&cl->poll, sim.now);
        }

        return;

    case SIM_SERVER_RESTARTS:

        if (cl->established && cl->received >= sim.scenario->end_after
            && cl->received && sim.server->alive(cl->number))
        {
            sim.server->restart();
        }

        return;

    case SIM_CLIENT_CLOSES:

        if (cl->established && cl->received >= sim.scenario->end_after) {
            sim_client_close(cl);
        }

        return;

    case SIM_CLIENT_VANISHES:

        if (cl->established && cl->received >= sim.scenario->end_after) {
            cl->silent = 1;
            sim_client_finish(cl);
        }

        return;

    default:
        return;
    }
}


/* the server learns from ACKs that its streams have ended */

static void
sim_client_poll(void *data)
{
    sim_client_t  *cl = data;

    ngx_queue_t  *q, *streams;

    if (cl->finished) {
        return;
    }

    if (!sim.server->alive(cl->number)) {

        if (sim.scenario->end == SIM_ANYHOW) {
            sim_client_close(cl);
            return;
        }

        sim_fail("the server has given up");
    }

    if (sim.server->streams(cl->number)) {
        sim_at(&cl->poll, sim.now + 10 * SIM_MS);
        return;
    }

    streams = sim_streams(cl->number);

    for (q = ngx_queue_head(streams);
         q != ngx_queue_sentinel(streams);
         q = ngx_queue_next(q))
    {
        sim_stream_check(ngx_queue_data(q, sim_stream_t, queue), SIM_UP);
    }

    sim_client_close(cl);
}


static void
sim_client_close(sim_client_t *cl)
{
    ngtcp2_ssize     n;
    ngtcp2_ccerr     error;
    ngtcp2_pkt_info  pi;

    sim_trace("client: closes");

    ngtcp2_ccerr_default(&error);
    ngtcp2_ccerr_set_application_error(&error, SIM_CLOSE_ERROR, NULL, 0);
    ngtcp2_path_storage_zero(&cl->close_path);

    n = ngtcp2_conn_write_connection_close(cl->conn, &cl->close_path.path, &pi,
                                           cl->close, sizeof(cl->close),
                                           &error, sim_ngtcp2_now());
    if (n <= 0) {
        sim_fail("client can't close: %s", ngtcp2_strerror(n));
    }

    cl->close_len = n;
    sim_client_finish(cl);
    sim.progress = sim.now;

    sim_client_send(cl, &cl->close_path.path, cl->close, n, 0);
}


/* each one begins when the one before has come to its end */

static ngx_uint_t
sim_client_in_sequence(void)
{
    return sim.scenario->token || sim.scenario->zero_rtt;
}


static void
sim_client_cancel(sim_client_t *cl)
{
    sim_cancel(&cl->timer);
    sim_cancel(&cl->rebind);
    sim_cancel(&cl->migrate);
    sim_cancel(&cl->spoof);
    sim_cancel(&cl->stuck);
    sim_cancel(&cl->poll);
}


static void
sim_client_finish(sim_client_t *cl)
{
    cl->finished = 1;

    if (sim.scenario->token) {
        sim_client_check_retries(cl);
    }

    if (sim_client_in_sequence() && cl->number + 1 < sim_nclients) {
        sim_at(&sim_client[cl->number + 1].start, sim.now + SIM_SEC);
    }

    sim_client_cancel(cl);
}


/*
 * Idle for too long: all must have been done then, and this long ago.  It waits
 * for three of its PTOs at least (RFC 9000, 10.1).
 */

static void
sim_client_expired(sim_client_t *cl, int rc)
{
    uint64_t  idle, pto;

    idle = sim.scenario->idle;
    pto = ngtcp2_conn_get_pto(cl->conn) / 1000;

    if (rc == NGTCP2_ERR_IDLE_CLOSE
        && (sim.scenario->end == SIM_ANYHOW
            || (sim.scenario->end == SIM_ALL_IDLE && sim_client_all_done(cl)
                && sim.now - sim.progress > idle / 2
                && sim.now - sim.progress < idle + ngx_max(idle, 3 * pto))))
    {
        sim_client_finish(cl);
        return;
    }

    sim_fail("client's timer: %s", ngtcp2_strerror(rc));
}


static void
sim_client_timeout(void *data)
{
    int            rc;
    sim_client_t  *cl = data;

    rc = ngtcp2_conn_handle_expiry(cl->conn, sim_ngtcp2_now());

    if (rc != 0) {
        sim_client_expired(cl, rc);
        return;
    }

    sim_client_write(cl);
    sim_client_check_end(cl);
}


/*
 * It sends resets that must do nothing as long as it knows its connection, and
 * good ones when it has forgotten it.  Non-zero: then nobody reads the
 * datagram.
 */

static ngx_uint_t
sim_client_resets(sim_client_t *cl, const ngtcp2_path *path,
    const u_char *data, size_t len)
{
    size_t  n;
    u_char  buf[SIM_RESET_MAX];

    if (sim.scenario->end != SIM_CLIENT_RESTARTS) {
        return 0;
    }

    n = sim_reset_answer(cl->number, data, len, buf);

    if (n && cl->received >= sim.scenario->end_after && !cl->forgot) {
        sim_trace("client: restarts");
        cl->forgot = sim.now;
        sim_client_finish(cl);
    }

    if (!cl->forgot) {
        n = sim_reset_false(cl->number, cl->interface != 0, buf);
    }

    if (n) {
        sim_client_send(cl, path, buf, n, 0);
    }

    return cl->forgot != 0;
}


/*
 * Each CONNECTION_CLOSE may be lost.  The server answers with them for as long
 * as three PTOs, then it knows nothing any more (RFC 9000, 10.2).
 */

static ngx_uint_t
sim_client_late_reset(sim_client_t *cl)
{
    return cl->reset && sim_result.closed
           && sim.now > sim_result.closed + SIM_CLOSING;
}


/* what a read that failed means; fails the run if it isn't the end planned */

static void
sim_client_broken(sim_client_t *cl, int rc)
{
    const ngtcp2_ccerr  *error;

    error = ngtcp2_conn_get_ccerr(cl->conn);

    if (rc == NGTCP2_ERR_DRAINING
        && (sim.scenario->end == SIM_ANYHOW
            || (sim.scenario->end == SIM_SERVER_CLOSES
                && (error->error_code == sim.scenario->error
                    || sim_client_late_reset(cl)))
            || (sim.scenario->end == SIM_SERVER_LEAVES
                && error->error_code == sim.scenario->error
                && sim_client_all_done(cl)
                && sim.now >= sim.progress + QUIC_LINGER)
            || (sim.scenario->end == SIM_SERVER_RESTARTS && cl->reset)))
    {
        sim_client_finish(cl);
        return;
    }

    if (rc == NGTCP2_ERR_RECV_VERSION_NEGOTIATION
        && sim.scenario->version == SIM_VERSION_UNKNOWN)
    {
        sim_client_finish(cl);
        return;
    }

    sim_fail("client can't read: %s, code %lu, %.*s", ngtcp2_strerror(rc),
             error->error_code, (int) error->reasonlen,
             error->reason ? (char *) error->reason : "");
}


void
sim_client_receive(ngx_uint_t client, const quic_addr_t *from,
    const quic_addr_t *to, u_char *data, size_t len, ngx_uint_t ecn)
{
    int                   rc;
    ngx_uint_t            interface;
    sim_client_t         *cl;
    ngtcp2_pkt_info       pi;
    ngtcp2_path_storage   ps;

    cl = &sim_client[client];

    if (sim.scenario->client_datagram && len > sim.scenario->client_datagram) {
        sim_fail("a datagram of %zu bytes for a client that takes %zu", len,
                 sim.scenario->client_datagram);
    }

    if (cl->close_len) {

        /* rarer and rarer, or two that answer each other never end */

        cl->late++;

        if ((cl->late & (cl->late - 1)) == 0) {
            sim_client_send(cl, &cl->close_path.path, cl->close,
                            cl->close_len, 0);
        }

        return;
    }

    if ((cl->finished && !cl->forgot)
        || sim_nat_in(client, to, &interface) != NGX_OK)
    {
        return;
    }

    if ((sim.scenario->migrate_cuts && interface != cl->interface)
        || (sim.scenario->migrate_fails && interface))
    {
        return;
    }

    pi.ecn = ecn;
    sim_client_path(cl, &ps, interface, from);

    if (sim_client_resets(cl, &ps.path, data, len)) {
        return;
    }

    rc = ngtcp2_conn_read_pkt(cl->conn, &ps.path, &pi, data, len,
                              sim_ngtcp2_now());
    if (rc != 0) {
        sim_client_broken(cl, rc);
        return;
    }

    sim_client_write(cl);
    sim_client_check_end(cl);
}


static void
sim_client_rebind(void *data)
{
    sim_client_t  *cl = data;

    if (cl->finished) {
        return;
    }

    sim_at(&cl->rebind, sim.now + sim.scenario->rebind);

    if (!cl->confirmed && !sim.scenario->rebind_early) {
        return;
    }

    sim_nat_rebind(cl->number);
    sim_trace("client: has another address");
}


/* what a client may be like; "plain" is what most are */

static uint64_t
sim_client_draw(uint64_t min, uint64_t max, uint64_t plain)
{
    uint64_t  drawn;

    drawn = sim_random_between(SIM_RANDOM_CLIENT, min, max);

    return sim.scenario->plain ? plain : drawn;
}


static void
sim_client_spoof(void *data)
{
    sim_client_t  *cl = data;

    sim_at(&cl->spoof, sim.now + sim.scenario->spoof);

    if (cl->confirmed) {
        sim_nat_spoof(cl->number);
    }
}


/* refused as long as the last one isn't over, or without connection IDs */

static ngx_int_t
sim_client_move(sim_client_t *cl, ngx_uint_t at_once)
{
    int                   rc;
    ngtcp2_path_storage   ps;
    const ngtcp2_path    *path;

    path = ngtcp2_conn_get_path(cl->conn);

    sim_client_path(cl, &ps, (cl->interface + 1) % SIM_MAX_INTERFACES,
                    (quic_addr_t *) path->remote.addr);

    rc = at_once ? ngtcp2_conn_initiate_immediate_migration(cl->conn, &ps.path,
                                                            sim_ngtcp2_now())
                 : ngtcp2_conn_initiate_migration(cl->conn, &ps.path,
                                                  sim_ngtcp2_now());

    if (rc != 0) {
        sim_trace("client: can't migrate: %s", ngtcp2_strerror(rc));
        return NGX_DECLINED;
    }

    cl->interface = (cl->interface + 1) % SIM_MAX_INTERFACES;
    sim_trace("client: migrates to interface %lu", cl->interface);

    sim_client_write(cl);

    return NGX_OK;
}


static void
sim_client_migrate(void *data)
{
    sim_client_t  *cl = data;

    sim_at(&cl->migrate, sim.now + sim.scenario->migrate);

    if (cl->confirmed) {
        (void) sim_client_move(cl, sim.scenario->migrate_cuts);
    }
}


/* with the ticket of the one before it */

static ngx_uint_t
sim_client_comes_back(sim_client_t *cl)
{
    return sim.scenario->zero_rtt && cl->number;
}


static void
sim_client_tls(sim_client_t *cl)
{
    static const gnutls_datum_t  alpn = { (u_char *) "h3", 2 };

    static const char  *suites[] = {
        SIM_NGTCP2_TLS_PLAIN,
        SIM_NGTCP2_TLS "+AES-128-GCM:+GROUP-SECP256R1",
        SIM_NGTCP2_TLS "+AES-256-GCM:+GROUP-X25519",
        SIM_NGTCP2_TLS "+CHACHA20-POLY1305:+GROUP-SECP384R1:+GROUP-X25519"
    };

    int  rc;

    rc = gnutls_init(&cl->tls, GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_DATA
                               | GNUTLS_NO_END_OF_EARLY_DATA);

    rc |= ngtcp2_crypto_gnutls_configure_client_session(cl->tls);

    cl->suite = sim_client_draw(0, sizeof(suites) / sizeof(suites[0]) - 1, 0);

    if (sim_client_comes_back(cl)) {
        /* that of the session */
        cl->suite = sim_client[0].suite;
    }

    rc |= gnutls_priority_set_direct(cl->tls, suites[cl->suite], NULL);

    rc |= gnutls_alpn_set_protocols(cl->tls, &alpn, 1,
                                    GNUTLS_ALPN_MANDATORY);
    rc |= gnutls_server_name_set(cl->tls, GNUTLS_NAME_DNS, "sim", 3);
    rc |= gnutls_credentials_set(cl->tls, GNUTLS_CRD_CERTIFICATE,
                                 sim_credentials);
    if (rc) {
        sim_fail("GnuTLS can't be set up: %d", rc);
    }

    gnutls_session_set_ptr(cl->tls, &cl->ref);

    if (sim_client_comes_back(cl)) {
        sim_ticket_resume(cl->number - 1, cl->tls);
    }

    if (sim.scenario->zero_rtt) {
        sim_ticket_wait(cl->number, cl->tls);
    }
}


static void
sim_client_params(ngtcp2_transport_params *tp)
{
    uint64_t               window;
    const sim_scenario_t  *row;

    row = sim.scenario;
    window = row->client_stream_window ? row->client_stream_window
                                       : SIM_CLIENT_STREAM_WINDOW;

    ngtcp2_transport_params_default(tp);

    tp->initial_max_stream_data_bidi_local = window;
    tp->initial_max_stream_data_uni = window;
    tp->initial_max_data = row->client_window ? row->client_window
                                              : SIM_CLIENT_WINDOW;
    tp->initial_max_streams_uni = ngx_max(3, row->server_streams);

    if (row->client_datagram) {
        tp->max_udp_payload_size = row->client_datagram;
    }

    tp->max_idle_timeout = (row->idle ? row->idle : SIM_PATIENCE) * 1000;
    tp->active_connection_id_limit = sim_client_draw(2, 8, 2);
    tp->grease_quic_bit = sim_client_draw(0, 1, 0);
    tp->ack_delay_exponent = sim_client_draw(0, 10, 3);
    tp->max_ack_delay = sim_client_draw(1, 60, 25) * NGTCP2_MILLISECONDS;
}


/* the version of the connection that it came from: RFC 9369, section 5 */

static uint32_t
sim_client_token(sim_client_t *cl, ngtcp2_settings *settings)
{
    sim_client_t  *from;

    from = &sim_client[cl->number - 1];

    if (sim.scenario->token == SIM_TOKEN_SAME) {
        from = &sim_client[0];
    }

    settings->token = from->token;
    settings->tokenlen = from->token_len;
    settings->token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;

    return from->version;
}


/* it can do both, in this order, or wants nothing but what it begins with */

static void
sim_client_versions(sim_client_t *cl, ngtcp2_settings *settings)
{
    static const uint32_t  orders[2][2] = {
        { NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2 },
        { NGTCP2_PROTO_VER_V2, NGTCP2_PROTO_VER_V1 }
    };

    ngx_uint_t  n;

    n = sim_client_draw(0, 3, 3);
    n = sim_client_comes_back(cl) ? 3 : n;
    cl->wanted = cl->version;

    if (sim.scenario->version) {
        n = (sim.scenario->prefer == orders[0][0]) ? 0
            : (sim.scenario->prefer == orders[1][0]) ? 1 : 2;
    }

    if (n < 2) {
        cl->wanted = orders[n][0];

        settings->preferred_versions = orders[n];
        settings->preferred_versionslen = 2;
        settings->available_versions = orders[n];
        settings->available_versionslen = 2;
    }
}


static void
sim_client_connect(sim_client_t *cl)
{
    static const uint32_t  versions[] = {
        NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2
    };

    int                      rc;
    size_t                   len;
    uint32_t                 version;
    ngtcp2_cid               dcid, scid;
    ngtcp2_settings          settings;
    ngtcp2_path_storage      ps;
    ngtcp2_transport_params  params;

    ngtcp2_settings_default(&settings);

    settings.initial_ts = sim_ngtcp2_now();
    settings.log_printf = sim.trace ? sim_client_log : NULL;
    settings.no_pmtud = !sim.scenario->pmtud;
    settings.max_stream_window = 6 * 1024 * 1024;
    settings.max_window = 16 * 1024 * 1024;
    settings.handshake_timeout = SIM_NEVER;

    settings.cc_algo = sim_client_draw(0, 2, NGTCP2_CC_ALGO_CUBIC);
    settings.ack_thresh = sim_client_draw(1, 10, 2);

    sim_client_params(&params);
    cl->greases = params.grease_quic_bit;

    sim_ngtcp2_cid(&dcid, sim_client_draw(8, 20, SIM_NGTCP2_PLAIN_CID));

    len = sim_client_draw(0, 20, SIM_NGTCP2_PLAIN_CID);
    len = len < 4 ? 0 : len;
    sim_ngtcp2_cid(&scid, sim.scenario->end == SIM_CLIENT_RESTARTS
                          ? ngx_max(len, 4) : len);

    version = sim.scenario->version ? sim.scenario->version
                                    : versions[sim_client_draw(0, 2, 0)];

    if (sim.scenario->token && cl->number) {
        version = sim_client_token(cl, &settings);
    }

    if (sim_client_comes_back(cl)) {
        /* that of the connection before, RFC 9369, 5 */
        version = sim_client[cl->number - 1].version;
    }

    cl->version = version;
    sim_client_versions(cl, &settings);

    sim_client_path(cl, &ps, 0, sim_server_addr());

    rc = ngtcp2_conn_client_new(&cl->conn, &dcid, &scid, &ps.path, version,
                                &sim_client_callbacks, &settings, &params,
                                NULL, cl);
    if (rc != 0) {
        sim_fail("no client: %s", ngtcp2_strerror(rc));
    }

    ngtcp2_conn_set_tls_native_handle(cl->conn, cl->tls);

    if (sim_client_comes_back(cl)) {
        sim_ticket_early(cl->number - 1, cl->conn);
        cl->early = 1;
    }

    if (sim.scenario->rebind_cuts) {
        sim_client_keep_alive(cl);
    }
}


static void
sim_client_start(void *data)
{
    sim_client_t  *cl = data;

    cl->started = sim.now;

    if (sim_client_in_sequence()) {
        sim_link_recount();
    }

    sim_client_tls(cl);
    sim_client_connect(cl);
    sim_at(&cl->timer, sim.now);

    if (sim.scenario->rebind) {
        sim_at(&cl->rebind, sim.now + sim.scenario->rebind);
    }

    if (sim.scenario->migrate) {
        sim_at(&cl->migrate, sim.now + sim.scenario->migrate);
    }

    if (sim.scenario->spoof) {
        sim_at(&cl->spoof, sim.now + sim.scenario->spoof);
    }
}


void
sim_client_init(void)
{
    ngx_uint_t     i;
    sim_client_t  *cl;

    (void) gnutls_certificate_allocate_credentials(&sim_credentials);

    sim_nclients = sim.scenario->clients ? sim.scenario->clients : 1;

    for (i = 0; i < sim_nclients; i++) {
        cl = &sim_client[i];

        cl->number = i;
        cl->ref.get_conn = sim_client_conn;
        cl->ref.user_data = cl;
        cl->timer.handler = sim_client_timeout;
        cl->timer.data = cl;
        cl->rebind.handler = sim_client_rebind;
        cl->rebind.data = cl;
        cl->migrate.handler = sim_client_migrate;
        cl->migrate.data = cl;
        cl->spoof.handler = sim_client_spoof;
        cl->spoof.data = cl;
        cl->stuck.handler = sim_client_stuck;
        cl->stuck.data = cl;
        cl->poll.handler = sim_client_poll;
        cl->poll.data = cl;
        cl->start.handler = sim_client_start;
        cl->start.data = cl;

        if (i && sim_client_in_sequence()) {
            continue;
        }

        sim_at(&cl->start, sim.now + i * sim.scenario->apart);
    }
}


void
sim_client_done(void)
{
    ngx_uint_t     i;
    sim_client_t  *cl;

    for (i = 0; i < sim_nclients; i++) {
        cl = &sim_client[i];

        if (cl->forgot && sim.now - cl->forgot > SIM_CLIENT_RESET) {
            sim_fail("a stateless reset has not ended the connection");
        }

        sim_client_cancel(cl);
        sim_cancel(&cl->start);

        ngtcp2_conn_del(cl->conn);
        gnutls_deinit(cl->tls);
    }

    sim_tickets_done();
    gnutls_certificate_free_credentials(sim_credentials);
}


ngx_uint_t
sim_client_greases(ngx_uint_t client)
{
    return sim_client[client].greases;
}


ngx_uint_t
sim_clients_finished(void)
{
    ngx_uint_t  i;

    for (i = 0; i < sim_nclients; i++) {
        if (!sim_client[i].finished) {
            return 0;
        }
    }

    return 1;
}
