
/* The table of paths, and the validation of one. */

#include "test.h"
#include "quic/quic_path.h"


#define PTO       100000
#define PATIENCE  1000000


static quic_paths_t     paths;
static quic_datagram_t  dgram;


/* a datagram from host 192.0.2.N, or to 198.51.100.N */

static quic_datagram_t *
from(unsigned host, in_port_t port, size_t len)
{
    ngx_memzero(&dgram, sizeof(quic_datagram_t));

    dgram.remote.sin.sin_family = AF_INET;
    dgram.remote.sin.sin_addr.s_addr = htonl(0xc0000200 + host);
    dgram.remote.sin.sin_port = htons(port);

    dgram.local.sin.sin_family = AF_INET;
    dgram.local.sin.sin_addr.s_addr = htonl(0xc6336401);
    dgram.local.sin.sin_port = htons(443);

    dgram.len = len;
    dgram.socket = &paths;

    return &dgram;
}


static quic_path_t *
open_path(unsigned host, size_t len)
{
    quic_path_t  *p;

    p = quic_paths_place(&paths);
    assert_false(p->used);
    quic_paths_open(&paths, p, from(host, 1000, len));

    return p;
}


static void
test_first(void **state)
{
    quic_paths_init(&paths, from(1, 1000, 1200), 0);

    assert_ptr_equal(paths.active, paths.last);
    assert_null(paths.latest);
    assert_true(paths.active->used);
    assert_false(paths.active->validated);
    assert_int_equal(paths.active->peer, 0);
    assert_int_equal(paths.active->received, 1200);
    assert_ptr_equal(paths.active->socket, &paths);

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    assert_true(paths.active->validated);
    assert_int_equal(quic_path_room(paths.active), UINT64_MAX);
}


/* address and port of both sides make a path */

static void
test_find(void **state)
{
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);

    assert_ptr_equal(quic_paths_received(&paths, from(1, 1000, 50)),
                     paths.active);
    assert_int_equal(paths.active->received, 1250);

    assert_null(quic_paths_received(&paths, from(2, 1000, 50)));
    assert_null(quic_paths_received(&paths, from(1, 1001, 50)));

    (void) from(1, 1000, 50);
    dgram.local.sin.sin_port = htons(444);
    assert_null(quic_paths_received(&paths, &dgram));

    (void) from(1, 1000, 50);
    dgram.local.sin.sin_addr.s_addr = htonl(0xc6336402);
    assert_null(quic_paths_received(&paths, &dgram));

    p = quic_paths_place(&paths);
    quic_paths_open(&paths, p, &dgram);
    assert_ptr_equal(quic_paths_received(&paths, &dgram), p);
    assert_ptr_not_equal(p, paths.active);
    assert_int_equal(p->received, 100);
    assert_int_equal(p->peer, QUIC_PATH_NO_CID);
    assert_int_equal(paths.active->received, 1250);

    paths.latest = p;
    quic_paths_forget(&paths, p);
    assert_null(paths.latest);
    assert_null(quic_paths_received(&paths, &dgram));
}


/* 3x, in bytes, before the send */

static void
test_room(void **state)
{
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 100), 0);
    p = paths.active;

    assert_int_equal(quic_path_room(p), 300);
    quic_path_sent(p, 299);
    assert_int_equal(quic_path_room(p), 1);
    quic_path_sent(p, 1);
    assert_int_equal(quic_path_room(p), 0);
    quic_path_sent(p, 5);
    assert_int_equal(quic_path_room(p), 0);

    (void) quic_paths_received(&paths, from(1, 1000, 10));
    assert_int_equal(quic_path_room(p), 25);

    p->validated = 1;
    assert_int_equal(quic_path_room(p), UINT64_MAX);
}


/* the one that was silent for longest, never the active nor the last */

