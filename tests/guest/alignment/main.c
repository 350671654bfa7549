/* SPDX-License-Identifier: MIT
 *
 * A program may run with EFLAGS.AC set: its own unaligned accesses then
 * fault, the kernel's do not, neither in a call nor on the way to a handler.
 * Like AC, DF and the arithmetic flags are after a call what they were before.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int hit;

static void on_signal(int signo)
{
    hit++;
}

/* getppid(2) with these flags, and what they are behind it. */
static unsigned long flags_after_call(unsigned long flags, long *parent)
{
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "push %0\n\tpopfq\n\t"
                     "mov $110, %%eax\n\tsyscall\n\t"
                     "pushfq\n\tpushq $2\n\tpopfq\n\tpop %0\n\t"
                     "add $128, %%rsp"
                     : "+r"(flags), "=&a"(*parent)::"rcx", "r11", "memory",
                       "cc");
    return flags;
}

/* CF, PF, AF, ZF, SF, DF, OF and AC, in every combination. */
static void check_flags(void)
{
    static const unsigned long bits[] = {0x1,  0x4,   0x10,  0x40,
                                         0x80, 0x400, 0x800, 0x40000};
    int changed = 0, wrong = 0;
    unsigned long all = 0;
    long parent;

    for (int i = 0; i < 8; i++) {
        all |= bits[i];
    }
    for (int set = 0; set < 256; set++) {
        unsigned long flags = 0x202;

        for (int i = 0; i < 8; i++) {
            flags |= set >> i & 1 ? bits[i] : 0;
        }
        changed += ((flags_after_call(flags, &parent) ^ flags) & all) != 0;
        wrong += parent != getppid();
    }
    printf("flags: %d of 256 changed, %d wrong results\n", changed, wrong);
}

int main(void)
{
    long pid;

    signal(SIGUSR1, on_signal);
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\t"
                     "mov $39, %%eax\n\tsyscall\n\tmov %%rax, %0\n\t"
                     "mov %0, %%rdi\n\tmov $10, %%esi\n\t"
                     "mov $62, %%eax\n\tsyscall\n\t"
                     "pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq\n\t"
                     "add $128, %%rsp"
                     : "=&r"(pid)::"rax", "rcx", "r11", "rdi", "rsi", "memory",
                       "cc");
    printf("pid %d hit %d\n", pid == getpid(), hit);
    check_flags();
    return 0;
}
