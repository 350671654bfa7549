/* SPDX-License-Identifier: MIT
 *
 * Keyrings (keys.h): links, searches, and the keyrings that threads,
 * processes, sessions and users have. Searches go down a few levels only, so
 * a chain cannot exhaust the stack; circles are refused when they are made.
 * A ring's end may end a chain of any length: keys.c does that in a loop.
 */
#include "kernel/proc/keys/keys.h"
#include "kernel/mm/heap.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"

enum { DEPTH_MOST = 6, RINGS = 3 };

/* ---- links ---- */

static bool is_named(const struct key *k, enum key_type type,
                     const char *description)
{
    return k->type == type && strcmp(k->description, description) == 0;
}

struct key *keyring_find_locked(struct key *ring, enum key_type type,
                                const char *description)
{
    for (unsigned i = 0; i < ring->count; i++) {
        if (is_named(ring->links[i], type, description)) {
            return ring->links[i];
        }
    }
    return NULL;
}

static bool contains(const struct key *ring, const struct key *k, int depth)
{
    for (unsigned i = 0; i < ring->count && depth <= DEPTH_MOST; i++) {
        if (ring->links[i] == k || contains(ring->links[i], k, depth + 1)) {
            return true;
        }
    }
    return false;
}

/* Whether k, in ring, would make a circle: -EDEADLK; -ELOOP: k goes further
 * down than anybody looks. */
static int check_circle(const struct key *k, const struct key *ring, int depth)
{
    for (unsigned i = 0; i < k->count; i++) {
        if (k->links[i] == ring) {
            return -EDEADLK;
        }
    }
    for (unsigned i = 0; i < k->count; i++) {
        const struct key *below = k->links[i];
        int err = 0;

        if (below->type == KEY_KEYRING) {
            err = depth == DEPTH_MOST ? -ELOOP
                                      : check_circle(below, ring, depth + 1);
        }
        if (err) {
            return err;
        }
    }
    return 0;
}

static int make_room(struct key *ring)
{
    unsigned room = MAX(ring->room * 2, 8u);
    struct key **links;

    if (ring->count < ring->room) {
        return 0;
    }
    links = kmalloc(room * sizeof(struct key *));
    if (!links) {
        return -ENOMEM;
    }
    memcpy(links, ring->links, ring->count * sizeof(struct key *));
    kfree(ring->links);
    ring->links = links;
    ring->room = room;
    return 0;
}

int keyring_link_locked(struct key *ring, struct key *k)
{
    struct key *old = keyring_find_locked(ring, k->type, k->description);
    int err = k == ring ? -EDEADLK : check_circle(k, ring, 0);

    if (err || old == k) {
        return err;
    }
    err = make_room(ring);
    if (err) {
        return err;
    }
    if (old) {
        (void)keyring_unlink_locked(ring, old);
    }
    key_get(k);
    ring->links[ring->count++] = k;
    return 0;
}

int keyring_unlink_locked(struct key *ring, struct key *k)
{
    for (unsigned i = 0; i < ring->count; i++) {
        if (ring->links[i] == k) {
            ring->links[i] = ring->links[--ring->count];
            key_put_locked(k);
            return 0;
        }
    }
    return -ENOENT;
}

void keyring_clear_locked(struct key *ring)
{
    while (ring->count) {
        key_put_locked(ring->links[--ring->count]);
    }
    kfree(ring->links);
    ring->links = NULL;
    ring->room = 0;
}

/* ---- searching ---- */

/* The caller's keyrings, in the order in which they are searched. */
static void own_rings(struct key *rings[RINGS])
{
    struct thread *t = current_thread();

    rings[0] = t->keyring;
    rings[1] = t->proc->keyring;
    rings[2] = t->proc->session_keyring;
}

bool key_possessed_locked(const struct key *k)
{
    struct key *rings[RINGS];

    own_rings(rings);
    for (int i = 0; i < RINGS; i++) {
        if (rings[i] && (rings[i] == k || contains(rings[i], k, 0))) {
            return true;
        }
    }
    return false;
}

