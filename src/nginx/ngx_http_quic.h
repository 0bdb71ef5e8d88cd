
/*
 * The floor that knows nginx: what its files share.
 *
 *     module     directives, their merging, the process's life
 *     listen     "listen ... quic", listeners and their server blocks
 *     tls        a context for every server block, the choice by server name
 *     tls_conf   what ssl_* directives mean for it
 *     tls_cert   certificates whose names have variables
 *     key_log    secrets for Wireshark
 *     host_key   the secret that outlives reloads and new binaries
 *     tickets    resumption: the keys of tickets, who takes whose
 *     replay     which of them have brought 0-RTT, to any worker
 *     worker     one endpoint for each worker: timers, ready queue, reload
 *     socket     datagrams in and out: recvmmsg, GRO, GSO, packet info
 *     session    one connection: its log, its address, its HTTP/3
 *     request    one request as a native nginx request without a socket
 *     filter     the header filter that turns r->headers_out into fields
 *     variables  $http3, and those that look at a TLS connection of nginx's
 */

#ifndef _NGX_HTTP_QUIC_H_INCLUDED_
#define _NGX_HTTP_QUIC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "h3/h3.h"
#include "quic/quic_endpoint.h"
#include "quic/quic_replay.h"
#include "nginx/ngx_http_quic_compat.h"


typedef struct ngx_http_quic_listener_s  ngx_http_quic_listener_t;
typedef struct ngx_http_quic_session_s   ngx_http_quic_session_t;
typedef struct ngx_http_quic_socket_s    ngx_http_quic_socket_t;
typedef struct ngx_http_quic_worker_s    ngx_http_quic_worker_t;


/* http{} */

typedef struct {
    ngx_array_t          listeners;      /* of ngx_http_quic_listener_t * */
    ngx_array_t          bound;          /* of ngx_http_quic_bound_t * */

    ngx_str_t            host_key_file;  /* empty: the master's own */
    quic_host_key_t      host_key;

    time_t               ticket_lifetime;        /* the longest, seconds */
    size_t               early_data_memory;      /* bytes */
    ngx_shm_zone_t      *replay_zone;    /* NULL: no 0-RTT */
    quic_replay_t       *replay;         /* in there */
} ngx_http_quic_main_conf_t;


/* quic_preferred_address, and where it was written */

typedef struct {
    quic_addr_t          addr[2];        /* IPv4's and IPv6's */
    u_char              *file_name;
    ngx_uint_t           line;
    unsigned             checked:1;      /* several servers may have it */
} ngx_http_quic_preferred_t;


/* server{} */

typedef struct {
    ngx_flag_t           http3;
    ngx_uint_t           retry;          /* quic_retry_e */
    ngx_flag_t           gso;
    ngx_uint_t           max_concurrent_streams;
    size_t               stream_buffer_size;     /* bytes */
    size_t               max_table_capacity;     /* bytes */
    ngx_uint_t           max_blocked_streams;
    ngx_uint_t           active_cid_limit;
    ngx_http_quic_preferred_t  *preferred;   /* NULL: off */
    ngx_uint_t           mtu;                    /* bytes of an IP packet */
    ngx_str_t            host_key_file;
    const quic_cc_ops_t *cc;             /* the congestion controller */
    ngx_open_file_t     *key_log;        /* NULL: off */

    quic_tls_ctx_t      *tls;            /* NULL: no quic listener uses it */
} ngx_http_quic_srv_conf_t;


/*
 * One address of "listen ... quic": the servers on it are found as nginx's
 * core finds them, by name, through "conf".  It is what the transport calls a
 * socket: its settings are the default server's.
 */

struct ngx_http_quic_listener_s {
    ngx_listening_t         *ls;         /* of this worker, once it runs */
    ngx_http_conf_ctx_t     *default_server;
    ngx_http_addr_conf_t     conf;       /* default server, virtual names */
    quic_conf_t              quic;
    h3_conf_t                h3;

    ngx_http_quic_socket_t  *socket;     /* of this worker, likewise */

    struct sockaddr         *sockaddr;
    socklen_t                socklen;
    ngx_str_t                addr_text;
    ngx_array_t              servers;    /* of ngx_http_core_srv_conf_t * */

