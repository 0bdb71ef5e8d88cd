
/*
 * The server: the endpoint, its timers and sockets, and an application that
 * reads, writes, pauses, stops, resets, as the plans of its streams say.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_ticket_keys.h"
#include "quic/quic_conn_internal.h"
#include "quic/quic_replay.h"
#include "test_cert.h"
#include "sim.h"
#include "sim_server.h"


/* that a client may name */
#define SIM_SERVERS          2

#define SIM_TICKET_LIFETIME  3600        /* seconds */
#define SIM_REPLAY           1024        /* numbers of tickets, at most */


typedef struct {
    sim_event_t      event;      /* the connection's timer */
    quic_conn_t     *conn;
    ngx_uint_t       client;
    ngx_uint_t       opened;     /* streams of our own */
    ngx_uint_t       closed;
    uint64_t         sent;       /* bytes of datagrams */
} sim_server_conn_t;


typedef struct {
    ngx_uint_t       client;
    ngx_uint_t       alive;
    ngx_uint_t       streams;
} sim_server_count_t;


static void sim_server_start(void);
static void sim_server_memory(void *data);
static void sim_server_keys(void *data);
static void sim_server_use_up(quic_conn_t *c, void *data);
static void sim_server_flush(void *data);
static void sim_server_send(const quic_batch_t *batch);
static void sim_server_timeout(void *data);

static ngx_int_t sim_server_accepted(void *data, quic_conn_t *c, void *socket);
static ngx_int_t sim_server_name(void *data, quic_conn_t *c, ngx_str_t *name);
static void sim_server_timer(void *data, quic_conn_t *c, uint64_t deadline);
static void sim_server_wakeup(void *data);
static void sim_server_freed(void *data, quic_conn_t *c);
static const quic_conf_t *sim_server_conf(void *data, void *socket);
static ngx_uint_t sim_server_lives(void *data, uint32_t owner);
static ngx_int_t sim_server_early(void *data, uint64_t ticket);

static void sim_server_established(void *app);
static void sim_server_opened(void *app, quic_stream_t *s);
static void sim_server_readable(void *app, quic_stream_t *s);
static void sim_server_writable(void *app, quic_stream_t *s);
static void sim_server_reset(void *app, quic_stream_t *s, uint64_t error);
static void sim_server_stopped(void *app, quic_stream_t *s, uint64_t error);
static void sim_server_closed(void *app);
static void sim_server_drained(void *app);


static const quic_endpoint_ops_t  sim_endpoint_ops = {
    sim_server_accepted,
    sim_server_name,
    sim_server_timer,
    sim_server_wakeup,
    sim_server_freed,
    sim_server_conf,
    sim_server_lives,
    sim_server_early
};


static const quic_app_ops_t  sim_app_ops = {
    sim_server_established,
    sim_server_opened,
    sim_server_readable,
    sim_server_writable,
    sim_server_reset,
    sim_server_stopped,
    sim_server_closed,
    sim_server_drained
};


quic_endpoint_t         sim_endpoint;
quic_mem_t              sim_mem;

static quic_conf_t      sim_conf;
static quic_conf_t      sim_other_conf;      /* of every second client */
static quic_host_key_t  sim_host_key;
static sim_event_t      sim_flush_event;
static sim_event_t      sim_memory_event;
static sim_event_t      sim_keys_event;
static quic_tls_ctx_t  *sim_tls[SIM_SERVERS];
static uint64_t         sim_replay[SIM_REPLAY];
static u_char           sim_buffer[QUIC_MAX_BATCH_SIZE];


static void
sim_server_certificates(quic_tls_ctx_t *tls)
{
    size_t       len;
    u_char      *chain, *p;
    ngx_str_t    cert, key, more, unused;
    ngx_uint_t   i;

    if (test_cert_make(TEST_CERT_P256, "sim", NULL, &cert, &key) != NGX_OK) {
        sim_fail("no certificate");
    }

    for (i = 1; i < sim.scenario->chain; i++) {

        (void) test_cert_make(TEST_CERT_P256, "sim", NULL, &more, &unused);

        len = more.len - TEST_CERT_PREFIX_LEN;
        chain = malloc(cert.len + len + 1);

        p = ngx_cpymem(chain, cert.data, cert.len);
        p = ngx_cpymem(p, more.data + TEST_CERT_PREFIX_LEN, len);
        *p = '\0';

        free(cert.data);
        free(more.data);
        free(unused.data);

        cert.data = chain;
        cert.len += len;
    }

    if (quic_tls_ctx_certificate(tls, &cert, &key, NULL, &sim.log) != NGX_OK) {
        sim_fail("no certificate");
    }

    free(cert.data);
    free(key.data);
}


