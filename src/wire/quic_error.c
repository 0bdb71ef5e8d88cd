
/*
 * Names of the error codes.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_error.h"


typedef struct {
    uint64_t     code;
    const char  *name;
} quic_error_name_t;


static const char *quic_error_find(const quic_error_name_t *names,
    uint64_t code, const char *other);


/*
 * TLS alerts (RFC 8446, section 6) are in the same space, in the low byte of
 * CRYPTO_ERROR: they say more than its name alone.
 */

static const quic_error_name_t  quic_error_names[] = {
    { QUIC_NO_ERROR,                  "NO_ERROR" },
    { QUIC_INTERNAL_ERROR,            "INTERNAL_ERROR" },
    { QUIC_CONNECTION_REFUSED,        "CONNECTION_REFUSED" },
    { QUIC_FLOW_CONTROL_ERROR,        "FLOW_CONTROL_ERROR" },
    { QUIC_STREAM_LIMIT_ERROR,        "STREAM_LIMIT_ERROR" },
    { QUIC_STREAM_STATE_ERROR,        "STREAM_STATE_ERROR" },
    { QUIC_FINAL_SIZE_ERROR,          "FINAL_SIZE_ERROR" },
    { QUIC_FRAME_ENCODING_ERROR,      "FRAME_ENCODING_ERROR" },
    { QUIC_TRANSPORT_PARAMETER_ERROR, "TRANSPORT_PARAMETER_ERROR" },
    { QUIC_CONNECTION_ID_LIMIT_ERROR, "CONNECTION_ID_LIMIT_ERROR" },
    { QUIC_PROTOCOL_VIOLATION,        "PROTOCOL_VIOLATION" },
    { QUIC_INVALID_TOKEN,             "INVALID_TOKEN" },
    { QUIC_APPLICATION_ERROR,         "APPLICATION_ERROR" },
    { QUIC_CRYPTO_BUFFER_EXCEEDED,    "CRYPTO_BUFFER_EXCEEDED" },
    { QUIC_KEY_UPDATE_ERROR,          "KEY_UPDATE_ERROR" },
    { QUIC_AEAD_LIMIT_REACHED,        "AEAD_LIMIT_REACHED" },
    { QUIC_NO_VIABLE_PATH,            "NO_VIABLE_PATH" },
    { QUIC_VERSION_NEGOTIATION_ERROR, "VERSION_NEGOTIATION_ERROR" },
    { QUIC_CRYPTO_ERROR(0),           "CRYPTO_ERROR close_notify" },
    { QUIC_CRYPTO_ERROR(10),          "CRYPTO_ERROR unexpected_message" },
    { QUIC_CRYPTO_ERROR(20),          "CRYPTO_ERROR bad_record_mac" },
    { QUIC_CRYPTO_ERROR(40),          "CRYPTO_ERROR handshake_failure" },
    { QUIC_CRYPTO_ERROR(42),          "CRYPTO_ERROR bad_certificate" },
    { QUIC_CRYPTO_ERROR(43),          "CRYPTO_ERROR unsupported_certificate" },
    { QUIC_CRYPTO_ERROR(44),          "CRYPTO_ERROR certificate_revoked" },
    { QUIC_CRYPTO_ERROR(45),          "CRYPTO_ERROR certificate_expired" },
    { QUIC_CRYPTO_ERROR(46),          "CRYPTO_ERROR certificate_unknown" },
    { QUIC_CRYPTO_ERROR(47),          "CRYPTO_ERROR illegal_parameter" },
    { QUIC_CRYPTO_ERROR(48),          "CRYPTO_ERROR unknown_ca" },
    { QUIC_CRYPTO_ERROR(49),          "CRYPTO_ERROR access_denied" },
    { QUIC_CRYPTO_ERROR(50),          "CRYPTO_ERROR decode_error" },
    { QUIC_CRYPTO_ERROR(51),          "CRYPTO_ERROR decrypt_error" },
    { QUIC_CRYPTO_ERROR(70),          "CRYPTO_ERROR protocol_version" },
    { QUIC_CRYPTO_ERROR(71),          "CRYPTO_ERROR insufficient_security" },
    { QUIC_CRYPTO_ERROR(80),          "CRYPTO_ERROR internal_error" },
    { QUIC_CRYPTO_ERROR(86),          "CRYPTO_ERROR inappropriate_fallback" },
    { QUIC_CRYPTO_ERROR(90),          "CRYPTO_ERROR user_canceled" },
    { QUIC_CRYPTO_ERROR(109),         "CRYPTO_ERROR missing_extension" },
    { QUIC_CRYPTO_ERROR(110),         "CRYPTO_ERROR unsupported_extension" },
    { QUIC_CRYPTO_ERROR(112),         "CRYPTO_ERROR unrecognized_name" },
    { QUIC_CRYPTO_ERROR(113),         "CRYPTO_ERROR bad_certificate_status" },
    { QUIC_CRYPTO_ERROR(115),         "CRYPTO_ERROR unknown_psk_identity" },
    { QUIC_CRYPTO_ERROR(116),         "CRYPTO_ERROR certificate_required" },
    { QUIC_CRYPTO_ERROR(120),         "CRYPTO_ERROR no_application_protocol" },
    { 0, NULL }
};


