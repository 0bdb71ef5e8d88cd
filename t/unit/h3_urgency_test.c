
/* Whose priority counts: the request's, PRIORITY_UPDATE's, the response's. */

#include "h3_rig.h"
#include "quic/limits.h"


static void
check(rig_t *rig, uint64_t id, ngx_uint_t urgency, ngx_uint_t incremental)
{
    fake_stream_t  *f;

    f = fake_stream(rig->qc, id);

    if (f->s.urgency != urgency || f->s.incremental != incremental) {
        fail_msg("stream %lu: u=%d, i=%d", id, f->s.urgency,
                 f->s.incremental);
    }
}


/* a GET with "priority" lines */

static void
get(rig_t *rig, uint64_t id, const char *lines)
{
    char    fields[512];
    u_char  buf[1024];

    sprintf(fields, ":method: GET\n:scheme: https\n:authority: a\n:path: /\n"
            "%s", lines);

    rig_send(rig, id, buf, rig_headers(buf, fields) - buf, 1, RIG_MAX);
}


static void
update(rig_t *rig, uint64_t type, uint64_t id, const char *value, size_t step)
{
    u_char  payload[2048], buf[2048], *p;

    p = quic_varint_write(payload, id);
    p = ngx_cpymem(p, value, strlen(value));

    p = rig_frame(buf, type, payload, p - payload);
    rig_send(rig, RIG_CONTROL, buf, p - buf, 0, step);
}


static void
test_request(void **state)
{
    rig_t  *rig;

    rig = rig_create(NULL);

    get(rig, 0, "");
    get(rig, 4, "priority: u=1, i\n");
    get(rig, 8, "priority: u=6\npriority: i\n");
    get(rig, 12, "priority: u=0,\n");
    get(rig, 16, "x-priority: u=0\n");

    check(rig, 0, 3, 0);
    check(rig, 4, 1, 1);
    check(rig, 8, 6, 1);
    check(rig, 12, 3, 0);
    check(rig, 16, 3, 0);

    /* nginx gets the field as any other */

    assert_non_null(strstr(rig_request(rig, 4)->fields, "priority=u=1, i"));

    rig_destroy(rig);
}


static void
test_update(void **state)
{
    rig_t  *rig;

    rig = rig_create(NULL);

    get(rig, 0, "priority: u=1, i\n");
    get(rig, 4, "");

    update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, 0, "u=5", RIG_MAX);
    check(rig, 0, 5, 0);
    check(rig, 4, 3, 0);

    update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, 4, "u=2, i", 1);
    check(rig, 4, 2, 1);

    update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, 4, "", 1);
    check(rig, 4, 3, 0);

    rig_check_error(rig, FAKE_NONE);
    rig_destroy(rig);
}


/* before the request, and then its own field doesn't count */

static void
test_early(void **state)
{
    rig_t     *rig;
    uint64_t   id;

    rig = rig_create(NULL);

    for (id = 0; id < 4 * (H3_MAX_EARLY_PRIORITIES + 1); id += 4) {
        update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, id, "u=6", RIG_MAX);
        update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, id, "u=1, i", RIG_MAX);
    }

    /* there was one too many: the first has been dropped */

    get(rig, 0, "priority: u=4\n");
    check(rig, 0, 4, 0);

    for (id = 4; id < 4 * (H3_MAX_EARLY_PRIORITIES + 1); id += 4) {
        get(rig, id, "priority: u=4\n");
        check(rig, id, 1, 1);
    }

    get(rig, id, "priority: u=4\n");
    check(rig, id, 4, 0);

    rig_check_error(rig, FAKE_NONE);
    rig_destroy(rig);
}


/* of a request that is over */

static void
test_late(void **state)
{
    rig_t          *rig;
    rig_request_t  *r;

    rig = rig_create(NULL);

    get(rig, 0, "");
    r = rig_request(rig, 0);
    rig_answer(r->hr);
    h3_request_free(r->hr, H3_NO_ERROR);
    r->hr = NULL;

    update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, 0, "u=1", RIG_MAX);
    rig_check_error(rig, FAKE_NONE);

    rig_destroy(rig);
}


static void
test_response(void **state)
{
    rig_t          *rig;
    rig_request_t  *r;

    static h3_field_t  fields[] = {
        { ngx_string(":status"), ngx_string("200"), 0 },
        { ngx_string("priority"), ngx_string("u=0"), 0 }
    };

    rig = rig_create(NULL);

    get(rig, 0, "priority: u=5, i\n");
    r = rig_request(rig, 0);

    assert_int_equal(h3_response_headers(r->hr, fields, 2, 0), NGX_OK);
    check(rig, 0, 0, 1);

    rig_destroy(rig);
}


static void
test_errors(void **state)
{
    rig_t       *rig;
    ngx_uint_t   i;

    static const struct {
        uint64_t     type;
        uint64_t     id;
        const char  *value;
        uint64_t     error;
    } rows[] = {
        { H3_FRAME_PRIORITY_UPDATE_REQUEST, 1, "u=1", H3_ID_ERROR },
        { H3_FRAME_PRIORITY_UPDATE_REQUEST, 2, "u=1", H3_ID_ERROR },
        { H3_FRAME_PRIORITY_UPDATE_REQUEST, 4 * FAKE_MAX_REQUESTS, "u=1",
          H3_ID_ERROR },
        { H3_FRAME_PRIORITY_UPDATE_REQUEST, 4 * (FAKE_MAX_REQUESTS - 1), "u=1",
          FAKE_NONE },
        { H3_FRAME_PRIORITY_UPDATE_REQUEST, 0, "u=1,",
          H3_GENERAL_PROTOCOL_ERROR },
        { H3_FRAME_PRIORITY_UPDATE_PUSH, 0, "u=1", H3_ID_ERROR }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        rig = rig_create(NULL);
        update(rig, rows[i].type, rows[i].id, rows[i].value, RIG_MAX);
        rig_check_error(rig, rows[i].error);
        rig_destroy(rig);
    }

    /* without an ID */

    rig = rig_create(NULL);
    rig_send(rig, RIG_CONTROL, (u_char *) "\x80\x0f\x07\x00\x00", 5, 0,
             RIG_MAX);
    rig_check_error(rig, H3_FRAME_ERROR);
    rig_destroy(rig);
}


static void
test_flood(void **state)
{
    rig_t       *rig;
    ngx_uint_t   i;

    rig = rig_create(NULL);

    for (i = 0; i <= H3_MAX_USELESS && rig->qc->error == FAKE_NONE; i++) {
        update(rig, H3_FRAME_PRIORITY_UPDATE_REQUEST, 0, "u=1", RIG_MAX);
    }

    rig_check_error(rig, H3_EXCESSIVE_LOAD);
    rig_destroy(rig);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_flood)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
