
/*
 * A certificate with its chain and key, from PEM: when the configuration is
 * read, or for a handshake, where its name depends on the client's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "crypto/quic_random.h"
#include "crypto/quic_tls_internal.h"


/* of a message that tells what is wrong with the configuration, in bytes */
#define QUIC_TLS_MAX_ERROR    1024
#define QUIC_TLS_MAX_SIGALGS  3

/* a key in PEM: RSA with 4096 bits has 3.3 KB */
#define QUIC_TLS_KEY_BUFFER   8192


typedef struct {
    int          type;      /* EVP_PKEY_... */
    int          curve;     /* NID_undef: any */
    uint16_t     sigalgs[QUIC_TLS_MAX_SIGALGS];
} quic_tls_cert_type_t;


static ngx_int_t quic_tls_cert_fill(quic_tls_cert_t *cert, ngx_str_t *name,
    ngx_str_t *key, ngx_array_t *passwords, ngx_uint_t level, ngx_log_t *log);
static ngx_str_t quic_tls_shown(ngx_str_t *name);
static ngx_uint_t quic_tls_is(ngx_str_t *name, const char *scheme);
static ngx_int_t quic_tls_load_chain(quic_tls_cert_t *cert, ngx_str_t *name,
    char **err);
static ngx_int_t quic_tls_add_chain(quic_tls_cert_t *cert, X509 *x509,
    char **err);
static ngx_int_t quic_tls_load_key(quic_tls_cert_t *cert, ngx_str_t *name,
    ngx_array_t *passwords, char **err);
static EVP_PKEY *quic_tls_read_key(ngx_str_t *name, ngx_str_t *pwd,
    char **err);
static int quic_tls_password(char *buf, int size, int rwflag, void *data);
static ngx_int_t quic_tls_key_type(EVP_PKEY *key);


/*
 * In order of preference: small and fast first.  Signature algorithms are
 * those of TLS 1.3 (RFC 8446, 4.2.3), where each curve has but one.
 */

static const quic_tls_cert_type_t  quic_tls_cert_types[QUIC_TLS_CERT_TYPES] = {

    { EVP_PKEY_EC, NID_X9_62_prime256v1, { SSL_SIGN_ECDSA_SECP256R1_SHA256 } },
    { EVP_PKEY_ED25519, NID_undef, { SSL_SIGN_ED25519 } },
    { EVP_PKEY_EC, NID_secp384r1, { SSL_SIGN_ECDSA_SECP384R1_SHA384 } },
    { EVP_PKEY_EC, NID_secp521r1, { SSL_SIGN_ECDSA_SECP521R1_SHA512 } },
    { EVP_PKEY_RSA, NID_undef, { SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                 SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                 SSL_SIGN_RSA_PSS_RSAE_SHA512 } }
};


quic_tls_cert_t *
quic_tls_cert_load(ngx_str_t *name, ngx_str_t *key, ngx_array_t *passwords,
    ngx_uint_t level, ngx_log_t *log)
{
    ngx_int_t         rc;
    quic_tls_cert_t  *cert;

    ERR_clear_error();

    cert = OPENSSL_malloc(sizeof(quic_tls_cert_t));
    if (cert == NULL) {
        return NULL;
    }

    ngx_memzero(cert, sizeof(quic_tls_cert_t));

    rc = quic_tls_cert_fill(cert, name, key, passwords, level, log);

    /* it was needed to compare keys only */

    X509_free(cert->leaf);
    cert->leaf = NULL;

    if (rc != NGX_OK) {
        quic_tls_cert_free(cert);
        return NULL;
    }

    return cert;
}


