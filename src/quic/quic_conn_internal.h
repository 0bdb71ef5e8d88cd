
/*
 * The whole state of a connection, for the files that make it up:
 *
 *     conn        creation, end, the small public functions
 *     version     which one it is
 *     handshake   TLS's callbacks, CRYPTO bytes, keys of each level
 *     receive     datagram -> packets -> payload
 *     frames      a handler for each type of frame
 *     fate        what an ACK or a loss means for each frame that was sent
 *     streams     their table, both sides of each
 *     cids        connection IDs, ours and the peer's
 *     migrate     paths come and go
 *     send        packets -> datagrams -> batch
 *     out         frames -> packets
 *     timers      every deadline, and what is done when it comes
 *     close       closing and draining
 */

#ifndef _QUIC_CONN_INTERNAL_H_INCLUDED_
#define _QUIC_CONN_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_keys.h"
#include "crypto/quic_tls.h"
#include "quic/limits.h"
#include "quic/quic_ack.h"
#include "quic/quic_bucket.h"
#include "quic/quic_ack_freq.h"
#include "quic/quic_conn.h"
#include "quic/quic_endpoint.h"
#include "quic/quic_path.h"
#include "quic/quic_recovery.h"
#include "quic/quic_sched.h"
#include "wire/quic_error.h"
#include "wire/quic_frame.h"
#include "wire/quic_transport_params.h"


/* RFC 9000, section 10 */

typedef enum {
    QUIC_CONN_OPEN = 0,
    QUIC_CONN_CLOSING,           /* CONNECTION_CLOSE is ours: 10.2.1 */
    QUIC_CONN_DRAINING,          /* it was the peer's: 10.2.2 */
    QUIC_CONN_DEAD               /* freed in the next flush */
} quic_conn_state_e;


/* control frames of the connection that wait to be sent */

#define QUIC_PEND_HANDSHAKE_DONE    0x01
#define QUIC_PEND_MAX_DATA          0x02
#define QUIC_PEND_MAX_STREAMS_BIDI  0x04
#define QUIC_PEND_MAX_STREAMS_UNI   0x08
#define QUIC_PEND_DATA_BLOCKED      0x10
#define QUIC_PEND_PING              0x40
#define QUIC_PEND_NEW_CID           0x80
#define QUIC_PEND_RETIRE_CID        0x100
#define QUIC_PEND_NEW_TOKEN         0x200
#define QUIC_PEND_ACK_FREQUENCY     0x400


/* a packet number space with what it carries besides stream frames */

typedef struct {
    quic_ack_t           ack;
    quic_recv_buf_t      crypto_in;
    quic_send_buf_t      crypto_out;
    ngx_uint_t           probes;         /* packets that a PTO asks for */
} quic_conn_space_t;


/* a connection ID of ours: RFC 9000, 5.1.1 */

typedef struct {
    quic_cid_node_t      node;
    uint64_t             seq;
    unsigned             used:1;         /* this place is taken */
    unsigned             pending:1;      /* NEW_CONNECTION_ID is to be sent */
} quic_our_cid_t;


/* one of the peer's */

typedef struct {
    quic_cid_t           cid;
    uint64_t             seq;
    u_char               token[QUIC_RESET_TOKEN_LEN];
    quic_cid_node_t      reset;          /* the token in ep->resets */
    unsigned             used:1;
    unsigned             has_token:1;
    unsigned             sent:1;         /* it stood in a packet of ours */
} quic_peer_cid_t;


/* RETIRE_CONNECTION_ID frames: to be sent, or sent and not acknowledged */

typedef struct {
    uint64_t             seq;
    unsigned             used:1;
    unsigned             pending:1;
} quic_retiring_cid_t;


typedef struct {
    quic_cid_t           initial;        /* ours, in long headers; it may have
                                            been retired since */
    quic_our_cid_t       ours[QUIC_MAX_OUR_CIDS];
    uint64_t             next_seq;
    uint64_t             next_sent;      /* the client knows of those below */

    quic_peer_cid_t      peers[QUIC_MAX_PEER_CIDS];
    uint64_t             retire_prior_to;
    uint64_t             highest;        /* sequence number of the peer's */
    uint64_t             seen;           /* bit n: highest - n has come */

    quic_retiring_cid_t  retiring[QUIC_MAX_RETIRING_CIDS];

    quic_cid_node_t      original;       /* the client's first DCID: a copy of
                                            its Initial that comes late must
                                            not make another connection */
} quic_cids_t;


