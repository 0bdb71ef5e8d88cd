
/*
 * Variables.  $http3 is ours; others are nginx's own and look at a TLS
 * connection of nginx's OpenSSL, which our requests don't have: their handlers
 * are wrapped, and for other requests still called.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "nginx/ngx_http_quic_request.h"


/*
 * Empty: not found; the string lives as long as the request.  "what" is the
 * variable's in the table.
 */

typedef void (*ngx_http_quic_value_pt)(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);


typedef struct {
    ngx_str_t                 name;
    ngx_http_quic_value_pt    value;
    ngx_uint_t                what;
} ngx_http_quic_variable_t;


/* ngx_http_quic_value_choice() */

typedef const char *(*ngx_http_quic_choice_pt)(quic_tls_t *tls);


enum {
    NGX_HTTP_QUIC_CIPHER = 0,
    NGX_HTTP_QUIC_GROUP,
    NGX_HTTP_QUIC_SIGALG,
    NGX_HTTP_QUIC_CLIENT_SIGALG
};


/* of one configuration: a variable's data */

typedef struct {
    ngx_http_quic_value_pt    value;
    ngx_uint_t                what;
    ngx_http_get_variable_pt  handler;   /* nginx's, or NULL */
    uintptr_t                 data;
} ngx_http_quic_wrapper_t;


static ngx_int_t ngx_http_quic_wrap(ngx_conf_t *cf, ngx_http_variable_t *v,
    const ngx_http_quic_variable_t *var);
static ngx_http_variable_t *ngx_http_quic_find_variable(ngx_conf_t *cf,
    const ngx_str_t *name);
