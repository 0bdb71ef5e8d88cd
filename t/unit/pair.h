
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


/* after test_pair_init() */

static ngx_int_t
pair_connect(const client_conf_t *conf, client_state_e state)
{
    if (test_pair_connect(&pair, conf, state) != NGX_OK) {
        return NGX_ERROR;
    }

    conn = pair.conn;
    cl = pair.client;

    return NGX_OK;
}


static inline int
pair_setup(void **state)
{
    return test_pair_init(&pair) == NGX_OK
           && pair_connect(NULL, CLIENT_ESTABLISHED) == NGX_OK ? 0 : -1;
}


/* as the client: NEW_CONNECTION_ID; its bytes are those of its number */

static inline void
pair_issue(uint64_t seq, uint64_t retire_prior_to)
{
    char  frame[200];

    snprintf(frame, sizeof(frame), "18 #%lu #%lu 08 %02x*8 %02x*16", seq,
             retire_prior_to, (unsigned) seq & 0xff, (unsigned) seq & 0xff);

    assert_int_equal(client_send_hex(cl, QUIC_PACKET_1RTT, frame), NGX_OK);
    (void) client_ping(cl);
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
