/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/net: so far the sockets of unix(7). The instance is one network
 * namespace, so that every process shows the same.
 */
#include "kernel/fs/procfs.h"
#include "kernel/net/unix_private.h"
#include "abi/linux/stat.h"

enum { ACCEPTS = 0x10000, UNCONNECTED = 1, CONNECTED = 3 };

static void add_path(struct text *t, const struct unix_name *n)
{
    uint32_t len = n->len - sizeof(n->name.family);

    text_bytes(t, " ", 1);
    for (uint32_t i = 0; i < len; i++) {
        char c = (&n->name.path[0])[i];

        if (!c && n->name.path[0]) {
            break; /* the NUL behind a path */
        }
        text_bytes(t, c ? &c : "@", 1);
    }
}

static void show_one(struct unix_socket *u, void *arg)
{
    struct unix_name *name = atomic_load_acquire(&u->name);
    struct text *t = arg;
    unsigned long ino = 0;

    spin_lock(&u->s.lock);
    if (u->s.file) {
        ino = u->s.file->inode->ino;
    }
    spin_unlock(&u->s.lock);
    text_add(t, "%016x: %08X %08X %08X %04X %02X %5lu", 0, u->s.refs, 0,
             u->state == UNIX_LISTENS ? ACCEPTS : 0, (unsigned)u->s.type,
             u->state == UNIX_CONNECTED ? CONNECTED : UNCONNECTED, ino);
    if (name) {
        add_path(t, name);
    }
    text_bytes(t, "\n", 1);
}

static int show_unix(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_for_each(show_one, t);
    return 0;
}

const struct pseudo proc_net_rows[] = {
    {"unix", S_IFREG | 0444, .show = show_unix},
    {NULL},
};
