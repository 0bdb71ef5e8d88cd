
/*
 * "listen ... quic": the directive, the addresses with their server blocks,
 * and the listening sockets that come of them.
 *
 * nginx's own list of addresses can't be used: up to 1.24 it knows an address
 * by IP and port alone, and would make one socket of TCP's port 443 and UDP's.
 * So there is a list beside it, which is built by the same rules and answers
 * mistakes with the same words.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "quic/limits.h"


#if !(NGX_HAVE_REUSEPORT)
#error "QUIC needs SO_REUSEPORT"
#endif



/* unread bytes of a whole connection, in stream buffers */
#define NGX_HTTP_QUIC_CONN_BUFFERS     16


typedef struct {
    int          rcvbuf;
    int          sndbuf;
    unsigned     set:1;
    unsigned     bind:1;
    unsigned     default_server:1;
    unsigned     ipv6only:1;
    unsigned     ipv6only_set:1;
} ngx_http_quic_listen_opt_t;


/* "value" is what follows a name with a "=" */

typedef struct ngx_http_quic_listen_param_s  ngx_http_quic_listen_param_t;

struct ngx_http_quic_listen_param_s {
    ngx_str_t    name;
    ngx_int_t  (*handler)(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
                          ngx_http_quic_listen_param_t *param,
                          ngx_str_t *value);
};


static ngx_uint_t ngx_http_quic_listen_is_quic(ngx_conf_t *cf);
static char *ngx_http_quic_listen_core(ngx_conf_t *cf);
static char *ngx_http_quic_listen_quic(ngx_conf_t *cf);
static ngx_int_t ngx_http_quic_listen_url(ngx_conf_t *cf, ngx_url_t *u);
static ngx_int_t ngx_http_quic_listen_options(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt);
static ngx_int_t ngx_http_quic_listen_option(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_str_t *arg);

