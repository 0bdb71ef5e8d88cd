# Rules for whatever links the lower floors without an nginx around them: unit
# tests, simulations, fuzzers, the raw client.  The including makefile sets
#
#     top   the checkout
#     OUT   where objects and libraries go (default build/test; for another TLS
#           than the default build/with-$(TLS)/test)
#     SAN   the sanitizers (default address and undefined behaviour)
#     OPT   the optimisation (default -O1 -g)
#
# and gets
#
#     $(OUT)/libwire.a, libcrypto.a, libquic.a, libh3.a   one floor each
#     $(OUT)/libtest.a       what tests share: t/lib/*.c
#     $(CLIENT_OBJS)         the raw client, without its programs
#     $(TEST_COMPILE)        the compiler with all flags, but -c and -o
#     $(call floors,quic)    the libraries of a floor and of all below it
#     $(TEST_LIBS)           what is to follow these: nginx's library, the TLS
#                            library, nghttp3
#     $(TEST_DEPS)           what an object depends on besides its headers

override TLS := $(or $(TLS),boringssl)
tls := $(top)/build/$(TLS)

with := $(top)/build$(if $(filter-out boringssl,$(TLS)),/with-$(TLS))

OUT ?= $(with)/test
SAN ?= -fsanitize=address,undefined -fno-sanitize-recover=all
OPT ?= -O1 -g

nginx := $(OUT)/nginx

# nginx's library is not ours to check for undefined behaviour.

comma     := ,
NGINX_SAN ?= $(filter -fsanitize=address, \
               $(subst address$(comma),address ,$(SAN)))

TEST_CPPFLAGS = -DTEST_TLS='"$(TLS)"' -I$(top)/src -isystem $(tls)/include \
                $(addprefix -isystem $(nginx)/,src/core src/event \
                  src/event/modules src/os/unix objs)
TEST_CFLAGS   = -Wall -Wextra -Werror -Wno-unused-parameter

TEST_COMPILE  = $(CC) $(TEST_CPPFLAGS) $(TEST_CFLAGS) $(OPT) $(SAN) -MMD -MP
TEST_LIBS     = $(OUT)/libnginx.a $(tls)/lib/libssl.a $(tls)/lib/libcrypto.a \
                -lnghttp3 -lcrypt -lpthread -ldl
TEST_DEPS     = $(OUT)/libnginx.a $(OUT)/tls

FLOORS := wire crypto quic h3

# A floor and those below it, the highest first.

floors = $(call below,$(1),$(FLOORS))
below  = $(if $(2),$(if $(filter $(1),$(firstword $(2))),,$(call \
           below,$(1),$(wordlist 2,9,$(2)))) $(OUT)/lib$(firstword $(2)).a)

floor_objs = $(patsubst $(top)/src/%.c,$(OUT)/src/%.o,$(sort \
               $(wildcard $(top)/src/$(1)/*.c)))

# With KEEP_GOING set a source that does not compile is left out of its
# library: the tests of its neighbours can still be linked and run.

$(OUT)/src/%.o: $(top)/src/%.c $(TEST_DEPS)
	@mkdir -p $(@D)
	$(TEST_COMPILE) -c $< -o $@ $(if $(KEEP_GOING),|| rm -f $@)

# The library is made anew when the list of its members changes, too.

define floor_rule
$(OUT)/lib$(1).a: $(call floor_objs,$(1)) $(OUT)/lib$(1).list
	@rm -f $$@
	$$(AR) rcs $$@ $$(wildcard $$(filter %.o,$$^))

$(OUT)/lib$(1).list: force
	@mkdir -p $$(@D)
	@echo $(call floor_objs,$(1)) | cmp -s - $$@ \
	  || echo $(call floor_objs,$(1)) > $$@
endef

$(foreach f,$(FLOORS),$(eval $(call floor_rule,$f)))

# All is made anew with another TLS library.

$(OUT)/tls: $(tls)/stamp force
	@mkdir -p $(@D)
	@cmp -s $(tls)/stamp $@ || cp $(tls)/stamp $@

test_objs = $(patsubst $(top)/t/lib/%.c,$(OUT)/t/lib/%.o,$(sort \
              $(wildcard $(top)/t/lib/*.c)))

$(OUT)/t/lib/%.o: $(top)/t/lib/%.c $(TEST_DEPS)
	@mkdir -p $(@D)
	$(TEST_COMPILE) -c $< -o $@ $(if $(KEEP_GOING),|| rm -f $@)

$(OUT)/libtest.a: $(test_objs)
	@rm -f $@
	$(AR) rcs $@ $(wildcard $^)

# The rows of its tables leave out at their ends what they don't need.

CLIENT_OBJS = $(patsubst $(top)/t/client/%.c,$(OUT)/client/%.o,$(sort \
                $(wildcard $(top)/t/client/client*.c)))

$(OUT)/client/%.o: $(top)/t/client/%.c $(TEST_DEPS)
	@mkdir -p $(@D)
	$(TEST_COMPILE) -Wno-missing-field-initializers -I$(top)/t/lib -c $< \
	  -o $@

$(OUT)/libnginx.a: $(top)/auto/test-nginx
	$(top)/auto/test-nginx $(OUT) "$(CC)" "$(OPT) $(NGINX_SAN)"

-include $(wildcard $(OUT)/src/*/*.d $(OUT)/t/lib/*.d $(OUT)/client/*.d)

.PHONY: force
.DELETE_ON_ERROR:
.SECONDARY:
