# SPDX-License-Identifier: MIT
# core: scheduling, waiting, time, locks, host I/O, log.

# A switch of tasks costs some 5 % more or less by where its functions begin.
$(B)/kernel/kernel/core/%.o: KERNEL_CFLAGS += -falign-functions=64

KERNEL_SRCS += $(addprefix kernel/core/, alone.c clock.c dump.c gate.c hostio.c \
	hostio_ahead.c hostio_attrs.c hostio_buffer.c hostio_call.c hostio_given.c hostio_names.c \
	hostio_net.c hostio_pages.c hostio_ring.c idle.c lock.c log.c readers.c sched.c \
	stats.c tick.c timer.c vector.c wait.c)
ifdef DEBUG
KERNEL_SRCS += kernel/core/lock_debug.c
endif

# The scheduler on real kernel stacks, with the lock order checked.
CORE_TEST_SRCS := $(addprefix kernel/core/, alone.c clock.c dump.c gate.c idle.c \
	lock.c lock_debug.c log.c sched.c stats.c tick.c timer.c wait.c tests/machine.c) \
	$(addprefix arch/x86_64/, cpu.c fpu.c switch.S usercopy.S) \
	lib/fmt.c lib/rbtree.c
SCHED_TESTS := $(addprefix $(B)/unit/kernel/core/tests/, sched_test turns_test)
UNIT_TESTS += $(SCHED_TESTS)
$(SCHED_TESTS): $(B)/unit/%: %.c $(CORE_TEST_SRCS) kernel/core/sched.h \
		kernel/core/lock.h kernel/core/wait.h kernel/core/runqueue.h \
		kernel/core/tests/machine.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -I. $(WARN) -Wno-missing-prototypes \
		-fno-strict-aliasing -fwrapv -D_GNU_SOURCE -DENCLOS_KERNEL \
		-DENCLOS_DEBUG -DENCLOS_UNIT -o $@ $< $(CORE_TEST_SRCS)

# Locks without locked instructions, by threads that come and go.
UNIT_TESTS += $(B)/unit/kernel/core/tests/alone_test
$(B)/unit/kernel/core/tests/alone_test: kernel/core/tests/alone_test.c \
		kernel/core/alone.c kernel/core/runqueue.h kernel/core/lock.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -I. $(WARN) -Wno-missing-prototypes \
		-fno-strict-aliasing -fwrapv -D_GNU_SOURCE -DENCLOS_KERNEL \
		-DENCLOS_UNIT -o $@ $(filter %.c, $^) -pthread

UNIT_TESTS += $(B)/unit/kernel/core/tests/alone_steps_test
$(B)/unit/kernel/core/tests/alone_steps_test: \
		kernel/core/tests/alone_steps_test.c kernel/core/alone.c \
		kernel/core/runqueue.h kernel/core/lock.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -I. $(WARN) -Wno-missing-prototypes \
		-fno-strict-aliasing -fwrapv -D_GNU_SOURCE -DENCLOS_KERNEL \
		-DENCLOS_UNIT -o $@ $<

CORE_UNIT := $(B)/unit/kernel/core
UNIT_TESTS += $(CORE_UNIT)/tests/hostio_test

$(CORE_UNIT)/tests/hostio_test.o: UNIT_CFLAGS += -D_GNU_SOURCE
$(CORE_UNIT)/tests/hostio_test: %: %.o $(addprefix $(CORE_UNIT)/, hostio.o \
		hostio_buffer.o hostio_call.o hostio_given.o hostio_pages.o \
		hostio_ring.o wait.o clock.o timer.o lock.o lock_debug.o log.o) \
		$(B)/unit/target/fake/fake.a \
		$(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
