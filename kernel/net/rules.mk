# SPDX-License-Identifier: MIT
# net: sockets.

KERNEL_SRCS += $(sort $(wildcard kernel/net/*.c))

# unix(7) over the world of kernel/fs/tests.
NET_UNIT := $(B)/unit/kernel/net
UNIT_TESTS += $(NET_UNIT)/tests/unix_test
$(NET_UNIT)/tests/unix_test: %: %.o $(FS_WORLD) $(B)/unit/kernel/fs/async.o \
		$(addprefix $(NET_UNIT)/, socket.o sockopt.o stream.o unix.o \
		unix_connect.o unix_name.o unix_packet.o unix_rights.o \
		unix_stream.o) $(B)/unit/target/fake/fake.a $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
