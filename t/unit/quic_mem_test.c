
/* Free lists. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_mem.h"


static ngx_log_t  logger;


static void
test_round(void **state)
{
    static const struct {
        size_t  size;
        size_t  rounded;
    } rows[] = {
        { 0, 64 },
        { 1, 64 },
        { 64, 64 },
        { 65, 80 },
        { 80, 80 },
        { 81, 96 },
        { 113, 128 },
        { 128, 128 },
        { 129, 160 },
        { 616, 640 },
        { 4096, 4096 },
        { 32769, 40960 },
        { 65535, 65536 },
        { 65536, 65536 },
        { 65537, 65537 },
        { 1000000, 1000000 },
        { NGX_MAX_SIZE_T_VALUE, NGX_MAX_SIZE_T_VALUE },
    };

    ngx_uint_t  i;

    for (i = 0; i < test_array_len(rows); i++) {
        assert_int_equal(quic_mem_round(rows[i].size), rows[i].rounded);
    }
}


static void
test_reuse(void **state)
{
    void        *a, *b, *c;
    quic_mem_t   mem;

    quic_mem_init(&mem, &logger);
    mem.keep = QUIC_MAX_CACHED_MEMORY;

    a = quic_alloc(&mem, 120);
    b = quic_alloc(&mem, 128);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(mem.used, 256);
    assert_int_equal(mem.cached, 0);

    quic_free(&mem, a, 120);
    quic_free(&mem, b, 128);
    quic_free(&mem, NULL, 128);
    assert_int_equal(mem.used, 0);
    assert_int_equal(mem.cached, 256);

    /* the one freed last comes first, for its size only */

    c = quic_alloc(&mem, 64);
    assert_ptr_not_equal(c, a);
    assert_ptr_not_equal(c, b);
    quic_free(&mem, c, 64);

    assert_ptr_equal(quic_alloc(&mem, 113), b);
    assert_ptr_equal(quic_alloc(&mem, 127), a);
    assert_int_equal(mem.used, 256);
    assert_int_equal(mem.cached, 64);

    quic_free(&mem, a, 127);
    quic_free(&mem, b, 113);
    quic_mem_done(&mem);
    assert_int_equal(mem.cached, 0);
}


static void
test_zeroed(void **state)
{
    u_char      *p;
    ngx_uint_t   i;
    quic_mem_t   mem;

    quic_mem_init(&mem, &logger);
    mem.keep = QUIC_MAX_CACHED_MEMORY;

    p = quic_alloc(&mem, 200);
    ngx_memset(p, 0xff, 200);
    quic_free(&mem, p, 200);

    p = quic_calloc(&mem, 200);

    for (i = 0; i < 200; i++) {
        assert_int_equal(p[i], 0);
    }

    quic_free(&mem, p, 200);
    quic_mem_done(&mem);
}


static void
test_keep(void **state)
{
    void        *p[4];
    ngx_uint_t   i;
    quic_mem_t   mem;

    quic_mem_init(&mem, &logger);
    mem.keep = 2 * 4096;

    for (i = 0; i < 4; i++) {
        p[i] = quic_alloc(&mem, 4096);
    }

    for (i = 0; i < 4; i++) {
        quic_free(&mem, p[i], 4096);
    }

    assert_int_equal(mem.cached, 2 * 4096);

    /* what is too large for the lists is never kept */

    p[0] = quic_alloc(&mem, 65537);
    assert_int_equal(mem.used, 65537);
    mem.keep = QUIC_MAX_CACHED_MEMORY;
    quic_free(&mem, p[0], 65537);
    assert_int_equal(mem.cached, 2 * 4096);
    assert_int_equal(mem.used, 0);

    quic_mem_done(&mem);
}


static void
test_max(void **state)
{
    void        *p;
    quic_mem_t   mem;

    quic_mem_init(&mem, &logger);
    mem.max = 1024;

    assert_null(quic_alloc(&mem, 1025));
    assert_null(quic_calloc(&mem, NGX_MAX_SIZE_T_VALUE));

    p = quic_alloc(&mem, 900);
    assert_non_null(p);
    assert_int_equal(mem.used, 1024);
    assert_null(quic_alloc(&mem, 1));
    assert_null(quic_calloc(&mem, 1));

    mem.max = 512;
    assert_null(quic_alloc(&mem, 1));

    quic_free(&mem, p, 900);

    p = quic_alloc(&mem, 1);
    assert_non_null(p);
    quic_free(&mem, p, 1);

    quic_mem_done(&mem);
}


/* pieces keep what is written to them, whatever becomes of the others */

static void
test_random(void **state)
{
    u_char      *p[64];
    size_t       size[64], used, k;
    ngx_uint_t   i, n;
    quic_mem_t   mem;

    quic_mem_init(&mem, &logger);
    mem.keep = 100000;

    ngx_memzero(p, sizeof(p));
    used = 0;

    for (n = 0; n < 20000; n++) {
        i = test_rand() % test_array_len(p);

        if (p[i]) {
            for (k = 0; k < size[i]; k++) {
                assert_int_equal(p[i][k], (u_char) i);
            }

            quic_free(&mem, p[i], size[i]);
            used -= quic_mem_round(size[i]);
            p[i] = NULL;

        } else {
            size[i] = test_rand() % (test_rand() % 16 ? 1000 : 70000);
            p[i] = quic_alloc(&mem, size[i]);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t) p[i] % 16, 0);
            ngx_memset(p[i], i, size[i]);
            used += quic_mem_round(size[i]);
        }

        assert_int_equal(mem.used, used);
        assert_true(mem.cached <= mem.keep);
    }

    for (i = 0; i < test_array_len(p); i++) {
        quic_free(&mem, p[i], size[i]);
    }

    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
