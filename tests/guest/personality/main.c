/* SPDX-License-Identifier: MIT
 *
 * personality: getting and setting, bits that stay; what others look like
 * through it; and that without randomization the heap begins right behind the
 * program (GCL's images rely on it).
 */
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include "tests/guest/show.h"

extern char end[];

static void heap(long begin)
{
    show_start();
    CALL(personality, 0xffffffff);
    EXPECT(begin == (((long)end + 4095) & ~4095l));
}

static void reading_is_executing(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *p, *q;

    title("READ_IMPLIES_EXEC");
    CALL(personality, READ_IMPLIES_EXEC);
    p = mmap(NULL, 8192, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = (char)0xc3; /* ret */
    ((void (*)(void))p)();
    q = p + 4096;
    *q = (char)0xc3;
    mprotect(q, 4096, PROT_NONE);
    mprotect(q, 4096, PROT_READ);
    ((void (*)(void))q)();
    puts("executed");
}

int main(int argc, char **argv)
{
    long begin = syscall(SYS_brk, 0);
    struct utsname u;

    if (argc > 1) {
        heap(begin);
        return 0;
    }
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
    reading_is_executing();
    title("no randomization");
    CALL(personality, ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
    execl("/proc/self/exe", argv[0], "heap", NULL);
    return 1;
}
