/* SPDX-License-Identifier: MIT */
/*
 * What a program can see of signals, as lines. programs.sh runs it natively
 * and under sgxemu, and the two must print the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

extern char **environ;
static volatile int count, last, on_stack, nested;
static stack_t stack;

static void handler(int sig, siginfo_t *info, void *context)
{
    char here;

    (void)context;
    count++;
    last = sig * 1000 + info->si_code;
    on_stack = &here > (char *)stack.ss_sp &&
               &here < (char *)stack.ss_sp + stack.ss_size;
}

static void raise_inside(int sig)
{
    sigset_t now;

    sigprocmask(SIG_BLOCK, NULL, &now);
    nested =
        nested * 10 + sigismember(&now, sig) + 2 * sigismember(&now, SIGUSR2);
    if (sig == SIGUSR1 && nested < 10) {
        raise(SIGUSR1);
    }
}

static void set(int sig, void (*f)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = {.sa_sigaction = f, .sa_flags = SA_SIGINFO | flags};

    sigaction(sig, &sa, NULL);
}

static void *killer(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

/* A blocking call that a signal ends, or restarts. */
static void blocking(const char *name, int flags, int kind)
{
    pthread_t me = pthread_self(), other;
    int fd[2], r = 0;
    char byte;

    pipe(fd);
    set(SIGUSR1, handler, flags);
    pthread_create(&other, NULL, killer, &me);
    if (kind == 0) {
        struct pollfd p = {fd[0], POLLIN, 0};

        r = poll(&p, 1, 5000);
    } else if (kind == 1) {
        fcntl(fd[0], F_SETFL, 0);
        if (flags & SA_RESTART) { /* what ends it */
            pid_t child = fork();

            if (child == 0) {
                usleep(200000);
                write(fd[1], "x", 1);
                _exit(0);
            }
        }
        r = (int)read(fd[0], &byte, 1);
        while (flags & SA_RESTART && wait(NULL) < 0 && errno == EINTR) {
        }
    } else {
        struct timespec ts = {5, 0};

        r = nanosleep(&ts, NULL);
    }
    printf("%s %d %s\n", name, r, r < 0 ? strerror(errno) : "-");
    pthread_join(other, NULL);
    close(fd[0]);
    close(fd[1]);
}

static sigjmp_buf out;
static void jump(int sig, siginfo_t *info, void *context)
{
    (void)context;
    last = sig * 1000 + info->si_code;
    siglongjmp(out, 1);
}

static void faults(void)
{
    volatile int *null =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int zero = 0;

    set(SIGSEGV, jump, SA_ONSTACK);
    set(SIGFPE, jump, 0);
    set(SIGILL, jump, 0);
    set(SIGTRAP, jump, 0);
    if (!sigsetjmp(out, 1)) {
        *null = 1;
    }
    printf("segv %d\n", last);
    if (!sigsetjmp(out, 1)) {
        zero = 1 / zero;
    }
    printf("fpe %d\n", last);
    if (!sigsetjmp(out, 1)) {
        __asm__ volatile("ud2");
    }
    printf("ill %d\n", last);
    if (!sigsetjmp(out, 1)) {
        __asm__ volatile("int3");
    }
    printf("trap %d\n", last);
}

static void masks(void)
{
    sigset_t set_, pending, old;
    struct timespec none = {0, 0};

    sigemptyset(&set_);
    sigaddset(&set_, SIGUSR1);
    sigaddset(&set_, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set_, &old);
    set(SIGUSR1, handler, 0);
    set(SIGSEGV, handler, 0);
    count = 0;
    raise(SIGUSR1);
    raise(SIGSEGV);
    sigpending(&pending);
    printf("pending %d %d count %d\n", sigismember(&pending, SIGUSR1),
           sigismember(&pending, SIGSEGV), count);
    sigprocmask(SIG_SETMASK, &old, &set_);
    printf("after %d blocked was %d %d\n", count, sigismember(&set_, SIGUSR1),
           sigismember(&set_, SIGSEGV));
    sigemptyset(&set_);
    sigaddset(&set_, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set_, NULL);
    raise(SIGUSR2);
    printf("sigtimedwait %d\n", sigtimedwait(&set_, NULL, &none));
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void actions(void)
{
    struct sigaction sa = {.sa_handler = raise_inside}, got;

    sigaddset(&sa.sa_mask, SIGUSR2);
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    printf("nodefer %d\n", nested);
    nested = 0;
    sa.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR2, &sa, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &got);
    printf("resethand %d %d\n", nested, got.sa_handler == SIG_DFL);
    printf("kill %d\n", sigaction(SIGKILL, &sa, NULL));
}

