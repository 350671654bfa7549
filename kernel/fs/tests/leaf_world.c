/* SPDX-License-Identifier: MIT
 *
 * Stand-ins for what a leaf over the page cache is linked with and does not
 * use in a test: the rest of the VFS, user memory, windows.
 */
#include <errno.h>
#include "kernel/mm/limit.h"
#include "kernel/mm/text/text_image.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/lease.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/path.h"
#include "kernel/fs/vfs.h"
#include "kernel/fs/event/watch.h"
#include "kernel/mm/mm.h"
#include "arch/x86_64/arch.h"

/* What the VFS would bring and the leaf does not use. */
const struct file_ops regular_file_ops, directory_file_ops;
bool fs_in_group(const struct fs_cred *cred, uint32_t gid)
{
    return false;
}
void locks_free(struct inode_locks *locks)
{
}
void watches_free(struct inode_watches *watches)
{
}
size_t copy_from_user_part(void *dst, struct uptr src, size_t n)
{
    return 0;
}
size_t copy_to_user_part_nofault(struct uptr dst, const void *src, size_t n)
{
    return copy_to_user_part(dst, src, n);
}

void user_bring_in(struct uptr addr)
{
}

size_t copy_to_user_part(struct uptr dst, const void *src, size_t n)
{
    return 0;
}
size_t zero_user_part(struct uptr dst, size_t n)
{
    return 0;
}
/* Nothing is mapped shared here. */
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

int mm_window_alloc(uint64_t len, uint64_t *base)
{
    return -ENOMEM;
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
    return -ENOMEM;
}
void mm_window_release(uint64_t start, uint64_t end)
{
}
void leases_free(struct inode_leases *leases)
{
}
size_t arch_user_copy(void *dst, const void *src, size_t n)
{
    return n;
}
void crypto_vector_begin(void)
{
}
void crypto_vector_end(void)
{
}
