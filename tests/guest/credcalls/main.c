/* SPDX-License-Identifier: MIT
 *
 * Users, groups and capabilities: from root down to a user who may do nothing
 * any more. Capabilities are shown as differences, since root's own may be
 * fewer than all.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include "tests/guest/show.h"

static void show_ids(void)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    syscall(SYS_getresuid, &r, &e, &s);
    syscall(SYS_getresgid, &gr, &ge, &gs);
    printf("uid %d %d %d fs %ld gid %d %d %d fs %ld\n", r, e, s,
           syscall(SYS_setfsuid, -1), gr, ge, gs, syscall(SYS_setfsgid, -1));
}

static struct __user_cap_data_struct data[2];
static struct __user_cap_header_struct header;

static void get_caps(void)
{
    header.version = _LINUX_CAPABILITY_VERSION_3;
    header.pid = 0;
    syscall(SYS_capget, &header, data);
}

static void show_caps(void)
{
    get_caps();
    printf("setuid: effective %d permitted %d inheritable %d\n",
           data[0].effective >> CAP_SETUID & 1,
           data[0].permitted >> CAP_SETUID & 1,
           data[0].inheritable >> CAP_SETUID & 1);
}

static void capabilities(void)
{
    header.version = 0;
    CALL(capget, &header, data);
    EXPECT(header.version == _LINUX_CAPABILITY_VERSION_3);
    header.version = 0;
    CALL(capget, &header, NULL);
    CALL(capget, BAD, data);
    header.pid = -1;
    CALL(capget, &header, data);
    header.pid = 0x3ffffff0;
    CALL(capget, &header, data);
    header.pid = 0x3ffffff0;
    CALL(capset, &header, BAD);
    get_caps();
    CALL(capset, &header, BAD);
    data[0].inheritable |= 1 << CAP_SETUID;
    CALL(capset, &header, data);
    show_caps();
    data[0].effective &= ~(1u << CAP_SETUID);
    CALL(capset, &header, data);
    CALL(setuid, 5);
    CALL(setresuid, 1, 2, 3);
    data[0].effective |= 1 << CAP_SETUID;
    CALL(capset, &header, data);
    show_caps();
    CALL(prctl, PR_CAPBSET_READ, CAP_SETUID, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_READ, 99, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_DROP, 99, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_READ, CAP_MKNOD, 0, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SETUID, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, 9, CAP_SETUID, 0, 0);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0);
    CALL(prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
    CALL(prctl, PR_SET_SECUREBITS, 1 << 20, 0, 0, 0);
}

static void groups(void)
{
    gid_t some[] = {5, 3, 70000}, got[8] = {0};

    CALL(setgroups, 3, some);
    CALL(getgroups, 0, NULL);
    CALL(getgroups, 8, got);
    printf("%d %d %d\n", got[0], got[1], got[2]);
    CALL(getgroups, 2, got);
    CALL(getgroups, -1L, got);
    CALL(getgroups, 8, BAD);
    CALL(setgroups, 100000, some);
    CALL(setgroups, 3, BAD);
    CALL(setgroups, 0, NULL);
    CALL(getgroups, 8, got);
}

static void ids(void)
{
    show_ids();
    CALL(setuid, -1L);
    CALL(setgid, -1L);
    CALL(setresgid, 10, 11, 12);
    show_ids();
    CALL(setregid, -1L, 10);
    show_ids();
    CALL(setgid, 20);
    show_ids();
    CALL(setfsgid, 30);
    show_ids();
    CALL(setfsuid, 40);
    show_ids();
    CALL(setfsuid, 0);
    CALL(setresuid, 0, 1000, 0);
    show_ids();
    show_caps();
    CALL(setresuid, 1, 2, 3);
    CALL(setuid, 0);
    show_ids();
    show_caps();
    CALL(setreuid, 1000, 1001);
    show_ids();
    show_caps();
    CALL(setreuid, 1001, 1000);
    show_ids();
    CALL(setreuid, 5, -1L);
    CALL(setuid, 1001);
    show_ids();
    CALL(setuid, 0);
    CALL(setgid, 0);
    CALL(setgid, 20);
    CALL(setresgid, 1, 2, 3);
    CALL(setgroups, 0, NULL);
    CALL(setfsuid, 0);
    CALL(prctl, PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0);
    show_ids();
}

static void keeping(void)
{
    CALL(prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0);
    CALL(prctl, PR_SET_KEEPCAPS, 2, 0, 0, 0);
    CALL(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
    CALL(prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0);
    CALL(setresuid, 1000, 1000, 1000);
    show_caps();
    data[0].effective = data[0].permitted;
    CALL(capset, &header, data);
    CALL(setresuid, 0, 0, 0);
    CALL(prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

int main(void)
{
    show_start();
    capabilities();
    groups();
    keeping();
    ids();
    return 0;
}
