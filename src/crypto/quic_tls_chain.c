
/*
 * What OpenSSL 3 says of a chain of client certificates, where our library says
 * something else or nothing: a server takes over QUIC whom it takes over TCP,
 * and nobody else.
 *
 * OpenSSL looks at a chain in steps: issuers, extensions, strength, revocation,
 * signatures and times, names.  As nginx goes on after each error, the last one
 * counts; so what is found here has to get its place among the library's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bytestring.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "crypto/quic_tls_internal.h"


#define QUIC_TLS_CHAIN_LEVELS  6


/* how far a certificate is one of a CA */
typedef enum {
    QUIC_TLS_CHAIN_NO_CA,
    QUIC_TLS_CHAIN_OLD_CA,           /* as a root only */
    QUIC_TLS_CHAIN_CA
} quic_tls_chain_ca_e;


typedef struct {
    int              size;           /* bits, at least */
    ngx_uint_t       strength;       /* bits of security */
} quic_tls_chain_strength_t;


static ngx_uint_t quic_tls_chain_is_early(long error);
static long quic_tls_chain_issuer(X509_STORE_CTX *x509, long error);
static long quic_tls_chain_depth(X509_STORE_CTX *x509, ngx_uint_t depth,
    long error);
static ngx_uint_t quic_tls_chain_is_barred(X509_STORE_CTX *x509, X509 *cert);
static ngx_uint_t quic_tls_chain_is_known(X509_STORE_CTX *x509, X509 *cert);
static long quic_tls_chain_extensions(STACK_OF(X509) *chain, long error);
static long quic_tls_chain_use(X509 *cert, ngx_uint_t depth, ngx_uint_t top);
static quic_tls_chain_ca_e quic_tls_chain_ca(X509 *cert);
static long quic_tls_chain_leaf_strength(STACK_OF(X509) *chain,
    ngx_uint_t bits, long error);
static long quic_tls_chain_strength(STACK_OF(X509) *chain, ngx_uint_t bits,
    long error);
static ngx_uint_t quic_tls_chain_key(X509 *cert);
static ngx_uint_t quic_tls_chain_signature(X509 *cert);
static int quic_tls_chain_pss_digest(X509 *cert);
static long quic_tls_chain_alone(X509 *leaf, long error);
static long quic_tls_chain_names(STACK_OF(X509) *chain, long error);
static ngx_uint_t quic_tls_chain_has_dns(X509 *leaf);
static long quic_tls_chain_common_names(X509 *leaf, NAME_CONSTRAINTS *nc);
static long quic_tls_chain_common_name(ASN1_STRING *cn, NAME_CONSTRAINTS *nc);
static ngx_uint_t quic_tls_chain_is_host(ngx_str_t *name);
static ngx_uint_t quic_tls_chain_below(STACK_OF(GENERAL_SUBTREE) *subtrees,
    ngx_str_t *name, ngx_uint_t *asked);


/* errors of the steps before revocation */

static const long  quic_tls_chain_early[] = {
    X509_V_OK,
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    X509_V_ERR_CERT_CHAIN_TOO_LONG,
    X509_V_ERR_PATH_LENGTH_EXCEEDED,
    X509_V_ERR_INVALID_PURPOSE,
    X509_V_ERR_CERT_REJECTED,
    X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION,
    QUIC_TLS_V_INVALID_CA,
    QUIC_TLS_V_EC_EXPLICIT
};


/* OpenSSL's security levels, in bits */

static const ngx_uint_t  quic_tls_chain_levels[QUIC_TLS_CHAIN_LEVELS] = {
    0, 80, 112, 128, 192, 256
};


/*
 * RSA keys.  OpenSSL has the formula of NIST SP 800-56B, appendix D, and rounds
 * to the nearest multiple of 8, so that 112 begins below the usual 2048.
 */

static const quic_tls_chain_strength_t  quic_tls_chain_rsa[] = {
    { 13914, 256 },
    { 6947, 192 },
    { 2671, 128 },
    { 1963, 112 },
    { 920, 80 },
    { 0, 0 }
};


