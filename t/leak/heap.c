
/*
 * For LD_PRELOAD: counts the bytes that a process has allocated and not freed.
 *
 * The file HEAP_COUNT.PID holds two numbers of 8 bytes: that one, and a wish,
 * which the next allocation fulfils: if it isn't 0, free memory is given back
 * to the system.  Without that the pages that a process holds say little of
 * its leaks: what was once needed at a time stays.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


/* the C library's own */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);


typedef struct {
    int64_t     bytes;
    int64_t     trim;
} heap_t;


static heap_t   before;             /* until there is a file */
static heap_t  *heap = &before;
static char     path[256];


static void
heap_map(void)
{
    int    fd;
    char   name[300];
    void  *p;

    snprintf(name, sizeof(name), "%s.%d", path, (int) getpid());

    fd = open(name, O_CREAT|O_RDWR|O_TRUNC|O_CLOEXEC, 0644);

    if (fd == -1 || ftruncate(fd, sizeof(heap_t)) == -1) {
        abort();
    }

    p = mmap(NULL, sizeof(heap_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        abort();
    }

    close(fd);

    *(heap_t *) p = *heap;
    heap = p;
}


/* nginx's workers have no environment, but they inherit the path */

__attribute__((constructor)) static void
heap_init(void)
{
    const char  *value;

    value = getenv("HEAP_COUNT");

    if (value == NULL || strlen(value) >= sizeof(path)) {
        return;
    }

    strcpy(path, value);
    heap_map();
    pthread_atfork(NULL, NULL, heap_map);
}


static void *
heap_add(void *p)
{
    if (p) {
        __atomic_fetch_add(&heap->bytes, malloc_usable_size(p),
                           __ATOMIC_RELAXED);
    }

    if (heap->trim) {
        malloc_trim(0);
        heap->trim = 0;
    }

    return p;
}


static void
heap_sub(void *p)
{
    if (p) {
        __atomic_fetch_sub(&heap->bytes, malloc_usable_size(p),
                           __ATOMIC_RELAXED);
    }
}


void *
malloc(size_t size)
{
    return heap_add(__libc_malloc(size));
}


void *
calloc(size_t n, size_t size)
{
    return heap_add(__libc_calloc(n, size));
}


void *
realloc(void *p, size_t size)
{
    void    *new;
    size_t   old;

    old = p ? malloc_usable_size(p) : 0;
    new = __libc_realloc(p, size);

    if (new || size == 0) {
        __atomic_fetch_sub(&heap->bytes, old, __ATOMIC_RELAXED);
        heap_add(new);
    }

    return new;
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    *p = heap_add(__libc_memalign(alignment, size));

    return *p ? 0 : 12 /* ENOMEM */;
}


void *
memalign(size_t alignment, size_t size)
{
    return heap_add(__libc_memalign(alignment, size));
}


void *
aligned_alloc(size_t alignment, size_t size)
{
    return heap_add(__libc_memalign(alignment, size));
}


void
free(void *p)
{
    heap_sub(p);
    __libc_free(p);
}
