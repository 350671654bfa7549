/* SPDX-License-Identifier: MIT
 *
 * proc(5), oom_score_adj and oom_adj: who has no right to lower it may take
 * back what it has added, and so may its children, but no more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void set(const char *file, const char *value)
{
    int fd = open(file, O_RDWR);
    char now[16] = "";
    long n = write(fd, value, strlen(value));
    int err = n < 0 ? errno : 0;

    n = pread(fd, now, sizeof(now) - 1, 0);
    printf("%s %s: %s, %.*s\n", file, value, strerror(err), (int)n - 1, now);
    close(fd);
}

int main(void)
{
    static const char score[] = "/proc/self/oom_score_adj",
                      old[] = "/proc/self/oom_adj";

    setbuf(stdout, NULL);
    set(score, "600"); /* whoever we are */
    if (setresgid(65534, 65534, 65534) == 0 &&
        setresuid(65534, 65534, 65534) == 0) {
        prctl(PR_SET_DUMPABLE, 1);
    }
    set(score, "800");
    set(score, "600");
    set(score, "-1000");
    set(score, "900");
    set(old, "5");
    set(old, "15");
    set(score, "700");
    if (fork() == 0) {
        set(score, "600");
        set(score, "-1000");
        set(score, "1001");
        return 0;
    }
    wait(NULL);
    return 0;
}
