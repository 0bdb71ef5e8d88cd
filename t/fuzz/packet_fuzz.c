
/*
 * A datagram of packets: the first byte of the input says how long our
 * connection IDs are, and whether the fixed bit is looked at.
 */

#include "fuzz.h"
#include "wire/quic_packet.h"
#include "wire/quic_varint.h"


static void
check_inside(quic_packet_t *pkt, ngx_str_t *s)
{
    fuzz_check(s->len == 0
               || (s->data >= pkt->data
                   && s->data + s->len <= pkt->data + pkt->len));
}


/* the same fields, written by us, are read as the same fields */

static void
check_rewrite(quic_packet_t *pkt)
{
    u_char         *buf, *p, *length;
    size_t          pn_len;
    quic_cid_t      dcid, scid;
    quic_packet_t   again;

    buf = malloc(QUIC_MAX_LONG_HEADER + 8 + pkt->token.len);

    quic_cid_set(&dcid, pkt->dcid.data, pkt->dcid.len);
    quic_cid_set(&scid, pkt->scid.data, pkt->scid.len);

    pn_len = (pkt->data[0] & QUIC_PN_LEN_MASK) + 1;

    p = quic_packet_write_long(buf, pkt->type, pkt->version, &dcid, &scid,
                               &pkt->token, 0x01020304, pn_len, &length);
    quic_packet_set_length(length, pn_len);

    fuzz_check(quic_packet_parse(&again, buf, p - buf, 0, 1) == NGX_OK);

    fuzz_check(again.type == pkt->type);
    fuzz_check(again.version == pkt->version);
    fuzz_check(again.pn_offset + pn_len == again.len);
    fuzz_check(again.len == (size_t) (p - buf));
    fuzz_check(fuzz_str_equal(&again.dcid, &pkt->dcid));
    fuzz_check(fuzz_str_equal(&again.scid, &pkt->scid));
    fuzz_check(fuzz_str_equal(&again.token, &pkt->token));

    free(buf);
}


static void
check_packet(quic_packet_t *pkt, u_char *data, size_t len, size_t cid_len)
{
    ngx_str_t  dcid;

    fuzz_check(pkt->data == data);
    fuzz_check(pkt->len > 0 && pkt->len <= len);
    fuzz_check(pkt->pn_offset <= pkt->len);

    check_inside(pkt, &pkt->dcid);
    check_inside(pkt, &pkt->scid);
    check_inside(pkt, &pkt->token);

    fuzz_check(quic_packet_dcid(data, len, cid_len, &dcid) == NGX_OK);
    fuzz_check(dcid.data == pkt->dcid.data && dcid.len == pkt->dcid.len);

    if (pkt->type < QUIC_PACKET_1RTT) {
        fuzz_check(quic_version_known(pkt->version));
        check_rewrite(pkt);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char         *p;
    size_t          cid_len;
    ngx_uint_t      fixed_bit;
    quic_packet_t   pkt;

    if (size == 0) {
        return 0;
    }

    cid_len = data[0] & 0x1f;
    fixed_bit = data[0] >> 7;

    p = fuzz_bytes(data) + 1;
    size--;

    while (quic_packet_parse(&pkt, p, size, cid_len, fixed_bit) == NGX_OK) {
        check_packet(&pkt, p, size, cid_len);

        p += pkt.len;
        size -= pkt.len;
    }

    return 0;
}
