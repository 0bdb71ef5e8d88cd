
/* Packet protection: the RFCs' vectors, round trips, tampering, updates. */

#include "test.h"
#include "crypto/quic_keys.h"
#include "quic_keys_vectors.h"


#define MAX_PACKET  17000


static const uint32_t  versions[] = { QUIC_VERSION_1, QUIC_VERSION_2 };
static const uint16_t  suites[] = { 0x1301, 0x1302, 0x1303 };


/* what the parser of headers would say of a packet */

static quic_packet_t
packet_at(u_char *data, size_t len, size_t pn_offset)
{
    quic_packet_t  pkt;

    ngx_memzero(&pkt, sizeof(quic_packet_t));

    pkt.data = data;
    pkt.len = len;
    pkt.pn_offset = pn_offset;

    return pkt;
}


static void
assert_hex(const u_char *data, size_t len, const char *hex)
{
    u_char  buf[MAX_PACKET];

    assert_int_equal(test_hex(buf, sizeof(buf), hex), len);
    assert_memory_equal(data, buf, len);
}


static void
set_random(quic_keys_t *k, uint16_t suite, uint32_t version)
{
    u_char               secret[48];
    const quic_suite_t  *s;

    s = quic_suite_by_id(suite);
    assert_non_null(s);

    test_rand_bytes(secret, sizeof(secret));

    assert_int_equal(quic_keys_set(k, s, version, secret,
                                   suite == 0x1302 ? 48 : 32),
                     NGX_OK);
}


static void
suite_rows(void **state)
{
    assert_string_equal(quic_suite_by_id(0x1301)->name,
                        "TLS_AES_128_GCM_SHA256");
    assert_string_equal(quic_suite_by_id(0x1302)->name,
                        "TLS_AES_256_GCM_SHA384");
    assert_string_equal(quic_suite_by_id(0x1303)->name,
                        "TLS_CHACHA20_POLY1305_SHA256");

    assert_true(quic_suite_by_id(0x1301)->confidentiality_limit == 1 << 23);
    assert_true(quic_suite_by_id(0x1302)->integrity_limit == 1ULL << 52);
    assert_true(quic_suite_by_id(0x1303)->integrity_limit == 1ULL << 36);

    assert_null(quic_suite_by_id(0));
    assert_null(quic_suite_by_id(0x1304));
    assert_null(quic_suite_by_id(0xffff));
}


/* both directions of Appendix A.2 or A.3 */

static void
check_packet(quic_keys_t *k, const char *header, const char *payload,
    size_t payload_len, size_t pn_len, uint64_t pn, const char *protected)
{
    u_char         buf[MAX_PACKET], plain[MAX_PACKET];
    size_t         header_len, len, n;
    uint64_t       truncated;
    ngx_str_t      opened;
    quic_packet_t  pkt;

    ngx_memzero(plain, sizeof(plain));
    n = test_hex(plain, sizeof(plain), payload);
    assert_true(n <= payload_len);

    header_len = test_hex(buf, sizeof(buf), header);
    ngx_memcpy(buf + header_len, plain, payload_len);
    len = header_len + payload_len + QUIC_TAG_LEN;

    assert_int_equal(quic_keys_seal(k, buf, header_len, pn_len, pn,
                                    payload_len),
                     NGX_OK);
    assert_hex(buf, len, protected);

    pkt = packet_at(buf, len, header_len - pn_len);

    assert_int_equal(quic_keys_unprotect(k, &pkt, &n, &truncated), NGX_OK);
    assert_int_equal(n, pn_len);
    assert_int_equal(truncated, pn & ((1ULL << 8 * pn_len) - 1));
    assert_hex(buf, header_len, header);

    assert_int_equal(quic_keys_open(k, &pkt, n, pn, &opened), NGX_OK);
    assert_ptr_equal(opened.data, buf + header_len);
    assert_int_equal(opened.len, payload_len);
    assert_memory_equal(opened.data, plain, payload_len);
}


