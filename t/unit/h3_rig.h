
/*
 * An HTTP/3 connection between a client that can send anything and an upper
 * floor that notes what it's told: what the tests of this floor share.
 */

#ifndef _H3_RIG_H_INCLUDED_
#define _H3_RIG_H_INCLUDED_


#include "h3_fake.h"
#include "wire/h3_frame.h"
#include "wire/quic_error.h"


#define RIG_MAX       (256 * 1024)
#define RIG_REQUESTS  256

/* the client's unidirectional streams */
#define RIG_CONTROL   2
#define RIG_ENCODER   6
#define RIG_DECODER   10


typedef struct rig_s  rig_t;


/* what the upper floor knows of a request; stays when it has been freed */

typedef struct {
    rig_t           *rig;
    h3_request_t    *hr;             /* NULL: freed */
    uint64_t         id;

    char             events[4096];   /* "request headers readable ..." */
    char             fields[4096];   /* "name=value name=value " */
    u_char           body[RIG_MAX];
    size_t           body_len;
    ssize_t          last;           /* what h3_request_recv() said last */
    ngx_uint_t       gone;
} rig_request_t;


struct rig_s {
    quic_conn_t     *qc;
    h3_conn_t       *hc;             /* NULL after closed() */
    h3_conf_t        conf;

    rig_request_t   *requests[RIG_REQUESTS];
    ngx_uint_t       n;
    ngx_uint_t       closed;
    uint64_t         now;

    /* how the upper floor behaves */

    const char      *free_in;        /* name of the callback that frees */
    const char      *free_all_in;    /* ... all requests */
    ngx_uint_t       refuse;         /* request() says NULL */
    const char      *decline;        /* field() says NGX_DECLINED for it */
    ngx_uint_t       keep;           /* content isn't fetched by itself */
    size_t           chunk;          /* bytes fetched at a time */
    ngx_uint_t       answer;         /* headers() is answered at once */
};


/*
 * With our streams open and the client's SETTINGS read.  "conf" may be NULL:
 * sections of 4096 bytes, a table of 4096, 4 blocked streams.
 */
rig_t *rig_create(const h3_conf_t *conf);

/* as accepted: nothing has been sent or received */
rig_t *rig_create_bare(const h3_conf_t *conf);

/* ends the connection, frees all requests, asserts that nothing leaks */
void rig_destroy(rig_t *rig);

/* the request of a stream; NULL: the upper floor hasn't heard of it */
rig_request_t *rig_request(rig_t *rig, uint64_t id);

/* what the connection was closed with, asserted */
void rig_check_error(rig_t *rig, uint64_t error);


/* frames of a client, appended at "p" */

u_char *rig_frame(u_char *p, uint64_t type, const void *payload, size_t len);

/* a field section of "name: value\n" lines, literals only */
u_char *rig_section(u_char *p, const char *fields);
u_char *rig_headers(u_char *p, const char *fields);

/*
 * A request stream as a word of letters:
 *
 *     G        GET
 *     P        POST without content-length
 *     0 to 9   POST with it
 *     d0 - d9  DATA of so many bytes
 *     T        trailers
 *     b        trailers that are malformed
 *     u        unknown frame, u0: without payload
 *     fXX      empty frame of type XX
 *     x        DATA that lacks the last of its two bytes
 *     h        a type without a length
 *
 * Returns its length.
 */
size_t rig_script(u_char *buf, const char *script);

/* sends bytes in pieces of "step" */
void rig_send(rig_t *rig, uint64_t id, u_char *data, size_t len,
    ngx_uint_t fin, size_t step);

/* a whole GET */
void rig_get(rig_t *rig, uint64_t id);

/* ":status: 204" and the end */
void rig_answer(h3_request_t *hr);


#endif /* _H3_RIG_H_INCLUDED_ */