static void altstack(void)
{
    stack_t got;

    stack.ss_sp = malloc(65536);
    stack.ss_size = 65536;
    sigaltstack(&stack, NULL);
    set(SIGUSR1, handler, SA_ONSTACK);
    raise(SIGUSR1);
    sigaltstack(NULL, &got);
    printf("altstack %d %d\n", on_stack, got.ss_flags);
    set(SIGUSR1, handler, 0);
    raise(SIGUSR1);
    printf("no altstack %d\n", on_stack);
}

static void children(void)
{
    char *args[] = {"/bin/sh", "-c", "kill -SEGV $$", NULL};
    struct sigaction ign = {.sa_handler = SIG_IGN};
    int status;
    pid_t pid;

    sigaction(SIGUSR2, &ign, NULL);
    posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ);
    waitpid(pid, &status, 0);
    printf("spawned died of %d\n", WTERMSIG(status));
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        kill(getpid(), SIGSEGV);
    }
    waitpid(pid, &status, 0);
    printf("forked died of %d\n", WTERMSIG(status));
    printf("no such file: %d\n",
           posix_spawn(&pid, "/no/such", NULL, NULL, args, environ));
    printf("exec of a directory: %d %d\n", execv("/tmp", args), errno);
}

static void suspend(void)
{
    struct itimerval it = {{0, 0}, {0, 20000}};
    sigset_t none, block;

    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    set(SIGALRM, handler, 0);
    count = 0;
    setitimer(ITIMER_REAL, &it, NULL);
    printf("sigsuspend %d %d count %d\n", sigsuspend(&none), errno, count);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

/* During a handler that a wait's own mask let in, that mask is in force. */
static void look_at_mask(int sig)
{
    sigset_t now;

    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("handler of %d: %d %d %d %d\n", sig, sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2), sigismember(&now, SIGSEGV),
           sigismember(&now, SIGALRM));
}

static void wait_masks(void)
{
    struct sigaction sa = {.sa_handler = look_at_mask};
    struct itimerval it = {{0, 0}, {0, 20000}};
    struct timespec second = {1, 0};
    sigset_t before, during, now;

    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigemptyset(&before);
    sigaddset(&before, SIGALRM);
    sigaddset(&before, SIGUSR1);
    sigaddset(&before, SIGSEGV);
    sigemptyset(&during);
    sigaddset(&during, SIGUSR2);
    sigprocmask(SIG_BLOCK, &before, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    printf("suspended: %d %d\n", sigsuspend(&during), errno);
    setitimer(ITIMER_REAL, &it, NULL);
    printf("polled: %d %d\n", ppoll(NULL, 0, &second, &during), errno);
    setitimer(ITIMER_REAL, &it, NULL);
    printf("selected: %d %d\n", pselect(0, NULL, NULL, NULL, &second, &during),
           errno);
    raise(SIGSEGV);
    printf("held one: %d %d\n", sigsuspend(&during), errno);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("then: %d %d %d %d\n", sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2), sigismember(&now, SIGSEGV),
           sigismember(&now, SIGALRM));
    sigprocmask(SIG_UNBLOCK, &before, NULL);
}

/* A trap flag of the program's own. */
static void stepping(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig, (void)info;
    if (++count >= 20) {
        uc->uc_mcontext.gregs[REG_EFL] &= ~0x100l;
    }
}

static void trap_flag(void)
{
    set(SIGTRAP, stepping, 0);
    count = 0;
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
                     ".rept 30; nop; .endr" ::
                         : "memory", "cc");
    printf("single steps %d\n", count);
}

int main(void)
{
    struct rlimit no_core = {0, 0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    blocking("poll", 0, 0);
    blocking("poll restart", SA_RESTART, 0);
    blocking("read", 0, 1);
    blocking("read restart", SA_RESTART, 1);
    blocking("nanosleep", 0, 2);
    masks();
    actions();
    altstack();
    faults();
    children();
    suspend();
    wait_masks();
    trap_flag();
    return 0;
}
