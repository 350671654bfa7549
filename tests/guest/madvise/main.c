/* SPDX-License-Identifier: MIT
 *
 * madvise: DONTNEED, FREE and REMOVE on every kind of mapping, WIPEONFORK
 * and others that leave no trace here, refusals.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

#define RW (PROT_READ | PROT_WRITE)

static void dontneed(void)
{
    title("DONTNEED");
    char *p = mmap(NULL, 12288, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 'x', 12288);
    CALL(madvise, p + 4096, 4096L, MADV_DONTNEED);
    printf("%c %d %c\n", p[4095], p[4096], p[8192]);
    p[4096] = 'y';
    CALL(madvise, p, 1L, MADV_DONTNEED);
    printf("%d %c\n", p[4095], p[4096]);
    put("/tmp/f", "contents");
    int fd = open("/tmp/f", O_RDWR);
    char *own = mmap(NULL, 4096, RW, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, 4096, RW, MAP_SHARED, fd, 0);
    own[0] = 'O';
    shared[1] = 'S';
    CALL(madvise, own, 4096L, MADV_DONTNEED);
    CALL(madvise, shared, 4096L, MADV_DONTNEED);
    printf("%s %s\n", own, shared);
    char *anon = mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    anon[0] = 'A';
    CALL(madvise, anon, 4096L, MADV_DONTNEED);
    printf("%c\n", anon[0]);
    title("REMOVE");
    CALL(madvise, shared, 4096L, MADV_REMOVE);
    printf("%d\n", shared[0]);
    CALL(madvise, anon, 4096L, MADV_REMOVE);
    printf("%d\n", anon[0]);
    CALL(madvise, own, 4096L, MADV_REMOVE);
    CALL(madvise, p, 4096L, MADV_REMOVE);
    put("/tmp/ro", "contents");
    int rd = open("/tmp/ro", O_RDONLY);
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rd, 0);
    CALL(madvise, ro, 4096L, MADV_REMOVE);
    title("FREE");
    memset(p, 'x', 12288);
    CALL(madvise, p, 12288L, MADV_FREE);
    p[0] = 'z';
    printf("%c %d\n", p[0], p[8192] == 'x' || p[8192] == 0);
    CALL(madvise, own, 4096L, MADV_FREE);
    CALL(madvise, shared, 4096L, MADV_FREE);
    CALL(madvise, anon, 4096L, MADV_FREE);
}

static void others(void)
{
    static const int advices[] = {
        MADV_NORMAL,        MADV_RANDOM,        MADV_SEQUENTIAL, MADV_WILLNEED,
        MADV_DONTFORK,      MADV_DOFORK,        MADV_DONTDUMP,   MADV_DODUMP,
        MADV_WIPEONFORK,    MADV_KEEPONFORK,    MADV_COLD,       MADV_PAGEOUT,
        MADV_POPULATE_READ, MADV_POPULATE_WRITE};
    char *p = mmap(NULL, 8192, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    title("others");
    memset(p, 'x', 8192);
    for (unsigned i = 0; i < COUNT(advices); i++) {
        printf("%d ", advices[i]);
        CALL(madvise, p, 8192L, advices[i]);
    }
    printf("%c\n", p[0]);
    CALL(madvise, ro, 4096L, MADV_POPULATE_READ);
    CALL(madvise, ro, 4096L, MADV_POPULATE_WRITE);
    CALL(madvise, none, 4096L, MADV_POPULATE_READ);
    title("refusals");
    CALL(madvise, p + 1, 4096L, MADV_DONTNEED);
    CALL(madvise, p, 0L, MADV_DONTNEED);
    CALL(madvise, p, -1L, MADV_DONTNEED);
    CALL(madvise, p, 4096L, 1000);
    CALL(madvise, p + 1, 4096L, 1000);
    CALL(madvise, p, 0L, 1000);
    munmap(p + 4096, 4096);
    CALL(madvise, p, 8192L, MADV_NORMAL);
    CALL(madvise, p, 8192L, MADV_DONTNEED);
    printf("%d\n", p[0]);
    CALL(madvise, p + 4096, 4096L, MADV_WILLNEED);
    CALL(madvise, p, 8192L, MADV_POPULATE_WRITE);
    mlock(p, 4096);
    CALL(madvise, p, 4096L, MADV_DONTNEED);
    CALL(madvise, p, 4096L, MADV_DONTNEED_LOCKED);
}

int main(void)
{
    show_start();
    dontneed();
    others();
    return 0;
}
