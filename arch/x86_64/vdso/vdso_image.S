/* SPDX-License-Identifier: MIT
 *
 * The linked vDSO as bytes of the kernel (vdso.h). VDSO_SO and
 * VDSO_RESTORE_RT come from the build.
 */
    .section .rodata.vdso, "a", @progbits
    .balign 4096
    .globl vdso_image, vdso_image_end
vdso_image:
    .incbin VDSO_SO
    .balign 4096
vdso_image_end:

    .globl vdso_restore_rt_offset
    .balign 8
vdso_restore_rt_offset:
    .quad VDSO_RESTORE_RT

    .section .note.GNU-stack, "", @progbits
