
/*
 * Every bound of the transport and of HTTP/3, with its reason.
 */

#ifndef _QUIC_LIMITS_H_INCLUDED_
#define _QUIC_LIMITS_H_INCLUDED_


/*
 * Ranges of received packet numbers that are remembered for ACKs, per space.
 * A client that leaves a hole at every second packet can't make us keep or
 * send more; the oldest are dropped, which RFC 9000, 13.2.3 allows.
 */
#define QUIC_MAX_ACK_RANGES          64

/*
 * Holes in the data of one stream.  Under 20 % random loss with a window of
 * 1,000 packets there are about 160 of them; more means fragments made on
 * purpose, and those are dropped unacknowledged.
 */
#define QUIC_MAX_STREAM_GAPS         1024

/*
 * How far ahead of its reader a receive buffer reaches at all.  Flow control
 * and the bound below stop every peer long before; without this one a wrong
 * window in the configuration would let a single byte make a ring of blocks
 * of any size.
 */
#define QUIC_MAX_RECV_AHEAD          (1024 * 1024 * 1024)

/*
 * Bytes that a client may send ahead of the reader.  Windows begin with what
 * the configuration says, and grow with bandwidth x delay: 16 MB are 1 Gbit/s
 * at 128 ms.  The growth of all connections of a worker together is bounded,
 * too: that many bytes more are held at most, whatever clients and readers do.
 */
#define QUIC_MAX_STREAM_WINDOW       (16 * 1024 * 1024)
#define QUIC_MAX_CONN_WINDOW         (24 * 1024 * 1024)
#define QUIC_MAX_WINDOWS_GROWTH      (256 * 1024 * 1024)

/*
 * Bytes of CRYPTO data ahead of what TLS has read, per level.  RFC 9000, 7.5
 * demands 4096; client hellos with post-quantum key shares and ECH take under
 * 4 KB, a client's certificate chain may take 16 KB and more.
 */
#define QUIC_MAX_CRYPTO_BUFFER       (64 * 1024)
#define QUIC_MAX_CRYPTO_GAPS         64

/*
 * Packets that came before the keys to open them (RFC 9001, 5.7): a client's
 * 1-RTT packets overtaking its Finished, 0-RTT ones their ClientHello, or those
 * of a client that has not shown its address.  Ten are a client's first window.
 */
#define QUIC_MAX_UNDECRYPTABLE       10
#define QUIC_MAX_UNDECRYPTABLE_SIZE  1500

/*
 * 0-RTT datagrams of all clients together that a worker keeps, 1.5 KB each,
 * until their ClientHello comes; and for how many microseconds: a path that
 * reorders does so by less, and a ClientHello that was lost comes again by then.
 */
#define QUIC_MAX_STRAYS              16
#define QUIC_STRAY_LIFETIME          (1 * 1000000ULL)

/*
 * Seconds for which a ticket that has brought 0-RTT is remembered.  TLS takes
 * 0-RTT when the client's word for the age of its ticket is within 60 seconds
 * of ours: so of a ClientHello for 120 seconds, and times are rounded.
 */
#define QUIC_REPLAY_WINDOW           128

/*
 * Bytes of what a client with 0-RTT takes for granted: eight bytes, six
 * numbers, SETTINGS.  They are in each ticket.
 */
#define QUIC_MAX_EARLY_CONTEXT       160
#define QUIC_MAX_EARLY_APP           96

/*
 * Connections of a worker whose clients have not shown yet that they receive
 * at their address; each is some 40 KB, most of it TLS.  Beyond that a client
 * has to come back with a Retry token first, whatever quic_retry says.  With
 * "auto" it has to from a half of them on, until there is a quarter left: 5,000
 * handshakes a second at 200 ms are a half.  No more than a half of
 * worker_connections, either.
 */
#define QUIC_MAX_HALF_OPEN           2048

/* microseconds: it is logged no more often that "auto" has switched */
#define QUIC_CROWD_LOG_INTERVAL      (60 * 1000000ULL)

/* connection IDs of a peer that we store (its limit is ours to say) */
#define QUIC_MAX_PEER_CIDS           8

/* connection IDs that we issue, whatever the peer's limit */
#define QUIC_MAX_OUR_CIDS            8

/*
 * RETIRE_CONNECTION_ID frames that wait for their acknowledgement.  A peer
 * that forces more (retire_prior_to, CVE-2024-22189) is closed.
 */
#define QUIC_MAX_RETIRING_CIDS       (4 * QUIC_MAX_PEER_CIDS)

/* paths of one connection at a time: the active, the one before, two probes */
#define QUIC_MAX_PATHS               4

