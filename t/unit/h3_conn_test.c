
/*
 * The connection: what we send first, the client's unidirectional streams, a
 * row for each demand on them of RFC 9114, 6.2 and 7.2, GOAWAY, the end.
 */

#include "h3_rig.h"
#include "quic/limits.h"


/* ours */

#define CONTROL  3
#define ENCODER  7
#define DECODER  11


static void
test_first_flight(void **state)
{
    size_t           n;
    u_char          *p, *end;
    rig_t           *rig;
    uint64_t         error;
    const char      *reason;
    h3_settings_t    s;
    fake_stream_t   *f;
    h3_frame_reader_t  fr;
    h3_conf_t        conf = { 12345, 2048, 7, 1 };

    rig = rig_create_bare(&conf);
    assert_int_equal(rig->qc->next_uni, 0);

    rig->qc->ops->established(rig->qc->app);
    assert_int_equal(rig->qc->next_uni, 3);

    f = fake_stream(rig->qc, CONTROL);
    p = f->out;
    end = p + f->out_len;
    assert_int_equal(*p++, H3_STREAM_CONTROL);

    h3_frame_reader_init(&fr);
    assert_int_equal(h3_frame_read_header(&fr, &p, end), NGX_OK);
    assert_int_equal(fr.type, H3_FRAME_SETTINGS);
    n = end - p;
    assert_int_equal(fr.left, n);

    h3_settings_init(&s);
    assert_int_equal(h3_settings_parse(&s, p, n, &error, &reason), NGX_OK);
    assert_int_equal(s.max_field_section_size, 12345);
    assert_int_equal(s.qpack_max_table_capacity, 2048);
    assert_int_equal(s.qpack_blocked_streams, 7);
    assert_int_equal(s.enable_connect_protocol, 1);

    f = fake_stream(rig->qc, ENCODER);
    assert_int_equal(f->out_len, 1);
    assert_int_equal(f->out[0], H3_STREAM_QPACK_ENCODER);

    f = fake_stream(rig->qc, DECODER);
    assert_int_equal(f->out_len, 1);
    assert_int_equal(f->out[0], H3_STREAM_QPACK_DECODER);

    rig_destroy(rig);
}


/* RFC 9114, 6.2: a client must allow three streams */

static void
test_too_few_streams(void **state)
{
    rig_t     *rig;
    uint64_t   n;

    for (n = 0; n < 3; n++) {
        rig = rig_create_bare(NULL);
        rig->qc->max_uni = n;

        rig->qc->ops->established(rig->qc->app);
        rig_check_error(rig, H3_GENERAL_PROTOCOL_ERROR);

        rig_destroy(rig);
    }
}


/* 0-RTT: requests and all may come before we have a stream */

static void
test_early(void **state)
{
    rig_t          *rig;
    fake_stream_t  *f;

    rig = rig_create_bare(NULL);
    rig->answer = 1;

    /* a table, an entry, a request that refers to it */

    fake_send(rig->qc, RIG_CONTROL, "\x00\x04\x03\x01\x50\x00", 6, 0);
    fake_send(rig->qc, RIG_ENCODER, "\x02\x3f\xe1\x1f\xc0\x01" "a", 7, 0);
    fake_send(rig->qc, 0, "\x01\x06\x02\x00\x80\xd1\xd7\xc1", 8, 1);

    assert_string_equal(rig_request(rig, 0)->events,
                        "request headers(fin -1)");
    assert_string_equal(rig_request(rig, 0)->fields,
                        ":authority=a :method=GET :scheme=https :path=/ ");
    rig_check_error(rig, FAKE_NONE);

    rig->qc->ops->established(rig->qc->app);

    /* what couldn't be said before */

    f = fake_stream(rig->qc, DECODER);
    assert_int_equal(f->out_len, 2);
    assert_int_equal(f->out[1], 0x80);

    rig_destroy(rig);
}


