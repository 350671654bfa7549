/* SPDX-License-Identifier: MIT
 *
 * MRENCLAVE without a CPU: SHA-256 over a record for ECREATE, one for each
 * EADD, and one for each EEXTEND with the 256 bytes it adds (SDM volume 3D,
 * the operation of these leaves). Which pages there are is the target's
 * business (target/sgx/layout.h), the same that its loader adds.
 */
#include "tools/bundle/bundle.h"
#include "tools/image/util.h"
#include "target/sgx/layout.h"
#include "tools/image/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RECORD = 64, CHUNK = 256 };

static void add_ecreate(struct hash *c, const struct sgx_secs *secs)
{
    uint8_t record[RECORD] = "ECREATE";

    memcpy(record + 8, &secs->ssa_frame_size, 4);
    memcpy(record + 12, &secs->size, 8);
    hash_add(c, record, sizeof(record));
}

static int add_page(void *ctx, const struct sgx_page *page)
{
    uint8_t record[RECORD] = "EADD\0\0\0";
    struct hash *c = ctx;

    memcpy(record + 8, &page->offset, 8);
    memcpy(record + 16, &page->secinfo, 8);
    hash_add(c, record, sizeof(record));
    for (uint64_t at = 0; page->measured && at < SGX_PAGE_SIZE; at += CHUNK) {
        uint64_t offset = page->offset + at;

        memcpy(record, "EEXTEND", 8);
        memcpy(record + 8, &offset, 8);
        memset(record + 16, 0, 8);
        hash_add(c, record, sizeof(record));
        hash_add(c, page->content + at, CHUNK);
    }
    return 0;
}

static int lay_out(struct sgx_layout *l, const void *kernel, size_t size,
                   const struct policy *policy)
{
    const char *why;

    memset(l, 0, sizeof(*l));
    l->kernel = kernel;
    l->kernel_size = size;
    l->policy = policy;
    return sgx_layout_init(l, &why) ? image_error("cannot lay out the enclave: "
                                                  "%s",
                                                  why)
                                    : 0;
}

int bundle_measure(const void *kernel, size_t kernel_size,
                   const struct policy *policy, uint8_t mrenclave[32],
                   struct sgx_secs *secs)
{
    struct sgx_layout l;
    struct hash c;

    if (lay_out(&l, kernel, kernel_size, policy)) {
        return -1;
    }
    sgx_layout_secs(&l, secs);
    hash_start(&c);
    add_ecreate(&c, secs);
    if (sgx_layout_pages(&l, add_page, &c)) {
        return image_error("cannot lay out the enclave: out of memory");
    }
    hash_end(&c, mrenclave);
    return 0;
}

static int print_page(void *ctx, const struct sgx_page *page)
{
    uint8_t sum[32];

    hash_of(page->content, SGX_PAGE_SIZE, sum);
    printf("%016" PRIx64 " %04" PRIx64 " %s ", page->offset, page->secinfo,
           page->measured ? "measured" : "zero");
    for (size_t i = 0; page->measured && i < sizeof(sum); i++) {
        printf("%02x", sum[i]);
    }
    putchar('\n');
    return 0;
}

int bundle_print_pages(const struct bundle *b)
{
    struct sgx_layout l;

    if (lay_out(&l, b->kernel, b->header->kernel.size, b->policy)) {
        return -1;
    }
    return sgx_layout_pages(&l, print_page, NULL);
}
