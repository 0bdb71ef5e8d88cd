
/*
 * HTTP messages (RFC 9114, 4): what makes a request malformed costs that
 * request alone.  It's answered with 400, the stream ends in a reset when that
 * has been acknowledged, and nothing reaches an upstream; where the message is
 * good, and what it asks for isn't, nginx's own status ends the stream.
 *
 * A request is a text: lines of fields, then, each behind a "|",
 *
 *     5       DATA of so many bytes
 *     5/9     ... in a frame that says it has more
 *     t...    trailers: lines of fields
 *     u       a frame of a reserved type
 *     ,       the end of a packet: what has come is processed
 *     +       FIN, in a STREAM frame without data
 *     -       no FIN; otherwise it's with the last bytes
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"
#include "wire/h3_frame.h"


#define MESSAGE_MAX   8192


typedef struct {
    const char  *rfc;
    const char  *name;
    const char  *text;
    const char  *finds;
    const char  *log;
} message_row_t;


#define START       ":method: GET\n:scheme: https\n:path: /proxy\n"
#define GET         START ":authority: localhost\n"
#define POST_TO(x)  ":method: POST\n:scheme: https\n:authority: localhost\n" \
                    ":path: " x "\n"
#define POST        POST_TO("/proxy")
#define STREAMED    POST_TO("/unbuffered")

#define RESET       "400, reset with H3_MESSAGE_ERROR, goes on"
#define STOPPED     "400, stopped with H3_MESSAGE_ERROR, "                   \
                    "reset with H3_MESSAGE_ERROR, goes on"

#define BAD(why)    RESET, "client sent malformed request: " why
#define BAD_OPEN(why)                                                        \
                    STOPPED, "client sent malformed request: " why

#define MORE        "more content than content-length"
#define LESS        "less content than content-length"
#define CHARS       "invalid character in a field name"
#define VALUE       "invalid character in a field value"
#define SPECIFIC    "connection-specific field"


static const message_row_t  message_rows[] = {

    /* pseudo-header fields */

    { "9114 4.3", "unknown pseudo-header field", GET ":x: y\n",
      BAD("unknown pseudo-header field") },
    { "9114 4.3", ":status in a request", GET ":status: 200\n",
      BAD("unknown pseudo-header field") },
    { "9114 4.3", "pseudo-header field behind a regular one",
      START "a: b\n:authority: localhost\n",
      BAD("pseudo-header field after a regular one") },
    { "9114 4.3.1", "no :method",
      ":scheme: https\n:authority: localhost\n:path: /proxy\n",
      BAD("no :method") },
    { "9114 4.3.1", "no :scheme",
      ":method: GET\n:authority: localhost\n:path: /proxy\n",
      BAD("no :scheme") },
    { "9114 4.3.1", "no :path",
      ":method: GET\n:scheme: https\n:authority: localhost\n",
      BAD("no :path") },
    { "9114 4.3.1", "neither :authority nor host", START,
      BAD("neither :authority nor host") },
    { "9114 4.3.1", "nothing but host", START "host: localhost\n",
      "502, ends, goes on", NULL },
    { "9114 4.3.1", "repeated :method", GET ":method: GET\n",
      BAD("repeated :method") },
    { "9114 4.3.1", "repeated :scheme", GET ":scheme: https\n",
      BAD("repeated :scheme") },
    { "9114 4.3.1", "repeated :path", GET ":path: /proxy\n",
      BAD("repeated :path") },
    { "9114 4.3.1", "repeated :authority", GET ":authority: localhost\n",
      BAD("repeated :authority") },
    { "9114 4.3.1", "empty :path",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: \n",
      BAD("empty :path") },
    { "9114 4.3.1", "empty :authority", START ":authority: \n",
      BAD("invalid :authority") },
    { "9114 4.3.1", ":path without a slash",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: proxy\n",
      BAD("invalid :path") },
    { "9114 4.3.1", ":path with a fragment",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /a#b\n",
      BAD("invalid :path") },
    { "9114 4.3.1", ":path with a space",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /a b\n",
      BAD("invalid :path") },
    { "9114 4.3.1", "userinfo in :authority",
      START ":authority: me@localhost\n", BAD("invalid :authority") },
    { "9114 4.3.1", ":authority and another host", GET "host: other\n",
      BAD("host differs from :authority") },
    { "9114 4.3.1", "two hosts", START "host: localhost\nhost: localhost\n",
      BAD("repeated host") },
    { "9114 4.3.1", ":authority and an empty host", GET "host: \n",
      BAD("invalid host") },
    { "9114 4.3", "method with a space",
      ":method: GET /\n:scheme: https\n:authority: localhost\n:path: /\n",
      BAD("invalid :method") },

    /* CONNECT */

    { "9114 4.4", "CONNECT with :path",
      ":method: CONNECT\n:authority: localhost\n:path: /\n",
      BAD("CONNECT with :scheme or :path") },
    { "9114 4.4", "CONNECT without :authority", ":method: CONNECT\n",
      BAD("CONNECT without :authority") },
    { "9220 3", ":protocol with GET", GET ":protocol: websocket\n",
      BAD(":protocol with a method other than CONNECT") },
    { "8441 4", "extended CONNECT without :path",
      ":method: CONNECT\n:protocol: websocket\n:scheme: https\n"
      ":authority: localhost\n",
      BAD("extended CONNECT without :scheme and :path") },

    /* names and values */

    { "9114 4.2", "capital in a name", GET "X-Test: 1\n", BAD(CHARS) },
    { "9114 4.2", "space in a name", GET "x test: 1\n", BAD(CHARS) },
    { "9114 4.2", "space behind a name", GET "x-test : 1\n", BAD(CHARS) },
    { "9114 4.2", "parenthesis in a name", GET "x(test): 1\n", BAD(CHARS) },
    { "9114 10.3", "CR in a name", GET "x\rtest: 1\n", BAD(CHARS) },
    { "9114 10.3", "byte 0x80 in a name", GET "x\200test: 1\n", BAD(CHARS) },
    { "9114 10.3", "CR in a value", GET "x-test: a\rb\n", BAD(VALUE) },
    { "9114 10.3", "control character in a value", GET "x-test: a\001b\n",
      BAD(VALUE) },
    { "9114 10.3", "DEL in a value", GET "x-test: a\177b\n", BAD(VALUE) },
    { "9110 5.5", "space in front of a value", GET "x-test:  a\n",
      BAD(VALUE) },
    { "9110 5.5", "tab behind a value", GET "x-test: a\t\n", BAD(VALUE) },
    { "9110 5.5", "obs-text in a value", GET "x-test: \344\n",
      "502, ends, goes on", NULL },

    /* fields of a connection */

    { "9114 4.2", "connection", GET "connection: close\n", BAD(SPECIFIC) },
    { "9114 4.2", "keep-alive", GET "keep-alive: 5\n", BAD(SPECIFIC) },
    { "9114 4.2", "proxy-connection", GET "proxy-connection: close\n",
      BAD(SPECIFIC) },
    { "9114 4.2", "transfer-encoding", POST "transfer-encoding: chunked\n|5",
      BAD(SPECIFIC) },
    { "9114 4.2", "upgrade", GET "upgrade: websocket\n", BAD(SPECIFIC) },
    { "9114 4.2", "te: gzip", GET "te: gzip\n",
      BAD("te other than trailers") },
    { "9114 4.2", "te: trailers, gzip", GET "te: trailers, gzip\n",
      BAD("te other than trailers") },
    { "9114 4.2", "te: trailers", GET "te: trailers\n",
      "502, ends, goes on", NULL },

    /* content-length */

    { "9114 4.1.2", "repeated content-length",
      POST "content-length: 5\ncontent-length: 5\n|5",
      BAD("repeated content-length") },
    { "9114 4.1.2", "a list in content-length",
      POST "content-length: 5, 5\n|5", BAD("invalid content-length") },
    { "9114 4.1.2", "negative content-length",
      POST "content-length: -5\n|5", BAD("invalid content-length") },
    { "9114 4.1.2", "empty content-length",
      POST "content-length: \n|5", BAD("invalid content-length") },
    { "9114 4.1.2", "content-length of 2^63",
      POST "content-length: 9223372036854775808\n|5",
      BAD("invalid content-length") },

    /* the end comes too early: with HEADERS, DATA, an unknown frame, alone */

    { "9114 4.1.2", "no content", POST "content-length: 5\n", BAD(LESS) },
    { "9114 4.1.2", "no content, FIN alone", POST "content-length: 5\n|+",
      BAD(LESS) },
    { "9114 4.1.2", "no content, FIN later", POST "content-length: 5\n|,|+",
      BAD(LESS) },
    { "9114 4.1.2", "an empty DATA", POST "content-length: 5\n|0",
      BAD(LESS) },
    { "9114 4.1.2", "an empty DATA later", POST "content-length: 5\n|,|0",
      BAD(LESS) },
    { "9114 4.1.2", "too little", POST "content-length: 5\n|4", BAD(LESS) },
    { "9114 4.1.2", "too little later", POST "content-length: 5\n|,|4",
      BAD(LESS) },
    { "9114 4.1.2", "too little, FIN alone", POST "content-length: 5\n|4|+",
      BAD(LESS) },
    { "9114 4.1.2", "too little, FIN later",
      POST "content-length: 5\n|4|,|+", BAD(LESS) },
    { "9114 4.1.2", "too little and an empty DATA",
      POST "content-length: 5\n|4|0", BAD(LESS) },
    { "9114 4.1.2", "too little and an empty DATA later",
      POST "content-length: 5\n|4|,|0", BAD(LESS) },
    { "9114 4.1.2", "too little and an unknown frame",
      POST "content-length: 5\n|4|u", BAD(LESS) },
    { "9114 4.1.2", "too little and trailers",
      POST "content-length: 5\n|4|ta: b\n", BAD(LESS) },
    { "9114 4.1.2", "too little and trailers later",
      POST "content-length: 5\n|4|,|ta: b\n", BAD(LESS) },

    /* ... or too late */

    { "9114 4.1.2", "too much", POST "content-length: 5\n|6", BAD(MORE) },
    { "9114 4.1.2", "too much, open", POST "content-length: 5\n|6|-",
      BAD_OPEN(MORE) },
    { "9114 4.1.2", "too much is announced", POST "content-length: 5\n|5/6|-",
      BAD_OPEN(MORE) },
    { "9114 4.1.2", "too much later", POST "content-length: 5\n|,|6",
      BAD(MORE) },
    { "9114 4.1.2", "too much in two frames", POST "content-length: 5\n|3|3",
      BAD(MORE) },
    { "9114 4.1.2", "too much in two frames, later",
      POST "content-length: 5\n|3|,|3", BAD(MORE) },
    { "9114 4.1.2", "one byte behind the content",
      POST "content-length: 5\n|5|1", BAD(MORE) },
    { "9114 4.1.2", "one byte behind the content, later",
      POST "content-length: 5\n|,|5|1", BAD(MORE) },
    { "9114 4.1.2", "content where there is none",
      POST "content-length: 0\n|1", BAD(MORE) },
    { "9114 4.1.2", "much too much", POST "content-length: 5\n|3000|-",
      BAD_OPEN(MORE) },

    /* ... of a request that isn't buffered */

    { "9114 4.1.2", "unbuffered: too little",
      STREAMED "content-length: 5\n|4", BAD(LESS) },
    { "9114 4.1.2", "unbuffered: too little, FIN later",
      STREAMED "content-length: 5\n|4|,|+", BAD(LESS) },
    { "9114 4.1.2", "unbuffered: too much",
      STREAMED "content-length: 5\n|6", BAD(MORE) },
    { "9114 4.1.2", "unbuffered: too much later",
      STREAMED "content-length: 5\n|,|6", BAD(MORE) },
    { "9114 4.1.2", "unbuffered: one byte behind the content",
      STREAMED "content-length: 5\n|5|1", BAD(MORE) },
    { "9114 4.1.2", "unbuffered: one byte behind the content, later",
      STREAMED "content-length: 5\n|4|,|1|1", BAD(MORE) },
    { "9114 4.3", "unbuffered: pseudo-header field in trailers",
      STREAMED "|5|,|t:path: /\n",
      BAD("pseudo-header field in trailers") },

    /* ... of one that is answered without it */

    { "9114 4.1.2", "static file: too much",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\n"
      "content-length: 5\n|6", BAD(MORE) },
    { "9114 4.1.2", "static file: too little",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\n"
      "content-length: 5\n|4", BAD(LESS) },
    { "9114 4.1.2", "static file that isn't for POST: too little",
      POST_TO("/") "content-length: 5\n|4",
      "405, reset with H3_MESSAGE_ERROR, goes on",
      "client sent malformed request: " LESS },

    /* trailers */

    { "9114 4.3", "pseudo-header field in trailers", POST "|5|t:path: /\n",
      BAD("pseudo-header field in trailers") },
    { "9114 4.3", "pseudo-header field in trailers, later",
      POST "|5|,|t:path: /\n", BAD("pseudo-header field in trailers") },
    { "9114 4.2", "capital in trailers", POST "|5|tX-Test: 1\n", BAD(CHARS) },
    { "9114 10.3", "CR in trailers", POST "|5|tx-test: \rb\n", BAD(VALUE) },
    { "9110 6.5.1", "content-length in trailers",
      POST "|5|tcontent-length: 5\n", BAD("content-length in trailers") },
    { "9110 6.5.1", "host in trailers", POST "|5|thost: localhost\n",
      BAD("host in trailers") },
    { "9114 4.2", "connection in trailers", POST "|5|tconnection: close\n",
      BAD(SPECIFIC) },

    /* no message */

    { "9114 4.1.1", "nothing but FIN", "+",
      "0 in part, reset with H3_REQUEST_INCOMPLETE, goes on", NULL },
    { "9114 4.1.1", "nothing but a reserved frame", "u",
      "0 in part, reset with H3_REQUEST_INCOMPLETE, goes on", NULL },
    { "9114 8.1", "a request that isn't answered",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /close\n",
      "0 in part, reset with H3_REQUEST_CANCELLED, goes on", NULL },

    /* good messages that ask for what isn't given */

    { "9110 9.1", "a method that nginx doesn't take",
      ":method: get\n:scheme: https\n:authority: localhost\n:path: /\n",
      "400, ends, goes on", "client sent invalid :method" },
    { "9110 9.3.6", "CONNECT", ":method: CONNECT\n:authority: localhost\n",
      "405, ends, goes on", "client sent CONNECT method" },
    { "9110 9.3.8", "TRACE",
      ":method: TRACE\n:scheme: https\n:authority: localhost\n:path: /\n",
      "405, ends, goes on", "client sent TRACE method" },
    { "9110 4.2.4", "an authority that nginx doesn't take",
      START ":authority: a..b\n", "400, ends, goes on",
      "client sent invalid host" },
    { "9110 15.5.14", "more content than client_max_body_size",
      POST_TO("/small") "content-length: 11\n|11|-",
      "413, stopped with H3_NO_ERROR, ends, goes on", NULL },
    { "9110 15.5.14", "the same without content-length",
      POST_TO("/small") "|5|5|5", "413, ends, goes on", NULL },
    { "8441 4", "CONNECT for an unknown protocol",
      ":method: CONNECT\n:protocol: other\n:scheme: https\n"
      ":authority: localhost\n:path: /\n", "501, ends, goes on",
      "client sent CONNECT for the unknown protocol \"other\"" }
};


