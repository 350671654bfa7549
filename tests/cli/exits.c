/* SPDX-License-Identifier: MIT
 *
 * Work that needs nothing of the host: exits compute SECONDS | pipe ROUNDS |
 * futex ROUNDS. sgx-test.sh counts how often the enclave is left meanwhile.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long rounds;
static int to[2], from[2];
static unsigned turn;

static void compute(void)
{
    time_t end = time(NULL) + rounds;
    volatile unsigned long sum = 0;

    while (time(NULL) < end) {
        for (int i = 0; i < 1000000; i++) {
            sum += i;
        }
    }
    puts("computed");
}

static void *echo(void *arg)
{
    char c;

    while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1) {
    }
    return NULL;
}

static void over_pipes(void)
{
    pthread_t other;
    long done = 0;
    char c = 0;

    if (pipe(to) || pipe(from) || pthread_create(&other, NULL, echo, NULL)) {
        exit(1);
    }
    while (done < rounds && write(to[1], &c, 1) == 1 &&
           read(from[0], &c, 1) == 1) {
        done++;
    }
    close(to[1]);
    pthread_join(other, NULL);
    printf("%ld rounds\n", done);
}

/* Each waits for its turn and gives it to the other. */
static void take_turns(unsigned me)
{
    for (long i = 0; i < rounds; i++) {
        unsigned now;

        while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != me) {
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL);
        }
        __atomic_store_n(&turn, !me, __ATOMIC_RELEASE);
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void *second(void *arg)
{
    take_turns(1);
    return NULL;
}

static void over_futexes(void)
{
    pthread_t other;

    if (pthread_create(&other, NULL, second, NULL)) {
        exit(1);
    }
    take_turns(0);
    pthread_join(other, NULL);
    printf("%ld rounds\n", rounds);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    rounds = atol(argv[2]);
    if (!strcmp(argv[1], "compute")) {
        compute();
    } else if (!strcmp(argv[1], "pipe")) {
        over_pipes();
    } else {
        over_futexes();
    }
    return 0;
}