long
quic_tls_chain_check(quic_tls_ctx_t *ctx, X509_STORE_CTX *x509, long error)
{
    int              n;
    ngx_uint_t       bits;
    STACK_OF(X509)  *chain;

    chain = X509_STORE_CTX_get0_chain(x509);
    bits = quic_tls_chain_levels[ngx_min(ctx->verify_level,
                                         QUIC_TLS_CHAIN_LEVELS - 1)];

    error = quic_tls_chain_issuer(x509, error);
    error = quic_tls_chain_depth(x509, ctx->verify_depth, error);
    n = sk_X509_num(chain);

    if (quic_tls_chain_is_early(error)) {
        error = quic_tls_chain_leaf_strength(chain, bits, error);
        error = quic_tls_chain_extensions(chain, error);
        error = quic_tls_chain_strength(chain, bits, error);
    }

    if ((error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
         || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
        && quic_tls_chain_is_barred(x509, sk_X509_value(chain, n - 1)))
    {
        error = X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
    }

    if (n == 1) {
        error = quic_tls_chain_alone(sk_X509_value(chain, 0), error);
    }

    return quic_tls_chain_names(chain, error);
}


static ngx_uint_t
quic_tls_chain_is_early(long error)
{
    ngx_uint_t  i, n;

    n = sizeof(quic_tls_chain_early) / sizeof(quic_tls_chain_early[0]);

    for (i = 0; i < n; i++) {
        if (error == quic_tls_chain_early[i]) {
            return 1;
        }
    }

    return 0;
}


/*
 * To the library a certificate whose key usage doesn't allow to sign others
 * isn't self-signed, so it looks for an issuer, and says twice that there is
 * none: here it's for the second time.  To OpenSSL it is self-signed; and among
 * the trusted ones it's good.
 */

ngx_uint_t
quic_tls_chain_is_alone(X509_STORE_CTX *x509)
{
    X509  *cert;

    cert = X509_STORE_CTX_get_current_cert(x509);

    return X509_STORE_CTX_get_error(x509)
              == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
           && X509_check_issued(cert, cert) == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}


static long
quic_tls_chain_issuer(X509_STORE_CTX *x509, long error)
{
    X509            *leaf;
    STACK_OF(X509)  *chain;

    chain = X509_STORE_CTX_get0_chain(x509);
    leaf = sk_X509_value(chain, 0);

    if (error != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        || sk_X509_num(chain) != 1
        || X509_check_issued(leaf, leaf) != X509_V_ERR_KEYUSAGE_NO_CERTSIGN)
    {
        return error;
    }

    return quic_tls_chain_is_known(x509, leaf)
           ? X509_V_OK : X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}


/*
 * Nobody counts the client's certificate.  OpenSSL, AWS-LC and a newer
 * BoringSSL don't count the root either, that of Debian does: so it's counted
 * here.  The rest of a longer chain isn't looked for by OpenSSL, and goes.
 */

static long
quic_tls_chain_depth(X509_STORE_CTX *x509, ngx_uint_t depth, long error)
{
    STACK_OF(X509)  *chain;

    chain = X509_STORE_CTX_get0_chain(x509);

    if (error != X509_V_OK || sk_X509_num(chain) <= depth + 2) {
        return error;
    }

    while (sk_X509_num(chain) > depth + 2) {
        X509_free(sk_X509_pop(chain));
    }

    return quic_tls_chain_is_known(x509, sk_X509_value(chain, depth + 1))
           ? X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
           : X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}


/*
 * Non-zero if there is an issuer of "cert" whose key may not sign certificates:
 * to the library he is none, and OpenSSL takes him.
 */

static ngx_uint_t
quic_tls_chain_is_barred(X509_STORE_CTX *x509, X509 *cert)
{
    size_t           i;
    ngx_uint_t       is;
    STACK_OF(X509)  *sent, *known;

    is = 0;
    sent = X509_STORE_CTX_get0_untrusted(x509);

    for (i = 0; i < sk_X509_num(sent); i++) {
        is |= X509_check_issued(sk_X509_value(sent, i), cert)
              == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
    }

    known = X509_STORE_get1_certs(x509, X509_get_issuer_name(cert));

    for (i = 0; i < sk_X509_num(known); i++) {
        is |= X509_check_issued(sk_X509_value(known, i), cert)
              == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
    }

    sk_X509_pop_free(known, X509_free);

    return is;
}


/* non-zero if it's one of the trusted certificates */

static ngx_uint_t
quic_tls_chain_is_known(X509_STORE_CTX *x509, X509 *cert)
{
    X509            *same;
    size_t           i;
    ngx_uint_t       is;
    STACK_OF(X509)  *known;

    is = 0;
    known = X509_STORE_get1_certs(x509, X509_get_subject_name(cert));

    for (i = 0; i < sk_X509_num(known); i++) {
        same = sk_X509_value(known, i);

        is |= X509_cmp(same, cert) == 0
              && X509_check_trust(same, X509_TRUST_SSL_CLIENT, 0)
                 != X509_TRUST_REJECTED;
    }

    sk_X509_pop_free(known, X509_free);

    return is;
}


/*
 * RFC 5280, 6.1.4 (k) to (o), for the trusted ones of the chain as well, whose
 * extensions the library doesn't look at.
 */

static long
quic_tls_chain_extensions(STACK_OF(X509) *chain, long error)
{
    long         rc, limit, length;
    X509        *cert;
    size_t       i, n;
    ngx_uint_t   flags;

    length = 0;
    n = sk_X509_num(chain);

    for (i = 0; i < n; i++) {
        cert = sk_X509_value(chain, i);
        flags = X509_get_extension_flags(cert);

        if (flags & EXFLAG_CRITICAL) {
            error = X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION;
        }

        rc = quic_tls_chain_use(cert, i, i + 1 == n);

        if (rc != X509_V_OK) {
            error = rc;
        }

        if (i == 0) {
            continue;
        }

        limit = X509_get_pathlen(cert);

        if (limit != -1 && length > limit) {
            error = X509_V_ERR_PATH_LENGTH_EXCEEDED;
        }

        /* RFC 5280, 4.2.1.9: self-issued ones don't count */

        length += !(flags & EXFLAG_SI);
    }

    return error;
}


/* what a certificate may be used for; top: it's the chain's last */

static long
quic_tls_chain_use(X509 *cert, ngx_uint_t depth, ngx_uint_t top)
{
    quic_tls_chain_ca_e  ca;

    if (depth == 0) {
        return X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) == 1
               ? X509_V_OK : X509_V_ERR_INVALID_PURPOSE;
    }

    ca = quic_tls_chain_ca(cert);

    if (ca == QUIC_TLS_CHAIN_NO_CA
        || ((X509_get_extension_flags(cert) & EXFLAG_XKUSAGE)
            && !(X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT)))
    {
        return X509_V_ERR_INVALID_PURPOSE;
    }

    return ca == QUIC_TLS_CHAIN_CA || top ? X509_V_OK : QUIC_TLS_V_INVALID_CA;
}


