/* SPDX-License-Identifier: MIT
 *
 * Memory of the arena: the host's own page tables. The whole arena is one
 * reservation (PROT_NONE, MAP_NORESERVE), so committing is a change of
 * protection, costs nothing until a page is touched, and pages that were
 * never touched read as zero. How many mappings the host allows
 * (vm.max_map_count) is the caller's business.
 *
 * A piece of each part of the arena is a file in memory, mapped shared: what
 * can be seen at a second address.
 */
#include "target/linux/host.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "lib/string.h"

/* fetch(): pages to ask about at a time; when to ask. */
enum { ASKED_MAX = 64, ASK_ALWAYS = 8, ASK_SELDOM = 16 };

/* keep_apart(): how many places it remembers, and after how many turns it does
 * it again, for what is there now may be another mapping. */
enum { APART = 256, APART_TURNS = 64 };

static bool in_kernel_part(uint64_t addr)
{
    return addr - host.kernel_start < host.kernel_end - host.kernel_start;
}

/* Nothing that the programs have reaches into a hole or across one. */
static bool in_user_part(uint64_t addr, uint64_t end)
{
    for (unsigned i = 0; i < USER_HOLES; i++) {
        if (addr < host.user_holes[i].end && end > host.user_holes[i].start) {
            return false;
        }
    }
    return addr >= host.user_start && end <= host.user_end;
}

bool mem_in_arena(uint64_t addr, uint64_t len)
{
    uint64_t end = addr + len;

    return end >= addr && (in_kernel_part(addr) ? end <= host.kernel_end
                                                : in_user_part(addr, end));
}

/* ---- protection, and keys ---- */

/* It belongs to one owner as a whole, and is so large that its bytes in
 * key_pieces would be two megabytes. */
static bool in_user_shown(uint64_t addr)
{
    return host.shown_size && addr - host.user_shown < host.shown_size;
}

void target_mem_key(uint64_t addr, uint64_t len, unsigned key)
{
    uint64_t first = addr / KEY_PIECE;

    if (!host.use_keys || !mem_in_arena(addr, len)) {
        return;
    }
    if (in_user_shown(addr)) {
        host.user_shown_key = key;
    } else {
        memset(host.key_pieces + first, (int)key,
               ALIGN_UP(addr + len, KEY_PIECE) / KEY_PIECE - first);
    }
}

static unsigned key_of(uint64_t addr)
{
    unsigned key = in_user_shown(addr) ? host.user_shown_key
                                       : host.key_pieces[addr / KEY_PIECE];

    return key || !in_kernel_part(addr) ? key : host.boot->keys.kernel;
}

/* What cannot be accessed has key 0 as the reservation has, so that the two
 * are one mapping. */
long mem_set_protection(uint64_t addr, uint64_t len, int prot)
{
    if (!host.use_keys) {
        return RAW(SYS_mprotect, addr, len, prot);
    }
    return RAW(SYS_pkey_mprotect, addr, len, prot, prot ? key_of(addr) : 0);
}

static int set_protection(uint64_t addr, uint64_t len, int prot)
{
    if (!IS_ALIGNED(addr | len, PAGE_SIZE) || !mem_in_arena(addr, len)) {
        return -EINVAL;
    }
    return mem_set_protection(addr, len, prot);
}

/* What becomes read-only at the same place again is what a loader protects in
 * each run of a program (warm.h). Made a mapping of the host's of its own, by
 * an advice that changes nothing else, it is not cut out of its neighbour and
 * joined to it again each time: that is half of what the change costs. */
static void keep_apart(uint64_t addr, uint64_t len)
{
    static struct {
        uint64_t start, end;
        uint32_t turns;
    } places[APART]; /* a race costs little */
    unsigned i = addr / PAGE_SIZE % APART;

    if (places[i].start != addr || places[i].end != addr + len) {
        places[i].start = addr;
        places[i].end = addr + len;
        places[i].turns = 0;
    } else if (++places[i].turns % APART_TURNS == 1) {
        RAW(SYS_madvise, addr, len, MADV_RANDOM);
    }
}

