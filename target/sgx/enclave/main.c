/* SPDX-License-Identifier: MIT
 *
 * The first steps inside. What is measured (our map, the policy) is believed;
 * what comes from the host is copied, and its addresses are checked, before
 * anything else looks at it.
 */
#include "target/sgx/enclave/fixed.h"
#include "kernel/policy.h"

enum {
    BLOB_MAX = 4 << 20, /* bytes of arguments or environment */
    VECTOR_MAX = 4096,  /* strings */
};

/* XFRM that an SSA frame of one page has room for. */
#define XFRM_KNOWN 0xe7ull

struct sgx_global sgx;
static struct boot_info boot_info;
static struct policy_vectors vectors;
static int mount_fds[SGX_BOOT_MOUNTS];
_Static_assert((int)SGX_BOOT_MOUNTS == (int)POLICY_MOUNTS_MAX, "mounts");

/* EREPORT of ourselves says what ECREATE and EINIT made of us. */
static void learn_attributes(void)
{
    static _Alignas(512) struct sgx_targetinfo info;
    static _Alignas(128) uint8_t data[64];
    static _Alignas(512) struct sgx_report report;

    leaf_ereport(&info, data, &report);
    sgx.attributes = report.body.attributes.flags;
    sgx.xfrm = report.body.attributes.xfrm;
}

static const struct policy *measured_policy(void)
{
    return (const struct policy *)((uint64_t)sgx.info + SGX_POLICY_AT -
                                   SGX_INFO_AT);
}

/* SECS.BASEADDR is the host's choice and not measured, and all of us is laid
 * out for 0: elsewhere our pointers, and what outside_range() takes for the
 * outside, would be wrong. This runs before any pointer is used. */
static bool base_is_zero(const struct sgx_info *info)
{
    return (uint64_t)info == info->elrange_size - SGX_TOP + SGX_INFO_AT;
}

static void take_boot(uint64_t addr)
{
    struct sgx_boot *b = &sgx.boot;

    if (!IS_ALIGNED(addr, 8) || !outside_range(addr, sizeof(*b))) {
        sgx_refuse();
    }
    outside_read(b, addr, sizeof(*b));
    if (!IS_ALIGNED(b->exchanges, 8) ||
        !outside_range(b->exchanges,
                       sgx.info->vcpus * sizeof(struct sgx_exchange))) {
        sgx_refuse();
    }
}

static void check_boot(const struct policy *p)
{
    const struct sgx_boot *b = &sgx.boot;
    const char *why;

    if (b->version != SGX_BOOT_VERSION) {
        sgx_die("this kernel is of another version than the program that runs "
                "it: build the bundle, or enclos, anew");
    }
    if (!IS_ALIGNED(b->clock, 8) ||
        !outside_range(b->clock, sizeof(struct sgx_clock)) ||
        !IS_ALIGNED(b->signals, 8) || !outside_range(b->signals, 8) ||
        !IS_ALIGNED(b->tsc, 8) || !outside_range(b->tsc, 8)) {
        sgx_die("the host's boot data is no good");
    }
    if (policy_check(p, sgx.info->policy_size, &why)) {
        sgx_die(why);
    }
    if (sgx.xfrm & ~(p->xfrm_allowed & XFRM_KNOWN) || (sgx.xfrm & 3) != 3) {
        sgx_die("the enclave has vector state that the policy does not allow");
    }
    if (sgx.attributes & SGX_ATTR_DEBUG && !(p->insecure & POLICY_DEBUG)) {
        sgx_die("a debug enclave that the policy does not allow");
    }
}

