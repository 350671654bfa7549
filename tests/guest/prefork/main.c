// SPDX-License-Identifier: MIT
// A prefork echo server: eight forked children accept from one listening unix
// socket; clients, forked and threads, talk to whichever took them.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../show.h"

#define SERVERS     8
#define CLIENTS     4
#define CONNECTIONS 10
#define MESSAGES    5

static struct sockaddr_un address = {AF_UNIX, "/tmp/prefork.sock"};
static int *served; /* connections a server, shared */

static void serve(int listener, int me)
{
    char buffer[65536];
    char *mine = malloc(1 << 20); /* written, so that members differ */

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n;

        /* Now: who was served may be gone before this one runs again. */
        __atomic_add_fetch(&served[me], 1, __ATOMIC_RELAXED);
        memset(mine, me, 1 << 20);
        while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
            for (ssize_t done = 0; done < n;) {
                done += write(fd, buffer + done, n - done);
            }
        }
        if (mine[0] != me || mine[(1 << 20) - 1] != me) {
            puts("another member's memory");
        }
        close(fd);
    }
}

/* One connection: what was sent comes back. */
static int talk(unsigned seed)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int wrong = connect(fd, (void *)&address, sizeof(address));
    char out[9000], in[9000];

    for (int i = 0; i < MESSAGES; i++) {
        size_t size = 1 + (seed * 7919 + i * 104729) % sizeof(out);

        memset(out, 'a' + (seed + i) % 26, size);
        wrong += write(fd, out, size) != (ssize_t)size;
        for (size_t got = 0; got < size;) {
            ssize_t n = read(fd, in + got, size - got);

            if (n <= 0) {
                return 1;
            }
            got += n;
        }
        wrong += memcmp(in, out, size) != 0;
    }
    close(fd);
    return wrong != 0;
}

static void *client(void *arg)
{
    long wrong = 0;

    for (int i = 0; i < CONNECTIONS; i++) {
        wrong += talk((long)arg * 100 + i);
    }
    return (void *)wrong;
}

/* A process of two threads. */
static int clients(long me)
{
    pthread_t thread;
    void *wrong;

    pthread_create(&thread, NULL, client, (void *)(me + 50));
    long mine = (long)client((void *)me);

    pthread_join(thread, &wrong);
    return mine + (long)wrong;
}

int main(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t servers[SERVERS];
    int total = 0, status;

    served = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    show("bind", bind(listener, (void *)&address, sizeof(address)));
    show("listen", listen(listener, 64));
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = fork();
        if (servers[i] == 0) {
            serve(listener, i);
        }
    }
    for (long i = 0; i < CLIENTS; i++) {
        if (fork() == 0) {
            _exit(clients(i));
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        waitpid(-1, &status, 0);
        printf("client: status %x\n", status);
    }
    for (int i = 0; i < SERVERS; i++) {
        kill(servers[i], SIGTERM);
        waitpid(servers[i], &status, 0);
        printf("server: status %x\n", status);
        total += served[i];
    }
    printf("%d connections served\n", total);
    return total != 2 * CLIENTS * CONNECTIONS;
}
