
/*
 * The loss detection timer: RFC 9002, 6.2, A.8 and A.9.
 *
 * There is none to be set: quic_recovery_deadline() computes it whenever it is
 * asked.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_recovery_internal.h"


#define QUIC_MAX_REPEATED  2    /* 6.2.4: as many as probes */


static uint64_t quic_recovery_loss_time(quic_recovery_t *r,
    quic_space_e *space);
static uint64_t quic_recovery_pto_time(quic_recovery_t *r,
    quic_space_e *space);
static uint64_t quic_recovery_trim_time(quic_recovery_t *r);
static ngx_uint_t quic_recovery_repeat_from(quic_recovery_t *r,
    quic_space_e space, uint64_t pn);


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


/*
 * 6.2.4: a probe should carry what is most likely to be missing.  When one is
 * not answered the next goes on with what follows: it may be ACKs that are
 * lost, and something else what the peer waits for.
 */

ngx_uint_t
quic_recovery_repeat(quic_recovery_t *r, quic_space_e space)
{
    uint64_t                from;
    ngx_uint_t              n;
    quic_recovery_space_t  *sp;

    sp = &r->space[space];
    from = ngx_max(sp->oldest, sp->sent.first);

    if (r->pto_count <= 1) {
        sp->repeated = 0;
    }

    n = quic_recovery_repeat_from(r, space, ngx_max(sp->repeated, from));

    if (n == 0) {
        n = quic_recovery_repeat_from(r, space, from);
    }

    return n;
}


static ngx_uint_t
quic_recovery_repeat_from(quic_recovery_t *r, quic_space_e space, uint64_t pn)
{
    ngx_uint_t           n;
    quic_sent_t         *sent;
    quic_sent_packet_t  *p;

    sent = &r->space[space].sent;

    for (n = 0; pn < sent->next && n < QUIC_MAX_REPEATED; pn++) {
        p = quic_sent_get(sent, pn);

        if (p->state == QUIC_SENT_OUTSTANDING && p->ack_eliciting
            && !p->mtu_probe)
        {
            quic_recovery_report_lost(r, space, p);
            n++;
        }
    }

    r->space[space].repeated = pn;

    return n;
}
