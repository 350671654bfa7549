/* SPDX-License-Identifier: MIT
 *
 * ptrace: PTRACE_EVENT_EXIT of each thread, whatever ends it: its own exit,
 * that of the whole process, another thread's execve(2), SIGKILL; and what
 * SIGKILL does to who is stopped so.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include "tests/guest/traced.h"

static char *program;

/* ---- the child ---- */

/* Until the thread sleeps: who is ended in the middle of something ends in
 * more than one way. */
static void until_asleep(int tid)
{
    char name[64], text[256], *state = NULL;

    snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
    while (!state || state[2] != 'S') {
        FILE *f = fopen(name, "r");
        state = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
        fclose(f);
    }
}

static volatile int sleeper; /* its number */

static void *sleeps(void *arg)
{
    sleeper = (int)syscall(SYS_gettid);
    for (;;) {
        pause();
    }
    return NULL;
}

static void *ends(void *arg)
{
    until_asleep(getpid());
    return (void *)syscall(SYS_exit, 5);
}

static void *execs(void *arg)
{
    until_asleep(getpid());
    execl(program, program, "again", NULL);
    _exit(8);
}

static void with(void *(*fn)(void *))
{
    pthread_t t;

    pthread_create(&t, NULL, fn, NULL);
}

static void with_sleeper(void)
{
    with(sleeps);
    while (!sleeper) {
        sched_yield();
    }
    until_asleep(sleeper);
}

static void exit_with_sleeper(void)
{
    with_sleeper();
    _exit(3);
}

static void wait_with_sleeper(void)
{
    with_sleeper();
    raise(SIGUSR1);
    _exit(3);
}

static void wait_for_end(void)
{
    with(ends);
    sleeps(NULL);
}

static void wait_for_exec(void)
{
    with(execs);
    sleeps(NULL);
}

/* ---- the tracer ---- */

static unsigned long told(int tid)
{
    unsigned long message = 0;

    PT(PTRACE_GETEVENTMSG, tid, 0L, &message);
    return message;
}

static void show_exit(int tid)
{
    wait_for(tid);
    printf("with %lx\n", told(tid));
}

/* The child has begun its thread, which this returns; both run. */
static int run_to_thread(int pid)
{
    int tid;

    PT(PTRACE_SETOPTIONS, pid, 0L,
       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    tid = (int)told(pid);
    wait_for(tid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    PT(PTRACE_CONT, tid, 0L, 0L); /* last: it may end the other */
    return tid;
}

static void go_both(int pid, int tid)
{
    PT(PTRACE_CONT, tid, 0L, 0L);
    wait_for(tid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

static void of_all(void)
{
    int pid = start(exit_with_sleeper), tid;

    title("all exit");
    tid = run_to_thread(pid);
    show_exit(tid);
    show_exit(pid);
    go_both(pid, tid);
}

static void of_one(bool killed)
{
    int pid = start(wait_for_end), tid;

    title(killed ? "one exits, and is killed" : "one exits");
    tid = run_to_thread(pid);
    show_exit(tid);
    if (killed) {
        kill(pid, SIGKILL);
        wait_for(tid);
    } else {
        PT(PTRACE_CONT, tid, 0L, 0L);
        wait_for(tid);
        kill(pid, SIGKILL);
    }
    show_exit(pid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

static void by_kill(void)
{
    int pid = start(wait_with_sleeper), tid;

    title("killed");
    tid = run_to_thread(pid);
    wait_for(pid);
    kill(pid, SIGKILL);
    show_exit(tid);
    show_exit(pid);
    kill(pid, SIGKILL); /* is nothing to them any more */
    EXPECT(waitpid(tid, NULL, WNOHANG | __WALL) == 0);
    go_both(pid, tid);
}

static void by_exec(void)
{
    int pid = start(wait_for_exec), tid;

    title("execve");
    tid = run_to_thread(pid);
    show_exit(pid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
    EXPECT(told(pid) == (unsigned long)tid);
    kill(pid, SIGKILL);
    show_exit(pid);
    PT(PTRACE_CONT, pid, 0L, 0L);
    wait_for(pid);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return 9;
    }
    program = argv[0];
    show_start();
    of_all();
    of_one(false);
    of_one(true);
    by_kill();
    by_exec();
    return 0;
}
