
/* Records of sent packets: by name, and against a plain list. */

#include "test.h"
#include "quic/limits.h"
#include "quic/quic_sent.h"


#define PACKETS  4096


static ngx_log_t    logger;
static quic_mem_t   mem;
static quic_sent_t  s;


static void
init(void)
{
    quic_mem_init(&mem, &logger);
    quic_sent_init(&s, &mem);
}


static void
done(void)
{
    quic_sent_done(&s);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


/* an ack-eliciting packet; its frames say where they belong */

static uint64_t
put(ngx_uint_t nframes, uint64_t now)
{
    uint64_t             pn;
    ngx_uint_t           i;
    quic_sent_frame_t   *f;
    quic_sent_packet_t  *p;

    pn = s.next;
    assert_int_equal(quic_sent_open(&s), NGX_OK);

    for (i = 0; i < nframes; i++) {
        f = quic_sent_frame(&s);
        assert_non_null(f);
        assert_int_equal(f->id, 0);
        assert_int_equal(f->fin, 0);
        f->id = pn;
        f->offset = i;
        f->fin = 1;
    }

    p = quic_sent_close(&s, 1200, now);
    p->ack_eliciting = 1;

    return pn;
}


static void
set(uint64_t pn, quic_sent_state_e state)
{
    quic_sent_get(&s, pn)->state = state;
}


/*
 * The numbers that the walk over an ACK gives, as a string.  "ranges" are of
 * two numbers each, both included, ascending.
 */

static const char *
walk(ngx_uint_t n, quic_range_t *ranges)
{
    u_char            *end;
    size_t             len;
    uint64_t           pn, error;
    const char        *reason;
    quic_frame_t       f;
    quic_cursor_t      c;
    quic_sent_walk_t   w;

    static char        out[4096];
    static u_char      buf[1024];

    end = quic_frame_write_ack(buf, buf + sizeof(buf), ranges, n, 0, NULL);
    assert_non_null(end);

    quic_cursor_init(&c, buf, end - buf);
    assert_int_equal(quic_frame_parse(&c, &f, &error, &reason), NGX_OK);

    len = 0;
    out[0] = '\0';
    quic_sent_walk(&w, &s, &f.u.ack);

    while (quic_sent_walk_next(&w, &pn)) {
        len += snprintf(out + len, sizeof(out) - len, "%lu ", pn);
        assert_true(len < sizeof(out));
        quic_sent_acked(&s, pn, 9000);
    }

    assert_null(quic_sent_walk_next(&w, &pn));

    return out;
}


#define walk_ranges(...)                                                      \
    walk(sizeof((quic_range_t[]) { __VA_ARGS__ }) / sizeof(quic_range_t),     \
         (quic_range_t[]) { __VA_ARGS__ })


static void
test_steps(void **state)
{
    quic_sent_packet_t  *p;

    init();

    assert_null(quic_sent_get(&s, 0));
    assert_int_equal(quic_sent_trim_time(&s), UINT64_MAX);

    assert_int_equal(put(2, 1000), 0);
    assert_int_equal(put(0, 2000), 1);
    assert_int_equal(put(3, 3000), 2);

    p = quic_sent_get(&s, 2);
    assert_int_equal(p->time, 3000);
    assert_int_equal(p->size, 1200);
    assert_int_equal(p->state, QUIC_SENT_OUTSTANDING);
    assert_int_equal(p->nframes, 3);
    assert_int_equal(quic_sent_frame_of(&s, p, 2)->id, 2);
    assert_int_equal(quic_sent_frame_of(&s, p, 2)->offset, 2);

    assert_int_equal(quic_sent_get(&s, 1)->nframes, 0);
    assert_null(quic_sent_get(&s, 3));

    done();
}


static void
test_cancel(void **state)
{
    uint64_t  frames;

    init();
    put(1, 1000);
    frames = s.frame_next;

    assert_int_equal(quic_sent_open(&s), NGX_OK);
    assert_non_null(quic_sent_frame(&s));
    assert_non_null(quic_sent_frame(&s));
    quic_sent_cancel(&s);

    assert_int_equal(s.next, 1);
    assert_int_equal(s.frame_next, frames);
    assert_null(quic_sent_get(&s, 1));

    assert_int_equal(put(1, 1000), 1);
    assert_int_equal(quic_sent_frame_of(&s, quic_sent_get(&s, 1), 0)->id, 1);

    done();
}


static void
test_trim(void **state)
{
    init();
    put(1, 1000);
    put(1, 2000);
    put(1, 3000);
    put(1, 4000);

    /* nothing goes before the oldest */

    quic_sent_acked(&s, 1, 9000);
    quic_sent_trim(&s, UINT64_MAX);
    assert_int_equal(s.first, 0);
    assert_int_equal(quic_sent_trim_time(&s), UINT64_MAX);

    /* what is lost stays for a while, and keeps the acked ones */

    set(0, QUIC_SENT_LOST);
    assert_int_equal(quic_sent_trim_time(&s), 1000);
    quic_sent_trim(&s, 999);
    assert_int_equal(s.first, 0);

    quic_sent_trim(&s, 1000);
    assert_int_equal(s.first, 2);
    assert_int_equal(s.frame_first, 2);

    /* what elicits no ACK will not be declared lost */

    quic_sent_get(&s, 2)->ack_eliciting = 0;
    quic_sent_trim(&s, 2999);
    assert_int_equal(s.first, 2);
    quic_sent_trim(&s, 3000);
    assert_int_equal(s.first, 3);

    /* what is acked goes at once */

    quic_sent_acked(&s, 3, 9000);
    assert_int_equal(quic_sent_trim_time(&s), 0);
    quic_sent_trim(&s, 0);
    assert_int_equal(s.first, 4);
    assert_int_equal(s.frame_first, s.frame_next);

    done();
}


static void
test_skipped(void **state)
{
    init();

    assert_int_equal(quic_sent_skip(&s), NGX_OK);
    assert_int_equal(s.next, 1);

    /* nothing has followed; then it isn't resolved; then it isn't old */

    quic_sent_trim(&s, UINT64_MAX);
    assert_int_equal(s.first, 0);

    put(1, 5000);
    quic_sent_trim(&s, UINT64_MAX);
    assert_int_equal(s.first, 0);

    quic_sent_acked(&s, 1, 9000);
    assert_int_equal(quic_sent_trim_time(&s), 9000);
    quic_sent_trim(&s, 8999);
    assert_int_equal(s.first, 0);
    assert_int_equal(quic_sent_get(&s, 0)->state, QUIC_SENT_SKIPPED);

    quic_sent_trim(&s, 9000);
    assert_int_equal(s.first, 2);

    done();
}


static void
test_walk(void **state)
{
    ngx_uint_t  i;

    init();

    for (i = 0; i < 40; i++) {
        put(1, 1000 + i);
    }

    assert_string_equal(walk_ranges({ 3, 6 }), "5 4 3 ");
    assert_string_equal(walk_ranges({ 3, 6 }), "");
    assert_string_equal(walk_ranges({ 0, 1 }, { 3, 6 }, { 8, 10 }), "9 8 0 ");
    assert_string_equal(walk_ranges({ 2, 12 }), "11 10 7 6 2 ");
    assert_string_equal(walk_ranges({ 0, 13 }), "12 1 ");

    /* one step leads from each to the lowest */

    assert_string_equal(walk_ranges({ 0, 13 }), "");
    assert_int_equal(quic_sent_get(&s, 12)->run, 0);

    /* a range that ends within a run, and one that begins there */

    assert_string_equal(walk_ranges({ 4, 9 }), "");
    assert_string_equal(walk_ranges({ 4, 15 }), "14 13 ");

    /* below the first record */

    quic_sent_trim(&s, 0);
    assert_int_equal(s.first, 15);
    assert_string_equal(walk_ranges({ 0, 9 }, { 11, 13 }), "");
    assert_string_equal(walk_ranges({ 0, 9 }, { 11, 13 }, { 14, 17 }),
                        "16 15 ");

    done();
}


/*
 * 30000 acked packets above one that isn't: a stale ACK that ends anywhere
 * among them may not walk over all of those below, however often it comes.
 */

static void
test_long_runs(void **state)
{
    uint64_t      pn, steps, next;
    quic_range_t  range;

    init();

    for (pn = 0; pn < 30000; pn++) {
        put(0, 1000);
    }

    for (pn = 29999; pn > 0; pn--) {
        quic_sent_acked(&s, pn, 9000);
    }

    for (pn = 29999, steps = 0; pn > 0; pn--) {
        range.start = 1;
        range.end = pn + 1;

        next = pn;

        while (next > 1) {
            next = quic_sent_get(&s, next)->run - 1;
            steps++;
        }

        assert_string_equal(walk(1, &range), "");
        assert_int_equal(quic_sent_get(&s, pn)->run, 1);
    }

    assert_true(steps < 2 * 30000);

    done();
}


static void
test_limits(void **state)
{
    ngx_uint_t  i, frames, extra;

    init();

    /* frames of one packet */

    assert_int_equal(quic_sent_open(&s), NGX_OK);

    for (i = 0; i < QUIC_MAX_PACKET_FRAMES; i++) {
        assert_non_null(quic_sent_frame(&s));
    }

    assert_null(quic_sent_frame(&s));
    quic_sent_cancel(&s);

    /* packets */

    for (i = 0; i < QUIC_MAX_SENT_PACKETS; i++) {
        put(1, 1000);
    }

    assert_int_equal(quic_sent_open(&s), NGX_AGAIN);
    assert_int_equal(quic_sent_skip(&s), NGX_AGAIN);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.next, QUIC_MAX_SENT_PACKETS);

    /* room is made of what is lost, even if it is new */

    set(0, QUIC_SENT_LOST);
    put(1, 1000);
    assert_int_equal(quic_sent_open(&s), NGX_AGAIN);

    for (i = 1; i <= QUIC_MAX_SENT_PACKETS; i++) {
        quic_sent_acked(&s, i, 9000);
    }

    quic_sent_trim(&s, 0);
    assert_int_equal(s.first, s.next);
    assert_int_equal(mem.used, 0);

    /* frames of all packets: an open packet has always room for its own */

    for (frames = 0; ; frames += 1000) {

        if (quic_sent_open(&s) != NGX_OK) {
            break;
        }

        quic_sent_cancel(&s);
        put(1000, 1000);
    }

    extra = QUIC_MAX_SENT_FRAMES - frames;
    assert_true(extra < QUIC_MAX_PACKET_FRAMES);
    assert_int_equal(s.frame_size, QUIC_MAX_SENT_FRAMES);

    set(s.first, QUIC_SENT_LOST);
    put(QUIC_MAX_PACKET_FRAMES, 1000);

    done();
}


