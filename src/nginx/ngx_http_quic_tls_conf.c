
/*
 * What the ssl_* directives of a server block mean for its TLS context: they
 * were written for nginx's OpenSSL and TCP.  What can't mean the same is an
 * error where safety hangs on it, and a warning elsewhere.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"


#if (NGX_HTTP_SSL)

/* what OpenSSL's packages demand, should nginx's not be found */
#define NGX_HTTP_QUIC_SECURITY_LEVEL  2


/* "value" is the command's.  NGX_OK, or NGX_ERROR, logged */

typedef ngx_int_t (*ngx_http_quic_command_pt)(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *value);


/* OpenSSL's SSL_CTX_get_security_level() */

typedef int (*ngx_http_quic_level_pt)(const void *ssl_ctx);


typedef struct {
    ngx_str_t                 name;
    ngx_http_quic_command_pt  handler;   /* NULL: it means nothing here */
} ngx_http_quic_command_t;


typedef struct {
    ngx_str_t                 name;
    const char               *instead;   /* what does the same, or NULL */
} ngx_http_quic_option_t;


static ngx_int_t ngx_http_quic_conf_protocols(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_ssl_srv_conf_t *sscf);
static ngx_int_t ngx_http_quic_conf_groups(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *list);
static ngx_int_t ngx_http_quic_conf_verify(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_ssl_srv_conf_t *sscf);
static ngx_uint_t ngx_http_quic_conf_level(ngx_http_ssl_srv_conf_t *sscf);
static ngx_int_t ngx_http_quic_conf_stapling(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_ssl_srv_conf_t *sscf);
static ngx_int_t ngx_http_quic_conf_commands(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_ssl_srv_conf_t *sscf);
static ngx_int_t ngx_http_quic_conf_command(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_keyval_t *kv);
static ngx_int_t ngx_http_quic_conf_suites(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *value);
static ngx_int_t ngx_http_quic_conf_max_protocol(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *value);
static ngx_int_t ngx_http_quic_conf_options(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *value);
static ngx_int_t ngx_http_quic_conf_option(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *name);
static ngx_uint_t ngx_http_quic_conf_is(ngx_str_t *a, ngx_str_t *b);
static ngx_int_t ngx_http_quic_conf_path(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *path);


/* commands of SSL_CONF_cmd(); those that aren't here are refused */

static ngx_http_quic_command_t  ngx_http_quic_conf_commands_known[] = {
    { ngx_string("Ciphersuites"), ngx_http_quic_conf_suites },
    { ngx_string("Groups"), ngx_http_quic_conf_groups },
    { ngx_string("Curves"), ngx_http_quic_conf_groups },
    { ngx_string("MaxProtocol"), ngx_http_quic_conf_max_protocol },
    { ngx_string("Options"), ngx_http_quic_conf_options },

    /* TLS 1.3 or QUIC have nothing like it */

    { ngx_string("MinProtocol"), NULL },
    { ngx_string("CipherString"), NULL },
    { ngx_string("ECDHParameters"), NULL },
    { ngx_string("DHParameters"), NULL },
    { ngx_string("RecordPadding"), NULL },
    { ngx_null_string, NULL }
};


/* options that others than TLS 1.2 and TCP know; those aren't mentioned */

static ngx_http_quic_option_t  ngx_http_quic_conf_options_known[] = {
    { ngx_string("-SessionTicket"), "\"ssl_session_tickets off\"" },
    { ngx_string("ServerPreference"), "\"ssl_prefer_server_ciphers on\"" },
    { ngx_string("PrioritizeChaCha"), NULL },
    { ngx_string("-CANames"), NULL },
    { ngx_null_string, NULL }
};


