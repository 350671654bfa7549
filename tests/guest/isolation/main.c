/* SPDX-License-Identifier: MIT
 *
 * Processes that crash, or write where nothing of theirs is, beside others
 * that must not notice.
 *
 *   crashes    one process dies of each kind of crash
 *   strays     one process for each kind of stray access: to the memory of
 *              others, through system calls and without, to what may be the
 *              kernel's, and everywhere where addresses may lie
 *   victim     what both start beside them: fills memory, says where it is,
 *              computes, and finds its memory as it was
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VICTIMS = 3, PLACES = 4, WORDS = 4096, MAPS_MAX = 1024 };
#define ARENA_START 0x10000ul
/* Of target linux: the heap of its kernel, what of that can be shown, and the
 * end (target/linux/arena.c). */
#define KERNEL_START 0x440000000000ul
#define KERNEL_SHOWN 0x4c0000000000ul
#define KERNEL_END   0x500000000000ul

/* ---- victims ---- */

static uint64_t data[WORDS] = {1};

static void fill(uint64_t *p, uint64_t seed)
{
    for (unsigned i = 0; i < WORDS; i++) {
        p[i] = seed + i * 0x9e3779b97f4a7c15;
    }
}

static int differs(const uint64_t *p, uint64_t seed)
{
    int n = 0;

    for (unsigned i = 0; i < WORDS; i++) {
        n += p[i] != seed + i * 0x9e3779b97f4a7c15;
    }
    return n;
}

static int victim(void)
{
    uint64_t stack[WORDS];
    uint64_t *p[PLACES] = {data, stack, malloc(sizeof(data)),
                           mmap(NULL, sizeof(data), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    int bad = 0;
    char c;

    for (unsigned i = 0; i < PLACES; i++) {
        fill(p[i], i);
    }
    write(3, p, sizeof(p));
    fcntl(4, F_SETFL, O_NONBLOCK);
    while (read(4, &c, 1) < 0 && errno == EAGAIN) {
        usleep(1000);
        for (unsigned i = 0; i < PLACES; i++) {
            bad += differs(p[i], i);
        }
    }
    for (unsigned i = 0; i < PLACES; i++) {
        bad += differs(p[i], i);
    }
    return bad != 0;
}

struct victim {
    pid_t pid;
    int stop;
    uint64_t *places[PLACES];
};
static struct victim victims[VICTIMS];

static void start_victim(struct victim *v)
{
    int places[2], stop[2];

    pipe2(places, O_CLOEXEC);
    pipe2(stop, O_CLOEXEC);
    v->pid = fork();
    if (v->pid == 0) {
        int from = fcntl(places[1], F_DUPFD_CLOEXEC, 20);
        int to = fcntl(stop[0], F_DUPFD_CLOEXEC, 20);

        dup2(from, 3);
        dup2(to, 4);
        execl("/proc/self/exe", "isolation", "victim", NULL);
        _exit(127);
    }
    close(places[1]);
    close(stop[0]);
    v->stop = stop[1];
    if (read(places[0], v->places, sizeof(v->places)) != sizeof(v->places)) {
        puts("a victim does not start");
    }
    close(places[0]);
}

static void start_victims(void)
{
    for (int i = 0; i < VICTIMS; i++) {
        start_victim(&victims[i]);
    }
}

static void end_victims(void)
{
    for (int i = 0; i < VICTIMS; i++) {
        int status;

        write(victims[i].stop, "", 1);
        waitpid(victims[i].pid, &status, 0);
        printf("victim %d: status %x\n", i, status);
    }
}

/* ---- whoever does wrong ---- */

struct deed {
    const char *name;
    void (*fn)(void);
};

static void run_deed(const struct deed *d)
{
    struct rlimit none = {0, 0};
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        d->fn();
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("%s: status %x\n", d->name, status);
}

static void run_deeds(const struct deed *deeds, unsigned n)
{
    start_victims();
    for (unsigned i = 0; i < n; i++) {
        run_deed(&deeds[i]);
    }
    end_victims();
}

/* ---- crashes ---- */

static volatile uint64_t sink;

__attribute__((noinline)) static uint64_t recurse(uint64_t n)
{
    volatile uint64_t frame[64];

    frame[n % 64] = n;
    return n == UINT64_MAX ? 0 : recurse(n + 1) + frame[(n + 1) % 64];
}

static void overflow(void)
{
    sink = recurse(0);
}

static void overflow_in_handler(void)
{
    static char stack[16384];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_handler = (void (*)(int))recurse,
                           .sa_flags = SA_ONSTACK};

    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    overflow();
}

static void jump_to(uint64_t at)
{
    ((void (*)(void))at)();
}

static void jump_to_null(void)
{
    jump_to(0);
}

static void jump_to_garbage(void)
{
    jump_to(0x123456789abc);
}

static void jump_out_of_space(void)
{
    jump_to(0xdeadbeefdeadbeef);
}

static void jump_to_data(void)
{
    jump_to((uint64_t)data);
}

static void lose_stack(void)
{
    __asm__ volatile("mov $16, %%rsp\n\tpush %%rax" ::: "memory");
}

static void lose_stack_in_kernel(void)
{
    __asm__ volatile("mov %0, %%rsp\n\tpush %%rax" ::"r"(KERNEL_START + 4096)
                     : "memory");
}

static void null_write(void)
{
    *(volatile int *)NULL = 1;
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void divide(void)
{
    volatile int zero = 0;

    sink = 1 / zero;
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void past_file(void)
{
    int fd = memfd_create("short", 0);
    volatile char *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    *p = 1;
}

static void every_signal(void)
{
    static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP,
                                SIGABRT, SIGBUS,  SIGFPE,    SIGKILL, SIGUSR1,
                                SIGSEGV, SIGUSR2, SIGPIPE,   SIGALRM, SIGTERM,
                                SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,
                                SIGPWR,  SIGSYS,  SIGSTKFLT, 34,      64};

    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
            kill(getpid(), fatal[i]);
            _exit(1);
        }
        waitpid(pid, &status, 0);
        printf("signal %d: %x\n", fatal[i], status & 0x7f);
    }
}

