
/*
 * Migration: RFC 9000, section 9.  The client moves, we follow.
 *
 * It has moved when the highest-numbered packet with more than probes in it
 * comes by another path than the active one.  What is sent to its new address
 * is limited until a PATH_RESPONSE has shown that it is there; the path before
 * is challenged as well (9.3.3), and is returned to if the new one can't be
 * validated (9.3.2).  Only validated addresses are shown to the upper floors.
 *
 * Before the handshake is confirmed nobody moves: packets from elsewhere are
 * read, and answered where the handshake began.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


#define QUIC_MIGRATE_TEXT  (2 * NGX_SOCKADDR_STRLEN + 1)


static quic_path_t *quic_migrate_from(quic_conn_t *c);
static ngx_int_t quic_migrate_cid(quic_conn_t *c, quic_path_t *p);
static void quic_migrate_follow(quic_conn_t *c, uint64_t now);
static ngx_int_t quic_migrate_pay(quic_conn_t *c, const quic_path_t *p,
    uint64_t now);
static void quic_migrate_switch(quic_conn_t *c, quic_path_t *p, uint64_t now);
static void quic_migrate_reset(quic_conn_t *c, const quic_path_t *old,
    uint64_t now);
static void quic_migrate_confirm(quic_conn_t *c);
static void quic_migrate_forget_older(quic_conn_t *c);
static size_t quic_migrate_text(const quic_path_t *p, u_char *text);
static void quic_migrate_failed(quic_conn_t *c, quic_path_t *p, uint64_t now);
static void quic_migrate_settle(quic_conn_t *c);
static void quic_migrate_forget(quic_conn_t *c, quic_path_t *p);
static uint64_t quic_migrate_pto(quic_conn_t *c, const quic_path_t *p,
    uint64_t *patience);


void
quic_migrate_received(quic_conn_t *c, uint64_t pn, ngx_uint_t probing,
    uint64_t now)
{
    quic_path_t  *p;

    if (!probing && pn >= c->moving_pn) {
        c->moving_pn = pn + 1;

        p = quic_migrate_from(c);

        if (p) {
            ngx_memcpy(p->dcid, c->dcid.data, QUIC_CID_LEN);
            c->paths.latest = p;
        }
    }

    quic_migrate_follow(c, now);
}


ngx_int_t
quic_migrate_challenged(quic_conn_t *c, const u_char *data, uint64_t now)
{
    quic_path_t  *p;

    p = quic_migrate_from(c);

    if (p == NULL) {
        return NGX_OK;
    }

    quic_path_respond(p, data);

    /* 9.6.3: the client will want to use it */

    if (p != c->paths.active && !p->validated && !p->validating) {
        quic_path_validate(p, now);
    }

    return NGX_OK;
}


/*
 * 19.18 allows to close for an answer to what was never asked.  One that comes
 * late, to a challenge that is forgotten by now, looks just like that; so we
 * do it only as long as there can't be such a thing.
 */

ngx_int_t
quic_migrate_answered(quic_conn_t *c, const u_char *data, uint64_t now)
{
    quic_path_t  *p;

    if (!c->challenged) {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "PATH_RESPONSE without PATH_CHALLENGE");
        return NGX_ERROR;
    }

    p = quic_paths_answered(&c->paths, data, now);

    if (p == NULL || p->validating) {
        return NGX_OK;
    }

    if (p == c->paths.active) {
        quic_migrate_confirm(c);
    }

    quic_migrate_follow(c, now);
    quic_migrate_settle(c);

    return NGX_OK;
}


/*
 * 5.1.2: a path that was probed with it, and never used, is given up.  It holds
 * one of the client's connection IDs, which may be all that it has to spare.
 */

void
quic_migrate_retired(quic_conn_t *c, const quic_cid_t *cid)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && !p->left
            && p != c->paths.active && p != c->paths.last && p != c->from
            && ngx_memcmp(p->dcid, cid->data, QUIC_CID_LEN) == 0)
        {
            quic_migrate_forget(c, p);
        }
    }
}


/*
 * The path of the packet in hand, a new one if need be; NULL: it came from
 * elsewhere before the handshake was confirmed.
 */

