# SPDX-License-Identifier: MIT
# Big programs with processes: whole Debian packages in one image; run and
# compared as the guest tests are. What takes seconds is in `make test`, the
# rest in `make test-programs`.

PROGRAMS_OF_DEBIAN := bash dash coreutils findutils diffutils grep sed gawk gcc \
	g++ make cmake googletest autoconf git perl python3 tmux vim \
	postgresql-15 tar gzip procps apt bsdutils util-linux less ncurses-base \
	busybox-static

BIG := $(B)/programs
$(BIG)/root.img: tests/programs/rootfs.sh $(wildcard tests/programs/scripts/*) \
		$(GUEST)/rootfs.stamp $(B)/bin/enclos
	@mkdir -p $(@D)
	tests/programs/rootfs.sh $(BIG)/root $(GUEST)/rootfs/data \
		$(PROGRAMS_OF_DEBIAN)
	$(B)/bin/enclos build $(BIG)/root -o $@

BIG_TESTS := $(BIG)/programs.test $(BIG)/long.test
SCRIPT_TESTS += $(BIG)/programs.test
# Seconds for a case; the long ones use all there is of a busy machine.
LIMIT := 300
$(BIG)/long.test: LIMIT := 1200
$(BIG_TESTS): $(BIG)/%.test: tests/programs/%.cases tests/guest/run.sh \
		$(BIG)/root.img
	@printf '#!/bin/sh\nexport GUEST_TIMEOUT=%s\nexec %s %s %s %s %s\n' $(LIMIT) \
		tests/guest/run.sh $(BIG)/root $(BIG)/root.img $(B)/bin/enclos \
		$< >$@
	@chmod +x $@

# In an enclave under sgxemu: a part of test-sgx.
BIG_SGX := $(BIG)/programs.sgx-test
$(BIG_SGX): $(BIG)/%.sgx-test: $(BIG)/%.test $(B)/bin/sgxemu \
		$(B)/lib/enclos/enclos-sgx.elf
	@printf '#!/bin/sh\nexport GUEST_TARGET=sgx-emu\n' >$@
	@sed 's/GUEST_TIMEOUT=300/GUEST_TIMEOUT=1200/' $< >>$@
	@chmod +x $@

test-programs: deps
	@$(MAKE) --no-print-directory all $(BIG_TESTS)
	@TEST_TIMEOUT=3000 tests/run.sh $(BIG_TESTS)
.PHONY: test-programs
