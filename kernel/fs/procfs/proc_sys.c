/* SPDX-License-Identifier: MIT
 *
 * procfs: the tunables of /proc/sys, as far as programs read them. Only what
 * takes effect can be written.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/proc/core_dump.h"
#include "kernel/proc/uts.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"
#include "target/target.h"

static void add_uuid(struct text *t, const uint8_t in[16])
{
    uint8_t b[16];

    memcpy(b, in, 16);
    b[6] = (b[6] & 0x0f) | 0x40; /* RFC 4122, version 4 */
    b[8] = (b[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++) {
        text_add(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                 b[i]);
    }
    text_add(t, "\n");
}

static int show_uuid(struct text *t, const struct pseudo_at *at)
{
    uint8_t bytes[16];

    target_random(bytes, sizeof(bytes));
    add_uuid(t, bytes);
    return 0;
}

/* The same for the life of the instance. */
static int show_boot_id(struct text *t, const struct pseudo_at *at)
{
    static uint8_t id[16];
    static bool known;

    if (!known) {
        target_random(id, sizeof(id));
        known = true;
    }
    add_uuid(t, id);
    return 0;
}

static int show_hostname(struct text *t, const struct pseudo_at *at)
{
    struct abi_utsname u;

    uts_get(&u);
    text_add(t, "%s\n", u.nodename);
    return 0;
}

static int store_hostname(const char *buf, size_t len,
                          const struct pseudo_at *at)
{
    while (len && buf[len - 1] == '\n') {
        len--;
    }
    return uts_set_hostname(buf, len);
}

static int show_domainname(struct text *t, const struct pseudo_at *at)
{
    struct abi_utsname u;

    uts_get(&u);
    text_add(t, "%s\n", u.domainname);
    return 0;
}

static int store_domainname(const char *buf, size_t len,
                            const struct pseudo_at *at)
{
    while (len && buf[len - 1] == '\n') {
        len--;
    }
    return uts_set_domainname(buf, len);
}

static int show_map_count(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", mm_map_count_limit());
    return 0;
}

static int store_map_count(const char *buf, size_t len,
                           const struct pseudo_at *at)
{
    struct tunable count = {0, 0, INT32_MAX};
    int err = tunable_store(&count, buf, len);

    if (!err) {
        mm_set_map_count_limit((unsigned)count.value);
    }
    return err;
}

static int show_last_pid(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%d\n", proc_last_pid());
    return 0;
}

static int store_last_pid(const char *buf, size_t len,
                          const struct pseudo_at *at)
{
    struct tunable pid = {0, 0, INT32_MAX};
    int err = tunable_store(&pid, buf, len);

    return err ? err : proc_set_last_pid((int)pid.value);
}

static int show_core_pattern(struct text *t, const struct pseudo_at *at)
{
    char pattern[CORE_PATTERN_BYTES];

    core_pattern_get(pattern);
    text_add(t, "%s\n", pattern);
    return 0;
}

static int store_core_pattern(const char *buf, size_t len,
                              const struct pseudo_at *at)
{
    return core_pattern_set(buf, len);
}

static int show_osrelease(struct text *t, const struct pseudo_at *at)
{
    struct abi_utsname u;

    uts_get(&u);
    text_add(t, "%s\n", u.release);
    return 0;
}

static int show_os_version(struct text *t, const struct pseudo_at *at)
{
    struct abi_utsname u;

    uts_get(&u);
    text_add(t, "%s\n", u.version);
    return 0;
}

#define CONSTANT(name, value)                                                  \
    {                                                                          \
        name, S_IFREG | 0444, .text = value "\n"                               \
    }

/* One that may be changed (tunable.h). */
#define NUMBER(name, tunable)                                                  \
    {                                                                          \
        name, S_IFREG | 0644, .number = &(tunable)                             \
    }

static const struct pseudo random_rows[] = {
    {"uuid", S_IFREG | 0444, .show = show_uuid},
    {"boot_id", S_IFREG | 0444, .show = show_boot_id},
    CONSTANT("entropy_avail", "256"),
    CONSTANT("poolsize", "256"),
    {NULL},
};

