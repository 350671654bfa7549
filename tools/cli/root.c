/* SPDX-License-Identifier: MIT
 *
 * --root: from a word to an open root file system.
 */
#include "tools/cli/root.h"
#include "tools/cli/cli.h"
#include "tools/cli/progress.h"
#include "tools/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_image(const char *path, struct boot_info *info)
{
    struct image_trailer trailer;

    if (image_open(path, &info->image_fd, &info->image_size, &trailer)) {
        return EXIT_OURS;
    }
    info->root = ROOT_IMAGE;
    memcpy(info->root_hash, trailer.root_hash, sizeof(info->root_hash));
    return 0;
}

int root_resolve(const char *program, char *out)
{
    const char *path = getenv("PATH");
    struct stat st;

    if (strchr(program, '/')) {
        if (!realpath(program, out)) {
            say("%s: %s", program, strerror(errno));
            return errno == EACCES ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND;
        }
        /* Keep the name it was called by: busybox looks at it. */
        if (program[0] == '/') {
            snprintf(out, PATH_MAX, "%s", program);
        }
    } else {
        char *list = strdup(path ? path : "/usr/bin:/bin"), *save;
        bool found = false;

        for (char *dir = strtok_r(list, ":", &save); dir && !found;
             dir = strtok_r(NULL, ":", &save)) {
            found = snprintf(out, PATH_MAX, "%s/%s", dir, program) < PATH_MAX &&
                    dir[0] == '/' && !access(out, X_OK) && !stat(out, &st) &&
                    S_ISREG(st.st_mode);
        }
        free(list);
        if (!found) {
            say(access(program, F_OK) ? "%s: not found in PATH"
                                      : "%s: not found in PATH; what is here "
                                        "is ./%s",
                program, program);
            return EXIT_NOT_FOUND;
        }
    }
    if (stat(out, &st) || !S_ISREG(st.st_mode) || access(out, X_OK)) {
        say("%s: not executable", program);
        return EXIT_NOT_EXECUTABLE;
    }
    return 0;
}

static int choose_auto(struct boot_info *info)
{
    static char program[PATH_MAX];
    char image[PATH_MAX];
    int status = root_resolve(info->program, program);

    if (status) {
        return status;
    }
    progress_begin("packing the program and what it needs");
    status = image_cached_closure(program, image, sizeof(image));
    progress_end();
    if (status) {
        return EXIT_OURS;
    }
    info->program = program;
    return open_image(image, info);
}

static int choose_host(struct boot_info *info)
{
    static char cwd[PATH_MAX];

    info->root = ROOT_HOST;
    info->host_root_fd = open("/", O_PATH | O_DIRECTORY);
    if (info->host_root_fd < 0) {
        return fail("cannot open /: %s", strerror(errno));
    }
    if (!info->cwd) {
        info->cwd = getcwd(cwd, sizeof(cwd));
    }
    return 0;
}

int root_choose(const char *spec, struct boot_info *info)
{
    char image[PATH_MAX];
    struct stat st;
    int status;

    if (!strcmp(spec, "auto")) {
        return choose_auto(info);
    }
    if (!strcmp(spec, "host")) {
        return choose_host(info);
    }
    if (stat(spec, &st)) {
        return fail("cannot use %s as root: %s; --root takes auto, host, a "
                    "directory or an image",
                    spec, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        progress_begin("packing the directory");
        status = image_cached_dir(spec, image, sizeof(image));
        progress_end();
        return status ? EXIT_OURS : open_image(image, info);
    }
    return open_image(spec, info);
}
