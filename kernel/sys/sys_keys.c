/* SPDX-License-Identifier: MIT
 *
 * add_key(2), request_key(2), keyctl(2).
 */
#include "kernel/sys/convert.h"
#include "kernel/sys/table.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/keys/keys.h"
#include "abi/linux/errno.h"
#include "abi/linux/prctl.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum { TYPE_BYTES = 32, NEGATIVE_SECONDS = 60, CALLOUT_BYTES = 4096 };

/* ---- arguments ---- */

static int get_type(struct uptr from, char type[TYPE_BYTES])
{
    long len = strncpy_from_user(type, from, TYPE_BYTES);

    if (len == -ENAMETOOLONG || len == 0) {
        return -EINVAL;
    }
    return len < 0 ? (int)len : type[0] == '.' ? -EPERM : 0;
}

/* A string of at most KEY_DESCRIPTION_MOST bytes; kmalloc'ed. */
static int get_string(struct uptr from, char **out)
{
    char *s = kmalloc(KEY_DESCRIPTION_MOST);
    long len;

    if (!s) {
        return -ENOMEM;
    }
    len = strncpy_from_user(s, from, KEY_DESCRIPTION_MOST);
    if (len < 0) {
        kfree(s);
        return len == -ENAMETOOLONG ? -EINVAL : (int)len;
    }
    *out = s;
    return 0;
}

static int get_payload(struct uptr from, size_t len, void **out)
{
    *out = NULL;
    if (len > KEY_PAYLOAD_MOST) {
        return -EINVAL;
    }
    if (!len) {
        return 0;
    }
    *out = kmalloc(len);
    if (!*out) {
        return -ENOMEM;
    }
    if (copy_from_user(*out, from, len)) {
        kfree(*out);
        return -EFAULT;
    }
    return 0;
}

/* ---- add_key ---- */

static long add_locked(const char *type_name, const char *description,
                       const void *payload, size_t len, int32_t ring_id)
{
    struct key *ring, *k;
    int type, err = key_lookup_locked(ring_id, true, KEY_WRITE, &ring);

    if (err) {
        return err;
    }
    type = key_type_of(type_name);
    if (type < 0) {
        return type;
    }
    if (ring->type != KEY_KEYRING) {
        return -ENOTDIR;
    }
    err = key_check((enum key_type)type, description, len);
    if (err) {
        return err;
    }
    k = keyring_find_locked(ring, (enum key_type)type, description);
    if (k && type != KEY_KEYRING && !key_valid_locked(k)) {
        err = key_may_locked(k, KEY_WRITE);
        err = err ? err : key_update_locked(k, payload, len);
        return err ? err : k->serial;
    }
    err = key_new_locked((enum key_type)type, description, payload, len, &k);
    if (!err) {
        err = keyring_link_locked(ring, k);
        err = err ? err : k->serial;
        key_put_locked(k);
    }
    return err;
}

long sys_add_key(const struct sysargs *a)
{
    size_t len = arg_u64(a, 3);
    char type[TYPE_BYTES];
    char *description = NULL;
    void *payload;
    long err;

    if (len > KEY_PAYLOAD_MOST) {
        return -EINVAL;
    }
    err = get_type(arg_ptr(a, 0), type);
    err = err ? err : get_string(arg_ptr(a, 1), &description);
    if (err) {
        return err;
    }
    if (description[0] == '.' && strcmp(type, "keyring") == 0) {
        err = -EPERM;
    }
    err = err ? err : get_payload(arg_ptr(a, 2), len, &payload);
    if (!err) {
        keys_lock();
        err = add_locked(type, description, payload, len, arg_int(a, 4));
        keys_unlock();
        if (payload) {
            wipe(payload, len);
        }
        kfree(payload);
    }
    kfree(description);
    return err;
}

/* ---- request_key ---- */

/* What remains of a request that nobody answers: a negative key for a time. */
static long leave_negative(enum key_type type, const char *description,
                           struct key *ring)
{
    struct key *k;
    int err = 0;

