
/*
 * The host key: from the file of quic_host_key, or made by the first master.
 * That one is kept in memory which has no name but a descriptor, whose number
 * stands in the environment: there a reload finds it, also one that loads a
 * module which has been replaced, and a new binary (USR2), whose workers serve
 * the clients of the old one's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <sys/mman.h>
#include "crypto/quic_random.h"
#include "nginx/ngx_http_quic.h"


#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL  0x0008U
#endif


#define NGX_HTTP_QUIC_HOST_KEY_VAR    "NGINX_QUIC_HOST_KEY"

/* nobody who has the descriptor can change what is in there */
#define NGX_HTTP_QUIC_HOST_KEY_SEALS                                          \
    (F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE)

/* bytes: quic_host_key_init() wants so many */
#define NGX_HTTP_QUIC_MIN_SECRET      16


static ngx_int_t ngx_http_quic_host_key_name(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf);
static ngx_int_t ngx_http_quic_host_key_file(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf);
static ngx_int_t ngx_http_quic_host_key_kept(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf);
static ngx_fd_t ngx_http_quic_host_key_find(void);
static ngx_fd_t ngx_http_quic_host_key_make(ngx_log_t *log);
static ngx_int_t ngx_http_quic_host_key_store(ngx_fd_t fd, ngx_log_t *log);
static ngx_int_t ngx_http_quic_host_key_hand_on(ngx_conf_t *cf, ngx_fd_t fd);
static ngx_int_t ngx_http_quic_host_key_set(ngx_conf_t *cf,
    ngx_http_quic_main_conf_t *qmcf, u_char *secret, size_t len);
static void ngx_http_quic_host_key_cleanup(void *data);


/* where this process has it, if it isn't a file's */

static ngx_fd_t  ngx_http_quic_host_key_fd = NGX_INVALID_FILE;


/*
 * All addresses have one host key, as a connection ID must be opened before it
 * is known whom it belongs to.  It is made before the workers are.
 */

ngx_int_t
ngx_http_quic_host_key_init(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf)
{
    ngx_int_t            rc;
    ngx_pool_cleanup_t  *cln;

    if (ngx_http_quic_host_key_name(cf, qmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (qmcf->host_key_file.len == 0 && qmcf->listeners.nelts == 0) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    rc = qmcf->host_key_file.len ? ngx_http_quic_host_key_file(cf, qmcf)
                                 : ngx_http_quic_host_key_kept(cf, qmcf);

    if (rc == NGX_OK) {
        cln->handler = ngx_http_quic_host_key_cleanup;
        cln->data = qmcf;
    }

    return rc;
}


/* nginx allows quic_host_key in server{}, too: there it has to be the same */

static ngx_int_t
ngx_http_quic_host_key_name(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf)
{
    ngx_str_t                  *name;
    ngx_uint_t                  i;
    ngx_http_quic_srv_conf_t   *qscf;
    ngx_http_core_srv_conf_t  **cscfp;
    ngx_http_core_main_conf_t  *cmcf;

    qscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_quic_module);

    qmcf->host_key_file = qscf->host_key_file;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        qscf = cscfp[i]->ctx->srv_conf[ngx_http_quic_module.ctx_index];
        name = &qscf->host_key_file;

        if (name->len == 0) {
            continue;
        }

        if (qmcf->host_key_file.len == 0) {
            qmcf->host_key_file = *name;
        }

        if (name->len != qmcf->host_key_file.len
            || ngx_strcmp(name->data, qmcf->host_key_file.data) != 0)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "conflicting \"quic_host_key\" files \"%V\" "
                          "and \"%V\"", &qmcf->host_key_file, name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_quic_host_key_file(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf)
{
    ngx_int_t   rc;
    ngx_str_t   secret;
    ngx_str_t  *name;

    name = &qmcf->host_key_file;

    if (ngx_http_quic_conf_file(cf, name, &secret) != NGX_OK) {
        return NGX_ERROR;
    }

    if (secret.len < NGX_HTTP_QUIC_MIN_SECRET) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"quic_host_key\" file \"%V\" is too short: "
                      "%d bytes or more are needed",
                      name, NGX_HTTP_QUIC_MIN_SECRET);
        rc = NGX_ERROR;

    } else {
        rc = ngx_http_quic_host_key_set(cf, qmcf, secret.data, secret.len);
    }

    quic_wipe(secret.data, secret.len);

    return rc;
}


static ngx_int_t
ngx_http_quic_host_key_kept(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf)
{
    u_char     secret[QUIC_HOST_SECRET_LEN];
    ngx_fd_t   fd;
    ngx_int_t  rc;

    fd = ngx_http_quic_host_key_find();

    if (fd == NGX_INVALID_FILE) {
        fd = ngx_http_quic_host_key_make(cf->log);
    }

    ngx_http_quic_host_key_fd = fd;

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    if (pread(fd, secret, QUIC_HOST_SECRET_LEN, 0) != QUIC_HOST_SECRET_LEN) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "pread() of the host key failed");
        return NGX_ERROR;
    }

    rc = ngx_http_quic_host_key_set(cf, qmcf, secret, QUIC_HOST_SECRET_LEN);

    quic_wipe(secret, QUIC_HOST_SECRET_LEN);

    return rc == NGX_OK ? ngx_http_quic_host_key_hand_on(cf, fd) : NGX_ERROR;
}


