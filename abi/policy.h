/* SPDX-License-Identifier: MIT
 *
 * The compiled policy: what the owner of a bundle decided, in the one form
 * that is measured and parsed inside. tools/policy makes it from JSON;
 * kernel/policy.c checks and applies it; docs/IMAGE.md has every byte.
 *
 * There is exactly one valid form of a policy. The header comes first; then
 * the arrays, each where the one before ends, in the header's order; then the
 * strings, likewise, in the order in which header and arrays name them, each
 * with a NUL behind it that its length does not count; then zeros to the end
 * of the page. An empty array or string has its place too. Integers are
 * little-endian.
 */
#ifndef ABI_POLICY_H
#define ABI_POLICY_H

#include <assert.h>
#include <stdint.h>

#define POLICY_MAGIC "ENCLPOL" /* with its NUL, 8 bytes */

enum {
    POLICY_VERSION = 1,
    POLICY_PAGE = 4096,
    POLICY_PAGES_MAX = 16,
    POLICY_STRINGS_MAX = 1024, /* entries of args, env, env_pass each */
    POLICY_MOUNTS_MAX = 32,
    POLICY_RULES_MAX = 128, /* of listen and connect each */
    POLICY_LIMITS_MAX = 16, /* resources of getrlimit(2) */
    POLICY_VCPUS_MAX = 64,
};

/* What weakens protection; all of it, and nothing of it by default. */
enum policy_insecure {
    POLICY_HOST_ARGS = 1 << 0, /* arguments come from the host */
    POLICY_HOST_ENV = 1 << 1,  /* env_pass names may come from the host */
    POLICY_HOST_FS = 1 << 2,   /* mounts of POLICY_MOUNT_HOST */
    POLICY_DEBUG = 1 << 3,     /* a debug enclave: the host may look inside */
    POLICY_STRACE = 1 << 4,    /* the host may ask for strace and statistics */
    POLICY_NO_ISOLATION = 1 << 5, /* no protection keys between processes */
    POLICY_INSECURE_ALL = (1 << 6) - 1,
};

enum policy_class {
    POLICY_CLASS_EDMM = 1, /* SGX2: memory is added while running */
    POLICY_CLASS_SGX1 = 2, /* all memory is there from the start */
};

enum policy_mount_type {
    POLICY_MOUNT_TMPFS = 1,
    POLICY_MOUNT_HOST = 2, /* source: a directory of the host */
};

enum { /* flags of a mount */
       POLICY_MOUNT_RDONLY = 1,
       POLICY_MOUNT_NOSUID = 2,
       POLICY_MOUNT_NODEV = 4,
       POLICY_MOUNT_NOEXEC = 8,
       POLICY_MOUNT_FLAGS = 15,
};

struct policy_string {
    uint32_t at, len;
};

struct policy_list {
    uint32_t at, count;
};

struct policy_mount {
    struct policy_string target, source; /* absolute; no source: "" */
    uint32_t type, flags;
    uint64_t size; /* tmpfs: bytes, 0: no limit of its own */
    uint32_t mode; /* tmpfs: of its root directory */
    uint32_t zero;
};
static_assert(sizeof(struct policy_mount) == 40, "policy mount");

/* Which addresses of the host's network may be bound or reached. */
struct policy_rule {
    uint8_t address[16]; /* IPv4: the first 4 bytes; bits below prefix: 0 */
    uint8_t family;      /* 4, 6, or 0 for both (then address and prefix 0) */
    uint8_t prefix;      /* bits of address that count */
    uint8_t protocol;    /* 6 TCP, 17 UDP */
    uint8_t zero;
    uint16_t port_low, port_high; /* both included */
};
static_assert(sizeof(struct policy_rule) == 24, "policy rule");

struct policy_limit {
    uint32_t resource, zero; /* RLIMIT_*, in rising order */
    uint64_t soft, hard;     /* ~0: none */
};
static_assert(sizeof(struct policy_limit) == 24, "policy limit");

struct policy {
    uint8_t magic[8];
    uint32_t version; /* POLICY_VERSION */
    uint32_t size;    /* bytes in all, whole pages */
    uint32_t used;    /* bytes before the zeros at the end */
    uint32_t insecure;
    uint32_t enclave_class;
    uint32_t vcpus;        /* 1..POLICY_VCPUS_MAX */
    uint64_t memory;       /* bytes, whole pages; 0: no ceiling (not SGX1) */
    uint64_t xfrm_allowed; /* the most of XCR0 that the enclave may get */
    uint16_t product_id, svn;
    uint32_t uid, gid, umask;
    uint64_t image_size; /* of the image file, trailer included */
    uint8_t root_hash[32];
    struct policy_string program, cwd, hostname;
    struct policy_list args;         /* argv, the first entry is argv[0] */
    struct policy_list default_args; /* follow unless the host gives others */
    struct policy_list env;          /* "K=V" */
    struct policy_list env_pass;     /* "K" */
    struct policy_list mounts, listen, connect, limits;
    uint64_t swap_memory; /* bytes; 0: no limit of what fork(2) may copy */
    uint8_t reserved[56];
};
static_assert(sizeof(struct policy) == 256, "policy header");

/* Where a string or array of a checked policy is. */
static inline const void *policy_at(const struct policy *p, uint32_t at)
{
    return (const uint8_t *)p + at;
}

#endif
