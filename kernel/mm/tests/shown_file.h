/* SPDX-License-Identifier: MIT
 *
 * A file whose pages can be shown, for tests that called support_can_show().
 */
#ifndef KERNEL_MM_TESTS_SHOWN_FILE_H
#define KERNEL_MM_TESTS_SHOWN_FILE_H

#include "kernel/mm/tests/support.h"
#include "kernel/mm/text/text_image.h"

struct shown_file {
    struct vm_object object;
    char *pages; /* counted, one reference is the file's */
    unsigned page_count;
    bool hidden;     /* it shows none of them (any more) */
    bool changes;    /* its content may */
    uint64_t window; /* for those who map it shared */
    unsigned refs, reads;
    void (*on_get)(void); /* somebody maps it, or makes a mapping two */
    struct text_anchor texts;
};

/* An arena in which the target can show pages, empty. */
void shown_reset(void);
/* Its pages hold nothing in particular. After shown_reset(). */
void shown_file_init(struct shown_file *f, unsigned page_count);

#endif