/* those of two servers with the same keys of tickets */

static void
sim_server_tls(void)
{
    u_char              secret[QUIC_TICKET_SECRET_LEN];
    ngx_uint_t          i;
    quic_tls_tickets_t  conf;

    ngx_memzero(&conf, sizeof(quic_tls_tickets_t));

    if (sim.scenario->zero_rtt) {
        sim_random_bytes(SIM_RANDOM_LIBRARY, secret, sizeof(secret));

        conf.secret = secret;
        conf.longest = SIM_TICKET_LIFETIME;
        conf.early_data = 1;
    }

    for (i = 0; i < SIM_SERVERS; i++) {
        sim_tls[i] = quic_tls_ctx_create(&sim.log);
        sim_server_certificates(sim_tls[i]);

        if (sim.scenario->zero_rtt == SIM_0RTT_NONE) {
            break;
        }

        quic_tls_ctx_lifetime(sim_tls[i], SIM_TICKET_LIFETIME);

        if (quic_tls_ctx_tickets(sim_tls[i], &conf, &sim.log) != NGX_OK) {
            sim_fail("no tickets");
        }
    }

    sim_conf.tls = sim_tls[0];
}


static const quic_cc_ops_t *
sim_server_cc(const char *name)
{
    static const char  *names[] = { "cubic", "reno", "bbr" };

    ngx_str_t             str;
    const quic_cc_ops_t  *cc;

    if (name == NULL) {
        name = names[sim_random(SIM_RANDOM_SERVER)
                     % (sizeof(names) / sizeof(names[0]))];
    }

    name = sim.cc ? sim.cc : name;

    str.data = (u_char *) name;
    str.len = ngx_strlen(name);

    cc = quic_cc_by_name(&str);

    if (cc == NULL) {
        sim_fail("no congestion controller %s", name);
    }

    return cc;
}


static void
sim_server_init(void)
{
    u_char                 secret[QUIC_HOST_SECRET_LEN];
    const sim_scenario_t  *row;

    row = sim.scenario;

    quic_mem_init(&sim_mem, &sim.log);
    sim_random_bytes(SIM_RANDOM_LIBRARY, secret, sizeof(secret));

    sim_conf.idle_timeout = row->idle ? row->idle : SIM_PATIENCE;
    sim_conf.handshake_timeout = sim_conf.idle_timeout;
    sim_conf.max_streams_bidi = row->max_streams ? row->max_streams : 128;
    sim_conf.stream_window = row->stream_window ? row->stream_window : 65536;
    sim_conf.conn_window = row->conn_window ? row->conn_window : 262144;
    sim_conf.send_buffer = row->send_buffer ? row->send_buffer : 65536;
    sim_conf.active_cid_limit = 4;
    sim_conf.mtu = row->mtu ? row->mtu : 1480;
    sim_conf.retry = row->retry;

    sim_server_tls();

    if (row->preferred) {
        sim_conf.preferred_ipv4 = *sim_server_preferred();
    }

    sim_conf.cc = sim_server_cc(row->cc[0]);
    sim_other_conf = sim_conf;
    sim_other_conf.cc = row->cc[1] ? sim_server_cc(row->cc[1]) : sim_conf.cc;

    sim_flush_event.handler = sim_server_flush;

    if (quic_host_key_init(&sim_host_key, secret, sizeof(secret)) != NGX_OK) {
        sim_fail("no host key");
    }

    sim_server_start();

    if (row->no_memory) {
        sim_memory_event.handler = sim_server_memory;
        sim_at(&sim_memory_event, sim.now);
    }

    if (row->server_key_update) {
        sim_keys_event.handler = sim_server_keys;
        sim_at(&sim_keys_event, sim.now + row->server_key_update);
    }
}