static void
test_victim(void **state)
{
    ngx_uint_t    i;
    quic_path_t  *p, *victim;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);

    for (i = 1; i < QUIC_MAX_PATHS; i++) {
        p = open_path(i + 1, 50);
    }

    assert_true(quic_paths_place(&paths)->used);
    assert_ptr_equal(quic_paths_place(&paths), &paths.path[1]);

    paths.active = &paths.path[1];
    assert_ptr_equal(quic_paths_place(&paths), &paths.path[2]);

    (void) quic_paths_received(&paths, from(3, 1000, 50));
    assert_ptr_equal(quic_paths_place(&paths), &paths.path[3]);

    for (i = 0; i < 1000; i++) {
        victim = quic_paths_place(&paths);
        assert_ptr_not_equal(victim, paths.active);
        assert_ptr_not_equal(victim, paths.last);

        quic_paths_forget(&paths, victim);
        assert_ptr_equal(quic_paths_place(&paths), victim);
        p = open_path(i + 10, 50);
        assert_ptr_equal(p, victim);

        if (test_rand() % 3 == 0) {
            paths.active = &paths.path[test_rand() % QUIC_MAX_PATHS];
        }

        if (test_rand() % 3 == 0) {
            paths.last = &paths.path[test_rand() % QUIC_MAX_PATHS];
        }
    }
}


static void
test_validation(void **state)
{
    u_char        data[QUIC_PATH_DATA_LEN];
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = open_path(2, 1200);

    assert_false(quic_path_pending(p));
    assert_int_equal(quic_path_deadline(p, PTO, PATIENCE), UINT64_MAX);
    assert_int_equal(quic_path_expire(p, PTO, PATIENCE, UINT64_MAX - 1),
                     NGX_AGAIN);

    quic_path_validate(p, 5000);
    assert_true(quic_path_pending(p));

    ngx_memcpy(data, quic_path_challenge(p, 6000), QUIC_PATH_DATA_LEN);
    assert_false(quic_path_pending(p));
    quic_path_sent(p, 1200);

    data[7] ^= 1;
    assert_null(quic_paths_answered(&paths, data, 7000));
    assert_false(p->validated);

    data[7] ^= 1;
    assert_ptr_equal(quic_paths_answered(&paths, data, 7000), p);
    assert_true(p->validated);
    assert_false(p->validating);
    assert_false(quic_path_pending(p));
    assert_int_equal(quic_path_deadline(p, PTO, PATIENCE), UINT64_MAX);

    /* again, or after the path has gone: nothing to do with any path */

    assert_null(quic_paths_answered(&paths, data, 8000));
    quic_paths_forget(&paths, p);
    assert_null(quic_paths_answered(&paths, data, 8000));
}


/* 8.2.1: a short challenge shows the address, but not the MTU */

static void
test_short(void **state)
{
    u_char        data[QUIC_PATH_DATA_LEN], more[QUIC_PATH_DATA_LEN];
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = open_path(2, 50);

    quic_path_validate(p, 0);
    ngx_memcpy(data, quic_path_challenge(p, 0), QUIC_PATH_DATA_LEN);
    quic_path_sent(p, 150);
    assert_int_equal(quic_path_room(p), 0);

    assert_ptr_equal(quic_paths_answered(&paths, data, 40000), p);
    assert_int_equal(quic_path_room(p), UINT64_MAX);
    assert_true(p->validating);
    assert_true(quic_path_pending(p));
    assert_null(quic_paths_answered(&paths, data, 40000));
    assert_int_equal(quic_path_deadline(p, PTO, PATIENCE),
                     40000 + 3 * PATIENCE);

    ngx_memcpy(more, quic_path_challenge(p, 40000), QUIC_PATH_DATA_LEN);
    assert_memory_not_equal(data, more, QUIC_PATH_DATA_LEN);
    quic_path_sent(p, 1200);

    assert_ptr_equal(quic_paths_answered(&paths, more, 80000), p);
    assert_false(p->validating);
}


/* RFC 9000, 13.3 and 8.2.4: rarer and rarer, other data, and then no more */

