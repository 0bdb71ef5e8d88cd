
/* A connection of the raw client's: its socket, TLS, and handshake. */

#include <ngx_config.h>
#include <ngx_core.h>
#include <poll.h>
#include "crypto/quic_random.h"
#include "client.h"


#define CLIENT_HELLO_PART  100
#define CLIENT_FIRST_REQUEST  40


static ngx_int_t client_secret(void *data, quic_level_e level,
    ngx_uint_t write, const quic_suite_t *suite, const u_char *secret,
    size_t len);
static ngx_int_t client_crypto_out(void *data, quic_level_e level,
    const u_char *buf, size_t len);
static ngx_int_t client_init_tls(client_t *c);
static size_t client_params(client_t *c, u_char *buf);
static ngx_int_t client_init_keys(client_t *c);
static int client_socket(client_t *c, uint32_t addr);
static ngx_int_t client_hello(client_t *c, client_state_e state);
static ngx_msec_t client_now(void);


static const quic_tls_ops_t  client_tls_ops = {
    client_secret,
    client_crypto_out,
    NULL,
    NULL
};


client_t *
client_create(const client_conf_t *conf)
{
    ngx_uint_t   i;
    client_t    *c;

    c = calloc(1, sizeof(client_t));
    if (c == NULL) {
        return NULL;
    }

    c->conf = *conf;
    c->version = conf->version ? conf->version : QUIC_VERSION_1;
    c->next_request = CLIENT_FIRST_REQUEST;
    c->least_initial = SIZE_MAX;

    for (i = 0; i < CLIENT_SPACES; i++) {
        c->space[i].largest = UINT64_MAX;
    }

    if (conf->token.len) {
        ngx_memcpy(c->token_data, conf->token.data, conf->token.len);
        c->token.data = c->token_data;
        c->token.len = conf->token.len;
    }

    c->odcid.len = 8;
    quic_random(c->odcid.data, c->odcid.len);
    c->dcid = c->odcid;

    c->scid.len = conf->empty_scid ? 0 : 8;
    quic_random(c->scid.data, c->scid.len);

    c->fd = conf->turn ? -1 : client_socket(c, conf->addr);

    if ((c->fd == -1 && conf->turn == NULL)
        || client_init_keys(c) != NGX_OK
        || client_init_tls(c) != NGX_OK)
    {
        fprintf(stderr, "no client\n");
        client_free(c);
        return NULL;
    }

    return c;
}


void
client_free(client_t *c)
{
    ngx_uint_t  i;

    if (c->tls) {
        test_tls_client_free(c->tls);
    }

    for (i = 0; i < QUIC_LEVELS; i++) {
        quic_keys_clear(&c->tx[i]);
        quic_keys_clear(&c->rx[i]);
    }

    quic_keys_clear(&c->next_rx);

    if (c->fd != -1) {
        (void) close(c->fd);
    }

    free(c);
}


static ngx_int_t
client_init_keys(client_t *c)
{
    return quic_keys_initial(&c->tx[QUIC_LEVEL_INITIAL],
                             &c->rx[QUIC_LEVEL_INITIAL], c->version,
                             c->dcid.data, c->dcid.len);
}


