
/*
 * One QUIC connection, as a server: its life from the first Initial that
 * authenticates to the end of its draining period.  What the upper floors see.
 *
 * Sans-I/O: datagrams and time are handed in, datagrams are fetched, events
 * come through callbacks.  All times are microseconds of one monotonic clock.
 *
 * Nothing is freed inside a call: whatever happens, a connection only notes
 * it and stands in the endpoint's ready queue; quic_endpoint_flush() is where
 * packets are made, timers are set and dead connections are freed.
 */

#ifndef _QUIC_CONN_H_INCLUDED_
#define _QUIC_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_tls.h"
#include "quic/limits.h"
#include "quic/quic_addr.h"
#include "quic/quic_cc.h"
#include "quic/quic_stats.h"
#include "quic/quic_stream.h"


/* who has to show a token before there is a connection: RFC 9000, 8.1.2 */

typedef enum {
    QUIC_RETRY_OFF = 0,
    QUIC_RETRY_ON,
    QUIC_RETRY_AUTO              /* while many handshakes hang */
} quic_retry_e;


/* what an operator can set; made by the upper floor, outlives connections */

typedef struct {
    uint64_t     idle_timeout;           /* microseconds */
    uint64_t     handshake_timeout;      /* microseconds */
    uint64_t     max_streams_bidi;
    uint64_t     stream_window;          /* bytes: receive buffer, a stream's */
    uint64_t     conn_window;            /* bytes: of all streams */
    uint64_t     send_buffer;            /* bytes: a stream's least */
    ngx_uint_t   active_cid_limit;
    size_t       mtu;                    /* bytes of an IP packet: no larger
                                            one is tried */
    ngx_uint_t   retry;                  /* quic_retry_e */
    ngx_uint_t   stay;                   /* datagrams from a client's new
                                            address may not reach us */

    /* where clients are asked to go on: RFC 9000, 9.6; family 0: nowhere */
    quic_addr_t  preferred_ipv4;
    quic_addr_t  preferred_ipv6;

    const quic_cc_ops_t  *cc;            /* the congestion controller */
    quic_tls_ctx_t       *tls;           /* the default server's */

    /*
     * What the application above has said on earlier connections, and clients
     * with 0-RTT rely on: tickets that were made with another text bring none.
     */
    u_char       early_app[QUIC_MAX_EARLY_APP];
    size_t       early_app_len;
} quic_conf_t;


/*
 * The application above: "app" is what quic_conn_set_app() was given.  Called
 * while a datagram is processed or in a flush; may write, read, reset, close,
 * must not block.
 */

typedef struct {
    /* we can send 1-RTT packets: time to open our streams */
    void  (*established)(void *app);

    /* the client has opened a stream; sets s->app */
    void  (*stream_opened)(void *app, quic_stream_t *s);

    /* bytes or the end can be read; called again when more has come */
    void  (*stream_readable)(void *app, quic_stream_t *s);

    /* there is room to write; s->want_write was set and is 0 now */
    void  (*stream_writable)(void *app, quic_stream_t *s);

    /* RESET_STREAM came: nothing more will be readable */
    void  (*stream_reset)(void *app, quic_stream_t *s, uint64_t error);

    /* STOP_SENDING came: what is written won't be read; it has been answered
       with a reset */
    void  (*stream_stopped)(void *app, quic_stream_t *s, uint64_t error);

    /*
     * The end, whoever wanted it; the last call.  No stream may be used any
     * more, "app" isn't referred to again.
     */
    void  (*closed)(void *app);

    /*
     * The last bidirectional stream of the client's has been freed: all that
     * was written has been acknowledged.  May be NULL.
     */
    void  (*drained)(void *app);
} quic_app_ops_t;


void quic_conn_set_app(quic_conn_t *c, const quic_app_ops_t *ops, void *app);

/*
 * Closes with an application's error code (RFC 9114's) or a transport's.
 * "reason" is static.  The first call counts.
 */
void quic_conn_close_app(quic_conn_t *c, uint64_t error, const char *reason);
void quic_conn_close(quic_conn_t *c, uint64_t error, const char *reason);

/*
 * The same, QUIC_LINGER or more later: what the client's transport has acknowledged,
 * its application has had the time to take, and most clients have left by
 * themselves.
 */
void quic_conn_linger(quic_conn_t *c, uint64_t error, const char *reason);

/* the context that the server name chose; only in endpoint ops->server_name() */
ngx_int_t quic_conn_use_tls(quic_conn_t *c, quic_tls_ctx_t *ctx);

/* non-zero while requests may still be answered: not closing, not draining */
ngx_uint_t quic_conn_alive(quic_conn_t *c);

/* only a validated address is ever shown: the one to tell the rest of nginx */
const quic_addr_t *quic_conn_remote(quic_conn_t *c);
const quic_addr_t *quic_conn_local(quic_conn_t *c);

/* the endpoint's log until the upper floor sets one of the connection's own */
ngx_log_t *quic_conn_log(quic_conn_t *c);
void quic_conn_set_log(quic_conn_t *c, ngx_log_t *log);

quic_tls_t *quic_conn_tls(quic_conn_t *c);

/*
 * Non-zero while what comes may be somebody's who repeats what he has seen
 * (0-RTT): until the handshake is complete.
 */
ngx_uint_t quic_conn_early(quic_conn_t *c);

/* the upper floor's, by quic_endpoint ops->accepted() */
void quic_conn_set_data(quic_conn_t *c, void *data);
void *quic_conn_data(quic_conn_t *c);

/* streams that the client has opened and that aren't freed yet */
ngx_uint_t quic_conn_streams(quic_conn_t *c);

/* bytes of these streams that the client has acknowledged */
uint64_t quic_conn_acked(quic_conn_t *c);

/* how many requests the client may have made so far, by our MAX_STREAMS */
uint64_t quic_conn_max_requests(quic_conn_t *c);

/* how it is doing, now or at its end */
void quic_conn_stats(quic_conn_t *c, quic_stats_t *stats);

/*
 * While this is on, a PING is sent before the idle timeout can end the
 * connection (RFC 9000, 10.1.2), so that a slow upstream doesn't cost the
 * client its connection.
 */
void quic_conn_keep_alive(quic_conn_t *c, ngx_uint_t on);


#endif /* _QUIC_CONN_H_INCLUDED_ */
