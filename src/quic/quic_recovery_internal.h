
/* What the parts of the recovery know of each other; nobody else does. */

#ifndef _QUIC_RECOVERY_INTERNAL_H_INCLUDED_
#define _QUIC_RECOVERY_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "quic/quic_recovery.h"


/*
 * Declares lost in a space what can't come any more at "now", and sets the
 * time at which to look again.  The number of these packets.
 */
ngx_uint_t quic_recovery_detect_lost(quic_recovery_t *r,
    quic_space_e space, uint64_t now);

/* ops->lost() for each frame of a packet, whatever becomes of it */
void quic_recovery_report_lost(quic_recovery_t *r, quic_space_e space,
    quic_sent_packet_t *p);

/* a packet is no longer in flight */
void quic_recovery_land(quic_recovery_t *r, quic_recovery_space_t *sp,
    quic_sent_packet_t *p);

/* datagrams may have another size now; the rate may be another one */
void quic_recovery_fit(quic_recovery_t *r);
void quic_recovery_pace(quic_recovery_t *r, uint64_t now);

/*
 * For how long a packet is remembered that nothing depends on any more, in
 * microseconds; and those that are older are forgotten.
 */
uint64_t quic_recovery_memory(quic_recovery_t *r);
void quic_recovery_trim(quic_recovery_t *r, quic_recovery_space_t *sp,
    uint64_t now);


#endif /* _QUIC_RECOVERY_INTERNAL_H_INCLUDED_ */
