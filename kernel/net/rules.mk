# SPDX-License-Identifier: MIT
# net: sockets.

KERNEL_SRCS += $(sort $(wildcard kernel/net/*.c) \
	$(filter-out kernel/net/tests/%,$(wildcard kernel/net/*/*.c)))

# unix(7) over the world of kernel/fs/tests.
NET_UNIT := $(B)/unit/kernel/net
UNIT_TESTS += $(NET_UNIT)/tests/unix_test
$(NET_UNIT)/tests/unix_test: %: %.o $(FS_WORLD) \
		$(addprefix $(NET_UNIT)/, filter.o socket.o sockopt.o \
		sockopt_seldom.o stream.o unix/unix.o \
		unix/unix_connect.o unix/unix_name.o unix/unix_packet.o \
		unix/unix_rights.o unix/unix_stream.o \
		unix/unix_urgent.o zerocopy.o) \
		$(B)/unit/target/fake/fake.a $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^

# The host side, with a family and a host of the test's own.
HOST_TESTS := $(addprefix $(NET_UNIT)/tests/, host_test host_lies_test)
UNIT_TESTS += $(HOST_TESTS)
$(NET_UNIT)/tests/outside.o: UNIT_CFLAGS += -D_GNU_SOURCE
$(HOST_TESTS): %: %.o $(addprefix $(NET_UNIT)/, host/host.o \
		host/host_connect.o host/host_control.o host/host_datagram.o \
		host/host_direct.o host/host_listen.o host/host_option.o \
		host/host_packet.o host/host_policy.o host/host_send.o \
		host/host_stream.o host/host_stream_ops.o host/host_urgent.o \
		inet/inet_addr.o tests/outside.o \
		tests/stand_in.o) \
		$(addprefix $(B)/unit/kernel/core/, hostio.o hostio_buffer.o \
		hostio_net.o hostio_call.o hostio_given.o hostio_ring.o wait.o \
		clock.o timer.o lock.o lock_debug.o \
		log.o) $(B)/unit/kernel/mm/iobuf.o \
		$(B)/unit/kernel/fs/procfs/tunable.o \
		$(B)/unit/target/fake/fake.a \
		$(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