    if (!ring) {
        err = key_default_ring_locked(&ring);
        err = err ? err : key_may_locked(ring, KEY_WRITE);
    }
    err = err ? err : key_new_locked(type, description, NULL, 0, &k);
    if (err) {
        return err;
    }
    k->error = -ENOKEY;
    k->expires = clock_realtime() + NEGATIVE_SECONDS * (int64_t)NSEC_PER_SEC;
    err = keyring_link_locked(ring, k);
    key_put_locked(k);
    return err ? err : -ENOKEY;
}

static long request_locked(const char *type_name, const char *description,
                           bool callout, int32_t ring_id)
{
    struct key *ring = NULL, *k;
    int type, err = 0;

    if (ring_id) {
        err = key_lookup_locked(ring_id, true, KEY_WRITE, &ring);
        if (err) {
            return err;
        }
    }
    type = key_type_of(type_name);
    if (type < 0) {
        return -ENOKEY;
    }
    err = keys_search_locked((enum key_type)type, description, &k);
    if (err) {
        return err == -ENOKEY && callout
                   ? leave_negative((enum key_type)type, description, ring)
                   : err;
    }
    err = ring ? keyring_link_locked(ring, k) : 0;
    return err ? err : k->serial;
}

long sys_request_key(const struct sysargs *a)
{
    char type[TYPE_BYTES];
    char *description = NULL, *callout = NULL;
    long err = get_type(arg_ptr(a, 0), type);

    err = err ? err : get_string(arg_ptr(a, 1), &description);
    if (err) {
        return err;
    }
    if (arg_u64(a, 2)) {
        err = get_string(arg_ptr(a, 2), &callout);
    }
    if (!err) {
        keys_lock();
        err = request_locked(type, description, callout, arg_int(a, 3));
        keys_unlock();
    }
    kfree(callout);
    kfree(description);
    return err;
}

/* ---- keyctl ---- */

static long join_session(struct uptr from)
{
    char *name = NULL;
    long err = from.addr ? get_string(from, &name) : 0;

    if (!err && name && name[0] == '.') {
        err = -EPERM;
    }
    if (!err) {
        keys_lock();
        err = keys_join_session_locked(name);
        keys_unlock();
    }
    kfree(name);
    return err;
}

static long update(const struct sysargs *a)
{
    size_t len = arg_u64(a, 3);
    struct key *k;
    void *payload;
    long err =
        len > PAGE_SIZE ? -EINVAL : get_payload(arg_ptr(a, 2), len, &payload);

    if (err) {
        return err;
    }
    keys_lock();
    err = key_lookup_locked(arg_int(a, 1), false, KEY_WRITE, &k);
    if (!err && k->type == KEY_KEYRING) {
        err = -EOPNOTSUPP;
    }
    err = err ? err : key_check(k->type, k->description, len);
    err = err ? err : key_update_locked(k, payload, len);
    keys_unlock();
    if (payload) {
        wipe(payload, len);
    }
    kfree(payload);
    return err;
}

static long revoke(const struct sysargs *a)
{
    struct key *k;
    int err = key_lookup_locked(arg_int(a, 1), false, KEY_WRITE, &k);

    if (err == -EACCES) {
        err = key_lookup_locked(arg_int(a, 1), false, KEY_SETATTR, &k);
    }
    if (!err) {
        k->revoked = true;
    }
    return err;
}

static long set_owner(const struct sysargs *a)
{
    uint32_t uid = arg_uint(a, 2), gid = arg_uint(a, 3);
    struct key *k;
    int err = key_lookup_locked(arg_int(a, 1), true, KEY_SETATTR, &k);

    if (err) {
        return err;
    }
    if (!cred_capable(CAP_SYS_ADMIN) &&
        ((uid != ID_KEEP && uid != k->uid) ||
         (gid != ID_KEEP && gid != k->gid && gid != current_cred()->fsgid))) {
        return -EACCES;
    }
    k->uid = uid == ID_KEEP ? k->uid : uid;
    k->gid = gid == ID_KEEP ? k->gid : gid;
    return 0;
}

