/* SPDX-License-Identifier: MIT
 *
 * Ways to end: exit codes, exit of the first thread only, exit_group from
 * another, death by signals. The argument says which; the status shows it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

static void *group(void *arg)
{
    usleep(30000);
    puts("the thread ends all");
    syscall(SYS_exit_group, 5);
    return NULL;
}

static void *later(void *arg)
{
    usleep(50000);
    puts("the last thread");
    syscall(SYS_exit, 9);
    return NULL;
}

static void *spins(void *arg)
{
    for (;;) {
    }
    return NULL;
}

static void at_exit(void)
{
    puts("at exit");
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    volatile uintptr_t bad = 8;
    pthread_t t;

    show_start();
    atexit(at_exit);
    printf("%s\n", how);
    if (!strcmp(how, "code")) {
        exit(256 + 7);
    } else if (!strcmp(how, "negative")) {
        _exit(-1);
    } else if (!strcmp(how, "first")) {
        pthread_create(&t, NULL, later, NULL);
        syscall(SYS_exit, 3);
    } else if (!strcmp(how, "group")) {
        pthread_create(&t, NULL, spins, NULL);
        pthread_create(&t, NULL, group, NULL);
        pause();
    } else if (!strcmp(how, "abort")) {
        abort();
    } else if (!strcmp(how, "segv")) {
        *(volatile int *)bad = 1;
    } else if (!strcmp(how, "blocked")) {
        /* A fault cannot be blocked or ignored. */
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        signal(SIGSEGV, SIG_IGN);
        *(volatile int *)bad = 1;
    } else if (!strcmp(how, "ud")) {
        __builtin_trap();
    } else if (!strcmp(how, "stack")) {
        char *p =
            mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        stack_t ss = {.ss_sp = p, .ss_size = 4096};
        struct sigaction sa = {.sa_handler = (void (*)(int))(uintptr_t)at_exit,
                               .sa_flags = SA_ONSTACK};

        sigaltstack(&ss, NULL);
        sigaction(SIGUSR1, &sa, NULL);
        raise(SIGUSR1);
    } else if (argc > 2) {
        int signo = atoi(argv[2]);

        pthread_create(&t, NULL, spins, NULL);
        kill(getpid(), signo);
        usleep(100000);
        puts("alive");
    }
    return 0;
}
