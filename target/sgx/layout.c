/* SPDX-License-Identifier: MIT
 *
 * See layout.h. Host and tool code without state. The kernel's ELF is a
 * static PIE whose relocations are all R_X86_64_RELATIVE: they are applied
 * here, before anything is measured, so that the enclave starts as it is.
 */
#include "target/sgx/layout.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = SGX_PAGE_SIZE, INFO_VERSION = 1 };

#define SGX1_MIN (128ull << 20)
#define USER_LOW 0x10000ull
/* With EDMM the ranges only bound what may be committed one day. */
#define EDMM_MIDDLE    (1ull << 45)
#define EDMM_HEAP_SIZE (1ull << 40)
#define EDMM_META      (EDMM_MIDDLE + 2 * EDMM_HEAP_SIZE)
#define EDMM_META_SIZE (1ull << 36)

static int refuse(const char **why, const char *what)
{
    *why = what;
    return -EINVAL;
}

static const Elf64_Ehdr *elf_of(const struct sgx_layout *l)
{
    return l->kernel;
}

static const Elf64_Phdr *phdr_of(const struct sgx_layout *l, unsigned i)
{
    const Elf64_Ehdr *h = elf_of(l);

    return (const Elf64_Phdr *)((const uint8_t *)l->kernel + h->e_phoff) + i;
}

static bool inside(const struct sgx_layout *l, uint64_t at, uint64_t len)
{
    return at <= l->kernel_size && len <= l->kernel_size - at;
}

static uint64_t page_up(uint64_t x)
{
    return (x + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* ---- the ELF ---- */

static bool segment_is_good(const struct sgx_layout *l, const Elf64_Phdr *p)
{
    const uint64_t room = SGX_TOP - SGX_KERNEL_AT;

    return p->p_vaddr % PAGE == 0 && p->p_filesz <= p->p_memsz &&
           inside(l, p->p_offset, p->p_filesz) && p->p_vaddr < room &&
           p->p_memsz <= room - p->p_vaddr && p->p_flags & PF_R &&
           (p->p_flags & (PF_W | PF_X)) != (PF_W | PF_X);
}

static int check_elf(const struct sgx_layout *l, const char **why)
{
    const Elf64_Ehdr *h = l->kernel;
    uint64_t end = 0;

    if (l->kernel_size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) ||
        h->e_type != ET_DYN || h->e_machine != EM_X86_64 ||
        h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phoff % 8 ||
        !inside(l, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr))) {
        return refuse(why, "the kernel is no static PIE for x86-64");
    }
    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *p = phdr_of(l, i);

        if (p->p_type != PT_LOAD) {
            continue;
        }
        if (!segment_is_good(l, p) || p->p_vaddr < end) {
            return refuse(why, "a segment of the kernel is out of place");
        }
        end = page_up(p->p_vaddr + p->p_memsz);
    }
    return end ? 0 : refuse(why, "the kernel has no segments");
}

/* File content at vaddr, len bytes of it; NULL where there are not as many. */
static const void *file_at(const struct sgx_layout *l, uint64_t vaddr,
                           uint64_t len)
{
    for (unsigned i = 0; i < elf_of(l)->e_phnum; i++) {
        const Elf64_Phdr *p = phdr_of(l, i);

        if (p->p_type == PT_LOAD && vaddr >= p->p_vaddr &&
            vaddr - p->p_vaddr <= p->p_filesz &&
            len <= p->p_filesz - (vaddr - p->p_vaddr)) {
            return (const uint8_t *)l->kernel + p->p_offset +
                   (vaddr - p->p_vaddr);
        }
    }
    return NULL;
}

struct relocations {
    const Elf64_Rela *at;
    size_t count;
};

static int find_relocations(const struct sgx_layout *l, struct relocations *r,
                            const char **why)
{
    uint64_t at = 0, size = 0;

    *r = (struct relocations){0};
    for (unsigned i = 0; i < elf_of(l)->e_phnum; i++) {
        const Elf64_Phdr *p = phdr_of(l, i);
        const Elf64_Dyn *d =
            (const void *)((const uint8_t *)l->kernel + p->p_offset);

        if (p->p_type != PT_DYNAMIC || !inside(l, p->p_offset, p->p_filesz)) {
            continue;
        }
        for (uint64_t n = p->p_filesz / sizeof(*d); n && d->d_tag; n--, d++) {
            at = d->d_tag == DT_RELA ? d->d_un.d_ptr : at;
            size = d->d_tag == DT_RELASZ ? d->d_un.d_val : size;
        }
    }
    r->count = size / sizeof(*r->at);
    r->at = r->count ? file_at(l, at, size) : NULL;
    if (r->count && !r->at) {
        return refuse(why, "the kernel's relocations are not in the file");
    }
    for (size_t i = 0; i < r->count; i++) {
        if (ELF64_R_TYPE(r->at[i].r_info) != R_X86_64_RELATIVE ||
            !file_at(l, r->at[i].r_offset, 8) || r->at[i].r_offset % 8) {
            return refuse(why, "the kernel has a relocation that is not "
                               "R_X86_64_RELATIVE");
        }
    }
    return 0;
}

