
/* The table of scenarios. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim.h"


#define KB  1024ULL
#define MB  (1024 * KB)


/* both directions of the link alike; what isn't said is the default's */
#define SIM_LINKS(...)  { { __VA_ARGS__ }, { __VA_ARGS__ } }

#define SIM_BYTES(n)  { .min = (n), .max = (n) }

#define SIM_DOWNLOAD(n)  .streams = 1, .flow = { SIM_BYTES(100), SIM_BYTES(n) }
#define SIM_UPLOAD(n)    .streams = 1, .flow = { SIM_BYTES(n), SIM_BYTES(100) }

/* many streams both ways, of all sizes */
#define SIM_MIX                                                               \
    .streams = 60, .at_a_time = 20, .uni_streams = 14, .server_streams = 10,  \
    .flow = { { .min = 0, .max = 60 * KB }, { .min = 0, .max = 100 * KB } }

/* the same, and both sides lose interest in some */
#define SIM_QUARREL                                                           \
    .streams = 120, .at_a_time = 30, .uni_streams = 14, .server_streams = 10, \
    .flow = { { .min = 0, .max = 60 * KB, .reset = 0.2, .stop = 0.2 },        \
              { .min = 0, .max = 100 * KB, .reset = 0.2, .stop = 0.2 } },     \
    .early = 0.1

/* a link of 20 Mbit/s and 40 ms, whose queue is as much again */
#define SIM_SHARE(one, two)                                                   \
    .path = SIM_LINKS( .rate = 2500000, .queue = 100000 ), .clients = 2,      \
    .apart = 2 * SIM_SEC, .cc = { one, two }, .fair = 0.85,                   \
    SIM_DOWNLOAD(30 * MB), .weight = 40

/* packets get lost in bursts of 8 on average, 2 % of all */
#define SIM_BURSTS  .burst_begin = 0.003, .burst_end = 0.125, .burst_loss = 0.9


