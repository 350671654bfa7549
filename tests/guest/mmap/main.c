/* SPDX-License-Identifier: MIT
 *
 * mmap and munmap: kinds, contents, protections, hints, huge reservations,
 * refusals.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile sig_atomic_t code;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    code = signo * 100 + si->si_code;
    siglongjmp(back, 1);
}

/* "r", "w", "x": what may be done with the byte; the fault's code if not. */
static void may(const char *what, volatile char *p)
{
    code = 0;
    if (!sigsetjmp(back, 1)) {
        (void)*p;
    }
    printf("%s: read %d", what, code);
    code = 0;
    if (!sigsetjmp(back, 1)) {
        *p = (char)0xc3;
    }
    printf(" write %d", code);
    code = 0;
    if (!sigsetjmp(back, 1)) {
        ((void (*)(void))(uintptr_t)p)();
    }
    printf(" execute %d\n", code);
}

static void protections(void)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_WRITE,
                                PROT_READ | PROT_WRITE,
                                PROT_READ | PROT_WRITE | PROT_EXEC};
    char text[20];

    title("protections");
    for (unsigned i = 0; i < COUNT(prots); i++) {
        char *p = mmap(NULL, 4096, prots[i], ANON, -1, 0);

        sprintf(text, "prot %d", prots[i]);
        may(text, p);
        munmap(p, 4096);
        may("unmapped", p);
    }
}

static void kinds(void)
{
    title("kinds");
    char *p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, ANON, -1, 0);
    printf("aligned %d zero %d %d\n", (uintptr_t)p % 4096 == 0, p[0], p[12287]);
    CALL(munmap, p, 10000L);
    may("the last page", p + 12287);
    p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, ANON, -1, 0);
    CALL(munmap, p + 4096, 1L);
    may("before", p);
    may("hole", p + 4096);
    may("after", p + 8192);
    CALL(munmap, p, 3L * 4096);
    CALL(munmap, p, 3L * 4096);
    DOES(mmap, NULL, 1L << 44, PROT_NONE, ANON | MAP_NORESERVE, -1, 0L);
    p = mmap(NULL, 1l << 42, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE, -1,
             0);
    p[1l << 41] = 1;
    printf("%d %d\n", p[1l << 41], p[(1l << 42) - 1]);
    munmap(p, 1l << 42);
    p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, ANON | MAP_POPULATE, -1, 0);
    unsigned char vec[256], resident = 1;
    mincore(p, 1 << 20, vec);
    for (int i = 0; i < 256; i++) {
        resident &= vec[i];
    }
    printf("populated %d\n", resident);
    munmap(p, 1 << 20);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON | MAP_STACK | MAP_GROWSDOWN, -1,
         0L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON | MAP_NONBLOCK | MAP_DENYWRITE, -1,
         0L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON | 0x10000000, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON, -1, 8192L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON, 0, 0L);
}

static void hints(void)
{
    char *p = mmap(NULL, 1 << 20, PROT_READ, ANON, -1, 0);

    title("hints");
    munmap(p, 1 << 20);
    printf("free hint %d\n",
           mmap(p + 4096, 4096, PROT_READ, ANON, -1, 0) == p + 4096);
    printf("odd hint %d\n",
           mmap(p + 8192 + 5, 4096, PROT_READ, ANON, -1, 0) == p + 8192 ||
               mmap(p + 8192 + 5, 4096, PROT_READ, ANON, -1, 0) == p + 12288);
    printf("taken hint %d\n",
           mmap(p + 4096, 4096, PROT_READ, ANON, -1, 0) != p + 4096);
    p = mmap((void *)0x400000, 4096, PROT_READ, ANON, -1, 0);
    printf("low hint %d\n", p == (void *)0x400000);
    p = mmap((void *)0xc000000000, 4096, PROT_READ, ANON, -1, 0);
    printf("high hint %d\n", p == (void *)0xc000000000);
    p = mmap(NULL, 4096, PROT_READ, ANON | MAP_32BIT, -1, 0);
    printf("below 2 GiB %d\n", (uintptr_t)p < 1ul << 31);
}

static void refusals(void)
{
    int rd = open("/tmp/f", O_CREAT | O_RDONLY, 0600);
    int wr = open("/tmp/f", O_WRONLY), p[2];

    title("refusals");
    pipe(p);
    DOES(mmap, NULL, 0L, PROT_READ, ANON, -1, 0L);
    DOES(mmap, NULL, -1L, PROT_READ, ANON, -1, 0L);
    DOES(mmap, NULL, 1L << 47, PROT_READ, ANON, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, 0, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_ANONYMOUS, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, ANON, -1, 1L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, -1, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, 99, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, p[0], 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, wr, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, rd, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE, rd, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, rd, 100L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, rd, -4096L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, open("/tmp", O_RDONLY), 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, rd, 0L);
    DOES(mmap, NULL, 4096L, PROT_READ, MAP_SHARED_VALIDATE, rd, 0L);
    DOES(mmap, NULL, 4096L, 0x100, ANON, -1, 0L);
    CALL(munmap, NULL, 0L);
    CALL(munmap, 4096L, 0L);
    CALL(munmap, 1L, 4096L);
    CALL(munmap, 4096L, -1L);
    CALL(munmap, 1L << 47, 4096L);
    CALL(munmap, 65536L, 4096L);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    show_start();
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    protections();
    kinds();
    hints();
    refusals();
    return 0;
}
