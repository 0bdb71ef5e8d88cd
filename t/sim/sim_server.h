
/* The server's insides, for what checks them. */

#ifndef _SIM_SERVER_H_INCLUDED_
#define _SIM_SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_endpoint.h"


extern quic_endpoint_t  sim_endpoint;
extern quic_mem_t       sim_mem;


/* non-zero while it has updated keys and no client has answered with them */
ngx_uint_t sim_server_updates_keys(void);


#endif /* _SIM_SERVER_H_INCLUDED_ */
