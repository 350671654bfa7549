/* SPDX-License-Identifier: MIT
 * A tree of processes, three levels deep, all alive at once and each with
 * memory of its own; then many children one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 3, DEPTH = 3 };
static int path[DEPTH + 1];
static char memory[3 << 16];

static int check(int id)
{
    for (size_t i = 0; i < sizeof(memory); i += 4096) {
        if (memory[i] != (char)id) {
            return 0;
        }
    }
    return 1;
}

/* Returns how many processes there are below and here. */
static int grow(int depth, int id)
{
    int total = 1;
    int fds[WIDTH];

    memset(memory, id, sizeof(memory));
    for (int i = 0; depth < DEPTH && i < WIDTH; i++) {
        int p[2];
        pipe(p);
        fds[i] = p[0];
        if (fork() == 0) {
            int below;
            path[depth] = i;
            below = grow(depth + 1, id * WIDTH + i + 1);
            write(p[1], &below, sizeof(below));
            _exit(0);
        }
        close(p[1]);
    }
    usleep(1000);
    for (int i = 0; depth < DEPTH && i < WIDTH; i++) {
        int below = 0;
        read(fds[i], &below, sizeof(below));
        total += below;
        close(fds[i]);
    }
    while (wait(NULL) > 0) {
    }
    return check(id) ? total : -1000;
}

int main(void)
{
    int ok = 0;

    printf("tree of %d\n", grow(0, 0));
    fflush(stdout);
    for (int i = 0; i < 300; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            memory[i * 512] = 1;
            _exit(i & 127);
        }
        ok +=
            waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == (i & 127);
    }
    printf("%d in a row, %d\n", ok, check(0));
    return 0;
}
