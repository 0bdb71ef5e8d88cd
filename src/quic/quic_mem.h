
/*
 * Memory for what lives as long as a connection or a stream: free lists by
 * size, one quic_mem_t for a worker.  What is given back is used again by the
 * next connection; a pool that only grows is not used for any of it.
 *
 * Sizes are rounded up to 5, 6, 7 or 8 times a power of two, 64 bytes to 64 KB;
 * larger ones go to the system each time.  Freed memory is kept up to QUIC_MAX_CACHED_MEMORY.
 * Under AddressSanitizer nothing is kept, so that it sees every use after
 * free, and what rounding adds must not be touched: ask for the rounded size
 * to get the use of it.
 */

#ifndef _QUIC_MEM_H_INCLUDED_
#define _QUIC_MEM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define QUIC_MEM_MIN_SHIFT  6
#define QUIC_MEM_MAX_SHIFT  16
#define QUIC_MEM_CLASSES    (4 * (QUIC_MEM_MAX_SHIFT - QUIC_MEM_MIN_SHIFT) + 1)


typedef struct {
    void        *free[QUIC_MEM_CLASSES];
    size_t       cached;             /* bytes on the free lists */
    size_t       keep;               /* the most of them */
    size_t       used;               /* bytes handed out, as rounded */
    size_t       max;                /* the most of them; no bound at first */
    ngx_log_t   *log;
} quic_mem_t;


void quic_mem_init(quic_mem_t *mem, ngx_log_t *log);

/* gives all free lists back to the system */
void quic_mem_done(quic_mem_t *mem);

/* NULL when the system has none or beyond "max".  Not zeroed, resp. zeroed. */
void *quic_alloc(quic_mem_t *mem, size_t size);
void *quic_calloc(quic_mem_t *mem, size_t size);

/* "size" is what was asked for; p may be NULL */
void quic_free(quic_mem_t *mem, void *p, size_t size);

/* the bytes that quic_alloc(size) really takes */
size_t quic_mem_round(size_t size);


#endif /* _QUIC_MEM_H_INCLUDED_ */
