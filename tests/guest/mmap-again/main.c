/* SPDX-License-Identifier: MIT
 *
 * Places that are mapped again: whatever was there, with whatever protection,
 * nothing of it can be reached in between, nothing shows through later, and the
 * next mapping has its own content and protection.
 */
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

enum { PAGE = 4096, PLACE = 3 << 20 };

static sigjmp_buf back;
static char *place;
static int file;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    siglongjmp(back, signo * 100 + si->si_code);
}

static int reading(volatile char *p)
{
    int code = sigsetjmp(back, 1);

    if (!code) {
        (void)*p;
    }
    return code;
}

static int writing(volatile char *p)
{
    int code = sigsetjmp(back, 1);

    if (!code) {
        *p = 1;
    }
    return code;
}

static int running(volatile char *p)
{
    int code = sigsetjmp(back, 1);

    if (!code) {
        ((void (*)(void))(uintptr_t)p)();
    }
    return code;
}

static void map(size_t len, int prot, int fd)
{
    void *p =
        mmap(place, len, prot,
             MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

    if (p != place) {
        printf("no mapping: %s\n", strerror(errno));
        exit(1);
    }
}

static void unmap(size_t len)
{
    munmap(place, len);
    if (reading(place) != SIGSEGV * 100 + SEGV_MAPERR ||
        reading(place + len - PAGE) != SIGSEGV * 100 + SEGV_MAPERR) {
        printf("%zu bytes are still there\n", len);
    }
}

/* Other bytes than `want` in the place. */
static size_t others(size_t len, int want)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        n += (unsigned char)place[i] != want;
    }
    return n;
}

static void use(size_t len, int before)
{
    map(len, PROT_READ | PROT_WRITE, -1);
    memset(place, 0xc3, len); /* RET, should it be run */
    mprotect(place, len, before);
    unmap(len);
}

static void then(size_t len, int prot, int fd)
{
    map(len, prot, fd);
    printf(" %d:", prot);
    if (prot & PROT_READ) {
        printf(" %zu others,", others(len, fd < 0 ? 0 : 0xc3));
    }
    printf(" read %d write %d", reading(place), writing(place + len - PAGE));
    if (fd >= 0) {
        printf(" run %d", running(place));
    }
    puts("");
    unmap(len);
}

static void histories(size_t len)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                PROT_READ | PROT_EXEC,
                                PROT_READ | PROT_WRITE | PROT_EXEC};

    for (unsigned i = 0; i < COUNT(prots); i++) {
        for (unsigned k = 0; k < COUNT(prots); k++) {
            printf("%zu bytes of %d, then", len, prots[i]);
            use(len, prots[i]);
            then(len, prots[k], -1);
        }
        for (unsigned k = 1; k < COUNT(prots) - 1; k++) {
            printf("%zu bytes of %d, then the file", len, prots[i]);
            use(len, prots[i]);
            then(len, prots[k], file);
        }
    }
    for (unsigned k = 1; k < COUNT(prots) - 1; k++) {
        printf("%zu bytes of the file, then", len);
        map(len, PROT_READ | PROT_EXEC, file);
        (void)running(place);
        unmap(len);
        then(len, prots[k], k == 3 ? file : -1);
    }
}

/* Pieces of it go and come while the rest stays. */
static void pieces(void)
{
    map(PLACE, PROT_READ | PROT_WRITE, -1);
    memset(place, 7, PLACE);
    for (size_t at = PAGE; at < PLACE; at += 16 * PAGE) {
        munmap(place + at, 5 * PAGE);
    }
    for (size_t at = PAGE; at < PLACE; at += 16 * PAGE) {
        if (reading(place + at) != SIGSEGV * 100 + SEGV_MAPERR) {
            printf("piece at %zu is still there\n", at);
        }
        if (mmap(place + at, 5 * PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED,
                 -1, 0) == MAP_FAILED) {
            puts("no piece");
        }
    }
    printf("pieces: %zu others\n", others(PLACE, 7));
    unmap(PLACE);
}

/* Rounds of one piece, before anything was touched that is not mapped: zero
 * each time; and after that: gone each time. */
static void rounds(size_t len, int probing)
{
    size_t bad = 0;

    for (int i = 0; i < 50; i++) {
        map(len, PROT_READ | PROT_WRITE, -1);
        bad += others(len, 0);
        memset(place, 7, len);
        if (probing) {
            unmap(len);
        } else {
            munmap(place, len);
        }
    }
    printf("rounds: %zu others\n", bad);
}

/* A long place of which another part is used each time. */
static void parts(void)
{
    static const size_t used[] = {PLACE, PLACE, PAGE, 0, PLACE / 2, PLACE};
    size_t bad = 0;

    for (unsigned i = 0; i < 2 * COUNT(used); i++) {
        size_t from = i < COUNT(used) ? 0 : PLACE - used[i - COUNT(used)];

        map(PLACE, PROT_READ | PROT_WRITE, -1);
        bad += others(i % 3 ? PAGE : PLACE, 0);
        memset(place + from, 7, used[i % COUNT(used)]);
        munmap(place, PLACE);
    }
    map(2 * PAGE, PROT_READ | PROT_WRITE, -1);
    bad += others(2 * PAGE, 0);
    unmap(2 * PAGE);
    unmap(PLACE);
    printf("parts: %zu others\n", bad);
}

/* What one run leaves is not what the next finds. */
static int dirty(void)
{
    static char zeros[300000];
    char *heap = malloc(200000), *mapped;
    size_t n = 0;

    mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, ANON, -1, 0);
    for (size_t i = 0; i < sizeof(zeros); i++) {
        n += zeros[i] != 0;
    }
    for (size_t i = 0; i < 1 << 20; i++) {
        n += mapped[i] != 0;
    }
    memset(zeros, 0x55, sizeof(zeros));
    memset(mapped, 0x55, 1 << 20);
    memset(heap, 0x55, 200000);
    return n != 0;
}

static void runs(const char *self)
{
    char *argv[] = {(char *)self, (char *)"dirty", NULL};
    int bad = 0, status;
    pid_t pid;

    for (int i = 0; i < 20; i++) {
        if (posix_spawn(&pid, self, NULL, NULL, argv, NULL) ||
            waitpid(pid, &status, 0) != pid || status) {
            bad++;
        }
    }
    printf("runs that found something: %d\n", bad);
}

static void make_file(void)
{
    static char bytes[64 << 10];

    memset(bytes, 0xc3, sizeof(bytes));
    file = open("/tmp/again", O_RDWR | O_CREAT | O_TRUNC, 0700);
    for (size_t n = 0; n < PLACE; n += sizeof(bytes)) {
        if (write(file, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes)) {
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    if (argc > 1) {
        return dirty();
    }
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    make_file();
    place = mmap(NULL, PLACE, PROT_NONE, ANON, -1, 0);
    munmap(place, PLACE);
    rounds(16 * PAGE, 0);
    rounds(PAGE, 0);
    if (write(file, place + PLACE / 2, PAGE) >= 0 || errno != EFAULT) {
        puts("a page that is not there was written");
    }
    rounds(16 * PAGE, 1);
    histories(PAGE);
    histories(17 * PAGE);
    histories(PLACE);
    pieces();
    parts();
    runs(argv[0]);
    return 0;
}