static void
test_backoff(void **state)
{
    u_char        data[8][QUIC_PATH_DATA_LEN];
    uint64_t      now;
    ngx_uint_t    i, j;
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = open_path(2, 12000);

    now = 1000000;
    quic_path_validate(p, now);

    /* as long as it can't be sent, only the end is waited for */

    assert_int_equal(quic_path_deadline(p, PTO, PATIENCE),
                     now + 3 * PATIENCE);

    for (i = 0; i < 5; i++) {
        ngx_memcpy(data[i], quic_path_challenge(p, now), QUIC_PATH_DATA_LEN);
        quic_path_sent(p, 1200);

        for (j = 0; j < i; j++) {
            assert_memory_not_equal(data[i], data[j], QUIC_PATH_DATA_LEN);
        }

        now += (uint64_t) PTO << i;

        if (now > 1000000 + 3 * PATIENCE) {
            break;
        }

        assert_int_equal(quic_path_deadline(p, PTO, PATIENCE), now);
        assert_int_equal(quic_path_expire(p, PTO, PATIENCE, now - 1),
                         NGX_AGAIN);
        assert_int_equal(quic_path_expire(p, PTO, PATIENCE, now), NGX_OK);
        assert_true(quic_path_pending(p));
    }

    assert_int_equal(i, 4);
    assert_int_equal(quic_path_deadline(p, PTO, PATIENCE),
                     1000000 + 3 * PATIENCE);

    /* all but the first are still known */

    assert_null(quic_paths_answered(&paths, data[0], now));
    assert_false(p->validated);

    now = 1000000 + 3 * PATIENCE;
    assert_int_equal(quic_path_expire(p, PTO, PATIENCE, now), NGX_DECLINED);
    assert_false(p->validating);
    assert_false(quic_path_pending(p));
    assert_int_equal(quic_path_expire(p, PTO, PATIENCE, now), NGX_AGAIN);

    /* too late */

    assert_null(quic_paths_answered(&paths, data[4], now));
    assert_false(p->validated);
}


static void
test_old_challenge(void **state)
{
    u_char        data[4][QUIC_PATH_DATA_LEN];
    ngx_uint_t    i;
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = open_path(2, 12000);

    quic_path_validate(p, 0);

    for (i = 0; i < 4; i++) {
        ngx_memcpy(data[i], quic_path_challenge(p, i), QUIC_PATH_DATA_LEN);
        quic_path_sent(p, i == 1 ? 1199 : 1200);
    }

    /* the one that was short */

    assert_ptr_equal(quic_paths_answered(&paths, data[1], 9), p);
    assert_true(p->validated);
    assert_true(p->validating);

    quic_path_validate(p, 0);

    for (i = 0; i < 4; i++) {
        ngx_memcpy(data[i], quic_path_challenge(p, i), QUIC_PATH_DATA_LEN);
        quic_path_sent(p, 1200);
    }

    assert_ptr_equal(quic_paths_answered(&paths, data[0], 9), p);
    assert_false(p->validating);
}


/* threat: answers are asked for faster than they can be given */

static void
test_response(void **state)
{
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = open_path(2, 1200);

    quic_path_respond(p, (u_char *) "12345678");
    quic_path_respond(p, (u_char *) "abcdefgh");
    assert_true(quic_path_pending(p));
    assert_memory_equal(p->response, "abcdefgh", 8);

    p->respond = 0;
    assert_false(quic_path_pending(p));
}


/* a long time without an answer must not make the shift overflow */

static void
test_many_challenges(void **state)
{
    uint64_t      now;
    ngx_uint_t    i;
    quic_path_t  *p;

    quic_paths_init(&paths, from(1, 1000, 1200), 1);
    p = paths.active;
    now = 0;

    quic_path_validate(p, now);

    for (i = 0; i < 100; i++) {
        (void) quic_path_challenge(p, now);
        quic_path_sent(p, 1200);
        now = quic_path_deadline(p, 1, UINT64_MAX / 4);
        assert_true(now < ((uint64_t) 128 << QUIC_MAX_PTO_BACKOFF));
        assert_int_equal(quic_path_expire(p, 1, UINT64_MAX / 4, now), NGX_OK);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_victim),
        cmocka_unit_test(test_validation),
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_old_challenge),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_many_challenges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
