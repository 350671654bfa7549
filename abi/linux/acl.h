/* SPDX-License-Identifier: MIT
 *
 * POSIX access control lists as extended attributes hold them (acl(5)):
 * little-endian, a header and entries.
 */
#ifndef ABI_LINUX_ACL_H
#define ABI_LINUX_ACL_H

#include <stdint.h>

#define ACL_XATTR_ACCESS  "system.posix_acl_access"
#define ACL_XATTR_DEFAULT "system.posix_acl_default"
#define ACL_XATTR_VERSION 2u

/* In the order in which they stand in a list. */
#define ACL_USER_OBJ  0x01
#define ACL_USER      0x02
#define ACL_GROUP_OBJ 0x04
#define ACL_GROUP     0x08
#define ACL_MASK      0x10
#define ACL_OTHER     0x20

#define ACL_UNDEFINED_ID 0xffffffffu

struct acl_entry {
    uint16_t tag, perm;
    uint32_t id; /* of ACL_USER and ACL_GROUP */
};
_Static_assert(sizeof(struct acl_entry) == 8, "posix_acl_xattr_entry");

#endif
