/* SPDX-License-Identifier: MIT
 *
 * Protection keys of the host: taking them, and giving the kernel's to what
 * this process has besides the arena (pages of the arena get theirs in mem.c).
 *
 * Everything outside the arena that could be written is the kernel's, with
 * three exceptions: struct vcpu, which user code reads; alternate stacks,
 * because Linux before 6.12 writes signal frames with the rights of what was
 * interrupted; and the bounce buffers, which io_uring may fill at any moment,
 * with the rights of whatever runs then.
 *
 * The thread that takes the keys may touch all of them, and threads inherit
 * that.
 */
#include "target/linux/host.h"
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PROGRAM_KEYS_LEAST = 2,
    LEAF_XSAVE = 0xd,
    COMPONENT_PKRU = 9,
    MAPS_MAX = 4096, /* lines */
    PATH_AT = 73,    /* column of a path in /proc/self/maps */
};
#define PIECES_END (1ul << 47)

static int take_key(void)
{
    long key = syscall(SYS_pkey_alloc, 0, 0);

    return key < 0 ? 0 : (int)key;
}

static void give_back(const struct memory_keys *k)
{
    syscall(SYS_pkey_free, k->kernel);
    syscall(SYS_pkey_free, k->vcpu);
    syscall(SYS_pkey_free, k->shared);
    for (unsigned i = 0; i < k->program_count; i++) {
        syscall(SYS_pkey_free, k->programs[i]);
    }
}

/* Where signal frames have PKRU; 0: nowhere. */
static uint32_t pkru_in_frame(void)
{
    unsigned len, at, c, d;

    if (!__get_cpuid_count(LEAF_XSAVE, COMPONENT_PKRU, &len, &at, &c, &d) ||
        !(host.fp_features >> COMPONENT_PKRU & 1) || at + len > host.fp_size) {
        return 0;
    }
    return at;
}

void keys_find(struct boot_info *info)
{
    struct memory_keys k = {0};
    void *pieces;
    int key;

    memset(&info->keys, 0, sizeof(info->keys));
    host.fp_pkru = pkru_in_frame();
    if (!info->isolation || !host.fp_pkru) {
        return;
    }
    k.kernel = take_key();
    k.vcpu = take_key();
    k.shared = take_key();
    while (k.program_count < ARRAY_SIZE(k.programs) && (key = take_key())) {
        k.programs[k.program_count++] = key;
    }
    pieces = mmap(NULL, PIECES_END / KEY_PIECE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (k.program_count < PROGRAM_KEYS_LEAST || pieces == MAP_FAILED) {
        give_back(&k);
        return;
    }
    host.key_pieces = pieces;
    info->keys = k;
    host.use_keys = true;
}

static int set_key(uint64_t start, uint64_t end, int prot, unsigned key)
{
    return syscall(SYS_pkey_mprotect, start, end - start, prot, key) ? -errno
                                                                     : 0;
}

/* The kernel's own "[vdso]" and the like stay as they are. */
static bool is_ours(const char *line, uint64_t start, const char *prot)
{
    const char *path = strlen(line) > PATH_AT ? line + PATH_AT : "";

    return !mem_in_arena(start, 1) && prot[1] == 'w' &&
           (*path != '[' || !strncmp(path, "[heap]", 6) ||
            !strncmp(path, "[stack]", 7) || !strncmp(path, "[anon", 5));
}

/* Keys of mappings are changed only when all are read. */
static int close_mappings(void)
{
    static struct {
        uint64_t start, end;
        int prot;
    } found[MAPS_MAX];
    FILE *f = fopen("/proc/self/maps", "re");
    unsigned count = 0;
    char line[512], prot[5];
    int err = f ? 0 : -errno;

    while (f && fgets(line, sizeof(line), f)) {
        uint64_t start, end;

        if (sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3 &&
            is_ours(line, start, prot) && count < MAPS_MAX) {
            found[count].start = start;
            found[count].end = end;
            found[count++].prot =
                PROT_READ | PROT_WRITE | (prot[2] == 'x' ? PROT_EXEC : 0);
        }
    }
    if (f) {
        fclose(f);
    }
    for (unsigned i = 0; i < count && !err; i++) {
        err = set_key(found[i].start, found[i].end, found[i].prot,
                      host.boot->keys.kernel);
    }
    return err;
}

/* Files in it are not everybody's to read. */
static int close_image(void)
{
    uint64_t start = host.boot->image_map, len = host.boot->image_map_len;

    return len ? set_key(start, start + len, PROT_READ, host.boot->keys.kernel)
               : 0;
}

int keys_close(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    uint64_t vcpus = (uint64_t)vcpu_by_id(0);
    int err;

    if (!host.use_keys) {
        return 0;
    }
    err = close_mappings();
    if (!err) {
        err = close_image();
    }
    if (!err) {
        err = set_key(vcpus, vcpus + VCPU_MAX * sizeof(struct vcpu), rw,
                      host.boot->keys.vcpu);
    }
    if (!err) {
        err = set_key(bounce_base, bounce_base + bounce_len, rw, 0);
    }
    for (unsigned id = 0; id < host.vcpu_count && !err; id++) {
        uint64_t stack = (uint64_t)host_vcpu(id) + HOST_ALTSTACK;
        err = set_key(stack, stack + HOST_ALTSTACK_SIZE, rw, 0);
    }
    return err;
}
