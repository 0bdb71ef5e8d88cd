
/* The reassembly buffer: by name, and against an array of bytes. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_recv_buf.h"


#define BLOCK      QUIC_RECV_BLOCK
#define MODEL_MAX  (40 * BLOCK)


typedef struct {
    uint64_t     start;              /* offset of have[0] */
    u_char       have[MODEL_MAX];
    uint64_t     read;               /* from start */
} model_t;


static ngx_log_t   logger;
static quic_mem_t  mem;


static u_char
pattern(uint64_t offset)
{
    return (u_char) (offset * 31 + (offset >> 8) * 7 + (offset >> 40));
}


static void
init(quic_recv_buf_t *b, ngx_uint_t max_gaps)
{
    quic_mem_init(&mem, &logger);
    quic_recv_buf_init(b, &mem, max_gaps);
}


static void
done(quic_recv_buf_t *b)
{
    mem.max = NGX_MAX_SIZE_T_VALUE;
    quic_recv_buf_done(b);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static ngx_int_t
put(quic_recv_buf_t *b, uint64_t offset, size_t len)
{
    u_char     *p;
    size_t      i;
    ngx_int_t   rc;

    p = malloc(len + 1);
    assert_non_null(p);

    for (i = 0; i < len; i++) {
        p[i] = pattern(offset + i);
    }

    rc = quic_recv_buf_write(b, offset, p, len);
    free(p);

    return rc;
}


/* reads up to n bytes, piece by piece; what was read */

static size_t
get(quic_recv_buf_t *b, size_t n)
{
    size_t     i, len, total;
    ngx_str_t  span;

    for (total = 0; total < n; total += len) {
        quic_recv_buf_peek(b, &span);

        if (span.len == 0) {
            break;
        }

        assert_true(span.len <= b->ready - b->read);
        len = ngx_min(span.len, n - total);

        for (i = 0; i < len; i++) {
            if (span.data[i] != pattern(b->read + i)) {
                fail_msg("byte %lu is wrong", b->read + i);
            }
        }

        quic_recv_buf_consume(b, len);
    }

    return total;
}


static ngx_uint_t
count_blocks(quic_recv_buf_t *b)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < b->size; i++) {
        n += b->block[i] != NULL;
    }

    return n;
}


static void
test_in_order(void **state)
{
    ngx_uint_t       i;
    ngx_str_t        span;
    quic_recv_buf_t  b;

    init(&b, 0);
    assert_true(quic_recv_buf_empty(&b));
    quic_recv_buf_peek(&b, &span);
    assert_int_equal(span.len, 0);

    /* no gap is allowed, and none is needed */

    for (i = 0; i < 100; i++) {
        assert_int_equal(put(&b, i * 1000, 1000), NGX_OK);
        assert_int_equal(b.ready, i * 1000 + 1000);
        assert_int_equal(get(&b, i % 3 * 800), ngx_min(i % 3 * 800,
                                                       b.ready));
    }

    assert_int_equal(get(&b, 1000000), b.ready - 79200);
    assert_int_equal(b.read, 100000);
    assert_true(quic_recv_buf_empty(&b));
    assert_int_equal(count_blocks(&b), 0);

    done(&b);
}


static void
test_out_of_order(void **state)
{
    quic_recv_buf_t  b;

    init(&b, 10);

    assert_int_equal(put(&b, 20, 10), NGX_OK);
    assert_int_equal(put(&b, 40, 10), NGX_OK);
    assert_int_equal(put(&b, 30, 5), NGX_OK);
    assert_int_equal(b.ready, 0);
    assert_int_equal(b.fragments.n, 2);
    assert_false(quic_recv_buf_empty(&b));

    assert_int_equal(put(&b, 0, 10), NGX_OK);
    assert_int_equal(b.ready, 10);
    assert_int_equal(get(&b, 100), 10);
    assert_int_equal(count_blocks(&b), 1);

    /* overlaps at both ends, then all of it again */

    assert_int_equal(put(&b, 5, 20), NGX_OK);
    assert_int_equal(b.ready, 35);
    assert_int_equal(put(&b, 0, 35), NGX_OK);
    assert_int_equal(put(&b, 12, 3), NGX_OK);
    assert_int_equal(b.ready, 35);
    assert_int_equal(get(&b, 100), 25);

    assert_int_equal(put(&b, 0, 60), NGX_OK);
    assert_int_equal(b.ready, 60);
    assert_int_equal(b.fragments.n, 0);
    assert_int_equal(get(&b, 100), 25);

    /* an empty write ahead of a gap (a fin) takes nothing */

    assert_int_equal(put(&b, 5 * BLOCK + 1, 0), NGX_OK);
    assert_true(quic_recv_buf_empty(&b));
    assert_int_equal(count_blocks(&b), 0);

    done(&b);
}


