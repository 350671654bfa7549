/* SPDX-License-Identifier: MIT
 *
 * Address spaces: a VMA tree each, in one arena. mm->lock (LOCK_MM, a mutex)
 * guards the tree; faults and maps take it, uaccess does not.
 *
 * A VMA maps nothing (anonymous zero pages) or a vm_object (a file). Private
 * file pages are shown where they are (show.c) if the target can do that; in a
 * TEE a page has one address, and they are copied on first touch. Code is
 * rewritten on the way in (arch/x86_64/patch.h). A shared object has one window
 * of addresses.
 */
#ifndef KERNEL_MM_MM_H
#define KERNEL_MM_MM_H

#include "lib/types.h"
#include "kernel/core/lock.h"
#include "kernel/mm/uaccess.h"

struct text_anchor; /* text_image.h */

/* What can be mapped. Embedded by its owner (the page cache). */
struct vm_object {
    const struct vm_object_ops *ops;
};

struct vm_object_ops {
    /* Required. References. */
    void (*get)(struct vm_object *o);
    void (*put)(struct vm_object *o);
    /* Required. Copies content [off, off+len) into dst (kernel-accessible);
     * past the end: zeros, up to the page that holds the last byte. off page
     * aligned. May block. Returns bytes that exist, 0 past the end (SIGBUS),
     * or -EIO. */
    long (*read)(struct vm_object *o, uint64_t off, void *dst, size_t len);
    /* Optional (NULL: read). The same, for content that is not wanted twice:
     * what was not cached before is not then. */
    long (*read_once)(struct vm_object *o, uint64_t off, void *dst, size_t len);
    /* Optional (NULL: nothing can be shown). Whole pages of content from *off
     * on, up to len bytes, that lie together in memory of page_share_alloc():
     * how many bytes, and where, with a reference on each page; 0: none there.
     * load: they are read first, which may block; else *off moves to the first
     * that is there. Memory of a window comes without references. */
    size_t (*run)(struct vm_object *o, uint64_t *off, size_t len, bool load,
                  char **at);
    /* Optional. Where the object's rewritten code is kept, and its size; NULL
     * when its content can change. */
    struct text_anchor *(*texts)(struct vm_object *o, uint64_t *size);
    /* Optional (NULL: -ENODEV for MAP_SHARED|PROT_WRITE). Makes the object's
     * pages live at a window of the arena; returns its base for offset 0. */
    int (*window)(struct vm_object *o, uint64_t min_len, uint64_t *base);
    /* Optional (NULL: as far as the window goes). Mappings may be longer than
     * the object, for good: there is nothing from here on. */
    uint64_t (*reach)(struct vm_object *o);
    /* Optional (NULL: -EOPNOTSUPP). Content [off, off+len) becomes zero, as by
     * FALLOC_FL_PUNCH_HOLE. May block; no lock of an address space is held. */
    int (*punch)(struct vm_object *o, uint64_t off, uint64_t len);
    /* Optional (nothing to do). What shared mappings wrote goes to where the
     * content lives: 0 or -errno. May block; no lock of an address space is
     * held. */
    int (*sync)(struct vm_object *o);
    /* Optional (NULL: never withdrawn). Names the content: the same for all
     * objects of it, and for no others. */
    const void *(*content)(struct vm_object *o);
    /* Required. For /proc/PID/maps: path, device, inode. */
    void (*describe)(struct vm_object *o, char *path, size_t len, uint64_t *dev,
                     uint64_t *ino);
};

struct mm;

/* Which protection keys there are; before mm_init(). */
struct memory_keys; /* kernel/kernel.h */
void isolation_init(const struct memory_keys *keys);

/* boot_info.user_holes; before mm_init(). */
struct user_hole;
void mm_holes(const struct user_hole *holes);
/* The arena's user part; once, at boot. shown: boot_info.user_shown. */
void mm_init(uint64_t user_start, uint64_t user_end, uint64_t shown,
             bool commit_is_lazy);
/* Boot, where the target moves pages: [start, end) of the kernel's range is
 * for those of processes that are not at their addresses. */
