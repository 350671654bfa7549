/* SPDX-License-Identifier: MIT
 *
 * What the loader has relocated cannot be written to when the program's first
 * code runs, in each of several runs of the same program, one after the other.
 */
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 6, PAGE = 4096 };

extern char **environ;
static sigjmp_buf back;
static volatile int files, refused, written;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    siglongjmp(back, info->si_code == SEGV_ACCERR ? 1 : 2);
}

static void try_write(volatile char *at)
{
    int came = sigsetjmp(back, 1);

    if (came == 0) {
        *at = *at;
        written++;
    } else {
        refused += came == 1;
    }
}

static int try_file(struct dl_phdr_info *info, size_t size, void *arg)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = (info->dlpi_addr + p->p_vaddr) & -PAGE;
        uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & -PAGE;

        if (p->p_type == PT_GNU_RELRO && start < end) {
            files++;
            for (; start < end; start += PAGE) {
                try_write((volatile char *)start);
            }
        }
    }
    return 0;
}

__attribute__((constructor)) static void at_first(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &sa, NULL);
    dl_iterate_phdr(try_file, NULL);
    sa.sa_handler = SIG_DFL;
    sa.sa_flags = 0;
    sigaction(SIGSEGV, &sa, NULL);
}

int main(int argc, char **argv)
{
    char *again[] = {argv[0], "again", NULL};
    int status;
    pid_t pid;

    if (argc > 1) {
        return files > 2 && refused >= files && !written ? 0 : 1;
    }
    for (int i = 0; i < RUNS; i++) {
        if (posix_spawn(&pid, argv[0], NULL, NULL, again, environ) ||
            waitpid(pid, &status, 0) != pid) {
            perror("spawn");
            return 1;
        }
        printf("run %d: %d\n", i, status);
    }
    return 0;
}