static ngx_int_t
client_init_tls(client_t *c)
{
    u_char                  params[1024];
    test_tls_client_conf_t  conf;

    ngx_memzero(&conf, sizeof(test_tls_client_conf_t));

    conf.server_name = c->conf.server_name ? c->conf.server_name
                                           : "localhost";
    conf.alpn = c->conf.alpn;
    conf.sigalg = c->conf.sigalg;
    conf.no_params = c->conf.no_params;
    conf.session = c->conf.session;
    conf.early = c->conf.early;
    conf.params = params;
    conf.params_len = client_params(c, params);

    c->tls = test_tls_client_create(&conf, &client_tls_ops, c);

    if (c->tls == NULL || test_tls_client_start(c->tls) != NGX_AGAIN) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* initial_source_connection_id, credit for streams, and what is asked for */

static size_t
client_params(client_t *c, u_char *buf)
{
    u_char  *p;

    p = buf;

    if (!c->conf.only_params) {
        p += client_hex(p, c->conf.credit ? c->conf.credit
                           : "04 04 #1000000 05 04 #1000000 07 04 #1000000 "
                             "09 01 03");
        *p++ = 0x0f;
        *p++ = c->scid.len;
        p = ngx_cpymem(p, c->scid.data, c->scid.len);
    }

    if (c->conf.params) {
        p += client_hex(p, c->conf.params);
    }

    return p - buf;
}


static ngx_int_t
client_secret(void *data, quic_level_e level, ngx_uint_t write,
    const quic_suite_t *suite, const u_char *secret, size_t len)
{
    client_t  *c = data;

    return quic_keys_set(write ? &c->tx[level] : &c->rx[level], suite,
                         c->version, secret, len);
}


static ngx_int_t
client_crypto_out(void *data, quic_level_e level, const u_char *buf,
    size_t len)
{
    client_t  *c = data;

    client_crypto_t  *crypto;

    crypto = &c->crypto[level];

    if (crypto->len + len > CLIENT_CRYPTO) {
        return NGX_ERROR;
    }

    ngx_memcpy(crypto->out + crypto->len, buf, len);
    crypto->len += len;

    return NGX_OK;
}


static int
client_socket(client_t *c, uint32_t addr)
{
    int                 fd, size;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1) {
        return -1;
    }

    size = 4 * 1024 * 1024;
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(int));

    ngx_memzero(&sin, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(addr ? addr : INADDR_LOOPBACK);

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        (void) close(fd);
        return -1;
    }

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((in_port_t) c->conf.port);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        (void) close(fd);
        return -1;
    }

    return fd;
}


ngx_int_t
client_rebind(client_t *c, uint32_t addr)
{
    int  fd;

    fd = client_socket(c, addr);
    if (fd == -1) {
        return NGX_ERROR;
    }

    (void) close(c->fd);
    c->fd = fd;

    return NGX_OK;
}


