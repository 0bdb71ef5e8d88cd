
/*
 * The transport against another one's client, in one process and in virtual
 * time: our server (src/quic) and libngtcp2's client exchange datagrams over a
 * simulated link.  A run is one row of the table of scenarios with one seed,
 * from which all chance comes, so that it can be replayed.
 *
 *     main        one run, and the options
 *     jobs        many runs, a process for each
 *     scenarios   the table
 *     report      goodput, next to another server's
 *     random      all randomness and the time of day, both libraries' included
 *     clock       virtual time: what happens when
 *     link        delay, loss, and whatever else befalls datagrams
 *     nat         the addresses of clients
 *     server      the endpoint and an application on it
 *     peer        libngtcp2's server, to be compared with it
 *     client      libngtcp2's client and its application
 *     ngtcp2      what these two share
 *     ticket      what a client keeps for the next
 *     stream      what is sent on a stream, and what became of it
 *     reset       stateless resets of clients
 *     check       what must hold all the time, and at the end
 *
 * There is one run in a process, so its state is global.
 */

#ifndef _SIM_H_INCLUDED_
#define _SIM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_addr.h"
#include "quic/quic_cc.h"
#include "quic/quic_ecn.h"


#define SIM_MS      1000ULL
#define SIM_SEC     1000000ULL
#define SIM_NEVER   UINT64_MAX

/* of a virtual clock it isn't worth anything to be at zero */
#define SIM_START   (1000 * SIM_SEC)

#define SIM_MAX_DATAGRAM  1500
#define SIM_MAX_CLIENTS   64
#define SIM_MAX_INTERFACES  100

/* a handshake at 50 % loss may well take minutes */
#define SIM_PATIENCE  (600 * SIM_SEC)
#define SIM_STALL     (600 * SIM_SEC)

/* less than three PTOs of a usual link, more than two round trips */
#define SIM_CLOSING   (100 * SIM_MS)

/* RFC 9369, and one that the server must not know */
#define SIM_VERSION_1        1
#define SIM_VERSION_2        0x6b3343cf
#define SIM_VERSION_UNKNOWN  0x1a2a3a4a

/* the two directions, of a link and of a stream */
#define SIM_UP      0
#define SIM_DOWN    1


/* what the application does with one direction of its streams */

typedef struct {
    uint64_t     min, max;       /* bytes */
    double       reset;          /* its sender gives up in the middle */
    double       stop;           /* its receiver does */
} sim_flow_t;


/* what a path does to the marks of ECN, besides CE beyond sim_path_t.mark */

typedef enum {
    SIM_ECN_PASSED = 0,
    SIM_ECN_BLEACHED,            /* to Not-ECT */
    SIM_ECN_MANGLED,             /* to ECT(1) */
    SIM_ECN_DROPPED              /* with the datagram */
} sim_ecn_e;


/*
 * One direction of the link.  Where delay, rate or queue is 0 it is that of a
 * round trip of 40 ms at 100 Mbit/s.
 */

typedef struct {
    uint64_t     delay;          /* microseconds */
    uint64_t     jitter;         /* up to so much more; order is kept */
    uint64_t     rate;           /* bytes a second */
    uint64_t     queue;          /* bytes that wait for it */
    uint64_t     mark;           /* beyond so many bytes in it: CE */
    sim_ecn_e    ecn;
    size_t       mtu;            /* larger ones don't pass */
    uint64_t     mtu_after;      /* microseconds from the start: then on */

    /* probability for each datagram */
    double       loss;
    double       duplicate;
    double       corrupt;
    double       reorder;        /* is held back */
    uint64_t     reorder_by;     /* for up to so many microseconds */

    /* a bad state, its beginning, end, and loss in it */
    double       burst_begin, burst_end, burst_loss;

    /* microseconds: passes for "on", then nothing for "off", and so on */
    uint64_t     on, off;

    /* bit n: the n-th datagram is lost, of each client of a sequence */
    uint64_t     drop;
} sim_path_t;


typedef struct sim_server_s  sim_server_t;


