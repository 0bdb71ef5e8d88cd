
/*
 * A token a second is a micro-token a microsecond: no division is needed but
 * the one that keeps the product from an overflow.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_bucket.h"


#define QUIC_BUCKET_TOKEN  1000000
#define QUIC_BUCKET_MAX    (UINT64_MAX / QUIC_BUCKET_TOKEN)


static void quic_bucket_fill(quic_bucket_t *b, uint64_t now);


void
quic_bucket_init(quic_bucket_t *b, uint64_t rate, uint64_t burst, uint64_t now)
{
    b->rate = rate;
    b->burst = ngx_min(burst, QUIC_BUCKET_MAX);
    b->level = b->burst * QUIC_BUCKET_TOKEN;
    b->time = now;
}


/* a clock that was set back adds nothing until it has caught up */

static void
quic_bucket_fill(quic_bucket_t *b, uint64_t now)
{
    uint64_t  missing, elapsed;

    if (now <= b->time) {
        return;
    }

    elapsed = now - b->time;
    missing = b->burst * QUIC_BUCKET_TOKEN - b->level;

    b->time = now;

    if (b->rate && elapsed > missing / b->rate) {
        b->level += missing;
        return;
    }

    b->level += elapsed * b->rate;
}


void
quic_bucket_give(quic_bucket_t *b, uint64_t n)
{
    uint64_t  missing;

    missing = b->burst * QUIC_BUCKET_TOKEN - b->level;

    if (n > missing / QUIC_BUCKET_TOKEN) {
        b->level += missing;
        return;
    }

    b->level += n * QUIC_BUCKET_TOKEN;
}


ngx_int_t
quic_bucket_take(quic_bucket_t *b, uint64_t n, uint64_t now)
{
    quic_bucket_fill(b, now);

    if (n > b->level / QUIC_BUCKET_TOKEN) {
        return NGX_DECLINED;
    }

    b->level -= n * QUIC_BUCKET_TOKEN;

    return NGX_OK;
}