static ngx_int_t
quic_tls_cert_fill(quic_tls_cert_t *cert, ngx_str_t *name, ngx_str_t *key,
    ngx_array_t *passwords, ngx_uint_t level, ngx_log_t *log)
{
    char       *err;
    ngx_int_t   type;
    ngx_str_t   cert_shown, key_shown;

    cert_shown = quic_tls_shown(name);
    key_shown = quic_tls_shown(key);

    if (quic_tls_load_chain(cert, name, &err) != NGX_OK) {
        quic_tls_log_error(level, log, "cannot load certificate \"%V\": %s",
                           &cert_shown, err);
        return NGX_ERROR;
    }

    if (quic_tls_load_key(cert, key, passwords, &err) != NGX_OK) {
        quic_tls_log_error(level, log,
                           "cannot load certificate key \"%V\": %s",
                           &key_shown, err);
        return NGX_ERROR;
    }

    type = quic_tls_key_type(cert->key);

    if (type == NGX_ERROR) {
        quic_tls_log_error(level, log, "cannot use certificate key \"%V\": "
                           "it is none of RSA, Ed25519, P-256, P-384 and "
                           "P-521", &key_shown);
        return NGX_ERROR;
    }

    if (!X509_check_private_key(cert->leaf, cert->key)) {
        quic_tls_log_error(level, log, "cannot use certificate \"%V\" with "
                           "key \"%V\"", &cert_shown, &key_shown);
        return NGX_ERROR;
    }

    cert->type = type;

    return NGX_OK;
}


void
quic_tls_cert_free(quic_tls_cert_t *cert)
{
    size_t  i;

    if (cert == NULL) {
        return;
    }

    for (i = 0; i < cert->nchain; i++) {
        CRYPTO_BUFFER_free(cert->chain[i]);
    }

    EVP_PKEY_free(cert->key);
    OPENSSL_free(cert);
}


/* the library prefers those of a key in the same order */

uint16_t
quic_tls_cert_sigalg(quic_tls_cert_t *cert, const uint16_t *sigalgs, size_t n)
{
    size_t                       j;
    ngx_uint_t                   k;
    const quic_tls_cert_type_t  *type;

    type = &quic_tls_cert_types[cert->type];

    for (k = 0; k < QUIC_TLS_MAX_SIGALGS && type->sigalgs[k]; k++) {
        for (j = 0; j < n; j++) {
            if (sigalgs[j] == type->sigalgs[k]) {
                return sigalgs[j];
            }
        }
    }

    return 0;
}


/* what a message shows of a name: never a key that stands in it */

static ngx_str_t
quic_tls_shown(ngx_str_t *name)
{
    ngx_str_t  shown;

    shown = *name;

    if (quic_tls_is(name, "data:")) {
        ngx_str_set(&shown, "data:...");
    }

    return shown;
}


ngx_uint_t
quic_tls_is_file(ngx_str_t *name)
{
    return !quic_tls_is(name, "data:")
           && !quic_tls_is(name, "engine:")
           && !quic_tls_is(name, "store:");
}


static ngx_uint_t
quic_tls_is(ngx_str_t *name, const char *scheme)
{
    return ngx_strncmp(name->data, scheme, ngx_strlen(scheme)) == 0;
}


BIO *
quic_tls_open(ngx_str_t *name, char **err)
{
    BIO  *bio;

    if (quic_tls_is(name, "data:")) {
        bio = BIO_new_mem_buf(name->data + sizeof("data:") - 1,
                              name->len - (sizeof("data:") - 1));
        *err = "BIO_new_mem_buf() failed";

    } else if (!quic_tls_is_file(name)) {
        bio = NULL;
        *err = "an engine or a store can't be used with QUIC";

    } else {
        bio = BIO_new_file((char *) name->data, "r");
        *err = "BIO_new_file() failed";
    }

    return bio;
}


