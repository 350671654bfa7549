/* SPDX-License-Identifier: MIT
 * A large mapping in patches: of all protections, with holes, mapped and
 * protected anew by parent, child and grandchild, each its own way, while they
 * take turns. Everybody looks through everything at every turn. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATCH = 320 << 10, PATCHES = 96, PAGE = 4096, TURNS = 6 };
static char *area;
static sigjmp_buf back;
static int turn[3][2]; /* pipes: whose turn it is */

static void on_fault(int signo)
{
    siglongjmp(back, signo);
}

/* A page as a number: what is in it, or why it cannot be read. */
static unsigned look(const volatile char *p)
{
    return sigsetjmp(back, 1) ? 1000 : (unsigned char)*p;
}

static unsigned sum(void)
{
    unsigned s = 0;

    for (int i = 0; i < PATCHES; i++) {
        for (int at = 0; at < PATCH; at += PATCH / 4) {
            s = s * 31 + look(area + (long)i * PATCH + at);
        }
    }
    return s;
}

static void write_all(int who)
{
    for (int i = 0; i < PATCHES; i++) {
        for (int at = 0; at < PATCH; at += 3 * PAGE) {
            if (!sigsetjmp(back, 1)) {
                area[(long)i * PATCH + at] += (char)(who * 7 + i);
            }
        }
    }
}

static int prot_of(int n)
{
    static const int prots[] = {PROT_READ | PROT_WRITE,
                                PROT_READ,
                                PROT_NONE,
                                PROT_READ | PROT_WRITE,
                                PROT_READ | PROT_EXEC,
                                PROT_READ | PROT_WRITE};

    return prots[n % 6];
}

static void change(int who, int round)
{
    for (int i = who; i < PATCHES; i += 5 + who + round) {
        char *p = area + (long)i * PATCH;

        switch ((i + round + who) % 5) {
        case 0:
            mprotect(p, PATCH / 2, prot_of(i + who));
            break;
        case 1:
            munmap(p + PATCH / 4, PATCH / 4);
            break;
        case 2:
            mmap(p, PATCH, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            memset(p, who + round, PATCH / 3);
            break;
        case 3:
            madvise(p, PATCH, MADV_DONTNEED);
            break;
        default:
            mprotect(p, PATCH, PROT_READ | PROT_WRITE);
        }
    }
}

static void take_turns(int who)
{
    char c = 0;

    for (int round = 0; round < TURNS; round++) {
        read(turn[who][0], &c, 1);
        write_all(who);
        change(who, round);
        printf("%d: turn %d, sum %u\n", who, round, sum());
        write(turn[(who + 1) % 3][1], &c, 1);
    }
}

int main(void)
{
    char c = 0;

    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    area = mmap(NULL, (long)PATCHES * PATCH, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long at = 0; at < (long)PATCHES * PATCH; at += PAGE) {
        area[at] = (char)(at / PAGE * 5);
    }
    for (int i = 0; i < PATCHES; i++) {
        mprotect(area + (long)i * PATCH, PATCH, prot_of(i));
    }
    for (int i = 0; i < 3; i++) {
        pipe(turn[i]);
    }
    if (fork() == 0) {
        change(1, 100);
        if (fork() == 0) {
            take_turns(2);
            _exit(0);
        }
        take_turns(1);
        wait(NULL);
        _exit(0);
    }
    write(turn[0][1], &c, 1);
    take_turns(0);
    read(turn[0][0], &c, 1);
    wait(NULL);
    printf("the last: %u\n", sum());
    return 0;
}
