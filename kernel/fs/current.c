/* SPDX-License-Identifier: MIT
 *
 * Signals that file operations send (current.h): SIGPIPE, SIGXFSZ.
 */
#include "kernel/fs/current.h"
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
