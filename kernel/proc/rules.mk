# SPDX-License-Identifier: MIT
# proc: processes, threads, programs, futexes, timers.

KERNEL_SRCS += $(sort $(wildcard kernel/proc/*.c) \
	$(filter-out kernel/proc/tests/%,$(wildcard kernel/proc/*/*.c)))

PROC_UNIT := $(B)/unit/kernel/proc
PROC_TESTS := $(addprefix $(PROC_UNIT)/tests/, elf_test futex_test \
	script_test stack_test)
UNIT_TESTS += $(PROC_TESTS)

$(PROC_UNIT)/tests/elf_test: $(addprefix $(PROC_UNIT)/, exec/elf.o exec/elf_check.o)
$(PROC_UNIT)/tests/futex_test: $(PROC_UNIT)/futex/futex.o
$(PROC_UNIT)/tests/script_test: $(PROC_UNIT)/exec/script.o
$(PROC_UNIT)/tests/stack_test: $(addprefix $(PROC_UNIT)/, exec/stack.o exec/exec_args.o)

$(PROC_TESTS): %: %.o
	$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.o, $^)
