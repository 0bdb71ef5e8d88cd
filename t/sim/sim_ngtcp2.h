
/* What libngtcp2's client and its server have in common. */

#ifndef _SIM_NGTCP2_H_INCLUDED_
#define _SIM_NGTCP2_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include "sim.h"


#define SIM_NGTCP2_TLS                                                        \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:-GROUP-ALL:"                   \
    "%DISABLE_TLS13_COMPAT_MODE:"

/* of a connection that isn't to surprise anyone */
#define SIM_NGTCP2_TLS_PLAIN                                                  \
    SIM_NGTCP2_TLS "+AES-128-GCM:+GROUP-X25519:+GROUP-SECP256R1"

#define SIM_NGTCP2_PLAIN_CID  8


/* nanoseconds */
ngtcp2_tstamp sim_ngtcp2_now(void);

/* when the library wants to be called again, in our time */
uint64_t sim_ngtcp2_expiry(ngtcp2_conn *conn);

void sim_ngtcp2_cid(ngtcp2_cid *cid, size_t len);

/* callbacks */
void sim_ngtcp2_log(const char *who, const char *fmt, va_list args);
void sim_ngtcp2_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx);
int sim_ngtcp2_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
    size_t len, void *data);


/* ticket: what the clients after this one need of it */

/* once its TLS is there; once the server's parameters are */
void sim_ticket_wait(ngx_uint_t client, gnutls_session_t tls);
void sim_ticket_params(ngx_uint_t client, ngtcp2_conn *conn);

/* non-zero when it could be used; when the ticket came */
ngx_uint_t sim_ticket_is_there(ngx_uint_t client);
uint64_t sim_ticket_time(ngx_uint_t client);

/* another one uses it: with the first resumption, with both 0-RTT */
void sim_ticket_resume(ngx_uint_t client, gnutls_session_t tls);
void sim_ticket_early(ngx_uint_t client, ngtcp2_conn *conn);

void sim_tickets_done(void);


#endif /* _SIM_NGTCP2_H_INCLUDED_ */
