
/*
 * The header filter: makes HTTP/3's field lines of r->headers_out.
 *
 * It stands where HTTP/2's stands, outside of the chunked filter, and ends the
 * chain for our requests: what the filters further in would do is about
 * HTTP/1's framing.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_message.h"
#include "nginx/ngx_http_quic_request.h"


#define NGX_HTTP_QUIC_DATE_LEN  (sizeof("Wed, 31 Dec 1986 18:00:00 GMT") - 1)


/* adds the lines of one kind; NGX_OK or NGX_ERROR */

typedef ngx_int_t (*ngx_http_quic_output_pt)(ngx_http_request_t *r,
    ngx_array_t *fields);


static ngx_int_t ngx_http_quic_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_quic_may_refuse(ngx_http_request_t *r,
    ngx_http_quic_request_t *qr);
static ngx_int_t ngx_http_quic_refuse(ngx_http_request_t *r,
    ngx_http_quic_request_t *qr, ngx_int_t status);
static ngx_int_t ngx_http_quic_send_header(ngx_http_request_t *r,
    ngx_http_quic_request_t *qr);
static void ngx_http_quic_prepare(ngx_http_request_t *r);
static void ngx_http_quic_prepare_files(ngx_http_request_t *r);
static ngx_int_t ngx_http_quic_send_fields(ngx_http_request_t *r,
    ngx_array_t *fields, ngx_uint_t fin);
static ngx_int_t ngx_http_quic_clean_value(ngx_http_request_t *r,
    h3_field_t *f);
static ngx_int_t ngx_http_quic_check_size(ngx_http_request_t *r,
    ngx_array_t *fields);

