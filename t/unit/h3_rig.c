
#include "h3_rig.h"


static uint64_t rig_on_opened(void *data);
static void *rig_on_request(void *data, h3_request_t *hr);
static ngx_int_t rig_on_field(void *req, ngx_str_t *name, ngx_str_t *value);
static void rig_on_headers(void *req, ngx_uint_t fin, off_t content_length);
static void rig_on_malformed(void *req, const char *reason);
static void rig_on_too_large(void *req);
static void rig_on_readable(void *req);
static void rig_on_writable(void *req);
static void rig_on_gone(void *req);
static void rig_on_closed(void *data);
static void rig_note(rig_request_t *r, const char *event, const char *name);
static void rig_fetch(rig_request_t *r);
static u_char *rig_integer(u_char *p, u_char first, ngx_uint_t bits, size_t n);
static u_char *rig_script_headers(u_char *p, const char *length);


static const h3_ops_t  rig_ops = {
    rig_on_opened,
    rig_on_request,
    rig_on_field,
    rig_on_headers,
    rig_on_malformed,
    rig_on_too_large,
    rig_on_readable,
    rig_on_writable,
    rig_on_gone,
    rig_on_closed
};


rig_t *
rig_create_bare(const h3_conf_t *conf)
{
    rig_t  *rig;

    rig = calloc(1, sizeof(rig_t));
    assert_non_null(rig);

    rig->chunk = 4096;
    rig->conf.max_field_section = 4096;
    rig->conf.max_table_capacity = 4096;
    rig->conf.max_blocked_streams = 4;

    if (conf) {
        rig->conf = *conf;
    }

    rig->qc = fake_conn_create();
    rig->hc = h3_conn_create(rig->qc, &rig->qc->mem, &rig->conf, &rig_ops,
                             rig);
    assert_non_null(rig->hc);

    return rig;
}


rig_t *
rig_create(const h3_conf_t *conf)
{
    rig_t   *rig;
    u_char   control[3] = { H3_STREAM_CONTROL, H3_FRAME_SETTINGS, 0 };

    rig = rig_create_bare(conf);

    rig->qc->ops->established(rig->qc->app);
    fake_send(rig->qc, RIG_CONTROL, control, 3, 0);

    assert_int_equal(rig->qc->error, FAKE_NONE);

    return rig;
}


void
rig_destroy(rig_t *rig)
{
    ngx_uint_t      i;
    rig_request_t  *r;

    fake_conn_end(rig->qc);

    assert_int_equal(rig->closed, 1);

    for (i = 0; i < rig->n; i++) {
        r = rig->requests[i];

        if (r->hr) {
            assert_int_equal(r->gone, 1);
            assert_null(h3_request_conn(r->hr));
            h3_request_free(r->hr, H3_INTERNAL_ERROR);
        }

        free(r);
    }

    fake_conn_destroy(rig->qc);
    free(rig);
}


rig_request_t *
rig_request(rig_t *rig, uint64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < rig->n; i++) {

        if (rig->requests[i]->id == id) {
            return rig->requests[i];
        }
    }

    return NULL;
}


void
rig_check_error(rig_t *rig, uint64_t error)
{
    if (rig->qc->error != error) {
        fail_msg("closed with %s (%s), not %s",
                 rig->qc->error == FAKE_NONE
                 ? "nothing" : quic_error_name(rig->qc->error, 1),
                 rig->qc->reason ? rig->qc->reason : "",
                 error == FAKE_NONE ? "nothing" : quic_error_name(error, 1));
    }
}


/* the upper floor */

static void
rig_note(rig_request_t *r, const char *event, const char *name)
{
    rig_t       *rig;
    ngx_uint_t   i;

    rig = r->rig;

    assert_non_null(r->hr);
    assert_false(r->gone);
    assert_int_equal(rig->closed, 0);

    if (event) {
        assert_true(strlen(r->events) < sizeof(r->events) - 256);
        sprintf(r->events + strlen(r->events), "%s%s",
                r->events[0] ? " " : "", event);
    }

    if (rig->free_in && strcmp(rig->free_in, name) == 0) {
        h3_request_free(r->hr, H3_REQUEST_CANCELLED);
        r->hr = NULL;
    }

    if (rig->free_all_in && strcmp(rig->free_all_in, name) == 0) {

        for (i = 0; i < rig->n; i++) {

            if (rig->requests[i]->hr) {
                h3_request_free(rig->requests[i]->hr, H3_REQUEST_CANCELLED);
                rig->requests[i]->hr = NULL;
            }
        }
    }
}


