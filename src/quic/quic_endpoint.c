
#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_keys.h"
#include "quic/quic_conn_internal.h"
#include "quic/quic_stateless.h"


static void quic_endpoint_unknown(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now);
static ngx_int_t quic_endpoint_reset(quic_endpoint_t *ep,
    quic_datagram_t *dgram, u_char *token, uint64_t now);
static void quic_endpoint_charge(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now);
static quic_bucket_t *quic_endpoint_bucket(quic_endpoint_t *ep,
    quic_datagram_t *dgram, uint64_t now);
static void quic_endpoint_initial(quic_endpoint_t *ep, quic_datagram_t *dgram,
    quic_packet_t *pkt, ngx_str_t *reply, uint64_t now);
static ngx_int_t quic_endpoint_validate(quic_endpoint_t *ep,
    quic_datagram_t *dgram, quic_packet_t *pkt, quic_accept_t *accept,
    ngx_str_t *reply, uint64_t now);
static ngx_uint_t quic_endpoint_wants_token(quic_endpoint_t *ep,
    const quic_conf_t *conf, uint64_t now);
static void quic_endpoint_crowd(quic_endpoint_t *ep, ngx_uint_t crowded,
    uint64_t now);
static void quic_endpoint_refuse(quic_endpoint_t *ep, quic_datagram_t *dgram,
    quic_packet_t *pkt, uint64_t error, const char *reason, ngx_str_t *reply,
    uint64_t now);
static ngx_uint_t quic_endpoint_token_fresh(quic_endpoint_t *ep,
    quic_token_t *token, uint64_t now);
static void quic_endpoint_accept(quic_endpoint_t *ep, const quic_conf_t *conf,
    quic_datagram_t *dgram, quic_packet_t *pkt, quic_accept_t *accept,
    ngx_str_t *reply, uint64_t now);
static ngx_int_t quic_endpoint_open(quic_endpoint_t *ep, quic_packet_t *pkt,
    uint64_t *pn, ngx_str_t *payload);
static ngx_int_t quic_endpoint_spare_keys(quic_endpoint_t *ep);
static void quic_endpoint_clear_keys(quic_endpoint_t *ep);
static ngx_int_t quic_endpoint_flush_conn(quic_conn_t *c, u_char *buf,
    size_t size, quic_batch_t *batch, uint64_t now);


ngx_int_t
quic_endpoint_init(quic_endpoint_t *ep, quic_mem_t *mem,
    quic_host_key_t *host_key, uint32_t owner, const quic_endpoint_ops_t *ops,
    void *data, ngx_log_t *log, uint64_t now)
{
    ngx_memzero(ep, sizeof(quic_endpoint_t));

    ep->mem = mem;
    ep->host_key = host_key;
    ep->owner = owner;
    ep->max_half_open = QUIC_MAX_HALF_OPEN;
    ep->ops = ops;
    ep->data = data;
    ep->log = log;

    ngx_queue_init(&ep->ready);
    ngx_queue_init(&ep->conns);
    quic_bucket_init(&ep->replies, QUIC_MAX_STATELESS_REPLIES,
                     QUIC_MAX_STATELESS_REPLIES, now);
    quic_used_tokens_init(&ep->used_tokens, mem);
    quic_strays_init(&ep->strays, mem);

    if (quic_cid_map_init(&ep->resets, mem) != NGX_OK) {
        return NGX_ERROR;
    }

    return quic_cid_map_init(&ep->cids, mem);
}


void
quic_endpoint_done(quic_endpoint_t *ep)
{
    ngx_queue_t  *q;
    quic_conn_t  *c;

    while (!ngx_queue_empty(&ep->conns)) {
        q = ngx_queue_head(&ep->conns);
        c = ngx_queue_data(q, quic_conn_t, all);

        quic_close_notify(c);
        ep->ops->freed(ep->data, c);
        quic_conn_free(c);
    }

    quic_endpoint_clear_keys(ep);
    quic_free(ep->mem, ep->initial_client, sizeof(quic_keys_t));
    quic_free(ep->mem, ep->initial_server, sizeof(quic_keys_t));
    quic_free(ep->mem, ep->replies_to,
              QUIC_REPLY_BUCKETS * sizeof(quic_bucket_t));
    quic_used_tokens_done(&ep->used_tokens);
    quic_strays_done(&ep->strays);
    quic_cid_map_done(&ep->resets);
    quic_cid_map_done(&ep->cids);
}


