
/*
 * One HTTP/3 request as a native nginx request.
 *
 * The core wants a connection, so each request gets one without a socket: a
 * pseudo-connection, whose recv and send_chain are ours.  The core knows
 * nothing else of us, and runs its phases as for any request.
 *
 *     request     its life: made by HTTP/3's callbacks, ended by the core
 *     connection  the pseudo-connection
 *     fields      HTTP/3's field lines -> r->headers_in, URI, server
 *     body        recv: the content, as the core expects to read it
 *     send        send_chain: nginx's buffers -> the stream
 *     websocket   extended CONNECT -> Upgrade
 *     filter      r->headers_out -> HTTP/3's field lines
 *
 * HTTP/3's callbacks come while a datagram is being processed.  Handlers of
 * nginx's may do anything then, up to ending the request, so they never run
 * inside a callback: it notes what has happened and posts an event, which runs
 * in the same iteration of the event loop, when the datagrams have been
 * processed.  There are three events: qr->event begins the request, and is
 * told of its abortion; c->read and c->write are the core's own, posted when
 * there is content to read, resp. room to write.
 */

#ifndef _NGX_HTTP_QUIC_REQUEST_H_INCLUDED_
#define _NGX_HTTP_QUIC_REQUEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic.h"


/* what a chunk adds to its data: "00001000\r\n" before, "\r\n" behind */

#define NGX_HTTP_QUIC_CHUNK_HEAD   10
#define NGX_HTTP_QUIC_CHUNK_TAIL   2
#define NGX_HTTP_QUIC_CHUNK_FRAME  (NGX_HTTP_QUIC_CHUNK_HEAD                  \
                                    + NGX_HTTP_QUIC_CHUNK_TAIL)


/* lives in c->pool, which the core destroys when it closes the connection */

typedef struct {
    ngx_http_connection_t     hc;        /* r->http_connection: stays first */

    ngx_connection_t         *connection;
    ngx_http_request_t       *main;
    ngx_http_quic_session_t  *session;   /* NULL after gone() */
    quic_tls_t               *tls;       /* the connection's, after gone() */
    h3_request_t             *h3;

    ngx_event_t               event;

    /* the field section: strings in r->pool */

    ngx_str_t                 method;
    ngx_str_t                 protocol;  /* of extended CONNECT */
    ngx_str_t                 scheme;
    ngx_str_t                 path;
    ngx_str_t                 authority;
    ngx_str_t                 host;
    ngx_array_t               cookies;   /* of ngx_str_t */
    ngx_uint_t                nfields;
    off_t                     content_length;  /* -1: unknown */
    ngx_int_t                 status;    /* non-zero: answer with this error */

    ngx_str_t                 websocket_key;

    /* a chunk that didn't fit into the reader's buffer */

    u_char                   *chunk_pos;
    u_char                   *chunk_last;
    u_char                    chunk[64];

    unsigned                  complete:1;    /* the field section has ended */
    unsigned                  no_content:1;
    unsigned                  begun:1;       /* the core has the request */
    unsigned                  content_end:1; /* recv has returned all */
    unsigned                  finished:1;    /* FIN follows the response */
    unsigned                  malformed:1;
    unsigned                  refused:1;     /* 400 for that, or 500 for a
                                                response that is too large */
    unsigned                  gone:1;
    unsigned                  tunnel:1;      /* a WebSocket, both ways */
    unsigned                  half_closed:1; /* its end has been passed on */

    /* what the pseudo-connection points to */

    ngx_log_t                 log;
    ngx_http_log_ctx_t        log_ctx;
    ngx_buf_t                 buffer;    /* always empty */
    quic_addr_t               remote;
    quic_addr_t               local;
    u_char                    addr_text[NGX_INET6_ADDRSTRLEN];
} ngx_http_quic_request_t;


/*
 * For h3_conn_create(), whose "data" is the session.  closed() sets s->h3 to
 * NULL.
 */
extern const h3_ops_t  ngx_http_quic_h3_ops;


/*
 * The pseudo-connection with its pool, where a new ngx_http_quic_request_t
 * lives, which is its "data".  NULL: no memory, or no connection is free.
 */
ngx_connection_t *ngx_http_quic_connection_create(ngx_http_quic_session_t *s,
    h3_request_t *hr);

/* ours of a native request, also of a subrequest; NULL: not over HTTP/3 */
ngx_http_quic_request_t *ngx_http_quic_get_request(ngx_http_request_t *r);

/* non-zero while the core waits for more of the content, to answer then */
ngx_uint_t ngx_http_quic_request_reading(ngx_http_request_t *r);

/*
 * Another response takes the place of the one that filters have already seen.
 * Returns its status, for a header filter to return.
 */
ngx_int_t ngx_http_quic_request_replace(ngx_http_request_t *r,
    ngx_int_t status);

/*
 * The response is complete: nothing more will be written.  "fin" has been
 * passed to HTTP/3 by the caller.
 */
void ngx_http_quic_request_finished(ngx_http_quic_request_t *qr);


/*
 * Brings r->request_length up to date; "n" bytes of it are the core's to add.
 */
void ngx_http_quic_request_count(ngx_http_quic_request_t *qr, size_t n);


/* ops->field(): notes a field line */
ngx_int_t ngx_http_quic_field(void *req, ngx_str_t *name, ngx_str_t *value);

/* makes r->request_line of what there is: NGX_OK or NGX_ERROR (memory) */
ngx_int_t ngx_http_quic_request_line(ngx_http_quic_request_t *qr);

/*
 * Fills r->headers_in from what was noted.  NGX_OK, or NGX_ERROR: the request
 * has been finalized, and "qr" may be gone.
 */
ngx_int_t ngx_http_quic_process_fields(ngx_http_quic_request_t *qr);

/* for the request: one more header line, its end.  Both as above */
ngx_int_t ngx_http_quic_add_line(ngx_http_quic_request_t *qr,
    ngx_str_t *name, ngx_str_t *value);
ngx_int_t ngx_http_quic_finalize(ngx_http_quic_request_t *qr,
    ngx_int_t status);


/* the header lines of an extended CONNECT; as process_fields() */
ngx_int_t ngx_http_quic_websocket_begin(ngx_http_quic_request_t *qr);

/*
 * Its response, when header lines are about to be sent.  NGX_OK: they may be,
 * as 200 if qr->tunnel is set; NGX_ERROR, or the status to answer with.
 */
ngx_int_t ngx_http_quic_websocket_answer(ngx_http_quic_request_t *qr);

/*
 * The client has ended its direction of the tunnel: tells the upstream, if that
 * has got all of it.  To be called again each time the core reads.
 */
void ngx_http_quic_websocket_half_close(ngx_http_quic_request_t *qr);


/*
 * The trailers of a response, with the stream's end.  NGX_OK, NGX_DECLINED:
 * there are none, nothing was sent; NGX_ERROR.
 */
ngx_int_t ngx_http_quic_send_trailers(ngx_http_request_t *r);


/*
 * 100 (RFC 9110, 10.1.1).  NGX_OK, also when the client takes no field section
 * of that size; NGX_ERROR.
 */
ngx_int_t ngx_http_quic_send_continue(ngx_http_request_t *r);


/* c->recv, recv_chain, send, send_chain */

ssize_t ngx_http_quic_recv(ngx_connection_t *c, u_char *buf, size_t size);
ssize_t ngx_http_quic_recv_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit);
ssize_t ngx_http_quic_send(ngx_connection_t *c, u_char *buf, size_t size);
ngx_chain_t *ngx_http_quic_send_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit);


#endif /* _NGX_HTTP_QUIC_REQUEST_H_INCLUDED_ */
