/* SPDX-License-Identifier: MIT */
/*
 * The driver's SGX2 half: RESTRICT_PERMISSIONS, MODIFY_TYPES, REMOVE_PAGES
 * (Documentation/x86/sgx.rst, "Enclave Dynamic Memory Management"), and the
 * EAUG that a page fault or an EACCEPT on an absent page brings about.
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <fcntl.h>

enum { AT_ONCE = 64 };

static long ready(struct enclave *e)
{
    if (!config.edmm) {
        return -ENODEV;
    }
    return e->shared->initialized ? 0 : -EINVAL;
}

/* The pages of one call: each() returns 0, -errno, or an error code > 0. The
 * page table follows for as many at a time as the lock is held for. */
static long for_pages(struct enclave *e, struct sgx_ioctl_modify *m,
                      long (*each)(struct enclave *, uint64_t, uint64_t))
{
    uint64_t page = m->offset / PAGE, end = page + m->length / PAGE;
    long err = 0;

    m->count = 0;
    while (page < end && !err) {
        uint64_t first = page;
        uint64_t stop = end - page < AT_ONCE ? end : page + AT_ONCE;

        enclave_lock(e);
        while (page < stop && !err) {
            err = epcm_get(e, page) & EPCM_VALID ? each(e, page, m->value)
                                                 : -EFAULT;
            page += !err;
        }
        vma_apply(e, first, page);
        enclave_unlock(e);
        m->count += (page - first) * PAGE;
    }
    if (err > 0) {
        m->result = (uint64_t)err;
        err = -EFAULT;
    }
    return err;
}

static long fetch(struct enclave *e, ucontext_t *uc, uint64_t arg,
                  struct sgx_ioctl_modify *m)
{
    long err = ready(e);

    if (err) {
        return err;
    }
    if (user_read(uc, m, arg, sizeof(*m))) {
        return -EFAULT;
    }
    return device_range_check(e, m->offset, m->length);
}

static long restrict_page(struct enclave *e, uint64_t page, uint64_t perm)
{
    if (EPCM_TYPE(epcm_get(e, page)) != SGX_PT_REG) {
        return -EINVAL;
    }
    return leaf_emodpr(e, page, (uint32_t)perm);
}

long sgx2_restrict(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct sgx_ioctl_modify m;
    long err = fetch(e, uc, arg, &m);

    if (err) {
        return err;
    }
    if (m.value & ~7ul || (m.value & 2 && !(m.value & 1)) || m.result ||
        m.count) {
        return -EINVAL;
    }
    err = for_pages(e, &m, restrict_page);
    trace("sgxemu: EMODPR offset %x length %x to %x = %d\n", m.offset, m.length,
          m.value, err);
    return user_write(uc, arg, &m, sizeof(m)) ? -EFAULT : err;
}

static long modify_page(struct enclave *e, uint64_t page, uint64_t type)
{
    epcm_t entry = epcm_get(e, page);
    long err;

    if (EPCM_TYPE(entry) != SGX_PT_REG &&
        !(EPCM_TYPE(entry) == SGX_PT_TCS && type == SGX_PT_TRIM)) {
        return -EINVAL;
    }
    if (EPCM_TYPE(entry) == SGX_PT_REG && type == SGX_PT_TCS &&
        (EPCM_MAX(entry) & 3) != 3) {
        return -EPERM;
    }
    err = leaf_emodt(e, page, (enum sgx_page_type)type);
    if (!err && type == SGX_PT_TCS) {
        entry = epcm_get(e, page) & ~(7u << 16);
        epcm_set(e, page, entry | 3u << 16);
    }
    return err;
}

long sgx2_modify_type(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct sgx_ioctl_modify m;
    long err = fetch(e, uc, arg, &m);

    if (err) {
        return err;
    }
    if (m.value & ~0xfful || m.result || m.count ||
        (m.value != SGX_PT_TCS && m.value != SGX_PT_TRIM)) {
        return -EINVAL;
    }
    err = for_pages(e, &m, modify_page);
    trace("sgxemu: EMODT offset %x length %x to type %d = %d\n", m.offset,
          m.length, m.value, err);
    return user_write(uc, arg, &m, sizeof(m)) ? -EFAULT : err;
}

static long remove_page(struct enclave *e, uint64_t page, uint64_t unused)
{
    epcm_t entry = epcm_get(e, page);

    (void)unused;
    if (EPCM_TYPE(entry) != SGX_PT_TRIM || entry & EPCM_MODIFIED) {
        return -EPERM;
    }
    epcm_set(e, page, 0);
    if (sys4(SYS_fallocate, e->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
             page * PAGE, PAGE) != 0) {
        memset(enclave_bytes(e, page * PAGE), 0, PAGE);
    }
    return 0;
}

long sgx2_remove(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct sgx_ioctl_remove r;
    struct sgx_ioctl_modify m = {0};
    long err = ready(e);

    if (err) {
        return err;
    }
    if (user_read(uc, &r, arg, sizeof(r))) {
        return -EFAULT;
    }
    if (device_range_check(e, r.offset, r.length) || r.count) {
        return -EINVAL;
    }
    m.offset = r.offset;
    m.length = r.length;
    err = for_pages(e, &m, remove_page);
    r.count = m.count;
    trace("sgxemu: EREMOVE offset %x length %x = %d\n", r.offset, r.length,
          err);
    return user_write(uc, arg, &r, sizeof(r)) ? -EFAULT : err;
}

/* EAUG: a zeroed page, R and W, that waits for EACCEPT. Under the lock. An
 * absent page is a hole of the memfd, and so zero already; and the page table
 * denies it, as it shall what waits. */
long sgx2_augment(struct enclave *e, uint64_t page)
{
    if (!config.edmm || !e->shared->initialized) {
        return -EFAULT;
    }
    epcm_set(e, page,
             EPCM_MAKE(SGX_PT_REG, SGX_SECINFO_R | SGX_SECINFO_W, 7) |
                 EPCM_PENDING);
    stat_add(STAT_EAUG);
    reclaim_make_room(e);
    return 0;
}