void
quic_endpoint_receive(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now)
{
    u_char            token[QUIC_RESET_TOKEN_LEN];
    ngx_str_t         dcid;
    quic_conn_t      *c;
    quic_cid_node_t  *node;

    reply->len = 0;

    if (quic_packet_dcid(dgram->data, dgram->len, QUIC_CID_LEN, &dcid)
        != NGX_OK)
    {
        return;
    }

    node = quic_cid_map_find(&ep->cids, dcid.data, dcid.len);

    if (node == NULL) {
        quic_endpoint_unknown(ep, dgram, reply, now);
        return;
    }

    c = node->data;

    if (ep->resets.n == 0 || (dgram->data[0] & QUIC_LONG_HEADER)) {
        quic_receive_datagram(c, dgram, now);
        return;
    }

    /* a packet that doesn't authenticate is cleared; an ID has as many bytes */

    ngx_memcpy(token, dgram->data + dgram->len - QUIC_RESET_TOKEN_LEN,
               QUIC_RESET_TOKEN_LEN);

    quic_receive_datagram(c, dgram, now);

    if (!c->opened) {
        (void) quic_endpoint_reset(ep, dgram, token, now);
    }
}


/*
 * RFC 9000, 10.3.1: are the last 16 bytes a token that ends a connection, one
 * that we have with this address?  They are looked for by a keyed hash, and
 * compared when all of its 64 bits are right: the time that it takes says
 * nothing of the tokens that there are.
 */

static ngx_int_t
quic_endpoint_reset(quic_endpoint_t *ep, quic_datagram_t *dgram,
    u_char *token, uint64_t now)
{
    quic_cid_node_t  *node;

    if (ep->resets.n == 0) {
        return NGX_DECLINED;
    }

    node = quic_cid_map_find(&ep->resets, token, QUIC_RESET_TOKEN_LEN);

    if (node == NULL || !quic_conn_at(node->data, &dgram->remote)) {
        return NGX_DECLINED;
    }

    quic_close_reset(node->data, now);

    return NGX_OK;
}


/* a datagram for no connection of ours: RFC 9000, 5.2.2 */

static void
quic_endpoint_unknown(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now)
{
    quic_packet_t  pkt;

    if (quic_packet_parse(&pkt, dgram->data, dgram->len, QUIC_CID_LEN, 0)
        != NGX_OK)
    {
        return;
    }

    switch (pkt.type) {

    case QUIC_PACKET_INITIAL:

        /*
         * RFC 9287, 3.1: the fixed bit is set, but by a client that knows us
         * from a connection which has given it a token
         */

        if (!(dgram->data[0] & QUIC_FIXED_BIT) && pkt.token.len == 0) {
            return;
        }

        quic_endpoint_initial(ep, dgram, &pkt, reply, now);
        return;

    case QUIC_PACKET_0RTT:
        if (ep->early_id) {
            quic_strays_keep(&ep->strays, dgram, &pkt.dcid, now);
        }

        return;

    case QUIC_PACKET_UNKNOWN_VERSION:
        if (dgram->len >= QUIC_MIN_INITIAL_SIZE) {
            quic_stateless_version(&pkt, reply);
            quic_endpoint_charge(ep, dgram, reply, now);
        }

        return;

    case QUIC_PACKET_1RTT:

        if (quic_endpoint_reset(ep, dgram, dgram->data + dgram->len
                                           - QUIC_RESET_TOKEN_LEN, now)
            == NGX_OK)
        {
            return;
        }

        quic_stateless_reset(ep, &pkt.dcid, dgram->len, reply);
        quic_endpoint_charge(ep, dgram, reply, now);
        return;

    default:
        return;
    }
}


/* what is answered is counted, not what is asked: junk uses nothing up */

static void
quic_endpoint_charge(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now)
{
    quic_bucket_t  *b;

    if (reply->len == 0) {
        return;
    }

    b = quic_endpoint_bucket(ep, dgram, now);

    if (b == NULL
        || quic_bucket_take(b, 1, now) != NGX_OK
        || quic_bucket_take(&ep->replies, 1, now) != NGX_OK)
    {
        reply->len = 0;
    }
}


/*
 * That of the client's address, which it may share with strangers: there are
 * so many that a flood from everywhere uses up the worker's first.
 */

