
/* Sets of ranges: by name, and against a bitmap. */

#include "test.h"
#include "quic/quic_ranges.h"


#define BITS  512


static ngx_log_t   logger;
static quic_mem_t  mem;


/* "r" is the given ranges, of two numbers each, and its invariant holds */

#define assert_ranges(r, ...)                                                 \
    do {                                                                      \
        uint64_t  _v[] = { __VA_ARGS__ };                                     \
        check_ranges(r, _v, test_array_len(_v) / 2, __LINE__);                \
    } while (0)


static void
check_ranges(quic_ranges_t *r, uint64_t *v, ngx_uint_t n, int line)
{
    ngx_uint_t  i;

    if (r->n != n) {
        fail_msg("line %d: %lu ranges, not %lu", line, r->n, n);
    }

    for (i = 0; i < n; i++) {
        if (r->range[i].start != v[2 * i] || r->range[i].end != v[2 * i + 1]) {
            fail_msg("line %d: range %lu is [%lu, %lu), not [%lu, %lu)", line,
                     i, r->range[i].start, r->range[i].end, v[2 * i],
                     v[2 * i + 1]);
        }
    }
}


static void
init(quic_ranges_t *r, ngx_uint_t max)
{
    quic_mem_init(&mem, &logger);
    quic_ranges_init(r, &mem, max);
}


static void
done(quic_ranges_t *r)
{
    quic_ranges_done(r);
    assert_int_equal(r->n, 0);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static void
test_add(void **state)
{
    quic_ranges_t  r;

    init(&r, 16);

    assert_int_equal(quic_ranges_add(&r, 5, 5), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 6, 5), NGX_OK);
    assert_int_equal(r.n, 0);

    assert_int_equal(quic_ranges_add(&r, 10, 20), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 20, 25), NGX_OK);
    assert_ranges(&r, 10, 25);

    assert_int_equal(quic_ranges_add(&r, 30, 40), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 5, 9), NGX_OK);
    assert_ranges(&r, 5, 9, 10, 25, 30, 40);

    assert_int_equal(quic_ranges_add(&r, 9, 10), NGX_OK);
    assert_ranges(&r, 5, 25, 30, 40);

    assert_int_equal(quic_ranges_add(&r, 6, 24), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 5, 25), NGX_OK);
    assert_ranges(&r, 5, 25, 30, 40);

    assert_int_equal(quic_ranges_add(&r, 27, 28), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 42, 43), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 45, 50), NGX_OK);
    assert_ranges(&r, 5, 25, 27, 28, 30, 40, 42, 43, 45, 50);

    /* swallows some, touches others at both ends */

    assert_int_equal(quic_ranges_add(&r, 25, 45), NGX_OK);
    assert_ranges(&r, 5, 50);

    assert_int_equal(quic_ranges_add(&r, 0, 100), NGX_OK);
    assert_ranges(&r, 0, 100);

    done(&r);
}


static void
test_remove(void **state)
{
    quic_ranges_t  r;

    init(&r, 16);

    assert_int_equal(quic_ranges_remove(&r, 0, UINT64_MAX), NGX_OK);

    assert_int_equal(quic_ranges_add(&r, 10, 20), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 30, 40), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 50, 60), NGX_OK);

    assert_int_equal(quic_ranges_remove(&r, 15, 15), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 16, 15), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 0, 10), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 20, 30), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 60, 90), NGX_OK);
    assert_ranges(&r, 10, 20, 30, 40, 50, 60);

    assert_int_equal(quic_ranges_remove(&r, 5, 12), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 18, 25), NGX_OK);
    assert_int_equal(quic_ranges_remove(&r, 33, 35), NGX_OK);
    assert_ranges(&r, 12, 18, 30, 33, 35, 40, 50, 60);

    assert_int_equal(quic_ranges_remove(&r, 15, 52), NGX_OK);
    assert_ranges(&r, 12, 15, 52, 60);

    assert_int_equal(quic_ranges_remove(&r, 52, 60), NGX_OK);
    assert_ranges(&r, 12, 15);

    assert_int_equal(quic_ranges_remove(&r, 0, 20), NGX_OK);
    assert_int_equal(r.n, 0);

    done(&r);
}


