
/*
 * HyStart++, RFC 9406: says when slow start should end because the round trips
 * get longer, before a full queue says so by losing packets.  Microseconds and
 * bytes.
 *
 * Rounds are counted by packets: a round is over when a packet is acknowledged
 * that was sent after its beginning.  Packets are told by their send times, as
 * the three packet number spaces have no common numbers; so no round is
 * shorter than the RTT.
 *
 * When the least RTT of a round is clearly above that of the one before, there
 * is conservative slow start (CSS) for some rounds, with a quarter of the
 * growth.  If the RTT falls again that was an error, and slow start goes on.
 */

#ifndef _QUIC_HYSTART_H_INCLUDED_
#define _QUIC_HYSTART_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* RFC 9406, 4.3 */
#define QUIC_HYSTART_MIN_RTT_THRESH  4000
#define QUIC_HYSTART_MAX_RTT_THRESH  16000
#define QUIC_HYSTART_RTT_DIVISOR     8
#define QUIC_HYSTART_RTT_SAMPLES     8
#define QUIC_HYSTART_CSS_GROWTH      4
#define QUIC_HYSTART_CSS_ROUNDS      5


typedef struct {
    uint64_t     round;              /* time when it began */
    uint64_t     last_min;           /* the least RTT of the last round, */
    uint64_t     min;                /* and of this; UINT64_MAX: unknown */
    uint64_t     baseline;           /* CSS: the RTT that it began with;
                                        UINT64_MAX: standard slow start */
    ngx_uint_t   samples;            /* of this round */
    ngx_uint_t   css_rounds;         /* that have ended */
} quic_hystart_t;


void quic_hystart_init(quic_hystart_t *h, uint64_t now);

/*
 * The window hasn't been in use for a while: RTTs from before that can't be
 * compared with those to come.  CSS stays CSS.
 */
void quic_hystart_restart(quic_hystart_t *h, uint64_t now);

/* bytes that the window may grow by when "acked" bytes were acknowledged */
uint64_t quic_hystart_growth(const quic_hystart_t *h, uint64_t acked);

/*
 * An ACK came; the newest packet that it acknowledges was sent at "sent";
 * "rtt" is its sample, or 0.  Non-zero: slow start is over.
 */
ngx_uint_t quic_hystart_acked(quic_hystart_t *h, uint64_t sent, uint64_t rtt,
    uint64_t now);


#endif /* _QUIC_HYSTART_H_INCLUDED_ */
