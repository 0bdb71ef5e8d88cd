
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_strays.h"
#include "wire/quic_packet.h"


struct quic_stray_s {
    quic_datagram_t      dgram;
    quic_cid_t           dcid;
    uint64_t             time;       /* microseconds; when it came */
    ngx_uint_t           used;
    u_char               data[QUIC_MAX_UNDECRYPTABLE_SIZE];
};


#define QUIC_STRAYS_SIZE  (QUIC_MAX_STRAYS * sizeof(quic_stray_t))


void
quic_strays_init(quic_strays_t *s, quic_mem_t *mem)
{
    ngx_memzero(s, sizeof(quic_strays_t));
    s->mem = mem;
}


void
quic_strays_done(quic_strays_t *s)
{
    quic_free(s->mem, s->stray, QUIC_STRAYS_SIZE);
    s->stray = NULL;
}


void
quic_strays_keep(quic_strays_t *s, const quic_datagram_t *dgram,
    ngx_str_t *dcid, uint64_t now)
{
    quic_stray_t  *stray;

    if (dgram->len > QUIC_MAX_UNDECRYPTABLE_SIZE
        || dcid->len > QUIC_CID_MAX_LEN)
    {
        return;
    }

    if (s->stray == NULL) {
        s->stray = quic_calloc(s->mem, QUIC_STRAYS_SIZE);

        if (s->stray == NULL) {
            return;
        }
    }

    stray = &s->stray[s->next];
    s->next = (s->next + 1) % QUIC_MAX_STRAYS;
    s->n += !stray->used;

    stray->used = 1;
    stray->time = now;
    stray->dgram = *dgram;
    stray->dgram.data = stray->data;
    quic_cid_set(&stray->dcid, dcid->data, dcid->len);
    ngx_memcpy(stray->data, dgram->data, dgram->len);
}


ngx_int_t
quic_strays_take(quic_strays_t *s, quic_datagram_t *dgram, ngx_str_t *dcid,
    const quic_addr_t *remote, uint64_t now)
{
    ngx_uint_t     i;
    quic_stray_t  *stray;

    for (i = 0; s->n && i < QUIC_MAX_STRAYS; i++) {

        /* in the order in which they came */

        stray = &s->stray[(s->next + i) % QUIC_MAX_STRAYS];

        if (!stray->used
            || !quic_cid_equal(&stray->dcid, dcid)
            || !quic_addr_equal(&stray->dgram.remote, remote))
        {
            continue;
        }

        stray->used = 0;
        s->n--;

        if (now - stray->time <= QUIC_STRAY_LIFETIME) {
            *dgram = stray->dgram;
            return NGX_OK;
        }
    }

    return NGX_DONE;
}
