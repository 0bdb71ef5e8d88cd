
/* A packet's end: what pads a datagram. */

#include "test.h"
#include "quic/quic_out.h"


#define PAYLOAD  100


static u_char               buf[1500];
static quic_out_datagram_t  d;


/* a datagram of an Initial packet that elicits an ACK, and a 1-RTT one */

static void
begin(ngx_uint_t eliciting)
{
    u_char             *p;
    ngx_uint_t          i;
    quic_out_packet_t  *packet;

    ngx_memzero(&d, sizeof(quic_out_datagram_t));
    ngx_memset(buf, 0xff, sizeof(buf));

    p = buf;

    for (i = 0; i < 2; i++) {
        packet = &d.packet[i];
        packet->start = p;
        packet->payload = p + 30;
        packet->pos = packet->payload + PAYLOAD;
        p = packet->pos + QUIC_TAG_LEN;
    }

    d.packet[0].level = QUIC_LEVEL_INITIAL;
    d.packet[0].eliciting = 1;
    d.packet[1].level = QUIC_LEVEL_APP;
    d.packet[1].eliciting = eliciting ? 1 : 0;

    d.n = 2;
    d.pos = p;
    d.end = buf + sizeof(buf);
}


static void
assert_padding(u_char first)
{
    u_char  *p;

    p = d.packet[1].payload + PAYLOAD;

    assert_int_equal(d.pos - buf, QUIC_MIN_INITIAL_SIZE);
    assert_ptr_equal(d.pos, d.packet[1].pos + QUIC_TAG_LEN);
    assert_int_equal(p[-1], 0xff);
    assert_int_equal(*p, first);

    while (++p < d.packet[1].pos) {
        assert_int_equal(*p, QUIC_FT_PADDING);
    }

    assert_int_equal(*p, 0xff);
}


/* RFC 9000, 14.1 */

static void
test_pad(void **state)
{
    begin(1);
    quic_out_pad(&d, buf);
    assert_padding(QUIC_FT_PADDING);
    assert_true(d.packet[1].eliciting);
}


/* RFC 9002, 2: it is in flight then, and has to leave it again */

static void
test_pad_elicits(void **state)
{
    begin(0);
    quic_out_pad(&d, buf);
    assert_padding(QUIC_FT_PING);
    assert_true(d.packet[1].eliciting);
}


/* an ACK of Initial packets, or no room within the amplification limit */

static void
test_no_padding(void **state)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {
        begin(0);
        len = d.pos - buf;

        if (i == 0) {
            d.packet[0].eliciting = 0;

        } else {
            d.end = buf + QUIC_MIN_INITIAL_SIZE - 1;
        }

        quic_out_pad(&d, buf);
        assert_int_equal(d.pos - buf, len);
        assert_false(d.packet[1].eliciting);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_pad_elicits),
        cmocka_unit_test(test_no_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
