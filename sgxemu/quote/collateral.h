/* SPDX-License-Identifier: MIT */
/*
 * The emulated platform's certificates and collateral. EMULATED, NOT A TEE.
 */
#ifndef SGXEMU_COLLATERAL_H
#define SGXEMU_COLLATERAL_H

/* "sgxemu collateral DIR [--machine FILE]": writes the files. */
int collateral_main(int argc, char **argv);

#endif