/*
 * 1-RTT keys over key updates: RFC 9001, section 6.  "next" is made in
 * advance, so that a key update costs no time that could be measured.
 */

typedef struct {
    quic_keys_t         *next_rx;
    quic_keys_t         *prev_rx;
    uint64_t             first_rx;       /* lowest number of this phase;
                                            UINT64_MAX: none has come */
    uint64_t             least_rx;       /* numbers below are of those before */
    uint64_t             first_tx;       /* first number that we send in it */
    uint64_t             settled;        /* microseconds: the peer was found to
                                            use it; 0: not looked at yet */
    uint64_t             expires;        /* prev_rx does; microseconds; 0: the
                                            same */
    unsigned             phase:1;
    unsigned             confirmed:1;    /* the first one, or we have begun it,
                                            or acknowledged a packet of it: the
                                            peer may go on */
    unsigned             known:1;        /* the peer has got such an ACK */
} quic_key_phase_t;


/* packets that came before their keys */

typedef struct quic_early_packet_s  quic_early_packet_t;

struct quic_early_packet_s {
    quic_early_packet_t  *next;
    size_t                len;
    ngx_uint_t            ecn;
    quic_packet_type_e    type;
    u_char                data[1];
};


typedef struct {
    ngx_rbtree_t         tree;
    ngx_rbtree_node_t    sentinel;
    quic_stream_t       *last;           /* the one looked up last */
    ngx_queue_t          control;        /* streams with pending != 0 */
    ngx_queue_t          blocked;        /* by the connection's credit */
    ngx_queue_t          done;           /* to be freed */
    quic_sched_t         sched;

    /* the client's streams, [0] bidirectional and [1] unidirectional */
    uint64_t             next_peer[2];   /* number of the next one it opens */
    uint64_t             closed_peer[2];
    uint64_t             max_peer[2];    /* what MAX_STREAMS has said */
    uint64_t             window[2];      /* how many may be open at a time */

    uint64_t             next_uni;       /* ours */
    uint64_t             max_uni;        /* what it allows us */

    uint64_t             buffered;       /* bytes in all send buffers */
    uint64_t             acked;          /* bytes of the client's streams */
} quic_streams_t;


typedef struct {
    uint64_t             error;
    const char          *reason;
    uint64_t             frame_type;     /* that was at fault; 0: none */
    uint64_t             last_sent;      /* microseconds */
    ngx_uint_t           received;       /* packets since the last answer */
    ngx_uint_t           threshold;      /* answer after so many */
    unsigned             app:1;
    unsigned             requested:1;    /* to be sent */
    unsigned             lingering:1;    /* quic_conn_linger() was called */
} quic_close_t;


struct quic_conn_s {
    ngx_queue_t          queue;          /* in ep->ready */
    ngx_queue_t          all;            /* in ep->conns */
    quic_endpoint_t     *ep;
    quic_mem_t          *mem;
    const quic_conf_t   *conf;
    ngx_log_t           *log;
    void                *data;           /* the upper floor's */

    const quic_app_ops_t  *app_ops;
    void                *app;

    quic_conn_state_e    state;
    uint32_t             version;        /* that was negotiated, and */
    uint32_t             original_version;  /* in which the client began */
    quic_tls_t          *tls;

    quic_keys_t         *rx[QUIC_LEVELS];
    quic_keys_t         *tx[QUIC_LEVELS];
    quic_keys_t         *rx_original;    /* of the client's Initial packets,
                                            if there were two versions */
    quic_key_phase_t     phase;
    uint64_t             failed_opens;   /* RFC 9001, 6.6 */

    quic_conn_space_t    space[QUIC_SPACES];
    quic_recovery_t      recovery;
    quic_stats_t         stats;          /* what is counted nowhere else */
    quic_ack_freq_t      ack_freq;
    quic_paths_t         paths;
    quic_cids_t          cids;