typedef struct {
    uint64_t     id;
    const char  *hex;                /* "." at the end: FIN, "!": reset */
} bytes_t;


typedef struct {
    bytes_t      sent[3];
    uint64_t     error;
} uni_row_t;


#define C  RIG_CONTROL
#define E  RIG_ENCODER
#define D  RIG_DECODER
#define SETTINGS  "00 04 00 "


static uni_row_t  rows[] = {

    /* 6.2.1: the control stream */

    { { { C, SETTINGS } }, FAKE_NONE },
    { { { C, "00 04 02 06 05" } }, FAKE_NONE },
    { { { C, "40 00 40 04 40 00" } }, FAKE_NONE },   /* longer varints */
    { { { C, SETTINGS "." } }, H3_CLOSED_CRITICAL_STREAM },
    { { { C, "00 ." } }, H3_CLOSED_CRITICAL_STREAM },
    { { { C, "00 04 ." } }, H3_CLOSED_CRITICAL_STREAM },
    { { { C, SETTINGS "!" } }, H3_CLOSED_CRITICAL_STREAM },
    { { { C, SETTINGS }, { 14, "00" } }, H3_STREAM_CREATION_ERROR },
    { { { C, "00 21 00" } }, H3_MISSING_SETTINGS },
    { { { C, "00 07 01 00" } }, H3_MISSING_SETTINGS },
    { { { C, "00 0d 01 00" } }, H3_MISSING_SETTINGS },
    { { { C, "00 00 00" } }, H3_MISSING_SETTINGS },
    { { { C, "00 02 00" } }, H3_MISSING_SETTINGS },

    /* 6.2.2: push streams are a server's */

    { { { 14, "01" } }, H3_STREAM_CREATION_ERROR },
    { { { 14, "01 00" } }, H3_STREAM_CREATION_ERROR },

    /* 6.2, 6.2.3: unknown and reserved types, streams that end at once */

    { { { 14, "21" } }, FAKE_NONE },
    { { { 14, "21 00 00 ." } }, FAKE_NONE },
    { { { 14, "40 54 ff" } }, FAKE_NONE },
    { { { 14, "c0 00 00 00 12 34 56 78 ff" } }, FAKE_NONE },
    { { { 14, "." } }, FAKE_NONE },
    { { { 14, "40 ." } }, FAKE_NONE },
    { { { 14, "!" } }, FAKE_NONE },
    { { { 14, "40 !" } }, FAKE_NONE },

    /* 7.1: frames with more or less than their fields */

    { { { C, SETTINGS "07 00" } }, H3_FRAME_ERROR },
    { { { C, SETTINGS "07 01 40" } }, H3_FRAME_ERROR },
    { { { C, SETTINGS "07 02 00 00" } }, H3_FRAME_ERROR },
    { { { C, SETTINGS "07 09 00 00 00 00 00 00 00 00 00" } },
      H3_FRAME_ERROR },
    { { { C, SETTINGS "0d 00" } }, H3_FRAME_ERROR },
    { { { C, SETTINGS "0d 02 00 00" } }, H3_FRAME_ERROR },
    { { { C, SETTINGS "03 00" } }, H3_FRAME_ERROR },
    { { { C, "00 04 01 06" } }, H3_FRAME_ERROR },
    { { { C, "00 04 02 06 40" } }, H3_FRAME_ERROR },

    /* 7.2: which frames are for the control stream */

    { { { C, SETTINGS "00 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "01 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "05 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "04 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "02 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "06 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "08 00" } }, H3_FRAME_UNEXPECTED },
    { { { C, SETTINGS "09 00" } }, H3_FRAME_UNEXPECTED },

    /* 7.2.8: unknown and reserved ones are skipped */

    { { { C, SETTINGS "21 00 40 40 03 01 02 03 0d 01 00" } }, FAKE_NONE },

    /* 7.2.3: nothing was promised */

    { { { C, SETTINGS "03 01 00" } }, H3_ID_ERROR },
    { { { C, SETTINGS "0d 01 05 03 01 00" } }, H3_ID_ERROR },

    /* 7.2.4: SETTINGS */

    { { { C, "00 04 04 06 05 06 05" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 02 00" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 03 00" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 04 00" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 05 00" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 08 02" } }, H3_SETTINGS_ERROR },
    { { { C, "00 04 02 21 00" } }, FAKE_NONE },
    { { { C, "00 04 44 01" } }, H3_EXCESSIVE_LOAD },     /* 1025 bytes */

    /* 5.2, 7.2.6: a client's GOAWAY */

    { { { C, SETTINGS "07 01 05" } }, FAKE_NONE },
    { { { C, SETTINGS "07 01 05 07 01 05 07 01 00" } }, FAKE_NONE },
    { { { C, SETTINGS "07 01 05 07 01 06" } }, H3_ID_ERROR },

    /* 7.2.7 */

    { { { C, SETTINGS "0d 01 00 0d 01 00 0d 01 05" } }, FAKE_NONE },
    { { { C, SETTINGS "0d 01 05 0d 01 04" } }, H3_ID_ERROR },
    { { { C, SETTINGS "0d 08 ff ff ff ff ff ff ff ff 0d 01 00" } },
      H3_ID_ERROR },

    /* RFC 9204, 4.2: QPACK's streams */

    { { { E, "02" }, { D, "03" } }, FAKE_NONE },
    { { { E, "02" }, { 14, "02" } }, H3_STREAM_CREATION_ERROR },
    { { { D, "03" }, { 14, "03" } }, H3_STREAM_CREATION_ERROR },
    { { { E, "02 ." } }, H3_CLOSED_CRITICAL_STREAM },
    { { { D, "03 ." } }, H3_CLOSED_CRITICAL_STREAM },
    { { { E, "02 !" } }, H3_CLOSED_CRITICAL_STREAM },
    { { { D, "03 !" } }, H3_CLOSED_CRITICAL_STREAM },
    { { { E, "02 3f e1 1f c0 01 61" } }, FAKE_NONE },
    { { { E, "02 3f e1 1f c0 01 61 ." } }, H3_CLOSED_CRITICAL_STREAM },

    /* RFC 9204, 6 */

    { { { E, "02 3f e2 1f" } }, QPACK_ENCODER_STREAM_ERROR },
    { { { E, "02 00" } }, QPACK_ENCODER_STREAM_ERROR },
    { { { D, "03 00" } }, QPACK_DECODER_STREAM_ERROR },
    { { { D, "03 80" } }, QPACK_DECODER_STREAM_ERROR },
    { { { D, "03 44" } }, FAKE_NONE }
};


static void
send_row(rig_t *rig, bytes_t *b, size_t step)
{
    char         last;
    char         hex[256];
    u_char       buf[256];
    size_t       len;

    strcpy(hex, b->hex);
    last = hex[strlen(hex) - 1];

    if (last == '.' || last == '!') {
        hex[strlen(hex) - 1] = '\0';
    }

    len = test_hex(buf, sizeof(buf), hex);

    if (last == '!') {

        if (len) {
            rig_send(rig, b->id, buf, len, 0, step);
        }

        fake_reset(rig->qc, b->id, H3_NO_ERROR);
        return;
    }

    rig_send(rig, b->id, buf, len, last == '.', step);
}


static void
test_rows(void **state)
{
    rig_t      *rig;
    size_t      i, step;
    uni_row_t  *row;

    for (row = rows; row < rows + test_array_len(rows); row++) {

        for (step = 1; step < 30; step += 7) {
            rig = rig_create_bare(NULL);
            rig->qc->ops->established(rig->qc->app);

            for (i = 0; i < 3 && row->sent[i].hex; i++) {
                send_row(rig, &row->sent[i], step);
            }

            if (rig->qc->error != row->error) {
                print_message("row %d, \"%s\"\n", (int) (row - rows),
                              row->sent[0].hex);
                rig_check_error(rig, row->error);
            }

            if (row->error == FAKE_NONE) {
                rig_get(rig, 0);
                assert_string_equal(rig_request(rig, 0)->events,
                                    "request headers(fin -1)");

            } else {
                assert_non_null(rig->qc->reason);
            }

            rig_destroy(rig);
        }
    }
}


/* unknown streams are given up, and stay so */

static void
test_unknown_stream(void **state)
{
    rig_t          *rig;
    size_t          i;
    fake_stream_t  *f;

    rig = rig_create(NULL);

    fake_send(rig->qc, 14, "\x21xxxx", 5, 0);

    f = fake_stream(rig->qc, 14);
    assert_true(f->released);
    assert_int_equal(f->stop_error, H3_STREAM_CREATION_ERROR);

    for (i = 1; i < H3_MAX_USELESS; i++) {
        fake_send(rig->qc, 14 + 4 * i, "\x21", 1, 0);
        rig_check_error(rig, FAKE_NONE);
    }

    fake_send(rig->qc, 14 + 4 * i, "\x21", 1, 0);
    rig_check_error(rig, H3_EXCESSIVE_LOAD);

    rig_destroy(rig);
}


/* streams are opened and reset; RESET_STREAM and STOP_SENDING are one */

static void
test_cancelled(void **state)
{
    rig_t       *rig;
    uint64_t     id;
    ngx_uint_t   served, i, n;

    for (served = 0; served < 3; served++) {
        rig = rig_create(NULL);
        rig->answer = 1;
        id = 0;

        for (i = 0; i < served; i++, id += 4) {
            rig_get(rig, id);
            fake_ack(rig->qc);
        }

        n = H3_MAX_CANCELLED + served * H3_MAX_CANCELLED_PER_SERVED;

        for (i = 0; i < n; i++, id += 4) {
            fake_send(rig->qc, id, "\x01", 1, 0);

            if (i % 3 != 1) {
                fake_reset(rig->qc, id, H3_REQUEST_CANCELLED);
            }

            if (i % 3 != 0) {
                fake_stop(rig->qc, id, H3_REQUEST_CANCELLED);
            }

            fake_ack(rig->qc);
            rig_check_error(rig, FAKE_NONE);
        }

        fake_send(rig->qc, id, "\x01", 1, 0);
        fake_reset(rig->qc, id, H3_REQUEST_CANCELLED);
        rig_check_error(rig, H3_EXCESSIVE_LOAD);

        rig_destroy(rig);
    }
}


static void
test_useless_frames(void **state)
{
    rig_t   *rig;
    size_t   i;

    rig = rig_create(NULL);

    for (i = 0; i < H3_MAX_USELESS; i++) {
        fake_send(rig->qc, RIG_CONTROL, i & 1 ? "\x21\x00" : "\x0d\x01\x05",
                  i & 1 ? 2 : 3, 0);
        rig_check_error(rig, FAKE_NONE);
    }

    fake_send(rig->qc, RIG_CONTROL, "\x21\x00", 2, 0);
    rig_check_error(rig, H3_EXCESSIVE_LOAD);

    rig_destroy(rig);
}


static void
test_stopped(void **state)
{
    size_t   i;
    rig_t   *rig;

    static uint64_t  ours[] = { CONTROL, ENCODER, DECODER };

    for (i = 0; i < 3; i++) {
        rig = rig_create(NULL);
        fake_stop(rig->qc, ours[i], H3_NO_ERROR);
        rig_check_error(rig, H3_CLOSED_CRITICAL_STREAM);
        rig_destroy(rig);
    }
}


static void
test_peer_limit(void **state)
{
    rig_t  *rig;

    rig = rig_create(NULL);
    assert_int_equal(h3_conn_peer_max_field_section(rig->hc), UINT64_MAX);
    rig_destroy(rig);

    rig = rig_create_bare(NULL);
    fake_send(rig->qc, RIG_CONTROL, "\x00\x04\x02\x06\x05", 5, 0);
    assert_int_equal(h3_conn_peer_max_field_section(rig->hc), 5);
    rig_destroy(rig);
}


/* the client's bytes on our decoder stream can't pile up here */

static void
test_unsent_answers(void **state)
{
    rig_t   *rig;
    size_t   i;

    rig = rig_create(NULL);
    rig->answer = 1;

    fake_send(rig->qc, RIG_ENCODER, "\x02\x3f\xe1\x1f\xc0\x01" "a", 7, 0);

    /* it may leave some unread */

    for (i = 0; i < 100; i++) {
        fake_send(rig->qc, 4 * i, "\x01\x06\x02\x00\x80\xd1\xd7\xc1", 8, 1);
    }

    rig_check_error(rig, FAKE_NONE);
    fake_ack(rig->qc);

    fake_stream(rig->qc, DECODER)->s.out.end += H3_MAX_UNSENT_ANSWERS;
    fake_send(rig->qc, 4 * i, "\x01\x06\x02\x00\x80\xd1\xd7\xc1", 8, 1);
    rig_check_error(rig, H3_EXCESSIVE_LOAD);

    rig_destroy(rig);
}


/* GOAWAY */

#define GOAWAY_NOTICE  (((uint64_t) 1 << 62) - 4)


/* what has been written on the control stream since "*before" is one GOAWAY */

static void
check_goaway(rig_t *rig, size_t *before, uint64_t id)
{
    u_char          frame[16], *p;
    fake_stream_t  *f;

    p = quic_varint_write(frame, H3_FRAME_GOAWAY);
    p = quic_varint_write(p, quic_varint_len(id));
    p = quic_varint_write(p, id);

    f = fake_stream(rig->qc, CONTROL);
    assert_int_equal(f->out_len, *before + (p - frame));
    assert_memory_equal(f->out + *before, frame, p - frame);

    *before = f->out_len;
}


static void
test_goaway(void **state)
{
    u_char          buf[256];
    size_t          before, len;
    rig_t          *rig;
    rig_request_t  *r;
    fake_stream_t  *f;

    rig = rig_create(NULL);
    fake_ack(rig->qc);
    before = fake_stream(rig->qc, CONTROL)->out_len;

    len = rig_script(buf, "5d5");
    rig_send(rig, 0, buf, len - 1, 0, RIG_MAX);

    h3_conn_goaway(rig->hc);
    h3_conn_goaway(rig->hc);
    check_goaway(rig, &before, GOAWAY_NOTICE);

    /* one that has crossed with it is served */

    rig_send(rig, 4, buf, len - 1, 0, RIG_MAX);
    fake_writable(rig->qc, CONTROL);
    assert_int_equal(fake_stream(rig->qc, CONTROL)->out_len, before);

    fake_ack(rig->qc);
    check_goaway(rig, &before, 8);

    /* RFC 9114, 5.2: from that on, all are rejected, those before are not */

    rig_send(rig, 8, buf, len, 1, RIG_MAX);
    f = fake_stream(rig->qc, 8);
    assert_true(f->released);
    assert_int_equal(f->reset_error, H3_REQUEST_REJECTED);
    assert_null(rig_request(rig, 8));

    rig_send(rig, 0, buf + len - 1, 1, 1, RIG_MAX);
    rig_send(rig, 4, buf + len - 1, 1, 1, RIG_MAX);
    assert_string_equal(rig_request(rig, 0)->events, "request headers(5) end");
    assert_string_equal(rig_request(rig, 4)->events, "request headers(5) end");

    /* what was said must have arrived before the end */

    r = rig_request(rig, 0);
    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;
    fake_ack(rig->qc);
    rig_check_error(rig, FAKE_NONE);

    r = rig_request(rig, 4);
    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;
    rig->qc->ops->drained(rig->qc->app);
    rig_check_error(rig, FAKE_NONE);

    fake_ack(rig->qc);
    rig->qc->ops->drained(rig->qc->app);
    rig_check_error(rig, H3_NO_ERROR);
    assert_true(rig->qc->lingering);

    rig_destroy(rig);
}


/* without requests there is nothing to wait for */

/* a stream without a field line isn't waited for, others are */

static void
test_expire(void **state)
{
    rig_t          *rig;
    fake_stream_t  *f;

    rig = rig_create(NULL);
    rig->now = UINT64_MAX - 5;       /* a clock may run over */

    assert_int_equal(h3_conn_expire(rig->hc, rig->now, 10), UINT64_MAX);

    rig_send(rig, 0, (u_char *) "\x01\x05", 2, 0, 2);
    rig->now += 4;
    rig_get(rig, 4);
    rig_send(rig, 8, (u_char *) "\x01", 1, 0, 1);

    assert_int_equal(h3_conn_progress(rig->hc),
                     3 + h3_request_received(rig_request(rig, 4)->hr));

    rig->now += 5;
    assert_int_equal(h3_conn_expire(rig->hc, rig->now, 10), 1);
    assert_false(fake_stream(rig->qc, 0)->released);

    rig->now++;
    assert_int_equal(h3_conn_expire(rig->hc, rig->now, 10), 4);

    f = fake_stream(rig->qc, 0);
    assert_true(f->released);
    assert_int_equal(f->reset_error, H3_REQUEST_CANCELLED);
    assert_int_equal(f->stop_error, H3_REQUEST_CANCELLED);
    assert_false(fake_stream(rig->qc, 8)->released);

    rig->now += 4;
    assert_int_equal(h3_conn_expire(rig->hc, rig->now, 10), UINT64_MAX);
    assert_true(fake_stream(rig->qc, 8)->released);
    assert_false(fake_stream(rig->qc, 4)->released);

    rig_check_error(rig, FAKE_NONE);
    rig_destroy(rig);
}


static void
test_goaway_idle(void **state)
{
    rig_t   *rig;
    size_t   before;

    rig = rig_create(NULL);
    before = fake_stream(rig->qc, CONTROL)->out_len;

    rig->qc->ops->drained(rig->qc->app);
    fake_ack(rig->qc);
    rig->qc->ops->drained(rig->qc->app);
    rig_check_error(rig, FAKE_NONE);

    h3_conn_goaway(rig->hc);
    check_goaway(rig, &before, GOAWAY_NOTICE);
    rig->qc->ops->drained(rig->qc->app);
    rig_check_error(rig, FAKE_NONE);

    fake_ack(rig->qc);
    check_goaway(rig, &before, 0);
    rig_check_error(rig, H3_NO_ERROR);
    assert_true(rig->qc->lingering);

    rig_destroy(rig);
}


/* a client that doesn't answer */

static void
test_goaway_final(void **state)
{
    rig_t   *rig;
    size_t   before;

    rig = rig_create(NULL);
    before = fake_stream(rig->qc, CONTROL)->out_len;

    h3_conn_goaway_final(rig->hc);
    assert_int_equal(fake_stream(rig->qc, CONTROL)->out_len, before);

    h3_conn_goaway(rig->hc);
    check_goaway(rig, &before, GOAWAY_NOTICE);

    h3_conn_goaway_final(rig->hc);
    h3_conn_goaway_final(rig->hc);
    check_goaway(rig, &before, 0);
    rig_check_error(rig, H3_NO_ERROR);

    rig_destroy(rig);
}


/* before there is a stream to say it on */

static void
test_goaway_early(void **state)
{
    u_char      buf[256];
    rig_t      *rig;
    size_t      len, before;

    rig = rig_create_bare(NULL);
    len = rig_script(buf, "G");
    rig_send(rig, 0, buf, len, 0, RIG_MAX);

    h3_conn_goaway(rig->hc);
    rig->qc->ops->drained(rig->qc->app);

    rig_send(rig, 4, buf, len, 1, RIG_MAX);
    assert_non_null(rig_request(rig, 4));

    rig->qc->ops->established(rig->qc->app);
    before = fake_stream(rig->qc, CONTROL)->out_len - 10;
    check_goaway(rig, &before, GOAWAY_NOTICE);

    fake_ack(rig->qc);
    check_goaway(rig, &before, 8);

    rig_send(rig, 8, buf, len, 1, RIG_MAX);
    assert_null(rig_request(rig, 8));

    rig_destroy(rig);
}


/* nothing is read after an error of the connection, and nobody is called */

static void
test_after_error(void **state)
{
    u_char          buf[256], c;
    rig_t          *rig;
    rig_request_t  *r;
    fake_stream_t  *f;

    rig = rig_create(NULL);

    rig_send(rig, 0, buf, rig_script(buf, "5d2"), 0, RIG_MAX);
    r = rig_request(rig, 0);
    h3_response_want_write(r->hr);
    f = fake_stream(rig->qc, 0);

    fake_send(rig->qc, 14, "\x01", 1, 0);
    rig_check_error(rig, H3_STREAM_CREATION_ERROR);

    rig->qc->ops->stream_readable(rig->qc->app, &f->s);
    rig->qc->ops->stream_writable(rig->qc->app, &f->s);
    rig->qc->ops->stream_reset(rig->qc->app, &f->s, 0);
    rig->qc->ops->stream_stopped(rig->qc->app, &f->s, 0);

    f = fake_stream(rig->qc, 4);
    assert_null(f->s.app);
    rig->qc->ops->stream_readable(rig->qc->app, &f->s);

    assert_string_equal(r->events, "request headers(5)");
    assert_int_equal(h3_request_recv(r->hr, &c, 1), NGX_ERROR);
    assert_int_equal(h3_response_room(r->hr), 0);

    h3_conn_goaway(rig->hc);
    rig->qc->ops->drained(rig->qc->app);

    fake_conn_end(rig->qc);
    assert_string_equal(r->events, "request headers(5) gone");

    rig_destroy(rig);
}


/* requests that are freed between the error and the end */

static void
test_free_after_error(void **state)
{
    rig_t          *rig;
    rig_request_t  *r;

    rig = rig_create(NULL);
    rig_get(rig, 0);
    rig_get(rig, 4);

    fake_send(rig->qc, 14, "\x01", 1, 0);

    r = rig_request(rig, 0);
    h3_request_free(r->hr, H3_INTERNAL_ERROR);
    r->hr = NULL;

    rig_destroy(rig);
}


/* the peer can't make a stream that isn't there yet our problem */

static void
test_random(void **state)
{
    rig_t   *rig;
    u_char   buf[32];
    size_t   i, j, n;

    for (i = 0; i < 20000; i++) {
        rig = rig_create(NULL);

        for (j = 0; j < 4; j++) {
            n = test_rand() % sizeof(buf);
            test_rand_bytes(buf, n);

            if (n && test_rand() % 2) {
                buf[0] = test_rand() % 4;
            }

            rig_send(rig, 4 * (test_rand() % 4) + 2, buf, n, 0,
                     1 + test_rand() % 8);
        }

        if (rig->qc->error == FAKE_NONE) {
            rig_get(rig, 0);
        }

        rig_destroy(rig);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first_flight),
        cmocka_unit_test(test_too_few_streams),
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_unknown_stream),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_useless_frames),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_peer_limit),
        cmocka_unit_test(test_unsent_answers),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_goaway),
        cmocka_unit_test(test_goaway_idle),
        cmocka_unit_test(test_goaway_final),
        cmocka_unit_test(test_goaway_early),
        cmocka_unit_test(test_after_error),
        cmocka_unit_test(test_free_after_error),
        cmocka_unit_test(test_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