static quic_path_t *
quic_migrate_from(quic_conn_t *c)
{
    quic_path_t  *p;

    if (c->from || !c->handshake_done || c->dcid.len != QUIC_CID_LEN) {
        return c->from;
    }

    p = quic_paths_place(&c->paths);

    if (p->used) {
        quic_migrate_forget(c, p);
    }

    quic_paths_open(&c->paths, p, c->dgram);
    ngx_memcpy(p->dcid, c->dcid.data, QUIC_CID_LEN);

    (void) quic_migrate_cid(c, p);

    c->from = p;

    return p;
}


/*
 * 9.5: a client that knows of its new address uses another connection ID, and
 * so do we, if it has given us one.  Otherwise it was a NAT: no observer is
 * told anything new.
 */

static ngx_int_t
quic_migrate_cid(quic_conn_t *c, quic_path_t *p)
{
    quic_path_t  *active;

    active = c->paths.active;

    if (p->peer != QUIC_PATH_NO_CID) {
        return NGX_OK;
    }

    if (quic_cids_peers(c, active)->len == 0
        || ngx_memcmp(p->dcid, active->dcid, QUIC_CID_LEN) == 0)
    {
        p->peer = active->peer;
        return NGX_OK;
    }

    return quic_cids_take(c, p);
}


static void
quic_migrate_follow(quic_conn_t *c, uint64_t now)
{
    quic_path_t  *p, *active;

    p = c->paths.latest;
    active = c->paths.active;

    if (p == NULL || p == active) {
        return;
    }

    /* 9.6.2: to an address of ours that it prefers only when it's validated */

    if (!p->validated && !quic_addr_equal(&p->local, &active->local)) {

        if (!p->validating) {
            quic_path_validate(p, now);
        }

        return;
    }

    if (quic_migrate_cid(c, p) == NGX_OK
        && quic_migrate_pay(c, p, now) == NGX_OK)
    {
        quic_migrate_switch(c, p, now);
    }
}


/*
 * Another network is paid for.  The way back is not, from a path that nobody
 * has shown to be the client's: that one was, and who it was for may not be
 * who sent us there.
 */

static ngx_int_t
quic_migrate_pay(quic_conn_t *c, const quic_path_t *p, uint64_t now)
{
    quic_path_t  *active;

    active = c->paths.active;

    if (quic_path_same_network(p, &active->remote, &active->local)
        || (p == c->paths.last && !active->validated))
    {
        return NGX_OK;
    }

    return quic_bucket_take(&c->moves, 1, now);
}


static void
quic_migrate_switch(quic_conn_t *c, quic_path_t *p, uint64_t now)
{
    quic_path_t  *old;

    old = c->paths.active;
    old->pto = quic_recovery_pto(&c->recovery, QUIC_SPACE_APP);

    c->paths.active = p;
    p->left = 0;

    quic_migrate_reset(c, old, now);

    if (!p->validated && !p->validating) {
        quic_path_validate(p, now);
    }

    if (p->validated && !p->validating) {
        quic_migrate_confirm(c);
    }

    if (!old->validated) {
        quic_migrate_forget(c, old);
        return;
    }

    /*
     * 9.3.3: if somebody has only forwarded the client's packets, this makes
     * it say something on its own path, which brings us back
     */

    old->left = 1;

    if (!old->validating) {
        quic_path_validate(old, now);
    }
}


/*
 * What is known of the network was known of the old path.  With another port
 * alone it is the same network behind the same NAT, and 9.4 permits to go on
 * as before.
 */

static void
quic_migrate_reset(quic_conn_t *c, const quic_path_t *old, uint64_t now)
{
    quic_path_t  *p;

    p = c->paths.active;

    if (quic_path_same_network(p, &old->remote, &old->local)) {
        /* but what nobody has answered may have got an answer here */
        c->recovery.pto_count = 0;
        return;
    }

    quic_recovery_new_path(&c->recovery, c->recovery.pmtud.base, now);
}


/*
 * The active path is validated: its address is the client's from now on, and
 * 9.3 wants it to have a token for it.
 */

static void
quic_migrate_confirm(quic_conn_t *c)
{
    size_t  old_len, new_len;
    u_char  old[QUIC_MIGRATE_TEXT], new[QUIC_MIGRATE_TEXT];

    if (c->paths.active == c->paths.last) {
        return;
    }

    old_len = quic_migrate_text(c->paths.last, old);
    new_len = quic_migrate_text(c->paths.active, new);

    quic_migrate_forget_older(c);

    c->paths.last = c->paths.active;
    c->pending |= QUIC_PEND_NEW_TOKEN;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "quic connection migrated from %*s to %*s",
                  old_len, old, new_len, new);
}


