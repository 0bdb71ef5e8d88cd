
/*
 * What is sent, and what the rest of the recovery works with.  RFC 9002, in
 * the order of its appendix A, is in
 *
 *     quic_recovery         sending; spaces, the window, paths
 *     quic_recovery_ack     acknowledgments
 *     quic_recovery_loss    the detection of losses
 *     quic_recovery_timer   the loss detection timer
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/limits.h"
#include "quic/quic_recovery_internal.h"


#define QUIC_PACKET_THRESHOLD       3    /* 6.1.1 */

/*
 * Packets from one skipped number to the next, at random up to as many as have
 * been sent: often in the first flights, in which a lie about ACKs would gain
 * most, rarely in a long transfer, as each costs the peer a range in its ACKs.
 */
#define QUIC_MIN_SKIP               256
#define QUIC_MAX_SKIP               16384


static void quic_recovery_snapshot(quic_recovery_t *r,
    quic_recovery_space_t *sp, size_t size, uint64_t now);
static uint64_t quic_recovery_skip(uint64_t pn);


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


/* a packet is no longer in flight, whatever has become of it */

void
quic_recovery_land(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_sent_packet_t *p)
{
    if (p->ack_eliciting) {
        r->in_flight -= p->size;
        sp->eliciting--;
    }
}


/* datagrams may have another size now */

void
quic_recovery_fit(quic_recovery_t *r)
{
    if (r->cc.mtu != r->pmtud.mtu) {
        quic_cc_set_mtu(&r->cc, r->pmtud.mtu);
    }
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

uint64_t
quic_recovery_memory(quic_recovery_t *r)
{
    return quic_recovery_pto(r, QUIC_SPACE_APP);
}


void
quic_recovery_trim(quic_recovery_t *r, quic_recovery_space_t *sp, uint64_t now)
{
    uint64_t  memory;

    memory = quic_recovery_memory(r);

    quic_sent_trim(&sp->sent, now > memory ? now - memory : 0);
}


void
quic_recovery_pace(quic_recovery_t *r, uint64_t now)
{
    quic_pacer_set_rate(&r->pacer, quic_cc_pacing_rate(&r->cc, &r->rtt),
                        r->cc.mtu, now);
}
