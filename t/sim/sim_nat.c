
/*
 * The addresses of clients.  Each has interfaces, of which it knows, and stands
 * behind a NAT, which it doesn't know of and which may give it another address
 * or port at any time; and there may be somebody on the way who changes the
 * source of a datagram.
 *
 *     10.I.N.2:P + N     interface I after N changes, P of the client's own
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim.h"


#define SIM_NAT_ADDR       0x0a000002
#define SIM_NAT_PORT       10000
#define SIM_NAT_PORTS      800       /* of a client's, before they meet */
#define SIM_NAT_INTERFACE  16        /* bits below its number */
#define SIM_NAT_CHANGES    8

/* an interface that no client has */
#define SIM_NAT_ATTACKER   255


typedef struct {
    ngx_uint_t     changes;
    ngx_uint_t     spoof;        /* the next datagram's source */
} sim_nat_t;


static sim_nat_t   sim_nats[SIM_MAX_CLIENTS];


quic_addr_t
sim_nat_local(ngx_uint_t client, ngx_uint_t interface)
{
    in_addr_t    addr;
    quic_addr_t  local;

    addr = SIM_NAT_ADDR + (interface << SIM_NAT_INTERFACE);

    if (sim.scenario->token == SIM_TOKEN_ELSEWHERE) {
        addr += client;
    }

    ngx_memzero(&local, sizeof(quic_addr_t));

    local.sin.sin_family = AF_INET;
    local.sin.sin_port = htons(SIM_NAT_PORT + client * SIM_NAT_PORTS);
    local.sin.sin_addr.s_addr = htonl(addr);

    return local;
}


static ngx_uint_t
sim_nat_interface(const quic_addr_t *addr)
{
    return ntohl(addr->sin.sin_addr.s_addr) >> SIM_NAT_INTERFACE & 0xff;
}


void
sim_nat_rebind(ngx_uint_t client)
{
    sim_nats[client].changes++;
}


void
sim_nat_spoof(ngx_uint_t client)
{
    sim_nats[client].spoof = 1;
}


quic_addr_t
sim_nat_out(ngx_uint_t client, const quic_addr_t *local)
{
    in_addr_t    addr;
    sim_nat_t   *nat;
    quic_addr_t  public;

    nat = &sim_nats[client];

    if (nat->spoof) {
        nat->spoof = 0;
        return sim_nat_local(client, SIM_NAT_ATTACKER);
    }

    public = *local;
    addr = ntohl(public.sin.sin_addr.s_addr);

    if (!sim.scenario->rebind_port) {
        addr += (nat->changes & 0xff) << SIM_NAT_CHANGES;
    }

    public.sin.sin_addr.s_addr = htonl(addr);
    public.sin.sin_port = htons(ntohs(local->sin.sin_port) + nat->changes);

    return public;
}


ngx_int_t
sim_nat_in(ngx_uint_t client, const quic_addr_t *to, ngx_uint_t *interface)
{
    ngx_uint_t  changes;

    *interface = sim_nat_interface(to);

    if (*interface == SIM_NAT_ATTACKER) {
        return NGX_DECLINED;
    }

    changes = (ntohs(to->sin.sin_port) - SIM_NAT_PORT
               - client * SIM_NAT_PORTS) & 0xffff;

    if (sim.scenario->rebind_cuts
        && changes != (sim_nats[client].changes & 0xffff))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
