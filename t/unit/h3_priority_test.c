
/* Priority Field Values: RFC 9218, 4; RFC 8941, 3 and 4.2. */

#include "test.h"
#include "wire/h3_priority.h"


#define BAD  -1


typedef struct {
    const char  *value;
    int          urgency;        /* BAD: no dictionary */
    int          incremental;
} row_t;


/* from u=3 */

static row_t  rows[] = {
    { "", 3, 0 },
    { "   ", 3, 0 },
    { "u=0", 0, 0 },
    { "u=7", 7, 0 },
    { "u=1, i", 1, 1 },
    { "i,u=5", 5, 1 },
    { "  u=2\t, \ti=?1  ", 2, 1 },
    { "i=?0", 3, 0 },
    { "i, i=?0", 3, 0 },
    { "u=1;a;b=2;c=\"x\", i;q=?0", 1, 1 },

    /* values that make no sense, and the last one counts */
    { "u=8", 3, 0 },
    { "u=-1", 3, 0 },
    { "u=1.0", 3, 0 },
    { "u=1, u=9", 3, 0 },
    { "u=9, u=1", 1, 0 },
    { "u", 3, 0 },
    { "u=?1", 3, 0 },
    { "u=\"1\"", 3, 0 },
    { "i=1", 3, 0 },
    { "i=yes", 3, 0 },
    { "i, i=1", 3, 0 },
    { "u=999999999999999", 3, 0 },

    /* what isn't known, of all types */
    { "uu=1, ui, *u=2", 3, 0 },
    { "a=token/x:y, u=1", 1, 0 },
    { "a=\"q\\\"u\\\\\", u=1", 1, 0 },
    { "a=:aGVsbG8=:, u=1", 1, 0 },
    { "a=-12.125;b, u=1", 1, 0 },
    { "a=(), u=1", 1, 0 },
    { "a=(1 2.5;x \"s\" :YQ==: ?1 t ) ;p=1", BAD, 0 },
    { "a=(1 2.5;x \"s\" :YQ==: ?1 t );p=1, u=1", 1, 0 },
    { "a_-.*9=1, u=1", 1, 0 },

    /* no dictionaries */
    { "U=1", BAD, 0 },
    { "1", BAD, 0 },
    { "u=", BAD, 0 },
    { "=1", BAD, 0 },
    { "u=1,", BAD, 0 },
    { "u=1, ", BAD, 0 },
    { "u=1,,i", BAD, 0 },
    { ",u=1", BAD, 0 },
    { "u=1 i", BAD, 0 },
    { "u =1", BAD, 0 },
    { "u= 1", BAD, 0 },
    { "\tu=1", BAD, 0 },
    { "u=1;", BAD, 0 },
    { "u=1;=2", BAD, 0 },
    { "u=1;a=", BAD, 0 },
    { "u=--1", BAD, 0 },
    { "u=-", BAD, 0 },
    { "u=1.", BAD, 0 },
    { "u=.5", BAD, 0 },
    { "u=1.1234", BAD, 0 },
    { "u=1234567890123.1", BAD, 0 },
    { "u=1000000000000000", BAD, 0 },
    { "i=?2", BAD, 0 },
    { "i=?", BAD, 0 },
    { "a=\"", BAD, 0 },
    { "a=\"x", BAD, 0 },
    { "a=\"\\x\"", BAD, 0 },
    { "a=\"\\", BAD, 0 },
    { "a=\"\x7f\"", BAD, 0 },
    { "a=:x", BAD, 0 },
    { "a=:-:", BAD, 0 },
    { "a=(1", BAD, 0 },
    { "a=(1,2)", BAD, 0 },
    { "a=(1\"x\")", BAD, 0 },
    { "a=((1))", BAD, 0 },
    { "a=@", BAD, 0 }
};


static ngx_int_t
parse(h3_priority_t *p, const char *value)
{
    u_char     *data;
    size_t      len;
    ngx_int_t   rc;

    /* in memory of just its size: a sanitizer sees who reads beyond */

    len = strlen(value);
    data = malloc(len ? len : 1);
    memcpy(data, value, len);

    rc = h3_priority_parse(p, data, len);

    free(data);

    return rc;
}


static void
test_rows(void **state)
{
    ngx_uint_t     i;
    ngx_int_t      rc;
    h3_priority_t  p;

    for (i = 0; i < test_array_len(rows); i++) {
        h3_priority_init(&p);
        rc = parse(&p, rows[i].value);

        if ((rc == NGX_OK) != (rows[i].urgency != BAD)) {
            fail_msg("\"%s\": %d", rows[i].value, (int) rc);
        }

        if (rc == NGX_OK && (p.urgency != rows[i].urgency
                             || p.incremental != rows[i].incremental))
        {
            fail_msg("\"%s\": u=%d, i=%d", rows[i].value, p.urgency,
                     p.incremental);
        }

        if (rc != NGX_OK) {
            assert_int_equal(p.urgency, H3_PRIORITY_DEFAULT);
            assert_int_equal(p.incremental, 0);
        }
    }
}


/* one value after the other */

static void
test_several(void **state)
{
    h3_priority_t  p;

    h3_priority_init(&p);

    assert_int_equal(parse(&p, "u=6, i"), NGX_OK);
    assert_int_equal(parse(&p, "u=2"), NGX_OK);
    assert_int_equal(p.urgency, 2);
    assert_int_equal(p.incremental, 1);

    /* what makes no sense changes nothing, nor does half a dictionary */

    assert_int_equal(parse(&p, "u=9, i=3"), NGX_OK);
    assert_int_equal(parse(&p, "u=0, i=?0, ?"), NGX_ERROR);
    assert_int_equal(p.urgency, 2);
    assert_int_equal(p.incremental, 1);
}


/* from the rows, with bytes changed: only the bounds are looked at */

static void
test_mutations(void **state)
{
    char           value[64];
    size_t         len;
    ngx_uint_t     i, n, good;
    h3_priority_t  p;

    good = 0;

    for (i = 0; i < 100000; i++) {
        strcpy(value, rows[test_rand() % test_array_len(rows)].value);
        len = strlen(value);

        for (n = test_rand() % 3; n && len; n--) {
            value[test_rand() % len] = "u=1,i?;()\"\\:.- *x\x80"
                                       [test_rand() % 18];
        }

        h3_priority_init(&p);
        good += parse(&p, value) == NGX_OK;
        assert_in_range(p.urgency, 0, H3_PRIORITY_LOWEST);
    }

    assert_in_range(good, 20000, 60000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_mutations)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
