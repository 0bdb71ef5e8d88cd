
/*
 * The version of a connection: the client's first packet says one, and the
 * client's parameters may list others that it would like better (compatible
 * version negotiation: RFC 9368, 2.3; RFC 9369, section 4).
 *
 * The order is the client's: it knows why.  Versions 1 and 2 are the same in
 * all that a first flight holds, so nothing has to be converted.  From then on
 * we send the negotiated version alone; the client's Initial packets may still
 * be of the original one, for which their keys are kept until the client shows
 * that it has Handshake keys.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


static uint32_t quic_version_choose(quic_conn_t *c);
static ngx_int_t quic_version_change(quic_conn_t *c, uint32_t version);


ngx_int_t
quic_version_negotiate(quic_conn_t *c)
{
    uint32_t  version;

    if (!c->peer.has_versions) {
        return NGX_OK;
    }

    /* RFC 9368, section 4: against downgrades */

    if (c->peer.chosen_version != c->version) {
        quic_conn_close(c, QUIC_VERSION_NEGOTIATION_ERROR,
                        "another version was chosen than is in use");
        return NGX_ERROR;
    }

    version = quic_version_choose(c);

    return (version == c->version) ? NGX_OK : quic_version_change(c, version);
}


/* the list has the version in use at least: the parser has seen to that */

static uint32_t
quic_version_choose(quic_conn_t *c)
{
    ngx_uint_t  i;

    for (i = 0; i < c->peer.nversions; i++) {
        if (quic_version_known(c->peer.versions[i])) {
            return c->peer.versions[i];
        }
    }

    return c->version;
}


/* as if the client's Initial had been of this version */

static ngx_int_t
quic_version_change(quic_conn_t *c, uint32_t version)
{
    quic_cid_t   *dcid;
    quic_keys_t  *rx, *tx;

    rx = quic_calloc(c->mem, sizeof(quic_keys_t));
    tx = quic_calloc(c->mem, sizeof(quic_keys_t));

    dcid = &c->cids.original.cid;

    if (rx == NULL || tx == NULL
        || quic_keys_initial(rx, tx, version, dcid->data, dcid->len) != NGX_OK)
    {
        quic_handshake_free_keys(c, &rx);
        quic_handshake_free_keys(c, &tx);
        return NGX_ERROR;
    }

    c->rx_original = c->rx[QUIC_LEVEL_INITIAL];
    c->rx[QUIC_LEVEL_INITIAL] = rx;

    quic_handshake_free_keys(c, &c->tx[QUIC_LEVEL_INITIAL]);
    c->tx[QUIC_LEVEL_INITIAL] = tx;

    c->version = version;

    return NGX_OK;
}


/*
 * RFC 9369, 4.1: 0-RTT packets are always of the original version, Handshake
 * packets of the negotiated one.
 */

quic_keys_t *
quic_version_rx(quic_conn_t *c, quic_packet_t *pkt)
{
    quic_keys_t  *keys;

    keys = c->rx[pkt->type];

    switch (pkt->type) {

    case QUIC_PACKET_1RTT:
        return keys;

    case QUIC_PACKET_0RTT:
        return (pkt->version == c->original_version) ? keys : NULL;

    default:
        break;
    }

    if (pkt->version == c->version) {
        return keys;
    }

    return (pkt->type == QUIC_PACKET_INITIAL
            && pkt->version == c->original_version) ? c->rx_original : NULL;
}