static quic_tls_chain_ca_e
quic_tls_chain_ca(X509 *cert)
{
    ngx_uint_t  flags, usage;

    flags = X509_get_extension_flags(cert);
    usage = flags & EXFLAG_KUSAGE;

    if (usage && !(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN)) {
        return QUIC_TLS_CHAIN_NO_CA;
    }

    if (flags & EXFLAG_BCONS) {
        return (flags & EXFLAG_CA) ? QUIC_TLS_CHAIN_CA : QUIC_TLS_CHAIN_NO_CA;
    }

    /* from the times before basicConstraints */

    if (usage || ((flags & EXFLAG_V1) && (flags & EXFLAG_SS))) {
        return QUIC_TLS_CHAIN_OLD_CA;
    }

    return QUIC_TLS_CHAIN_NO_CA;
}


/*
 * Keys and signatures of less than the level's strength.  OpenSSL looks at the
 * leaf's key before it looks for issuers, and if there are none it's the error
 * that stays.
 */

static long
quic_tls_chain_leaf_strength(STACK_OF(X509) *chain, ngx_uint_t bits,
    long error)
{
    return quic_tls_chain_key(sk_X509_value(chain, 0)) < bits
           ? QUIC_TLS_V_EE_KEY_TOO_SMALL : error;
}


/* the trust anchor's own signature aside */

