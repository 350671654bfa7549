/* SPDX-License-Identifier: MIT
 *
 * A signal that ends a process does so at once, unless the process sleeps and
 * has another signal to take: then they come in their order. Shown by a
 * process that waits for its vfork(2)ed child, where only what kills it ends
 * the sleep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>

static int out, go[2];

static void handler(int signo)
{
    (void)signo;
}

/* Waits in vfork(2) until somebody writes to go. */
static void sleeper(void)
{
    char c;

    signal(SIGUSR1, handler);
    if (!vfork()) {
        write(out, "v", 1);
        read(go[0], &c, 1);
        _exit(0);
    }
    _exit(3);
}

static void try(const char *what, const int *signals, int thread)
{
    int p[2], pid, status;
    char c;

    if (pipe(p) || pipe(go)) {
        exit(1);
    }
    out = p[1];
    pid = fork();
    if (!pid) {
        sleeper();
    }
    close(p[1]);
    read(p[0], &c, 1);
    for (; *signals; signals++) {
        if (thread) {
            syscall(SYS_tgkill, pid, pid, *signals);
        } else {
            kill(pid, *signals);
        }
    }
    write(go[1], "x", 1);
    waitpid(pid, &status, 0);
    printf("%s%s: %s\n", what, thread ? ", to the thread" : "",
           sigabbrev_np(WTERMSIG(status)));
    close(p[0]);
    close(go[0]);
    close(go[1]);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int thread = 0; thread < 2; thread++) {
        try("TERM, HUP", (int[]){SIGTERM, SIGHUP, 0}, thread);
        try("USR1, TERM", (int[]){SIGUSR1, SIGTERM, 0}, thread);
        try("USR1, TERM, HUP", (int[]){SIGUSR1, SIGTERM, SIGHUP, 0}, thread);
        try("USR1, TERM, KILL", (int[]){SIGUSR1, SIGTERM, SIGKILL, 0}, thread);
        try("QUIT, TERM", (int[]){SIGQUIT, SIGTERM, 0}, thread);
        try("QUIT, TERM, HUP", (int[]){SIGQUIT, SIGTERM, SIGHUP, 0}, thread);
    }
    return 0;
}
