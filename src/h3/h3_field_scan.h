
/*
 * The lengths of the string literals in an encoded field section, seen before
 * the decoder sees them: RFC 9204, 4.5.
 *
 * The decoder gives up the whole connection for a string beyond its own
 * limits, and allocates what a length announces before the bytes are there.
 * RFC 9204, 7.4 wants such a string to cost its stream alone.
 */

#ifndef _H3_FIELD_SCAN_H_INCLUDED_
#define _H3_FIELD_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    size_t       max_name;       /* bytes, as encoded */
    size_t       max_value;

    uint64_t     value;          /* integer that is being read */
    ngx_uint_t   shift;          /* of its next byte; 0: at its first one */
    uint64_t     skip;           /* bytes of a string still to come */
    u_char       state;          /* what is read, or comes behind the string */
    u_char       line;           /* representation that an integer is of */
} h3_field_scan_t;


void h3_field_scan_init(h3_field_scan_t *sc, size_t max_name,
    size_t max_value);

/*
 * The next bytes of the section.  NGX_OK, or NGX_DECLINED: a string or an
 * integer is longer than it may be.  All else is left to the decoder.
 */
ngx_int_t h3_field_scan(h3_field_scan_t *sc, u_char *p, u_char *end);


#endif /* _H3_FIELD_SCAN_H_INCLUDED_ */
