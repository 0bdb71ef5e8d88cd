
/* What befalls datagrams on their way. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim.h"


typedef struct {
    sim_event_t     event;
    ngx_queue_t     queue;
    ngx_uint_t      direction;
    ngx_uint_t      client;
    quic_addr_t     from;
    quic_addr_t     to;
    ngx_uint_t      ecn;
    size_t          len;
    u_char          data[1];
} sim_datagram_t;


#define SIM_LINK_DELAY  (20 * SIM_MS)
#define SIM_LINK_RATE   12500000
#define SIM_LINK_QUEUE  750000

/* a bad state isn't for ever, even when hardly anything is sent */
#define SIM_LINK_BAD_TIME  (100 * SIM_MS)


typedef struct {
    sim_path_t      path;
    uint64_t        sent;        /* datagrams */
    uint64_t        free;        /* time at which the wire is, */
    uint64_t        rest;        /* and this by the rate */
    uint64_t        last;        /* arrival of the last one */
    uint64_t        bad;         /* state of burst loss: until then */
} sim_link_t;


static sim_link_t   sim_links[2];
static ngx_queue_t  sim_on_the_way;


void
sim_link_init(void)
{
    ngx_uint_t   i;
    sim_path_t  *path;

    for (i = 0; i < 2; i++) {
        path = &sim_links[i].path;

        *path = sim.scenario->path[i];

        path->delay = path->delay ? path->delay : SIM_LINK_DELAY;
        path->rate = path->rate ? path->rate : SIM_LINK_RATE;
        path->queue = path->queue ? path->queue : SIM_LINK_QUEUE;
    }

    ngx_queue_init(&sim_on_the_way);
}


void
sim_link_recount(void)
{
    sim_links[SIM_UP].sent = 0;
    sim_links[SIM_DOWN].sent = 0;
}


const quic_addr_t *
sim_server_addr(void)
{
    static quic_addr_t  addr;

    addr.sin.sin_family = AF_INET;
    addr.sin.sin_port = htons(443);
    addr.sin.sin_addr.s_addr = htonl(0x0a000001);

    return &addr;
}


const quic_addr_t *
sim_server_preferred(void)
{
    static quic_addr_t  addr;

    addr.sin.sin_family = AF_INET;
    addr.sin.sin_port = htons(444);
    addr.sin.sin_addr.s_addr = htonl(0x0a630001);

    return &addr;
}


static void
sim_link_free(sim_datagram_t *d)
{
    sim_cancel(&d->event);
    ngx_queue_remove(&d->queue);
    free(d);
}


void
sim_link_done(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&sim_on_the_way)) {
        q = ngx_queue_head(&sim_on_the_way);
        sim_link_free(ngx_queue_data(q, sim_datagram_t, queue));
    }
}


static void
sim_link_deliver(void *data)
{
    sim_datagram_t  *d = data;

    u_char  *copy;

    /* a block of its own: what reads beyond its end is found */

    copy = malloc(d->len);
    ngx_memcpy(copy, d->data, d->len);

    sim_result.datagrams[d->direction]++;
    sim_result.octets[d->direction] += d->len;

    sim_trace("%s %zu bytes arrive", d->direction ? "  <-" : "->  ", d->len);

    if (d->direction == SIM_UP) {
        sim.server->receive(d->client, &d->from, &d->to, copy, d->len, d->ecn);

    } else {
        sim_client_receive(d->client, &d->from, &d->to, copy, d->len, d->ecn);
    }

    free(copy);
    sim_link_free(d);
}


/* the reason for which a datagram never arrives; NULL: it does */

static const char *
sim_link_lost(sim_link_t *link, ngx_uint_t direction, size_t len,
    ngx_uint_t ecn)
{
    uint64_t     n, time;
    ngx_uint_t   lost, burst;
    sim_path_t  *path;

    path = &link->path;
    n = link->sent++;
    time = sim.now - SIM_START;

    lost = sim_chance(direction, path->loss);

    if (sim_chance(direction, link->bad > sim.now ? path->burst_end
                                                  : path->burst_begin))
    {
        link->bad = (link->bad > sim.now) ? 0 : sim.now + SIM_LINK_BAD_TIME;
    }

    burst = sim_chance(direction, path->burst_loss) && link->bad > sim.now;

    if (path->mtu && len > path->mtu && time >= path->mtu_after) {
        return "too large";
    }

    if (path->ecn == SIM_ECN_DROPPED && ecn != QUIC_ECN_NOT_ECT) {
        return "marked";
    }

    if (n < 64 && (path->drop >> n) & 1) {
        return "to be dropped";
    }

    if (path->off && time % (path->on + path->off) >= path->on) {
        return "no link";
    }

    return lost ? "lost" : burst ? "lost in a burst" : NULL;
}


