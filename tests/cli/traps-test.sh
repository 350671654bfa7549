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

# Programs of every kind; a few sites of each are found only by their trap.
# program NAME COMMAND...
program() {
    local name=$1
    shift
    run --root host --stats "$@"
    check "$name-hardly-traps" both "status_is 0" "few_traps 3"
}
program python python3 -c 'import ssl, ctypes, threading
t = [threading.Thread(target=print) for i in range(8)]
[x.start() for x in t]'
program perl perl -e 'print `echo x` for 1 .. 9'
program gawk gawk 'BEGIN { for (i = 0; i < 9; i++) system("true") }'
program jq jq -n '[range(1000)] | add'
program bc bc -l /dev/null
program xz xz -T2 -k -c --block-size=4KiB "$work/calls"
program zstd zstd -q -T2 -c "$work/calls"
program lua lua5.4 -e 'for i = 1, 99 do io.write(i) end'
program sqlite sqlite3 :memory: 'create table t(x); insert into t values (1)'
program openssl openssl speed -seconds 1 sha256
program node node -e 'new (require("worker_threads").Worker)("1", {eval: true})'
program java java -Xmx64m -version
program bash bash -c 'for i in 1 2 3 4 5; do echo $(echo $i); done'
program gcc gcc -c -o "/tmp/enclos.o" "$work/calls.c"
