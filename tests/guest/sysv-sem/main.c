/* SPDX-License-Identifier: MIT
 *
 * System V semaphores among threads: all or nothing, waiting in order,
 * timeouts, interruption, removal under a sleeper, and semctl(2).
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include "tests/guest/show.h"

union arg {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int set;

static long op(int n, ...)
{
    struct sembuf ops[4];
    va_list ap;
    long r;

    va_start(ap, n);
    for (int i = 0; i < n; i++) {
        ops[i].sem_num = va_arg(ap, int);
        ops[i].sem_op = va_arg(ap, int);
        ops[i].sem_flg = va_arg(ap, int);
    }
    va_end(ap);
    r = RAW(semop, set, ops, n);
    return r ? -errno : 0;
}
#define OP(...)                                                                \
    do {                                                                       \
        long r_ = op(__VA_ARGS__);                                             \
        printf("semop(%s): %s\n", #__VA_ARGS__,                                \
               r_ ? strerrorname_np(-r_) : "ok");                              \
    } while (0)

static void values(void)
{
    unsigned short v[3] = {9, 9, 9};

    if (semctl(set, 0, GETALL, (union arg){.array = v})) {
        printf("GETALL: %s\n", strerrorname_np(errno));
    } else {
        printf("values %u %u %u pids %d %d %d ncnt %d zcnt %d\n", v[0], v[1],
               v[2], semctl(set, 0, GETPID) == getpid(),
               semctl(set, 1, GETPID) == getpid(),
               semctl(set, 2, GETPID) == getpid(), semctl(set, 0, GETNCNT),
               semctl(set, 0, GETZCNT));
    }
}

static void control(void)
{
    unsigned short v[3] = {1, 2, 3}, bad[3] = {1, 40000, 3};
    struct semid_ds ds;

    title("control");
    CALL(semget, IPC_PRIVATE, 0, 0600);
    CALL(semget, IPC_PRIVATE, -1, 0600);
    CALL(semget, IPC_PRIVATE, 32001, 0600);
    values();
    CALL(semctl, set, 0, SETVAL, 32768);
    CALL(semctl, set, 0, SETVAL, -1L);
    CALL(semctl, set, 3, SETVAL, 1);
    CALL(semctl, set, -1, GETVAL);
    CALL(semctl, set, 0, SETVAL, 5);
    CALL(semctl, set, 0, GETVAL);
    CALL(semctl, set, 0, SETALL, bad);
    CALL(semctl, set, 0, SETALL, v);
    CALL(semctl, set, 0, SETALL, BAD);
    CALL(semctl, set, 0, GETALL, BAD);
    values();
    CALL(semctl, set, 0, IPC_STAT, &ds);
    printf("nsems %lu mode %o otime %d ctime %d\n", ds.sem_nsems,
           ds.sem_perm.mode, ds.sem_otime > 1000, ds.sem_ctime > 1000);
    CALL(semctl, set, 0, 99, 0);
    CALL(semctl, -1, 0, GETVAL);
}

static void operations(void)
{
    struct sembuf many[501];

    title("operations");
    OP(1, 0, -2, IPC_NOWAIT);
    OP(2, 1, -1, 0, 0, -2, IPC_NOWAIT);
    values();
    OP(3, 0, -1, 0, 1, -2, 0, 2, -3, 0);
    values();
    OP(3, 0, 0, 0, 0, 3, 0, 1, 1, 0);
    OP(1, 0, 0, IPC_NOWAIT);
    OP(1, 0, 32767, 0);
    OP(1, 3, 1, 0);
    semctl(set, 2, SETVAL, (union arg){.val = 0});
    OP(1, 2, 0, SEM_UNDO); /* waits for 0, and owes nothing */
    OP(1, 2, 10, SEM_UNDO);
    OP(1, 2, -10, SEM_UNDO);
    values();
    CALL(semop, set, many, 0);
    CALL(semop, set, many, 501);
    CALL(semop, set, BAD, 1);
    CALL(semop, -1, many, 1);
}

/* ---- waiting ---- */

static int order[3], finished;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *taker(void *arg)
{
    long n = (long)arg;
    struct sembuf down = {0, (short)-n, 0};

    semop(set, &down, 1);
    pthread_mutex_lock(&lock);
    order[finished++] = n;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void until(int what, int n)
{
    while (semctl(set, 0, what) != n) {
        usleep(1000);
    }
}

static void waiting(void)
{
    pthread_t t[3];

    title("waiting");
    semctl(set, 0, SETVAL, 0);
    for (long i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, taker, (void *)(i + 1));
        until(GETNCNT, i + 1);
    }
    OP(1, 0, 2, 0);
    pthread_join(t[0], NULL);
    values();
    OP(1, 0, 1, 0);
    pthread_join(t[1], NULL);
    values();
    OP(1, 0, 3, 0);
    pthread_join(t[2], NULL);
    values();
    printf("order %d %d %d\n", order[0], order[1], order[2]);
}

static void *result(void *arg)
{
    return (void *)op(1, 0, (int)(long)arg, 0);
}

static void nothing(int signo)
{
}

static void ends(void)
{
    struct timespec ts = {0, 20000000}, wrong = {0, -1};
    struct sembuf down = {0, -1, 0};
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    pthread_t t;
    void *r;

    title("timeouts, signals, removal");
    CALL(semtimedop, set, &down, 1, &ts);
    CALL(semtimedop, set, &down, 1, &wrong);
    CALL(semtimedop, set, &down, 1, BAD);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, result, (void *)-1L);
    until(GETNCNT, 1);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, &r);
    printf("interrupted: %s\n", strerrorname_np(-(long)r));
    OP(1, 0, 1, 0);
    pthread_create(&t, NULL, result, (void *)0L);
    until(GETZCNT, 1);
    semctl(set, 0, SETVAL, 0);
    pthread_join(t, &r);
    printf("zero: %ld\n", (long)r);
    pthread_create(&t, NULL, result, (void *)-1L);
    until(GETNCNT, 1);
    SHOW(semctl(set, 0, IPC_RMID));
    pthread_join(t, &r);
    printf("removed: %s\n", strerrorname_np(-(long)r));
    OP(1, 0, 1, 0);
    values();
}

static void limits(void)
{
    struct seminfo i;

    title("limits");
    semctl(0, 0, IPC_INFO, (union arg){.info = &i});
    printf("mni %d mns %d msl %d opm %d vmx %d aem %d\n", i.semmni, i.semmns,
           i.semmsl, i.semopm, i.semvmx, i.semaem);
}

int main(void)
{
    show_start();
    set = semget(IPC_PRIVATE, 3, 0600);
    control();
    operations();
    waiting();
    ends();
    limits();
    return 0;
}
