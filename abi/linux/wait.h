/* SPDX-License-Identifier: MIT
 *
 * wait4(2) and waitid(2) in Linux's ABI, and how a status is put together.
 */
#ifndef ABI_LINUX_WAIT_H
#define ABI_LINUX_WAIT_H

#ifndef WNOHANG
#define WNOHANG    1
#define WUNTRACED  2
#define WSTOPPED   2
#define WEXITED    4
#define WCONTINUED 8
#define WNOWAIT    0x01000000
#endif
#define ABI_WNOTHREAD 0x20000000
#define ABI_WALL      0x40000000
#define ABI_WCLONE    0x80000000u

#define ABI_P_ALL   0
#define ABI_P_PID   1
#define ABI_P_PGID  2
#define ABI_P_PIDFD 3

/* wait(2) statuses. */
#define WSTATUS_EXIT(code)  (((code)&0xff) << 8)
#define WSTATUS_SIGNAL(sig) ((sig)&0x7f)
#define WSTATUS_CORE        0x80
#define WSTATUS_STOP(sig)   (((sig)&0xff) << 8 | 0x7f)
#define WSTATUS_EVENT(code) ((code) << 8 | 0x7f) /* of ptrace(2), too */
#define WSTATUS_CONTINUED   0xffff

#endif
