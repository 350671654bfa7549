/* SPDX-License-Identifier: MIT
 * One process forks again and again, with and without changes in between, its
 * own or its children's, before and after: each side keeps its own content. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 256, ROUNDS = 60 };

static unsigned char data[16 * PAGE], *dense, *sparse;
static int to_child[2], to_parent[2];

static void pass(int *to, int *from)
{
    char c = 'x';

    write(to[1], &c, 1);
    read(from[0], &c, 1);
}

static unsigned sum_of(const unsigned char *p, size_t len)
{
    unsigned s = 0;

    for (size_t i = 0; i < len; i += 64) {
        s = s * 31 + p[i];
    }
    return s;
}

static unsigned sum(void)
{
    return sum_of(data, sizeof(data)) ^ sum_of(dense, PAGES * PAGE) * 3 ^
           sum_of(sparse, PAGES * PAGE) * 7;
}

static void write_all(int value)
{
    memset(data, value, sizeof(data));
    memset(dense, value, PAGES * PAGE);
    for (int i = 0; i < PAGES; i += 5) {
        sparse[i * PAGE] = value;
    }
}

static void write_some(int value)
{
    data[value % 16 * PAGE] += 3;
    dense[value * 7 % PAGES * PAGE] += 5;
    sparse[value * 11 % PAGES * PAGE] += 7;
}

/* Both go on: each writes where the other does and where it does not. */
static void take_turns(int round, int is_child)
{
    int *to = is_child ? to_parent : to_child;
    int *from = is_child ? to_child : to_parent;

    if (is_child) {
        char c;
        read(from[0], &c, 1);
    }
    for (int i = 0; i < 4; i++) {
        write_some(round + i * (is_child ? 2 : 3));
        if (is_child && i == 3) {
            write(to[1], "x", 1);
        } else {
            pass(to, from);
        }
    }
}

static int grandchild(unsigned before)
{
    int status;

    if (fork() == 0) {
        write_all(9);
        _exit(sum() == before);
    }
    wait(&status);
    return status != 0 || sum() != before;
}

/* The child's part; its exit status. */
static int child(int round, unsigned before)
{
    if (sum() != before) {
        return 1;
    }
    switch (round % 6) {
    case 1:
        write_all(round);
        return 0;
    case 3:
        take_turns(round, 1);
        printf("round %d: child %08x\n", round, sum());
        fflush(stdout);
        return 0;
    case 4:
        write_some(round + 50);
        execl("/bin/sh", "sh", "-c", "exit 0", NULL);
        return 3;
    case 5:
        return grandchild(before);
    default:
        return 0;
    }
}

int main(void)
{
    dense = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sparse = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pipe(to_child);
    pipe(to_parent);
    for (int i = 0; i < PAGES * PAGE; i++) {
        dense[i] = i * 13;
    }
    for (int round = 0; round < ROUNDS; round++) {
        unsigned before;
        int status;

        if (round % 6 == 2 || round % 4 == 3) {
            write_some(round);
        }
        before = sum();
        if (fork() == 0) {
            _exit(child(round, before));
        }
        if (round % 6 == 3) {
            take_turns(round, 0);
        }
        wait(&status);
        if (status || (round % 6 != 3 && sum() != before)) {
            printf("round %d: status %x, %s\n", round, status,
                   sum() == before ? "same" : "changed");
        }
        printf("round %d: %08x\n", round, sum());
        fflush(stdout);
    }
    return 0;
}
