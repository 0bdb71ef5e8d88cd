
/* What an ACK frame brings: RFC 9002, A.7. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_recovery_internal.h"


/* what an ACK frame newly acknowledges */

typedef struct {
    uint64_t    bytes;                   /* in flight */
    uint64_t    largest;                 /* number */
    uint64_t    largest_time;
    uint64_t    newest;                  /* number, of those in flight */
    uint64_t    newest_time;
    ngx_uint_t  packets;
    ngx_uint_t  eliciting;               /* packets that are */
    ngx_uint_t  marked;                  /* late ones included */
    unsigned    aside:1;                 /* "largest" went by another path */
} quic_recovery_acked_t;


static ngx_int_t quic_recovery_check_ack(quic_sent_t *sent,
    quic_frame_ack_t *ack, ngx_uint_t *n, const char **reason);
static void quic_recovery_detect_acked(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, ngx_uint_t n, uint64_t now,
    quic_recovery_acked_t *acked);
static void quic_recovery_ecn(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, quic_recovery_acked_t *acked, uint64_t now);
static void quic_recovery_spurious(quic_recovery_t *r, quic_sent_packet_t *p);
static void quic_recovery_update(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now,
    quic_recovery_acked_t *acked);
static ngx_uint_t quic_recovery_sample(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now,
    quic_recovery_acked_t *acked);
static ngx_uint_t quic_recovery_delivered(quic_recovery_t *r,
    quic_recovery_space_t *sp, quic_recovery_acked_t *acked,
    quic_rate_sample_t *sample, uint64_t now);
static void quic_recovery_grow(quic_recovery_t *r, quic_cc_ack_t *ack);


/* A.7. On Receiving an Acknowledgment */

ngx_int_t
quic_recovery_ack(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now, const char **reason)
{
    ngx_uint_t              n, raised;
    quic_recovery_space_t  *sp;
    quic_recovery_acked_t   acked;

    sp = &r->space[space];

    if (quic_recovery_check_ack(&sp->sent, ack, &n, reason) != NGX_OK) {
        return NGX_ERROR;
    }

    raised = (sp->largest_acked == UINT64_MAX
              || sp->largest_acked < ack->largest);

    if (n == 0 && !raised) {
        return NGX_DECLINED;
    }

    if (raised) {
        sp->largest_acked = ack->largest;
    }

    quic_recovery_detect_acked(r, space, ack, n, now, &acked);

    if (acked.packets && raised) {
        quic_recovery_ecn(r, space, ack, &acked, now);
    }

    if (acked.packets) {
        quic_recovery_update(r, space, ack, delay, now, &acked);
    }

    /* late ones alone may have brought the window or an MTU back, too */

    quic_recovery_fit(r);
    quic_recovery_pace(r, now);
    quic_recovery_trim(r, sp, now);

    return NGX_OK;
}


/*
 * A peer that acknowledges what it can't have received lies about the rest.
 * "*n" is the number of records that the ACK says something new about.
 */

static ngx_int_t
quic_recovery_check_ack(quic_sent_t *sent, quic_frame_ack_t *ack,
    ngx_uint_t *n, const char **reason)
{
    uint64_t             pn;
    quic_sent_walk_t     w;
    quic_sent_packet_t  *p;

    if (ack->largest >= sent->next) {
        *reason = "ACK of a packet that was never sent";
        return NGX_ERROR;
    }

    *n = 0;
    quic_sent_walk(&w, sent, ack);

    while ((p = quic_sent_walk_next(&w, &pn)) != NULL) {

        if (p->state == QUIC_SENT_SKIPPED) {
            *reason = "ACK of a packet number that was skipped";
            return NGX_ERROR;
        }

        (*n)++;
    }

    return NGX_OK;
}


static void
quic_recovery_detect_acked(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, ngx_uint_t n, uint64_t now,
    quic_recovery_acked_t *acked)
{
    uint64_t                pn;
    ngx_uint_t              i;
    quic_sent_walk_t        w;
    quic_sent_packet_t     *p;
    quic_recovery_space_t  *sp;

    ngx_memzero(acked, sizeof(quic_recovery_acked_t));

    sp = &r->space[space];
    quic_sent_walk(&w, &sp->sent, ack);

    /* mostly these are in the first range */

    while (n--) {
        p = quic_sent_walk_next(&w, &pn);

        if (space == QUIC_SPACE_APP && p->size) {
            quic_pmtud_acked(&r->pmtud, pn, p);
        }

        acked->marked += p->ecn;

        if (p->state == QUIC_SENT_LOST) {
            quic_recovery_spurious(r, p);

        } else {
            if (acked->packets++ == 0) {
                acked->largest = pn;
                acked->largest_time = p->time;
                acked->aside = (p->size == 0);
            }

            if (p->ack_eliciting && p->size) {
                if (acked->bytes == 0) {
                    acked->newest = pn;
                    acked->newest_time = p->time;
                }

                acked->bytes += p->size;
            }

            acked->eliciting += p->ack_eliciting;

            quic_recovery_land(r, sp, p);
        }

        /* 7.6.2: so not all was lost around it */

        if (pn < sp->oldest) {
            sp->lost_since = 0;
        }

        for (i = 0; i < p->nframes; i++) {
            r->ops->acked(r->data, space, quic_sent_frame_of(&sp->sent, p, i));
        }

        quic_sent_acked(&sp->sent, pn, now);
    }

    r->packets_acked += acked->packets;
}


