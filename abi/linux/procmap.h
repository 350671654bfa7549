/* SPDX-License-Identifier: MIT
 * ioctl(2) of /proc/PID/maps: linux/fs.h. */
#ifndef ABI_LINUX_PROCMAP_H
#define ABI_LINUX_PROCMAP_H

#include "lib/types.h"

#define PROCMAP_QUERY 0xc0686611

#define PROCMAP_QUERY_VMA_READABLE         0x01
#define PROCMAP_QUERY_VMA_WRITABLE         0x02
#define PROCMAP_QUERY_VMA_EXECUTABLE       0x04
#define PROCMAP_QUERY_VMA_SHARED           0x08
#define PROCMAP_QUERY_COVERING_OR_NEXT_VMA 0x10
#define PROCMAP_QUERY_FILE_BACKED_VMA      0x20
#define PROCMAP_QUERY_ALL                  0x3f

struct procmap_query {
    uint64_t size;
    uint64_t query_flags;
    uint64_t query_addr;
    uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset;
    uint64_t inode;
    uint32_t dev_major, dev_minor;
    uint32_t vma_name_size; /* in: of the buffer; out: with NUL, 0: none */
    uint32_t build_id_size;
    uint64_t vma_name_addr;
    uint64_t build_id_addr;
};
static_assert(sizeof(struct procmap_query) == 104, "linux/fs.h");

#endif
