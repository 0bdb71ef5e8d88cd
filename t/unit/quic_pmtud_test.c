
/* The search for a path's MTU: RFC 8899, RFC 9000, 14.3 and 14.4. */

#include "test.h"
#include "quic/quic_pmtud.h"


#define MAX      1472
#define RTT      100000ULL
#define MINUTE   60000000ULL


static quic_pmtud_t  p;
static uint64_t      now;
static uint64_t      pn;


static void
init(void)
{
    now = MINUTE;
    pn = 7;

    quic_pmtud_init(&p, QUIC_BASE_MTU, pn);
}


static quic_sent_packet_t
packet(size_t size, ngx_uint_t probe)
{
    quic_sent_packet_t  packet;

    ngx_memzero(&packet, sizeof(quic_sent_packet_t));
    packet.size = size;
    packet.time = now;
    packet.mtu_probe = probe;

    return packet;
}


static void
acked(size_t size)
{
    quic_sent_packet_t  sent;

    sent = packet(size, 0);
    quic_pmtud_acked(&p, pn++, &sent);
}


static void
lost(size_t size)
{
    quic_sent_packet_t  sent;

    sent = packet(size, 0);
    quic_pmtud_lost(&p, pn++, &sent, RTT);
}


/* one probe, which "path" lets through or not; its size, 0: there was none */

static size_t
probe(size_t path)
{
    size_t              size;
    quic_sent_packet_t  sent;

    size = quic_pmtud_next(&p, MAX, now);

    if (size == 0) {
        return 0;
    }

    quic_pmtud_sent(&p, size);

    /* one at a time */

    assert_int_equal(quic_pmtud_next(&p, MAX, now), 0);

    sent = packet(size, 1);

    if (size <= path) {
        quic_pmtud_acked(&p, pn++, &sent);

    } else {
        quic_pmtud_lost(&p, pn++, &sent, RTT);
    }

    return size;
}


static ngx_uint_t
search(size_t path)
{
    ngx_uint_t  n;

    for (n = 0; probe(path); n++) {
        assert_true(n < 100);
        assert_in_range(p.mtu, QUIC_BASE_MTU, path);
    }

    return n;
}


static void
test_ethernet(void **state)
{
    init();
    assert_int_equal(p.mtu, 1200);

    assert_int_equal(probe(MAX), MAX);
    assert_int_equal(p.mtu, MAX);
    assert_int_equal(probe(MAX), 0);

    /* for ever */

    now += 60 * MINUTE;
    assert_int_equal(probe(MAX), 0);
}


/* whatever the path, the search finds it, not more, and hardly less */

static void
test_every_path(void **state)
{
    size_t      path;
    ngx_uint_t  most, n;

    most = 0;

    for (path = QUIC_BASE_MTU; path <= MAX; path++) {
        init();
        n = search(path);
        most = ngx_max(most, n);

        assert_in_range(p.mtu, path - path / 64, path);
        assert_int_equal(p.raise, p.mtu < MAX ? now + 10 * MINUTE : 0);
    }

    assert_true(most <= 3 * 5);
}


static void
test_jumbo(void **state)
{
    size_t  size;

    init();

    quic_pmtud_sent(&p, quic_pmtud_next(&p, 8972, now));
    assert_int_equal(p.probe, 8972);
    quic_pmtud_too_large(&p, 8972);

    /* an Ethernet's comes before halves */

    size = quic_pmtud_next(&p, 8972, now);
    assert_int_equal(size, 1452);
    assert_int_equal(probe(1452), MAX);
}


static void
test_lost_by_chance(void **state)
{
    init();

    assert_int_equal(probe(0), MAX);
    assert_int_equal(probe(0), MAX);
    assert_int_equal(probe(MAX), MAX);
    assert_int_equal(p.mtu, MAX);
    assert_int_equal(p.limit, 0);
}


/* RFC 8899, 5.1.1: PMTU_RAISE_TIMER */

static void
test_raise(void **state)
{
    init();
    search(1400);
    assert_in_range(p.mtu, 1380, 1400);

    now += 10 * MINUTE - 1;
    assert_int_equal(probe(MAX), 0);

    now++;
    assert_int_equal(probe(MAX), MAX);
    assert_int_equal(p.mtu, MAX);
}


/* a probe that was given up, but arrived all the same */

static void
test_late(void **state)
{
    quic_sent_packet_t  sent;

    init();
    probe(0);
    probe(0);
    probe(0);
    assert_int_equal(p.limit, MAX);

    quic_pmtud_sent(&p, 1336);

    sent = packet(MAX, 1);
    quic_pmtud_acked(&p, 7, &sent);

    assert_int_equal(p.mtu, MAX);
    assert_int_equal(p.limit, 0);

    /* the other one doesn't lower it */

    sent = packet(1336, 1);
    quic_pmtud_acked(&p, 10, &sent);

    assert_int_equal(p.mtu, MAX);
    assert_int_equal(p.probe, 0);
}