static ngx_int_t
quic_tls_load_chain(quic_tls_cert_t *cert, ngx_str_t *name, char **err)
{
    BIO       *bio;
    X509      *x509;
    uint32_t   code;
    ngx_int_t  rc;

    bio = quic_tls_open(name, err);
    if (bio == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    *err = "PEM_read_bio_X509_AUX() failed";
    x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);

    while (x509) {
        rc = quic_tls_add_chain(cert, x509, err);

        if (cert->nchain == 1 && cert->leaf == NULL) {
            cert->leaf = x509;

        } else {
            X509_free(x509);
        }

        if (rc != NGX_OK) {
            break;
        }

        *err = "PEM_read_bio_X509() failed";
        x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }

    BIO_free(bio);

    if (rc != NGX_OK || cert->nchain == 0) {
        return NGX_ERROR;
    }

    /* the end of the file is no error */

    code = ERR_peek_last_error();

    if (ERR_GET_LIB(code) != ERR_LIB_PEM
        || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
    {
        return NGX_ERROR;
    }

    ERR_clear_error();

    return NGX_OK;
}


static ngx_int_t
quic_tls_add_chain(quic_tls_cert_t *cert, X509 *x509, char **err)
{
    int             len;
    u_char         *der;
    CRYPTO_BUFFER  *buf;

    if (cert->nchain == QUIC_TLS_MAX_CHAIN) {
        *err = "the chain has more than 16 certificates";
        return NGX_ERROR;
    }

    *err = "i2d_X509() failed";

    der = NULL;
    len = i2d_X509(x509, &der);
    if (len < 0) {
        return NGX_ERROR;
    }

    buf = CRYPTO_BUFFER_new(der, len, NULL);
    OPENSSL_free(der);

    if (buf == NULL) {
        return NGX_ERROR;
    }

    cert->chain[cert->nchain++] = buf;

    return NGX_OK;
}


/* as in nginx, every password is tried until one fits */

static ngx_int_t
quic_tls_load_key(quic_tls_cert_t *cert, ngx_str_t *name,
    ngx_array_t *passwords, char **err)
{
    ngx_str_t   *pwd;
    ngx_uint_t   tries;

    tries = 1;
    pwd = NULL;

    if (passwords && passwords->nelts) {
        tries = passwords->nelts;
        pwd = passwords->elts;
    }

    do {
        cert->key = quic_tls_read_key(name, pwd, err);

        if (cert->key) {
            ERR_clear_error();
            return NGX_OK;
        }

        if (pwd) {
            pwd++;
        }

    } while (--tries);

    return NGX_ERROR;
}


/* what stdio and the library have read of it is wiped */

static EVP_PKEY *
quic_tls_read_key(ngx_str_t *name, ngx_str_t *pwd, char **err)
{
    BIO       *bio;
    FILE      *fp;
    char       buf[QUIC_TLS_KEY_BUFFER];
    EVP_PKEY  *key;

    ERR_clear_error();

    bio = quic_tls_open(name, err);
    if (bio == NULL) {
        return NULL;
    }

    if (quic_tls_is_file(name) && BIO_get_fp(bio, &fp)) {
        (void) setvbuf(fp, buf, _IOFBF, sizeof(buf));
    }

    *err = "PEM_read_bio_PrivateKey() failed";
    key = PEM_read_bio_PrivateKey(bio, NULL, quic_tls_password, pwd);

    BIO_free(bio);
    quic_wipe(buf, sizeof(buf));

    return key;
}


static int
quic_tls_password(char *buf, int size, int rwflag, void *data)
{
    ngx_str_t  *pwd = data;

    if (pwd == NULL || rwflag || pwd->len > (size_t) size) {
        return 0;
    }

    ngx_memcpy(buf, pwd->data, pwd->len);

    return pwd->len;
}


/* the key's row in the table, NGX_ERROR if it has none */

static ngx_int_t
quic_tls_key_type(EVP_PKEY *key)
{
    int         curve;
    ngx_uint_t  i;

    curve = NID_undef;

    if (EVP_PKEY_id(key) == EVP_PKEY_EC) {
        curve = EC_GROUP_get_curve_name(
                              EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
    }

    for (i = 0; i < QUIC_TLS_CERT_TYPES; i++) {
        if (quic_tls_cert_types[i].type == EVP_PKEY_id(key)
            && quic_tls_cert_types[i].curve == curve)
        {
            return i;
        }
    }

    return NGX_ERROR;
}


/* a message, and behind it what the library has to say, which is forgotten */

void ngx_cdecl
quic_tls_log_error(ngx_uint_t level, ngx_log_t *log, const char *fmt, ...)
{
    int          flags, line;
    char         text[120];
    u_char      *p, *last, buf[QUIC_TLS_MAX_ERROR];
    va_list      args;
    uint32_t     code;
    const char  *file, *data;

    last = buf + sizeof(buf);

    va_start(args, fmt);
    p = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    if (ERR_peek_error()) {
        p = ngx_slprintf(p, last, " (SSL:");

        for ( ;; ) {
            code = ERR_get_error_line_data(&file, &line, &data, &flags);
            if (code == 0) {
                break;
            }

            ERR_error_string_n(code, text, sizeof(text));

            p = ngx_slprintf(p, last, " %s%s%s", text,
                             (flags & ERR_FLAG_STRING) ? ":" : "",
                             (flags & ERR_FLAG_STRING) ? data : "");
        }

        p = ngx_slprintf(p, last, ")");
    }

    ngx_log_error(level, log, 0, "%*s", (size_t) (p - buf), buf);
}
