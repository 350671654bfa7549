/* SPDX-License-Identifier: MIT
 *
 * What the calls of threads, ids and waiting answer, wrong arguments first,
 * and how threads end: joined, detached from main, robust locks left behind.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "../show.h"

enum { NO_PID = 0x3ffffffe };

static void clone_refuses(void)
{
    struct clone_args a = {.flags = 0};
    char longer[sizeof(a) + 8] = {0};
    int thread = CLONE_VM | CLONE_THREAD;

    CALL(clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0);
    CALL(clone, CLONE_SIGHAND, 0, 0, 0, 0);
    CALL(clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0);
    CALL(clone, CLONE_PIDFD | CLONE_PARENT_SETTID, 0, 0, 0, 0);
    CALL(clone, thread | CLONE_SIGHAND | CLONE_NEWUSER, 0, 0, 0, 0);
    CALL(clone3, &a, 8);
    CALL(clone3, &a, 5000);
    CALL(clone3, BAD, sizeof(a));
    a.flags = CLONE_DETACHED;
    CALL(clone3, &a, sizeof(a));
    a.flags = 1ull << 40;
    CALL(clone3, &a, sizeof(a));
    a.flags = thread | CLONE_SIGHAND;
    a.exit_signal = SIGCHLD;
    CALL(clone3, &a, sizeof(a));
    a.exit_signal = 0;
    a.stack = 4096;
    CALL(clone3, &a, sizeof(a));
    a.stack = 0;
    a.set_tid_size = 1;
    CALL(clone3, &a, sizeof(a));
    a.set_tid_size = 0;
    a.flags = CLONE_THREAD;
    memcpy(longer, &a, sizeof(a));
    CALL(clone3, longer, sizeof(longer));
    longer[sizeof(a)] = 1;
    CALL(clone3, longer, sizeof(longer));
    CALL(clone, thread | CLONE_SIGHAND | CLONE_SETTLS, 0, 0, 0, 1ul << 60);
    CALL(unshare, 0x10);
    CALL(unshare, CLONE_FILES | CLONE_FS);
}

static void nobody_to_wait_for(void)
{
    siginfo_t info;
    int status;

    CALL(wait4, -1, &status, 0, NULL);
    CALL(wait4, -1, &status, WNOHANG, NULL);
    CALL(wait4, NO_PID, &status, 0, NULL);
    CALL(wait4, -1, &status, 0x100, NULL);
    CALL(wait4, INT32_MIN, &status, 0, NULL);
    CALL(waitid, P_ALL, 0, &info, WEXITED, NULL);
    CALL(waitid, P_ALL, 0, &info, 0, NULL);
    CALL(waitid, P_ALL, 0, &info, WEXITED | 0x100, NULL);
    CALL(waitid, 9, 0, &info, WEXITED, NULL);
    CALL(waitid, P_PID, 0, &info, WEXITED, NULL);
    CALL(waitid, P_PID, -1, &info, WEXITED, NULL);
}

static void ids(void)
{
    long pid = getpid();

    EXPECT(pid == syscall(SYS_gettid));
    EXPECT(getpgid(0) == getpgrp());
    EXPECT(getpgid(pid) == getpgrp());
    EXPECT(getsid(0) == getsid(pid));
    CALL(getpgid, NO_PID);
    CALL(getsid, NO_PID);
    CALL(setpgid, 0, -1);
    CALL(setpgid, NO_PID, 0);
}

static void lists(void)
{
    void *head;
    size_t len;

    CALL(set_robust_list, &head, 8);
    CALL(get_robust_list, 0, &head, &len);
    EXPECT(len == 24);
    CALL(get_robust_list, 0, BAD, &len);
    CALL(get_robust_list, 0, &head, BAD);
    CALL(get_robust_list, NO_PID, &head, &len);
}

/* ---- threads that end ---- */

static pthread_mutex_t lock;
static volatile int locked;

static void *leave_locked(void *arg)
{
    pthread_mutex_lock(&lock);
    locked = 1;
    usleep(20000);
    return NULL;
}

static void robust(int protocol)
{
    pthread_mutexattr_t attr;
    pthread_t t;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutex_init(&lock, &attr);
    for (int wait = 0; wait < 2; wait++) {
        locked = 0;
        pthread_create(&t, NULL, leave_locked, NULL);
        while (!locked) {
            sched_yield();
        }
        if (wait) {
            pthread_join(t, NULL);
        }
        printf("robust %d: lock %d", protocol, pthread_mutex_lock(&lock));
        printf(" consistent %d", pthread_mutex_consistent(&lock));
        printf(" unlock %d\n", pthread_mutex_unlock(&lock));
        if (!wait) {
            pthread_join(t, NULL);
        }
    }
}

static void *tid_of(void *arg)
{
    return (void *)syscall(SYS_gettid);
}

static void threads_have_ids(void)
{
    void *a, *b;
    pthread_t t;

    pthread_create(&t, NULL, tid_of, NULL);
    pthread_join(t, &a);
    pthread_create(&t, NULL, tid_of, NULL);
    pthread_join(t, &b);
    EXPECT(a != b && (long)a != getpid() && (long)b != getpid());
}

static void *end_it(void *arg)
{
    usleep(20000);
    printf("the last thread\n");
    fflush(stdout);
    syscall(SYS_exit, 3); /* the last status is the process's */
    return NULL;
}

int main(void)
{
    pthread_t t;

    clone_refuses();
    nobody_to_wait_for();
    ids();
    lists();
    robust(PTHREAD_PRIO_NONE);
    robust(PTHREAD_PRIO_INHERIT);
    threads_have_ids();
    fflush(stdout);
    pthread_create(&t, NULL, end_it, NULL);
    syscall(SYS_exit, 7);
}
