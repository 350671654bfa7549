/* SPDX-License-Identifier: MIT
 *
 * Files mapped shared, as databases use them: read, write and every mapping
 * see one content, files grow and shrink below their mappings, and what lies
 * behind the end is SIGBUS. Says nothing of where a second mapping lies.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define RW (PROT_READ | PROT_WRITE)

enum { PAGE = 4096, MANY = 200000 };

static sigjmp_buf out;
static siginfo_t last;

static void on_bus(int signo, siginfo_t *info, void *context)
{
    last = *info;
    siglongjmp(out, 1);
}

/* Whether an access is SIGBUS, at its own address. */
static const char *touch(volatile char *p, int write)
{
    if (sigsetjmp(out, 1)) {
        return last.si_signo == SIGBUS && last.si_code == BUS_ADRERR &&
                       last.si_addr == p
                   ? "SIGBUS"
                   : "another signal";
    }
    if (write) {
        *p = 'w';
    } else {
        (void)*p;
    }
    return "fine";
}

static void show_bytes(const char *what, const char *p, size_t n)
{
    printf("%s:", what);
    for (size_t i = 0; i < n; i++) {
        printf(p[i] >= ' ' ? " %c" : " %02x", p[i]);
    }
    printf("\n");
}

static void show_file(const char *what, int fd, long off, size_t n)
{
    char buf[64];
    long got = pread(fd, buf, n, off);

    show_bytes(what, buf, got < 0 ? 0 : got);
}

static char *map(int fd, size_t len, int prot, long off)
{
    char *p = mmap(NULL, len, prot, MAP_SHARED, fd, off);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static void one_content(int fd)
{
    char *a, *b;
    int other = open("/tmp/shared", O_RDWR);

    title("one content");
    ftruncate(fd, 3 * PAGE);
    pwrite(fd, "before", 6, PAGE);
    a = map(fd, 3 * PAGE, RW, 0);
    show_bytes("written before", a + PAGE, 8);
    memcpy(a + 2 * PAGE, "through", 7);
    show_file("read", other, 2 * PAGE, 8);
    pwrite(other, "after", 5, PAGE);
    show_bytes("written after", a + PAGE, 8);
    b = map(other, 2 * PAGE, RW, PAGE);
    close(other);
    memcpy(b, "second", 6);
    show_bytes("first mapping", a + PAGE, 8);
    memcpy(a + 2 * PAGE + 10, "third", 5);
    show_bytes("second mapping", b + PAGE + 8, 8);
    SHOW(munmap(a, 3 * PAGE));
    show_bytes("one is left", b, 8);
    b[0] = 'S';
    show_file("read", fd, PAGE, 8);
    SHOW(msync(b, 2 * PAGE, MS_SYNC));
    SHOW(munmap(b, 2 * PAGE));
    show_file("none is left", fd, PAGE, 8);
}

static void size_changes(int fd)
{
    char *p, *q;

    title("size");
    ftruncate(fd, PAGE + 100);
    p = map(fd, 16 * PAGE, RW, 0);
    printf("last page: %s\n", touch(p + PAGE + 200, 1));
    printf("behind: %s\n", touch(p + 2 * PAGE, 0));
    ftruncate(fd, 4 * PAGE);
    show_bytes("rest of the last page", p + PAGE + 100, 4);
    printf("behind, grown: %s\n", touch(p + 2 * PAGE, 1));
    printf("behind, still: %s\n", touch(p + 4 * PAGE, 1));
    pwrite(fd, "far", 3, 9 * PAGE);
    show_bytes("written behind", p + 9 * PAGE, 4);
    show_bytes("hole", p + 7 * PAGE, 4);
    ftruncate(fd, 2 * PAGE);
    printf("shrunk: %s\n", touch(p + 2 * PAGE, 0));
    ftruncate(fd, 10 * PAGE);
    show_bytes("zero again", p + 2 * PAGE, 4);
    show_bytes("zero again", p + 9 * PAGE, 4);
    q = mremap(p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
    printf("mremap %s\n", q == MAP_FAILED ? "failed" : "ok");
    ftruncate(fd, 20 * PAGE);
    printf("in what was added: %s\n", touch(q + 18 * PAGE, 1));
    show_file("read", fd, 18 * PAGE, 2);
    munmap(q, 32 * PAGE);
}

static void modes(void)
{
    int fd = open("/tmp/shared", O_RDONLY);
    char *p = map(fd, PAGE, PROT_READ, 0);

    title("modes");
    SHOW(mprotect(p, PAGE, RW));
    DOES(mmap, NULL, (long)PAGE, RW, MAP_SHARED, fd, 0L);
    munmap(p, PAGE);
    close(fd);
}

static void of_memfd(void)
{
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    char *p;

    title("memfd");
    ftruncate(fd, 2 * PAGE);
    p = map(fd, 2 * PAGE, RW, 0);
    memcpy(p, "memory", 6);
    show_file("read", fd, 0, 6);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(p, 2 * PAGE);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    DOES(mmap, NULL, (long)PAGE, RW, MAP_SHARED, fd, 0L);
    close(fd);
}

static void *count(void *arg)
{
    long *n = arg;

    for (int i = 0; i < MANY; i++) {
        __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void threads(int fd)
{
    long *n = (long *)map(fd, PAGE, RW, 0), from_file;
    pthread_t t[3];

    title("threads");
    *n = 0;
    for (int i = 0; i < 3; i++) {
        pthread_create(&t[i], NULL, count, n);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
    }
    pread(fd, &from_file, sizeof(from_file), 0);
    printf("%ld %ld\n", *n, from_file);
    unlink("/tmp/shared");
    close(fd);
    *n += 1;
    printf("after close and unlink %ld\n", *n);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    int fd;

    show_start();
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    fd = open("/tmp/shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    one_content(fd);
    size_changes(fd);
    modes();
    of_memfd();
    threads(fd);
    return 0;
}
