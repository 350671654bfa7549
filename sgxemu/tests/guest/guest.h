/* SPDX-License-Identifier: MIT */
/*
 * What the test enclave and the host program share: the operation block, in
 * host memory, whose address comes in RDI, and the layout of the enclave.
 */
#ifndef SGXEMU_TEST_GUEST_H
#define SGXEMU_TEST_GUEST_H

#include <stdint.h>

enum op_type {
    OP_NOP,
    OP_PEEK,    /* r = *(u64 *)a */
    OP_POKE,    /* *(u64 *)a = b */
    OP_ENCLU,   /* RAX..RDX = a..d; r = RAX, flags */
    OP_IN,      /* enclave a <- host b, c bytes */
    OP_OUT,     /* host a <- enclave b, c bytes */
    OP_CALL,    /* r = ((u64 (*)(u64))a)(b) */
    OP_PATTERN, /* registers hold a pattern until *(host a); r = mismatches */
    OP_HANDLE,  /* at CSSA > 0: the last SSA frame's GPRs to buf, RIP += a */
    OP_BASES,   /* r = FS base, flags = GS base, as rd?sbase says */
    OP_PKRU,    /* r = RDPKRU; then, if a, WRPKRU(b) */
    OP_ENTERED, /* r = CSSA at entry, flags = RFLAGS at entry */
    OP_SSA,     /* at CSSA > 0: XSAVE area of the last frame to host a */
};

struct op {
    uint64_t type, a, b, c, d, r, flags, cssa;
    uint8_t buf[256];
};

/* Pages from the base. Code is whatever the image has. */
#define PAGE        4096ul
#define TCS_COUNT   4
#define SSA_FRAMES  3
#define FRAME_PAGES 1
#define TCS_AT      16 /* one page each */
#define SSA_AT      32 /* SSA_FRAMES pages each */
#define GS_AT       48 /* one page each: struct gs_page */
#define STACK_AT    64 /* four pages each */
#define DATA_AT     96 /* eight pages, R+W */
#define DATA_PAGES  8
#define RWX_AT      112 /* one page */
#define FREE_AT     128 /* up to 256: for EAUG */
#define SIZE_PAGES  256

/* At GS:0. */
struct gs_page {
    uint64_t stack[2]; /* tops: for CSSA 0, for more */
    uint64_t unused[2];
    uint64_t ssa; /* address of frame 0 */
    uint64_t flags;
};

#endif
