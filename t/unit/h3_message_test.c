
/*
 * Which field sections are well-formed: a row for each demand of RFC 9114, 4.2
 * to 4.4, and of what it refers to.
 */

#include "test.h"
#include "h3/h3_message.h"


#define GET  ":method: GET\n:scheme: https\n:authority: a.example\n:path: /\n"


typedef struct {
    const char         *fields;      /* "name: value\n" ... */
    const char         *reason;      /* NULL: well-formed */
} row_t;


static void
split(const char **p, ngx_str_t *name, ngx_str_t *value)
{
    const char  *s, *colon, *end;

    s = *p;
    colon = strstr(s[0] == ':' ? s + 1 : s, ": ");
    end = strchr(s, '\n');

    assert_non_null(colon);
    assert_non_null(end);

    name->data = (u_char *) s;
    name->len = colon - s;
    value->data = (u_char *) colon + 2;
    value->len = (u_char *) end - value->data;

    *p = end + 1;
}


static const char *
check(h3_message_t *m, const char *fields)
{
    ngx_str_t    name, value;
    const char  *reason;

    while (*fields) {
        split(&fields, &name, &value);

        reason = h3_message_field(m, &name, &value);
        if (reason) {
            return reason;
        }
    }

    return h3_message_end(m);
}


static void
check_rows(row_t *row, size_t n, h3_message_kind_e kind, ngx_uint_t connect)
{
    const char    *reason;
    h3_message_t   m;

    for ( /* void */ ; n; n--, row++) {
        h3_message_init(&m, kind, connect);
        reason = check(&m, row->fields);

        if (row->reason == NULL) {
            if (reason) {
                fail_msg("\"%s\": %s", row->fields, reason);
            }

            continue;
        }

        if (reason == NULL || strcmp(reason, row->reason) != 0) {
            fail_msg("\"%s\": %s", row->fields, reason ? reason : "taken");
        }
    }
}


