/* SPDX-License-Identifier: MIT
 *
 * procfs (proc(5)): its root, and the mount tables that it shows.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/file.h"
#include "kernel/fs/view.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "abi/linux/statfs.h"
#include "kernel/mm/heap.h"
#include "kernel/fs/dentry.h"

/* ---- processes ---- */

struct search {
    int from, best;
};

static void consider(struct proc *p, void *arg)
{
    struct search *s = arg;

    if (p->pid >= s->from && (s->best < 0 || p->pid < s->best)) {
        s->best = p->pid;
    }
}

static uint64_t birth_of(const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);
    uint64_t birth = p ? p->start_ns : 0;

    if (p) {
        proc_put(p);
    }
    return birth;
}

static int next_pid(int from, const struct pseudo_at *at)
{
    struct search s = {from, -1};

    proc_for_each(consider, &s);
    return s.best;
}

/* Threads that are no process's first have a directory there, too. */
static bool hides_tid(int n, const struct pseudo_at *at)
{
    struct proc *p = proc_find_any(n);

    if (p) {
        proc_put(p);
    }
    return p;
}

struct proc *proc_at(const struct pseudo_at *at)
{
    return proc_find_any(at->n[0]);
}

struct proc *proc_of_directory(struct file *f, bool *is_one)
{
    struct proc *p;
    uint64_t made;
    int pid;

    *is_one = pseudo_number(f->inode, proc_pid_rows, &pid, &made);
    p = *is_one ? proc_find(pid) : NULL;
    if (p && p->start_ns > made) { /* another has the number now */
        proc_put(p);
        p = NULL;
    }
    return p;
}

static void pid_owner(uint32_t *uid, uint32_t *gid, const struct pseudo_at *at)
{
    struct proc *p = proc_at(at);

    if (p) {
        *uid = p->cred.euid;
        *gid = p->cred.egid;
        proc_put(p);
    }
}

static int link_self(char *buf, size_t len, const struct pseudo_at *at)
{
    return fmt_scnprintf(buf, len, "%d", current_proc()->pid);
}

static int link_thread_self(char *buf, size_t len, const struct pseudo_at *at)
{
    return fmt_scnprintf(buf, len, "%d/task/%d", current_proc()->pid,
                         current_thread()->tid);
}

/* ---- mounts ---- */

static const struct {
    uint32_t flag;
    const char *text;
} mount_flags[] = {
    {ST_NOSUID, ",nosuid"},           {ST_NODEV, ",nodev"},
    {ST_NOEXEC, ",noexec"},           {ST_NOATIME, ",noatime"},
    {ST_NODIRATIME, ",nodiratime"},   {ST_RELATIME, ",relatime"},
    {ST_NOSYMFOLLOW, ",nosymfollow"},
};

static void add_options(struct text *t, const struct mount *m)
{
    text_add(t, "%s", mount_writable(m) ? "ro" : "rw");
    for (size_t i = 0; i < ARRAY_SIZE(mount_flags); i++) {
        if (m->flags & mount_flags[i].flag) {
            text_add(t, "%s", mount_flags[i].text);
        }
    }
}

/* Blanks in names would end a field: octal, as in fstab(5). */
static void add_escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\') {
            text_add(t, "\\%03o", (uint8_t)*s);
        } else {
            text_bytes(t, s, 1);
        }
    }
}

static void add_own_options(struct text *t, struct superblock *sb)
{
    char buf[512];

    if (sb->ops->options) {
        sb->ops->options(sb, buf, sizeof(buf));
        text_add(t, "%s", buf);
    }
    proc_show_options(t, sb);
}

/* Where the root of m is for the current task: NULL where it is nowhere, which
 * mounts outside its root are. kfree() it. */
static char *mount_place(struct text *t, struct mount *m)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);
    struct path root, p = {m, m->root};
    bool reached = false;

    if (!buf) {
        t->failed = true;
        return NULL;
    }
    view_get_root(current_view(), &root);
    if (path_string(&p, &root, buf, PATH_LENGTH_MAX, &reached) < 0 ||
        !reached) {
        kfree(buf);
        buf = NULL;
    }
    path_put(&root);
    return buf;
}

static int add_mount(struct mount *m, void *arg)
{
    struct text *t = arg;
    char *place = mount_place(t, m);

    if (!place) {
        return 0;
    }
    add_escaped(t, m->sb->source);
    text_add(t, " ");
    add_escaped(t, place);
    text_add(t, " %s ", m->sb->type);
    add_options(t, m);
    add_own_options(t, m->sb);
    text_add(t, " 0 0\n");
    kfree(place);
    return 0;
}