static void
test_gives_memory_back(void **state)
{
    size_t      small;
    ngx_uint_t  i;

    init();

    put(1, 1000);
    quic_sent_acked(&s, 0, 9000);
    small = mem.used;
    quic_sent_trim(&s, 0);
    assert_int_equal(mem.used, small);

    for (i = 1; i < 1000; i++) {
        put(1, 1000);
        quic_sent_acked(&s, i, 9000);
    }

    assert_true(mem.used > small);
    quic_sent_trim(&s, 0);
    assert_int_equal(mem.used, 0);

    assert_int_equal(put(1, 2000), 1000);
    assert_int_equal(s.first, 1000);
    assert_int_equal(quic_sent_frame_of(&s, quic_sent_get(&s, 1000), 0)->id,
                     1000);

    done();
}


static void
test_no_memory(void **state)
{
    ngx_uint_t  i;

    init();

    mem.max = 0;
    assert_int_equal(quic_sent_open(&s), NGX_ERROR);
    assert_int_equal(quic_sent_skip(&s), NGX_ERROR);
    assert_int_equal(s.next, 0);

    mem.max = 512;
    assert_int_equal(quic_sent_open(&s), NGX_OK);
    assert_null(quic_sent_frame(&s));
    quic_sent_cancel(&s);

    for (i = 0; i < 16; i++) {
        put(0, 1000);
    }

    assert_int_equal(quic_sent_open(&s), NGX_ERROR);
    assert_int_equal(s.next, 16);
    assert_int_equal(quic_sent_get(&s, 15)->time, 1000);

    done();
}


