
/* Virtual time: a heap of what is to happen. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim.h"


/* so many events without a microsecond between them are a loop */
#define SIM_MAX_AT_ONCE  200000


static sim_event_t  **sim_heap;  /* from 1 */
static size_t         sim_events, sim_heap_size;
static uint64_t       sim_number;
static ngx_uint_t     sim_at_once;


static ngx_uint_t
sim_before(sim_event_t *a, sim_event_t *b)
{
    return a->time < b->time || (a->time == b->time && a->number < b->number);
}


static void
sim_place(sim_event_t *ev, size_t place)
{
    sim_heap[place] = ev;
    ev->place = place;
}


static void
sim_sift(sim_event_t *ev, size_t place)
{
    size_t  child;

    while (place > 1 && sim_before(ev, sim_heap[place / 2])) {
        sim_place(sim_heap[place / 2], place);
        place /= 2;
    }

    for ( ;; ) {
        child = 2 * place;

        if (child + 1 <= sim_events
            && sim_before(sim_heap[child + 1], sim_heap[child]))
        {
            child++;
        }

        if (child > sim_events || !sim_before(sim_heap[child], ev)) {
            break;
        }

        sim_place(sim_heap[child], place);
        place = child;
    }

    sim_place(ev, place);
}


void
sim_at(sim_event_t *ev, uint64_t time)
{
    if (time == SIM_NEVER) {
        sim_cancel(ev);
        return;
    }

    if (ev->place == 0) {

        if (sim_events + 2 > sim_heap_size) {
            sim_heap_size = 2 * sim_heap_size + 1024;
            sim_heap = realloc(sim_heap, sim_heap_size * sizeof(void *));
        }

        ev->place = ++sim_events;
        sim_heap[ev->place] = ev;
    }

    ev->time = ngx_max(time, sim.now);
    ev->number = ++sim_number;

    sim_sift(ev, ev->place);
}


void
sim_cancel(sim_event_t *ev)
{
    size_t        place;
    sim_event_t  *last;

    place = ev->place;

    if (place == 0) {
        return;
    }

    last = sim_heap[sim_events--];
    ev->place = 0;

    if (last != ev) {
        sim_sift(last, place);
    }
}


ngx_uint_t
sim_step(void)
{
    sim_event_t  *ev;

    if (sim_events == 0) {
        free(sim_heap);
        sim_heap = NULL;
        sim_heap_size = 0;
        return 0;
    }

    ev = sim_heap[1];
    sim_cancel(ev);

    sim_at_once = (ev->time == sim.now) ? sim_at_once + 1 : 0;

    if (sim_at_once > SIM_MAX_AT_ONCE) {
        sim_fail("it goes round and round without time passing");
    }

    sim.now = ev->time;
    ev->handler(ev->data);

    return 1;
}
