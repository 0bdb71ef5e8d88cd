
/*
 * The ClientHello: transport parameters (RFC 9000, sections 7.3, 7.4 and 18),
 * what TLS refuses (RFC 9001, sections 4 and 8), versions (RFC 9368).
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "violations.h"


#define HELLO_RANDOM      6     /* offsets in the message */
#define HELLO_SESSION_ID  38

#define HELLO_ALPN        16    /* extensions */
#define HELLO_KEY_SHARE   51
#define HELLO_VERSIONS    43


/* the place of an extension's type in the ClientHello */

static u_char *
hello_extension(client_t *c, ngx_uint_t type)
{
    size_t            n;
    u_char           *p, *end;
    client_crypto_t  *crypto;

    crypto = &c->crypto[QUIC_LEVEL_INITIAL];

    p = crypto->out + HELLO_SESSION_ID;
    end = crypto->out + crypto->len;

    p += 1 + p[0];                      /* session ID */
    p += 2 + (p[0] << 8 | p[1]);        /* suites */
    p += 1 + p[0];                      /* compression */
    p += 2;

    while (p + 4 <= end) {

        if ((ngx_uint_t) (p[0] << 8 | p[1]) == type) {
            return p;
        }

        n = p[2] << 8 | p[3];
        p += 4 + n;
    }

    fprintf(stderr, "no extension %d\n", (int) type);
    exit(1);
}


/* sends what has become of it */

static ngx_int_t
hello_send(violation_run_t *r)
{
    (void) client_connect(r->client, CLIENT_ESTABLISHED);

    return NGX_OK;
}


static ngx_int_t
hello_session_id(violation_run_t *r)
{
    u_char           *p;
    client_crypto_t  *crypto;

    crypto = &r->client->crypto[QUIC_LEVEL_INITIAL];
    p = crypto->out + HELLO_SESSION_ID;

    ngx_memmove(p + 33, p + 1, crypto->len - HELLO_SESSION_ID - 1);
    ngx_memset(p, 32, 33);
    crypto->len += 32;
    crypto->out[2] += (crypto->out[3] + 32) >> 8;
    crypto->out[3] += 32;

    return hello_send(r);
}


static ngx_int_t
hello_other_message(violation_run_t *r)
{
    r->client->crypto[QUIC_LEVEL_INITIAL].out[0] = 2;

    return hello_send(r);
}


static ngx_int_t
hello_tls_1_2(violation_run_t *r)
{
    u_char  *p;

    p = hello_extension(r->client, HELLO_VERSIONS);
    ngx_memset(p + 5, 3, p[4]);

    return hello_send(r);
}


static ngx_int_t
hello_no_versions(violation_run_t *r)
{
    hello_extension(r->client, HELLO_VERSIONS)[0] = 0xfa;

    return hello_send(r);
}


static ngx_int_t
hello_no_alpn(violation_run_t *r)
{
    hello_extension(r->client, HELLO_ALPN)[0] = 0xfa;

    return hello_send(r);
}


static ngx_int_t
hello_no_key_share(violation_run_t *r)
{
    hello_extension(r->client, HELLO_KEY_SHARE)[0] = 0xfa;

    return hello_send(r);
}


static ngx_int_t
hello_no_suites(violation_run_t *r)
{
    u_char  *p;

    p = r->client->crypto[QUIC_LEVEL_INITIAL].out + HELLO_SESSION_ID + 1;
    ngx_memset(p + 2, 0xee, p[0] << 8 | p[1]);

    return hello_send(r);
}


static ngx_int_t
hello_compression(violation_run_t *r)
{
    u_char  *p;

    p = r->client->crypto[QUIC_LEVEL_INITIAL].out + HELLO_SESSION_ID + 1;
    p += 2 + (p[0] << 8 | p[1]);
    p[1] = 1;

    return hello_send(r);
}


static ngx_int_t
hello_cut_extension(violation_run_t *r)
{
    hello_extension(r->client, HELLO_KEY_SHARE)[3]++;

    return hello_send(r);
}


/* a message more in the same level: RFC 9001, 4.1.3 */

static ngx_int_t
hello_excess(violation_run_t *r)
{
    client_crypto_t  *crypto;

    crypto = &r->client->crypto[QUIC_LEVEL_INITIAL];
    ngx_memcpy(crypto->out + crypto->len, "\1\0\0\0", 4);
    crypto->len += 4;

    return hello_send(r);
}


/* the second half before the first */

