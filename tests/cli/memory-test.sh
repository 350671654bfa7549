#!/bin/bash
# SPDX-License-Identifier: MIT
# enclos run --memory: the ceiling is the program's, too, and never the end of
# the kernel.
. tests/cli/lib.sh

bb=/bin/busybox
py=/usr/bin/python3

cat >"$work/hungry.c" <<'END'
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *touch_some(void *arg)
{
    char some[100000];

    memset(some, 1, sizeof(some));
    return some[5000] ? arg : NULL;
}

/* Threads whose stacks are together larger than the ceiling. */
static int threads(void)
{
    pthread_t t[24];
    int n = 0;

    for (int i = 0; i < 24; i++) {
        n += pthread_create(&t[i], NULL, touch_some, NULL) == 0;
    }
    for (int i = 0; i < n; i++) {
        pthread_join(t[i], NULL);
    }
    return n;
}

int main(int argc, char **argv)
{
    const size_t mib = 1 << 20;
    void *p = malloc(500 * mib), *map, *area[500];
    int n = 0;

    if (argc > 1) {
        return printf("threads %d\n", threads()) < 0;
    }
    printf("malloc %s\n", p ? "gave" : strerror(errno));
    map = mmap(NULL, 1000 * mib, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("mmap %s\n", map == MAP_FAILED ? strerror(errno) : "gave");
    map = mmap(NULL, 1000 * mib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("reserve %s\n", map == MAP_FAILED ? strerror(errno) : "gave");
    printf("protect %s\n", mprotect(map, 1000 * mib, PROT_READ | PROT_WRITE)
                               ? strerror(errno) : "gave");
    munmap(map, 1000 * mib);
    map = mmap(NULL, 1000 * mib, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map != MAP_FAILED) {
        memset((char *)map + 500 * mib, 1, mib);
        munmap(map, 1000 * mib);
    }
    printf("noreserve %s\n", map == MAP_FAILED ? strerror(errno) : "gave");
    printf("brk %s\n", sbrk(500 * mib) == (void *)-1 ? strerror(errno) : "gave");
    printf("threads %d\n", threads());
    while (n < 500 && (area[n] = malloc(mib)) != NULL) {
        memset(area[n++], n, mib);
    }
    printf("filled %s\n", n > 20 && n < 64 ? "most" : n < 64 ? "little" : "all");
    while (n > 0) { /* what is freed can be had again */
        free(area[--n]);
    }
    p = malloc(30 * mib);
    printf("again %s\n", p ? "gave" : strerror(errno));
    return p ? 0 : 1;
}
END
cat >"$work/hungry.expect" <<'END'
malloc Cannot allocate memory
mmap Cannot allocate memory
reserve gave
protect Cannot allocate memory
noreserve gave
brk Cannot allocate memory
threads 24
filled most
again gave
END
gcc -O1 -o "$work/hungry" "$work/hungry.c" -pthread || exit 1

told_once() {
    [ "$(grep -c 'memory limit of .* --memory' "$work/err")" = 1 ]
}
no_kernel_bug() { ! grep -q 'kernel bug' "$work/err"; }

run --memory 64M $bb grep MemTotal /proc/meminfo
check memory-64M-busybox both 'status_is 0' 'out_is "MemTotal:          65536 kB"'
run --memory 64M "$work/hungry"
check memory-64M-refusals both 'status_is 0' 'no_kernel_bug' \
    'cmp "$work/out" "$work/hungry.expect"' 'told_once'
# In an enclave, whose pages count when they come, it is refused all the same.
run --target sgx-emu --memory 64M "$work/hungry"
check memory-64M-enclave both 'status_is 0' 'no_kernel_bug' \
    'cmp "$work/out" "$work/hungry.expect"' 'told_once'
# But not what is larger than its use.
run --target sgx-emu --memory 12M "$work/hungry" threads
check memory-12M-enclave-threads both 'status_is 0' 'out_is "threads 24"'

run --memory 128M $py -c 'x = bytearray(1 << 30)'
check memory-python-error both 'status_is 1' 'err_has MemoryError' 'told_once'
run --memory 128M $py -c 'x = []
try:
    while True:
        x.append(bytes(1 << 20))
except MemoryError:
    n = len(x)
    x = None
    print(n > 40, n < 128, len(bytes(20 << 20)))'
check memory-python-goes-on both 'status_is 0' 'out_is "True True 20971520"'

# A file cache that fills the ceiling gives way to the program.
head -c 60000000 /dev/zero >"$work/big"
run --root host --memory 96M $py -c "
n = 0
with open('$work/big', 'rb') as f:
    while part := f.read(1 << 20):
        n += len(part)
print(n, len(bytes(40 << 20)))"
check memory-cache-gives-way both 'status_is 0' 'out_is "60000000 41943040"'

# Nor does it take what the kernel needs for names and descriptors.
run --root host --memory 64M $py -c "
import os
with open('$work/big', 'rb') as f:
    while f.read(1 << 20):
        pass
files = []
for i in range(500):
    os.mkdir('$work/d%d' % i)
    files.append(open('$work/d%d/f' % i, 'w'))
    files[-1].write('x' * 100)
for f in files:
    f.close()
print(sum(os.path.getsize('$work/d%d/f' % i) for i in range(500)))"
check memory-cache-leaves-room both 'status_is 0' 'out_is 50000'

# Files of the root's upper layer count, too.
run --memory 64M $bb dd if=/dev/zero of=/tmp/full bs=1M count=100
check memory-full-tmpfs both 'status_is 1' 'err_has "No space left"' \
    'no_kernel_bug'

# Stacks and files' pages count when they are touched: nobody can be told.
run --memory 64M $py -c "
import mmap
m = mmap.mmap(-1, 200 << 20, flags=mmap.MAP_PRIVATE | 0x4000) # MAP_NORESERVE
for i in range(0, 200 << 20, 4096):
    m[i] = 1"
check memory-touch-too-much both 'status_is 137' 'told_once' 'no_kernel_bug'

# Of what is large only what is used keeps others from theirs. A page that is
# touched cannot be refused: the largest ends, or who is next to one that
# oom_score_adj spares; the smaller one goes on, and so does who waits for them.
hogs="
import mmap, os, select
def ready(fds):
    os.read(fds[0], 1)
def hog(size, adj, fds, tell):
    if adj:
        open('/proc/self/oom_score_adj', 'w').write(str(adj))
    m = mmap.mmap(-1, size << 20, flags=mmap.MAP_PRIVATE)
    os.write(tell, b'x')
    ready(fds)
    for i in range(0, size << 20, 4096):
        m[i] = 1
    os.write(tell, b'x')
    ready(fds)
def told(up, ended):
    while not select.select([up], [], [], .01)[0]:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            ended[pid] = status
            return
    os.read(up, 1)
def run(sizes, adjs):
    up, pids, downs, ended = os.pipe(), [], [], {}
    for size, adj in zip(sizes, adjs):
        downs.append(os.pipe())
        pids.append(os.fork())
        if pids[-1] == 0:
            hog(size, adj, downs[-1], up[1])
            os._exit(0)
        os.read(up[0], 1)
    for d in downs: # one after the other, until it has all or somebody ends
        os.write(d[1], b'x')
        told(up[0], ended)
    for d in downs:
        os.write(d[1], b'x')
    while len(ended) < len(pids):
        pid, status = os.wait()
        ended[pid] = status
    print([ended[p] for p in pids])
"
run --memory 256M $py -S -c "$hogs
run([20, 120, 120], [0, 0, 0])"
check memory-largest-ends both 'status_is 0' 'out_is "[0, 9, 0]"' \
    'err_has "has most of the memory"' 'no_kernel_bug'
run --memory 256M $py -S -c "$hogs
run([20, 120, 110], [0, -1000, 0])"
check memory-spared-stays both 'status_is 0' 'out_is "[0, 0, 9]"' 'no_kernel_bug'

# Who is killed while it waits for another's memory ends, and does not try the
# access again and again: on one vCPU nobody else would run.
cat >"$work/waiter.c" <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t mib = 1 << 20;

static void *map(size_t len, int flags)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void adjust(const char *score)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    if (fd < 0 || write(fd, score, strlen(score)) < 0) {
        exit(1);
    }
    close(fd);
}

static pid_t sleeper(const char *score, int ready)
{
    pid_t pid = fork();

    if (pid == 0) {
        adjust(score);
        write(ready, "", 1);
        for (;;) {
            pause();
        }
    }
    return pid;
}

static pid_t reader(int go, int ready)
{
    pid_t pid = fork();
    char c;

    if (pid == 0) {
        int zero = open("/dev/zero", O_RDONLY);
        char *p = map(100 * mib, MAP_NORESERVE);

        adjust("0");
        write(ready, "", 1);
        c = read(go, &c, 1);
        _exit(read(zero, p, 100 * mib) < 0);
    }
    return pid;
}

int main(void)
{
    pid_t first, second, pid;
    int go[2], ready[2], status;
    char c;

    adjust("-1000");
    if (pipe(go) || pipe(ready)) {
        return 1;
    }
    pid = reader(go[0], ready[1]);
    first = sleeper("900", ready[1]);
    second = sleeper("500", ready[1]);
    for (int i = 0; i < 3; i++) {
        read(ready[0], &c, 1);
    }
    while (map(mib / 2, 0) != MAP_FAILED) {
    }
    if (write(go[1], "", 1) != 1) {
        return 1;
    }
    waitpid(first, &status, 0);
    printf("first %d\n", WTERMSIG(status));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    printf("reader %d\n", WTERMSIG(status));
    kill(second, SIGKILL);
    waitpid(second, &status, 0);
    puts("over");
    return 0;
}
END
gcc -O1 -o "$work/waiter" "$work/waiter.c" -Wno-unused-result || exit 1
run --memory 64M --cpus 1 "$work/waiter"
check memory-killed-while-it-waits both 'status_is 0' 'no_kernel_bug' \
    'out_is "first 9
reader 9
over"'

# Processes of one memory (CLONE_VM) end with it, all at once.
cat >"$work/sharers.c" <<'END'
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char stacks[3][16384];

static void fill(size_t size)
{
    memset(mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), 1, size);
}