void shadow_init(uint64_t start, uint64_t end);
/* Whether CPUIDs are rewritten as system calls are. */
void text_init(bool cpuid_traps);
/* After mm_init(), where page faults cannot be relied on: mappings get all
 * their content when they are made. */
void mm_without_faults(void);
/* Boot, where writes can be made to fault at little cost: fork(2) copies less,
 * and the rest when it is written to. */
void mm_guard_forks(bool on);
/* Boot: fork(2) of who has written more fails; 0: no limit. */
void mm_swap_limit(uint64_t bytes);

/* A new, empty address space with one reference. */
int mm_create(struct mm **out);
/* The same, for a program: if one of this kind has ended, what it mapped when
 * it started may wait at its place (warm.h). The pointers are compared, no
 * more. */
struct mm_kind {
    const void *program, *linker;
    const void *loader; /* what mappings of the linker have as content() */
    uint64_t owner;     /* whose mappings they are: its user and group */
    bool fixed;         /* the program has no choice of addresses */
};
int mm_create_as(const struct mm_kind *kind, struct mm **out);
/* A file's content is gone, and what waits for a run of it. */
void mm_forget(const void *content);
/* Whether the page at addr, of anonymous memory, waits there as MM_VVAR; it has
 * its content still, of layout.clock_turn, and the caller maps it. */
bool mm_finds(struct mm *mm, uint64_t addr);
/* Nothing of mm waits for another run. */
void mm_leave_nothing(struct mm *mm);
/* execve(2) has mapped what it maps into an address space of mm_create_as(). */
void mm_loaded(struct mm *mm);
/* Told on as the first address space wants to hear of its task's next call, and
 * once more for each; with off when it does not any more. NULL: none hears. */
extern void (*mm_await_call)(bool on);
/* mmap(2) with MAP_FIXED of [start, end), mprotect(2), or anything else is
 * about to be done, by the instruction before rip. */
enum mm_call { MM_CALL_OTHER, MM_CALL_MAP, MM_CALL_PROTECT };
void mm_called(struct mm *mm, enum mm_call call, uint64_t start, uint64_t end,
               uint64_t rip);
/* The program's libraries are mapped, and code of its own is about to run. */
void mm_started(struct mm *mm);
void mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* Processes that live in it; mm_create() counts the first. A use comes with a
 * reference. mm_leave() gives the use up, in a task of the address space: the
 * last one unmaps all (may block), and true is returned; mm_put() follows. */
void mm_use(struct mm *mm);
bool mm_leave(struct mm *mm);
/* The current task's uaccess reaches mm's memory until mm_visit_end(), which
 * brings it home. It waits until mm's pages are at their addresses; nothing
 * that it holds may be wanted by a task of mm. -ESRCH: mm is gone. */
int mm_visit(struct mm *mm);
void mm_visit_end(struct mm *home);
/* Whether anybody lives in it still. */
bool mm_alive(struct mm *mm);
/* Whether more than one process lives in it. */
bool mm_in_use_by_others(struct mm *mm);
struct sched_gate;
struct sched_gate *mm_gate(struct mm *mm);

/* fork(2), in a task of mm: *out is a copy of it, which has one use and whose
 * pages are at their addresses from now on. Until mm_fork_done() the caller
 * touches no user memory; then it waits for its own to come back. -ENOMEM. */
int mm_fork(struct mm *mm, struct mm **out);
void mm_fork_done(struct mm *mm);
/* mm's tasks wait for its pages in order to end: it comes next. */
void mm_hurry(struct mm *mm);
/* Boot: the task that exchanges the pages of families. -ENOMEM. */
int families_start(void);

/* A program that must lie at [start, end) is to be mapped into mm, which is
 * empty and the current task's. When another program has these addresses,
 * they become a family. May block. -ENOMEM. */
int mm_take_fixed(struct mm *mm, uint64_t start, uint64_t end);

