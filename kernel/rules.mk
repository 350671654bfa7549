# SPDX-License-Identifier: MIT
# The kernel's own top: boot, policy and traps.

KERNEL_SRCS += kernel/boot.c kernel/policy.c kernel/trap.c
