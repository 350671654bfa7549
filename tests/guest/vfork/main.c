/* SPDX-License-Identifier: MIT
 * vfork(2) and clone(2) with CLONE_VM: the child's writes are the parent's, the
 * parent waits, and execve(2) gives the child memory of its own. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared;
static char *self;

static int sharer(void *arg)
{
    shared += (int)(long)arg;
    return 7;
}

static int executor(void *arg)
{
    char *argv[] = {self, "child", arg, NULL};

    shared++;
    execv(self, argv);
    return 99;
}

/* A thread can hold up its maker, too. */
static int slow(void *arg)
{
    usleep(20000);
    shared = 77;
    syscall(SYS_exit, 0);
    return 0;
}

static void as_thread(void)
{
    char *stack = malloc(65536);

    shared = 0;
    clone(slow, stack + 65536,
          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
              CLONE_VFORK,
          NULL);
    printf("thread: shared %d\n", shared);
}

static int run(int (*fn)(void *), void *arg, int flags)
{
    char *stack = malloc(65536);
    int status = -1;
    pid_t pid = clone(fn, stack + 65536, flags, arg);

    waitpid(pid, &status, __WALL);
    free(stack);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
    int status;
    pid_t pid;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        printf("executed: %s %s, shared %d\n", argv[1], argv[2], shared);
        return 3;
    }
    self = argv[0];
    pid = vfork();
    if (pid == 0) {
        shared = 5;
        _exit(4);
    }
    printf("after vfork: shared %d", shared);
    waitpid(pid, &status, 0);
    printf(", status %d\n", WEXITSTATUS(status));
    for (int i = 0; i < 3; i++) {
        char *args[] = {self, "vforked", "x", NULL};
        pid = vfork();
        if (pid == 0) {
            shared++;
            execv(self, args);
            _exit(98);
        }
        waitpid(pid, &status, 0);
        printf("status %d, shared %d\n", WEXITSTATUS(status), shared);
    }
    pid = vfork();
    if (pid == 0) {
        execl("/nonexistent", "x", (char *)NULL);
        _exit(errno == ENOENT ? 11 : 12);
    }
    waitpid(pid, &status, 0);
    printf("no program: %d\n", WEXITSTATUS(status));
    shared = 0;
    printf("CLONE_VM: %d", run(sharer, (void *)5l, CLONE_VM | SIGCHLD));
    printf(", shared %d\n", shared);
    printf("CLONE_VM, no signal: %d\n", run(sharer, (void *)5l, CLONE_VM));
    printf("CLONE_VM, CLONE_VFORK, exec: %d\n",
           run(executor, "y", CLONE_VM | CLONE_VFORK | SIGCHLD));
    printf("fork with CLONE_VFORK: %d, shared %d\n",
           run(sharer, (void *)50l, CLONE_VFORK | SIGCHLD), shared);
    as_thread();
    pid = vfork();
    if (pid == 0) {
        raise(SIGKILL);
    }
    waitpid(pid, &status, 0);
    printf("killed: %d\n", WTERMSIG(status));
    return 0;
}
