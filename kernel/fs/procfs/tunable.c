/* SPDX-License-Identifier: MIT
 *
 * The numbers of /proc/sys (tunable.h).
 */
#include "kernel/fs/procfs/tunable.h"
#include "abi/linux/errno.h"

struct tunable tunable_pipe_max_size = {1 << 20, 4096, 1ll << 31};
struct tunable tunable_inotify_instances = {1024, 0, INT32_MAX};
struct tunable tunable_nr_open = {1 << 20, 8, 0x7fffffc0};
struct tunable tunable_lease_break_time = {45, 0, INT32_MAX};
struct tunable tunable_mount_max = {100000, 1, INT32_MAX};
struct tunable tunable_core_uses_pid = {0, 0, INT32_MAX};
struct tunable tunable_shm_max = {(int64_t)18446744073692774399ull, 0, 0};
struct tunable tunable_shm_count = {4096, 0, 32768};
struct tunable tunable_msg_max = {8192, 0, INT32_MAX};
struct tunable tunable_msg_bytes = {16384, 0, INT32_MAX};
struct tunable tunable_msg_count = {32000, 0, 32768};
struct tunable tunable_keys = {200, 0, INT32_MAX};
struct tunable tunable_key_bytes = {20000, 0, INT32_MAX};
struct tunable tunable_root_keys = {1000000, 0, INT32_MAX};
struct tunable tunable_root_key_bytes = {25000000, 0, INT32_MAX};
struct tunable tunable_shm_next = {-1, -1, INT32_MAX};
struct tunable tunable_sem_next = {-1, -1, INT32_MAX};
struct tunable tunable_msg_next = {-1, -1, INT32_MAX};

struct tunable tunable_somaxconn = {4096, 0, INT32_MAX};
struct tunable tunable_plain_ports = {1024, 0, 65535};
struct tunable tunable_port_first = {32768, 1, 65535};
struct tunable tunable_port_last = {60999, 1, 65535};
struct tunable tunable_rmem_max = {4194304, 2304, INT32_MAX};
struct tunable tunable_wmem_max = {4194304, 4608, INT32_MAX};
struct tunable tunable_rmem_default = {212992, 2304, INT32_MAX};
struct tunable tunable_wmem_default = {212992, 4608, INT32_MAX};

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

int tunable_store(struct tunable *t, const char *buf, size_t len)
{
    size_t i = 0, first;
    bool negative;
    int64_t value;
    uint64_t n = 0;
    int base = 10;

    while (i < len && is_blank(buf[i])) {
        i++;
    }
    negative = i < len && buf[i] == '-';
    i += negative;
    if (i + 1 < len && buf[i] == '0' && (buf[i + 1] | 0x20) == 'x') {
        base = 16;
        i += 2;
    } else if (i < len && buf[i] == '0') {
        base = 8;
    }
    for (first = i; i < len && digit_of(buf[i]) < base; i++) {
        if (__builtin_mul_overflow(n, (uint64_t)base, &n) ||
            __builtin_add_overflow(n, (uint64_t)digit_of(buf[i]), &n)) {
            return -EINVAL;
        }
    }
    if (i == first || (i < len && !is_blank(buf[i]))) {
        return -EINVAL;
    }
    value = (int64_t)(negative ? -n : n);
    if (t->most &&
        ((n > INT64_MAX && !negative) || value < t->least || value > t->most)) {
        return -EINVAL;
    }
    atomic_store(&t->value, value);
    return 0;
}
