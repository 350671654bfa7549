/* SPDX-License-Identifier: MIT
 *
 * mremap: several mappings moved by one call, which Linux does since 6.17, and
 * the wished-for place of MREMAP_DONTUNMAP.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/guest/newer.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)
#define FIX  (MREMAP_MAYMOVE | MREMAP_FIXED)

enum { PAGE = 4096 };

static char *place(int pages)
{
    char *p = mmap(NULL, (size_t)pages * PAGE, PROT_NONE, ANON, -1, 0);

    munmap(p, (size_t)pages * PAGE);
    return p;
}

static char *fill(char *at, int pages, int prot, char what)
{
    char *p = mmap(at, (size_t)pages * PAGE, RW, ANON | MAP_FIXED, -1, 0);

    memset(p, what, (size_t)pages * PAGE);
    mprotect(p, (size_t)pages * PAGE, prot);
    return p;
}

static int there(char *p)
{
    unsigned char vec;

    return mincore(p, PAGE, &vec) == 0;
}

static long move(char *from, char *to, int pages, int flags)
{
    long n = pages * (long)PAGE;

    return syscall(SYS_mremap, from, n, n, flags, to);
}

static void several(void)
{
    char *p = place(32), *q = p + 16 * PAGE;

    fill(p, 2, RW, 'a');
    fill(p + 2 * PAGE, 2, PROT_READ, 'b');
    fill(p + 6 * PAGE, 2, RW, 'c'); /* behind a hole */
    fill(q + 5 * PAGE, 1, RW, 'x'); /* stays: it is where the hole comes */
    fill(q + 7 * PAGE, 1, RW, 'y');
    must("all move", move(p, q, 8, FIX) == (long)q);
    must("with what they hold",
         q[PAGE] == 'a' && q[3 * PAGE] == 'b' && q[7 * PAGE] == 'c');
    must("nothing stays",
         !there(p) && !there(p + 2 * PAGE) && !there(p + 7 * PAGE));
    must("a hole takes nothing away",
         q[5 * PAGE] == 'x' && !there(q + 4 * PAGE));
}

static void parts(void)
{
    char *p = place(32), *q = p + 16 * PAGE;

    fill(p, 4, RW, 'a');
    fill(p + 4 * PAGE, 4, PROT_READ, 'b');
    must("parts of two", move(p + 2 * PAGE, q, 4, FIX) == (long)q);
    must("the rest stays", p[0] == 'a' && p[7 * PAGE] == 'b' &&
                               !there(p + 3 * PAGE) && !there(p + 4 * PAGE));
    must("moved", q[PAGE] == 'a' && q[2 * PAGE] == 'b');
    must("kept, too", move(p, q + 4 * PAGE, 8, FIX | MREMAP_DONTUNMAP) ==
                          (long)(q + 4 * PAGE));
    must("moved again",
         q[4 * PAGE] == 'a' && q[11 * PAGE] == 'b' && there(p) && p[0] == 0);
}

static void refused(void)
{
    char *p = place(32), *q = p + 16 * PAGE;

    fill(p + PAGE, 1, RW, 'a');
    fill(p + 2 * PAGE, 1, PROT_READ, 'b');
    must("a hole at first", move(p, q, 3, FIX) < 0 && errno == EFAULT);
    must("nothing but holes",
         move(p + 4 * PAGE, q, 3, FIX) < 0 && errno == EFAULT);
    must("another length",
         syscall(SYS_mremap, p + PAGE, 2 * PAGE, 3 * PAGE, FIX, q) < 0 &&
             errno == EFAULT);
    must("without a place", syscall(SYS_mremap, p + PAGE, 2 * PAGE, 3 * PAGE,
                                    MREMAP_MAYMOVE, 0) < 0 &&
                                errno == EFAULT);
    must("on itself",
         move(p + PAGE, p + 2 * PAGE, 2, FIX) < 0 && errno == EINVAL);
    must("nothing moved", p[PAGE] == 'a' && p[2 * PAGE] == 'b');
}

static void kept(void)
{
    const int keep = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    char *p = place(32), *q = p + 16 * PAGE, *r;

    fill(p, 1, RW, 'a');
    must("kept, to the place wished for",
         move(p, q, 1, keep) == (long)q && *q == 'a' && !*p);
    *p = 'b';
    r = (char *)move(p, q, 1, keep);
    must("elsewhere if that is taken", r != q && *r == 'b' && *q == 'a');
    must("not at half a page", move(p, q + 1, 1, keep) < 0 && errno == EINVAL);
    must("not where it is", move(p, p, 1, keep) < 0 && errno == EINVAL);
}

int main(void)
{
    old = older_than(6, 17);
    several();
    parts();
    refused();
    kept();
    return 0;
}
