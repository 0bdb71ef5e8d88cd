
/*
 * nghttp3's QPACK, and nothing else of nghttp3.  Its functions give up for
 * good after any error; all of these are connection errors in RFC 9204 but
 * one, a string that is too long (7.4), which h3_field_scan.h keeps from it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "h3/h3_qpack.h"
#include "quic/limits.h"
#include "wire/quic_error.h"


/* nghttp3's own limits for a string, as encoded */

#define H3_QPACK_MAX_NAME       256
#define H3_QPACK_MAX_VALUE      65536

/* buffers of this size are kept for the next section */

#define H3_QPACK_KEEP_BUFFER    4096


/* what nghttp3's versions have called differently */

#if (NGHTTP3_VERSION_NUM >= 0x011000)

#define h3_nghttp3_insert_count(sec)                                          \
    nghttp3_qpack_stream_context_get_ricnt2(sec)
#define h3_nghttp3_instructions_len(d)                                        \
    nghttp3_qpack_decoder_get_decoder_streamlen2(d)

#else

#define h3_nghttp3_insert_count(sec)                                          \
    nghttp3_qpack_stream_context_get_ricnt(sec)
#define h3_nghttp3_instructions_len(d)                                        \
    nghttp3_qpack_decoder_get_decoder_streamlen(d)

#endif


/*
 * nghttp3 leaves fields out of the table that it doesn't know by name, which
 * responses repeat as well as others; before 1.8 it can't be told otherwise.
 */

#ifndef NGHTTP3_NV_FLAG_TRY_INDEX
#define NGHTTP3_NV_FLAG_TRY_INDEX  NGHTTP3_NV_FLAG_NONE
#endif


/*
 * In front of each piece of memory that nghttp3 has, which frees without its
 * size.  With all of them in a queue it's we who free them in the end: its own
 * functions for that trip over what an error has left half done.
 */

typedef struct {
    ngx_queue_t  queue;
    size_t       size;           /* without this header */
    size_t       align;
} h3_qpack_piece_t;

#define h3_qpack_piece(p)  ((h3_qpack_piece_t *) (p) - 1)


static void *h3_qpack_malloc(size_t size, void *data);
static void *h3_qpack_calloc(size_t n, size_t size, void *data);
static void *h3_qpack_realloc(void *p, size_t size, void *data);
static void h3_qpack_free(void *p, void *data);
static ngx_int_t h3_qpack_encoder_new(h3_qpack_t *q);
static ngx_int_t h3_qpack_failed(h3_qpack_t *q, nghttp3_ssize rc,
    uint64_t error);
static ngx_int_t h3_qpack_check_memory(h3_qpack_t *q);
static ngx_int_t h3_section_scan(h3_section_t *sec, u_char *p, u_char *end);
static void h3_qpack_str(nghttp3_rcbuf *b, ngx_str_t *s);
static uint8_t h3_qpack_indexing(h3_field_t *f, ngx_uint_t insert);
static ngx_int_t h3_qpack_encode_fields(h3_qpack_t *q, uint64_t stream,
    nghttp3_nv *nv, h3_field_t *fields, ngx_uint_t n, ngx_uint_t insert);
static void h3_qpack_trim_buf(h3_qpack_t *q, nghttp3_buf *b);


/* each response has its own: in the table they would drive out the others */

static const ngx_str_t  h3_qpack_unique[] = {
    ngx_string("age"),
    ngx_string("content-length"),
    ngx_string("content-range"),
    ngx_string("etag"),
    ngx_string("location"),
    ngx_string("traceparent"),
    ngx_string("x-request-id"),
    ngx_null_string
};


