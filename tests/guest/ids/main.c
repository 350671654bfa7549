/* SPDX-License-Identifier: MIT
 *
 * The user and group ids as root: what each call changes, file system ids
 * that follow, and the way back that is or is not left open.
 */
#include <sys/fsuid.h>
#include "tests/guest/show.h"

static void look(void)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("uid %d %d %d fs %ld, gid %d %d %d fs %ld\n", r, e, s,
           syscall(SYS_setfsuid, -1), gr, ge, gs, syscall(SYS_setfsgid, -1));
}

static void groups_first(void)
{
    title("gid");
    CALL(setgid, 5);
    look();
    CALL(setregid, 6, 7);
    look();
    CALL(setregid, -1, 8);
    look();
    CALL(setregid, 9, -1);
    look();
    CALL(setresgid, 1, 2, 3);
    look();
    CALL(setresgid, -1, -1, 4);
    look();
    CALL(setfsgid, 50);
    look();
    CALL(setgid, -1);
    CALL(setresgid, 0, 0, 0);
}

static void users(void)
{
    title("uid");
    CALL(setresuid, 10, 0, 20);
    look();
    CALL(setreuid, 0, -1);
    look();
    CALL(setreuid, -1, 30);
    look();
    CALL(setreuid, -1, 0);
    look();
    CALL(setresuid, 0, 0, 0);
    CALL(setfsuid, 60);
    look();
    put("/tmp/mine", "");
    show_stat("/tmp/mine");
    CALL(setfsuid, 0);
    CALL(setuid, -1);
    title("away and back");
    CALL(setresuid, 100, 100, 0);
    look();
    CALL(setuid, 200);
    CALL(setfsuid, 0);
    look();
    CALL(setfsuid, 5);
    look();
    CALL(setresuid, 0, 100, 0);
    look();
    CALL(setreuid, 100, 0);
    look();
    CALL(setuid, 100);
    look();
    CALL(setuid, 0);
    CALL(setreuid, 0, -1);
    CALL(setreuid, -1, 0);
    CALL(setresuid, -1, -1, 0);
    CALL(setgid, 7);
    CALL(setgroups, 0, NULL);
    look();
}

int main(void)
{
    show_start();
    look();
    CALL(getuid);
    CALL(geteuid);
    CALL(getgid);
    CALL(getegid);
    CALL(getresuid, BAD, BAD, BAD);
    CALL(getresgid, BAD, BAD, BAD);
    groups_first();
    users();
    return 0;
}
