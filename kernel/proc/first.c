/* SPDX-License-Identifier: MIT
 *
 * Process 1: made from what the target hands over, then an execve(2) of its
 * own. It is an ordinary process, but when it ends, everything ends.
 */
#include "kernel/proc/exec/exec.h"
#include "kernel/proc/room.h"
#include "kernel/proc/uts.h"
#include "abi/policy.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/resource.h"
#include "abi/linux/signal.h"
#include "abi/linux/wait.h"
#include "kernel/core/log.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum { CANNOT_START = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* Linux's defaults, and what container engines usually set beside them. */
static const struct rlimit64 first_limits[RLIMIT_COUNT] = {
    [LIMIT_CPU] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_FSIZE] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_DATA] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_STACK] = {8 << 20, LIMIT_INFINITY},
    [LIMIT_CORE] = {0, LIMIT_INFINITY},
    [LIMIT_RSS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_NPROC] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_NOFILE] = {1024, 1048576},
    [LIMIT_MEMLOCK] = {8 << 20, 8 << 20},
    [LIMIT_AS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_LOCKS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_SIGPENDING] = {16384, 16384},
    [LIMIT_MSGQUEUE] = {819200, 819200},
    [LIMIT_NICE] = {0, 0},
    [LIMIT_RTPRIO] = {0, 0},
    [LIMIT_RTTIME] = {LIMIT_INFINITY, LIMIT_INFINITY},
};

static const struct boot_info *first_info; /* lives as long as we do */

/* The defaults, but for what the policy says. */
static void set_limits(struct proc *p, const struct policy *policy)
{
    const struct policy_limit *l;

    memcpy(p->limits, first_limits, sizeof(p->limits));
    if (!policy) {
        return;
    }
    l = policy_at(policy, policy->limits.at);
    for (uint32_t i = 0; i < policy->limits.count; i++, l++) {
        p->limits[l->resource] = (struct rlimit64){l->soft, l->hard};
    }
}

static const char *env_value(const struct boot_info *info, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *e = info->envp; *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
            return *e + len + 1;
        }
    }
    return NULL;
}

static int can_execute(const char *path)
{
    struct file *f;
    int err = file_open_exec(AT_FDCWD, path, 0, &f);

    if (!err) {
        file_put(f);
    }
    return err;
}

/* A name without a slash is looked for along PATH, as execvp(3) does. */
static int find_program(const struct boot_info *info, char *path, size_t size)
{
    const char *dirs = env_value(info, "PATH");
    int result = -ENOENT;

    if (strchr(info->program, '/')) {
        return strlcpy(path, info->program, size) < size ? 0 : -ENAMETOOLONG;
    }
    dirs = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin";
    for (const char *dir = dirs;; dir++) {
        const char *end = strchr(dir, ':');
        int len = end ? (int)(end - dir) : (int)strlen(dir);
        int n = fmt_snprintf(path, size, "%.*s%s%s", len, dir, len ? "/" : "",
                             info->program);
        int err = n < (int)size ? can_execute(path) : -ENAMETOOLONG;

        if (!err) {
            return 0;
        }
        if (err == -EACCES) {
            result = err;
        }
        if (!end) {
            return result;
        }
        dir = end;
    }
}

static int copy_strings(const struct boot_info *info, struct exec_args *args)
{
    int err = 0;

    for (const char *const *s = info->argv; *s && !err; s++) {
        err = exec_args_add(args, *s, strlen(*s), false);
    }
    for (const char *const *s = info->envp; *s && !err; s++) {
        err = exec_args_add(args, *s, strlen(*s), true);
    }
    return err;
}

static const char *reason(int err)
{
    switch (-err) {
    case ENOENT:
    case ENOTDIR:
        return "not found";
    case EACCES:
    case EPERM:
        return "permission denied";
    case ENOEXEC:
        return "not an executable that can run here";
    case ELIBBAD:
        return "its dynamic linker is not a valid ELF file";
    case E2BIG:
        return "arguments and environment are too long";
    case ENOMEM:
        return "no memory";
    case EIO:
        return "input/output error";
    default:
        return "cannot be executed";
    }
}

static _Noreturn void give_up(const struct boot_info *info, int err)
{
    int status = err == -ENOENT || err == -ENOTDIR ? NOT_FOUND : CANNOT_EXECUTE;

    log_error("%s: %s (error %d)", info->program, reason(err), -err);
    kernel_stop(WSTATUS_EXIT(status));
}

static int run_program(const struct boot_info *info)
{
    static char path[4096];
    struct exec_args args;
    int err;

    exec_args_init(&args, exec_args_limit(current_proc()));
    err = copy_strings(info, &args);
    if (!err) {
        err = find_program(info, path, sizeof(path));
    }
    if (!err) {
        err = proc_exec(AT_FDCWD, path, 0, &args);
    }
    exec_args_free(&args);
    return err;
}

static void ignore_signals(struct signal_state *s, uint64_t set)
{
    set &= ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
    for (unsigned i = 0; i < NSIG; i++) {
        s->actions[i].handler = set >> i & 1 ? SIG_IGN : SIG_DFL;
    }
}

/* The first thread's first function. */
static void first_thread(void *arg)
{
    struct thread *t = arg;
    const struct boot_info *info = first_info;
    int err = fs_first(info, &t->view, &t->files);

    if (err) {
        log_error("cannot open the first files: error %d", -err);
        kernel_stop(WSTATUS_EXIT(CANNOT_START));
    }
    ignore_signals(&t->proc->signals, info->ignored_signals);
    err = run_program(info);
    if (err) {
        give_up(info, err);
    }
    arch_user_return();
}

int proc_start_first(const struct boot_info *info)
{
    struct proc *p;
    struct thread *t;
    int err;

    first_info = info;
    proc_init();
    futex_init();
    uts_init(info->hostname, info->memory_limit);
    proc_set_reports(info->stats);
    err = proc_alloc(&p);
    if (err) {
        return err;
    }
    t = thread_alloc();
    if (!t) {
        proc_put(p);
        return -ENOMEM;
    }
    cred_first(&p->cred, info->uid, info->gid);
    set_limits(p, info->policy);
    p->exit_signal = SIGCHLD;
    thread_init(t, p, first_thread);
    fpu_reset(&t->task.fpu);
    t->task.fpu_saved = 1;
    spin_lock(&proc_lock);
    p->sees_terminal = true;
    p->pid = p->pgid = p->sid = t->tid = pid_alloc();
    pid_insert_proc(p);
    thread_attach(t);
    spin_unlock(&proc_lock);
    task_start(&t->task);
    return 0;
}