static row_t  requests[] = {

    { GET, NULL },
    { ":path: /\n:authority: a.example\n:scheme: https\n:method: GET\n",
      NULL },
    { ":method: GET\n:scheme: https\n:path: /\nhost: a.example\n", NULL },
    { GET "host: a.example\n", NULL },
    { GET "cookie: a=b\ncookie: c=d\n", NULL },
    { GET "x: \n", NULL },
    { GET "x: a b\tc\n", NULL },
    { GET "x: \x80\xff\n", NULL },
    { ":method: M-SEARCH\n:scheme: http\n:authority: [::1]:8443\n:path: /?a\n",
      NULL },

    /* 4.2: names */

    { GET "Accept: a\n", "invalid character in a field name" },
    { GET "accepT: a\n", "invalid character in a field name" },
    { GET "a b: a\n", "invalid character in a field name" },
    { GET "a\tb: a\n", "invalid character in a field name" },
    { GET "a:b: a\n", "invalid character in a field name" },
    { GET "a\x80: a\n", "invalid character in a field name" },
    { GET "a\x7f: a\n", "invalid character in a field name" },
    { GET "a(: a\n", "invalid character in a field name" },
    { ":: a\n" GET, "unknown pseudo-header field" },

    /* 10.3: values */

    { GET "x:  a\n", "invalid character in a field value" },
    { GET "x: a \n", "invalid character in a field value" },
    { GET "x: \ta\n", "invalid character in a field value" },
    { GET "x: a\t\n", "invalid character in a field value" },
    { GET "x: a\rb\n", "invalid character in a field value" },
    { GET "x: a\x01\n", "invalid character in a field value" },
    { GET "x: a\x7f\n", "invalid character in a field value" },

    /* 4.2: connection-specific fields */

    { GET "connection: close\n", "connection-specific field" },
    { GET "connection: \n", "connection-specific field" },
    { GET "keep-alive: 1\n", "connection-specific field" },
    { GET "proxy-connection: close\n", "connection-specific field" },
    { GET "transfer-encoding: chunked\n", "connection-specific field" },
    { GET "upgrade: websocket\n", "connection-specific field" },
    { GET "te: trailers\n", NULL },
    { GET "te: Trailers\n", NULL },
    { GET "te: gzip\n", "te other than trailers" },
    { GET "te: trailers, gzip\n", "te other than trailers" },
    { GET "te: \n", "te other than trailers" },

    /* 4.3: pseudo-header fields */

    { ":status: 200\n" GET, "unknown pseudo-header field" },
    { ":foo: a\n" GET, "unknown pseudo-header field" },
    { ":Method: a\n" GET, "unknown pseudo-header field" },
    { "x: a\n" GET, "pseudo-header field after a regular one" },
    { ":method: GET\n:scheme: https\n:authority: a\nx: y\n:path: /\n",
      "pseudo-header field after a regular one" },
    { GET ":method: GET\n", "repeated :method" },
    { GET ":scheme: https\n", "repeated :scheme" },
    { GET ":authority: a.example\n", "repeated :authority" },
    { GET ":path: /\n", "repeated :path" },
    { "", "no :method" },
    { "x: a\n", "no :method" },
    { ":scheme: https\n:authority: a\n:path: /\n", "no :method" },
    { ":method: GET\n:authority: a\n:path: /\n", "no :scheme" },
    { ":method: GET\n:scheme: https\n:authority: a\n", "no :path" },
    { ":method: \n", "invalid :method" },
    { ":method: G T\n", "invalid :method" },
    { ":method: G\"T\n", "invalid :method" },
    { ":scheme: \n", "invalid :scheme" },
    { ":scheme: 1http\n", "invalid :scheme" },
    { ":scheme: +a\n", "invalid :scheme" },
    { ":scheme: ht/tp\n", "invalid :scheme" },
    { ":path: \n", "empty :path" },
    { ":path: a\n", "invalid :path" },
    { ":path: https://a/\n", "invalid :path" },
    { ":path: /a b\n", "invalid :path" },
    { ":path: /a\tb\n", "invalid :path" },
    { ":path: /#a\n", "invalid :path" },
    { ":path: /\x7f\n", "invalid character in a field value" },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: /\xc3\xa4|\"\n",
      NULL },
    { ":method: OPTIONS\n:scheme: https\n:authority: a\n:path: *\n", NULL },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: *\n",
      ":path \"*\" with a method other than OPTIONS" },
    { ":method: GET\n:scheme: https\n:authority: a\n:path: **\n",
      "invalid :path" },

    /* 4.3.1: the authority */

    { ":method: GET\n:scheme: https\n:path: /\n",
      "neither :authority nor host" },
    { ":authority: \n", "invalid :authority" },
    { ":authority: u@a\n", "invalid :authority" },
    { ":authority: u:p@a\n", "invalid :authority" },
    { ":authority: a/b\n", "invalid :authority" },
    { ":authority: a?b\n", "invalid :authority" },
    { ":authority: a#b\n", "invalid :authority" },
    { ":authority: a\\b\n", "invalid :authority" },
    { ":authority: a b\n", "invalid :authority" },
    { ":authority: \xc3\xa4\n", "invalid :authority" },
    { ":authority: \"a\"\n", "invalid :authority" },
    { GET "host: \n", "invalid host" },
    { GET "host: b.example\n", "host differs from :authority" },
    { GET "host: A.example\n", "host differs from :authority" },
    { GET "host: a.example:443\n", "host differs from :authority" },
    { GET "host: a.exampl\n", "host differs from :authority" },
    { GET "host: a.example\nhost: a.example\n", "repeated host" },
    { ":method: GET\n:scheme: https\n:path: /\nhost: a\nhost: b\n",
      "repeated host" },
    { ":method: GET\n:scheme: https\n:path: /\nhost: \n", "invalid host" },
    { ":method: GET\n:scheme: https\n:path: /\nhost: a/b\n", "invalid host" },
    { ":method: GET\n:scheme: https\n:path: /\nhost: a_b-c.d~e:80\n", NULL },

    /* 4.4: CONNECT */

    { ":method: CONNECT\n:authority: a.example:80\n", NULL },
    { ":method: CONNECT\n", "CONNECT without :authority" },
    { ":method: CONNECT\nhost: a.example:80\n", "CONNECT without :authority" },
    { ":method: CONNECT\n:authority: a:80\n:path: /\n",
      "CONNECT with :scheme or :path" },
    { ":method: CONNECT\n:authority: a:80\n:scheme: https\n",
      "CONNECT with :scheme or :path" },
    { ":method: CONNECT\n:protocol: websocket\n",
      ":protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL" },

    /* RFC 9110, 8.6 */

    { GET "content-length: 0\n", NULL },
    { GET "content-length: 9223372036854775807\n", NULL },
    { GET "content-length: 9223372036854775808\n", "invalid content-length" },
    { GET "content-length: 99999999999999999999\n", "invalid content-length" },
    { GET "content-length: \n", "invalid content-length" },
    { GET "content-length: -1\n", "invalid content-length" },
    { GET "content-length: +1\n", "invalid content-length" },
    { GET "content-length: 1, 1\n", "invalid content-length" },
    { GET "content-length: 1a\n", "invalid content-length" },
    { GET "content-length: 0x1\n", "invalid content-length" },
    { GET "content-length: 1\ncontent-length: 1\n",
      "repeated content-length" },
    { GET "content-length: 1\ncontent-length: 2\n",
      "repeated content-length" }
};


