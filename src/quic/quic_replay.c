
/*
 * Sets of 16 words, two lines of the cache.  A ticket's number is random, so
 * it says in which set it is looked for; a word has its upper 48 bits and, in
 * the lower 16, the second at which it was used.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_replay.h"


#define QUIC_REPLAY_WAYS   16
#define QUIC_REPLAY_TIME   0xffffULL

/* seconds: the clock is read at different times, and may be set a little */
#define QUIC_REPLAY_SKEW   2


static ngx_uint_t quic_replay_alive(uint64_t word, uint64_t now);


ngx_int_t
quic_replay_init(quic_replay_t *r, size_t size)
{
    size_t  set, head;

    set = QUIC_REPLAY_WAYS * sizeof(uint64_t);
    head = offsetof(quic_replay_t, ticket);

    if (size < head + set) {
        return NGX_ERROR;
    }

    ngx_memzero(r, size);

    r->nsets = (size - head) / set;

    do {
        r->id = quic_random_u64();
    } while (r->id == 0);

    return NGX_OK;
}


ngx_int_t
quic_replay_use(quic_replay_t *r, uint64_t ticket, uint64_t now)
{
    uint64_t    *set, *room;
    ngx_uint_t   i;

    /*
     * By a clock that was put back, TLS takes what we have forgotten.  Until it
     * is where it was nothing is used, so that nothing more is forgotten, and
     * what was used last is told apart again.
     */

    if (now + QUIC_REPLAY_SKEW < r->latest) {
        return NGX_DECLINED;
    }

    set = &r->ticket[ticket % r->nsets * QUIC_REPLAY_WAYS];
    room = NULL;

    for (i = 0; i < QUIC_REPLAY_WAYS; i++) {

        if (!quic_replay_alive(set[i], now)) {
            room = &set[i];

        } else if ((set[i] & ~QUIC_REPLAY_TIME)
                   == (ticket & ~QUIC_REPLAY_TIME))
        {
            return NGX_DECLINED;
        }
    }

    if (room == NULL) {
        return NGX_DECLINED;
    }

    r->latest = ngx_max(r->latest, now);
    *room = (ticket & ~QUIC_REPLAY_TIME) | (now & QUIC_REPLAY_TIME);

    return NGX_OK;
}


/*
 * After 18 hours the time begins anew, and a place that nobody has wanted in
 * between is taken for two minutes.
 */

static ngx_uint_t
quic_replay_alive(uint64_t word, uint64_t now)
{
    uint64_t  age;

    if (word == 0) {
        return 0;
    }

    age = (now - word + QUIC_REPLAY_SKEW) & QUIC_REPLAY_TIME;

    return age < QUIC_REPLAY_WINDOW + QUIC_REPLAY_SKEW;
}
