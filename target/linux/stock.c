/* SPDX-License-Identifier: MIT
 *
 * Where a run finds what the one before left (kernel/mm/stock.h). The file
 * begins with a key that says for what it is good: this image, not touched
 * since (ctime cannot be set back), this build of the kernel, this start of the
 * host. The last, since nobody waits until the host has written it to its disk:
 * what a crash of the host leaves of it is not known.
 *
 * It is believed as this program's own file is: so it has to be this user's,
 * and nobody else's to write. Whatever is wrong with it, there is none.
 */
#include "target/linux/host.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "lib/hash.h"

/* SMALL: of what the kernel shows. With a stock little is shown that is not in
 * it, and to clear 2 MiB for that takes longer. */
enum { BUILD_ID_MAX = 32, NAME_LEN = 64, SMALL = 16 << 20 };

static union {
    struct {
        char magic[16];
        uint8_t build[BUILD_ID_MAX];
        uint8_t root_hash[32];
        char boot_id[40];
        uint64_t dev, ino, image_at; /* so far: what the name is made from */
        uint64_t image_size, size;
        int64_t mtime, mtime_ns, ctime, ctime_ns;
    };
    uint8_t page[4096];
} key __attribute__((aligned(4096)));
#define NAMED offsetof(__typeof__(key), image_size)

static int dir = -1;
static char name[NAME_LEN], temp[NAME_LEN + 32];

void target_linux_stock(int dirfd)
{
    dir = dirfd;
}

/* ---- the key ---- */

static bool note_is_build_id(const ElfW(Nhdr) * n)
{
    return n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
           !memcmp(n + 1, "GNU", 4) && n->n_descsz <= BUILD_ID_MAX;
}

/* Of this program, which the kernel is a part of. */
static bool find_build_id(void)
{
    extern const ElfW(Ehdr) __ehdr_start;
    const char *base = (const char *)&__ehdr_start;
    const ElfW(Phdr) *ph = (const void *)(base + __ehdr_start.e_phoff);

    for (int i = 0; i < __ehdr_start.e_phnum; i++) {
        const char *at = base + ph[i].p_vaddr, *end = at + ph[i].p_memsz;

        while (ph[i].p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) + 4 <= end) {
            const ElfW(Nhdr) *n = (const void *)at;

            at += sizeof(*n) + ALIGN_UP(n->n_namesz, 4);
            if (note_is_build_id(n)) {
                memcpy(key.build, at, n->n_descsz);
                return true;
            }
            at += ALIGN_UP(n->n_descsz, 4);
        }
    }
    return false;
}

static bool read_boot_id(void)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, key.boot_id, sizeof(key.boot_id) - 1);

    if (fd >= 0) {
        close(fd);
    }
    return n > 0;
}

/* The process's number is no name: in a container it is the same each time, and
 * what a killed run has left would be in the way of all that follow. */
static bool name_temp(void)
{
    uint64_t n;

    if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n)) {
        return false;
    }
    snprintf(temp, sizeof(temp), "%s.%016lx.tmp", name, n);
    return true;
}

static bool make_key(const struct boot_info *boot)
{
    struct stat st;

    if (fstat(boot->image_fd, &st) || !find_build_id() || !read_boot_id()) {
        return false;
    }
    snprintf(key.magic, sizeof(key.magic), "enclos stock 1");
    memcpy(key.root_hash, boot->root_hash, sizeof(key.root_hash));
    key.dev = st.st_dev;
    key.ino = st.st_ino;
    key.image_at = boot->image_at;
    key.image_size = boot->image_size;
    key.size = (uint64_t)st.st_size;
    key.mtime = st.st_mtim.tv_sec;
    key.mtime_ns = st.st_mtim.tv_nsec;
    key.ctime = st.st_ctim.tv_sec;
    key.ctime_ns = st.st_ctim.tv_nsec;
    snprintf(name, sizeof(name), "stock-%016lx.pages",
             hash_bytes(0, key.page, NAMED));
    return name_temp();
}

/* ---- the file ---- */

static bool is_ours(int fd, mode_t type, struct stat *st)
{
    return !fstat(fd, st) && (st->st_mode & S_IFMT) == type &&
           st->st_uid == geteuid() && !(st->st_mode & 022);
}

static bool has_key(int fd)
{
    static uint8_t page[sizeof(key)];

    return pread(fd, page, sizeof(page), 0) == sizeof(page) &&
           !memcmp(page, &key, sizeof(key));
}

static bool map(int fd, uint64_t len)
{
    uint64_t at = host.kernel_end - STOCK_ROOM;

    if (mmap((void *)at, len, PROT_READ,
             MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED) {
        return false;
    }
    if (host.use_keys && mem_set_protection(at, len, PROT_READ)) {
        mmap((void *)at, len, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
        return false;
    }
    madvise((void *)host.kernel_shown, SMALL, MADV_NOHUGEPAGE);
    host.stock = at;
    host.stock_len = len;
    host.stock_fd = fd;
    return true;
}

/* Who may read it sees what is in the image. */
static void find(struct boot_info *boot)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0) {
        return;
    }
    if (is_ours(fd, S_IFREG, &st) && st.st_size >= (off_t)sizeof(key) &&
        IS_ALIGNED((uint64_t)st.st_size, PAGE_SIZE) &&
        (uint64_t)st.st_size <= STOCK_ROOM && has_key(fd) &&
        map(fd, (uint64_t)st.st_size)) {
        futimens(fd, NULL); /* of use just now */
        boot->stock = host.stock;
        boot->stock_len = host.stock_len;
    } else {
        close(fd);
    }
}

/* Where code may not be mapped from, there is nothing to gain. */
static bool may_execute(void)
{
    struct statvfs fs;

    return !fstatvfs(dir, &fs) && !(fs.f_flag & ST_NOEXEC);
}

/* Nothing is written where a limit could end this process for it. */
static bool may_write(void)
{
    struct rlimit lim;

    return !getrlimit(RLIMIT_FSIZE, &lim) && lim.rlim_cur == RLIM_INFINITY;
}

void stock_open(struct boot_info *boot)
{
    struct stat st;

    boot->stock = boot->stock_len = 0;
    boot->stock_name = NULL;
    if (dir < 0 || boot->root != ROOT_IMAGE || !host.shown_size ||
        boot->memory_limit || boot->fault_alloc || boot->fault_io ||
        !is_ours(dir, S_IFDIR, &st) || !may_execute() || !make_key(boot)) {
        return;
    }
    find(boot);
    if (may_write()) {
        boot->stock_dir = dir;
        boot->stock_name = name;
        boot->stock_temp = temp;
        boot->stock_key = &key;
    }
}
