/* SPDX-License-Identifier: MIT
 *
 * Changes its GS base, which a program may do under Linux and may not under
 * enclos, and goes on to a system call. usage: gs base|zero|selector
 */
#include <immintrin.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char own[1 << 16];

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    printf("before\n");
    fflush(stdout);
    if (!strcmp(how, "base")) {
        _writegsbase_u64((unsigned long long)own);
    } else if (!strcmp(how, "zero")) {
        _writegsbase_u64(0);
    } else if (!strcmp(how, "selector")) {
        __asm__ volatile("mov %0, %%gs" ::"r"(0));
    }
    printf("after, process %s\n", getpid() > 0 ? "alive" : "?");
    return 0;
}
