
#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_keys.h"
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_stateless.h"
#include "wire/quic_frame.h"


/*
 * RFC 9000, 10.3: 5 bytes that look like a header, 16 of token; and what a
 * short packet of ours is no longer than.
 */
#define QUIC_RESET_MIN_LEN  21
#define QUIC_RESET_MAX_LEN  43


void
quic_stateless_version(quic_packet_t *pkt, ngx_str_t *reply)
{
    u_char  random;

    quic_random(&random, 1);

    reply->len = quic_packet_write_vn(reply->data, QUIC_REPLY_SIZE,
                                      &pkt->dcid, &pkt->scid, random);
}


void
quic_stateless_retry(quic_endpoint_t *ep, quic_packet_t *pkt,
    quic_datagram_t *dgram, ngx_str_t *reply, uint64_t now)
{
    size_t        len;
    u_char        buf[QUIC_TOKEN_MAX_LEN];
    ngx_str_t     data, retry;
    quic_token_t  token;

    ngx_memzero(&token, sizeof(quic_token_t));

    token.type = QUIC_TOKEN_RETRY;
    token.version = pkt->version;
    token.time = now + ep->wall;
    quic_cid_set(&token.odcid, pkt->dcid.data, pkt->dcid.len);
    quic_host_cid_seal(ep->host_key, &token.rscid, ep->owner,
                       ep->cid_counter++);

    data.data = buf;
    data.len = quic_host_token_seal(ep->host_key, &token, &dgram->remote.sa,
                                    buf);
    if (data.len == 0) {
        return;
    }

    len = quic_packet_write_retry(reply->data, QUIC_REPLY_SIZE, pkt->version,
                                  &pkt->scid, &token.rscid, &data);
    if (len == 0) {
        return;
    }

    retry.data = reply->data;
    retry.len = len;

    if (quic_retry_tag(pkt->version, &pkt->dcid, &retry, reply->data + len)
        == NGX_OK)
    {
        reply->len = len + QUIC_RETRY_TAG_LEN;
    }
}


void
quic_stateless_close(quic_packet_t *pkt, uint64_t error, const char *reason,
    ngx_str_t *reply)
{
    u_char       *payload, *length, *pos, *end;
    ngx_str_t     phrase;
    quic_cid_t    dcid, scid;
    quic_keys_t   client, server;

    ngx_memzero(&client, sizeof(quic_keys_t));
    ngx_memzero(&server, sizeof(quic_keys_t));

    if (quic_keys_initial(&client, &server, pkt->version, pkt->dcid.data,
                          pkt->dcid.len)
        != NGX_OK)
    {
        goto done;
    }

    quic_cid_set(&dcid, pkt->scid.data, pkt->scid.len);
    quic_cid_set(&scid, pkt->dcid.data, pkt->dcid.len);

    end = reply->data + QUIC_REPLY_SIZE - QUIC_TAG_LEN;

    payload = quic_packet_write_long(reply->data, QUIC_PACKET_INITIAL,
                                     pkt->version, &dcid, &scid, NULL, 0, 1,
                                     &length);

    phrase.data = (u_char *) reason;
    phrase.len = ngx_strlen(reason);

    pos = quic_frame_write_close(payload, end, 0, error, 0, &phrase);

    if (pos == NULL) {
        goto done;
    }

    quic_packet_set_length(length, 1 + (pos - payload) + QUIC_TAG_LEN);

    if (quic_keys_seal(&server, reply->data, payload - reply->data, 1, 0,
                       pos - payload)
        == NGX_OK)
    {
        reply->len = pos + QUIC_TAG_LEN - reply->data;
    }

done:

    quic_keys_clear(&client);
    quic_keys_clear(&server);
}


void
quic_stateless_reset(quic_endpoint_t *ep, ngx_str_t *dcid, size_t len,
    ngx_str_t *reply)
{
    size_t    size;
    uint32_t  owner;

    if (len <= QUIC_RESET_MIN_LEN) {
        return;
    }

    /*
     * RFC 9000, 21.11: never for a connection that may be alive elsewhere.
     * What names us as its owner and isn't in our table isn't alive; nor is
     * what names a process that has ended.
     */

    if (quic_host_cid_open(ep->host_key, dcid->data, dcid->len, &owner)
        != NGX_OK
        || (owner != ep->owner && ep->ops->alive(ep->data, owner)))
    {
        return;
    }

    size = ngx_min(len - 1, QUIC_RESET_MAX_LEN);

    quic_random(reply->data, size);
    reply->data[0] &= ~QUIC_LONG_HEADER;
    reply->data[0] |= QUIC_FIXED_BIT;

    quic_host_reset_token(ep->host_key, dcid->data, dcid->len,
                          reply->data + size - QUIC_RESET_TOKEN_LEN);

    reply->len = size;
}
