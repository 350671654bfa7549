/* SPDX-License-Identifier: MIT */
/*
 * A cheaper trap for ENCLU inside. A #UD costs twice a #BP on this class of
 * machine, since the hypervisor looks at it first. When an ENCLU has trapped
 * once, its page gets a twin: a copy in which that ENCLU begins with INT3, put
 * in the page's place in this process. Nobody can read the twin: it has the
 * key of our own state, closed inside and outside alike, and protection keys
 * do not apply to fetches. An enclave that reads its code therefore faults,
 * and has the page itself again, for good. The enclave's bytes, which are
 * measured, are never touched. What differs from hardware: a debugger sees
 * the INT3, and so would code that jumps into the middle of another
 * instruction whose tail is that very ENCLU. --plain-enclu does without.
 */
#include "sgxemu/enclave.h"

#include <sys/mman.h>

#define INT3       0xcc
#define TWINS_MADE 10000 /* then the enclave changes its code too often */

static struct twin *find(struct enclave *e, uint64_t page)
{
    for (uint32_t i = 0; i < e->twin_count; i++) {
        if (e->twins[i].page == page) {
            return &e->twins[i];
        }
    }
    return NULL;
}

static bool has_site(const struct twin *twin, uint64_t rip)
{
    for (uint32_t i = 0; i < twin->count; i++) {
        if (twin->sites[i] == rip % PAGE) {
            return true;
        }
    }
    return false;
}

/* Executable, and nobody's to write. */
static bool eligible(struct enclave *e, uint64_t page)
{
    struct vma *v = vma_find(e, page);
    epcm_t entry = epcm_get(e, page);

    return v && v->prot & PROT_EXEC && epcm_access(entry) & PROT_EXEC &&
           !(entry & (SGX_SECINFO_W | EPCM_RECLAIMED));
}

/* A copy with its INT3s, moved over the page in one step. */
static bool install(struct enclave *e, const struct twin *twin)
{
    uint64_t at = e->base + twin->page * PAGE;
    long copy = sys6(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *bytes = (uint8_t *)copy;

    if (sys_failed(copy)) {
        return false;
    }
    memcpy(bytes, enclave_bytes(e, twin->page * PAGE), PAGE);
    for (uint32_t i = 0; i < twin->count; i++) {
        bytes[twin->sites[i]] = INT3;
    }
    if (sys4(SYS_pkey_mprotect, copy, PAGE, PROT_READ | PROT_EXEC, key_state) ||
        sys_failed(sys6(SYS_mremap, copy, PAGE, PAGE,
                        MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0))) {
        sys2(SYS_munmap, copy, PAGE);
        return false;
    }
    return true;
}

static void remove_twin(struct enclave *e, struct twin *twin)
{
    *twin = e->twins[--e->twin_count];
}

void twin_make(struct enclave *e, uint64_t rip)
{
    uint64_t page = (rip - e->base) / PAGE;
    struct twin *twin;

    if (config.plain_enclu || key_state < 0 || rip - e->base >= e->size) {
        return;
    }
    enclave_lock(e);
    twin = find(e, page);
    if (twin == NULL && e->twin_count < TWIN_MAX &&
        e->twins_made < TWINS_MADE && eligible(e, page)) {
        twin = &e->twins[e->twin_count++];
        *twin = (struct twin){.page = page};
    }
    if (twin && !twin->read && twin->count < TWIN_SITES &&
        !has_site(twin, rip)) {
        twin->sites[twin->count++] = (uint16_t)(rip % PAGE);
        e->twins_made++;
        if (!install(e, twin)) {
            remove_twin(e, twin);
            twin_restore(e, page);
        }
    }
    enclave_unlock(e);
}

/* The page itself, which vma_apply() gives its rights. */
void twin_restore(struct enclave *e, uint64_t page)
{
    sys6(SYS_mmap, (long)(e->base + page * PAGE), PAGE, PROT_NONE,
         MAP_SHARED | MAP_FIXED | MAP_NORESERVE, e->fd, (long)(page * PAGE));
}

bool twin_drop(struct enclave *e, uint64_t start, uint64_t end)
{
    bool any = false;

    for (uint32_t i = e->twin_count; i > 0; i--) {
        struct twin *twin = &e->twins[i - 1];

        if (twin->page >= start && twin->page < end && twin->count) {
            twin_restore(e, twin->page);
            remove_twin(e, twin);
            any = true;
        }
    }
    return any;
}

void twin_forget(struct enclave *e, uint64_t start, uint64_t end)
{
    for (uint32_t i = e->twin_count; i > 0; i--) {
        if (e->twins[i - 1].page >= start && e->twins[i - 1].page < end) {
            remove_twin(e, &e->twins[i - 1]);
        }
    }
}

bool twin_read(struct enclave *e, uint64_t page)
{
    struct twin *twin = find(e, page);

    if (twin == NULL || twin->count == 0) {
        return false;
    }
    twin->count = 0;
    twin->read = true; /* and never again */
    twin_restore(e, page);
    vma_apply(e, page, page + 1);
    return true;
}
