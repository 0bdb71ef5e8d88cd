
/*
 * The send buffer: by name, and against a model of a sender, its packets and a
 * peer, with few ranges and with memory that fails.
 */

#include "test.h"
#include "quic/quic_send_buf.h"


#define MODEL_MAX      30000
#define MODEL_PACKETS  200

#define NO_LIMIT       UINT64_MAX

/* states of a byte */

#define ACKED          1
#define LOST           2
#define FLIGHT         3


typedef struct {
    uint64_t      offset;
    size_t        len;
    ngx_uint_t    fin;
    ngx_uint_t    lost;              /* declared so; may be acknowledged yet */
} packet_t;


typedef struct {
    packet_t      packet[MODEL_PACKETS];
    ngx_uint_t    npackets;

    u_char        acked[MODEL_MAX];  /* the peer has said so */
    uint64_t      end;
    uint64_t      limit;
    ngx_uint_t    fin;
    ngx_uint_t    fin_acked;
    ngx_uint_t    exact;             /* no range is ever forgotten */
} model_t;


static ngx_log_t   logger;
static quic_mem_t  mem;


static u_char
pattern(uint64_t offset)
{
    return (u_char) (offset * 31 + (offset >> 8) * 7);
}


static void
init(quic_send_buf_t *b)
{
    quic_mem_init(&mem, &logger);
    quic_send_buf_init(b, &mem);
}


