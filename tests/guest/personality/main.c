/* SPDX-License-Identifier: MIT
 *
 * personality: getting and setting, bits that stay; and what others look
 * like through it.
 */
#include <sys/personality.h>
#include <sys/utsname.h>
#include "tests/guest/show.h"

int main(void)
{
    struct utsname u;

    show_start();
    CALL(personality, 0xffffffff);
    CALL(personality, ADDR_NO_RANDOMIZE);
    CALL(personality, 0xffffffff);
    CALL(personality, PER_LINUX32);
    uname(&u);
    puts(u.machine);
    CALL(personality, UNAME26);
    uname(&u);
    printf("%.3s\n", u.release);
    CALL(personality, PER_LINUX);
    uname(&u);
    puts(u.machine);
    CALL(personality, 0x12345);
    CALL(personality, 0);
    return 0;
}
