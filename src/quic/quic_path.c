
#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_path.h"


#define QUIC_PATH_AMPLIFICATION  3       /* RFC 9000, 8.1 */
#define QUIC_PATH_PATIENCE       3       /* PTOs: 8.2.4 */


static ngx_uint_t quic_path_is(const quic_path_t *p,
    const quic_datagram_t *dgram);
static quic_path_challenge_t *quic_path_find_challenge(quic_path_t *p,
    const u_char *data);


void
quic_paths_init(quic_paths_t *ps, const quic_datagram_t *dgram,
    ngx_uint_t validated)
{
    ngx_memzero(ps, sizeof(quic_paths_t));

    ps->active = &ps->path[0];
    ps->last = ps->active;

    quic_paths_open(ps, ps->active, dgram);

    ps->active->peer = 0;
    ps->active->validated = validated ? 1 : 0;
}


quic_path_t *
quic_paths_received(quic_paths_t *ps, const quic_datagram_t *dgram)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    p = ps->active;

    for (i = 0; !quic_path_is(p, dgram); i++) {

        if (i == QUIC_MAX_PATHS) {
            return NULL;
        }

        p = &ps->path[i];
    }

    p->received += dgram->len;
    p->heard = ++ps->heard;

    return p;
}


static ngx_uint_t
quic_path_is(const quic_path_t *p, const quic_datagram_t *dgram)
{
    return p->used
           && quic_addr_equal(&p->remote, &dgram->remote)
           && quic_addr_equal(&p->local, &dgram->local);
}


quic_path_t *
quic_paths_place(quic_paths_t *ps)
{
    ngx_uint_t    i;
    quic_path_t  *p, *place;

    place = NULL;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &ps->path[i];

        if (!p->used) {
            return p;
        }

        if (p != ps->active && p != ps->last
            && (place == NULL || p->heard < place->heard))
        {
            place = p;
        }
    }

    return place;
}


void
quic_paths_open(quic_paths_t *ps, quic_path_t *p, const quic_datagram_t *dgram)
{
    ngx_memzero(p, sizeof(quic_path_t));

    p->remote = dgram->remote;
    p->local = dgram->local;
    p->socket = dgram->socket;
    p->received = dgram->len;
    p->heard = ++ps->heard;
    p->peer = QUIC_PATH_NO_CID;
    p->used = 1;
}


void
quic_paths_forget(quic_paths_t *ps, quic_path_t *p)
{
    p->used = 0;

    if (ps->latest == p) {
        ps->latest = NULL;
    }
}


uint64_t
quic_path_room(const quic_path_t *p)
{
    uint64_t  most;

    if (p->validated) {
        return UINT64_MAX;
    }

    most = QUIC_PATH_AMPLIFICATION * p->received;

    return (p->sent < most) ? most - p->sent : 0;
}


void
quic_path_sent(quic_path_t *p, size_t len)
{
    ngx_uint_t  i;

    p->sent += len;

    if (p->fresh) {
        i = (p->nchallenges - 1) % QUIC_MAX_PATH_CHALLENGES;

        p->challenge[i].full = (len >= QUIC_MIN_INITIAL_SIZE);
        p->fresh = 0;
    }
}


ngx_uint_t
quic_path_same_network(const quic_path_t *p, const quic_addr_t *remote,
    const quic_addr_t *local)
{
    return quic_addr_same_host(&p->remote, remote)
           && quic_addr_equal(&p->local, local);
}


ngx_uint_t
quic_path_pending(const quic_path_t *p)
{
    return p->used && (p->due || p->respond);
}


void
quic_path_respond(quic_path_t *p, const u_char *data)
{
    ngx_memcpy(p->response, data, QUIC_PATH_DATA_LEN);
    p->respond = 1;
}


void
quic_path_validate(quic_path_t *p, uint64_t now)
{
    p->validating = 1;
    p->due = 1;
    p->fresh = 0;
    p->nchallenges = 0;
    p->started = now;
}


/* RFC 9000, 13.3: each time with other data */

u_char *
quic_path_challenge(quic_path_t *p, uint64_t now)
{
    quic_path_challenge_t  *challenge;

    challenge = &p->challenge[p->nchallenges++ % QUIC_MAX_PATH_CHALLENGES];

    quic_random(challenge->data, QUIC_PATH_DATA_LEN);
    challenge->full = 0;

    p->challenged = now;
    p->due = 0;
    p->fresh = 1;

    return challenge->data;
}


/* RFC 9000, 8.2.3: by whatever path the answer has come */

quic_path_t *
quic_paths_answered(quic_paths_t *ps, const u_char *data, uint64_t now)
{
    ngx_uint_t              i;
    quic_path_t            *p;
    quic_path_challenge_t  *challenge;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &ps->path[i];

        challenge = quic_path_find_challenge(p, data);

        if (challenge == NULL) {
            continue;
        }

        p->validated = 1;

        if (challenge->full) {
            p->validating = 0;
            p->due = 0;

        } else {
            /* now there is nothing in the way of a longer datagram */
            quic_path_validate(p, now);
        }

        return p;
    }

    return NULL;
}


static quic_path_challenge_t *
quic_path_find_challenge(quic_path_t *p, const u_char *data)
{
    ngx_uint_t  i, n;

    if (!p->used || !p->validating) {
        return NULL;
    }

    n = ngx_min(p->nchallenges, QUIC_MAX_PATH_CHALLENGES);

    for (i = 0; i < n; i++) {
        if (quic_equal(p->challenge[i].data, data, QUIC_PATH_DATA_LEN)) {
            return &p->challenge[i];
        }
    }

    return NULL;
}


/*
 * A challenge that is due may wait for room under the amplification limit:
 * then only the end counts, as its own time would stay past.
 */

uint64_t
quic_path_deadline(const quic_path_t *p, uint64_t pto, uint64_t patience)
{
    uint64_t    end;
    ngx_uint_t  backoff;

    if (!p->used || !p->validating) {
        return UINT64_MAX;
    }

    end = p->started + QUIC_PATH_PATIENCE * patience;

    if (p->due) {
        return end;
    }

    backoff = ngx_min(p->nchallenges - 1, QUIC_MAX_PTO_BACKOFF);

    return ngx_min(end, p->challenged + (pto << backoff));
}


ngx_int_t
quic_path_expire(quic_path_t *p, uint64_t pto, uint64_t patience, uint64_t now)
{
    if (quic_path_deadline(p, pto, patience) > now) {
        return NGX_AGAIN;
    }

    if (p->started + QUIC_PATH_PATIENCE * patience <= now) {
        p->validating = 0;
        p->due = 0;
        return NGX_DECLINED;
    }

    p->due = 1;

    return NGX_OK;
}
