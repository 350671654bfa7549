/* SPDX-License-Identifier: MIT
 *
 * Objects that processes share: System V segments across fork and exit,
 * SEM_UNDO, messages, POSIX queues, locks with EDEADLK, FIFOs.
 */
#include <mqueue.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

/* Runs fn in a child to its end and shows how it ended. */
static void in_child(void (*fn)(void))
{
    int status, pid = fork();

    if (pid == 0) {
        fn();
        _exit(7);
    }
    waitpid(pid, &status, 0);
    printf("child: %x\n", status);
}

/* ---- shared memory ---- */

static int shm, sem, queue;
static char *mem;

static void attached(const char *when)
{
    struct shmid_ds ds;

    if (shmctl(shm, IPC_STAT, &ds)) {
        printf("%s: %s\n", when, strerrorname_np(errno));
    } else {
        printf("%s: attached %lu, cpid %d lpid %d mode %o\n", when,
               ds.shm_nattch, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(),
               ds.shm_perm.mode);
    }
}

static void shm_child(void)
{
    char *own;

    attached("in the child");
    strcpy(mem, "written by the child");
    shmdt(mem);
    attached("detached in the child");
    own = shmat(shm, NULL, SHM_RDONLY);
    printf("again: %s\n", own);
}

static void shm_heir(void)
{
    attached("removed, in the child");
    mem[0]++;
}

static void segments(void)
{
    title("shared memory");
    shm = shmget(IPC_PRIVATE, 8192, 0600);
    mem = shmat(shm, NULL, 0);
    attached("at first");
    in_child(shm_child);
    printf("%s\n", mem);
    attached("after the child");
    shmctl(shm, IPC_RMID, NULL);
    mem[0] = 'a';
    in_child(shm_heir);
    printf("%c\n", mem[0]);
    shmdt(mem);
    attached("at last");
}

/* ---- semaphores ---- */

static void undo_child(void)
{
    struct sembuf take = {0, -3, SEM_UNDO}, give = {1, 2, SEM_UNDO};

    semop(sem, &take, 1);
    semop(sem, &give, 1);
    printf("in the child: %d %d\n", semctl(sem, 0, GETVAL),
           semctl(sem, 1, GETVAL));
}

static void killed_child(void)
{
    struct sembuf take = {0, -4, SEM_UNDO};

    semop(sem, &take, 1);
    raise(SIGKILL);
}

static void kept_child(void)
{
    struct sembuf take = {0, -1, 0};

    semop(sem, &take, 1);
}

static void wait_child(void)
{
    struct sembuf down = {1, -1, 0};

    printf("woken: %d\n", semop(sem, &down, 1));
}

static void semaphores(void)
{
    struct sembuf up = {1, 1, 0};
    int pid, status;

    title("semaphores");
    sem = semget(IPC_PRIVATE, 2, 0600);
    semctl(sem, 0, SETVAL, 5);
    in_child(undo_child);
    printf("after it: %d %d\n", semctl(sem, 0, GETVAL), semctl(sem, 1, GETVAL));
    in_child(killed_child);
    printf("after it: %d\n", semctl(sem, 0, GETVAL));
    in_child(kept_child);
    printf("after it: %d\n", semctl(sem, 0, GETVAL));
    pid = fork();
    if (!pid) {
        wait_child();
        _exit(0);
    }
    while (semctl(sem, 1, GETNCNT) != 1) {
        usleep(1000);
    }
    semop(sem, &up, 1);
    waitpid(pid, &status, 0);
    printf("pid %d\n", semctl(sem, 1, GETPID) == pid);
    semctl(sem, 0, IPC_RMID);
}

/* ---- messages ---- */

static void answer(void)
{
    struct {
        long type;
        char text[32];
    } m;
    ssize_t n = msgrcv(queue, &m, sizeof(m.text), 1, 0);

    m.type = 2;
    memcpy(m.text + n, " back", 6);
    msgsnd(queue, &m, n + 6, 0);
}

