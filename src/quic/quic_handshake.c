
/*
 * The handshake: what TLS says through its callbacks, and the keys of the four
 * levels as they come and go (RFC 9001, section 4).
 *
 * A server's levels: Initial keys are discarded with the first Handshake packet
 * that opens (4.9.1), Handshake keys when the handshake is complete, which for
 * a server is when it is confirmed (4.1.2, 4.9.2), and 0-RTT keys when packets
 * of theirs may still have been under way for three PTOs after that (4.9.3).
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_conn_internal.h"
#include "wire/quic_varint.h"


static ngx_int_t quic_handshake_secret(void *data, quic_level_e level,
    ngx_uint_t write, const quic_suite_t *suite, const u_char *secret,
    size_t len);
static ngx_int_t quic_handshake_send(void *data, quic_level_e level,
    const u_char *buf, size_t len);
static ngx_int_t quic_handshake_client_hello(void *data, ngx_str_t *name);
static ngx_int_t quic_handshake_peer_params(quic_conn_t *c);
static ngx_int_t quic_handshake_our_params(quic_conn_t *c);
static ngx_int_t quic_handshake_early_context(quic_conn_t *c,
    quic_transport_params_t *tp);
static ngx_int_t quic_handshake_early_data(void *data, uint64_t ticket);
static ngx_int_t quic_handshake_preferred(quic_conn_t *c,
    quic_transport_params_t *tp);
static void quic_handshake_established(quic_conn_t *c);
static void quic_handshake_complete(quic_conn_t *c);
static ngx_int_t quic_handshake_next_keys(quic_conn_t *c);
static ngx_int_t quic_handshake_next_phase(quic_conn_t *c);


static const quic_tls_ops_t  quic_handshake_ops = {
    quic_handshake_secret,
    quic_handshake_send,
    quic_handshake_client_hello,
    quic_handshake_early_data
};


ngx_int_t
quic_handshake_init(quic_conn_t *c)
{
    c->tls = quic_tls_create(c->conf->tls, &quic_handshake_ops, c);

    return c->tls ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
quic_handshake_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    quic_conn_t  *c = data;

    uint32_t      version;
    quic_keys_t  *keys, **place;

    place = write ? &c->tx[level] : &c->rx[level];

    keys = quic_calloc(c->mem, sizeof(quic_keys_t));
    if (keys == NULL) {
        return NGX_ERROR;
    }

    /* RFC 9369, 4.1 */

    version = (level == QUIC_LEVEL_EARLY) ? c->original_version : c->version;

    if (quic_keys_set(keys, suite, version, secret, len) != NGX_OK) {
        quic_free(c->mem, keys, sizeof(quic_keys_t));
        return NGX_ERROR;
    }

    quic_handshake_free_keys(c, place);
    *place = keys;

    if (level == QUIC_LEVEL_APP && !write) {
        c->phase.confirmed = 1;
        return quic_handshake_next_keys(c);
    }

    return NGX_OK;
}


static ngx_int_t
quic_handshake_send(void *data, quic_level_e level, const u_char *buf,
    size_t len)
{
    quic_conn_t  *c = data;

    quic_space_e  space;

    space = quic_level_space(level);

    return quic_send_buf_append(&c->space[space].crypto_out, buf, len);
}


