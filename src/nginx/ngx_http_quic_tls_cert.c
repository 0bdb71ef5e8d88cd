
/*
 * Certificates whose names have variables ("ssl_certificate
 * $ssl_server_name.pem"): they are looked for in each handshake.
 *
 * A worker keeps the last ones that it has loaded, as long as their files stay
 * what they were: that takes two system calls instead of reading, decrypting
 * and checking a key.  Certificates in the value itself ("data:") aren't kept.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "nginx/ngx_http_quic_request.h"


#if (NGX_HTTP_SSL)

/* a certificate with its chain and key has 5 to 10 KB of memory */
#define NGX_HTTP_QUIC_MAX_CERTS  64


/* what tells that a file is what it was */

typedef struct {
    ngx_file_uniq_t      uniq;
    off_t                size;
    struct timespec      mtime;
} ngx_http_quic_file_t;


typedef struct {
    ngx_queue_t          queue;
    quic_tls_cert_t     *cert;
    ngx_str_t            name[2];        /* certificate and key */
    ngx_http_quic_file_t file[2];
} ngx_http_quic_cert_t;


static ngx_int_t ngx_http_quic_cert_use_all(ngx_http_quic_session_t *s,
    ngx_http_ssl_srv_conf_t *sscf, ngx_http_request_t *r);
static ngx_int_t ngx_http_quic_cert_use(ngx_http_quic_session_t *s,
    ngx_str_t *name, ngx_array_t *passwords);
static ngx_int_t ngx_http_quic_cert_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_str_t *name);
static ngx_uint_t ngx_http_quic_cert_is_data(ngx_str_t *name);
static ngx_http_quic_cert_t *ngx_http_quic_cert_find(ngx_str_t *name);
static ngx_uint_t ngx_http_quic_cert_fresh(ngx_http_quic_cert_t *entry);
static void ngx_http_quic_cert_keep(ngx_str_t *name,
    ngx_http_quic_file_t *file, quic_tls_cert_t *cert);
static void ngx_http_quic_cert_drop(ngx_http_quic_cert_t *entry);
static ngx_int_t ngx_http_quic_cert_file(ngx_str_t *name,
    ngx_http_quic_file_t *file);


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

    if (ngx_http_quic_cert_is_data(name)) {
        return NGX_OK;
    }

    return ngx_get_full_name(r->pool, (ngx_str_t *) &ngx_cycle->conf_prefix,
                             name);
}


static ngx_int_t
ngx_http_quic_cert_use(ngx_http_quic_session_t *s, ngx_str_t *name,
    ngx_array_t *passwords)
{
    ngx_int_t              rc;
    ngx_uint_t             kept;
    quic_tls_t            *tls;
    quic_tls_cert_t       *cert;
    ngx_http_quic_file_t   file[2];
    ngx_http_quic_cert_t  *entry;

    tls = quic_conn_tls(s->conn);

    entry = ngx_http_quic_cert_find(name);

    if (entry) {
        return quic_tls_use_certificate(tls, entry->cert);
    }

    /* what changes while it is being loaded is found to have changed later */

    kept = !ngx_http_quic_cert_is_data(&name[0])
           && !ngx_http_quic_cert_is_data(&name[1])
           && ngx_http_quic_cert_file(&name[0], &file[0]) == NGX_OK
           && ngx_http_quic_cert_file(&name[1], &file[1]) == NGX_OK;

    cert = quic_tls_cert_load(&name[0], &name[1], passwords, NGX_LOG_ERR,
                              &s->log);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = quic_tls_use_certificate(tls, cert);

    if (kept) {
        ngx_http_quic_cert_keep(name, file, cert);

    } else {
        quic_tls_cert_free(cert);
    }

    return rc;
}


static ngx_uint_t
ngx_http_quic_cert_is_data(ngx_str_t *name)
{
    return ngx_strncmp(name->data, "data:", sizeof("data:") - 1) == 0;
}


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

        if (ngx_strcmp(entry->name[0].data, name[0].data) != 0
            || ngx_strcmp(entry->name[1].data, name[1].data) != 0)
        {
            continue;
        }

        if (!ngx_http_quic_cert_fresh(entry)) {
            ngx_http_quic_cert_drop(entry);
            return NULL;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_head(&ngx_http_quic_certs, q);

        return entry;
    }

    return NULL;
}


/* both files are what they were when it was loaded */

static ngx_uint_t
ngx_http_quic_cert_fresh(ngx_http_quic_cert_t *entry)
{
    ngx_uint_t             i;
    ngx_http_quic_file_t  *was, now;

    for (i = 0; i < 2; i++) {
        was = &entry->file[i];

        if (ngx_http_quic_cert_file(&entry->name[i], &now) != NGX_OK
            || now.uniq != was->uniq
            || now.size != was->size
            || now.mtime.tv_sec != was->mtime.tv_sec
            || now.mtime.tv_nsec != was->mtime.tv_nsec)
        {
            return 0;
        }
    }

    return 1;
}


/* takes the certificate over */

static void
ngx_http_quic_cert_keep(ngx_str_t *name, ngx_http_quic_file_t *file,
    quic_tls_cert_t *cert)
{
    u_char                *p;
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_http_quic_cert_t  *entry;

    if (ngx_http_quic_ncerts == 0) {
        ngx_queue_init(&ngx_http_quic_certs);
    }

    entry = ngx_alloc(sizeof(ngx_http_quic_cert_t) + name[0].len + 1
                      + name[1].len + 1, ngx_cycle->log);
    if (entry == NULL) {
        quic_tls_cert_free(cert);
        return;
    }

    p = (u_char *) &entry[1];

    for (i = 0; i < 2; i++) {
        entry->name[i].data = p;
        entry->name[i].len = name[i].len;
        entry->file[i] = file[i];

        p = ngx_cpymem(p, name[i].data, name[i].len);
        *p++ = '\0';
    }

    entry->cert = cert;

    ngx_queue_insert_head(&ngx_http_quic_certs, &entry->queue);

    if (++ngx_http_quic_ncerts > NGX_HTTP_QUIC_MAX_CERTS) {
        q = ngx_queue_last(&ngx_http_quic_certs);
        ngx_http_quic_cert_drop(ngx_queue_data(q, ngx_http_quic_cert_t,
                                               queue));
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


static ngx_int_t
ngx_http_quic_cert_file(ngx_str_t *name, ngx_http_quic_file_t *file)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {
        return NGX_DECLINED;
    }

    file->uniq = ngx_file_uniq(&fi);
    file->size = ngx_file_size(&fi);
    file->mtime = fi.st_mtim;

    return NGX_OK;
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
