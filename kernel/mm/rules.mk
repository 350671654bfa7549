# SPDX-License-Identifier: MIT
# kernel/mm: the kernel's heap, user memory, address spaces.

MM_SRCS := $(sort $(wildcard kernel/mm/*.c) \
	$(filter-out kernel/mm/tests/%,$(wildcard kernel/mm/*/*.c)))
KERNEL_SRCS += $(MM_SRCS)

MM_UNIT := $(B)/unit/kernel/mm
MM_TEST_OBJS := $(MM_UNIT)/tests/support.o $(MM_UNIT)/tests/shown_file.o \
	$(patsubst %.c,$(B)/unit/%.o,$(MM_SRCS)) \
	$(addprefix $(B)/unit/arch/x86_64/, decode.o decode_common.o patch.o patch_scan.o) \
	$(B)/host/arch/x86_64/usercopy.o
MM_TESTS := $(patsubst %.c,$(B)/unit/%,$(wildcard kernel/mm/tests/*_test.c))
UNIT_TESTS += $(MM_TESTS)

$(MM_TESTS): %: %.o $(MM_TEST_OBJS) $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
