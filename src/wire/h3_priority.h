
/*
 * The priority of a response, as a client or an upstream states it: the
 * Priority Field Value of RFC 9218, sections 4 and 5, a dictionary of
 * structured fields (RFC 8941, 3.2).
 */

#ifndef _H3_PRIORITY_H_INCLUDED_
#define _H3_PRIORITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define H3_PRIORITY_LOWEST   7
#define H3_PRIORITY_DEFAULT  3


typedef struct {
    u_char       urgency;            /* 0 to 7, the lower the sooner */
    unsigned     incremental:1;      /* worth something in parts */
} h3_priority_t;


void h3_priority_init(h3_priority_t *p);

/*
 * Sets in "p" the parameters that a field value has: several values, one after
 * the other, are one dictionary.  Parameters that aren't known, or whose values
 * make no sense, leave it as it is.  NGX_OK, or NGX_ERROR: the value is no
 * dictionary, and nothing of it counts (RFC 8941, 4.2).
 */
ngx_int_t h3_priority_parse(h3_priority_t *p, u_char *data, size_t len);


#endif /* _H3_PRIORITY_H_INCLUDED_ */
