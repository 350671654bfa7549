/* SPDX-License-Identifier: MIT */
/*
 * Runs a program as on a CPU without protection keys and without CPUID
 * faulting: a seccomp filter refuses pkey_alloc(2) and ARCH_SET_CPUID. The
 * guest learns of it by SGXEMU_LACKS and skips what needs them.
 *
 * usage: sgxemu-lacking PROGRAM [ARG...]
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define LOAD(field)                                                            \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define RETURN(value)         BPF_STMT(BPF_RET | BPF_K, value)

int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        LOAD(nr),
        SKIP_UNLESS(SYS_pkey_alloc, 1),
        RETURN(SECCOMP_RET_ERRNO | ENOSPC),
        SKIP_UNLESS(SYS_arch_prctl, 3),
        LOAD(args[0]),
        SKIP_UNLESS(ARCH_SET_CPUID, 1),
        RETURN(SECCOMP_RET_ERRNO | ENODEV),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};

    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
        perror("sgxemu-lacking");
        return 125;
    }
    setenv("SGXEMU_LACKS", " ospke cpuid_fault ", 1);
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