static quic_bucket_t *
quic_endpoint_bucket(quic_endpoint_t *ep, quic_datagram_t *dgram, uint64_t now)
{
    ngx_uint_t  i;

    if (ep->replies_to == NULL) {
        ep->replies_to = quic_alloc(ep->mem, QUIC_REPLY_BUCKETS
                                             * sizeof(quic_bucket_t));
        if (ep->replies_to == NULL) {
            return NULL;
        }

        for (i = 0; i < QUIC_REPLY_BUCKETS; i++) {
            quic_bucket_init(&ep->replies_to[i], QUIC_REPLIES_TO_ADDRESS,
                             QUIC_REPLIES_TO_ADDRESS_BURST, now);
        }
    }

    i = quic_addr_hash(&dgram->remote) % QUIC_REPLY_BUCKETS;

    return &ep->replies_to[i];
}


/*
 * Nothing is allocated before the packet has been authenticated: the keys to
 * do it with are kept for the next connection.
 */

static void
quic_endpoint_initial(quic_endpoint_t *ep, quic_datagram_t *dgram,
    quic_packet_t *pkt, ngx_str_t *reply, uint64_t now)
{
    quic_accept_t       accept;
    const quic_conf_t  *conf;

    /* RFC 9000, 14.1 and 7.2 */

    if (dgram->len < QUIC_MIN_INITIAL_SIZE || pkt->dcid.len < 8) {
        return;
    }

    ngx_memzero(&accept, sizeof(quic_accept_t));

    if (quic_endpoint_validate(ep, dgram, pkt, &accept, reply, now)
        != NGX_OK)
    {
        return;
    }

    conf = ep->ops->conf(ep->data, dgram->socket);

    if (!accept.validated && quic_endpoint_wants_token(ep, conf, now)) {
        /* shorter than what asks for it, and wanted most when much comes */

        quic_stateless_retry(ep, pkt, dgram, reply, now);
        return;
    }

    quic_endpoint_accept(ep, conf, dgram, pkt, &accept, reply, now);
}


static ngx_uint_t
quic_endpoint_wants_token(quic_endpoint_t *ep, const quic_conf_t *conf,
    uint64_t now)
{
    if (conf->retry == QUIC_RETRY_ON || ep->half_open >= ep->max_half_open) {
        return 1;
    }

    if (conf->retry == QUIC_RETRY_OFF) {
        return 0;
    }

    if (!ep->crowded && ep->half_open >= ep->max_half_open / 2) {
        quic_endpoint_crowd(ep, 1, now);

    } else if (ep->crowded && ep->half_open <= ep->max_half_open / 4) {
        quic_endpoint_crowd(ep, 0, now);
    }

    return ep->crowded;
}


static void
quic_endpoint_crowd(quic_endpoint_t *ep, ngx_uint_t crowded, uint64_t now)
{
    ngx_uint_t  level;

    ep->crowded = crowded ? 1 : 0;
    level = NGX_LOG_NOTICE;

    if (crowded) {
        ep->crowd_logged = (now >= ep->crowd_log);
        level = NGX_LOG_WARN;
    }

    if (!ep->crowd_logged) {
        return;
    }

    ep->crowd_log = now + QUIC_CROWD_LOG_INTERVAL;

    ngx_log_error(level, ep->log, 0,
                  "quic_retry is %s by itself: %ui handshakes of clients "
                  "that have not shown their address",
                  crowded ? "on" : "off again", ep->half_open);
}


/*
 * Looks at the token: RFC 9000, 8.1.  NGX_OK with the connection IDs that it
 * brings, or NGX_DECLINED: refused, which is for Retry tokens alone (8.1.3).
 */