typedef enum {
    SIM_ALL_DONE = 0,            /* every stream comes to its planned end */
    SIM_ALL_IDLE,                /* and then there is silence */
    SIM_CLIENT_CLOSES,           /* in the middle */
    SIM_SERVER_CLOSES,
    SIM_SERVER_LEAVES,           /* when all has been acknowledged */
    SIM_CLIENT_VANISHES,         /* falls silent: the server ends it alone */
    SIM_SERVER_RESTARTS,         /* and doesn't know the connection */
    SIM_CLIENT_RESTARTS,         /* the same; until then it sends resets that
                                    aren't good */
    SIM_ANYHOW                   /* but in order */
} sim_end_e;


/* the address validation token with which a client comes */

typedef enum {
    SIM_TOKEN_NONE = 0,
    SIM_TOKEN_NEXT,              /* what the client before it got */
    SIM_TOKEN_SAME,              /* what the first one got */
    SIM_TOKEN_ELSEWHERE          /* made for another address */
} sim_token_e;


/* what becomes of the 0-RTT with which a client follows another */

typedef enum {
    SIM_0RTT_NONE = 0,           /* none is sent */
    SIM_0RTT_TAKEN,
    SIM_0RTT_REFUSED,            /* the session is resumed */
    SIM_0RTT_UNKNOWN             /* the ticket is another server's */
} sim_0rtt_e;


typedef struct {
    const char  *name;
    ngx_uint_t   weight;         /* seeds of 100; 0: as many as asked for */
    ngx_uint_t   any;            /* all else is drawn from the seed */
    ngx_uint_t   plain;          /* nothing is but what befalls datagrams */

    const sim_server_t  *server; /* default: ours */

    /* controllers of the first, third connection ... and of the others;
       default: by chance */
    const char  *cc[2];

    sim_path_t   path[2];
    ngx_uint_t   clients;        /* default 1 */
    uint64_t     apart;          /* microseconds from one to the next */
    double       fair;           /* Jain's index must be as much: of what they
                                    receive while all of them do, and on
                                    average of the seeds, as it depends on
                                    where losses fall in one of them */

    /* streams that a client opens, so many at a time; and the server */
    ngx_uint_t   streams, at_a_time;
    ngx_uint_t   uni_streams;
    ngx_uint_t   server_streams;
    sim_flow_t   flow[2];

    /* of the server: bytes, 0: default */
    uint64_t     stream_window, conn_window, send_buffer;
    ngx_uint_t   max_streams;

    /* of the client */
    uint64_t     client_stream_window, client_window;
    size_t       client_datagram;    /* it takes no larger ones; 0: any */
    uint64_t     key_update;     /* bytes from one to the next; 0: none */
    uint64_t     rebind;         /* microseconds from one to the next change
                                    of its address */
    ngx_uint_t   rebind_early;   /* in the handshake, too */
    ngx_uint_t   rebind_cuts;    /* nothing for an old one arrives */
    ngx_uint_t   rebind_port;    /* its port alone changes */
    uint64_t     migrate;        /* microseconds from one to the next of its
                                    own moves to another interface */
    ngx_uint_t   migrate_cuts;   /* the one before is dead at once */
    ngx_uint_t   migrate_fails;  /* nothing arrives there */
    uint64_t     spoof;          /* microseconds from one to the next of its
                                    datagrams with a changed source */
    ngx_uint_t   pmtud;          /* it looks for the path's MTU */
    uint32_t     version;        /* that it begins with; 0: by chance */
    uint32_t     prefer;         /* that it would rather have: RFC 9368 */

    double       fill[2];        /* the second half of a stream takes so much
                                    of the link's rate at least */
    uint64_t     lie;            /* packets: acknowledged before they come,
                                    once "end_after" bytes have */

    double       slow;           /* probability: a reader takes a pause */
    uint64_t     think;          /* microseconds until a server answers */
    ngx_uint_t   keep_alive;     /* the server does, while it thinks */
    uint64_t     memory;         /* bytes: no more than that at a time */
    uint64_t     no_memory;      /* microseconds: every so often there is no
                                    memory for a while */
    double       early;          /* the server's application is done before */

    uint64_t     server_key_update;  /* microseconds from one time to the next
                                        that its keys are nearly used up */
    size_t       mtu;            /* of the server's datagrams, with headers */
    size_t       server_mtu;     /* it must come to this size, less 1/64 */
    ngx_uint_t   preferred;      /* has a preferred address, */
    ngx_uint_t   preferred_fails;    /* where nothing arrives */
    uint64_t     moves;          /* so many changes of a client's validated
                                    address, or of its own, at least */
    ngx_uint_t   retry;
    sim_token_e  token;          /* clients come one after the other */
    sim_0rtt_e   zero_rtt;       /* likewise */
    uint64_t     at_once;        /* so many streams of 0-RTT, at least, are
                                    there before the handshake is complete */
    ngx_uint_t   chain;          /* certificates of the server, default 1 */

    sim_end_e    end;
    uint64_t     end_after;      /* bytes received by the client */
    uint64_t     error;          /* the server's code */

    quic_ecn_state_e  ecn;       /* what the server finds out about marks;
                                    0: anything */
    ngx_uint_t   lossless;       /* they keep the queue short enough */

    uint64_t     idle;           /* microseconds; 0: SIM_PATIENCE */
    uint64_t     stall;          /* without progress: failed;
                                    0: SIM_STALL */
} sim_scenario_t;


