/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2), write protection: who writes to a protected page waits until
 * it is protected no more, the kernel's own copies included; pages that come
 * protected, mprotect over it, a child, pages given up and moved, the end of
 * it, refusals.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

enum { PAGES = 16, WP = UFFDIO_REGISTER_MODE_WP };

static char *p;
static int fd;
static int served; /* atomic */

static long protect(char *at, int pages, unsigned long mode)
{
    struct uffdio_writeprotect w = {
        .range = {(unsigned long)at, (unsigned long)pages * PAGE},
        .mode = mode};

    errno = 0;
    return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

static long registers(char *at, int pages, unsigned long mode)
{
    struct uffdio_register r = {
        .range = {(unsigned long)at, (unsigned long)pages * PAGE},
        .mode = mode};
    long err = (errno = 0, ioctl(fd, UFFDIO_REGISTER, &r));

    if (!err) {
        printf("  can protect %d\n",
               (int)(r.ioctls >> _UFFDIO_WRITEPROTECT & 1));
    }
    return err;
}

static int new_fd(unsigned long features, int flags)
{
    int n = (int)RAW(userfaultfd, O_CLOEXEC | flags);
    struct uffdio_api api = {
        .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | features};

    if (n < 0 || ioctl(n, UFFDIO_API, &api)) {
        printf("no descriptor: %d\n", errno);
    }
    return n;
}

static char *new_pages(int flags)
{
    char *at = mmap(NULL, PAGES * PAGE, RW, MAP_ANONYMOUS | flags, -1, 0);

    madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
    memset(at, 'a', PAGES * PAGE);
    return at;
}

/* Lifts one page at a time. */
static void *serve(void *arg)
{
    struct uffd_msg m;
    char *at;

    while (read(fd, &m, sizeof(m)) == sizeof(m)) {
        at = (char *)(m.arg.pagefault.address & ~(PAGE - 1));
        if (m.event != UFFD_EVENT_PAGEFAULT ||
            m.arg.pagefault.flags !=
                (UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE)) {
            printf("another event: %d\n", m.event);
        }
        __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
        if (protect(at, 1, 0)) {
            printf("not lifted: %d\n", errno);
        }
    }
    return arg;
}

/* How many times the server was asked. */
static int asked(void)
{
    return __atomic_exchange_n(&served, 0, __ATOMIC_SEQ_CST);
}

static void writes(void)
{
    int pipes[2];

    title("writes");
    SHOW(protect(p, 8, UFFDIO_WRITEPROTECT_MODE_WP));
    printf("%c %d\n", p[3 * PAGE], asked());
    p[0] = 'b';
    p[PAGE] = 'c';
    p[0] = 'd';
    printf("%c%c %d\n", p[0], p[PAGE], asked());
    pipe(pipes);
    write(pipes[1], "pipe", 4);
    printf("%zd ", read(pipes[0], p + 2 * PAGE, 4));
    printf("%.4s %d\n", p + 2 * PAGE, asked());
    close(pipes[0]);
    close(pipes[1]);
    p[8 * PAGE] = 'e';
    printf("%d\n", asked());
}

static void protections(void)
{
    title("mprotect");
    SHOW(protect(p, 4, UFFDIO_WRITEPROTECT_MODE_WP));
    SHOW(mprotect(p, 2 * PAGE, PROT_READ));
    SHOW(mprotect(p, 2 * PAGE, RW));
    p[PAGE] = 'f';
    printf("%d\n", asked());
    SHOW(protect(p, 4, 0));
    p[0] = 'g';
    printf("%d\n", asked());
}

static void elsewhere(void)
{
    int status;
    pid_t pid;

    title("a child, what is given up, and what moves");
    SHOW(protect(p, 4, UFFDIO_WRITEPROTECT_MODE_WP));
    fflush(stdout);
    pid = fork();
    if (!pid) {
        p[0] = 'h';
        _exit(p[0] == 'h');
    }
    waitpid(pid, &status, 0);
    printf("%d %c %d\n", WEXITSTATUS(status), p[0], asked());
    p[0] = 'i';
    printf("%d\n", asked());
    madvise(p + PAGE, PAGE, MADV_DONTNEED);
    p[PAGE] = 'j';
    printf("%d\n", asked());
    char *q = mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    q[0] = 'k';
    printf("%c %d\n", q[0], asked());
}

/* How q, of `from` pages, came to have `to`, or the error. */
static const char *resized(char *q, int from, int to, int flags)
{
    char *at = mremap(q, from * PAGE, to * PAGE, flags);

    return at == q            ? "in place"
           : at != MAP_FAILED ? "moved"
           : errno == ENOMEM  ? "ENOMEM"
           : errno == EFAULT  ? "EFAULT"
                              : "?";
}

static void in_place(void)
{
    char *q = new_pages(MAP_PRIVATE);

    title("mremap that fails, or moves nothing");
    SHOW(registers(q, 8, WP));
    SHOW(protect(q, 6, UFFDIO_WRITEPROTECT_MODE_WP));
    printf("%s\n", resized(q, 8, 12, 0));
    q[0] = 'o';
    printf("%d\n", asked());
    printf("%s\n", resized(q, 12, 16, MREMAP_MAYMOVE));
    q[PAGE] = 'o';
    printf("%d\n", asked());
    printf("%s\n", resized(q, 8, 6, 0));
    q[2 * PAGE] = 'o';
    printf("%d\n", asked());
    printf("%s\n", resized(q, 6, 8, 0));
    q[3 * PAGE] = q[6 * PAGE] = q[7 * PAGE] = 'o';
    printf("%d\n", asked());
    q[5 * PAGE] = 'o';
    printf("%d\n", asked());
}

/* What comes where nothing was is as protected as who brings it says. */
static void arrives(char *q)
{
    static char page[PAGE] __attribute__((aligned(4096)));
    struct uffdio_copy c = {(unsigned long)q, (unsigned long)page, PAGE, 0, 0};

    madvise(q, PAGE, MADV_DONTNEED);
    SHOW(registers(q, 2, WP | UFFDIO_REGISTER_MODE_MISSING));
    SHOW(protect(q, 1, UFFDIO_WRITEPROTECT_MODE_WP));
    SHOW(ioctl(fd, UFFDIO_COPY, &c));
    q[0] = 'q';
    printf("%c\n", q[0]);
}

/* A debugger's write gets nowhere, and changes nothing. */
static void forced(char *q)
{
    int mem = open("/proc/self/mem", O_RDWR);

    SHOW(pwrite(mem, "z", 1, (off_t)q));
    close(mem);
}

static void unpopulated(void)
{
    char *q = new_pages(MAP_PRIVATE);
    int was = fd;

    title("what is not there is protected, but for guards");
    fd = new_fd(UFFD_FEATURE_WP_UNPOPULATED, UFFD_USER_MODE_ONLY);
    SHOW(registers(q, PAGES, WP));
    SHOW(madvise(q + PAGE, 2 * PAGE, MADV_GUARD_INSTALL));
    SHOW(protect(q, 4, UFFDIO_WRITEPROTECT_MODE_WP));
    forced(q);
    forced(q + PAGE);
    SHOW(protect(q, 4, 0));
    SHOW(madvise(q + PAGE, 2 * PAGE, MADV_GUARD_REMOVE));
    q[0] = q[PAGE] = 'p';
    printf("%c\n", q[PAGE]);
    arrives(q + 8 * PAGE);
    close(fd);
    fd = was;
}

static void coming(void)
{
    static char page[PAGE] __attribute__((aligned(4096)));
    struct uffdio_copy c = {(unsigned long)(p + 10 * PAGE), (unsigned long)page,
                            PAGE, UFFDIO_COPY_MODE_WP, 0};

    title("pages that come");
    page[0] = 'l';
    madvise(p + 10 * PAGE, 2 * PAGE, MADV_DONTNEED);
    SHOW(registers(p + 10 * PAGE, 2, WP | UFFDIO_REGISTER_MODE_MISSING));
    SHOW(ioctl(fd, UFFDIO_COPY, &c));
    printf("%c %d\n", p[10 * PAGE], asked());
    p[10 * PAGE] = 'm';
    printf("%d\n", asked());
}

static void refusals(void)
{
    char *q = new_pages(MAP_PRIVATE);

    title("refusals");
    SHOW(protect(p + 1, 1, 0));
    SHOW(protect(p, 0, 0));
    SHOW(protect(
        p, 1, UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE));
    SHOW(protect(p, 1, 4));
    SHOW(protect(q, 1, UFFDIO_WRITEPROTECT_MODE_WP));
    SHOW(registers(q, 1, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(protect(q, 1, UFFDIO_WRITEPROTECT_MODE_WP));
    SHOW(registers(q, 1, 0));
}

static void ends(void)
{
    struct uffdio_range r = {(unsigned long)(p + 4 * PAGE), PAGE};

    title("the end");
    SHOW(protect(p + 4 * PAGE, 4, UFFDIO_WRITEPROTECT_MODE_WP));
    SHOW(ioctl(fd, UFFDIO_UNREGISTER, &r));
    p[4 * PAGE] = 'n';
    printf("%c %d\n", p[4 * PAGE], asked());
}

int main(void)
{
    pthread_t server;

    show_start();
    p = new_pages(MAP_PRIVATE);
    fd = new_fd(0, 0);
    pthread_create(&server, NULL, serve, NULL);
    SHOW(registers(p, PAGES, WP));
    writes();
    protections();
    elsewhere();
    in_place();
    unpopulated();
    coming();
    refusals();
    ends();
    _exit(0);
}
