/* SPDX-License-Identifier: MIT */
/*
 * #PF on enclave memory. Inside, the host's one fault is told apart into what
 * the driver and the CPU would have said: no mapping, a mapping that forbids
 * it, a page to add (EAUG) or to load again, an EPCM refusal (error code with
 * the SGX bit), a protection key. Outside, it is the abort page.
 */
#include "sgxemu/enclave.h"

#include <errno.h>

#define PF_PRESENT 1u
#define PF_WRITE   2u
#define PF_USER    4u
#define PF_FETCH   16u
#define PF_KEY     32u

static int access_of(uint32_t error)
{
    return error & PF_FETCH   ? SGX_SECINFO_X
           : error & PF_WRITE ? SGX_SECINFO_W
                              : SGX_SECINFO_R;
}

/* The page is mapped: what do EPCM and driver say? True: try again. */
static bool classify(struct enclave *e, const struct vma *v, uint64_t page,
                     int access, siginfo_t *info, struct fault *fault)
{
    epcm_t entry = epcm_get(e, page);

    if (!(v->prot & access)) {
        fault->error |= entry & EPCM_VALID ? PF_PRESENT : 0;
        info->si_code = SEGV_ACCERR;
        return false;
    }
    if (!(entry & EPCM_VALID)) {
        if (sgx2_augment(e, page)) {
            info->si_signo = SIGBUS; /* the driver's VM_FAULT_SIGBUS */
            info->si_code = BUS_ADRERR;
            return false;
        }
        entry = epcm_get(e, page);
    }
    if (v->prot & ~(int)EPCM_MAX(entry)) {
        info->si_signo = SIGBUS;
        info->si_code = BUS_ADRERR;
        return false;
    }
    if (entry & EPCM_RECLAIMED) {
        reclaim_reload(e, page);
        entry = epcm_get(e, page);
    }
    if (!(epcm_access(entry) & access)) {
        fault->error |= SGX_PF_SGX | PF_PRESENT;
        info->si_code = SEGV_ACCERR;
        return false;
    }
    return true;
}

/* PKRU allows it by the enclave's own lights? Then make it so. */
static bool key_allows(ucontext_t *uc, const struct vma *v, uint32_t error)
{
    uint32_t now = frame_pkru(uc), bits = now >> (2 * v->key) & 3;

    if (error & PF_FETCH) {
        return true;
    }
    if (bits & 1 || (bits & 2 && error & PF_WRITE)) {
        return false;
    }
    frame_set_pkru(uc, pkru_inside(NULL, now));
    return true;
}

bool pagefault_inside(struct thread *t, ucontext_t *uc, siginfo_t *info,
                      struct fault *fault)
{
    uint64_t address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    uint32_t hardware = (uint32_t)REG(uc, ERR);
    struct enclave *e = t->enclave;
    uint64_t page = (address - e->base) / PAGE;
    struct vma *v;
    /* Without a page-table entry Linux finds out by itself: no PK bit. */
    bool key = hardware & PF_KEY || info->si_code == SEGV_PKUERR;
    bool again = false, bus = info->si_signo == SIGBUS; /* no memory */

    fault->address = address;
    fault->error = hardware;
    if (address - e->base >= e->size) {
        return false; /* the program's own memory */
    }
    fault->error = (hardware & (PF_WRITE | PF_FETCH)) | PF_USER;
    enclave_lock(e);
    v = vma_find(e, page);
    if (v == NULL) {
        info->si_code = SEGV_MAPERR;
    } else if (classify(e, v, page, access_of(hardware), info, fault)) {
        again = !bus;
        if (key && !(hardware & PF_FETCH) && twin_read(e, page)) {
            /* The page is back; its own key comes next. */
        } else if (key && key_state >= 0 && !key_allows(uc, v, hardware)) {
            fault->error |= PF_KEY | PF_PRESENT;
            info->si_code = SEGV_PKUERR;
            again = false;
        }
        if (again && !key) {
            vma_apply(e, page, page + 1); /* another thread was quicker */
        }
    }
    enclave_unlock(e);
    return again;
}
