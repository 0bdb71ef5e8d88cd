
/*
 * Stateless resets of clients (RFC 9000, 10.3): the tokens that they have told
 * with their connection IDs, and what is made of them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_packet.h"
#include "sim.h"


#define SIM_RESET_IDS  256


typedef struct {
    ngx_uint_t   client;
    size_t       len;
    u_char       cid[20];
    u_char       token[QUIC_RESET_TOKEN_LEN];
} sim_reset_id_t;


static sim_reset_id_t  sim_reset_ids[SIM_RESET_IDS];
static ngx_uint_t      sim_reset_n;


void
sim_reset_note(ngx_uint_t client, const u_char *cid, size_t len,
    const u_char *token)
{
    sim_reset_id_t  *id;

    id = &sim_reset_ids[sim_reset_n++ % SIM_RESET_IDS];

    id->client = client;
    id->len = len;
    ngx_memcpy(id->cid, cid, len);
    ngx_memcpy(id->token, token, QUIC_RESET_TOKEN_LEN);
}


static sim_reset_id_t *
sim_reset_find(ngx_uint_t client, const u_char *data, size_t len)
{
    ngx_uint_t       i;
    sim_reset_id_t  *id;

    if (data[0] & QUIC_LONG_HEADER) {
        return NULL;
    }

    for (i = 0; i < ngx_min(sim_reset_n, SIM_RESET_IDS); i++) {
        id = &sim_reset_ids[i];

        if (id->client == client && id->len < len
            && ngx_memcmp(id->cid, data + 1, id->len) == 0)
        {
            return id;
        }
    }

    return NULL;
}


/* 10.3.3: shorter than what it answers */

static size_t
sim_reset_write(const u_char *token, u_char *buf, size_t len)
{
    len = ngx_min(len - 1, SIM_RESET_MAX);

    if (len < SIM_RESET_MIN) {
        return 0;
    }

    sim_random_bytes(SIM_RANDOM_CLIENT, buf, len);
    buf[0] = QUIC_FIXED_BIT | (buf[0] & 0x3f);

    ngx_memcpy(buf + len - QUIC_RESET_TOKEN_LEN, token, QUIC_RESET_TOKEN_LEN);

    return len;
}


size_t
sim_reset_answer(ngx_uint_t client, const u_char *data, size_t len,
    u_char *buf)
{
    sim_reset_id_t  *id;

    id = sim_reset_find(client, data, len);

    return id ? sim_reset_write(id->token, buf, len) : 0;
}


size_t
sim_reset_false(ngx_uint_t client, ngx_uint_t used, u_char *buf)
{
    u_char           token[QUIC_RESET_TOKEN_LEN];
    ngx_uint_t       bit;
    sim_reset_id_t  *id;

    if (sim_reset_n == 0) {
        return 0;
    }

    id = &sim_reset_ids[sim_random(SIM_RANDOM_CLIENT)
                        % ngx_min(sim_reset_n, SIM_RESET_IDS)];

    ngx_memcpy(token, id->token, QUIC_RESET_TOKEN_LEN);

    if (used || id->client != client) {
        bit = sim_random(SIM_RANDOM_CLIENT) % (8 * QUIC_RESET_TOKEN_LEN);
        token[bit / 8] ^= 1 << bit % 8;
    }

    return sim_reset_write(token, buf, SIM_RESET_MAX + 1);
}
