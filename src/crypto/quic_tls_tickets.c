
/*
 * Session tickets of a server context, and which of them may bring 0-RTT.
 *
 * The library looks for the keys in the context that a connection has begun
 * with, the default server's.  We hand it functions instead, that seal and open
 * with the keys of the server which the client has named.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_random.h"
#include "crypto/quic_tls_internal.h"


/* RFC 8446, 4.6.1: seconds */
#define QUIC_TLS_MAX_LIFETIME  (7 * 24 * 3600)

/* of keys that change with time, seconds, if tickets don't live longer */
#define QUIC_TLS_KEY_PERIOD    3600

/*
 * Seconds by which a client's word for the age of its ticket may differ from
 * what we know.  It's the library's own bound.
 */
#define QUIC_TLS_MAX_AGE_SKEW  60


static size_t quic_tls_ticket_overhead(SSL *ssl);
static int quic_tls_ticket_seal(SSL *ssl, uint8_t *out, size_t *out_len,
    size_t max_out_len, const uint8_t *in, size_t in_len);
static enum ssl_ticket_aead_result_t quic_tls_ticket_open(SSL *ssl,
    uint8_t *out, size_t *out_len, size_t max_out_len, const uint8_t *in,
    size_t in_len);
static void quic_tls_ticket_time(const SSL *ssl, struct timeval *tv);
static ngx_uint_t quic_tls_ticket_age_fits(quic_tls_t *tls);


static const SSL_TICKET_AEAD_METHOD  quic_tls_ticket_method = {
    quic_tls_ticket_overhead,
    quic_tls_ticket_seal,
    quic_tls_ticket_open
};


/* the library doesn't say for whom it asks quic_tls_ticket_time() */
static quic_tls_t  *quic_tls_in_handshake;