static void
initial_vectors(void **state)
{
    u_char           dcid[8];
    ngx_uint_t       i;
    quic_keys_t      client, server;
    const vector_t  *v;

    test_hex(dcid, sizeof(dcid), "8394c8f03e515708");

    for (i = 0; i < test_array_len(vectors); i++) {
        v = &vectors[i];

        assert_int_equal(quic_keys_initial(&client, &server, v->version, dcid,
                                           sizeof(dcid)),
                         NGX_OK);

        assert_hex(client.secret, 32, v->client_secret);
        assert_hex(client.iv, QUIC_IV_LEN, v->client_iv);
        assert_hex(server.secret, 32, v->server_secret);
        assert_hex(server.iv, QUIC_IV_LEN, v->server_iv);

        check_packet(&client, v->client_header, v->client_payload, 1162, 4, 2,
                     v->client_packet);
        check_packet(&server, v->server_header, v->server_payload, 99, 2, 1,
                     v->server_packet);

        quic_keys_clear(&client);
        quic_keys_clear(&server);

        assert_false(quic_keys_ready(&client));
    }
}


/* either direction may be left out */

static void
initial_one_side(void **state)
{
    u_char           dcid[8];
    quic_keys_t      client, server;
    const vector_t  *v;

    v = &vectors[0];
    test_hex(dcid, sizeof(dcid), "8394c8f03e515708");

    assert_int_equal(quic_keys_initial(&client, NULL, v->version, dcid, 8),
                     NGX_OK);
    assert_int_equal(quic_keys_initial(NULL, &server, v->version, dcid, 8),
                     NGX_OK);

    assert_hex(client.secret, 32, v->client_secret);
    assert_hex(server.secret, 32, v->server_secret);

    assert_int_equal(quic_keys_initial(&client, &server, 0x1a2a3a4a, dcid, 8),
                     NGX_ERROR);

    /* RFC 9001, 5.2: after a Retry it may be empty */

    assert_int_equal(quic_keys_initial(&client, &server, QUIC_VERSION_1, dcid,
                                       0),
                     NGX_OK);

    quic_keys_clear(&client);
    quic_keys_clear(&server);
}


static void
retry_vectors(void **state)
{
    u_char           dcid[8], retry[64], tag[QUIC_RETRY_TAG_LEN];
    ngx_str_t        odcid, packet;
    ngx_uint_t       i;
    const vector_t  *v;

    odcid.data = dcid;
    odcid.len = test_hex(dcid, sizeof(dcid), "8394c8f03e515708");

    for (i = 0; i < test_array_len(vectors); i++) {
        v = &vectors[i];

        packet.data = retry;
        packet.len = test_hex(retry, sizeof(retry), v->retry)
                     - QUIC_RETRY_TAG_LEN;

        assert_int_equal(quic_retry_tag(v->version, &odcid, &packet, tag),
                         NGX_OK);
        assert_memory_equal(tag, retry + packet.len, QUIC_RETRY_TAG_LEN);

        dcid[7] ^= 1;
        assert_int_equal(quic_retry_tag(v->version, &odcid, &packet, tag),
                         NGX_OK);
        assert_memory_not_equal(tag, retry + packet.len, QUIC_RETRY_TAG_LEN);
        dcid[7] ^= 1;
    }
}


static void
retry_bounds(void **state)
{
    u_char     buf[1501], tag[QUIC_RETRY_TAG_LEN];
    ngx_str_t  odcid, packet;

    ngx_memzero(buf, sizeof(buf));

    odcid.data = buf;
    odcid.len = QUIC_CID_MAX_LEN;
    packet.data = buf;
    packet.len = 1500;

    assert_int_equal(quic_retry_tag(QUIC_VERSION_1, &odcid, &packet, tag),
                     NGX_OK);
    assert_int_equal(quic_retry_tag(0x1a2a3a4a, &odcid, &packet, tag),
                     NGX_ERROR);

    packet.len = 1501;
    assert_int_equal(quic_retry_tag(QUIC_VERSION_1, &odcid, &packet, tag),
                     NGX_ERROR);

    packet.len = 1500;
    odcid.len = QUIC_CID_MAX_LEN + 1;
    assert_int_equal(quic_retry_tag(QUIC_VERSION_1, &odcid, &packet, tag),
                     NGX_ERROR);
}


