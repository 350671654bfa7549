/* SPDX-License-Identifier: MIT
 *
 * sysfs: network interfaces (/sys/class/net), from kernel/net/netlink/netif.h.
 * An interface stands for its place in that list. Nobody counts packets here.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/net/netlink/netif.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/ioctl.h"
#include "abi/linux/stat.h"

static const struct netif *nth(int n)
{
    const struct netif *list;
    unsigned count = netif_all(&list);

    return (unsigned)n < count ? &list[n] : NULL;
}

static int next_netif(int from, const struct pseudo_at *at)
{
    return nth(from) ? from : -1;
}

static const char *spell_netif(int n)
{
    const struct netif *i = nth(n);

    return i ? i->name : "";
}

static int link_netif(char *buf, size_t len, const struct pseudo_at *at)
{
    return fmt_snprintf(buf, len, "../../devices/virtual/net/%s",
                        spell_netif(at->n[at->count - 1]));
}

static const struct netif *of(const struct pseudo_at *at)
{
    return nth(at->n[0]);
}

static int show_hardware(struct text *t, const uint8_t address[6])
{
    for (int i = 0; i < 6; i++) {
        text_add(t, i ? ":%02x" : "%02x", address[i]);
    }
    text_add(t, "\n");
    return 0;
}

static int show_address(struct text *t, const struct pseudo_at *at)
{
    return show_hardware(t, of(at)->hardware);
}

static int show_broadcast(struct text *t, const struct pseudo_at *at)
{
    uint8_t all[6];

    memset(all, of(at)->flags & IFF_BROADCAST ? 0xff : 0, sizeof(all));
    return show_hardware(t, all);
}

static int show_index(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%d\n", of(at)->index);
    return 0;
}

static int show_mtu(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%d\n", of(at)->mtu);
    return 0;
}

static int show_type(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "%u\n", of(at)->hardware_type);
    return 0;
}

/* Those that a program may set, as Linux shows them here. */
static int show_flags(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "0x%x\n", of(at)->flags & ~(IFF_RUNNING | IFF_LOWER_UP));
    return 0;
}

static int show_state(struct text *t, const struct pseudo_at *at)
{
    text_add(t, of(at)->index == NETIF_LOOPBACK ? "unknown\n"
                : of(at)->flags & IFF_UP        ? "up\n"
                                                : "down\n");
    return 0;
}

static int show_event(struct text *t, const struct pseudo_at *at)
{
    text_add(t, "INTERFACE=%s\nIFINDEX=%d\n", of(at)->name, of(at)->index);
    return 0;
}

#define SHOWN(name, fn)                                                        \
    {                                                                          \
        name, S_IFREG | 0444, .show = (fn)                                     \
    }
#define CONSTANT(name, value)                                                  \
    {                                                                          \
        name, S_IFREG | 0444, .text = value "\n"                               \
    }

static const struct pseudo statistics_rows[] = {
    CONSTANT("collisions", "0"),      CONSTANT("multicast", "0"),
    CONSTANT("rx_bytes", "0"),        CONSTANT("rx_compressed", "0"),
    CONSTANT("rx_crc_errors", "0"),   CONSTANT("rx_dropped", "0"),
    CONSTANT("rx_errors", "0"),       CONSTANT("rx_fifo_errors", "0"),
    CONSTANT("rx_frame_errors", "0"), CONSTANT("rx_length_errors", "0"),
    CONSTANT("rx_packets", "0"),      CONSTANT("tx_aborted_errors", "0"),
    CONSTANT("tx_bytes", "0"),        CONSTANT("tx_carrier_errors", "0"),
    CONSTANT("tx_compressed", "0"),   CONSTANT("tx_dropped", "0"),
    CONSTANT("tx_errors", "0"),       CONSTANT("tx_fifo_errors", "0"),
    CONSTANT("tx_packets", "0"),      {NULL},
};

static const struct pseudo netif_rows[] = {
    SHOWN("address", show_address),
    SHOWN("broadcast", show_broadcast),
    SHOWN("flags", show_flags),
    SHOWN("ifindex", show_index),
    SHOWN("iflink", show_index),
    SHOWN("mtu", show_mtu),
    SHOWN("operstate", show_state),
    SHOWN("type", show_type),
    SHOWN("uevent", show_event),
    CONSTANT("addr_assign_type", "0"),
    CONSTANT("addr_len", "6"),
    CONSTANT("carrier", "1"),
    CONSTANT("dev_id", "0x0"),
    CONSTANT("dormant", "0"),
    CONSTANT("ifalias", ""),
    CONSTANT("link_mode", "0"),
    CONSTANT("netdev_group", "0"),
    CONSTANT("tx_queue_len", "1000"),
    {"statistics", S_IFDIR | 0555, .children = statistics_rows},
    {NULL},
};

const struct pseudo sysfs_netifs[] = {
    {"", S_IFDIR | 0555, .children = netif_rows, .next = next_netif,
     .spell = spell_netif},
    {NULL},
};

const struct pseudo sysfs_class_net[] = {
    {"", S_IFLNK | 0777, .link = link_netif, .next = next_netif,
     .spell = spell_netif},
    {NULL},
};
