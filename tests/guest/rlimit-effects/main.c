/* SPDX-License-Identifier: MIT
 *
 * What limits do: no more descriptors, address space, data, locked memory,
 * stack; the signal of RLIMIT_CPU, also for one that has ended.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static struct rlimit old;

static void limit(int what, rlim_t soft)
{
    struct rlimit rl;

    getrlimit(what, &old);
    rl = (struct rlimit){soft, old.rlim_max};
    printf("limit %d to %lu: %d\n", what, (unsigned long)soft,
           setrlimit(what, &rl));
}

static void address_space(void)
{
    title("RLIMIT_AS");
    limit(RLIMIT_AS, 100 << 20);
    DOES(mmap, NULL, 200L << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
         0L);
    DOES(mmap, NULL, 200L << 20, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
    char *p =
        mmap(NULL, 10 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%d\n", p != MAP_FAILED);
    DOES(mremap, p, 10L << 20, 200L << 20, MREMAP_MAYMOVE);
    DOES(mremap, p, 10L << 20, 20L << 20, MREMAP_MAYMOVE);
    char *brk = (char *)syscall(SYS_brk, 0);
    printf("brk moved %d\n",
           (char *)syscall(SYS_brk, brk + (200 << 20)) != brk);
    setrlimit(RLIMIT_AS, &old);
}

static void data(void)
{
    title("RLIMIT_DATA");
    limit(RLIMIT_DATA, 20 << 20);
    DOES(mmap, NULL, 50L << 20, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    DOES(mmap, NULL, 50L << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    DOES(mmap, NULL, 50L << 20, PROT_READ | PROT_WRITE,
         MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
    char *brk = (char *)syscall(SYS_brk, 0);
    printf("brk moved %d\n", (char *)syscall(SYS_brk, brk + (50 << 20)) != brk);
    setrlimit(RLIMIT_DATA, &old);
    printf("brk moved %d\n", (char *)syscall(SYS_brk, brk + 4096) != brk);
}

static void locked(void)
{
    char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("RLIMIT_MEMLOCK, for nobody");
    limit(RLIMIT_MEMLOCK, 65536);
    setresuid(-1, NOBODY, -1);
    CALL(mlock, p, 65536L);
    CALL(mlock, p, 65537L);
    CALL(mlock, p, 10L);
    CALL(munlock, p, 65536L);
    CALL(mlock, p + 131072, 65536L);
    CALL(munlock, p, 1L << 20);
    DOES(mmap, NULL, 131072L, PROT_READ,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L);
    CALL(mlockall, MCL_FUTURE);
    DOES(mmap, NULL, 1L << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    CALL(munlockall);
    struct rlimit none = {0, old.rlim_max};
    setrlimit(RLIMIT_MEMLOCK, &none);
    CALL(mlock, p, 4096L);
    CALL(mlockall, MCL_CURRENT);
    setresuid(-1, 0, -1);
    CALL(mlock, p, 1L << 20);
    munmap(p, 1 << 20);
}

static volatile sig_atomic_t seen;

static void on_signal(int signo)
{
    seen++;
}

/* A limit for who has ended already is none: nothing is left of it to send the
 * signal to, while cpu() uses up the second after which that would be due. */
static void ended(void)
{
    struct rlimit rl = {1, RLIM_INFINITY};
    siginfo_t info;
    pid_t pid;

    title("of one that has ended");
    pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
    CALL(prlimit64, pid, RLIMIT_CPU, &rl, NULL);
    waitpid(pid, NULL, 0);
    CALL(prlimit64, pid, RLIMIT_CPU, &rl, NULL);
}

static void cpu(void)
{
    title("RLIMIT_CPU");
    signal(SIGXCPU, on_signal);
    limit(RLIMIT_CPU, 1);
    pid_t child = fork(); /* it has the limit, and a time of its own */
    while (!seen) {
    }
    if (child == 0) {
        _exit(seen);
    }
    printf("seen %d\n", seen);
    int status;
    waitpid(child, &status, 0);
    printf("a child: %x\n", status);
}

int main(void)
{
    show_start();
    address_space();
    data();
    locked();
    ended();
    cpu();
    return 0;
}