/* The file behind what can be shown, and where addr lies in it; -1: not in
 * one. */
static int shown_file(uint64_t addr, uint64_t len, uint64_t *off)
{
    if (!host.shown_size || !mem_in_arena(addr, len)) {
        return -1;
    }
    *off = addr - host.kernel_shown;
    if (*off < host.shown_size) {
        return host.kernel_shown_fd;
    }
    *off = addr - host.user_shown;
    return *off < host.shown_size ? host.user_shown_fd : -1;
}

static bool is_shown(uint64_t addr, uint64_t len)
{
    uint64_t off;

    return shown_file(addr, len, &off) >= 0;
}

/* Every new mapping inside the arena is made here: one place for what a host
 * mapping has beside its protection. */
static long map_over(uint64_t addr, uint64_t len, int prot, int flags, int fd,
                     uint64_t off)
{
    long at = RAW(SYS_mmap, addr, len, prot, flags | MAP_NORESERVE | MAP_FIXED,
                  fd, off);

    if (at > 0 && host.use_keys && prot) { /* it has key 0 */
        long err = mem_set_protection(addr, len, prot);
        return err ? err : at;
    }
    return at;
}

/* The kernel commits its memory in pieces of 2 MiB and uses all of each: one
 * fault of the host then instead of 512. Where huge pages are off, nothing
 * happens. What can be shown is used in parts. */
static void want_huge_pages(uint64_t addr, uint64_t len)
{
    const uint64_t huge = 2ull << 20;

    if (in_kernel_part(addr) && IS_ALIGNED(addr | len, huge) &&
        !is_shown(addr, len)) {
        RAW(SYS_madvise, addr, len, MADV_HUGEPAGE);
    }
}

/* A part of such a piece is committed again when it is about to be written:
 * the file's pages, which are small, come in at once. Best effort. */
static bool bring_in(uint64_t addr, uint64_t len)
{
    return in_kernel_part(addr) && len < 2 << 20 && is_shown(addr, len) &&
           RAW(SYS_madvise, addr, len, MADV_POPULATE_WRITE) == 0;
}

int target_mem_commit(uint64_t addr, uint64_t len, int prot)
{
    int err;

    if (bring_in(addr, len)) {
        return 0;
    }
    err = set_protection(addr, len, prot);

    if (!err) {
        want_huge_pages(addr, len);
    }
    return err;
}

int target_mem_protect_runs(const struct mem_run *runs, unsigned count,
                            int prot)
{
    int err = prot == MEM_BACK ? -EOPNOTSUPP : 0;

    for (unsigned i = 0; i < count && !err; i++) {
        uint64_t addr = runs[i].start, len = runs[i].end - addr;

        err = set_protection(addr, len, prot);
        if (!err && prot == MEM_READ && !in_kernel_part(addr)) {
            keep_apart(addr, len);
        }
    }
    return err;
}

static long punch(int fd, uint64_t off, uint64_t len)
{
    return RAW(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
               off, len);
}

void target_mem_release(uint64_t addr, uint64_t len)
{
    uint64_t off;
    int fd;

    if (!IS_ALIGNED(addr | len, PAGE_SIZE) || !mem_in_arena(addr, len)) {
        return;
    }
    fd = shown_file(addr, len, &off);
    if (fd >= 0) {
        punch(fd, off, len);
        RAW(SYS_mprotect, addr, len, PROT_NONE);
        return;
    }
    if (map_over(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) <
        0) {
        /* At max_map_count: drop the content at least, and the access where
         * no mapping must be split for it. */
        RAW(SYS_madvise, addr, len, MADV_DONTNEED);
        mem_set_protection(addr, len, PROT_NONE);
    }
}

int target_mem_clear(uint64_t addr, uint64_t len)
{
    uint64_t off;
    int fd;

    if (!IS_ALIGNED(addr | len, PAGE_SIZE) || !mem_in_arena(addr, len)) {
        return -EINVAL;
    }
    fd = shown_file(addr, len, &off);
    return fd >= 0 ? (int)punch(fd, off, len)
                   : RAW(SYS_madvise, addr, len, MADV_DONTNEED);
}

