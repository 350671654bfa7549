/* SPDX-License-Identifier: MIT
 *
 * What the CPU is: here it can be asked, but behind a hypervisor each question
 * costs two microseconds, and a start of a C program asks thirty. So answers
 * are kept for the life of the instance. What differs from one CPU of the host
 * to another (APIC numbers) is then that of the one that was asked, which a
 * program that is not bound to a CPU of the host cannot rely on anyway.
 *
 * A rewritten CPUID serializes as the instruction does: programs that change
 * code while another thread runs it count on that. While no other vCPU runs,
 * there is nobody who changes any, and it takes three times as long as all the
 * rest. What this vCPU has written itself it executes as written (SDM vol. 3A
 * 12.6).
 */
#include "target/linux/host.h"
#include "lib/hash.h"

enum {
    LEAF_XSAVE = 0xd,
    ANSWERS = 256, /* a power of two */
    PROBES = 8,
};

enum state { EMPTY, TAKEN, READY };

static struct answer {
    uint32_t state; /* enum state, atomic */
    uint32_t leaf, sub;
    uint32_t regs[4];
} answers[ANSWERS];

/* Leaves whose answer does not depend on ECX, of those that all programs ask
 * for; they may leave anything there. */
static bool has_one_answer(uint32_t leaf)
{
    return leaf <= 3 || (leaf >= 0x80000000 && leaf <= 0x80000008);
}

static void ask(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
    if (leaf == LEAF_XSAVE && sub == 0) {
        __asm__ volatile("xgetbv" : "=a"(r[0]), "=d"(r[3]) : "c"(0));
    }
}

/* IRET, which needs no privilege (SDM vol. 3A 9.3). */
static void serialize(void)
{
    uint64_t scratch;

    __asm__ volatile("mov %%rsp, %0\n\t"
                     "and $-16, %%rsp\n\t"
                     "push $0x2b\n\t" /* Linux's SS and CS of programs */
                     "push %0\n\t"
                     "pushfq\n\t"
                     "push $0x33\n\t"
                     "lea 1f(%%rip), %0\n\t"
                     "push %0\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
}

/* True: r is the answer. Else *room is where one may be put, or NULL. */
static bool recall(uint32_t leaf, uint32_t sub, uint32_t r[4],
                   struct answer **room)
{
    uint64_t at = hash_u64(leaf, sub);

    *room = NULL;
    for (unsigned i = 0; i < PROBES; i++) {
        struct answer *a = &answers[(at + i) % ANSWERS];
        uint32_t state = atomic_load_acquire(&a->state);

        if (state == READY && a->leaf == leaf && a->sub == sub) {
            memcpy(r, a->regs, sizeof(a->regs));
            return true;
        }
        if (state == EMPTY) {
            *room = a;
            break;
        }
    }
    return false;
}

void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    struct answer *room;
    uint32_t state = EMPTY;

    sub = has_one_answer(leaf) ? 0 : sub;
    if (recall(leaf, sub, r, &room)) {
        if (!this_vcpu()->alone) {
            serialize();
        }
        return;
    }
    ask(leaf, sub, r);
    if (room && atomic_cas(&room->state, &state, TAKEN)) {
        room->leaf = leaf;
        room->sub = sub;
        memcpy(room->regs, r, sizeof(room->regs));
        atomic_store_release(&room->state, READY);
    }
}
