/* SPDX-License-Identifier: MIT
 *
 * Making images: equal trees give equal bytes wherever they lie, veritysetup
 * and fsck.erofs accept the result, archives give what directories give, and
 * failures say what is wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/fs/tests/image_file.h"
#include "lib/tests/unit.h"
#include "tools/image/image.h"

static bool build(const char *source, const char *out)
{
    char from[512], to[512];
    struct image_trailer t;

    snprintf(from, sizeof(from), "%s%s%s", source[0] == '/' ? "" : test_dir(),
             source[0] == '/' ? "" : "/", source);
    snprintf(to, sizeof(to), "%s/%s", test_dir(), out);
    return image_build(from, to, &t) == 0;
}

/* Fills a directory with the same files, made in the order that seed gives. */
static bool make_shuffled(const char *dir, int seed)
{
    char command[4096];

    snprintf(command, sizeof(command),
             "mkdir -p '%s' && cd '%s' && /usr/bin/python3 - %d <<'EOF'\n"
             "import os, random, sys\n"
             "names = ['f%%d' %% i for i in range(150)]\n"
             "names += ['d%%d/g%%d' %% (i, j) for i in range(9) for j in "
             "range(9)]\n"
             "random.Random(int(sys.argv[1])).shuffle(names)\n"
             "for n in names:\n"
             "    os.makedirs(os.path.dirname(n) or '.', exist_ok=True)\n"
             "    r = random.Random(n)\n"
             "    open(n, 'wb').write(r.randbytes(r.choice([0, 9, 4096, "
             "9000])))\n"
             "    keys = ['trusted.%%d' %% i for i in range(r.randrange(6))]\n"
             "    random.Random(sys.argv[1] + n).shuffle(keys)\n"
             "    for k in keys:\n"
             "        try: os.setxattr(n, k, k.encode() * 3)\n"
             "        except OSError: pass\n"
             "links = [('f1', 'z1'), ('d3/g3', 'a1'), ('d3/g3', 'd1/x')]\n"
             "random.Random(int(sys.argv[1])).shuffle(links)\n"
             "for a, b in links: os.link(a, b)\n"
             "for d, ds, fs in os.walk('.', topdown=False):\n"
             "    for f in fs:\n"
             "        os.utime(d + '/' + f, ns=(1, 1700000000123456789))\n"
             "    os.utime(d, ns=(1, 1600000000000000007))\n"
             "EOF\n",
             dir, dir, seed);
    return test_shell(command);
}

static void equal_trees_give_equal_bytes(void)
{
    char other[512];
    struct stat st;
    bool shm = !stat("/dev/shm", &st) && !access("/dev/shm", W_OK);

    /* Another file system lists names and attributes in another order. */
    snprintf(other, sizeof(other), "%s/shuffled",
             shm ? strrchr(test_dir(), '/') : "");
    if (shm) {
        memmove(other + strlen("/dev/shm"), other, strlen(other) + 1);
        memcpy(other, "/dev/shm", strlen("/dev/shm"));
    } else {
        snprintf(other, sizeof(other), "%s/second", test_dir());
    }
    EXPECT(make_shuffled("first", 1));
    EXPECT(make_shuffled(other, 2));
    EXPECT(build("first", "first.img"));
    sleep(1); /* the clock must not matter */
    EXPECT(build(other, "second.img"));
    EXPECT(test_shell("cmp first.img second.img"));
    *strrchr(other, '/') = '\0';
    if (shm) {
        char command[600];

        snprintf(command, sizeof(command), "rm -rf '%s'", other);
        EXPECT(test_shell(command));
    }
}

static void other_tools_accept_it(void)
{
    struct image_trailer t;
    char path[512], command[1024], hex[65];
    uint64_t size;
    int fd;

    snprintf(path, sizeof(path), "%s/first.img", test_dir());
    EXPECT_EQ(image_open(path, &fd, &size, &t), 0);
    close(fd);
    for (int i = 0; i < IMAGE_HASH_SIZE; i++) {
        sprintf(hex + 2 * i, "%02x", t.root_hash[i]);
    }
    snprintf(command, sizeof(command),
             "veritysetup verify --hash-offset=%llu first.img first.img %s",
             (unsigned long long)t.hash_offset, hex);
    EXPECT(test_shell(command));
    EXPECT(test_shell("fsck.erofs first.img >fsck.log 2>&1"));
    hex[0] ^= 1;
    snprintf(command, sizeof(command),
             "! veritysetup verify --hash-offset=%llu first.img first.img %s"
             " 2>/dev/null",
             (unsigned long long)t.hash_offset, hex);
    EXPECT(test_shell(command));
}

