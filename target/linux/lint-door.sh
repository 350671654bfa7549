#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: lint-door.sh KERNEL.O LINUX.O
# The kernel's only way out is target.h; see rules.mk.
set -eu
kernel=$1 linux=$2
bad=0

out() {
    echo "lint-door: $1:"
    echo "$2" | sed 's/^/    /'
    bad=1
}

names="$(grep -o 'target_[a-z_0-9]*(' target/target.h | tr -d '(' | sort -u)"
extra=$(nm -u "$kernel" | awk '{ print $2 }' | grep -vxF "$names" || true)
[ -z "$extra" ] || out "the kernel refers to more than target.h" "$extra"

calls=$(objdump -d -j ktext "$kernel" |
    grep -P '\t(syscall|sysenter|int)\s' || true)
[ -z "$calls" ] || out "the kernel has system call instructions" "$calls"

# What the vCPU side may use: the door, ld's section bounds, host-side data.
allowed="$(cat target/linux/door.txt)
__start_target_stub
__stop_target_stub
__start_target_resume
__stop_target_resume
__executable_start
etext
cpu_has_rdseed"
extra=$(nm -u "$linux" | awk '{ print $2 }' | grep -vxF "$allowed" || true)
[ -z "$extra" ] || out "the vCPU side refers to libc or worse" "$extra"

vector=$(objdump -d "$linux" | grep -E '%[xyz]mm[0-9]' || true)
[ -z "$vector" ] || out "the vCPU side uses vector registers" "$vector"
exit $bad
