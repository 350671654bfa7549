/* SPDX-License-Identifier: MIT
 * Built with ThreadSanitizer, which wants libraries, stacks, its heap and its
 * shadow at fixed places and nothing between them. With an argument there is a
 * race, which it reports. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count;

static void *locked(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        free(malloc((size_t)i + 1));
        pthread_mutex_lock(&lock);
        count++;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void *racing(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        count++;
    }
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t t[4];

    (void)argv;
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, argc > 1 ? racing : locked, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    printf("%d\n", argc > 1 ? 0 : count);
    return 0;
}