/*
 * Challenges of one path whose answers are still known: with the doubling of
 * the time between them, those of the last seven eighths of a validation.
 */
#define QUIC_MAX_PATH_CHALLENGES     4

/*
 * Records of sent packets per space: 64 Ki packets of 1200 bytes are 79 MB in
 * flight, 6 Gbit/s at 100 ms.  Sending stops there until packets are resolved.
 */
#define QUIC_MAX_SENT_PACKETS        65536
#define QUIC_MAX_SENT_FRAMES         (4 * QUIC_MAX_SENT_PACKETS)

/*
 * Packets that a later one may overtake before it's taken for lost; grows from
 * 3 on a path that reorders (RFC 9002, 6.1.1).  The time threshold, an eighth
 * of a round trip, holds besides.
 */
#define QUIC_MAX_PACKET_THRESHOLD    64

/* more than a datagram of an Ethernet's size has room for */
#define QUIC_MAX_PACKET_FRAMES       1024

/* records that an idle space keeps room for; 1.5 KB, and 3 KB of frames */
#define QUIC_KEEP_SENT_PACKETS       64
#define QUIC_KEEP_SENT_FRAMES        (2 * QUIC_KEEP_SENT_PACKETS)

/*
 * The PTO doubles no more often: from 1 ms that is 17 minutes, beyond any idle
 * timeout, and from a day it still fits in 64 bits of microseconds.
 */
#define QUIC_MAX_PTO_BACKOFF         20

/*
 * Unsent and unacknowledged response bytes of a connection; one stream may have
 * them all.  1 Gbit/s at 40 ms are 5 MB, and BBR has two of them in flight when
 * it finds the path's limit: what is lost then holds up those behind it for as
 * long again, or twice that.
 *
 * Slow start has every second packet lost beyond that limit, and a client that
 * would have to remember too many gaps gives up (libngtcp2's does): while a
 * controller starts, a stream's part is half of it.
 */
#define QUIC_MAX_SEND_BUFFER         (32 * 1024 * 1024)
#define QUIC_MAX_START_BUFFER        (16 * 1024 * 1024)

/*
 * Ranges of one stream's bytes that were acknowledged out of order, and as
 * many that were lost: 20 % random loss in a window of 10,000 packets
 * (1 Gbit/s at 100 ms) leaves 1,600.  Beyond that acknowledgements are
 * forgotten and bytes sent twice.
 */
#define QUIC_MAX_SEND_RANGES         2048

/*
 * Free memory that a worker keeps for reuse; more goes back to the system.
 */
#define QUIC_MAX_CACHED_MEMORY       (16 * 1024 * 1024)

/*
 * Replies a second that a worker gives without a connection (Version
 * Negotiation, stateless reset, refusals), so that none of them makes it a
 * reflector.
 */
#define QUIC_MAX_STATELESS_REPLIES   20000

/*
 * And to one address (of IPv6 its network): after a restart of ours each
 * connection behind a NAT wants a reset.  An address has its bucket by a hash;
 * so many at that rate are no less than the worker's.
 */
#define QUIC_REPLIES_TO_ADDRESS        20
#define QUIC_REPLIES_TO_ADDRESS_BURST  200
#define QUIC_REPLY_BUCKETS             1024

/*
 * Microseconds for which a Retry token is good: one round trip and a client's
 * patience.
 */
#define QUIC_RETRY_TOKEN_LIFETIME    (30 * 1000000ULL)

/*
 * And one of NEW_TOKEN: clients that come back do so within a day, and who has
 * left an address shall not be able to point us at the one who got it after.
 */
#define QUIC_NEW_TOKEN_LIFETIME      (24 * 3600 * 1000000ULL)

/* how far the clocks of workers and hosts with one key may be apart */
#define QUIC_TOKEN_CLOCK_SKEW        (2 * 1000000ULL)

/*
 * Tokens of NEW_TOKEN of which a worker remembers that they have been used, 8
 * bytes each: at 1,000 new connections a second those of some 16 seconds.
 */
#define QUIC_MAX_USED_TOKENS         16384

/*
 * Microseconds from the acknowledgement of the last response of a connection
 * that is to end to its CONNECTION_CLOSE, and at least 3 PTO, so that what was
 * said last can be repeated.  Clients were seen to throw away
 * what they had acknowledged and not read yet.
 */
#define QUIC_LINGER                  1000000ULL