/* ---- the map ---- */

static void fill_edmm(struct sgx_info *info)
{
    info->elrange_size = SGX_EDMM_SIZE;
    info->user_start = USER_LOW;
    info->user_end = EDMM_MIDDLE;
    info->heap_start = EDMM_MIDDLE;
    info->heap_end = EDMM_MIDDLE + EDMM_HEAP_SIZE;
    info->meta_start = EDMM_META;
    info->meta_end = EDMM_META + EDMM_META_SIZE;
}

/* A quarter of the memory, and 64 MiB at least, is the kernel's; the record of
 * pages comes on top. */
static int fill_sgx1(struct sgx_info *info, uint64_t memory, const char **why)
{
    const uint64_t unit = 2ull << 20;
    uint64_t heap = memory / 4 > (64ull << 20) ? memory / 4 : 64ull << 20;
    uint64_t meta = unit + memory / 1024;

    heap = (heap + unit - 1) & ~(unit - 1);
    meta = (meta + unit - 1) & ~(unit - 1);
    if (memory < SGX1_MIN || memory > SGX_SGX1_SIZE / 4) {
        return refuse(why, "an SGX1 enclave takes 128 MiB to 16 GiB of memory");
    }
    info->elrange_size = SGX_SGX1_SIZE;
    info->memory = memory;
    info->user_start = USER_LOW;
    info->user_end = USER_LOW + page_up(memory - heap);
    info->heap_start = SGX_SGX1_SIZE / 2;
    info->heap_end = info->heap_start + heap;
    info->meta_start = info->heap_end;
    info->meta_end = info->heap_end + meta;
    return 0;
}

int sgx_layout_init(struct sgx_layout *l, const char **why)
{
    const struct policy *p = l->policy;
    struct relocations r;
    int err = check_elf(l, why);

    err = err ? err : find_relocations(l, &r, why);
    if (err) {
        return err;
    }
    l->info = (struct sgx_info){
        .magic = SGX_INFO_MAGIC,
        .version = INFO_VERSION,
        .enclave_class = p->enclave_class,
        .vcpus = p->vcpus,
        .policy_size = p->size,
    };
    if (p->enclave_class == POLICY_CLASS_SGX1) {
        return fill_sgx1(&l->info, p->memory, why);
    }
    fill_edmm(&l->info);
    return 0;
}

void sgx_layout_secs(const struct sgx_layout *l, struct sgx_secs *secs)
{
    memset(secs, 0, sizeof(*secs));
    secs->size = l->info.elrange_size;
    secs->ssa_frame_size = 1;
    secs->attributes.flags = SGX_ATTR_MODE64BIT;
    if (l->policy->insecure & POLICY_DEBUG) {
        secs->attributes.flags |= SGX_ATTR_DEBUG;
    }
    if (l->info.enclave_class == POLICY_CLASS_EDMM) {
        secs->miscselect = SGX_MISC_EXINFO;
    }
    secs->attributes.xfrm = l->policy->xfrm_allowed;
}

/* ---- the pages ---- */

struct walk {
    const struct sgx_layout *l;
    int (*add)(void *ctx, const struct sgx_page *page);
    void *ctx;
    uint64_t top;
};

static const uint8_t zeros[PAGE];

static int add_page(const struct walk *w, uint64_t offset, uint64_t type,
                    uint64_t rights, const void *content)
{
    struct sgx_page page = {
        .offset = w->top + offset,
        .secinfo = SGX_SECINFO_PT(type) | rights,
        .content = content ? content : zeros,
        .measured = true,
    };

    return w->add(w->ctx, &page);
}

/* len bytes from at on, the last page filled up with zeros. */
static int add_bytes(const struct walk *w, uint64_t offset, uint64_t rights,
                     const void *bytes, uint64_t len)
{
    uint8_t page[PAGE];
    int err = 0;

    for (uint64_t at = 0; at < len && !err; at += PAGE) {
        uint64_t n = len - at < PAGE ? len - at : PAGE;

        memcpy(page, (const uint8_t *)bytes + at, n);
        memset(page + n, 0, PAGE - n);
        err = add_page(w, offset + at, SGX_PT_REG, rights, page);
    }
    return err;
}

static int add_zeros(const struct walk *w, uint64_t from, uint64_t to)
{
    int err = 0;

    for (uint64_t at = from; at < to && !err; at += PAGE) {
        err = add_page(w, at, SGX_PT_REG, SGX_SECINFO_R | SGX_SECINFO_W, NULL);
    }
    return err;
}