    int                      rcvbuf;     /* bytes; -1: the system's */
    int                      sndbuf;

    unsigned                 gso:1;
    unsigned                 set:1;      /* has options for its socket */
    unsigned                 bind:1;     /* wants a socket of its own */
    unsigned                 has_default:1;
    unsigned                 wildcard:1;
    unsigned                 ipv6only:1;
};


/*
 * The addresses that one socket serves.  As with nginx's TCP, an address
 * without options of its own is served by its port's wildcard socket, if there
 * is one: the address needs not exist then.  The address that the socket is
 * bound to is the last.
 */

typedef struct {
    ngx_array_t              listeners;  /* of ngx_http_quic_listener_t * */
} ngx_http_quic_bound_t;


/*
 * A session is made for each accepted connection.  Its log speaks of the
 * client ("..., client: 192.0.2.1, server: 0.0.0.0:443") as nginx's do.
 */

struct ngx_http_quic_session_s {
    quic_conn_t             *conn;
    h3_conn_t               *h3;         /* NULL after h3's closed() */
    ngx_http_quic_listener_t  *listener;
    ngx_http_quic_worker_t  *worker;

    ngx_log_t                log;
    ngx_atomic_uint_t        number;     /* $connection */
    ngx_msec_t               start;
    ngx_msec_t               idle;       /* when a request ended last */
    ngx_uint_t               nrequests;  /* native requests alive */

    ngx_event_t              timer;
    uint64_t                 deadline;   /* the connection's; microseconds */

    ngx_event_t              watch;      /* for clients that do nothing */
    uint64_t                 progress;   /* bytes, when it was looked at */
    ngx_msec_t               moved;      /* ... and they had become more */
    unsigned                 expired:1;  /* keepalive_timeout is over */

    /* where requests start: the server that the TLS name chose, if it did */
    ngx_http_conf_ctx_t     *server;
    unsigned                 named:1;
};


extern ngx_module_t  ngx_http_quic_module;
extern ngx_module_t  ngx_http_quic_filter_module;


/*
 * listen: the directive, and what becomes of all of them when the whole
 * configuration is known
 */
char *ngx_http_quic_listen(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_quic_listen_init(ngx_conf_t *cf);

/*
 * The server block of a name (lower case, without the final dot) on that
 * address.  NGX_OK, NGX_DECLINED (none), NGX_ERROR (regex failed, logged).
 */
ngx_int_t ngx_http_quic_listen_find(ngx_http_quic_listener_t *listener,
    ngx_str_t *name, ngx_log_t *log, ngx_http_core_srv_conf_t **cscf);


/* tls: contexts of all servers of a listener; NGX_OK or NGX_ERROR, logged */
ngx_int_t ngx_http_quic_tls_init(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener);

/* module: all of a file, in memory of cf->temp_pool; NGX_ERROR is logged */
ngx_int_t ngx_http_quic_conf_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *content);

/* host_key: once directives are read, NGX_ERROR is logged; in a new worker */
ngx_int_t ngx_http_quic_host_key_init(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf);
void ngx_http_quic_host_key_worker(ngx_log_t *log);

/*
 * tickets: when all listeners are known; and once a server has its
 * certificates: NGX_OK or NGX_ERROR, logged
 */
void ngx_http_quic_tickets_longest(ngx_http_quic_main_conf_t *qmcf);
ngx_int_t ngx_http_quic_tickets_init(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);

/*
 * replay: when all listeners are known; NGX_OK or NGX_ERROR, logged.  The other
 * is quic_endpoint's early_data().
 */
ngx_int_t ngx_http_quic_replay_init(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf);
ngx_int_t ngx_http_quic_replay_use(ngx_http_quic_main_conf_t *qmcf,
    uint64_t ticket);

/*
 * Takes the server block that the client's TLS names: as quic_endpoint's
 * server_name() answers.
 */
ngx_int_t ngx_http_quic_tls_server_name(ngx_http_quic_session_t *s,
    ngx_str_t *name);

/* non-zero if that is the name in TLS; "host" is as nginx has it, lower case */
ngx_uint_t ngx_http_quic_tls_is_name(ngx_http_quic_session_t *s,
    ngx_str_t *host);


