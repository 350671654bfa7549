/* SPDX-License-Identifier: MIT
 * chroot(2) and execve(2), nothing else: the native side of the benchmarks
 * runs from the same tree that ours has as an image. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/root", NULL};

    if (argc < 3 || chroot(argv[1]) || chdir("/")) {
        perror("chroot-exec");
        return 125;
    }
    execve(argv[2], argv + 2, env);
    perror(argv[2]);
    return 127;
}
