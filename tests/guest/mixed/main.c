/* SPDX-License-Identifier: MIT
 *
 * Threads that do a bit of everything at once: futexes, mappings, signals,
 * timers, files, pipes, eventfds. Each step checks what it finds; whatever is
 * wrong is printed. What the threads share is counted, and must add up.
 *
 * usage: mixed THREADS STEPS
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, THREADS_MAX = 128, CELLS = 16 };

struct worker {
    pthread_t thread;
    unsigned id, seed;
    long steps, signals_sent;
    volatile sig_atomic_t signals_taken;
    long cells[CELLS]; /* what this thread added to each */
};

static struct worker workers[THREADS_MAX];
static unsigned thread_count, step_count;
static __thread struct worker *self;

static pthread_mutex_t cell_lock[CELLS];
static long cells[CELLS];
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_cond = PTHREAD_COND_INITIALIZER;
static long queue_made, queue_taken;
static sem_t gate;
static long wrong_count;

static void wrong(const char *what)
{
    if (__atomic_add_fetch(&wrong_count, 1, __ATOMIC_RELAXED) < 10) {
        printf("wrong: %s (%s)\n", what, strerror(errno));
    }
}

#define EXPECT(x)                                                              \
    do {                                                                       \
        if (!(x)) {                                                            \
            wrong(#x);                                                         \
        }                                                                      \
    } while (0)

static unsigned some(void)
{
    return (unsigned)rand_r(&self->seed) >> 3;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
    if (self) {
        self->signals_taken = self->signals_taken + 1;
    }
}

static void add_to_cell(void)
{
    unsigned i = some() % CELLS;

    pthread_mutex_lock(&cell_lock[i]);
    cells[i] += i + 1;
    pthread_mutex_unlock(&cell_lock[i]);
    self->cells[i] += i + 1;
}

/* One goes in, one comes out: nobody waits for ever. */
static void pass_a_token(void)
{
    pthread_mutex_lock(&queue_lock);
    queue_made++;
    pthread_cond_signal(&queue_cond);
    while (queue_taken == queue_made) {
        pthread_cond_wait(&queue_cond, &queue_lock);
    }
    queue_taken++;
    pthread_mutex_unlock(&queue_lock);
}

static void go_through_the_gate(void)
{
    while (sem_wait(&gate)) {
        EXPECT(errno == EINTR);
    }
    if (some() % 4 == 0) {
        sched_yield();
    }
    sem_post(&gate);
}

static void map_and_check(void)
{
    size_t pages = 1 + some() % 40;
    uint64_t *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        wrong("mmap");
        return;
    }
    for (size_t i = 0; i < pages; i++) {
        EXPECT(p[i * 512 + 7] == 0);
        p[i * 512 + 7] = self->id * 1000 + i;
    }
    if (some() % 3 == 0) {
        p = mremap(p, pages * PAGE, (pages + 9) * PAGE, MREMAP_MAYMOVE);
        EXPECT(p != MAP_FAILED);
        pages += 9;
        EXPECT(p[(pages - 1) * 512] == 0);
        pages -= 9;
        EXPECT(!munmap((char *)p + pages * PAGE, 9 * PAGE));
    }
    EXPECT(!mprotect(p, PAGE, PROT_READ));
    for (size_t i = 0; i < pages; i++) {
        EXPECT(p[i * 512 + 7] == self->id * 1000 + i);
    }
    EXPECT(!munmap(p, pages * PAGE));
}

static void allocate(void)
{
    size_t n = 1 + some() % 300000;
    char *p = malloc(n);

    memset(p, (int)self->id, n);
    EXPECT(p[0] == (char)self->id && p[n - 1] == (char)self->id);
    free(p);
}

static void signal_somebody(void)
{
    struct worker *w = &workers[some() % thread_count];

    EXPECT(!pthread_kill(w->thread, some() % 2 ? SIGUSR1 : SIGRTMIN + 1));
    self->signals_sent++;
}

static void sleep_a_little(void)
{
    struct timespec before, after, want = {0, 1000 + some() % 200000};
    struct timespec left = want;

    clock_gettime(CLOCK_MONOTONIC, &before);
    while (nanosleep(&left, &left)) {
        EXPECT(errno == EINTR);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
               before.tv_nsec >=
           want.tv_nsec);
}