static void
sim_server_start(void)
{
    if (quic_endpoint_init(&sim_endpoint, &sim_mem, &sim_host_key, 1,
                           &sim_endpoint_ops, NULL, &sim.log, sim.now)
        != NGX_OK)
    {
        sim_fail("no endpoint");
    }

    if (sim.scenario->zero_rtt) {
        if (quic_replay_init((quic_replay_t *) sim_replay, sizeof(sim_replay))
            != NGX_OK)
        {
            sim_fail("no memory of 0-RTT");
        }

        sim_endpoint.early_id = ((quic_replay_t *) sim_replay)->id;
    }
}


static void
sim_server_stop(void)
{
    quic_endpoint_done(&sim_endpoint);
    sim_cancel(&sim_flush_event);

    if (sim_endpoint.windows_grown) {
        sim_fail("windows of connections that are no more count");
    }

    if (sim_mem.used) {
        sim_fail("%zu bytes of the server's memory are lost", sim_mem.used);
    }
}


/* some of the time the next allocation fails, or the one after a few more */

static void
sim_server_memory(void *data)
{
    uint64_t  time;

    time = sim_random_between(SIM_RANDOM_SERVER, 1, sim.scenario->no_memory);

    if (sim_mem.max == NGX_MAX_SIZE_T_VALUE) {
        sim_mem.max = sim_mem.used
                      + sim_random_between(SIM_RANDOM_SERVER, 0, 16384);
        time /= 8;

    } else {
        sim_mem.max = NGX_MAX_SIZE_T_VALUE;
    }

    sim_at(&sim_memory_event, sim.now + time);
}


/* as if so much had been sent that it's time for new keys */

static void
sim_server_use_up(quic_conn_t *c, void *data)
{
    quic_keys_t  *keys;

    keys = c->tx[QUIC_LEVEL_APP];

    if (keys) {
        keys->sealed = ngx_max(keys->sealed,
                               keys->suite->confidentiality_limit / 2);
    }
}


static void
sim_server_keys(void *data)
{
    quic_endpoint_each(&sim_endpoint, sim_server_use_up, NULL);

    sim_at(&sim_keys_event, sim.now + sim.scenario->server_key_update);
}


static void
sim_server_unanswered(quic_conn_t *c, void *data)
{
    ngx_uint_t  *n = data;

    if (c->phase.first_rx == UINT64_MAX) {
        (*n)++;
    }
}


ngx_uint_t
sim_server_updates_keys(void)
{
    ngx_uint_t  n;

    n = 0;
    quic_endpoint_each(&sim_endpoint, sim_server_unanswered, &n);

    return n;
}


static void
sim_server_restart(void)
{
    sim_trace("server: restarts");

    sim_server_stop();
    sim_server_start();
}


static void
sim_server_done(void)
{
    ngx_uint_t  i;

    sim_server_stop();
    sim_cancel(&sim_memory_event);
    sim_cancel(&sim_keys_event);

    quic_mem_done(&sim_mem);
    quic_host_key_clear(&sim_host_key);

    for (i = 0; i < SIM_SERVERS; i++) {
        quic_tls_ctx_free(sim_tls[i]);
    }
}


static ngx_uint_t
sim_server_conns(void)
{
    return sim_endpoint.nconns;
}


static void
sim_server_count(quic_conn_t *c, void *data)
{
    sim_server_count_t  *count = data;

    ngx_rbtree_node_t  *node;
    sim_server_conn_t  *sc;

    sc = quic_conn_data(c);

    if (sc->client != count->client) {
        return;
    }

    count->alive += quic_conn_alive(c);

    if (c->streams.tree.root == &c->streams.sentinel) {
        return;
    }

    node = ngx_rbtree_min(c->streams.tree.root, &c->streams.sentinel);

    for ( /* void */ ; node; node = ngx_rbtree_next(&c->streams.tree, node)) {
        count->streams++;
    }
}


