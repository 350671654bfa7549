/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/net: its table, and the sockets of unix(7); proc_inet.c has those
 * of the internet families. The instance is one network namespace, so that
 * every process shows the same.
 */
#include "kernel/fs/procfs/proc_net.h"
#include "kernel/core/sched.h"
#include "kernel/net/unix/unix_private.h"
#include "abi/linux/stat.h"

enum { ACCEPTS = 0x10000, UNCONNECTED = 1, CONNECTED = 3 };

static void add_path(struct text *t, const struct unix_name *n)
{
    uint32_t len = n->len - sizeof(n->name.family);

    text_bytes(t, " ", 1);
    for (uint32_t i = 0; i < len; i++) {
        char c = (&n->name.path[0])[i];

        if (!c && n->name.path[0]) {
            break; /* the NUL behind a path */
        }
        text_bytes(t, c ? &c : "@", 1);
    }
}

static void show_one(struct unix_socket *u, void *arg)
{
    struct unix_name *name = atomic_load_acquire(&u->name);
    struct text *t = arg;
    unsigned long ino = 0;

    spin_lock(&u->s.lock);
    if (u->s.file) {
        ino = u->s.file->inode->ino;
    }
    spin_unlock(&u->s.lock);
    text_add(t, "%016x: %08X %08X %08X %04X %02X %5lu", 0, u->s.refs, 0,
             u->state == UNIX_LISTENS ? ACCEPTS : 0, (unsigned)u->s.type,
             u->state == UNIX_CONNECTED ? CONNECTED : UNCONNECTED, ino);
    if (name) {
        add_path(t, name);
    }
    text_bytes(t, "\n", 1);
}

static int show_unix(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_for_each(show_one, t);
    return 0;
}

/* A line for each CPU; packets are not counted. */
static int show_softnet(struct text *t, const struct pseudo_at *at)
{
    enum { COLUMNS = 15, CPU_COLUMN = 12 };

    for (unsigned cpu = 0; cpu < sched_vcpu_count(); cpu++) {
        for (unsigned n = 0; n < COLUMNS; n++) {
            text_add(t, "%08x%s", n == CPU_COLUMN ? cpu : 0,
                     n == COLUMNS - 1 ? "\n" : " ");
        }
    }
    return 0;
}

#define SHOWN(row_name, fn)                                                    \
    {                                                                          \
        row_name, S_IFREG | 0444, .show = (fn)                                 \
    }
#define CONSTANT(row_name, content)                                            \
    {                                                                          \
        row_name, S_IFREG | 0444, .text = (content)                            \
    }

#define RAW_HEAD                                                               \
    "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref "      \
    "pointer drops\n"

const struct pseudo proc_net_rows[] = {
    SHOWN("unix", show_unix),
    SHOWN("tcp", proc_show_tcp),
    SHOWN("tcp6", proc_show_tcp6),
    SHOWN("udp", proc_show_udp),
    SHOWN("udp6", proc_show_udp6),
    SHOWN("sockstat", proc_show_sockstat),
    SHOWN("sockstat6", proc_show_sockstat6),
    SHOWN("dev", proc_show_dev),
    SHOWN("snmp", proc_show_snmp),
    SHOWN("snmp6", proc_show_snmp6),
    SHOWN("netstat", proc_show_netstat),
    SHOWN("route", proc_show_route),
    CONSTANT("raw", "  sl  local_address rem_address   " RAW_HEAD),
    CONSTANT("raw6",
             "  sl  local_address                         remote_address"
             "                        " RAW_HEAD),
    CONSTANT("icmp", "  sl  local_address rem_address   " RAW_HEAD),
    CONSTANT("udplite", "   sl  local_address rem_address   " RAW_HEAD),
    CONSTANT("udplite6",
             "  sl  local_address                         remote_address"
             "                        " RAW_HEAD),
    CONSTANT("netlink", "sk               Eth Pid        Groups   Rmem     "
                        "Wmem     Dump  Locks    Drops    Inode\n"),
    CONSTANT("ptype", "Type Device      Function\n"),
    /* Ticks of packet schedulers: ns, and a second in us. */
    CONSTANT("psched", "000003e8 00000040 000f4240 3b9aca00\n"),
    CONSTANT("igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\t"
                     "Reporter\n"),
    CONSTANT("igmp6", ""),
    CONSTANT("mcfilter", "Idx Device        MCA        SRC    INC    EXC\n"),
    CONSTANT("mcfilter6", "Idx Device                Multicast Address"
                          "                    Source Address    INC    EXC\n"),
    CONSTANT("dev_mcast", ""),
    CONSTANT("arp", "IP address       HW type     Flags       HW address"
                    "            Mask     Device\n"),
    CONSTANT("packet",
             "sk               RefCnt Type Proto  Iface R Rmem   User   "
             "Inode\n"),
    CONSTANT("if_inet6",
             "00000000000000000000000000000001 01 80 10 80       lo\n"),
    CONSTANT("ipv6_route", ""),
    CONSTANT("anycast6", ""),
    CONSTANT("icmp6",
             "  sl  local_address                         remote_address"
             "                        " RAW_HEAD),
    CONSTANT("ip6_flowlabel", "Label S Owner  Users  Linger Expires  Dst"
                              "                              Opt\n"),
    CONSTANT("rt6_stats", "0000 0000 0000 0000 0000 0000 0000\n"),
    CONSTANT("rt_cache",
             "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\t"
             "Source\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst"
             "                          \n"),
    SHOWN("softnet_stat", show_softnet),
    {NULL},
};
