/* SPDX-License-Identifier: MIT
 *
 * clone: the combinations of flags that it refuses. None of these makes
 * anything.
 */
#include <sched.h>
#include <signal.h>
#include "tests/guest/show.h"

int main(void)
{
    static char stack[65536];
    void *top = stack + sizeof(stack);

    show_start();
    CALL(clone, CLONE_THREAD, top, NULL, NULL, 0L);
    CALL(clone, CLONE_THREAD | CLONE_VM, top, NULL, NULL, 0L);
    CALL(clone, CLONE_SIGHAND, top, NULL, NULL, 0L);
    CALL(clone, CLONE_FS | CLONE_NEWNS, top, NULL, NULL, 0L);
    CALL(clone, CLONE_FS | CLONE_NEWUSER, top, NULL, NULL, 0L);
    CALL(clone, CLONE_THREAD | CLONE_SIGHAND, top, NULL, NULL, 0L);
    CALL(clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, top, stack, NULL, 0L);
    CALL(clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, top, stack, NULL,
         0L);
    CALL(clone, CLONE_PIDFD | SIGCHLD, top, BAD, NULL, 0L);
    CALL(clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID, top,
         NULL, NULL, 0L);
    CALL(clone, CLONE_NEWPID | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, top,
         NULL, NULL, 0L);
    return 0;
}
