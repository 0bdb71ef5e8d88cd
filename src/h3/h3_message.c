
/*
 * h3_pseudo_fields[] and h3_special_fields[] say which fields mean something
 * to the framing of a request; each has a function that checks its value.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_message.h"


/* fields that may come once */

#define H3_MESSAGE_SEEN_METHOD          0x01
#define H3_MESSAGE_SEEN_SCHEME          0x02
#define H3_MESSAGE_SEEN_AUTHORITY       0x04
#define H3_MESSAGE_SEEN_PATH            0x08
#define H3_MESSAGE_SEEN_PROTOCOL        0x10
#define H3_MESSAGE_SEEN_HOST            0x20
#define H3_MESSAGE_SEEN_CONTENT_LENGTH  0x40


typedef struct {
    ngx_str_t     name;
    ngx_uint_t    once;          /* H3_MESSAGE_SEEN_*, 0: any number */
    const char   *repeated;
    const char  *(*check)(h3_message_t *m, ngx_str_t *value);
} h3_message_row_t;


static const char *h3_message_pseudo(h3_message_t *m, ngx_str_t *name,
    ngx_str_t *value);
static const char *h3_message_regular(h3_message_t *m, ngx_str_t *name,
    ngx_str_t *value);
static const char *h3_message_apply(h3_message_t *m,
    const h3_message_row_t *row, ngx_str_t *value);
static const h3_message_row_t *h3_message_find(const h3_message_row_t *row,
    ngx_str_t *name);
static ngx_uint_t h3_message_value(ngx_str_t *value);
static ngx_uint_t h3_message_chars(ngx_str_t *s, const uint32_t *set);
static ngx_uint_t h3_message_same(ngx_str_t *a, ngx_str_t *b);

