# SPDX-License-Identifier: MIT
# net: sockets.

KERNEL_SRCS += $(sort $(wildcard kernel/net/*.c))
