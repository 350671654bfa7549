/* SPDX-License-Identifier: MIT
 *
 * A traced child, and what wait(2) tells of it.
 */
#ifndef TESTS_GUEST_TRACED_H
#define TESTS_GUEST_TRACED_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

/* The C library's hides errors of PEEK in the result; this is the call. */
#define PT(req, pid, addr, data) CALL(ptrace, req, (long)(pid), addr, data)

/* Prints it, and returns the status. */
static inline int wait_for(int pid)
{
    int status = 0, got = waitpid(pid, &status, __WALL);

    if (got < 0) {
        printf("wait: %s\n", strerrorname_np(errno));
    } else if (WIFSTOPPED(status)) {
        printf("stopped by %d, event %d\n", WSTOPSIG(status), status >> 16);
    } else if (WIFEXITED(status)) {
        printf("exited with %d\n", WEXITSTATUS(status));
    } else {
        printf("killed by %d\n", WTERMSIG(status));
    }
    return status;
}

/* A child that stops, and runs fn once it is continued. */
static inline int start(void (*fn)(void))
{
    int pid = fork();

    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        fn();
        _exit(7);
    }
    wait_for(pid);
    return pid;
}

#endif
