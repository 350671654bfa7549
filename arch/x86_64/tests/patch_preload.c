/* SPDX-License-Identifier: MIT
 *
 * LD_PRELOAD this into an ordinary program: every object that is loaded gets
 * its system calls rewritten in place, both tiers, and the "kernel" that the
 * slots jump to makes the real system call. Proves on living code what
 * patch_test.c proves on bytes: the program must not notice.
 *
 * PATCH_STATS=FD: a line with the numbers at exit. Jumps into moved
 * instructions arrive as SIGILL and are sent to the slot.
 */
#include <asm/prctl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/x86_64/patch.h"
#include "arch/x86_64/vcpu.h"

enum { AREA = 1 << 20, AREAS = 64 };

static struct {
    uint64_t start;
    uint8_t used[AREA / PATCH_SLOT];
} areas[AREAS];
static int area_count;

static long before_count, after_count, left_count, trap_count;
unsigned long patch_entries; /* counted by the entry below */

/* As a kernel would be entered: RCX is where to go on. What changes the stack
 * goes back to its own SYSCALL, which is still there in PATCH_BEFORE. */
void patch_entry(void);
__asm__(".text\n"
        "patch_entry:\n"
        "    lock incq patch_entries(%rip)\n"
        "    cmp $15, %eax\n" /* rt_sigreturn, clone, vfork, clone3 */
        "    je 1f\n"
        "    cmp $56, %eax\n"
        "    je 1f\n"
        "    cmp $58, %eax\n"
        "    je 1f\n"
        "    cmp $435, %eax\n"
        "    je 1f\n"
        "    lea -128(%rsp), %rsp\n"
        "    push %rcx\n"
        "    syscall\n"
        "    pop %rcx\n"
        "    lea 128(%rsp), %rsp\n"
        "    jmp *%rcx\n"
        "1:  cmpw $0x050f, -2(%rcx)\n"
        "    jne 2f\n"
        "    lea -2(%rcx), %rcx\n"
        "    jmp *%rcx\n"
        "2:  ud2\n");

static uint8_t fake_vcpu[PAGE_SIZE];

/* A slot area within reach of the text; -1: none. */
static int find_area(uint64_t text)
{
    int64_t step = 16 << 20;
    for (int64_t distance = step; distance < 1 << 30; distance += step) {
        for (int sign = -1; sign <= 1; sign += 2) {
            uint64_t at =
                ALIGN_DOWN(text + (uint64_t)(sign * distance), PAGE_SIZE);
            void *p =
                mmap((void *)at, AREA, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (p == (void *)at) {
                areas[area_count].start = at;
                return area_count++;
            }
        }
    }
    return -1;
}

static bool rewrite(int area, const struct patch_text *t,
                    const struct patch_site *site)
{
    uint64_t start = areas[area].start, slot = start;
    uint64_t addr = t->addr + site->jump;
    while ((slot = patch_slot_fit(site, addr, slot)) &&
           slot + PATCH_SLOT <= start + AREA) {
        size_t index = (slot - start) / PATCH_SLOT;
        if (!areas[area].used[index] &&
            patch_slot_write((uint8_t *)slot, slot, site, t->bytes + site->jump,
                             addr)) {
            areas[area].used[index] = 1;
            patch_apply((uint8_t *)addr, addr, slot);
            return true;
        }
        slot += PATCH_SLOT;
    }
    return false;
}

static void rewrite_text(uint8_t *text, size_t len)
{
    int area = find_area((uint64_t)text);
    uint8_t *copy = mmap(NULL, len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area < 0 || copy == MAP_FAILED) {
        return;
    }
    uint64_t first = ALIGN_DOWN((uint64_t)text, PAGE_SIZE);
    uint64_t last = ALIGN_UP((uint64_t)text + len, PAGE_SIZE);
    memcpy(copy, text, len);
    mprotect((void *)first, last - first, PROT_READ | PROT_WRITE | PROT_EXEC);
    struct patch_text t = {.bytes = copy,
                           .len = len,
                           .hi = len,
                           .addr = (uint64_t)text,
                           .neighbours = true};
    struct patch_site site;
    for (size_t pos = 0; patch_next(&t, &pos, &site);) {
        if (!rewrite(area, &t, &site)) {
            left_count++;
        } else if (site.kind == PATCH_BEFORE) {
            before_count++;
        } else {
            after_count++;
        }
    }
    mprotect((void *)first, last - first, PROT_READ | PROT_EXEC);
    munmap(copy, len);
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *name = info->dlpi_name;
    if (strstr(name, "vdso") || strstr(name, "patch_preload")) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
        if (phdr->p_type == PT_LOAD && phdr->p_flags & PF_X) {
            rewrite_text((uint8_t *)info->dlpi_addr + phdr->p_vaddr,
                         phdr->p_filesz);
        }
    }
    return 0;
}

static bool is_slot(uint64_t addr)
{
    for (int i = 0; i < area_count; i++) {
        if (addr - areas[i].start < AREA && addr % PATCH_SLOT == 0) {
            return true;
        }
    }
    return false;
}

/* A jump to a moved instruction. */
static void on_sigill(int signo, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    uint64_t slots[4];
    unsigned count = patch_inner_slots((uint8_t *)*rip - 4, *rip, slots);
    for (unsigned i = 0; i < count; i++) {
        uint64_t to =
            is_slot(slots[i])
                ? patch_program_to_slot((uint8_t *)slots[i], slots[i], *rip)
                : 0;
        if (to) {
            __atomic_add_fetch(&trap_count, 1, __ATOMIC_RELAXED);
            *rip = to;
            return;
        }
    }
    signal(SIGILL, SIG_DFL);
}

__attribute__((constructor)) static void start(void)
{
    struct sigaction action = {.sa_sigaction = on_sigill,
                               .sa_flags = SA_SIGINFO | SA_NODEFER};
    void *entry = patch_entry;
    sigaction(SIGILL, &action, NULL);
    memcpy(fake_vcpu + VCPU_SYSCALL_ENTRY, &entry, sizeof(entry));
    syscall(SYS_arch_prctl, ARCH_SET_GS, fake_vcpu);
    dl_iterate_phdr(visit, NULL);
}

__attribute__((destructor)) static void finish(void)
{
    const char *fd = getenv("PATCH_STATS");
    if (fd) {
        dprintf(atoi(fd),
                "before %ld after %ld no-slot %ld entries %lu traps %ld\n",
                before_count, after_count, left_count, patch_entries,
                trap_count);
    }
}
