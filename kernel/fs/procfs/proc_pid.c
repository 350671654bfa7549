/* SPDX-License-Identifier: MIT
 *
 * procfs: what stands below /proc/PID and /proc/PID/task/TID (proc(5)).
 *
 * Facts of a thread are read under proc_lock (with_thread); address spaces
 * are counted first, since looking at them may block.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/proc/peer.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/exec/exec_text.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

int with_thread(const struct pseudo_at *at,
                int (*fn)(struct thread *t, void *arg), void *arg)
{
    struct proc *p = proc_at(at);
    struct thread *t;
    int err = -ESRCH;

    if (!p) {
        return err;
    }
    spin_lock(&proc_lock);
    t = thread_find(at->n[at->count > 1]);
    if (!t && at->count == 1 && !list_empty(&p->threads)) {
        /* The first thread has ended, others have not. */
        t = list_entry(list_first(&p->threads), struct thread, node);
    }
    if (t && t->proc == p) {
        err = fn(t, arg);
    }
    spin_unlock(&proc_lock);
    proc_put(p);
    return err;
}

/* The address space, counted; NULL in *out: a zombie's. */
static int get_mm(struct thread *t, void *arg)
{
    struct mm **out = arg;

    *out = t->proc->mm;
    if (*out) {
        mm_get(*out);
    }
    return 0;
}

int proc_exists(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (p) {
        proc_put(p);
    }
    return p ? 0 : -ESRCH;
}

int proc_lists(const struct pseudo_at *at)
{
    return proc_exists(at) ? -ENOENT : 0;
}

static bool is_own(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (p) {
        proc_put(p);
    }
    return p == current_proc();
}

int mm_at(const struct pseudo_at *at, struct mm **out)
{
    int err;

    *out = NULL;
    if (at->mm) { /* once it has ended there is nothing to see */
        if (mm_alive(at->mm)) {
            mm_get(at->mm);
            *out = at->mm;
        }
        return proc_exists(at);
    }
    err = with_thread(at, get_mm, out);
    return err == -ESRCH ? proc_exists(at) : err; /* a zombie has no thread */
}

/* 0: the current task may know all of it, or there is nothing to know. */
static int may_look(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    int err = !p ? -ESRCH : p->mm && !proc_may_trace(p) ? -EACCES : 0;

    if (p) {
        proc_put(p);
    }
    return err;
}

/* Maps are of the address space that there is now, whatever the process
 * executes later. */
static int open_maps(struct inode *inode, struct file *f)
{
    struct mm *mm;
    int err = may_look(pseudo_place(inode));

    err = err ? err : mm_at(pseudo_place(inode), &mm);
    if (err || !mm) {
        return err;
    }
    err = may_look(pseudo_place(inode)); /* execve(2) may have come between */
    if (err) {
        mm_put(mm);
        return err;
    }
    return pseudo_keep(f, mm);
}

/* What lies where in memory is for those who may trace (ptrace(2)). */
static int open_traced(struct inode *inode, struct file *f)
{
    return may_look(pseudo_place(inode));
}

static int show_coredump_filter(struct text *t, const struct pseudo_at *at)
{
    struct mm *mm;
    int err = mm_at(at, &mm);

    if (!err && mm) {
        text_add(t, "00000033\n");
        mm_put(mm);
    }
    return err;
}

/* ---- strings ---- */

/* Where the strings are in the process's memory now: a program may write
 * there (setproctitle), and so it is read, where it can be. */
static size_t read_strings(struct text *t, const struct pseudo_at *at, bool env)
{
    bool own = is_own(at);
    struct mm_layout *l;
    uint64_t from, end;
    struct mm *mm;
    size_t sum = 0, n = 1;

    if (mm_at(at, &mm) || !mm) {
        return 0;
    }
    l = mm_layout(mm);
    from = env ? l->env_start : l->arg_start;
    end = env ? l->env_end : l->arg_end;
    while (from < end && n && !t->failed) {
        char buf[512];

        n = MIN(end - from, (uint64_t)sizeof(buf));
        n = own ? copy_from_user_part(buf, uptr(from), n)
                : mm_peek(mm, from, buf, n);
        text_bytes(t, buf, n);
        from += n;
        sum += n;
    }
    mm_put(mm);
    return sum;
}

