
/*
 * Loss recovery: the cases of RFC 9002 by name, and against a model that does
 * all of it the slow way.
 */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_recovery.h"


#define MTU      1200
#define INITIAL  QUIC_SPACE_INITIAL
#define HSHAKE   QUIC_SPACE_HANDSHAKE
#define APP      QUIC_SPACE_APP
#define MS       1000ULL
#define SECOND   1000000ULL

#define PACKETS  8192


static ngx_log_t        logger;
static quic_mem_t       mem;
static quic_recovery_t  r;
static uint64_t         now;
static const char      *reason;

/* reports by number of the packet, in the APP space; all others: "total" */

static ngx_uint_t       acked_count[PACKETS], lost_count[PACKETS];
static ngx_uint_t       acked_total, lost_total;


static void
on_acked(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    assert_ptr_equal(data, &r);
    assert_int_equal(frame->offset, space);

    acked_total++;

    if (space == APP && frame->id < PACKETS) {
        acked_count[frame->id]++;
    }
}


static void
on_lost(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    assert_ptr_equal(data, &r);
    assert_int_equal(frame->offset, space);

    lost_total++;

    if (space == APP && frame->id < PACKETS) {
        lost_count[frame->id]++;
    }
}


static const quic_recovery_ops_t  ops = { on_acked, on_lost };


static void
init(void)
{
    ngx_memzero(acked_count, sizeof(acked_count));
    ngx_memzero(lost_count, sizeof(lost_count));
    acked_total = 0;
    lost_total = 0;

    now = SECOND;

    quic_mem_init(&mem, &logger);
    quic_recovery_init(&r, &mem, &quic_cc_newreno, MTU, &ops, &r, now);

    /* no skipping but where a test wants it */

    r.space[APP].skip = UINT64_MAX;
}


/* a connection on a path of 100 ms, without anything in flight */

static void
init_established(void)
{
    init();

    r.handshake_confirmed = 1;

    quic_rtt_sample(&r.rtt, 100 * MS, 0);
    r.rtt.var = 10 * MS;
    r.first_sample = now;
    now++;
}


