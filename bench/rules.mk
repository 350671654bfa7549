# SPDX-License-Identifier: MIT
# Benchmarks: never part of `make test`; each figure stands beside native.

BENCH := $(B)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,micro processes scaling fork tiny hello \
	hello-static rounds chroot-exec)

$(BENCH)/%: bench/%.c bench/bench.h
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -D_GNU_SOURCE -I. -o $@ $< -pthread
$(BENCH)/hello-static: bench/hello.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -static -o $@ $<

$(BENCH)/tiny: bench/tiny.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -static-pie -nostdlib -nostartfiles -o $@ $<

$(BENCH)/rootfs.stamp: $(BENCH_PROGRAMS) tests/guest/rootfs.sh
	tests/guest/rootfs.sh $(BENCH)/rootfs $(BENCH_PROGRAMS)
	touch $@
$(BENCH)/rootfs.img: $(BENCH)/rootfs.stamp $(B)/bin/enclos
	$(B)/bin/enclos build $(BENCH)/rootfs -o $@

bench: deps
	@$(MAKE) --no-print-directory $(BENCH)/rootfs.img
	@bench/run.py $(B)/bin/enclos $(BENCH)/rootfs.img $(BENCH)/rootfs \
		$(BENCH) $(B)/bench.json $(ROUNDS)

# Inside an enclave under sgxemu, beside target linux.
bench-sgx: deps
	@$(MAKE) --no-print-directory $(BENCH)/rootfs.img all
	@bench/run.py --sgx $(B)/bin/enclos $(BENCH)/rootfs.img \
		$(BENCH)/rootfs $(BENCH) $(B)/bench-sgx.json $(ROUNDS); \
		status=$$?; bench/enclave.py $(B)/bin/enclos $(BENCH)/rootfs.img && \
		exit $$status
.PHONY: bench-sgx

bench-network: deps $(BENCH)/echo $(B)/bin/enclos
	@bench/network.py $(B)/bin/enclos $(BENCH) $(B)/bench-network.json \
		$(ROUNDS)
.PHONY: bench-network
