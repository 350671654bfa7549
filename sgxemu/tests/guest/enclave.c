/* SPDX-License-Identifier: MIT */
/*
 * The test enclave's one function: do what the host's operation block says.
 * It trusts the host in everything; it is there to execute instructions.
 */
#include "guest.h"
#include "abi/sgx.h"

void enclu(struct op *op);
uint64_t pattern(volatile uint64_t *stop);
void enclave_main(struct op *op, uint64_t cssa);

static struct gs_page *gs_page(void)
{
    uint64_t base;

    __asm__("rdgsbase %0" : "=r"(base));
    return (struct gs_page *)base;
}

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint64_t n)
{
    while (n--) {
        *to++ = *from++;
    }
}

static struct sgx_gpr *last_frame(uint64_t cssa)
{
    uint64_t end = gs_page()->ssa + cssa * FRAME_PAGES * PAGE;

    return (struct sgx_gpr *)(end - sizeof(struct sgx_gpr));
}

static void pkru(struct op *op)
{
    uint32_t value, high;

    __asm__ volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
    op->r = value;
    if (op->a) {
        __asm__ volatile("wrpkru"
                         :
                         : "a"((uint32_t)op->b), "c"(0), "d"(0)
                         : "memory");
    }
}

static void handle(struct op *op, uint64_t cssa)
{
    struct sgx_gpr *g = last_frame(cssa);

    copy(op->buf, (uint8_t *)g - 16, sizeof(*g) + 16);
    g->rip += op->a;
    if (op->b) {
        g->rax = op->c;
    }
}

void enclave_main(struct op *op, uint64_t cssa)
{
    op->cssa = cssa;
    switch (op->type) {
    case OP_PEEK:
        /* Three bytes each: the host skips them after a fault. */
        __asm__ volatile("mov (%%rdx), %%rax" : "=a"(op->r) : "d"(op->a));
        break;
    case OP_POKE:
        __asm__ volatile("mov %%rax, (%%rdx)"
                         :
                         : "a"(op->b), "d"(op->a)
                         : "memory");
        break;
    case OP_ENCLU:
        enclu(op);
        break;
    case OP_IN:
    case OP_OUT:
        copy((uint8_t *)op->a, (uint8_t *)op->b, op->c);
        break;
    case OP_CALL:
        op->r = ((uint64_t(*)(uint64_t))op->a)(op->b);
        break;
    case OP_PATTERN:
        op->r = pattern((volatile uint64_t *)op->a);
        break;
    case OP_HANDLE:
        handle(op, cssa);
        break;
    case OP_SSA:
        copy((uint8_t *)op->a,
             (uint8_t *)(gs_page()->ssa + (cssa - 1) * FRAME_PAGES * PAGE),
             FRAME_PAGES * PAGE);
        break;
    case OP_BASES:
        __asm__("rdfsbase %0" : "=r"(op->r));
        __asm__("rdgsbase %0" : "=r"(op->flags));
        break;
    case OP_PKRU:
        pkru(op);
        break;
    case OP_ENTERED:
        op->r = cssa;
        op->flags = gs_page()->flags;
        break;
    default:
        break;
    }
}
