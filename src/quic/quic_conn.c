
#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_conn_internal.h"


static void quic_conn_init_spaces(quic_conn_t *c, uint64_t now);


quic_conn_t *
quic_conn_create(quic_endpoint_t *ep, const quic_conf_t *conf,
    quic_accept_t *accept, quic_datagram_t *dgram, uint64_t now)
{
    quic_conn_t  *c;

    c = quic_calloc(ep->mem, sizeof(quic_conn_t));
    if (c == NULL) {
        return NULL;
    }

    c->ep = ep;
    c->mem = ep->mem;
    c->conf = conf;
    c->log = ep->log;
    c->version = accept->version;
    c->original_version = accept->version;
    c->any_fixed_bit = accept->any_fixed_bit;
    c->original_dcid = accept->original_dcid;
    c->retry_scid = accept->retry_scid;
    c->started = now;
    c->idle_deadline = now + conf->idle_timeout;
    c->deadline = UINT64_MAX;

    quic_bucket_init(&c->idle_frames, QUIC_IDLE_FRAMES_RATE, QUIC_IDLE_FRAMES,
                     now);
    quic_bucket_init(&c->moves, QUIC_MOVES_RATE, QUIC_MOVES, now);
    quic_paths_init(&c->paths, dgram, accept->validated);
    quic_conn_init_spaces(c, now);
    quic_flow_recv_init(&c->flow_in, conf->conn_window);
    quic_flow_send_init(&c->flow_out, 0);
    quic_streams_init(c);

    ngx_queue_insert_tail(&ep->conns, &c->all);
    ep->nconns++;

    if (!accept->validated) {
        c->half_open = 1;
        ep->half_open++;
    }

    if (quic_cids_init(c, accept) != NGX_OK
        || ep->ops->accepted(ep->data, c, dgram->socket) != NGX_OK)
    {
        quic_conn_free(c);
        return NULL;
    }

    if (quic_handshake_init(c) != NGX_OK) {
        quic_close_notify(c);
        ep->ops->freed(ep->data, c);
        quic_conn_free(c);
        return NULL;
    }

    c->rx[QUIC_LEVEL_INITIAL] = accept->client;
    c->tx[QUIC_LEVEL_INITIAL] = accept->server;

    return c;
}


static void
quic_conn_init_spaces(quic_conn_t *c, uint64_t now)
{
    ngx_uint_t          i;
    quic_conn_space_t  *space;

    quic_recovery_init(&c->recovery, c->mem, c->conf->cc,
                       QUIC_BASE_MTU, &quic_fate_ops, c, now);

    for (i = 0; i < QUIC_SPACES; i++) {
        space = &c->space[i];

        quic_ack_init(&space->ack, c->mem, i != QUIC_SPACE_APP);
        quic_recv_buf_init(&space->crypto_in, c->mem, QUIC_MAX_CRYPTO_GAPS);
        quic_send_buf_init(&space->crypto_out, c->mem);
    }
}


void
quic_conn_free(quic_conn_t *c)
{
    ngx_uint_t  i;

    quic_streams_done(c);
    quic_cids_done(c);
    quic_receive_early_free(c);

    for (i = 0; i < QUIC_LEVELS; i++) {
        quic_handshake_discard(c, i);
    }

    for (i = 0; i < QUIC_SPACES; i++) {
        quic_ack_done(&c->space[i].ack);
        quic_recv_buf_done(&c->space[i].crypto_in);
        quic_send_buf_done(&c->space[i].crypto_out);
    }

    quic_recovery_done(&c->recovery);

    if (c->tls) {
        quic_tls_free(c->tls);
    }

    if (c->in_queue) {
        ngx_queue_remove(&c->queue);
    }

    ngx_queue_remove(&c->all);
    c->ep->nconns--;
    c->ep->windows_grown -= c->flow_in.window - c->conf->conn_window;
    quic_conn_validated(c);

    quic_free(c->mem, c, sizeof(quic_conn_t));
}


