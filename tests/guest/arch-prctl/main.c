/* SPDX-License-Identifier: MIT
 *
 * arch_prctl: the FS base, which is live while libc runs, and refusals. GS
 * belongs to the kernel beside the program, so it is left out.
 */
#include <asm/prctl.h>
#include "tests/guest/show.h"

static __thread int local = 42;

int main(void)
{
    unsigned long fs = 0, self, other[20] = {0};
    long r1, r2;
    int read_back;

    show_start();
    CALL(arch_prctl, ARCH_GET_FS, &fs);
    __asm__("mov %%fs:0, %0" : "=r"(self));
    printf("agrees %d\n", fs == self);
    other[0] = (unsigned long)other;
    other[5] = 4711;
    __asm__ volatile("mov %3, %%rsi\n\t"
                     "mov $0x1002, %%edi\n\t"
                     "mov $158, %%eax\n\t"
                     "syscall\n\t"
                     "mov %%rax, %0\n\t"
                     "mov %%fs:40, %2\n\t"
                     "mov %4, %%rsi\n\t"
                     "mov $0x1002, %%edi\n\t"
                     "mov $158, %%eax\n\t"
                     "syscall\n\t"
                     "mov %%rax, %1"
                     : "=&r"(r1), "=&r"(r2), "=&r"(read_back)
                     : "r"(other), "r"(fs)
                     : "rax", "rcx", "rdi", "rsi", "r11", "memory");
    printf("%ld %ld %d local %d\n", r1, r2, read_back, local);
    CALL(arch_prctl, ARCH_GET_FS, BAD);
    CALL(arch_prctl, ARCH_SET_FS, -1L);
    CALL(arch_prctl, ARCH_SET_FS, 1L << 63);
    CALL(arch_prctl, 0x9999, 0L);
    printf("local %d\n", local);
    return 0;
}
