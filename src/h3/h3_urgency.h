
/*
 * In which order responses are sent: RFC 9218.
 *
 * A request states its priority in a field; PRIORITY_UPDATE on the control
 * stream replaces that, also when it comes before the request; the fields of
 * the response have the last word (section 8).
 */

#ifndef _H3_URGENCY_H_INCLUDED_
#define _H3_URGENCY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_request.h"


/* a request stream has been opened: its update may have come before */
void h3_urgency_opened(h3_request_t *hr);

/* a field line of the request */
void h3_urgency_request(h3_request_t *hr, ngx_str_t *name, ngx_str_t *value);

/* a PRIORITY_UPDATE for a request stream: NGX_OK, or NGX_ERROR (closed) */
ngx_int_t h3_urgency_update(h3_conn_t *hc, uint64_t id, u_char *value,
    size_t len);

/* the field lines of the response */
void h3_urgency_response(h3_request_t *hr, h3_field_t *fields, ngx_uint_t n);


#endif /* _H3_URGENCY_H_INCLUDED_ */