static void
test_trim_and_pop(void **state)
{
    quic_ranges_t  r;

    init(&r, 16);

    quic_ranges_trim(&r, 10);
    quic_ranges_pop(&r);
    assert_int_equal(r.n, 0);

    assert_int_equal(quic_ranges_add(&r, 10, 20), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 30, 40), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 50, 60), NGX_OK);

    quic_ranges_trim(&r, 10);
    assert_ranges(&r, 10, 20, 30, 40, 50, 60);

    quic_ranges_trim(&r, 11);
    assert_ranges(&r, 11, 20, 30, 40, 50, 60);

    quic_ranges_trim(&r, 30);
    assert_ranges(&r, 30, 40, 50, 60);

    quic_ranges_pop(&r);
    assert_ranges(&r, 50, 60);

    quic_ranges_trim(&r, UINT64_MAX);
    assert_int_equal(r.n, 0);

    done(&r);
}


static void
test_absorb(void **state)
{
    quic_ranges_t  r;

    init(&r, 16);

    assert_int_equal(quic_ranges_absorb(&r, 7), 7);

    assert_int_equal(quic_ranges_add(&r, 10, 20), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 30, 40), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 50, 60), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 70, 80), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 90, 95), NGX_OK);

    assert_int_equal(quic_ranges_absorb(&r, 9), 9);
    assert_int_equal(r.n, 5);

    assert_int_equal(quic_ranges_absorb(&r, 10), 20);
    assert_ranges(&r, 30, 40, 50, 60, 70, 80, 90, 95);

    assert_int_equal(quic_ranges_absorb(&r, 55), 60);
    assert_ranges(&r, 70, 80, 90, 95);

    assert_int_equal(quic_ranges_absorb(&r, 80), 80);
    assert_ranges(&r, 90, 95);

    assert_int_equal(quic_ranges_absorb(&r, 100), 100);
    assert_int_equal(r.n, 0);

    done(&r);
}


static void
test_has_and_find(void **state)
{
    quic_ranges_t  r;

    init(&r, 16);

    assert_null(quic_ranges_find(&r, 0));
    assert_false(quic_ranges_has(&r, 0));

    assert_int_equal(quic_ranges_add(&r, 10, 20), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 30, 40), NGX_OK);

    assert_false(quic_ranges_has(&r, 9));
    assert_true(quic_ranges_has(&r, 10));
    assert_true(quic_ranges_has(&r, 19));
    assert_false(quic_ranges_has(&r, 20));
    assert_true(quic_ranges_has(&r, 30));
    assert_false(quic_ranges_has(&r, 40));

    assert_ptr_equal(quic_ranges_find(&r, 0), &r.range[0]);
    assert_ptr_equal(quic_ranges_find(&r, 19), &r.range[0]);
    assert_ptr_equal(quic_ranges_find(&r, 20), &r.range[1]);
    assert_ptr_equal(quic_ranges_find(&r, 39), &r.range[1]);
    assert_null(quic_ranges_find(&r, 40));

    done(&r);
}


static void
test_ends_of_the_numbers(void **state)
{
    uint64_t       max;
    quic_ranges_t  r;

    max = UINT64_MAX;
    init(&r, 4);

    assert_int_equal(quic_ranges_add(&r, max - 1, max), NGX_OK);
    assert_int_equal(quic_ranges_add(&r, 0, 1), NGX_OK);
    assert_ranges(&r, 0, 1, max - 1, max);
    assert_true(quic_ranges_has(&r, 0));
    assert_true(quic_ranges_has(&r, max - 1));
    assert_false(quic_ranges_has(&r, max));

    assert_int_equal(quic_ranges_add(&r, max - 2, max - 1), NGX_OK);
    assert_ranges(&r, 0, 1, max - 2, max);

    assert_int_equal(quic_ranges_add(&r, 0, max), NGX_OK);
    assert_ranges(&r, 0, max);

    assert_int_equal(quic_ranges_remove(&r, 1, max - 1), NGX_OK);
    assert_ranges(&r, 0, 1, max - 1, max);

    assert_int_equal(quic_ranges_remove(&r, 0, max), NGX_OK);
    assert_int_equal(r.n, 0);

    done(&r);
}


static void
test_max(void **state)
{
    ngx_uint_t     i, max;
    quic_ranges_t  r;

    for (max = 1; max < 40; max++) {
        init(&r, max);

        for (i = 0; i < max; i++) {
            assert_int_equal(quic_ranges_add(&r, 10 * i, 10 * i + 5), NGX_OK);
        }

        /* one more: below, above, and by a split */

        assert_int_equal(quic_ranges_remove(&r, 2, 3), NGX_DECLINED);
        assert_int_equal(quic_ranges_add(&r, 10 * i, 10 * i + 5),
                         NGX_DECLINED);
        assert_int_equal(quic_ranges_reserve(&r, 6, 7), NGX_DECLINED);
        assert_int_equal(quic_ranges_add(&r, 6, 7), NGX_DECLINED);
        assert_int_equal(r.n, max);
        assert_true(quic_ranges_has(&r, 2));

        /* what touches needs no room */

        assert_int_equal(quic_ranges_reserve(&r, 5, 6), NGX_OK);
        assert_int_equal(quic_ranges_add(&r, 5, 6), NGX_OK);
        assert_int_equal(quic_ranges_remove(&r, 4, 6), NGX_OK);

        quic_ranges_pop(&r);
        assert_int_equal(r.n, max - 1);
        assert_int_equal(quic_ranges_add(&r, 10 * i, 10 * i + 5), NGX_OK);

        done(&r);
    }
}


