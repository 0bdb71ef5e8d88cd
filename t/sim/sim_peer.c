
/*
 * libngtcp2's server, for the same client over the same link: what ours is to
 * be compared with.  Its application knows nothing but whole streams that the
 * client opens; how it sends is what the library's documentation recommends.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include "quic/quic_stream.h"
#include "test_cert.h"
#include "sim_ngtcp2.h"


#define SIM_PEER_DATAGRAM  1200
#define SIM_PEER_CID       16


/* one connection of each client, which is why no packet has to be told apart */

typedef struct {
    ngtcp2_conn             *conn;
    ngtcp2_crypto_conn_ref   ref;
    gnutls_session_t         tls;
    ngx_uint_t               client;
    quic_addr_t              local, remote;
    ngtcp2_path_storage      path;
    sim_event_t              timer;
    ngx_uint_t               streams;
    ngx_uint_t               closed;
} sim_peer_t;


static sim_peer_t                        sim_peer[SIM_MAX_CLIENTS];
static gnutls_certificate_credentials_t  sim_peer_credentials;


static const struct {
    const char      *name;
    ngtcp2_cc_algo   algo;
} sim_peer_cc[] = {
    { "reno",  NGTCP2_CC_ALGO_RENO },
    { "cubic", NGTCP2_CC_ALGO_CUBIC },
    { "bbr",   NGTCP2_CC_ALGO_BBR }
};


static void sim_peer_write(sim_peer_t *p);
static void sim_peer_timeout(void *data);


static void
sim_peer_log(void *data, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    sim_ngtcp2_log("server", fmt, args);
    va_end(args);
}


static ngtcp2_conn *
sim_peer_conn(ngtcp2_crypto_conn_ref *ref)
{
    return ((sim_peer_t *) ref->user_data)->conn;
}


static int
sim_peer_open(ngtcp2_conn *conn, int64_t id, void *user)
{
    sim_peer_t *p = user;

    sim_stream_t  *s;

    s = sim_stream_find(p->client, id);

    if (s == NULL) {
        sim_fail("stream %ld opens, but wasn't opened", id);
    }

    p->streams++;
    s->server = p;
    (void) ngtcp2_conn_set_stream_user_data(conn, id, s);

    return 0;
}


static int
sim_peer_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
    const uint8_t *data, size_t len, void *user, void *stream)
{
    sim_stream_t *s = stream;

    sim_stream_got(s, SIM_UP, data, len,
                   flags & NGTCP2_STREAM_DATA_FLAG_FIN);

    (void) ngtcp2_conn_extend_max_stream_offset(conn, id, len);
    ngtcp2_conn_extend_max_offset(conn, len);

    return 0;
}


static int
sim_peer_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id,
    uint64_t error, void *user, void *stream)
{
    sim_peer_t *p = user;

    p->streams--;
    ((sim_stream_t *) stream)->server = NULL;
    ngtcp2_conn_extend_max_streams_bidi(conn, 1);

    return 0;
}


static const ngtcp2_callbacks  sim_peer_callbacks = {
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = sim_peer_data,
    .stream_open = sim_peer_open,
    .stream_close = sim_peer_stream_close,
    .rand = sim_ngtcp2_rand,
    .get_new_connection_id = sim_ngtcp2_new_cid,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};


/* the first that has something to send, from "*q" on */

static sim_stream_t *
sim_peer_next(sim_peer_t *p, ngx_queue_t **q)
{
    sim_way_t     *down;
    sim_stream_t  *s;

    for ( /* void */ ;
         *q != ngx_queue_sentinel(sim_streams(p->client));
         *q = ngx_queue_next(*q))
    {
        s = ngx_queue_data(*q, sim_stream_t, queue);
        down = &s->way[SIM_DOWN];

        if (s->server && !down->absent && !down->finished) {
            return s;
        }
    }

    return NULL;
}


/* the result of ngtcp2_conn_writev_stream() */

static ngtcp2_ssize
sim_peer_put(sim_peer_t *p, sim_stream_t *s, ngtcp2_pkt_info *pi, u_char *buf)
{
    size_t         len;
    uint32_t       flags;
    sim_way_t     *down;
    ngtcp2_vec     vec;
    ngtcp2_ssize   n, taken;

    if (s == NULL) {
        return ngtcp2_conn_writev_stream(p->conn, NULL, pi, buf,
                                         SIM_PEER_DATAGRAM, NULL, 0, -1, NULL,
                                         0, sim_ngtcp2_now());
    }

    down = &s->way[SIM_DOWN];
    len = down->size - down->sent;

    vec.base = (u_char *) sim_content(s->id, SIM_DOWN, down->sent, &len);
    vec.len = len;

    flags = NGTCP2_WRITE_STREAM_FLAG_MORE;

    if (down->sent + len == down->size) {
        flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
    }

    n = ngtcp2_conn_writev_stream(p->conn, NULL, pi, buf, SIM_PEER_DATAGRAM,
                                  &taken, flags, s->id, &vec, 1,
                                  sim_ngtcp2_now());

    if (taken >= 0 && (n >= 0 || n == NGTCP2_ERR_WRITE_MORE)) {
        down->sent += taken;
        down->finished = (down->sent == down->size
                          && taken == (ngtcp2_ssize) len);
    }

    return n;
}


