/* SPDX-License-Identifier: MIT
 *
 * An endless loop in one thread does not stop the others, even on one vCPU,
 * and exit ends it all.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *spin(void *arg)
{
    for (;;) {
        __asm__ volatile("");
    }
    return NULL;
}

static volatile long count;

static void *work(void *arg)
{
    for (int i = 0; i < 20; i++) {
        count++;
        usleep(1000);
    }
    return NULL;
}

int main(void)
{
    pthread_t t[5];

    pthread_create(&t[0], NULL, spin, NULL);
    pthread_create(&t[1], NULL, spin, NULL);
    for (int i = 2; i < 5; i++) {
        pthread_create(&t[i], NULL, work, NULL);
    }
    for (int i = 2; i < 5; i++) {
        pthread_join(t[i], NULL);
    }
    printf("done %d\n", count > 20);
    return 5;
}
