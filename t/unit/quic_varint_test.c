
/* Varints and the cursor. */

#include "test.h"
#include "wire/quic_varint.h"


typedef struct {
    const char  *hex;
    uint64_t     value;
} example_t;


/* RFC 9000, A.1 */

static example_t  examples[] = {
    { "c2197c5eff14e88c", 151288809941952652ULL },
    { "9d7f3e7d", 494878333 },
    { "7bbd", 15293 },
    { "25", 37 },
    { "4025", 37 }
};


static uint64_t  borders[] = {
    0, 1, 0x3f, 0x40, 0x3fff, 0x4000, 0x3fffffff, 0x40000000,
    QUIC_VARINT_MAX - 1, QUIC_VARINT_MAX
};


static void
test_examples(void **state)
{
    u_char     buf[8], out[8];
    size_t     n;
    uint64_t   value;
    example_t *e;

    for (e = examples; e < examples + test_array_len(examples); e++) {
        n = test_hex(buf, sizeof(buf), e->hex);

        assert_int_equal(quic_varint_read(buf, buf + n, &value), n);
        assert_int_equal(value, e->value);

        assert_ptr_equal(quic_varint_write_len(out, value, n), out + n);
        assert_memory_equal(out, buf, n);
    }
}


static void
test_length(void **state)
{
    size_t    lens[] = { 1, 1, 1, 2, 2, 4, 4, 8, 8, 8 };
    u_char    buf[8];
    uint64_t  i, value;

    for (i = 0; i < test_array_len(borders); i++) {
        assert_int_equal(quic_varint_len(borders[i]), lens[i]);
        assert_ptr_equal(quic_varint_write(buf, borders[i]), buf + lens[i]);
        assert_int_equal(quic_varint_read(buf, buf + 8, &value), lens[i]);
        assert_int_equal(value, borders[i]);
    }
}


/* every value in every form that holds it, cut at every byte */

static void
check_forms(uint64_t value)
{
    u_char    buf[8], *copy;
    size_t    len, cut;
    uint64_t  read;

    for (len = quic_varint_len(value); len <= 8; len *= 2) {
        assert_ptr_equal(quic_varint_write_len(buf, value, len), buf + len);

        for (cut = 0; cut < len; cut++) {
            copy = test_dup(buf, cut);
            read = 4711;

            assert_int_equal(quic_varint_read(copy, copy + cut, &read), 0);
            assert_int_equal(read, 4711);

            free(copy);
        }

        assert_int_equal(quic_varint_read(buf, buf + len, &read), len);
        assert_int_equal(read, value);
    }
}


static void
test_forms(void **state)
{
    ngx_uint_t  i;

    for (i = 0; i < test_array_len(borders); i++) {
        check_forms(borders[i]);
    }

    for (i = 0; i < 2000; i++) {
        check_forms(test_rand() >> (2 + test_rand() % 62));
    }
}


static void
test_cursor(void **state)
{
    u_char         buf[32], *p;
    size_t         n;
    quic_cursor_t  c;

    n = test_hex(buf, sizeof(buf), "01 0203 04050607 7bbd aabbcc");
    quic_cursor_init(&c, buf, n);

    assert_int_equal(quic_cursor_left(&c), 12);
    assert_int_equal(quic_cursor_u8(&c), 0x01);
    assert_int_equal(quic_cursor_u16(&c), 0x0203);
    assert_int_equal(quic_cursor_u32(&c), 0x04050607);
    assert_int_equal(quic_cursor_varint(&c), 15293);
    assert_int_equal(quic_cursor_left(&c), 3);

    p = quic_cursor_bytes(&c, 3);
    assert_memory_equal(p, "\xaa\xbb\xcc", 3);

    assert_int_equal(quic_cursor_left(&c), 0);
    assert_false(c.failed);

    /* nothing can be had of nothing, and that works */

    assert_ptr_equal(quic_cursor_bytes(&c, 0), buf + n);
    assert_false(c.failed);
}


static void
fail_u8(quic_cursor_t *c)
{
    assert_int_equal(quic_cursor_u8(c), 0);
}


static void
fail_u16(quic_cursor_t *c)
{
    assert_int_equal(quic_cursor_u16(c), 0);
}


static void
fail_u32(quic_cursor_t *c)
{
    assert_int_equal(quic_cursor_u32(c), 0);
}


static void
fail_varint(quic_cursor_t *c)
{
    assert_int_equal(quic_cursor_varint(c), 0);
}


static void
fail_bytes(quic_cursor_t *c)
{
    assert_null(quic_cursor_bytes(c, 9));
}


static void
fail_huge(quic_cursor_t *c)
{
    assert_null(quic_cursor_bytes(c, UINT64_MAX));
}


static void
fail_nothing(quic_cursor_t *c)
{
    assert_null(quic_cursor_bytes(c, 0));
}


/* each read fails on the bytes left, and then all reads do */

static void
test_cursor_fails(void **state)
{
    u_char         bytes[] = { 0xff, 0xff, 0xff }, *copy;
    ngx_uint_t     i, k;
    quic_cursor_t  c;

    struct {
        size_t  left;
        void  (*read)(quic_cursor_t *c);
    } reads[] = {
        { 0, fail_u8 }, { 1, fail_u16 }, { 3, fail_u32 }, { 3, fail_varint },
        { 0, fail_varint }, { 3, fail_bytes }, { 3, fail_huge }
    };

    for (i = 0; i < test_array_len(reads); i++) {
        copy = test_dup(bytes, reads[i].left);
        quic_cursor_init(&c, copy, reads[i].left);

        reads[i].read(&c);
        assert_true(c.failed);
        assert_true(c.pos <= c.end);
        assert_int_equal(quic_cursor_left(&c), 0);

        for (k = 0; k < test_array_len(reads); k++) {
            reads[k].read(&c);
        }

        fail_nothing(&c);
        assert_true(c.failed);

        free(copy);
    }
}


static void
test_cursor_empty(void **state)
{
    quic_cursor_t  c;

    quic_cursor_init(&c, NULL, 0);
    assert_int_equal(quic_cursor_left(&c), 0);

    fail_varint(&c);
    assert_true(c.failed);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_cursor_fails),
        cmocka_unit_test(test_cursor_empty)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
