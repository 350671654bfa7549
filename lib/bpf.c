/* SPDX-License-Identifier: MIT
 *
 * The checker and the interpreter of bpf.h. The checker is what makes the
 * interpreter safe: bpf_run() trusts every offset, jump and scratch index, and
 * ends because jumps only go forward and the last instruction returns.
 */
#include "lib/bpf.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    SCRATCH = 16,
    LD_ABS = BPF_LD | BPF_W | BPF_ABS,
    LD_LEN = BPF_LD | BPF_W | BPF_LEN,
    LD_IMM = BPF_LD | BPF_IMM,
    LD_MEM = BPF_LD | BPF_MEM,
    LDX_LEN = BPF_LDX | BPF_W | BPF_LEN,
    LDX_IMM = BPF_LDX | BPF_IMM,
    LDX_MEM = BPF_LDX | BPF_MEM,
    RET_K = BPF_RET | BPF_K,
    RET_A = BPF_RET | BPF_A,
    MISC_TAX = BPF_MISC | BPF_TAX,
    MISC_TXA = BPF_MISC | BPF_TXA,
    LDX_MSH = BPF_LDX | BPF_B | BPF_MSH,
};

/* ---- the checker ---- */

static bool alu_ok(const struct bpf_insn *in, bool packets)
{
    unsigned op = BPF_OP(in->code);

    if (op == BPF_MOD) {
        return packets && (in->code & BPF_X || in->k != 0);
    }

    if (in->code & BPF_X) {
        return op <= BPF_RSH || op == BPF_XOR;
    }
    if (op == BPF_DIV) {
        return in->k != 0;
    }
    if (op == BPF_LSH || op == BPF_RSH) {
        return in->k < 32;
    }
    return op <= BPF_NEG || op == BPF_XOR;
}

/* left: instructions behind this one. */
static bool jump_ok(const struct bpf_insn *in, unsigned left)
{
    if (in->code == (BPF_JMP | BPF_JA)) {
        return in->k < left;
    }
    return BPF_OP(in->code) >= BPF_JEQ && BPF_OP(in->code) <= BPF_JSET &&
           in->jt < left && in->jf < left;
}

/* Offsets from SKF_AD_OFF up stand for what is known of a packet. */
static bool offset_ok(int32_t k)
{
    return k >= 0 || k < SKF_AD_OFF ||
           (k < SKF_AD_OFF + SKF_AD_MAX && k % 4 == 0);
}

static bool load_ok(const struct bpf_insn *in, uint32_t words)
{
    unsigned mode = BPF_MODE(in->code);

    if (words) {
        return in->code == LD_ABS && in->k % 4 == 0 && in->k < words;
    }
    if (in->code >= 0x100 || BPF_SIZE(in->code) > BPF_B) {
        return false;
    }
    return mode == BPF_IND || (mode == BPF_ABS && offset_ok((int32_t)in->k));
}

static bool insn_ok(const struct bpf_insn *in, unsigned left, uint32_t words)
{
    switch (BPF_CLASS(in->code)) {
    case BPF_LD:
        return load_ok(in, words) || in->code == LD_LEN || in->code == LD_IMM ||
               (in->code == LD_MEM && in->k < SCRATCH);
    case BPF_LDX:
        return in->code == LDX_LEN || in->code == LDX_IMM ||
               (in->code == LDX_MSH && !words) ||
               (in->code == LDX_MEM && in->k < SCRATCH);
    case BPF_ST:
    case BPF_STX:
        return in->code == BPF_CLASS(in->code) && in->k < SCRATCH;
    case BPF_ALU:
        return in->code < 0x100 && alu_ok(in, !words);
    case BPF_JMP:
        return in->code < 0x100 && jump_ok(in, left);
    case BPF_RET:
        return in->code == RET_K || in->code == RET_A;
    default:
        return in->code == MISC_TAX || in->code == MISC_TXA;
    }
}

static void reach(uint16_t *masks, unsigned at, uint16_t valid)
{
    masks[at] &= valid;
}

/* Scratch words that are certainly written when each instruction is reached;
 * masks: one for each instruction, all ones. */
static bool scratch_ok(const struct bpf_insn *insns, unsigned len,
                       uint16_t *masks)
{
    uint16_t valid = 0;

    for (unsigned i = 0; i < len; i++) {
        const struct bpf_insn *in = &insns[i];

        valid &= masks[i];
        if (in->code == BPF_ST || in->code == BPF_STX) {
            valid |= (uint16_t)(1 << in->k);
        } else if ((in->code == LD_MEM || in->code == LDX_MEM) &&
                   !(valid & 1 << in->k)) {
            return false;
        } else if (in->code == (BPF_JMP | BPF_JA)) {
            reach(masks, i + 1 + in->k, valid);
            valid = 0xffff;
        } else if (BPF_CLASS(in->code) == BPF_JMP) {
            reach(masks, i + 1 + in->jt, valid);
            reach(masks, i + 1 + in->jf, valid);
            valid = 0xffff;
        }
    }
    return true;
}

int bpf_check(const struct bpf_insn *insns, unsigned len, uint32_t words,
              uint16_t *masks)
{
    if (!len || len > BPF_MAXINSNS) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < len; i++) {
        if (!insn_ok(&insns[i], len - 1 - i, words)) {
            return -EINVAL;
        }
    }
    if (BPF_CLASS(insns[len - 1].code) != BPF_RET) {
        return -EINVAL;
    }
    memset(masks, 0xff, len * sizeof(masks[0]));
    return scratch_ok(insns, len, masks) ? 0 : -EINVAL;
}

