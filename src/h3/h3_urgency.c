
#include <ngx_config.h>
#include <ngx_core.h>
#include "h3/h3_urgency.h"


static h3_request_t *h3_urgency_find(h3_conn_t *hc, uint64_t id);
static void h3_urgency_keep(h3_conn_t *hc, uint64_t id,
    const h3_priority_t *priority);
static void h3_urgency_field(h3_request_t *hr, ngx_str_t *name,
    ngx_str_t *value);
static void h3_urgency_set(h3_request_t *hr, const h3_priority_t *priority);


void
h3_urgency_opened(h3_request_t *hr)
{
    ngx_uint_t            i;
    h3_early_priority_t  *early;

    h3_priority_init(&hr->priority);

    for (i = 0; i < H3_MAX_EARLY_PRIORITIES; i++) {
        early = &hr->hc->early_priority[i];

        if (early->used && early->id == hr->id) {
            early->used = 0;
            hr->reprioritized = 1;
            h3_urgency_set(hr, &early->priority);
            return;
        }
    }
}


void
h3_urgency_request(h3_request_t *hr, ngx_str_t *name, ngx_str_t *value)
{
    if (!hr->reprioritized) {
        h3_urgency_field(hr, name, value);
    }
}


void
h3_urgency_response(h3_request_t *hr, h3_field_t *fields, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        h3_urgency_field(hr, &fields[i].name, &fields[i].value);
    }
}


/* a value that can't be parsed counts as none */

static void
h3_urgency_field(h3_request_t *hr, ngx_str_t *name, ngx_str_t *value)
{
    h3_priority_t  priority;

    if (name->len != sizeof("priority") - 1
        || ngx_memcmp(name->data, "priority", name->len) != 0)
    {
        return;
    }

    priority = hr->priority;

    if (h3_priority_parse(&priority, value->data, value->len) == NGX_OK) {
        h3_urgency_set(hr, &priority);
    }
}


static void
h3_urgency_set(h3_request_t *hr, const h3_priority_t *priority)
{
    hr->priority = *priority;

    quic_stream_priority(hr->stream, priority->urgency,
                         priority->incremental);
}


/* section 7: parameters that it leaves out have their defaults */

ngx_int_t
h3_urgency_update(h3_conn_t *hc, uint64_t id, u_char *value, size_t len)
{
    h3_request_t   *hr;
    h3_priority_t   priority;

    if ((id & (QUIC_STREAM_SERVER|QUIC_STREAM_UNI))
        || id / 4 >= quic_conn_max_requests(hc->qc))
    {
        h3_conn_error(hc, H3_ID_ERROR,
                      "PRIORITY_UPDATE for what can't be a request");
        return NGX_ERROR;
    }

    h3_priority_init(&priority);

    if (h3_priority_parse(&priority, value, len) != NGX_OK) {
        h3_conn_error(hc, H3_GENERAL_PROTOCOL_ERROR,
                      "malformed PRIORITY_UPDATE");
        return NGX_ERROR;
    }

    hr = h3_urgency_find(hc, id);

    if (hr) {
        hr->reprioritized = 1;
        h3_urgency_set(hr, &priority);

    } else if (id >= hc->next_id) {
        h3_urgency_keep(hc, id, &priority);
    }

    return NGX_OK;
}


static h3_request_t *
h3_urgency_find(h3_conn_t *hc, uint64_t id)
{
    ngx_queue_t   *q;
    h3_request_t  *hr;

    for (q = ngx_queue_head(&hc->requests);
         q != ngx_queue_sentinel(&hc->requests);
         q = ngx_queue_next(q))
    {
        hr = ngx_queue_data(q, h3_request_t, queue);

        if (hr->id == id) {
            return hr->stream ? hr : NULL;
        }
    }

    return NULL;
}


/* in the place of an older one for it, a free one, or that of the lowest ID */

static void
h3_urgency_keep(h3_conn_t *hc, uint64_t id, const h3_priority_t *priority)
{
    ngx_uint_t            i;
    h3_early_priority_t  *early, *place;

    place = &hc->early_priority[0];

    for (i = 0; i < H3_MAX_EARLY_PRIORITIES; i++) {
        early = &hc->early_priority[i];

        if (early->used && early->id == id) {
            place = early;
            break;
        }

        if (place->used && (!early->used || early->id < place->id)) {
            place = early;
        }
    }

    place->used = 1;
    place->id = id;
    place->priority = *priority;
}
