
/* Certificates and keys of a server context, and what is said of bad ones. */

#include "test.h"
#include <openssl/ssl.h>
#include "crypto/quic_tls.h"
#include "crypto/quic_tls_internal.h"
#include "../lib/test_cert.h"


#define MAX_PATH  128


static ngx_log_t        test_log;
static ngx_open_file_t  test_log_file;
static char             logged[8192];
static char             dir[] = "/tmp/quic_tls_ctx.XXXXXX";

/* "data:" and PEM; the third key is the second's, encrypted */
static ngx_str_t        rsa_cert, rsa_key, ec_cert, ec_key, ec_cert2,
                        ec_key2, locked_cert, locked_key;


static void
log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    size_t  n;

    assert_int_equal(level, NGX_LOG_EMERG);

    n = ngx_strlen(logged);
    assert_true(n + len < sizeof(logged));

    ngx_memcpy(logged + n, buf, len);
    logged[n + len] = '\0';
}


static int
setup(void **state)
{
    test_log.log_level = NGX_LOG_DEBUG;
    test_log.writer = log_writer;
    test_log.file = &test_log_file;

    ngx_time_init();

    if (mkdtemp(dir) == NULL) {
        return -1;
    }

    if (test_cert_make(TEST_CERT_RSA, "rsa.example", NULL, &rsa_cert, &rsa_key)
           != NGX_OK
        || test_cert_make(TEST_CERT_P256, "ec.example", NULL, &ec_cert,
                          &ec_key)
           != NGX_OK
        || test_cert_make(TEST_CERT_P256, "ec2.example", NULL, &ec_cert2,
                          &ec_key2)
           != NGX_OK
        || test_cert_make(TEST_CERT_P256, "locked.example", "open sesame",
                          &locked_cert, &locked_key)
           != NGX_OK)
    {
        return -1;
    }

    return 0;
}


static int
teardown(void **state)
{
    free(rsa_cert.data);
    free(rsa_key.data);
    free(ec_cert.data);
    free(ec_key.data);
    free(ec_cert2.data);
    free(ec_key2.data);
    free(locked_cert.data);
    free(locked_key.data);

    return rmdir(dir);
}


/* a file of the PEM blocks of "a" and "b" (or NULL); its name in "path" */

static ngx_str_t
file_of(char *path, const char *name, ngx_str_t *a, ngx_str_t *b)
{
    FILE       *f;
    ngx_str_t   str;

    (void) snprintf(path, MAX_PATH, "%s/%s", dir, name);

    f = fopen(path, "w");
    assert_non_null(f);

    assert_true(fputs((char *) a->data + TEST_CERT_PREFIX_LEN, f) >= 0);

    if (b) {
        assert_true(fputs((char *) b->data + TEST_CERT_PREFIX_LEN, f) >= 0);
    }

    assert_int_equal(fclose(f), 0);

    str.data = (u_char *) path;
    str.len = ngx_strlen(path);

    return str;
}


static ngx_int_t
load(quic_tls_ctx_t *ctx, ngx_str_t *cert, ngx_str_t *key,
    ngx_array_t *passwords)
{
    logged[0] = '\0';

    return quic_tls_ctx_certificate(ctx, cert, key, passwords, &test_log);
}


static void
assert_logged(const char *text)
{
    if (strstr(logged, text) == NULL) {
        fail_msg("\"%s\" isn't in \"%s\"", text, logged);
    }
}


static void
files(void **state)
{
    char             cert_path[MAX_PATH], key_path[MAX_PATH];
    ngx_str_t        cert, key;
    quic_tls_ctx_t  *ctx;

    ctx = quic_tls_ctx_create(&test_log);
    assert_non_null(ctx);

    cert = file_of(cert_path, "cert", &ec_cert, NULL);
    key = file_of(key_path, "key", &ec_key, NULL);

    assert_int_equal(load(ctx, &cert, &key, NULL), NGX_OK);
    assert_string_equal(logged, "");
    assert_int_equal(ctx->certs[0]->nchain, 1);

    unlink(cert_path);
    unlink(key_path);

    /* one file with both, and "data:" */

    cert = file_of(cert_path, "both", &rsa_key, &rsa_cert);
    assert_int_equal(load(ctx, &cert, &cert, NULL), NGX_OK);
    unlink(cert_path);

    assert_int_equal(load(ctx, &rsa_cert, &rsa_key, NULL), NGX_OK);
    assert_string_equal(logged, "");

    quic_tls_ctx_free(ctx);
}


