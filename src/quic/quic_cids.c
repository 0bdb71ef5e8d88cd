
/*
 * Connection IDs: RFC 9000, section 5.1.
 *
 * Ours are sealed blocks (crypto/quic_host_key.h), each in the endpoint's map
 * as long as the client may use it.  The peer's are kept up to our limit; each
 * path has one, its own unless the client has changed its address without
 * knowing (9.5).  One that no path needs any more is retired, so that the
 * client issues another.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "quic/quic_conn_internal.h"


/* sequence numbers of the peer's that are remembered: bits of cids->seen */
#define QUIC_CIDS_SEEN  64


static ngx_int_t quic_cids_add(quic_conn_t *c);
static ngx_int_t quic_cids_retire_peers(quic_conn_t *c);
static ngx_int_t quic_cids_retire(quic_conn_t *c, uint64_t seq);
static void quic_cids_forget(quic_conn_t *c, quic_peer_cid_t *p);
static ngx_uint_t quic_cids_seen(quic_cids_t *cids, uint64_t seq);
static ngx_int_t quic_cids_check(quic_conn_t *c, quic_frame_new_cid_t *f);
static ngx_int_t quic_cids_store(quic_conn_t *c, quic_frame_new_cid_t *f);
static ngx_int_t quic_cids_replace(quic_conn_t *c);
static ngx_uint_t quic_cids_lost(quic_conn_t *c, const quic_path_t *path);
static ngx_uint_t quic_cids_in_use(quic_conn_t *c, ngx_uint_t peer);
static ngx_int_t quic_cids_steal(quic_conn_t *c, quic_path_t *path);


ngx_int_t
quic_cids_init(quic_conn_t *c, quic_accept_t *accept)
{
    quic_cids_t  *cids;

    cids = &c->cids;
    cids->next_sent = 1;

    quic_cid_set(&cids->peers[0].cid, accept->scid.data, accept->scid.len);
    cids->peers[0].used = 1;
    cids->seen = 1;

    /* packets that the client sends before it knows our connection ID */

    quic_cid_set(&cids->original.cid, accept->dcid.data, accept->dcid.len);
    cids->original.data = c;

    if (quic_cid_map_add(&c->ep->cids, &cids->original) != NGX_OK) {
        return NGX_ERROR;
    }

    if (quic_cids_add(c) != NGX_OK) {
        return NGX_ERROR;
    }

    cids->initial = cids->ours[0].node.cid;
    ngx_memcpy(c->paths.active->dcid, cids->initial.data, QUIC_CID_LEN);

    return NGX_OK;
}


void
quic_cids_done(quic_conn_t *c)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_OUR_CIDS; i++) {
        quic_cid_map_remove(&c->ep->cids, &c->cids.ours[i].node);
    }

    quic_cid_map_remove(&c->ep->cids, &c->cids.original);

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        quic_cids_forget(c, &c->cids.peers[i]);
    }
}


static ngx_int_t
quic_cids_add(quic_conn_t *c)
{
    ngx_uint_t        i;
    quic_our_cid_t   *cid;
    quic_endpoint_t  *ep;

    ep = c->ep;

    for (i = 0; i < QUIC_MAX_OUR_CIDS; i++) {
        cid = &c->cids.ours[i];

        if (cid->used) {
            continue;
        }

        ngx_memzero(cid, sizeof(quic_our_cid_t));

        quic_host_cid_seal(ep->host_key, &cid->node.cid, ep->owner,
                           ep->cid_counter++);
        cid->node.data = c;

        if (quic_cid_map_add(&ep->cids, &cid->node) != NGX_OK) {
            return NGX_ERROR;
        }

        cid->used = 1;
        cid->seq = c->cids.next_seq++;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


quic_cid_t *
quic_cids_peers(quic_conn_t *c, const quic_path_t *path)
{
    return &c->cids.peers[path->peer].cid;
}


quic_cid_t *
quic_cids_send(quic_conn_t *c, const quic_path_t *path)
{
    quic_peer_cid_t  *p;

    p = &c->cids.peers[path->peer];

    if (!p->sent && p->used && p->has_token) {
        quic_cid_set(&p->reset.cid, p->token, QUIC_RESET_TOKEN_LEN);
        p->reset.data = c;

        /* a token that another connection has as well is that one's */

        (void) quic_cid_map_add(&c->ep->resets, &p->reset);
    }

    p->sent = 1;

    return &p->cid;
}


/* its bytes stay: CONNECTION_CLOSE may have to go out with it yet */

static void
quic_cids_forget(quic_conn_t *c, quic_peer_cid_t *p)
{
    quic_cid_map_remove(&c->ep->resets, &p->reset);

    p->used = 0;
    p->sent = 0;
}


quic_cid_t *
quic_cids_preferred(quic_conn_t *c)
{
    if (quic_cids_add(c) != NGX_OK) {
        return NULL;
    }

    c->cids.next_sent = c->cids.next_seq;

    return &quic_cids_by_seq(c, c->cids.next_seq - 1)->node.cid;
}


void
quic_cids_issue(quic_conn_t *c)
{
    ngx_uint_t  i, n, limit;

    n = 0;

    for (i = 0; i < QUIC_MAX_OUR_CIDS; i++) {
        n += c->cids.ours[i].used;
    }

    limit = ngx_min(c->peer.active_connection_id_limit, QUIC_MAX_OUR_CIDS);

    for ( /* void */ ; n < limit; n++) {

        if (quic_cids_add(c) != NGX_OK) {
            return;
        }

        quic_cids_by_seq(c, c->cids.next_seq - 1)->pending = 1;
        c->pending |= QUIC_PEND_NEW_CID;
    }
}


quic_our_cid_t *
quic_cids_by_seq(quic_conn_t *c, uint64_t seq)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_OUR_CIDS; i++) {
        if (c->cids.ours[i].used && c->cids.ours[i].seq == seq) {
            return &c->cids.ours[i];
        }
    }

    return NULL;
}


