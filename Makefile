# SPDX-License-Identifier: MIT
# Enclos. `make help` lists the targets. Each room adds its files in a
# rules.mk beside them; this file holds what they share.

B := build
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
CC := gcc
ARCH := x86_64

WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow \
	-Wpointer-arith -Wvla -Wno-unused-parameter -Wno-sign-compare
# The same bytes wherever the tree lies.
PLACE := -ffile-prefix-map=$(CURDIR)=.
DEPFLAGS = -MMD -MP -MF $(@:.o=.d)

# Programs of the host: target/linux, target/sgx/host, tools, sgxemu, tests.
HOST_CFLAGS := $(PLACE) -std=gnu11 -O2 -g -fPIE -I. $(WARN) -D_GNU_SOURCE
HOST_LDFLAGS := -pie -Wl,-z,relro,-z,now

# REP STOS and MOVS take longer to start than most structures are long.
MOVES := unrolled_loop:256:noalign,libcall:-1:noalign
SMALL_MOVES := -mmemset-strategy=$(MOVES) -mmemcpy-strategy=$(MOVES)

# The kernel: freestanding, no vector registers, guard read through GS.
KERNEL_CFLAGS := $(PLACE) -std=gnu11 -O2 -g -ffreestanding -fPIE -fvisibility=hidden \
	-I. -include lib/hidden.h $(WARN) -mgeneral-regs-only -mpopcnt \
	-fno-strict-aliasing -fwrapv $(SMALL_MOVES) \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -mno-red-zone \
	-fcf-protection=none -fno-jump-tables -fno-common \
	-ffunction-sections \
	-fstack-protector-strong -mstack-protector-guard=tls \
	-mstack-protector-guard-reg=gs -mstack-protector-guard-offset=40 \
	-DENCLOS_KERNEL
ifdef DEBUG
KERNEL_CFLAGS += -DENCLOS_DEBUG
HOST_CFLAGS += -DENCLOS_DEBUG
B := build/debug
endif

# Loads that wait (load value injection, INTEL-SA-00334): a fence behind every
# load and before indirect branches and returns of what we compile; slow. The
# hash objects are taken as they are.
ifdef LVI
KERNEL_CFLAGS += -Wa,-mlfence-after-load=yes \
	-Wa,-mlfence-before-indirect-branch=register -Wa,-mlfence-before-ret=shl
B := build/lvi
endif

# Unit tests: kernel sources as an ordinary program over target/fake.
UNIT_CFLAGS := -std=gnu11 -O1 -g -I. $(WARN) -fno-strict-aliasing -fwrapv \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DENCLOS_KERNEL -DENCLOS_DEBUG -DENCLOS_UNIT

# What the rules.mk files fill in.
KERNEL_SRCS :=	# .c and .S of the kernel, arch and lib
PROGRAMS :=	# programs of `make`
UNIT_TESTS :=	# programs that print "ok NAME" and "not ok NAME" lines
SCRIPT_TESTS :=	# scripts that print the same
LINTS :=	# targets of `make lint`

include $(sort $(wildcard lib/rules.mk arch/*/rules.mk kernel/rules.mk \
	kernel/*/rules.mk target/*/rules.mk target/*/*/rules.mk tools/rules.mk \
	tools/*/rules.mk sgxemu/rules.mk tests/rules.mk tests/*/rules.mk \
	bench/rules.mk))

all: $(PROGRAMS)

$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(B)/host/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(B)/kernel/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(B)/kernel/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) $(DEPFLAGS) -c -o $@ $<
$(B)/unit/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(DEPFLAGS) -c -o $@ $<

# Not those in root file systems of tests.
-include $(shell find $(B) -type d -name 'root*' -prune -o -name '*.d' -print 2>/dev/null)

# Installs what building and testing need; silent when nothing is missing.
deps:
	@tools/dev/deps.sh

# Everything that `make test` runs, without running it.
tests: all $(UNIT_TESTS) $(SCRIPT_TESTS)

test: deps
	@$(MAKE) --no-print-directory tests
	@tests/run.sh $(UNIT_TESTS) $(SCRIPT_TESTS)

lint: deps $(LINTS)

clean:
	rm -rf build

help:
	@echo 'all (default)  build build/bin/*'
	@echo 'deps           install the Debian packages needed'
	@echo 'run            pack busybox, python3 and sqlite3 and run them'
	@echo 'test           all tests; ends in "N passed, N failed, N skipped"'
	@echo 'test-programs  big programs for longer'
	@echo 'bench          native beside ours; writes build/bench.json'
	@echo 'bench-sgx      target linux beside an enclave under sgxemu'
	@echo 'lint           format, cppcheck, include direction, sizes'
	@echo 'fuzz           SECONDS=60 of each fuzz target'
	@echo 'prove          memory safety of what faces the host, by Frama-C'
	@echo 'reproducible   two builds in two directories, compared'
	@echo 'sizes          size of the kernel, room by room'
	@echo 'install        install into DESTDIR/PREFIX'

.PHONY: all deps test tests lint clean help run bench sizes install
