/* SPDX-License-Identifier: MIT */
/*
 * MRENCLAVE: SHA-256 over 64-byte records, one each for ECREATE, EADD and
 * EEXTEND, and after an EEXTEND record its 256 bytes (SDM, the operation of
 * those leaves). tests/mrenclave.py computes the same from --log-build.
 */
#include "sgxemu/enclave.h"

void measure_ecreate(struct enclave_shared *s)
{
    uint8_t record[64] = "ECREATE";

    memcpy(record + 8, &s->secs.ssa_frame_size, 4);
    memcpy(record + 12, &s->secs.size, 8);
    sha256_start(&s->measure);
    sha256_add(&s->measure, record, sizeof(record));
}

void measure_eadd(struct enclave_shared *s, uint64_t offset, uint64_t flags)
{
    uint8_t record[64] = "EADD\0\0\0";

    memcpy(record + 8, &offset, 8);
    memcpy(record + 16, &flags, 8); /* the rest of SECINFO is zero */
    sha256_add(&s->measure, record, sizeof(record));
}

void measure_eextend(struct enclave_shared *s, uint64_t offset,
                     const uint8_t *bytes)
{
    uint8_t record[64] = "EEXTEND";

    memcpy(record + 8, &offset, 8);
    sha256_add(&s->measure, record, sizeof(record));
    sha256_add(&s->measure, bytes, 256);
}

void measure_final(const struct enclave_shared *s, uint8_t mrenclave[32])
{
    sha256_end(&s->measure, mrenclave);
}
