
/*
 * HTTP/3 for nginx: the directives, their merging, and the process's life.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_worker.h"
#include "quic/limits.h"


/* bytes; RFC 9000, 14.1: less than a packet would stop every stream at once */
#define NGX_HTTP_QUIC_MIN_BUFFER  1024

/* bytes: memory of 4096 tickets */
#define NGX_HTTP_QUIC_MIN_EARLY   32768


static ngx_int_t ngx_http_quic_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_quic_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_quic_create_srv_conf(ngx_conf_t *cf);
static char *ngx_http_quic_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_quic_congestion_control(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_quic_preferred_address(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_quic_preferred_parse(ngx_conf_t *cf,
    ngx_str_t *value, quic_addr_t *addr);
static char *ngx_http_quic_buffer_size(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_quic_table_size(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_quic_early_size(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_quic_init_main_conf(ngx_conf_t *cf, void *conf);
static char *ngx_http_quic_full_name(ngx_conf_t *cf, void *post, void *data);

static ngx_int_t ngx_http_quic_check_events(ngx_cycle_t *cycle,
    ngx_log_t *log);
static ngx_int_t ngx_http_quic_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_quic_init_process(ngx_cycle_t *cycle);
static void ngx_http_quic_exit_process(ngx_cycle_t *cycle);


static ngx_conf_num_bounds_t  ngx_http_quic_streams_bounds = {
    ngx_conf_check_num_bounds, 1, QUIC_MAX_BIDI_STREAMS
};


/* RFC 9000, 18.2: the least is 2 */

static ngx_conf_num_bounds_t  ngx_http_quic_cid_bounds = {
    ngx_conf_check_num_bounds, 2, QUIC_MAX_PEER_CIDS
};


static ngx_conf_num_bounds_t  ngx_http_quic_mtu_bounds = {
    ngx_conf_check_num_bounds, QUIC_MIN_MTU, QUIC_MAX_MTU
};


static ngx_conf_enum_t  ngx_http_quic_retry[] = {
    { ngx_string("off"), QUIC_RETRY_OFF },
    { ngx_string("on"), QUIC_RETRY_ON },
    { ngx_string("auto"), QUIC_RETRY_AUTO },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_http_quic_buffer_post = {
    ngx_http_quic_buffer_size
};


static ngx_conf_post_t  ngx_http_quic_table_post = {
    ngx_http_quic_table_size
};


static ngx_conf_post_t  ngx_http_quic_early_post = {
    ngx_http_quic_early_size
};


static ngx_conf_num_bounds_t  ngx_http_quic_blocked_bounds = {
    ngx_conf_check_num_bounds, 0, H3_MAX_BLOCKED_STREAMS
};


static ngx_conf_post_t  ngx_http_quic_file_post = {
    ngx_http_quic_full_name
};


static ngx_command_t  ngx_http_quic_commands[] = {

    { ngx_string("listen"),
      NGX_HTTP_SRV_CONF|NGX_CONF_1MORE,
      ngx_http_quic_listen,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("http3"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, http3),
      NULL },

    { ngx_string("http3_max_concurrent_streams"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, max_concurrent_streams),
      &ngx_http_quic_streams_bounds },

    { ngx_string("http3_stream_buffer_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, stream_buffer_size),
      &ngx_http_quic_buffer_post },

    { ngx_string("http3_max_table_capacity"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, max_table_capacity),
      &ngx_http_quic_table_post },

    { ngx_string("http3_max_blocked_streams"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, max_blocked_streams),
      &ngx_http_quic_blocked_bounds },

    { ngx_string("quic_retry"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, retry),
      &ngx_http_quic_retry },

    { ngx_string("quic_gso"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, gso),
      NULL },

    { ngx_string("quic_host_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, host_key_file),
      &ngx_http_quic_file_post },

    { ngx_string("quic_active_connection_id_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, active_cid_limit),
      &ngx_http_quic_cid_bounds },

    { ngx_string("quic_preferred_address"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE12,
      ngx_http_quic_preferred_address,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quic_congestion_control"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_quic_congestion_control,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quic_mtu"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_http_quic_srv_conf_t, mtu),
      &ngx_http_quic_mtu_bounds },

    { ngx_string("quic_key_log"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_http_quic_key_log,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quic_early_data_memory"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_quic_main_conf_t, early_data_memory),
      &ngx_http_quic_early_post },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_quic_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_quic_postconfiguration,       /* postconfiguration */

    ngx_http_quic_create_main_conf,        /* create main configuration */
    ngx_http_quic_init_main_conf,          /* init main configuration */

    ngx_http_quic_create_srv_conf,         /* create server configuration */
    ngx_http_quic_merge_srv_conf,          /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_quic_module = {
    NGX_MODULE_V1,
    &ngx_http_quic_module_ctx,             /* module context */
    ngx_http_quic_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_quic_init_module,             /* init module */
    ngx_http_quic_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_quic_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_quic_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_quic_main_conf_t  *qmcf;

    qmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_quic_module);

    if (ngx_http_quic_check_events(cf->cycle, cf->log) != NGX_OK
        || ngx_http_quic_variables_init(cf) != NGX_OK
        || ngx_http_quic_request_init(cf) != NGX_OK
        || ngx_http_quic_host_key_init(cf, qmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_quic_listen_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_quic_replay_init(cf, qmcf);
}


static void *
ngx_http_quic_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_quic_main_conf_t  *qmcf;

    qmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_quic_main_conf_t));
    if (qmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&qmcf->listeners, cf->pool, 4,
                       sizeof(ngx_http_quic_listener_t *))
        != NGX_OK
        || ngx_array_init(&qmcf->bound, cf->pool, 4,
                          sizeof(ngx_http_quic_bound_t *))
           != NGX_OK)
    {
        return NULL;
    }

    qmcf->early_data_memory = NGX_CONF_UNSET_SIZE;

    return qmcf;
}


static char *
ngx_http_quic_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_quic_main_conf_t *qmcf = conf;

    ngx_conf_init_size_value(qmcf->early_data_memory, 1024 * 1024);

    return NGX_CONF_OK;
}


static void *
ngx_http_quic_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_quic_srv_conf_t  *qscf;

    qscf = ngx_pcalloc(cf->pool, sizeof(ngx_http_quic_srv_conf_t));
    if (qscf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     qscf->host_key_file = { 0, NULL };
     *     qscf->tls = NULL;
     */

    qscf->http3 = NGX_CONF_UNSET;
    qscf->retry = NGX_CONF_UNSET_UINT;
    qscf->gso = NGX_CONF_UNSET;
    qscf->max_concurrent_streams = NGX_CONF_UNSET_UINT;
    qscf->stream_buffer_size = NGX_CONF_UNSET_SIZE;
    qscf->max_table_capacity = NGX_CONF_UNSET_SIZE;
    qscf->max_blocked_streams = NGX_CONF_UNSET_UINT;
    qscf->active_cid_limit = NGX_CONF_UNSET_UINT;
    qscf->preferred = NGX_CONF_UNSET_PTR;
    qscf->cc = NGX_CONF_UNSET_PTR;
    qscf->key_log = NGX_CONF_UNSET_PTR;
    qscf->mtu = NGX_CONF_UNSET_UINT;

    return qscf;
}


static char *
ngx_http_quic_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_quic_srv_conf_t *prev = parent;
    ngx_http_quic_srv_conf_t *conf = child;

    ngx_conf_merge_value(conf->http3, prev->http3, 1);
    ngx_conf_merge_uint_value(conf->retry, prev->retry, QUIC_RETRY_AUTO);
    ngx_conf_merge_value(conf->gso, prev->gso, 1);

    ngx_conf_merge_uint_value(conf->max_concurrent_streams,
                              prev->max_concurrent_streams, 128);
    ngx_conf_merge_size_value(conf->stream_buffer_size,
                              prev->stream_buffer_size, 65536);
    ngx_conf_merge_size_value(conf->max_table_capacity,
                              prev->max_table_capacity, 4096);
    ngx_conf_merge_uint_value(conf->max_blocked_streams,
                              prev->max_blocked_streams, 16);
    ngx_conf_merge_uint_value(conf->active_cid_limit,
                              prev->active_cid_limit, 2);
    ngx_conf_merge_ptr_value(conf->preferred, prev->preferred, NULL);
    ngx_conf_merge_uint_value(conf->mtu, prev->mtu, 1500);

    ngx_conf_merge_ptr_value(conf->cc, prev->cc, &quic_cc_cubic);
    ngx_conf_merge_ptr_value(conf->key_log, prev->key_log, NULL);

    ngx_conf_merge_str_value(conf->host_key_file, prev->host_key_file, "");

    return NGX_CONF_OK;
}


static char *
ngx_http_quic_congestion_control(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_quic_srv_conf_t *qscf = conf;

    ngx_str_t            *value;
    const quic_cc_ops_t  *cc;

    if (qscf->cc != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    cc = quic_cc_by_name(&value[1]);

    if (cc == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown congestion control \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    qscf->cc = cc;

    return NGX_CONF_OK;
}


/* address:port of either family, or one of each, or "off" */

static char *
ngx_http_quic_preferred_address(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_quic_srv_conf_t *qscf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i, family;
    quic_addr_t                 addr;
    ngx_http_quic_preferred_t  *preferred;

    if (qscf->preferred != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        qscf->preferred = NULL;
        return NGX_CONF_OK;
    }

    preferred = ngx_pcalloc(cf->pool, sizeof(ngx_http_quic_preferred_t));
    if (preferred == NULL) {
        return NGX_CONF_ERROR;
    }

    preferred->file_name = cf->conf_file->file.name.data;
    preferred->line = cf->conf_file->line;
    qscf->preferred = preferred;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_quic_preferred_parse(cf, &value[i], &addr) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid address \"%V\" in \"%V\" directive: "
                               "an IP address that clients can reach, and a "
                               "port, are needed", &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        family = (addr.sa.sa_family == AF_INET6);

        if (preferred->addr[family].sa.sa_family) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "two %s addresses in \"%V\" directive",
                               family ? "IPv6" : "IPv4", &cmd->name);
            return NGX_CONF_ERROR;
        }

        preferred->addr[family] = addr;
    }

    return NGX_CONF_OK;
}


/* names aren't resolved, and there is no default port */

static ngx_int_t
ngx_http_quic_preferred_parse(ngx_conf_t *cf, ngx_str_t *value,
    quic_addr_t *addr)
{
    ngx_addr_t  parsed;

    if (ngx_parse_addr_port(cf->pool, &parsed, value->data, value->len)
        != NGX_OK
        || ngx_inet_get_port(parsed.sockaddr) == 0
        || ngx_inet_wildcard(parsed.sockaddr))
    {
        return NGX_DECLINED;
    }

    ngx_memzero(addr, sizeof(quic_addr_t));
    ngx_memcpy(addr, parsed.sockaddr,
               ngx_min(parsed.socklen, sizeof(quic_addr_t)));

    return NGX_OK;
}


static char *
ngx_http_quic_buffer_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t *size = data;

    if (*size < NGX_HTTP_QUIC_MIN_BUFFER) {
        return "value must be 1k or more";
    }

    if (*size > QUIC_MAX_SEND_BUFFER) {
        return "value must be 32m or less";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_quic_table_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t *size = data;

    if (*size > H3_MAX_TABLE_CAPACITY) {
        return "value must be 64k or less";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_quic_early_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t *size = data;

    if (*size < NGX_HTTP_QUIC_MIN_EARLY) {
        return "value must be 32k or more";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_quic_full_name(ngx_conf_t *cf, void *post, void *data)
{
    if (ngx_conf_full_name(cf->cycle, data, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_quic_conf_file(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *content)
{
    ssize_t     n;
    ngx_str_t   path;
    ngx_file_t  file;

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = path;
    file.log = cf->log;
    file.fd = ngx_open_file(path.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", &path);
        return NGX_ERROR;
    }

    n = NGX_ERROR;

    if (ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      ngx_fd_info_n " \"%V\" failed", &path);

    } else {
        content->len = (size_t) ngx_file_size(&file.info);
        content->data = ngx_palloc(cf->temp_pool, content->len + 1);

        if (content->data) {
            n = ngx_read_file(&file, content->data, content->len, 0);
        }

        if (n >= 0 && n != (ssize_t) content->len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "only %z of %uz bytes read from \"%V\"",
                          n, content->len, &path);
        }
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &path);
    }

    return n == (ssize_t) content->len ? NGX_OK : NGX_ERROR;
}


/*
 * Methods that would look for the requests' connections in their own tables.
 *
 * An error in init_module ends nginx, even a running one that is told to
 * reload; so postconfiguration asks first, which knows the answer if events{}
 * stands before http{}.
 */

static ngx_int_t
ngx_http_quic_check_events(ngx_cycle_t *cycle, ngx_log_t *log)
{
    ngx_event_conf_t           *ecf;
    ngx_http_quic_main_conf_t  *qmcf;

    qmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_quic_module);

    if (qmcf == NULL
        || qmcf->listeners.nelts == 0
        || ngx_get_conf(cycle->conf_ctx, ngx_events_module) == NULL)
    {
        return NGX_OK;
    }

    ecf = ngx_event_get_conf(cycle->conf_ctx, ngx_event_core_module);

    if (ecf->name == NGX_CONF_UNSET_PTR
        || (ngx_strcmp(ecf->name, "poll") != 0
            && ngx_strcmp(ecf->name, "select") != 0))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "\"listen ... quic\" can't be used with \"use %s\"",
                  ecf->name);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_quic_init_module(ngx_cycle_t *cycle)
{
    if (ngx_http_quic_check_events(cycle, cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                  "QUIC module with %s", quic_tls_library());

    ngx_http_quic_key_log_check(cycle);
    ngx_http_quic_worker_note_elders();

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_init_process(ngx_cycle_t *cycle)
{
    ngx_http_quic_host_key_worker(cycle->log);

    return ngx_http_quic_worker_init(cycle);
}


static void
ngx_http_quic_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_quic_worker_done();

#if (NGX_HTTP_SSL)
    ngx_http_quic_tls_forget_certificates();
#endif
}
