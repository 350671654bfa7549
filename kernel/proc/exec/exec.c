/* SPDX-License-Identifier: MIT
 *
 * execve(2). First everything that can be refused is looked at, while the old
 * program is untouched: files, headers, interpreter, sizes (exec_find). Then
 * the point of no return: the other threads end, the old address space goes
 * (the new program may want the same addresses), and what fails from there on
 * kills the process, as on Linux.
 */
#include "kernel/proc/exec/exec.h"
#include "abi/linux/auxv.h"
#include "abi/linux/errno.h"
#include "abi/linux/fcntl.h"
#include "abi/linux/mman.h"
#include "abi/linux/prctl.h"
#include "abi/linux/resource.h"
#include "abi/linux/signal.h"
#include "abi/linux/stat.h"
#include "abi/linux/wait.h"
#include "arch/x86_64/arch.h"
#include "kernel/core/log.h"
#include "kernel/fs/aio.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/exec/exec_text.h"
#include "kernel/proc/keys/keys.h"
#include "kernel/proc/ptrace/ptrace.h"
#include "kernel/proc/room.h"
#include "kernel/proc/exec/stack.h"
#include "kernel/proc/user_dispatch.h"
#include "lib/string.h"
#include "target/target.h"

enum {
    STACK_GUARD = 1 << 20,      /* unmapped below the stack */
    STACK_MIN_ROOM = 128 << 10, /* left to the program at least */
    STACK_FIRST = 16 << 10,     /* what a loader takes of it */
};
#define STACK_MAX (1ull << 30) /* of an unlimited RLIMIT_STACK */

/* ---- the stack ---- */

static uint64_t stack_size(struct proc *p, uint64_t need)
{
    uint64_t size = MIN(p->limits[LIMIT_STACK].cur, STACK_MAX);

    return ALIGN_UP(MAX(size, need + STACK_MIN_ROOM), PAGE_SIZE);
}

/* The whole of it is reserved now and committed as it is touched. */
static int map_stack(struct mm *mm, uint64_t size, bool exec, uint64_t *top)
{
    int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
    uint64_t base = 0, start;
    int err = mm_map(mm, &base, size + STACK_GUARD, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);

    if (err) {
        return err;
    }
    mm_name(mm, base, MM_GUARD);
    start = base + STACK_GUARD;
    err = mm_map(mm, &start, size, prot,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE |
                     MAP_STACK,
                 NULL, 0);
    *top = base + STACK_GUARD + size;
    return err;
}

static void describe(const struct exec *x, struct proc *p, struct stack_in *in)
{
    const struct elf_image *img = &x->image;
    uint16_t noise;

    in->args = x->args;
    in->execfn = x->name;
    in->phdr = img->phdr_addr ? img->phdr_addr + img->bias : 0;
    in->phnum = img->header.phnum;
    in->entry = img->header.entry + img->bias;
    in->base = x->interp ? x->interp_image.bias + x->interp_image.low : 0;
    in->hwcap = arch_hwcap();
    in->minsigstksz = signal_min_stack();
    in->uid = current_cred()->uid;
    in->euid = current_cred()->euid;
    in->gid = current_cred()->gid;
    in->egid = current_cred()->egid;
    target_random(in->random, sizeof(in->random));
    target_random(&noise, sizeof(noise));
    in->gap = p->personality & ADDR_NO_RANDOMIZE ? 0 : noise % 512 * 16;
}

static int copy_stack(const struct exec_args *a, const char *execfn,
                      const struct stack_out *out)
{
    int err = 0;

    if (a->len) {
        err = copy_to_user(uptr(out->text), a->text, a->len);
    }
    if (!err) {
        err = copy_to_user(uptr(out->execfn), execfn, strlen(execfn) + 1);
    }
    return err ? err : copy_to_user(uptr(out->sp), out->block, out->block_len);
}