static int show_strings(struct text *t, const struct pseudo_at *at, bool env)
{
    struct proc *p = proc_at(at);
    struct exec_text *x;

    if (!p) {
        return -ESRCH;
    }
    if (!p->zombie && !read_strings(t, at, env)) {
        x = exec_text_of(p);
        if (x) {
            text_bytes(t, env ? x->text + x->args : x->text,
                       env ? x->env : x->args);
            exec_text_put(x);
        }
    }
    proc_put(p);
    return 0;
}

static int show_cmdline(struct text *t, const struct pseudo_at *at)
{
    return show_strings(t, at, false);
}

static int show_environ(struct text *t, const struct pseudo_at *at)
{
    return show_strings(t, at, true);
}

static int copy_comm(struct thread *t, void *arg)
{
    if (t->comm[0]) {
        memcpy(arg, t->comm, 16);
    }
    return 0;
}

static int show_comm(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    char comm[17] = {0};

    if (!p) {
        return -ESRCH;
    }
    memcpy(comm, p->comm, 16);
    proc_put(p);
    with_thread(at, copy_comm, comm); /* a zombie has its process's */
    text_add(t, "%s\n", comm);
    return 0;
}

static int set_comm(struct thread *t, void *arg)
{
    memcpy(t->comm, arg, 16);
    return 0;
}

static int store_comm(const char *buf, size_t len, const struct pseudo_at *at)
{
    char comm[16] = {0};

    if (!is_own(at)) {
        return -EINVAL;
    }
    memcpy(comm, buf, MIN(len, sizeof(comm) - 1));
    for (char *c = comm; *c; c++) {
        if (*c == '\n') {
            *c = '\0';
        }
    }
    return with_thread(at, set_comm, comm);
}

static int show_auxv(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (!p) {
        return -ESRCH;
    }
    text_bytes(t, p->auxv, p->auxv_len * sizeof(p->auxv[0]));
    proc_put(p);
    return 0;
}

static const struct {
    const char *name, *unit;
} limit_names[RLIMIT_COUNT] = {
    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"},  {"Max open files", "files"},
    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},  {"Max nice priority", NULL},
    {"Max realtime priority", NULL}, {"Max realtime timeout", "us"},
};

static void add_limit(struct text *t, uint64_t value)
{
    if (value == UINT64_MAX) {
        text_add(t, "%-20s ", "unlimited");
    } else {
        text_add(t, "%-20lu ", (unsigned long)value);
    }
}

static int show_limits(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (!p) {
        return -ESRCH;
    }
    text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
             "Hard Limit", "Units");
    for (int i = 0; i < RLIMIT_COUNT; i++) {
        text_add(t, "%-25s ", limit_names[i].name);
        add_limit(t, p->limits[i].cur);
        add_limit(t, p->limits[i].max);
        if (limit_names[i].unit) {
            text_add(t, "%-10s", limit_names[i].unit);
        }
        text_add(t, "\n");
    }
    proc_put(p);
    return 0;
}

static int show_personality(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (!p) {
        return -ESRCH;
    }
    text_add(t, "%08x\n", p->personality);
    proc_put(p);
    return 0;
}

/* ---- links ---- */

/* What the process executes, counted; a zombie, and a task of the kernel's,
 * executes nothing. */
static int exe_at(const struct pseudo_at *at, struct file **out)
{
    int err = may_look(at);
    struct proc *p = err ? NULL : proc_at(at);

    if (!p) {
        return err == -EACCES ? err : -ENOENT;
    }
    *out = proc_exe(p);
    proc_put(p);
    return *out ? 0 : -ENOENT;
}

static int link_exe(char *buf, size_t len, const struct pseudo_at *at)
{
    struct file *f;
    int n = exe_at(at, &f);

    if (!n) {
        n = file_path(f, buf, len);
        file_put(f);
    }
    return n;
}

static int follow_exe(struct path *out, const struct pseudo_at *at)
{
    struct file *f;
    int err = exe_at(at, &f);

    if (!err) {
        *out = f->path;
        path_get(out);
        file_put(f);
    }
    return err;
}

static int get_view(struct thread *t, void *arg)
{
    if (!t->view) { /* on its way out */
        return -ENOENT;
    }
    view_get(t->view);
    *(struct fs_view **)arg = t->view;
    return 0;
}

static int view_path(const struct pseudo_at *at, bool root, struct path *out)
{
    struct fs_view *view;
    int err = may_look(at);

    if (err || with_thread(at, get_view, &view)) {
        return err == -EACCES ? err : -ENOENT;
    }
    if (root) {
        view_get_root(view, out);
    } else {
        view_get_cwd(view, out);
    }
    view_put(view);
    return 0;
}

