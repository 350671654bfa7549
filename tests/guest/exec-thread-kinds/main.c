/* SPDX-License-Identifier: MIT
 *
 * execve(2) by a thread that is not the first while the others sleep in this
 * or that, have ended, are stopped, hold robust mutexes, have children, execute
 * and fork, too; when it is traced, when it is refused, and what begins
 * nowhere.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include "tests/guest/exec-by-thread.h"

/* ---- siblings: another thread that sleeps in this or that ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *in_futex(void *arg)
{
    pthread_mutex_lock(&mutex);
    note_sibling();
    pthread_cond_wait(&cond, &mutex);
    return NULL;
}

static void *in_sigwait(void *arg)
{
    sigset_t set;
    int signo;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    note_sibling();
    sigwait(&set, &signo);
    return NULL;
}

static void *in_vfork(void *arg)
{
    char c;

    note_sibling();
    if (!vfork()) {
        close(hold[1]);
        read(hold[0], &c, 1); /* until all who could write are gone */
        write(ready[1], "v", 1);
        _exit(4);
    }
    return NULL;
}

static void *in_poll(void *arg)
{
    note_sibling();
    poll(NULL, 0, -1);
    return NULL;
}

static void *in_epoll(void *arg)
{
    struct epoll_event e;
    int ep = epoll_create1(0);

    note_sibling();
    epoll_wait(ep, &e, 1, -1);
    return NULL;
}

static void *in_accept(void *arg)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    sa_family_t any = AF_UNIX;

    bind(s, (struct sockaddr *)&any, sizeof(any));
    listen(s, 1);
    note_sibling();
    accept(s, NULL, NULL);
    return NULL;
}

static void *in_wait(void *arg)
{
    if (!fork()) {
        char c;

        close(hold[1]);
        read(hold[0], &c, 1);
        _exit(0);
    }
    note_sibling();
    wait(NULL);
    return NULL;
}

static void *in_semop(void *arg)
{
    struct sembuf down = {0, -1, SEM_UNDO};
    int id = semget(IPC_PRIVATE, 1, 0600);

    note_sibling();
    semop(id, &down, 1);
    return NULL;
}

static void *in_flock(void *arg)
{
    int a = open("/tmp/lock", O_RDWR | O_CREAT, 0600),
        b = open("/tmp/lock", O_RDWR);

    flock(a, LOCK_EX);
    note_sibling();
    flock(b, LOCK_EX);
    return NULL;
}

static void *in_suspend(void *arg)
{
    sigset_t none;

    sigemptyset(&none);
    note_sibling();
    sigsuspend(&none);
    return NULL;
}

static void *in_stuck_loop(void *arg)
{
    note_sibling();
    for (volatile long i = 0;; i++) {
    }
    return NULL;
}

static void *(*const sleeps[])(void *) = {
    in_futex, in_sigwait, in_poll,  in_epoll,   in_accept,
    in_wait,  in_semop,   in_flock, in_suspend,
};

static void all_sleep(void)
{
    for (size_t i = 0; i < COUNT(sleeps); i++) {
        sibling(sleeps[i]);
    }
    spawn(in_stuck_loop, NULL);
}

static void vfork_waits(void)
{
    sibling_tid = 0;
    spawn(in_vfork, NULL);
    while (!__atomic_load_n(&sibling_tid, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
    until_state(getpid(), sibling_tid, 'D');
}

/* The borrower goes on in the old memory. */
static void vfork_after(void)
{
    char c;
    int status;

    close(hold[1]);
    read(ready[0], &c, 1);
    printf("the borrower went on: %c\n", c);
    wait(&status);
    printf("and ended: %x\n", status);
}

/* ---- the leader has ended ---- */

static void leader_ended(void)
{
    until_state(getpid(), getpid(), 'Z');
}

/* ---- it is stopped, and continued by somebody else ---- */

static void stop_self(void)
{
    kill(getpid(), SIGSTOP);
}

/* ---- robust mutexes of who dies for it, and of who executes ---- */

struct shared {
    pthread_mutex_t by_sibling, by_execer;
    uint32_t cleared;
};
static struct shared *shared;

static void *holds(void *arg)
{
    pthread_mutex_lock(&shared->by_sibling);
    note_sibling();
    pause();
    return NULL;
}

static void robust(void)
{
    pthread_mutexattr_t a;
    int fd = memfd_create("shared", 0);

    ftruncate(fd, sizeof(*shared));
    dup2(fd, 50);
    shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, 50, 0);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->by_sibling, &a);
    pthread_mutex_init(&shared->by_execer, &a);
    sibling(holds);
}

static void robust_execer(void)
{
    pthread_mutex_lock(&shared->by_execer);
    shared->cleared = 77;
    syscall(SYS_set_tid_address, &shared->cleared);
    leader_sleeps();
}

static void robust_after(void)
{
    shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, 50, 0);
    printf("the sibling's: %s\n",
           strerrorname_np(pthread_mutex_trylock(&shared->by_sibling)));
    printf("its own: %s\n",
           strerrorname_np(pthread_mutex_trylock(&shared->by_execer)));
    printf("the word of set_tid_address: %u\n", shared->cleared);
}

/* ---- children of those that die for it ---- */

/* They hear of the end of the thread that made them, if they asked to. */
static void *has_child(void *arg)
{
    pid_t maker = getpid();
    sigset_t set;
    char c;

    block(SIGUSR1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        write(hold[1], "x", 1);
        sigwaitinfo(&set, NULL);
        _exit(getppid() == maker ? 21 : 23);
    }
    read(hold[0], &c, 1);
    note_sibling();
    pause();
    return NULL;
}

