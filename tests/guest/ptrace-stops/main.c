/* SPDX-License-Identifier: MIT
 *
 * ptrace: what stops a traced thread and what wait tells: signals, which the
 * tracer lets through, drops or exchanges; events of fork, clone, exec and
 * exit; job control, seized and not; a tracer that is not the parent, and one
 * that ends.
 */
#include <pthread.h>
#include "tests/guest/traced.h"

static void go(int pid, long signo)
{
    PT(PTRACE_CONT, pid, 0L, signo);
    wait_for(pid);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled, last;

static void handler(int signo, siginfo_t *info, void *context)
{
    handled++;
    last = signo * 100 + info->si_code + 10;
}

static void raise_some(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    signal(SIGHUP, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGHUP);
    raise(SIGCHLD);
    raise(SIGUSR1);
    _exit(handled * 10 + (last / 100 == SIGUSR2));
}

static void signals(void)
{
    int pid = start(raise_some);
    siginfo_t info;
    unsigned long mask = 0;

    title("signals");
    go(pid, 0);
    PT(PTRACE_GETSIGINFO, pid, 0L, &info);
    EXPECT(info.si_signo == SIGUSR1 && info.si_code == SI_TKILL &&
           info.si_pid == pid);
    PT(PTRACE_SETSIGINFO, pid, 0L, &info);
    PT(PTRACE_GETSIGMASK, pid, 8L, &mask);
    PT(PTRACE_GETSIGMASK, pid, 4L, &mask);
    PT(PTRACE_SETSIGMASK, pid, 8L, &mask);
    go(pid, SIGUSR1);
    go(pid, 0);
    go(pid, SIGHUP);
    go(pid, SIGCHLD);
    go(pid, SIGUSR2);
}

static void segfault(void)
{
    int *volatile nowhere = BAD;

    *nowhere = 1;
}

static void faults(void)
{
    int pid = start(segfault);
    siginfo_t info;

    title("faults");
    go(pid, 0);
    PT(PTRACE_GETSIGINFO, pid, 0L, &info);
    EXPECT(info.si_code == SEGV_MAPERR && info.si_addr == (void *)16);
    go(pid, 0);
    go(pid, SIGSEGV);
    pid = start(segfault);
    kill(pid, SIGKILL);
    wait_for(pid);
}

/* ---- events ---- */

static void *thread(void *arg)
{
    return arg;
}

static void make_processes(void)
{
    pthread_t t;
    int pid = fork();

    if (!pid) {
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    pid = vfork();
    if (!pid) {
        _exit(2);
    }
    waitpid(pid, NULL, 0);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    execl("/proc/self/exe", "ptrace-stops", "end", NULL);
}

static void events(void)
{
    int pid = start(make_processes), status, other;
    unsigned long message = 0;

    title("events");
    PT(PTRACE_SETOPTIONS, pid, 0L,
       (long)(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
              PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
              PTRACE_O_TRACEVFORKDONE));
    ptrace(PTRACE_CONT, pid, 0, 0);
    while ((other = waitpid(-1, &status, __WALL)) > 0) {
        const char *who = other == pid ? "it" : "another";
        int event = status >> 16;

        if (!WIFSTOPPED(status)) {
            if (other == pid) {
                printf("it ended with %d\n", WEXITSTATUS(status));
                break;
            }
            continue;
        }
        if (other == pid) {
            printf("%s: %d, event %d\n", who, WSTOPSIG(status), event);
        }
        if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
            event == PTRACE_EVENT_CLONE) {
            ptrace(PTRACE_GETEVENTMSG, other, 0, &message);
            EXPECT(message > (unsigned long)pid);
        } else if (event == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_GETEVENTMSG, other, 0, &message);
            EXPECT(message == (unsigned long)pid);
        } else if (event == PTRACE_EVENT_EXIT && other == pid) {
            ptrace(PTRACE_GETEVENTMSG, other, 0, &message);
            printf("status %lx\n", message);
        }
        ptrace(PTRACE_CONT, other, 0,
               !event && WSTOPSIG(status) != SIGSTOP ? WSTOPSIG(status) : 0);
    }
    while (waitpid(-1, NULL, __WALL) > 0) {
    }
}

static void exec_itself(void)
{
    execl("/proc/self/exe", "ptrace-stops", "end", NULL);
}

static void exec_without_event(void)
{
    int pid = start(exec_itself);

    title("exec");
    go(pid, 0);
    go(pid, 0);
}

/* ---- job control ---- */

static void stop_myself(void)
{
    raise(SIGSTOP);
    _exit(4);
}

static void not_seized(void)
{
    int pid = start(stop_myself);
    siginfo_t info;

    title("not seized");
    go(pid, 0);
    PT(PTRACE_GETSIGINFO, pid, 0L, &info);
    go(pid, SIGSTOP);
    PT(PTRACE_GETSIGINFO, pid, 0L, &info);
    go(pid, 0);
}