quic_retiring_cid_t *
quic_cids_retiring(quic_conn_t *c, uint64_t seq)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_RETIRING_CIDS; i++) {
        if (c->cids.retiring[i].used && c->cids.retiring[i].seq == seq) {
            return &c->cids.retiring[i];
        }
    }

    return NULL;
}


/* RFC 9000, 19.16 */

ngx_int_t
quic_cids_receive_retire(quic_conn_t *c, uint64_t seq)
{
    quic_our_cid_t  *cid;

    if (seq >= c->cids.next_sent) {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "retires a connection ID never sent");
        return NGX_ERROR;
    }

    cid = quic_cids_by_seq(c, seq);

    if (cid == NULL) {
        return NGX_OK;
    }

    if (quic_cid_equal(&cid->node.cid, &c->dcid)) {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "retires the connection ID of its own packet");
        return NGX_ERROR;
    }

    quic_cid_map_remove(&c->ep->cids, &cid->node);
    cid->used = 0;
    cid->pending = 0;

    quic_migrate_retired(c, &cid->node.cid);
    quic_cids_issue(c);

    return NGX_OK;
}


/* RFC 9000, 19.15 */

ngx_int_t
quic_cids_receive_new(quic_conn_t *c, quic_frame_new_cid_t *f)
{
    ngx_int_t     rc;
    quic_cids_t  *cids;

    cids = &c->cids;

    if (quic_cids_peers(c, c->paths.active)->len == 0) {
        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "NEW_CONNECTION_ID beside an empty connection ID");
        return NGX_ERROR;
    }

    if (quic_cids_check(c, f) != NGX_OK) {
        return NGX_ERROR;
    }

    if (quic_cids_seen(cids, f->seq)) {
        rc = NGX_OK;

    } else if (f->seq < cids->retire_prior_to
               || f->seq + QUIC_CIDS_SEEN <= cids->highest)
    {
        rc = quic_cids_retire(c, f->seq);

    } else {
        rc = quic_cids_store(c, f);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* also in a frame that is known already */

    if (f->retire_prior_to > cids->retire_prior_to) {
        cids->retire_prior_to = f->retire_prior_to;

        return quic_cids_retire_peers(c);
    }

    return NGX_OK;
}


/*
 * Has this one come before?  From now on it has.  A late copy of one that we
 * have retired must not bring it back, as the peer has forgotten it.  Of what
 * is further behind nobody knows: it may be retired, and once more.
 */

static ngx_uint_t
quic_cids_seen(quic_cids_t *cids, uint64_t seq)
{
    uint64_t    behind, ahead;
    ngx_uint_t  seen;

    if (seq > cids->highest) {
        ahead = seq - cids->highest;

        cids->seen = (ahead < QUIC_CIDS_SEEN) ? cids->seen << ahead : 0;
        cids->seen |= 1;
        cids->highest = seq;

        return 0;
    }

    behind = cids->highest - seq;

    if (behind >= QUIC_CIDS_SEEN) {
        return 0;
    }

    seen = (cids->seen >> behind) & 1;
    cids->seen |= 1ULL << behind;

    return seen;
}


/* nothing that is issued contradicts what we have: NGX_OK or NGX_ERROR */

static ngx_int_t
quic_cids_check(quic_conn_t *c, quic_frame_new_cid_t *f)
{
    ngx_uint_t        i;
    quic_peer_cid_t  *p;

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        p = &c->cids.peers[i];

        if (!p->used) {
            continue;
        }

        if ((p->seq == f->seq)
            != (p->cid.len == f->cid.len
                && ngx_memcmp(p->cid.data, f->cid.data, f->cid.len) == 0))
        {
            quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                            "connection ID issued twice");
            return NGX_ERROR;
        }

        if (p->seq == f->seq && p->has_token
            && !quic_equal(p->token, f->token, QUIC_RESET_TOKEN_LEN))
        {
            quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                            "two reset tokens for a connection ID");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* NGX_OK or NGX_ERROR: closed */

