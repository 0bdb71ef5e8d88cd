
/*
 * Alt-Svc (RFC 7838; RFC 9114, 3.1): tells the clients of HTTP/1 and HTTP/2 that
 * the same server speaks HTTP/3.
 *
 *     http3_alt_svc on | off | value;
 *
 * "on", the default, does that by itself: responses over TLS of a server that
 * has a quic listener as well carry its port.  An operator's own Alt-Svc, by
 * add_header or from an upstream, is left alone.
 *
 * The filter stands outside of HTTP/2's, and inside of those that add headers.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic.h"


/* a day, as RFC 7838 has it for those who don't say */

#define NGX_HTTP_QUIC_ALT_SVC_FORMAT  "h3=\":%ui\"; ma=86400"


/* what says that a port speaks HTTP/3 */

typedef struct {
    in_port_t                  port;
    ngx_str_t                  value;
} ngx_http_quic_alt_svc_t;


typedef struct {
    ngx_array_t                services;     /* of ngx_http_quic_alt_svc_t */
} ngx_http_quic_alt_svc_srv_conf_t;


typedef struct {
    ngx_flag_t                 enable;
    ngx_http_complex_value_t  *value;        /* NULL: the server's own */
} ngx_http_quic_alt_svc_loc_conf_t;


static ngx_int_t ngx_http_quic_alt_svc_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_quic_alt_svc_value(ngx_http_request_t *r,
    ngx_str_t *value);

static void *ngx_http_quic_alt_svc_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_quic_alt_svc_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_quic_alt_svc_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_quic_alt_svc(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_quic_alt_svc_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_quic_alt_svc_add_listener(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener);
static ngx_int_t ngx_http_quic_alt_svc_add_port(ngx_conf_t *cf,
    ngx_array_t *services, in_port_t port);


static ngx_command_t  ngx_http_quic_alt_svc_commands[] = {

    { ngx_string("http3_alt_svc"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_quic_alt_svc,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_quic_alt_svc_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_quic_alt_svc_init,            /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_quic_alt_svc_create_srv_conf, /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_quic_alt_svc_create_loc_conf, /* create location configuration */
    ngx_http_quic_alt_svc_merge_loc_conf   /* merge location configuration */
};


ngx_module_t  ngx_http_quic_alt_svc_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_quic_alt_svc_filter_module_ctx,  /* module context */
    ngx_http_quic_alt_svc_commands,        /* module directives */
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


static ngx_int_t
ngx_http_quic_alt_svc_filter(ngx_http_request_t *r)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    /* "ssl" is never set for HTTP/3: nobody has to be told there */

    if (r != r->main
        || r->connection->ssl == NULL
        || ngx_http_quic_find_line(&r->headers_out.headers, "alt-svc"))
    {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_http_quic_alt_svc_value(r, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (value.len == 0) {
        return ngx_http_next_header_filter(r);
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Alt-Svc");
    h->lowcase_key = (u_char *) "alt-svc";
    h->value = value;

    return ngx_http_next_header_filter(r);
}


/* empty: none.  Of several ports that of the request's own is the best */

static ngx_int_t
ngx_http_quic_alt_svc_value(ngx_http_request_t *r, ngx_str_t *value)
{
    in_port_t                          port;
    ngx_uint_t                         i;
    ngx_http_quic_alt_svc_t           *service;
    ngx_http_quic_alt_svc_loc_conf_t  *alcf;
    ngx_http_quic_alt_svc_srv_conf_t  *ascf;

    alcf = ngx_http_get_module_loc_conf(r,
                                        ngx_http_quic_alt_svc_filter_module);

    ngx_str_null(value);

    if (!alcf->enable) {
        return NGX_OK;
    }

    if (alcf->value) {
        return ngx_http_complex_value(r, alcf->value, value);
    }

    ascf = ngx_http_get_module_srv_conf(r,
                                        ngx_http_quic_alt_svc_filter_module);

    port = ngx_inet_get_port(r->connection->listening->sockaddr);
    service = ascf->services.elts;

    for (i = 0; i < ascf->services.nelts; i++) {
        if (i == 0 || service[i].port == port) {
            *value = service[i].value;
        }
    }

    return NGX_OK;
}


static void *
ngx_http_quic_alt_svc_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_quic_alt_svc_srv_conf_t  *ascf;

    ascf = ngx_palloc(cf->pool, sizeof(ngx_http_quic_alt_svc_srv_conf_t));

    if (ascf == NULL
        || ngx_array_init(&ascf->services, cf->pool, 1,
                          sizeof(ngx_http_quic_alt_svc_t))
           != NGX_OK)
    {
        return NULL;
    }

    return ascf;
}


static void *
ngx_http_quic_alt_svc_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_quic_alt_svc_loc_conf_t  *alcf;

    alcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_quic_alt_svc_loc_conf_t));
    if (alcf == NULL) {
        return NULL;
    }

    alcf->enable = NGX_CONF_UNSET;

    return alcf;
}


static char *
ngx_http_quic_alt_svc_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_quic_alt_svc_loc_conf_t *prev = parent;
    ngx_http_quic_alt_svc_loc_conf_t *conf = child;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->value = prev->value;
    }

    ngx_conf_merge_value(conf->enable, prev->enable, 1);

    return NGX_CONF_OK;
}


static char *
ngx_http_quic_alt_svc(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_quic_alt_svc_loc_conf_t *alcf = conf;

    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (alcf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    alcf->enable = (ngx_strcmp(value[1].data, "off") != 0);

    if (!alcf->enable || ngx_strcmp(value[1].data, "on") == 0) {
        return NGX_CONF_OK;
    }

    alcf->value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (alcf->value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = alcf->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_quic_alt_svc_init(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_quic_listener_t   **listener;
    ngx_http_quic_main_conf_t   *qmcf;

    qmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_quic_module);
    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        if (ngx_http_quic_alt_svc_add_listener(cf, listener[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_quic_alt_svc_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_alt_svc_add_listener(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener)
{
    in_port_t                           port;
    ngx_uint_t                          i, n;
    ngx_http_conf_ctx_t                *ctx;
    ngx_http_core_srv_conf_t          **server;
    ngx_http_quic_srv_conf_t           *qscf;
    ngx_http_quic_alt_svc_srv_conf_t   *ascf;

    n = ngx_http_quic_alt_svc_filter_module.ctx_index;
    port = ngx_inet_get_port(listener->sockaddr);
    server = listener->servers.elts;

    for (i = 0; i < listener->servers.nelts; i++) {
        ctx = server[i]->ctx;
        qscf = ctx->srv_conf[ngx_http_quic_module.ctx_index];
        ascf = ctx->srv_conf[n];

        if (qscf->http3
            && ngx_http_quic_alt_svc_add_port(cf, &ascf->services, port)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_alt_svc_add_port(ngx_conf_t *cf, ngx_array_t *services,
    in_port_t port)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_http_quic_alt_svc_t  *service;

    service = services->elts;

    for (i = 0; i < services->nelts; i++) {
        if (service[i].port == port) {
            return NGX_OK;
        }
    }

    service = ngx_array_push(services);

    p = ngx_pnalloc(cf->pool, sizeof(NGX_HTTP_QUIC_ALT_SVC_FORMAT) + 5);

    if (service == NULL || p == NULL) {
        return NGX_ERROR;
    }

    service->port = port;
    service->value.data = p;
    service->value.len = ngx_sprintf(p, NGX_HTTP_QUIC_ALT_SVC_FORMAT,
                                     (ngx_uint_t) port)
                         - p;

    return NGX_OK;
}