/* What kernel/proc/keys/keys.c goes by. */
static const struct pseudo keys_rows[] = {
    NUMBER("maxkeys", tunable_keys),
    NUMBER("maxbytes", tunable_key_bytes),
    NUMBER("root_maxkeys", tunable_root_keys),
    NUMBER("root_maxbytes", tunable_root_key_bytes),
    {NULL},
};

/* seccomp(2)'s. */
static const struct pseudo seccomp_rows[] = {
    CONSTANT("actions_avail",
             "kill_process kill_thread trap errno user_notif trace log allow"),
    CONSTANT("actions_logged",
             "kill_process kill_thread trap errno user_notif trace log"),
    {NULL},
};

static const struct pseudo kernel_rows[] = {
    {"seccomp", S_IFDIR | 0555, .children = seccomp_rows},
    {"keys", S_IFDIR | 0555, .children = keys_rows},
    {"random", S_IFDIR | 0555, .children = random_rows},
    {"hostname", S_IFREG | 0644, .show = show_hostname, .store = store_hostname,
     .changes = &hostname_changes},
    {"domainname", S_IFREG | 0644, .show = show_domainname,
     .store = store_domainname, .changes = &domainname_changes},
    {"osrelease", S_IFREG | 0444, .show = show_osrelease},
    {"version", S_IFREG | 0444, .show = show_os_version},
    CONSTANT("ostype", "Linux"),
    CONSTANT("pid_max", "4194304"),
    {"ns_last_pid", S_IFREG | 0644, .show = show_last_pid,
     .store = store_last_pid},
    CONSTANT("threads-max", "65536"),
    CONSTANT("ngroups_max", "65536"),
    CONSTANT("cap_last_cap", "40"),
    CONSTANT("randomize_va_space", "2"),
    {"core_pattern", S_IFREG | 0644, .show = show_core_pattern,
     .store = store_core_pattern},
    NUMBER("core_uses_pid", tunable_core_uses_pid),
    NUMBER("shmmax", tunable_shm_max),
    CONSTANT("shmall", "18446744073692774399"),
    NUMBER("shmmni", tunable_shm_count),
    NUMBER("shm_next_id", tunable_shm_next),
    NUMBER("sem_next_id", tunable_sem_next),
    NUMBER("msg_next_id", tunable_msg_next),
    NUMBER("msgmax", tunable_msg_max),
    NUMBER("msgmnb", tunable_msg_bytes),
    NUMBER("msgmni", tunable_msg_count),
    CONSTANT("sem", "32000\t1024000000\t500\t32000"),
    CONSTANT("perf_event_paranoid", "4"),
    CONSTANT("kptr_restrict", "1"),
    CONSTANT("dmesg_restrict", "1"),
    CONSTANT("sched_rt_runtime_us", "950000"),
    CONSTANT("sched_rt_period_us", "1000000"),
    CONSTANT("sched_rr_timeslice_ms", "100"),
    CONSTANT("sched_autogroup_enabled", "0"),
    CONSTANT("tainted", "0"),
    CONSTANT("arch", "x86_64"),
    CONSTANT("printk", "4\t4\t1\t7"),
    CONSTANT("panic", "0"),
    CONSTANT("core_pipe_limit", "0"),
    CONSTANT("shm_rmid_forced", "0"),
    CONSTANT("sysctl_writes_strict", "1"),
    CONSTANT("unprivileged_bpf_disabled", "2"),
    CONSTANT("io_uring_disabled", "2"),
    CONSTANT("overflowuid", "65534"),
    CONSTANT("overflowgid", "65534"),
    {NULL},
};

