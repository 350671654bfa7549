/* SPDX-License-Identifier: MIT
 *
 * Our own vDSO (vdso(7)): a small shared object in the kernel's rodata.
 *
 * Whoever maps it into an address space maps, side by side and read-only, one
 * page of struct vdso_data (vdso_data.h) and then the image, executable too;
 * sets AT_SYSINFO_EHDR (getauxval(3)) to the image's address; and rewrites its
 * system calls as those of any other code: every site is of the adjacent-mov
 * form and has the context that patch_next() wants. The bytes are position
 * independent, so that one rewritten copy serves every address space.
 *
 * It exports what Linux's exports, at version LINUX_2.6 (Go crashes without),
 * and __restore_rt: what a signal frame returns to. That one has unwind
 * information, so debuggers and C++ see through it; the kernel finds it at
 * vdso_restore_rt_offset.
 */
#ifndef ARCH_X86_64_VDSO_VDSO_H
#define ARCH_X86_64_VDSO_VDSO_H

#include "lib/types.h"

/* Page-aligned, whole pages. */
extern const uint8_t vdso_image[], vdso_image_end[];

/* From the image's start. */
extern const uint64_t vdso_restore_rt_offset;

#endif
