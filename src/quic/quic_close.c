
/*
 * The end of a connection: RFC 9000, section 10.
 *
 *     OPEN --- quic_conn_close() ---> CLOSING --- 3 PTO ---> DEAD
 *       |----- CONNECTION_CLOSE ----> DRAINING -- 3 PTO ---> DEAD
 *       |----- idle, no handshake ------------------------> DEAD
 *       |----- quic_conn_linger() --- QUIC_LINGER ---> CLOSING
 *
 * One line in the log says who ended it and why.  The application hears of it
 * in the next flush, outside of everything else.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


static void quic_close_start(quic_conn_t *c, uint64_t error,
    const char *reason, ngx_uint_t app);
static void quic_close_period(quic_conn_t *c, uint64_t now);


void
quic_conn_close(quic_conn_t *c, uint64_t error, const char *reason)
{
    quic_close_start(c, error, reason, 0);
}


void
quic_conn_close_app(quic_conn_t *c, uint64_t error, const char *reason)
{
    c->frame_type = 0;

    quic_close_start(c, error, reason, 1);
}


void
quic_conn_linger(quic_conn_t *c, uint64_t error, const char *reason)
{
    if (c->state != QUIC_CONN_OPEN || c->close.lingering) {
        return;
    }

    c->close.lingering = 1;
    c->close.error = error;
    c->close.reason = reason;

    quic_conn_wake(c);
}


static void
quic_close_start(quic_conn_t *c, uint64_t error, const char *reason,
    ngx_uint_t app)
{
    if (c->state != QUIC_CONN_OPEN) {
        return;
    }

    c->state = QUIC_CONN_CLOSING;

    c->close.error = error;
    c->close.reason = reason;
    c->close.app = app ? 1 : 0;
    c->close.frame_type = c->frame_type;
    c->close.requested = 1;
    c->close.threshold = 1;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "quic connection closed by server: %s (0x%xL): %s",
                  quic_error_name(error, app), error, reason);

    quic_conn_wake(c);
}


void
quic_close_peer(quic_conn_t *c, ngx_uint_t app, quic_frame_close_t *f,
    uint64_t now)
{
    u_char     buf[QUIC_MAX_REASON];
    ngx_str_t  reason;

    if (c->state != QUIC_CONN_OPEN) {
        return;
    }

    c->state = QUIC_CONN_DRAINING;

    reason = quic_printable(buf, sizeof(buf), &f->reason);

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "quic connection closed by client: %s (0x%xL): \"%V\"",
                  quic_error_name(f->error, app), f->error, &reason);

    quic_close_period(c, now);
    quic_conn_wake(c);
}


void
quic_close_silent(quic_conn_t *c, const char *reason)
{
    ngx_log_error(NGX_LOG_INFO, c->log, 0, "quic connection ended: %s",
                  reason);

    c->state = QUIC_CONN_DEAD;

    quic_conn_wake(c);
}


/* 10.3.1: the client doesn't know us any more */

void
quic_close_reset(quic_conn_t *c, uint64_t now)
{
    if (c->state != QUIC_CONN_OPEN && c->state != QUIC_CONN_CLOSING) {
        return;
    }

    c->state = QUIC_CONN_DRAINING;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "quic connection ended: stateless reset by client");

    quic_close_period(c, now);
    quic_conn_wake(c);
}


/*
 * 10.2.1: answers become rarer, each time after twice as many datagrams.  A
 * client that doesn't hear them sends rarely as well: it gets one for each PTO.
 */

void
quic_close_received(quic_conn_t *c, uint64_t now)
{
    if (++c->close.received >= c->close.threshold) {
        c->close.received = 0;
        c->close.threshold *= 2;
        c->close.requested = 1;

    } else if (now >= c->close.last_sent
                      + quic_recovery_pto(&c->recovery, QUIC_SPACE_APP))
    {
        c->close.requested = 1;
    }
}


void
quic_close_sent(quic_conn_t *c, uint64_t now)
{
    c->close.requested = 0;
    c->close.last_sent = now;

    if (c->close_deadline == 0) {
        quic_close_period(c, now);
    }
}


static void
quic_close_period(quic_conn_t *c, uint64_t now)
{
    c->close_deadline = now
                        + 3 * quic_recovery_pto(&c->recovery, QUIC_SPACE_APP);
}


void
quic_close_notify(quic_conn_t *c)
{
    if (c->app_closed) {
        return;
    }

    c->app_closed = 1;

    if (c->app_ops) {
        c->app_ops->closed(c->app);
    }

    quic_streams_done(c);
}
