/* SPDX-License-Identifier: MIT
 *
 * Faults that are the program's own: behind the end of a mapped file, on
 * no memory, on forbidden memory, on non-canonical addresses; the siginfo
 * of each, and that calls say EFAULT instead.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "tests/guest/show.h"

static sigjmp_buf back;
static char *base;
static int in_code;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    printf("signal %d code %d", signo, si->si_code);
    if (in_code) {
        printf(" at its instruction %d",
               si->si_addr ==
                   (void *)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP]);
    } else if (base) {
        printf(" at %ld", (long)((char *)si->si_addr - base));
    } else {
        printf(" at %lx", (long)si->si_addr);
    }
    printf("\n");
    siglongjmp(back, 1);
}

#define TRY(what)                                                              \
    printf("%s: ", #what);                                                     \
    if (!sigsetjmp(back, 1)) {                                                 \
        what;                                                                  \
        puts("fine");                                                          \
    }

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    volatile char *p;
    volatile uintptr_t low = 16;
    volatile int zero = 0, sink = 0;

    show_start();
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    put("/tmp/f", "0123456789");
    int fd = open("/tmp/f", O_RDWR);
    p = base = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    title("a file's mapping");
    TRY((void)p[4095]);
    TRY((void)p[4096]);
    TRY(p[8195] = 1);
    ftruncate(fd, 8192);
    TRY(p[8191] = 1);
    ftruncate(fd, 0);
    TRY((void)p[5]);
    TRY((void)p[4100]);
    int null = open("/dev/null", O_WRONLY), zeros = open("/dev/zero", O_RDONLY);
    int other = open("/tmp/g", O_CREAT | O_RDWR, 0600);
    CALL(write, other, base, 10L);
    CALL(read, zeros, base, 10L);
    CALL(write, null, base, 10L);
    ftruncate(fd, 10);
    CALL(write, other, base, 10L);
    munmap(base, 12288);
    title("memory");
    p = base = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY((void)p[7]);
    TRY(p[7] = 1);
    TRY(((void (*)(void))(uintptr_t)p)());
    base = NULL;
    TRY(*(volatile char *)low = 1);
    TRY((void)*(volatile char *)(1ul << 63));
    TRY((void)*(volatile char *)0xffffffff80000000);
    TRY(((void (*)(void))16)());
    title("others");
    in_code = 1;
    TRY(sink = 10 / zero);
    TRY(__asm__ volatile("ud2"));
    TRY(__asm__ volatile("int3"));
    TRY(__asm__ volatile("hlt"));
    TRY(__asm__ volatile("int $0x20"));
    TRY(__asm__ volatile("cli"));
    return sink;
}
