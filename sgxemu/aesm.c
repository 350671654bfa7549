/* SPDX-License-Identifier: MIT */
/*
 * connect(2) to AESM. The program's socket is replaced, under its descriptor,
 * by one end of a socket pair; the other end goes to a process of our own
 * executable (quote/service.c), two forks away so that the program never has
 * to wait for it.
 */
#include "sgxemu/aesm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static bool is_aesm(ucontext_t *uc)
{
    static const char abstract[] = "\0sgx_aesm_socket_base";
    uint64_t length = (uint64_t)REG(uc, RDX);
    struct sockaddr_un a = {0};

    if (length < 4 || length > sizeof(a) ||
        user_read(uc, &a, (uint64_t)REG(uc, RSI), length) ||
        a.sun_family != AF_UNIX) {
        return false;
    }
    return strcmp(a.sun_path, "/var/run/aesmd/aesm.socket") == 0 ||
           strcmp(a.sun_path, "/run/aesmd/aesm.socket") == 0 ||
           memcmp(a.sun_path, abstract, sizeof(abstract) - 1) == 0;
}

static void number(char *to, int v)
{
    char digits[12];
    int n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n) {
        *to++ = digits[--n];
    }
    *to = 0;
}

/* In the grandchild: becomes the service. */
static _Noreturn void serve(int fd)
{
    char self[sizeof(config.self)], machine_path[1024], digits[12];
    const char *argv[] = {"sgxemu", "--quoting-service", machine_path, digits,
                          NULL};
    const char *envp[] = {NULL};
    uint64_t none = 0;

    memcpy(self, config.self, sizeof(self));
    strncpy(machine_path, config.machine_path, sizeof(machine_path) - 1);
    machine_path[sizeof(machine_path) - 1] = 0;
    sys3(SYS_fcntl, fd, F_SETFD, 0);
    number(digits, fd);
    sys4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
    sys3(SYS_execve, self, argv, envp);
    for (;;) {
        sys1(SYS_exit_group, 127);
    }
}

bool aesm_connect(ucontext_t *uc, long *result)
{
    int fd = (int)REG(uc, RDI), pair[2], status;
    long flags, child;

    if (!is_aesm(uc)) {
        return false;
    }
    flags = sys3(SYS_fcntl, fd, F_GETFL, 0);
    if (flags < 0) {
        *result = flags;
        return true;
    }
    *result =
        sys4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    if (*result) {
        return true;
    }
    child = sys6(SYS_clone, 0, 0, 0, 0, 0, 0); /* no signal when it ends */
    if (child == 0) {
        if (sys6(SYS_clone, 0, 0, 0, 0, 0, 0) == 0) {
            serve(pair[1]);
        }
        sys1(SYS_exit_group, 0);
    }
    sys4(SYS_wait4, child, &status, __WALL, 0);
    sys1(SYS_close, pair[1]);
    sys3(SYS_fcntl, pair[0], F_SETFL, flags & O_NONBLOCK);
    flags = sys3(SYS_fcntl, fd, F_GETFD, 0);
    *result = sys3(SYS_dup3, pair[0], fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    *result = *result < 0 ? *result : 0;
    sys1(SYS_close, pair[0]);
    trace("sgxemu: quoting service on descriptor %d (EMULATED, NOT A TEE)\n",
          fd);
    return true;
}
