
/* Self-signed certificates for the tests. */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "test_cert.h"


static EVP_PKEY *
test_cert_ec(int curve)
{
    EC_KEY    *ec;
    EVP_PKEY  *key;

    key = EVP_PKEY_new();
    ec = EC_KEY_new_by_curve_name(curve);

    if (!EC_KEY_generate_key(ec) || !EVP_PKEY_assign_EC_KEY(key, ec)) {
        return NULL;
    }

    return key;
}


static EVP_PKEY *
test_cert_rsa(void)
{
    RSA       *rsa;
    BIGNUM    *e;
    EVP_PKEY  *key;

    key = EVP_PKEY_new();
    rsa = RSA_new();
    e = BN_new();

    if (!BN_set_word(e, RSA_F4)
        || !RSA_generate_key_ex(rsa, 2048, e, NULL)
        || !EVP_PKEY_assign_RSA(key, rsa))
    {
        return NULL;
    }

    BN_free(e);

    return key;
}


static EVP_PKEY *
test_cert_ed25519(void)
{
    u_char  public[ED25519_PUBLIC_KEY_LEN], private[ED25519_PRIVATE_KEY_LEN];

    ED25519_keypair(public, private);

    /* the seed is the first half */

    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private, 32);
}


static EVP_PKEY *
test_cert_key(test_cert_type_e type)
{
    switch (type) {
    case TEST_CERT_P256:
        return test_cert_ec(NID_X9_62_prime256v1);
    case TEST_CERT_P384:
        return test_cert_ec(NID_secp384r1);
    case TEST_CERT_P521:
        return test_cert_ec(NID_secp521r1);
    case TEST_CERT_ED25519:
        return test_cert_ed25519();
    default:
        return test_cert_rsa();
    }
}


static X509 *
test_cert_sign(EVP_PKEY *key, test_cert_type_e type, const char *name)
{
    char             san[256];
    X509            *x509;
    X509_NAME       *subject;
    const EVP_MD    *md;
    X509_EXTENSION  *ext;

    x509 = X509_new();
    subject = X509_get_subject_name(x509);
    md = type == TEST_CERT_ED25519 ? NULL : EVP_sha256();

    (void) snprintf(san, sizeof(san), "DNS:%s", name);
    ext = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, san);

    if (ext == NULL
        || !X509_set_version(x509, 2)
        || !ASN1_INTEGER_set(X509_get_serialNumber(x509), 1)
        || !X509_gmtime_adj(X509_get_notBefore(x509), -86400)
        || !X509_gmtime_adj(X509_get_notAfter(x509), 10 * 86400)
        || !X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       (const u_char *) name, -1, -1, 0)
        || !X509_set_issuer_name(x509, subject)
        || !X509_set_pubkey(x509, key)
        || !X509_add_ext(x509, ext, -1)
        || !X509_sign(x509, key, md))
    {
        return NULL;
    }

    X509_EXTENSION_free(ext);

    return x509;
}


static ngx_int_t
test_cert_take(BIO *bio, ngx_str_t *str)
{
    size_t         len;
    const u_char  *pem;

    if (!BIO_mem_contents(bio, &pem, &len)) {
        return NGX_ERROR;
    }

    str->len = TEST_CERT_PREFIX_LEN + len;
    str->data = malloc(str->len + 1);

    ngx_memcpy(str->data, "data:", TEST_CERT_PREFIX_LEN);
    ngx_memcpy(str->data + TEST_CERT_PREFIX_LEN, pem, len);
    str->data[str->len] = '\0';

    BIO_free(bio);

    return NGX_OK;
}


ngx_int_t
test_cert_make(test_cert_type_e type, const char *name, const char *password,
    ngx_str_t *cert, ngx_str_t *key)
{
    BIO       *cert_bio, *key_bio;
    X509      *x509;
    EVP_PKEY  *pkey;

    pkey = test_cert_key(type);
    if (pkey == NULL) {
        return NGX_ERROR;
    }

    x509 = test_cert_sign(pkey, type, name);
    if (x509 == NULL) {
        return NGX_ERROR;
    }

    cert_bio = BIO_new(BIO_s_mem());
    key_bio = BIO_new(BIO_s_mem());

    if (!PEM_write_bio_X509(cert_bio, x509)
        || !PEM_write_bio_PKCS8PrivateKey(key_bio, pkey,
                                          password ? EVP_aes_256_cbc() : NULL,
                                          (char *) password,
                                          password ? strlen(password) : 0,
                                          NULL, NULL))
    {
        return NGX_ERROR;
    }

    X509_free(x509);
    EVP_PKEY_free(pkey);

    if (test_cert_take(cert_bio, cert) != NGX_OK
        || test_cert_take(key_bio, key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
