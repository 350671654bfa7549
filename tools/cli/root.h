/* SPDX-License-Identifier: MIT
 *
 * Which root file system a program gets.
 */
#ifndef TOOLS_CLI_ROOT_H
#define TOOLS_CLI_ROOT_H

#include "kernel/kernel.h"

/* Opens what spec names (auto, host, a directory, an image) and fills root,
 * image_* or host_root_fd, and cwd where it is unset. With auto, program is
 * resolved by PATH and replaced by its path. Returns 0, or an exit status
 * after a message. */
int root_choose(const char *spec, struct boot_info *info);

/* The program's path on this host (PATH_MAX bytes), as a shell would find it.
 * 0, or an exit status after a message. */
int root_resolve(const char *program, char *out);

#endif
