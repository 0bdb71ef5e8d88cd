
/*
 * Address validation tokens: nothing that we haven't made opens, whatever was
 * done to one of ours.  The first byte of the input chooses the kind, the
 * address, and whether the rest is taken as it is or is put over a real token
 * (two bytes each: where, and what to change there).
 */

#include "fuzz.h"
#include "crypto/quic_host_key.h"


static quic_host_key_t  host_key;


static size_t
make(quic_token_type_e type, struct sockaddr *addr, u_char *buf)
{
    static const u_char  secret[] = "the secret of a fuzzer";

    quic_token_t  token;

    if (host_key.reset[0] == 0
        && quic_host_key_init(&host_key, secret, sizeof(secret)) != NGX_OK)
    {
        abort();
    }

    ngx_memzero(&token, sizeof(quic_token_t));

    token.type = type;
    token.version = QUIC_VERSION_1;
    token.time = 1234567;

    if (type == QUIC_TOKEN_RETRY) {
        quic_cid_set(&token.odcid, (u_char *) "original", 8);
        quic_cid_set(&token.rscid, (u_char *) "0123456789abcdef", 16);
    }

    return quic_host_token_seal(&host_key, &token, addr, buf);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                buf[2 * QUIC_TOKEN_MAX_LEN], real[QUIC_TOKEN_MAX_LEN];
    size_t                i, len;
    ngx_int_t             rc;
    ngx_str_t             str;
    ngx_uint_t            is_retry;
    quic_token_t          token;
    struct sockaddr_in    sin;
    quic_token_type_e     type;

    if (size == 0) {
        return 0;
    }

    ngx_memzero(&sin, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(4433);

    type = (data[0] & 1) ? QUIC_TOKEN_RETRY : QUIC_TOKEN_NEW;
    len = make(type, (struct sockaddr *) &sin, real);

    fuzz_check(len > 0 && len <= QUIC_TOKEN_MAX_LEN);

    ngx_memcpy(buf, real, len);

    str.data = buf;
    str.len = len;

    if (data[0] & 2) {
        for (i = 1; i + 1 < size; i += 2) {
            buf[data[i] % len] ^= data[i + 1];
        }

    } else {
        str.len = ngx_min(size - 1, sizeof(buf));
        ngx_memcpy(buf, data + 1, str.len);
    }

    if (data[0] & 4) {
        sin.sin_addr.s_addr = 1;
    }

    rc = quic_host_token_open(&host_key, &token, (struct sockaddr *) &sin,
                              &str, &is_retry);

    if (rc == NGX_OK) {
        fuzz_check(str.len == len && ngx_memcmp(buf, real, len) == 0);
        fuzz_check((data[0] & 4) == 0);
        fuzz_check(token.type == type && token.time == 1234567);
    }

    fuzz_check(!is_retry || (str.len && buf[0] == QUIC_TOKEN_RETRY));

    return 0;
}
