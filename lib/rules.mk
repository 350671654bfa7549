# SPDX-License-Identifier: MIT
# lib: linked into the kernel; unit tests of other rooms link
# $(B)/unit/lib/lib.a (by that name: their rules.mk may be read first).

KERNEL_SRCS += lib/bpf.c lib/fmt.c lib/rbtree.c lib/string.c

$(B)/kernel/lib/string.o: KERNEL_CFLAGS += -fno-builtin \
	-fno-tree-loop-distribute-patterns

$(B)/unit/lib/lib.a: $(B)/unit/lib/bpf.o $(B)/unit/lib/fmt.o $(B)/unit/lib/rbtree.o
	@rm -f $@
	ar rcs $@ $^

LIB_TESTS := $(addprefix $(B)/unit/lib/tests/, fmt_test list_test rbtree_test \
	bitmap_test hash_test)
UNIT_TESTS += $(LIB_TESTS) $(B)/unit/lib/tests/string_test

$(LIB_TESTS): %: %.o $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^

# The kernel's own object, under other names, beside libc's.
$(B)/unit/lib/own_string.o: $(B)/kernel/lib/string.o
	@mkdir -p $(@D)
	objcopy --prefix-symbols=own_ $< $@

$(B)/unit/lib/tests/string_test: %: %.o $(B)/unit/lib/own_string.o
	$(CC) $(UNIT_CFLAGS) -o $@ $^
