
/*
 * Error codes that go over the wire: RFC 9000, section 20; RFC 9114, section
 * 8.1; RFC 9204, section 6.
 */

#ifndef _QUIC_ERROR_H_INCLUDED_
#define _QUIC_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define QUIC_NO_ERROR                    0x00
#define QUIC_INTERNAL_ERROR              0x01
#define QUIC_CONNECTION_REFUSED          0x02
#define QUIC_FLOW_CONTROL_ERROR          0x03
#define QUIC_STREAM_LIMIT_ERROR          0x04
#define QUIC_STREAM_STATE_ERROR          0x05
#define QUIC_FINAL_SIZE_ERROR            0x06
#define QUIC_FRAME_ENCODING_ERROR        0x07
#define QUIC_TRANSPORT_PARAMETER_ERROR   0x08
#define QUIC_CONNECTION_ID_LIMIT_ERROR   0x09
#define QUIC_PROTOCOL_VIOLATION          0x0a
#define QUIC_INVALID_TOKEN               0x0b
#define QUIC_APPLICATION_ERROR           0x0c
#define QUIC_CRYPTO_BUFFER_EXCEEDED      0x0d
#define QUIC_KEY_UPDATE_ERROR            0x0e
#define QUIC_AEAD_LIMIT_REACHED          0x0f
#define QUIC_NO_VIABLE_PATH              0x10
#define QUIC_VERSION_NEGOTIATION_ERROR   0x11

/* 0x0100 to 0x01ff: a TLS alert in the low byte */
#define QUIC_CRYPTO_ERROR(alert)         (0x0100 | (alert))

#define H3_DATAGRAM_ERROR                0x33
#define H3_NO_ERROR                      0x0100
#define H3_GENERAL_PROTOCOL_ERROR        0x0101
#define H3_INTERNAL_ERROR                0x0102
#define H3_STREAM_CREATION_ERROR         0x0103
#define H3_CLOSED_CRITICAL_STREAM        0x0104
#define H3_FRAME_UNEXPECTED              0x0105
#define H3_FRAME_ERROR                   0x0106
#define H3_EXCESSIVE_LOAD                0x0107
#define H3_ID_ERROR                      0x0108
#define H3_SETTINGS_ERROR                0x0109
#define H3_MISSING_SETTINGS              0x010a
#define H3_REQUEST_REJECTED              0x010b
#define H3_REQUEST_CANCELLED             0x010c
#define H3_REQUEST_INCOMPLETE            0x010d
#define H3_MESSAGE_ERROR                 0x010e
#define H3_CONNECT_ERROR                 0x010f
#define H3_VERSION_FALLBACK              0x0110
#define QPACK_DECOMPRESSION_FAILED       0x0200
#define QPACK_ENCODER_STREAM_ERROR       0x0201
#define QPACK_DECODER_STREAM_ERROR       0x0202


/*
 * The name of a code for a log line, such as "FLOW_CONTROL_ERROR"; static.
 * "app" says which space the code is of: an application's (HTTP/3) or QUIC's.
 */
const char *quic_error_name(uint64_t code, ngx_uint_t app);

/*
 * A peer's words for a log line: at most "size" bytes of "src" into "dst",
 * with a dot for each that is not printable, or a quote: so they can't end the
 * line that they stand in, nor the quotes around them.
 */
ngx_str_t quic_printable(u_char *dst, size_t size, ngx_str_t *src);


#endif /* _QUIC_ERROR_H_INCLUDED_ */
