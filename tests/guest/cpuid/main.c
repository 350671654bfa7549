/* SPDX-License-Identifier: MIT
 *
 * CPUID, which may be rewritten: it changes four registers and nothing else,
 * neither flags nor the red zone, also while signals arrive; and it gives the
 * same answer each time, in threads, too.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define ROUNDS 10000

struct probe {
    uint64_t rax, rbx, rcx, rdx; /* in and out */
    uint64_t others[9];          /* rsi rdi rbp r8-r15 but two */
    uint64_t red_zone, flags;
};

/* Leaves in *p what was there behind the instruction. */
void probe(struct probe *p);
__asm__(".text\n"
        ".type probe, @function\n"
        ".skip 512, 0x90\n" /* code to be seen before it */
        "probe:\n\t"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
        "mov %rdi, %r15\n\t"
        "mov 0(%r15), %rax; mov 16(%r15), %rcx\n\t"
        "mov $1, %esi; mov $2, %edi; mov $3, %ebp; mov $4, %r8d\n\t"
        "mov $5, %r9d; mov $6, %r10d; mov $7, %r11d; mov $8, %r12d\n\t"
        "mov $9, %r13d\n\t"
        "movq $77, -16(%rsp)\n\t"
        "mov $-1, %rbx; mov $-1, %rdx\n\t"
        "std; stc\n\t"
        "mov %rax, %rax; mov %rcx, %rcx\n\t"
        "cpuid\n\t"
        "mov -16(%rsp), %r14\n\t"
        "mov %rax, 0(%r15); mov %rbx, 8(%r15); mov %rcx, 16(%r15)\n\t"
        "mov %rdx, 24(%r15)\n\t"
        "pushfq; pop %rax; cld\n\t"
        "mov %rsi, 32(%r15); mov %rdi, 40(%r15); mov %rbp, 48(%r15)\n\t"
        "mov %r8, 56(%r15); mov %r9, 64(%r15); mov %r10, 72(%r15)\n\t"
        "mov %r11, 80(%r15); mov %r12, 88(%r15); mov %r13, 96(%r15)\n\t"
        "mov %r14, 104(%r15); mov %rax, 112(%r15)\n\t"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
        "ret\n\t"
        ".size probe, . - probe\n"
        ".skip 512, 0x90\n");

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    signals++;
}

static void fail(const char *what, uint32_t leaf)
{
    printf("leaf %x: %s\n", leaf, what);
    exit(1);
}

static void ask(uint32_t leaf, uint32_t sub, struct probe *p)
{
    memset(p, 0, sizeof(*p));
    p->rax = leaf;
    p->rcx = sub;
    probe(p);
    for (int i = 0; i < 9; i++) {
        if (p->others[i] != (uint64_t)i + 1) {
            fail("another register changed", leaf);
        }
    }
    if ((p->rax | p->rbx | p->rcx | p->rdx) >> 32) {
        fail("an upper half is not zero", leaf);
    }
    if (p->red_zone != 77) {
        fail("the red zone changed", leaf);
    }
    if ((p->flags & 0x401) != 0x401) {
        fail("flags changed", leaf);
    }
}

/* What no CPU of a machine answers differently. */
static const uint32_t leaves[] = {0, 7, 0x80000000, 0x80000001, 0x80000002};
enum { LEAVES = sizeof(leaves) / sizeof(leaves[0]) };

static void *same_answers(void *arg)
{
    static struct probe first[LEAVES];
    struct probe p;

    for (int i = 0; !arg && i < LEAVES; i++) {
        ask(leaves[i], 0, &first[i]);
    }
    for (int n = 0; n < ROUNDS; n++) {
        int i = n % LEAVES;

        ask(leaves[i], 0, &p);
        if (memcmp(&p, &first[i], 4 * sizeof(uint64_t))) {
            fail("two answers", leaves[i]);
        }
    }
    return NULL;
}

int main(void)
{
    const struct itimerval often = {{0, 500}, {0, 500}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    pthread_t thread;
    struct probe p;

    ask(0, 0, &p);
    if (p.rax < 7) {
        fail("too few leaves", 0);
    }
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    same_answers(NULL);
    pthread_create(&thread, NULL, same_answers, (void *)leaves);
    same_answers((void *)leaves);
    pthread_join(thread, NULL);
    while (!signals) {
        ask(7, 0, &p);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    puts("CPUID changes four registers");
    return 0;
}