    /* of the packet that is being handled */
    const quic_datagram_t  *dgram;       /* NULL: it was kept from before */
    quic_path_t         *from;           /* NULL: by none of the paths */
    ngx_str_t            dcid;           /* in the datagram */

    uint64_t             moving_pn;      /* a non-probing 1-RTT packet with
                                            this number or a higher one tells
                                            where the client is: 9.3 */
    quic_cid_t           original_dcid;
    quic_cid_t           retry_scid;     /* len 0: no Retry was sent */
    quic_transport_params_t  peer;       /* the client's parameters */
    uint64_t             grease;         /* fixed bits of packets to come */

    quic_flow_recv_t     flow_in;
    quic_flow_send_t     flow_out;
    quic_streams_t       streams;

    ngx_uint_t           pending;        /* QUIC_PEND_* */

    uint64_t             early_deadline; /* microseconds: 0-RTT keys go */
    quic_early_packet_t  *early;         /* in the order in which they came */
    ngx_uint_t           nearly;

    uint64_t             frame_type;     /* that is being handled */
    quic_bucket_t        idle_frames;    /* QUIC_IDLE_FRAMES */
    quic_bucket_t        moves;          /* QUIC_MOVES */
    quic_close_t         close;

    /* times, microseconds; 0: none */
    uint64_t             started;
    uint64_t             idle_deadline;
    uint64_t             close_deadline;
    uint64_t             linger_deadline;
    uint64_t             ping_deadline;
    uint64_t             pace_deadline;  /* 0: pacing holds nothing back */
    uint64_t             deadline;       /* what ops->timer() was told last */

    unsigned             in_queue:1;
    unsigned             handshake_done:1;   /* complete, so confirmed: 4.1.2 */
    unsigned             established:1;      /* the application has been told */
    unsigned             eliciting_sent:1;   /* since a packet was received:
                                                RFC 9000, 10.1 */
    unsigned             challenged:1;   /* a PATH_CHALLENGE has been sent */
    unsigned             half_open:1;    /* counted in ep->half_open */
    unsigned             keep_alive:1;
    unsigned             app_closed:1;       /* app_ops->closed() was called */
    unsigned             has_params:1;
    unsigned             any_fixed_bit:1;    /* in what the client sends */
    unsigned             opened:1;           /* a packet of the datagram */
};


/* conn */

/* the connection has something to do in the next flush */
void quic_conn_wake(quic_conn_t *c);

typedef struct {
    uint32_t             version;
    quic_keys_t         *client;         /* Initial keys, become c's */
    quic_keys_t         *server;
    ngx_str_t            dcid;           /* of the client's Initial */
    ngx_str_t            scid;
    quic_cid_t           original_dcid;
    quic_cid_t           retry_scid;
    ngx_str_t            token;          /* of NEW_TOKEN: used up by this */
    unsigned             validated:1;    /* by a token */
    unsigned             any_fixed_bit:1;
} quic_accept_t;

/* NULL: no memory, or refused by the upper floor */
quic_conn_t *quic_conn_create(quic_endpoint_t *ep, const quic_conf_t *conf,
    quic_accept_t *accept, quic_datagram_t *dgram, uint64_t now);
void quic_conn_free(quic_conn_t *c);

quic_space_e quic_level_space(quic_level_e level);

/* non-zero when one of the paths goes there */
ngx_uint_t quic_conn_at(quic_conn_t *c, const quic_addr_t *remote);

/* the client has shown that it receives at its address */
void quic_conn_validated(quic_conn_t *c);

/* version */

/*
 * The client's parameters are known: takes the version that it prefers.
 * NGX_OK or NGX_ERROR (memory, or closed).
 */
ngx_int_t quic_version_negotiate(quic_conn_t *c);

/* the keys to open a packet with; NULL: none, or of another version */
quic_keys_t *quic_version_rx(quic_conn_t *c, quic_packet_t *pkt);

/* handshake */

ngx_int_t quic_handshake_init(quic_conn_t *c);

