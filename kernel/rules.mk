# SPDX-License-Identifier: MIT
# The kernel's own top: boot and traps.

KERNEL_SRCS += kernel/boot.c kernel/trap.c
