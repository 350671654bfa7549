/* SPDX-License-Identifier: MIT
 *
 * getrlimit, setrlimit, prlimit64: setting soft and hard, what privilege
 * may, refusals.
 */
#include <sys/resource.h>
#include "tests/guest/show.h"

static struct rlimit rl;

static void look(int what)
{
    RAW(getrlimit, what, &rl);
    printf("%d: soft %ld hard %ld\n", what, (long)rl.rlim_cur,
           (long)rl.rlim_max);
}

static void setting(void)
{
    struct rlimit some = {50, 200}, wrong = {201, 200}, old;

    title("setting");
    CALL(setrlimit, RLIMIT_NOFILE, &some);
    look(RLIMIT_NOFILE);
    CALL(setrlimit, RLIMIT_NOFILE, &wrong);
    CALL(setrlimit, 99, &some);
    CALL(setrlimit, -1, &some);
    CALL(getrlimit, 99, &some);
    CALL(setrlimit, RLIMIT_NOFILE, BAD);
    CALL(getrlimit, RLIMIT_NOFILE, BAD);
    some.rlim_cur = 60;
    CALL(prlimit64, 0, RLIMIT_NOFILE, &some, &old);
    printf("old %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
    CALL(prlimit64, getpid(), RLIMIT_NOFILE, NULL, &old);
    printf("now %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
    CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, NULL);
    CALL(prlimit64, 0, 99, NULL, &old);
    CALL(prlimit64, 0, RLIMIT_NOFILE, BAD, NULL);
    CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD);
    CALL(prlimit64, 0x3ffffff, RLIMIT_NOFILE, NULL, &old);
    CALL(prlimit64, -1, RLIMIT_NOFILE, NULL, &old);
}

static void all(void)
{
    title("all");
    for (int i = 0; i < 16; i++) {
        struct rlimit small;

        getrlimit(i, &rl);
        small =
            (struct rlimit){i == RLIMIT_STACK ? 1 << 20 : 1000, rl.rlim_max};
        if (small.rlim_cur > small.rlim_max) {
            small.rlim_cur = 0;
        }
        /* Limits on memory and files would stop this very program. */
        if (i == RLIMIT_AS || i == RLIMIT_DATA || i == RLIMIT_FSIZE) {
            small.rlim_cur = 1ul << 40;
        }
        errno = 0;
        long r = syscall(SYS_setrlimit, i, &small);
        printf("%d: %s", i, r ? strerrorname_np(errno) : "ok");
        getrlimit(i, &rl);
        printf(" %d\n", rl.rlim_cur == small.rlim_cur);
    }
}

static void as_nobody(void)
{
    struct rlimit lower = {40, 150}, higher = {40, 151}, soft = {150, 150};

    title("nobody");
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(setrlimit, RLIMIT_NOFILE, &lower);
    CALL(setrlimit, RLIMIT_NOFILE, &higher);
    CALL(setrlimit, RLIMIT_NOFILE, &soft);
    look(RLIMIT_NOFILE);
}

int main(void)
{
    show_start();
    setting();
    all();
    as_nobody();
    return 0;
}