static long set_permissions(const struct sysargs *a)
{
    struct key *k;
    int err;

    if (arg_uint(a, 2) & ~0x3f3f3f3fu) {
        return -EINVAL;
    }
    err = key_lookup_locked(arg_int(a, 1), true, KEY_SETATTR, &k);
    if (!err && k->uid != current_cred()->fsuid &&
        !cred_capable(CAP_SYS_ADMIN)) {
        err = -EACCES;
    }
    if (!err) {
        k->perm = arg_uint(a, 2);
    }
    return err;
}

static long set_timeout(const struct sysargs *a)
{
    struct key *k;
    int err = key_lookup_locked(arg_int(a, 1), true, KEY_SETATTR, &k);

    if (!err) {
        k->expires = arg_uint(a, 2) ? clock_realtime() +
                                          arg_uint(a, 2) * (int64_t)NSEC_PER_SEC
                                    : 0;
    }
    return err;
}

static long invalidate(const struct sysargs *a)
{
    struct key *k;
    int err = key_lookup_locked(arg_int(a, 1), false, KEY_SEARCH, &k);

    if (!err) {
        k->revoked = true;
    }
    return err;
}

static long clear(const struct sysargs *a)
{
    struct key *ring;
    int err = key_lookup_locked(arg_int(a, 1), true, KEY_WRITE, &ring);

    if (!err && ring->type != KEY_KEYRING) {
        err = -ENOTDIR;
    }
    if (!err) {
        keyring_clear_locked(ring);
    }
    return err;
}

static long change_link(const struct sysargs *a, bool on)
{
    struct key *ring, *k;
    int err = key_lookup_locked(arg_int(a, 2), on, KEY_WRITE, &ring);

    err =
        err ? err : key_lookup_locked(arg_int(a, 1), on, on ? KEY_LINK : 0, &k);
    if (!on && (err == -EKEYREVOKED || err == -EKEYEXPIRED)) {
        k = key_find_locked(arg_int(a, 1));
        err = k ? 0 : err;
    }
    if (!err && ring->type != KEY_KEYRING) {
        err = -ENOTDIR;
    }
    if (err) {
        return err;
    }
    return on ? keyring_link_locked(ring, k) : keyring_unlink_locked(ring, k);
}

static long get_ring_id(const struct sysargs *a)
{
    struct key *k;
    int err = key_lookup_locked(arg_int(a, 1), arg_int(a, 2), KEY_SEARCH, &k);

    return err ? err : k->serial;
}

static long set_reqkey(int where)
{
    struct thread *t = current_thread();
    struct key *ring;
    int old = t->reqkey_default, err = 0;

    if (where == KEY_REQKEY_NO_CHANGE) {
        return old;
    }
    if (where < KEY_REQKEY_DEFAULT || where > KEY_REQKEY_USER_SESSION) {
        return -EINVAL;
    }
    if (where == KEY_REQKEY_THREAD || where == KEY_REQKEY_PROCESS) {
        err = key_lookup_locked(-where, true, 0, &ring);
    }
    if (!err) {
        t->reqkey_default = where;
    }
    return err ? err : old;
}

/* ---- keyctl: what comes out ---- */

/* A copy for user memory, which the lock is not held for. */
struct copy {
    void *bytes; /* kmalloc'ed */
    size_t len;
};

static int keep(struct copy *c, const void *bytes, size_t len)
{
    c->bytes = kmalloc(MAX(len, (size_t)1));
    if (!c->bytes) {
        return -ENOMEM;
    }
    memcpy(c->bytes, bytes, len);
    c->len = len;
    return 0;
}

static int describe(int32_t id, struct copy *c)
{
    struct key *k;
    char *text;
    int err = key_lookup_locked(id, false, KEY_VIEW, &k);

    if (err) {
        return err;
    }
    text = kmalloc(KEY_DESCRIPTION_MOST + 128);
    if (!text) {
        return -ENOMEM;
    }
    c->bytes = text;
    c->len = (size_t)fmt_snprintf(text, KEY_DESCRIPTION_MOST + 128,
                                  "%s;%d;%d;%08x;%s", key_type_name(k->type),
                                  k->uid, k->gid, k->perm, k->description) +
             1;
    return 0;
}

static int read_ring(const struct key *ring, struct copy *c)
{
    int32_t *ids = kmalloc(MAX(ring->count, 1u) * sizeof(*ids));

    if (!ids) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < ring->count; i++) {
        ids[i] = ring->links[i]->serial;
    }
    *c = (struct copy){ids, ring->count * sizeof(*ids)};
    return 0;
}