typedef struct {
    const sim_scenario_t  *scenario;
    const sim_server_t    *server;    /* NULL: the scenario's */
    uint64_t               seed;
    ngx_uint_t             trace;
    const char            *cc;        /* of the server; NULL: the scenario's */
    uint64_t               now;
    uint64_t               progress;  /* time of the last */
    ngx_log_t              log;
} sim_t;


/* what a run has to tell */

typedef struct {
    uint64_t     time;           /* microseconds, virtual */
    uint64_t     established;    /* when a client has first completed its
                                    handshake */
    uint64_t     closed;         /* when the server's application has done so */
    uint64_t     last_byte;      /* of a stream, when it was received */
    uint64_t     bytes;          /* of streams, both ways */
    uint64_t     datagrams[2];
    uint64_t     octets[2];      /* of them */
    uint64_t     lost;           /* packets declared lost by the server */
    uint64_t     spurious;
    uint64_t     ce;             /* marks that it was told of */
    uint64_t     wakeups;        /* timers of the server */
    uint64_t     key_updates;    /* begun by the client */
    uint64_t     phases;         /* all of them */
    uint64_t     moves;
    uint64_t     at_once;        /* streams, in 0-RTT */
    size_t       mtu;            /* of the server */
    double       fair;           /* of 0 to 1 */
    uint64_t     digest;         /* of all datagrams and their times */
} sim_result_t;


extern sim_t         sim;
extern sim_result_t  sim_result;

const sim_scenario_t *sim_scenario(ngx_uint_t i);
const sim_scenario_t *sim_any(const sim_scenario_t *row);


/* ends the run */
void sim_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* with time in front, when the run is traced */
void sim_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));


/* one run, in this process: it returns if nothing has failed */
void sim_run(void);


/* jobs */

/* what has become of a scenario */

typedef struct {
    const sim_scenario_t  *scenario;
    uint64_t               seeds;
    ngx_uint_t             twice;        /* the first seed, to compare */
    ngx_uint_t             passed;
    ngx_uint_t             failed;
    sim_result_t           sum;
    sim_result_t          *results;      /* of those that passed, in no order;
                                            malloc */
    uint64_t               digest;       /* of the first seed */
} sim_score_t;

/* runs them all, with the seeds from "seed" on, and tells of failures */
void sim_run_scores(sim_score_t *scores, ngx_uint_t n, uint64_t seed,
    ngx_uint_t jobs);


/* report */

/* like sim_scenario(), of the report's */
const sim_scenario_t *sim_report_scenario(ngx_uint_t i);

