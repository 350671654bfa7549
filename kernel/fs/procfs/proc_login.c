/* SPDX-License-Identifier: MIT
 *
 * procfs: loginuid and sessionid, by which audit knows who logged in. A login
 * (sshd, cron, login: pam_loginuid(8)) sets the first once, for itself and all
 * that it starts, and so begins a session; to change it again takes
 * CAP_AUDIT_CONTROL. Nothing here is audited: they are kept and shown.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/path.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"

static uint32_t last_session; /* atomic */

static int get_login(struct thread *t, void *arg)
{
    *(uint32_t *)arg = t->login_uid;
    return 0;
}

static int get_session(struct thread *t, void *arg)
{
    *(uint32_t *)arg = t->login_session;
    return 0;
}

static int show(struct text *t, const struct pseudo_at *at,
                int (*get)(struct thread *t, void *arg))
{
    uint32_t value = 0;
    int err = with_thread(at, get, &value);

    if (!err) {
        text_add(t, "%u", value);
    }
    return err;
}

int show_loginuid(struct text *t, const struct pseudo_at *at)
{
    return show(t, at, get_login);
}

int show_sessionid(struct text *t, const struct pseudo_at *at)
{
    return show(t, at, get_session);
}

static int parse(const char *buf, size_t len, uint32_t *out)
{
    uint64_t n = 0;
    size_t i = len && buf[0] == '+', first = i;

    for (; i < len && buf[i] >= '0' && buf[i] <= '9'; i++) {
        n = n * 10 + (uint64_t)(buf[i] - '0');
        if (n > UINT32_MAX) {
            return -ERANGE;
        }
    }
    if (i == first || i + (i < len && buf[i] == '\n') != len) {
        return -EINVAL;
    }
    *out = (uint32_t)n;
    return 0;
}

static int set_login(struct thread *t, void *arg)
{
    uint32_t uid = *(uint32_t *)arg;
    struct fs_cred cred;

    if (t != current_thread()) {
        return -EPERM;
    }
    fs_current_cred(&cred);
    if (t->login_uid != LOGIN_NONE && !fs_capable(&cred, CAP_AUDIT_CONTROL)) {
        return -EPERM;
    }
    t->login_uid = uid;
    t->login_session =
        uid == LOGIN_NONE ? LOGIN_NONE : atomic_add_fetch(&last_session, 1);
    return 0;
}

int store_loginuid(const char *buf, size_t len, const struct pseudo_at *at)
{
    uint32_t uid;
    int err = parse(buf, len, &uid);

    return err ? err : with_thread(at, set_login, &uid);
}
