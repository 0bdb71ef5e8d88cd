
/* What the server sends: opened, and noted. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "client.h"


static ngx_uint_t client_in_is_stray(client_t *c, u_char *data, size_t len);
static void client_in_packet(client_t *c, quic_packet_t *pkt);
static void client_in_check(client_t *c, quic_packet_t *pkt);
static void client_in_fail(client_t *c, const char *what);
static ngx_int_t client_in_open(client_t *c, quic_packet_t *pkt, uint64_t *pn,
    ngx_str_t *payload);
static ngx_int_t client_in_open_1rtt(client_t *c, quic_packet_t *pkt,
    size_t pn_len, uint64_t pn, ngx_str_t *payload);
static void client_in_retry(client_t *c, quic_packet_t *pkt);
static void client_in_frames(client_t *c, quic_level_e level,
    ngx_str_t *payload);
static void client_in_frame(client_t *c, quic_level_e level, quic_frame_t *f);
static void client_in_ack(client_t *c, quic_level_e level,
    quic_frame_ack_t *ack);
static void client_in_crypto(client_t *c, quic_level_e level,
    quic_frame_crypto_t *f);
static void client_in_params(client_t *c);
static void client_in_stream(client_t *c, quic_frame_stream_t *f);
static void client_in_new_cid(client_t *c, quic_frame_new_cid_t *f);
static void client_in_path_response(client_t *c, u_char *data);
static void client_in_close(client_t *c, quic_level_e level, quic_frame_t *f);


void
client_datagram(client_t *c, u_char *data, size_t len)
{
    size_t         offset;
    ngx_uint_t     closes;
    quic_packet_t  pkt;

    if (client_in_is_stray(c, data, len)) {
        return;
    }

    c->datagrams++;
    c->received_bytes += len;
    c->last_size = len;
    closes = c->close.n;

    /* RFC 9000, 8.1 */

    if (!c->shown && c->received_bytes > 3 * c->sent_bytes) {
        client_in_fail(c, "more than three times as much");
    }

    for (offset = 0; offset < len; offset += pkt.len) {

        if (quic_packet_parse(&pkt, data + offset, len - offset, c->scid.len,
                              0)
            != NGX_OK)
        {
            break;
        }

        client_in_packet(c, &pkt);
    }

    if (c->close.n > closes) {
        c->close.datagrams++;
    }
}


/*
 * For a client that had the port before, to which a busy server answers late:
 * RFC 9000, 5.2.  Whom Version Negotiation is for is seen by those who ask.
 */

static ngx_uint_t
client_in_is_stray(client_t *c, u_char *data, size_t len)
{
    quic_packet_t  pkt;

    return quic_packet_parse(&pkt, data, len, c->scid.len, 0) == NGX_OK
           && pkt.type != QUIC_PACKET_1RTT
           && pkt.type != QUIC_PACKET_VERSION_NEGOTIATION
           && (pkt.dcid.len != c->scid.len
               || ngx_memcmp(pkt.dcid.data, c->scid.data, c->scid.len) != 0);
}


static void
client_in_packet(client_t *c, quic_packet_t *pkt)
{
    uint64_t         pn;
    ngx_str_t        payload;
    quic_level_e     level;
    client_space_t  *space;

    c->packets[pkt->type]++;

    if (pkt->type == QUIC_PACKET_VERSION_NEGOTIATION) {
        quic_cid_set(&c->vn_dcid, pkt->dcid.data, ngx_min(pkt->dcid.len, 20));
        quic_cid_set(&c->vn_scid, pkt->scid.data, ngx_min(pkt->scid.len, 20));
        c->vn.data = c->vn_data;
        c->vn.len = ngx_min(pkt->token.len, sizeof(c->vn_data));
        ngx_memcpy(c->vn_data, pkt->token.data, c->vn.len);
        return;
    }

    if (pkt->type == QUIC_PACKET_RETRY) {
        client_in_retry(c, pkt);
        return;
    }

    if (client_in_open(c, pkt, &pn, &payload) != NGX_OK) {
        c->unopened++;
        return;
    }

    client_in_check(c, pkt);

    /* the server's choice, from its first packet on: RFC 9000, 7.2 */

    if (pkt->type == QUIC_PACKET_INITIAL
        && c->space[0].largest == UINT64_MAX)
    {
        quic_cid_set(&c->dcid, pkt->scid.data, pkt->scid.len);
    }

    level = client_level[pkt->type];
    space = &c->space[client_space(level)];

    if (space->largest == UINT64_MAX || pn > space->largest) {
        space->largest = pn;
    }

    if (pn < CLIENT_PNS) {
        space->received[pn] = 1;
    }

    quic_cid_set(&c->used, pkt->dcid.data, pkt->dcid.len);

    client_in_frames(c, level, &payload);
}


