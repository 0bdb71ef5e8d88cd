
/*
 * Which packets are lost: RFC 9002, 6.1, 7.6 and A.10.
 *
 * No list of packets is searched.  Numbers and send times rise together, so
 * what is lost is found by one pointer per space that only moves up: "oldest".
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_recovery_internal.h"


#define QUIC_PERSISTENT_CONGESTION  3    /* 7.6.1 */


static void quic_recovery_count_lost(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t pn, quic_sent_packet_t *p,
    quic_cc_loss_t *loss);
static ngx_uint_t quic_recovery_overtaken(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t pn);
static void quic_recovery_lose(quic_recovery_t *r, quic_space_e space,
    uint64_t pn, quic_sent_packet_t *p, uint64_t now);
static void quic_recovery_congestion(quic_recovery_t *r, quic_cc_loss_t *loss);
static ngx_uint_t quic_recovery_persistent(quic_recovery_t *r,
    quic_recovery_space_t *sp, quic_sent_packet_t *p);
static void quic_recovery_collapse(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t now);


/*
 * A.10. Detecting Lost Packets; their number.  All that is below "oldest" is
 * acknowledged, lost, or was never in flight; the first packet that can't be
 * lost yet ends the search, as those behind it are younger.
 */

ngx_uint_t
quic_recovery_detect_lost(quic_recovery_t *r, quic_space_e space, uint64_t now)
{
    uint64_t                pn, delay;
    ngx_uint_t              lost, persistent;
    quic_cc_loss_t          loss;
    quic_sent_packet_t     *p;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];
    sp->loss_time = 0;

    delay = quic_rtt_loss_delay(&r->rtt);
    lost = 0;
    persistent = 0;

    ngx_memzero(&loss, sizeof(quic_cc_loss_t));
    loss.now = now;

    pn = ngx_max(sp->oldest, sp->sent.first);

    for ( /* void */ ; pn < sp->largest_acked; pn++) {
        p = quic_sent_get(&sp->sent, pn);

        if (p->state == QUIC_SENT_ACKED) {
            sp->lost_since = 0;
        }

        if (p->state != QUIC_SENT_OUTSTANDING || !p->ack_eliciting) {
            continue;
        }

        if (p->time + delay > now && !quic_recovery_overtaken(r, sp, pn)) {
            sp->loss_time = p->time + delay;
            break;
        }

        /* RFC 9000, 14.4: the loss of a probe tells nothing of congestion */

        if (!p->mtu_probe) {
            persistent |= quic_recovery_persistent(r, sp, p);
            quic_recovery_count_lost(r, sp, pn, p, &loss);
        }

        quic_recovery_lose(r, space, pn, p, now);
        lost++;
    }

    sp->oldest = pn;

    if (loss.bytes) {
        quic_recovery_congestion(r, &loss);
    }

    if (persistent) {
        quic_recovery_collapse(r, sp, now);
    }

    return lost;
}


static void
quic_recovery_count_lost(quic_recovery_t *r, quic_recovery_space_t *sp,
    uint64_t pn, quic_sent_packet_t *p, quic_cc_loss_t *loss)
{
    quic_cc_lost_packet_t  lost;

    loss->bytes += p->size;
    loss->largest_time = p->time;

    r->rate.lost += p->size;

    if (r->cc.ops->packet_lost == NULL || p->size == 0) {
        return;
    }

    lost.pn = pn;
    lost.bytes = p->size;
    lost.now = loss->now;
    lost.rate = &r->rate;

    quic_rate_lost(&r->rate, quic_sent_rate(&sp->sent, pn), &lost.sample);
    lost.sample.app_limited = p->app_limited;

    r->cc.ops->packet_lost(&r->cc, &lost);
}


/*
 * 6.1.1. Packet Threshold: three that were sent later, or more on a path that
 * reorders; numbers that we have skipped don't count.
 */

static ngx_uint_t
quic_recovery_overtaken(quic_recovery_t *r, quic_recovery_space_t *sp,
    uint64_t pn)
{
    uint64_t             last;
    quic_sent_packet_t  *p;

    last = pn + r->threshold;

    while (pn++ < last && last <= sp->largest_acked) {
        p = quic_sent_get(&sp->sent, pn);

        if (p->state == QUIC_SENT_SKIPPED) {
            last++;
        }
    }

    return last <= sp->largest_acked;
}


static void
quic_recovery_lose(quic_recovery_t *r, quic_space_e space, uint64_t pn,
    quic_sent_packet_t *p, uint64_t now)
{
    if (space == QUIC_SPACE_APP) {
        quic_pmtud_lost(&r->pmtud, pn, p, r->rtt.smoothed);
    }

    quic_recovery_land(r, &r->space[space], p);

    p->state = QUIC_SENT_LOST;
    p->time = now;

    r->packets_lost++;
    r->bytes_lost += p->size;

    if (p->ecn) {
        quic_ecn_lost(&r->ecn);
    }

    quic_recovery_report_lost(r, space, p);
}


void
quic_recovery_report_lost(quic_recovery_t *r, quic_space_e space,
    quic_sent_packet_t *p)
{
    ngx_uint_t    i;
    quic_sent_t  *sent;

    sent = &r->space[space].sent;

    for (i = 0; i < p->nframes; i++) {
        r->ops->lost(r->data, space, quic_sent_frame_of(sent, p, i));
    }
}


/*
 * B.6. On New Congestion Event.  On entering recovery one packet may be sent
 * whatever the window says (7.3.2), which speeds it up.
 */

static void
quic_recovery_congestion(quic_recovery_t *r, quic_cc_loss_t *loss)
{
    uint64_t  before;

    before = r->cc.recovery_start;

    r->cc.ops->lost(&r->cc, loss);

    if (r->cc.recovery_start != before) {
        r->send_one = 1;
    }
}


/*
 * 7.6.2. Establishing Persistent Congestion: loss detection passes each number
 * once, in order, so it is enough to know since when nothing has arrived.  Of
 * the packet number spaces only that of the ACK is looked at, as 7.6.2 allows.
 */

static ngx_uint_t
quic_recovery_persistent(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_sent_packet_t *p)
{
    uint64_t  duration;

    if (r->first_sample == 0 || p->time <= r->first_sample) {
        return 0;
    }

    if (sp->lost_since == 0) {
        sp->lost_since = p->time;
        return 0;
    }

    /* 7.6.1: max_ack_delay counts in all spaces */

    duration = quic_recovery_pto(r, QUIC_SPACE_APP)
               * QUIC_PERSISTENT_CONGESTION;

    return p->time - sp->lost_since > duration;
}


static void
quic_recovery_collapse(quic_recovery_t *r, quic_recovery_space_t *sp,
    uint64_t now)
{
    r->cc.ops->collapse(&r->cc, now);

    /* 5.2: the minimum may be of a path that is no more */

    r->rtt.min = r->rtt.latest;
    sp->lost_since = 0;
}
