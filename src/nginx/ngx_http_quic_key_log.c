
/*
 * quic_key_log: the secrets of all connections, in the form that Wireshark
 * reads (NSS's key log).  For looking into problems; who has the file can read
 * what was sent.
 *
 * The file is opened and reopened as nginx's logs are, but made so that no one
 * else may read it.  One that is there already keeps its rights, which someone
 * may have given it on purpose: a warning tells of them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "crypto/quic_random.h"
#include "nginx/ngx_http_quic.h"


/* rw------- */
#define NGX_HTTP_QUIC_KEY_LOG_ACCESS  0600

#define NGX_HTTP_QUIC_KEY_LOG_OTHERS  (S_IRGRP|S_IROTH)

/* a label, 32 bytes and 48 at most as hex digits */
#define NGX_HTTP_QUIC_KEY_LOG_LINE    512

/* seconds between two lines about one that couldn't be written, as in nginx */
#define NGX_HTTP_QUIC_KEY_LOG_EVERY   60


static ngx_int_t ngx_http_quic_key_log_create(ngx_str_t *name,
    ngx_log_t *log);
static void ngx_http_quic_key_log_flush(ngx_open_file_t *file,
    ngx_log_t *log);
static void ngx_http_quic_key_log_look(ngx_cycle_t *cycle, ngx_str_t *name,
    ngx_log_t *log);


/* of this worker, for all its files */
static time_t  ngx_http_quic_key_log_failed;


char *
ngx_http_quic_key_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_quic_srv_conf_t *qscf = conf;

    ngx_str_t  *value, name;

    if (qscf->key_log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    name = value[1];

    if (ngx_strcmp(name.data, "off") == 0) {
        qscf->key_log = NULL;
        return NGX_CONF_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &name, 0) != NGX_OK
        || ngx_http_quic_key_log_create(&name, cf->log) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    qscf->key_log = ngx_conf_open_file(cf->cycle, &name);
    if (qscf->key_log == NULL) {
        return NGX_CONF_ERROR;
    }

    qscf->key_log->flush = ngx_http_quic_key_log_flush;

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "secrets of QUIC connections are written to \"%V\"",
                       &name);

    return NGX_CONF_OK;
}


/* before nginx does so, with its own access rights */

static ngx_int_t
ngx_http_quic_key_log_create(ngx_str_t *name, ngx_log_t *log)
{
    ngx_fd_t  fd;

    fd = ngx_open_file(name->data, NGX_FILE_APPEND, NGX_FILE_CREATE_OR_OPEN,
                       NGX_HTTP_QUIC_KEY_LOG_ACCESS);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return NGX_OK;
}


/*
 * nginx is about to open the file again, which may have been moved away; its
 * master is the first to do so.
 */

static void
ngx_http_quic_key_log_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    if (ngx_http_quic_key_log_create(&file->name, log) == NGX_OK
        && ngx_process != NGX_PROCESS_WORKER)
    {
        ngx_http_quic_key_log_look((ngx_cycle_t *) ngx_cycle, &file->name,
                                   log);
    }
}


/* once the user that workers run as is known */

void
ngx_http_quic_key_log_check(ngx_cycle_t *cycle)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_open_file_t  *file;

    for (part = &cycle->open_files.part; part; part = part->next) {
        file = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (file[i].flush == ngx_http_quic_key_log_flush) {
                ngx_http_quic_key_log_look(cycle, &file[i].name, cycle->log);
            }
        }
    }
}


static void
ngx_http_quic_key_log_look(ngx_cycle_t *cycle, ngx_str_t *name, ngx_log_t *log)
{
    ngx_file_info_t   fi;
    ngx_core_conf_t  *ccf;

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {
        return;
    }

    if (fi.st_mode & NGX_HTTP_QUIC_KEY_LOG_OTHERS) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "others than its owner may read secrets of "
                      "QUIC connections in \"%V\"", name);
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (fi.st_uid != 0 && fi.st_uid != geteuid() && fi.st_uid != ccf->user) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "another user may read secrets of "
                      "QUIC connections in \"%V\", its owner", name);
    }
}


void
ngx_http_quic_key_log_write(void *data, const char *line)
{
    ngx_open_file_t *file = data;

    u_char  *p, text[NGX_HTTP_QUIC_KEY_LOG_LINE];

    p = ngx_slprintf(text, text + sizeof(text), "%s\n", line);

    /* one call: lines of several workers don't mix */

    if (ngx_write_fd(file->fd, text, p - text) == -1
        && ngx_time() - ngx_http_quic_key_log_failed
           >= NGX_HTTP_QUIC_KEY_LOG_EVERY)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_write_fd_n " to \"%V\" failed", &file->name);

        ngx_http_quic_key_log_failed = ngx_time();
    }

    quic_wipe(text, sizeof(text));
}
