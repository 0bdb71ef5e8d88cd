
/*
 * A request's field section: RFC 9114, 4.3.1.
 *
 * Each field line is only noted while it is decoded, as what nginx's handlers
 * of header lines find may end the request.  When all are there they become
 * what the core gets from parsing HTTP/1: the request line, the method, the
 * URI, r->headers_in and the virtual server.
 *
 * HTTP/3 has seen to it that the section is well-formed: pseudo-header fields
 * are there, once and first, Host is none other than :authority, and no field
 * speaks of an HTTP/1 connection.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


#define NGX_HTTP_QUIC_PROTOCOL  " HTTP/3.0"


typedef struct ngx_http_quic_field_s  ngx_http_quic_field_t;

struct ngx_http_quic_field_s {
    ngx_str_t     name;

    /* notes a line; NGX_OK, or the status to answer with */
    ngx_int_t   (*note)(ngx_http_quic_request_t *qr,
                        const ngx_http_quic_field_t *f, ngx_str_t *name,
                        ngx_str_t *value);

    ngx_uint_t    offset;        /* of a string in ngx_http_quic_request_t */
};


typedef struct {
    ngx_str_t     name;
    ngx_uint_t    method;
} ngx_http_quic_method_t;


static const ngx_http_quic_field_t *ngx_http_quic_find_field(ngx_str_t *name);
static ngx_int_t ngx_http_quic_check_field(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name);
static ngx_int_t ngx_http_quic_note_string(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_quic_note_cookie(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_quic_note_line(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_http_quic_valid_name(ngx_str_t *name,
    ngx_uint_t underscores);
static ngx_int_t ngx_http_quic_copy(ngx_pool_t *pool, ngx_str_t *dst,
    ngx_str_t *src);
static ngx_table_elt_t *ngx_http_quic_push_line(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);

static ngx_int_t ngx_http_quic_process_method(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_check_method(ngx_str_t *name);
static ngx_int_t ngx_http_quic_process_path(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_process_lines(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_process_destination(
    ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_process_cookies(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_join_cookies(ngx_http_quic_request_t *qr,
    ngx_str_t *cookie);
static ngx_int_t ngx_http_quic_process_host(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_check_allowed(ngx_http_quic_request_t *qr);
static void ngx_http_quic_default_server(ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_process_line(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_quic_reject(ngx_http_quic_request_t *qr,
    const char *reason);


static const ngx_http_quic_field_t  ngx_http_quic_fields[] = {

    { ngx_string(":method"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, method) },

    { ngx_string(":protocol"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, protocol) },

    { ngx_string(":scheme"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, scheme) },

    { ngx_string(":path"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, path) },

    { ngx_string(":authority"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, authority) },

    { ngx_string("host"), ngx_http_quic_note_string,
      offsetof(ngx_http_quic_request_t, host) },

    { ngx_string("cookie"), ngx_http_quic_note_cookie, 0 },

    /* all others */

    { ngx_null_string, ngx_http_quic_note_line, 0 }
};


static const ngx_http_quic_method_t  ngx_http_quic_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("PROPFIND"), NGX_HTTP_PROPFIND },
    { ngx_string("PROPPATCH"), NGX_HTTP_PROPPATCH },
    { ngx_string("MKCOL"), NGX_HTTP_MKCOL },
    { ngx_string("COPY"), NGX_HTTP_COPY },
    { ngx_string("MOVE"), NGX_HTTP_MOVE },
    { ngx_string("LOCK"), NGX_HTTP_LOCK },
    { ngx_string("UNLOCK"), NGX_HTTP_UNLOCK },
    { ngx_string("TRACE"), NGX_HTTP_TRACE },
    { ngx_string("CONNECT"), NGX_HTTP_CONNECT },
    { ngx_null_string, 0 }
};


static ngx_str_t  ngx_http_quic_host_name = ngx_string("host");
static ngx_str_t  ngx_http_quic_cookie_name = ngx_string("cookie");


ngx_int_t
ngx_http_quic_field(void *req, ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_quic_request_t  *qr = req;

    const ngx_http_quic_field_t  *f;

    if (qr->status) {
        return NGX_DECLINED;
    }

    f = ngx_http_quic_find_field(name);

    qr->status = ngx_http_quic_check_field(qr, f, name);

    if (qr->status == NGX_OK) {
        qr->status = f->note(qr, f, name, value);
    }

    if (qr->status == NGX_OK) {
        return NGX_OK;
    }

    ngx_post_event(&qr->event, &ngx_posted_events);

    return NGX_DECLINED;
}


static const ngx_http_quic_field_t *
ngx_http_quic_find_field(ngx_str_t *name)
{
    const ngx_http_quic_field_t  *f;

    for (f = ngx_http_quic_fields; f->name.len; f++) {
        if (f->name.len == name->len
            && ngx_memcmp(f->name.data, name->data, name->len) == 0)
        {
            break;
        }
    }

    return f;
}


/*
 * The bound that nginx's directive sets to the number of lines.  Their size is
 * HTTP/3's business, which knows how large all of them may be: as with HTTP/2
 * one may take it all.
 */

static ngx_int_t
ngx_http_quic_check_field(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name)
{
    ngx_http_request_t        *r;
    ngx_http_core_srv_conf_t  *cscf;

    r = qr->main;
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    /* crumbs of a cookie become one line, pseudo-header fields none */

    if (*name->data == ':'
        || (f->note == ngx_http_quic_note_cookie && qr->cookies.nelts))
    {
        return NGX_OK;
    }

    if (qr->nfields++ >= ngx_http_quic_max_headers(cscf)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent too many header lines");
        return NGX_HTTP_REQUEST_HEADER_TOO_LARGE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_note_string(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t  *s;

    s = (ngx_str_t *) ((char *) qr + f->offset);

    if (ngx_http_quic_copy(qr->main->pool, s, value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_note_cookie(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t   *s;
    ngx_pool_t  *pool;

    pool = qr->main->pool;

    if (qr->cookies.elts == NULL
        && ngx_array_init(&qr->cookies, pool, 2, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    s = ngx_array_push(&qr->cookies);

    if (s == NULL || ngx_http_quic_copy(pool, s, value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_note_line(ngx_http_quic_request_t *qr,
    const ngx_http_quic_field_t *f, ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t                  key, copy;
    ngx_http_request_t        *r;
    ngx_http_core_srv_conf_t  *cscf;

    r = qr->main;
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    if (cscf->ignore_invalid_headers
        && !ngx_http_quic_valid_name(name, cscf->underscores_in_headers))
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent invalid header line: \"%V\"", name);
        return NGX_OK;
    }

    if (ngx_http_quic_copy(r->pool, &key, name) != NGX_OK
        || ngx_http_quic_copy(r->pool, &copy, value) != NGX_OK
        || ngx_http_quic_push_line(r, &key, &copy) == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


/*
 * HTTP/3's own rules have been applied before; this is what the directives
 * "ignore_invalid_headers" and "underscores_in_headers" speak of.
 */

static ngx_uint_t
ngx_http_quic_valid_name(ngx_str_t *name, ngx_uint_t underscores)
{
    u_char      ch;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
            || ch == '-' || (ch == '_' && underscores))
        {
            continue;
        }

        return 0;
    }

    return 1;
}


/* nginx relies on header values being terminated */

static ngx_int_t
ngx_http_quic_copy(ngx_pool_t *pool, ngx_str_t *dst, ngx_str_t *src)
{
    u_char  *p;

    p = ngx_pnalloc(pool, src->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    dst->len = src->len;
    dst->data = p;

    p = ngx_cpymem(p, src->data, src->len);
    *p = '\0';

    return NGX_OK;
}


static ngx_table_elt_t *
ngx_http_quic_push_line(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = ngx_hash_key(name->data, name->len);
    h->key = *name;
    h->lowcase_key = name->data;
    h->value = *value;

    return h;
}


ngx_table_elt_t *
ngx_http_quic_find_line(ngx_list_t *list, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash && h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
            {
                return &h[i];
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_quic_request_line(ngx_http_quic_request_t *qr)
{
    u_char              *p;
    size_t               len;
    ngx_str_t           *target;
    ngx_http_request_t  *r;

    r = qr->main;
    target = qr->path.len ? &qr->path : &qr->authority;

    if (qr->method.len == 0 || target->len == 0) {
        return NGX_OK;
    }

    len = qr->method.len + 1 + target->len
          + sizeof(NGX_HTTP_QUIC_PROTOCOL) - 1;

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    r->request_line.len = len;
    r->request_line.data = p;

    p = ngx_cpymem(p, qr->method.data, qr->method.len);
    *p++ = ' ';
    p = ngx_cpymem(p, target->data, target->len);
    ngx_memcpy(p, NGX_HTTP_QUIC_PROTOCOL, sizeof(NGX_HTTP_QUIC_PROTOCOL));

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "http3 request line: \"%V\"", &r->request_line);

    return NGX_OK;
}


/*
 * The server is chosen last: what fails before is answered by the one that the
 * TLS name chose.
 */

ngx_int_t
ngx_http_quic_process_fields(ngx_http_quic_request_t *qr)
{
    if (ngx_http_quic_request_line(qr) != NGX_OK) {
        return ngx_http_quic_finalize(qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    /* with the method, as a page of an error isn't for HEAD */

    if ((qr->method.len || qr->status == 0)
        && ngx_http_quic_process_method(qr) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (qr->status) {
        return ngx_http_quic_finalize(qr, qr->status);
    }

    if (ngx_http_quic_process_path(qr) != NGX_OK
        || ngx_http_quic_process_lines(qr) != NGX_OK
        || ngx_http_quic_process_cookies(qr) != NGX_OK
        || (qr->protocol.len && ngx_http_quic_websocket_begin(qr) != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ngx_http_quic_process_host(qr) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_quic_check_allowed(qr);
}


static ngx_int_t
ngx_http_quic_process_method(ngx_http_quic_request_t *qr)
{
    ngx_str_t                     *name;
    ngx_http_request_t            *r;
    const ngx_http_quic_method_t  *m;

    r = qr->main;
    name = &qr->method;

    if (ngx_http_quic_check_method(name) != NGX_OK) {
        return ngx_http_quic_reject(qr, "invalid :method");
    }

    r->method_name = *name;

    for (m = ngx_http_quic_methods; m->name.len; m++) {
        if (m->name.len == name->len
            && ngx_memcmp(m->name.data, name->data, name->len) == 0)
        {
            r->method = m->method;
            break;
        }
    }

    if (qr->protocol.len) {

        /* extended CONNECT, as HTTP/1 has it */

        r->method = NGX_HTTP_GET;
        ngx_str_set(&r->method_name, "GET");
    }

    return NGX_OK;
}


/* what nginx takes for a method in HTTP/1; which ones it knows is another */

static ngx_int_t
ngx_http_quic_check_method(ngx_str_t *name)
{
    u_char      ch;
    ngx_uint_t  i;

    if (name->len == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if ((ch < 'A' || ch > 'Z') && ch != '_' && ch != '-') {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_process_path(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t  *r;

    r = qr->main;

    if (r->method == NGX_HTTP_CONNECT) {
        /* it has none */
        return NGX_OK;
    }

    r->schema = qr->scheme;
    r->uri_start = qr->path.data;
    r->uri_end = qr->path.data + qr->path.len;

    if (ngx_http_parse_uri(r) != NGX_OK) {
        return ngx_http_quic_reject(qr, "invalid :path");
    }

    return ngx_http_process_request_uri(r);
}


static ngx_int_t
ngx_http_quic_process_lines(ngx_http_quic_request_t *qr)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &qr->main->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_quic_process_line(qr->main, &h[i]) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return ngx_http_quic_process_destination(qr);
}


/*
 * WebDAV's handler compares the scheme in Destination with what c->ssl tells
 * it, and ours is NULL.  It is shown "http" for "https" and the other way
 * round; the header line itself, which a proxied server gets, stays as it is.
 */

static ngx_int_t
ngx_http_quic_process_destination(ngx_http_quic_request_t *qr)
{
#if (NGX_HTTP_DAV)

    u_char           *p;
    size_t            len;
    ngx_str_t        *value;
    ngx_pool_t       *pool;
    ngx_table_elt_t  *h, *copy;

    pool = qr->main->pool;
    h = qr->main->headers_in.destination;

    if (h == NULL || ngx_strncmp(h->value.data, "http", 4) != 0) {
        return NGX_OK;
    }

    value = &h->value;
    len = (value->data[4] == 's') ? sizeof("https") - 1 : sizeof("http") - 1;

    copy = ngx_palloc(pool, sizeof(ngx_table_elt_t));
    p = ngx_pnalloc(pool, value->len + sizeof("s"));

    if (copy == NULL || p == NULL) {
        return ngx_http_quic_finalize(qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    *copy = *h;
    copy->value.data = p;

    p = ngx_sprintf(p, "http%s%*s", len == 4 ? "s" : "", value->len - len,
                    value->data + len);
    *p = '\0';

    copy->value.len = p - copy->value.data;

    qr->main->headers_in.destination = copy;

#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_process_cookies(ngx_http_quic_request_t *qr)
{
    ngx_str_t  cookie;

    if (qr->cookies.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_quic_join_cookies(qr, &cookie) != NGX_OK) {
        return ngx_http_quic_finalize(qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    return ngx_http_quic_add_line(qr, &ngx_http_quic_cookie_name, &cookie);
}


/* RFC 9114, 4.2.1: one field again for what is not aware of HTTP/3 */

static ngx_int_t
ngx_http_quic_join_cookies(ngx_http_quic_request_t *qr, ngx_str_t *cookie)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *crumb;
    ngx_uint_t   i, n;

    crumb = qr->cookies.elts;
    n = qr->cookies.nelts;
    len = 0;

    for (i = 0; i < n; i++) {
        len += crumb[i].len + sizeof("; ") - 1;
    }

    p = ngx_pnalloc(qr->main->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cookie->data = p;
    cookie->len = len - (sizeof("; ") - 1);

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, crumb[i].data, crumb[i].len);
        *p++ = ';';
        *p++ = ' ';
    }

    cookie->data[cookie->len] = '\0';

    return NGX_OK;
}


/* the core's handler of "Host" checks the name and chooses the server */

static ngx_int_t
ngx_http_quic_process_host(ngx_http_quic_request_t *qr)
{
    ngx_str_t  *host;

    host = qr->authority.len ? &qr->authority : &qr->host;

    ngx_http_quic_default_server(qr);

    return ngx_http_quic_add_line(qr, &ngx_http_quic_host_name, host);
}


/* as the core has it: the server that refuses them is the one by name */

static ngx_int_t
ngx_http_quic_check_allowed(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t  *r;

    r = qr->main;

    if (r->method != NGX_HTTP_CONNECT && r->method != NGX_HTTP_TRACE) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "client sent %V method", &r->method_name);

    return ngx_http_quic_finalize(qr, NGX_HTTP_NOT_ALLOWED);
}


/*
 * A name that no server has is for the default one of the address, whatever
 * the TLS name was.
 */

static void
ngx_http_quic_default_server(ngx_http_quic_request_t *qr)
{
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    r = qr->main;
    cscf = qr->hc.addr_conf->default_server;

    if (cscf->ctx == qr->hc.conf_ctx) {
        return;
    }

    r->srv_conf = cscf->ctx->srv_conf;
    r->loc_conf = cscf->ctx->loc_conf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_set_connection_log(r->connection, clcf->error_log);
}


ngx_int_t
ngx_http_quic_add_line(ngx_http_quic_request_t *qr, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_http_quic_push_line(qr->main, name, value);
    if (h == NULL) {
        return ngx_http_quic_finalize(qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    return ngx_http_quic_process_line(qr->main, h);
}


/* a handler that returns an error has finalized the request */

static ngx_int_t
ngx_http_quic_process_line(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_http_header_t          *hh;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    hh = ngx_hash_find(&cmcf->headers_in_hash, h->hash, h->lowcase_key,
                       h->key.len);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "http3 header: \"%V: %V\"", &h->key, &h->value);

    if (hh && hh->handler(r, h, hh->offset) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_reject(ngx_http_quic_request_t *qr, const char *reason)
{
    ngx_log_error(NGX_LOG_INFO, qr->connection->log, 0, "client sent %s",
                  reason);

    return ngx_http_quic_finalize(qr, NGX_HTTP_BAD_REQUEST);
}


ngx_int_t
ngx_http_quic_finalize(ngx_http_quic_request_t *qr, ngx_int_t status)
{
    ngx_http_finalize_request(qr->main, status);

    return NGX_ERROR;
}
