
/*
 * What differs between the nginx versions that the module is compiled for,
 * 1.22 to 1.30, and can be told when compiling.
 */

#ifndef _NGX_HTTP_QUIC_COMPAT_H_INCLUDED_
#define _NGX_HTTP_QUIC_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <nginx.h>
#include <ngx_http.h>


/*
 * Not NGX_HTTP_VERSION_30: where nginx has HTTP/3 built in, its filters and
 * its body reader take every request of that version for their own.
 */
#define NGX_HTTP_QUIC_VERSION  NGX_HTTP_VERSION_20


/* the directive "max_headers" */

#if (nginx_version >= 1030000)
#define ngx_http_quic_max_headers(cscf)  (cscf)->max_headers
#else
#define ngx_http_quic_max_headers(cscf)  ((void) (cscf), NGX_MAX_INT_T_VALUE)
#endif


/* the directive "ssl_ech_file" */

#if (nginx_version >= 1029004)
#define ngx_http_quic_ech_files(sscf)  ((sscf)->ech_files != NULL)
#else
#define ngx_http_quic_ech_files(sscf)  ((void) (sscf), 0)
#endif


/* responses 103 have filters of their own: those of HTTP/1 write plain text */

#ifdef NGX_HTTP_EARLY_HINTS
#define NGX_HTTP_QUIC_EARLY_HINTS  1
#else
#define NGX_HTTP_QUIC_EARLY_HINTS  0
#endif


#endif /* _NGX_HTTP_QUIC_COMPAT_H_INCLUDED_ */
