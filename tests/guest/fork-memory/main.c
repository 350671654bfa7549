/* SPDX-License-Identifier: MIT
 * Memory after fork(2), parent and child running in turns: mapped, unmapped
 * and protected by either, MADV_DONTFORK and WIPEONFORK, much of it, and faults
 * where a neighbour has pages. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_child[2], to_parent[2];
static sigjmp_buf back;

/* The other side runs until it passes the turn back. */
static void pass(int *to, int *from)
{
    char c = 'x';

    write(to[1], &c, 1);
    read(from[0], &c, 1);
}

static void on_fault(int signo)
{
    siglongjmp(back, signo);
}

static const char *try(volatile char *p, int write)
{
    int signo = sigsetjmp(back, 1);

    if (signo) {
        return signo == SIGSEGV ? "SEGV" : "BUS";
    }
    if (write) {
        *p = 1;
    }
    return *p ? "content" : "zero";
}

static char *map(size_t len, int prot)
{
    return mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static unsigned sum(const unsigned char *p, size_t len)
{
    unsigned s = 0;

    for (size_t i = 0; i < len; i += 4096) {
        s = s * 31 + p[i];
    }
    return s;
}

static char *gone, *readonly, *none, *behind, *wiped, *fresh;
static unsigned char *much;
enum { MUCH = 24 << 20 };

static void child(void)
{
    char *own;

    printf("child: dontfork %s, wiped %s, none %s\n", try(behind, 0),
           try(wiped, 0), try(none, 0));
    munmap(gone, 8192);
    mprotect(readonly, 4096, PROT_READ);
    mprotect(none, 4096, PROT_READ | PROT_WRITE);
    own = mmap(fresh, 65536, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(own, 3, 65536);
    memset(much, 5, MUCH / 2);
    for (int i = 0; i < 3; i++) {
        pass(to_parent, to_child);
        printf("child: gone %s, readonly %s/%s, none %d, own %d, much %u\n",
               try(gone, 0), try(readonly, 0), try(readonly, 1), none[0],
               own[65535], sum(much, MUCH));
        own[65535]++;
    }
    _exit(0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    pipe(to_child);
    pipe(to_parent);
    gone = map(8192, PROT_READ | PROT_WRITE);
    readonly = map(4096, PROT_READ | PROT_WRITE);
    none = map(4096, PROT_READ | PROT_WRITE);
    behind = map(8192, PROT_READ | PROT_WRITE);
    wiped = map(8192, PROT_READ | PROT_WRITE);
    fresh = map(65536, PROT_NONE);
    much = (unsigned char *)map(MUCH, PROT_READ | PROT_WRITE);
    gone[0] = readonly[0] = none[0] = behind[0] = wiped[0] = 9;
    for (size_t i = 0; i < MUCH; i += 4096) {
        much[i] = (unsigned char)(i / 4096 * 7);
    }
    mprotect(none, 4096, PROT_NONE);
    madvise(behind, 8192, MADV_DONTFORK);
    madvise(wiped, 8192, MADV_WIPEONFORK);
    munmap(fresh, 65536);
    if (fork() == 0) {
        child();
    }
    for (int i = 0; i < 3; i++) {
        char c;
        read(to_parent[0], &c, 1);
        printf("parent: gone %d, readonly %d, none %s, behind %d, wiped %d, "
               "fresh %s, much %u\n",
               gone[0], readonly[0], try(none, 0), behind[0], wiped[0],
               try(fresh, 0), sum(much, MUCH));
        readonly[0]++;
        much[8192]++;
        write(to_child[1], &c, 1);
    }
    wait(NULL);
    printf("parent: %s, much %u\n", try(readonly, 1), sum(much, MUCH));
    return 0;
}