static sim_server_count_t
sim_server_count_all(ngx_uint_t client)
{
    sim_server_count_t  count;

    ngx_memzero(&count, sizeof(sim_server_count_t));
    count.client = client;

    quic_endpoint_each(&sim_endpoint, sim_server_count, &count);

    return count;
}


static ngx_uint_t
sim_server_streams(ngx_uint_t client)
{
    return sim_server_count_all(client).streams;
}


static ngx_uint_t
sim_server_alive(ngx_uint_t client)
{
    return sim_server_count_all(client).alive;
}


/* the way in and out */

static void
sim_server_receive(ngx_uint_t client, const quic_addr_t *from,
    const quic_addr_t *to, u_char *data, size_t len, ngx_uint_t ecn)
{
    u_char           buf[QUIC_MIN_INITIAL_SIZE];
    ngx_str_t        reply;
    quic_datagram_t  dgram;

    dgram.data = data;
    dgram.len = len;
    dgram.remote = *from;
    dgram.local = *to;
    dgram.ecn = ecn;
    dgram.socket = (void *) (uintptr_t) (client + 1);

    reply.data = buf;
    reply.len = 0;

    sim_check_bytes(SIM_UP, from, to, len);
    quic_endpoint_receive(&sim_endpoint, &dgram, &reply, sim.now);

    if (reply.len) {
        sim_check_bytes(SIM_DOWN, from, to, reply.len);
        sim_link_send(SIM_DOWN, client, to, from, buf, reply.len, 0);
    }

    sim_check();
}


static void
sim_server_wakeup(void *data)
{
    sim_at(&sim_flush_event, sim.now);
}


static void
sim_server_flush(void *data)
{
    quic_batch_t  batch;

    while (quic_endpoint_flush(&sim_endpoint, sim_buffer, sizeof(sim_buffer),
                               &batch, sim.now)
           == NGX_OK)
    {
        sim_server_send(&batch);
        sim_check();
    }

    sim_check();
}


static void
sim_server_send(const quic_batch_t *batch)
{
    size_t              len, size;
    u_char             *p;
    ngx_uint_t          client;
    quic_addr_t         from, to;
    sim_server_conn_t  *sc;

    sc = quic_conn_data(batch->conn);
    sc->sent += batch->len;

    /* RFC 9000, 10.2.2 */

    if (batch->conn->state == QUIC_CONN_DRAINING) {
        sim_fail("a connection that is draining says something");
    }

    client = (uintptr_t) batch->socket - 1;
    from = *batch->local;
    to = *batch->remote;

    if (batch->segment == 0 || batch->len == 0
        || batch->segment > sim_conf.mtu - 28
        || batch->len > batch->segment * QUIC_MAX_BATCH_SEGMENTS)
    {
        sim_fail("batch of %zu bytes in pieces of %zu", batch->len,
                 batch->segment);
    }

    for (p = batch->data, len = batch->len; len; p += size, len -= size) {
        size = ngx_min(len, batch->segment);

        sim_check_bytes(SIM_DOWN, &to, &from, size);
        sim_check_fixed_bit(client, p[0]);
        sim_link_send(SIM_DOWN, client, &from, &to, p, size, batch->ecn);
    }

    ngx_memset(batch->data, 0xee, batch->len);
}


/* nginx's timers know milliseconds */

static void
sim_server_timer(void *data, quic_conn_t *c, uint64_t deadline)
{
    sim_server_conn_t  *sc;

    sc = quic_conn_data(c);

    if (deadline != SIM_NEVER) {
        deadline = ngx_max(deadline, sim.now);
        deadline = (deadline + SIM_MS - 1) / SIM_MS * SIM_MS;
    }

    sim_at(&sc->event, deadline);
}


static void
sim_server_timeout(void *data)
{
    sim_server_conn_t  *sc = data;

    sim_result.wakeups++;
    sim_trace("server's timer");

    quic_endpoint_timeout(&sim_endpoint, sc->conn, sim.now);
}


/* connections */