static void
test_no_memory(void **state)
{
    ngx_uint_t     i;
    quic_ranges_t  r;

    init(&r, 100);

    for (i = 0; i < QUIC_RANGES_INLINE; i++) {
        assert_int_equal(quic_ranges_add(&r, 10 * i, 10 * i + 5), NGX_OK);
    }

    assert_int_equal(mem.used, 0);
    mem.max = 0;

    assert_int_equal(quic_ranges_reserve(&r, 100, 110), NGX_ERROR);
    assert_int_equal(quic_ranges_add(&r, 100, 110), NGX_ERROR);
    assert_int_equal(quic_ranges_remove(&r, 11, 12), NGX_ERROR);
    assert_ranges(&r, 0, 5, 10, 15, 20, 25);

    mem.max = 1024;

    assert_int_equal(quic_ranges_remove(&r, 11, 12), NGX_OK);
    assert_ranges(&r, 0, 5, 10, 11, 12, 15, 20, 25);

    mem.max = mem.used;

    assert_int_equal(quic_ranges_add(&r, 3, 22), NGX_OK);
    assert_ranges(&r, 0, 25);

    /* an empty set keeps nothing */

    quic_ranges_pop(&r);
    assert_int_equal(mem.used, 0);

    done(&r);
}


/* the bitmap says what the ranges must be */

static void
check_model(quic_ranges_t *r, u_char *bit)
{
    ngx_uint_t  i, k;

    for (i = 0, k = 0; i < BITS; i++) {
        assert_int_equal(quic_ranges_has(r, i), bit[i]);

        if (bit[i] && (i == 0 || !bit[i - 1])) {
            assert_true(k < r->n);
            assert_int_equal(r->range[k].start, i);
        }

        if (bit[i] && (i == BITS - 1 || !bit[i + 1])) {
            assert_int_equal(r->range[k].end, i + 1);
            k++;
        }
    }

    assert_int_equal(k, r->n);
    assert_true(r->n <= r->max);
}


static ngx_uint_t
count_ranges(u_char *bit)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < BITS; i++) {
        n += bit[i] && (i == 0 || !bit[i - 1]);
    }

    return n;
}


static void
step(quic_ranges_t *r, u_char *bit)
{
    u_char      next[BITS];
    uint64_t    start, end;
    ngx_int_t   rc, expected;
    ngx_uint_t  op;

    op = test_rand() % 16;
    start = test_rand() % BITS;
    end = start + test_rand() % (test_rand() % 8 ? 6 : BITS);
    end = ngx_min(end, BITS);

    ngx_memcpy(next, bit, BITS);

    if (op == 15) {
        start = 0;
        end = test_rand() % (BITS / 4);
        ngx_memzero(next, end);
        quic_ranges_trim(r, end);
        ngx_memcpy(bit, next, BITS);
        return;
    }

    ngx_memset(next + start, op < 8, end - start);

    expected = count_ranges(next) <= r->max ? NGX_OK : NGX_DECLINED;

    if (op < 8) {
        rc = quic_ranges_reserve(r, start, end);
        assert_int_equal(rc, quic_ranges_add(r, start, end));

    } else {
        rc = quic_ranges_remove(r, start, end);
    }

    assert_int_equal(rc, expected);

    if (rc == NGX_OK) {
        ngx_memcpy(bit, next, BITS);
    }
}


static void
test_random(void **state)
{
    u_char         bit[BITS];
    ngx_uint_t     run, i;
    quic_ranges_t  r;

    for (run = 0; run < 200; run++) {
        ngx_memzero(bit, BITS);
        init(&r, 1 + test_rand() % 60);

        for (i = 0; i < 300; i++) {
            step(&r, bit);
            check_model(&r, bit);
        }

        done(&r);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_trim_and_pop),
        cmocka_unit_test(test_absorb),
        cmocka_unit_test(test_has_and_find),
        cmocka_unit_test(test_ends_of_the_numbers),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
