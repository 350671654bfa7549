/* SPDX-License-Identifier: MIT
 *
 * Classic BPF: programs of forward jumps only, so that one run takes at most as
 * many steps as there are instructions. Two dialects: seccomp(2)'s reads
 * aligned words of its data as this machine has them; that of sockets
 * (SO_ATTACH_FILTER) reads bytes of a packet, and what is known of it besides.
 */
#ifndef LIB_BPF_H
#define LIB_BPF_H

#include "abi/linux/filter.h"

/* What a program looks at: `len` bytes, the first of them in head from `start`
 * on, the others in body. What is before them in head is a packet's link
 * header, and from `net` on its network header; 0: it has neither. */
struct bpf_data {
    const uint8_t *head, *body;
    uint32_t head_len, net, start, len;
    bool is_packet;
    /* Of packets: SKF_AD_*; interface 0: there is none. */
    uint16_t protocol, hardware;
    uint32_t interface, mark, payload;
};

/* Whether bpf_run() may run it: known instructions, jumps and loads inside,
 * an end on every path, no division by a constant zero, no scratch word read
 * before it was written. words: how many bytes of words there are to load, or 0
 * for packets. masks: room for len of them. 0, -EINVAL. */
int bpf_check(const struct bpf_insn *insns, unsigned len, uint32_t words,
              uint16_t *masks);

/* What a checked program returns for data; 0 also when it divides by zero or
 * loads bytes that are not there, and A when it asks for the interface of a
 * packet that has none. */
uint32_t bpf_run(const struct bpf_insn *insns, const struct bpf_data *data);

#endif
