/* SPDX-License-Identifier: MIT
 * The same program again and again: however a run ended and whatever it wrote
 * to its data, stack and even code, the next one finds nothing of that, and
 * only what it mapped itself ("places": no more than that); and the program as
 * its file is then ("changed"). A run that became another user's tells nothing
 * of where the next one is ("dropped"). */
#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, DEEP = 200000, OUT = 9 };

extern char **environ;
static int data = 7;
static volatile char edition[] = "edition:1";
static int *volatile pointer = &data;
static int *volatile nowhere = (int *)8;
static char bss[1 << 16];
static char block[PAGE] __attribute__((aligned(PAGE))) = "block";
static __thread int tls = 5;
static const char text[PAGE] = "read-only";

__attribute__((noinline, aligned(4096))) static int answer(void)
{
    __asm__ volatile("");
    return 42;
}

/* ---- a run ---- */

static const char *what_is_old(void)
{
    const volatile char *deep = (char *)__builtin_frame_address(0) - DEEP;

    for (size_t i = 0; i < sizeof(bss); i++) {
        if (bss[i]) {
            return "bss";
        }
    }
    for (int i = 0; i < 2 * PAGE; i++) {
        if (deep[i]) {
            return "stack";
        }
    }
    return data != 7                   ? "data"
           : pointer != &data          ? "pointer"
           : tls != 5                  ? "tls"
           : optind != 1               ? "libc"
           : strcmp(text, "read-only") ? "text"
           : strcmp(block, "block")    ? "block"
           : answer() != 42            ? "code"
                                       : NULL;
}

static void overwrite(void *at, const void *with, size_t len, int prot)
{
    char *page = (char *)((uintptr_t)at & -(uintptr_t)PAGE);

    if (mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE)) {
        perror("mprotect");
        exit(99);
    }
    memcpy(at, with, len);
    mprotect(page, 2 * PAGE, prot);
}

__attribute__((noinline)) static void write_all_over(void)
{
    static const unsigned char code[] = {0xb8, 13, 0, 0, 0, 0xc3};
    char deep[DEEP + 2 * PAGE];

    memset(deep, 'x', sizeof(deep));
    __asm__ volatile("" ::"r"(deep) : "memory");
    data = tls = optind = 99;
    pointer = NULL;
    memset(bss, 'x', sizeof(bss));
    memset(block, 'x', sizeof(block));
    overwrite((void *)text, "written", 8, PROT_READ);
    if (mprotect((void *)answer, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)) {
        exit(98);
    }
    memcpy((void *)answer, code, sizeof(code));
    mprotect((void *)answer, PAGE, PROT_READ | PROT_EXEC);
    if (answer() != 13) {
        exit(97);
    }
}

static void *leave(void *arg)
{
    exit(4);
}

static void end(int how, char **argv)
{
    pthread_t t;

    switch (how) {
    case 0:
        exit(0);
    case 1:
        _exit(1);
    case 2:
        kill(getpid(), SIGKILL);
        break;
    case 3:
        *nowhere = 1;
        break;
    case 4:
        pthread_create(&t, NULL, leave, NULL);
        pthread_join(t, NULL);
        break;
    case 5:
        if (fork() == 0) {
            data = 3;
            _exit(0);
        }
        wait(NULL);
        exit(5);
    case 6:
        munmap(block, PAGE);
        exit(6);
    case 7: /* once more, in this process */
        argv[1] = "1";
        execv(argv[0], argv);
        break;
    case 8:
        madvise(block, PAGE, MADV_DONTNEED);
        exit(*block == 'b' ? 8 : 94);
    }
    exit(96);
}

/* ---- places ---- */

static int is_mapped(uint64_t addr)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;

    while (f && fgets(line, sizeof(line), f)) {
        uint64_t start, stop;
        char r;
        if (sscanf(line, "%lx-%lx %c", &start, &stop, &r) == 3) {
            found |= addr >= start && addr < stop && r == 'r';
        }
    }
    fclose(f);
    return found;
}

/* Whether memory can be read exactly where maps(5) says so. */
static int is_true(uint64_t addr)
{
    int p[2], readable;

    pipe(p);
    readable = write(p[1], (void *)addr, 1) == 1;
    close(p[0]);
    close(p[1]);
    return readable == is_mapped(addr);
}

/* Says where the library is that was asked for, and looks at where others
 * had it. */
static int look(int argc, char **argv)
{
    uint64_t at = (uint64_t)dlsym(RTLD_DEFAULT, "sin");
    int good = 1;

    for (int i = 2; i < argc; i++) {
        good &= is_true(strtoull(argv[i], NULL, 16));
    }
    write(OUT, &at, sizeof(at));
    return good ? 0 : 1;
}

/* ---- the parent ---- */

