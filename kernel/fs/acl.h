/* SPDX-License-Identifier: MIT
 *
 * Access control lists (acl(5)). A list never changes: whoever changes one
 * makes another. inode->acl and inode->default_acl are slots, each with a
 * reference; they are of inode->data, as the mode is. The mode's group digit is
 * the access list's mask: a list that says no more than a mode is not kept.
 */
#ifndef KERNEL_FS_ACL_H
#define KERNEL_FS_ACL_H

#include "kernel/fs/vfs.h"

struct acl; /* counted; NULL: none */
struct fs_cred;

struct acl *acl_get(struct acl **slot); /* a reference to what is there */
void acl_put(struct acl *acl);
/* Puts acl (with a reference of its own) in the place of what was there. */
void acl_set(struct acl **slot, struct acl *acl);

/* An attribute's value as a list; *out NULL: it has no entries. -EINVAL,
 * -EOPNOTSUPP (another version), -ENOMEM. Says nothing of acl_valid(). */
int acl_from_xattr(const void *value, size_t len, struct acl **out);
/* As getxattr(2): the length, -ERANGE; len 0 only asks. */
long acl_to_xattr(const struct acl *acl, void *buf, size_t len);
/* Whether the entries are those that acl(5) asks for, in order. */
bool acl_valid(const struct acl *acl);

/* Makes the mode's digits those of acl (borrowed; NULL changes nothing). True:
 * they say all that it does. */
bool acl_to_mode(const struct acl *acl, uint32_t *mode);
/* chmod(2): the same list with the digits of mode. -ENOMEM. */
int acl_with_mode(const struct acl *acl, uint32_t mode, struct acl **out);
/* What dir (an inode with a mode of its own) leaves to a new object in it:
 * attr's lists, and its mode masked by them; false: it leaves nothing. Put
 * them with attr_put(). -ENOMEM. */
int acl_inherit(struct inode *dir, struct inode_attr *attr, bool *inherits);
void attr_put(struct inode_attr *attr);

/* Whether a list of data's grants cred, who is not the owner, MAY_*: 1, 0; or
 * -1: there is none. */
int acl_permission(struct inode *data, unsigned may,
                   const struct fs_cred *cred);

/* ---- as extended attributes: acl_xattr.c ---- */

/* The slot that a name stands for, of inode; or NULL. */
struct acl **acl_slot(struct inode *inode, const char *name);
/* As xattr_get() and xattr_set() (xattr.h), whose flags mean nothing here. */
long acl_xattr_get(struct inode *inode, const char *name, void *buf,
                   size_t len);
int acl_xattr_set(struct inode *inode, const char *name, const void *value,
                  size_t len);

#endif
