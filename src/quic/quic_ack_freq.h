
/*
 * How often we want the peer to acknowledge: draft-ietf-quic-ack-frequency, the
 * side of the sender.  A large window needs a few ACKs in a round trip, not one
 * for every second packet; each costs both sides a packet.
 *
 * While the controller is starting, and with a small window, the peer shall do as
 * RFC 9000 says.  BBR's probes for bandwidth want four ACKs in a round trip
 * (draft-ietf-ccwg-bbr, 4.1.3.3): there are no fewer at any time.
 * Times in microseconds, windows in bytes.
 */

#ifndef _QUIC_ACK_FREQ_H_INCLUDED_
#define _QUIC_ACK_FREQ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc.h"
#include "quic/quic_rtt.h"
#include "wire/quic_frame.h"


typedef struct {
    uint64_t                    min_delay;      /* the peer's; 0: it doesn't
                                                   know this extension */
    uint64_t                    max_delay;      /* its max_ack_delay */
    quic_frame_ack_frequency_t  frame;          /* what it does now, or has
                                                   been asked for */
    uint64_t                    asked;          /* when */
} quic_ack_freq_t;


/* the peer's transport parameters are known */
void quic_ack_freq_init(quic_ack_freq_t *f, uint64_t min_delay,
    uint64_t max_delay);

/*
 * After an ACK: non-zero when f->frame has changed and is to be sent, once in
 * a round trip at most.
 */
ngx_uint_t quic_ack_freq_update(quic_ack_freq_t *f, const quic_cc_t *cc,
    const quic_rtt_t *rtt, uint64_t now);


#endif /* _QUIC_ACK_FREQ_H_INCLUDED_ */
