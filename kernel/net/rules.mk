# SPDX-License-Identifier: MIT
# net: sockets. So far only pairs that nobody else can reach.

KERNEL_SRCS += $(sort $(wildcard kernel/net/*.c))