static void
done(void)
{
    quic_recovery_done(&r);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static uint64_t
send_frames(quic_space_e space, ngx_uint_t eliciting, ngx_uint_t in_flight,
    ngx_uint_t nframes, size_t size)
{
    uint64_t            pn;
    quic_sent_frame_t  *f;

    assert_int_equal(quic_recovery_next_pn(&r, space, &pn), NGX_OK);
    assert_int_equal(quic_sent_open(&r.space[space].sent), NGX_OK);

    while (nframes--) {
        f = quic_sent_frame(&r.space[space].sent);
        f->id = pn;
        f->offset = space;
    }

    quic_recovery_sent(&r, space, size, eliciting, in_flight, now);

    return pn;
}


static uint64_t
put(quic_space_e space)
{
    return send_frames(space, 1, 1, 1, MTU);
}


static void
put_many(ngx_uint_t n)
{
    while (n--) {
        (void) put(APP);
    }
}


/* an ACK of "n" ascending ranges, as it comes from the wire */

static ngx_int_t
ack_ranges(quic_space_e space, uint64_t delay, ngx_uint_t n,
    quic_range_t *ranges)
{
    u_char         *end;
    u_char          buf[1024];
    uint64_t        error;
    const char     *text;
    quic_frame_t    f;
    quic_cursor_t   c;

    end = quic_frame_write_ack(buf, buf + sizeof(buf), ranges, n, 0, NULL);
    assert_non_null(end);

    quic_cursor_init(&c, buf, end - buf);
    assert_int_equal(quic_frame_parse(&c, &f, &error, &text), NGX_OK);

    reason = NULL;

    return quic_recovery_ack(&r, space, &f.u.ack, delay, now, &reason);
}


/* both included */

static ngx_int_t
ack(quic_space_e space, uint64_t first, uint64_t last, uint64_t delay)
{
    quic_range_t  range;

    range.start = first;
    range.end = last + 1;

    return ack_ranges(space, delay, 1, &range);
}


static void
ack_ok(quic_space_e space, uint64_t first, uint64_t last)
{
    assert_int_equal(ack(space, first, last, 0), NGX_OK);
}


static void
assert_timeout(quic_timeout_e what, quic_space_e where)
{
    quic_space_e  space;

    now = quic_recovery_deadline(&r);
    assert_int_equal(quic_recovery_timeout(&r, &space, now), what);
    assert_int_equal(space, where);
}


static void
assert_no_timeout(void)
{
    quic_space_e  space;

    assert_int_equal(quic_recovery_timeout(&r, &space, now),
                     QUIC_TIMEOUT_NONE);
}


/* 5.1 */

static void
test_rtt_samples(void **state)
{
    init();
    put_many(4);

    now += 50 * MS;
    ack_ok(APP, 1, 1);
    assert_int_equal(r.rtt.latest, 50 * MS);
    assert_int_equal(r.first_sample, now);

    /* the largest isn't new */

    now += MS;
    ack_ok(APP, 0, 1);
    assert_int_equal(r.rtt.latest, 50 * MS);

    /* nothing new is ack-eliciting */

    send_frames(APP, 0, 0, 1, 50);
    ack_ok(APP, 4, 4);
    assert_int_equal(r.rtt.latest, 50 * MS);

    /* it need not be the largest that is */

    send_frames(APP, 0, 0, 1, 50);
    now += 2 * MS;
    ack_ok(APP, 2, 5);
    assert_int_equal(r.rtt.latest, 2 * MS);

    done();
}


/* 5.3 */

static void
test_ack_delay(void **state)
{
    init();
    r.max_ack_delay = 20 * MS;

    put(INITIAL);
    now += 100 * MS;
    ack_ok(INITIAL, 0, 0);

    /* Initial: ignored */

    put(INITIAL);
    now += 180 * MS;
    assert_int_equal(ack(INITIAL, 1, 1, 80 * MS), NGX_OK);
    assert_int_equal(r.rtt.smoothed, 110 * MS);

    /* before the handshake is confirmed: all of it */

    put(HSHAKE);
    now += 190 * MS;
    assert_int_equal(ack(HSHAKE, 0, 0, 80 * MS), NGX_OK);
    assert_int_equal(r.rtt.smoothed, 110 * MS);

    put(APP);
    now += 190 * MS;
    assert_int_equal(ack(APP, 0, 0, 80 * MS), NGX_OK);
    assert_int_equal(r.rtt.smoothed, 110 * MS);

    /* afterwards no more than max_ack_delay */

    r.handshake_confirmed = 1;
    put(APP);
    now += 210 * MS;
    assert_int_equal(ack(APP, 1, 1, 80 * MS), NGX_OK);
    assert_int_equal(r.rtt.smoothed, (7 * 110 + 190) * MS / 8);

    done();
}


/* 6.1.1 */

static void
test_packet_threshold(void **state)
{
    init_established();
    put_many(6);

    now += 100 * MS;
    ack_ok(APP, 2, 2);
    assert_int_equal(lost_total, 0);

    ack_ok(APP, 3, 3);
    assert_int_equal(lost_total, 1);
    assert_int_equal(lost_count[0], 1);
    assert_int_equal(r.packets_lost, 1);

    /* 5 is 3 above 2, which is acked; 4 is 1 below */

    ack_ok(APP, 5, 5);
    assert_int_equal(lost_total, 2);
    assert_int_equal(lost_count[1], 1);
    assert_int_equal(lost_count[4], 0);
    assert_int_equal(r.in_flight, MTU);
    assert_int_equal(r.space[APP].eliciting, 1);

    done();
}


/* the note of A.10: gaps that we make don't count */

static void
test_packet_threshold_and_skipped(void **state)
{
    init_established();

    put_many(2);
    r.space[APP].skip = 2;
    put_many(1);
    r.space[APP].skip = UINT64_MAX;
    put_many(2);

    now += 100 * MS;

    /* 0 1 (2) 3 4 5 */

    ack_ok(APP, 3, 3);
    assert_int_equal(lost_total, 0);
    ack_ok(APP, 4, 4);
    assert_int_equal(lost_total, 1);
    assert_int_equal(lost_count[0], 1);
    ack_ok(APP, 5, 5);
    assert_int_equal(lost_count[1], 1);

    done();
}


/* 6.1.2 */

static void
test_time_threshold(void **state)
{
    uint64_t  sent;

    init_established();
    sent = now;
    put_many(1);
    now += 10 * MS;
    put_many(2);

    now += 100 * MS;
    ack_ok(APP, 1, 1);
    assert_int_equal(lost_total, 0);

    /* 9/8 of the RTT; instead of a PTO, though 2 is in flight */

    assert_int_equal(quic_recovery_deadline(&r), sent + 112500);
    now = sent + 112499;
    assert_no_timeout();

    assert_timeout(QUIC_TIMEOUT_LOSS, APP);
    assert_int_equal(lost_total, 1);
    assert_int_equal(lost_count[0], 1);
    assert_int_equal(r.pto_count, 0);
    assert_true(quic_recovery_deadline(&r) > now);

    done();
}


static void
test_time_threshold_at_ack(void **state)
{
    init_established();
    put_many(1);
    now += 20 * MS;
    put_many(1);

    now += 100 * MS;
    ack_ok(APP, 1, 1);
    assert_int_equal(lost_count[0], 1);
    assert_int_equal(r.in_flight, 0);

    done();
}


/* the RTT has grown after the timer was computed: nothing is lost yet */

static void
test_loss_timer_of_another_rtt(void **state)
{
    init_established();
    put_many(2);
    now += 50 * MS;
    put(HSHAKE);

    now += 50 * MS;
    ack_ok(APP, 1, 1);

    now += 11 * MS;
    r.rtt.smoothed = 150 * MS;

    now = quic_recovery_deadline(&r);
    assert_no_timeout();
    assert_int_equal(lost_total, 0);
    assert_true(quic_recovery_deadline(&r) > now);

    assert_timeout(QUIC_TIMEOUT_LOSS, APP);
    assert_int_equal(lost_total, 1);

    done();
}


/* 6.2.1 */

static void
test_pto(void **state)
{
    uint64_t  pto;

    init_established();
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);

    put_many(1);
    pto = 100 * MS + 40 * MS + 25 * MS;
    assert_int_equal(quic_recovery_pto(&r, APP), pto);
    assert_int_equal(quic_recovery_deadline(&r), now + pto);

    /* restarts with what is sent */

    now += 50 * MS;
    put_many(1);
    assert_int_equal(quic_recovery_deadline(&r), now + pto);

    /* not with what asks for no ACK */

    now += 50 * MS;
    send_frames(APP, 0, 1, 1, 50);
    assert_int_equal(quic_recovery_deadline(&r), now - 50 * MS + pto);

    /* doubles, and declares nothing lost */

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    assert_int_equal(r.pto_count, 1);
    put_many(1);
    assert_int_equal(quic_recovery_deadline(&r), now + 2 * pto);

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    put_many(2);
    assert_int_equal(quic_recovery_deadline(&r), now + 4 * pto);
    assert_int_equal(lost_total, 0);

    /* an ACK resets it */

    now += 100 * MS;
    ack_ok(APP, r.space[APP].sent.next - 2, r.space[APP].sent.next - 2);
    assert_int_equal(r.pto_count, 0);

    done();
}