/* what ssl_* directives say for a context; NGX_OK or NGX_ERROR, logged */
ngx_int_t ngx_http_quic_tls_settings(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);

#if (NGX_HTTP_SSL)

/* sscf->verify: "ssl_verify_client", whose values nginx has no names for */
typedef enum {
    NGX_HTTP_QUIC_VERIFY_OFF = 0,
    NGX_HTTP_QUIC_VERIFY_ON,
    NGX_HTTP_QUIC_VERIFY_OPTIONAL,
    NGX_HTTP_QUIC_VERIFY_OPTIONAL_NO_CA
} ngx_http_quic_verify_e;

/*
 * Loads the certificates of "sscf", whose names have variables, for this
 * handshake; within server_name().  NGX_OK or NGX_ERROR, logged.
 */
ngx_int_t ngx_http_quic_tls_load_certificates(ngx_http_quic_session_t *s,
    ngx_http_ssl_srv_conf_t *sscf);

/* this worker's that are kept for the next handshake */
void ngx_http_quic_tls_forget_certificates(void);

#endif

/*
 * quic_key_log: the directive; warnings, in init_module, of files that others
 * may read; and a line, where "data" is an ngx_open_file_t
 */
char *ngx_http_quic_key_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_quic_key_log_check(ngx_cycle_t *cycle);
void ngx_http_quic_key_log_write(void *data, const char *line);


/* session: NULL: no memory; freed in quic_endpoint's freed() */
ngx_http_quic_session_t *ngx_http_quic_session_create(
    ngx_http_quic_worker_t *worker, quic_conn_t *c,
    ngx_http_quic_listener_t *listener);
void ngx_http_quic_session_free(ngx_http_quic_session_t *s);

/* requests go on in that server block; the log is its log */
void ngx_http_quic_session_set_server(ngx_http_quic_session_t *s,
    ngx_http_conf_ctx_t *server);

/* when the transport wants to be called; UINT64_MAX: not at all */
void ngx_http_quic_session_set_timer(ngx_http_quic_session_t *s,
    uint64_t deadline);

/* h3's ops->opened(): milliseconds */
uint64_t ngx_http_quic_session_opened(void *data);

/*
 * Looks if requests' bytes have been moving since the last time, either way.
 * Returns the milliseconds for which they have not.
 */
ngx_msec_t ngx_http_quic_session_still(ngx_http_quic_session_t *s);

/* a request of it begins, resp. has ended */
void ngx_http_quic_session_begin_request(ngx_http_quic_session_t *s);
void ngx_http_quic_session_end_request(ngx_http_quic_session_t *s);

/*
 * To be called with each request: keepalive_requests, keepalive_time and
 * "keepalive_timeout 0" end in a GOAWAY.
 */
void ngx_http_quic_session_count(ngx_http_quic_session_t *s);

/*
 * What requests need in each phase: NGX_OK or NGX_ERROR.  To be called before
 * the log module's postconfiguration.
 */
ngx_int_t ngx_http_quic_request_init(ngx_conf_t *cf);

/* non-zero if the request came over HTTP/3 through this module */
ngx_uint_t ngx_http_quic_is_request(ngx_http_request_t *r);

/* the HTTP/3 request of a native one; NULL for subrequests' strangers */
h3_request_t *ngx_http_quic_h3_request(ngx_http_request_t *r);

/* the session of such a request's connection; NULL when it has ended */
ngx_http_quic_session_t *ngx_http_quic_session(ngx_http_request_t *r);

/*
 * The first line of that name, in any case, of r->headers_in.headers, or of
 * r->headers_out's; NULL: there is none.
 */
ngx_table_elt_t *ngx_http_quic_find_line(ngx_list_t *list, const char *name);

/* variables: in postconfiguration; NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_quic_variables_init(ngx_conf_t *cf);

/* the descriptor for all pseudo-connections of this worker (design: shared,
   unbound, non-blocking) */
ngx_socket_t ngx_http_quic_null_fd(ngx_http_quic_worker_t *worker);


#endif /* _NGX_HTTP_QUIC_H_INCLUDED_ */