static void seized(void)
{
    int pid, status;
    siginfo_t info;

    title("seized");
    pid = fork();
    if (!pid) {
        for (;;) {
            pause();
        }
    }
    PT(PTRACE_SEIZE, pid, 0L, 0L);
    PT(PTRACE_PEEKDATA, pid, 0L, 0L);
    PT(PTRACE_INTERRUPT, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_GETSIGINFO, pid, 0L, &info);
    printf("%d %x\n", info.si_signo, info.si_code);
    PT(PTRACE_CONT, pid, 0L, 0L);
    kill(pid, SIGSTOP);
    wait_for(pid);
    PT(PTRACE_CONT, pid, 0L, (long)SIGSTOP);
    wait_for(pid);
    PT(PTRACE_LISTEN, pid, 0L, 0L);
    PT(PTRACE_CONT, pid, 0L, 0L);
    printf("%d\n", waitpid(pid, &status, WNOHANG | __WALL));
    kill(pid, SIGCONT);
    wait_for(pid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    status = wait_for(pid);
    PT(PTRACE_CONT, pid, 0L, (long)SIGKILL);
    if (!WIFSIGNALED(status)) {
        wait_for(pid);
    }
}

static void attach_stopped(void)
{
    int pid, status;
    siginfo_t info = {0};

    title("attach to a stopped one");
    pid = fork();
    if (!pid) {
        raise(SIGSTOP);
        _exit(6);
    }
    waitpid(pid, &status, WUNTRACED);
    PT(PTRACE_ATTACH, pid, 0L, 0L);
    wait_for(pid);
    PT(PTRACE_DETACH, pid, 0L, 0L);
    kill(pid, SIGCONT);
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    printf("%d %d\n", info.si_code, info.si_status);
}

static void by_waitid(void)
{
    int pid = start(stop_myself);
    siginfo_t info = {0};

    title("waitid");
    PT(PTRACE_CONT, pid, 0L, 0L);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
    EXPECT(info.si_pid == pid && info.si_code == CLD_TRAPPED);
    printf("%d\n", info.si_status);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED));
    SHOW(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
    printf("%d\n", info.si_pid);
    PT(PTRACE_KILL, pid, 0L, 0L);
    wait_for(pid);
}

/* ---- a tracer that is not the parent ---- */

static void by_sibling(void)
{
    int pid, tracer, status, pipes[2];
    char c;

    title("a sibling");
    pid = fork();
    if (!pid) {
        for (;;) {
            pause();
        }
    }
    pipe(pipes);
    tracer = fork();
    if (!tracer) {
        ptrace(PTRACE_ATTACH, pid, 0, 0);
        wait_for(pid);
        PT(PTRACE_CONT, pid, 0L, 0L);
        kill(pid, SIGTERM);
        wait_for(pid);
        PT(PTRACE_CONT, pid, 0L, (long)SIGTERM);
        wait_for(pid);
        fflush(stdout);
        write(pipes[1], "x", 1);
        _exit(0);
    }
    read(pipes[0], &c, 1);
    wait_for(pid);
    waitpid(tracer, &status, 0);
    title("a tracer that ends");
    for (int kills = 0; kills < 2; kills++) {
        pid = fork();
        if (!pid) {
            for (;;) {
                pause();
            }
        }
        tracer = fork();
        if (!tracer) {
            ptrace(PTRACE_SEIZE, pid, 0, kills ? PTRACE_O_EXITKILL : 0);
            ptrace(PTRACE_INTERRUPT, pid, 0, 0);
            waitpid(pid, &status, __WALL);
            _exit(0);
        }
        waitpid(tracer, &status, 0);
        if (!kills) {
            printf("%d\n", waitpid(pid, &status, WNOHANG));
            kill(pid, SIGTERM);
        }
        wait_for(pid);
    }
}

/* ---- execve of a thread that is not the first ---- */

static void *executes(void *arg)
{
    execl("/proc/self/exe", "ptrace-stops", "end", NULL);
    return NULL;
}

static void by_thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, executes, NULL);
    for (;;) {
        pause();
    }
}

/* Until the process has ended. */
static void follow(int pid)
{
    int status, got;

    while ((got = waitpid(-1, &status, __WALL)) > 0 && WIFSTOPPED(status)) {
        unsigned long former = 0;

        if (status >> 16 == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_GETEVENTMSG, got, 0, &former);
            printf("the process's number %d, another before %d\n", got == pid,
                   former != pid);
        }
        ptrace(PTRACE_CONT, got, 0, 0);
    }
    printf("the process %d exited with %d\n", got == pid, WEXITSTATUS(status));
}

static void exec_by_thread(void)
{
    const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    int pid, tracer;

    title("exec by a thread");
    pid = start(by_thread);
    ptrace(PTRACE_SETOPTIONS, pid, 0, options);
    ptrace(PTRACE_CONT, pid, 0, 0);
    follow(pid);
    title("and the tracer is not its parent");
    pid = fork();
    if (!pid) {
        raise(SIGSTOP);
        by_thread();
    }
    waitpid(pid, NULL, WUNTRACED);
    tracer = fork();
    if (!tracer) {
        ptrace(PTRACE_SEIZE, pid, 0, options);
        kill(pid, SIGCONT);
        follow(pid);
        _exit(0);
    }
    waitpid(tracer, NULL, 0);
    wait_for(pid);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return 9;
    }
    show_start();
    signals();
    faults();
    events();
    exec_without_event();
    not_seized();
    seized();
    attach_stopped();
    by_waitid();
    by_sibling();
    exec_by_thread();
    return 0;
}
