/* SPDX-License-Identifier: MIT
 *
 * A thread that sleeps for a second at a time, woken when all is done. When it
 * cannot be had, nothing is shown.
 */
#include "tools/cli/progress.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static struct {
    pthread_mutex_t lock; /* guards over */
    pthread_cond_t changed;
    pthread_t thread;
    bool running, over;
    const char *what;
    uint64_t done, total; /* atomic */
} progress = {PTHREAD_MUTEX_INITIALIZER, .running = false};

static void show(bool first)
{
    uint64_t total = __atomic_load_n(&progress.total, __ATOMIC_RELAXED);
    uint64_t done = __atomic_load_n(&progress.done, __ATOMIC_RELAXED);

    if (first) {
        fprintf(stderr, "enclos: %s...", progress.what);
    }
    if (total) {
        fprintf(stderr, " %u%%", (unsigned)(done * 100 / total));
    } else if (!first) {
        fputc('.', stderr);
    }
}

static void *watch(void *arg)
{
    bool shown = false;
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    pthread_mutex_lock(&progress.lock);
    while (!progress.over) {
        at.tv_sec++;
        while (!progress.over && !pthread_cond_timedwait(&progress.changed,
                                                         &progress.lock, &at)) {
        }
        if (!progress.over) {
            show(!shown);
            shown = true;
        }
    }
    pthread_mutex_unlock(&progress.lock);
    if (shown) {
        fputc('\n', stderr);
    }
    return NULL;
}

void progress_begin(const char *what)
{
    pthread_condattr_t attr;

    progress.what = what;
    progress.over = false;
    progress_is(0, 0);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&progress.changed, &attr);
    pthread_condattr_destroy(&attr);
    progress.running = !pthread_create(&progress.thread, NULL, watch, NULL);
}

void progress_end(void)
{
    if (progress.running) {
        pthread_mutex_lock(&progress.lock);
        progress.over = true;
        pthread_cond_signal(&progress.changed);
        pthread_mutex_unlock(&progress.lock);
        pthread_join(progress.thread, NULL);
        progress.running = false;
    }
}

void progress_is(uint64_t done, uint64_t total)
{
    __atomic_store_n(&progress.done, done, __ATOMIC_RELAXED);
    __atomic_store_n(&progress.total, total, __ATOMIC_RELAXED);
}
