/* SPDX-License-Identifier: MIT
 *
 * What an ELF file says it needs: PT_INTERP, DT_NEEDED, DT_RPATH, DT_RUNPATH
 * (elf(5)). Nothing is run; the file is mapped and every offset checked, and a
 * broken file has no needs.
 */
#include "tools/image/util.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct elf {
    const uint8_t *bytes;
    size_t size;
    Elf64_Ehdr head;
};

static bool get(const struct elf *e, uint64_t off, void *dst, size_t len)
{
    if (off > e->size || len > e->size - off) {
        return false;
    }
    memcpy(dst, e->bytes + off, len);
    return true;
}

static bool get_phdr(const struct elf *e, unsigned i, Elf64_Phdr *out)
{
    return i < e->head.e_phnum &&
           get(e, e->head.e_phoff + i * sizeof(*out), out, sizeof(*out));
}

static bool find_phdr(const struct elf *e, uint32_t type, Elf64_Phdr *out)
{
    for (unsigned i = 0; get_phdr(e, i, out); i++) {
        if (out->p_type == type) {
            return true;
        }
    }
    return false;
}

/* A copy of the string at a file offset; NULL when there is none. */
static char *string_at(const struct elf *e, uint64_t off)
{
    if (off >= e->size || !memchr(e->bytes + off, 0, e->size - off)) {
        return NULL;
    }
    return strdup((const char *)e->bytes + off);
}

/* Where a virtual address is in the file; SIZE_MAX: nowhere. */
static uint64_t file_offset(const struct elf *e, uint64_t vaddr)
{
    Elf64_Phdr p;

    for (unsigned i = 0; get_phdr(e, i, &p); i++) {
        if (p.p_type == PT_LOAD && vaddr >= p.p_vaddr &&
            vaddr - p.p_vaddr < p.p_filesz) {
            return vaddr - p.p_vaddr + p.p_offset;
        }
    }
    return SIZE_MAX;
}

/* The i-th entry of the dynamic section at d, DT_NULL excluded. */
static bool get_dyn(const struct elf *e, const Elf64_Phdr *d, size_t i,
                    Elf64_Dyn *out)
{
    return i < d->p_filesz / sizeof(*out) &&
           get(e, d->p_offset + i * sizeof(*out), out, sizeof(*out)) &&
           out->d_tag != DT_NULL;
}

static void add_library(struct elf_needs *n, char *name)
{
    char **list = realloc(n->libraries, (n->library_count + 1) * sizeof(*list));

    if (!name || !list) {
        free(name);
        n->libraries = list ? list : n->libraries;
        return;
    }
    n->libraries = list;
    list[n->library_count++] = name;
}

static void read_dynamic(const struct elf *e, const Elf64_Phdr *d,
                         struct elf_needs *n)
{
    uint64_t strings = SIZE_MAX;
    Elf64_Dyn dyn;

    for (size_t i = 0; get_dyn(e, d, i, &dyn); i++) {
        if (dyn.d_tag == DT_STRTAB) {
            strings = file_offset(e, dyn.d_un.d_ptr);
        }
    }
    for (size_t i = 0; strings < e->size && get_dyn(e, d, i, &dyn); i++) {
        uint64_t off = strings + dyn.d_un.d_val;

        if (dyn.d_tag == DT_NEEDED) {
            add_library(n, string_at(e, off));
        } else if (dyn.d_tag == DT_RPATH && !n->rpath) {
            n->rpath = string_at(e, off);
        } else if (dyn.d_tag == DT_RUNPATH && !n->runpath) {
            n->runpath = string_at(e, off);
        }
    }
}

static bool is_ours(const struct elf *e)
{
    const Elf64_Ehdr *h = &e->head;

    return !memcmp(h->e_ident, ELFMAG, SELFMAG) &&
           h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == EM_X86_64 &&
           h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phoff <= e->size;
}

static bool map_file(const char *path, struct elf *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    void *map = MAP_FAILED;

    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
        st.st_size >= (off_t)sizeof(e->head)) {
        e->size = (size_t)st.st_size;
        map = mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    e->bytes = map;
    return map != MAP_FAILED;
}

bool elf_read(const char *path, struct elf_needs *out)
{
    struct elf e;
    Elf64_Phdr p;
    bool good;

    memset(out, 0, sizeof(*out));
    if (!map_file(path, &e)) {
        return false;
    }
    good = get(&e, 0, &e.head, sizeof(e.head)) && is_ours(&e);
    if (good && find_phdr(&e, PT_INTERP, &p)) {
        out->interp = string_at(&e, p.p_offset);
    }
    if (good && find_phdr(&e, PT_DYNAMIC, &p)) {
        read_dynamic(&e, &p, out);
    }
    munmap((void *)e.bytes, e.size);
    return good;
}

void elf_needs_free(struct elf_needs *n)
{
    for (size_t i = 0; i < n->library_count; i++) {
        free(n->libraries[i]);
    }
    free(n->libraries);
    free(n->interp);
    free(n->rpath);
    free(n->runpath);
    memset(n, 0, sizeof(*n));
}
