
/*
 * Congestion control: what every controller shares, and the table of functions
 * that makes one.  Bytes and microseconds.
 *
 * A controller hears of whole ACKs, not of single packets; it sets "window"
 * and "rate".  What it is told comes in structs, so that one controller may
 * need more than the others without their knowing.
 */

#ifndef _QUIC_CC_H_INCLUDED_
#define _QUIC_CC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_cc_bbr.h"
#include "quic/quic_hystart.h"
#include "quic/quic_rate.h"
#include "quic/quic_rtt.h"


typedef struct quic_cc_s      quic_cc_t;
typedef struct quic_cc_ops_s  quic_cc_ops_t;


/* what one ACK frame brought */

typedef struct {
    uint64_t             bytes;          /* newly acknowledged, in flight */
    uint64_t             in_flight;      /* after it, and after the losses
                                            that it has brought to light */
    uint64_t             largest_time;   /* when the newest of the newly
                                            acknowledged was sent */
    uint64_t             now;
    const quic_rtt_t    *rtt;
    quic_rate_t         *rate;
    const quic_rate_sample_t  *sample;   /* for ops->sent alone, else NULL */
    unsigned             rtt_sample:1;   /* rtt->latest is of this ACK */
    unsigned             app_limited:1;  /* the window wasn't in use: 7.8 */
} quic_cc_ack_t;


/* packets that were declared lost in one go */

typedef struct {
    uint64_t             bytes;
    uint64_t             largest_time;   /* when the newest of them was sent */
    uint64_t             now;
} quic_cc_loss_t;


/* each of them, before that */

typedef struct {
    uint64_t             pn;
    uint64_t             bytes;
    uint64_t             now;
    const quic_rate_t   *rate;
    quic_rate_sample_t   sample;         /* without a rate */
} quic_cc_lost_packet_t;


/* a packet that goes out */

typedef struct {
    uint64_t             bytes;
    uint64_t             in_flight;      /* without it */
    uint64_t             now;
    quic_rate_t         *rate;
} quic_cc_sent_t;


/* packets that got a mark instead of being lost: ECN-CE */

typedef struct {
    uint64_t             packets;
    uint64_t             largest_time;   /* when the newest packet that has
                                            been acknowledged was sent: B.7 */
    uint64_t             now;
} quic_cc_mark_t;


/* a packet that was declared lost, but has been acknowledged now */

typedef struct {
    uint64_t             bytes;          /* in flight, not an MTU probe */
    uint64_t             lost_time;      /* "now" of the loss */
} quic_cc_spurious_t;


struct quic_cc_ops_s {
    ngx_str_t     name;

    void        (*init)(quic_cc_t *cc, uint64_t now);
    void        (*acked)(quic_cc_t *cc, const quic_cc_ack_t *ack);

    /* one reaction a round trip is the controller's business: 7.3.2 */
    void        (*lost)(quic_cc_t *cc, const quic_cc_loss_t *loss);

    /* as a loss, but nothing is missing that could turn out to be late */
    void        (*marked)(quic_cc_t *cc, const quic_cc_mark_t *mark);

    /* persistent congestion: 7.6 */
    void        (*collapse)(quic_cc_t *cc, uint64_t now);

    /* non-zero: it doesn't know yet what the path carries, and tries more */
    ngx_uint_t  (*starting)(const quic_cc_t *cc);

    /* NULL: what was done upon a loss isn't taken back */
    void        (*spurious)(quic_cc_t *cc, const quic_cc_spurious_t *loss);

    /* both or none: a controller that lives on samples of the rate */
    void        (*sent)(quic_cc_t *cc, const quic_cc_sent_t *sent);
    void        (*packet_lost)(quic_cc_t *cc, const quic_cc_lost_packet_t *p);
};


/* CUBIC, in the names of RFC 9438, 4.1.2; of one congestion avoidance stage */

typedef struct {
    double               w_max;          /* bytes; 0: undefined */
    double               w_est;          /* bytes, from t_epoch on */
    double               k;              /* seconds, from t_epoch on */
    double               c;              /* bytes / second^3, likewise */
    uint64_t             epoch;          /* t_epoch, by the clock below;
                                            0: it hasn't begun */
    uint64_t             prior;          /* cwnd_prior: bytes */
} quic_cc_cubic_stage_t;


typedef struct {
    quic_cc_cubic_stage_t  stage;
    quic_hystart_t         hystart;
    uint64_t               updated;      /* time of the last ACK that wasn't
                                            application-limited */
    uint64_t               paused;       /* microseconds, all that don't count:
                                            the clock is now - paused */
    double                 credit;       /* less than a byte of the window */

    struct {                             /* 4.9.2: before the last loss */
        quic_cc_cubic_stage_t  stage;
        uint64_t               window;   /* 0: there is nothing to undo */
        uint64_t               ssthresh;
        uint64_t               recovery_start;
        uint64_t               lost;     /* bytes, not acknowledged since */
    } undo;

    unsigned               limited:1;    /* so were ACKs since "updated" */
} quic_cc_cubic_t;


struct quic_cc_s {
    const quic_cc_ops_t  *ops;
    size_t                mtu;
    uint64_t              window;        /* bytes that may be in flight */
    uint64_t              ssthresh;
    uint64_t              recovery_start;  /* time; 0: never in recovery */
    uint64_t              rate;          /* bytes a second for the pacer;
                                            0: derived from window and RTT */

    union {
        struct {
            uint64_t      rest;          /* of bytes, by the window */
        } reno;

        quic_cc_cubic_t   cubic;
        quic_cc_bbr_t     bbr;
    } u;
};


extern const quic_cc_ops_t  quic_cc_newreno;
extern const quic_cc_ops_t  quic_cc_cubic;
extern const quic_cc_ops_t  quic_cc_bbr;


void quic_cc_init(quic_cc_t *cc, const quic_cc_ops_t *ops, size_t mtu,
    uint64_t now);

/*
 * Datagrams have another size now.  A window that is still the initial one
 * becomes that of the new size (7.2); none leaves the bounds below.
 */
void quic_cc_set_mtu(quic_cc_t *cc, size_t mtu);

/* initial and minimum window: RFC 9002, 7.2 */
uint64_t quic_cc_initial_window(size_t mtu);
uint64_t quic_cc_minimum_window(size_t mtu);

/* more can't be in flight: QUIC_MAX_SENT_PACKETS */
uint64_t quic_cc_maximum_window(size_t mtu);

/* the rate for the pacer: cc->rate, or N * window / srtt (7.7) */
uint64_t quic_cc_pacing_rate(const quic_cc_t *cc, const quic_rtt_t *rtt);

/* ops->starting() of those that know slow start: RFC 9002, 7.3.1 */
ngx_uint_t quic_cc_slow_start(const quic_cc_t *cc);

/* non-zero: a packet sent at "sent_time" was sent before or in recovery */
ngx_uint_t quic_cc_in_recovery(const quic_cc_t *cc, uint64_t sent_time);

/* the table of a name ("reno", "cubic", "bbr"), NULL when there is none */
const quic_cc_ops_t *quic_cc_by_name(const ngx_str_t *name);


#endif /* _QUIC_CC_H_INCLUDED_ */
