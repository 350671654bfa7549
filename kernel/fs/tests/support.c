/* SPDX-License-Identifier: MIT
 *
 * The small world of support.h, and stand-ins for the rooms above: a process,
 * credentials, signals, user memory that is the test's own.
 */
#include "kernel/fs/tests/support.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/current.h"
#include "kernel/proc/pidfd.h"
#include "kernel/fs/names.h"
#include "kernel/fs/room.h"
#include "kernel/fs/special.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/fs/xattr.h"
#include "kernel/core/hostio_op.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/limit.h"
#include "kernel/mm/mm.h"
#include "target/fake/fake.h"
#include <stdlib.h>
#include <string.h>

static struct proc proc;
static struct thread thread;
static struct fs_cred cred;
static int signal_seen;
struct fs_view *boot_view;

/* ---- the rooms above ---- */

void fs_current_cred(struct fs_cred *out)
{
    *out = cred;
}

void fs_real_cred(struct fs_cred *out)
{
    *out = cred;
}

int signal_send_thread(struct thread *t, const struct k_siginfo *info)
{
    signal_seen = info->signo;
    return 0;
}

/* There is the one thread. */
struct spinlock proc_lock = SPINLOCK_INIT(LOCK_NONE);

int signal_send_proc_locked(struct proc *p, const struct k_siginfo *info)
{
    signal_seen = info->signo;
    return 0;
}

struct thread *thread_find(int tid)
{
    return &thread;
}

void proc_get(struct proc *p)
{
}

void proc_put(struct proc *p)
{
}

void cred_hold(const struct cred *c)
{
}

void cred_drop(const struct cred *c)
{
}

int pidfd_new(struct proc *p, uint32_t flags, struct file **out)
{
    return -ESRCH;
}

void proc_for_each_locked(void (*fn)(struct proc *p, void *arg), void *arg)
{
    fn(&proc, arg);
}

int special_open(struct file *f)
{
    return S_ISFIFO(f->inode->mode) ? fifo_open(f) : -ENXIO;
}

size_t copy_from_user_part(void *dst, struct uptr src, size_t n)
{
    memcpy(dst, (void *)src.addr, n);
    return n;
}

size_t copy_to_user_part(struct uptr dst, const void *src, size_t n)
{
    memcpy((void *)dst.addr, src, n);
    return n;
}

int copy_from_user(void *dst, struct uptr src, size_t n)
{
    memcpy(dst, (void *)src.addr, n);
    return 0;
}

int copy_to_user(struct uptr dst, const void *src, size_t n)
{
    memcpy((void *)dst.addr, src, n);
    return 0;
}

size_t copy_to_user_part_nofault(struct uptr dst, const void *src, size_t n)
{
    return copy_to_user_part(dst, src, n);
}

void user_bring_in(struct uptr addr)
{
}

size_t zero_user_part(struct uptr dst, size_t n)
{
    memset((void *)dst.addr, 0, n);
    return n;
}

int put_user32(struct uptr dst, uint32_t val)
{
    memcpy((void *)dst.addr, &val, sizeof(val));
    return 0;
}

size_t arch_user_copy(void *dst, const void *src, size_t n)
{
    memcpy(dst, src, n);
    return 0;
}

/* No code here that is rewritten, and no ceiling. */
void text_anchor_init(struct text_anchor *a)
{
    list_init(&a->images);
}

void mm_forget(const void *content)
{
}

void mm_withdraw(const void *content, uint64_t off, uint64_t end,
                 bool written_too)
{
}

void text_forget(struct text_anchor *a)
{
}

uint64_t text_shrink(uint64_t count)
{
    return 0;
}

bool limit_is_set(void)
{
    return false;
}

/* No host here to look at. */
void hostio_look(void)
{
}

/* Windows: from the programs' part of the arena, never reused. */
int mm_window_alloc(uint64_t len, uint64_t *base)
{
    static uint64_t next;
    struct boot_info info;

    if (!next) {
        fake_boot_info(&info);
        next = info.user_start;
    }
    *base = next;
    next += ALIGN_UP(len, PAGE_SIZE);
    return 0;
}

void mm_window_free(uint64_t base, uint64_t len)
{
}

uint64_t mm_window_least(void)
{
    return 1ull << 30;
}

int mm_window_commit(uint64_t start, uint64_t end)
{
    return start < end
               ? target_mem_commit(start, end - start, MEM_READ | MEM_WRITE)
               : 0;
}

void mm_window_release(uint64_t start, uint64_t end)
{
    if (start < end) {
        target_mem_release(start, end - start);
    }
}

/* ---- the world ---- */

