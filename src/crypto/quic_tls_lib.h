
/*
 * What BoringSSL and AWS-LC do differently: all of it, for the rest of the
 * sources they are the same.
 */

#ifndef _QUIC_TLS_LIB_H_INCLUDED_
#define _QUIC_TLS_LIB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/ssl.h>


/* a choice of suites, as bits */
#define QUIC_TLS_AES_128     0x01
#define QUIC_TLS_AES_256     0x02
#define QUIC_TLS_CHACHA20    0x04
#define QUIC_TLS_ALL_SUITES  0x07


#ifdef OPENSSL_IS_AWSLC

/* any choice is possible; what it has, for a message */

#define QUIC_TLS_LIB_SUITES                                                   \
    "AWS-LC has TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and "          \
    "TLS_CHACHA20_POLY1305_SHA256"


static ngx_inline ngx_uint_t
quic_tls_lib_suites(ngx_uint_t suites)
{
    return suites;
}


/* 1, or 0: no memory */

static ngx_inline int
quic_tls_lib_set_suites(SSL *ssl, ngx_uint_t suites)
{
    static const char *const  lists[] = {
        "",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    };

    return suites == QUIC_TLS_ALL_SUITES
           || SSL_set_ciphersuites(ssl, lists[suites]);
}


/* its number for keys on curves without a name */
#define QUIC_TLS_LIB_EC_EXPLICIT  X509_V_ERR_EC_KEY_EXPLICIT_PARAMS

#else

/* what it can do, for a message */

#define QUIC_TLS_LIB_SUITES                                                   \
    "BoringSSL can leave out ChaCha20, or all but TLS_AES_256_GCM_SHA384"


/* the widest choice among "suites" that there is a policy for, or 0 */

static ngx_inline ngx_uint_t
quic_tls_lib_suites(ngx_uint_t suites)
{
    if (suites == QUIC_TLS_ALL_SUITES) {
        return suites;
    }

    suites &= QUIC_TLS_AES_128|QUIC_TLS_AES_256;

    return (suites & QUIC_TLS_AES_256) ? suites : 0;
}


/*
 * A policy brings groups and signature algorithms of its own, and once it's
 * there can't be taken away: so it's never set for a whole SSL_CTX.
 */

static ngx_inline int
quic_tls_lib_set_suites(SSL *ssl, ngx_uint_t suites)
{
    if (suites == QUIC_TLS_ALL_SUITES) {
        return 1;
    }

    return SSL_set_compliance_policy(ssl, (suites & QUIC_TLS_AES_128)
                                          ? ssl_compliance_policy_fips_202205
                                     : ssl_compliance_policy_wpa3_192_202304)
           && SSL_set_signing_algorithm_prefs(ssl, NULL, 0)
           && SSL_set_verify_algorithm_prefs(ssl, NULL, 0);
}


/* it can't read such keys */
#define QUIC_TLS_LIB_EC_EXPLICIT  -1

#endif


#endif /* _QUIC_TLS_LIB_H_INCLUDED_ */