static void
test_pto_backoff_is_bounded(void **state)
{
    ngx_uint_t  i;

    init_established();
    put_many(1);

    for (i = 0; i < 100; i++) {
        assert_true(quic_recovery_deadline(&r) < UINT64_MAX / 2);
        assert_timeout(QUIC_TIMEOUT_PTO, APP);
    }

    done();
}


/* 6.2.1: the earlier one of Initial and Handshake, and no max_ack_delay */

static void
test_pto_of_spaces(void **state)
{
    uint64_t      pto, sent;
    quic_space_e  space;

    init();
    pto = 999 * MS;

    put(APP);
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);

    now += MS;
    sent = now;
    put(INITIAL);
    now += MS;
    put(HSHAKE);
    now += MS;
    put(APP);
    assert_int_equal(quic_recovery_deadline(&r), sent + pto);
    assert_timeout(QUIC_TIMEOUT_PTO, INITIAL);

    /* the backoff is of all spaces */

    assert_int_equal(quic_recovery_deadline(&r), sent + 2 * pto);
    put(INITIAL);
    assert_int_equal(quic_recovery_deadline(&r), sent + MS + 2 * pto);
    assert_timeout(QUIC_TIMEOUT_PTO, HSHAKE);
    put(HSHAKE);

    /* 6.4: discarded keys reset it */

    quic_recovery_discard(&r, INITIAL);
    assert_int_equal(r.pto_count, 0);
    assert_int_equal(quic_recovery_deadline(&r), now + pto);

    /* confirmed: the 1-RTT packet's comes first */

    r.handshake_confirmed = 1;
    assert_int_equal(quic_recovery_deadline(&r),
                     sent + 2 * MS + pto + r.max_ack_delay);
    assert_int_equal(quic_recovery_timeout(&r, &space, now),
                     QUIC_TIMEOUT_PTO);
    assert_int_equal(space, APP);

    done();
}


