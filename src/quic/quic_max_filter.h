
/*
 * The maximum of what was seen lately: of the last n units of a time that is
 * counted in anything, round trips or cycles.  Kept are the maxima of each
 * unit.
 */

#ifndef _QUIC_MAX_FILTER_H_INCLUDED_
#define _QUIC_MAX_FILTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* units that it remembers, the current one included */
#define QUIC_MAX_FILTER_LEN  10


typedef struct {
    uint64_t     time;
    uint64_t     max[QUIC_MAX_FILTER_LEN];   /* of unit t in [t % LEN] */
} quic_max_filter_t;


/* "time" doesn't go back; all 0 is a filter without values at time 0 */
void quic_max_filter_add(quic_max_filter_t *f, uint64_t time, uint64_t value);

/* of the last "n" units up to the one of the last value */
uint64_t quic_max_filter_get(const quic_max_filter_t *f, ngx_uint_t n);


#endif /* _QUIC_MAX_FILTER_H_INCLUDED_ */
