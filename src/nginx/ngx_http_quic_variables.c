
/*
 * Variables.  $http3 is ours; others are nginx's own and look at a TLS
 * connection of nginx's OpenSSL, which our requests don't have: their handlers
 * are wrapped, and for other requests still called.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


/* empty: not found; the string lives as long as the request */

typedef void (*ngx_http_quic_value_pt)(ngx_http_quic_request_t *qr,
    ngx_str_t *value);


typedef struct {
    ngx_str_t                 name;
    ngx_http_quic_value_pt    value;
} ngx_http_quic_variable_t;


/* of one configuration: a variable's data */

typedef struct {
    ngx_http_quic_value_pt    value;
    ngx_http_get_variable_pt  handler;   /* nginx's, or NULL */
    uintptr_t                 data;
} ngx_http_quic_wrapper_t;


static ngx_int_t ngx_http_quic_wrap(ngx_conf_t *cf, ngx_http_variable_t *v,
    ngx_http_quic_value_pt value);
static ngx_http_variable_t *ngx_http_quic_find_variable(ngx_conf_t *cf,
    const ngx_str_t *name);
static ngx_int_t ngx_http_quic_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static void ngx_http_quic_value_http3(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_scheme(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_https(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_protocol(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_cipher(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_curve(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_server_name(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_reused(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_early(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static void ngx_http_quic_value_verify(ngx_http_quic_request_t *qr,
    ngx_str_t *value);
static quic_tls_t *ngx_http_quic_tls(ngx_http_quic_request_t *qr);
static void ngx_http_quic_copy_name(ngx_http_quic_request_t *qr,
    const char *name, ngx_str_t *value);


static ngx_str_t  ngx_http_quic_http3 = ngx_string("http3");


static const ngx_http_quic_variable_t  ngx_http_quic_variables[] = {
    { ngx_string("http3"), ngx_http_quic_value_http3 },
    { ngx_string("scheme"), ngx_http_quic_value_scheme },
    { ngx_string("https"), ngx_http_quic_value_https },
    { ngx_string("ssl_protocol"), ngx_http_quic_value_protocol },
    { ngx_string("ssl_cipher"), ngx_http_quic_value_cipher },
    { ngx_string("ssl_curve"), ngx_http_quic_value_curve },
    { ngx_string("ssl_server_name"), ngx_http_quic_value_server_name },
    { ngx_string("ssl_alpn_protocol"), ngx_http_quic_value_http3 },
    { ngx_string("ssl_session_reused"), ngx_http_quic_value_reused },
    { ngx_string("ssl_early_data"), ngx_http_quic_value_early },
    { ngx_string("ssl_client_verify"), ngx_http_quic_value_verify },
    { ngx_null_string, NULL }
};


/*
 * Changeable, so that an nginx with HTTP/3 built in may add it again; what it
 * sets is wrapped like the others.
 */

ngx_int_t
ngx_http_quic_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *v;

    v = ngx_http_add_variable(cf, &ngx_http_quic_http3,
                              NGX_HTTP_VAR_CHANGEABLE);
    if (v == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_quic_wrap(cf, v, ngx_http_quic_value_http3);
}


ngx_int_t
ngx_http_quic_variables_wrap(ngx_conf_t *cf)
{
    ngx_http_variable_t             *v;
    const ngx_http_quic_variable_t  *var;

    for (var = ngx_http_quic_variables; var->name.len; var++) {
        v = ngx_http_quic_find_variable(cf, &var->name);

        if (v == NULL || v->get_handler == ngx_http_quic_variable) {
            continue;
        }

        if (ngx_http_quic_wrap(cf, v, var->value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_wrap(ngx_conf_t *cf, ngx_http_variable_t *v,
    ngx_http_quic_value_pt value)
{
    ngx_http_quic_wrapper_t  *w;

    w = ngx_palloc(cf->pool, sizeof(ngx_http_quic_wrapper_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->value = value;
    w->handler = v->get_handler;
    w->data = v->data;

    v->get_handler = ngx_http_quic_variable;
    v->data = (uintptr_t) w;

    return NGX_OK;
}


static ngx_http_variable_t *
ngx_http_quic_find_variable(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncmp(key[i].key.data, name->data, name->len) == 0)
        {
            return key[i].value;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_quic_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                 value;
    ngx_http_quic_request_t  *qr;
    ngx_http_quic_wrapper_t  *w;

    w = (ngx_http_quic_wrapper_t *) data;
    qr = ngx_http_quic_get_request(r);

    if (qr == NULL) {

        if (w->handler) {
            return w->handler(r, v, w->data);
        }

        *v = ngx_http_variable_null_value;

        return NGX_OK;
    }

    ngx_str_null(&value);
    w->value(qr, &value);

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->data = value.data;

    return NGX_OK;
}


static void
ngx_http_quic_value_http3(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_set(value, "h3");
}


static void
ngx_http_quic_value_scheme(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_set(value, "https");
}


static void
ngx_http_quic_value_https(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_set(value, "on");
}


static void
ngx_http_quic_value_protocol(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_set(value, "TLSv1.3");
}


static void
ngx_http_quic_value_cipher(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls) {
        ngx_http_quic_copy_name(qr, quic_tls_cipher(tls), value);
    }
}


static void
ngx_http_quic_value_curve(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls) {
        ngx_http_quic_copy_name(qr, quic_tls_group(tls), value);
    }
}


static void
ngx_http_quic_value_server_name(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_t    name;
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);
    if (tls == NULL) {
        return;
    }

    name = quic_tls_server_name(tls);

    value->data = ngx_pstrdup(qr->main->pool, &name);
    value->len = value->data ? name.len : 0;
}


static void
ngx_http_quic_value_reused(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);
    if (tls == NULL) {
        return;
    }

    if (quic_tls_resumed(tls)) {
        ngx_str_set(value, "r");

    } else {
        ngx_str_set(value, ".");
    }
}


static void
ngx_http_quic_value_early(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    if (qr->session && quic_conn_early(qr->session->conn)) {
        ngx_str_set(value, "1");
    }
}


/* no certificate is asked for */

static void
ngx_http_quic_value_verify(ngx_http_quic_request_t *qr, ngx_str_t *value)
{
    ngx_str_set(value, "NONE");
}


/* NULL: the connection has ended */

static quic_tls_t *
ngx_http_quic_tls(ngx_http_quic_request_t *qr)
{
    return qr->session ? quic_conn_tls(qr->session->conn) : NULL;
}


static void
ngx_http_quic_copy_name(ngx_http_quic_request_t *qr, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  s;

    s.len = ngx_strlen(name);
    s.data = (u_char *) name;

    value->data = ngx_pstrdup(qr->main->pool, &s);
    value->len = value->data ? s.len : 0;
}
