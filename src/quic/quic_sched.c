
#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_sched.h"


static void quic_sched_insert(ngx_queue_t *queue, quic_stream_t *s);
static uint64_t quic_sched_id(ngx_queue_t *q);


void
quic_sched_init(quic_sched_t *sched)
{
    ngx_uint_t           i;
    quic_sched_level_t  *level;

    for (i = 0; i < QUIC_URGENCIES; i++) {
        level = &sched->level[i];

        ngx_queue_init(&level->queue[0]);
        ngx_queue_init(&level->queue[1]);
        level->turn = 0;
    }
}


void
quic_sched_add(quic_sched_t *sched, quic_stream_t *s)
{
    ngx_queue_t  *queue;

    if (s->scheduled) {
        return;
    }

    queue = &sched->level[s->urgency].queue[s->incremental];

    if (s->incremental) {
        ngx_queue_insert_tail(queue, &s->ready);

    } else {
        quic_sched_insert(queue, s);
    }

    s->scheduled = 1;
}


/* a new stream has its place at the end, one that goes on at the head */

static void
quic_sched_insert(ngx_queue_t *queue, quic_stream_t *s)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(queue) || s->id < quic_sched_id(ngx_queue_head(queue)))
    {
        ngx_queue_insert_head(queue, &s->ready);
        return;
    }

    q = ngx_queue_last(queue);

    while (s->id < quic_sched_id(q)) {
        q = ngx_queue_prev(q);
    }

    ngx_queue_insert_after(q, &s->ready);
}


static uint64_t
quic_sched_id(ngx_queue_t *q)
{
    quic_stream_t  *s;

    s = ngx_queue_data(q, quic_stream_t, ready);

    return s->id;
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
    ngx_uint_t           i, kind;
    ngx_queue_t         *q;
    quic_sched_level_t  *level;

    for (i = 0; i < QUIC_URGENCIES; i++) {
        level = &sched->level[i];
        kind = level->turn;

        if (ngx_queue_empty(&level->queue[kind])) {
            kind = !kind;
        }

        if (!ngx_queue_empty(&level->queue[kind])) {
            q = ngx_queue_head(&level->queue[kind]);
            return ngx_queue_data(q, quic_stream_t, ready);
        }
    }

    return NULL;
}


void
quic_sched_served(quic_sched_t *sched, quic_stream_t *s)
{
    quic_sched_level_t  *level;

    level = &sched->level[s->urgency];
    level->turn = !s->incremental;

    if (s->scheduled && s->incremental) {
        ngx_queue_remove(&s->ready);
        ngx_queue_insert_tail(&level->queue[1], &s->ready);
    }
}
