# SPDX-License-Identifier: MIT
# Tests of the command line, by the command line.

SCRIPT_TESTS += tests/cli/run-test.sh tests/cli/image-test.sh \
	tests/cli/memory-test.sh tests/cli/stock-test.sh tests/cli/traps-test.sh tests/cli/fault-test.sh tests/cli/gdb-test.sh \
	tests/cli/gs-test.sh tests/cli/keys-test.sh tests/cli/sgx-test.sh \
	tests/cli/aex-test.sh \
	tests/cli/lie-test.sh tests/cli/mount-test.sh tests/cli/tty-test.py \
	tests/cli/signals-test.py

# An asynchronous exit at every place, for both classes, and at random ones of
# every guest program; long.
test-sgx-aex: all $(B)/cli/greet
	@$(MAKE) --no-print-directory $(GUEST_SGX)
	@AEX_LONG=1 TEST_TIMEOUT=3000 tests/run.sh tests/cli/aex-test.sh
	@AEX_LONG=1 AEX_CLASS=--sgx1 TEST_TIMEOUT=3000 tests/run.sh \
		tests/cli/aex-test.sh
	@ENCLOS_SGXEMU='--aex-random 1:2 --aex-signal 26' GUEST_TIMEOUT=3000 \
		TEST_TIMEOUT=40000 tests/run.sh $(GUEST_SGX)
.PHONY: test-sgx-aex

SCRIPT_TESTS += $(addprefix tests/cli/, bundle-test.sh policy-test.sh \
	sign-test.sh oci-test.sh policy-net-test.sh family-test.sh)

# What the scripts test, and the programs that they run in it.
export ENCLOS := $(B)/bin/enclos
export CLI_PROGRAMS := $(B)/cli
tests/cli/gs-test.sh: $(B)/cli/gs
tests/cli/sgx-test.sh tests/cli/lie-test.sh: $(B)/cli/exits
tests/cli/aex-test.sh: $(B)/cli/greet
$(B)/cli/greet: tests/cli/greet.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -static-pie -nostdlib -nostartfiles -fno-stack-protector \
		-o $@ $<
tests/cli/stock-test.sh: $(B)/cli/tail
tests/cli/mount-test.sh: $(B)/cli/attrs $(B)/cli/locker $(B)/cli/mapped $(B)/cli/moving
$(B)/cli/attrs $(B)/cli/exits $(B)/cli/locker $(B)/cli/mapped $(B)/cli/moving $(B)/cli/tail: $(B)/cli/%: tests/cli/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -static -pthread -D_GNU_SOURCE -o $@ $<
$(B)/cli/%: tests/cli/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -mfsgsbase -o $@ $<

# A kernel to lay an enclave out with, and a program to put into bundles.
tests/cli/bundle-test.sh tests/cli/policy-test.sh tests/cli/sign-test.sh tests/cli/stock-test.sh \
tests/cli/oci-test.sh tests/cli/policy-net-test.sh: \
	$(B)/cli/stub-kernel.elf $(B)/cli/hello $(B)/cli/net \
	$(B)/lib/enclos/enclos-sgx.elf $(B)/bin/sgxemu
$(B)/cli/stub-kernel.elf: tests/cli/stub-kernel.c tests/cli/stub-kernel.lds
	@mkdir -p $(@D)
	$(CC) -O2 -ffreestanding -fPIE -static-pie -nostdlib \
		-fno-stack-protector -Wl,--build-id=none \
		-Wl,-T,tests/cli/stub-kernel.lds -o $@ $<
