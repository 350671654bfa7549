/* SPDX-License-Identifier: MIT */
/*
 * --log-build FILE: the build of every enclave, a line an instruction, so
 * that MRENCLAVE can be computed again by anybody:
 *   ecreate SIZE SSAFRAMESIZE BASE ATTRIBUTES XFRM MISCSELECT
 *   eadd OFFSET FLAGS
 *   eextend OFFSET SHA256-OF-THE-256-BYTES HEX-OF-THE-256-BYTES
 *   einit MRENCLAVE RESULT
 * Numbers are hexadecimal.
 */
#include "sgxemu/enclave.h"

static void hex(const uint8_t *bytes, size_t n, char *to)
{
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    to[2 * n] = 0;
}

void buildlog_ecreate(const struct sgx_secs *s)
{
    if (config.log_fd >= 0) {
        emu_log(config.log_fd, "ecreate %x %x %x %x %x %x\n", s->size,
                (uint64_t)s->ssa_frame_size, s->base, s->attributes.flags,
                s->attributes.xfrm, (uint64_t)s->miscselect);
    }
}

void buildlog_eadd(uint64_t offset, const struct sgx_secinfo *info)
{
    if (config.log_fd >= 0) {
        emu_log(config.log_fd, "eadd %x %x\n", offset, info->flags);
    }
}

void buildlog_eextend(uint64_t offset, const uint8_t *bytes)
{
    char digest_hex[65], bytes_hex[513], line[640];
    uint8_t digest[32];
    size_t at;

    if (config.log_fd < 0) {
        return;
    }
    sha256_of(bytes, 256, digest);
    hex(digest, 32, digest_hex);
    hex(bytes, 256, bytes_hex);
    emu_log(config.log_fd, "eextend %x %s ", offset, digest_hex);
    at = strlen(bytes_hex);
    memcpy(line, bytes_hex, at);
    line[at++] = '\n';
    sys3(SYS_write, config.log_fd, line, at);
}

void buildlog_einit(const uint8_t mrenclave[32], int result)
{
    char text[65];

    if (config.log_fd >= 0) {
        hex(mrenclave, 32, text);
        emu_log(config.log_fd, "einit %s %x\n", text, (uint64_t)result);
    }
}