void
quic_conn_wake(quic_conn_t *c)
{
    quic_endpoint_t  *ep;

    ep = c->ep;

    if (c->in_queue) {
        return;
    }

    if (ngx_queue_empty(&ep->ready)) {
        ep->ops->wakeup(ep->data);
    }

    ngx_queue_insert_tail(&ep->ready, &c->queue);
    c->in_queue = 1;
}


void
quic_conn_validated(quic_conn_t *c)
{
    c->paths.active->validated = 1;

    if (c->half_open) {
        c->half_open = 0;
        c->ep->half_open--;
    }
}


quic_space_e
quic_level_space(quic_level_e level)
{
    static const quic_space_e  spaces[QUIC_LEVELS] = {
        QUIC_SPACE_INITIAL, QUIC_SPACE_APP, QUIC_SPACE_HANDSHAKE,
        QUIC_SPACE_APP
    };

    return spaces[level];
}


void
quic_conn_set_app(quic_conn_t *c, const quic_app_ops_t *ops, void *app)
{
    c->app_ops = ops;
    c->app = app;
}


ngx_int_t
quic_conn_use_tls(quic_conn_t *c, quic_tls_ctx_t *ctx)
{
    return quic_tls_use(c->tls, ctx);
}


ngx_uint_t
quic_conn_alive(quic_conn_t *c)
{
    return c->state == QUIC_CONN_OPEN;
}


ngx_uint_t
quic_conn_at(quic_conn_t *c, const quic_addr_t *remote)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && quic_addr_equal(&p->remote, remote)) {
            return 1;
        }
    }

    return 0;
}


const quic_addr_t *
quic_conn_remote(quic_conn_t *c)
{
    return &c->paths.last->remote;
}


const quic_addr_t *
quic_conn_local(quic_conn_t *c)
{
    return &c->paths.last->local;
}


ngx_log_t *
quic_conn_log(quic_conn_t *c)
{
    return c->log;
}


void
quic_conn_set_log(quic_conn_t *c, ngx_log_t *log)
{
    c->log = log;
}


quic_tls_t *
quic_conn_tls(quic_conn_t *c)
{
    return c->tls;
}


ngx_uint_t
quic_conn_early(quic_conn_t *c)
{
    return c->rx[QUIC_LEVEL_EARLY] && !c->handshake_done;
}


void
quic_conn_set_data(quic_conn_t *c, void *data)
{
    c->data = data;
}


void *
quic_conn_data(quic_conn_t *c)
{
    return c->data;
}


ngx_uint_t
quic_conn_streams(quic_conn_t *c)
{
    return c->streams.next_peer[0] - c->streams.closed_peer[0];
}


uint64_t
quic_conn_acked(quic_conn_t *c)
{
    return c->streams.acked;
}


uint64_t
quic_conn_max_requests(quic_conn_t *c)
{
    return c->streams.max_peer[0];
}


void
quic_conn_keep_alive(quic_conn_t *c, ngx_uint_t on)
{
    if (c->keep_alive != on) {
        c->keep_alive = on ? 1 : 0;
        quic_conn_wake(c);
    }
}


/* what is sent and received is counted where that happens, in c->stats */

void
quic_conn_stats(quic_conn_t *c, quic_stats_t *stats)
{
    quic_recovery_t  *r;

    r = &c->recovery;

    *stats = c->stats;

    stats->rtt = r->rtt.latest;
    stats->rtt_min = r->rtt.min;
    stats->rtt_smoothed = r->rtt.smoothed;
    stats->rtt_var = r->rtt.var;

    stats->window = r->cc.window;
    stats->ssthresh = r->cc.ssthresh;
    stats->in_flight = r->in_flight;
    stats->delivery_rate = r->rate.last_rate;

    stats->packets_lost = r->packets_lost;
    stats->bytes_lost = r->bytes_lost;
    stats->packets_spurious = r->packets_spurious;
    stats->bytes_spurious = r->bytes_spurious;
    stats->packets_ce = r->packets_ce;
    stats->ptos = r->ptos;
}
