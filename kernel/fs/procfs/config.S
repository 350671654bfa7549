/* SPDX-License-Identifier: MIT
 *
 * /proc/config.gz: config.txt as gzip(1) packs it, a file of the build.
 */
    .section .rodata.config, "a", @progbits
    .globl config_gz, config_gz_end
config_gz:
    .incbin CONFIG_GZ
config_gz_end:

    .section .note.GNU-stack, "", @progbits
