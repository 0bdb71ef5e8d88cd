
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

/* what is known of each packet: reports, in frames; the rest is the model's */

typedef struct {
    uint64_t    sent;
    uint64_t    lost_at;
    uint64_t    frames;
    uint64_t    size;
    ngx_uint_t  acked;                   /* reports */
    ngx_uint_t  lost;
    ngx_uint_t  want_acked;              /* what these have to be */
    ngx_uint_t  want_lost;
    int         state;
    unsigned    eliciting:1;
} packet_t;

static packet_t         packets[QUIC_SPACES][PACKETS];
static ngx_uint_t       acked_total, lost_total;


static void
on_acked(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    assert_ptr_equal(data, &r);
    assert_int_equal(frame->offset, space);

    acked_total++;

    if (frame->id < PACKETS) {
        packets[space][frame->id].acked++;
    }
}


static void
on_lost(void *data, quic_space_e space, quic_sent_frame_t *frame)
{
    assert_ptr_equal(data, &r);
    assert_int_equal(frame->offset, space);

    lost_total++;

    if (frame->id < PACKETS) {
        packets[space][frame->id].lost++;
    }
}


static const quic_recovery_ops_t  ops = { on_acked, on_lost };


static void
init(void)
{
    ngx_memzero(packets, sizeof(packets));
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
send_frames(quic_space_e space, ngx_uint_t eliciting, ngx_uint_t nframes,
    size_t size)
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

    quic_recovery_sent(&r, space, size, eliciting, now);

    return pn;
}


