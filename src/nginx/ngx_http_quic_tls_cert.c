
/*
 * Certificates whose names have variables ("ssl_certificate
 * $ssl_server_name.pem"): they are looked for in each handshake.
 *
 * A worker keeps the last ones that it has loaded, and takes them for as long
 * as their files stay what they were: that takes two system calls instead of
 * reading, decrypting and checking a key.  It also takes them while the files
 * that there are now can't be loaded: a renewal may have written the one and
 * not yet the other.  Certificates in the value itself ("data:") aren't kept.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_request.h"


#if (NGX_HTTP_SSL)

/* a certificate with its chain and key has 5 to 10 KB of memory */
#define NGX_HTTP_QUIC_MAX_CERTS  64


/* what tells that a file is what it was; zeroes: it isn't there */

typedef struct {
    ngx_file_uniq_t      uniq;
    off_t                size;
    struct timespec      mtime;
} ngx_http_quic_file_t;


typedef struct {
    ngx_queue_t          queue;
    quic_tls_cert_t     *cert;
    ngx_str_t            name[2];        /* certificate and key */
    ngx_http_quic_file_t file[2];        /* those that it was loaded from */
    ngx_http_quic_file_t tried[2];       /* the last ones, good or bad */
    time_t               time;           /* of that */
} ngx_http_quic_cert_t;


static ngx_int_t ngx_http_quic_cert_use_all(ngx_http_quic_session_t *s,
    ngx_http_ssl_srv_conf_t *sscf, ngx_http_request_t *r);
static ngx_int_t ngx_http_quic_cert_use(ngx_http_quic_session_t *s,
    ngx_str_t *name, ngx_array_t *passwords);
static ngx_int_t ngx_http_quic_cert_use_once(ngx_http_quic_session_t *s,
    ngx_str_t *name, ngx_array_t *passwords);
static ngx_int_t ngx_http_quic_cert_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *name);
static ngx_http_quic_cert_t *ngx_http_quic_cert_find(ngx_str_t *name);
static ngx_http_quic_cert_t *ngx_http_quic_cert_create(ngx_str_t *name,
    ngx_array_t *passwords, ngx_log_t *log);
static void ngx_http_quic_cert_renew(ngx_http_quic_cert_t *entry,
    ngx_array_t *passwords, ngx_log_t *log);
static void ngx_http_quic_cert_drop(ngx_http_quic_cert_t *entry);
static void ngx_http_quic_cert_files(ngx_str_t *name,
    ngx_http_quic_file_t *file);
static ngx_uint_t ngx_http_quic_cert_same(ngx_http_quic_file_t *a,
    ngx_http_quic_file_t *b);


/* of this worker; the last used is the first */

static ngx_queue_t  ngx_http_quic_certs;
static ngx_uint_t   ngx_http_quic_ncerts;


/*
 * Variables want a request.  The one that they get is no client's: it is not
 * counted, and not logged.
 */

