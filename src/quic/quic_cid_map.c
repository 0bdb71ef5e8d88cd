
/*
 * Linear hashing: as many buckets as nodes, or some more.  A new bucket takes
 * its nodes from the one whose number differs in the highest bit only; no
 * other is touched.  The array of buckets doubles, which copies pointers and
 * looks at no node.  Without memory for that chains get longer and all goes
 * on.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_cid_map.h"


#define QUIC_CID_MAP_MIN  64


static quic_cid_node_t **quic_cid_map_bucket(quic_cid_map_t *m,
    uint64_t hash);
static quic_cid_node_t *quic_cid_map_lookup(quic_cid_map_t *m, uint64_t hash,
    u_char *cid, size_t len);
static void quic_cid_map_grow(quic_cid_map_t *m);
static ngx_int_t quic_cid_map_double(quic_cid_map_t *m);


ngx_int_t
quic_cid_map_init(quic_cid_map_t *m, quic_mem_t *mem)
{
    m->used = QUIC_CID_MAP_MIN;
    m->size = QUIC_CID_MAP_MIN;
    m->n = 0;
    m->mem = mem;

    m->bucket = quic_calloc(mem, m->size * sizeof(quic_cid_node_t *));

    return m->bucket ? NGX_OK : NGX_ERROR;
}


/* the nodes are their owners', who may remove them later all the same */

void
quic_cid_map_done(quic_cid_map_t *m)
{
    ngx_uint_t        i;
    quic_cid_node_t  *node;

    if (m->bucket == NULL) {
        return;
    }

    for (i = 0; i < m->used; i++) {
        for (node = m->bucket[i]; node; node = node->next) {
            node->linked = 0;
        }
    }

    quic_free(m->mem, m->bucket, m->size * sizeof(quic_cid_node_t *));

    m->bucket = NULL;
    m->n = 0;
}


/* a bucket that isn't in use yet still shares that of the lower half */

static quic_cid_node_t **
quic_cid_map_bucket(quic_cid_map_t *m, uint64_t hash)
{
    ngx_uint_t  i;

    i = hash & (m->size - 1);

    if (i >= m->used) {
        i -= m->size / 2;
    }

    return &m->bucket[i];
}


static quic_cid_node_t *
quic_cid_map_lookup(quic_cid_map_t *m, uint64_t hash, u_char *cid, size_t len)
{
    quic_cid_node_t  *node;

    for (node = *quic_cid_map_bucket(m, hash); node; node = node->next) {

        if (node->hash == hash
            && node->cid.len == len
            && ngx_memcmp(node->cid.data, cid, len) == 0)
        {
            return node;
        }
    }

    return NULL;
}


quic_cid_node_t *
quic_cid_map_find(quic_cid_map_t *m, u_char *cid, size_t len)
{
    return quic_cid_map_lookup(m, quic_hash(cid, len), cid, len);
}


ngx_int_t
quic_cid_map_add(quic_cid_map_t *m, quic_cid_node_t *node)
{
    quic_cid_node_t  **head;

    node->hash = quic_hash(node->cid.data, node->cid.len);

    if (quic_cid_map_lookup(m, node->hash, node->cid.data, node->cid.len)) {
        return NGX_DECLINED;
    }

    if (m->n >= m->used) {
        quic_cid_map_grow(m);
    }

    head = quic_cid_map_bucket(m, node->hash);

    node->next = *head;
    node->linked = 1;

    *head = node;
    m->n++;

    return NGX_OK;
}


/* one more bucket */

static void
quic_cid_map_grow(quic_cid_map_t *m)
{
    quic_cid_node_t  *node, **p, **head;

    if (m->used == m->size && quic_cid_map_double(m) != NGX_OK) {
        return;
    }

    p = &m->bucket[m->used - m->size / 2];
    head = &m->bucket[m->used];

    *head = NULL;

    while ((node = *p) != NULL) {

        if ((node->hash & (m->size - 1)) != m->used) {
            p = &node->next;
            continue;
        }

        *p = node->next;
        node->next = *head;
        *head = node;
    }

    m->used++;
}


static ngx_int_t
quic_cid_map_double(quic_cid_map_t *m)
{
    size_t             size;
    quic_cid_node_t  **bucket;

    size = m->size * sizeof(quic_cid_node_t *);

    bucket = quic_alloc(m->mem, 2 * size);
    if (bucket == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(bucket, m->bucket, size);
    quic_free(m->mem, m->bucket, size);

    m->bucket = bucket;
    m->size *= 2;

    return NGX_OK;
}


void
quic_cid_map_remove(quic_cid_map_t *m, quic_cid_node_t *node)
{
    quic_cid_node_t  **p;

    if (!node->linked) {
        return;
    }

    p = quic_cid_map_bucket(m, node->hash);

    while (*p != node) {
        p = &(*p)->next;
    }

    *p = node->next;

    node->linked = 0;
    m->n--;
}