/* ---- the interpreter ---- */

static uint32_t alu(unsigned op, uint32_t a, uint32_t b)
{
    switch (op) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_MUL:
        return a * b;
    case BPF_DIV:
        return a / b;
    case BPF_MOD:
        return a % b;
    case BPF_OR:
        return a | b;
    case BPF_AND:
        return a & b;
    case BPF_LSH:
        return a << (b & 31);
    case BPF_RSH:
        return a >> (b & 31);
    case BPF_XOR:
        return a ^ b;
    default:
        return -a; /* BPF_NEG */
    }
}

static bool holds(unsigned op, uint32_t a, uint32_t b)
{
    switch (op) {
    case BPF_JEQ:
        return a == b;
    case BPF_JGT:
        return a > b;
    case BPF_JGE:
        return a >= b;
    default:
        return a & b; /* BPF_JSET */
    }
}

/* Byte `at` of head and, behind it, body. */
static uint8_t byte_at(const struct bpf_data *d, uint64_t at)
{
    return at < d->head_len ? d->head[at] : d->body[at - d->head_len];
}

/* size bytes from offset k on, as a number in network order. */
static bool load_bytes(const struct bpf_data *d, int64_t k, unsigned size,
                       uint32_t *out)
{
    int64_t at = k >= 0             ? d->start + k
                 : k >= SKF_NET_OFF ? d->net + (k - SKF_NET_OFF)
                                    : k - SKF_LL_OFF;

    *out = 0;
    if (k < SKF_LL_OFF || (k < SKF_NET_OFF && !d->net) ||
        at + size > (int64_t)d->start + d->len) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        *out = *out << 8 | byte_at(d, (uint64_t)at + i);
    }
    return true;
}

/* What is known of a packet. */
static bool load_known(const struct bpf_data *d, int32_t what, uint32_t a,
                       uint32_t x, uint32_t *out)
{
    switch (what) {
    case SKF_AD_PROTOCOL:
        *out = d->protocol;
        return true;
    case SKF_AD_IFINDEX:
        *out = d->interface ? d->interface : a;
        return d->interface != 0;
    case SKF_AD_HATYPE:
        *out = d->interface ? d->hardware : a;
        return d->interface != 0;
    case SKF_AD_PAY_OFFSET:
        *out = d->payload;
        return true;
    case SKF_AD_MARK:
        *out = d->mark;
        return true;
    case SKF_AD_ALU_XOR_X:
        *out = a ^ x;
        return true;
    default: /* to this machine, one queue, no VLAN, no hash, CPU 0 */
        *out = 0;
        return true;
    }
}

static unsigned size_of(unsigned code)
{
    return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

/* A load of A. False: the program ends there. */
static bool load(const struct bpf_data *d, const struct bpf_insn *in,
                 uint32_t x, uint32_t *a)
{
    int64_t k = (int32_t)in->k;

    if (!d->is_packet) {
        memcpy(a, d->head + in->k, sizeof(*a));
        return true;
    }
    if (BPF_MODE(in->code) == BPF_IND) {
        k = (int32_t)(in->k + x);
    } else if (k >= SKF_AD_OFF && k < 0) {
        return load_known(d, (int32_t)k - SKF_AD_OFF, *a, x, a);
    }
    return load_bytes(d, k, size_of(in->code), a);
}

static bool loads(unsigned code)
{
    return BPF_CLASS(code) == BPF_LD;
}

uint32_t bpf_run(const struct bpf_insn *in, const struct bpf_data *data)
{
    uint32_t a = 0, x = 0, scratch[SCRATCH] = {0};

    for (;; in++) {
        uint32_t operand = in->code & BPF_X ? x : in->k;

        switch (in->code) {
        case LDX_MSH: /* four times the low half of a byte */
            if (!load_bytes(data, (int32_t)in->k, 1, &x)) {
                return 0;
            }
            x = (x & 15) * 4;
            break;
        case LD_LEN:
            a = data->len;
            break;
        case LD_IMM:
            a = in->k;
            break;
        case LD_MEM:
            a = scratch[in->k];
            break;
        case LDX_LEN:
            x = data->len;
            break;
        case LDX_IMM:
            x = in->k;
            break;
        case LDX_MEM:
            x = scratch[in->k];
            break;
        case BPF_ST:
            scratch[in->k] = a;
            break;
        case BPF_STX:
            scratch[in->k] = x;
            break;
        case RET_K:
            return in->k;
        case RET_A:
            return a;
        case MISC_TAX:
            x = a;
            break;
        case MISC_TXA:
            a = x;
            break;
        case BPF_JMP | BPF_JA:
            in += in->k;
            break;
        default:
            if (loads(in->code)) {
                if (!load(data, in, x, &a)) {
                    return a;
                }
            } else if (BPF_CLASS(in->code) == BPF_JMP) {
                in += holds(BPF_OP(in->code), a, operand) ? in->jt : in->jf;
            } else if ((BPF_OP(in->code) == BPF_DIV ||
                        BPF_OP(in->code) == BPF_MOD) &&
                       !operand) {
                return 0; /* nothing sensible can follow */
            } else {
                a = alu(BPF_OP(in->code), a, operand);
            }
        }
    }
}
