/* SPDX-License-Identifier: MIT
 *
 * The state of every task, for whoever hunts a hang: SIGQUIT with --log debug
 * prints it, and so does a panic.
 */
#ifndef KERNEL_CORE_DUMP_H
#define KERNEL_CORE_DUMP_H

/* Takes no lock: the answer may be torn, but always comes. */
void dump_tasks(void);

#endif
