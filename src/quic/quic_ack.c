
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_ack.h"
#include "quic/quic_addr.h"


static ngx_uint_t quic_ack_out_of_order(quic_ack_t *a, uint64_t pn);


/* QUIC_ECN_* to the place of its count; Not-ECT has none */

static const ngx_int_t  quic_ack_ecn_index[] = { -1, 1, 0, 2 };


void
quic_ack_init(quic_ack_t *a, quic_mem_t *mem, ngx_uint_t immediate)
{
    ngx_memzero(a, sizeof(quic_ack_t));

    quic_ranges_init(&a->received, mem, QUIC_MAX_ACK_RANGES);

    a->largest = UINT64_MAX;
    a->deadline = UINT64_MAX;
    a->immediate = immediate ? 1 : 0;
}


void
quic_ack_done(quic_ack_t *a)
{
    quic_ranges_done(&a->received);
}


ngx_uint_t
quic_ack_duplicate(quic_ack_t *a, uint64_t pn)
{
    return pn < a->floor || quic_ranges_has(&a->received, pn);
}


ngx_int_t
quic_ack_received(quic_ack_t *a, uint64_t pn, ngx_uint_t ack_eliciting,
    ngx_uint_t ecn, uint64_t now)
{
    ngx_int_t   rc;
    ngx_uint_t  urgent;

    urgent = a->immediate || ecn == QUIC_ECN_CE || quic_ack_out_of_order(a, pn);

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

    if (!ack_eliciting) {
        return NGX_OK;
    }

    a->eliciting++;

    if (urgent || a->eliciting >= QUIC_ACK_EVERY) {
        a->deadline = now;

    } else if (a->deadline == UINT64_MAX) {
        a->deadline = now + QUIC_MAX_ACK_DELAY;
    }

    return NGX_OK;
}


/*
 * RFC 9000, 13.2.1: a number below another one received, or one that leaves a
 * gap to the largest, is acknowledged at once.
 */

static ngx_uint_t
quic_ack_out_of_order(quic_ack_t *a, uint64_t pn)
{
    return a->largest != UINT64_MAX && pn != a->largest + 1;
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
    a->eliciting = 0;
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
