/* SPDX-License-Identifier: MIT */
/* The smallest ELF file that an enclave can be laid out from: a segment of
 * text, one of data with a relocation, and bss. */
static int counter;
static int *where = &counter;
static char room[10000];

void _start(void);
void _start(void)
{
    for (;;) {
        ++*where;
        room[*where & 1023]++;
    }
}
