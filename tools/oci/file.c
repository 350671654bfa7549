/* SPDX-License-Identifier: MIT
 *
 * Whole files in memory, decompressed by the program for their format into an
 * unnamed temporary file first.
 */
#include "tools/oci/oci.h"
#include "tools/image/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAGIC_MAX = 6, CANNOT_START = 127 };

static const struct {
    const char *magic;
    size_t len;
    const char *program;
} formats[] = {
    {"\x1f\x8b", 2, "gzip"},
    {"\x28\xb5\x2f\xfd", 4, "zstd"},
    {"\xfd\x37zXZ", 6, "xz"},
    {"BZh", 3, "bzip2"},
};

static const char *decompressor(int fd)
{
    char head[MAGIC_MAX] = {0};
    ssize_t n = pread(fd, head, sizeof(head), 0);

    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        if (n >= (ssize_t)formats[i].len &&
            !memcmp(head, formats[i].magic, formats[i].len)) {
            return formats[i].program;
        }
    }
    return NULL;
}

static int unnamed_file(void)
{
    const char *tmp = getenv("TMPDIR");

    return open(tmp ? tmp : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int decompress(const char *path, const char *program, int from, int to)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(from, 0);
        dup2(to, 1);
        execlp(program, program, "-dc", (char *)NULL);
        _exit(CANNOT_START);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return image_error("cannot run %s: %s", program, strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_START) {
        return image_error("%s is compressed and %s is missing: install the "
                           "package %s",
                           path, program,
                           !strcmp(program, "xz") ? "xz-utils" : program);
    }
    return status ? image_error("%s: %s says that it is damaged", path, program)
                  : 0;
}

static int map(const char *path, int fd, struct file_bytes *out)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st)) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    out->size = (size_t)st.st_size;
    out->bytes = NULL;
    if (!S_ISREG(st.st_mode) || out->size == 0) {
        return image_error("%s: no regular file with anything in it", path);
    }
    p = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        return image_error("cannot map %s: %s", path, strerror(errno));
    }
    out->bytes = p;
    return 0;
}

int file_map(const char *path, struct file_bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), plain = -1, err;
    const char *program = fd >= 0 ? decompressor(fd) : NULL;

    if (fd < 0) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    if (program) {
        plain = unnamed_file();
        err = plain < 0 ? image_error("cannot make a temporary file: %s",
                                      strerror(errno))
                        : decompress(path, program, fd, plain);
        err = err ? err : map(path, plain, out);
    } else {
        err = map(path, fd, out);
    }
    if (plain >= 0) {
        close(plain);
    }
    close(fd);
    return err;
}

int file_map_raw(const char *path, struct file_bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err;

    if (fd < 0) {
        return image_error("cannot read %s: %s", path, strerror(errno));
    }
    err = map(path, fd, out);
    close(fd);
    return err;
}

void file_unmap(struct file_bytes *f)
{
    munmap((void *)f->bytes, f->size);
}