typedef struct {
    client_t    *client;
    uint64_t     id;
    u_char       buf[MESSAGE_MAX];
    u_char      *pos;
    ngx_uint_t   open;
} message_t;


static ngx_int_t
message_flush(message_t *m, ngx_uint_t fin)
{
    ngx_int_t  rc;

    rc = client_send_stream(m->client, m->id, m->buf, m->pos - m->buf, fin);
    m->pos = m->buf;

    return rc;
}


static void
message_data(message_t *m, const char *text)
{
    long   len, said;
    char  *end;

    len = strtol(text, &end, 10);
    said = *end == '/' ? strtol(end + 1, &end, 10) : len;

    m->pos = h3_frame_write_header(m->pos, H3_FRAME_DATA, said);
    ngx_memset(m->pos, 'x', len);
    m->pos += len;
}


static ngx_int_t
message_piece(message_t *m, const char *text)
{
    u_char  section[2048];

    switch (*text) {

    case 'u':
        m->pos = client_write_frame(m->pos, 0x21, (u_char *) "abc", 3);
        return NGX_OK;

    case '-':
        m->open = 1;
        return NGX_OK;

    case '+':
        return message_flush(m, 0);

    case ',':
        return message_flush(m, 0) == NGX_OK ? client_ping(m->client)
                                             : NGX_ERROR;

    default:
        if (*text >= '0' && *text <= '9') {
            message_data(m, text);
            return NGX_OK;
        }

        text += *text == 't';

        m->pos = client_write_frame(m->pos, H3_FRAME_HEADERS, section,
                                    client_write_section(section, text)
                                    - section);
        return NGX_OK;
    }
}


