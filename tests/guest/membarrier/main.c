/* SPDX-License-Identifier: MIT
 *
 * membarrier: what must be registered first, refusals, and a Dekker
 * handshake whose fast side relies on it.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include "tests/guest/show.h"

enum { ROUNDS = 500 };

static volatile int x, y, turn, saw_x, saw_y, both;

/* Without a fence of its own: the slow side's membarrier orders these. */
static void *fast(void *arg)
{
    for (int i = 1; i <= ROUNDS; i++) {
        while (turn != i) {
            sched_yield();
        }
        x = i;
        __asm__ volatile("" ::: "memory");
        saw_y = y;
        __atomic_store_n(&turn, -i, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void dekker(void)
{
    pthread_t t;

    pthread_create(&t, NULL, fast, NULL);
    for (int i = 1; i <= ROUNDS; i++) {
        __atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
        y = i;
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        saw_x = x;
        while (turn != -i) {
            sched_yield();
        }
        both += saw_x != i && saw_y != i;
    }
    pthread_join(t, NULL);
    printf("missed by both %d\n", both);
}

int main(void)
{
    show_start();
    long cmds = RAW(membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    printf("global %d private %d register %d\n",
           !!(cmds & MEMBARRIER_CMD_GLOBAL),
           !!(cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED),
           !!(cmds & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
    CALL(membarrier, MEMBARRIER_CMD_QUERY, 1, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1, 0);
    CALL(membarrier, 1 << 20, 0, 0);
    CALL(membarrier, -1, 0, 0);
    dekker();
    return 0;
}
