/* SPDX-License-Identifier: MIT
 *
 * Calls that change the machine, asked by somebody without privilege: the
 * refusal, not the missing call, is what programs expect.
 */
#include <sys/mount.h>
#include "tests/guest/show.h"

int main(void)
{
    char buf[200] = {0};

    show_start();
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(reboot, 0xfee1dead, 672274793, 0, NULL);
    CALL(swapon, "/tmp/x", 0);
    CALL(swapoff, "/tmp/x");
    CALL(acct, "/tmp/x");
    CALL(vhangup);
    CALL(pivot_root, "/tmp", "/tmp");
    CALL(chroot, "/tmp");
    CALL(mount, "none", "/tmp", "tmpfs", 0, NULL);
    CALL(umount2, "/tmp", 0);
    CALL(settimeofday, &(struct timespec){1, 1}, NULL);
    CALL(sethostname, "x", 1);
    CALL(syslog, 5, buf, 0);
    CALL(setpriority, 0, 0, -5);
    CALL(setgroups, 0, NULL);
    return 0;
}
