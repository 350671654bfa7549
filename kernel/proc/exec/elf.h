/* SPDX-License-Identifier: MIT
 *
 * ELF images: what is believed of a file's headers, and how it gets into an
 * address space. elf_check.c looks (no memory, no files: unit-testable),
 * elf.c reads and maps.
 */
#ifndef KERNEL_PROC_ELF_H
#define KERNEL_PROC_ELF_H

#include "abi/linux/elf.h"
#include "lib/types.h"

struct file;
struct mm;

/* As many as Linux takes: one page of them. */
enum { ELF_PHDRS_MAX = 4096 / sizeof(struct elf_phdr) };

struct elf_image {
    struct elf_header header;
    struct elf_phdr phdrs[ELF_PHDRS_MAX];
    uint64_t low, high; /* span of the PT_LOADs, page-aligned, unbiased */
    uint64_t align;     /* of the span; a power of two >= a page */
    uint64_t phdr_addr; /* where the headers are in memory, unbiased; or 0 */
    int interp;         /* index of PT_INTERP, or -1 */
    bool exec_stack;
    uint64_t bias; /* set by elf_map(): address in memory - address in file */
};

/* -ENOEXEC when we do not run such a file. */
int elf_check_header(const struct elf_header *h);

/* Checks header.phnum entries of img->phdrs and fills the fields behind them:
 * -ENOEXEC. Afterwards sums of a PT_LOAD's fields do not overflow, lie below
 * 2^47, and file and memory agree on the offset in the page. */
int elf_check_phdrs(struct elf_image *img);

/* Reads and checks f's headers. -ENOEXEC, -EIO, -ENOMEM. May block. */
int elf_read(struct file *f, struct elf_image *img);

/* The interpreter's path, NUL-terminated, into buf of 4096 bytes: -ENOEXEC,
 * -EIO. Only when img->interp >= 0. */
int elf_interp_path(struct file *f, const struct elf_image *img, char *buf);

/* Maps the image into mm, which is the current one: fixed where it asks so
 * (ET_EXEC), else wherever there is room. Sets img->bias. May block. */
int elf_map(struct mm *mm, struct file *f, struct elf_image *img);

#endif
