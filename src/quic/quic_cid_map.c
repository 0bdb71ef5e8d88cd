
/*
 * Chains in an array that doubles when it has as many nodes as places.
 * Without memory for that chains get longer and all goes on.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_cid_map.h"


#define QUIC_CID_MAP_MIN  64


static quic_cid_node_t *quic_cid_map_lookup(quic_cid_map_t *m, uint64_t hash,
    u_char *cid, size_t len);
static void quic_cid_map_grow(quic_cid_map_t *m);


ngx_int_t
quic_cid_map_init(quic_cid_map_t *m, quic_mem_t *mem)
{
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

    for (i = 0; i < m->size; i++) {
        for (node = m->bucket[i]; node; node = node->next) {
            node->linked = 0;
        }
    }

    quic_free(m->mem, m->bucket, m->size * sizeof(quic_cid_node_t *));

    m->bucket = NULL;
    m->n = 0;
}


static quic_cid_node_t *
quic_cid_map_lookup(quic_cid_map_t *m, uint64_t hash, u_char *cid, size_t len)
{
    quic_cid_node_t  *node;

    for (node = m->bucket[hash & (m->size - 1)]; node; node = node->next) {

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

    if (m->n >= m->size) {
        quic_cid_map_grow(m);
    }

    head = &m->bucket[node->hash & (m->size - 1)];

    node->next = *head;
    node->linked = 1;

    *head = node;
    m->n++;

    return NGX_OK;
}


static void
quic_cid_map_grow(quic_cid_map_t *m)
{
    ngx_uint_t         i, size;
    quic_cid_node_t   *node, *next, **bucket, **head;

    size = 2 * m->size;

    bucket = quic_calloc(m->mem, size * sizeof(quic_cid_node_t *));
    if (bucket == NULL) {
        return;
    }

    for (i = 0; i < m->size; i++) {

        for (node = m->bucket[i]; node; node = next) {
            next = node->next;
            head = &bucket[node->hash & (size - 1)];

            node->next = *head;
            *head = node;
        }
    }

    quic_free(m->mem, m->bucket, m->size * sizeof(quic_cid_node_t *));

    m->bucket = bucket;
    m->size = size;
}


void
quic_cid_map_remove(quic_cid_map_t *m, quic_cid_node_t *node)
{
    quic_cid_node_t  **p;

    if (!node->linked) {
        return;
    }

    p = &m->bucket[node->hash & (m->size - 1)];

    while (*p != node) {
        p = &(*p)->next;
    }

    *p = node->next;

    node->linked = 0;
    m->n--;
}
