
/*
 * RFC 8941, section 4.2: each function reads one thing from the front of what
 * is left, or finds that it isn't there.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/h3_priority.h"


/* RFC 8941, 3.3.1 and 3.3.2: digits of an integer; of a decimal's two parts */

#define H3_SF_MAX_INTEGER   15
#define H3_SF_MAX_WHOLE     12
#define H3_SF_MAX_FRACTION  3


typedef enum {
    H3_SF_OTHER = 0,                 /* a type that no parameter of ours has */
    H3_SF_INTEGER,
    H3_SF_BOOLEAN
} h3_sf_type_e;


typedef struct {
    h3_sf_type_e  type;
    int64_t       number;            /* integer; boolean: 0 or 1 */
} h3_sf_item_t;


typedef struct {
    u_char       *pos;
    u_char       *end;
} h3_sf_t;


static void h3_priority_member(h3_priority_t *p, const h3_priority_t *before,
    ngx_str_t *key, h3_sf_item_t *item);
static ngx_uint_t h3_sf_next(h3_sf_t *sf, u_char ch);
static void h3_sf_skip(h3_sf_t *sf, const char *set);
static ngx_int_t h3_sf_key(h3_sf_t *sf, ngx_str_t *key);
static ngx_int_t h3_sf_value(h3_sf_t *sf, h3_sf_item_t *item);
static ngx_int_t h3_sf_parameters(h3_sf_t *sf);
static ngx_int_t h3_sf_list(h3_sf_t *sf);
static ngx_int_t h3_sf_bare(h3_sf_t *sf, h3_sf_item_t *item);
static ngx_int_t h3_sf_number(h3_sf_t *sf, h3_sf_item_t *item);
static size_t h3_sf_digits(h3_sf_t *sf, int64_t *number);
static ngx_int_t h3_sf_boolean(h3_sf_t *sf, h3_sf_item_t *item);
static ngx_int_t h3_sf_string(h3_sf_t *sf);
static ngx_int_t h3_sf_bytes(h3_sf_t *sf);
static ngx_int_t h3_sf_token(h3_sf_t *sf);
static ngx_uint_t h3_sf_in(u_char ch, const char *set);


void
h3_priority_init(h3_priority_t *p)
{
    p->urgency = H3_PRIORITY_DEFAULT;
    p->incremental = 0;
}


ngx_int_t
h3_priority_parse(h3_priority_t *p, u_char *data, size_t len)
{
    h3_sf_t        sf;
    ngx_str_t      key;
    h3_sf_item_t   item;
    h3_priority_t  new;

    sf.pos = data;
    sf.end = data + len;
    new = *p;

    h3_sf_skip(&sf, " ");

    while (sf.pos < sf.end) {

        if (h3_sf_key(&sf, &key) != NGX_OK
            || h3_sf_value(&sf, &item) != NGX_OK)
        {
            return NGX_ERROR;
        }

        h3_priority_member(&new, p, &key, &item);

        h3_sf_skip(&sf, " \t");

        if (sf.pos == sf.end) {
            break;
        }

        if (!h3_sf_next(&sf, ',')) {
            return NGX_ERROR;
        }

        h3_sf_skip(&sf, " \t");

        if (sf.pos == sf.end) {
            return NGX_ERROR;
        }
    }

    *p = new;

    return NGX_OK;
}


/* of a key that comes twice the last value counts, even if it makes no sense */

static void
h3_priority_member(h3_priority_t *p, const h3_priority_t *before,
    ngx_str_t *key, h3_sf_item_t *item)
{
    if (key->len != 1) {
        return;
    }

    if (key->data[0] == 'u') {
        p->urgency = (item->type == H3_SF_INTEGER && item->number >= 0
                      && item->number <= H3_PRIORITY_LOWEST)
                     ? (u_char) item->number : before->urgency;
    }

    if (key->data[0] == 'i') {
        p->incremental = (item->type == H3_SF_BOOLEAN)
                         ? item->number != 0 : before->incremental;
    }
}


static ngx_uint_t
h3_sf_next(h3_sf_t *sf, u_char ch)
{
    if (sf->pos < sf->end && *sf->pos == ch) {
        sf->pos++;
        return 1;
    }

    return 0;
}


static void
h3_sf_skip(h3_sf_t *sf, const char *set)
{
    while (sf->pos < sf->end && h3_sf_in(*sf->pos, set)) {
        sf->pos++;
    }
}


static ngx_uint_t
h3_sf_in(u_char ch, const char *set)
{
    return ch != '\0' && strchr(set, ch) != NULL;
}


static ngx_int_t
h3_sf_key(h3_sf_t *sf, ngx_str_t *key)
{
    key->data = sf->pos;

    if (sf->pos == sf->end
        || !((*sf->pos >= 'a' && *sf->pos <= 'z') || *sf->pos == '*'))
    {
        return NGX_ERROR;
    }

    h3_sf_skip(sf, "abcdefghijklmnopqrstuvwxyz0123456789_-.*");

    key->len = sf->pos - key->data;

    return NGX_OK;
}