static uint64_t
put(quic_space_e space)
{
    return send_frames(space, 1, 1, MTU);
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


/* with counts of ECN */

static void
ack_ecn(uint64_t last, uint64_t ect0, uint64_t ect1, uint64_t ce)
{
    quic_frame_ack_t  ack;

    ngx_memzero(&ack, sizeof(quic_frame_ack_t));

    ack.largest = last;
    ack.ect0 = ect0;
    ack.ect1 = ect1;
    ack.ce = ce;

    assert_int_equal(quic_recovery_ack(&r, APP, &ack, 0, now, &reason),
                     NGX_OK);
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

    send_frames(APP, 0, 1, 50);
    ack_ok(APP, 4, 4);
    assert_int_equal(r.rtt.latest, 50 * MS);

    /* it need not be the largest that is */

    send_frames(APP, 0, 1, 50);
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
    assert_int_equal(packets[APP][0].lost, 1);
    assert_int_equal(r.packets_lost, 1);

    /* 5 is 3 above 2, which is acked; 4 is 1 below */

    ack_ok(APP, 5, 5);
    assert_int_equal(lost_total, 2);
    assert_int_equal(packets[APP][1].lost, 1);
    assert_int_equal(packets[APP][4].lost, 0);
    assert_int_equal(r.in_flight, MTU);
    assert_int_equal(r.space[APP].eliciting, 1);

    done();
}


/* 6.1.1: a path that reorders gets more time, and another one doesn't */

static void
test_adaptive_threshold(void **state)
{
    ngx_uint_t  i;

    init_established();
    put_many(4);

    ack_ok(APP, 3, 3);
    assert_int_equal(r.packets_lost, 1);
    ack_ok(APP, 0, 3);
    assert_int_equal(r.packets_spurious, 1);

    put_many(5);
    ack_ok(APP, 7, 7);
    assert_int_equal(r.packets_lost, 1);
    ack_ok(APP, 8, 8);
    assert_int_equal(r.packets_lost, 2);

    for (i = 0; i < 200; i++) {
        put_many(QUIC_MAX_PACKET_THRESHOLD + 1);
        ack_ok(APP, r.space[APP].sent.next - 1, r.space[APP].sent.next - 1);
        ack_ok(APP, 4, r.space[APP].sent.next - 1);
    }

    assert_int_equal(r.threshold, QUIC_MAX_PACKET_THRESHOLD);

    quic_recovery_new_path(&r, MTU, now);
    assert_int_equal(r.threshold, 3);

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
    assert_int_equal(packets[APP][0].lost, 1);
    ack_ok(APP, 5, 5);
    assert_int_equal(packets[APP][1].lost, 1);

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
    assert_int_equal(packets[APP][0].lost, 1);
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
    assert_int_equal(packets[APP][0].lost, 1);
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
    uint64_t  pn, pto;

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
    send_frames(APP, 0, 1, 50);
    assert_int_equal(quic_recovery_deadline(&r), now - 50 * MS + pto);

    /* doubles, and declares nothing lost */

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    assert_int_equal(r.pto_count, 1);
    put_many(1);
    assert_int_equal(quic_recovery_deadline(&r), now + 2 * pto);

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    pn = put(APP);
    put_many(1);
    assert_int_equal(quic_recovery_deadline(&r), now + 4 * pto);
    assert_int_equal(lost_total, 0);

    /* an ACK resets it */

    now += 100 * MS;
    ack_ok(APP, pn, pn);
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
    assert_true(r.space[APP].skip > 4);
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
    quic_range_t  far[] = { { 0, 1 }, { 1ULL << 61, (1ULL << 61) + 1 } };

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
    assert_int_equal(packets[APP][0].lost, 1);

    now += 10 * MS;
    ack_ok(APP, 0, 3);
    assert_int_equal(packets[APP][0].acked, 1);
    assert_int_equal(packets[APP][1].acked, 1);
    assert_int_equal(r.packets_spurious, 1);
    assert_int_equal(r.packets_lost, 1);
    assert_int_equal(r.packets_acked, 3);
    assert_int_equal(r.in_flight, MTU);

    /* said again, it is no news */

    assert_int_equal(ack(APP, 0, 3, 0), NGX_DECLINED);
    assert_int_equal(packets[APP][0].acked, 1);
    assert_int_equal(r.packets_spurious, 1);

    done();
}


/* RFC 9438, 4.9.2: the window comes back, and with it the rate, at once */

static void
test_spurious_undo(void **state)
{
    uint64_t  rate;

    init_established();
    quic_cc_init(&r.cc, &quic_cc_cubic, MTU, now);
    put_many(10);

    now += 100 * MS;
    ack_ok(APP, 4, 4);
    assert_int_equal(lost_total, 2);
    assert_int_equal(r.cc.window, 7 * MTU);
    rate = r.pacer.rate;

    now += 10 * MS;
    ack_ok(APP, 0, 0);
    assert_int_equal(r.cc.window, 7 * MTU);

    ack_ok(APP, 1, 1);
    assert_int_equal(r.cc.window, 10 * MTU);
    assert_int_equal(r.cc.recovery_start, 0);
    assert_int_equal(r.packets_spurious, 2);
    assert_true(r.pacer.rate > rate);

    done();
}


/* what didn't count as a loss can't make up for one */

static void
test_spurious_without_undo(void **state)
{
    init_established();
    quic_cc_init(&r.cc, &quic_cc_cubic, MTU, now);
    put_many(10);
    quic_sent_get(&r.space[APP].sent, 1)->mtu_probe = 1;

    now += 100 * MS;
    ack_ok(APP, 4, 4);
    assert_int_equal(lost_total, 2);

    ack_ok(APP, 1, 1);
    assert_int_equal(r.packets_spurious, 1);
    assert_int_equal(r.cc.window, 7 * MTU);

    ack_ok(APP, 0, 0);
    assert_int_equal(r.cc.window, 10 * MTU);

    /* of the path before */

    r.threshold = 3;
    now += 100 * MS;
    ack_ok(APP, 9, 9);
    assert_int_equal(lost_total, 6);

    quic_recovery_new_path(&r, MTU, now);
    put_many(4);
    now += 100 * MS;
    ack_ok(APP, 13, 13);
    assert_int_equal(r.cc.window, 7 * MTU);

    ack_ok(APP, 5, 6);
    assert_int_equal(r.packets_spurious, 4);
    assert_int_equal(r.cc.window, 7 * MTU);

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
        assert_int_equal(packets[APP][0].lost, 1);

        now += quic_recovery_pto(&r, APP) - 1 + late;
        send_frames(APP, 0, 0, 40);
        assert_int_equal(ack(APP, 0, 1, 0), late ? NGX_DECLINED : NGX_OK);

        assert_int_equal(r.packets_spurious, !late);
        assert_int_equal(packets[APP][0].acked, !late);

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

    assert_int_equal(ack(APP, 0, 199, 0), NGX_DECLINED);
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
        send_frames(APP, 0, 1, 40);
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

    /* part of a datagram is room for one, and for no more */

    r.cc.window = r.in_flight + 1;
    assert_int_equal(quic_recovery_room(&r), MTU);

    r.cc.window = r.in_flight + MTU;
    assert_int_equal(quic_recovery_room(&r), MTU);

    r.cc.window = r.in_flight;
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

    send_frames(APP, 0, 1, 50);
    assert_int_equal(quic_pacer_room(&r.pacer, now), 10 * MTU);

    put(APP);
    assert_int_equal(quic_pacer_room(&r.pacer, now), 9 * MTU);

    now += 100 * MS;
    room = quic_pacer_room(&r.pacer, now);
    assert_true(room > 9 * MTU);
    ack_ok(APP, 0, 1);
    assert_int_equal(r.pacer.rate, 22 * MTU * 10);

    send_frames(APP, 1, 0, 1400);
    quic_recovery_mtu_probe(&r);
    now += 100 * MS;
    ack_ok(APP, 2, 2);
    assert_int_equal(r.cc.mtu, 1400);
    assert_int_equal(r.pacer.burst, 14000);

    quic_recovery_too_large(&r, 1400, now);
    assert_int_equal(r.cc.mtu, MTU);
    assert_int_equal(r.pacer.burst, 12000);

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
    assert_int_equal(r.rate.app_limited, 0);

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

        send_frames(APP, i != 3, 1, MTU);
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
        assert_int_equal(lost_total, i == 3 ? 1 : 2);

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


/* 6.4 */

static void
test_discard(void **state)
{
    init();
    put(INITIAL);
    put(INITIAL);
    put(INITIAL);
    send_frames(INITIAL, 0, 1, 50);
    put(HSHAKE);
    put(INITIAL);

    now += 100 * MS;
    ack_ok(INITIAL, 4, 4);
    assert_int_equal(lost_total, 2);
    assert_int_equal(r.in_flight, 2 * MTU);
    assert_true(r.space[INITIAL].loss_time != 0);

    quic_recovery_discard(&r, INITIAL);
    assert_int_equal(r.in_flight, MTU);
    assert_int_equal(r.space[INITIAL].eliciting, 0);
    assert_int_equal(lost_total, 2);
    assert_int_equal(acked_total, 1);
    assert_timeout(QUIC_TIMEOUT_PTO, HSHAKE);

    quic_recovery_discard(&r, HSHAKE);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(quic_recovery_deadline(&r), UINT64_MAX);
    assert_int_equal(mem.used, 0);

    done();
}


/* what a probe repeats: the oldest packets that ask for an ACK, two of them */

static void
test_repeat(void **state)
{
    init_established();

    assert_int_equal(quic_recovery_repeat(&r, APP), 0);

    send_frames(APP, 0, 1, 50);
    put_many(5);
    now += 100 * MS;
    ack_ok(APP, 1, 1);
    ack_ok(APP, 3, 3);

    assert_int_equal(quic_recovery_repeat(&r, APP), 2);
    assert_int_equal(lost_total, 2);
    assert_int_equal(packets[APP][2].lost, 1);
    assert_int_equal(packets[APP][4].lost, 1);

    /* it changes nothing about them, and may be done again */

    assert_int_equal(r.in_flight, 3 * MTU);
    assert_int_equal(r.space[APP].eliciting, 3);
    assert_int_equal(r.packets_lost, 0);
    assert_int_equal(quic_recovery_repeat(&r, APP), 2);
    assert_int_equal(packets[APP][2].lost, 2);

    ack_ok(APP, 2, 4);
    assert_int_equal(packets[APP][4].acked, 1);
    assert_int_equal(quic_recovery_repeat(&r, APP), 1);
    assert_int_equal(packets[APP][5].lost, 1);

    done();
}


/* probes that aren't answered go through all of them, and begin anew */

static void
test_repeat_on(void **state)
{
    ngx_uint_t    i;
    quic_space_e  space;

    static const ngx_uint_t  lost[][5] = {
        { 1, 1, 0, 0, 0 },
        { 1, 1, 1, 1, 0 },
        { 1, 1, 1, 1, 1 },
        { 2, 2, 1, 1, 1 }
    };

    init_established();
    put_many(5);

    for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        now = quic_recovery_deadline(&r);

        assert_int_equal(quic_recovery_timeout(&r, &space, now),
                         QUIC_TIMEOUT_PTO);
        assert_int_equal(quic_recovery_repeat(&r, APP), i == 2 ? 1 : 2);

        assert_int_equal(packets[APP][0].lost, lost[i][0]);
        assert_int_equal(packets[APP][1].lost, lost[i][1]);
        assert_int_equal(packets[APP][2].lost, lost[i][2]);
        assert_int_equal(packets[APP][3].lost, lost[i][3]);
        assert_int_equal(packets[APP][4].lost, lost[i][4]);
    }

    /* an answer: what is the oldest now is the first again */

    now += 10 * MS;
    ack_ok(APP, 0, 0);
    now = quic_recovery_deadline(&r);

    assert_int_equal(quic_recovery_timeout(&r, &space, now), QUIC_TIMEOUT_PTO);
    assert_int_equal(quic_recovery_repeat(&r, APP), 2);
    assert_int_equal(packets[APP][1].lost, 3);
    assert_int_equal(packets[APP][2].lost, 2);

    done();
}


/* RFC 9000, 13.4.2; RFC 9002, B.7 */

static void
test_ecn(void **state)
{
    uint64_t  window;

    init_established();
    window = r.cc.window;

    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_ECT0);
    put_many(8);

    /* one gets through, one with a mark: the window is cut once */

    now += 100 * MS;
    ack_ecn(1, 1, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);
    assert_int_equal(r.packets_ce, 0);
    assert_true(r.cc.window > window);

    window = r.cc.window;
    now += MS;
    ack_ecn(2, 1, 0, 1);
    assert_int_equal(r.packets_ce, 1);
    assert_int_equal(r.packets_lost, 0);
    assert_int_equal(r.cc.window, window / 2);

    ack_ecn(3, 1, 0, 2);
    assert_int_equal(r.packets_ce, 2);
    assert_int_equal(r.cc.window, window / 2);

    /* what was sent later is about another round trip */

    window = r.cc.window;
    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_ECT0);
    now += MS;
    put_many(1);
    now += 100 * MS;
    ack_ecn(8, 1, 0, 3);
    assert_int_equal(r.cc.window, ngx_max(window / 2, 2 * MTU));

    done();
}


