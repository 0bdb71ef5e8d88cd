
/*
 * Transport parameters: RFC 9000, section 18; RFC 9221, 9287, 9368; the ACK
 * frequency draft.
 */

#ifndef _QUIC_TRANSPORT_PARAMS_H_INCLUDED_
#define _QUIC_TRANSPORT_PARAMS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "wire/quic_packet.h"


/* of "version_information" (RFC 9368) so many available versions are kept */
#define QUIC_TP_MAX_VERSIONS  8


typedef struct {
    /* milliseconds on the wire, microseconds here, at most QUIC_VARINT_MAX */
    uint64_t     max_idle_timeout;           /* 0: none */
    uint64_t     max_ack_delay;              /* default 25000 */
    uint64_t     min_ack_delay;              /* draft; microseconds on the wire
                                                as well; 0: absent */
    uint64_t     max_udp_payload_size;       /* default 65527 */
    uint64_t     initial_max_data;
    uint64_t     initial_max_stream_data_bidi_local;
    uint64_t     initial_max_stream_data_bidi_remote;
    uint64_t     initial_max_stream_data_uni;
    uint64_t     initial_max_streams_bidi;
    uint64_t     initial_max_streams_uni;
    uint64_t     ack_delay_exponent;         /* default 3 */
    uint64_t     active_connection_id_limit; /* default 2 */
    uint64_t     max_datagram_frame_size;    /* default 0: none */

    quic_cid_t   original_dcid;
    quic_cid_t   initial_scid;
    quic_cid_t   retry_scid;
    u_char       reset_token[QUIC_RESET_TOKEN_LEN];

    /* server's preferred address (RFC 9000, 18.2); port 0: no such address */
    struct {
        u_char      ipv4[4];
        u_char      ipv6[16];
        uint16_t    ipv4_port;
        uint16_t    ipv6_port;
        quic_cid_t  cid;
        u_char      token[QUIC_RESET_TOKEN_LEN];
    } preferred;

    uint32_t     chosen_version;             /* version_information */
    uint32_t     versions[QUIC_TP_MAX_VERSIONS];
    ngx_uint_t   nversions;

    /* 0 or 1 */
    u_char       has_original_dcid;
    u_char       has_initial_scid;
    u_char       has_retry_scid;
    u_char       has_reset_token;
    u_char       has_preferred;
    u_char       has_versions;
    u_char       disable_active_migration;
    u_char       grease_quic_bit;
} quic_transport_params_t;


/* the values that a parameter has when it's absent */
void quic_transport_params_init(quic_transport_params_t *tp);

/*
 * Parses what a client sent into "tp" (which it initialises).  Everything
 * that section 18 forbids is refused: a parameter twice, one that only a
 * server may send, a value out of its bounds, bytes left over.  Parameters
 * that aren't known are skipped.  Of version_information, all is checked, and
 * as many available versions as there is room for are kept.  That
 * initial_source_connection_id is there and right (RFC 9000, 7.3) is for the
 * caller to check.
 *
 * NGX_OK, or NGX_ERROR with a static "*reason"; the code is always
 * TRANSPORT_PARAMETER_ERROR.
 */
ngx_int_t quic_transport_params_parse(quic_transport_params_t *tp,
    u_char *data, size_t len, const char **reason);

/*
 * The same of what a server sent, for a client (the tests' one).  Here
 * version_information need not list the chosen version (RFC 9368, section 3).
 */
ngx_int_t quic_transport_params_parse_server(quic_transport_params_t *tp,
    u_char *data, size_t len, const char **reason);

/*
 * Writes "tp": values equal to their default are left out, "grease" (a random
 * number) chooses a reserved parameter to send along (18.1), 0: none.
 * Returns the length, 0 if it doesn't fit in "size" (512 is enough).
 */
size_t quic_transport_params_write(quic_transport_params_t *tp, u_char *buf,
    size_t size, uint64_t grease);


#endif /* _QUIC_TRANSPORT_PARAMS_H_INCLUDED_ */
