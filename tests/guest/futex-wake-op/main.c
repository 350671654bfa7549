/* SPDX-License-Identifier: MIT
 *
 * FUTEX_WAKE_OP: every operation and comparison on the second word, shifts,
 * both wake counts, refusals.
 */
#include <linux/futex.h>
#include <pthread.h>
#include "tests/guest/show.h"

#define WAKE_OP (FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG)
#define WAIT    (FUTEX_WAIT | FUTEX_PRIVATE_FLAG)

static uint32_t a, b;
static volatile int ready;

static void *wait_a(void *arg)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &a, WAIT, a, NULL, NULL, 0);
    return NULL;
}

static void *wait_b(void *arg)
{
    uint32_t old = b;

    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &b, WAIT, old, NULL, NULL, 0);
    return NULL;
}

static void operations(void)
{
    static const int ops[] = {FUTEX_OP_SET,  FUTEX_OP_ADD, FUTEX_OP_OR,
                              FUTEX_OP_ANDN, FUTEX_OP_XOR, 5};

    title("operations");
    for (unsigned i = 0; i < COUNT(ops); i++) {
        b = 12;
        CALL(futex, &a, WAKE_OP, 1, 1L, &b, FUTEX_OP(ops[i], 10, 0, 0));
        printf("%d: %u\n", ops[i], b);
        b = 12;
        syscall(SYS_futex, &a, WAKE_OP, 1, 1, &b,
                FUTEX_OP((ops[i] | FUTEX_OP_OPARG_SHIFT), 4, 0, 0));
        printf("shift %u\n", b);
        b = 12;
        syscall(SYS_futex, &a, WAKE_OP, 1, 1, &b,
                FUTEX_OP(ops[i], 0xfff, 0, 0));
        printf("minus one %u\n", b);
    }
}

static void comparisons(void)
{
    pthread_t t[3];

    title("comparisons");
    for (int cmp = 0; cmp < 7; cmp++) {
        for (uint32_t value = 4; value <= 6; value++) {
            b = value;
            ready = 0;
            pthread_create(&t[0], NULL, wait_a, NULL);
            pthread_create(&t[1], NULL, wait_b, NULL);
            while (ready < 2) {
                usleep(500);
            }
            usleep(10000);
            long n = RAW(futex, &a, WAKE_OP, 1, 1L, &b,
                         FUTEX_OP(FUTEX_OP_ADD, 1, cmp, 5));
            printf("%d %u: %s %ld b %u\n", cmp, value,
                   n < 0 ? strerrorname_np(errno) : "woken", n, b);
            syscall(SYS_futex, &a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9);
            syscall(SYS_futex, &b, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9);
            pthread_join(t[0], NULL);
            pthread_join(t[1], NULL);
        }
    }
}

int main(void)
{
    show_start();
    operations();
    comparisons();
    title("refusals");
    CALL(futex, BAD, WAKE_OP, 1, 1L, &b, 0);
    CALL(futex, &a, WAKE_OP, 1, 1L, BAD, 0);
    CALL(futex, &a, WAKE_OP, 1, 1L, (char *)&b + 1, 0);
    return 0;
}
