/* SPDX-License-Identifier: MIT
 *
 * capget and capset: versions, the sets when ids change, giving up one
 * capability, PR_SET_KEEPCAPS, refusals.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include "tests/guest/show.h"

static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct data[2];

static int has(int cap)
{
    syscall(SYS_capget, &head, data);
    return !!(data[cap / 32].effective & 1u << cap % 32) +
           2 * !!(data[cap / 32].permitted & 1u << cap % 32) +
           4 * !!(data[cap / 32].inheritable & 1u << cap % 32);
}

static void look(const char *what)
{
    printf("%s: chown %d setuid %d dac %d kill %d\n", what, has(CAP_CHOWN),
           has(CAP_SETUID), has(CAP_DAC_OVERRIDE), has(CAP_KILL));
}

static void versions(void)
{
    struct __user_cap_header_struct odd = {0x12345678, 0};

    title("versions");
    CALL(capget, &odd, NULL);
    printf("%x\n", odd.version);
    odd.version = 0x12345678;
    CALL(capget, &odd, data);
    odd.version = _LINUX_CAPABILITY_VERSION_1;
    CALL(capget, &odd, data);
    odd.version = _LINUX_CAPABILITY_VERSION_2;
    CALL(capget, &odd, data);
    CALL(capget, BAD, data);
    CALL(capget, &head, BAD);
    odd.version = _LINUX_CAPABILITY_VERSION_3;
    odd.pid = -1;
    CALL(capget, &odd, data);
    odd.pid = 0x3ffffff;
    CALL(capget, &odd, data);
}

static void giving_up(void)
{
    title("giving up one");
    put("/tmp/f", "");
    look("root");
    syscall(SYS_capget, &head, data);
    data[0].effective &= ~(1u << CAP_CHOWN);
    CALL(capset, &head, data);
    look("not effective");
    CALL(chown, "/tmp/f", 1, 1);
    data[0].effective |= 1u << CAP_CHOWN;
    CALL(capset, &head, data);
    CALL(chown, "/tmp/f", 1, 1);
    syscall(SYS_capget, &head, data);
    data[0].permitted &= ~(1u << CAP_CHOWN);
    CALL(capset, &head, data);
    data[0].effective &= ~(1u << CAP_CHOWN);
    CALL(capset, &head, data);
    look("not permitted");
    CALL(chown, "/tmp/f", 2, 2);
    data[0].permitted |= 1u << CAP_CHOWN;
    CALL(capset, &head, data);
    data[0].permitted &= ~(1u << CAP_CHOWN);
    data[0].inheritable = 1u << CAP_KILL;
    CALL(capset, &head, data);
    look("inheritable");
    CALL(capset, &head, BAD);
}

static void with_ids(void)
{
    title("ids");
    CALL(setresuid, -1, 5, -1);
    look("effective 5");
    CALL(setresuid, -1, 0, -1);
    look("back");
    CALL(setfsuid, 5);
    look("file system 5");
    CALL(setfsuid, 0);
    look("back");
    CALL(prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
    syscall(SYS_capget, &head, data);
    data[0].inheritable |= 1u << CAP_KILL;
    CALL(capset, &head, data);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0L, 0L);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0L, 0L);
    CALL(setresuid, 5, 5, 5);
    look("kept");
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0L, 0L);
    syscall(SYS_capget, &head, data);
    data[0].effective = 1u << CAP_DAC_OVERRIDE;
    data[1].effective = 0;
    CALL(capset, &head, data);
    look("one effective");
    chmod("/tmp/f", 0);
    close(CALL(open, "/tmp/f", O_RDWR));
    CALL(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L);
    memset(data, 0, sizeof(data));
    CALL(capset, &head, data);
    look("none");
    CALL(open, "/tmp/f", O_RDWR);
}

int main(void)
{
    show_start();
    versions();
    giving_up();
    with_ids();
    return 0;
}