ngx_int_t
ngx_http_quic_tls_load_certificates(ngx_http_quic_session_t *s,
    ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_int_t                 rc;
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_quic_request_t  *qr;

    c = ngx_http_quic_connection_create(s, NULL);
    if (c == NULL) {
        return NGX_ERROR;
    }

    qr = c->data;
    r = ngx_http_create_request(c);

    if (r == NULL) {
        ngx_http_close_connection(c);
        return NGX_ERROR;
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
#endif

    r->logged = 1;

    qr->main = r;
    c->data = r;
    c->log->action = "choosing a certificate";

    rc = ngx_http_quic_cert_use_all(s, sscf, r);

    ngx_http_free_request(r, 0);
    ngx_http_close_connection(c);

    return rc;
}


static ngx_int_t
ngx_http_quic_cert_use_all(ngx_http_quic_session_t *s,
    ngx_http_ssl_srv_conf_t *sscf, ngx_http_request_t *r)
{
    ngx_str_t                  name[2];
    ngx_uint_t                 i;
    ngx_http_complex_value_t  *certs, *keys;

    certs = sscf->certificate_values->elts;
    keys = sscf->certificate_key_values->elts;

    for (i = 0; i < sscf->certificate_values->nelts; i++) {

        if (ngx_http_quic_cert_value(r, &certs[i], &name[0]) != NGX_OK
            || ngx_http_quic_cert_value(r, &keys[i], &name[1]) != NGX_OK
            || ngx_http_quic_cert_use(s, name, sscf->passwords) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* nginx has compiled it so that the value has a NUL at its end, and counts it */

static ngx_int_t
ngx_http_quic_cert_value(ngx_http_request_t *r, ngx_http_complex_value_t *cv,
    ngx_str_t *name)
{
    if (ngx_http_complex_value(r, cv, name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name->len && name->data[name->len - 1] == '\0') {
        name->len--;
    }

    if (!quic_tls_is_file(name)) {
        return NGX_OK;
    }

    return ngx_get_full_name(r->pool, (ngx_str_t *) &ngx_cycle->conf_prefix,
                             name);
}


static ngx_int_t
ngx_http_quic_cert_use(ngx_http_quic_session_t *s, ngx_str_t *name,
    ngx_array_t *passwords)
{
    ngx_http_quic_cert_t  *entry;

    if (!quic_tls_is_file(&name[0]) || !quic_tls_is_file(&name[1])) {
        return ngx_http_quic_cert_use_once(s, name, passwords);
    }

    entry = ngx_http_quic_cert_find(name);

    if (entry) {
        ngx_http_quic_cert_renew(entry, passwords, &s->log);

    } else {
        entry = ngx_http_quic_cert_create(name, passwords, &s->log);
        if (entry == NULL) {
            return NGX_ERROR;
        }
    }

    return quic_tls_use_certificate(quic_conn_tls(s->conn), entry->cert);
}


static ngx_int_t
ngx_http_quic_cert_use_once(ngx_http_quic_session_t *s, ngx_str_t *name,
    ngx_array_t *passwords)
{
    ngx_int_t         rc;
    quic_tls_cert_t  *cert;

    cert = quic_tls_cert_load(&name[0], &name[1], passwords, NGX_LOG_ERR,
                              &s->log);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = quic_tls_use_certificate(quic_conn_tls(s->conn), cert);

    quic_tls_cert_free(cert);

    return rc;
}


/* becomes the first */

static ngx_http_quic_cert_t *
ngx_http_quic_cert_find(ngx_str_t *name)
{
    ngx_queue_t           *q;
    ngx_http_quic_cert_t  *entry;

    if (ngx_http_quic_ncerts == 0) {
        return NULL;
    }

    for (q = ngx_queue_head(&ngx_http_quic_certs);
         q != ngx_queue_sentinel(&ngx_http_quic_certs);
         q = ngx_queue_next(q))
    {
        entry = ngx_queue_data(q, ngx_http_quic_cert_t, queue);

        if (ngx_strcmp(entry->name[0].data, name[0].data) == 0
            && ngx_strcmp(entry->name[1].data, name[1].data) == 0)
        {
            ngx_queue_remove(q);
            ngx_queue_insert_head(&ngx_http_quic_certs, q);

            return entry;
        }
    }

    return NULL;
}


/* NULL: an error, logged */

static ngx_http_quic_cert_t *
ngx_http_quic_cert_create(ngx_str_t *name, ngx_array_t *passwords,
    ngx_log_t *log)
{
    u_char                *p;
    ngx_uint_t             i;
    ngx_queue_t           *last;
    ngx_http_quic_cert_t  *entry;

    entry = ngx_calloc(sizeof(ngx_http_quic_cert_t) + name[0].len + 1
                       + name[1].len + 1, log);
    if (entry == NULL) {
        return NULL;
    }

    /* what changes while it is being loaded is found to have changed later */

    ngx_http_quic_cert_files(name, entry->file);
    ngx_memcpy(entry->tried, entry->file, sizeof(entry->file));

    entry->cert = quic_tls_cert_load(&name[0], &name[1], passwords,
                                     NGX_LOG_ERR, log);
    if (entry->cert == NULL) {
        ngx_free(entry);
        return NULL;
    }

    p = (u_char *) &entry[1];

    for (i = 0; i < 2; i++) {
        entry->name[i].data = p;
        entry->name[i].len = name[i].len;

        p = ngx_cpymem(p, name[i].data, name[i].len);
        *p++ = '\0';
    }

    if (ngx_http_quic_ncerts == 0) {
        ngx_queue_init(&ngx_http_quic_certs);
    }

    ngx_queue_insert_head(&ngx_http_quic_certs, &entry->queue);

    if (++ngx_http_quic_ncerts > NGX_HTTP_QUIC_MAX_CERTS) {
        last = ngx_queue_last(&ngx_http_quic_certs);
        ngx_http_quic_cert_drop(ngx_queue_data(last, ngx_http_quic_cert_t,
                                               queue));
    }

    return entry;
}


/*
 * Files that can't be loaded are tried again in another second, if they don't
 * change before, but told of once.
 */

static void
ngx_http_quic_cert_renew(ngx_http_quic_cert_t *entry, ngx_array_t *passwords,
    ngx_log_t *log)
{
    ngx_uint_t            known;
    quic_tls_cert_t      *cert;
    ngx_http_quic_file_t  now[2];

    ngx_http_quic_cert_files(entry->name, now);

    if (ngx_http_quic_cert_same(now, entry->file)) {
        return;
    }

    known = ngx_http_quic_cert_same(now, entry->tried);

    if (known && entry->time == ngx_time()) {
        return;
    }

    ngx_memcpy(entry->tried, now, sizeof(now));
    entry->time = ngx_time();

    cert = quic_tls_cert_load(&entry->name[0], &entry->name[1], passwords,
                              known ? NGX_LOG_DEBUG : NGX_LOG_ERR, log);

    if (cert) {
        quic_tls_cert_free(entry->cert);
        entry->cert = cert;
        ngx_memcpy(entry->file, now, sizeof(now));

    } else if (!known) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "certificate \"%V\" as it was before is still in use",
                      &entry->name[0]);
    }
}


static void
ngx_http_quic_cert_drop(ngx_http_quic_cert_t *entry)
{
    ngx_queue_remove(&entry->queue);
    ngx_http_quic_ncerts--;

    quic_tls_cert_free(entry->cert);
    ngx_free(entry);
}


static void
ngx_http_quic_cert_files(ngx_str_t *name, ngx_http_quic_file_t *file)
{
    ngx_uint_t       i;
    ngx_file_info_t  fi;

    ngx_memzero(file, 2 * sizeof(ngx_http_quic_file_t));

    for (i = 0; i < 2; i++) {

        if (ngx_file_info(name[i].data, &fi) != NGX_FILE_ERROR) {
            file[i].uniq = ngx_file_uniq(&fi);
            file[i].size = ngx_file_size(&fi);
            file[i].mtime = fi.st_mtim;
        }
    }
}


static ngx_uint_t
ngx_http_quic_cert_same(ngx_http_quic_file_t *a, ngx_http_quic_file_t *b)
{
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {

        if (a[i].uniq != b[i].uniq
            || a[i].size != b[i].size
            || a[i].mtime.tv_sec != b[i].mtime.tv_sec
            || a[i].mtime.tv_nsec != b[i].mtime.tv_nsec)
        {
            return 0;
        }
    }

    return 1;
}


void
ngx_http_quic_tls_forget_certificates(void)
{
    ngx_queue_t  *q;

    while (ngx_http_quic_ncerts) {
        q = ngx_queue_head(&ngx_http_quic_certs);
        ngx_http_quic_cert_drop(ngx_queue_data(q, ngx_http_quic_cert_t,
                                               queue));
    }
}

#endif
