# SPDX-License-Identifier: MIT
# crypto: our C, and assembly objects taken as they are from Debian's static
# libraries: libcrypto (OpenSSL, Apache-2.0) and libipsec-mb (BSD-3-Clause).
# Whoever links the kernel or a test with this room adds $(CRYPTO_OBJS).

KERNEL_SRCS += kernel/crypto/sha256.c kernel/crypto/sha256_multi.c \
	kernel/crypto/chacha20.c kernel/crypto/random.c

CRYPTO_DIR := $(B)/objects
CRYPTO_OBJS := $(addprefix $(CRYPTO_DIR)/, libcrypto-lib-sha256-x86_64.o \
	libcrypto-lib-sha256-mb-x86_64.o sha256_x16_avx512.o)
KERNEL_EXTRA_OBJS += $(CRYPTO_OBJS)

# Only code and constants: unwind tables and thousands of absolute symbols go.
define take_object
@mkdir -p $(@D)/raw
cd $(@D)/raw && ar x "$$($(CC) -print-file-name=$(1))" $(@F)
objcopy -x -R .eh_frame -R .rela.eh_frame -R .note.gnu.property \
	$(@D)/raw/$(@F) $@
endef
$(CRYPTO_DIR)/libcrypto-%.o:
	$(call take_object,libcrypto.a)
$(CRYPTO_DIR)/sha256_%.o:
	$(call take_object,libIPSec_MB.a)

CRYPTO_UNIT_OBJS := $(addprefix $(B)/unit/kernel/crypto/, sha256.o \
	sha256_multi.o tests/stubs.o) $(CRYPTO_OBJS)

UNIT_TESTS += $(B)/unit/kernel/crypto/tests/sha256_test
$(B)/unit/kernel/crypto/tests/sha256_test: %: %.o $(CRYPTO_UNIT_OBJS) \
		$(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^

UNIT_TESTS += $(B)/unit/kernel/crypto/tests/random_test
$(B)/unit/kernel/crypto/tests/random_test: %: %.o \
		$(addprefix $(B)/unit/kernel/crypto/, chacha20.o random.o) \
		$(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^

# Not a test: prints GB/s of each way on this machine.
$(B)/unit/kernel/crypto/tests/sha256_bench: \
		kernel/crypto/tests/sha256_bench.c kernel/crypto/sha256.c \
		kernel/crypto/sha256_multi.c kernel/crypto/tests/stubs.c \
		$(CRYPTO_OBJS) $(B)/unit/lib/lib.a
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -DENCLOS_UNIT -o $@ $^
