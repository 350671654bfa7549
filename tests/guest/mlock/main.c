/* SPDX-License-Identifier: MIT
 *
 * mlock, mlock2, munlock, mlockall: what VmLck says, flags, refusals.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static void locked(void)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "VmLck:", 6)) {
            printf("%s", line);
        }
    }
    fclose(f);
}

/* Whether smaps has the flag of the mapping that begins at p. */
static int has_flag(const char *p, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    char line[512], start[32];
    int here = 0, has = 0;

    snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
    while (fgets(line, sizeof(line), f)) {
        here |= strncmp(line, start, strlen(start)) == 0;
        if (here && strncmp(line, "VmFlags:", 8) == 0) {
            has = strstr(line, flag) != NULL;
            here = 0;
        }
    }
    fclose(f);
    return has;
}

static void flags(void)
{
    char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    title("flags");
    CALL(mlock2, p, 16384L, MLOCK_ONFAULT);
    printf("%d%d ", has_flag(p, " lo"), has_flag(p, " lf"));
    CALL(mlock, p, 16384L);
    printf("%d%d ", has_flag(p, " lo"), has_flag(p, " lf"));
    CALL(munlock, p, 16384L);
    printf("%d%d nr %d\n", has_flag(p, " lo"), has_flag(p, " lf"),
           has_flag(p, " nr"));
    CALL(mlockall, MCL_FUTURE | MCL_ONFAULT);
    p = mmap(NULL, 16384, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%d%d\n", has_flag(p, " lo"), has_flag(p, " lf"));
    CALL(munlockall);
}

/* Where a file has no page there is nothing to bring in. */
static void behind_the_end(void)
{
    int fd = memfd_create("short", 0);
    char *p;

    title("behind a file's end");
    ftruncate(fd, 5000);
    p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CALL(mlock, p, 8192L);
    CALL(munlock, p, 8192L);
    CALL(mlock, p, 8193L);
    CALL(mlock, p + 8192, 1L);
    CALL(mlock2, p, 16384L, MLOCK_ONFAULT);
    locked();
    munmap(p, 16384);
    close(fd);
}

int main(void)
{
    unsigned char vec[10];

    show_start();
    char *p = mmap(NULL, 10 * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(mlock, p, 4096L * 4);
    locked();
    mincore(p, 4 * 4096, vec);
    printf("resident %d%d%d%d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1,
           vec[3] & 1);
    CALL(mlock, p + 100, 1L);
    CALL(mlock, p + 4096 * 3 + 100, 4096L);
    locked();
    CALL(munlock, p, 8192L);
    locked();
    CALL(mlock2, p, 8192L, MLOCK_ONFAULT);
    CALL(mlock2, p, 8192L, 0);
    CALL(mlock2, p, 8192L, 8);
    locked();
    CALL(munmap, p, 4096L);
    locked();
    CALL(munlock, p + 4096, 9L * 4096);
    locked();
    title("refusals");
    CALL(mlock, p, 8192L);
    CALL(munlock, p, 8192L);
    CALL(mlock, p, 0L);
    CALL(mlock, p, -1L);
    CALL(munlock, 1L << 47, 4096L);
    CALL(munlock, p + 4096, 9L * 4096);
    locked();
    title("all");
    CALL(mlockall, 0);
    CALL(mlockall, 8);
    CALL(mlockall, MCL_ONFAULT);
    CALL(mlockall, MCL_FUTURE);
    char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mincore(q, 8192, vec);
    printf("resident %d%d\n", vec[0] & 1, vec[1] & 1);
    CALL(munlockall);
    locked();
    flags();
    behind_the_end();
    return 0;
}
