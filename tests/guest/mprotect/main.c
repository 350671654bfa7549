/* SPDX-License-Identifier: MIT
 *
 * mprotect: parts of mappings, what the pages allow afterwards, holes in
 * the range, files opened to read, refusals.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

static sigjmp_buf back;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    siglongjmp(back, si->si_code);
}

static void look(char *p, int pages)
{
    for (int i = 0; i < pages; i++) {
        volatile char *at = p + i * 4096;
        int r = sigsetjmp(back, 1), w;

        if (!r) {
            (void)*at;
        }
        w = sigsetjmp(back, 1);
        if (!w) {
            *at = *at;
        }
        printf("%d%d ", r, w);
    }
    printf("\n");
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    show_start();
    sigaction(SIGSEGV, &sa, NULL);
    char *p = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 'x', 6 * 4096);
    look(p, 6);
    CALL(mprotect, p + 4096, 8192L, PROT_READ);
    CALL(mprotect, p + 4 * 4096, 1L, PROT_NONE);
    look(p, 6);
    CALL(mprotect, p, 6L * 4096, PROT_READ | PROT_WRITE);
    look(p, 6);
    printf("%c %c\n", p[4096], p[4 * 4096]);
    title("holes");
    munmap(p + 3 * 4096, 4096);
    CALL(mprotect, p, 6L * 4096, PROT_READ);
    look(p, 6);
    CALL(mprotect, p, 3L * 4096, PROT_READ | PROT_WRITE);
    CALL(mprotect, p + 3 * 4096, 4096L, PROT_READ);
    title("refusals");
    CALL(mprotect, p + 1, 4096L, PROT_READ);
    CALL(mprotect, p, 0L, PROT_NONE);
    CALL(mprotect, p, -1L, PROT_READ);
    CALL(mprotect, p, 4096L, 0x100);
    CALL(mprotect, p, 4096L, PROT_GROWSDOWN | PROT_GROWSUP);
    CALL(mprotect, p, 4096L, PROT_READ | PROT_GROWSUP);
    CALL(mprotect, 1L << 47, 4096L, PROT_READ);
    CALL(mprotect, NULL, 4096L, PROT_READ);
    title("files");
    put("/tmp/f", "text");
    put("/tmp/ro", "text");
    int rd = open("/tmp/ro", O_RDONLY), rw = open("/tmp/f", O_RDWR);
    char *a = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rd, 0);
    char *b = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, rw, 0);
    char *c = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rw, 0);
    CALL(mprotect, a, 4096L, PROT_READ | PROT_WRITE);
    CALL(mprotect, b, 4096L, PROT_READ | PROT_WRITE);
    CALL(mprotect, c, 4096L, PROT_READ | PROT_WRITE);
    b[0] = 'B';
    c[1] = 'C';
    cat("/tmp/f");
    CALL(mprotect, b, 4096L, PROT_NONE);
    CALL(mprotect, b, 4096L, PROT_READ);
    printf("%.4s\n", b);
    title("code");
    static const unsigned char ret42[] = {0xb8, 42, 0, 0, 0, 0xc3};
    memcpy(p, ret42, sizeof(ret42));
    CALL(mprotect, p, 4096L, PROT_READ | PROT_EXEC);
    printf("%d\n", ((int (*)(void))(uintptr_t)p)());
    CALL(mprotect, p, 4096L, PROT_READ | PROT_WRITE);
    p[1] = 43;
    CALL(mprotect, p, 4096L, PROT_READ | PROT_EXEC);
    printf("%d\n", ((int (*)(void))(uintptr_t)p)());
    title("stack");
    unsigned char on_stack[sizeof(ret42)];
    char *page = (char *)((uintptr_t)on_stack & ~4095ul);
    const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;
    memcpy(on_stack, ret42, sizeof(ret42));
    CALL(mprotect, p, 4096L, PROT_READ | PROT_GROWSDOWN);
    CALL(mprotect, page, 4096L, rwx | PROT_GROWSDOWN);
    __asm__ volatile("" : : "r"(on_stack) : "memory");
    printf("%d\n", ((int (*)(void))(uintptr_t)on_stack)());
    return 0;
}
