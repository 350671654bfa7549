#!/bin/bash
# SPDX-License-Identifier: MIT
# enclos gdb: tasks that run and that do not, symbols, breakpoints.
. tests/cli/lib.sh

cat >"$work/threads.c" <<'END'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int data[2], ready[2];

static __attribute__((noinline)) void *reader(void *arg)
{
    char c;

    write(ready[1], "", 1);
    read(data[0], &c, 1);
    return NULL;
}

__attribute__((noinline)) void after_the_stop(int n)
{
    printf("%d\n", n);
}

int main(void)
{
    pthread_t t;
    char c;

    pipe(data);
    pipe(ready);
    pthread_create(&t, NULL, reader, NULL);
    read(ready[0], &c, 1);
    usleep(100000); /* the reader sleeps in its read by now */
    getppid();
    after_the_stop(7);
    return 0;
}
END
gcc -g -O1 -w -o "$work/threads" "$work/threads.c" -pthread || exit 1

ours gdb
check gdb-needs-a-program both 'status_is 125' 'err_has "needs a program"'
# instance RUN-OPTION...: stops in the kernel, then in the program.
instance() {
    timeout -k 5 120 "$enclos" gdb --batch --ex 'enclos tasks' \
        --ex 'break sys_getppid' --ex run --ex 'enclos bt x' \
        --ex 'enclos symbols' --ex 'enclos tasks' --ex 'enclos bt' \
        --ex 'break after_the_stop' --ex continue --ex 'enclos tasks' \
        --ex 'info args' --ex continue \
        "$@" >"$work/out" 2>"$work/err" </dev/null
}
has() { grep -q -- "$1" "$work/out"; }
instance "$work/threads"
check gdb-mistakes both 'err_has "nothing runs yet"' \
    "err_has \"takes a task's number\""
check gdb-symbols both 'has "threads at 0x"' 'has "libc.so.6 at 0x"'
check gdb-tasks both 'has "sleeping *in .*, program at .*read"' \
    'has "running *gdb thread"'
check gdb-bt both 'has " pipe_read "' 'has " reader (arg="' 'has " main ()"'
check gdb-breakpoint both 'has "^n = 7"' 'has "exited normally\|^7"'

# The same in an enclave. A bundle must be one that may be debugged.
timeout -k 5 60 "$enclos" run --target sgx-emu "$work/threads" \
    >"$work/out" 2>"$work/err" </dev/null # packed, so that gdb need not wait
instance --target sgx-emu "$work/threads"
check gdb-sgx-symbols both 'has "threads at 0x"' 'has "libc.so.6 at 0x"'
check gdb-sgx-tasks both 'has "sleeping *in .*, program at .*read"' \
    'has "running *gdb thread"'
check gdb-sgx-bt both 'has " pipe_read "' 'has " reader (arg="' 'has " main ()"'
check gdb-sgx-breakpoint both 'has "^n = 7"' 'has "exited normally\|^7"'

printf '{"insecure": ["debug"]}' >"$work/debug.json"
ours keygen "$work/key.pem"
ours build "$work/threads" -o "$work/app.enc"
ours gdb --batch --target sgx-emu "$work/app.enc"
check gdb-sgx-no-debug-enclave both 'status_is 125' 'err_has "no debug enclave"'
ours build "$work/threads" --policy "$work/debug.json" -o "$work/app.enc"
ours sign "$work/app.enc" --key "$work/key.pem"
instance --target sgx-emu "$work/app.enc"
check gdb-sgx-bundle both 'has " reader (arg="' 'has "^n = 7"'

# A core file of a program inside, by gdb outside.
mkdir -p "$work/tree/bin" "$work/tree/tmp"
cat >"$work/crash.c" <<'END'
#include <sys/resource.h>

__attribute__((noinline)) static void deep(int n, volatile int *p)
{
    if (n) {
        deep(n - 1, p);
    }
    *p = n;
}

int main(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

    setrlimit(RLIMIT_CORE, &all);
    deep(3, 0);
    return 0;
}
END
gcc -g -O0 -w -static-pie -o "$work/tree/bin/crash" "$work/crash.c" || exit 1
cp /bin/busybox "$work/tree/bin/busybox"
for target in linux sgx-emu; do
    timeout -k 5 60 "$enclos" run --target $target --root "$work/tree" \
        --cwd /tmp /bin/busybox sh -c '/bin/crash; /bin/busybox cat core' \
        >"$work/core" 2>"$work/err" </dev/null
    gdb -q --batch -ex bt "$work/tree/bin/crash" "$work/core" >"$work/out" 2>&1
    check "gdb-core-$target" both 'has "deep (n=0, p=0x0)"' \
        'has "deep (n=3, p=0x0)"' 'has " in main ()"'
done
