/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/mem: a child's memory by its address, read and written through
 * its protection; what is not mapped; who may open it; what is left of it when
 * the child has another program, or has ended. get_robust_list(2) of others.
 */
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

enum { PAGE = 4096 };

static char secret[200000];
static char *guarded; /* three pages: read-only, no access, not mapped */

static long at(int fd, void *addr, void *buf, size_t len)
{
    return RAW(pread64, fd, buf, len, (long)addr);
}

static int open_mem(pid_t pid, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    return open(path, flags);
}

static void own(void)
{
    static char mine[] = "mine", back[5];
    int fd = open("/proc/self/mem", O_RDWR);

    title("own");
    SHOW(at(fd, mine, back, 5));
    printf("[%s]\n", back);
    SHOW(pwrite(fd, "ours", 5, (long)mine));
    printf("[%s]\n", mine);
    SHOW(pwrite(fd, "to text", 7, (long)own) == 7);
    SHOW(memcmp((void *)own, "to text", 7));
    CALL(lseek, fd, 0, SEEK_END);
    EXPECT(lseek(fd, (long)mine, SEEK_SET) == (long)mine);
    SHOW(read(fd, back, 5));
    EXPECT(lseek(fd, 0, SEEK_CUR) == (long)mine + 5);
    close(fd);
}

static void child_memory(pid_t pid)
{
    static char back[200000];
    int fd = open_mem(pid, O_RDWR);

    title("of a child");
    SHOW(at(fd, secret, back, sizeof(back)));
    printf("[%s] [%s]\n", back, back + 199980);
    SHOW(pwrite(fd, "from the parent", 16, (long)secret));
    SHOW(at(fd, guarded, back, 3 * PAGE));
    printf("[%s]\n", back);
    SHOW(at(fd, guarded + PAGE, back, 10));
    SHOW(at(fd, guarded + 2 * PAGE, back, 10));
    SHOW(pwrite(fd, "forced", 7, (long)guarded));
    SHOW(pwrite(fd, "hidden", 7, (long)guarded + PAGE));
    SHOW(pwrite(fd, "x", 1, (long)guarded + 2 * PAGE));
    CALL(pread64, fd, BAD, 10, (long)secret);
    CALL(pwrite64, fd, BAD, 10, (long)secret);
    SHOW(at(fd, BAD, back, 10));
    SHOW(read(fd, back, 0));
    close(fd);
    fd = open_mem(pid, O_RDONLY);
    SHOW(pwrite(fd, "x", 1, (long)secret));
    close(fd);
}

static void as_nobody(pid_t pid)
{
    void *head;
    size_t len;

    title("nobody");
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    SHOW(open_mem(pid, O_RDONLY));
    SHOW(open_mem(getppid(), O_RDWR));
    CALL(get_robust_list, pid, &head, &len);
    CALL(get_robust_list, 0, &head, &len);
}

static void serve(int ready, int go)
{
    char c;

    strcpy(secret, "the child's");
    strcpy(secret + 199980, "its end");
    write(ready, "x", 1);
    read(go, &c, 1);
    mprotect(guarded + PAGE, PAGE, PROT_READ);
    printf("child has [%s] [%s] [%s]\n", secret, guarded, guarded + PAGE);
    snprintf(secret, sizeof(secret), "%d", ready);
    execl("/proc/self/exe", "proc-mem", secret, NULL);
}

static void gone(pid_t pid, int old)
{
    char back[16];

    title("gone");
    SHOW(at(old, secret, back, 10));
    SHOW(pwrite(old, "x", 1, (long)secret));
    kill(pid, SIGKILL);
    SHOW(waitid(P_PID, pid, NULL, WEXITED | WNOWAIT));
    SHOW(open_mem(pid, O_RDONLY));
    waitpid(pid, NULL, 0);
    SHOW(at(old, secret, back, 10));
}

static void robust(pid_t pid)
{
    void *head, *mine;
    size_t len;

    title("robust lists");
    CALL(get_robust_list, pid, &head, &len);
    CALL(get_robust_list, 0, &mine, &len);
    EXPECT(head == mine); /* a forked child's */
    CALL(get_robust_list, pid, BAD, &len);
    CALL(get_robust_list, pid, &head, BAD);
}

int main(int argc, char **argv)
{
    int ready[2], go[2], old;
    char c;

    if (argc > 1) {
        write(atoi(argv[1]), "x", 1); /* the old one is gone */
        pause();
    }
    show_start();
    guarded = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(guarded, "read-only");
    mprotect(guarded, PAGE, PROT_READ);
    mprotect(guarded + PAGE, PAGE, PROT_NONE);
    munmap(guarded + 2 * PAGE, PAGE);
    own();
    pipe(ready);
    pipe(go);
    pid_t pid = fork();
    if (!pid) {
        serve(ready[1], go[0]);
    }
    read(ready[0], &c, 1);
    child_memory(pid);
    robust(pid);
    old = open_mem(pid, O_RDWR);
    pid_t other = fork();
    if (!other) {
        as_nobody(pid);
        _exit(0);
    }
    waitpid(other, NULL, 0);
    write(go[1], "x", 1);
    read(ready[0], &c, 1);
    gone(pid, old);
    return 0;
}
