/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/pagemap: which pages are there; and /proc/PID/syscall: the call
 * that a thread is in. What nobody has touched is left out: it may come early.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

enum { PAGE = 4096 };

static int map;

static void show_pages(const char *what, const char *at, int count)
{
    uint64_t words[16];
    long n = pread(map, words, 8 * count, (long)at / PAGE * 8);

    printf("%s: %ld:", what, n);
    for (int i = 0; i < n / 8; i++) {
        printf(" %s%s", words[i] >> 63 ? "here" : "no",
               words[i] >> 61 & 1 ? "/file" : "");
    }
    printf("\n");
}

static void pages(void)
{
    char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *q = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    char buf[32];

    title("pagemap");
    map = open("/proc/self/pagemap", O_RDONLY);
    memset(p, 1, 3 * PAGE);
    munmap(p + 4 * PAGE, PAGE);
    show_pages("touched", p, 3);
    show_pages("not mapped", p + 4 * PAGE, 1);
    show_pages("all", q, 4);
    mprotect(q, PAGE, PROT_NONE);
    show_pages("one out of reach", q + PAGE, 3);
    munmap(q, 4 * PAGE);
    show_pages("none", q, 4);
    CALL(pread64, map, buf, 8L, 3L);
    CALL(pread64, map, buf, 7L, 8L);
    CALL(pread64, map, buf, 0L, 8L);
    CALL(pread64, map, BAD, 8L, 8L);
    CALL(pread64, map, buf, 8L, 0x7fffffffffffL / PAGE * 8 + 8);
    CALL(pread64, map, buf, 32L, 0x7fffffffffffL / PAGE * 8 - 8);
    CALL(write, map, buf, 8L);
    CALL(open, "/proc/self/pagemap", O_RDWR);
    CALL(lseek, map, 80L, SEEK_SET);
    CALL(read, map, buf, 16L);
    CALL(lseek, map, 0L, SEEK_CUR);
}

static void show_call(const char *path)
{
    char text[300] = "";
    int fd = open(path, O_RDONLY), words = 0;
    char *save, *word;
    long n = read(fd, text, sizeof(text) - 1);

    close(fd);
    printf("%s", n > 0 && text[n - 1] == '\n' ? "" : "no line: ");
    for (word = strtok_r(text, " \n", &save); word;
         word = strtok_r(NULL, " \n", &save)) {
        if (words++ < 4 && strcmp(word, "0x0")) {
            printf("%s ", strlen(word) > 8 ? "address" : word);
        }
    }
    printf("(%d)\n", words);
}

static void *sleeper(void *arg)
{
    *(int *)arg = gettid();
    syscall(SYS_poll, NULL, 0L, 1000000L);
    return NULL;
}

static volatile int turning;

static void *turner(void *arg)
{
    *(int *)arg = gettid();
    while (turning) {
    }
    return NULL;
}

static void calls(void)
{
    pthread_t t;
    char path[64], text[100] = "";
    volatile int tid = 0;
    int fd;

    title("syscall");
    show_call("/proc/self/syscall");
    pthread_create(&t, NULL, sleeper, (void *)&tid);
    until_others_sleep();
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
    show_call(path);
    turning = 1;
    tid = 0;
    pthread_create(&t, NULL, turner, (void *)&tid);
    while (!tid) {
        usleep(1000);
    }
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
    fd = open(path, O_RDONLY);
    read(fd, text, sizeof(text) - 1);
    printf("%s", text);
    turning = 0;
    pthread_join(t, NULL);
    close(fd);
}

static void others(void)
{
    char path[64];
    int status, ends[2];
    pid_t pid;

    title("others");
    pipe(ends);
    pid = fork();
    if (!pid) {
        char c;
        close(ends[1]);
        read(ends[0], &c, 1);
        _exit(0);
    }
    if (!fork()) {
        setresgid(NOBODY, NOBODY, NOBODY);
        setresuid(NOBODY, NOBODY, NOBODY);
        snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
        CALL(open, path, O_RDONLY);
        snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
        CALL(open, path, O_RDONLY);
        _exit(0);
    }
    wait(NULL);
    close(ends[1]);
    waitpid(pid, &status, 0);
}

int main(void)
{
    show_start();
    pages();
    calls();
    others();
    return 0;
}