/*
 * Each path that was left holds a connection ID while it is asked whether the
 * client is still there.  That is done for the last one: who has moved on from
 * there as well may soon have no other left to give us.
 */

static void
quic_migrate_forget_older(quic_conn_t *c)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && p->left && p != c->paths.last) {
            quic_migrate_forget(c, p);
        }
    }
}


/* "192.0.2.1:1234-198.51.100.1:443": either side may have another address */

static size_t
quic_migrate_text(const quic_path_t *p, u_char *text)
{
    size_t              n;
    const quic_addr_t  *a;

    a = &p->remote;
    n = ngx_sock_ntop((struct sockaddr *) &a->sa, quic_addr_len(a), text,
                      NGX_SOCKADDR_STRLEN, 1);

    text[n++] = '-';

    a = &p->local;
    n += ngx_sock_ntop((struct sockaddr *) &a->sa, quic_addr_len(a), text + n,
                       NGX_SOCKADDR_STRLEN, 1);

    return n;
}


static void
quic_migrate_failed(quic_conn_t *c, quic_path_t *p, uint64_t now)
{
    quic_path_t  *last;

    last = c->paths.last;

    if (p == last) {
        /* there is none that is better */
        return;
    }

    if (p != c->paths.active) {

        if (p != c->paths.latest) {
            quic_migrate_forget(c, p);
            return;
        }

        /*
         * 9.6.2: the client is at the preferred address, may listen nowhere
         * else, and then has nothing to say.  The limit of 8.1 ends that.
         */
        quic_path_validate(p, now);
        return;
    }

    /* datagrams of 1200 bytes may be what doesn't pass there */

    p->validated = 0;

    if (quic_migrate_cid(c, last) != NGX_OK) {
        quic_close_silent(c, "no validated path is left");
        return;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "quic path could not be validated, "
                  "going back to the one before");

    quic_migrate_switch(c, last, now);
}


/* paths that the client has left are kept until their validation is over */

static void
quic_migrate_settle(quic_conn_t *c)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && p->left && !p->validating && p != c->paths.last) {
            quic_migrate_forget(c, p);
        }
    }
}


static void
quic_migrate_forget(quic_conn_t *c, quic_path_t *p)
{
    quic_cids_release(c, p);
    quic_paths_forget(&c->paths, p);

    if (c->from == p) {
        c->from = NULL;
    }
}


quic_path_t *
quic_migrate_pending(quic_conn_t *c, size_t room)
{
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p != c->paths.active
            && quic_path_pending(p)
            && quic_path_room(p) >= room
            && quic_migrate_cid(c, p) == NGX_OK)
        {
            return p;
        }
    }

    return NULL;
}


/*
 * 8.2.4 and 9.4: the RTT of the active path is being measured, that of the one
 * before is known, any other's is that of a path of which nothing is known.
 */

static uint64_t
quic_migrate_pto(quic_conn_t *c, const quic_path_t *p, uint64_t *patience)
{
    uint64_t    pto;
    quic_rtt_t  rtt;

    if (p->left) {
        *patience = p->pto;
        return p->pto;
    }

    quic_rtt_init(&rtt);

    pto = quic_recovery_pto(&c->recovery, QUIC_SPACE_APP);
    *patience = ngx_max(pto, quic_rtt_pto(&rtt) + c->recovery.max_ack_delay);

    return (p == c->paths.active) ? pto : *patience;
}


uint64_t
quic_migrate_deadline(quic_conn_t *c)
{
    uint64_t      pto, patience, deadline;
    ngx_uint_t    i;
    quic_path_t  *p;

    deadline = UINT64_MAX;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        if (p->used && p->validating) {
            pto = quic_migrate_pto(c, p, &patience);
            deadline = ngx_min(deadline,
                               quic_path_deadline(p, pto, patience));
        }
    }

    return deadline;
}


void
quic_migrate_expire(quic_conn_t *c, uint64_t now)
{
    uint64_t      pto, patience;
    ngx_uint_t    i;
    quic_path_t  *p;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        p = &c->paths.path[i];

        pto = quic_migrate_pto(c, p, &patience);

        if (quic_path_expire(p, pto, patience, now) == NGX_DECLINED) {
            quic_migrate_failed(c, p, now);
        }
    }

    quic_migrate_settle(c);
}
