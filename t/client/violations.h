
/*
 * The table of violations: one row for each thing that a server has to check,
 * with what is sent and what has to come back.
 *
 *     violations         runs rows, prints one line for each
 *     violations_frames  every type of frame in every type of packet; what is
 *                        wrong in itself; streams, flow control, limits
 *     violations_packets headers, numbers, keys, connection IDs, datagrams
 *     violations_hello   transport parameters, TLS, versions, tokens
 *     violations_acks    ACK_FREQUENCY, IMMEDIATE_ACK
 *     violations_h3      HTTP/3 and QPACK, as far as they end the connection
 *     violations_messages    requests that aren't, or ask for too much
 */

#ifndef _VIOLATIONS_H_INCLUDED_
#define _VIOLATIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "client.h"


typedef enum {
    OUTCOME_CLOSE,          /* CONNECTION_CLOSE with this error and frame */
    OUTCOME_CLOSE_APP,      /* ... of the application, with this error */
    OUTCOME_ACCEPTED,       /* acknowledged, and the connection goes on */
    OUTCOME_DROPPED,        /* not acknowledged; the connection goes on */
    OUTCOME_DRAINS,         /* not a word from the server from now on */
    OUTCOME_TEXT            /* what row->send() finds */
} outcome_e;


typedef struct violation_s      violation_t;
typedef struct violation_run_s  violation_run_t;


struct violation_s {
    const char          *rfc;           /* section */
    const char          *name;          /* what is sent */
    client_state_e       state;         /* ... when */
    quic_packet_type_e   type;          /* ... in which packet */
    const char          *frames;        /* in hex; NULL: just a handshake */

    outcome_e            outcome;
    uint64_t             error;
    uint64_t             frame_type;
    const char          *text;

    /* changes the packet that is about to be made */
    void               (*shape)(client_t *c, client_packet_t *p);

    /* sends something else; NGX_OK or NGX_ERROR */
    ngx_int_t          (*send)(violation_run_t *r);

    ngx_uint_t           levels;        /* where the close belongs; 0: by the
                                           state and the type of packet */
    const char          *log;           /* OUTCOME_TEXT: a part of the line */
    client_conf_t        conf;          /* port: 1 for the server with Retry */
};


struct violation_run_s {
    const violation_t   *row;
    client_t            *client;
    uint64_t             pn;            /* of the packet in question */
    char                 text[256];     /* OUTCOME_TEXT: what was found */
};


#define CLOSES(error, type)  OUTCOME_CLOSE, error, type, NULL
#define CLOSES_APP(error)    OUTCOME_CLOSE_APP, error, 0, NULL
#define ACCEPTED             OUTCOME_ACCEPTED, 0, 0, NULL
#define DROPPED              OUTCOME_DROPPED, 0, 0, NULL
#define DRAINS               OUTCOME_DRAINS, 0, 0, NULL
#define FINDS(text)          OUTCOME_TEXT, 0, 0, text

#define LEVEL_BIT(level)     (1 << (level))
#define ALL_LEVELS           (LEVEL_BIT(QUIC_LEVEL_INITIAL)                  \
                              |LEVEL_BIT(QUIC_LEVEL_HANDSHAKE)               \
                              |LEVEL_BIT(QUIC_LEVEL_APP))

#define SHAPE(f)             .shape = f
#define SEND(f)              .send = f

/* of rows: when, and in which packet */

#define FIRST                CLIENT_NEW, QUIC_PACKET_INITIAL
#define INITIAL              CLIENT_INITIAL, QUIC_PACKET_INITIAL
#define INITIAL_LATE         CLIENT_HANDSHAKE, QUIC_PACKET_INITIAL
#define HANDSHAKE            CLIENT_HANDSHAKE, QUIC_PACKET_HANDSHAKE
#define EARLY_1RTT           CLIENT_HANDSHAKE, QUIC_PACKET_1RTT
#define ONE_RTT              CLIENT_ESTABLISHED, QUIC_PACKET_1RTT


/* runs a row and prints its line */
void violation_run(const violation_t *row);
void violation_run_all(const violation_t *rows, ngx_uint_t n);

/* what there is to say, in ngx_sprintf()'s formats */
void violation_found(violation_run_t *r, const char *fmt, ...);

/* sends the row's frames with what the row makes of the packet */
ngx_int_t violation_send(violation_run_t *r);

void violations_frames(void);
void violations_packets(void);
void violations_hello(void);
void violations_acks(void);
void violations_h3(void);
void violations_messages(void);


#define VIOLATIONS(rows)                                                     \
    violation_run_all(rows, sizeof(rows) / sizeof(rows[0]))


#endif /* _VIOLATIONS_H_INCLUDED_ */