/* *err: why the last one that was found cannot be had. */
static struct key *search(struct key *ring, enum key_type type,
                          const char *description, int depth, int *err)
{
    struct key *k = keyring_find_locked(ring, type, description);

    if (k) {
        int bad = key_valid_locked(k);

        bad = bad ? bad : k->error ? k->error : key_may_locked(k, KEY_SEARCH);
        if (!bad) {
            return k;
        }
        *err = bad;
    }
    for (unsigned i = 0; i < ring->count && depth < DEPTH_MOST; i++) {
        struct key *below = ring->links[i];

        if (below->type == KEY_KEYRING && !key_may_locked(below, KEY_SEARCH)) {
            k = search(below, type, description, depth + 1, err);
            if (k && !key_valid_locked(k)) {
                return k;
            }
        }
    }
    return NULL;
}

int keyring_search_locked(struct key *ring, enum key_type type,
                          const char *description, struct key **out)
{
    int err = -ENOKEY;

    *out = search(ring, type, description, 0, &err);
    return *out ? 0 : err;
}

int keys_search_locked(enum key_type type, const char *description,
                       struct key **out)
{
    struct key *rings[RINGS];
    int err = -ENOKEY;

    own_rings(rings);
    for (int i = 0; i < RINGS; i++) {
        if (rings[i] && !key_may_locked(rings[i], KEY_SEARCH)) {
            *out = search(rings[i], type, description, 0, &err);
            if (*out) {
                return 0;
            }
        }
    }
    return err;
}

/* ---- the keyrings that everybody has ---- */

/* The users' rings are kept by this one. */
static struct key *users;

static int user_ring(const char *format, uint32_t perm, struct key **out)
{
    uint32_t uid = current_cred()->uid;
    char name[32];
    int err = 0;

    fmt_snprintf(name, sizeof(name), format, uid);
    if (!users) {
        err = key_new_locked(KEY_KEYRING, ".users", NULL, 0, &users);
        if (err) {
            return err;
        }
        users->perm = 0;
    }
    *out = keyring_find_locked(users, KEY_KEYRING, name);
    if (*out) {
        return 0;
    }
    err = key_new_locked(KEY_KEYRING, name, NULL, 0, out);
    if (!err) {
        (*out)->uid = uid;
        (*out)->perm = perm;
        err = keyring_link_locked(users, *out);
        key_put_locked(*out);
    }
    return err;
}

enum { USER_RING_PERMISSIONS = 0x3f1f0000 };

static int user_rings(struct key **ring, struct key **session)
{
    int err = user_ring("_uid.%u", USER_RING_PERMISSIONS, ring);

    err = err ? err : user_ring("_uid_ses.%u", USER_RING_PERMISSIONS, session);
    return err ? err : keyring_link_locked(*session, *ring);
}

static int make_ring(struct key **place, const char *name, bool create,
                     struct key **out)
{
    int err;

    if (!*place) {
        if (!create) {
            return -ENOKEY;
        }
        err = key_new_locked(KEY_KEYRING, name, NULL, 0, place);
        if (err) {
            return err;
        }
        (*place)->perm = (uint32_t)KEY_ALL << 24 | KEY_VIEW << 16;
    }
    *out = *place;
    return 0;
}

static int session_ring(bool create, struct key **out)
{
    struct proc *p = current_proc();
    struct key *user;
    int err;

    if (p->session_keyring || create) {
        return make_ring(&p->session_keyring, "_ses", create, out);
    }
    err = user_rings(&user, out);
    if (!err) {
        key_get(*out);
        p->session_keyring = *out;
    }
    return err;
}

static int special(int32_t id, bool create, struct key **out)
{
    struct thread *t = current_thread();
    struct key *other;

    switch (id) {
    case KEY_SPEC_THREAD_KEYRING:
        return make_ring(&t->keyring, "_tid", create, out);
    case KEY_SPEC_PROCESS_KEYRING:
        return make_ring(&t->proc->keyring, "_pid", create, out);
    case KEY_SPEC_SESSION_KEYRING:
        return session_ring(create, out);
    case KEY_SPEC_USER_KEYRING:
        return user_rings(out, &other);
    case KEY_SPEC_USER_SESSION_KEYRING:
        return user_rings(&other, out);
    case KEY_SPEC_REQKEY_AUTH_KEY:
    case KEY_SPEC_REQUESTOR_KEYRING:
        return -ENOKEY; /* nobody is asked to make a key (request_key(2)) */
    default:
        return -EINVAL;
    }
}

