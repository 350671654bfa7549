/* SPDX-License-Identifier: MIT
 *
 * The system calls of memory without libc in between: what each one refuses,
 * what it leaves behind when it fails half-way, and the accounts that
 * programs can see.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RW       (PROT_READ | PROT_WRITE)
#define ANON     (MAP_PRIVATE | MAP_ANONYMOUS)
#define HUGE_LEN (~0ul - 4095)

enum { PAGE = 4096 };

static void *const BAD = (void *)16;

/* The error, or 0; results that are addresses are not printed. */
#define SHOW(call, ...)                                                        \
    do {                                                                       \
        errno = 0;                                                             \
        long r_ = syscall(SYS_##call, __VA_ARGS__);                            \
        printf("%s(%s) = %s %d\n", #call, #__VA_ARGS__,                        \
               r_ == -1 ? "-1" : "ok", errno);                                 \
    } while (0)

/* Pages with nothing near them. */
static char *fresh(size_t pages)
{
    static unsigned long next = 0x100000000000;
    char *p = mmap((void *)next, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);

    next += 64 << 20;
    return p;
}

static void maps(void)
{
    char *p = fresh(4);
    int fd = open("/proc/self/exe", O_RDONLY), dir = open("/", O_RDONLY);
    int path = open("/", O_PATH);

    SHOW(mmap, 0, 0, RW, ANON, -1, 0);
    SHOW(mmap, 0, HUGE_LEN, RW, ANON, -1, 0);
    SHOW(mmap, 0, ~0ul, RW, ANON, -1, 0);
    SHOW(mmap, 0, 1ul << 47, RW, ANON, -1, 0);
    SHOW(mmap, 0, PAGE, RW, MAP_ANONYMOUS, -1, 0);
    SHOW(mmap, 0, PAGE, RW, ANON, -1, 5);
    SHOW(mmap, 0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, 999, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 123);
    SHOW(mmap, 0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, HUGE_LEN);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_ANONYMOUS, fd, 0);
    SHOW(mmap, 0, PAGE, RW, MAP_PRIVATE, fd, 0);
    SHOW(mmap, 0, PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0);
    SHOW(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, path, 0);
    SHOW(mmap, p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    SHOW(mmap, p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    SHOW(mmap, ~0ul - 8191, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    SHOW(mmap, ~0ul - 8191, PAGE, RW, ANON, -1, 0);
    SHOW(munmap, p + 1, PAGE);
    SHOW(munmap, p, 0);
    SHOW(munmap, p, HUGE_LEN);
    SHOW(munmap, ~0ul - 8191, PAGE);
    SHOW(munmap, p - PAGE, PAGE);
    SHOW(munmap, p, 4 * PAGE);
    SHOW(munmap, p, 4 * PAGE);
    close(fd);
    close(dir);
    close(path);
}

static void protections(void)
{
    char *p = fresh(4);
    int fd = open("/proc/self/exe", O_RDONLY);
    char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

    SHOW(mprotect, p + 1, PAGE, RW);
    SHOW(mprotect, p, 0, RW);
    SHOW(mprotect, p, PAGE, 0x40);
    SHOW(mprotect, p, PAGE, RW | PROT_GROWSUP | PROT_GROWSDOWN);
    SHOW(mprotect, p, PAGE, RW | PROT_GROWSDOWN);
    SHOW(mprotect, p, PAGE, RW | PROT_GROWSUP);
    SHOW(mprotect, p, HUGE_LEN, RW);
    SHOW(mprotect, p, 5 * PAGE, RW);
    SHOW(mprotect, p - PAGE, PAGE, RW);
    SHOW(mprotect, p, 4 * PAGE, PROT_NONE);
    SHOW(mprotect, p, 100, RW);
    p[PAGE - 1] = 1;
    SHOW(mprotect, shared, PAGE, RW);
    SHOW(mprotect, shared, PAGE, PROT_NONE);
    SHOW(pkey_mprotect, p, PAGE, RW, -1);
    SHOW(pkey_mprotect, p, PAGE, RW, 99);
    SHOW(pkey_alloc, 1, 0);
    SHOW(pkey_alloc, 0, 4);
    SHOW(pkey_free, 99);
    munmap(p, 4 * PAGE);
    close(fd);
}

static void remaps(void)
{
    char *p = fresh(4), *q = fresh(4);

    SHOW(mremap, p, PAGE, PAGE, 8, 0);
    SHOW(mremap, p, PAGE, PAGE, MREMAP_FIXED, q);
    SHOW(mremap, p + 1, PAGE, PAGE, 0, 0);
    SHOW(mremap, p, PAGE, 0, 0, 0);
    SHOW(mremap, p, 0, PAGE, MREMAP_MAYMOVE, 0);
    SHOW(mremap, p, 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, 0);
    SHOW(mremap, p - PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0);
    SHOW(mremap, p, 2 * PAGE, 3 * PAGE, 0, 0);
    SHOW(mremap, p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1);
    SHOW(mremap, p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
         p + PAGE);
    strcpy(p, "moved");
    SHOW(mremap, p, 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
    printf("%s\n", q);
    SHOW(mremap, q, 3 * PAGE, 3 * PAGE, 0, 0);
    SHOW(mremap, q, 3 * PAGE, PAGE, 0, 0);
    SHOW(mremap, q, 2 * PAGE, PAGE, 0, 0);
    munmap(q, 4 * PAGE);
}

static void advice(void)
{
    static const int all[] = {
        MADV_NORMAL,   MADV_RANDOM,        MADV_SEQUENTIAL,     MADV_WILLNEED,
        MADV_DONTNEED, MADV_FREE,          MADV_REMOVE,         MADV_DONTFORK,
        MADV_DOFORK,   MADV_HUGEPAGE,      MADV_NOHUGEPAGE,     MADV_DONTDUMP,
        MADV_DODUMP,   MADV_WIPEONFORK,    MADV_KEEPONFORK,     MADV_COLD,
        MADV_PAGEOUT,  MADV_POPULATE_READ, MADV_POPULATE_WRITE,
    };
    char *p = fresh(4);
    char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/exe", O_RDONLY);
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int a = all[i];
        printf("%d: ", a);
        SHOW(madvise, p, PAGE, a);
        SHOW(madvise, p, 5 * PAGE, a);
    }
    SHOW(madvise, p, PAGE, 5);
    SHOW(madvise, p, PAGE, 7777);
    SHOW(madvise, p + 1, PAGE, MADV_NORMAL);
    SHOW(madvise, p, 0, MADV_DONTNEED);
    SHOW(madvise, p, HUGE_LEN, MADV_DONTNEED);
    SHOW(madvise, p, ~0ul, MADV_DONTNEED);
    SHOW(madvise, file, PAGE, MADV_FREE);
    SHOW(madvise, file, PAGE, MADV_WIPEONFORK);
    SHOW(madvise, file, PAGE, MADV_POPULATE_WRITE);
    SHOW(madvise, file, PAGE, MADV_DONTNEED);
    SHOW(madvise, shared, PAGE, MADV_WIPEONFORK);
    strcpy(shared, "stays");
    SHOW(madvise, shared, PAGE, MADV_DONTNEED);
    printf("%s\n", shared);
    SHOW(madvise, shared, PAGE, MADV_REMOVE);
    printf("%d\n", shared[0]);
    memset(p, 1, 4 * PAGE);
    SHOW(madvise, p + PAGE, 2 * PAGE, MADV_DONTNEED);
    printf("%d %d %d %d\n", p[0], p[PAGE], p[3 * PAGE - 1], p[3 * PAGE]);
    munmap(p, 4 * PAGE);
    close(fd);
}

static void locks(void)
{
    char *p = fresh(4);
    unsigned char vec[4] = {9, 9, 9, 9};

    SHOW(mlock, p, PAGE);
    SHOW(mlock, p, 5 * PAGE);
    SHOW(mlock, p + 1, 1);
    SHOW(mlock, p, HUGE_LEN);
    SHOW(mlock2, p, PAGE, 1);
    SHOW(mlock2, p, PAGE, 2);
    SHOW(madvise, p, PAGE, MADV_DONTNEED);
    SHOW(msync, p, PAGE, MS_INVALIDATE);
    SHOW(munlock, p, 5 * PAGE);
    SHOW(munlock, p, 4 * PAGE);
    SHOW(mlockall, 0);
    SHOW(mlockall, 8);
    SHOW(mlockall, MCL_ONFAULT);
    SHOW(munlockall, 0);
    SHOW(msync, p, PAGE, MS_SYNC);
    SHOW(msync, p, PAGE, 0);
    SHOW(msync, p, PAGE, 8);
    SHOW(msync, p, PAGE, MS_SYNC | MS_ASYNC);
    SHOW(msync, p + 1, PAGE, MS_SYNC);
    SHOW(msync, p, 5 * PAGE, MS_ASYNC);
    SHOW(msync, p, HUGE_LEN, MS_ASYNC);
    memset(p, 1, 4 * PAGE);
    SHOW(mincore, p, 4 * PAGE, vec);
    printf("%d%d%d%d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
    SHOW(mincore, p + 1, PAGE, vec);
    SHOW(mincore, p, 5 * PAGE, vec);
    SHOW(mincore, p, PAGE, BAD);
    SHOW(mincore, p, 0, vec);
    SHOW(mincore, p, HUGE_LEN, vec);
    munmap(p, 4 * PAGE);
}

static void limits(void)
{
    struct rlimit lim, tight;
    char *brk = sbrk(0), *p = fresh(1);

    getrlimit(RLIMIT_AS, &lim);
    tight = (struct rlimit){64 << 20, lim.rlim_max};
    setrlimit(RLIMIT_AS, &tight);
    SHOW(mmap, 0, 256 << 20, RW, ANON, -1, 0);
    SHOW(mremap, p, PAGE, 256 << 20, MREMAP_MAYMOVE, 0);
    printf("brk %d\n", syscall(SYS_brk, brk + (256 << 20)) == (long)brk);
    setrlimit(RLIMIT_AS, &lim);
    getrlimit(RLIMIT_DATA, &lim);
    tight = (struct rlimit){1 << 20, lim.rlim_max};
    setrlimit(RLIMIT_DATA, &tight);
    printf("brk %d\n", syscall(SYS_brk, brk + (16 << 20)) == (long)brk);
    setrlimit(RLIMIT_DATA, &lim);
    printf("brk %d\n", syscall(SYS_brk, 0) == (long)brk);
    printf("brk %d\n", syscall(SYS_brk, 4096) == (long)brk);
    printf("brk %d\n", syscall(SYS_brk, ~0ul) == (long)brk);
    munmap(p, PAGE);
}

int main(void)
{
    setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16);
    maps();
    protections();
    remaps();
    advice();
    locks();
    limits();
    return 0;
}
