# SPDX-License-Identifier: MIT
# target/sgx/enclave: the trusted side, and the link of the enclave's ELF.

ENCLAVE_DIR := target/sgx/enclave
ENCLAVE_OBJS := $(addprefix $(B)/enclave/$(ENCLAVE_DIR)/, entry.o leaf.o \
	resume.o call.o clock.o cpuid.o fixed.o grow.o kept.o main.o mem.o \
	outside.o pages.o random.o rights.o ring.o trap.o trust.o vcpu.o) \
	$(B)/enclave/kernel/policy.o $(B)/enclave/lib/string.o
ENCLAVE_CFLAGS := $(filter-out -fstack-protector-strong \
	-mstack-protector-guard%,$(KERNEL_CFLAGS)) -fno-stack-protector \
	-mfsgsbase -mrdrnd

$(B)/enclave/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ENCLAVE_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(B)/enclave/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(ENCLAVE_CFLAGS) $(DEPFLAGS) -c -o $@ $<

PROGRAMS += $(B)/lib/enclos/enclos-sgx.elf
$(B)/lib/enclos/enclos-sgx.elf: $(B)/kernel.o $(ENCLAVE_OBJS) \
		$(ENCLAVE_DIR)/enclave.lds
	@mkdir -p $(@D)
	ld -pie --no-dynamic-linker -z noexecstack -z norelro \
		--build-id=none -z max-page-size=4096 -T $(ENCLAVE_DIR)/enclave.lds \
		-o $@ $(ENCLAVE_OBJS) $(B)/kernel.o

# No instruction that an enclave may not execute.
LINTS += lint-enclave
lint-enclave: $(B)/lib/enclos/enclos-sgx.elf
	@target/sgx/lint-enclave.py $< $(addprefix $(CRYPTO_DIR)/raw/, \
		$(notdir $(CRYPTO_OBJS)))

# The host's memory is opened where it may be, and nowhere else.
LINTS += lint-outside
lint-outside:
	@target/sgx/lint-outside.py
.PHONY: lint-enclave lint-outside

# The checks of addresses, on this side of the boundary.
BOUNDS_TEST := $(B)/unit/$(ENCLAVE_DIR)/tests/bounds_test
UNIT_TESTS += $(BOUNDS_TEST)
$(BOUNDS_TEST): %: %.o $(addprefix $(B)/unit/$(ENCLAVE_DIR)/, outside.o ring.o)
	$(CC) $(UNIT_CFLAGS) -o $@ $^

CLOCK_TEST := $(B)/unit/$(ENCLAVE_DIR)/tests/clock_test
UNIT_TESTS += $(CLOCK_TEST)
$(CLOCK_TEST): %: %.o $(addprefix $(B)/unit/$(ENCLAVE_DIR)/, clock.o outside.o)
	$(CC) $(UNIT_CFLAGS) -o $@ $^

KEPT_TEST := $(B)/unit/$(ENCLAVE_DIR)/tests/kept_test
UNIT_TESTS += $(KEPT_TEST)
$(KEPT_TEST): %: %.o $(B)/unit/$(ENCLAVE_DIR)/kept.o
	$(CC) $(UNIT_CFLAGS) -o $@ $^
