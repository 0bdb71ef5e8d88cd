
/*
 * From a connection ID to what it belongs to: a hash table with chains, which
 * grows by a bucket at a time, so that no packet waits for a million nodes to
 * find new places.  The hash is keyed (SipHash), as a client chooses its first
 * DCID.
 */

#ifndef _QUIC_CID_MAP_H_INCLUDED_
#define _QUIC_CID_MAP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_mem.h"
#include "wire/quic_packet.h"


typedef struct quic_cid_node_s  quic_cid_node_t;

struct quic_cid_node_s {
    quic_cid_node_t   *next;
    uint64_t           hash;
    quic_cid_t         cid;
    void              *data;
    unsigned           linked:1;
};


typedef struct {
    quic_cid_node_t  **bucket;
    ngx_uint_t         used;         /* buckets: more than a half of "size" */
    ngx_uint_t         size;         /* a power of two */
    ngx_uint_t         n;            /* nodes */
    quic_mem_t        *mem;
} quic_cid_map_t;


/* NGX_OK or NGX_ERROR (memory) */
ngx_int_t quic_cid_map_init(quic_cid_map_t *m, quic_mem_t *mem);
void quic_cid_map_done(quic_cid_map_t *m);

/*
 * node->cid and node->data are set by the caller, who owns the node.
 * NGX_DECLINED when the connection ID is there already.
 */
ngx_int_t quic_cid_map_add(quic_cid_map_t *m, quic_cid_node_t *node);

/* harmless for a node that isn't in the map */
void quic_cid_map_remove(quic_cid_map_t *m, quic_cid_node_t *node);

/* NULL when there is none */
quic_cid_node_t *quic_cid_map_find(quic_cid_map_t *m, u_char *cid, size_t len);


#endif /* _QUIC_CID_MAP_H_INCLUDED_ */
