
/*
 * An endpoint and the raw client (t/client), in one process and in virtual
 * time: no network lies between them, and what one sends is with the other at
 * once, whatever address it was sent to.  The endpoint's application reads
 * everything, and answers each request with as many bytes as it's told to.
 */

#ifndef _TEST_PAIR_H_INCLUDED_
#define _TEST_PAIR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"
#include "../client/client.h"


#define TEST_PAIR_SECOND   1000000ULL
#define TEST_PAIR_REPLIES  4


typedef struct {
    u_char               data[QUIC_MIN_INITIAL_SIZE];
    size_t               len;
} test_pair_reply_t;


typedef struct {
    quic_endpoint_t      ep;
    quic_mem_t           mem;
    quic_conf_t          conf;           /* may be changed before a connection
                                            is made */
    quic_host_key_t      host_key;
    ngx_log_t            log;
    ngx_open_file_t      log_file;
    u_char               logged[8192];   /* its end, with NUL behind it */
    size_t               nlogged;

    uint64_t             now;            /* microseconds */
    quic_addr_t          from;           /* of the client's next datagrams */
    quic_addr_t          to;
    size_t               answer;         /* bytes to each request */
    ngx_int_t            early_rc;       /* what is said to 0-RTT, if
                                            ep.early_id is set */

    client_t            *client;
    quic_conn_t         *conn;           /* the last one; NULL: it's freed */
    quic_batch_t         batch;          /* the last one; its data is gone */

    test_pair_reply_t    replies[TEST_PAIR_REPLIES];
    ngx_uint_t           nreplies;

    u_char               out[QUIC_MAX_BATCH_SIZE];
} test_pair_t;


/* NGX_OK or NGX_ERROR; "p" is the caller's, some 80 KB */
ngx_int_t test_pair_init(test_pair_t *p);
void test_pair_done(test_pair_t *p);

/*
 * A client, which gets so far.  "conf" may be NULL.  NGX_OK or NGX_ERROR; in
 * any case p->client is there until test_pair_leave().
 */
ngx_int_t test_pair_connect(test_pair_t *p, const client_conf_t *conf,
    client_state_e state);

/* without a word: all connections are freed, and the client */
void test_pair_leave(test_pair_t *p);

/*
 * Another process in the place of the endpoint's: NGX_OK, or NGX_ERROR: no
 * memory, or the one before hasn't given all of its memory back.
 */
ngx_int_t test_pair_restart(test_pair_t *p);

/* a datagram of anybody's to the endpoint */
void test_pair_receive(test_pair_t *p, const u_char *data, size_t len);

/*
 * Lets the endpoint send; if it has nothing to, time passes until it has, but
 * no more than a second.  How many datagrams the client has got.
 */
ngx_uint_t test_pair_turn(void *data);

/* the same for some microseconds, for the client to answer as well */
void test_pair_pass(test_pair_t *p, uint64_t time);

/* how often a text has been logged */
ngx_uint_t test_pair_logged(test_pair_t *p, const char *text);


#endif /* _TEST_PAIR_H_INCLUDED_ */