/* mmap(2): prot and flags of abi/linux/mman.h; obj NULL: anonymous; off in
 * bytes. *addr: hint in, result out. -EINVAL, -ENOMEM, -EEXIST, -ENODEV.
 * MM_MAP_NO_WRITE, MM_MAP_NO_EXEC in flags: mprotect may not add PROT_WRITE or
 * PROT_EXEC later. MM_MAP_AIO: it is a context's of io_setup(2), MM_AIO: it
 * has no part in its neighbours, and does not grow. MM_MAP_SECRET: other
 * processes do not read it (mm_open_part), and it is locked. */
enum {
    MM_MAP_NO_WRITE = 1 << 30,
    MM_MAP_NO_EXEC = 1 << 29,
    MM_MAP_AIO = 1 << 28,
    MM_MAP_SECRET = 1 << 27
};
int mm_map(struct mm *mm, uint64_t *addr, uint64_t len, int prot, int flags,
           struct vm_object *obj, uint64_t off);
int mm_unmap(struct mm *mm, uint64_t addr, uint64_t len);
/* What is mapped at addr of an object of that kind, from its beginning: all
 * its pieces in the window (shmdt(2)). -EINVAL: nothing such. */
int mm_unmap_object(struct mm *mm, uint64_t addr,
                    const struct vm_object_ops *ops);
int mm_protect(struct mm *mm, uint64_t addr, uint64_t len, int prot);
/* Makes the page at addr, of a private mapping, writable besides; *prot is
 * what to give mm_protect() afterwards. -EFAULT, -ENOMEM. */
int mm_unprotect(struct mm *mm, uint64_t addr, int *prot);

/* mremap(2). *addr: new address with MREMAP_FIXED in, result out. -EINVAL,
 * -EFAULT, -ENOMEM. */
int mm_remap(struct mm *mm, uint64_t old, uint64_t old_len, uint64_t new_len,
             int flags, uint64_t *addr);

/* madvise(2), with its errors. */
int mm_advise(struct mm *mm, uint64_t addr, uint64_t len, int advice);
/* mseal(2): -EINVAL, -ENOMEM. */
int mm_seal(struct mm *mm, uint64_t addr, uint64_t len);
/* remap_file_pages(2), prot and flags aside: -EINVAL, -ENOMEM. */
int mm_remap_pages(struct mm *mm, uint64_t addr, uint64_t len, uint64_t off);
/* A number that mappings keep for mbind(2); 0: none was set. -EFAULT: a
 * hole, unless holes may be, nothing at all. */
int mm_set_policy(struct mm *mm, uint64_t addr, uint64_t len, uint16_t policy,
                  bool holes);
int mm_get_policy(struct mm *mm, uint64_t addr, uint16_t *policy);
/* look at each number but 0 that a range has, until it returns an error: that,
 * or what it returned last; -ENOENT: there was none. */
int mm_each_policy(struct mm *mm, uint64_t addr, uint64_t len,
                   int (*look)(uint16_t policy));
/* mincore(2): vec[i] for the page at addr + i pages. -ENOMEM: a hole. */
int mm_incore(struct mm *mm, uint64_t addr, uint64_t pages, uint8_t *vec);
/* What is so of each page from addr on. cached: also what is in memory, but not
 * in this mapping. */
enum { MM_THERE = 1, MM_MAPPED = 2, MM_PROTECTED = 4 };
void mm_look(struct mm *mm, uint64_t addr, uint64_t pages, bool cached,
             uint8_t *vec);
/* What of it is there, as programs count it. */
uint64_t mm_there_bytes(struct mm *mm);
/* mlock(2), munlock(2) (on false), mlockall(2). Limits are the caller's. */
int mm_pin(struct mm *mm, uint64_t addr, uint64_t len, bool on, bool populate);
int mm_pin_all(struct mm *mm, bool now, bool future, bool populate);
/* msync(2): -ENOMEM, -EBUSY; write: with MS_SYNC, its errors, too. */
int mm_sync(struct mm *mm, uint64_t addr, uint64_t len, bool invalidate,
            bool write);

/* vm.max_map_count: mappings of one address space; beyond it -ENOMEM. */
unsigned mm_map_count_limit(void);
void mm_set_map_count_limit(unsigned count);