static int sit(void *arg)
{
    for (;;) {
        pause();
    }
}

int main(void)
{
    int up[2], status, other;
    pid_t large, small;
    char c;

    pipe(up);
    large = fork();
    if (large == 0) {
        fill(120 << 20);
        for (int i = 0; i < 3; i++) {
            clone(sit, stacks[i] + sizeof(stacks[i]), CLONE_VM | SIGCHLD, NULL);
        }
        write(up[1], "x", 1);
        sit(NULL);
    }
    read(up[0], &c, 1);
    small = fork();
    if (small == 0) {
        fill(100 << 20);
        _exit(0);
    }
    waitpid(small, &status, 0);
    waitpid(large, &other, 0);
    printf("%d %d\n", status, other);
    return 0;
}
END
gcc -O1 -o "$work/sharers" "$work/sharers.c" 2>/dev/null || exit 1
one_was_chosen() { [ "$(grep -c 'has most of the memory' "$work/err")" = 1 ]; }
run --memory 192M "$work/sharers"
check memory-sharers-end both 'status_is 0' 'out_is "0 9"' one_was_chosen \
    'no_kernel_bug'

run --memory 8M $bb echo alive
check memory-8M both 'status_is 0' 'out_is alive'
run --memory 8M $py -c pass # may well be too little
check memory-8M-python no_kernel_bug
run --memory 7M $bb true
check memory-least both 'status_is 125' 'err_has "at least 8M"'

