
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_ecn.h"


/* on a path that has carried marks: it takes more than a loss or two */
#define QUIC_ECN_MAX_TIMEOUTS  3


static ngx_uint_t quic_ecn_valid(const quic_ecn_counts_t *counts,
    ngx_uint_t marked, const quic_frame_ack_t *ack);


void
quic_ecn_reset(quic_ecn_t *e)
{
    ngx_memzero(e, sizeof(quic_ecn_t));
}


void
quic_ecn_sent(quic_ecn_t *e, quic_ecn_counts_t *counts)
{
    counts->sent++;

    if (e->state == QUIC_ECN_TESTING && ++e->tested == QUIC_ECN_TEST_PACKETS) {
        e->state = QUIC_ECN_UNKNOWN;
    }
}


/* 13.4.2: something on the path may drop what is marked */

void
quic_ecn_lost(quic_ecn_t *e)
{
    if (e->state != QUIC_ECN_TESTING && e->state != QUIC_ECN_UNKNOWN) {
        return;
    }

    e->lost++;

    if (e->state == QUIC_ECN_UNKNOWN && e->lost >= e->tested) {
        e->state = QUIC_ECN_FAILED;
    }
}


void
quic_ecn_timeout(quic_ecn_t *e, ngx_uint_t n)
{
    if (e->state == QUIC_ECN_TESTING) {

        /* unless what got lost is of another path, and the test to come */

        if (e->tested) {
            e->state = QUIC_ECN_UNKNOWN;
        }

    } else if (e->state == QUIC_ECN_CAPABLE && n >= QUIC_ECN_MAX_TIMEOUTS) {

        /* what is in flight is the test */

        e->state = QUIC_ECN_UNKNOWN;
        e->tested = QUIC_ECN_TEST_PACKETS;
        e->lost = 0;
    }
}


uint64_t
quic_ecn_acked(quic_ecn_t *e, quic_ecn_counts_t *counts, ngx_uint_t marked,
    const quic_frame_ack_t *ack)
{
    uint64_t  ce;

    if (e->state == QUIC_ECN_FAILED) {
        return 0;
    }

    /* what acknowledges nothing that was marked needs no counts */

    if (marked == 0 && (ack->ect0 | ack->ect1 | ack->ce) == 0) {
        return 0;
    }

    if (!quic_ecn_valid(counts, marked, ack)) {
        e->state = QUIC_ECN_FAILED;
        return 0;
    }

    ce = ack->ce - counts->ce;

    counts->ect0 = ack->ect0;
    counts->ce = ack->ce;

    if (marked) {
        e->state = QUIC_ECN_CAPABLE;
    }

    return ce;
}


/*
 * 13.4.2.1.  More may be counted than is acknowledged here: in ACKs that were
 * lost, or of another path.  We never send ECT(1).
 */

static ngx_uint_t
quic_ecn_valid(const quic_ecn_counts_t *counts, ngx_uint_t marked,
    const quic_frame_ack_t *ack)
{
    uint64_t  total;

    total = ack->ect0 + ack->ce;

    return ack->ect1 == 0
           && ack->ect0 >= counts->ect0
           && ack->ce >= counts->ce
           && total <= counts->sent
           && total - counts->ect0 - counts->ce >= marked;
}