/* brk(2). mm_set_brk is exec's: where the heap begins, or at random some way
 * behind that. */
void mm_set_brk(struct mm *mm, uint64_t start, bool at_random);
uint64_t mm_brk(struct mm *mm, uint64_t addr);
/* What RLIMIT_DATA counts, should the heap end at brk: with the image's
 * data. */
uint64_t mm_data_bytes(struct mm *mm, uint64_t brk);

/* Picks and reserves a span for an image of len bytes (ELF ET_DYN), with room
 * for trampolines close by; the caller then maps into it with MAP_FIXED. */
int mm_reserve_image(struct mm *mm, uint64_t len, uint64_t align,
                     uint64_t *base);

/* What private mappings in any address space have of [off, end) of content
 * (vm_object_ops.content) goes, as after MADV_DONTNEED; written_too: also in
 * those that may hold what their owner wrote. May visit others (mm_visit): its
 * rule about what the caller holds. */
void mm_withdraw(const void *content, uint64_t off, uint64_t end,
                 bool written_too);

/* Names for /proc and layout facts that exec records. */
struct mm_layout {
    uint64_t start_code, end_code, start_data, end_data;
    uint64_t start_stack, arg_start, arg_end, env_start, env_end;
    uint64_t vdso;
    uint32_t clock_turn; /* the line (timer.h) that its data page shows */
    /* A program without an interpreter: files that it maps to be executed may
     * be read instead (valgrind does), and are rewritten when they trap. */
    bool loads_code;
};
struct mm_layout *mm_layout(struct mm *mm);
enum mm_special { MM_STACK = 1, MM_VDSO, MM_VVAR, MM_HEAP, MM_GUARD, MM_AIO };
void mm_name(struct mm *mm, uint64_t addr, enum mm_special what);

/* Brings in the page at addr for access (MEM_READ/WRITE/EXEC of target.h).
 * 0, -EFAULT (SEGV_MAPERR), -EACCES (SEGV_ACCERR), -EIO (SIGBUS), -ENOMEM.
 * May block. With MM_BY_PROGRAM in access it is the program's own, which is
 * made anew after 0 though a signal ended the wait for the page. */
enum { MM_BY_PROGRAM = 64 };
int mm_fault(struct mm *mm, uint64_t addr, int access);
/* Set by who knows processes: what oom_spares_us() says. */
extern bool (*mm_lacks_memory)(void);
/* Its memory is lost, and whoever touches it ends. */
bool mm_is_lost(const struct mm *mm);
/* How many pages it has, as the ceiling counts them; a hint, no lock. */
uint64_t mm_counted_pages(const struct mm *mm);
/* [addr, addr + len) is about to be used: where a fault costs an enclave's
 * exit, it comes now, as much as can be. May block. */
void mm_expect(struct mm *mm, uint64_t addr, uint64_t len);

/* Where Linux's programs end: calls refuse what lies above. */
#define MM_LINUX_END ((1ull << 47) - 4096)

/* Whether a program of Linux might have [addr, addr + len): else calls say
 * -EFAULT before they look at what they would do with it. */
static inline bool mm_linux_range(uint64_t addr, uint64_t len)
{
    return addr <= MM_LINUX_END && len <= MM_LINUX_END - addr;
}

/* Whether a file is mapped at addr. */
bool mm_maps_file(struct mm *mm, struct uptr addr);

/* Whether mappings to come are to be locked (mlockall(2)). */
bool mm_locks_future(struct mm *mm);
/* PR_SET_MDWE (prctl(2)): from now on nothing is mapped that can be written to
 * and executed, and what was not executable does not become so. -EPERM: other
 * bits are set already. */
int mm_set_mdwe(struct mm *mm, unsigned bits);
unsigned mm_mdwe(const struct mm *mm);
/* A child, or the next program, has them, too, if they say so. from: NULL for
 * the first program. */
void mm_inherit_mdwe(struct mm *to, const struct mm *from);
/* Bytes of [addr, addr + len) that are locked. */
uint64_t mm_locked_in(struct mm *mm, uint64_t addr, uint64_t len);