int key_lookup_locked(int32_t id, bool create, unsigned want, struct key **out)
{
    struct key *k;
    int err;

    if (id < 0) {
        err = special(id, create, &k);
    } else {
        k = id ? key_find_locked(id) : NULL;
        err = k ? 0 : id ? -ENOKEY : -EINVAL;
    }
    err = err ? err : key_valid_locked(k);
    err = err ? err : key_may_locked(k, want);
    if (!err) {
        *out = k;
    }
    return err;
}

int key_default_ring_locked(struct key **out)
{
    struct thread *t = current_thread();

    switch (t->reqkey_default) {
    case KEY_REQKEY_DEFAULT:
        if (t->keyring || t->proc->keyring) {
            *out = t->keyring ? t->keyring : t->proc->keyring;
            return 0;
        }
        return session_ring(false, out);
    case KEY_REQKEY_THREAD:
        return special(KEY_SPEC_THREAD_KEYRING, true, out);
    case KEY_REQKEY_PROCESS:
        return special(KEY_SPEC_PROCESS_KEYRING, true, out);
    case KEY_REQKEY_SESSION:
        return session_ring(false, out);
    case KEY_REQKEY_USER:
        return special(KEY_SPEC_USER_KEYRING, true, out);
    default:
        return special(KEY_SPEC_USER_SESSION_KEYRING, true, out);
    }
}

int keys_join_session_locked(const char *name)
{
    struct proc *p = current_proc();
    struct key *fresh;
    int err =
        key_new_locked(KEY_KEYRING, name ? name : "_ses", NULL, 0, &fresh);

    if (err) {
        return err;
    }
    fresh->perm = (uint32_t)KEY_ALL << 24 | (KEY_VIEW | KEY_READ) << 16;
    key_put_locked(p->session_keyring);
    p->session_keyring = fresh;
    return fresh->serial;
}

static bool same_owner(const struct cred *a, const struct cred *b)
{
    return a->uid == b->euid && a->euid == b->euid && a->suid == b->euid &&
           a->gid == b->egid && a->egid == b->egid && a->sgid == b->egid;
}

/* Whether p may get ring: one thread, that it is of our user, and so are both
 * rings. [proc_lock] */
static bool may_get_session(const struct proc *p, const struct key *ring)
{
    const struct cred *me = current_cred();

    return p && p->pid > 1 && !p->exiting && p->thread_count == 1 &&
           same_owner(&p->cred, me) && ring->uid == me->euid &&
           (!p->session_keyring || p->session_keyring->uid == me->euid);
}

int keys_session_to_parent_locked(void)
{
    struct key *mine, *old = NULL;
    struct proc *parent;
    int err =
        key_lookup_locked(KEY_SPEC_SESSION_KEYRING, false, KEY_LINK, &mine);

    if (err) {
        return err;
    }
    spin_lock(&proc_lock);
    parent = current_proc()->parent;
    if (!may_get_session(parent, mine)) {
        err = -EPERM;
    } else {
        old = parent->session_keyring;
        parent->session_keyring = mine;
        key_get(mine);
    }
    spin_unlock(&proc_lock);
    if (old) {
        key_put_locked(old);
    }
    return err;
}

/* ---- lifetimes ---- */

void keys_fork(const struct proc *from, struct proc *to)
{
    if (from->session_keyring) {
        keys_lock();
        to->session_keyring = from->session_keyring;
        if (to->session_keyring) {
            key_get(to->session_keyring);
        }
        keys_unlock();
    }
}

static void drop(struct key **place)
{
    if (*place) {
        keys_lock();
        key_put_locked(*place);
        *place = NULL;
        keys_unlock();
    }
}

void keys_exec(struct thread *t)
{
    drop(&t->keyring);
    drop(&t->proc->keyring);
}

void keys_thread_exit(struct thread *t)
{
    drop(&t->keyring);
}

void keys_proc_exit(struct proc *p)
{
    drop(&p->keyring);
    drop(&p->session_keyring);
}
