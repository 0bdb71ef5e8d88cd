
/*
 * Explicit Congestion Notification of what we send: RFC 9000, 13.4.2 and A.4.
 *
 * The first packets of a path are marked ECT(0).  What their ACKs say decides
 * whether marks get through, and marking goes on only if they do:
 *
 *     TESTING   the first packets are marked
 *     UNKNOWN   enough have been sent; without marks until one arrives
 *     CAPABLE   one has arrived, and was counted as it should be
 *     FAILED    counts are wrong, or all of the first packets were lost
 */

#ifndef _QUIC_ECN_H_INCLUDED_
#define _QUIC_ECN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_frame.h"


/* packets that are marked to see what becomes of them: A.4 */
#define QUIC_ECN_TEST_PACKETS  10


typedef enum {
    QUIC_ECN_TESTING = 0,
    QUIC_ECN_UNKNOWN,
    QUIC_ECN_CAPABLE,
    QUIC_ECN_FAILED
} quic_ecn_state_e;


/* what the peer has counted in a packet number space, over all paths */

typedef struct {
    uint64_t             sent;           /* packets that we have marked */
    uint64_t             ect0;
    uint64_t             ce;
} quic_ecn_counts_t;


typedef struct {
    quic_ecn_state_e     state;
    ngx_uint_t           tested;         /* packets marked for the test */
    ngx_uint_t           lost;           /* of these */
} quic_ecn_t;


/* another path: what is known of the last one says nothing of it */
void quic_ecn_reset(quic_ecn_t *e);

/* non-zero when what is sent now should be marked ECT(0) */
static ngx_inline ngx_uint_t
quic_ecn_marks(const quic_ecn_t *e)
{
    return e->state == QUIC_ECN_TESTING || e->state == QUIC_ECN_CAPABLE;
}

/* a marked packet was sent, resp. declared lost */
void quic_ecn_sent(quic_ecn_t *e, quic_ecn_counts_t *counts);
void quic_ecn_lost(quic_ecn_t *e);

/*
 * The "n"-th probe timeout in a row: marks may be the reason why nothing
 * arrives.
 */
void quic_ecn_timeout(quic_ecn_t *e, ngx_uint_t n);

/*
 * An ACK frame that raises the largest acknowledged number, as others may be
 * old ones: 13.4.2.1.  It newly acknowledges "marked" packets of this path
 * that were sent with a mark.  Returns the number of packets that have got a
 * CE mark since the last call.
 */
uint64_t quic_ecn_acked(quic_ecn_t *e, quic_ecn_counts_t *counts,
    ngx_uint_t marked, const quic_frame_ack_t *ack);


#endif /* _QUIC_ECN_H_INCLUDED_ */
