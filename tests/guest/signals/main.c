/* SPDX-License-Identifier: MIT
 *
 * Signals of one process: handlers and their arguments, masks, alternate
 * stacks, restart rules, faults with siginfo, queued real-time signals,
 * sigwait, sigsuspend, siglongjmp, signals between threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t hits, last_code, depth;
static void *volatile last_addr;
static sigjmp_buf back;
static char *alt;

static void on_simple(int signo)
{
    hits++;
}

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    last_code = si->si_code;
    last_addr = si->si_addr;
    siglongjmp(back, signo);
}

static void on_alt(int signo)
{
    char here;

    printf("on alternate stack %d\n", &here > alt && &here < alt + 65536);
}

static void on_skip(int signo, siginfo_t *si, void *uc)
{
    ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
    hits++;
}

static void install(int signo, void *fn, int flags)
{
    struct sigaction sa = {.sa_flags = flags};

    if (flags & SA_SIGINFO) {
        sa.sa_sigaction = fn;
    } else {
        sa.sa_handler = fn;
    }
    sigaction(signo, &sa, NULL);
}

static void basics(void)
{
    sigset_t set, old;
    struct sigaction sa;

    install(SIGUSR1, on_simple, 0);
    raise(SIGUSR1);
    printf("hits %d\n", hits);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&old);
    printf("blocked: hits %d pending %d\n", hits, sigismember(&old, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("unblocked: hits %d\n", hits);
    install(SIGUSR2, on_simple, SA_RESETHAND);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &sa);
    printf("reset %d\n", sa.sa_handler == SIG_DFL);
    printf("SIGKILL %d", sigaction(SIGKILL, &sa, NULL));
    printf(" %d\n", errno);
}

static void faults(void)
{
    char *page =
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int zero = 0;

    install(SIGSEGV, on_fault, SA_SIGINFO);
    install(SIGFPE, on_fault, SA_SIGINFO);
    install(SIGILL, on_fault, SA_SIGINFO);
    install(SIGTRAP, on_fault, SA_SIGINFO);
    if (!sigsetjmp(back, 1)) {
        volatile int *volatile p = (volatile int *)0x123;

        *p = 1;
    }
    printf("null: code %d addr %p\n", last_code, last_addr);
    if (!sigsetjmp(back, 1)) {
        *(volatile char *)(page + 5) = 1;
    }
    printf("read-only: code %d offset %ld\n", last_code,
           (long)((char *)last_addr - page));
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("cltd\n\tidivl %0" ::"m"(zero), "a"(1) : "edx");
    }
    printf("division: code %d\n", last_code);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("ud2");
    }
    printf("illegal: code %d\n", last_code);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("int3");
    }
    printf("trap: code %d\n", last_code);
    if (!sigsetjmp(back, 1)) {
        *(volatile long *)0x8000000000000000ul = 1;
    }
    printf("non-canonical: code %d addr %p\n", last_code, last_addr);
    hits = 0;
    install(SIGILL, on_skip, SA_SIGINFO);
    __asm__ volatile("ud2");
    printf("skipped %d\n", hits);
}

static void alternate(void)
{
    stack_t ss = {.ss_size = 65536}, old;

    alt = ss.ss_sp = malloc(65536);
    sigaltstack(&ss, NULL);
    install(SIGUSR1, on_alt, SA_ONSTACK);
    raise(SIGUSR1);
    sigaltstack(NULL, &old);
    printf("altstack size %zu flags %d\n", old.ss_size, old.ss_flags);
    ss.ss_size = 100;
    printf("small altstack %d", sigaltstack(&ss, NULL));
    printf(" %d\n", errno);
}

static void queued(void)
{
    sigset_t set;
    siginfo_t si;
    union sigval v;
    struct timespec zero = {0, 0};

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++) {
        v.sival_int = 10 + i;
        sigqueue(getpid(), SIGRTMIN + 1, v);
        v.sival_int = i;
        sigqueue(getpid(), SIGRTMIN, v);
    }
    for (int i = 0; i < 6; i++) {
        int signo = sigwaitinfo(&set, &si);

        printf("got RTMIN+%d value %d code %d\n", signo - SIGRTMIN,
               si.si_value.sival_int, si.si_code);
    }
    printf("none left %d", sigtimedwait(&set, &si, &zero));
    printf(" %d\n", errno);
}

static pthread_t main_thread;

/* State S in /proc/self/task/TID/stat: the main thread sleeps. */
static int main_sleeps(void)
{
    char path[64], text[256] = {0}, *p;
    int fd;

    sprintf(path, "/proc/self/task/%d/stat", getpid());
    fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
        return 1;
    }
    close(fd);
    p = strrchr(text, ')');
    return p && p[2] == 'S';
}

static void *send_soon(void *arg)
{
    int tries = 20; /* or it computes */

    do {
        usleep(30000);
    } while (!main_sleeps() && --tries);
    pthread_kill(main_thread, (int)(long)arg);
    return NULL;
}

static void restarts(void)
{
    pthread_t t;
    int fds[2];
    char c;
    sigset_t none;

    if (pipe(fds)) {
        return;
    }
    main_thread = pthread_self();
    install(SIGUSR1, on_simple, 0);
    hits = 0;
    pthread_create(&t, NULL, send_soon, (void *)SIGUSR1);
    errno = 0;
    long n = read(fds[0], &c, 1);
    printf("read %ld %d hits %d\n", n, errno, hits);
    pthread_join(t, NULL);

    install(SIGUSR1, on_simple, SA_RESTART);
    pthread_create(&t, NULL, send_soon, (void *)SIGUSR1);
    struct timespec ts = {30, 0}, left;
    errno = 0;
    n = nanosleep(&ts, &left);
    printf("nanosleep %ld %d left %d\n", n, errno, left.tv_nsec > 0);
    pthread_join(t, NULL);

    hits = 0;
    pthread_create(&t, NULL, send_soon, (void *)SIGUSR1);
    sigemptyset(&none);
    n = sigsuspend(&none);
    printf("sigsuspend %ld %d hits %d\n", n, errno, hits);
    pthread_join(t, NULL);
}

static volatile int stop_spinning;

static void on_stop(int signo)
{
    stop_spinning = 1;
}

/* A handler that interrupts a pure compute loop, registers intact. */
static void compute(void)
{
    pthread_t t;
    unsigned long a = 1, n = 0;

    install(SIGUSR2, on_stop, 0);
    pthread_create(&t, NULL, send_soon, (void *)SIGUSR2);
    while (!stop_spinning) {
        a = a * 6364136223846793005ul + 1;
        n++;
    }
    pthread_join(t, NULL);
    unsigned long b = 1;
    for (unsigned long i = 0; i < n; i++) {
        b = b * 6364136223846793005ul + 1;
    }
    printf("compute intact %d\n", a == b);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    basics();
    faults();
    alternate();
    queued();
    restarts();
    compute();
    signal(SIGTERM, SIG_DFL);
    kill(getpid(), SIGTERM);
    puts("not reached");
    return 0;
}
