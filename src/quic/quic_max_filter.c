
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_max_filter.h"


void
quic_max_filter_add(quic_max_filter_t *f, uint64_t time, uint64_t value)
{
    uint64_t  *max;

    if (time - f->time >= QUIC_MAX_FILTER_LEN) {
        ngx_memzero(f->max, sizeof(f->max));
        f->time = time;
    }

    while (f->time < time) {
        f->time++;
        f->max[f->time % QUIC_MAX_FILTER_LEN] = 0;
    }

    max = &f->max[time % QUIC_MAX_FILTER_LEN];
    *max = ngx_max(*max, value);
}


uint64_t
quic_max_filter_get(const quic_max_filter_t *f, ngx_uint_t n)
{
    uint64_t    max;
    ngx_uint_t  i;

    max = 0;
    n = ngx_min(n, QUIC_MAX_FILTER_LEN);

    for (i = 0; i < n && i <= f->time; i++) {
        max = ngx_max(max, f->max[(f->time - i) % QUIC_MAX_FILTER_LEN]);
    }

    return max;
}