/* an ACK that was overtaken has old counts, and says nothing */

static void
test_ecn_of_an_old_ack(void **state)
{
    init_established();
    (void) quic_recovery_mark(&r);
    put_many(4);

    ack_ecn(3, 1, 0, 0);
    ack_ecn(2, 0, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);

    /* nor has one that is about what wasn't marked to have any */

    r.marking = 0;
    put_many(1);
    ack_ecn(4, 0, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);

    (void) quic_recovery_mark(&r);
    put_many(1);
    ack_ecn(5, 0, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_FAILED);
    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_NOT_ECT);

    done();
}


/*
 * Counts that come with an ACK of what is forgotten, an ACK's record here, are
 * not lost: the next ACK has them as well.
 */

static void
test_ecn_of_the_forgotten(void **state)
{
    uint64_t  window;

    init_established();
    (void) quic_recovery_mark(&r);
    put_many(1);
    ack_ecn(0, 1, 0, 0);

    send_frames(APP, 0, 0, 40);
    now += SECOND;
    assert_no_timeout();
    assert_int_equal(r.space[APP].sent.first, 2);

    put_many(8);
    window = r.cc.window;

    ack_ecn(1, 1, 0, 1);
    assert_int_equal(r.cc.window, window);

    now += 100 * MS;
    ack_ecn(2, 2, 0, 1);
    assert_int_equal(r.packets_ce, 1);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);
    assert_int_equal(r.cc.window, window / 2);

    done();
}