/* what follows a key: a member without a value is a true one */

static ngx_int_t
h3_sf_value(h3_sf_t *sf, h3_sf_item_t *item)
{
    ngx_int_t  rc;

    item->type = H3_SF_BOOLEAN;
    item->number = 1;

    if (h3_sf_next(sf, '=')) {

        if (h3_sf_next(sf, '(')) {
            item->type = H3_SF_OTHER;
            rc = h3_sf_list(sf);

        } else {
            rc = h3_sf_bare(sf, item);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return h3_sf_parameters(sf);
}


static ngx_int_t
h3_sf_parameters(h3_sf_t *sf)
{
    ngx_str_t     key;
    h3_sf_item_t  item;

    while (h3_sf_next(sf, ';')) {
        h3_sf_skip(sf, " ");

        if (h3_sf_key(sf, &key) != NGX_OK
            || (h3_sf_next(sf, '=') && h3_sf_bare(sf, &item) != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* an inner list, behind its first parenthesis */

static ngx_int_t
h3_sf_list(h3_sf_t *sf)
{
    h3_sf_item_t  item;

    for ( ;; ) {
        h3_sf_skip(sf, " ");

        if (h3_sf_next(sf, ')')) {
            return NGX_OK;
        }

        if (h3_sf_bare(sf, &item) != NGX_OK
            || h3_sf_parameters(sf) != NGX_OK
            || sf->pos == sf->end
            || !h3_sf_in(*sf->pos, " )"))
        {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
h3_sf_bare(h3_sf_t *sf, h3_sf_item_t *item)
{
    item->type = H3_SF_OTHER;

    if (sf->pos == sf->end) {
        return NGX_ERROR;
    }

    switch (*sf->pos) {

    case '?':
        return h3_sf_boolean(sf, item);

    case '"':
        return h3_sf_string(sf);

    case ':':
        return h3_sf_bytes(sf);

    default:
        return h3_sf_in(*sf->pos, "-0123456789") ? h3_sf_number(sf, item)
                                                 : h3_sf_token(sf);
    }
}


static ngx_int_t
h3_sf_number(h3_sf_t *sf, h3_sf_item_t *item)
{
    size_t      n;
    int64_t     fraction;
    ngx_uint_t  minus;

    minus = h3_sf_next(sf, '-');
    n = h3_sf_digits(sf, &item->number);

    if (minus) {
        item->number = -item->number;
    }

    if (!h3_sf_next(sf, '.')) {
        item->type = H3_SF_INTEGER;
        return (n > 0 && n <= H3_SF_MAX_INTEGER) ? NGX_OK : NGX_ERROR;
    }

    if (n == 0 || n > H3_SF_MAX_WHOLE) {
        return NGX_ERROR;
    }

    n = h3_sf_digits(sf, &fraction);

    return (n > 0 && n <= H3_SF_MAX_FRACTION) ? NGX_OK : NGX_ERROR;
}


/* how many there are; "*number" is right for as many as an integer may have */

static size_t
h3_sf_digits(h3_sf_t *sf, int64_t *number)
{
    u_char  *start;

    start = sf->pos;
    *number = 0;

    while (sf->pos < sf->end && *sf->pos >= '0' && *sf->pos <= '9') {

        if (sf->pos - start < H3_SF_MAX_INTEGER) {
            *number = *number * 10 + (*sf->pos - '0');
        }

        sf->pos++;
    }

    return sf->pos - start;
}


static ngx_int_t
h3_sf_boolean(h3_sf_t *sf, h3_sf_item_t *item)
{
    sf->pos++;

    item->type = H3_SF_BOOLEAN;
    item->number = h3_sf_next(sf, '1');

    return (item->number || h3_sf_next(sf, '0')) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
h3_sf_string(h3_sf_t *sf)
{
    u_char  ch;

    sf->pos++;

    while (sf->pos < sf->end) {
        ch = *sf->pos++;

        if (ch == '"') {
            return NGX_OK;
        }

        if (ch == '\\') {

            if (sf->pos == sf->end || !h3_sf_in(*sf->pos, "\"\\")) {
                return NGX_ERROR;
            }

            sf->pos++;

        } else if (ch < 0x20 || ch > 0x7e) {
            return NGX_ERROR;
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
h3_sf_bytes(h3_sf_t *sf)
{
    sf->pos++;

    h3_sf_skip(sf, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                   "0123456789+/=");

    return h3_sf_next(sf, ':') ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
h3_sf_token(h3_sf_t *sf)
{
    u_char  first;

    first = *sf->pos;

    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')
          || first == '*'))
    {
        return NGX_ERROR;
    }

    h3_sf_skip(sf, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                   "0123456789!#$%&'*+-.^_`|~:/");

    return NGX_OK;
}
