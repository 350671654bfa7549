/* SPDX-License-Identifier: MIT
 *
 * Keys and keyrings (keyrings(7)): secrets that the kernel keeps for programs,
 * of the types user, logon, big_key and keyring. Nobody is asked for keys that
 * are not there (request-key(8)): such a request leaves a negative key.
 *
 * One mutex guards all keys; the calls below take it, unless their names end
 * in _locked. A key is counted by the keyrings that link it, by threads and
 * processes whose keyring it is, and by calls in progress.
 */
#ifndef KERNEL_PROC_KEYS_H
#define KERNEL_PROC_KEYS_H

#include "kernel/proc/proc.h"
#include "abi/linux/keyctl.h"

enum key_type { KEY_KEYRING, KEY_USER, KEY_LOGON, KEY_BIG, KEY_TYPES };
enum { KEY_DESCRIPTION_MOST = 4096, KEY_PAYLOAD_MOST = (1 << 20) - 1 };

struct key {
    struct list node; /* all keys */
    uint32_t refs;
    int32_t serial;
    enum key_type type;
    char *description;
    uint32_t uid, gid, perm;
    int error; /* of a negative key, or 0 */
    bool revoked;
    int64_t expires; /* ns of the realtime clock; 0: never */
    void *payload;   /* or NULL */
    size_t len;
    struct key **links; /* of a keyring */
    unsigned count, room;
};

void keys_lock(void);
void keys_unlock(void);

/* ---- keys.c ---- */

/* -ENODEV: no such type. */
int key_type_of(const char *name);
const char *key_type_name(enum key_type type);
/* Whether a payload of len bytes and that description suit the type. */
int key_check(enum key_type type, const char *description, size_t len);
/* One reference; description and payload are copied. -ENOMEM, -EDQUOT. */
int key_new_locked(enum key_type type, const char *description,
                   const void *payload, size_t len, struct key **out);
int key_update_locked(struct key *k, const void *payload, size_t len);
void key_get(struct key *k);
void key_put_locked(struct key *k); /* NULL is nothing */
/* -EKEYREVOKED, -EKEYEXPIRED, or what a negative key answers. */
int key_valid_locked(const struct key *k);
/* Whether the caller may do all of `want` (KEY_*) with k. -EACCES. */
int key_may_locked(const struct key *k, unsigned want);
/* By serial number, anybody's; not counted; NULL: none. */
struct key *key_find_locked(int32_t serial);

/* ---- keyring.c ---- */

struct key *keyring_find_locked(struct key *ring, enum key_type type,
                                const char *description);
/* Puts k in, in the place of one of its type and description. -ENOMEM,
 * -EDEADLK (a circle), -ELOOP (too many levels below k to tell). */
int keyring_link_locked(struct key *ring, struct key *k);
int keyring_unlink_locked(struct key *ring, struct key *k); /* -ENOENT */
void keyring_clear_locked(struct key *ring);
/* The key that id names, not counted: a KEY_SPEC_*, made if `create`, or a
 * serial number. Valid, and the caller may do `want`. -ENOKEY, -EINVAL... */
int key_lookup_locked(int32_t id, bool create, unsigned want, struct key **out);
/* In the caller's keyrings and those in them: -ENOKEY, or why what was found
 * cannot be had. */
int keys_search_locked(enum key_type type, const char *description,
                       struct key **out);
/* The same below one ring. */
int keyring_search_locked(struct key *ring, enum key_type type,
                          const char *description, struct key **out);
/* Whether k is the caller's by one of its keyrings. */
bool key_possessed_locked(const struct key *k);
/* The keyring that request_key(2) puts new keys into by default. */
int key_default_ring_locked(struct key **out);
/* A new session keyring, or the one of that name; its serial number. */
int keys_join_session_locked(const char *name);
/* The parent gets the caller's. -EPERM. */
int keys_session_to_parent_locked(void);

/* fork, exec and the ends of threads and processes. */
void keys_fork(const struct proc *from, struct proc *to);
void keys_exec(struct thread *t);
void keys_thread_exit(struct thread *t);
void keys_proc_exit(struct proc *p);

#endif
