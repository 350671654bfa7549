/* SPDX-License-Identifier: MIT
 *
 * brk: moving up and down, zeroed again, refusals that leave it where it
 * was, mappings in the way.
 */
#include <sys/mman.h>
#include "tests/guest/show.h"

static char *start;

static long brk_to(long off)
{
    return (char *)syscall(SYS_brk, start + off) - start;
}

int main(void)
{
    show_start();
    title("up and down"); /* now stdout has its buffer, below the start */
    start = (char *)syscall(SYS_brk, 0);
    start = (char *)(((uintptr_t)start + 4095) & ~4095ul);
    SHOW(brk_to(0));
    SHOW(brk_to(10000));
    start[9999] = 'x';
    printf("zero %d\n", start[5000]);
    start[100] = start[12000] = 'y';
    SHOW(brk_to(5000));
    SHOW(brk_to(20000));
    printf("%c %d %d\n", start[100], start[9999], start[12000]);
    SHOW(brk_to(1l << 46) == 20000);
    SHOW((char *)syscall(SYS_brk, 1) == start + 20000);
    SHOW((char *)syscall(SYS_brk, -1L) == start + 20000);
    SHOW((char *)syscall(SYS_brk, 0) == start + 20000);
    title("something in the way");
    mmap(start + 40960, 4096, PROT_READ,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    SHOW(brk_to(36000));
    SHOW(brk_to(40960));
    SHOW(brk_to(60000));
    munmap(start + 40960, 4096);
    SHOW(brk_to(60000));
    title("holes");
    munmap(start + 8192, 4096);
    SHOW(brk_to(70000));
    SHOW(brk_to(0));
    SHOW(sbrk(4096) != (void *)-1);
    return 0;
}
