/* SPDX-License-Identifier: MIT
 *
 * Runs each test of target/linux in a process of its own, then again with the
 * other way to trap (seccomp) and to do I/O (the thread pool).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "target/linux/linux.h"

struct test {
    const char *name;
    int status; /* as waitpid's */
    int signo;  /* sent to the process after a moment */
    unsigned vcpus;
};

static const struct test tests[] = {
    {"system_calls_trap", 0, 0, 1},
    {"ticks_keep_every_register", 0, 0, 1},
    {"no_tick_is_lost_on_the_short_way_out", 0, 0, 1},
    {"no_tick_is_lost_on_the_full_way_out", 0, 0, 1},
    {"no_tick_is_lost_on_the_way_by_frame", 0, 0, 1},
    {"ticks_by_frame_keep_every_register", 0, 0, 1},
    {"single_steps_are_told", 0, 0, 1},
    {"resuming_nowhere_is_the_programs_fault", 0, 0, 1},
    {"resuming_with_bad_vectors_is_the_programs_fault", 0, 0, 1},
    {"faults_are_told", 0, 0, 1},
    {"a_changed_gs_is_told", 0, 0, 1},
    {"user_copies_have_fixups", 0, 0, 1},
    {"memory_commits_and_releases", 0, 0, 1},
    {"kicks_end_waits", 0, 0, 2},
    {"kicks_interrupt_user_code", 0, 0, 2},
    {"waits_end_at_their_deadline", 0, 0, 1},
    {"an_idle_vcpu_sleeps_after_a_tick", 0, 0, 1},
    {"the_clock_is_the_hosts", 0, 0, 1},
    {"random_bytes_differ", 0, 0, 1},
    {"rings_complete_and_wake", 0, 0, 2},
    {"host_signals_arrive", 0, SIGUSR1, 1},
    {"exit_status_is_passed_on", 42 << 8, 0, 1},
    {"death_by_signal_is_passed_on", SIGSEGV, 0, 1},
    {"kernel_faults_end_it", 125 << 8, 0, 1},
};

enum { TEST_SECONDS = 30, SIGNAL_AFTER_US = 200000 };

static void run_child(const struct test *t)
{
    struct boot_info info = {
        .program = t->name, .vcpu_count = t->vcpus, .image_fd = -1};

    alarm(TEST_SECONDS);
    target_linux_run(&info);
}

static int run_one(const struct test *t, char *self)
{
    char *argv[] = {self, (char *)t->name, NULL};
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    if (t->signo) {
        usleep(SIGNAL_AFTER_US);
        kill(pid, t->signo);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int run_all(const char *suffix, char *self)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        int status = run_one(&tests[i], self);
        bool ok = status == tests[i].status;

        if (!ok) {
            printf("status is %#x, not %#x\n", status, tests[i].status);
        }
        printf("%s %s%s\n", ok ? "ok" : "not ok", tests[i].name, suffix);
        fflush(stdout);
        failed += !ok;
    }
    return failed;
}

/* Where the host puts the process's own mappings into the arena. */
static int run_legacy(char *self)
{
    struct rlimit old, lim;
    int failed;

    getrlimit(RLIMIT_STACK, &old);
    lim = old;
    lim.rlim_cur = lim.rlim_max;
    if (lim.rlim_max != RLIM_INFINITY || setrlimit(RLIMIT_STACK, &lim)) {
        printf("ok starts_with_unlimited_stack # SKIP ulimit\n");
        return 0;
    }
    failed = run_one(&tests[0], self) != 0;
    printf("%s starts_with_unlimited_stack\n", failed ? "not ok" : "ok");
    setrlimit(RLIMIT_STACK, &old);
    return failed;
}

static int run_exec_personality(char *self)
{
    int old = personality(0xffffffff), failed;

    personality(old | READ_IMPLIES_EXEC | ADDR_COMPAT_LAYOUT);
    failed = run_one(&tests[0], self) != 0;
    personality(old);
    printf("%s starts_with_read_implies_exec\n", failed ? "not ok" : "ok");
    return failed;
}

int main(int argc, char **argv)
{
    int failed;

    for (size_t i = 0; argc > 1 && i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (!strcmp(argv[1], tests[i].name)) {
            run_child(&tests[i]);
        }
    }
    if (argc > 1) {
        return 2;
    }
    failed = run_all("", argv[0]);
    setenv("ENCLOS_NO_SUD", "1", 1);
    setenv("ENCLOS_NO_IO_URING", "1", 1);
    failed += run_all("_by_seccomp_and_pool", argv[0]);
    unsetenv("ENCLOS_NO_SUD");
    unsetenv("ENCLOS_NO_IO_URING");
    failed += run_legacy(argv[0]) + run_exec_personality(argv[0]);
    return failed != 0;
}
