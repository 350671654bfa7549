/* SPDX-License-Identifier: MIT */
/*
 * Enclaves. What the hardware and the driver keep of one enclave lies in the
 * memfd that stands for its open file: the pages at their own offsets, and
 * from META_OFFSET on the SECS, the EPCM and the driver's flags, so that a
 * forked child, or a process that was sent the descriptor, shares them.
 * struct enclave is one process's view: mappings of that file and the VMAs.
 *
 * Locks: enclave_lock() guards EPCM changes and the build; TCS.STATE is taken
 * by compare-and-swap alone. process_lock() guards the view. Order: process,
 * then enclave.
 */
#ifndef SGXEMU_ENCLAVE_H
#define SGXEMU_ENCLAVE_H

#include "sgxemu/emu.h"
#include "sgxemu/crypto.h"

/* One EPCM entry; 0 is an invalid one. */
typedef uint32_t epcm_t;
#define EPCM_RWX       0x007u /* as SECINFO */
#define EPCM_PENDING   0x008u
#define EPCM_MODIFIED  0x010u
#define EPCM_PR        0x020u
#define EPCM_VALID     0x040u
#define EPCM_RECLAIMED 0x080u
#define EPCM_TYPE(e)   ((e) >> 8 & 0xff)
#define EPCM_MAX(e)    ((e) >> 16 & 7) /* the driver's vm_max_prot */
#define EPCM_MAKE(type, perm, max)                                             \
    (EPCM_VALID | (perm) | (uint32_t)(type) << 8 | (uint32_t)(max) << 16)

struct enclave_shared {
    uint32_t lock;  /* tid of the holder */
    uint32_t ioctl; /* tid of the thread in an ioctl: no two at a time */
    bool created, initialized, broken;
    uint8_t access_mode;         /* O_RDWR and so on, as it was opened */
    uint64_t allowed_attributes; /* what the driver lets EINIT through with */
    uint64_t page_count, resident_count;
    uint64_t reclaim_hand; /* page index, for --epc */
    struct sgx_secs secs;
    struct sgx_sigstruct sigstruct; /* KSS fields live here after EINIT */
    struct sha256 measure;
    uint8_t isv_family_id[16], isv_ext_prod_id[16];
};

struct vma { /* start, end: page indices in the enclave */
    uint64_t start, end;
    uint8_t prot;
    int8_t key;    /* as the program gave it; 0: none */
    bool dontfork; /* MADV_DONTFORK */
};

#define TWIN_MAX   32
#define TWIN_SITES 10
struct twin { /* of an executable page, see twin.c */
    uint64_t page;
    uint8_t count; /* 0: none now */
    bool read;     /* as data: none ever */
    uint16_t sites[TWIN_SITES];
};

struct enclave {
    bool used;
    int fd; /* ours; hidden from the program */
    uint64_t dev, ino;
    uint64_t base, size;
    struct enclave_shared *shared;
    epcm_t *epcm;
    uint32_t *epcm_mid, *epcm_top; /* valid pages in each 2 MiB, each 1 GiB */
    uint8_t **chunks;              /* windows onto the pages, as needed */
    struct vma *vmas;
    uint32_t vma_count;
    struct twin twins[TWIN_MAX];
    uint32_t twin_count, twins_made;
};

/* enclave.c: making, finding, dropping the view. */
/* A descriptor for the program, or -errno. */
int enclave_open(int access_mode);
struct enclave *enclave_by_fd(int fd);
struct enclave *enclave_by_address(uint64_t address);
struct enclave *enclave_at(int index); /* NULL past the last or unused */
#define ENCLAVE_MAX 64
/* One of the enclaves that this process has a view of? Cheap. */
bool enclave_known_fd(int fd);
bool enclave_own_fd(int fd);
/* Maps the EPCM once ECREATE has fixed the size. 0 or -errno. */
long enclave_view_created(struct enclave *e);
/* Forgets [start, end) in every enclave's VMAs, before a munmap or a mmap. */
void enclave_unmapped(uint64_t start, uint64_t end);
bool enclave_may_unmap(uint64_t start, uint64_t end);
void enclave_dontfork(uint64_t start, uint64_t end);
void enclave_forked(void); /* in the child */
/* Takes process_lock() too. */
void enclave_lock(struct enclave *e);
void enclave_unlock(struct enclave *e);
/* The page's bytes (and 1 MiB after it), for us; NULL without memory. */
uint8_t *enclave_bytes(struct enclave *e, uint64_t offset);
int provision_open(void);
bool provision_is_fd(int fd);

