
/*
 * What a connection's TLS has agreed on and learned, as text: nginx's $ssl_
 * variables, spelled as its OpenSSL does.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "crypto/quic_tls_internal.h"


/* non-zero: it's written */

typedef int (*quic_tls_print_pt)(BIO *bio, X509 *x509);


static int quic_tls_print_pem(BIO *bio, X509 *x509);
static int quic_tls_print_subject(BIO *bio, X509 *x509);
static int quic_tls_print_issuer(BIO *bio, X509 *x509);
static int quic_tls_print_subject_legacy(BIO *bio, X509 *x509);
static int quic_tls_print_issuer_legacy(BIO *bio, X509 *x509);
static int quic_tls_print_oneline(BIO *bio, X509_NAME *name);
static int quic_tls_print_serial(BIO *bio, X509 *x509);
static int quic_tls_print_fingerprint(BIO *bio, X509 *x509);
static int quic_tls_print_start(BIO *bio, X509 *x509);
static int quic_tls_print_end(BIO *bio, X509 *x509);
static void quic_tls_print_suites(BIO *bio, quic_tls_t *tls);
static void quic_tls_print_groups(BIO *bio, quic_tls_t *tls);
static void quic_tls_print_number(BIO *bio, uint16_t n);
static ngx_int_t quic_tls_text_take(BIO *bio, ngx_str_t *text);


static const quic_tls_print_pt  quic_tls_prints[] = {
    quic_tls_print_pem,
    quic_tls_print_subject,
    quic_tls_print_issuer,
    quic_tls_print_subject_legacy,
    quic_tls_print_issuer_legacy,
    quic_tls_print_serial,
    quic_tls_print_fingerprint,
    quic_tls_print_start,
    quic_tls_print_end
};


ngx_int_t
quic_tls_client_text(quic_tls_t *tls, quic_tls_client_text_e what,
    ngx_str_t *text)
{
    BIO        *bio;
    X509       *x509;
    ngx_int_t   rc;

    ngx_str_null(text);

    x509 = SSL_get_peer_certificate(tls->ssl);

    if (x509 == NULL) {
        return NGX_OK;
    }

    rc = NGX_ERROR;
    bio = BIO_new(BIO_s_mem());

    if (bio && quic_tls_prints[what](bio, x509)) {
        rc = quic_tls_text_take(bio, text);
    }

    BIO_free(bio);
    X509_free(x509);
    ERR_clear_error();

    return rc;
}


ngx_int_t
quic_tls_offered_text(quic_tls_t *tls, ngx_uint_t groups, ngx_str_t *text)
{
    BIO        *bio;
    ngx_int_t   rc;

    ngx_str_null(text);

    bio = BIO_new(BIO_s_mem());
    if (bio == NULL) {
        return NGX_ERROR;
    }

    if (groups) {
        quic_tls_print_groups(bio, tls);

    } else {
        quic_tls_print_suites(bio, tls);
    }

    rc = quic_tls_text_take(bio, text);

    BIO_free(bio);

    return rc;
}


