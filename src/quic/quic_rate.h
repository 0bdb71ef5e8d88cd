
/*
 * Delivery rate samples: draft-ietf-ccwg-bbr, 4.1.
 *
 * When a packet is acknowledged, what was delivered since it was sent, by the
 * time that took, is a sample of what the path carries.  To know, a packet has
 * to remember how things stood when it was sent; so there are records of that
 * beside those of quic_sent.h, for controllers that want samples.
 */

#ifndef _QUIC_RATE_H_INCLUDED_
#define _QUIC_RATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* how things stood when a packet was sent */

typedef struct {
    uint64_t             delivered;      /* bytes */
    uint64_t             lost;           /* bytes */
    uint64_t             in_flight;      /* bytes, its own included */
    uint64_t             delivered_time;
    uint64_t             first_sent;
} quic_rate_packet_t;


/* of a connection, on its path; bytes and microseconds */

typedef struct {
    uint64_t             delivered;      /* acknowledged */
    uint64_t             lost;           /* and not acknowledged since */
    uint64_t             app_limited;    /* until "delivered" is above;
                                            0: the window is in use */

    /* of round trips by the clock, for who wants to know */
    uint64_t             round_delivered;  /* at "round_time" */
    uint64_t             round_time;
    uint64_t             last_rate;      /* bytes a second; 0: none yet */

    /* for samples alone: */
    uint64_t             delivered_time; /* of "delivered" */
    uint64_t             first_sent;     /* when the packet was sent that was
                                            last acknowledged, or the first
                                            one in flight */
} quic_rate_t;


typedef struct {
    uint64_t             rate;           /* bytes a second; 0: unreliable */
    uint64_t             delivered;      /* bytes, since it was sent */
    uint64_t             prior_delivered;  /* until then */
    uint64_t             lost;           /* bytes, since it was sent */
    uint64_t             in_flight;      /* then, its own included */
    unsigned             app_limited:1;
} quic_rate_sample_t;


/* a packet of "size" bytes goes out; "in_flight" without it */
void quic_rate_sent(quic_rate_t *r, quic_rate_packet_t *p, uint64_t in_flight,
    size_t size, uint64_t now);

static ngx_inline void
quic_rate_delivered(quic_rate_t *r, uint64_t bytes)
{
    r->delivered += bytes;

    if (r->app_limited && r->delivered > r->app_limited) {
        r->app_limited = 0;
    }
}

/* something is in flight again: a pause doesn't count */
static ngx_inline void
quic_rate_restart(quic_rate_t *r, uint64_t now)
{
    r->round_delivered = r->delivered;
    r->round_time = now;
}

/* an ACK: is a round trip over? */
static ngx_inline void
quic_rate_round(quic_rate_t *r, uint64_t rtt, uint64_t now)
{
    uint64_t  elapsed;

    elapsed = now - r->round_time;

    if (elapsed && elapsed >= rtt) {
        r->last_rate = (r->delivered - r->round_delivered) * 1000000 / elapsed;
        quic_rate_restart(r, now);
    }
}

/*
 * An ACK, after quic_rate_delivered(): "p" is the newest packet of those that
 * it acknowledges, sent at "sent".  "min_rtt" is the least seen: what was
 * delivered faster wasn't measured.
 */
void quic_rate_sample(quic_rate_t *r, const quic_rate_packet_t *p,
    uint64_t sent, uint64_t min_rtt, uint64_t now, quic_rate_sample_t *sample);

/* what a packet that is declared lost now tells; without a rate */
void quic_rate_lost(const quic_rate_t *r, const quic_rate_packet_t *p,
    quic_rate_sample_t *sample);

/* bytes of a rate in "time" microseconds; the most that fits, if it doesn't */
static ngx_inline uint64_t
quic_rate_volume(uint64_t rate, uint64_t time)
{
    return (rate && time > (UINT64_MAX >> 8) / rate)
           ? (UINT64_MAX >> 8) / 1000000 : rate * time / 1000000;
}

/* all that is in flight was sent by somebody who had no more to send */
static ngx_inline void
quic_rate_limited(quic_rate_t *r, uint64_t in_flight)
{
    r->app_limited = ngx_max(r->delivered + in_flight, 1);
}


#endif /* _QUIC_RATE_H_INCLUDED_ */
