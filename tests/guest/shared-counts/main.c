/* SPDX-License-Identifier: MIT
 * Memory that processes share counts once, however many they are, and is gone
 * with the last of them: run with less memory than it would take otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 32 << 20, HALF = SIZE / 2, PAGE = 4096, CHILDREN = 8, TURNS = 6 };
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_SHARED | MAP_ANONYMOUS };

static char *map(int prot)
{
    char *p = mmap(NULL, SIZE, prot, ANON, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static int wrong(const char *p, size_t len, char value)
{
    int n = 0;

    for (size_t i = 0; i < len; i += PAGE) {
        n += p[i] != value;
    }
    return n;
}

/* Each fills a part, waits until all have, and looks at all of it. */
static int child(char *p, int me, int done, int go)
{
    char c = 0;
    int n = 0;

    memset(p + (size_t)me * (SIZE / CHILDREN), 'a' + me, SIZE / CHILDREN);
    if (write(done, &c, 1) != 1 || read(go, &c, 1) != 1) {
        return 1;
    }
    for (int i = 0; i < CHILDREN; i++) {
        n += wrong(p + (size_t)i * (SIZE / CHILDREN), SIZE / CHILDREN,
                   (char)('a' + i));
    }
    if (me % 2 && munmap(p + (me % 4 == 1 ? 0 : HALF), HALF)) {
        return 2;
    }
    return n != 0;
}

static int children(char *p)
{
    int done[2], go[2], status, bad = 0;
    char c[CHILDREN] = {0};

    if (pipe(done) || pipe(go)) {
        exit(1);
    }
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();

        if (pid < 0) {
            perror("fork");
            exit(1);
        }
        if (pid == 0) {
            _exit(child(p, i, done[1], go[0]));
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        bad += read(done[0], c, 1) != 1;
    }
    bad += write(go[1], c, CHILDREN) != CHILDREN;
    while (wait(&status) > 0) {
        bad += status != 0;
    }
    close(done[0]);
    close(done[1]);
    close(go[0]);
    close(go[1]);
    return bad;
}

/* Of what a child alone touched, its parent sees all; what it alone maps at the
 * end goes with it. */
static int outlived(char *p)
{
    int fd[2], status;
    char c;

    if (pipe(fd)) {
        exit(1);
    }
    if (fork() == 0) {
        _exit(read(fd[0], &c, 1) != 1 || wrong(p, SIZE, 'x'));
    }
    memset(p, 'x', SIZE);
    munmap(p, SIZE);
    if (write(fd[1], "", 1) != 1) {
        exit(1);
    }
    wait(&status);
    close(fd[0]);
    close(fd[1]);
    p = map(RW);
    status += wrong(p, SIZE, 0); /* nothing of it is there */
    munmap(p, SIZE);
    return status;
}

/* A child that does not get what its parent shares with another has something
 * else there, and takes nothing away. */
static int kept_back(void)
{
    char *p = map(RW), *other;
    int fd[2], status, bad;
    char c;

    if (pipe(fd)) {
        exit(1);
    }
    memset(p, 'k', SIZE);
    if (fork() == 0) {
        _exit(read(fd[0], &c, 1) != 1 || wrong(p, SIZE, 'k'));
    }
    bad = madvise(p, SIZE, MADV_DONTFORK);
    if (fork() == 0) {
        other = map(RW);
        _exit(wrong(other, SIZE, 0));
    }
    wait(&status);
    bad += status;
    bad += write(fd[1], "", 1) != 1;
    wait(&status);
    bad += status + wrong(p, SIZE, 'k');
    munmap(p, SIZE);
    return bad;
}

int main(void)
{
    for (int i = 0; i < TURNS; i++) {
        char *p = map(i % 2 ? RW : PROT_NONE);
        int bad;

        if (mprotect(p, SIZE, RW)) {
            perror("mprotect");
            return 1;
        }
        bad = children(p);
        printf("turn %d: %d wrong, %d wrong of what is outlived\n", i, bad,
               outlived(p));
        fflush(stdout);
    }
    printf("%d wrong of what is kept back\n", kept_back());
    return 0;
}
