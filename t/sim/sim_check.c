
/* What must hold at any time, looked up in the server's insides. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"
#include "sim.h"
#include "sim_server.h"


/* of many packets the sum is taken only now and then */
#define SIM_CHECK_PACKETS  128
#define SIM_CHECK_EVERY    64


static uint64_t    sim_checks;
static ngx_uint_t  sim_phase[SIM_MAX_CLIENTS];


/* what went between two addresses since the path was known to be validated */

typedef struct {
    quic_addr_t      remote;
    quic_addr_t      local;
    uint64_t         bytes[2];
    ngx_uint_t       validated;
} sim_check_path_t;


static sim_check_path_t  *sim_check_paths;
static ngx_uint_t         sim_check_npaths;
static ngx_uint_t         sim_check_size;

static quic_addr_t        sim_check_remote[SIM_MAX_CLIENTS];
static quic_addr_t        sim_check_local[SIM_MAX_CLIENTS];


/* RFC 9002, B.2: bytes in flight are those of the packets in flight */

static void
sim_check_in_flight(quic_conn_t *c)
{
    uint64_t             pn, bytes, eliciting;
    ngx_uint_t           i;
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    bytes = 0;

    for (i = 0; i < QUIC_SPACES; i++) {
        sent = &c->recovery.space[i].sent;
        eliciting = 0;

        for (pn = sent->first; pn < sent->next; pn++) {
            p = quic_sent_get(sent, pn);

            if (p->state != QUIC_SENT_OUTSTANDING) {
                continue;
            }

            bytes += p->ack_eliciting ? p->size : 0;
            eliciting += p->ack_eliciting;
        }

        if (eliciting != c->recovery.space[i].eliciting) {
            sim_fail("%lu packets ask for an ACK, not %lu", eliciting,
                     c->recovery.space[i].eliciting);
        }
    }

    if (bytes != c->recovery.in_flight) {
        sim_fail("%lu bytes are in flight, not %lu", bytes,
                 c->recovery.in_flight);
    }
}


static void
sim_check_stream(quic_stream_t *s, uint64_t *buffered)
{
    quic_send_buf_t  *out;

    out = &s->out;
    *buffered += quic_send_buf_held(out);

    if (out->base > out->sent || out->sent > out->end
        || out->sent > s->flow_out.sent
        || s->flow_out.sent > s->flow_out.max)
    {
        sim_fail("stream %lu: sent %lu of %lu, limit %lu", s->id, out->sent,
                 out->end, s->flow_out.max);
    }

    if (s->send_state == QUIC_SEND_OPEN && out->sent < out->end
        && !s->scheduled && !s->blocked
        && s->flow_out.sent < s->flow_out.max)
    {
        sim_fail("stream %lu has bytes and credit, but doesn't stand in line",
                 s->id);
    }

    if (s->in.read > s->in.ready || s->flow_in.consumed > s->flow_in.received
        || s->flow_in.received > s->flow_in.max)
    {
        sim_fail("stream %lu: its receiver doesn't add up", s->id);
    }
}


static void
sim_check_streams(quic_conn_t *c)
{
    uint64_t            buffered;
    ngx_rbtree_node_t  *node;

    buffered = 0;

    if (c->streams.tree.root == &c->streams.sentinel) {
        return;
    }

    node = ngx_rbtree_min(c->streams.tree.root, &c->streams.sentinel);

    for ( /* void */ ; node; node = ngx_rbtree_next(&c->streams.tree, node)) {
        sim_check_stream(ngx_rbtree_data(node, quic_stream_t, node),
                         &buffered);
    }

    if (buffered != c->streams.buffered) {
        sim_fail("%lu bytes are in buffers, not %lu", buffered,
                 c->streams.buffered);
    }

    if (c->flow_out.sent > c->flow_out.max
        || c->flow_in.received > c->flow_in.max
        || c->flow_in.consumed > c->flow_in.received
        || c->flow_in.window > QUIC_MAX_CONN_WINDOW
        || sim_endpoint.windows_grown > QUIC_MAX_WINDOWS_GROWTH)
    {
        sim_fail("flow control of the connection doesn't add up");
    }
}


/* each path has a connection ID of its own, or an old path's, or none */

static void
sim_check_path(quic_conn_t *c, quic_path_t *p)
{
    ngx_uint_t    i;
    quic_path_t  *other;

    if (p->peer == QUIC_PATH_NO_CID) {
        return;
    }

    if (!c->cids.peers[p->peer].used) {
        sim_fail("a path has a connection ID that is no more");
    }

    if (c->cids.peers[p->peer].cid.len == 0) {
        return;
    }

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        other = &c->paths.path[i];

        if (other != p && other->used && other->peer == p->peer
            && ngx_memcmp(p->dcid, other->dcid, QUIC_CID_LEN) != 0)
        {
            sim_fail("two paths have one connection ID");
        }
    }
}


