
/*
 * QPACK (RFC 9204) on nghttp3's encoder and decoder: their state for one
 * connection, the decoding of one field section, and the memory they take.
 *
 * The instructions that come out are handed to the caller, who has the
 * streams.
 */

#ifndef _H3_QPACK_H_INCLUDED_
#define _H3_QPACK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <nghttp3/nghttp3.h>
#include "h3/h3.h"
#include "h3/h3_field_scan.h"
#include "quic/quic_mem.h"


/* decoder instructions of one pass: what nghttp3 lets pile up, and more */
#define H3_QPACK_MAX_INSTRUCTIONS  4096


typedef struct {
    nghttp3_qpack_encoder   *encoder;
    nghttp3_qpack_decoder   *decoder;
    nghttp3_mem              allocator;  /* nghttp3's way to "mem" */

    quic_mem_t              *mem;
    ngx_queue_t              pieces;     /* of memory that nghttp3 holds */
    size_t                   used;       /* bytes of them */
    size_t                   capacity;   /* the decoder's table, at most */
    size_t                   max_string; /* bytes of a field value */

    /* output of the encoder, kept to be used again */
    nghttp3_buf              prefix;
    nghttp3_buf              lines;
    nghttp3_buf              instructions;

    uint64_t                 error;      /* after NGX_ERROR: why */
    unsigned                 failed:1;   /* nghttp3 isn't called any more */
} h3_qpack_t;


/* NGX_OK or NGX_ERROR: no memory; h3_qpack_done() in either case */
ngx_int_t h3_qpack_init(h3_qpack_t *q, quic_mem_t *mem, const h3_conf_t *conf);

/* after all sections have been closed */
void h3_qpack_done(h3_qpack_t *q);


/* a field line as decoded, valid until h3_qpack_field_done() */

typedef struct {
    ngx_str_t                name;
    ngx_str_t                value;
    nghttp3_qpack_nv         nv;
} h3_qpack_field_t;


/* a field section that is being decoded; all zero: none */

typedef struct {
    nghttp3_qpack_stream_context  *context;
    nghttp3_rcbuf           *kept;
    h3_field_scan_t          scan;
    size_t                   scanned;    /* bytes ahead of the decoder */
} h3_section_t;


/* NGX_OK or NGX_ERROR */
ngx_int_t h3_section_open(h3_section_t *sec, h3_qpack_t *q, uint64_t stream);
void h3_section_close(h3_section_t *sec, h3_qpack_t *q);

/* non-zero between open and close */
static ngx_inline ngx_uint_t
h3_section_is_open(h3_section_t *sec)
{
    return sec->context != NULL;
}

/*
 * Decodes from [*pos, end), moving *pos; "last": the section ends there.
 *
 * NGX_OK: "f" is a field line; NGX_AGAIN: all input has been used; NGX_DONE:
 * the section has been decoded; NGX_BUSY: it's blocked, to be gone on with
 * when h3_section_ready(); NGX_DECLINED: it has a string that is too long;
 * NGX_ERROR: q->error is for the whole connection.
 */
ngx_int_t h3_section_read(h3_section_t *sec, h3_qpack_t *q, u_char **pos,
    u_char *end, ngx_uint_t last, h3_qpack_field_t *f);

/* non-zero when all the insertions a blocked section needs have come */
ngx_uint_t h3_section_ready(h3_section_t *sec, h3_qpack_t *q);

/* the value stays in place until the section is closed; one for a section */
void h3_section_keep(h3_section_t *sec, h3_qpack_field_t *f);

void h3_qpack_field_done(h3_qpack_field_t *f);


/* the peer's encoder stream.  NGX_OK or NGX_ERROR, see q->error */
ngx_int_t h3_qpack_read_encoder(h3_qpack_t *q, u_char *data, size_t len);

/*
 * The sections of a stream will not be decoded any more (2.2.2.2).  NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t h3_qpack_cancel(h3_qpack_t *q, uint64_t stream);

/*
 * Moves what is due on the decoder stream to "buf" of at least
 * H3_QPACK_MAX_INSTRUCTIONS bytes; returns its length.
 */
size_t h3_qpack_write_decoder(h3_qpack_t *q, u_char *buf);


/* what the peer's SETTINGS allow our encoder */
void h3_qpack_set_peer(h3_qpack_t *q, uint64_t capacity, uint64_t blocked);

/* the peer's decoder stream.  NGX_OK or NGX_ERROR, see q->error */
ngx_int_t h3_qpack_read_decoder(h3_qpack_t *q, u_char *data, size_t len);

/*
 * Encodes a section into q->prefix and q->lines, which follow each other, and
 * q->instructions for the encoder stream; the next one overwrites them.
 * "insert": the dynamic table may grow.  NGX_OK, or NGX_ERROR: q->error is for
 * the whole connection.
 */
ngx_int_t h3_qpack_encode(h3_qpack_t *q, uint64_t stream, h3_field_t *fields,
    ngx_uint_t n, ngx_uint_t insert);

/* gives back what an uncommonly large section took; after each one */
void h3_qpack_trim(h3_qpack_t *q);


#endif /* _H3_QPACK_H_INCLUDED_ */