/* what is marked doesn't arrive: the probes are without */

static void
test_ecn_black_hole(void **state)
{
    init_established();
    (void) quic_recovery_mark(&r);
    put_many(3);

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    assert_int_equal(r.ecn.state, QUIC_ECN_UNKNOWN);
    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_NOT_ECT);

    put_many(2);
    now += 100 * MS;
    ack_ecn(r.space[APP].sent.next - 1, 0, 0, 0);
    assert_int_equal(r.packets_lost, 3);
    assert_int_equal(r.ecn.state, QUIC_ECN_FAILED);

    done();
}


/* another path is tested anew, and counts of both are in one sum */

static void
test_ecn_new_path(void **state)
{
    init_established();
    (void) quic_recovery_mark(&r);
    put_many(2);
    ack_ecn(0, 0, 1, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_FAILED);

    quic_recovery_new_path(&r, MTU, now);
    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_ECT0);
    put_many(2);

    /* of the old path, without any marks */

    ack_ecn(1, 0, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_TESTING);

    ack_ecn(3, 2, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);

    done();
}


/* marks of the old path are no congestion on the new one */

static void
test_ecn_of_the_old_path(void **state)
{
    uint64_t  window;

    init_established();
    (void) quic_recovery_mark(&r);
    put_many(4);
    ack_ecn(0, 1, 0, 0);

    quic_recovery_new_path(&r, MTU, now);
    (void) quic_recovery_mark(&r);
    window = r.cc.window;
    put_many(2);

    now += 50 * MS;
    ack_ecn(2, 1, 0, 1);
    assert_int_equal(r.packets_ce, 1);
    assert_int_equal(r.cc.window, window);
    assert_int_equal(r.cc.recovery_start, 0);

    ack_ecn(4, 1, 0, 2);
    assert_int_equal(r.packets_ce, 2);
    assert_int_equal(r.cc.recovery_start, now);

    done();
}


/* RFC 9000, 14.4 */

static void
test_mtu_probe(void **state)
{
    init_established();
    put_many(1);
    send_frames(APP, 1, 1, 1452);
    quic_sent_get(&r.space[APP].sent, 1)->mtu_probe = 1;
    put_many(3);

    now += 100 * MS;
    ack_ok(APP, 0, 0);
    ack_ok(APP, 2, 4);
    assert_int_equal(packets[APP][1].lost, 1);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(r.cc.recovery_start, 0);
    assert_int_equal(r.cc.window, 14 * MTU);

    done();
}


/* by another path: it is no sample, isn't waited for, and takes no window */

