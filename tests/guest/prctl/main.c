/* SPDX-License-Identifier: MIT
 *
 * prctl: names, death signals, dumpable, no new privileges, timer slack,
 * bounding set, refusals of what is not there.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char name[20];

static void look(void)
{
    memset(name, 'x', sizeof(name));
    prctl(PR_GET_NAME, name);
    printf("[%s]\n", name);
}

static void *thread(void *arg)
{
    look();
    CALL(prctl, PR_SET_NAME, "thread", 0L, 0L, 0L);
    look();
    cat("/proc/thread-self/comm");
    cat("/proc/self/comm");
    return NULL;
}

static void names(void)
{
    pthread_t t;

    title("names");
    look();
    CALL(prctl, PR_SET_NAME, "another name that is too long", 0L, 0L, 0L);
    look();
    CALL(prctl, PR_SET_NAME, "", 0L, 0L, 0L);
    look();
    CALL(prctl, PR_SET_NAME, BAD, 0L, 0L, 0L);
    CALL(prctl, PR_GET_NAME, BAD, 0L, 0L, 0L);
    CALL(prctl, PR_SET_NAME, "main", 0L, 0L, 0L);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    look();
    put("/proc/self/comm", "by file");
    look();
}

static void states(void)
{
    int sig = -1;

    title("states");
    CALL(prctl, PR_GET_PDEATHSIG, &sig, 0L, 0L, 0L);
    CALL(prctl, PR_SET_PDEATHSIG, SIGUSR1, 0L, 0L, 0L);
    CALL(prctl, PR_GET_PDEATHSIG, &sig, 0L, 0L, 0L);
    printf("%d\n", sig);
    CALL(prctl, PR_SET_PDEATHSIG, 65, 0L, 0L, 0L);
    CALL(prctl, PR_SET_PDEATHSIG, 0, 0L, 0L, 0L);
    CALL(prctl, PR_GET_DUMPABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_DUMPABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_DUMPABLE, 2L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_KEEPCAPS, 2L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_TIMERSLACK, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_TIMERSLACK, 70000L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_TIMERSLACK, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_TIMERSLACK, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_TIMERSLACK, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_TIMING, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_TIMING, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_TIMING, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_CHILD_SUBREAPER, &sig, 0L, 0L, 0L);
    printf("%d\n", sig);
    CALL(prctl, PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_CHILD_SUBREAPER, &sig, 0L, 0L, 0L);
    printf("%d\n", sig);
    CALL(prctl, PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_THP_DISABLE, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_THP_DISABLE, 1L, 1L, 0L, 0L);
    CALL(prctl, PR_SET_THP_DISABLE, 2L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L);
    if (fork() == 0) {
        CALL(prctl, PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L);
        _exit(0);
    }
    wait(NULL);
    CALL(prctl, PR_SET_THP_DISABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_TID_ADDRESS, BAD, 0L, 0L, 0L);
    CALL(prctl, PR_GET_SECUREBITS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
}

/* The thread that made a child is the parent whose death counts. */
static void *make_child(void *arg)
{
    int ready[2], c;

    pipe(ready);
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        write(ready[1], "x", 1);
        for (;;) {
            pause();
        }
    }
    read(ready[0], &c, 1);
    close(ready[0]);
    close(ready[1]);
    *(pid_t *)arg = pid;
    return NULL;
}

static void *child_of_child(void *arg)
{
    pthread_t t;

    pthread_create(&t, NULL, make_child, arg);
    pthread_join(t, NULL);
    return NULL;
}

static void deaths(void)
{
    pthread_t t;
    pid_t pid;
    int status;

    title("deaths");
    pthread_create(&t, NULL, child_of_child, &pid);
    pthread_join(t, NULL);
    waitpid(pid, &status, 0);
    printf("signal %d\n", WTERMSIG(status));
    make_child(&pid);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    printf("another thread's end: %d\n", waitpid(pid, &status, WNOHANG));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    CALL(prctl, PR_SET_PTRACER, 0x3ffffff, 0L, 0L, 0L);
}

static void *gives_up(void *arg)
{
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    fflush(stdout);
    if (fork() == 0) {
        CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
        _exit(0);
    }
    wait(NULL);
    return NULL;
}

static void privileges(void)
{
    pthread_t t;

    title("privileges of a thread");
    pthread_create(&t, NULL, gives_up, NULL);
    pthread_join(t, NULL);
    title("privileges");
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1L, 1L, 0L, 0L);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_READ, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_READ, 64L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_DROP, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_READ, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_DROP, 64L, 0L, 0L, 0L);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0L, 0L, 0L);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
    CALL(prctl, PR_CAP_AMBIENT, 99L, 0L, 0L, 0L);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(prctl, PR_CAPBSET_DROP, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_MM, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_IO_FLUSHER, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_IO_FLUSHER, 0L, 0L, 0L, 0L);
}

static void without_effect(void)
{
    title("kept, and no more");
    CALL(prctl, PR_TASK_PERF_EVENTS_DISABLE, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_TASK_PERF_EVENTS_ENABLE, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0L, 0L);
    CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0L, 0L);
    fflush(stdout);
    if (fork() == 0) {
        CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
        _exit(0);
    }
    wait(NULL);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, 3L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, 1L, 1L, 0L);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL, 2L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_MCE_KILL_GET, 1L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_SPECULATION_CTRL, 77L, 0L, 0L, 0L);
    CALL(prctl, PR_GET_SPECULATION_CTRL, 0L, 1L, 0L, 0L);
    CALL(prctl, PR_SET_SPECULATION_CTRL, 77L, 0L, 0L, 0L);
    CALL(prctl, PR_SET_SPECULATION_CTRL, 0L, 0L, 1L, 0L);
}

int main(void)
{
    show_start();
    names();
    states();
    deaths();
    without_effect();
    privileges();
    CALL(prctl, 9999, 0L, 0L, 0L, 0L);
    CALL(prctl, -1, 0L, 0L, 0L, 0L);
    return 0;
}