/* 6.2.2.1 */

static void
test_amplification_limit(void **state)
{
    uint64_t  deadline;

    init();
    put(INITIAL);
    deadline = quic_recovery_deadline(&r);
    assert_int_equal(deadline, now + 999 * MS);

    r.amplification_limited = 1;
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);
    now += 2 * SECOND;
    assert_no_timeout();

    /* a datagram has come: the time is past */

    r.amplification_limited = 0;
    assert_int_equal(quic_recovery_deadline(&r), deadline);
    assert_timeout(QUIC_TIMEOUT_PTO, INITIAL);

    done();
}


/* 6.2.1: what a client does that isn't sure */

static void
test_peer_not_validated(void **state)
{
    init();
    r.peer_validated = 0;

    put(INITIAL);
    assert_timeout(QUIC_TIMEOUT_PTO, INITIAL);
    put(INITIAL);

    now += 100 * MS;
    ack_ok(INITIAL, 0, 1);
    assert_int_equal(r.pto_count, 1);

    r.peer_validated = 1;
    put(HSHAKE);
    ack_ok(HSHAKE, 0, 0);
    assert_int_equal(r.pto_count, 0);

    done();
}


/* 6.2.4: a gap makes the peer acknowledge a probe at once */

static void
test_probe_skips_a_number(void **state)
{
    init_established();
    put_many(3);
    assert_timeout(QUIC_TIMEOUT_PTO, APP);

    assert_int_equal(put(APP), 4);
    assert_true(r.space[APP].skip > 5);
    assert_int_equal(ack(APP, 3, 4, 0), NGX_ERROR);
    assert_int_equal(ack(APP, 4, 4, 0), NGX_OK);

    /* not in the other spaces: these aren't delayed anyway */

    put(HSHAKE);
    assert_timeout(QUIC_TIMEOUT_PTO, HSHAKE);
    assert_int_equal(put(HSHAKE), 1);

    done();
}


/* RFC 9000, 13.1: never sent, and with it all that is true as well */

static void
assert_refused(quic_range_t *ranges, ngx_uint_t n, const char *text)
{
    quic_recovery_t  before;

    before = r;
    assert_int_equal(ack_ranges(APP, 0, n, ranges), NGX_ERROR);
    assert_string_equal(reason, text);
    assert_memory_equal(&before, &r, sizeof(quic_recovery_t));
    assert_int_equal(acked_total, 0);
    assert_int_equal(lost_total, 0);
}


