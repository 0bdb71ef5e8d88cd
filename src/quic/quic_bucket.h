
/*
 * A token bucket: "rate" events a second, bursts of "burst".  What a peer can
 * make us do is either bounded or paid from one of these.
 *
 * Kept in micro-tokens, so that nothing is lost in rounding.
 */

#ifndef _QUIC_BUCKET_H_INCLUDED_
#define _QUIC_BUCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    uint64_t     rate;               /* tokens a second */
    uint64_t     burst;              /* tokens */
    uint64_t     level;              /* micro-tokens */
    uint64_t     time;               /* microseconds, of "level" */
} quic_bucket_t;


void quic_bucket_init(quic_bucket_t *b, uint64_t rate, uint64_t burst,
    uint64_t now);

/* puts "n" tokens in: those beyond the burst are lost */
void quic_bucket_give(quic_bucket_t *b, uint64_t n);

/* takes "n" tokens: NGX_OK, or NGX_DECLINED when there are too few */
ngx_int_t quic_bucket_take(quic_bucket_t *b, uint64_t n, uint64_t now);


#endif /* _QUIC_BUCKET_H_INCLUDED_ */
