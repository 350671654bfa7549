/* SPDX-License-Identifier: MIT
 *
 * The names of core files (core_dump.h).
 */
#include "kernel/proc/core_dump.h"
#include "kernel/core/timer.h"
#include "kernel/fs/procfs/tunable.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

static struct spinlock lock = SPINLOCK_INIT(LOCK_PROC); /* guards pattern */
static char pattern[CORE_PATTERN_BYTES] = "core";

void core_pattern_get(char text[CORE_PATTERN_BYTES])
{
    spin_lock(&lock);
    memcpy(text, pattern, CORE_PATTERN_BYTES);
    spin_unlock(&lock);
}

int core_pattern_set(const char *text, size_t len)
{
    while (len && text[len - 1] == '\n') {
        len--;
    }
    if (len >= CORE_PATTERN_BYTES || (len && text[0] == '|')) {
        return -EINVAL;
    }
    spin_lock(&lock);
    memset(pattern, 0, sizeof(pattern));
    memcpy(pattern, text, len);
    spin_unlock(&lock);
    return 0;
}

/* What %c stands for; returns the bytes written to out. */
static int expand(char c, int signo, char *out, size_t room)
{
    const struct proc *p = current_proc();

    switch (c) {
    case 'p':
    case 'P':
    case 'i':
    case 'I':
        return fmt_scnprintf(out, room, "%d", p->pid);
    case 's':
        return fmt_scnprintf(out, room, "%d", signo);
    case 'u':
        return fmt_scnprintf(out, room, "%u", p->cred.uid);
    case 'g':
        return fmt_scnprintf(out, room, "%u", p->cred.gid);
    case 'e':
        return fmt_scnprintf(out, room, "%s", p->comm);
    case 't':
        return fmt_scnprintf(out, room, "%ld",
                             (long)(clock_realtime() / (int64_t)NSEC_PER_SEC));
    case '%':
        return fmt_scnprintf(out, room, "%%");
    default:
        return 0;
    }
}

void core_name(int signo, char name[CORE_NAME_BYTES])
{
    char text[CORE_PATTERN_BYTES];
    bool has_pid = false;
    size_t n = 0;

    core_pattern_get(text);
    for (const char *c = text; *c && n < CORE_NAME_BYTES - 1; c++) {
        if (*c != '%') {
            name[n++] = *c;
        } else if (c[1]) {
            has_pid |= c[1] == 'p';
            n += (size_t)expand(*++c, signo, name + n, CORE_NAME_BYTES - n);
        }
    }
    name[n] = '\0';
    if (n && !has_pid && tunable(&tunable_core_uses_pid)) {
        fmt_scnprintf(name + n, CORE_NAME_BYTES - n, ".%d",
                      current_proc()->pid);
    }
}