ngx_int_t
h3_qpack_init(h3_qpack_t *q, quic_mem_t *mem, const h3_conf_t *conf)
{
    int  rc;

    ngx_memzero(q, sizeof(h3_qpack_t));

    q->mem = mem;
    ngx_queue_init(&q->pieces);
    q->capacity = conf->max_table_capacity;
    q->max_string = ngx_min(conf->max_field_section, H3_QPACK_MAX_VALUE);

    q->allocator.user_data = q;
    q->allocator.malloc = h3_qpack_malloc;
    q->allocator.free = h3_qpack_free;
    q->allocator.calloc = h3_qpack_calloc;
    q->allocator.realloc = h3_qpack_realloc;

    nghttp3_buf_init(&q->prefix);
    nghttp3_buf_init(&q->lines);
    nghttp3_buf_init(&q->instructions);

    rc = nghttp3_qpack_decoder_new(&q->decoder, conf->max_table_capacity,
                                   conf->max_blocked_streams, &q->allocator);

    return rc == 0 ? h3_qpack_encoder_new(q) : NGX_ERROR;
}


static ngx_int_t
h3_qpack_encoder_new(h3_qpack_t *q)
{
    int       rc;

#if (NGHTTP3_VERSION_NUM >= 0x010b00)

    uint64_t  seed;

    seed = quic_random_u64();

    rc = nghttp3_qpack_encoder_new2(&q->encoder, H3_QPACK_ENCODER_CAPACITY,
                                    seed, &q->allocator);

#else

    rc = nghttp3_qpack_encoder_new(&q->encoder, H3_QPACK_ENCODER_CAPACITY,
                                   &q->allocator);

#endif

    return rc == 0 ? NGX_OK : NGX_ERROR;
}


void
h3_qpack_done(h3_qpack_t *q)
{
    ngx_queue_t       *link;
    h3_qpack_piece_t  *piece;

    while (!ngx_queue_empty(&q->pieces)) {
        link = ngx_queue_head(&q->pieces);
        piece = ngx_queue_data(link, h3_qpack_piece_t, queue);

        h3_qpack_free(piece + 1, q);
    }
}


static void *
h3_qpack_malloc(size_t size, void *data)
{
    h3_qpack_t        *q = data;
    h3_qpack_piece_t  *piece;

    piece = quic_alloc(q->mem, sizeof(h3_qpack_piece_t) + size);
    if (piece == NULL) {
        return NULL;
    }

    piece->size = size;
    q->used += size;
    ngx_queue_insert_head(&q->pieces, &piece->queue);

    return piece + 1;
}


static void *
h3_qpack_calloc(size_t n, size_t size, void *data)
{
    void  *p;

    if (size && n > NGX_MAX_SIZE_T_VALUE / 2 / size) {
        return NULL;
    }

    p = h3_qpack_malloc(n * size, data);

    if (p) {
        ngx_memzero(p, n * size);
    }

    return p;
}


static void *
h3_qpack_realloc(void *p, size_t size, void *data)
{
    void  *new;

    new = h3_qpack_malloc(size, data);

    if (new && p) {
        ngx_memcpy(new, p, ngx_min(h3_qpack_piece(p)->size, size));
        h3_qpack_free(p, data);
    }

    return new;
}


static void
h3_qpack_free(void *p, void *data)
{
    h3_qpack_t        *q = data;
    h3_qpack_piece_t  *piece;

    if (p == NULL) {
        return;
    }

    piece = h3_qpack_piece(p);

    ngx_queue_remove(&piece->queue);
    q->used -= piece->size;

    quic_free(q->mem, piece, sizeof(h3_qpack_piece_t) + piece->size);
}


static ngx_int_t
h3_qpack_failed(h3_qpack_t *q, nghttp3_ssize rc, uint64_t error)
{
    q->failed = 1;
    q->error = rc == NGHTTP3_ERR_NOMEM ? H3_INTERNAL_ERROR : error;

    return NGX_ERROR;
}


/*
 * What one call adds is a string at most, so the bound is looked at
 * afterwards: to refuse the memory would be an error that nghttp3 doesn't
 * survive.
 */

static ngx_int_t
h3_qpack_check_memory(h3_qpack_t *q)
{
    if (q->used > H3_MAX_QPACK_MEMORY) {
        return h3_qpack_failed(q, 0, H3_EXCESSIVE_LOAD);
    }

    return NGX_OK;
}


