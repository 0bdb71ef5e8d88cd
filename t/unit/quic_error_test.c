
/* Names of error codes. */

#include "test.h"
#include "wire/quic_error.h"


typedef struct {
    uint64_t     code;
    ngx_uint_t   app;
    const char  *name;
} row_t;


/* codes as they stand in RFC 9000, 9114, 9204, 9297, 9368 and 8446 */

static row_t  rows[] = {
    { 0x00, 0, "NO_ERROR" },
    { 0x01, 0, "INTERNAL_ERROR" },
    { 0x02, 0, "CONNECTION_REFUSED" },
    { 0x03, 0, "FLOW_CONTROL_ERROR" },
    { 0x04, 0, "STREAM_LIMIT_ERROR" },
    { 0x05, 0, "STREAM_STATE_ERROR" },
    { 0x06, 0, "FINAL_SIZE_ERROR" },
    { 0x07, 0, "FRAME_ENCODING_ERROR" },
    { 0x08, 0, "TRANSPORT_PARAMETER_ERROR" },
    { 0x09, 0, "CONNECTION_ID_LIMIT_ERROR" },
    { 0x0a, 0, "PROTOCOL_VIOLATION" },
    { 0x0b, 0, "INVALID_TOKEN" },
    { 0x0c, 0, "APPLICATION_ERROR" },
    { 0x0d, 0, "CRYPTO_BUFFER_EXCEEDED" },
    { 0x0e, 0, "KEY_UPDATE_ERROR" },
    { 0x0f, 0, "AEAD_LIMIT_REACHED" },
    { 0x10, 0, "NO_VIABLE_PATH" },
    { 0x11, 0, "VERSION_NEGOTIATION_ERROR" },
    { 0x12, 0, "unknown" },
    { 0xff, 0, "unknown" },
    { 0x0100 + 40, 0, "CRYPTO_ERROR handshake_failure" },
    { 0x0100 + 120, 0, "CRYPTO_ERROR no_application_protocol" },
    { 0x01ff, 0, "CRYPTO_ERROR" },
    { 0x0200, 0, "unknown" },
    { 0x100000100, 0, "unknown" },

    { 0x33, 1, "H3_DATAGRAM_ERROR" },
    { 0x0100, 1, "H3_NO_ERROR" },
    { 0x0101, 1, "H3_GENERAL_PROTOCOL_ERROR" },
    { 0x0102, 1, "H3_INTERNAL_ERROR" },
    { 0x0103, 1, "H3_STREAM_CREATION_ERROR" },
    { 0x0104, 1, "H3_CLOSED_CRITICAL_STREAM" },
    { 0x0105, 1, "H3_FRAME_UNEXPECTED" },
    { 0x0106, 1, "H3_FRAME_ERROR" },
    { 0x0107, 1, "H3_EXCESSIVE_LOAD" },
    { 0x0108, 1, "H3_ID_ERROR" },
    { 0x0109, 1, "H3_SETTINGS_ERROR" },
    { 0x010a, 1, "H3_MISSING_SETTINGS" },
    { 0x010b, 1, "H3_REQUEST_REJECTED" },
    { 0x010c, 1, "H3_REQUEST_CANCELLED" },
    { 0x010d, 1, "H3_REQUEST_INCOMPLETE" },
    { 0x010e, 1, "H3_MESSAGE_ERROR" },
    { 0x010f, 1, "H3_CONNECT_ERROR" },
    { 0x0110, 1, "H3_VERSION_FALLBACK" },
    { 0x0200, 1, "QPACK_DECOMPRESSION_FAILED" },
    { 0x0201, 1, "QPACK_ENCODER_STREAM_ERROR" },
    { 0x0202, 1, "QPACK_DECODER_STREAM_ERROR" },
    { 0x00, 1, "unknown" },
    { 0x21, 1, "unknown" },
    { UINT64_MAX, 1, "unknown" }
};


static void
test_names(void **state)
{
    row_t  *r;

    for (r = rows; r < rows + test_array_len(rows); r++) {
        assert_string_equal(quic_error_name(r->code, r->app), r->name);
    }
}


static void
test_printable(void **state)
{
    u_char     buf[16];
    ngx_str_t  text;

    ngx_str_t  words = ngx_string("a b~");
    ngx_str_t  line = ngx_string("x\"\n[alert]\0\x7f\xc3\xa4");
    ngx_str_t  empty = ngx_null_string;

    text = quic_printable(buf, sizeof(buf), &words);
    assert_int_equal(text.len, 4);
    assert_memory_equal(text.data, "a b~", 4);

    text = quic_printable(buf, sizeof(buf), &line);
    assert_int_equal(text.len, 14);
    assert_memory_equal(text.data, "x..[alert]....", 14);

    text = quic_printable(buf, 2, &line);
    assert_int_equal(text.len, 2);
    assert_memory_equal(text.data, "x.", 2);

    text = quic_printable(buf, sizeof(buf), &empty);
    assert_int_equal(text.len, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_printable)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