int target_mem_show(uint64_t addr, uint64_t src, uint64_t len, int prot,
                    bool shared)
{
    uint64_t off = src - host.stock;
    bool stocked = off < host.stock_len && len <= host.stock_len - off;
    int fd = stocked ? host.stock_fd : shown_file(src, len, &off);

    if (fd < 0) {
        return -EOPNOTSUPP;
    }
    if (!IS_ALIGNED(addr | src | len, PAGE_SIZE) || !mem_in_arena(addr, len) ||
        is_shown(addr, len)) {
        return -EINVAL;
    }
    return map_over(addr, len, prot, shared ? MAP_SHARED : MAP_PRIVATE, fd,
                    off) < 0
               ? -ENOMEM
               : 0;
}

/* ---- what was touched ---- */

struct scan_region {
    uint64_t start, end, categories;
};
struct scan_arg { /* PAGEMAP_SCAN, linux/fs.h since 6.7 */
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask;
    uint64_t return_mask;
};
#define SCAN         0xc0606610ul
#define SCAN_FILE    4
#define SCAN_PRESENT 8
#define SCAN_SWAPPED 16
#define SEEK_DATA    3
#define SEEK_HOLE    4
_Static_assert(sizeof(struct scan_arg) == 0x60, "its size is in its number");

enum { SCAN_MAX = 32 };

long mem_scan(uint64_t *from, uint64_t to, bool written, struct mem_run *runs,
              unsigned max)
{
    struct scan_region found[SCAN_MAX];
    unsigned room = MIN(max, (unsigned)SCAN_MAX);
    struct scan_arg arg = {.size = sizeof(arg),
                           .start = *from,
                           .end = to,
                           .vec = (uint64_t)found,
                           .vec_len = room,
                           .category_inverted = written ? SCAN_FILE : 0,
                           .category_mask = written ? SCAN_FILE : 0,
                           .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
                           .return_mask = SCAN_PRESENT};
    long n =
        host.pagemap_fd >= 0 ? RAW(SYS_ioctl, host.pagemap_fd, SCAN, &arg) : -1;

    if (n < 0 || n > (long)arg.vec_len) {
        return -1;
    }
    for (long i = 0; i < n; i++) {
        runs[i] = (struct mem_run){found[i].start, found[i].end};
    }
    *from = n < (long)arg.vec_len ? to : arg.walk_end;
    return n;
}

/* Of what can be shown: the file's own pages, whoever touched them. One run at
 * a time. */
static long scan_shown(uint64_t *from, uint64_t to, struct mem_run *runs)
{
    uint64_t off;
    int fd = shown_file(*from, to - *from, &off);
    long data = RAW(SYS_lseek, fd, off, SEEK_DATA), hole;

    if (data == -ENXIO || data >= (long)(off + (to - *from))) {
        *from = to;
        return 0;
    }
    hole = data < (long)off ? -1 : RAW(SYS_lseek, fd, data, SEEK_HOLE);
    if (hole <= data) {
        return -1;
    }
    runs[0].start = *from + ((uint64_t)data - off);
    runs[0].end = MIN(to, *from + ((uint64_t)hole - off));
    *from = runs[0].end;
    return 1;
}

unsigned target_mem_touched(uint64_t *from, uint64_t to, bool written,
                            struct mem_run *runs, unsigned max)
{
    uint64_t start = *from;
    long n = is_shown(start, to - start)
                 ? scan_shown(from, to, runs)
                 : mem_scan(from, to, written, runs, max);

    if (n < 0) { /* an older kernel: perhaps all of it */
        runs[0] = (struct mem_run){start, to};
        *from = to;
        n = 1;
    }
    return (unsigned)n;
}

/* Writes through /proc/self/mem, which minds no protection: no thread of the
 * program sees the pages before they are whole, and none faults here. */
