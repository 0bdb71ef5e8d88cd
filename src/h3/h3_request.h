
/*
 * A request stream: RFC 9114, 4.1 and 6.1.
 *
 *     WAIT_HEADERS --HEADERS--> CONTENT --HEADERS--> TRAILERS
 *                               DATA*                nothing more
 *
 * A request is made when its stream is opened.  The upper floor knows of it
 * from ops->request() on ("req" is set), and from then on it lives until
 * h3_request_free().  When the connection ends before, "hc" and "stream"
 * become NULL, and all that is left to do with it is to free it.
 */

#ifndef _H3_REQUEST_H_INCLUDED_
#define _H3_REQUEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"
#include "h3/h3_message.h"


typedef enum {
    H3_REQUEST_WAIT_HEADERS = 0,
    H3_REQUEST_CONTENT,
    H3_REQUEST_TRAILERS
} h3_request_state_e;


struct h3_request_s {
    h3_conn_t           *hc;
    quic_stream_t       *stream;
    quic_mem_t          *mem;
    void                *req;            /* the upper floor's */
    uint64_t             id;
    uint64_t             opened;         /* when: by ops->opened() */

    ngx_queue_t          queue;          /* in hc->requests */
    ngx_queue_t          blocked_queue;  /* in hc->blocked */

    h3_request_state_e   state;
    h3_frame_reader_t    frame;
    h3_section_t         section;
    h3_message_t         message;
    size_t               section_size;   /* name + value + 32 of each line */

    h3_priority_t        priority;

    off_t                content_length; /* -1: not given */
    off_t                content;        /* bytes that DATA frames announced */
    off_t                received;       /* bytes read from the stream */
    off_t                final;          /* all of it; -1: not known yet */
    off_t                sent;           /* bytes written to it */
    uint64_t             data_left;      /* of the DATA frame being written */

    uint64_t             error;          /* of the stream; 0: none.  Reading
                                            is over */
    ngx_uint_t           busy;

    unsigned             reprioritized:1;    /* by PRIORITY_UPDATE */
    unsigned             blocked:1;      /* waits for QPACK insertions */
    unsigned             headers:1;      /* ops->headers() has been called */
    unsigned             ignored:1;      /* answered already: not read on */
    unsigned             ended:1;        /* FIN, and the message was whole */
    unsigned             end_told:1;     /* the upper floor knows that */
    unsigned             answered:1;     /* the response has fields */
    unsigned             finished:1;     /* ... and its end */
    unsigned             gone:1;         /* ops->gone() has been called */
    unsigned             cancelled:1;    /* by the client */
    unsigned             freed:1;        /* to be destroyed when not busy */
};


void h3_request_opened(h3_conn_t *hc, quic_stream_t *s);
void h3_request_readable(h3_request_t *hr);
void h3_request_writable(h3_request_t *hr);
void h3_request_reset(h3_request_t *hr);
void h3_request_stopped(h3_request_t *hr);

/* the insertions that it waited for have come */
void h3_request_unblocked(h3_request_t *hr);

/* it has brought nothing for too long */
void h3_request_expire(h3_request_t *hr);

/* the connection has ended */
void h3_request_detach(h3_request_t *hr);

/* non-zero when nothing can be read, written or called for it any more */
ngx_uint_t h3_request_dead(h3_request_t *hr);

/* non-zero when the stream isn't to be read any further */
ngx_uint_t h3_request_halted(h3_request_t *hr);


/* reads on, and tells the upper floor when there is something to be fetched */
void h3_request_read(h3_request_t *hr);

/* takes it out of those that wait for insertions */
void h3_request_unblock(h3_request_t *hr);


/*
 * hr->busy counts the functions that have the request in hand: when the last
 * one lets go of it, it may be destroyed.  leave() is told what enter() has
 * returned, as the connection may have let go of the request in between.
 */
h3_conn_t *h3_request_enter(h3_request_t *hr);
void h3_request_leave(h3_request_t *hr, h3_conn_t *hc);

/* tells the upper floor of the request, once; NGX_ERROR: it's to be left */
ngx_int_t h3_request_start(h3_request_t *hr);

/*
 * A stream error, for a log line and for the stream's end; "reason" is static.
 * fail() when the upper floor knows of the request, and will free it; drop()
 * when it doesn't.  Both return NGX_ERROR.
 */
ngx_int_t h3_request_fail(h3_request_t *hr, uint64_t error,
    const char *reason);
ngx_int_t h3_request_drop(h3_request_t *hr, uint64_t error,
    const char *reason);


#endif /* _H3_REQUEST_H_INCLUDED_ */