/*
 * Frames that move nothing forward, of a connection: a PING, a limit, a lost
 * interest, a STREAM frame without a new byte, an ACK without a new packet cost
 * us work and their sender a byte or two.  So many at a time, so many a second;
 * each STREAM frame of the client's with something new pays for one, and each
 * of ours that is acknowledged.  Of what the clients in the tests do on bad
 * networks the worst takes some hundreds.
 */
#define QUIC_IDLE_FRAMES             4096
#define QUIC_IDLE_FRAMES_RATE        256

/*
 * Times that a client may go on in another network: so many at a time, so many
 * a second.  Each gives it a new congestion window, so that one with two
 * validated addresses could have us send without any control.  A handover
 * between two networks takes a second or more; at 4 a second what is sent
 * beyond the control of congestion is 400 kbit/s.
 */
#define QUIC_MOVES                   32
#define QUIC_MOVES_RATE              4

/* bytes of a reason phrase in CONNECTION_CLOSE, and in a log line */
#define QUIC_MAX_REASON              128

/*
 * Datagrams of one size in a batch, and their bytes: what GSO takes.  So an IP
 * packet that is to hold one datagram can't have more; and the least that any
 * IPv6 path carries is more than QUIC needs.
 */
#define QUIC_MAX_BATCH_SEGMENTS      64
#define QUIC_MAX_BATCH_SIZE          65000
#define QUIC_MAX_MTU                 QUIC_MAX_BATCH_SIZE
#define QUIC_MIN_MTU                 1280

/*
 * Requests at a time that an operator may allow a client.  The protocol ends
 * at 2^60 streams in a connection's life (RFC 9000, 4.6), and each may hold
 * kilobytes of ours.
 */
#define QUIC_MAX_BIDI_STREAMS        65536

/*
 * Unidirectional streams that a client may open: control, two of QPACK's, and
 * some of reserved types (RFC 9114, 6.2.3).
 */
#define QUIC_MAX_UNI_STREAMS         16

/*
 * HTTP/3.
 *
 * Bytes that the QPACK library may hold for one connection: both tables, a
 * record of each response that refers to the dynamic table and wasn't
 * acknowledged (the library stops at 2,000 streams), a string of 64 KB that is
 * being decoded, twice for Huffman, on as many streams as send at a time.
 */
#define H3_MAX_QPACK_MEMORY          (2 * 1024 * 1024)

/*
 * What an operator may allow clients: the table that we decode with, and
 * requests that wait for insertions into it, each of which holds a field
 * section's beginning.
 */
#define H3_MAX_TABLE_CAPACITY        (64 * 1024)
#define H3_MAX_BLOCKED_STREAMS       1000

/*
 * Our encoder: more saves next to nothing, and is memory per connection.
 * Without references to what isn't acknowledged yet there would be none at all
 * with clients whose decoders acknowledge only what was referred to.
 */
#define H3_QPACK_ENCODER_CAPACITY    4096
#define H3_QPACK_ENCODER_BLOCKED     100

/*
 * Unsent and unacknowledged QPACK instructions (RFC 9204, 7.3): a client may
 * cause them and give no credit to send them.  Beyond the first bound nothing
 * is inserted any more; answers of our decoder can't be withheld, beyond the
 * second the connection ends.
 */
#define H3_MAX_UNSENT_INSERTIONS     (2 * H3_QPACK_ENCODER_CAPACITY)
#define H3_MAX_UNSENT_ANSWERS        (16 * 1024)

/*
 * Payload of a frame on the control stream: 64 settings of 16 bytes, with room
 * for 60 that we don't know.  Of unknown frames nothing is kept.
 */
#define H3_MAX_CONTROL_PAYLOAD       1024

/*
 * PRIORITY_UPDATE frames that wait for their requests.  Control and request
 * streams overtake each other by a few packets, and what is dropped is asked
 * for again by the request's own priority.
 */
#define H3_MAX_EARLY_PRIORITIES      16

/*
 * Frames and streams that mean nothing (unknown types, empty DATA, repeated
 * MAX_PUSH_ID) cost their sender two bytes and us a round of the parser.  Those
 * that send them for good reasons, padding and greasing, send a few for each
 * request.
 */
#define H3_MAX_USELESS               1000
#define H3_MAX_USELESS_PER_REQUEST   16

/*
 * Requests that the client has cancelled (CVE-2023-44487): each costs nginx a
 * request, and the client next to nothing.  A page that is left cancels all of
 * its own, a hundred or two; and a player one for each that it has heard out.
 */
#define H3_MAX_CANCELLED             1000
#define H3_MAX_CANCELLED_PER_SERVED  4



#endif /* _QUIC_LIMITS_H_INCLUDED_ */