static const struct deed crashes[] = {
    {"stack overflow", overflow},
    {"stack overflow in its handler", overflow_in_handler},
    {"jump to null", jump_to_null},
    {"jump to garbage", jump_to_garbage},
    {"jump out of the address space", jump_out_of_space},
    {"jump to data", jump_to_data},
    {"stack at the zero page", lose_stack},
    {"write to null", null_write},
    {"undefined instruction", undefined},
    {"privileged instruction", privileged},
    {"division by zero", divide},
    {"breakpoint", breakpoint},
    {"behind a file's end", past_file},
    {"signals", every_signal},
};

/* ---- stray accesses ---- */

static sigjmp_buf back;
static volatile int code;
static void *volatile where;

static void on_segv(int sig, siginfo_t *si, void *uc)
{
    code = si->si_code;
    where = si->si_addr;
    siglongjmp(back, sig);
}

static void catch_segv(void)
{
    struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &sa, NULL);
}

/* Whether an access there is answered as where nothing is. */
static int faults(volatile uint64_t *p, int write)
{
    int sig = sigsetjmp(back, 1);

    if (!sig) {
        if (write) {
            *p = 0xbad;
        } else {
            sink = *p;
        }
    }
    return sig == SIGSEGV && code == SEGV_MAPERR && where == p;
}

static void each_place(int write)
{
    int n = 0;

    catch_segv();
    for (int i = 0; i < VICTIMS; i++) {
        for (int k = 0; k < PLACES; k++) {
            n += faults(victims[i].places[k] + 8 * k, write);
        }
    }
    printf("%d of %d fault\n", n, VICTIMS * PLACES);
}

