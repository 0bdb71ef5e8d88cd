
/* Transport parameters: what section 18 forbids, round trips, fits. */

#include "test.h"
#include "wire/quic_transport_params.h"
#include "wire/quic_varint.h"


#define MAX  512

/* sixteen bytes: a token */
#define T16  "000102030405060708090a0b0c0d0e0f"

/* addresses of a preferred_address */
#define ADDR "7f000001 1f90" T16 "1f91"


/* of the ClientHello in RFC 9001, A.2 */

static const char  example[] =
    "0408ffffffffffffffff 05048000ffff 07048000ffff 080110 01048000"
    "7530 090110 0f088394c8f03e515708 06048000ffff";


static ngx_int_t
parse(const char *hex, ngx_uint_t server, quic_transport_params_t *tp,
    const char **reason)
{
    u_char     buf[MAX], *data;
    size_t     len;
    ngx_int_t  rc;

    len = test_hex(buf, sizeof(buf), hex);
    data = test_dup(buf, len);
    *reason = "";

    rc = server ? quic_transport_params_parse_server(tp, data, len, reason)
                : quic_transport_params_parse(tp, data, len, reason);
    free(data);

    return rc;
}


static void
test_example(void **state)
{
    const char               *reason;
    quic_transport_params_t   tp;

    assert_int_equal(parse(example, 0, &tp, &reason), NGX_OK);

    assert_int_equal(tp.initial_max_data, QUIC_VARINT_MAX);
    assert_int_equal(tp.initial_max_stream_data_bidi_local, 65535);
    assert_int_equal(tp.initial_max_stream_data_bidi_remote, 65535);
    assert_int_equal(tp.initial_max_stream_data_uni, 65535);
    assert_int_equal(tp.initial_max_streams_bidi, 16);
    assert_int_equal(tp.initial_max_streams_uni, 16);
    assert_int_equal(tp.max_idle_timeout, 30000000);

    assert_true(tp.has_initial_scid);
    assert_int_equal(tp.initial_scid.len, 8);
    assert_memory_equal(tp.initial_scid.data,
                        "\x83\x94\xc8\xf0\x3e\x51\x57\x08", 8);
}


static void
test_defaults(void **state)
{
    u_char                    buf[1];
    const char               *reason;
    quic_transport_params_t   tp, init;

    assert_int_equal(quic_transport_params_parse(&tp, buf, 0, &reason),
                     NGX_OK);

    assert_int_equal(tp.max_idle_timeout, 0);
    assert_int_equal(tp.max_udp_payload_size, 65527);
    assert_int_equal(tp.ack_delay_exponent, 3);
    assert_int_equal(tp.max_ack_delay, 25000);
    assert_int_equal(tp.active_connection_id_limit, 2);
    assert_int_equal(tp.initial_max_data, 0);
    assert_int_equal(tp.initial_max_streams_bidi, 0);
    assert_int_equal(tp.min_ack_delay, 0);
    assert_int_equal(tp.max_datagram_frame_size, 0);
    assert_false(tp.has_initial_scid);
    assert_false(tp.has_versions);
    assert_false(tp.disable_active_migration);
    assert_false(tp.grease_quic_bit);

    quic_transport_params_init(&init);
    assert_memory_equal(&tp, &init, sizeof(tp));

    /* and so nothing is to be written */

    assert_int_equal(quic_transport_params_write(&init, buf, 0, 0), 0);
}


typedef struct {
    const char  *hex;
    const char  *client;     /* reason why it's refused from a client */
    const char  *server;     /* and from a server */
} row_t;


#define SERVERS  "transport parameter that only a server may send"
#define TWICE    "duplicate transport parameter"
#define CUT      "truncated transport parameters"


