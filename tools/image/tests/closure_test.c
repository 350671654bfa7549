/* SPDX-License-Identifier: MIT
 *
 * Closures: libraries are found as the dynamic linker finds them (checked by
 * running the program in a chroot of nothing but its closure), scripts bring
 * their interpreters, and the cache notices what changes and nothing else.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/fs/tests/image_file.h"
#include "lib/tests/unit.h"
#include "tools/image/image.h"
#include "tools/image/util.h"

static struct path_set set;

/* The closure of a program of test_dir() or of the host. */
static bool collect(const char *program)
{
    char path[512];

    path_set_free(&set);
    snprintf(path, sizeof(path), "%s%s%s", program[0] == '/' ? "" : test_dir(),
             program[0] == '/' ? "" : "/", program);
    return closure_collect(path, &set) == 0;
}

/* Whether a path that ends so is packed. */
static bool has(const char *end)
{
    for (size_t i = 0; i < set.count; i++) {
        const char *path = set.entries[i].path;

        if (set.entries[i].kind != PATH_ABSENT && strlen(path) >= strlen(end) &&
            !strcmp(path + strlen(path) - strlen(end), end)) {
            return true;
        }
    }
    return false;
}

/* Runs command in the closure alone and compares its output. */
static void runs(const char *command, const char *want)
{
    char dir[512], line[2048];

    snprintf(dir, sizeof(dir), "%s/stage", test_dir());
    EXPECT(test_shell("rm -rf stage && mkdir stage"));
    EXPECT_EQ(stage_copy(&set, dir), 0);
    if (geteuid() != 0) {
        return; /* chroot needs root */
    }
    /* Without /proc the linker must be told what $ORIGIN is. */
    snprintf(line, sizeof(line),
             "mknod -m 666 stage/dev/null c 1 3; PATH=/usr/sbin:$PATH;"
             "[ \"$(env -i PATH=$PATH LD_ORIGIN_PATH=$PWD/app "
             "chroot stage %s)\" = '%s' ]",
             command, want);
    EXPECT(test_shell(line));
}

/* ---- libraries ---- */

static bool compile(void)
{
    return test_shell(
        "set -e; mkdir -p app/lib app/sub other early\n"
        "echo 'int deep(void) { return 1; }' > deep.c\n"
        "echo 'int deep(void); int lib(void) { return deep() + 1; }' > lib.c\n"
        "echo 'int lib(void); int putchar(int);"
        "int main(void) { return putchar(lib() + 48) < 0; }' > main.c\n"
        "gcc -shared -fPIC -o app/sub/libdeep.so deep.c\n"
        "gcc -shared -fPIC -o app/lib/liblib.so lib.c -Lapp/sub -ldeep\n"
        "gcc -o app/rpath main.c -Lapp/lib -llib -Wl,--disable-new-dtags"
        " -Wl,-rpath,'$ORIGIN/lib:${ORIGIN}/sub' -Wl,-rpath-link,app/sub\n"
        "gcc -o app/runpath main.c -Lapp/lib -llib -Wl,--enable-new-dtags"
        " -Wl,-rpath,'$ORIGIN/../early:$ORIGIN/lib:$ORIGIN/sub'"
        " -Wl,-rpath-link,app/sub\n"
        "echo 'int main(void) { return 0; }' > static.c\n"
        "gcc -static -o app/static static.c\n"
        "ln -s ../app/rpath other/link\n"
        "printf '#!/usr/bin/env -S A=1 bash\\necho script\\n' > script\n"
        "printf '#!'\"$PWD\"'/script\\necho nested\\n' > nested\n"
        "printf '#!'\"$PWD\"'/loop\\n' > loop\n"
        "chmod +x script nested loop");
}

static void rpath_of_the_program_serves_its_libraries(void)
{
    char command[600];

    EXPECT(collect("app/rpath"));
    EXPECT(has("/app/lib/liblib.so"));
    EXPECT(has("/app/sub/libdeep.so"));
    EXPECT(has("/ld-linux-x86-64.so.2"));
    EXPECT(has("/libc.so.6"));
    EXPECT(!has("/app/runpath"));
    snprintf(command, sizeof(command), "%s/app/rpath", test_dir());
    runs(command, "2");
}

/* DT_RUNPATH does not: natively such a program does not start either. */
static void runpath_serves_the_program_alone(void)
{
    EXPECT(collect("app/runpath"));
    EXPECT(has("/app/lib/liblib.so"));
    EXPECT(!has("/app/sub/libdeep.so"));
    EXPECT(test_shell("! app/runpath 2>/dev/null"));
}