void be_user(uint32_t uid, uint32_t gid)
{
    cred = (struct fs_cred){.uid = uid, .gid = gid};
}

void be_root(void)
{
    cred = (struct fs_cred){.caps = ~0ull};
}

int last_signal(void)
{
    int signo = signal_seen;

    signal_seen = 0;
    return signo;
}

void interrupt(bool on)
{
    fake_task()->interrupted = on;
}

void world_start(void)
{
    struct superblock *sb;
    struct path root, cwd;

    fake_init();
    be_root();
    for (int i = 0; i < RLIMIT_COUNT; i++) {
        proc.limits[i] = (struct rlimit64){UINT64_MAX, UINT64_MAX};
    }
    proc.limits[FS_LIMIT_NOFILE].cur = 1024;
    proc.pid = 1;
    thread.proc = &proc;
    thread.tid = 1;
    dcache_init();
    rename_init();
    anon_init();
    memfd_init();
    epoll_init();
    EXPECT_EQ(tmpfs_mount(&sb), 0);
    EXPECT_EQ(mount_add(sb, NULL, 0, NULL), 0);
    root = cwd = (struct path){root_mount, root_mount->root};
    path_get(&root);
    path_get(&cwd);
    EXPECT_EQ(view_new(&root, &cwd, 022, &thread.view), 0);
    EXPECT_EQ(files_new(&thread.files), 0);
    fake_task()->thread = &thread;
}

static int mount_on_m(struct superblock *sb)
{
    struct path at;
    int err = path_find(NULL, "/m", 0, &at);

    if (!err) {
        err = mount_add(sb, &at, 0, NULL);
        path_put(&at);
    }
    return err;
}

static void unmount_m(void)
{
    struct path at;

    EXPECT_EQ(path_find(NULL, "/m", 0, &at), 0);
    EXPECT_EQ(mount_remove(&at, 0), 0);
    path_put(&at);
}

/* The lower is filled while it is mounted at /m itself. */
void world_overlay(void (*fill)(void))
{
    struct superblock *lower, *upper, *overlay;

    t_mkdir("/m");
    EXPECT_EQ(tmpfs_mount(&lower), 0);
    sb_get(lower);
    EXPECT_EQ(mount_on_m(lower), 0);
    fill();
    unmount_m();
    dcache_shrink(100000);
    lower->flags |= SB_READ_ONLY;
    EXPECT_EQ(tmpfs_mount(&upper), 0);
    tmpfs_set_first_ino(upper, 1ull << 32);
    EXPECT_EQ(overlay_mount(upper, lower, &overlay), 0);
    EXPECT_EQ(mount_on_m(overlay), 0);
}

void world_overlay_end(void)
{
    unmount_m();
    dcache_shrink(100000);
}

/* ---- calls ---- */

int t_open_mode(const char *path, uint32_t flags, uint32_t mode)
{
    struct file *f;
    int err = name_open(NULL, path, flags, mode, 0, &f);

    if (err) {
        return err;
    }
    err = fd_install(f, 0, flags & O_CLOEXEC);
    if (err < 0) {
        file_put(f);
    }
    return err;
}

int t_open(const char *path, uint32_t flags)
{
    return t_open_mode(path, flags, 0644);
}

struct file *t_file(int fd)
{
    struct fd out;

    return fd_get(fd, &out) ? NULL : out.file;
}

static struct iobuf buffer(const void *buf, size_t len)
{
    struct iobuf io;

    iobuf_kernel(&io, (void *)buf, len);
    return io;
}

long t_read(int fd, void *buf, size_t len)
{
    struct iobuf io = buffer(buf, len);

    return file_read(t_file(fd), &io, 0);
}

long t_write(int fd, const void *buf, size_t len)
{
    struct iobuf io = buffer(buf, len);

    return file_write(t_file(fd), &io, 0);
}

long t_pread(int fd, void *buf, size_t len, uint64_t off)
{
    struct iobuf io = buffer(buf, len);

    return file_pread(t_file(fd), &io, &off, 0);
}

long t_pwrite(int fd, const void *buf, size_t len, uint64_t off)
{
    struct iobuf io = buffer(buf, len);

    return file_pwrite(t_file(fd), &io, &off, 0);
}

int64_t t_seek(int fd, int64_t off, int whence)
{
    return file_seek(t_file(fd), off, whence);
}

int t_truncate(int fd, uint64_t size)
{
    return attr_truncate(&t_file(fd)->path, size);
}

int t_fallocate(int fd, int mode, uint64_t off, uint64_t len)
{
    return attr_allocate(&t_file(fd)->path, mode, off, len);
}

int t_mkdir(const char *path)
{
    return name_make(NULL, path, S_IFDIR | 0777, 0);
}

