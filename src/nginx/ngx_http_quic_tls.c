
/*
 * TLS of the server blocks: a context for each one that a quic listener
 * reaches, made from the ssl_* directives that are there for TCP already, and
 * the choice of the server block by the name in the ClientHello.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "wire/quic_error.h"


/* a name in DNS has 253 characters at most */
#define NGX_HTTP_QUIC_MAX_NAME      255

/* RFC 7301, 3.2 */
#define NGX_HTTP_QUIC_NO_ALPN_ALERT 120


#if (NGX_HTTP_SSL)

static ngx_int_t ngx_http_quic_tls_check(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener);
static ngx_uint_t ngx_http_quic_tls_verifies(ngx_http_ssl_srv_conf_t *dflt,
    ngx_http_ssl_srv_conf_t *sscf);
static ngx_uint_t ngx_http_quic_tls_is_same(ngx_str_t *a, ngx_str_t *b);
static ngx_int_t ngx_http_quic_tls_no_certificate(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, const char *why);
static ngx_int_t ngx_http_quic_tls_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static ngx_int_t ngx_http_quic_tls_create(ngx_conf_t *cf,
    ngx_http_quic_srv_conf_t *qscf);
static void ngx_http_quic_tls_cleanup(void *data);
static ngx_int_t ngx_http_quic_tls_certificates(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static ngx_int_t ngx_http_quic_tls_certificate(ngx_conf_t *cf,
    quic_tls_ctx_t *ctx, ngx_str_t *cert, ngx_str_t *key,
    ngx_array_t *passwords);
static ngx_uint_t ngx_http_quic_tls_rejects(ngx_http_conf_ctx_t *server);
static ngx_int_t ngx_http_quic_tls_dynamic(ngx_http_quic_session_t *s,
    ngx_uint_t good);

#endif

static ngx_int_t ngx_http_quic_tls_choose(ngx_http_quic_session_t *s,
    ngx_str_t *host);
static ngx_int_t ngx_http_quic_tls_normalize(ngx_str_t *name, u_char *buf,
    ngx_str_t *host);


#if (NGX_HTTP_SSL)

ngx_int_t
ngx_http_quic_tls_init(ngx_conf_t *cf, ngx_http_quic_listener_t *listener)
{
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **server;

    if (ngx_http_quic_tls_check(cf, listener) != NGX_OK) {
        return NGX_ERROR;
    }

    server = listener->servers.elts;

    for (i = 0; i < listener->servers.nelts; i++) {
        if (ngx_http_quic_tls_server(cf, server[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * As nginx has it for "listen ... ssl": a server without a certificate can do
 * with the default server's; only if that one refuses to do a handshake at
 * all, every other has to have one, or to refuse likewise.
 *
 * What a client is asked for, and checked against, is then the default
 * server's as well.
 */

static ngx_int_t
ngx_http_quic_tls_check(ngx_conf_t *cf, ngx_http_quic_listener_t *listener)
{
    ngx_uint_t                  i;
    ngx_http_ssl_srv_conf_t    *sscf, *dflt;
    ngx_http_core_srv_conf_t   *cscf, **server;

    cscf = listener->conf.default_server;
    dflt = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    if (dflt->certificates == NULL && !dflt->reject_handshake) {
        return ngx_http_quic_tls_no_certificate(cf, cscf, "");
    }

    server = listener->servers.elts;

    for (i = 0; i < listener->servers.nelts; i++) {
        sscf = server[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        if (sscf->certificates || sscf->reject_handshake) {
            continue;
        }

        if (dflt->certificates == NULL) {
            return ngx_http_quic_tls_no_certificate(cf, server[i], "");
        }

        if (!ngx_http_quic_tls_verifies(dflt, sscf)) {
            return ngx_http_quic_tls_no_certificate(cf, server[i],
                          ", whose \"ssl_verify_client\" asks for something "
                          "else than the default server's");
        }
    }

    return NGX_OK;
}


/*
 * Non-zero if clients that "dflt" has checked are checked for "sscf" as well.
 * Whether they must have a certificate is asked of each request.
 */

static ngx_uint_t
ngx_http_quic_tls_verifies(ngx_http_ssl_srv_conf_t *dflt,
    ngx_http_ssl_srv_conf_t *sscf)
{
    if (!sscf->verify) {
        return 1;
    }

    return dflt->verify
           && dflt->verify_depth == sscf->verify_depth
           && dflt->ocsp == sscf->ocsp
           && ngx_http_quic_tls_is_same(&dflt->client_certificate,
                                        &sscf->client_certificate)
           && ngx_http_quic_tls_is_same(&dflt->trusted_certificate,
                                        &sscf->trusted_certificate)
           && ngx_http_quic_tls_is_same(&dflt->crl, &sscf->crl);
}


static ngx_uint_t
ngx_http_quic_tls_is_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


static ngx_int_t
ngx_http_quic_tls_no_certificate(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, const char *why)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "no \"ssl_certificate\" is defined for "
                  "the \"listen ... quic\" directive in %s:%ui%s",
                  cscf->file_name, cscf->line, why);

    return NGX_ERROR;
}


/*
 * The default server always gets a context, as a connection must have one
 * before its ClientHello has been read.
 */

static ngx_int_t
ngx_http_quic_tls_server(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_quic_srv_conf_t  *qscf;

    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    if (qscf->tls || (sscf->certificates == NULL && !sscf->reject_handshake)) {
        return NGX_OK;
    }

    if (ngx_http_quic_tls_create(cf, qscf) != NGX_OK
        || ngx_http_quic_tls_settings(cf, cscf) != NGX_OK
        || ngx_http_quic_tls_certificates(cf, cscf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_quic_tickets_init(cf, cscf);
}


static ngx_int_t
ngx_http_quic_tls_create(ngx_conf_t *cf, ngx_http_quic_srv_conf_t *qscf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    qscf->tls = quic_tls_ctx_create(cf->log);
    if (qscf->tls == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_quic_tls_cleanup;
    cln->data = qscf->tls;

    return NGX_OK;
}


static void
ngx_http_quic_tls_cleanup(void *data)
{
    quic_tls_ctx_free(data);
}


static ngx_int_t
ngx_http_quic_tls_certificates(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_str_t                 *cert, *key;
    ngx_uint_t                 i;
    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_quic_srv_conf_t  *qscf;

    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    /* those with variables come with a handshake */

    if (sscf->certificates == NULL || sscf->certificate_values) {
        return NGX_OK;
    }

    cert = sscf->certificates->elts;
    key = sscf->certificate_keys->elts;

    for (i = 0; i < sscf->certificates->nelts; i++) {
        if (ngx_http_quic_tls_certificate(cf, qscf->tls, &cert[i], &key[i],
                                          sscf->passwords)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_tls_certificate(ngx_conf_t *cf, quic_tls_ctx_t *ctx,
    ngx_str_t *cert, ngx_str_t *key, ngx_array_t *passwords)
{
    ngx_str_t   name[2];
    ngx_uint_t  i;

    name[0] = *cert;
    name[1] = *key;

    for (i = 0; i < 2; i++) {
        if (quic_tls_is_file(&name[i])
            && ngx_conf_full_name(cf->cycle, &name[i], 1) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return quic_tls_ctx_certificate(ctx, &name[0], &name[1], passwords,
                                    cf->log);
}


static ngx_uint_t
ngx_http_quic_tls_rejects(ngx_http_conf_ctx_t *server)
{
    ngx_http_ssl_srv_conf_t  *sscf;

    sscf = server->srv_conf[ngx_http_ssl_module.ctx_index];

    return sscf->reject_handshake;
}


/*
 * A server without certificates uses the default server's, as elsewhere.  The
 * name may become a part of a file's: one that isn't good is refused.
 */

static ngx_int_t
ngx_http_quic_tls_dynamic(ngx_http_quic_session_t *s, ngx_uint_t good)
{
    ngx_http_ssl_srv_conf_t  *sscf;

    sscf = s->server->srv_conf[ngx_http_ssl_module.ctx_index];

    if (sscf->certificates == NULL) {
        sscf = s->listener->default_server->srv_conf
                                             [ngx_http_ssl_module.ctx_index];
    }

    if (sscf->certificate_values == NULL) {
        return NGX_OK;
    }

    if (!good) {
        return NGX_DECLINED;
    }

    return ngx_http_quic_tls_load_certificates(s, sscf);
}

#else

ngx_int_t
ngx_http_quic_tls_init(ngx_conf_t *cf, ngx_http_quic_listener_t *listener)
{
    return NGX_ERROR;
}

#define ngx_http_quic_tls_rejects(server)     0
#define ngx_http_quic_tls_dynamic(s, good)    NGX_OK

#endif


ngx_int_t
ngx_http_quic_tls_server_name(ngx_http_quic_session_t *s, ngx_str_t *name)
{
    u_char                     buf[NGX_HTTP_QUIC_MAX_NAME];
    ngx_int_t                  rc;
    ngx_str_t                  host, text;
    ngx_http_quic_srv_conf_t  *qscf;

    rc = ngx_http_quic_tls_normalize(name, buf, &host);

    if (rc == NGX_OK && ngx_http_quic_tls_choose(s, &host) != NGX_OK) {
        quic_conn_close(s->conn, QUIC_INTERNAL_ERROR, "server name");
        return NGX_ERROR;
    }

    if (ngx_http_quic_tls_rejects(s->server)) {
        text = quic_printable(buf, sizeof(buf), name);
        ngx_log_error(NGX_LOG_INFO, &s->log, 0,
                      "handshake rejected for server name \"%V\"", &text);
        return NGX_DECLINED;
    }

    qscf = s->server->srv_conf[ngx_http_quic_module.ctx_index];

    if (!qscf->http3) {
        /* RFC 9001, 8.1: there is no other protocol to agree on */
        quic_conn_close(s->conn,
                        QUIC_CRYPTO_ERROR(NGX_HTTP_QUIC_NO_ALPN_ALERT),
                        "no application protocol");
        return NGX_ERROR;
    }

    return ngx_http_quic_tls_dynamic(s, rc == NGX_OK || name->len == 0);
}


/* NGX_OK also when there is no such server: it's the default one's, then */

static ngx_int_t
ngx_http_quic_tls_choose(ngx_http_quic_session_t *s, ngx_str_t *host)
{
    ngx_int_t                  rc;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_quic_srv_conf_t  *qscf;

    rc = ngx_http_quic_listen_find(s->listener, host, &s->log, &cscf);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    ngx_http_quic_session_set_server(s, cscf->ctx);
    s->named = 1;

    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    /* a server without certificates uses the default server's */

    if (qscf->tls == NULL || qscf->tls == s->listener->quic.tls) {
        return NGX_OK;
    }

    return quic_conn_use_tls(s->conn, qscf->tls);
}


ngx_uint_t
ngx_http_quic_tls_is_name(ngx_http_quic_session_t *s, ngx_str_t *host)
{
    u_char     buf[NGX_HTTP_QUIC_MAX_NAME];
    ngx_str_t  raw, name;

    raw = quic_tls_server_name(quic_conn_tls(s->conn));

    return ngx_http_quic_tls_normalize(&raw, buf, &name) == NGX_OK
           && name.len == host->len
           && ngx_memcmp(name.data, host->data, name.len) == 0;
}


/*
 * A name as server_name has it: lower case, without a final dot.  NGX_DECLINED
 * when it can't be one.
 */

static ngx_int_t
ngx_http_quic_tls_normalize(ngx_str_t *name, u_char *buf, ngx_str_t *host)
{
    u_char  ch;
    size_t  i, len;

    len = name->len;

    if (len && name->data[len - 1] == '.') {
        len--;
    }

    if (len == 0 || len > NGX_HTTP_QUIC_MAX_NAME) {
        return NGX_DECLINED;
    }

    for (i = 0; i < len; i++) {
        ch = name->data[i];

        if (ch <= 0x20 || ch == 0x7f || ch == '/' || ch == ':'
            || (ch == '.' && (i == 0 || name->data[i - 1] == '.')))
        {
            return NGX_DECLINED;
        }

        buf[i] = ngx_tolower(ch);
    }

    host->data = buf;
    host->len = len;

    return NGX_OK;
}
