/* SPDX-License-Identifier: MIT
 *
 * The initial stack, read back as a program would read it, and the strings
 * that go into it.
 */
#include <stdlib.h>
#include "lib/tests/unit.h"
#include "abi/linux/auxv.h"
#include "abi/linux/errno.h"
#include "kernel/core/log.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/exec/stack.h"
#include "lib/string.h"

#define TOP 0x7fff00000000ull

/* ---- what the room stands on ---- */

static int fail_allocation; /* the n-th from now */

static bool fails(void)
{
    return fail_allocation && --fail_allocation == 0;
}

void *kzalloc(size_t size)
{
    return fails() ? NULL : calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

void *page_alloc(size_t count)
{
    return fails() ? NULL : malloc(count * PAGE_SIZE);
}

void page_free(void *p, size_t count)
{
    free(p);
}

void panic(const char *fmt, ...)
{
    puts(fmt);
    abort();
}

static const char *user_strings[8]; /* user memory: address i + 1 */
static uint64_t user_vector[8];

int get_user64(uint64_t *val, struct uptr src)
{
    if (src.addr < 0x1000 || src.addr >= 0x1000 + sizeof(user_vector)) {
        return -EFAULT;
    }
    *val = user_vector[(src.addr - 0x1000) / 8];
    return 0;
}

long strncpy_from_user(char *dst, struct uptr src, size_t max)
{
    size_t len;

    if (src.addr < 1 || src.addr > 8) {
        return -EFAULT;
    }
    len = strlen(user_strings[src.addr - 1]);
    memcpy(dst, user_strings[src.addr - 1], MIN(len + 1, max));
    return len < max ? (long)len : -ENAMETOOLONG;
}

/* ---- reading back ---- */

static struct exec_args args;
static struct stack_out out;
static const struct stack_in *given;

/* The byte at a stack address. */
static const char *at(uint64_t addr)
{
    if (addr >= out.sp && addr < out.sp + out.block_len) {
        return (const char *)out.block + (addr - out.sp);
    }
    if (addr >= out.text && addr < out.text + args.len) {
        return args.text + (addr - out.text);
    }
    if (addr == out.execfn) {
        return given->execfn;
    }
    return "(nowhere)";
}

static uint64_t word(unsigned i)
{
    uint64_t w;

    memcpy(&w, out.block + i * 8, 8);
    return w;
}

static uint64_t aux_value(uint64_t key)
{
    for (unsigned i = 0; i < out.auxv_len; i += 2) {
        if (out.auxv[i] == key) {
            return out.auxv[i + 1];
        }
    }
    return 0xdead;
}

static void add(const char *s, bool env)
{
    EXPECT_EQ(exec_args_add(&args, s, strlen(s), env), 0);
}

static void build(const struct stack_in *in)
{
    given = in;
    EXPECT_EQ(stack_build(in, &out), 0);
    EXPECT(TOP - out.sp <= stack_need(in));
}

static void a_program_finds_its_arguments(void)
{
    struct stack_in in = {.top = TOP, .args = &args, .execfn = "/bin/x"};

    exec_args_init(&args, 1 << 20);
    add("x", false);
    add("second one", false);
    add("A=1", true);
    add("B=", true);
    in.entry = 0x401000;
    in.vdso = 0x10000;
    in.gap = 160;
    memcpy(in.random, "0123456789abcdef", 16);
    build(&in);
    EXPECT_EQ(out.sp % 16, 0);
    EXPECT_EQ(word(0), 2);
    EXPECT(strcmp(at(word(1)), "x") == 0);
    EXPECT(strcmp(at(word(2)), "second one") == 0);
    EXPECT_EQ(word(3), 0);
    EXPECT(strcmp(at(word(4)), "A=1") == 0);
    EXPECT(strcmp(at(word(5)), "B=") == 0);
    EXPECT_EQ(word(6), 0);
    EXPECT_EQ(out.env, word(4));
    EXPECT_EQ(word(7), out.auxv[0]); /* the vector follows */
    EXPECT_EQ(aux_value(AT_ENTRY), 0x401000);
    EXPECT_EQ(aux_value(AT_SYSINFO_EHDR), 0x10000);
    EXPECT_EQ(aux_value(AT_HWCAP2), 0);
    EXPECT_EQ(aux_value(AT_NULL), 0);
    EXPECT(strcmp(at(aux_value(AT_PLATFORM)), "x86_64") == 0);
    EXPECT(strcmp(at(aux_value(AT_EXECFN)), "/bin/x") == 0);
    EXPECT(memcmp(at(aux_value(AT_RANDOM)), in.random, 16) == 0);
    EXPECT_EQ(out.execfn + 7 + 8, TOP);
    stack_free(&out);
    exec_args_free(&args);
}

static void no_strings_at_all_is_a_stack_too(void)
{
    struct stack_in in = {.top = TOP, .args = &args, .execfn = "y"};

    exec_args_init(&args, 1 << 20);
    build(&in);
    EXPECT_EQ(out.sp % 16, 0);
    EXPECT_EQ(word(0), 0);
    EXPECT_EQ(word(1), 0);
    EXPECT_EQ(word(2), 0);
    stack_free(&out);
    exec_args_free(&args);
}

/* ---- exec_args ---- */

static void scripts_put_their_interpreter_first(void)
{
    exec_args_init(&args, 1 << 20);
    add("old name", false);
    add("arg", false);
    add("E=1", true);
    exec_args_drop_first(&args);
    EXPECT_EQ(exec_args_push_front(&args, "./script"), 0);
    EXPECT_EQ(exec_args_push_front(&args, "/bin/sh"), 0);
    EXPECT_EQ(args.argc, 3);
    EXPECT_EQ(args.envc, 1);
    EXPECT_EQ(args.len, 8 + 9 + 4 + 4);
    EXPECT(memcmp(args.text, "/bin/sh\0./script\0arg\0E=1", args.len) == 0);
    exec_args_free(&args);
}

static void too_much_is_e2big(void)
{
    static char big[140000];
    int err = 0;

    memset(big, 'x', sizeof(big) - 1);
    exec_args_init(&args, 1 << 20);
    EXPECT_EQ(exec_args_add(&args, big, sizeof(big) - 1, false), -E2BIG);
    EXPECT_EQ(exec_args_add(&args, big, 131071, false), 0);
    exec_args_free(&args);
    exec_args_init(&args, 131072);
    for (int i = 0; i < 20000 && !err; i++) {
        err = exec_args_add(&args, "", 0, true); /* pointers count too */
    }
    EXPECT_EQ(err, -E2BIG);
    EXPECT(args.envc > 10000 && args.envc < 15000);
    exec_args_free(&args);
}

static void user_vectors_are_copied(void)
{
    static char longer[2000];

    memset(longer, 'l', sizeof(longer) - 1);
    user_strings[0] = "one";
    user_strings[1] = longer;
    user_strings[2] = "";
    for (int i = 0; i < 3; i++) {
        user_vector[i] = i + 1;
    }
    user_vector[3] = 0;
    exec_args_init(&args, 1 << 20);
    EXPECT_EQ(exec_args_add_user(&args, uptr(0x1000), false), 0);
    EXPECT_EQ(args.argc, 3);
    EXPECT_EQ(args.len, 4 + 2000 + 1);
    EXPECT(strcmp(args.text + 4, longer) == 0);
    EXPECT_EQ(exec_args_add_user(&args, uptr(0), true), 0);
    user_vector[1] = 99;
    EXPECT_EQ(exec_args_add_user(&args, uptr(0x1000), true), -EFAULT);
    EXPECT_EQ(exec_args_add_user(&args, uptr(0x10), true), -EFAULT);
    exec_args_free(&args);
}

static void no_memory_is_an_error_only(void)
{
    struct stack_in in = {.top = TOP, .args = &args, .execfn = "y"};

    exec_args_init(&args, 1 << 20);
    fail_allocation = 1;
    EXPECT_EQ(exec_args_add(&args, "a", 1, false), -ENOMEM);
    add("a", false);
    fail_allocation = 1;
    EXPECT_EQ(stack_build(&in, &out), -ENOMEM);
    exec_args_free(&args);
}

int main(void)
{
    RUN(a_program_finds_its_arguments);
    RUN(no_strings_at_all_is_a_stack_too);
    RUN(scripts_put_their_interpreter_first);
    RUN(too_much_is_e2big);
    RUN(user_vectors_are_copied);
    RUN(no_memory_is_an_error_only);
    return unit_result();
}