/* leaf and intermediate; up to 16 certificates */

static void
chain(void **state)
{
    size_t           n;
    u_char          *p;
    ngx_str_t        cert;
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    for (i = 1; i <= 17; i++) {
        ctx = quic_tls_ctx_create(&test_log);

        cert.data = malloc(ec_cert.len + rsa_cert.len * i + 1);
        p = ngx_cpymem(cert.data, ec_cert.data, ec_cert.len);

        for (n = 1; n < i; n++) {
            p = ngx_cpymem(p, rsa_cert.data + TEST_CERT_PREFIX_LEN,
                           rsa_cert.len - TEST_CERT_PREFIX_LEN);
        }

        *p = '\0';
        cert.len = p - cert.data;

        if (i <= 16) {
            assert_int_equal(load(ctx, &cert, &ec_key, NULL), NGX_OK);
            assert_int_equal(ctx->certs[0]->nchain, i);

        } else {
            assert_int_equal(load(ctx, &cert, &ec_key, NULL), NGX_ERROR);
            assert_logged("the chain has more than 16 certificates");
        }

        free(cert.data);
        quic_tls_ctx_free(ctx);
    }
}


static void
bad_files(void **state)
{
    char             path[MAX_PATH];
    ngx_str_t        cert, cut, str;
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    ngx_str_t  none = ngx_string("/nonexistent/cert.pem");
    ngx_str_t  empty = ngx_string("data:");
    ngx_str_t  engine = ngx_string("engine:pkcs11:key");
    ngx_str_t  store = ngx_string("store:file:key");
    ngx_str_t  directory = ngx_string("/");

    struct {
        ngx_str_t   *cert;
        ngx_str_t   *key;
        const char  *log[2];
    } rows[] = {
        { &none, &ec_key,
          { "cannot load certificate \"/nonexistent/cert.pem\": "
            "BIO_new_file() failed (SSL:",
            "No such file or directory" } },

        { &directory, &ec_key,
          { "cannot load certificate \"/\": ", "" } },

        { &empty, &ec_key,
          { "cannot load certificate \"data:...\": "
            "PEM_read_bio_X509_AUX() failed (SSL:",
            "NO_START_LINE" } },

        { &ec_key, &ec_key,
          { "PEM_read_bio_X509_AUX() failed", "NO_START_LINE" } },

        { &ec_cert, &none,
          { "cannot load certificate key \"/nonexistent/cert.pem\": "
            "BIO_new_file() failed (SSL:",
            "No such file or directory" } },

        { &ec_cert, &empty,
          { "cannot load certificate key \"data:...\": "
            "PEM_read_bio_PrivateKey() failed (SSL:",
            "NO_START_LINE" } },

        { &ec_cert, &ec_cert,
          { "PEM_read_bio_PrivateKey() failed", "" } },

        { &engine, &ec_key,
          { "cannot load certificate \"engine:pkcs11:key\": ",
            "can't be used with QUIC" } },

        { &ec_cert, &engine,
          { "cannot load certificate key \"engine:pkcs11:key\": ",
            "can't be used with QUIC" } },

        { &ec_cert, &store,
          { "cannot load certificate key \"store:file:key\": ",
            "can't be used with QUIC" } },

        /* another key of the same type, and of another */

        { &ec_cert, &ec_key2,
          { "cannot use certificate \"data:...\" with key \"data:...\" (SSL:",
            "MISMATCH" } },

        { &ec_cert, &rsa_key,
          { "cannot use certificate \"data:...\"", "MISMATCH" } },

        { &ec_cert, &locked_key,
          { "PEM_read_bio_PrivateKey() failed", "" } }
    };

    ctx = quic_tls_ctx_create(&test_log);

    for (i = 0; i < test_array_len(rows); i++) {
        assert_int_equal(load(ctx, rows[i].cert, rows[i].key, NULL),
                         NGX_ERROR);
        assert_logged(rows[i].log[0]);
        assert_logged(rows[i].log[1]);

        /* no key goes into a log */

        assert_null(strstr(logged, "PRIVATE KEY----"));

        assert_null(ctx->cert);
        assert_int_equal(ERR_peek_error(), 0);
    }

    /* a chain whose second certificate is cut off */

    cut = ec_cert2;
    cut.data = malloc(cut.len + 1);
    ngx_memcpy(cut.data, ec_cert2.data, cut.len + 1);
    cut.data[cut.len / 2] = '\0';

    cert = file_of(path, "chain", &ec_cert, &cut);
    assert_int_equal(load(ctx, &cert, &ec_key, NULL), NGX_ERROR);
    assert_logged("PEM_read_bio_X509() failed (SSL:");
    unlink(path);

    free(cut.data);

    /* a certificate with a byte changed is no certificate any more */

    str.len = ec_cert.len;
    str.data = malloc(str.len + 1);
    ngx_memcpy(str.data, ec_cert.data, str.len + 1);
    str.data[str.len / 2] = '!';

    assert_int_equal(load(ctx, &str, &ec_key, NULL), NGX_ERROR);
    assert_logged("cannot load certificate \"data:...\": ");

    free(str.data);

    /* and after all that a good one */

    assert_int_equal(load(ctx, &ec_cert, &ec_key, NULL), NGX_OK);
    assert_string_equal(logged, "");

    quic_tls_ctx_free(ctx);
}