static void an_archive_gives_what_its_directory_gives(void)
{
    EXPECT(test_shell("tar -C first --xattrs --xattrs-include='*' --sort=name"
                      " --format=posix -cf first.tar ."));
    EXPECT(build("first.tar", "tar.img"));
    EXPECT(test_shell("cmp first.img tar.img"));
    EXPECT(test_shell("gzip -k first.tar"));
    EXPECT(build("first.tar.gz", "gz.img"));
    EXPECT(test_shell("cmp first.img gz.img"));
}

static void an_archive_without_directories(void)
{
    EXPECT(test_shell("tar -C first -cf bare.tar f1 d1/g1 d2/g2"));
    EXPECT(build("bare.tar", "bare1.img"));
    sleep(1);
    EXPECT(build("bare.tar", "bare2.img"));
    EXPECT(test_shell("cmp bare1.img bare2.img"));
}

static void owners_of_an_archive_are_kept(void)
{
    EXPECT(test_shell("tar -C first --owner=:1234 --group=:5678 -cf own.tar"
                      " f1 && mkdir -p own && tar -C own --numeric-owner"
                      " -xpf own.tar && touch -d @0 own && chmod 755 own"));
    EXPECT(build("own.tar", "own1.img"));
    EXPECT(build("own", "own2.img"));
    EXPECT(test_shell("cmp own1.img own2.img"));
    EXPECT(test_shell("dump.erofs --path=/f1 own1.img | "
                      "grep -q 'Uid: 1234.*Gid: 5678'"));
}

static void nothing_is_left_behind(void)
{
    EXPECT(test_shell("! ls -d *.tmp tmp/* 2>/dev/null"));
}

static void failures_leave_the_old_image(void)
{
    char *path = strdup(getenv("PATH"));

    EXPECT(test_shell("cp first.img keep.img; mkdir bin;"
                      "ln -s $(command -v rm env) bin"));
    setenv("PATH", "/nonexistent", 1);
    EXPECT(!build("first", "keep.img"));
    setenv("PATH", path, 1);
    EXPECT(test_shell("cmp first.img keep.img"));
    EXPECT(!build("absent", "keep.img"));
    EXPECT(!build("/dev/null", "keep.img"));
    EXPECT(test_shell("echo no archive > junk"));
    EXPECT(!build("junk", "keep.img"));
    EXPECT(test_shell("mkdir toolong; touch toolong/$(printf %0255d 0)"));
    EXPECT(!build("toolong", "keep.img"));
    EXPECT(!build("first", "absent/out.img"));
    EXPECT(test_shell("cmp first.img keep.img && ! ls keep.img.* 2>/dev/null"));
    free(path);
}

static void a_damaged_trailer_is_no_image(void)
{
    static const char *const damages[] = {
        "printf x | dd of=bad.img bs=1 conv=notrunc status=none"
        " seek=$(($(stat -c %s bad.img) - 4096))",
        "printf x | dd of=bad.img bs=1 conv=notrunc status=none"
        " seek=$(($(stat -c %s bad.img) - 1))",
        "printf x >> bad.img",
        "truncate -s -4096 bad.img",
        ": > bad.img",
        "rm bad.img"};
    struct image_trailer t;
    char path[512];
    uint64_t size;
    int fd;

    snprintf(path, sizeof(path), "%s/bad.img", test_dir());
    for (unsigned i = 0; i < ARRAY_SIZE(damages); i++) {
        EXPECT(test_shell("cp first.img bad.img"));
        EXPECT_EQ(image_open(path, &fd, &size, &t), 0);
        close(fd);
        EXPECT(test_shell(damages[i]));
        EXPECT_EQ(image_open(path, &fd, &size, &t), -1);
    }
}

int main(void)
{
    char tmp[512];

    EXPECT(test_shell("mkdir tmp"));
    snprintf(tmp, sizeof(tmp), "%s/tmp", test_dir());
    setenv("TMPDIR", tmp, 1);
    RUN(equal_trees_give_equal_bytes);
    RUN(other_tools_accept_it);
    RUN(an_archive_gives_what_its_directory_gives);
    RUN(an_archive_without_directories);
    if (geteuid() == 0) {
        RUN(owners_of_an_archive_are_kept);
    } else {
        SKIP(owners_of_an_archive_are_kept, "only root can give files away");
    }
    RUN(failures_leave_the_old_image);
    RUN(a_damaged_trailer_is_no_image);
    RUN(nothing_is_left_behind);
    return unit_result();
}
