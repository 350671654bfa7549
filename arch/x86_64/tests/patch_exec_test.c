/* SPDX-License-Identifier: MIT
 *
 * Executes rewritten code, by the way in and by jumps into what was moved.
 * The "kernel" behind the slots answers 2 * RAX + 1.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/x86_64/patch.h"
#include "arch/x86_64/vcpu.h"
#include "lib/tests/unit.h"

/* Each takes a number in RDI and where to begin in RSI. */
long exec_mov(long n, const void *start);
long exec_rip(long n, const void *start);
long exec_before(long n, const void *start);
long exec_after(long n, const void *start);
extern uint8_t exec_text[], exec_text_end[], exec_mov_start[],
    exec_mov_syscall[], exec_rip_start[], exec_before_start[],
    exec_before_inner[], exec_after_start[], exec_after_inner[];
void exec_kernel(void);
extern long exec_value;

__asm__(".data\n"
        "exec_value: .quad 1000\n"
        ".text\n"
        ".balign 4096\n"
        "exec_text:\n"
        ".fill 300, 1, 0x90\n"
        "exec_mov:\n"
        "    jmp *%rsi\n"
        "exec_mov_start:\n"
        "    mov $20, %eax\n"
        "exec_mov_syscall:\n"
        "    syscall\n"
        "    add %rdi, %rax\n"
        "    ret\n"
        "exec_rip:\n"
        "    jmp *%rsi\n"
        "exec_rip_start:\n"
        "    mov exec_value(%rip), %rax\n"
        "    syscall\n"
        "    ret\n"
        "exec_before:\n"
        "    mov $7, %eax\n"
        "    jmp *%rsi\n"
        "exec_before_start:\n"
        "    xor %edi, %edi\n"
        "exec_before_inner:\n"
        "    lea 5(%rdi), %rdx\n"
        "    syscall\n"
        "    add %rdx, %rax\n"
        "    ret\n"
        "exec_after:\n"
        "    mov $9, %eax\n"
        "    jmp *%rsi\n"
        "exec_after_start:\n"
        "    syscall\n"
        "exec_after_inner:\n"
        "    lea 16(%rax), %rax\n"
        "    add %rdi, %rax\n"
        "    ret\n"
        ".balign 4096\n"
        "exec_text_end:\n"
        "exec_kernel:\n"
        "    lea 1(%rax,%rax), %rax\n"
        "    jmp *%rcx\n");

static uint8_t area[1 << 17] __attribute__((aligned(4096)));
static uint8_t used[sizeof(area) / PATCH_SLOT];
static uint8_t fake_vcpu[64] __attribute__((aligned(64)));
static int traps;

static bool give_slot(const struct patch_text *t, const struct patch_site *site)
{
    uint64_t start = (uint64_t)area, slot = start;
    uint64_t addr = t->addr + site->jump;
    for (; (slot = patch_slot_fit(site, addr, slot)); slot += PATCH_SLOT) {
        size_t index = (slot - start) / PATCH_SLOT;
        if (index >= sizeof(used)) {
            return false;
        }
        if (!used[index]) {
            used[index] = 1;
            return patch_slot_write((uint8_t *)slot, slot, site,
                                    t->bytes + site->jump, addr);
        }
    }
    return false;
}

static void exec_rewrites_every_site(void)
{
    static uint8_t copy[8192];
    size_t len = exec_text_end - exec_text;
    memcpy(copy, exec_text, len);
    mprotect(exec_text, len, PROT_READ | PROT_WRITE | PROT_EXEC);
    mprotect(area, sizeof(area), PROT_READ | PROT_WRITE | PROT_EXEC);
    struct patch_text t = {.bytes = copy,
                           .len = len,
                           .hi = len,
                           .addr = (uint64_t)exec_text,
                           .neighbours = true};
    struct patch_site site;
    int sites = 0;
    for (size_t pos = 0; patch_next(&t, &pos, &site); sites++) {
        EXPECT(give_slot(&t, &site));
        uint64_t addr = t.addr + site.jump;
        for (size_t i = 0; i < sizeof(used); i++) {
            uint64_t slot = (uint64_t)area + i * PATCH_SLOT;
            if (used[i] == 1) {
                patch_apply((uint8_t *)addr, addr, slot);
                used[i] = 2;
            }
        }
    }
    EXPECT_EQ(sites, 4);
    EXPECT_EQ(exec_mov_start[0], 0xe9);
    EXPECT_EQ(exec_rip_start[0], 0xe9);
    EXPECT_EQ(exec_before_start[0], 0xe9);
    EXPECT_EQ(exec_after_start[0], 0xe9);
}

static void exec_enters_the_kernel(void)
{
    EXPECT_EQ(exec_mov(3, exec_mov_start), 41 + 3);
    EXPECT_EQ(exec_rip(0, exec_rip_start), 2001);
    EXPECT_EQ(exec_before(77, exec_before_start), 15 + 5);
    EXPECT_EQ(exec_after(77, exec_after_start), 19 + 16 + 77);
    EXPECT_EQ(traps, 0);
}

/* A jump to the SYSCALL of a rewritten mov still is one. */
static void exec_syscall_stays(void)
{
    long (*getpid_there)(long, const void *) = exec_mov;
    long pid;
    __asm__ volatile("call *%2"
                     : "=a"(pid)
                     : "a"(SYS_getpid), "r"(getpid_there), "D"(0),
                       "S"(exec_mov_syscall)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    EXPECT_EQ(pid, getpid());
}

static void on_sigill(int signo, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    uint64_t slots[4], to = 0;
    unsigned count = patch_inner_slots((uint8_t *)*rip - 4, *rip, slots);
    for (unsigned i = 0; i < count && !to; i++) {
        if (slots[i] - (uint64_t)area < sizeof(area)) {
            to = patch_program_to_slot((uint8_t *)slots[i], slots[i], *rip);
        }
    }
    if (!to) {
        _exit(99);
    }
    EXPECT_EQ(patch_slot_to_program((uint8_t *)ALIGN_DOWN(to, PATCH_SLOT),
                                    ALIGN_DOWN(to, PATCH_SLOT), to),
              *rip);
    traps++;
    *rip = to;
}

static void exec_jumps_inside_are_sent_on(void)
{
    EXPECT_EQ(exec_before(100, exec_before_inner), 15 + 105);
    EXPECT_EQ(exec_after(100, exec_after_inner), 9 + 16 + 100);
    EXPECT_EQ(traps, 2);
}

int main(void)
{
    void *entry = exec_kernel;
    struct sigaction action = {.sa_sigaction = on_sigill,
                               .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    memcpy(fake_vcpu + VCPU_SYSCALL_ENTRY, &entry, sizeof(entry));
    syscall(SYS_arch_prctl, ARCH_SET_GS, fake_vcpu);
    RUN(exec_rewrites_every_site);
    RUN(exec_enters_the_kernel);
    RUN(exec_syscall_stays);
    RUN(exec_jumps_inside_are_sent_on);
    return unit_result();
}