static ngx_int_t
quic_endpoint_validate(quic_endpoint_t *ep, quic_datagram_t *dgram,
    quic_packet_t *pkt, quic_accept_t *accept, ngx_str_t *reply, uint64_t now)
{
    uint64_t       pn;
    ngx_int_t      rc;
    ngx_str_t      payload;
    ngx_uint_t     is_retry;
    quic_token_t   token;

    quic_cid_set(&accept->original_dcid, pkt->dcid.data, pkt->dcid.len);

    if (pkt->token.len == 0) {
        return NGX_OK;
    }

    rc = quic_host_token_open(ep->host_key, &token, &dgram->remote.sa,
                              &pkt->token, &is_retry);

    /* RFC 9369, section 5: a token is of one version */

    if (rc == NGX_OK && token.version == pkt->version
        && quic_endpoint_token_fresh(ep, &token, now))
    {
        if (token.type == QUIC_TOKEN_NEW
            && !quic_used_tokens_find(&ep->used_tokens, &pkt->token))
        {
            accept->token = pkt->token;
            accept->validated = 1;
            return NGX_OK;
        }

        if (token.type == QUIC_TOKEN_RETRY
            && quic_cid_equal(&token.rscid, &pkt->dcid))
        {
            accept->original_dcid = token.odcid;
            accept->retry_scid = token.rscid;
            accept->validated = 1;
            return NGX_OK;
        }
    }

    if (!is_retry) {
        /* RFC 9000, 8.1.3: as if there were none */
        return NGX_OK;
    }

    /* a packet that was damaged on its way says nothing of its client */

    if (quic_endpoint_open(ep, pkt, &pn, &payload) == NGX_OK) {
        quic_endpoint_refuse(ep, dgram, pkt, QUIC_INVALID_TOKEN,
                             "invalid Retry token", reply, now);
    }

    quic_endpoint_clear_keys(ep);

    return NGX_DECLINED;
}


/*
 * There will be no connection for that Initial packet, which has been opened.
 * There are no more lines about it than answers.
 */

static void
quic_endpoint_refuse(quic_endpoint_t *ep, quic_datagram_t *dgram,
    quic_packet_t *pkt, uint64_t error, const char *reason, ngx_str_t *reply,
    uint64_t now)
{
    u_char  text[NGX_SOCKADDR_STRLEN];
    size_t  n;

    quic_stateless_close(pkt, error, reason, reply);
    quic_endpoint_charge(ep, dgram, reply, now);

    if (reply->len) {
        n = ngx_sock_ntop(&dgram->remote.sa, quic_addr_len(&dgram->remote),
                          text, NGX_SOCKADDR_STRLEN, 0);

        ngx_log_error(NGX_LOG_INFO, ep->log, 0,
                      "quic connection closed by server: %s (0x%xL): %s, "
                      "client: %*s",
                      quic_error_name(error, 0), error, reason, n, text);
    }
}


static ngx_uint_t
quic_endpoint_token_fresh(quic_endpoint_t *ep, quic_token_t *token,
    uint64_t now)
{
    uint64_t  age, lifetime;

    lifetime = (token->type == QUIC_TOKEN_RETRY) ? QUIC_RETRY_TOKEN_LIFETIME
                                                 : QUIC_NEW_TOKEN_LIFETIME;

    /* one of the future is very old */

    age = now + ep->wall + QUIC_TOKEN_CLOCK_SKEW - token->time;

    return age < lifetime + QUIC_TOKEN_CLOCK_SKEW;
}


static void
quic_endpoint_accept(quic_endpoint_t *ep, const quic_conf_t *conf,
    quic_datagram_t *dgram, quic_packet_t *pkt, quic_accept_t *accept,
    ngx_str_t *reply, uint64_t now)
{
    uint64_t          pn;
    ngx_str_t         payload;
    quic_conn_t      *c;
    quic_datagram_t   stray;

    if (quic_endpoint_open(ep, pkt, &pn, &payload) != NGX_OK) {
        goto failed;
    }

    if (accept->token.len) {
        quic_used_tokens_add(&ep->used_tokens, &accept->token);
    }

    accept->any_fixed_bit = !(pkt->data[0] & QUIC_FIXED_BIT);
    accept->version = pkt->version;
    accept->dcid = pkt->dcid;
    accept->scid = pkt->scid;
    accept->client = ep->initial_client;
    accept->server = ep->initial_server;

    c = quic_conn_create(ep, conf, accept, dgram, now);

    if (c == NULL) {
        /* RFC 9000, 5.2.2: it needn't wait to find out */

        quic_endpoint_refuse(ep, dgram, pkt, QUIC_CONNECTION_REFUSED,
                             "no room for another connection", reply, now);
        goto failed;
    }

    ep->initial_client = NULL;
    ep->initial_server = NULL;

    quic_receive_first(c, dgram, pkt, pn, &payload, now);

    while (quic_strays_take(&ep->strays, &stray, &pkt->dcid, &dgram->remote,
                            now)
           == NGX_OK)
    {
        quic_receive_datagram(c, &stray, now);
    }

    return;

failed:

    quic_endpoint_clear_keys(ep);
}


