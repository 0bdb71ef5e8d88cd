
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_ack.h"
#include "quic/quic_addr.h"


/*
 * RFC 9000, 13.2: every second packet, and each that is out of order; in the
 * terms of the draft
 */
#define QUIC_ACK_THRESHOLD   1
#define QUIC_ACK_REORDERING  1

/* RFC 9000, 18.2: max_ack_delay is below; microseconds */
#define QUIC_ACK_DELAY_END   ((1 << 14) * 1000)


static ngx_uint_t quic_ack_urgent(quic_ack_t *a, uint64_t pn, ngx_uint_t ecn);
static ngx_uint_t quic_ack_crowded(quic_ack_t *a);
static ngx_uint_t quic_ack_out_of_order(quic_ack_t *a, uint64_t pn);
static uint64_t quic_ack_missing(quic_ack_t *a);


/* QUIC_ECN_* to the place of its count; Not-ECT has none */

static const ngx_int_t  quic_ack_ecn_index[] = { -1, 1, 0, 2 };


void
quic_ack_init(quic_ack_t *a, quic_mem_t *mem, ngx_uint_t immediate)
{
    ngx_memzero(a, sizeof(quic_ack_t));

    quic_ranges_init(&a->received, mem, QUIC_MAX_ACK_RANGES);
    quic_ranges_init(&a->refused, mem, QUIC_MAX_ACK_RANGES);

    a->largest = UINT64_MAX;
    a->deadline = UINT64_MAX;
    a->told = UINT64_MAX;
    a->threshold = QUIC_ACK_THRESHOLD;
    a->delay = QUIC_MAX_ACK_DELAY;
    a->reordering = QUIC_ACK_REORDERING;
    a->immediate = immediate ? 1 : 0;
}


void
quic_ack_done(quic_ack_t *a)
{
    quic_ranges_done(&a->received);
    quic_ranges_done(&a->refused);
}


ngx_uint_t
quic_ack_duplicate(quic_ack_t *a, uint64_t pn)
{
    return pn < a->floor
           || quic_ranges_has(&a->received, pn)
           || quic_ranges_has(&a->refused, pn);
}


ngx_int_t
quic_ack_received(quic_ack_t *a, uint64_t pn, ngx_uint_t ack_eliciting,
    ngx_uint_t ecn, uint64_t now)
{
    ngx_int_t  rc;

    rc = quic_ranges_add(&a->received, pn, pn + 1);

    if (rc == NGX_DECLINED) {
        /* the oldest range makes place; RFC 9000, 13.2.3 */
        a->floor = a->received.range[0].end;
        quic_ranges_pop(&a->received);

        if (pn < a->floor) {
            return NGX_OK;
        }

        rc = quic_ranges_add(&a->received, pn, pn + 1);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (quic_ack_ecn_index[ecn] >= 0) {
        a->ecn[quic_ack_ecn_index[ecn]]++;
    }

    if (a->largest == UINT64_MAX || pn > a->largest) {
        a->largest = pn;
        a->largest_time = now;
    }

    if (ack_eliciting) {
        a->eliciting++;

        if (quic_ack_urgent(a, pn, ecn)) {
            a->deadline = now;

        } else if (a->deadline == UINT64_MAX) {
            a->deadline = now + a->delay;
        }
    }

    a->ce = (ecn == QUIC_ECN_CE);

    return NGX_OK;
}


ngx_int_t
quic_ack_refused(quic_ack_t *a, uint64_t pn)
{
    ngx_int_t  rc;

    quic_ranges_trim(&a->refused, a->floor);

    rc = quic_ranges_add(&a->refused, pn, pn + 1);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* what is below the oldest is late for anything else as well */

    a->floor = a->refused.range[0].end;
    quic_ranges_pop(&a->refused);

    return pn < a->floor ? NGX_OK : quic_ranges_add(&a->refused, pn, pn + 1);
}


/* of packets with a CE mark the first is enough for one who wants few ACKs */

static ngx_uint_t
quic_ack_urgent(quic_ack_t *a, uint64_t pn, ngx_uint_t ecn)
{
    return a->immediate
           || a->asked
           || a->eliciting > a->threshold
           || quic_ack_crowded(a)
           || (ecn == QUIC_ECN_CE
               && (a->threshold <= QUIC_ACK_THRESHOLD || !a->ce))
           || quic_ack_out_of_order(a, pn);
}


/* the next range may cost the oldest, of which no ACK has told yet */

static ngx_uint_t
quic_ack_crowded(quic_ack_t *a)
{
    return a->received.n == QUIC_MAX_ACK_RANGES
           && (a->told == UINT64_MAX || a->received.range[0].start > a->told);
}


/*
 * RFC 9000, 13.2.1, which is the draft's "Response to Out-of-Order Packets"
 * with a threshold of 1: a packet that the peer may have declared lost, or one
 * by which it may declare others lost.
 */

static ngx_uint_t
quic_ack_out_of_order(quic_ack_t *a, uint64_t pn)
{
    uint64_t  missing;

    if (a->reordering == 0) {
        return 0;
    }

    if (a->told != UINT64_MAX && pn + a->reordering <= a->told) {
        return 1;
    }

    missing = quic_ack_missing(a);

    return missing != UINT64_MAX && a->largest - missing >= a->reordering;
}


/*
 * The smallest number that hasn't come and that no ACK has shown to be lost;
 * UINT64_MAX: none.
 */

static uint64_t
quic_ack_missing(quic_ack_t *a)
{
    uint64_t       from, missing;
    ngx_uint_t     i;
    quic_range_t  *r;

    from = 0;

    if (a->told != UINT64_MAX && a->told >= a->reordering) {
        from = a->told - a->reordering + 1;
    }

    missing = UINT64_MAX;
    r = a->received.range;

    for (i = a->received.n - 1; i > 0 && r[i].start > from; i--) {
        missing = ngx_max(r[i - 1].end, from);
    }

    return missing;
}


ngx_int_t
quic_ack_frequency(quic_ack_t *a, const quic_frame_ack_frequency_t *f)
{
    if (f->max_ack_delay < QUIC_MIN_ACK_DELAY
        || f->max_ack_delay >= QUIC_ACK_DELAY_END)
    {
        return NGX_DECLINED;
    }

    if (f->seq < a->next_seq) {
        return NGX_OK;
    }

    a->next_seq = f->seq + 1;
    a->threshold = f->threshold;
    a->delay = f->max_ack_delay;
    a->reordering = f->reordering;

    return NGX_OK;
}


void
quic_ack_now(quic_ack_t *a)
{
    a->asked = 1;
}


ngx_uint_t
quic_ack_pending(quic_ack_t *a)
{
    return a->eliciting != 0;
}


ngx_uint_t
quic_ack_due(quic_ack_t *a, uint64_t now)
{
    return a->deadline <= now;
}


void
quic_ack_sent(quic_ack_t *a)
{
    a->told = a->largest;
    a->eliciting = 0;
    a->asked = 0;
    a->deadline = UINT64_MAX;
}


void
quic_ack_acked(quic_ack_t *a, uint64_t largest)
{
    /* the newest range stays: an ACK must have at least one (19.3) */

    if (a->received.n == 0) {
        return;
    }

    if (largest >= a->received.range[a->received.n - 1].start) {
        largest = a->received.range[a->received.n - 1].start;

        if (largest == 0) {
            return;
        }

        largest--;
    }

    quic_ranges_trim(&a->received, largest + 1);

    a->floor = ngx_max(a->floor, largest + 1);
}