void
quic_tls_tickets_init(quic_tls_ctx_t *ctx)
{
    SSL_CTX_set_options(ctx->ssl_ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_ticket_aead_method(ctx->ssl_ctx, &quic_tls_ticket_method);
    SSL_CTX_set_current_time_cb(ctx->ssl_ctx, quic_tls_ticket_time);
}


void
quic_tls_ctx_lifetime(quic_tls_ctx_t *ctx, time_t lifetime)
{
    lifetime = ngx_min(lifetime, QUIC_TLS_MAX_LIFETIME);

    SSL_CTX_set_session_psk_dhe_timeout(ctx->ssl_ctx, (uint32_t) lifetime);
}


ngx_int_t
quic_tls_ctx_tickets(quic_tls_ctx_t *ctx, const quic_tls_tickets_t *conf,
    ngx_log_t *log)
{
    uint32_t   longest;
    ngx_int_t  rc;

    longest = (uint32_t) ngx_min(conf->longest, QUIC_TLS_MAX_LIFETIME);

    quic_ticket_keys_clear(&ctx->ticket_keys);

    if (conf->nfiles) {
        rc = quic_ticket_keys_init(&ctx->ticket_keys, conf->files,
                                   conf->nfiles, log);
    } else {
        rc = quic_ticket_keys_derive(&ctx->ticket_keys, conf->secret,
                                     ngx_max(longest, QUIC_TLS_KEY_PERIOD),
                                     log);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    SSL_CTX_clear_options(ctx->ssl_ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_early_data_enabled(ctx->ssl_ctx, conf->early_data);

    return NGX_OK;
}


/* what SSL_set_SSL_CTX() doesn't do for the new context */

void
quic_tls_tickets_use(quic_tls_t *tls, quic_tls_ctx_t *ctx)
{
    SSL_clear_options(tls->ssl, SSL_OP_NO_TICKET);
    SSL_set_options(tls->ssl, SSL_CTX_get_options(ctx->ssl_ctx));
}


void
quic_tls_tickets_chain(SSL *ssl)
{
    size_t                          i, len;
    const STACK_OF(CRYPTO_BUFFER)  *certs;

    len = 0;
    certs = SSL_get0_peer_certificates(ssl);

    for (i = 0; i < sk_CRYPTO_BUFFER_num(certs); i++) {
        len += CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(certs, i));
    }

    if (len > QUIC_TLS_MAX_TICKET_CHAIN) {
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
    }
}


static size_t
quic_tls_ticket_overhead(SSL *ssl)
{
    return QUIC_TICKET_OVERHEAD;
}


/*
 * A failure would end the handshake.  What can't be sealed is replaced by what
 * nobody can open: a full handshake for the client, when it comes back with it.
 */

static int
quic_tls_ticket_seal(SSL *ssl, uint8_t *out, size_t *out_len,
    size_t max_out_len, const uint8_t *in, size_t in_len)
{
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    *out_len = quic_ticket_seal(&tls->ctx->ticket_keys, time(NULL), in, in_len,
                                out);

    if (*out_len == 0) {
        *out_len = in_len + QUIC_TICKET_OVERHEAD;
        quic_random(out, *out_len);
    }

    return 1;
}


static enum ssl_ticket_aead_result_t
quic_tls_ticket_open(SSL *ssl, uint8_t *out, size_t *out_len,
    size_t max_out_len, const uint8_t *in, size_t in_len)
{
    quic_tls_t  *tls;

    tls = SSL_get_app_data(ssl);

    if (quic_ticket_open(&tls->ctx->ticket_keys, time(NULL), in, in_len, out,
                         out_len, &tls->ticket)
        != NGX_OK)
    {
        return ssl_ticket_aead_ignore_ticket;
    }

    tls->early_asks = tls->early_offered;

    return ssl_ticket_aead_success;
}


void
quic_tls_tickets_watch(quic_tls_t *tls)
{
    quic_tls_in_handshake = tls;
}


/*
 * A ticket is good for 0-RTT once, so whether it was is asked only when the
 * client has proved that it's its own, with the binder: anybody who has seen
 * it could use it up.  Between that and the decision on 0-RTT the library has
 * no hook but this: it asks what time it is, when it has taken the session.
 *
 * Should it ever do these things in another order, 0-RTT is still not taken
 * unasked, but who sends again what was sent has his handshake fail: see
 * quic_tls_secret().
 */

static void
quic_tls_ticket_time(const SSL *ssl, struct timeval *tv)
{
    quic_tls_t  *tls;

    ngx_gettimeofday(tv);

    tls = quic_tls_in_handshake;

    if (tls == NULL
        || !tls->early_asks
        || !SSL_session_reused(tls->ssl)
        || !quic_tls_ticket_age_fits(tls))
    {
        return;
    }

    /* the tickets of a connection whose 0-RTT is refused bring none, either */

    if (!quic_tls_tickets_early(tls)) {
        SSL_set_early_data_enabled(tls->ssl, 0);
    }
}


/*
 * RFC 8446, section 8: who offers 0-RTT may be somebody who has seen another
 * do it.  The library itself compares how old client and clock say the ticket
 * is, and refuses 0-RTT when that differs too much; within that time each
 * ticket must be good for it only once.
 */

static ngx_uint_t
quic_tls_ticket_age_fits(quic_tls_t *tls)
{
    int32_t  skew;

    skew = SSL_get_ticket_age_skew(tls->ssl);

    return skew >= -QUIC_TLS_MAX_AGE_SKEW && skew <= QUIC_TLS_MAX_AGE_SKEW;
}


ngx_uint_t
quic_tls_tickets_early(quic_tls_t *tls)
{
    if (tls->early_asks) {
        tls->early_asks = 0;
        tls->early_granted = tls->ops->early_data
                             && tls->ops->early_data(tls->data, tls->ticket)
                                == NGX_OK;
    }

    return tls->early_granted;
}


ngx_int_t
quic_tls_set_early_context(quic_tls_t *tls, const u_char *data, size_t len)
{
    if (!SSL_set_quic_early_data_context(tls->ssl, data, len)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
