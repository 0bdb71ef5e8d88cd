
/*
 * The bucket, in millionths of a byte: a rate in bytes a second fills it by
 * that number each microsecond, and nothing is lost to rounding.
 *
 * An empty bucket stays shut until it holds what the rate gives in a
 * millisecond: one batch then, not a packet for each ACK that comes in.
 * nginx's timers are of milliseconds, and come late on a busy worker.  So the
 * bucket holds what two milliseconds more give, and another one as long as
 * that is within one batch of the kernel (64 KB); always an initial window,
 * which 7.7 allows at once.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_pacer.h"


#define QUIC_PACER_MAX_RATE  1000000000000ULL    /* 8 Tbit/s: no overflow */
#define QUIC_PACER_UNIT      1000000


static void quic_pacer_fill(quic_pacer_t *p, uint64_t now);


void
quic_pacer_init(quic_pacer_t *p, uint64_t now)
{
    ngx_memzero(p, sizeof(quic_pacer_t));

    p->time = now;
}


void
quic_pacer_set_rate(quic_pacer_t *p, uint64_t rate, size_t mtu, uint64_t now)
{
    int64_t     full;
    uint64_t    per_ms;
    ngx_uint_t  start;

    quic_pacer_fill(p, now);

    start = (p->rate == 0);

    p->rate = ngx_min(rate, QUIC_PACER_MAX_RATE);
    per_ms = p->rate / 1000;

    p->burst = ngx_min(4 * per_ms, QUIC_MAX_BATCH_SIZE);
    p->burst = ngx_max(p->burst, 3 * per_ms);
    p->burst = ngx_max(p->burst, 10 * mtu);

    p->quantum = ngx_max(per_ms, mtu);

    full = p->burst * QUIC_PACER_UNIT;

    if (start || p->level > full) {
        p->level = full;
    }
}


static void
quic_pacer_fill(quic_pacer_t *p, uint64_t now)
{
    uint64_t  missing, elapsed;

    if (now <= p->time) {
        return;
    }

    elapsed = now - p->time;
    p->time = now;

    if (p->rate == 0) {
        return;
    }

    missing = (int64_t) (p->burst * QUIC_PACER_UNIT) - p->level;

    if (elapsed > missing / p->rate) {
        p->level += missing;

    } else {
        p->level += elapsed * p->rate;
    }
}


uint64_t
quic_pacer_room(quic_pacer_t *p, uint64_t now)
{
    int64_t  bytes;

    if (p->rate == 0) {
        return UINT64_MAX;
    }

    quic_pacer_fill(p, now);

    bytes = p->level / QUIC_PACER_UNIT;

    if (bytes <= 0) {
        p->waiting = 1;
        return 0;
    }

    if (p->waiting && (uint64_t) bytes < p->quantum) {
        return 0;
    }

    p->waiting = 0;

    return bytes;
}


void
quic_pacer_sent(quic_pacer_t *p, size_t bytes, uint64_t now)
{
    if (p->rate == 0) {
        return;
    }

    quic_pacer_fill(p, now);

    p->level -= (int64_t) bytes * QUIC_PACER_UNIT;
}


uint64_t
quic_pacer_deadline(quic_pacer_t *p, uint64_t now)
{
    int64_t  missing;

    if (quic_pacer_room(p, now)) {
        return now;
    }

    missing = (int64_t) (p->quantum * QUIC_PACER_UNIT) - p->level;

    return now + (missing + p->rate - 1) / p->rate;
}
