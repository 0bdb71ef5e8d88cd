
/* Transport parameters, as a client's and as a server's. */

#include "fuzz.h"
#include "wire/quic_transport_params.h"
#include "wire/quic_varint.h"


typedef ngx_int_t (*parse_pt)(quic_transport_params_t *tp, u_char *data,
    size_t len, const char **reason);


static void
check(parse_pt parse, u_char *data, size_t len)
{
    u_char                    buf[512];
    size_t                    n;
    const char               *reason;
    quic_transport_params_t   tp, again;

    reason = NULL;

    if (parse(&tp, data, len, &reason) != NGX_OK) {
        fuzz_check(reason != NULL);
        return;
    }

    fuzz_check(tp.max_idle_timeout <= QUIC_VARINT_MAX);
    fuzz_check(tp.max_ack_delay < (1 << 14) * 1000);
    fuzz_check(tp.min_ack_delay <= tp.max_ack_delay);
    fuzz_check(tp.max_udp_payload_size >= 1200);
    fuzz_check(tp.active_connection_id_limit >= 2);
    fuzz_check(tp.ack_delay_exponent <= 20);
    fuzz_check(tp.nversions <= QUIC_TP_MAX_VERSIONS);

    fuzz_check(parse == quic_transport_params_parse_server
               || (!tp.has_original_dcid && !tp.has_retry_scid
                   && !tp.has_reset_token && !tp.has_preferred));

    /* written and read again they are the same; any fit in 512 bytes */

    n = quic_transport_params_write(&tp, buf, sizeof(buf), len);
    fuzz_check(n > 0 || len == 0);

    fuzz_check(parse(&again, buf, n, &reason) == NGX_OK);
    fuzz_check(ngx_memcmp(&tp, &again, sizeof(tp)) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(quic_transport_params_parse, fuzz_bytes(data), size);
    check(quic_transport_params_parse_server, fuzz_bytes(data), size);

    return 0;
}
