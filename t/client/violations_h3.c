
/*
 * HTTP/3 (RFC 9114) and QPACK (RFC 9204): what ends the connection.
 *
 * Stream 2 is the control stream, 6 and 10 are QPACK's, on 0 is a request.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"


/* empty SETTINGS in so many bytes: the others are to follow */

#define CONTROL    "0a 02 03 00 0400"
#define CONTROL_5  "0a 02 05 00 0400"
#define CONTROL_6  "0a 02 06 00 0400"


static const violation_t  violation_rows_h3[] = {

    /* streams */

    { "9114 6.2.1", "control stream", ONE_RTT, CONTROL, ACCEPTED },
    { "9114 6.2.1", "second control stream", ONE_RTT,
      CONTROL " 0a 06 03 00 0400", CLOSES_APP(H3_STREAM_CREATION_ERROR) },
    { "9114 6.2.1", "end of the control stream", ONE_RTT,
      "0b 02 03 00 0400", CLOSES_APP(H3_CLOSED_CRITICAL_STREAM) },
    { "9114 6.2.1", "reset of the control stream", ONE_RTT,
      CONTROL " 04 02 00 03", CLOSES_APP(H3_CLOSED_CRITICAL_STREAM) },
    { "9114 6.2.1", "STOP_SENDING on the server's control stream", ONE_RTT,
      "05 03 00", CLOSES_APP(H3_CLOSED_CRITICAL_STREAM) },
    { "9114 6.2.2", "push stream", ONE_RTT, "0a 02 02 01 00",
      CLOSES_APP(H3_STREAM_CREATION_ERROR) },
    { "9114 6.2.3", "stream of a reserved type", ONE_RTT,
      "0b 02 05 4040 616263", ACCEPTED },
    { "9114 6.2", "stream that ends before its type", ONE_RTT,
      "0b 02 01 40", ACCEPTED },
    { "9204 4.2", "second QPACK encoder stream", ONE_RTT,
      "0a 02 01 02 0a 06 01 02", CLOSES_APP(H3_STREAM_CREATION_ERROR) },
    { "9204 4.2", "second QPACK decoder stream", ONE_RTT,
      "0a 02 01 03 0a 06 01 03", CLOSES_APP(H3_STREAM_CREATION_ERROR) },
    { "9204 4.2", "end of the QPACK encoder stream", ONE_RTT,
      "0b 06 01 02", CLOSES_APP(H3_CLOSED_CRITICAL_STREAM) },
    { "9204 4.2", "end of the QPACK decoder stream", ONE_RTT,
      "0b 0a 01 03", CLOSES_APP(H3_CLOSED_CRITICAL_STREAM) },

    /* frames on the control stream */

    { "9114 6.2.1", "control stream without SETTINGS", ONE_RTT,
      "0a 02 04 00 0d0100", CLOSES_APP(H3_MISSING_SETTINGS) },
    { "9114 7.2.4", "second SETTINGS", ONE_RTT, CONTROL_5 "0400",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.1", "DATA on the control stream", ONE_RTT, CONTROL_5 "0000",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.2", "HEADERS on the control stream", ONE_RTT,
      CONTROL_5 "0100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.5", "PUSH_PROMISE on the control stream", ONE_RTT,
      CONTROL_6 "050100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "HTTP/2's PRIORITY", ONE_RTT, CONTROL_5 "0200",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "HTTP/2's PING", ONE_RTT, CONTROL_5 "0600",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "HTTP/2's WINDOW_UPDATE", ONE_RTT, CONTROL_5 "0800",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "HTTP/2's CONTINUATION", ONE_RTT, CONTROL_5 "0900",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "frame of a reserved type", ONE_RTT, CONTROL_5 "2100",
      ACCEPTED },
    { "9114 7.2.4", "the same setting twice", ONE_RTT,
      "0a 02 07 00 0404 0600 0600", CLOSES_APP(H3_SETTINGS_ERROR) },
    { "9114 7.2.4.1", "setting of HTTP/2", ONE_RTT,
      "0a 02 05 00 0402 0200", CLOSES_APP(H3_SETTINGS_ERROR) },
    { "9114 7.1", "half a setting", ONE_RTT,
      "0a 02 04 00 0401 06", CLOSES_APP(H3_FRAME_ERROR) },
    { "9114 7.2.6", "GOAWAY without an ID", ONE_RTT, CONTROL_5 "0700",
      CLOSES_APP(H3_FRAME_ERROR) },
    { "9114 5.2", "second GOAWAY with a larger ID", ONE_RTT,
      "0a 02 09 00 0400 070101 070102", CLOSES_APP(H3_ID_ERROR) },
    { "9114 7.2.7", "MAX_PUSH_ID that goes down", ONE_RTT,
      "0a 02 09 00 0400 0d0102 0d0101", CLOSES_APP(H3_ID_ERROR) },
    { "9114 7.2.3", "CANCEL_PUSH without a push", ONE_RTT,
      "0a 02 06 00 0400 030100", CLOSES_APP(H3_ID_ERROR) },

    /* frames on a request's stream */

    { "9114 4.1", "DATA before HEADERS", ONE_RTT, "0a 00 02 0000",
      CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.4", "SETTINGS on a request's stream", ONE_RTT,
      "0a 00 02 0400", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.3", "CANCEL_PUSH on a request's stream", ONE_RTT,
      "0a 00 03 030100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.5", "PUSH_PROMISE of a client", ONE_RTT,
      "0a 00 03 050100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.6", "GOAWAY on a request's stream", ONE_RTT,
      "0a 00 03 070100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.7", "MAX_PUSH_ID on a request's stream", ONE_RTT,
      "0a 00 03 0d0100", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.2.8", "HTTP/2's PING on a request's stream", ONE_RTT,
      "0a 00 02 0600", CLOSES_APP(H3_FRAME_UNEXPECTED) },
    { "9114 7.1", "stream that ends within a frame", ONE_RTT,
      "0b 00 03 0105 00", CLOSES_APP(H3_FRAME_ERROR) },
    { "9114 4.1", "stream without a request", ONE_RTT,
      "0b 00 00", ACCEPTED },

    /* QPACK */

    { "9204 2.2.3", "fields with a reference to nothing", ONE_RTT,
      "0b 00 05 0103 0000 ff", CLOSES_APP(QPACK_DECOMPRESSION_FAILED) },
    { "9204 4.5.1.1", "fields that need what can't be there", ONE_RTT,
      "0b 00 05 0103 ff00 d1", CLOSES_APP(QPACK_DECOMPRESSION_FAILED) },
    { "9204 4.3.1", "capacity of QPACK's table beyond the limit", ONE_RTT,
      "0a 06 05 02 3fe1ff0f", CLOSES_APP(QPACK_ENCODER_STREAM_ERROR) },
    { "9204 4.3.4", "duplicate of nothing in QPACK's table", ONE_RTT,
      "0a 06 02 02 00", CLOSES_APP(QPACK_ENCODER_STREAM_ERROR) },
    { "9204 4.4.1", "QPACK acknowledgement of nothing", ONE_RTT,
      "0a 0a 02 03 80", CLOSES_APP(QPACK_DECODER_STREAM_ERROR) },
    { "9204 4.4.3", "QPACK increment of 0", ONE_RTT,
      "0a 0a 02 03 00", CLOSES_APP(QPACK_DECODER_STREAM_ERROR) },
    { "9204 4.4.3", "QPACK increment beyond what was inserted", ONE_RTT,
      "0a 0a 02 03 3e", CLOSES_APP(QPACK_DECODER_STREAM_ERROR) }
};


void
violations_h3(void)
{
    VIOLATIONS(violation_rows_h3);
}
