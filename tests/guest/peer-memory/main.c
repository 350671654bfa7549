/* SPDX-License-Identifier: MIT
 *
 * process_vm_readv and process_vm_writev between parent and child, which have
 * the same addresses; kcmp.
 */
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char secret[100000];

static void memory(pid_t pid)
{
    static char back[100000];
    struct iovec local[2] = {{back, 50000}, {back + 50000, 50000}};
    struct iovec remote = {secret, sizeof(secret)};
    struct iovec bad = {BAD, 10}, half[2] = {{secret, 10}, {BAD, 10}};
    struct iovec negative = {secret, (size_t)-1};

    title("memory");
    CALL(process_vm_readv, pid, local, 2, &remote, 1, 0);
    printf("[%s] [%s]\n", back, back + 99980);
    printf("ours: [%s]\n", secret);
    strcpy(back, "from the parent");
    CALL(process_vm_writev, pid, local, 1, &remote, 1, 0);
    CALL(process_vm_readv, pid, local, 2, &remote, 1, 1);
    CALL(process_vm_readv, 0x3ffffff, local, 2, &remote, 1, 0);
    CALL(process_vm_readv, pid, local, 2, &bad, 1, 0);
    CALL(process_vm_readv, pid, local, 2, half, 2, 0);
    CALL(process_vm_readv, pid, BAD, 2, &remote, 1, 0);
    CALL(process_vm_readv, pid, local, 2, BAD, 1, 0);
    CALL(process_vm_readv, pid, local, 2000, &remote, 1, 0);
    CALL(process_vm_readv, pid, local, 2, &negative, 1, 0);
    CALL(process_vm_readv, pid, local, 0, &remote, 1, 0);
    CALL(process_vm_readv, getpid(), local, 1, &remote, 1, 0);
}

/* The child has the same addresses, and is not there while we run. */
static void as_file(pid_t pid)
{
    static char back[60];
    char name[40];
    int fd;

    title("as a file");
    snprintf(name, sizeof(name), "/proc/%d/mem", pid);
    fd = open(name, O_RDWR);
    CALL(pread64, fd, back, 20, secret + 99980);
    printf("[%s]\n", back);
    CALL(pwrite64, fd, "its new end", 12, secret + 99980);
    CALL(pread64, fd, back, 20, secret + 99980);
    printf("[%s] ours: [%s]\n", back, secret + 99980);
    CALL(pread64, fd, back, 20, BAD);
    CALL(pwrite64, fd, back, 20, BAD);
    close(fd);
}

static int same(pid_t a, pid_t b, int type, long x, long y)
{
    long r = RAW(kcmp, a, b, type, x, y);

    return r < 0 ? -errno : r == 0;
}

/* Files that an epoll watches, by number, and of these the first, second... */
static void watched(void)
{
    struct epoll_event e = {.events = EPOLLIN};
    struct kcmp_epoll_slot slot = {0};
    int ep = epoll_create1(0), p[2], other[2];
    pid_t me = getpid();

    title("watched files");
    pipe(p);
    pipe(other);
    slot.efd = ep;
    slot.tfd = p[0];
    epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
    printf("%d %d\n", same(me, me, KCMP_EPOLL_TFD, p[0], (long)&slot),
           same(me, me, KCMP_EPOLL_TFD, p[1], (long)&slot));
    slot.toff = 1;
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], &slot);
    dup2(other[0], p[0]); /* the pipe ends, and is watched no more */
    slot.toff = 0;
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], &slot);
    epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
    printf("%d\n", same(me, me, KCMP_EPOLL_TFD, other[0], (long)&slot));
    slot.tfd = 99;
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], &slot);
    slot.efd = 1;
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], &slot);
    slot.efd = 98;
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], &slot);
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, 98, &slot);
    CALL(kcmp, me, me, KCMP_EPOLL_TFD, p[0], BAD);
    CALL(kcmp, me, 0x3ffffff, KCMP_EPOLL_TFD, p[0], BAD);
}

static void identity(pid_t pid)
{
    pid_t me = getpid();
    int fd = dup(1), p[2];

    title("kcmp");
    pipe(p);
    printf("files %d %d %d\n", same(me, me, KCMP_FILE, 1, fd),
           same(me, pid, KCMP_FILE, 1, 1), same(me, me, KCMP_FILE, 1, p[0]));
    printf("memory %d %d\n", same(me, me, KCMP_VM, 0, 0),
           same(me, pid, KCMP_VM, 0, 0));
    printf("tables %d %d\n", same(me, me, KCMP_FILES, 0, 0),
           same(me, pid, KCMP_FILES, 0, 0));
    printf("directory %d %d\n", same(me, me, KCMP_FS, 0, 0),
           same(me, pid, KCMP_FS, 0, 0));
    CALL(kcmp, me, me, KCMP_FILE, 1, 99);
    CALL(kcmp, me, 0x3ffffff, KCMP_VM, 0, 0);
    CALL(kcmp, me, me, 99, 0, 0);
    CALL(kcmp, me, me, -1, 0, 0);
    watched();
}

/* A thread's number stands for its process, but where a leader is wanted. */
static void *sibling(void *arg)
{
    static char back[20];
    struct iovec local = {back, 12}, remote = {secret, 12};
    struct rlimit limit;
    long tid = syscall(SYS_gettid);

    CALL(process_vm_readv, tid, &local, 1, &remote, 1, 0);
    printf("[%s]\n", back);
    CALL(prlimit64, tid, RLIMIT_NOFILE, NULL, &limit);
    EXPECT(getpgid(tid) == getpgrp());
    EXPECT(getsid(tid) == getsid(0));
    CALL(setpgid, tid, 0);
    return NULL;
}

static void threads(void)
{
    pthread_t t;

    title("a thread");
    pthread_create(&t, NULL, sibling, NULL);
    pthread_join(t, NULL);
}

static void as_nobody(pid_t pid)
{
    struct iovec v = {secret, 10};

    title("nobody");
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(process_vm_readv, pid, &v, 1, &v, 1, 0);
    CALL(process_vm_writev, pid, &v, 1, &v, 1, 0);
    CALL(kcmp, pid, pid, KCMP_VM, 0, 0);
}

int main(void)
{
    int ready[2], go[2], status;
    char c;

    show_start();
    strcpy(secret, "the parent's");
    pipe(ready);
    pipe(go);
    pid_t pid = fork();
    if (!pid) {
        strcpy(secret, "the child's");
        strcpy(secret + 99980, "its end");
        write(ready[1], "x", 1);
        read(go[0], &c, 1);
        _exit(strcmp(secret, "from the parent") != 0);
    }
    read(ready[0], &c, 1);
    memory(pid);
    as_file(pid);
    identity(pid);
    threads();
    fflush(stdout);
    pid_t other = fork();
    if (!other) {
        as_nobody(pid);
        _exit(0);
    }
    waitpid(other, NULL, 0);
    write(go[1], "x", 1);
    waitpid(pid, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    return 0;
}
