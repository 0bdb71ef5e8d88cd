
/*
 * RFC 9002, in the order of its appendix A: sending, acknowledgments, loss
 * detection, the timer.
 *
 * Two things are done otherwise than there.  No list of packets is searched:
 * numbers and send times rise together, so what is lost is found by one
 * pointer per space that only moves up ("oldest").  And there is no timer to
 * be set: quic_recovery_deadline() computes it whenever it is asked.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_recovery.h"


#define QUIC_PACKET_THRESHOLD       3    /* 6.1.1 */
#define QUIC_PERSISTENT_CONGESTION  3    /* 7.6.1 */
#define QUIC_MAX_REPEATED           2    /* 6.2.4: as many as probes */

/*
 * Packets from one skipped number to the next, at random up to as many as have
 * been sent: often in the first flights, in which a lie about ACKs would gain
 * most, rarely in a long transfer, as each costs the peer a range in its ACKs.
 */
#define QUIC_MIN_SKIP               256
#define QUIC_MAX_SKIP               16384


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


static void quic_recovery_snapshot(quic_recovery_t *r,
    quic_recovery_space_t *sp, size_t size, uint64_t now);
static uint64_t quic_recovery_skip(uint64_t pn);
static ngx_int_t quic_recovery_check_ack(quic_sent_t *sent,
    quic_frame_ack_t *ack, ngx_uint_t *n, const char **reason);
static void quic_recovery_detect_acked(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, ngx_uint_t n, uint64_t now,
    quic_recovery_acked_t *acked);
static void quic_recovery_ecn(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, quic_recovery_acked_t *acked, uint64_t now);
static void quic_recovery_spurious(quic_recovery_t *r, quic_sent_packet_t *p);
static ngx_uint_t quic_recovery_sample(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now,
    quic_recovery_acked_t *acked);
static ngx_uint_t quic_recovery_delivered(quic_recovery_t *r,
    quic_recovery_space_t *sp, quic_recovery_acked_t *acked,
    quic_rate_sample_t *sample, uint64_t now);
static void quic_recovery_land(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_sent_packet_t *p);
static void quic_recovery_grow(quic_recovery_t *r, quic_cc_ack_t *ack);
static ngx_uint_t quic_recovery_detect_lost(quic_recovery_t *r,
    quic_space_e space, uint64_t now);
static void quic_recovery_count_lost(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t pn, quic_sent_packet_t *p,
    uint64_t now);
static ngx_uint_t quic_recovery_overtaken(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t pn);
static void quic_recovery_lose(quic_recovery_t *r, quic_space_e space,
    quic_sent_packet_t *p);
static void quic_recovery_report_lost(quic_recovery_t *r, quic_space_e space,
    quic_sent_packet_t *p);
static void quic_recovery_congestion(quic_recovery_t *r, quic_cc_loss_t *loss);
static ngx_uint_t quic_recovery_persistent(quic_recovery_t *r,
    quic_recovery_space_t *sp, quic_sent_packet_t *p);
static void quic_recovery_collapse(quic_recovery_t *r,
    quic_recovery_space_t *sp, uint64_t now);
static void quic_recovery_fit(quic_recovery_t *r);
static uint64_t quic_recovery_loss_time(quic_recovery_t *r,
    quic_space_e *space);
static uint64_t quic_recovery_pto_time(quic_recovery_t *r,
    quic_space_e *space);
static uint64_t quic_recovery_trim_time(quic_recovery_t *r);
static uint64_t quic_recovery_memory(quic_recovery_t *r);
static void quic_recovery_trim(quic_recovery_t *r, quic_recovery_space_t *sp,
    uint64_t now);
static void quic_recovery_pace(quic_recovery_t *r, uint64_t now);