static ngx_int_t
sim_server_accepted(void *data, quic_conn_t *c, void *socket)
{
    sim_server_conn_t  *sc;

    sc = calloc(1, sizeof(sim_server_conn_t));

    sc->conn = c;
    sc->client = (uintptr_t) socket - 1;
    sc->event.handler = sim_server_timeout;
    sc->event.data = sc;

    quic_conn_set_data(c, sc);
    quic_conn_set_app(c, &sim_app_ops, sc);

    return NGX_OK;
}


static ngx_int_t
sim_server_name(void *data, quic_conn_t *c, ngx_str_t *name)
{
    sim_server_conn_t  *sc;

    if (sim.scenario->zero_rtt != SIM_0RTT_UNKNOWN) {
        return NGX_OK;
    }

    /* never that which the ticket comes from */

    sc = quic_conn_data(c);

    return quic_conn_use_tls(c, sim_tls[sc->client % SIM_SERVERS]);
}


static ngx_int_t
sim_server_early(void *data, uint64_t ticket)
{
    if (sim.scenario->zero_rtt == SIM_0RTT_REFUSED) {
        return NGX_DECLINED;
    }

    return quic_replay_use((quic_replay_t *) sim_replay, ticket,
                           sim.now / SIM_SEC);
}


/* what a connection tells of itself is what was seen of it */

static void
sim_server_check_stats(sim_server_conn_t *sc)
{
    uint64_t      done;
    quic_stats_t  st;

    quic_conn_stats(sc->conn, &st);

    done = sc->conn->recovery.packets_acked + st.packets_lost;

    if (st.bytes_sent != sc->sent
        || st.packets_sent < done
        || st.packets_lost < st.packets_spurious
        || st.bytes_lost < st.bytes_spurious
        || st.bytes_sent < st.bytes_lost + st.in_flight
        || (st.bytes_retransmitted && st.packets_lost + st.ptos == 0)
        || (st.rtt && (st.rtt_min == 0 || st.rtt_min > st.rtt)))
    {
        sim_fail("%lu bytes sent, not %lu; %lu packets sent, %lu done, %lu"
                 " lost; %lu bytes again", st.bytes_sent, sc->sent,
                 st.packets_sent, done, st.packets_lost,
                 st.bytes_retransmitted);
    }

    sim_trace("server: %lu bytes of %lu sent again, rate %lu B/s",
              st.bytes_retransmitted, st.bytes_sent, st.delivery_rate);
}


static void
sim_server_freed(void *data, quic_conn_t *c)
{
    sim_server_conn_t  *sc;

    sc = quic_conn_data(c);

    if (!sc->closed) {
        sim_fail("a connection is freed without its application's knowing");
    }

    sim_server_check_stats(sc);

    if (sim.scenario->ecn
        && c->recovery.ecn.state != sim.scenario->ecn)
    {
        sim_fail("ECN ends in state %d", c->recovery.ecn.state);
    }

    if (sim.scenario->lossless && c->recovery.packets_lost) {
        sim_fail("%lu packets were lost", c->recovery.packets_lost);
    }

    sim_cancel(&sc->event);
    free(sc);
}


static const quic_conf_t *
sim_server_conf(void *data, void *socket)
{
    return (uintptr_t) socket % 2 ? &sim_conf : &sim_other_conf;
}


/* there is but one process */

static ngx_uint_t
sim_server_lives(void *data, uint32_t owner)
{
    sim_fail("who is owner %u?", owner);
}


static void
sim_server_closed(void *app)
{
    ngx_queue_t        *q;
    sim_stream_t       *s;
    sim_server_conn_t  *sc = app;

    if (sc->closed++) {
        sim_fail("the end is told twice");
    }

    for (q = ngx_queue_head(sim_streams(sc->client));
         q != ngx_queue_sentinel(sim_streams(sc->client));
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, sim_stream_t, queue);
        s->server = NULL;
        sim_cancel(&s->server_event);
    }
}


static void
sim_server_drained(void *app)
{
    sim_server_conn_t  *sc = app;

    if (quic_conn_streams(sc->conn)) {
        sim_fail("drained, but %lu streams are open",
                 quic_conn_streams(sc->conn));
    }

    if (sim.scenario->end == SIM_SERVER_LEAVES) {
        quic_conn_linger(sc->conn, sim.scenario->error, "that was all");
    }
}


