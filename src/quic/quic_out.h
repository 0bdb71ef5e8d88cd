
/*
 * A datagram in work: up to one packet of each level, each of them begun,
 * filled with frames, and sealed in place.
 *
 *     quic_send         what goes into which datagram, and when
 *     quic_out          a packet's beginning and end
 *     quic_out_frames   what stands between them
 */

#ifndef _QUIC_OUT_H_INCLUDED_
#define _QUIC_OUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_conn_internal.h"


/* a packet that has less room than this isn't begun */
#define QUIC_OUT_MIN_ROOM  64

#define QUIC_OUT_MAX_SHORT_HEADER  (1 + 20 + 4)

/* bytes: a datagram of one 1-RTT packet */
#define QUIC_OUT_MIN_DATAGRAM                                                 \
    (QUIC_OUT_MAX_SHORT_HEADER + QUIC_OUT_MIN_ROOM + QUIC_TAG_LEN)


typedef struct {
    quic_level_e         level;
    u_char              *start;
    u_char              *length;     /* of a long header: its Length field */
    u_char              *payload;
    u_char              *pos;        /* end of what was written */
    u_char              *end;        /* of the room, the tag's not included */
    uint64_t             pn;
    size_t               pn_len;
    uint64_t             now;
    unsigned             eliciting:1;
    unsigned             expand:1;   /* to 1200 bytes: RFC 9000, 8.2.2 */
} quic_out_packet_t;


typedef struct {
    quic_out_packet_t    packet[QUIC_SPACES];
    ngx_uint_t           n;
    const quic_path_t   *path;
    u_char              *pos;
    u_char              *end;
    unsigned             data:1;     /* the window and the pacer allow it */
} quic_out_datagram_t;

/*
 * Begins a packet: its header and its record.  NGX_OK, or NGX_DECLINED: there
 * is no room in the datagram, or no record (or no memory for one: the
 * connection is dead then).
 */
ngx_int_t quic_out_open(quic_conn_t *c, quic_out_datagram_t *d,
    quic_out_packet_t *p, quic_level_e level, uint64_t now);

/*
 * The datagram's size is known: its last packet is padded if need be, and asks
 * for an ACK then.
 */
void quic_out_pad(quic_out_datagram_t *d, u_char *buf);

/* NGX_OK, or NGX_ERROR: the connection is dead */
ngx_int_t quic_out_seal(quic_conn_t *c, quic_out_packet_t *p);

/*
 * A frame has been written up to "end" (NULL: it had no room), and is noted if
 * "frame" isn't NULL.  NGX_OK, or NGX_DECLINED: it isn't in the packet.
 */
ngx_int_t quic_out_note(quic_conn_t *c, quic_out_packet_t *p, u_char *end,
    quic_sent_frame_t *frame);


/* frames: what is due and has room */

/* what the validation of a path wants, in a datagram that goes there */
void quic_out_path(quic_conn_t *c, quic_path_t *path, quic_out_packet_t *p,
    uint64_t now);
void quic_out_ack(quic_conn_t *c, quic_out_packet_t *p, uint64_t now);
void quic_out_crypto(quic_conn_t *c, quic_out_packet_t *p);

/* c->pending: of the connection; s->pending: of streams */
void quic_out_pending(quic_conn_t *c, quic_out_packet_t *p);
void quic_out_stream_control(quic_conn_t *c, quic_out_packet_t *p);
void quic_out_stream_data(quic_conn_t *c, quic_out_packet_t *p);
void quic_out_ping(quic_conn_t *c, quic_out_packet_t *p);

/* the type of a frame that does nothing but ask for an ACK */
uint64_t quic_out_ping_type(quic_conn_t *c, quic_level_e level);

void quic_out_close(quic_conn_t *c, quic_out_packet_t *p);


#endif /* _QUIC_OUT_H_INCLUDED_ */