/* the model: what was sent and what became of it, by number */

typedef struct {
    uint64_t    time;
    ngx_uint_t  nframes;
    int         state;
    unsigned    eliciting:1;
} model_t;

static model_t   model[PACKETS];
static uint64_t  model_first;


static uint64_t
model_trim_time(void)
{
    model_t  *m;

    m = &model[model_first];

    if (model_first == s.next) {
        return UINT64_MAX;
    }

    if (m->state == QUIC_SENT_ACKED) {
        return 0;
    }

    if (m->state == QUIC_SENT_SKIPPED && model_first + 1 == s.next) {
        return UINT64_MAX;
    }

    if (m->state == QUIC_SENT_SKIPPED) {
        m++;
    }

    return m->state == QUIC_SENT_OUTSTANDING && m->eliciting ? UINT64_MAX
                                                             : m->time;
}


static void
model_check(void)
{
    uint64_t             pn;
    ngx_uint_t           i;
    quic_sent_frame_t   *f;
    quic_sent_packet_t  *p;

    assert_int_equal(s.first, model_first);

    for (pn = model_first; pn < s.next; pn++) {
        p = quic_sent_get(&s, pn);
        assert_non_null(p);
        assert_int_equal(p->state, model[pn].state);
        assert_int_equal(p->time, model[pn].time);

        if (p->state == QUIC_SENT_ACKED) {
            continue;
        }

        assert_int_equal(p->nframes, model[pn].nframes);

        for (i = 0; i < p->nframes; i++) {
            f = quic_sent_frame_of(&s, p, i);
            assert_int_equal(f->id, pn);
            assert_int_equal(f->offset, i);
        }
    }
}