static void
sim_peer_write(sim_peer_t *p)
{
    size_t            left;
    u_char            buf[SIM_PEER_DATAGRAM];
    ngx_queue_t      *q;
    ngtcp2_ssize      n;
    ngtcp2_pkt_info   pi;

    q = ngx_queue_head(sim_streams(p->client));
    left = ngtcp2_conn_get_send_quantum(p->conn);

    for ( ;; ) {
        n = sim_peer_put(p, sim_peer_next(p, &q), &pi, buf);

        if (n == NGTCP2_ERR_WRITE_MORE) {
            continue;
        }

        if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
            q = ngx_queue_next(q);
            continue;
        }

        if (n < 0) {
            sim_fail("the peer can't write: %s", ngtcp2_strerror(n));
        }

        if (n == 0) {
            break;
        }

        sim_link_send(SIM_DOWN, p->client, &p->local, &p->remote, buf, n,
                      pi.ecn);

        if (left <= (size_t) n) {
            break;
        }

        left -= n;
    }

    ngtcp2_conn_update_pkt_tx_time(p->conn, sim_ngtcp2_now());

    sim_at(&p->timer, sim_ngtcp2_expiry(p->conn));
}


static void
sim_peer_timeout(void *data)
{
    int          rc;
    sim_peer_t  *p = data;

    rc = ngtcp2_conn_handle_expiry(p->conn, sim_ngtcp2_now());

    if (rc != 0) {
        sim_fail("the peer's timer: %s", ngtcp2_strerror(rc));
    }

    sim_peer_write(p);
}


static void
sim_peer_tls(sim_peer_t *p)
{
    int  rc;

    static const gnutls_datum_t  alpn = { (u_char *) "h3", 2 };

    rc = gnutls_init(&p->tls, GNUTLS_SERVER);
    rc |= ngtcp2_crypto_gnutls_configure_server_session(p->tls);
    rc |= gnutls_priority_set_direct(p->tls, SIM_NGTCP2_TLS_PLAIN, NULL);
    rc |= gnutls_alpn_set_protocols(p->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    rc |= gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE,
                                 sim_peer_credentials);
    if (rc) {
        sim_fail("GnuTLS can't be set up: %d", rc);
    }

    p->ref.get_conn = sim_peer_conn;
    p->ref.user_data = p;
    gnutls_session_set_ptr(p->tls, &p->ref);
}


static void
sim_peer_settings(ngtcp2_settings *settings, ngx_uint_t client)
{
    ngx_uint_t   i;
    const char  *name;

    name = sim.cc ? sim.cc : sim.scenario->cc[client % 2];
    name = name ? name : "cubic";

    ngtcp2_settings_default(settings);

    settings->initial_ts = sim_ngtcp2_now();
    settings->log_printf = sim.trace ? sim_peer_log : NULL;
    settings->handshake_timeout = UINT64_MAX;
    settings->max_tx_udp_payload_size = SIM_PEER_DATAGRAM;
    settings->no_pmtud = 1;

    for (i = 0; ngx_strcmp(name, sim_peer_cc[i].name) != 0; i++) {
        if (i == sizeof(sim_peer_cc) / sizeof(sim_peer_cc[0]) - 1) {
            sim_fail("the peer has no controller %s", name);
        }
    }

    settings->cc_algo = sim_peer_cc[i].algo;
}


static void
sim_peer_params(ngtcp2_transport_params *tp, const ngtcp2_pkt_hd *hd)
{
    const sim_scenario_t  *row;

    row = sim.scenario;

    ngtcp2_transport_params_default(tp);

    tp->original_dcid = hd->dcid;
    tp->original_dcid_present = 1;
    tp->initial_max_stream_data_bidi_remote = row->stream_window
                                              ? row->stream_window : 65536;
    tp->initial_max_data = row->conn_window ? row->conn_window : 262144;
    tp->initial_max_streams_bidi = 128;
    tp->max_idle_timeout = SIM_PATIENCE * 1000;
}


