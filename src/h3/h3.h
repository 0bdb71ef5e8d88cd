
/*
 * HTTP/3 over one QUIC connection, as a server: RFC 9114, 9204.  What the
 * floor of nginx sees.
 *
 * Requests come as callbacks, in this order:
 *
 *     opened()      a stream has been opened
 *     request()     a field section has begun to decode: returns the context
 *                   of the request ("req" in what follows)
 *     field()       for each field line, pseudo-header fields included, each
 *                   checked by itself and against those before it
 *     headers()     the section is complete and well-formed
 *     malformed()   or it isn't, or the content turns out not to be, also
 *                   inside of h3_request_recv() (RFC 9114, 4.1.2): answer 400,
 *                   if it still can be.  Nothing of the request is read any
 *                   more.  The response ends in a reset with H3_MESSAGE_ERROR,
 *                   for which a whole one waits until the client has it.
 *     readable()    a part of the content, or its end, can be fetched with
 *                   h3_request_recv()
 *     writable()    there is room for more of the response
 *     gone()        the client doesn't want the response, or the connection
 *                   has ended: the last call for this request
 *
 * and the response goes down with h3_response_*().  When the upper floor is
 * done with a request it calls h3_request_free(), always, also after gone().
 */

#ifndef _H3_H_INCLUDED_
#define _H3_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn.h"


typedef struct h3_conn_s     h3_conn_t;
typedef struct h3_request_s  h3_request_t;


typedef struct {
    ngx_str_t    name;
    ngx_str_t    value;
    unsigned     never_index:1;      /* RFC 9204, 7.1.3: credentials */
} h3_field_t;


typedef struct {
    size_t       max_field_section;      /* name + value + 32 of all lines */
    size_t       max_table_capacity;     /* QPACK, the decoder's */
    ngx_uint_t   max_blocked_streams;
    ngx_uint_t   connect_protocol;       /* extended CONNECT: RFC 9220 */
} h3_conf_t;


typedef struct {
    /*
     * A request stream was opened, of which nothing is known yet: returns the
     * time, for h3_conn_expire() to compare.
     */
    uint64_t    (*opened)(void *data);

    /* NULL: refuse (H3_REQUEST_REJECTED) */
    void       *(*request)(void *data, h3_request_t *hr);

    /*
     * One field line; copied if it is to be kept.  NGX_OK, or NGX_DECLINED:
     * no more are wanted (the callee has answered, 431 or so): nothing of the
     * request is read any more.
     */
    ngx_int_t   (*field)(void *req, ngx_str_t *name, ngx_str_t *value);

    /* "fin": no content follows; content_length is -1 when not given */
    void        (*headers)(void *req, ngx_uint_t fin, off_t content_length);

    /* why is for the log: "reason" is static */
    void        (*malformed)(void *req, const char *reason);

    /* the field section is larger than conf->max_field_section: answer 431;
       nothing of the request is read any more */
    void        (*too_large)(void *req);

    void        (*readable)(void *req);
    void        (*writable)(void *req);
    void        (*gone)(void *req);

    /* the connection has ended: "data" isn't used any more */
    void        (*closed)(void *data);
} h3_ops_t;


/*
 * Takes over a new connection: sets its app.  Lives until ops->closed().
 * NULL: no memory.
 */
h3_conn_t *h3_conn_create(quic_conn_t *qc, quic_mem_t *mem,
    const h3_conf_t *conf, const h3_ops_t *ops, void *data);

/*
 * The SETTINGS that such connections begin with, which a client with 0-RTT
 * relies on (RFC 9114, 7.2.4.2): for quic_conf_t's early_app.  Returns the
 * length.
 */
size_t h3_conf_settings(const h3_conf_t *conf, u_char *buf, size_t size);

/*
 * No new requests: GOAWAY, once to give notice, and again when the client has
 * acknowledged that.  The connection closes with H3_NO_ERROR when the running
 * ones have ended.
 */
void h3_conn_goaway(h3_conn_t *hc);

/* the second without waiting any longer, if notice was given */
void h3_conn_goaway_final(h3_conn_t *hc);

/*
 * Gives up the streams that have been open for "timeout" and have not brought
 * a field line yet.  Returns how long it is until the next one has been;
 * UINT64_MAX: there is none.
 */
uint64_t h3_conn_expire(h3_conn_t *hc, uint64_t now, uint64_t timeout);

/*
 * Bytes that request streams have brought, and that the client has taken: it
 * grows as long as there is more to the connection than its being open.
 */
uint64_t h3_conn_progress(h3_conn_t *hc);

/* requests that are not yet freed; requests so far */
ngx_uint_t h3_conn_active(h3_conn_t *hc);
ngx_uint_t h3_conn_requests(h3_conn_t *hc);

/* what the client has sent in its SETTINGS; UINT64_MAX: no limit */
uint64_t h3_conn_peer_max_field_section(h3_conn_t *hc);


/* the ID of the request's stream */
uint64_t h3_request_id(h3_request_t *hr);

/* the connection; NULL after gone() */
quic_conn_t *h3_request_conn(h3_request_t *hr);

/*
 * Content: up to "size" bytes, frames taken off.  Bytes > 0; 0: the end, at
 * which the content was as long as content-length said; NGX_AGAIN: nothing
 * yet, readable() will be called; NGX_ERROR: reset, gone, malformed.
 */
ssize_t h3_request_recv(h3_request_t *hr, u_char *buf, size_t size);

/* bytes of content received from the network so far, frames included */
off_t h3_request_received(h3_request_t *hr);

/*
 * A response's fields; ":status" is the first of them (1xx may come several
 * times before).  "fin": nothing follows.  NGX_OK, or NGX_ERROR (gone, or no
 * memory: the stream is reset).
 */
ngx_int_t h3_response_headers(h3_request_t *hr, h3_field_t *fields,
    ngx_uint_t n, ngx_uint_t fin);

/* content bytes that may be written now, frame header deducted */
size_t h3_response_room(h3_request_t *hr);

/* asks for writable() when there is worthwhile room */
void h3_response_want_write(h3_request_t *hr);

/*
 * Opens a DATA frame of "len" bytes; exactly so many must follow, by
 * h3_response_write() or reserve/commit.  NGX_OK or NGX_ERROR.
 */
ngx_int_t h3_response_data(h3_request_t *hr, size_t len);
ngx_int_t h3_response_write(h3_request_t *hr, const u_char *data, size_t len);
u_char *h3_response_reserve(h3_request_t *hr, size_t want, size_t *len);
void h3_response_commit(h3_request_t *hr, size_t len);

/* the end of the response */
void h3_response_finish(h3_request_t *hr);

/* non-zero while written bytes of it have not been acknowledged */
ngx_uint_t h3_response_pending(h3_request_t *hr);

/* bytes that went into the stream so far, frames included */
off_t h3_response_sent(h3_request_t *hr);

/*
 * Done with it.  A response without its end is reset with "error"
 * (H3_INTERNAL_ERROR, H3_REQUEST_CANCELLED, H3_MESSAGE_ERROR ...), content
 * that was not read is refused (STOP_SENDING; H3_NO_ERROR after a full
 * response).
 */
void h3_request_free(h3_request_t *hr, uint64_t error);


#endif /* _H3_H_INCLUDED_ */
