/* SPDX-License-Identifier: MIT
 *
 * clone3: a thread of our own made with it, its tid stores, TLS and exit;
 * sizes of the structure and refusals.
 */
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include "tests/guest/show.h"

#define THREAD                                                                 \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |        \
     CLONE_SYSVSEM)

static struct clone_args args;
static volatile int parent_tid, child_tid, seen_tid, same_pid;

static void body(void)
{
    long tid, pid;

    __asm__ volatile("syscall"
                     : "=a"(tid)
                     : "a"(SYS_gettid)
                     : "rcx", "r11", "memory");
    __asm__ volatile("syscall"
                     : "=a"(pid)
                     : "a"(SYS_getpid)
                     : "rcx", "r11", "memory");
    seen_tid = tid;
    same_pid = pid;
}

/* The child must not return: it calls what lies on its stack and ends. */
static long start(void)
{
    long r;

    __asm__ volatile("syscall\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "pop %%rcx\n\t"
                     "call *%%rax\n\t"
                     "mov $60, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(r)
                     : "a"(SYS_clone3), "D"(&args), "S"(sizeof(args))
                     : "rcx", "r11", "memory");
    return r;
}

static void thread(void)
{
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    title("a thread");
    args.flags = THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
                 CLONE_CHILD_SETTID;
    args.stack = (uintptr_t)stack;
    args.stack_size = 65536 - 16;
    *(void (**)(void))(stack + 65536 - 16) = body;
    args.parent_tid = (uintptr_t)&parent_tid;
    args.child_tid = (uintptr_t)&child_tid;
    child_tid = -1;
    long tid = start();
    while (child_tid) {
        int now = child_tid;

        if (now) {
            syscall(SYS_futex, &child_tid, FUTEX_WAIT, now, NULL, NULL, 0);
        }
    }
    printf("tid %d parent %d seen %d process %d cleared %d\n", tid > 0,
           parent_tid == tid, seen_tid == tid, same_pid == getpid(),
           child_tid == 0);
}

#define TRY(setup)                                                             \
    memset(&args, 0, sizeof(args));                                            \
    args.flags = THREAD;                                                       \
    args.stack = (uintptr_t)stack;                                             \
    args.stack_size = sizeof(stack);                                           \
    setup;                                                                     \
    printf("%s: ", #setup);                                                    \
    CALL(clone3, &args, sizeof(args))

static void refusals(void)
{
    static char stack[65536];
    struct {
        struct clone_args a;
        uint64_t more;
    } big = {.more = 1};

    title("refusals");
    TRY(args.flags |= 1);
    TRY(args.flags |= CLONE_DETACHED);
    TRY(args.flags |= 1ull << 40);
    TRY(args.exit_signal = 17);
    TRY(args.exit_signal = 300);
    TRY(args.stack = 0);
    TRY(args.stack_size = 0);
    TRY(args.stack = ~0ull - 100);
    TRY(args.flags = CLONE_THREAD);
    TRY(args.flags = CLONE_SIGHAND);
    TRY(args.set_tid_size = 1);
    TRY(args.set_tid_size = 33; args.set_tid = (uintptr_t)stack);
    TRY(args.cgroup = 1ull << 40; args.flags = CLONE_INTO_CGROUP);
    CALL(clone3, BAD, sizeof(args));
    CALL(clone3, &args, 63L);
    CALL(clone3, &args, 5000L);
    CALL(clone3, &big, sizeof(big));
}

int main(void)
{
    show_start();
    thread();
    refusals();
    return 0;
}