static int link_path(struct path *p, char *buf, size_t len)
{
    struct path root;
    int n;

    view_get_root(current_view(), &root);
    n = path_string(p, &root, buf, len, NULL);
    path_put(&root);
    path_put(p);
    return n;
}

static int link_cwd(char *buf, size_t len, const struct pseudo_at *at)
{
    struct path p;
    int err = view_path(at, false, &p);

    return err ? err : link_path(&p, buf, len);
}

static int link_root(char *buf, size_t len, const struct pseudo_at *at)
{
    struct path p;
    int err = view_path(at, true, &p);

    return err ? err : link_path(&p, buf, len);
}

static int follow_cwd(struct path *out, const struct pseudo_at *at)
{
    return view_path(at, false, out);
}

static int follow_root(struct path *out, const struct pseudo_at *at)
{
    return view_path(at, true, out);
}

/* ---- threads ---- */

/* The first one is there until the process has been waited for. */
static int next_tid(int from, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    int best;

    if (!p) {
        return -1;
    }
    spin_lock(&proc_lock);
    best = p->pid >= from && !p->reaped ? p->pid : -1;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, node);

        if (t->tid >= from && (best < 0 || t->tid < best)) {
            best = t->tid;
        }
    }
    spin_unlock(&proc_lock);
    proc_put(p);
    return best;
}

/* ---- the tables ---- */

/* Nothing is ever killed for its memory here: what is written is kept. oom_adj
 * is the same in older units. */
enum { OOM_MAX = 1000, OOM_DISABLE = 17 };

static int show_oom_score_adj(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (!p) {
        return -ESRCH;
    }
    text_add(t, "%d\n", p->oom_score_adj);
    proc_put(p);
    return 0;
}

static int show_oom_adj(struct text *t, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (!p) {
        return -ESRCH;
    }
    text_add(t, "%d\n",
             MIN(p->oom_score_adj * OOM_DISABLE / OOM_MAX, OOM_DISABLE - 2));
    proc_put(p);
    return 0;
}

/* A decimal number, perhaps with a sign and a newline or NUL. */
static int parse_oom(const char *buf, size_t len, int *value)
{
    size_t i = len && buf[0] == '-';
    int n = 0;

    if (i == len) {
        return -EINVAL;
    }
    for (; i < len && buf[i] >= '0' && buf[i] <= '9' && n <= OOM_MAX; i++) {
        n = n * 10 + (buf[i] - '0');
    }
    if (n > OOM_MAX || (i < len && buf[i] != '\n' && buf[i] != '\0')) {
        return -EINVAL;
    }
    *value = buf[0] == '-' ? -n : n;
    return 0;
}

/* Without the capability no lower than who had it left it, by the old file no
 * lower than it is. */
static int set_oom(int value, bool old_file, const struct pseudo_at *at)
{
    struct fs_cred cred;
    struct proc *p = proc_at(at);
    int err = 0;

    if (!p) {
        return -ESRCH;
    }
    fs_current_cred(&cred);
    if (fs_capable(&cred, CAP_SYS_RESOURCE)) {
        p->oom_score_adj = value;
        p->oom_least = old_file ? p->oom_least : value;
    } else if (value < (old_file ? p->oom_score_adj : p->oom_least)) {
        err = -EACCES;
    } else {
        p->oom_score_adj = value;
    }
    proc_put(p);
    return err;
}

static int store_oom_score_adj(const char *buf, size_t len,
                               const struct pseudo_at *at)
{
    int value, err = parse_oom(buf, len, &value);

    return err ? err : set_oom(value, false, at);
}

static int store_oom_adj(const char *buf, size_t len,
                         const struct pseudo_at *at)
{
    int value, err = parse_oom(buf, len, &value);

    if (!err && (value < -OOM_DISABLE || value > OOM_DISABLE - 2)) {
        err = -EINVAL;
    }
    value = value == OOM_DISABLE - 2 ? OOM_MAX : value * OOM_MAX / OOM_DISABLE;
    return err ? err : set_oom(value, true, at);
}

/* One user namespace, in which ids are what they are. */
#define ID_MAP "         0          0 4294967295\n"

