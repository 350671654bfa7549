/* SPDX-License-Identifier: MIT
 *
 * Pages of the enclave as it wants them changed: by the driver's ioctls, which
 * may do a part and want to be called again, and in the page table. The result
 * is 0 or an errno value; the enclave looks for itself.
 */
#include "target/sgx/host/private.h"
#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* The driver does one ioctl of an enclave at a time; another is EBUSY. */
static bool try_ioctl(unsigned long request, void *arg)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int err;

    pthread_mutex_lock(&lock);
    err = ioctl(enclave.fd, request, arg) ? errno : 0;
    pthread_mutex_unlock(&lock);
    errno = err;
    return !err || err == EAGAIN || err == EINTR;
}

static uint64_t modify(unsigned long request, uint64_t at, uint64_t len,
                       uint64_t value)
{
    struct sgx_ioctl_modify m = {.offset = at, .length = len, .value = value};

    while (m.length) {
        m.count = m.result = 0;
        if (!try_ioctl(request, &m)) {
            return (uint64_t)errno;
        }
        m.offset += m.count;
        m.length -= m.count;
    }
    return 0;
}

static uint64_t restrict_pages(const struct sgx_exchange *x)
{
    uint64_t err = 0;

    for (uint64_t i = 0; i < x->a0 && i < SGX_RANGES_MAX && !err; i++) {
        err = modify(SGX_IOCTL_RESTRICT, x->ranges[i].address,
                     x->ranges[i].length, x->a1);
    }
    return err;
}

static uint64_t remove_pages(const struct sgx_exchange *x)
{
    struct sgx_ioctl_remove r = {.offset = x->a0, .length = x->a1};

    while (r.length) {
        r.count = 0;
        if (!try_ioctl(SGX_IOCTL_REMOVE, &r)) {
            return (uint64_t)errno;
        }
        r.offset += r.count;
        r.length -= r.count;
    }
    return 0;
}

uint64_t pages_change(const struct sgx_exchange *x)
{
    switch (x->call) {
    case SGX_CALL_RESTRICT:
        return lies("restrict") ? 0 : restrict_pages(x);
    case SGX_CALL_TRIM:
        return lies("trim")
                   ? 0
                   : modify(SGX_IOCTL_MODIFY_TYPE, x->a0, x->a1, SGX_PT_TRIM);
    case SGX_CALL_MAKE_TCS:
        if (lies("vcpu-tcs") || lies("vcpu-tcs-refused")) {
            return lies("vcpu-tcs") ? 0 : EPERM;
        }
        return modify(SGX_IOCTL_MODIFY_TYPE, x->a0, PAGE_SIZE, SGX_PT_TCS);
    case SGX_CALL_REMOVE:
        return remove_pages(x);
    default:
        if (!x->a2 && lies("hide")) {
            return 0;
        }
        if (!x->a2 && lies("hide-refused") &&
            x->a0 < enclave.layout.info.user_end) {
            return EPERM;
        }
        return mprotect((void *)x->a0, x->a1, (int)x->a2) ? (uint64_t)errno : 0;
    }
}
