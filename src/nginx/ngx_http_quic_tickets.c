
/*
 * Resumption: what the tickets of a server block are sealed with, and which
 * server blocks take each other's.  All of it comes from the ssl_* directives
 * that are there for TCP.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "crypto/quic_random.h"
#include "nginx/ngx_http_quic.h"


#if (NGX_HTTP_SSL)

static void ngx_http_quic_tickets_bind_names(ngx_http_core_srv_conf_t *cscf,
    quic_tls_ctx_t *tls);
static ngx_int_t ngx_http_quic_tickets_bind_verify(ngx_conf_t *cf,
    ngx_http_ssl_srv_conf_t *sscf, quic_tls_ctx_t *tls);
static ngx_int_t ngx_http_quic_tickets_files(ngx_conf_t *cf,
    ngx_array_t *names, quic_tls_tickets_t *conf);
static ngx_int_t ngx_http_quic_tickets_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *content);


/*
 * The library has it as OpenSSL does for nginx's TCP: what counts is the
 * timeout of the default server, with whose context a connection begins.  So
 * any server's keys have to last for the longest of these.
 */

void
ngx_http_quic_tickets_longest(ngx_http_quic_main_conf_t *qmcf)
{
    ngx_uint_t                  i;
    ngx_http_ssl_srv_conf_t    *sscf;
    ngx_http_core_srv_conf_t   *cscf;
    ngx_http_quic_listener_t  **listener;

    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        cscf = listener[i]->conf.default_server;
        sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        qmcf->ticket_lifetime = ngx_max(qmcf->ticket_lifetime,
                                        sscf->session_timeout);
    }
}


ngx_int_t
ngx_http_quic_tickets_init(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    quic_tls_tickets_t          conf;
    ngx_http_ssl_srv_conf_t    *sscf;
    ngx_http_quic_srv_conf_t   *qscf;
    ngx_http_quic_main_conf_t  *qmcf;

    qmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_quic_module);
    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    ngx_http_quic_tickets_bind_names(cscf, qscf->tls);
    quic_tls_ctx_bind_certificates(qscf->tls);

    if (ngx_http_quic_tickets_bind_verify(cf, sscf, qscf->tls) != NGX_OK) {
        return NGX_ERROR;
    }

    quic_tls_ctx_lifetime(qscf->tls, sscf->session_timeout);

    if (!sscf->session_tickets) {
        return NGX_OK;
    }

    ngx_memzero(&conf, sizeof(quic_tls_tickets_t));

    conf.secret = qmcf->host_key.tickets;
    conf.longest = qmcf->ticket_lifetime;
    conf.early_data = sscf->early_data ? 1 : 0;

    rc = ngx_http_quic_tickets_files(cf, sscf->session_ticket_keys, &conf);

    if (rc == NGX_OK) {
        rc = quic_tls_ctx_tickets(qscf->tls, &conf, cf->log);
    }

    for (i = 0; i < conf.nfiles; i++) {
        quic_wipe(conf.files[i].data, conf.files[i].len);
    }

    return rc;
}


/*
 * A session is good for the server block that has made it, and for what this
 * one becomes in a reload: that has the same names.
 */

static void
ngx_http_quic_tickets_bind_names(ngx_http_core_srv_conf_t *cscf,
    quic_tls_ctx_t *tls)
{
    ngx_uint_t               i;
    ngx_http_server_name_t  *name;

    name = cscf->server_names.elts;

    for (i = 0; i < cscf->server_names.nelts; i++) {
        quic_tls_ctx_bind(tls, name[i].name.data, name[i].name.len);
    }
}


/*
 * A resumed client isn't asked for its certificate again, so what was demanded
 * of it must have been the same (CVE-2025-23419), down to the list of those
 * that have been revoked.
 */

static ngx_int_t
ngx_http_quic_tickets_bind_verify(ngx_conf_t *cf,
    ngx_http_ssl_srv_conf_t *sscf, quic_tls_ctx_t *tls)
{
    ngx_str_t    content, *names[3];
    ngx_uint_t   i, verify[2];

    verify[0] = sscf->verify;
    verify[1] = sscf->verify_depth;

    quic_tls_ctx_bind(tls, (u_char *) verify, sizeof(verify));

    if (!sscf->verify) {
        return NGX_OK;
    }

    names[0] = &sscf->client_certificate;
    names[1] = &sscf->trusted_certificate;
    names[2] = &sscf->crl;

    for (i = 0; i < 3; i++) {
        ngx_str_null(&content);

        if (names[i]->len
            && ngx_http_quic_conf_file(cf, names[i], &content) != NGX_OK)
        {
            return NGX_ERROR;
        }

        quic_tls_ctx_bind(tls, content.data, content.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_tickets_files(ngx_conf_t *cf, ngx_array_t *names,
    quic_tls_tickets_t *conf)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (names == NULL) {
        return NGX_OK;
    }

    conf->files = ngx_pcalloc(cf->temp_pool, names->nelts * sizeof(ngx_str_t));
    if (conf->files == NULL) {
        return NGX_ERROR;
    }

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (ngx_http_quic_tickets_file(cf, &name[i], &conf->files[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        conf->nfiles++;
    }

    return NGX_OK;
}


/* the sizes are nginx's, whose OpenSSL has the same file for TCP */

static ngx_int_t
ngx_http_quic_tickets_file(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *content)
{
    if (ngx_http_quic_conf_file(cf, name, content) != NGX_OK) {
        return NGX_ERROR;
    }

    if (content->len != 48 && content->len != 80) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" must be 48 or 80 bytes", name);
        quic_wipe(content->data, content->len);
        return NGX_ERROR;
    }

    return NGX_OK;
}

#else

void
ngx_http_quic_tickets_longest(ngx_http_quic_main_conf_t *qmcf)
{
}

#endif
