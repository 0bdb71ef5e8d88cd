
/* Self-signed certificates for the tests, made when they are needed. */

#ifndef _TEST_CERT_H_INCLUDED_
#define _TEST_CERT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    TEST_CERT_P256 = 0,
    TEST_CERT_ED25519,
    TEST_CERT_P384,
    TEST_CERT_P521,
    TEST_CERT_RSA
} test_cert_type_e;


/*
 * A certificate with the common name and alternative name "name", and its
 * key, which is encrypted if there is a "password".  Both are "data:" and PEM,
 * as nginx's directives take them, and end with NUL: behind
 * TEST_CERT_PREFIX_LEN bytes is what a file would hold.  To be freed with
 * free().  NGX_OK or NGX_ERROR.
 */
ngx_int_t test_cert_make(test_cert_type_e type, const char *name,
    const char *password, ngx_str_t *cert, ngx_str_t *key);

#define TEST_CERT_PREFIX_LEN  (sizeof("data:") - 1)


#endif /* _TEST_CERT_H_INCLUDED_ */