static row_t  rows[] = {
    { "", NULL, NULL },

    /* bounds: 18.2, and 4.6 for the numbers of streams */

    { "0100", "invalid max_idle_timeout", "invalid max_idle_timeout" },
    { "010100", NULL, NULL },
    { "0108ffffffffffffffff", NULL, NULL },
    { "030244af", "invalid max_udp_payload_size",
      "invalid max_udp_payload_size" },
    { "030244b0", NULL, NULL },
    { "0304800fffff", NULL, NULL },
    { "0808d000000000000000", NULL, NULL },
    { "0808d000000000000001", "invalid initial_max_streams_bidi",
      "invalid initial_max_streams_bidi" },
    { "0908d000000000000000", NULL, NULL },
    { "0908d000000000000001", "invalid initial_max_streams_uni",
      "invalid initial_max_streams_uni" },
    { "0a0114", NULL, NULL },
    { "0a0115", "invalid ack_delay_exponent", "invalid ack_delay_exponent" },
    { "0b027fff", NULL, NULL },
    { "0b0480004000", "invalid max_ack_delay", "invalid max_ack_delay" },
    { "0e0100", "invalid active_connection_id_limit",
      "invalid active_connection_id_limit" },
    { "0e0101", "invalid active_connection_id_limit",
      "invalid active_connection_id_limit" },
    { "0e0102", NULL, NULL },

    /* an integer is one varint, of any length, and nothing more */

    { "04024001", NULL, NULL },
    { "0408c000000000000001", NULL, NULL },
    { "04020101", "invalid initial_max_data", "invalid initial_max_data" },
    { "040140", "invalid initial_max_data", "invalid initial_max_data" },
    { "0400", "invalid initial_max_data", "invalid initial_max_data" },

    /* empty ones */

    { "0c00", NULL, NULL },
    { "0c0101", "invalid disable_active_migration",
      "invalid disable_active_migration" },
    { "6ab200", NULL, NULL },
    { "6ab20100", "invalid grease_quic_bit", "invalid grease_quic_bit" },

    /* connection IDs */

    { "0f00", NULL, NULL },
    { "0f14000102030405060708090a0b0c0d0e0f10111213", NULL, NULL },
    { "0f15000102030405060708090a0b0c0d0e0f1011121314",
      "invalid initial_source_connection_id",
      "invalid initial_source_connection_id" },

    /* a server's */

    { "0008 0001020304050607", SERVERS, NULL },
    { "0000", SERVERS, NULL },
    { "0015 000102030405060708090a0b0c0d0e0f1011121314", SERVERS,
      "invalid original_destination_connection_id" },
    { "1001aa", SERVERS, NULL },
    { "1015 000102030405060708090a0b0c0d0e0f1011121314", SERVERS,
      "invalid retry_source_connection_id" },
    { "0210" T16, SERVERS, NULL },
    { "020f 000102030405060708090a0b0c0d0e", SERVERS,
      "invalid stateless_reset_token" },
    { "0211" T16 "10", SERVERS, "invalid stateless_reset_token" },
    { "0d2a" ADDR "01aa" T16, SERVERS, NULL },
    { "0d3d" ADDR "14 000102030405060708090a0b0c0d0e0f10111213" T16,
      SERVERS, NULL },
    { "0d29" ADDR "00" T16, SERVERS, "invalid preferred_address" },
    { "0d3e" ADDR "15 000102030405060708090a0b0c0d0e0f1011121314" T16,
      SERVERS, "invalid preferred_address" },
    { "0d29" ADDR "01aa 000102030405060708090a0b0c0d0e", SERVERS,
      "invalid preferred_address" },
    { "0d2b" ADDR "01aa" T16 "10", SERVERS, "invalid preferred_address" },
    { "0d00", SERVERS, "invalid preferred_address" },

    /* RFC 9368, sections 3 and 4 */

    { "1108 00000001 00000001", NULL, NULL },
    { "110c 6b3343cf 00000001 6b3343cf", NULL, NULL },
    { "1104 00000001",
      "chosen version isn't one of the available versions", NULL },
    { "1108 00000001 6b3343cf",
      "chosen version isn't one of the available versions", NULL },
    { "1100", "invalid version_information", "invalid version_information" },
    { "1103 000001", "invalid version_information",
      "invalid version_information" },
    { "1107 00000001 000001", "invalid version_information",
      "invalid version_information" },
    { "1108 00000000 00000001", "invalid version_information",
      "invalid version_information" },
    { "110c 00000001 00000001 00000000", "invalid version_information",
      "invalid version_information" },

    /* ten, the chosen one last */

    { "112c 00000001 0a0a0a0a 1a1a1a1a 2a2a2a2a 3a3a3a3a 4a4a4a4a 5a5a5a5a"
      "6a6a6a6a 7a7a7a7a 8a8a8a8a 00000001", NULL, NULL },
    { "112c 00000001 0a0a0a0a 1a1a1a1a 2a2a2a2a 3a3a3a3a 4a4a4a4a 5a5a5a5a"
      "6a6a6a6a 7a7a7a7a 8a8a8a8a 00000002",
      "chosen version isn't one of the available versions", NULL },

    /* the ACK frequency draft: 25000 us is the default of max_ack_delay */

    { "c0000000ff04de1b 04 800061a8", NULL, NULL },
    { "c0000000ff04de1b 04 800061a9", "min_ack_delay over max_ack_delay",
      "min_ack_delay over max_ack_delay" },
    { "c0000000ff04de1b 04 800061a9 0b011a", NULL, NULL },
    { "0b0118 c0000000ff04de1b 04 800061a8",
      "min_ack_delay over max_ack_delay",
      "min_ack_delay over max_ack_delay" },

    /* twice: 7.4 */

    { "010101 010101", TWICE, TWICE },
    { "0c00 0c00", TWICE, TWICE },
    { "0f00 040101 0f01aa", TWICE, TWICE },

    /* unknown ones, and those that are to be: 18.1 */

    { "1b03aabbcc 1b00 3a0180 010105", NULL, NULL },
    { "ffffffffffffffff 00", NULL, NULL },

    { "1b", CUT, CUT },
    { "1b ffffffffffffffff 00", CUT, CUT },
    { "0402 01", CUT, CUT }
};


