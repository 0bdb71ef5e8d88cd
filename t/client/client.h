
/*
 * A QUIC client that can send anything: the handshake goes as far as it is
 * wanted, then packets are made by hand, with any header, number, keys and
 * frames.  What the server answers is noted here, field by field.
 *
 *     client      a connection: socket, TLS, the steps of the handshake
 *     client_in   datagrams -> packets -> what is noted
 *     client_out  frames -> packets -> datagrams
 *     client_h3   field sections, requests, responses
 *
 * Nothing is repeated when it's lost: this is for the loopback interface, or
 * for a server in the same process (t/lib/test_pair.h).
 */

#ifndef _CLIENT_H_INCLUDED_
#define _CLIENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_keys.h"
#include "../lib/test_tls_client.h"
#include "wire/quic_error.h"
#include "wire/quic_frame.h"
#include "wire/quic_transport_params.h"


#define CLIENT_SPACES       3
#define CLIENT_PNS          65536   /* numbers that are remembered of each */
#define CLIENT_CRYPTO       32768   /* bytes of a level */
#define CLIENT_DATAGRAM     65536
#define CLIENT_STREAMS      64      /* of the server's answers */
#define CLIENT_CIDS         8
#define CLIENT_RESPONSES    64

#define CLIENT_TIMEOUT      30000   /* milliseconds, for all that must come */

#define CLIENT_NEXT         UINT64_MAX      /* packet number: the next one */


typedef enum {
    CLIENT_NEW = 0,         /* nothing has been sent */
    CLIENT_INITIAL,         /* half of the ClientHello has been acknowledged */
    CLIENT_HANDSHAKE,       /* the server's flight has come; our Finished, and
                               with it all of our Handshake level, is unsent */
    CLIENT_ESTABLISHED      /* HANDSHAKE_DONE has come */
} client_state_e;


/* zero for all that doesn't matter */

typedef struct {
    int                  port;
    uint32_t             addr;          /* host order: where it sends from */
    uint32_t             version;       /* 0: 1 */
    const char          *params;        /* more transport parameters: hex */
    const char          *credit;        /* in the place of what it gives */
    const char          *server_name;   /* NULL: "localhost" */
    const char          *alpn;
    uint16_t             sigalg;
    test_tls_session_t  *session;       /* to resume; the caller's */
    ngx_str_t            token;         /* of NEW_TOKEN */
    unsigned             early:1;       /* 0-RTT, if the session allows it */
    unsigned             only_params:1; /* no others than those */
    unsigned             no_params:1;   /* not even the extension */
    unsigned             empty_scid:1;
    unsigned             no_ack:1;      /* 1-RTT packets are left without, and
                                           so are challenges */
    unsigned             trace:1;

    /*
     * Instead of a socket: takes a datagram to the server; lets the server
     * work, and time pass, until it has handed some to client_datagram(), and
     * returns how many; 0: nothing more is to come.
     */
    void               (*send)(void *data, const u_char *buf, size_t len);
    ngx_uint_t         (*turn)(void *data);
    void                *data;
} client_conf_t;


/* a packet to be made; client_packet() fills it in */

typedef struct {
    quic_packet_type_e   type;
    uint32_t             version;
    quic_cid_t           dcid;
    quic_cid_t           scid;
    ngx_str_t            token;
    uint64_t             pn;
    size_t               pn_len;
    size_t               size;          /* PADDING up to that many bytes */
    size_t               tail;          /* zeroes behind the packet as well */
    unsigned             pad_first:1;   /* PADDING comes before the frames */
    quic_keys_t         *keys;
    unsigned             key_phase:1;
    unsigned             spin:1;
    u_char               flip;          /* bits of the first byte */
    u_char               spoil;         /* bits of the sealed last byte */
    int                  lie;           /* added to the Length field */
} client_packet_t;


/* a CONNECTION_CLOSE */

typedef struct {
    ngx_uint_t           n;             /* how many have come */
    ngx_uint_t           datagrams;     /* ... in so many datagrams */
    ngx_uint_t           levels;        /* bits: 1 << level */
    ngx_uint_t           app;
    uint64_t             error;
    uint64_t             frame_type;
    char                 reason[256];
} client_close_t;


