
/*
 * Every deadline of a connection, of which the earliest is the one that the
 * upper floor's timer is set to:
 *
 *     recovery   a packet is to be declared lost, or a probe to be sent
 *     ack        what was received must be acknowledged
 *     pacing     the next burst may go
 *     idle       nobody has said anything for too long: RFC 9000, 10.1
 *     ping       in time before that, while requests are running
 *     paths      a path's validation goes on, or fails: 8.2.4
 *     handshake  a client that doesn't finish it
 *     early      0-RTT packets won't come any more: RFC 9001, 4.9.3
 *     linger     nothing more is to come, the client has had time to see it
 *     close      the closing or draining period is over
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


/* RFC 9002, 6.2.4: one may be lost as well */
#define QUIC_TIMERS_PROBES  2


static uint64_t quic_timers_idle(quic_conn_t *c);
static uint64_t quic_timers_ack(quic_conn_t *c);
static uint64_t quic_timers_early(quic_conn_t *c, uint64_t now);
static void quic_timers_recovery(quic_conn_t *c, uint64_t now);
static void quic_timers_probe(quic_conn_t *c, quic_space_e space,
    ngx_uint_t least);


uint64_t
quic_timers_deadline(quic_conn_t *c, uint64_t now)
{
    uint64_t  deadline, pto;

    switch (c->state) {

    case QUIC_CONN_OPEN:
        break;

    case QUIC_CONN_DEAD:
        return UINT64_MAX;

    default:
        return c->close_deadline;
    }

    deadline = c->idle_deadline;
    deadline = ngx_min(deadline, quic_timers_ack(c));
    deadline = ngx_min(deadline, quic_recovery_deadline(&c->recovery));
    deadline = ngx_min(deadline, quic_migrate_deadline(c));

    if (c->pace_deadline) {
        deadline = ngx_min(deadline, c->pace_deadline);
    }

    if (c->ping_deadline && c->keep_alive) {
        deadline = ngx_min(deadline, c->ping_deadline);
    }

    if (c->close.lingering) {
        if (c->linger_deadline == 0) {
            pto = quic_recovery_pto(&c->recovery, QUIC_SPACE_APP);
            c->linger_deadline = now + ngx_max(QUIC_LINGER, 3 * pto);
        }

        deadline = ngx_min(deadline, c->linger_deadline);
    }

    if (!c->handshake_done) {
        deadline = ngx_min(deadline, c->started + c->conf->handshake_timeout);

    } else if (c->rx[QUIC_LEVEL_EARLY]) {
        deadline = ngx_min(deadline, quic_timers_early(c, now));
    }

    return deadline;
}


/* three PTOs from the first time that there is nothing more to do */

static uint64_t
quic_timers_early(quic_conn_t *c, uint64_t now)
{
    if (c->early_deadline == 0) {
        c->early_deadline = now + 3 * quic_recovery_pto(&c->recovery,
                                                        QUIC_SPACE_APP);
    }

    return c->early_deadline;
}


static uint64_t
quic_timers_ack(quic_conn_t *c)
{
    ngx_uint_t  i;
    uint64_t    deadline;

    deadline = UINT64_MAX;

    /* an ACK that may not be sent waits for a datagram, not for a time */

    if (c->recovery.amplification_limited) {
        return deadline;
    }

    for (i = 0; i < QUIC_SPACES; i++) {
        deadline = ngx_min(deadline, c->space[i].ack.deadline);
    }

    return deadline;
}


void
quic_timers_expire(quic_conn_t *c, uint64_t now)
{
    quic_conn_wake(c);

    if (c->state != QUIC_CONN_OPEN) {
        if (c->close_deadline && c->close_deadline <= now) {
            c->state = QUIC_CONN_DEAD;
        }

        return;
    }

    if (c->idle_deadline <= now) {
        quic_close_silent(c, "idle timeout");
        return;
    }

    if (!c->handshake_done
        && c->started + c->conf->handshake_timeout <= now)
    {
        quic_close_silent(c, "handshake timeout");
        return;
    }

    if (c->linger_deadline && c->linger_deadline <= now) {
        quic_conn_close_app(c, c->close.error, c->close.reason);
        return;
    }

    if (c->early_deadline && c->early_deadline <= now) {
        quic_handshake_discard(c, QUIC_LEVEL_EARLY);
    }

    if (c->keep_alive && c->ping_deadline && c->ping_deadline <= now) {
        c->ping_deadline = 0;
        c->pending |= QUIC_PEND_PING;
    }

    quic_migrate_expire(c, now);
    quic_timers_recovery(c, now);
}


static void
quic_timers_recovery(quic_conn_t *c, uint64_t now)
{
    quic_space_e  space;

    if (quic_recovery_deadline(&c->recovery) > now
        || quic_recovery_timeout(&c->recovery, &space, now)
           != QUIC_TIMEOUT_PTO)
    {
        return;
    }

    if (space == QUIC_SPACE_APP) {
        quic_timers_probe(c, QUIC_SPACE_APP, QUIC_TIMERS_PROBES);
        return;
    }

    /* probes of both spaces share a datagram, and the client needs both */

    quic_timers_probe(c, QUIC_SPACE_INITIAL, 0);
    quic_timers_probe(c, QUIC_SPACE_HANDSHAKE, 0);
}


/*
 * RFC 9002, 6.2.4: a probe for each packet that is repeated, "least" at least,
 * which are PINGs where there is no data.
 */

static void
quic_timers_probe(quic_conn_t *c, quic_space_e space, ngx_uint_t least)
{
    ngx_uint_t  n;

    n = quic_recovery_repeat(&c->recovery, space);

    c->space[space].probes = ngx_max(n, least);
}


/* the timeout is the smaller one of both sides', and at least 3 PTO */

static uint64_t
quic_timers_idle(quic_conn_t *c)
{
    uint64_t  idle;

    idle = c->conf->idle_timeout;

    if (c->peer.max_idle_timeout) {
        idle = ngx_min(idle, c->peer.max_idle_timeout);
    }

    return ngx_max(idle, 3 * quic_recovery_pto(&c->recovery, QUIC_SPACE_APP));
}


void
quic_timers_active(quic_conn_t *c, uint64_t now)
{
    uint64_t  idle;

    idle = quic_timers_idle(c);

    c->idle_deadline = now + idle;
    c->ping_deadline = now + idle / 2;
}
