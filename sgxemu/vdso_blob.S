/* SPDX-License-Identifier: MIT */
/* The built vdso_image, as bytes; vdso.c maps a copy of it. */
        .section .rodata
        .balign 64
        .globl vdso_blob, vdso_blob_end
vdso_blob:
        .incbin VDSO_IMAGE
vdso_blob_end:
        .section .note.GNU-stack, "", @progbits
