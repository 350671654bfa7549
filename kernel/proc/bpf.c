/* SPDX-License-Identifier: MIT
 *
 * The checker and the interpreter of bpf.h. The checker is what makes the
 * interpreter safe: bpf_run() trusts every offset, jump and scratch index, and
 * ends because jumps only go forward and the last instruction returns.
 */
#include "kernel/proc/bpf.h"
#include "kernel/mm/heap.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

enum {
    SCRATCH = 16,
    DATA_SIZE = sizeof(struct seccomp_data),
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
};

/* ---- the checker ---- */

static bool alu_ok(const struct bpf_insn *in)
{
    unsigned op = BPF_OP(in->code);

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

static bool insn_ok(const struct bpf_insn *in, unsigned left)
{
    switch (BPF_CLASS(in->code)) {
    case BPF_LD:
        return (in->code == LD_ABS && in->k % 4 == 0 && in->k < DATA_SIZE) ||
               in->code == LD_LEN || in->code == LD_IMM ||
               (in->code == LD_MEM && in->k < SCRATCH);
    case BPF_LDX:
        return in->code == LDX_LEN || in->code == LDX_IMM ||
               (in->code == LDX_MEM && in->k < SCRATCH);
    case BPF_ST:
    case BPF_STX:
        return in->code == BPF_CLASS(in->code) && in->k < SCRATCH;
    case BPF_ALU:
        return in->code < 0x100 && alu_ok(in);
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

int bpf_check(const struct bpf_insn *insns, unsigned len)
{
    uint16_t *masks;
    int err;

    if (!len || len > BPF_MAXINSNS) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < len; i++) {
        if (!insn_ok(&insns[i], len - 1 - i)) {
            return -EINVAL;
        }
    }
    if (BPF_CLASS(insns[len - 1].code) != BPF_RET) {
        return -EINVAL;
    }
    masks = kmalloc(len * sizeof(masks[0]));
    if (!masks) {
        return -ENOMEM;
    }
    memset(masks, 0xff, len * sizeof(masks[0]));
    err = scratch_ok(insns, len, masks) ? 0 : -EINVAL;
    kfree(masks);
    return err;
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

static uint32_t load(const struct seccomp_data *data, uint32_t off)
{
    uint32_t word;

    memcpy(&word, (const char *)data + off, sizeof(word));
    return word;
}

uint32_t bpf_run(const struct bpf_insn *in, const struct seccomp_data *data)
{
    uint32_t a = 0, x = 0, scratch[SCRATCH] = {0};

    for (;; in++) {
        uint32_t operand = in->code & BPF_X ? x : in->k;

        switch (in->code) {
        case LD_ABS:
            a = load(data, in->k);
            break;
        case LD_LEN:
            a = DATA_SIZE;
            break;
        case LD_IMM:
            a = in->k;
            break;
        case LD_MEM:
            a = scratch[in->k];
            break;
        case LDX_LEN:
            x = DATA_SIZE;
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
            if (BPF_CLASS(in->code) == BPF_JMP) {
                in += holds(BPF_OP(in->code), a, operand) ? in->jt : in->jf;
            } else if (BPF_OP(in->code) == BPF_DIV && !operand) {
                return 0; /* as a kill: nothing sensible can follow */
            } else {
                a = alu(BPF_OP(in->code), a, operand);
            }
        }
    }
}
