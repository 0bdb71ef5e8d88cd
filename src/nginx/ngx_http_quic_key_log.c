
/*
 * quic_key_log: the secrets of all connections, in the form that Wireshark
 * reads (NSS's key log).  For looking into problems; who has the file can read
 * what was sent.
 *
 * The file is opened and reopened as nginx's logs are, but no one else may
 * read it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "crypto/quic_random.h"
#include "nginx/ngx_http_quic.h"


/* rw------- */
#define NGX_HTTP_QUIC_KEY_LOG_ACCESS  0600

/* a label, 32 bytes and 48 at most as hex digits */
#define NGX_HTTP_QUIC_KEY_LOG_LINE    512


static ngx_int_t ngx_http_quic_key_log_create(ngx_str_t *name,
    ngx_log_t *log);
static void ngx_http_quic_key_log_flush(ngx_open_file_t *file,
    ngx_log_t *log);


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


/* nginx is about to open the file again, which may have been moved away */

static void
ngx_http_quic_key_log_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    (void) ngx_http_quic_key_log_create(&file->name, log);
}


void
ngx_http_quic_key_log_write(void *data, const char *line)
{
    ngx_open_file_t *file = data;

    u_char  *p, text[NGX_HTTP_QUIC_KEY_LOG_LINE];

    p = ngx_slprintf(text, text + sizeof(text), "%s\n", line);

    /* one call: lines of several workers don't mix */

    if (ngx_write_fd(file->fd, text, p - text) == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_write_fd_n " to \"%V\" failed", &file->name);
    }

    quic_wipe(text, sizeof(text));
}
