/* SPDX-License-Identifier: MIT
 *
 * What a program makes read-only right at its start cannot be written to from
 * then on, also where it did the same in the runs before and left it alone.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 6, PAGE = 4096 };

extern char **environ;
static volatile char first[PAGE] __attribute__((aligned(PAGE))) = {1};
static volatile char second[PAGE] __attribute__((aligned(PAGE))) = {1};

static int protect(int writes)
{
    int err = mprotect((void *)first, PAGE, PROT_READ);

    if (writes) {
        first[0] = 2;
    }
    return err || mprotect((void *)second, PAGE, PROT_READ);
}

int main(int argc, char **argv)
{
    int status;
    pid_t pid;

    if (argc > 1) {
        return protect(argc > 2);
    }
    for (int i = 1; i <= RUNS; i++) {
        char *last = i == RUNS ? "writes" : NULL;
        char *again[] = {argv[0], "again", last, NULL};

        if (posix_spawn(&pid, argv[0], NULL, NULL, again, environ) ||
            waitpid(pid, &status, 0) != pid) {
            perror("spawn");
            return 1;
        }
        printf("run %d: signal %d, status %d\n", i,
               WIFSIGNALED(status) ? WTERMSIG(status) : 0,
               WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    }
    return 0;
}
