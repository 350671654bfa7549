/* SPDX-License-Identifier: MIT
 *
 * The initial stack, from the top down as Linux lays it out: eight zero
 * bytes, the executable's name, environment strings, argument strings (these
 * come from struct exec_args in one piece); then a block of ours: platform
 * name, random bytes, auxiliary vector, environment and argument pointers,
 * argc, where RSP points, 16-aligned.
 */
#include "kernel/proc/exec/stack.h"
#include "abi/linux/auxv.h"
#include "abi/linux/errno.h"
#include "abi/linux/time.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/proc.h"
#include "lib/string.h"

#define PLATFORM "x86_64"

enum {
    PLATFORM_ROOM = 16,
    RANDOM_ROOM = 16,
    END_MARKER = 8,
};

static size_t words_before_auxv(const struct exec_args *a)
{
    return 1 + (size_t)a->argc + 1 + a->envc + 1;
}

static size_t block_size(const struct exec_args *a)
{
    size_t words = words_before_auxv(a) + STACK_AUXV_MAX * 2;

    return ALIGN_UP(words * sizeof(uint64_t), 16) + RANDOM_ROOM + PLATFORM_ROOM;
}

uint64_t stack_need(const struct stack_in *in)
{
    return END_MARKER + strlen(in->execfn) + 1 + in->args->len + 16 + in->gap +
           block_size(in->args);
}

static void aux(struct stack_out *out, uint64_t key, uint64_t value)
{
    check(out->auxv_len + 2 <= ARRAY_SIZE(out->auxv));
    out->auxv[out->auxv_len++] = key;
    out->auxv[out->auxv_len++] = value;
}

static void fill_auxv(const struct stack_in *in, struct stack_out *out,
                      uint64_t platform, uint64_t random)
{
    out->auxv_len = 0;
    if (in->vdso) {
        aux(out, AT_SYSINFO_EHDR, in->vdso);
    }
    aux(out, AT_MINSIGSTKSZ, in->minsigstksz);
    aux(out, AT_HWCAP, in->hwcap);
    aux(out, AT_PAGESZ, PAGE_SIZE);
    aux(out, AT_CLKTCK, USER_HZ);
    aux(out, AT_PHDR, in->phdr);
    aux(out, AT_PHENT, 56);
    aux(out, AT_PHNUM, in->phnum);
    aux(out, AT_BASE, in->base);
    aux(out, AT_FLAGS, 0);
    aux(out, AT_ENTRY, in->entry);
    aux(out, AT_UID, in->uid);
    aux(out, AT_EUID, in->euid);
    aux(out, AT_GID, in->gid);
    aux(out, AT_EGID, in->egid);
    aux(out, AT_SECURE, in->secure);
    aux(out, AT_RANDOM, random);
    aux(out, AT_HWCAP2, 0); /* above all not FSGSBASE: GS base is ours */
    aux(out, AT_EXECFN, out->execfn);
    aux(out, AT_PLATFORM, platform);
    aux(out, AT_NULL, 0);
}

/* Pointers to count strings that begin at *addr in the program and at text
 * here, then a null one. Returns the text behind them. */
static const char *fill_pointers(uint64_t **word, const char *text,
                                 uint64_t *addr, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t len = strlen(text) + 1;

        *(*word)++ = *addr;
        *addr += len;
        text += len;
    }
    *(*word)++ = 0;
    return text;
}

static void fill_block(const struct stack_in *in, struct stack_out *out)
{
    const struct exec_args *a = in->args;
    uint64_t *word = (uint64_t *)out->block;
    uint64_t addr = out->text;
    const char *env;

    *word++ = a->argc;
    env = fill_pointers(&word, a->text, &addr, a->argc);
    out->env = addr;
    fill_pointers(&word, env, &addr, a->envc);
    memcpy(word, out->auxv, out->auxv_len * sizeof(uint64_t));
    memcpy(out->block + out->block_len - PLATFORM_ROOM, PLATFORM,
           sizeof(PLATFORM));
    memcpy(out->block + out->block_len - PLATFORM_ROOM - RANDOM_ROOM,
           in->random, sizeof(in->random));
}

int stack_build(const struct stack_in *in, struct stack_out *out)
{
    uint64_t end;

    out->block_len = block_size(in->args);
    out->block = kzalloc(out->block_len);
    if (!out->block) {
        return -ENOMEM;
    }
    out->execfn = in->top - END_MARKER - strlen(in->execfn) - 1;
    out->text = out->execfn - in->args->len;
    end = ALIGN_DOWN(out->text, 16) - in->gap;
    out->sp = end - out->block_len;
    fill_auxv(in, out, end - PLATFORM_ROOM, end - PLATFORM_ROOM - RANDOM_ROOM);
    fill_block(in, out);
    return 0;
}

void stack_free(struct stack_out *out)
{
    kfree(out->block);
    out->block = NULL;
}