static void
chacha_vectors(void **state)
{
    u_char           secret[32];
    ngx_uint_t       i;
    quic_keys_t      k, next;
    const vector_t  *v;

    for (i = 0; i < test_array_len(vectors); i++) {
        v = &vectors[i];

        test_hex(secret, sizeof(secret), v->chacha_secret);

        assert_int_equal(quic_keys_set(&k, quic_suite_by_id(0x1303),
                                       v->version, secret, sizeof(secret)),
                         NGX_OK);
        assert_hex(k.iv, QUIC_IV_LEN, v->chacha_iv);

        check_packet(&k, "4200bff4", "01", 1, 3, 654360564, v->chacha_packet);

        assert_int_equal(quic_keys_next(&next, &k), NGX_OK);
        assert_hex(next.secret, 32, v->chacha_ku);

        quic_keys_clear(&next);
        quic_keys_clear(&k);
    }
}


/*
 * One packet of random header and payload there and back.  The buffers are as
 * large as they must be and no larger.
 */

static void
round_trip(quic_keys_t *sender, quic_keys_t *receiver, u_char first,
    size_t header_len, size_t pn_len, size_t len)
{
    size_t          n, i;
    u_char         *packet, *plain;
    uint64_t        pn, truncated;
    ngx_str_t       payload;
    quic_packet_t   pkt;

    packet = malloc(header_len + len + QUIC_TAG_LEN);
    plain = malloc(header_len + len);

    pn = test_rand() >> 2;

    test_rand_bytes(plain, header_len + len);
    plain[0] = (u_char) (first | (pn_len - 1));

    for (i = 0; i < pn_len; i++) {
        plain[header_len - 1 - i] = (u_char) (pn >> 8 * i);
    }

    ngx_memcpy(packet, plain, header_len + len);

    assert_int_equal(quic_keys_seal(sender, packet, header_len, pn_len, pn,
                                    len),
                     NGX_OK);

    if (len >= 16) {
        assert_memory_not_equal(packet + header_len, plain + header_len, len);
    }

    pkt = packet_at(packet, header_len + len + QUIC_TAG_LEN,
                    header_len - pn_len);

    assert_int_equal(quic_keys_unprotect(receiver, &pkt, &n, &truncated),
                     NGX_OK);
    assert_int_equal(n, pn_len);
    assert_int_equal(truncated, pn & ((1ULL << 8 * pn_len) - 1));

    assert_int_equal(quic_keys_open(receiver, &pkt, n, pn, &payload), NGX_OK);
    assert_int_equal(payload.len, len);
    assert_memory_equal(packet, plain, header_len + len);

    free(packet);
    free(plain);
}


static void
round_trips(void **state)
{
    size_t       pn_len, len;
    u_char       first;
    ngx_uint_t   i, j, n;
    quic_keys_t  sender, receiver;

    for (i = 0; i < test_array_len(suites); i++) {
        for (j = 0; j < test_array_len(versions); j++) {

            set_random(&sender, suites[i], versions[j]);

            assert_int_equal(quic_keys_set(&receiver, sender.suite,
                                           versions[j], sender.secret,
                                           suites[i] == 0x1302 ? 48 : 32),
                             NGX_OK);
            n = 0;

            for (len = 0; len <= 16384; len += len < 1500 ? 1 : 1361) {
                for (pn_len = 1; pn_len <= 4; pn_len++) {

                    if (pn_len + len < 4) {
                        continue;
                    }

                    first = (test_rand() & 1) ? 0xc0 : 0x40;

                    round_trip(&sender, &receiver, first,
                               1 + test_rand() % 60 + pn_len, pn_len, len);
                    n++;
                }
            }

            assert_int_equal(sender.sealed, n);

            quic_keys_clear(&sender);
            quic_keys_clear(&receiver);
        }
    }
}


