
/*
 * No frame is written and none is parsed here: only the sums.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_flow.h"
#include "wire/quic_varint.h"


/* round trips in which half a window is read when it is too small */
#define QUIC_FLOW_GROW_WITHIN  2


static uint64_t quic_flow_target(quic_flow_recv_t *f);


void
quic_flow_recv_init(quic_flow_recv_t *f, uint64_t window)
{
    f->received = 0;
    f->consumed = 0;
    f->window = window;
    f->renewed = 0;
    f->max = quic_flow_target(f);
}


/* the limit that the window allows */

static uint64_t
quic_flow_target(quic_flow_recv_t *f)
{
    if (f->window >= QUIC_VARINT_MAX - f->consumed) {
        return QUIC_VARINT_MAX;
    }

    return f->consumed + f->window;
}


ngx_int_t
quic_flow_receive(quic_flow_recv_t *f, uint64_t n)
{
    if (n > f->max - f->received) {
        return NGX_DECLINED;
    }

    f->received += n;

    return NGX_OK;
}


ngx_uint_t
quic_flow_consume(quic_flow_recv_t *f, uint64_t n)
{
    f->consumed += ngx_min(n, f->received - f->consumed);

    return 2 * (f->max - f->consumed) < f->window
           && f->max < quic_flow_target(f);
}


uint64_t
quic_flow_grow(quic_flow_recv_t *f, uint64_t most, uint64_t rtt, uint64_t now)
{
    uint64_t  last, window;

    /* not for a frame that is repeated, or goes along with others */

    if (2 * (f->max - f->consumed) >= f->window) {
        return 0;
    }

    last = f->renewed;
    f->renewed = now;

    if (last == 0
        || now - last > QUIC_FLOW_GROW_WITHIN * rtt
        || f->window >= most)
    {
        return 0;
    }

    window = f->window;
    f->window = ngx_min(2 * window, most);

    return f->window - window;
}


uint64_t
quic_flow_renew(quic_flow_recv_t *f)
{
    uint64_t  target;

    target = quic_flow_target(f);
    f->max = ngx_max(f->max, target);

    return f->max;
}


void
quic_flow_send_init(quic_flow_send_t *f, uint64_t max)
{
    f->max = max;
    f->sent = 0;
    f->blocked = 0;
}


ngx_uint_t
quic_flow_raise(quic_flow_send_t *f, uint64_t max)
{
    if (max <= f->max) {
        return 0;
    }

    f->max = max;

    return 1;
}


uint64_t
quic_flow_credit(quic_flow_send_t *f)
{
    return f->max - f->sent;
}


ngx_uint_t
quic_flow_blocked(quic_flow_send_t *f)
{
    if (f->sent < f->max || f->blocked == f->max + 1) {
        return 0;
    }

    f->blocked = f->max + 1;

    return 1;
}
