
/*
 * What the fuzz targets share.  A target parses its input, and stops with a
 * trap where something doesn't hold that should hold for any input.
 */

#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define fuzz_check(x)                                                         \
    if (!(x)) {                                                               \
        fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x);     \
        __builtin_trap();                                                     \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/*
 * The parsers take bytes that aren't const.  The fuzzer's own copy has just
 * the size of the input, so ASan sees what reads behind it; nothing may write.
 */

static inline u_char *
fuzz_bytes(const uint8_t *data)
{
    return (u_char *) (uintptr_t) data;
}


static inline int
fuzz_str_equal(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


#endif /* _FUZZ_H_INCLUDED_ */
