# SPDX-License-Identifier: MIT
# Guest tests: the same program natively and in our kernel, from one tree.
#
# Each folder with a main.c is a program: dynamic by default; GUEST_FLAGS_NAME
# overrides how it is linked.

GUEST := $(B)/guest
GUEST_NAMES := $(patsubst tests/guest/%/main.c,%,$(wildcard tests/guest/*/main.c))
GUEST_PROGRAMS := $(addprefix $(GUEST)/bin/,$(GUEST_NAMES) musl-threads \
	musl-protects go goroutines goexec rust java/Main.class java/Processes.class)
GUEST_FLAGS := -pthread
GUEST_FLAGS_asan := -g -O1 -fsanitize=address -pthread
GUEST_FLAGS_tsan := -g -O1 -fsanitize=thread -pthread
GUEST_FLAGS_nonpie := -static -no-pie
GUEST_FLAGS_strangers := -no-pie -pthread
GUEST_FLAGS_code-as-data := -static -no-pie
GUEST_FLAGS_addresses-full := -static -no-pie
GUEST_FLAGS_far-segments := -static -nostdlib -no-pie -mcmodel=large \
	-fno-stack-protector -Wl,-Ttext=0x1000000000
GUEST_FLAGS_raw := -static -nostdlib -no-pie -fno-builtin -fno-stack-protector

$(GUEST)/bin/%: tests/guest/%/main.c $(wildcard tests/guest/*.h)
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wno-unused-result -D_GNU_SOURCE -I. -o $@ $< \
		$(or $(GUEST_FLAGS_$*),$(GUEST_FLAGS))

$(GUEST)/bin/musl-threads: tests/guest/threads/main.c
	@mkdir -p $(@D)
	musl-gcc -O2 -static -D_GNU_SOURCE -o $@ $<

# Its loader is its library.
$(GUEST)/bin/musl-protects: tests/guest/protects/main.c
	@mkdir -p $(@D)
	musl-gcc -O2 -D_GNU_SOURCE -o $@ $<

$(addprefix $(GUEST)/bin/,go goroutines goexec): $(GUEST)/bin/%: tests/guest/%/main.go
	@mkdir -p $(@D)
	CGO_ENABLED=0 GO111MODULE=off GOCACHE=$(abspath $(GUEST)/gocache) \
		go build -o $@ $<

$(GUEST)/bin/rust: tests/guest/rust/main.rs
	@mkdir -p $(@D)
	/usr/bin/rustc -O -C target-feature=+crt-static -o $@ $<

# Its inner classes come out beside it.
$(GUEST)/bin/java/%.class: tests/guest/java/%.java
	@mkdir -p $(@D)
	javac -d $(@D) $<

$(GUEST)/rootfs.stamp: $(GUEST_PROGRAMS) tests/guest/rootfs.sh \
		$(wildcard tests/guest/scripts/*)
	tests/guest/rootfs.sh $(GUEST)/rootfs \
		$(filter-out %.class,$(GUEST_PROGRAMS)) $(GUEST)/bin/java/*.class
	touch $@

$(GUEST)/rootfs.img: $(GUEST)/rootfs.stamp $(B)/bin/enclos
	$(B)/bin/enclos build $(GUEST)/rootfs -o $@

GUEST_TESTS := $(patsubst tests/guest/%.cases,$(GUEST)/%.test,\
	$(wildcard tests/guest/*.cases))
SCRIPT_TESTS += $(GUEST_TESTS)

$(GUEST_TESTS): $(GUEST)/%.test: tests/guest/%.cases tests/guest/run.sh \
		$(GUEST)/rootfs.img
	@printf '#!/bin/sh\nexec %s %s %s %s %s\n' tests/guest/run.sh \
		$(GUEST)/rootfs $(GUEST)/rootfs.img $(B)/bin/enclos $< >$@
	@chmod +x $@

# Families once more, with copies in place of moves.
SCRIPT_TESTS += $(GUEST)/fork.copy-test
$(GUEST)/fork.copy-test: $(GUEST)/fork.test
	@printf '#!/bin/sh\nexport GUEST_OPTIONS="--swap copy" GUEST_SUITE=copy\n' >$@
	@cat $< >>$@
	@chmod +x $@

# The same cases in an enclave under sgxemu: all of them (test-sgx), and a few
# of every kind in `make test`.
# aliases.cases needs a second address for a page, or the trap flag,
# addresses.cases those above ELRANGE, which an enclave has not.
GUEST_SGX := $(patsubst tests/guest/%.cases,$(GUEST)/%.sgx-test,\
	$(filter-out $(addprefix tests/guest/,aliases.cases addresses.cases),\
	$(wildcard tests/guest/*.cases)))
$(GUEST_SGX): $(GUEST)/%.sgx-test: tests/guest/%.cases tests/guest/run.sh \
		$(GUEST)/rootfs.img $(B)/bin/sgxemu $(B)/lib/enclos/enclos-sgx.elf
	@printf '#!/bin/sh\nGUEST_TARGET=sgx-emu exec %s %s %s %s %s\n' \
		tests/guest/run.sh $(GUEST)/rootfs $(GUEST)/rootfs.img \
		$(B)/bin/enclos $< >$@
	@chmod +x $@

test-sgx: deps
	@$(MAKE) --no-print-directory all $(GUEST_SGX) $(BIG_SGX)
	@GUEST_TIMEOUT=900 TEST_TIMEOUT=9000 tests/run.sh $(GUEST_SGX) $(BIG_SGX)
.PHONY: test-sgx

GUEST_SGX_FEW := ^(bb-(echo|cat|sort|ls-R|sha256sum|false)|raw|signals|vector|
GUEST_SGX_FEW := $(GUEST_SGX_FEW)memory|memcalls|alignment|cpuid|timers|
GUEST_SGX_FEW := $(GUEST_SGX_FEW)musl-(static|protects)|preempt-two-vcpus|
GUEST_SGX_FEW := $(GUEST_SGX_FEW)py-json|py-threads|sqlite-wal|
GUEST_SGX_FEW := $(GUEST_SGX_FEW)mmap|mprotect|exec|epoll|futex-wait|gawk|lua)$$
SCRIPT_TESTS += $(GUEST)/few.sgx-test
$(GUEST)/few.sgx-test: $(GUEST_SGX)
	@printf '#!/bin/sh\nexport GUEST_ONLY='"'%s'"'\n' \
		'$(subst $() ,,$(GUEST_SGX_FEW))' >$@
	@for test in $(GUEST_SGX); do echo $$test; done >>$@
	@chmod +x $@

# Fewer still in an enclave of the SGX1 class, on an emulated CPU without EDMM:
# one for each way to need memory or an exception there.
GUEST_SGX1_FEW := ^(bb-sort|raw|musl-static|vector|preempt-two-vcpus|py-json|
GUEST_SGX1_FEW := $(GUEST_SGX1_FEW)fork-basic|fork-memory|exec|futex-wait|
GUEST_SGX1_FEW := $(GUEST_SGX1_FEW)sigcalls|timers|lua)$$
SCRIPT_TESTS += $(GUEST)/few.sgx1-test
$(GUEST)/few.sgx1-test: $(GUEST_SGX)
	@printf '#!/bin/sh\nexport ENCLOS_SGXEMU=--sgx1 GUEST_SUITE=sgx1\n' >$@
	@printf 'export GUEST_ONLY='"'%s'"'\n' \
		'$(subst $() ,,$(GUEST_SGX1_FEW))' >>$@
	@for test in $(GUEST_SGX); do echo $$test; done >>$@
	@chmod +x $@
