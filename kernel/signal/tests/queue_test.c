/* SPDX-License-Identifier: MIT
 * Which signals wait, where, for how long, and who is asked to take them. */
#include "kernel/signal/tests/support.h"
#include "abi/linux/errno.h"
#include "lib/tests/unit.h"

enum { HANDLER = 0x401000, RT = SIGRTMIN + 2 };

static int take(struct k_siginfo *info)
{
    return signal_dequeue(test_threads[0], ~0ull, info);
}

static int queue(int signo, uint64_t value)
{
    struct k_siginfo info = {.signo = signo, .code = SI_QUEUE};

    info.kill.value = value;
    return signal_send_proc(&test_proc, &info);
}

static void standard_signals_are_pending_once(void)
{
    struct k_siginfo info;

    test_reset(1);
    EXPECT_EQ(queue(SIGUSR1, 1), 0);
    EXPECT_EQ(queue(SIGUSR1, 2), 0);
    EXPECT_EQ(take(&info), SIGUSR1);
    EXPECT_EQ(info.kill.value, 1);
    EXPECT_EQ(take(&info), 0);
    EXPECT_EQ(test_proc.signals.queued, 0);
}

static void real_time_signals_queue_in_order(void)
{
    struct k_siginfo info;

    test_reset(1);
    test_handler(RT, HANDLER, 0, 0);
    test_handler(RT + 1, HANDLER, 0, 0);
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_EQ(queue(RT + 1, 10 + i), 0);
        EXPECT_EQ(queue(RT, i), 0);
    }
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_EQ(take(&info), RT);
        EXPECT_EQ(info.kill.value, i);
    }
    EXPECT_EQ(take(&info), RT + 1);
    EXPECT_EQ(info.kill.value, 10);
    EXPECT(signal_pending_set(test_threads[0]) & sigbit(RT + 1));
}

static void a_full_queue_refuses_only_queued_real_time_signals(void)
{
    struct k_siginfo info;

    test_reset(1);
    test_handler(RT, HANDLER, 0, 0);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_handler(SIGUSR2, HANDLER, 0, 0);
    for (int i = 0; i < 8; i++) {
        EXPECT_EQ(queue(RT, 0), 0);
    }
    EXPECT_EQ(queue(RT, 0), -EAGAIN);
    EXPECT_EQ(test_kill(RT), 0);      /* pending, without its record */
    EXPECT_EQ(test_kill(SIGUSR1), 0); /* kill(2) passes the limit */
    EXPECT_EQ(queue(SIGUSR2, 5), 0);  /* pending, but its value is lost */
    EXPECT_EQ(take(&info), SIGUSR1);
    EXPECT_EQ(info.kill.pid, 42);
    EXPECT_EQ(take(&info), SIGUSR2);
    EXPECT_EQ(info.code, SI_USER);
    EXPECT_EQ(info.kill.value, 0);
}

static void without_memory_a_signal_arrives_from_nobody(void)
{
    struct k_siginfo info;

    test_reset(1);
    test_alloc_fails = 1;
    EXPECT_EQ(test_kill(SIGTERM), 0);
    EXPECT_EQ(queue(RT, 1), -EAGAIN);
    EXPECT_EQ(take(&info), SIGTERM);
    EXPECT_EQ(info.code, SI_USER);
    EXPECT_EQ(info.kill.pid, 0);
}

static void faults_come_before_lower_numbers(void)
{
    struct k_siginfo info;

    test_reset(1);
    test_handler(SIGSEGV, HANDLER, 0, 0);
    test_handler(SIGHUP, HANDLER, 0, 0);
    test_tgkill(0, SIGHUP);
    test_tgkill(0, SIGSEGV);
    EXPECT_EQ(take(&info), SIGSEGV);
    EXPECT_EQ(take(&info), SIGHUP);
}

