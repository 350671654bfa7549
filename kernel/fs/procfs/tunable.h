/* SPDX-License-Identifier: MIT
 *
 * Numbers of /proc/sys that a program may change, and that take effect
 * (proc(5)). Whoever goes by one reads it each time; a row of proc_sys.c shows
 * it.
 */
#ifndef KERNEL_FS_TUNABLE_H
#define KERNEL_FS_TUNABLE_H

#include "lib/atomic.h"
#include "lib/types.h"

struct tunable {
    int64_t value; /* atomic; unsigned where most is 0 */
    int64_t least, most;
};

extern struct tunable tunable_pipe_max_size;     /* bytes */
extern struct tunable tunable_inotify_instances; /* of one user */
extern struct tunable tunable_nr_open;           /* RLIMIT_NOFILE's ceiling */
extern struct tunable tunable_lease_break_time;  /* seconds */
extern struct tunable tunable_mount_max;
extern struct tunable tunable_core_uses_pid;
extern struct tunable tunable_shm_max, tunable_shm_count; /* shmmax, shmmni */
extern struct tunable tunable_msg_max, tunable_msg_bytes, tunable_msg_count;
extern struct tunable tunable_keys, tunable_key_bytes; /* of a user */
extern struct tunable tunable_root_keys, tunable_root_key_bytes;
/* The identifier that the next object shall get; -1: any. */
extern struct tunable tunable_shm_next, tunable_sem_next, tunable_msg_next;

/* /proc/sys/net */
extern struct tunable tunable_somaxconn, tunable_plain_ports;
extern struct tunable tunable_rmem_max, tunable_wmem_max; /* before doubling */
extern struct tunable tunable_port_first, tunable_port_last; /* unnamed ones */
extern struct tunable tunable_rmem_default, tunable_wmem_default;

static inline int64_t tunable(const struct tunable *t)
{
    return atomic_load_relaxed(&t->value);
}

/* A number in the ways that C has, perhaps with a newline: -EINVAL. */
int tunable_store(struct tunable *t, const char *buf, size_t len);

#endif
