
/* The table of scenarios. */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim.h"


#define KB  1024ULL
#define MB  (1024 * KB)

/* a client with 40 ms and 100 Mbit/s, and a queue of one round trip and more */

#define SIM_LINK(...)                                                         \
    { .delay = 20 * SIM_MS, .rate = 12500000, .queue = 750 * KB, __VA_ARGS__ }

/* the same in both directions */
#define SIM_PATHS(...)  { SIM_LINK(__VA_ARGS__), SIM_LINK(__VA_ARGS__) }

#define SIM_BYTES(n)  { .min = (n), .max = (n) }


static const sim_scenario_t  sim_scenarios[] = {

    { .name = "handshake",
      .path = SIM_PATHS( .jitter = 0 ) },

    { .name = "small",
      .path = SIM_PATHS( .jitter = 0 ),
      .streams = 1,
      .flow = { SIM_BYTES(100), SIM_BYTES(20 * KB) } },
};


const sim_scenario_t *
sim_scenario(ngx_uint_t i)
{
    if (i < sizeof(sim_scenarios) / sizeof(sim_scenarios[0])) {
        return &sim_scenarios[i];
    }

    return NULL;
}
