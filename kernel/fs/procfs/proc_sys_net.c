/* SPDX-License-Identifier: MIT
 *
 * /proc/sys/net, as far as programs read it to learn how sockets behave. What
 * decides about sockets here can be changed; TCP is the host's, and what is
 * told of it are Linux's own defaults.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/procfs/tunable.h"
#include "kernel/net/stream.h"
#include "abi/linux/errno.h"
#include "abi/linux/stat.h"

#define CONSTANT(name, value)                                                  \
    {                                                                          \
        name, S_IFREG | 0444, .text = value "\n"                               \
    }

/* One that may be changed (tunable.h). */
#define NUMBER(name, tunable)                                                  \
    {                                                                          \
        name, S_IFREG | 0644, .number = &(tunable)                             \
    }

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* Above the second connections inside have less, above the third a page. */
static int show_tcp_mem(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%lu\t%lu\t%lu\n", stream_scarce_at() / 4 * 3,
             stream_scarce_at(), stream_full_at());
    return 0;
}

static int show_ports(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%ld\t%ld\n", tunable(&tunable_port_first),
             tunable(&tunable_port_last));
    return 0;
}

/* Two numbers, the second behind the blanks that end the first. */
static int store_ports(const char *buf, size_t len, const struct pseudo_at *at)
{
    struct tunable first = tunable_port_first, last = tunable_port_last;
    size_t end = 0;
    int err;

    while (end < len && is_blank(buf[end])) {
        end++;
    }
    while (end < len && !is_blank(buf[end])) {
        end++;
    }
    err = tunable_store(&first, buf, end);
    err = err ? err : tunable_store(&last, buf + end, len - end);
    if (!err && (last.value < first.value ||
                 first.value < tunable(&tunable_plain_ports))) {
        err = -EINVAL;
    }
    if (!err) {
        atomic_store(&tunable_port_first.value, first.value);
        atomic_store(&tunable_port_last.value, last.value);
    }
    return err;
}

static const struct pseudo core_rows[] = {
    NUMBER("somaxconn", tunable_somaxconn),
    NUMBER("rmem_max", tunable_rmem_max),
    NUMBER("wmem_max", tunable_wmem_max),
    NUMBER("rmem_default", tunable_rmem_default),
    NUMBER("wmem_default", tunable_wmem_default),
    CONSTANT("optmem_max", "131072"),
    CONSTANT("netdev_max_backlog", "1000"),
    CONSTANT("default_qdisc", "pfifo_fast"),
    CONSTANT("busy_poll", "0"),
    CONSTANT("busy_read", "0"),
    CONSTANT("bpf_jit_enable", "0"),
    {NULL},
};

static const struct pseudo ipv4_rows[] = {
    {"conf", S_IFDIR | 0555, .children = proc_sys_net_conf4_rows},
    {"ip_local_port_range", S_IFREG | 0644, .show = show_ports,
     .store = store_ports},
    CONSTANT("ip_local_reserved_ports", ""),
    NUMBER("ip_unprivileged_port_start", tunable_plain_ports),
    CONSTANT("ip_forward", "0"),
    CONSTANT("ip_nonlocal_bind", "0"),
    CONSTANT("ip_default_ttl", "64"),
    CONSTANT("ip_no_pmtu_disc", "0"),
    CONSTANT("ping_group_range", "1\t0"),
    CONSTANT("tcp_rmem", "4096\t131072\t6291456"),
    CONSTANT("tcp_wmem", "4096\t16384\t4194304"),
    {"tcp_mem", S_IFREG | 0444, .show = show_tcp_mem},
    CONSTANT("udp_mem", "380000\t507000\t760000"),
    CONSTANT("udp_rmem_min", "4096"),
    CONSTANT("udp_wmem_min", "4096"),
    CONSTANT("tcp_sack", "1"),
    CONSTANT("tcp_dsack", "1"),
    CONSTANT("tcp_fack", "0"),
    CONSTANT("tcp_timestamps", "1"),
    CONSTANT("tcp_window_scaling", "1"),
    CONSTANT("tcp_recovery", "1"),
    CONSTANT("tcp_moderate_rcvbuf", "1"),
    CONSTANT("tcp_no_metrics_save", "0"),
    CONSTANT("tcp_low_latency", "0"),
    CONSTANT("tcp_syncookies", "1"),
    CONSTANT("tcp_syn_retries", "6"),
    CONSTANT("tcp_synack_retries", "5"),
    CONSTANT("tcp_retries1", "3"),
    CONSTANT("tcp_retries2", "15"),
    CONSTANT("tcp_orphan_retries", "0"),
    CONSTANT("tcp_fin_timeout", "60"),
    CONSTANT("tcp_tw_reuse", "2"),
    CONSTANT("tcp_max_tw_buckets", "65536"),
    CONSTANT("tcp_max_syn_backlog", "1024"),
    CONSTANT("tcp_max_orphans", "65536"),
    CONSTANT("tcp_abort_on_overflow", "0"),
    CONSTANT("tcp_rfc1337", "0"),
    CONSTANT("tcp_ecn", "2"),
    CONSTANT("tcp_mtu_probing", "0"),
    CONSTANT("tcp_slow_start_after_idle", "1"),
    CONSTANT("tcp_keepalive_time", "7200"),
    CONSTANT("tcp_keepalive_intvl", "75"),
    CONSTANT("tcp_keepalive_probes", "9"),
    CONSTANT("tcp_fastopen", "1"),
    CONSTANT("tcp_notsent_lowat", "4294967295"),
    CONSTANT("tcp_adv_win_scale", "1"),
    CONSTANT("tcp_congestion_control", "cubic"),
    CONSTANT("tcp_available_congestion_control", "reno cubic"),
    CONSTANT("tcp_allowed_congestion_control", "reno cubic"),
    {NULL},
};

static const struct pseudo unix_rows[] = {
    CONSTANT("max_dgram_qlen", "10"),
    {NULL},
};

const struct pseudo proc_sys_net_rows[] = {
    {"core", S_IFDIR | 0555, .children = core_rows},
    {"ipv4", S_IFDIR | 0555, .children = ipv4_rows},
    {"ipv6", S_IFDIR | 0555, .children = proc_sys_net_ipv6_rows},
    {"unix", S_IFDIR | 0555, .children = unix_rows},
    {NULL},
};
