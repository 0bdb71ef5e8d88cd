
/*
 * Two rings, indexed by numbers that only grow.  What is acked above something
 * that isn't forms runs, which are found as sets are in union-find: a record
 * leads to the lowest one it is known to be connected with, and each look-up
 * shortens the way for the next one.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/limits.h"
#include "quic/quic_sent.h"


#define QUIC_SENT_PACKETS  16    /* sizes to begin with */
#define QUIC_SENT_FRAMES   32


static ngx_int_t quic_sent_reserve(quic_sent_t *s);
static ngx_int_t quic_sent_grow_packets(quic_sent_t *s);
static ngx_int_t quic_sent_grow_rates(quic_sent_t *s, ngx_uint_t size);
static ngx_int_t quic_sent_grow_frames(quic_sent_t *s);
static void quic_sent_free(quic_sent_t *s);
static uint64_t quic_sent_run(quic_sent_t *s, uint64_t pn);


static ngx_inline quic_sent_packet_t *
quic_sent_record(quic_sent_t *s, uint64_t pn)
{
    return &s->packet[pn & (s->size - 1)];
}


void
quic_sent_init(quic_sent_t *s, quic_mem_t *mem)
{
    ngx_memzero(s, sizeof(quic_sent_t));

    s->mem = mem;
}


void
quic_sent_done(quic_sent_t *s)
{
    quic_sent_free(s);
    quic_sent_init(s, s->mem);
}


void
quic_sent_sample(quic_sent_t *s)
{
    s->sampled = 1;
}


static void
quic_sent_free(quic_sent_t *s)
{
    quic_free(s->mem, s->packet, s->size * sizeof(quic_sent_packet_t));
    quic_free(s->mem, s->rate, s->size * sizeof(quic_rate_packet_t));
    quic_free(s->mem, s->frame, s->frame_size * sizeof(quic_sent_frame_t));

    s->packet = NULL;
    s->rate = NULL;
    s->size = 0;
    s->frame = NULL;
    s->frame_size = 0;
}


ngx_int_t
quic_sent_open(quic_sent_t *s)
{
    ngx_int_t  rc;

    rc = quic_sent_reserve(s);

    if (rc == NGX_OK) {
        s->open = 1;
    }

    return rc;
}


ngx_int_t
quic_sent_skip(quic_sent_t *s)
{
    ngx_int_t  rc;

    rc = quic_sent_reserve(s);

    if (rc == NGX_OK) {
        quic_sent_record(s, s->next)->state = QUIC_SENT_SKIPPED;
        s->next++;
    }

    return rc;
}


/* a clean record for number s->next, and room for its frames */