static const struct pseudo vm_rows[] = {
    CONSTANT("overcommit_memory", "0"),
    CONSTANT("overcommit_ratio", "50"),
    CONSTANT("overcommit_kbytes", "0"),
    CONSTANT("panic_on_oom", "0"),
    CONSTANT("oom_kill_allocating_task", "0"),
    CONSTANT("legacy_va_layout", "0"),
    CONSTANT("memfd_noexec", "0"),
    CONSTANT("unprivileged_userfaultfd", "0"),
    CONSTANT("page-cluster", "3"),
    CONSTANT("vfs_cache_pressure", "100"),
    CONSTANT("dirty_ratio", "20"),
    CONSTANT("dirty_background_ratio", "10"),
    CONSTANT("dirty_expire_centisecs", "3000"),
    CONSTANT("dirty_writeback_centisecs", "500"),
    CONSTANT("nr_overcommit_hugepages", "0"),
    {"max_map_count", S_IFREG | 0644, .show = show_map_count,
     .store = store_map_count},
    CONSTANT("mmap_min_addr", "65536"),
    CONSTANT("swappiness", "60"),
    CONSTANT("nr_hugepages", "0"),
    CONSTANT("min_free_kbytes", "4096"),
    {NULL},
};

static const struct pseudo inotify_rows[] = {
    CONSTANT("max_queued_events", "16384"),
    NUMBER("max_user_instances", tunable_inotify_instances),
    CONSTANT("max_user_watches", "65536"),
    {NULL},
};

static const struct pseudo epoll_rows[] = {
    CONSTANT("max_user_watches", "1048576"),
    {NULL},
};

static const struct pseudo mqueue_rows[] = {
    CONSTANT("msg_max", "10"),     CONSTANT("msgsize_max", "8192"),
    CONSTANT("msg_default", "10"), CONSTANT("msgsize_default", "8192"),
    CONSTANT("queues_max", "256"), {NULL},
};

static const struct pseudo fs_rows[] = {
    CONSTANT("file-max", "1048576"),
    CONSTANT("file-nr", "64\t0\t1048576"),
    NUMBER("nr_open", tunable_nr_open),
    NUMBER("lease-break-time", tunable_lease_break_time),
    NUMBER("mount-max", tunable_mount_max),
    NUMBER("pipe-max-size", tunable_pipe_max_size),
    CONSTANT("pipe-user-pages-hard", "0"),
    CONSTANT("pipe-user-pages-soft", "16384"),
    CONSTANT("protected_symlinks", "0"),
    CONSTANT("protected_hardlinks", "1"),
    CONSTANT("protected_fifos", "0"),
    CONSTANT("protected_regular", "0"),
    CONSTANT("overflowuid", "65534"),
    CONSTANT("overflowgid", "65534"),
    CONSTANT("leases-enable", "1"),
    CONSTANT("dir-notify-enable", "1"),
    CONSTANT("suid_dumpable", "0"),
    CONSTANT("aio-max-nr", "65536"),
    {"inotify", S_IFDIR | 0555, .children = inotify_rows},
    {"epoll", S_IFDIR | 0555, .children = epoll_rows},
    {"mqueue", S_IFDIR | 0555, .children = mqueue_rows},
    {NULL},
};

/* unshare(2) makes none. */
static const struct pseudo user_rows[] = {
    CONSTANT("max_cgroup_namespaces", "0"),
    CONSTANT("max_ipc_namespaces", "0"),
    CONSTANT("max_mnt_namespaces", "0"),
    CONSTANT("max_net_namespaces", "0"),
    CONSTANT("max_pid_namespaces", "0"),
    CONSTANT("max_time_namespaces", "0"),
    CONSTANT("max_user_namespaces", "0"),
    CONSTANT("max_uts_namespaces", "0"),
    {NULL},
};

const struct pseudo proc_sys_rows[] = {
    {"kernel", S_IFDIR | 0555, .children = kernel_rows},
    {"vm", S_IFDIR | 0555, .children = vm_rows},
    {"fs", S_IFDIR | 0555, .children = fs_rows},
    {"net", S_IFDIR | 0555, .children = proc_sys_net_rows},
    {"user", S_IFDIR | 0555, .children = user_rows},
    {NULL},
};
