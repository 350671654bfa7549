# SPDX-License-Identifier: MIT
# sys: the table of calls, and the files that decode arguments for the rooms.

KERNEL_SRCS += $(sort $(wildcard kernel/sys/*.c))

# The state of every call, for readers; made from the rows and committed.
docs/syscalls.md: kernel/sys/calls.h tools/dev/syscalls-doc \
	$(wildcard kernel/sys/*.c)
	@mkdir -p $(@D)
	tools/dev/syscalls-doc >$@.new && mv $@.new $@

lint-syscalls-doc:
	@tools/dev/syscalls-doc | cmp -s - docs/syscalls.md || { \
		echo 'docs/syscalls.md is not up to date: make docs/syscalls.md'; \
		exit 1; }
LINTS += lint-syscalls-doc
.PHONY: lint-syscalls-doc

# Dispatch and printing, with a table of the test's own.
UNIT_TESTS += $(B)/unit/kernel/sys/tests/sys_test
$(B)/unit/kernel/sys/tests/sys_test: %: %.o $(B)/unit/lib/lib.a \
		$(addprefix $(B)/unit/kernel/, core/stats.o sys/dispatch.o \
		sys/names.o sys/stats.o sys/strace.o)
	$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.o, $^) $(filter %.a, $^)