/* a random ACK of what isn't skipped, often of all or nearly all */

static void
model_ack(void)
{
    char         *end;
    uint64_t      pn, from, low, got;
    ngx_uint_t    n, odds;
    const char   *p;
    quic_range_t  range[32];

    n = 0;
    odds = test_rand() % 3 ? 20 : 3;
    low = s.next > 200 ? s.next - 200 : 0;
    from = low + test_rand() % (s.next - low);

    for (pn = from; pn < s.next && n < 32; pn++) {

        if (model[pn].state == QUIC_SENT_SKIPPED || test_rand() % odds == 0) {
            continue;
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

    p = walk(n, range);

    while (n--) {
        for (pn = range[n].end; pn-- > range[n].start; /* void */ ) {

            if (pn < model_first || model[pn].state == QUIC_SENT_ACKED) {
                continue;
            }

            got = strtoull(p, &end, 10);
            assert_true(end > p);
            assert_int_equal(got, pn);
            p = end + 1;

            model[pn].state = QUIC_SENT_ACKED;
            model[pn].time = 9000;
        }
    }

    assert_string_equal(p, "");
}


static void
model_send(uint64_t now)
{
    uint64_t   pn;
    model_t   *m;

    pn = s.next;
    m = &model[pn];
    ngx_memzero(m, sizeof(model_t));

    if (test_rand() % 16 == 0) {
        m->state = QUIC_SENT_SKIPPED;
        assert_int_equal(quic_sent_skip(&s), NGX_OK);
        return;
    }

    if (test_rand() % 8 == 0) {
        assert_int_equal(quic_sent_open(&s), NGX_OK);
        assert_non_null(quic_sent_frame(&s));
        quic_sent_cancel(&s);
        return;
    }

    m->time = now;
    m->nframes = test_rand() % 6;
    m->eliciting = test_rand() % 8 != 0;
    put(m->nframes, now);
    quic_sent_get(&s, pn)->ack_eliciting = m->eliciting;
}


static void
model_lose(void)
{
    uint64_t  pn;

    for (pn = model_first; pn < s.next; pn++) {

        if (model[pn].state != QUIC_SENT_OUTSTANDING || test_rand() % 4) {
            break;
        }

        model[pn].state = QUIC_SENT_LOST;
        set(pn, QUIC_SENT_LOST);
    }
}


static void
model_trim(uint64_t until)
{
    assert_int_equal(quic_sent_trim_time(&s), model_trim_time());

    while (model_trim_time() != UINT64_MAX && model_trim_time() <= until) {
        model_first++;
    }

    quic_sent_trim(&s, until);
}


static void
test_random(void **state)
{
    uint64_t    now;
    ngx_uint_t  run, i, n;

    for (run = 0; run < 60; run++) {
        init();
        model_first = 0;
        now = 1000;

        for (i = 0; s.next < PACKETS - 64 && i < 1000; i++) {

            now += test_rand() % 10;

            switch (test_rand() % 8) {

            case 0:
                model_trim(now - test_rand() % 50);
                break;

            case 1:
                model_lose();
                break;

            case 2:
            case 3:
                if (s.next) {
                    model_ack();
                }

                break;

            default:
                for (n = test_rand() % 16; n; n--) {
                    model_send(now);
                }
            }

            model_check();
        }

        done();
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_long_runs),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_gives_memory_back),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
