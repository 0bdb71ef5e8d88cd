
/*
 * Streams: RFC 9000, sections 2 and 3.
 *
 * The application (the HTTP/3 floor) reads with peek and consume, writes into
 * the send buffer as far as quic_stream_room() allows, and says with
 * quic_stream_release() that it is done with the stream; the stream is freed
 * when both of its sides have come to their end as well.  Only then the client
 * gets the credit to open another one.
 */

#ifndef _QUIC_STREAM_H_INCLUDED_
#define _QUIC_STREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_flow.h"
#include "quic/quic_recv_buf.h"
#include "quic/quic_send_buf.h"


typedef struct quic_conn_s    quic_conn_t;
typedef struct quic_stream_s  quic_stream_t;


/* bits of a stream ID: RFC 9000, 2.1 */

#define QUIC_STREAM_SERVER   0x01
#define QUIC_STREAM_UNI      0x02

#define QUIC_NO_SIZE         UINT64_MAX


/* RFC 9000, 3.1 and 3.2; "read" and "acked" end a side */

typedef enum {
    QUIC_RECV_OPEN = 0,          /* Recv */
    QUIC_RECV_SIZE_KNOWN,        /* FIN came */
    QUIC_RECV_READ,              /* Data Read */
    QUIC_RECV_RESET              /* Reset Read */
} quic_recv_state_e;


typedef enum {
    QUIC_SEND_OPEN = 0,          /* Ready, Send, Data Sent */
    QUIC_SEND_ACKED,             /* Data Recvd */
    QUIC_SEND_RESET,             /* Reset Sent */
    QUIC_SEND_RESET_ACKED        /* Reset Recvd */
} quic_send_state_e;


/* control frames of a stream that wait to be sent */

#define QUIC_STREAM_PEND_MAX_DATA    0x01
#define QUIC_STREAM_PEND_RESET       0x02
#define QUIC_STREAM_PEND_STOP        0x04
#define QUIC_STREAM_PEND_BLOCKED     0x08


struct quic_stream_s {
    ngx_rbtree_node_t    node;           /* key: the ID */
    quic_conn_t         *conn;
    uint64_t             id;
    void                *app;            /* the application's */

    quic_recv_state_e    recv_state;
    quic_recv_buf_t      in;
    quic_flow_recv_t     flow_in;
    uint64_t             final_size;     /* QUIC_NO_SIZE: not known yet */
    ngx_str_t            direct;         /* in order, in the datagram itself,
                                            during stream_readable() only */
    uint64_t             stop_error;     /* what STOP_SENDING says */

    quic_send_state_e    send_state;
    quic_send_buf_t      out;
    quic_flow_send_t     flow_out;
    uint64_t             reset_error;    /* what RESET_STREAM says */

    ngx_queue_t          ready;          /* in the scheduler, or among the
                                            blocked, or the done */
    ngx_queue_t          control;        /* in conn->control_streams */
    ngx_uint_t           pending;        /* QUIC_STREAM_PEND_* */

    u_char               urgency;        /* RFC 9218: 0 to 7 */
    unsigned             incremental:1;
    unsigned             scheduled:1;
    unsigned             in_control:1;
    unsigned             want_write:1;   /* tell when there is room again */
    unsigned             blocked:1;      /* by the connection's credit */
    unsigned             dropping:1;     /* what comes is thrown away */
    unsigned             ends_in_reset:1;    /* when all has been acknowledged */
    unsigned             released:1;
    unsigned             done:1;         /* to be freed */
};


/*
 * Opens a unidirectional stream.  NULL: no memory, or the client's limit.
 */
quic_stream_t *quic_stream_open_uni(quic_conn_t *conn, void *app);

/*
 * What there is to read next, in place, valid until the next call or until the
 * callback returns.  "*fin" is non-zero when the stream ends right behind it;
 * once the end has been consumed there is nothing more to see, "*fin" is 0.
 */
void quic_stream_peek(quic_stream_t *s, ngx_str_t *span, ngx_uint_t *fin);

/* "n" bytes of it have been read; gives the client credit for more */
void quic_stream_consume(quic_stream_t *s, size_t n);

/*
 * Bytes that may be written now: the buffer grows with the congestion window.
 * When it's less than the caller wants, s->want_write may be set: then
 * stream_writable() is called when there is worthwhile room.
 */
size_t quic_stream_room(quic_stream_t *s);

/*
 * Writing.  Bytes are copied, sent in the next pass.  More than
 * quic_stream_room() is allowed for what can't wait (frame headers).  NGX_OK,
 * or NGX_ERROR: no memory, or the sending side is over.
 */
ngx_int_t quic_stream_write(quic_stream_t *s, const u_char *data, size_t len);

/*
 * For reading a file right into the stream: see quic_send_buf_reserve().
 */
u_char *quic_stream_reserve(quic_stream_t *s, size_t want, size_t *len);
void quic_stream_commit(quic_stream_t *s, size_t len);

/* no more bytes: FIN */
void quic_stream_finish(quic_stream_t *s);

/*
 * No more bytes: RESET_STREAM in the place of FIN, once all of them have been
 * acknowledged, so that the client has got them.
 */
void quic_stream_finish_reset(quic_stream_t *s, uint64_t error);

/* gives up sending: RESET_STREAM; nothing when all has been acknowledged */
void quic_stream_reset(quic_stream_t *s, uint64_t error);

/* gives up reading: STOP_SENDING; nothing when the end has been received */
void quic_stream_stop(quic_stream_t *s, uint64_t error);

/*
 * The application is done with it, and is not called for it any more.  What
 * was written is still delivered; a sending side that was neither finished nor
 * reset is reset, a receiving side that isn't at its end is stopped, with
 * "error".
 */
void quic_stream_release(quic_stream_t *s, uint64_t error);

/* RFC 9218's parameters of the response; may change at any time */
void quic_stream_priority(quic_stream_t *s, ngx_uint_t urgency,
    ngx_uint_t incremental);


#endif /* _QUIC_STREAM_H_INCLUDED_ */
