
/* The congestion controller of RFC 9002: section 7.3, appendix B. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc.h"


static void quic_cc_newreno_init(quic_cc_t *cc, uint64_t now);
static void quic_cc_newreno_acked(quic_cc_t *cc, const quic_cc_ack_t *ack);
static void quic_cc_newreno_lost(quic_cc_t *cc, const quic_cc_loss_t *loss);
static void quic_cc_newreno_marked(quic_cc_t *cc, const quic_cc_mark_t *mark);
static void quic_cc_newreno_reduce(quic_cc_t *cc, uint64_t sent, uint64_t now);
static void quic_cc_newreno_collapse(quic_cc_t *cc, uint64_t now);


const quic_cc_ops_t  quic_cc_newreno = {
    ngx_string("reno"),
    quic_cc_newreno_init,
    quic_cc_newreno_acked,
    quic_cc_newreno_lost,
    quic_cc_newreno_marked,
    quic_cc_newreno_collapse,
    quic_cc_slow_start,
    NULL,
    NULL,
    NULL
};


static void
quic_cc_newreno_init(quic_cc_t *cc, uint64_t now)
{
    cc->u.reno.rest = 0;
}


static void
quic_cc_newreno_acked(quic_cc_t *cc, const quic_cc_ack_t *ack)
{
    uint64_t  grown;

    if (ack->app_limited || quic_cc_in_recovery(cc, ack->largest_time)) {
        return;
    }

    if (quic_cc_slow_start(cc)) {
        cc->window += ack->bytes;
        return;
    }

    /* 7.3.3: a datagram for each window that was acknowledged, bit by bit */

    grown = ack->bytes * cc->mtu + cc->u.reno.rest;

    cc->u.reno.rest = grown % cc->window;
    cc->window += grown / cc->window;
}


static void
quic_cc_newreno_lost(quic_cc_t *cc, const quic_cc_loss_t *loss)
{
    quic_cc_newreno_reduce(cc, loss->largest_time, loss->now);
}


static void
quic_cc_newreno_marked(quic_cc_t *cc, const quic_cc_mark_t *mark)
{
    quic_cc_newreno_reduce(cc, mark->largest_time, mark->now);
}


/* once for all that was sent before: 7.3.2 */

static void
quic_cc_newreno_reduce(quic_cc_t *cc, uint64_t sent, uint64_t now)
{
    if (quic_cc_in_recovery(cc, sent)) {
        return;
    }

    cc->recovery_start = now;
    cc->ssthresh = ngx_max(cc->window / 2, quic_cc_minimum_window(cc->mtu));
    cc->window = cc->ssthresh;
    cc->u.reno.rest = 0;
}


static void
quic_cc_newreno_collapse(quic_cc_t *cc, uint64_t now)
{
    cc->window = quic_cc_minimum_window(cc->mtu);
    cc->recovery_start = 0;
    cc->u.reno.rest = 0;
}
