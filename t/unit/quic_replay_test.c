
/* The memory of the tickets that have brought 0-RTT. */

#include "test.h"
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_replay.h"


#define SETS  64
#define WAYS  16
#define SIZE  (offsetof(quic_replay_t, ticket) + SETS * WAYS * 8)


static quic_replay_t *
make(size_t size)
{
    quic_replay_t  *r;

    r = malloc(size);
    assert_non_null(r);
    assert_int_equal(quic_replay_init(r, size), NGX_OK);
    assert_true(r->id != 0);

    return r;
}


static void
once(void **state)
{
    uint64_t        now, t;
    quic_replay_t  *r;

    r = make(SIZE);

    assert_int_equal(r->nsets, SETS);

    for (now = 1000000; now < 1000000 + 200000; now += 7919) {
        t = quic_random_u64();

        assert_int_equal(quic_replay_use(r, t, now), NGX_OK);
        assert_int_equal(quic_replay_use(r, t, now), NGX_DECLINED);
        assert_int_equal(quic_replay_use(r, t ^ 1ULL << 63, now), NGX_OK);

        /* for the whole window, and for one whose clock is behind */

        assert_int_equal(quic_replay_use(r, t, now - 1), NGX_DECLINED);
        assert_int_equal(quic_replay_use(r, t, now + QUIC_REPLAY_WINDOW - 1),
                         NGX_DECLINED);
        assert_int_equal(quic_replay_use(r, t, now + QUIC_REPLAY_WINDOW),
                         NGX_OK);
    }

    free(r);
}


/* a clock that is put back makes TLS take again what it has taken before */

static void
put_back(void **state)
{
    uint64_t        now, back;
    quic_replay_t  *r;

    r = make(SIZE);
    now = 1000000000;

    assert_int_equal(quic_replay_use(r, 1ULL << 60, now), NGX_OK);

    for (back = 3; back < 200000; back += 97) {
        assert_int_equal(quic_replay_use(r, 1ULL << 60, now - back),
                         NGX_DECLINED);
        assert_int_equal(quic_replay_use(r, 2ULL << 60, now - back),
                         NGX_DECLINED);
    }

    /* it is where it was, or nearly */

    assert_int_equal(quic_replay_use(r, 1ULL << 60, now - 2), NGX_DECLINED);
    assert_int_equal(quic_replay_use(r, 2ULL << 60, now - 2), NGX_OK);
    assert_int_equal(quic_replay_use(r, 1ULL << 60, now), NGX_DECLINED);
    assert_int_equal(quic_replay_use(r, 2ULL << 60, now), NGX_DECLINED);
    assert_int_equal(quic_replay_use(r, 3ULL << 60, now), NGX_OK);

    free(r);
}


/* a set takes as many as it has places for, and again when they are over */

static void
full(void **state)
{
    uint64_t        i, now;
    quic_replay_t  *r;

    r = make(SIZE);
    now = 77;

    for (i = 0; i < WAYS; i++) {
        assert_int_equal(quic_replay_use(r, i * SETS << 32, now), NGX_OK);
    }

    assert_int_equal(quic_replay_use(r, i * SETS << 32, now), NGX_DECLINED);

    /* which harms no other set */

    assert_int_equal(quic_replay_use(r, (i * SETS << 32) + 1, now), NGX_OK);

    now += QUIC_REPLAY_WINDOW;

    for (i = WAYS; i < 2 * WAYS; i++) {
        assert_int_equal(quic_replay_use(r, i * SETS << 32, now), NGX_OK);
    }

    assert_int_equal(quic_replay_use(r, i * SETS << 32, now), NGX_DECLINED);

    free(r);
}


/* what README says of it: half full in a window, next to none is refused */

static void
half_full(void **state)
{
    uint64_t        now;
    ngx_uint_t      i, n, refused;
    quic_replay_t  *r;

    r = make(1024 * 1024);
    n = r->nsets * WAYS / 2;
    refused = 0;

    for (now = 0; now < 3 * QUIC_REPLAY_WINDOW; now++) {
        for (i = 0; i < n / QUIC_REPLAY_WINDOW; i++) {
            refused += quic_replay_use(r, quic_random_u64(), now) != NGX_OK;
        }
    }

    assert_in_range(refused, 0, 3 * n / 100);

    free(r);
}


static void
smallest(void **state)
{
    size_t          size;
    quic_replay_t  *r;

    size = offsetof(quic_replay_t, ticket) + WAYS * 8;

    r = make(size);
    assert_int_equal(quic_replay_use(r, UINT64_MAX, 1), NGX_OK);
    assert_int_equal(quic_replay_use(r, UINT64_MAX, 1), NGX_DECLINED);
    assert_int_equal(quic_replay_init(r, size - 1), NGX_ERROR);
    free(r);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(once),
        cmocka_unit_test(put_back),
        cmocka_unit_test(full),
        cmocka_unit_test(half_full),
        cmocka_unit_test(smallest)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
