/* SPDX-License-Identifier: MIT
 *
 * Faults that are the program's own: behind the end of a mapped file, on
 * no memory, on forbidden memory, on non-canonical addresses; the siginfo
 * of each, and that calls say EFAULT instead.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

static void private_mapping(int fd, const char *what)
{
    volatile char *p;

    title(what);
    ftruncate(fd, 12288);
    pwrite(fd, "first", 5, 0);
    pwrite(fd, "second", 6, 4096);
    pwrite(fd, "third", 5, 8192);
    p = base = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("%c%c%c\n", p[0], p[4096], p[8192]);
    p[1] = p[4097] = 'W';
    ftruncate(fd, 4000);
    TRY((void)p[1]);
    TRY((void)p[4097]);
    TRY((void)p[8192]);
    TRY(p[8192] = 1);
    CALL(write, fd, base + 4096, 10L);
    ftruncate(fd, 12288);
    TRY(p[8192] = 1);
    printf("%c %d %d\n", p[1], p[4097], p[8193]);
    ftruncate(fd, 0);
    TRY((void)p[1]);
    TRY((void)p[8192]);
    munmap(base, 16384);
}

/* Read-only ones lose what a hole takes. */
static void followers(int fd)
{
    volatile char *p;

    title("mappings to be read");
    ftruncate(fd, 12288);
    pwrite(fd, "first", 5, 0);
    pwrite(fd, "second", 6, 4096);
    p = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE, fd, 0);
    printf("%c%c\n", p[0], p[4096]);
    CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096L,
         4096L);
    printf("%c %d\n", p[0], p[4096]);
    munmap((void *)p, 12288);
}

/* A relative's mapping loses its pages, too. */
static void relatives(int fd)
{
    volatile char *p;
    int status, to[2], from[2];
    char c;

    title("a child's mapping");
    fflush(stdout);
    ftruncate(fd, 8192);
    pwrite(fd, "second", 6, 4096);
    p = base = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[4097] = 'W';
    pipe(to);
    pipe(from);
    if (fork() == 0) {
        printf("%c%c\n", p[4096], p[4097]);
        p[4098] = 'C';
        write(from[1], "", 1);
        read(to[0], &c, 1);
        TRY((void)p[4098]);
        TRY((void)p[0]);
        fflush(stdout);
        _exit(0);
    }
    read(from[0], &c, 1);
    ftruncate(fd, 100);
    write(to[1], "", 1);
    wait(&status);
    TRY((void)p[4097]);
    munmap(base, 8192);
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
    private_mapping(fd, "a private mapping");
    private_mapping(memfd_create("m", 0), "of a memfd");
    followers(fd);
    followers(memfd_create("m", 0));
    relatives(fd);
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