static int run(char **argv, char **env)
{
    int status;
    pid_t pid;

    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env)) {
        return -1;
    }
    waitpid(pid, &status, 0);
    return status;
}

static void endings(char *self)
{
    for (int how = 0; how <= 8; how++) {
        char number[8], *argv[] = {self, number, NULL};

        printf("ending %d:", how);
        for (int i = 0; i < 4; i++) {
            snprintf(number, sizeof(number), "%d", how);
            printf(" %x", run(argv, environ) & ~0x80); /* no core dump bit */
        }
        printf("\n");
    }
}

/* With a library more, and without it, in turn. */
static void places(char *self)
{
    char *with[] = {"LD_PRELOAD=libm.so.6", NULL}, *without[] = {NULL};
    char *argv[16] = {self, "look"}, number[12][32];
    int p[2], count = 2;

    pipe(p);
    dup2(p[1], OUT);
    for (int i = 0; i < 12; i++) {
        uint64_t at = 1;
        int status = run(argv, i % 3 == 2 ? with : without);

        read(p[0], &at, sizeof(at));
        printf("run %d: %x, the library is %sthere\n", i, status,
               at ? "" : "not ");
        if (at) {
            snprintf(number[i], sizeof(number[i]), "%lx", at);
            argv[count++] = number[i];
        }
    }
}

/* ---- a program that changes ---- */

/* Says which edition this is, and makes the page of it its own. */
static int edition_here(void)
{
    int found = edition[8];

    memset((char *)edition, 'x', sizeof(edition));
    data = 9;
    return found;
}

/* Where the edition stands in the file. */
static char *find_edition(char *file, size_t len)
{
    for (size_t i = 0; i + sizeof(edition) <= len; i++) {
        if (!memcmp(file + i, (char *)edition, 8) && file[i + 8] >= '0' &&
            file[i + 8] <= '9') {
            return file + i + 8;
        }
    }
    exit(93);
}

static void store(const char *path, int flags, const char *from, size_t len,
                  off_t at)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0755);

    if (fd < 0 || pwrite(fd, from, len, at) != (ssize_t)len) {
        perror(path);
        exit(92);
    }
    close(fd);
}

/* Its file is written in place, written anew, and replaced. */
static void changed(const char *self)
{
    char path[64], next[80], *argv[] = {path, "edition", NULL};
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    size_t len = lseek(fd, 0, SEEK_END);
    char *file = malloc(len), *at;

    pread(fd, file, len, 0);
    close(fd);
    at = find_edition(file, len);
    snprintf(path, sizeof(path), "/tmp/exec-again.%d", getpid());
    snprintf(next, sizeof(next), "%s.next", path);
    store(path, O_CREAT | O_EXCL, file, len, 0);
    for (int i = 1; i <= 4; i++) {
        *at = (char)('0' + i);
        if (i == 2) {
            store(path, 0, at, 1, at - file);
        } else if (i == 3) {
            store(path, O_TRUNC, file, len, 0);
        } else if (i == 4) {
            store(next, O_CREAT | O_EXCL, file, len, 0);
            rename(next, path);
        }
        for (int j = 0; j < 3; j++) {
            int status = run(argv, environ);
            printf("edition %d: %x %c\n", i, status & 0xff, status >> 8);
        }
    }
    unlink(path);
}

/* ---- a program that becomes somebody else's ---- */

static int drop(void)
{
    uint64_t at = (uint64_t)&data;

    write(OUT, &at, sizeof(at));
    return setegid(65534) || seteuid(65534) ? 91 : 0;
}

static void dropped(char *self)
{
    char *argv[] = {self, "user", NULL};
    uint64_t at[4];
    int p[2], same = 0;

    pipe(p);
    dup2(p[1], OUT);
    for (int i = 0; i < 4; i++) {
        int status = run(argv, environ);

        read(p[0], &at[i], sizeof(at[i]));
        same += i && at[i] == at[i - 1];
        printf("run %d: %x\n", i, status);
    }
    printf("at the same place: %d\n", same);
}

int main(int argc, char **argv)
{
    const char *old = what_is_old();

    if (old) {
        printf("old: %s\n", old);
        return 95;
    }
    if (argc > 1 && *argv[1] == 'l') {
        return look(argc, argv);
    }
    if (argc > 1 && *argv[1] == 'u') {
        return drop();
    }
    if (argc > 1 && *argv[1] == 'e') {
        return edition_here();
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1 && *argv[1] == 'p') {
        places(argv[0]);
        return 0;
    }
    if (argc > 1 && *argv[1] == 'd') {
        dropped(argv[0]);
        return 0;
    }
    if (argc > 1 && *argv[1] == 'c') {
        changed(argv[0]);
        return 0;
    }
    if (argc > 1) {
        write_all_over();
        end(atoi(argv[1]), argv);
    }
    endings(argv[0]);
    return 0;
}
