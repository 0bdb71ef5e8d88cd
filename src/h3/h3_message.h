
/*
 * Is a field section a well-formed part of an HTTP message?  RFC 9114, 4.1.2,
 * 4.2 and 4.3; RFC 9110, 5 and 8.6; RFC 9220 for extended CONNECT.
 *
 * A pure state machine, fed one field line after the other.
 */

#ifndef _H3_MESSAGE_H_INCLUDED_
#define _H3_MESSAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    H3_MESSAGE_REQUEST = 0,      /* the header section of a request */
    H3_MESSAGE_TRAILERS
} h3_message_kind_e;


typedef struct {
    h3_message_kind_e  kind;
    ngx_uint_t         seen;             /* H3_MESSAGE_SEEN_* */

    ngx_str_t          authority;        /* of what came first, :authority or
                                            Host: the caller's bytes */
    off_t              content_length;   /* -1: not given */

    unsigned           connect_protocol:1;   /* ":protocol" is allowed */
    unsigned           regular:1;        /* pseudo-header fields are over */
    unsigned           connect:1;        /* :method is CONNECT */
    unsigned           options:1;        /* :method is OPTIONS */
    unsigned           asterisk:1;       /* :path is "*" */
} h3_message_t;


/* "connect_protocol": our SETTINGS have allowed extended CONNECT */
void h3_message_init(h3_message_t *m, h3_message_kind_e kind,
    ngx_uint_t connect_protocol);

/*
 * The next field line, and the end of the section.  NULL, or why the message
 * is malformed: a static string for a log line; "m" isn't to be used then.
 *
 * When m->authority.data is the value's afterwards, the value must stay in
 * place until the end of the section.
 */
const char *h3_message_field(h3_message_t *m, ngx_str_t *name,
    ngx_str_t *value);
const char *h3_message_end(h3_message_t *m);

/*
 * Non-zero if that may be sent, too: a name, and the characters of a value; the
 * empty string is a value, but not a name.
 */
ngx_uint_t h3_message_valid_name(ngx_str_t *name);
ngx_uint_t h3_message_valid_char(u_char c);


#endif /* _H3_MESSAGE_H_INCLUDED_ */
