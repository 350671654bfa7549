/* SPDX-License-Identifier: MIT */
/*
 * Loads the program and its interpreter, as the kernel's ELF loader does
 * (elf(5), execve(2)): fixed addresses for ET_EXEC, a random place below the
 * usual base for PIE, anywhere for the interpreter. image_check() is also
 * called while the program runs, so it uses raw system calls only.
 */
#include "sgxemu/emu.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIE_BASE 0x555555554000ul
#define HEADER   256

/* "#!interpreter argument" */
static int parse_script(char *line, char *interpreter, char *argument)
{
    char *p = line + 2, *end = strchr(p, '\n'), *word;
    size_t n;

    if (end == NULL) {
        return -ENOEXEC;
    }
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = 0;
    p += strspn(p, " \t");
    n = strcspn(p, " \t");
    if (n == 0) {
        return -ENOEXEC;
    }
    memcpy(interpreter, p, n);
    interpreter[n] = 0;
    word = p + n + strspn(p + n, " \t");
    memcpy(argument, word, strlen(word) + 1);
    return 0;
}

int image_check(const char *path, char *interpreter, char *argument)
{
    char header[HEADER + 1] = {0};
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)header;
    struct stat st;
    long fd, n;

    interpreter[0] = argument[0] = 0;
    n = sys4(SYS_newfstatat, AT_FDCWD, path, &st, 0);
    if (n < 0) {
        return (int)n;
    }
    if (!S_ISREG(st.st_mode)) {
        return -EACCES;
    }
    n = sys4(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
    if (n < 0 && n != -ENOSYS) {
        return (int)n;
    }
    fd = sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return (int)fd;
    }
    n = sys3(SYS_read, fd, header, HEADER);
    sys1(SYS_close, fd);
    if (n > 2 && header[0] == '#' && header[1] == '!') {
        return parse_script(header, interpreter, argument);
    }
    if (n < (long)sizeof(*h) || memcmp(header, ELFMAG, SELFMAG) != 0 ||
        h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64 ||
        (h->e_type != ET_EXEC && h->e_type != ET_DYN) ||
        h->e_phentsize != sizeof(Elf64_Phdr)) {
        return -ENOEXEC;
    }
    return 0;
}

static uint64_t random_pages(int bits)
{
    uint64_t r = 0;

    if (personality(0xffffffff) & ADDR_NO_RANDOMIZE ||
        getrandom(&r, sizeof(r), 0) != sizeof(r)) {
        return 0;
    }
    return (r & ((1ul << bits) - 1)) * PAGE;
}

static uint64_t reserve(uint64_t at, uint64_t size)
{
    void *p = mmap((void *)at, size, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                       (at ? MAP_FIXED_NOREPLACE : 0),
                   -1, 0);

    if (p != MAP_FAILED && at && (uint64_t)p != at) {
        munmap(p, size);
        p = MAP_FAILED;
    }
    return p == MAP_FAILED ? 0 : (uint64_t)p;
}

/* Where a relocatable image of that size goes. */
static uint64_t place(uint64_t size, bool program)
{
    uint64_t at = 0;

    for (int i = 0; program && i < 8 && at == 0; i++) {
        at = reserve(PIE_BASE + random_pages(28), size);
    }
    return at ? at : reserve(0, size);
}

static int map_segment(int fd, const Elf64_Phdr *p, uint64_t bias)
{
    uint64_t start = PAGE_DOWN(bias + p->p_vaddr);
    uint64_t file_end = bias + p->p_vaddr + p->p_filesz;
    uint64_t end = bias + p->p_vaddr + p->p_memsz;
    uint64_t zero = p->p_filesz ? PAGE_UP(file_end) : start;
    int prot = (p->p_flags & PF_R ? PROT_READ : 0) |
               (p->p_flags & PF_W ? PROT_WRITE : 0) |
               (p->p_flags & PF_X ? PROT_EXEC : 0);

    if (p->p_filesz &&
        mmap((void *)start, file_end - start, prot, MAP_PRIVATE | MAP_FIXED, fd,
             (off_t)PAGE_DOWN(p->p_offset)) == MAP_FAILED) {
        return -errno;
    }
    if (end > zero &&
        mmap((void *)zero, end - zero, prot,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        return -errno;
    }
    if (p->p_filesz && end > file_end && prot & PROT_WRITE) {
        memset((void *)file_end, 0,
               (zero < end ? zero : PAGE_UP(file_end)) - file_end);
    }
    return 0;
}

static int map_image(int fd, const Elf64_Ehdr *h, const Elf64_Phdr *p,
                     struct image *image, bool program)
{
    uint64_t low = ~0ul, high = 0, bias, at;

    for (int i = 0; i < h->e_phnum; i++) {
        if (p[i].p_type == PT_LOAD) {
            low = p[i].p_vaddr < low ? p[i].p_vaddr : low;
            high = p[i].p_vaddr + p[i].p_memsz > high
                       ? p[i].p_vaddr + p[i].p_memsz
                       : high;
        }
    }
    low = PAGE_DOWN(low);
    high = PAGE_UP(high);
    if (low >= high || high - low > 1ul << 40) {
        return -ENOEXEC;
    }
    at = h->e_type == ET_EXEC ? reserve(low, high - low)
                              : place(high - low, program);
    if (at == 0) {
        return -ENOMEM;
    }
    bias = at - low;
    for (int i = 0; i < h->e_phnum; i++) {
        int err = p[i].p_type == PT_LOAD ? map_segment(fd, &p[i], bias) : 0;

        if (err) {
            return err;
        }
        if (p[i].p_type == PT_LOAD && p[i].p_offset <= h->e_phoff &&
            h->e_phoff < p[i].p_offset + p[i].p_filesz) {
            image->phdr = bias + p[i].p_vaddr + h->e_phoff - p[i].p_offset;
        }
    }
    image->base = bias;
    image->entry = bias + h->e_entry;
    image->end = bias + high;
    image->phnum = h->e_phnum;
    return 0;
}

int image_load(const char *path, struct image *image)
{
    bool program = image->interpreter[0] == 0;
    Elf64_Phdr p[64];
    Elf64_Ehdr h;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = -ENOEXEC;

    if (fd < 0) {
        return -errno;
    }
    if (pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && h.e_phnum <= 64 &&
        pread(fd, p, h.e_phnum * sizeof(*p), (off_t)h.e_phoff) ==
            (ssize_t)(h.e_phnum * sizeof(*p))) {
        memset(image->interpreter, 0, sizeof(image->interpreter));
        for (int i = 0; i < h.e_phnum; i++) {
            if (p[i].p_type == PT_INTERP &&
                p[i].p_filesz < sizeof(image->interpreter)) {
                err = pread(fd, image->interpreter, p[i].p_filesz,
                            (off_t)p[i].p_offset) < 0
                          ? -errno
                          : 0;
            }
        }
        err = map_image(fd, &h, p, image, program);
    }
    close(fd);
    return err;
}
