
/* Keys of session tickets: what opens what, and for how long. */

#include "test.h"
#include "crypto/quic_ticket_keys.h"


#define PERIOD  3600
#define NOW     (1000000ULL * PERIOD + 17)

#define TEXT    "a session"
#define LEN     (sizeof(TEXT) - 1)


static ngx_log_t  test_log;

static u_char     secret[QUIC_TICKET_SECRET_LEN] = { 1, 2, 3 };
static u_char     bytes[80] = { 4, 5, 6 };


static void
derive(quic_ticket_keys_t *keys, const u_char *from, uint64_t period)
{
    assert_int_equal(quic_ticket_keys_derive(keys, from, period, &test_log),
                     NGX_OK);
}


/* of files with these lengths, each of them the beginning of "bytes" */

static void
files(quic_ticket_keys_t *keys, size_t *len, ngx_uint_t n)
{
    ngx_str_t   secrets[4];
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        secrets[i].data = bytes;
        secrets[i].len = len[i];
    }

    assert_int_equal(quic_ticket_keys_init(keys, secrets, n, &test_log),
                     NGX_OK);
}


static ngx_str_t
seal(quic_ticket_keys_t *keys, uint64_t now)
{
    ngx_str_t  ticket;

    ticket.data = malloc(LEN + QUIC_TICKET_OVERHEAD);
    ticket.len = quic_ticket_seal(keys, now, (u_char *) TEXT, LEN,
                                  ticket.data);

    assert_int_equal(ticket.len, LEN + QUIC_TICKET_OVERHEAD);

    return ticket;
}


static ngx_int_t
open_ticket(quic_ticket_keys_t *keys, uint64_t now, ngx_str_t *ticket,
    uint64_t *id)
{
    size_t     len;
    u_char    *in, *out;
    ngx_int_t  rc;

    in = malloc(ticket->len ? ticket->len : 1);
    out = malloc(ticket->len ? ticket->len : 1);
    ngx_memcpy(in, ticket->data, ticket->len);

    rc = quic_ticket_open(keys, now, in, ticket->len, out, &len, id);

    if (rc == NGX_OK) {
        assert_int_equal(len, LEN);
        assert_memory_equal(out, TEXT, LEN);
    }

    free(in);
    free(out);

    return rc;
}


static ngx_int_t
opens(quic_ticket_keys_t *keys, uint64_t now, ngx_str_t *ticket)
{
    uint64_t  id;

    return open_ticket(keys, now, ticket, &id);
}


static void
by_file(void **state)
{
    ngx_str_t           old_ticket, ticket;
    quic_ticket_keys_t  old, keys, rotated;

    files(&old, (size_t[]) { 48 }, 1);
    files(&keys, (size_t[]) { 80 }, 1);
    files(&rotated, (size_t[]) { 80, 48 }, 2);

    old_ticket = seal(&old, NOW);
    ticket = seal(&rotated, NOW);

    assert_int_equal(opens(&old, NOW, &old_ticket), NGX_OK);
    assert_int_equal(opens(&keys, NOW, &old_ticket), NGX_DECLINED);
    assert_int_equal(opens(&rotated, NOW, &old_ticket), NGX_OK);

    /* the first of them seals; they are as good as ever at any time */

    assert_int_equal(opens(&keys, NOW, &ticket), NGX_OK);
    assert_int_equal(opens(&old, NOW, &ticket), NGX_DECLINED);
    assert_int_equal(opens(&rotated, NOW + 1000 * PERIOD, &ticket), NGX_OK);
    assert_int_equal(opens(&rotated, 0, &ticket), NGX_OK);

    free(old_ticket.data);
    free(ticket.data);
    quic_ticket_keys_clear(&old);
    quic_ticket_keys_clear(&keys);
    quic_ticket_keys_clear(&rotated);
}


/* two processes with one secret, and their clocks */