/*
 * B.7. ProcessECN: once a round trip is the controller's business.  Counts are
 * sums, so those of an ACK without anything new come with the next one; and a
 * mark of the path before says nothing of this one (RFC 9000, 9.4).
 */

static void
quic_recovery_ecn(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, quic_recovery_acked_t *acked, uint64_t now)
{
    quic_cc_mark_t  mark;

    mark.packets = quic_ecn_acked(&r->ecn, &r->space[space].ecn,
                                  acked->marked, ack);

    r->packets_ce += mark.packets;

    if (mark.packets == 0
        || (space == QUIC_SPACE_APP && acked->largest < r->path_pn))
    {
        return;
    }

    mark.largest_time = acked->largest_time;
    mark.now = now;

    r->cc.ops->marked(&r->cc, &mark);
}


/*
 * A packet was late, not lost.  The controller hears of it if it has heard of
 * the loss, and on this path.
 */

static void
quic_recovery_spurious(quic_recovery_t *r, quic_sent_packet_t *p)
{
    quic_cc_spurious_t  loss;

    r->packets_spurious++;
    r->bytes_spurious += p->size;

    /* 6.1.1: what was late by the threshold may be so again */

    if (p->size) {
        r->threshold = ngx_min(r->threshold + 1, QUIC_MAX_PACKET_THRESHOLD);
    }

    if (!p->mtu_probe) {
        r->rate.lost -= ngx_min(p->size, r->rate.lost);
        quic_rate_delivered(&r->rate, p->size);
    }

    if (r->cc.ops->spurious == NULL || p->mtu_probe || p->size == 0) {
        return;
    }

    loss.bytes = p->size;
    loss.lost_time = p->time;

    r->cc.ops->spurious(&r->cc, &loss);
}


/* what packets that weren't taken for lost say of the path */

static void
quic_recovery_update(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now,
    quic_recovery_acked_t *acked)
{
    quic_cc_ack_t       cc_ack;
    quic_rate_sample_t  sample;

    ngx_memzero(&cc_ack, sizeof(quic_cc_ack_t));

    cc_ack.rtt_sample = quic_recovery_sample(r, space, ack, delay, now, acked);

    if (quic_recovery_delivered(r, &r->space[space], acked, &sample, now)) {
        cc_ack.sample = &sample;
    }

    (void) quic_recovery_detect_lost(r, space, now);

    quic_recovery_fit(r);

    cc_ack.bytes = acked->bytes;
    cc_ack.largest_time = acked->largest_time;
    cc_ack.now = now;

    quic_recovery_grow(r, &cc_ack);

    /* 6.2.1: a client goes on backing off until it isn't in doubt any more */

    if (r->peer_validated) {
        r->pto_count = 0;
    }
}


/* 5.1. Generating RTT Samples; non-zero if there is one */

static ngx_uint_t
quic_recovery_sample(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now,
    quic_recovery_acked_t *acked)
{
    if (acked->largest != ack->largest || acked->eliciting == 0
        || acked->aside)
    {
        return 0;
    }

    /* 5.3: Initial packets are acknowledged without delay */

    if (space == QUIC_SPACE_INITIAL) {
        delay = 0;
    }

    if (r->handshake_confirmed) {
        delay = ngx_min(delay, r->max_ack_delay);
    }

    quic_rtt_sample(&r->rtt, now - acked->largest_time, delay);

    if (r->first_sample == 0) {
        r->first_sample = now;
    }

    return 1;
}


/* non-zero: the controller wants a sample of the rate, and there is one */

static ngx_uint_t
quic_recovery_delivered(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_recovery_acked_t *acked, quic_rate_sample_t *sample, uint64_t now)
{
    quic_rate_delivered(&r->rate, acked->bytes);
    quic_rate_round(&r->rate, r->rtt.smoothed, now);

    if (r->cc.ops->sent == NULL || acked->bytes == 0) {
        return 0;
    }

    quic_rate_sample(&r->rate, quic_sent_rate(&sp->sent, acked->newest),
                     acked->newest_time, r->rtt.min, now, sample);

    sample->app_limited = quic_sent_get(&sp->sent, acked->newest)->app_limited;

    return 1;
}


/* B.5. On Packet Acknowledgment */

static void
quic_recovery_grow(quic_recovery_t *r, quic_cc_ack_t *ack)
{
    if (ack->bytes == 0) {
        return;
    }

    ack->rtt = &r->rtt;
    ack->rate = &r->rate;
    ack->in_flight = r->in_flight;
    ack->app_limited = (r->rate.app_limited != 0);

    r->cc.ops->acked(&r->cc, ack);
}
