/* SPDX-License-Identifier: MIT */
/*
 * Memory calls: on enclave ranges they follow the driver (vma.c); elsewhere
 * they are the kernel's, as long as they keep off the emulator itself. The
 * break is ours to keep, since the kernel's belongs to our own executable.
 */
#include "sgxemu/enclave.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>

static uint64_t brk_start, brk_now;

void memory_set_brk(uint64_t start, uint64_t end)
{
    brk_start = start;
    brk_now = end;
}

static long do_brk(uint64_t wanted)
{
    uint64_t have = PAGE_UP(brk_now), want = PAGE_UP(wanted);

    if (wanted < brk_start) {
        return (long)brk_now;
    }
    if (want > have) {
        long at = sys6(
            SYS_mmap, (long)have, (long)(want - have), PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        if (at != (long)have) {
            if (!sys_failed(at)) {
                sys2(SYS_munmap, at, want - have);
            }
            return (long)brk_now;
        }
    } else if (want < have) {
        sys2(SYS_munmap, want, have - want);
    }
    brk_now = wanted;
    return (long)brk_now;
}

/* Would the call hit us? Only by accident, and then it is refused. */
static bool hits_emulator(uint64_t start, uint64_t length)
{
    extern char __executable_start[], _end[];
    uint64_t arena = (uint64_t)thread_head(thread_current());
    uint64_t end = start + length;

    if (end < start) {
        return false; /* the kernel's EINVAL */
    }
    return (start < PAGE_UP(_end) && end > (uint64_t)__executable_start) ||
           (start < arena + STACK_SIZE && end > arena);
}

static bool on_mmap(ucontext_t *uc, long *result)
{
    uint64_t address = (uint64_t)REG(uc, RDI), length = (uint64_t)REG(uc, RSI);
    int flags = (int)REG(uc, R10), fd = (int)REG(uc, R8);
    struct enclave *e = NULL;

    if (flags & MAP_FIXED && hits_emulator(address, length)) {
        *result = -ENOMEM;
        return true;
    }
    if (!(flags & MAP_ANONYMOUS) && fd >= 0) {
        e = enclave_by_fd(fd);
    }
    if (e) {
        if (length == 0 || address % PAGE) {
            *result = -EINVAL;
            return true;
        }
        enclave_lock(e);
        *result = vma_mmap(e, fd, address, length, (int)REG(uc, RDX), flags);
        enclave_unlock(e);
        trace("sgxemu: mmap of enclave %x length %x prot %d = %x\n", address,
              length, (int)REG(uc, RDX), *result);
        return true;
    }
    if (flags & MAP_FIXED && length && address % PAGE == 0) {
        process_lock();
        enclave_unmapped(address, address + PAGE_UP(length));
        process_unlock();
    }
    return false;
}

static bool on_munmap(ucontext_t *uc, long *result)
{
    uint64_t address = (uint64_t)REG(uc, RDI), length = (uint64_t)REG(uc, RSI);

    if (hits_emulator(address, length)) {
        *result = -EINVAL;
        return true;
    }
    if (address % PAGE || length == 0 || address + length < address) {
        return false;
    }
    process_lock();
    *result = enclave_may_unmap(address, address + PAGE_UP(length))
                  ? sys2(SYS_munmap, address, length)
                  : -ENOMEM;
    if (*result == 0) {
        enclave_unmapped(address, address + PAGE_UP(length));
    }
    process_unlock();
    return true;
}

static struct enclave *enclave_mapping(uint64_t address)
{
    for (int i = 0; i < ENCLAVE_MAX; i++) {
        struct enclave *e = enclave_at(i);

        if (e && address >= e->base &&
            vma_prot(e, (address - e->base) / PAGE) >= 0) {
            return e;
        }
    }
    return NULL;
}

static bool on_mprotect(ucontext_t *uc, long nr, long *result)
{
    uint64_t address = (uint64_t)REG(uc, RDI), length = (uint64_t)REG(uc, RSI);
    int prot = (int)REG(uc, RDX), key = -1;
    struct enclave *e;

    if (hits_emulator(address, length)) {
        *result = -EACCES;
        return true;
    }
    if (nr == SYS_pkey_mprotect) {
        key = (int)REG(uc, R10);
        if (key >= 0 && (key == key_state || key == key_enclave)) {
            *result = -EINVAL;
            return true;
        }
    }
    e = enclave_mapping(address);
    if (e == NULL || address % PAGE || length == 0) {
        return false;
    }
    enclave_lock(e);
    *result = vma_mprotect(e, address, length, prot, key);
    enclave_unlock(e);
    if (*result == 0) {
        pkeys_use(key);
    }
    return true;
}

static bool on_remote(ucontext_t *uc, long *result)
{
    uint64_t count = (uint64_t)REG(uc, R8);
    struct iovec v;

    for (uint64_t i = 0; i < count && i < 1024; i++) {
        if (user_read(uc, &v, (uint64_t)REG(uc, R10) + i * sizeof(v),
                      sizeof(v))) {
            return false;
        }
        if (enclave_by_address((uint64_t)v.iov_base) ||
            (v.iov_len &&
             enclave_by_address((uint64_t)v.iov_base + v.iov_len - 1)) ||
            hits_emulator((uint64_t)v.iov_base, v.iov_len)) {
            *result = -EFAULT; /* VM_IO, VM_PFNMAP */
            return REG(uc, RDI) == sys0(SYS_getpid);
        }
    }
    return false;
}

/* VM_PFNMAP, VM_IO, VM_DONTEXPAND, VM_DONTDUMP: hints are taken, what would
 * touch the pages or those flags is not. */
static bool on_madvise(ucontext_t *uc, long *result)
{
    uint64_t address = (uint64_t)REG(uc, RDI), length = (uint64_t)REG(uc, RSI);

    *result = -EINVAL;
    if (hits_emulator(address, length)) {
        return true;
    }
    switch ((int)REG(uc, RDX)) {
    case MADV_DONTFORK:
        *result = sys3(SYS_madvise, address, length, MADV_DONTFORK);
        if (*result == 0) {
            process_lock();
            enclave_dontfork(address, address + PAGE_UP(length));
            process_unlock();
        }
        return true;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_DONTDUMP:
        return false;
    default:
        return enclave_mapping(address) != NULL;
    }
}

/* The kernel sets the rights in the PKRU that is live, which is ours. */
static long alloc_key(struct thread *t, ucontext_t *uc)
{
    uint32_t rights = (uint32_t)REG(uc, RSI) & 3, pkru = frame_pkru(uc);
    long key = sys2(SYS_pkey_alloc, REG(uc, RDI), REG(uc, RSI));

    write_pkru(0);
    if (key > 0) {
        pkru &= ~(3u << (2 * key));
        pkru |= rights << (2 * key);
        t->outside_pkru &= ~(3u << (2 * key));
        t->outside_pkru |= rights << (2 * key);
        frame_set_pkru(uc, pkru_closed(pkru));
    }
    return key;
}

bool memory_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    uint64_t address = (uint64_t)REG(uc, RDI);

    switch (nr) {
    case SYS_brk:
        process_lock();
        *result = do_brk(address);
        process_unlock();
        return true;
    case SYS_mmap:
        return on_mmap(uc, result);
    case SYS_munmap:
        return on_munmap(uc, result);
    case SYS_mprotect:
    case SYS_pkey_mprotect:
        return on_mprotect(uc, nr, result);
    case SYS_pkey_alloc:
        if (key_state < 0) {
            return false;
        }
        *result = alloc_key(t, uc);
        return true;
    case SYS_pkey_free:
        *result = -EINVAL;
        return key_state >= 0 &&
               (REG(uc, RDI) == key_state || REG(uc, RDI) == key_enclave);
    case SYS_madvise:
        return on_madvise(uc, result);
    case SYS_mremap:
        *result = -EINVAL; /* VM_PFNMAP, VM_DONTEXPAND */
        return enclave_mapping(address) != NULL ||
               hits_emulator(address, (uint64_t)REG(uc, RSI));
    default:
        return on_remote(uc, result);
    }
}
