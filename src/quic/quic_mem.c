
/*
 * Free lists, four for each power of two.  A free piece holds the link to the
 * next one and nothing else.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QUIC_MEM_ASAN  1
#endif
#endif

#if (QUIC_MEM_ASAN || defined(__SANITIZE_ADDRESS__))

#include <sanitizer/asan_interface.h>

#define QUIC_MEM_KEEP            0
#define quic_mem_hide(p, size)   ASAN_POISON_MEMORY_REGION(p, size)
#define quic_mem_show(p, size)   ASAN_UNPOISON_MEMORY_REGION(p, size)

#else

#define QUIC_MEM_KEEP            QUIC_MAX_CACHED_MEMORY
#define quic_mem_hide(p, size)
#define quic_mem_show(p, size)

#endif


static ngx_uint_t quic_mem_shift(size_t size);
static ngx_uint_t quic_mem_class(size_t size);


void
quic_mem_init(quic_mem_t *mem, ngx_log_t *log)
{
    ngx_memzero(mem, sizeof(quic_mem_t));

    mem->keep = QUIC_MEM_KEEP;
    mem->max = NGX_MAX_SIZE_T_VALUE;
    mem->log = log;
}


void
quic_mem_done(quic_mem_t *mem)
{
    void        *p;
    ngx_uint_t   i;

    for (i = 0; i < QUIC_MEM_CLASSES; i++) {

        while ((p = mem->free[i]) != NULL) {
            quic_mem_show(p, sizeof(void *));
            mem->free[i] = *(void **) p;
            ngx_free(p);
        }
    }

    mem->cached = 0;
}


/* of the step between sizes around this one, which is above the smallest */

static ngx_uint_t
quic_mem_shift(size_t size)
{
    return sizeof(long) * 8 - __builtin_clzl(size - 1) - 3;
}


/* QUIC_MEM_CLASSES for what is too large for any */

static ngx_uint_t
quic_mem_class(size_t size)
{
    ngx_uint_t  shift;

    if (size <= (size_t) 1 << QUIC_MEM_MIN_SHIFT) {
        return 0;
    }

    if (size > (size_t) 1 << QUIC_MEM_MAX_SHIFT) {
        return QUIC_MEM_CLASSES;
    }

    shift = quic_mem_shift(size);

    /* with the shift gone there are 4 to 7 steps left */

    return 4 * (shift + 2 - QUIC_MEM_MIN_SHIFT) + ((size - 1) >> shift) - 3;
}


size_t
quic_mem_round(size_t size)
{
    size_t  step;

    if (size <= (size_t) 1 << QUIC_MEM_MIN_SHIFT) {
        return (size_t) 1 << QUIC_MEM_MIN_SHIFT;
    }

    if (size > (size_t) 1 << QUIC_MEM_MAX_SHIFT) {
        return size;
    }

    step = (size_t) 1 << quic_mem_shift(size);

    return ngx_align(size, step);
}


void *
quic_alloc(quic_mem_t *mem, size_t size)
{
    void        *p;
    size_t       rounded;
    ngx_uint_t   class;

    class = quic_mem_class(size);
    rounded = quic_mem_round(size);

    if (mem->used > mem->max || rounded > mem->max - mem->used) {
        return NULL;
    }

    if (class < QUIC_MEM_CLASSES && mem->free[class]) {
        p = mem->free[class];
        quic_mem_show(p, sizeof(void *));
        mem->free[class] = *(void **) p;
        mem->cached -= rounded;

    } else {
        p = ngx_alloc(rounded, mem->log);
        if (p == NULL) {
            return NULL;
        }
    }

    mem->used += rounded;

    quic_mem_show(p, size);
    quic_mem_hide((u_char *) p + size, rounded - size);

    return p;
}


void *
quic_calloc(quic_mem_t *mem, size_t size)
{
    void  *p;

    p = quic_alloc(mem, size);

    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


void
quic_free(quic_mem_t *mem, void *p, size_t size)
{
    size_t      rounded;
    ngx_uint_t  class;

    if (p == NULL) {
        return;
    }

    class = quic_mem_class(size);
    rounded = quic_mem_round(size);

    mem->used -= rounded;

    if (class == QUIC_MEM_CLASSES || mem->cached + rounded > mem->keep) {
        ngx_free(p);
        return;
    }

    quic_mem_show(p, sizeof(void *));
    *(void **) p = mem->free[class];
    mem->free[class] = p;
    mem->cached += rounded;

    quic_mem_hide(p, rounded);
}
