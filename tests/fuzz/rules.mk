# SPDX-License-Identifier: MIT
# libFuzzer targets over the parsers that face the host or a file. Built by
# clang with the sources they need, outside of the other builds' objects.

FUZZ_TARGETS := bundle elf erofs hostio json policy stock tar verity
FUZZ := $(addprefix $(B)/fuzz/, $(FUZZ_TARGETS))
FUZZ_CFLAGS := -std=gnu11 -O1 -g -I. -D_GNU_SOURCE -DENCLOS_KERNEL \
	-DENCLOS_UNIT -Wall -Wno-unused-function -fno-strict-aliasing -fwrapv \
	-fno-omit-frame-pointer -mpopcnt \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

$(B)/fuzz/bundle: tools/bundle/check.c
$(B)/fuzz/elf: kernel/proc/exec/elf_check.c
$(B)/fuzz/erofs: $(addprefix kernel/fs/erofs/erofs_, core.c dir.c xattr.c)
$(B)/fuzz/hostio: kernel/core/hostio_ring.c kernel/core/hostio_given.c
$(B)/fuzz/json: tools/policy/json.c tools/image/util.c
$(B)/fuzz/policy: kernel/policy.c
$(B)/fuzz/stock: kernel/mm/stock.c
$(B)/fuzz/tar: tools/oci/tar.c tools/image/util.c
$(B)/fuzz/verity: $(addprefix kernel/fs/erofs/verity, .c _tree.c _open.c) \
	kernel/crypto/sha256.c kernel/crypto/sha256_multi.c \
	kernel/crypto/tests/stubs.c $(CRYPTO_OBJS)

# hostio's source is part of the target itself.
$(FUZZ): $(B)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -o $@ \
		$(filter-out %.h kernel/core/hostio_%.c,$^)

SCRIPT_TESTS += tests/fuzz/fuzz-test.sh
tests/fuzz/fuzz-test.sh: $(FUZZ)
export FUZZ_DIR := $(B)/fuzz

# Long runs: make fuzz SECONDS=600. What they find goes to build/fuzz/found.
SECONDS ?= 60
fuzz: $(FUZZ)
	@FUZZ_SECONDS=$(SECONDS) tests/fuzz/fuzz-test.sh
.PHONY: fuzz

# What is played at random there, over all of a bounded domain.
UNIT_TESTS += $(B)/fuzz/hostio_bounded
$(B)/fuzz/hostio_bounded: tests/fuzz/hostio_bounded.c tests/fuzz/hostio.c \
		tests/fuzz/fuzz.h kernel/core/hostio_ring.c \
		kernel/core/hostio_given.c
	@mkdir -p $(@D)
	clang $(filter-out -fsanitize=%,$(FUZZ_CFLAGS)) \
		-fsanitize=address,undefined -o $@ $<