static void
test_blocks(void **state)
{
    quic_recv_buf_t  b;

    init(&b, 10);

    /* blocks are there where bytes are */

    assert_int_equal(put(&b, 9 * BLOCK - 1, 2), NGX_OK);
    assert_int_equal(count_blocks(&b), 2);
    assert_int_equal(b.size, 16);

    assert_int_equal(put(&b, 0, 3 * BLOCK), NGX_OK);
    assert_int_equal(count_blocks(&b), 5);
    assert_int_equal(get(&b, BLOCK - 1), BLOCK - 1);
    assert_int_equal(count_blocks(&b), 5);
    assert_int_equal(get(&b, 1), 1);
    assert_int_equal(count_blocks(&b), 4);
    assert_int_equal(get(&b, 10 * BLOCK), 2 * BLOCK);
    assert_int_equal(count_blocks(&b), 2);

    /* the ring turns, and grows after that */

    assert_int_equal(put(&b, 18 * BLOCK, 1), NGX_OK);
    assert_int_equal(b.size, 16);
    assert_int_equal(put(&b, 30 * BLOCK, 1), NGX_OK);
    assert_int_equal(b.size, 32);

    assert_int_equal(put(&b, 3 * BLOCK, 28 * BLOCK), NGX_OK);
    assert_int_equal(b.fragments.n, 0);
    assert_int_equal(get(&b, 100 * BLOCK), 28 * BLOCK);
    assert_int_equal(count_blocks(&b), 0);

    done(&b);
}


static void
test_consume_past_the_buffer(void **state)
{
    quic_recv_buf_t  b;

    init(&b, 10);

    quic_recv_buf_consume(&b, 1000);
    assert_int_equal(b.read, 1000);
    assert_int_equal(b.ready, 1000);
    assert_int_equal(put(&b, 0, 1000), NGX_OK);
    assert_true(quic_recv_buf_empty(&b));

    assert_int_equal(put(&b, 900, 200), NGX_OK);
    assert_int_equal(b.ready, 1100);
    assert_int_equal(get(&b, 1000), 100);

    /* with a fragment, only what is ready can be consumed */

    assert_int_equal(put(&b, 1200, 10), NGX_OK);
    quic_recv_buf_consume(&b, 50);
    assert_int_equal(b.read, 1100);

    assert_int_equal(put(&b, 1100, 100), NGX_OK);
    quic_recv_buf_consume(&b, 200);
    assert_int_equal(b.read, 1210);
    assert_true(quic_recv_buf_empty(&b));

    quic_recv_buf_consume(&b, 100 * BLOCK);
    assert_int_equal(put(&b, 100 * BLOCK, 2000), NGX_OK);
    assert_int_equal(get(&b, BLOCK), 790);

    done(&b);
}


static void
test_gaps(void **state)
{
    size_t           used;
    quic_recv_buf_t  b;

    init(&b, 3);

    assert_int_equal(put(&b, 10, 10), NGX_OK);
    assert_int_equal(put(&b, 30, 10), NGX_OK);
    assert_int_equal(put(&b, 50, 10), NGX_OK);

    /* too many; what makes no more of them is welcome */

    used = mem.used;
    assert_int_equal(put(&b, 70, 10), NGX_DECLINED);
    assert_int_equal(put(&b, 70, 10 * BLOCK), NGX_DECLINED);
    assert_int_equal(put(&b, 22, 5), NGX_DECLINED);
    assert_int_equal(mem.used, used);
    assert_int_equal(b.size, 8);

    assert_int_equal(put(&b, 20, 5), NGX_OK);
    assert_int_equal(put(&b, 25, 5), NGX_OK);
    assert_int_equal(put(&b, 70, 10), NGX_OK);
    assert_int_equal(put(&b, 90, 10), NGX_DECLINED);
    assert_int_equal(put(&b, 0, 10), NGX_OK);
    assert_int_equal(b.ready, 40);
    assert_int_equal(put(&b, 90, 10), NGX_OK);
    assert_int_equal(get(&b, 1000), 40);

    done(&b);
}


