/* SPDX-License-Identifier: MIT
 *
 * System calls that are given addresses where the kernel may have its memory:
 * whatever is to be read or written there, by the call itself, when a thread
 * ends or for a signal handler, is refused as where nothing is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* Of target linux: its heap, what can be shown, and the end. */
static const uint64_t places[] = {0x440000000000, 0x440000010040,
                                  0x4c0000000000, 0x4c0000201008,
                                  0x4fffffffe000, 0xffffffff81000000};
static const char *at; /* one of them */

static void say(const char *call, long result)
{
    printf("%s: %s\n", call, result < 0 ? strerror(errno) : "done");
}
#define SAY(call) say(#call, (long)(call))

/* ---- what a call reads and writes ---- */

static void files(void)
{
    int fd[2], zero = open("/dev/zero", O_RDONLY);
    struct iovec iov = {(void *)at, 8};

    pipe(fd);
    write(fd[1], "0123456789abcdef", 16);
    SAY(read(fd[0], (void *)at, 8));
    SAY(write(fd[1], at, 8));
    SAY(readv(fd[0], &iov, 1));
    SAY(writev(fd[1], &iov, 1));
    SAY(readv(zero, (void *)at, 1));
    SAY(pread(zero, (void *)at, 1 << 20, 0));
    SAY(vmsplice(fd[1], &iov, 1, 0));
    SAY(ioctl(fd[0], FIONREAD, at));
    SAY(fstat(zero, (void *)at));
    SAY(open(at, O_RDONLY));
    SAY(readlink("/proc/self/exe", (void *)at, 64));
    SAY(syscall(SYS_getcwd, at, 64));
    SAY(syscall(SYS_pipe, at));
    SAY(poll((void *)at, 1, 0));
    SAY(select(1, (void *)at, NULL, NULL, NULL));
    close(fd[0]);
    close(fd[1]);
    close(zero);
}

static void others(void)
{
    struct epoll_event e = {EPOLLIN};
    int ep = epoll_create1(0), s[2];

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[1], "ab", 2);
    epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e);
    SAY(epoll_wait(ep, (void *)at, 1, 0));
    SAY(recvmsg(s[0], (void *)at, 0));
    SAY(getsockname(s[0], (void *)at, &(socklen_t){16}));
    SAY(getsockopt(s[0], SOL_SOCKET, SO_TYPE, (void *)at, &(socklen_t){4}));
    SAY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, at, 8));
    SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, at, 8));
    SAY(sigaltstack(NULL, (void *)at));
    SAY(syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, at));
    SAY(getrlimit(RLIMIT_CORE, (void *)at));
    SAY(getrusage(RUSAGE_SELF, (void *)at));
    SAY(syscall(SYS_getrandom, at, 8, 0));
    SAY(syscall(SYS_uname, at));
    SAY(syscall(SYS_getgroups, 0, at) * 0);
    SAY(syscall(SYS_sched_getaffinity, 0, 128, at));
    SAY(syscall(SYS_get_robust_list, 0, at, at));
    SAY(syscall(SYS_prctl, 2 /* PR_GET_PDEATHSIG */, at));
    close(ep);
    close(s[0]);
    close(s[1]);
}

static void futexes(void)
{
    uint32_t own = 0;
    struct timespec soon = {0, 1000000};

    SAY(syscall(SYS_futex, at, FUTEX_WAIT, 0, &soon));
    SAY(syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, 0, &soon));
    SAY(syscall(SYS_futex, at, FUTEX_LOCK_PI_PRIVATE, 0, &soon));
    SAY(syscall(SYS_futex, &own, FUTEX_WAKE_OP_PRIVATE, 1, 1, at,
                FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)));
    SAY(syscall(SYS_futex, &own, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, at, 1));
    SAY(syscall(SYS_futex, at, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &own, 0));
}

/* ---- the memory of a process, from outside ---- */

