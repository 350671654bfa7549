/* SPDX-License-Identifier: MIT */
/*
 * The quoting service, seen from the program: a connect() to AESM's socket is
 * answered by a process of ours at the other end of a socket pair.
 */
#ifndef SGXEMU_AESM_H
#define SGXEMU_AESM_H

#include "sgxemu/emu.h"

/* True when the address is AESM's; then *result is connect()'s. */
bool aesm_connect(ucontext_t *uc, long *result);

/* quote/service.c: serves one connection, in a process of its own. */
int aesm_serve(int fd);

#endif