static void
test_sent_aside(void **state)
{
    uint64_t    pn, deadline;
    quic_rtt_t  rtt;

    init_established();
    put_many(2);
    deadline = quic_recovery_deadline(&r);
    rtt = r.rtt;

    now += 10 * MS;
    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_OK);
    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_OK);
    quic_recovery_sent_aside(&r, APP, now);

    assert_int_equal(r.in_flight, 2 * MTU);
    assert_int_equal(r.space[APP].eliciting, 2);
    assert_int_equal(quic_recovery_deadline(&r), deadline);

    /* with an older packet that asked for an ACK: its RTT isn't known either */

    now += 10 * MS;
    ack_ok(APP, 0, 2);
    assert_int_equal(r.in_flight, 0);
    assert_memory_equal(&rtt, &r.rtt, sizeof(quic_rtt_t));
    assert_int_equal(packets[APP][0].acked + packets[APP][1].acked, 2);

    /* lost: nobody asks */

    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_OK);
    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_OK);
    quic_recovery_sent_aside(&r, APP, now);

    put_many(5);
    now += 100 * MS;
    ack_ok(APP, pn + 1, pn + 5);
    assert_int_equal(r.packets_lost, 0);
    assert_int_equal(r.cc.recovery_start, 0);

    done();
}


/* a client that moves again and again: only what is new is looked at */

static void
test_new_paths(void **state)
{
    ngx_uint_t  i;

    init_established();

    for (i = 0; i < 20; i++) {
        put_many(3);
        assert_int_equal(r.in_flight, 3 * MTU);
        quic_recovery_new_path(&r, MTU, now);
        assert_int_equal(r.in_flight, 0);
        now += MS;
    }

    put_many(1);
    now += 50 * MS;
    ack_ok(APP, 60, 60);
    assert_int_equal(r.rtt.latest, 50 * MS);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(r.cc.recovery_start, 0);

    done();
}


/* RFC 9000, 9.4 */

static void
test_new_path(void **state)
{
    uint64_t  moved;

    init_established();
    put_many(8);
    now += 50 * MS;
    ack_ok(APP, 0, 1);
    assert_int_equal(r.in_flight, 6 * MTU);
    r.pto_count = 3;

    now += 10 * MS;
    moved = now;
    quic_recovery_new_path(&r, 1400, now);
    assert_int_equal(r.in_flight, 0);
    assert_int_equal(r.cc.window, 14000);
    assert_int_equal(r.rtt.latest, 0);
    assert_int_equal(r.pto_count, 0);
    assert_int_equal(r.path_pn, 8);
    assert_int_equal(r.pacer.rate, 28000 * SECOND / 333000);

    send_frames(APP, 1, 1, 1400);
    send_frames(APP, 1, 1, 1400);

    /* old ones: acknowledged and lost as ever, but that is all */

    now += 20 * MS;
    ack_ok(APP, 2, 2);
    ack_ok(APP, 6, 6);
    assert_int_equal(packets[APP][2].acked, 1);
    assert_int_equal(packets[APP][3].lost, 1);
    assert_int_equal(r.rtt.latest, 0);
    assert_int_equal(r.cc.window, 14000);
    assert_int_equal(r.cc.recovery_start, 0);
    assert_int_equal(r.in_flight, 2800);
    assert_int_equal(r.space[APP].eliciting, 5);

    /* new ones */

    now += 20 * MS;
    ack_ok(APP, 9, 9);
    assert_int_equal(r.rtt.latest, 40 * MS);
    assert_int_equal(r.first_sample, now);
    assert_int_equal(r.cc.window, 15400);
    assert_int_equal(r.in_flight, 1400);
    assert_int_equal(packets[APP][4].lost + packets[APP][5].lost, 2);
    assert_int_equal(r.cc.recovery_start, 0);
    assert_true(moved < now);

    done();
}


/*
 * What is open of the old path is waited for anew, by what is known of the new
 * one; and says nothing of marks on it.
 */

static void
test_pto_of_new_path(void **state)
{
    init_established();
    (void) quic_recovery_mark(&r);
    put_many(2);
    ack_ecn(0, 1, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);

    now += 30 * SECOND;
    quic_recovery_new_path(&r, MTU, now);
    assert_int_equal(quic_recovery_deadline(&r),
                     now + quic_recovery_pto(&r, APP));
    assert_no_timeout();

    assert_timeout(QUIC_TIMEOUT_PTO, APP);
    assert_int_equal(r.ecn.state, QUIC_ECN_TESTING);
    assert_int_equal(quic_recovery_mark(&r), QUIC_ECN_ECT0);

    put_many(1);
    now += 50 * MS;
    ack_ecn(r.space[APP].sent.next - 1, 2, 0, 0);
    assert_int_equal(r.ecn.state, QUIC_ECN_CAPABLE);

    done();
}


static void
test_no_memory(void **state)
{
    uint64_t  pn;

    init_established();

    mem.max = 0;
    r.space[APP].skip = 0;
    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_ERROR);
    r.space[APP].skip = UINT64_MAX;
    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_OK);
    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_ERROR);

    mem.max = NGX_MAX_SIZE_T_VALUE;
    put_many(1);

    done();
}


/*
 * The bound of records is reached, a number would be skipped just then, and
 * the next packets go when some are resolved.
 */