static void messages(void)
{
    struct {
        long type;
        char text[32];
    } m = {1, "there and"};

    title("messages");
    queue = msgget(IPC_PRIVATE, 0600);
    msgsnd(queue, &m, strlen(m.text), 0);
    in_child(answer);
    printf("%zd ", msgrcv(queue, &m, sizeof(m.text), 2, 0));
    printf("%s\n", m.text);
    msgctl(queue, IPC_RMID, NULL);
}

static mqd_t mq;

static void mq_child(void)
{
    SHOW(mq_send(mq, "from the child", 15, 3));
}

static void posix_queues(void)
{
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 32};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct timespec soon = {5, 0};
    char name[32], buf[32];
    siginfo_t info;
    sigset_t set;

    title("POSIX queues");
    snprintf(name, sizeof(name), "/enclos-p-%d", getpid());
    mq = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
    mq_unlink(name);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(mq_notify(mq, &e));
    in_child(mq_child);
    SHOW(sigtimedwait(&set, &info, &soon));
    printf("code %d\n", info.si_code);
    SHOW(mq_receive(mq, buf, sizeof(buf), NULL));
    printf("%s\n", buf);
    mq_close(mq);
}

/* ---- locks ---- */

static int file;

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {type, SEEK_SET, start, len, 0};

    return fcntl(fd, cmd, &fl);
}

static void lock_child(void)
{
    struct flock fl = {F_WRLCK, SEEK_SET, 0, 0, 0};
    int again = open("/tmp/locked", O_RDWR);

    SHOW(lock(file, F_SETLK, F_WRLCK, 5, 1));
    SHOW(lock(file, F_SETLK, F_RDLCK, 20, 1));
    fcntl(file, F_GETLK, &fl);
    printf("type %d %ld+%ld parent %d\n", fl.l_type, (long)fl.l_start,
           (long)fl.l_len, fl.l_pid == getppid());
    SHOW(flock(file, LOCK_EX | LOCK_NB)); /* inherited: the same owner */
    SHOW(flock(again, LOCK_EX | LOCK_NB));
}

static void locks(void)
{
    int back[2], pid, status, mine;
    char c;

    title("locks");
    put("/tmp/locked", "some text to lock");
    file = open("/tmp/locked", O_RDWR);
    lock(file, F_SETLK, F_WRLCK, 0, 10);
    flock(file, LOCK_EX);
    in_child(lock_child);
    SHOW(lock(file, F_SETLK, F_WRLCK, 20, 1)); /* it is gone with the child */
    pipe(back);
    pid = fork();
    if (!pid) {
        lock(file, F_SETLK, F_WRLCK, 100, 1);
        write(back[1], "x", 1);
        _exit(lock(file, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 9 : errno);
    }
    read(back[0], &c, 1);
    usleep(20000); /* by now it waits for our lock, most likely */
    mine = lock(file, F_SETLKW, F_WRLCK, 100, 1) && errno == EDEADLK;
    lock(file, F_SETLK, F_UNLCK, 0, 10);
    waitpid(pid, &status, 0);
    printf("one of us: %d\n", mine + (WEXITSTATUS(status) == EDEADLK));
    SHOW(lock(file, F_SETLKW, F_WRLCK, 100, 1));
}

/* ---- names ---- */

static void writer(void)
{
    int fd = open("/tmp/fifo", O_WRONLY);

    write(fd, "through the fifo", 16);
}

static void fifos(void)
{
    char buf[64] = "";
    int fd, pid;

    title("fifos");
    mkfifo("/tmp/fifo", 0600);
    pid = fork();
    if (!pid) {
        writer();
        _exit(0);
    }
    fd = open("/tmp/fifo", O_RDONLY);
    for (ssize_t n = 1, at = 0; n > 0; at += n) {
        n = read(fd, buf + at, sizeof(buf) - at);
    }
    printf("%s\n", buf);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    show_start();
    segments();
    semaphores();
    messages();
    posix_queues();
    locks();
    fifos();
    return 0;
}
