/* SPDX-License-Identifier: MIT
 * Forked children that die in every way there is, one after the other and
 * several at once, beside relatives that sleep and that compute: nobody else
 * notices, and what they have in memory stays. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };
static unsigned char *memory;

static void fill(unsigned char with)
{
    for (int i = 0; i < SIZE; i += 512) {
        memory[i] = (unsigned char)(with + i / 512);
    }
}

static int is_filled(unsigned char with)
{
    for (int i = 0; i < SIZE; i += 512) {
        if (memory[i] != (unsigned char)(with + i / 512)) {
            return 0;
        }
    }
    return 1;
}

static void wild_write(void)
{
    volatile unsigned long nowhere = 16;

    *(volatile int *)nowhere = 1;
}

static void write_to_text(void)
{
    *(volatile char *)(void *)(unsigned long)&wild_write = 0;
}

static int deeper(volatile char *above);
static int (*volatile again)(volatile char *) = deeper;

static int deeper(volatile char *above)
{
    volatile char here[4096];

    here[0] = above[0];
    return again(here) + here[0];
}

static void overflow_stack(void)
{
    char c = 1;

    exit(deeper(&c));
}

static void jump_to_garbage(void)
{
    ((void (*)(void))0x123456789000ul)();
}

static void execute_data(void)
{
    ((void (*)(void))(void *)memory)();
}

static void illegal(void)
{
    __builtin_trap();
}

static void divide(void)
{
    volatile int zero = 0;

    exit(1 / zero);
}

static void past_the_end(void)
{
    char name[] = "/tmp/crash-XXXXXX";
    int fd = mkstemp(name);
    volatile char *p;

    unlink(name);
    p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    exit(p[4096]);
}

static void lose_stack(void)
{
    __asm__ volatile("xor %%esp, %%esp; push %%rax" ::: "memory");
}

static const struct {
    const char *name;
    void (*fn)(void);
} crashes[] = {
    {"wild write", wild_write},
    {"write to text", write_to_text},
    {"stack overflow", overflow_stack},
    {"jump to garbage", jump_to_garbage},
    {"execute data", execute_data},
    {"illegal", illegal},
    {"divide", divide},
    {"past the end", past_the_end},
    {"lose stack", lose_stack},
};
enum { CRASHES = sizeof(crashes) / sizeof(crashes[0]) };

static pid_t crash(int i)
{
    struct rlimit none = {0, 0}, small = {1 << 20, 1 << 20};
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_STACK, &small);
        fill((unsigned char)(100 + i));
        crashes[i].fn();
        _exit(0);
    }
    return pid;
}

static const int fatal[] = {
    SIGHUP,  SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,
    SIGKILL, SIGUSR1,   SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU,
    SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGSYS,  40};

/* One that sleeps until the end, and one that computes all the time. */
static pid_t relative(int *hold, int sleeps)
{
    pid_t pid = fork();
    char c;

    if (pid == 0) {
        close(hold[1]);
        fill((unsigned char)(50 + sleeps));
        if (sleeps) {
            read(hold[0], &c, 1);
        } else {
            struct sigaction sa = {.sa_handler = _exit};
            sigaction(SIGTERM, &sa, NULL);
            while (is_filled(50)) {
            }
            _exit(1);
        }
        _exit(is_filled((unsigned char)(50 + sleeps)) ? 11 : 1);
    }
    return pid;
}

static int status_of(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(void)
{
    pid_t pids[CRASHES], sleeper, worker;
    int hold[2], status, died = 0;

    setvbuf(stdout, NULL, _IONBF, 0);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pipe(hold);
    fill(1);
    sleeper = relative(hold, 1);
    worker = relative(hold, 0);
    for (int i = 0; i < CRASHES; i++) {
        status = status_of(crash(i));
        printf("%s: by signal %d, ours is right: %d\n", crashes[i].name,
               WIFSIGNALED(status) ? WTERMSIG(status) : -1, is_filled(1));
    }
    for (int i = 0; i < CRASHES; i++) {
        pids[i] = crash(i);
    }
    for (int i = 0; i < CRASHES; i++) {
        died += WIFSIGNALED(status_of(pids[i]));
    }
    printf("at once: %d of %d, ours is right: %d\n", died, CRASHES,
           is_filled(1));
    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        pid_t pid = fork();

        if (pid == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            fill(9);
            raise(fatal[i]);
            pause();
        }
        status = status_of(pid);
        printf("signal %d: %d\n", fatal[i],
               WIFSIGNALED(status) && WTERMSIG(status) == fatal[i]);
    }
    close(hold[1]);
    printf("sleeper %d", WEXITSTATUS(status_of(sleeper)));
    kill(worker, SIGTERM);
    printf(", worker %d, ours %d\n", WEXITSTATUS(status_of(worker)),
           is_filled(1));
    return 0;
}