/* any one bit of the packet, of any byte, changed: not opened */

static void
tampering(void **state)
{
    size_t         n, len, byte, header_len;
    u_char         packet[256], copy[256];
    uint64_t       truncated;
    ngx_str_t      payload;
    ngx_uint_t     i, bit;
    quic_keys_t    k;
    quic_packet_t  pkt;

    header_len = 20;
    len = header_len + 100 + QUIC_TAG_LEN;

    for (i = 0; i < test_array_len(suites); i++) {

        set_random(&k, suites[i], QUIC_VERSION_1);
        test_rand_bytes(packet, sizeof(packet));
        packet[0] = 0x43;
        ngx_memcpy(packet + 16, "\0\0\0\7", 4);

        assert_int_equal(quic_keys_seal(&k, packet, header_len, 4, 7, 100),
                         NGX_OK);

        for (byte = 0; byte < len; byte++) {
            for (bit = 0; bit < 8; bit++) {

                ngx_memcpy(copy, packet, sizeof(packet));
                copy[byte] ^= 1 << bit;
                pkt = packet_at(copy, len, 16);

                assert_int_equal(quic_keys_unprotect(&k, &pkt, &n, &truncated),
                                 NGX_OK);
                assert_int_equal(quic_keys_open(&k, &pkt, n, 7, &payload),
                                 NGX_DECLINED);
            }
        }

        /* another number of the same packet */

        ngx_memcpy(copy, packet, sizeof(packet));
        pkt = packet_at(copy, len, 16);
        assert_int_equal(quic_keys_unprotect(&k, &pkt, &n, &truncated),
                         NGX_OK);
        assert_int_equal(quic_keys_open(&k, &pkt, n, 8, &payload),
                         NGX_DECLINED);

        /* and the packet as it was */

        ngx_memcpy(copy, packet, sizeof(packet));
        pkt = packet_at(copy, len, 16);
        assert_int_equal(quic_keys_unprotect(&k, &pkt, &n, &truncated),
                         NGX_OK);
        assert_int_equal(quic_keys_open(&k, &pkt, n, 7, &payload), NGX_OK);

        quic_keys_clear(&k);
    }
}


/* cut off at any length: declined, and nothing behind the end is read */

static void
truncation(void **state)
{
    size_t          n, len;
    u_char          packet[64], *copy;
    uint64_t        truncated;
    ngx_int_t       rc;
    ngx_str_t       payload;
    ngx_uint_t      i;
    quic_keys_t     k;
    quic_packet_t   pkt;

    for (i = 0; i < test_array_len(suites); i++) {

        set_random(&k, suites[i], QUIC_VERSION_1);
        test_rand_bytes(packet, sizeof(packet));
        packet[0] = 0x41;

        assert_int_equal(quic_keys_seal(&k, packet, 19, 2, 7, 20), NGX_OK);

        for (len = 17; len < 19 + 20 + QUIC_TAG_LEN; len++) {
            copy = malloc(len);
            ngx_memcpy(copy, packet, len);
            pkt = packet_at(copy, len, 17);

            rc = quic_keys_unprotect(&k, &pkt, &n, &truncated);
            assert_int_equal(rc, len < 17 + 20 ? NGX_DECLINED : NGX_OK);

            if (rc == NGX_OK) {
                assert_int_equal(quic_keys_open(&k, &pkt, n, 7, &payload),
                                 NGX_DECLINED);
            }

            free(copy);
        }

        quic_keys_clear(&k);
    }
}