/*
 * Prints how fast it is, "only" in rows whose names begin like that, or NULL;
 * non-zero when that isn't fast enough.
 */
ngx_uint_t sim_report(const char *only, uint64_t seeds, uint64_t seed,
    ngx_uint_t jobs);


/* random */

typedef enum {
    SIM_RANDOM_UP = SIM_UP,
    SIM_RANDOM_DOWN = SIM_DOWN,
    SIM_RANDOM_SERVER,
    SIM_RANDOM_CLIENT,
    SIM_RANDOM_STREAMS,
    SIM_RANDOM_LIBRARY,
    SIM_RANDOM_ANY,
    SIM_RANDOMS
} sim_random_e;

/* independent of each other: one more draw here changes nothing there */
void sim_random_init(void);
uint64_t sim_random(sim_random_e which);
void sim_random_bytes(sim_random_e which, u_char *buf, size_t len);

/* [min, max]; non-zero with a probability */
uint64_t sim_random_between(sim_random_e which, uint64_t min, uint64_t max);
ngx_uint_t sim_chance(sim_random_e which, double p);


/* reset */

/* RFC 9000, 10.3: bytes of what can be one, and of what need not be longer */
#define SIM_RESET_MIN  21
#define SIM_RESET_MAX  64

/* a client issues a connection ID with that token */
void sim_reset_note(ngx_uint_t client, const u_char *cid, size_t len,
    const u_char *token);

/*
 * The answer to a datagram for an ID that goes with a token, into "buf" of
 * SIM_RESET_MAX bytes: its length, 0: there is none.
 */
size_t sim_reset_answer(ngx_uint_t client, const u_char *data, size_t len,
    u_char *buf);

/*
 * One that is good for nothing: with a bit wrong, or, as long as the server
 * can't have used one of them, with the token of any ID.
 */
size_t sim_reset_false(ngx_uint_t client, ngx_uint_t used, u_char *buf);


/* clock */

typedef struct sim_event_s  sim_event_t;

struct sim_event_s {
    void       (*handler)(void *data);
    void        *data;
    uint64_t     time;
    uint64_t     number;         /* what is at one time happens in order */
    size_t       place;          /* in the heap, from 1; 0: not there */
};

/* (again) at "time", which may be SIM_NEVER; "ev" is the caller's */
void sim_at(sim_event_t *ev, uint64_t time);
void sim_cancel(sim_event_t *ev);

/* the next one; 0: there is none */
ngx_uint_t sim_step(void);


/* link */

void sim_link_init(void);

/* the datagrams that are to be dropped are counted anew */
void sim_link_recount(void);
void sim_link_send(ngx_uint_t direction, ngx_uint_t client,
    const quic_addr_t *from, const quic_addr_t *to, const u_char *data,
    size_t len, ngx_uint_t ecn);
void sim_link_done(void);
const quic_addr_t *sim_server_addr(void);
const quic_addr_t *sim_server_preferred(void);


/* nat */

/* the address that a client believes to have on an interface */
quic_addr_t sim_nat_local(ngx_uint_t client, ngx_uint_t interface);

/* the one that others see in its next datagram */
quic_addr_t sim_nat_out(ngx_uint_t client, const quic_addr_t *local);

/* the way back: NGX_OK with the interface, NGX_DECLINED: it leads nowhere */
ngx_int_t sim_nat_in(ngx_uint_t client, const quic_addr_t *to,
    ngx_uint_t *interface);

/* a client gets another address; resp. its next datagram does */
void sim_nat_rebind(ngx_uint_t client);
void sim_nat_spoof(ngx_uint_t client);


/* server */

struct sim_server_s {
    void         (*init)(void);
    void         (*receive)(ngx_uint_t client, const quic_addr_t *from,
                            const quic_addr_t *to, u_char *data, size_t len,
                            ngx_uint_t ecn);

    /* loses all connections, without a word; NULL: it can't */
    void         (*restart)(void);
    void         (*done)(void);