static ngx_msec_t
client_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void
client_read(client_t *c)
{
    ssize_t  n;
    u_char   buf[CLIENT_DATAGRAM];

    while (c->fd != -1
           && (n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
    {
        client_datagram(c, buf, n);
    }

    client_answer(c);
}


ngx_int_t
client_wait(client_t *c, ngx_uint_t (*done)(client_t *c), ngx_msec_t timeout)
{
    ngx_msec_t     now, end;
    struct pollfd  pfd;

    end = client_now() + timeout;

    for ( ;; ) {
        client_read(c);

        if (c->failed) {
            return NGX_ERROR;
        }

        if (done(c)) {
            return NGX_OK;
        }

        if (c->conf.turn) {

            if (c->conf.turn(c->conf.data) == 0) {
                return NGX_AGAIN;
            }

            continue;
        }

        now = client_now();

        if (now >= end) {
            return NGX_AGAIN;
        }

        pfd.fd = c->fd;
        pfd.events = POLLIN;

        (void) poll(&pfd, 1, end - now);
    }
}


ngx_uint_t
client_never(client_t *c)
{
    return 0;
}


ngx_uint_t
client_is_closed(client_t *c)
{
    return c->close.n != 0;
}


static ngx_uint_t
client_initial_acked(client_t *c)
{
    return c->close.n || c->space[0].acked[c->want]
           || c->packets[QUIC_PACKET_RETRY];
}


static ngx_uint_t
client_has_flight(client_t *c)
{
    return c->close.n || quic_keys_ready(&c->tx[QUIC_LEVEL_APP])
           || (c->packets[QUIC_PACKET_RETRY] && !c->retried);
}


static ngx_uint_t
client_is_done(client_t *c)
{
    return c->close.n || c->frames[QUIC_FT_HANDSHAKE_DONE];
}


static ngx_uint_t
client_is_acked(client_t *c)
{
    return c->close.n || c->space[2].acked[c->want];
}


ngx_uint_t
client_is_answered(client_t *c)
{
    client_stream_t  *s;

    s = client_stream(c, c->want);

    return c->close.n || s->fin || s->reset;
}


ngx_int_t
client_connect(client_t *c, client_state_e state)
{
    if (state == CLIENT_NEW || client_is_done(c)) {
        return NGX_OK;
    }

    if (!quic_keys_ready(&c->tx[QUIC_LEVEL_APP])) {
        c->hold = 1;
    }

    if (client_hello(c, state) != NGX_OK) {
        return NGX_ERROR;
    }

    if (state < CLIENT_ESTABLISHED) {
        return NGX_OK;
    }

    if (client_finish(c) != NGX_OK
        || client_wait(c, client_is_done, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return c->close.n ? NGX_ERROR : NGX_OK;
}


ngx_int_t
client_finish(client_t *c)
{
    size_t            from;
    client_crypto_t  *crypto;

    c->hold = 0;

    crypto = &c->crypto[QUIC_LEVEL_HANDSHAKE];
    from = crypto->sent;
    crypto->sent = crypto->len;

    return client_send_crypto(c, QUIC_LEVEL_HANDSHAKE, from, crypto->len);
}


/* the first part of the handshake, up to the server's flight */

static ngx_int_t
client_hello(client_t *c, client_state_e state)
{
    client_crypto_t  *crypto;

    crypto = &c->crypto[QUIC_LEVEL_INITIAL];

    if (state == CLIENT_INITIAL) {
        c->want = c->space[0].next_pn;
        crypto->sent = CLIENT_HELLO_PART;

        if (client_send_crypto(c, QUIC_LEVEL_INITIAL, 0, CLIENT_HELLO_PART)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return client_wait(c, client_initial_acked, CLIENT_TIMEOUT);
    }

    while (!quic_keys_ready(&c->tx[QUIC_LEVEL_APP])) {

        if (client_send_crypto(c, QUIC_LEVEL_INITIAL, crypto->sent,
                               crypto->len)
            != NGX_OK
            || client_wait(c, client_has_flight, CLIENT_TIMEOUT) != NGX_OK
            || c->close.n)
        {
            return NGX_ERROR;
        }

        crypto->sent = crypto->len;

        if (c->packets[QUIC_PACKET_RETRY] && !c->retried) {
            c->retried = 1;
            crypto->sent = 0;
        }
    }

    return NGX_OK;
}


ngx_int_t
client_send_hello(client_t *c)
{
    client_crypto_t  *crypto;

    crypto = &c->crypto[QUIC_LEVEL_INITIAL];

    c->hold = 1;
    crypto->sent = crypto->len;

    return client_send_crypto(c, QUIC_LEVEL_INITIAL, 0, crypto->len);
}


ngx_int_t
client_ping(client_t *c)
{
    c->want = c->space[2].next_pn;

    if (client_send_hex(c, QUIC_PACKET_1RTT, "01") != NGX_OK
        || client_wait(c, client_is_acked, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return c->close.n ? NGX_DECLINED : NGX_OK;
}


/* HEADERS: its length, QPACK's prefix, and :status 200 of the static table */

ngx_uint_t
client_is_200(client_stream_t *s)
{
    uint64_t        length;
    quic_cursor_t   cursor;
    static u_char   start[] = { 0, 0, 0xd9 };

    quic_cursor_init(&cursor, s->head, sizeof(s->head));

    if (quic_cursor_varint(&cursor) != 0x01) {
        return 0;
    }

    length = quic_cursor_varint(&cursor);

    return length >= sizeof(start)
           && ngx_memcmp(cursor.pos, start, sizeof(start)) == 0;
}


/* in QPACK's static table but for the name and the path */

ngx_int_t
client_get(client_t *c, const char *path)
{
    return client_get_in(c, QUIC_PACKET_1RTT, path);
}


ngx_int_t
client_get_in(client_t *c, quic_packet_type_e type, const char *path)
{
    size_t   len;
    u_char   frames[256], section[200], *p;

    c->want = c->next_request;
    c->next_request += 4;

    len = ngx_strlen(path);

    p = section + client_hex(section, "0000 d1 d7 50 09 6c6f63616c686f7374");
    *p++ = 0x51;
    *p++ = (u_char) len;
    p = ngx_cpymem(p, path, len);
    len = p - section;

    frames[0] = QUIC_FT_STREAM|QUIC_STREAM_LEN|QUIC_STREAM_FIN;

    p = quic_varint_write(frames + 1, c->want);
    p = quic_varint_write(p, 1 + quic_varint_len(len) + len);
    *p++ = 0x01;
    p = quic_varint_write(p, len);
    p = ngx_cpymem(p, section, len);

    return client_send(c, type, frames, p - frames);
}


ngx_int_t
client_request(client_t *c)
{
    client_stream_t  *s;

    if (client_get(c, "/") != NGX_OK
        || client_wait(c, client_is_answered, CLIENT_TIMEOUT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s = client_stream(c, c->want);

    if (c->close.n || !s->fin) {
        return NGX_DECLINED;
    }

    return client_is_200(s) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
client_goes_on(client_t *c)
{
    if (client_connect(c, CLIENT_ESTABLISHED) != NGX_OK) {
        return c->close.n ? NGX_DECLINED : NGX_ERROR;
    }

    return client_request(c);
}
