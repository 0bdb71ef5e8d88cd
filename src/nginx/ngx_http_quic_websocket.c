
/*
 * WebSocket over HTTP/3: RFC 9220, by way of RFC 8441.
 *
 * An extended CONNECT for the protocol "websocket" becomes what nginx's
 * upstreams know, HTTP/1's Upgrade: a GET with Upgrade, Connection and a
 * Sec-WebSocket-Key of ours.  When the upstream switches protocols, and proves
 * by Sec-WebSocket-Accept that it is one for WebSocket, the client gets 200,
 * and from then on the core copies bytes between the content of the stream's
 * DATA frames and the upstream's socket.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>
#include "crypto/quic_random.h"
#include "nginx/ngx_http_quic_request.h"


/* RFC 6455, 1.3 */

#define NGX_HTTP_QUIC_WEBSOCKET_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define NGX_HTTP_QUIC_WEBSOCKET_NONCE  16
#define NGX_HTTP_QUIC_SHA1_LEN         20


static ngx_int_t ngx_http_quic_websocket_accept(ngx_http_quic_request_t *qr,
    ngx_str_t *accept);


static ngx_str_t  ngx_http_quic_websocket = ngx_string("websocket");


ngx_int_t
ngx_http_quic_websocket_begin(ngx_http_quic_request_t *qr)
{
    u_char               nonce[NGX_HTTP_QUIC_WEBSOCKET_NONCE];
    ngx_str_t            src, key;
    ngx_uint_t           i;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    static ngx_str_t  lines[][2] = {
        { ngx_string("upgrade"), ngx_string("websocket") },
        { ngx_string("connection"), ngx_string("Upgrade") }
    };

    static ngx_str_t  name = ngx_string("sec-websocket-key");

    r = qr->main;

    if (qr->protocol.len != ngx_http_quic_websocket.len
        || ngx_strncasecmp(qr->protocol.data, ngx_http_quic_websocket.data,
                           qr->protocol.len)
           != 0)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent CONNECT for the unknown protocol \"%V\"",
                      &qr->protocol);
        return ngx_http_quic_finalize(qr, NGX_HTTP_NOT_IMPLEMENTED);
    }

    for (i = 0; i < 2; i++) {
        if (ngx_http_quic_add_line(qr, &lines[i][0], &lines[i][1]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* RFC 8441, 5: a client has no use for a key; it may send one */

    h = ngx_http_quic_find_line(&r->headers_in.headers, "sec-websocket-key");

    if (h) {
        qr->websocket_key = h->value;
        return NGX_OK;
    }

    quic_random(nonce, sizeof(nonce));

    src.len = sizeof(nonce);
    src.data = nonce;

    key.data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(src.len) + 1);
    if (key.data == NULL) {
        return ngx_http_quic_finalize(qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    ngx_encode_base64(&key, &src);
    key.data[key.len] = '\0';

    qr->websocket_key = key;

    return ngx_http_quic_add_line(qr, &name, &key);
}


ngx_int_t
ngx_http_quic_websocket_answer(ngx_http_quic_request_t *qr)
{
    ngx_str_t            accept;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = qr->main;

    if (r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return NGX_OK;
    }

    /* to the client 2xx would mean that there is a WebSocket now */

    if (r->headers_out.status != NGX_HTTP_SWITCHING_PROTOCOLS
        || r->upstream == NULL || !r->upstream->upgrade)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client asked for a WebSocket where there is none");
        return ngx_http_quic_request_replace(r, NGX_HTTP_NOT_IMPLEMENTED);
    }

    h = ngx_http_quic_find_line(&r->headers_out.headers,
                                "sec-websocket-accept");

    if (ngx_http_quic_websocket_accept(qr, &accept) != NGX_OK) {
        return NGX_ERROR;
    }

    if (h == NULL || h->value.len != accept.len
        || ngx_memcmp(h->value.data, accept.data, accept.len) != 0)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent no valid Sec-WebSocket-Accept");
        return ngx_http_quic_request_replace(r, NGX_HTTP_BAD_GATEWAY);
    }

    /* it's between the two of us */
    h->hash = 0;

    /* RFC 9110, 9.3.6: what follows has no length */

    ngx_http_clear_content_length(r);

    qr->tunnel = 1;

    return NGX_OK;
}


/*
 * FIN ends a direction, as it does in TCP (RFC 9220, 3), and browsers send it
 * along with their Close frame: the upstream's is still to come.  The core
 * knows only an end of both, so it doesn't get to see this one: the tunnel ends
 * with the upstream's direction, or by a timeout.
 */

void
ngx_http_quic_websocket_half_close(ngx_http_quic_request_t *qr)
{
    ngx_socket_t          fd;
    ngx_http_upstream_t  *u;

    u = qr->main->upstream;

    if (qr->half_closed || u->from_client.pos != u->from_client.last) {
        return;
    }

    qr->half_closed = 1;

    fd = u->peer.connection->fd;

    if (shutdown(fd, SHUT_WR) == -1) {
        ngx_log_error(NGX_LOG_INFO, qr->connection->log, ngx_socket_errno,
                      "shutdown() of an upstream failed");
    }
}


/* RFC 6455, 4.2.2 */

static ngx_int_t
ngx_http_quic_websocket_accept(ngx_http_quic_request_t *qr,
    ngx_str_t *accept)
{
    u_char      hash[NGX_HTTP_QUIC_SHA1_LEN];
    ngx_str_t   src;
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, qr->websocket_key.data, qr->websocket_key.len);
    ngx_sha1_update(&sha1, NGX_HTTP_QUIC_WEBSOCKET_GUID,
                    sizeof(NGX_HTTP_QUIC_WEBSOCKET_GUID) - 1);
    ngx_sha1_final(hash, &sha1);

    src.len = sizeof(hash);
    src.data = hash;

    accept->data = ngx_pnalloc(qr->main->pool,
                               ngx_base64_encoded_length(src.len));
    if (accept->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(accept, &src);

    return NGX_OK;
}
