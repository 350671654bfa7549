/* SPDX-License-Identifier: MIT
 *
 * Memory is not there before its first touch, and is afterwards: as mincore(2),
 * pagemap, smaps and VmRSS have it; of private and shared memory, of a file
 * with holes, after mlock(2), MAP_POPULATE and MADV_POPULATE_*, in a child.
 * An enclave brings in more than is touched; target linux asks its host, which
 * must know PAGEMAP_SCAN (Linux 6.7).
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define PAGE 4096L
#define RW   (PROT_READ | PROT_WRITE)

enum { PAGES = 16 };

/* A digit for each page: 1 there, 0 not. */
static const char *incore(char *p)
{
    static char text[PAGES + 1];
    unsigned char vec[PAGES] = {0};

    RAW(mincore, p, PAGES * PAGE, vec);
    for (int i = 0; i < PAGES; i++) {
        text[i] = (char)('0' + (vec[i] & 1));
    }
    return text;
}

static const char *pagemap(char *p)
{
    static char text[PAGES + 1];
    unsigned long words[PAGES] = {0};
    int fd = open("/proc/self/pagemap", O_RDONLY);

    pread(fd, words, sizeof(words), (long)p / PAGE * 8);
    close(fd);
    for (int i = 0; i < PAGES; i++) {
        text[i] = (char)('0' + (words[i] >> 63));
    }
    return text;
}

static void is(const char *what, const char *got, const char *want)
{
    must(what, strcmp(got, want) == 0);
    if (!old && strcmp(got, want)) {
        printf("  %s, not %s\n", got, want);
    }
}

/* kB behind a name in smaps of the mapping at p (NULL: in status). */
static long number(const char *file, const char *name, const void *p)
{
    char line[300], start[40];
    FILE *f = fopen(file, "r");
    int at = !p;
    long n = -1;

    snprintf(start, sizeof(start), "%lx-", (long)p);
    while (f && n < 0 && fgets(line, sizeof(line), f)) {
        at |= p && strncmp(line, start, strlen(start)) == 0;
        if (at && strncmp(line, name, strlen(name)) == 0) {
            n = atol(line + strlen(name));
        }
    }
    fclose(f);
    return n;
}

static char *fresh(int flags, int fd)
{
    /* Alone in its 2 MiB: no huge page comes. */
    char *p = mmap(NULL, PAGES * PAGE, RW, flags, fd, 0);

    madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
    return p;
}

static void touches(const char *what, int flags, int fd)
{
    char *p = fresh(flags, fd);

    title(what);
    is("nothing", incore(p), "0000000000000000");
    is("no frames", pagemap(p), "0000000000000000");
    p[3 * PAGE] = p[9 * PAGE] = 1;
    is("two", incore(p), "0001000001000000");
    is("two frames", pagemap(p), "0001000001000000");
    must("8 kB", number("/proc/self/smaps", "Rss:", p) == 8);
    madvise(p, 4 * PAGE, MADV_POPULATE_WRITE);
    is("populated", incore(p), "1111000001000000");
    mlock(p + 12 * PAGE, 2 * PAGE);
    is("locked", incore(p), "1111000001001100");
    syscall(SYS_mlock2, p + 10 * PAGE, PAGE, MLOCK_ONFAULT);
    is("to be locked", incore(p), "1111000001001100");
    munmap(p, PAGES * PAGE);
}

static void gone(void)
{
    const long many = 1 << 20; /* little is cleared, and stays */
    char *p = mmap(NULL, (size_t)many, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("given up");
    madvise(p, (size_t)many, MADV_NOHUGEPAGE);
    memset(p, 1, (size_t)many);
    is("all", incore(p), "1111111111111111");
    madvise(p, (size_t)many, MADV_DONTNEED);
    is("none", incore(p), "0000000000000000");
    munmap(p, (size_t)many);
    p = fresh(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
    is("MAP_POPULATE", incore(p), "1111111111111111");
    munmap(p, PAGES * PAGE);
}

/* What a child touches of shared memory is there for its parent. */
static void shared_with_child(void)
{
    char *p = fresh(MAP_SHARED | MAP_ANONYMOUS, -1);
    pid_t pid;

    title("child");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        p[5 * PAGE] = 1;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    is("its page", incore(p), "0000010000000000");
}

static void size(void)
{
    const long big = 256 << 20;
    long before = number("/proc/self/status", "VmRSS:", NULL), after;
    char *p = mmap(NULL, (size_t)big, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("VmRSS");
    after = number("/proc/self/status", "VmRSS:", NULL);
    must("little more", after - before < 1024);
    memset(p, 1, 16 << 20);
    before = after;
    after = number("/proc/self/status", "VmRSS:", NULL);
    must("16 MiB more", after - before > 15 << 10 && after - before < 24 << 10);
}

int main(void)
{
    int fd;

    show_start();
    old = older_than(6, 7);
    touches("private", MAP_PRIVATE | MAP_ANONYMOUS, -1);
    touches("shared", MAP_SHARED | MAP_ANONYMOUS, -1);
    fd = memfd_create("f", 0);
    ftruncate(fd, PAGES * PAGE);
    touches("file", MAP_SHARED, fd);
    gone();
    shared_with_child();
    size();
    return 0;
}
