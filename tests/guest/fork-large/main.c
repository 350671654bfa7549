/* SPDX-License-Identifier: MIT
 * Much memory, written before the forks and after them by parent, child and
 * grandchild in turns: by themselves, by system calls, in a handler whose stack
 * it is, by threads at once; and given up, protected and moved. Each prints
 * what it sees. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 3000, THREADS = 4, TURNS = 4, MEMBERS = 3 };
static unsigned char *m;
static int turn[MEMBERS][2]; /* who may read from his goes on */
static int me;

static unsigned sum(const unsigned char *p, size_t pages)
{
    unsigned s = 0;

    for (size_t i = 0; i < pages; i++) {
        s = s * 31 + p[i * PAGE] + p[i * PAGE + 100] * 7;
    }
    return s;
}

/* The other two run, in order. */
static void pass(void)
{
    char c = 0;

    write(turn[(me + 1) % MEMBERS][1], &c, 1);
    read(turn[me][0], &c, 1);
}

static void by_itself(int t)
{
    for (int i = me; i < PAGES; i += 97 + t) {
        m[i * PAGE] += me + 1;
    }
}

/* What the kernel writes, into pages that nobody has written to before. */
static void by_calls(int t)
{
    unsigned char *at = m + (500 + 40 * (me * TURNS + t)) * PAGE;
    int p[2], zero = open("/dev/zero", O_RDONLY);
    struct timespec ts = {-1, -1};

    pipe(p);
    write(p[1], "some bytes", 10);
    printf("%d: read %zd", me, read(p[0], at + 100, 10));
    printf(" %zd", read(zero, at + 4 * PAGE - 50, 100));
    syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)(at + 8 * PAGE));
    memcpy(&ts, at + 8 * PAGE, sizeof(ts));
    printf(" %d", ts.tv_nsec >= 0);
    memset(at + 8 * PAGE, 1, sizeof(ts));
    printf(" %ld", syscall(SYS_getcwd, at + 12 * PAGE + 100, 100));
    printf(" [%.10s] [%s]\n", at + 100, at + 12 * PAGE + 100);
    close(p[0]);
    close(p[1]);
    close(zero);
}

static volatile int handled;

static void on_signal(int signo)
{
    volatile char fill[3000];

    fill[0] = fill[2999] = (char)signo;
    handled = fill[0] + fill[2999];
}

/* A handler's stack lies there. */
static void by_a_handler(int t)
{
    stack_t st = {.ss_sp = m + (1200 + 20 * (me * TURNS + t)) * PAGE,
                  .ss_size = 16 * PAGE};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

    sigaltstack(&st, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    printf("%d: handled %d\n", me, handled);
    memset(st.ss_sp, 9, st.ss_size); /* what a frame holds differs */
    st.ss_flags = SS_DISABLE;
    sigaltstack(&st, NULL);
}

static pthread_barrier_t barrier;

static void *thread(void *arg)
{
    unsigned char *at = m + 1700 * PAGE + (long)arg;

    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 200; i++) {
        at[i * PAGE + me * 16]++;
    }
    return NULL;
}

static void by_threads(int t)
{
    pthread_t threads[THREADS];
    int right = 0;

    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, thread, (void *)(i + 200));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 200 * THREADS; i++) {
        right += m[(1700 + i / THREADS) * PAGE + me * 16 + 200 + i % THREADS] ==
                 t + 1;
    }
    printf("%d: threads %d\n", me, right);
}

/* Each in a part of his own, which the others still have. */
static void given_up(int t)
{
    unsigned char *at = m + (2000 + 300 * me) * PAGE, *moved;

    switch (t) {
    case 0:
        madvise(at, 50 * PAGE, MADV_DONTNEED);
        printf("%d: dropped %d\n", me, at[20 * PAGE]);
        break;
    case 1:
        mprotect(at + 50 * PAGE, 50 * PAGE, PROT_READ);
        errno = 0;
        read(turn[me][0], at + 60 * PAGE, 0);
        printf("%d: protected %d\n", me, at[60 * PAGE]);
        mprotect(at + 50 * PAGE, 50 * PAGE, PROT_READ | PROT_WRITE);
        at[70 * PAGE] = 200 + me;
        break;
    case 2:
        moved = mremap(at + 100 * PAGE, 50 * PAGE, 60 * PAGE, MREMAP_MAYMOVE);
        printf("%d: moved %x\n", me, sum(moved, 60));
        munmap(moved, 60 * PAGE);
        mmap(at + 100 * PAGE, 50 * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        break;
    default:
        munmap(at + 150 * PAGE, 100 * PAGE);
        mmap(at + 150 * PAGE, 100 * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        printf("%d: anew %x\n", me, sum(at + 140 * PAGE, 120));
    }
}

static void work(void)
{
    for (int t = 0; t < TURNS; t++) {
        by_itself(t);
        by_calls(t);
        by_a_handler(t);
        by_threads(t);
        given_up(t);
        printf("%d: turn %d: %x\n", me, t, sum(m, PAGES));
        fflush(stdout);
        pass();
    }
}

/* The next member is this one's child. */
static void start(int number)
{
    char c = 0;

    me = number;
    if (number + 1 < MEMBERS && fork() == 0) {
        start(number + 1);
        exit(number + 1);
    }
    if (number > 0) {
        read(turn[me][0], &c, 1);
    }
    work();
    if (number + 1 < MEMBERS) {
        int status;

        write(turn[me + 1][1], &c, 1);
        wait(&status);
        printf("%d: child's status %x, still %x\n", me, status, sum(m, PAGES));
        by_itself(50);
        printf("%d: alone: %x\n", me, sum(m, PAGES));
        fflush(stdout);
    }
}

/* Children that end at once, and what is written between the forks. */
static void many(void)
{
    unsigned wrong = 0;
    int status;

    for (int i = 0; i < 50; i++) {
        m[i * 53 % PAGES * PAGE]++;
        unsigned before = sum(m, PAGES);
        if (fork() == 0) {
            m[i * 31 % PAGES * PAGE] = 77;
            _exit(sum(m, PAGES) == before && m[i * 31 % PAGES * PAGE] != 77);
        }
        m[(i * 31 + 1) % PAGES * PAGE]++;
        m[(i * 31 + 1) % PAGES * PAGE]--;
        wait(&status);
        wrong += status != 0 || sum(m, PAGES) != before;
    }
    printf("wrong after many: %u\n", wrong);
    fflush(stdout);
}

int main(void)
{
    m = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAGES; i++) {
        m[i * PAGE] = i * 13;
        m[i * PAGE + 100] = i >> 8;
    }
    for (int i = 0; i < MEMBERS; i++) {
        pipe(turn[i]);
    }
    many();
    start(0);
    return 0;
}
