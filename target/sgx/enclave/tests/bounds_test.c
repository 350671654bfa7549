/* SPDX-License-Identifier: MIT
 *
 * The checks of what the host names by address, over all pairs of the values
 * at which they could go wrong: around 0, the end of ELRANGE, the end of user
 * space and where sums overflow. The judge is arithmetic in 128 bits.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "target/sgx/enclave/enclave.h"
#include "abi/boundary.h"
#include "lib/tests/unit.h"
#include "target/target.h"

#define USER_END (1ull << 47)

struct sgx_global sgx;
static struct sgx_info info;
static jmp_buf died;

void sgx_die(const char *why)
{
    longjmp(died, 1);
}

uint64_t sgx_call(enum sgx_call call, uint64_t a0, uint64_t a1, uint64_t a2)
{
    abort(); /* nothing here leaves */
}

/* ---- the values ---- */

static uint64_t edges[256];
static unsigned edge_count;

static void add_around(uint64_t at)
{
    static const int64_t off[] = {-4096, -16, -9, -8, -7, -4, -1,  0,
                                  1,     4,   7,  8,  9,  16, 4096};

    for (unsigned i = 0; i < ARRAY_SIZE(off); i++) {
        edges[edge_count++] = at + (uint64_t)off[i];
    }
}

static void make_edges(uint64_t elrange)
{
    edge_count = 0;
    info.elrange_size = elrange;
    sgx.info = &info;
    add_around(0); /* and the end of 64 bits */
    add_around(elrange);
    add_around(elrange / 2);
    add_around(USER_END);
    add_around(USER_END - elrange);
    add_around(1ull << 63);
    add_around(UINT64_MAX - USER_END);
    add_around(1ull << 32);
    add_around(65536);
}

static const uint64_t classes[] = {1ull << 46, 1ull << 36};

static bool is_outside(unsigned __int128 addr, unsigned __int128 len)
{
    return addr >= info.elrange_size && addr < USER_END &&
           addr + len <= USER_END;
}

/* ---- the checks ---- */

static void ranges(void)
{
    for (unsigned c = 0; c < ARRAY_SIZE(classes); c++) {
        make_edges(classes[c]);
        for (unsigned i = 0; i < edge_count; i++) {
            for (unsigned j = 0; j < edge_count; j++) {
                EXPECT_EQ(outside_range(edges[i], edges[j]),
                          is_outside(edges[i], edges[j]));
            }
        }
    }
}

static bool takes_bounce(uint64_t at, uint64_t size)
{
    struct hptr base;
    uint64_t len;

    sgx.boot.bounce = at;
    sgx.boot.bounce_size = size;
    return !setjmp(died) && target_bounce(&base, &len) == 0 &&
           base.addr == at && len == size;
}

static void bounce_buffers(void)
{
    for (unsigned c = 0; c < ARRAY_SIZE(classes); c++) {
        make_edges(classes[c]);
        for (unsigned i = 0; i < edge_count; i++) {
            for (unsigned j = 0; j < edge_count; j++) {
                EXPECT_EQ(takes_bounce(edges[i], edges[j]),
                          is_outside(edges[i], edges[j]));
            }
        }
    }
}

/* One part of the ring: its address, of so many bytes, in aligned words. */
static bool part_is_good(uint64_t at, uint64_t len, unsigned align)
{
    return at % align == 0 && is_outside(at & ~7ull, len + 8);
}

static bool ring_is_good(const struct sgx_boot_ring *r)
{
    return r->sq_entries <= 65536 && r->cq_entries <= 65536 &&
           r->buffer_entries <= 65536 &&
           (!r->buffers ||
            part_is_good(r->buffers,
                         r->buffer_entries * sizeof(struct ring_buffer), 8)) &&
           part_is_good(r->sq_head, 4, 4) && part_is_good(r->sq_tail, 4, 4) &&
           part_is_good(r->cq_head, 4, 4) && part_is_good(r->cq_tail, 4, 4) &&
           (!r->sq_array || part_is_good(r->sq_array, r->sq_entries * 4, 4)) &&
           (!r->sq_flags || part_is_good(r->sq_flags, 4, 4)) &&
           part_is_good(r->sqes, r->sq_entries * sizeof(struct ring_sqe), 8) &&
           part_is_good(r->cqes, r->cq_entries * sizeof(struct ring_cqe), 8);
}

static bool takes_ring(const struct sgx_boot_ring *r)
{
    struct target_ring out;

    sgx.boot.rings[1] = *r;
    return !setjmp(died) && target_ring_setup(1, &out) == 0 &&
           out.sqes.addr == r->sqes && out.cq_entries == r->cq_entries;
}

/* Each field in turn, and each with either number of entries. */
static void rings(void)
{
    enum { WORDS = sizeof(struct sgx_boot_ring) / 8, ENTRIES = WORDS - 3 };
    unsigned taken = 0, refused = 0;

    for (unsigned c = 0; c < ARRAY_SIZE(classes); c++) {
        make_edges(classes[c]);
        for (unsigned i = 0; i < edge_count; i++) {
            for (unsigned j = 0; j < edge_count; j++) {
                uint64_t word[WORDS];
                struct sgx_boot_ring r;

                for (unsigned field = 0; field < WORDS; field++) {
                    for (unsigned w = 0; w < WORDS; w++) {
                        word[w] = w < ENTRIES ? (USER_END + classes[c]) / 2
                                              : edges[j] % 70000;
                    }
                    word[field] = edges[i];
                    memcpy(&r, word, sizeof(r));
                    EXPECT_EQ(takes_ring(&r), ring_is_good(&r));
                    *(ring_is_good(&r) ? &taken : &refused) += 1;
                }
            }
        }
    }
    EXPECT(taken > 1000 && refused > 1000);
}

int main(void)
{
    RUN(ranges);
    RUN(bounce_buffers);
    RUN(rings);
    return unit_result();
}
