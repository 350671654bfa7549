/* SPDX-License-Identifier: MIT
 *
 * Descriptors 0, 1 and 2 are looked at here, before the kernel starts: it would
 * have to ask for each, and to leave the enclave for that.
 */
#include "tools/cli/streams.h"
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void look_at_streams(struct host_stream out[3])
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;

        out[fd] = (struct host_stream){0};
        if (fstat(fd, &st)) {
            continue;
        }
        out[fd] = (struct host_stream){
            .open = true,
            .tty = isatty(fd),
            .mode = st.st_mode,
            .rdev_major = major(st.st_rdev),
            .rdev_minor = minor(st.st_rdev),
            .size = (uint64_t)st.st_size,
        };
    }
}
