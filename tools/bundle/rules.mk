# SPDX-License-Identifier: MIT
# tools/bundle: bundles, their measurement, and packages.

CLI_OBJS_EXTRA += $(patsubst %.c,$(B)/host/%.o,$(wildcard tools/bundle/*.c)) \
	$(B)/host/target/sgx/layout.o