static void
check_reason(row_t *r, const char *expected, ngx_uint_t server)
{
    ngx_int_t                 rc;
    const char               *reason;
    quic_transport_params_t   tp;

    rc = parse(r->hex, server, &tp, &reason);

    if (expected == NULL) {
        if (rc != NGX_OK) {
            fail_msg("%s: %s", r->hex, reason);
        }

    } else {
        assert_int_equal(rc, NGX_ERROR);
        assert_string_equal(reason, expected);
    }
}


static void
test_rows(void **state)
{
    row_t  *r;

    for (r = rows; r < rows + test_array_len(rows); r++) {
        check_reason(r, r->client, 0);
        check_reason(r, r->server, 1);
    }
}


static void
test_values(void **state)
{
    const char               *reason;
    quic_transport_params_t   tp;

    assert_int_equal(parse("0d2b" ADDR "02aabb" T16 "0001cc 0210" T16, 1, &tp,
                           &reason),
                     NGX_OK);

    assert_true(tp.has_preferred);
    assert_memory_equal(tp.preferred.ipv4, "\x7f\0\0\1", 4);
    assert_int_equal(tp.preferred.ipv4_port, 8080);
    assert_int_equal(tp.preferred.ipv6[15], 0x0f);
    assert_int_equal(tp.preferred.ipv6_port, 8081);
    assert_int_equal(tp.preferred.cid.len, 2);
    assert_int_equal(tp.preferred.cid.data[1], 0xbb);
    assert_int_equal(tp.preferred.token[15], 0x0f);
    assert_true(tp.has_original_dcid);
    assert_int_equal(tp.original_dcid.len, 1);
    assert_true(tp.has_reset_token);
    assert_int_equal(tp.reset_token[15], 0x0f);

    assert_int_equal(parse("110c 6b3343cf 00000001 6b3343cf", 0, &tp,
                           &reason),
                     NGX_OK);

    assert_true(tp.has_versions);
    assert_int_equal(tp.chosen_version, QUIC_VERSION_2);
    assert_int_equal(tp.nversions, 2);
    assert_int_equal(tp.versions[0], QUIC_VERSION_1);
    assert_int_equal(tp.versions[1], QUIC_VERSION_2);

    assert_int_equal(parse("2004 8000ffff 6ab200 0c00", 0, &tp, &reason),
                     NGX_OK);
    assert_int_equal(tp.max_datagram_frame_size, 65535);
    assert_int_equal(tp.grease_quic_bit, 1);
    assert_int_equal(tp.disable_active_migration, 1);

    /* milliseconds become microseconds, a time without end stays one */

    assert_int_equal(parse("01027530 0b0105", 0, &tp, &reason), NGX_OK);
    assert_int_equal(tp.max_idle_timeout, 13616000);
    assert_int_equal(tp.max_ack_delay, 5000);

    assert_int_equal(parse("0108ffffffffffffffff", 0, &tp, &reason), NGX_OK);
    assert_in_range(tp.max_idle_timeout, QUIC_VARINT_MAX - 1000,
                    QUIC_VARINT_MAX);
}


/* cut between two parameters it's a shorter list, else it's refused */

static void
test_truncated(void **state)
{
    u_char                    buf[MAX], *data;
    size_t                    len, cut, next;
    ngx_int_t                 rc;
    const char               *reason;
    quic_transport_params_t   tp;

    len = test_hex(buf, sizeof(buf), example);
    next = 0;

    for (cut = 0; cut < len; cut++) {
        data = test_dup(buf, cut);
        rc = quic_transport_params_parse(&tp, data, cut, &reason);
        free(data);

        if (cut == next) {
            assert_int_equal(rc, NGX_OK);

            /* all of them have an ID and a length of one byte */

            next += 2 + buf[next + 1];

        } else {
            assert_int_equal(rc, NGX_ERROR);
            assert_string_equal(reason, CUT);
        }
    }
}


