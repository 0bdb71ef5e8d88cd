
/* The estimator of RFC 9002, 5.3, and the two times that are made of it. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_rtt.h"


void
quic_rtt_init(quic_rtt_t *rtt)
{
    rtt->latest = 0;
    rtt->smoothed = QUIC_INITIAL_RTT;
    rtt->var = QUIC_INITIAL_RTT / 2;
    rtt->min = 0;
}


void
quic_rtt_sample(quic_rtt_t *rtt, uint64_t latest, uint64_t ack_delay)
{
    uint64_t    adjusted, deviation;
    ngx_uint_t  first;

    first = (rtt->latest == 0);

    /* a clock that stands still gives no time, but it is a sample */

    latest = ngx_max(latest, 1);
    rtt->latest = latest;

    if (first) {
        rtt->min = latest;
        rtt->smoothed = latest;
        rtt->var = latest / 2;
        return;
    }

    /* the minimum is of what we have seen ourselves: 5.2 */

    rtt->min = ngx_min(rtt->min, latest);

    /* a delay that would lead below the minimum isn't believed */

    adjusted = latest;

    if (latest - rtt->min >= ack_delay) {
        adjusted -= ack_delay;
    }

    /* in the order of A.7 and RFC 6298: var by the old smoothed value */

    deviation = (rtt->smoothed > adjusted) ? rtt->smoothed - adjusted
                                           : adjusted - rtt->smoothed;

    rtt->var = (3 * rtt->var + deviation) / 4;
    rtt->smoothed = (7 * rtt->smoothed + adjusted) / 8;
}


uint64_t
quic_rtt_pto(const quic_rtt_t *rtt)
{
    return rtt->smoothed + ngx_max(4 * rtt->var, QUIC_GRANULARITY);
}


uint64_t
quic_rtt_loss_delay(const quic_rtt_t *rtt)
{
    uint64_t  rtt_max;

    rtt_max = ngx_max(rtt->latest, rtt->smoothed);

    return ngx_max(rtt_max + rtt_max / 8, QUIC_GRANULARITY);
}
