
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_sched.h"


void
quic_sched_init(quic_sched_t *sched)
{
    ngx_uint_t  i;

    for (i = 0; i < QUIC_URGENCIES; i++) {
        ngx_queue_init(&sched->queue[i]);
    }
}


void
quic_sched_add(quic_sched_t *sched, quic_stream_t *s)
{
    if (!s->scheduled) {
        ngx_queue_insert_tail(&sched->queue[s->urgency], &s->ready);
        s->scheduled = 1;
    }
}


void
quic_sched_remove(quic_stream_t *s)
{
    if (s->scheduled) {
        ngx_queue_remove(&s->ready);
        s->scheduled = 0;
    }
}


quic_stream_t *
quic_sched_next(quic_sched_t *sched)
{
    ngx_uint_t   i;
    ngx_queue_t  *q;

    for (i = 0; i < QUIC_URGENCIES; i++) {
        if (!ngx_queue_empty(&sched->queue[i])) {
            q = ngx_queue_head(&sched->queue[i]);
            return ngx_queue_data(q, quic_stream_t, ready);
        }
    }

    return NULL;
}


void
quic_sched_served(quic_sched_t *sched, quic_stream_t *s)
{
    if (s->scheduled && s->incremental) {
        ngx_queue_remove(&s->ready);
        ngx_queue_insert_tail(&sched->queue[s->urgency], &s->ready);
    }
}