static void the_way_through_a_link(void)
{
    char command[600];

    EXPECT(collect("other/link"));
    EXPECT(has("/other/link"));
    EXPECT(has("/app/rpath"));
    snprintf(command, sizeof(command), "%s/other/link", test_dir());
    runs(command, "2");
}

static void a_static_program_needs_no_library(void)
{
    EXPECT(collect("app/static"));
    EXPECT(has("/app/static"));
    EXPECT(!has("/libc.so.6"));
    EXPECT(has("/etc/passwd"));
}

static void the_library_path_is_not_used(void)
{
    setenv("LD_LIBRARY_PATH", test_dir(), 1);
    EXPECT(test_shell("cp app/lib/liblib.so ."));
    EXPECT(collect("app/rpath"));
    unsetenv("LD_LIBRARY_PATH");
    EXPECT(has("/app/lib/liblib.so"));
}

/* ---- scripts and languages ---- */

static void scripts_bring_their_interpreters(void)
{
    char command[600];

    EXPECT(collect("nested"));
    EXPECT(has("/script"));
    EXPECT(has("/bin/env"));
    EXPECT(has("/bin/bash"));
    snprintf(command, sizeof(command), "%s/script", test_dir());
    runs(command, "script");
    EXPECT(!collect("loop"));
}

static void python_finds_its_library(void)
{
    EXPECT(collect("/usr/bin/python3"));
    runs("/usr/bin/python3 -c 'import json, hashlib, sqlite3, ssl, threading,"
         " ctypes, zoneinfo; print(json.dumps(sqlite3.connect(\":memory:\")."
         "execute(\"select 1\").fetchone()), zoneinfo.ZoneInfo(\"Asia/Tokyo\")"
         ")'",
         "[1] Asia/Tokyo");
}

static void perl_finds_its_library(void)
{
    EXPECT(collect("/usr/bin/perl"));
    runs(
        "/usr/bin/perl -MPOSIX -MJSON::PP -e 'print encode_json([floor(2.5)])'",
        "[2]");
}

static void missing_programs_and_junk(void)
{
    EXPECT(!collect("absent"));
    EXPECT(test_shell("head -c 3000 app/rpath > cut; chmod +x cut;"
                      "printf '\\177ELF\\2\\1\\1' > tiny; : > empty"));
    EXPECT(collect("cut"));
    EXPECT(collect("tiny"));
    EXPECT(collect("empty"));
}

/* Every header field of an ELF file changed at random: no crash. */
static void damaged_elf_files(void)
{
    char path[512];
    FILE *f;

    EXPECT(test_shell("cp app/rpath hurt"));
    snprintf(path, sizeof(path), "%s/hurt", test_dir());
    for (int round = 0; round < 1500; round++) {
        struct elf_needs needs;
        long at = rand() % (round % 2 ? 800 : 16000);
        int was;

        f = fopen(path, "r+");
        fseek(f, at, SEEK_SET);
        was = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(rand(), f);
        fclose(f);
        if (elf_read(path, &needs)) {
            elf_needs_free(&needs);
        }
        f = fopen(path, "r+");
        fseek(f, at, SEEK_SET);
        fputc(was, f);
        fclose(f);
    }
    EXPECT(test_shell("cmp hurt app/rpath"));
}

/* ---- the cache ---- */

static struct stat image_stat(const char *program)
{
    char path[512], image[512];
    struct stat st = {0};

    snprintf(path, sizeof(path), "%s/%s", test_dir(), program);
    EXPECT_EQ(image_cached_closure(path, image, sizeof(image)), 0);
    EXPECT_EQ(stat(image, &st), 0);
    return st;
}

/* Whether command makes the cached image of app/rpath be made again. */
static bool remade_after(const char *command)
{
    struct stat before = image_stat("app/rpath"), after;

    EXPECT(test_shell(command));
    after = image_stat("app/rpath");
    return before.st_ino != after.st_ino ||
           before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
           before.st_ctim.tv_nsec != after.st_ctim.tv_nsec;
}

