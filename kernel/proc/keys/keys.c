/* SPDX-License-Identifier: MIT
 *
 * Keys (keys.h): their types, lifetimes, permissions and quotas.
 */
#include "kernel/proc/keys/keys.h"
#include "kernel/core/log.h"
#include "kernel/core/timer.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum { USER_PAYLOAD_MOST = 32767 };

static struct list keys = LIST_INIT(keys);
static struct list dying = LIST_INIT(dying); /* nobody's any more */
static struct mutex lock = {.lock = SPINLOCK_INIT(LOCK_NONE),
                            .waiters = LIST_INIT(lock.waiters),
                            .lock_class = LOCK_FS_OBJECT};

void keys_lock(void)
{
    mutex_lock(&lock);
}

void keys_unlock(void)
{
    mutex_unlock(&lock);
}

/* ---- types ---- */

static const char *const type_names[KEY_TYPES] = {"keyring", "user", "logon",
                                                  "big_key"};

int key_type_of(const char *name)
{
    for (int i = 0; i < KEY_TYPES; i++) {
        if (strcmp(type_names[i], name) == 0) {
            return i;
        }
    }
    return -ENODEV;
}

const char *key_type_name(enum key_type type)
{
    return type_names[type];
}

int key_check(enum key_type type, const char *description, size_t len)
{
    const char *colon = strchr(description, ':');

    switch (type) {
    case KEY_KEYRING:
        return len ? -EINVAL : 0;
    case KEY_LOGON: /* "service:..." */
        if (!colon || colon == description) {
            return -EINVAL;
        }
        return len && len <= USER_PAYLOAD_MOST ? 0 : -EINVAL;
    case KEY_USER:
        return len && len <= USER_PAYLOAD_MOST ? 0 : -EINVAL;
    default:
        return len && len <= KEY_PAYLOAD_MOST ? 0 : -EINVAL;
    }
}

/* ---- birth and end ---- */

static int check_quota(uint32_t uid, size_t bytes)
{
    size_t count = 1;

    list_for_each (pos, &keys) {
        const struct key *k = list_entry(pos, struct key, node);

        if (k->uid == uid) {
            count++;
            bytes += k->len + strlen(k->description) + 1;
        }
    }
    return (int64_t)count > tunable(uid ? &tunable_keys : &tunable_root_keys) ||
                   (int64_t)bytes > tunable(uid ? &tunable_key_bytes
                                                : &tunable_root_key_bytes)
               ? -EDQUOT
               : 0;
}

static int32_t new_serial(void)
{
    uint32_t serial;

    do {
        random_bytes(&serial, sizeof(serial));
        serial >>= 1;
    } while (serial < 3 || key_find_locked((int32_t)serial));
    return (int32_t)serial;
}

static uint32_t first_permissions(enum key_type type)
{
    uint32_t possessor = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SETATTR |
                         KEY_WRITE | (type == KEY_LOGON ? 0 : KEY_READ);

    return possessor << 24 | KEY_VIEW << 16;
}

static void *copy_of(const void *from, size_t len)
{
    void *copy = kmalloc(MAX(len, (size_t)1));

    return copy ? memcpy(copy, from, len) : NULL;
}

int key_new_locked(enum key_type type, const char *description,
                   const void *payload, size_t len, struct key **out)
{
    const struct cred *cred = current_cred();
    size_t name_len = strlen(description) + 1;
    int err = check_quota(cred->fsuid, len + name_len);
    struct key *k = err ? NULL : kzalloc(sizeof(*k));

    if (!k) {
        return err ? err : -ENOMEM;
    }
    k->description = copy_of(description, name_len);
    k->payload = len ? copy_of(payload, len) : NULL;
    if (!k->description || (len && !k->payload)) {
        kfree(k->description);
        kfree(k->payload);
        kfree(k);
        return -ENOMEM;
    }
    k->refs = 1;
    k->serial = new_serial();
    k->type = type;
    k->uid = cred->fsuid;
    k->gid = cred->fsgid;
    k->perm = first_permissions(type);
    k->len = len;
    list_add_tail(&keys, &k->node);
    *out = k;
    return 0;
}

int key_update_locked(struct key *k, const void *payload, size_t len)
{
    void *copy = copy_of(payload, len);

    if (!copy) {
        return -ENOMEM;
    }
    if (k->payload) {
        wipe(k->payload, k->len);
        kfree(k->payload);
    }
    k->payload = copy;
    k->len = len;
    k->error = 0;
    k->expires = 0;
    return 0;
}

void key_get(struct key *k)
{
    atomic_fetch_add(&k->refs, 1);
}

static void key_free(struct key *k)
{
    list_del(&k->node);
    if (k->payload) {
        wipe(k->payload, k->len);
    }
    kfree(k->payload);
    kfree(k->description);
    kfree(k);
}

/* What a keyring was the last to link dies with it, and so on down: those wait
 * behind it in the list, since our stack is no measure of a chain's length. */
void key_put_locked(struct key *k)
{
    bool first = list_empty(&dying);

    if (!k || atomic_sub_fetch(&k->refs, 1)) {
        return;
    }
    list_del(&k->node);
    list_add_tail(&dying, &k->node);
    while (first && !list_empty(&dying)) {
        k = list_entry(list_first(&dying), struct key, node);
        keyring_clear_locked(k);
        key_free(k);
    }
}

struct key *key_find_locked(int32_t serial)
{
    list_for_each (pos, &keys) {
        struct key *k = list_entry(pos, struct key, node);

        if (k->serial == serial) {
            return k;
        }
    }
    return NULL;
}

/* ---- rights ---- */

int key_valid_locked(const struct key *k)
{
    if (k->revoked) {
        return -EKEYREVOKED;
    }
    return k->expires && clock_realtime() >= k->expires ? -EKEYEXPIRED : 0;
}

int key_may_locked(const struct key *k, unsigned want)
{
    const struct cred *c = current_cred();
    uint32_t granted;

    if (k->uid == c->fsuid) {
        granted = k->perm >> 16;
    } else if (k->gid == c->fsgid) {
        granted = k->perm >> 8;
    } else {
        granted = k->perm;
    }
    if (key_possessed_locked(k)) {
        granted |= k->perm >> 24;
    }
    return want & ~granted & KEY_ALL ? -EACCES : 0;
}