static void
test_full(void **state)
{
    uint64_t    pn;
    ngx_uint_t  i;

    init_established();

    for (i = 0; i < QUIC_MAX_SENT_PACKETS; i++) {
        put_many(1);
    }

    r.space[APP].skip = QUIC_MAX_SENT_PACKETS;
    assert_int_equal(quic_recovery_next_pn(&r, APP, &pn), NGX_OK);
    assert_int_equal(pn, QUIC_MAX_SENT_PACKETS);
    assert_int_equal(quic_sent_open(&r.space[APP].sent), NGX_AGAIN);

    now += 100 * MS;
    ack_ok(APP, 0, 9);
    assert_int_equal(put(APP), QUIC_MAX_SENT_PACKETS + 1);
    assert_int_equal(ack(APP, 10, QUIC_MAX_SENT_PACKETS + 1, 0), NGX_ERROR);

    done();
}


/*
 * The model: RFC 9002's appendix with lists that are searched from end to end.
 * The RTT is taken over from what is tested.
 */

static uint64_t  largest[QUIC_SPACES], loss_time[QUIC_SPACES];
static uint64_t  last_eliciting[QUIC_SPACES];
static uint64_t  least_memory, spurious;


static void
model_detect_lost(ngx_uint_t space)
{
    uint64_t     pn, delay, n, later;
    packet_t    *p;

    delay = ngx_max(r.rtt.latest, r.rtt.smoothed);
    delay = ngx_max(delay + delay / 8, QUIC_GRANULARITY);

    loss_time[space] = 0;

    for (pn = 0; pn < largest[space]; pn++) {
        p = &packets[space][pn];

        if (p->state != QUIC_SENT_OUTSTANDING || !p->eliciting) {
            continue;
        }

        for (n = pn + 1, later = 0; n <= largest[space]; n++) {
            later += (packets[space][n].state != QUIC_SENT_SKIPPED);
        }

        if (later >= r.threshold || p->sent + delay <= now) {
            p->state = QUIC_SENT_LOST;
            p->lost_at = now;
            p->want_lost += p->frames;
            continue;
        }

        if (loss_time[space] == 0 || p->sent + delay < loss_time[space]) {
            loss_time[space] = p->sent + delay;
        }
    }
}


static ngx_int_t
model_ack(ngx_uint_t space, ngx_uint_t n, quic_range_t *ranges, uint64_t first)
{
    uint64_t    pn;
    packet_t   *p;
    ngx_int_t   rc;
    ngx_uint_t  i, any;

    rc = NGX_DECLINED;

    for (i = 0, any = 0; i < n; i++) {
        for (pn = ranges[i].start; pn < ranges[i].end; pn++) {

            p = &packets[space][pn];

            if (p->state == QUIC_SENT_ACKED) {
                continue;
            }

            if (pn < first) {

                /* forgotten, but not too early */

                assert_true(p->state == QUIC_SENT_LOST || !p->eliciting);
                assert_true(now - ngx_max(p->lost_at, p->sent)
                            >= least_memory);
                continue;
            }

            if (p->state == QUIC_SENT_LOST) {
                spurious++;

            } else {
                any = 1;
            }

            p->state = QUIC_SENT_ACKED;
            p->want_acked += p->frames;
            rc = NGX_OK;
        }
    }

    if (largest[space] == UINT64_MAX || largest[space] < ranges[n - 1].end - 1)
    {
        largest[space] = ranges[n - 1].end - 1;
        rc = NGX_OK;
    }

    if (any) {
        model_detect_lost(space);
        r.pto_count = 0;
    }

    return rc;
}


static uint64_t
model_pto_time(ngx_uint_t *space)
{
    uint64_t    time, t, pn;
    ngx_uint_t  i;

    time = UINT64_MAX;

    for (i = 0; i < (r.handshake_confirmed ? 3 : 2); i++) {

        for (pn = 0; pn < r.space[i].sent.next; pn++) {
            if (packets[i][pn].state == QUIC_SENT_OUTSTANDING
                && packets[i][pn].eliciting)
            {
                break;
            }
        }

        if (pn == r.space[i].sent.next) {
            continue;
        }

        t = r.rtt.smoothed + ngx_max(4 * r.rtt.var, QUIC_GRANULARITY);
        t += (i == APP) ? r.max_ack_delay : 0;
        t = last_eliciting[i] + (t << r.pto_count);

        if (t < time) {
            time = t;
            *space = i;
        }
    }

    return time;
}


