
/* What all congestion controllers share: RFC 9002, section 7. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_cc.h"


static const quic_cc_ops_t  *quic_cc_list[] = {
    &quic_cc_newreno,
    &quic_cc_cubic,
    &quic_cc_bbr,
};


void
quic_cc_init(quic_cc_t *cc, const quic_cc_ops_t *ops, size_t mtu, uint64_t now)
{
    ngx_memzero(cc, sizeof(quic_cc_t));

    cc->ops = ops;
    cc->mtu = mtu;
    cc->window = quic_cc_initial_window(mtu);
    cc->ssthresh = UINT64_MAX;

    ops->init(cc, now);
}


void
quic_cc_set_mtu(quic_cc_t *cc, size_t mtu)
{
    if (cc->window == quic_cc_initial_window(cc->mtu)) {
        cc->window = quic_cc_initial_window(mtu);
    }

    cc->window = ngx_max(cc->window, quic_cc_minimum_window(mtu));
    cc->window = ngx_min(cc->window, quic_cc_maximum_window(mtu));
    cc->mtu = mtu;
}


uint64_t
quic_cc_initial_window(size_t mtu)
{
    return ngx_min(10 * mtu, ngx_max(14720, 2 * mtu));
}


uint64_t
quic_cc_minimum_window(size_t mtu)
{
    return 2 * mtu;
}


uint64_t
quic_cc_maximum_window(size_t mtu)
{
    return (uint64_t) QUIC_MAX_SENT_PACKETS * mtu;
}


/*
 * N is 1.25, so that the pacer isn't what limits the window's use, and 2 in
 * slow start, where the window doubles in the round trip that the rate is for.
 */

uint64_t
quic_cc_pacing_rate(const quic_cc_t *cc, const quic_rtt_t *rtt)
{
    uint64_t  bytes;

    if (cc->rate) {
        return cc->rate;
    }

    bytes = cc->ops->starting(cc) ? 2 * cc->window
                                  : cc->window + cc->window / 4;

    return bytes * 1000000 / ngx_max(rtt->smoothed, 1);
}


ngx_uint_t
quic_cc_slow_start(const quic_cc_t *cc)
{
    return cc->window < cc->ssthresh;
}


ngx_uint_t
quic_cc_in_recovery(const quic_cc_t *cc, uint64_t sent_time)
{
    return sent_time <= cc->recovery_start;
}


const quic_cc_ops_t *
quic_cc_by_name(const ngx_str_t *name)
{
    ngx_uint_t            i;
    const quic_cc_ops_t  *ops;

    for (i = 0; i < sizeof(quic_cc_list) / sizeof(quic_cc_list[0]); i++) {
        ops = quic_cc_list[i];

        if (ops->name.len == name->len
            && ngx_strncmp(ops->name.data, name->data, name->len) == 0)
        {
            return ops;
        }
    }

    return NULL;
}
