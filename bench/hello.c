/* SPDX-License-Identifier: MIT
 * The smallest useful program, for the cost of a start. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