static void
test_ack_of_unsent(void **state)
{
    quic_range_t  ranges[] = { { 0, 1 }, { 2, 5 } };
    quic_range_t  far[] = { { 0, 1 }, { QUIC_VARINT_MAX, QUIC_VARINT_MAX + 1 } };

    init_established();
    put_many(4);

    assert_refused(ranges, 2, "ACK of a packet that was never sent");
    assert_refused(far, 2, "ACK of a packet that was never sent");

    /* it is being written, but not sent */

    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_OK);
    assert_refused(ranges, 2, "ACK of a packet that was never sent");
    quic_sent_cancel(&r.space[APP].sent);

    put_many(1);
    assert_int_equal(ack_ranges(APP, 0, 2, ranges), NGX_OK);

    /* nothing was ever sent there */

    assert_int_equal(ack(HSHAKE, 0, 0, 0), NGX_ERROR);

    done();
}


static void
test_ack_of_skipped(void **state)
{
    quic_range_t  ranges[] = { { 0, 3 }, { 4, 6 } };
    const char   *text = "ACK of a packet number that was skipped";

    init_established();
    r.space[APP].skip = 1;
    put_many(1);
    assert_int_equal(put(APP), 2);
    r.space[APP].skip = UINT64_MAX;
    put_many(3);

    /* 0 (1) 2 3 4 5 */

    assert_refused(ranges, 2, text);
    assert_refused(&ranges[0], 1, text);

    ranges[0].start = 1;
    ranges[0].end = 2;
    assert_refused(ranges, 2, text);

    /* still known when its neighbours are acked */

    assert_int_equal(ack(APP, 2, 5, 0), NGX_OK);
    assert_int_equal(ack(APP, 0, 0, 0), NGX_OK);
    assert_int_equal(ack(APP, 0, 5, 0), NGX_ERROR);
    assert_int_equal(ack(APP, 1, 5, 0), NGX_ERROR);

    done();
}


/* it is there when what precedes it has been acked, however long ago */

static void
test_ack_of_skipped_before_new_packets(void **state)
{
    init_established();
    put_many(1);
    now += 100 * MS;
    ack_ok(APP, 0, 0);

    now += 10 * SECOND;
    r.space[APP].skip = 1;
    put_many(1);
    r.space[APP].skip = UINT64_MAX;
    put_many(2);
    now += 10 * SECOND;

    assert_int_equal(ack(APP, 0, 4, 0), NGX_ERROR);
    assert_int_equal(ack(APP, 2, 4, 0), NGX_OK);

    done();
}


static void
test_skips_by_chance(void **state)
{
    uint64_t    pn, expected;
    ngx_uint_t  skipped, early, run;

    for (run = 0, early = 0, skipped = 0; run < 50; run++) {
        init_established();
        r.space[APP].skip = 0;
        quic_recovery_init(&r, &mem, &quic_cc_newreno, MTU, &ops, &r, now);
        assert_in_range(r.space[APP].skip, 1, 256);

        for (expected = 0; expected < 5000; expected++) {
            pn = put(APP);

            if (pn != expected) {
                assert_int_equal(pn, expected + 1);
                assert_true(expected > 0);
                skipped++;
                early += expected < 300;
                expected = pn;
            }

            ack_ok(APP, pn, pn);
        }

        assert_int_equal(put(INITIAL), 0);
        assert_int_equal(put(INITIAL), 1);
        done();
    }

    /* two or three in the first 300, about seven in the next 4700 */

    assert_in_range(early, 50, 50 * 6);
    assert_in_range(skipped, 50 * 4, 50 * 20);
}


/* A.1: an ACK that comes after all */