int show_mounts(struct text *t, const struct pseudo_at *at)
{
    return mount_for_each(add_mount, t);
}

static void add_mount_root(struct text *t, struct mount *m)
{
    char *buf = kmalloc(PATH_LENGTH_MAX);

    if (buf && mount_root_string(m, buf) >= 0) {
        add_escaped(t, buf);
    } else {
        t->failed = true;
    }
    kfree(buf);
}

static void add_sharing(struct text *t, struct mount *m)
{
    struct mount_sharing s;

    mount_get_sharing(m, &s);
    if (s.group) {
        text_add(t, " shared:%u", s.group);
    }
    if (s.master) {
        text_add(t, " master:%u", s.master);
    }
    if (s.unbindable) {
        text_add(t, " unbindable");
    }
}

static int add_mountinfo(struct mount *m, void *arg)
{
    struct text *t = arg;
    char *place = mount_place(t, m);

    if (!place) {
        return 0;
    }
    text_add(t, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : 1,
             dev_major(m->sb->dev), dev_minor(m->sb->dev));
    add_mount_root(t, m);
    text_add(t, " ");
    add_escaped(t, place);
    text_add(t, " ");
    add_options(t, m);
    add_sharing(t, m);
    text_add(t, " - %s ", m->sb->type);
    add_escaped(t, m->sb->source);
    text_add(t, " %s", m->sb->flags & SB_READ_ONLY ? "ro" : "rw");
    add_own_options(t, m->sb);
    text_add(t, "\n");
    kfree(place);
    return 0;
}

int show_mountinfo(struct text *t, const struct pseudo_at *at)
{
    return mount_for_each(add_mountinfo, t);
}

/* ---- file systems ---- */

const char *const proc_filesystems[] = {
    "nodev\tproc",   "nodev\tsysfs",   "nodev\ttmpfs", "nodev\tdevtmpfs",
    "nodev\tmqueue", "nodev\toverlay", "\terofs",      NULL,
};

const char *filesystem_name(int i)
{
    return strchr(proc_filesystems[i], '\t') + 1;
}

static int show_filesystems(struct text *t, const struct pseudo_at *at)
{
    for (int i = 0; proc_filesystems[i]; i++) {
        text_add(t, "%s\n", proc_filesystems[i]);
    }
    return 0;
}

/* ---- the root ---- */

static const struct pseudo root_rows[] = {
    {"self", S_IFLNK | 0777, .link = link_self, .always = true},
    {"thread-self", S_IFLNK | 0777, .link = link_thread_self, .always = true},
    {"", S_IFDIR | 0555, .children = proc_pid_rows, .next = next_pid,
     .hides = hides_tid, .lists = proc_lists, .visible = proc_visible,
     .enters = proc_enters, .generation = birth_of, .owner = pid_owner,
     .immutable = true, .check = proc_exists},
    {"cgroups", S_IFREG | 0444,
     .text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"},
    {"cmdline", S_IFREG | 0444, .text = "enclos\n"},
    {"config.gz", S_IFREG | 0444, .show = show_config},
    {"cpuinfo", S_IFREG | 0444, .show = show_cpuinfo},
    {"devices", S_IFREG | 0444, .text = proc_devices_text},
    {"diskstats", S_IFREG | 0444, .text = ""},
    {"filesystems", S_IFREG | 0444, .show = show_filesystems},
    {"interrupts", S_IFREG | 0444, .show = show_interrupts},
    {"loadavg", S_IFREG | 0444, .show = show_loadavg},
    {"locks", S_IFREG | 0444, .show = show_locks},
    {"meminfo", S_IFREG | 0444, .show = show_meminfo},
    {"mounts", S_IFLNK | 0777, .text = "self/mounts"},
    {"net", S_IFLNK | 0777, .text = "self/net"},
    {"partitions", S_IFREG | 0444, .text = proc_partitions_text},
    {"stat", S_IFREG | 0444, .show = show_stat},
    {"swaps", S_IFREG | 0444,
     .text = "Filename\t\t\t\tType\t\tSize\t\tUsed"
             "\t\tPriority\n"},
    {"sys", S_IFDIR | 0555, .children = proc_sys_rows},
    {"sysvipc", S_IFDIR | 0555, .children = proc_ipc_rows},
    {"uptime", S_IFREG | 0444, .show = show_uptime},
    {"version", S_IFREG | 0444, .show = show_version},
    {"vmstat", S_IFREG | 0444, .show = show_vmstat},
    {NULL},
};

int procfs_mount(struct superblock **out)
{
    return pseudo_mount(root_rows, "proc", PROC_SUPER_MAGIC, SB_NO_CACHE, out);
}