static void
test_other_path(void **state)
{
    quic_sent_packet_t  sent;

    init();
    sent = packet(MAX, 1);

    quic_pmtud_acked(&p, 6, &sent);
    assert_int_equal(p.mtu, 1200);

    quic_pmtud_acked(&p, 7, &sent);
    assert_int_equal(p.mtu, MAX);

    sent = packet(0, 0);

    for (pn = 0; pn < 6; pn++) {
        quic_pmtud_lost(&p, pn, &sent, RTT);
    }

    assert_int_equal(p.mtu, MAX);
    assert_int_equal(p.lost, 0);
}


static void
test_black_hole(void **state)
{
    uint64_t  small;

    init();
    search(MAX);
    acked(MAX);

    lost(MAX);
    lost(MAX);
    lost(MAX);

    /* a smaller one, later */

    small = pn + 1;

    now += 2 * RTT;
    lost(MAX);
    assert_int_equal(p.mtu, MAX);

    pn = small;
    acked(800);
    pn = small + 1;
    lost(MAX);
    assert_int_equal(p.mtu, QUIC_BASE_MTU);

    /* it comes back, but not to what has failed, before time */

    search(1400);
    assert_in_range(p.mtu, 1380, 1400);

    now += 10 * MINUTE;
    search(MAX);
    assert_int_equal(p.mtu, MAX);
}


/* what isn't one: each of the conditions missing */

static void
test_no_black_hole(void **state)
{
    ngx_uint_t  i;

    /* within a round trip: it's a burst */

    init();
    search(MAX);

    for (i = 0; i < 10; i++) {
        lost(MAX);
        acked(800);
    }

    assert_int_equal(p.mtu, MAX);

    /* nothing gets through */

    init();
    search(MAX);
    acked(800);

    for (i = 0; i < 10; i++) {
        now += RTT;
        lost(MAX);
    }

    assert_int_equal(p.mtu, MAX);

    /* some full ones do */

    init();
    search(MAX);

    for (i = 0; i < 10; i++) {
        lost(MAX);
        now += RTT;
        lost(MAX);
        lost(MAX);
        acked(800);
        acked(MAX);
    }

    assert_int_equal(p.mtu, MAX);

    /* the smaller ones are lost, too, or only they are */

    init();
    search(MAX);

    for (i = 0; i < 10; i++) {
        now += RTT;
        lost(800);
        acked(800);
    }

    assert_int_equal(p.mtu, MAX);
}


/* the ACK of the last full one comes before the loss of those before it */

static void
test_overtaken(void **state)
{
    uint64_t  last;

    init();
    search(MAX);

    last = pn + 20;
    pn = last;
    acked(MAX);
    acked(800);
    pn = last - 10;

    while (pn < last) {
        now += RTT;
        lost(MAX);
    }

    assert_int_equal(p.mtu, MAX);
    assert_int_equal(p.lost, 0);
}


/* at the least there is nothing to fall back to */

static void
test_base(void **state)
{
    ngx_uint_t  i;

    init();
    acked(300);

    for (i = 0; i < 20; i++) {
        now += RTT;
        lost(QUIC_BASE_MTU);
        acked(300);
    }

    assert_int_equal(p.mtu, QUIC_BASE_MTU);
    assert_int_equal(p.lost, 0);

    quic_pmtud_too_large(&p, QUIC_BASE_MTU);
    quic_pmtud_too_large(&p, 300);
    assert_int_equal(p.mtu, QUIC_BASE_MTU);
    assert_int_equal(p.limit, 0);
}


/* EMSGSIZE: no need to try that twice */

static void
test_interface(void **state)
{
    init();

    quic_pmtud_sent(&p, quic_pmtud_next(&p, MAX, now));
    quic_pmtud_too_large(&p, MAX);
    assert_int_equal(p.limit, MAX);
    assert_int_equal(p.probe, 0);

    search(1400);
    assert_in_range(p.mtu, 1380, 1400);

    /* of another time */

    quic_pmtud_too_large(&p, 1460);
    assert_in_range(p.mtu, 1380, 1400);

    /* the interface itself has changed */

    quic_pmtud_too_large(&p, p.mtu);
    assert_int_equal(p.mtu, QUIC_BASE_MTU);

    search(1300);
    assert_in_range(p.mtu, 1280, 1300);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_ethernet),
        cmocka_unit_test(test_every_path),
        cmocka_unit_test(test_jumbo),
        cmocka_unit_test(test_lost_by_chance),
        cmocka_unit_test(test_raise),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_other_path),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_no_black_hole),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_interface),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