static long
quic_tls_chain_strength(STACK_OF(X509) *chain, ngx_uint_t bits, long error)
{
    X509    *cert;
    size_t   i, n;

    n = sk_X509_num(chain);

    for (i = 0; i < n; i++) {
        cert = sk_X509_value(chain, i);

        if (i > 0 && quic_tls_chain_key(cert) < bits) {
            error = QUIC_TLS_V_CA_KEY_TOO_SMALL;
        }

        if (i + 1 < n && quic_tls_chain_signature(cert) < bits) {
            error = QUIC_TLS_V_CA_MD_TOO_WEAK;
        }
    }

    return error;
}


/* bits of security; 0: unknown */

static ngx_uint_t
quic_tls_chain_key(X509 *cert)
{
    int         type, size;
    EVP_PKEY   *key;
    ngx_uint_t  i;

    key = X509_get_pubkey(cert);
    if (key == NULL) {
        return 0;
    }

    type = EVP_PKEY_id(key);
    size = EVP_PKEY_bits(key);
    EVP_PKEY_free(key);

    switch (type) {

    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        for (i = 0; size < quic_tls_chain_rsa[i].size; i++) { /* void */ }
        return quic_tls_chain_rsa[i].strength;

    case EVP_PKEY_EC:
        return size / 2;

    case EVP_PKEY_ED25519:
        return 128;

    default:
        return 0;
    }
}


/* likewise */

static ngx_uint_t
quic_tls_chain_signature(X509 *cert)
{
    int            nid, digest, type;
    const EVP_MD  *md;

    nid = X509_get_signature_nid(cert);

    if (nid == NID_ED25519) {
        return 128;
    }

    if (nid == NID_rsassaPss) {
        digest = quic_tls_chain_pss_digest(cert);

    } else if (!OBJ_find_sigid_algs(nid, &digest, &type)) {
        return 0;
    }

    /* of collisions; those of the broken ones as OpenSSL has them */

    switch (digest) {

    case NID_sha1:
        return 63;

    case NID_md5:
        return 39;

    default:
        md = EVP_get_digestbynid(digest);
        return md ? EVP_MD_size(md) * 8 / 2 : 0;
    }
}


/* RFC 4055, 3.1: RSASSA-PSS-params */

static int
quic_tls_chain_pss_digest(X509 *cert)
{
    int                 type;
    CBS                 cbs, params, hash, oid;
    const void         *value;
    const X509_ALGOR   *alg;

    X509_get0_signature(NULL, &alg, cert);
    X509_ALGOR_get0(NULL, &type, &value, alg);

    if (type != V_ASN1_SEQUENCE) {
        return NID_undef;
    }

    CBS_init(&cbs, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));

    if (!CBS_get_asn1(&cbs, &params, CBS_ASN1_SEQUENCE)) {
        return NID_undef;
    }

    if (!CBS_get_asn1(&params, &cbs,
                      CBS_ASN1_CONTEXT_SPECIFIC|CBS_ASN1_CONSTRUCTED|0))
    {
        return NID_sha1;
    }

    if (!CBS_get_asn1(&cbs, &hash, CBS_ASN1_SEQUENCE)
        || !CBS_get_asn1(&hash, &oid, CBS_ASN1_OBJECT))
    {
        return NID_undef;
    }

    return OBJ_cbs2nid(&oid);
}


/*
 * At a certificate without an issuer the library stops, where OpenSSL looks at
 * its times.  Most errors of unknown issuers are forgiven by "optional_no_ca",
 * those aren't.
 */

static long
quic_tls_chain_alone(X509 *leaf, long error)
{
    int  rc;

    if (X509_check_issued(leaf, leaf) == X509_V_OK) {
        return error;
    }

    rc = X509_cmp_current_time(X509_get0_notBefore(leaf));

    if (rc >= 0) {
        error = rc ? X509_V_ERR_CERT_NOT_YET_VALID
                   : X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
    }

    rc = X509_cmp_current_time(X509_get0_notAfter(leaf));

    if (rc <= 0) {
        error = rc ? X509_V_ERR_CERT_HAS_EXPIRED
                   : X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
    }

    return error;
}


/*
 * A leaf without DNS names of its own: OpenSSL takes common names for such, if
 * they look so, and holds constraints of CAs against them.
 */

