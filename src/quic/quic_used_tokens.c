
/*
 * Sets of as many hashes as a line of the cache holds, the latest first; one
 * that is added pushes the oldest of its set out.  The hash is keyed, and only
 * what this host has made gets here: nobody can choose the set.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_used_tokens.h"


#define QUIC_USED_WAYS  8
#define QUIC_USED_SETS  (QUIC_MAX_USED_TOKENS / QUIC_USED_WAYS)
#define QUIC_USED_SIZE  (QUIC_MAX_USED_TOKENS * sizeof(uint64_t))


static uint64_t quic_used_tokens_hash(ngx_str_t *token);


void
quic_used_tokens_init(quic_used_tokens_t *u, quic_mem_t *mem)
{
    u->hash = NULL;
    u->mem = mem;
}


void
quic_used_tokens_done(quic_used_tokens_t *u)
{
    quic_free(u->mem, u->hash, QUIC_USED_SIZE);
    u->hash = NULL;
}


/* 0 is a free place */

static uint64_t
quic_used_tokens_hash(ngx_str_t *token)
{
    uint64_t  hash;

    hash = quic_hash(token->data, token->len);

    return hash ? hash : 1;
}


ngx_uint_t
quic_used_tokens_find(quic_used_tokens_t *u, ngx_str_t *token)
{
    uint64_t     hash, *set;
    ngx_uint_t   i;

    if (u->hash == NULL) {
        return 0;
    }

    hash = quic_used_tokens_hash(token);
    set = &u->hash[hash % QUIC_USED_SETS * QUIC_USED_WAYS];

    for (i = 0; i < QUIC_USED_WAYS; i++) {
        if (set[i] == hash) {
            return 1;
        }
    }

    return 0;
}


void
quic_used_tokens_add(quic_used_tokens_t *u, ngx_str_t *token)
{
    uint64_t  hash, *set;

    if (u->hash == NULL) {
        u->hash = quic_calloc(u->mem, QUIC_USED_SIZE);

        if (u->hash == NULL) {
            return;
        }
    }

    hash = quic_used_tokens_hash(token);
    set = &u->hash[hash % QUIC_USED_SETS * QUIC_USED_WAYS];

    ngx_memmove(set + 1, set, (QUIC_USED_WAYS - 1) * sizeof(uint64_t));
    set[0] = hash;
}