# What is mapped shared counts once, and comes back.
run --memory 64M $py -c "
import mmap, os
for i in range(20):
    fd = os.open('/tmp/shared', os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 20 << 20)
    with mmap.mmap(fd, 20 << 20) as m:
        m[19 << 20] = 1
    os.unlink('/tmp/shared')
    os.close(fd)
fd = os.open('/tmp/shared', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 200 << 20)
try:
    mmap.mmap(fd, 200 << 20)
except OSError as e:
    print(e.strerror)"
check memory-shared-maps both 'status_is 0' \
    'out_is "Cannot allocate memory"' 'told_once'

# Connections inside share what they may have unread: who comes late has less,
# but something, and all of it comes.
run --memory 256M $py -c "
import re, socket
def mem():
    return int(re.search(r'TCP:.* mem (\d+)',
                         open('/proc/net/sockstat').read())[1])
listener = socket.create_server(('127.0.0.1', 0), backlog=100)
pairs = []
for i in range(60):
    a = socket.create_connection(listener.getsockname())
    a.setblocking(False)
    pairs.append([a, listener.accept()[0], 0])
for p in pairs:
    try:
        while n := p[0].send(bytes(65536)):
            p[2] += n
    except BlockingIOError:
        pass
total = sum(p[2] for p in pairs)
print(16 << 20 <= total < 33 << 20, all(p[2] for p in pairs))
print(mem() >= 16 << 8)
for a, b, n in pairs:
    a.close()
    got = 0
    while part := b.recv(1 << 20):
        got += len(part)
    print(end='' if got == n else 'lost ')
print(mem() <= 60) # the page that each was at
"
check memory-connections both 'status_is 0' 'out_is "True True
True
True"'
