
/* Random bytes from BoringSSL, and a keyed hash for tables. */

#ifndef _QUIC_RANDOM_H_INCLUDED_
#define _QUIC_RANDOM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


void quic_random(u_char *buf, size_t len);
uint64_t quic_random_u64(void);

/* SipHash-2-4 with a key of the process's own, made at its first use */
uint64_t quic_hash(const u_char *data, size_t len);

/* comparison in constant time; non-zero when equal */
ngx_uint_t quic_equal(const u_char *a, const u_char *b, size_t len);

/* memory that won't be skipped by the optimiser */
void quic_wipe(void *p, size_t len);


#endif /* _QUIC_RANDOM_H_INCLUDED_ */