ngx_int_t
h3_section_open(h3_section_t *sec, h3_qpack_t *q, uint64_t stream)
{
    int  rc;

    ngx_memzero(sec, sizeof(h3_section_t));

    h3_field_scan_init(&sec->scan, H3_QPACK_MAX_NAME, q->max_string);

    rc = nghttp3_qpack_stream_context_new(&sec->context, stream,
                                          &q->allocator);
    if (rc != 0) {
        sec->context = NULL;
        return h3_qpack_failed(q, rc, H3_INTERNAL_ERROR);
    }

    return NGX_OK;
}


void
h3_section_close(h3_section_t *sec, h3_qpack_t *q)
{
    if (sec->context && !q->failed) {
        nghttp3_rcbuf_decref(sec->kept);
        nghttp3_qpack_stream_context_del(sec->context);
    }

    sec->kept = NULL;
    sec->context = NULL;
}


ngx_int_t
h3_section_read(h3_section_t *sec, h3_qpack_t *q, u_char **pos, u_char *end,
    ngx_uint_t last, h3_qpack_field_t *f)
{
    uint8_t        flags;
    nghttp3_ssize  n;

    if (h3_section_scan(sec, *pos, end) != NGX_OK) {
        return NGX_DECLINED;
    }

    n = nghttp3_qpack_decoder_read_request(q->decoder, sec->context, &f->nv,
                                           &flags, *pos, end - *pos,
                                           last ? 1 : 0);
    if (n < 0) {
        return h3_qpack_failed(q, n, QPACK_DECOMPRESSION_FAILED);
    }

    *pos += n;
    sec->scanned -= n;

    if (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) {

        /* 2.2.1: it has declared insertions that no field line needs */

        if (last && *pos == end) {
            return h3_qpack_failed(q, 0, QPACK_DECOMPRESSION_FAILED);
        }

        return NGX_BUSY;
    }

    if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
        h3_qpack_str(f->nv.name, &f->name);
        h3_qpack_str(f->nv.value, &f->value);
        return NGX_OK;
    }

    if (flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) {
        return NGX_DONE;
    }

    return h3_qpack_check_memory(q) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


/*
 * What the decoder leaves for the next call has been scanned already; that one
 * may see less of it.
 */

static ngx_int_t
h3_section_scan(h3_section_t *sec, u_char *p, u_char *end)
{
    if ((size_t) (end - p) <= sec->scanned) {
        return NGX_OK;
    }

    p += sec->scanned;
    sec->scanned += end - p;

    return h3_field_scan(&sec->scan, p, end);
}


static void
h3_qpack_str(nghttp3_rcbuf *b, ngx_str_t *s)
{
    nghttp3_vec  vec;

    vec = nghttp3_rcbuf_get_buf(b);

    s->data = vec.base;
    s->len = vec.len;
}


ngx_uint_t
h3_section_ready(h3_section_t *sec, h3_qpack_t *q)
{
    return h3_nghttp3_insert_count(sec->context)
           <= nghttp3_qpack_decoder_get_icnt(q->decoder);
}


void
h3_section_keep(h3_section_t *sec, h3_qpack_field_t *f)
{
    if (sec->kept == NULL) {
        sec->kept = f->nv.value;
        nghttp3_rcbuf_incref(sec->kept);
    }
}


void
h3_qpack_field_done(h3_qpack_field_t *f)
{
    nghttp3_rcbuf_decref(f->nv.name);
    nghttp3_rcbuf_decref(f->nv.value);
}


ngx_int_t
h3_qpack_read_encoder(h3_qpack_t *q, u_char *data, size_t len)
{
    nghttp3_ssize  n;

    n = nghttp3_qpack_decoder_read_encoder(q->decoder, data, len);

    return n < 0 ? h3_qpack_failed(q, n, QPACK_ENCODER_STREAM_ERROR)
                 : h3_qpack_check_memory(q);
}


ngx_int_t
h3_qpack_cancel(h3_qpack_t *q, uint64_t stream)
{
    int  rc;

    /* nobody can have referred to an empty table: RFC 9204, 2.2.2.2 */

    if (q->capacity == 0 || q->failed) {
        return NGX_OK;
    }

    rc = nghttp3_qpack_decoder_cancel_stream(q->decoder, stream);

    return rc == 0 ? NGX_OK : h3_qpack_failed(q, rc, H3_EXCESSIVE_LOAD);
}


