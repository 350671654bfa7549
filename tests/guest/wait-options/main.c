/* SPDX-License-Identifier: MIT
 *
 * waitid(2) and wait4(2) with every combination of options, for a child that
 * runs, is stopped, has gone on, or has ended, and that reports its end by
 * SIGCHLD, by another signal or not at all.
 */
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

enum state { RUNS, STOPPED, CONTINUED, ENDED, STATES };
static const char *const state_names[] = {"runs", "stopped", "continued",
                                          "ended"};
static const int bits[] = {WSTOPPED, WEXITED, WCONTINUED,
                           WNOWAIT,  __WALL,  __WCLONE};

static pid_t pid;
static int pidfd;

static void make(int signo, enum state s)
{
    pid = syscall(SYS_clone, (long)signo, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        if (s == ENDED) {
            _exit(7);
        }
        for (;;) {
            pause();
        }
    }
    pidfd = syscall(SYS_pidfd_open, pid, 0);
}

static void await(int options)
{
    siginfo_t i;

    waitid(P_PID, (id_t)pid, &i, options | __WALL);
}

/* A child in this state, its last change not told yet. */
static void bring_to(int signo, enum state s)
{
    if (!pid) {
        make(signo, s);
    }
    if (s == STOPPED || s == CONTINUED) {
        kill(pid, SIGCONT);
        kill(pid, SIGSTOP);
        await(WSTOPPED | WNOWAIT);
    }
    if (s == CONTINUED) {
        await(WSTOPPED);
        kill(pid, SIGCONT);
        await(WCONTINUED | WNOWAIT);
    }
    if (s == ENDED) {
        await(WEXITED | WNOWAIT);
    }
}

static void end(void)
{
    if (pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, __WALL);
        close(pidfd);
    }
    pid = 0;
}

/* A zombie that was waited for is gone; the next call finds a new one. */
static void forget_if_gone(void)
{
    if (kill(pid, 0)) {
        close(pidfd);
        pid = 0;
    }
}

static int is_child(pid_t other)
{
    return other == pid ? 1 : other;
}

static void by_waitid(idtype_t type, int id, int options)
{
    struct rusage u;
    siginfo_t i;
    long r;

    memset(&i, 0x55, sizeof(i));
    memset(&u, 0x55, sizeof(u));
    r = RAW(waitid, type, id, &i, options, &u);
    printf(" %d:%ld/%d/%d/%x/%d/%x/%x%c", type, r, r ? errno : 0, i.si_signo,
           i.si_code, is_child(i.si_pid), i.si_uid, i.si_status,
           u.ru_nsignals == 0x5555555555555555 ? '-' : 'u');
}

static void sweep(int signo, enum state s)
{
    for (unsigned m = 0; m < 1u << COUNT(bits); m++) {
        const struct {
            idtype_t type;
            int id;
        } who[] = {{P_ALL, 0}, {P_PID, pid}, {P_PGID, 0}, {P_PIDFD, pidfd}};
        int options = WNOHANG, status = 0x5555;
        long r;

        for (unsigned b = 0; b < COUNT(bits); b++) {
            options |= m >> b & 1 ? bits[b] : 0;
        }
        printf("%d %s %02x:", signo, state_names[s], m);
        for (unsigned k = 0; k < COUNT(who); k++) {
            bring_to(signo, s);
            by_waitid(who[k].type,
                      who[k].type == P_PID     ? pid
                      : who[k].type == P_PIDFD ? pidfd
                                               : who[k].id,
                      options);
            forget_if_gone();
        }
        bring_to(signo, s);
        r = RAW(wait4, pid, &status, options & ~(WEXITED | WNOWAIT), NULL);
        printf(" wait4:%d/%d/%x\n", is_child((pid_t)r), r < 0 ? errno : 0,
               status);
        forget_if_gone();
    }
    end();
}

int main(void)
{
    show_start();
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    signal(SIGUSR1, SIG_IGN);
    for (enum state s = 0; s < STATES; s++) {
        fflush(stdout); /* children must not have it, too */
        sweep(SIGCHLD, s);
        sweep(s & 1 ? 0 : SIGUSR1, s);
    }
    return 0;
}
