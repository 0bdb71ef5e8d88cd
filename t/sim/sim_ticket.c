
/*
 * What a client keeps for the one after it: the session of its last ticket, and
 * the server's transport parameters, on which 0-RTT relies (RFC 9001, 4.6).
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim_ngtcp2.h"


#define SIM_MAX_PARAMS  256


typedef struct {
    gnutls_session_t  tls;
    gnutls_datum_t    session;
    uint64_t          time;
    u_char            params[SIM_MAX_PARAMS];
    size_t            params_len;        /* 0: not there yet */
} sim_ticket_t;


static sim_ticket_t  sim_tickets[SIM_MAX_CLIENTS];


static int
sim_ticket_came(gnutls_session_t tls, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
    sim_ticket_t  *t;

    for (t = sim_tickets; t->tls != tls; t++) { /* void */ }

    gnutls_free(t->session.data);
    t->session.data = NULL;
    t->time = sim.now;

    return gnutls_session_get_data2(tls, &t->session);
}


void
sim_ticket_wait(ngx_uint_t client, gnutls_session_t tls)
{
    sim_tickets[client].tls = tls;

    gnutls_handshake_set_hook_function(tls,
                                       GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
                                       GNUTLS_HOOK_POST, sim_ticket_came);
}


void
sim_ticket_params(ngx_uint_t client, ngtcp2_conn *conn)
{
    ngtcp2_ssize   n;
    sim_ticket_t  *t;

    t = &sim_tickets[client];

    n = ngtcp2_conn_encode_0rtt_transport_params(conn, t->params,
                                                 sizeof(t->params));
    if (n <= 0) {
        sim_fail("no parameters for 0-RTT: %s", ngtcp2_strerror(n));
    }

    t->params_len = n;
}


ngx_uint_t
sim_ticket_is_there(ngx_uint_t client)
{
    return sim_tickets[client].session.data != NULL
           && sim_tickets[client].params_len;
}


uint64_t
sim_ticket_time(ngx_uint_t client)
{
    return sim_tickets[client].time;
}


void
sim_ticket_resume(ngx_uint_t client, gnutls_session_t tls)
{
    gnutls_datum_t  *session;

    session = &sim_tickets[client].session;

    if (gnutls_session_set_data(tls, session->data, session->size) != 0) {
        sim_fail("a session can't be resumed");
    }
}


void
sim_ticket_early(ngx_uint_t client, ngtcp2_conn *conn)
{
    sim_ticket_t  *t;

    t = &sim_tickets[client];

    if (ngtcp2_conn_decode_and_set_0rtt_transport_params(conn, t->params,
                                                         t->params_len)
        != 0)
    {
        sim_fail("parameters are no good for 0-RTT");
    }
}


void
sim_tickets_done(void)
{
    ngx_uint_t  i;

    for (i = 0; i < SIM_MAX_CLIENTS; i++) {
        gnutls_free(sim_tickets[i].session.data);
    }
}
