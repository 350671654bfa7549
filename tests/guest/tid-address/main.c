/* SPDX-License-Identifier: MIT
 *
 * set_tid_address and thread numbers: what is cleared and woken when a
 * thread ends, gettid and getpid in threads, tgkill to the dead.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>
#include "tests/guest/show.h"

static volatile int cleared = 5, tid_in_thread;

static void *thread(void *arg)
{
    int *at = NULL;
    int tid = gettid();

    printf("pid the same %d, tid another %d\n", getpid() == *(pid_t *)arg,
           tid != getpid());
    printf("returns the tid %d\n",
           syscall(SYS_set_tid_address, &cleared) == tid);
    prctl(PR_GET_TID_ADDRESS, &at);
    printf("address %d\n", at == &cleared);
    tid_in_thread = tid;
    return NULL;
}

int main(void)
{
    pid_t pid = getpid();
    pthread_t t;

    show_start();
    printf("main: tid is pid %d\n", gettid() == pid);
    printf("returns the tid %d\n", syscall(SYS_set_tid_address, NULL) == pid);
    pthread_create(&t, NULL, thread, &pid);
    pthread_detach(t);
    while (cleared) {
        syscall(SYS_futex, &cleared, FUTEX_WAIT, 5, NULL, NULL, 0);
    }
    printf("cleared %d\n", cleared);
    usleep(20000);
    CALL(tgkill, pid, tid_in_thread, 0);
    CALL(tkill, tid_in_thread, 0);
    CALL(sched_getscheduler, tid_in_thread);
    return 0;
}
