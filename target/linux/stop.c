/* SPDX-License-Identifier: MIT
 *
 * Last words, a rest, and the end. The process ends the way the program did:
 * with its exit code, or by the same signal, so that a shell sees what it would
 * see natively.
 */
#include "target/linux/host.h"
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <asm/ioctls.h>

struct host host;

void target_log(const char *line, size_t len)
{
    struct iovec iov[2] = {{(void *)line, len}, {"\n", 1}};
    int parts = len && line[len - 1] == '\n' ? 1 : 2;

    while (RAW(SYS_writev, host.log_fd, iov, parts) == -EINTR) {
    }
}

static void restore_terminal(void)
{
    if (host.tty_saved) {
        RAW(SYS_ioctl, 0, TCSETSW, host.tty_modes);
    }
}

/* No core file of ours, whatever the program died of: it would be the whole
 * instance's, and under another name's limits. */
static void die_by(int signo)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } sa = {0};
    uint64_t none = 0;

    RAW(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    RAW(SYS_rt_sigaction, signo, &sa, NULL, sizeof(none));
    RAW(SYS_tgkill, host.pid, RAW(SYS_gettid, 0), signo);
    RAW(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

void target_suspend(void)
{
    RAW(SYS_kill, host.pid, SIGSTOP);
}

void target_stop(int status)
{
    int signo = status & 0x7f;

    if (!atomic_xchg(&host.stopping, 1)) {
        restore_terminal();
    }
    if (signo) {
        die_by(signo);
    }
    for (;;) {
        RAW(SYS_exit_group, signo ? 128 + signo : (status >> 8) & 0xff);
    }
}
