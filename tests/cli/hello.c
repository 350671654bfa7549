/* SPDX-License-Identifier: MIT */
/* Prints what a policy decides: arguments, a variable, ids, directory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *x = getenv("X"), *y = getenv("Y");
    struct rlimit l;
    char cwd[256], host[65];
    mode_t mask = umask(0);
    struct statfs fs;

    for (int i = 0; i < argc; i++) {
        printf("%s%s", i ? " " : "", argv[i]);
    }
    gethostname(host, sizeof(host));
    getrlimit(RLIMIT_NOFILE, &l);
    printf("\nX=%s Y=%s\n", x ? x : "-", y ? y : "-");
    printf("uid %d gid %d umask %03o cwd %s host %s\n", getuid(), getgid(),
           mask, getcwd(cwd, sizeof(cwd)), host);
    printf("nofile %ld %ld\n", (long)l.rlim_cur, (long)l.rlim_max);
    printf("scratch %s\n", statfs("/scratch/a", &fs)           ? "none"
                           : fs.f_blocks * fs.f_bsize == 65536 ? "64K"
                                                               : "other");
    return 3;
}