size_t
h3_qpack_write_decoder(h3_qpack_t *q, u_char *buf)
{
    nghttp3_buf  b;

    if (h3_nghttp3_instructions_len(q->decoder) == 0) {
        return 0;
    }

    b.begin = b.pos = b.last = buf;
    b.end = buf + H3_QPACK_MAX_INSTRUCTIONS;

    nghttp3_qpack_decoder_write_decoder(q->decoder, &b);

    return b.last - buf;
}


void
h3_qpack_set_peer(h3_qpack_t *q, uint64_t capacity, uint64_t blocked)
{
    capacity = ngx_min(capacity, H3_QPACK_ENCODER_CAPACITY);
    blocked = ngx_min(blocked, H3_QPACK_ENCODER_BLOCKED);

    nghttp3_qpack_encoder_set_max_dtable_capacity(q->encoder, capacity);
    nghttp3_qpack_encoder_set_max_blocked_streams(q->encoder, blocked);
}


ngx_int_t
h3_qpack_read_decoder(h3_qpack_t *q, u_char *data, size_t len)
{
    nghttp3_ssize  n;

    n = nghttp3_qpack_encoder_read_decoder(q->encoder, data, len);

    return n < 0 ? h3_qpack_failed(q, n, QPACK_DECODER_STREAM_ERROR) : NGX_OK;
}


ngx_int_t
h3_qpack_encode(h3_qpack_t *q, uint64_t stream, h3_field_t *fields,
    ngx_uint_t n, ngx_uint_t insert)
{
    ngx_int_t    rc;
    nghttp3_nv  *nv;

    nv = quic_alloc(q->mem, n * sizeof(nghttp3_nv));
    if (nv == NULL) {
        return h3_qpack_failed(q, NGHTTP3_ERR_NOMEM, 0);
    }

    rc = h3_qpack_encode_fields(q, stream, nv, fields, n, insert);

    quic_free(q->mem, nv, n * sizeof(nghttp3_nv));

    return rc;
}


static ngx_int_t
h3_qpack_encode_fields(h3_qpack_t *q, uint64_t stream, nghttp3_nv *nv,
    h3_field_t *fields, ngx_uint_t n, ngx_uint_t insert)
{
    int         rc;
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        nv[i].name = fields[i].name.data;
        nv[i].namelen = fields[i].name.len;
        nv[i].value = fields[i].value.data;
        nv[i].valuelen = fields[i].value.len;
        nv[i].flags = h3_qpack_indexing(&fields[i], insert);
    }

    nghttp3_buf_reset(&q->prefix);
    nghttp3_buf_reset(&q->lines);
    nghttp3_buf_reset(&q->instructions);

    rc = nghttp3_qpack_encoder_encode(q->encoder, &q->prefix, &q->lines,
                                      &q->instructions, stream, nv, n);

    return rc == 0 ? h3_qpack_check_memory(q)
                   : h3_qpack_failed(q, rc, H3_INTERNAL_ERROR);
}


static uint8_t
h3_qpack_indexing(h3_field_t *f, ngx_uint_t insert)
{
    const ngx_str_t  *name;

    if (!insert || f->never_index) {
        return NGHTTP3_NV_FLAG_NEVER_INDEX;
    }

    for (name = h3_qpack_unique; name->len; name++) {
        if (name->len == f->name.len
            && ngx_memcmp(name->data, f->name.data, name->len) == 0)
        {
            return NGHTTP3_NV_FLAG_NONE;
        }
    }

    return NGHTTP3_NV_FLAG_TRY_INDEX;
}


void
h3_qpack_trim(h3_qpack_t *q)
{
    h3_qpack_trim_buf(q, &q->prefix);
    h3_qpack_trim_buf(q, &q->lines);
    h3_qpack_trim_buf(q, &q->instructions);
}


static void
h3_qpack_trim_buf(h3_qpack_t *q, nghttp3_buf *b)
{
    if (b->end - b->begin > H3_QPACK_KEEP_BUFFER) {
        nghttp3_buf_free(b, &q->allocator);
        nghttp3_buf_init(b);
    }
}