static void
done(quic_send_buf_t *b)
{
    mem.max = NGX_MAX_SIZE_T_VALUE;
    quic_send_buf_done(b);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static ngx_int_t
append(quic_send_buf_t *b, size_t len)
{
    u_char     *p;
    size_t      i;
    ngx_int_t   rc;

    p = malloc(len + 1);
    assert_non_null(p);

    for (i = 0; i < len; i++) {
        p[i] = pattern(b->end + i);
    }

    rc = quic_send_buf_append(b, p, len);
    free(p);

    return rc;
}


static ngx_int_t
reserve(quic_send_buf_t *b, size_t want, size_t len)
{
    u_char  *p;
    size_t   i, room;

    room = len;

    p = quic_send_buf_reserve(b, want, &room);
    if (p == NULL) {
        return NGX_ERROR;
    }

    assert_in_range(room, 1, len);

    for (i = 0; i < room; i++) {
        p[i] = pattern(b->end + i);
    }

    quic_send_buf_commit(b, room);

    return NGX_OK;
}


static void
check_copy(quic_send_buf_t *b, uint64_t offset, size_t len)
{
    u_char  *p;
    size_t   i;

    p = malloc(len + 1);
    assert_non_null(p);

    quic_send_buf_copy(b, offset, p, len);

    for (i = 0; i < len; i++) {
        if (p[i] != pattern(offset + i)) {
            fail_msg("byte %lu is wrong", offset + i);
        }
    }

    free(p);
}


#define assert_next(b, limit, offset, len, fin)                               \
    check_next(b, limit, offset, len, fin, __LINE__)


static void
check_next(quic_send_buf_t *b, uint64_t limit, uint64_t offset, size_t len,
    ngx_uint_t fin, int line)
{
    size_t      n;
    uint64_t    at;
    ngx_uint_t  last;

    if (quic_send_buf_next(b, limit, &at, &n, &last) != NGX_OK) {
        fail_msg("line %d: nothing to send", line);
    }

    assert_true(quic_send_buf_pending(b, limit));

    if (at != offset || n != len || last != fin) {
        fail_msg("line %d: next is %lu:%lu fin:%lu, not %lu:%lu fin:%lu", line,
                 at, n, last, offset, len, fin);
    }

    check_copy(b, offset, len);
}


static void
assert_nothing(quic_send_buf_t *b, uint64_t limit)
{
    size_t      len;
    uint64_t    offset;
    ngx_uint_t  fin;

    assert_false(quic_send_buf_pending(b, limit));
    assert_int_equal(quic_send_buf_next(b, limit, &offset, &len, &fin),
                     NGX_DONE);
}


static void
test_in_order(void **state)
{
    quic_send_buf_t  b;

    init(&b);
    assert_nothing(&b, NO_LIMIT);

    assert_int_equal(append(&b, 1000), NGX_OK);
    assert_nothing(&b, 0);
    assert_next(&b, 300, 0, 300, 0);
    assert_next(&b, NO_LIMIT, 0, 1000, 0);

    quic_send_buf_sent(&b, 0, 600, 0);
    assert_nothing(&b, 600);
    assert_next(&b, NO_LIMIT, 600, 400, 0);

    quic_send_buf_acked(&b, 0, 600, 0);
    assert_int_equal(b.base, 600);
    assert_int_equal(quic_send_buf_held(&b), 400);

    quic_send_buf_finish(&b);
    assert_next(&b, 700, 600, 100, 0);
    assert_next(&b, 1000, 600, 400, 1);
    quic_send_buf_sent(&b, 600, 400, 1);
    assert_nothing(&b, NO_LIMIT);
    assert_false(quic_send_buf_complete(&b));

    quic_send_buf_acked(&b, 600, 400, 1);
    assert_true(quic_send_buf_complete(&b));
    assert_int_equal(b.nblocks, 0);

    done(&b);
}


static void
test_fin_alone(void **state)
{
    quic_send_buf_t  b;

    init(&b);

    /* an empty stream; nothing can forbid a fin */

    quic_send_buf_finish(&b);
    assert_next(&b, 0, 0, 0, 1);
    quic_send_buf_sent(&b, 0, 0, 1);
    assert_nothing(&b, NO_LIMIT);

    quic_send_buf_lost(&b, 0, 0, 1);
    assert_next(&b, 0, 0, 0, 1);
    quic_send_buf_sent(&b, 0, 0, 1);

    quic_send_buf_resend(&b);
    assert_next(&b, 0, 0, 0, 1);

    /* acknowledged before it was sent again, and lost after that */

    quic_send_buf_acked(&b, 0, 0, 1);
    assert_true(quic_send_buf_complete(&b));
    quic_send_buf_lost(&b, 0, 0, 1);
    quic_send_buf_resend(&b);
    assert_true(quic_send_buf_complete(&b));
    assert_nothing(&b, NO_LIMIT);

    done(&b);
}


static void
test_fin_after_data(void **state)
{
    quic_send_buf_t  b;

    init(&b);

    assert_int_equal(append(&b, 10), NGX_OK);
    quic_send_buf_sent(&b, 0, 10, 0);
    assert_nothing(&b, NO_LIMIT);

    quic_send_buf_finish(&b);
    assert_next(&b, NO_LIMIT, 10, 0, 1);
    quic_send_buf_sent(&b, 10, 0, 1);

    /* the fin was acknowledged, the data was lost */

    quic_send_buf_acked(&b, 10, 0, 1);
    assert_false(quic_send_buf_complete(&b));
    quic_send_buf_lost(&b, 0, 10, 0);
    assert_next(&b, NO_LIMIT, 0, 10, 1);
    quic_send_buf_sent(&b, 0, 10, 1);
    quic_send_buf_acked(&b, 0, 10, 1);
    assert_true(quic_send_buf_complete(&b));

    done(&b);
}


static void
test_loss(void **state)
{
    quic_send_buf_t  b;

    init(&b);

    assert_int_equal(append(&b, 10000), NGX_OK);
    quic_send_buf_sent(&b, 0, 9000, 0);

    quic_send_buf_lost(&b, 2000, 1000, 0);
    quic_send_buf_acked(&b, 4000, 1000, 0);
    quic_send_buf_lost(&b, 3500, 2000, 0);
    assert_next(&b, NO_LIMIT, 2000, 1000, 0);

    /* lost bytes are below every limit */

    assert_next(&b, 0, 2000, 1000, 0);

    quic_send_buf_sent(&b, 2000, 600, 0);
    assert_next(&b, 0, 2600, 400, 0);

    /* acknowledged late: not to be sent again */

    quic_send_buf_acked(&b, 2000, 1000, 0);
    assert_next(&b, 0, 3500, 500, 0);
    quic_send_buf_sent(&b, 3500, 500, 0);
    assert_next(&b, 0, 5000, 500, 0);
    quic_send_buf_sent(&b, 5000, 500, 0);
    assert_next(&b, NO_LIMIT, 9000, 1000, 0);

    /* all but what has been acknowledged */

    quic_send_buf_resend(&b);
    assert_next(&b, 0, 0, 2000, 0);
    quic_send_buf_sent(&b, 0, 2000, 0);
    assert_next(&b, 0, 3000, 1000, 0);
    quic_send_buf_sent(&b, 3000, 1000, 0);
    assert_next(&b, 0, 5000, 4000, 0);

    quic_send_buf_acked(&b, 0, 2500, 0);
    assert_int_equal(b.base, 3000);
    quic_send_buf_acked(&b, 3000, 6000, 0);
    assert_int_equal(b.base, 9000);
    assert_next(&b, NO_LIMIT, 9000, 1000, 0);

    /* what is behind "sent" was never sent, whatever a caller says */

    quic_send_buf_acked(&b, 9000, 500, 0);
    quic_send_buf_lost(&b, 9000, 500, 0);
    assert_int_equal(b.base, 9000);
    assert_next(&b, NO_LIMIT, 9000, 1000, 0);

    done(&b);
}


static void
test_blocks(void **state)
{
    size_t           i, len;
    quic_send_buf_t  b;

    init(&b);

    /* little by little: each block twice the one before */

    for (i = 0; i < 400; i++) {
        assert_int_equal(append(&b, 1000), NGX_OK);
    }

    assert_int_equal(b.block[0].size, QUIC_SEND_BLOCK_MIN);
    assert_int_equal(b.block[1].size, 2 * QUIC_SEND_BLOCK_MIN);
    assert_int_equal(b.block[b.nblocks - 1].size, QUIC_SEND_BLOCK);

    check_copy(&b, 0, 400000);

    for (i = 0; i < 400000; i += 999) {
        check_copy(&b, i, ngx_min(1300, 400000 - i));
    }

    quic_send_buf_sent(&b, 0, 400000, 0);
    quic_send_buf_acked(&b, 0, QUIC_SEND_BLOCK_MIN - 1, 0);
    len = b.nblocks;
    quic_send_buf_acked(&b, QUIC_SEND_BLOCK_MIN - 1, 1, 0);
    assert_int_equal(b.nblocks, len - 1);

    /* nothing to keep: small again, then as large as wanted */

    quic_send_buf_acked(&b, 0, 400000, 0);
    assert_int_equal(b.nblocks, 0);

    assert_int_equal(append(&b, 1), NGX_OK);
    assert_int_equal(mem.used - quic_mem_round(b.size * sizeof(*b.block)),
                     QUIC_SEND_BLOCK_MIN);

    len = 1000000;
    assert_non_null(quic_send_buf_reserve(&b, 10000, &len));
    assert_int_equal(len, 10240);
    quic_send_buf_commit(&b, 0);

    /* the place is given again, and bytes may be copied to it */

    len = 100;
    assert_non_null(quic_send_buf_reserve(&b, 10000, &len));
    assert_int_equal(len, 100);
    assert_int_equal(b.nblocks, 2);
    assert_int_equal(append(&b, 20000), NGX_OK);
    assert_int_equal(b.nblocks, 3);
    check_copy(&b, 400000, 20001);

    done(&b);
}


static void
test_ring(void **state)
{
    uint64_t         at;
    ngx_uint_t       i;
    quic_send_buf_t  b;

    init(&b);

    /* many times around, while the ring stays and while it grows */

    for (i = 0, at = 0; i < 300; i++) {
        assert_int_equal(append(&b, 30000), NGX_OK);
        quic_send_buf_sent(&b, b.sent, b.end - b.sent, 0);

        if (quic_send_buf_held(&b) > i * 2000) {
            check_copy(&b, at, b.end - at);
            quic_send_buf_acked(&b, at, 28000, 0);
            at += 28000;
            assert_int_equal(b.base, at);
        }
    }

    assert_true(b.size > 8);
    check_copy(&b, at, b.end - at);

    done(&b);
}


static void
test_no_memory(void **state)
{
    size_t           len, used;
    quic_send_buf_t  b;

    init(&b);

    mem.max = 0;
    assert_int_equal(append(&b, 0), NGX_OK);
    assert_int_equal(append(&b, 1), NGX_ERROR);
    len = 1;
    assert_null(quic_send_buf_reserve(&b, 1, &len));

    /* the ring, but no block */

    mem.max = 1000;
    assert_int_equal(append(&b, 1), NGX_ERROR);
    assert_int_equal(b.end, 0);

    mem.max = 10000;
    assert_int_equal(append(&b, 1000), NGX_OK);
    used = mem.used;

    /* some blocks, but not all */

    mem.max = 150000;
    assert_int_equal(append(&b, 200000), NGX_ERROR);
    assert_int_equal(b.end, 1000);
    assert_int_equal(mem.used, used);
    check_copy(&b, 0, 1000);

    assert_int_equal(append(&b, 100000), NGX_OK);
    check_copy(&b, 0, 101000);

    done(&b);
}


/*
 * Every second packet is acknowledged, the others are lost: more ranges than
 * there is room for.  The lowest come through, the rest is sent again.
 */

static void
test_too_many_ranges(void **state)
{
    size_t           len;
    uint64_t         i, n, offset;
    ngx_uint_t       fin, rounds;
    quic_send_buf_t  b;

    init(&b);
    n = 4 * b.acked.max;

    assert_int_equal(append(&b, n), NGX_OK);
    quic_send_buf_finish(&b);
    quic_send_buf_sent(&b, 0, n, 1);

    for (i = 1; i < n; i += 2) {
        quic_send_buf_acked(&b, i, 1, i == n - 1);
    }

    assert_int_equal(b.acked.n, b.acked.max);

    for (i = 0; i < n; i += 2) {
        quic_send_buf_lost(&b, i, 1, 0);
    }

    for (rounds = 0; !quic_send_buf_complete(&b); rounds++) {
        assert_int_equal(quic_send_buf_next(&b, 0, &offset, &len, &fin),
                         NGX_OK);
        quic_send_buf_sent(&b, offset, len, fin);
        quic_send_buf_acked(&b, offset, len, fin);
    }

    assert_int_equal(b.base, n);
    assert_true(rounds <= b.lost.max);

    done(&b);
}


/* marks the bytes of the ranges, which must lie in [base, sent) */

static void
mark(quic_send_buf_t *b, quic_ranges_t *r, u_char *bytes, u_char value)
{
    uint64_t       i;
    ngx_uint_t     k;
    quic_range_t  *range;

    assert_true(r->n <= r->max);

    for (k = 0; k < r->n; k++) {
        range = &r->range[k];
        assert_true(range->start >= b->base && range->end <= b->sent);

        for (i = range->start; i < range->end; i++) {
            assert_int_equal(bytes[i], FLIGHT);
            bytes[i] = value;
        }
    }
}


/*
 * The invariant.  A byte of [base, sent) is acknowledged only if the peer has
 * said so, and in flight only if there is the record of a packet with it that
 * has not been resolved.
 */

static void
check_model(quic_send_buf_t *b, model_t *m)
{
    u_char      flight[MODEL_MAX], state[MODEL_MAX];
    uint64_t    i;
    packet_t   *p;
    ngx_uint_t  k, fin;

    assert_true(b->base <= b->sent);
    assert_true(b->sent <= b->end);
    assert_int_equal(b->end, m->end);
    assert_true(b->acked.n == 0 || b->acked.range[0].start > b->base);

    ngx_memset(state, ACKED, b->base);
    ngx_memset(state + b->base, FLIGHT, b->sent - b->base);

    mark(b, &b->acked, state, ACKED);
    mark(b, &b->lost, state, LOST);

    ngx_memzero(flight, sizeof(flight));

    for (k = 0, fin = 0; k < m->npackets; k++) {
        p = &m->packet[k];

        if (!p->lost) {
            ngx_memset(flight + p->offset, 1, p->len);
            fin |= p->fin;
        }
    }

    for (i = 0; i < b->sent; i++) {

        if ((state[i] == ACKED && !m->acked[i])
            || (state[i] == FLIGHT && !flight[i])
            || (m->exact && state[i] != ACKED && m->acked[i]))
        {
            fail_msg("byte %lu is in state %u, flight:%u acked:%u", i,
                     state[i], flight[i], m->acked[i]);
        }
    }

    assert_int_equal(b->fin_acked, m->fin_acked);

    if (b->fin_sent && !b->fin_acked) {
        assert_true(fin);
    }
}


static void
model_append(quic_send_buf_t *b, model_t *m)
{
    size_t     len;
    uint64_t   used;
    ngx_int_t  rc;

    used = b->end;
    len = test_rand() % (test_rand() % 4 ? 300 : 9000);
    len = ngx_min(len, MODEL_MAX - m->end);

    if (m->fin || len == 0) {
        return;
    }

    if (test_rand() % 2) {
        rc = append(b, len);
        m->end += rc == NGX_OK ? len : 0;

    } else {
        rc = reserve(b, test_rand() % 9000, len);
        assert_true(rc == NGX_OK || b->end == used);
        m->end = b->end;
    }

    if (mem.max == NGX_MAX_SIZE_T_VALUE) {
        assert_int_equal(rc, NGX_OK);
    }

    if (test_rand() % 50 == 0) {
        quic_send_buf_finish(b);
        m->fin = 1;
    }
}


static void
model_send(quic_send_buf_t *b, model_t *m)
{
    size_t      len;
    uint64_t    offset;
    packet_t   *p;
    ngx_uint_t  fin, is_new;

    if (m->npackets == MODEL_PACKETS) {
        return;
    }

    if (quic_send_buf_next(b, m->limit, &offset, &len, &fin) != NGX_OK) {
        assert_false(quic_send_buf_pending(b, m->limit));
        return;
    }

    assert_true(quic_send_buf_pending(b, m->limit));
    assert_true(len || fin);
    assert_true(offset + len <= m->limit || len == 0);
    assert_true(!fin || (m->fin && offset + len == m->end));

    is_new = offset == b->sent;
    assert_true(is_new || offset + len <= b->sent);

    if (len && test_rand() % 4) {
        if (len > 1) {
            len = 1 + test_rand() % ngx_min(len - 1, 1200);
            fin = 0;
        }
    }

    check_copy(b, offset, len);
    quic_send_buf_sent(b, offset, len, fin);

    p = &m->packet[m->npackets++];
    p->offset = offset;
    p->len = len;
    p->fin = fin;
    p->lost = 0;
}


/* a packet is acknowledged, in one or in two calls */

static void
model_ack(quic_send_buf_t *b, model_t *m, ngx_uint_t k)
{
    size_t     n;
    packet_t  *p;

    p = &m->packet[k];
    n = test_rand() % (p->len + 1);
    n = test_rand() % 2 ? n : 0;

    ngx_memset(m->acked + p->offset, 1, p->len);
    m->fin_acked |= p->fin;

    quic_send_buf_acked(b, p->offset + n, p->len - n, p->fin);
    quic_send_buf_acked(b, p->offset, n, 0);

    *p = m->packet[--m->npackets];
}


static void
model_lose(quic_send_buf_t *b, model_t *m, ngx_uint_t k)
{
    packet_t  *p;

    p = &m->packet[k];

    if (p->lost) {
        /* time to forget it */
        *p = m->packet[--m->npackets];
        return;
    }

    quic_send_buf_lost(b, p->offset, p->len, p->fin);
    p->lost = 1;
}


static void
model_step(quic_send_buf_t *b, model_t *m, ngx_uint_t oom)
{
    ngx_uint_t  k;

    mem.max = NGX_MAX_SIZE_T_VALUE;

    if (oom) {
        mem.max = mem.used + (test_rand() % 2 ? 0 : 5000);
    }

    k = m->npackets ? test_rand() % m->npackets : 0;

    switch (test_rand() % 16) {

    case 0:
    case 1:
    case 2:
        model_append(b, m);
        break;

    case 3:
        m->limit += test_rand() % 5000;
        break;

    case 4:
    case 5:
    case 6:
        if (m->npackets) {
            model_ack(b, m, k);
        }
        break;

    case 7:
    case 8:
        if (m->npackets) {
            model_lose(b, m, k);
        }
        break;

    case 9:
        if (test_rand() % 20 == 0) {
            quic_send_buf_resend(b);
        }
        break;

    default:
        model_send(b, m);
    }
}


/* from now on all goes well: everything must arrive, and soon */

static void
model_drain(quic_send_buf_t *b, model_t *m)
{
    ngx_uint_t  n;

    quic_send_buf_finish(b);
    m->fin = 1;
    m->limit = m->end;

    for (n = 0; !quic_send_buf_complete(b); n++) {
        assert_true(n < 10000);

        while (m->npackets) {
            if (m->packet[0].lost) {
                m->packet[0] = m->packet[--m->npackets];

            } else {
                model_ack(b, m, 0);
            }
        }

        model_send(b, m);
    }

    assert_int_equal(b->base, m->end);
    assert_int_equal(b->nblocks, 0);
    assert_nothing(b, NO_LIMIT);
}


static void
run_model(ngx_uint_t max_ranges, ngx_uint_t oom)
{
    model_t          *m;
    ngx_uint_t        i, run;
    quic_send_buf_t   b;

    m = malloc(sizeof(model_t));
    assert_non_null(m);

    for (run = 0; run < 12; run++) {
        ngx_memzero(m, sizeof(model_t));
        m->exact = max_ranges == 0 && !oom;

        init(&b);

        if (max_ranges) {
            b.acked.max = max_ranges;
            b.lost.max = 1 + test_rand() % max_ranges;
            b.acked.size = ngx_min(b.acked.max, QUIC_RANGES_INLINE);
            b.lost.size = ngx_min(b.lost.max, QUIC_RANGES_INLINE);
        }

        for (i = 0; i < 1500; i++) {
            model_step(&b, m, oom && test_rand() % 2);

            if (i % 4 == 0) {
                check_model(&b, m);
            }
        }

        check_model(&b, m);
        model_drain(&b, m);
        check_model(&b, m);
        done(&b);
    }

    free(m);
}


static void
test_random(void **state)
{
    run_model(0, 0);
}


static void
test_random_few_ranges(void **state)
{
    ngx_uint_t  max;

    for (max = 1; max < 12; max++) {
        run_model(max, 0);
    }
}


static void
test_random_no_memory(void **state)
{
    run_model(0, 1);
    run_model(5, 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_fin_alone),
        cmocka_unit_test(test_fin_after_data),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_too_many_ranges),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_few_ranges),
        cmocka_unit_test(test_random_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