/*
 * A client's first Initial, opened in place with keys that are then in
 * ep->initial_*, to be used or cleared.  Its number is no larger than what is
 * written of it.
 */

static ngx_int_t
quic_endpoint_open(quic_endpoint_t *ep, quic_packet_t *pkt, uint64_t *pn,
    ngx_str_t *payload)
{
    size_t  pn_len;

    if (quic_endpoint_spare_keys(ep) != NGX_OK
        || quic_keys_initial(ep->initial_client, ep->initial_server,
                             pkt->version, pkt->dcid.data, pkt->dcid.len)
           != NGX_OK
        || quic_keys_unprotect(ep->initial_client, pkt, &pn_len, pn) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return quic_keys_open(ep->initial_client, pkt, pn_len, *pn, payload);
}


static ngx_int_t
quic_endpoint_spare_keys(quic_endpoint_t *ep)
{
    if (ep->initial_client == NULL) {
        ep->initial_client = quic_calloc(ep->mem, sizeof(quic_keys_t));
    }

    if (ep->initial_server == NULL) {
        ep->initial_server = quic_calloc(ep->mem, sizeof(quic_keys_t));
    }

    return ep->initial_client && ep->initial_server ? NGX_OK : NGX_ERROR;
}


static void
quic_endpoint_clear_keys(quic_endpoint_t *ep)
{
    if (ep->initial_client) {
        quic_keys_clear(ep->initial_client);
    }

    if (ep->initial_server) {
        quic_keys_clear(ep->initial_server);
    }
}


void
quic_endpoint_timeout(quic_endpoint_t *ep, quic_conn_t *c, uint64_t now)
{
    c->deadline = UINT64_MAX;

    quic_timers_expire(c, now);
}


/*
 * A connection that has filled a batch goes to the end of the queue: none
 * keeps the others waiting for more than that.
 */

ngx_int_t
quic_endpoint_flush(quic_endpoint_t *ep, u_char *buf, size_t size,
    quic_batch_t *batch, uint64_t now)
{
    ngx_queue_t  *q;
    quic_conn_t  *c;

    while (!ngx_queue_empty(&ep->ready)) {
        q = ngx_queue_head(&ep->ready);
        c = ngx_queue_data(q, quic_conn_t, queue);

        if (quic_endpoint_flush_conn(c, buf, size, batch, now) == NGX_OK) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&ep->ready, q);
            return NGX_OK;
        }

        ngx_queue_remove(q);
        c->in_queue = 0;

        if (c->state == QUIC_CONN_DEAD) {
            quic_close_notify(c);
            ep->ops->freed(ep->data, c);
            quic_conn_free(c);
        }
    }

    return NGX_DONE;
}


static ngx_int_t
quic_endpoint_flush_conn(quic_conn_t *c, u_char *buf, size_t size,
    quic_batch_t *batch, uint64_t now)
{
    uint64_t  deadline;

    quic_streams_reap(c);

    if (c->state != QUIC_CONN_OPEN) {
        quic_close_notify(c);
    }

    if (quic_send_batch(c, buf, size, batch, now) == NGX_OK) {
        return NGX_OK;
    }

    deadline = quic_timers_deadline(c, now);

    if (deadline != c->deadline) {
        c->deadline = deadline;
        c->ep->ops->timer(c->ep->data, c, deadline);
    }

    return NGX_DONE;
}


void
quic_endpoint_too_large(quic_batch_t *batch, uint64_t now)
{
    quic_conn_t  *c;

    c = batch->conn;

    /* the client may have moved while the batch was waiting for the socket */

    if (quic_path_same_network(c->paths.active, batch->remote, batch->local)) {
        quic_recovery_too_large(&c->recovery, batch->segment, now);
    }
}


void
quic_endpoint_each(quic_endpoint_t *ep,
    void (*visit)(quic_conn_t *c, void *data), void *data)
{
    ngx_queue_t  *q, *next;
    quic_conn_t  *c;

    for (q = ngx_queue_head(&ep->conns);
         q != ngx_queue_sentinel(&ep->conns);
         q = next)
    {
        next = ngx_queue_next(q);
        c = ngx_queue_data(q, quic_conn_t, all);

        visit(c, data);
    }
}
