/* SPDX-License-Identifier: MIT
 *
 * What a process may do to another: signals between users and inside a
 * session, groups and sessions of processes, each with its errors.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static siginfo_t info;
static int ends[2];

static void become(int uid)
{
    CALL(setresgid, uid, uid, uid);
    CALL(setresuid, uid, uid, uid);
}

/* Runs fn in a child, which has a pipe that its own children can wait at. */
static void child(void (*fn)(pid_t other), pid_t other)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        fn(other);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("status %x\n", status);
}

static pid_t sleeper(void (*first)(void))
{
    char c;
    int ready[2];
    pid_t pid;

    pipe(ready);
    pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (first) {
            first();
        }
        write(ready[1], "x", 1);
        close(ends[1]);
        read(ends[0], &c, 1);
        pause();
    }
    read(ready[0], &c, 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    printf("ended %x\n", status);
}

static void all_signals(pid_t other)
{
    CALL(kill, other, 0);
    CALL(kill, other, SIGUSR1);
    CALL(kill, other, SIGCONT);
    CALL(tkill, other, SIGUSR1);
    CALL(tkill, other, SIGCONT);
    CALL(tgkill, other, other, SIGUSR1);
    CALL(tgkill, other, other, 0);
    CALL(tgkill, getpid(), other, 0);
    info.si_code = SI_QUEUE;
    CALL(rt_sigqueueinfo, other, SIGUSR1, &info);
    CALL(rt_tgsigqueueinfo, other, other, SIGUSR1, &info);
    info.si_code = SI_TKILL;
    CALL(rt_sigqueueinfo, other, SIGUSR1, &info);
    info.si_code = SI_USER;
    CALL(rt_tgsigqueueinfo, other, other, SIGUSR1, &info);
    info.si_code = SI_QUEUE;
    CALL(rt_sigqueueinfo, other, 65, &info);
    CALL(rt_sigqueueinfo, other, SIGUSR1, BAD);
    CALL(kill, other, 65);
    CALL(kill, other, -1);
    CALL(kill, 99999, 0);
    CALL(kill, -99999, 0);
    CALL(tkill, 99999, 0);
    CALL(tkill, 0, 0);
    CALL(tgkill, 0, other, 0);
    CALL(tgkill, other, -1, 0);
    CALL(kill, -other, SIGUSR1);
}

static void as_nobody(pid_t other)
{
    become(NOBODY);
    all_signals(other);
}

static void another_session(pid_t other)
{
    EXPECT(setsid() == getpid());
    as_nobody(other);
}

/* The real or the saved user id of the other counts, and ours that is real or
 * effective. */
static void by_ids(pid_t other)
{
    CALL(setresuid, 1, 2, 3);
    CALL(kill, other, 0);
}

static void saved_is_3(void)
{
    setresuid(0, 0, 3);
}

static void saved_is_2(void)
{
    setresuid(0, 0, 2);
}

static void real_is_1(void)
{
    setresuid(1, 0, 0);
}

static void effective_is_2(void)
{
    setresuid(4, 2, 4);
}

static void ids(const char *what, void (*first)(void))
{
    pid_t pid;

    printf("%s\n", what);
    pid = sleeper(first);
    child(by_ids, pid);
    end(pid);
}

static void own_group(void)
{
    setpgid(0, 0);
}

static void own_session(void)
{
    setsid();
}

static void fresh_program(void)
{
    execl("/proc/self/exe", "x", "sleep", NULL);
}

static void groups(void)
{
    pid_t a, b, c;

    title("groups and sessions");
    EXPECT(setsid() == getpid());
    CALL(setsid);
    CALL(setpgid, 0, 0);
    a = sleeper(own_group);
    b = sleeper(own_session);
    c = sleeper(NULL);
    EXPECT(getpgid(a) == a && getsid(a) == getpid());
    EXPECT(getpgid(b) == b && getsid(b) == b);
    CALL(setpgid, a, a);
    CALL(setpgid, b, 0);
    CALL(setpgid, b, b);
    CALL(setpgid, c, a);
    EXPECT(getpgid(c) == a);
    CALL(setpgid, c, b);
    CALL(setpgid, c, 99999);
    CALL(setpgid, c, -1);
    CALL(setpgid, -1, 0);
    CALL(setpgid, 99999, 0);
    CALL(setpgid, getppid(), 0);
    CALL(setpgid, c, c);
    CALL(getpgid, 99999);
    CALL(getpgid, -1);
    CALL(getsid, 99999);
    CALL(kill, -a, 0);
    CALL(kill, -c, SIGSTOP);
    CALL(kill, -c, SIGCONT);
    end(c);
    CALL(kill, -c, 0);
    end(b);
    end(a);
}

/* A child that has called execve(2) goes its own way. */
static void after_exec(void)
{
    int ready[2];
    char c;
    pid_t pid;

    title("after execve");
    pipe(ready);
    pid = fork();
    if (!pid) {
        dup2(ready[1], 0);
        fresh_program();
    }
    read(ready[0], &c, 1);
    CALL(setpgid, pid, pid);
    CALL(setpgid, pid, getpgrp());
    end(pid);
}

static void others(pid_t me)
{
    pid_t pid = sleeper(NULL);

    title("to another user's process");
    child(as_nobody, pid);
    title("from another session");
    child(another_session, pid);
    end(pid);
    title("ids");
    ids("saved 3", saved_is_3);
    ids("saved 2", saved_is_2);
    ids("real 1", real_is_1);
    ids("effective 2", effective_is_2);
    title("to a process that has ended and nobody has waited for");
    pid = fork();
    if (!pid) {
        _exit(0);
    }
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
    CALL(kill, pid, SIGUSR1);
    CALL(tgkill, pid, pid, SIGUSR1);
    child(as_nobody, pid);
    CALL(setpgid, pid, pid);
    waitpid(pid, NULL, 0);
    CALL(kill, pid, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        write(0, "x", 1);
        pause();
    }
    show_start();
    signal(SIGUSR1, SIG_IGN);
    pipe(ends);
    if (!fork()) {
        groups();
        after_exec();
        others(getpid());
        _exit(0);
    }
    wait(NULL);
    return 0;
}
