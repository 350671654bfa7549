/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2): a thread that serves missing pages to others and to the
 * kernel's own copies, UFFDIO_COPY and ZEROPAGE, what was there before, pages
 * given up, the end of it, refusals; many pages touched here and there, signals
 * and the end of who waits, several descriptors at once.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#ifndef UFFDIO_MOVE /* 6.8; of the size of another */
#define UFFDIO_MOVE _IOWR(UFFDIO, 5, struct uffdio_copy)
#endif

enum { PAGES = 32 };

static char *p;
static int fd;
static int served; /* atomic */

static long copy(char *dst, const void *src, size_t len, int mode)
{
    struct uffdio_copy c = {.dst = (unsigned long)dst,
                            .src = (unsigned long)src,
                            .len = len,
                            .mode = (unsigned long)mode};
    long r = (errno = 0, ioctl(fd, UFFDIO_COPY, &c));

    printf("  copied %ld\n", (long)c.copy);
    return r;
}

static long zero(char *at, size_t len)
{
    struct uffdio_zeropage z = {.range = {(unsigned long)at, len}};
    long r = (errno = 0, ioctl(fd, UFFDIO_ZEROPAGE, &z));

    printf("  zeroed %ld\n", (long)z.zeropage);
    return r;
}

static long over(unsigned long request, char *start, size_t len)
{
    struct uffdio_range r = {(unsigned long)start, len};

    errno = 0;
    return ioctl(fd, request, &r);
}

static long registers(char *start, size_t len, unsigned long mode)
{
    struct uffdio_register r = {.range = {(unsigned long)start, len},
                                .mode = mode};
    unsigned long all =
        1ul << _UFFDIO_WAKE | 1ul << _UFFDIO_COPY | 1ul << _UFFDIO_ZEROPAGE;
    long err = (errno = 0, ioctl(fd, UFFDIO_REGISTER, &r));

    if (!err) {
        printf("  ioctls %d\n", (r.ioctls & all) == all);
    }
    return err;
}

/* Each page becomes its number, but every fourth zero. */
static void *serve(void *arg)
{
    static char page[PAGE] __attribute__((aligned(4096)));
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    struct uffd_msg m;

    for (;;) {
        if (poll(&pfd, 1, -1) != 1 || read(fd, &m, sizeof(m)) != sizeof(m)) {
            return NULL;
        }
        char *at = (char *)m.arg.pagefault.address;
        long n = (at - p) / (long)PAGE;
        struct uffdio_copy c = {(unsigned long)at, (unsigned long)page, PAGE, 0,
                                0};
        struct uffdio_zeropage z = {{(unsigned long)at, PAGE}, 0, 0};

        memset(page, (int)('a' + n), PAGE);
        __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
        if (m.event != UFFD_EVENT_PAGEFAULT ||
            ioctl(fd,
                  n % 4 == 3 ? (unsigned long)UFFDIO_ZEROPAGE
                             : (unsigned long)UFFDIO_COPY,
                  n % 4 == 3 ? (void *)&z : (void *)&c)) {
            printf("not served: %d %d\n", m.event, errno);
        }
    }
}

