# SPDX-License-Identifier: MIT
# ipc: System V objects and POSIX message queues.

KERNEL_SRCS += $(sort $(wildcard kernel/ipc/*.c))