typedef struct {
    uint64_t             id;
    uint64_t             received;      /* bytes, in order */
    uint64_t             sent;          /* by client_send_stream() */
    u_char               head[4096];    /* the first that were received */
    unsigned             fin:1;
    unsigned             reset:1;
    unsigned             stopped:1;     /* STOP_SENDING */
    uint64_t             error;         /* of these two, the later one */
    uint64_t             reset_error;
    uint64_t             stop_error;
    uint64_t             final_size;    /* of RESET_STREAM */
    uint64_t             max;           /* MAX_STREAM_DATA */
} client_stream_t;


typedef struct {
    uint64_t             next_pn;
    uint64_t             largest;       /* received, UINT64_MAX: none */
    u_char               received[CLIENT_PNS];
    u_char               acked[CLIENT_PNS];
    uint64_t             largest_acked;
    uint64_t             ack_ranges;    /* of the last ACK that came */
    unsigned             ack_due:1;
} client_space_t;


typedef struct {
    u_char               in[CLIENT_CRYPTO];
    u_char               have[CLIENT_CRYPTO];
    size_t               read;          /* TLS has got */
    u_char               out[CLIENT_CRYPTO];
    size_t               len;
    size_t               sent;
} client_crypto_t;


typedef struct {
    client_conf_t        conf;
    int                  fd;
    uint32_t             version;
    quic_cid_t           odcid;         /* of the first packet */
    quic_cid_t           dcid;
    quic_cid_t           scid;
    quic_cid_t           retry_scid;
    ngx_str_t            token;         /* of a Retry packet */
    u_char               token_data[256];

    test_tls_client_t   *tls;
    quic_keys_t          tx[QUIC_LEVELS];
    quic_keys_t          rx[QUIC_LEVELS];
    quic_keys_t          next_rx;       /* of the next key phase */
    unsigned             phase_tx:1;
    unsigned             phase_rx:1;

    client_space_t       space[CLIENT_SPACES];
    client_crypto_t      crypto[QUIC_LEVELS];

    u_char               out[CLIENT_DATAGRAM];      /* being made */
    size_t               out_len;

    /* what has come */
    uint64_t             sent_bytes;
    uint64_t             received_bytes;
    uint64_t             datagrams;
    size_t               last_size;     /* of the last datagram, bytes */
    size_t               least_initial; /* ... of those with Initial CRYPTO */
    ngx_uint_t           packets[QUIC_PACKET_UNKNOWN_VERSION + 1];
    ngx_uint_t           frames[256];   /* by type */
    size_t               frame_size[256];    /* datagram of the last one */
    ngx_uint_t           unopened;
    ngx_uint_t           resets;        /* stateless ones */
    ngx_str_t            vn;            /* Version Negotiation: in vn_data */
    u_char               vn_data[256];
    quic_cid_t           vn_dcid;       /* 20 bytes of them at most */
    quic_cid_t           vn_scid;
    quic_cid_t           used;          /* of ours, by the last packet */
    quic_transport_params_t  peer;
    client_close_t       close;
    client_stream_t      streams[CLIENT_STREAMS];
    ngx_uint_t           nstreams;
    u_char               new_token[256];            /* NEW_TOKEN */
    size_t               new_token_len;
    quic_frame_new_cid_t cids[CLIENT_CIDS];         /* NEW_CONNECTION_ID */
    ngx_uint_t           ncids;
    uint64_t             retired;       /* bits: RETIRE_CONNECTION_ID */
    u_char               path_response[8];
    u_char               path_responses[CLIENT_RESPONSES][8];
    ngx_uint_t           path_repeated; /* that were among these already */
    u_char               challenge[8];
    uint64_t             max_data;
    uint64_t             max_streams_bidi;
    uint64_t             next_request;  /* stream ID */
    uint64_t             want;          /* what client_wait() is for */

    unsigned             shown:1;       /* that we are at our address: by a
                                           Handshake packet, or a token */
    unsigned             has_peer:1;
    unsigned             hold:1;        /* nothing but Initials is sent by
                                           itself */
    unsigned             retried:1;
    unsigned             challenged:1;  /* PATH_RESPONSE is to be sent */
    unsigned             failed:1;      /* by what the server has sent */
} client_t;


/* Connections.  Whoever makes one runs it, and frees it. */

/* NULL, with a message to stderr: no socket, no memory */
client_t *client_create(const client_conf_t *conf);
void client_free(client_t *c);

/* NGX_OK or NGX_ERROR: it doesn't get there */
ngx_int_t client_connect(client_t *c, client_state_e state);

