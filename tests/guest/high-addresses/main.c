/* SPDX-License-Identifier: MIT
 * Fixed mappings all over the 2^47 bytes that Linux gives a program: shadows
 * and heaps of sanitizers, gaps without access of many terabytes, and calls
 * with pointers there. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t places[] = {
    0x7fff8000,     0xc000000000,   0x100000000000, 0x200000000000,
    0x300000000000, 0x500000000000, 0x600000000000, 0x7b0000000000,
};
enum { FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED };

static const char *result(long got)
{
    return got < 0 ? strerror(errno) : "done";
}

static void use(uint64_t at)
{
    const uint64_t len = 1ul << 36;
    char *p = mmap((void *)at, len, PROT_READ | PROT_WRITE, FLAGS, -1, 0);
    int fds[2];

    if (p != (void *)at) {
        printf("%lx: %s\n", at, strerror(errno));
        return;
    }
    pipe(fds);
    p[5] = 'x';
    p[len - 1] = 'y';
    printf("%lx: write %zd", at, write(fds[1], p + len - 1, 1));
    printf(" read %zd", read(fds[0], p, 1));
    printf(" %c%c\n", p[0], p[5]);
    if (fork() == 0) {
        p[0] = 'z';
        _exit(p[5] != 'x');
    }
    wait(NULL);
    printf("after fork %c", p[0]);
    printf(", munmap %d", munmap(p, len));
    printf(", then %s\n", result(write(fds[1], &p[5], 1)));
    close(fds[0]);
    close(fds[1]);
}

/* Between metadata and program, as ThreadSanitizer does it; it stays without
 * access, and what asks for that is refused or gets memory. */
static void set_aside(void)
{
    char *gap = (char *)0x400000000000;
    const uint64_t len = 0x150000000000;
    char *p = mmap(gap, len, PROT_NONE, FLAGS, -1, 0);

    printf("gap %s\n", p == gap ? "set aside" : strerror(errno));
    printf("again %s\n",
           mmap(gap, 4096, PROT_NONE,
                (FLAGS & ~MAP_FIXED) | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED
               ? strerror(errno)
               : "?");
    printf("write %s\n", result(write(1, gap + 4096, 1)));
    printf("less %d\n", mprotect(gap, 4096, PROT_NONE));
    printf("munmap %d\n", munmap(gap, len));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        use(places[i]);
    }
    set_aside();
    return 0;
}
