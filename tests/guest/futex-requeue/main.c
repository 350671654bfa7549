/* SPDX-License-Identifier: MIT
 *
 * FUTEX_REQUEUE and CMP_REQUEUE: who is woken, who moves to the other word,
 * the counts that come back, refusals.
 */
#include <linux/futex.h>
#include <pthread.h>
#include "tests/guest/show.h"

#define P(op) (FUTEX_##op | FUTEX_PRIVATE_FLAG)

static uint32_t a, b;
static volatile int ready;
static int woken;

static void *waiter(void *arg)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &a, P(WAIT), 0, NULL, NULL, 0);
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void look(void)
{
    until_others_sleep();
    printf("woken %d\n", woken);
}

int main(void)
{
    pthread_t t[6];

    show_start();
    CALL(futex, &a, P(REQUEUE), 1, 1L, &b, 0);
    CALL(futex, &a, P(CMP_REQUEUE), 1, 1L, &b, 0);
    CALL(futex, &a, P(CMP_REQUEUE), 1, 1L, &b, 5);
    CALL(futex, &a, P(CMP_REQUEUE), -1, 1L, &b, 0);
    CALL(futex, &a, P(CMP_REQUEUE), 1, -1L, &b, 0);
    CALL(futex, BAD, P(CMP_REQUEUE), 1, 1L, &b, 0);
    CALL(futex, &a, P(CMP_REQUEUE), 1, 1L, BAD, 0);
    CALL(futex, &a, P(CMP_REQUEUE), 1, 1L, (char *)&b + 1, 0);
    title("six waiters");
    for (int i = 0; i < 6; i++) {
        pthread_create(&t[i], NULL, waiter, NULL);
    }
    while (ready < 6) {
        usleep(1000);
    }
    look();
    CALL(futex, &a, P(CMP_REQUEUE), 1, 2L, &b, 1);
    CALL(futex, &a, P(CMP_REQUEUE), 1, 2L, &b, 0);
    look();
    CALL(futex, &b, P(WAKE), 1, NULL, NULL, 0);
    look();
    CALL(futex, &a, P(REQUEUE), 0, 1L, &b, 0);
    CALL(futex, &a, P(REQUEUE), 1, 0L, &b, 0);
    look();
    CALL(futex, &a, P(REQUEUE), 0, 1L, &a, 0);
    CALL(futex, &a, P(WAKE), 10, NULL, NULL, 0);
    look();
    CALL(futex, &b, P(CMP_REQUEUE), 10, 10L, &a, 0);
    look();
    for (int i = 0; i < 6; i++) {
        pthread_join(t[i], NULL);
    }
    CALL(futex, &b, P(WAKE), 10, NULL, NULL, 0);
    return 0;
}