/* from CLIENT_HANDSHAKE on: sends Finished */
ngx_int_t client_finish(client_t *c);

/* another socket, so another port; the old one is closed */
ngx_int_t client_rebind(client_t *c, uint32_t addr);

/* reads and answers until done(c) or for that many milliseconds; NGX_AGAIN */
ngx_int_t client_wait(client_t *c, ngx_uint_t (*done)(client_t *c),
    ngx_msec_t timeout);

/* reads and answers what has come by now */
void client_read(client_t *c);

/* some conditions */
ngx_uint_t client_is_closed(client_t *c);
ngx_uint_t client_never(client_t *c);
ngx_uint_t client_is_answered(client_t *c);     /* stream c->want has ended */

/* a PING is acknowledged: NGX_OK; NGX_DECLINED: closed; NGX_ERROR: silence */
ngx_int_t client_ping(client_t *c);

/* sends a GET for a short path, on the stream c->want: NGX_OK or NGX_ERROR */
ngx_int_t client_get(client_t *c, const char *path);
ngx_int_t client_get_in(client_t *c, quic_packet_type_e type,
    const char *path);

/* the whole ClientHello; client_connect() goes on from there */
ngx_int_t client_send_hello(client_t *c);

/* ... for /, and it's answered with 200: NGX_OK, NGX_DECLINED, NGX_ERROR */
ngx_int_t client_request(client_t *c);

/*
 * The server is as it should be: brings the handshake to its end if it isn't
 * there, and makes a request.
 */
ngx_int_t client_goes_on(client_t *c);

client_stream_t *client_stream(client_t *c, uint64_t id);
ngx_uint_t client_is_200(client_stream_t *s);


/* client_h3 */

/* the next bytes of a stream, in as many packets as it takes */
ngx_int_t client_send_stream(client_t *c, uint64_t id, const u_char *data,
    size_t len, ngx_uint_t fin);

u_char *client_write_frame(u_char *p, uint64_t type, const u_char *payload,
    size_t len);

/*
 * A field section of "name: value\n" lines, literals only, up to the end of
 * the text or a "|".
 */
u_char *client_write_section(u_char *p, const char *fields);


typedef struct {
    ngx_uint_t           status;        /* the last one */
    ngx_uint_t           sections;      /* HEADERS frames */
    uint64_t             content;       /* bytes */
    char                 fields[2048];  /* "name: value\n" */
    unsigned             whole:1;       /* it ends where a frame ends */
} client_response_t;


/* what a stream's first bytes say */
void client_read_response(client_stream_t *s, client_response_t *r);


/* client_in */

void client_datagram(client_t *c, u_char *data, size_t len);

/* client_out */

extern const quic_level_e  client_level[];      /* of a packet type */
ngx_uint_t client_space(quic_level_e level);

/* what stands for a connection's next packet of a type */
void client_packet(client_t *c, client_packet_t *p, quic_packet_type_e type);

/* puts the sealed packet behind those that are in c->out already */
ngx_int_t client_add(client_t *c, client_packet_t *p, const u_char *frames,
    size_t len);

/* sends c->out as one datagram */
void client_flush(client_t *c);
void client_send_raw(client_t *c, const u_char *data, size_t len);

/* one packet, as it should be, with these frames, as a datagram */
ngx_int_t client_send(client_t *c, quic_packet_type_e type,
    const u_char *frames, size_t len);

/* the same of frames in hex */
ngx_int_t client_send_hex(client_t *c, quic_packet_type_e type,
    const char *hex);

/* CRYPTO bytes of a level from an offset, in as many datagrams as it takes */
ngx_int_t client_send_crypto(client_t *c, quic_level_e level, size_t from,
    size_t to);

/* ACKs that are due, and a PATH_RESPONSE, as datagrams */
void client_answer(client_t *c);

u_char *client_write_crypto(u_char *p, uint64_t offset, const u_char *data,
    size_t len);

/* the next key phase, for what we send: NGX_OK or NGX_ERROR */
ngx_int_t client_update_keys(client_t *c);

/*
 * Bytes from a text: "0a 04 01 61", "00*16" for sixteen zeroes, "#4" and more
 * digits for a varint of this decimal value.  Returns how many.
 */
size_t client_hex(u_char *p, const char *text);


#endif /* _CLIENT_H_INCLUDED_ */