static void
test_requests(void **state)
{
    check_rows(requests, test_array_len(requests), H3_MESSAGE_REQUEST, 0);
}


/* RFC 9220 */

static row_t  extended_connect[] = {
    { ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\n"
      ":authority: a\n", NULL },
    { ":method: CONNECT\n:authority: a.example:80\n", NULL },
    { GET, NULL },
    { ":method: CONNECT\n:protocol: websocket\n:authority: a\n",
      "extended CONNECT without :scheme and :path" },
    { ":method: CONNECT\n:protocol: websocket\n:authority: a\n:path: /\n",
      "extended CONNECT without :scheme and :path" },
    { ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: *\n"
      ":authority: a\n", "extended CONNECT without :scheme and :path" },
    { ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\n",
      "CONNECT without :authority" },
    { ":protocol: websocket\n" GET,
      ":protocol with a method other than CONNECT" },
    { ":protocol: a\n:protocol: b\n", "repeated :protocol" },
    { ":protocol: \n", "invalid :protocol" },
    { ":protocol: a/b\n", "invalid :protocol" }
};


static void
test_extended_connect(void **state)
{
    check_rows(extended_connect, test_array_len(extended_connect),
               H3_MESSAGE_REQUEST, 1);
}


static row_t  trailers[] = {
    { "", NULL },
    { "x-checksum: 1\n", NULL },
    { ":method: GET\n", "pseudo-header field in trailers" },
    { ":path: /\n", "pseudo-header field in trailers" },
    { ":status: 200\n", "pseudo-header field in trailers" },
    { "X: a\n", "invalid character in a field name" },
    { "x: \x01\n", "invalid character in a field value" },
    { "transfer-encoding: chunked\n", "connection-specific field" },
    { "content-length: 1\n", "content-length in trailers" },
    { "host: a\n", "host in trailers" }
};


static void
test_trailers(void **state)
{
    check_rows(trailers, test_array_len(trailers), H3_MESSAGE_TRAILERS, 0);
}


static void
test_content_length(void **state)
{
    h3_message_t  m;

    h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
    assert_null(check(&m, GET));
    assert_int_equal(m.content_length, -1);

    h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
    assert_null(check(&m, GET "content-length: 00123\n"));
    assert_int_equal(m.content_length, 123);
}


/* bytes that a C string can't hold, and the whole of each set of characters */

static void
test_bytes(void **state)
{
    u_char        c;
    ngx_uint_t    i, taken;
    ngx_str_t     name, value;
    h3_message_t  m;

    for (i = 0; i < 256; i++) {
        c = (u_char) i;

        h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
        ngx_str_set(&name, "x");
        value.data = (u_char[]) { 'a', c, 'b' };
        value.len = 3;
        taken = h3_message_field(&m, &name, &value) == NULL;
        assert_int_equal(taken, (c >= ' ' && c != 0x7f) || c == '\t');

        h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
        ngx_str_set(&value, "v");
        name.data = (u_char[]) { 'a', c };
        name.len = 2;
        taken = h3_message_field(&m, &name, &value) == NULL;
        assert_int_equal(taken, c && strchr("!#$%&'*+-.^_`|~0123456789"
                                            "abcdefghijklmnopqrstuvwxyz", c));

        h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
        ngx_str_set(&name, ":authority");
        value.data = &c;
        value.len = 1;
        taken = h3_message_field(&m, &name, &value) == NULL;
        assert_int_equal(taken, c && strchr("-._~!$&'()*+,;=:%[]0123456789"
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "abcdefghijklmnopqrstuvwxyz", c));

        h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
        ngx_str_set(&name, ":method");
        taken = h3_message_field(&m, &name, &value) == NULL;
        assert_int_equal(taken, c && strchr("!#$%&'*+-.^_`|~0123456789"
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "abcdefghijklmnopqrstuvwxyz", c));

        h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
        ngx_str_set(&name, ":path");
        value.data = (u_char[]) { '/', c };
        value.len = 2;
        taken = h3_message_field(&m, &name, &value) == NULL;
        assert_int_equal(taken, c > ' ' && c != '#' && c != 0x7f);
    }

    h3_message_init(&m, H3_MESSAGE_REQUEST, 0);
    ngx_str_null(&name);
    ngx_str_set(&value, "v");
    assert_string_equal(h3_message_field(&m, &name, &value),
                        "empty field name");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_extended_connect),
        cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