static void
test_spurious_loss(void **state)
{
    init_established();
    put_many(5);

    now += 100 * MS;
    ack_ok(APP, 3, 3);
    assert_int_equal(lost_count[0], 1);

    now += 10 * MS;
    ack_ok(APP, 0, 3);
    assert_int_equal(acked_count[0], 1);
    assert_int_equal(acked_count[1], 1);
    assert_int_equal(r.packets_spurious, 1);
    assert_int_equal(r.packets_lost, 1);
    assert_int_equal(r.packets_acked, 3);
    assert_int_equal(r.in_flight, MTU);

    /* said again, it is no news */

    ack_ok(APP, 0, 3);
    assert_int_equal(acked_count[0], 1);
    assert_int_equal(r.packets_spurious, 1);

    done();
}


/* a lost packet is remembered for a PTO */

static void
test_late_ack(void **state)
{
    ngx_uint_t  late;

    for (late = 0; late < 2; late++) {
        init_established();
        put_many(1);
        now += 10 * SECOND;
        put_many(1);

        now += 100 * MS;
        ack_ok(APP, 1, 1);
        assert_int_equal(lost_count[0], 1);

        now += quic_recovery_pto(&r, APP) - 1 + late;
        send_frames(APP, 0, 0, 0, 40);
        ack_ok(APP, 0, 1);

        assert_int_equal(r.packets_spurious, !late);
        assert_int_equal(acked_count[0], !late);

        done();
    }
}


static void
test_lost_is_forgotten(void **state)
{
    init_established();
    put_many(200);

    now += 100 * MS;
    ack_ok(APP, 100, 199);
    assert_int_equal(lost_total, 100);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(r.space[APP].sent.first, 0);

    /* an idle connection gives all of it back */

    assert_int_equal(quic_recovery_deadline(&r),
                     now + quic_recovery_pto(&r, APP));
    now = quic_recovery_deadline(&r);
    assert_no_timeout();
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);
    assert_int_equal(r.space[APP].sent.first, 200);
    assert_int_equal(mem.used, 0);

    ack_ok(APP, 0, 199);
    assert_int_equal(r.packets_spurious, 0);
    assert_int_equal(acked_total, 100);

    done();
}


/* a receiver of data sends nothing but ACKs, which nobody acknowledges */

static void
test_only_acks(void **state)
{
    ngx_uint_t  i;

    init_established();
    put_many(1);
    ack_ok(APP, 0, 0);

    for (i = 0; i < 100000; i++) {
        send_frames(APP, 0, 0, 1, 40);
        now += MS;
    }

    assert_int_equal(r.in_flight, 0);
    assert_true(r.space[APP].sent.size <= 512);

    /* with the next eliciting packet some are acked, and none is lost */

    put_many(1);
    now += 100 * MS;
    ack_ok(APP, r.space[APP].sent.next - 101, r.space[APP].sent.next - 1);
    assert_int_equal(acked_total, 102);
    assert_int_equal(lost_total, 0);

    now = quic_recovery_deadline(&r);
    assert_no_timeout();
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);

    done();
}


/* 7.3.2: one packet goes on entering recovery */

static void
test_congestion(void **state)
{
    init_established();
    put_many(10);
    assert_int_equal(quic_recovery_room(&r), 0);

    now += 100 * MS;
    ack_ok(APP, 3, 3);
    assert_int_equal(r.cc.window, 5 * MTU);
    assert_int_equal(r.in_flight, 8 * MTU);
    assert_int_equal(quic_recovery_room(&r), MTU);

    put_many(1);
    assert_int_equal(quic_recovery_room(&r), 0);

    /* the same round trip */

    ack_ok(APP, 5, 5);
    assert_int_equal(lost_total, 3);
    assert_int_equal(r.cc.window, 5 * MTU);
    assert_int_equal(quic_recovery_room(&r), 0);

    done();
}


/* the pacer follows the window and the RTT, and isn't asked for ACKs */