void
quic_recovery_init(quic_recovery_t *r, quic_mem_t *mem,
    const quic_cc_ops_t *cc, size_t mtu, const quic_recovery_ops_t *ops,
    void *data, uint64_t now)
{
    ngx_uint_t  i;

    ngx_memzero(r, sizeof(quic_recovery_t));

    for (i = 0; i < QUIC_SPACES; i++) {
        quic_sent_init(&r->space[i].sent, mem);

        if (cc->sent) {
            quic_sent_sample(&r->space[i].sent);
        }

        r->space[i].largest_acked = UINT64_MAX;
        r->space[i].skip = UINT64_MAX;
    }

    /* the other spaces are over before it could tell anything */

    r->space[QUIC_SPACE_APP].skip = quic_recovery_skip(0);

    r->ops = ops;
    r->data = data;
    r->max_ack_delay = QUIC_DEFAULT_MAX_ACK_DELAY;
    r->peer_validated = 1;

    r->threshold = QUIC_PACKET_THRESHOLD;

    quic_rtt_init(&r->rtt);
    quic_pmtud_init(&r->pmtud, mtu, 0);
    quic_cc_init(&r->cc, cc, mtu, now);
    quic_pacer_init(&r->pacer, now);
    quic_recovery_pace(r, now);
}


void
quic_recovery_done(quic_recovery_t *r)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_SPACES; i++) {
        quic_sent_done(&r->space[i].sent);
    }
}


ngx_uint_t
quic_recovery_mark(quic_recovery_t *r)
{
    r->marking = quic_ecn_marks(&r->ecn) ? 1 : 0;

    return r->marking ? QUIC_ECN_ECT0 : QUIC_ECN_NOT_ECT;
}


/* A.5. On Sending a Packet */

void
quic_recovery_sent(quic_recovery_t *r, quic_space_e space, size_t size,
    ngx_uint_t ack_eliciting, uint64_t now)
{
    quic_sent_packet_t     *p;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];

    p = quic_sent_close(&sp->sent, size, now);
    p->ack_eliciting = ack_eliciting;
    p->app_limited = (r->rate.app_limited != 0);
    p->ecn = r->marking;

    if (r->marking) {
        quic_ecn_sent(&r->ecn, &sp->ecn);
    }

    if (!ack_eliciting) {
        /* of those that nobody acknowledges there may be any number */
        quic_recovery_trim(r, sp, now);
        return;
    }

    sp->last_eliciting = now;
    sp->eliciting++;

    if (r->in_flight == 0) {
        quic_rate_restart(&r->rate, now);
    }

    if (r->cc.ops->sent) {
        quic_recovery_snapshot(r, sp, size, now);
    }

    r->in_flight += size;
    r->send_one = 0;
    quic_pacer_sent(&r->pacer, size, now);
}


/* for a controller that wants samples of the rate */

static void
quic_recovery_snapshot(quic_recovery_t *r, quic_recovery_space_t *sp,
    size_t size, uint64_t now)
{
    uint64_t        rate;
    quic_cc_sent_t  sent;

    quic_rate_sent(&r->rate, quic_sent_rate(&sp->sent, sp->sent.next - 1),
                   r->in_flight, size, now);

    sent.bytes = size;
    sent.in_flight = r->in_flight;
    sent.now = now;
    sent.rate = &r->rate;

    rate = r->cc.rate;

    r->cc.ops->sent(&r->cc, &sent);

    if (r->cc.rate != rate) {
        quic_recovery_pace(r, now);
    }
}


void
quic_recovery_mtu_probe(quic_recovery_t *r)
{
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    sent = &r->space[QUIC_SPACE_APP].sent;

    p = quic_sent_get(sent, sent->next - 1);
    p->mtu_probe = 1;

    quic_pmtud_sent(&r->pmtud, p->size);
}


void
quic_recovery_sent_aside(quic_recovery_t *r, quic_space_e space, uint64_t now)
{
    quic_sent_packet_t     *p;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];

    p = quic_sent_close(&sp->sent, 0, now);
    p->ack_eliciting = 0;

    quic_recovery_trim(r, sp, now);
}


ngx_int_t
quic_recovery_next_pn(quic_recovery_t *r, quic_space_e space, uint64_t *pn)
{
    ngx_int_t               rc;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];

    if (sp->skip == sp->sent.next) {
        rc = quic_sent_skip(&sp->sent);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* not with NGX_AGAIN: quic_sent_open() will say so as well */

        if (rc == NGX_OK) {
            sp->skip = quic_recovery_skip(sp->sent.next);
        }
    }

    *pn = sp->sent.next;

    return NGX_OK;
}


/* the number to be skipped after "pn" */

