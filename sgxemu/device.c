/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of /dev/sgx_enclave, with the checks and errno values of the
 * driver of Linux 6.1 (its documentation, Documentation/x86/sgx.rst, and
 * <asm/sgx.h>). The instructions that they stand for are in leaves_build.c;
 * the SGX2 part is in sgx2.c. Every argument is copied in once, checked, and
 * copied out.
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <sys/mman.h>

static bool zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

static long create(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct enclave_shared *s = e->shared;
    struct sgx_secs secs;
    uint64_t src;
    long err;

    if (s->created) {
        return -EINVAL;
    }
    if (user_read(uc, &src, arg, 8) || user_read(uc, &secs, src, PAGE)) {
        return -EFAULT;
    }
    if (secs.size == 0 || secs.size & (secs.size - 1)) {
        return -EINVAL; /* the driver looks before the CPU does */
    }
    enclave_lock(e);
    err = leaf_ecreate(e, &secs) ? -EIO : enclave_view_created(e);
    if (!err) {
        s->created = true;
        s->allowed_attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT |
                                SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY;
        vma_rebase(e);
    }
    enclave_unlock(e);
    trace("sgxemu: ECREATE base %x size %x attributes %x xfrm %x misc %x "
          "frame %d = %d\n",
          secs.base, secs.size, secs.attributes.flags, secs.attributes.xfrm,
          (uint64_t)secs.miscselect, secs.ssa_frame_size, err);
    return err;
}

long device_range_check(struct enclave *e, uint64_t offset, uint64_t length)
{
    if (offset % PAGE || length == 0 || length % PAGE ||
        offset + length < offset || offset + length - PAGE >= e->size) {
        return -EINVAL;
    }
    return 0;
}

static long secinfo_check(const struct sgx_secinfo *info)
{
    uint64_t perm = info->flags & SGX_SECINFO_RWX;
    uint64_t type = info->flags >> 8 & 0xff;

    if ((type != SGX_PT_REG && type != SGX_PT_TCS) ||
        (perm & SGX_SECINFO_W && !(perm & SGX_SECINFO_R)) ||
        (type == SGX_PT_TCS && perm) ||
        info->flags & ~(SGX_SECINFO_RWX | 0xff00ul) ||
        !zero(info->reserved, sizeof(info->reserved))) {
        return -EINVAL;
    }
    return 0;
}

static long add_page(struct enclave *e, ucontext_t *uc, uint64_t src,
                     uint64_t offset, const struct sgx_secinfo *info,
                     uint64_t flags)
{
    uint8_t bytes[PAGE];
    uint64_t page = offset / PAGE;
    long err = 0;

    if (user_read(uc, bytes, src, PAGE)) {
        return -EFAULT;
    }
    enclave_lock(e);
    if (epcm_get(e, page) & EPCM_VALID) {
        err = -EBUSY;
    } else if (leaf_eadd(e, page, info, bytes) ||
               (flags & SGX_ADD_MEASURE && leaf_eextend(e, page))) {
        err = -EIO;
    } else {
        reclaim_make_room(e);
        vma_apply(e, page, page + 1);
        if (config.scan && info->flags & SGX_SECINFO_X) {
            scan_page(e, page);
        }
    }
    enclave_unlock(e);
    return err;
}

static long add_pages(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct sgx_ioctl_add a;
    struct sgx_secinfo info;
    uint32_t *deferred = &thread_head(thread_current())->deferred;
    long err = 0;

    if (!e->shared->created || e->shared->initialized) {
        return -EINVAL;
    }
    if (user_read(uc, &a, arg, sizeof(a))) {
        return -EFAULT;
    }
    if (a.src % PAGE || device_range_check(e, a.offset, a.length)) {
        return -EINVAL;
    }
    if (user_read(uc, &info, a.secinfo, sizeof(info))) {
        return -EFAULT;
    }
    if (secinfo_check(&info)) {
        return -EINVAL;
    }
    for (a.count = 0; a.count < a.length && !err;) {
        if (__atomic_load_n(deferred, __ATOMIC_RELAXED)) {
            err = a.count ? 0 : -EINTR;
            break;
        }
        err = add_page(e, uc, a.src + a.count, a.offset + a.count, &info,
                       a.flags);
        a.count += err ? 0 : PAGE;
    }
    trace("sgxemu: EADD offset %x length %x flags %x measure %d = %d\n",
          a.offset, a.count, info.flags, a.flags & 1, err);
    return user_write(uc, arg, &a, sizeof(a)) ? -EFAULT : err;
}