static void the_cache_notices_changes(void)
{
    char cache[512];

    snprintf(cache, sizeof(cache), "%s/cache", test_dir());
    setenv("XDG_CACHE_HOME", cache, 1);
    EXPECT(test_shell("mkdir -p cache"));
    EXPECT(!remade_after("true"));
    EXPECT(!remade_after("touch app/unrelated other/unrelated"));
    EXPECT(remade_after("touch app/lib/liblib.so"));
    EXPECT(remade_after("cp -p app/sub/libdeep.so x && mv x "
                        "app/sub/libdeep.so"));
    EXPECT(remade_after("chmod 700 app/rpath"));
    EXPECT(remade_after("chmod 711 app"));
    /* A library where the linker looks first. */
    EXPECT(remade_after("cp app/sub/libdeep.so app/lib/"));
    EXPECT(remade_after("rm app/lib/libdeep.so"));
    EXPECT(remade_after("rm cache/enclos/*.manifest"));
    EXPECT(remade_after("rm cache/enclos/*.img; touch keeps-the-inode"));
    EXPECT(remade_after("truncate -s -3 cache/enclos/*.manifest"));
    EXPECT(!remade_after("true"));
    EXPECT(test_shell("! ls -d cache/enclos/*stage* 2>/dev/null"));
}

static void a_cached_directory(void)
{
    char dir[512], image[512];
    struct stat before, after;

    EXPECT(test_shell("mkdir -p tree/sub && echo 1 > tree/sub/f &&"
                      "ln -s /etc/passwd tree/out"));
    snprintf(dir, sizeof(dir), "%s/tree", test_dir());
    EXPECT_EQ(image_cached_dir(dir, image, sizeof(image)), 0);
    EXPECT_EQ(stat(image, &before), 0);
    EXPECT_EQ(image_cached_dir(dir, image, sizeof(image)), 0);
    EXPECT_EQ(stat(image, &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT(test_shell("echo 2 > tree/sub/g"));
    EXPECT_EQ(image_cached_dir(dir, image, sizeof(image)), 0);
    EXPECT_EQ(stat(image, &after), 0);
    EXPECT(before.st_ino != after.st_ino);
}

/* Entries a, b and c of 1 MiB each, of use 3, 2 and 1 days ago. */
static bool make_entries(void)
{
    return test_shell("mkdir trim && cd trim && for e in a:3 b:2 c:1; do "
                      "head -c 1M /dev/zero >${e%:*}.img; "
                      "touch -d \"${e#*:} days ago\" ${e%:*}.manifest; done");
}

static void the_cache_is_trimmed(void)
{
    char dir[512], manifest[600];

    snprintf(dir, sizeof(dir), "%s/trim", test_dir());
    snprintf(manifest, sizeof(manifest), "%s/a.manifest", dir);
    EXPECT(make_entries());
    EXPECT(
        test_shell("cd trim && mkdir -p a.stage-1/d && touch b.img.7.tmp "
                   "c.manifest.9 debug-key.pem new.stage-2 && "
                   "touch -d '2 days ago' a.stage-1 b.img.7.tmp c.manifest.9 "
                   "debug-key.pem"));
    cache_trim(dir, 4 << 20);
    EXPECT(test_shell("cd trim && ls a.img b.img c.img debug-key.pem "
                      "new.stage-2 >/dev/null && [ $(ls | wc -l) = 8 ]"));
    cache_used(manifest);
    cache_trim(dir, 5 << 19); /* 2.5 MiB */
    EXPECT(test_shell("cd trim && ls a.img c.img a.manifest >/dev/null && "
                      "[ ! -e b.img ] && [ ! -e b.manifest ]"));
    cache_trim(dir, 0);
    EXPECT(test_shell("cd trim && ls a.img a.manifest debug-key.pem "
                      "new.stage-2 >/dev/null && [ $(ls | wc -l) = 4 ]"));
    cache_trim("/nonexistent", 0);
}

int main(void)
{
    if (!compile()) {
        printf("not ok compiling the programs\n");
        return 1;
    }
    RUN(rpath_of_the_program_serves_its_libraries);
    RUN(runpath_serves_the_program_alone);
    RUN(the_way_through_a_link);
    RUN(a_static_program_needs_no_library);
    RUN(the_library_path_is_not_used);
    RUN(scripts_bring_their_interpreters);
    RUN(python_finds_its_library);
    RUN(perl_finds_its_library);
    RUN(missing_programs_and_junk);
    RUN(damaged_elf_files);
    RUN(the_cache_notices_changes);
    RUN(a_cached_directory);
    RUN(the_cache_is_trimmed);
    path_set_free(&set);
    return unit_result();
}