static void
by_time(void **state)
{
    int64_t              age;
    uint64_t             now;
    ngx_str_t            ticket;
    quic_ticket_keys_t   one, two, other;

    derive(&one, secret, PERIOD);
    derive(&two, secret, PERIOD);
    derive(&other, secret, 2 * PERIOD);

    ticket = seal(&one, NOW);

    for (age = -3 * PERIOD; age <= 3 * PERIOD; age += PERIOD / 4) {
        now = NOW + age;

        assert_int_equal(opens(&two, now, &ticket),
                         now / PERIOD + 1 < NOW / PERIOD
                         || now / PERIOD > NOW / PERIOD + 1
                         ? NGX_DECLINED : NGX_OK);
    }

    /* who has moved on can come back */

    assert_int_equal(opens(&one, NOW + 5 * PERIOD, &ticket), NGX_DECLINED);
    assert_int_equal(opens(&one, NOW, &ticket), NGX_OK);

    /* a period of another length has other keys */

    assert_int_equal(opens(&other, NOW, &ticket), NGX_DECLINED);
    free(ticket.data);

    /* the last second of a period */

    ticket = seal(&one, 7 * PERIOD - 1);
    assert_int_equal(opens(&two, 8 * PERIOD - 1, &ticket), NGX_OK);
    assert_int_equal(opens(&two, 8 * PERIOD, &ticket), NGX_DECLINED);
    free(ticket.data);

    quic_ticket_keys_clear(&one);
    quic_ticket_keys_clear(&two);
    quic_ticket_keys_clear(&other);
}


static void
other_secret(void **state)
{
    u_char               wrong[QUIC_TICKET_SECRET_LEN];
    ngx_str_t            ticket;
    quic_ticket_keys_t   one, two;

    ngx_memcpy(wrong, secret, sizeof(wrong));
    wrong[QUIC_TICKET_SECRET_LEN - 1] ^= 1;

    derive(&one, secret, PERIOD);
    derive(&two, wrong, PERIOD);

    ticket = seal(&one, NOW);
    assert_int_equal(opens(&two, NOW, &ticket), NGX_DECLINED);
    free(ticket.data);

    quic_ticket_keys_clear(&one);
    quic_ticket_keys_clear(&two);
}


/* no bit of it may change, no byte be missing */

static void
damaged(void **state)
{
    size_t               i;
    ngx_str_t            ticket, part;
    ngx_uint_t           bit;
    quic_ticket_keys_t   keys;

    derive(&keys, secret, PERIOD);
    ticket = seal(&keys, NOW);

    for (i = 0; i < ticket.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            ticket.data[i] ^= 1 << bit;
            assert_int_equal(opens(&keys, NOW, &ticket), NGX_DECLINED);
            ticket.data[i] ^= 1 << bit;
        }

        part.data = ticket.data;
        part.len = i;
        assert_int_equal(opens(&keys, NOW, &part), NGX_DECLINED);
    }

    assert_int_equal(opens(&keys, NOW, &ticket), NGX_OK);

    free(ticket.data);
    quic_ticket_keys_clear(&keys);
}


static void
numbers(void **state)
{
    uint64_t             id, again, last;
    ngx_str_t            ticket;
    ngx_uint_t           i;
    quic_ticket_keys_t   keys;

    derive(&keys, secret, PERIOD);
    last = 0;

    for (i = 0; i < 100; i++) {
        ticket = seal(&keys, NOW);

        assert_int_equal(open_ticket(&keys, NOW, &ticket, &id), NGX_OK);
        assert_int_equal(open_ticket(&keys, NOW + PERIOD, &ticket, &again),
                         NGX_OK);
        assert_int_equal(id, again);
        assert_int_not_equal(id, last);

        last = id;
        free(ticket.data);
    }

    quic_ticket_keys_clear(&keys);
}


/* without keys there are no tickets */

static void
none(void **state)
{
    u_char              buf[LEN + QUIC_TICKET_OVERHEAD];
    ngx_str_t           ticket;
    quic_ticket_keys_t  keys;

    ngx_memzero(&keys, sizeof(keys));
    ngx_memzero(buf, sizeof(buf));

    assert_int_equal(quic_ticket_seal(&keys, NOW, (u_char *) TEXT, LEN, buf),
                     0);

    ticket.data = buf;
    ticket.len = sizeof(buf);
    assert_int_equal(opens(&keys, NOW, &ticket), NGX_DECLINED);

    quic_ticket_keys_clear(&keys);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(by_file),
        cmocka_unit_test(by_time),
        cmocka_unit_test(other_secret),
        cmocka_unit_test(damaged),
        cmocka_unit_test(numbers),
        cmocka_unit_test(none)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
