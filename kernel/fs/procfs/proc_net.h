/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/net: what proc_inet.c shows, for proc_net.c's table.
 */
#ifndef KERNEL_FS_PROC_NET_H
#define KERNEL_FS_PROC_NET_H

#include "kernel/fs/procfs/procfs.h"

int proc_show_tcp(struct text *t, const struct pseudo_at *at);
int proc_show_tcp6(struct text *t, const struct pseudo_at *at);
int proc_show_udp(struct text *t, const struct pseudo_at *at);
int proc_show_udp6(struct text *t, const struct pseudo_at *at);
int proc_show_sockstat(struct text *t, const struct pseudo_at *at);
int proc_show_sockstat6(struct text *t, const struct pseudo_at *at);
int proc_show_dev(struct text *t, const struct pseudo_at *at);
/* proc_snmp.c */
int proc_show_snmp(struct text *t, const struct pseudo_at *at);
int proc_show_snmp6(struct text *t, const struct pseudo_at *at);
int proc_show_netstat(struct text *t, const struct pseudo_at *at);
int proc_show_route(struct text *t, const struct pseudo_at *at);

#endif