static void note_stack(struct proc *p, struct mm *mm,
                       const struct stack_out *out)
{
    struct mm_layout *l = mm_layout(mm);

    l->start_stack = out->sp;
    l->arg_start = out->text;
    l->arg_end = l->env_start = out->env;
    l->env_end = out->execfn;
    mm_name(mm, out->sp, MM_STACK);
    memcpy(p->auxv, out->auxv, out->auxv_len * sizeof(uint64_t));
    p->auxv_len = out->auxv_len;
}

static int make_stack(const struct exec *x, struct proc *p, uint64_t vdso,
                      bool secure, uint64_t *sp)
{
    struct stack_in in = {.vdso = vdso, .secure = secure};
    struct stack_out out;
    int err;

    describe(x, p, &in);
    err = map_stack(p->mm, stack_size(p, stack_need(&in)), x->image.exec_stack,
                    &in.top);
    if (!err) {
        err = stack_build(&in, &out);
    }
    if (err) {
        return err;
    }
    mm_expect(p->mm, out.sp - STACK_FIRST, in.top - out.sp + STACK_FIRST);
    err = copy_stack(x->args, x->name, &out);
    note_stack(p, p->mm, &out);
    *sp = out.sp;
    stack_free(&out);
    return err;
}

/* ---- the address space ---- */

static void note_image(struct mm *mm, const struct elf_image *img)
{
    struct mm_layout *l = mm_layout(mm);

    l->start_code = ~0ull;
    for (int i = 0; i < img->header.phnum; i++) {
        const struct elf_phdr *ph = &img->phdrs[i];
        uint64_t start = ph->vaddr + img->bias;

        if (ph->type != ELF_PT_LOAD) {
            continue;
        }
        l->start_code = MIN(l->start_code, start);
        l->start_data = MAX(l->start_data, start);
        l->end_data = MAX(l->end_data, start + ph->filesz);
        if (ph->flags & ELF_PF_X) {
            l->end_code = MAX(l->end_code, start + ph->filesz);
        }
    }
}

static int load(struct exec *x, struct mm *mm)
{
    int err = elf_map(mm, x->file, &x->image);

    if (err) {
        return err;
    }
    note_image(mm, &x->image);
    mm_set_brk(mm, x->image.high + x->image.bias,
               !(current_proc()->personality & ADDR_NO_RANDOMIZE));
    return x->interp ? elf_map(mm, x->interp, &x->interp_image) : 0;
}

static void switch_mm(struct proc *p, struct mm *mm)
{
    struct mm *old = p->mm;

    if (old) {
        proc_leaves(p, old);
        if (mm_leave(old)) {
            aio_end(old);
        }
    }
    sched_gate_enter(mm_gate(mm));
    spin_lock(&proc_lock);
    p->mm = mm;
    p->personality &= ~(uint32_t)READ_IMPLIES_EXEC; /* it is of 64 bits */
    spin_unlock(&proc_lock);
    current_task()->mm = mm;
    if (old) {
        mm_put(old);
    }
    vfork_release(p);
}

/* ---- the process ---- */

static int own_files(struct thread *t)
{
    struct files *shared = t->files, *own;
    int err;

    if (files_refs(shared) > 1) {
        err = files_copy(shared, &own);
        if (err) {
            return err;
        }
        spin_lock(&proc_lock);
        t->files = own;
        spin_unlock(&proc_lock);
        files_put(shared);
    }
    files_close_on_exec(t->files);
    return 0;
}

static void rename(struct exec *x, struct thread *t)
{
    struct proc *p = t->proc;
    const char *slash = strrchr(x->name, '/');

    strlcpy(t->comm, slash ? slash + 1 : x->name, sizeof(t->comm));
    strlcpy(p->comm, t->comm, sizeof(p->comm));
    proc_set_exe(p, x->file);
}

static void reset_thread(struct thread *t)
{
    t->robust_list = t->clear_child_tid = uptr(0);
    t->robust_len = 0;
    t->pi_waited = 0;
    t->pi_gone = false;
    t->restart.fn = NULL;
    user_dispatch_reset(t);
    signal_exec(t);
}