static const quic_error_name_t  h3_error_names[] = {
    { H3_DATAGRAM_ERROR,          "H3_DATAGRAM_ERROR" },
    { H3_NO_ERROR,                "H3_NO_ERROR" },
    { H3_GENERAL_PROTOCOL_ERROR,  "H3_GENERAL_PROTOCOL_ERROR" },
    { H3_INTERNAL_ERROR,          "H3_INTERNAL_ERROR" },
    { H3_STREAM_CREATION_ERROR,   "H3_STREAM_CREATION_ERROR" },
    { H3_CLOSED_CRITICAL_STREAM,  "H3_CLOSED_CRITICAL_STREAM" },
    { H3_FRAME_UNEXPECTED,        "H3_FRAME_UNEXPECTED" },
    { H3_FRAME_ERROR,             "H3_FRAME_ERROR" },
    { H3_EXCESSIVE_LOAD,          "H3_EXCESSIVE_LOAD" },
    { H3_ID_ERROR,                "H3_ID_ERROR" },
    { H3_SETTINGS_ERROR,          "H3_SETTINGS_ERROR" },
    { H3_MISSING_SETTINGS,        "H3_MISSING_SETTINGS" },
    { H3_REQUEST_REJECTED,        "H3_REQUEST_REJECTED" },
    { H3_REQUEST_CANCELLED,       "H3_REQUEST_CANCELLED" },
    { H3_REQUEST_INCOMPLETE,      "H3_REQUEST_INCOMPLETE" },
    { H3_MESSAGE_ERROR,           "H3_MESSAGE_ERROR" },
    { H3_CONNECT_ERROR,           "H3_CONNECT_ERROR" },
    { H3_VERSION_FALLBACK,        "H3_VERSION_FALLBACK" },
    { QPACK_DECOMPRESSION_FAILED, "QPACK_DECOMPRESSION_FAILED" },
    { QPACK_ENCODER_STREAM_ERROR, "QPACK_ENCODER_STREAM_ERROR" },
    { QPACK_DECODER_STREAM_ERROR, "QPACK_DECODER_STREAM_ERROR" },
    { 0, NULL }
};


const char *
quic_error_name(uint64_t code, ngx_uint_t app)
{
    if (app) {
        return quic_error_find(h3_error_names, code, "unknown");
    }

    /* RFC 9001, 4.8: the space of the alerts, those without a name as well */

    if ((code & ~0xffULL) == QUIC_CRYPTO_ERROR(0)) {
        return quic_error_find(quic_error_names, code, "CRYPTO_ERROR");
    }

    return quic_error_find(quic_error_names, code, "unknown");
}


static const char *
quic_error_find(const quic_error_name_t *names, uint64_t code,
    const char *other)
{
    for ( /* void */ ; names->name; names++) {

        if (names->code == code) {
            return names->name;
        }
    }

    return other;
}


ngx_str_t
quic_printable(u_char *dst, size_t size, ngx_str_t *src)
{
    size_t     i;
    u_char     ch;
    ngx_str_t  text;

    text.data = dst;
    text.len = ngx_min(src->len, size);

    for (i = 0; i < text.len; i++) {
        ch = src->data[i];
        dst[i] = (ch < 0x20 || ch > 0x7e || ch == '"') ? '.' : ch;
    }

    return text;
}
