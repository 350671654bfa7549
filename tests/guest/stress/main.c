/* SPDX-License-Identifier: MIT
 *
 * 32 threads hammer futexes and mappings for argv[1] seconds; every result is
 * checked: counters under locks, queues between threads, pages that must be
 * zero when new and keep what was written.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 32, SLOTS = 8, PAGE = 4096 };

static volatile int stop;
static pthread_mutex_t mutex[SLOTS];
static volatile long guarded[SLOTS];
static pthread_mutex_t ring_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ring_cond = PTHREAD_COND_INITIALIZER;
static long ring_in, ring_out;

struct result {
    long locks, maps, passes, wrong;
};

static void map_once(struct result *r, unsigned *seed)
{
    size_t pages = 1 + rand_r(seed) % 40;
    char tag = (char)(1 + rand_r(seed) % 100);
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        r->wrong++;
        return;
    }
    for (size_t i = 0; i < pages; i++) {
        r->wrong += p[i * PAGE] != 0;
        p[i * PAGE] = tag;
    }
    if (pages > 3) {
        munmap(p + PAGE, PAGE);
        mprotect(p + 2 * PAGE, PAGE, PROT_READ);
    }
    for (size_t i = 2; i < pages; i++) {
        r->wrong += p[i * PAGE] != tag;
    }
    if (pages > 3) { /* the hole may be somebody else's by now */
        munmap(p, PAGE);
        munmap(p + 2 * PAGE, (pages - 2) * PAGE);
    } else {
        munmap(p, pages * PAGE);
    }
    r->maps++;
}

static void lock_once(struct result *r, unsigned *seed)
{
    int slot = rand_r(seed) % SLOTS;

    pthread_mutex_lock(&mutex[slot]);
    long before = guarded[slot];
    guarded[slot] = before + 1;
    if (rand_r(seed) % 16 == 0) {
        sched_yield();
    }
    r->wrong += guarded[slot] != before + 1;
    pthread_mutex_unlock(&mutex[slot]);
    r->locks++;
}

static void pass_once(struct result *r, long me)
{
    struct timespec ts;

    pthread_mutex_lock(&ring_mutex);
    if (me % 2) {
        ring_in++;
        pthread_cond_signal(&ring_cond);
    } else {
        clock_gettime(CLOCK_REALTIME, &ts);
        ts.tv_nsec += 2000000;
        if (ts.tv_nsec >= 1000000000) {
            ts.tv_nsec -= 1000000000;
            ts.tv_sec++;
        }
        if (ring_in == ring_out) {
            pthread_cond_timedwait(&ring_cond, &ring_mutex, &ts);
        }
        if (ring_in > ring_out) {
            ring_out++;
            r->passes++;
        }
    }
    r->wrong += ring_out > ring_in;
    pthread_mutex_unlock(&ring_mutex);
}

static void *run(void *arg)
{
    struct result *r = calloc(1, sizeof(*r));
    long me = (long)arg;
    unsigned seed = (unsigned)me * 7919 + 1;

    while (!stop) {
        for (int i = 0; i < 20; i++) {
            lock_once(r, &seed);
        }
        map_once(r, &seed);
        pass_once(r, me);
    }
    return r;
}

int main(int argc, char **argv)
{
    pthread_t t[THREADS];
    struct result sum = {0}, *r;
    long total = 0;

    for (int i = 0; i < SLOTS; i++) {
        pthread_mutex_init(&mutex[i], NULL);
    }
    for (long i = 0; i < THREADS; i++) {
        pthread_create(&t[i], NULL, run, (void *)i);
    }
    sleep(argc > 1 ? atoi(argv[1]) : 2);
    stop = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], (void **)&r);
        sum.locks += r->locks;
        sum.maps += r->maps;
        sum.passes += r->passes;
        sum.wrong += r->wrong;
    }
    for (int i = 0; i < SLOTS; i++) {
        total += guarded[i];
    }
    printf("worked %d consistent %d wrong %ld\n",
           sum.locks > 1000 && sum.maps > 100, total == sum.locks, sum.wrong);
    fprintf(stderr, "%ld locks, %ld maps, %ld passes\n", sum.locks, sum.maps,
            sum.passes);
    return sum.wrong != 0 || total != sum.locks;
}