static bool write_unseen(uint64_t addr, const void *src, uint64_t len)
{
    return host.mem_fd >= 0 && mem_in_arena(addr, len) &&
           RAW(SYS_pwrite64, host.mem_fd, src, len, addr) == (long)len;
}

/* What the kernel is going to show need not be seen where it has it itself: to
 * write to the file takes two thirds of the time that pages take to be mapped,
 * cleared and written to. The kernel's pages can be written as they are. */
static bool write_shown(uint64_t addr, const void *src, uint64_t len, int prot)
{
    uint64_t off;
    int fd = shown_file(addr, len, &off);

    return in_kernel_part(addr) && fd >= 0 &&
           prot == (PROT_READ | PROT_WRITE) &&
           RAW(SYS_pwrite64, fd, src, len, off) == (long)len;
}

/* Whether the host has it in its memory. To ask costs as much as a page; so
 * while it has what is wanted, only now and then. Of a file that is not ours to
 * write it says yes in any case (mincore(2)): then this vCPU waits for it. */
static bool is_there(uint64_t src, uint64_t len)
{
    static uint32_t good; /* answers in a row; a race costs little */
    uint8_t pages[ASKED_MAX];
    uint64_t count = MIN(len / PAGE_SIZE, (uint64_t)ASKED_MAX);

    if (good >= ASK_ALWAYS && good % ASK_SELDOM) {
        good++;
        return true;
    }
    memset(pages, 0, sizeof(pages));
    RAW(SYS_mincore, src, count * PAGE_SIZE, pages);
    for (uint64_t i = 0; i < count; i++) {
        if (!(pages[i] & 1)) {
            good = 0;
            return false;
        }
    }
    good++;
    return true;
}

/* The kernel's file, opened once more: who copies to it by sendfile(2) does so
 * at the descriptor's own position. Negative: it cannot be. */
static int copy_fd(void)
{
    struct host_vcpu *h = this_host_vcpu();

    if (!h->copy_fd) {
        h->copy_fd = (int)RAW(SYS_openat, AT_FDCWD, host.kernel_shown_path,
                              O_RDWR | O_CLOEXEC);
    }
    return h->copy_fd;
}

/* From file to file, so that the host need not map what it reads. */
static bool copy_image(uint64_t off, uint64_t from, uint64_t len)
{
    int fd = copy_fd();

    if (fd < 0 || RAW(SYS_lseek, fd, off, SEEK_SET) != (long)off) {
        return false;
    }
    while (len) {
        long n = RAW(SYS_sendfile, fd, host.boot->image_fd, &from, len);

        if (n <= 0 || (uint64_t)n > len) {
            return false;
        }
        len -= (uint64_t)n;
    }
    return true;
}

/* From the image: what the host would have to read first comes by a request,
 * which holds up nobody else. No access of ours: a file that became shorter is
 * an error here, and would be a signal there. */
static int fetch(uint64_t addr, uint64_t src, uint64_t len)
{
    uint64_t off;

    if (!in_kernel_part(addr) || shown_file(addr, len, &off) < 0 || !len) {
        return -EINVAL;
    }
    if (!is_there(src, len)) {
        return -EAGAIN;
    }
    return copy_image(off, src - host.boot->image_map, len) ? 0 : -EIO;
}

static bool in_image(uint64_t addr)
{
    return addr - host.boot->image_map < host.boot->image_map_len;
}

int target_mem_install(uint64_t addr, const void *src, uint64_t len, int prot)
{
    int err;

    if (in_image((uint64_t)src)) {
        return fetch(addr, (uint64_t)src, len);
    }
    if (write_shown(addr, src, len, prot)) {
        return 0;
    }
    if (write_unseen(addr, src, len)) {
        return set_protection(addr, len, prot);
    }
    err = set_protection(addr, len, PROT_READ | PROT_WRITE);
    if (err) {
        return err;
    }
    memcpy((void *)addr, src, len);
    return set_protection(addr, len, prot);
}
