
/* Random bytes, the keyed hash, comparison and wiping. */

#include "test.h"
#include "crypto/quic_random.h"


/* never all zeros, never twice the same, and not a byte more than asked for */

static void
random_bytes(void **state)
{
    size_t    len;
    u_char    a[65], b[65], zero[65];
    uint64_t  one;

    ngx_memzero(zero, sizeof(zero));

    for (len = 8; len < sizeof(a); len++) {
        ngx_memzero(a, sizeof(a));
        ngx_memzero(b, sizeof(b));

        quic_random(a, len);
        quic_random(b, len);

        assert_memory_not_equal(a, zero, len);
        assert_memory_not_equal(a, b, len);
        assert_memory_equal(a + len, zero, sizeof(a) - len);
    }

    one = quic_random_u64();
    assert_true(one != quic_random_u64());
}


/* a process forked off draws other bytes than its parent */

static void
random_after_fork(void **state)
{
    int     fd[2], status;
    pid_t   pid;
    u_char  ours[16], theirs[16];

    quic_random(ours, sizeof(ours));
    assert_int_equal(pipe(fd), 0);

    pid = fork();
    quic_random(ours, sizeof(ours));

    if (pid == 0) {
        _exit(write(fd[1], ours, sizeof(ours)) == sizeof(ours) ? 0 : 1);
    }

    assert_int_equal(read(fd[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    assert_memory_not_equal(ours, theirs, sizeof(ours));

    close(fd[0]);
    close(fd[1]);
}


static void
hash(void **state)
{
    size_t    len;
    u_char    data[64];
    uint64_t  h;

    test_rand_bytes(data, sizeof(data));

    for (len = 0; len < sizeof(data); len++) {
        h = quic_hash(data, len);
        assert_true(h == quic_hash(data, len));
        assert_true(h != quic_hash(data, len + 1));

        data[len / 2] ^= 0x80;
        assert_true(len == 0 || h != quic_hash(data, len));
        data[len / 2] ^= 0x80;
    }
}


static void
equal(void **state)
{
    size_t  i;
    u_char  a[32], b[32];

    test_rand_bytes(a, sizeof(a));
    ngx_memcpy(b, a, sizeof(b));

    assert_true(quic_equal(a, b, sizeof(a)));
    assert_true(quic_equal(a, b, 0));

    for (i = 0; i < sizeof(a); i++) {
        b[i] ^= 1;
        assert_false(quic_equal(a, b, sizeof(a)));
        assert_true(quic_equal(a, b, i));
        b[i] ^= 1;
    }
}


static void
wipe(void **state)
{
    u_char  a[34], zero[34];

    ngx_memzero(zero, sizeof(zero));
    ngx_memset(a, 0xff, sizeof(a));

    quic_wipe(a + 1, 32);

    assert_memory_equal(a + 1, zero, 32);
    assert_int_equal(a[0], 0xff);
    assert_int_equal(a[33], 0xff);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(random_after_fork),
        cmocka_unit_test(hash),
        cmocka_unit_test(equal),
        cmocka_unit_test(wipe)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
