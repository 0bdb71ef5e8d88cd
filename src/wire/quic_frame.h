
/*
 * Frames: RFC 9000, section 19; RFC 9221; the ACK frequency draft.
 *
 * One table says of every type in which packets it may stand and what it
 * counts for (RFC 9000, table 3); one parser, one writer.
 */

#ifndef _QUIC_FRAME_H_INCLUDED_
#define _QUIC_FRAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"


#define QUIC_FT_PADDING               0x00
#define QUIC_FT_PING                  0x01
#define QUIC_FT_ACK                   0x02
#define QUIC_FT_ACK_ECN               0x03
#define QUIC_FT_RESET_STREAM          0x04
#define QUIC_FT_STOP_SENDING          0x05
#define QUIC_FT_CRYPTO                0x06
#define QUIC_FT_NEW_TOKEN             0x07
#define QUIC_FT_STREAM                0x08    /* to 0x0f */
#define QUIC_FT_MAX_DATA              0x10
#define QUIC_FT_MAX_STREAM_DATA       0x11
#define QUIC_FT_MAX_STREAMS_BIDI      0x12
#define QUIC_FT_MAX_STREAMS_UNI       0x13
#define QUIC_FT_DATA_BLOCKED          0x14
#define QUIC_FT_STREAM_DATA_BLOCKED   0x15
#define QUIC_FT_STREAMS_BLOCKED_BIDI  0x16
#define QUIC_FT_STREAMS_BLOCKED_UNI   0x17
#define QUIC_FT_NEW_CONNECTION_ID     0x18
#define QUIC_FT_RETIRE_CONNECTION_ID  0x19
#define QUIC_FT_PATH_CHALLENGE        0x1a
#define QUIC_FT_PATH_RESPONSE         0x1b
#define QUIC_FT_CONNECTION_CLOSE      0x1c
#define QUIC_FT_CONNECTION_CLOSE_APP  0x1d
#define QUIC_FT_HANDSHAKE_DONE        0x1e
#define QUIC_FT_IMMEDIATE_ACK         0x1f
#define QUIC_FT_DATAGRAM              0x30    /* and 0x31 */
#define QUIC_FT_ACK_FREQUENCY         0xaf

#define QUIC_STREAM_FIN               0x01
#define QUIC_STREAM_LEN               0x02
#define QUIC_STREAM_OFF               0x04


/* what a type is, in the table */

#define QUIC_FRAME_IN_INITIAL         0x0001
#define QUIC_FRAME_IN_0RTT            0x0002
#define QUIC_FRAME_IN_HANDSHAKE       0x0004
#define QUIC_FRAME_IN_1RTT            0x0008
#define QUIC_FRAME_ACK_ELICITING      0x0010
#define QUIC_FRAME_IN_FLIGHT          0x0020  /* for congestion control */
#define QUIC_FRAME_PROBING            0x0040  /* RFC 9000, 9.1 */
#define QUIC_FRAME_CLIENT_ONLY        0x0080  /* never sent by a server */
#define QUIC_FRAME_SERVER_ONLY        0x0100  /* never sent by a client */


/* a half-open range of packet numbers or offsets: [start, end) */

typedef struct {
    uint64_t         start;
    uint64_t         end;
} quic_range_t;


typedef struct {
    uint64_t         largest;
    uint64_t         delay;          /* as sent: not yet scaled */
    uint64_t         range_count;    /* pairs (gap, length) behind the first */
    uint64_t         first_range;
    u_char          *ranges;         /* in place, checked: quic_ack_next() */
    u_char          *ranges_end;
    uint64_t         ect0;           /* ACK_ECN only, else 0 */
    uint64_t         ect1;
    uint64_t         ce;
} quic_frame_ack_t;


typedef struct {
    uint64_t         id;
    uint64_t         offset;
    uint64_t         length;
    u_char          *data;           /* in place */
    unsigned         fin:1;
} quic_frame_stream_t;


typedef struct {
    uint64_t         offset;
    uint64_t         length;
    u_char          *data;           /* in place */
} quic_frame_crypto_t;


typedef struct {
    uint64_t         seq;
    uint64_t         retire_prior_to;
    quic_cid_t       cid;
    u_char           token[QUIC_RESET_TOKEN_LEN];
} quic_frame_new_cid_t;


typedef struct {
    uint64_t         error;
    uint64_t         frame_type;     /* CONNECTION_CLOSE 0x1c only */
    ngx_str_t        reason;         /* in place */
} quic_frame_close_t;


typedef struct {
    uint64_t         seq;
    uint64_t         threshold;      /* ack-eliciting packets */
    uint64_t         max_ack_delay;  /* microseconds */
    uint64_t         reordering;     /* packets; 0: never */
} quic_frame_ack_frequency_t;