static void
random_cid(quic_cid_t *cid, size_t min)
{
    cid->len = min + test_rand() % (QUIC_CID_MAX_LEN - min + 1);
    test_rand_bytes(cid->data, cid->len);
}


static uint64_t
random_varint(void)
{
    return test_rand() >> (2 + test_rand() % 62);
}


static void
random_integers(quic_transport_params_t *tp)
{
    tp->max_idle_timeout = random_varint() / 1000 * 1000;
    tp->max_udp_payload_size = 1200 + test_rand() % 65000;
    tp->initial_max_data = random_varint();
    tp->initial_max_stream_data_bidi_local = random_varint();
    tp->initial_max_stream_data_bidi_remote = random_varint();
    tp->initial_max_stream_data_uni = random_varint();
    tp->initial_max_streams_bidi = random_varint() >> 2;
    tp->initial_max_streams_uni = random_varint() >> 2;
    tp->ack_delay_exponent = test_rand() % 21;
    tp->max_ack_delay = test_rand() % (1 << 14) * 1000;
    tp->min_ack_delay = test_rand() % (tp->max_ack_delay + 1);
    tp->active_connection_id_limit = 2 + random_varint() / 2;
    tp->max_datagram_frame_size = random_varint();
}


static void
random_params(quic_transport_params_t *tp, ngx_uint_t server)
{
    quic_transport_params_init(tp);

    if (test_rand() % 4) {
        random_integers(tp);
    }

    tp->has_initial_scid = test_rand() % 2;
    tp->disable_active_migration = test_rand() % 2;
    tp->grease_quic_bit = test_rand() % 2;
    tp->has_versions = test_rand() % 2;

    if (tp->has_initial_scid) {
        random_cid(&tp->initial_scid, 0);
    }

    if (tp->has_versions) {
        tp->nversions = 1 + test_rand() % QUIC_TP_MAX_VERSIONS;
        ngx_memset(tp->versions, 0x6b, tp->nversions * sizeof(uint32_t));
        tp->versions[test_rand() % tp->nversions] = QUIC_VERSION_2;
        tp->chosen_version = QUIC_VERSION_2;
    }

    if (!server) {
        return;
    }

    tp->has_original_dcid = test_rand() % 2;
    tp->has_retry_scid = test_rand() % 2;
    tp->has_reset_token = test_rand() % 2;
    tp->has_preferred = test_rand() % 2;

    if (tp->has_original_dcid) {
        random_cid(&tp->original_dcid, 0);
    }

    if (tp->has_retry_scid) {
        random_cid(&tp->retry_scid, 0);
    }

    if (tp->has_reset_token) {
        test_rand_bytes(tp->reset_token, QUIC_RESET_TOKEN_LEN);
    }

    if (tp->has_preferred) {
        test_rand_bytes(tp->preferred.ipv4, 4);
        test_rand_bytes(tp->preferred.ipv6, 16);
        tp->preferred.ipv4_port = (uint16_t) test_rand();
        tp->preferred.ipv6_port = (uint16_t) test_rand();
        random_cid(&tp->preferred.cid, 1);
        test_rand_bytes(tp->preferred.token, QUIC_RESET_TOKEN_LEN);
    }
}


static void
test_round_trip(void **state)
{
    u_char                    buf[MAX], *data;
    size_t                    len, size;
    ngx_int_t                 rc;
    ngx_uint_t                i, server;
    const char               *reason;
    quic_transport_params_t   tp, read;

    for (i = 0; i < 3000; i++) {
        server = i & 1;
        random_params(&tp, server);

        len = quic_transport_params_write(&tp, buf, sizeof(buf),
                                          test_rand() % 2 * test_rand());
        data = test_dup(buf, len);

        rc = server
             ? quic_transport_params_parse_server(&read, data, len, &reason)
             : quic_transport_params_parse(&read, data, len, &reason);

        assert_int_equal(rc, NGX_OK);
        assert_memory_equal(&tp, &read, sizeof(tp));

        free(data);
    }

    /* it's all or nothing */

    len = quic_transport_params_write(&tp, buf, sizeof(buf), 7);

    for (size = 0; size < len; size++) {
        data = malloc(size + 1);
        assert_int_equal(quic_transport_params_write(&tp, data, size, 7), 0);
        free(data);
    }

    assert_int_equal(quic_transport_params_write(&tp, buf, len, 7), len);
}