/* the mark that arrives if there is no congestion */

static ngx_uint_t
sim_link_ecn(sim_link_t *link, ngx_uint_t ecn)
{
    if (ecn == QUIC_ECN_NOT_ECT || link->path.ecn == SIM_ECN_PASSED) {
        return ecn;
    }

    return (link->path.ecn == SIM_ECN_MANGLED) ? QUIC_ECN_ECT1
                                               : QUIC_ECN_NOT_ECT;
}


/* the time at which the wire has taken it; 0: the queue is full */

static uint64_t
sim_link_queue(sim_link_t *link, size_t len, ngx_uint_t *ecn)
{
    uint64_t     waiting;
    sim_path_t  *path;

    path = &link->path;

    if (link->free < sim.now) {
        link->free = sim.now;
        link->rest = 0;
    }

    waiting = (link->free - sim.now) * path->rate / SIM_SEC;

    if (waiting + len > path->queue) {
        return 0;
    }

    if (path->mark && waiting > path->mark && *ecn != QUIC_ECN_NOT_ECT) {
        *ecn = QUIC_ECN_CE;
    }

    /* less than a microsecond is the next one's */

    len = len * SIM_SEC + link->rest;
    link->free += len / path->rate;
    link->rest = len % path->rate;

    return link->free;
}


static void
sim_link_put(ngx_uint_t direction, sim_datagram_t *d, uint64_t time)
{
    size_t       n;
    sim_path_t  *path;

    path = &sim_links[direction].path;

    if (sim_chance(direction, path->corrupt)) {
        n = sim_random(direction) % d->len;
        d->data[n] ^= 1 << sim_random(direction) % 8;
        sim_trace("%s corrupted", direction ? "  <-" : "->  ");
    }

    time += path->delay;

    if (path->jitter) {
        time += sim_random(direction) % path->jitter;
    }

    if (sim_chance(direction, path->reorder)) {
        time += sim_random(direction) % (path->reorder_by + 1);

    } else {
        time = ngx_max(time, sim_links[direction].last);
        sim_links[direction].last = time;
    }

    ngx_queue_insert_tail(&sim_on_the_way, &d->queue);

    d->event.handler = sim_link_deliver;
    d->event.data = d;
    sim_at(&d->event, time);
}


/* the same run twice must be the same to the last bit */

static void
sim_link_digest(ngx_uint_t direction, const u_char *data, size_t len)
{
    uint64_t  digest;

    digest = sim_result.digest;
    digest = (digest ^ sim.now) * 0x9e3779b97f4a7c15ULL;
    digest = (digest ^ direction) * 0x9e3779b97f4a7c15ULL;
    digest ^= ngx_murmur_hash2((u_char *) data, len);

    sim_result.digest = (digest << 13 | digest >> 51) * 0x9e3779b97f4a7c15ULL;
}


void
sim_link_send(ngx_uint_t direction, ngx_uint_t client, const quic_addr_t *from,
    const quic_addr_t *to, const u_char *data, size_t len, ngx_uint_t ecn)
{
    uint64_t         time;
    ngx_uint_t       copies;
    const char      *reason, *arrow;
    sim_link_t      *link;
    sim_datagram_t  *d;

    link = &sim_links[direction];
    arrow = direction ? "  <-" : "->  ";

    sim_link_digest(direction, data, len);

    reason = sim_link_lost(link, direction, len, ecn);
    time = sim.now;

    if (reason == NULL) {
        ecn = sim_link_ecn(link, ecn);
        time = sim_link_queue(link, len, &ecn);
        reason = time ? NULL : "queue is full";
    }

    sim_trace("%s %zu bytes sent%s%s", arrow, len, reason ? ": " : "",
              reason ? reason : "");

    if (reason) {
        return;
    }

    copies = sim_chance(direction, link->path.duplicate) ? 2 : 1;

    for ( /* void */ ; copies; copies--) {
        d = calloc(1, sizeof(sim_datagram_t) + len);

        d->direction = direction;
        d->client = client;
        d->from = *from;
        d->to = *to;
        d->ecn = ecn;
        d->len = len;
        ngx_memcpy(d->data, data, len);

        sim_link_put(direction, d, time);
    }
}
