/* SPDX-License-Identifier: MIT */
/*
 * From an ordinary process to the program: loads it, builds its initial stack
 * below ours (the strings that the kernel put there stay), arms the traps,
 * closes our memory and jumps. After program_start() the rules of emu.h hold.
 */
#include "sgxemu/enclave.h"

#include <elf.h>
#include <errno.h>
#include <linux/rseq.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, int err)
{
    fprintf(stderr, "sgxemu: %s: %s\n", what, strerror(-err));
    exit(err == -ENOENT ? 127 : 126);
}

static void load(struct image *program, struct image *interpreter)
{
    int err = image_load(config.program, program);

    if (err) {
        fail(config.program, err);
    }
    memset(interpreter, 0, sizeof(*interpreter));
    if (program->interpreter[0]) {
        interpreter->interpreter[0] = 1; /* not the program */
        err = image_load(program->interpreter, interpreter);
        if (err) {
            fail(program->interpreter, err);
        }
    }
}

/* argc, argv, envp, auxv on the stack at top. Returns the stack pointer. */
static uint64_t *build_stack(uint64_t *top, int argc, char **argv, char **envp,
                             const struct image *p, const struct image *i)
{
    const Elf64_auxv_t *aux;
    size_t envc = 0, auxc = 0;
    uint64_t *at;

    while (envp[envc]) {
        envc++;
    }
    aux = (const Elf64_auxv_t *)(envp + envc + 1);
    while (aux[auxc].a_type != AT_NULL) {
        auxc++;
    }
    top -= 1 + (size_t)argc + 1 + envc + 1 + 2 * (auxc + 1);
    top = (uint64_t *)((uint64_t)top & ~15ul);
    at = top;
    *at++ = (uint64_t)argc;
    for (int n = 0; n < argc; n++) {
        *at++ = (uint64_t)argv[n];
    }
    *at++ = 0;
    for (size_t n = 0; n < envc; n++) {
        *at++ = (uint64_t)envp[n];
    }
    *at++ = 0;
    for (size_t n = 0; n < auxc; n++) {
        uint64_t type = aux[n].a_type, value = aux[n].a_un.a_val;

        if (type == 27 || type == 28) {
            continue; /* AT_RSEQ_*: there is no rseq here */
        }
        value = type == AT_PHDR           ? p->phdr
                : type == AT_PHNUM        ? (uint64_t)p->phnum
                : type == AT_BASE         ? i->base
                : type == AT_ENTRY        ? p->entry
                : type == AT_SYSINFO_EHDR ? vdso_base
                : type == AT_EXECFN       ? (uint64_t)config.program
                                          : value;
        *at++ = type;
        *at++ = value;
    }
    *at++ = AT_NULL;
    *at++ = 0;
    return top;
}

/* glibc's start registered one; its thread block is of no use to a program. */
static void drop_rseq(void)
{
    extern const ptrdiff_t __rseq_offset;
    extern const unsigned int __rseq_size;

    if (__rseq_size) {
        sys4(SYS_rseq, read_fs() + (uint64_t)__rseq_offset, 32,
             RSEQ_FLAG_UNREGISTER, 0x53053053);
    }
}

/* gdb stops here (gdbinit): the program is loaded, and has not begun. */
__attribute__((noinline)) void program_jumps(void)
{
    __asm__ volatile("");
}

static _Noreturn void jump(uint64_t entry, uint64_t *stack, uint32_t pkru)
{
    __asm__ volatile("mov %0, %%rsp\n\t"
                     "mov %1, %%rbx\n\t"
                     "cmp $-1, %%eax\n\t"
                     "je 1f\n\t"
                     "wrpkru\n"
                     "1:\n\t"
                     "xor %%eax, %%eax\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "xor %%esi, %%esi\n\t"
                     "xor %%edi, %%edi\n\t"
                     "xor %%r8d, %%r8d\n\t"
                     "xor %%r9d, %%r9d\n\t"
                     "jmp *%%rbx"
                     :
                     : "r"(stack), "r"(entry), "a"(pkru), "c"(0), "d"(0)
                     : "memory", "rbx");
    __builtin_unreachable();
}

_Noreturn void program_start(int argc, char **argv, char **envp)
{
    const char *name = strrchr(config.program, '/');
    struct image program = {0}, interpreter = {0};
    uint64_t entry, *stack;
    uint32_t pkru;
    int err;

    load(&program, &interpreter);
    entry = interpreter.entry ? interpreter.entry : program.entry;
    memory_set_brk(program.end, program.end);
    xstate_init();
    threads_init();
    err = vdso_install(getauxval(AT_SYSINFO_EHDR));
    if (err) {
        fail("vDSO", err);
    }
    prctl(PR_SET_NAME, name ? name + 1 : config.program);
    cpuid_init();
    pkeys_init();
    drop_rseq();
    /* Below everything that this function still uses. */
    stack = build_stack((uint64_t *)__builtin_frame_address(0) - 2048, argc,
                        argv, envp, &program, &interpreter);
    signals_init();
    thread_arm(thread_first());
    pkru = key_state < 0 ? ~0u : pkru_closed(0x55555554u);
    write_fs(0);
    pkeys_protect_state();
    program_jumps();
    jump(entry, stack, pkru);
}
