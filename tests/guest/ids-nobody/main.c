/* SPDX-License-Identifier: MIT
 *
 * The ids without privilege: which swaps are allowed, when the saved id
 * follows, and ids of threads, which are each thread's own for the kernel
 * and the process's for libc.
 */
#include <pthread.h>
#include "tests/guest/show.h"

static void look(void)
{
    uid_t r, e, s;

    syscall(SYS_getresuid, &r, &e, &s);
    printf("uid %d %d %d fs %ld\n", r, e, s, syscall(SYS_setfsuid, -1));
}

static void swaps(void)
{
    title("swaps");
    look();
    CALL(setreuid, 2, 1);
    look();
    CALL(setreuid, -1, 2);
    look();
    CALL(setreuid, 3, -1);
    CALL(setreuid, 1, -1);
    look();
    CALL(setresuid, 1, 2, 3);
    CALL(setresuid, 2, 1, 2);
    look();
    CALL(setresuid, -1, -1, 1);
    look();
    CALL(setuid, 2);
    look();
    CALL(setuid, 3);
    CALL(setfsuid, 1);
    look();
    CALL(setfsuid, 77);
    look();
    CALL(setresuid, 2, 2, 2);
    look();
    CALL(setuid, 1);
    CALL(setreuid, 1, -1);
}

static void *raw(void *arg)
{
    CALL(setresuid, 20, 20, 20);
    look();
    return NULL;
}

static void *libc(void *arg)
{
    setresuid(30, 30, 0);
    look();
    return NULL;
}

int main(void)
{
    pthread_t t;

    show_start();
    title("threads");
    pthread_create(&t, NULL, raw, NULL);
    pthread_join(t, NULL);
    look();
    pthread_create(&t, NULL, libc, NULL);
    pthread_join(t, NULL);
    look();
    syscall(SYS_setresuid, 0, 0, 0);
    syscall(SYS_setresuid, 1, 2, 1);
    swaps();
    return 0;
}
