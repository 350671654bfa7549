/* SPDX-License-Identifier: MIT
 *
 * procfs's tables: procfs.c has the root, proc_pid.c what stands below a pid,
 * proc_mm.c, proc_mem.c, proc_pagemap.c, proc_state.c and proc_small.c parts of
 * it, proc_fd.c
 * its descriptors, proc_ipc.c /proc/sysvipc, proc_net.c /proc/net, proc_locks.c
 * /proc/locks,
 * proc_system.c what is about the whole system and proc_sys.c the tunables of
 * /proc/sys.
 */
#ifndef KERNEL_FS_PROCFS_H
#define KERNEL_FS_PROCFS_H

#include "kernel/fs/procfs/pseudo.h"
#include "kernel/proc/proc.h"

extern const struct pseudo proc_pid_rows[], proc_task_rows[];
extern const struct pseudo proc_fd_rows[], proc_fdinfo_rows[];
extern const struct pseudo proc_ns_rows[], proc_net_rows[];
extern const struct pseudo proc_sys_rows[], proc_sys_net_rows[];
extern const struct pseudo proc_sys_net_conf4_rows[];
extern const struct pseudo proc_sys_net_ipv6_rows[];
extern const struct pseudo proc_ipc_rows[];

extern const struct inode_ops proc_map_files_ops;
extern const struct file_ops proc_mem_ops;
int proc_mem_open(struct inode *inode, struct file *f);
int64_t proc_mem_seek(struct file *f, int64_t off, int whence);
extern const struct file_ops proc_pagemap_ops;
/* proc_options.c: options of a mount, as /proc/mounts has them; for the table.
 */
void proc_show_options(struct text *t, struct superblock *sb);
bool proc_visible(const struct pseudo_limits *l, int pid);
bool proc_enters(const struct pseudo_limits *l, int pid);
int show_maps(struct text *t, const struct pseudo_at *at);
int show_smaps(struct text *t, const struct pseudo_at *at);
int show_smaps_rollup(struct text *t, const struct pseudo_at *at);
int show_children(struct text *t, const struct pseudo_at *at);
int show_schedstat(struct text *t, const struct pseudo_at *at);
int show_timer_slack(struct text *t, const struct pseudo_at *at);
/* proc_login.c */
int show_loginuid(struct text *t, const struct pseudo_at *at);
int show_sessionid(struct text *t, const struct pseudo_at *at);
int store_loginuid(const char *buf, size_t len, const struct pseudo_at *at);
int show_statm(struct text *t, const struct pseudo_at *at);
int show_pid_stat(struct text *t, const struct pseudo_at *at);
int show_syscall(struct text *t, const struct pseudo_at *at);
int show_status(struct text *t, const struct pseudo_at *at);
extern struct pseudo_changes mount_changes; /* mount.c */
int show_mounts(struct text *t, const struct pseudo_at *at);
int show_mountinfo(struct text *t, const struct pseudo_at *at);
int show_meminfo(struct text *t, const struct pseudo_at *at);
int show_node_memory(struct text *t, const struct pseudo_at *at);
int show_cpuinfo(struct text *t, const struct pseudo_at *at);
int show_stat(struct text *t, const struct pseudo_at *at);
int show_config(struct text *t, const struct pseudo_at *at);
int show_uptime(struct text *t, const struct pseudo_at *at);
int show_loadavg(struct text *t, const struct pseudo_at *at);
int show_version(struct text *t, const struct pseudo_at *at);
int show_locks(struct text *t, const struct pseudo_at *at);
int show_interrupts(struct text *t, const struct pseudo_at *at);
int show_io(struct text *t, const struct pseudo_at *at);
int show_vmstat(struct text *t, const struct pseudo_at *at);
extern const char proc_devices_text[], proc_partitions_text[];

/* sysfs's, by at->n[0]. */
extern const struct pseudo sysfs_cache_rows[];
extern const struct pseudo sysfs_netifs[], sysfs_class_net[];
uint64_t cpu_cache_size(void); /* bytes of the last level; 0: unknown */
int show_cpu_number(struct text *t, const struct pseudo_at *at);
int show_cpu_range(struct text *t, const struct pseudo_at *at);
int show_cpu_mask(struct text *t, const struct pseudo_at *at);
int show_all_mask(struct text *t, const struct pseudo_at *at);

/* Lines of /proc/filesystems, NULL behind the last; the name in one. */
extern const char *const proc_filesystems[];
const char *filesystem_name(int i);

/* The process of at->n[0] with a reference, or NULL. */
struct proc *proc_at(const struct pseudo_at *at);
/* -ESRCH: it is gone. */
int proc_exists(const struct pseudo_at *at);
/* The same for a list: -ENOENT. */
int proc_lists(const struct pseudo_at *at);

/* The process whose directory /proc/PID f is, with a reference; NULL: f is
 * none, or that process is gone. */
struct proc *proc_of_directory(struct file *f, bool *is_one);

/* The thread that at names: n[1] when there is one, else the process's own.
 * fn runs with proc_lock held; -ESRCH. */
int with_thread(const struct pseudo_at *at,
                int (*fn)(struct thread *t, void *arg), void *arg);

/* The address space of what at names, counted; NULL: it has none left. */
int mm_at(const struct pseudo_at *at, struct mm **out);
/* proc_mapquery.c */
long ioctl_maps(const struct pseudo_at *at, uint32_t cmd, struct uptr arg);

#endif
