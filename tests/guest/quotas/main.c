/* SPDX-License-Identifier: MIT
 *
 * quotactl(2) and quotactl_fd(2) where nothing has quotas: which error it is.
 */
#include "tests/guest/show.h"

#define CMD(cmd, type) ((int)((cmd) << 8 | (type)))

enum {
    SYNC = 0x800001,
    QUOTAON = 0x800002,
    GETQUOTA = 0x800007,
    SYS_QUOTACTL_FD = 443
};

static void by_path(void)
{
    char buf[200];

    CALL(quotactl, CMD(SYNC, 0), NULL, 0, NULL);
    CALL(quotactl, CMD(SYNC, 2), NULL, 0, NULL);
    CALL(quotactl, CMD(SYNC, 3), NULL, 0, NULL);
    CALL(quotactl, CMD(GETQUOTA, 0), NULL, 0, buf);
    CALL(quotactl, CMD(GETQUOTA, 0), "/tmp", 0, buf);
    CALL(quotactl, CMD(GETQUOTA, 0), "/dev/null", 0, buf);
    CALL(quotactl, CMD(GETQUOTA, 0), "/none", 0, buf);
    CALL(quotactl, CMD(GETQUOTA, 0), BAD, 0, buf);
    CALL(quotactl, CMD(GETQUOTA, 7), "/none", 0, buf);
    CALL(quotactl, CMD(0x1234, 0), "/tmp", 0, buf);
    CALL(quotactl, CMD(QUOTAON, 0), "/tmp", 2, "/none");
}

static void by_descriptor(void)
{
    int fd = open("/proc", O_RDONLY), path = open("/proc", O_PATH);
    char buf[200];

    CALL(QUOTACTL_FD, fd, CMD(GETQUOTA, 0), 0, buf);
    CALL(QUOTACTL_FD, fd, CMD(SYNC, 0), 0, buf);
    CALL(QUOTACTL_FD, fd, CMD(GETQUOTA, 3), 0, buf);
    CALL(QUOTACTL_FD, path, CMD(GETQUOTA, 0), 0, buf);
    CALL(QUOTACTL_FD, 99, CMD(GETQUOTA, 3), 0, buf);
    close(fd);
    close(path);
}

int main(void)
{
    show_start();
    by_path();
    by_descriptor();
    setresuid(NOBODY, NOBODY, NOBODY);
    title("nobody");
    by_path();
    by_descriptor();
    return 0;
}
