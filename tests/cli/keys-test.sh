#!/bin/bash
# SPDX-License-Identifier: MIT
# The image, which the host shows the kernel as memory, is not the programs'
# to read: files in it have owners.
. tests/cli/lib.sh

if ! grep -qw ospke /proc/cpuinfo; then
    echo "ok cli image-is-closed # SKIP no protection keys"
    exit 0
fi

cat >"$work/peek.c" <<'END'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_segv(int sig)
{
    write(1, "closed\n", 7);
    _exit(0);
}

int main(void)
{
    unsigned long at;

    signal(SIGSEGV, on_segv);
    puts("ready");
    fflush(stdout);
    if (scanf("%lx", &at) == 1) {
        printf("read %x\n", *(volatile unsigned *)at);
    }
    return 0;
}
END
cc -O2 -w -o "$work/peek" "$work/peek.c" || exit 1

mkfifo "$work/in"
"$enclos" run --target linux --root auto "$work/peek" \
    <"$work/in" >"$work/out" 2>"$work/err" &
pid=$!
exec 3>"$work/in"
while ! grep -q ready "$work/out" && kill -0 $pid 2>/dev/null; do
    sleep 0.05
done
at=$(sed -n '/ r--s .*\.img$/s/-.*//p' "/proc/$pid/maps")
echo "$at" >&3
exec 3>&-
wait $pid
if [ -z "$at" ]; then
    echo "ok cli image-is-closed # SKIP the image is not shown as memory"
else
    check image-is-closed grep -q closed "$work/out"
fi