/* what has come back, and whether other requests are still answered */

static void
message_found(violation_run_t *r, uint64_t id)
{
    char                stop[64], end[64];
    client_t           *c;
    client_stream_t    *s;
    client_response_t   response;

    c = r->client;
    s = client_stream(c, id);

    client_read_response(s, &response);

    stop[0] = end[0] = '\0';

    if (s->stopped) {
        snprintf(stop, sizeof(stop), ", stopped with %s",
                 quic_error_name(s->stop_error, 1));
    }

    if (s->reset) {
        snprintf(end, sizeof(end), ", reset with %s%s",
                 quic_error_name(s->reset_error, 1),
                 s->final_size == s->received ? "" : " too early");

    } else if (s->fin) {
        strcpy(end, ", ends");
    }

    violation_found(r, "%ui%s%s%s, %s", response.status,
                    response.whole ? "" : " in part", stop, end,
                    client_goes_on(c) == NGX_OK ? "goes on"
                    : c->close.n ? "closes" : "fails");
}


static ngx_int_t
message_send(violation_run_t *r)
{
    client_t    *c;
    message_t    m;
    const char  *text;

    c = r->client;

    m.client = c;
    m.id = c->next_request;
    m.pos = m.buf;
    m.open = 0;

    c->want = m.id;
    c->next_request += 4;

    for (text = r->row->frames; text; text = strchr(text, '|')) {
        text += *text == '|';

        if (message_piece(&m, text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!(m.open && m.pos == m.buf) && message_flush(&m, !m.open) != NGX_OK) {
        return NGX_ERROR;
    }

    c->want = m.id;
    (void) client_wait(c, client_is_answered, CLIENT_TIMEOUT);

    message_found(r, m.id);

    return NGX_OK;
}


void
violations_messages(void)
{
    ngx_uint_t            i;
    violation_t           v;
    const message_row_t  *row;

    for (i = 0; i < sizeof(message_rows) / sizeof(message_rows[0]); i++) {
        row = &message_rows[i];

        ngx_memzero(&v, sizeof(violation_t));

        v.rfc = row->rfc;
        v.name = row->name;
        v.state = CLIENT_ESTABLISHED;
        v.type = QUIC_PACKET_1RTT;
        v.frames = row->text;
        v.outcome = OUTCOME_TEXT;
        v.text = row->finds;
        v.log = row->log;
        v.send = message_send;

        violation_run(&v);
    }
}
