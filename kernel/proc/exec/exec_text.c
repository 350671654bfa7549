/* SPDX-License-Identifier: MIT
 *
 * What a program was executed with, kept for others to see: /proc/PID/cmdline
 * and environ of a process whose memory cannot be looked at (its family's
 * other member has the addresses). Counted: fork shares it.
 */
#include "kernel/proc/exec/exec_text.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

/* Past this an argument is cut, as nobody but the process itself will miss
 * it. */
enum { TEXT_MOST = 32 << 10 };

void exec_text_get(struct exec_text *x)
{
    if (x) {
        atomic_fetch_add(&x->refs, 1);
    }
}

void exec_text_put(struct exec_text *x)
{
    if (x && atomic_sub_fetch(&x->refs, 1) == 0) {
        kfree(x);
    }
}

/* The length of the first count strings. */
static size_t length_of(const char *text, size_t len, unsigned count)
{
    size_t at = 0;

    while (count-- && at < len) {
        at += strlen(text + at) + 1;
    }
    return MIN(at, len);
}

void exec_text_set(struct proc *p, const struct exec_args *a)
{
    size_t len = MIN(a->len, (size_t)TEXT_MOST);
    size_t args = length_of(a->text, a->len, a->argc);
    struct exec_text *x = kmalloc(sizeof(*x) + len), *old;

    if (x) { /* else it has none: never a reason to fail an exec */
        x->refs = 1;
        x->args = MIN(args, len);
        x->env = len - x->args;
        memcpy(x->text, a->text, len);
    }
    spin_lock(&proc_lock);
    old = p->text;
    p->text = x;
    spin_unlock(&proc_lock);
    exec_text_put(old);
}

struct exec_text *exec_text_of(struct proc *p)
{
    struct exec_text *x;

    spin_lock(&proc_lock);
    x = p->text;
    exec_text_get(x);
    spin_unlock(&proc_lock);
    return x;
}
