/* SPDX-License-Identifier: MIT
 *
 * Who may do what to an inode: mode bits, owners, lists, capabilities
 * (inode(7), acl(5), capabilities(7)).
 */
#include "kernel/fs/acl.h"
#include "kernel/fs/path.h"
#include "lib/atomic.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

bool fs_capable(const struct fs_cred *cred, unsigned cap)
{
    return cred->caps >> cap & 1;
}

bool fs_in_group(const struct fs_cred *cred, uint32_t gid)
{
    if (cred->gid == gid) {
        return true;
    }
    for (uint32_t i = 0; i < cred->group_count; i++) {
        if (cred->groups[i] == gid) {
            return true;
        }
    }
    return false;
}

bool fs_owns(const struct fs_cred *cred, struct inode *inode)
{
    return cred->uid == atomic_load_acquire(&inode->data)->uid ||
           fs_capable(cred, CAP_FOWNER);
}

static bool capable_of(const struct fs_cred *cred, uint32_t mode, unsigned may)
{
    if (fs_capable(cred, CAP_DAC_OVERRIDE)) {
        /* Execution wants one x bit, of whomever. */
        return S_ISDIR(mode) || !(may & MAY_EXEC) || (mode & 0111);
    }
    return fs_capable(cred, CAP_DAC_READ_SEARCH) &&
           (S_ISDIR(mode) ? !(may & MAY_WRITE) : may == MAY_READ);
}

int inode_permission(struct inode *inode, unsigned may,
                     const struct fs_cred *cred)
{
    struct inode *data = atomic_load_acquire(&inode->data);
    uint32_t mode = data->mode, bits = mode;
    int granted;

    if (unlikely((inode->flags | data->flags) & INODE_IMMUTABLE) &&
        may & MAY_WRITE) {
        return -EPERM;
    }
    if (cred->uid == data->uid) {
        bits >>= 6;
    } else if (unlikely(data->acl) && mode & 0070 &&
               (granted = acl_permission(data, may, cred)) >= 0) {
        bits = granted ? may : 0;
    } else if (fs_in_group(cred, data->gid)) {
        bits >>= 3;
    }
    if ((bits & may) == may || capable_of(cred, mode, may)) {
        return 0;
    }
    return -EACCES;
}

int inode_may(struct inode *inode, unsigned may)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return inode_permission(inode, may, &cred);
}
