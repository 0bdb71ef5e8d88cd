
/*
 * The client's unidirectional streams: RFC 9114, 6.2; RFC 9204, 4.2.
 */

#ifndef _H3_UNI_H_INCLUDED_
#define _H3_UNI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_conn.h"


void h3_uni_opened(h3_conn_t *hc, quic_stream_t *s);
void h3_uni_readable(h3_conn_t *hc, quic_stream_t *s);
void h3_uni_reset(h3_conn_t *hc, quic_stream_t *s);

/* the connection has ended */
void h3_uni_free_all(h3_conn_t *hc);


#endif /* _H3_UNI_H_INCLUDED_ */
