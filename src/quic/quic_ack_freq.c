
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_ack_freq.h"


/* ACKs in a round trip, by packets and by time, for a window in use or not */
#define QUIC_ACK_FREQ_BY_PACKETS  8
#define QUIC_ACK_FREQ_BY_TIME     4

/* with fewer packets in the window it isn't worth a frame */
#define QUIC_ACK_FREQ_MIN_WINDOW  32

/* nor is it worth that an ACK opens the window for more than a batch of these */
#define QUIC_ACK_FREQ_MAX         63

/* RFC 9002, 6.1.1: with fewer behind it no packet is lost */
#define QUIC_ACK_FREQ_REORDERING  3

/* RFC 9000, 13.2, in the terms of the draft */
#define QUIC_ACK_FREQ_THRESHOLD   1

/* RFC 9000, 18.2: the largest max_ack_delay */
#define QUIC_ACK_FREQ_MAX_DELAY   (((1 << 14) - 1) * 1000ULL)


static void quic_ack_freq_target(quic_ack_freq_t *f, const quic_cc_t *cc,
    const quic_rtt_t *rtt, quic_frame_ack_frequency_t *target);
static ngx_uint_t quic_ack_freq_differ(uint64_t a, uint64_t b);


void
quic_ack_freq_init(quic_ack_freq_t *f, uint64_t min_delay, uint64_t max_delay)
{
    ngx_memzero(f, sizeof(quic_ack_freq_t));

    f->min_delay = min_delay;
    f->max_delay = max_delay;
    f->frame.threshold = QUIC_ACK_FREQ_THRESHOLD;
    f->frame.max_ack_delay = max_delay;
}


ngx_uint_t
quic_ack_freq_update(quic_ack_freq_t *f, const quic_cc_t *cc,
    const quic_rtt_t *rtt, uint64_t now)
{
    quic_frame_ack_frequency_t  target;

    if (f->min_delay == 0 || (f->asked && now - f->asked < rtt->smoothed)) {
        return 0;
    }

    quic_ack_freq_target(f, cc, rtt, &target);

    if (!quic_ack_freq_differ(target.threshold, f->frame.threshold)
        && !quic_ack_freq_differ(target.max_ack_delay, f->frame.max_ack_delay))
    {
        return 0;
    }

    f->frame = target;
    f->asked = now;

    return 1;
}


static void
quic_ack_freq_target(quic_ack_freq_t *f, const quic_cc_t *cc,
    const quic_rtt_t *rtt, quic_frame_ack_frequency_t *target)
{
    uint64_t  packets, delay;

    packets = cc->window / cc->mtu;

    target->seq = f->frame.seq;
    target->reordering = QUIC_ACK_FREQ_REORDERING;

    if (cc->ops->starting(cc) || packets < QUIC_ACK_FREQ_MIN_WINDOW) {
        target->threshold = QUIC_ACK_FREQ_THRESHOLD;
        target->max_ack_delay = f->max_delay;
        return;
    }

    target->threshold = ngx_min(packets / QUIC_ACK_FREQ_BY_PACKETS - 1,
                                QUIC_ACK_FREQ_MAX);

    delay = ngx_max(rtt->smoothed / QUIC_ACK_FREQ_BY_TIME, f->min_delay);
    target->max_ack_delay = ngx_min(delay, QUIC_ACK_FREQ_MAX_DELAY);
}


/* not every change is worth a frame: one by half is */

static ngx_uint_t
quic_ack_freq_differ(uint64_t a, uint64_t b)
{
    return 2 * a <= b || 2 * b <= a;
}