    /* connections, resp. streams of them that aren't freed */
    ngx_uint_t   (*conns)(void);
    ngx_uint_t   (*alive)(ngx_uint_t client);
    ngx_uint_t   (*streams)(ngx_uint_t client);
};

/* the one that is tested, and one to compare it with */
extern const sim_server_t  sim_server_quic;
extern const sim_server_t  sim_server_ngtcp2;


/* client */

void sim_client_init(void);
void sim_client_receive(ngx_uint_t client, const quic_addr_t *from,
    const quic_addr_t *to, u_char *data, size_t len, ngx_uint_t ecn);
void sim_client_done(void);

/* the fixed bit may be cleared in what is sent to it: RFC 9287 */
ngx_uint_t sim_client_greases(ngx_uint_t client);

/* non-zero when all clients have come to their end */
ngx_uint_t sim_clients_finished(void);


/* stream */

typedef struct sim_stream_s  sim_stream_t;

/* one direction of it */

typedef struct {
    /* the plan */
    uint64_t     size;
    uint64_t     reset_at;       /* the sender; SIM_NEVER: not */
    uint64_t     stop_at;        /* the receiver */

    /* what became of it */
    uint64_t     sent;           /* given to the transport */
    uint64_t     received;
    uint64_t     half;           /* time at which that was half of it */
    uint64_t     reset_error;    /* received */
    unsigned     absent:1;       /* a unidirectional stream's other one */
    unsigned     finished:1;     /* by its sender */
    unsigned     reset:1;        /* by its sender */
    unsigned     stopped:1;      /* by its receiver */
    unsigned     got_fin:1;
    unsigned     got_reset:1;
    unsigned     got_stop:1;
} sim_way_t;


struct sim_stream_s {
    ngx_queue_t  queue;          /* of its client's */
    ngx_uint_t   client;
    uint64_t     id;
    sim_way_t    way[2];

    void        *server;         /* quic_stream_t, as long as it's ours */
    sim_event_t  server_event;   /* goes on after a pause */
    uint64_t     paused;         /* the server's reader, until then */
    uint64_t     thinks;         /* the server, until then */
    ngx_uint_t   released;
    ngx_uint_t   early;          /* before anything was read or written */

    ngx_uint_t   closed;         /* by the client's library */
    ngx_uint_t   ended;          /* the client waits for nothing more */
    ngx_uint_t   tried;          /* in this round of writing */
    uint64_t     owed;           /* bytes that there is no credit for yet */
};

/* a plan for a stream that is opened */
sim_stream_t *sim_stream_open(ngx_uint_t client, uint64_t id);
sim_stream_t *sim_stream_find(ngx_uint_t client, uint64_t id);
ngx_queue_t *sim_streams(ngx_uint_t client);
void sim_streams_show(void);
void sim_streams_done(void);

/* "*len" bytes at most that belong to a place, in static memory */
const u_char *sim_content(uint64_t id, ngx_uint_t direction, uint64_t offset,
    size_t *len);

/* the receiver's: bytes, the end, a reset; fails the run if they are wrong */
void sim_stream_got(sim_stream_t *s, ngx_uint_t direction, const u_char *data,
    size_t len, ngx_uint_t fin);
void sim_stream_got_reset(sim_stream_t *s, ngx_uint_t direction,
    uint64_t error);

/* application error codes tell who and why */
uint64_t sim_reset_error(sim_stream_t *s, ngx_uint_t direction);
uint64_t sim_stop_error(sim_stream_t *s, ngx_uint_t direction);
uint64_t sim_release_error(sim_stream_t *s);

/* it has come to an end that was planned */
void sim_stream_check(sim_stream_t *s, ngx_uint_t direction);


/* check */

/* what must hold at any time */
void sim_check(void);

/* 3x: datagrams between an address of a client and one of the server */
void sim_check_bytes(ngx_uint_t direction, const quic_addr_t *remote,
    const quic_addr_t *local, size_t len);

void sim_check_done(void);

/* the fixed bit of a datagram of the server's */
void sim_check_fixed_bit(ngx_uint_t client, u_char first);


#endif /* _SIM_H_INCLUDED_ */