/*
 * The number may be another program's, which a worker has started, and by now
 * mean anything: only memory that is sealed as ours, has the right size and
 * belongs to our user is taken for it.
 */

static ngx_fd_t
ngx_http_quic_host_key_find(void)
{
    int              seals;
    char            *var;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    var = getenv(NGX_HTTP_QUIC_HOST_KEY_VAR);

    if (var == NULL) {
        return NGX_INVALID_FILE;
    }

    fd = ngx_atoi((u_char *) var, ngx_strlen(var));
    seals = fcntl(fd, F_GET_SEALS);

    if (seals == -1
        || (seals & NGX_HTTP_QUIC_HOST_KEY_SEALS)
           != NGX_HTTP_QUIC_HOST_KEY_SEALS
        || ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || ngx_file_size(&fi) != QUIC_HOST_SECRET_LEN
        || fi.st_uid != geteuid())
    {
        return NGX_INVALID_FILE;
    }

    return fd;
}


/* without close-on-exec: the new binary shall have it */

static ngx_fd_t
ngx_http_quic_host_key_make(ngx_log_t *log)
{
    ngx_fd_t  fd;

    fd = memfd_create("quic_host_key", MFD_ALLOW_SEALING|MFD_NOEXEC_SEAL);

    /* Linux before 6.3 doesn't know the latter */

    if (fd == NGX_INVALID_FILE && ngx_errno == NGX_EINVAL) {
        fd = memfd_create("quic_host_key", MFD_ALLOW_SEALING);
    }

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "memfd_create() for a host key failed, "
                      "there is \"quic_host_key\" for a file with one");
        return NGX_INVALID_FILE;
    }

    if (ngx_http_quic_host_key_store(fd, log) != NGX_OK) {
        (void) ngx_close_file(fd);
        return NGX_INVALID_FILE;
    }

    return fd;
}


static ngx_int_t
ngx_http_quic_host_key_store(ngx_fd_t fd, ngx_log_t *log)
{
    u_char   secret[QUIC_HOST_SECRET_LEN];
    ssize_t  n;

    quic_random(secret, QUIC_HOST_SECRET_LEN);

    n = write(fd, secret, QUIC_HOST_SECRET_LEN);

    quic_wipe(secret, QUIC_HOST_SECRET_LEN);

    if (n != QUIC_HOST_SECRET_LEN
        || fcntl(fd, F_ADD_SEALS, NGX_HTTP_QUIC_HOST_KEY_SEALS) == -1)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "could not keep a host key in memory");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * nginx makes a new binary's environment of what "env" says, and leaves its
 * own as it is.
 */

static ngx_int_t
ngx_http_quic_host_key_hand_on(ngx_conf_t *cf, ngx_fd_t fd)
{
    u_char           *value;
    ngx_str_t        *env;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    env = ngx_array_push(&ccf->env);
    if (env == NULL) {
        return NGX_ERROR;
    }

    /* the core's form: the length is the name's, the value stands behind it */

    env->len = sizeof(NGX_HTTP_QUIC_HOST_KEY_VAR) - 1;
    env->data = ngx_pnalloc(cf->pool, sizeof(NGX_HTTP_QUIC_HOST_KEY_VAR "=")
                                      + NGX_INT_T_LEN);
    if (env->data == NULL) {
        return NGX_ERROR;
    }

    value = ngx_cpymem(env->data, NGX_HTTP_QUIC_HOST_KEY_VAR "=",
                       sizeof(NGX_HTTP_QUIC_HOST_KEY_VAR "=") - 1);
    (void) ngx_sprintf(value, "%d%Z", fd);

    if (setenv(NGX_HTTP_QUIC_HOST_KEY_VAR, (char *) value, 1) != 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno, "setenv() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* no program that a worker may start shall have it */

void
ngx_http_quic_host_key_worker(ngx_log_t *log)
{
    if (ngx_process == NGX_PROCESS_SINGLE
        || ngx_http_quic_host_key_fd == NGX_INVALID_FILE)
    {
        return;
    }

    if (fcntl(ngx_http_quic_host_key_fd, F_SETFD, FD_CLOEXEC) == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "fcntl(FD_CLOEXEC) of the host key failed");
    }
}


static ngx_int_t
ngx_http_quic_host_key_set(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf,
    u_char *secret, size_t len)
{
    ngx_str_t  *host;

    host = &cf->cycle->hostname;

    if (quic_host_key_init(&qmcf->host_key, secret, len) != NGX_OK
        || quic_host_key_bind(&qmcf->host_key, host->data, host->len)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "could not derive QUIC's keys from the host key");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_quic_host_key_cleanup(void *data)
{
    ngx_http_quic_main_conf_t *qmcf = data;

    quic_host_key_clear(&qmcf->host_key);
}
