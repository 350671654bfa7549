/* SPDX-License-Identifier: MIT
 *
 * PROCMAP_QUERY, the ioctl(2) of /proc/PID/maps: one mapping by an address in
 * it or before it, by what it may and whether it is a file's, its name, and
 * refusals. Linux 6.11.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define PAGE  4096UL
#define QUERY _IOC(_IOC_READ | _IOC_WRITE, 'f', 17, sizeof(struct query))

struct query {
    unsigned long size, flags, addr;
    unsigned long start, end, perms, page_size, offset, inode;
    unsigned major, minor, name_size, build_id_size;
    unsigned long name, build_id;
};

enum {
    READABLE = 1,
    WRITABLE = 2,
    EXECUTABLE = 4,
    SHARED = 8,
    NEXT = 16,
    OF_FILE = 32
};

static int maps;
static struct query q;

/* The error, or 0. */
static int ask(const void *addr, unsigned long flags)
{
    q = (struct query){
        .size = sizeof(q), .flags = flags, .addr = (unsigned long)addr};
    errno = 0;
    return ioctl(maps, QUERY, &q) ? errno : 0;
}

int main(void);

static void refusals(char *p)
{
    struct {
        struct query q;
        long more;
    } large = {.q = {.size = sizeof(large), .addr = (unsigned long)p}};
    char name[4];

    must("flags", ask(p, 64) == EINVAL);
    q = (struct query){.size = 16, .addr = (unsigned long)p};
    must("small", ioctl(maps, QUERY, &q) && errno == EINVAL);
    q = (struct query){.size = 5000, .addr = (unsigned long)p};
    must("huge", ioctl(maps, QUERY, &q) && errno == E2BIG);
    must("larger", ioctl(maps, QUERY, &large) == 0);
    large.more = 1;
    large.q.size = sizeof(large);
    must("unknown", ioctl(maps, QUERY, &large) && errno == E2BIG);
    must("nowhere", ioctl(maps, QUERY, BAD) && errno == EFAULT);
    q = (struct query){
        .size = sizeof(q), .addr = (unsigned long)p, .name_size = 4};
    must("no buffer", ioctl(maps, QUERY, &q) && errno == EINVAL);
    q = (struct query){.size = sizeof(q),
                       .addr = (unsigned long)main,
                       .name = (unsigned long)name,
                       .name_size = sizeof(name)};
    must("long name", ioctl(maps, QUERY, &q) && errno == ENAMETOOLONG);
    must("other request", ioctl(maps, 12345, &q) && errno == ENOTTY);
}

int main(void)
{
    char name[300], exe[300] = "";
    char *p =
        mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("file", 0);

    show_start();
    old = older_than(6, 11);
    maps = open("/proc/self/maps", O_RDONLY);
    fd = memfd_create("file", 0);
    ftruncate(fd, 4 * PAGE);
    mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
         (long)PAGE);
    munmap(p + 3 * PAGE, PAGE);

    must("the file's", ask(p + PAGE, 0) == 0);
    must("its place", q.start == (unsigned long)p + PAGE &&
                          q.end == (unsigned long)p + 2 * PAGE);
    must("its rights", q.perms == (READABLE | WRITABLE));
    must("its offset", q.offset == PAGE && q.page_size == PAGE && q.inode);
    must("inside", ask(p + PAGE + 5, 0) == 0 && q.offset == PAGE);
    must("anonymous", ask(p + 2 * PAGE, 0) == 0 && !q.perms && !q.inode);
    must("hole", ask(p + 3 * PAGE, 0) == ENOENT);
    must("behind the hole", ask(p + 3 * PAGE, NEXT) == 0 &&
                                q.start == (unsigned long)p + 4 * PAGE);
    must("not writable", ask(p, WRITABLE) == ENOENT);
    must("next writable",
         ask(p, WRITABLE | NEXT) == 0 && q.start == (unsigned long)p + PAGE);
    must("no file's", ask(p + 2 * PAGE, OF_FILE) == ENOENT);
    must("code", ask((void *)main, EXECUTABLE | OF_FILE) == 0);
    readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    q = (struct query){.size = sizeof(q),
                       .addr = (unsigned long)main,
                       .name = (unsigned long)name,
                       .name_size = sizeof(name)};
    must("by name", ioctl(maps, QUERY, &q) == 0 && strcmp(name, exe) == 0 &&
                        q.name_size == strlen(exe) + 1);
    q = (struct query){.size = sizeof(q),
                       .addr = (unsigned long)p,
                       .name = (unsigned long)name,
                       .name_size = sizeof(name)};
    must("nameless", ioctl(maps, QUERY, &q) == 0 && q.name_size == 0);
    refusals(p);
    return 0;
}