static void
sim_check_all_paths(quic_conn_t *c, ngx_uint_t client)
{
    ngx_uint_t         i;
    quic_path_t       *p;
    const quic_addr_t *remote, *local;

    if (!c->paths.active->used || !c->paths.last->used
        || c->paths.active->peer == QUIC_PATH_NO_CID
        || (c->handshake_done && !c->paths.last->validated))
    {
        sim_fail("there is no path");
    }

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used) {
            sim_check_path(c, p);
        }

        /* RFC 9000, 9 */

        if (p->used && p != c->paths.active && !c->handshake_done) {
            sim_fail("a second path before the handshake is confirmed");
        }
    }

    remote = quic_conn_remote(c);
    local = quic_conn_local(c);

    if (sim_check_remote[client].sa.sa_family
        && !(quic_addr_equal(&sim_check_remote[client], remote)
             && quic_addr_equal(&sim_check_local[client], local)))
    {
        sim_result.moves++;
    }

    sim_check_remote[client] = *remote;
    sim_check_local[client] = *local;
}


static void
sim_check_conn(quic_conn_t *c, void *data)
{
    ngx_uint_t    client;
    quic_sent_t  *sent;

    if (c->state != QUIC_CONN_OPEN) {
        return;
    }

    client = (uintptr_t) c->paths.active->socket - 1;

    if (c->phase.phase != sim_phase[client]) {
        sim_phase[client] = c->phase.phase;
        sim_result.phases++;
    }

    sim_result.mtu = c->recovery.pmtud.mtu;

    sim_check_all_paths(c, client);

    /* no client that means well comes near the bound */

    if (c->idle_frames.level < QUIC_IDLE_FRAMES / 2 * 1000000ULL) {
        sim_fail("client %lu sends too many frames that move nothing forward",
                 client);
    }

    sent = &c->recovery.space[QUIC_SPACE_APP].sent;

    if (sent->next - sent->first > SIM_CHECK_PACKETS
        && sim_checks % SIM_CHECK_EVERY)
    {
        return;
    }

    sim_check_in_flight(c);
    sim_check_streams(c);

    sim_result.lost = ngx_max(sim_result.lost, c->recovery.packets_lost);
    sim_result.ce = ngx_max(sim_result.ce, c->recovery.packets_ce);
    sim_result.spurious = ngx_max(sim_result.spurious,
                                  c->recovery.packets_spurious);
}


void
sim_check(void)
{
    sim_checks++;

    if (sim.scenario->memory && sim_mem.used > sim.scenario->memory) {
        sim_fail("the server holds %zu bytes", sim_mem.used);
    }

    quic_endpoint_each(&sim_endpoint, sim_check_conn, NULL);
}


static sim_check_path_t *
sim_check_find(const quic_addr_t *remote, const quic_addr_t *local)
{
    ngx_uint_t         i;
    sim_check_path_t  *p;

    for (i = sim_check_npaths; i > 0; i--) {
        p = &sim_check_paths[i - 1];

        if (quic_addr_equal(&p->remote, remote)
            && quic_addr_equal(&p->local, local))
        {
            return p;
        }
    }

    if (sim_check_npaths == sim_check_size) {
        sim_check_size = 2 * sim_check_size + 16;
        sim_check_paths = realloc(sim_check_paths, sim_check_size
                                                   * sizeof(*sim_check_paths));
    }

    p = &sim_check_paths[sim_check_npaths++];

    ngx_memzero(p, sizeof(sim_check_path_t));
    p->remote = *remote;
    p->local = *local;

    return p;
}


static void
sim_check_validated(quic_conn_t *c, void *data)
{
    sim_check_path_t  *seen = data;

    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && p->validated
            && quic_addr_equal(&p->remote, &seen->remote)
            && quic_addr_equal(&p->local, &seen->local))
        {
            seen->validated = 1;
        }
    }
}


/* RFC 9000, 8.1: what is sent on a validated path counts for nothing */

void
sim_check_bytes(ngx_uint_t direction, const quic_addr_t *remote,
    const quic_addr_t *local, size_t len)
{
    sim_check_path_t  *p;

    p = sim_check_find(remote, local);
    p->validated = 0;

    quic_endpoint_each(&sim_endpoint, sim_check_validated, p);

    if (p->validated) {
        ngx_memzero(p->bytes, sizeof(p->bytes));
        return;
    }

    p->bytes[direction] += len;

    if (p->bytes[SIM_DOWN] > 3 * p->bytes[SIM_UP]) {
        sim_fail("%lu bytes for %lu to an address that isn't validated",
                 p->bytes[SIM_DOWN], p->bytes[SIM_UP]);
    }
}


/* cleared for those who allow it, in about a half */

void
sim_check_fixed_bit(ngx_uint_t client, u_char first)
{
    static ngx_uint_t  set[SIM_MAX_CLIENTS];

    if (first & QUIC_FIXED_BIT) {

        if (++set[client] > 200 && sim_client_greases(client)) {
            sim_fail("the fixed bit is never cleared");
        }

        return;
    }

    set[client] = 0;

    if (!sim_client_greases(client)) {
        sim_fail("the fixed bit is cleared, which client %lu doesn't allow",
                 client);
    }
}


void
sim_check_done(void)
{
    free(sim_check_paths);
}