static ngx_int_t
quic_handshake_client_hello(void *data, ngx_str_t *name)
{
    quic_conn_t  *c = data;

    ngx_int_t  rc;

    if (quic_handshake_peer_params(c) != NGX_OK
        || quic_version_negotiate(c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    quic_tls_set_version(c->tls, c->version);

    rc = c->ep->ops->server_name(c->ep->data, c, name);

    if (rc != NGX_OK) {
        return rc;
    }

    return quic_handshake_our_params(c);
}


static ngx_int_t
quic_handshake_peer_params(quic_conn_t *c)
{
    ngx_str_t                 data;
    const char               *reason;
    quic_cid_t               *scid;
    quic_transport_params_t  *tp;

    if (quic_tls_peer_params(c->tls, &data) != NGX_OK) {
        /* TLS answers with its alert missing_extension: RFC 9001, 8.2 */
        return NGX_ERROR;
    }

    tp = &c->peer;

    if (quic_transport_params_parse(tp, data.data, data.len, &reason)
        != NGX_OK)
    {
        quic_conn_close(c, QUIC_TRANSPORT_PARAMETER_ERROR, reason);
        return NGX_ERROR;
    }

    /* RFC 9000, 7.3 */

    scid = quic_cids_peers(c, c->paths.active);

    if (!tp->has_initial_scid
        || tp->initial_scid.len != scid->len
        || ngx_memcmp(tp->initial_scid.data, scid->data, scid->len) != 0)
    {
        quic_conn_close(c, QUIC_TRANSPORT_PARAMETER_ERROR,
                        "initial_source_connection_id does not match");
        return NGX_ERROR;
    }

    c->has_params = 1;
    c->recovery.max_ack_delay = tp->max_ack_delay;
    quic_ack_freq_init(&c->ack_freq, tp->min_ack_delay, tp->max_ack_delay);

    quic_flow_send_init(&c->flow_out, tp->initial_max_data);
    quic_streams_set_limits(c);

    return NGX_OK;
}


static ngx_int_t
quic_handshake_our_params(quic_conn_t *c)
{
    size_t                    len;
    u_char                    buf[512];
    quic_transport_params_t   tp;

    quic_transport_params_init(&tp);

    tp.max_idle_timeout = c->conf->idle_timeout;
    tp.max_ack_delay = QUIC_MAX_ACK_DELAY;
    tp.min_ack_delay = QUIC_MIN_ACK_DELAY;
    tp.initial_max_data = c->flow_in.max;
    tp.initial_max_stream_data_bidi_remote = c->conf->stream_window;
    tp.initial_max_stream_data_uni = c->conf->stream_window;
    tp.initial_max_streams_bidi = c->streams.max_peer[0];
    tp.initial_max_streams_uni = c->streams.max_peer[1];
    tp.active_connection_id_limit = c->conf->active_cid_limit;

    tp.disable_active_migration = c->conf->stay ? 1 : 0;

    if (quic_handshake_preferred(c, &tp) != NGX_OK
        || quic_handshake_early_context(c, &tp) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* RFC 9369, section 4: against downgrades */

    tp.has_versions = 1;
    tp.chosen_version = c->version;
    tp.versions[0] = QUIC_VERSION_1;
    tp.versions[1] = QUIC_VERSION_2;
    tp.nversions = 2;

    tp.has_original_dcid = 1;
    tp.original_dcid = c->original_dcid;

    tp.has_initial_scid = 1;
    tp.initial_scid = c->cids.initial;

    if (c->retry_scid.len) {
        tp.has_retry_scid = 1;
        tp.retry_scid = c->retry_scid;
    }

    tp.has_reset_token = 1;
    quic_host_reset_token(c->ep->host_key, tp.initial_scid.data,
                          tp.initial_scid.len, tp.reset_token);

    /* RFC 9287: from here on the client may clear that bit, and does */

    tp.grease_quic_bit = 1;
    c->any_fixed_bit = 1;

    len = quic_transport_params_write(&tp, buf, sizeof(buf),
                                      quic_random_u64());
    if (len == 0) {
        return NGX_ERROR;
    }

    return quic_tls_set_params(c->tls, buf, len);
}


/*
 * A client that sends 0-RTT relies on the limits of the connection before: RFC
 * 9000, 7.4.1.  When they have changed since, its 0-RTT is refused, and comes
 * again with the new ones.
 */

static ngx_int_t
quic_handshake_early_context(quic_conn_t *c, quic_transport_params_t *tp)
{
    u_char      buf[QUIC_MAX_EARLY_CONTEXT], *p;
    uint64_t    value[6];
    ngx_uint_t  i;

    if (c->ep->early_id == 0) {
        return NGX_OK;
    }

    value[0] = tp->initial_max_data;
    value[1] = tp->initial_max_stream_data_bidi_remote;
    value[2] = tp->initial_max_stream_data_uni;
    value[3] = tp->initial_max_streams_bidi;
    value[4] = tp->initial_max_streams_uni;
    value[5] = tp->active_connection_id_limit;

    p = ngx_cpymem(buf, &c->ep->early_id, sizeof(uint64_t));

    for (i = 0; i < 6; i++) {
        p = quic_varint_write(p, value[i]);
    }

    p = ngx_cpymem(p, c->conf->early_app, c->conf->early_app_len);

    return quic_tls_set_early_context(c->tls, buf, p - buf);
}


static ngx_int_t
quic_handshake_early_data(void *data, uint64_t ticket)
{
    quic_conn_t  *c = data;

    if (c->ep->early_id == 0) {
        return NGX_DECLINED;
    }

    return c->ep->ops->early_data(c->ep->data, ticket);
}


/* RFC 9000, 9.6 and 18.2 */

static ngx_int_t
quic_handshake_preferred(quic_conn_t *c, quic_transport_params_t *tp)
{
    quic_cid_t         *cid;
    const quic_addr_t  *v4, *v6, *local;

    if (c->conf->stay) {
        /* clients that move are lost for us */
        return NGX_OK;
    }

    v4 = &c->conf->preferred_ipv4;
    v6 = &c->conf->preferred_ipv6;
    local = quic_conn_local(c);

    if (v4->sa.sa_family && !quic_addr_equal(v4, local)) {
        ngx_memcpy(tp->preferred.ipv4, &v4->sin.sin_addr, 4);
        tp->preferred.ipv4_port = quic_addr_port(v4);
        tp->has_preferred = 1;
    }

    if (v6->sa.sa_family && !quic_addr_equal(v6, local)) {
        ngx_memcpy(tp->preferred.ipv6, &v6->sin6.sin6_addr, 16);
        tp->preferred.ipv6_port = quic_addr_port(v6);
        tp->has_preferred = 1;
    }

    if (!tp->has_preferred) {
        return NGX_OK;
    }

    cid = quic_cids_preferred(c);

    if (cid == NULL) {
        return NGX_ERROR;
    }

    tp->preferred.cid = *cid;
    quic_host_reset_token(c->ep->host_key, cid->data, cid->len,
                          tp->preferred.token);

    return NGX_OK;
}


void
quic_handshake_advance(quic_conn_t *c, quic_level_e level)
{
    ngx_int_t         rc;
    uint64_t          error;
    ngx_str_t         span;
    const char       *reason;
    quic_recv_buf_t  *in;

    in = &c->space[quic_level_space(level)].crypto_in;

    for ( ;; ) {
        quic_recv_buf_peek(in, &span);

        if (span.len == 0) {
            return;
        }

        rc = quic_tls_receive(c->tls, level, span.data, span.len);

        quic_recv_buf_consume(in, span.len);

        if (rc == NGX_ERROR) {
            error = quic_tls_error(c->tls, &reason);
            quic_conn_close(c, error, reason);
            return;
        }

        quic_handshake_established(c);

        if (rc == NGX_OK && !c->handshake_done) {
            quic_handshake_complete(c);
            return;
        }
    }
}


/* the application may send as soon as there are 1-RTT keys to do it with */

static void
quic_handshake_established(quic_conn_t *c)
{
    if (c->established || c->tx[QUIC_LEVEL_APP] == NULL) {
        return;
    }

    c->established = 1;

    c->app_ops->established(c->app);
}


static void
quic_handshake_complete(quic_conn_t *c)
{
    c->handshake_done = 1;
    c->recovery.handshake_confirmed = 1;
    c->pending |= QUIC_PEND_HANDSHAKE_DONE | QUIC_PEND_NEW_TOKEN;

    quic_handshake_discard(c, QUIC_LEVEL_HANDSHAKE);
    quic_cids_issue(c);
}


void
quic_handshake_discard(quic_conn_t *c, quic_level_e level)
{
    quic_space_e  space;

    quic_handshake_free_keys(c, &c->rx[level]);
    quic_handshake_free_keys(c, &c->tx[level]);

    if (level == QUIC_LEVEL_APP) {
        quic_handshake_free_keys(c, &c->phase.next_rx);
        quic_handshake_free_keys(c, &c->phase.prev_rx);
        return;
    }

    if (level == QUIC_LEVEL_INITIAL) {
        quic_handshake_free_keys(c, &c->rx_original);
    }

    if (level == QUIC_LEVEL_INITIAL || level == QUIC_LEVEL_HANDSHAKE) {
        space = quic_level_space(level);

        quic_recovery_discard(&c->recovery, space);

        /* nothing can be said there any more */

        quic_ack_sent(&c->space[space].ack);
        quic_recv_buf_discard(&c->space[space].crypto_in);
        quic_send_buf_done(&c->space[space].crypto_out);
        quic_send_buf_init(&c->space[space].crypto_out, c->mem);
        c->space[space].probes = 0;
    }
}


void
quic_handshake_free_keys(quic_conn_t *c, quic_keys_t **keys)
{
    if (*keys) {
        quic_keys_clear(*keys);
        quic_free(c->mem, *keys, sizeof(quic_keys_t));
        *keys = NULL;
    }
}


static ngx_int_t
quic_handshake_next_keys(quic_conn_t *c)
{
    quic_keys_t  *keys;

    keys = quic_calloc(c->mem, sizeof(quic_keys_t));
    if (keys == NULL) {
        return NGX_ERROR;
    }

    if (quic_keys_next(keys, c->rx[QUIC_LEVEL_APP]) != NGX_OK) {
        quic_free(c->mem, keys, sizeof(quic_keys_t));
        return NGX_ERROR;
    }

    c->phase.next_rx = keys;

    return NGX_OK;
}


/*
 * RFC 9001, 6.2: a packet of the next phase has been opened with next_rx; our
 * own keys follow at once.  A peer that has begun this phase must have seen us
 * acknowledge something of it before it goes on to the next.
 *
 * So must one that we have made follow us (6.1), but 6.2 has no error for that,
 * and libngtcp2's doesn't wait: it may have sent nothing but ACKs, which nobody
 * acknowledges.  Both sides have the keys of this phase then.
 */

ngx_int_t
quic_handshake_update_keys(quic_conn_t *c, uint64_t pn)
{
    if (!c->phase.confirmed) {
        quic_conn_close(c, QUIC_KEY_UPDATE_ERROR,
                        "key update before the last one was acknowledged");
        return NGX_ERROR;
    }

    if (quic_handshake_next_phase(c) != NGX_OK) {
        return NGX_ERROR;
    }

    c->phase.confirmed = 0;

    return quic_handshake_begin_phase(c, pn);
}


/* RFC 9001, 6.4: who has new keys uses them for all numbers from then on */

ngx_int_t
quic_handshake_begin_phase(quic_conn_t *c, uint64_t pn)
{
    if (pn < c->phase.least_rx) {
        quic_conn_close(c, QUIC_KEY_UPDATE_ERROR,
                        "old keys after the key update");
        return NGX_ERROR;
    }

    c->phase.first_rx = pn;

    return NGX_OK;
}


/* RFC 9001, 6.5: three PTOs from the first packet of the phase after */

void
quic_handshake_expire_keys(quic_conn_t *c, uint64_t now)
{
    quic_key_phase_t  *phase;

    phase = &c->phase;

    if (phase->prev_rx == NULL || phase->first_rx == UINT64_MAX) {
        return;
    }

    if (phase->expires == 0) {
        phase->expires = now + 3 * quic_recovery_pto(&c->recovery,
                                                     QUIC_SPACE_APP);
        return;
    }

    if (phase->expires <= now) {
        quic_handshake_free_keys(c, &phase->prev_rx);
    }
}


/*
 * RFC 9001, 6.6: a key seals only so many packets.  Half of them are left for
 * what is asked of who updates keys: that the peer has acknowledged something
 * of this phase (6.1), and three PTOs for it to get rid of the last one (6.5).
 *
 * As long as there is time, it's also waited for that the peer has got an ACK
 * of ours for something of this phase.  One that has begun the phase may make
 * no keys for the next one before, and would read nothing more: libngtcp2's.
 */

ngx_int_t
quic_handshake_renew_keys(quic_conn_t *c, uint64_t now)
{
    uint64_t      acked, limit;
    quic_keys_t  *keys;

    keys = c->tx[QUIC_LEVEL_APP];
    limit = keys->suite->confidentiality_limit;

    if (keys->sealed < limit / 2 || !c->handshake_done) {
        return NGX_OK;
    }

    acked = c->recovery.space[QUIC_SPACE_APP].largest_acked;

    if (acked == UINT64_MAX || acked < c->phase.first_tx) {
        return NGX_OK;
    }

    if (!c->phase.known && keys->sealed < limit / 4 * 3) {
        return NGX_OK;
    }

    if (c->phase.settled == 0) {
        c->phase.settled = now;
    }

    if (now - c->phase.settled
        < 3 * quic_recovery_pto(&c->recovery, QUIC_SPACE_APP))
    {
        return NGX_OK;
    }

    return quic_handshake_next_phase(c);
}


/*
 * Both directions change their keys.  Those before are kept for packets that
 * come late; "first_rx" tells them apart.
 */

static ngx_int_t
quic_handshake_next_phase(quic_conn_t *c)
{
    uint64_t           largest;
    quic_keys_t       *tx;
    quic_key_phase_t  *phase;

    phase = &c->phase;

    tx = quic_calloc(c->mem, sizeof(quic_keys_t));

    if (tx == NULL || quic_keys_next(tx, c->tx[QUIC_LEVEL_APP]) != NGX_OK) {
        quic_free(c->mem, tx, sizeof(quic_keys_t));
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for keys");
        return NGX_ERROR;
    }

    quic_handshake_free_keys(c, &c->tx[QUIC_LEVEL_APP]);
    quic_handshake_free_keys(c, &phase->prev_rx);

    c->tx[QUIC_LEVEL_APP] = tx;
    phase->prev_rx = c->rx[QUIC_LEVEL_APP];
    c->rx[QUIC_LEVEL_APP] = phase->next_rx;
    phase->next_rx = NULL;

    phase->phase ^= 1;
    phase->confirmed = 1;
    phase->known = 0;
    phase->settled = 0;
    phase->expires = 0;
    phase->first_rx = UINT64_MAX;
    phase->first_tx = c->recovery.space[QUIC_SPACE_APP].sent.next;

    largest = c->space[QUIC_SPACE_APP].ack.largest;
    phase->least_rx = (largest == UINT64_MAX) ? 0 : largest + 1;

    if (quic_handshake_next_keys(c) != NGX_OK) {
        quic_conn_close(c, QUIC_INTERNAL_ERROR, "no memory for keys");
        return NGX_ERROR;
    }

    return NGX_OK;
}