static void a_timer_that_fires_again_is_an_overrun(void)
{
    struct k_siginfo info = {.signo = RT, .code = SI_TIMER, .from_timer = 1};

    test_reset(1);
    info.timer.timer_id = 3;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(signal_send_proc(&test_proc, &info), 0);
    }
    info.timer.timer_id = 4;
    EXPECT_EQ(signal_send_proc(&test_proc, &info), 0);
    EXPECT_EQ(take(&info), RT);
    EXPECT_EQ(info.timer.overrun, 2);
    EXPECT_EQ(test_overrun, 2);
    EXPECT_EQ(take(&info), RT);
    EXPECT_EQ(info.timer.timer_id, 4);
    EXPECT_EQ(take(&info), 0);
}

static void who_sends_a_timers_code_is_no_timer(void)
{
    struct k_siginfo info = {.signo = RT, .code = SI_TIMER};

    test_reset(1);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(signal_send_proc(&test_proc, &info), 0);
    }
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(take(&info), RT);
        EXPECT_EQ(info.timer.overrun, 0);
    }
    EXPECT_EQ(take(&info), 0);
}

static void ignored_signals_are_dropped_unless_blocked(void)
{
    struct k_siginfo info;

    test_reset(1);
    test_kill(SIGCHLD);
    test_kill(SIGWINCH);
    EXPECT_EQ(signal_pending_set(test_threads[0]), 0);
    EXPECT_EQ(test_threads[0]->task.interrupted, 0);
    signal_set_mask(sigbit(SIGCHLD));
    test_kill(SIGCHLD);
    EXPECT_EQ(test_threads[0]->task.interrupted, 0);
    EXPECT_EQ(take(&info), SIGCHLD);
}

static void ignoring_forgets_what_is_pending(void)
{
    struct k_sigaction ignore = {.handler = SIG_IGN};

    test_reset(2);
    signal_set_mask(sigbit(SIGUSR1) | sigbit(SIGUSR2));
    test_kill(SIGUSR1);
    test_tgkill(1, SIGUSR1);
    test_kill(SIGUSR2);
    EXPECT_EQ(signal_action(SIGUSR1, &ignore, NULL), 0);
    EXPECT_EQ(signal_pending_set(test_threads[0]), sigbit(SIGUSR2));
    EXPECT_EQ(test_threads[1]->signals.pending.set, 0);
}

static void a_thread_that_does_not_block_it_is_interrupted(void)
{
    test_reset(3);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_threads[0]->signals.blocked = sigbit(SIGUSR1);
    test_threads[1]->task.interrupted = 1;
    test_kill(SIGUSR1);
    EXPECT_EQ(test_threads[0]->task.interrupted, 0);
    EXPECT_EQ(test_threads[2]->task.interrupted, 1);
    EXPECT(signal_pending(test_threads[1]));
    EXPECT(!signal_pending(test_threads[0]));
}

static void the_main_thread_is_preferred(void)
{
    test_reset(2);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(test_threads[0]->task.interrupted, 1);
    EXPECT_EQ(test_threads[1]->task.interrupted, 0);
}

static void what_ends_the_process_interrupts_all_and_comes_first(void)
{
    struct k_siginfo info;

    test_reset(2);
    queue(RT + 1, 7);
    EXPECT_EQ(test_threads[0]->task.interrupted, 1);
    EXPECT_EQ(test_threads[1]->task.interrupted, 1);
    test_kill(SIGUSR1);
    EXPECT_EQ(take(&info), RT + 1);
    EXPECT_EQ(info.kill.value, 7);
}

static void what_everybody_blocks_ends_nobody_yet(void)
{
    struct k_siginfo info;

    test_reset(1);
    signal_set_mask(sigbit(RT + 1));
    queue(RT + 1, 0);
    test_handler(SIGUSR1, HANDLER, 0, 0);
    test_kill(SIGUSR1);
    EXPECT_EQ(take(&info), SIGUSR1);
}

static void blocking_passes_a_pending_signal_on(void)
{
    test_reset(2);
    test_kill(SIGUSR1);
    signal_set_mask(sigbit(SIGUSR1));
    EXPECT_EQ(test_threads[1]->task.interrupted, 1);
}