/* How much of [addr, addr + len) others may read and write (MM_MAP_SECRET). */
size_t mm_open_part(struct mm *mm, uint64_t addr, size_t len);

/* Which address space addr belongs to: the same number for all processes that
 * share the memory there, another for each that does not; *addr becomes the
 * memory's address for all of them. May block. */
uint64_t mm_address_space(struct mm *mm, uint64_t *addr);

/* True when [addr, addr+len) lies in the programs' part of the arena. */
bool mm_user_range(uint64_t addr, uint64_t len);

/* Whether rip is in a system call trampoline; then *site_rip is what it
 * stands for (arch/x86_64/patch.h). Takes no lock; signal-handler safe. */
bool mm_trampoline_rip(uint64_t rip, uint64_t *site_rip);

/* After #UD at rip in the current program: whether a system call's rewriting
 * overwrote the instruction there; then *copy_rip is where it goes on. Also
 * when rip is at a SYSCALL that has a slot: there it does not trap. May
 * block. */
bool mm_moved_insn(uint64_t rip, uint64_t *copy_rip);

/* The SYSCALL at `at`, of the current program, trapped: it is rewritten if it
 * can be. True when it was. May block. */
bool mm_syscall_trapped(struct mm *mm, uint64_t at);

/* Address space for a shared object's pages, which its owner commits: the
 * same for every process that maps it (vm_object_ops.window). free releases
 * what was committed. -ENOMEM. */
int mm_window_alloc(uint64_t len, uint64_t *base);
void mm_window_free(uint64_t base, uint64_t len);
/* What a window gets at least, for its file to grow into. */
uint64_t mm_window_least(void);
/* [start, end), in pages: from now on there, zero, readable and writable; or
 * not any more. Neither twice. -ENOMEM. */
int mm_window_commit(uint64_t start, uint64_t end);
void mm_window_release(uint64_t start, uint64_t end);

/* /proc/PID/maps: calls emit for each VMA in order, tree locked. there: what
 * is resident is wanted, which takes a look at the pages. */
struct mm_region {
    uint64_t start, end, offset, dev, ino;
    uint64_t resident; /* bytes */
    int prot;
    bool shared, locked, no_dump, no_fork, wiped, no_write, no_exec;
    bool on_fault;            /* locked as it is touched */
    bool no_reserve, charged; /* MAP_NORESERVE; of what may be written */
    uint8_t serves; /* UFFDIO_REGISTER_MODE_*: userfaultfd(2) serves it */
    bool grows_down, guarded;               /* guarded: in part, at least */
    bool huge, no_huge, sequential, random; /* madvise(2) */
    bool secret;  /* MM_MAP_SECRET: in no core file, whatever madvise(2) says */
    bool written; /* private, and what is there may be its own */
    char path[256];
};
/* The first that ends above addr; false: none. */
bool mm_region_from(struct mm *mm, uint64_t addr, struct mm_region *r);
/* What is mapped at exactly [start, end), with a reference, or NULL. */
struct vm_object *mm_object_at(struct mm *mm, uint64_t start, uint64_t end);
void mm_for_each(struct mm *mm, bool there,
                 void (*emit)(const struct mm_region *, void *), void *arg);

/* Another process's memory, for a look from outside: copies what is there of
 * [addr, addr + len) up to the first gap; 0 also while a relative's pages are
 * at its addresses. */
size_t mm_peek(struct mm *mm, uint64_t addr, void *buf, size_t len);

struct mm_stats {
    uint64_t virtual_bytes, resident_bytes, locked_bytes;
    uint64_t peak_bytes; /* resident, at any time */
    uint64_t data_bytes; /* private and writable, as RLIMIT_DATA counts */
    uint64_t faults, sites_patched;
    uint64_t forks, fork_bytes; /* of its own, and what was copied for them */
    uint64_t swaps, swap_bytes, swap_ns; /* that let it in */
    uint64_t moved_bytes;                /* by page tables, in those */
    uint64_t guard_faults; /* by which pages became its own again */
};
void mm_get_stats(struct mm *mm, struct mm_stats *out);

#endif
