
/*
 * Groups of the key exchange (RFC 8446, 4.2.7) and suites: the names that
 * nginx's users know them by, which are OpenSSL's, and what of a choice of
 * them the library can make.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "crypto/quic_tls_internal.h"


typedef struct {
    uint16_t             id;
    const char          *name;       /* OpenSSL's, as it prints it */
    const char          *library;    /* the library's, and OpenSSL takes it */
    const char          *alias;      /* OpenSSL takes it as well; or NULL */
} quic_tls_group_t;


static ngx_uint_t quic_tls_next_name(ngx_str_t *list, ngx_str_t *name);
static ngx_int_t quic_tls_add_group(quic_tls_ctx_t *ctx, ngx_str_t *name);
static ngx_int_t quic_tls_append_group(quic_tls_ctx_t *ctx, const char *name);
static ngx_uint_t quic_tls_is_name(ngx_str_t *str, const char *name);


static const quic_tls_group_t  quic_tls_groups[] = {
    { 0x0017, "prime256v1", "P-256", "secp256r1" },
    { 0x0018, "secp384r1", "P-384", NULL },
    { 0x0019, "secp521r1", "P-521", NULL },
    { 0x001d, "X25519", "X25519", NULL },
    { 0x11ec, "X25519MLKEM768", "X25519MLKEM768", NULL },
    { 0x11eb, "SecP256r1MLKEM768", "SecP256r1MLKEM768", NULL },
    { 0x11ed, "SecP384r1MLKEM1024", "SecP384r1MLKEM1024", NULL },
    { 0x0200, "MLKEM512", "MLKEM512", NULL },
    { 0x0201, "MLKEM768", "MLKEM768", NULL },
    { 0x0202, "MLKEM1024", "MLKEM1024", NULL },
    { 0x0015, "secp224r1", "P-224", NULL },
    { 0x0013, "prime192v1", "P-192", "secp192r1" },
    { 0x001e, "X448", "X448", NULL },
    { 0x0016, "secp256k1", "secp256k1", NULL },
    { 0x001a, "brainpoolP256r1", "brainpoolP256r1", NULL },
    { 0x001b, "brainpoolP384r1", "brainpoolP384r1", NULL },
    { 0x001c, "brainpoolP512r1", "brainpoolP512r1", NULL },
    { 0x0100, "ffdhe2048", "ffdhe2048", NULL },
    { 0x0101, "ffdhe3072", "ffdhe3072", NULL },
    { 0x0102, "ffdhe4096", "ffdhe4096", NULL },
    { 0x0103, "ffdhe6144", "ffdhe6144", NULL },
    { 0x0104, "ffdhe8192", "ffdhe8192", NULL }
};


/* what "auto" stands for: those of them that the library has */

static ngx_str_t  quic_tls_default_groups =
    ngx_string("X25519MLKEM768:X25519:P-256:P-384");


/* in the order of their bits */

static ngx_str_t  quic_tls_suites[] = {
    ngx_string("TLS_AES_128_GCM_SHA256"),
    ngx_string("TLS_AES_256_GCM_SHA384"),
    ngx_string("TLS_CHACHA20_POLY1305_SHA256"),
    ngx_null_string
};


ngx_int_t
quic_tls_ctx_groups(quic_tls_ctx_t *ctx, ngx_str_t *list, ngx_str_t *unknown)
{
    ngx_str_t  rest, name;

    rest = *list;
    ngx_str_null(unknown);

    ctx->groups[0] = '\0';

    if (quic_tls_is_name(list, "auto") || quic_tls_is_name(list, "DEFAULT")) {
        quic_tls_set_default_groups(ctx);
        return NGX_OK;
    }

    while (quic_tls_next_name(&rest, &name)) {
        if (quic_tls_add_group(ctx, &name) != NGX_OK && unknown->len == 0) {
            *unknown = name;
        }
    }

    if (ctx->groups[0] == '\0') {
        return NGX_ERROR;
    }

    return (unknown->len) ? NGX_DECLINED : NGX_OK;
}


