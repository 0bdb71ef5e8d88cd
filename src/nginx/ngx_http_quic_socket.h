
/*
 * A worker's side of a listening socket: datagrams in and out, as many as
 * possible with one system call.
 */

#ifndef _NGX_HTTP_QUIC_SOCKET_H_INCLUDED_
#define _NGX_HTTP_QUIC_SOCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic.h"


/* bytes of a datagram's head: all that is needed to tell whose it is */
#define NGX_HTTP_QUIC_HEAD_LEN  64


struct ngx_http_quic_socket_s {
    /*
     * A duplicate of the listening socket with events of its own.  The core
     * closes the listening socket when the worker is told to quit; this one
     * stays until the last connection has gone.
     */
    ngx_connection_t         *connection;

    ngx_http_quic_worker_t   *worker;
    ngx_http_quic_bound_t    *bound;
    ngx_log_t                *log;

    /* of a datagram in a shared queue that isn't ours to take */
    u_char                    head[NGX_HTTP_QUIC_HEAD_LEN];
    size_t                    head_len;
    ngx_msec_t                head_seen;
    ngx_msec_t                alone;     /* till when we know that we are */
    ngx_event_t               recheck;

    uint32_t                  drops;     /* the kernel's counter, as said */
    time_t                    drops_said;

    unsigned                  is_alone:1;
    unsigned                  no_gso:1;  /* the kernel or device refused it */
};


/* room for a batch of received datagrams, one for a worker */
typedef struct ngx_http_quic_inbox_s  ngx_http_quic_inbox_t;

ngx_http_quic_inbox_t *ngx_http_quic_inbox_create(ngx_log_t *log);
void ngx_http_quic_inbox_free(ngx_http_quic_inbox_t *inbox);


/* sets the options that we need, and the events; NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_quic_socket_open(ngx_http_quic_socket_t *s,
    ngx_http_quic_worker_t *worker, ngx_listening_t *ls);

/* harmless for one that isn't open */
void ngx_http_quic_socket_close(ngx_http_quic_socket_t *s);

/*
 * NGX_OK: sent, or lost as a datagram may be; NGX_AGAIN: "batch" is what is
 * left, and ngx_http_quic_worker_writable() will be called.
 */
ngx_int_t ngx_http_quic_socket_send(ngx_http_quic_socket_t *s,
    quic_batch_t *batch, ngx_uint_t gso);


#endif /* _NGX_HTTP_QUIC_SOCKET_H_INCLUDED_ */