static const sim_scenario_t  sim_scenarios[] = {

    /* the handshake */

    { .name = "handshake",
      .clients = 1 },

    { .name = "handshake-loss-30",
      .path = SIM_LINKS( .loss = 0.3 ), SIM_DOWNLOAD(2 * KB) },

    { .name = "handshake-corrupt-30",
      .path = SIM_LINKS( .corrupt = 0.3 ), SIM_DOWNLOAD(2 * KB) },

    { .name = "handshake-reorder",
      .path = SIM_LINKS( .reorder = 0.5, .reorder_by = 60 * SIM_MS ),
      SIM_DOWNLOAD(2 * KB) },

    { .name = "handshake-duplicate",
      .path = SIM_LINKS( .duplicate = 0.5, .reorder = 0.3,
                         .reorder_by = 60 * SIM_MS ),
      SIM_DOWNLOAD(2 * KB) },

    { .name = "version",
      .path = SIM_LINKS( .loss = 0.3 ),
      .version = SIM_VERSION_UNKNOWN, .end = SIM_ANYHOW },

    { .name = "version-2",
      .path = SIM_LINKS( .loss = 0.1 ), .version = SIM_VERSION_2,
      SIM_DOWNLOAD(100 * KB) },

    { .name = "version-1-to-2",
      .path = SIM_LINKS( .loss = 0.1 ), .version = SIM_VERSION_1,
      .prefer = SIM_VERSION_2, SIM_DOWNLOAD(100 * KB) },

    { .name = "version-2-to-1",
      .path = SIM_LINKS( .loss = 0.1 ), .version = SIM_VERSION_2,
      .prefer = SIM_VERSION_1, SIM_DOWNLOAD(100 * KB) },

    { .name = "retry",
      .retry = 1, SIM_DOWNLOAD(2 * KB) },

    { .name = "retry-loss-30",
      .path = SIM_LINKS( .loss = 0.3 ), .retry = 1, SIM_DOWNLOAD(2 * KB) },

    /* its address is not the one that the token was made for */

    { .name = "retry-rebind",
      .path = SIM_LINKS( .jitter = 0 ), .retry = 1, SIM_DOWNLOAD(2 * KB),
      .rebind = 30 * SIM_MS, .rebind_early = 1,
      .end = SIM_SERVER_CLOSES, .error = 0x0b },

    /* certificates of 6 KB wait for the client to validate its address */

    { .name = "chain",
      .chain = 16, SIM_DOWNLOAD(2 * KB) },

    { .name = "chain-client-lost",
      .path = { [SIM_UP] = { .drop = 0x0e } },
      .chain = 16, SIM_DOWNLOAD(2 * KB) },

    { .name = "chain-server-lost",
      .path = { [SIM_DOWN] = { .drop = 0x07 } },
      .chain = 16, SIM_DOWNLOAD(2 * KB) },

    { .name = "chain-loss-20",
      .path = SIM_LINKS( .loss = 0.2 ), .chain = 16, SIM_DOWNLOAD(2 * KB) },

    { .name = "retry-crowd",
      .path = SIM_LINKS( .loss = 0.1, .duplicate = 0.1, .reorder = 0.1,
                         .reorder_by = 100 * SIM_MS ),
      .clients = 10, .retry = 1, .chain = 4, SIM_DOWNLOAD(2 * KB) },

    /* who brings a token isn't asked for one */

    { .name = "token",
      .clients = 4, .token = SIM_TOKEN_NEXT, .retry = 1, .chain = 16,
      SIM_DOWNLOAD(2 * KB) },

    { .name = "token-loss-20",
      .path = SIM_LINKS( .loss = 0.2, .duplicate = 0.1 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .retry = 1,
      SIM_DOWNLOAD(2 * KB) },

    { .name = "token-same",
      .clients = 4, .token = SIM_TOKEN_SAME, .retry = 1,
      SIM_DOWNLOAD(2 * KB) },

    { .name = "token-elsewhere",
      .clients = 4, .token = SIM_TOKEN_ELSEWHERE, .retry = 1,
      SIM_DOWNLOAD(2 * KB) },

    /* who comes back begins with 0-RTT */

    { .name = "0rtt",
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      .at_once = 3, SIM_DOWNLOAD(100 * KB) },

    { .name = "0rtt-upload",
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      .at_once = 3, SIM_UPLOAD(40 * KB) },

    { .name = "0rtt-mix",
      .path = SIM_LINKS( .loss = 0.02 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_MIX, .weight = 40 },

    { .name = "0rtt-loss-10",
      .path = SIM_LINKS( .loss = 0.1 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    { .name = "0rtt-loss-30",
      .path = SIM_LINKS( .loss = 0.3 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    { .name = "0rtt-reorder",
      .path = SIM_LINKS( .reorder = 0.5, .reorder_by = 60 * SIM_MS,
                         .duplicate = 0.3 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      .at_once = 1, SIM_UPLOAD(20 * KB) },

    { .name = "0rtt-corrupt-20",
      .path = SIM_LINKS( .corrupt = 0.2 ),
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    /* the ClientHello is lost, and all but it */

    { .name = "0rtt-hello-lost",
      .path = { [SIM_UP] = { .drop = 0x01 } },
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    { .name = "0rtt-rest-lost",
      .path = { [SIM_UP] = { .drop = 0x1e } },
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    { .name = "0rtt-answer-lost",
      .path = { [SIM_DOWN] = { .drop = 0x07 } },
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_TAKEN,
      .at_once = 3, SIM_DOWNLOAD(20 * KB) },

    /* nobody knows whether the client is there: three times what came */

    { .name = "0rtt-no-token",
      .clients = 4, .zero_rtt = SIM_0RTT_TAKEN, SIM_DOWNLOAD(100 * KB) },

    { .name = "0rtt-no-token-loss-30",
      .path = SIM_LINKS( .loss = 0.3 ),
      .clients = 4, .zero_rtt = SIM_0RTT_TAKEN, SIM_MIX, .weight = 20 },

    { .name = "0rtt-retry",
      .path = SIM_LINKS( .loss = 0.1 ),
      .clients = 4, .retry = 1, .zero_rtt = SIM_0RTT_TAKEN,
      SIM_UPLOAD(20 * KB) },

    /*
     * What was sent comes again.  It's less than a window: the library doesn't
     * send its Finished as long as that is full of what nobody will acknowledge.
     */

    { .name = "0rtt-refused",
      .clients = 4, .token = SIM_TOKEN_NEXT, .zero_rtt = SIM_0RTT_REFUSED,
      SIM_MIX, .weight = 40 },

    { .name = "0rtt-refused-loss-30",
      .path = SIM_LINKS( .loss = 0.3 ),
      .clients = 4, .zero_rtt = SIM_0RTT_REFUSED, SIM_UPLOAD(4 * KB) },

    { .name = "0rtt-refused-reorder",
      .path = SIM_LINKS( .reorder = 0.5, .reorder_by = 60 * SIM_MS,
                         .duplicate = 0.3 ),
      .clients = 4, .zero_rtt = SIM_0RTT_REFUSED, SIM_UPLOAD(20 * KB) },

    /* and there are certificates of 6 KB to be sent */

    { .name = "0rtt-unknown",
      .clients = 4, .chain = 16, .zero_rtt = SIM_0RTT_UNKNOWN,
      SIM_UPLOAD(20 * KB) },

    /*
     * GnuTLS can't acknowledge Handshake packets here before it has them all:
     * probes have to bring the rest of them.
     */

    { .name = "0rtt-unknown-loss-10",
      .path = SIM_LINKS( .loss = 0.1 ),
      .clients = 4, .chain = 8, .zero_rtt = SIM_0RTT_UNKNOWN,
      SIM_UPLOAD(4 * KB) },

    { .name = "crowd",
      .path = SIM_LINKS( .loss = 0.05 ), .clients = 8, SIM_MIX,
      .weight = 20 },

    /* downloads */

    { .name = "download",
      SIM_DOWNLOAD(1 * MB) },

    { .name = "download-10",
      SIM_DOWNLOAD(10 * MB), .weight = 20 },

    { .name = "download-loss-0.1",
      .path = SIM_LINKS( .loss = 0.001 ), SIM_DOWNLOAD(10 * MB),
      .weight = 20 },

    { .name = "download-loss-1",
      .path = SIM_LINKS( .loss = 0.01 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-loss-2",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-loss-5",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-loss-20",
      .path = SIM_LINKS( .loss = 0.2 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-burst",
      .path = SIM_LINKS( SIM_BURSTS ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-reorder",
      .path = SIM_LINKS( .reorder = 0.1, .reorder_by = 10 * SIM_MS ),
      SIM_DOWNLOAD(1 * MB) },

    { .name = "download-reorder-far",
      .path = SIM_LINKS( .reorder = 0.05, .reorder_by = 200 * SIM_MS ),
      SIM_DOWNLOAD(1 * MB) },

    { .name = "download-duplicate",
      .path = SIM_LINKS( .duplicate = 0.3 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-corrupt-5",
      .path = SIM_LINKS( .corrupt = 0.05 ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-jitter",
      .path = SIM_LINKS( .jitter = 30 * SIM_MS ), SIM_DOWNLOAD(1 * MB) },

    { .name = "download-satellite",
      .path = SIM_LINKS( .delay = 375 * SIM_MS, .queue = 10 * MB ),
      SIM_DOWNLOAD(5 * MB), .weight = 40 },

    { .name = "download-satellite-loss",
      .path = SIM_LINKS( .delay = 375 * SIM_MS, .loss = 0.01 ),
      SIM_DOWNLOAD(1 * MB) },

    { .name = "download-on-off",
      .path = SIM_LINKS( .rate = 250000, .queue = 60 * KB, .on = 5 * SIM_SEC,
                         .off = 2 * SIM_SEC ),
      SIM_DOWNLOAD(4 * MB), .weight = 40 },

    { .name = "download-modem",
      .path = SIM_LINKS( .delay = 100 * SIM_MS, .rate = 7000,
                         .queue = 20 * KB ),
      SIM_DOWNLOAD(200 * KB) },

    { .name = "download-short-queue",
      .path = SIM_LINKS( .queue = 20 * KB ),
      SIM_DOWNLOAD(2 * MB) },

    { .name = "download-ecn",
      .path = SIM_LINKS( .mark = 60 * KB ), SIM_DOWNLOAD(4 * MB),
      .lossless = 1, .ecn = QUIC_ECN_CAPABLE },

    { .name = "download-ecn-loss",
      .path = SIM_LINKS( .mark = 30 * KB, .loss = 0.001, .reorder = 0.01,
                         .reorder_by = 30 * SIM_MS ),
      SIM_DOWNLOAD(4 * MB), .ecn = QUIC_ECN_CAPABLE },

    { .name = "download-ecn-bleached",
      .path = { [SIM_DOWN] = { .ecn = SIM_ECN_BLEACHED } },
      SIM_DOWNLOAD(1 * MB), .ecn = QUIC_ECN_FAILED },

    { .name = "download-ecn-mangled",
      .path = { [SIM_DOWN] = { .ecn = SIM_ECN_MANGLED } },
      SIM_DOWNLOAD(1 * MB), .ecn = QUIC_ECN_FAILED },

    /* nothing arrives before the first probe timeout */

    { .name = "download-ecn-dropped",
      .path = { [SIM_DOWN] = { .ecn = SIM_ECN_DROPPED } },
      SIM_DOWNLOAD(1 * MB), .stall = 10 * SIM_SEC, .ecn = QUIC_ECN_UNKNOWN },

    { .name = "download-fast",
      .path = SIM_LINKS( .delay = 500, .rate = 125000000, .queue = 250 * KB ),
      SIM_DOWNLOAD(10 * MB), .weight = 20 },

    { .name = "download-acks-lost",
      .path = { [SIM_UP] = { .loss = 0.5 } },
      SIM_DOWNLOAD(1 * MB) },

    { .name = "download-small-windows",
      .path = SIM_LINKS( .loss = 0.01 ),
      .client_stream_window = 3000, .client_window = 5000,
      SIM_DOWNLOAD(200 * KB) },

    { .name = "download-key-update",
      .path = SIM_LINKS( .loss = 0.02, .reorder = 0.02,
                         .reorder_by = 30 * SIM_MS ),
      .key_update = 50 * KB, SIM_DOWNLOAD(1 * MB) },

    { .name = "download-rebind",
      .rebind = 300 * SIM_MS, SIM_DOWNLOAD(4 * MB),
      .weight = 40 },

    { .name = "download-pmtud",
      .path = SIM_LINKS( .mtu = 1400 ), .pmtud = 1, SIM_DOWNLOAD(1 * MB) },

    /* the server's search for the path's MTU */

    { .name = "download-mtu",
      SIM_DOWNLOAD(1 * MB), .server_mtu = 1452 },

    { .name = "download-mtu-of-client",
      SIM_DOWNLOAD(1 * MB), .client_datagram = 1350, .server_mtu = 1350 },

    { .name = "download-mtu-1400",
      .path = SIM_LINKS( .mtu = 1400 ), SIM_DOWNLOAD(1 * MB),
      .server_mtu = 1400 },

    { .name = "download-mtu-loss-5",
      .path = SIM_LINKS( .mtu = 1400, .loss = 0.05 ), SIM_DOWNLOAD(2 * MB),
      .server_mtu = 1400 },

    { .name = "download-mtu-shrinks",
      .path = { [SIM_DOWN] = { .mtu = 1300, .mtu_after = SIM_SEC,
                               .rate = 250 * KB } },
      SIM_DOWNLOAD(1 * MB), .server_mtu = 1300 },

    { .name = "download-mtu-shrinks-loss",
      .path = { [SIM_DOWN] = { .mtu = 1300, .mtu_after = SIM_SEC,
                               .rate = 250 * KB, .loss = 0.02 } },
      SIM_DOWNLOAD(1 * MB), .server_mtu = 1300 },

    { .name = "streams-mtu-shrinks",
      .path = { [SIM_DOWN] = { .mtu = 1200, .mtu_after = SIM_SEC / 2,
                               .rate = 250 * KB } },
      .streams = 300, .at_a_time = 10, .flow = { SIM_BYTES(100),
                                                 SIM_BYTES(4 * KB) },
      .server_mtu = 1200 },

    /* paths */

    /* what comes from elsewhere is no reason to send more: it may time out */

    { .name = "rebind-early",
      .path = SIM_LINKS( .loss = 0.1 ), .chain = 8, .rebind = 15 * SIM_MS,
      .rebind_early = 1, SIM_DOWNLOAD(20 * KB), .end = SIM_ANYHOW,
      .idle = 10 * SIM_SEC },

    { .name = "rebind-5s",
      .path = SIM_LINKS( .rate = 500000 ), .rebind = 5 * SIM_SEC,
      .rebind_cuts = 1, SIM_DOWNLOAD(10 * MB), .moves = 3, .weight = 20 },

    { .name = "rebind-port",
      .path = SIM_LINKS( .rate = 500000 ), .rebind = SIM_SEC,
      .rebind_cuts = 1, .rebind_port = 1, SIM_DOWNLOAD(4 * MB), .moves = 5,
      .weight = 40 },

    { .name = "rebind-loss",
      .path = SIM_LINKS( .loss = 0.1, .rate = 250000 ), .rebind = SIM_SEC,
      .rebind_cuts = 1, SIM_DOWNLOAD(1 * MB), .moves = 1 },

    { .name = "rebind-often",
      .rebind = 30 * SIM_MS, SIM_DOWNLOAD(100 * KB) },

    { .name = "rebind-upload",
      .path = SIM_LINKS( .rate = 500000, .loss = 0.01 ), .rebind = SIM_SEC,
      .rebind_cuts = 1, SIM_UPLOAD(2 * MB), .moves = 3 },

    { .name = "rebind-mix",
      .path = SIM_LINKS( .rate = 100000, .loss = 0.02 ), .clients = 3,
      SIM_MIX, .rebind = 2 * SIM_SEC, .rebind_cuts = 1, .moves = 5,
      .weight = 40 },

    { .name = "migrate",
      .path = SIM_LINKS( .rate = 500000 ), .migrate = SIM_SEC,
      SIM_DOWNLOAD(4 * MB), .moves = 3, .weight = 40 },

    { .name = "migrate-cuts",
      .path = SIM_LINKS( .rate = 500000 ), .migrate = 3 * SIM_SEC,
      .migrate_cuts = 1, SIM_DOWNLOAD(6 * MB), .moves = 2, .weight = 40 },

    { .name = "migrate-loss",
      .path = SIM_LINKS( .loss = 0.1, .rate = 500000 ), .migrate = SIM_SEC,
      SIM_DOWNLOAD(1 * MB), .moves = 1 },

    { .name = "migrate-upload",
      .path = SIM_LINKS( .loss = 0.02, .rate = 500000 ), .migrate = SIM_SEC,
      SIM_UPLOAD(2 * MB), .moves = 2 },

    { .name = "migrate-rebind",
      .path = SIM_LINKS( .loss = 0.02, .rate = 500000 ), .migrate = SIM_SEC,
      .rebind = 700 * SIM_MS, SIM_DOWNLOAD(2 * MB), .moves = 3 },

    { .name = "migrate-fails",
      .path = SIM_LINKS( .rate = 500000 ), .migrate = SIM_SEC,
      .migrate_fails = 1, SIM_DOWNLOAD(4 * MB), .weight = 40 },

    { .name = "spoof",
      .path = SIM_LINKS( .rate = 500000 ), .spoof = 300 * SIM_MS,
      SIM_DOWNLOAD(2 * MB) },

    { .name = "spoof-loss",
      .path = SIM_LINKS( .loss = 0.05 ), .spoof = 50 * SIM_MS,
      SIM_DOWNLOAD(500 * KB) },

    { .name = "spoof-mix",
      .path = SIM_LINKS( .loss = 0.02 ), .spoof = 100 * SIM_MS, SIM_MIX,
      .think = 500 * SIM_MS },

    { .name = "preferred",
      .preferred = 1, SIM_DOWNLOAD(1 * MB), .moves = 1 },

    { .name = "preferred-loss",
      .path = SIM_LINKS( .loss = 0.1 ), .preferred = 1, SIM_DOWNLOAD(1 * MB) },

    { .name = "preferred-fails",
      .preferred = 1, .preferred_fails = 1, SIM_DOWNLOAD(1 * MB) },

    { .name = "preferred-rebind",
      .path = SIM_LINKS( .rate = 500000 ), .preferred = 1,
      .rebind = SIM_SEC, .rebind_cuts = 1, SIM_DOWNLOAD(2 * MB), .moves = 3 },

    { .name = "preferred-migrate",
      .path = SIM_LINKS( .rate = 500000 ), .preferred = 1,
      .migrate = SIM_SEC, SIM_DOWNLOAD(2 * MB), .moves = 2 },

    /* uploads */

    { .name = "upload",
      SIM_UPLOAD(1 * MB) },

    { .name = "upload-10",
      SIM_UPLOAD(10 * MB), .stream_window = 1 * MB,
      .conn_window = 2 * MB, .weight = 20 },

    /* windows grow until they aren't what limits a sender */

    { .name = "upload-100",
      .path = SIM_LINKS( .rate = 125 * MB, .queue = 16 * MB ),
      SIM_UPLOAD(100 * MB), .fill = { 0.9 }, .weight = 1 },

    { .name = "upload-fills",
      .path = SIM_LINKS( .rate = 25 * MB, .queue = 2 * MB ),
      SIM_UPLOAD(20 * MB), .fill = { 0.9 }, .weight = 10 },

    /* a slow start that ends with half of a large window lost */

    { .name = "upload-overshoots",
      .path = SIM_LINKS( .delay = 50 * SIM_MS, .rate = 125 * MB,
                         .queue = 100 * KB ),
      SIM_UPLOAD(60 * MB), .stream_window = 16 * MB, .conn_window = 24 * MB,
      .weight = 2 },

    /* but not for a reader that has too much already */

    { .name = "upload-slow-reader-4",
      .slow = 0.2, SIM_UPLOAD(4 * MB), .memory = 400 * KB, .weight = 20 },

    { .name = "upload-loss-5",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_UPLOAD(1 * MB) },

    { .name = "upload-loss-20",
      .path = SIM_LINKS( .loss = 0.2 ), SIM_UPLOAD(300 * KB) },

    { .name = "upload-reorder",
      .path = SIM_LINKS( .reorder = 0.1, .reorder_by = 20 * SIM_MS ),
      SIM_UPLOAD(1 * MB) },

    { .name = "upload-slow-reader",
      .slow = 0.05, SIM_UPLOAD(500 * KB) },

    { .name = "upload-small-windows",
      .path = SIM_LINKS( .loss = 0.01 ), .stream_window = 3000,
      .conn_window = 5000, SIM_UPLOAD(200 * KB) },

    { .name = "upload-key-update",
      .path = SIM_LINKS( .loss = 0.02 ), .key_update = 20 * KB,
      SIM_UPLOAD(500 * KB) },

    { .name = "both-key-update",
      .path = SIM_LINKS( .loss = 0.02 ), .key_update = 50 * KB,
      .streams = 2, .flow = { SIM_BYTES(500 * KB), SIM_BYTES(500 * KB) } },

    { .name = "both-key-updates",
      .path = SIM_LINKS( .loss = 0.02, .reorder = 0.02,
                         .reorder_by = 30 * SIM_MS ),
      .key_update = 50 * KB, .server_key_update = 200 * SIM_MS,
      .streams = 2, .flow = { SIM_BYTES(500 * KB), SIM_BYTES(500 * KB) } },

    { .name = "server-key-update",
      .path = SIM_LINKS( .loss = 0.02, .reorder = 0.02,
                         .reorder_by = 30 * SIM_MS ),
      .server_key_update = 200 * SIM_MS,
      .streams = 2, .flow = { SIM_BYTES(500 * KB), SIM_BYTES(500 * KB) } },

    /* those of one side get lost, or meet the other's */

    { .name = "key-updates-loss",
      .path = SIM_LINKS( .loss = 0.15, .corrupt = 0.1, .reorder = 0.02,
                         .reorder_by = 30 * SIM_MS ),
      .key_update = 1 * KB, .server_key_update = 50 * SIM_MS,
      .streams = 40, .at_a_time = 2, .think = 600 * SIM_MS,
      .flow = { { .min = 0, .max = 3 * KB }, { .min = 0, .max = 3 * KB } } },

    { .name = "key-updates-acks",
      .path = SIM_LINKS( .loss = 0.15, .corrupt = 0.1, .reorder = 0.02,
                         .reorder_by = 30 * SIM_MS ),
      .key_update = 1 * KB, .server_key_update = 50 * SIM_MS,
      .streams = 4, .server_streams = 14, .slow = 0.1,
      .flow = { { .min = 0, .max = 3 * KB }, { .min = 0, .max = 30 * KB } } },

    /* packets are acknowledged that haven't come: RFC 9000, 21.4 */

    { .name = "optimistic-ack",
      .lie = 4, SIM_DOWNLOAD(20 * MB), .end = SIM_SERVER_CLOSES,
      .end_after = 300 * KB, .error = 0x0a },

    { .name = "optimistic-ack-loss",
      .path = SIM_LINKS( .loss = 0.001 ),
      .lie = 4, SIM_DOWNLOAD(20 * MB), .end = SIM_SERVER_CLOSES,
      .end_after = 300 * KB, .error = 0x0a },

    /* two share a link; the second one comes when the first one has it all */

    { .name = "share",
      SIM_SHARE("cubic", "cubic") },

    { .name = "share-reno",
      SIM_SHARE("reno", "reno") },

    { .name = "share-cubic-reno",
      SIM_SHARE("cubic", "reno") },

    { .name = "share-reno-cubic",
      SIM_SHARE("reno", "cubic") },

    { .name = "share-bbr",
      SIM_SHARE("bbr", "bbr") },

    { .name = "share-cubic-bbr",
      SIM_SHARE("cubic", "bbr") },

    /* streams */

    { .name = "streams-1999",
      .streams = 1999,
      .flow = { SIM_BYTES(100), SIM_BYTES(1000) }, .weight = 40 },

    { .name = "streams-1999-loss",
      .path = SIM_LINKS( .loss = 0.05 ), .streams = 1999,
      .flow = { SIM_BYTES(100), SIM_BYTES(1000) }, .weight = 40 },

    { .name = "streams-empty",
      .path = SIM_LINKS( .loss = 0.05 ), .streams = 300,
      .flow = { SIM_BYTES(0), SIM_BYTES(0) } },

    { .name = "streams-mix",
      SIM_MIX },

    { .name = "streams-mix-loss",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_MIX },

    { .name = "streams-mix-slow",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX, .slow = 0.1 },

    { .name = "streams-mix-small-windows",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX, .stream_window = 4000,
      .conn_window = 10000, .client_stream_window = 4000,
      .client_window = 10000, .max_streams = 8 },

    { .name = "streams-quarrel",
      SIM_QUARREL },

    { .name = "streams-quarrel-loss",
      .path = SIM_LINKS( .loss = 0.1 ), SIM_QUARREL, .slow = 0.02 },

    { .name = "streams-quarrel-windows",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_QUARREL, .stream_window = 4000,
      .conn_window = 10000, .client_stream_window = 4000,
      .client_window = 10000, .max_streams = 8, .slow = 0.02 },

    /* everything at once */

    { .name = "storm",
      .path = SIM_LINKS( .loss = 0.03, SIM_BURSTS, .reorder = 0.05,
                         .reorder_by = 50 * SIM_MS, .duplicate = 0.05,
                         .corrupt = 0.03, .jitter = 10 * SIM_MS ),
      SIM_QUARREL, .retry = 1, .chain = 10, .key_update = 100 * KB,
      .slow = 0.02, .rebind = 500 * SIM_MS },

    /* and whatever it may be: drawn from the seed */

    { .name = "anything",
      .weight = 400, .any = 1 },

    /* ends */

    { .name = "client-closes",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX,
      .end = SIM_CLIENT_CLOSES, .end_after = 200 * KB },

    { .name = "client-closes-at-once",
      .path = SIM_LINKS( .loss = 0.1 ), SIM_MIX, .end = SIM_CLIENT_CLOSES },

    { .name = "client-vanishes",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX, .end = SIM_CLIENT_VANISHES,
      .end_after = 200 * KB, .idle = 5 * SIM_SEC },

    { .name = "client-vanishes-early",
      .path = SIM_LINKS( .loss = 0.1 ), SIM_MIX, .end = SIM_CLIENT_VANISHES,
      .idle = 5 * SIM_SEC },

    { .name = "idle",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_DOWNLOAD(10 * KB),
      .end = SIM_ALL_IDLE, .idle = 5 * SIM_SEC },

    { .name = "slow-answer",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_DOWNLOAD(10 * KB),
      .think = 60 * SIM_SEC, .keep_alive = 1, .idle = 10 * SIM_SEC },

    { .name = "server-restarts",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX,
      .end = SIM_SERVER_RESTARTS, .end_after = 200 * KB },

    /* resets have tokens of IDs that the server took when the client moved */

    { .name = "client-restarts",
      .path = SIM_LINKS( .loss = 0.02, .rate = 500000 ),
      .migrate = 500 * SIM_MS, SIM_DOWNLOAD(10 * MB),
      .end = SIM_CLIENT_RESTARTS, .end_after = 600 * KB },

    { .name = "no-memory",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_QUARREL, .no_memory = SIM_SEC,
      .end = SIM_ANYHOW, .idle = 10 * SIM_SEC },

    { .name = "no-memory-early",
      .path = SIM_LINKS( .loss = 0.05 ), SIM_MIX, .clients = 5, .chain = 4,
      .no_memory = 20 * SIM_MS, .end = SIM_ANYHOW, .idle = 10 * SIM_SEC },

    { .name = "server-closes",
      .path = SIM_LINKS( .loss = 0.02 ), SIM_MIX, .end = SIM_SERVER_CLOSES,
      .end_after = 200 * KB, .error = 0x102 },

    { .name = "server-closes-loss",
      .path = SIM_LINKS( .loss = 0.2 ), SIM_MIX, .end = SIM_SERVER_CLOSES,
      .end_after = 10 * KB, .error = 0x102 },

    /*
     * One stream: when it has ended there is nothing more to come.  Without
     * loss, as CONNECTION_CLOSE isn't repeated.
     */

    { .name = "server-leaves",
      .path = SIM_LINKS( .jitter = 0 ), SIM_DOWNLOAD(200 * KB),
      .end = SIM_SERVER_LEAVES, .error = 0x100 },

    /* nothing of the client's arrives after its first flight */

    { .name = "handshake-vanishes",
      .path = { [SIM_UP] = { .drop = ~1ULL } }, SIM_DOWNLOAD(2 * KB),
      .chain = 10, .end = SIM_ANYHOW, .idle = 10 * SIM_SEC },
};


/* a probability up to "max", most often none */

static double
sim_any_chance(double max)
{
    double  p;

    p = sim_chance(SIM_RANDOM_ANY, 0.5) ? max : 0;

    return p * sim_random_between(SIM_RANDOM_ANY, 0, 1000) / 1000;
}


/* something between "min" and "max", all magnitudes alike, or the default */

static uint64_t
sim_any_size(uint64_t min, uint64_t max)
{
    uint64_t  n;

    for (n = min; n < max && sim_chance(SIM_RANDOM_ANY, 0.8); n *= 2) {
        /* void */
    }

    return sim_chance(SIM_RANDOM_ANY, 0.5) ? n : 0;
}


static void
sim_any_path(sim_path_t *path)
{
    path->delay = sim_any_size(100, 300 * SIM_MS);
    path->rate = sim_any_size(20 * KB, 100 * MB);
    path->queue = sim_any_size(10 * KB, 10 * MB);
    path->jitter = sim_any_size(100, 100 * SIM_MS);
    path->loss = sim_any_chance(0.2);
    path->duplicate = sim_any_chance(0.3);
    path->corrupt = sim_any_chance(0.2);
    path->reorder = sim_any_chance(0.3);
    path->reorder_by = sim_any_size(SIM_MS, 300 * SIM_MS);
    path->burst_begin = sim_any_chance(0.01);
    path->burst_end = 0.1 + sim_any_chance(0.2);
    path->burst_loss = 0.9;
}


static void
sim_any_flow(sim_flow_t *flow)
{
    flow->max = sim_any_size(100, 100 * KB);
    flow->reset = sim_any_chance(0.3);
    flow->stop = sim_any_chance(0.3);
}


const sim_scenario_t *
sim_any(const sim_scenario_t *row)
{
    static sim_scenario_t  any;

    any = *row;

    sim_any_path(&any.path[SIM_UP]);
    sim_any_path(&any.path[SIM_DOWN]);
    sim_any_flow(&any.flow[SIM_UP]);
    sim_any_flow(&any.flow[SIM_DOWN]);

    any.clients = 1 + sim_any_size(1, 3);
    any.streams = sim_any_size(1, 100);
    any.at_a_time = sim_any_size(1, 100);
    any.uni_streams = sim_random_between(SIM_RANDOM_ANY, 0, 14);
    any.server_streams = sim_random_between(SIM_RANDOM_ANY, 0, 14);

    any.stream_window = sim_any_size(1000, MB);
    any.conn_window = sim_any_size(1000, MB);
    any.send_buffer = sim_any_size(1000, MB);
    any.max_streams = sim_any_size(1, 200);
    any.client_stream_window = sim_any_size(1000, MB);
    any.client_window = sim_any_size(1000, MB);

    any.key_update = sim_any_size(20 * KB, MB);
    any.server_key_update = sim_any_size(100 * SIM_MS, 10 * SIM_SEC);
    any.rebind = sim_any_size(50 * SIM_MS, SIM_SEC);
    any.pmtud = sim_chance(SIM_RANDOM_ANY, 0.3);
    any.slow = sim_any_chance(0.1);
    any.think = sim_any_size(SIM_MS, 10 * SIM_SEC);
    any.early = sim_any_chance(0.2);
    any.retry = sim_chance(SIM_RANDOM_ANY, 0.3);
    any.chain = sim_random_between(SIM_RANDOM_ANY, 1, 12);

    return &any;
}


const sim_scenario_t *
sim_scenario(ngx_uint_t i)
{
    if (i < sizeof(sim_scenarios) / sizeof(sim_scenarios[0])) {
        return &sim_scenarios[i];
    }

    return NULL;
}