/* device.c: the ioctls; sgx2.c: those of SGX2. */
long device_ioctl(struct enclave *e, ucontext_t *uc, uint32_t cmd,
                  uint64_t arg);
long sgx2_restrict(struct enclave *e, ucontext_t *uc, uint64_t arg);
long sgx2_modify_type(struct enclave *e, ucontext_t *uc, uint64_t arg);
long sgx2_remove(struct enclave *e, ucontext_t *uc, uint64_t arg);
long sgx2_augment(struct enclave *e, uint64_t page);
long device_range_check(struct enclave *e, uint64_t offset, uint64_t length);

/* epcm.c */
epcm_t epcm_get(struct enclave *e, uint64_t page);
void epcm_set(struct enclave *e, uint64_t page, epcm_t entry);
/* The first page in [page, end) with a valid entry, or end. */
uint64_t epcm_next(struct enclave *e, uint64_t page, uint64_t end);
/* What the EPCM lets enclave code do with the page: PROT_* bits. */
int epcm_access(epcm_t entry);

/* vma.c */
struct vma *vma_find(struct enclave *e, uint64_t page);
/* PROT_* of the mapping, or -1 without one. Takes process_lock(). */
int vma_prot(struct enclave *e, uint64_t page);
/* False at the limit of mappings: -ENOMEM, as at vm.max_map_count. */
bool vma_room(const struct enclave *e);
/* Would vma_clear() cut a mapping in two? */
bool vma_splits(struct enclave *e, uint64_t start, uint64_t end);
void vma_set(struct enclave *e, uint64_t start, uint64_t end, int prot,
             int key);
void vma_rebase(struct enclave *e);
void vma_dontfork(struct enclave *e, uint64_t start, uint64_t end);
void vma_forked(struct enclave *e); /* in the child */
void vma_clear(struct enclave *e, uint64_t start, uint64_t end);
/* Makes the host's page tables agree with VMA and EPCM for these pages. */
long vma_apply(struct enclave *e, uint64_t start, uint64_t end);
long vma_mmap(struct enclave *e, int fd, uint64_t address, uint64_t length,
              int prot, int flags);
long vma_mprotect(struct enclave *e, uint64_t address, uint64_t length,
                  int prot, int key);

/* twin.c: a cheaper trap for ENCLU inside. ENCLU has trapped at rip: */
void twin_make(struct enclave *e, uint64_t rip);
/* Under enclave_lock(). */
void twin_restore(struct enclave *e, uint64_t page);
/* Pages [start, end) themselves again, true if any was not; without mapping
 * them; for a read, which is true if it was the twin that refused it. */
bool twin_drop(struct enclave *e, uint64_t start, uint64_t end);
void twin_forget(struct enclave *e, uint64_t start, uint64_t end);
bool twin_read(struct enclave *e, uint64_t page);

/* reclaim.c: --epc */
void reclaim_make_room(struct enclave *e);
void reclaim_reload(struct enclave *e, uint64_t page);

/* measure.c: MRENCLAVE. sigstruct.c: who signed. */
void measure_ecreate(struct enclave_shared *s);
void measure_eadd(struct enclave_shared *s, uint64_t offset, uint64_t flags);
void measure_eextend(struct enclave_shared *s, uint64_t offset,
                     const uint8_t *bytes);
void measure_final(const struct enclave_shared *s, uint8_t mrenclave[32]);
enum sgx_error sigstruct_verify(const struct sgx_sigstruct *s);

/* leaves_build.c: what this CPU's ATTRIBUTES and MISCSELECT can be. */
uint64_t attributes_known(void);
uint32_t misc_known(void);
/* ENCLS, as the driver uses it. 0, or a fault's vector < 0, or an enum
 * sgx_error > 0. */
