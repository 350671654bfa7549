/* SPDX-License-Identifier: MIT
 *
 * The kernel's only way down: what a target must give it. Chosen at link time;
 * target/linux, target/fake and target/sgx each define every function here.
 *
 * Errors: functions return >= 0 or -errno. A function that cannot fail says
 * so by returning void. Whoever lies (a host that hands out a bad index, a
 * length over what was asked, a clock that runs backwards) is caught either in
 * the target, where it says so below, or in the caller; it is then
 * host_lied(), never undefined behaviour.
 *
 * Nothing here touches the program's FS base, and nothing here may block
 * except where it says so: the kernel may hold spinlocks.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include "lib/types.h"

struct user_regs; /* arch/x86_64/regs.h */
struct fpu_area;  /* arch/x86_64/fpu.h */

/* ---- memory: pages of the arena (boot_info's user and kernel ranges) ---- */

enum { MEM_READ = 1, MEM_WRITE = 2, MEM_EXEC = 4 }; /* equal PROT_* */
enum { MEM_BACK = 8 };                              /* target_mem_protect() */

struct mem_run {
    uint64_t start, end;
};

/* Makes [addr, addr+len) usable with prot. Pages that were not committed read
 * as zero; committed ones keep their content and get prot. To commit such again
 * says that they are about to be written: the target may bring them in at once.
 * Page-aligned.
 * -ENOMEM: the host or the EPC has no more; nothing changed. */
int target_mem_commit(uint64_t addr, uint64_t len, int prot);

/* Changes the permissions of committed pages in one or more ranges. prot 0 is
 * no access; MEM_BACK gives back what there was before that, where pages may
 * differ. What the host does of it, it does for all at once where it can.
 * -EOPNOTSUPP: the target does not remember it. */
int target_mem_protect_runs(const struct mem_run *runs, unsigned count,
                            int prot);
static inline int target_mem_protect(uint64_t addr, uint64_t len, int prot)
{
    const struct mem_run run = {addr, addr + len};

    return target_mem_protect_runs(&run, 1, prot);
}

/* Committed pages read as zero again, privately shown ones as what they show,
 * and keep their permissions; cheaper than to release and to commit where only
 * few of them were used. Fails only where the target cannot: then nothing
 * changed. */
int target_mem_clear(uint64_t addr, uint64_t len);

/* Gives pages back; they read as faults until committed again. Cannot fail
 * for pages of the arena. */
void target_mem_release(uint64_t addr, uint64_t len);

/* Puts src (len bytes, page multiple) at addr with prot, which may include
 * MEM_EXEC, without the pages ever being writable and executable.
 * src may be in boot_info's image_map, and addr is in kernel memory that can be
 * shown then: the host's bytes are read once. -EAGAIN: not without waiting. */
int target_mem_install(uint64_t addr, const void *src, uint64_t len, int prot);

/* Moves committed pages [from, from+len) to `to`, with content and protection;
 * at `from` they are then as if committed just now. The ranges do not overlap
 * and lie at the same place within 2 MiB. Whatever was at `to` is gone, also
 * on failure, and then not committed; what is at `from` is untouched then.
 * -EOPNOTSUPP: here a page has one address for good. */
int target_mem_move(uint64_t to, uint64_t from, uint64_t len);

/* Shows len bytes of memory at src, in the part of the arena that boot_info
 * says can be shown, at addr as well, in place of what was there. shared: both
 * are the same memory; else what is written at addr gets a page of its own,
 * and until then follows src. src stays committed as long as it is shown;
 * target_mem_release(addr) ends it. -EOPNOTSUPP where a page has one address;
 * -ENOMEM: nothing changed. */
int target_mem_show(uint64_t addr, uint64_t src, uint64_t len, int prot,
                    bool shared);

/* Where [*from, to) of committed pages may hold something: up to max runs in
 * order of address; what lies between them reads as zero. written: of what is
 * shown privately, only where pages of its own are; or all, if that is not
 * known. *from: where the search ended, `to` when done. */
unsigned target_mem_touched(uint64_t *from, uint64_t to, bool written,
                            struct mem_run *runs, unsigned max);

/* What will be committed in [addr, addr+len) has this protection key, one of
 * boot_info.keys, until another is named; nothing is committed there now. 0:
 * what it has at the start, the kernel's in its part and none in that of the
 * programs. Multiples of 2 MiB, but for the arena's ends. */
void target_mem_key(uint64_t addr, uint64_t len, unsigned key);

/* ---- virtual CPUs ---- */