static long init(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    struct enclave_shared *s = e->shared;
    struct sgx_sigstruct sig;
    uint64_t src;
    int error;

    if (!s->created || s->initialized) {
        return -EINVAL;
    }
    if (user_read(uc, &src, arg, 8) || user_read(uc, &sig, src, sizeof(sig))) {
        return -EFAULT;
    }
    if (sig.vendor != 0 && sig.vendor != 0x8086) {
        return -EINVAL;
    }
    if (s->secs.attributes.flags & ~s->allowed_attributes) {
        return -EACCES;
    }
    if (sig.miscselect & sig.miscmask & ~misc_known() ||
        sig.attributes.flags & sig.attribute_mask.flags & ~attributes_known() ||
        sig.attributes.xfrm & sig.attribute_mask.xfrm & ~xstate_mask()) {
        return -EINVAL; /* what this CPU does not have */
    }
    enclave_lock(e);
    error = leaf_einit(e, &sig);
    s->initialized = error == 0;
    enclave_unlock(e);
    trace("sgxemu: EINIT = %d\n", error);
    if (error > 0) {
        complain("sgxemu: EINIT refuses the enclave: %s\n",
                 error == SGX_INVALID_SIGNATURE     ? "signature"
                 : error == SGX_INVALID_MEASUREMENT ? "measurement"
                 : error == SGX_INVALID_ATTRIBUTE   ? "attributes"
                                                    : "SIGSTRUCT");
    }
    return error ? -EPERM : 0;
}

static long provision(struct enclave *e, ucontext_t *uc, uint64_t arg)
{
    uint64_t fd;

    if (user_read(uc, &fd, arg, 8)) {
        return -EFAULT;
    }
    if (!provision_is_fd((int)fd)) {
        return -EINVAL;
    }
    e->shared->allowed_attributes |= SGX_ATTR_PROVISION;
    return 0;
}

/* One ioctl at a time, as the driver's SGX_ENCL_IOCTL bit has it. A holder
 * that was killed in the middle does not hold it any more. */
static bool begin(struct enclave_shared *s)
{
    uint32_t me = (uint32_t)thread_current()->tid, holder = 0;

    while (!__atomic_compare_exchange_n(&s->ioctl, &holder, me, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if (sys2(SYS_tkill, holder, 0) != -ESRCH) {
            return false;
        }
    }
    return true;
}

static long dispatch(struct enclave *e, ucontext_t *uc, uint32_t cmd,
                     uint64_t arg)
{
    switch (cmd) {
    case SGX_IOCTL_CREATE:
        return create(e, uc, arg);
    case SGX_IOCTL_ADD_PAGES:
        return add_pages(e, uc, arg);
    case SGX_IOCTL_INIT:
        return init(e, uc, arg);
    case SGX_IOCTL_PROVISION:
        return provision(e, uc, arg);
    case SGX_IOCTL_RESTRICT:
        return sgx2_restrict(e, uc, arg);
    case SGX_IOCTL_MODIFY_TYPE:
        return sgx2_modify_type(e, uc, arg);
    case SGX_IOCTL_REMOVE:
        return sgx2_remove(e, uc, arg);
    default:
        return -ENOTTY;
    }
}

long device_ioctl(struct enclave *e, ucontext_t *uc, uint32_t cmd, uint64_t arg)
{
    struct enclave_shared *s = e->shared;
    long result;

    if (!begin(s)) {
        return -EBUSY;
    }
    result = dispatch(e, uc, cmd, arg);
    __atomic_store_n(&s->ioctl, 0, __ATOMIC_RELEASE);
    return result;
}
