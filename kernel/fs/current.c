/* SPDX-License-Identifier: MIT
 *
 * Signals that file operations send (current.h): SIGPIPE, SIGXFSZ; pidfds that
 * come with data of sockets.
 */
#include "kernel/fs/current.h"
#include "kernel/proc/pidfd.h"
#include "lib/string.h"

void current_signal(int signo)
{
    struct k_siginfo info;
    struct thread *t = current_thread();

    if (!t) {
        return;
    }
    memset(&info, 0, sizeof(info));
    info.signo = signo;
    info.kill.pid = t->proc->pid;
    info.kill.uid = t->proc->cred.uid;
    signal_send_thread(t, &info);
}

int fs_pidfd(struct proc *p, struct file **out)
{
    return pidfd_new(p, 0, out);
}