static void
test_largest(void **state)
{
    u_char                    buf[MAX];
    size_t                    len;
    const char               *reason;
    quic_transport_params_t   tp, read;

    random_params(&tp, 1);

    tp.max_idle_timeout = QUIC_VARINT_MAX / 1000 * 1000;
    tp.max_ack_delay = 16383000;
    tp.min_ack_delay = 16383000;
    tp.max_udp_payload_size = QUIC_VARINT_MAX;
    tp.initial_max_data = QUIC_VARINT_MAX;
    tp.initial_max_stream_data_bidi_local = QUIC_VARINT_MAX;
    tp.initial_max_stream_data_bidi_remote = QUIC_VARINT_MAX;
    tp.initial_max_stream_data_uni = QUIC_VARINT_MAX;
    tp.initial_max_streams_bidi = 1ULL << 60;
    tp.initial_max_streams_uni = 1ULL << 60;
    tp.ack_delay_exponent = 20;
    tp.active_connection_id_limit = QUIC_VARINT_MAX;
    tp.max_datagram_frame_size = QUIC_VARINT_MAX;

    tp.has_original_dcid = 1;
    tp.original_dcid.len = 20;
    tp.has_initial_scid = 1;
    tp.initial_scid.len = 20;
    tp.has_retry_scid = 1;
    tp.retry_scid.len = 20;
    tp.has_reset_token = 1;
    tp.has_preferred = 1;
    tp.preferred.cid.len = 20;
    tp.has_versions = 1;
    tp.chosen_version = QUIC_VERSION_1;
    tp.nversions = QUIC_TP_MAX_VERSIONS;
    ngx_memset(tp.versions, 0x6b, sizeof(tp.versions));
    tp.disable_active_migration = 1;
    tp.grease_quic_bit = 1;

    /* the seven bytes that a reserved parameter may have */

    len = quic_transport_params_write(&tp, buf, sizeof(buf), UINT64_MAX);

    assert_in_range(len, 300, sizeof(buf));
    assert_int_equal(quic_transport_params_parse_server(&read, buf, len,
                                                        &reason),
                     NGX_OK);
    assert_memory_equal(&tp, &read, sizeof(tp));
}


/* 18.1 */

static void
test_grease(void **state)
{
    u_char                    buf[32];
    size_t                    len;
    uint64_t                  id;
    ngx_uint_t                i;
    quic_cursor_t             c;
    quic_transport_params_t   tp;

    quic_transport_params_init(&tp);

    for (i = 0; i < 1000; i++) {
        len = quic_transport_params_write(&tp, buf, sizeof(buf),
                                          1 + (test_rand() >> (1 + i % 63)));
        assert_true(len > 0);

        quic_cursor_init(&c, buf, len);

        id = quic_cursor_varint(&c);
        assert_int_equal(id % 31, 27);

        quic_cursor_bytes(&c, quic_cursor_varint(&c));
        assert_int_equal(quic_cursor_left(&c), 0);
        assert_false(c.failed);
    }
}


static void
test_mutations(void **state)
{
    u_char                    buf[MAX], *data;
    size_t                    len, n;
    ngx_int_t                 rc;
    ngx_uint_t                i, good, server;
    const char               *reason;
    quic_transport_params_t   tp;

    good = 0;

    for (i = 0; i < 30000; i++) {
        server = i & 1;
        random_params(&tp, server);
        len = quic_transport_params_write(&tp, buf, sizeof(buf), 1);

        for (n = test_rand() % 3; n; n--) {
            buf[test_rand() % len] = (u_char) test_rand();
        }

        data = test_dup(buf, len);

        rc = server
             ? quic_transport_params_parse_server(&tp, data, len, &reason)
             : quic_transport_params_parse(&tp, data, len, &reason);

        if (rc == NGX_OK) {
            good++;
            assert_in_range(tp.ack_delay_exponent, 0, 20);
            assert_in_range(tp.max_ack_delay, tp.min_ack_delay, 16383000);
            assert_true(tp.max_udp_payload_size >= 1200);
            assert_true(tp.active_connection_id_limit >= 2);
            assert_true(tp.initial_max_streams_bidi <= 1ULL << 60);
            assert_true(tp.initial_scid.len <= QUIC_CID_MAX_LEN);
            assert_true(tp.preferred.cid.len <= QUIC_CID_MAX_LEN);
            assert_true(tp.nversions <= QUIC_TP_MAX_VERSIONS);
            assert_true(server || !tp.has_reset_token);

        } else {
            assert_non_null(reason);
        }

        free(data);
    }

    assert_in_range(good, 10000, 29000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_grease),
        cmocka_unit_test(test_mutations)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