/* CRYPTO bytes that are in order go to TLS */
void quic_handshake_advance(quic_conn_t *c, quic_level_e level);
void quic_handshake_discard(quic_conn_t *c, quic_level_e level);
void quic_handshake_free_keys(quic_conn_t *c, quic_keys_t **keys);

/* the peer's key update has been seen: NGX_OK or NGX_ERROR (closed) */
ngx_int_t quic_handshake_update_keys(quic_conn_t *c, uint64_t pn);

/* a lower number of this phase than so far: NGX_OK or NGX_ERROR (closed) */
ngx_int_t quic_handshake_begin_phase(quic_conn_t *c, uint64_t pn);

/* those of the phase before go when nothing is to come with them any more */
void quic_handshake_expire_keys(quic_conn_t *c, uint64_t now);

/* updates keys by ourselves when it's time: NGX_OK or NGX_ERROR (closed) */
ngx_int_t quic_handshake_renew_keys(quic_conn_t *c, uint64_t now);

/* receive */

/* a datagram for this connection */
void quic_receive_datagram(quic_conn_t *c, quic_datagram_t *dgram,
    uint64_t now);

/*
 * The first datagram: its first packet has been opened by the endpoint, which
 * knows its payload and number.
 */
void quic_receive_first(quic_conn_t *c, quic_datagram_t *dgram,
    quic_packet_t *pkt, uint64_t pn, ngx_str_t *payload, uint64_t now);

/* those of the packets that came early which can be opened now */
void quic_receive_early(quic_conn_t *c, uint64_t now);
void quic_receive_early_free(quic_conn_t *c);

/* frames */

/*
 * All frames of a packet.  NGX_OK; NGX_DECLINED: it's not to be acknowledged, as
 * something in it can't be kept now; NGX_ERROR: the connection is closing.
 * "*flags": QUIC_FRAME_ACK_ELICITING if one of them at least asks for an ACK,
 * QUIC_FRAME_PROBING if all of them are probing frames.
 */
ngx_int_t quic_frames_handle(quic_conn_t *c, quic_level_e level,
    ngx_str_t *payload, ngx_uint_t *flags, uint64_t now);

/* fate */

/* what becomes of frames that were sent: recovery's callbacks */
extern const quic_recovery_ops_t  quic_fate_ops;

/* streams */

void quic_streams_init(quic_conn_t *c);
void quic_streams_done(quic_conn_t *c);

/* the client's parameters are known */
void quic_streams_set_limits(quic_conn_t *c);

/*
 * The stream that a frame of the client is about, opened if it's new.  NGX_OK;
 * NGX_DECLINED: it has ended, the frame is to be ignored; NGX_ERROR: closed.
 * "sends" says for which side the frame is meant: the client's sending one.
 */
ngx_int_t quic_streams_find(quic_conn_t *c, uint64_t id, ngx_uint_t sends,
    quic_stream_t **s);
quic_stream_t *quic_streams_lookup(quic_conn_t *c, uint64_t id);

/* non-zero when some of these bytes haven't come yet, and are wanted */
ngx_uint_t quic_stream_lacks(quic_stream_t *s, uint64_t offset, size_t len);

ngx_int_t quic_stream_receive(quic_stream_t *s, quic_frame_stream_t *f);
ngx_int_t quic_stream_receive_reset(quic_stream_t *s, uint64_t error,
    uint64_t final_size);
void quic_stream_receive_stop(quic_stream_t *s, uint64_t error);
void quic_stream_raise(quic_stream_t *s, uint64_t max);

/* the connection's credit has grown */
void quic_streams_unblock(quic_conn_t *c);

/*
 * Credit is about to be renewed: the windows may grow.  What an operator has
 * allowed from the beginning is never taken back.
 */
void quic_streams_grow(quic_conn_t *c, uint64_t now);
void quic_stream_grow(quic_stream_t *s, uint64_t now);

/* a stream's sending side may have come to its end, or room was made */
void quic_stream_acked(quic_stream_t *s);
void quic_stream_pend(quic_stream_t *s, ngx_uint_t pending);
void quic_stream_schedule(quic_stream_t *s);
void quic_streams_reap(quic_conn_t *c);

