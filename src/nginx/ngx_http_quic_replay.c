
/*
 * The memory of tickets that have brought 0-RTT, shared by all workers; a
 * reload that doesn't change its size keeps it.  There is none where no server
 * has "ssl_early_data on".
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "nginx/ngx_http_quic.h"
#include "quic/quic_replay.h"


static ngx_uint_t ngx_http_quic_replay_wanted(
    ngx_http_quic_main_conf_t *qmcf);
static ngx_int_t ngx_http_quic_replay_create(ngx_shm_zone_t *zone, void *data);


ngx_int_t
ngx_http_quic_replay_init(ngx_conf_t *cf, ngx_http_quic_main_conf_t *qmcf)
{
    size_t            size;
    ngx_shm_zone_t   *zone;
    static ngx_str_t  name = ngx_string("quic_early_data");

    if (!ngx_http_quic_replay_wanted(qmcf)) {
        return NGX_OK;
    }

    /* the slab allocator has a description of each page */

    size = ngx_align(qmcf->early_data_memory, ngx_pagesize);
    size += size / 64 + 8 * ngx_pagesize;

    zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_quic_module);
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->init = ngx_http_quic_replay_create;
    zone->data = qmcf;

    qmcf->replay_zone = zone;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_quic_replay_wanted(ngx_http_quic_main_conf_t *qmcf)
{
#if (NGX_HTTP_SSL)
    ngx_uint_t                   i, n;
    ngx_http_ssl_srv_conf_t     *sscf;
    ngx_http_core_srv_conf_t   **server;
    ngx_http_quic_listener_t   **listener;

    listener = qmcf->listeners.elts;

    for (i = 0; i < qmcf->listeners.nelts; i++) {
        server = listener[i]->servers.elts;

        for (n = 0; n < listener[i]->servers.nelts; n++) {
            sscf = server[n]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

            if (sscf->early_data) {
                return 1;
            }
        }
    }
#endif

    return 0;
}


/* "data" is the configuration before, if the memory is the same */

static ngx_int_t
ngx_http_quic_replay_create(ngx_shm_zone_t *zone, void *data)
{
    size_t                      size;
    ngx_slab_pool_t            *pool;
    ngx_http_quic_main_conf_t  *old, *qmcf;

    qmcf = zone->data;
    old = data;

    if (old) {
        qmcf->replay = old->replay;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;
    size = ngx_align(qmcf->early_data_memory, ngx_pagesize);

    qmcf->replay = ngx_slab_alloc(pool, size);
    if (qmcf->replay == NULL) {
        return NGX_ERROR;
    }

    return quic_replay_init(qmcf->replay, size);
}


ngx_int_t
ngx_http_quic_replay_use(ngx_http_quic_main_conf_t *qmcf, uint64_t ticket)
{
    ngx_int_t         rc;
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) qmcf->replay_zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    rc = quic_replay_use(qmcf->replay, ticket, time(NULL));

    ngx_shmtx_unlock(&pool->mutex);

    return rc;
}