/* what fails leaves in place what was there */

static void
failure_keeps(void **state)
{
    EVP_PKEY        *key;
    quic_tls_ctx_t  *ctx;

    ctx = quic_tls_ctx_create(&test_log);

    assert_int_equal(load(ctx, &ec_cert, &ec_key, NULL), NGX_OK);
    key = ctx->certs[0]->key;

    assert_int_equal(load(ctx, &ec_cert, &ec_key2, NULL), NGX_ERROR);

    assert_ptr_equal(ctx->certs[0]->key, key);
    assert_ptr_equal(SSL_CTX_get0_privatekey(ctx->ssl_ctx), key);

    quic_tls_ctx_free(ctx);
}


static void
passwords(void **state)
{
    ngx_array_t      array;
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    ngx_str_t  right = ngx_string("open sesame");
    ngx_str_t  wrong = ngx_string("open barley");
    ngx_str_t  pwd[3];

    static const struct {
        ngx_uint_t   n;
        ngx_uint_t   right;     /* which of them, n: none */
    } rows[] = {
        { 1, 0 }, { 2, 1 }, { 3, 0 }, { 3, 1 }, { 3, 2 }, { 0, 0 }, { 1, 1 },
        { 3, 3 }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        ctx = quic_tls_ctx_create(&test_log);

        pwd[0] = pwd[1] = pwd[2] = wrong;

        if (rows[i].right < rows[i].n) {
            pwd[rows[i].right] = right;
        }

        ngx_memzero(&array, sizeof(array));
        array.elts = pwd;
        array.nelts = rows[i].n;
        array.size = sizeof(ngx_str_t);

        if (rows[i].right < rows[i].n) {
            assert_int_equal(load(ctx, &locked_cert, &locked_key, &array),
                             NGX_OK);
            assert_string_equal(logged, "");
            assert_int_equal(ERR_peek_error(), 0);

        } else {
            assert_int_equal(load(ctx, &locked_cert, &locked_key, &array),
                             NGX_ERROR);
            assert_logged("PEM_read_bio_PrivateKey() failed (SSL:");
        }

        quic_tls_ctx_free(ctx);
    }

    /* passwords for a key that needs none */

    ctx = quic_tls_ctx_create(&test_log);
    assert_int_equal(load(ctx, &ec_cert, &ec_key, &array), NGX_OK);
    quic_tls_ctx_free(ctx);
}


static void
choice(void **state)
{
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    static const struct {
        uint16_t     sigalgs[3];
        size_t       n;
        int          type;          /* 0: none */
    } rows[] = {
        { { 0x0403, 0x0804 }, 2, EVP_PKEY_EC },
        { { 0x0804, 0x0403 }, 2, EVP_PKEY_EC },
        { { 0x0804 }, 1, EVP_PKEY_RSA },
        { { 0x0503, 0x0806 }, 2, EVP_PKEY_RSA },
        { { 0x0807, 0x0503, 0x0603 }, 3, 0 },
        { { 0x0401, 0x0201, 0x0000 }, 3, 0 },
        { { 0 }, 0, 0 }
    };

    quic_tls_cert_t  *cert;

    ctx = quic_tls_ctx_create(&test_log);

    assert_null(quic_tls_ctx_choose(ctx, rows[0].sigalgs, rows[0].n));

    assert_int_equal(load(ctx, &rsa_cert, &rsa_key, NULL), NGX_OK);
    assert_int_equal(EVP_PKEY_id(ctx->cert->key), EVP_PKEY_RSA);

    assert_int_equal(load(ctx, &ec_cert, &ec_key, NULL), NGX_OK);
    assert_int_equal(EVP_PKEY_id(ctx->cert->key), EVP_PKEY_EC);

    for (i = 0; i < test_array_len(rows); i++) {
        cert = quic_tls_ctx_choose(ctx, rows[i].sigalgs, rows[i].n);

        if (rows[i].type) {
            assert_non_null(cert);
            assert_int_equal(EVP_PKEY_id(cert->key), rows[i].type);

        } else {
            assert_null(cert);
        }
    }

    quic_tls_ctx_free(ctx);
}