static int add_vcpu(const struct walk *w, unsigned id)
{
    uint64_t block = SGX_VCPU_AT + (uint64_t)id * SGX_BLOCK_SIZE;
    struct sgx_tcs tcs = {0};
    int err;

    sgx_layout_tcs(&tcs, w->top + block,
                   w->top + SGX_KERNEL_AT + elf_of(w->l)->e_entry);
    err = add_page(w, block, SGX_PT_TCS, 0, &tcs);
    for (unsigned i = 0; i < SGX_BLOCK_PARTS && !err; i++) {
        const struct sgx_part *part = &sgx_block_parts[i];

        err = add_zeros(w, block + (i ? part->from : PAGE), block + part->to);
    }
    return err;
}

static uint64_t rights_of(const Elf64_Phdr *p)
{
    return SGX_SECINFO_R | (p->p_flags & PF_W ? SGX_SECINFO_W : 0) |
           (p->p_flags & PF_X ? SGX_SECINFO_X : 0);
}

static int add_segment(const struct walk *w, const uint8_t *image,
                       const Elf64_Phdr *p)
{
    uint64_t filled = page_up(p->p_filesz);
    int err = add_bytes(w, SGX_KERNEL_AT + p->p_vaddr, rights_of(p),
                        image + p->p_offset, p->p_filesz);

    for (uint64_t at = filled; at < p->p_memsz && !err; at += PAGE) {
        err = add_page(w, SGX_KERNEL_AT + p->p_vaddr + at, SGX_PT_REG,
                       rights_of(p), NULL);
    }
    return err;
}

/* Where what is loaded ends in the file; debugging information, which may be
 * much more, comes behind it. */
static uint64_t loaded_size(const struct sgx_layout *l)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < elf_of(l)->e_phnum; i++) {
        const Elf64_Phdr *p = phdr_of(l, i);
        uint64_t end = p->p_offset + p->p_filesz;

        if (p->p_type == PT_LOAD && end > size) {
            size = end;
        }
    }
    return size;
}

/* A copy of what is loaded of the file, with its relocations applied. */
static uint8_t *relocated(const struct sgx_layout *l)
{
    uint64_t size = loaded_size(l);
    uint8_t *image = malloc(size);
    const char *why;
    struct relocations r;

    if (!image || find_relocations(l, &r, &why)) {
        free(image);
        return NULL;
    }
    memcpy(image, l->kernel, size);
    for (size_t i = 0; i < r.count; i++) {
        uint64_t value =
            sgx_layout_top(l) + SGX_KERNEL_AT + (uint64_t)r.at[i].r_addend;
        const uint8_t *at = file_at(l, r.at[i].r_offset, 8);

        memcpy(image + (at - (const uint8_t *)l->kernel), &value, 8);
    }
    return image;
}

static int add_kernel(const struct walk *w)
{
    uint8_t *image = relocated(w->l);
    int err = image ? 0 : -ENOMEM;

    for (unsigned i = 0; i < elf_of(w->l)->e_phnum && !err; i++) {
        const Elf64_Phdr *p = phdr_of(w->l, i);

        if (p->p_type == PT_LOAD) {
            err = add_segment(w, image, p);
        }
    }
    free(image);
    return err;
}

/* SGX1: all memory there will ever be. Not measured: the enclave writes zeros
 * before it uses a page. */
static int add_memory(const struct walk *w, uint64_t from, uint64_t to)
{
    int err = 0;

    for (uint64_t at = from; at < to && !err; at += PAGE) {
        struct sgx_page page = {
            .offset = at,
            .secinfo = SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_RWX,
            .content = zeros,
        };

        err = w->add(w->ctx, &page);
    }
    return err;
}

int sgx_layout_pages(const struct sgx_layout *l,
                     int (*add)(void *ctx, const struct sgx_page *page),
                     void *ctx)
{
    const struct sgx_info *info = &l->info;
    struct walk w = {l, add, ctx, sgx_layout_top(l)};
    int err = add_bytes(&w, SGX_INFO_AT, SGX_SECINFO_R, info, sizeof(*info));

    err = err ? err
              : add_bytes(&w, SGX_POLICY_AT, SGX_SECINFO_R, l->policy,
                          info->policy_size);
    for (unsigned id = 0; id < sgx_layout_vcpus(info) && !err; id++) {
        err = add_vcpu(&w, id);
    }
    err = err ? err : add_kernel(&w);
    if (!err && info->enclave_class == POLICY_CLASS_SGX1) {
        err = add_memory(&w, info->user_start, info->user_end);
        err = err ? err : add_memory(&w, info->heap_start, info->meta_end);
    }
    return err;
}
