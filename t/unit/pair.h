
/* Tests each of which begins with an established connection of its own. */

#ifndef _PAIR_H_INCLUDED_
#define _PAIR_H_INCLUDED_


#include "test.h"
#include "../lib/test_pair.h"


#define pair_test(name)                                                       \
    cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)


static test_pair_t   pair;
static quic_conn_t  *conn;
static client_t     *cl;


static int
pair_setup(void **state)
{
    if (test_pair_init(&pair) != NGX_OK
        || test_pair_connect(&pair, NULL, CLIENT_ESTABLISHED) != NGX_OK)
    {
        return -1;
    }

    conn = pair.conn;
    cl = pair.client;

    return 0;
}


/* all memory comes back */

static int
pair_teardown(void **state)
{
    test_pair_done(&pair);
    assert_int_equal(pair.mem.used, 0);

    return 0;
}


#endif /* _PAIR_H_INCLUDED_ */