static void
test_pacing(void **state)
{
    uint64_t  room;

    init();
    assert_int_equal(r.pacer.rate, 20 * MTU * SECOND / 333000);
    assert_int_equal(quic_pacer_room(&r.pacer, now), 10 * MTU);

    send_frames(APP, 0, 0, 1, 50);
    assert_int_equal(quic_pacer_room(&r.pacer, now), 10 * MTU);

    put(APP);
    assert_int_equal(quic_pacer_room(&r.pacer, now), 9 * MTU);

    now += 100 * MS;
    room = quic_pacer_room(&r.pacer, now);
    assert_true(room > 9 * MTU);
    ack_ok(APP, 0, 1);
    assert_int_equal(r.pacer.rate, 22 * MTU * 10);

    quic_recovery_set_mtu(&r, 1400, now);
    assert_int_equal(r.cc.mtu, 1400);
    assert_int_equal(r.pacer.burst, 14000);

    done();
}


/* 7.8 */

static void
test_app_limited(void **state)
{
    init_established();

    /* the window is in use */

    put_many(10);
    quic_recovery_app_limited(&r);
    now += 100 * MS;
    ack_ok(APP, 0, 9);
    assert_int_equal(r.cc.window, 20 * MTU);

    /* not here */

    put_many(10);
    quic_recovery_app_limited(&r);
    now += 100 * MS;
    ack_ok(APP, 10, 19);
    assert_int_equal(r.cc.window, 20 * MTU);

    /* a pause, then more data: what is sent now has filled the window */

    now += SECOND;
    put_many(20);
    assert_true(quic_sent_get(&r.space[APP].sent, 20)->app_limited);
    now += 100 * MS;
    ack_ok(APP, 20, 39);
    assert_int_equal(r.cc.window, 40 * MTU);
    assert_int_equal(r.app_limited, 0);

    /* data comes again before all is acked: not until that is */

    put_many(10);
    quic_recovery_app_limited(&r);
    put_many(30);
    now += 100 * MS;
    ack_ok(APP, 40, 49);
    assert_int_equal(r.cc.window, 40 * MTU);
    ack_ok(APP, 50, 79);
    assert_int_equal(r.cc.window, 70 * MTU);

    done();
}


/*
 * 7.6.3: packets at these seconds, #1 is 0 here.  The PTO is 2 s, so that the
 * losses have to span more than 6 s.
 */

static void
persistent_congestion(ngx_uint_t acked_between)
{
    uint64_t    start;
    ngx_uint_t  i;

    static const uint64_t  times[] = { 0, 1, 2, 3, 4, 5, 6, 8, 12 };

    init_established();
    r.max_ack_delay = 300 * MS;
    start = now;

    for (i = 0; i < test_array_len(times); i++) {
        now = start + times[i] * SECOND;

        if (i == 2) {
            now = start + 1200 * MS;
            ack_ok(APP, 0, 0);
            now = start + 2 * SECOND;
        }

        put(APP);
    }

    if (acked_between) {
        assert_int_equal(ack(APP, acked_between, acked_between, 0), NGX_OK);
    }

    /* such that the PTO is 2 s when the sample of the last ACK is in */

    r.rtt.min = 100 * MS;
    r.rtt.smoothed = 200 * MS;
    r.rtt.var = 500 * MS;
    r.cc.window = 20 * MTU;

    now = start + 12200 * MS;
    ack_ok(APP, 8, 8);
    assert_int_equal(quic_recovery_pto(&r, APP), 2 * SECOND);
}


static void
test_persistent_congestion(void **state)
{
    persistent_congestion(0);

    assert_int_equal(lost_total, 7);
    assert_int_equal(r.cc.window, 3 * MTU);
    assert_int_equal(r.cc.ssthresh, 10 * MTU);

    /* 5.2: starts again from the latest sample */

    assert_int_equal(r.rtt.min, 200 * MS);

    done();
}


static void
test_no_persistent_congestion(void **state)
{
    ngx_uint_t  i;

    /* one of them has arrived */

    for (i = 3; i < 7; i++) {
        persistent_congestion(i);
        assert_int_equal(lost_total, 6);
        assert_true(r.cc.window >= 5 * MTU);
        assert_int_equal(r.rtt.min, 100 * MS);
        done();
    }
}


