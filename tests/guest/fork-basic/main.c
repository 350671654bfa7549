/* SPDX-License-Identifier: MIT
 * fork(2): what the child has of its parent and what each keeps to itself;
 * exit statuses, crashes, and who is told. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int data = 1;
static int bss;
static volatile sig_atomic_t told;
static siginfo_t last;

static void on_child(int signo, siginfo_t *info, void *context)
{
    last = *info;
    told++;
}

static int status_of(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void separate(void)
{
    char *heap = malloc(1 << 20), local[64] = "parent";
    pid_t pid;

    strcpy(heap, "parent");
    heap[(1 << 20) - 1] = 7;
    pid = fork();
    if (pid == 0) {
        data = bss = 2;
        strcpy(heap, "child");
        strcpy(local, "child");
        heap[500000] = 9;
        free(malloc(100000));
        _exit(heap[(1 << 20) - 1] == 7 && getppid() > 0 ? 42 : 1);
    }
    printf("status %d, data %d, bss %d, heap %s, stack %s, %d %d\n",
           WEXITSTATUS(status_of(pid)), data, bss, heap, local,
           heap[(1 << 20) - 1], heap[500000]);
    free(heap);
}

static void both_run(void)
{
    int down[2], up[2], value = 0;
    pid_t pid;

    pipe(down);
    pipe(up);
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 50; i++) {
            read(down[0], &value, sizeof(value));
            data += value;
            write(up[1], &data, sizeof(data));
        }
        _exit(data & 127);
    }
    data = 1000;
    for (int i = 0; i < 50; i++) {
        write(down[1], &i, sizeof(i));
        read(up[0], &value, sizeof(value));
        data--;
    }
    printf("child's last %d, ours %d, status %d\n", value, data,
           WEXITSTATUS(status_of(pid)));
}

static void die(int signo)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (signo == SIGSEGV) {
            volatile int *volatile nowhere = (int *)8;
            *nowhere = 1;
        } else if (signo == SIGFPE) {
            volatile int zero = 0;
            printf("%d", 1 / zero);
        } else {
            raise(signo);
        }
        _exit(0);
    }
    status = status_of(pid);
    printf("signal %d: signaled %d, by %d\n", signo, WIFSIGNALED(status),
           WTERMSIG(status));
}

static void notice(void)
{
    struct sigaction sa = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    sigset_t block, old;
    pid_t pid;

    sigaction(SIGCHLD, &sa, NULL);
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &old);
    pid = fork();
    if (pid == 0) {
        _exit(5);
    }
    while (!told) {
        sigsuspend(&old);
    }
    printf("SIGCHLD: signo %d code %d status %d pid %d uid %d\n", last.si_signo,
           last.si_code, last.si_status, last.si_pid == pid,
           last.si_uid == getuid());
    status_of(pid);
    signal(SIGCHLD, SIG_IGN);
    pid = fork();
    if (pid == 0) {
        _exit(1);
    }
    printf("ignored: %d errno %d\n", waitpid(pid, NULL, 0), errno);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void files(void)
{
    char name[] = "/tmp/fork-XXXXXX";
    int fd = mkstemp(name), shared;
    pid_t pid;

    write(fd, "0123456789", 10);
    lseek(fd, 2, SEEK_SET);
    pid = fork();
    if (pid == 0) {
        lseek(fd, 5, SEEK_SET);
        close(fd);
        chdir("/tmp");
        umask(0);
        _exit(0);
    }
    status_of(pid);
    shared = (int)lseek(fd, 0, SEEK_CUR);
    printf("offset %d, umask %o\n", shared, umask(022));
    unlink(name);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    umask(027);
    separate();
    both_run();
    die(SIGSEGV);
    die(SIGFPE);
    die(SIGABRT);
    die(SIGKILL);
    notice();
    files();
    return 0;
}
