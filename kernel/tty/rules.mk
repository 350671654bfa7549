# SPDX-License-Identifier: MIT
# tty: the console, pseudoterminals and their line discipline.

KERNEL_SRCS += $(sort $(wildcard kernel/tty/*.c))