void
quic_tls_set_default_groups(quic_tls_ctx_t *ctx)
{
    ngx_str_t  rest, name;

    rest = quic_tls_default_groups;

    while (quic_tls_next_name(&rest, &name)) {
        (void) quic_tls_add_group(ctx, &name);
    }
}


/*
 * OpenSSL 3.5 marks a group that may be missing with "?", one to expect a key
 * share of with "*", and parts of the list with "/".
 */

static ngx_uint_t
quic_tls_next_name(ngx_str_t *list, ngx_str_t *name)
{
    u_char  *p, *last;

    p = list->data;
    last = list->data + list->len;

    while (p < last && ngx_strchr(":/?* ", *p)) {
        p++;
    }

    name->data = p;

    while (p < last && !ngx_strchr(":/ ", *p)) {
        p++;
    }

    name->len = p - name->data;

    list->data = p;
    list->len = last - p;

    return name->len != 0;
}


static ngx_int_t
quic_tls_add_group(quic_tls_ctx_t *ctx, ngx_str_t *name)
{
    ngx_uint_t               i, n;
    const quic_tls_group_t  *group;

    n = sizeof(quic_tls_groups) / sizeof(quic_tls_groups[0]);

    for (i = 0; i < n; i++) {
        group = &quic_tls_groups[i];

        if (quic_tls_is_name(name, group->name)
            || quic_tls_is_name(name, group->library)
            || quic_tls_is_name(name, group->alias))
        {
            return quic_tls_append_group(ctx, group->library);
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
quic_tls_append_group(quic_tls_ctx_t *ctx, const char *name)
{
    size_t  len;

    /* the library is asked whether it has this one */

    if (!SSL_CTX_set1_groups_list(ctx->ssl_ctx, name)) {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    len = ngx_strlen(ctx->groups);

    if (len + 1 + ngx_strlen(name) + 1 > sizeof(ctx->groups)) {
        return NGX_DECLINED;
    }

    ngx_sprintf((u_char *) ctx->groups + len, "%s%s%Z", len ? ":" : "", name);

    return NGX_OK;
}


static ngx_uint_t
quic_tls_is_name(ngx_str_t *str, const char *name)
{
    return name && str->len == ngx_strlen(name)
           && ngx_strncasecmp(str->data, (u_char *) name, str->len) == 0;
}


const char *
quic_tls_group_name(uint16_t id)
{
    ngx_uint_t  i, n;

    n = sizeof(quic_tls_groups) / sizeof(quic_tls_groups[0]);

    for (i = 0; i < n; i++) {
        if (quic_tls_groups[i].id == id) {
            return quic_tls_groups[i].name;
        }
    }

    return NULL;
}


ngx_int_t
quic_tls_ctx_suites(quic_tls_ctx_t *ctx, ngx_str_t *list)
{
    ngx_str_t   rest, name;
    ngx_uint_t  i, suites, possible;

    suites = 0;
    rest = *list;

    while (quic_tls_next_name(&rest, &name)) {
        for (i = 0; quic_tls_suites[i].len; i++) {
            if (quic_tls_is_name(&name, (char *) quic_tls_suites[i].data)) {
                suites |= 1 << i;
            }
        }
    }

    possible = quic_tls_lib_suites(suites);

    if (possible == 0) {
        return NGX_ERROR;
    }

    ctx->suites = possible;

    return (possible == suites) ? NGX_OK : NGX_DECLINED;
}


const char *
quic_tls_possible_suites(void)
{
    return QUIC_TLS_LIB_SUITES;
}


/*
 * To a connection, as its groups would otherwise stay those of the context
 * that it began with.  Groups come last: a choice of suites may change them.
 */

ngx_int_t
quic_tls_apply_choices(quic_tls_t *tls)
{
    SSL             *ssl;
    quic_tls_ctx_t  *ctx;

    ssl = tls->ssl;
    ctx = tls->ctx;

    if (ctx->prefer) {
        (void) SSL_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }

    if (!quic_tls_lib_set_suites(ssl, ctx->suites)) {
        return NGX_ERROR;
    }

    if (!SSL_set1_groups_list(ssl, ctx->groups)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