static ngx_int_t ngx_http_quic_output_status(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_server(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_date(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_type(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_length(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_modified(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_location(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_absolute_location(ngx_http_request_t *r);
static ngx_int_t ngx_http_quic_redirect_host(ngx_http_request_t *r,
    ngx_str_t *host);
static ngx_int_t ngx_http_quic_output_vary(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_others(ngx_http_request_t *r,
    ngx_array_t *fields);
static ngx_int_t ngx_http_quic_output_list(ngx_http_request_t *r,
    ngx_array_t *fields, ngx_list_t *list);
static ngx_int_t ngx_http_quic_output_line(ngx_http_request_t *r,
    ngx_array_t *fields, ngx_table_elt_t *h);
static void ngx_http_quic_trim(ngx_str_t *value);
static ngx_int_t ngx_http_quic_push(ngx_array_t *fields, const char *name,
    ngx_str_t *value);
static ngx_uint_t ngx_http_quic_is_one_of(const ngx_str_t *names,
    ngx_str_t *name);

#if (NGX_HTTP_QUIC_EARLY_HINTS)
static ngx_int_t ngx_http_quic_early_hints_filter(ngx_http_request_t *r);
#endif
static ngx_int_t ngx_http_quic_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_quic_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_quic_filter_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_quic_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_quic_filter_module_ctx,      /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
#if (NGX_HTTP_QUIC_EARLY_HINTS)
static ngx_http_output_header_filter_pt  ngx_http_next_early_hints_filter;
#endif


/* in the order in which they go out; the status must be the first */

static const ngx_http_quic_output_pt  ngx_http_quic_outputs[] = {
    ngx_http_quic_output_status,
    ngx_http_quic_output_server,
    ngx_http_quic_output_date,
    ngx_http_quic_output_type,
    ngx_http_quic_output_length,
    ngx_http_quic_output_modified,
    ngx_http_quic_output_location,
    ngx_http_quic_output_vary,
    ngx_http_quic_output_others,
    NULL
};


/* RFC 9114, 4.2: these speak of an HTTP/1 connection, an upstream's maybe */

static const ngx_str_t  ngx_http_quic_connection_fields[] = {
    ngx_string("connection"),
    ngx_string("keep-alive"),
    ngx_string("proxy-connection"),
    ngx_string("transfer-encoding"),
    ngx_string("upgrade"),
    ngx_null_string
};


/* RFC 9204, 7.1.3: never in a table, where their value could be probed */

static const ngx_str_t  ngx_http_quic_secret_fields[] = {
    ngx_string("set-cookie"),
    ngx_string("authorization"),
    ngx_string("proxy-authorization"),
    ngx_string("authentication-info"),
    ngx_null_string
};


static ngx_int_t
ngx_http_quic_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_http_quic_request_t  *qr;

    qr = ngx_http_quic_get_request(r);

    if (qr == NULL) {
        return ngx_http_next_header_filter(r);
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "http3 header filter");

    if (r->header_sent) {
        return NGX_OK;
    }

    /* its content was discarded, and so it went on */

    if (r == r->main && qr->malformed
        && ngx_http_quic_may_refuse(r, qr))
    {
        return ngx_http_quic_refuse(r, qr, NGX_HTTP_BAD_REQUEST);
    }

    if (r == r->main && qr->protocol.len) {
        rc = ngx_http_quic_websocket_answer(qr);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    r->header_sent = 1;

    ngx_http_quic_prepare_files(r);

    if (r != r->main) {
        return NGX_OK;
    }

    if (r->connection->error) {
        return NGX_ERROR;
    }

    ngx_http_quic_prepare(r);

    return ngx_http_quic_send_header(r, qr);
}


/*
 * An error page takes a response's place once, and never that of another error
 * page: the core would send the content of that one behind it.
 */

static ngx_uint_t
ngx_http_quic_may_refuse(ngx_http_request_t *r, ngx_http_quic_request_t *qr)
{
    return !qr->refused && r->err_status == 0;
}


static ngx_int_t
ngx_http_quic_refuse(ngx_http_request_t *r, ngx_http_quic_request_t *qr,
    ngx_int_t status)
{
    qr->refused = 1;
    r->header_sent = 0;

    return ngx_http_quic_request_replace(r, status);
}


static ngx_int_t
ngx_http_quic_send_header(ngx_http_request_t *r, ngx_http_quic_request_t *qr)
{
    ngx_int_t    rc;
    ngx_uint_t   i, fin;
    ngx_array_t  fields;

    if (ngx_array_init(&fields, r->pool, 20, sizeof(h3_field_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; ngx_http_quic_outputs[i]; i++) {
        if (ngx_http_quic_outputs[i](r, &fields) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    fin = r->header_only
          || (r->headers_out.content_length_n == 0 && !r->expect_trailers);

    rc = ngx_http_quic_send_fields(r, &fields, fin);

    /* more than the client takes: an error page has a smaller one */

    if (rc == NGX_DECLINED && ngx_http_quic_may_refuse(r, qr)) {
        return ngx_http_quic_refuse(r, qr, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (fin) {
        ngx_http_quic_request_finished(qr);
    }

    return NGX_OK;
}


static void
ngx_http_quic_prepare(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    status = r->headers_out.status;

    if (r->method == NGX_HTTP_HEAD
        || status == NGX_HTTP_NO_CONTENT
        || status == NGX_HTTP_NOT_MODIFIED)
    {
        r->header_only = 1;
    }

    if (status == NGX_HTTP_NO_CONTENT) {
        ngx_str_null(&r->headers_out.content_type);
        r->headers_out.content_length = NULL;
        r->headers_out.content_length_n = -1;
    }

    if (status != NGX_HTTP_OK
        && status != NGX_HTTP_PARTIAL_CONTENT
        && status != NGX_HTTP_NOT_MODIFIED)
    {
        r->headers_out.last_modified_time = -1;
        r->headers_out.last_modified = NULL;
    }
}


/*
 * Files are best read right into the stream's buffer.  "aio threads" wants
 * another thread to do it: the copy filter does, if it must not expect
 * sendfile() of us.  It asks when the content of a request or a subrequest
 * begins.
 */

static void
ngx_http_quic_prepare_files(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    r->connection->sendfile = (clcf->aio != NGX_HTTP_AIO_THREADS);
}


/* NGX_OK, NGX_ERROR, or NGX_DECLINED: they are more than the client takes */

static ngx_int_t
ngx_http_quic_send_fields(ngx_http_request_t *r, ngx_array_t *fields,
    ngx_uint_t fin)
{
    off_t              sent;
    ngx_int_t          rc;
    ngx_uint_t         i;
    h3_field_t        *f;
    h3_request_t      *hr;
    ngx_connection_t  *c;

    c = r->connection;
    hr = ngx_http_quic_h3_request(r);
    f = fields->elts;

    for (i = 0; i < fields->nelts; i++) {
        if (ngx_http_quic_clean_value(r, &f[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, c->log, 0,
                       "http3 output header: \"%V: %V\"",
                       &f[i].name, &f[i].value);
    }

    rc = ngx_http_quic_check_size(r, fields);

    if (rc != NGX_OK) {
        return rc;
    }

    sent = h3_response_sent(hr);

    if (h3_response_headers(hr, fields->elts, fields->nelts, fin) != NGX_OK) {
        c->error = 1;
        return NGX_ERROR;
    }

    sent = h3_response_sent(hr) - sent;

    c->sent += sent;
    r->header_size += (size_t) sent;

    return NGX_OK;
}


/*
 * What is in a value need not come from someone who knows what may be: CR, LF
 * and the like become spaces (RFC 9110, 5.5).
 */

static ngx_int_t
ngx_http_quic_clean_value(ngx_http_request_t *r, h3_field_t *f)
{
    u_char  *p, *end;

    ngx_http_quic_trim(&f->value);

    end = f->value.data + f->value.len;

    for (p = f->value.data; p < end; p++) {
        if (!h3_message_valid_char(*p)) {
            break;
        }
    }

    if (p == end) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "invalid characters in the response header line \"%V\"",
                  &f->name);

    p = ngx_pstrdup(r->pool, &f->value);
    if (p == NULL) {
        return NGX_ERROR;
    }

    f->value.data = p;

    for (end = p + f->value.len; p < end; p++) {
        if (!h3_message_valid_char(*p)) {
            *p = ' ';
        }
    }

    /* they may have stood at its ends */

    ngx_http_quic_trim(&f->value);

    return NGX_OK;
}


/* RFC 9114, 4.2.2: the client may have said how much it takes */

static ngx_int_t
ngx_http_quic_check_size(ngx_http_request_t *r, ngx_array_t *fields)
{
    uint64_t                  size, max;
    ngx_uint_t                i;
    h3_field_t               *f;
    ngx_http_quic_session_t  *s;

    s = ngx_http_quic_session(r);
    if (s == NULL || s->h3 == NULL) {
        return NGX_ERROR;
    }

    f = fields->elts;
    size = 0;

    for (i = 0; i < fields->nelts; i++) {
        size += f[i].name.len + f[i].value.len + 32;
    }

    max = h3_conn_peer_max_field_section(s->h3);

    if (size > max) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "response header of %uL bytes is larger than the %uL "
                      "bytes that the client accepts", size, max);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_output_status(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_str_t  value;

    static ngx_str_t  ok = ngx_string("200");

    if (ngx_http_quic_get_request(r)->tunnel) {
        return ngx_http_quic_push(fields, ":status", &ok);
    }

    /* RFC 9114, 4.5: there is no 101; others are not for header filters */

    if (r->headers_out.status < NGX_HTTP_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "response status %ui can't be sent over HTTP/3",
                      r->headers_out.status);
        return NGX_ERROR;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%03ui", r->headers_out.status)
                - value.data;

    return ngx_http_quic_push(fields, ":status", &value);
}


static ngx_int_t
ngx_http_quic_output_server(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_str_t                  *value;
    ngx_http_core_loc_conf_t   *clcf;

    static ngx_str_t  plain = ngx_string("nginx");
    static ngx_str_t  full = ngx_string(NGINX_VER);
    static ngx_str_t  build = ngx_string(NGINX_VER_BUILD);

    if (r->headers_out.server) {
        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->server_tokens == NGX_HTTP_SERVER_TOKENS_ON) {
        value = &full;

    } else if (clcf->server_tokens == NGX_HTTP_SERVER_TOKENS_BUILD) {
        value = &build;

    } else {
        value = &plain;
    }

    return ngx_http_quic_push(fields, "server", value);
}


static ngx_int_t
ngx_http_quic_output_date(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_str_t  value;

    if (r->headers_out.date) {
        return NGX_OK;
    }

    value.len = ngx_cached_http_time.len;
    value.data = ngx_cached_http_time.data;

    return ngx_http_quic_push(fields, "date", &value);
}


static ngx_int_t
ngx_http_quic_output_type(ngx_http_request_t *r, ngx_array_t *fields)
{
    u_char     *p;
    size_t      len;
    ngx_str_t  *type, *charset;

    type = &r->headers_out.content_type;
    charset = &r->headers_out.charset;

    if (type->len == 0) {
        return NGX_OK;
    }

    if (r->headers_out.content_type_len == type->len && charset->len) {
        len = type->len + sizeof("; charset=") - 1 + charset->len;

        p = ngx_pnalloc(r->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(p, "%V; charset=%V", type, charset);

        /* also for $sent_http_content_type */

        type->len = len;
        type->data = p;
    }

    return ngx_http_quic_push(fields, "content-type", type);
}


static ngx_int_t
ngx_http_quic_output_length(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_str_t  value;

    if (r->headers_out.content_length
        || r->headers_out.content_length_n < 0)
    {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_OFF_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%O", r->headers_out.content_length_n)
                - value.data;

    return ngx_http_quic_push(fields, "content-length", &value);
}


static ngx_int_t
ngx_http_quic_output_modified(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_str_t  value;

    if (r->headers_out.last_modified
        || r->headers_out.last_modified_time == -1)
    {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_HTTP_QUIC_DATE_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_http_time(value.data, r->headers_out.last_modified_time)
                - value.data;

    return ngx_http_quic_push(fields, "last-modified", &value);
}


static ngx_int_t
ngx_http_quic_output_location(ngx_http_request_t *r, ngx_array_t *fields)
{
    ngx_table_elt_t           *h;
    ngx_http_core_loc_conf_t  *clcf;

    h = r->headers_out.location;

    if (h == NULL || h->value.len == 0) {
        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (h->value.data[0] == '/' && clcf->absolute_redirect
        && ngx_http_quic_absolute_location(r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* not once more among the others */

    h->hash = 0;

    return ngx_http_quic_push(fields, "location", &h->value);
}


static ngx_int_t
ngx_http_quic_absolute_location(ngx_http_request_t *r)
{
    u_char                    *p;
    size_t                     len;
    ngx_str_t                  host;
    ngx_uint_t                 port;
    ngx_table_elt_t           *h;
    ngx_http_core_loc_conf_t  *clcf;

    h = r->headers_out.location;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (ngx_http_quic_redirect_host(r, &host) != NGX_OK) {
        return NGX_ERROR;
    }

    port = ngx_inet_get_port(r->connection->local_sockaddr);

    len = sizeof("https://:65535") - 1 + host.len + h->value.len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    len = ngx_sprintf(p, "https://%V", &host) - p;

    if (clcf->port_in_redirect && port != 443) {
        len = ngx_sprintf(p + len, ":%ui", port) - p;
    }

    len = ngx_cpymem(p + len, h->value.data, h->value.len) - p;

    /* also for $sent_http_location */

    ngx_str_set(&h->key, "Location");
    h->value.len = len;
    h->value.data = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_redirect_host(ngx_http_request_t *r, ngx_str_t *host)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->server_name_in_redirect) {
        cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
        *host = cscf->server_name;
        return NGX_OK;
    }

    if (r->headers_in.server.len) {
        *host = r->headers_in.server;
        return NGX_OK;
    }

    host->len = NGX_SOCKADDR_STRLEN;
    host->data = ngx_pnalloc(r->pool, NGX_SOCKADDR_STRLEN);

    if (host->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_connection_local_sockaddr(r->connection, host, 0);
}


static ngx_int_t
ngx_http_quic_output_vary(ngx_http_request_t *r, ngx_array_t *fields)
{
#if (NGX_HTTP_GZIP)

    ngx_http_core_loc_conf_t  *clcf;

    static ngx_str_t  value = ngx_string("Accept-Encoding");

    if (!r->gzip_vary) {
        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!clcf->gzip_vary) {
        r->gzip_vary = 0;
        return NGX_OK;
    }

    return ngx_http_quic_push(fields, "vary", &value);

#else

    return NGX_OK;

#endif
}


static ngx_int_t
ngx_http_quic_output_others(ngx_http_request_t *r, ngx_array_t *fields)
{
    return ngx_http_quic_output_list(r, fields, &r->headers_out.headers);
}


static ngx_int_t
ngx_http_quic_output_list(ngx_http_request_t *r, ngx_array_t *fields,
    ngx_list_t *list)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash
                && ngx_http_quic_output_line(r, fields, &h[i]) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_output_line(ngx_http_request_t *r, ngx_array_t *fields,
    ngx_table_elt_t *h)
{
    ngx_str_t    name;
    h3_field_t  *f;

    name.len = h->key.len;
    name.data = ngx_pnalloc(r->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(name.data, h->key.data, name.len);

    if (!h3_message_valid_name(&name)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "response header line \"%V\" has an invalid name, and "
                      "isn't sent", &h->key);
        return NGX_OK;
    }

    if (ngx_http_quic_is_one_of(ngx_http_quic_connection_fields, &name)) {
        return NGX_OK;
    }

    f = ngx_array_push(fields);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->name = name;
    f->value = h->value;
    f->never_index = ngx_http_quic_is_one_of(ngx_http_quic_secret_fields,
                                             &name);

    return NGX_OK;
}


/*
 * RFC 9110, 5.5: space around a value, as "add_header" may put there, isn't a
 * part of it.  HTTP/1's parsers drop the space; HTTP/3's drop the line.
 */

static void
ngx_http_quic_trim(ngx_str_t *value)
{
    u_char  *p;

    while (value->len && (*value->data == ' ' || *value->data == '\t')) {
        value->data++;
        value->len--;
    }

    for (p = value->data + value->len; value->len; value->len--) {
        p--;

        if (*p != ' ' && *p != '\t') {
            break;
        }
    }
}


static ngx_int_t
ngx_http_quic_push(ngx_array_t *fields, const char *name, ngx_str_t *value)
{
    h3_field_t  *f;

    f = ngx_array_push(fields);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->name.len = ngx_strlen(name);
    f->name.data = (u_char *) name;
    f->value = *value;
    f->never_index = 0;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_quic_is_one_of(const ngx_str_t *names, ngx_str_t *name)
{
    for ( /* void */ ; names->len; names++) {
        if (names->len == name->len
            && ngx_memcmp(names->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_quic_send_trailers(ngx_http_request_t *r)
{
    ngx_array_t  fields;

    if (r->headers_out.trailers.part.nelts == 0) {
        return NGX_DECLINED;
    }

    if (ngx_array_init(&fields, r->pool, 4, sizeof(h3_field_t)) != NGX_OK
        || ngx_http_quic_output_list(r, &fields, &r->headers_out.trailers)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (fields.nelts == 0) {
        return NGX_DECLINED;
    }

    return ngx_http_quic_send_fields(r, &fields, 1);
}


ngx_int_t
ngx_http_quic_send_continue(ngx_http_request_t *r)
{
    ngx_array_t  fields;

    static ngx_str_t  status = ngx_string("100");

    if (r->connection->error) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&fields, r->pool, 1, sizeof(h3_field_t)) != NGX_OK
        || ngx_http_quic_push(&fields, ":status", &status) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_quic_send_fields(r, &fields, 0) == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}


#if (NGX_HTTP_QUIC_EARLY_HINTS)

/* RFC 8297: what an upstream told before its response */

static ngx_int_t
ngx_http_quic_early_hints_filter(ngx_http_request_t *r)
{
    ngx_array_t  fields;

    static ngx_str_t  status = ngx_string("103");

    if (!ngx_http_quic_is_request(r)) {
        return ngx_http_next_early_hints_filter(r);
    }

    if (r != r->main || r->connection->error) {
        return NGX_OK;
    }

    if (ngx_array_init(&fields, r->pool, 4, sizeof(h3_field_t)) != NGX_OK
        || ngx_http_quic_push(&fields, ":status", &status) != NGX_OK
        || ngx_http_quic_output_others(r, &fields) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (fields.nelts == 1) {
        return NGX_OK;
    }

    return ngx_http_quic_send_fields(r, &fields, 0) == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}

#endif


static ngx_int_t
ngx_http_quic_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_quic_header_filter;

#if (NGX_HTTP_QUIC_EARLY_HINTS)
    ngx_http_next_early_hints_filter = ngx_http_top_early_hints_filter;
    ngx_http_top_early_hints_filter = ngx_http_quic_early_hints_filter;
#endif

    return NGX_OK;
}
