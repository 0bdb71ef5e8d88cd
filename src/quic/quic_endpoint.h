
/*
 * All QUIC connections of one worker: finds the connection that a datagram is
 * for, makes new ones, answers what needs no connection (Version Negotiation,
 * Retry, stateless reset), and keeps the queue of connections that have
 * something to do.
 *
 * A worker's round:
 *
 *     quic_endpoint_receive() for every datagram of the batch, each may leave
 *     a reply to be sent at once; timers call quic_endpoint_timeout();
 *     at the end of the event loop's iteration, as long as
 *     quic_endpoint_flush() says NGX_OK: send its batch.
 */

#ifndef _QUIC_ENDPOINT_H_INCLUDED_
#define _QUIC_ENDPOINT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_host_key.h"
#include "quic/quic_bucket.h"
#include "quic/quic_cid_map.h"
#include "quic/quic_conn.h"
#include "quic/quic_mem.h"
#include "quic/quic_strays.h"
#include "quic/quic_used_tokens.h"


typedef struct quic_endpoint_s  quic_endpoint_t;


/*
 * Datagrams to be sent with one system call: all of "segment" bytes, the last
 * one of that or fewer.
 */

typedef struct {
    u_char              *data;
    size_t               len;        /* of all */
    size_t               segment;    /* of each */
    quic_conn_t         *conn;
    const quic_addr_t   *remote;
    const quic_addr_t   *local;
    ngx_uint_t           ecn;
    void                *socket;     /* that the client's datagrams came to */
} quic_batch_t;


typedef struct {
    /*
     * A connection has been made; "socket" is that of its first datagram.
     * The callee sets data, log and app of it.  NGX_OK, or NGX_ERROR: dropped.
     */
    ngx_int_t  (*accepted)(void *data, quic_conn_t *c, void *socket);

    /*
     * The client has told the server's name, which may be empty.  The callee
     * may choose another context with quic_conn_use_tls().  NGX_OK;
     * NGX_DECLINED: alert unrecognized_name; NGX_ERROR.
     */
    ngx_int_t  (*server_name)(void *data, quic_conn_t *c, ngx_str_t *name);

    /* the time at which quic_endpoint_timeout() is to be called; UINT64_MAX: not */
    void       (*timer)(void *data, quic_conn_t *c, uint64_t deadline);

    /* something stands in the ready queue that was empty: flush soon */
    void       (*wakeup)(void *data);

    /* the connection is about to be freed */
    void       (*freed)(void *data, quic_conn_t *c);

    /* which settings a socket has; never NULL */
    const quic_conf_t *(*conf)(void *data, void *socket);

    /* non-zero when the process "owner", which isn't ours, may live */
    ngx_uint_t (*alive)(void *data, uint32_t owner);

    /*
     * A client offers 0-RTT with that ticket (its number: quic_tls.h).  NGX_OK:
     * no other has done so, on any connection of any worker; NGX_DECLINED: it
     * is refused.  Called only if ep->early_id isn't 0.
     */
    ngx_int_t  (*early_data)(void *data, uint64_t ticket);
} quic_endpoint_ops_t;


struct quic_endpoint_s {
    quic_mem_t                  *mem;
    quic_cid_map_t               cids;
    quic_cid_map_t               resets;     /* reset tokens of clients */
    quic_host_key_t             *host_key;
    uint32_t                     owner;      /* our process ID */
    uint32_t                     cid_counter;

    ngx_queue_t                  ready;      /* connections to be flushed */
    ngx_queue_t                  conns;      /* all of them */
    ngx_uint_t                   nconns;
    ngx_uint_t                   half_open;  /* address not validated yet */
    ngx_uint_t                   max_half_open;
    uint64_t                     crowd_log;  /* not logged again before */
    uint64_t                     windows_grown;  /* bytes, all connections */
    quic_keys_t                 *initial_client;  /* spare, for the next one */
    quic_keys_t                 *initial_server;
    quic_bucket_t                replies;    /* stateless ones, a second */
    quic_bucket_t               *replies_to; /* by address; NULL: none yet */
    quic_used_tokens_t           used_tokens;
    quic_strays_t                strays;     /* 0-RTT before its ClientHello */
    uint64_t                     wall;       /* added to "now": microseconds
                                                since 1970, for tokens that
                                                another host may have made */
    uint64_t                     early_id;   /* of the memory behind
                                                ops->early_data(); 0: there is
                                                none, and no 0-RTT */
    unsigned                     crowded:1;  /* QUIC_RETRY_AUTO is on */
    unsigned                     crowd_logged:1;

    const quic_endpoint_ops_t   *ops;
    void                        *data;
    ngx_log_t                   *log;
};


/*
 * NGX_OK or NGX_ERROR (memory); host_key stays the caller's, who may set
 * ep->wall and ep->early_id afterwards, and lower ep->max_half_open.
 */
ngx_int_t quic_endpoint_init(quic_endpoint_t *ep, quic_mem_t *mem,
    quic_host_key_t *host_key, uint32_t owner, const quic_endpoint_ops_t *ops,
    void *data, ngx_log_t *log, uint64_t now);

/* frees all connections at once, without a word to the clients */
void quic_endpoint_done(quic_endpoint_t *ep);

/*
 * A datagram.  "reply" has room for 1200 bytes at reply->data; if reply->len
 * isn't 0 afterwards, it is to be sent from where the datagram came to.
 */
void quic_endpoint_receive(quic_endpoint_t *ep, quic_datagram_t *dgram,
    ngx_str_t *reply, uint64_t now);

/* the deadline of a connection has come */
void quic_endpoint_timeout(quic_endpoint_t *ep, quic_conn_t *c, uint64_t now);

/*
 * The next batch to send, written to "buf" (QUIC_MAX_BATCH_SIZE bytes or
 * more).  NGX_OK with a batch, NGX_DONE: nothing more to do now.  A batch that
 * can't be sent (EAGAIN) must be kept and sent before the next call.
 */
ngx_int_t quic_endpoint_flush(quic_endpoint_t *ep, u_char *buf, size_t size,
    quic_batch_t *batch, uint64_t now);

/*
 * The interface didn't take the datagrams of a batch, as they are too long
 * (EMSGSIZE): what was in them will be sent again in smaller ones.  Only
 * before the next flush.
 */
void quic_endpoint_too_large(quic_batch_t *batch, uint64_t now);

/* visits all connections; a visitor frees none */
void quic_endpoint_each(quic_endpoint_t *ep,
    void (*visit)(quic_conn_t *c, void *data), void *data);


#endif /* _QUIC_ENDPOINT_H_INCLUDED_ */