static void children(void)
{
    sibling(has_child);
}

/* The child of who executes hears nothing. */
static void children_execer(void)
{
    sigset_t set;
    char c;

    block(SIGUSR1);
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        write(hold[1], "x", 1);
        read(ready[0], &c, 1);
        sigpending(&set);
        printf("the executing thread's child heard nothing: %d\n",
               !sigismember(&set, SIGUSR1));
        _exit(22);
    }
    read(hold[0], &c, 1);
    leader_sleeps();
}

static void children_after(void)
{
    int status, sum = 0;

    wait(&status);
    sum += WEXITSTATUS(status);
    write(ready[1], "x", 1);
    wait(&status);
    printf("children: %d\n", sum + WEXITSTATUS(status));
    printf("another: %d\n", wait(&status));
}

/* ---- several at once ---- */

static void *also_executes(void *arg)
{
    while (!__atomic_load_n(&sibling_tid, __ATOMIC_SEQ_CST)) {
    }
    execute();
    return NULL;
}

static void *forks(void *arg)
{
    while (!__atomic_load_n(&sibling_tid, __ATOMIC_SEQ_CST)) {
    }
    for (;;) {
        if (!fork()) {
            _exit(0);
        }
    }
}

static void several(void)
{
    for (int i = 0; i < 3; i++) {
        spawn(also_executes, NULL);
    }
    spawn(forks, NULL);
}

static void several_execer(void)
{
    note_sibling();
}

static void several_after(void)
{
    while (wait(NULL) > 0) {
    }
}

/* ---- it fails when the old program is gone, or before ---- */

/* A program that begins where nothing is. */
static void broken(void)
{
    static const struct {
        unsigned char ident[16];
        uint16_t type, machine;
        uint32_t version;
        uint64_t entry, phoff, shoff;
        uint32_t flags;
        uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
        uint32_t p_type, p_flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } file = {
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 2,
        .machine = 62,
        .version = 1,
        .entry = 0x20000,
        .phoff = 64,
        .ehsize = 64,
        .phentsize = 56,
        .phnum = 1,
        .p_type = 1,
        .p_flags = 5,
        .vaddr = 0x400000,
        .filesz = 120,
        .memsz = 120,
        .align = 4096,
    };
    char *argv[] = {program, NULL};
    int fd = open("/tmp/broken", O_RDWR | O_CREAT | O_TRUNC, 0700);

    write(fd, &file, sizeof(file));
    close(fd);
    leader_sleeps();
    execv("/tmp/broken", argv);
    printf("not executed: %s\n", strerrorname_np(errno));
}

/* What can be refused leaves all as it was. */
static void refused(void)
{
    char *argv[] = {program, NULL};
    int fd = open("/tmp/script", O_RDWR | O_CREAT | O_TRUNC, 0700);

    write(fd, "#!/none\n", 8);
    close(fd);
    SHOW(execv("/tmp/script", argv));
    SHOW(execv("/none", argv));
    SHOW(execv("/tmp", argv));
    printf("the leader is there: %d\n", kill(first, 0));
    leader_sleeps();
}

static void nothing(void)
{
}

static const struct kind table[] = {
    {"leader-sleeps", nothing, leader_sleeps, NULL},
    {"leader-ended", NULL, leader_ended, NULL},
    {"stopped", nothing, stop_self, NULL},
    {"all-asleep", all_sleep, leader_sleeps, NULL},
    {"vfork-waits", vfork_waits, leader_sleeps, vfork_after},
    {"robust", robust, robust_execer, robust_after},
    {"children", children, children_execer, children_after},
    {"several", several, several_execer, several_after},
    {"broken", nothing, broken, NULL},
    {"refused", nothing, refused, NULL},
};

/* ---- traced ---- */

static void traced(void)
{
    unsigned long former = 0;
    pid_t pid, tid = 0, got;
    int status;

    kind = &table[0];
    title("traced");
    pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        run();
    }
    waitpid(pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, pid, 0,
           PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
    ptrace(PTRACE_CONT, pid, 0, 0);
    while ((got = waitpid(-1, &status, __WALL)) > 0) {
        const char *who = got == pid ? "the first" : "the thread";

        if (!WIFSTOPPED(status)) {
            if (got == pid) { /* the other may be seen, or not */
                printf("%s ended: %x\n", who, status & 0xff7f);
            }
            continue;
        }
        if (status >> 16 == PTRACE_EVENT_CLONE) {
            ptrace(PTRACE_GETEVENTMSG, got, 0, &former);
            tid = (pid_t)former;
        } else if (status >> 16 == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_GETEVENTMSG, got, 0, &former);
            printf("%s executed, and was the thread: %d\n", who,
                   former == (unsigned long)tid);
            printf("the thread's number: %s\n", ptrace(PTRACE_CONT, tid, 0, 0)
                                                    ? strerrorname_np(errno)
                                                    : "there");
        } else if (status >> 16) {
            printf("%s: event %d\n", who, status >> 16);
        }
        ptrace(PTRACE_CONT, got, 0,
               status >> 16 || WSTOPSIG(status) == SIGSTOP ? 0
                                                           : WSTOPSIG(status));
    }
}

int main(int argc, char **argv)
{
    int status = exec_by_thread(argc, argv, table, COUNT(table));

    if (status < 0) {
        traced();
    }
    return status < 0 ? 0 : status;
}
