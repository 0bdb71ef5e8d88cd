
/* Packet headers: the RFCs' examples, what is refused, round trips. */

#include "test.h"
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"


#define CID_LEN  8

/* the longest that is parsed here */
#define MAX      2048


static void
check_inside(quic_packet_t *pkt, ngx_str_t *s)
{
    assert_true(s->len == 0
                || (s->data >= pkt->data
                    && s->data + s->len <= pkt->data + pkt->len));
}


/* all that holds for any packet that is parsed, from "len" bytes */

static void
check_packet(quic_packet_t *pkt, u_char *data, size_t len)
{
    assert_ptr_equal(pkt->data, data);
    assert_in_range(pkt->len, 1, len);
    assert_true(pkt->pn_offset <= pkt->len);

    check_inside(pkt, &pkt->dcid);
    check_inside(pkt, &pkt->scid);
    check_inside(pkt, &pkt->token);
}


static ngx_int_t
parse(quic_packet_t *pkt, u_char *data, size_t len, ngx_uint_t fixed_bit)
{
    ngx_int_t  rc;
    ngx_str_t  dcid;

    rc = quic_packet_parse(pkt, data, len, CID_LEN, fixed_bit);

    if (rc == NGX_OK) {
        check_packet(pkt, data, len);

        assert_int_equal(quic_packet_dcid(data, len, CID_LEN, &dcid), NGX_OK);
        assert_int_equal(dcid.len, pkt->dcid.len);
        assert_ptr_equal(dcid.data, pkt->dcid.data);

    } else {
        assert_int_equal(rc, NGX_DECLINED);
    }

    return rc;
}


#define assert_str(s, hex)                                                    \
    do {                                                                      \
        u_char  _b[MAX];                                                      \
        size_t  _n = test_hex(_b, sizeof(_b), hex);                           \
        assert_int_equal((s).len, _n);                                        \
        assert_memory_equal((s).data, _b, _n);                                \
    } while (0)


/* RFC 9001 and RFC 9369, appendix A; headers as protected */

typedef struct {
    const char          *hex;
    size_t               rest;        /* bytes behind these */
    quic_packet_type_e   type;
    uint32_t             version;
    const char          *dcid;
    const char          *scid;
    const char          *token;
    size_t               pn_offset;
} example_t;


static example_t  examples[] = {

    { "c000000001088394c8f03e5157080000449e7b9aec34", 1178,
      QUIC_PACKET_INITIAL, QUIC_VERSION_1, "8394c8f03e515708", "", "", 18 },

    { "cf000000010008f067a5502a4262b5004075c0d9", 115,
      QUIC_PACKET_INITIAL, QUIC_VERSION_1, "", "f067a5502a4262b5", "", 18 },

    { "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f"
      "0f2496ba", 0,
      QUIC_PACKET_RETRY, QUIC_VERSION_1, "", "f067a5502a4262b5", "746f6b656e",
      0 },

    { "d76b3343cf088394c8f03e5157080000449ea0c95e82", 1178,
      QUIC_PACKET_INITIAL, QUIC_VERSION_2, "8394c8f03e515708", "", "", 18 },

    { "dc6b3343cf0008f067a5502a4262b5004075d92f", 115,
      QUIC_PACKET_INITIAL, QUIC_VERSION_2, "", "f067a5502a4262b5", "", 18 },

    { "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d9555436"
      "65dcc7b6", 0,
      QUIC_PACKET_RETRY, QUIC_VERSION_2, "", "f067a5502a4262b5", "746f6b656e",
      0 },

    /* types of both versions, without an example in the RFCs */

    { "d0 00000001 0101 0102 05", 5,
      QUIC_PACKET_0RTT, QUIC_VERSION_1, "01", "02", "", 10 },
    { "e0 00000001 0101 0102 05", 5,
      QUIC_PACKET_HANDSHAKE, QUIC_VERSION_1, "01", "02", "", 10 },
    { "e0 6b3343cf 0101 0102 05", 5,
      QUIC_PACKET_0RTT, QUIC_VERSION_2, "01", "02", "", 10 },
    { "f0 6b3343cf 0101 0102 05", 5,
      QUIC_PACKET_HANDSHAKE, QUIC_VERSION_2, "01", "02", "", 10 },
    { "c0 00000001 0101 0102 03aabbcc 05", 5,
      QUIC_PACKET_INITIAL, QUIC_VERSION_1, "01", "02", "aabbcc", 14 },

    /* other versions: RFC 8999, and the version list of RFC 9000, 17.2.1 */

    { "80 1a2a3a4a 0101 0102", 0,
      QUIC_PACKET_UNKNOWN_VERSION, 0x1a2a3a4a, "01", "02", "", 0 },
    { "ff 1a2a3a4a 00 00", 9,
      QUIC_PACKET_UNKNOWN_VERSION, 0x1a2a3a4a, "", "", "", 0 },
    { "80 00000000 0101 0102 000000016b3343cf", 0,
      QUIC_PACKET_VERSION_NEGOTIATION, 0, "01", "02", "000000016b3343cf", 0 },

    { "4c 0102030405060708", 20,
      QUIC_PACKET_1RTT, 0, "0102030405060708", "", "", 9 },
    { "40 0102030405060708", 0,
      QUIC_PACKET_1RTT, 0, "0102030405060708", "", "", 9 }
};