static ngx_int_t
quic_sent_reserve(quic_sent_t *s)
{
    quic_sent_packet_t  *p;

    /* in need, what is only remembered for a late ACK goes first */

    if (s->next - s->first >= QUIC_MAX_SENT_PACKETS
        || s->frame_next - s->frame_first
           > QUIC_MAX_SENT_FRAMES - QUIC_MAX_PACKET_FRAMES)
    {
        quic_sent_trim(s, UINT64_MAX);
    }

    if (s->next - s->first >= QUIC_MAX_SENT_PACKETS
        || s->frame_next - s->frame_first
           > QUIC_MAX_SENT_FRAMES - QUIC_MAX_PACKET_FRAMES)
    {
        return NGX_AGAIN;
    }

    if (s->next - s->first == s->size
        && quic_sent_grow_packets(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = quic_sent_record(s, s->next);

    ngx_memzero(p, sizeof(quic_sent_packet_t));
    p->frame = s->frame_next;

    return NGX_OK;
}


static ngx_int_t
quic_sent_grow_packets(quic_sent_t *s)
{
    uint64_t             pn;
    ngx_uint_t           size;
    quic_sent_packet_t  *packet;

    size = s->size ? 2 * s->size : QUIC_SENT_PACKETS;

    packet = quic_alloc(s->mem, size * sizeof(quic_sent_packet_t));
    if (packet == NULL) {
        return NGX_ERROR;
    }

    if (s->sampled && quic_sent_grow_rates(s, size) != NGX_OK) {
        quic_free(s->mem, packet, size * sizeof(quic_sent_packet_t));
        return NGX_ERROR;
    }

    for (pn = s->first; pn < s->next; pn++) {
        packet[pn & (size - 1)] = *quic_sent_record(s, pn);
    }

    quic_free(s->mem, s->packet, s->size * sizeof(quic_sent_packet_t));

    s->packet = packet;
    s->size = size;

    return NGX_OK;
}


static ngx_int_t
quic_sent_grow_rates(quic_sent_t *s, ngx_uint_t size)
{
    uint64_t             pn;
    quic_rate_packet_t  *rate;

    rate = quic_alloc(s->mem, size * sizeof(quic_rate_packet_t));
    if (rate == NULL) {
        return NGX_ERROR;
    }

    for (pn = s->first; pn < s->next; pn++) {
        rate[pn & (size - 1)] = *quic_sent_rate(s, pn);
    }

    quic_free(s->mem, s->rate, s->size * sizeof(quic_rate_packet_t));

    s->rate = rate;

    return NGX_OK;
}


quic_sent_frame_t *
quic_sent_frame(quic_sent_t *s)
{
    quic_sent_frame_t   *f;
    quic_sent_packet_t  *p;

    p = quic_sent_record(s, s->next);

    if (p->nframes == QUIC_MAX_PACKET_FRAMES) {
        return NULL;
    }

    if (s->frame_next - s->frame_first == s->frame_size
        && quic_sent_grow_frames(s) != NGX_OK)
    {
        return NULL;
    }

    f = quic_sent_frame_of(s, p, p->nframes);
    ngx_memzero(f, sizeof(quic_sent_frame_t));

    p->nframes++;
    s->frame_next++;

    return f;
}


static ngx_int_t
quic_sent_grow_frames(quic_sent_t *s)
{
    uint64_t            n;
    ngx_uint_t          size;
    quic_sent_frame_t  *frame;

    size = s->frame_size ? 2 * s->frame_size : QUIC_SENT_FRAMES;

    frame = quic_alloc(s->mem, size * sizeof(quic_sent_frame_t));
    if (frame == NULL) {
        return NGX_ERROR;
    }

    for (n = s->frame_first; n < s->frame_next; n++) {
        frame[n & (size - 1)] = s->frame[n & (s->frame_size - 1)];
    }

    quic_free(s->mem, s->frame, s->frame_size * sizeof(quic_sent_frame_t));

    s->frame = frame;
    s->frame_size = size;

    return NGX_OK;
}


quic_sent_packet_t *
quic_sent_close(quic_sent_t *s, size_t size, uint64_t now)
{
    quic_sent_packet_t  *p;

    p = quic_sent_record(s, s->next);
    p->size = size;
    p->time = now;

    s->next++;
    s->open = 0;

    return p;
}


void
quic_sent_cancel(quic_sent_t *s)
{
    s->frame_next = quic_sent_record(s, s->next)->frame;
    s->open = 0;
}


quic_sent_packet_t *
quic_sent_get(quic_sent_t *s, uint64_t pn)
{
    if (pn < s->first || pn >= s->next) {
        return NULL;
    }

    return quic_sent_record(s, pn);
}


void
quic_sent_trim(quic_sent_t *s, uint64_t until)
{
    uint64_t  time;

    for ( ;; ) {
        time = quic_sent_trim_time(s);

        if (time == UINT64_MAX || time > until) {
            break;
        }

        s->first++;
    }

    if (s->first < s->next || s->open) {
        s->frame_first = quic_sent_record(s, s->first)->frame;
        return;
    }

    s->frame_first = s->frame_next;

    if (s->size > QUIC_KEEP_SENT_PACKETS
        || s->frame_size > QUIC_KEEP_SENT_FRAMES)
    {
        quic_sent_free(s);
    }
}


uint64_t
quic_sent_trim_time(quic_sent_t *s)
{
    quic_sent_packet_t  *p;

    p = quic_sent_get(s, s->first);

    if (p && p->state == QUIC_SENT_ACKED) {
        return 0;
    }

    if (p && p->state == QUIC_SENT_SKIPPED) {

        /* a peer that claims to have it does so with the next one */

        p = quic_sent_get(s, s->first + 1);
    }

    if (p == NULL || (p->state == QUIC_SENT_OUTSTANDING && p->ack_eliciting)) {
        return UINT64_MAX;
    }

    return p->time;
}


void
quic_sent_acked(quic_sent_t *s, uint64_t pn, uint64_t now)
{
    quic_sent_packet_t  *p;

    p = quic_sent_record(s, pn);

    p->state = QUIC_SENT_ACKED;
    p->time = now;
    p->run = pn;
}


/* the lowest number known to be acked with all up to "pn" */

static uint64_t
quic_sent_run(quic_sent_t *s, uint64_t pn)
{
    uint64_t             first;
    quic_sent_packet_t  *p;

    first = quic_sent_record(s, pn)->run;

    while (first > s->first) {
        p = quic_sent_record(s, first - 1);

        if (p->state != QUIC_SENT_ACKED) {
            break;
        }

        first = p->run;
    }

    /* all that were passed lead there from now on */

    do {
        p = quic_sent_record(s, pn);
        pn = p->run;
        p->run = first;
    } while (pn-- > first);

    return first;
}


void
quic_sent_walk(quic_sent_walk_t *w, quic_sent_t *s, quic_frame_ack_t *ack)
{
    w->sent = s;
    w->first = 0;
    w->end = 0;

    quic_ack_start(&w->ranges, ack);
}


quic_sent_packet_t *
quic_sent_walk_next(quic_sent_walk_t *w, uint64_t *pn)
{
    uint64_t             last;
    quic_sent_t         *s;
    quic_sent_packet_t  *p;

    s = w->sent;

    for ( ;; ) {

        while (w->end > w->first) {
            p = quic_sent_record(s, w->end - 1);

            if (p->state != QUIC_SENT_ACKED) {
                *pn = --w->end;
                return p;
            }

            w->end = quic_sent_run(s, w->end - 1);
        }

        /* ranges descend: what follows one without records has none either */

        if (!quic_ack_next(&w->ranges, &w->first, &last) || last < s->first) {
            w->first = 0;
            w->end = 0;
            return NULL;
        }

        w->first = ngx_max(w->first, s->first);
        w->end = last + 1;
    }
}
