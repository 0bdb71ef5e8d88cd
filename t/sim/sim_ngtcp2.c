
/* What libngtcp2's client and its server have in common. */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include "sim_ngtcp2.h"


ngtcp2_tstamp
sim_ngtcp2_now(void)
{
    return sim.now * 1000;
}


uint64_t
sim_ngtcp2_expiry(ngtcp2_conn *conn)
{
    ngtcp2_tstamp  expiry;

    expiry = ngtcp2_conn_get_expiry(conn);

    return expiry / 1000 + (expiry % 1000 != 0);
}


void
sim_ngtcp2_cid(ngtcp2_cid *cid, size_t len)
{
    cid->datalen = len;
    sim_random_bytes(SIM_RANDOM_LIBRARY, cid->data, len);
}


void
sim_ngtcp2_log(const char *who, const char *fmt, va_list args)
{
    char  buf[4096];

    if (!sim.trace) {
        return;
    }

    (void) vsnprintf(buf, sizeof(buf), fmt, args);

    sim_trace("%s: %s", who, buf);
}


void
sim_ngtcp2_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx)
{
    sim_random_bytes(SIM_RANDOM_LIBRARY, dest, len);
}


int
sim_ngtcp2_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
    size_t len, void *data)
{
    sim_ngtcp2_cid(cid, len);
    sim_random_bytes(SIM_RANDOM_LIBRARY, token,
                     NGTCP2_STATELESS_RESET_TOKENLEN);

    return 0;
}
