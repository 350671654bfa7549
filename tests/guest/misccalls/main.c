/* SPDX-License-Identifier: MIT
 *
 * Limits, usage, names, random bytes, prctl and the like: refusals, and that
 * answers make sense. Nothing here changes the machine it runs on.
 */
#include <asm/prctl.h>
#include <linux/sysinfo.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include "tests/guest/show.h"

enum { NO_PID = 0x3ffffff0 };

static void limits(void)
{
    struct rlimit r, old;

    CALL(getrlimit, 16, &r);
    CALL(getrlimit, RLIMIT_NOFILE, BAD);
    CALL(setrlimit, RLIMIT_NOFILE, BAD);
    CALL(prlimit64, NO_PID, RLIMIT_NOFILE, NULL, &r);
    CALL(prlimit64, 0, 99, NULL, &r);
    CALL(prlimit64, 0, RLIMIT_CORE, NULL, NULL);
    CALL(getrlimit, RLIMIT_STACK, &r);
    r = (struct rlimit){5, 4};
    CALL(setrlimit, RLIMIT_CORE, &r);
    r = (struct rlimit){100, 200};
    CALL(prlimit64, 0, RLIMIT_NOFILE, &r, &old);
    CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, &old);
    printf("%lu %lu\n", (long)old.rlim_cur, (long)old.rlim_max);
    r = (struct rlimit){200, 100};
    CALL(setrlimit, RLIMIT_NOFILE, &r);
    r = (struct rlimit){1, 1ul << 40};
    CALL(setrlimit, RLIMIT_NOFILE, &r);
}

static void usage(void)
{
    struct rusage u;

    CALL(getrusage, RUSAGE_SELF, &u);
    EXPECT(u.ru_maxrss > 0 && u.ru_utime.tv_sec < 100);
    CALL(getrusage, RUSAGE_THREAD, &u);
    EXPECT(u.ru_maxrss > 0);
    CALL(getrusage, RUSAGE_CHILDREN, &u);
    EXPECT(u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec == 0);
    CALL(getrusage, 2, &u);
    CALL(getrusage, -2L, &u);
    CALL(getrusage, RUSAGE_SELF, BAD);
}

static void the_system(void)
{
    struct utsname u;
    struct sysinfo info;

    CALL(uname, BAD);
    uname(&u);
    printf("%s %s\n", u.sysname, u.machine);
    EXPECT(u.release[0] >= '5' && u.nodename[0]);
    CALL(sysinfo, BAD);
    CALL(sysinfo, &info);
    EXPECT(info.totalram && info.freeram && info.procs && info.mem_unit);
    CALL(sethostname, "x", -1L);
    CALL(sethostname, "x", 65);
    CALL(sethostname, BAD, 5);
}

static void randomness(void)
{
    unsigned char a[4096] = {0}, b[32] = {0};
    unsigned ones = 0;

    CALL(getrandom, a, sizeof(a), 0);
    CALL(getrandom, b, sizeof(b), GRND_NONBLOCK);
    CALL(getrandom, b, 0, 0);
    CALL(getrandom, b, sizeof(b), 8);
    CALL(getrandom, b, sizeof(b), GRND_RANDOM | 4);
    CALL(getrandom, BAD, 8, 0);
    for (unsigned i = 0; i < sizeof(a); i++) {
        ones += __builtin_popcount(a[i]);
    }
    EXPECT(ones > 16000 && ones < 16768);
    EXPECT(memcmp(a, b, sizeof(b)) != 0);
}

static void *own_name(void *arg)
{
    char name[16];

    prctl(PR_GET_NAME, name);
    printf("thread begins as %s\n", name);
    prctl(PR_SET_NAME, "worker");
    prctl(PR_GET_NAME, name);
    printf("and is %s\n", name);
    return NULL;
}

static void names(void)
{
    char name[16];
    pthread_t t;

    CALL(prctl, PR_SET_NAME, "a-very-long-thread-name", 0, 0, 0);
    CALL(prctl, PR_GET_NAME, name, 0, 0, 0);
    printf("%s\n", name);
    CALL(prctl, PR_SET_NAME, BAD, 0, 0, 0);
    CALL(prctl, PR_GET_NAME, BAD, 0, 0, 0);
    pthread_create(&t, NULL, own_name, NULL);
    pthread_join(t, NULL);
    prctl(PR_GET_NAME, name);
    printf("%s\n", name);
}

static void options(void)
{
    int value = -1;
    void *address;

    CALL(prctl, PR_SET_PDEATHSIG, 65, 0, 0, 0);
    CALL(prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    CALL(prctl, PR_GET_PDEATHSIG, &value, 0, 0, 0);
    printf("%d\n", value);
    CALL(prctl, PR_GET_PDEATHSIG, BAD, 0, 0, 0);
    CALL(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    CALL(prctl, PR_SET_DUMPABLE, 2, 0, 0, 0);
    CALL(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    CALL(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    CALL(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    CALL(prctl, PR_GET_TIMING, 0, 0, 0, 0);
    CALL(prctl, PR_SET_TIMING, 1, 0, 0, 0);
    CALL(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
    CALL(prctl, PR_SET_TIMERSLACK, 1234, 0, 0, 0);
    CALL(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
    CALL(prctl, PR_SET_TIMERSLACK, 0, 0, 0, 0);
    CALL(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
    CALL(prctl, PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
    printf("%d\n", value);
    CALL(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    CALL(prctl, PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
    printf("%d\n", value);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CALL(prctl, PR_GET_TSC, &value, 0, 0, 0);
    printf("%d\n", value);
    CALL(prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
    CALL(prctl, PR_MCE_KILL_GET, 0, 0, 0, 0);
    CALL(prctl, PR_MCE_KILL_GET, 1, 0, 0, 0);
    CALL(prctl, 12345, 0, 0, 0, 0);
    syscall(SYS_set_tid_address, &value);
    if (RAW(prctl, PR_GET_TID_ADDRESS, &address, 0, 0, 0) == 0) {
        EXPECT(address == &value);
    }
    EXPECT(syscall(SYS_set_tid_address, &value) == syscall(SYS_gettid));
}

static void arch(void)
{
    unsigned long fs = 0, here;

    __asm__("mov %%fs:0, %0" : "=r"(here));
    CALL(arch_prctl, ARCH_GET_FS, &fs);
    EXPECT(fs == here);
    CALL(arch_prctl, ARCH_GET_FS, BAD);
    CALL(arch_prctl, ARCH_SET_FS, 1ul << 48);
    CALL(arch_prctl, ARCH_SET_FS, ~0ul);
    CALL(arch_prctl, ARCH_SET_FS, fs);
    CALL(arch_prctl, ARCH_GET_GS, &fs);
    printf("gs %lu\n", fs);
    CALL(arch_prctl, 0x9999, 0);
    CALL(personality, 0xffffffff);
    CALL(personality, 0x0040000);
    CALL(personality, 0);
}

int main(void)
{
    show_start();
    limits();
    usage();
    the_system();
    randomness();
    names();
    options();
    arch();
    return 0;
}
