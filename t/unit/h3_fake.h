
/*
 * A transport in memory, in place of src/quic's connections and streams: what
 * a client sends is put in by fake_send(), what the HTTP/3 floor sends stands
 * in fake_stream_t.  It asserts what the transport's contract asks of its
 * callers: nothing after a release, nothing beyond what was shown.
 */

#ifndef _H3_FAKE_H_INCLUDED_
#define _H3_FAKE_H_INCLUDED_


#include "test.h"
#include "h3/h3.h"
#include "quic/quic_conn.h"


#define FAKE_NONE  UINT64_MAX

/* what MAX_STREAMS says */
#define FAKE_MAX_REQUESTS  128


typedef struct {
    quic_stream_t    s;
    ngx_queue_t      queue;

    u_char          *in;             /* what came and isn't consumed */
    size_t           in_len;
    u_char          *direct;         /* the same during stream_readable() */
    size_t           direct_len;
    size_t           shown;          /* by the last peek */
    unsigned         fin:1;
    unsigned         at_end:1;       /* consumed to the end */
    unsigned         in_reset:1;

    u_char          *out;
    size_t           out_len;
    unsigned         out_fin:1;
    uint64_t         end_error;      /* of the reset that is to come when all
                                        is acknowledged, or FAKE_NONE */
    uint64_t         reset_error;    /* RESET_STREAM, or FAKE_NONE */
    uint64_t         stop_error;     /* STOP_SENDING, or FAKE_NONE */
    unsigned         released:1;

    u_char           reserved[256];
} fake_stream_t;


struct quic_conn_s {
    quic_mem_t              mem;
    ngx_log_t               log;
    const quic_app_ops_t   *ops;
    void                   *app;

    ngx_queue_t             streams;
    uint64_t                next_uni;
    uint64_t                max_uni;
    size_t                  room;        /* what every stream has */
    size_t                  max_span;    /* that peek shows at once */
    ngx_uint_t              fail_writes;
    uint64_t                acked;       /* bytes of the client's streams */
    ngx_uint_t              keep_alive;
    ngx_uint_t              lingering;

    uint64_t                error;       /* it was closed with, or FAKE_NONE */
    const char             *reason;
    ngx_uint_t              ended;       /* closed() has been called */
};


/* a connection without an app */
quic_conn_t *fake_conn_create(void);

/* asserts that all its memory has been given back */
void fake_conn_destroy(quic_conn_t *c);

/* calls ops->closed() and frees all streams */
void fake_conn_end(quic_conn_t *c);

/* finds a stream, or opens it as the client */
fake_stream_t *fake_stream(quic_conn_t *c, uint64_t id);

/* the client sends bytes, in one piece; nothing once the connection failed */
void fake_send(quic_conn_t *c, uint64_t id, const void *data, size_t len,
    ngx_uint_t fin);
void fake_reset(quic_conn_t *c, uint64_t id, uint64_t error);
void fake_stop(quic_conn_t *c, uint64_t id, uint64_t error);
void fake_writable(quic_conn_t *c, uint64_t id);

/* everything that was written is acknowledged; frees what is over */
void fake_ack(quic_conn_t *c);


#endif /* _H3_FAKE_H_INCLUDED_ */