static void unblocking_asks_for_delivery(void)
{
    test_reset(1);
    signal_set_mask(sigbit(SIGUSR1));
    test_kill(SIGUSR1);
    EXPECT_EQ(test_threads[0]->task.interrupted, 0);
    signal_set_mask(0);
    EXPECT_EQ(test_threads[0]->task.interrupted, 1);
}

static void kill_and_stop_cannot_be_blocked_or_caught(void)
{
    struct k_sigaction act = {.handler = HANDLER};

    test_reset(1);
    signal_set_mask(~0ull);
    EXPECT_EQ(test_threads[0]->signals.blocked,
              ~(sigbit(SIGKILL) | sigbit(SIGSTOP)));
    EXPECT_EQ(signal_action(SIGKILL, &act, NULL), -EINVAL);
    EXPECT_EQ(signal_action(SIGSTOP, &act, NULL), -EINVAL);
    EXPECT_EQ(signal_action(SIGKILL, NULL, &act), 0);
    EXPECT_EQ(signal_action(0, NULL, NULL), -EINVAL);
    EXPECT_EQ(signal_action(65, NULL, NULL), -EINVAL);
}

static void stop_and_continue_cancel_each_other(void)
{
    test_reset(1);
    signal_set_mask(sigbit(SIGTSTP) | sigbit(SIGCONT));
    test_kill(SIGTSTP);
    EXPECT(signal_pending_set(test_threads[0]) & sigbit(SIGTSTP));
    test_kill(SIGCONT);
    EXPECT_EQ(signal_pending_set(test_threads[0]), sigbit(SIGCONT));
    test_kill(SIGTSTP);
    EXPECT_EQ(signal_pending_set(test_threads[0]), sigbit(SIGTSTP));
}

static void a_stopped_process_sleeps_until_it_may_go_on(void)
{
    test_reset(2);
    test_kill(SIGSTOP);
    EXPECT_EQ(test_deliver(), STOPPED_FOREVER);
    EXPECT(test_proc.signals.stopped);
    EXPECT_EQ(test_proc.signals.stop_signal, SIGSTOP);
    EXPECT_EQ(test_threads[1]->task.interrupted, 1);
    test_kill(SIGUSR1); /* waits, too */
    EXPECT_EQ(test_deliver(), STOPPED_FOREVER);
    test_kill(SIGCONT);
    EXPECT(!test_proc.signals.stopped);
    EXPECT(test_proc.signals.continue_event);
    EXPECT_EQ(test_deliver(), SIGUSR1);
}

static void a_stopped_process_can_be_killed(void)
{
    test_reset(1);
    test_kill(SIGSTOP);
    EXPECT_EQ(test_deliver(), STOPPED_FOREVER);
    test_kill(SIGKILL);
    EXPECT_EQ(test_deliver(), SIGKILL);
}

int main(void)
{
    RUN(standard_signals_are_pending_once);
    RUN(real_time_signals_queue_in_order);
    RUN(a_full_queue_refuses_only_queued_real_time_signals);
    RUN(without_memory_a_signal_arrives_from_nobody);
    RUN(faults_come_before_lower_numbers);
    RUN(a_timer_that_fires_again_is_an_overrun);
    RUN(who_sends_a_timers_code_is_no_timer);
    RUN(ignored_signals_are_dropped_unless_blocked);
    RUN(ignoring_forgets_what_is_pending);
    RUN(a_thread_that_does_not_block_it_is_interrupted);
    RUN(the_main_thread_is_preferred);
    RUN(what_ends_the_process_interrupts_all_and_comes_first);
    RUN(what_everybody_blocks_ends_nobody_yet);
    RUN(blocking_passes_a_pending_signal_on);
    RUN(unblocking_asks_for_delivery);
    RUN(kill_and_stop_cannot_be_blocked_or_caught);
    RUN(stop_and_continue_cancel_each_other);
    RUN(a_stopped_process_sleeps_until_it_may_go_on);
    RUN(a_stopped_process_can_be_killed);
    return unit_result();
}