int leaf_ecreate(struct enclave *e, const struct sgx_secs *secs);
int leaf_eadd(struct enclave *e, uint64_t page, const struct sgx_secinfo *info,
              const uint8_t *bytes);
int leaf_eextend(struct enclave *e, uint64_t page);
int leaf_einit(struct enclave *e, const struct sgx_sigstruct *sig);
int leaf_emodpr(struct enclave *e, uint64_t page, uint32_t perm);
int leaf_emodt(struct enclave *e, uint64_t page, enum sgx_page_type type);

/* leaves.c: ENCLU. The fault to raise, or NO_VECTOR. */
struct fault leaf_enclu(struct thread *t, ucontext_t *uc);
struct fault leaf_eenter(struct thread *t, ucontext_t *uc, bool resume);
struct fault leaf_eexit(struct thread *t, ucontext_t *uc);
struct fault leaf_edeccssa(struct thread *t, ucontext_t *uc);
struct fault leaf_eaccept(struct thread *t, ucontext_t *uc);
struct fault leaf_emodpe(struct thread *t, ucontext_t *uc);
struct fault leaf_eacceptcopy(struct thread *t, ucontext_t *uc);
struct fault leaf_ereport(struct thread *t, ucontext_t *uc);
struct fault leaf_egetkey(struct thread *t, ucontext_t *uc);
/* One operand: alignment and ELRANGE (#GP), then VMA and EPCM (#PF). */
struct fault operand(struct enclave *e, uint64_t address, uint64_t align,
                     int access, uint8_t **bytes);
#define NO_FAULT ((struct fault){.vector = NO_VECTOR})
#define GP_FAULT ((struct fault){.vector = VEC_GP})
struct fault pf_fault(uint64_t address, int access);
void leaf_done(ucontext_t *uc, enum sgx_error error);

/* aex.c: the SSA. fpu state: see xstate.c. */
struct sgx_gpr *ssa_gpr(struct enclave *e, const struct sgx_tcs *tcs,
                        uint32_t frame);
struct fault ssa_check(struct enclave *e, const struct sgx_tcs *tcs,
                       uint32_t frame);
void aex(struct thread *t, ucontext_t *uc, struct fault fault, bool software);
struct fault ssa_restore(struct thread *t, ucontext_t *uc, uint32_t frame);
void synthetic_state(struct thread *t, ucontext_t *uc, int vector);

/* pagefault.c */
bool pagefault_inside(struct thread *t, ucontext_t *uc, siginfo_t *info,
                      struct fault *fault);
/* abort.c: --abort-page ff. abort_finish() is due at the next trap while
 * thread.abort_register is set; true: that was all there is to the trap. */
bool abort_page(struct thread *t, ucontext_t *uc, uint64_t address);
bool abort_finish(struct thread *t, ucontext_t *uc, const siginfo_t *info);

/* step.c, illegal.c */
void step_enter(struct thread *t, ucontext_t *uc, bool entered);
void step_exit(struct thread *t);
void step_leaf(struct thread *t, ucontext_t *uc);
bool step_trap(struct thread *t, ucontext_t *uc);
/* The name of the instruction that no enclave may run, or NULL. */
const char *illegal_instruction(const uint8_t *insn, size_t length);
void scan_page(struct enclave *e, uint64_t page);
void fetch_inside(struct enclave *e, uint64_t rip, uint8_t *bytes, size_t n);

/* buildlog.c: --log-build */
void buildlog_ecreate(const struct sgx_secs *secs);
void buildlog_eadd(uint64_t offset, const struct sgx_secinfo *info);
void buildlog_eextend(uint64_t offset, const uint8_t *bytes);
void buildlog_einit(const uint8_t mrenclave[32], int result);

/* keys.c */
struct key_dependencies;
void key_report(const struct sgx_targetinfo *target, const uint8_t key_id[32],
                uint8_t key[16]);
int keys_load(const char *path);
const char *machine_default_path(void); /* main.c; makes its folder */

#endif
