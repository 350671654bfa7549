/* SPDX-License-Identifier: MIT
 * A program with fixed addresses that runs itself: both are there at once,
 * take turns, and each has its own data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int data = 1;
static char bss[100000];

static int talk(int in, int out, int rounds)
{
    int value = 0;

    for (int i = 0; i < rounds; i++) {
        if (read(in, &value, sizeof(value)) != sizeof(value)) {
            return -1;
        }
        data += value;
        bss[i * 1000] = (char)value;
        write(out, &data, sizeof(data));
    }
    return value;
}

int main(int argc, char **argv)
{
    int down[2], up[2], value, sum = 0;
    pid_t pid;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        talk(3, 4, atoi(argv[1]));
        return data & 127;
    }
    for (int round = 0; round < 3; round++) {
        int status;
        pipe(down);
        pipe(up);
        pid = round == 1 ? vfork() : fork();
        if (pid == 0) {
            dup2(down[0], 13);
            dup2(up[1], 14);
            dup2(13, 3);
            dup2(14, 4);
            for (int fd = 5; fd < 20; fd++) {
                close(fd);
            }
            execl(argv[0], argv[0], "20", (char *)NULL);
            _exit(1);
        }
        close(down[0]);
        close(up[1]);
        data = 5000;
        for (int i = 0; i < 20; i++) {
            write(down[1], &i, sizeof(i));
            read(up[0], &value, sizeof(value));
            bss[i * 1000] += 1;
            data++;
            sum += value;
        }
        waitpid(pid, &status, 0);
        printf("data %d, child's last %d, sum %d, status %d, bss %d %d\n", data,
               value, sum, WEXITSTATUS(status), bss[0], bss[19000]);
        close(down[1]);
        close(up[0]);
    }
    return 0;
}
