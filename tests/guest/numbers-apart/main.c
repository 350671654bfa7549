/* SPDX-License-Identifier: MIT
 *
 * A process that is being made has its number already: another thread that
 * asks for the same one (clone3(2), set_tid) meanwhile gets it before, or not
 * at all. */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20, MEMORY = 8 << 20, TRIES = 20000 };

static atomic_int wanted, is_made, refused;

static pid_t make(pid_t number)
{
    pid_t set[1] = {number};
    struct clone_args a = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)set, .set_tid_size = 1};
    pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));

    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

static void *choose(void *arg)
{
    pid_t pid = -1;

    (void)arg;
    atomic_store(&wanted, (int)syscall(SYS_gettid) + 1);
    for (int i = 0; i < TRIES && pid < 0 && !atomic_load(&is_made); i++) {
        pid = make(atomic_load(&wanted));
        if (pid < 0 && errno != EEXIST && errno != EPERM) {
            atomic_store(&refused, errno);
        }
    }
    return (void *)(intptr_t)pid;
}

static void end(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static int same_number(void)
{
    pthread_t thread;
    void *other;
    pid_t pid;
    int same;

    atomic_store(&wanted, 0);
    atomic_store(&is_made, 0);
    pthread_create(&thread, NULL, choose, NULL);
    while (!atomic_load(&wanted)) {
    }
    pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    atomic_store(&is_made, 1);
    pthread_join(thread, &other);
    same = pid > 0 && pid == (pid_t)(intptr_t)other;
    end(pid);
    end(same ? -1 : (pid_t)(intptr_t)other);
    return same;
}

int main(void)
{
    char *m = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int same = 0;

    for (int i = 0; i < ROUNDS; i++) {
        memset(m, i, MEMORY); /* so that fork takes a while */
        same += same_number();
    }
    printf("two of one number: %d, refused: %d\n", same, atomic_load(&refused));
    return 0;
}
