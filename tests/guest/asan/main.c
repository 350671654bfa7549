/* SPDX-License-Identifier: MIT
 *
 * Built with AddressSanitizer, whose shadow memory and allocator want
 * addresses of their own choice. Works; with an argument it is wrong on
 * purpose, and the sanitizer ends it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *work(void *arg)
{
    long sum = 0;

    for (int i = 1; i < 2000; i++) {
        char *p = malloc((size_t)i * 7);
        memset(p, i, (size_t)i * 7);
        sum += p[i];
        p = realloc(p, (size_t)i * 9);
        free(p);
    }
    return (void *)sum;
}

int main(int argc, char **argv)
{
    pthread_t t[4];
    void *sum;

    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, work, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &sum);
        printf("%ld\n", (long)sum);
    }
    fflush(stdout);
    if (argc > 1) {
        volatile char *p = malloc(10);
        p[10] = 1;
        puts("not seen");
    }
    return 0;
}
