# SPDX-License-Identifier: MIT
# The vDSO, linked by itself, then embedded into the kernel.

KERNEL_SRCS += arch/x86_64/vdso/vdso_image.S

VDSO := $(B)/vdso
VDSO_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fPIC -fvisibility=hidden \
	-I. $(WARN) -mgeneral-regs-only -fno-stack-protector -fno-jump-tables \
	-fasynchronous-unwind-tables -fcf-protection=none

$(VDSO)/%.o: arch/x86_64/vdso/%.c
	@mkdir -p $(@D)
	$(CC) $(VDSO_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(VDSO)/%.o: arch/x86_64/vdso/%.S
	@mkdir -p $(@D)
	$(CC) $(VDSO_CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(VDSO)/vdso.so: $(VDSO)/vdso.o $(VDSO)/sigreturn.o arch/x86_64/vdso/vdso.lds
	$(CC) -nostdlib -shared -Wl,-soname,linux-vdso.so.1 -Wl,-Bsymbolic \
		-Wl,--hash-style=both -Wl,--eh-frame-hdr -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-s \
		-Wl,-T,arch/x86_64/vdso/vdso.lds -o $@ $(filter %.o, $^)

vdso_flags = -DVDSO_SO='"$(VDSO)/vdso.so"' -DVDSO_RESTORE_RT=0x$$(nm -D \
	$(VDSO)/vdso.so | awk '$$3 ~ /^__restore_rt/ { print $$1 }')

$(B)/kernel/arch/x86_64/vdso/vdso_image.o: arch/x86_64/vdso/vdso_image.S \
	$(VDSO)/vdso.so
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) $(vdso_flags) -c -o $@ $<

UNIT_TESTS += $(B)/unit/arch/x86_64/tests/vdso_test
$(B)/unit/arch/x86_64/tests/vdso_test: %: %.o \
	$(B)/kernel/arch/x86_64/vdso/vdso_image.o \
	$(addprefix $(B)/unit/arch/x86_64/, patch.o patch_scan.o decode.o \
	decode_common.o)
	$(CC) $(UNIT_CFLAGS) -pthread -o $@ $^ -ldl