/* Starts vCPU id (1..count-1; 0 is running): a new host thread calls
 * kernel_vcpu_start(id) on the stack that vcpu_init() gave that vCPU. An error:
 * it is not there, and will not be. */
int target_vcpu_start(unsigned id);

/* Waits until this vCPU is kicked, any ring has a completion, or the clock
 * reaches deadline (ns; UINT64_MAX: none). May return early; blocks the host
 * thread. A kick that came before the call ends it at once. Deadline 0 does not
 * wait: other threads of the host may run, and kicks stay as they are. */
void target_vcpu_wait(uint64_t deadline);

/* Ends vCPU id's wait, or brings it from user code into kernel_trap(TICK).
 * From any vCPU; in kernel code it has only the effect of a flag. */
void target_vcpu_kick(unsigned id);

/* Asks for one TRAP_TICK on this vCPU at deadline (ns of target_clock());
 * replaces the one before; UINT64_MAX disarms. A host may withhold it. */
void target_vcpu_tick(uint64_t deadline);

/* Continues user code with exactly these registers and vector state. Both
 * are copied before user code runs. */
_Noreturn void target_user_resume(const struct user_regs *regs,
                                  const struct fpu_area *fpu);

/* ---- time and randomness ---- */

/* How the program's vDSO can read time by itself: ns since some start =
 * base_ns + ((rdtsc - base_tsc) * mult >> shift). mult 0: it cannot. */
struct target_clock {
    uint64_t base_tsc, base_ns;
    uint32_t mult, shift;
    int64_t realtime_offset; /* add to get CLOCK_REALTIME, untrusted */
};

/* Monotonic nanoseconds, never backwards on one vCPU. */
uint64_t target_clock(void);
void target_clock_info(struct target_clock *out);

/* Fills buf from the CPU's generator; never from the host. */
void target_random(void *buf, size_t len);

/* ---- host I/O: rings in io_uring's layout, in untrusted memory ---- */

/* Ring 0 takes io_uring's own opcodes; ring 1 the HOSTOP_* of abi/boundary.h,
 * which io_uring lacks. All pointers are into memory that the host can write
 * at any time: only kernel/core/hostio.c opens them. */
enum { TARGET_RINGS = 2 };
struct target_ring {
    struct hptr sq_head, sq_tail, sqes;
    struct hptr sq_array, sq_flags; /* may be 0 */
    struct hptr cq_head, cq_tail, cqes;
    /* Where buffers of group 0 are provided (struct ring_buffer), of which the
     * host takes one for what RINGOP_RECV | RINGOP_MULTISHOT brings; 0: no. */
    struct hptr buffers;
    uint32_t sq_entries, cq_entries; /* powers of two, checked, ours */
    uint32_t buffer_entries;         /* likewise */
};
int target_ring_setup(unsigned index, struct target_ring *out);

/* Tells the host that `count` new entries stand in ring `index`. Does not
 * wait for them. What was completed when it returns may wake nobody: the
 * caller looks, or sees to it that somebody does. What this vCPU submitted
 * before and is ready is completed, too; count may be 0. RING_READY in
 * sq_flags hints at that; with RING_WAITS it is worth a look now and then. */
void target_ring_submit(unsigned index, unsigned count);

/* Untrusted memory for payloads: one region for the life of the kernel. */
int target_bounce(struct hptr *base, uint64_t *len);

/* ---- trust ---- */

/* The CPU's word, -EOPNOTSUPP where there is no TEE. A report: `in` is 512
 * bytes of target info, data 64 of ours, out 432 (SDM EREPORT). A key: `in` is
 * 512 bytes of request, data NULL, out 16 (EGETKEY). */
enum target_trust { TRUST_REPORT, TRUST_KEY };
int target_trust(enum target_trust what, const void *in, const void *data,
                 void *out);

/* ---- the rest ---- */

/* CPUID as a program may see it, EAX to EDX; leaf 0xd 0 has XCR0 in EAX and
 * EDX. Where the CPU does not answer (an enclave), from a checked table; else
 * what it once answered may be kept. */
void target_cpuid(uint32_t leaf, uint32_t sub, uint32_t regs[4]);

/* Writes a log line (no newline needed) to the host's stderr. */
void target_log(const char *line, size_t len);

/* Stops the instance as a shell's job is stopped: the host runs nothing of it
 * until it says to go on (SIGCONT), when this returns. A host may ignore it. */
void target_suspend(void);

/* Ends everything; status as in waitpid(2)'s wstatus. */
_Noreturn void target_stop(int status);

#endif
