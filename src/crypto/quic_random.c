
/*
 * Random bytes, a keyed hash, and two things that a compiler must not
 * optimise: all of them are the library's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/siphash.h>
#include "crypto/quic_random.h"


/*
 * RAND_bytes() of BoringSSL and AWS-LC doesn't fail: where there is no entropy
 * it ends the process.  It notices a fork() by itself, so that two workers
 * never draw the same bytes.
 */

void
quic_random(u_char *buf, size_t len)
{
    (void) RAND_bytes(buf, len);
}


uint64_t
quic_random_u64(void)
{
    uint64_t  value;

    quic_random((u_char *) &value, sizeof(value));

    return value;
}


/*
 * The key is made once and stays, or tables would lose what they hold; a
 * process forked after that has the same one, which harms nothing, since no
 * hash ever leaves the host.
 */

uint64_t
quic_hash(const u_char *data, size_t len)
{
    static uint64_t    key[2];
    static ngx_uint_t  ready;

    if (!ready) {
        quic_random((u_char *) key, sizeof(key));
        ready = 1;
    }

    return SIPHASH_24(key, data, len);
}


ngx_uint_t
quic_equal(const u_char *a, const u_char *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}


void
quic_wipe(void *p, size_t len)
{
    OPENSSL_cleanse(p, len);
}
