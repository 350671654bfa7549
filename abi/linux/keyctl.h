/* SPDX-License-Identifier: MIT
 *
 * Keys (keyctl(2), add_key(2), request_key(2)); from <linux/keyctl.h>.
 */
#ifndef ABI_LINUX_KEYCTL_H
#define ABI_LINUX_KEYCTL_H

enum {
    KEY_SPEC_THREAD_KEYRING = -1,
    KEY_SPEC_PROCESS_KEYRING = -2,
    KEY_SPEC_SESSION_KEYRING = -3,
    KEY_SPEC_USER_KEYRING = -4,
    KEY_SPEC_USER_SESSION_KEYRING = -5,
    KEY_SPEC_REQKEY_AUTH_KEY = -7,
    KEY_SPEC_REQUESTOR_KEYRING = -8,
};

enum { /* KEYCTL_SET_REQKEY_KEYRING */
       KEY_REQKEY_NO_CHANGE = -1,
       KEY_REQKEY_DEFAULT = 0,
       KEY_REQKEY_THREAD = 1,
       KEY_REQKEY_PROCESS = 2,
       KEY_REQKEY_SESSION = 3,
       KEY_REQKEY_USER = 4,
       KEY_REQKEY_USER_SESSION = 5,
};

enum {
    KEYCTL_GET_KEYRING_ID,
    KEYCTL_JOIN_SESSION_KEYRING,
    KEYCTL_UPDATE,
    KEYCTL_REVOKE,
    KEYCTL_CHOWN,
    KEYCTL_SETPERM,
    KEYCTL_DESCRIBE,
    KEYCTL_CLEAR,
    KEYCTL_LINK,
    KEYCTL_UNLINK,
    KEYCTL_SEARCH,
    KEYCTL_READ,
    KEYCTL_INSTANTIATE,
    KEYCTL_NEGATE,
    KEYCTL_SET_REQKEY_KEYRING,
    KEYCTL_SET_TIMEOUT,
    KEYCTL_SESSION_TO_PARENT = 18,
    KEYCTL_INVALIDATE = 21,
};

/* What may be done with a key; by possessor, owner, group, others, in bytes
 * from the top. */
enum {
    KEY_VIEW = 1,
    KEY_READ = 2,
    KEY_WRITE = 4,
    KEY_SEARCH = 8,
    KEY_LINK = 16,
    KEY_SETATTR = 32,
    KEY_ALL = 0x3f,
};

#endif