static void read_victims(void)
{
    each_place(0);
}

static void write_victims(void)
{
    each_place(1);
}

static void write_victims_and_die(void)
{
    memset(victims[0].places[3], 0, 64);
}

/* What the kernel is asked to do there. */
static void call_victims(void)
{
    int fd[2], n = 0;

    pipe(fd);
    write(fd[1], "0123456789abcdef", 16);
    for (int i = 0; i < VICTIMS; i++) {
        for (int k = 0; k < PLACES; k++) {
            void *p = victims[i].places[k];
            struct iovec iov = {p, 8};

            n += read(fd[0], p, 8) == -1 && errno == EFAULT;
            n += write(fd[1], p, 8) == -1 && errno == EFAULT;
            n += writev(fd[1], &iov, 1) == -1 && errno == EFAULT;
            n += readlink("/proc/self/exe", p, 64) == -1 && errno == EFAULT;
            n += getrlimit(RLIMIT_CORE, p) == -1 && errno == EFAULT;
            n += open(p, O_RDONLY) == -1 && errno == EFAULT;
        }
    }
    printf("%d calls of %d: EFAULT\n", n, VICTIMS * PLACES * 6);
}

struct map {
    uint64_t start, end;
};

static unsigned own_maps(struct map *maps)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned n = 0;

    while (n < MAPS_MAX && fgets(line, sizeof(line), f)) {
        n += sscanf(line, "%lx-%lx", &maps[n].start, &maps[n].end) == 2;
    }
    fclose(f);
    return n;
}

/* Everywhere in steps that grow, at places that differ from run to run. */
static void write_everywhere(void)
{
    static struct map maps[MAPS_MAX];
    unsigned n = own_maps(maps), held = 0, tried = 0;
    uint64_t at = ARENA_START + (uint64_t)getpid() * 4096 % 65536;

    catch_segv();
    while (at < KERNEL_END) {
        int own = 0;

        for (unsigned i = 0; i < n; i++) {
            own |= at + 8 > maps[i].start && at < maps[i].end;
        }
        if (!own) {
            tried++;
            held += faults((uint64_t *)at, 1);
        }
        at += (at / 300 + 4096) & ~7ul;
    }
    printf("%s\n", tried > 1000 && held == tried ? "all fault" : "NOT all");
}

/* Of the pages in 8 MiB from start on, read and written by turns. */
static int faults_from(uint64_t start)
{
    int n = 0;

    for (uint64_t at = start; at < start + (8 << 20); at += 4096) {
        n += faults((uint64_t *)(at + 128), at >> 12 & 1);
    }
    return n;
}

static void write_kernel(void)
{
    catch_segv();
    printf("%d fault\n", faults_from(KERNEL_START) + faults_from(KERNEL_SHOWN));
}

/* GS leads to the kernel's data of a CPU, where it is not 0. */
static void write_gs(void)
{
    int n = 0;

    catch_segv();
    for (uint64_t at = 0; at < 128; at += 8) {
        if (!sigsetjmp(back, 1)) {
            __asm__ volatile("movq $0, %%gs:(%0)" ::"r"(at) : "memory");
        } else {
            n += code == SEGV_MAPERR;
        }
    }
    printf("%d fault\n", n);
}

static const struct deed strays[] = {
    {"reads", read_victims},
    {"writes", write_victims},
    {"a write without a handler", write_victims_and_die},
    {"calls", call_victims},
    {"writes everywhere", write_everywhere},
    {"the kernel's memory", write_kernel},
    {"through GS", write_gs},
    {"stack in the kernel's memory", lose_stack_in_kernel},
};

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "victim")) {
        return victim();
    }
    if (!strcmp(what, "crashes")) {
        run_deeds(crashes, sizeof(crashes) / sizeof(crashes[0]));
    }
    if (!strcmp(what, "strays")) {
        run_deeds(strays, sizeof(strays) / sizeof(strays[0]));
    }
    return 0;
}
