# SPDX-License-Identifier: MIT
# signal: sending, delivery, frames.

KERNEL_SRCS += $(addprefix kernel/signal/, action.c altstack.c deliver.c \
	fault.c frame.c queue.c send.c sigreturn.c stop.c)

# Unit tests, over stand-ins for the other rooms.
SIGNAL_TESTS := $(addprefix $(B)/unit/kernel/signal/tests/, queue_test \
	frame_test)
UNIT_TESTS += $(SIGNAL_TESTS)
SIGNAL_TEST_OBJS := $(patsubst %.c, $(B)/unit/%.o, \
	$(filter kernel/signal/%, $(KERNEL_SRCS)) kernel/core/stats.c \
	kernel/signal/tests/support.c)
$(SIGNAL_TESTS): %: %.o $(SIGNAL_TEST_OBJS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^
