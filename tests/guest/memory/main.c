/* SPDX-License-Identifier: MIT
 *
 * Mappings of one process: anonymous and file, fixed and hinted, protection,
 * partial unmaps, huge reservations, brk, stack growth, mremap, madvise.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

enum { PAGE = 4096 };

static sigjmp_buf back;

static void on_fault(int signo)
{
    siglongjmp(back, signo);
}

/* 0: fine; else the signal that the access raised. */
static int try_read(volatile char *p)
{
    int signo = sigsetjmp(back, 1);

    if (!signo) {
        (void)*p;
    }
    return signo;
}

static int try_write(volatile char *p)
{
    int signo = sigsetjmp(back, 1);

    if (!signo) {
        *p = 1;
    }
    return signo;
}

static void anonymous(void)
{
    char *p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
    int zero = 1;

    for (int i = 0; i < 16 * PAGE; i++) {
        zero &= p[i] == 0;
    }
    printf("zeroed %d\n", zero);
    memset(p, 7, 16 * PAGE);
    munmap(p + 4 * PAGE, 4 * PAGE);
    printf("hole %d", try_read(p + 5 * PAGE));
    printf(" left %d", try_read(p + 3 * PAGE));
    printf(" right %d\n", try_read(p + 9 * PAGE));
    mprotect(p, 2 * PAGE, PROT_READ);
    printf("read-only: read %d", try_read(p));
    printf(" write %d value %d\n", try_write(p), p[0]);
    mprotect(p, 2 * PAGE, PROT_NONE);
    printf("none: read %d\n", try_read(p));
    mprotect(p, 2 * PAGE, RW);
    printf("back: write %d", try_write(p));
    printf(" kept %d\n", p[1]);
    printf("mprotect hole %d", mprotect(p, 16 * PAGE, RW));
    printf(" %d\n", errno);
    madvise(p, PAGE, MADV_DONTNEED);
    printf("dontneed %d\n", p[1]);
    munmap(p, 16 * PAGE);
    p = mmap(NULL, 1ul << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    printf("terabyte %d\n", p != MAP_FAILED);
    printf("part usable %d", mprotect(p + (1ul << 39), PAGE, RW));
    printf(" %d\n", try_write(p + (1ul << 39)));
    munmap(p, 1ul << 40);
}

static void placed(void)
{
    char *p = mmap((void *)0x10000000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    char *q;

    printf("fixed %p\n", (void *)p);
    q = mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    printf("noreplace %d %d\n", q == MAP_FAILED, errno);
    q = mmap((void *)0xc000000000, 64 << 20, PROT_NONE, ANON, -1, 0);
    printf("hint %p\n", (void *)q);
    q = mmap(p, PAGE, RW, ANON, -1, 0);
    printf("taken hint elsewhere %d\n", q != p && q != MAP_FAILED);
    q = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    printf("32bit %d\n", (unsigned long)q < 1ul << 31);
    printf("zero length %d", mmap(NULL, 0, RW, ANON, -1, 0) == MAP_FAILED);
    printf(" %d\n", errno);
    printf("unaligned fixed %d", mmap((void *)0x10000001, PAGE, RW,
                                      ANON | MAP_FIXED, -1, 0) == MAP_FAILED);
    printf(" %d\n", errno);
    printf("unaligned munmap %d", munmap(p + 1, PAGE));
    printf(" %d\n", errno);
}

static void files(void)
{
    int fd = open("/tmp/map", O_RDWR | O_CREAT, 0600);
    char buf[3 * PAGE], *p;

    for (int i = 0; i < (int)sizeof(buf); i++) {
        buf[i] = (char)(i / 7);
    }
    printf("write %zd\n", write(fd, buf, 2 * PAGE + 100));
    p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    printf("content %d tail %d\n", memcmp(p, buf, 2 * PAGE + 100),
           p[2 * PAGE + 100]);
    printf("past the end %d\n", try_read(p + 3 * PAGE) == SIGBUS);
    p[0] = 99;
    pread(fd, buf, 1, 0);
    printf("private %d\n", buf[0]);
    munmap(p, 4 * PAGE);
    p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    printf("offset %d\n", p[0] == (char)(PAGE / 7));
    munmap(p, PAGE);
    printf("bad offset %d",
           mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 5) == MAP_FAILED);
    printf(" %d\n", errno);
    close(fd);
    printf("bad fd %d",
           mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    printf(" %d\n", errno);
}

static void remaps(void)
{
    char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *q;

    for (int i = 0; i < 4; i++) {
        p[i * PAGE] = (char)(i + 1);
    }
    q = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    printf("grown %d%d%d%d new %d\n", q[0], q[PAGE], q[2 * PAGE], q[3 * PAGE],
           q[10 * PAGE]);
    q = mremap(q, 64 * PAGE, 2 * PAGE, 0);
    printf("shrunk %d%d beyond %d\n", q[0], q[PAGE],
           try_read(q + 2 * PAGE) == SIGSEGV);
    munmap(q, 2 * PAGE);
}

static int deep(int n)
{
    volatile char big[8192];

    big[0] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + (big[0] == (char)n);
}

int main(void)
{
    char *brk0 = sbrk(0);
    stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

    setvbuf(stdout, NULL, _IONBF, 0);
    sigaltstack(&ss, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    anonymous();
    placed();
    files();
    remaps();
    printf("brk %d\n", brk(brk0 + (1 << 20)));
    memset(brk0, 3, 1 << 20);
    printf("brk back %d\n", brk(brk0));
    printf("stack depth %d\n", deep(500));
    return 0;
}
