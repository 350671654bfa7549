# SPDX-License-Identifier: MIT
# sgxemu, the software SGX: one static PIE, so that it shares nothing with the
# program it runs, and the vDSO image that it carries.

SGXEMU_SRCS := $(wildcard sgxemu/*.c) $(wildcard sgxemu/quote/*.c) \
	sgxemu/entry.S sgxemu/vdso_blob.S
SGXEMU_OBJS := $(patsubst %,$(B)/host/%.o,$(basename $(SGXEMU_SRCS)))
PROGRAMS += $(B)/bin/sgxemu

# Signal handlers run with the program's FS: no guard can be read through it.
$(SGXEMU_OBJS): HOST_CFLAGS += -fno-stack-protector -fcf-protection=none \
	-fno-strict-aliasing -DVDSO_IMAGE='"$(B)/host/sgxemu/vdso.so"'
$(B)/host/sgxemu/vdso_blob.o: $(B)/host/sgxemu/vdso.so

$(B)/host/sgxemu/vdso.so: sgxemu/vdso_image.S sgxemu/vdso_image.lds
	@mkdir -p $(@D)
	$(CC) -shared -nostdlib -fPIC -Wl,-soname,linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--build-id=none -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -Wl,-T,sgxemu/vdso_image.lds \
		-Wl,--eh-frame-hdr -o $@ sgxemu/vdso_image.S

$(B)/bin/sgxemu: $(SGXEMU_OBJS)
	@mkdir -p $(@D)
	$(CC) -static-pie -Wl,-z,noexecstack -o $@ $(SGXEMU_OBJS) -lcrypto

# The SGX selftests of Linux 6.1; REPEAT=100 for the long run.
test-sgx-selftests: $(B)/bin/sgxemu
	@sgxemu/tests/selftests.sh $(B)
.PHONY: test-sgx-selftests

# The guest of our own: an enclave, and the host program that tries the rules.
SGXEMU_GUEST := sgxemu/tests/guest
SGXEMU_GUEST_SRCS := $(wildcard $(SGXEMU_GUEST)/test_*.c) $(SGXEMU_GUEST)/main.c \
	$(SGXEMU_GUEST)/builder.c $(SGXEMU_GUEST)/ops.c $(SGXEMU_GUEST)/image.S
SGXEMU_GUEST_OBJS := $(patsubst %,$(B)/host/%.o,$(basename $(SGXEMU_GUEST_SRCS)))
$(SGXEMU_GUEST_OBJS): HOST_CFLAGS += -DGUEST_IMAGE='"$(B)/host/$(SGXEMU_GUEST)/guest.bin"'
$(B)/host/$(SGXEMU_GUEST)/image.o: $(B)/host/$(SGXEMU_GUEST)/guest.bin

$(B)/host/$(SGXEMU_GUEST)/guest.bin: $(SGXEMU_GUEST)/enclave.c $(SGXEMU_GUEST)/entry.S \
		$(SGXEMU_GUEST)/enclave.lds $(SGXEMU_GUEST)/guest.h abi/sgx.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -I. $(WARN) -ffreestanding -fPIE -static -nostdlib \
		-fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
		-fno-tree-loop-distribute-patterns -mfsgsbase -mpku \
		-fno-asynchronous-unwind-tables -Wl,--build-id=none \
		-Wl,-T,$(SGXEMU_GUEST)/enclave.lds -o $(@D)/guest.elf \
		$(SGXEMU_GUEST)/enclave.c $(SGXEMU_GUEST)/entry.S
	objcopy -O binary $(@D)/guest.elf $@

$(B)/bin/sgxemu-guest: $(SGXEMU_GUEST_OBJS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(SGXEMU_GUEST_OBJS) -lcrypto -lpthread

# Tests run as scripts that know the build folder.
$(B)/test/sgxemu-%: sgxemu/tests/%.sh $(B)/bin/sgxemu $(B)/bin/sgxemu-guest
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec %s %s\n' $< $(B) >$@
	@chmod +x $@
$(B)/bin/sgxemu-signals: $(B)/host/sgxemu/tests/signals_prog.o
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $< -lpthread
$(B)/bin/sgxemu-lacking: $(B)/host/sgxemu/tests/lacking.o
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $<
$(B)/test/sgxemu-programs: $(B)/bin/sgxemu-signals
$(B)/test/sgxemu-guest: $(B)/bin/sgxemu-lacking
UNIT_TESTS += $(B)/test/sgxemu-guest $(B)/test/sgxemu-programs
