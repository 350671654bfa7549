/* SPDX-License-Identifier: MIT
 *
 * Names of files that outlive their paths: name_to_handle_at and
 * open_by_handle_at.
 */
#include "tests/guest/show.h"

static struct {
    unsigned bytes;
    int type;
    char handle[128];
} h;

static long name(int dir, const char *path, unsigned room, int flags)
{
    int mount = 0;

    h.bytes = room;
    return RAW(name_to_handle_at, dir, path, &h, &mount, flags);
}

static void naming(int dir)
{
    title("naming");
    SHOW(name(dir, "f", 128, 0));
    SHOW(name(dir, "f", 0, 0));
    EXPECT(h.bytes > 0);
    SHOW(name(dir, "none", 128, 0));
    SHOW(name(dir, "", 128, 0));
    SHOW(name(dir, "", 128, AT_EMPTY_PATH));
    SHOW(name(99, "f", 128, 0));
    SHOW(name(dir, "f/x", 128, 0));
    SHOW(name(dir, "f", 129, 0));
    SHOW(name(dir, "f", 128, 0x40000000));
    CALL(name_to_handle_at, dir, BAD, &h, BAD, 0);
    CALL(name_to_handle_at, dir, "f", BAD, BAD, 0);
    h.bytes = 128;
    CALL(name_to_handle_at, dir, "f", &h, BAD, 0);
}

static void opening(int dir)
{
    char text[16] = "";

    title("opening");
    name(dir, "f", 128, 0);
    rename("/tmp/f", "/tmp/g");
    int fd = CALL(open_by_handle_at, dir, &h, O_RDONLY);
    read(fd, text, 15);
    printf("[%s]\n", text);
    close(fd);
    CALL(open_by_handle_at, 99, &h, O_RDONLY);
    CALL(open_by_handle_at, dir, BAD, O_RDONLY);
    h.bytes = 0;
    CALL(open_by_handle_at, dir, &h, O_RDONLY);
    h.bytes = 129;
    CALL(open_by_handle_at, dir, &h, O_RDONLY);
    name(dir, "g", 128, 0);
    unlink("/tmp/g");
    CALL(open_by_handle_at, dir, &h, O_RDONLY);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(open_by_handle_at, dir, &h, O_RDONLY);
}

int main(void)
{
    show_start();
    put("/tmp/f", "text");
    int dir = open("/tmp", O_RDONLY);

    naming(dir);
    opening(dir);
    return 0;
}
