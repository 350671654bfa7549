/* SPDX-License-Identifier: MIT */
/*
 * What a key depends on, in the order of the SDM's KEYDEPENDENCIES. Fields
 * that a key leaves out are zero. keys.c derives; leaves_key.c decides.
 */
#ifndef SGXEMU_KEYS_H
#define SGXEMU_KEYS_H

#include "sgxemu/enclave.h"

struct key_dependencies {
    uint16_t key_name;
    uint16_t key_policy;
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    struct sgx_attributes attributes;
    struct sgx_attributes attribute_mask;
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t key_id[32];
    uint8_t cpu_svn[16];
    uint8_t config_id[64];
    uint16_t config_svn;
    uint8_t zero[6];
};

/* Pure: reads the machine's secrets, writes the key. */
void key_derive(const struct key_dependencies *d, uint8_t key[16]);

#endif
