/* SPDX-License-Identifier: MIT
 *
 * The strings of execve(2) on their way from the old program to the new one:
 * one growing kernel buffer, arguments first, environment behind, each with
 * its NUL. limit counts the pointers to them too, as Linux does.
 */
#include "kernel/proc/proc.h"
#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

enum { STRING_MAX = 131072 }; /* one string with its NUL (execve(2)) */
#define LIMIT_TOTAL_MIN 131072ull
#define LIMIT_TOTAL_MAX (6ull << 20)

size_t exec_args_limit(const struct proc *p)
{
    uint64_t quarter = p->limits[LIMIT_STACK].cur / 4;

    return MAX(MIN(quarter, LIMIT_TOTAL_MAX), LIMIT_TOTAL_MIN);
}

void exec_args_init(struct exec_args *a, size_t limit)
{
    memset(a, 0, sizeof(*a));
    a->limit = limit;
}

void exec_args_free(struct exec_args *a)
{
    if (a->text) {
        page_free(a->text, a->pages);
    }
    a->text = NULL;
}

/* Room for len more bytes: -ENOMEM. */
static int grow(struct exec_args *a, size_t len)
{
    size_t need = (a->len + len + PAGE_SIZE - 1) / PAGE_SIZE;
    size_t pages = MAX(need, a->pages * 2);
    char *text;

    if (need <= a->pages) {
        return 0;
    }
    text = page_alloc(pages);
    if (!text) {
        return -ENOMEM;
    }
    if (a->text) {
        memcpy(text, a->text, a->len);
        page_free(a->text, a->pages);
    }
    a->text = text;
    a->pages = pages;
    return 0;
}

static bool too_big(const struct exec_args *a, size_t more)
{
    size_t pointers = ((size_t)a->argc + a->envc + 1) * sizeof(uint64_t);

    return a->len + more + pointers > a->limit;
}

static void count(struct exec_args *a, bool env)
{
    if (env) {
        a->envc++;
    } else {
        a->argc++;
    }
}

int exec_args_add(struct exec_args *a, const char *s, size_t len, bool env)
{
    int err;

    if (len + 1 > STRING_MAX || too_big(a, len + 1)) {
        return -E2BIG;
    }
    err = grow(a, len + 1);
    if (err) {
        return err;
    }
    memcpy(a->text + a->len, s, len);
    a->text[a->len + len] = '\0';
    a->len += len + 1;
    count(a, env);
    return 0;
}

/* Most strings are short: the first try takes what fits without growing much,
 * the second the longest that is allowed. */
static int add_user_string(struct exec_args *a, struct uptr s, bool env)
{
    static const size_t room[] = {512, STRING_MAX};

    for (unsigned i = 0; i < ARRAY_SIZE(room); i++) {
        int err = grow(a, room[i]);
        if (err) {
            return err;
        }
        long len = strncpy_from_user(a->text + a->len, s, room[i]);
        if (len == -ENAMETOOLONG) {
            continue;
        }
        if (len < 0) {
            return (int)len;
        }
        if (too_big(a, (size_t)len + 1)) {
            return -E2BIG;
        }
        a->len += (size_t)len + 1;
        count(a, env);
        return 0;
    }
    return -E2BIG;
}

int exec_args_add_user(struct exec_args *a, struct uptr vec, bool env)
{
    /* Linux takes a null vector for an empty one. */
    for (; vec.addr; vec = uptr_add(vec, sizeof(uint64_t))) {
        uint64_t s;
        int err = get_user64(&s, vec);

        if (err) {
            return err;
        }
        if (!s) {
            break;
        }
        err = add_user_string(a, uptr(s), env);
        if (err) {
            return err;
        }
    }
    return 0;
}

int exec_args_push_front(struct exec_args *a, const char *s)
{
    size_t len = strlen(s) + 1;
    int err;

    if (too_big(a, len)) {
        return -E2BIG;
    }
    err = grow(a, len);
    if (err) {
        return err;
    }
    memmove(a->text + len, a->text, a->len);
    memcpy(a->text, s, len);
    a->len += len;
    a->argc++;
    return 0;
}

void exec_args_drop_first(struct exec_args *a)
{
    size_t len;

    if (a->argc == 0) {
        return;
    }
    len = strlen(a->text) + 1;
    memmove(a->text, a->text + len, a->len - len);
    a->len -= len;
    a->argc--;
}
