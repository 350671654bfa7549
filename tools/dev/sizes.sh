#!/bin/bash
# SPDX-License-Identifier: MIT
# Text, data and bss of the kernel, room by room, in bytes.
# usage: sizes.sh BUILD
set -eu
b=$1
printf '%-24s%10s%10s%10s\n' room text data bss
find "$b/kernel" -name '*.o' | sed "s|$b/kernel/||" | xargs -n1 dirname |
    sort -u | while read -r room; do
    find "$b/kernel/$room" -maxdepth 1 -name '*.o' -print0 |
        xargs -0 size | awk -v room="$room" \
        'NR > 1 && $1 != "text" { t += $1; d += $2; b += $3 }
         END { printf "%-24s%10d%10d%10d\n", room, t, d, b }'
done
size "$b/kernel.o" | awk 'NR == 2 \
    { printf "%-24s%10d%10d%10d\n", "kernel.o", $1, $2, $3 }'