static size_t
example_bytes(example_t *e, u_char *buf)
{
    size_t  n;

    n = test_hex(buf, MAX, e->hex);
    ngx_memset(buf + n, 0xa5, e->rest);

    return n + e->rest;
}


static void
test_examples(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len;
    example_t      *e;
    quic_packet_t   pkt;

    for (e = examples; e < examples + test_array_len(examples); e++) {
        len = example_bytes(e, buf);
        data = test_dup(buf, len);

        assert_int_equal(parse(&pkt, data, len, 1), NGX_OK);

        assert_int_equal(pkt.type, e->type);
        assert_int_equal(pkt.version, e->version);
        assert_str(pkt.dcid, e->dcid);
        assert_str(pkt.scid, e->scid);
        assert_str(pkt.token, e->token);
        assert_int_equal(pkt.pn_offset, e->pn_offset);
        assert_int_equal(pkt.len, len);

        free(data);
    }
}


/* RFC 9001, A.5: no connection ID at all */

static void
test_short_without_cid(void **state)
{
    u_char         buf[32];
    size_t         len;
    quic_packet_t  pkt;

    len = test_hex(buf, sizeof(buf),
                   "4cfe4189655e5cd55c41f69080575d7999c25a5bfb");

    assert_int_equal(quic_packet_parse(&pkt, buf, len, 0, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_1RTT);
    assert_int_equal(pkt.dcid.len, 0);
    assert_int_equal(pkt.pn_offset, 1);
    assert_int_equal(pkt.len, len);
}


/* nothing is read behind the end, and no packet is longer than its datagram */

static void
test_truncated(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len, cut, min;
    ngx_int_t       rc;
    example_t      *e;
    quic_packet_t   pkt;

    for (e = examples; e < examples + test_array_len(examples); e++) {
        len = example_bytes(e, buf);

        /* those without a Length field only have what is to be there */

        switch (e->type) {
        case QUIC_PACKET_1RTT:
            min = 1 + CID_LEN;
            break;

        case QUIC_PACKET_UNKNOWN_VERSION:
            min = len - e->rest;
            break;

        case QUIC_PACKET_RETRY:
            min = 15 + 1 + QUIC_RETRY_TAG_LEN;
            break;

        default:
            min = len;
        }

        for (cut = 0; cut < len; cut++) {
            data = test_dup(buf, cut);
            rc = parse(&pkt, data, cut, 1);

            if (e->type == QUIC_PACKET_VERSION_NEGOTIATION) {
                assert_int_equal(rc, cut == len - 4 ? NGX_OK : NGX_DECLINED);

            } else {
                assert_int_equal(rc, cut < min ? NGX_DECLINED : NGX_OK);
            }

            free(data);
        }
    }
}


static void
test_coalesced(void **state)
{
    u_char          buf[MAX], *p;
    size_t          len;
    quic_packet_t   pkt;

    len = test_hex(buf, MAX, "c0 00000001 0101 0102 00 02 aaaa"
                             "e0 00000001 0101 0102    00"
                             "f0 6b3343cf 0101 0102    4001 bb"
                             "40 0102030405060708 cccc");
    p = buf;

    assert_int_equal(parse(&pkt, p, len, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_INITIAL);
    assert_int_equal(pkt.pn_offset, 11);
    assert_int_equal(pkt.len, 13);

    p += pkt.len;
    len -= pkt.len;

    assert_int_equal(parse(&pkt, p, len, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_HANDSHAKE);
    assert_int_equal(pkt.pn_offset, 10);
    assert_int_equal(pkt.len, 10);

    p += pkt.len;
    len -= pkt.len;

    assert_int_equal(parse(&pkt, p, len, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_HANDSHAKE);
    assert_int_equal(pkt.version, QUIC_VERSION_2);
    assert_int_equal(pkt.pn_offset, 11);
    assert_int_equal(pkt.len, 12);

    p += pkt.len;
    len -= pkt.len;

    assert_int_equal(parse(&pkt, p, len, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_1RTT);
    assert_int_equal(pkt.len, 11);
    assert_int_equal(pkt.len, len);
}


typedef struct {
    const char  *what;
    const char  *hex;
    ngx_int_t    strict;       /* with the fixed bit looked at */
    ngx_int_t    greased;      /* and without: RFC 9287 */
} refused_t;


static refused_t  refused[] = {
    { "short header, fixed bit 0", "00 0102030405060708 aa",
      NGX_DECLINED, NGX_OK },
    { "long header, fixed bit 0", "80 00000001 0101 0102 00 01 aa",
      NGX_DECLINED, NGX_OK },
    { "version 2, fixed bit 0", "b0 6b3343cf 0101 0102 01 aa",
      NGX_DECLINED, NGX_OK },
    { "fixed bit 0 in another version", "80 6b3343ce 0101 0102 01 aa",
      NGX_OK, NGX_OK },
    { "Length beyond the datagram", "c0 00000001 0101 0102 00 02 aa",
      NGX_DECLINED, NGX_DECLINED },
    { "Length of 2^62-1",
      "c0 00000001 0101 0102 00 ffffffffffffffff aa",
      NGX_DECLINED, NGX_DECLINED },
    { "token beyond the datagram", "c0 00000001 0101 0102 04 02 aa",
      NGX_DECLINED, NGX_DECLINED },
    { "token of 2^62-1",
      "c0 00000001 0101 0102 ffffffffffffffff 00",
      NGX_DECLINED, NGX_DECLINED },
    { "Retry without a token",
      "f0 00000001 0101 0102 000102030405060708090a0b0c0d0e0f",
      NGX_DECLINED, NGX_DECLINED },
    { "Version Negotiation without a version", "c0 00000000 0101 0102",
      NGX_DECLINED, NGX_DECLINED },
    { "DCID of 21 bytes in version 1",
      "e0 00000001 15 000102030405060708090a0b0c0d0e0f1011121314 00 01 aa",
      NGX_DECLINED, NGX_DECLINED },
    { "SCID of 21 bytes in version 2",
      "f0 6b3343cf 00 15 000102030405060708090a0b0c0d0e0f1011121314 01 aa",
      NGX_DECLINED, NGX_DECLINED },
    { "DCID of 20 bytes in version 1",
      "e0 00000001 14 000102030405060708090a0b0c0d0e0f10111213 00 01 aa",
      NGX_OK, NGX_OK },
    { "connection IDs of 21 bytes in another version",
      "e0 00000002 15 000102030405060708090a0b0c0d0e0f1011121314"
                  "15 000102030405060708090a0b0c0d0e0f1011121314",
      NGX_OK, NGX_OK },
    { "Length of 0", "c0 00000001 0101 0102 00 00",
      NGX_OK, NGX_OK }
};


static void
test_refused(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len;
    refused_t      *r;
    quic_packet_t   pkt;

    for (r = refused; r < refused + test_array_len(refused); r++) {
        len = test_hex(buf, sizeof(buf), r->hex);
        data = test_dup(buf, len);

        if (parse(&pkt, data, len, 1) != r->strict
            || parse(&pkt, data, len, 0) != r->greased)
        {
            fail_msg("%s", r->what);
        }

        free(data);
    }
}


static void
test_long_cids_of_other_versions(void **state)
{
    u_char          buf[7 + 2 * 255], *data;
    size_t          i;
    quic_packet_t   pkt;

    test_rand_bytes(buf, sizeof(buf));

    buf[0] = 0x80;
    buf[5] = 255;
    buf[6 + 255] = 255;

    for (i = 0; i < 2; i++) {
        ngx_memset(buf + 1, i ? 0xfa : 0x0a, 4);
        data = test_dup(buf, sizeof(buf));

        assert_int_equal(parse(&pkt, data, sizeof(buf), 1), NGX_OK);
        assert_int_equal(pkt.type, QUIC_PACKET_UNKNOWN_VERSION);
        assert_int_equal(pkt.dcid.len, 255);
        assert_int_equal(pkt.scid.len, 255);
        assert_ptr_equal(pkt.scid.data, data + 7 + 255);
        assert_int_equal(pkt.pn_offset, 0);

        free(data);
    }
}


static void
test_dcid(void **state)
{
    u_char     buf[] = "\x40" "12345678", *data;
    size_t     len;
    ngx_str_t  dcid;

    for (len = 0; len < 9; len++) {
        data = test_dup(buf, len);
        assert_int_equal(quic_packet_dcid(data, len, 8, &dcid), NGX_DECLINED);
        free(data);
    }

    assert_int_equal(quic_packet_dcid(buf, 9, 8, &dcid), NGX_OK);
    assert_ptr_equal(dcid.data, buf + 1);

    /* a long header's, whatever follows it */

    len = test_hex(buf, sizeof(buf), "80 deadbeef 02 aabb");
    assert_int_equal(quic_packet_dcid(buf, len, 8, &dcid), NGX_OK);
    assert_str(dcid, "aabb");

    assert_int_equal(quic_packet_dcid(buf, len - 1, 8, &dcid), NGX_DECLINED);
}


static void
test_versions(void **state)
{
    assert_true(quic_version_known(0x00000001));
    assert_true(quic_version_known(0x6b3343cf));
    assert_false(quic_version_known(0));
    assert_false(quic_version_known(2));
    assert_false(quic_version_known(0xff00001d));
}


/* RFC 9000, A.2 and A.3 */

static void
test_pn_examples(void **state)
{
    assert_int_equal(quic_pn_len(0xac5c02, 0xabe8b3), 2);
    assert_int_equal(quic_pn_len(0xace8fe, 0xabe8b3), 3);
    assert_int_equal(quic_pn_decode(0xa82f30ea, 0x9b32, 2), 0xa82f9b32);

    assert_int_equal(quic_pn_len(0, UINT64_MAX), 1);
    assert_int_equal(quic_pn_len(126, UINT64_MAX), 1);
    assert_int_equal(quic_pn_len(127, UINT64_MAX), 2);
    assert_int_equal(quic_pn_len(1ULL << 40, 0), 4);

    assert_int_equal(quic_pn_decode(UINT64_MAX, 0, 1), 0);
    assert_int_equal(quic_pn_decode(UINT64_MAX, 0x80, 1), 0x80);
    assert_int_equal(quic_pn_decode(UINT64_MAX, 0xff, 1), 0xff);
    assert_int_equal(quic_pn_decode(0xff, 0x00, 1), 0x100);
    assert_int_equal(quic_pn_decode(0x100, 0xff, 1), 0xff);

    /* no number above 2^62-1 comes out */

    assert_int_equal(quic_pn_decode(QUIC_VARINT_MAX, 0x00, 1),
                     QUIC_VARINT_MAX - 0xff);
    assert_int_equal(quic_pn_decode(QUIC_VARINT_MAX - 1, 0xffffffff, 4),
                     QUIC_VARINT_MAX);
}


/* A.3: the window is half of the range below the number that is expected, and
 * half of it above */

static void
test_pn_window(void **state)
{
    size_t    len;
    uint64_t  largest, expected, pn, half, n;
    uint64_t  starts[] = { 0, 999, 0xffff, 0x10000, 0xffffffff, 1ULL << 40 };

    for (len = 1; len <= 4; len++) {
        half = 1ULL << (8 * len - 1);

        for (n = 0; n < test_array_len(starts); n++) {
            largest = starts[n];
            expected = largest + 1;

            pn = expected + half;
            assert_int_equal(quic_pn_decode(largest, pn & (2 * half - 1), len),
                             pn);

            if (expected < half) {
                continue;
            }

            pn = expected - half + 1;
            assert_int_equal(quic_pn_decode(largest, pn & (2 * half - 1), len),
                             pn);

            /* the next one below is taken for the last one above */

            pn = expected - half;
            assert_int_equal(quic_pn_decode(largest, pn & (2 * half - 1), len),
                             pn + 2 * half);
        }
    }
}


/* the receiver has got some packet between the one that it acknowledged
 * last and the one it now gets: the number is understood */

static void
check_pn(uint64_t acked, uint64_t pn)
{
    size_t    len;
    uint64_t  largest, truncated;

    len = quic_pn_len(pn, acked);
    assert_in_range(len, 1, 4);

    truncated = pn & ((1ULL << (8 * len)) - 1);
    largest = acked + test_rand() % (pn - acked);

    assert_int_equal(quic_pn_decode(acked, truncated, len), pn);
    assert_int_equal(quic_pn_decode(largest, truncated, len), pn);
    assert_int_equal(quic_pn_decode(pn - 1, truncated, len), pn);

    if (len > 1) {
        truncated &= (1ULL << (8 * (len - 1))) - 1;
        largest = pn - acked;

        /* and no shorter one has the range that 17.1 asks for */

        assert_true(2 * largest >= 1ULL << (8 * (len - 1)));
    }
}


static void
test_pn_round_trip(void **state)
{
    uint64_t    acked, pn;
    ngx_uint_t  i;

    for (pn = 0; pn < 70000; pn++) {
        check_pn(UINT64_MAX, pn);
    }

    for (i = 0; i < 20000; i++) {
        acked = test_rand() >> (3 + test_rand() % 60);
        pn = acked + 1 + test_rand() % ((1ULL << (1 + test_rand() % 30)));

        check_pn(acked, pn);
    }
}


static void
random_cid(quic_cid_t *cid)
{
    cid->len = test_rand() % (QUIC_CID_MAX_LEN + 1);
    test_rand_bytes(cid->data, cid->len);
}


static size_t
write_random_long(u_char *buf, quic_packet_type_e type, uint32_t version,
    quic_cid_t *dcid, quic_cid_t *scid, ngx_str_t *token)
{
    u_char    *p, *length;
    size_t     pn_len, payload;
    uint64_t   pn;

    pn = test_rand() >> 2;
    pn_len = 1 + test_rand() % 4;
    payload = test_rand() % 1000;

    p = quic_packet_write_long(buf, type, version, dcid, scid, token, pn,
                               pn_len, &length);

    assert_true(p - buf <= QUIC_MAX_LONG_HEADER + 1 + (int) token->len);
    assert_int_equal(p - length, 2 + pn_len);
    assert_int_equal((buf[0] & QUIC_PN_LEN_MASK) + 1, pn_len);
    assert_int_equal(buf[0] & QUIC_LONG_RESERVED, 0);
    assert_int_equal(p[-1], pn & 0xff);

    ngx_memzero(p, payload);
    quic_packet_set_length(length, pn_len + payload);

    return p - buf + payload;
}


static void
test_write_long(void **state)
{
    u_char               buf[MAX], bytes[100];
    size_t               len;
    uint32_t             version;
    ngx_str_t            token;
    ngx_uint_t           i;
    quic_cid_t           dcid, scid;
    quic_packet_t        pkt;
    quic_packet_type_e   type;

    for (i = 0; i < 5000; i++) {
        type = test_rand() % 3;
        version = test_rand() % 2 ? QUIC_VERSION_1 : QUIC_VERSION_2;
        random_cid(&dcid);
        random_cid(&scid);

        token.data = bytes;
        token.len = test_rand() % sizeof(bytes);
        test_rand_bytes(bytes, token.len);

        len = write_random_long(buf, type, version, &dcid, &scid, &token);

        assert_int_equal(parse(&pkt, buf, len, 1), NGX_OK);
        assert_int_equal(pkt.type, type);
        assert_int_equal(pkt.version, version);
        assert_true(quic_cid_equal(&dcid, &pkt.dcid));
        assert_true(quic_cid_equal(&scid, &pkt.scid));
        assert_int_equal(pkt.len, len);

        if (type == QUIC_PACKET_INITIAL) {
            assert_int_equal(pkt.token.len, token.len);
            assert_memory_equal(pkt.token.data, bytes, token.len);

        } else {
            assert_int_equal(pkt.token.len, 0);
        }
    }
}


/* RFC 9001, A.2 and A.3, before the protection; RFC 9369, A.2 */

static void
test_write_long_examples(void **state)
{
    u_char      buf[QUIC_MAX_LONG_HEADER], *p, *length;
    ngx_str_t   s;
    quic_cid_t  dcid, scid, none;

    dcid.len = test_hex(dcid.data, sizeof(dcid.data), "8394c8f03e515708");
    scid.len = test_hex(scid.data, sizeof(scid.data), "f067a5502a4262b5");
    none.len = 0;

    s.data = buf;

    p = quic_packet_write_long(buf, QUIC_PACKET_INITIAL, QUIC_VERSION_1,
                               &dcid, &none, NULL, 2, 4, &length);
    quic_packet_set_length(length, 1182);
    s.len = p - buf;
    assert_str(s, "c300000001088394c8f03e5157080000449e00000002");

    p = quic_packet_write_long(buf, QUIC_PACKET_INITIAL, QUIC_VERSION_1,
                               &none, &scid, NULL, 1, 2, &length);
    quic_packet_set_length(length, 0x75);
    s.len = p - buf;
    assert_str(s, "c1000000010008f067a5502a4262b50040750001");

    p = quic_packet_write_long(buf, QUIC_PACKET_INITIAL, QUIC_VERSION_2,
                               &dcid, &none, NULL, 2, 4, &length);
    quic_packet_set_length(length, 1182);
    s.len = p - buf;
    assert_str(s, "d36b3343cf088394c8f03e5157080000449e00000002");
}


static void
test_write_short(void **state)
{
    u_char      buf[32], *p;
    ngx_str_t   s;
    quic_cid_t  cid;

    s.data = buf;
    cid.len = 0;

    /* RFC 9001, A.5 */

    p = quic_packet_write_short(buf, &cid, 0, 0, 654360564, 3);
    s.len = p - buf;
    assert_str(s, "4200bff4");

    quic_cid_set(&cid, (u_char *) "\x11\x22", 2);

    p = quic_packet_write_short(buf, &cid, 1, 0, 0x123456789a, 1);
    s.len = p - buf;
    assert_str(s, "44 1122 9a");

    p = quic_packet_write_short(buf, &cid, 0, 1, 0x123456789a, 4);
    s.len = p - buf;
    assert_str(s, "63 1122 3456789a");
}


static void
test_write_retry(void **state)
{
    u_char      buf[64];
    size_t      len, size;
    ngx_str_t   s, dcid, token;
    quic_cid_t  scid;

    ngx_str_set(&token, "token");
    ngx_str_null(&dcid);
    scid.len = test_hex(scid.data, sizeof(scid.data), "f067a5502a4262b5");

    s.data = buf;

    /* RFC 9001, A.4, and RFC 9369, A.4 */

    s.len = quic_packet_write_retry(buf, sizeof(buf), QUIC_VERSION_1, &dcid,
                                    &scid, &token);
    assert_str(s, "ff000000010008f067a5502a4262b5746f6b656e");

    s.len = quic_packet_write_retry(buf, sizeof(buf), QUIC_VERSION_2, &dcid,
                                    &scid, &token);
    assert_str(s, "cf6b3343cf0008f067a5502a4262b5746f6b656e");

    len = s.len + QUIC_RETRY_TAG_LEN;

    for (size = 0; size < len; size++) {
        assert_int_equal(quic_packet_write_retry(buf, size, QUIC_VERSION_1,
                                                 &dcid, &scid, &token), 0);
    }

    assert_int_equal(quic_packet_write_retry(buf, len, QUIC_VERSION_1, &dcid,
                                             &scid, &token), s.len);
}


static void
check_vn(u_char *buf, size_t len, ngx_str_t *dcid, ngx_str_t *scid)
{
    uint32_t        version;
    quic_cursor_t   c;
    quic_packet_t   pkt;

    assert_int_equal(parse(&pkt, buf, len, 1), NGX_OK);
    assert_int_equal(pkt.type, QUIC_PACKET_VERSION_NEGOTIATION);
    assert_true(buf[0] & QUIC_FIXED_BIT);

    assert_int_equal(pkt.dcid.len, scid->len);
    assert_memory_equal(pkt.dcid.data, scid->data, scid->len);
    assert_int_equal(pkt.scid.len, dcid->len);
    assert_memory_equal(pkt.scid.data, dcid->data, dcid->len);

    quic_cursor_init(&c, pkt.token.data, pkt.token.len);
    assert_int_equal(quic_cursor_u32(&c), QUIC_VERSION_1);
    assert_int_equal(quic_cursor_u32(&c), QUIC_VERSION_2);

    /* RFC 9000, section 15; and not one that clients use to force this */

    version = quic_cursor_u32(&c);
    assert_int_equal(version & 0x0f0f0f0f, 0x0a0a0a0a);
    assert_int_not_equal(version, 0x1a2a3a4a);
    assert_int_not_equal(version >> 28, version >> 4 & 0x0f);

    assert_int_equal(quic_cursor_left(&c), 0);
    assert_false(c.failed);
}


static void
test_write_vn(void **state)
{
    u_char      buf[1 + 4 + 2 * 256 + 12], bytes[255], other[255];
    size_t      size, len;
    ngx_str_t   dcid, scid;
    ngx_uint_t  i;

    dcid.data = bytes;
    scid.data = other;
    test_rand_bytes(bytes, sizeof(bytes));
    test_rand_bytes(other, sizeof(other));

    for (i = 0; i <= 255; i++) {
        dcid.len = i;
        scid.len = test_rand() % 256;

        len = quic_packet_write_vn(buf, sizeof(buf), &dcid, &scid, i);
        assert_int_equal(len, 7 + dcid.len + scid.len + 12);

        check_vn(buf, len, &dcid, &scid);
    }

    for (size = 0; size < len; size++) {
        assert_int_equal(quic_packet_write_vn(buf, size, &dcid, &scid, 1), 0);
    }

    assert_int_equal(quic_packet_write_vn(buf, len, &dcid, &scid, 1), len);
}


static void
test_cid_equal(void **state)
{
    ngx_str_t   s = ngx_string("abc");
    quic_cid_t  cid;

    quic_cid_set(&cid, (u_char *) "abc", 3);
    assert_true(quic_cid_equal(&cid, &s));

    s.len = 2;
    assert_false(quic_cid_equal(&cid, &s));

    quic_cid_set(&cid, (u_char *) "ax", 2);
    assert_false(quic_cid_equal(&cid, &s));
}


/* examples with bytes changed, cut, and plain garbage */

static void
test_mutations(void **state)
{
    u_char          buf[MAX], *data;
    size_t          len, n;
    ngx_uint_t      i, good;
    example_t      *e;
    quic_packet_t   pkt;

    good = 0;

    for (i = 0; i < 50000; i++) {
        e = &examples[test_rand() % test_array_len(examples)];

        len = example_bytes(e, buf);

        for (n = test_rand() % 4; n; n--) {
            buf[test_rand() % ngx_min(len, 24)] = (u_char) test_rand();
        }

        if (test_rand() % 2) {
            len = test_rand() % (len + 1);
        }

        if (test_rand() % 8 == 0) {
            test_rand_bytes(buf, len);
        }

        data = test_dup(buf, len);
        good += parse(&pkt, data, len, test_rand() % 2) == NGX_OK;
        free(data);
    }

    /* the loop gets somewhere */

    assert_in_range(good, 10000, 40000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_short_without_cid),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_coalesced),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_cids_of_other_versions),
        cmocka_unit_test(test_dcid),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_pn_examples),
        cmocka_unit_test(test_pn_window),
        cmocka_unit_test(test_pn_round_trip),
        cmocka_unit_test(test_write_long),
        cmocka_unit_test(test_write_long_examples),
        cmocka_unit_test(test_write_short),
        cmocka_unit_test(test_write_retry),
        cmocka_unit_test(test_write_vn),
        cmocka_unit_test(test_cid_equal),
        cmocka_unit_test(test_mutations)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