static uint64_t
quic_recovery_skip(uint64_t pn)
{
    uint64_t  distance;

    distance = ngx_min(ngx_max(pn, QUIC_MIN_SKIP), QUIC_MAX_SKIP);

    return pn + 1 + quic_random_u64() % distance;
}


/* A.7. On Receiving an Acknowledgment */

ngx_int_t
quic_recovery_ack(quic_recovery_t *r, quic_space_e space,
    quic_frame_ack_t *ack, uint64_t delay, uint64_t now, const char **reason)
{
    ngx_uint_t              n, raised;
    quic_cc_ack_t           cc_ack;
    quic_rate_sample_t      sample;
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

    if (acked.packets == 0) {

        /* but late ones may have brought the window or an MTU back */

        quic_recovery_fit(r);
        quic_recovery_pace(r, now);

        return NGX_OK;
    }

    if (raised) {
        quic_recovery_ecn(r, space, ack, &acked, now);
    }

    ngx_memzero(&cc_ack, sizeof(quic_cc_ack_t));

    cc_ack.rtt_sample = quic_recovery_sample(r, space, ack, delay, now,
                                             &acked);

    if (quic_recovery_delivered(r, sp, &acked, &sample, now)) {
        cc_ack.sample = &sample;
    }

    (void) quic_recovery_detect_lost(r, space, now);

    quic_recovery_fit(r);

    cc_ack.bytes = acked.bytes;
    cc_ack.largest_time = acked.largest_time;
    cc_ack.now = now;

    quic_recovery_grow(r, &cc_ack);

    /* 6.2.1: a client goes on backing off until it isn't in doubt any more */

    if (r->peer_validated) {
        r->pto_count = 0;
    }

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


/* a packet is no longer in flight, whatever has become of it */

static void
quic_recovery_land(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_sent_packet_t *p)
{
    if (p->ack_eliciting) {
        r->in_flight -= p->size;
        sp->eliciting--;
    }
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


/*
 * A.10. Detecting Lost Packets; their number.  All that is below "oldest" is
 * acknowledged, lost, or was never in flight; the first packet that can't be
 * lost yet ends the search, as those behind it are younger.
 */

static ngx_uint_t
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
            loss.bytes += p->size;
            loss.largest_time = p->time;

            persistent |= quic_recovery_persistent(r, sp, p);

            quic_recovery_count_lost(r, sp, pn, p, now);
        }

        if (space == QUIC_SPACE_APP) {
            quic_pmtud_lost(&r->pmtud, pn, p, r->rtt.smoothed);
        }

        quic_recovery_lose(r, space, p);
        p->time = now;
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
    uint64_t pn, quic_sent_packet_t *p, uint64_t now)
{
    quic_cc_lost_packet_t  lost;

    r->rate.lost += p->size;

    if (r->cc.ops->packet_lost == NULL || p->size == 0) {
        return;
    }

    lost.pn = pn;
    lost.bytes = p->size;
    lost.now = now;
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
quic_recovery_lose(quic_recovery_t *r, quic_space_e space,
    quic_sent_packet_t *p)
{
    quic_recovery_land(r, &r->space[space], p);

    p->state = QUIC_SENT_LOST;
    r->packets_lost++;
    r->bytes_lost += p->size;

    if (p->ecn) {
        quic_ecn_lost(&r->ecn);
    }

    quic_recovery_report_lost(r, space, p);
}


static void
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


/* datagrams may have another size now */

static void
quic_recovery_fit(quic_recovery_t *r)
{
    if (r->cc.mtu != r->pmtud.mtu) {
        quic_cc_set_mtu(&r->cc, r->pmtud.mtu);
    }
}


/* A.8. Setting the Loss Detection Timer */

uint64_t
quic_recovery_deadline(quic_recovery_t *r)
{
    uint64_t      time;
    quic_space_e  space;

    time = quic_recovery_loss_time(r, &space);

    if (time == UINT64_MAX) {
        time = quic_recovery_pto_time(r, &space);
    }

    if (time == UINT64_MAX) {
        time = quic_recovery_trim_time(r);
    }

    return time;
}


static uint64_t
quic_recovery_loss_time(quic_recovery_t *r, quic_space_e *space)
{
    uint64_t    time;
    ngx_uint_t  i;

    time = UINT64_MAX;

    for (i = 0; i < QUIC_SPACES; i++) {

        if (r->space[i].loss_time && r->space[i].loss_time < time) {
            time = r->space[i].loss_time;
            *space = i;
        }
    }

    return time;
}


/*
 * 6.2. Probe Timeout.  There is none without an ack-eliciting packet in
 * flight: only a client has to probe even then (6.2.2.1).
 */

static uint64_t
quic_recovery_pto_time(quic_recovery_t *r, quic_space_e *space)
{
    uint64_t                time, t;
    ngx_uint_t              i, backoff;
    quic_recovery_space_t  *sp;

    time = UINT64_MAX;

    if (r->amplification_limited) {
        return time;
    }

    backoff = ngx_min(r->pto_count, QUIC_MAX_PTO_BACKOFF);

    for (i = 0; i < QUIC_SPACES; i++) {
        sp = &r->space[i];

        if (sp->eliciting == 0) {
            continue;
        }

        if (i == QUIC_SPACE_APP && !r->handshake_confirmed) {
            continue;
        }

        t = sp->last_eliciting + (quic_recovery_pto(r, i) << backoff);

        if (t < time) {
            time = t;
            *space = i;
        }
    }

    return time;
}


/*
 * Nothing is expected, but there are records of packets that an ACK may still
 * come for.  An idle connection shouldn't hold that memory.
 */

static uint64_t
quic_recovery_trim_time(quic_recovery_t *r)
{
    uint64_t             time, t;
    ngx_uint_t           i;
    quic_sent_t         *sent;
    quic_sent_packet_t  *last;

    time = UINT64_MAX;

    for (i = 0; i < QUIC_SPACES; i++) {
        sent = &r->space[i].sent;
        t = quic_sent_trim_time(sent);

        if (t == UINT64_MAX) {
            continue;
        }

        /* all of them at once */

        last = quic_sent_get(sent, sent->next - 1);
        t = ngx_max(t, last->time) + quic_recovery_memory(r);

        time = ngx_min(time, t);
    }

    return time;
}


/* A.9. On Timeout */

quic_timeout_e
quic_recovery_timeout(quic_recovery_t *r, quic_space_e *space, uint64_t now)
{
    uint64_t    time;
    ngx_uint_t  i, lost;

    time = quic_recovery_loss_time(r, space);

    if (time != UINT64_MAX) {

        if (time > now) {
            return QUIC_TIMEOUT_NONE;
        }

        /* none if the RTT has grown since */

        lost = quic_recovery_detect_lost(r, *space, now);
        quic_recovery_fit(r);
        quic_recovery_pace(r, now);

        return lost ? QUIC_TIMEOUT_LOSS : QUIC_TIMEOUT_NONE;
    }

    if (quic_recovery_pto_time(r, space) <= now) {
        r->pto_count++;
        r->ptos++;
        quic_ecn_timeout(&r->ecn, r->pto_count);

        /* 6.2.4: a peer acknowledges at once what follows a gap */

        if (*space == QUIC_SPACE_APP) {
            r->space[*space].skip = r->space[*space].sent.next;
        }

        return QUIC_TIMEOUT_PTO;
    }

    for (i = 0; i < QUIC_SPACES; i++) {
        quic_recovery_trim(r, &r->space[i], now);
    }

    return QUIC_TIMEOUT_NONE;
}


/* 6.2.4: a probe should carry what is most likely to be missing */

ngx_uint_t
quic_recovery_repeat(quic_recovery_t *r, quic_space_e space)
{
    uint64_t             pn;
    ngx_uint_t           n;
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    sent = &r->space[space].sent;
    pn = ngx_max(r->space[space].oldest, sent->first);

    for (n = 0; pn < sent->next && n < QUIC_MAX_REPEATED; pn++) {
        p = quic_sent_get(sent, pn);

        if (p->state == QUIC_SENT_OUTSTANDING && p->ack_eliciting
            && !p->mtu_probe)
        {
            quic_recovery_report_lost(r, space, p);
            n++;
        }
    }

    return n;
}


/* A.11. Upon Dropping Initial or Handshake Keys */

void
quic_recovery_discard(quic_recovery_t *r, quic_space_e space)
{
    uint64_t                pn;
    quic_sent_packet_t     *p;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];

    if (sp->discarded) {
        return;
    }

    for (pn = sp->sent.first; pn < sp->sent.next; pn++) {
        p = quic_sent_get(&sp->sent, pn);

        if (p->state == QUIC_SENT_OUTSTANDING) {
            quic_recovery_land(r, sp, p);
        }
    }

    quic_sent_done(&sp->sent);

    sp->loss_time = 0;
    sp->last_eliciting = 0;
    sp->lost_since = 0;
    sp->discarded = 1;

    r->pto_count = 0;
}