static void
key_update(void **state)
{
    size_t         n;
    u_char         packet[64];
    uint64_t       truncated;
    ngx_str_t      payload;
    ngx_uint_t     i, phase;
    quic_keys_t    ours[2], theirs[2];
    quic_packet_t  pkt;

    for (i = 0; i < test_array_len(suites); i++) {

        set_random(&ours[0], suites[i], QUIC_VERSION_2);

        assert_int_equal(quic_keys_set(&theirs[0], ours[0].suite,
                                       QUIC_VERSION_2, ours[0].secret,
                                       suites[i] == 0x1302 ? 48 : 32),
                         NGX_OK);

        for (phase = 0; phase < 10; phase++) {

            assert_int_equal(quic_keys_next(&ours[1], &ours[0]), NGX_OK);
            assert_int_equal(quic_keys_next(&theirs[1], &theirs[0]), NGX_OK);
            assert_int_equal(ours[1].sealed, 0);

            round_trip(&ours[1], &theirs[1], 0x40, 19, 2, 100);

            /*
             * The header protection of a packet is the same in all phases, but
             * the keys of the phase before don't open it.
             */

            test_rand_bytes(packet, sizeof(packet));
            packet[0] = 0x44;
            ngx_memcpy(packet + 17, "\7", 1);
            assert_int_equal(quic_keys_seal(&ours[1], packet, 18, 1, 7, 30),
                             NGX_OK);

            pkt = packet_at(packet, 18 + 30 + QUIC_TAG_LEN, 17);
            assert_int_equal(quic_keys_unprotect(&theirs[0], &pkt, &n,
                                                 &truncated),
                             NGX_OK);
            assert_int_equal(n, 1);
            assert_int_equal(truncated, 7);
            assert_int_equal(packet[0], 0x44);
            assert_int_equal(quic_keys_open(&theirs[0], &pkt, n, 7, &payload),
                             NGX_DECLINED);

            quic_keys_clear(&ours[0]);
            quic_keys_clear(&theirs[0]);
            ours[0] = ours[1];
            theirs[0] = theirs[1];
        }

        quic_keys_clear(&ours[0]);
        quic_keys_clear(&theirs[0]);
    }
}


/* RFC 9001, 6.6: a key that has sealed all it may seals no more */

static void
confidentiality_limit(void **state)
{
    u_char       packet[64];
    ngx_uint_t   i;
    quic_keys_t  k;

    ngx_memzero(packet, sizeof(packet));
    packet[0] = 0x40;

    for (i = 0; i < test_array_len(suites); i++) {
        set_random(&k, suites[i], QUIC_VERSION_1);

        k.sealed = k.suite->confidentiality_limit - 1;

        assert_int_equal(quic_keys_seal(&k, packet, 2, 1, 0, 30), NGX_OK);
        assert_int_equal(quic_keys_seal(&k, packet, 2, 1, 0, 30), NGX_ERROR);

        quic_keys_clear(&k);
    }
}


static void
bad_secrets(void **state)
{
    u_char       secret[64];
    quic_keys_t  k;

    ngx_memzero(secret, sizeof(secret));

    assert_int_equal(quic_keys_set(&k, quic_suite_by_id(0x1301),
                                   QUIC_VERSION_1, secret, 48),
                     NGX_ERROR);
    assert_false(quic_keys_ready(&k));

    assert_int_equal(quic_keys_set(&k, quic_suite_by_id(0x1302),
                                   QUIC_VERSION_1, secret, 32),
                     NGX_ERROR);
    assert_int_equal(quic_keys_set(&k, quic_suite_by_id(0x1301),
                                   0x1a2a3a4a, secret, 32),
                     NGX_ERROR);
    assert_false(quic_keys_ready(&k));

    /* never set, but zero */

    ngx_memzero(&k, sizeof(k));
    quic_keys_clear(&k);
    quic_keys_clear(&k);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(suite_rows),
        cmocka_unit_test(initial_vectors),
        cmocka_unit_test(initial_one_side),
        cmocka_unit_test(retry_vectors),
        cmocka_unit_test(retry_bounds),
        cmocka_unit_test(chacha_vectors),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(tampering),
        cmocka_unit_test(truncation),
        cmocka_unit_test(key_update),
        cmocka_unit_test(confidentiality_limit),
        cmocka_unit_test(bad_secrets)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
