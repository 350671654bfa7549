/* SPDX-License-Identifier: MIT
 *
 * Two threads that wake each other, on a CPU where a third computes: they get
 * on, and so does it. Where each wake-up waits for the end of a time slice,
 * this takes minutes.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/guest/show.h"

enum { TRIPS = 20000 };

static int there[2], back[2];
static volatile int stop;
static volatile unsigned long computed;

static void stay_on_one_cpu(void)
{
    cpu_set_t set;
    int cpu = 0;

    sched_getaffinity(0, sizeof(set), &set);
    while (!CPU_ISSET(cpu, &set)) {
        cpu++;
    }
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void *compute(void *arg)
{
    while (!stop) {
        computed++;
    }
    return NULL;
}

static void *answer(void *arg)
{
    char c;

    while (read(there[0], &c, 1) == 1) {
        write(back[1], &c, 1);
    }
    return NULL;
}

int main(void)
{
    pthread_t computes, answers;
    unsigned long before;
    int trips = 0;
    char c = 'x';

    show_start();
    stay_on_one_cpu();
    pipe(there);
    pipe(back);
    pthread_create(&computes, NULL, compute, NULL);
    pthread_create(&answers, NULL, answer, NULL);
    while (!computed) {
        sched_yield();
    }
    before = computed;
    while (trips < TRIPS && write(there[1], &c, 1) == 1 &&
           read(back[0], &c, 1) == 1) {
        trips++;
    }
    printf("%d trips, computed meanwhile %d\n", trips, computed > before);
    close(there[1]);
    stop = 1;
    pthread_join(answers, NULL);
    pthread_join(computes, NULL);
    return 0;
}