/* BoringSSL has X25519MLKEM768 since 2024, Debian's is older */

static ngx_uint_t
has_hybrid(void)
{
    ngx_str_t        list, unknown;
    ngx_int_t        rc;
    quic_tls_ctx_t  *ctx;

    ngx_str_set(&list, "X25519MLKEM768");

    ctx = quic_tls_ctx_create(&test_log);
    rc = quic_tls_ctx_groups(ctx, &list, &unknown);
    quic_tls_ctx_free(ctx);

#ifdef OPENSSL_IS_AWSLC
    assert_int_equal(rc, NGX_OK);
#endif

    if (rc != NGX_OK) {
        assert_int_equal(rc, NGX_ERROR);
        assert_int_equal(unknown.len, list.len);
    }

    return rc == NGX_OK;
}


/* names as OpenSSL knows them, what of them is used, the first unknown one */

static void
groups(void **state)
{
    ngx_str_t        list, unknown;
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    static const struct {
        const char  *list;
        ngx_int_t    rc;
        const char  *groups;
        const char  *unknown;
    } rows[] = {
        { "X25519", NGX_OK, "X25519", "" },
        { "prime256v1:secp384r1:secp521r1", NGX_OK, "P-256:P-384:P-521", "" },
        { "P-256:secp256r1", NGX_OK, "P-256:P-256", "" },
        { "x25519:p-256", NGX_OK, "X25519:P-256", "" },
        { "X448:X25519:ffdhe2048", NGX_DECLINED, "X25519", "X448" },
        { "X25519:Y25519", NGX_DECLINED, "X25519", "Y25519" },
        { "?X25519 / *secp384r1", NGX_OK, "X25519:P-384", "" },
        { "X448", NGX_ERROR, "", "X448" },
        { "", NGX_ERROR, "", "" },
        { ":", NGX_ERROR, "", "" },
        { "P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:"
          "P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:"
          "P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:"
          "P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:P-256:"
          "P-256:P-256:P-384", NGX_DECLINED, NULL, "P-384" }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        ctx = quic_tls_ctx_create(&test_log);

        list.data = (u_char *) rows[i].list;
        list.len = ngx_strlen(list.data);

        assert_int_equal(quic_tls_ctx_groups(ctx, &list, &unknown),
                         rows[i].rc);

        if (rows[i].groups) {
            assert_string_equal(ctx->groups, rows[i].groups);
        }

        assert_int_equal(unknown.len, ngx_strlen(rows[i].unknown));
        assert_memory_equal(unknown.data ? (char *) unknown.data : "",
                            rows[i].unknown, unknown.len);
        assert_int_equal(ERR_peek_error(), 0);

        quic_tls_ctx_free(ctx);
    }

    /* "auto" is what the library has of its list */

    for (i = 0; i < 2; i++) {
        ctx = quic_tls_ctx_create(&test_log);

        list.data = (u_char *) (i ? "auto" : "DEFAULT");
        list.len = ngx_strlen(list.data);

        assert_int_equal(quic_tls_ctx_groups(ctx, &list, &unknown), NGX_OK);
        assert_string_equal(ctx->groups, has_hybrid()
                                         ? "X25519MLKEM768:X25519:P-256:P-384"
                                         : "X25519:P-256:P-384");

        quic_tls_ctx_free(ctx);
    }
}


/* the module and its tests are linked with the library that TLS= names */

static void
library(void **state)
{
    size_t  i;
    char    name[32];

    (void) snprintf(name, sizeof(name), "%s", quic_tls_library());

    for (i = 0; name[i]; i++) {
        name[i] = name[i] == ' ' ? '\0' : (char) ngx_tolower(name[i]);
    }

    assert_string_equal(name, TEST_TLS);
}