/* what a server must and must not do to a packet that has been opened */

static void
client_in_check(client_t *c, quic_packet_t *pkt)
{
    u_char  reserved;

    reserved = (pkt->type == QUIC_PACKET_1RTT) ? QUIC_SHORT_RESERVED
                                               : QUIC_LONG_RESERVED;

    if (pkt->data[0] & reserved) {
        client_in_fail(c, "reserved bits are set");
    }

    /* RFC 9287, 3.1: we have not said that we don't mind */

    if (!(pkt->data[0] & QUIC_FIXED_BIT)) {
        client_in_fail(c, "the fixed bit is 0");
    }

    /* 17.2.2 */

    if (pkt->type == QUIC_PACKET_INITIAL && pkt->token.len) {
        client_in_fail(c, "an Initial packet of the server's has a token");
    }

    if (pkt->type != QUIC_PACKET_1RTT && pkt->version != c->version) {
        client_in_fail(c, "another version");
    }
}


static void
client_in_fail(client_t *c, const char *what)
{
    fprintf(stderr, "the server: %s\n", what);
    c->failed = 1;
}


static ngx_int_t
client_in_open(client_t *c, quic_packet_t *pkt, uint64_t *pn,
    ngx_str_t *payload)
{
    size_t        pn_len;
    u_char        tail[QUIC_RESET_TOKEN_LEN];
    uint64_t      truncated;
    quic_keys_t  *keys;

    if (pkt->type > QUIC_PACKET_1RTT) {
        return NGX_DECLINED;
    }

    if (pkt->len > QUIC_RESET_TOKEN_LEN) {
        ngx_memcpy(tail, pkt->data + pkt->len - QUIC_RESET_TOKEN_LEN,
                   QUIC_RESET_TOKEN_LEN);

        if (c->has_peer && c->peer.has_reset_token
            && ngx_memcmp(tail, c->peer.reset_token, QUIC_RESET_TOKEN_LEN)
               == 0)
        {
            c->resets++;
            return NGX_DECLINED;
        }
    }

    keys = &c->rx[client_level[pkt->type]];

    if (!quic_keys_ready(keys)
        || quic_keys_unprotect(keys, pkt, &pn_len, &truncated) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    *pn = quic_pn_decode(c->space[client_space(client_level[pkt->type])]
                             .largest, truncated, pn_len);

    if (pkt->type == QUIC_PACKET_1RTT) {
        return client_in_open_1rtt(c, pkt, pn_len, *pn, payload);
    }

    return quic_keys_open(keys, pkt, pn_len, *pn, payload);
}


static ngx_int_t
client_in_open_1rtt(client_t *c, quic_packet_t *pkt, size_t pn_len,
    uint64_t pn, ngx_str_t *payload)
{
    ngx_uint_t    bit;
    quic_keys_t  *keys;

    keys = &c->rx[QUIC_LEVEL_APP];
    bit = (pkt->data[0] & QUIC_KEY_PHASE) ? 1 : 0;

    if (bit == c->phase_rx) {
        return quic_keys_open(keys, pkt, pn_len, pn, payload);
    }

    if (!quic_keys_ready(&c->next_rx)
        && quic_keys_next(&c->next_rx, keys) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (quic_keys_open(&c->next_rx, pkt, pn_len, pn, payload) != NGX_OK) {
        return NGX_DECLINED;
    }

    quic_keys_clear(keys);
    *keys = c->next_rx;
    ngx_memzero(&c->next_rx, sizeof(quic_keys_t));
    c->phase_rx ^= 1;

    return NGX_OK;
}


/* the ClientHello is to be sent again: by client_connect() */

static void
client_in_retry(client_t *c, quic_packet_t *pkt)
{
    u_char     tag[QUIC_RETRY_TAG_LEN];
    ngx_str_t  retry, dcid;

    dcid.data = c->dcid.data;
    dcid.len = c->dcid.len;

    if (c->retry_scid.len || pkt->token.len > sizeof(c->token_data)) {
        return;
    }

    retry.data = pkt->data;
    retry.len = pkt->len - QUIC_RETRY_TAG_LEN;

    if (quic_retry_tag(c->version, &dcid, &retry, tag) != NGX_OK
        || ngx_memcmp(tag, pkt->data + retry.len, QUIC_RETRY_TAG_LEN) != 0)
    {
        client_in_fail(c, "the tag of a Retry packet is wrong");
        return;
    }

    ngx_memcpy(c->token_data, pkt->token.data, pkt->token.len);
    c->token.data = c->token_data;
    c->token.len = pkt->token.len;

    quic_cid_set(&c->retry_scid, pkt->scid.data, pkt->scid.len);
    c->dcid = c->retry_scid;

    quic_keys_clear(&c->tx[QUIC_LEVEL_INITIAL]);
    quic_keys_clear(&c->rx[QUIC_LEVEL_INITIAL]);

    if (quic_keys_initial(&c->tx[QUIC_LEVEL_INITIAL],
                          &c->rx[QUIC_LEVEL_INITIAL], c->version,
                          c->dcid.data, c->dcid.len)
        != NGX_OK)
    {
        c->failed = 1;
    }
}


static void
client_in_frames(client_t *c, quic_level_e level, ngx_str_t *payload)
{
    uint64_t       error;
    const char    *reason;
    quic_frame_t   f;
    quic_cursor_t  cursor;

    quic_cursor_init(&cursor, payload->data, payload->len);

    while (quic_cursor_left(&cursor)) {

        if (quic_frame_parse(&cursor, &f, &error, &reason) != NGX_OK) {
            client_in_fail(c, reason);
            return;
        }

        if (c->conf.trace) {
            fprintf(stderr, "  <- %d %s\n", (int) level,
                    quic_frame_name(f.type));
        }

        if (f.type < sizeof(c->frames) / sizeof(c->frames[0])) {
            c->frames[f.type]++;
            c->frame_size[f.type] = c->last_size;
        }

        if (quic_frame_flags(f.type) & QUIC_FRAME_ACK_ELICITING) {
            c->space[client_space(level)].ack_due = 1;
        }

        client_in_frame(c, level, &f);
    }
}


static void
client_in_frame(client_t *c, quic_level_e level, quic_frame_t *f)
{
    client_stream_t  *s;

    switch (f->type) {

    case QUIC_FT_ACK:
    case QUIC_FT_ACK_ECN:
        client_in_ack(c, level, &f->u.ack);
        return;

    case QUIC_FT_CRYPTO:
        if (level == QUIC_LEVEL_INITIAL) {
            c->least_initial = ngx_min(c->least_initial, c->last_size);
        }

        client_in_crypto(c, level, &f->u.crypto);
        return;

    case QUIC_FT_STREAM:
        client_in_stream(c, &f->u.stream);
        return;

    case QUIC_FT_RESET_STREAM:
    case QUIC_FT_STOP_SENDING:
        s = client_stream(c, f->u.reset.id);
        s->error = f->u.reset.error;

        if (f->type == QUIC_FT_RESET_STREAM) {
            s->reset = 1;
            s->reset_error = f->u.reset.error;
            s->final_size = f->u.reset.final_size;

        } else {
            s->stopped = 1;
            s->stop_error = f->u.reset.error;
        }

        return;

    case QUIC_FT_MAX_DATA:
        c->max_data = ngx_max(c->max_data, f->u.max);
        return;

    case QUIC_FT_MAX_STREAM_DATA:
        s = client_stream(c, f->u.stream_max.id);
        s->max = ngx_max(s->max, f->u.stream_max.max);
        return;

    case QUIC_FT_MAX_STREAMS_BIDI:
        c->max_streams_bidi = ngx_max(c->max_streams_bidi, f->u.max);
        return;

    case QUIC_FT_NEW_TOKEN:
        c->new_token_len = ngx_min(f->u.token.len, sizeof(c->new_token));
        ngx_memcpy(c->new_token, f->u.token.data, c->new_token_len);
        return;

    case QUIC_FT_NEW_CONNECTION_ID:
        client_in_new_cid(c, &f->u.new_cid);
        return;

    case QUIC_FT_RETIRE_CONNECTION_ID:
        c->retired |= 1ULL << (f->u.seq & 63);
        return;

    case QUIC_FT_PATH_CHALLENGE:
        ngx_memcpy(c->challenge, f->u.path, 8);
        c->challenged = 1;
        return;

    case QUIC_FT_PATH_RESPONSE:
        client_in_path_response(c, f->u.path);
        return;

    case QUIC_FT_CONNECTION_CLOSE:
    case QUIC_FT_CONNECTION_CLOSE_APP:
        client_in_close(c, level, f);
        return;
    }
}


static void
client_in_ack(client_t *c, quic_level_e level, quic_frame_ack_t *ack)
{
    uint64_t          first, last;
    client_space_t   *space;
    quic_ack_iter_t   it;

    space = &c->space[client_space(level)];
    space->ack_ranges = ack->range_count + 1;

    quic_ack_start(&it, ack);

    while (quic_ack_next(&it, &first, &last)) {
        space->largest_acked = ngx_max(space->largest_acked, last);

        for ( /* void */ ; first <= last && first < CLIENT_PNS; first++) {
            space->acked[first] = 1;
        }
    }
}


static void
client_in_crypto(client_t *c, quic_level_e level, quic_frame_crypto_t *f)
{
    size_t            n;
    client_crypto_t  *crypto;

    crypto = &c->crypto[level];

    if (f->offset + f->length > CLIENT_CRYPTO) {
        c->failed = 1;
        return;
    }

    ngx_memcpy(crypto->in + f->offset, f->data, f->length);
    ngx_memset(crypto->have + f->offset, 1, f->length);

    if (level != test_tls_client_read_level(c->tls)) {
        return;
    }

    for (n = 0; crypto->read + n < CLIENT_CRYPTO
                && crypto->have[crypto->read + n]; n++)
    { /* void */ }

    if (n == 0) {
        return;
    }

    if (test_tls_client_receive(c->tls, level, crypto->in + crypto->read, n)
        == NGX_ERROR)
    {
        client_in_fail(c, test_tls_client_reason(c->tls));
    }

    crypto->read += n;

    client_in_params(c);
}


static ngx_uint_t
client_same_cid(quic_cid_t *a, quic_cid_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


/* once: the server's transport parameters; RFC 9000, 7.3; RFC 9368, 4 */

static void
client_in_params(client_t *c)
{
    ngx_str_t                 params;
    const char               *reason;
    quic_transport_params_t  *tp;

    params = test_tls_client_params(c->tls);

    if (c->has_peer || params.len == 0) {
        return;
    }

    c->has_peer = 1;
    tp = &c->peer;
    reason = NULL;

    if (quic_transport_params_parse_server(tp, params.data, params.len,
                                           &reason)
        != NGX_OK)
    {
        /* void */

    } else if (!tp->has_original_dcid
               || !client_same_cid(&tp->original_dcid, &c->odcid))
    {
        reason = "original_destination_connection_id";

    } else if (!tp->has_initial_scid
               || !client_same_cid(&tp->initial_scid, &c->dcid))
    {
        reason = "initial_source_connection_id";

    } else if (tp->has_retry_scid != (c->retry_scid.len != 0)
               || (tp->has_retry_scid
                   && !client_same_cid(&tp->retry_scid, &c->retry_scid)))
    {
        reason = "retry_source_connection_id";

    } else if (tp->has_versions && tp->chosen_version != c->version) {
        reason = "version_information";
    }

    if (reason) {
        client_in_fail(c, reason);
    }
}


client_stream_t *
client_stream(client_t *c, uint64_t id)
{
    ngx_uint_t        i;
    client_stream_t  *s;

    for (i = 0; i < ngx_min(c->nstreams, CLIENT_STREAMS); i++) {
        if (c->streams[i].id == id) {
            return &c->streams[i];
        }
    }

    /* the oldest gives way */

    s = &c->streams[c->nstreams++ % CLIENT_STREAMS];
    ngx_memzero(s, sizeof(client_stream_t));
    s->id = id;

    return s;
}


static void
client_in_stream(client_t *c, quic_frame_stream_t *f)
{
    uint64_t          i;
    client_stream_t  *s;

    s = client_stream(c, f->id);

    for (i = 0; i < f->length && f->offset + i < sizeof(s->head); i++) {
        s->head[f->offset + i] = f->data[i];
    }

    s->received = ngx_max(s->received, f->offset + f->length);
    s->fin |= f->fin;
}


/* once, as the server repeats it when we are slow to acknowledge it */

static void
client_in_new_cid(client_t *c, quic_frame_new_cid_t *f)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_min(c->ncids, CLIENT_CIDS); i++) {
        if (c->cids[i].seq == f->seq) {
            return;
        }
    }

    c->cids[c->ncids++ % CLIENT_CIDS] = *f;
}


static void
client_in_path_response(client_t *c, u_char *data)
{
    ngx_uint_t  i, n;

    n = c->frames[QUIC_FT_PATH_RESPONSE] - 1;

    for (i = 0; i < ngx_min(n, CLIENT_RESPONSES); i++) {
        c->path_repeated += ngx_memcmp(c->path_responses[i], data, 8) == 0;
    }

    ngx_memcpy(c->path_responses[n % CLIENT_RESPONSES], data, 8);
    ngx_memcpy(c->path_response, data, 8);
}


static void
client_in_close(client_t *c, quic_level_e level, quic_frame_t *f)
{
    client_close_t  *cl;

    cl = &c->close;

    cl->n++;
    cl->levels |= 1 << level;

    /* what stands in the highest level says most */

    cl->app = (f->type == QUIC_FT_CONNECTION_CLOSE_APP);
    cl->error = f->u.close.error;
    cl->frame_type = cl->app ? 0 : f->u.close.frame_type;

    if (f->u.close.reason.len) {
        (void) ngx_cpystrn((u_char *) cl->reason, f->u.close.reason.data,
                           ngx_min(f->u.close.reason.len + 1,
                                   sizeof(cl->reason)));
    }
}
