
/*
 * The state of one HTTP/3 connection, for the files of this floor:
 *
 *     conn        our streams, GOAWAY, the end
 *     uni         the client's unidirectional streams
 *     qpack       field compression
 *     request     request streams: their life, ...
 *     ..._read    ... their frames, fields, content
 *     message     what a field section may say
 *     response    what goes back
 *
 * Callbacks of the transport and calls from above may be nested in each other.
 * Whoever enters counts itself in hc->busy (hr->busy for a request), and what
 * is to be freed is freed by the last one to leave.
 */

#ifndef _H3_CONN_H_INCLUDED_
#define _H3_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3.h"
#include "h3/h3_qpack.h"
#include "quic/limits.h"
#include "wire/h3_frame.h"
#include "wire/h3_priority.h"
#include "wire/quic_error.h"


/* streams of the client that there may be one of, and must not end */

typedef enum {
    H3_CRITICAL_CONTROL = 0,
    H3_CRITICAL_ENCODER,
    H3_CRITICAL_DECODER,
    H3_CRITICAL_N
} h3_critical_e;


/* PRIORITY_UPDATE that has come before its request */

typedef struct {
    uint64_t             id;
    h3_priority_t        priority;
    unsigned             used:1;
} h3_early_priority_t;


struct h3_conn_s {
    quic_conn_t         *qc;
    quic_mem_t          *mem;
    h3_conf_t            conf;
    const h3_ops_t      *ops;
    void                *data;           /* the upper floor's */

    h3_qpack_t           qpack;
    h3_settings_t        peer;           /* defaults, until SETTINGS came */

    /* ours; NULL until the connection is established */
    quic_stream_t       *control;
    quic_stream_t       *encoder;
    quic_stream_t       *decoder;

    ngx_queue_t          uni;            /* the client's other streams */
    u_char               critical[H3_CRITICAL_N];    /* 1: was opened */

    ngx_queue_t          requests;       /* of h3_request_t, all */
    ngx_queue_t          blocked;        /* those that wait for insertions */
    ngx_uint_t           nblocked;
    ngx_uint_t           nactive;        /* known to the upper floor */
    ngx_uint_t           nrequests;      /* so far */
    uint64_t             next_id;        /* lowest request stream not opened */

    h3_early_priority_t  early_priority[H3_MAX_EARLY_PRIORITIES];

    uint64_t             goaway;         /* ID of our last; or UINT64_MAX */
    uint64_t             peer_goaway;    /* push ID; or UINT64_MAX */
    uint64_t             max_push_id;    /* what the client allows, plus 1 */

    uint64_t             received;       /* bytes read from requests */
    ngx_uint_t           useless;        /* frames and streams */
    ngx_uint_t           ncancelled;     /* requests, by the client */
    ngx_uint_t           nserved;        /* the others that have ended */
    ngx_uint_t           busy;

    unsigned             settings:1;     /* SETTINGS came */
    unsigned             leaving:1;      /* GOAWAY is wanted */
    unsigned             failed:1;       /* closed by us */
    unsigned             closed:1;       /* the transport has said so */
};


/* non-zero when nothing is read or written any more */
static ngx_inline ngx_uint_t
h3_conn_over(h3_conn_t *hc)
{
    return hc->failed || hc->closed;
}

/* closes a connection that has gone away when nothing is left of it */
void h3_conn_check(h3_conn_t *hc);

/* every function that may end in a callback is framed by these two */
void h3_conn_enter(h3_conn_t *hc);
void h3_conn_leave(h3_conn_t *hc);

/* a connection error (RFC 9114, 8); "reason" is static */
void h3_conn_error(h3_conn_t *hc, uint64_t error, const char *reason);

/* a frame or a stream that means nothing: NGX_OK, or NGX_ERROR: too many */
ngx_int_t h3_conn_useless(h3_conn_t *hc);

/* a request was cancelled by the client; too many close the connection */
void h3_conn_cancelled(h3_conn_t *hc);

/* the client's SETTINGS have come */
void h3_conn_set_peer(h3_conn_t *hc);

/* sends what the QPACK decoder has to say */
void h3_conn_flush_decoder(h3_conn_t *hc);

/* goes on with requests whose insertions have come */
void h3_conn_unblock(h3_conn_t *hc);


#endif /* _H3_CONN_H_INCLUDED_ */
