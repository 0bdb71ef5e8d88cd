
/*
 * What a host can prove to itself, across its workers, reloads and (with
 * quic_host_key in the configuration) restarts: its connection IDs, stateless
 * reset tokens, the tokens of Retry and NEW_TOKEN, and session tickets.  All
 * keys come from one secret by HKDF, a label for each use.
 */

#ifndef _QUIC_HOST_KEY_H_INCLUDED_
#define _QUIC_HOST_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/aead.h>
#include <openssl/aes.h>
#include "wire/quic_packet.h"


#define QUIC_HOST_SECRET_LEN  32
#define QUIC_TOKEN_MAX_LEN    128   /* of every token that we make */


typedef struct {
    AES_KEY          cid_seal;
    AES_KEY          cid_open;
    EVP_AEAD_CTX     token;
    u_char           reset[32];
    u_char           tickets[32];    /* what session tickets' keys are made of,
                                        see quic_ticket_keys_derive() */
} quic_host_key_t;


/*
 * From "len" bytes of any secret, at least 16.  NGX_OK, or NGX_ERROR (memory,
 * or the secret is too short).
 */
ngx_int_t quic_host_key_init(quic_host_key_t *hk, const u_char *secret,
    size_t len);

void quic_host_key_clear(quic_host_key_t *hk);

/*
 * Makes the reset tokens those of one host: whoever has the same secret but
 * another name, and can't know whether our connections live, can't end them
 * (RFC 9000, 21.11).  NGX_OK or NGX_ERROR (memory).
 */
ngx_int_t quic_host_key_bind(quic_host_key_t *hk, const u_char *name,
    size_t len);


/*
 * Connection IDs: one AES block holds (owner, counter, random).  Nobody
 * without the key can link two of them, or make one that opens to a given
 * owner.
 */

/* fills "cid" with 16 bytes; "owner" is the worker's process ID */
void quic_host_cid_seal(quic_host_key_t *hk, quic_cid_t *cid, uint32_t owner,
    uint32_t counter);

/*
 * NGX_OK with the owner, or NGX_DECLINED when it isn't one of ours (a check
 * value in the block, 32 bits, is wrong: one in 2^32 of what a client makes up
 * passes).
 */
ngx_int_t quic_host_cid_open(quic_host_key_t *hk, u_char *cid, size_t len,
    uint32_t *owner);

/* the stateless reset token of one of our CIDs; 16 bytes */
void quic_host_reset_token(quic_host_key_t *hk, u_char *cid, size_t len,
    u_char *token);


/*
 * Tokens for address validation (RFC 9000, 8.1): sealed with AEAD, bound to
 * the address (and port, for Retry).
 */

typedef enum {
    QUIC_TOKEN_RETRY = 1,
    QUIC_TOKEN_NEW = 2
} quic_token_type_e;


typedef struct {
    quic_token_type_e    type;
    uint32_t             version;   /* of the connection it was made for:
                                       RFC 9369, 5 */
    uint64_t             time;      /* microseconds, when it was made */
    quic_cid_t           odcid;     /* Retry: client's first DCID */
    quic_cid_t           rscid;     /* Retry: the SCID that we sent with it */
} quic_token_t;


/*
 * "addr" is the client's: for a Retry token its address and port are bound,
 * for NEW_TOKEN its address alone.  Returns the token's length in "buf"
 * (QUIC_TOKEN_MAX_LEN bytes), 0 on an error (no such type, or an address that
 * is neither IPv4 nor IPv6).
 */
size_t quic_host_token_seal(quic_host_key_t *hk, quic_token_t *token,
    struct sockaddr *addr, u_char *buf);

/*
 * NGX_OK; NGX_DECLINED when it isn't ours, is damaged, or is bound to another
 * address.  Neither age nor version is looked at: token->time, token->version.
 *
 * If "*is_retry" comes back non-zero with NGX_DECLINED, the token looks like a
 * Retry token of ours (first byte and length, unauthenticated): RFC 9000,
 * 8.1.3 wants INVALID_TOKEN then.
 */
ngx_int_t quic_host_token_open(quic_host_key_t *hk, quic_token_t *token,
    struct sockaddr *addr, ngx_str_t *data, ngx_uint_t *is_retry);


#endif /* _QUIC_HOST_KEY_H_INCLUDED_ */
