/* SPDX-License-Identifier: MIT
 *
 * A program may run with EFLAGS.AC set: its own unaligned accesses then
 * fault, the kernel's do not, neither in a call nor on the way to a handler.
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
    return 0;
}
