/* SPDX-License-Identifier: MIT
 *
 * enclos check: what this machine offers, and what to do about what is
 * missing. Exit status 0 when target linux can run here.
 */
#include "tools/cli/cli.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };

static bool cpu_bit(unsigned leaf, unsigned sub, int reg, int bit)
{
    unsigned r[4];

    if (!__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3])) {
        return false;
    }
    return r[reg] >> bit & 1;
}

static bool has_sgx(void)
{
    return cpu_bit(7, 0, 1, 2) && access("/dev/sgx_enclave", R_OK | W_OK) == 0;
}

static bool has_edmm(void)
{
    return has_sgx() && cpu_bit(0x12, 0, 0, 1);
}

static bool has_pku(void)
{
    return cpu_bit(7, 0, 2, 4); /* OSPKE */
}

static bool has_fsgsbase(void)
{
    return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
}

static bool has_sud(void)
{
    /* Off is always accepted where the call is known. */
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == 0;
}

static bool has_io_uring(void)
{
    /* A bad address is refused later than a call that is not allowed. */
    return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EFAULT;
}

static bool has_xsave(void)
{
    return cpu_bit(1, 0, 2, 27);
}

static bool has_map_count(void)
{
    FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
    long n = 0;

    if (f) {
        if (fscanf(f, "%ld", &n) != 1) {
            n = 0;
        }
        fclose(f);
    }
    return n >= 65530;
}

static bool has_address_space(void)
{
    struct rlimit r;

    return getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_cur == RLIM_INFINITY;
}

struct fact {
    const char *name;
    bool (*test)(void);
    bool required;      /* by target linux */
    const char *absent; /* what follows, and what to do */
};

static const struct fact facts[] = {
    {"FSGSBASE", has_fsgsbase, true,
     "needs Linux 5.9 or newer without 'nofsgsbase', and a CPU of 2012 on"},
    {"XSAVE", has_xsave, true, "needs a CPU with XSAVE"},
    {"Syscall User Dispatch", has_sud, true,
     "needs Linux 5.11 or newer with CONFIG_GENERIC_ENTRY"},
    {"address space", has_address_space, true,
     "raise the limit: ulimit -v unlimited"},
    {"vm.max_map_count", has_map_count, false,
     "large programs may fail: sysctl vm.max_map_count=65530"},
    {"io_uring", has_io_uring, false,
     "a thread pool is used; see sysctl kernel.io_uring_disabled, or the "
     "container's seccomp profile"},
    {"protection keys", has_pku, false,
     "no fault isolation between kernel and programs"},
    {"SGX", has_sgx, false,
     "no TEE: use target linux, which is NOT CONFIDENTIAL; on a machine with "
     "SGX enable it in the firmware and load the in-kernel driver"},
    {"SGX EDMM", has_edmm, false, "needs SGX2 and Linux 6.0 or newer"},
};

static int check_run(int argc, char **argv)
{
    bool usable = true;

    if (argc > 1) {
        return fail("check takes no arguments");
    }
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const struct fact *f = &facts[i];
        bool there = f->test();

        printf("%-24s%s\n", f->name, there ? "yes" : "no");
        if (!there) {
            printf("    %s\n", f->absent);
        }
        usable = usable && (there || !f->required);
    }
    printf("target linux: %s\n", usable ? "can run here" : "cannot run here");
    return usable ? 0 : 1;
}

const struct command command_check = {
    .name = "check",
    .usage = "",
    .help = "says what this machine offers and what to do about the rest",
    .run = check_run,
};
