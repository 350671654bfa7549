/* SPDX-License-Identifier: MIT
 *
 * What the checks of addresses promise, for every address and length there is:
 * proved by Frama-C's WP with an SMT solver (`make prove`). The sources are
 * taken in as they are; the promises stand on declarations before them.
 *
 * word(a) is the aligned word that a lies in: host memory is read by those.
 */
#include "target/sgx/enclave/enclave.h"
#include "abi/boundary.h"

/*@ logic integer word(uint64_t a) = a & 0xfffffffffffffff8;
  @
  @ predicate is_laid_out = \valid_read(sgx.info) &&
  @     sgx.info->elrange_size <= 0x800000000000;
  @ predicate is_theirs(integer a, integer len) =
  @     a >= sgx.info->elrange_size && a + len <= 0x800000000000;
  @*/

/* Nobody comes back from here. */
/*@ assigns \nothing;
  @ ensures \false;
  @*/
void sgx_die(const char *why);

/*@ requires is_laid_out;
  @ assigns \nothing;
  @ ensures \result != 0 <==> is_theirs(addr, len) && addr < 0x800000000000;
  @*/
bool outside_range(uint64_t addr, uint64_t len);

#include "target/sgx/enclave/outside.c"

/*@ requires is_laid_out && len <= 0x1000000;
  @ assigns \nothing;
  @ ensures \result != 0 ==> is_theirs(word(addr), len + 8);
  @*/
static bool is_outside(uint64_t addr, uint64_t len);

/* Of the sizes that it lets through, is_outside() is asked for no more than it
 * answers for. */
/*@ requires is_laid_out && \valid(out) && \separated(out, &sgx, sgx.info);
  @ assigns *out;
  @*/
int target_ring_setup(unsigned index, struct target_ring *out);

/*@ requires is_laid_out && \valid(base) && \valid(len) &&
  @          \separated(base, len, &sgx, sgx.info);
  @ assigns *base, *len;
  @ ensures \result == 0 ==> is_theirs(base->addr, *len);
  @*/
int target_bounce(struct hptr *base, uint64_t *len);

#include "target/sgx/enclave/ring.c"