/* streams */

static void
sim_server_release(sim_stream_t *s)
{
    quic_stream_t  *qs;

    qs = s->server;

    s->server = NULL;
    s->released = 1;

    sim_cancel(&s->server_event);

    quic_stream_release(qs, sim_release_error(s));
}


/* both directions have come to their end */

static void
sim_server_check_done(sim_stream_t *s)
{
    sim_way_t  *up, *down;

    up = &s->way[SIM_UP];
    down = &s->way[SIM_DOWN];

    if (s->server
        && (up->absent || up->got_fin || up->got_reset || up->stopped)
        && (down->absent || down->finished || down->reset || down->got_stop))
    {
        sim_server_release(s);
    }
}


static void
sim_server_no_memory(sim_stream_t *s)
{
    if (sim.scenario->no_memory == 0) {
        sim_fail("stream %lu: can't be written", s->id);
    }

    s->early = 1;
    sim_server_release(s);
}


static void
sim_server_write(sim_stream_t *s)
{
    size_t          room, n;
    u_char         *place;
    sim_way_t      *down;
    const u_char   *bytes;
    quic_stream_t  *qs;

    qs = s->server;
    down = &s->way[SIM_DOWN];

    if (s->thinks > sim.now) {
        return;
    }

    while (!down->absent && !down->finished && !down->reset
           && !down->got_stop)
    {
        if (down->sent >= down->reset_at) {
            down->reset = 1;
            quic_stream_reset(qs, sim_reset_error(s, SIM_DOWN));
            break;
        }

        if (down->sent == down->size) {
            down->finished = 1;
            quic_stream_finish(qs);
            break;
        }

        room = quic_stream_room(qs);

        if (room == 0) {
            qs->want_write = 1;
            return;
        }

        n = ngx_min(room, down->size - down->sent);
        n = ngx_min(n, down->reset_at - down->sent);

        if (!sim.scenario->plain && sim_chance(SIM_RANDOM_SERVER, 0.3)) {
            n = sim_random_between(SIM_RANDOM_SERVER, 1, n);
        }

        if (sim_chance(SIM_RANDOM_SERVER, 0.5)) {
            bytes = sim_content(s->id, SIM_DOWN, down->sent, &n);

            if (quic_stream_write(qs, bytes, n) != NGX_OK) {
                sim_server_no_memory(s);
                return;
            }

        } else {
            room = n;
            place = quic_stream_reserve(qs, down->size - down->sent, &room);

            if (place == NULL) {
                sim_server_no_memory(s);
                return;
            }

            n = ngx_min(room, n);
            bytes = sim_content(s->id, SIM_DOWN, down->sent, &n);
            ngx_memcpy(place, bytes, n);
            quic_stream_commit(qs, n);
        }

        down->sent += n;
    }

    sim_server_check_done(s);
}


static void
sim_server_check_end(quic_conn_t *c)
{
    if (sim.scenario->end == SIM_SERVER_CLOSES
        && sim_result.bytes >= sim.scenario->end_after)
    {
        if (sim_result.closed == 0) {
            sim_result.closed = sim.now;
        }

        quic_conn_close_app(c, sim.scenario->error, "that is enough");
    }
}


static void
sim_server_read(sim_stream_t *s)
{
    size_t          n;
    ngx_str_t       span;
    ngx_uint_t      fin;
    sim_way_t      *up;
    quic_stream_t  *qs;

    qs = s->server;
    up = &s->way[SIM_UP];

    for ( ;; ) {

        if (up->received >= up->stop_at && !up->got_fin) {
            up->stopped = 1;
            quic_stream_stop(qs, sim_stop_error(s, SIM_UP));
            break;
        }

        if (s->paused > sim.now) {
            return;
        }

        quic_stream_peek(qs, &span, &fin);

        if (span.len == 0 && !fin) {
            return;
        }

        n = span.len;

        if (sim_chance(SIM_RANDOM_SERVER, sim.scenario->slow)) {
            n = n ? sim_random_between(SIM_RANDOM_SERVER, 0, n - 1) : 0;
            fin = 0;

            s->paused = sim.now + sim_random_between(SIM_RANDOM_SERVER, 1,
                                                     200 * SIM_MS);
            sim_at(&s->server_event, s->paused);
        }

        n = ngx_min(n, up->stop_at - up->received);
        fin = fin && n == span.len;

        if (n == 0 && !fin) {
            continue;
        }

        sim_stream_got(s, SIM_UP, span.data, n, fin);
        quic_stream_consume(qs, n);
        sim_server_check_end(qs->conn);

        if (fin) {
            break;
        }
    }

    sim_server_check_done(s);
}


