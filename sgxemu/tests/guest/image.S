/* SPDX-License-Identifier: MIT */
        .section .rodata
        .globl guest_image, guest_image_end
guest_image:
        .incbin GUEST_IMAGE
guest_image_end:
        .section .note.GNU-stack, "", @progbits
