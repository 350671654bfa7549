/* SPDX-License-Identifier: MIT
 *
 * mseal: what may still be done with a sealed mapping, and what not; its
 * errors. Linux has it since 6.10; on an older one the calls are only made.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

enum { PAGE = 4096 };

/* The call's error must be err, 0: none. */
#define MUST(err, name, ...)                                                   \
    do {                                                                       \
        long r_ = RAW(name, __VA_ARGS__);                                      \
        int got_ = r_ == -1 ? errno : 0;                                       \
        printf("%s(%s)%s\n", #name, #__VA_ARGS__,                              \
               old || got_ == (err) ? "" : strerrorname_np(got_));             \
    } while (0)

static char *pages(int n, int prot)
{
    return mmap(NULL, n * PAGE, prot, ANON, -1, 0);
}

static void sealed(void)
{
    char *p = pages(8, RW), *q = pages(8, RW), *ro = pages(1, PROT_READ);
    char *other = pages(1, RW);

    MUST(0, mseal, p + 2 * PAGE, (long)PAGE, 0L);
    MUST(0, mseal, p + 2 * PAGE, (long)PAGE, 0L);
    MUST(0, mseal, ro, (long)PAGE, 0L);
    MUST(EPERM, mprotect, p, 8L * PAGE, (long)PROT_READ);
    MUST(EPERM, munmap, p, 8L * PAGE);
    MUST(EPERM, mremap, p + 2 * PAGE, (long)PAGE, 2L * PAGE, 1L);
    MUST(EPERM, mremap, p, 8L * PAGE, 2L * PAGE, 3L, q);
    MUST(EPERM, mremap, other, (long)PAGE, (long)PAGE, 3L, p + 2 * PAGE);
    MUST(EPERM, mmap, p, 8L * PAGE, (long)PROT_READ, ANON | MAP_FIXED, -1L, 0L);
    MUST(0, madvise, p + 2 * PAGE, (long)PAGE, (long)MADV_DONTNEED);
    MUST(EPERM, madvise, ro, (long)PAGE, (long)MADV_DONTNEED);
    MUST(0, madvise, ro, (long)PAGE, (long)MADV_WILLNEED);
    MUST(0, mlock, p, 8L * PAGE);
    MUST(0, munlock, p, 8L * PAGE);
    MUST(0, munmap, p + 3 * PAGE, 5L * PAGE);
    p[2 * PAGE] = 'x';
    if (!fork()) {
        MUST(EPERM, munmap, p + 2 * PAGE, (long)PAGE);
        _exit(0);
    }
    wait(NULL);
}

static void errors(void)
{
    char *p = pages(8, RW);

    munmap(p + 2 * PAGE, PAGE);
    MUST(EINVAL, mseal, p, (long)PAGE, 1L);
    MUST(EINVAL, mseal, p + 1, (long)PAGE, 0L);
    MUST(EINVAL, mseal, p, -1L, 0L);
    MUST(ENOMEM, mseal, p, 8L * PAGE, 0L);
    MUST(ENOMEM, mseal, p + 2 * PAGE, (long)PAGE, 0L);
    MUST(0, mseal, p, 0L, 0L);
    MUST(0, munmap, p, (long)PAGE); /* nothing of it was sealed */
}

int main(void)
{
    show_start();
    old = older_than(6, 10);
    sealed();
    errors();
    return 0;
}
