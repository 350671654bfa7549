/* SPDX-License-Identifier: MIT
 *
 * A static non-PIE program without libc: raw system calls, one by the usual
 * `mov $nr, %eax; syscall`, one whose number is loaded long before, and a jump
 * straight to the SYSCALL instruction.
 */
static long call3(long nr, long a, long b, long c)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return ret;
}

static long adjacent_getppid(void)
{
    long ret;

    __asm__ volatile("mov $110, %%eax\n\tsyscall"
                     : "=a"(ret)::"rcx", "r11", "memory");
    return ret;
}

/* Enters at the SYSCALL of an adjacent pair, with another number. */
static long jump_into_pair(long nr)
{
    long ret;

    __asm__ volatile("jmp 1f\n\t"
                     ".byte 0xb8, 110, 0, 0, 0\n"
                     "1:\tsyscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(7)
                     : "rcx", "r11", "memory");
    return ret;
}

/* The flags must survive, and RCX hold the return address. */
static int flags_survive(void)
{
    unsigned char carry, overflow;
    unsigned long rcx, next;

    __asm__ volatile("mov $0x7f, %%al\n\tadd $1, %%al\n\tstc\n\t"
                     "mov $102, %%eax\n\tsyscall\n"
                     "2:\tsetc %0\n\tseto %1\n\tmov %%rcx, %2\n\t"
                     "lea 2b(%%rip), %3"
                     : "=&r"(carry), "=&r"(overflow), "=&r"(rcx), "=&r"(next)
                     :
                     : "rax", "rcx", "r11", "memory");
    return carry && !overflow == 0 && rcx == next;
}

static void print(const char *s)
{
    long n = 0;

    while (s[n]) {
        n++;
    }
    call3(1, 1, (long)s, n);
}

void _start(void)
{
    print("raw\n");
    print(call3(39, 0, 0, 0) > 0 ? "getpid ok\n" : "getpid bad\n");
    print(adjacent_getppid() >= 0 ? "getppid ok\n" : "getppid bad\n");
    print(jump_into_pair(3) == -9 ? "jump ok\n" : "jump bad\n");
    print(flags_survive() ? "flags ok\n" : "flags bad\n");
    print(call3(100000, 0, 0, 0) == -38 ? "enosys ok\n" : "enosys bad\n");
    for (int i = 0; i < 1000; i++) {
        call3(102, 0, 0, 0);
    }
    call3(231, 33, 0, 0);
    __builtin_unreachable();
}