static void use_a_timer(void)
{
    struct itimerspec it = {.it_value = {0, 1000 + some() % 100000}};
    struct epoll_event ev = {.events = EPOLLIN}, got;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), ep = epoll_create1(0), n;
    uint64_t expirations = 0;

    EXPECT(fd >= 0 && ep >= 0);
    EXPECT(!timerfd_settime(fd, 0, &it, NULL));
    EXPECT(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    do {
        n = epoll_wait(ep, &got, 1, -1);
    } while (n < 0 && errno == EINTR);
    EXPECT(n == 1);
    EXPECT(read(fd, &expirations, 8) == 8 && expirations == 1);
    EXPECT(!close(ep) && !close(fd));
}

static void use_a_file(void)
{
    char path[64], to[64], buf[9000], back[9000];
    ssize_t n = 1 + some() % sizeof(buf);
    int fd;

    snprintf(path, sizeof(path), "/tmp/f%u", self->id);
    snprintf(to, sizeof(to), "/tmp/g%u", self->id);
    memset(buf, 'a' + self->id % 26, sizeof(buf));
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    EXPECT(fd >= 0);
    EXPECT(write(fd, buf, n) == n);
    EXPECT(!rename(path, to));
    EXPECT(pread(fd, back, sizeof(back), 0) == n && !memcmp(buf, back, n));
    EXPECT(!ftruncate(fd, 0) && pread(fd, back, 1, 0) == 0);
    EXPECT(!unlink(to) && !close(fd));
    EXPECT(open(to, O_RDONLY) == -1 && errno == ENOENT);
}

static void use_a_pipe(void)
{
    char buf[3000], back[3000];
    int fd[2];

    memset(buf, (int)self->id, sizeof(buf));
    EXPECT(!pipe(fd));
    EXPECT(write(fd[1], buf, sizeof(buf)) == sizeof(buf));
    EXPECT(read(fd[0], back, sizeof(back)) == sizeof(back));
    EXPECT(!memcmp(buf, back, sizeof(buf)));
    EXPECT(!close(fd[1]) && read(fd[0], back, 1) == 0 && !close(fd[0]));
}

static void use_an_eventfd(void)
{
    int fd = eventfd(some() % 100 + 1, EFD_SEMAPHORE);
    uint64_t one = 0;

    EXPECT(read(fd, &one, 8) == 8 && one == 1);
    EXPECT(!close(fd));
}

static void *short_life(void *arg)
{
    return (char *)arg + 1;
}

static void start_a_thread(void)
{
    void *result = NULL;
    pthread_t t;

    EXPECT(!pthread_create(&t, NULL, short_life, self));
    EXPECT(!pthread_join(t, &result) && result == (char *)self + 1);
}

static void compute(void)
{
    volatile double x = self->id;

    for (int i = 0; i < 3000; i++) {
        x = x * 1.0000001 + 1e-9;
    }
    EXPECT(x >= self->id);
}

static void (*const kinds[])(void) = {
    add_to_cell,    pass_a_token, go_through_the_gate, map_and_check,
    allocate,       use_a_timer,  signal_somebody,     sleep_a_little,
    use_an_eventfd, use_a_pipe,   use_a_file,          start_a_thread,
    compute,
};

static void *work(void *arg)
{
    self = arg;
    for (unsigned i = 0; i < step_count; i++) {
        kinds[some() % (sizeof(kinds) / sizeof(kinds[0]))]();
        self->steps++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_RESTART};
    long steps = 0;

    thread_count = argc > 1 ? (unsigned)atoi(argv[1]) : 32;
    step_count = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
    if (thread_count < 1 || thread_count > THREADS_MAX) {
        return 2;
    }
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGRTMIN + 1, &sa, NULL);
    sem_init(&gate, 0, 3);
    for (int i = 0; i < CELLS; i++) {
        pthread_mutex_init(&cell_lock[i], NULL);
    }
    for (unsigned i = 0; i < thread_count; i++) {
        workers[i].id = i;
        workers[i].seed = i * 7919 + 1;
        workers[i].thread = pthread_self(); /* takes signals until then */
    }
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_t t;

        pthread_create(&t, NULL, work, &workers[i]);
        workers[i].thread = t;
    }
    /* Nobody is joined while he may still be sent a signal. */
    for (unsigned i = 0; i < thread_count; i++) {
        while (__atomic_load_n(&workers[i].steps, __ATOMIC_ACQUIRE) <
               step_count) {
            usleep(1000);
        }
    }
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_join(workers[i].thread, NULL);
        steps += workers[i].steps;
        for (int c = 0; c < CELLS; c++) {
            cells[c] -= workers[i].cells[c];
        }
    }
    for (int c = 0; c < CELLS; c++) {
        EXPECT(cells[c] == 0);
    }
    EXPECT(queue_made == queue_taken);
    printf("%u threads, %ld steps, %ld wrong\n", thread_count, steps,
           wrong_count);
    return wrong_count != 0;
}
