
/*
 * Keys of session tickets (RFC 8446, 4.6.1), which a server seals for itself:
 * nothing is stored, and every process with the same keys can open them.
 *
 * They come from an operator's files, of which the first one seals; or from a
 * secret and the time, so that all processes of a host go on to the next key
 * at the same moment without a word to each other.
 */

#ifndef _QUIC_TICKET_KEYS_H_INCLUDED_
#define _QUIC_TICKET_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/aead.h>


#define QUIC_TICKET_NAME_LEN    16
#define QUIC_TICKET_NONCE_LEN   24
#define QUIC_TICKET_TAG_LEN     16
#define QUIC_TICKET_SECRET_LEN  32

/* of a ticket, besides what is sealed */
#define QUIC_TICKET_OVERHEAD                                                  \
    (QUIC_TICKET_NAME_LEN + QUIC_TICKET_NONCE_LEN + QUIC_TICKET_TAG_LEN)


typedef struct {
    u_char               name[QUIC_TICKET_NAME_LEN];
    EVP_AEAD_CTX         aead;
} quic_ticket_key_t;


typedef struct {
    quic_ticket_key_t   *key;        /* the first one seals */
    ngx_uint_t           n;

    /* keys that change with time; period 0: they don't */
    uint64_t             period;     /* seconds */
    uint64_t             epoch;      /* of the first key */
    u_char               secret[QUIC_TICKET_SECRET_LEN];
} quic_ticket_keys_t;


/*
 * Keys of "n" secrets of 16 bytes or more each: what stands in files.  NGX_OK
 * or NGX_ERROR (memory).  "keys" is new, or has been cleared.
 */
ngx_int_t quic_ticket_keys_init(quic_ticket_keys_t *keys, ngx_str_t *secrets,
    ngx_uint_t n, ngx_log_t *log);

/*
 * Keys that change every "period" seconds, made of a secret of
 * QUIC_TICKET_SECRET_LEN bytes.  What was sealed with one is opened for another
 * period after it, so for "period" seconds at least.
 */
ngx_int_t quic_ticket_keys_derive(quic_ticket_keys_t *keys,
    const u_char *secret, uint64_t period, ngx_log_t *log);

/* wipes them */
void quic_ticket_keys_clear(quic_ticket_keys_t *keys);

/*
 * "now" is in seconds since 1970.  Writes the ticket to "out", which has room
 * for QUIC_TICKET_OVERHEAD bytes more than "len"; returns its length, 0: failed.
 */
size_t quic_ticket_seal(quic_ticket_keys_t *keys, uint64_t now,
    const u_char *in, size_t len, u_char *out);

/*
 * NGX_OK with what was sealed in "out", which has room for "len" bytes, and its
 * length; NGX_DECLINED: it isn't one of ours, or is too old.  "*id" is a number
 * that no other ticket has.
 */
ngx_int_t quic_ticket_open(quic_ticket_keys_t *keys, uint64_t now,
    const u_char *in, size_t len, u_char *out, size_t *out_len, uint64_t *id);


#endif /* _QUIC_TICKET_KEYS_H_INCLUDED_ */
