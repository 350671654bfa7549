/* SPDX-License-Identifier: MIT
 *
 * How many system calls of a program would be rewritten, by tier, and how
 * fast the scan is. usage: patch_report ELF...
 *
 * The reference is a linear sweep over the executable sections: a site that
 * the scan picked and the sweep does not know as a SYSCALL is "doubtful" (the
 * sweep may be out of step after data; look at it).
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arch/x86_64/decode.h"
#include "arch/x86_64/patch.h"

enum { AREA = 1 << 20 };

struct counts {
    long bytes, patterns, syscalls, mov, before, after, no_slot, doubtful;
    double seconds;
};

static bool *mark_syscalls(const uint8_t *file, size_t size, long *count)
{
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *shdr = (const Elf64_Shdr *)(file + ehdr->e_shoff);
    bool *is_syscall = calloc(size, 1);
    for (int i = 0; i < ehdr->e_shnum; i++) {
        if (!(shdr[i].sh_flags & SHF_EXECINSTR)) {
            continue;
        }
        size_t at = shdr[i].sh_offset, end = at + shdr[i].sh_size;
        while (at < end) {
            struct insn insn;
            int len = decode_insn(file + at, end - at, &insn);
            if (len && insn.kind == INSN_SYSCALL) {
                is_syscall[at] = true;
                (*count)++;
            }
            at += len ? len : 1;
        }
    }
    return is_syscall;
}

static bool finds_slot(const struct patch_text *t,
                       const struct patch_site *site, uint8_t *used)
{
    uint64_t area = ALIGN_UP(t->addr + t->len, PAGE_SIZE), slot = area;
    uint64_t addr = t->addr + site->jump;
    uint8_t buf[PATCH_SLOT];
    while ((slot = patch_slot_fit(site, addr, slot)) &&
           slot + PATCH_SLOT <= area + AREA) {
        size_t index = (slot - area) / PATCH_SLOT;
        if (!used[index] &&
            patch_slot_write(buf, slot, site, t->bytes + site->jump, addr)) {
            used[index] = 1;
            return true;
        }
        slot += PATCH_SLOT;
    }
    return false;
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Finding the sites, without choosing slots; the best of three. */
static double scan_seconds(const struct patch_text *t)
{
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        struct patch_site site;
        double start = now();
        for (size_t pos = t->lo; patch_next(t, &pos, &site);) {
        }
        best = MIN(best, now() - start);
    }
    return best;
}

static void scan_text(const struct patch_text *t, const bool *is_syscall,
                      struct counts *c)
{
    uint8_t *used = calloc(AREA / PATCH_SLOT, 1);
    struct patch_site site;
    bool verbose = getenv("V");
    for (size_t pos = t->lo; patch_next(t, &pos, &site);) {
        bool is_mov = site.kind == PATCH_BEFORE && site.moved == 5 &&
                      t->bytes[site.jump] == 0xb8;
        c->doubtful += !is_syscall[site.syscall];
        if (!finds_slot(t, &site, used)) {
            c->no_slot++;
        } else if (is_mov) {
            c->mov++;
        } else if (site.kind == PATCH_BEFORE) {
            c->before++;
        } else {
            c->after++;
        }
        if (verbose && !is_syscall[site.syscall]) {
            printf("doubtful: %lx\n", (long)(t->addr + site.syscall));
        }
    }
    for (size_t at = 0; verbose && at < t->len; at++) {
        struct patch_site one;
        if (is_syscall[at] && !patch_at(t, at, &one)) {
            printf("left: %lx\n", (long)(t->addr + at));
        }
    }
    free(used);
}

static void report(const char *path, const uint8_t *file, size_t size)
{
    struct counts c = {0};
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)file;
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)(file + ehdr->e_phoff);
    bool *is_syscall = mark_syscalls(file, size, &c.syscalls);
    for (int i = 0; i < ehdr->e_phnum; i++) {
        if (phdr[i].p_type != PT_LOAD || !(phdr[i].p_flags & PF_X)) {
            continue;
        }
        const uint8_t *bytes = file + phdr[i].p_offset;
        size_t len = phdr[i].p_filesz;
        size_t entry = ehdr->e_entry - phdr[i].p_vaddr;
        struct patch_text t = {.bytes = bytes,
                               .len = len,
                               .hi = len,
                               .addr = phdr[i].p_vaddr,
                               .entries = &entry,
                               .entry_count = entry < len,
                               .neighbours = true};
        for (size_t at = 0; at + 1 < len; at++) {
            c.patterns += bytes[at] == 0x0f && bytes[at + 1] == 0x05;
        }
        scan_text(&t, is_syscall + phdr[i].p_offset, &c);
        c.seconds += scan_seconds(&t);
        c.bytes += len;
    }
    free(is_syscall);
    const char *name = strrchr(path, '/');
    double all = c.syscalls ? c.syscalls : 1;
    printf("%-24s %4ld syscalls (%4ld byte matches): mov %3.0f%%, +before "
           "%3.0f%%, +after %3.0f%%, no slot %ld, doubtful %ld; %.2f GB/s\n",
           name ? name + 1 : path, c.syscalls, c.patterns, 100 * c.mov / all,
           100 * (c.mov + c.before) / all,
           100 * (c.mov + c.before + c.after) / all, c.no_slot, c.doubtful,
           c.bytes / c.seconds / 1e9);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0 || fstat(fd, &st) < 0) {
            perror(argv[i]);
            continue;
        }
        uint8_t *file = mmap(NULL, st.st_size, PROT_READ,
                             MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (file != MAP_FAILED && memcmp(file, ELFMAG, SELFMAG) == 0) {
            report(argv[i], file, st.st_size);
        }
        close(fd);
    }
    return 0;
}
