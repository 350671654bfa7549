# SPDX-License-Identifier: MIT
# x86-64: entry, switch, vector state, user copies, rewriting.

KERNEL_SRCS += $(addprefix arch/x86_64/, cpu.c entry.S fpu.c fpu_user.c switch.S \
	usercopy.S)

# Rewriting, without the kernel around it. A long run of the decoder's test:
# make decode-fuzz.
KERNEL_SRCS += $(addprefix arch/x86_64/, decode.c \
	decode_common.c patch.c patch_scan.c)

ARCH_UNIT := $(B)/unit/arch/x86_64
UNIT_TESTS += $(addprefix $(ARCH_UNIT)/tests/, decode_fuzz patch_test \
	patch_exec_test patch_run_test)
ARCH_PATCH := decode.o decode_common.o patch.o patch_scan.o

$(ARCH_UNIT)/tests/patch_test $(ARCH_UNIT)/tests/patch_exec_test: %: %.o \
	$(addprefix $(ARCH_UNIT)/, $(ARCH_PATCH))
	$(CC) $(UNIT_CFLAGS) -o $@ $^

# Programs of the host, rewritten.
$(ARCH_UNIT)/tests/patch_run_test: $(addprefix arch/x86_64/, \
	tests/patch_run.sh tests/patch_preload.c $(ARCH_PATCH:.o=.c))
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -fPIC -shared -Wl,-Bsymbolic \
		-o $(@D)/patch_preload.so $(filter %.c, $^)
	install -m 755 $< $@

$(ARCH_UNIT)/tests/decode_fuzz: %: %.o \
	$(addprefix $(ARCH_UNIT)/, decode.o decode_common.o)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ -lZydis

decode-fuzz: $(ARCH_UNIT)/tests/decode_fuzz
	$< file $(wildcard /usr/bin/node /usr/bin/python3 /usr/bin/busybox \
		/usr/lib/go-*/bin/go /lib64/ld-linux-x86-64.so.2 \
		/lib/x86_64-linux-gnu/libcrypto.so.3 /lib/ld-musl-x86_64.so.1)
	$< random 20000000
.PHONY: decode-fuzz

# How many system calls of some programs would be rewritten.
$(ARCH_UNIT)/patch_report: $(B)/host/arch/x86_64/tests/patch_report.o \
	$(addprefix $(B)/host/arch/x86_64/, $(ARCH_PATCH))
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^

patch-report: $(ARCH_UNIT)/patch_report
	$< $(wildcard /lib/x86_64-linux-gnu/libc.so.6 \
		/lib64/ld-linux-x86-64.so.2 /lib/ld-musl-x86_64.so.1 \
		/usr/bin/busybox /usr/lib/go-*/bin/go /usr/bin/node)
.PHONY: patch-report

include arch/x86_64/vdso/rules.mk
