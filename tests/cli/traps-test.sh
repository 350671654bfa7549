#!/bin/bash
# SPDX-License-Identifier: MIT
# System calls that trap: each site at most once, where a page came in or at
# its first trap; --stats counts them.
. tests/cli/lib.sh

cat >"$work/calls.c" <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *thread(void *arg)
{
    char c;

    read(-1, &c, 1);
    return arg;
}

int main(void)
{
    /* glibc's thread exit is a loop behind padding; each ends in a call. */
    for (int i = 0; i < 500; i++) {
        pthread_t t;

        pthread_create(&t, NULL, thread, NULL);
        pthread_join(t, NULL);
    }
    /* The linker decides where its pages begin; ours to be in doubt: a bare
     * SYSCALL behind data. */
    for (int i = 0; i < 500; i++) {
        long r = 39;

        __asm__ volatile("jmp 1f\n"
                         ".byte 0x06, 0xe9, 0x0f, 0xff, 0x62, 0x9a, 0x06\n"
                         "1: syscall\n"
                         "lea 8(%%rsp), %%rdx\n"
                         : "+a"(r)
                         :
                         : "rcx", "r11", "rdx", "memory");
        if (r != getpid()) {
            puts("wrong");
        }
    }
    puts("done");
    return 0;
}
END
gcc -O2 -pthread -o "$work/calls" "$work/calls.c"

few_traps() {
    local n
    n=$(sed -n 's/^ *\([0-9]*\) of them by trap.*/\1/p' "$work/err")
    [ -n "$n" ] && [ "$n" -le "$1" ]
}

run --stats "$work/calls"
check a-site-traps-once both "out_is done" "status_is 0" "few_traps 8"
run --cpus 1 --stats "$work/calls"
check a-site-traps-once-on-one-vcpu both "out_is done" "few_traps 8"
run --stats /bin/busybox true
check busybox-does-not-trap both "status_is 0" "few_traps 1"
