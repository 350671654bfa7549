/* SPDX-License-Identifier: MIT
 *
 * Supplementary groups: getgroups and setgroups, order, limits, and what
 * they open.
 */
#include "tests/guest/show.h"

static unsigned list[70000];

static void look(void)
{
    memset(list, 0xee, 100);
    long n = CALL(getgroups, 20, list);

    for (long i = 0; i < n; i++) {
        printf("%u ", list[i]);
    }
    printf("\n");
}

int main(void)
{
    unsigned some[] = {30, 10, 20, 10};

    show_start();
    put("/tmp/f", "");
    chown("/tmp/f", 0, 20);
    chmod("/tmp/f", 0060);
    CALL(setgroups, 0, NULL);
    look();
    CALL(setgroups, 4, some);
    look();
    CALL(getgroups, 0, NULL);
    CALL(getgroups, 3, list);
    CALL(getgroups, -1, list);
    CALL(getgroups, 20, BAD);
    CALL(setgroups, 4, BAD);
    CALL(setgroups, -1, some);
    CALL(setgroups, 65537, list);
    memset(list, 1, sizeof(list));
    CALL(setgroups, 65536, list);
    CALL(getgroups, 0, NULL);
    CALL(setgroups, 4, some);
    CALL(setresgid, 5, 5, 5);
    CALL(setresuid, 5, 5, 5);
    look();
    close(CALL(open, "/tmp/f", O_RDWR));
    CALL(setgroups, 1, some);
    CALL(setgroups, 0, NULL);
    return 0;
}
