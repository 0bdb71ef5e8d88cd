
/*
 * One endpoint for each worker, its events and its end.
 *
 * A worker that has been told to quit keeps its connections until their
 * requests have ended, but makes no new ones.
 */

#ifndef _NGX_HTTP_QUIC_WORKER_H_INCLUDED_
#define _NGX_HTTP_QUIC_WORKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_socket.h"


/* workers that lived when this generation was made, and may live on */

#define NGX_HTTP_QUIC_MAX_ELDERS  NGX_MAX_PROCESSES


struct ngx_http_quic_worker_s {
    quic_endpoint_t           endpoint;
    quic_mem_t                mem;
    ngx_log_t                *log;
    ngx_http_quic_main_conf_t  *conf;

    ngx_http_quic_socket_t   *sockets;
    ngx_uint_t                nsockets;
    ngx_http_quic_inbox_t    *inbox;
    ngx_socket_t              null_fd;

    ngx_event_t               flush;     /* posted when there is work */
    ngx_event_t               silence;   /* time to look for silent clients */

    ngx_event_t               look;      /* which elders are still there? */
    ngx_msec_t                polite;    /* till when we share with them */
    ngx_uint_t                nelders;

    u_char                   *out;       /* the batch is built here */
    quic_batch_t              batch;     /* len != 0: waits for a socket */
    quic_addr_t               batch_remote;
    quic_addr_t               batch_local;

    ngx_uint_t                nsessions;
    time_t                    refused;   /* second of the last log line */
    unsigned                  last:1;    /* flush has let others go first */
    unsigned                  exiting:1;
};


/* init_module, init_process, exit_process */
void ngx_http_quic_worker_note_elders(void);
ngx_int_t ngx_http_quic_worker_init(ngx_cycle_t *cycle);
void ngx_http_quic_worker_done(void);

/* the clock of everything below; microseconds */
uint64_t ngx_http_quic_now(void);

/* a datagram; what it asks for as a reply is sent at once */
void ngx_http_quic_worker_receive(ngx_http_quic_worker_t *w,
    quic_datagram_t *dgram, uint64_t now);

/*
 * Non-zero when other workers, older or newer ones, read the same sockets:
 * each may take only what ngx_http_quic_worker_takes() says is its own.
 */
ngx_uint_t ngx_http_quic_worker_shares(ngx_http_quic_worker_t *w);
ngx_uint_t ngx_http_quic_worker_takes(ngx_http_quic_worker_t *w, u_char *data,
    size_t len);

/* the socket that the batch waits for has room */
void ngx_http_quic_worker_writable(ngx_http_quic_worker_t *w);

/*
 * The worker has been told to quit; with "now", worker_shutdown_timeout has
 * come.  May be called several times.
 */
void ngx_http_quic_worker_shutdown(ngx_http_quic_worker_t *w, ngx_uint_t now);


#endif /* _NGX_HTTP_QUIC_WORKER_H_INCLUDED_ */
