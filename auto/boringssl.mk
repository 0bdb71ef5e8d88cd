# Compiles BoringSSL from the file lists that Debian's package generated.
#
#     make -f auto/boringssl.mk SRC=source OUT=directory OPT="-O2 -fPIC ..."

include $(SRC)/eureka.mk

ARCH    := $(shell uname -m)
CPPFLAGS = -I$(SRC)/src/include -DBORINGSSL_IMPLEMENTATION -DNDEBUG \
           -D_XOPEN_SOURCE=700 -w
CFLAGS   = -std=gnu11
CXXFLAGS = -std=c++14 -fno-exceptions -fno-rtti

# Where the package has no assembly for a machine, BoringSSL is told so.

ifeq ($(linux_$(ARCH)_sources),)
CPPFLAGS += -DOPENSSL_NO_ASM
endif

crypto := $(addprefix $(OUT)/obj/,$(addsuffix .o, \
            $(basename $(crypto_sources) $(linux_$(ARCH)_sources))))
ssl    := $(addprefix $(OUT)/obj/,$(addsuffix .o,$(basename $(ssl_sources))))

all: $(OUT)/lib/libcrypto.a $(OUT)/lib/libssl.a

$(OUT)/lib/libcrypto.a: $(crypto)
$(OUT)/lib/libssl.a: $(ssl)

$(OUT)/lib/%.a:
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(OUT)/obj/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(OPT) -c $< -o $@

$(OUT)/obj/%.o: $(SRC)/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(OPT) -c $< -o $@

$(OUT)/obj/%.o: $(SRC)/%.S
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(OPT) -c $< -o $@
