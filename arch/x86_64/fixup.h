/* SPDX-License-Identifier: MIT
 *
 * For assembly: an instruction of the kernel's that may fault, and where
 * execution goes on then. arch_fixup_find() reads the table (cpu.c).
 */
#ifndef ARCH_X86_64_FIXUP_H
#define ARCH_X86_64_FIXUP_H

/* clang-format off */
#define FIXUP(at, to)                                                          \
    .pushsection kfixup, "a", @progbits;                                       \
    .balign 4;                                                                 \
    .long (at) - .;                                                            \
    .long (to) - .;                                                            \
    .popsection
/* clang-format on */

#endif