static ngx_int_t ngx_http_quic_opt_none(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_default(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_bind(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_rcvbuf(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_sndbuf(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_size(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value, int *size);
static ngx_int_t ngx_http_quic_opt_ipv6only(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);
static ngx_int_t ngx_http_quic_opt_refuse(ngx_conf_t *cf,
    ngx_http_quic_listen_opt_t *opt, ngx_http_quic_listen_param_t *param,
    ngx_str_t *value);

static ngx_int_t ngx_http_quic_listen_add(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_addr_t *addr,
    ngx_http_quic_listen_opt_t *opt);
static ngx_http_quic_listener_t *ngx_http_quic_listen_lookup(
    ngx_http_quic_main_conf_t *qmcf, ngx_addr_t *addr);
static ngx_http_quic_listener_t *ngx_http_quic_listen_create(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf, ngx_addr_t *addr);
static ngx_int_t ngx_http_quic_listen_add_server(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_http_core_srv_conf_t *cscf,
    ngx_uint_t default_server);

static void ngx_http_quic_listen_settings(ngx_http_quic_listener_t *listener);
static void ngx_http_quic_listen_preferred(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf, ngx_http_quic_listener_t *listener);
static ngx_uint_t ngx_http_quic_listen_serves(ngx_http_quic_main_conf_t *qmcf,
    quic_addr_t *addr);
static ngx_int_t ngx_http_quic_listen_names(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener);
static ngx_int_t ngx_http_quic_listen_add_names(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_hash_keys_arrays_t *keys);
static ngx_int_t ngx_http_quic_listen_add_name(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_hash_keys_arrays_t *keys,
    ngx_http_server_name_t *name);
static ngx_int_t ngx_http_quic_listen_hash(ngx_conf_t *cf,
    ngx_hash_keys_arrays_t *keys, ngx_hash_combined_t *names);
static ngx_int_t ngx_http_quic_listen_wildcards(ngx_hash_init_t *hash,
    ngx_array_t *keys, ngx_hash_wildcard_t **wildcards);
static int ngx_libc_cdecl ngx_http_quic_listen_cmp_wildcards(const void *one,
    const void *two);
#if (NGX_PCRE)
static ngx_int_t ngx_http_quic_listen_regex(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_http_virtual_names_t *vn);
#endif

static ngx_int_t ngx_http_quic_listen_bind(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf, ngx_http_quic_listener_t *listener);
static ngx_http_quic_listener_t *ngx_http_quic_listen_wildcard_of(
    ngx_http_quic_main_conf_t *qmcf, ngx_http_quic_listener_t *listener);
static ngx_int_t ngx_http_quic_listen_socket(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_http_quic_bound_t *bound);


static ngx_http_quic_listen_param_t  ngx_http_quic_listen_params[] = {

    { ngx_string("quic"), ngx_http_quic_opt_none },
    { ngx_string("default_server"), ngx_http_quic_opt_default },
    { ngx_string("default"), ngx_http_quic_opt_default },
    { ngx_string("bind"), ngx_http_quic_opt_bind },
    { ngx_string("rcvbuf="), ngx_http_quic_opt_rcvbuf },
    { ngx_string("sndbuf="), ngx_http_quic_opt_sndbuf },
    { ngx_string("ipv6only="), ngx_http_quic_opt_ipv6only },

    /* there always is a socket for each worker */
    { ngx_string("reuseport"), ngx_http_quic_opt_bind },

    { ngx_string("ssl"), ngx_http_quic_opt_refuse },
    { ngx_string("http2"), ngx_http_quic_opt_refuse },
    { ngx_string("spdy"), ngx_http_quic_opt_refuse },
    { ngx_string("proxy_protocol"), ngx_http_quic_opt_refuse },
    { ngx_string("backlog="), ngx_http_quic_opt_refuse },
    { ngx_string("deferred"), ngx_http_quic_opt_refuse },
    { ngx_string("fastopen="), ngx_http_quic_opt_refuse },
    { ngx_string("accept_filter="), ngx_http_quic_opt_refuse },
    { ngx_string("setfib="), ngx_http_quic_opt_refuse },
    { ngx_string("so_keepalive="), ngx_http_quic_opt_refuse },
    { ngx_string("multipath"), ngx_http_quic_opt_refuse },

    { ngx_null_string, NULL }
};


/*
 * The module stands before ngx_http_core_module, so every "listen" comes here.
 */

char *
ngx_http_quic_listen(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    if (!ngx_http_quic_listen_is_quic(cf)) {
        return ngx_http_quic_listen_core(cf);
    }

#if (NGX_HTTP_SSL)

    return ngx_http_quic_listen_quic(cf);

#else

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the \"quic\" parameter requires "
                       "ngx_http_ssl_module");
    return NGX_CONF_ERROR;

#endif
}


static ngx_uint_t
ngx_http_quic_listen_is_quic(ngx_conf_t *cf)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_strcmp(value[i].data, "quic") == 0) {
            return 1;
        }
    }

    return 0;
}


static char *
ngx_http_quic_listen_core(ngx_conf_t *cf)
{
    void                 *cscf;
    ngx_command_t        *cmd;
    ngx_http_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    cscf = ctx->srv_conf[ngx_http_core_module.ctx_index];

    for (cmd = ngx_http_core_module.commands; cmd->name.len; cmd++) {
        if (ngx_strcmp(cmd->name.data, "listen") == 0) {
            return cmd->set(cf, cmd, cscf);
        }
    }

    return "is unknown to nginx";
}


static char *
ngx_http_quic_listen_quic(ngx_conf_t *cf)
{
    ngx_url_t                    u;
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t    *cscf;
    ngx_http_quic_listen_opt_t   opt;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    /* or the core gives the server port 80 */
    cscf->listen = 1;

    if (ngx_http_quic_listen_url(cf, &u) != NGX_OK
        || ngx_http_quic_listen_options(cf, &opt) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {

        if (opt.ipv6only_set && u.addrs[i].sockaddr->sa_family != AF_INET6) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "ipv6only is not supported on addr \"%V\"",
                               &u.addrs[i].name);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_quic_listen_add(cf, cscf, &u.addrs[i], &opt) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_quic_listen_url(ngx_conf_t *cf, ngx_url_t *u)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_memzero(u, sizeof(ngx_url_t));

    u->url = value[1];
    u->listen = 1;
    u->default_port = 80;

    if (ngx_parse_url(cf->pool, u) != NGX_OK) {
        if (u->err) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s in \"%V\" of the \"listen\" directive",
                               u->err, &u->url);
        }

        return NGX_ERROR;
    }

    if (u->family == AF_UNIX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"quic\" is not supported on addr \"%V\"",
                           &u->url);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_listen_options(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    ngx_memzero(opt, sizeof(ngx_http_quic_listen_opt_t));

    opt->rcvbuf = -1;
    opt->sndbuf = -1;
    opt->ipv6only = 1;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_quic_listen_option(cf, opt, &value[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_listen_option(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_str_t *arg)
{
    ngx_str_t                      value, *name;
    ngx_http_quic_listen_param_t  *param;

    for (param = ngx_http_quic_listen_params; param->handler; param++) {
        name = &param->name;

        if (arg->len < name->len
            || ngx_strncmp(arg->data, name->data, name->len) != 0)
        {
            continue;
        }

        value.data = arg->data + name->len;
        value.len = arg->len - name->len;

        if (value.len == 0 || name->data[name->len - 1] == '=') {
            return param->handler(cf, opt, param, &value);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"", arg);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_quic_opt_none(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_opt_default(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    opt->default_server = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_opt_bind(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    opt->set = 1;
    opt->bind = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_opt_rcvbuf(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    return ngx_http_quic_opt_size(cf, opt, param, value, &opt->rcvbuf);
}


static ngx_int_t
ngx_http_quic_opt_sndbuf(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    return ngx_http_quic_opt_size(cf, opt, param, value, &opt->sndbuf);
}


static ngx_int_t
ngx_http_quic_opt_size(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value, int *size)
{
    ssize_t  n;

    n = ngx_parse_size(value);

    if (n == NGX_ERROR || n > NGX_MAX_INT32_VALUE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid %*s \"%V%V\"",
                           param->name.len - 1, param->name.data,
                           &param->name, value);
        return NGX_ERROR;
    }

    *size = (int) n;

    return ngx_http_quic_opt_bind(cf, opt, param, value);
}


static ngx_int_t
ngx_http_quic_opt_ipv6only(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    if (ngx_strcmp(value->data, "on") == 0) {
        opt->ipv6only = 1;

    } else if (ngx_strcmp(value->data, "off") == 0) {
        opt->ipv6only = 0;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid ipv6only flags \"%V\"", value);
        return NGX_ERROR;
    }

    opt->ipv6only_set = 1;

    return ngx_http_quic_opt_bind(cf, opt, param, value);
}


/* nothing is ignored: what UDP doesn't have is an error */

static ngx_int_t
ngx_http_quic_opt_refuse(ngx_conf_t *cf, ngx_http_quic_listen_opt_t *opt,
    ngx_http_quic_listen_param_t *param, ngx_str_t *value)
{
    ngx_str_t  name;

    name = param->name;

    if (name.data[name.len - 1] == '=') {
        name.len--;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" parameter is incompatible with \"quic\"",
                       &name);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_quic_listen_add(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    ngx_addr_t *addr, ngx_http_quic_listen_opt_t *opt)
{
    ngx_http_quic_listener_t   *listener;
    ngx_http_quic_main_conf_t  *qmcf;

    qmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_quic_module);

    listener = ngx_http_quic_listen_lookup(qmcf, addr);

    if (listener == NULL) {
        listener = ngx_http_quic_listen_create(cf, qmcf, addr);
        if (listener == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_quic_listen_add_server(cf, listener, cscf,
                                        opt->default_server)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!opt->set) {
        return NGX_OK;
    }

    if (listener->set) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate listen options for %V",
                           &listener->addr_text);
        return NGX_ERROR;
    }

    listener->set = 1;
    listener->bind = opt->bind;
    listener->ipv6only = opt->ipv6only;
    listener->rcvbuf = opt->rcvbuf;
    listener->sndbuf = opt->sndbuf;

    return NGX_OK;
}


static ngx_http_quic_listener_t *
ngx_http_quic_listen_lookup(ngx_http_quic_main_conf_t *qmcf, ngx_addr_t *addr)
{
    ngx_uint_t                  i;
    ngx_http_quic_listener_t  **listener;

    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        if (ngx_cmp_sockaddr(addr->sockaddr, addr->socklen,
                             listener[i]->sockaddr, listener[i]->socklen, 1)
            == NGX_OK)
        {
            return listener[i];
        }
    }

    return NULL;
}


static ngx_http_quic_listener_t *
ngx_http_quic_listen_create(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf,
    ngx_addr_t *addr)
{
    ngx_http_quic_listener_t  *listener, **place;

    listener = ngx_pcalloc(cf->pool, sizeof(ngx_http_quic_listener_t));
    if (listener == NULL) {
        return NULL;
    }

    if (ngx_array_init(&listener->servers, cf->pool, 4,
                       sizeof(ngx_http_core_srv_conf_t *))
        != NGX_OK)
    {
        return NULL;
    }

    listener->sockaddr = addr->sockaddr;
    listener->socklen = addr->socklen;
    listener->addr_text = addr->name;
    listener->wildcard = ngx_inet_wildcard(addr->sockaddr);
    listener->ipv6only = 1;
    listener->rcvbuf = -1;
    listener->sndbuf = -1;

    place = ngx_array_push(&qmcf->listeners);
    if (place == NULL) {
        return NULL;
    }

    *place = listener;

    return listener;
}


/* the first server is the default one until another one says it is */

static ngx_int_t
ngx_http_quic_listen_add_server(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_http_core_srv_conf_t *cscf,
    ngx_uint_t default_server)
{
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **server;

    server = listener->servers.elts;

    for (i = 0; i < listener->servers.nelts; i++) {
        if (server[i] == cscf) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "a duplicate listen %V",
                               &listener->addr_text);
            return NGX_ERROR;
        }
    }

    if (default_server && listener->has_default) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a duplicate default server for %V",
                           &listener->addr_text);
        return NGX_ERROR;
    }

    server = ngx_array_push(&listener->servers);
    if (server == NULL) {
        return NGX_ERROR;
    }

    *server = cscf;

    if (default_server || listener->servers.nelts == 1) {
        listener->conf.default_server = cscf;
    }

    listener->has_default |= default_server;

    return NGX_OK;
}


/* postconfiguration: all directives have been read and merged */

ngx_int_t
ngx_http_quic_listen_init(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_quic_listener_t   **listener;
    ngx_http_quic_main_conf_t   *qmcf;

    qmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_quic_module);

    ngx_http_quic_tickets_longest(qmcf);

    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {

        if (ngx_http_quic_tls_init(cf, listener[i]) != NGX_OK
            || ngx_http_quic_listen_names(cf, listener[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_quic_listen_settings(listener[i]);
        ngx_http_quic_listen_preferred(cf, qmcf, listener[i]);
    }

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        if (ngx_http_quic_listen_bind(cf, qmcf, listener[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What must be known before the client has named a server is the default
 * server's.
 */

static void
ngx_http_quic_listen_settings(ngx_http_quic_listener_t *listener)
{
    quic_conf_t               *quic;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_quic_srv_conf_t  *qscf;

    cscf = listener->conf.default_server;
    clcf = cscf->ctx->loc_conf[ngx_http_core_module.ctx_index];
    qscf = cscf->ctx->srv_conf[ngx_http_quic_module.ctx_index];

    listener->default_server = cscf->ctx;
    listener->gso = qscf->gso;

    quic = &listener->quic;

    quic->handshake_timeout = (uint64_t) cscf->client_header_timeout * 1000;

    /*
     * An idle timeout of 0 would mean none to QUIC.  "keepalive_timeout 0"
     * says: one request, see ngx_http_quic_session_count(); so the timeout is
     * that for a first request to come.
     */

    quic->idle_timeout = clcf->keepalive_timeout
                             ? (uint64_t) clcf->keepalive_timeout * 1000
                             : quic->handshake_timeout;

    quic->max_streams_bidi = qscf->max_concurrent_streams;
    quic->stream_window = qscf->stream_buffer_size;
    quic->conn_window = ngx_min(qscf->max_concurrent_streams,
                                NGX_HTTP_QUIC_CONN_BUFFERS)
                        * (uint64_t) qscf->stream_buffer_size;
    quic->send_buffer = qscf->stream_buffer_size;
    quic->active_cid_limit = qscf->active_cid_limit;

    if (qscf->preferred) {
        quic->preferred_ipv4 = qscf->preferred->addr[0];
        quic->preferred_ipv6 = qscf->preferred->addr[1];
    }

    quic->mtu = qscf->mtu;
    quic->retry = qscf->retry;
    quic->cc = qscf->cc;
    quic->tls = qscf->tls;

    listener->h3.max_field_section = cscf->large_client_header_buffers.num
                                     * cscf->large_client_header_buffers.size;
    listener->h3.max_table_capacity = qscf->max_table_capacity;
    listener->h3.max_blocked_streams = qscf->max_blocked_streams;
    listener->h3.connect_protocol = 1;

    quic->early_app_len = h3_conf_settings(&listener->h3, quic->early_app,
                                           QUIC_MAX_EARLY_APP);
}


/*
 * An address that none of the listeners serves may be one that a NAT or a load
 * balancer leads to them, so it's no error; most often it's a mistake, though,
 * which costs each client a try to get there.
 */

static void
ngx_http_quic_listen_preferred(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf, ngx_http_quic_listener_t *listener)
{
    size_t                      n;
    u_char                      text[NGX_SOCKADDR_STRLEN];
    ngx_uint_t                  i;
    quic_addr_t                *addr;
    ngx_http_quic_srv_conf_t   *qscf;
    ngx_http_quic_preferred_t  *preferred;

    qscf = listener->default_server->srv_conf[ngx_http_quic_module.ctx_index];
    preferred = qscf->preferred;

    if (preferred == NULL || preferred->checked) {
        return;
    }

    preferred->checked = 1;

    for (i = 0; i < 2; i++) {
        addr = &preferred->addr[i];

        if (addr->sa.sa_family == 0 || ngx_http_quic_listen_serves(qmcf, addr))
        {
            continue;
        }

        n = ngx_sock_ntop(&addr->sa, quic_addr_len(addr), text,
                          NGX_SOCKADDR_STRLEN, 1);

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "no \"listen ... quic\" directive serves %*s of the "
                      "\"quic_preferred_address\" directive in %s:%ui",
                      n, text, preferred->file_name, preferred->line);
    }
}


static ngx_uint_t
ngx_http_quic_listen_serves(ngx_http_quic_main_conf_t *qmcf, quic_addr_t *addr)
{
    ngx_uint_t                   i;
    ngx_http_quic_listener_t   **listener, *l;

    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        l = listener[i];

        if (ngx_inet_get_port(l->sockaddr) != quic_addr_port(addr)) {
            continue;
        }

        if (l->sockaddr->sa_family != addr->sa.sa_family) {

            /* IPv6's wildcard may be IPv4's as well */

            if (l->wildcard && l->sockaddr->sa_family == AF_INET6
                && !l->ipv6only)
            {
                return 1;
            }

            continue;
        }

        if (l->wildcard
            || ngx_cmp_sockaddr(l->sockaddr, l->socklen, &addr->sa,
                                quic_addr_len(addr), 1)
               == NGX_OK)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * The names of all servers of an address.  Left out as in the core when there
 * is no choice to make and no captures to set.
 */

static ngx_int_t
ngx_http_quic_listen_names(ngx_conf_t *cf, ngx_http_quic_listener_t *listener)
{
    ngx_int_t                  rc;
    ngx_hash_keys_arrays_t     keys;
    ngx_http_virtual_names_t  *vn;

    if (listener->servers.nelts == 1
#if (NGX_PCRE)
        && !listener->conf.default_server->captures
#endif
       )
    {
        return NGX_OK;
    }

    vn = ngx_pcalloc(cf->pool, sizeof(ngx_http_virtual_names_t));
    if (vn == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&keys, sizeof(ngx_hash_keys_arrays_t));

    keys.pool = cf->pool;
    keys.temp_pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cf->log);
    if (keys.temp_pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_hash_keys_array_init(&keys, NGX_HASH_LARGE);

    if (rc == NGX_OK) {
        rc = ngx_http_quic_listen_add_names(cf, listener, &keys);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_quic_listen_hash(cf, &keys, &vn->names);
    }

    ngx_destroy_pool(keys.temp_pool);

#if (NGX_PCRE)
    if (rc == NGX_OK) {
        rc = ngx_http_quic_listen_regex(cf, listener, vn);
    }
#endif

    listener->conf.virtual_names = vn;

    return rc;
}


static ngx_int_t
ngx_http_quic_listen_add_names(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_hash_keys_arrays_t *keys)
{
    ngx_uint_t                  s, n;
    ngx_http_server_name_t     *name;
    ngx_http_core_srv_conf_t  **server;

    server = listener->servers.elts;

    for (s = 0; s < listener->servers.nelts; s++) {
        name = server[s]->server_names.elts;

        for (n = 0; n < server[s]->server_names.nelts; n++) {

#if (NGX_PCRE)
            if (name[n].regex) {
                continue;
            }
#endif

            if (ngx_http_quic_listen_add_name(cf, listener, keys, &name[n])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_listen_add_name(ngx_conf_t *cf,
    ngx_http_quic_listener_t *listener, ngx_hash_keys_arrays_t *keys,
    ngx_http_server_name_t *name)
{
    ngx_int_t  rc;

    rc = ngx_hash_add_key(keys, &name->name, name->server,
                          NGX_HASH_WILDCARD_KEY);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "invalid server name or wildcard \"%V\" on %V",
                      &name->name, &listener->addr_text);
        return NGX_ERROR;
    }

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "conflicting server name \"%V\" on %V, ignored",
                      &name->name, &listener->addr_text);
        return NGX_OK;
    }

    return rc;
}


static ngx_int_t
ngx_http_quic_listen_hash(ngx_conf_t *cf, ngx_hash_keys_arrays_t *keys,
    ngx_hash_combined_t *names)
{
    ngx_hash_init_t             hash;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    ngx_memzero(&hash, sizeof(ngx_hash_init_t));

    hash.key = ngx_hash_key_lc;
    hash.max_size = cmcf->server_names_hash_max_size;
    hash.bucket_size = cmcf->server_names_hash_bucket_size;
    hash.name = "server_names_hash";
    hash.pool = cf->pool;
    hash.hash = &names->hash;

    if (keys->keys.nelts
        && ngx_hash_init(&hash, keys->keys.elts, keys->keys.nelts) != NGX_OK)
    {
        return NGX_ERROR;
    }

    hash.temp_pool = keys->temp_pool;

    if (ngx_http_quic_listen_wildcards(&hash, &keys->dns_wc_head,
                                       &names->wc_head)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_quic_listen_wildcards(&hash, &keys->dns_wc_tail,
                                          &names->wc_tail);
}


static ngx_int_t
ngx_http_quic_listen_wildcards(ngx_hash_init_t *hash, ngx_array_t *keys,
    ngx_hash_wildcard_t **wildcards)
{
    if (keys->nelts == 0) {
        return NGX_OK;
    }

    ngx_qsort(keys->elts, keys->nelts, sizeof(ngx_hash_key_t),
              ngx_http_quic_listen_cmp_wildcards);

    hash->hash = NULL;

    if (ngx_hash_wildcard_init(hash, keys->elts, keys->nelts) != NGX_OK) {
        return NGX_ERROR;
    }

    *wildcards = (ngx_hash_wildcard_t *) hash->hash;

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_quic_listen_cmp_wildcards(const void *one, const void *two)
{
    ngx_hash_key_t  *first, *second;

    first = (ngx_hash_key_t *) one;
    second = (ngx_hash_key_t *) two;

    return ngx_dns_strcmp(first->key.data, second->key.data);
}


#if (NGX_PCRE)

static ngx_int_t
ngx_http_quic_listen_regex(ngx_conf_t *cf, ngx_http_quic_listener_t *listener,
    ngx_http_virtual_names_t *vn)
{
    ngx_uint_t                  s, n;
    ngx_array_t                 regex;
    ngx_http_server_name_t     *name, *r;
    ngx_http_core_srv_conf_t  **server;

    if (ngx_array_init(&regex, cf->pool, 4, sizeof(ngx_http_server_name_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    server = listener->servers.elts;

    for (s = 0; s < listener->servers.nelts; s++) {
        name = server[s]->server_names.elts;

        for (n = 0; n < server[s]->server_names.nelts; n++) {

            if (name[n].regex == NULL) {
                continue;
            }

            r = ngx_array_push(&regex);
            if (r == NULL) {
                return NGX_ERROR;
            }

            *r = name[n];
        }
    }

    vn->nregex = regex.nelts;
    vn->regex = regex.elts;

    return NGX_OK;
}

#endif


ngx_int_t
ngx_http_quic_listen_find(ngx_http_quic_listener_t *listener, ngx_str_t *name,
    ngx_log_t *log, ngx_http_core_srv_conf_t **cscf)
{
#if (NGX_PCRE)
    ngx_int_t                  n;
    ngx_uint_t                 i;
    ngx_http_server_name_t    *sn;
#endif
    ngx_http_virtual_names_t  *vn;

    vn = listener->conf.virtual_names;

    if (vn == NULL || name->len == 0) {
        return NGX_DECLINED;
    }

    *cscf = ngx_hash_find_combined(&vn->names,
                                   ngx_hash_key(name->data, name->len),
                                   name->data, name->len);
    if (*cscf) {
        return NGX_OK;
    }

#if (NGX_PCRE)

    sn = vn->regex;

    for (i = 0; i < vn->nregex; i++) {

        n = ngx_regex_exec(sn[i].regex->regex, name, NULL, 0);

        if (n >= 0) {
            *cscf = sn[i].server;
            return NGX_OK;
        }

        if (n != NGX_REGEX_NO_MATCHED) {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          ngx_regex_exec_n " failed: %i "
                          "on \"%V\" using \"%V\"",
                          n, name, &sn[i].regex->name);
            return NGX_ERROR;
        }
    }

#endif

    return NGX_DECLINED;
}


/*
 * A listening socket, unless the port's wildcard address has one for this
 * address as well.
 */

static ngx_int_t
ngx_http_quic_listen_bind(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf,
    ngx_http_quic_listener_t *listener)
{
    ngx_uint_t                  i;
    ngx_http_quic_bound_t      *bound, **bplace;
    ngx_http_quic_listener_t  **other, **lplace;

    if (ngx_http_quic_listen_wildcard_of(qmcf, listener)) {
        return NGX_OK;
    }

    bound = ngx_palloc(cf->pool, sizeof(ngx_http_quic_bound_t));
    if (bound == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&bound->listeners, cf->pool, 1,
                       sizeof(ngx_http_quic_listener_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    other = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {

        if (ngx_http_quic_listen_wildcard_of(qmcf, other[i]) != listener) {
            continue;
        }

        lplace = ngx_array_push(&bound->listeners);
        if (lplace == NULL) {
            return NGX_ERROR;
        }

        *lplace = other[i];
    }

    lplace = ngx_array_push(&bound->listeners);
    bplace = ngx_array_push(&qmcf->bound);

    if (lplace == NULL || bplace == NULL) {
        return NGX_ERROR;
    }

    *lplace = listener;
    *bplace = bound;

    return ngx_http_quic_listen_socket(cf, listener, bound);
}


/* whose socket serves this address; NULL: its own */

static ngx_http_quic_listener_t *
ngx_http_quic_listen_wildcard_of(ngx_http_quic_main_conf_t *qmcf,
    ngx_http_quic_listener_t *listener)
{
    ngx_uint_t                  i;
    struct sockaddr            *sa;
    ngx_http_quic_listener_t  **other;

    if (listener->bind || listener->wildcard) {
        return NULL;
    }

    sa = listener->sockaddr;
    other = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        if (other[i]->wildcard
            && other[i]->sockaddr->sa_family == sa->sa_family
            && ngx_inet_get_port(other[i]->sockaddr) == ngx_inet_get_port(sa))
        {
            return other[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_quic_listen_socket(ngx_conf_t *cf, ngx_http_quic_listener_t *listener,
    ngx_http_quic_bound_t *bound)
{
    ngx_listening_t           *ls;
    ngx_http_core_loc_conf_t  *clcf;

    ls = ngx_create_listening(cf, listener->sockaddr, listener->socklen);
    if (ls == NULL) {
        return NGX_ERROR;
    }

    clcf = listener->default_server->loc_conf[ngx_http_core_module.ctx_index];

    /*
     * The handler for accepted connections stays NULL: the events of these
     * sockets are ours from init_process on.
     */

    ls->type = SOCK_DGRAM;
    ls->addr_ntop = 1;
    ls->servers = bound;
    ls->logp = clcf->error_log;
    ls->reuseport = 1;
    ls->rcvbuf = listener->rcvbuf;
    ls->sndbuf = listener->sndbuf;
    ls->wildcard = listener->wildcard;

#if (NGX_HAVE_INET6)
    ls->ipv6only = listener->ipv6only;
#endif

    return NGX_OK;
}