static int set_registers(struct thread *t, const struct elf_image *img,
                         uint64_t rsp)
{
    struct user_regs *regs = thread_regs(t);
    uint64_t rip = img->header.entry + img->bias;

    if (!mm_user_range(rip, 1)) {
        return -EINVAL; /* ours, or no address at all */
    }
    memset(regs, 0, sizeof(*regs));
    regs->rip = rip;
    regs->rsp = rsp;
    regs->cs = USER_CS;
    regs->ss = USER_SS;
    regs->rflags = RFLAGS_FIXED;
    regs->orig_rax = ~0ull;
    regs->full = 1;
    write_fs_base(0);
    fpu_reset(&t->task.fpu);
    t->task.fpu_saved = 1;
    return 0;
}

/* What its relatives see of it: its parent gets SIGCHLD from now on, whatever
 * it was made with. */
static void exec_known(struct proc *p)
{
    spin_lock(&proc_lock);
    p->did_exec = true;
    p->exec_id++;
    p->exit_signal = SIGCHLD;
    spin_unlock(&proc_lock);
}

/* Past the point of no return. */
static int become(struct exec *x, struct thread *t, struct mm *mm)
{
    struct proc *p = t->proc;
    uint64_t vdso, sp;
    bool secure;
    int err;

    thread_leave_mm(t);
    /* First: who may look at the old program may not at the new one's memory.
     */
    secure = exec_grant_take(&x->grant);
    switch_mm(p, mm);
    timers_exec(p);
    keys_exec(t);
    reset_thread(t);
    rename(x, t);
    exec_known(p);
    exec_text_set(p, x->args);
    err = own_files(t);
    if (!err) {
        err = load(x, mm);
    }
    if (!err) {
        err = vdso_map(mm, &vdso);
    }
    if (!err) {
        err = make_stack(x, p, vdso, secure, &sp);
    }
    if (!err) {
        err = set_registers(t, x->interp ? &x->interp_image : &x->image, sp);
    }
    mm_layout(mm)->loads_code = !x->interp;
    mm_loaded(mm);
    return err;
}

/* Which runs are alike (warm.h). False: this one is by itself, for it lies
 * where it must, or has rights that whoever started it has not. */
static bool describe_kind(const struct exec *x, struct mm_kind *kind)
{
    const struct cred *cred = current_cred();
    struct vm_object *o;

    if (exec_grants(&x->grant) ||
        file_object(x->file, PROT_READ, MAP_PRIVATE, &o) ||
        (x->interp && file_object(x->interp, PROT_READ, MAP_PRIVATE, &o))) {
        return false;
    }
    *kind = (struct mm_kind){.program = file_content(x->file),
                             .linker = x->interp ? file_content(x->interp) : 0,
                             .loader = x->interp ? o->ops->content(o) : NULL,
                             .owner = (uint64_t)cred->euid << 32 | cred->egid,
                             .fixed = x->image.header.type != ELF_TYPE_DYN};
    return true;
}

int proc_exec(int dirfd, const char *path, int flags, struct exec_args *args)
{
    struct thread *t = current_thread();
    int former = t->tid;
    struct mm_kind kind;
    struct exec *x;
    struct mm *mm;
    int err = exec_find(dirfd, path, flags, args, &x);

    if (err) {
        return err;
    }
    err = describe_kind(x, &kind) ? mm_create_as(&kind, &mm) : mm_create(&mm);
    if (err) {
        exec_free(x);
        return err;
    }
    mm_inherit_mdwe(mm, t->task.mm);
    err = proc_kill_siblings();
    if (err) {
        mm_put(mm);
        exec_free(x);
        return err;
    }
    err = become(x, t, mm);
    if (err) {
        log_warn("%s could not be loaded: error %d", x->name, -err);
    }
    exec_free(x);
    if (err) {
        exec_args_free(args);
        proc_exit_group(WSTATUS_SIGNAL(SIGSEGV));
    }
    ptrace_exec(t, former);
    return 0;
}
