/* SPDX-License-Identifier: MIT
 *
 * wait4 and waitid without children, process groups and sessions: what is
 * refused.
 */
#include <sys/wait.h>
#include "tests/guest/show.h"

int main(void)
{
    siginfo_t si;
    int status;

    show_start();
    CALL(wait4, -1, &status, 0, NULL);
    CALL(wait4, -1, &status, WNOHANG, NULL);
    CALL(wait4, 0, &status, 0, NULL);
    CALL(wait4, 0x3ffffff, &status, 0, NULL);
    CALL(wait4, -0x3ffffff, &status, 0, NULL);
    CALL(wait4, INT32_MIN, &status, 0, NULL);
    CALL(wait4, -1, &status, 0x10, NULL);
    CALL(wait4, -1, BAD, 0, BAD);
    CALL(waitid, P_ALL, 0, &si, WEXITED, NULL);
    CALL(waitid, P_ALL, 0, &si, WEXITED | WNOHANG, NULL);
    CALL(waitid, P_PID, 0x3ffffff, &si, WEXITED, NULL);
    CALL(waitid, P_PID, 0, &si, WEXITED, NULL);
    CALL(waitid, P_PID, -1, &si, WEXITED, NULL);
    CALL(waitid, P_PGID, -1, &si, WEXITED, NULL);
    CALL(waitid, P_PGID, 0, &si, WEXITED, NULL);
    CALL(waitid, 9, 0, &si, WEXITED, NULL);
    CALL(waitid, P_ALL, 0, &si, 0, NULL);
    CALL(waitid, P_ALL, 0, &si, WNOHANG, NULL);
    CALL(waitid, P_ALL, 0, &si, WEXITED | 0x10, NULL);
    CALL(waitid, P_PIDFD, 99, &si, WEXITED, NULL);
    CALL(waitid, P_PIDFD, 0, &si, WEXITED, NULL);
    title("groups and sessions");
    CALL(getpgid, 0x3ffffff);
    CALL(getpgid, -1);
    CALL(getsid, 0x3ffffff);
    CALL(getsid, -1);
    printf("the same %d\n", getpgid(0) == getpgrp() &&
                                getpgid(getpid()) == getpgrp() &&
                                getsid(0) == getsid(getpid()));
    CALL(setpgid, 0x3ffffff, 0);
    CALL(setpgid, 0, -1);
    CALL(setpgid, -1, 0);
    CALL(setpgid, 0, 0x3ffffff);
    return 0;
}