static void
test_far_ahead(void **state)
{
    uint64_t         max;
    quic_recv_buf_t  b;

    init(&b, 3);

    assert_int_equal(put(&b, QUIC_MAX_RECV_AHEAD, 1), NGX_DECLINED);
    assert_int_equal(put(&b, QUIC_MAX_RECV_AHEAD - 1, 2), NGX_DECLINED);
    assert_int_equal(put(&b, (1ULL << 62) - 1, 1), NGX_DECLINED);
    assert_true(quic_recv_buf_empty(&b));
    assert_int_equal(mem.used, 0);

    assert_int_equal(put(&b, QUIC_MAX_RECV_AHEAD - 1, 1), NGX_OK);
    assert_int_equal(count_blocks(&b), 1);
    quic_recv_buf_discard(&b);
    assert_int_equal(mem.used, 0);

    /* the end of all streams */

    max = (1ULL << 62) - 1;
    quic_recv_buf_consume(&b, max - 5000);
    assert_int_equal(put(&b, max - 1000, 1000), NGX_OK);
    assert_int_equal(put(&b, max - 7000, 5000), NGX_OK);
    assert_int_equal(get(&b, 10000), 3000);
    assert_int_equal(put(&b, max - 3000, 3000), NGX_OK);
    assert_int_equal(get(&b, 10000), 2000);
    assert_int_equal(b.read, max);

    done(&b);
}


static void
test_discard(void **state)
{
    quic_recv_buf_t  b;

    init(&b, 10);

    assert_int_equal(put(&b, 0, 100), NGX_OK);
    assert_int_equal(put(&b, 200, 10 * BLOCK), NGX_OK);
    assert_int_equal(get(&b, 50), 50);

    quic_recv_buf_discard(&b);
    assert_true(quic_recv_buf_empty(&b));
    assert_int_equal(b.read, 50);
    assert_int_equal(mem.used, 0);
    assert_int_equal(get(&b, 50), 0);

    done(&b);
}


static void
test_no_memory(void **state)
{
    ngx_uint_t       i;
    quic_recv_buf_t  b;

    init(&b, 10);

    /* the ring, some of the blocks, all but one */

    for (i = 0; i < 12; i++) {
        mem.max = i * BLOCK;
        assert_int_equal(put(&b, 100, 12 * BLOCK), NGX_ERROR);
        assert_true(quic_recv_buf_empty(&b));
        assert_int_equal(count_blocks(&b), 0);
    }

    mem.max = 14 * BLOCK;
    assert_int_equal(put(&b, 100, 12 * BLOCK), NGX_OK);
    assert_int_equal(put(&b, 0, 100), NGX_OK);

    /* blocks with bytes stay when those behind them can't be had */

    assert_int_equal(put(&b, 12 * BLOCK + 50, 5 * BLOCK), NGX_ERROR);
    assert_int_equal(b.ready, 12 * BLOCK + 100);
    assert_int_equal(get(&b, 2 * BLOCK), 2 * BLOCK);
    assert_int_equal(put(&b, 14 * BLOCK, 5), NGX_OK);
    assert_int_equal(put(&b, 12 * BLOCK + 100, 4 * BLOCK), NGX_ERROR);
    assert_int_equal(count_blocks(&b), 12);
    assert_int_equal(get(&b, 100 * BLOCK), 10 * BLOCK + 100);
    assert_int_equal(count_blocks(&b), 1);
    assert_int_equal(put(&b, 12 * BLOCK + 100, 3 * BLOCK), NGX_OK);
    assert_int_equal(get(&b, 100 * BLOCK), 3 * BLOCK);

    done(&b);
}


/* "ready", the fragments and the blocks are what the array says */