static void
sim_peer_accept(sim_peer_t *p, const quic_addr_t *from, const quic_addr_t *to,
    u_char *data, size_t len)
{
    int                      rc;
    ngtcp2_cid               scid;
    ngtcp2_pkt_hd            hd;
    ngtcp2_settings          settings;
    ngtcp2_transport_params  params;

    if (ngtcp2_accept(&hd, data, len) != 0) {
        return;
    }

    p->local = *to;
    p->remote = *from;
    ngtcp2_path_storage_init(&p->path, (ngtcp2_sockaddr *) &p->local,
                             sizeof(struct sockaddr_in),
                             (ngtcp2_sockaddr *) &p->remote,
                             sizeof(struct sockaddr_in), NULL);

    sim_peer_settings(&settings, p->client);
    sim_peer_params(&params, &hd);
    sim_ngtcp2_cid(&scid, SIM_PEER_CID);

    rc = ngtcp2_conn_server_new(&p->conn, &hd.scid, &scid, &p->path.path,
                                hd.version, &sim_peer_callbacks, &settings,
                                &params, NULL, p);
    if (rc != 0) {
        sim_fail("no peer: %s", ngtcp2_strerror(rc));
    }

    sim_peer_tls(p);
    ngtcp2_conn_set_tls_native_handle(p->conn, p->tls);
}


static void
sim_peer_receive(ngx_uint_t client, const quic_addr_t *from,
    const quic_addr_t *to, u_char *data, size_t len, ngx_uint_t ecn)
{
    int               rc;
    sim_peer_t       *p;
    ngtcp2_pkt_info   pi;

    p = &sim_peer[client];

    if (p->conn == NULL) {
        sim_peer_accept(p, from, to, data, len);
    }

    if (p->conn == NULL || p->closed) {
        return;
    }

    pi.ecn = ecn;

    rc = ngtcp2_conn_read_pkt(p->conn, &p->path.path, &pi, data, len,
                              sim_ngtcp2_now());

    if (rc == NGTCP2_ERR_DRAINING) {
        p->closed = 1;
        sim_cancel(&p->timer);
        return;
    }

    if (rc != 0) {
        sim_fail("the peer can't read: %s", ngtcp2_strerror(rc));
    }

    sim_peer_write(p);
}


static void
sim_peer_init(void)
{
    ngx_str_t       cert, key;
    ngx_uint_t      i;
    gnutls_datum_t  c, k;

    (void) gnutls_certificate_allocate_credentials(&sim_peer_credentials);

    if (test_cert_make(TEST_CERT_P256, "sim", NULL, &cert, &key) != NGX_OK) {
        sim_fail("no certificate");
    }

    c.data = cert.data + TEST_CERT_PREFIX_LEN;
    c.size = cert.len - TEST_CERT_PREFIX_LEN;
    k.data = key.data + TEST_CERT_PREFIX_LEN;
    k.size = key.len - TEST_CERT_PREFIX_LEN;

    if (gnutls_certificate_set_x509_key_mem(sim_peer_credentials, &c, &k,
                                            GNUTLS_X509_FMT_PEM)
        < 0)
    {
        sim_fail("no certificate");
    }

    free(cert.data);
    free(key.data);

    for (i = 0; i < SIM_MAX_CLIENTS; i++) {
        sim_peer[i].client = i;
        sim_peer[i].timer.handler = sim_peer_timeout;
        sim_peer[i].timer.data = &sim_peer[i];
    }
}


static void
sim_peer_done(void)
{
    ngx_uint_t  i;

    for (i = 0; i < SIM_MAX_CLIENTS; i++) {

        if (sim_peer[i].conn) {
            sim_cancel(&sim_peer[i].timer);
            ngtcp2_conn_del(sim_peer[i].conn);
            gnutls_deinit(sim_peer[i].tls);
        }
    }

    gnutls_certificate_free_credentials(sim_peer_credentials);
}


/* the run needn't wait for any: what its clients have seen is what counts */

static ngx_uint_t
sim_peer_conns(void)
{
    return 0;
}


static ngx_uint_t
sim_peer_alive(ngx_uint_t client)
{
    return sim_peer[client].conn && !sim_peer[client].closed;
}


static ngx_uint_t
sim_peer_streams(ngx_uint_t client)
{
    return sim_peer[client].streams;
}


const sim_server_t  sim_server_ngtcp2 = {
    sim_peer_init,
    sim_peer_receive,
    NULL,
    sim_peer_done,
    sim_peer_conns,
    sim_peer_alive,
    sim_peer_streams
};
