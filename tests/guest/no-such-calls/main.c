/* SPDX-License-Identifier: MIT
 *
 * Numbers without a call, calls that Linux took out, and numbers that are
 * no numbers: all of them ENOSYS, none of them fatal.
 */
#include "tests/guest/show.h"

int main(void)
{
    static const long numbers[] = {
        134,        156, 174, 177,           178,     180,  181,
        182,        183, 184, 185,           214,     215,  236,
        337,        338, 400, 423,           600,     1000, 0x40000000,
        0x7fffffff, -1,  -2,  1l << 32 | 39, 1l << 40};

    show_start();
    for (unsigned i = 0; i < COUNT(numbers); i++) {
        long r;

        __asm__ volatile("syscall"
                         : "=a"(r)
                         : "a"(numbers[i]), "D"(0), "S"(0), "d"(0)
                         : "rcx", "r11", "memory");
        printf("%ld: %s\n", numbers[i],
               r < 0 ? strerrorname_np((int)-r) : "no error");
    }
    return 0;
}