static ngx_int_t
hello_reversed(violation_run_t *r)
{
    client_t         *c;
    client_crypto_t  *crypto;

    c = r->client;
    crypto = &c->crypto[QUIC_LEVEL_INITIAL];
    c->hold = 1;

    if (client_send_crypto(c, QUIC_LEVEL_INITIAL, crypto->len / 2,
                           crypto->len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->pn = c->space[0].next_pn;

    return client_send_crypto(c, QUIC_LEVEL_INITIAL, 0, crypto->len / 2);
}


/* Finished is sent with another byte */

static ngx_int_t
hello_bad_finished(violation_run_t *r)
{
    client_t         *c;
    client_crypto_t  *crypto;

    c = r->client;
    crypto = &c->crypto[QUIC_LEVEL_HANDSHAKE];
    crypto->out[crypto->len - 1] ^= 1;

    return client_send_crypto(c, QUIC_LEVEL_HANDSHAKE, 0, crypto->len);
}


static ngx_int_t
hello_finished_and_more(violation_run_t *r)
{
    client_t         *c;
    client_crypto_t  *crypto;

    c = r->client;
    crypto = &c->crypto[QUIC_LEVEL_HANDSHAKE];
    ngx_memcpy(crypto->out + crypto->len, "\30\0\0\1\0", 5);

    return client_send_crypto(c, QUIC_LEVEL_HANDSHAKE, 0, crypto->len + 5);
}


/* Retry */

static ngx_uint_t
hello_is_retry(client_t *c)
{
    return c->packets[QUIC_PACKET_RETRY] || c->close.n;
}


/* up to the Retry packet, whose token is not brought back yet */

static ngx_int_t
hello_get_retry(client_t *c)
{
    c->hold = 1;

    if (client_send_crypto(c, QUIC_LEVEL_INITIAL, 0,
                           c->crypto[QUIC_LEVEL_INITIAL].len)
        != NGX_OK
        || client_wait(c, hello_is_retry, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return c->token.len ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
hello_new_keys(client_t *c)
{
    quic_keys_clear(&c->tx[QUIC_LEVEL_INITIAL]);
    quic_keys_clear(&c->rx[QUIC_LEVEL_INITIAL]);

    return quic_keys_initial(&c->tx[QUIC_LEVEL_INITIAL],
                             &c->rx[QUIC_LEVEL_INITIAL], c->version,
                             c->dcid.data, c->dcid.len);
}


static ngx_int_t
hello_retry(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (hello_get_retry(c) != NGX_OK) {
        return NGX_ERROR;
    }

    r->pn = c->space[0].next_pn;
    c->retried = 1;

    return hello_send(r);
}


static ngx_int_t
hello_retry_dcid(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (hello_get_retry(c) != NGX_OK) {
        return NGX_ERROR;
    }

    c->dcid.data[0] ^= 1;

    if (hello_new_keys(c) != NGX_OK) {
        return NGX_ERROR;
    }

    return client_send_hex(c, QUIC_PACKET_INITIAL, "01");
}


static ngx_int_t
hello_retry_version(violation_run_t *r)
{
    client_t  *c;

    c = r->client;

    if (hello_get_retry(c) != NGX_OK) {
        return NGX_ERROR;
    }

    c->version = QUIC_VERSION_2;

    if (hello_new_keys(c) != NGX_OK) {
        return NGX_ERROR;
    }

    return client_send_hex(c, QUIC_PACKET_INITIAL, "01");
}


/* a ClientHello with these parameters besides those that are needed */

#define PARAMS(hex)       .conf = { .params = hex }
#define ONLY_PARAMS(hex)  .conf = { .params = hex, .only_params = 1 }

#define BAD_PARAMS        NULL, CLOSES(QUIC_TRANSPORT_PARAMETER_ERROR, 0x06)
#define GOOD              NULL, ACCEPTED


static const violation_t  violation_rows_params[] = {
    { "9000 7.4", "initial_max_data twice", FIRST, BAD_PARAMS,
      PARAMS("04 01 00") },
    { "9000 7.4", "disable_active_migration twice", FIRST, BAD_PARAMS,
      PARAMS("0c 00 0c 00") },
    { "9000 7.4", "initial_source_connection_id twice", FIRST, BAD_PARAMS,
      PARAMS("0f 00") },
    { "9000 18", "parameter cut in its ID", FIRST, BAD_PARAMS,
      PARAMS("40") },
    { "9000 18", "parameter cut in its length", FIRST, BAD_PARAMS,
      PARAMS("01") },
    { "9000 18", "parameter cut in its value", FIRST, BAD_PARAMS,
      PARAMS("01 02 01") },
    { "9000 18", "parameter of 2^62-1 bytes", FIRST, BAD_PARAMS,
      PARAMS("01 ff*8 01") },
    { "9000 18", "unknown parameter cut in its value", FIRST, BAD_PARAMS,
      PARAMS("4abc 02 01") },
    { "9000 18.2", "integer of no bytes", FIRST, BAD_PARAMS,
      PARAMS("01 00") },
    { "9000 18.2", "integer with a byte too many", FIRST, BAD_PARAMS,
      PARAMS("01 02 01 00") },
    { "9000 18.2", "integer with a byte too few", FIRST, BAD_PARAMS,
      PARAMS("01 01 40") },

    { "9000 7.3", "no initial_source_connection_id", FIRST, BAD_PARAMS,
      ONLY_PARAMS("04 01 00") },
    { "9000 7.3", "empty initial_source_connection_id", FIRST, BAD_PARAMS,
      ONLY_PARAMS("0f 00") },
    { "9000 7.3", "other initial_source_connection_id", FIRST, BAD_PARAMS,
      ONLY_PARAMS("0f 08 11*8") },
    { "9000 7.3", "initial_source_connection_id of 21 bytes", FIRST,
      BAD_PARAMS, ONLY_PARAMS("0f 15 11*21") },

    { "9000 18.2", "original_destination_connection_id", FIRST, BAD_PARAMS,
      PARAMS("00 08 11*8") },
    { "9000 18.2", "stateless_reset_token", FIRST, BAD_PARAMS,
      PARAMS("02 10 11*16") },
    { "9000 18.2", "preferred_address", FIRST, BAD_PARAMS,
      PARAMS("0d 31 00*24 08 11*8 22*16") },
    { "9000 18.2", "retry_source_connection_id", FIRST, BAD_PARAMS,
      PARAMS("10 08 11*8") },

    { "9000 18.2", "max_udp_payload_size of 1199", FIRST, BAD_PARAMS,
      PARAMS("03 02 #1199") },
    { "9000 18.2", "max_udp_payload_size of 0", FIRST, BAD_PARAMS,
      PARAMS("03 01 00") },
    { "9000 18.2", "max_udp_payload_size of 1200", FIRST, GOOD,
      PARAMS("03 02 #1200") },
    { "9000 18.2", "max_udp_payload_size of 2^62-1", FIRST, GOOD,
      PARAMS("03 08 ff*8") },
    { "9000 18.2", "ack_delay_exponent of 21", FIRST, BAD_PARAMS,
      PARAMS("0a 01 15") },
    { "9000 18.2", "ack_delay_exponent of 20", FIRST, GOOD,
      PARAMS("0a 01 14") },
    { "9000 18.2", "max_ack_delay of 2^14", FIRST, BAD_PARAMS,
      PARAMS("0b 04 #16384") },
    { "9000 18.2", "max_ack_delay of 2^14 - 1", FIRST, GOOD,
      PARAMS("0b 02 7fff") },
    { "draft", "min_ack_delay over max_ack_delay", FIRST, BAD_PARAMS,
      PARAMS("c0000000ff04de1b 04 #25001") },
    { "draft", "min_ack_delay of max_ack_delay", FIRST, GOOD,
      PARAMS("c0000000ff04de1b 04 #25000") },
    { "9000 18.2", "active_connection_id_limit of 1", FIRST, BAD_PARAMS,
      PARAMS("0e 01 01") },
    { "9000 18.2", "active_connection_id_limit of 0", FIRST, BAD_PARAMS,
      PARAMS("0e 01 00") },
    { "9000 18.2", "active_connection_id_limit of 2^62-1", FIRST, GOOD,
      PARAMS("0e 08 ff*8") },
    { "9000 4.6", "initial_max_streams_bidi over 2^60", FIRST, BAD_PARAMS,
      PARAMS("08 08 d000000000000001") },
    { "9000 4.6", "initial_max_streams_uni over 2^60", FIRST, BAD_PARAMS,
      ONLY_PARAMS("09 08 d000000000000001") },
    { "9000 4.6", "initial_max_streams_bidi of 2^60", FIRST, GOOD,
      PARAMS("08 08 d000000000000000") },
    { "9000 18.2", "disable_active_migration with a value", FIRST, BAD_PARAMS,
      PARAMS("0c 01 00") },
    { "9000 18.2", "max_idle_timeout of 2^62-1", FIRST, GOOD,
      PARAMS("01 08 ff*8") },
    { "9000 18.1", "reserved parameter", FIRST, GOOD,
      PARAMS("1b 03 112233") },
    { "9000 7.4.2", "unknown parameter of no bytes", FIRST, GOOD,
      PARAMS("4abc 00") },
    { "9287 3", "grease_quic_bit with a value", FIRST, BAD_PARAMS,
      PARAMS("6ab2 01 00") },

    { "9368 4", "version_information without versions", FIRST, BAD_PARAMS,
      PARAMS("11 00") },
    { "9368 4", "version_information of 7 bytes", FIRST, BAD_PARAMS,
      PARAMS("11 07 00000001 000000") },
    { "9368 4", "version_information, chosen 0", FIRST, BAD_PARAMS,
      PARAMS("11 08 00000000 00000001") },
    { "9368 4", "version_information, 0 available", FIRST, BAD_PARAMS,
      PARAMS("11 0c 00000001 00000001 00000000") },
    { "9368 4", "version_information, chosen is not available", FIRST,
      BAD_PARAMS, PARAMS("11 08 00000001 6b3343cf") },
    { "9368 4", "version_information, chosen is not in use", FIRST,
      NULL, CLOSES(QUIC_VERSION_NEGOTIATION_ERROR, 0x06),
      PARAMS("11 0c 6b3343cf 00000001 6b3343cf") },
    { "9368 3", "version_information, version 1 alone", FIRST, GOOD,
      PARAMS("11 08 00000001 00000001") }
};


static const violation_t  violation_rows_tls[] = {
    { "9001 8.2", "no transport parameters", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(109), 0x06), .conf = { .no_params = 1 } },
    { "9001 8.1", "no ALPN", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(120), 0x06), SEND(hello_no_alpn) },
    { "9001 8.1", "ALPN of another protocol", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(120), 0x06), .conf = { .alpn = "h2" } },
    { "9001 8.4", "session ID", FIRST, NULL,
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x06), SEND(hello_session_id) },
    { "8446 4", "ServerHello", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(10), 0x06), SEND(hello_other_message) },
    { "9001 4.2", "TLS 1.2 and below", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(70), 0x06), SEND(hello_tls_1_2) },
    { "9001 4.2", "no supported_versions", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(70), 0x06), SEND(hello_no_versions) },
    { "8446 9.2", "no key_share", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(109), 0x06), SEND(hello_no_key_share) },
    { "9001 5.3", "no suite that the server has", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(40), 0x06), SEND(hello_no_suites) },
    { "8446 4.1.2", "compression", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(47), 0x06), SEND(hello_compression) },
    { "8446 4.2", "extension that is longer than it says", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(50), 0x06), SEND(hello_cut_extension) },
    { "8446 4.4.3", "no signature algorithm that fits", FIRST, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(40), 0x06), .conf = { .sigalg = 0x0804 } },
    { "9001 4.1.3", "another message behind the ClientHello", FIRST, NULL,
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x06), SEND(hello_excess) },
    { "9000 7.5", "ClientHello, its second half first", FIRST, NULL,
      ACCEPTED, SEND(hello_reversed) },
    { "9001 4.8", "Finished with another byte", HANDSHAKE, NULL,
      CLOSES(QUIC_CRYPTO_ERROR(51), 0x06), SEND(hello_bad_finished) },
    { "9001 4.1.3", "another message behind Finished", HANDSHAKE, NULL,
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x06), SEND(hello_finished_and_more) },
    { "9369 3", "version 2 as it should be", FIRST, NULL, ACCEPTED,
      .conf = { .version = QUIC_VERSION_2 } },
    { "9369 3", "version 2, server's flight", HANDSHAKE, "1e",
      CLOSES(QUIC_PROTOCOL_VIOLATION, 0x1e),
      .conf = { .version = QUIC_VERSION_2 } }
};


static const violation_t  violation_rows_retry[] = {
    { "9000 8.1.2", "token of a Retry packet", FIRST, NULL, ACCEPTED,
      SEND(hello_retry), .conf = { .port = 1 } },
    { "9000 8.1.2", "token of a Retry packet, version 2", FIRST, NULL,
      ACCEPTED, SEND(hello_retry),
      .conf = { .port = 1, .version = QUIC_VERSION_2 } },
    { "9000 8.1.2", "token of a Retry packet with another DCID", FIRST, NULL,
      CLOSES(QUIC_INVALID_TOKEN, 0), SEND(hello_retry_dcid),
      .conf = { .port = 1 } },
    { "9369 5", "token of a Retry packet of another version", FIRST, NULL,
      CLOSES(QUIC_INVALID_TOKEN, 0), SEND(hello_retry_version),
      .conf = { .port = 1 } }
};


void
violations_hello(void)
{
    VIOLATIONS(violation_rows_retry);
    VIOLATIONS(violation_rows_params);
    VIOLATIONS(violation_rows_tls);
}
