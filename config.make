# nginx's configure reads this after config, while it writes the makefile.
#
# Our objects, and no others, are compiled with the TLS library's headers: the
# same makefile may build nginx itself, against its OpenSSL.  They must come
# first, as nginx's own headers include <openssl/...>.
#
# The compiler writes down which headers an object depends on.  QUIC_CFLAGS is
# for flags that nginx's own objects are not to get.

ngx_quic_objs=

for ngx_src in $ngx_quic_srcs; do
    ngx_obj=$(basename $(dirname $ngx_src))/$(basename $ngx_src .c)
    ngx_quic_objs="$ngx_quic_objs $NGX_OBJS/addon/$ngx_obj"
done

cat << END                                                    >> $NGX_MAKEFILE

$(printf '%s.o ' $ngx_quic_objs): ALL_INCS := \
	$(printf ' -I %s' $ngx_quic_incs) \$(ALL_INCS)

$(printf '%s.o ' $ngx_quic_objs): CFLAGS += -MMD -MP ${QUIC_CFLAGS:-}

-include $(printf '%s.d ' $ngx_quic_objs)

END
