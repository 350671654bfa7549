/* SPDX-License-Identifier: MIT
 *
 * Advice on one's own memory and on a child's, by pidfd: process_madvise(2),
 * process_mrelease(2), and madvise(2)'s that leave no trace.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define PAGE 4096L
#define RW   (PROT_READ | PROT_WRITE)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static char *p;

static void advise(int pidfd)
{
    struct iovec all = {p, 4 * PAGE}, odd = {p + 1, PAGE};
    struct iovec some[] = {{p, PAGE}, {p + 4 * PAGE, PAGE}, {p, PAGE}};

    CALL(process_madvise, pidfd, &all, 1L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, &all, 1L, MADV_PAGEOUT, 0L);
    CALL(process_madvise, pidfd, &all, 1L, MADV_WILLNEED, 0L);
    CALL(process_madvise, pidfd, &all, 1L, MADV_COLLAPSE, 0L);
    CALL(process_madvise, pidfd, &all, 0L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, some, 3L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, some + 1, 2L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, &odd, 1L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, &all, 1L, 99, 0L);
    CALL(process_madvise, pidfd, &all, 1L, MADV_COLD, 1L);
    CALL(process_madvise, pidfd, &all, 1025L, MADV_COLD, 0L);
    CALL(process_madvise, pidfd, BAD, 1L, MADV_COLD, 0L);
}

static void child(void)
{
    struct iovec all = {p, 4 * PAGE};
    siginfo_t info;
    pid_t pid;
    int fd;

    title("a child's");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    fd = (int)RAW(pidfd_open, pid, 0);
    advise(fd);
    CALL(process_madvise, fd, &all, 1L, MADV_DONTNEED, 0L);
    CALL(process_mrelease, fd, 0);
    CALL(process_mrelease, fd, 1);
    setresuid(NOBODY, NOBODY, 0);
    CALL(process_madvise, fd, &all, 1L, MADV_COLD, 0L);
    setresuid(-1, 0, -1);
    setresuid(0, 0, 0);
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    CALL(process_madvise, fd, &all, 1L, MADV_COLD, 0L);
    CALL(process_mrelease, fd, 0);
    waitpid(pid, NULL, 0);
    CALL(process_madvise, fd, &all, 1L, MADV_COLD, 0L);
    CALL(process_mrelease, fd, 0);
}

int main(void)
{
    int self, file;

    show_start();
    p = mmap(NULL, 5 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p + 4 * PAGE, PAGE);
    self = (int)RAW(pidfd_open, getpid(), 0);
    file = open("/tmp/f", O_CREAT | O_RDWR, 0600);
    title("one's own");
    p[0] = 'x';
    advise(self);
    CALL(process_madvise, -1, NULL, 0L, MADV_COLD, 0L);
    CALL(process_madvise, file, NULL, 0L, MADV_COLD, 0L);
    CALL(process_mrelease, self, 0);
    CALL(process_mrelease, -1, 0);
    CALL(process_mrelease, file, 0);
    CALL(madvise, p, 0L, MADV_COLLAPSE);
    CALL(madvise, p, 4 * PAGE, MADV_COLLAPSE);
    printf("%c\n", p[0]);
    child();
    return 0;
}
