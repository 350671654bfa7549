# SPDX-License-Identifier: MIT
# target/fake: an archive for unit tests, see fake.h.

FAKE_OBJS := $(addprefix $(B)/unit/target/fake/, fake.o fake_both.o fake_ring.o \
	fake_sched.o fake_socket.o fake_heap.o) $(addprefix $(B)/unit/target/linux/, pool_attrs.o \
	pool_ops.o pool_names.o \
	pool_socket.o)
$(FAKE_OBJS): UNIT_CFLAGS += -D_GNU_SOURCE

$(B)/unit/target/fake/fake.a: $(FAKE_OBJS)
	@rm -f $@
	ar rcs $@ $^