static void
model_check(void)
{
    uint64_t    pn, bytes, eliciting, deadline;
    packet_t   *p;
    ngx_uint_t  i, space;

    bytes = 0;
    deadline = UINT64_MAX;

    for (i = 0; i < QUIC_SPACES; i++) {
        eliciting = 0;

        for (pn = 0; pn < r.space[i].sent.next; pn++) {
            p = &packets[i][pn];

            assert_int_equal(p->acked, p->want_acked);
            assert_int_equal(p->lost, p->want_lost);

            if (p->state == QUIC_SENT_OUTSTANDING && p->eliciting) {
                assert_true(pn >= r.space[i].sent.first);
                bytes += p->size;
                eliciting++;
            }
        }

        assert_int_equal(r.space[i].eliciting, eliciting);
        assert_int_equal(r.space[i].loss_time, loss_time[i]);
        assert_true(r.space[i].largest_acked == largest[i]);

        if (loss_time[i] && loss_time[i] < deadline) {
            deadline = loss_time[i];
        }
    }

    assert_int_equal(r.in_flight, bytes);
    assert_int_equal(r.packets_spurious, spurious);
    assert_true(r.cc.window >= quic_cc_minimum_window(r.cc.mtu));
    assert_true(r.cc.window <= quic_cc_maximum_window(r.cc.mtu));

    if (deadline == UINT64_MAX) {
        deadline = model_pto_time(&space);
    }

    if (deadline != UINT64_MAX) {
        assert_int_equal(quic_recovery_deadline(&r), deadline);
    }
}


static void
random_send(ngx_uint_t space)
{
    uint64_t   pn;
    packet_t  *p;

    if (r.space[space].discarded) {
        return;
    }

    if (space == APP && r.space[space].sent.next && test_rand() % 16 == 0) {
        r.space[space].skip = r.space[space].sent.next;
    }

    if (r.space[space].skip == r.space[space].sent.next) {
        packets[space][r.space[space].sent.next].state = QUIC_SENT_SKIPPED;
    }

    if (test_rand() % 16 == 0) {
        assert_int_equal(quic_recovery_next_pn(&r, space, &pn), NGX_OK);
        assert_int_equal(quic_sent_open(&r.space[space].sent), NGX_OK);
        assert_non_null(quic_sent_frame(&r.space[space].sent));
        quic_sent_cancel(&r.space[space].sent);
        return;
    }

    assert_int_equal(quic_recovery_next_pn(&r, space, &pn), NGX_OK);

    p = &packets[space][pn];
    p->sent = now;
    p->frames = test_rand() % 5;
    p->eliciting = test_rand() % 4 != 0;
    p->size = 20 + test_rand() % MTU;

    last_eliciting[space] = p->eliciting ? now : last_eliciting[space];

    assert_int_equal(send_frames(space, p->eliciting, p->frames, p->size),
                     pn);
}


/* most ACKs are of all that was received, some are stale, wild, or lies */

static void
random_ack(ngx_uint_t space)
{
    uint64_t         pn, first, next;
    ngx_int_t        rc, expected;
    ngx_uint_t       n, odds, lie;
    quic_range_t     range[64];
    quic_recovery_t  before;

    next = r.space[space].sent.next;
    first = r.space[space].sent.first;

    if (next == 0) {
        return;
    }

    next -= test_rand() % 4 ? 0 : test_rand() % ngx_min(next, 20);
    pn = next - ngx_min(next, test_rand() % 200);
    odds = 2 + test_rand() % 60;
    lie = test_rand() % 8 == 0;
    expected = NGX_OK;

    for (n = 0; pn < next + (lie && test_rand() % 4 == 0) && n < 64; pn++) {

        if (test_rand() % odds == 0) {
            continue;
        }

        if (pn == r.space[space].sent.next) {
            expected = NGX_ERROR;

        } else if (packets[space][pn].state == QUIC_SENT_SKIPPED) {

            if (!lie) {
                continue;
            }

            if (pn >= first) {
                expected = NGX_ERROR;

            } else {
                assert_true(packets[space][pn + 1].state
                            != QUIC_SENT_OUTSTANDING
                            || !packets[space][pn + 1].eliciting);
                continue;
            }
        }

        if (n && range[n - 1].end == pn) {
            range[n - 1].end++;
            continue;
        }

        range[n].start = pn;
        range[n++].end = pn + 1;
    }

    if (n == 0) {
        return;
    }

    before = r;
    rc = ack_ranges(space, test_rand() % (20 * MS), n, range);

    if (expected != NGX_OK) {
        assert_int_equal(rc, NGX_ERROR);
        assert_non_null(reason);
        assert_memory_equal(&before, &r, sizeof(quic_recovery_t));
        return;
    }

    assert_int_equal(rc, model_ack(space, n, range, first));
}


static void
random_timeout(void)
{
    ngx_uint_t      i, expected_space;
    quic_space_e    space;
    quic_timeout_e  rc;

    /* what takes longer than an idle timeout would is left out */

    if (quic_recovery_deadline(&r) > now + 30 * SECOND) {
        return;
    }

    now = ngx_max(now, quic_recovery_deadline(&r));

    for (i = 0, expected_space = 3; i < QUIC_SPACES; i++) {
        if (loss_time[i] && (expected_space == 3
                             || loss_time[i] < loss_time[expected_space]))
        {
            expected_space = i;
        }
    }

    if (expected_space < 3) {
        (void) quic_recovery_timeout(&r, &space, now);
        assert_int_equal(space, expected_space);
        model_detect_lost(space);
        return;
    }

    i = model_pto_time(&expected_space) != UINT64_MAX;
    rc = quic_recovery_timeout(&r, &space, now);
    assert_int_equal(rc, i ? QUIC_TIMEOUT_PTO : QUIC_TIMEOUT_NONE);

    if (rc == QUIC_TIMEOUT_PTO) {
        assert_int_equal(space, expected_space);
        random_send(space);
    }
}


