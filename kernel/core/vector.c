/* SPDX-License-Identifier: MIT
 *
 * The kernel's own use of vector registers (bulk crypto): the program's state
 * goes to its task first, and the way out brings it back, because fpu_saved
 * says so. Nothing to undo at the end, and a second use before the task
 * returns to user code costs nothing.
 */
#include "kernel/core/sched.h"

void crypto_vector_begin(void)
{
    struct task *t = current_task();

    fpu_leave(&t->fpu, &t->fpu_saved);
}

void crypto_vector_end(void)
{
}
