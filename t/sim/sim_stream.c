
/*
 * What is sent on streams.  Both applications look at the same record of a
 * stream: the plan is made when it's opened, and each notes what it does and
 * sees.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_stream.h"
#include "sim.h"


/*
 * The bytes of all streams are windows of one table; its size is a prime, so
 * that an offset that is wrong by a round number is found.
 */
#define SIM_CONTENT_PRIME  262139
#define SIM_CONTENT_SPAN   65536

/* streams that a failure tells of */
#define SIM_SHOWN  4


static u_char       sim_bytes[SIM_CONTENT_PRIME + SIM_CONTENT_SPAN];
static ngx_queue_t  sim_stream_queue[SIM_MAX_CLIENTS];


const u_char *
sim_content(uint64_t id, ngx_uint_t direction, uint64_t offset, size_t *len)
{
    size_t    i;
    uint64_t  place;

    if (sim_bytes[0] == 0) {
        for (i = 0; i < sizeof(sim_bytes); i++) {
            place = i % SIM_CONTENT_PRIME;
            sim_bytes[i] = (place * place * 2654435761 >> 13) % 255 + 1;
        }
    }

    place = (offset + id * 7919 + direction * 104729) % SIM_CONTENT_PRIME;

    *len = ngx_min(*len, SIM_CONTENT_SPAN);

    return &sim_bytes[place];
}


ngx_queue_t *
sim_streams(ngx_uint_t client)
{
    if (sim_stream_queue[client].next == NULL) {
        ngx_queue_init(&sim_stream_queue[client]);
    }

    return &sim_stream_queue[client];
}


static void
sim_stream_plan(sim_way_t *way, const sim_flow_t *flow)
{
    way->size = sim_random_between(SIM_RANDOM_STREAMS, flow->min, flow->max);
    way->reset_at = SIM_NEVER;
    way->stop_at = SIM_NEVER;

    if (sim_chance(SIM_RANDOM_STREAMS, flow->reset)) {
        way->reset_at = sim_random_between(SIM_RANDOM_STREAMS, 0, way->size);
    }

    if (sim_chance(SIM_RANDOM_STREAMS, flow->stop)) {
        way->stop_at = sim_random_between(SIM_RANDOM_STREAMS, 0, way->size);
    }
}


sim_stream_t *
sim_stream_open(ngx_uint_t client, uint64_t id)
{
    sim_stream_t  *s;

    s = calloc(1, sizeof(sim_stream_t));

    s->client = client;
    s->id = id;

    sim_stream_plan(&s->way[SIM_UP], &sim.scenario->flow[SIM_UP]);
    sim_stream_plan(&s->way[SIM_DOWN], &sim.scenario->flow[SIM_DOWN]);

    if (id & QUIC_STREAM_UNI) {
        s->way[(id & QUIC_STREAM_SERVER) ? SIM_UP : SIM_DOWN].absent = 1;
    }

    ngx_queue_insert_tail(sim_streams(client), &s->queue);

    return s;
}


sim_stream_t *
sim_stream_find(ngx_uint_t client, uint64_t id)
{
    ngx_queue_t   *q;
    sim_stream_t  *s;

    /* most often the last */

    for (q = ngx_queue_last(sim_streams(client));
         q != ngx_queue_sentinel(sim_streams(client));
         q = ngx_queue_prev(q))
    {
        s = ngx_queue_data(q, sim_stream_t, queue);

        if (s->id == id) {
            return s;
        }
    }

    return NULL;
}


void
sim_streams_done(void)
{
    ngx_uint_t     i;
    ngx_queue_t   *q;
    sim_stream_t  *s;

    for (i = 0; i < SIM_MAX_CLIENTS; i++) {
        while (!ngx_queue_empty(sim_streams(i))) {
            q = ngx_queue_head(sim_streams(i));
            s = ngx_queue_data(q, sim_stream_t, queue);

            sim_cancel(&s->server_event);
            ngx_queue_remove(q);
            free(s);
        }
    }
}


uint64_t
sim_reset_error(sim_stream_t *s, ngx_uint_t direction)
{
    return (s->id << 4) + 0x4 + direction;
}


uint64_t
sim_stop_error(sim_stream_t *s, ngx_uint_t direction)
{
    return (s->id << 4) + 0x8 + direction;
}


uint64_t
sim_release_error(sim_stream_t *s)
{
    return (s->id << 4) + 0xf;
}