static ngx_int_t
quic_cids_store(quic_conn_t *c, quic_frame_new_cid_t *f)
{
    ngx_uint_t        i, active;
    quic_peer_cid_t  *p, *place;

    place = NULL;
    active = 0;

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        p = &c->cids.peers[i];

        if (!p->used) {
            place = p;

        /* what this very frame retires doesn't count: RFC 9000, 5.1.1 */

        } else if (p->seq >= f->retire_prior_to) {
            active++;

        } else {
            place = place ? place : p;
        }
    }

    if (active >= c->conf->active_cid_limit || place == NULL) {
        quic_conn_close(c, QUIC_CONNECTION_ID_LIMIT_ERROR,
                        "more connection IDs than allowed");
        return NGX_ERROR;
    }

    if (place->used && quic_cids_retire(c, place->seq) != NGX_OK) {
        return NGX_ERROR;
    }

    quic_cids_forget(c, place);

    place->used = 1;
    place->has_token = 1;
    place->seq = f->seq;
    place->cid = f->cid;
    ngx_memcpy(place->token, f->token, QUIC_RESET_TOKEN_LEN);

    return NGX_OK;
}


static ngx_int_t
quic_cids_retire_peers(quic_conn_t *c)
{
    ngx_uint_t        i;
    quic_peer_cid_t  *p;

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        p = &c->cids.peers[i];

        if (!p->used || p->seq >= c->cids.retire_prior_to) {
            continue;
        }

        quic_cids_forget(c, p);

        if (quic_cids_retire(c, p->seq) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return quic_cids_replace(c);
}


/*
 * Paths whose connection IDs the peer has retired get others: the active one
 * first, which takes another path's if there is no other.
 */

static ngx_int_t
quic_cids_replace(quic_conn_t *c)
{
    ngx_uint_t    i;
    quic_path_t  *active, *path;

    active = c->paths.active;

    if (quic_cids_lost(c, active)
        && quic_cids_take(c, active) != NGX_OK
        && quic_cids_steal(c, active) != NGX_OK)
    {
        /* not reached: the frame that retires brings one that it keeps */

        quic_conn_close(c, QUIC_PROTOCOL_VIOLATION,
                        "no connection ID is left");
        return NGX_ERROR;
    }

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        path = &c->paths.path[i];

        if (quic_cids_lost(c, path) && quic_cids_take(c, path) != NGX_OK) {
            path->peer = QUIC_PATH_NO_CID;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
quic_cids_lost(quic_conn_t *c, const quic_path_t *path)
{
    return path->used
           && path->peer != QUIC_PATH_NO_CID
           && !c->cids.peers[path->peer].used;
}


static ngx_uint_t
quic_cids_in_use(quic_conn_t *c, ngx_uint_t peer)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        if (c->paths.path[i].used && c->paths.path[i].peer == peer) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
quic_cids_take(quic_conn_t *c, quic_path_t *path)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_MAX_PEER_CIDS; i++) {
        if (c->cids.peers[i].used && !quic_cids_in_use(c, i)) {
            path->peer = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
quic_cids_steal(quic_conn_t *c, quic_path_t *path)
{
    ngx_uint_t    i;
    quic_path_t  *other;

    for (i = 0; i < QUIC_MAX_PATHS; i++) {
        other = &c->paths.path[i];

        if (other->used
            && other->peer != QUIC_PATH_NO_CID
            && !quic_cids_lost(c, other))
        {
            path->peer = other->peer;
            other->peer = QUIC_PATH_NO_CID;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
quic_cids_release(quic_conn_t *c, quic_path_t *path)
{
    ngx_uint_t        peer;
    quic_peer_cid_t  *p;

    peer = path->peer;
    path->peer = QUIC_PATH_NO_CID;

    if (peer == QUIC_PATH_NO_CID || quic_cids_in_use(c, peer)) {
        return;
    }

    p = &c->cids.peers[peer];

    /* an empty one is the only one, and used for all */

    if (p->cid.len) {
        quic_cids_forget(c, p);
        (void) quic_cids_retire(c, p->seq);
    }
}


/* RETIRE_CONNECTION_ID is to be sent; CVE-2024-22189 is why there is a bound */

static ngx_int_t
quic_cids_retire(quic_conn_t *c, uint64_t seq)
{
    ngx_uint_t            i;
    quic_retiring_cid_t  *r;

    if (quic_cids_retiring(c, seq)) {
        return NGX_OK;
    }

    for (i = 0; i < QUIC_MAX_RETIRING_CIDS; i++) {
        r = &c->cids.retiring[i];

        if (!r->used) {
            r->used = 1;
            r->pending = 1;
            r->seq = seq;
            c->pending |= QUIC_PEND_RETIRE_CID;
            return NGX_OK;
        }
    }

    quic_conn_close(c, QUIC_CONNECTION_ID_LIMIT_ERROR,
                    "too many connection IDs to retire");

    return NGX_ERROR;
}
