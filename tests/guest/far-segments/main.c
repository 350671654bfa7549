/* SPDX-License-Identifier: MIT
 *
 * A program whose headers are low and whose code is 64 gigabytes higher,
 * as proot's loader is: linked so by rules.mk, without libc.
 */
#include <sys/syscall.h>

static long call(long nr, long a, const char *b, long c)
{
    long r;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
}

void _start(void)
{
    static const char line[] = "far from its headers\n";

    call(SYS_write, 1, line, sizeof(line) - 1);
    call(SYS_exit_group, 7, line, 0);
}
