/* SPDX-License-Identifier: MIT
 *
 * The vsyscall page, which very old programs call: three entries at fixed
 * addresses, not readable, and a fault elsewhere in it.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include "tests/guest/show.h"

static sigjmp_buf back;

static void on_fault(int signo, siginfo_t *si, void *uc)
{
    siglongjmp(back, signo);
}

static int in_maps(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[300];
    int found = 0;

    while (f && fgets(line, sizeof(line), f)) {
        found |= !strncmp(line, "ffffffffff600000-ffffffffff601000 ", 34) &&
                 strstr(line, " [vsyscall]\n");
    }
    fclose(f);
    return found;
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    int (*gettime)(struct timeval *, void *) = (void *)0xffffffffff600000;
    time_t (*seconds)(time_t *) = (void *)0xffffffffff600400;
    long (*cpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
    struct timeval tv;
    unsigned node = 99;
    int r;

    show_start();
    sigaction(SIGSEGV, &sa, NULL);
    printf("gettimeofday %d ", gettime(&tv, NULL));
    printf("agrees %d\n", time(NULL) - tv.tv_sec <= 1);
    printf("time agrees %d\n", time(NULL) - seconds(NULL) <= 1);
    r = cpu(NULL, &node, NULL);
    printf("getcpu %d node %u\n", r, node);
    r = sigsetjmp(back, 1);
    if (!r) {
        ((void (*)(void))0xffffffffff600123)();
    }
    printf("elsewhere: signal %d\n", r);
    printf("in maps %d\n", in_maps());
    return 0;
}