static uint64_t
rig_on_opened(void *data)
{
    rig_t  *rig = data;

    return rig->now;
}


static void *
rig_on_request(void *data, h3_request_t *hr)
{
    rig_t          *rig = data;
    rig_request_t  *r;

    assert_int_equal(rig->closed, 0);

    if (rig->refuse) {
        return NULL;
    }

    assert_true(rig->n < RIG_REQUESTS);

    r = calloc(1, sizeof(rig_request_t));
    assert_non_null(r);

    r->rig = rig;
    r->hr = hr;
    r->id = h3_request_id(hr);
    r->last = NGX_AGAIN;
    rig->requests[rig->n++] = r;

    assert_ptr_equal(h3_request_conn(hr), rig->qc);

    rig_note(r, "request", "request");

    return r;
}


static ngx_int_t
rig_on_field(void *req, ngx_str_t *name, ngx_str_t *value)
{
    rig_request_t  *r = req;

    sprintf(r->fields + strlen(r->fields), "%.*s=%.*s ",
            (int) name->len, name->data, (int) ngx_min(value->len, 64),
            value->data);

    /* nothing can be fetched yet */
    assert_int_equal(h3_request_recv(r->hr, r->body, 1), NGX_AGAIN);

    rig_note(r, NULL, "field");

    if (r->rig->decline && strlen(r->rig->decline) == name->len
        && memcmp(r->rig->decline, name->data, name->len) == 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
rig_on_headers(void *req, ngx_uint_t fin, off_t content_length)
{
    char            event[64];
    rig_request_t  *r = req;

    sprintf(event, "headers(%s%d)", fin ? "fin " : "", (int) content_length);
    rig_note(r, event, "headers");

    if (r->hr && r->rig->answer) {
        rig_answer(r->hr);

        /* an error doesn't count after a whole response */
        h3_request_free(r->hr, H3_INTERNAL_ERROR);
        r->hr = NULL;
    }
}


static void
rig_on_malformed(void *req, const char *reason)
{
    char            event[256];
    rig_request_t  *r = req;

    sprintf(event, "malformed(%s)", reason);
    rig_note(r, event, "malformed");
}


static void
rig_on_too_large(void *req)
{
    rig_note(req, "too_large", "too_large");
}


static void
rig_on_readable(void *req)
{
    rig_request_t  *r = req;

    /* noted by what comes of it */
    rig_note(r, r->rig->keep ? "readable" : NULL, "readable");

    if (r->hr && !r->rig->keep) {
        rig_fetch(r);
    }
}


static void
rig_fetch(rig_request_t *r)
{
    for ( ;; ) {
        assert_true(r->body_len + r->rig->chunk < RIG_MAX);

        r->last = h3_request_recv(r->hr, r->body + r->body_len,
                                  r->rig->chunk);

        if (r->hr == NULL) {
            /* by malformed(), inside of the call */
            return;
        }

        if (r->last > 0) {
            r->body_len += r->last;
            continue;
        }

        if (r->last == 0) {
            rig_note(r, "end", "end");

        } else if (r->last == NGX_ERROR) {
            rig_note(r, "error", "error");
        }

        return;
    }
}


static void
rig_on_writable(void *req)
{
    rig_note(req, "writable", "writable");
}


static void
rig_on_gone(void *req)
{
    u_char          c;
    size_t          n;
    h3_field_t      f;
    rig_request_t  *r = req;

    assert_int_equal(r->gone, 0);
    assert_null(h3_request_conn(r->hr));
    assert_int_equal(h3_request_recv(r->hr, &c, 1), NGX_ERROR);
    assert_int_equal(h3_response_room(r->hr), 0);
    assert_int_equal(h3_response_data(r->hr, 1), NGX_ERROR);
    assert_int_equal(h3_response_write(r->hr, &c, 1), NGX_ERROR);
    assert_null(h3_response_reserve(r->hr, 1, &n));
    assert_int_equal(h3_response_pending(r->hr), 0);
    h3_response_want_write(r->hr);
    h3_response_commit(r->hr, 0);
    h3_response_finish(r->hr);

    ngx_str_set(&f.name, ":status");
    ngx_str_set(&f.value, "200");
    f.never_index = 0;
    assert_int_equal(h3_response_headers(r->hr, &f, 1, 1), NGX_ERROR);

    rig_note(r, "gone", "gone");
    r->gone = 1;
}


static void
rig_on_closed(void *data)
{
    rig_t  *rig = data;

    assert_int_equal(rig->closed, 0);

    rig->closed = 1;
    rig->hc = NULL;
}


void
rig_answer(h3_request_t *hr)
{
    h3_field_t  f;

    ngx_str_set(&f.name, ":status");
    ngx_str_set(&f.value, "204");
    f.never_index = 0;

    assert_int_equal(h3_response_headers(hr, &f, 1, 1), NGX_OK);
}


/* the client */

u_char *
rig_frame(u_char *p, uint64_t type, const void *payload, size_t len)
{
    p = h3_frame_write_header(p, type, len);

    return len ? ngx_cpymem(p, payload, len) : p;
}


static u_char *
rig_integer(u_char *p, u_char first, ngx_uint_t bits, size_t n)
{
    size_t  mask;

    mask = ((size_t) 1 << bits) - 1;

    if (n < mask) {
        *p++ = first | n;
        return p;
    }

    *p++ = first | mask;

    for (n -= mask; n >= 128; n >>= 7) {
        *p++ = 0x80 | (n & 0x7f);
    }

    *p++ = n;

    return p;
}


u_char *
rig_section(u_char *p, const char *fields)
{
    size_t       name, value;
    const char  *colon, *end;

    *p++ = 0;
    *p++ = 0;

    for ( /* void */ ; *fields; fields = end + 1) {
        colon = strstr(fields + 1, ": ");
        end = strchr(fields, '\n');
        assert_true(colon && end);

        name = colon - fields;
        value = end - colon - 2;

        p = rig_integer(p, 0x20, 3, name);
        p = ngx_cpymem(p, fields, name);
        p = rig_integer(p, 0x00, 7, value);
        p = ngx_cpymem(p, colon + 2, value);
    }

    return p;
}


u_char *
rig_headers(u_char *p, const char *fields)
{
    static u_char  section[RIG_MAX];

    return rig_frame(p, H3_FRAME_HEADERS, section,
                     rig_section(section, fields) - section);
}


static u_char *
rig_script_headers(u_char *p, const char *length)
{
    char  fields[256];

    sprintf(fields, ":method: POST\n:scheme: https\n:authority: a\n:path: /\n"
            "%s%s%s", length ? "content-length: " : "", length ? length : "",
            length ? "\n" : "");

    return rig_headers(p, fields);
}


size_t
rig_script(u_char *buf, const char *script)
{
    char       length[2];
    u_char    *p;
    unsigned   type;

    p = buf;

    for ( /* void */ ; *script; script++) {

        switch (*script) {

        case 'G':
            p = rig_headers(p, ":method: GET\n:scheme: https\n:authority: a\n"
                            ":path: /\n");
            break;

        case 'P':
            p = rig_script_headers(p, NULL);
            break;

        case 'd':
            p = rig_frame(p, H3_FRAME_DATA, "123456789", *++script - '0');
            break;

        case 'T':
            p = rig_headers(p, "x-trailer: a\n");
            break;

        case 'b':
            p = rig_headers(p, ":method: GET\n");
            break;

        case 'u':
            if (script[1] == '0') {
                script++;
                p = rig_frame(p, 0x21, NULL, 0);

            } else {
                p = rig_frame(p, 0x40, "whatever", 8);
            }

            break;

        case 'f':
            assert_int_equal(sscanf(script + 1, "%2x", &type), 1);
            p = rig_frame(p, type, NULL, 0);
            script += 2;
            break;

        case 'x':
            p = rig_frame(p, H3_FRAME_DATA, "12", 2) - 1;
            break;

        case 'h':
            *p++ = H3_FRAME_DATA;
            break;

        default:
            assert_in_range(*script, '0', '9');
            length[0] = *script;
            length[1] = '\0';
            p = rig_script_headers(p, length);
        }
    }

    return p - buf;
}


void
rig_send(rig_t *rig, uint64_t id, u_char *data, size_t len, ngx_uint_t fin,
    size_t step)
{
    size_t  n;

    do {
        n = ngx_min(step, len);
        fake_send(rig->qc, id, data, n, fin && n == len);
        data += n;
        len -= n;

    } while (len);
}


void
rig_get(rig_t *rig, uint64_t id)
{
    u_char  buf[256];

    rig_send(rig, id, buf, rig_script(buf, "G"), 1, RIG_MAX);
}
