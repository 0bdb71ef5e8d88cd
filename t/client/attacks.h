
/*
 * What attacks share: how they begin, report and end.
 *
 *     attacks     the transport
 *     attacks_h3  HTTP/3 and QPACK
 */

#ifndef _ATTACKS_H_INCLUDED_
#define _ATTACKS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "client.h"


#define ATTACK_ADDR     0x7f020001      /* 127.2.0.1 */


typedef struct {
    const char   *name;
    ngx_uint_t    count;                /* of what it does, by default */
    void        (*run)(ngx_uint_t n);
} attack_t;


/* with a NULL name behind the last */
extern const attack_t  attacks_h3[];


/* what the requests of some are for */
extern const char  *attack_path;


void attack_report(const char *word, uint64_t n);
void attack_report_close(client_t *c);

/* to stderr, and no more */
void attack_fail(const char *what);

/* one that has sent nothing */
client_t *attack_create(client_conf_t *conf);

/* "conf" may be NULL; a connection in that state */
client_t *attack_client(client_conf_t *conf, client_state_e state);

/* the last word, so that the server doesn't wait for more; frees "c" */
void attack_end(client_t *c);

/* a packet of frames, the i-th: NGX_OK, or NGX_DONE: the server has closed */
ngx_int_t attack_put(client_t *c, const u_char *frames, size_t len,
    ngx_uint_t i);


#endif /* _ATTACKS_H_INCLUDED_ */