static const char *h3_message_method(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_scheme(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_authority(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_path(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_protocol(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_host(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_content_length(h3_message_t *m,
    ngx_str_t *value);
static const char *h3_message_te(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_connection(h3_message_t *m, ngx_str_t *value);
static const char *h3_message_end_connect(h3_message_t *m);


static const h3_message_row_t  h3_pseudo_fields[] = {
    { ngx_string(":method"), H3_MESSAGE_SEEN_METHOD,
      "repeated :method", h3_message_method },
    { ngx_string(":scheme"), H3_MESSAGE_SEEN_SCHEME,
      "repeated :scheme", h3_message_scheme },
    { ngx_string(":authority"), H3_MESSAGE_SEEN_AUTHORITY,
      "repeated :authority", h3_message_authority },
    { ngx_string(":path"), H3_MESSAGE_SEEN_PATH,
      "repeated :path", h3_message_path },
    { ngx_string(":protocol"), H3_MESSAGE_SEEN_PROTOCOL,
      "repeated :protocol", h3_message_protocol },
    { ngx_null_string, 0, NULL, NULL }
};


static const h3_message_row_t  h3_special_fields[] = {
    { ngx_string("host"), H3_MESSAGE_SEEN_HOST,
      "repeated host", h3_message_host },
    { ngx_string("content-length"), H3_MESSAGE_SEEN_CONTENT_LENGTH,
      "repeated content-length", h3_message_content_length },
    { ngx_string("te"), 0, NULL, h3_message_te },
    { ngx_string("connection"), 0, NULL, h3_message_connection },
    { ngx_string("keep-alive"), 0, NULL, h3_message_connection },
    { ngx_string("proxy-connection"), 0, NULL, h3_message_connection },
    { ngx_string("transfer-encoding"), 0, NULL, h3_message_connection },
    { ngx_string("upgrade"), 0, NULL, h3_message_connection },
    { ngx_null_string, 0, NULL, NULL }
};


/*
 * Sets of characters: a bit for each byte.  The second word of a row is that
 * of 0x20 to 0x3f, written with the highest first:
 *
 *               ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!
 *               _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@
 *                ~}| {zyx wvut srqp  onml kjih gfed cba`
 */

/* RFC 9110, 5.6.2, without capitals: RFC 9114, 4.2 */

static const uint32_t  h3_name_chars[8] = {
    0x00000000,  /* 0000 0000 0000 0000  0000 0000 0000 0000 */
    0x03ff6cfa,  /* 0000 0011 1111 1111  0110 1100 1111 1010 */
    0xc0000000,  /* 1100 0000 0000 0000  0000 0000 0000 0000 */
    0x57ffffff,  /* 0101 0111 1111 1111  1111 1111 1111 1111 */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

/* the same with them: methods */

static const uint32_t  h3_token_chars[8] = {
    0x00000000,  /* 0000 0000 0000 0000  0000 0000 0000 0000 */
    0x03ff6cfa,  /* 0000 0011 1111 1111  0110 1100 1111 1010 */
    0xc7fffffe,  /* 1100 0111 1111 1111  1111 1111 1111 1110 */
    0x57ffffff,  /* 0101 0111 1111 1111  1111 1111 1111 1111 */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

/* RFC 9110, 5.5: field-content */

static const uint32_t  h3_value_chars[8] = {
    0x00000200,  /* 0000 0000 0000 0000  0000 0010 0000 0000  HTAB */
    0xffffffff,  /* 1111 1111 1111 1111  1111 1111 1111 1111 */
    0xffffffff,  /* 1111 1111 1111 1111  1111 1111 1111 1111 */
    0x7fffffff,  /* 0111 1111 1111 1111  1111 1111 1111 1111 */
    0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff
};

/* RFC 3986, 3.1 */

static const uint32_t  h3_scheme_chars[8] = {
    0x00000000,  /* 0000 0000 0000 0000  0000 0000 0000 0000 */
    0x03ff6800,  /* 0000 0011 1111 1111  0110 1000 0000 0000  + - . */
    0x07fffffe,  /* 0000 0111 1111 1111  1111 1111 1111 1110 */
    0x07fffffe,  /* 0000 0111 1111 1111  1111 1111 1111 1110 */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

/*
 * RFC 3986, 3.2.2 and 3.2.3: host and port.  No "@": userinfo is forbidden
 * (RFC 9114, 4.3.1).
 */

static const uint32_t  h3_authority_chars[8] = {
    0x00000000,  /* 0000 0000 0000 0000  0000 0000 0000 0000 */
    0x2fff7ff2,  /* 0010 1111 1111 1111  0111 1111 1111 0010 */
    0xaffffffe,  /* 1010 1111 1111 1111  1111 1111 1111 1110 */
    0x47fffffe,  /* 0100 0111 1111 1111  1111 1111 1111 1110 */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

/*
 * Path and query: all that can be seen but "#", which would begin a fragment.
 * Bytes beyond ASCII and a few characters that RFC 3986 wants to be escaped
 * are sent by clients, do no harm in a request line, and nginx takes them over
 * HTTP/1 and HTTP/2 as well.
 */

static const uint32_t  h3_path_chars[8] = {
    0x00000000,  /* 0000 0000 0000 0000  0000 0000 0000 0000 */
    0xfffffff6,  /* 1111 1111 1111 1111  1111 1111 1111 0110 */
    0xffffffff,  /* 1111 1111 1111 1111  1111 1111 1111 1111 */
    0x7fffffff,  /* 0111 1111 1111 1111  1111 1111 1111 1111 */
    0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff
};


void
h3_message_init(h3_message_t *m, h3_message_kind_e kind,
    ngx_uint_t connect_protocol)
{
    ngx_memzero(m, sizeof(h3_message_t));

    m->kind = kind;
    m->content_length = -1;
    m->connect_protocol = connect_protocol ? 1 : 0;
}


const char *
h3_message_field(h3_message_t *m, ngx_str_t *name, ngx_str_t *value)
{
    if (name->len == 0) {
        return "empty field name";
    }

    if (!h3_message_value(value)) {
        return "invalid character in a field value";
    }

    if (name->data[0] == ':') {
        return h3_message_pseudo(m, name, value);
    }

    return h3_message_regular(m, name, value);
}


static const char *
h3_message_pseudo(h3_message_t *m, ngx_str_t *name, ngx_str_t *value)
{
    const h3_message_row_t  *row;

    if (m->kind == H3_MESSAGE_TRAILERS) {
        return "pseudo-header field in trailers";
    }

    if (m->regular) {
        return "pseudo-header field after a regular one";
    }

    row = h3_message_find(h3_pseudo_fields, name);

    if (row == NULL) {
        return "unknown pseudo-header field";
    }

    return h3_message_apply(m, row, value);
}


static const char *
h3_message_regular(h3_message_t *m, ngx_str_t *name, ngx_str_t *value)
{
    const h3_message_row_t  *row;

    m->regular = 1;

    if (!h3_message_valid_name(name)) {
        return "invalid character in a field name";
    }

    row = h3_message_find(h3_special_fields, name);

    return row ? h3_message_apply(m, row, value) : NULL;
}


static const char *
h3_message_apply(h3_message_t *m, const h3_message_row_t *row,
    ngx_str_t *value)
{
    if (m->seen & row->once) {
        return row->repeated;
    }

    m->seen |= row->once;

    return row->check(m, value);
}


static const h3_message_row_t *
h3_message_find(const h3_message_row_t *row, ngx_str_t *name)
{
    for ( /* void */ ; row->name.len; row++) {

        if (row->name.len == name->len
            && ngx_memcmp(row->name.data, name->data, name->len) == 0)
        {
            return row;
        }
    }

    return NULL;
}


/* field-content neither begins nor ends with whitespace: RFC 9110, 5.5 */

static ngx_uint_t
h3_message_value(ngx_str_t *value)
{
    u_char  first, last;

    if (value->len == 0) {
        return 1;
    }

    first = value->data[0];
    last = value->data[value->len - 1];

    if (first == ' ' || first == '\t' || last == ' ' || last == '\t') {
        return 0;
    }

    return h3_message_chars(value, h3_value_chars);
}


static ngx_uint_t
h3_message_chars(ngx_str_t *s, const uint32_t *set)
{
    u_char  *p, *end;

    end = s->data + s->len;

    for (p = s->data; p < end; p++) {

        if (!(set[*p >> 5] & (1U << (*p & 0x1f)))) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
h3_message_valid_name(ngx_str_t *name)
{
    return name->len && h3_message_chars(name, h3_name_chars);
}


ngx_uint_t
h3_message_valid_char(u_char c)
{
    return (h3_value_chars[c >> 5] & (1U << (c & 0x1f))) != 0;
}


static ngx_uint_t
h3_message_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


static const char *
h3_message_method(h3_message_t *m, ngx_str_t *value)
{
    static ngx_str_t  connect = ngx_string("CONNECT");
    static ngx_str_t  options = ngx_string("OPTIONS");

    if (value->len == 0 || !h3_message_chars(value, h3_token_chars)) {
        return "invalid :method";
    }

    m->connect = h3_message_same(value, &connect) ? 1 : 0;
    m->options = h3_message_same(value, &options) ? 1 : 0;

    return NULL;
}


static const char *
h3_message_scheme(h3_message_t *m, ngx_str_t *value)
{
    u_char  c;

    if (value->len == 0 || !h3_message_chars(value, h3_scheme_chars)) {
        return "invalid :scheme";
    }

    c = ngx_tolower(value->data[0]);

    return (c < 'a' || c > 'z') ? "invalid :scheme" : NULL;
}


static const char *
h3_message_authority(h3_message_t *m, ngx_str_t *value)
{
    if (value->len == 0 || !h3_message_chars(value, h3_authority_chars)) {
        return "invalid :authority";
    }

    m->authority = *value;

    return NULL;
}


static const char *
h3_message_path(h3_message_t *m, ngx_str_t *value)
{
    if (value->len == 0) {
        return "empty :path";
    }

    if (value->len == 1 && value->data[0] == '*') {
        m->asterisk = 1;
        return NULL;
    }

    if (value->data[0] != '/' || !h3_message_chars(value, h3_path_chars)) {
        return "invalid :path";
    }

    return NULL;
}


static const char *
h3_message_protocol(h3_message_t *m, ngx_str_t *value)
{
    if (!m->connect_protocol) {
        return ":protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL";
    }

    if (value->len == 0 || !h3_message_chars(value, h3_token_chars)) {
        return "invalid :protocol";
    }

    return NULL;
}


/*
 * RFC 9114, 4.3.1: if both are present, they contain the same value.  The same
 * to the last byte: two parties that compare differently would see two hosts.
 */

static const char *
h3_message_host(h3_message_t *m, ngx_str_t *value)
{
    if (m->kind == H3_MESSAGE_TRAILERS) {
        return "host in trailers";
    }

    if (value->len == 0 || !h3_message_chars(value, h3_authority_chars)) {
        return "invalid host";
    }

    if (m->seen & H3_MESSAGE_SEEN_AUTHORITY) {
        return h3_message_same(&m->authority, value)
               ? NULL : "host differs from :authority";
    }

    m->authority = *value;

    return NULL;
}


/*
 * RFC 9110, 8.6: digits only.  A list of equal values, which a recipient may
 * take, is refused: what is behind us might read it differently.
 */

static const char *
h3_message_content_length(h3_message_t *m, ngx_str_t *value)
{
    off_t  n;

    if (m->kind == H3_MESSAGE_TRAILERS) {
        return "content-length in trailers";
    }

    n = ngx_atoof(value->data, value->len);

    if (n == NGX_ERROR) {
        return "invalid content-length";
    }

    m->content_length = n;

    return NULL;
}


/* RFC 9114, 4.2: nothing but "trailers" */

static const char *
h3_message_te(h3_message_t *m, ngx_str_t *value)
{
    static u_char  trailers[] = "trailers";

    if (value->len != sizeof(trailers) - 1
        || ngx_strncasecmp(value->data, trailers, value->len) != 0)
    {
        return "te other than trailers";
    }

    return NULL;
}


static const char *
h3_message_connection(h3_message_t *m, ngx_str_t *value)
{
    return "connection-specific field";
}


/*
 * RFC 9114, 4.3.1.  Every scheme is held to the rules for http and https: no
 * other one is served.
 */

const char *
h3_message_end(h3_message_t *m)
{
    if (m->kind == H3_MESSAGE_TRAILERS) {
        return NULL;
    }

    if (!(m->seen & H3_MESSAGE_SEEN_METHOD)) {
        return "no :method";
    }

    if (m->connect) {
        return h3_message_end_connect(m);
    }

    if (m->seen & H3_MESSAGE_SEEN_PROTOCOL) {
        return ":protocol with a method other than CONNECT";
    }

    if (!(m->seen & H3_MESSAGE_SEEN_SCHEME)) {
        return "no :scheme";
    }

    if (!(m->seen & H3_MESSAGE_SEEN_PATH)) {
        return "no :path";
    }

    if (m->asterisk && !m->options) {
        return ":path \"*\" with a method other than OPTIONS";
    }

    if (m->authority.len == 0) {
        return "neither :authority nor host";
    }

    return NULL;
}


/* RFC 9114, 4.4; RFC 8441, section 4, by way of RFC 9220 */

static const char *
h3_message_end_connect(h3_message_t *m)
{
    ngx_uint_t  target;

    target = m->seen & (H3_MESSAGE_SEEN_SCHEME|H3_MESSAGE_SEEN_PATH);

    if (!(m->seen & H3_MESSAGE_SEEN_AUTHORITY)) {
        return "CONNECT without :authority";
    }

    if (!(m->seen & H3_MESSAGE_SEEN_PROTOCOL)) {
        return target ? "CONNECT with :scheme or :path" : NULL;
    }

    if (target != (H3_MESSAGE_SEEN_SCHEME|H3_MESSAGE_SEEN_PATH)
        || m->asterisk)
    {
        return "extended CONNECT without :scheme and :path";
    }

    return NULL;
}
