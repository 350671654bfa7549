/* SPDX-License-Identifier: MIT
 *
 * The world that the signal room's tests run in: one process with up to four
 * threads, whose user memory is one buffer of this program. Locks, sleeping
 * and the other rooms are stand-ins that do nothing or keep a note.
 */
#ifndef KERNEL_SIGNAL_TESTS_SUPPORT_H
#define KERNEL_SIGNAL_TESTS_SUPPORT_H

#include <setjmp.h>
#include "kernel/proc/proc.h"
#include "kernel/signal/room.h"
#include "kernel/signal/signal.h"

/* In place of a rewritten system call: TEST_SLOT stands for TEST_SITE_END in
 * the program, whose instruction there has its copy at TEST_SLOT. */
enum { TEST_SITE_END = 0x500002, TEST_SLOT = 0x600010 };

enum { THREADS = 4, USER_SIZE = 65536, STOPPED_FOREVER = -2 };

extern struct proc test_proc;
extern struct thread *test_threads[THREADS]; /* [0] is the current one */
extern struct user_regs *test_regs;          /* its registers */
extern uint8_t test_user[USER_SIZE];
extern uint64_t test_alloc_fails; /* 1: kmalloc() gives nothing */
extern struct mm_layout test_layout;
extern void (*test_has_read)(size_t n); /* user memory; NULL: nothing */
extern int test_overrun;                /* what timers were told last */

/* A process with no handlers, `threads` threads, and registers with a
 * different value each; rsp in the middle of test_user. */
void test_reset(unsigned threads);

/* Runs signal_deliver(test_regs): -1 when it returned, else the status that
 * the process ended with. */
int test_deliver(void);

/* Sends signo to the process or to a thread, as kill(2) and tgkill(2). */
int test_kill(int signo);
int test_tgkill(unsigned thread, int signo);
void test_handler(int signo, uint64_t handler, uint64_t flags, sigset mask);

#endif