static long
quic_tls_chain_names(STACK_OF(X509) *chain, long error)
{
    int                i;
    long               rc;
    X509              *leaf;
    NAME_CONSTRAINTS  *nc;

    leaf = sk_X509_value(chain, 0);

    if (quic_tls_chain_has_dns(leaf)) {
        return error;
    }

    for (i = (int) sk_X509_num(chain) - 1; i > 0; i--) {
        nc = X509_get_ext_d2i(sk_X509_value(chain, i), NID_name_constraints,
                              NULL, NULL);

        if (nc == NULL) {
            continue;
        }

        rc = quic_tls_chain_common_names(leaf, nc);
        NAME_CONSTRAINTS_free(nc);

        if (rc != X509_V_OK) {
            error = rc;
        }
    }

    return error;
}


static ngx_uint_t
quic_tls_chain_has_dns(X509 *leaf)
{
    size_t          i;
    ngx_uint_t      has;
    GENERAL_NAMES  *names;

    has = 0;
    names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        has |= sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
    }

    GENERAL_NAMES_free(names);

    return has;
}


static long
quic_tls_chain_common_names(X509 *leaf, NAME_CONSTRAINTS *nc)
{
    int               i;
    long              rc;
    const X509_NAME  *subject;

    rc = X509_V_OK;
    subject = X509_get_subject_name(leaf);

    for (i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
         i >= 0 && rc == X509_V_OK;
         i = X509_NAME_get_index_by_NID(subject, NID_commonName, i))
    {
        rc = quic_tls_chain_common_name(X509_NAME_ENTRY_get_data(
                                          X509_NAME_get_entry(subject, i)),
                                        nc);
    }

    return rc;
}


static long
quic_tls_chain_common_name(ASN1_STRING *cn, NAME_CONSTRAINTS *nc)
{
    int          len;
    long         rc;
    ngx_str_t    name;
    ngx_uint_t   asked;

    len = ASN1_STRING_to_UTF8(&name.data, cn);
    if (len < 0) {
        return X509_V_ERR_OUT_OF_MEM;
    }

    /* some end in NUL and are meant well */

    while (len && name.data[len - 1] == '\0') {
        len--;
    }

    name.len = len;
    rc = X509_V_OK;

    if (ngx_strlchr(name.data, name.data + len, '\0')) {
        rc = X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;

    } else if (quic_tls_chain_is_host(&name)) {

        if (!quic_tls_chain_below(nc->permittedSubtrees, &name, &asked)
            && asked)
        {
            rc = X509_V_ERR_PERMITTED_VIOLATION;

        } else if (quic_tls_chain_below(nc->excludedSubtrees, &name, &asked)) {
            rc = X509_V_ERR_EXCLUDED_VIOLATION;
        }
    }

    OPENSSL_free(name.data);

    return rc;
}


/* a name of two labels at least, which may have underscores */

static ngx_uint_t
quic_tls_chain_is_host(ngx_str_t *name)
{
    u_char      c, last;
    size_t      i;
    ngx_uint_t  dots;

    dots = 0;
    last = '.';

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c == '.' && last != '.' && last != '-') {
            dots++;

        } else if (!(c == '-' && last != '.')
                   && !(c >= '0' && c <= '9')
                   && !(ngx_tolower(c) >= 'a' && ngx_tolower(c) <= 'z')
                   && c != '_')
        {
            return 0;
        }

        last = c;
    }

    return dots && last != '.' && last != '-';
}


/*
 * RFC 5280, 4.2.1.10: non-zero if the name is in one of the trees; asked: there
 * are such of DNS names.
 */

static ngx_uint_t
quic_tls_chain_below(STACK_OF(GENERAL_SUBTREE) *subtrees, ngx_str_t *name,
    ngx_uint_t *asked)
{
    size_t         i, len;
    u_char        *base, *tail;
    GENERAL_NAME  *tree;

    *asked = 0;

    for (i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); i++) {
        tree = sk_GENERAL_SUBTREE_value(subtrees, i)->base;

        if (tree->type != GEN_DNS) {
            continue;
        }

        *asked = 1;

        len = ASN1_STRING_length(tree->d.dNSName);
        base = (u_char *) ASN1_STRING_get0_data(tree->d.dNSName);

        if (len == 0) {
            return 1;
        }

        if (len > name->len) {
            continue;
        }

        tail = name->data + name->len - len;

        if (ngx_strncasecmp(tail, base, len) == 0
            && (len == name->len || base[0] == '.' || tail[-1] == '.'))
        {
            return 1;
        }
    }

    return 0;
}