static void foreign(void)
{
    char own[8] = "";
    struct iovec mine = {own, 8}, there = {(void *)at, 8};
    int mem = open("/proc/self/mem", O_RDWR), status;
    pid_t pid;

    SAY(process_vm_readv(getpid(), &mine, 1, &there, 1, 0));
    SAY(process_vm_writev(getpid(), &mine, 1, &there, 1, 0));
    SAY(process_vm_readv(getpid(), &there, 1, &mine, 1, 0));
    SAY(process_vm_writev(getpid(), &there, 1, &mine, 1, 0));
    SAY(pread(mem, own, 8, (off_t)at));
    SAY(pwrite(mem, own, 8, (off_t)at));
    close(mem);
    pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SAY(process_vm_writev(pid, &mine, 1, &there, 1, 0));
    SAY(ptrace(PTRACE_POKEDATA, pid, at, 0));
    errno = 0;
    SAY(ptrace(PTRACE_PEEKDATA, pid, at, 0));
    SAY(ptrace(PTRACE_GETSIGINFO, pid, 0, at));
    SAY(ptrace(PTRACE_CONT, pid, 0, 0));
    waitpid(pid, &status, 0);
    printf("traced: %x\n", status);
}

/* ---- later than the call ---- */

static void run(const char *name, void (*fn)(void))
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn();
        fflush(stdout);
        syscall(SYS_exit_group, 0);
    }
    waitpid(pid, &status, 0);
    printf("%s: %x\n", name, status);
}

static void robust_head(void)
{
    SAY(syscall(SYS_set_robust_list, at, 24));
}

/* A list that leads there, and a lock that lies there. */
static void robust_entry(void)
{
    static const void *head[3];

    head[0] = at;
    head[2] = at;
    SAY(syscall(SYS_set_robust_list, head, 24));
}

static void robust_offset(void)
{
    static const void *head[3], *entry[1];

    head[0] = entry;
    entry[0] = head;
    head[1] = (void *)(at - (const char *)entry);
    SAY(syscall(SYS_set_robust_list, head, 24));
}

static void clear_tid(void)
{
    syscall(SYS_set_tid_address, at);
}

static int nothing(void *arg)
{
    return 0;
}

static char thread_stack[65536] __attribute__((aligned(16)));

/* The thread ends at once, and its number is to be cleared there. */
static void clear_tid_of_thread(void)
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                      CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

    printf("%s\n", clone(nothing, thread_stack + sizeof(thread_stack), flags,
                         NULL, NULL, NULL, at) > 0
                       ? "runs"
                       : strerror(errno));
    usleep(2000);
}

static void set_tids(void)
{
    int status;
    pid_t pid = (pid_t)syscall(
        SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, at,
        at, 0);

    if (pid == 0) {
        syscall(SYS_exit_group, 7);
    }
    waitpid(pid, &status, 0);
    printf("cloned: %x\n", status);
}

static void handler(int sig)
{
}

static void frame_there(void)
{
    stack_t alt = {.ss_sp = (void *)((uint64_t)at & ~4095ul), .ss_size = 65536};
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    SAY(sigaltstack(&alt, NULL));
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
}

static void return_from_there(void)
{
    __asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::"r"(at)
                     : "memory");
}

/* ---- mappings ---- */

static void mappings(void)
{
    uint64_t page = (uint64_t)at & ~4095ul;
    unsigned char vec[4];

    SAY(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE));
    SAY(madvise((void *)page, 4096, MADV_DONTNEED));
    SAY(mremap((void *)page, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -1
                                                                       : 0);
    SAY(mlock((void *)page, 4096));
    SAY(msync((void *)page, 4096, MS_SYNC));
    SAY(mincore((void *)page, 4096, vec));
}

int main(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        at = (const char *)places[i];
        printf("at %lx\n", places[i]);
        files();
        others();
        futexes();
        foreign();
        mappings();
        run("robust list", robust_head);
        run("robust entry", robust_entry);
        run("robust lock", robust_offset);
        run("clear_child_tid", clear_tid);
        run("of a thread", clear_tid_of_thread);
        run("set_child_tid", set_tids);
        run("handler's stack", frame_there);
        run("sigreturn", return_from_there);
    }
    return 0;
}
