
/*
 * The paths of a connection: pairs of addresses that datagrams have come by,
 * each with what is to be known of it until the client has shown that it
 * receives there (RFC 9000, 8.2), and with the connection IDs of both sides.
 *
 * A table of QUIC_MAX_PATHS.  Two of them are never given up for another: the
 * active one, where all but probes is sent, and the last active one that was
 * validated, which is where to return to (9.3.2), and whose address is shown.
 *
 * Invariant of each path: sent <= 3 * received, in bytes, until validated.
 */

#ifndef _QUIC_PATH_H_INCLUDED_
#define _QUIC_PATH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_addr.h"
#include "wire/quic_packet.h"


#define QUIC_PATH_DATA_LEN  8            /* RFC 9000, 19.17 */

/* of quic_path_t.peer: the peer hasn't given us one for this path */
#define QUIC_PATH_NO_CID    QUIC_MAX_PEER_CIDS


typedef struct {
    u_char               data[QUIC_PATH_DATA_LEN];
    unsigned             full:1;         /* in a datagram of 1200 bytes */
} quic_path_challenge_t;


typedef struct {
    quic_addr_t          remote;
    quic_addr_t          local;
    void                *socket;         /* the upper floor's, of "local" */

    uint64_t             received;       /* bytes */
    uint64_t             sent;
    uint64_t             heard;          /* number of its last datagram */

    u_char               dcid[QUIC_CID_LEN];  /* ours, that was used last */
    ngx_uint_t           peer;           /* which of the peer's we use */

    /* validation: those of the challenges that were sent last */
    quic_path_challenge_t  challenge[QUIC_MAX_PATH_CHALLENGES];
    ngx_uint_t           nchallenges;    /* all that were sent */
    uint64_t             started;        /* microseconds */
    uint64_t             challenged;     /* time of the last */
    uint64_t             pto;            /* microseconds, when it was left */

    u_char               response[QUIC_PATH_DATA_LEN];

    unsigned             used:1;
    unsigned             validated:1;    /* the client receives there */
    unsigned             validating:1;   /* which is to be shown (anew) */
    unsigned             due:1;          /* PATH_CHALLENGE is to be sent */
    unsigned             fresh:1;        /* one is in the datagram in work */
    unsigned             respond:1;      /* PATH_RESPONSE is to be sent */
    unsigned             left:1;         /* the client moved to another one */
} quic_path_t;


typedef struct {
    quic_path_t          path[QUIC_MAX_PATHS];
    quic_path_t         *active;
    quic_path_t         *last;           /* the last active one that was
                                            validated; never NULL */
    quic_path_t         *latest;         /* of the non-probing packet with the
                                            highest number; or NULL */
    uint64_t             heard;          /* datagrams */
} quic_paths_t;


/* the path of the first datagram */
void quic_paths_init(quic_paths_t *ps, const quic_datagram_t *dgram,
    ngx_uint_t validated);

/* counts a datagram; NULL: it came by none of the paths */
quic_path_t *quic_paths_received(quic_paths_t *ps,
    const quic_datagram_t *dgram);

/*
 * The place for one more path.  If it is in use, it is the path that was
 * silent for longest, which the caller has to forget first.
 */
quic_path_t *quic_paths_place(quic_paths_t *ps);

/* a path of that datagram, which is counted, with the active's peer CID */
void quic_paths_open(quic_paths_t *ps, quic_path_t *p,
    const quic_datagram_t *dgram);

/* neither the active nor the last validated one */
void quic_paths_forget(quic_paths_t *ps, quic_path_t *p);

/* bytes that may be sent there: RFC 9000, 8.1; UINT64_MAX: validated */
uint64_t quic_path_room(const quic_path_t *p);

/* a datagram has been sent there */
void quic_path_sent(quic_path_t *p, size_t len);

/*
 * Non-zero when such a pair of addresses differs from the path's by nothing
 * but the client's port: the same network, behind the same NAT.
 */
ngx_uint_t quic_path_same_network(const quic_path_t *p,
    const quic_addr_t *remote, const quic_addr_t *local);

/* there are frames for this path alone */
ngx_uint_t quic_path_pending(const quic_path_t *p);

/* RFC 9000, 8.2.2: the last challenge is the one to be answered */
void quic_path_respond(quic_path_t *p, const u_char *data);


/* starts validation; one that is going on is started over */
void quic_path_validate(quic_path_t *p, uint64_t now);

/* the next challenge's data, to be sent in the datagram that is in work */
u_char *quic_path_challenge(quic_path_t *p, uint64_t now);

/*
 * A PATH_RESPONSE: the path whose challenge it answers, which is validated
 * now, NULL if there is none (any more).  If p->validating is still set, the
 * datagram was short of 1200 bytes, and the path's MTU remains to be shown.
 */
quic_path_t *quic_paths_answered(quic_paths_t *ps, const u_char *data,
    uint64_t now);

/*
 * When the validation goes on or fails; UINT64_MAX: there is none.  "pto" is
 * the path's, "patience" the larger one of that and the PTO of a new path
 * (8.2.4); microseconds.
 */
uint64_t quic_path_deadline(const quic_path_t *p, uint64_t pto,
    uint64_t patience);

/*
 * NGX_OK: another challenge is due; NGX_DECLINED: it has failed; NGX_AGAIN:
 * it isn't time yet.
 */
ngx_int_t quic_path_expire(quic_path_t *p, uint64_t pto, uint64_t patience,
    uint64_t now);


#endif /* _QUIC_PATH_H_INCLUDED_ */
