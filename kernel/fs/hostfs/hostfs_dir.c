/* SPDX-License-Identifier: MIT
 *
 * hostfs: listings. The host's own directory offsets are as wide as they
 * please, so a directory is read whole when it is listed from the beginning,
 * and cookies are places in that list.
 *
 * hostio has checked that records lie inside the buffer and end with a NUL;
 * names that no path could hold are dropped here.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/core/hostio.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"
#include "abi/linux/dirent.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"

enum { BUF_BYTES = 32768, NAMES_MOST = 1 << 20 };

static void names_free(struct hostfs_names *l)
{
    if (l) {
        kfree(l->names);
        kfree(l->text);
        kfree(l);
    }
}

void hostfs_drop_names(struct hostfs_inode *n)
{
    names_free(n->names);
}

/* Makes room for `need` in an array of *room elements. */
static int grow(void **array, uint32_t used, uint32_t *room, uint32_t need,
                size_t size)
{
    uint32_t more = *room ? *room : 64;
    void *bigger;

    if (need <= *room) {
        return 0;
    }
    while (more < need) {
        more *= 2;
    }
    bigger = kmalloc(more * size);
    if (!bigger) {
        return -ENOMEM;
    }
    memcpy(bigger, *array ? *array : "", used * size);
    kfree(*array);
    *array = bigger;
    *room = more;
    return 0;
}

static bool usable(const char *name, size_t len)
{
    if (len == 0 || len > NAME_LENGTH_MAX || memchr(name, '/', len)) {
        return false;
    }
    return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

static int add(struct hostfs_names *l, const struct linux_dirent64 *d)
{
    size_t len = strlen(d->d_name);
    int err;

    if (!usable(d->d_name, len)) {
        return 0;
    }
    if (l->count >= NAMES_MOST) {
        return -EIO;
    }
    err = grow((void **)&l->names, l->count, &l->room, l->count + 1,
               sizeof(*l->names));
    err = err ? err
              : grow((void **)&l->text, l->text_len, &l->text_room,
                     l->text_len + len, 1);
    if (err) {
        return err;
    }
    memcpy(l->text + l->text_len, d->d_name, len);
    l->names[l->count++] = (struct hostfs_name){d->d_ino & (HOSTFS_INO_END - 1),
                                                l->text_len, d->d_type, len};
    l->text_len += len;
    return 0;
}

static int read_all(int fd, struct hostfs_names *l, char *buf)
{
    int64_t off = 0, n;

    for (;;) {
        n = hostio_getdents(fd, off, buf, BUF_BYTES);
        if (n <= 0) {
            return n;
        }
        for (int64_t at = 0; at < n;) {
            struct linux_dirent64 *d = (void *)(buf + at);
            int err = add(l, d);

            if (err) {
                return err;
            }
            at += d->d_reclen;
            off = d->d_off;
        }
    }
}

static int list(struct hostfs_inode *n, struct hostfs_names **out)
{
    struct hostfs_names *l = kzalloc(sizeof(*l));
    char *buf = kmalloc(BUF_BYTES);
    int fd = hostfs_open_again(n, O_RDONLY | O_DIRECTORY);
    int err = fd < 0 ? fd : l && buf ? 0 : -ENOMEM;

    err = err == -ESTALE ? -ENOENT : err; /* a directory that was removed */
    if (!err) {
        err = read_all(fd, l, buf);
    }
    if (fd >= 0) {
        hostio_close(fd);
    }
    kfree(buf);
    if (err) {
        names_free(l);
        return err;
    }
    *out = l;
    return 0;
}

/* The directory's lock is held, by the VFS or the overlay. */
static int refresh(struct hostfs_inode *n)
{
    struct hostfs_names *l;
    int err = list(n, &l);

    if (!err) {
        names_free(n->names);
        n->names = l;
    }
    return err;
}

int hostfs_readdir(struct inode *dir, struct dir_sink *sink)
{
    struct hostfs_inode *n = hostfs_inode(dir);
    int err = 0;

    if (sink->pos == 0 || !n->names) {
        err = refresh(n);
    }
    while (!err && sink->pos < n->names->count) {
        const struct hostfs_name *e = &n->names->names[sink->pos];

        if (!sink->emit(sink, n->names->text + e->at, e->len, e->ino, e->type,
                        sink->pos + 1)) {
            break;
        }
        sink->pos++;
    }
    return err;
}
