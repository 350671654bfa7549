/* SPDX-License-Identifier: MIT
 *
 * What needs a page at two addresses or with two protections at once: shared
 * mappings at a fixed place or twice, read-only ones beside writable ones,
 * private ones that still show the file, access after munmap.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf back;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    siglongjmp(back, signo * 100 + si->si_code);
}

static int may_write(volatile char *p)
{
    int r = sigsetjmp(back, 1);

    if (!r) {
        *p = *p;
    }
    return r;
}

static void private(int fd)
{
    title("a private page that is not copied yet");
    char *own = mmap(NULL, 4096, RW, MAP_PRIVATE, fd, 0);
    printf("%s ", own);
    pwrite(fd, "F", 1, 0);
    puts(own);
    own[0] = 'o';
    pwrite(fd, "G", 1, 0);
    puts(own);
}

/* A private mapping that only reads goes on following its file when that
 * comes to be mapped shared, and so to lie elsewhere. */
static void follower(int fd)
{
    volatile char *p, *s;

    title("a private mapping before a shared one");
    ftruncate(fd, 12288);
    pwrite(fd, "first", 5, 0);
    pwrite(fd, "second", 6, 4096);
    p = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE, fd, 0);
    printf("%c%c\n", p[0], p[4096]);
    s = mmap(NULL, 12288, RW, MAP_SHARED, fd, 0);
    s[0] = 'S';
    s[4096] = 'T';
    printf("%c%c\n", p[0], p[4096]);
    munmap((void *)s, 12288);
    munmap((void *)p, 12288);
    close(fd);
}

/* So does one that may be written to, but for the pages that were; whoever
 * maps the file, and however long. */
static void follows_unwritten(int fd)
{
    volatile char *p, *s;
    char page[16384];

    title("a private mapping that was written to here and there");
    memset(page, 'a', sizeof(page));
    pwrite(fd, page, sizeof(page), 0);
    p = mmap(NULL, 16384, RW, MAP_PRIVATE, fd, 0);
    p[4096] = 'a'; /* what it was, and its own all the same */
    printf("%c%c%c%c\n", p[0], p[4096], p[8192], p[12288]);
    for (long len = 16384; len <= 65536; len += 49152) {
        ftruncate(fd, len);
        s = mmap(NULL, len, RW, MAP_SHARED, fd, 0);
        s[0] = s[4096] = s[8192] = 'S';
        printf("%c%c%c%c ", p[0], p[4096], p[8192], p[12288]);
        pwrite(fd, "W", 1, 0);
        pwrite(fd, "W", 1, 4096);
        printf("%c%c%c%c\n", p[0], p[4096], p[8192], p[12288]);
        munmap((void *)s, len);
    }
    p[0] = 'o';
    printf("%c %zd%c\n", p[0], pread(fd, page, 1, 0), page[0]);
    munmap((void *)p, 16384);
    close(fd);
}

/* Where a file has no page there is nothing to lock. */
static void behind_the_end(void)
{
    int fd = memfd_create("short", 0);
    char *p;

    title("behind a file's end");
    ftruncate(fd, 5000);
    p = mmap(NULL, 16384, RW, MAP_SHARED, fd, 0);
    CALL(mlock, p, 8192L);
    CALL(mlock, p, 8193L);
    CALL(mlock, p + 8192, 1L);
    ftruncate(fd, 16384);
    CALL(mlock, p, 16384L);
    munmap(p, 16384);
    close(fd);
}

static int regions(const char *p, const char *end)
{
    FILE *f = fopen("/proc/self/maps", "re");
    unsigned long from, to;
    char line[512];
    int n = 0;

    while (fgets(line, sizeof(line), f)) {
        n += sscanf(line, "%lx-%lx", &from, &to) == 2 &&
             from < (unsigned long)end && to > (unsigned long)p;
    }
    fclose(f);
    return n;
}

/* A mapping may be longer than what it maps. */
static void longer(void)
{
    char *p = mmap(NULL, 16384, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *other = mmap(NULL, 16384, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *q;

    title("anonymous, and longer");
    p[0] = 'a';
    other[0] = 'o';
    q = mremap(p, 16384, 32768, MREMAP_MAYMOVE);
    printf("%d %c %d %d %d\n", q != MAP_FAILED, q[0], may_write(q + 12288),
           may_write(q + 16384), may_write(q + 28672));
    q = mremap(q, 0, 65536, MREMAP_MAYMOVE);
    printf("%d %c %d %d\n", q != MAP_FAILED, q[0], may_write(q + 12288),
           may_write(q + 61440));
    title("in pieces");
    mprotect(other, 8192, PROT_READ);
    printf("%d ", regions(other, other + 16384));
    mprotect(other, 8192, RW);
    printf("%d\n", regions(other, other + 16384));
}

/* Guards lie in shared memory since Linux 6.15. */
static void guarded(void)
{
    char *p = mmap(NULL, 8192, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    old = older_than(6, 15);
    p[0] = 'g';
    must("guard", madvise(p, 4096, 102) == 0 && may_write(p) == 1101);
    mprotect(p, 4096, PROT_READ);
    must("the mapping's protection first", may_write(p) == 1102);
    must("no guard", madvise(p, 8192, 103) == 0 && p[0] == 'g');
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    show_start();
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    put("/tmp/f", "file");
    int fd = open("/tmp/f", O_RDWR), rd = open("/tmp/f", O_RDONLY);
    title("shared and fixed");
    char *p = mmap(NULL, 8192, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *q = mmap(p, 4096, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rd, 0);
    printf("there %d\n", q == p);
    if (q != MAP_FAILED) {
        q[0] = 'S';
    }
    cat("/tmp/f");
    printf("%s %d %d\n", ro, may_write(ro), may_write(ro + 4095));
    CALL(mprotect, ro, 4096L, RW);
    title("twice");
    char *s = mmap(NULL, 8192, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(s + 4000, "anonymous");
    char *t = mremap(s, 0, 8192, MREMAP_MAYMOVE);
    printf("%d %s\n", t != s, t == MAP_FAILED ? "" : t + 4000);
    private(fd);
    title("after munmap");
    munmap(ro, 4096);
    munmap(p, 8192);
    printf("%d %d\n", may_write(ro), may_write(p));
    follower(open("/tmp/follow", O_RDWR | O_CREAT, 0600));
    follower(memfd_create("m", 0));
    follows_unwritten(open("/tmp/unwritten", O_RDWR | O_CREAT, 0600));
    follows_unwritten(open("/dev/shm/unwritten", O_RDWR | O_CREAT, 0600));
    follows_unwritten(memfd_create("m", 0));
    behind_the_end();
    longer();
    guarded();
    return 0;
}