static void
check_model(quic_recv_buf_t *b, model_t *m)
{
    uint64_t       i, k;
    ngx_uint_t     n, used;
    quic_range_t  *range;

    assert_int_equal(b->read, m->start + m->read);

    for (i = m->read; i < MODEL_MAX && m->have[i]; i++) { /* void */ }

    assert_int_equal(b->ready, m->start + i);

    for (n = 0; n < b->fragments.n; n++) {
        range = &b->fragments.range[n];

        while (i < MODEL_MAX && !m->have[i]) {
            i++;
        }

        assert_int_equal(range->start, m->start + i);

        while (i < MODEL_MAX && m->have[i]) {
            i++;
        }

        assert_int_equal(range->end, m->start + i);
    }

    while (i < MODEL_MAX) {
        assert_false(m->have[i++]);
    }

    /* a block for each BLOCK bytes of which one is stored, and no other */

    for (i = m->read, n = 0; i < MODEL_MAX; i = k) {
        k = i + BLOCK - (m->start + i) % BLOCK;

        for (used = 0; i < ngx_min(k, MODEL_MAX); i++) {
            used |= m->have[i];
        }

        n += used;
    }

    assert_int_equal(count_blocks(b), n);
}


static ngx_uint_t
model_gaps(model_t *m)
{
    uint64_t    i;
    ngx_uint_t  n;

    for (i = m->read; i < MODEL_MAX && m->have[i]; i++) { /* void */ }

    for (n = 0; i < MODEL_MAX; i++) {
        n += m->have[i] && !m->have[i - 1];
    }

    return n;
}


static void
model_write(quic_recv_buf_t *b, model_t *m)
{
    u_char      old[MODEL_MAX];
    size_t      len;
    uint64_t    start;
    ngx_int_t   rc;

    len = test_rand() % (test_rand() % 8 ? 1500 : 4 * BLOCK);
    start = m->read + test_rand() % (20 * BLOCK);
    start -= ngx_min(start, 2000);

    if (test_rand() % 3 == 0) {
        start = b->ready - m->start;
    }

    start = ngx_min(start, MODEL_MAX - 1);
    len = ngx_min(len, MODEL_MAX - start);

    assert_int_equal(quic_recv_buf_has(b, m->start + start, len),
                     memchr(m->have + start, 0, len) == NULL);

    ngx_memcpy(old, m->have, MODEL_MAX);
    ngx_memset(m->have + start, 1, len);

    rc = put(b, m->start + start, len);

    if (rc == NGX_OK) {
        assert_true(model_gaps(m) <= b->fragments.max);
        return;
    }

    if (rc == NGX_DECLINED) {
        assert_true(model_gaps(m) > b->fragments.max);

    } else {
        assert_true(mem.max != NGX_MAX_SIZE_T_VALUE);
    }

    ngx_memcpy(m->have, old, MODEL_MAX);
}


static void
model_read(quic_recv_buf_t *b, model_t *m)
{
    size_t  n;

    n = test_rand() % (test_rand() % 2 ? 2000 : 20 * BLOCK);

    if (quic_recv_buf_empty(b)) {
        n = ngx_min(n, MODEL_MAX - m->read);
        quic_recv_buf_consume(b, n);
        ngx_memset(m->have + m->read, 1, n);

    } else {
        n = get(b, n);
    }

    m->read += n;
}


static void
run_model(model_t *m, ngx_uint_t max_gaps, uint64_t start, ngx_uint_t oom)
{
    ngx_uint_t       i;
    quic_recv_buf_t  b;

    init(&b, max_gaps);
    ngx_memzero(m, sizeof(model_t));

    m->start = start;
    quic_recv_buf_consume(&b, start);

    for (i = 0; m->read < MODEL_MAX; i++) {
        mem.max = NGX_MAX_SIZE_T_VALUE;

        if (oom && test_rand() % 2) {
            mem.max = mem.used + test_rand() % 20000;
        }

        if (test_rand() % 8) {
            model_write(&b, m);

        } else {
            model_read(&b, m);
        }

        if (i % 8 == 0) {
            check_model(&b, m);
        }
    }

    check_model(&b, m);
    assert_true(quic_recv_buf_empty(&b));
    done(&b);
}


static void
test_random(void **state)
{
    model_t     *m;
    ngx_uint_t   run;

    m = malloc(sizeof(model_t));
    assert_non_null(m);

    for (run = 0; run < 20; run++) {
        run_model(m, 1 + test_rand() % 20, test_rand() % 10000, run % 2);
        run_model(m, 1000, (1ULL << 62) - 1 - MODEL_MAX, run % 2);
    }

    free(m);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_consume_past_the_buffer),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_far_ahead),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