static void
sim_stream_check_rate(sim_stream_t *s, ngx_uint_t direction)
{
    double      rate, least;
    sim_way_t  *way;

    way = &s->way[direction];

    least = sim.scenario->fill[direction]
            * sim.scenario->path[direction].rate;
    rate = way->size / 2.0 / ngx_max(sim.now - way->half, 1) * SIM_SEC;

    if (rate < least) {
        sim_fail("stream %lu: %.0f bytes a second, the least is %.0f", s->id,
                 rate, least);
    }
}


void
sim_stream_got(sim_stream_t *s, ngx_uint_t direction, const u_char *data,
    size_t len, ngx_uint_t fin)
{
    size_t         n;
    sim_way_t     *way;
    const u_char  *expected;

    way = &s->way[direction];

    if (way->absent) {
        sim_fail("stream %lu: data in a direction that it hasn't", s->id);
    }

    if (way->got_fin || way->got_reset) {
        sim_fail("stream %lu: data behind its end", s->id);
    }

    sim.progress = sim.now;
    sim_result.bytes += len;
    sim_result.last_byte = sim.now - SIM_START;

    if (way->received + len > way->sent) {
        sim_fail("stream %lu: bytes up to %lu, sent were %lu", s->id,
                 way->received + len, way->sent);
    }

    for ( /* void */ ; len; data += n, len -= n) {
        n = len;
        expected = sim_content(s->id, direction, way->received, &n);

        if (ngx_memcmp(data, expected, n) != 0) {
            sim_fail("stream %lu: wrong bytes at %lu", s->id, way->received);
        }

        way->received += n;
    }

    if (way->half == 0 && 2 * way->received >= way->size) {
        way->half = sim.now;
    }

    if (!fin) {
        return;
    }

    way->got_fin = 1;

    if (way->received != way->size || !way->finished) {
        sim_fail("stream %lu: ends after %lu of %lu bytes", s->id,
                 way->received, way->size);
    }

    sim_stream_check_rate(s, direction);
}


void
sim_stream_got_reset(sim_stream_t *s, ngx_uint_t direction, uint64_t error)
{
    sim_way_t  *way;

    way = &s->way[direction];
    sim.progress = sim.now;

    if (way->absent || way->got_reset) {
        sim_fail("stream %lu: reset out of place", s->id);
    }

    way->got_reset = 1;
    way->reset_error = error;

    if (!(s->early && error == sim_release_error(s))
        && !(way->reset && error == sim_reset_error(s, direction))
        && !(way->stopped && error == sim_stop_error(s, direction)))
    {
        sim_fail("stream %lu: reset with error %lu that nobody gave", s->id,
                 error);
    }
}


void
sim_stream_check(sim_stream_t *s, ngx_uint_t direction)
{
    sim_way_t  *way;

    way = &s->way[direction];

    if (way->absent || way->got_fin || way->got_reset || way->stopped
        || (s->early && direction == SIM_UP))
    {
        return;
    }

    sim_fail("stream %lu: %lu of %lu bytes %s, then nothing", s->id,
             way->received, way->size, direction ? "down" : "up");
}


static void
sim_stream_show(sim_stream_t *s)
{
    sim_way_t   *way;
    ngx_uint_t   i;

    fprintf(stderr, "    stream %lu of client %lu%s%s%s%s\n", s->id, s->client,
            s->closed ? ", closed" : "", s->server ? ", at the server" : "",
            s->released ? ", released" : "", s->early ? " early" : "");

    for (i = 0; i < 2; i++) {
        way = &s->way[i];

        if (way->absent) {
            continue;
        }

        fprintf(stderr, "        %s: %lu of %lu given, %lu received"
                "%s%s%s%s%s%s\n", i ? "down" : "up  ", way->sent, way->size, way->received,
                way->finished ? ", finished" : "",
                way->reset ? ", reset" : "",
                way->stopped ? ", stopped" : "",
                way->got_fin ? ", end received" : "",
                way->got_reset ? ", reset received" : "",
                way->got_stop ? ", stop received" : "");
    }
}


/* those that haven't come to their end, for the message of a failure */

void
sim_streams_show(void)
{
    ngx_uint_t     i, n;
    ngx_queue_t   *q, *streams;
    sim_stream_t  *s;

    for (i = 0, n = 0; i < SIM_MAX_CLIENTS; i++) {
        streams = sim_streams(i);

        for (q = ngx_queue_head(streams);
             q != ngx_queue_sentinel(streams);
             q = ngx_queue_next(q))
        {
            s = ngx_queue_data(q, sim_stream_t, queue);

            if ((!s->ended || s->server) && n++ < SIM_SHOWN) {
                sim_stream_show(s);
            }
        }
    }

    if (n > SIM_SHOWN) {
        fprintf(stderr, "    and %lu more\n", n - SIM_SHOWN);
    }
}