/* A copy of the host's strings, split into a vector; NULL when none. */
static const char *const *take_strings(uint64_t addr, uint64_t size)
{
    const char **list;
    uint64_t n = 0;
    char *text;

    if (!addr) {
        return NULL;
    }
    if (size > BLOB_MAX || !IS_ALIGNED(addr, 8) ||
        !outside_range(addr, ALIGN_UP(size, 8))) {
        sgx_die("the host's arguments are no good");
    }
    text = pages_own(ALIGN_UP(size, 8) + 8);
    list = pages_own((VECTOR_MAX + 1) * sizeof(*list));
    if (!text || !list) {
        sgx_die("no memory for the host's arguments");
    }
    outside_read(text, addr, ALIGN_UP(size, 8));
    /* cppcheck-suppress nullPointerRedundantCheck */
    text[size] = '\0';
    for (uint64_t at = 0; at < size && n < VECTOR_MAX; n++) {
        list[n] = text + at;
        at += strlen(text + at) + 1;
    }
    list[n] = NULL;
    return list;
}

static void fill_info(const struct policy *p)
{
    struct policy_host host = {
        .args = take_strings(sgx.boot.args, sgx.boot.args_size),
        .env = take_strings(sgx.boot.env, sgx.boot.env_size),
        .strace = sgx.boot.strace != 0,
        .stats = sgx.boot.stats != 0,
        .log_level = (enum log_level)(sgx.boot.log_level & 3),
    };
    const char *why;

    if (policy_boot(p, &host, &vectors, &boot_info, &why)) {
        sgx_die(why);
    }
    boot_info.user_start = sgx.info->user_start;
    boot_info.user_end = sgx.info->user_end;
    boot_info.kernel_start = sgx.info->heap_start;
    boot_info.kernel_end = sgx.info->heap_end;
    boot_info.swap_copies = true;
    boot_info.commit_is_lazy = memory_is_fixed();
    boot_info.faults_count = !memory_is_fixed();
    boot_info.cpuid_traps = true;
    boot_info.read_ahead = true;
    if (memory_is_fixed()) {
        boot_info.tsc = sgx_hosts_tsc;
        boot_info.cycles_per_1024ns = sgx_cycles_per_1024ns();
        boot_info.memory_limit = 0; /* the ranges' ends are the limit */
    }
    boot_info.image_fd = (int)sgx.boot.image_fd;
    boot_info.image_at = sgx.boot.image_at;
    boot_info.host_root_fd = -1;
    if (p->insecure & SGX_HEARS_IGNORED) {
        boot_info.ignored_signals = sgx.boot.ignored_signals;
    }
    boot_info.mount_fds = mount_fds;
    for (unsigned i = 0; i < SGX_BOOT_MOUNTS; i++) {
        mount_fds[i] = (int)sgx.boot.mount_fds[i];
    }
    if (p->insecure & POLICY_DEBUG) {
        boot_info.fault_alloc = sgx.boot.fault_alloc;
        boot_info.fault_io = sgx.boot.fault_io;
    }
    for (int fd = 0; fd < 3; fd++) {
        const struct sgx_boot_stream *s = &sgx.boot.streams[fd];

        boot_info.streams[fd] = (struct host_stream){
            .open = s->open_tty & 1,
            .tty = s->open_tty >> 1 & 1,
            .mode = (uint32_t)s->mode,
            .rdev_major = (uint32_t)s->rdev,
            .rdev_minor = s->rdev >> 32,
            .size = s->size,
        };
    }
}

static _Noreturn void start_first(uint64_t boot)
{
    uint64_t top = (uint64_t)__image_start - SGX_KERNEL_AT;
    const struct policy *p;

    sgx.info = (const struct sgx_info *)(top + SGX_INFO_AT);
    if (!base_is_zero(sgx.info)) {
        sgx_refuse();
    }
    sgx.blocks = top + SGX_VCPU_AT;
    learn_attributes();
    take_boot(boot);
    p = measured_policy();
    vcpu_prepare(0);
    vcpu_set_gs(vcpu_by_id(0));
    check_boot(p);
    sgx.memory = p->memory;
    cpuid_init();
    clock_init();
    fill_info(p);
    kernel_main(&boot_info);
}

void sgx_start(uint64_t id, uint64_t boot)
{
    if (id == 0) {
        start_first(boot);
    }
    vcpu_set_gs(vcpu_by_id(id));
    kernel_vcpu_start(id);
}