static void
suites(void **state)
{
    ngx_str_t        list;
    ngx_uint_t       i, possible;
    quic_tls_ctx_t  *ctx;

#define AES_128   "TLS_AES_128_GCM_SHA256"
#define AES_256   "TLS_AES_256_GCM_SHA384"
#define CHACHA20  "TLS_CHACHA20_POLY1305_SHA256"

#define A128      QUIC_TLS_AES_128
#define A256      QUIC_TLS_AES_256
#define CC20      QUIC_TLS_CHACHA20

    /* what is asked for, and what BoringSSL can do of it */

    static const struct {
        const char  *list;
        ngx_uint_t   asked;
        ngx_uint_t   boringssl;
    } rows[] = {
        { AES_128 ":" AES_256 ":" CHACHA20, A128|A256|CC20, A128|A256|CC20 },
        { CHACHA20 ":" AES_128 ":" AES_256, A128|A256|CC20, A128|A256|CC20 },
        { AES_128 ":" AES_256, A128|A256, A128|A256 },
        { AES_128 ":" AES_256 ":TLS_AES_128_CCM_SHA256", A128|A256, A128|A256 },
        { AES_256, A256, A256 },
        { AES_256 ":" CHACHA20, A256|CC20, A256 },
        { AES_128, A128, 0 },
        { CHACHA20, CC20, 0 },
        { AES_128 ":" CHACHA20, A128|CC20, 0 },
        { "", 0, 0 },
        { "TLS_AES_256_GCM", 0, 0 }
    };

    for (i = 0; i < test_array_len(rows); i++) {
        ctx = quic_tls_ctx_create(&test_log);

        list.data = (u_char *) rows[i].list;
        list.len = ngx_strlen(list.data);

#ifdef OPENSSL_IS_AWSLC
        possible = rows[i].asked;
#else
        possible = rows[i].boringssl;
#endif

        assert_int_equal(quic_tls_ctx_suites(ctx, &list),
                         possible == 0 ? NGX_ERROR
                         : possible == rows[i].asked ? NGX_OK : NGX_DECLINED);

        assert_int_equal(ctx->suites,
                         possible ? possible : QUIC_TLS_ALL_SUITES);

        quic_tls_ctx_free(ctx);
    }
}


/* the library takes any bytes for a response; what can't be read is told */

static void
staple(void **state)
{
    FILE            *fp;
    char             path[MAX_PATH];
    ngx_str_t        name;
    ngx_uint_t       i;
    quic_tls_ctx_t  *ctx;

    ngx_str_t  directory = ngx_string("/");
    ngx_str_t  none = ngx_string("/nonexistent/staple.der");

    static const struct {
        size_t       size;
        ngx_int_t    rc;
        const char  *log;
    } rows[] = {
        { 0, NGX_ERROR, ": it is empty" },
        { 1, NGX_OK, "" },
        { 16384, NGX_OK, "" },
        { 16385, NGX_ERROR, ": it has more than 16384 bytes" }
    };

    ctx = quic_tls_ctx_create(&test_log);

    for (i = 0; i < test_array_len(rows); i++) {
        snprintf(path, MAX_PATH, "%s/staple", dir);

        fp = fopen(path, "w");
        assert_non_null(fp);
        assert_int_equal(fprintf(fp, "%*s", (int) rows[i].size, ""),
                         rows[i].size);
        fclose(fp);

        name.data = (u_char *) path;
        name.len = ngx_strlen(path);
        logged[0] = '\0';

        assert_int_equal(quic_tls_ctx_staple(ctx, &name, &test_log),
                         rows[i].rc);
        assert_logged(rows[i].log);
        unlink(path);
    }

    logged[0] = '\0';
    assert_int_equal(quic_tls_ctx_staple(ctx, &directory, &test_log),
                     NGX_ERROR);
    assert_logged("cannot load OCSP response \"/\": BIO_read() failed (SSL:");

    logged[0] = '\0';
    assert_int_equal(quic_tls_ctx_staple(ctx, &none, &test_log), NGX_ERROR);
    assert_logged(": BIO_new_file() failed (SSL:");

    quic_tls_ctx_free(ctx);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(chain),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(failure_keeps),
        cmocka_unit_test(passwords),
        cmocka_unit_test(choice),
        cmocka_unit_test(library),
        cmocka_unit_test(groups),
        cmocka_unit_test(suites),
        cmocka_unit_test(staple)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