static void
random_event(void)
{
    uint64_t    pn;
    ngx_uint_t  space, i;

    space = test_rand() % 4;
    space = ngx_min(space, APP);

    switch (test_rand() % 200) {

    case 0:
        space = test_rand() % APP;
        quic_recovery_discard(&r, space);
        loss_time[space] = 0;

        /* what was forgotten isn't looked at again */

        ngx_memzero(packets[space], sizeof(packets[space]));
        break;

    case 1:
        for (i = 0; i < QUIC_SPACES; i++) {
            for (pn = 0; pn < r.space[i].sent.next; pn++) {
                packets[i][pn].size = 0;
            }
        }

        quic_recovery_new_path(&r, MTU, now);

        for (i = 0; i < QUIC_SPACES; i++) {
            last_eliciting[i] = now;
        }

        break;

    case 2:
        r.handshake_confirmed = 1;
        break;

    default:
        for (i = test_rand() % 12; i; i--) {
            random_send(space);
        }
    }
}


static void
random_run(void)
{
    ngx_uint_t  i, n;

    for (i = 0; i < 400 && r.space[APP].sent.next < PACKETS - 64; i++) {

        now += test_rand() % (10 * MS);

        switch (test_rand() % 4) {

        case 0:
            random_timeout();
            break;

        case 1:
            random_ack(test_rand() % QUIC_SPACES);
            break;

        default:
            random_event();
        }

        model_check();

        for (n = 0; n < QUIC_SPACES; n++) {
            least_memory = ngx_min(least_memory, quic_recovery_pto(&r, APP));
        }
    }
}


/* the end: what is in flight arrives after all, and nothing is left behind */

static void
random_end(void)
{
    uint64_t    pn;
    packet_t   *p;
    ngx_uint_t  i;

    for (i = 0; i < QUIC_SPACES; i++) {
        for (pn = 0; pn < r.space[i].sent.next; pn++) {
            p = &packets[i][pn];

            if (p->state == QUIC_SENT_OUTSTANDING && p->eliciting) {
                ack_ok(i, pn, pn);
            }

            assert_true(p->lost == 0 || p->lost == p->frames);
            assert_true(p->acked == 0 || p->acked == p->frames);
            assert_true(p->lost + p->acked >= p->frames || !p->eliciting);
        }
    }

    assert_int_equal(r.in_flight, 0);

    for (i = 0; i < 10000 && quic_recovery_deadline(&r) != UINT64_MAX; i++) {
        now = ngx_max(now, quic_recovery_deadline(&r));
        assert_no_timeout();
    }

    assert_true(i < 10000);

    for (i = 0; i < QUIC_SPACES; i++) {
        pn = r.space[i].sent.first;

        /* but for a number that was skipped for a packet never sent */

        if (pn < r.space[i].sent.next) {
            assert_int_equal(packets[i][pn].state, QUIC_SENT_SKIPPED);
        }
    }
}


static void
test_random(void **state)
{
    ngx_uint_t  run, i;

    for (run = 0; run < 200; run++) {

        init();
        quic_cc_init(&r.cc, run % 2 ? &quic_cc_cubic : &quic_cc_newreno, MTU,
                     now);

        spurious = 0;
        least_memory = UINT64_MAX;

        for (i = 0; i < QUIC_SPACES; i++) {
            largest[i] = UINT64_MAX;
            loss_time[i] = 0;
            last_eliciting[i] = 0;
        }

        random_run();
        random_end();
        done();
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rtt_samples),
        cmocka_unit_test(test_ack_delay),
        cmocka_unit_test(test_packet_threshold),
        cmocka_unit_test(test_adaptive_threshold),
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
        cmocka_unit_test(test_spurious_undo),
        cmocka_unit_test(test_spurious_without_undo),
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
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_repeat_on),
        cmocka_unit_test(test_ecn),
        cmocka_unit_test(test_ecn_of_an_old_ack),
        cmocka_unit_test(test_ecn_of_the_forgotten),
        cmocka_unit_test(test_ecn_black_hole),
        cmocka_unit_test(test_ecn_new_path),
        cmocka_unit_test(test_ecn_of_the_old_path),
        cmocka_unit_test(test_mtu_probe),
        cmocka_unit_test(test_sent_aside),
        cmocka_unit_test(test_new_path),
        cmocka_unit_test(test_new_paths),
        cmocka_unit_test(test_pto_of_new_path),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
