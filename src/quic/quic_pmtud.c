
/*
 * The names that RFC 8899 gives to this: BASE is a search with nothing found
 * yet, SEARCHING is raise == 0, SEARCH_COMPLETE is raise != 0.  There is no
 * ERROR state, as QUIC doesn't work below its base.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_pmtud.h"


/* RFC 8899, 5.1.2: MAX_PROBES */
#define QUIC_PMTUD_PROBES     3

/* RFC 8899, 5.1.1: PMTU_RAISE_TIMER, microseconds */
#define QUIC_PMTUD_RAISE      (600 * 1000000ULL)

/* where larger sizes are tried, this comes before halves: IPv6 on Ethernet */
#define QUIC_PMTUD_ETHERNET   1452

/*
 * Full datagrams lost in a row that make a black hole.  One that is found by
 * mistake, in random loss, costs little: see quic_pmtud_black_hole().
 */
#define QUIC_PMTUD_LOST       4


static void quic_pmtud_probe_acked(quic_pmtud_t *p, size_t size);
static void quic_pmtud_probe_lost(quic_pmtud_t *p, size_t size);
static void quic_pmtud_black_hole(quic_pmtud_t *p);
static void quic_pmtud_restart(quic_pmtud_t *p, size_t limit);


void
quic_pmtud_init(quic_pmtud_t *p, size_t base, uint64_t first)
{
    ngx_memzero(p, sizeof(quic_pmtud_t));

    p->mtu = base;
    p->base = base;
    p->first = first;
}


size_t
quic_pmtud_next(quic_pmtud_t *p, size_t max, uint64_t now)
{
    if (p->probe || p->mtu >= max) {
        return 0;
    }

    if (p->raise) {
        if (now < p->raise) {
            return 0;
        }

        p->raise = 0;
        p->limit = 0;
    }

    if (p->limit == 0 || p->limit > max) {
        return max;
    }

    /* the last percent isn't worth probes that get lost */

    if (p->limit - p->mtu <= p->mtu / 64) {
        p->raise = now + QUIC_PMTUD_RAISE;
        return 0;
    }

    if (p->mtu < QUIC_PMTUD_ETHERNET && p->limit > 2 * QUIC_PMTUD_ETHERNET) {
        return QUIC_PMTUD_ETHERNET;
    }

    return (p->mtu + p->limit) / 2;
}


void
quic_pmtud_sent(quic_pmtud_t *p, size_t size)
{
    p->probe = size;
}


void
quic_pmtud_acked(quic_pmtud_t *p, uint64_t pn,
    const quic_sent_packet_t *packet)
{
    if (pn < p->first) {
        return;
    }

    if (packet->mtu_probe) {
        quic_pmtud_probe_acked(p, packet->size);
        return;
    }

    if (packet->size < p->mtu) {
        p->small = ngx_max(p->small, pn);
        return;
    }

    p->full = ngx_max(p->full, pn);

    if (pn > p->lost_first) {
        p->lost = 0;
    }
}


/* even one that has been declared lost says that its size gets through */

static void
quic_pmtud_probe_acked(quic_pmtud_t *p, size_t size)
{
    if (size == p->probe) {
        p->probe = 0;
    }

    if (size <= p->mtu) {
        return;
    }

    p->mtu = size;
    p->failed = 0;
    p->lost = 0;

    if (p->limit <= size) {
        p->limit = 0;
    }
}


void
quic_pmtud_lost(quic_pmtud_t *p, uint64_t pn,
    const quic_sent_packet_t *packet, uint64_t rtt)
{
    if (pn < p->first) {
        return;
    }

    if (packet->mtu_probe) {
        quic_pmtud_probe_lost(p, packet->size);
        return;
    }

    if (packet->size != p->mtu || p->mtu == p->base || pn < p->full) {
        return;
    }

    if (p->lost++ == 0) {
        p->lost_first = pn;
        p->lost_time = packet->time;
    }

    if (p->lost >= QUIC_PMTUD_LOST
        && p->small > p->lost_first
        && packet->time - p->lost_time > rtt)
    {
        p->first = pn;
        quic_pmtud_black_hole(p);
    }
}


static void
quic_pmtud_probe_lost(quic_pmtud_t *p, size_t size)
{
    if (size != p->probe) {
        return;
    }

    p->probe = 0;

    if (++p->failed == QUIC_PMTUD_PROBES) {
        p->failed = 0;
        p->limit = size;
    }
}


/*
 * The search that follows stays below the size that has failed, and so does
 * the next black hole: a path that drops large datagrams now and then isn't
 * tried with the same size again and again.  Where it was only loss, the search
 * ends a percent below.
 */

static void
quic_pmtud_black_hole(quic_pmtud_t *p)
{
    quic_pmtud_restart(p, p->mtu);
}


static void
quic_pmtud_restart(quic_pmtud_t *p, size_t limit)
{
    p->mtu = p->base;
    p->limit = limit;
    p->probe = 0;
    p->failed = 0;
    p->raise = 0;
    p->lost = 0;
}


void
quic_pmtud_too_large(quic_pmtud_t *p, size_t size)
{
    if (size <= p->base) {
        return;
    }

    if (size <= p->mtu) {
        quic_pmtud_restart(p, size);
        return;
    }

    if (size == p->probe) {
        p->probe = 0;
        p->failed = 0;
        p->limit = size;
    }
}