/* 7.6.2: a prior sample when they were sent; ack-eliciting; more than that */

static void
test_conditions_of_persistent_congestion(void **state)
{
    uint64_t    duration, gap;
    ngx_uint_t  i, collapsed;

    for (i = 0; i < 5; i++) {

        init_established();
        duration = 3 * (100 * MS + 40 * MS + 25 * MS);
        gap = (i == 1) ? duration : duration + 1;

        if (i == 2) {
            r.first_sample = now;
        }

        send_frames(APP, i != 3, 1, 1, MTU);
        now += gap;
        put_many(1);

        if (i == 4) {
            quic_sent_get(&r.space[APP].sent, 1)->mtu_probe = 1;
        }

        now += gap;
        put_many(1);
        r.rtt.var = 13334;                 /* 10 ms with the next sample */
        now += 100 * MS;
        ack_ok(APP, 2, 2);

        assert_int_equal(r.rtt.var, 10 * MS);
        assert_int_equal(lost_total, 2);

        collapsed = (r.cc.window < r.cc.ssthresh);
        assert_int_equal(collapsed, i == 0);
        done();
    }
}


/* the losses of one period may be found one after the other */

static void
test_persistent_congestion_in_pieces(void **state)
{
    init_established();
    put_many(1);
    now += 400 * MS;
    put_many(1);
    now += 400 * MS;
    put_many(1);
    put_many(1);

    now += 50 * MS;
    ack_ok(APP, 3, 3);
    assert_int_equal(lost_total, 2);
    assert_true(r.cc.window > 2 * MTU);

    assert_timeout(QUIC_TIMEOUT_LOSS, APP);
    assert_int_equal(lost_total, 3);
    assert_int_equal(r.cc.window, 2 * MTU);

    /* the same with a late ACK of the middle one */

    done();
    init_established();
    put_many(1);
    now += 400 * MS;
    put_many(1);
    now += 400 * MS;
    put_many(2);

    now += 50 * MS;
    ack_ok(APP, 3, 3);
    ack_ok(APP, 1, 1);
    assert_int_equal(r.packets_spurious, 1);
    assert_timeout(QUIC_TIMEOUT_LOSS, APP);
    assert_int_equal(lost_total, 3);
    assert_true(r.cc.window > 2 * MTU);

    done();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rtt_samples),
        cmocka_unit_test(test_ack_delay),
        cmocka_unit_test(test_packet_threshold),
        cmocka_unit_test(test_packet_threshold_and_skipped),
        cmocka_unit_test(test_time_threshold),
        cmocka_unit_test(test_time_threshold_at_ack),
        cmocka_unit_test(test_loss_timer_of_another_rtt),
        cmocka_unit_test(test_pto),
        cmocka_unit_test(test_pto_backoff_is_bounded),
        cmocka_unit_test(test_pto_of_spaces),
        cmocka_unit_test(test_amplification_limit),
        cmocka_unit_test(test_peer_not_validated),
        cmocka_unit_test(test_probe_skips_a_number),
        cmocka_unit_test(test_ack_of_unsent),
        cmocka_unit_test(test_ack_of_skipped),
        cmocka_unit_test(test_ack_of_skipped_before_new_packets),
        cmocka_unit_test(test_skips_by_chance),
        cmocka_unit_test(test_spurious_loss),
        cmocka_unit_test(test_late_ack),
        cmocka_unit_test(test_lost_is_forgotten),
        cmocka_unit_test(test_only_acks),
        cmocka_unit_test(test_congestion),
        cmocka_unit_test(test_pacing),
        cmocka_unit_test(test_app_limited),
        cmocka_unit_test(test_persistent_congestion),
        cmocka_unit_test(test_no_persistent_congestion),
        cmocka_unit_test(test_conditions_of_persistent_congestion),
        cmocka_unit_test(test_persistent_congestion_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
