# SPDX-License-Identifier: MIT
# tools/policy: policies from JSON to their compiled form, with the kernel's
# own check of the result.

POLICY_OBJS := $(patsubst %.c,$(B)/host/%.o,$(wildcard tools/policy/*.c)) \
	$(B)/host/kernel/policy.o
CLI_OBJS_EXTRA += $(POLICY_OBJS)