ngx_int_t
quic_tls_id(quic_tls_t *tls, u_char id[QUIC_TLS_ID_LEN])
{
    static const char  label[] = "EXPERIMENTAL nginx session id";

    if (SSL_in_init(tls->ssl)
        || !SSL_export_keying_material(tls->ssl, id, QUIC_TLS_ID_LEN, label,
                                       sizeof(label) - 1, NULL, 0, 0))
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
quic_tls_text_free(ngx_str_t *text)
{
    OPENSSL_free(text->data);
    ngx_str_null(text);
}


ngx_int_t
quic_tls_client_expires(quic_tls_t *tls, time_t *t)
{
    X509       *x509;
    ngx_int_t   rc;

    x509 = SSL_get_peer_certificate(tls->ssl);

    if (x509 == NULL) {
        return NGX_DECLINED;
    }

    rc = ASN1_TIME_to_time_t(X509_get0_notAfter(x509), t) ? NGX_OK
                                                          : NGX_ERROR;
    X509_free(x509);

    return rc;
}


static ngx_int_t
quic_tls_text_take(BIO *bio, ngx_str_t *text)
{
    size_t         len;
    const u_char  *p;

    if (!BIO_mem_contents(bio, &p, &len)) {
        return NGX_ERROR;
    }

    if (len == 0) {
        return NGX_OK;
    }

    text->data = OPENSSL_memdup(p, len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = len;

    return NGX_OK;
}


static int
quic_tls_print_pem(BIO *bio, X509 *x509)
{
    return PEM_write_bio_X509(bio, x509);
}


static int
quic_tls_print_subject(BIO *bio, X509 *x509)
{
    return X509_NAME_print_ex(bio, X509_get_subject_name(x509), 0,
                              XN_FLAG_RFC2253)
           >= 0;
}


static int
quic_tls_print_issuer(BIO *bio, X509 *x509)
{
    return X509_NAME_print_ex(bio, X509_get_issuer_name(x509), 0,
                              XN_FLAG_RFC2253)
           >= 0;
}


static int
quic_tls_print_subject_legacy(BIO *bio, X509 *x509)
{
    return quic_tls_print_oneline(bio, X509_get_subject_name(x509));
}


static int
quic_tls_print_issuer_legacy(BIO *bio, X509 *x509)
{
    return quic_tls_print_oneline(bio, X509_get_issuer_name(x509));
}


static int
quic_tls_print_oneline(BIO *bio, X509_NAME *name)
{
    int    rc;
    char  *text;

    text = X509_NAME_oneline(name, NULL, 0);
    if (text == NULL) {
        return 0;
    }

    rc = BIO_puts(bio, text) >= 0;

    OPENSSL_free(text);

    return rc;
}


static int
quic_tls_print_serial(BIO *bio, X509 *x509)
{
    return i2a_ASN1_INTEGER(bio, X509_get_serialNumber(x509)) > 0;
}


static int
quic_tls_print_fingerprint(BIO *bio, X509 *x509)
{
    u_char        digest[EVP_MAX_MD_SIZE], hex[2 * EVP_MAX_MD_SIZE];
    unsigned int  len;

    if (!X509_digest(x509, EVP_sha1(), digest, &len)) {
        return 0;
    }

    ngx_hex_dump(hex, digest, len);

    return BIO_write(bio, hex, 2 * len) > 0;
}


static int
quic_tls_print_start(BIO *bio, X509 *x509)
{
    return ASN1_TIME_print(bio, X509_get0_notBefore(x509));
}


static int
quic_tls_print_end(BIO *bio, X509 *x509)
{
    return ASN1_TIME_print(bio, X509_get0_notAfter(x509));
}


/* suites of TLS 1.3 have one name everywhere, others have OpenSSL's here */

static void
quic_tls_print_suites(BIO *bio, quic_tls_t *tls)
{
    uint16_t           id;
    ngx_uint_t         i;
    const SSL_CIPHER  *cipher;

    for (i = 0; i < tls->offered.nsuites; i++) {
        id = tls->offered.suites[i];
        cipher = SSL_get_cipher_by_value(id);

        if (i) {
            (void) BIO_puts(bio, ":");
        }

        if (cipher == NULL) {
            quic_tls_print_number(bio, id);

        } else if (id >> 8 == 0x13) {
            (void) BIO_puts(bio, SSL_CIPHER_standard_name(cipher));

        } else {
            (void) BIO_puts(bio, SSL_CIPHER_get_name(cipher));
        }
    }
}


static void
quic_tls_print_groups(BIO *bio, quic_tls_t *tls)
{
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < tls->offered.ngroups; i++) {
        name = quic_tls_group_name(tls->offered.groups[i]);

        if (i) {
            (void) BIO_puts(bio, ":");
        }

        if (name) {
            (void) BIO_puts(bio, name);

        } else {
            quic_tls_print_number(bio, tls->offered.groups[i]);
        }
    }
}


static void
quic_tls_print_number(BIO *bio, uint16_t n)
{
    u_char  text[sizeof("0x0000") - 1];

    ngx_sprintf(text, "0x%04xd", (int) n);

    (void) BIO_write(bio, text, sizeof(text));
}