static ngx_int_t ngx_http_quic_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static void ngx_http_quic_value_http3(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_scheme(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_https(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_protocol(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_choice(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_server_name(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_session_id(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_reused(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_early(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_offered(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_verify(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_cert(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_escaped_cert(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_client(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static void ngx_http_quic_value_remain(ngx_http_quic_request_t *qr,
    ngx_uint_t what, ngx_str_t *value);
static quic_tls_t *ngx_http_quic_tls(ngx_http_quic_request_t *qr);
static void ngx_http_quic_take_text(ngx_http_quic_request_t *qr,
    ngx_str_t *text, ngx_str_t *value);


static ngx_str_t  ngx_http_quic_http3 = ngx_string("http3");


static const ngx_http_quic_choice_pt  ngx_http_quic_choices[] = {
    [NGX_HTTP_QUIC_CIPHER] = quic_tls_cipher,
    [NGX_HTTP_QUIC_GROUP] = quic_tls_group,
    [NGX_HTTP_QUIC_SIGALG] = quic_tls_sigalg,
    [NGX_HTTP_QUIC_CLIENT_SIGALG] = quic_tls_client_sigalg
};


static const ngx_http_quic_variable_t  ngx_http_quic_variables[] = {
    { ngx_string("http3"), ngx_http_quic_value_http3, 0 },
    { ngx_string("scheme"), ngx_http_quic_value_scheme, 0 },
    { ngx_string("https"), ngx_http_quic_value_https, 0 },

    { ngx_string("ssl_protocol"), ngx_http_quic_value_protocol, 0 },
    { ngx_string("ssl_cipher"),
      ngx_http_quic_value_choice, NGX_HTTP_QUIC_CIPHER },
    { ngx_string("ssl_ciphers"), ngx_http_quic_value_offered, 0 },
    { ngx_string("ssl_curve"),
      ngx_http_quic_value_choice, NGX_HTTP_QUIC_GROUP },
    { ngx_string("ssl_curves"), ngx_http_quic_value_offered, 1 },
    { ngx_string("ssl_sigalg"),
      ngx_http_quic_value_choice, NGX_HTTP_QUIC_SIGALG },
    { ngx_string("ssl_client_sigalg"),
      ngx_http_quic_value_choice, NGX_HTTP_QUIC_CLIENT_SIGALG },
    { ngx_string("ssl_server_name"), ngx_http_quic_value_server_name, 0 },
    { ngx_string("ssl_alpn_protocol"), ngx_http_quic_value_http3, 0 },
    { ngx_string("ssl_session_id"), ngx_http_quic_value_session_id, 0 },
    { ngx_string("ssl_session_reused"), ngx_http_quic_value_reused, 0 },
    { ngx_string("ssl_early_data"), ngx_http_quic_value_early, 0 },

    { ngx_string("ssl_client_verify"), ngx_http_quic_value_verify, 0 },
    { ngx_string("ssl_client_cert"), ngx_http_quic_value_cert, 0 },
    { ngx_string("ssl_client_escaped_cert"),
      ngx_http_quic_value_escaped_cert, 0 },
    { ngx_string("ssl_client_raw_cert"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_PEM },
    { ngx_string("ssl_client_s_dn"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_SUBJECT },
    { ngx_string("ssl_client_i_dn"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_ISSUER },
    { ngx_string("ssl_client_s_dn_legacy"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_SUBJECT_LEGACY },
    { ngx_string("ssl_client_i_dn_legacy"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_ISSUER_LEGACY },
    { ngx_string("ssl_client_serial"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_SERIAL },
    { ngx_string("ssl_client_fingerprint"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_FINGERPRINT },
    { ngx_string("ssl_client_v_start"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_START },
    { ngx_string("ssl_client_v_end"),
      ngx_http_quic_value_client, QUIC_TLS_CLIENT_END },
    { ngx_string("ssl_client_v_remain"), ngx_http_quic_value_remain, 0 },

    { ngx_null_string, NULL, 0 }
};


/*
 * The preconfiguration would be too early, as the core makes the table of
 * variables in its own, which comes after ours.  Names are looked up when all
 * modules' postconfiguration is done.
 */

ngx_int_t
ngx_http_quic_variables_init(ngx_conf_t *cf)
{
    ngx_http_variable_t             *v;
    const ngx_http_quic_variable_t  *var;

    /* an nginx with HTTP/3 built in has added it itself */

    if (ngx_http_quic_find_variable(cf, &ngx_http_quic_http3) == NULL
        && ngx_http_add_variable(cf, &ngx_http_quic_http3, 0) == NULL)
    {
        return NGX_ERROR;
    }

    for (var = ngx_http_quic_variables; var->name.len; var++) {
        v = ngx_http_quic_find_variable(cf, &var->name);

        if (v && ngx_http_quic_wrap(cf, v, var) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_wrap(ngx_conf_t *cf, ngx_http_variable_t *v,
    const ngx_http_quic_variable_t *var)
{
    ngx_http_quic_wrapper_t  *w;

    w = ngx_palloc(cf->pool, sizeof(ngx_http_quic_wrapper_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->value = var->value;
    w->what = var->what;
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
    w->value(qr, w->what, &value);

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
ngx_http_quic_value_http3(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_set(value, "h3");
}


static void
ngx_http_quic_value_scheme(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_set(value, "https");
}


static void
ngx_http_quic_value_https(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_set(value, "on");
}


static void
ngx_http_quic_value_protocol(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_set(value, "TLSv1.3");
}


/* what: a name of something that the handshake has chosen */

static void
ngx_http_quic_value_choice(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_t    name;
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);
    if (tls == NULL) {
        return;
    }

    name.data = (u_char *) ngx_http_quic_choices[what](tls);
    name.len = ngx_strlen(name.data);

    value->data = ngx_pstrdup(qr->main->pool, &name);
    value->len = value->data ? name.len : 0;
}


static void
ngx_http_quic_value_server_name(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
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
ngx_http_quic_value_session_id(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    u_char      *p, id[QUIC_TLS_ID_LEN];
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls == NULL || quic_tls_id(tls, id) != NGX_OK) {
        return;
    }

    p = ngx_pnalloc(qr->main->pool, 2 * QUIC_TLS_ID_LEN);
    if (p == NULL) {
        return;
    }

    value->data = p;
    value->len = ngx_hex_dump(p, id, QUIC_TLS_ID_LEN) - p;
}


static void
ngx_http_quic_value_reused(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
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
ngx_http_quic_value_early(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    if (qr->session && quic_conn_early(qr->session->conn)) {
        ngx_str_set(value, "1");
    }
}


/* what: groups, or suites */

static void
ngx_http_quic_value_offered(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_t    text;
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls && quic_tls_offered_text(tls, what, &text) == NGX_OK) {
        ngx_http_quic_take_text(qr, &text, value);
    }
}


static void
ngx_http_quic_value_verify(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    long         code;
    u_char      *p;
    quic_tls_t  *tls;
    const char  *text;

    tls = ngx_http_quic_tls(qr);
    if (tls == NULL) {
        return;
    }

    switch (quic_tls_verdict(tls, &code, &text)) {

    case NGX_OK:
        ngx_str_set(value, "SUCCESS");
        return;

    case NGX_DECLINED:
        ngx_str_set(value, "NONE");
        return;

    default:
        break;
    }

    p = ngx_pnalloc(qr->main->pool, sizeof("FAILED:") - 1 + ngx_strlen(text));
    if (p == NULL) {
        return;
    }

    value->data = p;
    value->len = ngx_sprintf(p, "FAILED:%s", text) - p;
}


static void
ngx_http_quic_value_client(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    ngx_str_t    text;
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls && quic_tls_client_text(tls, what, &text) == NGX_OK) {
        ngx_http_quic_take_text(qr, &text, value);
    }
}


/* for use in a header line: each line but the first begins with a tab */

static void
ngx_http_quic_value_cert(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    u_char      *p;
    size_t       i, len;
    ngx_str_t    raw;

    ngx_str_null(&raw);
    ngx_http_quic_value_client(qr, QUIC_TLS_CLIENT_PEM, &raw);

    if (raw.len == 0) {
        return;
    }

    raw.len--;
    len = raw.len;

    for (i = 0; i < raw.len; i++) {
        len += (raw.data[i] == LF);
    }

    p = ngx_pnalloc(qr->main->pool, len);
    if (p == NULL) {
        return;
    }

    value->data = p;
    value->len = len;

    for (i = 0; i < raw.len; i++) {
        *p++ = raw.data[i];

        if (raw.data[i] == LF) {
            *p++ = '\t';
        }
    }
}


static void
ngx_http_quic_value_escaped_cert(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   raw;
    uintptr_t   n;

    ngx_str_null(&raw);
    ngx_http_quic_value_client(qr, QUIC_TLS_CLIENT_PEM, &raw);

    if (raw.len == 0) {
        return;
    }

    n = ngx_escape_uri(NULL, raw.data, raw.len, NGX_ESCAPE_URI_COMPONENT);

    p = ngx_pnalloc(qr->main->pool, raw.len + 2 * n);
    if (p == NULL) {
        return;
    }

    ngx_escape_uri(p, raw.data, raw.len, NGX_ESCAPE_URI_COMPONENT);

    value->data = p;
    value->len = raw.len + 2 * n;
}


/* days, rounded down */

static void
ngx_http_quic_value_remain(ngx_http_quic_request_t *qr, ngx_uint_t what,
    ngx_str_t *value)
{
    time_t       now, end;
    u_char      *p;
    quic_tls_t  *tls;

    tls = ngx_http_quic_tls(qr);

    if (tls == NULL || quic_tls_client_expires(tls, &end) != NGX_OK) {
        return;
    }

    now = ngx_time();

    p = ngx_pnalloc(qr->main->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return;
    }

    value->data = p;
    value->len = ngx_sprintf(p, "%T", end > now ? (end - now) / 86400 : 0) - p;
}


/* gone() has left it to the request; NULL only at the request's very end */

static quic_tls_t *
ngx_http_quic_tls(ngx_http_quic_request_t *qr)
{
    return qr->session ? quic_conn_tls(qr->session->conn) : qr->tls;
}


static void
ngx_http_quic_take_text(ngx_http_quic_request_t *qr, ngx_str_t *text,
    ngx_str_t *value)
{
    if (text->len == 0) {
        return;
    }

    value->data = ngx_pstrdup(qr->main->pool, text);
    value->len = value->data ? text->len : 0;

    quic_tls_text_free(text);
}