int t_mknod(const char *path, uint32_t mode, uint64_t rdev)
{
    return name_make(NULL, path, mode, rdev);
}

int t_symlink(const char *target, const char *path)
{
    return name_symlink(NULL, path, target);
}

int t_link(const char *from, const char *to)
{
    struct path p;
    int err = path_find(NULL, from, 0, &p);

    if (!err) {
        err = name_link(&p, NULL, to);
        path_put(&p);
    }
    return err;
}

int t_unlink(const char *path)
{
    return name_remove(NULL, path, false);
}

int t_rmdir(const char *path)
{
    return name_remove(NULL, path, true);
}

int t_rename(const char *from, const char *to, unsigned flags)
{
    return name_rename(NULL, from, NULL, to, flags);
}

static int with_path(const char *path, int (*fn)(const struct path *, void *),
                     void *arg)
{
    struct path p;
    int err = path_find(NULL, path, WALK_FOLLOW, &p);

    if (!err) {
        err = fn(&p, arg);
        path_put(&p);
    }
    return err;
}

static int do_chmod(const struct path *p, void *arg)
{
    return attr_chmod(p, *(uint32_t *)arg);
}

int t_chmod(const char *path, uint32_t mode)
{
    return with_path(path, do_chmod, &mode);
}

int t_chdir(const char *path)
{
    struct path p;
    int err = path_find(NULL, path, WALK_FOLLOW | WALK_DIRECTORY, &p);

    if (!err) {
        view_set_cwd(thread.view, &p);
    }
    return err;
}

int t_setxattr(const char *path, const char *name, const char *value)
{
    struct path p;
    int err = path_find(NULL, path, WALK_FOLLOW, &p);

    if (!err) {
        err = xattr_set(&p, name, value, strlen(value), 0);
        path_put(&p);
    }
    return err;
}

static int stat_of(const char *path, unsigned flags, struct inode_stat *st)
{
    struct path p;
    int err = path_find(NULL, path, flags, &p);

    if (!err) {
        inode_stat(p.dentry->inode, st);
        path_put(&p);
    }
    return err;
}

int t_stat(const char *path, struct inode_stat *st)
{
    return stat_of(path, WALK_FOLLOW, st);
}

int t_lstat(const char *path, struct inode_stat *st)
{
    return stat_of(path, 0, st);
}

bool t_exists(const char *path)
{
    struct inode_stat st;

    return t_lstat(path, &st) == 0;
}

int t_put(const char *path, const char *text)
{
    int fd = t_open(path, O_CREAT | O_WRONLY | O_TRUNC);
    long n;

    if (fd < 0) {
        return fd;
    }
    n = *text ? t_write(fd, text, strlen(text)) : 0;
    fd_close(fd);
    return n < 0 ? (int)n : 0;
}

const char *t_text(const char *path)
{
    static char buf[4096];
    int fd = t_open(path, O_RDONLY);
    long n = fd < 0 ? fd : t_pread(fd, buf, sizeof(buf) - 1, 0);

    if (fd >= 0) {
        fd_close(fd);
    }
    if (n < 0) {
        snprintf(buf, sizeof(buf), "-%ld", -n);
    } else {
        buf[n] = '\0';
    }
    return buf;
}

/* ---- listing ---- */

struct names {
    struct dir_sink sink;
    char *names[256];
    int count;
};

static bool keep_name(struct dir_sink *sink, const char *name, size_t len,
                      uint64_t ino, uint8_t type, uint64_t next)
{
    struct names *l = container_of(sink, struct names, sink);

    if (l->count == 256) {
        return false;
    }
    l->names[l->count++] = strndup(name, len);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *t_list(const char *path)
{
    static char out[4096];
    struct names l = {.sink = {keep_name, 0}};
    int fd = t_open(path, O_RDONLY | O_DIRECTORY);
    int err = fd < 0 ? fd : t_file(fd)->ops->readdir(t_file(fd), &l.sink);

    if (fd >= 0) {
        fd_close(fd);
    }
    snprintf(out, sizeof(out), err ? "-%d" : "", -err);
    qsort(l.names, l.count, sizeof(l.names[0]), by_text);
    for (int i = 0; i < l.count; i++) {
        bool dots = !strcmp(l.names[i], ".") || !strcmp(l.names[i], "..");

        if (!dots) {
            strcat(out, *out ? " " : "");
            strcat(out, l.names[i]);
        }
        free(l.names[i]);
    }
    return out;
}

const char *t_path(int fd)
{
    static char buf[4096];

    return path_string(&t_file(fd)->path, NULL, buf, sizeof(buf), NULL) < 0
               ? "?"
               : buf;
}