typedef struct {
    uint64_t                    type;   /* STREAM: 0x08, DATAGRAM: 0x30,
                                           without their low bits */
    uint64_t                    wire_type;      /* with them */

    union {
        uint64_t                padding;        /* bytes in a row */
        quic_frame_ack_t        ack;
        quic_frame_stream_t     stream;
        quic_frame_crypto_t     crypto;
        quic_frame_new_cid_t    new_cid;
        quic_frame_close_t      close;
        quic_frame_ack_frequency_t  ack_frequency;
        ngx_str_t               token;          /* NEW_TOKEN; in place */
        ngx_str_t               datagram;       /* in place */
        u_char                  path[8];        /* PATH_* data */
        uint64_t                seq;            /* RETIRE_CONNECTION_ID */
        uint64_t                max;            /* MAX_DATA, MAX_STREAMS_*,
                                                   DATA_BLOCKED,
                                                   STREAMS_BLOCKED_* */
        struct {                                /* MAX_STREAM_DATA,
                                                   STREAM_DATA_BLOCKED */
            uint64_t            id;
            uint64_t            max;
        } stream_max;

        struct {                                /* RESET_STREAM, STOP_SENDING
                                                   (no final_size) */
            uint64_t            id;
            uint64_t            error;
            uint64_t            final_size;
        } reset;
    } u;
} quic_frame_t;


/* the table's row: QUIC_FRAME_* flags, 0 for a type that is not known */
ngx_uint_t quic_frame_flags(uint64_t type);

/* "STREAM", "ACK", ... ; "unknown" */
const char *quic_frame_name(uint64_t type);

/*
 * Parses the next frame at the cursor, all of it checked: lengths, values that
 * section 19 forbids (stream counts over 2^60, offsets over 2^62-1, an ACK's
 * ranges below 0, retire_prior_to over seq, a CID's length, an empty token,
 * a type that isn't in its shortest form).  In which packets the frame may
 * stand is not looked at: the caller compares quic_frame_flags().  Frames of
 * extensions are parsed whether we have offered these or not.
 *
 * NGX_OK, or NGX_ERROR with the RFC's code in "*error" and a static reason
 * phrase in "*reason"; f->type is then the type if it could be read.
 */
ngx_int_t quic_frame_parse(quic_cursor_t *c, quic_frame_t *f, uint64_t *error,
    const char **reason);


/*
 * The ranges of an ACK frame that has been parsed, from the largest down:
 * start with quic_ack_start(), then each call of quic_ack_next() gives one
 * range [*first, *last], both included.  0 at the end.
 */
typedef struct {
    u_char          *pos;
    u_char          *end;
    uint64_t         smallest;
    ngx_uint_t       started;
    quic_frame_ack_t *ack;
} quic_ack_iter_t;

void quic_ack_start(quic_ack_iter_t *it, quic_frame_ack_t *ack);
ngx_uint_t quic_ack_next(quic_ack_iter_t *it, uint64_t *first, uint64_t *last);


/*
 * Writing: each returns the end of what was written, or NULL when it doesn't
 * fit between p and end.
 */

/*
 * The header of a STREAM or CRYPTO frame; the caller puts "*length" bytes of
 * data right behind it.  On entry "*length" is what there is to send, on
 * return what fits; "fin" is said only if all of it fits.  NULL if not even
 * one byte fits (or the header alone, when *length is 0).
 *
 * A STREAM frame that fills the room up to "end" is written without a Length
 * field (so nothing may follow it); PADDING goes before it where a Length
 * field alone would keep the data's last bytes from fitting.
 */
u_char *quic_frame_write_stream_header(u_char *p, u_char *end, uint64_t id,
    uint64_t offset, size_t *length, ngx_uint_t fin);
u_char *quic_frame_write_crypto_header(u_char *p, u_char *end, uint64_t offset,
    size_t *length);

/*
 * "ranges": n > 0 of them, ascending, none empty, with a gap between any two;
 * the largest stands last.  As many as fit are written, from the largest down.
 * "delay" is already scaled down by our exponent.  "ecn" is three counts
 * (ECT0, ECT1, CE) or NULL.
 */
u_char *quic_frame_write_ack(u_char *p, u_char *end, quic_range_t *ranges,
    ngx_uint_t n, uint64_t delay, uint64_t *ecn);

u_char *quic_frame_write_reset_stream(u_char *p, u_char *end, uint64_t id,
    uint64_t error, uint64_t final_size);
u_char *quic_frame_write_stop_sending(u_char *p, u_char *end, uint64_t id,
    uint64_t error);
u_char *quic_frame_write_new_token(u_char *p, u_char *end, ngx_str_t *token);
u_char *quic_frame_write_new_cid(u_char *p, u_char *end, uint64_t seq,
    uint64_t retire_prior_to, quic_cid_t *cid, u_char *reset_token);
u_char *quic_frame_write_path(u_char *p, u_char *end, uint64_t type,
    u_char *data);
u_char *quic_frame_write_ack_frequency(u_char *p, u_char *end,
    quic_frame_ack_frequency_t *af);

/*
 * "reason" may be NULL, and is cut to what fits.  "frame_type" is left out of
 * an application's CONNECTION_CLOSE.
 */
u_char *quic_frame_write_close(u_char *p, u_char *end, ngx_uint_t app,
    uint64_t error, uint64_t frame_type, ngx_str_t *reason);

/* a frame of its type and 0, 1 or 2 varints: PING, HANDSHAKE_DONE, MAX_*,
   *_BLOCKED, RETIRE_CONNECTION_ID, IMMEDIATE_ACK */
u_char *quic_frame_write_plain(u_char *p, u_char *end, uint64_t type);
u_char *quic_frame_write_value(u_char *p, u_char *end, uint64_t type,
    uint64_t value);
u_char *quic_frame_write_values(u_char *p, u_char *end, uint64_t type,
    uint64_t v1, uint64_t v2);


#endif /* _QUIC_FRAME_H_INCLUDED_ */
