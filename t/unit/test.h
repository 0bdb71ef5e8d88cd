
/*
 * What the unit tests share: cmocka, seeded random numbers, hex strings.
 */

#ifndef _TEST_H_INCLUDED_
#define _TEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>


#define test_array_len(a)  (sizeof(a) / sizeof((a)[0]))


/*
 * xorshift64*: the same numbers in every run, or those of the environment's
 * TEST_SEED.
 */

static inline uint64_t
test_rand(void)
{
    char             *seed;
    static uint64_t   x;

    if (x == 0) {
        seed = getenv("TEST_SEED");
        x = seed ? strtoull(seed, NULL, 0) : 0;

        if (x == 0) {
            x = 0x9e3779b97f4a7c15ULL;
        }
    }

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;

    return x * 0x2545f4914f6cdd1dULL;
}


static inline void
test_rand_bytes(u_char *p, size_t len)
{
    while (len--) {
        *p++ = (u_char) (test_rand() >> 32);
    }
}


/*
 * Bytes of a string of hex digits (spaces and newlines are skipped) into "buf"
 * of "size" bytes; their number.
 */

static inline size_t
test_hex(u_char *buf, size_t size, const char *hex)
{
    int       digit;
    size_t    n;
    unsigned  byte;

    n = 0;
    byte = 1;

    for ( /* void */ ; *hex; hex++) {

        if (*hex == ' ' || *hex == '\n') {
            continue;
        }

        digit = *hex <= '9' ? *hex - '0' : (*hex | 0x20) - 'a' + 10;
        assert_in_range(digit, 0, 15);

        byte = byte << 4 | (unsigned) digit;

        if (byte & 0x100) {
            assert_true(n < size);
            buf[n++] = (u_char) byte;
            byte = 1;
        }
    }

    assert_int_equal(byte, 1);

    return n;
}


/* a copy in memory of its own, where a read past the end is noticed; free() */

static inline u_char *
test_dup(const u_char *p, size_t len)
{
    u_char  *copy;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);

    if (len) {
        memcpy(copy, p, len);
    }

    return copy;
}


#endif /* _TEST_H_INCLUDED_ */
