
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_rate.h"


/* 800 Gbit/s: a product with a minute still fits in 64 bits */
#define QUIC_RATE_MAX  100000000000ULL


static uint64_t quic_rate_diff(uint64_t a, uint64_t b);


/* 4.1.2.2. Transmitting a data packet */

void
quic_rate_sent(quic_rate_t *r, quic_rate_packet_t *p, uint64_t in_flight,
    size_t size, uint64_t now)
{
    if (in_flight == 0) {
        r->first_sent = now;
        r->delivered_time = now;
    }

    p->delivered = r->delivered;
    p->lost = r->lost;
    p->in_flight = in_flight + size;
    p->delivered_time = r->delivered_time;
    p->first_sent = r->first_sent;
}


/*
 * 4.1.2.3. Upon receiving an ACK.  The longer one of the times that it took to
 * send and to acknowledge: ACKs may be compressed, and then come too fast.
 */

void
quic_rate_sample(quic_rate_t *r, const quic_rate_packet_t *p, uint64_t sent,
    uint64_t min_rtt, uint64_t now, quic_rate_sample_t *sample)
{
    uint64_t  interval;

    r->delivered_time = now;
    r->first_sent = ngx_max(sent, r->first_sent);

    quic_rate_lost(r, p, sample);

    sample->delivered = quic_rate_diff(r->delivered, p->delivered);

    interval = ngx_max(quic_rate_diff(sent, p->first_sent),
                       quic_rate_diff(now, p->delivered_time));

    if (interval && interval >= min_rtt) {
        sample->rate = ngx_min(sample->delivered * 1000000 / interval,
                               QUIC_RATE_MAX);
    }
}


void
quic_rate_lost(const quic_rate_t *r, const quic_rate_packet_t *p,
    quic_rate_sample_t *sample)
{
    sample->rate = 0;
    sample->delivered = 0;
    sample->prior_delivered = p->delivered;
    sample->lost = quic_rate_diff(r->lost, p->lost);
    sample->in_flight = p->in_flight;
}


/* "lost" becomes less when packets turn out to have been late */

static uint64_t
quic_rate_diff(uint64_t a, uint64_t b)
{
    return (a > b) ? a - b : 0;
}
