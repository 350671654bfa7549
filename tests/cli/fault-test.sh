#!/bin/bash
# SPDX-License-Identifier: MIT
# Fault injection over whole programs: the Nth allocation of the kernel, or
# its Nth request to the host, fails. The program may fail for it, with a
# reason; the kernel may not, nor may anything hang.
#
# FAULT_STEP=1 tries every N; the default, a prime, a sample.
. tests/cli/lib.sh

step=${FAULT_STEP:-41}

# How a run may end: as the program or we see fit, by a signal only with a
# line that says what was missing. Some programs say what is wrong.
ended_well() {
    ! grep -q 'kernel bug' "$work/err" || return 1
    ! grep '^wrong' "$work/out" || return 1
    [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || return 1
    [ "$status" -lt 128 ] || grep -q 'error\|warning' "$work/err"
}

# faults NAME KIND MAX PROGRAM...: N = 1, 1 + step, ... up to MAX.
faults() {
    local name=$1 kind=$2 max=$3 n bad=0 hit=0
    shift 3
    for ((n = 1; n <= max; n += step)); do
        run --fault "$kind:$n" "$@"
        [ "$status" -eq 0 ] || hit=$((hit + 1))
        if ! ended_well; then
            echo "$kind:$n: status $status"
            tail -n 3 "$work/err"
            bad=$((bad + 1))
        fi
    done
    check "fault-$name-$kind" [ "$bad" -eq 0 -a "$hit" -gt 0 ]
}

run --fault memory:1 /bin/busybox true
check fault-bad-kind both 'status_is 125' 'err_has "alloc:N or io:N"'

# Not threading.Thread: its start() waits for ever for a thread that had no
# memory to say that it runs.
program='
import _thread, json, os
def thread(ended):
    try: json.dumps([1] * 99)
    finally: ended.release()
t = [_thread.allocate_lock() for i in range(4)]
for ended in t:
    ended.acquire()
    _thread.start_new_thread(thread, (ended,))
for ended in t: ended.acquire(timeout=5)
os.mkdir("/tmp/d")
with open("/tmp/d/f", "w") as f:
    f.write("a" * 100000)
os.rename("/tmp/d/f", "/tmp/d/g")
r, w = os.pipe()
os.write(w, open("/tmp/d/g", "rb").read(4096))
print(len(os.read(r, 9999)))'
faults busybox alloc 600 /bin/busybox ls -l /
faults python alloc 4500 /usr/bin/python3 -c "$program"
gcc -O1 -static -o "$work/ipc" tests/cli/fault-ipc.c -lrt || exit 1
faults ipc alloc 1150 --root host "$work/ipc"

# Families and what processes share.
shell='for i in 1 2 3; do (echo $i | cat; exit $i) & done; wait; x=$(echo a | cat | cat)
(cd /tmp && echo $x >f && cat f) || exit 1'
processes='
import fcntl, mmap, os, select, signal, socket, subprocess, sys
shared = mmap.mmap(-1, 1 << 20)
block = bytearray(4 << 20)
a, b = socket.socketpair()
r, w = os.pipe()
fd = os.open("/tmp/locked", os.O_RDWR | os.O_CREAT)
for i in range(3):
    pid = os.fork()
    if pid == 0:
        block[i << 20] = 1
        shared[i] = 1
        fcntl.lockf(fd, fcntl.LOCK_EX)
        os.write(w, b"x")
        if i == 1: os.kill(os.getpid(), signal.SIGSEGV)
        if i == 2: os.execv("/bin/busybox", ["busybox", "true"])
        a.send(b"y")
        os._exit(0)
    os.waitpid(pid, 0)
a.close() # nobody waits for a child that could not send
p = select.poll()
p.register(r, select.POLLIN)
p.poll(100)
subprocess.run(["/bin/busybox", "echo", "hi"], check=True)
print(os.read(r, 9), b.recv(1), shared[0], block[0])'
step=${FAULT_STEP:-211}
gcc -O1 -static -pthread -o "$work/start" tests/cli/fault-start.c || exit 1
faults start alloc 2900 --root host "$work/start"
faults shell alloc 4000 --root host /bin/busybox sh -c "$shell"
faults processes alloc 12000 --root host /usr/bin/python3 -S -c "$processes"

# There are few requests, and a read of the image is tried again, so that
# nearly all of these runs succeed.
step=1
faults busybox io 60 /bin/busybox echo hi
faults python io 60 /usr/bin/python3 -c "$program"
