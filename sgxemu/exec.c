/* SPDX-License-Identifier: MIT */
/*
 * execve(2): the new program is run by a new copy of ourselves with the same
 * options, so children are emulated too. What would fail must fail before
 * that, with execve's own errno (image_check). Programs that are not 64-bit
 * x86 ELF run as they are, without emulation.
 */
#include "sgxemu/emu.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define AT_FLAGS_MASK (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)

static void append(char *to, const char *s, size_t size)
{
    size_t n = strlen(to), m = strlen(s);

    if (n + m < size) {
        memcpy(to + n, s, m + 1);
    }
}

static void append_number(char *to, long v, size_t size)
{
    char digits[24] = {0};
    int at = 23;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    append(to, digits + at, size);
}

/* The path to load, for execveat's descriptor as well. */
static long exec_path(ucontext_t *uc, long nr, char *path, size_t size)
{
    bool at = nr == SYS_execveat;
    uint64_t name = (uint64_t)(at ? REG(uc, RSI) : REG(uc, RDI));
    char own[1024];
    long err = user_string(uc, own, name, sizeof(own));

    if (err) {
        return err;
    }
    path[0] = 0;
    if (at && own[0] != '/' && (int)REG(uc, RDI) != AT_FDCWD) {
        append(path, "/proc/self/fd/", size);
        append_number(path, (int)REG(uc, RDI), size);
        if (own[0] == 0) {
            return REG(uc, R8) & AT_EMPTY_PATH ? 0 : -ENOENT;
        }
        append(path, "/", size);
    } else if (own[0] == 0) {
        return -ENOENT;
    }
    append(path, own, size);
    if (strcmp(path, "/proc/self/exe") == 0) {
        path[0] = 0;
        append(path, config.program, size);
    }
    return 0;
}

/* Our own argv in front of the program's. Returns bytes mapped, to free. */
static long build_argv(ucontext_t *uc, uint64_t argv, const char *path,
                       uint64_t **block, size_t *bytes)
{
    uint64_t count = 0, value;
    char *strings;
    long at;
    int n = 0;

    while (argv && user_read(uc, &value, argv + 8 * count, 8) == 0 && value) {
        if (++count > 1u << 20) {
            return -E2BIG;
        }
    }
    *bytes = PAGE_UP((count + (uint64_t)config.option_count + 8) * 8 + 16384);
    at = sys6(SYS_mmap, 0, (long)*bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sys_failed(at)) {
        return -ENOMEM;
    }
    *block = (uint64_t *)at;
    strings = (char *)at + *bytes - 16384;
    for (int i = 0; i < config.option_count; i++) {
        size_t len = strlen(config.options[i]) + 1;

        (*block)[n++] = (uint64_t)strings;
        memcpy(strings, config.options[i], len);
        strings += len;
    }
    (*block)[n++] = (uint64_t)memcpy(strings, "--exec", 7);
    strings += 7;
    (*block)[n++] = (uint64_t)memcpy(strings, path, strlen(path) + 1);
    strings += strlen(path) + 1;
    (*block)[n++] = (uint64_t)memcpy(strings, "--", 3);
    for (uint64_t i = 0; i < count; i++) {
        user_read(uc, &value, argv + 8 * i, 8);
        (*block)[n++] = value;
    }
    if (count == 0) {
        (*block)[n++] = (uint64_t)strings + 2; /* "" as Linux does */
    }
    (*block)[n] = 0;
    return 0;
}

static long run(struct thread *t, ucontext_t *uc, long nr, const char *path)
{
    bool at = nr == SYS_execveat;
    uint64_t argv = (uint64_t)(at ? REG(uc, RDX) : REG(uc, RSI));
    uint64_t envp = (uint64_t)(at ? REG(uc, R10) : REG(uc, RDX)), *block;
    uint32_t pkru = key_state < 0 ? ~0u : pkru_closed(frame_pkru(uc));
    char self[sizeof(config.self)];
    size_t bytes;
    long result = build_argv(uc, argv, path, &block, &bytes);
    long call[7] = {SYS_execve, (long)self, 0, (long)envp, 0, 0, 0};

    if (result) {
        return result;
    }
    memcpy(self, config.self, sizeof(self));
    call[2] = (long)block;
    if (config.stats) {
        stats_print();
    }
    result = gate_syscall(call, pkru, &thread_head(t)->deferred);
    sys2(SYS_munmap, block, bytes);
    return result;
}

bool exec_syscall(struct thread *t, ucontext_t *uc, long nr, long *result)
{
    char path[4096], interpreter[256], argument[256];

    if (nr == SYS_execveat && REG(uc, R8) & ~AT_FLAGS_MASK) {
        *result = -EINVAL;
        return true;
    }
    *result = exec_path(uc, nr, path, sizeof(path));
    if (*result) {
        return true;
    }
    *result = image_check(path, interpreter, argument);
    if (*result == -ENOEXEC) {
        return false; /* the kernel may know it (binfmt_misc, 32 bits) */
    }
    if (*result == 0) {
        *result = run(t, uc, nr, path);
    }
    return true;
}