/* the offset up to which new bytes may be sent */
uint64_t quic_stream_limit(quic_stream_t *s);

/* cids */

ngx_int_t quic_cids_init(quic_conn_t *c, quic_accept_t *accept);
void quic_cids_done(quic_conn_t *c);

/* the peer's that is in use on a path, which must have one */
quic_cid_t *quic_cids_peers(quic_conn_t *c, const quic_path_t *path);

/*
 * The same, for a packet that is written: from now on the peer may use its
 * reset token (RFC 9000, 10.3.1)
 */
quic_cid_t *quic_cids_send(quic_conn_t *c, const quic_path_t *path);

/* gives a path one that no other uses: NGX_OK, NGX_DECLINED: none is left */
ngx_int_t quic_cids_take(quic_conn_t *c, quic_path_t *path);

/* the path's is retired, unless another path uses it */
void quic_cids_release(quic_conn_t *c, quic_path_t *path);

/* issues as many as the peer wants to have */
void quic_cids_issue(quic_conn_t *c);

/*
 * The one that goes with our preferred address: number 1, so before all others
 * are issued.  NULL: no memory.
 */
quic_cid_t *quic_cids_preferred(quic_conn_t *c);
ngx_int_t quic_cids_receive_new(quic_conn_t *c, quic_frame_new_cid_t *f);
ngx_int_t quic_cids_receive_retire(quic_conn_t *c, uint64_t seq);
quic_our_cid_t *quic_cids_by_seq(quic_conn_t *c, uint64_t seq);
quic_retiring_cid_t *quic_cids_retiring(quic_conn_t *c, uint64_t seq);

/* migrate: RFC 9000, section 9 */

/* a 1-RTT packet has been handled; "probing": it has probing frames alone */
void quic_migrate_received(quic_conn_t *c, uint64_t pn, ngx_uint_t probing,
    uint64_t now);

/* PATH_CHALLENGE, PATH_RESPONSE: NGX_OK or NGX_ERROR (closed) */
ngx_int_t quic_migrate_challenged(quic_conn_t *c, const u_char *data,
    uint64_t now);
ngx_int_t quic_migrate_answered(quic_conn_t *c, const u_char *data,
    uint64_t now);

/* the client won't use that one of our connection IDs any more */
void quic_migrate_retired(quic_conn_t *c, const quic_cid_t *cid);

/*
 * A path beside the active one for which there are frames, and where "room"
 * bytes may be sent at least; or NULL.
 */
quic_path_t *quic_migrate_pending(quic_conn_t *c, size_t room);

uint64_t quic_migrate_deadline(quic_conn_t *c);
void quic_migrate_expire(quic_conn_t *c, uint64_t now);

/* send */

/*
 * Builds datagrams into "buf" as long as there is something to send.  NGX_OK
 * with a batch, NGX_DONE: nothing now.
 */
ngx_int_t quic_send_batch(quic_conn_t *c, u_char *buf, size_t size,
    quic_batch_t *batch, uint64_t now);

/* timers */

uint64_t quic_timers_deadline(quic_conn_t *c, uint64_t now);
void quic_timers_expire(quic_conn_t *c, uint64_t now);

/* a packet was received, resp. an ack-eliciting one sent: 10.1 */
void quic_timers_active(quic_conn_t *c, uint64_t now);

/* close */

/* a datagram came in the closing state */
void quic_close_received(quic_conn_t *c, uint64_t now);

/* CONNECTION_CLOSE came */
void quic_close_peer(quic_conn_t *c, ngx_uint_t app,
    quic_frame_close_t *f, uint64_t now);

/* a stateless reset came */
void quic_close_reset(quic_conn_t *c, uint64_t now);

/* our CONNECTION_CLOSE has been sent */
void quic_close_sent(quic_conn_t *c, uint64_t now);

/* without a word: idle timeout, handshake timeout */
void quic_close_silent(quic_conn_t *c, const char *reason);

/* the application hears of the end, once */
void quic_close_notify(quic_conn_t *c);


#endif /* _QUIC_CONN_INTERNAL_H_INCLUDED_ */