/*
 * The window, RFC 9002's limit of what is in flight, is that of the controller
 * in whole datagrams, as TCP has it, rounded up.  Without that half a datagram
 * of it would be unused on average, which at 1 % loss is a twentieth of the
 * rate; and to fill it with shorter datagrams is slower still, as each of them
 * may be lost like a full one.
 */

uint64_t
quic_recovery_room(quic_recovery_t *r)
{
    uint64_t  window, room;

    window = r->cc.window + r->cc.mtu - 1;
    window -= window % r->cc.mtu;

    room = (r->in_flight < window) ? window - r->in_flight : 0;

    return r->send_one ? ngx_max(room, r->cc.mtu) : room;
}


/* what is in flight now, and all before it, was sent by a limited sender */

void
quic_recovery_app_limited(quic_recovery_t *r)
{
    if (r->in_flight + r->cc.mtu <= r->cc.window) {
        quic_rate_limited(&r->rate, r->in_flight);
    }
}


void
quic_recovery_too_large(quic_recovery_t *r, size_t size, uint64_t now)
{
    quic_pmtud_too_large(&r->pmtud, size);
    quic_recovery_fit(r);
    quic_recovery_pace(r, now);
}


void
quic_recovery_new_path(quic_recovery_t *r, size_t mtu, uint64_t now)
{
    uint64_t             pn;
    ngx_uint_t           i;
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    /*
     * Loss detection goes on for old packets, but none weighs anything.  Those
     * of a path before are not visited again, however often a client moves.
     */

    for (i = 0; i < QUIC_SPACES; i++) {
        sent = &r->space[i].sent;
        pn = sent->first;

        if (i == QUIC_SPACE_APP) {
            pn = ngx_max(pn, r->path_pn);
        }

        for ( /* void */ ; pn < sent->next; pn++) {
            p = quic_sent_get(sent, pn);
            p->size = 0;
            p->ecn = 0;
        }

        r->space[i].lost_since = 0;

        /* nothing has been waited for on this path yet */
        r->space[i].last_eliciting = now;
    }

    r->in_flight = 0;
    r->path_pn = r->space[QUIC_SPACE_APP].sent.next;
    r->first_sample = 0;
    r->rate.app_limited = 0;
    r->pto_count = 0;
    r->send_one = 0;

    r->threshold = QUIC_PACKET_THRESHOLD;

    quic_rtt_init(&r->rtt);
    quic_pmtud_init(&r->pmtud, mtu, r->path_pn);
    quic_ecn_reset(&r->ecn);
    quic_cc_init(&r->cc, r->cc.ops, mtu, now);
    quic_pacer_init(&r->pacer, now);
    quic_recovery_pace(r, now);
}


uint64_t
quic_recovery_pto(quic_recovery_t *r, quic_space_e space)
{
    uint64_t  pto;

    pto = quic_rtt_pto(&r->rtt);

    return (space == QUIC_SPACE_APP) ? pto + r->max_ack_delay : pto;
}


/* for how long a packet is remembered that nothing depends on any more */

static uint64_t
quic_recovery_memory(quic_recovery_t *r)
{
    return quic_recovery_pto(r, QUIC_SPACE_APP);
}


static void
quic_recovery_trim(quic_recovery_t *r, quic_recovery_space_t *sp, uint64_t now)
{
    uint64_t  memory;

    memory = quic_recovery_memory(r);

    quic_sent_trim(&sp->sent, now > memory ? now - memory : 0);
}


static void
quic_recovery_pace(quic_recovery_t *r, uint64_t now)
{
    quic_pacer_set_rate(&r->pacer, quic_cc_pacing_rate(&r->cc, &r->rtt),
                        r->cc.mtu, now);
}