#define ROWS_OF_ANY_TASK                                                       \
    {"auxv", S_IFREG | 0400, .show = show_auxv, .open = open_traced},          \
        {"cgroup", S_IFREG | 0444, .text = "0::/\n"},                          \
        {"cmdline", S_IFREG | 0444, .show = show_cmdline},                     \
        {"comm", S_IFREG | 0644, .show = show_comm, .store = store_comm},      \
        {"coredump_filter", S_IFREG | 0444, .show = show_coredump_filter},     \
        {"cpuset", S_IFREG | 0444, .text = "/\n"},                             \
        {"cwd", S_IFLNK | 0777, .link = link_cwd, .follow = follow_cwd},       \
        {"environ", S_IFREG | 0400, .show = show_environ,                      \
         .open = open_traced},                                                 \
        {"exe", S_IFLNK | 0777, .link = link_exe, .follow = follow_exe},       \
        {"fd", S_IFDIR | 0500, .children = proc_fd_rows, .lists = proc_lists}, \
        {"fdinfo", S_IFDIR | 0500, .children = proc_fdinfo_rows,               \
         .lists = proc_lists},                                                 \
        {"io", S_IFREG | 0400, .show = show_io},                               \
        {"limits", S_IFREG | 0444, .show = show_limits},                       \
        {"loginuid", S_IFREG | 0644, .show = show_loginuid,                    \
         .store = store_loginuid},                                             \
        {"gid_map", S_IFREG | 0644, .text = ID_MAP},                           \
        {"maps", S_IFREG | 0444, .show = show_maps, .open = open_maps,         \
         .ioctl = ioctl_maps},                                                 \
        {"mem", S_IFREG | 0600, .file_ops = &proc_mem_ops,                     \
         .open = proc_mem_open},                                               \
        {"mountinfo", S_IFREG | 0444, .show = show_mountinfo,                  \
         .changes = &mount_changes},                                           \
        {"mounts", S_IFREG | 0444, .show = show_mounts,                        \
         .changes = &mount_changes},                                           \
        {"net", S_IFDIR | 0555, .children = proc_net_rows},                    \
        {"ns", S_IFDIR | 0511, .children = proc_ns_rows},                      \
        {"oom_adj", S_IFREG | 0644, .show = show_oom_adj,                      \
         .store = store_oom_adj},                                              \
        {"oom_score", S_IFREG | 0444, .text = "0\n", .check = proc_exists},    \
        {"oom_score_adj", S_IFREG | 0644, .show = show_oom_score_adj,          \
         .store = store_oom_score_adj},                                        \
        {"pagemap", S_IFREG | 0400, .file_ops = &proc_pagemap_ops,             \
         .open = proc_mem_open},                                               \
        {"personality", S_IFREG | 0400, .show = show_personality},             \
        {"root", S_IFLNK | 0777, .link = link_root, .follow = follow_root},    \
        {"schedstat", S_IFREG | 0444, .show = show_schedstat},                 \
        {"sessionid", S_IFREG | 0444, .show = show_sessionid},                 \
        {"setgroups", S_IFREG | 0644, .text = "allow\n"},                      \
        {"smaps", S_IFREG | 0444, .show = show_smaps, .open = open_maps},      \
        {"smaps_rollup", S_IFREG | 0444, .show = show_smaps_rollup,            \
         .open = open_maps},                                                   \
        {"stat", S_IFREG | 0444, .show = show_pid_stat},                       \
        {"statm", S_IFREG | 0444, .show = show_statm},                         \
        {"status", S_IFREG | 0444, .show = show_status},                       \
        {"syscall", S_IFREG | 0400, .show = show_syscall,                      \
         .open = open_traced},                                                 \
        {"uid_map", S_IFREG | 0644, .text = ID_MAP},                           \
    {                                                                          \
        "wchan", S_IFREG | 0444, .text = "0"                                   \
    }

const struct pseudo proc_task_rows[] = {
    ROWS_OF_ANY_TASK,
    {"children", S_IFREG | 0444, .show = show_children},
    {NULL},
};

static const struct pseudo task_rows[] = {
    {"", S_IFDIR | 0555, .children = proc_task_rows, .next = next_tid,
     .immutable = true},
    {NULL},
};

const struct pseudo proc_pid_rows[] = {
    ROWS_OF_ANY_TASK,
    {"map_files", S_IFDIR | 0500, .inode_ops = &proc_map_files_ops},
    {"task", S_IFDIR | 0555, .children = task_rows, .lists = proc_lists},
    {"timerslack_ns", S_IFREG | 0666, .show = show_timer_slack},
    {NULL},
};