static void refusals(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffd_msg m;
    char src[8] = "";

    title("refusals");
    CALL(userfaultfd, 2);
    fd = (int)RAW(userfaultfd, O_CLOEXEC | O_NONBLOCK);
    SHOW(read(fd, &m, sizeof(m)));
    SHOW(registers(p, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(over(UFFDIO_WAKE, p, PAGE));
    api.api = 1;
    SHOW(ioctl(fd, UFFDIO_API, &api));
    printf("%d %d\n", (int)api.api, (int)api.ioctls);
    api = (struct uffdio_api){.api = UFFD_API, .features = 1ul << 40};
    SHOW(ioctl(fd, UFFDIO_API, &api));
    SHOW(ioctl(fd, UFFDIO_API, BAD));
    api = (struct uffdio_api){.api = UFFD_API};
    SHOW(ioctl(fd, UFFDIO_API, &api));
    printf("%d\n", (api.ioctls & 3) == 3);
    SHOW(ioctl(fd, UFFDIO_API, &api));
    SHOW(read(fd, &m, sizeof(m)));
    SHOW(read(fd, &m, 8));
    SHOW(write(fd, &m, 8));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(registers(p + 1, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(registers(p, 0, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(registers(p, 1, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(registers(p, PAGE, 0));
    SHOW(registers(p, PAGE, 1 << 10));
    SHOW(registers((char *)(1L << 47), PAGE, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(registers(NULL, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(ioctl(fd, 12345, &m));
    SHOW(copy(p, src, PAGE, 0));
    SHOW(zero(p, PAGE));
    SHOW(over(UFFDIO_WAKE, p + 1, PAGE));
    SHOW(over(UFFDIO_WAKE, p, 0));
    SHOW(over(UFFDIO_WAKE, p, PAGE));
}

static void *touch(void *arg)
{
    return (void *)(long)*(volatile char *)arg;
}

static void serving(void)
{
    char *q = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int out[2], sum = 0;
    pthread_t t[4];
    void *got;

    title("serving");
    *q = 'x'; /* there before */
    SHOW(registers(q, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    printf("%c\n", *q);
    SHOW(registers(p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING));
    pthread_create(&t[0], NULL, serve, NULL);
    printf("%c %c %d %c\n", p[0], p[PAGE], p[3 * PAGE + 5], p[2 * PAGE + 4095]);
    p[4 * PAGE] = 'W';
    printf("%c %c\n", p[4 * PAGE], p[4 * PAGE + 1]);
    pipe(out);
    SHOW(write(out[1], p + 5 * PAGE + 4090, 12)); /* the kernel looks */
    SHOW(read(out[0], p + 8 * PAGE, 12));         /* and writes */
    printf("%.12s %c\n", p + 8 * PAGE, p[8 * PAGE + 12]);
    for (int i = 1; i < 4; i++) { /* all at once, one page */
        pthread_create(&t[i], NULL, touch, p + 9 * PAGE);
    }
    for (int i = 1; i < 4; i++) {
        pthread_join(t[i], &got);
        sum += (int)(long)got;
    }
    printf("%d\n", sum == 3 * 'j');
    madvise(p, 2 * PAGE, MADV_DONTNEED); /* missing again */
    printf("%c %c\n", p[0], p[PAGE]);
    mprotect(p + 10 * PAGE, 2 * PAGE, PROT_READ);
    printf("%c\n", p[10 * PAGE]);
    printf("served %d\n", __atomic_load_n(&served, __ATOMIC_SEQ_CST) >= 11);
}

static void by_hand(void)
{
    static char page[2 * PAGE] __attribute__((aligned(4096)));
    int other = fd;

    title("by hand");
    memset(page, 'H', sizeof(page));
    SHOW(copy(p + 16 * PAGE, page, 2 * PAGE, 0));
    SHOW(copy(p + 16 * PAGE, page, PAGE, 0));
    SHOW(copy(p + 15 * PAGE, page, 2 * PAGE, 0));
    SHOW(copy(p + 18 * PAGE, BAD, PAGE, 0));
    SHOW(copy(p + 18 * PAGE, page, PAGE, 1 << 9));
    SHOW(copy(p + PAGES * PAGE, page, PAGE, 0));
    SHOW(zero(p + 16 * PAGE, PAGE));
    SHOW(zero(p + 18 * PAGE, 2 * PAGE));
    printf("%c %c %d\n", p[15 * PAGE], p[17 * PAGE], p[19 * PAGE]);
    fd = (int)RAW(userfaultfd, O_NONBLOCK);
    SHOW(ioctl(fd, UFFDIO_API, &(struct uffdio_api){.api = UFFD_API}));
    SHOW(registers(p + 20 * PAGE, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    close(fd);
    fd = other;
    SHOW(over(UFFDIO_UNREGISTER, p + 20 * PAGE, PAGE));
    printf("%d\n", p[20 * PAGE]);
    SHOW(over(UFFDIO_UNREGISTER, p + 20 * PAGE, PAGE));
}

static int new_fd(void)
{
    int made = (int)RAW(userfaultfd, O_NONBLOCK);

    ioctl(made, UFFDIO_API, &(struct uffdio_api){.api = UFFD_API});
    return made;
}

static char *new_pages(size_t n)
{
    char *q = mmap(NULL, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    madvise(q, n * PAGE, MADV_NOHUGEPAGE);
    return q;
}

/* More than a table of the kernel's holds. */
static void here_and_there(void)
{
    enum { MANY = 2048, EACH = 700 };
    static char page[PAGE] __attribute__((aligned(4096)));
    char *q = new_pages(MANY);
    struct uffdio_copy c = {.src = (unsigned long)page, .len = PAGE};
    int there = 0, wrong = 0;

    title("here and there");
    memset(page, 'n', sizeof(page));
    for (int i = 0; i < MANY; i += EACH) {
        q[i * PAGE] = 'o';
    }
    SHOW(registers(q, MANY * PAGE, UFFDIO_REGISTER_MODE_MISSING));
    for (int i = 0; i < MANY; i++) {
        c.dst = (unsigned long)(q + i * PAGE);
        there += ioctl(fd, UFFDIO_COPY, &c) && errno == EEXIST;
        wrong += q[i * PAGE] != (i % EACH ? 'n' : 'o');
    }
    printf("%d %d\n", there, wrong);
    munmap(q, MANY * PAGE);
}

static void wait_for_fault(void)
{
    struct uffd_msg m;

    while (read(fd, &m, sizeof(m)) != sizeof(m)) {
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
    }
}

static void on_signal(int sig)
{
}

static void *read_into(void *at)
{
    int ends[2];

    pipe(ends);
    write(ends[1], "bytes", 5);
    return (void *)read(ends[0], at, 5);
}

/* In the middle of read(2) it has to wait. */
static void a_signal_meanwhile(char *q)
{
    pthread_t t;
    void *got;

    title("a signal meanwhile");
    signal(SIGUSR1, on_signal);
    pthread_create(&t, NULL, read_into, q);
    wait_for_fault();
    pthread_kill(t, SIGUSR1);
    SHOW(zero(q, PAGE));
    pthread_join(t, &got);
    printf("%d %.5s\n", (int)(long)got, q);
}

/* A process that waits ends all the same: in the kernel, or as a whole. */
static void ends(char *q, bool killed)
{
    int ready[2], status;
    pthread_t t;
    pid_t pid;

    pipe(ready);
    fflush(stdout);
    pid = fork();
    if (!pid) {
        printf("child %d\n", *q); /* nobody serves it here */
        fflush(stdout);
        fd = new_fd();
        q = new_pages(1);
        registers(q, PAGE, UFFDIO_REGISTER_MODE_MISSING);
        pthread_create(&t, NULL, killed ? read_into : touch, q);
        wait_for_fault();
        if (!killed) {
            _exit(3);
        }
        write(ready[1], "r", 1);
        pthread_join(t, NULL);
    }
    if (killed) {
        read(ready[0], &status, 1);
        kill(pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    printf("ended %x\n", status);
}

static void *make_some(void *arg)
{
    char *q = new_pages(1);

    for (int i = 0; i < 200; i++) {
        int made = new_fd();
        struct uffdio_register r = {
            {(unsigned long)q, PAGE}, UFFDIO_REGISTER_MODE_MISSING, 0};

        if (made < 0 || ioctl(made, UFFDIO_REGISTER, &r)) {
            return "not made";
        }
        close(made);
    }
    *q = 1;
    return "made";
}

static void several(void)
{
    char *q = new_pages(5), *from = new_pages(2);
    int one = fd, another = new_fd();
    struct uffdio_copy m = {.dst = (unsigned long)(q + PAGE),
                            .src = (unsigned long)from,
                            .len = PAGE};
    pthread_t t[4];
    void *got;

    title("several");
    SHOW(registers(q, 5 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
    fd = another;
    SHOW(registers(q, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    SHOW(zero(q, PAGE));
    fd = one;
    *from = 'f';
    mprotect(from, PAGE, PROT_READ);
    SHOW(ioctl(fd, UFFDIO_MOVE, &m));
    mprotect(from, PAGE, RW);
    SHOW(ioctl(fd, UFFDIO_MOVE, &m));
    printf("%c %d\n", q[PAGE], *from);
    pthread_create(&t[0], NULL, touch, q + 2 * PAGE);
    wait_for_fault();
    fd = another;
    close(one); /* who waits gets zeros */
    pthread_join(t[0], &got);
    printf("%d %d\n", (int)(long)got, q[3 * PAGE]);
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, make_some, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &got);
        printf("%s\n", (char *)got);
    }
}

static void as_signal(int sig, siginfo_t *info, void *context)
{
    printf("signal %d at %d\n", sig, (char *)info->si_addr == p + 24 * PAGE);
    exit(0);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = as_signal,
                               .sa_flags = SA_SIGINFO};

    show_start();
    p = mmap(NULL, (PAGES + 1) * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + PAGES * PAGE, PAGE, PROT_NONE);
    madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
    refusals();
    serving();
    by_hand();
    SHOW(over(UFFDIO_UNREGISTER, p, PAGES * PAGE));
    fd = new_fd(); /* that the thread does not read */
    here_and_there();
    p = new_pages(PAGES);
    SHOW(registers(p, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
    a_signal_meanwhile(p);
    title("ends");
    ends(p + PAGE, true);
    ends(p + PAGE, false);
    several();
    title("SIGBUS");
    fd = (int)RAW(userfaultfd, O_NONBLOCK);
    SHOW(ioctl(fd, UFFDIO_API,
               &(struct uffdio_api){.api = UFFD_API,
                                    .features = UFFD_FEATURE_SIGBUS}));
    SHOW(registers(p + 24 * PAGE, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    sigaction(SIGBUS, &action, NULL);
    SHOW(write(1, p + 24 * PAGE, 1));
    putchar(p[24 * PAGE]);
    return 1;
}