static void
sim_server_resume(void *data)
{
    sim_stream_t  *s = data;

    if (s->server) {
        sim_server_read(s);
    }

    if (s->server && s->thinks) {
        s->thinks = 0;
        quic_conn_keep_alive(((quic_stream_t *) s->server)->conn, 0);
        sim_server_write(s);
    }
}


static void
sim_server_begin(sim_server_conn_t *sc, sim_stream_t *s, quic_stream_t *qs)
{
    s->server = qs;
    s->server_event.handler = sim_server_resume;
    s->server_event.data = s;

    qs->app = s;

    if (sim_chance(SIM_RANDOM_SERVER, 0.3)) {
        quic_stream_priority(qs, sim_random(SIM_RANDOM_SERVER) % 8,
                             sim_random(SIM_RANDOM_SERVER) % 2);
    }

    if (sim.scenario->think) {
        s->thinks = sim.now + sim.scenario->think;
        sim_at(&s->server_event, s->thinks);
        quic_conn_keep_alive(sc->conn, sim.scenario->keep_alive);
    }

    sim_server_write(s);
}


static void
sim_server_established(void *app)
{
    sim_server_conn_t *sc = app;

    uint64_t        id;
    sim_stream_t   *s;
    quic_stream_t  *qs;

    sim.progress = sim.now;
    sim_trace("server: established");

    while (sc->opened < sim.scenario->server_streams) {

        qs = quic_stream_open_uni(sc->conn, NULL);
        if (qs == NULL) {
            return;
        }

        id = qs->id;

        if (id != (sc->opened << 2 | QUIC_STREAM_UNI | QUIC_STREAM_SERVER)) {
            sim_fail("stream %lu has a wrong ID", id);
        }

        sc->opened++;
        s = sim_stream_open(sc->client, id);
        sim_server_begin(sc, s, qs);
    }
}


static void
sim_server_opened(void *app, quic_stream_t *qs)
{
    sim_server_conn_t *sc = app;

    sim_stream_t  *s;

    s = sim_stream_find(sc->client, qs->id);

    if (s == NULL || s->server || s->released) {
        sim_fail("stream %lu opens, but wasn't opened", qs->id);
    }

    sim_trace("server: stream %lu opened", qs->id);
    sim_result.at_once += quic_conn_early(sc->conn);

    sim_server_begin(sc, s, qs);

    if (s->server && sim_chance(SIM_RANDOM_SERVER, sim.scenario->early)) {
        s->early = 1;
        sim_server_release(s);
    }
}


static void
sim_server_readable(void *app, quic_stream_t *qs)
{
    if (qs->app) {
        sim_server_read(qs->app);
    }
}


static void
sim_server_writable(void *app, quic_stream_t *qs)
{
    sim_server_write(qs->app);
}


static void
sim_server_reset(void *app, quic_stream_t *qs, uint64_t error)
{
    sim_stream_t  *s;

    s = qs->app;

    sim_stream_got_reset(s, SIM_UP, error);
    sim_server_check_done(s);
}


static void
sim_server_stopped(void *app, quic_stream_t *qs, uint64_t error)
{
    sim_stream_t  *s;

    s = qs->app;

    if (error != sim_stop_error(s, SIM_DOWN)) {
        sim_fail("stream %lu: stopped with error %lu", s->id, error);
    }

    s->way[SIM_DOWN].got_stop = 1;

    sim_server_check_done(s);
}


const sim_server_t  sim_server_quic = {
    sim_server_init,
    sim_server_receive,
    sim_server_restart,
    sim_server_done,
    sim_server_conns,
    sim_server_alive,
    sim_server_streams
};