ngx_int_t
ngx_http_quic_tls_settings(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_quic_srv_conf_t  *qscf;

    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    if (ngx_http_quic_conf_protocols(cf, cscf, sscf) != NGX_OK
        || ngx_http_quic_conf_groups(cf, cscf, &sscf->ecdh_curve) != NGX_OK
        || ngx_http_quic_conf_verify(cf, cscf, sscf) != NGX_OK
        || ngx_http_quic_conf_stapling(cf, cscf, sscf) != NGX_OK
        || ngx_http_quic_conf_commands(cf, cscf, sscf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (sscf->prefer_server_ciphers) {
        quic_tls_ctx_prefer(qscf->tls);
    }

    if (qscf->key_log) {
        quic_tls_ctx_key_log(qscf->tls, ngx_http_quic_key_log_write,
                             qscf->key_log);
    }

    if (ngx_http_quic_ech_files(sscf)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"ssl_ech_file\" is ignored by "
                      "the \"listen ... quic\" directive in %s:%ui",
                      cscf->file_name, cscf->line);
    }

    return NGX_OK;
}


/*
 * Where nobody has named versions, nginx before 1.23.4 leaves out TLS 1.3; the
 * bit tells that.
 */

static ngx_int_t
ngx_http_quic_conf_protocols(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf)
{
    if (sscf->protocols & (NGX_SSL_TLSv1_3|NGX_CONF_BITMASK_SET)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"ssl_protocols\" must enable TLSv1.3 for "
                  "the \"listen ... quic\" directive in %s:%ui",
                  cscf->file_name, cscf->line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_quic_conf_groups(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *list)
{
    ngx_str_t                  unknown;
    ngx_http_quic_srv_conf_t  *qscf;

    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    switch (quic_tls_ctx_groups(qscf->tls, list, &unknown)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "group \"%V\" in \"%V\" is ignored by "
                      "the \"listen ... quic\" directive in %s:%ui, "
                      "whose TLS library doesn't have it",
                      &unknown, list, cscf->file_name, cscf->line);
        return NGX_OK;

    default:
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the TLS library of the \"listen ... quic\" directive "
                      "in %s:%ui has none of the groups in \"%V\"",
                      cscf->file_name, cscf->line, list);
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_quic_conf_verify(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf)
{
    quic_tls_verify_t          verify;
    ngx_http_quic_srv_conf_t  *qscf;

    if (sscf->verify == NGX_HTTP_QUIC_VERIFY_OFF) {
        return NGX_OK;
    }

    if (sscf->ocsp) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"ssl_ocsp\" is not supported by "
                      "the \"listen ... quic\" directive in %s:%ui",
                      cscf->file_name, cscf->line);
        return NGX_ERROR;
    }

    if (ngx_http_quic_conf_path(cf, &sscf->client_certificate, &verify.client)
           != NGX_OK
        || ngx_http_quic_conf_path(cf, &sscf->trusted_certificate,
                                   &verify.trusted)
           != NGX_OK
        || ngx_http_quic_conf_path(cf, &sscf->crl, &verify.crl) != NGX_OK)
    {
        return NGX_ERROR;
    }

    verify.depth = sscf->verify_depth;
    verify.level = ngx_http_quic_conf_level(sscf);
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    return quic_tls_ctx_verify(qscf->tls, &verify, cf->log);
}


/*
 * The security level of the same server with TCP, which openssl.cnf and
 * "@SECLEVEL=" in ssl_ciphers set: nginx's OpenSSL knows it.  This module isn't
 * linked to that.
 */

static ngx_uint_t
ngx_http_quic_conf_level(ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_http_quic_level_pt  level;

    level = (ngx_http_quic_level_pt) (uintptr_t)
                              dlsym(RTLD_DEFAULT, "SSL_CTX_get_security_level");

    if (level == NULL || sscf->ssl.ctx == NULL) {
        return NGX_HTTP_QUIC_SECURITY_LEVEL;
    }

    return level(sscf->ssl.ctx);
}


/*
 * A response is one certificate's.  Which one comes with a handshake isn't
 * known here, and nginx staples nothing to those either.
 */

static ngx_int_t
ngx_http_quic_conf_stapling(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_str_t                  path;
    ngx_http_quic_srv_conf_t  *qscf;

    if (!sscf->stapling) {
        return NGX_OK;
    }

    if (sscf->certificate_values) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"ssl_stapling\" is ignored by "
                      "the \"listen ... quic\" directive in %s:%ui, "
                      "where \"ssl_certificate\" has variables",
                      cscf->file_name, cscf->line);
        return NGX_OK;
    }

    if (sscf->stapling_file.len == 0) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"ssl_stapling\" without \"ssl_stapling_file\" is "
                      "ignored by the \"listen ... quic\" directive in %s:%ui",
                      cscf->file_name, cscf->line);
        return NGX_OK;
    }

    if (ngx_http_quic_conf_path(cf, &sscf->stapling_file, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    return quic_tls_ctx_staple(qscf->tls, &path, cf->log);
}


static ngx_int_t
ngx_http_quic_conf_commands(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (sscf->conf_commands == NULL) {
        return NGX_OK;
    }

    kv = sscf->conf_commands->elts;

    for (i = 0; i < sscf->conf_commands->nelts; i++) {
        if (ngx_http_quic_conf_command(cf, cscf, &kv[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_conf_command(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_keyval_t *kv)
{
    ngx_http_quic_command_t  *command;

    for (command = ngx_http_quic_conf_commands_known;
         command->name.len;
         command++)
    {
        if (ngx_http_quic_conf_is(&kv->key, &command->name)) {
            return command->handler ? command->handler(cf, cscf, &kv->value)
                                    : NGX_OK;
        }
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"ssl_conf_command %V\" is not supported by "
                  "the \"listen ... quic\" directive in %s:%ui",
                  &kv->key, cscf->file_name, cscf->line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_quic_conf_suites(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *value)
{
    ngx_http_quic_srv_conf_t  *qscf;

    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    switch (quic_tls_ctx_suites(qscf->tls, value)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"ssl_conf_command Ciphersuites\" allows more than "
                      "the \"listen ... quic\" directive in %s:%ui will use: "
                      "%s", cscf->file_name, cscf->line,
                      quic_tls_possible_suites());
        return NGX_OK;

    default:
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"ssl_conf_command Ciphersuites %V\" is not supported "
                      "by the \"listen ... quic\" directive in %s:%ui: %s",
                      value, cscf->file_name, cscf->line,
                      quic_tls_possible_suites());
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_quic_conf_max_protocol(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *value)
{
    static ngx_str_t  good[] = { ngx_string("TLSv1.3"), ngx_string("None") };

    if (ngx_http_quic_conf_is(value, &good[0])
        || ngx_http_quic_conf_is(value, &good[1]))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"ssl_conf_command MaxProtocol\" must enable TLSv1.3 for "
                  "the \"listen ... quic\" directive in %s:%ui",
                  cscf->file_name, cscf->line);

    return NGX_ERROR;
}


/* "-SessionTicket,ServerPreference": separated by commas */

static ngx_int_t
ngx_http_quic_conf_options(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t   name;

    last = value->data + value->len;

    for (p = value->data; p < last; p = name.data + name.len + 1) {

        while (p < last && (*p == ' ' || *p == '+')) {
            p++;
        }

        name.data = p;

        while (p < last && *p != ',' && *p != ' ') {
            p++;
        }

        name.len = p - name.data;

        if (ngx_http_quic_conf_option(cf, cscf, &name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_conf_option(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *name)
{
    ngx_http_quic_option_t  *option;

    for (option = ngx_http_quic_conf_options_known;
         option->name.len;
         option++)
    {
        if (!ngx_http_quic_conf_is(name, &option->name)) {
            continue;
        }

        if (option->instead) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"ssl_conf_command Options %V\" is not supported "
                          "by the \"listen ... quic\" directive in %s:%ui, "
                          "%s is",
                          name, cscf->file_name, cscf->line, option->instead);
            return NGX_ERROR;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"ssl_conf_command Options %V\" is ignored by "
                      "the \"listen ... quic\" directive in %s:%ui",
                      name, cscf->file_name, cscf->line);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_quic_conf_is(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}


static ngx_int_t
ngx_http_quic_conf_path(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *path)
{
    *path = *name;

    if (path->len == 0) {
        return NGX_OK;
    }

    return ngx_conf_full_name(cf->cycle, path, 1);
}

#endif
