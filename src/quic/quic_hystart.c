
/* The algorithm of RFC 9406, 4.2. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_hystart.h"


static ngx_uint_t quic_hystart_next_round(quic_hystart_t *h, uint64_t now);
static void quic_hystart_sample(quic_hystart_t *h, uint64_t rtt);
static ngx_uint_t quic_hystart_delayed(const quic_hystart_t *h);


void
quic_hystart_init(quic_hystart_t *h, uint64_t now)
{
    h->baseline = UINT64_MAX;
    h->css_rounds = 0;

    quic_hystart_restart(h, now);
}


void
quic_hystart_restart(quic_hystart_t *h, uint64_t now)
{
    h->round = now;
    h->last_min = UINT64_MAX;
    h->min = UINT64_MAX;
    h->samples = 0;
}


/* a burst is the pacer's affair: the limit L of 4.3 is infinite then */

uint64_t
quic_hystart_growth(const quic_hystart_t *h, uint64_t acked)
{
    return (h->baseline == UINT64_MAX) ? acked
                                       : acked / QUIC_HYSTART_CSS_GROWTH;
}


ngx_uint_t
quic_hystart_acked(quic_hystart_t *h, uint64_t sent, uint64_t rtt,
    uint64_t now)
{
    /* "or then": an ACK and the packets that it sets free have one time */

    if (sent >= h->round && quic_hystart_next_round(h, now)) {
        return 1;
    }

    if (rtt) {
        quic_hystart_sample(h, rtt);
    }

    return 0;
}


/* non-zero when that was the last round of CSS; a partial one counts */

static ngx_uint_t
quic_hystart_next_round(quic_hystart_t *h, uint64_t now)
{
    h->round = now;
    h->last_min = h->min;
    h->min = UINT64_MAX;
    h->samples = 0;

    if (h->baseline != UINT64_MAX) {
        h->css_rounds++;
    }

    return h->css_rounds >= QUIC_HYSTART_CSS_ROUNDS;
}


static void
quic_hystart_sample(quic_hystart_t *h, uint64_t rtt)
{
    h->min = ngx_min(h->min, rtt);
    h->samples++;

    if (h->samples < QUIC_HYSTART_RTT_SAMPLES) {
        return;
    }

    if (h->baseline == UINT64_MAX) {

        if (quic_hystart_delayed(h)) {
            h->baseline = h->min;
            h->css_rounds = 0;
        }

    } else if (h->min < h->baseline) {
        h->baseline = UINT64_MAX;
    }
}


static ngx_uint_t
quic_hystart_delayed(const quic_hystart_t *h)
{
    uint64_t  thresh;

    if (h->last_min == UINT64_MAX) {
        return 0;
    }

    thresh = ngx_min(h->last_min / QUIC_HYSTART_RTT_DIVISOR,
                     QUIC_HYSTART_MAX_RTT_THRESH);
    thresh = ngx_max(thresh, QUIC_HYSTART_MIN_RTT_THRESH);

    return h->min >= h->last_min + thresh;
}