static int read_key(int32_t id, struct copy *c)
{
    struct key *k;
    int err = key_lookup_locked(id, false, 0, &k);

    if (err) {
        return err;
    }
    if (k->error) {
        return k->error;
    }
    if (key_may_locked(k, KEY_READ) &&
        !(key_possessed_locked(k) && !key_may_locked(k, KEY_SEARCH))) {
        return -EACCES;
    }
    if (k->type == KEY_LOGON) {
        return -EOPNOTSUPP;
    }
    return k->type == KEY_KEYRING ? read_ring(k, c)
                                  : keep(c, k->payload, k->len);
}

/* The whole length, of which as much is copied as there is room for; strings
 * are copied as a whole or not at all. */
static long give(const struct sysargs *a, int (*take)(int32_t, struct copy *),
                 bool whole)
{
    struct uptr to = arg_ptr(a, 2);
    uint64_t room = to.addr ? arg_u64(a, 3) : 0;
    struct copy c = {NULL, 0};
    long err;

    keys_lock();
    err = take(arg_int(a, 1), &c);
    keys_unlock();
    if (!err && room && (!whole || c.len <= room)) {
        err = copy_to_user(to, c.bytes, MIN(c.len, room));
    }
    if (c.bytes) {
        wipe(c.bytes, c.len);
    }
    kfree(c.bytes);
    return err ? err : (long)c.len;
}

static long find(const struct sysargs *a)
{
    struct key *ring, *k, *into = NULL;
    char type[TYPE_BYTES];
    char *description = NULL;
    long err = get_type(arg_ptr(a, 2), type);

    err = err ? err : get_string(arg_ptr(a, 3), &description);
    if (err) {
        return err;
    }
    keys_lock();
    err = key_lookup_locked(arg_int(a, 1), false, KEY_SEARCH, &ring);
    if (!err && arg_int(a, 4)) {
        err = key_lookup_locked(arg_int(a, 4), true, KEY_WRITE, &into);
    }
    if (!err) {
        err = key_type_of(type);
        err = err < 0 ? -ENOKEY
              : ring->type != KEY_KEYRING
                  ? -ENOTDIR
                  : keyring_search_locked(ring, (enum key_type)err, description,
                                          &k);
    }
    if (!err && into) {
        err = keyring_link_locked(into, k);
    }
    err = err ? err : k->serial;
    keys_unlock();
    kfree(description);
    return err;
}

/* The commands that need nothing but keys. */
static long simple(const struct sysargs *a)
{
    switch (arg_int(a, 0)) {
    case KEYCTL_GET_KEYRING_ID:
        return get_ring_id(a);
    case KEYCTL_REVOKE:
        return revoke(a);
    case KEYCTL_CHOWN:
        return set_owner(a);
    case KEYCTL_SETPERM:
        return set_permissions(a);
    case KEYCTL_CLEAR:
        return clear(a);
    case KEYCTL_LINK:
        return change_link(a, true);
    case KEYCTL_UNLINK:
        return change_link(a, false);
    case KEYCTL_SET_REQKEY_KEYRING:
        return set_reqkey(arg_int(a, 1));
    case KEYCTL_SET_TIMEOUT:
        return set_timeout(a);
    case KEYCTL_SESSION_TO_PARENT:
        return keys_session_to_parent_locked();
    case KEYCTL_INVALIDATE:
        return invalidate(a);
    default:
        return -EOPNOTSUPP;
    }
}

long sys_keyctl(const struct sysargs *a)
{
    long result;

    switch (arg_int(a, 0)) {
    case KEYCTL_JOIN_SESSION_KEYRING:
        return join_session(arg_ptr(a, 1));
    case KEYCTL_UPDATE:
        return update(a);
    case KEYCTL_DESCRIBE:
        return give(a, describe, true);
    case KEYCTL_READ:
        return give(a, read_key, false);
    case KEYCTL_SEARCH:
        return find(a);
    default:
        keys_lock();
        result = simple(a);
        keys_unlock();
        return result;
    }
}
